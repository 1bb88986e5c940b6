package jobs_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/jobs"
)

func TestTwoNodesRunEachItemOnce(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	s, l := newServer(t), newLedger(t, db)
	for range 2 {
		node(t, jobs.Options{DB: db, Redis: s.connect(t), Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	}
	add(t, db, "big", outbox.Bulk, 100, time.Now())
	add(t, db, "small", outbox.Default, 20, time.Now())
	idle(t, db)
	if n, runs := l.effects(t), l.runs.Load(); n != 120 || runs != 120 {
		t.Errorf("%d effects of %d runs, want 120 of 120", n, runs)
	}
}

func TestTheEmbeddedRedisRunsEachItemOnce(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t)
	l := newLedger(t, db)
	// A window this small is only quick when each end of an item wakes the relay.
	r := node(t, jobs.Options{DB: db, Redis: embedded(t), Window: 4, Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	add(t, db, "org", outbox.Bulk, 100, time.Now())
	r.Kick()
	idle(t, db)
	if n, runs := l.effects(t), l.runs.Load(); n != 100 || runs != 100 {
		t.Errorf("%d effects of %d runs, want 100 of 100", n, runs)
	}
	if got := r.Counts(); got.Processed != 100 || got.Failed != 0 || got.Retried != 0 {
		t.Errorf("Counts = %+v, want 100 processed", got)
	}
}

// halfway makes the 20th run of a ledger wait until the test lets it go on.
func halfway(l *ledger) (reached <-chan struct{}, goOn func()) {
	at, gate := make(chan struct{}), make(chan struct{})
	var n atomic.Int64
	l.pause = func() {
		if n.Add(1) == 20 {
			close(at)
		}
		if n.Load() >= 20 {
			<-gate
		}
	}
	return at, func() { close(gate) }
}

func TestRedisIsEmptiedInMidBatch(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	s, l := newServer(t), newLedger(t, db)
	reached, goOn := halfway(l)
	for range 2 {
		node(t, jobs.Options{DB: db, Redis: s.connect(t), Window: 20, Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	}
	add(t, db, "org", outbox.Bulk, 100, time.Now())
	<-reached
	admin := s.admin(t)
	if err := admin.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	goOn()
	idle(t, db)
	if n, runs := l.effects(t), l.runs.Load(); n != 100 || runs != 100 {
		t.Errorf("%d effects of %d runs, want 100 of 100: what ran while Redis was emptied is not run again", n, runs)
	}
	add(t, db, "later", outbox.Bulk, 1, time.Now())
	idle(t, db)
	if queues, err := admin.SMembers(t.Context(), "asynq:queues").Result(); err != nil || len(queues) != 1 {
		t.Errorf("queues that asynq knows = %v (%v), want bulk again", queues, err)
	}
}

func TestRedisIsKilledAndComesBackEmpty(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, l, log := newServer(t), newLedger(t, db), &lines{}
		reached, goOn := halfway(l)
		var looks atomic.Int64
		now := func() time.Time {
			looks.Add(1)
			return time.Now()
		}
		node(t, jobs.Options{DB: db, Now: now, Redis: s.connect(t), Log: log.logger(), Window: 20, Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
		add(t, db, "org", outbox.Bulk, 60, time.Now())
		<-reached
		s.kill()
		goOn()
		until(t, 2*time.Minute, "the outage is told", func() bool { return log.count("redis is away") > 0 })
		add(t, db, "meanwhile", outbox.Default, 1, time.Now())
		later := looks.Load() + 6 // at least two more rounds
		until(t, 2*time.Minute, "more rounds", func() bool { return looks.Load() >= later })
		if n := log.count("level="); n != 1 {
			t.Errorf("%d lines in the log during the outage, want 1", n)
		}
		s.start(t)
		idle(t, db)
		if n, runs := l.effects(t), l.runs.Load(); n != 61 || runs != 61 {
			t.Errorf("%d effects of %d runs, want 61 of 61", n, runs)
		}
		if emptied, back := log.count("redis was emptied"), log.count("work goes on"); emptied != 1 || back == 0 {
			t.Errorf("told of %d losses and %d returns, want one each", emptied, back)
		}
	})
}

func TestNoRedisAtTheStart(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t)
	s, l := newServer(t), newLedger(t, db)
	s.kill()
	r := s.connect(t)
	node(t, jobs.Options{DB: db, Redis: r, Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	add(t, db, "org", outbox.Default, 3, time.Now())
	if err := r.Ping(t.Context()); err == nil {
		t.Error("Ping = nil while Redis is away")
	}
	s.start(t)
	idle(t, db)
	if err := r.Ping(t.Context()); err != nil || l.effects(t) != 3 {
		t.Errorf("Ping = %v, %d effects, want nil and 3", err, l.effects(t))
	}
}

// abandon claims all due items and begins them, as a node that is killed then.
func abandon(t *testing.T, db *bun.DB, now time.Time) {
	t.Helper()
	items, err := outbox.Claim(t.Context(), db, now, "another life", 8, 100)
	if err != nil || len(items) == 0 {
		t.Fatalf("Claim = %d items, %v", len(items), err)
	}
	for _, i := range items {
		if _, ok, err := outbox.Begin(t.Context(), db, now, i.ID, i.Attempts); !ok || err != nil {
			t.Fatalf("Begin = %v, %v", ok, err)
		}
	}
}

func TestAKilledNodesWorkGoesOn(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	s, l := newServer(t), newLedger(t, db)
	clock := testkit.NewClock()
	add(t, db, "org", outbox.Default, 3, clock.Now())
	abandon(t, db, clock.Now())
	other := make(chan struct{}, 100)
	alive := jobs.Handle(probe2, func(context.Context, string) error {
		other <- struct{}{}
		return nil
	})
	clock.Move(19 * time.Second)
	node(t, jobs.Options{DB: db, Now: clock.Now, Redis: s.connect(t), Routes: []jobs.Route{jobs.Handle(probe, l.do), alive}})
	addProbe2(t, db, clock.Now())
	<-other
	if n := l.runs.Load(); n != 0 {
		t.Errorf("%d runs of work untouched for 19 s, want 0", n)
	}
	clock.Move(2 * time.Second)
	idle(t, db)
	if n, runs := l.effects(t), l.runs.Load(); n != 3 || runs != 3 {
		t.Errorf("%d effects of %d runs, want 3 of 3", n, runs)
	}
}

func TestTheOwnerOfTheEmbeddedQueueStartsOverAtOnce(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t)
	l := newLedger(t, db)
	add(t, db, "org", outbox.Default, 3, time.Now())
	abandon(t, db, time.Now())
	node(t, jobs.Options{DB: db, Redis: embedded(t), Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	until(t, 15*time.Second, "the killed process's items done", func() bool { return l.effects(t) == 3 })
}

func TestWorkThatWaitsLongInRedisIsNotReaped(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	s, l, log := newServer(t), newLedger(t, db), &lines{}
	clock := testkit.NewClock()
	add(t, db, "org", outbox.Bulk, 20, clock.Now())
	o := jobs.Options{DB: db, Now: clock.Now, Log: log.logger(), Redis: s.connect(t), Window: 20, Routes: []jobs.Route{jobs.Handle(probe, l.do)}}
	relay := jobs.New(o) // no workers
	if err := relay.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Stop)
	until(t, 2*time.Minute, "all handed to redis", func() bool {
		b, err := outbox.Look(t.Context(), db, clock.Now())
		return err == nil && b.Dispatched == 20
	})
	clock.Move(time.Hour)
	until(t, 2*time.Minute, "all touched", func() bool {
		stale, err := outbox.Stale(t.Context(), db, clock.Now().Add(-time.Minute), 100)
		return err == nil && len(stale) == 0
	})
	o.Redis = s.connect(t)
	node(t, o)
	idle(t, db)
	if runs, reaped := l.runs.Load(), log.count("lost its process"); runs != 20 || reaped != 0 {
		t.Errorf("%d runs, %d reaped, want 20 and 0", runs, reaped)
	}
	var attempts int64
	if err := db.NewRaw("SELECT max(attempts) FROM work").Scan(t.Context(), &attempts); err != nil || attempts != 1 {
		t.Errorf("attempts = %d (%v), want 1", attempts, err)
	}
}

func TestWorkThatRedisLostComesBack(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	s, l := newServer(t), newLedger(t, db)
	clock := testkit.NewClock()
	add(t, db, "org", outbox.Default, 2, clock.Now())
	node(t, jobs.Options{DB: db, Now: clock.Now, Redis: s.connect(t), Routes: []jobs.Route{jobs.Handle(probe, l.do)}})
	idle(t, db)
	// A failover that kept the epoch but not the last tasks looks like this.
	admin := s.admin(t)
	epoch, err := admin.Get(t.Context(), "adgang:epoch").Result()
	if err != nil {
		t.Fatal(err)
	}
	due := clock.Now().Add(time.Minute)
	addProbe2(t, db, due) // not due for the node
	if items, err := outbox.Claim(t.Context(), db, due, epoch, 8, 100); err != nil || len(items) != 1 {
		t.Fatalf("Claim = %d items, %v", len(items), err)
	}
	clock.Move(2 * time.Minute)
	until(t, 2*time.Minute, "the lost item handed on again", func() bool {
		var item outbox.Item
		err := db.NewSelect().Model(&item).Where("kind = ?", probe2.Name()).Scan(t.Context())
		return err == nil && item.Attempts >= 2
	})
}

func TestOneOrganisationDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	s, l := newServer(t), newLedger(t, db)
	var before atomic.Int64
	first := make(chan int64, 1)
	l.pause = func() { before.Add(1) }
	small := jobs.Handle(probe2, func(context.Context, string) error {
		first <- before.Load()
		return nil
	})
	add(t, db, "big", outbox.Bulk, 100, time.Now().Add(-time.Hour))
	addProbe2(t, db, time.Now())
	node(t, jobs.Options{DB: db, Redis: s.connect(t), Routes: []jobs.Route{jobs.Handle(probe, l.do), small}})
	if n := <-first; n > 20 {
		t.Errorf("the small organisation waited for %d items of the big one, want at most its window and what runs", n)
	}
	idle(t, db)
}
