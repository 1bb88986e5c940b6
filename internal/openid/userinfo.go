package openid

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// UserInfo tells about the person (OpenID Connect Core 5.3), decided anew: what the
// organisation withholds since, or a person who was stopped, counts at once.
func (v *server) UserInfo(ctx context.Context, r *op.Request[oidc.UserInfoRequest]) (*op.Response, error) {
	out, err := v.s.userInfo(ctx, r.Data.AccessToken)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	if out == nil {
		return nil, op.NewStatusError(&oidc.Error{ErrorType: "invalid_token", Description: "The access token is not good, or no longer."}, http.StatusUnauthorized)
	}
	return op.NewResponse(out), nil
}

// userInfo is nil for a token that does not count.
func (s *Service) userInfo(ctx context.Context, bearer string) (map[string]any, error) {
	t, g, err := s.look(ctx, accessToken, bearer)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !t.ExpiresAt.After(s.Now()) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one, err := g.given()
	if err != nil {
		return nil, err
	}
	release, live, refused, err := s.holds(ctx, g, one)
	if err != nil {
		return nil, err
	}
	if refused != "" {
		return nil, s.end(ctx, g, whyRefused)
	}
	if !live {
		return nil, nil
	}
	client, err := s.byID(ctx, g.ServiceID)
	if err != nil {
		return nil, err
	}
	claims := told(client.Registration, one.Scopes, release)
	claims["sub"] = one.Subject
	return claims, nil
}

// Introspect tells a client about a token of its own (RFC 7662); about another's it
// says no more than that it is not active.
func (v *server) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	asking, err := v.VerifyClient(ctx, &op.Request[op.ClientCredentials]{Method: r.Method, URL: r.URL, Header: r.Header, Form: r.Form, Data: r.Data.ClientCredentials})
	if err != nil {
		return nil, err
	}
	out, err := v.s.introspect(ctx, asking.GetID(), r.Data.Token)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	return op.NewResponse(out), nil
}

func (s *Service) introspect(ctx context.Context, client, text string) (*oidc.IntrospectionResponse, error) {
	silent := &oidc.IntrospectionResponse{}
	for _, kind := range []string{accessToken, refreshToken} {
		t, g, err := s.look(ctx, kind, text)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if g.ServiceID != client || t.UsedAt != nil || !t.ExpiresAt.After(s.Now()) {
			return silent, nil
		}
		one, err := g.given()
		if err != nil {
			return nil, err
		}
		if _, live, _, err := s.holds(ctx, g, one); err != nil || !live {
			return silent, err
		}
		out := &oidc.IntrospectionResponse{
			Active: true, Scope: one.Scopes, ClientID: client, Issuer: s.BaseURL, Subject: one.Subject, Audience: []string{client},
			Expiration: oidc.FromTime(t.ExpiresAt), IssuedAt: oidc.FromTime(t.CreatedAt), AuthTime: oidc.FromTime(one.LoginAt),
		}
		if kind == accessToken {
			out.TokenType = oidc.BearerToken
		}
		return out, nil
	}
	return silent, nil
}

// Revocation takes tokens back (RFC 7009): either of them ends the login at this
// client. Another client's token is left alone, and nobody is told.
func (v *server) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	for _, kind := range []string{refreshToken, accessToken} {
		_, g, err := v.s.look(ctx, kind, r.Data.Token)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil && g.ServiceID == r.Client.GetID() {
			err = v.s.end(ctx, g, whyRevoked)
		}
		if err != nil {
			return nil, v.s.ours(ctx, err)
		}
		break
	}
	return op.NewResponse(nil), nil
}
