package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/org"
)

func (s *Server) roleRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/roles/table", s.roleTable, need...)
	api.GET("/roles/holders", s.roleHolders, need...)
	api.GET("/roles/succession", s.succession, need...)
	api.PUT("/roles/succession", s.successionName, need...)
	api.POST("/employees/:id/roles", s.rolesChange, need...)
	api.GET("/role-requests", s.roleRequests, need...)
	api.POST("/role-requests", s.roleRequestCreate, need...)
	api.GET("/me/role-requests", s.roleRequestsOwn, need...)
	api.DELETE("/role-requests/:id", s.roleRequestWithdraw, need...)
	api.POST("/role-requests/:id/approve", s.roleRequestApprove, need...)
	api.POST("/role-requests/:id/reject", s.roleRequestReject, need...)
}

// roleTable: GET /api/v1/roles/table -> 200 RoleTable.
func (s *Server) roleTable(c echo.Context) error {
	out := RoleTable{Roles: []RoleName{}, Lines: []RoleLine{}}
	for _, r := range append([]access.Role{access.User}, access.Roles...) {
		out.Roles = append(out.Roles, RoleName{Role: string(r), Danish: r.Name("da"), English: r.Name("en")})
	}
	for _, line := range slices.Concat(access.Self, access.Table) {
		one := RoleLine{Right: string(line.Right), Danish: line.Danish, English: line.Text, Roles: []string{}, Source: access.Sources[line.Source]}
		for _, r := range line.Roles {
			one.Roles = append(one.Roles, string(r))
		}
		out.Lines = append(out.Lines, one)
	}
	return c.JSON(http.StatusOK, out)
}

// roleHolders: GET /api/v1/roles/holders?role=&cursor= -> 200 RoleHolderList.
func (s *Server) roleHolders(c echo.Context) error {
	holders, next, err := s.Org.RoleHolders(c.Request().Context(), actor(c), access.Role(c.QueryParam("role")), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := RoleHolderList{Items: []RoleHolder{}, Next: orNull(next)}
	for _, h := range holders {
		one := RoleHolder{ID: string(h.Employee.ID), Name: h.Employee.Name(), Email: h.Employee.Email, State: string(h.Employee.State), Roles: []Role{}}
		for _, r := range h.Roles {
			one.Roles = append(one.Roles, Role(r))
		}
		out.Items = append(out.Items, one)
	}
	return c.JSON(http.StatusOK, out)
}

// succession: GET /api/v1/roles/succession -> 200 Succession.
func (s *Server) succession(c echo.Context) error {
	now, err := s.Org.Succession(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := Succession{Administrators: now.Administrators}
	if now.Nominee != nil {
		out.Nominee = &Nominee{ID: string(now.Nominee.ID), Name: now.Nominee.Name(), NamedAt: now.NamedAt}
	}
	return c.JSON(http.StatusOK, out)
}

// successionName: PUT /api/v1/roles/succession {"employee_id"} -> 200 Succession.
func (s *Server) successionName(c echo.Context) error {
	var in SuccessionChange
	if err := bind(c, &in); err != nil {
		return err
	}
	id := access.EmployeeID("")
	if in.EmployeeID != nil {
		id = access.EmployeeID(*in.EmployeeID)
	}
	if err := s.Org.Nominate(c.Request().Context(), actor(c), id); err != nil {
		return err
	}
	return s.succession(c)
}

// rolesChange: POST /api/v1/employees/:id/roles {"give", "take"} -> 204, or 202
// Approval.
func (s *Server) rolesChange(c echo.Context) error {
	var in RolesChange
	if err := bind(c, &in); err != nil {
		return err
	}
	waiting, err := s.Org.ChangeRoles(c.Request().Context(), actor(c), employeeID(c), roles(in.Give), roles(in.Take))
	if err != nil {
		return err
	}
	return s.doneOrWaiting(c, waiting)
}

func roles(in *[]Role) (out []access.Role) {
	if in != nil {
		for _, r := range *in {
			out = append(out, access.Role(r))
		}
	}
	return out
}

// doneOrWaiting answers an act that may need a second person.
func (s *Server) doneOrWaiting(c echo.Context, waiting *approval.Request) error {
	if waiting == nil {
		return c.NoContent(http.StatusNoContent)
	}
	return s.approvalJSON(c, http.StatusAccepted, *waiting)
}

// roleRequests: GET /api/v1/role-requests -> 200 RoleRequestList.
func (s *Server) roleRequests(c echo.Context) error {
	all, err := s.Org.RoleRequests(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, roleRequestList(all))
}

// roleRequestsOwn: GET /api/v1/me/role-requests -> 200 RoleRequestList.
func (s *Server) roleRequestsOwn(c echo.Context) error {
	all, err := s.Org.OwnRoleRequests(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, roleRequestList(all))
}

func roleRequestList(all []org.RoleRequest) RoleRequestList {
	out := RoleRequestList{Items: []RoleRequest{}}
	for _, r := range all {
		out.Items = append(out.Items, roleRequest(r))
	}
	return out
}

func roleRequest(r org.RoleRequest) RoleRequest {
	out := RoleRequest{
		ID: r.ID, Role: Role(r.Role), Reason: r.Reason, State: RoleRequestState(r.State), AskedAt: r.AskedAt,
		DecidedAt: r.DecidedAt, Answer: r.Answer, EmployeeID: string(r.EmployeeID),
	}
	if r.Employee.ID != "" {
		out.Name = r.Employee.Name()
	}
	return out
}

// roleRequestCreate: POST /api/v1/role-requests {"role", "reason"} -> 201
// RoleRequest.
func (s *Server) roleRequestCreate(c echo.Context) error {
	var in RoleRequestCreate
	if err := bind(c, &in); err != nil {
		return err
	}
	r, err := s.Org.RequestRole(c.Request().Context(), actor(c), access.Role(in.Role), in.Reason)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, roleRequest(r))
}

// roleRequestWithdraw: DELETE /api/v1/role-requests/:id -> 204.
func (s *Server) roleRequestWithdraw(c echo.Context) error {
	if err := s.Org.WithdrawRole(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// roleRequestApprove: POST /api/v1/role-requests/:id/approve -> 204, or 202
// Approval.
func (s *Server) roleRequestApprove(c echo.Context) error {
	waiting, err := s.Org.ApproveRole(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.doneOrWaiting(c, waiting)
}

// roleRequestReject: POST /api/v1/role-requests/:id/reject {"reason"} -> 204.
func (s *Server) roleRequestReject(c echo.Context) error {
	var in ReasonGiven
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Org.RejectRole(c.Request().Context(), actor(c), c.Param("id"), in.Reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
