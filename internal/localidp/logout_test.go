package localidp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

const (
	ownSLO    = "https://login.company.example/slo"
	partySLO  = peer.Base + "/saml/sp/slo"
	logoutMD  = `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + ownSLO + `"/>`
	protocol  = `xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`
	statusURN = "urn:oasis:names:tc:SAML:2.0:status:"
)

// newLogoutHouse has a provider that takes part in logouts.
func newLogoutHouse(t *testing.T, db *bun.DB) *house {
	t.Helper()
	h := newHouse(t, db)
	if _, err := h.LocalIdP.Propose(t.Context(), h.company.Actor, h.idp.ID, []byte(peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.RedirectSSO, logoutMD))); err != nil {
		t.Fatal(err)
	}
	if _, err := h.LocalIdP.Accept(t.Context(), h.company.Actor, h.idp.ID); err != nil {
		t.Fatal(err)
	}
	return h
}

// enter logs Bo in and returns the session's cookie.
func (h *house) enter(t *testing.T) string {
	t.Helper()
	id, cookie := h.begin(t, localidp.Heading{})
	l := h.login()
	l.InReplyTo = id
	done, err := h.answer(t, l, cookie)
	if err != nil {
		t.Fatal(err)
	}
	return done.Token
}

// message sends the provider's logout message, signed by a key.
func (h *house) message(t *testing.T, tag, id, attrs, inner string, k oiosaml.Key) (federation.Turn, error) {
	t.Helper()
	xml := fmt.Sprintf(`<samlp:%s %s ID="%s" Version="2.0" IssueInstant="%s" Destination="%s" %s><saml:Issuer>%s</saml:Issuer>%s</samlp:%s>`,
		tag, protocol, id, h.Clock.Now().UTC().Format("2006-01-02T15:04:05Z"), partySLO, attrs, peer.Own, inner, tag)
	field := map[string]string{"LogoutRequest": "SAMLRequest", "LogoutResponse": "SAMLResponse"}[tag]
	m, err := oiosaml.ReadLogoutRedirect(peer.RedirectAs(t, field, xml, "state", k))
	if err != nil {
		t.Fatal(err)
	}
	return h.LocalIdP.TakeLogout(t.Context(), m, "", address)
}

func (h *house) wish(t *testing.T, id, name, session string, k oiosaml.Key) federation.Turn {
	t.Helper()
	inner := "<saml:NameID>" + name + "</saml:NameID>"
	if session != "" {
		inner += "<samlp:SessionIndex>" + session + "</samlp:SessionIndex>"
	}
	turn, err := h.message(t, "LogoutRequest", id, "", inner, k)
	if err != nil {
		t.Fatalf("TakeLogout: %v", err)
	}
	return turn
}

// answered is the last status code of an answer to the provider.
func answered(t *testing.T, m *oiosaml.Move) (code string) {
	t.Helper()
	if m == nil || !strings.HasPrefix(m.URL, ownSLO+"?SAMLResponse=") {
		t.Fatalf("answer = %+v", m)
	}
	for _, e := range peer.Said(t, m.URL, "SAMLResponse").FindElements("//StatusCode") {
		code = strings.TrimPrefix(e.SelectAttrValue("Value", ""), statusURN)
	}
	return code
}

func TestLogoutByTheProvider(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newLogoutHouse(t, db)
		// Another organisation claims the same provider, with a key of its own.
		other := h.Company(t, "87654321")
		if _, err := h.LocalIdP.Register(t.Context(), other.Actor, localidp.Registration{
			Metadata: []byte(peer.IdentityMetadata(peer.SigningKey(peer.Other()), peer.RedirectSSO, logoutMD)),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.DB.ExecContext(t.Context(), "UPDATE local_idp SET state = 'active'"); err != nil {
			t.Fatal(err)
		}
		token := h.enter(t)
		for _, tc := range []struct {
			id, name, session, want string
			key                     oiosaml.Key
		}{
			{"_forged", "bo", "", "RequestDenied", peer.EC()},
			{"_neighbour", "bo", "", "UnknownPrincipal", peer.Other()},
			{"_nobody", "eve", "", "UnknownPrincipal", peer.RSA()},
			{"_elsewhere", "bo", "_another", "UnknownPrincipal", peer.RSA()},
		} {
			if got := answered(t, h.wish(t, tc.id, tc.name, tc.session, tc.key).Move); got != tc.want {
				t.Errorf("%s = %s, want %s", tc.id, got, tc.want)
			}
		}
		if _, _, err := h.Session.Actor(t.Context(), token, address); err != nil {
			t.Fatalf("after refusals the session is over: %v", err)
		}
		turn := h.wish(t, "_logout", "bo", "_session", peer.RSA())
		if _, _, err := h.Session.Actor(t.Context(), token, address); fault.CodeOf(err) != "session.none" {
			t.Errorf("Actor after the logout = %v, want none", err)
		}
		w, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false)
		if err != nil || answered(t, w.Move) != "Success" {
			t.Errorf("ContinueLogout = %+v, %v", w, err)
		}
		if got := answered(t, h.wish(t, "_logout", "bo", "_session", peer.RSA()).Move); got != "RequestDenied" {
			t.Errorf("the same request again = %s", got)
		}
		if notes := h.verbs(t, "idp.refuse"); len(notes) != 4 {
			t.Errorf("refusals on record = %q, want 4 here", notes)
		}
	})
}

// The provider is asked when everybody else has been, and its answer is what ends
// the logout.
func TestLogoutEndsAtTheProvider(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newLogoutHouse(t, db)
		for _, answer := range []string{"Success", "Responder", "", "forged"} {
			token := h.enter(t)
			by, one, err := h.Session.Actor(t.Context(), token, address)
			if err != nil {
				t.Fatal(err)
			}
			if parts, err := h.Federation.Parts(t.Context(), by); err != nil || len(parts) != 0 {
				t.Errorf("Parts = %+v, %v: the provider is no service", parts, err)
			}
			turn, err := h.Federation.LogOut(t.Context(), by, "", one.ID)
			if err != nil {
				t.Fatal(err)
			}
			w, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false)
			if err != nil || w.Move == nil {
				t.Fatalf("ContinueLogout = %+v, %v", w, err)
			}
			asked := peer.Said(t, w.Move.URL, "SAMLRequest")
			if name := asked.FindElement("NameID"); name == nil || name.Text() != "bo" || asked.FindElement("SessionIndex").Text() != "_session" || asked.SelectAttrValue("Destination", "") != ownSLO {
				t.Errorf("asked = %s", peer.Must(etree.NewDocumentWithRoot(asked).WriteToString()))
			}
			want, key := federation.LogoutPartial, peer.RSA()
			switch answer {
			case "Success":
				want = federation.LogoutComplete
			case "forged":
				answer, key = "Success", peer.Other()
			}
			if answer != "" {
				status := `<samlp:Status><samlp:StatusCode Value="` + statusURN + answer + `"/></samlp:Status>`
				_, err := h.message(t, "LogoutResponse", "_r"+one.ID, `InResponseTo="`+w.Move.ID+`"`, status, key)
				if (err == nil) != (key.Certificate == peer.RSA().Certificate) {
					t.Errorf("answer %s: TakeLogout = %v", answer, err)
				}
			}
			h.Clock.Move(31 * time.Second)
			w, err = h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false)
			if err != nil || w.Logout.State != want {
				t.Errorf("answer %q ends %s, %v, want %s", answer, w.Logout.State, err, want)
			}
		}
	})
}

// A provider that takes part in no logout is said to be left logged in.
func TestLogoutWithoutTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t))
	by, one, err := h.Session.Actor(t.Context(), h.enter(t), address)
	if err != nil {
		t.Fatal(err)
	}
	turn, err := h.Federation.LogOut(t.Context(), by, "", one.ID)
	if err != nil {
		t.Fatal(err)
	}
	w, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false)
	if err != nil || w.Move != nil || w.Logout.State != federation.LogoutPartial || len(w.Steps) != 1 || w.Steps[0].Note != federation.NoteNone {
		t.Errorf("ContinueLogout = %+v, %v", w, err)
	}
}
