package sheet

import (
	"time"

	"github.com/adgang/adgang/internal/form"
)

// Birth reads the CPR number (ten digits) and the date of birth (midnight UTC,
// that of the CPR number when it stands alone); where both stand, they must
// agree. With needed a row has one of them.
func (r *Row) Birth(cpr, date Field, needed bool) (number string, born time.Time) {
	before := len(r.Findings)
	number, ofCPR := r.cpr(cpr)
	given := r.dateOfBirth(date)
	switch {
	case Bad(r.Findings[before:]):
		return "", time.Time{}
	case number == "" && given.IsZero():
		if !needed {
			return "", time.Time{}
		}
		f := cpr
		if !r.Has(cpr) {
			f = date
		}
		r.Fail(f, "sheet.row.missing", "The row has neither a CPR number nor a date of birth. Every employee needs one of them.")
		return "", time.Time{}
	case number == "":
		return "", given
	case !given.IsZero() && !given.Equal(ofCPR):
		r.Fail(date, "sheet.row.birth_mismatch", "The date of birth is not that of the CPR number. Correct one of them.")
		return "", time.Time{}
	}
	return number, ofCPR
}

// cpr reads an optional CPR number into its ten digits and date of birth.
func (r *Row) cpr(f Field) (number string, born time.Time) {
	s, ok := r.clean(f)
	if !ok || s == "" {
		return "", time.Time{}
	}
	number, ok = cprDigits(s)
	if !ok {
		switch {
		case rewritten(s):
			r.Fail(f, "sheet.row.rewritten_number", rewrittenText)
		case len(s) == 9 && form.Digits(s):
			// Never completed by guessing: a digit forgotten elsewhere looks the same.
			r.Fail(f, "sheet.row.cpr_nine_digits", "The CPR number has nine digits; a spreadsheet program has probably dropped a leading zero. Format the column as text and type it again.")
		default:
			r.Fail(f, "sheet.row.cpr", "This is not a CPR number. Write it as DDMMYY-1234 or as ten digits.")
		}
		return "", time.Time{}
	}
	if number == "0000000000" {
		r.Fail(f, "sheet.row.cpr_dummy", "0000000000 stands for nobody. Leave the cell empty and give the date of birth in a column of its own.")
		return "", time.Time{}
	}
	born, fictitious, ok := birthOfCPR(number)
	switch {
	case !ok:
		r.Fail(f, "sheet.row.cpr", "The CPR number does not begin with a date. Write it as DDMMYY-1234 or as ten digits.")
		return "", time.Time{}
	case fictitious && !r.form.TestData:
		r.Fail(f, "sheet.row.cpr_fictitious", "This is a fictitious CPR number (60 added to the day). Only an installation for test data takes it.")
		return "", time.Time{}
	case !r.plausible(f, born):
		return "", time.Time{}
	case fictitious && !r.testSeen:
		r.testSeen = true
		r.Note(f, "sheet.row.cpr_test", "This is a fictitious CPR number (60 added to the day), taken because this installation is for test data. Further ones in the file are not reported.")
	}
	return number, born
}

// dateOfBirth reads an optional date of birth.
func (r *Row) dateOfBirth(f Field) time.Time {
	s, ok := r.clean(f)
	if !ok || s == "" {
		return time.Time{}
	}
	day, ok := parseDay(s)
	if !ok {
		r.Fail(f, "sheet.row.birth_date", "This is not a date. Write it as dd-mm-yyyy or yyyy-mm-dd, with four digits for the year.")
		return time.Time{}
	}
	if !r.plausible(f, day) {
		return time.Time{}
	}
	return day
}

func (r *Row) plausible(f Field, born time.Time) bool {
	if born.Year() >= 1900 && !born.After(r.form.Now) {
		return true
	}
	r.Fail(f, "sheet.row.birth_range", "The date of birth is in the future or before 1900. Correct it.")
	return false
}
