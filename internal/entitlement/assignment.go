package entitlement

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Origins of an assignment.
const (
	ByAdministrator = "administrator"
	ByRequest       = "request"
	ByImport        = "import"
)

// Assignment is a right given to an employee or to a group, from an instant and
// perhaps until another. It ends by itself: nobody has to look at the clock.
type Assignment struct {
	bun.BaseModel `bun:"table:entitlement_assignment"`

	ID            AssignmentID      `bun:"id,pk"`
	OrgID         access.OrgID      `bun:"org_id"`
	EmployeeID    access.EmployeeID `bun:"employee_id"` // "" when a group has it
	GroupID       GroupID           `bun:"group_id"`
	EntitlementID ID                `bun:"entitlement_id"`
	Scope
	Constraints string     `bun:"constraints"` // canonical JSON
	FromAt      time.Time  `bun:"from_at"`
	UntilAt     *time.Time `bun:"until_at"` // nil = until it is taken away
	Origin      string     `bun:"origin"`
	Actor       string     `bun:"actor"`
	CreatedAt   time.Time  `bun:"created_at"`
}

// Live tells whether the assignment counts at an instant.
func (a Assignment) Live(now time.Time) bool {
	return !now.Before(a.FromAt) && (a.UntilAt == nil || now.Before(*a.UntilAt))
}

// holder names who has it, as the audit log does.
func (a Assignment) holder() string {
	if a.GroupID != "" {
		return "group:" + string(a.GroupID)
	}
	return "employee:" + string(a.EmployeeID)
}

// Gift is a right to give: to an employee or to a group, exactly one of them.
type Gift struct {
	Employee    access.EmployeeID
	Group       GroupID
	Right       ID
	Scope       Scope
	Constraints Constraints
	From        *time.Time // nil = now
	Until       *time.Time // nil = until it is taken away
	Origin      string     // "" = ByAdministrator
}

// Give is Grant in a transaction of its own.
func (s *Service) Give(ctx context.Context, by access.Actor, g Gift) (a Assignment, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		a, _, err = s.Grant(ctx, tx, by, g)
		return err
	})
	return a, err
}

// Grant gives a right in the caller's transaction. One that is there already, for
// the same unit and constraints, gets the new term; given with the same term
// again it changes nothing and is false. Giving to a group needs another right
// than giving to an employee, and so does a seal. Errors: fault.Denied,
// fault.Absent, fault.Invalid, fault.Conflict for a retired right.
func (s *Service) Grant(ctx context.Context, tx bun.Tx, by access.Actor, g Gift) (Assignment, bool, error) {
	need := access.AssignRights
	if g.Group != "" {
		need = access.ManageGroups
	}
	if err := by.Need(need); err != nil {
		return Assignment{}, false, err
	}
	r, err := Get(ctx, tx, by.OrgID, g.Right)
	if err != nil {
		return Assignment{}, false, err
	}
	if r.Seal {
		if err := by.Need(access.ManageSeals); err != nil {
			return Assignment{}, false, err
		}
	}
	return s.grant(ctx, tx, by, r, g)
}

// grant is Grant of a right that by may give.
func (s *Service) grant(ctx context.Context, tx bun.Tx, by access.Actor, r Entry, g Gift) (Assignment, bool, error) {
	if r.RetiredAt != nil {
		return Assignment{}, false, retired(r.Right)
	}
	if err := s.receiver(ctx, tx, by.OrgID, g, r); err != nil {
		return Assignment{}, false, err
	}
	a, err := s.assignment(by, r, g)
	if err != nil {
		return a, false, err
	}
	var before Assignment
	err = tx.NewSelect().Model(&before).Where("org_id = ?", a.OrgID).Where("employee_id = ?", a.EmployeeID).Where("group_id = ?", a.GroupID).
		Where("entitlement_id = ?", a.EntitlementID).Where("scope_kind = ?", a.Kind).Where("scope_value = ?", a.Value).
		Where("constraints = ?", a.Constraints).Scan(ctx)
	if err = store.Found(err, "entitlement.assignment"); err != nil && fault.KindOf(err) != fault.Absent {
		return a, false, err
	}
	if err == nil && sameEnd(before.UntilAt, a.UntilAt) && (g.From == nil && before.Live(a.CreatedAt) || before.FromAt.Equal(a.FromAt)) {
		return before, false, nil
	}
	err = tx.NewInsert().Model(&a).
		On("CONFLICT (org_id, employee_id, group_id, entitlement_id, scope_kind, scope_value, constraints) DO UPDATE").
		Set("from_at = excluded.from_at, until_at = excluded.until_at, origin = excluded.origin, actor = excluded.actor").
		Returning("id").Scan(ctx, &a.ID)
	if err != nil {
		return a, false, fmt.Errorf("give right %s: %w", r.URI, err)
	}
	return a, true, audit.Record(ctx, tx, audit.By(by, s.Now(), "entitlement.grant", a.holder(), noteOf(r.Right, a)))
}

func retired(r Right) error {
	return fault.New(fault.Conflict, "entitlement.right.retired", "The right %s is no longer offered. Choose another one.", r.URI)
}

func sameEnd(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// receiver checks who is to have a right.
func (s *Service) receiver(ctx context.Context, db bun.IDB, by access.OrgID, g Gift, r Entry) error {
	if (g.Employee == "") == (g.Group == "") {
		return fault.New(fault.Invalid, "entitlement.receiver.one", "A right is given to an employee or to a group, to one of them.")
	}
	if g.Group == "" {
		_, err := org.Get(ctx, db, by, g.Employee)
		return err
	}
	group, err := groupOf(ctx, db, by, g.Group)
	if err == nil && group.ServiceID != "" && group.ServiceID != r.ServiceID {
		return fault.New(fault.Invalid, "entitlement.group.service", "The group is limited to another service. Give the right to another group.").On("right")
	}
	return err
}

func (s *Service) assignment(by access.Actor, r Entry, g Gift) (Assignment, error) {
	now := store.Instant(s.Now())
	a := Assignment{
		ID: AssignmentID(store.NewID()), OrgID: by.OrgID, EmployeeID: g.Employee, GroupID: g.Group, EntitlementID: r.ID,
		FromAt: now, UntilAt: store.InstantPtr(g.Until), Origin: g.Origin, Actor: by.ID, CreatedAt: now,
	}
	if from := store.InstantPtr(g.From); from != nil {
		a.FromAt = *from
	}
	if a.Origin == "" {
		a.Origin = ByAdministrator
	}
	if a.UntilAt != nil && (!a.UntilAt.After(a.FromAt) || !a.UntilAt.After(now)) {
		return a, fault.New(fault.Invalid, "entitlement.until.past", "The right must end after it begins, and in the future.").On("until")
	}
	scope, err := g.Scope.normal(r.Right)
	if err != nil {
		return a, err
	}
	chosen, err := g.Constraints.chosen(r.Right)
	a.Scope, a.Constraints = scope, chosen.text()
	return a, err
}

// noteOf says what was given, for the audit log.
func noteOf(r Right, a Assignment) string {
	note := r.URI
	if a.Value != "" {
		note += " " + a.Kind + " " + a.Value
	}
	if a.Constraints != "[]" {
		note += " constrained"
	}
	if a.UntilAt != nil {
		note += " until " + a.UntilAt.Format(time.RFC3339)
	}
	return note
}

// Take is Withdraw in a transaction of its own.
func (s *Service) Take(ctx context.Context, by access.Actor, id AssignmentID) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.Withdraw(ctx, tx, by, id) })
}

// Withdraw takes a right away in the caller's transaction. Errors: fault.Denied,
// fault.Absent.
func (s *Service) Withdraw(ctx context.Context, tx bun.Tx, by access.Actor, id AssignmentID) error {
	if !by.May(access.ManageGroups) {
		if err := by.Need(access.AssignRights); err != nil {
			return err
		}
	}
	var a Assignment
	err := tx.NewSelect().Model(&a).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return store.Found(err, "entitlement.assignment")
	}
	need := access.AssignRights
	if a.GroupID != "" {
		need = access.ManageGroups
	}
	if err := by.Need(need); err != nil {
		return err
	}
	var r Right
	if err := tx.NewSelect().Model(&r).Where("id = ?", a.EntitlementID).Scan(ctx); err != nil {
		return err
	}
	if r.Seal {
		if err := by.Need(access.ManageSeals); err != nil {
			return err
		}
	}
	return s.remove(ctx, tx, by, a, r)
}

// remove deletes an assignment that by may take away.
func (s *Service) remove(ctx context.Context, tx bun.Tx, by access.Actor, a Assignment, r Right) error {
	res, err := tx.NewDelete().Model((*Assignment)(nil)).Where("org_id = ?", a.OrgID).Where("id = ?", a.ID).Exec(ctx)
	if err := store.One(res, err, "entitlement.assignment"); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "entitlement.withdraw", a.holder(), noteOf(r, a)))
}
