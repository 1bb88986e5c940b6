package org

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
)

// Nominee is who is to follow the organisation's administrator. It gives no
// role: the recovery by the management representative proposes that person
// (onboarding.Recovery).
type Nominee struct {
	bun.BaseModel `bun:"table:nominee"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	NamedBy    string            `bun:"named_by"` // access.Actor.ID
	NamedAt    time.Time         `bun:"named_at"`
}

// Succession says whether an organisation hangs on one person.
type Succession struct {
	Administrators int64     // active organisation administrators
	Nominee        *Employee // nil when nobody active is named
	NamedAt        time.Time
}

// Succession returns how safe the actor's organisation is from being locked out.
// Errors: fault.Denied.
func (s *Service) Succession(ctx context.Context, by access.Actor) (Succession, error) {
	if err := by.Need(access.ViewRoles); err != nil {
		return Succession{}, err
	}
	n, err := Administrators(ctx, s.DB, by.OrgID)
	if err != nil {
		return Succession{}, err
	}
	out := Succession{Administrators: n}
	e, named, err := NomineeOf(ctx, s.DB, by.OrgID)
	if err == nil && named != nil {
		out.Nominee, out.NamedAt = &e, named.NamedAt
	}
	return out, err
}

// NomineeOf returns the active employee who is named as successor; nil when
// there is none.
func NomineeOf(ctx context.Context, db bun.IDB, org access.OrgID) (Employee, *Nominee, error) {
	var n Nominee
	err := db.NewSelect().Model(&n).Where("org_id = ?", org).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Employee{}, nil, nil
	}
	if err != nil {
		return Employee{}, nil, err
	}
	e, err := Get(ctx, db, org, n.EmployeeID)
	if err != nil || e.State != Active {
		return Employee{}, nil, err
	}
	return e, &n, nil
}

// Nominate names the successor and mails that person; "" names nobody. Errors:
// fault.Denied, fault.Absent, fault.Conflict for an employee who is not active or
// who is organisation administrator already.
func (s *Service) Nominate(ctx context.Context, by access.Actor, id access.EmployeeID) error {
	if err := by.Need(access.AssignRoles); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if id == "" {
			return s.nominateNobody(ctx, tx, by)
		}
		e, err := Get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		roles, err := RolesOf(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		for _, role := range roles {
			if role == access.OrganisationAdministrator {
				return fault.New(fault.Conflict, "org.nominee.administrator", "A successor is somebody who is not organisation administrator yet.")
			}
		}
		if e.State != Active {
			return fault.New(fault.Conflict, "org.nominee.inactive", "Only an active employee can be named as successor.")
		}
		n := Nominee{OrgID: by.OrgID, EmployeeID: id, NamedBy: by.ID, NamedAt: store.Instant(s.Now())}
		_, err = tx.NewInsert().Model(&n).On("CONFLICT (org_id) DO UPDATE").
			Set("employee_id = EXCLUDED.employee_id").Set("named_by = EXCLUDED.named_by").Set("named_at = EXCLUDED.named_at").Exec(ctx)
		if err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.By(by, s.Now(), "nominee.name", "employee:"+string(id), "")); err != nil {
			return err
		}
		return s.write(ctx, tx, e, mail.KindRoleNominated, "/me", map[string]string{})
	})
}

func (s *Service) nominateNobody(ctx context.Context, tx bun.Tx, by access.Actor) error {
	var n Nominee
	err := tx.NewSelect().Model(&n).Where("org_id = ?", by.OrgID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*Nominee)(nil)).Where("org_id = ?", by.OrgID).Exec(ctx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "nominee.remove", "employee:"+string(n.EmployeeID), ""))
}

// RoleHolder is an employee and the roles it was given.
type RoleHolder struct {
	Employee Employee
	Roles    []access.Role
}

// RoleHolders returns a page by name of the employees with a role, any one when
// role is "", and the cursor of the next page, "" at the end. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) RoleHolders(ctx context.Context, by access.Actor, role access.Role, cursor string) ([]RoleHolder, string, error) {
	if err := by.Need(access.ViewRoles); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	having := s.DB.NewSelect().Model((*RoleAssignment)(nil)).Column("employee_id").Where("org_id = ?", by.OrgID)
	if role != "" {
		having.Where("role = ?", role)
	}
	var page []Employee
	q := s.DB.NewSelect().Model(&page).Where("org_id = ?", by.OrgID).Where("state <> ?", Deleted).Where("id IN (?)", having)
	if after != nil {
		q.Where("(sort_key, id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("sort_key", "id").Limit(pageSize + 1).Scan(ctx); err != nil || len(page) == 0 {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		next = store.Cursor(page[pageSize-1].SortKey, string(page[pageSize-1].ID))
	}
	holders := make([]RoleHolder, len(page))
	ids := make([]access.EmployeeID, len(page))
	for i, e := range page {
		holders[i].Employee, ids[i] = e, e.ID
	}
	var given []RoleAssignment
	err = s.DB.NewSelect().Model(&given).Where("org_id = ?", by.OrgID).Where("employee_id IN (?)", bun.List(ids)).Order("role").Scan(ctx)
	for _, g := range given {
		for i := range holders {
			if holders[i].Employee.ID == g.EmployeeID {
				holders[i].Roles = append(holders[i].Roles, g.Role)
			}
		}
	}
	return holders, next, err
}
