package roster_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/roster"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const head = "RID;Fornavn;Efternavn;E-mail;CPR;Fødselsdato;Medarbejdernummer;Status\n"

// office is a company with two employees beside its administrator, and another
// company.
type office struct {
	*testkit.Domain

	own, other testkit.Company
	bo, ida    org.Employee
}

func newOffice(t *testing.T, db *bun.DB) office {
	t.Helper()
	d := testkit.NewDomain(t, db)
	o := office{Domain: d, own: d.Company(t, "34051178"), other: d.Company(t, "30808460")}
	o.bo = o.hire(t, org.Person{RID: "100", GivenName: "Bo", Surname: "Holm", Email: "bo@nordvind.example", CPR: "6101904123", LocalUserID: "M1"})
	o.ida = o.hire(t, org.Person{RID: "200", GivenName: "Ida", Surname: "Lund", Email: "ida@nordvind.example", DateOfBirth: "1980-12-24"})
	return o
}

func (o office) hire(t *testing.T, p org.Person) org.Employee {
	t.Helper()
	e, err := o.Org.Create(t.Context(), o.own.Actor, p, "")
	if err != nil {
		t.Fatalf("Create %s: %v", p.GivenName, err)
	}
	return e
}

func (o office) draft(t *testing.T, mode roster.Mode, file string) roster.View {
	t.Helper()
	v, err := o.Roster.Create(t.Context(), o.own.Actor, strings.NewReader(file), roster.Plan{FileName: "people.csv", Mode: mode, Invite: true})
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return v
}

// rows are "line action state name: fields code".
func (o office) rows(t *testing.T, id string) []string {
	t.Helper()
	rows, _, err := o.Roster.Rows(t.Context(), o.own.Actor, id, roster.Filter{}, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range rows {
		var fields []string
		for _, c := range r.Differences() {
			fields = append(fields, c.Field)
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s %s %s: %s %s", r.Line, r.Action, r.State, r.Name, strings.Join(fields, ","), strings.TrimPrefix(r.Reason, "roster.row."))))
	}
	return all
}

func (o office) wantRows(t *testing.T, id string, want ...string) {
	t.Helper()
	if got := o.rows(t, id); !slices.Equal(got, want) {
		t.Errorf("rows:\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// run starts a draft and does the work.
func (o office) run(t *testing.T, id string, c roster.Consent) roster.View {
	t.Helper()
	if err := o.Roster.Start(t.Context(), o.own.Actor, id, c); err != nil {
		t.Fatalf("Start: %v", err)
	}
	o.Drain(t)
	v, err := o.Roster.Run(t.Context(), o.own.Actor, id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (o office) get(t *testing.T, id access.EmployeeID) org.Employee {
	t.Helper()
	e, err := org.Get(t.Context(), o.DB, o.own.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// byRID is the employee with a RID, nil when there is none.
func (o office) byRID(t *testing.T, rid string) *org.Employee {
	t.Helper()
	found, err := org.ByRID(t.Context(), o.DB, o.own.ID, []string{rid})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// verbs counts the audit entries of the company by verb.
func (o office) verbs(t *testing.T) map[string]int {
	t.Helper()
	var entries []audit.Entry
	if err := o.DB.NewSelect().Model(&entries).Where("org_id = ?", o.own.ID).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, e := range entries {
		n[e.Verb]++
	}
	return n
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		if err := o.Org.Suspend(t.Context(), o.own.Actor, o.ida.ID, "leave"); err != nil {
			t.Fatal(err)
		}
		v := o.draft(t, roster.Upsert, head+
			"100;;Holmgård;BO@nordvind.example;;;;\n"+ // by RID; the address in another case
			";Ida;Lund;ida@nordvind.example;;24-12-1980;;\n"+ // by address, suspended
			"300;Søren;Ærø;soeren@nordvind.example;610191-4123;;M3;Aktiv\n"+
			"400;;Dahl;x@nordvind.example;;;;\n"+ // new, without a given name
			"100;Bo;Holm;;;;;\n"+ // line 2 again
			"500;Eva;Falk;bad(at)nordvind;;01-01-1990;;\n"+
			"600;Per;Skov;bo@nordvind.example;610192-4123;;M6;\n") // shares Bo's address
		o.wantRows(t, v.ID,
			"2 edit pending Holmgård: surname,email",
			"3 reactivate pending Ida Lund:",
			"4 create pending Søren Ærø:",
			"5 refuse failed Dahl:  incomplete",
			"6 refuse failed Bo Holm:  twice",
			"7 refuse failed Eva Falk:  sheet.row.email",
			"8 create pending Per Skov:",
		)
		if v.Forecast != (roster.Forecast{Create: 2, Edit: 1, Reactivate: 1, Refuse: 3}) || v.ErrorsTotal != 3 || v.Counts.Pending != 4 || v.Counts.Failed != 3 {
			t.Errorf("draft = %+v %+v", v.Forecast, v.Counts)
		}
		if err := o.Roster.Start(t.Context(), o.own.Actor, v.ID, roster.Consent{}); fault.CodeOf(err) != "roster.run.bad_rows" {
			t.Errorf("Start without consent = %v", err)
		}
		before := o.verbs(t)
		v = o.run(t, v.ID, roster.Consent{SkipBad: true})
		if v.State != roster.Completed || v.Counts != (roster.Counts{Done: 4, Failed: 3}) {
			t.Fatalf("run = %s %+v: %q", v.State, v.Counts, o.rows(t, v.ID))
		}
		bo, ida, soren := o.get(t, o.bo.ID), o.get(t, o.ida.ID), o.byRID(t, "300")
		if bo.Surname != "Holmgård" || bo.GivenName != "Bo" || bo.LocalUserID != "M1" || ida.State != org.Active || soren == nil || soren.Surname != "Ærø" || soren.CPRMAC == nil || o.byRID(t, "400") != nil {
			t.Errorf("after the run: %+v, %+v, %+v", bo, ida, soren)
		}
		after := o.verbs(t)
		for verb, n := range map[string]int{"employee.create": 2, "employee.edit": 1, "employee.reactivate": 1, "run.start": 1, "run.complete": 1} {
			if after[verb]-before[verb] != n {
				t.Errorf("%d entries %s, want %d", after[verb]-before[verb], verb, n)
			}
		}
		if o.LinkToken(t, "soeren@nordvind.example") == "" {
			t.Error("no activation mail")
		}
		if n, err := db.NewSelect().Model((*roster.Row)(nil)).Where("person IS NOT NULL").Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d rows still hold what their line said, %v", n, err)
		}
		// The same file again: everybody is known and as wanted.
		again := o.draft(t, roster.Upsert, head+"300;Søren;Ærø;soeren@nordvind.example;610191-4123;;M3;Aktiv\n;Ida;Lund;ida@nordvind.example;;;;\n")
		o.wantRows(t, again.ID, "2 none unchanged Søren Ærø:", "3 none unchanged Ida Lund:")
		if v := o.run(t, again.ID, roster.Consent{}); v.State != roster.Completed || v.Counts.Unchanged != 2 {
			t.Errorf("again = %+v", v)
		}
	})
}

func TestMatching(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.hire(t, org.Person{RID: "201", GivenName: "Ib", Surname: "Lund", Email: "info@nordvind.example", DateOfBirth: "1970-01-01"})
		twin, err := o.Org.Create(t.Context(), o.own.Actor, org.Person{RID: "202", GivenName: "Pia", Surname: "Lund", Email: "info@nordvind.example", DateOfBirth: "1971-01-01"}, o.byRID(t, "201").ID)
		if err != nil {
			t.Fatal(err)
		}
		foreign := o.Employee(t, o.other.Organisation, "999", "Fru Fremmed")
		for _, tc := range []struct{ name, columns, cells, want string }{
			{"UUID", "uuid;fornavn", "urn:uuid:" + strings.ToUpper(string(o.bo.ID)) + ";Bob", "2 edit pending Bob: given_name"},
			{"unknown UUID", "uuid;fornavn", "no-such;Bob", "2 refuse failed Bob:  unknown_uuid"},
			{"another organisation's UUID", "uuid;fornavn", string(foreign.ID) + ";Bob", "2 refuse failed Bob:  unknown_uuid"},
			{"local user ID", "medarbejdernummer;fornavn", "M1;Bob", "2 edit pending Bob: given_name"},
			{"CPR", "cpr;fornavn", "610190-4123;Bob", "2 edit pending Bob: given_name"},
			{"e-mail in capitals", "email;fornavn", "BO@NORDVIND.EXAMPLE;Bo", "2 edit pending Bo: email"},
			{"two with that e-mail", "email;fornavn", "info@nordvind.example;Bob", "2 refuse failed Bob:  ambiguous_email"},
			{"two with that e-mail, one born then", "email;fødselsdato", "info@nordvind.example;1971-01-01", "2 none unchanged " + twin.Name() + ":"},
			{"RID of one, CPR of another", "rid;cpr;fornavn", "200;610190-4123;Bob", "2 refuse failed Bob:  ambiguous"},
			{"CPR known, another RID", "rid;cpr;fornavn", "777;610190-4123;Bob", "2 refuse failed Bob:  other_person"},
			{"RID known, new CPR", "rid;cpr;fornavn", "100;610199-4123;Bob", "2 refuse failed Bob:  other_person"},
			{"first CPR of somebody known", "rid;cpr", "200;841280-4123", "2 edit pending Ida Lund: cpr"},
			{"the apostrophe of an export", "rid;telefon", "100;'+45 00 11 22 33", "2 edit pending Bo Holm: phone"},
			{"empty cells", "rid;fornavn;telefon", "100;;", "2 none unchanged Bo Holm:"},
		} {
			v, err := o.Roster.Create(t.Context(), o.own.Actor, strings.NewReader(tc.columns+"\n"+tc.cells+"\n"), roster.Plan{Mode: roster.Upsert})
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
				continue
			}
			if got := o.rows(t, v.ID); len(got) != 1 || got[0] != tc.want {
				t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
			}
		}
	})
}

func TestSuspendAndDelete(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		admin := o.own.Admin.Email
		for _, tc := range []struct {
			mode roster.Mode
			want org.State
			rows []string
		}{
			{roster.Suspend, org.Suspended, []string{"2 suspend done Bo Holm:", "3 refuse failed :  unknown", "4 suspend failed Åse Ørsted:  org.administrator.last", "5 suspend done Ida Lund:"}},
			{roster.Delete, org.Deleted, []string{"2 delete done Bo Holm:", "3 refuse failed :  unknown", "4 delete failed Åse Ørsted:  org.administrator.last", "5 delete done Ida Lund:"}},
		} {
			v := o.draft(t, tc.mode, "rid;email\n100;\n777;\n;"+admin+"\n200;\n")
			v = o.run(t, v.ID, roster.Consent{SkipBad: true})
			if v.State != roster.Completed || v.Counts != (roster.Counts{Done: 2, Failed: 2}) {
				t.Errorf("%s = %s %+v", tc.mode, v.State, v.Counts)
			}
			o.wantRows(t, v.ID, tc.rows...)
			if bo, ida := o.get(t, o.bo.ID), o.get(t, o.ida.ID); bo.State != tc.want || ida.State != tc.want {
				t.Errorf("%s leaves %s and %s", tc.mode, bo.State, ida.State)
			}
		}
		if verbs := o.verbs(t); verbs["employee.suspend"] != 2 || verbs["employee.delete"] != 2 || o.get(t, o.own.Admin.ID).State != org.Active {
			t.Errorf("audit %v", verbs)
		}
	})
}

func TestFullLoad(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		file := "rid;email;efternavn\n100;;Holmgård\n;" + o.own.Admin.Email + ";\n"
		v := o.draft(t, roster.Full, file)
		o.wantRows(t, v.ID, "2 edit pending Holmgård: surname", "3 none unchanged Åse Ørsted:", "0 suspend pending Ida Lund:  missing")
		if v.Active != 3 || v.Missing != 1 || v.Limit != 10 || !v.OverLimit(v.Limit) {
			t.Errorf("draft = %d missing of %d, limit %d", v.Missing, v.Active, v.Limit)
		}
		two, one := int64(2), int64(1)
		for _, c := range []roster.Consent{{}, {Missing: &two}} {
			if err := o.Roster.Start(t.Context(), o.own.Actor, v.ID, c); fault.CodeOf(err) != "roster.run.over_limit" || !strings.Contains(err.Error(), "1 of 3") {
				t.Errorf("Start above the limit = %v", err)
			}
		}
		late := o.hire(t, org.Person{RID: "300", GivenName: "Sen", Surname: "Gæst", Email: "sen@nordvind.example", DateOfBirth: "1990-01-01"})
		if v = o.run(t, v.ID, roster.Consent{Missing: &one}); v.State != roster.Completed || v.Counts != (roster.Counts{Done: 2, Unchanged: 1}) {
			t.Errorf("run = %+v", v.Counts)
		}
		if o.get(t, o.ida.ID).State != org.Suspended || o.get(t, o.bo.ID).Surname != "Holmgård" || o.get(t, late.ID).State != org.Active {
			t.Error("the full load did something else than its draft said")
		}
		bad := o.draft(t, roster.Full, "rid;email\n100;bad\n")
		if err := o.Roster.Start(t.Context(), o.own.Actor, bad.ID, roster.Consent{SkipBad: true, Missing: &bad.Missing}); fault.CodeOf(err) != "roster.run.full_bad_rows" {
			t.Errorf("Start with a bad line = %v", err)
		}
		if _, err := o.Setting.Change(t.Context(), o.own.Actor, 0, func(s *setting.Settings) { s.FullLoadLimit = 50 }); err != nil {
			t.Fatal(err)
		}
		below := o.draft(t, roster.Full, "rid;email\n100;\n;"+o.own.Admin.Email+"\n")
		if below.OverLimit(below.Limit) || below.Missing != 1 {
			t.Errorf("%d of %d at %d %% is over the limit", below.Missing, below.Active, below.Limit)
		}
		if v := o.run(t, below.ID, roster.Consent{}); v.State != roster.Completed || o.get(t, late.ID).State != org.Suspended {
			t.Errorf("below the limit: %s, %+v", v.State, v.Counts)
		}
	})
}

// An export is what the list shows, in words that a bulk change reads again: it
// then finds nothing to change.
func TestExportIsReadAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.hire(t, org.Person{RID: "300", GivenName: "=Søren", Surname: "Ærø", Email: "s@nordvind.example", Phone: "+45 00 11 22 33", DateOfBirth: "1990-01-01"})
		if err := o.Org.Suspend(t.Context(), o.own.Actor, o.ida.ID, ""); err != nil {
			t.Fatal(err)
		}
		o.Employee(t, o.other.Organisation, "999", "Fru Fremmed")
		for _, format := range []roster.Format{roster.CSV, roster.XLSX} {
			var b bytes.Buffer
			if err := o.Roster.Export(t.Context(), o.own.Actor, org.Filter{}, format, &b); err != nil {
				t.Fatal(err)
			}
			v, err := o.Roster.Create(t.Context(), o.own.Actor, bytes.NewReader(b.Bytes()), roster.Plan{Mode: roster.Full})
			if err != nil {
				t.Fatal(err)
			}
			if v.Forecast != (roster.Forecast{None: 4}) || v.Missing != 0 || v.NoticesTotal != 0 {
				t.Errorf("%s read again = %+v, %d missing, %q", format, v.Forecast, v.Missing, o.rows(t, v.ID))
			}
			if format == roster.CSV && (!strings.Contains(b.String(), ";'=Søren;") || strings.Contains(b.String(), "6101904123") || strings.Contains(b.String(), "Fremmed")) {
				t.Errorf("export = %s", b.String())
			}
		}
		var b bytes.Buffer
		if err := o.Roster.Export(t.Context(), o.own.Actor, org.Filter{Q: "bo"}, roster.CSV, &b); err != nil || strings.Count(b.String(), "\n") != 2 {
			t.Errorf("export of a search = %q, %v", b.String(), err)
		}
		if n := o.verbs(t)["employee.export"]; n != 3 {
			t.Errorf("%d entries employee.export, want 3", n)
		}
		if err := o.Roster.Export(t.Context(), access.Actor{OrgID: o.own.ID, ID: "x"}, org.Filter{}, roster.CSV, &b); fault.KindOf(err) != fault.Denied {
			t.Errorf("Export without the right = %v", err)
		}
	})
}

// With four eyes on mass suspension a run waits, and the second person starts it.
func TestSecondPersonStartsASuspension(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		bo, err := org.ActorOf(t.Context(), db, o.bo, "192.0.2.2")
		if err != nil {
			t.Fatal(err)
		}
		bo.Roles = []access.Role{access.UserAdministrator}
		if err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			if err := o.Org.Assign(ctx, tx, o.bo, access.UserAdministrator); err != nil {
				return err
			}
			_, err := o.Setting.Put(ctx, tx, o.own.Actor, func(s *setting.Settings) { s.FourEyes = []string{"roster.suspend"} })
			return err
		}); err != nil {
			t.Fatal(err)
		}
		v := o.draft(t, roster.Suspend, "rid\n200\n")
		if v = o.run(t, v.ID, roster.Consent{}); v.State != roster.Waiting || o.get(t, o.ida.ID).State != org.Active {
			t.Fatalf("the run is %s", v.State)
		}
		var requests []approval.Request
		if err := db.NewSelect().Model(&requests).Where("state = ?", approval.Pending).Scan(t.Context()); err != nil || len(requests) != 1 {
			t.Fatalf("requests = %+v, %v", requests, err)
		}
		if err := o.Roster.Start(t.Context(), o.own.Actor, v.ID, roster.Consent{}); fault.CodeOf(err) != "approval.request.waits" {
			t.Errorf("Start again = %v", err)
		}
		if _, err := o.Approval.Approve(t.Context(), o.own.Actor, requests[0].ID); fault.KindOf(err) == 0 {
			t.Error("who asked approves")
		}
		if _, err := o.Approval.Approve(t.Context(), bo, requests[0].ID); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		if v, err = o.Roster.Run(t.Context(), o.own.Actor, v.ID); err != nil || v.State != roster.Completed || o.get(t, o.ida.ID).State != org.Suspended {
			t.Errorf("approved: %s, %v", v.State, err)
		}
	})
}

// Chunks that run twice or together do each row once, and a cancelled run stops.
func TestEachRowOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		var file strings.Builder
		file.WriteString("rid;fornavn;efternavn;email;fødselsdato\n")
		for i := range 450 {
			fmt.Fprintf(&file, "n%d;Anna%d;Holm;anna%d@nordvind.example;01-02-1990\n", i, i, i)
		}
		v := o.draft(t, roster.Upsert, file.String())
		if err := o.Roster.Start(t.Context(), o.own.Actor, v.ID, roster.Consent{}); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 6)
		for i := range 6 {
			go func() {
				var err error
				for range 5 { // again, as the queue does when the database is busy
					if err = o.Roster.Apply(t.Context(), roster.ChunkRef{Org: o.own.ID, Run: v.ID, No: int64(i%2) + 1}); err == nil {
						break
					}
				}
				errs <- err
			}()
		}
		for range 6 {
			if err := <-errs; err != nil {
				t.Errorf("Apply: %v", err)
			}
		}
		if err := o.Roster.Cancel(t.Context(), o.own.Actor, v.ID); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		v, err := o.Roster.Run(t.Context(), o.own.Actor, v.ID)
		if err != nil || v.State != roster.Cancelled || v.Counts != (roster.Counts{Done: 400, Cancelled: 50}) {
			t.Errorf("run = %s %+v, %v", v.State, v.Counts, err)
		}
		if n := o.verbs(t)["employee.create"]; n != 400+2 {
			t.Errorf("%d employees created, want 402", n)
		}
	})
}
