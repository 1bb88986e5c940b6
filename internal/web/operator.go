package web

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/operator"
)

// Cookies of operators, apart from those of employees.
const (
	operatorCookie = "adgang_operator"
	ceremonyCookie = "adgang_operator_login"
)

const operatorKey = "operator"

func (s *Server) operatorRoutes(api *echo.Group, open []echo.MiddlewareFunc) {
	o := api.Group("/operator")
	o.POST("/setup/options", s.operatorSetupOptions, open...)
	o.POST("/setup", s.operatorSetup, open...)
	o.POST("/login/options", s.operatorLoginOptions, open...)
	o.POST("/login", s.operatorLogin, open...)

	need := s.needOperator
	o.GET("/session", s.operatorSession, need)
	o.DELETE("/session", s.operatorSessionEnd, need)
	o.GET("/organisations", s.operatorOrganisations, need)
	o.GET("/organisations/:id", s.operatorOrganisation, need)
	o.POST("/organisations/:id/set-up-link", s.operatorRenew, need)
	o.GET("/organisations/:id/code", s.operatorCode, need)
	o.GET("/applications", s.operatorApplications, need)
	o.GET("/applications/:id", s.operatorApplication, need)
	o.POST("/applications/:id/accept", s.operatorAccept, need)
	o.POST("/applications/:id/reject", s.operatorReject, need)
	o.GET("/applications/:id/documents/:document", s.operatorDocument, need)
	o.POST("/terms", s.operatorPublish, need)
	o.GET("/recoveries", s.operatorRecoveries, need)
	o.POST("/recoveries/:id/appoint", s.operatorAppoint, need)
	o.POST("/recoveries/:id/refuse", s.operatorRefuse, need)
	o.GET("/certificate", s.operatorReport, need)
	o.POST("/certificate/block", s.operatorBlock, need, s.blocking("operator"))
	o.GET("/saml-keys", s.samlKeys, need)
	o.POST("/saml-keys", s.samlKeyAnnounce, need)
	o.POST("/saml-keys/:id/activate", s.samlKeyActivate, need)
	o.POST("/saml-keys/:id/seen", s.samlKeySeen, need)
	o.GET("/usage", s.operatorUsage, need)
	o.GET("/usage.csv", s.operatorUsageCSV, need)
	o.GET("/operators", s.operators, need)
	o.POST("/operators", s.operatorCreate, need)
	o.DELETE("/operators/:id", s.operatorEnd, need)
}

// needOperator lets through who shows an operator's session cookie, and for a
// write its X-CSRF-Token. No tenant's cookie or token counts here.
func (s *Server) needOperator(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, token := c.Request(), s.cookie(c, operatorCookie)
		by, who, one, err := s.Operator.Actor(r.Context(), token, c.RealIP())
		if err != nil {
			return err
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !s.Operator.CSRFValid(token, r.Header.Get("X-CSRF-Token")) {
			return fault.New(fault.Denied, "session.csrf", "The page is out of date. Load it again and repeat what you did.")
		}
		c.Set(actorKey, by)
		c.Set(operatorKey, OperatorSession{ID: who.ID, Name: who.Name, Email: who.Email, CsrfToken: s.Operator.CSRF(token), ExpiresAt: one.ExpiresAt})
		c.Set(sessionKey, one.ID)
		return next(c)
	}
}

// operatorSetupOptions: POST /api/v1/operator/setup/options {"token"} -> 200 OperatorSetup.
func (s *Server) operatorSetupOptions(c echo.Context) error {
	var in OperatorLink
	if err := bind(c, &in); err != nil {
		return err
	}
	o, options, cookie, err := s.Operator.BeginSetUp(c.Request().Context(), in.Token)
	if err != nil {
		return err
	}
	out := OperatorSetup{Name: o.Name, Email: o.Email}
	if err := json.Unmarshal(options, &out.Options); err != nil {
		return err
	}
	s.setCookie(c, ceremonyCookie, cookie)
	return c.JSON(http.StatusOK, out)
}

// operatorSetup: POST /api/v1/operator/setup {"token", "credential"} -> 204.
func (s *Server) operatorSetup(c echo.Context) error {
	var in struct {
		Token      string          `json:"token"`
		Credential json.RawMessage `json:"credential"`
	}
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Operator.FinishSetUp(c.Request().Context(), in.Token, s.cookie(c, ceremonyCookie), in.Credential, c.RealIP()); err != nil {
		return err
	}
	s.setCookie(c, ceremonyCookie, "")
	return c.NoContent(http.StatusNoContent)
}

// operatorLoginOptions: POST /api/v1/operator/login/options -> 200 PasskeyOptions.
func (s *Server) operatorLoginOptions(c echo.Context) error {
	options, cookie, err := s.Operator.BeginLogin(c.Request().Context())
	if err != nil {
		return err
	}
	var out PasskeyOptions
	if err := json.Unmarshal(options, &out.Options); err != nil {
		return err
	}
	s.setCookie(c, ceremonyCookie, cookie)
	return c.JSON(http.StatusOK, out)
}

// operatorLogin: POST /api/v1/operator/login {"credential"} -> 204 and the cookie.
func (s *Server) operatorLogin(c echo.Context) error {
	var in struct {
		Credential json.RawMessage `json:"credential"`
	}
	if err := bind(c, &in); err != nil {
		return err
	}
	token, err := s.Operator.FinishLogin(c.Request().Context(), s.cookie(c, ceremonyCookie), in.Credential, c.RealIP())
	if err != nil {
		return err
	}
	s.setCookie(c, operatorCookie, token)
	s.setCookie(c, ceremonyCookie, "")
	return c.NoContent(http.StatusNoContent)
}

// operatorSession: GET /api/v1/operator/session -> 200 OperatorSession.
func (s *Server) operatorSession(c echo.Context) error {
	return c.JSON(http.StatusOK, c.Get(operatorKey))
}

// operatorSessionEnd: DELETE /api/v1/operator/session -> 204.
func (s *Server) operatorSessionEnd(c echo.Context) error {
	id, _ := c.Get(sessionKey).(string)
	if err := s.Operator.End(c.Request().Context(), actor(c), id); err != nil {
		return err
	}
	s.setCookie(c, operatorCookie, "")
	return c.NoContent(http.StatusNoContent)
}

// operators: GET /api/v1/operator/operators -> 200 OperatorList.
func (s *Server) operators(c echo.Context) error {
	all, err := s.Operator.Operators(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := OperatorList{Items: []Operator{}}
	for _, o := range all {
		out.Items = append(out.Items, operatorOf(o))
	}
	return c.JSON(http.StatusOK, out)
}

func operatorOf(o operator.Operator) Operator {
	return Operator{ID: o.ID, Name: o.Name, Email: o.Email, Waiting: o.SetUpMAC != nil, LastLoginAt: o.LastLoginAt}
}

// operatorCreate: POST /api/v1/operator/operators {"email", "name"} -> 201 OperatorMade.
func (s *Server) operatorCreate(c echo.Context) error {
	var in OperatorCreate
	if err := bind(c, &in); err != nil {
		return err
	}
	o, token, err := s.Operator.Add(c.Request().Context(), actor(c), in.Email, in.Name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, OperatorMade{SetupLink: s.BaseURL.String() + "/operator/setup#" + token, ExpiresAt: *o.SetUpExpiresAt})
}

// operatorEnd: DELETE /api/v1/operator/operators/:id -> 200 OperatorList.
func (s *Server) operatorEnd(c echo.Context) error {
	if err := s.Operator.Remove(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return s.operators(c)
}
