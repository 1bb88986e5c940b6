package cutover_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

// start begins a draft without its bad rows.
func (m installation) start(t *testing.T, id string) {
	t.Helper()
	if err := m.Cutover.Start(t.Context(), m.own.Actor, id, true, nil); err != nil {
		t.Fatalf("Start: %v", err)
	}
}

// migrate takes an export from upload to the end and returns the batch's ID.
func (m installation) migrate(t *testing.T, f cutover.File) string {
	t.Helper()
	v := m.create(t, f, cutover.Plan{ChunkRows: 10})
	m.start(t, v.ID)
	m.Drain(t)
	return v.ID
}

func (m installation) employee(t *testing.T, rid string) org.Employee {
	t.Helper()
	found, err := org.ByRID(t.Context(), m.DB, m.own.ID, []string{rid})
	if err != nil || len(found) != 1 {
		t.Fatalf("employees with RID %s = %d, %v", rid, len(found), err)
	}
	return found[0]
}

func (m installation) setState(t *testing.T, rid string, state org.State) {
	t.Helper()
	if _, err := m.DB.Exec("UPDATE employee SET state = ? WHERE rid = ?", state, rid); err != nil {
		t.Fatal(err)
	}
}

func (m installation) rows(t *testing.T, id string) []cutover.Row {
	t.Helper()
	rows, next, err := m.Cutover.Rows(t.Context(), m.own.Actor, id, "", "")
	if err != nil || next != "" {
		t.Fatalf("Rows = %v, next %q", err, next)
	}
	return rows
}

// invitedOnce checks that each of n people has exactly one of everything.
func (m installation) invitedOnce(t *testing.T, n int) {
	t.Helper()
	all := testkit.Contents(t, m.DB)
	for table, want := range map[string]int{
		"employee": n + 2, "key_file": n + 2, "activation": n + 2, // the two administrators
		"message": n, "code_card": n,
	} {
		if got := len(all[table]); got != want {
			t.Errorf("%d rows in %s, want %d", got, table, want)
		}
	}
	if got := verbs(t, m.DB, m.own.ID)["key_file.order"]; got != n+1 {
		t.Errorf("%d entries key_file.order, want %d", got, n+1)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		days := int64(14)
		v := m.create(t, people(t, 25), cutover.Plan{ChunkRows: 10, ParallelDays: &days})
		m.start(t, v.ID)
		m.want(t, "started", v.ID, cutover.Running, cutover.Counts{Pending: 25})
		m.Drain(t)
		m.want(t, "done", v.ID, cutover.Completed, cutover.Counts{Invited: 25})
		m.invitedOnce(t, 25)
		for _, r := range m.rows(t, v.ID) {
			e, err := org.Get(t.Context(), db, m.own.ID, *r.EmployeeID)
			if err != nil || e.RIDText() != r.RID || e.Email != r.Email || e.PNumber != r.PNumber || e.LocalUserID != r.LocalUserID {
				t.Fatalf("employee of row %d = %+v, %v, want the row's RID, %s", r.RowNo, e, err, r.RID)
			}
			if masked, err := m.Org.MaskedCPR(e); err != nil || !strings.HasSuffix(masked, "-xxxx") {
				t.Errorf("CPR of row %d = %q, %v", r.RowNo, masked, err)
			}
			d, err := m.Credential.Details(t.Context(), m.own.Actor, e.ID)
			if err != nil || d.KeyFile != "ordered" || d.CodeCard != "active" || d.Mail != "sent" || *d.Card.ParallelDays != 14 {
				t.Errorf("row %d: %+v, %v, want an order, an active code card and a mail sent", r.RowNo, d, err)
			}
			if entries, err := audit.Of(t.Context(), db, m.own.ID, "employee:"+string(e.ID)); err != nil || len(entries) != 1 || entries[0].Note != "RID "+r.RID {
				t.Errorf("row %d: entries %+v, %v, want the order", r.RowNo, entries, err)
			}
		}
		if mails, _, err := m.Mailbox.Mails("", 100); err != nil || len(mails) != 25 {
			t.Errorf("mails = %d, %v", len(mails), err)
		}
		if got := verbs(t, db, m.own.ID); got["batch.start"] != 1 || got["batch.complete"] != 1 {
			t.Errorf("entries %v, want the batch started and completed once", got)
		}
		// Forget has run: the employees have the numbers now.
		if left, err := db.NewSelect().Table("batch_row").Where("cpr_sealed IS NOT NULL OR cpr_mac IS NOT NULL").Count(t.Context()); err != nil || left != 0 {
			t.Errorf("%d rows with a CPR number are left, %v", left, err)
		}
	})
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		id := m.migrate(t, people(t, 12))
		before := testkit.Contents(t, db)
		for no := range int64(2) {
			if err := m.Cutover.Migrate(t.Context(), cutover.ChunkRef{Org: m.own.ID, Batch: id, No: no + 1}); err != nil {
				t.Fatal(err)
			}
		}
		if after := testkit.Contents(t, db); !reflect.DeepEqual(before, after) {
			t.Error("migrating a chunk again has changed the database")
		}
		if err := m.Cutover.Migrate(t.Context(), cutover.ChunkRef{Org: m.other.ID, Batch: id, No: 1}); err != nil {
			t.Errorf("Migrate in another organisation = %v", err)
		}
	})
}

// Four workers on the same two chunks: each row once.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, people(t, 20), cutover.Plan{ChunkRows: 10})
		m.start(t, v.ID)
		var all sync.WaitGroup
		for i := range int64(8) {
			all.Go(func() {
				if err := m.Cutover.Migrate(t.Context(), cutover.ChunkRef{Org: m.own.ID, Batch: v.ID, No: i%2 + 1}); err != nil {
					t.Errorf("Migrate: %v", err)
				}
			})
		}
		all.Wait()
		m.want(t, "done", v.ID, cutover.Completed, cutover.Counts{Invited: 20})
		m.invitedOnce(t, 20)
		if got := verbs(t, db, m.own.ID)["batch.complete"]; got != 1 {
			t.Errorf("entries batch.complete = %d", got)
		}
	})
}

// Two batches of the same people at once: each person is invited by one of them.
func TestMigrateTheSamePeopleTwiceAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		var all sync.WaitGroup
		var ids []string
		for range 2 {
			v := m.create(t, people(t, 20), cutover.Plan{})
			m.start(t, v.ID)
			ids = append(ids, v.ID)
		}
		for _, id := range ids {
			all.Go(func() {
				if err := m.Cutover.Migrate(t.Context(), cutover.ChunkRef{Org: m.own.ID, Batch: id, No: 1}); err != nil {
					t.Errorf("Migrate: %v", err)
				}
			})
		}
		all.Wait()
		m.invitedOnce(t, 20)
		var total cutover.Counts
		for _, id := range ids {
			v, err := m.Cutover.Progress(t.Context(), m.own.Actor, id)
			if err != nil {
				t.Fatal(err)
			}
			total.Invited += v.Counts.Invited
			total.Skipped += v.Counts.Skipped
		}
		if total.Invited != 20 || total.Skipped != 20 {
			t.Errorf("together %+v, want 20 invited and 20 skipped", total)
		}
	})
}

func TestImportingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		lines := []string{line("1"), line("2", "Signaturtype=Nøglefil"), line("3", "Status=Spærret"), line("4", "Signaturtype=Hardware"), line("5")}
		m.migrate(t, export(lines...))
		m.activate(t, "5")
		before := testkit.Contents(t, db)
		second := m.migrate(t, export(lines...))
		after := testkit.Contents(t, db)
		for _, table := range []string{"employee", "key_file", "activation", "message", "code_card", "certificate"} {
			if !reflect.DeepEqual(before[table], after[table]) {
				t.Errorf("table %s has changed", table)
			}
		}
		m.want(t, "again", second, cutover.Completed, cutover.Counts{Skipped: 5})
		var reasons []string
		for _, r := range m.rows(t, second) {
			reasons = append(reasons, r.Reason)
		}
		same(t, "reasons", reasons, []string{
			cutover.ReasonInvited, cutover.ReasonOnKeyFile, cutover.ReasonBlocked, cutover.ReasonInvited, cutover.ReasonInvited,
		})
	})
}

// activate does what the holder of a migrated row does.
func (m installation) activate(t *testing.T, rid string) testkit.KeyFile {
	t.Helper()
	e := m.employee(t, rid)
	code, err := m.Credential.InstallationCode(t.Context(), m.own.Actor, e.ID)
	if err != nil {
		t.Fatalf("InstallationCode: %v", err)
	}
	file := m.Activate(t, credential.Invitation{Token: m.LinkToken(t, e.Email), Code: code.Code})
	m.Drain(t)
	return file
}

func TestMigrateSkips(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		for _, rid := range []string{"suspended", "blocked", "other"} {
			m.Employee(t, m.own.Organisation, rid, "Bo"+rid+" Holm")
		}
		m.setState(t, "suspended", org.Suspended)
		m.setState(t, "blocked", org.Blocked)
		v := m.create(t, export(
			line("keyfile", "Signaturtype=Nøglefil"), line("spærret", "Status=Spærret"), line("suspended"), line("blocked", "Signaturtype=Hardware"),
			line("other"), line("hardware", "Signaturtype=Hardware"),
		), cutover.Plan{})
		// Between the dry run and its turn, the RID becomes another person's.
		if _, err := db.Exec("UPDATE employee SET date_of_birth = '1979-12-24' WHERE rid = 'other'"); err != nil {
			t.Fatal(err)
		}
		m.start(t, v.ID)
		m.Drain(t)
		m.want(t, "done", v.ID, cutover.Completed, cutover.Counts{Skipped: 4, Failed: 1, Invited: 1})
		var outcomes []string
		for _, r := range m.rows(t, v.ID) {
			outcomes = append(outcomes, fmt.Sprint(r.RID, " ", r.State, " ", r.Reason))
		}
		same(t, "rows", outcomes, []string{
			"keyfile skipped already_on_key_file", "spærret skipped blocked_in_file", "suspended skipped employee_stopped",
			"blocked skipped employee_stopped", "other failed rid_of_another_person", "hardware invited ",
		})

		e := m.employee(t, "keyfile")
		d, err := m.Credential.Details(t.Context(), m.own.Actor, e.ID)
		if err != nil || d.KeyFile != "none" || d.CodeCard != "none" || d.Mail != "none" {
			t.Errorf("employee with a key file: %+v, %v, want no order, no code card, no mail", d, err)
		}
		if entries, err := audit.Of(t.Context(), db, m.own.ID, "employee:"+string(e.ID)); err != nil || len(entries) != 1 || entries[0].Verb != "employee.create" {
			t.Errorf("entries = %+v, %v, want employee.create", entries, err)
		}
		if found, err := org.ByRID(t.Context(), db, m.own.ID, []string{"spærret"}); err != nil || len(found) != 0 {
			t.Errorf("the blocked row made %d employees, %v", len(found), err)
		}
		for rid, state := range map[string]org.State{"suspended": org.Suspended, "blocked": org.Blocked, "other": org.Active} {
			if e := m.employee(t, rid); e.State != state {
				t.Errorf("%s is %s, want %s as before", rid, e.State, state)
			}
		}
		all := testkit.Contents(t, db)
		if len(all["message"]) != 1 || len(all["code_card"]) != 0 || len(all["key_file"]) != 3 {
			t.Errorf("%d messages, %d code cards, %d key files; want those of the hardware row only", len(all["message"]), len(all["code_card"]), len(all["key_file"]))
		}
	})
}

func TestMigrateKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		known := m.Employee(t, m.own.Organisation, "4711", "Bo Holm")
		id := m.migrate(t, export(line("4711", "Fornavn=Ib", "Efternavn=Lund", "E-mail=ib@x.example", "Telefon=33 12 34 56"), line("4712")))
		m.want(t, "done", id, cutover.Completed, cutover.Counts{Invited: 2})
		after := m.employee(t, "4711")
		if !reflect.DeepEqual(after, m.get(t, known.ID)) || after.Name() != "Bo Holm" || after.Email != known.Email || after.Phone != "" {
			t.Errorf("employee = %+v, want as before: %+v", after, known)
		}
		if r := m.rows(t, id)[0]; *r.EmployeeID != known.ID {
			t.Errorf("row's employee = %s, want %s", *r.EmployeeID, known.ID)
		}
		m.LinkToken(t, known.Email) // the mail goes to the address that is known
	})
}

func (m installation) get(t *testing.T, id access.EmployeeID) org.Employee {
	t.Helper()
	e, err := org.Get(t.Context(), m.DB, m.own.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRowActivated(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		id := m.migrate(t, export(line("1"), line("2"), line("3")))
		m.activate(t, "2")
		m.want(t, "one activation", id, cutover.Completed, cutover.Counts{Invited: 2, Activated: 1})
		ref := credential.ActivationRef{Org: m.own.ID, Batch: id, Row: 2}
		if err := m.Cutover.RowActivated(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		m.want(t, "the same again", id, cutover.Completed, cutover.Counts{Invited: 2, Activated: 1})

		// A new invitation leads to the same row, also when the order was blocked.
		if err := m.Credential.Reissue(t.Context(), m.own.Actor, m.employee(t, "1").ID); err != nil {
			t.Fatal(err)
		}
		if err := m.Credential.BlockKeyFile(t.Context(), m.own.Actor, m.employee(t, "3").ID, "key_compromise", "moved"); err != nil {
			t.Fatal(err)
		}
		if err := m.Credential.Reissue(t.Context(), m.own.Actor, m.employee(t, "3").ID); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		m.activate(t, "1")
		m.activate(t, "3")
		m.want(t, "all activated", id, cutover.Completed, cutover.Counts{Activated: 3})

		// An invitation that no batch made moves nothing.
		e := m.Employee(t, m.own.Organisation, "9", "Ib Lund")
		m.Activate(t, m.Invite(t, m.own.Organisation, e))
		m.Drain(t)
		m.want(t, "another activation", id, cutover.Completed, cutover.Counts{Activated: 3})
	})
}

func TestForgetKeepsTheEmployeesNumber(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, export(line("1", "CPR=610180-4321", "Fødselsdato="), line("2", "CPR=610180-4321", "Fødselsdato=")), cutover.Plan{})
		sealed := func() (rows int) {
			var all []cutover.Row
			if err := db.NewSelect().Model(&all).Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				if r.CPRSealed != nil || r.CPRMAC != nil {
					rows++
				}
			}
			return rows
		}
		if got := sealed(); got != 1 {
			t.Errorf("%d rows hold a CPR number, want the good one", got)
		}
		m.start(t, v.ID)
		m.Drain(t)
		if got := sealed(); got != 0 {
			t.Errorf("%d rows still hold a CPR number", got)
		}
		if e := m.employee(t, "1"); !slices.Equal(e.CPRMAC, org.CPRMAC(m.Keys, m.own.ID, "6101804321")) {
			t.Error("the employee's CPR number is not known")
		}
		for table, rows := range testkit.Contents(t, db) {
			if strings.Contains(strings.Join(rows, ""), "6101804321") || strings.Contains(strings.Join(rows, ""), "610180-4321") {
				t.Errorf("table %s has the CPR number in clear", table)
			}
		}
	})
}
