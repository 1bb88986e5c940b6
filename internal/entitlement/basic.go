package entitlement

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Whom a right of the basic package is for.
const (
	ForAll = "all" // every active employee
	ForNew = "new" // those created since it was put into the package
)

// Basic puts a right into the organisation's basic package.
type Basic struct {
	bun.BaseModel `bun:"table:entitlement_basic"`

	OrgID         access.OrgID `bun:"org_id,pk"`
	EntitlementID ID           `bun:"entitlement_id,pk"`
	Applies       string       `bun:"applies"`
	Since         time.Time    `bun:"since"`
}

// BasicLine is a right of the basic package, with the right.
type BasicLine struct {
	Basic
	Right Entry
}

// BasicPackage returns the rights that employees of the organisation have by
// being there. Errors: fault.Denied.
func (s *Service) BasicPackage(ctx context.Context, by access.Actor) ([]BasicLine, error) {
	if err := by.Need(access.ReportRights); err != nil {
		return nil, err
	}
	var rows []Basic
	if err := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID).Order("since", "entitlement_id").Scan(ctx); err != nil {
		return nil, err
	}
	ids := make([]ID, len(rows))
	for i, b := range rows {
		ids[i] = b.EntitlementID
	}
	found, err := rightsByID(ctx, s.DB, by.OrgID, ids)
	lines := make([]BasicLine, len(rows))
	for i, b := range rows {
		lines[i] = BasicLine{Basic: b, Right: found[b.EntitlementID]}
	}
	return lines, err
}

// AddBasic puts a right into the basic package, or changes whom it is for. It is
// given for the whole organisation, without constraints. Errors: fault.Denied,
// fault.Absent, fault.Invalid, fault.Conflict for a retired right.
func (s *Service) AddBasic(ctx context.Context, by access.Actor, id ID, applies string) error {
	if err := by.Need(access.ManageGroups); err != nil {
		return err
	}
	if applies != ForAll && applies != ForNew {
		return fault.New(fault.Invalid, "entitlement.basic.applies", "A right of the basic package is for all employees (all) or for new ones (new).").On("applies")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := Get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if r.RetiredAt != nil {
			return retired(r.Right)
		}
		if r.Seal {
			if err := by.Need(access.ManageSeals); err != nil {
				return err
			}
		}
		if _, err := (Scope{}).normal(r.Right); err != nil {
			return err
		}
		row := Basic{OrgID: by.OrgID, EntitlementID: id, Applies: applies, Since: store.Instant(s.Now())}
		n, err := store.Insert(ctx, tx, []Basic{row}, "ON CONFLICT (org_id, entitlement_id) DO UPDATE SET applies = excluded.applies, since = excluded.since WHERE entitlement_basic.applies <> excluded.applies")
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "basic_package.add", "entitlement:"+string(id), r.URI+" for "+applies))
	})
}

// DropBasic takes a right out of the basic package. Errors: fault.Denied,
// fault.Absent.
func (s *Service) DropBasic(ctx context.Context, by access.Actor, id ID) error {
	if err := by.Need(access.ManageGroups); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewDelete().Model((*Basic)(nil)).Where("org_id = ?", by.OrgID).Where("entitlement_id = ?", id).Exec(ctx))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Absent, "entitlement.basic.absent", "The right is not in the basic package.")
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "basic_package.drop", "entitlement:"+string(id), ""))
	})
}
