package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var localIdPRules = []rule{
	{route: "POST /api/v1/login/homes", right: open, body: `{"hint": "99999999"}`, want: 200, verbs: nothing},
	{route: "POST /api/v1/activation/proof", right: open, body: `{"token": "x"}`, want: 404},
	{route: "GET /api/v1/identity-providers", right: access.ChangeSettings, want: 200},
	{route: "POST /api/v1/identity-providers", right: access.ChangeSettings, body: `{"metadata": "<a/>"}`, want: 422},
	{route: "GET /api/v1/identity-providers/:id", right: access.ChangeSettings, id: "idp", want: 200},
	{
		route: "PUT /api/v1/identity-providers/:id", right: access.ChangeSettings, id: "idp", want: 200, verbs: "idp.change",
		body: `{"name": "Vores login", "join_by": "rid", "level": "Low", "creates": false, "unsolicited": false, "cbc": false, "skew": 60, "version": 0}`,
	},
	{route: "POST /api/v1/identity-providers/:id/state", right: access.ChangeSettings, id: "idp", body: `{"state": "off"}`, want: 204, verbs: "idp.switch_off"},
	{route: "POST /api/v1/identity-providers/:id/metadata", right: access.ChangeSettings, id: "idp", body: `{}`, want: 422},
	{route: "POST /api/v1/identity-providers/:id/metadata/accept", right: access.ChangeSettings, id: "idp", want: 409},
	{route: "POST /api/v1/identity-providers/:id/metadata/discard", right: access.ChangeSettings, id: "idp", want: 409},
	{route: "POST /api/v1/identity-providers/:id/domains", right: access.ChangeSettings, id: "idp", body: `{"domain": "second.example"}`, want: 201, verbs: "idp.domain_add"},
	{route: "POST /api/v1/identity-providers/:id/domains/:domain/verify", right: access.ChangeSettings, id: "idp", want: 200, verbs: "idp.domain_verify"},
	{route: "DELETE /api/v1/identity-providers/:id/domains/:domain", right: access.ChangeSettings, id: "idp", want: 204, verbs: "idp.domain_remove"},
	{route: "POST /api/v1/identity-providers/:id/tests", right: access.ChangeSettings, id: "idp", want: 201, verbs: nothing},
	{route: "GET /api/v1/identity-providers/:id/tests/:test", right: access.ChangeSettings, id: "idp", want: 200},
	{route: "GET /saml/sp/metadata", right: open, want: 200},
	{route: "GET /saml/sp/metadata/:id", right: open, id: "idp", want: 200, verbs: "saml_key.seen"}, // one is announced
	{route: "GET /saml/sp/login", right: open, want: 303},
	{route: "POST /saml/sp/acs", right: open, want: 303, verbs: nothing},
	{route: "GET /saml/sp/finish", right: open, want: 303},
	{route: "GET /saml/sp/slo", right: open, want: 422},
	{route: "POST /saml/sp/slo", right: open, want: 422},
	{route: "DELETE /api/v1/identity-providers/:id", right: access.ChangeSettings, id: "idp", want: 204, verbs: "idp.remove"},
}

func localIdPFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	p, err := r.LocalIdP.Register(t.Context(), c.Actor, localidp.Registration{Metadata: []byte(peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.RedirectSSO))})
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.LocalIdP.AddDomain(t.Context(), c.Actor, p.ID, "c"+c.CVR+".example")
	if err != nil {
		t.Fatal(err)
	}
	begun, err := r.LocalIdP.Test(t.Context(), c.Actor, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	key := peer.RSA()
	test := peer.Login{
		At: r.Clock.Now(), Name: "x", Key: &key, InReplyTo: peer.Asked(t, begun.Sent.URL).SelectAttrValue("ID", ""),
		Attributes: map[string]string{oiosaml.AttrCVR: c.CVR},
	}
	arrival, err := r.LocalIdP.Answer(t.Context(), test.Field(t), "192.0.2.9")
	if err != nil {
		t.Fatal(err)
	}
	c.ids["idp"], c.ids["domain"], c.ids["test"] = p.ID, d.ID, arrival.ID
}

// A browser logs in over its organisation's own login, on the way to a service and
// to Adgang itself, and a refusal ends at the page that explains it.
func TestOwnLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	s.Federate(t)
	by := s.company.Actor
	now, err := s.Setting.Settings(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Setting.Change(t.Context(), by, now.Version, func(v *setting.Settings) { v.Authenticators = []string{"key_file", "local_idp"} }); err != nil {
		t.Fatal(err)
	}
	p, err := s.LocalIdP.Register(t.Context(), by, localidp.Registration{Metadata: []byte(peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.RedirectSSO))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LocalIdP.Switch(t.Context(), by, p.ID, localidp.Active); err != nil {
		t.Fatal(err)
	}
	e := s.Employee(t, s.company.Organisation, "R1", "Bo Berg")
	if _, err := s.DB.ExecContext(t.Context(), "UPDATE employee SET local_user_id = 'bo' WHERE id = ?", e.ID); err != nil {
		t.Fatal(err)
	}
	browser := s.client(t)
	var homes web.HomeList
	browser.Must(t, http.StatusOK, http.MethodPost, "/api/v1/login/homes", web.HomeHint{Hint: "DK " + s.company.CVR}, &homes)
	if len(homes.Items) != 1 || homes.Items[0].ID != p.ID || homes.Items[0].Organisation != s.company.Name {
		t.Fatalf("homes = %+v", homes)
	}
	out := browser.Do(t, http.MethodGet, "/saml/sp/login?next=%2Fme&idp="+p.ID, nil)
	if out.Status != http.StatusSeeOther || !strings.HasPrefix(out.Header.Get("Location"), peer.OwnSSO+"?SAMLRequest=") {
		t.Fatalf("login = %d to %s", out.Status, out.Header.Get("Location"))
	}
	post := func(l peer.Login) testkit.Answer {
		return browser.Do(t, http.MethodPost, "/saml/sp/acs", strings.NewReader(url.Values{"SAMLResponse": {l.Field(t)}}.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	}
	key := peer.RSA()
	l := peer.Login{
		At: s.Clock.Now(), Name: "nobody", Key: &key, Attributes: map[string]string{oiosaml.AttrCVR: s.company.CVR},
		InReplyTo: peer.Asked(t, out.Header.Get("Location")).SelectAttrValue("ID", ""),
	}
	if a := post(l); a.Header.Get("Location") != "/login/failed?code=localidp.person.unknown" {
		t.Errorf("nobody ends at %s", a.Header.Get("Location"))
	}
	l.Name = "bo"
	a := post(l)
	if !strings.HasPrefix(a.Header.Get("Location"), "/saml/sp/finish?login=_") {
		t.Fatalf("answer = %d to %s: %s", a.Status, a.Header.Get("Location"), a.Body)
	}
	stranger := s.client(t)
	if b := stranger.Do(t, http.MethodGet, a.Header.Get("Location"), nil); b.Header.Get("Location") != "/login/failed?code=localidp.over" {
		t.Errorf("another browser ends at %s", b.Header.Get("Location"))
	}
	if b := browser.Do(t, http.MethodGet, a.Header.Get("Location"), nil); b.Header.Get("Location") != "/me" {
		t.Errorf("finish ends at %s", b.Header.Get("Location"))
	}
	var session web.Session
	browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &session)
	if session.EmployeeID == nil || *session.EmployeeID != string(e.ID) {
		t.Errorf("session = %+v, want Bo's", session)
	}
}
