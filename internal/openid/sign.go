package openid

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
)

// jwk is a signing key of the installation. The kid is its thumbprint (RFC 7638), so
// that every node names it alike.
func jwk(k oiosaml.Key, private bool) (jose.JSONWebKey, error) {
	out := jose.JSONWebKey{Key: k.Private.Public(), Use: "sig", Algorithm: string(algorithmOf(k))}
	thumb, err := out.Thumbprint(crypto.SHA256)
	if err != nil {
		return out, err
	}
	out.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	if private {
		out.Key = k.Private
	}
	return out, nil
}

func algorithmOf(k oiosaml.Key) jose.SignatureAlgorithm {
	if k.Algorithm() == oiosaml.ECDSA {
		return jose.ES256
	}
	return jose.RS256
}

// published are the keys that clients verify by: those that sign, will sign and have
// signed.
func (s *Service) published(ctx context.Context) (jose.JSONWebKeySet, error) {
	ring, err := s.SAMLKeys.Ring(ctx)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	for _, k := range ring.Signing {
		one, err := jwk(k, false)
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, one)
	}
	return set, nil
}

// Keys is the JSON Web Key Set. A client that meets an unknown kid fetches it again
// (OpenID Connect Core 10.1.1), so that it may be kept for a while.
func (v *server) Keys(ctx context.Context, _ *op.Request[struct{}]) (*op.Response, error) {
	set, err := v.s.published(ctx)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	r := op.NewResponse(set)
	r.Header = http.Header{"Cache-Control": {"public, max-age=300"}}
	return r, nil
}

// sign writes a token of the given type, with the algorithm that the service's owner
// has chosen.
func (s *Service) sign(ctx context.Context, p federation.Partner, kind jose.ContentType, claims map[string]any) (string, error) {
	ring, err := s.SAMLKeys.Ring(ctx)
	if err != nil {
		return "", err
	}
	want := oiosaml.RSA
	if p.Policy.ECDSA {
		want = oiosaml.ECDSA
	}
	for _, k := range ring.Signing {
		if k.Algorithm() != want {
			continue
		}
		key, err := jwk(k, true)
		if err != nil {
			return "", err
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithmOf(k), Key: key}, (&jose.SignerOptions{}).WithType(kind))
		if err != nil {
			return "", err
		}
		return jwt.Signed(signer).Claims(claims).Serialize()
	}
	return "", errors.New("there is no signing key of the algorithm " + want)
}

// hint is an ID token of ours that comes back.
type hint struct {
	Client  string
	Subject string
	Session string
}

// readHint verifies an ID token that a client sends back. It may be over: it only
// says who the client means (RP-Initiated Logout 1.0 section 2). A token without a
// session is none of our ID tokens.
func (s *Service) readHint(ctx context.Context, text string) (hint, bool, error) {
	set, err := s.published(ctx)
	if err != nil {
		return hint{}, false, err
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(token.Headers) != 1 {
		return hint{}, false, nil //nolint:nilerr // it does not count, which is no failure of ours
	}
	var claims struct {
		jwt.Claims

		Session string         `json:"sid"`
		Events  map[string]any `json:"events"`
	}
	for _, key := range set.Key(token.Headers[0].KeyID) {
		if key.Algorithm != token.Headers[0].Algorithm || token.Claims(key.Key, &claims) != nil {
			continue
		}
		if claims.Issuer != s.BaseURL || len(claims.Audience) != 1 || claims.Session == "" || claims.Events != nil {
			return hint{}, false, nil
		}
		return hint{claims.Audience[0], claims.Subject, claims.Session}, true, nil
	}
	return hint{}, false, nil
}
