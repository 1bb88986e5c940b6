package openid

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// request is what has to be known of a login request again when it is answered.
type request struct {
	Redirect  string   `json:"redirect"`
	State     string   `json:"state,omitempty"`
	Nonce     string   `json:"nonce,omitempty"`
	Challenge string   `json:"challenge"` // S256, RFC 7636
	Scopes    []string `json:"scopes"`
}

// grant is one login to a client: a code, and the tokens that came of it.
type grant struct {
	bun.BaseModel `bun:"table:openid_grant"`

	ID         string            `bun:"id,pk"`  // the client's sid
	OrgID      access.OrgID      `bun:"org_id"` // the person's
	ServiceID  string            `bun:"service_id"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	SessionID  string            `bun:"session_id"`
	Document   string            `bun:"document"` // JSON of given
	CodeMAC    []byte            `bun:"code_mac"`
	CodeUntil  time.Time         `bun:"code_until"`
	CodeUsedAt *time.Time        `bun:"code_used_at"`
	CreatedAt  time.Time         `bun:"created_at"`
	ExpiresAt  time.Time         `bun:"expires_at"`
	EndedAt    *time.Time        `bun:"ended_at"`
	Why        string            `bun:"why"`
}

// given is a grant's document: the request, and the login that answered it.
type given struct {
	request

	Subject       string        `json:"subject"`
	LoginAt       time.Time     `json:"login_at"`
	Authenticator oiosaml.Level `json:"authenticator"`
	Outside       bool          `json:"outside,omitempty"`
}

func (g grant) given() (one given, err error) {
	err = json.Unmarshal([]byte(g.Document), &one)
	return one, err
}

// login is the login that the grant came of, as it was.
func (g grant) login(one given) federation.Login {
	return federation.Login{
		Actor: access.Actor{OrgID: g.OrgID, ID: "employee:" + string(g.EmployeeID), Employee: g.EmployeeID},
		At:    one.LoginAt, Authenticator: one.Authenticator, Outside: one.Outside, Session: g.SessionID, Until: g.ExpiresAt,
	}
}

// challenge is what SHA-256 makes of a verifier in base64url (RFC 7636 section 4.2).
var challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// VerifyAuthRequest finds the client and holds the address to those registered:
// until that is done nobody but the person may be answered.
func (v *server) VerifyAuthRequest(ctx context.Context, r *op.Request[oidc.AuthRequest]) (*op.ClientRequest[oidc.AuthRequest], error) {
	c := callOf(ctx)
	client, err := v.s.byID(ctx, r.Data.ClientID)
	if fault.KindOf(err) == fault.Absent {
		return nil, c.because("openid.request.client", oidc.ErrInvalidRequestRedirectURI().WithDescription("The service that sent you here is not registered. Its owner must register it before anyone can log in to it."))
	}
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	c.client = &client
	c.facts = federation.Facts{Binding: Kind, Asked: r.Data.RedirectURI, Registered: client.Registration.Redirects}
	if op.ValidateAuthReqRedirectURI(caller{client}, r.Data.RedirectURI, oidc.ResponseTypeCode) != nil {
		return nil, c.because("openid.request.redirect", oidc.ErrInvalidRequestRedirectURI().WithDescription("The service asks to be answered at an address that is not registered for it."))
	}
	return &op.ClientRequest[oidc.AuthRequest]{Request: r, Client: caller{client}}, nil
}

// Authorize takes a login request in (OpenID Connect Core 3.1.2.1) and sends the
// browser on to where every login goes on.
func (v *server) Authorize(ctx context.Context, r *op.ClientRequest[oidc.AuthRequest]) (*op.Redirect, error) {
	c := callOf(ctx)
	wish, err := v.s.wish(ctx, c, r)
	if err != nil {
		return nil, err
	}
	out, err := v.s.Federation.Ask(ctx, wish, c.Cookie, c.Address)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	c.answer.Cookie = out.Cookie
	if len(r.Data.UILocales) > 0 {
		if base, _ := r.Data.UILocales[0].Base(); base.String() == "da" || base.String() == "en" {
			c.answer.Lang = base.String()
		}
	}
	return op.NewRedirect("/saml/continue?flow=" + url.QueryEscape(out.Flow)), nil
}

// maxDetail bounds what is kept of a request, in bytes.
const maxDetail = 8 << 10

// wish reads a request. Errors are the protocol's.
func (s *Service) wish(ctx context.Context, c *call, r *op.ClientRequest[oidc.AuthRequest]) (federation.FaceRequest, error) {
	in := r.Data
	asked := request{Redirect: in.RedirectURI, State: in.State, Nonce: in.Nonce, Challenge: in.CodeChallenge}
	for _, scope := range in.Scopes {
		if slices.Contains(c.client.scopes(), scope) && !slices.Contains(asked.Scopes, scope) {
			asked.Scopes = append(asked.Scopes, scope)
		}
	}
	detail, err := json.Marshal(asked)
	if err != nil {
		return federation.FaceRequest{}, s.ours(ctx, err)
	}
	no := func(code string, e *oidc.Error, text string) (federation.FaceRequest, error) {
		return federation.FaceRequest{}, c.because(code, e.WithDescription("%s", text))
	}
	switch {
	case in.RequestParam != "":
		return no("openid.request.malformed", oidc.ErrRequestNotSupported(), "Request objects are not supported.")
	case r.Form.Get("request_uri") != "":
		return no("openid.request.malformed", &oidc.Error{ErrorType: "request_uri_not_supported"}, "Request objects are not supported.")
	case in.ResponseMode != "" && in.ResponseMode != oidc.ResponseModeQuery:
		return no("openid.request.malformed", oidc.ErrInvalidRequest(), "The only response_mode is query.")
	case !slices.Contains(asked.Scopes, scopeOpenID):
		return no("openid.request.scope", oidc.ErrInvalidScope(), "The scope must contain openid.")
	case in.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || !challenge.MatchString(in.CodeChallenge):
		return no("openid.request.pkce", oidc.ErrInvalidRequest(), "PKCE is required: a code_challenge with the code_challenge_method S256.")
	case len(detail) > maxDetail:
		return no("openid.request.malformed", oidc.ErrInvalidRequest(), "The request is too long.")
	}
	w := federation.FaceRequest{
		Face: Kind, Service: c.client.ServiceID, Detail: string(detail), Facts: c.facts,
		Request: oiosaml.Request{
			ID: "openid-" + store.NewID(), Consumer: in.RedirectURI, NameID: oiosaml.Persistent,
			IsPassive:  slices.Contains(in.Prompt, oidc.PromptNone),
			ForceAuthn: slices.Contains(in.Prompt, oidc.PromptLogin) || slices.Contains(in.Prompt, oidc.PromptSelectAccount),
			Context:    needs(c.client.Registration.Level, in.ACRValues),
		},
	}
	if in.MaxAge != nil {
		age := int64(min(*in.MaxAge, 1<<31))
		w.MaxAge = &age
	}
	if in.IDTokenHint != "" {
		h, ok, err := s.readHint(ctx, in.IDTokenHint)
		if err != nil {
			return federation.FaceRequest{}, s.ours(ctx, err)
		}
		if !ok || h.Client != c.client.ServiceID {
			return no("openid.request.hint", oidc.ErrInvalidRequest(), "The id_token_hint is no ID token that this client was given.")
		}
		w.Request.Subject = h.Subject
	}
	return w, nil
}

// needs is the level that a login must have: the one that the owner has decided and
// the lowest of those that the request names, whichever is higher. Levels are asked
// for to be had, so acr_values are not only a preference. Values that nobody here
// knows count when there is no other, and cannot be met.
func needs(level string, values []string) oiosaml.Context {
	least := oiosaml.Level(0)
	for _, l := range []oiosaml.Level{oiosaml.High, oiosaml.Substantial, oiosaml.Low} {
		if slices.Contains(values, acr(l)) {
			least = l
		}
	}
	if least == 0 && len(values) > 0 {
		return oiosaml.Context{Comparison: "exact", Classes: values}
	}
	if l := oiosaml.LevelNamed(level); l > least {
		least = l
	}
	if least == 0 {
		return oiosaml.Context{}
	}
	return oiosaml.AtLeast(least)
}

func acrValues() []string {
	return []string{acr(oiosaml.Low), acr(oiosaml.Substantial), acr(oiosaml.High)}
}

// grant answers a login that federation has decided: with a code that is good once,
// for a minute, at this client and with the verifier of its challenge.
func (s *Service) grant(ctx context.Context, tx bun.Tx, one federation.Granted) (federation.Given, error) {
	var asked request
	if err := json.Unmarshal([]byte(one.Detail), &asked); err != nil {
		return federation.Given{}, err
	}
	now := store.Instant(s.Now())
	until := one.Login.Until
	if until.IsZero() {
		until = one.Login.At.Add(session.Lifetime)
	}
	subject := one.Release.Person.NameID
	document, err := json.Marshal(given{
		request: asked, Subject: subject, LoginAt: one.Login.At, Authenticator: one.Login.Authenticator, Outside: one.Login.Outside,
	})
	if err != nil {
		return federation.Given{}, err
	}
	code := secret.Token()
	g := grant{
		ID: store.NewID(), OrgID: one.Login.Actor.OrgID, ServiceID: one.Partner.ID, EmployeeID: one.Login.Actor.Employee, SessionID: one.Login.Session,
		Document: string(document), CodeMAC: s.Keys.MAC(codePurpose, code), CodeUntil: now.Add(codeLife), CreatedAt: now, ExpiresAt: store.Instant(until),
	}
	if _, err := tx.NewInsert().Model(&g).Exec(ctx); err != nil {
		return federation.Given{}, err
	}
	return federation.Given{
		Part: federation.Part{
			OrgID: g.OrgID, SessionID: g.SessionID, EmployeeID: g.EmployeeID, NameID: subject, NameValue: g.ID, SessionIndex: g.ID, ExpiresAt: until,
		},
		To:   s.answerAt(asked, url.Values{"code": {code}}),
		Note: "session " + g.ID,
	}, nil
}

// answerAt is the client's address with an answer: with the state that it sent, and
// the issuer (RFC 9207).
func (s *Service) answerAt(asked request, params url.Values) string {
	if asked.State != "" {
		params.Set("state", asked.State)
	}
	params.Set("iss", s.BaseURL)
	return with(asked.Redirect, params)
}

// words are the errors that refusals become (OpenID Connect Core 3.1.2.6, and OpenID
// Connect Core Error Code unmet_authentication_requirements 1.0); others are
// access_denied.
var words = map[string]string{
	"passive": "login_required", "subject": "login_required", "level": "unmet_authentication_requirements",
}

// refuse takes a refusal to the client.
func (s *Service) refuse(_ context.Context, _ federation.Partner, detail string, why *oiosaml.RefusalError) (to, status string, err error) {
	var asked request
	if err := json.Unmarshal([]byte(detail), &asked); err != nil {
		return "", "", err
	}
	status = words[why.Reason]
	if status == "" {
		status = "access_denied"
	}
	return s.answerAt(asked, url.Values{"error": {status}, "error_description": {why.Text}}), status, nil
}

// verified tells whether a verifier is the one of a challenge (RFC 7636 section 4.6).
func verified(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return len(verifier) >= 43 && len(verifier) <= 128 && secret.Equal([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge))
}
