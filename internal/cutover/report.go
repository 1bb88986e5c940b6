package cutover

import (
	"io"
	"strconv"

	"github.com/adgang/adgang/internal/sheet"
)

// Report writes findings as a CSV file for spreadsheet programs.
type Report struct{ csv *sheet.CSV }

// NewReport writes the header line.
func NewReport(w io.Writer) (*Report, error) {
	csv, err := sheet.NewCSV(w, "line", "severity", "column", "value", "code", "message")
	return &Report{csv}, err
}

// Write adds findings, one line each.
func (r *Report) Write(findings ...Finding) error {
	for _, f := range findings {
		if err := r.csv.Write(strconv.Itoa(f.Line), string(f.Severity), f.Column, f.Value, f.Code, f.Message); err != nil {
			return err
		}
	}
	return nil
}

// Flush hands on what is still held back. It must be called at the end.
func (r *Report) Flush() error { return r.csv.Close() }
