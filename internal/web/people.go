package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
)

func (s *Server) peopleRoutes(api *echo.Group, open, need []echo.MiddlewareFunc) {
	api.POST("/employee-requests", s.employeeAsk, open...)
	api.POST("/employees", s.employeeCreate, need...)
	api.PUT("/employees/:id", s.employeeEdit, need...)
	api.POST("/employees/:id/suspend", s.employeeSuspend, need...)
	api.POST("/employees/:id/reactivate", s.employeeReactivate, need...)
	api.POST("/employees/:id/delete", s.employeeDelete, need...)
	api.POST("/employees/:id/proofing", s.employeeProve, need...)
	api.GET("/employees/:id/mails", s.employeeMails, need...)
	api.POST("/invitations", s.invitationsAct, need...)
	api.GET("/employee-requests", s.employeeRequests, need...)
	api.POST("/employee-requests/:id/decision", s.employeeRequestDecide, need...)
	api.POST("/me/anonymity", s.anonymityAsk, need...)
}

// employeeCreate: POST /api/v1/employees EmployeeCreate -> 201 EmployeeDetails.
func (s *Server) employeeCreate(c echo.Context) error {
	var in EmployeeCreate
	if err := bind(c, &in); err != nil {
		return err
	}
	invite := in.Invite == nil || *in.Invite
	e, err := s.Credential.Hire(c.Request().Context(), actor(c), in.Person.domain(), otherThan(in.OtherThan), invite)
	if err != nil {
		return err
	}
	return s.employeeAnswer(c, http.StatusCreated, e.ID)
}

func (s *Server) employeeAnswer(c echo.Context, status int, id access.EmployeeID) error {
	d, err := s.Credential.Details(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	return c.JSON(status, employeeDetails(d))
}

// employeeEdit: PUT /api/v1/employees/:id EmployeeEdit -> 200 EmployeeDetails.
func (s *Server) employeeEdit(c echo.Context) error {
	var in EmployeeEdit
	if err := bind(c, &in); err != nil {
		return err
	}
	if _, err := s.Org.Edit(c.Request().Context(), actor(c), employeeID(c), in.Version, in.Person.domain(), otherThan(in.OtherThan)); err != nil {
		return err
	}
	return s.employeeShow(c)
}

// employeeSuspend: POST /api/v1/employees/:id/suspend Reason -> 200 EmployeeDetails.
func (s *Server) employeeSuspend(c echo.Context) error {
	reason, err := reasonOf(c)
	if err != nil {
		return err
	}
	if err := s.Org.Suspend(c.Request().Context(), actor(c), employeeID(c), reason); err != nil {
		return err
	}
	return s.employeeShow(c)
}

// employeeReactivate: POST /api/v1/employees/:id/reactivate -> 200 EmployeeDetails.
func (s *Server) employeeReactivate(c echo.Context) error {
	if err := s.Org.Reactivate(c.Request().Context(), actor(c), employeeID(c)); err != nil {
		return err
	}
	return s.employeeShow(c)
}

// employeeDelete: POST /api/v1/employees/:id/delete Reason -> 200 EmployeeDetails.
func (s *Server) employeeDelete(c echo.Context) error {
	reason, err := reasonOf(c)
	if err != nil {
		return err
	}
	if err := s.Org.Delete(c.Request().Context(), actor(c), employeeID(c), reason); err != nil {
		return err
	}
	return s.employeeShow(c)
}

// employeeProve: POST /api/v1/employees/:id/proofing Proofing -> 200 EmployeeDetails.
func (s *Server) employeeProve(c echo.Context) error {
	var in Proofing
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Org.Prove(c.Request().Context(), actor(c), employeeID(c), in.Method, in.Level); err != nil {
		return err
	}
	return s.employeeShow(c)
}

func otherThan(id *string) access.EmployeeID {
	if id == nil {
		return ""
	}
	return access.EmployeeID(*id)
}

// domain is the person as org takes it.
func (p Person) domain() org.Person {
	out := org.Person{GivenName: p.GivenName, Surname: p.Surname}
	set(&out.Email, p.Email)
	set(&out.Phone, p.Phone)
	set(&out.CPR, p.CPR)
	set(&out.DateOfBirth, p.DateOfBirth)
	set(&out.WithoutCPR, p.WithoutCPR)
	set(&out.RID, p.RID)
	set(&out.PNumber, p.PNumber)
	set(&out.SENumber, p.SeNumber)
	set(&out.LocalUserID, p.LocalUserID)
	set(&out.Lang, p.Lang)
	set(&out.Channel, p.Channel)
	set(&out.Anonymous, p.Anonymous)
	set(&out.Extra, p.Extra)
	return out
}

// filterOf reads the query of the list.
func filterOf(c echo.Context) org.Filter {
	return org.Filter{
		Q: c.QueryParam("q"), State: c.QueryParam("state"), KeyFile: c.QueryParam("key_file"), CodeCard: c.QueryParam("code_card"),
		Invitation: c.QueryParam("invitation"), Proofing: c.QueryParam("proofing"), Level: c.QueryParam("level"), PNumber: c.QueryParam("p_number"),
		Anonymous: c.QueryParam("anonymous") == "true", Administrator: c.QueryParam("administrator") == "true",
		Unproven: c.QueryParam("unproven") == "true",
		Sort:     c.QueryParam("sort"), Cursor: c.QueryParam("cursor"),
	}
}

// levelName is a level, "none" for none.
func levelName(level string) string {
	if level == "" {
		return "none"
	}
	return level
}
