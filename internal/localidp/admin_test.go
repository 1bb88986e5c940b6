package localidp_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

// New metadata is shown and does not count until somebody accepts it.
func TestPropose(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		by := h.company.Actor
		if p, err := h.LocalIdP.Propose(t.Context(), by, h.idp.ID, []byte(metadata())); err != nil || p.Proposed != "" {
			t.Errorf("the same metadata = %q, %v, want nothing proposed", p.Proposed, err)
		}
		moved := strings.Replace(peer.IdentityMetadata(peer.SigningKey(peer.Other()), peer.RedirectSSO), peer.OwnSSO, "https://new.company.example/sso", 1)
		p, err := h.LocalIdP.Propose(t.Context(), by, h.idp.ID, []byte(moved))
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Difference()
		if err != nil || d == nil || len(d.Added) != 1 || len(d.Removed) != 1 || len(d.Kept) != 0 || len(d.Changes) != 1 || d.Changes[0].What != "sign_on" {
			t.Fatalf("Difference = %+v, %v", d, err)
		}
		attempt := func(key oiosaml.Key) error {
			id, cookie := h.begin(t, localidp.Heading{})
			l := h.login()
			l.InReplyTo, l.Key = id, &key
			_, err := h.answer(t, l, cookie)
			return err
		}
		if err := attempt(peer.Other()); fault.CodeOf(err) != "localidp.answer.signature" {
			t.Errorf("the proposed key before it is accepted = %v", err)
		}
		if _, err := h.LocalIdP.Accept(t.Context(), by, h.idp.ID); err != nil {
			t.Fatal(err)
		}
		if err := attempt(peer.Other()); err != nil {
			t.Errorf("the accepted key = %v", err)
		}
		if err := attempt(peer.RSA()); fault.CodeOf(err) != "localidp.answer.signature" {
			t.Errorf("the old key = %v", err)
		}
		if _, err := h.LocalIdP.Accept(t.Context(), by, h.idp.ID); fault.CodeOf(err) != "localidp.nothing_proposed" {
			t.Errorf("Accept again = %v", err)
		}
		foreign := strings.Replace(moved, `entityID="`+peer.Own, `entityID="https://other.example`, 1)
		if _, err := h.LocalIdP.Propose(t.Context(), by, h.idp.ID, []byte(foreign)); fault.CodeOf(err) != "localidp.entity_id" {
			t.Errorf("metadata of another = %v", err)
		}
		if got := [2]int{len(h.verbs(t, "idp.propose")), len(h.verbs(t, "idp.accept"))}; got != [2]int{1, 1} {
			t.Errorf("proposed and accepted on record = %v", got)
		}
	})
}

// Metadata with an address is fetched again; what fails leaves what counts.
func TestRefresh(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	served := metadata()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served == "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(served))
	}))
	t.Cleanup(server.Close)
	other := h.Company(t, "87654321")
	p, err := h.LocalIdP.Register(t.Context(), other.Actor, localidp.Registration{URL: server.URL})
	if err != nil || p.MetadataURL != server.URL || p.EntityID != peer.Own {
		t.Fatalf("Register = %+v, %v", p, err)
	}
	read := func() localidp.IdP {
		if err := h.Feeds.Fetch(t.Context(), feed.Ref{Org: other.ID, Partner: "idp:" + p.ID}); err != nil {
			t.Fatalf("Refresh: %v", err)
		}
		p, err := h.LocalIdP.IdP(t.Context(), other.Actor, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := read(); p.Proposed != "" || p.FetchFailure != "" {
		t.Errorf("unchanged = %q, %q", p.Proposed, p.FetchFailure)
	}
	served = ""
	if p := read(); p.FetchFailure != "feed.status" || p.Source != metadata() {
		t.Errorf("away = %q", p.FetchFailure)
	}
	served = peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.SigningKey(peer.Other()), peer.RedirectSSO)
	if p := read(); p.FetchFailure != "" || p.Proposed != served || p.Source != metadata() {
		t.Errorf("changed = %q, %q", p.Proposed, p.FetchFailure)
	}
	h.Feeds.PrivateHosts = false
	if _, err := h.LocalIdP.Register(t.Context(), other.Actor, localidp.Registration{URL: strings.Replace(server.URL, "http:", "https:", 1)}); fault.CodeOf(err) != "feed.private" {
		t.Errorf("a private address = %v", err)
	}
}

// A domain counts after its proof, for one organisation only, and leads to active
// logins only.
func TestDomains(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		other := h.Company(t, "87654321")
		theirs, err := h.LocalIdP.Register(t.Context(), other.Actor, localidp.Registration{Metadata: []byte(metadata())})
		if err != nil {
			t.Fatal(err)
		}
		homes := func(hint string) int {
			all, err := h.LocalIdP.Homes(t.Context(), hint)
			if err != nil {
				t.Fatalf("Homes(%q): %v", hint, err)
			}
			return len(all)
		}
		mine, err := h.LocalIdP.AddDomain(t.Context(), h.company.Actor, h.idp.ID, " Nordvind.example ")
		if err != nil || mine.Domain != "nordvind.example" || mine.Record() != "_adgang.nordvind.example" {
			t.Fatalf("AddDomain = %+v, %v", mine, err)
		}
		captured, err := h.LocalIdP.AddDomain(t.Context(), other.Actor, theirs.ID, "nordvind.example")
		if err != nil {
			t.Fatalf("another organisation names it too: %v", err)
		}
		if n := homes("bo@nordvind.example"); n != 0 {
			t.Errorf("an unproved domain leads to %d logins", n)
		}
		if d, err := h.LocalIdP.VerifyDomain(t.Context(), h.company.Actor, h.idp.ID, mine.ID); err != nil || d.VerifiedAt == nil {
			t.Fatalf("VerifyDomain = %+v, %v", d, err)
		}
		if _, err := h.LocalIdP.VerifyDomain(t.Context(), other.Actor, theirs.ID, captured.ID); fault.CodeOf(err) != "localidp.domain.taken" {
			t.Errorf("the second to prove it = %v, want taken", err)
		}
		if n := homes("Bo@NORDVIND.example"); n != 1 {
			t.Errorf("a proved domain leads to %d logins", n)
		}
		if n := homes("DK " + cvr); n != 1 {
			t.Errorf("the CVR number leads to %d logins", n)
		}
		if n := homes("87654321") + homes("x@elsewhere.example"); n != 0 {
			t.Errorf("drafts and strangers lead to %d logins", n)
		}
		if _, err := h.LocalIdP.Homes(t.Context(), "no such thing"); fault.CodeOf(err) != "localidp.hint" {
			t.Errorf("a hint that is none = %v", err)
		}
		if _, err := h.LocalIdP.VerifyDomain(t.Context(), other.Actor, h.idp.ID, mine.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("another organisation's domain = %v", err)
		}
		if err := h.LocalIdP.RemoveDomain(t.Context(), h.company.Actor, h.idp.ID, mine.ID); err != nil || homes("bo@nordvind.example") != 0 {
			t.Errorf("RemoveDomain = %v", err)
		}
	})
}

// The proof is asked of DNS: a resolver that answers nobody leaves it unproved.
func TestDomainProofAsksDNS(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	var asked bool
	h.LocalIdP.Resolver = &net.Resolver{PreferGo: true, Dial: nowhere(&asked)}
	d, err := h.LocalIdP.AddDomain(t.Context(), h.company.Actor, h.idp.ID, "nordvind.dk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.LocalIdP.VerifyDomain(t.Context(), h.company.Actor, h.idp.ID, d.ID); fault.CodeOf(err) != "localidp.domain.dns" || !asked {
		t.Errorf("VerifyDomain = %v, asked %v, want DNS to be asked in vain", err, asked)
	}
}

// Settings decide whether such logins are allowed at all.
func TestSwitch(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	if err := h.LocalIdP.Switch(t.Context(), h.company.Actor, h.idp.ID, localidp.Off); err != nil {
		t.Fatal(err)
	}
	if _, err := h.LocalIdP.Begin(t.Context(), h.idp.ID, localidp.Heading{}); fault.CodeOf(err) != "localidp.unknown" {
		t.Errorf("Begin at one that is off = %v", err)
	}
	h.allow(t, "key_file")
	if err := h.LocalIdP.Switch(t.Context(), h.company.Actor, h.idp.ID, localidp.Active); fault.CodeOf(err) != "localidp.not_allowed" {
		t.Errorf("Switch against the settings = %v", err)
	}
	if _, err := h.LocalIdP.Change(t.Context(), h.company.Actor, h.idp.ID, localidp.Terms{Name: "x", JoinBy: "rid", Level: "Low"}); fault.KindOf(err) == 0 {
		t.Error("Change of an old version is taken")
	}
	for name, terms := range map[string]localidp.Terms{
		"name": {JoinBy: "rid", Level: "Low"}, "join_by": {Name: "x", JoinBy: "cpr", Level: "Low"}, "level": {Name: "x", JoinBy: "rid", Level: "Top"},
		"skew": {Name: "x", JoinBy: "rid", Level: "Low", Skew: 601}, "creates": {Name: "x", JoinBy: "uuid", Level: "Low", Creates: true},
	} {
		if _, err := h.LocalIdP.Change(t.Context(), h.company.Actor, h.idp.ID, terms); fault.CodeOf(err) != "localidp."+name {
			t.Errorf("%s = %v", name, err)
		}
	}
	if err := h.LocalIdP.Remove(t.Context(), h.company.Actor, h.idp.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.LocalIdP.IdP(t.Context(), h.company.Actor, h.idp.ID); fault.KindOf(err) != fault.Absent {
		t.Errorf("IdP after Remove = %v", err)
	}
}

// An invited employee whose identity is not known well enough proves it by MitID
// through NemLog-in, and can be activated then.
func TestProve(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		by := h.company.Actor
		raw, err := os.ReadFile("../oiosaml/testdata/nemlogin/oiosaml3-idp-inttest.xml")
		if err != nil {
			t.Fatal(err)
		}
		if p, err := h.LocalIdP.Register(t.Context(), by, localidp.Registration{Kind: localidp.NemLogin, Metadata: raw}); err != nil || p.JoinBy != localidp.ByCPR || p.State != localidp.Draft {
			t.Fatalf("NemLog-in = %+v, %v, want a draft", p, err)
		}
		if ok, err := h.LocalIdP.CanProve(t.Context(), h.company.ID); ok || err != nil {
			t.Errorf("CanProve before it is on = %v, %v", ok, err)
		}
		// The same rules with a provider whose key we have.
		if err := h.LocalIdP.Remove(t.Context(), by, h.idp.ID); err != nil {
			t.Fatal(err)
		}
		h.idp = h.register(t, localidp.NemLogin)
		h.on(t, h.idp)
		e, err := h.Org.Create(t.Context(), by, org.Person{GivenName: "Ida", Surname: "Iversen", Email: "ida@nordvind.example", CPR: "0101804444"}, "")
		if err != nil {
			t.Fatal(err)
		}
		attempt := func(cpr, ial string) error {
			begun, err := h.LocalIdP.BeginProof(t.Context(), e, "/activate?proved=1")
			if err != nil {
				t.Fatal(err)
			}
			request := peer.Asked(t, begun.Sent.URL)
			if el := request.FindElement("RequestedAuthnContext/AuthnContextClassRef"); el == nil || el.Text() != oiosaml.ProfilePerson || request.SelectAttrValue("ForceAuthn", "") != "true" {
				t.Errorf("the request asks for %v", el)
			}
			l := h.login()
			l.InReplyTo = request.SelectAttrValue("ID", "")
			l.Attributes = map[string]string{oiosaml.AttrCPR: cpr, oiosaml.AttrLoA: "Low", oiosaml.AttrIAL: ial}
			done, err := h.answer(t, l, begun.Cookie)
			if err == nil && (!done.Prove || done.Token != "" || done.Next != "/activate?proved=1") {
				t.Errorf("Finish = %+v, want the way back and no session", done)
			}
			return err
		}
		level := func() (string, string) {
			now, err := org.Get(t.Context(), h.DB, h.company.ID, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now.ProofingMethod, now.ProofingLevel
		}
		if err := attempt("0202804444", "Substantial"); fault.CodeOf(err) != "localidp.prove.other" {
			t.Errorf("somebody else's MitID = %v", err)
		}
		if err := attempt("", "Substantial"); fault.CodeOf(err) != "localidp.prove.no_cpr" {
			t.Errorf("no CPR number = %v", err)
		}
		if method, l := level(); method != "" || l != "" {
			t.Errorf("after refusals: %q %q", method, l)
		}
		if err := attempt("0101804444", "Substantial"); err != nil {
			t.Fatalf("the right MitID = %v", err)
		}
		if method, l := level(); method != org.ByPrivateMitID || l != "Substantial" {
			t.Errorf("proved = %q %q", method, l)
		}
		if err := attempt("0101804444", "Low"); err != nil {
			t.Fatal(err)
		}
		if _, l := level(); l != "Substantial" {
			t.Errorf("a lower proof sank it to %q", l)
		}
		if got := h.verbs(t, "employee.prove"); len(got) != 1 {
			t.Errorf("employee.prove = %q, want one", got)
		}
		if _, err := h.LocalIdP.BeginProof(t.Context(), org.Employee{OrgID: "another"}, ""); fault.CodeOf(err) != "localidp.unknown" {
			t.Errorf("an organisation without NemLog-in = %v", err)
		}
		h.Clock.Move(time.Minute)
	})
}

// nowhere is the way to a DNS server that does not exist.
func nowhere(asked *bool) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		*asked = true
		return nil, errors.New("no way there")
	}
}
