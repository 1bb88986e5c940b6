package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/jobs"
)

// probe2 is a second kind, for tests that tell two sorts of work apart.
var probe2 = outbox.NewKind[string]("jobs_test.probe2")

func addProbe2(t *testing.T, db *bun.DB, due time.Time) {
	t.Helper()
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return probe2.Add(ctx, tx, "small", "x", due)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// drainer is a runner without Redis.
func drainer(db *bun.DB, clock *testkit.Clock, log *lines, routes ...jobs.Route) *jobs.Runner {
	return jobs.New(jobs.Options{DB: db, Now: clock.Now, Log: log.logger(), Routes: routes})
}

// drain runs what is due and returns how many items that were.
func drain(t *testing.T, r *jobs.Runner) int {
	t.Helper()
	n, err := r.Drain(t.Context())
	if err != nil {
		t.Fatalf("Drain: %v", err)
	}
	return n
}

// only returns the one item there is.
func only(t *testing.T, db *bun.DB) outbox.Item {
	t.Helper()
	var item outbox.Item
	if err := db.NewSelect().Model(&item).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return item
}

func TestDrainRunsWhatIsDueAndWhatFollows(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock, l := testkit.NewClock(), newLedger(t, db)
		follow := jobs.Handle(probe2, func(ctx context.Context, _ string) error {
			return store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
				return probe.Add(ctx, tx, "org", "follows", clock.Now())
			})
		})
		r := drainer(db, clock, &lines{}, jobs.Handle(probe, l.do), follow)
		add(t, db, "org", outbox.Bulk, 3, clock.Now())
		addProbe2(t, db, clock.Now())
		add(t, db, "later", outbox.Bulk, 1, clock.Now().Add(time.Second))
		if n := drain(t, r); n != 5 || l.effects(t) != 4 {
			t.Errorf("Drain = %d items, %d effects, want 5 and 4", n, l.effects(t))
		}
		clock.Move(time.Second)
		if n := drain(t, r); n != 1 || l.effects(t) != 5 {
			t.Errorf("Drain later = %d items, %d effects, want 1 and 5", n, l.effects(t))
		}
	})
}

func TestRetryBacksOffAndGivesUp(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock, log := testkit.NewClock(), &lines{}
		r := drainer(db, clock, log, jobs.Handle(probe, func(context.Context, string) error {
			return fault.New(fault.Unavailable, "mail.server.away", "The mail server is away.")
		}))
		add(t, db, "org", outbox.Default, 1, clock.Now())
		for attempt, wait := range []int{
			1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800,
		} {
			if n := drain(t, r); n != 1 {
				t.Fatalf("attempt %d: Drain = %d items, want 1", attempt+1, n)
			}
			clock.Move(time.Duration(wait)*time.Second - time.Microsecond)
			if n := drain(t, r); n != 0 {
				t.Fatalf("attempt %d was repeated before %d s", attempt+1, wait)
			}
			clock.Move(time.Microsecond)
		}
		if got := only(t, db); got.State != outbox.Pending || got.Attempts != 23 || !strings.Contains(got.LastError, "mail.server.away") {
			t.Errorf("after 23 attempts the item is %+v", got)
		}
		if n := drain(t, r); n != 1 || only(t, db).State != outbox.Failed {
			t.Errorf("after attempt 24 the item is %s, want failed", only(t, db).State)
		}
		if n := log.count("work was given up"); n != 1 {
			t.Errorf("told %d times that work was given up, want 1", n)
		}
		if got := r.Counts(); got != (jobs.Counts{Retried: 23, Failed: 1}) {
			t.Errorf("Counts = %+v", got)
		}
	})
}

func TestWhatAnErrorMeans(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		do   func() error
		want string
		text string
	}{
		{"no error", func() error { return nil }, outbox.Done, ""},
		{"invalid", func() error { return fault.New(fault.Invalid, "a.b.c", "No.") }, outbox.Failed, "a.b.c"},
		{"denied", func() error { return fault.New(fault.Denied, "a.b.c", "No.") }, outbox.Failed, "a.b.c"},
		{"absent", func() error { return fault.New(fault.Absent, "a.b.c", "No.") }, outbox.Failed, "a.b.c"},
		{"conflict", func() error { return fault.New(fault.Conflict, "a.b.c", "No.") }, outbox.Failed, "a.b.c"},
		{"unavailable", func() error { return fault.New(fault.Unavailable, "a.b.c", "No.") }, outbox.Pending, "a.b.c"},
		{"unexpected", func() error { return errors.New("broken pipe") }, outbox.Pending, "broken pipe"},
		{"panic", func() error { panic("nil map") }, outbox.Pending, "panic: nil map"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db, clock := testkit.SQLite(t), testkit.NewClock()
			r := drainer(db, clock, &lines{}, jobs.Handle(probe, func(context.Context, string) error { return tc.do() }))
			add(t, db, "org", outbox.Default, 1, clock.Now())
			if n := drain(t, r); n != 1 {
				t.Errorf("Drain = %d items, want 1", n)
			}
			if got := only(t, db); got.State != tc.want || !strings.Contains(got.LastError, tc.text) {
				t.Errorf("the item is %s with %q, want %s with %q", got.State, got.LastError, tc.want, tc.text)
			}
		})
	}
}

func TestWorkThatKillsItsProcessIsGivenUp(t *testing.T) {
	t.Parallel()
	db, clock, l := testkit.SQLite(t), testkit.NewClock(), newLedger(t, testkit.SQLite(t))
	add(t, db, "org", outbox.Default, 1, clock.Now())
	for range 24 {
		abandon(t, db, clock.Now())
		if _, err := outbox.Restart(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	if n := drain(t, drainer(db, clock, &lines{}, jobs.Handle(probe, l.do))); n != 1 || l.runs.Load() != 0 {
		t.Errorf("Drain = %d items, %d runs, want 1 and 0", n, l.runs.Load())
	}
	if got := only(t, db); got.State != outbox.Failed || !strings.Contains(got.LastError, "jobs.work.exhausted") {
		t.Errorf("the item is %s with %q", got.State, got.LastError)
	}
}

func TestWorkThatThisProcessDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	db, clock := testkit.SQLite(t), testkit.NewClock()
	add(t, db, "org", outbox.Default, 1, clock.Now())
	if n := drain(t, drainer(db, clock, &lines{})); n != 1 || only(t, db).State != outbox.Pending {
		t.Errorf("work of a newer node is %s, want pending", only(t, db).State)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE work SET payload = '{'"); err != nil {
		t.Fatal(err)
	}
	clock.Move(time.Minute)
	r := drainer(db, clock, &lines{}, jobs.Handle(probe, func(context.Context, string) error { return nil }))
	if n := drain(t, r); n != 1 || only(t, db).State != outbox.Failed {
		t.Errorf("work with a broken payload is %s, want failed", only(t, db).State)
	}
}

func TestStopLetsRunningWorkFinish(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t)
	l := newLedger(t, db)
	running, goOn := make(chan struct{}), make(chan struct{})
	l.pause = func() {
		close(running)
		<-goOn
	}
	r := node(t, jobs.Options{DB: db, Redis: embedded(t), Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	add(t, db, "org", outbox.Default, 1, time.Now())
	<-running
	if n := r.Counts().Running; n != 1 {
		t.Errorf("running = %d, want 1", n)
	}
	stopped := make(chan struct{})
	go func() {
		r.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("Stop returned while work was running")
	case <-time.After(300 * time.Millisecond):
	}
	close(goOn)
	<-stopped
	if got := only(t, db); got.State != outbox.Done || l.effects(t) != 1 {
		t.Errorf("the item is %s with %d effects, want done with 1", got.State, l.effects(t))
	}
}
