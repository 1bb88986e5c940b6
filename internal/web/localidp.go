package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
)

func (s *Server) localIdPRoutes(api *echo.Group, open, need []echo.MiddlewareFunc) {
	api.POST("/login/homes", s.homes, open...)
	api.POST("/activation/proof", s.activationProof, open...)

	api.GET("/identity-providers", s.idps, need...)
	api.POST("/identity-providers", s.idpRegister, need...)
	api.GET("/identity-providers/:id", s.idpShow, need...)
	api.PUT("/identity-providers/:id", s.idpChange, need...)
	api.DELETE("/identity-providers/:id", s.idpRemove, need...)
	api.POST("/identity-providers/:id/state", s.idpSwitch, need...)
	api.POST("/identity-providers/:id/metadata", s.idpPropose, need...)
	api.POST("/identity-providers/:id/metadata/accept", s.idpAccept, need...)
	api.POST("/identity-providers/:id/metadata/discard", s.idpDiscard, need...)
	api.POST("/identity-providers/:id/domains", s.idpDomainAdd, need...)
	api.POST("/identity-providers/:id/domains/:domain/verify", s.idpDomainVerify, need...)
	api.DELETE("/identity-providers/:id/domains/:domain", s.idpDomainRemove, need...)
	api.POST("/identity-providers/:id/tests", s.idpTest, need...)
	api.GET("/identity-providers/:id/tests/:test", s.idpTested, need...)

	s.echo.GET("/saml/sp/metadata", s.spMetadata)
	s.echo.GET("/saml/sp/metadata/:id", s.spMetadataFor, open...)
	s.echo.GET("/saml/sp/login", s.spLogin, open...)
	s.echo.POST("/saml/sp/acs", s.spAnswer, open...)
	s.echo.GET("/saml/sp/finish", s.spFinish, open...)
	s.echo.GET("/saml/sp/slo", s.spLogoutRedirect, open...)
	s.echo.POST("/saml/sp/slo", s.spLogoutPost, open...)
}

// idpCookie is the browser that began a login at an identity provider.
const idpCookie = "adgang_idp"

// homes: POST /api/v1/login/homes {"hint"} -> 200 HomeList.
func (s *Server) homes(c echo.Context) error {
	var in HomeHint
	if err := bind(c, &in); err != nil {
		return err
	}
	all, err := s.LocalIdP.Homes(c.Request().Context(), in.Hint)
	if err != nil {
		return err
	}
	out := HomeList{Items: []Home{}}
	for _, h := range all {
		out.Items = append(out.Items, Home{ID: h.ID, Name: h.Name, Organisation: h.Organisation})
	}
	return c.JSON(http.StatusOK, out)
}

// idps: GET /api/v1/identity-providers -> 200 IdentityProviderList.
func (s *Server) idps(c echo.Context) error {
	all, err := s.LocalIdP.IdPs(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := IdentityProviderList{Items: []IdentityProvider{}}
	for _, p := range all {
		one, err := identityProvider(p)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, one)
	}
	return c.JSON(http.StatusOK, out)
}

// idpRegister: POST /api/v1/identity-providers IdentityProviderNew -> 201
// IdentityProvider.
func (s *Server) idpRegister(c echo.Context) error {
	var in IdentityProviderNew
	if err := bind(c, &in); err != nil {
		return err
	}
	p, err := s.LocalIdP.Register(c.Request().Context(), actor(c), localidp.Registration{
		Kind: text(in.Kind), Metadata: []byte(text(in.Metadata)), URL: text(in.URL),
	})
	return s.idpAnswer(c, http.StatusCreated, p, err)
}

func text[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

func (s *Server) idpAnswer(c echo.Context, status int, p localidp.IdP, err error) error {
	if err != nil {
		return err
	}
	out, err := identityProvider(p)
	if err != nil {
		return err
	}
	return c.JSON(status, out)
}

// idpShow: GET /api/v1/identity-providers/:id -> 200 IdentityProvider.
func (s *Server) idpShow(c echo.Context) error {
	p, err := s.LocalIdP.IdP(c.Request().Context(), actor(c), c.Param("id"))
	return s.idpAnswer(c, http.StatusOK, p, err)
}

// idpChange: PUT /api/v1/identity-providers/:id IdentityProviderTerms -> 200
// IdentityProvider.
func (s *Server) idpChange(c echo.Context) error {
	var in IdentityProviderTerms
	if err := bind(c, &in); err != nil {
		return err
	}
	p, err := s.LocalIdP.Change(c.Request().Context(), actor(c), c.Param("id"), localidp.Terms{
		Name: in.Name, JoinBy: string(in.JoinBy), Level: string(in.Level), Creates: in.Creates, Unsolicited: in.Unsolicited,
		CBC: in.Cbc, Skew: int64(in.Skew), Version: in.Version,
	})
	return s.idpAnswer(c, http.StatusOK, p, err)
}

// idpRemove: DELETE /api/v1/identity-providers/:id -> 204.
func (s *Server) idpRemove(c echo.Context) error {
	if err := s.LocalIdP.Remove(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// idpSwitch: POST /api/v1/identity-providers/:id/state {"state"} -> 204.
func (s *Server) idpSwitch(c echo.Context) error {
	var in IdentityProviderSwitch
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.LocalIdP.Switch(c.Request().Context(), actor(c), c.Param("id"), localidp.State(in.State)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// idpPropose: POST /api/v1/identity-providers/:id/metadata {"metadata"} -> 200
// IdentityProvider with what would change.
func (s *Server) idpPropose(c echo.Context) error {
	var in MetadataProposal
	if err := bind(c, &in); err != nil {
		return err
	}
	var raw []byte
	if in.Metadata != nil {
		raw = []byte(*in.Metadata)
	}
	p, err := s.LocalIdP.Propose(c.Request().Context(), actor(c), c.Param("id"), raw)
	return s.idpAnswer(c, http.StatusOK, p, err)
}

// idpAccept: POST /api/v1/identity-providers/:id/metadata/accept -> 200
// IdentityProvider.
func (s *Server) idpAccept(c echo.Context) error {
	p, err := s.LocalIdP.Accept(c.Request().Context(), actor(c), c.Param("id"))
	return s.idpAnswer(c, http.StatusOK, p, err)
}

// idpDiscard: POST /api/v1/identity-providers/:id/metadata/discard -> 200
// IdentityProvider.
func (s *Server) idpDiscard(c echo.Context) error {
	p, err := s.LocalIdP.Discard(c.Request().Context(), actor(c), c.Param("id"))
	return s.idpAnswer(c, http.StatusOK, p, err)
}

// idpDomainAdd: POST /api/v1/identity-providers/:id/domains {"domain"} -> 201
// IdentityProviderDomain.
func (s *Server) idpDomainAdd(c echo.Context) error {
	var in DomainNew
	if err := bind(c, &in); err != nil {
		return err
	}
	d, err := s.LocalIdP.AddDomain(c.Request().Context(), actor(c), c.Param("id"), in.Domain)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, idpDomain(d))
}

// idpDomainVerify: POST /api/v1/identity-providers/:id/domains/:domain/verify -> 200
// IdentityProviderDomain.
func (s *Server) idpDomainVerify(c echo.Context) error {
	d, err := s.LocalIdP.VerifyDomain(c.Request().Context(), actor(c), c.Param("id"), c.Param("domain"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, idpDomain(d))
}

// idpDomainRemove: DELETE /api/v1/identity-providers/:id/domains/:domain -> 204.
func (s *Server) idpDomainRemove(c echo.Context) error {
	if err := s.LocalIdP.RemoveDomain(c.Request().Context(), actor(c), c.Param("id"), c.Param("domain")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// idpTest: POST /api/v1/identity-providers/:id/tests -> 201 Departure.
func (s *Server) idpTest(c echo.Context) error {
	begun, err := s.LocalIdP.Test(c.Request().Context(), actor(c), c.Param("id"))
	return s.departure(c, begun, err)
}

// idpTested: GET /api/v1/identity-providers/:id/tests/:test -> 200 TestResult.
func (s *Server) idpTested(c echo.Context) error {
	r, err := s.LocalIdP.Tested(c.Request().Context(), actor(c), c.Param("id"), c.Param("test"))
	if err != nil {
		return err
	}
	out := TestResult{
		NameID: r.NameID.Value, NameIDFormat: r.NameID.Format, Level: r.Level, Stated: r.Stated, Class: r.Class, Encrypted: r.Encrypted,
		AuthnAt: r.AuthnAt, Attributes: r.Attributes, Refusal: r.Refusal,
	}
	if r.Employee != "" {
		e, err := s.Org.Employee(c.Request().Context(), actor(c), r.Employee)
		if err != nil {
			return err
		}
		id := string(e.ID)
		out.EmployeeID, out.EmployeeName = &id, new(e.Name())
	}
	return c.JSON(http.StatusOK, out)
}

// departure tells the browser where to go: to an address, or with a form to post.
func (s *Server) departure(c echo.Context, begun localidp.Begun, err error) error {
	if err != nil {
		return err
	}
	s.setCookie(c, idpCookie, begun.Cookie)
	out := Departure{URL: begun.Sent.URL}
	if begun.Sent.Message != "" {
		out.SamlRequest = &begun.Sent.Message
	}
	return c.JSON(http.StatusCreated, out)
}

// activationProof: POST /api/v1/activation/proof {"token"} -> 201 Departure.
func (s *Server) activationProof(c echo.Context) error {
	var in ActivationToken
	if err := bind(c, &in); err != nil {
		return err
	}
	e, err := s.Credential.Invited(c.Request().Context(), in.Token)
	if err != nil {
		return err
	}
	begun, err := s.LocalIdP.BeginProof(c.Request().Context(), e, "/activate?proved=1")
	return s.departure(c, begun, err)
}

// spMetadata: GET /saml/sp/metadata -> 200 EntityDescriptor.
func (s *Server) spMetadata(c echo.Context) error {
	xml, err := s.LocalIdP.Metadata(c.Request().Context())
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/samlmetadata+xml", xml)
}

// spMetadataFor: GET /saml/sp/metadata/:id -> 200 EntityDescriptor, to the provider
// that is asked to know a new key.
func (s *Server) spMetadataFor(c echo.Context) error {
	xml, err := s.LocalIdP.MetadataFor(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/samlmetadata+xml", xml)
}

// spLogin: GET /saml/sp/login?idp=&flow=&next= -> 303 to the identity provider, or
// the page that posts to it.
func (s *Server) spLogin(c echo.Context) error {
	to := localidp.Heading{Flow: c.QueryParam("flow"), Next: c.QueryParam("next")}
	if to.Flow != "" {
		h, err := s.Federation.Heading(c.Request().Context(), to.Flow, s.cookie(c, flowCookie))
		if err != nil {
			return err
		}
		to.Service, to.Level, to.Fresh = h.Service, h.Level, h.Fresh
	}
	begun, err := s.LocalIdP.Begin(c.Request().Context(), c.QueryParam("idp"), to)
	if err != nil {
		return s.loginFailed(c, err)
	}
	s.setCookie(c, idpCookie, begun.Cookie)
	if begun.Sent.Message == "" {
		return c.Redirect(http.StatusSeeOther, begun.Sent.URL)
	}
	return s.post(c, oiosaml.Reply{URL: begun.Sent.URL, SAMLRequest: begun.Sent.Message, RelayState: begun.Sent.RelayState})
}

// spAnswer: POST /saml/sp/acs, a Response -> 303 to /saml/sp/finish, where the
// browser shows its cookie.
func (s *Server) spAnswer(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "localidp.answer.malformed", "The answer from your organisation's login cannot be read. Log in once more; if it happens again, your administrator must look at it.").Because(err)
	}
	arrival, err := s.LocalIdP.Answer(r.Context(), r.PostForm.Get("SAMLResponse"), c.RealIP())
	if err != nil {
		return s.loginFailed(c, err)
	}
	if arrival.Test {
		return c.Redirect(http.StatusSeeOther, "/identity-providers/"+url.PathEscape(arrival.IdP)+"?test="+url.QueryEscape(arrival.ID))
	}
	return c.Redirect(http.StatusSeeOther, "/saml/sp/finish?login="+url.QueryEscape(arrival.ID))
}

// spFinish: GET /saml/sp/finish?login= -> 303 to where the person was going, with
// the session cookie.
func (s *Server) spFinish(c echo.Context) error {
	done, err := s.LocalIdP.Finish(c.Request().Context(), c.QueryParam("login"), s.cookie(c, idpCookie), c.RealIP())
	if err != nil {
		return s.loginFailed(c, err)
	}
	s.setCookie(c, idpCookie, "")
	next := "/"
	if done.Next != "" {
		next = done.Next
	}
	if done.Prove {
		return c.Redirect(http.StatusSeeOther, next)
	}
	s.setCookie(c, sessionCookie, done.Token)
	if done.Flow != "" {
		next = "/saml/continue?flow=" + url.QueryEscape(done.Flow)
	}
	return c.Redirect(http.StatusSeeOther, next)
}

// loginFailed sends the person to the page that says what happened and what to do,
// in both languages; a test goes back to the provider's own page.
func (s *Server) loginFailed(c echo.Context, err error) error {
	if test, ok := errors.AsType[*localidp.TestError](err); ok {
		return c.Redirect(http.StatusSeeOther, "/identity-providers/"+url.PathEscape(test.IdP)+"?test=failed")
	}
	if k := fault.KindOf(err); k == fault.Internal || k == fault.Unavailable {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/login/failed?code="+url.QueryEscape(fault.CodeOf(err)))
}

func identityProvider(p localidp.IdP) (IdentityProvider, error) {
	out := IdentityProvider{
		ID: p.ID, Kind: IdentityProviderKind(p.Kind), Name: p.Name, EntityID: p.EntityID, State: IdentityProviderState(p.State),
		JoinBy: IdentityProviderJoinBy(p.JoinBy), Level: IdentityProviderLevel(p.Level), Creates: p.Creates, Unsolicited: p.Unsolicited,
		Cbc: p.CBC, Skew: int(p.Skew), Version: p.Version, CreatedAt: p.CreatedAt, MetadataAt: p.MetadataAt, MetadataURL: orNull(p.MetadataURL),
		FetchedAt: p.FetchedAt, FetchFailure: orNull(p.FetchFailure), LastLoginAt: p.LastLoginAt,
		Failure: orNull(p.Failure), FailureNote: orNull(p.FailureNote), FailedAt: p.FailedAt,
		Certificates: metadataCertificates(p.Metadata.Keys()), SignOn: []string{}, Domains: []IdentityProviderDomain{},
		Notices: append([]string{}, p.Metadata.Notices...), SingleLogout: len(p.Metadata.Logout) > 0,
	}
	for _, e := range p.Metadata.SignOn {
		out.SignOn = append(out.SignOn, e.URL)
	}
	for _, d := range p.Domains {
		out.Domains = append(out.Domains, idpDomain(d))
	}
	d, err := p.Difference()
	if err != nil || d == nil {
		return out, err
	}
	out.Proposal = metadataDifference(d.Difference, d.Notices, *p.ProposedAt)
	return out, nil
}

func idpDomain(d localidp.Domain) IdentityProviderDomain {
	return IdentityProviderDomain{ID: d.ID, Domain: d.Domain, Record: d.Record(), Proof: d.Proof, VerifiedAt: d.VerifiedAt}
}
