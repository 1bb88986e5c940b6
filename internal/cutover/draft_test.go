package cutover_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
)

// installation has two organisations, of which the first migrates.
type installation struct {
	*testkit.Domain

	own, other testkit.Company
}

func install(t *testing.T, db *bun.DB) installation {
	t.Helper()
	d := testkit.NewDomain(t, db)
	return installation{d, d.Company(t, "34051178"), d.Company(t, "30808460")}
}

// line is a row under head; changes are "column=value" by the header's names.
func line(rid string, changes ...string) string {
	names := strings.Split(strings.TrimSpace(head), ";")
	cells := make([]string, len(names))
	value := map[string]string{
		"RID": rid, "Fornavn": "Bo" + rid, "Efternavn": "Holm", "E-mail": "bo." + rid + "@nordvind.example", "Fødselsdato": "24-12-1980",
	}
	for _, c := range changes {
		name, v, _ := strings.Cut(c, "=")
		value[name] = v
	}
	for i, name := range names {
		cells[i] = value[name]
	}
	return strings.Join(cells, ";") + "\n"
}

func export(lines ...string) *bytes.Reader {
	return bytes.NewReader([]byte(head + strings.Join(lines, "")))
}

// people is an export of n fictitious employees, all with active code cards.
func people(t *testing.T, n int) *bytes.Reader {
	t.Helper()
	return bytes.NewReader(sample(t, cutover.SampleOptions{Rows: n, Seed: 7}))
}

func (m installation) create(t *testing.T, f cutover.File, p cutover.Plan) cutover.View {
	t.Helper()
	v, err := m.Cutover.Create(t.Context(), m.own.Actor, f, p)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return v
}

// want checks where a batch stands, and that its counts sum to the total.
func (m installation) want(t *testing.T, when, id string, state cutover.State, counts cutover.Counts) {
	t.Helper()
	v, err := m.Cutover.Progress(t.Context(), m.own.Actor, id)
	if err != nil {
		t.Fatalf("%s: Progress: %v", when, err)
	}
	if v.State != state || v.Counts != counts || sum(v.Counts) != v.Total {
		t.Errorf("%s: %s %+v of %d, want %s %+v", when, v.State, v.Counts, v.Total, state, counts)
	}
	byState := map[cutover.RowState]int64{}
	var rows []cutover.Row
	if err := m.DB.NewSelect().Model(&rows).Where("batch_id = ?", id).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		byState[r.State]++
	}
	if got := (cutover.Counts{
		Pending: byState[cutover.RowPending], Invited: byState[cutover.RowInvited], Activated: byState[cutover.RowActivated],
		Skipped: byState[cutover.RowSkipped], Failed: byState[cutover.RowFailed], Cancelled: byState[cutover.RowCancelled],
	}); got != counts {
		t.Errorf("%s: rows are %+v, counted %+v", when, got, counts)
	}
}

func sum(c cutover.Counts) int64 {
	return c.Pending + c.Invited + c.Activated + c.Skipped + c.Failed + c.Cancelled
}

// verbs counts the audit entries of an organisation by verb.
func verbs(t *testing.T, db *bun.DB, org access.OrgID) map[string]int {
	t.Helper()
	var all []audit.Entry
	if err := db.NewSelect().Model(&all).Where("org_id = ?", org).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, e := range all {
		counts[e.Verb]++
	}
	return counts
}

// places says where findings are: "line column code".
func places(findings []cutover.Finding) []string {
	out := make([]string, len(findings))
	for i, f := range findings {
		out[i] = fmt.Sprintf("%d %s %s", f.Line, f.Column, strings.TrimPrefix(f.Code, "cutover."))
	}
	return out
}

func TestCreate(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		days, deadline := int64(14), m.Clock.Now().AddDate(0, 2, 0)
		v := m.create(t, mixedFile(), cutover.Plan{FileName: "eksport.csv", Deadline: &deadline, ParallelDays: &days})
		if v.State != cutover.Draft || v.Total != 7 || v.Name != "eksport.csv" || *v.ParallelDays != 14 || !v.Deadline.Equal(deadline) || v.CreatedBy != "Åse Ørsted" {
			t.Errorf("draft = %+v", v.Batch)
		}
		m.want(t, "draft", v.ID, cutover.Draft, cutover.Counts{Pending: 5, Failed: 2})
		if want := (cutover.Forecast{ToMigrate: 3, AlreadyOnKeyFile: 1, Blocked: 1, Duplicates: 2, RIDsKept: 4, NewEmployees: 4}); v.Forecast != want {
			t.Errorf("forecast = %+v, want %+v", v.Forecast, want)
		}
		same(t, "errors", places(v.Errors), []string{
			"8 RID row.duplicate_rid", "9 E-mail row.email", "9 Fødselsdato row.birth_date",
		})
		same(t, "notices", places(v.Notices), []string{
			"1 Afdeling file.unknown_column", "6 E-mail row.same_email",
		})
		if v.ErrorsTotal != 3 || v.NoticesTotal != 2 {
			t.Errorf("totals = %d, %d, want 3 and 2", v.ErrorsTotal, v.NoticesTotal)
		}
		if got := verbs(t, db, m.own.ID)["batch.create"]; got != 1 {
			t.Errorf("entries batch.create = %d", got)
		}
		var report bytes.Buffer
		if err := m.Cutover.WriteReport(t.Context(), m.own.Actor, v.ID, &report); err != nil || strings.Count(report.String(), "\r\n") != 6 {
			t.Errorf("report = %q, %v, want a header and 5 lines", report.String(), err)
		}
		if all := testkit.Contents(t, db); len(all["work"]) != 0 || len(all["employee"]) != 2 || len(all["message"]) != 0 {
			t.Errorf("a draft has made %d work, %d employees", len(all["work"]), len(all["employee"]))
		}
	})
}

// mixedFile has five good rows and two bad ones, on lines 8 and 9, and a column
// that is not known.
func mixedFile() *bytes.Reader {
	rows := []string{
		line("1"), line("2", "Signaturtype=Nøglefil"), line("3", "Status=Spærret"), line("4", "Signaturtype=Hardware"),
		line("5", "E-mail=bo.1@nordvind.example"), "\n", line("1", "Fornavn=Ib"), line("7", "E-mail=ib", "Fødselsdato=31-02-1980"),
	}
	for i, r := range rows {
		if r != "\n" {
			rows[i] = "x;" + r
		}
	}
	return bytes.NewReader([]byte("Afdeling;" + head + strings.Join(rows, "")))
}

func TestDryRunStoresNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		before := testkit.Contents(t, db)
		dry, err := m.Cutover.DryRun(t.Context(), m.own.Actor, mixedFile(), cutover.Plan{FileName: "eksport.csv"})
		if err != nil {
			t.Fatal(err)
		}
		if after := testkit.Contents(t, db); !reflect.DeepEqual(before, after) {
			t.Error("a dry run has changed the database")
		}
		draft := m.create(t, mixedFile(), cutover.Plan{FileName: "eksport.csv"})
		if dry.ID != "" {
			t.Errorf("ID of a dry run = %q, want none", dry.ID)
		}
		dry.ID, dry.DryRun, dry.CreatedAt = draft.ID, draft.DryRun, draft.CreatedAt
		if !reflect.DeepEqual(dry, draft) {
			t.Errorf("dry run = %+v, want the draft %+v", dry, draft)
		}
	})
}

// hooked calls atEnd when everything has been read for the second time: the first
// is to learn the encoding. Its error is the reading's.
type hooked struct {
	*bytes.Reader

	atEnd func() error
	ends  int
}

func (h *hooked) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if h.ends++; h.ends == 2 {
		if failure := h.atEnd(); failure != nil {
			return n, failure
		}
	}
	return n, err
}

// 5,000 rows have been committed when the hook runs.
func TestCreateIsSeenWhenWhole(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		ran := false
		v := m.create(t, &hooked{Reader: people(t, 6000), atEnd: func() error {
			ran = true
			var half []cutover.Batch
			if err := db.NewSelect().Model(&half).Scan(t.Context()); err != nil || len(half) != 1 || half[0].State != cutover.Reading {
				t.Fatalf("while reading: %+v, %v, want one batch in reading", half, err)
			}
			if rows := len(testkit.Contents(t, db)["batch_row"]); rows != 5000 {
				t.Errorf("while reading: %d rows, want the first 5,000", rows)
			}
			list, _, err := m.Cutover.Batches(t.Context(), m.own.Actor, "")
			if err != nil || len(list) != 0 {
				t.Errorf("Batches while reading = %d, %v", len(list), err)
			}
			if _, err := m.Cutover.Progress(t.Context(), m.own.Actor, half[0].ID); fault.KindOf(err) != fault.Absent {
				t.Errorf("Progress while reading = %v, want Absent", err)
			}
			if err := m.Cutover.Start(t.Context(), m.own.Actor, half[0].ID, true, nil); fault.KindOf(err) != fault.Absent {
				t.Errorf("Start while reading = %v, want Absent", err)
			}
			return m.Cutover.DropDrafts(t.Context()) // must not take one that is being read
		}}, cutover.Plan{FileName: "stor.csv"})
		if !ran {
			t.Fatal("the hook never ran")
		}
		m.want(t, "whole", v.ID, cutover.Draft, cutover.Counts{Pending: 6000})
	})
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		before := testkit.Contents(t, db)
		broken := errors.New("connection reset")
		gone, cancel := context.WithCancel(t.Context())
		defer cancel()
		late := append(sample(t, cutover.SampleOptions{Rows: 6000, Seed: 7}), 'a', 0, 'b', '\n')
		for _, tc := range []struct {
			name string
			ctx  context.Context
			by   access.Actor
			file cutover.File
			plan cutover.Plan
			want func(error) bool
		}{
			{
				"broken upload", t.Context(), m.own.Actor, &hooked{Reader: people(t, 6000), atEnd: func() error { return broken }},
				cutover.Plan{},
				func(err error) bool { return errors.Is(err, broken) },
			},
			{
				"caller gone", gone, m.own.Actor, &hooked{Reader: people(t, 6000), atEnd: func() error { cancel(); return nil }},
				cutover.Plan{},
				func(err error) bool { return errors.Is(err, context.Canceled) },
			},
			{"damage at the end", t.Context(), m.own.Actor, bytes.NewReader(late), cutover.Plan{}, isFileError},
			{"empty", t.Context(), m.own.Actor, bytes.NewReader(nil), cutover.Plan{}, isFileError},
			{"no employees", t.Context(), m.own.Actor, export(), cutover.Plan{}, isFileError},
			{"a column missing", t.Context(), m.own.Actor, bytes.NewReader([]byte("RID;Fornavn\n1;Bo\n")), cutover.Plan{}, isFileError},
			{"no right", t.Context(), access.Actor{OrgID: m.own.ID, Roles: []access.Role{access.OrganisationAdministrator}}, export(line("1")), cutover.Plan{}, isKind(fault.Denied)},
			{"long name", t.Context(), m.own.Actor, export(line("1")), cutover.Plan{Name: strings.Repeat("æ", 201)}, isKind(fault.Invalid)},
			{"negative days", t.Context(), m.own.Actor, export(line("1")), cutover.Plan{ParallelDays: new(int64(-1))}, isKind(fault.Invalid)},
		} {
			if _, err := m.Cutover.Create(tc.ctx, tc.by, tc.file, tc.plan); !tc.want(err) {
				t.Errorf("%s: Create = %v", tc.name, err)
			}
			if after := testkit.Contents(t, db); !reflect.DeepEqual(before, after) {
				t.Fatalf("%s: something is left", tc.name)
			}
		}
	})
}

func isKind(kind fault.Kind) func(error) bool {
	return func(err error) bool { return fault.KindOf(err) == kind }
}

func isFileError(err error) bool {
	refused, ok := errors.AsType[*cutover.FileError](err)
	return ok && len(refused.Findings) > 0 && fault.KindOf(err) == fault.Invalid
}

func TestCreateTakesAnyName(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, export(line("1")), cutover.Plan{Name: " Efterår\x00\n ", FileName: "\xff\x00" + strings.Repeat("å", 1000)})
		if !strings.HasPrefix(v.Name, "Efterår") || strings.ContainsAny(v.Name+v.FileName, "\x00\n") || len([]rune(v.FileName)) > 200 {
			t.Errorf("name = %q, file name of %d characters", v.Name, len([]rune(v.FileName)))
		}
	})
}

// What is known of a RID's holder decides, and is kept.
func TestCreateComparesWithEmployees(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		m.migrate(t, export(
			line("1", "CPR=610180-4321", "Fødselsdato=", "Telefon=33 12 34 56"), line("2"), line("3", "Signaturtype=Nøglefil"), line("4"),
		))
		m.setState(t, "4", "suspended")
		m.Employee(t, m.other.Organisation, "9", "Ib Lund") // nobody here

		v, err := m.Cutover.DryRun(t.Context(), m.own.Actor, export(
			line("1", "CPR=610180-4322", "Fødselsdato="),   // another person by CPR number
			line("2", "Fødselsdato=25-12-1980"),            // by date of birth
			line("3", "Efternavn=Lund", "E-mail=new@x.dk"), // differs
			line("4"),
			line("9", "CPR=610180-4321", "Fødselsdato="),
		), cutover.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "errors", places(v.Errors), []string{"2 RID row.rid_taken", "3 RID row.rid_taken"})
		var differences []string
		for _, n := range v.Notices {
			if n.Code == "cutover.row.differs" {
				differences = append(differences, fmt.Sprint(n.Line, " ", n.Column, " ", n.Value))
			}
		}
		same(t, "differences", differences, []string{"4 surname Lund", "4 email new@x.dk"})
		if want := (cutover.Forecast{ToMigrate: 2, Blocked: 1, RIDsKept: 2, NewEmployees: 1, KnownEmployees: 2}); v.Forecast != want {
			t.Errorf("forecast = %+v, want %+v", v.Forecast, want)
		}
	})
}

func TestDropDrafts(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		old, left := m.create(t, mixedFile(), cutover.Plan{}), m.create(t, mixedFile(), cutover.Plan{})
		started := m.create(t, export(line("8")), cutover.Plan{})
		if err := m.Cutover.Start(t.Context(), m.own.Actor, started.ID, false, nil); err != nil {
			t.Fatal(err)
		}
		// What a killed process leaves behind.
		if _, err := db.Exec("UPDATE batch SET state = 'reading' WHERE id = ?", left.ID); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			want  []string // batches left
		}{
			{59 * time.Minute, []string{old.ID, left.ID, started.ID}},
			{2 * time.Minute, []string{old.ID, started.ID}},
			{31 * 24 * time.Hour, []string{started.ID}},
		} {
			m.Clock.Move(step.after)
			if err := m.Cutover.DropDrafts(t.Context()); err != nil {
				t.Fatal(err)
			}
			var ids, ofRows []string
			if err := db.NewSelect().Table("batch").Column("id").Order("id").Scan(t.Context(), &ids); err != nil {
				t.Fatal(err)
			}
			if err := db.NewSelect().Table("batch_row").ColumnExpr("DISTINCT batch_id").Order("batch_id").Scan(t.Context(), &ofRows); err != nil {
				t.Fatal(err)
			}
			same(t, "batches", ids, step.want)
			same(t, "batches with rows", ofRows, step.want)
		}
	})
}
