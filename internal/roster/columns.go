package roster

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/sheet"
)

// The columns that a file may have; the organisation's extra ones follow.
const (
	uuid sheet.Field = iota
	rid
	localUserID
	cpr
	email
	givenName
	surname
	dateOfBirth
	phone
	pNumber
	seNumber
	anonymous
	withoutCPR
	language
	channel
	status
	extra // first of the organisation's own
)

// columns are in the order of the constants, and of exports. The third name and
// those after it are what other systems call them.
var columns = []sheet.Column{
	{Names: []string{"uuid", "employee_uuid", "medarbejder-id", "brugernummer"}, Mask: sheet.MaskNothing},
	{Names: []string{"rid", "rid-nummer"}, Mask: sheet.MaskNothing},
	{Names: []string{"medarbejdernummer", "local_user_id", "localuserid", "brugerid"}},
	{Names: []string{"cpr", "cpr_number", "cpr-nummer", "cprnumber"}, Mask: sheet.MaskCPR},
	{Names: []string{"e-mail", "email", "mail", "emailaddress"}},
	{Names: []string{"fornavn", "given_name", "firstname", "first name", "givenname"}},
	{Names: []string{"efternavn", "surname", "lastname", "last name"}},
	{Names: []string{"fødselsdato", "date_of_birth", "dateofbirth", "date of birth"}},
	{Names: []string{"telefon", "phone", "mobil", "telefonnummer"}},
	{Names: []string{"p-nummer", "p_number", "pnumber"}},
	{Names: []string{"se-nummer", "se_number", "senumber"}},
	{Names: []string{"anonym", "anonymous"}},
	{Names: []string{"uden cpr", "without_cpr"}},
	{Names: []string{"sprog", "language"}},
	{Names: []string{"kanal", "channel"}},
	{Names: []string{"status", "state"}},
}

// form is what a file is read for, with the organisation's own columns.
func (s *Service) form(extras []string) sheet.Form {
	all := slices.Clone(columns)
	for _, name := range extras {
		all = append(all, sheet.Column{Names: []string{strings.ToLower(name)}})
	}
	return sheet.Form{
		Columns: all, OneOf: [][]sheet.Field{{uuid, rid, localUserID, cpr, email}}, Inert: true, TestData: s.TestData, Now: s.Now(),
	}
}

// line is what one line of a file says. A cell that is empty, or whose column is
// missing, leaves what is known as it is.
type line struct {
	UUID        string            `json:"uuid,omitempty"`
	RID         string            `json:"rid,omitempty"`
	LocalUserID string            `json:"local_user_id,omitempty"`
	CPR         string            `json:"cpr,omitempty"`
	Email       string            `json:"email,omitempty"`
	GivenName   string            `json:"given_name,omitempty"`
	Surname     string            `json:"surname,omitempty"`
	DateOfBirth string            `json:"date_of_birth,omitempty"`
	Phone       string            `json:"phone,omitempty"`
	PNumber     string            `json:"p_number,omitempty"`
	SENumber    string            `json:"se_number,omitempty"`
	Anonymous   *bool             `json:"anonymous,omitempty"`
	WithoutCPR  *bool             `json:"without_cpr,omitempty"`
	Lang        string            `json:"lang,omitempty"`
	Channel     string            `json:"channel,omitempty"`
	Stopped     *bool             `json:"stopped,omitempty"` // the status column
	Extra       map[string]string `json:"extra,omitempty"`
	cprMAC      []byte
}

var (
	yesOrNo = map[string]bool{
		"ja": true, "j": true, "yes": true, "y": true, "true": true, "1": true, "x": true, "sand": true,
		"nej": false, "n": false, "no": false, "false": false, "0": false, "falsk": false,
	}
	languages = map[string]string{"da": "da", "dansk": "da", "danish": "da", "en": "en", "engelsk": "en", "english": "en"}
	channels  = map[string]string{"mail": org.ByMail, "e-mail": org.ByMail, "letter": org.ByLetter, "brev": org.ByLetter}
	statuses  = map[string]bool{
		"aktiv": false, "active": false, "suspenderet": true, "suspended": true, "spærret": true, "blocked": true,
	}
)

// parse reads the cells of one row; mistakes are its findings.
func parse(r *sheet.Row, extras []string) line {
	var l line
	if !r.Readable {
		return l
	}
	l.UUID = strings.TrimPrefix(strings.ToLower(r.Text(uuid, 64)), "urn:uuid:")
	l.RID, l.LocalUserID = r.RID(rid), r.Text(localUserID, 64)
	l.Email, l.GivenName, l.Surname = r.Email(email), r.Name(givenName), r.Name(surname)
	number, born := r.Birth(cpr, dateOfBirth, false)
	l.CPR = number
	if !born.IsZero() {
		l.DateOfBirth = born.Format(time.DateOnly)
	}
	l.Phone, l.PNumber, l.SENumber = r.Phone(phone), r.PNumber(pNumber), r.SENumber(seNumber)
	l.Anonymous, l.WithoutCPR = yes(r, anonymous), yes(r, withoutCPR)
	l.Lang = sheet.OneOf(r, language, "", languages, "roster.row.language", "dansk or engelsk (da, en)")
	l.Channel = sheet.OneOf(r, channel, "", channels, "roster.row.channel", "mail or brev (letter)")
	l.Stopped = flag(r, status, statuses, "roster.row.status", "Aktiv or Suspenderet")
	for i, name := range extras {
		if text := r.Text(extra+sheet.Field(i), 200); text != "" {
			if l.Extra == nil {
				l.Extra = map[string]string{}
			}
			l.Extra[name] = text
		}
	}
	return l
}

func yes(r *sheet.Row, f sheet.Field) *bool {
	return flag(r, f, yesOrNo, "roster.row.yes_no", "Ja or Nej")
}

// flag is a cell that says one of two things, nil when it says nothing.
func flag(r *sheet.Row, f sheet.Field, values map[string]bool, code, allowed string) *bool {
	pointers := make(map[string]*bool, len(values))
	for text, v := range values {
		pointers[text] = &v
	}
	return sheet.OneOf(r, f, nil, pointers, code, allowed)
}

// onto is the employee as the line would have the person.
func (l line) onto(e org.Employee) org.Person {
	p := org.Person{
		GivenName: or(l.GivenName, e.GivenName), Surname: or(l.Surname, e.Surname), Email: or(l.Email, e.Email), Phone: or(l.Phone, e.Phone),
		CPR: l.CPR, DateOfBirth: or(l.DateOfBirth, e.DateOfBirth), WithoutCPR: e.WithoutCPR && l.CPR == "", RID: or(e.RIDText(), l.RID),
		PNumber: or(l.PNumber, e.PNumber), SENumber: or(l.SENumber, e.SENumber), LocalUserID: or(l.LocalUserID, e.LocalUserID),
		Lang: or(l.Lang, e.Lang), Channel: or(l.Channel, e.Channel), Anonymous: e.Anonymous, Extra: e.Extras(),
	}
	if l.Anonymous != nil {
		p.Anonymous = *l.Anonymous
	}
	if l.WithoutCPR != nil && l.CPR == "" {
		p.WithoutCPR = *l.WithoutCPR
	}
	maps.Copy(p.Extra, l.Extra)
	return p
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// changes compares the line with the employee.
func (l line) changes(e org.Employee) []Change {
	p := l.onto(e)
	all := []Change{}
	for _, f := range []Change{
		{"given_name", e.GivenName, p.GivenName},
		{"surname", e.Surname, p.Surname},
		{"email", e.Email, p.Email},
		{"phone", e.Phone, p.Phone},
		{"date_of_birth", e.DateOfBirth, p.DateOfBirth},
		{"rid", e.RIDText(), p.RID},
		{"p_number", e.PNumber, p.PNumber},
		{"se_number", e.SENumber, p.SENumber},
		{"local_user_id", e.LocalUserID, p.LocalUserID},
		{"lang", e.Lang, p.Lang},
		{"channel", e.Channel, p.Channel},
		{"anonymous", word(e.Anonymous), word(p.Anonymous)},
		{"without_cpr", word(e.WithoutCPR), word(p.WithoutCPR)},
	} {
		if f.From != f.To {
			all = append(all, f)
		}
	}
	if l.CPR != "" && string(l.cprMAC) != string(e.CPRMAC) {
		all = append(all, Change{Field: "cpr"})
	}
	before := e.Extras()
	for _, name := range slices.Sorted(maps.Keys(l.Extra)) {
		if before[name] != l.Extra[name] {
			all = append(all, Change{name, before[name], l.Extra[name]})
		}
	}
	return all
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
