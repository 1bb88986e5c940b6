// Package attorney holds business powers of attorney: one organisation, the
// giver, lets the employees of another, the receiver, use some of its rights in
// business services. A power goes to the organisation, which attaches employees
// of its own, or to one person there. Both organisations read and change the same
// row (ADR 0020); who may do what is decided here, on each side by its own rights.
package attorney

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// State says where a power of attorney stands.
type State string

// The states. Ended and rejected are for good; whether an active one counts now
// its term tells.
const (
	Requested State = "requested"
	Active    State = "active"
	Rejected  State = "rejected"
	Ended     State = "ended"
)

// Power is a power of attorney.
type Power struct {
	bun.BaseModel `bun:"table:attorney"`

	ID            string            `bun:"id,pk"`
	GiverID       access.OrgID      `bun:"org_id"`
	ReceiverOrgID access.OrgID      `bun:"receiver_org_id"`
	ReceiverID    access.EmployeeID `bun:"receiver_id"` // "" = the organisation
	GiverCVR      string            `bun:"giver_cvr"`
	GiverName     string            `bun:"giver_name"`
	ReceiverCVR   string            `bun:"receiver_cvr"`
	ReceiverName  string            `bun:"receiver_name"`
	Person        string            `bun:"person"` // how the giver named the person, "" = the organisation
	State         State             `bun:"state"`
	FromAt        time.Time         `bun:"from_at"`
	UntilAt       *time.Time        `bun:"until_at"` // nil = until it is ended
	Reason        string            `bun:"reason"`   // why it was requested
	Answer        string            `bun:"answer"`   // why it was rejected
	CreatedAt     time.Time         `bun:"created_at"`
	DecidedAt     *time.Time        `bun:"decided_at"`
	EndedAt       *time.Time        `bun:"ended_at"`
	EndedBy       access.OrgID      `bun:"ended_by"`

	// Rights and Attached are filled in when it is read. The giver is told how many
	// are attached, and not who.
	Rights   []entitlement.Entry `bun:"-"`
	Attached int64               `bun:"-"`
}

// Live tells whether employees who are attached may use it at an instant.
func (p Power) Live(now time.Time) bool {
	return p.State == Active && !p.FromAt.After(now) && (p.UntilAt == nil || p.UntilAt.After(now))
}

// Scope is the scope of its privileges (OIO Basic Privilege Profile 1.2): the
// giver's CVR number.
func (p Power) Scope() string { return entitlement.Scope{}.URN(p.GiverCVR) }

// right is a right that a power carries; both organisations may read it.
type right struct {
	bun.BaseModel `bun:"table:attorney_right"`

	AttorneyID    string         `bun:"attorney_id,pk"`
	EntitlementID entitlement.ID `bun:"entitlement_id,pk"`
	GiverID       access.OrgID   `bun:"org_id"`
	ReceiverOrgID access.OrgID   `bun:"receiver_org_id"`
}

// attachment is an employee of the receiver who may use a power.
type attachment struct {
	bun.BaseModel `bun:"table:attorney_employee"`

	ReceiverOrgID access.OrgID      `bun:"org_id,pk"`
	AttorneyID    string            `bun:"attorney_id,pk"`
	EmployeeID    access.EmployeeID `bun:"employee_id,pk"`
	AttachedAt    time.Time         `bun:"attached_at"`
}

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	Org  *org.Service
	Mail *mail.Service
	Now  func() time.Time
}

// handling are the rights any of which shows powers of attorney.
var handling = []access.Right{access.GiveAttorney, access.GivePersonal, access.DeleteAttorney, access.AttachAttorney}

func mayLook(by access.Actor) error {
	for _, r := range handling {
		if by.OrgID != "" && by.May(r) {
			return nil
		}
	}
	return by.Need(access.GiveAttorney)
}

// Given returns a page of the powers that the actor's organisation has given or
// is asked for, newest first, and the cursor of the next, "" at the end. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) Given(ctx context.Context, by access.Actor, cursor string) ([]Power, string, error) {
	return s.page(ctx, by, "org_id", cursor)
}

// Received is Given for what the organisation has received or asks for.
func (s *Service) Received(ctx context.Context, by access.Actor, cursor string) ([]Power, string, error) {
	return s.page(ctx, by, "receiver_org_id", cursor)
}

const pageSize = 50

func (s *Service) page(ctx context.Context, by access.Actor, side, cursor string) ([]Power, string, error) {
	if err := mayLook(by); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var page []Power
	q := s.DB.NewSelect().Model(&page).Where("? = ?", bun.Ident(side), by.OrgID)
	if after != nil {
		q.Where("id < ?", after[0])
	}
	if err := q.Order("id DESC").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		next = store.Cursor(page[pageSize-1].ID)
	}
	return page, next, s.fill(ctx, by.OrgID, page)
}

// Power returns one that the actor's organisation has given or received. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Power(ctx context.Context, by access.Actor, id string) (Power, error) {
	if err := mayLook(by); err != nil {
		return Power{}, err
	}
	p, err := s.find(ctx, s.DB, by, id)
	if err != nil {
		return p, err
	}
	one := []Power{p}
	err = s.fill(ctx, by.OrgID, one)
	return one[0], err
}

// find returns a power that the actor's organisation is a party to.
func (s *Service) find(ctx context.Context, db bun.IDB, by access.Actor, id string) (Power, error) {
	var p Power
	err := db.NewSelect().Model(&p).Where("(org_id = ? OR receiver_org_id = ?)", by.OrgID, by.OrgID).Where("id = ?", id).Scan(ctx)
	return p, store.Found(err, "attorney.power")
}

// fill reads the rights of powers and counts who is attached.
func (s *Service) fill(ctx context.Context, of access.OrgID, page []Power) error {
	if len(page) == 0 {
		return nil
	}
	ids, at := make([]string, len(page)), map[string]int{}
	for i, p := range page {
		ids[i], at[p.ID] = p.ID, i
	}
	var carried []right
	if err := s.DB.NewSelect().Model(&carried).Where("attorney_id IN (?)", bun.List(ids)).Order("attorney_id", "entitlement_id").Scan(ctx); err != nil {
		return err
	}
	wanted := make([]entitlement.ID, len(carried))
	for i, r := range carried {
		wanted[i] = r.EntitlementID
	}
	entries, err := entitlement.ByID(ctx, s.DB, of, wanted...)
	if err != nil {
		return err
	}
	for _, r := range carried {
		p := &page[at[r.AttorneyID]]
		p.Rights = append(p.Rights, entries[r.EntitlementID])
	}
	var counts []struct {
		AttorneyID string `bun:"attorney_id"`
		N          int64  `bun:"n"`
	}
	// The receiver's rows; the giver gets their number only.
	err = s.DB.NewSelect().Model((*attachment)(nil)).Column("attorney_id").ColumnExpr("count(*) AS n").
		Where("attorney_id IN (?)", bun.List(ids)).Group("attorney_id").Scan(store.AcrossTenants(ctx), &counts)
	for _, c := range counts {
		page[at[c.AttorneyID]].Attached = c.N
	}
	return err
}

// Attached returns the receiver's own employees who may use a power, by name, at
// most 500. Errors: fault.Denied, fault.Absent also for the giver.
func (s *Service) Attached(ctx context.Context, by access.Actor, id string) ([]org.Employee, error) {
	if err := mayLook(by); err != nil {
		return nil, err
	}
	if _, err := s.received(ctx, s.DB, by, id); err != nil {
		return nil, err
	}
	var all []org.Employee
	err := s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).
		Where("id IN (SELECT a.employee_id FROM attorney_employee AS a WHERE a.org_id = ? AND a.attorney_id = ?)", by.OrgID, id).
		Order("sort_key", "id").Limit(500).Scan(ctx)
	return all, err
}

// received is find for the receiver.
func (s *Service) received(ctx context.Context, db bun.IDB, by access.Actor, id string) (Power, error) {
	p, err := s.find(ctx, db, by, id)
	if err == nil && p.ReceiverOrgID != by.OrgID {
		err = fault.New(fault.Absent, "attorney.power.absent", "There is no such thing in this organisation.")
	}
	return p, err
}

// ReceivedFrom returns what one organisation has given another as a whole, or is
// asked for: powers that are in force or will be, and open requests. The caller
// has checked who asks.
func (s *Service) ReceivedFrom(ctx context.Context, db bun.IDB, receiver access.OrgID, giverCVR string) ([]Power, error) {
	var all []Power
	err := db.NewSelect().Model(&all).Where("receiver_org_id = ?", receiver).Where("giver_cvr = ?", giverCVR).Where("receiver_id = ''").
		Where("state IN (?)", bun.List([]State{Requested, Active})).Where("(until_at IS NULL OR until_at > ?)", store.Instant(s.Now())).
		Order("id").Scan(ctx)
	return all, err
}

// Delegated is what powers of attorney give some employees of a receiver now, for
// entitlement.Service.
func (s *Service) Delegated(ctx context.Context, db bun.IDB, of access.OrgID, employees []access.EmployeeID, now time.Time) ([]entitlement.Delegation, error) {
	if len(employees) == 0 {
		return nil, nil
	}
	return s.delegations(ctx, db, of, now, employees)
}

// Delegates is Delegated for everybody.
func (s *Service) Delegates(ctx context.Context, db bun.IDB, of access.OrgID, now time.Time) ([]entitlement.Delegation, error) {
	return s.delegations(ctx, db, of, now, nil)
}

func (s *Service) delegations(ctx context.Context, db bun.IDB, of access.OrgID, now time.Time, employees []access.EmployeeID) ([]entitlement.Delegation, error) {
	var rows []struct {
		EmployeeID    access.EmployeeID `bun:"employee_id"`
		EntitlementID entitlement.ID    `bun:"entitlement_id"`
		GiverCVR      string            `bun:"giver_cvr"`
		GiverName     string            `bun:"giver_name"`
		UntilAt       *time.Time        `bun:"until_at"`
	}
	at := store.Instant(now)
	q := db.NewSelect().TableExpr("attorney_employee AS a").
		Join("JOIN attorney AS p ON p.id = a.attorney_id AND p.receiver_org_id = a.org_id").
		Join("JOIN attorney_right AS r ON r.attorney_id = p.id").
		Join("JOIN employee AS e ON e.org_id = a.org_id AND e.id = a.employee_id").
		ColumnExpr("a.employee_id, r.entitlement_id, p.giver_cvr, p.giver_name, p.until_at").
		Where("a.org_id = ?", of).Where("e.state = ?", org.Active).
		Where("p.state = ?", Active).Where("p.from_at <= ?", at).Where("(p.until_at IS NULL OR p.until_at > ?)", at)
	if employees != nil {
		q.Where("a.employee_id IN (?)", bun.List(employees))
	}
	if err := q.Order("a.employee_id", "p.id", "r.entitlement_id").Scan(ctx, &rows); err != nil {
		return nil, err
	}
	all := make([]entitlement.Delegation, len(rows))
	for i, r := range rows {
		all[i] = entitlement.Delegation{
			Employee: r.EmployeeID, Right: r.EntitlementID, Scope: entitlement.Scope{}.URN(r.GiverCVR), From: r.GiverName, Until: r.UntilAt,
		}
	}
	return all, nil
}
