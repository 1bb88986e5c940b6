package jobs_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/jobs"
)

var (
	daily    = outbox.NewKind[time.Time]("jobs_test.daily")
	minutely = outbox.NewKind[time.Time]("jobs_test.minutely")
)

// tick ticks ten nodes with the same schedules at once.
func tick(t *testing.T, db *bun.DB, clock *testkit.Clock) {
	t.Helper()
	same := func(tick time.Time) time.Time { return tick }
	var wg sync.WaitGroup
	for range 10 {
		r := jobs.New(jobs.Options{DB: db, Now: clock.Now, Log: (&lines{}).logger(), Schedules: []jobs.Schedule{
			jobs.Daily(daily, 6*time.Hour, same),
			jobs.Every(minutely, time.Minute, 0, same),
		}})
		wg.Go(func() {
			for range 2 {
				if err := r.Tick(context.WithoutCancel(t.Context())); err != nil {
					t.Errorf("Tick: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTenNodesScheduleOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock() // 22 November 2026, 09:30 UTC
		var days, minutes []time.Time
		r := drainer(db, clock, &lines{},
			jobs.Handle(daily, func(_ context.Context, at time.Time) error { days = append(days, at); return nil }),
			jobs.Handle(minutely, func(_ context.Context, at time.Time) error { minutes = append(minutes, at); return nil }))
		tick(t, db, clock)
		drain(t, r)
		sixToday := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
		if len(days) != 1 || !days[0].Equal(sixToday) || len(minutes) != 1 || !minutes[0].Equal(clock.Now()) {
			t.Fatalf("first start ran %v and %v, want the latest tick of each", days, minutes)
		}
		clock.Move(59 * time.Second)
		tick(t, db, clock)
		if n := drain(t, r); n != 0 {
			t.Errorf("59 s later %d items ran, want 0", n)
		}
		clock.Move(3 * 24 * time.Hour)
		tick(t, db, clock)
		drain(t, r)
		if len(days) != 2 || !days[1].Equal(sixToday.AddDate(0, 0, 3)) || len(minutes) != 2 {
			t.Errorf("after three days of silence ran %v and %v, want only the latest of each", days, minutes)
		}
	})
}

func TestASchedulePeriodDividesADay(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New accepted a period of 7 hours")
		}
	}()
	jobs.New(jobs.Options{Schedules: []jobs.Schedule{
		jobs.Every(daily, 7*time.Hour, 0, func(tick time.Time) time.Time { return tick }),
	}})
}
