package revocation_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/revocation"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// house is a company whose administrator and five others have key files.
type house struct {
	*testkit.Domain

	own    testkit.Company
	people []org.Employee
}

func build(t *testing.T, db *bun.DB) house {
	t.Helper()
	d := testkit.NewDomain(t, db)
	h := house{Domain: d, own: d.Company(t, "34051178")}
	d.Activate(t, h.own.Invitation)
	for _, name := range []string{"Bo Berg", "Eva Holm", "Ib Skov", "Ida Lund", "Per Dahl"} {
		e := d.Employee(t, h.own.Organisation, strings.ReplaceAll(name, " ", "."), name)
		d.Activate(t, d.Invite(t, h.own.Organisation, e))
		h.people = append(h.people, e)
	}
	d.Revocation.Step = 2
	d.Drain(t)
	return h
}

func (h house) live(t *testing.T, by access.Actor) revocation.Standing {
	t.Helper()
	all, err := h.Revocation.Standings(t.Context(), by)
	if err != nil || len(all) != len(revocation.Kinds) {
		t.Fatalf("Standings = %+v, %v", all, err)
	}
	return all[slices.Index(revocation.Kinds, pki.ProfileEmployee)]
}

func (h house) count(t *testing.T, table, where string) int64 {
	t.Helper()
	n, err := h.DB.NewSelect().Table(table).Where("org_id = ?", h.own.ID).Where(where).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var all = revocation.Revocation{Kind: pki.ProfileEmployee, Reason: "key_compromise"}

func TestRevoke(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := build(t, db)
		other := h.Company(t, "30808460")
		h.Activate(t, other.Invitation)
		by := h.own.Actor
		if st := h.live(t, by); st.Live != 5 || st.Revoking {
			t.Fatalf("before: %+v, want the five others", st)
		}
		humble := by
		humble.Roles = []access.Role{access.OrganisationAdministrator}
		for name, tc := range map[string]struct {
			by   access.Actor
			in   revocation.Revocation
			seen int64
			want string
		}{
			"without the right":      {humble, all, 5, "access.right.missing"},
			"another number":         {by, all, 4, "revocation.kind.changed"},
			"free text":              {by, revocation.Revocation{Kind: pki.ProfileEmployee, Reason: "They leaked"}, 5, "revocation.reason"},
			"an unknown kind":        {by, revocation.Revocation{Kind: "robot", Reason: "superseded"}, 5, "revocation.kind.unknown"},
			"a kind that nobody has": {by, revocation.Revocation{Kind: pki.ProfileSystem, Reason: "superseded"}, 0, "revocation.kind.none"},
		} {
			if _, _, err := h.Revocation.Revoke(t.Context(), tc.by, tc.in, tc.seen); fault.CodeOf(err) != tc.want {
				t.Errorf("Revoke %s = %v, want %s", name, err, tc.want)
			}
		}
		if n := h.count(t, "certificate", "state = 'revoked'"); n != 0 {
			t.Fatalf("refusals revoked %d certificates", n)
		}
		st, waiting, err := h.Revocation.Revoke(t.Context(), by, all, 5)
		if err != nil || waiting != nil || !st.Revoking {
			t.Fatalf("Revoke = %+v, %v, %v", st, waiting, err)
		}
		if _, _, err := h.Revocation.Revoke(t.Context(), by, all, 5); fault.CodeOf(err) != "revocation.kind.running" {
			t.Errorf("a second Revoke = %v", err)
		}
		// Made after the start: not meant.
		h.Clock.Move(1e9)
		late := h.Employee(t, h.own.Organisation, "late", "Ny Nygård")
		h.Activate(t, h.Invite(t, h.own.Organisation, late))
		h.Drain(t)
		if st := h.live(t, by); st.Live != 1 || st.Revoking {
			t.Errorf("after: %+v, want the late one", st)
		}
		if n := h.count(t, "key_file", "state = 'blocked'"); n != 5 {
			t.Errorf("%d key files are blocked, want 5", n)
		}
		for where, want := range map[string]int64{
			"verb = 'certificate.revoke'": 5, "verb = 'key_file.block'": 5,
			"verb = 'certificate_kind.revoke' AND note = 'key_compromise, 5 certificates'": 1,
			"verb = 'certificate_kind.revoked' AND note = '5 certificates'":                1,
		} {
			if n := h.count(t, "audit_entry", where+" AND actor = '"+by.ID+"'"); n != want {
				t.Errorf("%d entries where %s, want %d", n, where, want)
			}
		}
		if _, err := h.Credential.InstallationCode(t.Context(), by, late.ID); fault.KindOf(err) == fault.Internal {
			t.Error(err)
		}
		if n, err := db.NewSelect().Table("certificate").Where("org_id = ?", other.ID).Where("state = 'issued'").Count(t.Context()); err != nil || n != 1 {
			t.Errorf("another organisation has %d certificates in force, %v", n, err)
		}
	})
}

// A piece of the work that comes a second time, as after a crash, revokes nothing
// twice.
func TestRevokeTwice(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := build(t, db)
		h.Revocation.Step = 100
		ref := revocation.Ref{Org: h.own.ID, Kind: pki.ProfileEmployee, Reason: "superseded", Actor: h.own.Actor.ID, Until: h.Clock.Now()}
		for range 2 {
			if err := h.Revocation.Some(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		if n := h.count(t, "audit_entry", "verb = 'certificate.revoke'"); n != 6 {
			t.Errorf("%d certificates were revoked, want 6", n)
		}
	})
}

func TestRevokeWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := build(t, db)
		second := h.people[0]
		if err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			if err := h.Org.Assign(ctx, tx, second, access.UserAdministrator); err != nil {
				return err
			}
			_, err := h.Setting.Put(ctx, tx, h.own.Actor, func(s *setting.Settings) { s.FourEyes = []string{revocation.RevokeAct.Name} })
			return err
		}); err != nil {
			t.Fatal(err)
		}
		_, waiting, err := h.Revocation.Revoke(t.Context(), h.own.Actor, all, 5)
		if err != nil || waiting == nil {
			t.Fatalf("Revoke = %v, %v, want it to wait", waiting, err)
		}
		h.Drain(t)
		if n := h.count(t, "certificate", "state = 'revoked'"); n != 0 {
			t.Fatalf("%d certificates are revoked before the approval", n)
		}
		by := access.Actor{OrgID: h.own.ID, ID: "employee:" + string(second.ID), Employee: second.ID, Name: "Bo Berg", Roles: []access.Role{access.UserAdministrator}}
		if _, err := h.Approval.Approve(t.Context(), by, waiting.ID); err != nil {
			t.Fatal(err)
		}
		h.Drain(t)
		// Both administrators keep theirs, to see what came of it.
		if n := h.count(t, "certificate", "state = 'issued'"); n != 2 {
			t.Errorf("%d certificates are in force, want those of the two administrators", n)
		}
	})
}
