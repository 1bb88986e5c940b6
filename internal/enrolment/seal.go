package enrolment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// sealUser is an employee who may use a seal.
type sealUser struct {
	bun.BaseModel `bun:"table:seal_user"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	ProfileID  string            `bun:"profile_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id,pk"`
	CreatedAt  time.Time         `bun:"created_at"`
}

// SealUsers returns who may use a seal, by name, at most 500. A system that seals
// asks here whether a person may. Errors: fault.Denied, fault.Absent,
// fault.Conflict when the profile is no seal.
func (s *Service) SealUsers(ctx context.Context, by access.Actor, id string) ([]org.Employee, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, err
	}
	if _, err := s.seal(ctx, s.DB, by, id); err != nil {
		return nil, err
	}
	var all []org.Employee
	err := s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).Where("state = ?", org.Active).
		Where("id IN (?)", s.DB.NewSelect().Model((*sealUser)(nil)).Column("employee_id").Where("org_id = ?", by.OrgID).Where("profile_id = ?", id)).
		Order("sort_key", "id").Limit(500).Scan(ctx)
	return all, err
}

func (s *Service) seal(ctx context.Context, db bun.IDB, by access.Actor, id string) (Profile, error) {
	p, err := profile(ctx, db, by.OrgID, id)
	if err == nil && !p.Seal {
		return p, fault.New(fault.Conflict, "enrolment.seal.none", "This certificate is not a seal. Order one that is.")
	}
	return p, err
}

// AllowSeal lets an employee use a seal; a second time changes nothing. Errors:
// fault.Denied, fault.Absent, fault.Conflict for a profile that is no seal and for
// somebody who is not active.
func (s *Service) AllowSeal(ctx context.Context, by access.Actor, id string, employee access.EmployeeID) error {
	if err := by.Need(access.ManageSeals); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.seal(ctx, tx, by, id)
		if err != nil {
			return err
		}
		e, err := org.Get(ctx, tx, by.OrgID, employee)
		if err != nil {
			return err
		}
		if e.State != org.Active {
			return fault.New(fault.Conflict, "enrolment.seal.stopped", "Only active employees may use a seal.")
		}
		now := store.Instant(s.Now())
		n, err := store.Insert(ctx, tx, []sealUser{{OrgID: by.OrgID, ProfileID: id, EmployeeID: employee, CreatedAt: now}}, "ON CONFLICT DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "seal.allow", p.object(), "employee:"+string(employee)))
	})
}

// ForbidSeal takes it back; a second time changes nothing. Errors: fault.Denied,
// fault.Absent.
func (s *Service) ForbidSeal(ctx context.Context, by access.Actor, id string, employee access.EmployeeID) error {
	if err := by.Need(access.ManageSeals); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := profile(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if _, err := org.Get(ctx, tx, by.OrgID, employee); err != nil {
			return err
		}
		n, err := store.Count(tx.NewDelete().Model((*sealUser)(nil)).
			Where("org_id = ?", by.OrgID).Where("profile_id = ?", id).Where("employee_id = ?", employee).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "seal.forbid", p.object(), "employee:"+string(employee)))
	})
}
