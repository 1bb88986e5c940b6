package web_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const (
	open     access.Right = "open"      // no login
	loggedIn access.Right = "logged in" // whoever is
	operator access.Right = "operator"  // a login of its own, no tenant's
)

// rule is what one route asks for. The administrator, who holds every role, gets
// want, in the order of the table; all others get nothing.
type rule struct {
	route string
	right access.Right
	// also are further rights each of which opens the route.
	also []access.Right
	id   string // which fixture :id is; :other and $other in body are the fixture "other"
	body string // JSON, or "form", "metadata", "certificates"
	want int
	// verbs is what the administrator's call leaves in the audit log, sorted, with
	// blanks between: "employee.create role.give role.give". "" says that a call
	// that writes leaves something, one entry per verb and object; nothing that it
	// leaves nothing, since nobody's state changes.
	verbs string
}

const nothing = "nothing"

const openIDSettings = `{"redirects": ["https://service.example/callback"], "after_logout": [], "auth": "client_secret", "claims": [], "refresh": false, "version": 0}`

// rights are the rights each of which opens the route.
func (r rule) rights() []access.Right { return append([]access.Right{r.right}, r.also...) }

// opens tells whether a role's rights open the route.
func (r rule) opens(role access.Role) bool {
	return r.right == loggedIn || slices.ContainsFunc(r.rights(), func(one access.Right) bool {
		return slices.Contains(access.Rights(role), one)
	})
}

// writes tells whether the route's method changes something.
func (r rule) writes() bool { return !strings.HasPrefix(r.route, http.MethodGet) }

// rules are the rules of every area; each has its own list beside its tests.
var rules = slices.Concat(
	peopleRules,
	bulkRules,
	inventoryRules,
	onboardingRules,
	enrolmentRules,
	localIdPRules,
	machineRules,
	operatorRules,
	settingsRules,
	auditRules,
	selfRules,
	secureMailRules,
	authorityRules,
	reviewRules,
	entitlementRules,
	roleRules,
	attorneyRules,
	coreRules, // last: it ends the session
)

var coreRules = []rule{
	{route: "GET /api/v1/installation", right: open, want: 200},
	{route: "GET /api/v1/openapi.yaml", right: open, want: 200},
	{route: "POST /api/v1/login/challenges", right: open, body: "{}", want: 201, verbs: nothing},
	{route: "POST /api/v1/login/key-file", right: open, body: "{}", want: 403, verbs: "login.refuse"},
	{route: "POST /api/v1/activation/look-up", right: open, body: "{}", want: 404},
	{route: "POST /api/v1/activation/certificate", right: open, body: "{}", want: 422},
	{route: "GET /api/docs", right: open, want: 200},
	{route: "GET /api/*", right: open, want: 404},
	{route: "GET /saml/idp/metadata", right: open, want: 200},
	{route: "GET /saml/idp/metadata/:id", right: open, id: "service", want: 200, verbs: "saml_key.seen"}, // one is announced
	{route: "GET /saml/idp/sso", right: open, want: 422},
	{route: "POST /saml/idp/sso", right: open, want: 422},
	{route: "GET /saml/continue", right: open, want: 403},
	{route: "GET /saml/cancel", right: open, want: 403},
	{route: "GET /saml/idp/slo", right: open, want: 422},
	{route: "POST /saml/idp/slo", right: open, want: 422},
	{route: "GET /saml/logout", right: open, want: 403},
	{route: "GET /saml/*", right: open, want: 404},
	{route: "GET /.well-known/openid-configuration", right: open, want: 200},
	{route: "GET /openid/jwks", right: open, want: 200},
	{route: "GET /openid/authorize", right: open, want: 403},
	{route: "POST /openid/authorize", right: open, want: 403, verbs: nothing},
	{route: "POST /openid/token", right: open, want: 400, verbs: nothing},
	{route: "GET /openid/userinfo", right: open, want: 401},
	{route: "POST /openid/userinfo", right: open, want: 401, verbs: nothing},
	{route: "POST /openid/revoke", right: open, want: 400, verbs: nothing},
	{route: "POST /openid/introspect", right: open, want: 400, verbs: nothing},
	{route: "GET /openid/end_session", right: open, want: 302},
	{route: "POST /openid/end_session", right: open, want: 302, verbs: nothing},
	{route: "GET /openid/logout", right: open, want: 200},
	{route: "POST /openid/logout", right: open, want: 200, verbs: nothing},
	{route: "GET /openid/*", right: open, want: 404},
	{route: "GET /api/v1/login/flows/:id", right: open, want: 404},
	{route: "GET /healthz", right: open, want: 200},
	{route: "GET /readyz", right: open, want: 200},
	{route: "GET /metrics", right: open, want: 403}, // has a token of its own
	{route: "GET /page/:file", right: open, want: 404},
	{route: "GET /*", right: open, want: 404},

	{route: "GET /api/v1/session", right: loggedIn, want: 200},
	{route: "GET /api/v1/batches", right: access.ManageMigration, want: 200},
	{route: "POST /api/v1/batches", right: access.ManageMigration, body: "form", want: 201, verbs: "batch.create"},
	{route: "GET /api/v1/batches/:id", right: access.ManageMigration, id: "draft", want: 200},
	{route: "POST /api/v1/batches/:id/start", right: access.ManageMigration, id: "draft", body: "{}", want: 200, verbs: "batch.start"},
	{route: "POST /api/v1/batches/:id/pause", right: access.ManageMigration, id: "draft", want: 200, verbs: "batch.pause"},
	{route: "POST /api/v1/batches/:id/resume", right: access.ManageMigration, id: "draft", want: 200, verbs: "batch.resume"},
	{route: "POST /api/v1/batches/:id/cancel", right: access.ManageMigration, id: "draft", want: 200, verbs: "batch.cancel"},
	{route: "POST /api/v1/batches/:id/retry", right: access.ManageMigration, id: "done", want: 409}, // nothing failed
	{route: "GET /api/v1/batches/:id/rows", right: access.ManageMigration, id: "done", want: 200},
	{route: "GET /api/v1/batches/:id/report.csv", right: access.ManageMigration, id: "done", want: 200},
	{route: "GET /api/v1/batches/:id/result.zip", right: access.ManageMigration, id: "done", want: 200, verbs: "result.sign"},
	{route: "GET /api/v1/batches/:id/letters.pdf", right: access.ManageEmployees, id: "done", want: 200, verbs: "installation_code.print"},
	{route: "GET /api/v1/batches/:id/events", right: access.ManageMigration, id: "done", want: 200},
	{route: "GET /api/v1/employees", right: access.ViewEmployees, want: 200},
	{route: "GET /api/v1/employees/:id", right: access.ViewEmployees, id: "employee", want: 200},
	{route: "GET /api/v1/employees/:id/installation-code", right: access.ManageEmployees, id: "employee", want: 200, verbs: "installation_code.show"},
	{route: "POST /api/v1/employees/:id/activation", right: access.ManageEmployees, id: "employee", want: 200, verbs: "activation.reissue"},
	{route: "POST /api/v1/employees/:id/code-card/block", right: access.ManageEmployees, id: "employee", body: "{}", want: 200, verbs: "code_card.block"},
	{route: "POST /api/v1/employees/:id/key-file/block", right: access.ManageEmployees, id: "employee", body: `{"reason":"key_compromise","note":"tabt i toget"}`, want: 200, verbs: "key_file.block"},
	{route: "GET /api/v1/services", right: access.ManageServices, want: 200},
	{route: "POST /api/v1/services", right: access.ManageServices, body: "metadata", want: 409}, // is registered already
	{route: "GET /api/v1/services/:id", right: access.ManageServices, id: "service", want: 200},
	{route: "PUT /api/v1/services/:id", right: access.ManageServices, id: "service", body: "metadata", want: 200, verbs: "service.replace"},
	{route: "POST /api/v1/services/review", right: access.ManageServices, body: `{"metadata": "<a/>"}`, want: 200, verbs: nothing},
	{route: "GET /api/v1/services/:id/review", right: access.ManageServices, id: "service", want: 200},
	{route: "GET /api/v1/services/:id/source", right: access.ManageServices, id: "service", want: 200},
	{route: "PUT /api/v1/services/:id/source", right: access.ManageServices, id: "service", body: `{"url": "", "rule": "by_hand", "pinned": "", "version": 0}`, want: 200, verbs: "service.source"},
	{route: "POST /api/v1/services/:id/source/fetch", right: access.ManageServices, id: "service", want: 409},   // it has no address
	{route: "POST /api/v1/services/:id/source/accept", right: access.ManageServices, id: "service", want: 409},  // nothing waits
	{route: "POST /api/v1/services/:id/source/discard", right: access.ManageServices, id: "service", want: 409}, // nothing waits
	{route: "GET /api/v1/services/:id/policy", right: access.ManageServices, id: "service", want: 200},
	{
		route: "PUT /api/v1/services/:id/policy", right: access.ManageServices, id: "service",
		body: `{"signed_requests": true, "skew_seconds": 60, "sign_response": false, "ecdsa": false, "rights": [], "contacts": [], "own_contacts": false, "version": 0}`,
		want: 200, verbs: "service.policy",
	},
	{route: "GET /api/v1/services/:id/use", right: access.ManageServices, id: "service", want: 200},
	{route: "PUT /api/v1/services/:id/use", right: access.ManageServices, id: "service", body: `{"withheld": [], "groups": [], "version": 0}`, want: 200, verbs: "service.use"},
	{route: "GET /api/v1/services/:id/statistics", right: access.ManageServices, id: "service", want: 200},
	{route: "GET /api/v1/services/:id/attempts", right: access.ManageServices, id: "service", want: 200},
	{route: "GET /api/v1/services/:id/attempts/:attempt/:part", right: access.ManageServices, id: "service", want: 404}, // nobody has logged in
	{route: "POST /api/v1/services/:id/test-login", right: access.ManageServices, id: "service", body: "{}", want: 200, verbs: "service.try"},
	{route: "GET /api/v1/services/:id/conformance", right: access.ManageServices, id: "service", want: 200},
	{
		route: "PUT /api/v1/services/:id/conformance", right: access.ManageServices, id: "service", want: 422, // the metadata names another host
		body: `{"start_url": "https://elsewhere.example/", "page_url": "", "marker": "Log ud", "level": "", "version": 0}`,
	},
	{route: "POST /api/v1/services/:id/conformance/runs", right: access.ManageServices, id: "service", want: 422},     // there is no plan
	{route: "GET /api/v1/services/:id/conformance/runs/:run", right: access.ManageServices, id: "service", want: 404}, // nor a run
	{route: "POST /api/v1/openid-services", right: access.ManageServices, body: `{"name": "Sager", "settings": ` + openIDSettings + `}`, want: 201, verbs: "openid.client service.register"},
	{route: "GET /api/v1/services/:id/openid", right: access.ManageServices, id: "service", want: 200},
	{route: "PUT /api/v1/services/:id/openid", right: access.ManageServices, id: "service", body: openIDSettings, want: 200, verbs: "openid.client"},
	{route: "POST /api/v1/services/:id/openid/secret", right: access.ManageServices, id: "service", want: 200, verbs: "openid.secret"},
	{route: "DELETE /api/v1/services/:id/openid", right: access.ManageServices, id: "service", want: 204, verbs: "openid.unset"},
	{route: "DELETE /api/v1/services/:id", right: access.ManageServices, id: "service", want: 204, verbs: "service.remove"},
	{route: "DELETE /api/v1/session", right: loggedIn, want: 204, verbs: "session.end"},
}

// served lists the routes of the server but for Echo's own entries for addresses
// that are not found.
func served(s *web.Server) []string {
	var all []string
	for _, r := range s.Routes() {
		if r.Method != "echo_route_not_found" {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

func TestEveryRouteHasARule(t *testing.T) {
	t.Parallel()
	ruled := map[string]bool{}
	for _, r := range rules {
		ruled[r.route] = true
	}
	routes := served(newSite(t, testkit.SQLite(t)).server)
	for _, route := range routes {
		if !ruled[route] {
			t.Errorf("%s is served and has no rule here", route)
		}
		delete(ruled, route)
	}
	for route := range ruled {
		t.Errorf("%s has a rule and is not served", route)
	}
}

var parameters = regexp.MustCompile(`\{(\w+)\}`)

func TestEveryOperationIsServedAndDescribed(t *testing.T) {
	t.Parallel()
	described := map[string]bool{"GET /api/v1/openapi.yaml": true}
	for _, d := range operations(t) {
		route := d.method + " /api/v1" + parameters.ReplaceAllString(d.path, ":$1")
		described[route] = true
		for _, r := range rules {
			isOpen := d.operation.Security != nil && len(*d.operation.Security) == 0
			if r.route == route && isOpen != (r.right == open) {
				t.Errorf("%s: openapi.yaml says open = %v, the server %v", r.route, isOpen, r.right == open)
			}
		}
	}
	for _, route := range served(newSite(t, testkit.SQLite(t)).server) {
		if strings.Contains(route, " /api/v1/") && !described[route] {
			t.Errorf("%s is not in openapi.yaml", route)
		}
		delete(described, route)
	}
	for _, route := range slices.Sorted(maps.Keys(described)) {
		t.Errorf("%s is in openapi.yaml and not served", route)
	}
}

// A token has the rights of its one role.
func TestTokensHaveTheRightsOfTheirRole(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	for _, tc := range []struct {
		role  access.Role
		lists map[string]int
	}{
		{access.OrganisationAdministrator, map[string]int{"batches": 403, "employees": 200, "services": 200}},
		{access.UserAdministrator, map[string]int{"batches": 200, "employees": 200, "services": 403}},
		{access.RightsAdministrator, map[string]int{"batches": 403, "employees": 200, "services": 403}},
	} {
		client := s.client(t)
		var err error
		if client.Token, err = s.Session.CreateAPIToken(t.Context(), access.Command(s.company.ID), tc.role); err != nil {
			t.Fatal(err)
		}
		for list, want := range tc.lists {
			if a := client.Do(t, http.MethodGet, "/api/v1/"+list, nil); a.Status != want {
				t.Errorf("GET /%s by a token of %s = %d, want %d", list, tc.role, a.Status, want)
			}
		}
		var who web.Session
		client.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &who)
		if who.Organisation.CVR != cvr || who.EmployeeID != nil || len(who.Roles) != 1 || string(who.Roles[0]) != string(tc.role) {
			t.Errorf("GET /session by a token of %s = %+v", tc.role, who)
		}
	}
	client := s.client(t)
	client.Token = "adgang_" + strings.Repeat("a", 43)
	refused(t, "an unknown token", client.Do(t, http.MethodGet, "/api/v1/session", nil), http.StatusUnauthorized, "session.none")
}
