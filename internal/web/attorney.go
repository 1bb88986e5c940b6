package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/entitlement"
)

func (s *Server) attorneyRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/powers/given", s.powersGiven, need...)
	api.GET("/powers/received", s.powersReceived, need...)
	api.POST("/powers", s.powerGive, need...)
	api.POST("/power-requests", s.powerRequest, need...)
	api.DELETE("/powers/:id", s.powerEnd, need...)
	api.POST("/powers/:id/approve", s.powerApprove, need...)
	api.POST("/powers/:id/reject", s.powerReject, need...)
	api.GET("/powers/:id/employees", s.powerEmployees, need...)
	api.POST("/powers/:id/employees", s.powerAttach, need...)
	api.DELETE("/powers/:id/employees/:person", s.powerDetach, need...)
}

// powersGiven: GET /api/v1/powers/given?cursor= -> 200 PowerList.
func (s *Server) powersGiven(c echo.Context) error {
	all, next, err := s.Attorney.Given(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s.powerList(c, all, next))
}

// powersReceived: GET /api/v1/powers/received?cursor= -> 200 PowerList.
func (s *Server) powersReceived(c echo.Context) error {
	all, next, err := s.Attorney.Received(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s.powerList(c, all, next))
}

// powerGive: POST /api/v1/powers PowerTerms -> 201 Power.
func (s *Server) powerGive(c echo.Context) error {
	terms, err := powerTerms(c)
	if err != nil {
		return err
	}
	p, err := s.Attorney.Give(c.Request().Context(), actor(c), terms)
	if err != nil {
		return err
	}
	return s.powerCreated(c, p)
}

// powerRequest: POST /api/v1/power-requests PowerTerms -> 201 Power.
func (s *Server) powerRequest(c echo.Context) error {
	terms, err := powerTerms(c)
	if err != nil {
		return err
	}
	p, err := s.Attorney.Request(c.Request().Context(), actor(c), terms)
	if err != nil {
		return err
	}
	return s.powerCreated(c, p)
}

func powerTerms(c echo.Context) (attorney.Terms, error) {
	var in PowerTerms
	if err := bind(c, &in); err != nil {
		return attorney.Terms{}, err
	}
	out := attorney.Terms{CVR: in.CVR, Until: in.Until}
	set(&out.Person, in.Person)
	set(&out.From, in.From)
	set(&out.Reason, in.Reason)
	for _, id := range in.Rights {
		out.Rights = append(out.Rights, entitlement.ID(id))
	}
	return out, nil
}

// powerCreated reads p as its lists show it.
func (s *Server) powerCreated(c echo.Context, p attorney.Power) error {
	whole, err := s.Attorney.Power(c.Request().Context(), actor(c), p.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, s.power(c, whole))
}

// powerEnd: DELETE /api/v1/powers/:id -> 204.
func (s *Server) powerEnd(c echo.Context) error {
	if err := s.Attorney.End(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// powerApprove: POST /api/v1/powers/:id/approve -> 204.
func (s *Server) powerApprove(c echo.Context) error {
	if err := s.Attorney.Approve(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// powerReject: POST /api/v1/powers/:id/reject {"reason"} -> 204.
func (s *Server) powerReject(c echo.Context) error {
	var in ReasonGiven
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Attorney.Reject(c.Request().Context(), actor(c), c.Param("id"), in.Reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// powerEmployees: GET /api/v1/powers/:id/employees -> 200 PowerEmployeeList.
func (s *Server) powerEmployees(c echo.Context) error {
	all, err := s.Attorney.Attached(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	out := PowerEmployeeList{Items: []PowerEmployee{}}
	for _, e := range all {
		out.Items = append(out.Items, PowerEmployee{ID: string(e.ID), Name: e.Name(), State: string(e.State)})
	}
	return c.JSON(http.StatusOK, out)
}

// powerAttach: POST /api/v1/powers/:id/employees {"employee_id"} -> 204.
func (s *Server) powerAttach(c echo.Context) error {
	var in PowerAttachment
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Attorney.Attach(c.Request().Context(), actor(c), c.Param("id"), access.EmployeeID(in.EmployeeID)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// powerDetach: DELETE /api/v1/powers/:id/employees/:person -> 204.
func (s *Server) powerDetach(c echo.Context) error {
	err := s.Attorney.Detach(c.Request().Context(), actor(c), c.Param("id"), access.EmployeeID(c.Param("person")))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) powerList(c echo.Context, all []attorney.Power, next string) PowerList {
	out := PowerList{Items: []Power{}, Next: orNull(next)}
	for _, p := range all {
		out.Items = append(out.Items, s.power(c, p))
	}
	return out
}

func (s *Server) power(c echo.Context, p attorney.Power) Power {
	out := Power{
		ID: p.ID, GiverCVR: p.GiverCVR, GiverName: p.GiverName, ReceiverCVR: p.ReceiverCVR, ReceiverName: p.ReceiverName,
		Person: p.Person, State: PowerState(p.State), Live: p.Live(s.Now()), From: p.FromAt, Until: p.UntilAt, Reason: p.Reason,
		Answer: p.Answer, Scope: p.Scope(), Rights: []PowerRight{}, Attached: p.Attached, CreatedAt: p.CreatedAt,
		EndedAt: p.EndedAt, EndedByUs: p.EndedBy == actor(c).OrgID,
	}
	for _, r := range p.Rights {
		out.Rights = append(out.Rights, PowerRight{ID: string(r.ID), URI: r.URI, NameDa: r.NameDA, NameEn: r.NameEN, Service: r.ServiceName})
	}
	return out
}
