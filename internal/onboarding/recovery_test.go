package onboarding_test

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

func TestASetUpLinkIsRemindedOfOnceAndRenewed(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		token, v := d.waiting(t)
		if err := d.Onboarding.Accept(t.Context(), operator, v.ID, "known", because); err != nil {
			t.Fatal(err)
		}
		first := d.link(t, admin.AdminEmail)
		sweep := func(after time.Duration, want int) {
			t.Helper()
			d.Clock.Move(after)
			for range 2 {
				if err := d.Onboarding.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n, _ := d.mails(t, admin.AdminEmail); n != want {
				t.Errorf("%d mails to the administrator, want %d", n, want)
			}
		}
		sweep(45*24*time.Hour, 1)
		sweep(2*24*time.Hour, 2)
		second := d.link(t, admin.AdminEmail)
		if _, err := d.Credential.LookUp(t.Context(), first); fault.KindOf(err) != fault.Absent {
			t.Errorf("the first link = %v", err)
		}
		if p, err := d.Credential.LookUp(t.Context(), second); err != nil || !p.ExpiresAt.Equal(v.UpdatedAt.AddDate(0, 0, 60)) {
			t.Errorf("the reminder's link ends %s, %v, want as the first", p.ExpiresAt, err)
		}
		sweep(14*24*time.Hour, 2)
		o, _ := d.Org.ByCVR(t.Context(), oneSigns)
		page, _, err := d.Onboarding.Organisations(t.Context(), operator, "hav", "")
		if err != nil || len(page) != 1 || page[0].SetUp != "expired" || page[0].Employees != 1 {
			t.Errorf("Organisations = %+v, %v", page, err)
		}
		if err := d.Onboarding.Renew(t.Context(), access.System(o.ID), o.ID); fault.KindOf(err) != fault.Denied {
			t.Errorf("Renew by a tenant = %v", err)
		}
		if err := d.Onboarding.Renew(t.Context(), operator, o.ID); err != nil {
			t.Fatalf("Renew: %v", err)
		}
		code, err := d.Onboarding.SetUpCode(t.Context(), operator, o.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.Activate(t, credentialOf(d.link(t, admin.AdminEmail), code))
		if err := d.Onboarding.Renew(t.Context(), operator, o.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Renew of a key file in use = %v", err)
		}
		if page, _, _ = d.Onboarding.Organisations(t.Context(), operator, oneSigns[:4], ""); len(page) != 1 || page[0].SetUp != "begun" || page[0].Activated != 1 {
			t.Errorf("Organisations = %+v", page)
		}
		_ = token
	})
}

func TestWizard(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		c := d.Company(t, "34051178")
		by := c.Actor
		for i, step := range onboarding.WizardSteps {
			state, err := d.Onboarding.Tick(t.Context(), by, step, []string{"done", "skipped"}[i%2])
			if err != nil || (state.FinishedAt != nil) != (i == len(onboarding.WizardSteps)-1) {
				t.Errorf("Tick %s = %+v, %v", step, state, err)
			}
		}
		state, err := d.Onboarding.Tick(t.Context(), by, "roles", "")
		if err != nil || state.FinishedAt != nil || state.Progress()["invoice"] != "done" {
			t.Errorf("Tick back = %+v, %v", state, err)
		}
		if _, err := d.Onboarding.Tick(t.Context(), by, "colours", "done"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Tick of no step = %v", err)
		}
		plain := access.Actor{OrgID: by.OrgID, ID: "x", Roles: []access.Role{access.UserAdministrator}}
		if _, err := d.Onboarding.Wizard(t.Context(), plain); fault.KindOf(err) != fault.Denied {
			t.Errorf("Wizard of a user administrator = %v", err)
		}
	})
}

// connected is an organisation whose application was accepted.
func (d domain) connected(t *testing.T) org.Organisation {
	t.Helper()
	_, v := d.waiting(t)
	if err := d.Onboarding.Accept(t.Context(), operator, v.ID, "known", because); err != nil {
		t.Fatal(err)
	}
	o, err := d.Org.ByCVR(t.Context(), oneSigns)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		s, ctx := d.Onboarding, t.Context()
		o := d.connected(t)
		ask := func() (token string) {
			t.Helper()
			if err := s.AskRecovery(ctx, oneSigns, "Karla@havblik.example", "da", ""); err != nil {
				t.Fatal(err)
			}
			return d.link(t, "karla@havblik.example")
		}
		token := ask()
		told, _ := d.mails(t, admin.AdminEmail)
		r, err := s.Confirm(ctx, token, "Ny", "Leder", "ny@havblik.example", "Den eneste administrator er rejst.", "")
		if err != nil || r.State != "waiting" || !r.ReadyAt.Equal(d.Clock.Now().Add(7*24*time.Hour)) {
			t.Fatalf("Confirm = %+v, %v", r, err)
		}
		if n, body := d.mails(t, admin.AdminEmail); n != told+1 || !strings.Contains(body, "Ny Leder") {
			t.Errorf("the administrators have %d mails more\n%s", n-told, body)
		}
		if _, err := s.Confirm(ctx, token, "En", "Anden", "x@havblik.example", "Den eneste administrator er rejst.", ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Confirm again = %v", err)
		}
		if _, err := s.Confirm(ctx, ask(), "En", "Anden", "x@havblik.example", "Den eneste administrator er rejst.", ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second recovery beside the first = %v", err)
		}
		if err := s.Reopen(ctx, operator, o.ID, r.ID, because); fault.CodeOf(err) != "onboarding.recovery.early" {
			t.Errorf("Reopen within the waiting time = %v", err)
		}
		by := access.Actor{OrgID: o.ID, ID: "employee:x", Roles: []access.Role{access.RightsAdministrator}}
		if err := s.Object(ctx, access.Actor{OrgID: "other", Roles: access.Roles}, r.ID, because); fault.KindOf(err) != fault.Absent {
			t.Errorf("Object from elsewhere = %v", err)
		}
		if err := s.Object(ctx, by, r.ID, because); err != nil {
			t.Fatalf("Object: %v", err)
		}
		if _, body := d.mails(t, "karla@havblik.example"); !strings.Contains(body, "indsigelse") {
			t.Errorf("the representative hears\n%s", body)
		}
		d.Clock.Move(8 * 24 * time.Hour)
		if err := s.Reopen(ctx, operator, o.ID, r.ID, because); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Reopen after an objection = %v", err)
		}
		r, err = s.Confirm(ctx, ask(), "Ny", "Leder", "ny@havblik.example", "Den eneste administrator er rejst.", "")
		if err != nil {
			t.Fatal(err)
		}
		d.Clock.Move(7 * 24 * time.Hour)
		open, err := s.OpenRecoveries(ctx, operator)
		if err != nil || len(open) != 1 || open[0].Organisation.ID != o.ID {
			t.Errorf("OpenRecoveries = %+v, %v", open, err)
		}
		if err := s.Reopen(ctx, operator, o.ID, r.ID, because); err != nil {
			t.Fatalf("Reopen: %v", err)
		}
		code, err := s.SetUpCode(ctx, operator, o.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.Activate(t, credentialOf(d.link(t, "ny@havblik.example"), code))
		holders := 0
		err = db.NewSelect().Model((*org.RoleAssignment)(nil)).ColumnExpr("count(*)").Where("org_id = ?", o.ID).
			Where("role = ?", access.OrganisationAdministrator).Scan(ctx, &holders)
		if err != nil || holders != 2 {
			t.Errorf("%d organisation administrators, %v, want 2", holders, err)
		}
		if got := verbs(t, db, o.ID, "recovery:"+r.ID); got != "recovery.ask recovery.confirm recovery.appoint" {
			t.Errorf("audit = %s", got)
		}
	})
}

// What a stranger asks for is answered as the representative's own question is.
func TestRecoveryTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		s, ctx := d.Onboarding, t.Context()
		d.connected(t)
		before, _ := d.mails(t, "karla@havblik.example")
		for _, strange := range [][2]string{{oneSigns, "eve@havblik.example"}, {twoSign, "karla@havblik.example"}, {"x", "karla@havblik.example"}} {
			if err := s.AskRecovery(ctx, strange[0], strange[1], "da", ""); err != nil {
				t.Errorf("AskRecovery(%q) = %v, want the same as for everybody", strange, err)
			}
		}
		if n, _ := d.mails(t, "karla@havblik.example"); n != before {
			t.Errorf("a stranger's question sent %d mails", n-before)
		}
	})
}
