package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var settingsRules = []rule{
	{route: "GET /api/v1/settings", right: access.ViewSettings, want: 200},
	{route: "PATCH /api/v1/settings", right: access.ChangeSettings, body: `{"version":$decided,"retention_days":60}`, want: 200, verbs: "setting.change"},
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	admin := s.admin(t, s.company)
	var got web.Settings
	change := `{"version":0,"minimum_level":"High","invoice":{"method":"ean","email":"","ean":"5798000000018"},` +
		`"creation":{"required":["cpr"],"self_request":true,"anonymous":true,"extra":["Afdeling"],"default_email":""}}`
	a := admin.Do(t, http.MethodPatch, "/api/v1/settings", strings.NewReader(change), "Content-Type", "application/json")
	a.JSON(t, &got)
	if a.Status != http.StatusOK || got.Version != 1 || got.MinimumLevel != "High" || got.Invoice.Ean != "5798000000018" ||
		!got.Creation.SelfRequest || !got.Creation.Anonymous || got.Creation.Extra[0] != "Afdeling" || got.RetentionDays != 90 {
		t.Errorf("PATCH /settings = %d %s", a.Status, a.Body)
	}
	a = admin.Do(t, http.MethodPatch, "/api/v1/settings", strings.NewReader(`{"version":0,"retention_days":60}`), "Content-Type", "application/json")
	refused(t, "PATCH /settings of an old version", a, http.StatusConflict, "setting.version.stale")
	a = admin.Do(t, http.MethodPatch, "/api/v1/settings", strings.NewReader(`{"version":1,"retention_days":1}`), "Content-Type", "application/json")
	refused(t, "PATCH /settings with a wrong number", a, http.StatusUnprocessableEntity, "setting.number.range")
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/settings", nil, &got)
	if got.Version != 1 || got.RetentionDays != 90 {
		t.Errorf("GET /settings after refusals = %+v", got)
	}
}
