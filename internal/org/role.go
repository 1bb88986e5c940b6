package org

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
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
