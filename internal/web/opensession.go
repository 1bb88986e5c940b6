package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
)

func (s *Server) openSessionRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/employees/:id/sessions", s.employeeSessions, need...)
	api.POST("/employees/:id/sessions/end", s.employeeSessionsEnd, need...)
	api.GET("/me/sessions", s.selfSessions, need...)
	api.POST("/me/sessions/end", s.selfSessionsEnd, need...)
}

// employeeSessions: GET /api/v1/employees/:id/sessions -> 200 OpenSessionList.
func (s *Server) employeeSessions(c echo.Context) error { return s.openSessions(c, employeeID(c)) }

// selfSessions: GET /api/v1/me/sessions -> 200 OpenSessionList.
func (s *Server) selfSessions(c echo.Context) error { return s.openSessions(c, actor(c).Employee) }

func (s *Server) openSessions(c echo.Context, id access.EmployeeID) error {
	all, err := s.Federation.Sessions(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	out := OpenSessionList{Items: []OpenSession{}}
	for _, one := range all {
		out.Items = append(out.Items, OpenSession{
			ID: one.ID, Since: one.CreatedAt, SeenAt: one.SeenAt, ExpiresAt: one.ExpiresAt, Address: one.Address,
			Provider: orNull(one.Provider), Services: append([]string{}, one.Services...), Here: one.ID == sessionOf(c).ID,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// employeeSessionsEnd: POST /api/v1/employees/:id/sessions/end SessionChoice -> 204.
func (s *Server) employeeSessionsEnd(c echo.Context) error { return s.endSessions(c, employeeID(c)) }

// selfSessionsEnd: POST /api/v1/me/sessions/end SessionChoice -> 204.
func (s *Server) selfSessionsEnd(c echo.Context) error { return s.endSessions(c, actor(c).Employee) }

func (s *Server) endSessions(c echo.Context, id access.EmployeeID) error {
	var in SessionChoice
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Federation.EndSessions(c.Request().Context(), actor(c), id, textOf(in.Session)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
