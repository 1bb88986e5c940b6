package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const bulkFile = "rid;fornavn;efternavn;email;fødselsdato\nB1;Søren;Ærø;soeren@nordvind.example;24-12-1980\nB2;;;;\n"

var bulkRules = []rule{
	{route: "GET /api/v1/employees/list.csv", right: access.ViewEmployees, want: 200, verbs: "employee.export"},
	{route: "GET /api/v1/employees/list.xlsx", right: access.ViewEmployees, want: 200, verbs: "employee.export"},
	{route: "GET /api/v1/bulk", right: access.ManageEmployees, want: 200},
	{route: "POST /api/v1/bulk", right: access.ManageEmployees, body: "bulk", want: 201, verbs: "run.create"},
	{route: "GET /api/v1/bulk/:id", right: access.ManageEmployees, id: "bulk", want: 200},
	{route: "GET /api/v1/bulk/:id/rows", right: access.ManageEmployees, id: "bulk", want: 200},
	{route: "GET /api/v1/bulk/:id/report.csv", right: access.ManageEmployees, id: "bulk", want: 200},
	{route: "GET /api/v1/bulk/:id/result.zip", right: access.ManageEmployees, id: "bulk", want: 200, verbs: "result.sign"},
	{route: "POST /api/v1/bulk/:id/start", right: access.ManageEmployees, id: "bulk", body: `{"skip_bad": true}`, want: 200, verbs: "run.start"},
	{route: "POST /api/v1/bulk/:id/cancel", right: access.ManageEmployees, id: "bulk", want: 200, verbs: "run.cancel"},
}

func bulkFixtures(t *testing.T, _ *rulings, c *tenant) {
	t.Helper()
	c.ids["bulk"] = bulkDraft(t, c.admin, `{"mode": "upsert"}`, bulkFile).ID
}

func bulkDraft(t *testing.T, by *testkit.Client, options, file string) web.BulkRun {
	t.Helper()
	body, kind := form(t, [2]string{"options", options}, [2]string{"file people.csv", file})
	var run web.BulkRun
	a := by.Do(t, http.MethodPost, "/api/v1/bulk", body, "Content-Type", kind)
	if a.Status != http.StatusCreated {
		t.Fatalf("POST /bulk = %d %s", a.Status, a.Body)
	}
	a.JSON(t, &run)
	return run
}

// A file is uploaded, looked at, started and done, all over the API.
func TestBulkOverTheAPI(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		admin := s.admin(t, s.company)
		run := bulkDraft(t, admin, `{"mode": "upsert", "name": "Nye i maj", "invite": false}`, bulkFile)
		if run.Name != "Nye i maj" || run.State != "draft" || run.Forecast.Create != 1 || run.Forecast.Refuse != 1 || len(run.Errors) != 1 || run.OverLimit {
			t.Fatalf("draft = %+v", run)
		}
		var rows web.BulkRowList
		admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/bulk/"+run.ID+"/rows?action=create", nil, &rows)
		if len(rows.Items) != 1 || rows.Items[0].Name != "Søren Ærø" || rows.Items[0].State != "pending" {
			t.Errorf("rows = %+v", rows.Items)
		}
		refused(t, "start with bad lines", admin.Do(t, http.MethodPost, "/api/v1/bulk/"+run.ID+"/start", strings.NewReader("{}"), "Content-Type", "application/json"),
			http.StatusConflict, "roster.run.bad_rows")
		admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/bulk/"+run.ID+"/start", map[string]any{"skip_bad": true}, nil)
		s.Drain(t)
		admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/bulk/"+run.ID, nil, &run)
		if run.State != "completed" || run.Counts.Done != 1 || run.Counts.Failed != 1 || run.StartedBy == nil {
			t.Errorf("run = %+v", run)
		}
		report := string(admin.Do(t, http.MethodGet, "/api/v1/bulk/"+run.ID+"/report.csv", nil).Body)
		if !strings.Contains(report, "2;create;done;Søren Ærø;soeren@nordvind.example;B1;") || !strings.Contains(report, "3;refuse;failed;;;B2;;;roster.row.incomplete;") {
			t.Errorf("report = %s", report)
		}
		refused(t, "an unknown action", admin.Do(t, http.MethodGet, "/api/v1/bulk/"+run.ID+"/rows?action=eat", nil), http.StatusUnprocessableEntity, "roster.row.filter")
		body, kind := form(t, [2]string{"options", `{"mode": "eat"}`}, [2]string{"file people.csv", bulkFile})
		refused(t, "an unknown mode", admin.Do(t, http.MethodPost, "/api/v1/bulk", body, "Content-Type", kind), http.StatusUnprocessableEntity, "roster.run.mode")
		body, kind = form(t, [2]string{"options", `{"mode": "full"}`}, [2]string{"file people.csv", "navn\nBo\n"})
		a := admin.Do(t, http.MethodPost, "/api/v1/bulk", body, "Content-Type", kind)
		refused(t, "a file without identifiers", a, http.StatusUnprocessableEntity, "sheet.file.missing_column")
	})
}
