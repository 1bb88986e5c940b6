package outbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

func TestBeginWorksOncePerAttempt(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "org", outbox.Default, 1)
		item := claim(t, db, "e", 8, 1)[0]
		for _, tc := range []struct {
			name    string
			id      string
			attempt int64
			want    bool
		}{
			{"unknown", "nothing", 1, false},
			{"an attempt that was taken back", item.ID, 0, false},
			{"the attempt", item.ID, 1, true},
			{"the attempt again", item.ID, 1, false},
		} {
			got, ok, err := outbox.Begin(t.Context(), db, start.Add(time.Minute), tc.id, tc.attempt)
			if err != nil || ok != tc.want || ok && (got.Payload != `"æ"` || got.Epoch != outbox.Held || !got.TouchedAt.Equal(start.Add(time.Minute))) {
				t.Errorf("%s: Begin = %+v, %v, %v, want %v", tc.name, got, ok, err, tc.want)
			}
		}
	})
}

func TestOnlyTheCurrentAttemptEndsAnItem(t *testing.T) {
	t.Parallel()
	type end func(ctx context.Context, db *bun.DB, item outbox.Item) (bool, error)
	due := start.Add(time.Hour)
	long := strings.Repeat("ø", 600)
	for _, tc := range []struct {
		name  string
		end   end
		state string
		due   time.Time
		text  string
	}{
		{"finish", func(ctx context.Context, db *bun.DB, item outbox.Item) (bool, error) {
			return outbox.Finish(ctx, db, due, item)
		}, outbox.Done, start, ""},
		{"retry", func(ctx context.Context, db *bun.DB, item outbox.Item) (bool, error) {
			return outbox.Retry(ctx, db, due, item, due, "a\x00b\xff")
		}, outbox.Pending, due, "ab?"},
		{"fail", func(ctx context.Context, db *bun.DB, item outbox.Item) (bool, error) {
			return outbox.Fail(ctx, db, due, item, long)
		}, outbox.Failed, start, long[:1000]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				add(t, db, "org", outbox.Default, 1)
				old := claim(t, db, "e", 8, 1)[0]
				if err := outbox.Reap(t.Context(), db, old); err != nil {
					t.Fatal(err)
				}
				item := claim(t, db, "e", 8, 1)[0]
				if ok, err := tc.end(t.Context(), db, old); ok || err != nil {
					t.Errorf("end of the old attempt = %v, %v, want false", ok, err)
				}
				if got := read(t, db, item.ID); got.State != outbox.Dispatched || got.Attempts != 2 {
					t.Errorf("then the item is %s in attempt %d, want untouched", got.State, got.Attempts)
				}
				if ok, err := tc.end(t.Context(), db, item); !ok || err != nil {
					t.Errorf("end = %v, %v, want true", ok, err)
				}
				got := read(t, db, item.ID)
				if got.State != tc.state || !got.DueAt.Equal(tc.due) || got.LastError != tc.text || !got.TouchedAt.Equal(due) {
					t.Errorf("ended item = %+v", got)
				}
				if ok, err := tc.end(t.Context(), db, item); ok || err != nil {
					t.Errorf("end again = %v, %v, want false", ok, err)
				}
			})
		})
	}
}

func TestSweepAndLook(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "org", outbox.Default, 5)
		items := claim(t, db, "e", 8, 4)
		for i, at := range []time.Time{start, start.Add(time.Hour)} {
			if _, err := outbox.Finish(t.Context(), db, at, items[i]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := outbox.Fail(t.Context(), db, start, items[2], "no"); err != nil {
			t.Fatal(err)
		}
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			return note.Add(ctx, tx, "other", "later", start.Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		now := start.Add(time.Minute)
		if b, err := outbox.Look(t.Context(), db, now); err != nil || b != (outbox.Backlog{Pending: 2, Due: 1, Dispatched: 1, Failed: 1}) {
			t.Errorf("Look = %+v, %v", b, err)
		}
		if n, err := outbox.Waiting(t.Context(), db, "org", now); err != nil || n != 2 {
			t.Errorf("Waiting(org) = %d, %v, want 2", n, err)
		}
		if n, err := outbox.Waiting(t.Context(), db, "other", now); err != nil || n != 0 {
			t.Errorf("Waiting(other) = %d, %v, want 0", n, err)
		}
		if n, err := outbox.Sweep(t.Context(), db, now); err != nil || n != 1 {
			t.Errorf("Sweep = %d, %v, want the one done before", n, err)
		}
		if got := read(t, db, items[1].ID).State; got != outbox.Done {
			t.Errorf("the one done after is %s", got)
		}
	})
}
