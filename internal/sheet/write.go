package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// CSV writes a table that spreadsheet programs open as it is: UTF-8 with BOM,
// semicolons, CRLF, and no cell that runs as a formula.
type CSV struct{ csv *csv.Writer }

// NewCSV begins a table with its header line.
func NewCSV(w io.Writer, header ...string) (*CSV, error) {
	if _, err := w.Write(utf8BOM); err != nil {
		return nil, fmt.Errorf("write a table: %w", err)
	}
	c := &CSV{csv: csv.NewWriter(w)}
	c.csv.Comma, c.csv.UseCRLF = ';', true
	return c, c.Write(header...)
}

// Write adds a line; its cells are made inert.
func (c *CSV) Write(cells ...string) error {
	line := make([]string, len(cells))
	for i, cell := range cells {
		line[i] = Inert(cell)
	}
	if err := c.csv.Write(line); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// Close hands on what is still held back. It must be called at the end.
func (c *CSV) Close() error {
	c.csv.Flush()
	if err := c.csv.Error(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// Inert is a cell that no spreadsheet program takes for a formula: with an
// apostrophe before =, +, -, @, a tab or a carriage return at its beginning.
func Inert(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}
