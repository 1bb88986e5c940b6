package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// policy is the Content-Security-Policy of every page: nothing inline, nothing
// from elsewhere, and one Trusted Types policy, for the key file's worker.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types keyfile-worker"

const (
	actorKey   = "actor"
	sessionKey = "session"
	tokenKey   = "token"
)

func (s *Server) middleware() {
	s.echo.Pre(s.oneHost)
	s.echo.Use(s.observe, s.recover, s.headers, s.addresses)
}

// oneHost sends people to BASE_URL's host, so that cookies, key-file logins and
// SAML see one origin. Probes are answered wherever they come in.
func (s *Server) oneHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.TLS != nil {
			return next(c) // machines, under whatever name
		}
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics"
		// /ca/* is read over plain http by whoever checks a certificate.
		if probe || strings.EqualFold(r.Host, s.BaseURL.Host) || strings.HasPrefix(r.URL.Path, "/ca/") {
			return next(c)
		}
		to := url.URL{Scheme: s.BaseURL.Scheme, Host: s.BaseURL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		return c.Redirect(http.StatusTemporaryRedirect, to.String())
	}
}

// observe logs and counts every request by its route, never by its path or
// query, which may name people.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		took, r := s.Now().Sub(start), c.Request()
		s.metrics.observe(c.Path(), r.Method, c.Response().Status, took)
		s.Log.DebugContext(r.Context(), "request", "route", r.Method+" "+c.Path(), "status", c.Response().Status, "ms", took.Milliseconds())
		return nil
	}
}

func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				panic(cause)
			default:
				s.Log.ErrorContext(c.Request().Context(), "panic", "route", c.Path(), "err", cause, "stack", string(debug.Stack()))
				err = fault.New(fault.Internal, "internal", "")
			}
		}()
		return next(c)
	}
}

func (s *Server) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "publickey-credentials-create=(self), publickey-credentials-get=(self), camera=(), microphone=(), geolocation=()")
		if s.https() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

// addresses finds nothing at an address with bytes that no database takes as text.
func (s *Server) addresses(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		query, err := url.QueryUnescape(u.RawQuery)
		if text := u.Path + query; err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return echo.ErrNotFound
		}
		return next(c)
	}
}

// limitBody caps bodies at 1 MiB but for uploads, which cap themselves.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if c.Path() != "/api/v1/batches" && c.Path() != "/api/v1/bulk" && c.Path() != documentsPath {
			const limit = 1 << 20
			if r.ContentLength > limit {
				return echo.ErrStatusRequestEntityTooLarge
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			c.Response().Header().Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// throttle slows down those who are not logged in: 50 requests a second from
// one address, 200 at once.
func (s *Server) throttle() echo.MiddlewareFunc {
	return throttleAt(middleware.RateLimiterMemoryStoreConfig{Rate: 50, Burst: 200, ExpiresIn: time.Minute})
}

// throttleAt is throttle with figures of its own.
func throttleAt(figures middleware.RateLimiterMemoryStoreConfig) echo.MiddlewareFunc {
	return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
		Store:               middleware.NewRateLimiterMemoryStoreWithConfig(figures),
		IdentifierExtractor: func(c echo.Context) (string, error) { return c.RealIP(), nil },
		DenyHandler: func(echo.Context, string, error) error {
			return echo.NewHTTPError(http.StatusTooManyRequests)
		},
	})
}

// needActor lets through who shows an API token, a system certificate on a
// connection that ends here, or a session cookie; a write with a cookie must also
// carry the session's X-CSRF-Token.
func (s *Server) needActor(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if bearer, ok := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer "); ok {
			actor, err := s.Session.APIActor(r.Context(), bearer, c.RealIP())
			if err != nil {
				return err
			}
			c.Set(actorKey, actor)
			return within(c, actor, next)
		}
		if r.TLS != nil {
			actor, err := s.machine(c)
			if err != nil {
				return err
			}
			c.Set(actorKey, actor)
			return within(c, actor, next)
		}
		token, err := s.fromCookie(c)
		if err != nil {
			return err
		}
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !safe && !s.Session.CSRFValid(token, r.Header.Get("X-CSRF-Token")) {
			return fault.New(fault.Denied, "session.csrf", "The page is out of date. Load it again and repeat what you did.")
		}
		return within(c, actor(c), next)
	}
}

// within goes on behind the second wall: the database shows nothing but rows of
// the actor's organisation.
func within(c echo.Context, by access.Actor, next echo.HandlerFunc) error {
	r := c.Request()
	c.SetRequest(r.WithContext(store.ForTenant(r.Context(), by.OrgID)))
	return next(c)
}

// fromCookie finds the session of the request's cookie, and who it is.
func (s *Server) fromCookie(c echo.Context) (token string, err error) {
	if cookie, cookieErr := c.Cookie(s.cookieName(sessionCookie)); cookieErr == nil {
		token = cookie.Value
	}
	actor, one, err := s.Session.Actor(c.Request().Context(), token, c.RealIP())
	if err != nil {
		return "", err
	}
	c.Set(actorKey, actor)
	c.Set(sessionKey, one)
	c.Set(tokenKey, token)
	return token, nil
}

// actor is who asks; needActor has put it there.
func actor(c echo.Context) access.Actor {
	a, _ := c.Get(actorKey).(access.Actor)
	return a
}

func sessionOf(c echo.Context) session.Session {
	one, _ := c.Get(sessionKey).(session.Session)
	return one
}

// The cookies: a session, the browser that began a login or a SAML flow, and the
// language of the pages on its way.
const (
	sessionCookie = "adgang_session"
	loginCookie   = "adgang_login"
	flowCookie    = "adgang_flow"
	langCookie    = "adgang_lang"
)

// cookieName has the __Host- prefix where browsers allow it (RFC 6265bis 4.1.3.2).
func (s *Server) cookieName(name string) string {
	if s.https() {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie for the browser session; an empty value deletes it.
func (s *Server) setCookie(c echo.Context, name, value string) {
	cookie := &http.Cookie{ //nolint:gosec // Secure exactly when BASE_URL is https; loopback tests and demos have none
		Name: s.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: s.https(), SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	c.SetCookie(cookie)
}

func (s *Server) cookie(c echo.Context, name string) string {
	cookie, err := c.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// addressOf reads the client's address from the socket, or from
// X-Forwarded-For when a trusted proxy connects.
func addressOf(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		bits := 32
		if p.Addr().Is6() {
			bits = 128
		}
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
