package web_test

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// ownLoginSuccesses are of an organisation's own identity provider.
var ownLoginSuccesses = []success{
	{route: "POST /api/v1/identity-providers", want: 201, verbs: "idp.register", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, body: map[string]any{"metadata": idpMetadata("https://first.example")}}
	}},
	{route: "POST /api/v1/identity-providers/:id/metadata", want: 200, verbs: "idp.propose", prepare: func(t *testing.T, r *rulings) act {
		id := r.provider(t, "https://second.example", "")
		return act{by: r.own.admin, path: "/api/v1/identity-providers/" + id + "/metadata", body: map[string]any{"metadata": rolled("https://second.example")}}
	}},
	{route: "POST /api/v1/identity-providers/:id/metadata/accept", want: 200, verbs: "idp.accept", prepare: func(t *testing.T, r *rulings) act {
		id := r.provider(t, "https://third.example", "")
		if _, err := r.LocalIdP.Propose(t.Context(), r.ruler(), id, []byte(rolled("https://third.example"))); err != nil {
			t.Fatal(err)
		}
		return act{by: r.own.admin, path: "/api/v1/identity-providers/" + id + "/metadata/accept"}
	}},
	{route: "POST /api/v1/identity-providers/:id/metadata/discard", want: 200, verbs: "idp.discard", prepare: func(t *testing.T, r *rulings) act {
		id := r.provider(t, "https://fourth.example", "")
		if _, err := r.LocalIdP.Propose(t.Context(), r.ruler(), id, []byte(rolled("https://fourth.example"))); err != nil {
			t.Fatal(err)
		}
		return act{by: r.own.admin, path: "/api/v1/identity-providers/" + id + "/metadata/discard"}
	}},
	{route: "POST /saml/sp/acs", want: 303, verbs: "idp.test", prepare: func(t *testing.T, r *rulings) act {
		var begun web.Departure
		r.own.admin.Must(t, http.StatusCreated, post, "/api/v1/identity-providers/"+r.provider(t, "https://fifth.example", "")+"/tests", nil, &begun)
		key := peer.RSA()
		l := peer.Login{
			At: r.Clock.Now(), Name: "x", Key: &key, Issuer: "https://fifth.example", Attributes: map[string]string{oiosaml.AttrCVR: cvr},
			InReplyTo: peer.Asked(t, begun.URL).SelectAttrValue("ID", ""),
		}
		return act{by: r.own.admin, body: strings.NewReader(url.Values{"SAMLResponse": {l.Field(t)}}.Encode()), header: formKind}
	}},
	{route: "GET /saml/sp/finish", want: 303, verbs: "session.start", prepare: func(t *testing.T, r *rulings) act {
		client, path := r.arrived(t, "https://sixth.example", "HOMELY")
		return act{by: client, path: path}
	}},
	{route: "GET /saml/sp/slo", want: 303, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client := r.home(t, "https://eighth.example", "AWAYGET")
		return act{by: client, path: "/saml/sp/slo?" + peer.Redirect(t, r.recalls("https://eighth.example", "AWAYGET", "_away_get"), "state", peer.RSA())}
	}},
	{route: "POST /saml/sp/slo", want: 200, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client := r.home(t, "https://ninth.example", "AWAYPOST")
		return act{by: client, body: strings.NewReader(posting(t, r.recalls("https://ninth.example", "AWAYPOST", "_away_post"))), header: formKind}
	}},
	{route: "POST /api/v1/activation/proof", want: 201, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		r.set(t, func(s *setting.Settings) {
			s.Authenticators, s.Creation.SelfRequest = []string{"key_file", "private_mitid"}, false
		})
		p := r.provider(t, "https://seventh.example", localidp.NemLogin)
		if err := r.LocalIdP.Switch(t.Context(), r.ruler(), p, localidp.Active); err != nil {
			t.Fatal(err)
		}
		return act{by: r.client(t), body: map[string]any{"token": r.invited(t, "PROOF").Token}}
	}},
}

// samlSuccesses are logins to a service, and out of it.
var samlSuccesses = []success{
	{route: "GET /saml/idp/sso", want: 303, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		r.serve(t)
		return act{by: r.client(t), path: "/saml/idp/sso?" + peer.Redirect(t, r.asks("_sso_get"), "state", peer.RSA())}
	}},
	{route: "POST /saml/idp/sso", want: 303, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		r.serve(t)
		return act{by: r.client(t), body: strings.NewReader(posting(t, r.asks("_sso_post"))), header: formKind}
	}},
	{route: "GET /saml/continue", want: 200, verbs: "saml.login", prepare: func(t *testing.T, r *rulings) act {
		r.serve(t)
		client := r.newcomerIn(t, "CONTINUE")
		return act{by: client, path: r.flow(t, client, "_continue")}
	}},
	{route: "GET /saml/cancel", want: 200, verbs: "saml.refuse", prepare: func(t *testing.T, r *rulings) act {
		r.serve(t)
		client := r.client(t)
		return act{by: client, path: strings.Replace(r.flow(t, client, "_cancel"), "/saml/continue", "/saml/cancel", 1)}
	}},
	{route: "GET /saml/idp/slo", want: 303, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "SLOGET")
		return act{by: client, path: "/saml/idp/slo?" + peer.Redirect(t, r.leaves(r.enters(t, client, "_in_get"), "_out_get"), "state", peer.RSA())}
	}},
	{route: "POST /saml/idp/slo", want: 200, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "SLOPOST")
		return act{by: client, body: strings.NewReader(posting(t, r.leaves(r.enters(t, client, "_in_post"), "_out_post"))), header: formKind}
	}},
	{route: "GET /saml/logout", want: 200, verbs: "logout.end logout.service", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "LOGOUT")
		r.enters(t, client, "_in_walk")
		var begun web.LogoutBegun
		client.Must(t, http.StatusOK, del, "/api/v1/session", nil, &begun)
		client.Do(t, get, begun.Continue, nil) // to the service, which does not answer
		var step string
		if err := r.DB.NewSelect().Table("logout_step").Column("id").Where("state = 'asked'").Order("id DESC").Limit(1).Scan(t.Context(), &step); err != nil {
			t.Fatal(err)
		}
		return act{by: client, path: begun.Continue + "&skip=" + step}
	}},
}

var formKind = []string{"Content-Type", "application/x-www-form-urlencoded"}

func certificateOf(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func idpMetadata(entity string) string {
	return strings.Replace(peer.IdentityMetadata(peer.SigningKey(peer.RSA()), ownSLO, peer.RedirectSSO), peer.Own, entity, 1)
}

// rolled is the same metadata with another key beside.
func rolled(entity string) string {
	return strings.Replace(peer.IdentityMetadata(peer.SigningKey(peer.RSA())+peer.SigningKey(peer.Other()), peer.RedirectSSO), peer.Own, entity, 1)
}

// provider registers an identity provider of the own company.
func (r *rulings) provider(t *testing.T, entity, kind string) string {
	t.Helper()
	p, err := r.LocalIdP.Register(t.Context(), r.ruler(), localidp.Registration{Kind: kind, Metadata: []byte(idpMetadata(entity))})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// homecoming is a browser on its way back from an identity provider, and the form
// that it brings.
func (r *rulings) homecoming(t *testing.T, entity, rid string) (*testkit.Client, string) {
	t.Helper()
	r.set(t, func(s *setting.Settings) {
		s.Authenticators, s.Creation.SelfRequest = []string{"key_file", "local_idp"}, false
	})
	id := r.provider(t, entity, "")
	if err := r.LocalIdP.Switch(t.Context(), r.ruler(), id, localidp.Active); err != nil {
		t.Fatal(err)
	}
	e := r.Employee(t, r.own.Organisation, rid, "Bo "+rid)
	if _, err := r.DB.NewUpdate().Model((*org.Employee)(nil)).Set("local_user_id = ?", rid).Where("id = ?", e.ID).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := r.client(t)
	out := client.Do(t, get, "/saml/sp/login?next=%2Fme&idp="+id, nil)
	key := peer.RSA()
	l := peer.Login{
		At: r.Clock.Now(), Name: rid, Key: &key, Issuer: entity, Attributes: map[string]string{oiosaml.AttrCVR: cvr},
		InReplyTo: peer.Asked(t, out.Header.Get("Location")).SelectAttrValue("ID", ""),
	}
	return client, url.Values{"SAMLResponse": {l.Field(t)}}.Encode()
}

// arrived is a browser whose answer was taken, and where it finishes its login.
func (r *rulings) arrived(t *testing.T, entity, rid string) (*testkit.Client, string) {
	t.Helper()
	client, answer := r.homecoming(t, entity, rid)
	a := client.Do(t, post, "/saml/sp/acs", strings.NewReader(answer), formKind...)
	if !strings.HasPrefix(a.Header.Get("Location"), "/saml/sp/finish?login=") {
		t.Fatalf("acs = %d to %s", a.Status, a.Header.Get("Location"))
	}
	return client, a.Header.Get("Location")
}

// home is a browser that is logged in by an identity provider.
func (r *rulings) home(t *testing.T, entity, rid string) *testkit.Client {
	t.Helper()
	client, path := r.arrived(t, entity, rid)
	if a := client.Do(t, get, path, nil); a.Header.Get("Location") != "/me" {
		t.Fatalf("finish = %d to %s", a.Status, a.Header.Get("Location"))
	}
	return client
}

// recalls is an identity provider's request to log a name out.
func (r *rulings) recalls(entity, name, id string) string {
	return strings.NewReplacer("/saml/idp/slo", "/saml/sp/slo", peer.EntityID, entity).Replace(r.leaves(name, id))
}

const ownSLO = `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://login.company.example/slo"/>`

const peerSLO = `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://service.example/slo"/>`

// serve registers a service whose key is at hand, once.
func (r *rulings) serve(t *testing.T) {
	t.Helper()
	if r.own.ids["peer"] != "" {
		return
	}
	contact := `</md:SPSSODescriptor><md:ContactPerson contactType="technical"><md:EmailAddress>mailto:drift@service.example</md:EmailAddress></md:ContactPerson><md:SPSSODescriptor protocolSupportEnumeration="none">`
	p, err := r.Federation.Register(t.Context(), r.ruler(), []byte(peer.Metadata(peer.SigningKey(peer.RSA()), peerSLO, peer.PostACS, contact)))
	if err != nil {
		t.Fatal(err)
	}
	r.own.ids["peer"] = p.ID
}

// told is the link that the service's contact got about an announced key.
func (r *rulings) told(t *testing.T) string {
	t.Helper()
	r.serve(t)
	if r.own.ids["announced"] == "" {
		k, err := r.SAMLKeys.Announce(t.Context(), access.Host(), "encryption", oiosaml.RSA)
		if err != nil {
			t.Fatal(err)
		}
		r.own.ids["announced"] = k.ID
		r.Drain(t)
	}
	return r.LinkToken(t, "drift@service.example")
}

// asks is an AuthnRequest of the service.
func (r *rulings) asks(id string) string {
	return strings.NewReplacer("2027-03-01T12:00:00Z", r.Clock.Now().UTC().Format(time.RFC3339), `"_request"`, `"`+id+`"`).Replace(peer.AuthnRequest("", ""))
}

// flow is where the service's request leads a browser.
func (r *rulings) flow(t *testing.T, client *testkit.Client, id string) string {
	t.Helper()
	a := client.Do(t, get, "/saml/idp/sso?"+peer.Redirect(t, r.asks(id), "state", peer.RSA()), nil)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("sso = %d %s", a.Status, a.Body)
	}
	return a.Header.Get("Location")
}

// enters logs in to the service, and returns the name that it is told.
func (r *rulings) enters(t *testing.T, client *testkit.Client, id string) string {
	t.Helper()
	r.serve(t)
	page := client.Do(t, get, r.flow(t, client, id), nil)
	found := posted.FindSubmatch(page.Body)
	if found == nil {
		t.Fatalf("continue = %d %s", page.Status, page.Body)
	}
	raw := peer.Must(base64.StdEncoding.DecodeString(html.UnescapeString(string(found[1]))))
	name := regexp.MustCompile(`NameID[^>]*>([^<]+)<`).FindSubmatch(raw)
	if name == nil {
		t.Fatalf("no name in %s", raw)
	}
	return string(name[1])
}

// leaves is the service's request to log a name out.
func (r *rulings) leaves(name, id string) string {
	return fmt.Sprintf(`<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`+
		` ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"><saml:Issuer>%s</saml:Issuer><saml:NameID>%s</saml:NameID></samlp:LogoutRequest>`,
		id, r.Clock.Now().UTC().Format(time.RFC3339), testkit.BaseURL+"/saml/idp/slo", peer.EntityID, name)
}

// posting signs a message as a form that posts it.
func posting(t *testing.T, xml string) string {
	t.Helper()
	doc := peer.Signed(t, xml, peer.RSA())
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true, CanonicalEndTags: true}
	raw, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {"state"}}.Encode()
}
