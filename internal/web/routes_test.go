package web_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/federation/mellon"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const (
	open     access.Right = "open"      // no login
	loggedIn access.Right = "logged in" // whoever is
)

// rule is what one route asks for. The administrator, who holds every role, gets
// want, in the order of the table; all others get nothing.
type rule struct {
	route string
	right access.Right
	id    string // what :id is one of
	body  string
	want  int
}

// rules are the rules of every area; each has its own list beside its tests.
var rules = slices.Concat(
	settingsRules,
	coreRules, // last: it ends the session
)

var coreRules = []rule{
	{route: "GET /api/v1/installation", right: open, want: 200},
	{route: "GET /api/v1/openapi.yaml", right: open, want: 200},
	{route: "POST /api/v1/login/challenges", right: open, body: "{}", want: 201},
	{route: "POST /api/v1/login/key-file", right: open, body: "{}", want: 403},
	{route: "POST /api/v1/activation/look-up", right: open, body: "{}", want: 404},
	{route: "POST /api/v1/activation/certificate", right: open, body: "{}", want: 422},
	{route: "GET /api/docs", right: open, want: 200},
	{route: "GET /api/*", right: open, want: 404},
	{route: "GET /saml/idp/metadata", right: open, want: 200},
	{route: "GET /saml/idp/sso", right: open, want: 422},
	{route: "POST /saml/idp/sso", right: open, want: 422},
	{route: "GET /saml/continue", right: open, want: 403},
	{route: "GET /saml/*", right: open, want: 404},
	{route: "GET /ca/root.cer", right: open, want: 200},
	{route: "GET /ca/issuing.cer", right: open, want: 200},
	{route: "GET /ca/issuing.crl", right: open, want: 200},
	{route: "GET /healthz", right: open, want: 200},
	{route: "GET /readyz", right: open, want: 200},
	{route: "GET /metrics", right: open, want: 403}, // has a token of its own
	{route: "GET /page/:file", right: open, want: 404},
	{route: "GET /*", right: open, want: 404},

	{route: "GET /api/v1/session", right: loggedIn, want: 200},
	{route: "GET /api/v1/batches", right: access.ManageMigration, want: 200},
	{route: "POST /api/v1/batches", right: access.ManageMigration, body: "form", want: 201},
	{route: "GET /api/v1/batches/:id", right: access.ManageMigration, id: "draft", want: 200},
	{route: "POST /api/v1/batches/:id/start", right: access.ManageMigration, id: "draft", body: "{}", want: 200},
	{route: "POST /api/v1/batches/:id/pause", right: access.ManageMigration, id: "draft", want: 200},
	{route: "POST /api/v1/batches/:id/resume", right: access.ManageMigration, id: "draft", want: 200},
	{route: "POST /api/v1/batches/:id/cancel", right: access.ManageMigration, id: "draft", want: 200},
	{route: "GET /api/v1/batches/:id/rows", right: access.ManageMigration, id: "done", want: 200},
	{route: "GET /api/v1/batches/:id/report.csv", right: access.ManageMigration, id: "done", want: 200},
	{route: "GET /api/v1/batches/:id/letters.pdf", right: access.ManageEmployees, id: "done", want: 200},
	{route: "GET /api/v1/batches/:id/events", right: access.ManageMigration, id: "done", want: 200},
	{route: "GET /api/v1/employees", right: access.ViewEmployees, want: 200},
	{route: "GET /api/v1/employees/:id", right: access.ViewEmployees, id: "employee", want: 200},
	{route: "GET /api/v1/employees/:id/installation-code", right: access.ManageEmployees, id: "employee", want: 200},
	{route: "POST /api/v1/employees/:id/activation", right: access.ManageEmployees, id: "employee", want: 200},
	{route: "POST /api/v1/employees/:id/code-card/block", right: access.ManageEmployees, id: "employee", body: "{}", want: 200},
	{route: "POST /api/v1/employees/:id/key-file/block", right: access.ManageEmployees, id: "employee", body: "{}", want: 200},
	{route: "GET /api/v1/services", right: access.ManageServices, want: 200},
	{route: "POST /api/v1/services", right: access.ManageServices, body: "metadata", want: 409}, // is registered already
	{route: "GET /api/v1/services/:id", right: access.ManageServices, id: "service", want: 200},
	{route: "PUT /api/v1/services/:id", right: access.ManageServices, id: "service", body: "metadata", want: 200},
	{route: "DELETE /api/v1/services/:id", right: access.ManageServices, id: "service", want: 204},
	{route: "DELETE /api/v1/session", right: loggedIn, want: 204},
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

func TestEveryOperationIsServedAndDescribed(t *testing.T) {
	t.Parallel()
	described := map[string]bool{"GET /api/v1/openapi.yaml": true}
	for _, d := range operations(t) {
		described[d.method+" /api/v1"+strings.ReplaceAll(d.path, "{id}", ":id")] = true
		for _, r := range rules {
			isOpen := d.operation.Security != nil && len(*d.operation.Security) == 0
			if r.route == d.method+" /api/v1"+strings.ReplaceAll(d.path, "{id}", ":id") && isOpen != (r.right == open) {
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

// rulings calls routes with the IDs of one company.
type rulings struct {
	*site
	ids      map[string]string
	metadata []byte
}

func newRulings(t *testing.T, db *bun.DB) (*rulings, *testkit.Client) {
	t.Helper()
	r := &rulings{site: newSite(t, db), metadata: mellon.New(t).Metadata, ids: map[string]string{}}
	r.Federate(t)
	r.server.EndStreams() // each stream ends at once
	admin := r.admin(t, r.company)
	done := draft(t, admin, export(1))
	admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/batches/"+*done.ID+"/start", nil, nil)
	r.Drain(t)
	var rows web.RowList
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/batches/"+*done.ID+"/rows", nil, &rows)
	var service web.Service
	a := admin.Do(t, http.MethodPost, "/api/v1/services", bytes.NewReader(r.metadata), "Content-Type", "application/samlmetadata+xml")
	a.JSON(t, &service)
	r.ids["done"], r.ids["draft"] = *done.ID, *draft(t, admin, export(2)).ID
	r.ids["employee"], r.ids["service"] = *rows.Items[0].EmployeeID, service.ID
	return r, admin
}

func (r *rulings) call(t *testing.T, c *testkit.Client, one rule) testkit.Answer {
	t.Helper()
	method, path, _ := strings.Cut(one.route, " ")
	path = strings.NewReplacer(":id", r.ids[one.id], ":file", "no.css", "*", "no.css").Replace(path)
	var body io.Reader
	kind := "application/json"
	switch one.body {
	case "form":
		body, kind = form(t, [2]string{"file e.csv", export(1)})
	case "metadata":
		body, kind = bytes.NewReader(r.metadata), "application/xml"
	default:
		body = strings.NewReader(one.body)
	}
	return c.Do(t, method, path, body, "Content-Type", kind)
}

func TestRules(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r, admin := newRulings(t, db)
		stranger := r.admin(t, r.Company(t, otherCVR))
		nobody, plain := r.client(t), r.employee(t)
		before := testkit.Contents(t, db)
		for _, one := range rules {
			if one.right == open {
				continue
			}
			refused(t, one.route+" without login", r.call(t, nobody, one), http.StatusUnauthorized, "session.none")
			if one.right != loggedIn {
				refused(t, one.route+" without the right", r.call(t, plain, one), http.StatusForbidden, "access.right.missing")
			}
			if one.id != "" {
				if a := r.call(t, stranger, one); a.Status != http.StatusNotFound || a.Code() == "http.not_found" {
					t.Errorf("%s of another organisation = %d %s, want 404", one.route, a.Status, a.Body)
				}
			}
		}
		if after := testkit.Contents(t, db); !maps.EqualFunc(before, after, slices.Equal) {
			t.Errorf("what was refused changed the database")
		}
		for _, one := range rules {
			client := admin
			if one.right == open {
				client = nobody
			}
			if a := r.call(t, client, one); a.Status != one.want {
				t.Errorf("%s = %d %s, want %d", one.route, a.Status, a.Body, one.want)
			}
		}
	})
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
