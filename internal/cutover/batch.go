package cutover

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// errState is the refusal of a step that a batch's state forbids.
func errState(b Batch, step string) error {
	return fault.New(fault.Conflict, "cutover.batch.state", "A batch that is %s cannot be %s.", b.State, step)
}

// Start migrates the good rows of a draft, now or at startAt (nil = the
// draft's own). Bad rows stay failed and need skipBad. Starting one that runs
// or has ended changes nothing. Errors: fault.Denied, also where the organisation
// allows no key files, fault.Absent, fault.Conflict.
func (s *Service) Start(ctx context.Context, by access.Actor, id string, skipBad bool, startAt *time.Time) error {
	return s.step(ctx, by, id, "batch.start", func(ctx context.Context, tx bun.Tx, b Batch) (bool, error) {
		switch {
		case b.State == Running || b.State == Completed:
			return false, nil
		case b.State != Draft:
			return false, errState(b, "started")
		case b.ErrorsTotal > 0 && !skipBad:
			return false, fault.New(fault.Conflict, "cutover.batch.bad_rows", "The file has %d errors. Correct it and upload it again, or start without the bad rows (skip_bad).", b.ErrorsTotal)
		}
		if err := mayStart(by, b); err != nil {
			return false, err
		}
		settings, err := setting.Of(ctx, tx, b.OrgID)
		if err != nil {
			return false, err
		}
		if err := settings.Allows(setting.KeyFile); err != nil {
			return false, err
		}
		who, err := starterOf(by)
		if err != nil {
			return false, err
		}
		due := store.Instant(s.Now())
		if startAt == nil {
			startAt = b.StartAt
		}
		if startAt != nil && startAt.After(due) {
			due = store.Instant(*startAt)
		}
		res, err := tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Running).Set("started_at = ?", due).
			Set("start_at = ?", store.InstantPtr(startAt)).Set("starter = ?", who).
			Where("org_id = ?", b.OrgID).Where("id = ?", b.ID).Where("state = ?", Draft).Exec(ctx)
		if err := store.One(res, err, "cutover.batch"); err != nil {
			return false, err
		}
		return true, s.addWork(ctx, tx, b, due)
	})
}

// Pause stops a running batch before its next chunk; pausing a paused one
// changes nothing.
func (s *Service) Pause(ctx context.Context, by access.Actor, id string) error {
	return s.step(ctx, by, id, "batch.pause", func(ctx context.Context, tx bun.Tx, b Batch) (bool, error) {
		if b.State == Paused {
			return false, nil
		}
		if b.State != Running {
			return false, errState(b, "paused")
		}
		res, err := tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Paused).
			Where("org_id = ?", b.OrgID).Where("id = ?", b.ID).Where("state = ?", Running).Exec(ctx)
		return true, store.One(res, err, "cutover.batch")
	})
}

// Resume goes on with a paused batch; resuming a running one changes nothing.
func (s *Service) Resume(ctx context.Context, by access.Actor, id string) error {
	return s.step(ctx, by, id, "batch.resume", func(ctx context.Context, tx bun.Tx, b Batch) (bool, error) {
		if b.State == Running {
			return false, nil
		}
		if b.State != Paused {
			return false, errState(b, "resumed")
		}
		due := store.Instant(s.Now())
		if b.StartedAt != nil && b.StartedAt.After(due) {
			due = *b.StartedAt
		}
		res, err := tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Running).
			Where("org_id = ?", b.OrgID).Where("id = ?", b.ID).Where("state = ?", Paused).Exec(ctx)
		if err := store.One(res, err, "cutover.batch"); err != nil {
			return false, err
		}
		return true, s.addWork(ctx, tx, b, due)
	})
}

// Cancel ends a batch for good: pending rows are cancelled, invited ones stay
// invited. Cancelling a cancelled one changes nothing.
func (s *Service) Cancel(ctx context.Context, by access.Actor, id string) error {
	return s.step(ctx, by, id, "batch.cancel", func(ctx context.Context, tx bun.Tx, b Batch) (bool, error) {
		if b.State == Cancelled {
			return false, nil
		}
		if b.State == Completed {
			return false, errState(b, "cancelled")
		}
		now := store.Instant(s.Now())
		res, err := tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Cancelled).Set("finished_at = ?", now).
			Where("org_id = ?", b.OrgID).Where("id = ?", b.ID).Where("state = ?", b.State).Exec(ctx)
		if err := store.One(res, err, "cutover.batch"); err != nil {
			return false, err
		}
		// Chunks first: one in progress is held until its rows are settled.
		if _, err := tx.NewUpdate().Model((*Chunk)(nil)).Set("cancelled = cancelled + pending").Set("pending = 0").
			Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("pending > 0").Exec(ctx); err != nil {
			return false, err
		}
		if _, err := tx.NewUpdate().Model((*Row)(nil)).Set("state = ?", RowCancelled).
			Where("org_id = ?", b.OrgID).Where("batch_id = ?", b.ID).Where("state = ?", RowPending).Exec(ctx); err != nil {
			return false, err
		}
		return true, Tidy.Add(ctx, tx, b.OrgID, BatchRef{b.OrgID, b.ID}, now)
	})
}

// step runs one change of state: right, batch, change, audit entry. Steps of one
// batch run one after the other. The change says whether anything changed.
func (s *Service) step(ctx context.Context, by access.Actor, id, verb string, change func(context.Context, bun.Tx, Batch) (bool, error)) error {
	if err := by.Need(access.ManageMigration); err != nil {
		return err
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		b, err := hold(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		changed, err := change(ctx, tx, b)
		if err != nil || !changed {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "batch:"+id, ""))
	})
	if err != nil {
		return err
	}
	return s.complete(ctx, BatchRef{by.OrgID, id}) // nothing may have been pending
}

func get(ctx context.Context, db bun.IDB, orgID access.OrgID, id string) (Batch, error) {
	var b Batch
	err := db.NewSelect().Model(&b).Where("org_id = ?", orgID).Where("id = ?", id).Where("state <> ?", Reading).Scan(ctx)
	return b, store.Found(err, "cutover.batch")
}

// hold is get for a transaction that is going to change the batch: nobody else
// does until it ends.
func hold(ctx context.Context, tx bun.Tx, orgID access.OrgID, id string) (Batch, error) {
	var b Batch
	err := tx.NewUpdate().Model(&b).Set("state = state").
		Where("org_id = ?", orgID).Where("id = ?", id).Where("state <> ?", Reading).Returning("*").Scan(ctx)
	return b, store.Found(err, "cutover.batch")
}

// addWork records one piece of work for each chunk that has pending rows.
func (s *Service) addWork(ctx context.Context, tx bun.Tx, b Batch, due time.Time) error {
	var chunks []Chunk
	if err := tx.NewSelect().Model(&chunks).Where("batch_id = ?", b.ID).Where("pending > 0").Order("no").Scan(ctx); err != nil {
		return err
	}
	queue := outbox.Bulk
	if b.Total <= 100 {
		queue = outbox.Default
	}
	items := make([]outbox.Item, len(chunks))
	for i, c := range chunks {
		at := due.Add(time.Duration(i) * time.Duration(b.PaceMS) * time.Millisecond)
		var err error
		if items[i], err = MigrateChunk.Item(b.OrgID, queue, ChunkRef{b.OrgID, b.ID, c.No}, at); err != nil {
			return err
		}
	}
	return outbox.Add(ctx, tx, items...)
}
