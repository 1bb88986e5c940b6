package jobs_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/jobs"
)

// Entries are sealed within a second: a run comes at least twice a second and seals
// everything that stood before it, so an entry waits for one tick, and half of the
// second is left for the run. No clock is watched here: a busy machine would make
// this test lie.
func TestSealedWithinASecond(t *testing.T) {
	t.Parallel()
	if jobs.SealEvery > time.Second/2 {
		t.Errorf("runs are %s apart, which leaves a run too little of the second", jobs.SealEvery)
	}
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		by := access.System("org")
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			var all []audit.Entry
			for range 3000 {
				all = append(all, audit.By(by, d.Clock.Now(), "thing.change", "thing:1", ""))
			}
			return audit.Record(ctx, tx, all...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, err := d.Audit.Verify(t.Context(), by.OrgID); err != nil || r.Unsealed != 0 || r.Sealed != 3000 || len(r.Problems) != 0 {
			t.Errorf("after one run: %+v, %v", r, err)
		}
	})
}

// The runner seals by itself, as often as it is said to.
func TestRunnerSeals(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t)
	d := testkit.NewDomain(t, db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := jobs.New(jobs.Options{DB: db, Now: d.Clock.Now, Log: slog.New(slog.DiscardHandler), Audit: d.Audit})
	go r.Seal(ctx)
	for no := range 2 { // the first may be sealed by the run at the start, the second is by a tick
		err := store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
			return audit.Record(ctx, tx, audit.By(access.System("org"), d.Clock.Now(), "thing.change", "thing:1", ""))
		})
		if err != nil {
			t.Fatal(err)
		}
		for {
			report, err := d.Audit.Verify(t.Context(), "org")
			if err != nil {
				t.Fatal(err)
			}
			if report.Sealed == int64(no)+1 {
				break
			}
			if err := t.Context().Err(); err != nil {
				t.Fatalf("entry %d was never sealed", no+1)
			}
		}
	}
}
