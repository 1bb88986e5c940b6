package enrolment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/store"
)

// pageSize is how many profiles a page has.
const pageSize = 50

// The states of a profile as its list shows them, of the certificate that lasts
// longest or, without one that counts, of the order: those of an order, and these.
const (
	Expiring = "expiring"
	Renewed  = "renewed" // a certificate with a successor
	Revoked  = "revoked"
	Nothing  = "none"
)

// Line is a profile in the list.
type Line struct {
	Profile
	State    string
	Open     *Order // the open order, if there is one
	Serial   string // of the certificate that lasts longest, "" for none
	NotAfter *time.Time
}

// CertificateLine is a certificate of a profile.
type CertificateLine struct {
	ca.Certificate
	State string // issued, expiring, renewed, expired, revoked
}

// Whole is a profile with everything about it.
type Whole struct {
	Line
	Certificates []CertificateLine // newest first, at most 100
	Orders       []Order           // newest first, at most 100
}

// Profiles returns the organisation's profiles by name, at most 50, and the cursor
// of the next page. Errors: fault.Denied, fault.Invalid for a cursor.
func (s *Service) Profiles(ctx context.Context, by access.Actor, cursor string) ([]Line, string, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	var rows []Profile
	q := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID)
	if after != nil {
		q.Where("(sort_key, id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("sort_key", "id").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		next = store.Cursor(rows[pageSize-1].SortKey, rows[pageSize-1].ID)
	}
	lines, err := s.lines(ctx, by.OrgID, rows)
	return lines, next, err
}

// lines adds to profiles what two queries know of their orders and certificates.
func (s *Service) lines(ctx context.Context, orgID access.OrgID, rows []Profile) ([]Line, error) {
	lines := make([]Line, len(rows))
	if len(rows) == 0 {
		return lines, nil
	}
	ids := make([]string, len(rows))
	for i, p := range rows {
		ids[i] = p.ID
	}
	var orders []Order
	if err := s.DB.NewSelect().Model(&orders).Where("org_id = ?", orgID).Where("profile_id IN (?)", bun.List(ids)).
		Where("method <> ?", ByEST).Order("id").Scan(ctx); err != nil {
		return nil, err
	}
	var certificates []ca.Certificate
	if err := s.DB.NewSelect().Model(&certificates).ExcludeColumn("draft", "der").Where("org_id = ?", orgID).Where("employee_id IN (?)", bun.List(ids)).
		Where("state IN (?, ?)", ca.Issued, ca.Revoked).Order("not_after", "serial").Scan(ctx); err != nil {
		return nil, err
	}
	ordersOf, certificatesOf := map[string][]Order{}, map[string][]ca.Certificate{}
	for _, o := range orders {
		ordersOf[o.ProfileID] = append(ordersOf[o.ProfileID], o)
	}
	for _, c := range certificates {
		certificatesOf[string(c.EmployeeID)] = append(certificatesOf[string(c.EmployeeID)], c)
	}
	for i, p := range rows {
		lines[i] = s.line(p, ordersOf[p.ID], certificatesOf[p.ID])
	}
	return lines, nil
}

// line judges a profile by its orders, oldest first, and its certificates, by their
// end.
func (s *Service) line(p Profile, orders []Order, certificates []ca.Certificate) Line {
	l := Line{Profile: p, State: Nothing}
	if n := len(orders); n > 0 {
		last := orders[n-1]
		if last.State == Waiting || last.State == Ready {
			l.Open = &last
		}
		l.State = last.State
	}
	var best *ca.Certificate
	for i, c := range certificates { // the one that counts and lasts longest, else the last
		if best == nil || c.State == ca.Issued || best.State == ca.Revoked {
			best = &certificates[i]
		}
	}
	if best == nil {
		return l
	}
	l.Serial, l.NotAfter = string(best.Serial), &best.NotAfter
	l.State = s.stateOf(*best, false)
	return l
}

func (s *Service) stateOf(c ca.Certificate, succeeded bool) string {
	now := s.Now()
	switch {
	case c.State == ca.Revoked:
		return Revoked
	case !now.Before(c.NotAfter.Add(time.Second)):
		return Expired
	case succeeded:
		return Renewed
	case now.AddDate(0, 0, ExpiringDays).After(c.NotAfter):
		return Expiring
	}
	return Issued
}

// Profile returns one with its certificates and orders. Errors: fault.Denied,
// fault.Absent.
func (s *Service) Profile(ctx context.Context, by access.Actor, id string) (Whole, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return Whole{}, err
	}
	p, err := profile(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return Whole{}, err
	}
	lines, err := s.lines(ctx, by.OrgID, []Profile{p})
	if err != nil {
		return Whole{}, err
	}
	w := Whole{Line: lines[0]}
	if err := s.DB.NewSelect().Model(&w.Orders).Where("org_id = ?", by.OrgID).Where("profile_id = ?", id).
		Order("id DESC").Limit(100).Scan(ctx); err != nil {
		return w, err
	}
	all, err := s.CA.OfEmployee(ctx, by.OrgID, access.EmployeeID(id))
	for _, c := range all {
		w.Certificates = append(w.Certificates, CertificateLine{c, s.stateOf(c, string(c.Serial) != w.Serial)})
	}
	return w, err
}
