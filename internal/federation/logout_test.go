package federation_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

const slo = `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://service.example/slo"/>`

// logout sends a request, signed by a key, to log a name out.
func (h hub) logout(t *testing.T, id, name string, k oiosaml.Key) federation.Turn {
	t.Helper()
	xml := fmt.Sprintf(`<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`+
		` ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"><saml:Issuer>%s</saml:Issuer><saml:NameID>%s</saml:NameID></samlp:LogoutRequest>`,
		id, h.Clock.Now().UTC().Format("2006-01-02T15:04:05Z"), testkit.BaseURL+"/saml/idp/slo", peer.EntityID, name)
	m, err := oiosaml.ReadLogoutRedirect(peer.Redirect(t, xml, "state", k))
	if err != nil {
		t.Fatal(err)
	}
	turn, err := h.Federation.TakeLogout(t.Context(), m, "", "192.0.2.7")
	if err != nil {
		t.Fatalf("TakeLogout: %v", err)
	}
	return turn
}

// status is the second-level code of a signed answer by POST, else the first.
func status(t *testing.T, m *oiosaml.Move) (code string) {
	t.Helper()
	if m == nil || m.Field != "SAMLResponse" || m.URL != "https://service.example/slo" || m.RelayState != "state" {
		t.Fatalf("answer = %+v", m)
	}
	form, err := oiosaml.ReadLogoutPost(url.Values{"SAMLResponse": {m.Value}})
	if err != nil || !form.Answer {
		t.Fatalf("answer = %v", err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(form.Raw()); err != nil || doc.FindElement("//Signature") == nil {
		t.Fatalf("the answer is not signed: %v", err)
	}
	for _, e := range doc.FindElements("//StatusCode") {
		code = e.SelectAttrValue("Value", "")
	}
	return strings.TrimPrefix(code, "urn:oasis:names:tc:SAML:2.0:status:")
}

func TestLogoutByAService(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		if _, err := h.Federation.Register(t.Context(), h.own.Actor, []byte(peer.Metadata(peer.SigningKey(peer.RSA()), slo, peer.PostACS))); err != nil {
			t.Fatal(err)
		}
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
		if err != nil || answered.Reply == nil {
			t.Fatalf("Continue = %+v, %v", answered, err)
		}
		name := answered.Reply.NameID
		if got := status(t, h.logout(t, "_forged", name, peer.Other()).Move); got != "RequestDenied" {
			t.Errorf("by another key = %s", got)
		}
		if got := status(t, h.logout(t, "_foreign", name+"0", peer.RSA()).Move); got != "UnknownPrincipal" {
			t.Errorf("of another person = %s", got)
		}
		parts, err := h.Federation.Parts(t.Context(), h.login(t, h.own.Admin.ID).Actor)
		if err != nil || len(parts) != 1 {
			t.Fatalf("after refusals the person is logged in at %d services, %v, want 1", len(parts), err)
		}
		turn := h.logout(t, "_logout", name, peer.RSA())
		w, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false)
		if err != nil || status(t, w.Move) != "Success" {
			t.Errorf("ContinueLogout = %+v, %v", w, err)
		}
		if _, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, "another", false); err == nil {
			t.Error("another browser goes on with the logout")
		}
		if got := status(t, h.logout(t, "_logout", name, peer.RSA()).Move); got != "RequestDenied" {
			t.Errorf("the same request again = %s", got)
		}
		if parts, err := h.Federation.Parts(t.Context(), h.login(t, h.own.Admin.ID).Actor); err != nil || len(parts) != 0 {
			t.Errorf("logged in at %d services, %v, want none", len(parts), err)
		}
	})
}
