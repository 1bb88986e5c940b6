package web

import (
	"maps"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/openid"
)

// openIDPages are the addresses that a person stands at when something goes wrong.
var openIDPages = []string{"/openid/authorize", "/openid/end_session", openid.ConfirmPath}

// openIDRoutes are the addresses of the OpenID Connect provider, and those by which
// a service's owner registers it as a client.
func (s *Server) openIDRoutes(api *echo.Group, open, need []echo.MiddlewareFunc) {
	api.POST("/openid-services", s.clientRegister, need...)
	api.GET("/services/:id/openid", s.clientShow, need...)
	api.PUT("/services/:id/openid", s.clientSet, need...)
	api.DELETE("/services/:id/openid", s.clientUnset, need...)
	api.POST("/services/:id/openid/secret", s.clientSecret, need...)

	// Services' servers call from one address for all their users.
	servers := throttleAt(middleware.RateLimiterMemoryStoreConfig{Rate: 500, Burst: 2000, ExpiresIn: time.Minute})
	s.echo.GET("/.well-known/openid-configuration", s.openID)
	s.echo.GET("/openid/jwks", s.openID)
	s.echo.GET("/openid/authorize", s.openID, open...)
	s.echo.POST("/openid/authorize", s.openID, open...)
	s.echo.POST("/openid/token", s.openID, servers)
	s.echo.GET("/openid/userinfo", s.openID, servers)
	s.echo.POST("/openid/userinfo", s.openID, servers)
	s.echo.POST("/openid/revoke", s.openID, servers)
	s.echo.POST("/openid/introspect", s.openID, servers)
	s.echo.GET("/openid/end_session", s.openID, open...)
	s.echo.POST("/openid/end_session", s.openID, open...)
	s.echo.GET(openid.ConfirmPath, s.openIDLeave, open...)
	s.echo.POST(openid.ConfirmPath, s.openIDLeft, open...)
	s.echo.GET("/openid/*", notFound)
}

// browser is who calls the provider.
func (s *Server) browser(c echo.Context) (openid.Browser, error) {
	b := openid.Browser{Cookie: s.cookie(c, flowCookie), Address: c.RealIP()}
	switch _, err := s.fromCookie(c); {
	case err == nil:
		b.Login = s.loginOf(c)
	case fault.CodeOf(err) != "session.none":
		return b, err
	}
	return b, nil
}

// openID: every address of the OpenID Connect provider -> what the protocol says, or
// a page where only the person can be answered.
func (s *Server) openID(c echo.Context) error {
	b := openid.Browser{Cookie: s.cookie(c, flowCookie), Address: c.RealIP()}
	if c.Path() == "/openid/end_session" {
		var err error
		if b, err = s.browser(c); err != nil {
			return err
		}
	}
	return s.openIDAnswer(c, s.OpenID.Serve(c.Request(), b))
}

func (s *Server) openIDAnswer(c echo.Context, a openid.Answer) error {
	if a.Cookie != "" {
		s.setCookie(c, flowCookie, a.Cookie)
	}
	if a.Ended {
		s.setCookie(c, sessionCookie, "")
	}
	if a.Lang != "" {
		s.setCookie(c, langCookie, a.Lang)
	}
	if a.Err != nil {
		return a.Err
	}
	maps.Copy(c.Response().Header(), a.Header)
	c.Response().WriteHeader(a.Status)
	_, err := c.Response().Write(a.Body)
	return err
}

// replyAt takes the browser to the service with the answer in the address, or shows
// first what a person should read.
func (s *Server) replyAt(c echo.Context, out federation.Outcome) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if out.Refusal == nil {
		return c.Redirect(http.StatusSeeOther, out.To)
	}
	return s.page(c, http.StatusOK, "refusal.html", refusalPage{To: out.To, Told: out.Refusal, Need: levels[out.Refusal.Need]})
}

// openIDLeave: GET /openid/logout -> the page that asks whether to log out.
func (s *Server) openIDLeave(c echo.Context) error {
	return s.page(c, http.StatusOK, "leave.html", map[string]string{
		"Client": c.QueryParam("client_id"), "To": c.QueryParam("post_logout_redirect_uri"), "State": c.QueryParam("state"),
	})
}

// openIDLeft: POST /openid/logout -> 303 to where the logout goes on. The cookie of
// the session comes only with a form of our own (SameSite).
func (s *Server) openIDLeft(c echo.Context) error {
	b, err := s.browser(c)
	if err != nil {
		return err
	}
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "openid.request.malformed", "The form cannot be read.").Because(err)
	}
	a := s.OpenID.Confirmed(r.Context(), b, r.PostForm)
	a.Status = http.StatusOK
	if a.Err == nil {
		// Some browsers hold a form's redirects to its page's form-action, so the
		// chain that a form began ends here.
		to := a.Header.Get("Location")
		a.Header = http.Header{}
		if a.Cookie != "" {
			s.setCookie(c, flowCookie, a.Cookie)
		}
		if a.Ended {
			s.setCookie(c, sessionCookie, "")
		}
		return s.page(c, http.StatusOK, "onward.html", to)
	}
	return s.openIDAnswer(c, a)
}
