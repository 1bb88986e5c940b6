package cutover

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Report writes findings as a CSV file that spreadsheet programs open as they
// are: UTF-8 with BOM, semicolons, CRLF, and no cell that runs as a formula.
type Report struct{ csv *csv.Writer }

// NewReport writes the header line.
func NewReport(w io.Writer) (*Report, error) {
	if _, err := w.Write(utf8BOM); err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	r := &Report{csv: csv.NewWriter(w)}
	r.csv.Comma, r.csv.UseCRLF = ';', true
	return r, r.write("line", "severity", "column", "value", "code", "message")
}

// Write adds findings, one line each.
func (r *Report) Write(findings ...Finding) error {
	for _, f := range findings {
		err := r.write(strconv.Itoa(f.Line), string(f.Severity), Inert(f.Column), Inert(f.Value), f.Code, Inert(f.Message))
		if err != nil {
			return err
		}
	}
	return nil
}

// Flush hands on what is still held back. It must be called at the end.
func (r *Report) Flush() error {
	r.csv.Flush()
	if err := r.csv.Error(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (r *Report) write(cells ...string) error {
	if err := r.csv.Write(cells); err != nil {
		return fmt.Errorf("write the report: %w", err)
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
