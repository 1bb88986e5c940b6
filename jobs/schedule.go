package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// Schedule is work that the clock asks for. Its ticks are the instants offset
// after each whole period of UTC.
type Schedule struct {
	name           string
	period, offset time.Duration
	add            func(ctx context.Context, tx bun.Tx, id string, tick time.Time) error
}

// Daily schedules work at an offset after midnight UTC; payload makes it from the
// instant of the tick, so that a late run does the same.
func Daily[T any](kind outbox.Kind[T], offset time.Duration, payload func(tick time.Time) T) Schedule {
	return Every(kind, 24*time.Hour, offset, payload)
}

// Every schedules work at an offset after each period, which divides a day.
func Every[T any](kind outbox.Kind[T], period, offset time.Duration, payload func(tick time.Time) T) Schedule {
	return Schedule{kind.Name(), period, offset, func(ctx context.Context, tx bun.Tx, id string, tick time.Time) error {
		return kind.AddOnce(ctx, tx, id, "", payload(tick), tick)
	}}
}

func (s Schedule) check() {
	if s.period < tickEvery || (24*time.Hour)%s.period != 0 || s.offset < 0 || s.offset >= s.period {
		panic(fmt.Sprintf("jobs: schedule %s has no such period: %s after %s", s.name, s.offset, s.period))
	}
}

// latest is the last tick at or before now.
func (s Schedule) latest(now time.Time) time.Time {
	return now.UTC().Add(-s.offset).Truncate(s.period).Add(s.offset)
}

// Tick adds the work of the latest tick of every schedule. The ID is made of name
// and instant, so that ten nodes make one, and a node that starts late makes up
// for the latest tick, not for those before.
func (r *Runner) Tick(ctx context.Context) error {
	r.ticking.Lock()
	defer r.ticking.Unlock()
	now := r.Now()
	for _, s := range r.Schedules {
		tick := s.latest(now)
		if r.ticked[s.name].Equal(tick) {
			continue
		}
		err := store.InTx(ctx, r.DB, func(ctx context.Context, tx bun.Tx) error {
			return s.add(ctx, tx, s.name+"@"+tick.Format(time.RFC3339), tick)
		})
		if err != nil {
			return fmt.Errorf("schedule %s: %w", s.name, err)
		}
		r.ticked[s.name] = tick
	}
	return nil
}
