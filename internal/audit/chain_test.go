package audit_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

var reader = access.Actor{OrgID: "org", ID: "employee:1", Employee: "1", Roles: []access.Role{access.OrganisationAdministrator}}

func service(t *testing.T, db *bun.DB) *audit.Service {
	t.Helper()
	keys, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &audit.Service{DB: db, Keys: keys, Now: testkit.NewClock().Now, Log: slog.New(slog.DiscardHandler)}
}

// things are n entries of an organisation, a second apart, in two ways of writing.
func things(org access.OrgID, from, n int) (all []audit.Entry) {
	for i := from; i < from+n; i++ {
		e := audit.By(access.Actor{OrgID: org, ID: fmt.Sprint("employee:", i%3), Address: "192.0.2.7"},
			start.Add(time.Duration(i)*time.Second), []string{"thing.make", "thing.sell"}[i%2], fmt.Sprint("thing:", i), fmt.Sprintf("Æ 100%% no_%d", i))
		all = append(all, e.Changed(`{"a":1}`, fmt.Sprint(i)))
	}
	return all
}

func sealed(t *testing.T, s *audit.Service, want int64) {
	t.Helper()
	if n, err := s.Seal(t.Context()); n != want || err != nil {
		t.Fatalf("Seal = %d, %v, want %d", n, err, want)
	}
}

func verified(t *testing.T, s *audit.Service) audit.Report {
	t.Helper()
	r, err := s.Verify(t.Context(), "org")
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return r
}

func TestSealNumbersEachOrganisation(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := service(t, db)
		sealed(t, s, 0)
		record(t, db, nil, things("org", 0, 3)...)
		record(t, db, nil, append(things("other", 0, 1), things("org", 3, 1)...)...)
		record(t, db, nil, things("org", 4, 2500)...) // more than one lot
		if r := verified(t, s); r.Sealed != 0 || r.Unsealed != 2504 || !r.Since.Equal(start) || len(r.Problems) != 0 {
			t.Errorf("Verify before the first seal = %+v", r)
		}
		sealed(t, s, 2505)
		sealed(t, s, 0)
		record(t, db, nil, things("org", 2504, 2)...)
		if r := verified(t, s); r.Sealed != 2504 || r.Unsealed != 2 || len(r.Problems) != 0 {
			t.Errorf("Verify with a tail = %+v", r)
		}
		sealed(t, s, 2)
		st, err := s.Status(t.Context(), reader)
		if err != nil || st.Sealed != 2506 || st.Unsealed != 0 || st.SealedAt == nil || st.Checkpoint != nil {
			t.Errorf("Status = %+v, %v", st, err)
		}
		page, _, err := s.Search(t.Context(), reader, audit.Filter{}, "")
		if err != nil || page[0].Number != 2506 || page[49].Number != 2457 {
			t.Errorf("Search numbers %+v, %v", page, err)
		}
	})
}

// Several nodes seal at once: no number is given twice, none is left out.
func TestSealByManyNodes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		var all sync.WaitGroup
		for node := range 4 {
			s := service(t, db)
			all.Go(func() {
				for i := range 10 {
					record(t, db, nil, things("org", node*100+i*3, 3)...)
					if _, err := s.Seal(t.Context()); err != nil {
						t.Errorf("Seal: %v", err)
					}
				}
			})
		}
		all.Wait()
		s := service(t, db)
		if _, err := s.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := verified(t, s); r.Sealed != 120 || r.Unsealed != 0 || len(r.Problems) != 0 {
			t.Errorf("Verify = %+v, want 120 entries", r)
		}
	})
}

func TestTheLogOnlyGrows(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := service(t, db)
		record(t, db, nil, things("org", 0, 3)...)
		sealed(t, s, 3)
		if _, err := s.PublicKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"UPDATE audit_entry SET note = 'other'", "DELETE FROM audit_entry", "UPDATE audit_seal SET n = 1", "DELETE FROM audit_seal",
		} {
			if _, err := db.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "is append-only") {
				t.Errorf("%s = %v, want a refusal", statement, err)
			}
		}
	})
}

// unguarded lets a test do what an attacker with the database's password does.
func unguarded(t *testing.T, db *bun.DB, statements ...string) {
	t.Helper()
	for _, table := range []string{"audit_entry", "audit_seal", "audit_checkpoint"} {
		drop := []string{"DROP TRIGGER " + table + "_append_only ON " + table}
		if store.SQLite(db) {
			drop = []string{"DROP TRIGGER " + table + "_append_only_update", "DROP TRIGGER " + table + "_append_only_delete"}
		}
		statements = append(drop, statements...)
	}
	for _, one := range statements {
		if _, err := db.ExecContext(t.Context(), one); err != nil {
			t.Fatalf("%s: %v", one, err)
		}
	}
}

func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		statements []string
		want       string // "kind number" of each problem
	}{
		{"nothing", nil, ""},
		{"a changed note", []string{"UPDATE audit_entry SET note = 'other' WHERE object = 'thing:2'"}, "changed 3"},
		{"a changed setting", []string{"UPDATE audit_entry SET before = '' WHERE object = 'thing:2'"}, "changed 3"},
		{"a changed instant", []string{"UPDATE audit_entry SET at = '2026-11-22 09:30:02.000001+00:00' WHERE object = 'thing:2'"}, "changed 3"},
		{"an entry given to another organisation", []string{"UPDATE audit_entry SET org_id = 'other' WHERE object = 'thing:2'"}, "changed 3"},
		{"text moved from field to field", []string{"UPDATE audit_entry SET object = verb, verb = object WHERE object = 'thing:2'"}, "changed 3"},
		{"a deleted entry", []string{"DELETE FROM audit_entry WHERE object = 'thing:2'"}, "missing 3"},
		{"two that changed places", []string{
			"UPDATE audit_entry SET object = 'x' WHERE object = 'thing:2'", "UPDATE audit_entry SET object = 'thing:2' WHERE object = 'thing:4'",
			"UPDATE audit_entry SET object = 'thing:4' WHERE object = 'x'",
		}, "changed 3, changed 5"},
		{"an entry in a lot of its own", []string{
			"INSERT INTO audit_entry (id, org_id, at, actor, address, verb, object, note) SELECT '01900000-0000-7000-8000-000000000000', org_id, at, actor, address, verb, 'thing:x', note FROM audit_entry WHERE object = 'thing:2'",
		}, "inserted 0"},
		{"an entry in a sealed lot", []string{
			"INSERT INTO audit_entry (id, org_id, at, actor, address, verb, object, note) SELECT substr(id, 1, 36) || '-000005', org_id, at, actor, address, verb, 'thing:x', note FROM audit_entry WHERE object = 'thing:2'",
		}, "inserted 0"},
		{"seals that are gone", []string{"DELETE FROM audit_seal WHERE seq = 6"}, "missing 6, changed 11, inserted 0, inserted 0, inserted 0, inserted 0, inserted 0"},
		{"seals that changed places", []string{
			"UPDATE audit_seal SET seq = 100 WHERE seq = 6", "UPDATE audit_seal SET seq = 6 WHERE seq = 11", "UPDATE audit_seal SET seq = 11 WHERE seq = 100",
		}, "changed 6, changed 7, changed 8, changed 9, changed 10, changed 11, changed 12, changed 13, changed 14, changed 15, checkpoint 15"},
		{"an end that was cut off", []string{
			"DELETE FROM audit_seal WHERE seq = 11", "DELETE FROM audit_entry WHERE object IN ('thing:10', 'thing:11', 'thing:12', 'thing:13', 'thing:14')",
		}, "missing 11"},
		{"a checkpoint moved to another day's text", []string{"UPDATE audit_checkpoint SET text = replace(text, 'to 15', 'to 14')"}, "checkpoint 15"},
		{"a checkpoint for another entry", []string{"UPDATE audit_checkpoint SET seq = 14"}, "checkpoint 14"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				s := service(t, db)
				for i := range 3 {
					record(t, db, nil, things("org", i*5, 5)...)
				}
				sealed(t, s, 15)
				o := org.Organisation{ID: "org", CVR: "12345678", Name: "Nordvind", CreatedAt: start}
				if _, err := db.NewInsert().Model(&o).Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
				if n, err := s.Checkpoints(t.Context()); n != 1 || err != nil {
					t.Fatalf("Checkpoints = %d, %v, want 1", n, err)
				}
				unguarded(t, db, tc.statements...)
				var got []string
				for _, p := range verified(t, s).Problems {
					got = append(got, fmt.Sprint(p.Kind, " ", p.Number))
				}
				if strings.Join(got, ", ") != tc.want {
					t.Errorf("Verify finds %q, want %q", strings.Join(got, ", "), tc.want)
				}
			})
		})
	}
}

func TestCheckpointsAreDaily(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		o := d.Company(t, "12345678")
		s := d.Audit
		points := func(want int64) {
			t.Helper()
			if n, err := s.Checkpoints(t.Context()); n != want || err != nil {
				t.Fatalf("Checkpoints = %d, %v, want %d", n, err, want)
			}
		}
		points(0) // nothing is sealed
		if _, err := s.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		points(2) // the company's, and the installation's
		points(0)
		record(t, db, nil, things(o.ID, 0, 3)...)
		if _, err := s.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		points(0)
		d.Clock.Move(24 * time.Hour)
		points(2) // the installation's log has the new key
		d.Clock.Move(24 * time.Hour)
		points(0)
		r, err := s.Verify(t.Context(), o.ID)
		if err != nil || r.Checkpoints != 2 || r.Signed != r.Sealed || len(r.Problems) != 0 {
			t.Errorf("Verify = %+v, %v", r, err)
		}
	})
}

func proof(t *testing.T, s *audit.Service, span audit.Span) []byte {
	t.Helper()
	write, err := s.Proof(t.Context(), reader, span)
	var b bytes.Buffer
	if err == nil {
		err = write(&b)
	}
	if err != nil {
		t.Fatalf("Proof: %v", err)
	}
	return b.Bytes()
}

// rewritten is an archive with one part changed.
func rewritten(t *testing.T, archive []byte, name string, change func(string) string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		r, openErr := f.Open()
		body, readErr := io.ReadAll(r)
		w, createErr := out.Create(f.Name)
		if f.Name == name {
			body = []byte(change(string(body)))
		}
		_, writeErr := w.Write(body)
		if err := errors.Join(openErr, readErr, createErr, writeErr); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestProof(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := service(t, db)
		record(t, db, nil, things("org", 0, 1200)...)
		record(t, db, nil, things("other", 0, 5)...)
		sealed(t, s, 1205)
		for span, entries := range map[audit.Span]int64{{}: 1200, {From: 1}: 1200, {From: 1001, To: 1003}: 3, {From: 999, To: 1100}: 102, {From: 1200}: 1} {
			archive := proof(t, s, span)
			p, err := audit.VerifyProof(bytes.NewReader(archive), int64(len(archive)))
			if err != nil || p.Entries != entries || len(p.Problems) != 0 || p.To-p.From+1 != entries || p.OrgID != "org" {
				t.Errorf("VerifyProof of %+v = %+v, %v", span, p, err)
			}
		}
		archive := proof(t, s, audit.Span{From: 11, To: 20})
		lines := func(change func([]string) []string) func(string) string {
			return func(text string) string { return strings.Join(change(strings.SplitAfter(text, "\n")), "") }
		}
		for name, tc := range map[string]struct {
			part   string
			change func(string) string
			want   string
		}{
			"a changed note":      {"entries.ndjson", func(s string) string { return strings.Replace(s, "no_14", "no_99", 1) }, "changed 15"},
			"a missing line":      {"entries.ndjson", lines(func(l []string) []string { return slices.Delete(l, 4, 5) }), "missing 15"},
			"a missing end":       {"entries.ndjson", lines(func(l []string) []string { return l[:8] }), "missing 19"},
			"a missing beginning": {"entries.ndjson", lines(func(l []string) []string { return l[2:] }), "missing 11"},
			"two lines swapped": {"entries.ndjson", lines(func(l []string) []string {
				l[3], l[4] = l[4], l[3]
				return l
			}), "missing 14, order 14"},
			"a line twice":         {"entries.ndjson", lines(func(l []string) []string { return slices.Insert(l, 4, l[3]) }), "order 14"},
			"no JSON":              {"entries.ndjson", func(string) string { return "x" }, "file 11"},
			"another statement":    {"statement.txt", func(s string) string { return strings.Replace(s, "to 20", "to 19", 1) }, "file 0, changed 20"},
			"another organisation": {"statement.txt", func(s string) string { return strings.Replace(s, "organisation org", "organisation oth", 1) }, "file 0"},
		} {
			forged := rewritten(t, archive, tc.part, tc.change)
			p, err := audit.VerifyProof(bytes.NewReader(forged), int64(len(forged)))
			var got []string
			for _, problem := range p.Problems {
				got = append(got, fmt.Sprint(problem.Kind, " ", problem.Number))
			}
			if err != nil || !strings.HasPrefix(strings.Join(got, ", "), tc.want) {
				t.Errorf("%s: VerifyProof finds %q, %v, want %q", name, got, err, tc.want)
			}
		}
		if _, err := audit.VerifyProof(bytes.NewReader([]byte("x")), 1); err == nil {
			t.Error("VerifyProof of another file = nil")
		}
		for _, span := range []audit.Span{{From: 1201}, {From: 5, To: 4}, {To: 1201}} {
			if _, err := s.Proof(t.Context(), reader, span); fault.CodeOf(err) != "audit.span" {
				t.Errorf("Proof of %+v = %v", span, err)
			}
		}
		if _, err := s.Proof(t.Context(), access.Actor{OrgID: "org"}, audit.Span{}); fault.KindOf(err) != fault.Denied {
			t.Errorf("Proof without the right = %v", err)
		}
		taken, err := audit.Of(t.Context(), db, "org", "organisation:org")
		if err != nil || len(taken) != 6 || taken[5].Verb != "audit.export" || taken[5].Note != "11 to 20" {
			t.Errorf("entries about exports = %+v, %v", taken, err)
		}
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := service(t, db)
		record(t, db, nil, things("org", 0, 120)...)
		record(t, db, nil, things("other", 0, 5)...)
		count := func(f audit.Filter) (n int, first string) {
			t.Helper()
			for cursor := ""; ; {
				page, next, err := s.Search(t.Context(), reader, f, cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page {
					if first == "" && e.Verb != "audit.export" {
						first = e.Object
					}
				}
				for _, e := range page {
					if e.Verb != "audit.export" {
						n++
					}
				}
				if next == "" {
					return n, first
				}
				cursor = next
			}
		}
		from, to := start.Add(10*time.Second), start.Add(20*time.Second)
		for _, tc := range []struct {
			filter audit.Filter
			n      int
			first  string
		}{
			{audit.Filter{}, 120, "thing:119"},
			{audit.Filter{Actor: "employee:1"}, 40, "thing:118"},
			{audit.Filter{Verb: "thing.sell"}, 60, "thing:119"},
			{audit.Filter{Object: "thing:7"}, 1, "thing:7"},
			{audit.Filter{Text: "NO_11"}, 11, "thing:119"}, // 11, 110 to 119
			{audit.Filter{Text: "100%"}, 120, "thing:119"},
			{audit.Filter{Text: "no%1"}, 0, ""},
			{audit.Filter{From: &from, To: &to}, 10, "thing:19"},
			{audit.Filter{Verb: "thing.make", Actor: "employee:0", From: &from}, 18, "thing:114"},
			{audit.Filter{Verb: "thing"}, 0, ""},
		} {
			if n, first := count(tc.filter); n != tc.n || first != tc.first {
				t.Errorf("Search %+v = %d entries from %s, want %d from %s", tc.filter, n, first, tc.n, tc.first)
			}
			all := 0
			begun := false
			err := s.Export(t.Context(), reader, tc.filter, "csv", func() error { begun = true; return nil }, func(e audit.Numbered) error {
				if e.Verb != "audit.export" {
					all++
				}
				return nil
			})
			if err != nil || all != tc.n || !begun {
				t.Errorf("Export %+v = %d, %v, want %d", tc.filter, all, err, tc.n)
			}
		}
		exports, err := audit.Of(t.Context(), db, "org", "organisation:org")
		if err != nil || len(exports) != 10 || exports[0].Note != "csv" {
			t.Errorf("entries about exports = %d, %v", len(exports), err)
		}
		mine, _, err := s.Activity(t.Context(), access.Actor{OrgID: "org", ID: "employee:1", Employee: "1"}, "")
		if err != nil || len(mine) != 50 || mine[0].Object != "organisation:org" && mine[0].Object != "thing:118" {
			t.Errorf("Activity = %d entries, %v", len(mine), err)
		}
		if _, _, err := s.Search(t.Context(), reader, audit.Filter{}, "x"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Search with a wrong cursor = %v", err)
		}
		if _, _, err := s.Search(t.Context(), access.Actor{OrgID: "org"}, audit.Filter{}, ""); fault.KindOf(err) != fault.Denied {
			t.Errorf("Search without the right = %v", err)
		}
		if _, _, err := s.Activity(t.Context(), access.Actor{OrgID: "org", ID: "token:1"}, ""); fault.KindOf(err) != fault.Denied {
			t.Errorf("Activity of a token = %v", err)
		}
	})
}
