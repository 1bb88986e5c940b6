package credential

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Hire creates an employee and, if wanted, invites the person: one transaction.
// Somebody whose identity is not known well enough is created and not invited;
// see org.Employee.Proven. Errors: as org.Create.
func (s *Service) Hire(ctx context.Context, by access.Actor, p org.Person, seen access.EmployeeID, invite bool) (org.Employee, error) {
	var e org.Employee
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		e, err = s.HireTx(ctx, tx, by, p, seen, invite)
		return err
	})
	return e, err
}

// HireTx is Hire in the caller's transaction.
func (s *Service) HireTx(ctx context.Context, tx bun.Tx, by access.Actor, p org.Person, seen access.EmployeeID, invite bool) (org.Employee, error) {
	e, err := s.Org.CreateTx(ctx, tx, by, p, seen)
	if err != nil || !invite {
		return e, err
	}
	if blocked := org.Standing(ctx, tx, e); blocked != nil {
		if fault.KindOf(blocked) == fault.Conflict {
			return e, nil
		}
		return e, blocked
	}
	switch off := s.allowed(ctx, tx, e); {
	case fault.KindOf(off) == fault.Denied: // they log in in another way
		return e, nil
	case off != nil:
		return e, off
	}
	o, err := org.ByID(ctx, tx, by.OrgID)
	if err != nil {
		return e, err
	}
	_, err = s.Orders(ctx, tx, by, o, []Order{{Employee: e}}, true)
	return e, err
}

// Remove blocks what a deleted employee had: code card, key file or order, the
// certificate with it. A second run changes nothing.
func (s *Service) Remove(ctx context.Context, ref org.EmployeeRef) error {
	by := access.System(ref.Org)
	reason := "employee deleted"
	if err := s.BlockCodeCard(ctx, by, ref.Employee, reason); err != nil && fault.KindOf(err) != fault.Absent {
		return err
	}
	if err := s.BlockKeyFile(ctx, by, ref.Employee, "affiliation_changed", reason); err != nil && fault.KindOf(err) != fault.Absent {
		return err
	}
	return nil
}

// Decide answers a wish: somebody who asked to be created, and is approved, is
// created and invited. Errors: as org.DecideTx and org.Create.
func (s *Service) Decide(ctx context.Context, by access.Actor, id string, approve bool, answer string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		w, err := s.Org.DecideTx(ctx, tx, by, id, approve, answer)
		if err != nil || !approve || w.Kind != org.WishCreate {
			return err
		}
		_, err = s.HireTx(ctx, tx, by, w.Person, "", true)
		return err
	})
}
