// Package jobs carries work from the database to the domain methods that do it:
// a relay hands due items of the outbox to asynq, a worker runs them, a schedule
// adds what is due by the clock. The database is the only truth; Redis may be
// emptied or away at any time. Drain runs the same work in process, without Redis.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/outbox"
)

const (
	tickEvery   = time.Second      // at least this often the relay looks for work
	touchEvery  = 5 * time.Second  // running items say that they are alive
	staleAfter  = 20 * time.Second // an item untouched so long has lost its process
	itemTimeout = 2 * time.Minute  // the context of one item ends then
	grace       = 20 * time.Second // Stop waits so long for running items
	keepDone    = 7 * 24 * time.Hour
	maxAttempts = 24 // about seven hours with the pauses between
	maxBackoff  = 30 * time.Minute
	claimAtOnce = 100
)

// Options is what a Runner needs. Redis may be nil for one that only drains.
type Options struct {
	DB        *bun.DB
	Now       func() time.Time
	Log       *slog.Logger
	Redis     *Redis
	Audit     *audit.Service // its new entries are sealed while the runner runs; nil = not
	Routes    []Route
	Schedules []Schedule
	// Workers is how many items this process runs at once; 0 relays only.
	Workers int
	// Window is how many items of one organisation and queue may be dispatched in
	// the whole cluster, 2 to 4 times its workers; 0 is 4 times the workers of this
	// process, at least 8.
	Window int
}

// Runner moves and runs work in one process.
type Runner struct {
	Options

	routes map[string]Route
	kicked chan struct{}

	mu      sync.Mutex
	running map[string]outbox.Item
	done    sync.WaitGroup // running items

	processed, failed, retried atomic.Int64

	ticking sync.Mutex
	ticked  map[string]time.Time // latest tick added, by schedule

	server    *asynq.Server
	stopRelay context.CancelFunc
	relays    sync.WaitGroup
	stopTouch context.CancelFunc
	touches   sync.WaitGroup
	abort     context.CancelFunc
}

// New prepares a runner; it does nothing before Start or Drain. It panics when two
// routes have the same kind or a schedule an impossible period, a programmer's
// mistakes.
func New(o Options) *Runner {
	if o.Window == 0 {
		o.Window = max(8, 4*o.Workers)
	}
	r := &Runner{
		Options: o, routes: make(map[string]Route, len(o.Routes)),
		kicked: make(chan struct{}, 1), running: make(map[string]outbox.Item),
		ticked: make(map[string]time.Time, len(o.Schedules)),
	}
	for _, route := range o.Routes {
		if _, taken := r.routes[route.Kind]; taken {
			panic("jobs: two routes for " + route.Kind)
		}
		r.routes[route.Kind] = route
	}
	for _, s := range o.Schedules {
		s.check()
	}
	return r
}

// Start begins to relay, and with Workers to run, until Stop; Redis may be away.
// With the embedded Redis the caller holds LockQueue, so that items which a killed
// process left behind go on at once. ctx gives values only, its end stops nothing.
func (r *Runner) Start(ctx context.Context) error {
	if r.Redis == nil {
		return errors.New("jobs: Start needs a Redis")
	}
	if r.Redis.embedded() {
		if _, err := outbox.Restart(ctx, r.DB); err != nil {
			return err
		}
	}
	ctx = context.WithoutCancel(ctx)
	relayCtx, stopRelay := context.WithCancel(ctx)
	touchCtx, stopTouch := context.WithCancel(ctx)
	workCtx, abort := context.WithCancel(ctx)
	r.stopRelay, r.stopTouch, r.abort = stopRelay, stopTouch, abort
	if r.Workers > 0 {
		r.server = asynq.NewServerFromRedisClient(r.Redis.client, asynq.Config{
			Concurrency:       r.Workers,
			TaskCheckInterval: 100 * time.Millisecond,
			Queues:            map[string]int{outbox.Bulk: 1, outbox.Default: 4},
			ShutdownTimeout:   grace,
			Logger:            quiet{r.Log},
			// For tasks that could not begin, see serve.
			RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return tickEvery },
			DelayedTaskCheckInterval: tickEvery,
		})
		err := r.server.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
			return r.serve(workCtx, t)
		}))
		if err != nil {
			abort()
			return err
		}
		r.touches.Go(func() { r.touch(touchCtx) })
	}
	r.relays.Go(func() { (&relay{Runner: r}).loop(relayCtx) })
	if r.Audit != nil {
		r.relays.Go(func() { r.Seal(relayCtx) })
	}
	return nil
}

// Stop ends the relay, lets running items finish for up to 20 seconds and then
// cancels them. What was not done goes on elsewhere, or at the next start.
func (r *Runner) Stop() {
	if r.stopRelay == nil {
		return
	}
	r.stopRelay()
	r.relays.Wait()
	if r.server != nil {
		r.server.Shutdown()
	}
	r.abort()
	ended := make(chan struct{})
	go func() {
		r.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(touchEvery): // a method that does not heed its context
	}
	r.stopTouch()
	r.touches.Wait()
}

// Kick makes the relay look for work now instead of within a second.
func (r *Runner) Kick() {
	select {
	case r.kicked <- struct{}{}:
	default:
	}
}

// Counts is what this process has done since it started.
type Counts struct {
	Processed, Retried, Failed int64
	Running                    int
}

// Counts returns the counters for metrics.
func (r *Runner) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counts{r.processed.Load(), r.retried.Load(), r.failed.Load(), len(r.running)}
}
