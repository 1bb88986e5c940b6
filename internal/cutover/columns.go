package cutover

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// field is a column that an export may have.
type field int

const (
	rid field = iota
	givenName
	surname
	email
	phone
	cpr
	dateOfBirth
	signatureType
	status
	pNumber
	seNumber
	localUserID
	fields // how many there are
)

// headers are the names of each field in Danish and English, in lower case.
var headers = [fields][2]string{
	rid:           {"rid", "rid"},
	givenName:     {"fornavn", "given_name"},
	surname:       {"efternavn", "surname"},
	email:         {"e-mail", "email"},
	phone:         {"telefon", "phone"},
	cpr:           {"cpr", "cpr"},
	dateOfBirth:   {"fødselsdato", "date_of_birth"},
	signatureType: {"signaturtype", "signature_type"},
	status:        {"status", "status"},
	pNumber:       {"p-nummer", "p_number"},
	seNumber:      {"se-nummer", "se_number"},
	localUserID:   {"medarbejdernummer", "local_user_id"},
}

var byHeader = func() map[string]field {
	m := make(map[string]field, 2*fields)
	for f, names := range headers {
		m[names[0]], m[names[1]] = field(f), field(f)
	}
	return m
}()

// columns says where each field stands in the rows of one file.
type columns struct {
	names []string    // the header as in the file, trimmed, CPR numbers masked
	at    [fields]int // index of the column, -1 when the file lacks it
}

// name is the header of f in this file, for findings.
func (c *columns) name(f field) string {
	if c.at[f] < 0 {
		return ""
	}
	return c.names[c.at[f]]
}

// mapColumns reads the header line. It returns a notice for each column that
// is not known, and refuses a header in which a required column is missing or
// one comes twice.
func mapColumns(head entry) (columns, []Finding, error) {
	var c columns
	if head.flaw != "" {
		return c, nil, refusef(head.line, "cutover.file.header", "The header line cannot be read: a quote is not closed, or the line is too long. Put the column names on the first line.")
	}
	if len(head.cells) > maxColumns {
		return c, nil, refusef(head.line, "cutover.file.too_many_columns", "The header line has more than %d columns. Keep only the columns of the export.", maxColumns)
	}
	for f := range c.at {
		c.at[f] = -1
	}
	var findings []Finding
	add := func(s Severity, column, code, text string, args ...any) {
		findings = append(findings, Finding{Line: head.line, Column: column, Code: code, Message: fmt.Sprintf(text, args...), Severity: s})
	}
	for i, cell := range head.cells {
		name := strings.TrimSpace(norm.NFC.String(cell))
		c.names = append(c.names, shown(name))
		f, known := byHeader[strings.ToLower(name)]
		switch {
		case name == "":
		case !known:
			add(Notice, c.names[i], "cutover.file.unknown_column", "The column %q is not known and is ignored.", c.names[i])
		case c.at[f] >= 0:
			add(Error, c.names[i], "cutover.file.duplicate_column", "The columns %q and %q mean the same. Keep one of them.", c.name(f), c.names[i])
		default:
			c.at[f] = i
		}
	}
	for _, f := range []field{rid, givenName, surname, email, cpr} {
		da, en := headers[f][0], headers[f][1]
		switch {
		case c.at[f] >= 0:
		case f != cpr:
			add(Error, "", "cutover.file.missing_column", "The column %s (or %s) is missing. Add it to the header line, with a value for each employee.", da, en)
		case c.at[dateOfBirth] < 0:
			add(Error, "", "cutover.file.missing_column", "The file has neither a column cpr nor %s (or %s). Add one of them.", headers[dateOfBirth][0], headers[dateOfBirth][1])
		}
	}
	if Bad(findings) {
		return c, nil, refuse(findings...)
	}
	return c, findings, nil
}
