package openid_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/uptrace/bun"
	"golang.org/x/oauth2"

	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/testkit"
)

func TestLogout(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		var tokens []string
		rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tokens = append(tokens, r.PostFormValue("logout_token"))
			if len(tokens) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable) // it is told again
			}
		}))
		defer rp.Close()
		h := newHub(t, db, func(r *openid.Registration) { r.Logout = rp.URL })
		e := h.enter(t)
		ctx, p, config := h.service(t)
		second, _, _, err := h.OpenID.Register(t.Context(), h.own.Actor, "Another", openid.Registration{Redirects: []string{redirect}, Auth: openid.ByNobody, AfterLogout: []string{after}})
		if err != nil {
			t.Fatal(err)
		}
		// In the same browser the person enters the other service, which then logs out.
		other := config
		other.ClientID, other.ClientSecret, other.Endpoint.AuthStyle = second.ServiceID, "", oauth2.AuthStyleInParams
		verifier := oauth2.GenerateVerifier()
		_, q := h.answer(t, h.begin(t, other.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))), e.login)
		token, err := other.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatalf("a public client: %v", err)
		}
		raw, _ := token.Extra("id_token").(string)
		for name, query := range map[string]url.Values{
			"a forged hint":           {"id_token_hint": {raw[:len(raw)-4] + "AAAA"}},
			"another address":         {"id_token_hint": {raw}, "post_logout_redirect_uri": {after + "/x"}},
			"another client's hint":   {"id_token_hint": {raw}, "client_id": {h.client.ServiceID}},
			"an address of no client": {"post_logout_redirect_uri": {after}},
		} {
			if a := h.begin(t, testkit.BaseURL+"/openid/end_session?"+query.Encode()); a.Err == nil {
				t.Errorf("%s = %d to %s, want a page", name, a.Status, a.Header.Get("Location"))
			}
		}
		a := h.begin(t, testkit.BaseURL+"/openid/end_session?"+url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {after}, "state": {"x y"}}.Encode())
		to, err := url.Parse(a.Header.Get("Location"))
		if err != nil || a.Err != nil || to.Path != "/saml/logout" || a.Cookie == "" {
			t.Fatalf("end_session = %d %v to %s", a.Status, a.Err, to)
		}
		if _, err := p.UserInfo(ctx, oauth2.StaticTokenSource(e.token)); err == nil {
			t.Error("an access token outlives the logout")
		}
		if _, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: e.token.RefreshToken}).Token(); failed(err) != "invalid_grant" {
			t.Errorf("refresh after the logout = %v", err)
		}
		h.Drain(t)
		h.Clock.Move(time.Minute)
		h.Drain(t)
		w, err := h.Federation.ContinueLogout(t.Context(), to.Query().Get("flow"), a.Cookie, false)
		if err != nil || w.Move == nil || w.Move.URL != after+"?state=x+y" {
			t.Errorf("ContinueLogout = %+v, %v", w, err)
		}
		if len(tokens) != 2 {
			t.Fatalf("the other service was told %d times, want a second time after it was away", len(tokens))
		}
		h.told(t, e, tokens[1])
	})
}

// Without a hint the person is asked, and nobody is logged out by a link.
func TestLogoutIsAskedAbout(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, nil)
		login := h.login(t, h.employee)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, testkit.BaseURL+"/openid/end_session", http.NoBody)
		if a := h.OpenID.Serve(r, openid.Browser{Login: login}); !strings.HasPrefix(a.Header.Get("Location"), openid.ConfirmPath) || a.Ended {
			t.Errorf("without a hint = %d to %s", a.Status, a.Header.Get("Location"))
		}
		if a := h.OpenID.Confirmed(t.Context(), openid.Browser{Login: login}, url.Values{}); a.Err != nil || !a.Ended {
			t.Errorf("Confirmed = %+v", a)
		}
	})
}

// told checks a logout token: it is of the login e, and is nothing else.
func (h hub) told(t *testing.T, e entered, token string) {
	t.Helper()
	ctx, p, _ := h.service(t)
	logout, err := p.Verifier(&oidc.Config{ClientID: h.client.ServiceID, Now: h.Clock.Now}).Verify(ctx, token)
	if err != nil {
		t.Fatalf("logout token: %v", err)
	}
	var claims struct {
		SID    string         `json:"sid"`
		JTI    string         `json:"jti"`
		Events map[string]any `json:"events"`
	}
	if err := logout.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	var begun struct {
		SID string `json:"sid"`
	}
	if err := e.id.Claims(&begun); err != nil || claims.SID != begun.SID || claims.JTI == "" || logout.Subject != e.id.Subject || logout.Nonce != "" {
		t.Errorf("logout token says %+v of %s, want session %s of %s", claims, logout.Subject, begun.SID, e.id.Subject)
	}
	if _, ok := claims.Events["http://schemas.openid.net/event/backchannel-logout"]; !ok || len(claims.Events) != 1 {
		t.Errorf("events = %v", claims.Events)
	}
}
