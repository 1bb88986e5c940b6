package openid_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/testkit"
)

// signed is what an ID token says of its signature.
type signed struct {
	raw string
	Alg string `json:"alg"`
	Kid string `json:"kid"`
}

// signs lets somebody log in, and returns the ID token that the service has verified.
func (h hub) signs(t *testing.T) signed {
	t.Helper()
	one := signed{}
	one.raw, _ = h.enter(t).token.Extra("id_token").(string)
	head, _, _ := strings.Cut(one.raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err == nil {
		err = json.Unmarshal(text, &one)
	}
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// published are the kids of the JSON Web Key Set with an algorithm, all of which a
// client needs to verify by.
func (h hub) published(t *testing.T, alg string) (kids []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, testkit.BaseURL+"/openid/jwks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.RoundTrip(r)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("jwks = %+v, %v", a, err)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.NewDecoder(a.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi"} {
			if k[private] != nil {
				t.Errorf("the key set shows %q of a private key", private)
			}
		}
		if kid, _ := k["kid"].(string); k["alg"] == alg && k["use"] == "sig" {
			kids = append(kids, kid)
		}
	}
	return kids
}

// A service gets its tokens signed as its owner has chosen. A new key stands in the
// key set before it signs; what the old one signed is good until that is retired.
func TestSigningKeys(t *testing.T) {
	t.Parallel()
	for algorithm, alg := range map[string]string{oiosaml.RSA: "RS256", oiosaml.ECDSA: "ES256"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				h := newHub(t, db, nil)
				if _, err := h.Federation.SetPolicy(t.Context(), h.own.Actor, h.client.ServiceID, federation.Policy{ECDSA: alg == "ES256"}); err != nil {
					t.Fatal(err)
				}
				h.rollsOver(t, algorithm, alg)
			})
		})
	}
}

func (h hub) rollsOver(t *testing.T, algorithm, alg string) {
	t.Helper()
	ctx, p, config := h.service(t)
	before := h.published(t, alg)
	old := h.signs(t)
	if old.Alg != alg || !slices.Equal(before, []string{old.Kid}) {
		t.Fatalf("signed by %s %s, and the key set has %v", old.Alg, old.Kid, before)
	}
	// The client has read the key set, and keeps it.
	held := p.Verifier(&oidc.Config{ClientID: config.ClientID, SkipExpiryCheck: true})
	if _, err := held.Verify(ctx, old.raw); err != nil {
		t.Fatal(err)
	}
	next, err := h.SAMLKeys.Announce(t.Context(), access.Host(), samlkey.Signing, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	both := h.published(t, alg)
	if len(both) != 2 || both[0] != old.Kid || both[1] == old.Kid {
		t.Fatalf("announced, the key set has %v, want %s and another", both, old.Kid)
	}
	if one := h.signs(t); one.Kid != old.Kid {
		t.Errorf("an announced key signs: %s", one.Kid)
	}
	if err := h.SAMLKeys.Activate(t.Context(), access.Host(), next.ID, "Its time has come."); err != nil {
		t.Fatal(err)
	}
	fresh := h.signs(t)
	if fresh.Kid != both[1] || fresh.Alg != alg {
		t.Errorf("after the switch %s signs, want the announced %s", fresh.Kid, both[1])
	}
	for name, token := range map[string]string{"old": old.raw, "new": fresh.raw} {
		if _, err := held.Verify(ctx, token); err != nil {
			t.Errorf("the %s token, by a client that has held the key set since before: %v", name, err)
		}
	}
	h.Clock.Move(30*24*time.Hour - time.Minute)
	h.counts(t, old, true)
	h.Clock.Move(time.Minute)
	h.counts(t, old, false)
	h.counts(t, fresh, true)
}

// counts checks that a client that reads the key set now takes a token for ours or
// not, and so do we when it comes back as a hint.
func (h hub) counts(t *testing.T, one signed, want bool) {
	t.Helper()
	if err := h.SAMLKeys.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, p, config := h.service(t)
	_, err := p.Verifier(&oidc.Config{ClientID: config.ClientID, SkipExpiryCheck: true}).Verify(ctx, one.raw)
	if (err == nil) != want || slices.Contains(h.published(t, one.Alg), one.Kid) != want {
		t.Errorf("a token of %s = %v, want it good: %v", one.Kid, err, want)
	}
	a := h.begin(t, testkit.BaseURL+"/openid/end_session?"+url.Values{"id_token_hint": {one.raw}}.Encode())
	if code := fault.CodeOf(a.Err); (code == "") != want || !want && code != "openid.logout.hint" {
		t.Errorf("a hint of %s = %v, want it good: %v", one.Kid, a.Err, want)
	}
}
