package openid

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Kinds of a token.
const (
	accessToken  = "access"
	refreshToken = "refresh"
)

// token is one token that a client holds; only its keyed hash is known here.
type token struct {
	bun.BaseModel `bun:"table:openid_token,alias:token"`

	MAC       []byte       `bun:"token_mac,pk"`
	OrgID     access.OrgID `bun:"org_id"` // the person's
	GrantID   string       `bun:"grant_id"`
	Kind      string       `bun:"kind"`
	CreatedAt time.Time    `bun:"created_at"`
	ExpiresAt time.Time    `bun:"expires_at"`
	UsedAt    *time.Time   `bun:"used_at"`
}

func (s *Service) macOf(kind, text string) []byte {
	if kind == accessToken {
		return s.Keys.MAC(accessPurpose, text)
	}
	return s.Keys.MAC(refreshPurpose, text)
}

// Why a grant ended before its time.
const (
	whyReused  = "reused"  // a code or refresh token came a second time
	whyWrong   = "wrong"   // the code came with a wrong verifier or address
	whyRevoked = "revoked" // the client gave its tokens back
	whyRefused = "refused" // the person may not log in any more
)

// badGrant is invalid_grant, whatever it was: the client is told no more than that.
// Its administrators see the code.
func (c *call) badGrant(code, text string) error {
	return c.because(code, oidc.ErrInvalidGrant().WithDescription("%s", text))
}

// CodeExchange gives tokens for a code (OpenID Connect Core 3.1.3). A code that
// comes a second time takes back what the first time gave (RFC 6749 section 4.1.2).
func (v *server) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	out, err := v.s.exchange(ctx, callOf(ctx), r.Data)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	return op.NewResponse(out), nil
}

func (s *Service) exchange(ctx context.Context, c *call, in *oidc.AccessTokenRequest) (*oidc.AccessTokenResponse, error) {
	var g grant
	err := s.DB.NewSelect().Model(&g).Where("code_mac = ?", s.Keys.MAC(codePurpose, in.Code)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && g.ServiceID != c.client.ServiceID {
		return nil, c.badGrant("openid.token.code", "The code is not one that this client was given.")
	}
	if err != nil {
		return nil, err
	}
	one, err := g.given()
	if err != nil {
		return nil, err
	}
	c.facts = federation.Facts{Binding: Kind, Asked: in.RedirectURI, Registered: []string{one.Redirect}}
	if g.CodeUsedAt != nil {
		return nil, s.reused(ctx, c, g, "openid.token.code_reused", "The code has been used already.")
	}
	if !g.CodeUntil.After(s.Now()) {
		return nil, c.badGrant("openid.token.code_late", "The code is older than a minute.")
	}
	if in.RedirectURI != one.Redirect {
		return nil, s.wasted(ctx, c, g, "openid.token.redirect", "The redirect_uri is not the one of the login.")
	}
	if !verified(in.CodeVerifier, one.Challenge) {
		return nil, s.wasted(ctx, c, g, "openid.token.verifier", "The code_verifier does not belong to the code_challenge of the login.")
	}
	return s.issue(ctx, c, g, one, one.Scopes, one.Nonce, func(ctx context.Context, tx bun.Tx) (int64, error) {
		return store.Count(tx.NewUpdate().Model((*grant)(nil)).Set("code_used_at = ?", store.Instant(s.Now())).
			Where("org_id = ?", g.OrgID).Where("id = ?", g.ID).Where("code_used_at IS NULL").Where("ended_at IS NULL").Exec(ctx))
	})
}

// RefreshToken gives new tokens for a refresh token, which is spent by it: one that
// comes a second time was stolen, from the client or by it, and ends them all (RFC
// 9700 section 4.14.2).
func (v *server) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	out, err := v.s.refresh(ctx, callOf(ctx), r.Data)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	return op.NewResponse(out), nil
}

func (s *Service) refresh(ctx context.Context, c *call, in *oidc.RefreshTokenRequest) (*oidc.AccessTokenResponse, error) {
	c.facts = federation.Facts{Binding: Kind}
	t, g, err := s.look(ctx, refreshToken, in.RefreshToken)
	if errors.Is(err, sql.ErrNoRows) || err == nil && g.ServiceID != c.client.ServiceID {
		return nil, c.badGrant("openid.token.refresh", "The refresh token is not one that this client was given.")
	}
	if err != nil {
		return nil, err
	}
	one, err := g.given()
	if err != nil {
		return nil, err
	}
	if t.UsedAt != nil {
		return nil, s.reused(ctx, c, g, "openid.token.refresh_reused", "The refresh token has been used already.")
	}
	if !t.ExpiresAt.After(s.Now()) {
		return nil, c.badGrant("openid.token.over", "The login is over.")
	}
	scopes := one.Scopes
	if len(in.Scopes) > 0 {
		scopes = in.Scopes
		for _, scope := range scopes {
			if !slices.Contains(one.Scopes, scope) {
				return nil, c.because("openid.request.scope", oidc.ErrInvalidScope().WithDescription("The scope is wider than the login's."))
			}
		}
	}
	return s.issue(ctx, c, g, one, scopes, "", func(ctx context.Context, tx bun.Tx) (int64, error) {
		return store.Count(tx.NewUpdate().Model((*token)(nil)).Set("used_at = ?", store.Instant(s.Now())).
			Where("org_id = ?", g.OrgID).Where("token_mac = ?", t.MAC).Where("used_at IS NULL").Exec(ctx))
	})
}

// look finds a token and its grant. Errors: sql.ErrNoRows.
func (s *Service) look(ctx context.Context, kind, text string) (t token, g grant, err error) {
	err = s.DB.NewSelect().Model(&t).Where("token_mac = ?", s.macOf(kind, text)).Where("kind = ?", kind).Scan(ctx)
	if err == nil {
		err = s.DB.NewSelect().Model(&g).Where("org_id = ?", t.OrgID).Where("id = ?", t.GrantID).Scan(ctx)
	}
	return t, g, err
}

// holds decides whether a grant still counts, and what may be told by it now: the
// person is logged in there, the session has not ended, and federation would let the
// person in again. refused is the reason when it would not.
func (s *Service) holds(ctx context.Context, g grant, one given) (out federation.Release, live bool, refused string, err error) {
	if g.EndedAt != nil || !g.ExpiresAt.After(s.Now()) {
		return out, false, "", nil
	}
	live, err = s.Federation.LiveIn(ctx, s.DB, g.OrgID, Kind, g.ServiceID, g.ID)
	if err != nil || !live {
		return out, false, "", err
	}
	out, err = s.Federation.Decide(ctx, g.ServiceID, g.login(one))
	if why, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		return out, false, why.Reason, nil
	}
	if fault.KindOf(err) == fault.Absent {
		return out, false, "service", nil
	}
	return out, err == nil, "", err
}

// issue makes tokens of a grant, in the transaction that spends what the client has
// shown for them. spend tells how many rows it took: none is one that came twice.
func (s *Service) issue(ctx context.Context, c *call, g grant, one given, scopes []string, nonce string, spend func(context.Context, bun.Tx) (int64, error)) (*oidc.AccessTokenResponse, error) {
	out, live, refused, err := s.holds(ctx, g, one)
	if err != nil {
		return nil, err
	}
	if refused != "" {
		if err := s.end(ctx, g, whyRefused); err != nil {
			return nil, err
		}
	}
	if !live {
		return nil, c.badGrant("openid.token.over", "The login is over.")
	}
	now := store.Instant(s.Now())
	until := now.Add(accessLife)
	if g.ExpiresAt.Before(until) {
		until = g.ExpiresAt
	}
	bearer := secret.Token()
	tokens := []token{{MAC: s.macOf(accessToken, bearer), OrgID: g.OrgID, GrantID: g.ID, Kind: accessToken, CreatedAt: now, ExpiresAt: until}}
	answer := &oidc.AccessTokenResponse{
		AccessToken: bearer, TokenType: oidc.BearerToken, ExpiresIn: uint64(until.Sub(now).Seconds()), Scope: scopes,
	}
	if slices.Contains(one.Scopes, scopeOffline) && c.client.Registration.Refresh {
		answer.RefreshToken = secret.Token()
		tokens = append(tokens, token{MAC: s.macOf(refreshToken, answer.RefreshToken), OrgID: g.OrgID, GrantID: g.ID, Kind: refreshToken, CreatedAt: now, ExpiresAt: g.ExpiresAt})
	}
	if answer.IDToken, err = s.idToken(ctx, c.client, g, one, scopes, nonce, bearer, out); err != nil {
		return nil, err
	}
	var n int64
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		if n, err = spend(ctx, tx); err != nil || n == 0 {
			return err
		}
		_, err = store.Insert(ctx, tx, tokens, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, s.reused(ctx, c, g, "openid.token.code_reused", "The code or token has been used already.")
	}
	return answer, nil
}

// reused ends everything that came of a login, because somebody holds a copy.
func (s *Service) reused(ctx context.Context, c *call, g grant, code, text string) error {
	if err := s.end(ctx, g, whyReused); err != nil {
		return err
	}
	return c.badGrant(code, text)
}

// wasted ends a login whose code came with something that does not belong to it.
func (s *Service) wasted(ctx context.Context, c *call, g grant, code, text string) error {
	if err := s.end(ctx, g, whyWrong); err != nil {
		return err
	}
	return c.badGrant(code, text)
}

// end ends a grant with all its tokens, on record; one that has ended stays as it is.
func (s *Service) end(ctx context.Context, g grant, why string) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*grant)(nil)).Set("ended_at = ?", now).Set("why = ?", why).
			Set("code_used_at = coalesce(code_used_at, ?)", now).
			Where("org_id = ?", g.OrgID).Where("id = ?", g.ID).Where("ended_at IS NULL").Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		if err := s.Federation.Leave(ctx, tx, g.OrgID, Kind, g.ServiceID, g.ID); err != nil {
			return err
		}
		by := access.Actor{OrgID: g.OrgID, ID: "service:" + g.ServiceID}
		return audit.Record(ctx, tx, audit.By(by, now, "openid.end", "employee:"+string(g.EmployeeID), why+", session "+g.ID))
	})
}

// idToken writes an ID token (OpenID Connect Core section 2) for a login.
func (s *Service) idToken(ctx context.Context, client *Client, g grant, one given, scopes []string, nonce, bearer string, out federation.Release) (string, error) {
	p, err := s.Federation.Named(ctx, client.ServiceID)
	if err != nil {
		return "", err
	}
	now := s.Now()
	claims := told(client.Registration, scopes, out)
	claims["iss"], claims["aud"], claims["sub"] = s.BaseURL, client.ServiceID, one.Subject
	claims["iat"], claims["exp"], claims["auth_time"] = now.Unix(), now.Add(idLife).Unix(), one.LoginAt.Unix()
	claims["acr"], claims["sid"] = acr(out.Person.Level), g.ID
	if nonce != "" {
		claims["nonce"] = nonce
	}
	// A key file is a key in software (RFC 8176); how an organisation's own provider
	// has known the person it does not tell us, so nothing is said.
	if !one.Outside {
		claims["amr"] = []string{"swk"}
	}
	if claims["at_hash"], err = oidc.ClaimHash(bearer, "RS256"); err != nil { // ES256 hashes alike
		return "", err
	}
	return s.sign(ctx, p, "JWT", claims)
}
