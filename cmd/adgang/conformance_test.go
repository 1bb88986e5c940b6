package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// tried has a service tried from its page, and returns the report.
func tried(t *testing.T, admin *testkit.Client, service string, plan web.ConformancePlan) web.ConformanceRun {
	t.Helper()
	path := "/api/v1/services/" + service + "/conformance"
	admin.Must(t, http.StatusOK, http.MethodPut, path, plan, nil)
	var run web.ConformanceRun
	admin.Must(t, http.StatusAccepted, http.MethodPost, path+"/runs", nil, &run)
	var report web.ConformanceReport
	testkit.Until(t, "the report is there", func() bool {
		admin.Must(t, http.StatusOK, http.MethodGet, path+"/runs/"+run.ID, nil, &report)
		return report.Run.State == "done"
	})
	for _, c := range report.Run.Cases {
		t.Logf("%-15s %-8s %-12s %d %s", c.Code, c.Result, c.Why, c.Status, c.Ended)
	}
	return report.Run
}

func expect(t *testing.T, run web.ConformanceRun, other map[web.ConformanceCaseCode]web.ConformanceCaseResult) {
	t.Helper()
	if run.Trouble != "" || len(run.Cases) != run.Planned {
		t.Errorf("trouble %q, %d of %d cases", run.Trouble, len(run.Cases), run.Planned)
	}
	for _, c := range run.Cases {
		want, ok := other[c.Code]
		if !ok {
			want = "passed"
		}
		if c.Result != want {
			t.Errorf("%s: %s (%s, %d), want %s", c.Code, c.Result, c.Why, c.Status, want)
		}
	}
}

// packaged is what the test finds about both services that Debian packages, as they
// stand: they take answers to requests that they never sent, and SHA-1. Their requests
// ask for no level.
var packaged = map[web.ConformanceCaseCode]web.ConformanceCaseResult{"in_response_to": "failed", "sha1": "failed", "level": "skipped"}

// mod_auth_mellon and SimpleSAMLphp are tried as any service is.
func TestConformanceOfMellon(t *testing.T) {
	t.Parallel()
	c := countryOf(t, testkit.NewProgram(t, "ADGANG_PRIVATE_HOSTS=1"))
	admin := c.Token(t, "organisation-administrator")
	var all web.ServiceList
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/services", nil, &all)
	run := tried(t, admin, all.Items[0].ID, web.ConformancePlan{StartURL: c.sp.URL + "/private/", PageURL: c.sp.URL + "/private/", Marker: "Adgang Konformitetstest"})
	expect(t, run, packaged)
}

func TestConformanceOfSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	c := secondOf(t, countryOf(t, testkit.NewProgram(t, "ADGANG_PRIVATE_HOSTS=1")), simplesamlphp.Options{})
	admin := c.Token(t, "organisation-administrator")
	var all web.ServiceList
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/services", nil, &all)
	id := ""
	for _, one := range all.Items {
		if strings.HasPrefix(one.AcsUrls[0], c.php.URL) {
			id = one.ID
		}
	}
	run := tried(t, admin, id, web.ConformancePlan{StartURL: c.php.URL + "/private.php", PageURL: c.php.URL + "/private.php", Marker: "Adgang Konformitetstest"})
	expect(t, run, packaged)
	if t.Failed() {
		t.Log(c.php.Log(t))
	}
}
