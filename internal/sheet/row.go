package sheet

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/adgang/adgang/internal/form"
)

// Row is one data row of a file that is read, with a method for each kind of
// cell; a cell that cannot be meant adds an Error and gives the zero value.
type Row struct {
	Line     int       // first physical line, or the sheet row
	Readable bool      // false: no cell can be trusted to be in its column
	Findings []Finding // so far

	form     Form
	names    []string // the header as in the file, trimmed, CPR numbers masked
	at       []int    // index of each field's column, -1 when the file lacks it
	cells    []string
	testSeen bool // the notice about fictitious CPR numbers was given
}

func (r *Row) fill(e entry) {
	r.Line, r.cells, r.Findings = e.line, e.cells, nil
	r.Readable = r.shaped(e)
}

// Has tells whether the file has a column.
func (r *Row) Has(f Field) bool { return r.at[f] >= 0 }

// name is the header of f in this file, "" when it has none.
func (r *Row) name(f Field) string {
	if r.at[f] < 0 {
		return ""
	}
	return r.names[r.at[f]]
}

// Fail adds an error about a cell. Its text must not repeat the cell.
func (r *Row) Fail(f Field, code, text string, args ...any) {
	r.add(f, Error, code, text, args...)
}

// Note adds a notice about a cell. Its text must not repeat the cell.
func (r *Row) Note(f Field, code, text string, args ...any) {
	r.add(f, Notice, code, text, args...)
}

func (r *Row) add(f Field, s Severity, code, text string, args ...any) {
	value := strings.TrimSpace(r.raw(f))
	switch r.form.Columns[f].Mask {
	case MaskCPR:
		value = maskCPR(value)
	case MaskNothing:
		value = Plain(value)
	default:
		value = Shown(value)
	}
	r.Findings = append(r.Findings, Finding{
		Line: r.Line, Column: r.name(f), Value: value, Code: code, Message: fmt.Sprintf(text, args...), Severity: s,
	})
}

// raw is the cell as it stands in the file, "" when the file has no such
// column.
func (r *Row) raw(f Field) string {
	if i := r.at[f]; i >= 0 && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

// shaped checks that the row has the cells that the header promises. Where a
// cell is missing or one too many, no cell can be trusted to be in its column.
func (r *Row) shaped(e entry) bool {
	want, got := len(r.names), len(e.cells)
	f := Finding{Line: e.line, Code: e.flaw, Severity: Error}
	switch {
	case e.flaw == "sheet.row.quote":
		f.Message = "A quotation mark stands inside a cell or is not closed. Double it inside quoted cells, or remove it."
	case e.flaw != "":
		f.Message = fmt.Sprintf("The line is longer than %d bytes. Check for a missing line break.", maxRecord)
	case got > want:
		f.Code = "sheet.row.too_many_cells"
		f.Value = Shown(strings.TrimSpace(e.cells[want]))
		f.Message = fmt.Sprintf("The row has %d cells, the header %d. Put cells that contain the separator in quotation marks, or remove what is too many.", got, want)
	case got < want && !e.ragged:
		f.Code = "sheet.row.too_few_cells"
		f.Column = r.names[got]
		f.Message = fmt.Sprintf("The row has %d cells, the header %d. Fill in the missing ones or leave them empty between separators.", got, want)
	default:
		return true
	}
	if e.flaw != "" && e.at < want {
		f.Column = r.names[e.at]
	}
	r.Findings = append(r.Findings, f)
	return false
}

// clean is the cell without stray blanks. It is false, with the error added,
// when the cell cannot be meant.
func (r *Row) clean(f Field) (string, bool) {
	raw := r.raw(f)
	if r.form.Inert && strings.HasPrefix(raw, "'") && Inert(raw[1:]) == raw {
		raw = raw[1:]
	}
	s, trouble := cleaned(raw)
	switch {
	case trouble == controlCharacter:
		r.Fail(f, "sheet.row.control_character", "The cell holds a line break or another control character. Remove it.")
	case trouble == unreadable:
		r.Fail(f, "sheet.row.encoding", "The cell holds letters that were saved in the wrong encoding. Export again as UTF-8.")
	case strings.HasPrefix(s, "#") && excelErrors[strings.ToUpper(s)]:
		r.Fail(f, "sheet.row.formula_error", "The cell holds the error of a formula instead of a value. Type the value itself.")
	default:
		return s, true
	}
	return "", false
}

// excelErrors are what a spreadsheet shows, in English and Danish, where a
// formula has no result.
var excelErrors = map[string]bool{
	"#N/A": true, "#REF!": true, "#VALUE!": true, "#NAME?": true, "#DIV/0!": true, "#NULL!": true, "#NUM!": true,
	"#I/T": true, "#REFERENCE!": true, "#VÆRDI!": true, "#NAVN?": true, "#DIVISION/0!": true, "#NUL!": true,
}

// value is clean for a cell that must not be empty where its column is required.
func (r *Row) value(f Field) (string, bool) {
	s, ok := r.clean(f)
	if ok && s == "" && r.form.Columns[f].Required {
		r.Fail(f, "sheet.row.missing", "The cell is empty. Every employee needs a value here.")
		return "", false
	}
	return s, ok
}

// Text is a text of at most limit characters.
func (r *Row) Text(f Field, limit int) string {
	s, ok := r.value(f)
	if ok && runes(s) > limit {
		r.Fail(f, "sheet.row.too_long_text", "The text is longer than %d characters. Shorten it.", limit)
		return ""
	}
	return s
}

// exponent is a long number as a spreadsheet rewrites it: 1,29986E+12.
var exponent = regexp.MustCompile(`^\d([.,]\d+)?[eE]\+\d+$`)

func rewritten(s string) bool { return strings.Contains(s, "+") && exponent.MatchString(s) }

const rewrittenText = "A spreadsheet program has rewritten this number and lost digits of it. Format the column as text and type it again."

// RID is a legacy number: opaque text, kept exactly.
func (r *Row) RID(f Field) string {
	s, ok := r.value(f)
	switch {
	case !ok:
		return ""
	case rewritten(s):
		r.Fail(f, "sheet.row.rewritten_number", rewrittenText)
		return ""
	case runes(s) > 64:
		r.Fail(f, "sheet.row.rid", "A RID has at most 64 characters. Copy it again from the old administration.")
		return ""
	}
	return s
}

const maxName = 100 // characters of a given name or a surname

// Name is a given name or a surname.
func (r *Row) Name(f Field) string {
	s, ok := r.value(f)
	switch {
	case !ok || s == "":
		return ""
	case runes(s) > maxName:
		r.Fail(f, "sheet.row.too_long_text", "A name has at most %d characters. Shorten it.", maxName)
		return ""
	case !hasLetter(s):
		r.Fail(f, "sheet.row.name", "The name has no letter. Type the employee's name.")
		return ""
	}
	return s
}

// Email is one bare address; one with letters beyond a to z gets a notice.
func (r *Row) Email(f Field) string {
	s, ok := r.value(f)
	switch {
	case !ok || s == "":
		return ""
	case !form.Mail(s):
		r.Fail(f, "sheet.row.email", "This is not one plain e-mail address such as name@company.dk. Correct it; leave out names, brackets and second addresses.")
		return ""
	case !ascii(s):
		r.Note(f, "sheet.row.email_not_ascii", "The e-mail address has letters beyond a to z: the certificate will be issued without it, and not every mail server can deliver to it.")
	}
	return s
}

// Phone is a telephone number as people write it.
func (r *Row) Phone(f Field) string {
	s, ok := r.value(f)
	if !ok || s == "" {
		return ""
	}
	if !validPhone(s) {
		r.Fail(f, "sheet.row.phone", "This is not a telephone number. Use 5 to 15 digits, with a + and the country code before foreign ones, or leave it empty.")
		return ""
	}
	return s
}

// PNumber is the number of a production unit: ten digits.
func (r *Row) PNumber(f Field) string { return r.digits(f, 10, "sheet.row.p_number") }

// SENumber is the number of a tax unit: eight digits.
func (r *Row) SENumber(f Field) string { return r.digits(f, 8, "sheet.row.se_number") }

// digits is a number of n digits; blanks between them are dropped. The check
// digit is not looked at: P-numbers without a right one are in use.
func (r *Row) digits(f Field, n int, code string) string {
	s, ok := r.value(f)
	if !ok || s == "" {
		return ""
	}
	s = strings.ReplaceAll(s, " ", "")
	if len(s) != n || !form.Digits(s) {
		r.Fail(f, code, "The number must have %d digits. If a leading zero is gone, format the column as text and type it again.", n)
		return ""
	}
	return s
}

// OneOf is a cell that names one of a few values, keyed in lower case; absent
// stands for an empty cell and for a column that the file lacks.
func OneOf[T any](r *Row, f Field, absent T, values map[string]T, code, allowed string) T {
	s, ok := r.value(f)
	if !ok || s == "" {
		return absent
	}
	v, ok := values[strings.ToLower(s)]
	if !ok {
		r.Fail(f, code, "The value is not known. Use %s.", allowed)
		return absent
	}
	return v
}
