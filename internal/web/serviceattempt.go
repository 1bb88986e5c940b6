package web

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
)

// serviceStatistics: GET /api/v1/services/:id/statistics?days= -> 200 ServiceStatistics.
func (s *Server) serviceStatistics(c echo.Context) error {
	days, err := strconv.Atoi(c.QueryParam("days"))
	if err != nil {
		days = 30
	}
	counts, err := s.Federation.Statistics(c.Request().Context(), actor(c), c.Param("id"), days)
	if err != nil {
		return err
	}
	out := ServiceStatistics{Days: []ServiceDay{}}
	for _, one := range counts {
		out.Days = append(out.Days, ServiceDay{Day: one.Day, Logins: one.Logins, Refusals: one.Refusals})
	}
	return c.JSON(http.StatusOK, out)
}

// serviceAttempts: GET /api/v1/services/:id/attempts?result=&cursor= -> 200
// ServiceAttemptList.
func (s *Server) serviceAttempts(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	page, next, err := s.Federation.Attempts(ctx, by, c.Param("id"), c.QueryParam("result"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	parts, err := s.Federation.MessageParts(ctx, by, page)
	if err != nil {
		return err
	}
	out := ServiceAttemptList{Items: []ServiceAttempt{}, Next: orNull(next)}
	for _, a := range page {
		one := ServiceAttempt{
			ID: a.ID, At: a.At, Result: ServiceAttemptResult(a.Result), Code: a.Code, Status: a.Status, Person: a.Person, CVR: a.CVR,
			Parts: []ServiceAttemptParts{},
		}
		for _, part := range parts[a.ID] {
			one.Parts = append(one.Parts, ServiceAttemptParts(part))
		}
		if err := json.Unmarshal([]byte(a.Detail), &one.Facts); err != nil {
			return err
		}
		out.Items = append(out.Items, one)
	}
	return c.JSON(http.StatusOK, out)
}

// serviceMessage: GET /api/v1/services/:id/attempts/:attempt/:part -> 200 bytes.
func (s *Server) serviceMessage(c echo.Context) error {
	body, err := s.Federation.Message(c.Request().Context(), actor(c), c.Param("id"), c.Param("attempt"), c.Param("part"))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="`+c.Param("part")+`.xml"`)
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, body)
}

// serviceTry: POST /api/v1/services/:id/test-login ServiceWish -> 200 ServiceTrial.
func (s *Server) serviceTry(c echo.Context) error {
	var in ServiceWish
	if err := bind(c, &in); err != nil {
		return err
	}
	wish := federation.TrialWish{Transient: in.Transient != nil && *in.Transient}
	if in.Level != nil {
		wish.Level = oiosaml.LevelNamed(string(*in.Level))
	}
	if in.Profile != nil {
		wish.Profile = *in.Profile
	}
	t, err := s.Federation.Try(c.Request().Context(), *s.loginOf(c), c.Param("id"), wish)
	if err != nil {
		return err
	}
	out := ServiceTrial{
		NameID: t.NameID, Format: t.Format, AcsURL: t.Consumer, Encrypts: t.Encrypts, Attributes: []ServiceTold{}, XML: string(t.Assertion),
		Level: levelWord(t.Person.Level), Identity: levelWord(t.Person.Identity), Means: levelWord(t.Person.Authenticator),
	}
	for _, a := range t.Attributes {
		out.Attributes = append(out.Attributes, ServiceTold{Name: a.Name, Value: a.Value})
	}
	if t.Refusal != nil {
		out.Refused, out.Need, out.XML = orNull("federation.refusal."+t.Refusal.Reason), levelWord(t.Reason.Need), string(t.Response)
	}
	return c.JSON(http.StatusOK, out)
}

// levelWord is a level as attributes have it, nil for none.
func levelWord(l oiosaml.Level) *string {
	if l == 0 {
		return nil
	}
	return orNull(l.String())
}

// loginFlow: GET /api/v1/login/flows/:id -> 200 LoginFlow.
func (s *Server) loginFlow(c echo.Context) error {
	w, err := s.Federation.Waiting(c.Request().Context(), c.Param("id"), s.cookie(c, flowCookie))
	if err != nil {
		if fault.CodeOf(err) == "federation.flow.over" {
			return fault.New(fault.Absent, "federation.flow.absent", "There is no such login under way in this browser.")
		}
		return err
	}
	level := ""
	if w.Need != 0 {
		level = w.Need.String()
	}
	return c.JSON(http.StatusOK, LoginFlow{Service: w.Service, Level: level, Subject: w.Subject})
}
