package credential

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// BlockCodeCard blocks an employee's code card at once and for good; blocking a
// blocked one changes nothing. No phase forbids it. Errors: fault.Denied,
// fault.Absent.
func (s *Service) BlockCodeCard(ctx context.Context, by access.Actor, id access.EmployeeID, reason string) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.blockCodeCard(ctx, tx, by, id, reason)
	})
}

func (s *Service) blockCodeCard(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, reason string) error {
	now := store.Instant(s.Now())
	n, err := store.Count(tx.NewUpdate().Model((*CodeCard)(nil)).
		Set("state = 'blocked'").Set("blocked_at = ?", now).Set("block_reason = ?", reason).
		Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).Where("state = 'active'").Exec(ctx))
	if err != nil {
		return err
	}
	if n == 0 {
		exists, err := tx.NewSelect().Model((*CodeCard)(nil)).Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).Exists(ctx)
		if err == nil && !exists {
			return fault.New(fault.Absent, "credential.code_card.absent", "The employee has no code card on record.")
		}
		return err
	}
	if err := org.SetMark(ctx, tx, by.OrgID, org.MarkCodeCard, "blocked", false, id); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, now, "code_card.block", "employee:"+string(id), "").Saying(id, reason))
}

// EndParallel blocks the code card whose parallel running has ended.
func (s *Service) EndParallel(ctx context.Context, ref CodeCardRef) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.blockCodeCard(ctx, tx, access.System(ref.Org), ref.Employee, "end of parallel running")
	})
}

// BlockKeyFile blocks the employee's key file, or its order, for good: the
// certificate is revoked, an open invitation stops working. reason is one of
// Reasons, note what is added to it, "" for nothing. Employees may block their own.
// Errors: fault.Denied, fault.Invalid, fault.Absent.
func (s *Service) BlockKeyFile(ctx context.Context, by access.Actor, id access.EmployeeID, reason, note string) error {
	if by.Employee != id || id == "" {
		if err := by.Need(access.ManageEmployees); err != nil {
			return err
		}
	}
	if err := known(reason); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := org.Get(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		file, live, err := liveKeyFile(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if !live {
			return fault.New(fault.Absent, "credential.key_file.absent", "The employee has no key file and none on order.")
		}
		return s.blockKeyFile(ctx, tx, by, file, reason, note)
	})
}

// known refuses a reason that is not one of Reasons.
func known(reason string) error {
	if ca.Known(reason) {
		return nil
	}
	return fault.New(fault.Invalid, "credential.block.reason", "The reason must be one of %s.", strings.Join(Reasons, ", ")).On("reason")
}

// BlockOwn is BlockKeyFile by the holder, who names the certificate by its serial
// number. Errors: fault.Invalid, fault.Absent when that is not the key file in use.
func (s *Service) BlockOwn(ctx context.Context, by access.Actor, serial, reason, note string) error {
	if _, err := ownKeyFile(ctx, s.DB, by, serial); err != nil {
		return err
	}
	return s.BlockKeyFile(ctx, by, by.Employee, reason, note)
}

var errNotOwn = fault.New(fault.Absent, "credential.key_file.other", "You have no key file in use with this serial number.")

// ownKeyFile is the actor's own key file in use. Errors: errNotOwn.
func ownKeyFile(ctx context.Context, db bun.IDB, by access.Actor, serial string) (KeyFile, error) {
	file, live, err := liveKeyFile(ctx, db, by.OrgID, by.Employee)
	if err == nil && (!live || by.Employee == "" || file.Serial == nil || *file.Serial != serial) {
		err = errNotOwn
	}
	return file, err
}

// blockKeyFile does it: logins by the file and its sessions end with the
// transaction; services are told by work that it records.
func (s *Service) blockKeyFile(ctx context.Context, tx bun.Tx, by access.Actor, file KeyFile, reason, note string) error {
	now := store.Instant(s.Now())
	res, err := tx.NewUpdate().Model((*KeyFile)(nil)).
		Set("state = 'blocked'").Set("blocked_at = ?", now).Set("block_reason = ?", reason).Set("block_note = ?", note).
		Where("org_id = ?", by.OrgID).Where("id = ?", file.ID).Where("state = ?", file.State).Exec(ctx)
	if err := store.One(res, err, "credential.key_file"); err != nil {
		return err
	}
	if _, err := tx.NewUpdate().Model((*Activation)(nil)).Set("state = 'replaced'").Set("code_sealed = NULL").
		Where("org_id = ?", by.OrgID).Where("key_file_id = ?", file.ID).Where("state = 'open'").Exec(ctx); err != nil {
		return err
	}
	if file.Serial != nil {
		if err := s.CA.RevokeIn(ctx, tx, by, *file.Serial, reason, note); err != nil {
			return err
		}
		if err := Blocked.Add(ctx, tx, file.OrgID, BlockedRef{file.OrgID, file.EmployeeID, *file.Serial}, now); err != nil {
			return err
		}
	}
	if err := org.SetMark(ctx, tx, file.OrgID, org.MarkKeyFile, "blocked", false, file.EmployeeID); err != nil {
		return err
	}
	if err := org.SetMark(ctx, tx, file.OrgID, org.MarkInvitation, "", false, file.EmployeeID); err != nil {
		return err
	}
	entry := audit.By(by, now, "key_file.block", "employee:"+string(file.EmployeeID), reason)
	if note != "" {
		entry = entry.Saying(file.EmployeeID, ca.Told(reason, note))
	}
	return audit.Record(ctx, tx, entry)
}

// BlockSerial revokes a certificate of whatever organisation for good, and blocks
// the key file it is in: for the operator's command. reason is one of Reasons.
// Errors: fault.Invalid, fault.Absent, fault.Conflict when it is revoked already.
func (s *Service) BlockSerial(ctx context.Context, serial, reason string) (ca.Certificate, error) {
	if err := known(reason); err != nil {
		return ca.Certificate{}, err
	}
	c, err := s.CA.Find(ctx, serial)
	if err != nil {
		return c, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.revoke(ctx, tx, access.Command(c.OrgID), c, reason, "")
	})
	if err != nil {
		return c, err
	}
	return s.CA.Find(ctx, serial)
}

// RevokeIn revokes a certificate of the actor's organisation, of whatever kind, for
// good and blocks the key file it is in, in the caller's transaction; the caller
// has checked the right and the reason. Errors: fault.Conflict when it is revoked
// already.
func (s *Service) RevokeIn(ctx context.Context, tx bun.Tx, by access.Actor, c ca.Certificate, reason string) error {
	return s.revoke(ctx, tx, by, c, reason, "")
}

// revoke revokes a certificate, with the key file when it is the one in use.
func (s *Service) revoke(ctx context.Context, tx bun.Tx, by access.Actor, c ca.Certificate, reason, note string) error {
	file, live, err := liveKeyFile(ctx, tx, c.OrgID, c.EmployeeID)
	switch {
	case err != nil:
		return err
	case live && file.Serial != nil && *file.Serial == string(c.Serial):
		return s.blockKeyFile(ctx, tx, by, file, reason, note)
	}
	return s.CA.RevokeIn(ctx, tx, by, string(c.Serial), reason, note)
}

// Reasons why a key file is blocked.
var Reasons = ca.Reasons

// liveKeyFile returns the key file or order that is not blocked.
func liveKeyFile(ctx context.Context, db bun.IDB, orgID access.OrgID, id access.EmployeeID) (KeyFile, bool, error) {
	var file KeyFile
	err := db.NewSelect().Model(&file).Where("org_id = ?", orgID).Where("employee_id = ?", id).Where("state <> 'blocked'").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return file, false, nil
	}
	return file, err == nil, err
}

// newestActivation returns the newest invitation of an employee.
func newestActivation(ctx context.Context, db bun.IDB, orgID access.OrgID, id access.EmployeeID) (Activation, bool, error) {
	var a Activation
	err := db.NewSelect().Model(&a).Where("org_id = ?", orgID).Where("employee_id = ?", id).
		Order("created_at DESC", "id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}
