package web_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var handling = []access.Right{access.GivePersonal, access.DeleteAttorney, access.AttachAttorney}

var attorneyRules = []rule{
	{route: "GET /api/v1/powers/given", right: access.GiveAttorney, also: handling, want: 200},
	{route: "GET /api/v1/powers/received", right: access.GiveAttorney, also: handling, want: 200},
	{route: "POST /api/v1/powers", right: access.GiveAttorney, body: `{"cvr":"$partner","rights":["$passable"]}`, want: 201, verbs: "attorney.give attorney.receive"},
	{route: "POST /api/v1/power-requests", right: access.AttachAttorney, body: `{"cvr":"$partner","rights":["$passable"],"reason":"Vi fører jeres bøger."}`, want: 201, verbs: "attorney.be_asked attorney.request"},
	{route: "POST /api/v1/powers/:id/approve", right: access.GiveAttorney, id: "power_asked", want: 204, verbs: "attorney.approve attorney.approved"},
	{route: "POST /api/v1/powers/:id/reject", right: access.GiveAttorney, id: "power_asked", body: `{"reason":"det er for sent nu"}`, want: 409},
	{route: "POST /api/v1/powers/:id/employees", right: access.AttachAttorney, id: "power_received", body: `{"employee_id":"$person"}`, want: 204, verbs: "attorney.attach attorney.attached"},
	{route: "GET /api/v1/powers/:id/employees", right: access.GiveAttorney, also: handling, id: "power_received", want: 200},
	{route: "DELETE /api/v1/powers/:id/employees/:person", right: access.AttachAttorney, id: "power_received", want: 204, verbs: "attorney.detach attorney.detached"},
	{route: "DELETE /api/v1/powers/:id", right: access.DeleteAttorney, id: "power_received", want: 204, verbs: "attorney.end attorney.ended"},
}

// openRight publishes a right in a service that every organisation may use.
func openRight(t *testing.T, d *testkit.Domain, owner testkit.Company) entitlement.ID {
	t.Helper()
	by := owner.Actor
	by.Roles = access.Roles
	service := store.NewID()
	err := store.InTx(t.Context(), d.DB, func(ctx context.Context, tx bun.Tx) error {
		return entitlement.Introduce(ctx, tx, entitlement.Target{ID: service, OwnerID: owner.ID, OwnerName: owner.Name, Name: "Toldguiden"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Rights.SetOpen(t.Context(), by, service, true); err != nil {
		t.Fatal(err)
	}
	right, err := d.Rights.Publish(t.Context(), by, service, entitlement.Offer{URI: "urn:customs", NameDA: "Angive told"})
	if err != nil {
		t.Fatal(err)
	}
	return right.ID
}

// attorneyFixtures gives the tenant a partner with whom it shares powers.
func attorneyFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	cvr := "30303030"
	if c.CVR == otherCVR {
		cvr = "40404041"
	}
	partner := r.Company(t, cvr)
	by := partner.Actor
	by.Roles = access.Roles
	right := openRight(t, r.Domain, partner)
	asked, err := r.Attorney.Request(t.Context(), by, attorney.Terms{CVR: c.CVR, Rights: []entitlement.ID{right}, Reason: "Vi fører jeres bøger."})
	if err != nil {
		t.Fatal(err)
	}
	received, err := r.Attorney.Give(t.Context(), by, attorney.Terms{CVR: c.CVR, Rights: []entitlement.ID{right}})
	if err != nil {
		t.Fatal(err)
	}
	c.ids["partner"], c.ids["passable"], c.ids["person"] = cvr, string(right), string(c.Admin.ID)
	c.ids["power_asked"], c.ids["power_received"] = asked.ID, received.ID
}

func TestPowersOverHTTP(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		giver := s.Company(t, otherCVR)
		right := openRight(t, s.Domain, giver)
		gives, receives := s.admin(t, giver), s.admin(t, s.company)
		gives.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/powers", map[string]any{"cvr": cvr, "rights": []string{string(right)}}, nil)
		var list web.PowerList
		gives.Must(t, http.StatusOK, http.MethodGet, "/api/v1/powers/given", nil, &list)
		if len(list.Items) != 1 || list.Items[0].ReceiverName != s.company.Name || !list.Items[0].Live || list.Items[0].Rights[0].NameDa != "Angive told" {
			t.Errorf("given = %+v", list)
		}
		receives.Must(t, http.StatusOK, http.MethodGet, "/api/v1/powers/received", nil, &list)
		if len(list.Items) != 1 || list.Items[0].GiverCVR != otherCVR || list.Items[0].Scope != "urn:dk:gov:saml:cvrNumberIdentifier:"+otherCVR {
			t.Errorf("received = %+v", list)
		}
		a := gives.Do(t, http.MethodPost, "/api/v1/powers", map[string]any{"cvr": "99999999", "rights": []string{string(right)}})
		refused(t, "a receiver who is not in Adgang", a, http.StatusUnprocessableEntity, "attorney.party.unknown")
	})
}
