package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/testkit"
)

// openIDSuccesses are logins to a service that speaks OpenID Connect, and out of it.
var openIDSuccesses = []success{
	{route: "GET /openid/authorize", want: 302, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.client(t), path: strings.TrimPrefix(r.party(t).asks(oauth2.GenerateVerifier()), testkit.BaseURL)}
	}},
	{route: "POST /openid/authorize", want: 302, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		_, query, _ := strings.Cut(r.party(t).asks(oauth2.GenerateVerifier()), "?")
		return act{by: r.client(t), body: strings.NewReader(query), header: formKind}
	}},
	{route: "GET /saml/continue", want: 303, verbs: "openid.login", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "OIDLOGIN")
		return act{by: client, path: r.party(t).flow(t, client, oauth2.GenerateVerifier())}
	}},
	{route: "GET /saml/cancel", want: 303, verbs: "openid.refuse", prepare: func(t *testing.T, r *rulings) act {
		client := r.client(t)
		return act{by: client, path: strings.Replace(r.party(t).flow(t, client, oauth2.GenerateVerifier()), "/saml/continue", "/saml/cancel", 1)}
	}},
	{route: "POST /openid/token", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		p := r.party(t)
		code, verifier := p.code(t, r.newcomerIn(t, "OIDCODE"))
		return p.posts(r.client(t), url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {p.RedirectURL},
		})
	}},
	{route: "POST /openid/token", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		p := r.party(t)
		token := p.enters(t, r.newcomerIn(t, "OIDREFRESH"))
		return p.posts(r.client(t), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}})
	}},
	{route: "GET /openid/userinfo", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		token := r.party(t).enters(t, r.newcomerIn(t, "OIDGETINFO"))
		return act{by: r.client(t), header: []string{"Authorization", "Bearer " + token.AccessToken}}
	}},
	{route: "POST /openid/userinfo", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		token := r.party(t).enters(t, r.newcomerIn(t, "OIDINFO"))
		return act{by: r.client(t), header: []string{"Authorization", "Bearer " + token.AccessToken}}
	}},
	{route: "POST /openid/introspect", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		p := r.party(t)
		return p.posts(r.client(t), url.Values{"token": {p.enters(t, r.newcomerIn(t, "OIDLOOK")).AccessToken}})
	}},
	{route: "POST /openid/revoke", want: 200, verbs: "openid.end", prepare: func(t *testing.T, r *rulings) act {
		p := r.party(t)
		return p.posts(r.client(t), url.Values{"token": {p.enters(t, r.newcomerIn(t, "OIDREVOKE")).RefreshToken}})
	}},
	{route: "GET /openid/end_session", want: 302, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "OIDGETEND")
		return act{by: client, path: "/openid/end_session?" + r.party(t).leaves(t, client)}
	}},
	{route: "POST /openid/end_session", want: 302, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "OIDEND")
		return act{by: client, body: strings.NewReader(r.party(t).leaves(t, client)), header: formKind}
	}},
	{route: "POST /openid/logout", want: 200, verbs: "logout.begin session.end", prepare: func(t *testing.T, r *rulings) act {
		client, p := r.newcomerIn(t, "OIDLEAVE"), r.party(t)
		p.enters(t, client)
		form := url.Values{"client_id": {p.ClientID}, "post_logout_redirect_uri": {partyLeft}}
		return act{by: client, body: strings.NewReader(form.Encode()), header: formKind}
	}},
}

const (
	partyCalled = "https://party.example/callback"
	partyLeft   = "https://party.example/bye"
)

// party is a service that speaks OpenID Connect, as x/oauth2 has it.
type party struct {
	oauth2.Config

	server *http.Client // the service's own, which calls for tokens
}

// party registers the service, once, and lets it read what the provider says of itself.
func (r *rulings) party(t *testing.T) *party {
	t.Helper()
	if r.own.ids["party"] == "" {
		c, _, key, err := r.OpenID.Register(t.Context(), r.ruler(), "Sagssystem", openid.Registration{
			Redirects: []string{partyCalled}, AfterLogout: []string{partyLeft}, Auth: openid.BySecret, Refresh: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		r.own.ids["party"], r.own.ids["party_secret"] = c.ServiceID, key
	}
	p := &party{server: r.client(t).HTTP}
	found, err := oidc.NewProvider(p.context(t), testkit.BaseURL)
	if err != nil {
		t.Fatalf("discovery: %v", err)
	}
	p.Config = oauth2.Config{
		ClientID: r.own.ids["party"], ClientSecret: r.own.ids["party_secret"], Endpoint: found.Endpoint(), RedirectURL: partyCalled,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess},
	}
	p.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return p
}

func (p *party) context(t *testing.T) context.Context {
	t.Helper()
	return oidc.ClientContext(t.Context(), p.server)
}

// asks is where the service sends a browser to log in.
func (p *party) asks(verifier string) string {
	return p.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier))
}

// posts is a call by the service's server, which proves itself by its secret.
func (p *party) posts(by *testkit.Client, form url.Values) act {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret))
	return act{by: by, body: strings.NewReader(form.Encode()), header: append([]string{"Authorization", r.Header.Get("Authorization")}, formKind...)}
}

// flow is where the service's request leads a browser.
func (p *party) flow(t *testing.T, browser *testkit.Client, verifier string) string {
	t.Helper()
	to := browser.Do(t, get, p.asks(verifier), nil).Header.Get("Location")
	if !strings.HasPrefix(to, "/saml/continue?flow=") {
		t.Fatalf("authorize leads to %q", to)
	}
	return to
}

// code is what a browser that is logged in brings back, and the verifier to it.
func (p *party) code(t *testing.T, browser *testkit.Client) (code, verifier string) {
	t.Helper()
	verifier = oauth2.GenerateVerifier()
	back, err := url.Parse(browser.Do(t, get, p.flow(t, browser, verifier), nil).Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("continue leads to %v, %v", back, err)
	}
	return back.Query().Get("code"), verifier
}

// enters logs the browser's person in at the service.
func (p *party) enters(t *testing.T, browser *testkit.Client) *oauth2.Token {
	t.Helper()
	code, verifier := p.code(t, browser)
	token, err := p.Exchange(p.context(t), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	return token
}

// leaves logs the browser's person in, and is what the service then sends it with to
// log out.
func (p *party) leaves(t *testing.T, browser *testkit.Client) string {
	t.Helper()
	id, _ := p.enters(t, browser).Extra("id_token").(string)
	return url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {partyLeft}}.Encode()
}
