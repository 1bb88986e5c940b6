package mail

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata" // Danish time also where the system has no zone files, as in a small container
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/adgang/adgang/internal/fault"
)

// Languages of messages.
const (
	Danish  = "da"
	English = "en"
)

// kind is what a message of that kind needs: parameters, which of them are
// instants (RFC 3339) and which may be long, and the page that its link opens,
// the token behind a #.
type kind struct {
	params   []string
	instants []string
	long     []string
	page     string
}

// kinds has a line for each pair of templates.
var kinds = map[string]kind{
	KindActivation:    {params: []string{"organisation", "expires"}, instants: []string{"expires"}, page: "/activate"},
	KindKeyFileExpiry: {params: []string{"not_after", "days"}, instants: []string{"not_after"}},
	KindRenewal:       {params: []string{"organisation", "certificate", "not_after", "renew_by", "address"}, instants: []string{"not_after"}},
	KindRenewalLate:   {params: []string{"organisation", "certificate", "not_after", "renew_by", "way", "address"}, instants: []string{"not_after"}},
	KindCertificate:   {params: []string{"organisation", "certificate", "not_after", "days", "address"}, instants: []string{"not_after"}},
	KindCertificates:  {params: []string{"organisation", "count", "list", "address"}, long: []string{"list"}},
	KindSecureMail:    {params: []string{"organisation", "closes", "days", "address"}, instants: []string{"closes"}},
	KindCampaign:      {params: []string{"organisation", "campaign", "closed", "moved", "revoked", "ended", "deleted", "address"}, instants: []string{"closed"}},
	KindAgreementEnd:  {params: []string{"organisation", "cvr", "day"}},
	KindRightsAsked:   {params: []string{"organisation", "count", "address"}},
	KindRightApproved: {params: []string{"organisation", "right", "service"}, instants: []string{"until"}},
	KindRightRejected: {params: []string{"organisation", "right", "service", "reason"}},
	KindRightUnasked:  {params: []string{"organisation", "right", "service"}},
	KindReview:        {params: []string{"organisation", "review", "subject", "due", "undecided", "address"}},
	KindRightExpiring: {params: []string{"organisation", "right", "service", "until", "days"}, instants: []string{"until"}},

	KindCertificateOrder: {params: []string{"organisation", "certificate", "reference", "expires"}, instants: []string{"expires"}, page: "/certificate"},
	KindCertificateEmail: {params: []string{"organisation", "certificate", "address"}, page: "/certificate-email"},

	KindSAMLKey:  {params: []string{"step", "use", "service", "metadata", "fingerprint", "switch", "end"}, instants: []string{"switch", "end"}, page: "/saml-key"},
	KindMetadata: {params: []string{"step", "partner", "address", "source", "code", "changes"}, instants: []string{"since"}, long: []string{"changes"}},

	KindInvitationExpiry: {params: []string{"organisation", "expires"}, instants: []string{"expires"}},
	KindEmployeeAsked:    {params: []string{"organisation", "what", "url"}},
	KindEmployeeAnswered: {params: []string{"organisation", "what", "outcome"}},

	KindApprovalAsked:   {params: []string{"what", "asker", "expires", "url"}, instants: []string{"expires"}},
	KindApprovalDecided: {params: []string{"what", "outcome", "url"}},

	KindRoleChanged:   {params: []string{"organisation", "url"}},
	KindRoleRequested: {params: []string{"organisation", "employee", "role", "url"}},
	KindRoleDecided:   {params: []string{"organisation", "role", "outcome", "url"}},
	KindRoleNominated: {params: []string{"organisation"}},
	KindApplication:   {params: []string{"organisation", "task", "by", "expires"}, instants: []string{"expires"}, page: "/connect/application"},
	KindDecided:       {params: []string{"organisation", "decision", "reason", "administrator"}, long: []string{"reason"}},
	KindSetUp:         {params: []string{"organisation", "expires"}, instants: []string{"expires"}, page: "/activate"},
	KindTerms:         {params: []string{"organisation", "version", "effective"}, instants: []string{"effective"}},
	KindRecoveryLink:  {params: []string{"organisation", "expires"}, instants: []string{"expires"}, page: "/recover/case"},
	KindRecovery:      {params: []string{"organisation", "representative", "administrator", "ready"}, instants: []string{"ready"}},
	KindRecoveryEnded: {params: []string{"organisation", "administrator", "outcome"}, long: []string{"reason"}},

	KindPowerGiven:     {params: []string{"giver", "receiver", "url"}, instants: []string{"until"}},
	KindPowerRequested: {params: []string{"giver", "receiver", "url"}, instants: []string{"until"}},
	KindPowerDecided:   {params: []string{"giver", "receiver", "url", "outcome"}, instants: []string{"until"}},
	KindPowerAttached:  {params: []string{"giver", "receiver", "url"}, instants: []string{"until"}},
	KindPowerEnded:     {params: []string{"giver", "receiver", "url"}, instants: []string{"until"}},
}

//go:embed templates/*.txt
var templateFiles embed.FS

// templates are named <kind>.<lang>.txt; the first line is the subject.
var templates = template.Must(template.ParseFS(templateFiles, "templates/*.txt"))

var copenhagen = func() *time.Location {
	l, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err) // embedded above
	}
	return l
}()

// Kinds lists every kind of message, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

func complete(kind string, params map[string]string) error {
	k, ok := kinds[kind]
	if !ok {
		return fmt.Errorf("unknown kind %q", kind)
	}
	for _, name := range k.params {
		if params[name] == "" {
			return fmt.Errorf("kind %s without the parameter %s", kind, name)
		}
	}
	return nil
}

// envelope renders m with its link. Errors: fault.Invalid for what will never
// become a mail.
func (s *Service) envelope(m Message, from *netmail.Address, l look) (Envelope, error) {
	to, err := netmail.ParseAddress(m.Address)
	if err != nil || to.Address != m.Address {
		return Envelope{}, fault.New(fault.Invalid, "mail.address.malformed", "The employee's e-mail address is not one that mail can be sent to.")
	}
	link, err := s.link(m)
	if err != nil {
		return Envelope{}, err
	}
	subject, body, err := l.render(m, link)
	if err != nil {
		return Envelope{}, fault.New(fault.Invalid, "mail.message.malformed", "The mail could not be written from its stored parameters.").Because(err)
	}
	raw, err := s.build(m, from, l.logo, subject, body)
	return Envelope{ID: m.ID, From: from.Address, To: m.Address, Raw: raw}, err
}

// link unseals the message's link, "" without one. Errors: fault.Invalid.
func (s *Service) link(m Message) (string, error) {
	if m.LinkSealed == nil {
		return "", nil
	}
	token, err := s.Keys.Open(linkPurpose, place(m), m.LinkSealed)
	if err != nil {
		return "", fault.New(fault.Invalid, "mail.link.sealed", "The link cannot be read with the master key in use. Send a new invitation.")
	}
	return strings.TrimSuffix(s.BaseURL, "/") + kinds[m.Kind].page + "#" + string(token), nil
}

// build makes the message of RFC 5322. The headers tell other machines not to
// answer it (RFC 3834; the second is Exchange's).
func (s *Service) build(m Message, from *netmail.Address, logo *Logo, subject, body string) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(&netmail.Address{Name: line(m.Name), Address: m.Address})
	msg.Subject(subject)
	msg.SetDateWithValue(s.Now().In(copenhagen))
	msg.SetMessageIDWithValue(m.ID + from.Address[strings.LastIndex(from.Address, "@"):])
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("Content-Language", m.Lang)
	msg.SetBodyString(gomail.TypeTextPlain, body)
	if logo != nil {
		if err := s.withLogo(msg, m, logo, subject, body); err != nil {
			return nil, err
		}
	}
	var raw bytes.Buffer
	_, err := msg.WriteTo(&raw)
	return raw.Bytes(), err
}

// params are the message's parameters.
func (m Message) params() map[string]string {
	data := map[string]string{}
	_ = json.Unmarshal([]byte(m.Params), &data) // written by us; complete says what is missing
	return data
}

// render fills the words of the message's kind and language, the organisation's
// own before ours.
func (l look) render(m Message, link string) (subject, body string, err error) {
	data := m.params()
	if err := complete(m.Kind, data); err != nil {
		return "", "", err
	}
	for name, value := range data {
		if slices.Contains(kinds[m.Kind].long, name) {
			data[name] = paragraphs(value)
			continue
		}
		data[name] = line(value)
	}
	for _, name := range kinds[m.Kind].instants {
		if data[name] == "" {
			continue // complete has seen to those that must be there
		}
		at, err := time.Parse(time.RFC3339, data[name])
		if err != nil {
			return "", "", err
		}
		data[name] = spoken(m.Lang, at)
		if data["days"] == "" {
			data["days"] = strconv.Itoa(int(at.Sub(m.QueuedAt).Round(24*time.Hour) / (24 * time.Hour)))
		}
	}
	data["name"], data["link"] = line(m.Name), link
	if w, ok := l.words[m.Kind+"."+m.Lang]; ok {
		subject, body = w.fill(data)
		return line(subject), body, nil
	}
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, m.Kind+"."+m.Lang+".txt", data); err != nil {
		return "", "", err
	}
	subject, body, _ = strings.Cut(text.String(), "\n")
	return subject, strings.TrimLeft(body, "\n"), nil
}

// line is s as one line of at most 200 printable characters, so that nothing
// from a file of employees can add a header or a paragraph.
func line(s string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s))
	return strings.TrimSpace(string(runes[:min(len(runes), 200)]))
}

// paragraphs is s as lines of printable characters broken at 72, at most 2,000
// characters of it. Text from people may stand in a body, never in a subject.
func paragraphs(s string) string {
	runes := []rune(s)
	var out []string
	for one := range strings.Lines(string(runes[:min(len(runes), 2000)])) {
		row := ""
		for word := range strings.FieldsSeq(strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, one)) {
			if row != "" && utf8.RuneCountInString(row)+1+utf8.RuneCountInString(word) > 72 {
				out, row = append(out, row), ""
			}
			row = strings.TrimSpace(row + " " + word)
		}
		out = append(out, row)
	}
	return strings.Join(out, "\n")
}

var (
	weekdays = [...]string{"søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag"}
	months   = [...]string{"januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"}
)

// spoken writes an instant as people in Denmark say it.
func spoken(lang string, at time.Time) string {
	at = at.In(copenhagen)
	if lang == English {
		return at.Format("Monday 2 January 2006 at 15:04") + " (Danish time)"
	}
	return fmt.Sprintf("%s den %d. %s %d kl. %s (dansk tid)",
		weekdays[at.Weekday()], at.Day(), months[at.Month()-1], at.Year(), at.Format("15.04"))
}
