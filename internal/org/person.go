package org

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/setting"
)

// MinimumAge is from which an employee may be created, in years, as integrators
// of MitID Erhverv have it.
const MinimumAge = 13

// Person is what an administrator says about an employee. CPR is ten digits or
// "" for nobody's business: an edit with "" keeps what is stored. Who has no CPR
// number at all is WithoutCPR.
type Person struct {
	GivenName, Surname string
	Email, Phone       string
	CPR                string
	DateOfBirth        string // YYYY-MM-DD
	WithoutCPR         bool
	RID                string // kept for good once set
	PNumber, SENumber  string
	LocalUserID        string
	Lang, Channel      string
	Anonymous          bool
	Extra              map[string]string
}

var (
	tenDigits   = regexp.MustCompile(`^\d{10}$`)
	eightDigits = regexp.MustCompile(`^\d{8}$`)
	phoneForm   = regexp.MustCompile(`^\+?[\d ().\-/]{5,31}$`)
)

// tidy takes away blanks that nobody meant.
func (p Person) tidy() Person {
	line := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	p.GivenName, p.Surname, p.Phone = line(p.GivenName), line(p.Surname), line(p.Phone)
	p.Email, p.RID, p.LocalUserID = line(p.Email), line(p.RID), line(p.LocalUserID)
	p.CPR = strings.NewReplacer("-", "", " ", "").Replace(p.CPR)
	p.PNumber, p.SENumber = strings.ReplaceAll(p.PNumber, " ", ""), strings.ReplaceAll(p.SENumber, " ", "")
	for name, value := range p.Extra {
		if p.Extra[name] = line(value); p.Extra[name] == "" {
			delete(p.Extra, name)
		}
	}
	return p
}

// form checks each field alone. Errors: fault.Invalid.
func (p Person) form() error {
	refuse := func(field, code, text string) error {
		return fault.New(fault.Invalid, "org.person."+code, "%s", text).On(field)
	}
	for field, name := range map[string]string{"given_name": p.GivenName, "surname": p.Surname} {
		if utf8.RuneCountInString(name) > 100 || strings.IndexFunc(name, unicode.IsLetter) < 0 || strings.IndexFunc(name, unicode.IsControl) >= 0 {
			return refuse(field, "name", "A name has 1 to 100 characters and at least one letter.")
		}
	}
	switch {
	case p.Email != "" && !form.Mail(p.Email):
		return refuse("email", "email", "This is not one plain e-mail address such as name@company.dk.")
	case p.Phone != "" && !phoneForm.MatchString(p.Phone):
		return refuse("phone", "phone", "This is not a telephone number: it has 5 to 15 digits, with + and the country code before foreign ones.")
	case p.PNumber != "" && !tenDigits.MatchString(p.PNumber):
		return refuse("p_number", "p_number", "A P-number has 10 digits.")
	case p.SENumber != "" && !eightDigits.MatchString(p.SENumber):
		return refuse("se_number", "se_number", "An SE number has 8 digits.")
	case utf8.RuneCountInString(p.LocalUserID) > 64:
		return refuse("local_user_id", "local_user_id", "A local user ID has at most 64 characters.")
	case utf8.RuneCountInString(p.RID) > 64:
		return refuse("rid", "rid", "A RID has at most 64 characters.")
	case p.CPR != "" && p.WithoutCPR:
		return refuse("cpr", "without_cpr", "Either give the CPR number, or say that the employee has none.")
	case p.Lang != "" && p.Lang != mail.Danish && p.Lang != mail.English:
		return refuse("lang", "lang", "The language is da or en.")
	case p.Channel != "" && p.Channel != ByMail && p.Channel != ByLetter:
		return refuse("channel", "channel", "The channel is mail or letter.")
	}
	return nil
}

// birth is the day of birth, from the CPR number when there is one, and checks
// the age. Errors: fault.Invalid.
func (p Person) birth(now time.Time) (string, error) {
	day := p.DateOfBirth
	if p.CPR != "" {
		born, ok := birthOfCPR(p.CPR)
		if !ok {
			return "", fault.New(fault.Invalid, "org.person.cpr", "This is not a CPR number: it has ten digits and begins with a day of birth, DDMMYY.").On("cpr")
		}
		if day != "" && day != born.Format(time.DateOnly) {
			return "", fault.New(fault.Invalid, "org.person.birth_differs", "The date of birth is not the one of the CPR number.").On("date_of_birth")
		}
		day = born.Format(time.DateOnly)
	}
	if day == "" {
		return "", nil
	}
	born, err := time.Parse(time.DateOnly, day)
	switch {
	case err != nil || born.Year() < 1880 || born.After(now):
		return "", fault.New(fault.Invalid, "org.person.date_of_birth", "The date of birth must be a day in the past, YYYY-MM-DD.").On("date_of_birth")
	case born.AddDate(MinimumAge, 0, 0).After(now):
		field := "date_of_birth"
		if p.CPR != "" {
			field = "cpr"
		}
		return "", fault.New(fault.Invalid, "org.person.age", "The employee is under %d years old and cannot be created.", MinimumAge).On(field)
	}
	return day, nil
}

// birthOfCPR reads the day of birth of ten digits; the seventh tells the century.
// Fictitious numbers have 60 added to the day.
func birthOfCPR(digits string) (time.Time, bool) {
	if !tenDigits.MatchString(digits) {
		return time.Time{}, false
	}
	pair := func(i int) int { return int(digits[i]-'0')*10 + int(digits[i+1]-'0') }
	day, month, year := pair(0), pair(2), pair(4)
	if day > 60 {
		day -= 60
	}
	switch c := digits[6]; {
	case c <= '3', (c == '4' || c == '9') && year > 36:
		year += 1900
	case c == '4' || c == '9' || year <= 57:
		year += 2000
	default:
		year += 1800
	}
	born := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return born, born.Day() == day && int(born.Month()) == month
}

// given are the fields that settings may require, by their names there.
func (p Person) given() map[string]bool {
	return map[string]bool{
		"cpr": p.CPR != "" || p.WithoutCPR, "date_of_birth": p.DateOfBirth != "" || p.CPR != "", "phone": p.Phone != "", "rid": p.RID != "",
		"local_user_id": p.LocalUserID != "", "p_number": p.PNumber != "", "se_number": p.SENumber != "",
	}
}

// rules are what the organisation demands of a new employee. Errors:
// fault.Invalid on the field.
func (p Person) rules(c setting.Creation) error {
	given := p.given()
	for _, field := range c.Required {
		if !given[field] {
			return fault.New(fault.Invalid, "org.person.required", "Your organisation demands this of every new employee.").On(field)
		}
	}
	if p.Email == "" {
		return fault.New(fault.Invalid, "org.person.email_missing", "The employee needs an e-mail address, for the invitation is sent there. The settings may hold a pattern for those who have none.").On("email")
	}
	if p.Anonymous && !c.Anonymous {
		return fault.New(fault.Invalid, "org.person.anonymous", "Your organisation does not let employees be anonymous. An organisation administrator can change that in the settings.").On("anonymous")
	}
	return p.extras(c)
}

func (p Person) extras(c setting.Creation) error {
	for name, value := range p.Extra {
		if !slices.Contains(c.Extra, name) || utf8.RuneCountInString(value) > 200 {
			return fault.New(fault.Invalid, "org.person.extra", "The settings of your organisation have no such field, or the text is longer than 200 characters.").On("extra")
		}
	}
	return nil
}

// defaulted fills the address of who has none from the organisation's pattern.
func (p Person) defaulted(c setting.Creation) Person {
	if p.Email != "" || c.DefaultEmail == "" {
		return p
	}
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
				return r
			}
			return -1
		}, strings.NewReplacer("æ", "ae", "ø", "oe", " ", ".").Replace(Fold(s)))
	}
	p.Email = strings.NewReplacer("{given_name}", plain(p.GivenName), "{surname}", plain(p.Surname),
		"{local_user_id}", plain(p.LocalUserID), "{rid}", plain(p.RID)).Replace(c.DefaultEmail)
	return p
}

// onto writes p into e; the caller prepares it.
func (s *Service) onto(e Employee, p Person, born string) (Employee, error) {
	e.GivenName, e.Surname, e.Email, e.Phone = p.GivenName, p.Surname, p.Email, p.Phone
	e.PNumber, e.SENumber, e.LocalUserID, e.WithoutCPR = p.PNumber, p.SENumber, p.LocalUserID, p.WithoutCPR
	if e.RID == nil && p.RID != "" {
		e.RID = &p.RID
	}
	if p.CPR != "" {
		e.CPRSealed, e.CPRMAC = SealCPR(s.Keys, e.OrgID, e.RIDText(), p.CPR)
	}
	if born != "" {
		e.DateOfBirth = born
	}
	if p.WithoutCPR {
		e.CPRSealed, e.CPRMAC = nil, nil
	}
	if p.Lang != "" {
		e.Lang = p.Lang
	}
	if p.Channel != "" {
		e.Channel = p.Channel
	}
	if p.Extra != nil {
		b, err := json.Marshal(p.Extra)
		if err != nil {
			return e, err
		}
		e.Extra = string(b)
	}
	return e, nil
}

// Extras is what the organisation keeps about the employee besides.
func (e Employee) Extras() map[string]string {
	m := map[string]string{}
	_ = json.Unmarshal([]byte(e.Extra), &m) // written by us
	return m
}

// EmailInCertificate tells whether a certificate can show the address: beyond
// ASCII it is left out.
func (e Employee) EmailInCertificate() bool {
	return strings.IndexFunc(e.Email, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// duplicate refuses who is here already: by CPR number always; by address, or by
// name and date of birth, unless the administrator has seen that employee and
// says so by its ID. Suspended people count. Errors: fault.Conflict.
func (s *Service) duplicate(ctx context.Context, db bun.IDB, e Employee, seen access.EmployeeID) error {
	find := func(where string, args ...any) ([]Employee, error) {
		var found []Employee
		err := db.NewSelect().Model(&found).Where("org_id = ?", e.OrgID).Where("id <> ?", e.ID).Where("state <> 'deleted'").
			Where(where, args...).OrderExpr("id").Limit(20).Scan(ctx)
		return found, err
	}
	if e.RID != nil {
		found, err := find("rid = ?", *e.RID)
		if err != nil || len(found) > 0 {
			return already(err, found, "rid", "RID")
		}
	}
	if e.CPRMAC != nil {
		found, err := find("cpr_mac = ?", e.CPRMAC)
		if err != nil || len(found) > 0 {
			return already(err, found, "cpr", "CPR number")
		}
	}
	other := func(o Employee) bool { return o.ID == seen }
	if e.Email != "" {
		ids := db.NewSelect().Model((*word)(nil)).Column("employee_id").Where("org_id = ?", e.OrgID).Where("word = ?", identMark+cleanWord(Fold(e.Email))).Limit(20)
		found, err := find("id IN (?)", ids)
		if found = slices.DeleteFunc(found, other); err != nil || len(found) > 0 {
			return already(err, found, "email", "e-mail address")
		}
	}
	if e.DateOfBirth == "" {
		return nil
	}
	found, err := find("sort_key = ? AND date_of_birth = ?", e.SortKey, e.DateOfBirth)
	if found = slices.DeleteFunc(found, other); err != nil || len(found) > 0 {
		return already(err, found, "surname", "name and date of birth")
	}
	return nil
}

// DuplicateError is the fault about somebody who is here already, with who that
// is.
type DuplicateError struct {
	Fault    *fault.Error
	Employee Employee
}

func (e *DuplicateError) Error() string { return e.Fault.Error() }

// Unwrap gives the fault.
func (e *DuplicateError) Unwrap() error { return e.Fault }

func already(err error, found []Employee, field, what string) error {
	if err != nil {
		return err
	}
	one := found[0]
	code, text := "org.employee.duplicate", "%s has the same %s and is an employee already. Edit that employee instead, or confirm that this is another person."
	switch {
	case field == "cpr" || field == "rid":
		code, text = "org.employee.same_person", "%s has the same %s and is an employee already. Edit that employee instead."
		if one.State != Active {
			code, text = "org.employee.suspended_exists", "%s has the same %s and is suspended. Reactivate that employee instead: rights and RID are kept."
		}
	case one.State != Active:
		code, text = "org.employee.suspended_duplicate", "%s has the same %s and is suspended. Reactivate that employee instead, or confirm that this is another person."
	}
	return &DuplicateError{Fault: fault.New(fault.Conflict, code, text, one.Name(), what).On(field), Employee: one}
}
