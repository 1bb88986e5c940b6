package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
)

// employeeMails: GET /api/v1/employees/:id/mails -> 200 SendingList.
func (s *Server) employeeMails(c echo.Context) error {
	all, err := s.Credential.Mails(c.Request().Context(), actor(c), employeeID(c))
	if err != nil {
		return err
	}
	out := SendingList{Items: []Sending{}}
	for _, m := range all {
		out.Items = append(out.Items, Sending{Kind: m.Kind, State: SendingState(m.State), Error: m.Error, QueuedAt: m.QueuedAt, SentAt: m.SentAt})
	}
	return c.JSON(http.StatusOK, out)
}

// invitationsAct: POST /api/v1/invitations InvitationsAct -> 200 or 202
// InvitationsResult.
func (s *Server) invitationsAct(c echo.Context) error {
	var in InvitationsAct
	if err := bind(c, &in); err != nil {
		return err
	}
	ctx, out := c.Request().Context(), InvitationsResult{}
	if in.Filter != nil {
		if err := s.Credential.InviteMatching(ctx, actor(c), in.Act, in.Filter.domain()); err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, out.empty())
	}
	var ids []access.EmployeeID
	if in.Ids != nil {
		for _, id := range *in.Ids {
			ids = append(ids, access.EmployeeID(id))
		}
	}
	refused, err := s.Credential.Invitations(ctx, actor(c), in.Act, ids)
	if err != nil {
		return err
	}
	out = out.empty()
	out.Done = len(ids) - len(refused)
	for _, r := range refused {
		out.Refused = append(out.Refused, struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
			ID     string `json:"id"`
		}{r.Why.Code, r.Why.Text, string(r.Employee)})
	}
	return c.JSON(http.StatusOK, out)
}

// empty has an empty list, not null.
func (r InvitationsResult) empty() InvitationsResult {
	if r.Refused == nil {
		r.Refused = make([]struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
			ID     string `json:"id"`
		}, 0)
	}
	return r
}

func (f EmployeeFilter) domain() (out org.Filter) {
	set(&out.Q, f.Q)
	set(&out.State, f.State)
	set(&out.KeyFile, f.KeyFile)
	set(&out.CodeCard, f.CodeCard)
	set(&out.Invitation, f.Invitation)
	set(&out.Proofing, f.Proofing)
	set(&out.Level, f.Level)
	set(&out.PNumber, f.PNumber)
	set(&out.Anonymous, f.Anonymous)
	set(&out.Administrator, f.Administrator)
	set(&out.Unproven, f.Unproven)
	return out
}

// employeeRequests: GET /api/v1/employee-requests?state=&cursor= -> 200
// EmployeeRequestList.
func (s *Server) employeeRequests(c echo.Context) error {
	all, next, err := s.Org.Wishes(c.Request().Context(), actor(c), c.QueryParam("state"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := EmployeeRequestList{Items: []EmployeeRequest{}, Next: orNull(next)}
	for _, w := range all {
		out.Items = append(out.Items, EmployeeRequest{
			ID: w.ID, Kind: EmployeeRequestKind(w.Kind), State: EmployeeRequestState(w.State), EmployeeID: orNull(string(w.EmployeeID)),
			GivenName: w.Person.GivenName, Surname: w.Person.Surname, Email: w.Person.Email, Phone: w.Person.Phone,
			Reason: w.Reason, Answer: w.Answer, CreatedAt: w.CreatedAt, DecidedAt: w.DecidedAt,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// employeeRequestDecide: POST /api/v1/employee-requests/:id/decision
// RequestDecision -> 204.
func (s *Server) employeeRequestDecide(c echo.Context) error {
	var in RequestDecision
	if err := bind(c, &in); err != nil {
		return err
	}
	var answer string
	set(&answer, in.Answer)
	if err := s.Credential.Decide(c.Request().Context(), actor(c), c.Param("id"), in.Approve, answer); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// anonymityAsk: POST /api/v1/me/anonymity RequestReason -> 204.
func (s *Server) anonymityAsk(c echo.Context) error {
	var in RequestReason
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Org.AskToBeAnonymous(c.Request().Context(), actor(c), in.Reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// employeeAsk: POST /api/v1/employee-requests EmployeeAsk -> 202.
func (s *Server) employeeAsk(c echo.Context) error {
	var in EmployeeAsk
	if err := bind(c, &in); err != nil {
		return err
	}
	p := org.Person{GivenName: in.GivenName, Surname: in.Surname, Email: in.Email}
	set(&p.Phone, in.Phone)
	set(&p.Lang, in.Lang)
	if err := s.Org.AskToBeCreated(c.Request().Context(), in.CVR, p, in.Reason, c.RealIP()); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}
