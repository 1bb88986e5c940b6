package openid_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/uptrace/bun"
	"golang.org/x/oauth2"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const (
	redirect = "https://service.example/callback"
	after    = "https://service.example/bye"
	cvrClaim = "https://data.gov.dk/model/core/eid/professional/cvr"
	nameAttr = "https://data.gov.dk/model/core/eid/fullName"
	mailAttr = "https://data.gov.dk/model/core/eid/email"
)

// hub is an installation with a service that speaks OpenID Connect.
type hub struct {
	*testkit.Domain

	own      testkit.Company
	employee org.Employee
	client   openid.Client
	secret   string
}

func newHub(t *testing.T, db *bun.DB, change func(*openid.Registration)) hub {
	t.Helper()
	h := hub{Domain: testkit.NewDomain(t, db)}
	h.Federate(t)
	h.own = h.Company(t, "12345678")
	h.employee = h.Employee(t, h.own.Organisation, "10", "Ida Holm")
	r := openid.Registration{
		Redirects: []string{redirect}, AfterLogout: []string{after}, Auth: openid.BySecret, Refresh: true, Claims: []string{cvrClaim, nameAttr, mailAttr},
	}
	if change != nil {
		change(&r)
	}
	var err error
	if h.client, _, h.secret, err = h.OpenID.Register(t.Context(), h.own.Actor, "Sagssystem", r); err != nil {
		t.Fatalf("Register: %v", err)
	}
	return h
}

// RoundTrip lets an HTTP client of the service call the provider.
func (h hub) RoundTrip(r *http.Request) (*http.Response, error) {
	a := h.OpenID.Serve(r, openid.Browser{Address: "192.0.2.80"})
	return &http.Response{StatusCode: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), Request: r}, nil
}

// service is the other side, as go-oidc and x/oauth2 have it.
func (h hub) service(t *testing.T) (context.Context, *oidc.Provider, oauth2.Config) {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: h})
	p, err := oidc.NewProvider(ctx, testkit.BaseURL)
	if err != nil {
		t.Fatalf("discovery: %v", err)
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // x/oauth2 would try every request twice
	return ctx, p, oauth2.Config{
		ClientID: h.client.ServiceID, ClientSecret: h.secret, Endpoint: endpoint, RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
}

// login is an employee who logs in now, in a browser session.
func (h hub) login(t *testing.T, e org.Employee) *federation.Login {
	t.Helper()
	now := store.Instant(h.Clock.Now())
	id := store.NewID()
	row := map[string]any{
		"id": id, "org_id": e.OrgID, "employee_id": e.ID, "token_mac": []byte(id), "serial": "", "created_at": now, "seen_at": now,
		"expires_at": now.Add(10 * time.Hour), "idp_id": "", "level": "", "name_id": "", "session_index": "",
	}
	if _, err := h.DB.NewInsert().Model(&row).Table("session").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &federation.Login{
		Actor: access.Actor{OrgID: e.OrgID, ID: "employee:" + string(e.ID), Employee: e.ID, Address: "192.0.2.7"}, At: now,
		Session: id, Until: now.Add(10 * time.Hour),
	}
}

// begin opens an address in a browser and returns where that goes on.
func (h hub) begin(t *testing.T, address string) openid.Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return h.OpenID.Serve(r, openid.Browser{Address: "192.0.2.7"})
}

// flow is the flow that an answer goes on with.
func flow(t *testing.T, a openid.Answer) string {
	t.Helper()
	to, err := url.Parse(a.Header.Get("Location"))
	if a.Err != nil || err != nil || to.Path != "/saml/continue" || a.Cookie == "" {
		t.Fatalf("authorize = %d %v %s", a.Status, a.Err, a.Header.Get("Location"))
	}
	return to.Query().Get("flow")
}

// answer lets a person who is logged in, nil for nobody, get the answer of a flow.
func (h hub) answer(t *testing.T, a openid.Answer, login *federation.Login) (federation.Outcome, url.Values) {
	t.Helper()
	out, err := h.Federation.Continue(t.Context(), flow(t, a), a.Cookie, login)
	if err != nil {
		t.Fatalf("Continue: %v", err)
	}
	to, err := url.Parse(out.To)
	if err != nil || out.To != "" && !strings.HasPrefix(out.To, redirect+"?") {
		t.Fatalf("answered at %q, %v", out.To, err)
	}
	return out, to.Query()
}

// entered is a person who has logged in to the service by its own means.
type entered struct {
	login    *federation.Login
	code     string
	verifier string
	token    *oauth2.Token
	id       *oidc.IDToken
}

func (h hub) enter(t *testing.T) entered {
	t.Helper()
	ctx, p, config := h.service(t)
	e := entered{login: h.login(t, h.employee), verifier: oauth2.GenerateVerifier()}
	a := h.begin(t, config.AuthCodeURL("state=1&2", oidc.Nonce("nonce"), oauth2.S256ChallengeOption(e.verifier)))
	_, q := h.answer(t, a, e.login)
	if q.Get("state") != "state=1&2" || q.Get("iss") != testkit.BaseURL || q.Get("code") == "" {
		t.Fatalf("answer = %v", q)
	}
	e.code = q.Get("code")
	var err error
	if e.token, err = config.Exchange(ctx, e.code, oauth2.VerifierOption(e.verifier)); err != nil {
		t.Fatalf("Exchange: %v", err)
	}
	raw, _ := e.token.Extra("id_token").(string)
	if e.id, err = p.Verifier(&oidc.Config{ClientID: config.ClientID, Now: h.Clock.Now}).Verify(ctx, raw); err != nil {
		t.Fatalf("ID token: %v", err)
	}
	return e
}

// failed is the protocol's word of an error of x/oauth2, "" for none.
func failed(err error) string {
	if e, ok := err.(*oauth2.RetrieveError); ok { //nolint:errorlint // as it comes
		return e.ErrorCode
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestLogin(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		e := h.enter(t)
		var claims struct {
			ACR  string   `json:"acr"`
			AMR  []string `json:"amr"`
			SID  string   `json:"sid"`
			Name string   `json:"name"`
			CVR  string   `json:"https://data.gov.dk/model/core/eid/professional/cvr"`
			Org  string   `json:"https://data.gov.dk/model/core/eid/professional/orgName"`
			At   int64    `json:"auth_time"`
		}
		if err := e.id.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if claims.ACR != "https://data.gov.dk/concept/core/nsis/loa/Low" || !slices.Equal(claims.AMR, []string{"swk"}) || claims.SID == "" ||
			claims.Name != "Ida Holm" || claims.CVR != "12345678" || claims.At != h.Clock.Now().Unix() || e.id.Nonce != "nonce" {
			t.Errorf("ID token says %+v, nonce %q", claims, e.id.Nonce)
		}
		if claims.Org != "" {
			t.Errorf("the service is told %q, which it has not asked for", claims.Org)
		}
		if err := e.id.VerifyAccessToken(e.token.AccessToken); err != nil {
			t.Errorf("at_hash: %v", err)
		}
		if e.id.Subject == string(h.employee.ID) || len(e.id.Subject) != 36 {
			t.Errorf("sub = %q, want one that only this service knows", e.id.Subject)
		}
		ctx, p, _ := h.service(t)
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(e.token))
		if err != nil || info.Subject != e.id.Subject || info.Email == "" {
			t.Errorf("UserInfo = %+v, %v", info, err)
		}
		attempts, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, h.client.ServiceID, "", "")
		if err != nil || len(attempts) != 1 || attempts[0].Result != federation.LoggedIn || attempts[0].Facts.Binding != openid.Kind {
			t.Errorf("attempts = %+v, %v", attempts, err)
		}
		if parts, err := h.Federation.Parts(t.Context(), e.login.Actor); err != nil || len(parts) != 1 || parts[0].Kind != openid.Kind {
			t.Errorf("parts = %+v, %v", parts, err)
		}
	})
}

// What is stored is no use to one who reads the database.
func TestNothingIsStoredInPlain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		e := h.enter(t)
		for table, rows := range testkit.Contents(t, db) {
			for _, row := range rows {
				for what, value := range map[string]string{"secret": h.secret, "code": e.code, "access token": e.token.AccessToken, "refresh token": e.token.RefreshToken} {
					if strings.Contains(row, value) {
						t.Errorf("the %s stands in table %s", what, table)
					}
				}
			}
		}
	})
}

func TestCode(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		ctx, p, config := h.service(t)
		get := func(t *testing.T) (code, verifier string) {
			verifier = oauth2.GenerateVerifier()
			_, q := h.answer(t, h.begin(t, config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))), h.login(t, h.employee))
			return q.Get("code"), verifier
		}
		code, verifier := get(t)
		if _, err := config.Exchange(ctx, code, oauth2.VerifierOption(oauth2.GenerateVerifier())); failed(err) != "invalid_grant" {
			t.Errorf("with another verifier = %v", err)
		}
		if _, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier)); failed(err) != "invalid_grant" {
			t.Errorf("after another verifier = %v, want it spent", err)
		}
		code, _ = get(t)
		if _, err := config.Exchange(ctx, code); failed(err) != "invalid_grant" {
			t.Errorf("without a verifier = %v", err)
		}
		code, verifier = get(t)
		elsewhere := config
		elsewhere.RedirectURL = redirect + "/"
		if _, err := elsewhere.Exchange(ctx, code, oauth2.VerifierOption(verifier)); failed(err) != "invalid_grant" {
			t.Errorf("with another redirect_uri = %v", err)
		}
		code, verifier = get(t)
		h.Clock.Move(61 * time.Second)
		if _, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier)); failed(err) != "invalid_grant" {
			t.Errorf("after 61 seconds = %v", err)
		}
		code, verifier = get(t)
		other, _, key, err := h.OpenID.Register(t.Context(), h.own.Actor, "Another", h.client.Registration)
		if err != nil {
			t.Fatal(err)
		}
		thief := config
		thief.ClientID, thief.ClientSecret = other.ServiceID, key
		if _, err := thief.Exchange(ctx, code, oauth2.VerifierOption(verifier)); failed(err) != "invalid_grant" {
			t.Errorf("by another client = %v", err)
		}
		wrong := config
		wrong.ClientSecret = key
		if _, err := wrong.Exchange(ctx, code, oauth2.VerifierOption(verifier)); failed(err) != "invalid_client" {
			t.Errorf("with another client's secret = %v", err)
		}
		token, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatalf("by the client itself = %v", err)
		}
		if _, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier)); failed(err) != "invalid_grant" {
			t.Errorf("a second time = %v", err)
		}
		if _, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token)); err == nil {
			t.Error("the access token outlives the code's second use")
		}
		attempts, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, h.client.ServiceID, federation.Refused, "")
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, a := range attempts {
			codes = append(codes, a.Code)
		}
		for _, want := range []string{"openid.token.verifier", "openid.token.redirect", "openid.token.code_late", "openid.token.code_reused", "openid.token.client"} {
			if !slices.Contains(codes, want) {
				t.Errorf("the administrator does not see %s among %v", want, codes)
			}
		}
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		e := h.enter(t)
		ctx, p, config := h.service(t)
		again := func(refresh string) (*oauth2.Token, error) {
			return config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
		}
		h.Clock.Move(11 * time.Minute)
		if _, err := p.UserInfo(ctx, oauth2.StaticTokenSource(e.token)); err == nil {
			t.Error("the access token is good after its time")
		}
		second, err := again(e.token.RefreshToken)
		if err != nil {
			t.Fatalf("refresh: %v", err)
		}
		raw, _ := second.Extra("id_token").(string)
		id, err := p.Verifier(&oidc.Config{ClientID: config.ClientID, Now: h.Clock.Now}).Verify(ctx, raw)
		if err != nil || id.Subject != e.id.Subject || id.Nonce != "" {
			t.Errorf("refreshed ID token = %+v, %v", id, err)
		}
		if _, err := p.UserInfo(ctx, oauth2.StaticTokenSource(second)); err != nil {
			t.Errorf("UserInfo by the new token: %v", err)
		}
		if _, err := again(e.token.RefreshToken); failed(err) != "invalid_grant" {
			t.Errorf("the old refresh token again = %v", err)
		}
		if _, err := again(second.RefreshToken); failed(err) != "invalid_grant" {
			t.Errorf("the new one after the old was used twice = %v, want all of them over", err)
		}
		if _, err := p.UserInfo(ctx, oauth2.StaticTokenSource(second)); err == nil {
			t.Error("an access token outlives the reuse")
		}
		third := h.enter(t)
		h.Clock.Move(10 * time.Hour)
		if _, err := again(third.token.RefreshToken); failed(err) != "invalid_grant" {
			t.Errorf("after the session's end = %v", err)
		}
		h.Clock.Move(48 * time.Hour)
		if err := h.OpenID.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"openid_grant", "openid_token"} {
			if rows := testkit.Contents(t, db)[table]; len(rows) != 0 {
				t.Errorf("%s has %d rows after the sweep", table, len(rows))
			}
		}
	})
}

func TestStoppedPerson(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		e := h.enter(t)
		ctx, p, config := h.service(t)
		if err := h.Org.Suspend(t.Context(), h.own.Actor, h.employee.ID, "leave"); err != nil {
			t.Fatal(err)
		}
		if _, err := p.UserInfo(ctx, oauth2.StaticTokenSource(e.token)); err == nil {
			t.Error("UserInfo tells about one who was suspended")
		}
		if _, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: e.token.RefreshToken}).Token(); failed(err) != "invalid_grant" {
			t.Errorf("refresh = %v", err)
		}
		out, q := h.answer(t, h.begin(t, config.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))), h.login(t, h.employee))
		if q.Get("error") != "access_denied" || out.Refusal == nil || out.Refusal.Reason != "standing" {
			t.Errorf("login = %v, %+v", q, out.Refusal)
		}
	})
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		_, _, config := h.service(t)
		pkce := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
		param := oauth2.SetAuthURLParam
		for _, tc := range []struct {
			name    string
			options []oauth2.AuthCodeOption
			code    string // of the page for the person
			word    string // told the client
		}{
			{name: "another address", options: []oauth2.AuthCodeOption{pkce, param("redirect_uri", redirect+"/x")}, code: "openid.request.redirect"},
			{name: "an address with a query more", options: []oauth2.AuthCodeOption{pkce, param("redirect_uri", redirect+"?a=b")}, code: "openid.request.redirect"},
			{name: "no address", options: []oauth2.AuthCodeOption{pkce, param("redirect_uri", "")}, code: "openid.request.redirect"},
			{name: "unknown client", options: []oauth2.AuthCodeOption{pkce, param("client_id", "nobody")}, code: "openid.request.client"},
			{name: "no PKCE", word: "invalid_request"},
			{name: "plain PKCE", options: []oauth2.AuthCodeOption{param("code_challenge", strings.Repeat("a", 43)), param("code_challenge_method", "plain")}, word: "invalid_request"},
			{name: "implicit", options: []oauth2.AuthCodeOption{pkce, param("response_type", "id_token")}, word: "unauthorized_client"},
			{name: "no openid", options: []oauth2.AuthCodeOption{pkce, param("scope", "profile")}, word: "invalid_scope"},
			{name: "none and login", options: []oauth2.AuthCodeOption{pkce, param("prompt", "none login")}, word: "invalid_request"},
			{name: "form_post", options: []oauth2.AuthCodeOption{pkce, param("response_mode", "form_post")}, word: "invalid_request"},
			{name: "a request object", options: []oauth2.AuthCodeOption{pkce, param("request", "a.b.c")}, word: "request_not_supported"},
			{name: "a hint that is none", options: []oauth2.AuthCodeOption{pkce, param("id_token_hint", "a.b.c")}, word: "invalid_request"},
		} {
			a := h.begin(t, config.AuthCodeURL("s", tc.options...))
			to, err := url.Parse(a.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			if tc.code != "" && (fault.CodeOf(a.Err) != tc.code || a.Header.Get("Location") != "") {
				t.Errorf("%s = %v, to %s; want a page with %s", tc.name, a.Err, to, tc.code)
			}
			q := to.Query()
			if to.Fragment != "" {
				q, _ = url.ParseQuery(to.EscapedFragment())
			}
			if tc.word != "" && (q.Get("error") != tc.word || q.Get("state") != "s" || q.Get("iss") != testkit.BaseURL) {
				t.Errorf("%s = %d %v, %v, want %s", tc.name, a.Status, a.Err, q, tc.word)
			}
		}
		if a := h.begin(t, config.AuthCodeURL("s", pkce)+"&state=t"); a.Err == nil {
			t.Error("a parameter that is there twice is taken")
		}
		attempts, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, h.client.ServiceID, federation.Refused, "")
		if err != nil || len(attempts) != 11 {
			t.Errorf("the administrator sees %d refusals, %v, want 11", len(attempts), err)
		}
	})
}

func TestWhoIsLoggedIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		_, _, config := h.service(t)
		pkce, param := oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam
		login := h.login(t, h.employee)
		h.Clock.Move(2 * time.Minute)
		open := func(options ...oauth2.AuthCodeOption) openid.Answer {
			return h.begin(t, config.AuthCodeURL("s", append(options, pkce)...))
		}
		if _, q := h.answer(t, open(param("prompt", "none")), nil); q.Get("error") != "login_required" {
			t.Errorf("prompt=none without a login = %v", q)
		}
		if _, q := h.answer(t, open(param("prompt", "none")), login); q.Get("code") == "" {
			t.Errorf("prompt=none with a login = %v", q)
		}
		if _, q := h.answer(t, open(param("prompt", "none"), param("max_age", "60")), login); q.Get("error") != "login_required" {
			t.Errorf("prompt=none with a login that is too old = %v", q)
		}
		if out, q := h.answer(t, open(param("max_age", "60")), login); out.To != "" {
			t.Errorf("max_age=60 after two minutes = %v, want a login", q)
		}
		if _, q := h.answer(t, open(param("max_age", "180")), login); q.Get("code") == "" {
			t.Errorf("max_age=180 after two minutes = %v", q)
		}
		a := open(param("prompt", "login"))
		if out, q := h.answer(t, a, login); out.To != "" {
			t.Errorf("prompt=login with an old login = %v, want another", q)
		}
		h.Clock.Move(time.Second)
		if _, q := h.answer(t, a, h.login(t, h.employee)); q.Get("code") == "" {
			t.Errorf("prompt=login with a new login = %v", q)
		}
		// A hint names another person than the one who is logged in.
		e := h.enter(t)
		raw, _ := e.token.Extra("id_token").(string)
		if _, q := h.answer(t, open(param("id_token_hint", raw)), e.login); q.Get("code") == "" {
			t.Errorf("id_token_hint of the same person = %v", q)
		}
		if _, q := h.answer(t, open(param("id_token_hint", raw)), h.login(t, h.own.Admin)); q.Get("error") != "login_required" {
			t.Errorf("id_token_hint of another person = %v", q)
		}
		out, err := h.Federation.Cancel(t.Context(), flow(t, open()), "")
		if err == nil {
			t.Errorf("another browser cancels: %+v", out)
		}
		a = open()
		if out, err := h.Federation.Cancel(t.Context(), flow(t, a), a.Cookie); err != nil || !strings.Contains(out.To, "error=access_denied") {
			t.Errorf("Cancel = %+v, %v", out, err)
		}
	})
}

func TestLevel(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		_, _, config := h.service(t)
		pkce, param := oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam
		const loa = "https://data.gov.dk/concept/core/nsis/loa/"
		login := h.login(t, h.employee)
		for values, want := range map[string]string{
			loa + "Low": "", loa + "Substantial": "unmet_authentication_requirements", loa + "High " + loa + "Low": "",
			"urn:unknown": "unmet_authentication_requirements", "urn:unknown " + loa + "Low": "",
		} {
			if _, q := h.answer(t, h.begin(t, config.AuthCodeURL("s", pkce, param("acr_values", values))), login); q.Get("error") != want {
				t.Errorf("acr_values=%s = %v, want %q", values, q, want)
			}
		}
		r := h.client.Registration
		r.Level = "Substantial"
		if _, _, err := h.OpenID.Set(t.Context(), h.own.Actor, h.client.ServiceID, r, h.client.Version); err != nil {
			t.Fatal(err)
		}
		out, q := h.answer(t, h.begin(t, config.AuthCodeURL("s", pkce)), login)
		if q.Get("error") != "unmet_authentication_requirements" || out.Refusal == nil || out.Refusal.Need != 2 {
			t.Errorf("a client that needs Substantial = %v, %+v", q, out.Refusal)
		}
		outside := *login
		outside.Outside, outside.Authenticator = true, 2
		if _, q := h.answer(t, h.begin(t, config.AuthCodeURL("s", pkce)), &outside); q.Get("code") == "" {
			t.Errorf("a login at Substantial = %v", q)
		}
	})
}
