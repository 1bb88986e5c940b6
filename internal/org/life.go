package org

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// EmployeeRef names an employee in work.
type EmployeeRef struct {
	Org      access.OrgID      `json:"org"`
	Employee access.EmployeeID `json:"employee"`
}

// Work that follows from the life of an employee.
var (
	// Stopped ends the sessions of an employee who was suspended or deleted; they
	// are refused from that instant on in any case.
	Stopped = outbox.NewKind[EmployeeRef]("org.employee_stopped")
	// Gone blocks what a deleted employee logs in with.
	Gone = outbox.NewKind[EmployeeRef]("org.employee_gone")
)

// Create makes an employee. seen is the ID of somebody with the same address, or
// name and date of birth, whom the administrator knows to be another person; ""
// = nobody. Errors: fault.Denied, fault.Invalid, fault.Conflict for somebody who
// is here already (*DuplicateError).
func (s *Service) Create(ctx context.Context, by access.Actor, p Person, seen access.EmployeeID) (Employee, error) {
	var e Employee
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		e, err = s.CreateTx(ctx, tx, by, p, seen)
		return err
	})
	return e, err
}

// CreateTx is Create in the caller's transaction.
func (s *Service) CreateTx(ctx context.Context, tx bun.Tx, by access.Actor, p Person, seen access.EmployeeID) (Employee, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return Employee{}, err
	}
	return s.create(ctx, tx, by, p, seen)
}

func (s *Service) create(ctx context.Context, tx bun.Tx, by access.Actor, p Person, seen access.EmployeeID) (Employee, error) {
	settings, err := setting.Of(ctx, tx, by.OrgID)
	if err != nil {
		return Employee{}, err
	}
	p = p.tidy().defaulted(settings.Creation)
	if err := p.form(); err != nil {
		return Employee{}, err
	}
	if err := p.rules(settings.Creation); err != nil {
		return Employee{}, err
	}
	now := store.Instant(s.Now())
	born, err := p.birth(now)
	if err != nil {
		return Employee{}, err
	}
	if p.Lang == "" {
		p.Lang = settings.MailLanguage
	}
	e, err := s.onto(Employee{OrgID: by.OrgID, Anonymous: p.Anonymous}, p, born)
	if err != nil {
		return Employee{}, err
	}
	e = s.Prepare(e)
	if err := s.duplicate(ctx, tx, e, seen); err != nil {
		return Employee{}, err
	}
	n, err := store.Insert(ctx, tx, []Employee{e}, "ON CONFLICT (org_id, rid) WHERE rid IS NOT NULL DO NOTHING")
	if err != nil {
		return Employee{}, err
	}
	if n == 0 { // taken since, or by somebody deleted
		return Employee{}, fault.New(fault.Conflict, "org.employee.rid_taken", "The RID belongs to somebody who was an employee here: it is never given twice.").On("rid")
	}
	if err := addWords(ctx, tx, []Employee{e}); err != nil {
		return Employee{}, err
	}
	return e, audit.Record(ctx, tx, audit.By(by, now, "employee.create", "employee:"+string(e.ID), ""))
}

// Edit changes what is known about an employee who is not deleted. version is
// the one that was seen, -1 for any. The RID stays once it is set. Errors:
// fault.Denied, fault.Absent, fault.Invalid, fault.Conflict when somebody has
// saved in between or the person is here twice.
func (s *Service) Edit(ctx context.Context, by access.Actor, id access.EmployeeID, version int64, p Person, seen access.EmployeeID) (Employee, error) {
	var e Employee
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		e, err = s.EditTx(ctx, tx, by, id, version, p, seen)
		return err
	})
	return e, err
}

// EditTx is Edit in the caller's transaction.
func (s *Service) EditTx(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, version int64, p Person, seen access.EmployeeID) (Employee, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return Employee{}, err
	}
	before, err := present(ctx, tx, by.OrgID, id)
	if err != nil {
		return Employee{}, err
	}
	if version >= 0 && version != before.Version {
		return Employee{}, fault.New(fault.Conflict, "org.employee.edited", "Somebody has saved this employee since you opened it. Load the page again and repeat your change.")
	}
	settings, err := setting.Of(ctx, tx, by.OrgID)
	if err != nil {
		return Employee{}, err
	}
	p = p.tidy().defaulted(settings.Creation)
	after, err := s.edited(before, p, settings)
	if err != nil {
		return Employee{}, err
	}
	if same(before, after) {
		return before, nil
	}
	if err := s.duplicate(ctx, tx, after, seen); err != nil {
		return Employee{}, err
	}
	return after, s.save(ctx, tx, by, before, after, "employee.edit", changed(before, after))
}

func (s *Service) edited(before Employee, p Person, settings setting.Settings) (Employee, error) {
	if err := p.form(); err != nil {
		return Employee{}, err
	}
	if before.RID != nil && p.RID != "" && p.RID != *before.RID {
		return Employee{}, fault.New(fault.Invalid, "org.person.rid_kept", "A RID is never changed: access in other services hangs on it.").On("rid")
	}
	if p.Email == "" {
		return Employee{}, fault.New(fault.Invalid, "org.person.email_missing", "The employee needs an e-mail address, for the invitation is sent there. The settings may hold a pattern for those who have none.").On("email")
	}
	if p.Anonymous != before.Anonymous && p.Anonymous && !settings.Creation.Anonymous {
		return Employee{}, p.rules(setting.Creation{})
	}
	if err := p.extras(settings.Creation); err != nil {
		return Employee{}, err
	}
	born, err := p.birth(store.Instant(s.Now()))
	if err != nil {
		return Employee{}, err
	}
	after, err := s.onto(before, p, born)
	after.Anonymous = p.Anonymous
	after.SearchKey, after.SortKey = searchKey(after), SortKey(after.Name())
	return after, err
}

// same tells whether nothing would change; a CPR number is compared by its hash,
// for it is sealed anew each time.
func same(a, b Employee) bool {
	a.CPRSealed, b.CPRSealed = nil, nil
	return changed(a, b) == ""
}

// changed names the fields that differ, without their values.
func changed(a, b Employee) string {
	var names []string
	for _, f := range []struct{ name, a, b string }{
		{"given_name", a.GivenName, b.GivenName},
		{"surname", a.Surname, b.Surname},
		{"email", a.Email, b.Email},
		{"phone", a.Phone, b.Phone},
		{"cpr", string(a.CPRMAC), string(b.CPRMAC)},
		{"date_of_birth", a.DateOfBirth, b.DateOfBirth},
		{"p_number", a.PNumber, b.PNumber},
		{"se_number", a.SENumber, b.SENumber},
		{"local_user_id", a.LocalUserID, b.LocalUserID},
		{"rid", a.RIDText(), b.RIDText()},
		{"lang", a.Lang, b.Lang},
		{"channel", a.Channel, b.Channel},
		{"extra", a.Extra, b.Extra},
	} {
		if f.a != f.b {
			names = append(names, f.name)
		}
	}
	if a.Anonymous != b.Anonymous {
		names = append(names, "anonymous")
	}
	if a.WithoutCPR != b.WithoutCPR {
		names = append(names, "without_cpr")
	}
	return strings.Join(names, ", ")
}

// present returns an employee who is not deleted. Errors: fault.Absent,
// fault.Conflict.
func present(ctx context.Context, db bun.IDB, org access.OrgID, id access.EmployeeID) (Employee, error) {
	e, err := Get(ctx, db, org, id)
	if err == nil && e.State == Deleted {
		err = fault.New(fault.Conflict, "org.employee.deleted", "The employee is deleted and cannot be changed. Create the person again.")
	}
	return e, err
}

// save stores what a method made of an employee, with its place in the index and
// one audit entry.
func (s *Service) save(ctx context.Context, tx bun.Tx, by access.Actor, before, after Employee, verb, note string) error {
	return s.saveAs(ctx, tx, before, after, audit.By(by, s.Now(), verb, "employee:"+string(after.ID), note))
}

// saveSaying is save with a reason that somebody wrote: it is erased with the
// employee.
func (s *Service) saveSaying(ctx context.Context, tx bun.Tx, by access.Actor, before, after Employee, verb, reason string) error {
	return s.saveAs(ctx, tx, before, after, audit.By(by, s.Now(), verb, "employee:"+string(after.ID), "").Saying(after.ID, reason))
}

func (s *Service) saveAs(ctx context.Context, tx bun.Tx, before, after Employee, entry audit.Entry) error {
	now := store.Instant(s.Now())
	after.Version, after.UpdatedAt = before.Version+1, &now
	res, err := tx.NewUpdate().Model(&after).ExcludeColumn("id", "org_id", "created_at").
		Where("org_id = ?", before.OrgID).Where("id = ?", before.ID).Where("version = ?", before.Version).Exec(ctx)
	if err := store.One(res, err, "org.employee"); err != nil {
		return err
	}
	if err := s.replaceWords(ctx, tx, before, after); err != nil {
		return err
	}
	return audit.Record(ctx, tx, entry)
}

const maxReason = 500

func checkReason(reason string) error {
	if utf8.RuneCountInString(reason) > maxReason {
		return fault.New(fault.Invalid, "org.reason.length", "The reason has at most %d characters.", maxReason).On("reason")
	}
	return nil
}

// Suspend stops an employee from logging in, at once and until Reactivate.
// Rights, key file and RID are kept. Errors: fault.Denied, fault.Absent,
// fault.Conflict for one who is not active, and for the last organisation
// administrator.
func (s *Service) Suspend(ctx context.Context, by access.Actor, id access.EmployeeID, reason string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.SuspendTx(ctx, tx, by, id, reason) })
}

// SuspendTx is Suspend in the caller's transaction.
func (s *Service) SuspendTx(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, reason string) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	if err := checkReason(reason); err != nil {
		return err
	}
	if err := s.KeepAdministrator(ctx, tx, by.OrgID, id); err != nil {
		return err
	}
	before, err := present(ctx, tx, by.OrgID, id)
	if err != nil {
		return err
	}
	if before.State != Active {
		return fault.New(fault.Conflict, "org.employee.stopped", "The employee is stopped already.")
	}
	now := store.Instant(s.Now())
	after := before
	after.State, after.StateReason, after.SuspendedAt = Suspended, reason, &now
	if err := s.saveSaying(ctx, tx, by, before, after, "employee.suspend", reason); err != nil {
		return err
	}
	return Stopped.Add(ctx, tx, by.OrgID, EmployeeRef{Org: by.OrgID, Employee: id}, now)
}

// Reactivate lets a suspended or blocked employee in again. Errors:
// fault.Denied, fault.Absent, fault.Conflict.
func (s *Service) Reactivate(ctx context.Context, by access.Actor, id access.EmployeeID) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.ReactivateTx(ctx, tx, by, id) })
}

// ReactivateTx is Reactivate in the caller's transaction.
func (s *Service) ReactivateTx(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	before, err := present(ctx, tx, by.OrgID, id)
	if err != nil {
		return err
	}
	if before.State == Active {
		return fault.New(fault.Conflict, "org.employee.active", "The employee is active already.")
	}
	after := before
	after.State, after.StateReason, after.SuspendedAt = Active, "", nil
	return s.save(ctx, tx, by, before, after, "employee.reactivate", "")
}

// Delete takes an employee out of the organisation for good: no login, key files
// blocked and certificates revoked by work that follows, and after the days of
// retention the personal data erased. Errors: fault.Denied, fault.Absent,
// fault.Conflict.
func (s *Service) Delete(ctx context.Context, by access.Actor, id access.EmployeeID, reason string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.DeleteTx(ctx, tx, by, id, reason) })
}

// DeleteTx is Delete in the caller's transaction.
func (s *Service) DeleteTx(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, reason string) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	if err := checkReason(reason); err != nil {
		return err
	}
	if err := s.KeepAdministrator(ctx, tx, by.OrgID, id); err != nil {
		return err
	}
	before, err := present(ctx, tx, by.OrgID, id)
	if err != nil {
		return err
	}
	settings, err := setting.Of(ctx, tx, by.OrgID)
	if err != nil {
		return err
	}
	now := store.Instant(s.Now())
	erase := now.Add(time.Duration(settings.RetentionDays) * 24 * time.Hour)
	after := before
	after.State, after.StateReason, after.DeletedAt, after.EraseAt = Deleted, reason, &now, &erase
	if err := s.saveSaying(ctx, tx, by, before, after, "employee.delete", reason); err != nil {
		return err
	}
	ref := EmployeeRef{Org: by.OrgID, Employee: id}
	if err := Stopped.Add(ctx, tx, by.OrgID, ref, now); err != nil {
		return err
	}
	return Gone.Add(ctx, tx, by.OrgID, ref, now)
}
