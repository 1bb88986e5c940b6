// Package sheet reads and writes tables of people as CSV and .xlsx. It hides
// encodings, separators, the inside of a spreadsheet, and everything by which a
// file can be wrong; each mistake becomes a Finding that names line and column.
package sheet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Field is the index of a column in a form.
type Field int

// Column is one that a form knows.
type Column struct {
	// Names are the headers it goes by, in lower case; the first two are shown to
	// people, Danish and English.
	Names    []string
	Required bool // the file needs the column, and every row a value in it
	Mask     Mask
}

// Mask is how findings repeat the cells of a column.
type Mask int

// Shown masks only what reads as a CPR number, which may turn up anywhere.
const (
	MaskShown Mask = iota
	MaskCPR
	MaskNothing // opaque numbers that may look like a CPR number
)

// Form is what a file is read for. Its codes begin with "sheet.file." and
// "sheet.row.".
type Form struct {
	Columns  []Column
	OneOf    [][]Field // groups of columns of which the file needs one
	Inert    bool      // take off the apostrophe that Inert puts before +45: the file may be an export of ours
	TestData bool      // accept CPR numbers with 60 added to the day, with one notice
	Now      time.Time // nobody is born after it
}

// Summary is what was read.
type Summary struct {
	Rows     int       // data rows; blank ones do not count
	Bad      int       // of these, with an Error
	Format   string    // "csv" or "xlsx"
	Findings []Finding // notices about the file as a whole
}

// Read reads a file, CSV or .xlsx by its content, and calls visit once for each
// data row in the order of the file; the row is good until visit returns, its
// findings are the visitor's to keep. It never holds the file in memory, except
// for the texts of a spreadsheet (at most 128 MiB).
//
// A file that cannot be taken in is a fault.Invalid that wraps a *FileError;
// damage can turn up after rows were visited, so a visitor must be able to
// discard what it has seen. An error of visit or ctx stops the reading and is
// returned as it is.
func (form Form) Read(ctx context.Context, f File, visit func(*Row) error) (Summary, error) {
	t, err := open(f)
	if err != nil {
		return Summary{}, err
	}
	sum := Summary{Format: t.format}
	head, err := t.next()
	if errors.Is(err, io.EOF) {
		return sum, refusef(0, "sheet.file.empty", "The file is empty. Upload an export with a header line and one line per employee.")
	}
	if err != nil {
		return sum, err
	}
	row := &Row{form: form}
	notices, err := row.mapColumns(head)
	if err != nil {
		return sum, err
	}
	sum.Findings = append(t.notices, notices...)
	for {
		if sum.Rows%256 == 0 && ctx.Err() != nil {
			return sum, context.Cause(ctx)
		}
		e, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sum, err
		}
		row.fill(e)
		sum.Rows++
		if err := visit(row); err != nil {
			return sum, err
		}
		if Bad(row.Findings) {
			sum.Bad++
		}
	}
	if sum.Rows == 0 {
		return sum, refusef(head.line, "sheet.file.no_rows", "The file has a header line but no employees. Export again with at least one employee.")
	}
	return sum, nil
}

// mapColumns reads the header line. It returns a notice for each column that
// is not known, and refuses a header in which a required column is missing or
// one comes twice.
func (r *Row) mapColumns(head entry) ([]Finding, error) {
	if head.flaw != "" {
		return nil, refusef(head.line, "sheet.file.header", "The header line cannot be read: a quote is not closed, or the line is too long. Put the column names on the first line.")
	}
	if len(head.cells) > maxColumns {
		return nil, refusef(head.line, "sheet.file.too_many_columns", "The header line has more than %d columns. Keep only the columns of the export.", maxColumns)
	}
	known := map[string]Field{}
	r.at = make([]int, len(r.form.Columns))
	for f, c := range r.form.Columns {
		r.at[f] = -1
		for _, name := range c.Names {
			known[name] = Field(f)
		}
	}
	var findings []Finding
	add := func(s Severity, column, code, text string, args ...any) {
		findings = append(findings, Finding{Line: head.line, Column: column, Code: code, Message: fmt.Sprintf(text, args...), Severity: s})
	}
	for i, cell := range head.cells {
		name := strings.TrimSpace(norm.NFC.String(cell))
		r.names = append(r.names, Shown(name))
		f, found := known[strings.ToLower(name)]
		switch {
		case name == "":
		case !found:
			add(Notice, r.names[i], "sheet.file.unknown_column", "The column %q is not known and is ignored.", r.names[i])
		case r.at[f] >= 0:
			add(Error, r.names[i], "sheet.file.duplicate_column", "The columns %q and %q mean the same. Keep one of them.", r.name(f), r.names[i])
		default:
			r.at[f] = i
		}
	}
	for f, c := range r.form.Columns {
		if c.Required && r.at[f] < 0 {
			add(Error, "", "sheet.file.missing_column", "The column %s is missing. Add it to the header line, with a value for each employee.", c.title())
		}
	}
	for _, group := range r.form.OneOf {
		if titles := r.missing(group); titles != "" {
			add(Error, "", "sheet.file.missing_column", "The file has none of these columns: %s. Add one of them.", titles)
		}
	}
	if Bad(findings) {
		return nil, Refuse(findings...)
	}
	return findings, nil
}

// missing are the titles of a group of columns, "" when the file has one of
// them.
func (r *Row) missing(group []Field) string {
	titles := make([]string, len(group))
	for i, f := range group {
		if r.at[f] >= 0 {
			return ""
		}
		titles[i] = r.form.Columns[f].title()
	}
	return strings.Join(titles, ", ")
}

// title is the column's Danish name, with the English one beside it.
func (c Column) title() string {
	if len(c.Names) < 2 || c.Names[0] == c.Names[1] {
		return c.Names[0]
	}
	return c.Names[0] + " (or " + c.Names[1] + ")"
}
