package org_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/testkit"
)

// ida is a person whom nothing forbids to create.
func ida() org.Person {
	return org.Person{GivenName: "Ida ", Surname: "Ny  Holm", Email: "ida@nordvind.example", CPR: "070170-0001"}
}

func create(t *testing.T, d *testkit.Domain, by access.Actor, p org.Person) org.Employee {
	t.Helper()
	e, err := d.Org.Create(t.Context(), by, p, "")
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return e
}

// entriesAbout are the verbs of the audit entries about an employee, oldest first.
func entriesAbout(t *testing.T, d *testkit.Domain, e org.Employee) (all []string) {
	t.Helper()
	entries, err := audit.Of(t.Context(), d.DB, e.OrgID, "employee:"+string(e.ID))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range entries {
		all = append(all, one.Verb)
	}
	return all
}

func wantVerbs(t *testing.T, d *testkit.Domain, e org.Employee, want ...string) {
	t.Helper()
	got := entriesAbout(t, d, e)
	if len(got) != len(want) {
		t.Fatalf("audit entries = %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("audit entries = %q, want %q", got, want)
		}
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		e := create(t, d, c.Actor, ida())
		stored, err := d.Org.Employee(t.Context(), c.Actor, e.ID)
		if err != nil || stored.Name() != "Ida Ny Holm" || stored.State != org.Active || stored.DateOfBirth != "1970-01-07" ||
			stored.Lang != "da" || stored.Channel != org.ByMail || string(stored.CPRMAC) != string(org.CPRMAC(d.Keys, c.ID, "0701700001")) {
			t.Errorf("Create stored %+v, %v", stored, err)
		}
		wantVerbs(t, d, e, "employee.create")
		if got := names(t, d.Org, c.Actor, "ny ida"); len(got) != 1 {
			t.Errorf("the new employee is found as %q", got)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		person := func(change func(*org.Person)) org.Person {
			p := org.Person{GivenName: "Bo", Surname: "Berg", Email: "bo@nordvind.example"}
			change(&p)
			return p
		}
		young := d.Clock.Now().AddDate(-org.MinimumAge, 0, 1).Format(time.DateOnly)
		for code, p := range map[string]org.Person{
			"org.person.name":          person(func(p *org.Person) { p.Surname = "123" }),
			"org.person.email":         person(func(p *org.Person) { p.Email = "Bo <bo@x.dk>" }),
			"org.person.email_missing": person(func(p *org.Person) { p.Email = " " }),
			"org.person.phone":         person(func(p *org.Person) { p.Phone = "ring" }),
			"org.person.cpr":           person(func(p *org.Person) { p.CPR = "310270-0001" }),
			"org.person.birth_differs": person(func(p *org.Person) { p.CPR, p.DateOfBirth = "070170-0001", "1971-01-07" }),
			"org.person.without_cpr":   person(func(p *org.Person) { p.CPR, p.WithoutCPR = "070170-0001", true }),
			"org.person.date_of_birth": person(func(p *org.Person) { p.DateOfBirth = "01-02-1970" }),
			"org.person.age":           person(func(p *org.Person) { p.DateOfBirth = young }),
			"org.person.p_number":      person(func(p *org.Person) { p.PNumber = "12345678" }),
			"org.person.se_number":     person(func(p *org.Person) { p.SENumber = "1234567890" }),
			"org.person.lang":          person(func(p *org.Person) { p.Lang = "de" }),
			"org.person.channel":       person(func(p *org.Person) { p.Channel = "fax" }),
			"org.person.anonymous":     person(func(p *org.Person) { p.Anonymous = true }),
			"org.person.extra":         person(func(p *org.Person) { p.Extra = map[string]string{"Shoe size": "43"} }),
		} {
			if _, err := d.Org.Create(t.Context(), c.Actor, p, ""); fault.CodeOf(err) != code || fault.KindOf(err) != fault.Invalid {
				t.Errorf("Create = %v, want %s", err, code)
			}
		}
		viewer := access.Actor{OrgID: c.ID, ID: "x", Roles: []access.Role{access.RightsAdministrator}}
		if _, err := d.Org.Create(t.Context(), viewer, ida(), ""); fault.KindOf(err) != fault.Denied {
			t.Errorf("Create without the right = %v", err)
		}
		if n, err := db.NewSelect().Model((*org.Employee)(nil)).Count(t.Context()); err != nil || n != 1 {
			t.Errorf("%d employees, %v, want the administrator alone", n, err)
		}
	})
}

func TestCreateFollowsTheSettings(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		if _, err := d.Setting.Change(t.Context(), c.Actor, 0, func(s *setting.Settings) {
			s.Creation.Required = []string{"p_number"}
			s.Creation.Anonymous = true
			s.Creation.Extra = []string{"Afdeling"}
			s.Creation.DefaultEmail = "{given_name}.{surname}@nordvind.example"
			s.MailLanguage = "en"
		}); err != nil {
			t.Fatal(err)
		}
		p := org.Person{GivenName: "Bjørn", Surname: "Ågård", Anonymous: true, Extra: map[string]string{"Afdeling": "Salg"}}
		if _, err := d.Org.Create(t.Context(), c.Actor, p, ""); fault.CodeOf(err) != "org.person.required" {
			t.Errorf("Create without a P-number = %v", err)
		}
		p.PNumber = "10 0000 0001"
		e := create(t, d, c.Actor, p)
		if e.Email != "bjoern.aagaard@nordvind.example" || e.Lang != "en" || !e.Anonymous || e.PNumber != "1000000001" || e.Extras()["Afdeling"] != "Salg" {
			t.Errorf("Create = %+v", e)
		}
	})
}

func TestCreateFindsWhoIsHereAlready(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		first := create(t, d, c.Actor, ida())
		born := create(t, d, c.Actor, org.Person{GivenName: "Åse", Surname: "Dahl", Email: "dahl@nordvind.example", DateOfBirth: "1980-02-03"})
		same := ida()
		same.GivenName, same.Email = "Else", "else@nordvind.example"
		mail := org.Person{GivenName: "Else", Surname: "Bo", Email: "IDA@nordvind.example"}
		name := org.Person{GivenName: "åse", Surname: "dahl", Email: "other@nordvind.example", DateOfBirth: "1980-02-03"}
		check := func(what string, p org.Person, seen access.EmployeeID, code string, who org.Employee) {
			t.Helper()
			_, err := d.Org.Create(t.Context(), c.Actor, p, seen)
			found, ok := errors.AsType[*org.DuplicateError](err)
			if fault.CodeOf(err) != code || fault.KindOf(err) != fault.Conflict || !ok || found.Employee.ID != who.ID {
				t.Errorf("%s: Create = %v, want %s naming %s", what, err, code, who.Name())
			}
		}
		check("CPR", same, "", "org.employee.same_person", first)
		check("CPR, insisting", same, first.ID, "org.employee.same_person", first)
		check("e-mail", mail, "", "org.employee.duplicate", first)
		check("name and birth", name, "", "org.employee.duplicate", born)
		if err := d.Org.Suspend(t.Context(), c.Actor, first.ID, ""); err != nil {
			t.Fatal(err)
		}
		check("CPR of somebody suspended", same, "", "org.employee.suspended_exists", first)
		check("e-mail of somebody suspended", mail, "", "org.employee.suspended_duplicate", first)
		if _, err := d.Org.Create(t.Context(), c.Actor, mail, first.ID); err != nil {
			t.Errorf("Create of another person = %v", err)
		}
		other := d.Company(t, "30808460")
		create(t, d, other.Actor, same)
	})
}

func TestEdit(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		e := create(t, d, c.Actor, ida())
		p := org.Person{GivenName: "Ida", Surname: "Åberg", Email: "ida@nordvind.example", RID: "4711", Lang: "en"}
		after, err := d.Org.Edit(t.Context(), c.Actor, e.ID, 0, p, "")
		if err != nil || after.DateOfBirth != "1970-01-07" || after.CPRMAC == nil || after.RIDText() != "4711" {
			t.Fatalf("Edit = %+v, %v", after, err)
		}
		if _, err := d.Org.Edit(t.Context(), c.Actor, e.ID, 0, p, ""); fault.CodeOf(err) != "org.employee.edited" {
			t.Errorf("Edit of an old version = %v", err)
		}
		if _, err := d.Org.Edit(t.Context(), c.Actor, e.ID, -1, p, ""); err != nil {
			t.Errorf("Edit that changes nothing = %v", err)
		}
		p.RID = "4712"
		if _, err := d.Org.Edit(t.Context(), c.Actor, e.ID, -1, p, ""); fault.CodeOf(err) != "org.person.rid_kept" {
			t.Errorf("Edit of a RID = %v", err)
		}
		if found, lost := names(t, d.Org, c.Actor, "ida aab"), names(t, d.Org, c.Actor, "holm"); len(found) != 1 || len(lost) != 0 {
			t.Errorf("found by the new name: %q, by the old: %q", found, lost)
		}
		wantVerbs(t, d, e, "employee.create", "employee.edit")
		other := d.Company(t, "30808460")
		if _, err := d.Org.Edit(t.Context(), other.Actor, e.ID, -1, p, ""); fault.KindOf(err) != fault.Absent {
			t.Errorf("Edit from elsewhere = %v", err)
		}
	})
}

func TestSuspendTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		e := d.Employee(t, c.Organisation, "4711", "Bo Holm")
		file := d.Activate(t, d.Invite(t, c.Organisation, e))
		token, err := d.Session.Start(t.Context(), e, file.Serial, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Org.Suspend(t.Context(), c.Actor, e.ID, "leave"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Session.Actor(t.Context(), token, ""); fault.CodeOf(err) != "session.none" {
			t.Errorf("the session of somebody suspended = %v", err)
		}
		if err := d.Org.Suspend(t.Context(), c.Actor, e.ID, ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Suspend again = %v", err)
		}
		d.Drain(t)
		if err := d.Org.Reactivate(t.Context(), c.Actor, e.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Session.Actor(t.Context(), token, ""); fault.CodeOf(err) != "session.none" {
			t.Errorf("the old session after the return = %v", err)
		}
		if live, err := d.Credential.Live(t.Context(), c.ID, []org.Employee{e}); err != nil || live[e.ID] != "active" {
			t.Errorf("key file after the return = %v, %v, want it kept", live, err)
		}
		if err := d.Org.Suspend(t.Context(), c.Actor, c.Admin.ID, ""); fault.CodeOf(err) != "org.administrator.last" {
			t.Errorf("Suspend of the last administrator = %v", err)
		}
	})
}

func TestDeleteBlocksWhatThePersonHad(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		e := d.Employee(t, c.Organisation, "4711", "Bo Holm")
		file := d.Activate(t, d.Invite(t, c.Organisation, e))
		if err := d.Org.Delete(t.Context(), c.Actor, e.ID, "left"); err != nil {
			t.Fatal(err)
		}
		d.Drain(t)
		if _, err := d.CA.Verify(t.Context(), file.Leaf, d.Clock.Now()); fault.CodeOf(err) != "ca.certificate.revoked" {
			t.Errorf("the certificate of somebody deleted = %v, want it revoked", err)
		}
		if got := names(t, d.Org, c.Actor, "holm"); len(got) != 0 {
			t.Errorf("the list shows %q", got)
		}
		stored, err := org.Get(t.Context(), db, c.ID, e.ID)
		if err != nil || stored.State != org.Deleted || stored.EraseAt == nil || !stored.EraseAt.Equal(stored.DeletedAt.AddDate(0, 0, 90)) {
			t.Errorf("stored %+v, %v", stored, err)
		}
		for what, err := range map[string]error{
			"Delete":     d.Org.Delete(t.Context(), c.Actor, e.ID, ""),
			"Suspend":    d.Org.Suspend(t.Context(), c.Actor, e.ID, ""),
			"Reactivate": d.Org.Reactivate(t.Context(), c.Actor, e.ID),
			"Prove":      d.Org.Prove(t.Context(), c.Actor, e.ID, org.Vouched, "Low"),
		} {
			if fault.CodeOf(err) != "org.employee.deleted" {
				t.Errorf("%s of somebody deleted = %v", what, err)
			}
		}
		if err := d.Org.Delete(t.Context(), c.Actor, c.Admin.ID, ""); fault.CodeOf(err) != "org.administrator.last" {
			t.Errorf("Delete of the last administrator = %v", err)
		}
	})
}

func TestForeignersNeedAProofing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		p := org.Person{GivenName: "Jean", Surname: "Petit", Email: "jean@nordvind.example", WithoutCPR: true, DateOfBirth: "1980-02-03"}
		e, err := d.Credential.Hire(t.Context(), c.Actor, p, "", true)
		if err != nil {
			t.Fatal(err)
		}
		details, err := d.Credential.Details(t.Context(), c.Actor, e.ID)
		if err != nil || details.Blocked != "org.proofing.foreign" || details.Activation != nil {
			t.Errorf("Details = %q, %+v, %v, want blocked and not invited", details.Blocked, details.Activation, err)
		}
		listed := func() (codes []string) {
			lines, _, err := d.Credential.Employees(t.Context(), c.Actor, org.Filter{Unproven: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lines {
				codes = append(codes, l.Blocked+" "+string(l.Employee.ID))
			}
			return codes
		}
		if got := listed(); !slices.Equal(got, []string{"org.proofing.foreign " + string(e.ID)}) {
			t.Errorf("listed as blocked = %q", got)
		}
		if err := d.Credential.Reissue(t.Context(), c.Actor, e.ID); fault.CodeOf(err) != "org.proofing.foreign" {
			t.Errorf("Reissue = %v", err)
		}
		for method, want := range map[string]string{org.InPerson: "[Low]", org.ByDocumentChip: "[Low Substantial]", org.ByPrivateMitID: "[Low Substantial High]", "palm": "[]"} {
			if got := fmt.Sprint(e.ProofingLevels(method)); got != want {
				t.Errorf("ProofingLevels(%s) = %s, want %s", method, got, want)
			}
		}
		for _, tc := range []struct{ method, level, want string }{
			{org.InPerson, "Substantial", "org.proofing.too_high"},
			{org.ByDocumentChip, "High", "org.proofing.too_high"},
			{"palm", "Low", "org.proofing.method"},
			{org.ByDocumentChip, "Substantial", ""},
		} {
			if err := d.Org.Prove(t.Context(), c.Actor, e.ID, tc.method, tc.level); fault.CodeOf(err) != tc.want {
				t.Errorf("Prove(%s, %s) = %v, want %q", tc.method, tc.level, err, tc.want)
			}
		}
		if err := d.Credential.Reissue(t.Context(), c.Actor, e.ID); err != nil {
			t.Errorf("Reissue of somebody proven = %v", err)
		}
		if got := listed(); len(got) != 0 {
			t.Errorf("listed as blocked when proven = %q", got)
		}
		wantVerbs(t, d, e, "employee.create", "employee.prove", "key_file.order")
	})
}
