package credential

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Order asks for a key file for one employee.
type Order struct {
	Employee org.Employee
	// Batch and Row name the migration row the order comes from.
	Batch *string
	Row   *int64
}

// Invitation is an order's answer. Token and Code exist here and nowhere else
// in clear: whoever holds them hands them to the employee or forgets them.
type Invitation struct {
	Employee  access.EmployeeID
	Token     string
	Code      string
	ExpiresAt time.Time
}

// String keeps the secrets out of logs.
func (i Invitation) String() string { return "invitation of " + string(i.Employee) + " [hidden]" }

// Orders orders a key file for each employee who has none, in the caller's
// transaction: the order, the invitation and its audit entry, and with mails the
// activation mail, delivered as one lot. It returns the invitations of those who
// got one; an employee with a key file or an order is left out.
func (s *Service) Orders(ctx context.Context, tx bun.Tx, by access.Actor, o org.Organisation, orders []Order, mails bool) ([]Invitation, error) {
	now := store.Instant(s.Now())
	files := make([]KeyFile, len(orders))
	for i, one := range orders {
		files[i] = KeyFile{ID: store.NewID(), OrgID: o.ID, EmployeeID: one.Employee.ID, State: "ordered", OrderedAt: now}
	}
	made, err := insertKeyFiles(ctx, tx, files)
	if err != nil {
		return nil, err
	}
	var invitations []Invitation
	var activations []Activation
	var drafts []mail.Draft
	var entries []audit.Entry
	for i, one := range orders {
		if !made[files[i].ID] {
			continue
		}
		invitation, activation := s.invite(files[i], one.Batch, one.Row, now)
		invitations = append(invitations, invitation)
		activations = append(activations, activation)
		drafts = append(drafts, activationMail(o, one.Employee, invitation))
		entries = append(entries, audit.By(by, now, "key_file.order", "employee:"+string(one.Employee.ID), "RID "+one.Employee.RIDText()))
	}
	if _, err := store.Insert(ctx, tx, activations, ""); err != nil {
		return nil, fmt.Errorf("insert activations: %w", err)
	}
	if err := markOrdered(ctx, tx, o.ID, activations); err != nil {
		return nil, err
	}
	if mails && len(drafts) > 0 {
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return nil, err
		}
	}
	return invitations, audit.Record(ctx, tx, entries...)
}

// markOrdered makes the lists show who has a key file on order. Those who had one
// before lose the mark of it.
func markOrdered(ctx context.Context, tx bun.Tx, orgID access.OrgID, activations []Activation) error {
	if len(activations) == 0 {
		return nil
	}
	ids := make([]access.EmployeeID, len(activations))
	for i, a := range activations {
		ids[i] = a.EmployeeID
	}
	var again []access.EmployeeID
	err := tx.NewSelect().Model((*KeyFile)(nil)).Distinct().Column("employee_id").
		Where("org_id = ?", orgID).Where("employee_id IN (?)", bun.List(ids)).Where("state = 'blocked'").Scan(ctx, &again)
	if err != nil {
		return err
	}
	for _, group := range []string{org.MarkKeyFile, org.MarkInvitation} {
		if err := org.SetMark(ctx, tx, orgID, group, "", false, again...); err != nil {
			return err
		}
	}
	if err := org.SetMark(ctx, tx, orgID, org.MarkKeyFile, "ordered", true, ids...); err != nil {
		return err
	}
	return org.SetMark(ctx, tx, orgID, org.MarkInvitation, "open", true, ids...)
}

// insertKeyFiles returns the IDs of those that were inserted: an employee has
// at most one that is not blocked.
func insertKeyFiles(ctx context.Context, tx bun.Tx, files []KeyFile) (map[string]bool, error) {
	n, err := store.Insert(ctx, tx, files, "ON CONFLICT (org_id, employee_id) WHERE state <> 'blocked' DO NOTHING")
	if err != nil {
		return nil, fmt.Errorf("insert key files: %w", err)
	}
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	if n != int64(len(files)) {
		var stored []string
		err := tx.NewSelect().Model((*KeyFile)(nil)).Column("id").
			Where("org_id = ?", files[0].OrgID).Where("id IN (?)", bun.List(ids)).Scan(ctx, &stored)
		if err != nil {
			return nil, err
		}
		ids = stored
	}
	made := make(map[string]bool, len(ids))
	for _, id := range ids {
		made[id] = true
	}
	return made, nil
}

// invite makes the two secrets of an invitation and the row that recognises
// them.
func (s *Service) invite(file KeyFile, batch *string, row *int64, now time.Time) (Invitation, Activation) {
	i := Invitation{
		Employee: file.EmployeeID, Token: secret.Token(), Code: secret.Code(),
		ExpiresAt: now.AddDate(0, 0, ActivationDays),
	}
	a := Activation{
		ID: store.NewID(), OrgID: file.OrgID, EmployeeID: file.EmployeeID, KeyFileID: file.ID, BatchID: batch, RowNo: row,
		State: "open", TokenMAC: s.Keys.MAC(tokenPurpose, i.Token), CreatedAt: now, ExpiresAt: i.ExpiresAt,
	}
	a.CodeMAC = s.Keys.MAC(codePurpose, a.ID, secret.CleanCode(i.Code))
	a.CodeSealed = s.Keys.Seal(codePurpose, string(a.OrgID)+"/"+a.ID, []byte(i.Code))
	return i, a
}

func activationMail(o org.Organisation, e org.Employee, i Invitation) mail.Draft {
	return mail.Draft{
		Org: o.ID, Employee: e.ID, Kind: mail.KindActivation, Lang: e.Lang, Name: e.Name(), Address: e.Email, Token: i.Token,
		Params: map[string]string{"organisation": o.Name, "expires": i.ExpiresAt.Format(time.RFC3339)},
	}
}

// HoldCodeCards records code cards for employees who have none on record.
func HoldCodeCards(ctx context.Context, tx bun.Tx, cards []CodeCard) error {
	if len(cards) == 0 {
		return nil
	}
	n, err := store.Insert(ctx, tx, cards, "ON CONFLICT (org_id, employee_id) DO NOTHING")
	if err != nil {
		return err
	}
	ids := make([]access.EmployeeID, len(cards))
	for i, c := range cards {
		ids[i] = c.EmployeeID
	}
	if n != int64(len(cards)) { // some had one before, perhaps a blocked one
		stored := make([]string, len(cards))
		for i, c := range cards {
			stored[i] = c.ID
		}
		ids = nil
		if err := tx.NewSelect().Model((*CodeCard)(nil)).Column("employee_id").
			Where("org_id = ?", cards[0].OrgID).Where("id IN (?)", bun.List(stored)).Scan(ctx, &ids); err != nil {
			return err
		}
	}
	return org.SetMark(ctx, tx, cards[0].OrgID, org.MarkCodeCard, "active", true, ids...)
}

// Reissue replaces the invitation of an employee who has no key file in use and
// mails the new link; the old link and code stop working. Without any order it
// makes one. Errors: fault.Denied, fault.Absent, fault.Conflict.
func (s *Service) Reissue(ctx context.Context, by access.Actor, id access.EmployeeID) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	o, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		e, err := org.Get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if e.State != org.Active {
			return fault.New(fault.Conflict, "credential.employee.stopped", "The employee is %s and cannot be invited. Reactivate the employee first.", e.State)
		}
		if err := org.Standing(ctx, tx, e); err != nil {
			return err
		}
		if err := s.allowed(ctx, tx, e); err != nil {
			return err
		}
		file, live, err := liveKeyFile(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		// The row of a migration goes along, so that it is activated in the end.
		old, _, err := newestActivation(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		switch {
		case !live:
			_, err := s.Orders(ctx, tx, by, o, []Order{{Employee: e, Batch: old.BatchID, Row: old.RowNo}}, true)
			return err
		case file.State == "active":
			return fault.New(fault.Conflict, "credential.key_file.active", "The employee has a key file in use. If it is lost, block it first; then a new one can be ordered.")
		}
		return s.replaceInvitation(ctx, tx, by, o, e, file, old)
	})
}

func (s *Service) replaceInvitation(ctx context.Context, tx bun.Tx, by access.Actor, o org.Organisation, e org.Employee, file KeyFile, old Activation) error {
	now := store.Instant(s.Now())
	if _, err := tx.NewUpdate().Model((*Activation)(nil)).Set("state = 'replaced'").Set("code_sealed = NULL").
		Where("org_id = ?", by.OrgID).Where("employee_id = ?", e.ID).Where("state = 'open'").Exec(ctx); err != nil {
		return err
	}
	invitation, activation := s.invite(file, old.BatchID, old.RowNo, now)
	// Two administrators may have had the same idea.
	n, err := store.Insert(ctx, tx, []Activation{activation}, "ON CONFLICT (org_id, employee_id) WHERE state = 'open' DO NOTHING")
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "credential.activation.reissued", "A new invitation has been sent a moment ago.")
	}
	if err := s.Mail.Queue(ctx, tx, "", activationMail(o, e, invitation)); err != nil {
		return err
	}
	if err := org.SetMark(ctx, tx, by.OrgID, org.MarkInvitation, "open", false, e.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, now, "activation.reissue", "employee:"+string(e.ID), ""))
}
