package demo_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/demo"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

func TestSeed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	a := h.seed(t)
	h.checkWhole(t, a)
	h.checkPace(t)
	before := h.everything(t)

	if again := h.seed(t); again != a {
		t.Errorf("Seed again = %+v, want %+v", again, a)
	}
	for name, rows := range h.everything(t) {
		if rows != before[name] {
			t.Errorf("Seed again changed %s:\n got %.500s\nwant %.500s", name, rows, before[name])
		}
	}
}

// TestSeedInterrupted ends the context after one statement, after two, and so
// on, anew for each step that is reached: each start finds what the one before
// left.
func TestSeedInterrupted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	starts, steps := 0, map[string]bool{}
	for n := 1; ; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		brake := &brake{left: n, pull: cancel}
		h.DB = h.db.WithQueryHook(brake)
		h.Org.DB, h.Credential.DB, h.Credential.CA.DB, h.Cutover.DB, h.Federation.DB = h.DB, h.DB, h.DB, h.DB, h.DB
		a, err := h.Seed(ctx)
		cancel()
		if err == nil {
			h.checkWhole(t, a)
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Seed, ended after %d statements: %v", n, err)
		}
		starts++
		if step, _, _ := strings.Cut(err.Error(), ":"); !steps[step] {
			steps[step], n = true, 0
		}
	}
	if starts < 40 || len(steps) < 4 {
		t.Errorf("Seed was interrupted %d times in the steps %v, want at every statement", starts, steps)
	}
}

// brake pulls when so many statements have begun.
type brake struct {
	left int
	pull func()
}

func (b *brake) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (b *brake) AfterQuery(context.Context, *bun.QueryEvent) {
	if b.left--; b.left <= 0 {
		b.pull()
	}
}

func TestSeedAfterLosingFiles(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	a := h.seed(t)
	first := open(t, a)
	for _, lost := range []string{"administrator.p12", "service.pem", "export.csv"} {
		if err := os.Remove(filepath.Join(h.Data, "demo", lost)); err != nil {
			t.Fatal(err)
		}
	}
	b := h.seed(t)
	if b.Password == a.Password {
		t.Error("Seed kept the password of a key file that was lost")
	}
	h.checkWhole(t, b)
	if _, err := h.Credential.CA.Verify(t.Context(), first.Raw, h.Now()); fault.CodeOf(err) != "ca.certificate.revoked" {
		t.Errorf("the lost key file's certificate: %v, want it revoked", err)
	}
}

// TestSeedBesideOldFiles: the database was deleted, the key file was not.
func TestSeedBesideOldFiles(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	if err := os.MkdirAll(filepath.Join(h.Data, "demo"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"administrator.p12", "administrator.password"} {
		if err := os.WriteFile(filepath.Join(h.Data, "demo", name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h.checkWhole(t, h.seed(t))
}

// checkWhole looks at everything that Seed promises, and that nothing is there
// twice.
func (h *house) checkWhole(t *testing.T, a demo.Access) {
	t.Helper()
	ids, err := h.Org.IDs(t.Context())
	if err != nil || len(ids) != 2 {
		t.Fatalf("organisations = %d, %v; want 2", len(ids), err)
	}
	rows := map[string]int64{}
	for _, id := range ids {
		o, err := h.Org.Organisation(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		h.Org.TestData = false
		if err := h.Org.CheckCVR(o.CVR); err == nil {
			t.Errorf("%s could be a real CVR number", o.CVR)
		}
		h.Org.TestData = true
		batches, _, err := h.Cutover.Batches(t.Context(), access.Command(id), "")
		if err != nil || len(batches) != 1 {
			t.Fatalf("batches of %s = %d, %v; want 1", o.Name, len(batches), err)
		}
		if b := batches[0]; b.State != cutover.Running || b.Counts.Pending != b.Total || b.ErrorsTotal != 0 {
			t.Errorf("batch of %s = %s, %+v, %d errors; want all pending", o.Name, b.State, b.Counts, b.ErrorsTotal)
		}
		rows[o.CVR] = batches[0].Total
	}
	if rows["11223344"] != 1000 || rows["55667788"] != 12 {
		t.Errorf("rows = %v, want 1000 and 12", rows)
	}
	o, err := h.Org.ByCVR(t.Context(), "11223344")
	if err != nil {
		t.Fatal(err)
	}
	h.checkAdministrator(t, o, a)
	_, metadata := h.read(t, browser(t), "/demo/service/metadata", "da")
	services, _, err := h.Federation.Partners(t.Context(), access.Command(o.ID), "")
	if err != nil || len(services) != 1 || services[0].Source != metadata {
		t.Errorf("services = %v, %v; want the demo's, as it describes itself", services, err)
	}
	h.checkExport(t, o, a)
	h.checkInventory(t, o)
}

// checkInventory looks for a wave of endings, a campaign under way, and names that
// say that they are made up.
func (h *house) checkInventory(t *testing.T, o org.Organisation) {
	t.Helper()
	by := access.Actor{OrgID: o.ID, ID: "command", Roles: access.Roles}
	n, generations := 0, map[string]int{}
	err := h.Inventory.Each(t.Context(), by, inventory.Filter{}, func(c inventory.Certificate) error {
		n++
		generations[c.Generation]++
		if c.Source == inventory.FromList && !strings.Contains(c.Name, "(fiktiv)") {
			t.Errorf("%q does not say that it is made up", c.Name)
		}
		return nil
	})
	if err != nil || n != 26 || generations[inventory.OCES3] != 21 || generations[inventory.OCES2] != 4 {
		t.Errorf("inventory = %d certificates, %v, %v; want 26, four of OCES2", n, generations, err)
	}
	campaigns, err := h.Inventory.Campaigns(t.Context(), by)
	if err != nil || len(campaigns) != 1 || campaigns[0].State != inventory.Running || campaigns[0].Total != 4 || campaigns[0].Plans[inventory.PlanIssued] != 1 {
		t.Errorf("campaigns = %+v, %v; want one with four certificates", campaigns, err)
	}
	outlook, err := h.Inventory.Forecast(t.Context(), by, inventory.WhatIf{Months: 4})
	if err != nil {
		t.Fatal(err)
	}
	wave := int64(0)
	for _, m := range outlook.Months {
		wave += m.Ending
	}
	if wave < 15 {
		t.Errorf("%d certificates end within four months, want a wave", wave)
	}
}

func (h *house) checkAdministrator(t *testing.T, o org.Organisation, a demo.Access) {
	t.Helper()
	leaf := open(t, a)
	if _, err := h.Credential.CA.Verify(t.Context(), leaf.Raw, h.Now()); err != nil {
		t.Errorf("the administrator's certificate: %v", err)
	}
	people, _, err := h.Org.Employees(t.Context(), access.Command(o.ID), org.Filter{})
	if err != nil || len(people) != 4 {
		t.Fatalf("employees before the migration = %d, %v; want the administrator and the three who have rights", len(people), err)
	}
	d, err := h.Credential.Details(t.Context(), access.Command(o.ID), people[0].ID)
	if err != nil || d.KeyFile != "active" {
		t.Errorf("administrator = %+v, %v; want a key file in use", d, err)
	}
	if want := []access.Role{access.OrganisationAdministrator, access.RightsAdministrator, access.UserAdministrator}; !slices.Equal(d.Roles, want) {
		t.Errorf("roles = %v, want %v", d.Roles, want)
	}
	if !strings.Contains(leaf.Subject.String(), string(people[0].ID)) {
		t.Errorf("the certificate is %s's, not the administrator's", leaf.Subject)
	}
}

// open opens the key file as a newcomer would, with OpenSSL and the file of the
// password, and returns the certificate.
func open(t *testing.T, a demo.Access) *x509.Certificate {
	t.Helper()
	for _, path := range []string{a.KeyFile, a.PasswordFile, a.Export} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", path, info.Mode().Perm())
		}
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-in", a.KeyFile, "-passin", "file:"+a.PasswordFile, "-noenc", "-info").CombinedOutput()
	if err != nil || strings.Count(string(out), "BEGIN CERTIFICATE") != 3 || strings.Count(string(out), "BEGIN PRIVATE KEY") != 1 {
		t.Fatalf("openssl pkcs12: %v\n%s", err, out)
	}
	if len(a.Password) < 20 {
		t.Errorf("password has %d characters, want 20", len(a.Password))
	}
	for block, rest := pem.Decode(out); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" { // OpenSSL writes the holder's first
			leaf, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			return leaf
		}
	}
	return nil
}

// checkExport uploads the export with mistakes to a dry run.
func (h *house) checkExport(t *testing.T, o org.Organisation, a demo.Access) {
	t.Helper()
	file, err := os.Open(a.Export)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	v, err := h.Cutover.DryRun(t.Context(), access.Command(o.ID), file, cutover.Plan{FileName: "export.csv"})
	if err != nil || v.Total != 200 || v.ErrorsTotal < 20 || v.Forecast.ToMigrate < 100 {
		t.Errorf("dry run of the export = %d rows, %d errors, %+v, %v; want 200 rows, some bad", v.Total, v.ErrorsTotal, v.Forecast, err)
	}
}

// checkPace looks at when the work of the large batch is due: twenty seconds,
// twenty-five rows at a time.
func (h *house) checkPace(t *testing.T) {
	t.Helper()
	var due []time.Time
	err := h.DB.NewSelect().Table("work").Column("due_at").Where("kind = ?", cutover.MigrateChunk.Name()).
		Where("queue = 'bulk'").Order("due_at").Scan(t.Context(), &due)
	if err != nil || len(due) != 40 {
		t.Fatalf("chunks = %d, %v; want 40", len(due), err)
	}
	if lasts := due[39].Sub(due[0]); due[0].After(h.Now()) || lasts != 19500*time.Millisecond {
		t.Errorf("the chunks are due from %v on for %v, want from %v on for 19.5s", due[0], lasts, h.Now())
	}
}

// everything is each table and each file of the demo as text.
func (h *house) everything(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	var tables []string
	if err := h.DB.NewSelect().Table("sqlite_master").Column("name").Where("type = 'table'").Scan(t.Context(), &tables); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		all[table] = h.table(t, table)
	}
	files, err := filepath.Glob(filepath.Join(h.Data, "demo", "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("files of the demo = %v, %v", files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(text)
	}
	return all
}

func (h *house) table(t *testing.T, name string) string {
	t.Helper()
	rows, err := h.DB.QueryContext(t.Context(), "SELECT * FROM ? ORDER BY rowid", bun.Ident(name))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var text strings.Builder
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, values...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
