package org_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

const (
	oa = access.OrganisationAdministrator
	ua = access.UserAdministrator
	ra = access.RightsAdministrator
)

// rolesOf are the roles of an employee, as text.
func rolesOf(t *testing.T, d *testkit.Domain, e org.Employee) string {
	t.Helper()
	roles, err := org.RolesOf(t.Context(), d.DB, e.OrgID, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range roles {
		all = append(all, string(r))
	}
	return strings.Join(all, " ")
}

// verbs are what the audit log says was done to an object, "verb note".
func verbs(t *testing.T, d *testkit.Domain, of access.OrgID, object string) (all []string) {
	t.Helper()
	entries, err := audit.Of(t.Context(), d.DB, of, object)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, strings.TrimSpace(e.Verb+" "+e.Note))
	}
	return all
}

// mails are the subjects of mails to an address, newest first.
func mails(t *testing.T, d *testkit.Domain, address string) (subjects []string) {
	t.Helper()
	d.Drain(t)
	all, _, err := d.Mailbox.Mails("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if strings.Contains(m.To, "<"+address+">") {
			subjects = append(subjects, m.Subject)
		}
	}
	return subjects
}

// actor is an employee as one who acts now.
func actor(t *testing.T, d *testkit.Domain, e org.Employee) access.Actor {
	t.Helper()
	by, err := org.ActorOf(t.Context(), d.DB, e, "192.0.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return by
}

func roles(all ...access.Role) []access.Role { return all }

func TestChangeRoles(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		bo := d.Employee(t, c.Organisation, "R1", "Bo Berg")
		for _, tc := range []struct {
			name       string
			give, take []access.Role
			want       string
		}{
			{"gives two", roles(ua, ra), nil, "rights-administrator user-administrator"},
			{"gives what is there", roles(ua), roles(oa), "rights-administrator user-administrator"},
			{"gives and takes", roles(access.TrustedEmployee), roles(ra), "trusted-employee user-administrator"},
		} {
			waiting, err := d.Org.ChangeRoles(t.Context(), c.Actor, bo.ID, tc.give, tc.take)
			if got := rolesOf(t, d, bo); err != nil || waiting != nil || got != tc.want {
				t.Errorf("%s: ChangeRoles = %v, %v; roles %q, want %q", tc.name, waiting, err, got, tc.want)
			}
		}
		want := []string{"role.change +user-administrator +rights-administrator", "role.change +trusted-employee -rights-administrator"}
		if got := verbs(t, d, c.ID, "employee:"+string(bo.ID)); !slices.Equal(got, want) {
			t.Errorf("audit entries = %q, want %q", got, want)
		}
		if got := mails(t, d, bo.Email); len(got) != 2 || got[0] != "Dine roller i Nordvind 12345678 er ændret" {
			t.Errorf("mails = %q, want two", got)
		}
	})
}

func TestChangeRolesRefuses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c, other := d.Company(t, "12345678"), d.Company(t, "87654321")
		bo, gone := d.Employee(t, c.Organisation, "R1", "Bo Berg"), d.Employee(t, c.Organisation, "R2", "Ida Iversen")
		if _, err := d.Org.ChangeRoles(t.Context(), c.Actor, bo.ID, roles(ua), nil); err != nil {
			t.Fatal(err)
		}
		if err := leave(t.Context(), d, c.ID, gone.ID); err != nil {
			t.Fatal(err)
		}
		before := testkit.Contents(t, db)
		for _, tc := range []struct {
			name       string
			by         access.Actor
			to         access.EmployeeID
			give, take []access.Role
			want       string
		}{
			{"a user administrator", actor(t, d, bo), bo.ID, roles(oa), nil, "access.right.missing"},
			{"an unknown role", c.Actor, bo.ID, roles("root"), nil, "org.role.unknown"},
			{"both", c.Actor, bo.ID, roles(ra), roles(ra), "org.role.both"},
			{"a suspended employee", c.Actor, gone.ID, roles(ra), nil, "org.role.inactive"},
			{"the last administrator", c.Actor, c.Admin.ID, nil, roles(oa), "org.administrator.last"},
			{"another organisation's employee", c.Actor, other.Admin.ID, roles(ra), nil, "org.employee.absent"},
		} {
			if _, err := d.Org.ChangeRoles(t.Context(), tc.by, tc.to, tc.give, tc.take); fault.CodeOf(err) != tc.want {
				t.Errorf("%s: ChangeRoles = %v, want %s", tc.name, err, tc.want)
			}
		}
		after := testkit.Contents(t, db)
		for table, rows := range before {
			if !slices.Equal(rows, after[table]) {
				t.Errorf("what was refused changed %s", table)
			}
		}
	})
}

// A role is in force for a session that began before.
func TestRolesAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		bo := d.Employee(t, c.Organisation, "R1", "Bo Berg")
		file := d.Activate(t, d.Invite(t, c.Organisation, bo))
		token, err := d.Session.Start(t.Context(), bo, file.Serial, "")
		if err != nil {
			t.Fatal(err)
		}
		may := func() bool {
			by, _, err := d.Session.Actor(t.Context(), token, "")
			if err != nil {
				t.Fatal(err)
			}
			return by.May(access.ManageEmployees)
		}
		if may() {
			t.Error("an employee without roles may manage employees")
		}
		if _, err := d.Org.ChangeRoles(t.Context(), c.Actor, bo.ID, roles(ua), nil); err != nil || !may() {
			t.Errorf("after the role was given: %v, may not", err)
		}
		if _, err := d.Org.ChangeRoles(t.Context(), c.Actor, bo.ID, nil, roles(ua)); err != nil || may() {
			t.Errorf("after the role was taken: %v, still may", err)
		}
	})
}

func TestRoleRequest(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		bo := d.Employee(t, c.Organisation, "R1", "Bo Berg")
		by := actor(t, d, bo)
		for _, tc := range []struct {
			by     access.Actor
			role   access.Role
			reason string
			want   string
		}{
			{by, ua, "for kort", "approval.reason.length"},
			{by, access.TrustedEmployee, "jeg hjælper borgere", "org.role_request.role"},
			{c.Actor, ra, "jeg vil også gerne", "org.role_request.administrator"},
			{access.Command(c.ID), ra, "jeg vil også gerne", "org.role_request.program"},
		} {
			if _, err := d.Org.RequestRole(t.Context(), tc.by, tc.role, tc.reason); fault.CodeOf(err) != tc.want {
				t.Errorf("RequestRole of %s = %v, want %s", tc.role, err, tc.want)
			}
		}
		r, err := d.Org.RequestRole(t.Context(), by, ua, "  Jeg passer nye kolleger.  ")
		if err != nil || r.Reason != "Jeg passer nye kolleger." {
			t.Fatalf("RequestRole = %+v, %v", r, err)
		}
		if _, err := d.Org.RequestRole(t.Context(), by, ua, "Jeg passer nye kolleger."); fault.CodeOf(err) != "org.role_request.waits" {
			t.Errorf("the same again = %v", err)
		}
		if got := mails(t, d, c.Admin.Email); len(got) == 0 || got[0] != "Bo Berg beder om en rolle" {
			t.Errorf("the administrator's mails = %q", got)
		}
		waiting, err := d.Org.RoleRequests(t.Context(), c.Actor)
		if err != nil || len(waiting) != 1 || waiting[0].Employee.ID != bo.ID {
			t.Errorf("RoleRequests = %+v, %v", waiting, err)
		}
		if _, err := d.Org.ApproveRole(t.Context(), by, r.ID); fault.KindOf(err) != fault.Denied {
			t.Errorf("ApproveRole by who asks = %v, want denied", err)
		}
		if w, err := d.Org.ApproveRole(t.Context(), c.Actor, r.ID); err != nil || w != nil || rolesOf(t, d, bo) != string(ua) {
			t.Errorf("ApproveRole = %v, %v; roles %q", w, err, rolesOf(t, d, bo))
		}
		if err := d.Org.RejectRole(t.Context(), c.Actor, r.ID, "for sent at fortryde"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("RejectRole afterwards = %v, want a conflict", err)
		}
		own, err := d.Org.OwnRoleRequests(t.Context(), by)
		if err != nil || len(own) != 1 || own[0].State != org.RoleApproved || own[0].Decider != c.Actor.ID {
			t.Errorf("OwnRoleRequests = %+v, %v", own, err)
		}
		want := []string{"role_request.create user-administrator", "role_request.approve user-administrator"}
		if got := verbs(t, d, c.ID, "role_request:"+r.ID); !slices.Equal(got, want) {
			t.Errorf("audit entries = %q, want %q", got, want)
		}
		if got := mails(t, d, bo.Email); !slices.Contains(got, "Din anmodning om en rolle er godkendt") || len(got) != 2 {
			t.Errorf("mails = %q, want the answer and the role", got)
		}
	})
}

func TestRoleRequestRejectedAndWithdrawn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c, other := d.Company(t, "12345678"), d.Company(t, "87654321")
		bo := d.Employee(t, c.Organisation, "R1", "Bo Berg")
		by := actor(t, d, bo)
		ask := func(role access.Role) string {
			r, err := d.Org.RequestRole(t.Context(), by, role, "Jeg passer nye kolleger.")
			if err != nil {
				t.Fatal(err)
			}
			return r.ID
		}
		first, second := ask(ua), ask(ra)
		if err := d.Org.RejectRole(t.Context(), other.Actor, first, "ikke vores medarbejder"); fault.KindOf(err) != fault.Absent {
			t.Errorf("RejectRole by another organisation = %v, want absent", err)
		}
		if err := d.Org.RejectRole(t.Context(), c.Actor, first, "Vi har allerede nok."); err != nil {
			t.Errorf("RejectRole = %v", err)
		}
		if err := d.Org.WithdrawRole(t.Context(), c.Actor, second); fault.KindOf(err) != fault.Absent {
			t.Errorf("WithdrawRole by another = %v, want absent", err)
		}
		if err := d.Org.WithdrawRole(t.Context(), by, second); err != nil {
			t.Errorf("WithdrawRole = %v", err)
		}
		if got := rolesOf(t, d, bo); got != "" {
			t.Errorf("roles = %q, want none", got)
		}
		if got := mails(t, d, bo.Email); !slices.Equal(got, []string{"Din anmodning om en rolle er afvist"}) {
			t.Errorf("mails = %q", got)
		}
	})
}

func TestNominee(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		bo := d.Employee(t, c.Organisation, "R1", "Bo Berg")
		if err := d.Org.Nominate(t.Context(), c.Actor, c.Admin.ID); fault.CodeOf(err) != "org.nominee.administrator" {
			t.Errorf("Nominate the administrator = %v", err)
		}
		for range 2 {
			if err := d.Org.Nominate(t.Context(), c.Actor, bo.ID); err != nil {
				t.Errorf("Nominate = %v", err)
			}
		}
		got, err := d.Org.Succession(t.Context(), c.Actor)
		if err != nil || got.Administrators != 1 || got.Nominee == nil || got.Nominee.ID != bo.ID {
			t.Errorf("Succession = %+v, %v", got, err)
		}
		if err := leave(t.Context(), d, c.ID, bo.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Org.Succession(t.Context(), c.Actor); err != nil || got.Nominee != nil {
			t.Errorf("Succession with a suspended nominee = %+v, %v", got, err)
		}
		if err := d.Org.Nominate(t.Context(), c.Actor, bo.ID); fault.CodeOf(err) != "org.nominee.inactive" {
			t.Errorf("Nominate a suspended employee = %v", err)
		}
		if err := d.Org.Nominate(t.Context(), c.Actor, ""); err != nil {
			t.Errorf("Nominate nobody = %v", err)
		}
		want := []string{"nominee.name", "nominee.name", "nominee.remove"}
		if got := verbs(t, d, c.ID, "employee:"+string(bo.ID)); !slices.Equal(got, want) {
			t.Errorf("audit entries = %q, want %q", got, want)
		}
	})
}

func TestRoleHolders(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		d.Company(t, "87654321")
		for i := range 60 {
			e := d.Employee(t, c.Organisation, "R"+string(rune('A'+i)), "Bo Berg")
			assign(t, d, e, ra)
		}
		first, next, err := d.Org.RoleHolders(t.Context(), c.Actor, ra, "")
		second, end, err2 := d.Org.RoleHolders(t.Context(), c.Actor, ra, next)
		if err != nil || err2 != nil || len(first) != 50 || len(second) != 10 || end != "" || len(first[0].Roles) != 1 {
			t.Errorf("RoleHolders = %d and %d, %v, %v", len(first), len(second), err, err2)
		}
		some, _, err := d.Org.RoleHolders(t.Context(), c.Actor, oa, "")
		if err != nil || len(some) != 1 || some[0].Employee.ID != c.Admin.ID {
			t.Errorf("RoleHolders of administrators = %+v, %v", some, err)
		}
	})
}

// While four eyes are demanded a role request gets the role when the second
// person approves, and not before.
func TestRoleRequestUnderFourEyes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		bo, second := d.Employee(t, c.Organisation, "R1", "Bo Berg"), d.Employee(t, c.Organisation, "R2", "Ida Iversen")
		assign(t, d, second, oa)
		if w, err := d.Approval.Choose(t.Context(), c.Actor, []string{org.RolesAct.Name}); w != nil || err != nil {
			t.Fatalf("Choose = %v, %v", w, err)
		}
		r, err := d.Org.RequestRole(t.Context(), actor(t, d, bo), ua, "Jeg passer nye kolleger.")
		if err != nil {
			t.Fatal(err)
		}
		w, err := d.Org.ApproveRole(t.Context(), c.Actor, r.ID)
		if err != nil || w == nil || w.State != approval.Pending || rolesOf(t, d, bo) != "" {
			t.Fatalf("ApproveRole = %+v, %v; roles %q", w, err, rolesOf(t, d, bo))
		}
		if _, err := d.Approval.Approve(t.Context(), actor(t, d, second), w.ID); err != nil {
			t.Fatal(err)
		}
		own, err := d.Org.OwnRoleRequests(t.Context(), actor(t, d, bo))
		if err != nil || own[0].State != org.RoleApproved || rolesOf(t, d, bo) != string(ua) {
			t.Errorf("afterwards: %+v, %v, roles %q", own, err, rolesOf(t, d, bo))
		}
	})
}
