package web_test

import (
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

var peopleRules = []rule{
	{route: "POST /api/v1/employees", right: access.ManageEmployees, body: `{"person": {"given_name": "Ida", "surname": "Ny", "email": "ida@nordvind.example"}}`, want: 201, verbs: "employee.create key_file.order"},
	{route: "PUT /api/v1/employees/:id", right: access.ManageEmployees, id: "leaver", body: `{"person": {"given_name": "Bo", "surname": "Berg", "email": "bo2@nordvind.example"}, "version": 0}`, want: 200, verbs: "employee.edit"},
	{route: "POST /api/v1/employees/:id/proofing", right: access.ManageEmployees, id: "leaver", body: `{"method": "in_person", "level": "Substantial"}`, want: 200, verbs: "employee.prove"},
	{route: "POST /api/v1/employee-requests/:id/decision", right: access.ManageEmployees, id: "employee_request", body: `{"approve": true}`, want: 204, verbs: "employee.anonymise employee_request.approve"},
	{route: "POST /api/v1/employees/:id/suspend", right: access.ManageEmployees, id: "leaver", body: "{}", want: 200, verbs: "employee.suspend"},
	{route: "POST /api/v1/employees/:id/reactivate", right: access.ManageEmployees, id: "leaver", want: 200, verbs: "employee.reactivate"},
	{route: "POST /api/v1/employees/:id/delete", right: access.ManageEmployees, id: "leaver", body: "{}", want: 200, verbs: "employee.delete"},
	{route: "GET /api/v1/employees/:id/sessions", right: access.ManageEmployees, id: "leaver", want: 200},
	{route: "POST /api/v1/employees/:id/sessions/end", right: access.ManageEmployees, id: "leaver", body: "{}", want: 204, verbs: nothing}, // has none
	{route: "POST /api/v1/key-files/block", right: access.ManageEmployees, body: `{"ids": ["$leaver"], "reason": "superseded", "dry_run": true}`, want: 200, verbs: nothing},
	{route: "GET /api/v1/employees/:id/mails", right: access.ViewEmployees, id: "leaver", want: 200},
	{route: "POST /api/v1/invitations", right: access.ManageEmployees, body: `{"act": "resend", "filter": {"q": "nobody"}}`, want: 202},
	{route: "GET /api/v1/employee-requests", right: access.ManageEmployees, want: 200},
	{route: "POST /api/v1/me/anonymity", right: loggedIn, body: `{"reason": "I would rather not"}`, want: 403, verbs: nothing},
	{route: "POST /api/v1/employee-requests", right: open, body: `{"cvr": "00000000", "given_name": "Ida", "surname": "Ny", "email": "ida@ny.example", "reason": "I begin on Monday"}`, want: 202, verbs: nothing},
}

// peopleFixtures has an employee who asks to be anonymous.
func peopleFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	one := org.Wish{
		ID: store.NewID(), OrgID: c.ID, Kind: org.WishAnonymous, State: org.WishOpen, EmployeeID: access.EmployeeID(c.ids["leaver"]),
		PersonMAC: []byte("somebody"), Reason: "I would rather not", CreatedAt: r.Clock.Now(),
	}
	if _, err := r.DB.NewInsert().Model(&one).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ids["employee_request"] = one.ID
}
