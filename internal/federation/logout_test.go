package federation_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/credential"
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

// Services with a session of the holder are told at once when a key file is blocked;
// what another login began goes on.
func TestBlockedKeyFileLogsOutAtServices(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		if err := h.CA.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		told := make(chan string, 20)
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			told <- string(body)
			w.WriteHeader(http.StatusInternalServerError)
		}))
		t.Cleanup(service.Close)
		back := strings.Replace(fmt.Sprintf(slo[:strings.Index(slo, "Location")]+`Location="%s/slo"/>`, service.URL), "HTTP-POST", "SOAP", 1)
		h.register(t, peer.SigningKey(peer.RSA()), back, peer.PostACS)
		file := h.Activate(t, h.own.Invitation)
		loggedIn := func(serial string) (name, session string) {
			t.Helper()
			token, err := h.Session.Start(t.Context(), h.own.Admin, serial, "192.0.2.7")
			if err != nil {
				t.Fatal(err)
			}
			all, err := h.Session.Of(t.Context(), h.own.ID, h.own.Admin.ID)
			if err != nil || token == "" {
				t.Fatal(err)
			}
			login := h.login(t, h.own.Admin.ID)
			login.Session = all[len(all)-1].ID
			out, err := h.accept(t, strings.Replace(peer.AuthnRequest("", ""), `ID="`, `ID="_`+serial, 1))
			if err != nil {
				t.Fatal(err)
			}
			answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, login)
			if err != nil || answered.Reply == nil {
				t.Fatalf("Continue = %+v, %v", answered, err)
			}
			return answered.Reply.NameID, login.Session
		}
		name, _ := loggedIn(file.Serial)
		_, other := loggedIn("") // as an identity provider's
		h.Drain(t)

		click := time.Now()
		if err := h.Credential.BlockKeyFile(t.Context(), h.own.Actor, h.own.Admin.ID, "key_compromise", ""); err != nil {
			t.Fatal(err)
		}
		h.Drain(t)
		select {
		case envelope := <-told:
			t.Logf("the service is told %s after the block", time.Since(click))
			if !strings.Contains(envelope, "LogoutRequest") || !strings.Contains(envelope, name) {
				t.Errorf("the service got %s", envelope)
			}
		default:
			t.Error("the service was not told")
		}
		for len(told) > 0 {
			if envelope := <-told; !strings.Contains(envelope, name) {
				t.Errorf("the service got %s too", envelope)
			}
		}
		left, err := h.Session.Of(t.Context(), h.own.ID, h.own.Admin.ID)
		if err != nil || len(left) != 1 || left[0].ID != other {
			t.Errorf("sessions after the block = %+v, %v, want the one of the other login", left, err)
		}
		parts, err := h.Federation.Parts(t.Context(), h.login(t, h.own.Admin.ID).Actor)
		if err != nil || len(parts) != 1 || parts[0].SessionID != other {
			t.Errorf("logged in at %+v, %v, want once, by the other login", parts, err)
		}
		if err := h.Federation.LogOutKeyFile(t.Context(), credential.BlockedRef{Org: h.own.ID, Employee: h.own.Admin.ID, Serial: file.Serial}); err != nil {
			t.Errorf("done again: %v", err)
		}
		if left, _ = h.Session.Of(t.Context(), h.own.ID, h.own.Admin.ID); len(left) != 1 {
			t.Errorf("done again, %d sessions are left", len(left))
		}
	})
}
