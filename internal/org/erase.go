package org

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// Day is the day of a daily run, YYYY-MM-DD: what is due before its end is done.
type Day struct {
	Day string `json:"day"`
}

// ErasedRef names employees of one organisation who were erased.
type ErasedRef struct {
	Org       access.OrgID        `json:"org"`
	Employees []access.EmployeeID `json:"employees"`
}

var (
	// EraseKind erases the deleted employees whose retention has ended.
	EraseKind = outbox.NewKind[Day]("org.erase_employees")
	// Erased lets rooms with something of their own to end do so.
	Erased = outbox.NewKind[ErasedRef]("org.employees_erased")
)

const eraseLot = 200 // employees a transaction

// Erase takes the personal data of those whose retention has ended by the day, out
// of the employee and, by Forget, out of every other table. UUID, RID and the audit
// log stay. It may run again at any time: nobody is erased twice.
func (s *Service) Erase(ctx context.Context, day Day) error {
	at, err := time.Parse(time.DateOnly, day.Day)
	if err != nil {
		return fault.New(fault.Invalid, "org.erase.day", "The day of the run cannot be read.").Because(err)
	}
	for {
		n, err := s.eraseLot(ctx, at.AddDate(0, 0, 1))
		if err != nil || n < eraseLot {
			return err
		}
	}
}

func (s *Service) eraseLot(ctx context.Context, before time.Time) (n int, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var due []Employee
		if err := tx.NewSelect().Model(&due).Where("erase_at IS NOT NULL").Where("erase_at < ?", before).
			Order("erase_at", "id").Limit(eraseLot).Scan(ctx); err != nil {
			return err
		}
		n = len(due)
		now := store.Instant(s.Now())
		var gone []Employee
		var entries []audit.Entry
		for _, e := range due {
			mine, err := erase(ctx, tx, e, now)
			if err != nil {
				return err
			}
			if mine {
				gone = append(gone, e)
				entries = append(entries, audit.By(access.System(e.OrgID), now, "employee.erase", "employee:"+string(e.ID), ""))
			}
		}
		if len(gone) == 0 {
			return nil
		}
		if err := s.Forget(ctx, tx, gone); err != nil {
			return err
		}
		for _, e := range gone {
			if err := Erased.Add(ctx, tx, e.OrgID, ErasedRef{e.OrgID, []access.EmployeeID{e.ID}}, now); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, entries...)
	})
	return n, err
}

// erase tells whether this run did it: another node may have been quicker.
func erase(ctx context.Context, tx bun.Tx, e Employee, now time.Time) (bool, error) {
	n, err := store.Count(tx.NewUpdate().Model((*Employee)(nil)).
		Set("given_name = ''").Set("surname = ''").Set("email = ''").Set("phone = ''").Set("cpr_sealed = NULL").Set("cpr_mac = NULL").
		Set("date_of_birth = ''").Set("local_user_id = ''").Set("extra = '{}'").Set("search_key = ''").Set("sort_key = ''").
		Set("state_reason = ''").Set("p_number = ''").Set("se_number = ''").Set("private_mitid_at = NULL").Set("proofing_by = ''").
		Set("erase_at = NULL").Set("erased_at = coalesce(erased_at, ?)", now).
		Where("org_id = ?", e.OrgID).Where("id = ?", e.ID).Where("erase_at IS NOT NULL").Exec(ctx))
	return n == 1, err
}
