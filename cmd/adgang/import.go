package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/web"
	"github.com/adgang/adgang/jobs"
)

// errSomeBad ends an import that was done, but for bad rows.
var errSomeBad = errors.New("some rows are bad")

// importFile reads an export into a draft, and with --start migrates its good
// rows.
func importFile(ctx context.Context, e *env) error {
	f := flags("import")
	cvr := f.String("org", "", "")
	dryRun, start, wait, asJSON := f.Bool("dry-run", false, ""), f.Bool("start", false, ""), f.Bool("wait", false, ""), f.Bool("json", false, "")
	rest, err := parse(f, e.args, 1)
	switch {
	case err != nil:
		return err
	case *cvr == "":
		return usage("import needs --org with the organisation's CVR number")
	case *dryRun && (*start || *wait):
		return usage("import: --dry-run changes nothing, so it goes with neither --start nor --wait")
	case *wait && !*start:
		return usage("import: --wait waits for a started batch; add --start")
	}
	file, err := os.Open(rest[0])
	if err != nil {
		return usage("import: %v", err)
	}
	defer func() { _ = file.Close() }()
	c, err := config.Load(e.environ, false, e.now())
	if err != nil {
		return err
	}
	if info, err := file.Stat(); err == nil && info.Size() > c.MaxUpload {
		return usage("import: the file is larger than ADGANG_MAX_UPLOAD, %d bytes", c.MaxUpload)
	}
	a, err := app.New(ctx, options(e, c, app.Options{Work: *wait && c.Embedded()}))
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	o, err := a.Org.ByCVR(ctx, *cvr)
	if err != nil {
		return notThere(err, "no organisation has the CVR number %s; create it with adgang org create", *cvr)
	}
	by, plan := access.Command(o.ID), cutover.Plan{FileName: filepath.Base(rest[0])}
	read := a.Cutover.Create
	if *dryRun {
		read = a.Cutover.DryRun
	}
	v, err := read(ctx, by, file, plan)
	if err != nil {
		return explain(e, err)
	}
	if *start {
		if v, err = carryOut(ctx, e, a, by, v.ID, *wait); err != nil {
			return err
		}
	}
	if err := showBatch(e, *asJSON, v); err != nil {
		return err
	}
	if v.ErrorsTotal > 0 || v.Counts.Failed > 0 {
		return errSomeBad
	}
	return nil
}

func notThere(err error, text string, args ...any) error {
	if fault.KindOf(err) == fault.Absent {
		return usage(text, args...)
	}
	return err
}

// explain prints what is wrong with a file that cannot be taken in.
func explain(e *env, err error) error {
	if file, ok := errors.AsType[*cutover.FileError](err); ok && len(file.Findings) > 1 {
		for _, f := range file.Findings {
			_, _ = fmt.Fprintf(e.err, "line %d, %s: %s\n", f.Line, f.Column, f.Message)
		}
	}
	return err
}

// carryOut starts a batch, and with wait returns when it is completed.
func carryOut(ctx context.Context, e *env, a *app.App, by access.Actor, id string, wait bool) (cutover.View, error) {
	err := a.Cutover.Start(ctx, by, id, true, nil)
	if err == nil && wait {
		err = await(ctx, e, a, by, id)
	}
	if err != nil {
		return cutover.View{}, err
	}
	return a.Cutover.Batch(ctx, by, id)
}

// await polls until the batch is completed. On the embedded default it does the work
// itself as soon as no other process does, and then also waits for what follows
// from the rows (the mails), since nobody does it afterwards.
func await(ctx context.Context, e *env, a *app.App, by access.Actor, id string) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	end, alone := func() {}, false
	defer func() { end() }()
	for {
		if a.Config.Embedded() && !alone {
			var err error
			if end, alone, err = takeOver(ctx, a); err != nil {
				return err
			}
		}
		done, err := settled(ctx, e, a, cutover.BatchRef{Org: by.OrgID, Batch: id}, alone)
		if (err != nil || done) && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("interrupted; batch %s goes on with the next serve or import --wait", id)
		case <-tick.C:
		}
	}
}

// takeOver does the work of the embedded queue in this process until end is
// called; ok is false when another process does it.
func takeOver(ctx context.Context, a *app.App) (end func(), ok bool, err error) {
	release, ok, err := jobs.LockQueue(a.Config.Data)
	if err != nil || !ok {
		return func() {}, false, err
	}
	if err := a.Runner.Start(ctx); err != nil {
		release()
		return func() {}, false, err
	}
	return func() {
		a.Runner.Stop()
		release()
	}, true, nil
}

// settled tells whether there is nothing left to wait for.
func settled(ctx context.Context, e *env, a *app.App, ref cutover.BatchRef, alone bool) (bool, error) {
	v, err := a.Cutover.Progress(ctx, access.Command(ref.Org), ref.Batch)
	switch {
	case err != nil:
		return false, err
	case v.Counts.Pending > 0 || v.State == cutover.Running: // the last row is in before the batch is closed
		stuck, err := a.Cutover.Stuck(ctx, ref)
		if err == nil && stuck && v.Counts.Pending > 0 {
			err = fmt.Errorf("batch %s: %d rows are still pending, and their work was given up after many tries; see the log", ref.Batch, v.Counts.Pending)
		}
		return false, err
	case !alone:
		return true, nil
	}
	left, err := outbox.Waiting(ctx, a.DB, ref.Org, e.now())
	return left == 0, err
}

// batchShow prints a batch.
func batchShow(ctx context.Context, e *env) error {
	f := flags("batch show")
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, e.args, 1)
	if err != nil {
		return err
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	org, err := a.Cutover.OrgOf(ctx, rest[0])
	if err != nil {
		return notThere(err, "there is no batch with the ID %s", rest[0])
	}
	v, err := a.Cutover.Batch(ctx, access.Command(org), rest[0])
	if err != nil {
		return err
	}
	return showBatch(e, *asJSON, v)
}

func showBatch(e *env, asJSON bool, v cutover.View) error {
	id, c := v.ID, v.Counts
	if id == "" {
		id = "(dry run)"
	}
	if err := show(e, asJSON, web.NewBatch(v),
		"batch %s, %s: %d rows: %d pending, %d invited, %d activated, %d skipped, %d failed, %d cancelled\n",
		id, v.State, v.Total, c.Pending, c.Invited, c.Activated, c.Skipped, c.Failed, c.Cancelled); err != nil || asJSON {
		return err
	}
	for _, part := range []struct {
		what  string
		list  []cutover.Finding
		total int64
	}{{"error", v.Errors, v.ErrorsTotal}, {"notice", v.Notices, v.NoticesTotal}} {
		for _, f := range part.list {
			_, _ = fmt.Fprintf(e.out, "%s, line %d, %s %q: %s [%s]\n", part.what, f.Line, f.Column, f.Value, f.Message, f.Code)
		}
		if more := part.total - int64(len(part.list)); more > 0 {
			_, _ = fmt.Fprintf(e.out, "and %d more; report.csv has them all\n", more)
		}
	}
	return nil
}
