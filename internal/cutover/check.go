package cutover

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// checker turns entries into records, row by row, and remembers what must not
// come twice.
type checker struct {
	columns
	Options
	seen     seen
	testSeen bool // the notice about fictitious CPR numbers was given

	line     int
	cells    []string
	findings []Finding
}

func newChecker(cols columns, o Options) *checker {
	return &checker{columns: cols, Options: o, seen: seen{lines: map[[12]byte]uint32{}}}
}

// check reads one entry. The findings are the caller's to keep.
func (c *checker) check(e entry) (Record, []Finding) {
	c.line, c.cells, c.findings = e.line, e.cells, nil
	r := Record{Line: e.line}
	if !c.shaped(e) {
		return r, c.findings
	}
	r.RID = c.rid()
	r.GivenName = c.personName(givenName)
	r.Surname = c.personName(surname)
	r.Email = c.email()
	r.Phone = c.phone()
	r.CPR, r.DateOfBirth = c.birth()
	r.Carrier = oneOf(c, signatureType, CodeCard, carriers, "cutover.row.signature_type", "Nøglekort, Nøglefil or Hardware")
	r.Blocked = oneOf(c, status, false, statuses, "cutover.row.status", "Aktiv or Spærret")
	r.PNumber = c.digits(pNumber, 10, "cutover.row.p_number")
	r.SENumber = c.digits(seNumber, 8, "cutover.row.se_number")
	r.LocalUserID = c.text(localUserID, 64)
	c.compare(r)
	return r, c.findings
}

// fail adds an error about a cell. Its text must not repeat the cell.
func (c *checker) fail(f field, code, text string, args ...any) {
	c.add(f, Error, code, text, args...)
}

func (c *checker) notice(f field, code, text string, args ...any) {
	c.add(f, Notice, code, text, args...)
}

func (c *checker) add(f field, s Severity, code, text string, args ...any) {
	value := strings.TrimSpace(c.raw(f))
	switch f {
	case cpr:
		value = maskCPR(value)
	case rid:
		value = cut(visible(value), maxValue) // a RID of ten digits may look like a CPR number
	default:
		value = shown(value)
	}
	c.findings = append(c.findings, Finding{
		Line: c.line, Column: c.name(f), Value: value, Code: code, Message: fmt.Sprintf(text, args...), Severity: s,
	})
}

// raw is the cell as it stands in the file, "" when the file has no such
// column.
func (c *checker) raw(f field) string {
	if i := c.at[f]; i >= 0 && i < len(c.cells) {
		return c.cells[i]
	}
	return ""
}

// shaped checks that the row has the cells that the header promises. Where a
// cell is missing or one too many, no cell can be trusted to be in its column.
func (c *checker) shaped(e entry) bool {
	want, got := len(c.names), len(e.cells)
	f := Finding{Line: e.line, Code: e.flaw, Severity: Error}
	switch {
	case e.flaw == "cutover.row.quote":
		f.Message = "A quotation mark stands inside a cell or is not closed. Double it inside quoted cells, or remove it."
	case e.flaw != "":
		f.Message = fmt.Sprintf("The line is longer than %d bytes. Check for a missing line break.", maxRecord)
	case got > want:
		f.Code = "cutover.row.too_many_cells"
		f.Value = shown(strings.TrimSpace(e.cells[want]))
		f.Message = fmt.Sprintf("The row has %d cells, the header %d. Put cells that contain the separator in quotation marks, or remove what is too many.", got, want)
	case got < want && !e.ragged:
		f.Code = "cutover.row.too_few_cells"
		f.Column = c.names[got]
		f.Message = fmt.Sprintf("The row has %d cells, the header %d. Fill in the missing ones or leave them empty between separators.", got, want)
	default:
		return true
	}
	if e.flaw != "" && e.at < want {
		f.Column = c.names[e.at]
	}
	c.findings = append(c.findings, f)
	return false
}

// clean is the cell without stray blanks. It is false, with the error added,
// when the cell cannot be meant.
func (c *checker) clean(f field) (string, bool) {
	s, trouble := cleaned(c.raw(f))
	switch {
	case trouble == controlCharacter:
		c.fail(f, "cutover.row.control_character", "The cell holds a line break or another control character. Remove it.")
	case trouble == unreadable:
		c.fail(f, "cutover.row.encoding", "The cell holds letters that were saved in the wrong encoding. Export again as UTF-8.")
	case strings.HasPrefix(s, "#") && excelErrors[strings.ToUpper(s)]:
		c.fail(f, "cutover.row.formula_error", "The cell holds the error of a formula instead of a value. Type the value itself.")
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

// required is clean for a cell that must not be empty.
func (c *checker) required(f field) (string, bool) {
	s, ok := c.clean(f)
	if ok && s == "" {
		c.fail(f, "cutover.row.missing", "The cell is empty. Every employee needs a value here.")
		return "", false
	}
	return s, ok
}

// text is an optional text of at most limit characters.
func (c *checker) text(f field, limit int) string {
	s, ok := c.clean(f)
	if ok && runes(s) > limit {
		c.fail(f, "cutover.row.too_long_text", "The text is longer than %d characters. Shorten it.", limit)
		return ""
	}
	return s
}

// exponent is a long number as a spreadsheet rewrites it: 1,29986E+12.
var exponent = regexp.MustCompile(`^\d([.,]\d+)?[eE]\+\d+$`)

func rewritten(s string) bool { return strings.Contains(s, "+") && exponent.MatchString(s) }

const rewrittenText = "A spreadsheet program has rewritten this number and lost digits of it. Format the column as text and type it again."

// rid reads the RID: opaque text, kept exactly.
func (c *checker) rid() string {
	s, ok := c.required(rid)
	switch {
	case !ok:
		return ""
	case rewritten(s):
		c.fail(rid, "cutover.row.rewritten_number", rewrittenText)
		return ""
	case runes(s) > 64:
		c.fail(rid, "cutover.row.rid", "A RID has at most 64 characters. Copy it again from the old administration.")
		return ""
	}
	return s
}

const maxName = 100 // characters of a given name or a surname

func (c *checker) personName(f field) string {
	s, ok := c.required(f)
	switch {
	case !ok:
		return ""
	case runes(s) > maxName:
		c.fail(f, "cutover.row.too_long_text", "A name has at most %d characters. Shorten it.", maxName)
		return ""
	case !hasLetter(s):
		c.fail(f, "cutover.row.name", "The name has no letter. Type the employee's name.")
		return ""
	}
	return s
}

func (c *checker) email() string {
	s, ok := c.required(email)
	switch {
	case !ok:
		return ""
	case !validEmail(s):
		c.fail(email, "cutover.row.email", "This is not one plain e-mail address such as name@company.dk. Correct it; leave out names, brackets and second addresses.")
		return ""
	case !ascii(s):
		c.notice(email, "cutover.row.email_not_ascii", "The e-mail address has letters beyond a to z: the certificate will be issued without it, and not every mail server can deliver to it.")
	}
	return s
}

func (c *checker) phone() string {
	s, ok := c.clean(phone)
	if !ok || s == "" {
		return ""
	}
	if !validPhone(s) {
		c.fail(phone, "cutover.row.phone", "This is not a telephone number. Use 5 to 15 digits, with a + and the country code before foreign ones, or leave it empty.")
		return ""
	}
	return s
}

// digits is an optional number of n digits; blanks between them are dropped.
// The check digit is not looked at: P-numbers without a right one are in use.
func (c *checker) digits(f field, n int, code string) string {
	s, ok := c.clean(f)
	if !ok || s == "" {
		return ""
	}
	s = strings.ReplaceAll(s, " ", "")
	if len(s) != n || !allDigits(s) {
		c.fail(f, code, "The number must have %d digits. If a leading zero is gone, format the column as text and type it again.", n)
		return ""
	}
	return s
}

var (
	carriers = map[string]Carrier{
		"nøglekort": CodeCard, "code_card": CodeCard, "nøglefil": KeyFile, "key_file": KeyFile, "hardware": Hardware,
	}
	statuses = map[string]bool{"aktiv": false, "active": false, "spærret": true, "blocked": true}
)

// oneOf is a cell that names one of a few values; absent stands for an empty
// cell and for a column that the file lacks.
func oneOf[T any](c *checker, f field, absent T, values map[string]T, code, allowed string) T {
	s, ok := c.clean(f)
	if !ok || s == "" {
		return absent
	}
	v, ok := values[strings.ToLower(s)]
	if !ok {
		c.fail(f, code, "The value is not known. Use %s.", allowed)
		return absent
	}
	return v
}

// birth reads the CPR number and the date of birth, of which a row needs one;
// where both stand, they must agree.
func (c *checker) birth() (number string, born time.Time) {
	before := len(c.findings)
	number, ofCPR := c.cpr()
	given := c.dateOfBirth()
	switch {
	case Bad(c.findings[before:]):
		return "", time.Time{}
	case number == "" && given.IsZero():
		f := cpr
		if c.at[cpr] < 0 {
			f = dateOfBirth
		}
		c.fail(f, "cutover.row.missing", "The row has neither a CPR number nor a date of birth. Every employee needs one of them.")
		return "", time.Time{}
	case number == "":
		return "", given
	case !given.IsZero() && !given.Equal(ofCPR):
		c.fail(dateOfBirth, "cutover.row.birth_mismatch", "The date of birth is not that of the CPR number. Correct one of them.")
		return "", time.Time{}
	}
	return number, ofCPR
}

// cpr reads an optional CPR number into its ten digits and date of birth.
func (c *checker) cpr() (number string, born time.Time) {
	s, ok := c.clean(cpr)
	if !ok || s == "" {
		return "", time.Time{}
	}
	number, ok = cprDigits(s)
	if !ok {
		switch {
		case rewritten(s):
			c.fail(cpr, "cutover.row.rewritten_number", rewrittenText)
		case len(s) == 9 && allDigits(s):
			// Never completed by guessing: a digit forgotten elsewhere looks the same.
			c.fail(cpr, "cutover.row.cpr_nine_digits", "The CPR number has nine digits; a spreadsheet program has probably dropped a leading zero. Format the column as text and type it again.")
		default:
			c.fail(cpr, "cutover.row.cpr", "This is not a CPR number. Write it as DDMMYY-1234 or as ten digits.")
		}
		return "", time.Time{}
	}
	if number == "0000000000" {
		c.fail(cpr, "cutover.row.cpr_dummy", "0000000000 stands for nobody. Leave the cell empty and give the date of birth in a column of its own.")
		return "", time.Time{}
	}
	born, fictitious, ok := birthOfCPR(number)
	switch {
	case !ok:
		c.fail(cpr, "cutover.row.cpr", "The CPR number does not begin with a date. Write it as DDMMYY-1234 or as ten digits.")
		return "", time.Time{}
	case fictitious && !c.TestData:
		c.fail(cpr, "cutover.row.cpr_fictitious", "This is a fictitious CPR number (60 added to the day). Only an installation for test data takes it.")
		return "", time.Time{}
	case !c.plausible(cpr, born):
		return "", time.Time{}
	case fictitious && !c.testSeen:
		c.testSeen = true
		c.notice(cpr, "cutover.row.cpr_test", "This is a fictitious CPR number (60 added to the day), taken because this installation is for test data. Further ones in the file are not reported.")
	}
	return number, born
}

// dateOfBirth reads an optional date of birth.
func (c *checker) dateOfBirth() time.Time {
	s, ok := c.clean(dateOfBirth)
	if !ok || s == "" {
		return time.Time{}
	}
	day, ok := parseDay(s)
	if !ok {
		c.fail(dateOfBirth, "cutover.row.birth_date", "This is not a date. Write it as dd-mm-yyyy or yyyy-mm-dd, with four digits for the year.")
		return time.Time{}
	}
	if !c.plausible(dateOfBirth, day) {
		return time.Time{}
	}
	return day
}

func (c *checker) plausible(f field, born time.Time) bool {
	if born.Year() >= 1900 && !born.After(c.Now) {
		return true
	}
	c.fail(f, "cutover.row.birth_range", "The date of birth is in the future or before 1900. Correct it.")
	return false
}
