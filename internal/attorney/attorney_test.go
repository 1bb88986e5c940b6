package attorney_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// parties are a giver, a receiver and a stranger, and a right in an open service
// of the stranger.
type parties struct {
	*testkit.Domain
	giver, receiver, stranger testkit.Company
	give, receive, strange    access.Actor
	bo                        org.Employee // of the receiver, activated
	service                   string
	right                     entitlement.ID
}

func newParties(t *testing.T, db *bun.DB) *parties {
	t.Helper()
	p := &parties{Domain: testkit.NewDomain(t, db), service: store.NewID()}
	p.giver, p.receiver, p.stranger = p.Company(t, "11111111"), p.Company(t, "22222222"), p.Company(t, "33333333")
	p.give, p.receive, p.strange = whole(p.giver), whole(p.receiver), whole(p.stranger)
	p.bo = p.Employee(t, p.receiver.Organisation, "R1", "Bo Berg")
	p.Activate(t, p.Invite(t, p.receiver.Organisation, p.bo))
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return entitlement.Introduce(ctx, tx, entitlement.Target{ID: p.service, OwnerID: p.stranger.ID, OwnerName: p.stranger.Name, Name: "Toldguiden"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Rights.SetOpen(t.Context(), p.strange, p.service, true); err != nil {
		t.Fatal(err)
	}
	right, err := p.Rights.Publish(t.Context(), p.strange, p.service, entitlement.Offer{URI: "urn:customs", NameDA: "Angive told"})
	if err != nil {
		t.Fatal(err)
	}
	p.right = right.ID
	return p
}

// whole is a company's administrator with every role.
func whole(c testkit.Company) access.Actor {
	by := c.Actor
	by.Roles = access.Roles
	return by
}

func (p *parties) terms(cvr string) attorney.Terms {
	return attorney.Terms{CVR: cvr, Rights: []entitlement.ID{p.right}, Reason: "Vi fører jeres bøger."}
}

// given is a power of attorney to the receiver.
func (p *parties) given(t *testing.T) attorney.Power {
	t.Helper()
	power, err := p.Attorney.Give(t.Context(), p.give, p.terms("22222222"))
	if err != nil {
		t.Fatalf("Give = %v", err)
	}
	return power
}

// scopes are the privileges of an employee of the receiver in the service.
func (p *parties) scopes(t *testing.T, e org.Employee) (all []string) {
	t.Helper()
	found, _, err := p.Rights.PrivilegesOf(t.Context(), p.DB, p.receiver.Organisation, e.ID, p.service)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		all = append(all, one.URI+" "+one.Scope)
	}
	return all
}

func (p *parties) verbs(t *testing.T, of access.OrgID, id string) (all []string) {
	t.Helper()
	entries, err := audit.Of(t.Context(), p.DB, of, "attorney:"+id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Verb)
	}
	return all
}

func (p *parties) subjects(t *testing.T, address string) (all []string) {
	t.Helper()
	p.Drain(t)
	mails, _, err := p.Mailbox.Mails("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if strings.Contains(m.To, "<"+address+">") {
			all = append(all, m.Subject)
		}
	}
	return all
}

const onBehalf = "urn:customs urn:dk:gov:saml:cvrNumberIdentifier:11111111"

func TestGiveAttachAndEnd(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newParties(t, db)
		// Acts under the second wall, as web does.
		ours := store.ForTenant(t.Context(), p.giver.ID)
		theirs := store.ForTenant(t.Context(), p.receiver.ID)
		power, err := p.Attorney.Give(ours, p.give, p.terms("2222 2222"))
		if err != nil || !power.Live(p.Clock.Now()) {
			t.Fatalf("Give = %+v, %v", power, err)
		}
		if got := p.scopes(t, p.bo); got != nil {
			t.Errorf("before Bo is attached he has %q", got)
		}
		for range 2 {
			if err := p.Attorney.Attach(theirs, p.receive, power.ID, p.bo.ID); err != nil {
				t.Fatalf("Attach = %v", err)
			}
		}
		if got := p.scopes(t, p.bo); !slices.Equal(got, []string{onBehalf}) {
			t.Errorf("privileges = %q, want %q", got, onBehalf)
		}
		given, _, err := p.Attorney.Given(ours, p.give, "")
		if err != nil || len(given) != 1 || given[0].Attached != 1 || len(given[0].Rights) != 1 || given[0].Rights[0].URI != "urn:customs" {
			t.Errorf("Given = %+v, %v", given, err)
		}
		attached, err := p.Attorney.Attached(theirs, p.receive, power.ID)
		if err != nil || len(attached) != 1 || attached[0].ID != p.bo.ID {
			t.Errorf("Attached = %+v, %v", attached, err)
		}
		if _, err := p.Attorney.Attached(ours, p.give, power.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("the giver asks who is attached: %v, want absent", err)
		}
		if err := p.Attorney.End(ours, p.give, power.ID); err != nil {
			t.Errorf("End = %v", err)
		}
		if err := p.Attorney.End(theirs, p.receive, power.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("End again = %v, want a conflict", err)
		}
		if got := p.scopes(t, p.bo); got != nil {
			t.Errorf("after the end Bo has %q", got)
		}
		if got := p.verbs(t, p.giver.ID, power.ID); !slices.Equal(got, []string{"attorney.give", "attorney.attached", "attorney.end"}) {
			t.Errorf("the giver's log = %q", got)
		}
		if got := p.verbs(t, p.receiver.ID, power.ID); !slices.Equal(got, []string{"attorney.receive", "attorney.attach", "attorney.ended"}) {
			t.Errorf("the receiver's log = %q", got)
		}
		if got := p.subjects(t, p.bo.Email); !slices.Contains(got, "Du kan handle på vegne af Nordvind 11111111") {
			t.Errorf("Bo's mails = %q", got)
		}
	})
}

func TestRequest(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newParties(t, db)
		asked, err := p.Attorney.Request(t.Context(), p.receive, p.terms("11111111"))
		if err != nil || asked.State != attorney.Requested {
			t.Fatalf("Request = %+v, %v", asked, err)
		}
		if err := p.Attorney.Attach(t.Context(), p.receive, asked.ID, p.bo.ID); fault.CodeOf(err) != "attorney.power.inactive" {
			t.Errorf("Attach to a request = %v", err)
		}
		if err := p.Attorney.Approve(t.Context(), p.receive, asked.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("Approve by who asks = %v, want absent", err)
		}
		if err := p.Attorney.End(t.Context(), p.give, asked.ID); fault.CodeOf(err) != "attorney.power.undecided" {
			t.Errorf("End by who is asked = %v", err)
		}
		if err := p.Attorney.Approve(t.Context(), p.give, asked.ID); err != nil {
			t.Errorf("Approve = %v", err)
		}
		if err := p.Attorney.Attach(t.Context(), p.receive, asked.ID, p.bo.ID); err != nil || !slices.Equal(p.scopes(t, p.bo), []string{onBehalf}) {
			t.Errorf("Attach = %v, privileges %q", err, p.scopes(t, p.bo))
		}
		second, err := p.Attorney.Request(t.Context(), p.receive, p.terms("11111111"))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Attorney.Reject(t.Context(), p.give, second.ID, "Vi kender jer ikke."); err != nil {
			t.Errorf("Reject = %v", err)
		}
		if err := p.Attorney.Approve(t.Context(), p.give, second.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Approve what was rejected = %v, want a conflict", err)
		}
		if got := p.verbs(t, p.receiver.ID, second.ID); !slices.Equal(got, []string{"attorney.request", "attorney.rejected"}) {
			t.Errorf("the receiver's log = %q", got)
		}
		if got := p.subjects(t, p.giver.Admin.Email); !slices.Contains(got, "Nordvind 22222222 beder om fuldmagt fra Nordvind 11111111") {
			t.Errorf("mails = %q", got)
		}
	})
}

func TestAPerson(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newParties(t, db)
		terms := p.terms("22222222")
		terms.Person = "nobody@nordvind.example"
		if _, err := p.Attorney.Give(t.Context(), p.give, terms); fault.CodeOf(err) != "attorney.person.unknown" {
			t.Errorf("Give to nobody = %v", err)
		}
		terms.Person = strings.ToUpper(string(p.bo.ID))
		power, err := p.Attorney.Give(t.Context(), p.give, terms)
		if err != nil || power.ReceiverID != p.bo.ID || !slices.Equal(p.scopes(t, p.bo), []string{onBehalf}) {
			t.Errorf("Give = %+v, %v; privileges %q", power, err, p.scopes(t, p.bo))
		}
		if err := p.Attorney.Attach(t.Context(), p.receive, power.ID, p.receiver.Admin.ID); fault.CodeOf(err) != "attorney.power.personal" {
			t.Errorf("Attach another = %v", err)
		}
		if _, err := db.NewUpdate().Model((*org.Employee)(nil)).Set("state = ?", org.Suspended).Where("id = ?", p.bo.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.scopes(t, p.bo); got != nil {
			t.Errorf("a suspended person has %q", got)
		}
	})
}

func TestTerm(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newParties(t, db)
		terms := p.terms("22222222")
		terms.Person = p.bo.Email
		terms.From = p.Clock.Now().Add(time.Hour)
		until := terms.From.Add(time.Hour)
		terms.Until = &until
		if _, err := p.Attorney.Give(t.Context(), p.give, terms); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{0, 1, 0} {
			if got := p.scopes(t, p.bo); len(got) != want {
				t.Errorf("after %d hours Bo has %q", i, got)
			}
			p.Clock.Move(time.Hour)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newParties(t, db)
		power := p.given(t)
		idle := p.Employee(t, p.receiver.Organisation, "R2", "Ida Iversen") // not activated
		closed, err := p.Rights.Publish(t.Context(), p.strange, p.service, entitlement.Offer{URI: "urn:old", NameDA: "Gammel"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Rights.Retire(t.Context(), p.strange, p.service, closed.ID); err != nil {
			t.Fatal(err)
		}
		past := p.Clock.Now().Add(-time.Hour)
		in := func(change func(*attorney.Terms)) attorney.Terms {
			terms := p.terms("22222222")
			change(&terms)
			return terms
		}
		rights := func(by access.Actor, roles ...access.Role) access.Actor { by.Roles = roles; return by }
		before := testkit.Contents(t, db)
		for name, tc := range map[string]struct {
			by    access.Actor
			terms attorney.Terms
			want  string
		}{
			"a rights administrator to an organisation": {rights(p.give, access.RightsAdministrator), in(func(*attorney.Terms) {}), "access.right.missing"},
			"an organisation administrator to a person": {rights(p.give, access.OrganisationAdministrator), in(func(t *attorney.Terms) { t.Person = "x" }), "access.right.missing"},
			"an organisation that is not in Adgang":     {p.give, in(func(t *attorney.Terms) { t.CVR = "44444444" }), "attorney.party.unknown"},
			"to oneself":                                {p.give, in(func(t *attorney.Terms) { t.CVR = "11111111" }), "attorney.party.own"},
			"no right":                                  {p.give, in(func(t *attorney.Terms) { t.Rights = nil }), "attorney.rights.number"},
			"a retired right":                           {p.give, in(func(t *attorney.Terms) { t.Rights = []entitlement.ID{closed.ID} }), "attorney.right.closed"},
			"a right that is none":                      {p.give, in(func(t *attorney.Terms) { t.Rights = []entitlement.ID{"x"} }), "attorney.right.closed"},
			"a term that is over":                       {p.give, in(func(t *attorney.Terms) { t.Until = &past }), "attorney.term.past"},
		} {
			if _, err := p.Attorney.Give(t.Context(), tc.by, tc.terms); fault.CodeOf(err) != tc.want {
				t.Errorf("Give, %s = %v, want %s", name, err, tc.want)
			}
		}
		for name, tc := range map[string]struct {
			err  error
			want string
		}{
			"Attach who is not activated": {p.Attorney.Attach(t.Context(), p.receive, power.ID, idle.ID), "attorney.employee.inactive"},
			"Attach by the giver":         {p.Attorney.Attach(t.Context(), p.give, power.ID, p.giver.Admin.ID), "attorney.power.absent"},
			"Attach the giver's employee": {p.Attorney.Attach(t.Context(), p.receive, power.ID, p.giver.Admin.ID), "org.employee.absent"},
			"Attach by a stranger":        {p.Attorney.Attach(t.Context(), p.strange, power.ID, p.bo.ID), "attorney.power.absent"},
			"End by a stranger":           {p.Attorney.End(t.Context(), p.strange, power.ID), "attorney.power.absent"},
			"Approve by a stranger":       {p.Attorney.Approve(t.Context(), p.strange, power.ID), "attorney.power.absent"},
			"Reject by a stranger":        {p.Attorney.Reject(t.Context(), p.strange, power.ID, "vi kender dem ikke"), "attorney.power.absent"},
			"Detach who is not attached":  {p.Attorney.Detach(t.Context(), p.receive, power.ID, p.bo.ID), "attorney.employee.absent"},
		} {
			if fault.CodeOf(tc.err) != tc.want {
				t.Errorf("%s = %v, want %s", name, tc.err, tc.want)
			}
		}
		after := testkit.Contents(t, db)
		for table := range before {
			if !slices.Equal(before[table], after[table]) {
				t.Errorf("what was refused changed %s", table)
			}
		}
		for name, list := range map[string]func(context.Context, access.Actor, string) ([]attorney.Power, string, error){"Given": p.Attorney.Given, "Received": p.Attorney.Received} {
			if got, _, err := list(t.Context(), p.strange, ""); err != nil || len(got) != 0 {
				t.Errorf("%s by a stranger = %d powers, %v", name, len(got), err)
			}
		}
	})
}
