package org

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// RoleAssignment gives an employee a role.
type RoleAssignment struct {
	bun.BaseModel `bun:"table:role_assignment"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id,pk"`
	Role       access.Role       `bun:"role,pk"`
	CreatedAt  time.Time         `bun:"created_at"`
}

// Assign gives e the roles in the caller's transaction.
func (s *Service) Assign(ctx context.Context, tx bun.Tx, e Employee, roles ...access.Role) error {
	rows := make([]RoleAssignment, len(roles))
	for i, r := range roles {
		rows[i] = RoleAssignment{OrgID: e.OrgID, EmployeeID: e.ID, Role: r, CreatedAt: store.Instant(s.Now())}
	}
	_, err := store.Insert(ctx, tx, rows, "ON CONFLICT DO NOTHING")
	return err
}

// RolesOf returns the roles of one employee.
func RolesOf(ctx context.Context, db bun.IDB, org access.OrgID, id access.EmployeeID) ([]access.Role, error) {
	var roles []access.Role
	err := db.NewSelect().Model((*RoleAssignment)(nil)).Column("role").
		Where("org_id = ?", org).Where("employee_id = ?", id).Order("role").Scan(ctx, &roles)
	return roles, err
}

// ActorOf returns the employee as an actor with today's roles, acting from a
// network address.
func ActorOf(ctx context.Context, db bun.IDB, e Employee, address string) (access.Actor, error) {
	roles, err := RolesOf(ctx, db, e.OrgID, e.ID)
	if err != nil {
		return access.Actor{}, err
	}
	return access.Actor{
		OrgID: e.OrgID, ID: "employee:" + string(e.ID), Employee: e.ID, Name: e.Name(), Address: address, Roles: roles,
	}, nil
}

// Lock keeps every other change of who administers org waiting until the
// caller's transaction ends. Errors: fault.Absent.
func Lock(ctx context.Context, tx bun.Tx, org access.OrgID) error {
	n, err := store.Count(tx.NewUpdate().Model((*Organisation)(nil)).Set("name = name").Where("id = ?", org).Exec(ctx))
	if err == nil && n == 0 {
		err = fault.New(fault.Absent, "org.absent", "There is no such thing in this organisation.")
	}
	return err
}

// Administrators counts the active employees with the role of organisation
// administrator, but for some.
func Administrators(ctx context.Context, db bun.IDB, org access.OrgID, but ...access.EmployeeID) (int64, error) {
	q := db.NewSelect().Model((*RoleAssignment)(nil)).
		Join("JOIN employee AS e ON e.org_id = role_assignment.org_id AND e.id = role_assignment.employee_id").
		Where("role_assignment.org_id = ?", org).Where("role_assignment.role = ?", access.OrganisationAdministrator).
		Where("e.state = ?", Active)
	if len(but) > 0 {
		q.Where("e.id NOT IN (?)", bun.List(but))
	}
	return q.Count(ctx)
}

// KeepAdministrator is called before employees are suspended, deleted or lose
// the role of organisation administrator, in the transaction that does it:
// without them an active one must remain. It holds all who call it for the same
// organisation one after the other, so that two administrators cannot put each
// other out at the same instant. It may be called for anybody; who administers
// nothing may always leave. Errors: fault.Conflict with the code
// org.administrator.last.
func (s *Service) KeepAdministrator(ctx context.Context, tx bun.Tx, org access.OrgID, leaving ...access.EmployeeID) error {
	if len(leaving) == 0 {
		return nil
	}
	if err := Lock(ctx, tx, org); err != nil {
		return err
	}
	all, err := Administrators(ctx, tx, org)
	if err != nil || all == 0 {
		return err // nobody to lose, as before the first one is active
	}
	left, err := Administrators(ctx, tx, org, leaving...)
	if err != nil || left > 0 {
		return err
	}
	return fault.New(fault.Conflict, "org.administrator.last", "This would leave the organisation without an active organisation administrator. Give somebody else the role first.")
}

// Holders lists the active employees who hold a right, by name.
func Holders(ctx context.Context, db bun.IDB, org access.OrgID, right access.Right) ([]approval.Person, error) {
	var roles []access.Role
	for _, role := range access.Roles {
		if slices.Contains(access.Rights(role), right) {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		return nil, nil
	}
	var all []Employee
	err := db.NewSelect().Model(&all).Where("org_id = ?", org).Where("state = ?", Active).
		Where("id IN (SELECT r.employee_id FROM role_assignment AS r WHERE r.org_id = ? AND r.role IN (?))", org, bun.List(roles)).
		Order("sort_key", "id").Scan(ctx)
	people := make([]approval.Person, len(all))
	for i, e := range all {
		people[i] = approval.Person{ID: e.ID, Name: e.Name(), Email: e.Email, Lang: e.Lang}
	}
	return people, err
}
