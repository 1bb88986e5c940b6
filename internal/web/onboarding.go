package web

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/cvr"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/onboarding"
)

const documentsPath = "/api/v1/onboarding/application/documents"

func (s *Server) onboardingRoutes(api *echo.Group, open, need []echo.MiddlewareFunc) {
	api.GET("/onboarding/terms", s.termsShow, open...)
	api.POST("/onboarding/applications", s.applicationStart, open...)
	api.POST("/onboarding/links", s.applicationLinks, open...)
	api.GET("/onboarding/application", s.applicationShow, open...)
	api.PUT("/onboarding/application/company", s.applicationCompany, open...)
	api.PUT("/onboarding/application/people", s.applicationPeople, open...)
	api.POST("/onboarding/application/approve", s.applicationApprove, open...)
	api.POST("/onboarding/application/sign", s.applicationSign, open...)
	api.POST("/onboarding/application/documents", s.applicationUpload, open...)
	api.DELETE("/onboarding/application/documents/:id", s.applicationDiscard, open...)
	api.POST("/onboarding/application/submit", s.applicationSubmit, open...)
	api.POST("/onboarding/application/withdraw", s.applicationWithdraw, open...)
	api.POST("/onboarding/application/again", s.applicationAgain, open...)
	api.GET("/onboarding/application/code", s.applicationCode, open...)
	api.POST("/recovery/requests", s.recoveryAsk, open...)
	api.GET("/recovery/case", s.recoveryShow, open...)
	api.POST("/recovery/case", s.recoveryConfirm, open...)

	api.GET("/recoveries", s.recoveries, need...)
	api.POST("/recoveries/:id/object", s.recoveryObject, need...)
	api.GET("/setup", s.setupShow, need...)
	api.POST("/setup", s.setupStep, need...)
}

// linkToken is what stands behind # in a mailed link.
func linkToken(c echo.Context) string { return c.Request().Header.Get("X-Link-Token") }

// termsShow: GET /api/v1/onboarding/terms -> 200 TermsState.
func (s *Server) termsShow(c echo.Context) error { return s.termsState(c, http.StatusOK) }

func (s *Server) termsState(c echo.Context, status int) error {
	current, announced, err := s.Onboarding.Terms(c.Request().Context())
	if err != nil {
		return err
	}
	out := TermsState{Current: terms(current), Announced: []Terms{}}
	for _, t := range announced {
		out.Announced = append(out.Announced, terms(t))
	}
	return c.JSON(status, out)
}

func terms(t onboarding.Terms) Terms {
	return Terms{Version: int(t.Version), TextDa: t.TextDa, TextEn: t.TextEn, Hash: t.Hash, EffectiveAt: t.EffectiveAt}
}

// applicationStart: POST /api/v1/onboarding/applications ApplicationStart -> 202.
func (s *Server) applicationStart(c echo.Context) error {
	var in ApplicationStart
	if err := bind(c, &in); err != nil {
		return err
	}
	lang := ""
	if in.Lang != nil {
		lang = string(*in.Lang)
	}
	if err := s.Onboarding.Start(c.Request().Context(), onboarding.Role(in.Role), in.Name, in.Email, lang, c.RealIP()); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

// applicationLinks: POST /api/v1/onboarding/links {"email"} -> 202.
func (s *Server) applicationLinks(c echo.Context) error {
	var in EmailOnly
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Onboarding.Resend(c.Request().Context(), in.Email); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

// seen answers with the application that an act leads to.
func seen(c echo.Context, v onboarding.View, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, application(v))
}

// applicationShow: GET /api/v1/onboarding/application -> 200 Application.
func (s *Server) applicationShow(c echo.Context) error {
	v, err := s.Onboarding.Look(c.Request().Context(), linkToken(c))
	return seen(c, v, err)
}

// applicationCompany: PUT .../company {"cvr", "name"} -> 200 Application.
func (s *Server) applicationCompany(c echo.Context) error {
	var in ApplicationCompany
	if err := bind(c, &in); err != nil {
		return err
	}
	name := ""
	if in.Name != nil {
		name = *in.Name
	}
	v, err := s.Onboarding.SetCompany(c.Request().Context(), linkToken(c), in.CVR, name, c.RealIP())
	return seen(c, v, err)
}

// applicationPeople: PUT .../people ApplicationPeople -> 200 Application.
func (s *Server) applicationPeople(c echo.Context) error {
	var in ApplicationPeople
	if err := bind(c, &in); err != nil {
		return err
	}
	people := onboarding.People{AdminGiven: in.AdminGivenName, AdminSurname: in.AdminSurname, AdminEmail: in.AdminEmail}
	if in.Representative != nil {
		people.Representative = onboarding.Person{Name: in.Representative.Name, Email: in.Representative.Email}
	}
	for _, p := range in.Signatories {
		people.Signatories = append(people.Signatories, onboarding.Person{Name: p.Name, Email: p.Email})
	}
	v, err := s.Onboarding.SetPeople(c.Request().Context(), linkToken(c), people, c.RealIP())
	return seen(c, v, err)
}

// applicationApprove: POST .../approve -> 200 Application.
func (s *Server) applicationApprove(c echo.Context) error {
	v, err := s.Onboarding.Approve(c.Request().Context(), linkToken(c), c.RealIP())
	return seen(c, v, err)
}

// applicationSign: POST .../sign {"version", "hash"} -> 200 Application.
func (s *Server) applicationSign(c echo.Context) error {
	var in Signature
	if err := bind(c, &in); err != nil {
		return err
	}
	v, err := s.Onboarding.Sign(c.Request().Context(), linkToken(c), int64(in.Version), in.Hash, c.RealIP())
	return seen(c, v, err)
}

// applicationUpload: POST .../documents multipart file -> 200 Application.
func (s *Server) applicationUpload(c echo.Context) error {
	r := c.Request()
	// Nobody without a link has a body read.
	if _, err := s.Onboarding.Look(r.Context(), linkToken(c)); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, onboarding.MaxDocument+64<<10)
	parts, err := r.MultipartReader()
	if err != nil {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType).SetInternal(err)
	}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one is a form without its end
			return fault.New(fault.Invalid, "onboarding.document.missing", "Choose a file: the form has no part named file.").On("file")
		}
		if err != nil {
			return fault.New(fault.Invalid, "onboarding.document.interrupted", "The upload broke off before its end. Upload the document again.").On("file").Because(err)
		}
		if part.FormName() != "file" {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(part, onboarding.MaxDocument+1))
		if err != nil {
			return fault.New(fault.Invalid, "onboarding.document.interrupted", "The upload broke off before its end. Upload the document again.").On("file").Because(err)
		}
		v, err := s.Onboarding.Upload(r.Context(), linkToken(c), part.FileName(), content, c.RealIP())
		return seen(c, v, err)
	}
}

// applicationDiscard: DELETE .../documents/:id -> 200 Application.
func (s *Server) applicationDiscard(c echo.Context) error {
	v, err := s.Onboarding.Discard(c.Request().Context(), linkToken(c), c.Param("id"), c.RealIP())
	return seen(c, v, err)
}

// applicationSubmit: POST .../submit -> 200 Application.
func (s *Server) applicationSubmit(c echo.Context) error {
	v, err := s.Onboarding.Submit(c.Request().Context(), linkToken(c), c.RealIP())
	return seen(c, v, err)
}

// applicationWithdraw: POST .../withdraw -> 200 Application.
func (s *Server) applicationWithdraw(c echo.Context) error {
	v, err := s.Onboarding.Withdraw(c.Request().Context(), linkToken(c), c.RealIP())
	return seen(c, v, err)
}

// applicationAgain: POST .../again -> 201 {"token"}.
func (s *Server) applicationAgain(c echo.Context) error {
	token, err := s.Onboarding.Again(c.Request().Context(), linkToken(c), c.RealIP())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, NewLink{Token: token})
}

// applicationCode: GET .../code -> 200 {"code"}.
func (s *Server) applicationCode(c echo.Context) error {
	code, err := s.Onboarding.Code(c.Request().Context(), linkToken(c), c.RealIP())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, SetUpCode{Code: code})
}

func application(v onboarding.View) Application {
	out := Application{
		ID: v.ID, Step: ApplicationStep(v.Step), Start: PartyRole(v.Start), CVR: v.CVR, Name: v.Name, Found: v.Found,
		Company: company(v.Company()), Signers: int(v.Signers), AdminGivenName: v.AdminGiven, AdminSurname: v.AdminSurname,
		AdminEmail: v.AdminEmail, Verified: v.Verified, TestNumber: v.TestNumber, Reason: v.Reason,
		Parties: []Party{}, Documents: []ApplicationDocument{}, DecidedAt: v.DecidedAt, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	if v.You.ID != "" {
		you := party(v.You)
		out.You = &you
		if v.Decision == "approved" {
			out.Reason = "" // the operator's note on how the identity was checked
		}
	}
	for _, p := range v.Parties {
		out.Parties = append(out.Parties, party(p))
	}
	for _, d := range v.Documents {
		out.Documents = append(out.Documents, ApplicationDocument{
			ID: d.ID, Name: d.Name, MediaType: d.MediaType, Size: d.Size, Erased: d.ErasedAt != nil, CreatedAt: d.CreatedAt,
		})
	}
	return out
}

func party(p onboarding.Party) Party {
	return Party{
		Role: PartyRole(p.Role), Name: p.Name, Email: p.Email, Invited: p.InvitedAt != nil, SignedAt: p.SignedAt, TermsVersion: int(p.TermsVersion),
	}
}

func company(c *cvr.Company) *Company {
	if c == nil {
		return nil
	}
	out := Company{
		Name: c.Name, Form: CompanyForm(c.Form), FormText: c.FormText, Status: c.Status, Address: c.Address, Rule: c.Rule,
		Signing: SigningRule{Kind: SigningRuleKind(c.Signing.Kind), Number: c.Signing.Number}, Persons: []CompanyPerson{}, PUnits: append([]string{}, c.PUnits...),
	}
	for _, p := range c.Persons {
		one := CompanyPerson{Name: p.Name, Roles: []string{}}
		for _, r := range p.Roles {
			one.Roles = append(one.Roles, string(r))
		}
		out.Persons = append(out.Persons, one)
	}
	return &out
}
