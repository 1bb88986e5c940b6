package cutover

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// retryLines is how many lines Retry takes by number.
const retryLines = 500

// Retry takes up again what failed for something that may have been put right
// since, on some lines of the file or on all: rows that were not migrated, rows
// whose employee was, but not their roles, rights or powers of attorney, and rows
// that no work is left for. It is done in the name of the actor. Rows with mistakes
// of their own stay failed. Errors: fault.Denied, fault.Absent, fault.Invalid for
// too many lines, fault.Conflict when there is no such row or the batch is not
// under way or completed.
func (s *Service) Retry(ctx context.Context, by access.Actor, id string, lines ...int64) error {
	if len(lines) > retryLines {
		return fault.New(fault.Invalid, "cutover.batch.lines", "At most %d lines can be named at a time. Without lines, all are taken up again.", retryLines).On("lines")
	}
	return s.step(ctx, by, id, "batch.retry", func(ctx context.Context, tx bun.Tx, b Batch) (bool, error) {
		if b.State != Running && b.State != Completed {
			return false, errState(b, "tried again")
		}
		if err := mayStart(by, b); err != nil {
			return false, err
		}
		migrated, err := s.retryFailed(ctx, tx, b, lines)
		if err != nil {
			return false, err
		}
		given, err := s.retryGiving(ctx, tx, b, lines)
		if err != nil {
			return false, err
		}
		if !migrated && !given {
			return false, fault.New(fault.Conflict, "cutover.batch.nothing_to_retry", "No row failed for something that could pass now. Correct the others in the file and upload it again.")
		}
		who, err := starterOf(by)
		if err != nil {
			return false, err
		}
		q := tx.NewUpdate().Model((*Batch)(nil)).Set("starter = ?", who)
		if migrated {
			q.Set("state = ?", Running).Set("finished_at = NULL")
		}
		res, err := q.Where("org_id = ?", b.OrgID).Where("id = ?", b.ID).Where("state = ?", b.State).Exec(ctx)
		if err := store.One(res, err, "cutover.batch"); err != nil {
			return false, err
		}
		if migrated {
			err = s.addWork(ctx, tx, b, store.Instant(s.Now()))
		}
		return true, err
	})
}

// retryFailed makes rows pending that failed for a reason that can pass, and tells
// whether there are any, or rows that no work is left for.
func (s *Service) retryFailed(ctx context.Context, tx bun.Tx, b Batch, lines []int64) (bool, error) {
	stuck, err := s.Stuck(ctx, BatchRef{b.OrgID, b.ID})
	if err != nil {
		return false, err
	}
	// Chunks before rows, as everywhere.
	again := "(SELECT COUNT(*) FROM batch_row AS r WHERE r.org_id = ? AND r.batch_id = ? AND r.row_no BETWEEN from_row AND to_row AND r.state = ? AND r.reason = ?"
	args := []any{b.OrgID, b.ID, RowFailed, ReasonOtherPerson}
	if len(lines) > 0 {
		again += " AND r.line IN (?)"
		args = append(args, bun.List(lines))
	}
	again += ")"
	if _, err := tx.NewUpdate().Model((*Chunk)(nil)).Set("pending = pending + "+again, args...).Set("failed = failed - "+again, args...).
		Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("failed > 0").Exec(ctx); err != nil {
		return false, err
	}
	n, err := store.Count(onLines(tx.NewUpdate().Model((*Row)(nil)).Set("state = ?", RowPending).Set("reason = ''").
		Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID), lines).Where("state = ?", RowFailed).Where("reason = ?", ReasonOtherPerson).Exec(ctx))
	return n > 0 || stuck, err
}

// retryGiving marks what could not be given, and records the work that tries it. A
// mark that no work is left for counts as not given.
func (s *Service) retryGiving(ctx context.Context, tx bun.Tx, b Batch, lines []int64) (bool, error) {
	tried := []string{"", Trying}
	if waiting, err := GiveChunk.Waiting(ctx, tx, b.OrgID, b.ID); err != nil {
		return false, err
	} else if !waiting {
		tried = tried[:1]
	}
	marked := int64(0)
	for _, column := range []bun.Ident{"not_given", "not_attached"} {
		n, err := store.Count(onLines(tx.NewUpdate().Model((*Row)(nil)).Set("? = ?", column, Trying).
			Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID), lines).Where("? NOT IN (?)", column, bun.List(tried)).Exec(ctx))
		if err != nil {
			return false, err
		}
		marked += n
	}
	if marked == 0 {
		return false, nil
	}
	var chunks []Chunk
	if err := tx.NewSelect().Model(&chunks).Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).
		Where("EXISTS (SELECT 1 FROM batch_row AS r WHERE r.org_id = chunk.org_id AND r.batch_id = chunk.batch_id AND r.row_no BETWEEN chunk.from_row AND chunk.to_row AND (r.not_given = ? OR r.not_attached = ?))", Trying, Trying).
		Order("no").Scan(ctx); err != nil {
		return false, err
	}
	items := make([]outbox.Item, len(chunks))
	for i, c := range chunks {
		var err error
		if items[i], err = GiveChunk.Item(b.OrgID, outbox.Default, ChunkRef{b.OrgID, b.ID, c.No}, store.Instant(s.Now())); err != nil {
			return false, err
		}
	}
	return true, outbox.Add(ctx, tx, items...)
}

// onLines narrows an update of rows to lines, if any are named.
func onLines(q *bun.UpdateQuery, lines []int64) *bun.UpdateQuery {
	if len(lines) > 0 {
		q.Where("line IN (?)", bun.List(lines))
	}
	return q
}

// Give tries what Retry marked in one chunk, in one transaction. A second run
// finds no mark.
func (s *Service) Give(ctx context.Context, ref ChunkRef) error {
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		b, c, err := holdChunk(ctx, tx, ref)
		if err != nil || b.State == "" {
			return err
		}
		var rows []Row
		if err := tx.NewSelect().Model(&rows).ExcludeColumn("cpr_sealed", "cpr_mac").Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).
			Where("row_no BETWEEN ? AND ?", c.FromRow, c.ToRow).Where("employee_id IS NOT NULL").
			Where("(not_given = ? OR not_attached = ?)", Trying, Trying).Order("rid").Scan(ctx); err != nil {
			return err
		}
		by, err := b.actor(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			after, err := s.giveRow(ctx, tx, by, r, *r.EmployeeID)
			if err != nil {
				return err
			}
			if err := note(ctx, tx, r, after); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("give in chunk %d of batch %s: %w", ref.No, ref.Batch, err)
	}
	return nil
}
