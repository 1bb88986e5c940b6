package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
)

func (s *Server) groupRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/groups", s.groups, need...)
	api.POST("/groups", s.groupCreate, need...)
	api.GET("/groups/:id", s.groupShow, need...)
	api.PUT("/groups/:id", s.groupRename, need...)
	api.DELETE("/groups/:id", s.groupDelete, need...)
	api.GET("/groups/:id/members", s.groupMembers, need...)
	api.POST("/groups/:id/members", s.groupFill, need...)
	api.POST("/groups/:id/rights", s.groupRightGive, need...)
}

func groupID(c echo.Context) entitlement.GroupID { return entitlement.GroupID(c.Param("id")) }

func group(g entitlement.Listed) Group {
	return Group{
		ID: string(g.ID), Name: g.Name, Text: g.Text, Kind: GroupKind(g.Kind), PNumber: g.PNumber, ServiceID: g.ServiceID,
		ServiceName: g.ServiceName, Members: int(g.Members), Rights: int(g.Rights), CreatedAt: g.CreatedAt,
	}
}

// groups: GET /api/v1/groups?cursor= -> 200 GroupList.
func (s *Server) groups(c echo.Context) error {
	page, next, err := s.Rights.Groups(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := GroupList{Items: []Group{}, Next: orNull(next)}
	for _, g := range page {
		out.Items = append(out.Items, group(g))
	}
	return c.JSON(http.StatusOK, out)
}

// groupCreate: POST /api/v1/groups GroupNew -> 201 Made.
func (s *Server) groupCreate(c echo.Context) error {
	var in GroupNew
	if err := bind(c, &in); err != nil {
		return err
	}
	g, err := s.Rights.CreateGroup(c.Request().Context(), actor(c), entitlement.Group{
		Name: in.Name, Text: orZero(in.Text), Kind: string(in.Kind), PNumber: orZero(in.PNumber), ServiceID: orZero(in.ServiceID),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: string(g.ID)})
}

// groupShow: GET /api/v1/groups/:id -> 200 GroupDetails.
func (s *Server) groupShow(c echo.Context) error {
	g, rights, err := s.Rights.Group(c.Request().Context(), actor(c), groupID(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, GroupDetails{Group: group(g), Rights: holdings(rights)})
}

// groupRename: PUT /api/v1/groups/:id {"name", "text"} -> 204.
func (s *Server) groupRename(c echo.Context) error {
	var in GroupName
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Rights.RenameGroup(c.Request().Context(), actor(c), groupID(c), in.Name, orZero(in.Text)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// groupDelete: DELETE /api/v1/groups/:id -> 204.
func (s *Server) groupDelete(c echo.Context) error {
	if err := s.Rights.DeleteGroup(c.Request().Context(), actor(c), groupID(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// groupMembers: GET /api/v1/groups/:id/members?cursor= -> 200 MemberList.
func (s *Server) groupMembers(c echo.Context) error {
	page, next, err := s.Rights.Members(c.Request().Context(), actor(c), groupID(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := MemberList{Items: []Colleague{}, Next: orNull(next)}
	for _, e := range page {
		out.Items = append(out.Items, colleague(e))
	}
	return c.JSON(http.StatusOK, out)
}

// groupFill: POST /api/v1/groups/:id/members {"in", "out"} -> 204.
func (s *Server) groupFill(c echo.Context) error {
	var in GroupChange
	if err := bind(c, &in); err != nil {
		return err
	}
	ids := func(texts []string) (all []access.EmployeeID) {
		for _, id := range texts {
			all = append(all, access.EmployeeID(id))
		}
		return all
	}
	if err := s.Rights.Fill(c.Request().Context(), actor(c), groupID(c), ids(orZero(in.In)), ids(orZero(in.Out))); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// groupRightGive: POST /api/v1/groups/:id/rights RightGift -> 201 Made.
func (s *Server) groupRightGive(c echo.Context) error {
	g, err := gift(c)
	if err != nil {
		return err
	}
	g.Group = groupID(c)
	return s.give(c, g)
}
