package web_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/store"
)

var entitlementRules = []rule{
	{route: "GET /api/v1/rights/services", right: loggedIn, want: 200},
	{route: "GET /api/v1/rights/catalogue", right: loggedIn, want: 200},
	{route: "GET /api/v1/rights/mine", right: loggedIn, want: 200},
	{route: "GET /api/v1/rights/requests", right: access.ApproveRights, want: 200},
	{route: "POST /api/v1/rights/requests", right: loggedIn, body: `{"right": "none", "reason": "I do the accounts now"}`, want: 404},
	{route: "POST /api/v1/rights/requests/:id/withdraw", right: loggedIn, id: "request_own", want: 204},
	{route: "POST /api/v1/rights/requests/:id/approve", right: access.ApproveRights, id: "request", body: "{}", want: 204},
	{route: "POST /api/v1/rights/requests/:id/reject", right: access.ApproveRights, id: "request_second", body: `{"reason": "not needed"}`, want: 204},
	{route: "GET /api/v1/rights/basic", right: access.ReportRights, want: 200},
	{route: "POST /api/v1/rights/basic", right: access.ManageGroups, body: `{"right": "none", "applies": "all"}`, want: 404},
	{route: "DELETE /api/v1/rights/basic/:id", right: access.ManageGroups, id: "entitlement", want: 204},
	{route: "GET /api/v1/rights/holders", right: access.ReportRights, want: 200},
	{route: "GET /api/v1/rights/holders.csv", right: access.ReportRights, want: 200},
	{route: "GET /api/v1/employees/:id/rights", right: access.ReportRights, id: "employee", want: 200},
	{route: "POST /api/v1/employees/:id/rights", right: access.AssignRights, id: "employee", body: `{"right": "ENTITLEMENT"}`, want: 201},
	{route: "DELETE /api/v1/rights/assignments/:id", right: access.AssignRights, id: "assignment", want: 204},
	{route: "GET /api/v1/groups", right: access.FillGroups, want: 200},
	{route: "POST /api/v1/groups", right: access.ManageGroups, body: `{"name": "Alle", "kind": "all"}`, want: 201},
	{route: "GET /api/v1/groups/:id", right: access.FillGroups, id: "group", want: 200},
	{route: "PUT /api/v1/groups/:id", right: access.ManageGroups, id: "group", body: `{"name": "Lager"}`, want: 204},
	{route: "GET /api/v1/groups/:id/members", right: access.FillGroups, id: "group", want: 200},
	{route: "POST /api/v1/groups/:id/members", right: access.FillGroups, id: "group", body: "{}", want: 204},
	{route: "POST /api/v1/groups/:id/rights", right: access.ManageGroups, id: "group", body: `{"right": "ENTITLEMENT"}`, want: 201},
	{route: "DELETE /api/v1/groups/:id", right: access.ManageGroups, id: "group", want: 204},
	{route: "GET /api/v1/services/:id/rights", right: access.ManageServices, id: "service", want: 200},
	{route: "POST /api/v1/services/:id/rights", right: access.ManageServices, id: "service", body: `{"uri": "urn:write", "name_da": "Skriv"}`, want: 201},
	{route: "POST /api/v1/services/:id/rights/retire", right: access.ManageServices, id: "service", body: `{"right": "ENTITLEMENT"}`, want: 204},
	{route: "PUT /api/v1/services/:id/access", right: access.ManageServices, id: "service", body: `{"open": false}`, want: 204},
}

// entitle makes what the rules of rights and groups are about. The administrator
// asks for a right himself and cannot decide about that.
func (r *rulings) entitle(t *testing.T) {
	t.Helper()
	by := r.company.Actor
	by.Roles = access.Roles
	asker := r.Employee(t, r.company.Organisation, "ASKER", "Ida Asker")
	self := access.Actor{OrgID: by.OrgID, ID: "employee:" + string(asker.ID), Employee: asker.ID}
	offer := func(uri string) entitlement.ID {
		right, err := r.Rights.Publish(t.Context(), by, r.ids["service"], entitlement.Offer{URI: uri, NameDA: uri, Requestable: true})
		if err != nil {
			t.Fatal(err)
		}
		return right.ID
	}
	read, book := offer("urn:read"), offer("urn:book")
	ask := func(by access.Actor, right entitlement.ID) string {
		q, err := r.Rights.Ask(t.Context(), by, entitlement.Wish{Right: right, Reason: "I do the accounts now"})
		if err != nil {
			t.Fatal(err)
		}
		return string(q.ID)
	}
	r.ids["entitlement"] = string(read)
	r.ids["request"], r.ids["request_second"], r.ids["request_own"] = ask(self, read), ask(self, book), ask(by, read)
	if err := r.Rights.AddBasic(t.Context(), by, read, entitlement.ForNew); err != nil {
		t.Fatal(err)
	}
	g, err := r.Rights.CreateGroup(t.Context(), by, entitlement.Group{Name: "Bogholderi", Kind: entitlement.Customised})
	if err != nil {
		t.Fatal(err)
	}
	r.ids["group"] = string(g.ID)
	err = store.InTx(t.Context(), r.DB, func(ctx context.Context, tx bun.Tx) error {
		a, _, err := r.Rights.Grant(ctx, tx, by, entitlement.Gift{Employee: asker.ID, Right: book})
		r.ids["assignment"] = string(a.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
