package entitlement_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const reason = "I do the accounts now"

// place is an organisation with a service, as the tests begin.
type place struct {
	*testkit.Domain
	testkit.Company
	service string
}

// newPlace registers a service in name only: no metadata is needed here.
func newPlace(t *testing.T, db *bun.DB) *place {
	t.Helper()
	d := testkit.NewDomain(t, db)
	p := &place{Domain: d, Company: d.Company(t, "34051178")}
	p.Actor.Roles = access.Roles
	p.service = p.introduce(t, p.ID, "Time registration")
	return p
}

func (p *place) introduce(t *testing.T, owner access.OrgID, name string) string {
	t.Helper()
	id := store.NewID()
	err := store.InTx(t.Context(), p.DB, func(ctx context.Context, tx bun.Tx) error {
		return entitlement.Introduce(ctx, tx, entitlement.Target{ID: id, OwnerID: owner, OwnerName: "Nordvind", Name: name})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// publish offers a right for every scope, with the constraint KLE, to be asked for.
func (p *place) publish(t *testing.T, uri string) entitlement.Right {
	t.Helper()
	r, err := p.Rights.Publish(t.Context(), p.Actor, p.service, entitlement.Offer{
		URI: uri, NameDA: "Bogfør " + uri, NameEN: "Book " + uri, Scopes: []string{"cvr", "p", "se"}, Requestable: true,
		Allowed: entitlement.Constraints{{Name: "urn:kle"}, {Name: "urn:kind", Values: []string{"a", "b"}}},
	})
	if err != nil {
		t.Fatalf("Publish %s: %v", uri, err)
	}
	return r
}

// as is an employee who acts, with roles.
func as(e org.Employee, roles ...access.Role) access.Actor {
	return access.Actor{OrgID: e.OrgID, ID: "employee:" + string(e.ID), Employee: e.ID, Name: e.Name(), Roles: roles}
}

// uris lists what an employee may do in the service now, as scope and URI.
func (p *place) uris(t *testing.T, e org.Employee) []string {
	t.Helper()
	all, _, err := p.Rights.PrivilegesOf(t.Context(), p.DB, p.Organisation, e.ID, p.service)
	if err != nil {
		t.Fatalf("PrivilegesOf: %v", err)
	}
	var found []string
	for _, one := range all {
		found = append(found, one.Scope[len("urn:dk:gov:saml:"):]+" "+one.URI)
	}
	return found
}

func (p *place) recorded(t *testing.T, object string) (verbs []string) {
	t.Helper()
	entries, err := audit.Of(t.Context(), p.DB, p.ID, object)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		verbs = append(verbs, e.Verb)
	}
	return verbs
}

func TestGrantAndWithdraw(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		r, e := p.publish(t, "urn:book"), p.Employee(t, p.Organisation, "R1", "Bo Holm")
		until := p.Clock.Now().Add(time.Hour)
		gift := entitlement.Gift{Employee: e.ID, Right: r.ID, Until: &until}
		a, err := p.Rights.Give(t.Context(), p.Actor, gift)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Rights.Give(t.Context(), p.Actor, gift); err != nil {
			t.Errorf("the same again = %v", err)
		}
		gift.Scope = entitlement.Scope{Kind: "p", Value: "1001234567"}
		if _, err := p.Rights.Give(t.Context(), p.Actor, gift); err != nil {
			t.Fatal(err)
		}
		want := []string{"cvrNumberIdentifier:34051178 urn:book", "productionUnitIdentifier:1001234567 urn:book"}
		if got := p.uris(t, e); !slices.Equal(got, want) {
			t.Errorf("privileges = %q, want %q", got, want)
		}
		if got := p.recorded(t, "employee:"+string(e.ID)); !slices.Equal(got, []string{"entitlement.grant", "entitlement.grant"}) {
			t.Errorf("recorded = %q", got)
		}
		if err := p.Rights.Take(t.Context(), p.Actor, a.ID); err != nil {
			t.Fatal(err)
		}
		if err := p.Rights.Take(t.Context(), p.Actor, a.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("Take twice = %v, want Absent", err)
		}
		if got := p.uris(t, e); !slices.Equal(got, want[1:]) {
			t.Errorf("privileges = %q, want %q", got, want[1:])
		}
		p.Clock.Move(time.Hour)
		if got := p.uris(t, e); got != nil {
			t.Errorf("privileges after their end = %q", got)
		}
	})
}

func TestGrantRefuses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		r, e := p.publish(t, "urn:book"), p.Employee(t, p.Organisation, "R1", "Bo Holm")
		other := p.Domain.Company(t, "30808460")
		plain, err := p.Rights.Publish(t.Context(), p.Actor, p.service, entitlement.Offer{URI: "urn:seal", NameDA: "Segl", Seal: true})
		if err != nil {
			t.Fatal(err)
		}
		gone := p.publish(t, "urn:gone")
		if err := p.Rights.Retire(t.Context(), p.Actor, p.service, gone.ID); err != nil {
			t.Fatal(err)
		}
		past := p.Clock.Now()
		group, err := p.Rights.CreateGroup(t.Context(), p.Actor, entitlement.Group{Name: "Bogholderi", Kind: entitlement.Customised})
		if err != nil {
			t.Fatal(err)
		}
		users := as(p.Admin, access.UserAdministrator)
		before := testkit.Contents(t, db)["entitlement_assignment"]
		for name, tc := range map[string]struct {
			by   access.Actor
			gift entitlement.Gift
			want fault.Kind
		}{
			"without the right":        {as(e), entitlement.Gift{Employee: e.ID, Right: r.ID}, fault.Denied},
			"a seal, by who may not":   {users, entitlement.Gift{Employee: e.ID, Right: plain.ID}, fault.Denied},
			"a group, by who may not":  {users, entitlement.Gift{Group: group.ID, Right: r.ID}, fault.Denied},
			"another organisation's":   {other.Actor, entitlement.Gift{Employee: other.Admin.ID, Right: r.ID}, fault.Absent},
			"to another organisation":  {p.Actor, entitlement.Gift{Employee: other.Admin.ID, Right: r.ID}, fault.Absent},
			"to nobody":                {p.Actor, entitlement.Gift{Right: r.ID}, fault.Invalid},
			"retired":                  {p.Actor, entitlement.Gift{Employee: e.ID, Right: gone.ID}, fault.Conflict},
			"over already":             {p.Actor, entitlement.Gift{Employee: e.ID, Right: r.ID, Until: &past}, fault.Invalid},
			"a unit that is none":      {p.Actor, entitlement.Gift{Employee: e.ID, Right: r.ID, Scope: entitlement.Scope{Kind: "p", Value: "12"}}, fault.Invalid},
			"a unit that is not meant": {p.Actor, entitlement.Gift{Employee: e.ID, Right: plain.ID, Scope: entitlement.Scope{Kind: "se", Value: "12345678"}}, fault.Invalid},
			"a value that is not allowed": {p.Actor, entitlement.Gift{
				Employee: e.ID, Right: r.ID, Constraints: entitlement.Constraints{{Name: "urn:kind", Values: []string{"c"}}},
			}, fault.Invalid},
		} {
			if _, err := p.Rights.Give(t.Context(), tc.by, tc.gift); fault.KindOf(err) != tc.want {
				t.Errorf("%s: Give = %v, want kind %d", name, err, tc.want)
			}
		}
		if after := testkit.Contents(t, db)["entitlement_assignment"]; !slices.Equal(before, after) {
			t.Errorf("refused gifts changed assignments: %q", after)
		}
	})
}
