package web_test

import (
	"bytes"
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var posted = regexp.MustCompile(`name="SAMLResponse" value="([^"]+)"`)

// A login that is refused ends on a page that says which level is needed, whose
// form goes to the service and nowhere else; the administrator then sees why.
func TestRefusalPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	s.Federate(t)
	admin := s.admin(t, s.company)
	var service web.Service
	a := admin.Do(t, http.MethodPost, "/api/v1/services", bytes.NewReader([]byte(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS))), "Content-Type", "application/xml")
	a.JSON(t, &service)
	send := func(id, inner string) testkit.Answer {
		xml := strings.NewReplacer("2027-03-01T12:00:00Z", s.Clock.Now().UTC().Format(time.RFC3339), `"_request"`, `"`+id+`"`).Replace(peer.AuthnRequest("", inner))
		first := admin.Do(t, http.MethodGet, "/saml/idp/sso?"+peer.Redirect(t, xml, "state", peer.RSA()), nil)
		if first.Status != http.StatusSeeOther {
			t.Fatalf("sso = %d: %s", first.Status, first.Body)
		}
		return admin.Do(t, http.MethodGet, first.Header.Get("Location"), nil)
	}
	saml := func(page testkit.Answer) string {
		found := posted.FindSubmatch(page.Body)
		if page.Status != http.StatusOK || found == nil || !strings.Contains(string(page.Body), `value="state"`) || !strings.Contains(page.Header.Get("Content-Security-Policy"), "form-action https://service.example") {
			t.Fatalf("page = %d, %q: %s", page.Status, page.Header.Get("Content-Security-Policy"), page.Body)
		}
		return string(peer.Must(base64.StdEncoding.DecodeString(html.UnescapeString(string(found[1])))))
	}
	if got := saml(send("_good", "")); !strings.Contains(got, "status:Success") {
		t.Errorf("answer = %s", got)
	}
	refused := send("_high", `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>https://data.gov.dk/concept/core/nsis/loa/Substantial</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`)
	if got := saml(refused); !strings.Contains(got, "NoAuthnContext") {
		t.Errorf("answer = %s", got)
	}
	for _, want := range []string{"Du kom ikke ind i", "sikringsniveau Betydelig", "assurance level Substantial", "en nøglefil giver sikringsniveau Lav", "federation.refusal.level"} {
		if !strings.Contains(string(refused.Body), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(refused.Body), "post.js") || !strings.Contains(string(refused.Body), "</html>") {
		t.Error("the page posts itself, or is cut off")
	}
	var list web.ServiceAttemptList
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/services/"+service.ID+"/attempts?result=refused", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Code != "federation.refusal.level" || list.Items[0].Facts.Wanted == nil || len(list.Items[0].Parts) != 2 {
		t.Fatalf("attempts = %+v", list.Items)
	}
	message := admin.Do(t, http.MethodGet, "/api/v1/services/"+service.ID+"/attempts/"+list.Items[0].ID+"/response", nil)
	if message.Status != http.StatusOK || !strings.Contains(string(message.Body), "NoAuthnContext") {
		t.Errorf("message = %d: %s", message.Status, message.Body)
	}
}

// The login page knows which service it is for, in the browser that began it, and
// can cancel.
func TestLoginPageCancels(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	s.Federate(t)
	if _, err := s.Federation.Register(t.Context(), s.company.Actor, []byte(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS))); err != nil {
		t.Fatal(err)
	}
	browser := s.client(t)
	xml := strings.Replace(peer.AuthnRequest("", ""), "2027-03-01T12:00:00Z", s.Clock.Now().UTC().Format(time.RFC3339), 1)
	first := browser.Do(t, http.MethodGet, "/saml/idp/sso?"+peer.Redirect(t, xml, "state", peer.RSA()), nil)
	flow := strings.TrimPrefix(first.Header.Get("Location"), "/saml/continue?flow=")
	var waiting web.LoginFlow
	browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/login/flows/"+flow, nil, &waiting)
	if waiting.Service == "" || waiting.Level != "" {
		t.Errorf("flow = %+v", waiting)
	}
	if other := s.client(t).Do(t, http.MethodGet, "/api/v1/login/flows/"+flow, nil); other.Status != http.StatusNotFound {
		t.Errorf("flow in another browser = %d", other.Status)
	}
	page := browser.Do(t, http.MethodGet, "/saml/cancel?flow="+flow, nil)
	found := posted.FindSubmatch(page.Body)
	if page.Status != http.StatusOK || found == nil || !strings.Contains(string(page.Body), "post.js") {
		t.Fatalf("cancel = %d: %s", page.Status, page.Body)
	}
	if got := peer.Must(base64.StdEncoding.DecodeString(html.UnescapeString(string(found[1])))); !strings.Contains(string(got), "AuthnFailed") {
		t.Errorf("answer = %s", got)
	}
}
