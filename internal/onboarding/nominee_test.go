package onboarding_test

import (
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

// Whom a sole administrator named as successor is proposed to the representative,
// and becomes the administrator as the employee they are.
func TestRecoveryProposesTheNominee(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		s, ctx := d.Onboarding, t.Context()
		o := d.connected(t)
		ask := func() string {
			t.Helper()
			if err := s.AskRecovery(ctx, oneSigns, "karla@havblik.example", "da", ""); err != nil {
				t.Fatal(err)
			}
			return d.link(t, "karla@havblik.example")
		}
		if r, err := s.LookRecovery(ctx, ask()); err != nil || r.Nominee != nil {
			t.Errorf("with nobody named LookRecovery proposes %+v, %v", r.Nominee, err)
		}
		heir := d.Employee(t, o, "heir", "Bo Berg")
		by := access.Actor{OrgID: o.ID, ID: "employee:x", Roles: []access.Role{access.OrganisationAdministrator}}
		if err := d.Org.Nominate(ctx, by, heir.ID); err != nil {
			t.Fatal(err)
		}
		token := ask()
		r, err := s.LookRecovery(ctx, token)
		if err != nil || r.Nominee == nil || r.Nominee.ID != heir.ID {
			t.Fatalf("LookRecovery proposes %+v, %v, want the nominee", r.Nominee, err)
		}
		r, err = s.Confirm(ctx, token, r.Nominee.GivenName, r.Nominee.Surname, r.Nominee.Email, "Den eneste administrator er rejst.", "")
		if err != nil {
			t.Fatal(err)
		}
		d.Clock.Move(7 * 24 * 3600e9)
		if err := s.Reopen(ctx, operator, o.ID, r.ID, because); err != nil {
			t.Fatal(err)
		}
		roles, err := org.RolesOf(ctx, db, o.ID, heir.ID)
		if err != nil || len(roles) != 2 {
			t.Errorf("the nominee has the roles %q, %v, want those of the first administrator", roles, err)
		}
	})
}
