package openid

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/outside"
)

// Addresses of the provider, below its issuer.
const (
	authorizePath  = "/openid/authorize"
	tokenPath      = "/openid/token"
	userinfoPath   = "/openid/userinfo"
	jwksPath       = "/openid/jwks"
	endPath        = "/openid/end_session"
	revokePath     = "/openid/revoke"
	introspectPath = "/openid/introspect"
)

// Browser is what the one who calls brings, as far as it is no part of the
// protocol.
type Browser struct {
	Cookie  string            // of flows, "" = none yet
	Address string            // where the call comes from
	Login   *federation.Login // who is logged in, nil = nobody
}

// Answer is what the caller gets.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Cookie string // of flows, to be kept by the browser; "" = no change
	Ended  bool   // the browser's session is over
	Lang   string // that the service wants its pages in, "" = it does not say
	// Err is for a person to read instead of Body: nobody else can be answered.
	Err error
}

// call is one request on its way through the library, which knows contexts and no
// parameters of ours.
type call struct {
	Browser

	answer Answer
	client *Client // as soon as it is known, whether or not it has proved itself
	facts  federation.Facts
	fail   *fault.Error // why, for the service's administrators
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// because notes why a service is refused, and returns what the protocol says.
func (c *call) because(code string, e *oidc.Error) *oidc.Error {
	c.fail = fault.New(fault.Denied, code, "%s", e.Description)
	return e
}

// maxBody bounds a request, in bytes.
const maxBody = 64 << 10

// Serve answers one request to one of the provider's addresses.
func (s *Service) Serve(r *http.Request, b Browser) Answer {
	c := &call{Browser: b}
	ctx := context.WithValue(r.Context(), callKey{}, c)
	r = r.WithContext(ctx)
	w := &recorder{header: http.Header{}}
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	switch err := r.ParseForm(); {
	case err != nil:
		op.WriteError(w, r, oidc.ErrInvalidRequest().WithDescription("The form cannot be read."), nil)
	case repeated(r.Form):
		op.WriteError(w, r, oidc.ErrInvalidRequest().WithDescription("A parameter is there twice."), nil)
	default:
		s.once.Do(s.build)
		s.handler.ServeHTTP(w, r)
	}
	a := c.answer
	a.Status, a.Header, a.Body = w.status, w.header, w.body.Bytes()
	if r.URL.Path != jwksPath && r.URL.Path != oidc.DiscoveryEndpoint {
		a.Header.Set("Cache-Control", "no-store")
	}
	if a.Status == http.StatusUnauthorized {
		challenge := `Basic realm="adgang"` // RFC 6749 section 5.2
		if r.URL.Path == userinfoPath {
			challenge = `Bearer realm="adgang", error="invalid_token"` // RFC 6750 section 3
		}
		a.Header.Set("WWW-Authenticate", challenge)
	}
	if err := s.note(ctx, r, c, a); err != nil {
		s.Log.ErrorContext(ctx, "refusal not recorded", "err", err)
	}
	if toPerson := r.URL.Path == authorizePath || r.URL.Path == endPath; toPerson && a.Status >= http.StatusBadRequest {
		a.Err = c.fail
		if c.fail == nil {
			a.Err = fault.New(fault.Invalid, "openid.request.malformed", "The service sent something that is no request of OpenID Connect. Go back to it and start again.")
		}
	}
	return a
}

// note records what a service was refused, for its administrators, be it our own
// refusal or the library's.
func (s *Service) note(ctx context.Context, r *http.Request, c *call, a Answer) error {
	if c.client == nil || r.URL.Path != authorizePath && r.URL.Path != tokenPath {
		return nil
	}
	status := ""
	if to, err := url.Parse(a.Header.Get("Location")); err == nil {
		if status = to.Query().Get("error"); status == "" && strings.Contains(to.Fragment, "error=") {
			status = "unauthorized_client" // of a response_type whose answers go into the fragment
		}
	}
	if status == "" && a.Status < http.StatusBadRequest {
		return nil
	}
	if c.fail == nil {
		c.fail = fault.New(fault.Invalid, "openid.request.malformed", "The request does not follow the protocol.")
	}
	return s.Federation.Refused(context.WithoutCancel(ctx), c.client.ServiceID, c.facts, c.fail, status, c.Address)
}

// repeated tells whether a parameter is there twice (RFC 6749 section 3.1).
func repeated(form url.Values) bool {
	for _, values := range form {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// recorder keeps an answer until it is known whether a person should see it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// named adds the issuer to errors that go to a service (RFC 9207): a client with
// several providers sees which one answered.
type named struct {
	issuer string
	encode func(src any, dst map[string][]string) error
}

func (n named) Encode(src any, dst map[string][]string) error {
	dst["iss"] = []string{n.issuer}
	return n.encode(src, dst)
}

// build makes the library's handler and the client for addresses of services, once.
func (s *Service) build() {
	s.client = outside.Client(s.PrivateHosts)
	s.handler = op.RegisterServer(&server{s: s}, op.Endpoints{
		Authorization: op.NewEndpoint(authorizePath), Token: op.NewEndpoint(tokenPath), Userinfo: op.NewEndpoint(userinfoPath),
		JwksURI: op.NewEndpoint(jwksPath), EndSession: op.NewEndpoint(endPath), Revocation: op.NewEndpoint(revokePath),
		Introspection: op.NewEndpoint(introspectPath),
	}, op.WithServerCORSOptions(nil), op.WithEncoder(named{s.BaseURL, oidc.NewEncoder().Encode}))
}

// server is the provider as the library wants it. It is its Server and not its
// Storage: a code or a refresh token is spent and answered for in one transaction,
// PKCE is asked of every client, and time is Now (ADR 0054).
type server struct {
	op.UnimplementedServer

	s *Service
}

// discovery is the library's document and what it does not know.
type discovery struct {
	oidc.DiscoveryConfiguration

	Issuers bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

// Discovery is OpenID Connect Discovery 1.0 section 3: what there is, and nothing
// that there is not.
func (v *server) Discovery(_ context.Context, _ *op.Request[struct{}]) (*op.Response, error) {
	base := v.s.BaseURL
	auth := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodPrivateKeyJWT, oidc.AuthMethodNone}
	return op.NewResponse(discovery{oidc.DiscoveryConfiguration{
		Issuer: base, AuthorizationEndpoint: base + authorizePath, TokenEndpoint: base + tokenPath, UserinfoEndpoint: base + userinfoPath,
		JwksURI: base + jwksPath, EndSessionEndpoint: base + endPath, RevocationEndpoint: base + revokePath, IntrospectionEndpoint: base + introspectPath,
		ScopesSupported:        []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline},
		ResponseTypesSupported: []string{"code"}, ResponseModesSupported: []string{"query"},
		GrantTypesSupported:                        []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken},
		ACRValuesSupported:                         acrValues(),
		SubjectTypesSupported:                      []string{"pairwise"},
		IDTokenSigningAlgValuesSupported:           []string{"RS256", "ES256"},
		TokenEndpointAuthMethodsSupported:          auth,
		TokenEndpointAuthSigningAlgValuesSupported: assertionAlgorithmNames(),
		RevocationEndpointAuthMethodsSupported:     auth, RevocationEndpointAuthSigningAlgValuesSupported: assertionAlgorithmNames(),
		IntrospectionEndpointAuthMethodsSupported: auth[:3], IntrospectionEndpointAuthSigningAlgValuesSupported: assertionAlgorithmNames(),
		ClaimTypesSupported: []string{"normal"}, ClaimsSupported: claimNames(),
		CodeChallengeMethodsSupported: []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		UILocalesSupported:            oidc.ParseLocales([]string{"da", "en"}),
		BackChannelLogoutSupported:    true, BackChannelLogoutSessionSupported: true,
	}, true}), nil
}

// ours turns an error of ours into one of the protocol, and never shows what is
// inside. Errors of the protocol pass.
func (s *Service) ours(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*oidc.Error](err); ok {
		return err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal && f.Kind != fault.Unavailable {
		c := callOf(ctx)
		c.fail = f
		return oidc.ErrInvalidRequest().WithDescription("%s", f.Text)
	}
	s.Log.ErrorContext(ctx, "request failed", "route", "openid", "err", err)
	return oidc.ErrServerError().WithDescription("Something went wrong here. Try again later.")
}

// with is the address with parameters added to what it has.
func with(address string, params url.Values) string {
	u, err := url.Parse(address)
	if err != nil { // it was read when it was registered
		return address
	}
	q := u.Query()
	maps.Copy(q, params)
	u.RawQuery = q.Encode()
	return u.String()
}
