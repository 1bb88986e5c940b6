package cutover

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Retry takes up the rows again that failed for something that may have been
// put right since, and those that no work is left for: the batch runs on. Rows
// with mistakes of their own stay failed. Errors: fault.Denied, fault.Absent,
// fault.Conflict when there is no such row or the batch is not under way or
// completed.
func (s *Service) Retry(ctx context.Context, by access.Actor, id string) error {
	return s.step(ctx, by, id, "batch.retry", func(ctx context.Context, tx bun.Tx, b Batch) (bool, error) {
		if b.State != Running && b.State != Completed {
			return false, errState(b, "tried again")
		}
		if err := mayStart(by, b); err != nil {
			return false, err
		}
		stuck, err := s.Stuck(ctx, BatchRef{b.OrgID, b.ID})
		if err != nil {
			return false, err
		}
		// Chunks before rows, as everywhere.
		const again = "(SELECT COUNT(*) FROM batch_row AS r WHERE r.org_id = ? AND r.batch_id = ? AND r.row_no BETWEEN from_row AND to_row AND r.state = ? AND r.reason = ?)"
		args := []any{b.OrgID, b.ID, RowFailed, ReasonOtherPerson}
		if _, err := tx.NewUpdate().Model((*Chunk)(nil)).Set("pending = pending + "+again, args...).Set("failed = failed - "+again, args...).
			Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("failed > 0").Exec(ctx); err != nil {
			return false, err
		}
		n, err := store.Count(tx.NewUpdate().Model((*Row)(nil)).Set("state = ?", RowPending).Set("reason = ''").
			Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("state = ?", RowFailed).Where("reason = ?", ReasonOtherPerson).Exec(ctx))
		if err != nil {
			return false, err
		}
		if n == 0 && !stuck {
			return false, fault.New(fault.Conflict, "cutover.batch.nothing_to_retry", "No row failed for something that could pass now. Correct the others in the file and upload it again.")
		}
		res, err := tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Running).Set("finished_at = NULL").
			Where("org_id = ?", b.OrgID).Where("id = ?", b.ID).Where("state = ?", b.State).Exec(ctx)
		if err := store.One(res, err, "cutover.batch"); err != nil {
			return false, err
		}
		return true, s.addWork(ctx, tx, b, store.Instant(s.Now()))
	})
}
