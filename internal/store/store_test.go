package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// insert writes items in one transaction.
func insert(t *testing.T, db *bun.DB, suffix string, items ...outbox.Item) int64 {
	t.Helper()
	var n int64
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		var err error
		n, err = store.Insert(ctx, tx, items, suffix)
		return err
	})
	if err != nil {
		t.Fatalf("Insert: %v", err)
	}
	return n
}

func TestInsertReadsBackTheSame(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		at := time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)
		want := []outbox.Item{
			{ID: "a", OrgID: "o", Kind: "k", Queue: "q", Payload: `{"æ":"'"}`, State: "pending", DueAt: at},
			{ID: "b", OrgID: "o", Kind: "k", Queue: "q", Payload: "", State: "pending", DueAt: at.Add(time.Second), TouchedAt: &at, Attempts: 7},
		}
		if n := insert(t, db, "", want...); n != 2 {
			t.Fatalf("Insert = %d rows, want 2", n)
		}
		var got []outbox.Item
		if err := db.NewSelect().Model(&got).Where("due_at >= ?", at).Order("id").Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0].Payload != want[0].Payload || !got[0].DueAt.Equal(at) || got[0].TouchedAt != nil ||
			!got[1].TouchedAt.Equal(at) || got[1].Attempts != 7 {
			t.Errorf("read back %+v, want %+v", got, want)
		}
		var later []outbox.Item
		if err := db.NewSelect().Model(&later).Where("due_at > ?", at).Scan(t.Context()); err != nil || len(later) != 1 {
			t.Errorf("rows after the first instant = %d (%v), want 1: bulk and bun must write instants alike", len(later), err)
		}
		if n := insert(t, db, "ON CONFLICT (id) DO NOTHING", want[0]); n != 0 {
			t.Errorf("second insert = %d rows, want 0", n)
		}
	})
}

func TestOneAndUnique(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		item := outbox.Item{ID: "a", State: outbox.Pending, DueAt: time.Unix(0, 0)}
		insert(t, db, "", item)
		res, err := db.NewUpdate().Model((*outbox.Item)(nil)).Set("state = ?", outbox.Done).Where("id = ?", "b").Exec(t.Context())
		if got := fault.KindOf(store.One(res, err, "outbox.item")); got != fault.Conflict {
			t.Errorf("One of 0 rows = kind %d, want Conflict", got)
		}
		_, err = db.NewInsert().Model(&item).Exec(t.Context())
		if !store.IsUnique(err) {
			t.Errorf("IsUnique(%v) = false, want true", err)
		}
		if store.IsUnique(errors.New("unique")) {
			t.Error("IsUnique of another error = true")
		}
	})
}

func TestARollbackTakesTheAuditEntryAlong(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		by := access.System("org")
		stop := errors.New("stop")
		for _, end := range []error{stop, nil} {
			err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
				return errors.Join(audit.Record(ctx, tx, audit.By(by, time.Unix(1, 0), "thing.do", "thing:1", "")), end)
			})
			if !errors.Is(err, end) {
				t.Fatalf("InTx = %v, want %v", err, end)
			}
		}
		got, err := audit.Of(t.Context(), db, "org", "thing:1")
		if err != nil || len(got) != 1 {
			t.Errorf("entries = %d (%v), want the committed one", len(got), err)
		}
		if other, _ := audit.Of(t.Context(), db, "other", "thing:1"); len(other) != 0 {
			t.Errorf("another organisation sees %d entries", len(other))
		}
	})
}

func TestCursor(t *testing.T) {
	t.Parallel()
	got, err := store.ParseCursor(store.Cursor("Ærø", "1"), 2)
	if err != nil || got[0] != "Ærø" || got[1] != "1" {
		t.Errorf("ParseCursor = %q, %v", got, err)
	}
	for _, bad := range []string{"!", store.Cursor("one"), "e30"} {
		if _, err := store.ParseCursor(bad, 2); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseCursor(%q) = %v, want Invalid", bad, err)
		}
	}
}

// A statement that is used again writes each row once, in whatever transaction and
// beside others of the same text, also after one of it has failed.
func TestInsertAgainAndAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		add := func(suffix string, ids ...string) error {
			return store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
				for _, id := range ids {
					if _, err := store.Insert(ctx, tx, []audit.Entry{{ID: id, OrgID: "a", At: time.Unix(0, 0), Note: "of " + id}}, suffix); err != nil {
						return err
					}
				}
				return nil
			})
		}
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				if err := add("", fmt.Sprintf("%02d-a", i), fmt.Sprintf("%02d-b", i)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if err := add("", "new", "00-a"); !store.IsUnique(err) {
			t.Errorf("a second 00-a: %v", err)
		}
		if err := add("", "21-a"); err != nil {
			t.Error(err)
		}
		var all []string
		if err := db.NewRaw("SELECT note FROM audit_entry ORDER BY id").Scan(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		if len(all) != 41 || all[0] != "of 00-a" || all[40] != "of 21-a" {
			t.Errorf("%d rows: %v", len(all), all)
		}
	})
}
