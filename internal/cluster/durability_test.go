package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adgang/adgang/internal/cluster"
	"github.com/adgang/adgang/internal/testkit"
)

const (
	cvr  = "12345678"
	rows = 8000 // enough that a batch is under way for some seconds
)

// start gives the test a cluster of its own, with one organisation.
func start(t *testing.T) *cluster.Cluster {
	t.Helper()
	server := testkit.Need(t, testkit.EnvDatabase)
	path, err := cluster.Binary(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), cluster.Options{
		Binary: path, Dir: t.TempDir(), DatabaseURL: server, Env: []string{"ADGANG_TEST_CVR=1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	adgang(t, c, "org", "create", "--cvr", cvr, "--name", "Example", "--admin-email", "admin@example.dk")
	return c
}

// adgang runs the binary in the cluster's environment and returns what it prints.
func adgang(t *testing.T, c *cluster.Cluster, args ...string) []byte {
	t.Helper()
	cmd := c.Command(t.Context(), args...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("adgang %s: %v: %s", strings.Join(args, " "), err, problem.String())
	}
	return out
}

// batch is what the tests read of `batch show --json` and `import --json`.
type batch struct {
	ID     string         `json:"id"`
	State  string         `json:"state"`
	Total  int            `json:"total"`
	Counts map[string]int `json:"counts"`
}

func decode(t *testing.T, text []byte) (b batch) {
	t.Helper()
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatalf("batch: %v: %s", err, text)
	}
	return b
}

// underWay imports a file, starts its batch and returns when some rows are done
// and some are not.
func underWay(t *testing.T, c *cluster.Cluster, db *pgx.Conn) batch {
	t.Helper()
	file := filepath.Join(t.TempDir(), "export.csv")
	if err := os.WriteFile(file, adgang(t, c, "sample", "--rows", fmt.Sprint(rows), "--seed", "7"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := decode(t, adgang(t, c, "import", "--org", cvr, "--start", "--json", file))
	within(t, time.Minute, "the first rows", func() bool { return count(t, db, invitations) > 0 })
	if done := count(t, db, invitations); done == rows {
		t.Fatalf("all %d rows were done before anything could be killed", rows)
	}
	return b
}

const (
	invitations = "SELECT count(*) FROM activation WHERE batch_id IS NOT NULL"
	orders      = `SELECT count(*) FROM audit_entry WHERE verb = 'key_file.order' AND object IN
		(SELECT 'employee:' || employee_id FROM activation WHERE batch_id IS NOT NULL)`
	unsent = "SELECT count(*) FROM message WHERE state <> 'sent'"
)

func count(t *testing.T, db *pgx.Conn, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s did not come within %s", what, limit)
		}
	}
}

func open(t *testing.T, c *cluster.Cluster) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), c.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

// everyRowOnce waits for the end of the batch and looks for a row done twice or
// not at all: in the batch, the invitations, the audit entries and the mails.
func everyRowOnce(t *testing.T, c *cluster.Cluster, db *pgx.Conn, b batch) {
	t.Helper()
	within(t, time.Minute, "the end of the batch", func() bool {
		b = decode(t, adgang(t, c, "batch", "show", b.ID, "--json"))
		return b.State == "completed"
	})
	if b.Total != rows || b.Counts["invited"] != rows {
		t.Errorf("batch = %+v, want %d rows invited", b, rows)
	}
	for _, query := range []string{invitations, orders} {
		if got := count(t, db, query); got != rows {
			t.Errorf("%s = %d, want %d", query, got, rows)
		}
	}
	within(t, time.Minute, "the last mail", func() bool { return count(t, db, unsent) == 0 })
	ids, receivers := mails(t, c.Mail)
	if len(ids) != rows || len(receivers) != rows {
		t.Errorf("mails = %d Message-IDs to %d receivers, want %d to as many", len(ids), len(receivers), rows)
	}
}

// mails returns how often each Message-ID and each receiver occurs.
func mails(t *testing.T, dir string) (ids, receivers map[string]int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	ids, receivers = map[string]int{}, map[string]int{}
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		message, err := mail.ReadMessage(file)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		ids[message.Header.Get("Message-ID")]++
		receivers[message.Header.Get("To")]++
		_ = file.Close()
	}
	return ids, receivers
}

func ready(t *testing.T, c *cluster.Cluster) (state string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.BaseURL+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct{ Status string }
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("GET /readyz = %s %+v, %v", res.Status, body, err)
	}
	return body.Status
}

func TestOneWorkerAndOneNodeKilled(t *testing.T) {
	t.Parallel()
	c := start(t)
	db := open(t, c)
	b := underWay(t, c, db)
	for _, victim := range []*cluster.Process{c.Workers[0], c.APIs[0]} {
		if err := victim.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if state := ready(t, c); state != "ok" {
			t.Errorf("with one node killed the proxy finds %q, want ok", state)
		}
	}
	everyRowOnce(t, c, db, b)
	if err := c.APIs[0].Start(t.Context()); err != nil {
		t.Errorf("the killed node again: %v", err)
	}
}

func TestRedisAwayAndEmpty(t *testing.T) {
	t.Parallel()
	c := start(t)
	db := open(t, c)
	b := underWay(t, c, db)
	if err := c.Redis.Kill(); err != nil {
		t.Fatal(err)
	}
	if state := ready(t, c); state != "degraded" {
		t.Errorf("without Redis the nodes are %q, want degraded", state)
	}
	away := time.NewTimer(10 * time.Second)
	defer away.Stop()
	<-away.C
	if err := c.Redis.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	everyRowOnce(t, c, db, b)
}
