package bench_test

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/testkit"
)

// reloadPostgres loads by COPY in the binary format, the bytes as they came out:
// neither end parses or converts anything.
func reloadPostgres(b *testing.B, draft *bun.DB) func(*bun.DB) (elapsed, cpu time.Duration) {
	ctx := b.Context()
	to, err := pgx.Connect(ctx, testkit.PostgresURL(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = to.Close(context.WithoutCancel(ctx)) })
	copyIn(b, to, copyOut(b, draft, given))
	return func(from *bun.DB) (elapsed, cpu time.Duration) {
		tables := copyOut(b, from, derived)
		server := cpuOf(b, from)
		before, start := server.used(b), time.Now()
		tx, err := to.Begin(ctx)
		if err != nil {
			b.Fatal(err)
		}
		copyIn(b, to, tables)
		if _, err := tx.Exec(ctx, updateRows); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
		return time.Since(start), server.used(b) - before
	}
}

// copied is a table as COPY writes it.
type copied struct {
	table string
	data  []byte
}

// beside is a connection of its own to the database of db, without the wall's
// conn between.
func beside(b *testing.B, db *bun.DB) *pgconn.PgConn {
	b.Helper()
	var name string
	if err := db.NewRaw("SELECT current_database()").Scan(b.Context(), &name); err != nil {
		b.Fatal(err)
	}
	config, err := pgconn.ParseConfig(os.Getenv(testkit.EnvDatabase))
	if err != nil {
		b.Fatal(err)
	}
	config.Database = name
	conn, err := pgconn.ConnectConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.WithoutCancel(b.Context())) })
	return conn
}

func copyOut(b *testing.B, db *bun.DB, tables []string) []copied {
	pg := beside(b, db)
	all := make([]copied, len(tables))
	for i, table := range tables {
		var data bytes.Buffer
		if _, err := pg.CopyTo(b.Context(), &data, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
			b.Fatal(err)
		}
		all[i] = copied{table, data.Bytes()}
	}
	return all
}

func copyIn(b *testing.B, to *pgx.Conn, tables []copied) {
	for _, t := range tables {
		// PostgreSQL refuses COPY FROM where row-level security stands.
		if _, err := to.Exec(b.Context(), "ALTER TABLE "+t.table+" DISABLE ROW LEVEL SECURITY"); err != nil {
			b.Fatal(err)
		}
		if _, err := to.PgConn().CopyFrom(b.Context(), bytes.NewReader(t.data), "COPY "+t.table+" FROM STDIN (FORMAT binary)"); err != nil {
			b.Fatalf("load %s: %v", t.table, err)
		}
	}
}

// reloadSQLite loads by INSERT ... SELECT from tables without indexes in memory,
// so that nothing but SQLite itself runs.
func reloadSQLite(b *testing.B, draft *bun.DB) func(*bun.DB) (elapsed, cpu time.Duration) {
	to, err := testkit.SQLite(b).DB.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = to.Close() })
	exec := func(statement string, args ...any) {
		if _, err := to.ExecContext(b.Context(), statement, args...); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
	}
	exec("ATTACH DATABASE ? AS draft", file(b, draft))
	for _, table := range given {
		exec("INSERT INTO main." + table + " SELECT * FROM draft." + table)
	}
	exec("DETACH DATABASE draft")
	return func(from *bun.DB) (elapsed, cpu time.Duration) {
		exec("ATTACH DATABASE ? AS migrated", file(b, from))
		exec("ATTACH DATABASE ':memory:' AS kept")
		for _, table := range derived {
			exec("CREATE TABLE kept." + table + " AS SELECT * FROM migrated." + table)
		}
		exec("DETACH DATABASE migrated")
		server := cpuOf(b, from)
		before, start := server.used(b), time.Now()
		exec("BEGIN IMMEDIATE")
		for _, table := range derived {
			exec("INSERT INTO main." + table + " SELECT * FROM kept." + table)
		}
		exec(updateRows)
		exec("COMMIT")
		return time.Since(start), server.used(b) - before
	}
}

// file is the path of a SQLite database.
func file(b *testing.B, db *bun.DB) string {
	var path string
	if err := db.QueryRowContext(b.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		b.Fatal(err)
	}
	return path
}
