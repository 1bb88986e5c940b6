package web_test

import (
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
)

var entitlementRules = []rule{
	{route: "GET /api/v1/rights/services", right: loggedIn, want: 200},
	{route: "GET /api/v1/rights/catalogue", right: loggedIn, want: 200},
	{route: "GET /api/v1/rights/mine", right: loggedIn, want: 200},
	{route: "GET /api/v1/rights/requests", right: access.ApproveRights, want: 200},
	{route: "POST /api/v1/rights/requests", right: loggedIn, body: `{"right": "$entitlement_third", "reason": "I do the accounts now"}`, want: 201, verbs: "entitlement.request"},
	{route: "POST /api/v1/rights/requests/:id/withdraw", right: loggedIn, id: "request_own", want: 204, verbs: "entitlement_request.withdraw"},
	{route: "POST /api/v1/rights/requests/:id/approve", right: access.ApproveRights, id: "request", body: "{}", want: 204, verbs: "entitlement.grant entitlement_request.approve"},
	{route: "POST /api/v1/rights/requests/:id/reject", right: access.ApproveRights, id: "request_second", body: `{"reason": "not needed"}`, want: 204, verbs: "entitlement_request.reject"},
	{route: "GET /api/v1/rights/basic", right: access.ReportRights, want: 200},
	{route: "POST /api/v1/rights/basic", right: access.ManageGroups, body: `{"right": "$entitlement_third", "applies": "all"}`, want: 204, verbs: "basic_package.add"},
	{route: "DELETE /api/v1/rights/basic/:id", right: access.ManageGroups, id: "entitlement", want: 204, verbs: "basic_package.drop"},
	{route: "GET /api/v1/rights/holders", right: access.ReportRights, want: 200},
	{route: "GET /api/v1/rights/holders.csv", right: access.ReportRights, want: 200},
	{route: "GET /api/v1/employees/:id/rights", right: access.ReportRights, id: "employee", want: 200},
	{route: "POST /api/v1/employees/:id/rights", right: access.AssignRights, id: "employee", body: `{"right": "$entitlement"}`, want: 201, verbs: "entitlement.grant"},
	{route: "DELETE /api/v1/rights/assignments/:id", right: access.AssignRights, id: "assignment", want: 204, verbs: "entitlement.withdraw"},
	{route: "GET /api/v1/groups", right: access.FillGroups, also: []access.Right{access.ManageGroups}, want: 200},
	{route: "POST /api/v1/groups", right: access.ManageGroups, body: `{"name": "Alle", "kind": "all"}`, want: 201, verbs: "group.create"},
	{route: "GET /api/v1/groups/:id", right: access.FillGroups, also: []access.Right{access.ManageGroups}, id: "group", want: 200},
	{route: "PUT /api/v1/groups/:id", right: access.ManageGroups, id: "group", body: `{"name": "Lager"}`, want: 204, verbs: "group.rename"},
	{route: "GET /api/v1/groups/:id/members", right: access.FillGroups, also: []access.Right{access.ManageGroups}, id: "group", want: 200},
	{route: "POST /api/v1/groups/:id/members", right: access.FillGroups, id: "group", body: `{"in": ["$employee"]}`, want: 204, verbs: "group.join"},
	{route: "POST /api/v1/groups/:id/rights", right: access.ManageGroups, id: "group", body: `{"right": "$entitlement"}`, want: 201, verbs: "entitlement.grant"},
	{route: "DELETE /api/v1/groups/:id", right: access.ManageGroups, id: "group", want: 204, verbs: "group.delete"},
	{route: "GET /api/v1/services/:id/rights", right: access.ManageServices, id: "service", want: 200},
	{route: "POST /api/v1/services/:id/rights", right: access.ManageServices, id: "service", body: `{"uri": "urn:write", "name_da": "Skriv"}`, want: 201, verbs: "entitlement.publish"},
	{route: "POST /api/v1/services/:id/rights/retire", right: access.ManageServices, id: "service", body: `{"right": "$entitlement"}`, want: 204, verbs: "entitlement.retire"},
	{route: "PUT /api/v1/services/:id/access", right: access.ManageServices, id: "service", body: `{"open": true}`, want: 204, verbs: "service.open"},
}

// entitlementFixtures are what the rules of rights and groups name. The
// administrator has asked for a right himself and cannot decide about that.
func entitlementFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	by := c.Actor
	by.Roles = access.Roles
	asker := r.Employee(t, c.Organisation, "ASKER", "Ida Asker")
	self := access.Actor{OrgID: by.OrgID, ID: "employee:" + string(asker.ID), Employee: asker.ID}
	offer := func(uri string) entitlement.ID {
		right, err := r.Rights.Publish(t.Context(), by, c.ids["service"], entitlement.Offer{URI: uri, NameDA: uri, Requestable: true})
		if err != nil {
			t.Fatal(err)
		}
		return right.ID
	}
	ask := func(by access.Actor, right entitlement.ID) string {
		q, err := r.Rights.Ask(t.Context(), by, entitlement.Wish{Right: right, Reason: "I do the accounts now"})
		if err != nil {
			t.Fatal(err)
		}
		return string(q.ID)
	}
	read, book := offer("urn:read"), offer("urn:book")
	c.ids["entitlement"], c.ids["entitlement_third"] = string(read), string(offer("urn:third"))
	c.ids["request"], c.ids["request_second"], c.ids["request_own"] = ask(self, read), ask(self, book), ask(by, read)
	if err := r.Rights.AddBasic(t.Context(), by, read, entitlement.ForNew); err != nil {
		t.Fatal(err)
	}
	g, err := r.Rights.CreateGroup(t.Context(), by, entitlement.Group{Name: "Bogholderi", Kind: entitlement.Customised})
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Rights.Give(t.Context(), by, entitlement.Gift{Employee: asker.ID, Right: book})
	if err != nil {
		t.Fatal(err)
	}
	c.ids["group"], c.ids["assignment"] = string(g.ID), string(a.ID)
}
