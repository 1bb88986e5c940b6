// Package testkit gives tests the real thing: a migrated database of each
// engine, made new for every test, a clock that stands still until it is moved,
// and the whole program on a free port.
package testkit

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/store"
)

// EnvDatabase names the variable with the URL of a PostgreSQL server on which
// tests may create databases; EnvRedis the one of a Redis that they may flush.
const (
	EnvDatabase = "ADGANG_TEST_DATABASE_URL"
	EnvRedis    = "ADGANG_TEST_REDIS_URL"
)

// EachDB runs fn on SQLite and on PostgreSQL, each with a database of its own.
func EachDB(t *testing.T, fn func(t *testing.T, db *bun.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, Postgres(t))
	})
}

// Need returns the value of an environment variable that `make test` sets. In
// CI a missing one fails the test; by hand it is skipped.
func Need(t testing.TB, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" && os.Getenv("CI") != "" {
		t.Fatalf("%s is not set: run make test", name)
	}
	if v == "" {
		t.Skipf("%s is not set: `make test` starts what it needs", name)
	}
	return v
}

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "adgang-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := store.Open("", dir)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(context.Background(), db); err != nil {
		return nil, err
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, store.SQLiteFile)) //nolint:gosec // a folder of our own
})

// SQLite returns a migrated SQLite database in a folder of the test's own.
func SQLite(t testing.TB) *bun.DB {
	t.Helper()
	template, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("SQLite template: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, store.SQLiteFile), template, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open("", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// run names this process's databases: a killed test leaves some behind, and
// process IDs come again.
var run = strings.ReplaceAll(store.NewID(), "-", "")

var (
	postgresTemplate = sync.OnceValues(func() (string, error) {
		name := "adgang_template_" + run
		server := os.Getenv(EnvDatabase)
		if err := execOn(server, "CREATE DATABASE "+name); err != nil {
			return "", err
		}
		db, err := store.Open(WithDatabase(server, name), "")
		if err != nil {
			return "", err
		}
		defer func() { _ = db.Close() }()
		return name, store.Migrate(context.Background(), db)
	})
	databases atomic.Int64
	creating  sync.Mutex // CREATE DATABASE fails while another copies the template
)

// Postgres returns a migrated PostgreSQL database of the test's own.
func Postgres(t testing.TB) *bun.DB {
	t.Helper()
	db, err := store.Open(PostgresURL(t), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// PostgresURL creates a migrated database and returns its URL; it is dropped
// when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := Need(t, EnvDatabase)
	template, err := postgresTemplate()
	if err != nil {
		t.Fatalf("PostgreSQL template: %v", err)
	}
	name := fmt.Sprintf("adgang_test_%s_%d", run, databases.Add(1))
	creating.Lock()
	err = execOn(server, "CREATE DATABASE "+name+" TEMPLATE "+template)
	creating.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		drop(t, server, name)
	})
	return WithDatabase(server, name)
}

// drop removes a database. A plain role may not end the autovacuum in it by force;
// without force the server does that itself.
func drop(t testing.TB, server, name string) {
	t.Helper()
	err := execOn(server, "DROP DATABASE "+name+" WITH (FORCE)")
	if err != nil && strings.Contains(err.Error(), "SQLSTATE 42501") {
		err = execOn(server, "DROP DATABASE "+name)
	}
	if err != nil {
		t.Errorf("drop %s: %v", name, err)
	}
}

// WithDatabase returns the server's URL with another database name.
func WithDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

func execOn(server, statement string) error {
	db, err := store.Open(server, "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.Exec(statement)
	return err
}
