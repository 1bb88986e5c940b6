package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const (
	million       = 1_000_000
	employeeRound = 400 // requests of each kind a round
	employeeTurns = 5
)

// Given names and surnames with how many of a thousand have them, about as in
// Denmark; who has none of them gets a rare name.
var (
	givenNames = []string{
		"Peter 17", "Jens 16", "Anne 16", "Michael 15", "Lars 15", "Mette 14", "Henrik 14", "Thomas 14", "Søren 14", "Jan 12", "Hanne 12",
		"Christian 12", "Kirsten 12", "Martin 11", "Niels 11", "Anders 10", "Helle 10", "Maria 9", "Susanne 9", "Lene 9", "Marianne 8", "Åse 2", "Ægir 1",
	}
	surnames = []string{
		"Nielsen 43", "Jensen 43", "Hansen 36", "Andersen 26", "Pedersen 26", "Christensen 20", "Larsen 19", "Sørensen 18", "Rasmussen 15",
		"Jørgensen 14", "Petersen 13", "Madsen 10", "Kristensen 10", "Olsen 8", "Thomsen 6", "Christiansen 6", "Poulsen 5", "Ågård 2", "Østergaard 2",
	}
	syllables = strings.Fields("ba be bi bo da de di do fa fe fi ga ge ha he hi ka ke ki la le li ma me mi na ne ni pa pe pi ra re ri sa se si ta te ti va ve vi")
)

// drawn picks a name by a number below a thousand, or makes up a rare one.
func drawn(names []string, n, seed int) string {
	for _, one := range names {
		var name string
		var share int
		fmt.Sscanf(one, "%s %d", &name, &share)
		if n -= share; n < 0 {
			return name
		}
	}
	var b strings.Builder
	for range 3 {
		b.WriteString(syllables[seed%len(syllables)])
		seed /= len(syllables)
	}
	return strings.ToUpper(b.String()[:1]) + b.String()[1:]
}

// seedMillion fills an organisation through the way that migrations take; on
// PostgreSQL the index of words is made at the end. The
// index of words is taken away meanwhile on PostgreSQL.
func seedMillion(b *testing.B, d *testkit.Domain, o access.OrgID, n int) {
	b.Helper()
	start := time.Now()
	exec := func(statement string) {
		if _, err := d.DB.ExecContext(b.Context(), statement); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
	}
	if !store.SQLite(d.DB) {
		exec("ALTER TABLE employee_word DROP CONSTRAINT employee_word_pkey")
		exec("ALTER TABLE employee_word SET UNLOGGED")
	}
	const lot = 20_000
	for from := 0; from < n; from += lot {
		people := make([]org.Employee, 0, lot)
		for i := from; i < min(n, from+lot); i++ {
			x := (i*7919 + 13) % 1_000_003
			rid := fmt.Sprint(1_000_000_000 + x)
			given, surname := drawn(givenNames, x%1000, x), drawn(surnames, x/1000%1000, x*31+7)
			people = append(people, d.Org.Prepare(org.Employee{
				OrgID: o, RID: &rid, GivenName: given, Surname: surname, Email: fmt.Sprintf("%s.%s%d@firma.example", strings.ToLower(given), strings.ToLower(surname), x),
			}))
		}
		err := store.InTx(b.Context(), d.DB, func(ctx context.Context, tx bun.Tx) error { return org.Add(ctx, tx, people...) })
		if err != nil {
			b.Fatal(err)
		}
	}
	if store.SQLite(d.DB) {
		exec("ANALYZE")
	} else {
		exec("ALTER TABLE employee_word ADD PRIMARY KEY (org_id, word, sort_key, employee_id)")
		exec("VACUUM ANALYZE employee_word")
		exec("VACUUM ANALYZE employee")
	}
	b.Logf("%s employees in %s", thousands(float64(n)), time.Since(start).Round(time.Second))
}

// BenchmarkEmployees reads pages of the list of an organisation with a million
// employees, and searches as people type: each beginning of a name, a surname, a
// whole name, an address and a RID is a request. Beside them, by turns, one row is
// read by its primary key in a bare handler of Echo.
func BenchmarkEmployees(b *testing.B) {
	b.Run("postgres", func(b *testing.B) { benchmarkEmployees(b, testkit.Postgres(b), million) })
	b.Run("sqlite", func(b *testing.B) { benchmarkEmployees(b, testkit.SQLite(b), million/10) })
}

func benchmarkEmployees(b *testing.B, db *bun.DB, n int) {
	d := testkit.NewDomain(b, db)
	c := d.Company(b, "10000000")
	seedMillion(b, d, c.ID, n)
	token, err := d.Session.CreateAPIToken(b.Context(), access.Command(c.ID), access.UserAdministrator)
	if err != nil {
		b.Fatal(err)
	}
	base, _ := url.Parse(testkit.BaseURL)
	server := web.New(web.Options{
		Org: d.Org, CA: d.CA, Credential: d.Credential, Session: d.Session, Cutover: d.Cutover, Federation: d.Federation, Setting: d.Setting,
		Now: d.Clock.Now, Log: slog.New(slog.DiscardHandler), BaseURL: base, Frontend: fstest.MapFS{"index.html": {Data: []byte("page")}},
		Gauges: func(context.Context) (map[string]float64, error) { return nil, nil }, Ready: func(context.Context) []string { return nil },
	})
	bare := testkit.NewClient(b, testkit.BaseURL, testkit.InProcess{Handler: bareRead(db)})
	client := testkit.NewClient(b, testkit.BaseURL, testkit.InProcess{Handler: server})
	client.Token = token
	var ids []string
	if err := db.NewRaw("SELECT id FROM employee WHERE org_id = ? LIMIT 5000", c.ID).Scan(b.Context(), &ids); err != nil {
		b.Fatal(err)
	}
	typed := typing(employeeRound)
	for b.Loop() {
		kinds := map[string][]time.Duration{}
		cursor := ""
		for range employeeTurns {
			for i := range employeeRound {
				timed(kinds, "primary key", func() { get(b, bare, "/"+ids[i*11%len(ids)]) })
				timed(kinds, "page", func() { cursor = next(b, get(b, client, "/api/v1/employees?cursor="+cursor)) })
				timed(kinds, "search", func() { get(b, client, "/api/v1/employees?q="+url.QueryEscape(typed[i])) })
			}
		}
		reportLatencies(b, d, kinds)
	}
}

// bareRead is the least that an answer from the database can be.
func bareRead(db *bun.DB) http.Handler {
	e := echo.New()
	e.GET("/:id", func(c echo.Context) error {
		var one org.Employee
		if err := db.NewSelect().Model(&one).Where("id = ?", c.Param("id")).Scan(c.Request().Context()); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]string{"id": string(one.ID), "given_name": one.GivenName, "surname": one.Surname, "email": one.Email})
	})
	return e
}

// typing is what reaches the server when people type names.
func typing(n int) (all []string) {
	for i := 0; len(all) < n; i++ {
		x := (i*7919 + 13) % 1_000_003 * 17 % 1_000_003
		given, surname := drawn(givenNames, x%1000, x), drawn(surnames, x/1000%1000, x*31+7)
		for _, text := range []string{given + " " + surname, surname, fmt.Sprintf("%s.%s%d", strings.ToLower(given), strings.ToLower(surname), x), fmt.Sprint(1_000_000_000 + x)} {
			runes := []rune(text)
			for end := 1; end <= len(runes); end++ {
				all = append(all, string(runes[:end]))
			}
		}
	}
	return all[:n]
}

func timed(kinds map[string][]time.Duration, kind string, do func()) {
	start := time.Now()
	do()
	kinds[kind] = append(kinds[kind], time.Since(start))
}

func get(b *testing.B, c *testkit.Client, path string) []byte {
	b.Helper()
	a := c.Do(b, http.MethodGet, path, nil)
	if a.Status != http.StatusOK {
		b.Fatalf("GET %s = %d %s", path, a.Status, a.Body)
	}
	return a.Body
}

func next(b *testing.B, body []byte) string {
	var list web.EmployeeList
	if err := json.Unmarshal(body, &list); err != nil {
		b.Fatal(err)
	}
	if list.Next == nil {
		return ""
	}
	return *list.Next
}

func reportLatencies(b *testing.B, d *testkit.Domain, kinds map[string][]time.Duration) {
	at := func(kind string, percent int) time.Duration {
		sorted := slices.Sorted(slices.Values(kinds[kind]))
		return sorted[(len(sorted)-1)*percent/100]
	}
	engine := "PostgreSQL"
	if store.SQLite(d.DB) {
		engine = "SQLite"
	}
	b.ReportMetric(0, "ns/op")
	for _, kind := range []string{"page", "search"} {
		times := float64(at(kind, 99)) / float64(at("primary key", 99))
		b.ReportMetric(times, kind+"-p99-ratio")
		results.mu.Lock()
		results.lines = append(results.lines, fmt.Sprintf("employees %s, %s: primary key p50 %s p99 %s, ours p50 %s p99 %s, p99 %.1f times as long (goal 5: %s)\n",
			engine, kind, at("primary key", 50).Round(time.Microsecond), at("primary key", 99).Round(time.Microsecond),
			at(kind, 50).Round(time.Microsecond), at(kind, 99).Round(time.Microsecond), times, verdict(times <= 5)))
		results.mu.Unlock()
	}
}
