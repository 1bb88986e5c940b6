package roster

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Apply carries out one chunk in one transaction: it claims the rows that are
// still pending and does only these, each within a savepoint, so that one that
// fails leaves the others alone. A second run claims nothing.
func (s *Service) Apply(ctx context.Context, ref ChunkRef) error {
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var r Run
		err := tx.NewSelect().Model(&r).Where("org_id = ?", ref.Org).Where("id = ?", ref.Run).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) || (err == nil && r.State != Running) {
			return nil // dropped or cancelled
		}
		if err != nil {
			return err
		}
		// The chunk before its rows, as Cancel does: whoever comes second waits
		// here and finds no row pending.
		var c Chunk
		if err := tx.NewUpdate().Model(&c).Set("done_at = done_at").
			Where("org_id = ?", ref.Org).Where("run_id = ?", ref.Run).Where("no = ?", ref.No).Returning("*").Scan(ctx); err != nil {
			return err
		}
		var rows []Row
		err = tx.NewUpdate().Model(&rows).Set("state = ?", RowDone).
			Where("org_id = ?", ref.Org).Where("run_id = ?", ref.Run).Where("row_no BETWEEN ? AND ?", c.FromRow, c.ToRow).
			Where("state = ?", RowPending).Returning("*").Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("claim rows: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		return s.apply(ctx, tx, r, c, rows)
	})
	if err != nil {
		return fmt.Errorf("chunk %d of run %s: %w", ref.No, ref.Run, err)
	}
	return s.complete(ctx, RunRef{ref.Org, ref.Run})
}

// apply does what the claimed rows ask for and settles their states.
func (s *Service) apply(ctx context.Context, tx bun.Tx, r Run, c Chunk, rows []Row) error {
	by, err := r.actor()
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Action == ToSuspend || row.Action == ToDelete {
			// The organisation before its employees, so that two chunks with
			// administrators in them wait for each other instead of locking crosswise.
			if err := org.Lock(ctx, tx, r.OrgID); err != nil {
				return err
			}
			break
		}
	}
	var hired []org.Employee
	var failed, unchanged int64
	for i := range rows {
		row := &rows[i]
		err := tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			made, err := s.do(ctx, tx, by, r, row)
			if err == nil && made != nil {
				hired = append(hired, *made)
			}
			return err
		})
		switch {
		case err != nil && fault.KindOf(err) == fault.Internal, fault.KindOf(err) == fault.Unavailable:
			return err
		case err != nil:
			failed++
			row.State, row.Reason, row.Message = RowFailed, fault.CodeOf(err), textOf(err)
		case row.State == RowUnchanged:
			unchanged++
		}
		if err := settle(ctx, tx, row); err != nil {
			return err
		}
	}
	if err := s.invite(ctx, tx, by, r, hired); err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Chunk)(nil)).
		Set("pending = pending - ?", len(rows)).Set("done = done + ?", int64(len(rows))-failed-unchanged).
		Set("failed = failed + ?", failed).Set("unchanged = unchanged + ?", unchanged).Set("done_at = ?", store.Instant(s.Now())).
		Where("org_id = ?", r.OrgID).Where("run_id = ?", r.ID).Where("no = ?", c.No).Exec(ctx)
	return err
}

// textOf is the sentence of a fault.
func textOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Text
	}
	return ""
}

// settle stores what became of a row.
func settle(ctx context.Context, tx bun.Tx, row *Row) error {
	if row.State == RowDone && row.Action != ToCreate {
		return nil // as claimed
	}
	_, err := tx.NewUpdate().Model(row).Column("state", "reason", "message", "employee_id").WherePK().Exec(ctx)
	return err
}

// do carries out one row and returns whom it has created.
func (s *Service) do(ctx context.Context, tx bun.Tx, by access.Actor, r Run, row *Row) (*org.Employee, error) {
	switch {
	case row.Action == ToDelete:
		return nil, s.Org.DeleteTx(ctx, tx, by, *row.EmployeeID, "")
	case row.Reason == ReasonMissing, r.Mode == Suspend:
		return nil, s.stop(ctx, tx, by, row)
	}
	l, err := s.open(*row)
	if err != nil {
		return nil, err
	}
	if row.Action == ToCreate {
		return s.hire(ctx, tx, by, row, l)
	}
	e, err := org.Get(ctx, tx, by.OrgID, *row.EmployeeID)
	if err != nil {
		return nil, err
	}
	changed := len(l.changes(e)) > 0
	if changed {
		if _, err := s.Org.EditTx(ctx, tx, by, e.ID, e.Version, l.onto(e), e.ID); err != nil {
			return nil, err
		}
	}
	switch {
	case row.Action == ToReactivate && e.State != org.Active:
		return nil, s.Org.ReactivateTx(ctx, tx, by, e.ID)
	case row.Action == ToSuspend:
		return nil, s.stop(ctx, tx, by, row)
	case !changed:
		row.State = RowUnchanged // somebody has done it since
	}
	return nil, nil
}

// open reads what the line of a row says.
func (s *Service) open(row Row) (line, error) {
	var l line
	text, err := s.Keys.Open(rowPurpose, row.place(), row.Person)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, err
	}
	if l.CPR != "" {
		l.cprMAC = org.CPRMAC(s.Keys, row.OrgID, l.CPR)
	}
	return l, nil
}

// stop suspends an employee unless somebody has since.
func (s *Service) stop(ctx context.Context, tx bun.Tx, by access.Actor, row *Row) error {
	e, err := org.Get(ctx, tx, by.OrgID, *row.EmployeeID)
	if err != nil {
		return err
	}
	if e.State != org.Active {
		row.State = RowUnchanged
		return nil
	}
	return s.Org.SuspendTx(ctx, tx, by, e.ID, "")
}

// hire creates an employee. Somebody with the same address, name or date of
// birth who has another CPR number or RID is another person, as the draft said.
func (s *Service) hire(ctx context.Context, tx bun.Tx, by access.Actor, row *Row, l line) (*org.Employee, error) {
	p := l.onto(org.Employee{})
	e, err := s.Org.CreateTx(ctx, tx, by, p, "")
	if twin, found := errors.AsType[*org.DuplicateError](err); found && otherPerson(l, twin.Employee) {
		e, err = s.Org.CreateTx(ctx, tx, by, p, twin.Employee.ID)
	}
	if err != nil {
		return nil, err
	}
	row.EmployeeID = &e.ID
	return &e, nil
}

// invite orders key files, with one lot of mails, for the new employees whose
// identity is known well enough.
func (s *Service) invite(ctx context.Context, tx bun.Tx, by access.Actor, r Run, hired []org.Employee) error {
	var orders []credential.Order
	for _, e := range hired {
		switch err := org.Standing(ctx, tx, e); {
		case err == nil:
			orders = append(orders, credential.Order{Employee: e})
		case fault.KindOf(err) != fault.Conflict:
			return err
		}
	}
	if !r.Invite || len(orders) == 0 {
		return nil
	}
	o, err := org.ByID(ctx, tx, r.OrgID)
	if err != nil {
		return err
	}
	_, err = s.Credential.Orders(ctx, tx, by, o, orders, true)
	return err
}

// complete ends a running run when nothing of it is pending. It runs after each
// chunk's commit, so the last of several that end together sees it.
func (s *Service) complete(ctx context.Context, ref RunRef) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*Run)(nil)).Set("state = ?", Completed).Set("finished_at = ?", now).
			Where("org_id = ?", ref.Org).Where("id = ?", ref.Run).Where("state = ?", Running).
			Where("NOT EXISTS (SELECT 1 FROM roster_chunk AS c WHERE c.org_id = ? AND c.run_id = ? AND c.pending > 0)", ref.Org, ref.Run).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		if err := Tidy.Add(ctx, tx, ref.Org, ref, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(ref.Org), now, "run.complete", "run:"+ref.Run, ""))
	})
}

// Forget erases what the lines of a run that is over said: the employees have
// it now.
func (s *Service) Forget(ctx context.Context, ref RunRef) error {
	_, err := s.DB.NewUpdate().Model((*Row)(nil)).Set("person = NULL").
		Where("org_id = ?", ref.Org).Where("run_id = ?", ref.Run).Where("person IS NOT NULL").Exec(ctx)
	return err
}
