package web_test

import (
	"testing"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/review"
)

var reviewRules = []rule{
	{route: "GET /api/v1/reviews", right: loggedIn, want: 200},
	{
		route: "POST /api/v1/reviews", right: access.ManageReviews,
		body: `{"name": "Forår", "subject_kind": "service", "subject_id": "$service", "due_on": "2026-12-01", "undecided": "keep"}`, want: 201, verbs: "review.start",
	},
	{route: "GET /api/v1/reviews/:id", right: loggedIn, id: "review", want: 200},
	{route: "GET /api/v1/reviews/:id/items", right: loggedIn, id: "review", want: 200},
	{
		route: "POST /api/v1/reviews/:id/decisions", right: loggedIn, id: "review",
		body: `{"item": "$review_item", "decision": "removed"}`, want: 204, verbs: "entitlement.withdraw review.decide",
	},
	{route: "GET /api/v1/reviews/:id/result.csv", right: loggedIn, id: "review", want: 200},
	{route: "POST /api/v1/reviews/:id/close", right: access.ManageReviews, id: "review", want: 204, verbs: "review.close"},
}

// reviewFixtures are what the rules of reviews name: a review of one right of a
// group, by the administrator.
func reviewFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	by := c.Actor
	by.Roles = access.Roles
	g, err := r.Rights.CreateGroup(t.Context(), by, entitlement.Group{Name: "Vagter", Kind: entitlement.Customised})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rights.Give(t.Context(), by, entitlement.Gift{Group: g.ID, Right: entitlement.ID(c.ids["entitlement"])}); err != nil {
		t.Fatal(err)
	}
	made, err := r.Review.Start(t.Context(), by, review.Plan{
		Name: "Vagter", SubjectKind: review.OfGroup, SubjectID: string(g.ID), Undecided: review.Keep,
		DueOn: r.Clock.Now().AddDate(0, 0, 14).Format(time.DateOnly),
	})
	if err != nil {
		t.Fatal(err)
	}
	items, _, err := r.Review.Items(t.Context(), by, made.ID, true, "")
	if err != nil || len(items) != 1 {
		t.Fatalf("%d items: %v", len(items), err)
	}
	c.ids["review"], c.ids["review_item"] = made.ID, items[0].ID
}
