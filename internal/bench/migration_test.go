package bench_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/jobs"
)

const migrationRounds = 5

// derived are the tables that a migration fills, each after those it refers to.
var derived = []string{"employee", "employee_word", "code_card", "key_file", "activation", "message", "audit_entry", "work"}

// given are the tables that a migration begins with, each after those it refers to.
var given = []string{"organisation", "batch", "batch_chunk", "batch_row"}

// BenchmarkMigration takes a draft from Start to completed, through outbox, asynq
// and workers, and compares that with the reload limit: the rows that it made,
// loaded by the engine's quickest way into an empty database of the same schema
// and one UPDATE of all rows of the batch, in one transaction.
func BenchmarkMigration(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		redis := testkit.Need(b, testkit.EnvRedis)
		benchmarkMigration(b, engine{
			name: "postgres", rows: 30_000, workers: 4, goal: 0.5,
			redis:  func() (*jobs.Redis, error) { return jobs.FromURL(redis) },
			reload: reloadPostgres,
		})
	})
	b.Run("sqlite", func(b *testing.B) {
		benchmarkMigration(b, engine{
			name: "sqlite", rows: 20_000, workers: 3, goal: 0.17,
			redis:  func() (*jobs.Redis, error) { return jobs.Embedded(), nil },
			reload: reloadSQLite,
		})
	})
}

// engine is a database with its queue.
type engine struct {
	name          string
	rows, workers int
	goal          float64
	redis         func() (*jobs.Redis, error)
	// reload makes a database with the given tables of a draft, and returns what
	// loads it with the derived tables of from and is to be measured.
	reload func(b *testing.B, draft *bun.DB) (load func(from *bun.DB) (elapsed, cpu time.Duration))
}

func benchmarkMigration(b *testing.B, e engine) {
	for b.Loop() {
		result := comparison{name: "migration " + e.name, unit: "rows", limitName: "limit", goal: e.goal}
		for round := range migrationRounds {
			ours, limit := migrateAndReload(b, e, uint64(round))
			b.Logf("round %d: limit %s rows/s (%.0f us), ours %s rows/s (%.0f us)", round+1, thousands(limit.perSecond()), limit.cpuEach(), thousands(ours.perSecond()), ours.cpuEach())
			result.add(ours, limit)
		}
		result.report(b)
	}
}

// migrateAndReload is one round, on databases of its own.
func migrateAndReload(b *testing.B, e engine, seed uint64) (ours, limit pace) {
	var db *bun.DB
	if e.name == "sqlite" {
		db = testkit.SQLite(b)
	} else {
		db = testkit.Postgres(b)
	}
	d := testkit.NewDomain(b, db)
	company := d.Company(b, "10000000")
	var export bytes.Buffer
	if err := cutover.Sample(&export, cutover.SampleOptions{Rows: e.rows, Seed: seed}); err != nil {
		b.Fatal(err)
	}
	draft, err := d.Cutover.Create(b.Context(), company.Actor, bytes.NewReader(export.Bytes()), cutover.Plan{})
	if err != nil || draft.Counts.Pending != int64(e.rows) {
		b.Fatalf("Create = %+v, %v", draft.Counts, err)
	}
	load := e.reload(b, db)
	ours = migrate(b, e, d, company, draft.ID)
	checkMigrated(b, d, company, draft.ID, e.rows)
	limit.units = e.rows
	limit.elapsed, limit.cpu = load(db)
	return ours, limit
}

// migrate runs a draft to its end as `adgang work` does and returns how long that
// took. The mails are queued and not sent.
func migrate(b *testing.B, e engine, d *testkit.Domain, company testkit.Company, id string) pace {
	redis, err := e.redis()
	if err != nil {
		b.Fatal(err)
	}
	defer redis.Close()
	chunks := (e.rows + cutover.ChunkRows - 1) / cutover.ChunkRows
	var migrated, lots sync.WaitGroup
	migrated.Add(chunks)
	lots.Add(chunks)
	routes := jobs.Routes(jobs.Services{
		Org: d.Org, Mail: d.Mail, CA: d.CA, Credential: d.Credential, Session: d.Session,
		Federation: d.Federation, Cutover: d.Cutover, Reminder: d.Reminder,
	})
	routes = slices.DeleteFunc(routes, func(r jobs.Route) bool {
		return r.Kind == cutover.MigrateChunk.Name() || r.Kind == mail.Deliver.Name()
	})
	routes = append(routes,
		jobs.Handle(cutover.MigrateChunk, func(ctx context.Context, ref cutover.ChunkRef) error {
			err := d.Cutover.Migrate(ctx, ref)
			if err != nil {
				b.Errorf("Migrate chunk %d: %v", ref.No, err)
			}
			migrated.Done()
			return nil
		}),
		jobs.Handle(mail.Deliver, func(context.Context, mail.Lot) error {
			lots.Done()
			return nil
		}))
	r := jobs.New(jobs.Options{
		DB: d.DB, Now: d.Clock.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Redis: redis, Routes: routes, Workers: e.workers,
	})
	if err := r.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer r.Stop()
	server := cpuOf(b, d.DB)
	before, start := server.used(b), time.Now()
	if err := d.Cutover.Start(b.Context(), company.Actor, id, false, nil); err != nil {
		b.Fatal(err)
	}
	r.Kick()
	migrated.Wait()
	p := pace{e.rows, time.Since(start), server.used(b) - before}
	lots.Wait() // so that nothing of this round is left in Redis
	return p
}

// checkMigrated makes sure that all of the work was done.
func checkMigrated(b *testing.B, d *testkit.Domain, company testkit.Company, id string, rows int) {
	v, err := d.Cutover.Progress(b.Context(), company.Actor, id)
	if err != nil || v.State != cutover.Completed || v.Counts.Invited != int64(rows) {
		b.Fatalf("after the migration: %s, %+v, %v", v.State, v.Counts, err)
	}
	for _, table := range []string{"code_card", "message"} {
		if n, err := d.DB.NewSelect().Table(table).Count(b.Context()); err != nil || n != int64(rows) {
			b.Fatalf("%d rows in %s, %v, want %d", n, table, err, rows)
		}
	}
}

// updateRows is the one UPDATE of the reload limit.
const updateRows = "UPDATE batch_row SET state = 'invited'"
