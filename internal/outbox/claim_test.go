package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

var note = outbox.NewKind[string]("outbox_test.note")

// start is the instant that all tests begin at.
var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// add records n items of an organisation, due one microsecond after the other, and
// returns their IDs in that order.
func add(t *testing.T, db *bun.DB, org access.OrgID, queue string, n int) []string {
	t.Helper()
	var items []outbox.Item
	var ids []string
	for i := range n {
		item, err := note.Item(org, queue, "æ", start.Add(time.Duration(i)*time.Microsecond))
		if err != nil {
			t.Fatal(err)
		}
		item.ID = fmt.Sprintf("%s-%s-%03d", org, queue, i)
		items, ids = append(items, item), append(ids, item.ID)
	}
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return outbox.Add(ctx, tx, items...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// claim claims a second after start.
func claim(t *testing.T, db *bun.DB, epoch string, window, limit int) []outbox.Item {
	t.Helper()
	items, err := outbox.Claim(t.Context(), db, start.Add(time.Second), epoch, window, limit)
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	return items
}

// read returns an item as it is in the database.
func read(t *testing.T, db *bun.DB, id string) outbox.Item {
	t.Helper()
	var item outbox.Item
	if err := db.NewSelect().Model(&item).Where("id = ?", id).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return item
}

func ids(items []outbox.Item) string {
	var all []string
	for _, i := range items {
		all = append(all, i.ID)
	}
	return strings.Join(all, " ")
}

func TestClaimIsFair(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "big", outbox.Bulk, 50)
		add(t, db, "small", outbox.Bulk, 2)
		add(t, db, "big", outbox.Default, 1)
		if _, err := db.ExecContext(t.Context(), "UPDATE work SET due_at = ? WHERE org_id = 'small'", start.Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if got := claim(t, db, "e", 3, 4); ids(got) != "big-bulk-000 big-default-000 small-bulk-000 big-bulk-001" {
			t.Errorf("first claim = %s", ids(got))
		}
		if got := claim(t, db, "e", 3, 100); ids(got) != "small-bulk-001 big-bulk-002" {
			t.Errorf("second claim = %s, want the rest of small and of big's window of 3", ids(got))
		}
		if got := claim(t, db, "e", 3, 100); len(got) != 0 {
			t.Errorf("third claim = %s, want nothing while the window is full", ids(got))
		}
		item := read(t, db, "big-bulk-002")
		if item.State != outbox.Dispatched || item.Attempts != 1 || item.Epoch != "e" || !item.TouchedAt.Equal(start.Add(time.Second)) {
			t.Errorf("claimed item = %+v", item)
		}
		if ok, err := outbox.Finish(t.Context(), db, start, item); !ok || err != nil {
			t.Fatalf("Finish = %v, %v", ok, err)
		}
		if got := claim(t, db, "e", 3, 100); ids(got) != "big-bulk-003" {
			t.Errorf("claim after one finished = %s, want the next one", ids(got))
		}
	})
}

func TestClaimLeavesWhatIsNotDue(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "org", outbox.Default, 2)
		got, err := outbox.Claim(t.Context(), db, start, "e", 8, 100)
		if err != nil || ids(got) != "org-default-000" {
			t.Errorf("Claim = %s (%v), want only the one due at that microsecond", ids(got), err)
		}
	})
}

func TestNodesThatClaimAtOnceGetDifferentItems(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		want := add(t, db, "org", outbox.Default, 60)
		var mu sync.Mutex
		var got []string
		var wg sync.WaitGroup
		failures := make([]error, 4)
		for node := range failures {
			wg.Go(func() {
				for range 60 {
					items, err := outbox.Claim(t.Context(), db, start.Add(time.Second), "e", 100, 5)
					if err != nil {
						failures[node] = err
						return
					}
					mu.Lock()
					for _, i := range items {
						got = append(got, i.ID)
					}
					finished := len(got) >= len(want)
					mu.Unlock()
					if finished {
						return
					}
				}
			})
		}
		wg.Wait()
		if err := errors.Join(failures...); err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("claimed %d items: %v, want each of the %d once", len(got), got, len(want))
		}
	})
}

func TestReleaseDoesNotCount(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "org", outbox.Default, 2)
		items := claim(t, db, "e", 8, 100)
		if _, err := outbox.Finish(t.Context(), db, start, items[1]); err != nil {
			t.Fatal(err)
		}
		if err := outbox.Release(t.Context(), db, items...); err != nil {
			t.Fatal(err)
		}
		if got := read(t, db, items[0].ID); got.State != outbox.Pending || got.Attempts != 0 {
			t.Errorf("released = %s after %d attempts, want pending after 0", got.State, got.Attempts)
		}
		if got := read(t, db, items[1].ID); got.State != outbox.Done || got.Attempts != 1 {
			t.Errorf("finished one = %s after %d attempts, want it left alone", got.State, got.Attempts)
		}
	})
}

func TestReapTakesOnlyWhatNobodyTouched(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "org", outbox.Default, 3)
		items := claim(t, db, "e", 8, 100)
		later := start.Add(time.Minute)
		if err := outbox.Touch(t.Context(), db, later, items[0]); err != nil {
			t.Fatal(err)
		}
		stale, err := outbox.Stale(t.Context(), db, later, 100)
		if err != nil || ids(stale) != items[1].ID+" "+items[2].ID {
			t.Fatalf("Stale = %s (%v), want the two untouched", ids(stale), err)
		}
		if err := outbox.Touch(t.Context(), db, later, items[2]); err != nil {
			t.Fatal(err)
		}
		if err := outbox.Reap(t.Context(), db, stale...); err != nil {
			t.Fatal(err)
		}
		if got := read(t, db, items[1].ID); got.State != outbox.Pending || got.Attempts != 1 {
			t.Errorf("reaped = %s after %d attempts, want pending after 1", got.State, got.Attempts)
		}
		if got := read(t, db, items[2].ID); got.State != outbox.Dispatched {
			t.Errorf("touched after it was read = %s, want dispatched", got.State)
		}
	})
}

func TestANewEpochTakesBackWhatRedisHeld(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add(t, db, "org", outbox.Default, 3)
		waiting, working := claim(t, db, "old", 8, 1)[0], claim(t, db, "old", 8, 1)[0]
		recent := claim(t, db, "new", 8, 1)[0]
		if _, ok, err := outbox.Begin(t.Context(), db, start, working.ID, 1); !ok || err != nil {
			t.Fatalf("Begin = %v, %v", ok, err)
		}
		n, err := outbox.ForgetEpoch(t.Context(), db, "new")
		if err != nil || n != 1 {
			t.Errorf("ForgetEpoch = %d, %v, want 1", n, err)
		}
		for id, want := range map[string]string{waiting.ID: outbox.Pending, working.ID: outbox.Dispatched, recent.ID: outbox.Dispatched} {
			if got := read(t, db, id).State; got != want {
				t.Errorf("%s is %s, want %s", id, got, want)
			}
		}
		if n, err := outbox.Restart(t.Context(), db); err != nil || n != 2 {
			t.Errorf("Restart = %d, %v, want the other 2", n, err)
		}
	})
}
