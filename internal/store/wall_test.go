package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// walled is a PostgreSQL database under a role that row-level security binds.
func walled(t *testing.T) *bun.DB {
	t.Helper()
	db := testkit.Postgres(t)
	ok, err := store.Walled(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if !ok && os.Getenv("CI") != "" {
		t.Fatalf("the role of %s is a superuser: row-level security passes over it", testkit.EnvDatabase)
	}
	if !ok {
		t.Skip("the test's role is a superuser, over whom row-level security passes: .ci/services makes a plain one")
	}
	return db
}

// column is a column that an INSERT has to fill.
type column struct{ Name, Type string }

// tenantTables are the tables of the schema with an org_id, and the tenants'
// own, without their foreign keys, so that a row can be made of nothing.
func tenantTables(t *testing.T, db *bun.DB) map[string][]column {
	t.Helper()
	var keys []struct{ Tab, Name string }
	err := db.NewRaw("SELECT conrelid::regclass::text AS tab, conname AS name FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace").Scan(t.Context(), &keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, err := db.ExecContext(t.Context(), "ALTER TABLE ? DROP CONSTRAINT ?", bun.Ident(k.Tab), bun.Ident(k.Name)); err != nil {
			t.Fatal(err)
		}
	}
	var rows []struct{ Tab, Name, Type string }
	err = db.NewRaw(`SELECT table_name AS tab, column_name AS name, data_type AS type FROM information_schema.columns AS c
		WHERE table_schema = 'public' AND (is_nullable = 'NO' OR column_name LIKE '%org_id') AND (table_name = 'organisation' OR EXISTS (
			SELECT 1 FROM information_schema.columns AS o WHERE o.table_schema = 'public' AND o.table_name = c.table_name AND o.column_name = 'org_id'))`).Scan(t.Context(), &rows)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][]column{}
	for _, r := range rows {
		tables[r.Tab] = append(tables[r.Tab], column{r.Name, r.Type})
	}
	return tables
}

// add makes a row of org in a table.
func (c column) value(table string, org access.OrgID) any {
	switch {
	case c.Name == "org_id", strings.HasSuffix(c.Name, "_org_id"), table == "organisation" && c.Name == "id":
		return string(org)
	case c.Type == "bigint", c.Type == "integer":
		return 1
	case c.Type == "boolean":
		return true
	case c.Type == "bytea":
		return []byte(store.NewID())
	case strings.HasPrefix(c.Type, "timestamp"):
		return time.Unix(1, 0)
	}
	return store.NewID()
}

func insertInto(ctx context.Context, db bun.IDB, table string, columns []column, org access.OrgID) error {
	names, values := make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		names[i], values[i] = `"`+c.Name+`"`, c.value(table, org)
	}
	_, err := db.ExecContext(ctx, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES (?)", bun.List(values))
	return err
}

// A statement that forgets its condition reaches one tenant's rows, on every
// table that has tenants.
func TestTheWallStandsOnEveryTable(t *testing.T) {
	t.Parallel()
	db := walled(t)
	tables := tenantTables(t, db)
	if len(tables) < 15 {
		t.Fatalf("only %d tables have tenants", len(tables))
	}
	for table, columns := range tables {
		own := "org_id"
		if table == "organisation" {
			own = "id"
		}
		for _, org := range []access.OrgID{"a", "b", ""} {
			if err := insertInto(t.Context(), db, table, columns, org); err != nil {
				t.Fatalf("a row of %q in %s: %v", org, table, err)
			}
		}
		a := store.ForTenant(t.Context(), "a")
		var seen []string
		if err := db.NewRaw("SELECT ? FROM ?", bun.Ident(own), bun.Ident(table)).Scan(a, &seen); err != nil || len(seen) != 1 || seen[0] != "a" {
			t.Errorf("%s: a sees %q, %v, want its row alone", table, seen, err)
		}
		refusal := "row-level security"
		if strings.HasPrefix(table, "audit_") && table != "audit_lot" && table != "audit_text" {
			refusal = "append-only"
		} else if n, err := store.Count(db.ExecContext(a, "UPDATE ? SET ?1 = ?1", bun.Ident(table), bun.Ident(own))); err != nil || n != 1 {
			t.Errorf("%s: a changes %d rows, %v, want 1", table, n, err)
		}
		if err := insertInto(a, db, table, columns, "b"); err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("%s: a inserts a row of b: %v", table, err)
		}
		for _, to := range []string{"b", ""} {
			set := "UPDATE ? SET ? = ?"
			for _, c := range columns { // rows that two share have both
				if strings.HasSuffix(c.Name, "_org_id") {
					set += fmt.Sprintf(", %s = '%s'", c.Name, to)
				}
			}
			if _, err := db.ExecContext(a, set, bun.Ident(table), bun.Ident(own), to); err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: a gives its row to %q: %v", table, to, err)
			}
		}
		if n, err := store.Count(db.ExecContext(a, "DELETE FROM ?", bun.Ident(table))); refusal != "append-only" && (err != nil || n != 1) {
			t.Errorf("%s: a deletes %d rows, %v, want 1", table, n, err)
		}
		if err := db.NewRaw("SELECT ? FROM ?", bun.Ident(own), bun.Ident(table)).Scan(t.Context(), &seen); err != nil || len(seen) < 2 {
			t.Errorf("%s: without a tenant %q are seen, %v, want the others' rows", table, seen, err)
		}
	}
}

// Migrating again changes nothing, and a table that came since has its wall then.
func TestTheWallIsRaisedAgain(t *testing.T) {
	t.Parallel()
	db := walled(t)
	policies := func() string {
		var all []string
		if err := db.NewRaw("SELECT oid || ' ' || polrelid::regclass FROM pg_policy ORDER BY 1").Scan(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, "\n")
	}
	before := policies()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE pact (id TEXT, org_id TEXT, receiver_org_id TEXT)"); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	after := policies()
	for line := range strings.Lines(before) {
		if !strings.Contains(after, strings.TrimSpace(line)) {
			t.Errorf("the policy %q was made anew", line)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO pact VALUES ('1', 'a', 'b'), ('2', 'b', 'c')"); err != nil {
		t.Fatal(err)
	}
	for org, want := range map[string]int{"a": 1, "b": 2, "c": 1, "d": 0, "": 2} {
		if n, err := db.NewSelect().Table("pact").Count(store.ForTenant(t.Context(), org)); err != nil || int(n) != want {
			t.Errorf("%q sees %d rows that two share, %v, want %d", org, n, err, want)
		}
	}
}

// Whatever happened to a connection, its next user sees its own tenant.
func TestTheWallDoesNotLeakThroughThePool(t *testing.T) {
	t.Parallel()
	db := walled(t)
	var items []outbox.Item
	for i := range 5 {
		org := fmt.Sprint("org", i)
		items = append(items, outbox.Item{ID: org, OrgID: access.OrgID(org), State: outbox.Done})
	}
	insert(t, db, "", items...)
	sees := func(ctx context.Context, db bun.IDB, want string) {
		var seen []string
		if err := db.NewRaw("SELECT id FROM work ORDER BY id").Scan(ctx, &seen); err != nil {
			t.Error(err)
		}
		if got := strings.Join(seen, " "); got != want {
			t.Errorf("in the tenant %q are seen %q, want %q", store.Tenant(ctx), got, want)
		}
	}
	const everything = "org0 org1 org2 org3 org4"
	stop := errors.New("stop")
	var all sync.WaitGroup
	for worker := range 30 {
		all.Go(func() {
			for round := range 20 {
				org, other := fmt.Sprint("org", (worker+round)%5), fmt.Sprint("org", (worker+round+1)%5)
				ctx := store.ForTenant(t.Context(), org)
				sees(ctx, db, org)
				err := store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
					sees(ctx, tx, org)
					sees(store.AcrossTenants(ctx), tx, everything)
					sees(store.ForTenant(ctx, other), tx, other)
					if round%2 == 0 {
						return stop // undoes what was set meanwhile
					}
					sees(ctx, tx, org)
					return nil
				})
				if err != nil && !errors.Is(err, stop) {
					t.Error(err)
				}
				sees(t.Context(), db, everything)
				gone, cancel := context.WithCancel(store.ForTenant(t.Context(), other))
				cancel()
				_, _ = db.ExecContext(gone, "SELECT 1")
				broken := store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
					_, err := tx.ExecContext(store.ForTenant(ctx, other), "SELECT 1/0")
					return err
				})
				if broken == nil {
					t.Error("a division by zero passed")
				}
				stmt, err := db.PrepareContext(ctx, "SELECT count(*) FROM work")
				if err != nil {
					t.Error(err)
					continue
				}
				var n int
				if err := stmt.QueryRowContext(t.Context()).Scan(&n); err != nil || n != 5 {
					t.Errorf("prepared for a tenant, run without: %d, %v", n, err)
				}
				if err := stmt.QueryRowContext(ctx).Scan(&n); err != nil || n != 1 {
					t.Errorf("a prepared statement sees %d rows, %v", n, err)
				}
				_ = stmt.Close()
			}
		})
	}
	all.Wait()
}

// What one organisation's act leaves with another passes the wall.
func TestRecordsForAnotherPassTheWall(t *testing.T) {
	t.Parallel()
	db := walled(t)
	ctx := store.ForTenant(t.Context(), "a")
	err := store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
		return errors.Join(
			audit.Record(ctx, tx, audit.By(access.System("a"), time.Unix(1, 0), "thing.give", "thing:1", ""),
				audit.By(access.System("b"), time.Unix(1, 0), "thing.get", "thing:1", "")),
			note.Add(ctx, tx, "b", "x", time.Unix(1, 0)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.NewSelect().Model((*outbox.Item)(nil)).Count(ctx); err != nil || n != 0 {
		t.Errorf("a sees %d items of b, %v", n, err)
	}
	if got, err := audit.Of(store.ForTenant(t.Context(), "b"), db, "b", "thing:1"); err != nil || len(got) != 1 {
		t.Errorf("b's entries = %+v, %v", got, err)
	}
}

var note = outbox.NewKind[string]("store_test.note")
