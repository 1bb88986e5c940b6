package roster

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Acts that an organisation may want a second person for.
var (
	SuspendMany = approval.NewAct[RunRef]("roster.suspend", access.ManageEmployees, "suspendere mange medarbejdere på én gang", "suspend many employees at once")
	DeleteMany  = approval.NewAct[RunRef]("roster.delete", access.ManageEmployees, "slette mange medarbejdere på én gang", "delete many employees at once")
)

// SuspendRoute and DeleteRoute tie the acts to what does them.
func (s *Service) SuspendRoute() approval.Route { return approval.Handle(SuspendMany, s.approved) }

// DeleteRoute is SuspendRoute for DeleteMany.
func (s *Service) DeleteRoute() approval.Route { return approval.Handle(DeleteMany, s.approved) }

// Consent is what a person says when starting a run.
type Consent struct {
	SkipBad bool // lines with errors are left out
	// Missing is the number of employees a full load suspends, as it was shown;
	// needed above the organisation's limit.
	Missing *int64
}

// Start carries out the good rows of a draft. Starting one that runs or has
// ended changes nothing. Errors: fault.Denied, fault.Absent, fault.Conflict: for
// a state, for errors in the file, for a full load above the limit without the
// right number. It is left waiting where a second person must approve.
func (s *Service) Start(ctx context.Context, by access.Actor, id string, c Consent) error {
	return s.step(ctx, by, id, func(ctx context.Context, tx bun.Tx, r Run) error {
		switch {
		case r.State == Running || r.State == Completed:
			return nil
		case r.State != Draft && r.State != Waiting:
			return errState(r, "started")
		}
		if err := s.consented(ctx, tx, r, c); err != nil {
			return err
		}
		who, err := json.Marshal(starter{by.ID, by.Name, by.Address, by.Employee})
		if err != nil {
			return err
		}
		r.Starter, r.StartedBy = string(who), by.Name
		waiting, err := s.ask(ctx, tx, by, r)
		if waiting || err != nil {
			return err
		}
		return s.start(ctx, tx, by, r)
	})
}

// ask tells whether the run now waits for a second person.
func (s *Service) ask(ctx context.Context, tx bun.Tx, by access.Actor, r Run) (bool, error) {
	var f Forecast
	if err := json.Unmarshal([]byte(r.Forecast), &f); err != nil {
		return false, err
	}
	act, count := DeleteMany, f.Delete
	if count == 0 {
		act, count = SuspendMany, f.Suspend
	}
	if count == 0 {
		return false, nil
	}
	about := approval.About{Object: "run:" + r.ID, Details: map[string]string{"count": strconv.FormatInt(count, 10)}}
	request, err := act.Ask(ctx, tx, s.Approval, by, RunRef{r.OrgID, r.ID}, about)
	if request == nil || err != nil {
		return false, err
	}
	res, err := tx.NewUpdate().Model((*Run)(nil)).Set("state = ?", Waiting).Set("starter = ?", r.Starter).Set("started_by = ?", r.StartedBy).
		Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).Where("state = ?", r.State).Exec(ctx)
	return true, store.One(res, err, "roster.run")
}

// approved starts a run that waited; its rows are still done in the name of who
// asked.
func (s *Service) approved(ctx context.Context, tx bun.Tx, by access.Actor, ref RunRef) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	r, err := hold(ctx, tx, by.OrgID, ref.Run)
	if err != nil {
		return err
	}
	if r.State != Waiting {
		return errState(r, "started")
	}
	return s.start(ctx, tx, by, r)
}

// consented checks what a person must have seen before a run starts.
func (s *Service) consented(ctx context.Context, tx bun.Tx, r Run, c Consent) error {
	if r.ErrorsTotal > 0 && r.Mode == Full {
		return fault.New(fault.Conflict, "roster.run.full_bad_rows", "The file has %d errors. A full load needs a file without any, for who stands on a bad line would be suspended. Correct it and upload it again.", r.ErrorsTotal)
	}
	if r.ErrorsTotal > 0 && !c.SkipBad {
		return fault.New(fault.Conflict, "roster.run.bad_rows", "The file has %d errors. Correct it and upload it again, or start without the bad lines (skip_bad).", r.ErrorsTotal)
	}
	limit, err := limitOf(ctx, tx, r.OrgID)
	if err != nil {
		return err
	}
	if r.OverLimit(limit) && (c.Missing == nil || *c.Missing != r.Missing) {
		return fault.New(fault.Conflict, "roster.run.over_limit", "%d of %d active employees are missing from the file and would be suspended, more than the limit of %d %%. Confirm the number (missing) to go on.", r.Missing, r.Active, limit)
	}
	return nil
}

func limitOf(ctx context.Context, db bun.IDB, orgID access.OrgID) (int64, error) {
	settings, err := setting.Of(ctx, db, orgID)
	return int64(settings.FullLoadLimit), err
}

// OverLimit tells whether a full load suspends more than limit percent of the
// active employees.
func (r Run) OverLimit(limit int64) bool { return r.Missing*100 > limit*r.Active }

// start sets a run going: state, work and audit entry.
func (s *Service) start(ctx context.Context, tx bun.Tx, by access.Actor, r Run) error {
	now := store.Instant(s.Now())
	res, err := tx.NewUpdate().Model((*Run)(nil)).Set("state = ?", Running).Set("started_at = ?", now).
		Set("starter = ?", r.Starter).Set("started_by = ?", r.StartedBy).
		Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).Where("state IN (?, ?)", Draft, Waiting).Exec(ctx)
	if err := store.One(res, err, "roster.run"); err != nil {
		return err
	}
	if err := addWork(ctx, tx, r, now); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, now, "run.start", "run:"+r.ID, string(r.Mode)))
}

// addWork records one piece of work for each chunk that has pending rows.
func addWork(ctx context.Context, tx bun.Tx, r Run, due time.Time) error {
	var chunks []Chunk
	if err := tx.NewSelect().Model(&chunks).Where("org_id = ?", r.OrgID).Where("run_id = ?", r.ID).Where("pending > 0").
		Order("no").Scan(ctx); err != nil {
		return err
	}
	queue := outbox.Bulk
	if r.Total <= ChunkRows {
		queue = outbox.Default
	}
	items := make([]outbox.Item, len(chunks))
	for i, c := range chunks {
		var err error
		if items[i], err = ApplyChunk.Item(r.OrgID, queue, ChunkRef{r.OrgID, r.ID, c.No}, due); err != nil {
			return err
		}
	}
	return outbox.Add(ctx, tx, items...)
}

// Cancel drops a draft, or stops a run before its next chunk: what was done
// stays done. Cancelling a cancelled one changes nothing. Errors: fault.Denied,
// fault.Absent, fault.Conflict for one that has ended.
func (s *Service) Cancel(ctx context.Context, by access.Actor, id string) error {
	return s.step(ctx, by, id, func(ctx context.Context, tx bun.Tx, r Run) error {
		if r.State == Cancelled {
			return nil
		}
		if r.State == Completed {
			return errState(r, "cancelled")
		}
		now := store.Instant(s.Now())
		res, err := tx.NewUpdate().Model((*Run)(nil)).Set("state = ?", Cancelled).Set("finished_at = ?", now).
			Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).Where("state = ?", r.State).Exec(ctx)
		if err := store.One(res, err, "roster.run"); err != nil {
			return err
		}
		// Chunks first: one in progress is held until its rows are settled.
		if _, err := tx.NewUpdate().Model((*Chunk)(nil)).Set("cancelled = cancelled + pending").Set("pending = 0").
			Where("org_id = ?", r.OrgID).Where("run_id = ?", r.ID).Where("pending > 0").Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model((*Row)(nil)).Set("state = ?", RowCancelled).
			Where("org_id = ?", r.OrgID).Where("run_id = ?", r.ID).Where("state = ?", RowPending).Exec(ctx); err != nil {
			return err
		}
		if err := Tidy.Add(ctx, tx, r.OrgID, RunRef{r.OrgID, r.ID}, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "run.cancel", "run:"+id, ""))
	})
}

// errState is the refusal of a step that a run's state forbids.
func errState(r Run, step string) error {
	return fault.New(fault.Conflict, "roster.run.state", "A bulk change that is %s cannot be %s.", r.State, step)
}

// step runs one change of state: right, run, change. Steps of one run go one
// after the other.
func (s *Service) step(ctx context.Context, by access.Actor, id string, change func(context.Context, bun.Tx, Run) error) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := hold(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		return change(ctx, tx, r)
	})
	if err != nil {
		return err
	}
	return s.complete(ctx, RunRef{by.OrgID, id}) // nothing may have been pending
}

// hold reads a run that a transaction is going to change: nobody else does until
// it ends.
func hold(ctx context.Context, tx bun.Tx, orgID access.OrgID, id string) (Run, error) {
	var r Run
	err := tx.NewUpdate().Model(&r).Set("state = state").
		Where("org_id = ?", orgID).Where("id = ?", id).Where("state <> ?", Reading).Returning("*").Scan(ctx)
	return r, store.Found(err, "roster.run")
}
