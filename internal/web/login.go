package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
)

// installation: GET /api/v1/installation -> 200 Installation.
func (s *Server) installation(c echo.Context) error {
	phases := s.Credential.Phases
	return c.JSON(http.StatusOK, Installation{
		Demo: s.Demo, TestData: s.TestData, Phase: InstallationPhase(phases.At(s.Now())),
		LimitedAt: phases.LimitedAt, ClosedAt: phases.ClosedAt, BaseURL: s.BaseURL.String(), PkiURL: s.CA.Address,
		KeyFileAlgorithm: InstallationKeyFileAlgorithm(s.Credential.Algorithm), Version: s.Version,
	})
}

// challengeCreate: POST /api/v1/login/challenges {"flow"} -> 201 Challenge.
func (s *Server) challengeCreate(c echo.Context) error {
	var in ChallengeRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	flow := ""
	if in.Flow != nil {
		flow = *in.Flow
	}
	ch, err := s.Credential.NewChallenge(flow)
	if err != nil {
		return err
	}
	s.setCookie(c, loginCookie, ch.Cookie)
	return c.JSON(http.StatusCreated, Challenge{ID: ch.ID, Text: ch.Text, ExpiresAt: ch.ExpiresAt})
}

// keyFileLogin: POST /api/v1/login/key-file KeyFileLogin -> 200 LoginResult and
// the session cookie.
func (s *Server) keyFileLogin(c echo.Context) error {
	var in KeyFileLogin
	if err := bind(c, &in); err != nil {
		return err
	}
	login := credential.Login{
		Challenge: in.ChallengeID, Cookie: s.cookie(c, loginCookie), Algorithm: string(in.Algorithm),
		Signature: in.Signature, Address: c.RealIP(),
	}
	if len(in.Chain) > 0 {
		login.Leaf = in.Chain[0]
	}
	holder, err := s.Credential.LogIn(c.Request().Context(), login)
	if err != nil {
		return err
	}
	s.setCookie(c, sessionCookie, holder.Token)
	s.setCookie(c, loginCookie, "")
	next := "/"
	if holder.Flow != "" {
		next = "/saml/continue?flow=" + url.QueryEscape(holder.Flow)
	}
	return c.JSON(http.StatusOK, LoginResult{Continue: next})
}

// sessionShow: GET /api/v1/session -> 200 Session.
func (s *Server) sessionShow(c echo.Context) error {
	by := actor(c)
	o, err := s.Org.Organisation(c.Request().Context(), by.OrgID)
	if err != nil {
		return err
	}
	out := Session{
		Organisation: Organisation{ID: string(o.ID), CVR: o.CVR, Name: o.Name}, Name: by.Name,
		Roles: []Role{}, Rights: []Right{},
	}
	for _, r := range by.Roles {
		out.Roles = append(out.Roles, Role(r))
	}
	for _, r := range access.Rights(by.Roles...) {
		out.Rights = append(out.Rights, Right(r))
	}
	if by.Employee == "" {
		return c.JSON(http.StatusOK, out)
	}
	e, err := s.Org.Employee(c.Request().Context(), by, by.Employee)
	if err != nil {
		return err
	}
	token, _ := c.Get(tokenKey).(string)
	id, one := string(by.Employee), sessionOf(c)
	out.EmployeeID, out.Email, out.CsrfToken, out.ExpiresAt = &id, &e.Email, s.Session.CSRF(token), &one.ExpiresAt
	return c.JSON(http.StatusOK, out)
}
