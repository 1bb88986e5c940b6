package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/testkit"
)

var inventoryRules = []rule{
	{route: "GET /api/v1/inventory", right: access.ViewCertificates, want: 200},
	{route: "POST /api/v1/inventory", right: access.OrderCertificate, body: "certificates", want: 201, verbs: "inventory.add"},
	{route: "GET /api/v1/inventory.csv", right: access.ViewCertificates, want: 200},
	{route: "GET /api/v1/forecast", right: access.ViewCertificates, want: 200},
	{route: "GET /api/v1/forecast.csv", right: access.ViewCertificates, want: 200},
	{route: "GET /api/v1/inventory/hosts", right: access.ViewCertificates, want: 200},
	{route: "POST /api/v1/inventory/hosts", right: access.OrderCertificate, body: `{"address": "new.example"}`, want: 201, verbs: "inventory.host_add"},
	{route: "POST /api/v1/inventory/hosts/:id/scan", right: access.OrderCertificate, id: "host", want: 204, verbs: "inventory.scan_ask"},
	{route: "DELETE /api/v1/inventory/hosts/:id", right: access.OrderCertificate, id: "host", want: 204, verbs: "inventory.host_remove"},
	{route: "GET /api/v1/inventory/campaigns", right: access.ViewCertificates, want: 200},
	{
		route: "POST /api/v1/inventory/campaigns", right: access.OrderCertificate,
		body: `{"name": "Ny", "generation": "oces2", "closes_at": "2027-06-01T00:00:00Z"}`, want: 201, verbs: "campaign.create",
	},
	{route: "GET /api/v1/inventory/campaigns/:id", right: access.ViewCertificates, id: "campaign", want: 200},
	{route: "GET /api/v1/inventory/campaigns/:id/report.csv", right: access.ViewCertificates, id: "campaign", want: 200},
	{route: "POST /api/v1/inventory/campaigns/:id/start", right: access.OrderCertificate, id: "campaign", want: 204, verbs: "campaign.start"},
	{route: "GET /api/v1/inventory/campaigns/:id/members", right: access.ViewCertificates, id: "campaign_running", want: 200},
	{route: "POST /api/v1/inventory/campaigns/:id/pause", right: access.OrderCertificate, id: "campaign_running", want: 204, verbs: "campaign.pause"},
	{route: "POST /api/v1/inventory/campaigns/:id/resume", right: access.OrderCertificate, id: "campaign_paused", want: 204, verbs: "campaign.resume"},
	{route: "POST /api/v1/inventory/campaigns/:id/cancel", right: access.OrderCertificate, id: "campaign_over", want: 204, verbs: "campaign.cancel"},
	{
		route: "PUT /api/v1/inventory/campaigns/:id/deadline", right: access.OrderCertificate, id: "campaign_draft",
		body: `{"closes_at": "2027-09-01T00:00:00Z"}`, want: 204, verbs: "campaign.move",
	},
	{route: "DELETE /api/v1/inventory/campaigns/:id", right: access.OrderCertificate, id: "campaign_draft", want: 204, verbs: "campaign.drop"},
	{route: "GET /api/v1/inventory/:id", right: access.ViewCertificates, id: "certificate", want: 200},
	{route: "GET /api/v1/inventory/:id/certificate.cer", right: access.ViewCertificates, id: "certificate", want: 404},
	{
		route: "PUT /api/v1/inventory/:id", right: access.OrderCertificate, id: "certificate",
		body: `{"version": 2, "contact_email": "it@firma.example", "successor_id": "$certificate_next"}`, want: 204, verbs: "inventory.change",
	},
	{route: "POST /api/v1/inventory/:id/places", right: access.OrderCertificate, id: "certificate", body: `{"name": "Kommunen"}`, want: 201, verbs: "inventory.place_add"},
	{
		route: "PUT /api/v1/inventory/:id/places/:place", right: access.OrderCertificate, id: "certificate", body: `{"installed": true}`, want: 204, verbs: "inventory.place_tick",
	},
	{route: "DELETE /api/v1/inventory/:id/places/:place", right: access.OrderCertificate, id: "certificate", want: 204, verbs: "inventory.place_remove"},
	{
		route: "PUT /api/v1/inventory/:id/snooze", right: access.OrderCertificate, id: "certificate",
		body: `{"until": "2026-12-24", "reason": "Ferie"}`, want: 204, verbs: "reminder.snooze",
	},
	{
		route: "POST /api/v1/inventory/renewals", right: access.OrderCertificate,
		body: `{"ids": ["$certificate"], "from": "2026-12-01", "to": "2026-12-31", "invite": true}`, want: 200, verbs: "inventory.plan",
	},
	{route: "DELETE /api/v1/inventory/:id", right: access.OrderCertificate, id: "certificate", want: 204, verbs: "inventory.delete"},
	{route: "GET /api/v1/reminders", right: access.ViewCertificates, want: 200},
	{route: "GET /api/v1/reminders/rules", right: access.ViewCertificates, want: 200},
	{
		route: "PUT /api/v1/reminders/rules", right: access.OrderCertificate,
		body: `{"days": [60, 30], "key_file_days": [30], "users_from": 30, "admins_from": 7, "quiet_from": 18, "quiet_to": 8, "weekends": false, "digest_over": 5, "webhook_url": "", "version": 0}`,
		want: 200, verbs: "reminder.rules",
	},
	{route: "POST /api/v1/reminders/calendar", right: access.OrderCertificate, want: 201, verbs: "reminder.calendar"},
	{route: "GET /api/v1/calendar/:token", right: open, want: 404},
}

const certificateList = "navn;serienummer;udsteder;gyldig til\n" +
	"Lønsystem;4a01;TRUST2408 OCES CA III;2027-03-01\nLønsystem, nyt;4a02;Den Danske Stat OCES udstedende-CA 1;2030-03-01\n"

// inventoryFixtures are two certificates from a list, a place, a host and
// campaigns of every state.
func inventoryFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	by := c.Actor
	by.Roles = access.Roles
	report, err := r.Inventory.Import(t.Context(), by, "list.csv", []byte(certificateList))
	if err != nil || len(report.Added) != 2 {
		t.Fatalf("Import = %+v, %v", report, err)
	}
	first := report.Added[0].ID
	place, err := r.Inventory.AddPlace(t.Context(), by, first, inventory.Place{Name: "SKAT"})
	if err != nil {
		t.Fatal(err)
	}
	host, err := r.Inventory.AddHost(t.Context(), by, "www.firma.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"campaign", "campaign_draft", "campaign_running", "campaign_paused", "campaign_over"} {
		made, err := r.Inventory.NewCampaign(t.Context(), by, "OCES2 til OCES3", inventory.OCES2, r.Clock.Now().AddDate(0, 2, 0))
		if err != nil {
			t.Fatal(err)
		}
		c.ids[name] = made.ID
		if name == "campaign" || name == "campaign_draft" {
			continue
		}
		if err := r.Inventory.StartCampaign(t.Context(), by, made.ID); err != nil {
			t.Fatal(err)
		}
		if name == "campaign_paused" {
			if err := r.Inventory.PauseCampaign(t.Context(), by, made.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.ids["certificate"], c.ids["certificate_next"], c.ids["place"], c.ids["host"] = first, report.Added[1].ID, place.ID, host.ID
}

// The whole way of an administrator: upload, see, plan, see the forecast, fetch the
// calendar.
func TestInventoryOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	admin := s.admin(t, s.company)
	body, kind := form(t, [2]string{"file certs.csv", certificateList})
	var report struct {
		Added   []struct{ ID, Generation string }
		Refused []any
	}
	a := admin.Do(t, http.MethodPost, "/api/v1/inventory", body, "Content-Type", kind)
	if a.JSON(t, &report); a.Status != http.StatusCreated || len(report.Added) != 2 || report.Added[0].Generation != "oces2" {
		t.Fatalf("upload = %d %+v", a.Status, report)
	}
	list := admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/inventory.csv?q=nyt", nil, nil)
	if got := string(list.Body); strings.Count(got, "\n") != 2 || !strings.Contains(got, "Lønsystem, nyt") {
		t.Errorf("list = %q", got)
	}
	forecast := admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/forecast.csv?months=12", nil, nil)
	if got := string(forecast.Body); !strings.Contains(got, "2027-03,unknown,oces2,open,1,1") && !strings.Contains(got, "2027-03;unknown;oces2;open;1;1") {
		t.Errorf("forecast = %q", got)
	}
	var calendar struct{ Address string }
	admin.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/reminders/calendar", nil, &calendar)
	anybody := testkit.NewClient(t, testkit.BaseURL, testkit.InProcess{Handler: s.server})
	events := anybody.Must(t, http.StatusOK, http.MethodGet, strings.TrimPrefix(calendar.Address, testkit.BaseURL), nil, nil)
	if got := string(events.Body); strings.Count(got, "BEGIN:VEVENT") != 1 || !strings.Contains(got, "DTSTART;VALUE=DATE:20270301") {
		t.Errorf("calendar = %q", got)
	}
}
