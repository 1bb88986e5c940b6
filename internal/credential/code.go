package credential

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Code is an installation code in clear, for one pair of eyes.
type Code struct {
	Employee  org.Employee
	Code      string
	ExpiresAt time.Time
}

// String keeps the code out of logs.
func (c Code) String() string { return "installation code of " + string(c.Employee.ID) + " [hidden]" }

// InstallationCode shows the code of an open invitation and records who saw
// it. Errors: fault.Denied, fault.Absent, fault.Conflict when there is no open
// invitation.
func (s *Service) InstallationCode(ctx context.Context, by access.Actor, id access.EmployeeID) (Code, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return Code{}, err
	}
	var shown Code
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		e, err := org.Get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		a, found, err := newestActivation(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if !found || a.CodeSealed == nil || s.usable(a) != nil {
			return fault.New(fault.Conflict, "credential.code.none", "There is no open invitation, so there is no installation code. Send a new invitation first.")
		}
		shown, err = s.show(e, a)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "installation_code.show", "employee:"+string(id), ""))
	})
	return shown, err
}

// RecodeOwn gives the holder of a key file a new revocation code, in the place of
// one that is lost, and returns it, the only time it is seen. serial names the
// certificate in use. Errors: fault.Absent when that is not the key file in use.
func (s *Service) RecodeOwn(ctx context.Context, by access.Actor, serial string) (string, error) {
	code := ""
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		file, err := ownKeyFile(ctx, tx, by, serial)
		if err != nil {
			return err
		}
		if code, err = s.newRevocationCode(ctx, tx, file.ID, serial); err != nil {
			return err
		}
		if code == "" {
			return errNotOwn
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "key_file.recode", "employee:"+string(by.Employee), serial))
	})
	return code, err
}

func (s *Service) show(e org.Employee, a Activation) (Code, error) {
	code, err := s.Keys.Open(codePurpose, string(a.OrgID)+"/"+a.ID, a.CodeSealed)
	return Code{Employee: e, Code: string(code), ExpiresAt: a.ExpiresAt}, err
}

// PrintCodes shows the installation codes of those employees who have an open
// invitation, in the order given, and records each showing. Errors:
// fault.Denied, fault.Absent when none has.
func (s *Service) PrintCodes(ctx context.Context, by access.Actor, ids []access.EmployeeID) ([]Code, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return nil, err
	}
	var shown []Code
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		var open []Activation
		if len(ids) > 0 {
			err := tx.NewSelect().Model(&open).Where("org_id = ?", by.OrgID).Where("employee_id IN (?)", bun.List(ids)).
				Where("state = 'open'").Where("expires_at > ?", now).Scan(ctx)
			if err != nil {
				return err
			}
		}
		if len(open) == 0 {
			return fault.New(fault.Absent, "credential.letters.none", "No invitation on this page waits for its installation code.")
		}
		slices.SortFunc(open, func(a, b Activation) int {
			return slices.Index(ids, a.EmployeeID) - slices.Index(ids, b.EmployeeID)
		})
		var err error
		shown, err = s.showAll(ctx, tx, by, open, now)
		return err
	})
	return shown, err
}

func (s *Service) showAll(ctx context.Context, tx bun.Tx, by access.Actor, open []Activation, now time.Time) ([]Code, error) {
	ids := make([]access.EmployeeID, len(open))
	for i, a := range open {
		ids[i] = a.EmployeeID
	}
	var employees []org.Employee
	if err := tx.NewSelect().Model(&employees).Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	byID := make(map[access.EmployeeID]org.Employee, len(employees))
	for _, e := range employees {
		byID[e.ID] = e
	}
	shown := make([]Code, len(open))
	entries := make([]audit.Entry, len(open))
	for i, a := range open {
		var err error
		if shown[i], err = s.show(byID[a.EmployeeID], a); err != nil {
			return nil, err
		}
		entries[i] = audit.By(by, now, "installation_code.print", "employee:"+string(a.EmployeeID), "")
	}
	return shown, audit.Record(ctx, tx, entries...)
}
