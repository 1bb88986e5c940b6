package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
)

func (s *Server) approvalRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/approvals", s.approvals, need...)
	api.GET("/approval-acts", s.approvalActs, need...)
	api.PUT("/approval-acts", s.approvalActsChoose, need...)
	api.GET("/waiting", s.approvalsWaiting, need...)
	api.GET("/approvals/:id", s.approvalShow, need...)
	api.DELETE("/approvals/:id", s.approvalWithdraw, need...)
	api.POST("/approvals/:id/approve", s.approvalApprove, need...)
	api.POST("/approvals/:id/reject", s.approvalReject, need...)
}

// approvals: GET /api/v1/approvals?state=&cursor= -> 200 ApprovalList.
func (s *Server) approvals(c echo.Context) error {
	all, next, err := s.Approval.Requests(c.Request().Context(), actor(c), c.QueryParam("state") != "history", c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	items, err := s.approvalsOf(c.Request().Context(), actor(c), all...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ApprovalList{Items: items, Next: orNull(next)})
}

// approvalActs: GET /api/v1/approval-acts -> 200 ApprovalActs.
func (s *Server) approvalActs(c echo.Context) error {
	acts, err := s.Approval.Acts(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := ApprovalActs{Acts: []ApprovalAct{}}
	for _, a := range acts {
		one := ApprovalAct{Name: a.Name, Danish: a.Danish, English: a.English, Right: string(a.Right), Chosen: a.Chosen, Holders: a.Holders, Roles: []Role{}}
		for _, r := range access.Roles {
			if slices.Contains(access.Rights(r), a.Right) {
				one.Roles = append(one.Roles, Role(r))
			}
		}
		out.Acts = append(out.Acts, one)
	}
	return c.JSON(http.StatusOK, out)
}

// approvalActsChoose: PUT /api/v1/approval-acts {"acts"} -> 200 ApprovalActs, or
// 202 Approval.
func (s *Server) approvalActsChoose(c echo.Context) error {
	var in ApprovalActsChange
	if err := bind(c, &in); err != nil {
		return err
	}
	waiting, err := s.Approval.Choose(c.Request().Context(), actor(c), in.Acts)
	if err != nil {
		return err
	}
	if waiting != nil {
		return s.approvalJSON(c, http.StatusAccepted, *waiting)
	}
	return s.approvalActs(c)
}

// approvalsWaiting: GET /api/v1/waiting -> 200 WaitingCounts.
func (s *Server) approvalsWaiting(c echo.Context) error {
	approvals, err := s.Approval.Waiting(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	requests, err := s.Org.WaitingRoleRequests(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, WaitingCounts{Approvals: approvals, RoleRequests: requests})
}

// approvalShow: GET /api/v1/approvals/:id -> 200 Approval.
func (s *Server) approvalShow(c echo.Context) error {
	r, err := s.Approval.Request(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.approvalJSON(c, http.StatusOK, r)
}

// approvalWithdraw: DELETE /api/v1/approvals/:id -> 204.
func (s *Server) approvalWithdraw(c echo.Context) error {
	if err := s.Approval.Withdraw(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// approvalApprove: POST /api/v1/approvals/:id/approve -> 200 Approval.
func (s *Server) approvalApprove(c echo.Context) error {
	r, err := s.Approval.Approve(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.approvalJSON(c, http.StatusOK, r)
}

// approvalReject: POST /api/v1/approvals/:id/reject {"reason"} -> 200 Approval.
func (s *Server) approvalReject(c echo.Context) error {
	var in ReasonGiven
	if err := bind(c, &in); err != nil {
		return err
	}
	r, err := s.Approval.Reject(c.Request().Context(), actor(c), c.Param("id"), in.Reason)
	if err != nil {
		return err
	}
	return s.approvalJSON(c, http.StatusOK, r)
}

func (s *Server) approvalJSON(c echo.Context, status int, r approval.Request) error {
	all, err := s.approvalsOf(c.Request().Context(), actor(c), r)
	if err != nil {
		return err
	}
	return c.JSON(status, all[0])
}

// approvalsOf puts names to the employees in requests, which hold IDs only.
func (s *Server) approvalsOf(ctx context.Context, by access.Actor, all ...approval.Request) ([]Approval, error) {
	var ids []access.EmployeeID
	for _, r := range all {
		for _, one := range []string{r.Asker, r.Decider, r.Object} {
			if id, is := strings.CutPrefix(one, "employee:"); is {
				ids = append(ids, access.EmployeeID(id))
			}
		}
	}
	names, err := s.Org.Names(ctx, by, ids...)
	if err != nil {
		return nil, err
	}
	name := func(actor string) string {
		if id, is := strings.CutPrefix(actor, "employee:"); is {
			return names[access.EmployeeID(id)]
		}
		return actor
	}
	out := []Approval{}
	for _, r := range all {
		d := approval.Describe(r.Act)
		one := Approval{
			ID: r.ID, Act: r.Act, Danish: d.Danish, English: d.English, Object: r.Object, State: ApprovalState(r.State),
			Asker: name(r.Asker), Own: r.Asker == by.ID, AskedAt: r.AskedAt, ExpiresAt: r.ExpiresAt,
			Decider: name(r.Decider), DecidedAt: r.DecidedAt, Reason: r.Reason, Code: r.Code, Details: map[string]string{},
		}
		if strings.HasPrefix(r.Object, "employee:") {
			one.Subject = name(r.Object)
		}
		if err := json.Unmarshal([]byte(r.Details), &one.Details); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}
