package localidp_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const (
	cvr     = "12345678"
	address = "192.0.2.7"
)

// house is an organisation with an own login that is switched on.
type house struct {
	*testkit.Domain

	company testkit.Company
	idp     localidp.IdP
	person  org.Employee // has the local user ID "bo"
}

func newHouse(t *testing.T, db *bun.DB) *house {
	t.Helper()
	h := &house{Domain: testkit.NewDomain(t, db)}
	h.Federate(t)
	h.company = h.Company(t, cvr)
	h.person = h.Employee(t, h.company.Organisation, "RID1", "Bo Berg")
	h.exec(t, "UPDATE employee SET local_user_id = 'bo' WHERE id = ?", h.person.ID)
	h.allow(t, "key_file", "local_idp", "private_mitid")
	h.idp = h.register(t, localidp.Local)
	h.on(t, h.idp)
	return h
}

func (h *house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.DB.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// allow sets what the organisation lets its people log in with.
func (h *house) allow(t *testing.T, authenticators ...string) {
	t.Helper()
	now, err := h.Setting.Settings(t.Context(), h.company.Actor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Setting.Change(t.Context(), h.company.Actor, now.Version, func(s *setting.Settings) { s.Authenticators = authenticators }); err != nil {
		t.Fatal(err)
	}
}

func (h *house) register(t *testing.T, kind string) localidp.IdP {
	t.Helper()
	p, err := h.LocalIdP.Register(t.Context(), h.company.Actor, localidp.Registration{Kind: kind, Metadata: []byte(metadata())})
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	return p
}

func metadata() string {
	return peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.RedirectSSO)
}

func (h *house) on(t *testing.T, p localidp.IdP) {
	t.Helper()
	if err := h.LocalIdP.Switch(t.Context(), h.company.Actor, p.ID, localidp.Active); err != nil {
		t.Fatalf("Switch: %v", err)
	}
}

// terms changes the provider's terms.
func (h *house) terms(t *testing.T, change func(*localidp.Terms)) {
	t.Helper()
	p, err := h.LocalIdP.IdP(t.Context(), h.company.Actor, h.idp.ID)
	if err != nil {
		t.Fatal(err)
	}
	terms := localidp.Terms{
		Name: p.Name, JoinBy: p.JoinBy, Level: p.Level, Creates: p.Creates, Unsolicited: p.Unsolicited, CBC: p.CBC, Skew: p.Skew, Version: p.Version,
	}
	change(&terms)
	if _, err := h.LocalIdP.Change(t.Context(), h.company.Actor, p.ID, terms); err != nil {
		t.Fatalf("Change: %v", err)
	}
}

// login is what the provider says of Bo now.
func (h *house) login() peer.Login {
	key := peer.RSA()
	return peer.Login{
		At: h.Clock.Now(), Name: "bo", Key: &key, Assertion: "_" + store.NewID(),
		Attributes: map[string]string{oiosaml.AttrCVR: cvr, oiosaml.AttrLoA: "Substantial"},
	}
}

// begin sends somebody to the provider and returns the request's ID and the cookie.
func (h *house) begin(t *testing.T, to localidp.Heading) (id, cookie string) {
	t.Helper()
	begun, err := h.LocalIdP.Begin(t.Context(), h.idp.ID, to)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return peer.Asked(t, begun.Sent.URL).SelectAttrValue("ID", ""), begun.Cookie
}

// answer brings an answer and takes the login.
func (h *house) answer(t *testing.T, l peer.Login, cookie string) (localidp.Finished, error) {
	t.Helper()
	arrival, err := h.LocalIdP.Answer(t.Context(), l.Field(t), address)
	if err != nil {
		return localidp.Finished{}, err
	}
	return h.LocalIdP.Finish(t.Context(), arrival.ID, cookie, address)
}

// verbs are the audit entries of the organisation since it was founded, in order.
func (h *house) verbs(t *testing.T, verb string) (notes []string) {
	t.Helper()
	err := h.DB.NewSelect().Table("audit_entry").Column("note").Where("org_id = ?", h.company.ID).Where("verb = ?", verb).Order("id").Scan(t.Context(), &notes)
	if err != nil {
		t.Fatal(err)
	}
	return notes
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		id, cookie := h.begin(t, localidp.Heading{Flow: "flow", Next: "/me", Service: "https://service.example", Level: oiosaml.Substantial, Fresh: true})
		l := h.login()
		l.InReplyTo = id
		done, err := h.answer(t, l, cookie)
		if err != nil || done.Token == "" || done.Flow != "flow" || done.Next != "/me" || done.Prove {
			t.Fatalf("login = %+v, %v", done, err)
		}
		by, one, err := h.Session.Actor(t.Context(), done.Token, address)
		if err != nil || by.Employee != h.person.ID || one.IdPID != h.idp.ID || one.Level != "Low" || one.SessionIndex != "_session" || !strings.Contains(one.NameID, `"bo"`) {
			t.Errorf("Actor = %+v, %+v, %v, want Bo at the provider's cap", by, one, err)
		}
		if notes := h.verbs(t, "session.start"); len(notes) != 1 || !strings.Contains(notes[0], "level Low") {
			t.Errorf("session.start = %q", notes)
		}

		if _, err := h.answer(t, l, cookie); fault.CodeOf(err) != "localidp.over" {
			t.Errorf("the same answer again = %v, want it over", err)
		}
		second, cookie := h.begin(t, localidp.Heading{})
		l.InReplyTo = second // the assertion was seen
		if _, err := h.answer(t, l, cookie); fault.CodeOf(err) != "localidp.answer.replay" {
			t.Errorf("the assertion again = %v, want replay", err)
		}
		if err := h.LocalIdP.Switch(t.Context(), h.company.Actor, h.idp.ID, localidp.Off); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Session.Actor(t.Context(), done.Token, address); fault.CodeOf(err) != "session.none" {
			t.Errorf("Actor after the provider was switched off = %v, want none", err)
		}
	})
}

// What the request says of the service and its wishes.
func TestAsk(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	h.terms(t, func(x *localidp.Terms) { x.Level = "High" })
	begun, err := h.LocalIdP.Begin(t.Context(), h.idp.ID, localidp.Heading{Service: "https://service.example", Level: oiosaml.Substantial, Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	r := peer.Asked(t, begun.Sent.URL)
	for path, want := range map[string]string{
		"Issuer": peer.Party, "Scoping/RequesterID": "https://service.example",
		"RequestedAuthnContext/AuthnContextClassRef": "https://data.gov.dk/concept/core/nsis/loa/Substantial",
	} {
		if el := r.FindElement(path); el == nil || el.Text() != want {
			t.Errorf("%s = %v, want %s", path, el, want)
		}
	}
	for name, want := range map[string]string{
		"ForceAuthn": "true", "Destination": peer.OwnSSO, "AssertionConsumerServiceURL": peer.Answers, "IsPassive": "",
	} {
		if got := r.SelectAttrValue(name, ""); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// Each answer that does not fit is refused, told to the administrator, and logs
// nobody in.
func TestRefuseLogin(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		other := h.Company(t, "87654321")
		h.Employee(t, other.Organisation, "RIDX", "Eve Else")
		h.exec(t, "UPDATE employee SET local_user_id = 'eve' WHERE org_id = ?", other.ID)
		for _, tc := range []struct {
			name, code string
			change     func(*peer.Login)
		}{
			{"other organisation's employee", "localidp.person.unknown", func(l *peer.Login) { l.Name = "eve" }},
			{"unknown", "localidp.person.unknown", func(l *peer.Login) { l.Name = "nobody" }},
			{"no CVR number", "localidp.cvr_missing", func(l *peer.Login) { delete(l.Attributes, oiosaml.AttrCVR) }},
			{"another CVR number", "localidp.cvr", func(l *peer.Login) { l.Attributes[oiosaml.AttrCVR] = "87654321" }},
			{"another key", "localidp.answer.signature", func(l *peer.Login) { k := peer.Other(); l.Key = &k }},
			{"unsigned", "localidp.answer.unsigned", func(l *peer.Login) { l.Key = nil }},
			{"another audience", "localidp.answer.audience", func(l *peer.Login) { l.Audience = "https://other.example" }},
			{"too old", "localidp.answer.expired", func(l *peer.Login) { l.At = l.At.Add(-10 * time.Minute) }},
		} {
			id, cookie := h.begin(t, localidp.Heading{})
			l := h.login()
			l.InReplyTo = id
			tc.change(&l)
			if done, err := h.answer(t, l, cookie); fault.CodeOf(err) != tc.code || done.Token != "" {
				t.Errorf("%s: login = %+v, %v, want %s", tc.name, done, err, tc.code)
			}
			p, err := h.LocalIdP.IdP(t.Context(), h.company.Actor, h.idp.ID)
			if err != nil || p.Failure != tc.code || p.FailedAt == nil {
				t.Errorf("%s: the administrator sees %q, %v", tc.name, p.Failure, err)
			}
			if notes := h.verbs(t, "idp.refuse"); len(notes) == 0 || !strings.HasPrefix(notes[len(notes)-1], tc.code) {
				t.Errorf("%s: idp.refuse = %q", tc.name, notes)
			}
		}
		if started := h.verbs(t, "session.start"); len(started) != 0 {
			t.Errorf("sessions were started: %q", started)
		}
		if rows := testkit.Contents(t, db)["session"]; len(rows) != 0 {
			t.Errorf("sessions = %d, want none", len(rows))
		}
	})
}

// The browser that began must take the login, once and soon.
func TestFinish(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	arrive := func() (string, string) {
		id, cookie := h.begin(t, localidp.Heading{})
		l := h.login()
		l.InReplyTo = id
		a, err := h.LocalIdP.Answer(t.Context(), l.Field(t), address)
		if err != nil {
			t.Fatalf("Answer: %v", err)
		}
		return a.ID, cookie
	}
	id, cookie := arrive()
	if _, err := h.LocalIdP.Finish(t.Context(), id, "stolen", address); fault.CodeOf(err) != "localidp.over" {
		t.Errorf("another browser = %v, want it over", err)
	}
	if _, err := h.LocalIdP.Finish(t.Context(), id, cookie, address); err != nil {
		t.Errorf("Finish = %v", err)
	}
	if _, err := h.LocalIdP.Finish(t.Context(), id, cookie, address); fault.CodeOf(err) != "localidp.over" {
		t.Errorf("second time = %v, want it over", err)
	}
	id, cookie = arrive()
	h.Clock.Move(6 * time.Minute)
	if _, err := h.LocalIdP.Finish(t.Context(), id, cookie, address); fault.CodeOf(err) != "localidp.over" {
		t.Errorf("too late = %v, want it over", err)
	}
	id, cookie = arrive()
	h.exec(t, "UPDATE employee SET state = 'suspended' WHERE id = ?", h.person.ID)
	if _, err := h.LocalIdP.Finish(t.Context(), id, cookie, address); fault.CodeOf(err) != "localidp.person.stopped" {
		t.Errorf("suspended since = %v, want stopped", err)
	}
	h.Clock.Move(2 * time.Hour)
	if err := h.LocalIdP.DropRequests(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := testkit.Contents(t, h.DB); len(c["local_idp_request"])+len(c["local_idp_assertion"]) != 0 {
		t.Errorf("left after the sweep: %v", c["local_idp_request"])
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		attempt := func(change func(*peer.Login)) (access.EmployeeID, error) {
			id, cookie := h.begin(t, localidp.Heading{})
			l := h.login()
			l.InReplyTo = id
			change(&l)
			done, err := h.answer(t, l, cookie)
			if err != nil {
				return "", err
			}
			by, _, err := h.Session.Actor(t.Context(), done.Token, address)
			return by.Employee, err
		}
		h.terms(t, func(x *localidp.Terms) { x.JoinBy = localidp.ByRID })
		if who, err := attempt(func(l *peer.Login) { l.Name = "x"; l.Attributes[oiosaml.AttrRID] = "RID1" }); err != nil || who != h.person.ID {
			t.Errorf("by RID = %s, %v", who, err)
		}
		h.terms(t, func(x *localidp.Terms) { x.JoinBy = localidp.ByUUID })
		if who, err := attempt(func(l *peer.Login) {
			l.Attributes[oiosaml.AttrUUID] = "urn:uuid:" + strings.ToUpper(string(h.person.ID))
		}); err != nil || who != h.person.ID {
			t.Errorf("by UUID = %s, %v", who, err)
		}
		h.terms(t, func(x *localidp.Terms) { x.JoinBy = localidp.ByLocalUserID })
		second := h.Employee(t, h.company.Organisation, "RID2", "Bo Two")
		h.exec(t, "UPDATE employee SET local_user_id = 'bo' WHERE id = ?", second.ID)
		if who, err := attempt(func(*peer.Login) {}); fault.CodeOf(err) != "localidp.person.ambiguous" {
			t.Errorf("two with the same ID = %s, %v", who, err)
		}
		newcomer := func(l *peer.Login) {
			l.Name = "ny"
			l.Attributes[oiosaml.AttrFullName], l.Attributes[oiosaml.AttrEmail] = "Ny Åge Nybo", "ny@nordvind.example"
		}
		if who, err := attempt(newcomer); fault.CodeOf(err) != "localidp.person.unknown" {
			t.Errorf("newcomer without leave = %s, %v", who, err)
		}
		h.terms(t, func(x *localidp.Terms) { x.Creates = true })
		who, err := attempt(newcomer)
		if err != nil {
			t.Fatalf("newcomer = %v", err)
		}
		if e, err := org.Get(t.Context(), h.DB, h.company.ID, who); err != nil || e.LocalUserID != "ny" || e.GivenName != "Ny Åge" || e.Surname != "Nybo" {
			t.Errorf("created = %+v, %v", e, err)
		}
		if again, err := attempt(newcomer); err != nil || again != who {
			t.Errorf("the newcomer again = %s, %v, want %s", again, err, who)
		}
		if _, err := attempt(func(l *peer.Login) { l.Name = "nameless" }); fault.CodeOf(err) != "localidp.person.not_created" {
			t.Errorf("nameless = %v", err)
		}
		if made := h.verbs(t, "employee.create"); len(made) != 1 {
			t.Errorf("employee.create = %d entries, want 1", len(made))
		}
	})
}

// An answer that nobody asked for counts only where the provider may begin.
func TestUnsolicited(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		if _, err := h.answer(t, h.login(), ""); fault.CodeOf(err) != "localidp.unsolicited" {
			t.Errorf("unasked = %v, want it refused", err)
		}
		h.terms(t, func(x *localidp.Terms) { x.Unsolicited = true })
		l := h.login()
		if done, err := h.answer(t, l, ""); err != nil || done.Token == "" {
			t.Errorf("unasked and allowed = %+v, %v", done, err)
		}
		if _, err := h.answer(t, l, ""); fault.CodeOf(err) != "localidp.answer.replay" {
			t.Errorf("the same again = %v, want replay", err)
		}
	})
}

// A test shows what came, logs nobody in and works before the login counts.
func TestTest(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		if err := h.LocalIdP.Switch(t.Context(), h.company.Actor, h.idp.ID, localidp.Off); err != nil {
			t.Fatal(err)
		}
		try := func(name string) (localidp.Arrival, localidp.Result) {
			begun, err := h.LocalIdP.Test(t.Context(), h.company.Actor, h.idp.ID)
			if err != nil {
				t.Fatalf("Test: %v", err)
			}
			l := h.login()
			l.InReplyTo, l.Name = peer.Asked(t, begun.Sent.URL).SelectAttrValue("ID", ""), name
			arrival, err := h.LocalIdP.Answer(t.Context(), l.Field(t), address)
			if err != nil || !arrival.Test {
				t.Fatalf("Answer = %+v, %v", arrival, err)
			}
			if done, err := h.LocalIdP.Finish(t.Context(), arrival.ID, begun.Cookie, address); fault.CodeOf(err) != "localidp.over" || done.Token != "" {
				t.Errorf("Finish of a test = %+v, %v", done, err)
			}
			result, err := h.LocalIdP.Tested(t.Context(), h.company.Actor, h.idp.ID, arrival.ID)
			if err != nil {
				t.Fatalf("Tested: %v", err)
			}
			return arrival, result
		}
		arrival, result := try("bo")
		if result.Employee != h.person.ID || result.Stated != "Substantial" || result.Level != "Low" || result.Refusal != "" || result.Attributes[oiosaml.AttrCVR][0] != cvr {
			t.Errorf("test = %+v", result)
		}
		other := h.Company(t, "87654321")
		if _, err := h.LocalIdP.Tested(t.Context(), other.Actor, h.idp.ID, arrival.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("another organisation sees it: %v", err)
		}
		if _, result := try("nobody"); result.Refusal != "localidp.person.unknown" {
			t.Errorf("test of nobody = %+v", result)
		}
	})
}

// Whoever is neither logged in nor of the house gets nowhere.
func TestRights(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	other := h.Company(t, "87654321")
	nobody := access.Actor{OrgID: h.company.ID, ID: "employee:1", Employee: h.person.ID}
	for name, call := range map[string]func(context.Context, access.Actor) error{
		"IdP": func(ctx context.Context, by access.Actor) error {
			_, err := h.LocalIdP.IdP(ctx, by, h.idp.ID)
			return err
		},
		"Change": func(ctx context.Context, by access.Actor) error {
			_, err := h.LocalIdP.Change(ctx, by, h.idp.ID, localidp.Terms{Name: "x", JoinBy: "rid", Level: "Low"})
			return err
		},
		"Switch": func(ctx context.Context, by access.Actor) error {
			return h.LocalIdP.Switch(ctx, by, h.idp.ID, localidp.Off)
		},
		"Remove": func(ctx context.Context, by access.Actor) error { return h.LocalIdP.Remove(ctx, by, h.idp.ID) },
		"Propose": func(ctx context.Context, by access.Actor) error {
			_, err := h.LocalIdP.Propose(ctx, by, h.idp.ID, []byte(metadata()))
			return err
		},
		"Accept": func(ctx context.Context, by access.Actor) error {
			_, err := h.LocalIdP.Accept(ctx, by, h.idp.ID)
			return err
		},
		"AddDomain": func(ctx context.Context, by access.Actor) error {
			_, err := h.LocalIdP.AddDomain(ctx, by, h.idp.ID, "a.example")
			return err
		},
		"Test": func(ctx context.Context, by access.Actor) error {
			_, err := h.LocalIdP.Test(ctx, by, h.idp.ID)
			return err
		},
	} {
		if err := call(t.Context(), nobody); fault.KindOf(err) != fault.Denied {
			t.Errorf("%s without the right = %v", name, err)
		}
		if err := call(t.Context(), other.Actor); fault.KindOf(err) != fault.Absent {
			t.Errorf("%s from another organisation = %v", name, err)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	id, cookie := h.begin(t, localidp.Heading{})
	l := h.login()
	l.InReplyTo = id
	l.EditResponse = func(xml string) string {
		at := strings.Index(xml, "<samlp:Status>")
		return xml[:at] + `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"/></samlp:StatusCode><samlp:StatusMessage>no such level</samlp:StatusMessage></samlp:Status></samlp:Response>`
	}
	if _, err := h.answer(t, l, cookie); fault.CodeOf(err) != "localidp.status.level" {
		t.Errorf("refusal = %v", err)
	}
	if p, err := h.LocalIdP.IdP(t.Context(), h.company.Actor, h.idp.ID); err != nil || p.FailureNote != "Responder NoAuthnContext: no such level" {
		t.Errorf("the administrator sees %q, %v", p.FailureNote, err)
	}
	if _, err := h.LocalIdP.Answer(t.Context(), base64.StdEncoding.EncodeToString([]byte("<a/>")), address); fault.CodeOf(err) != "localidp.answer.malformed" {
		t.Errorf("no response at all = %v", err)
	}
}
