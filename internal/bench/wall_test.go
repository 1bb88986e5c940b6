package bench_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// BenchmarkWall measures what row-level security costs: the same statements on the
// same database, with and without policies, on connections that change tenants as
// those of a server do. The figure is the ratio of the medians.
func BenchmarkWall(b *testing.B) {
	d := testkit.NewDomain(b, testkit.Postgres(b))
	if walled, err := store.Walled(b.Context(), d.DB); err != nil || !walled {
		b.Skipf("no plain role: %v", err)
	}
	var orgs []testkit.Company
	var ids []access.EmployeeID
	for i := range 4 {
		o := d.Company(b, fmt.Sprint(20000001+i))
		orgs = append(orgs, o)
		var people []org.Employee
		for j := range 5000 {
			rid := fmt.Sprintf("R%05d", j)
			people = append(people, d.Org.Prepare(org.Employee{OrgID: o.ID, RID: &rid, GivenName: "Bo", Surname: fmt.Sprint("Berg", j), Email: rid + "@nordvind.example"}))
		}
		err := store.InTx(b.Context(), d.DB, func(ctx context.Context, tx bun.Tx) error {
			_, err := store.Insert(ctx, tx, people, "")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, people[2500].ID)
	}
	run(b, d.DB, "ANALYZE")
	works := map[string]func(ctx context.Context, i int) error{
		"read": func(ctx context.Context, i int) error {
			_, err := org.Get(ctx, d.DB, orgs[i%4].ID, ids[i%4])
			return err
		},
		"list": func(ctx context.Context, i int) error {
			var page []org.Employee
			return d.DB.NewSelect().Model(&page).Where("org_id = ?", orgs[i%4].ID).Order("sort_key", "id").Limit(50).Scan(ctx)
		},
		"write": func(ctx context.Context, i int) error {
			return store.InTx(ctx, d.DB, func(ctx context.Context, tx bun.Tx) error {
				return audit.Record(ctx, tx, audit.By(orgs[i%4].Actor, time.Unix(int64(i), 0), "thing.do", "thing:1", ""))
			})
		},
	}
	median := func(work func(context.Context, int) error, bound bool) time.Duration {
		const n = 300
		took := make([]time.Duration, n)
		for i := range took {
			ctx := b.Context()
			if bound {
				ctx = store.ForTenant(ctx, orgs[i%4].ID)
			}
			start := time.Now()
			if err := work(ctx, i); err != nil {
				b.Fatal(err)
			}
			took[i] = time.Since(start)
		}
		slices.Sort(took)
		return took[n/2]
	}
	d.DB.SetMaxOpenConns(4)
	for range b.N {
		for name, work := range works {
			var bound, bare time.Duration
			for round := range 3 { // in turn, so that other load meets both
				policies(b, d.DB, "DISABLE")
				off := median(work, false)
				policies(b, d.DB, "ENABLE")
				on := median(work, true)
				if round == 0 || off < bare {
					bare = off
				}
				if round == 0 || on < bound {
					bound = on
				}
			}
			b.ReportMetric(float64(bound.Microseconds()), name+"-walled-us")
			b.ReportMetric(float64(bare.Microseconds()), name+"-bare-us")
			b.ReportMetric(float64(bound)/float64(bare), name+"-ratio")
		}
	}
}

// policies turns row-level security on or off for the tables that are measured.
func policies(b *testing.B, db *bun.DB, what string) {
	b.Helper()
	for _, table := range []string{"employee", "audit_entry", "audit_lot"} {
		run(b, db, "ALTER TABLE "+table+" "+what+" ROW LEVEL SECURITY")
	}
}

func run(b *testing.B, db *bun.DB, statement string) {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), statement); err != nil {
		b.Fatal(err)
	}
}
