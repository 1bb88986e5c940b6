package cutover_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

const dutyHead = "rid;fornavn;efternavn;email;fødselsdato;medarbejdernummer;roller;rettigheder\n"

func dutyFile(rows ...string) *bytes.Reader {
	return bytes.NewReader([]byte(dutyHead + strings.Join(rows, "\n") + "\n"))
}

func dutyRow(rid, local, roles, rights string) string {
	return rid + ";Bo" + rid + ";Holm;bo." + rid + "@nordvind.example;24-12-1980;" + local + ";" + roles + ";" + rights
}

// A user administrator gives by a file what a user administrator may give by hand,
// and nothing more; who may give roles gives them, in the name of who starts.
func TestImportGivesRoles(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		file := func() *bytes.Reader {
			return dutyFile(dutyRow("r1", "", "Brugeradministrator, betroet medarbejder", ""), dutyRow("r2", "", "Bruger", ""), dutyRow("r3", "", "Konge", ""))
		}
		humble := m.own.Actor
		humble.Roles = []access.Role{access.UserAdministrator}
		v, err := m.Cutover.Create(t.Context(), humble, file(), cutover.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		if got := places(v.Errors); !slices.Equal(got, []string{"2 roles row.roles_right", "4 roller row.role"}) {
			t.Errorf("a user administrator's file has the errors %q", got)
		}
		v, err = m.Cutover.Create(t.Context(), m.own.Actor, file(), cutover.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		if got := places(v.Errors); !slices.Equal(got, []string{"4 roller row.role"}) {
			t.Errorf("the administrator's file has the errors %q", got)
		}
		if err := m.Cutover.Start(t.Context(), humble, v.ID, true, nil); fault.CodeOf(err) != "access.right.missing" {
			t.Errorf("a user administrator starts it: %v", err)
		}
		m.start(t, v.ID)
		m.Drain(t)
		given, err := org.RolesOf(t.Context(), db, m.own.ID, m.employee(t, "r1").ID)
		if err != nil || !slices.Equal(given, []access.Role{access.TrustedEmployee, access.UserAdministrator}) {
			t.Errorf("roles = %q, %v", given, err)
		}
		if given, err := org.RolesOf(t.Context(), db, m.own.ID, m.employee(t, "r2").ID); err != nil || len(given) != 0 {
			t.Errorf("a user has the roles %q, %v", given, err)
		}
		if n := verbs(t, db, m.own.ID)["role.change"]; n != 1 {
			t.Errorf("%d entries role.change, want 1", n)
		}
	})
}

func TestImportRefusesUnknownRights(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, dutyFile(dutyRow("r1", "", "", "urn:dk:no_such")), cutover.Plan{})
		if got := places(v.Errors); !slices.Equal(got, []string{"2 rights row.unknown_right"}) {
			t.Errorf("errors %q", got)
		}
	})
}

// People with a local user ID get their invitation without a mail where the batch
// says so.
func TestQuietForLocalUsers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, dutyFile(dutyRow("r1", "M1", "", ""), dutyRow("r2", "", "", "")), cutover.Plan{QuietLocal: true})
		m.start(t, v.ID)
		m.Drain(t)
		m.want(t, "done", v.ID, cutover.Completed, cutover.Counts{Invited: 2})
		var mailed []access.EmployeeID
		if err := db.NewRaw("SELECT employee_id FROM message WHERE org_id = ? AND employee_id <> ?", m.own.ID, m.own.Admin.ID).Scan(t.Context(), &mailed); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(mailed, []access.EmployeeID{m.employee(t, "r2").ID}) {
			t.Errorf("mails to %q, want to r2 alone", mailed)
		}
	})
}

// A row that failed since the dry run is taken up again when its reason is gone.
func TestRetry(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, dutyFile(dutyRow("r1", "", "", ""), dutyRow("r2", "", "", "")), cutover.Plan{})
		rid := "r1"
		other, err := m.Org.Create(t.Context(), m.own.Actor, org.Person{RID: rid, GivenName: "Per", Surname: "Skov", Email: "per@nordvind.example", DateOfBirth: "1970-01-01"}, "")
		if err != nil {
			t.Fatal(err)
		}
		m.start(t, v.ID)
		m.Drain(t)
		m.want(t, "first", v.ID, cutover.Completed, cutover.Counts{Invited: 1, Failed: 1})
		if _, err := m.Org.Edit(t.Context(), m.own.Actor, other.ID, -1, org.Person{GivenName: "Bor1", Surname: "Holm", Email: "per@nordvind.example", DateOfBirth: "1980-12-24"}, ""); err != nil {
			t.Fatal(err)
		}
		if err := m.Cutover.Retry(t.Context(), m.other.Actor, v.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("another organisation's Retry = %v", err)
		}
		if err := m.Cutover.Retry(t.Context(), m.own.Actor, v.ID); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		m.want(t, "again", v.ID, cutover.Completed, cutover.Counts{Invited: 2})
		if err := m.Cutover.Retry(t.Context(), m.own.Actor, v.ID); fault.CodeOf(err) != "cutover.batch.nothing_to_retry" {
			t.Errorf("Retry of nothing = %v", err)
		}
		if n := verbs(t, db, m.own.ID)["batch.retry"]; n != 1 {
			t.Errorf("%d entries batch.retry, want 1", n)
		}
	})
}
