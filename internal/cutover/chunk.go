package cutover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Migrate carries out one chunk in one transaction: it claims the rows that are
// still pending and only for these finds or makes the employees, orders key
// files, queues mails and writes audit entries. A second run claims nothing.
func (s *Service) Migrate(ctx context.Context, ref ChunkRef) error {
	o, err := s.Org.Organisation(ctx, ref.Org)
	if err != nil {
		return err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		b, c, err := holdChunk(ctx, tx, ref)
		if err != nil || b.State != Running {
			return err // dropped, paused or cancelled: resume records the work anew
		}
		var rows []Row
		err = tx.NewUpdate().Model(&rows).Set("state = ?", RowInvited).
			Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("row_no BETWEEN ? AND ?", c.FromRow, c.ToRow).Where("state = ?", RowPending).
			Returning("*").Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("claim rows: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		return s.migrate(ctx, tx, o, b, c, rows)
	})
	if err != nil {
		return fmt.Errorf("chunk %d of batch %s: %w", ref.No, ref.Batch, err)
	}
	return s.complete(ctx, BatchRef{ref.Org, ref.Batch})
}

// holdChunk reads a batch and locks one of its chunks, before any of its rows, as Cancel
// does: whoever comes second waits here. A batch that was dropped has no state.
func holdChunk(ctx context.Context, tx bun.Tx, ref ChunkRef) (b Batch, c Chunk, err error) {
	err = tx.NewSelect().Model(&b).Where("org_id = ?", ref.Org).Where("id = ?", ref.Batch).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Batch{}, c, nil
	}
	if err != nil {
		return b, c, err
	}
	err = tx.NewUpdate().Model(&c).Set("done_at = done_at").
		Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("no = ?", ref.No).Returning("*").Scan(ctx)
	return b, c, err
}

// migrate does what the claimed rows ask for and settles their states.
func (s *Service) migrate(ctx context.Context, tx bun.Tx, o org.Organisation, b Batch, c Chunk, rows []Row) error {
	// In the order of RID, so that two batches with the same people wait for
	// each other instead of locking crosswise.
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.RID, b.RID) })
	settled := settlement{}
	var wanted []org.Employee
	for _, r := range rows {
		if r.Reason == ReasonBlocked {
			settled.put(RowSkipped, ReasonBlocked, r)
			continue
		}
		wanted = append(wanted, s.Org.Prepare(r.employee()))
	}
	employees, err := org.FindOrCreate(ctx, tx, o.ID, wanted)
	if err != nil {
		return fmt.Errorf("find or create employees: %w", err)
	}
	orders, cards := s.sort(b, rows, employees, settled)
	if err := credential.HoldCodeCards(ctx, tx, cards); err != nil {
		return err
	}
	invitations, err := s.order(ctx, tx, o, b, orders)
	if err != nil {
		return err
	}
	settled.uninvited(orders, invitations, rows)
	if err := settled.store(ctx, tx, b.ID); err != nil {
		return err
	}
	if err := adoptKnown(ctx, tx, b.ID, c, rows, employees); err != nil {
		return err
	}
	if err := s.recordUnordered(ctx, tx, rows, employees); err != nil {
		return err
	}
	if err := s.give(ctx, tx, b, rows, employees, settled); err != nil {
		return err
	}
	skipped, failed := settled.count(RowSkipped), settled.count(RowFailed)
	_, err = tx.NewUpdate().Model((*Chunk)(nil)).
		Set("pending = pending - ?", len(rows)).Set("invited = invited + ?", int64(len(rows))-skipped-failed).
		Set("skipped = skipped + ?", skipped).Set("failed = failed + ?", failed).
		Set("done_at = ?", store.Instant(s.Now())).
		Where("batch_id = ?", b.ID).Where("no = ?", c.No).Exec(ctx)
	return err
}

// order orders the key files, with one lot of mails, and without for people with
// a local user ID where the batch says so: they get theirs another way.
func (s *Service) order(ctx context.Context, tx bun.Tx, o org.Organisation, b Batch, orders []credential.Order) ([]credential.Invitation, error) {
	mailed, quiet := orders, []credential.Order(nil)
	if b.QuietLocal {
		mailed = nil
		for _, one := range orders {
			if one.Employee.LocalUserID == "" {
				mailed = append(mailed, one)
			} else {
				quiet = append(quiet, one)
			}
		}
	}
	made, err := s.Credential.Orders(ctx, tx, access.System(o.ID), o, mailed, true)
	if err != nil || len(quiet) == 0 {
		return made, err
	}
	more, err := s.Credential.Orders(ctx, tx, access.System(o.ID), o, quiet, false)
	return append(made, more...), err
}

// employee is the person of the row as a new employee.
func (r Row) employee() org.Employee {
	return org.Employee{
		ID: *r.EmployeeID, OrgID: r.OrgID, RID: &r.RID, GivenName: r.GivenName, Surname: r.Surname, Email: r.Email,
		Phone: r.Phone, CPRSealed: r.CPRSealed, CPRMAC: r.CPRMAC, DateOfBirth: r.DateOfBirth,
		PNumber: r.PNumber, SENumber: r.SENumber, LocalUserID: r.LocalUserID,
	}
}

// sort decides for each row whether it gets a key file, and which code cards
// are put on record.
func (s *Service) sort(b Batch, rows []Row, employees map[string]org.Employee, settled settlement) ([]credential.Order, []credential.CodeCard) {
	var orders []credential.Order
	var cards []credential.CodeCard
	now := store.Instant(s.Now())
	for i := range rows {
		r := &rows[i]
		e, found := employees[r.RID]
		switch {
		case !found || r.Reason == ReasonBlocked:
			continue
		case otherPerson(*r, e): // since the dry run
			settled.put(RowFailed, ReasonOtherPerson, *r)
			continue
		case e.State != org.Active:
			settled.put(RowSkipped, ReasonStopped, *r)
			continue
		case r.Carrier == KeyFile:
			settled.put(RowSkipped, ReasonOnKeyFile, *r)
			continue
		case r.Carrier == CodeCard:
			cards = append(cards, credential.CodeCard{
				ID: store.NewID(), OrgID: b.OrgID, EmployeeID: e.ID, BatchID: &b.ID, State: "active",
				ParallelDays: b.ParallelDays, CreatedAt: now,
			})
		}
		orders = append(orders, credential.Order{Employee: e, Batch: &b.ID, Row: &r.RowNo})
	}
	return orders, cards
}

// outcome is a state with its reason, other than invited.
type outcome struct {
	state  RowState
	reason string
}

// settlement collects the rows that are not invited, by outcome.
type settlement map[outcome][]int64

func (s settlement) put(state RowState, reason string, r Row) {
	k := outcome{state, reason}
	s[k] = append(s[k], r.RowNo)
}

func (s settlement) count(state RowState) (n int64) {
	for k, rows := range s {
		if k.state == state {
			n += int64(len(rows))
		}
	}
	return n
}

// has tells whether a row is not invited.
func (s settlement) has(r Row) bool {
	for _, rows := range s {
		if slices.Contains(rows, r.RowNo) {
			return true
		}
	}
	return false
}

// uninvited settles the rows whose employee has a key file or an order already.
func (s settlement) uninvited(orders []credential.Order, made []credential.Invitation, rows []Row) {
	if len(made) == len(orders) {
		return
	}
	invited := make(map[access.EmployeeID]bool, len(made))
	for _, i := range made {
		invited[i.Employee] = true
	}
	byNo := make(map[int64]Row, len(rows))
	for _, r := range rows {
		byNo[r.RowNo] = r
	}
	for _, o := range orders {
		if !invited[o.Employee.ID] {
			s.put(RowSkipped, ReasonInvited, byNo[*o.Row])
		}
	}
}

func (s settlement) store(ctx context.Context, tx bun.Tx, batch string) error {
	for k, rows := range s {
		if _, err := tx.NewUpdate().Model((*Row)(nil)).Set("state = ?", k.state).Set("reason = ?", k.reason).
			Where("batch_id = ?", batch).Where("row_no IN (?)", bun.List(rows)).Exec(ctx); err != nil {
			return fmt.Errorf("settle rows: %w", err)
		}
	}
	return nil
}

// adoptKnown puts the employee's own ID on the rows of people who were known.
func adoptKnown(ctx context.Context, tx bun.Tx, batch string, c Chunk, rows []Row, employees map[string]org.Employee) error {
	known := slices.ContainsFunc(rows, func(r Row) bool {
		e, found := employees[r.RID]
		return found && e.ID != *r.EmployeeID
	})
	if !known {
		return nil
	}
	_, err := tx.NewUpdate().Model((*Row)(nil)).
		Set("employee_id = (SELECT e.id FROM employee AS e WHERE e.org_id = ?TableAlias.org_id AND e.rid = ?TableAlias.rid)").
		Where("batch_id = ?", batch).Where("row_no BETWEEN ? AND ?", c.FromRow, c.ToRow).Where("employee_id IS NOT NULL").Exec(ctx)
	return err
}

// recordUnordered writes the audit entries of new employees who get no key file
// here, because they have one; an order has an entry of its own.
func (s *Service) recordUnordered(ctx context.Context, tx bun.Tx, rows []Row, employees map[string]org.Employee) error {
	var entries []audit.Entry
	for _, r := range rows {
		if e, found := employees[r.RID]; found && r.Carrier == KeyFile && e.ID == *r.EmployeeID {
			entries = append(entries, audit.By(access.System(r.OrgID), s.Now(), "employee.create", "employee:"+string(e.ID), "RID "+r.RID))
		}
	}
	return audit.Record(ctx, tx, entries...)
}

// complete ends a running batch when nothing of it is pending. It runs after
// each chunk's commit, so the last of several that end together sees it.
func (s *Service) complete(ctx context.Context, ref BatchRef) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Completed).Set("finished_at = ?", now).
			Where("org_id = ?", ref.Org).Where("id = ?", ref.Batch).Where("state = ?", Running).
			Where("NOT EXISTS (SELECT 1 FROM batch_chunk AS c WHERE c.batch_id = batch.id AND c.pending > 0)").Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		if err := Tidy.Add(ctx, tx, ref.Org, ref, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(ref.Org), now, "batch.complete", "batch:"+ref.Batch, ""))
	})
}

// Forget erases the CPR numbers from the rows of a batch that is over: the
// employees have them now. Rows that Retry may take up keep theirs.
func (s *Service) Forget(ctx context.Context, ref BatchRef) error {
	_, err := s.DB.NewUpdate().Model((*Row)(nil)).Set("cpr_sealed = NULL").Set("cpr_mac = NULL").
		Where("org_id = ?", ref.Org).Where("batch_id = ?", ref.Batch).Where("cpr_sealed IS NOT NULL").
		Where("NOT (state = ? AND reason = ?)", RowFailed, ReasonOtherPerson).Exec(ctx)
	return err
}

// RowActivated moves the row of a used invitation from invited to activated, and
// attaches its employee to the powers of attorney that waited for it.
func (s *Service) RowActivated(ctx context.Context, ref credential.ActivationRef) error {
	if ref.Batch == "" {
		return nil
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var moved []Row
		err := tx.NewUpdate().Model(&moved).Set("state = ?", RowActivated).
			Where("org_id = ?", ref.Org).Where("batch_id = ?", ref.Batch).Where("row_no = ?", ref.Row).Where("state = ?", RowInvited).
			Returning("*").Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) || err == nil && len(moved) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model((*Chunk)(nil)).Set("invited = invited - 1").Set("activated = activated + 1").
			Where("org_id = ?", ref.Org).Where("batch_id = ?", ref.Batch).Where("from_row <= ?", ref.Row).Where("to_row >= ?", ref.Row).Exec(ctx); err != nil {
			return err
		}
		return s.attachActivated(ctx, tx, moved[0])
	})
}
