package web_test

import "github.com/adgang/adgang/internal/access"

var peopleRules = []rule{
	{route: "POST /api/v1/employees", right: access.ManageEmployees, body: `{"person": {"given_name": "Ida", "surname": "Ny", "email": "ida@nordvind.example"}}`, want: 201},
	{route: "PUT /api/v1/employees/:id", right: access.ManageEmployees, id: "leaver", body: `{"person": {"given_name": "Bo", "surname": "Berg", "email": "bo2@nordvind.example"}, "version": 0}`, want: 200},
	{route: "POST /api/v1/employees/:id/proofing", right: access.ManageEmployees, id: "leaver", body: `{"method": "in_person", "level": "Substantial"}`, want: 200},
	{route: "POST /api/v1/employees/:id/suspend", right: access.ManageEmployees, id: "leaver", body: "{}", want: 200},
	{route: "POST /api/v1/employees/:id/reactivate", right: access.ManageEmployees, id: "leaver", want: 200},
	{route: "POST /api/v1/employees/:id/delete", right: access.ManageEmployees, id: "leaver", body: "{}", want: 200},
}
