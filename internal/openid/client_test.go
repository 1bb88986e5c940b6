package openid_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/uptrace/bun"
	"golang.org/x/oauth2"

	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// A client may prove who it is by a key, each proof once.
func TestClientByKey(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "a", Algorithm: "ES256", Use: "sig"}}})
		if err != nil {
			t.Fatal(err)
		}
		h := newHub(t, db, func(r *openid.Registration) { r.Auth, r.KeySet = openid.ByKey, string(set) })
		prove := func(change func(map[string]any)) url.Values {
			now := h.Clock.Now()
			claims := map[string]any{
				"iss": h.client.ServiceID, "sub": h.client.ServiceID, "aud": testkit.BaseURL + "/openid/token", "jti": store.NewID(),
				"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
			}
			change(claims)
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "a"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := jwt.Signed(signer).Claims(claims).Serialize()
			if err != nil {
				t.Fatal(err)
			}
			return url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {text}, "token": {"x"}}
		}
		ask := func(form url.Values) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, testkit.BaseURL+"/openid/introspect", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return h.OpenID.Serve(r, openid.Browser{}).Status
		}
		good := prove(func(map[string]any) {})
		if got := ask(good); got != http.StatusOK {
			t.Errorf("a good assertion = %d", got)
		}
		if got := ask(good); got != http.StatusUnauthorized {
			t.Errorf("the same again = %d", got)
		}
		for name, change := range map[string]func(map[string]any){
			"of another audience": func(c map[string]any) { c["aud"] = "https://elsewhere.example" },
			"that is over":        func(c map[string]any) { c["exp"] = h.Clock.Now().Add(-2 * time.Minute).Unix() },
			"without an end":      func(c map[string]any) { delete(c, "exp") },
			"for an hour":         func(c map[string]any) { c["exp"] = h.Clock.Now().Add(time.Hour).Unix() },
			"without an ID":       func(c map[string]any) { delete(c, "jti") },
			"of another subject":  func(c map[string]any) { c["sub"] = "another" },
		} {
			if got := ask(prove(change)); got != http.StatusUnauthorized {
				t.Errorf("an assertion %s = %d", name, got)
			}
		}
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(prove(func(map[string]any) {})); got != http.StatusUnauthorized {
			t.Errorf("an assertion by another key = %d", got)
		}
	})
}

func TestRevokeAndIntrospect(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		e := h.enter(t)
		other, _, key, err := h.OpenID.Register(t.Context(), h.own.Actor, "Another", h.client.Registration)
		if err != nil {
			t.Fatal(err)
		}
		call := func(path, client, secret, token string) (int, string) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, testkit.BaseURL+path, strings.NewReader(url.Values{"token": {token}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(client, secret)
			a := h.OpenID.Serve(r, openid.Browser{})
			return a.Status, string(a.Body)
		}
		active := func(client, secret string) bool {
			status, body := call("/openid/introspect", client, secret, e.token.AccessToken)
			if status != http.StatusOK {
				t.Errorf("introspect = %d %s", status, body)
			}
			return strings.Contains(body, `"active":true`)
		}
		if !active(h.client.ServiceID, h.secret) {
			t.Error("a token is not active for its own client")
		}
		if active(other.ServiceID, key) {
			t.Error("a token is active for another client")
		}
		if status, _ := call("/openid/revoke", other.ServiceID, key, e.token.RefreshToken); status != http.StatusOK || !active(h.client.ServiceID, h.secret) {
			t.Errorf("another client revokes: %d", status)
		}
		if status, _ := call("/openid/revoke", h.client.ServiceID, h.secret, e.token.RefreshToken); status != http.StatusOK || active(h.client.ServiceID, h.secret) {
			t.Errorf("the client itself revokes: %d", status)
		}
		// A new secret ends the old one at once.
		next, err := h.OpenID.NewSecret(t.Context(), h.own.Actor, h.client.ServiceID)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := call("/openid/introspect", h.client.ServiceID, h.secret, "x"); status != http.StatusUnauthorized {
			t.Errorf("the old secret = %d", status)
		}
		if status, _ := call("/openid/introspect", h.client.ServiceID, next, "x"); status != http.StatusOK {
			t.Errorf("the new secret = %d", status)
		}
	})
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		for name, change := range map[string]func(*openid.Registration){
			"http":                func(r *openid.Registration) { r.Redirects = []string{"http://service.example/"} },
			"a fragment":          func(r *openid.Registration) { r.Redirects = []string{redirect + "#a"} },
			"a scheme of its own": func(r *openid.Registration) { r.Redirects = []string{"app:/callback"} },
			"a wildcard":          func(r *openid.Registration) { r.Redirects = []string{"https://*.example/"} },
			"a user":              func(r *openid.Registration) { r.Redirects = []string{"https://a@service.example/"} },
			"no address":          func(r *openid.Registration) { r.Redirects = nil },
			"logout over http":    func(r *openid.Registration) { r.Logout = "http://service.example/" },
			"an unknown claim":    func(r *openid.Registration) { r.Claims = []string{"cpr"} },
			"an unknown level":    func(r *openid.Registration) { r.Level = "Top" },
			"no key":              func(r *openid.Registration) { r.Auth = openid.ByKey },
			"a private key": func(r *openid.Registration) {
				r.Auth, r.KeySet = openid.ByKey, `{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}`
			},
		} {
			r := h.client.Registration
			change(&r)
			if _, _, _, err := h.OpenID.Register(t.Context(), h.own.Actor, "Sager", r); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s = %v, want it refused", name, err)
			}
		}
		stranger := h.Company(t, "87654321")
		if _, _, err := h.OpenID.Set(t.Context(), stranger.Actor, h.client.ServiceID, h.client.Registration, h.client.Version); fault.KindOf(err) != fault.Absent {
			t.Errorf("another organisation changes it: %v", err)
		}
		if err := h.OpenID.Unset(t.Context(), h.own.Actor, h.client.ServiceID); fault.CodeOf(err) != "federation.service.faceless" {
			t.Errorf("Unset of a service with no other face = %v", err)
		}
		if _, _, err := h.OpenID.Set(t.Context(), h.own.Actor, h.client.ServiceID, h.client.Registration, h.client.Version+1); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a change of another version = %v", err)
		}
		if _, q := h.answer(t, h.begin(t, testkit.BaseURL+"/openid/authorize?"+url.Values{
			"client_id": {h.client.ServiceID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"},
			"code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256"},
		}.Encode()), h.login(t, stranger.Admin)); q.Get("error") != "access_denied" {
			t.Errorf("a person of another organisation = %v", q)
		}
	})
}

// A service that speaks OpenID Connect alone has no metadata: there is nothing to
// fetch, and nothing to try.
func TestNothingOfSAML(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t), nil)
	terms := federation.SourceTerms{URL: "https://service.example/metadata", Rule: federation.ByHand}
	if _, err := h.Federation.SetSource(t.Context(), h.own.Actor, h.client.ServiceID, terms); fault.CodeOf(err) != "federation.source.saml" {
		t.Errorf("SetSource = %v", err)
	}
	plan := conformance.Plan{Start: "https://service.example/login", Marker: "Log ud"}
	if _, err := h.Conformance.SetPlan(t.Context(), h.own.Actor, h.client.ServiceID, plan); fault.CodeOf(err) != "conformance.plan.saml" {
		t.Errorf("SetPlan = %v", err)
	}
}

// What a person's organisation holds back is in no token and at no endpoint, though
// the service asks for it.
func TestWithheld(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		if _, err := h.Federation.SetUse(t.Context(), h.own.Actor, h.client.ServiceID, federation.Use{Withheld: []string{mailAttr}}); err != nil {
			t.Fatalf("SetUse: %v", err)
		}
		e := h.enter(t)
		ctx, p, _ := h.service(t)
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(e.token))
		if err != nil {
			t.Fatal(err)
		}
		var told, looked map[string]any
		if err := errors.Join(e.id.Claims(&told), info.Claims(&looked)); err != nil {
			t.Fatal(err)
		}
		for where, claims := range map[string]map[string]any{"ID token": told, "userinfo": looked} {
			if claims["email"] != nil || claims[mailAttr] != nil || claims[nameAttr] != "Ida Holm" {
				t.Errorf("%s says %v, want the name and no address", where, claims)
			}
		}
	})
}
