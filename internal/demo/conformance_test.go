package demo_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/secret"
)

// The demo's service reads answers with crewjam/saml: it passes every case, asked for
// no level and for one.
func TestServicePassesConformance(t *testing.T) {
	t.Parallel()
	h := newHouse(t, time.Now)
	asta, _ := h.people(t)
	page, _, err := h.Federation.Partners(t.Context(), asta, "")
	if err != nil || len(page) != 1 {
		t.Fatalf("Partners = %v, %v", page, err)
	}
	keys, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := conformance.Service{
		DB: h.db, Keys: keys, Org: h.Org, Federation: h.Federation, PrivateHosts: true, Now: time.Now, Log: h.Log, BaseURL: h.BaseURL,
	}
	plan := conformance.Plan{Page: h.BaseURL + "/demo/service", Marker: "Adgang Konformitetstest"}
	for _, query := range []string{"", "?level=substantial"} {
		plan.Start = h.BaseURL + "/demo/service/login" + query
		if plan, err = s.SetPlan(t.Context(), asta, page[0].ID, plan); err != nil {
			t.Fatal(err)
		}
		if _, err := h.db.NewUpdate().Table("conformance_plan").Set("tried_at = NULL").Where("true").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := s.Start(t.Context(), asta, page[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Carry(t.Context(), conformance.RunRef{Org: asta.OrgID, ID: r.ID}); err != nil {
			t.Fatal(err)
		}
		report, err := s.Report(t.Context(), asta, page[0].ID, r.ID)
		if err != nil || report.Trouble != "" || len(report.Cases) != len(conformance.Codes()) {
			t.Fatalf("report = %+v, %v", report, err)
		}
		for _, c := range report.Cases {
			want := conformance.Passed
			if c.Code == "level" && query == "" {
				want = conformance.Skipped
			}
			if c.Result != want || c.Status == http.StatusInternalServerError {
				t.Errorf("%s%s: %s (%s, %d at %s)", c.Code, query, c.Result, c.Why, c.Status, c.Ended)
			}
		}
	}
}
