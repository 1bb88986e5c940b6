// Package store hides which database engine runs: it opens SQLite or
// PostgreSQL, runs transactions, tells unique violations and missing rows
// apart, makes IDs and instants, and moves many rows at once. The rest of the
// code writes one SQL for both.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"
	"modernc.org/sqlite"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/migrations"
)

// SQLiteFile is the name of the embedded database in the data folder.
const SQLiteFile = "adgang.db"

// Open opens PostgreSQL when databaseURL is given, else the SQLite file in
// dataDir. It does not touch the schema. The caller closes the database.
func Open(databaseURL, dataDir string) (*bun.DB, error) {
	if databaseURL == "" {
		return openSQLite(filepath.Join(dataDir, SQLiteFile))
	}
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	// bun writes its arguments into the statement, so caching statements by
	// their text would only cost memory.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := bun.NewDB(sql.OpenDB(walled{stdlib.GetConnector(*config)}), pgdialect.New())
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(10)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

func openSQLite(path string) (*bun.DB, error) {
	// Made by us first, so that nobody else may read it; SQLite gives its other
	// files the same mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	// In the DSN, so that every pooled connection has them; busy_timeout first,
	// since journal_mode may have to wait for another process. Immediate
	// transactions: a deferred one that reads before it writes fails instead of
	// waiting when two meet.
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(keeping{connector})
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return bun.NewDB(db, sqlitedialect.New()), nil
}

// SQLite tells whether db is the embedded engine.
func SQLite(db bun.IDB) bool { return db.Dialect().Name() == dialect.SQLite }

// Migrate brings the schema up to date, and raises the second wall over every
// table of tenants that it finds (ADR 0021). Two processes may call it together: the
// second waits for the first, at most a minute.
func Migrate(ctx context.Context, db *bun.DB) error {
	m, err := migrator(ctx, db)
	if err != nil {
		return err
	}
	for deadline := 120; ; deadline-- {
		if err := m.Lock(ctx); err == nil {
			break
		} else if deadline == 0 {
			return fmt.Errorf("another process has held the migration lock for a minute (if none runs, empty the table bun_migration_locks): %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	if _, err = m.Migrate(ctx); err == nil {
		err = raiseWall(ctx, db)
	}
	return errors.Join(err, m.Unlock(context.WithoutCancel(ctx)))
}

// Pending returns the names of migrations that Migrate would run.
func Pending(ctx context.Context, db *bun.DB) ([]string, error) {
	m, err := migrator(ctx, db)
	if err != nil {
		return nil, err
	}
	all, err := m.MigrationsWithStatus(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range all.Unapplied() {
		names = append(names, one.Name)
	}
	return names, nil
}

func migrator(ctx context.Context, db *bun.DB) (*migrate.Migrator, error) {
	all, err := migrations.All()
	if err != nil {
		return nil, err
	}
	m := migrate.NewMigrator(db, all, migrate.WithMarkAppliedOnSuccess(true))
	return m, m.Init(ctx)
}

// InTx runs fn in one transaction: committed when fn returns nil, rolled back
// otherwise. On SQLite the transaction does not see ctx being cancelled, since
// cancelling there can hit the connection's next statement. Inside fn: no
// network, no waiting, no second InTx.
func InTx(ctx context.Context, db *bun.DB, fn func(ctx context.Context, tx bun.Tx) error) error {
	if SQLite(db) {
		if err := ctx.Err(); err != nil {
			return err
		}
		ctx = context.WithoutCancel(ctx)
	}
	return db.RunInTx(ctx, nil, fn)
}

// Locking is q that holds the rows it reads until the transaction ends: a second
// one that asks for them waits, and then reads what the first made of them. On SQLite
// every transaction of InTx does that for the whole database.
func Locking(q *bun.SelectQuery) *bun.SelectQuery {
	if q.Dialect().Name() == dialect.SQLite {
		return q
	}
	return q.For("UPDATE")
}

// One checks a conditional UPDATE or DELETE: exactly one row, else
// fault.Conflict with the code "what.state" and a sentence that names what.
func One(res sql.Result, err error, what string) error {
	n, err := Count(res, err)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if n != 1 {
		return fault.New(fault.Conflict, what+".state", "This is no longer possible: the state has changed meanwhile. Load the page again.")
	}
	return nil
}

// Count returns how many rows a statement changed.
func Count(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Found turns sql.ErrNoRows into fault.Absent with the code "what.absent".
func Found(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Absent, what+".absent", "There is no such thing in this organisation.")
	}
	return err
}

// IsUnique tells whether err is a unique violation of either engine. On
// PostgreSQL the transaction is lost then: use ON CONFLICT where one is likely.
func IsUnique(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == 2067 || lite.Code() == 1555 // UNIQUE, PRIMARYKEY
	}
	return false
}

// NewID returns a UUIDv7 as text: sorted by the time it was made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Time is what the clock of the database says: one clock for all nodes. SQLite has
// that of its machine, which is the only one that works on it.
func Time(ctx context.Context, db bun.IDB) (time.Time, error) {
	if !SQLite(db) {
		var at time.Time
		err := db.NewSelect().ColumnExpr("clock_timestamp()").Scan(ctx, &at)
		return at.UTC(), err
	}
	var text string
	if err := db.NewSelect().ColumnExpr("strftime('%Y-%m-%dT%H:%M:%fZ', 'now')").Scan(ctx, &text); err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, text)
}

// Instant is t as the databases keep it: UTC, cut to microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// InstantPtr is Instant for a column that may be NULL; nil and zero give nil.
func InstantPtr(t *time.Time) *time.Time {
	if t == nil || t.IsZero() {
		return nil
	}
	i := Instant(*t)
	return &i
}

// Expected returns the failure that err carries when it is one that the caller
// can act on: neither ours nor of something that is away.
func Expected(err error) (*fault.Error, bool) {
	e, ok := errors.AsType[*fault.Error](err)
	return e, ok && e.Kind != fault.Internal && e.Kind != fault.Unavailable
}
