package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// serve runs the item that a task refers to. An error means that the database was
// out of reach before it began; asynq then brings the task again.
func (r *Runner) serve(ctx context.Context, t *asynq.Task) error {
	id, attempt, err := parseTaskID(string(t.Payload()))
	if err != nil {
		return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
	}
	item, ok, err := outbox.Begin(ctx, r.DB, r.Now(), id, attempt)
	if err != nil || !ok {
		return err
	}
	r.run(ctx, item)
	r.Kick()
	return nil
}

// Drain runs all due work of all organisations in this process, one item after the
// other, until none is due, and returns how many it ran. Work that fails is put
// off or given up as always. It neither needs Redis nor adds scheduled work.
func (r *Runner) Drain(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		items, err := outbox.Claim(ctx, r.DB, r.Now(), outbox.Held, r.Window, 1)
		if err != nil || len(items) == 0 {
			return n, err
		}
		r.run(ctx, items[0])
	}
}

// run does an item that this process holds and writes how it ended.
func (r *Runner) run(ctx context.Context, item outbox.Item) {
	r.mu.Lock()
	r.running[taskID(item)] = item
	r.done.Add(1)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.running, taskID(item))
		r.done.Done()
		r.mu.Unlock()
	}()
	log := r.Log.With("org", item.OrgID, "kind", item.Kind, "item", item.ID, "attempt", item.Attempts)
	err := r.perform(ctx, item)
	ctx = context.WithoutCancel(ctx)
	current, endErr := r.end(ctx, log, item, err)
	if endErr != nil {
		log.ErrorContext(ctx, "work ran but its end could not be written, it will run again", "err", endErr)
	} else if !current {
		log.WarnContext(ctx, "work was handed to another process meanwhile")
	}
}

// end is the one place that decides between done, again and never: what can only
// fail again is given up at once, everything else after maxAttempts.
func (r *Runner) end(ctx context.Context, log *slog.Logger, item outbox.Item, err error) (bool, error) {
	now := r.Now()
	kind := fault.KindOf(err)
	switch {
	case err == nil:
		r.processed.Add(1)
		return outbox.Finish(ctx, r.DB, now, item)
	case kind != fault.Unavailable && kind != fault.Internal, item.Attempts >= maxAttempts:
		r.failed.Add(1)
		log.ErrorContext(ctx, "work was given up", "err", err)
		return outbox.Fail(ctx, r.DB, now, item, err.Error())
	}
	r.retried.Add(1)
	wait := backoff(item.Attempts)
	log.WarnContext(ctx, "work failed and will be tried again", "err", err, "wait", wait)
	return outbox.Retry(ctx, r.DB, now, item, now.Add(wait), err.Error())
}

// backoff is the pause after an attempt: 1 s, 2 s, 4 s ... up to maxBackoff.
func backoff(attempt int64) time.Duration {
	if attempt > 11 { // and a shift that never overflows
		return maxBackoff
	}
	return min(time.Second<<(attempt-1), maxBackoff)
}

// perform calls the route of the item. More attempts than ever end in a failure
// were processes that died of it.
func (r *Runner) perform(ctx context.Context, item outbox.Item) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	if item.Attempts > maxAttempts {
		return fault.New(fault.Internal, "jobs.work.exhausted", "The work was begun %d times and never ended. Last error: %s", maxAttempts, item.LastError)
	}
	route, ok := r.routes[item.Kind]
	if !ok { // a newer node's work: it or a later start will know it
		return fmt.Errorf("no route for work of kind %s", item.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, itemTimeout)
	defer cancel()
	return route.run(store.ForTenant(ctx, item.OrgID), item.Payload)
}

// touch tells every few seconds that the running items are alive.
func (r *Runner) touch(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		items := slices.Collect(maps.Values(r.running))
		r.mu.Unlock()
		if err := outbox.Touch(ctx, r.DB, r.Now(), items...); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "running work could not be touched", "err", err)
		}
	}
}

// quiet passes on asynq's own log for debugging only: it repeats itself while
// Redis is away, and the relay tells of that once.
type quiet struct{ log *slog.Logger }

func (q quiet) Debug(args ...any) { q.write(args) }
func (q quiet) Info(args ...any)  { q.write(args) }
func (q quiet) Warn(args ...any)  { q.write(args) }
func (q quiet) Error(args ...any) { q.write(args) }

// Fatal is part of asynq.Logger; a server never calls it.
func (q quiet) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (q quiet) write(args []any) {
	q.log.DebugContext(context.Background(), "asynq", "text", fmt.Sprint(args...))
}
