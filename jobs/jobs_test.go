package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/jobs"
)

// probe is the kind of work that tests run; its payload names the effect.
var probe = outbox.NewKind[string]("jobs_test.probe")

// ledger is a domain of its own in the database of a test: it counts the effects
// of each payload, once however often the work runs, and the runs.
type ledger struct {
	db    *bun.DB
	runs  atomic.Int64
	pause func() // called within each run, before the effect
}

func newLedger(t *testing.T, db *bun.DB) *ledger {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE effect (payload TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return &ledger{db: db, pause: func() {}}
}

func (l *ledger) do(ctx context.Context, payload string) error {
	l.runs.Add(1)
	l.pause()
	return store.InTx(ctx, l.db, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO effect VALUES (?) ON CONFLICT DO NOTHING", payload)
		return err
	})
}

func (l *ledger) effects(t *testing.T) int {
	t.Helper()
	var n int
	if err := l.db.NewRaw("SELECT count(*) FROM effect").Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// add records n probes of an organisation, due at once.
func add(t *testing.T, db *bun.DB, org access.OrgID, queue string, n int, due time.Time) {
	t.Helper()
	items := make([]outbox.Item, n)
	for i := range items {
		var err error
		if items[i], err = probe.Item(org, queue, fmt.Sprintf("%s %d", org, i), due); err != nil {
			t.Fatal(err)
		}
	}
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return outbox.Add(ctx, tx, items...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// node starts a runner with 4 workers and stops it when the test ends.
func node(t *testing.T, o jobs.Options) *jobs.Runner {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Workers = 4
	r := jobs.New(o)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

// until polls at short intervals and fails the test when what is not true in time.
func until(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %s", within, what)
		case <-tick.C:
		}
	}
}

// idle waits until no work is left, and fails the test when any was given up.
func idle(t *testing.T, db *bun.DB) {
	t.Helper()
	var last outbox.Backlog
	until(t, 2*time.Minute, "all work done", func() bool {
		var err error
		if last, err = outbox.Look(t.Context(), db, time.Now()); err != nil {
			t.Fatal(err)
		}
		return last.Pending+last.Dispatched == 0
	})
	if last.Failed != 0 {
		t.Errorf("%d items were given up", last.Failed)
	}
}

// embedded returns an in-process Redis that is closed when the test ends.
func embedded(t *testing.T) *jobs.Redis {
	t.Helper()
	r := jobs.Embedded()
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// server is a Redis of the test's own, without a port.
type server struct {
	dir string
	cmd *exec.Cmd
}

func newServer(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("redis-server is not installed")
	}
	dir, err := os.MkdirTemp("", "adgang-redis-") //nolint:usetesting // a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: dir}
	t.Cleanup(func() {
		s.kill()
		_ = os.RemoveAll(dir)
	})
	s.start(t)
	return s
}

func (s *server) socket() string { return filepath.Join(s.dir, "redis.sock") }

// start runs Redis with an empty memory.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket(),
		"--save", "", "--appendonly", "no", "--dir", s.dir)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	admin := s.admin(t)
	until(t, 2*time.Minute, "redis answers", func() bool { return admin.Ping(t.Context()).Err() == nil })
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// admin is a connection for what a test does to Redis behind the runner's back.
func (s *server) admin(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket()})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// connect opens a connection as a node has.
func (s *server) connect(t *testing.T) *jobs.Redis {
	t.Helper()
	r, err := jobs.FromURL("unix://" + s.socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// lines is a log that a test can read.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
