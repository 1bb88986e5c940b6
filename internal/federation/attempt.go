package federation

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// keepAttempts is how long attempts and their messages are kept.
const keepAttempts = 180 * 24 * time.Hour

// How an attempt ended.
const (
	LoggedIn = "login"
	Refused  = "refused"
)

// Attempt is one login to a service and how it ended, for its administrators.
type Attempt struct {
	bun.BaseModel `bun:"table:service_attempt"`

	ID        string       `bun:"id,pk"`
	OrgID     access.OrgID `bun:"org_id"` // that owns the service
	ServiceID string       `bun:"service_id"`
	// Employee is set for employees of the owner only; others are told as an
	// organisation.
	Employee access.EmployeeID `bun:"employee_id"`
	CVR      string            `bun:"cvr"` // of the person's organisation, "" when nobody had logged in
	Result   string            `bun:"result"`
	Code     string            `bun:"code"`   // why: a fault's code or federation.refusal.*, "" = it went well
	Status   string            `bun:"status"` // SAML status told to the service, last part; "" when it was not answered
	Detail   string            `bun:"facts"`  // JSON of Facts
	Day      string            `bun:"day"`    // Danish, YYYY-MM-DD
	At       time.Time         `bun:"at"`

	Facts  Facts  `bun:"-"` // Detail, read
	Person string `bun:"-"` // the employee's name, where it may be shown
}

// Facts is what it takes to see why a login failed; what does not matter is empty.
type Facts struct {
	Binding      string   `json:"binding,omitempty"` // redirect or post; openid for that face
	RequestID    string   `json:"request_id,omitempty"`
	Asked        string   `json:"asked,omitempty"`      // where the service wants its answer: URL or index
	Registered   []string `json:"registered,omitempty"` // where its metadata says
	Destination  string   `json:"destination,omitempty"`
	Expected     string   `json:"expected,omitempty"` // the right Destination
	IssuedAt     string   `json:"issued_at,omitempty"`
	Skew         int      `json:"skew,omitempty"`         // seconds that are allowed
	Algorithm    string   `json:"algorithm,omitempty"`    // of the signature, "" = none
	Signer       string   `json:"signer,omitempty"`       // SHA-256 of the certificate that verified it
	Certificates []string `json:"certificates,omitempty"` // those in the metadata
	Comparison   string   `json:"comparison,omitempty"`
	Wanted       []string `json:"wanted,omitempty"` // context classes
	Level        string   `json:"level,omitempty"`
	Identity     string   `json:"identity,omitempty"`
	Means        string   `json:"means,omitempty"`
	Rights       []string `json:"rights,omitempty"` // of which one is needed
	Requesters   []string `json:"requesters,omitempty"`
	Subject      string   `json:"subject,omitempty"`
	Attributes   []string `json:"attributes,omitempty"` // names of what was told
	Withheld     []string `json:"withheld,omitempty"`
	Text         string   `json:"text,omitempty"` // the English sentence of the refusal
}

// attempt begins one at a service for whoever acts; p.ID may be "".
func (s *Service) attempt(p Partner, m *oiosaml.Message, skew time.Duration) *Attempt {
	now := store.Instant(s.Now())
	a := &Attempt{ID: store.NewID(), OrgID: p.OrgID, ServiceID: p.ID, At: now, Day: now.In(denmark()).Format(time.DateOnly)}
	if m == nil {
		return a
	}
	claims := m.Claims()
	a.Facts = Facts{
		Binding: m.Binding(), RequestID: claims.ID, Asked: claims.Consumer, Destination: claims.Destination, IssuedAt: claims.IssuedAt,
		Algorithm: claims.Algorithm, Skew: int(skew.Seconds()), Expected: strings.TrimSuffix(s.BaseURL, "/") + "/saml/idp/sso",
	}
	if a.Facts.Asked == "" {
		a.Facts.Asked = claims.ConsumerIndex
	}
	for i, c := range p.Metadata.Consumers {
		if i < 20 {
			a.Facts.Registered = append(a.Facts.Registered, c.URL)
		}
	}
	for _, cert := range p.Metadata.Signing {
		a.Facts.Certificates = append(a.Facts.Certificates, describe(cert))
	}
	return a
}

// describe names a certificate for people: subject, end and SHA-256.
func describe(cert *x509.Certificate) string {
	return fmt.Sprintf("%s, %s, %s", cert.Subject.String(), cert.NotAfter.UTC().Format(time.DateOnly), oiosaml.Fingerprint(cert))
}

// asked notes what a verified request wants.
func (a *Attempt) asked(r oiosaml.Request) {
	a.Facts.Signer, a.Facts.Requesters, a.Facts.Subject = r.Signer, r.Requesters, r.Subject
	a.Facts.Comparison, a.Facts.Wanted = r.Context.Comparison, r.Context.Classes
}

// by notes who logged in.
func (a *Attempt) by(out Release) {
	if out.Employee.OrgID == a.OrgID {
		a.Employee = out.Employee.ID
	}
	who := out.Person
	a.CVR = who.CVR
	a.Facts.Level, a.Facts.Identity, a.Facts.Means = word(who.Level), word(who.Identity), word(who.Authenticator)
	a.Facts.Withheld = who.Withheld
	for _, one := range out.Attributes {
		a.Facts.Attributes = append(a.Facts.Attributes, one.Name)
	}
}

// needs notes which rights would have done.
func (a *Attempt) needs(p Partner, why *oiosaml.RefusalError) {
	if why.Reason == "right" {
		a.Facts.Rights = p.Policy.Rights
	}
}

func word(l oiosaml.Level) string {
	if l == 0 {
		return ""
	}
	return l.String()
}

// failed notes why.
func (a *Attempt) failed(why error) {
	a.Result = Refused
	switch e := why.(type) { //nolint:errorlint // the callers have taken it out
	case *oiosaml.RefusalError:
		a.Code, a.Status, a.Facts.Text = "federation.refusal."+e.Reason, e.Why[strings.LastIndex(e.Why, ":")+1:], e.Text
	default:
		a.Code = fault.CodeOf(why)
	}
}

// save writes an attempt and its messages.
func (s *Service) save(ctx context.Context, tx bun.Tx, a *Attempt, parts map[string][]byte) error {
	if a.ServiceID == "" {
		return nil // of a service that is not registered
	}
	text, err := json.Marshal(a.Facts)
	if err != nil {
		return err
	}
	a.Detail = string(text)
	ctx = store.WritingTo(ctx, a.OrgID)
	if _, err := store.Insert(ctx, tx, []Attempt{*a}, ""); err != nil {
		return fmt.Errorf("attempt: %w", err)
	}
	return s.keep(ctx, tx, a, parts)
}

// denmark is where days begin; a build without zones has UTC.
var denmark = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		return time.UTC
	}
	return zone
})

// attemptPage is how many attempts a page has.
const attemptPage = 50

// Attempts returns a page of logins to a service, newest first, and the cursor of
// the next, "" at the end. result is LoggedIn, Refused or "" for both. Errors:
// fault.Denied, fault.Absent, fault.Invalid.
func (s *Service) Attempts(ctx context.Context, by access.Actor, id, result, cursor string) ([]Attempt, string, error) {
	if _, err := s.Partner(ctx, by, id); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	var page []Attempt
	q := s.DB.NewSelect().Model(&page).Where("org_id = ?", by.OrgID).Where("service_id = ?", id)
	if result != "" {
		q.Where("result = ?", result)
	}
	if after != nil {
		at, err := time.Parse(time.RFC3339Nano, after[0])
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.")
		}
		q.Where("(at, id) < (?, ?)", at, after[1])
	}
	if err := q.Order("at DESC", "id DESC").Limit(attemptPage + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > attemptPage {
		page = page[:attemptPage]
		last := page[attemptPage-1]
		next = store.Cursor(last.At.Format(time.RFC3339Nano), last.ID)
	}
	return page, next, s.complete(ctx, by, page)
}

// Attempt returns one login to a service. Errors: fault.Denied, fault.Absent.
func (s *Service) Attempt(ctx context.Context, by access.Actor, id, attempt string) (Attempt, error) {
	if _, err := s.Partner(ctx, by, id); err != nil {
		return Attempt{}, err
	}
	page := make([]Attempt, 1)
	err := s.DB.NewSelect().Model(&page[0]).Where("org_id = ?", by.OrgID).Where("service_id = ?", id).Where("id = ?", attempt).Scan(ctx)
	if err != nil {
		return Attempt{}, store.Found(err, "federation.attempt")
	}
	return page[0], s.complete(ctx, by, page)
}

// complete reads facts and names.
func (s *Service) complete(ctx context.Context, by access.Actor, page []Attempt) error {
	names := map[access.EmployeeID]string{}
	var ids []access.EmployeeID
	for i := range page {
		if err := json.Unmarshal([]byte(page[i].Detail), &page[i].Facts); err != nil {
			return fmt.Errorf("facts of attempt %s: %w", page[i].ID, err)
		}
		if page[i].Employee != "" {
			ids = append(ids, page[i].Employee)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var people []org.Employee
	if err := s.DB.NewSelect().Model(&people).Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return err
	}
	for _, e := range people {
		names[e.ID] = e.Name()
	}
	for i := range page {
		page[i].Person = names[page[i].Employee]
	}
	return nil
}

// Count is how logins to a service ended on one day.
type Count struct {
	Day      string `bun:"day"` // Danish, YYYY-MM-DD
	Logins   int64  `bun:"logins"`
	Refusals int64  `bun:"refusals"`
}

// Statistics counts the logins to a service by day, for each of the last days (1 to
// 180) up to today. Errors: fault.Denied, fault.Absent.
func (s *Service) Statistics(ctx context.Context, by access.Actor, id string, days int) ([]Count, error) {
	if _, err := s.Partner(ctx, by, id); err != nil {
		return nil, err
	}
	days = min(max(days, 1), 180)
	today := s.Now().In(denmark())
	from := today.AddDate(0, 0, 1-days).Format(time.DateOnly)
	var found []Count
	err := s.DB.NewSelect().Model((*Attempt)(nil)).Column("day").
		ColumnExpr("sum(CASE result WHEN ? THEN 1 ELSE 0 END) AS logins", LoggedIn).ColumnExpr("sum(CASE result WHEN ? THEN 1 ELSE 0 END) AS refusals", Refused).
		Where("org_id = ?", by.OrgID).Where("service_id = ?", id).Where("day >= ?", from).Group("day").Order("day").Scan(ctx, &found)
	if err != nil {
		return nil, err
	}
	byDay := map[string]Count{}
	for _, c := range found {
		byDay[c.Day] = c
	}
	all := make([]Count, days)
	for i := range all {
		day := today.AddDate(0, 0, 1-days+i).Format(time.DateOnly)
		all[i] = byDay[day]
		all[i].Day = day
	}
	return all, nil
}
