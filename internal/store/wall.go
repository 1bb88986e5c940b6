package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// ownTable is the table whose id, not org_id, names the tenant.
const ownTable = "organisation"

// walledTable is a table with rows of tenants, as the catalogue has it.
type walledTable struct {
	Name    string `bun:"name"`
	Columns string `bun:"columns"` // org_id, then those ending in _org_id, with commas
	Policy  string `bun:"policy"`  // what the policy was made of, "" = no policy
	Forced  bool   `bun:"forced"`
}

// catalogue lists the tables of the schema in use that have tenants: by their
// columns, so that no list can forget one.
const catalogue = `
	SELECT c.relname AS name, coalesce(string_agg(a.attname, ',' ORDER BY a.attname <> 'org_id', a.attname), '') AS columns,
		coalesce(max(obj_description(p.oid, 'pg_policy')), '') AS policy,
		bool_and(c.relrowsecurity AND c.relforcerowsecurity) AS forced
	FROM pg_class AS c
	LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		AND (a.attname = 'org_id' OR a.attname LIKE '%\_org\_id')
	LEFT JOIN pg_policy AS p ON p.polrelid = c.oid AND p.polname = 'tenant'
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
	GROUP BY c.relname
	HAVING bool_or(a.attname = 'org_id') OR c.relname = '` + ownTable + `'
	ORDER BY c.relname`

// condition admits a row when no tenant is set, or when one of its columns names
// the tenant. Each setting is read once a statement, not once a row.
func (t walledTable) condition() string {
	columns := []string{"id"}
	if t.Name != ownTable {
		columns = strings.Split(t.Columns, ",")
	}
	is := []string{"(SELECT coalesce(current_setting('adgang.org', true), '')) = ''"}
	for _, c := range columns {
		is = append(is, c+" = (SELECT current_setting('adgang.org', true))")
	}
	return strings.Join(is, " OR ")
}

// raiseWall gives every table of tenants its policy, and the tables that only grow
// their guard. What is as it should be is not touched: a change locks the table.
func raiseWall(ctx context.Context, db *bun.DB) error {
	if SQLite(db) {
		return guard(ctx, db)
	}
	var tables []walledTable
	if err := db.NewRaw(catalogue).Scan(ctx, &tables); err != nil {
		return fmt.Errorf("list the tables of tenants: %w", err)
	}
	for _, t := range tables {
		if t.Forced && t.Policy == t.condition() {
			continue
		}
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, `
				ALTER TABLE ?0 ENABLE ROW LEVEL SECURITY;
				ALTER TABLE ?0 FORCE ROW LEVEL SECURITY;
				DROP POLICY IF EXISTS tenant ON ?0;
				CREATE POLICY tenant ON ?0 USING (?1) WITH CHECK (?1);
				COMMENT ON POLICY tenant ON ?0 IS ?2`,
				bun.Ident(t.Name), bun.Safe(t.condition()), t.condition())
			return err
		})
		if err != nil {
			return fmt.Errorf("row-level security of %s: %w", t.Name, err)
		}
	}
	return guard(ctx, db)
}

// grows are the tables that are only ever added to.
var grows = []string{"audit_entry", "audit_seal", "audit_checkpoint"}

// guard lets the database itself refuse to change or delete what is on record.
func guard(ctx context.Context, db *bun.DB) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if !SQLite(db) {
			var there bool
			if err := tx.NewRaw("SELECT to_regproc('adgang_append_only') IS NOT NULL").Scan(ctx, &there); err != nil {
				return err
			}
			if !there {
				_, err := tx.ExecContext(ctx, `CREATE FUNCTION adgang_append_only() RETURNS trigger LANGUAGE plpgsql AS
					'BEGIN RAISE EXCEPTION ''% is append-only'', TG_TABLE_NAME; END'`)
				if err != nil {
					return err
				}
			}
		}
		for _, table := range grows {
			if err := guardTable(ctx, tx, table); err != nil {
				return fmt.Errorf("guard of %s: %w", table, err)
			}
		}
		return nil
	})
}

func guardTable(ctx context.Context, tx bun.Tx, table string) error {
	name := table + "_append_only"
	if !SQLite(tx) {
		var there bool
		err := tx.NewRaw("SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = ? AND tgrelid = to_regclass(?))", name, table).Scan(ctx, &there)
		if err != nil || there {
			return err
		}
		_, err = tx.ExecContext(ctx, `CREATE TRIGGER ? BEFORE UPDATE OR DELETE OR TRUNCATE ON ?
			FOR EACH STATEMENT EXECUTE FUNCTION adgang_append_only()`, bun.Ident(name), bun.Ident(table))
		return err
	}
	for _, verb := range []string{"UPDATE", "DELETE"} {
		_, err := tx.ExecContext(ctx, `CREATE TRIGGER IF NOT EXISTS ? BEFORE ? ON ? BEGIN SELECT RAISE(ABORT, ?); END`,
			bun.Ident(name+"_"+strings.ToLower(verb)), bun.Safe(verb), bun.Ident(table), table+" is append-only")
		if err != nil {
			return err
		}
	}
	return nil
}

// Walled tells whether the database keeps tenants apart by itself: PostgreSQL,
// under a role that is no superuser and has no BYPASSRLS.
func Walled(ctx context.Context, db *bun.DB) (bool, error) {
	if SQLite(db) {
		return false, nil
	}
	var bypasses bool
	err := db.NewRaw("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(ctx, &bypasses)
	return !bypasses, err
}
