package openid

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/uptrace/bun"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// caller is a client as the library looks at it.
type caller struct{ Client }

func (c caller) GetID() string                    { return c.ServiceID }
func (c caller) RedirectURIs() []string           { return c.Registration.Redirects }
func (c caller) PostLogoutRedirectURIs() []string { return c.Registration.AfterLogout }
func (c caller) LoginURL(string) string           { return "" }
func (c caller) AccessTokenType() op.AccessTokenType {
	return op.AccessTokenTypeBearer
}

func (c caller) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c caller) IDTokenLifetime() time.Duration       { return idLife }
func (c caller) DevMode() bool                        { return false }
func (c caller) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c caller) ClockSkew() time.Duration             { return 0 }

func (c caller) IsScopeAllowed(scope string) bool {
	return slices.Contains(c.scopes(), scope)
}

func (c caller) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(all []string) []string { return all }
}

func (c caller) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(all []string) []string { return all }
}

// scopes are those that the client may use.
func (c Client) scopes() []string {
	all := []string{scopeOpenID, scopeProfile, scopeEmail}
	if c.Registration.Refresh {
		all = append(all, scopeOffline)
	}
	return all
}

// ApplicationType makes a public client a native one, which may listen on any port
// of its loopback interface (RFC 8252 section 7.3).
func (c caller) ApplicationType() op.ApplicationType {
	if c.Registration.Auth == ByNobody {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c caller) AuthMethod() oidc.AuthMethod {
	switch c.Registration.Auth {
	case ByKey:
		return oidc.AuthMethodPrivateKeyJWT
	case ByNobody:
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c caller) GrantTypes() []oidc.GrantType {
	if c.Registration.Refresh {
		return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	}
	return []oidc.GrantType{oidc.GrantTypeCode}
}

// unproved is invalid_client with the status of RFC 6749 section 5.2.
func (c *call) unproved(text string) error {
	return op.NewStatusError(c.because("openid.token.client", oidc.ErrInvalidClient().WithDescription("%s", text)), http.StatusUnauthorized)
}

// VerifyClient lets a client prove who it is, in the way that it is registered for
// and no other.
func (v *server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	c := callOf(ctx)
	id := r.Data.ClientID
	var proof *assertion
	if r.Data.ClientAssertion != "" {
		var ok bool
		if proof, ok = readAssertion(r.Data.ClientAssertion); !ok || id != "" && id != proof.Issuer {
			return nil, c.unproved("The client's assertion cannot be read.")
		}
		id = proof.Issuer
	}
	client, err := v.s.byID(ctx, id)
	if fault.KindOf(err) == fault.Absent {
		return nil, c.unproved("There is no such client.")
	}
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	c.client = &client
	ok := false
	switch client.Registration.Auth {
	case BySecret:
		ok = proof == nil && secret.Equal(client.SecretMAC, v.s.Keys.MAC(secretPurpose, client.ServiceID, r.Data.ClientSecret))
	case ByNobody:
		ok = proof == nil && r.Data.ClientSecret == ""
	case ByKey:
		if proof == nil || r.Data.ClientSecret != "" {
			break
		}
		if ok, err = v.s.verify(ctx, client, proof); err != nil {
			return nil, v.s.ours(ctx, err)
		}
	}
	if !ok {
		return nil, c.unproved("The client has not proved who it is, in the way that it is registered for.")
	}
	return caller{client}, nil
}

// assertionAlgorithms are what a client may sign its assertions with.
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.ES384, jose.EdDSA}

func assertionAlgorithmNames() []string {
	all := make([]string, len(assertionAlgorithms))
	for i, a := range assertionAlgorithms {
		all[i] = string(a)
	}
	return all
}

// How long an assertion may be good for, and how far the client's clock may be off.
const (
	assertionLife = 10 * time.Minute
	assertionSkew = time.Minute
)

// assertion is a client's proof of itself (RFC 7523 section 3), not verified yet.
type assertion struct {
	jwt.Claims

	token *jwt.JSONWebToken
}

func readAssertion(text string) (*assertion, bool) {
	token, err := jwt.ParseSigned(text, assertionAlgorithms)
	a := &assertion{token: token}
	if err != nil || len(token.Headers) != 1 || token.UnsafeClaimsWithoutVerification(&a.Claims) != nil {
		return nil, false
	}
	return a, true
}

// verify checks an assertion by the client's registered keys: signature, issuer and
// subject, audience, times; and that it is used once.
func (s *Service) verify(ctx context.Context, c Client, a *assertion) (bool, error) {
	set, err := readKeys(c.Registration.KeySet)
	if err != nil {
		return false, err
	}
	keys := set.Keys
	if id := a.token.Headers[0].KeyID; id != "" {
		keys = set.Key(id)
	}
	var claims jwt.Claims
	if !slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool {
		claims = jwt.Claims{}
		return (k.Algorithm == "" || k.Algorithm == a.token.Headers[0].Algorithm) && a.token.Claims(k.Key, &claims) == nil
	}) {
		return false, nil
	}
	now := store.Instant(s.Now())
	if claims.Issuer != c.ServiceID || claims.ID == "" || len(claims.ID) > 200 || claims.Expiry == nil || claims.Expiry.Time().After(now.Add(assertionLife)) {
		return false, nil
	}
	err = claims.ValidateWithLeeway(jwt.Expected{Subject: c.ServiceID, AnyAudience: jwt.Audience{s.BaseURL, s.BaseURL + tokenPath}, Time: now}, assertionSkew)
	if err != nil {
		return false, nil //nolint:nilerr // it does not count, which is no failure of ours
	}
	seen := used{ServiceID: c.ServiceID, JTI: claims.ID, ExpiresAt: store.Instant(claims.Expiry.Time().Add(assertionSkew))}
	var n int64
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		n, err = store.Insert(ctx, tx, []used{seen}, "ON CONFLICT (service_id, jti) DO NOTHING")
		return err
	})
	return n == 1, err
}

// used is an assertion that has been used.
type used struct {
	bun.BaseModel `bun:"table:openid_assertion"`

	ServiceID string    `bun:"service_id,pk"`
	JTI       string    `bun:"jti,pk"`
	ExpiresAt time.Time `bun:"expires_at"`
}
