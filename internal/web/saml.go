package web

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/openid"
)

// The pages that are no part of the browser application, and their files.
//
//go:embed page
var pages embed.FS

var templates = template.Must(template.ParseFS(pages, "page/*.html"))

// pageAsset: GET /page/:file -> a script or stylesheet of those pages.
func (s *Server) pageAsset(c echo.Context) error {
	kind := map[string]string{
		"post.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8", "logo.svg": "image/svg+xml",
	}[c.Param("file")]
	if kind == "" {
		return echo.ErrNotFound
	}
	body, err := pages.ReadFile("page/" + c.Param("file"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, kind, body)
}

// samlRoutes are the addresses that services and their visitors come to.
func (s *Server) samlRoutes(open ...echo.MiddlewareFunc) {
	s.echo.GET("/saml/idp/metadata", s.idpMetadata)
	s.echo.GET("/saml/idp/metadata/:id", s.idpMetadataFor, open...)
	s.echo.GET("/saml/idp/sso", s.ssoRedirect, open...)
	s.echo.POST("/saml/idp/sso", s.ssoPost, open...)
	s.echo.GET("/saml/continue", s.samlContinue)
	s.echo.GET("/saml/cancel", s.samlCancel)
	s.echo.GET("/saml/idp/slo", s.sloRedirect, open...)
	s.echo.POST("/saml/idp/slo", s.sloPost, open...)
	s.echo.GET("/saml/logout", s.logoutShow, open...)
	s.echo.GET("/saml/*", notFound)
}

// idpMetadata: GET /saml/idp/metadata -> 200 EntityDescriptor.
func (s *Server) idpMetadata(c echo.Context) error {
	xml, err := s.Federation.IdPMetadata(c.Request().Context())
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/samlmetadata+xml", xml)
}

// ssoRedirect: GET /saml/idp/sso, an AuthnRequest of binding HTTP-Redirect ->
// 303 to /saml/continue, or the page that posts a refusal.
func (s *Server) ssoRedirect(c echo.Context) error {
	m, err := oiosaml.ReadRedirect(c.Request().URL.RawQuery)
	return s.accept(c, m, err)
}

// ssoPost: POST /saml/idp/sso, the same of binding HTTP-POST.
func (s *Server) ssoPost(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "federation.request.malformed", "The login request cannot be read. Go back to the service and start again.").Because(err)
	}
	m, err := oiosaml.ReadPost(r.PostForm.Get("SAMLRequest"), r.PostForm.Get("RelayState"))
	return s.accept(c, m, err)
}

func (s *Server) accept(c echo.Context, m *oiosaml.Message, err error) error {
	if err != nil {
		return err
	}
	out, err := s.Federation.Accept(c.Request().Context(), m, s.cookie(c, flowCookie), c.RealIP())
	if err != nil {
		return err
	}
	if out.Reply != nil {
		return s.reply(c, out)
	}
	s.setCookie(c, flowCookie, out.Cookie)
	return c.Redirect(http.StatusSeeOther, "/saml/continue?flow="+url.QueryEscape(out.Flow))
}

// loginOf is the login that the session began with.
func (s *Server) loginOf(c echo.Context) *federation.Login {
	one := sessionOf(c)
	return &federation.Login{
		Actor: actor(c), At: one.CreatedAt, Authenticator: oiosaml.LevelNamed(one.Level), Outside: one.IdPID != "",
		Session: one.ID, Until: one.ExpiresAt,
	}
}

// samlContinue: GET /saml/continue?flow= -> the page that posts the answer, or
// 303 to /login.
func (s *Server) samlContinue(c echo.Context) error {
	var login *federation.Login
	switch _, err := s.fromCookie(c); {
	case err == nil:
		login = s.loginOf(c)
	case fault.CodeOf(err) != "session.none":
		return err
	}
	out, err := s.Federation.Continue(c.Request().Context(), c.QueryParam("flow"), s.cookie(c, flowCookie), login)
	if err != nil {
		return err
	}
	if out.Reply == nil && out.To == "" {
		return c.Redirect(http.StatusSeeOther, "/login?flow="+url.QueryEscape(out.Flow))
	}
	return s.reply(c, out)
}

// samlCancel: GET /saml/cancel?flow= -> the page that posts the refusal to the
// service.
func (s *Server) samlCancel(c echo.Context) error {
	out, err := s.Federation.Cancel(c.Request().Context(), c.QueryParam("flow"), s.cookie(c, flowCookie))
	if err != nil {
		return err
	}
	return s.reply(c, out)
}

// reply answers with the form that posts itself, or with what a person should
// read before.
func (s *Server) reply(c echo.Context, out federation.Outcome) error {
	if out.To != "" {
		return s.replyAt(c, out)
	}
	if out.Refusal == nil {
		return s.post(c, *out.Reply)
	}
	if err := s.formTo(c, *out.Reply); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, "refusal.html", refusalPage{*out.Reply, "", out.Refusal, levels[out.Refusal.Need]})
}

// refusalPage is what refusal.html shows.
type refusalPage struct {
	oiosaml.Reply
	To   string // where another face than SAML is answered
	Told *federation.Refusal
	Need [2]string // the level in Danish and English
}

// levels are the NSIS levels in both languages.
var levels = map[oiosaml.Level][2]string{
	oiosaml.Low: {"Lav", "Low"}, oiosaml.Substantial: {"Betydelig", "Substantial"}, oiosaml.High: {"Høj", "High"},
}

// ByIdentity tells whether it is the person's proofing that falls short, and not
// only the means of login.
func (p refusalPage) ByIdentity() bool { return p.Told.Identity < p.Told.Need }

// ByMeans tells whether the means of login falls short.
func (p refusalPage) ByMeans() bool { return p.Told.Means < p.Told.Need }

// post answers with a form that posts itself to the service.
func (s *Server) post(c echo.Context, reply oiosaml.Reply) error {
	if err := s.formTo(c, reply); err != nil {
		return err
	}
	form := oiosaml.Move{URL: reply.URL, Field: "SAMLResponse", Value: reply.SAMLResponse, RelayState: reply.RelayState}
	if reply.SAMLRequest != "" {
		form.Field, form.Value = "SAMLRequest", reply.SAMLRequest
	}
	return s.page(c, http.StatusOK, "post.html", form)
}

// formTo gives the answer a policy of its own: its form may go to that one service
// and nowhere else.
func (s *Server) formTo(c echo.Context, reply oiosaml.Reply) error {
	to, err := url.Parse(reply.URL)
	if err != nil {
		return err
	}
	s.formsTo(c, to, "")
	return nil
}

// formsTo lets the forms of a page go to the one host, and to what is in also.
func (s *Server) formsTo(c echo.Context, to *url.URL, also string) {
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "+
		to.Scheme+"://"+to.Host+also)
}

// failPage tells the person what happened and what to do.
func (s *Server) failPage(c echo.Context, p Problem) error {
	if c.Path() == "/saml/logout" || c.Path() == "/openid/end_session" || c.Path() == openid.ConfirmPath || strings.HasSuffix(c.Path(), "/slo") {
		return s.page(c, p.Status, "problem-logout.html", p)
	}
	return s.page(c, p.Status, "problem.html", p)
}

func (s *Server) page(c echo.Context, status int, name string, data any) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set(echo.HeaderContentType, "text/html; charset=utf-8")
	c.Response().WriteHeader(status)
	if err := templates.ExecuteTemplate(c.Response(), name, data); err != nil {
		return errors.Join(errors.New("page "+name), err)
	}
	return nil
}
