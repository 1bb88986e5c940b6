package web_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// deciders are the rights that acts of package approval need.
var deciders = func() (rights []access.Right) {
	for _, act := range approval.Catalogue() {
		rights = append(rights, act.Right)
	}
	return rights
}()

var roleRules = []rule{
	{route: "GET /api/v1/roles/table", right: loggedIn, want: 200},
	{route: "GET /api/v1/roles/holders", right: access.ViewRoles, want: 200},
	{route: "GET /api/v1/roles/succession", right: access.ViewRoles, want: 200},
	{route: "PUT /api/v1/roles/succession", right: access.AssignRoles, id: "steward", body: `{"employee_id":":id"}`, want: 200, verbs: "nominee.name"},
	{route: "POST /api/v1/employees/:id/roles", right: access.AssignRoles, id: "steward", body: `{"give":["user-administrator"]}`, want: 204, verbs: "role.change"},
	{route: "GET /api/v1/role-requests", right: access.AssignRoles, want: 200},
	{route: "GET /api/v1/me/role-requests", right: loggedIn, want: 200},
	{route: "POST /api/v1/role-requests", right: loggedIn, body: `{"role":"user-administrator","reason":"kort"}`, want: 403}, // gives roles and needs no request
	{route: "DELETE /api/v1/role-requests/:id", right: loggedIn, id: "role_request", want: 404},                              // somebody else's
	{route: "POST /api/v1/role-requests/:id/approve", right: access.AssignRoles, id: "role_request", want: 204, verbs: "role.change role_request.approve"},
	{route: "POST /api/v1/role-requests/:id/reject", right: access.AssignRoles, id: "role_request", body: `{"reason":"det er for sent nu"}`, want: 409},

	{route: "GET /api/v1/approvals", right: access.AssignRoles, also: deciders, want: 200},
	{route: "GET /api/v1/approval-acts", right: access.ViewSettings, want: 200},
	{route: "PUT /api/v1/approval-acts", right: access.ChangeSettings, body: `{"acts":[]}`, want: 200, verbs: nothing},
	{route: "GET /api/v1/waiting", right: loggedIn, want: 200},
	{route: "GET /api/v1/approvals/:id", right: access.AssignRoles, also: deciders, id: "approval", want: 200},
	{route: "DELETE /api/v1/approvals/:id", right: access.AssignRoles, also: deciders, id: "approval", want: 403}, // asked by somebody else
	{route: "POST /api/v1/approvals/:id/approve", right: access.AssignRoles, also: deciders, id: "approval", want: 200, verbs: "approval.approve role.change"},
	{route: "POST /api/v1/approvals/:id/reject", right: access.AssignRoles, also: deciders, id: "approval", body: `{"reason":"det er for sent nu"}`, want: 409},
}

// roleFixtures makes an employee who requests a role, and one who administers
// and has asked for another's.
func roleFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	steward := r.Employee(t, c.Organisation, "STEWARD", "Stine Sommer")
	c.ids["steward"] = string(steward.ID)
	pupil, second := r.Employee(t, c.Organisation, "PUPIL", "Per Poulsen"), r.Employee(t, c.Organisation, "SECOND", "Sara Skov")
	by, err := org.ActorOf(t.Context(), r.DB, pupil, "")
	if err != nil {
		t.Fatal(err)
	}
	asked, err := r.Org.RequestRole(t.Context(), by, access.RightsAdministrator, "Jeg passer rettigheder.")
	if err != nil {
		t.Fatal(err)
	}
	c.ids["role_request"] = asked.ID
	role := org.RoleAssignment{OrgID: c.ID, EmployeeID: second.ID, Role: access.OrganisationAdministrator, CreatedAt: time.Unix(1, 0)}
	payload, err := json.Marshal(org.RoleChange{Employee: pupil.ID, Give: []access.Role{access.UserAdministrator}})
	if err != nil {
		t.Fatal(err)
	}
	waits := approval.Request{
		OrgID: c.ID, ID: "approval-" + string(c.ID), Act: org.RolesAct.Name, Needs: access.AssignRoles, Object: "employee:" + string(pupil.ID),
		Details: "{}", Payload: string(payload), State: approval.Pending, Asker: "employee:" + string(second.ID), AskerID: second.ID,
		AskedAt: r.Clock.Now(), ExpiresAt: r.Clock.Now().Add(approval.Lifetime),
	}
	for _, row := range []any{&role, &waits} {
		if _, err := r.DB.NewInsert().Model(row).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.ids["approval"] = waits.ID
}

// Two administrators: the one asks, the other approves, and the role is there.
func TestFourEyesOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	asta := s.admin(t, s.company)
	post := func(c *testkit.Client, status int, path string, body, into any) {
		t.Helper()
		c.Must(t, status, http.MethodPost, "/api/v1/"+path, body, into)
	}
	ida, bo := s.Employee(t, s.company.Organisation, "IDA", "Ida Iversen"), s.Employee(t, s.company.Organisation, "BO", "Bo Berg")
	post(asta, http.StatusNoContent, "employees/"+string(ida.ID)+"/roles", map[string]any{"give": []string{"organisation-administrator"}}, nil)
	var acts web.ApprovalActs
	asta.Must(t, http.StatusOK, http.MethodPut, "/api/v1/approval-acts", map[string]any{"acts": []string{"org.roles"}}, &acts)
	if !slices.ContainsFunc(acts.Acts, func(a web.ApprovalAct) bool {
		return a.Name == "org.roles" && a.Chosen && a.Holders == 2 && slices.Equal(a.Roles, []web.Role{"organisation-administrator"})
	}) {
		t.Errorf("acts = %+v", acts)
	}
	var waits web.Approval
	post(asta, http.StatusAccepted, "employees/"+string(bo.ID)+"/roles", map[string]any{"give": []string{"user-administrator"}}, &waits)
	if waits.Subject != "Bo Berg" || !waits.Own || waits.Details["given"] != "user-administrator" || waits.State != "pending" {
		t.Errorf("202 = %+v", waits)
	}
	refused(t, "one's own", asta.Do(t, http.MethodPost, "/api/v1/approvals/"+waits.ID+"/approve", nil), http.StatusForbidden, "approval.decide.own")
	second := s.client(t)
	i := s.Invite(t, s.company.Organisation, ida)
	second.LogIn(t, second.Activate(t, i.Token, i.Code), "")
	var counts web.WaitingCounts
	second.Must(t, http.StatusOK, http.MethodGet, "/api/v1/waiting", nil, &counts)
	if counts.Approvals != 1 {
		t.Errorf("waiting = %+v", counts)
	}
	var done web.Approval
	post(second, http.StatusOK, "approvals/"+waits.ID+"/approve", nil, &done)
	if done.Decider != "Ida Iversen" || done.Own || done.State != "approved" {
		t.Errorf("approved = %+v", done)
	}
	var holders web.RoleHolderList
	second.Must(t, http.StatusOK, http.MethodGet, "/api/v1/roles/holders?role=user-administrator", nil, &holders)
	if !slices.ContainsFunc(holders.Items, func(h web.RoleHolder) bool { return h.Name == "Bo Berg" }) {
		t.Errorf("holders = %+v", holders)
	}
	post(asta, http.StatusAccepted, "employees/"+string(s.company.Admin.ID)+"/roles", map[string]any{"take": []string{"organisation-administrator"}}, nil)
	var history web.ApprovalList
	second.Must(t, http.StatusOK, http.MethodGet, "/api/v1/approvals?state=history", nil, &history)
	if len(history.Items) != 1 || history.Items[0].Asker != "Åse Ørsted" {
		t.Errorf("history = %+v", history)
	}
}

func TestRoleTableOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	var table web.RoleTable
	s.employee(t).Must(t, http.StatusOK, http.MethodGet, "/api/v1/roles/table", nil, &table)
	if len(table.Roles) != 5 || len(table.Lines) != len(access.Self)+len(access.Table) || table.Lines[0].Danish == "" {
		t.Errorf("table of %d roles and %d lines", len(table.Roles), len(table.Lines))
	}
}
