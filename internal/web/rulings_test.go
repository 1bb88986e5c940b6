package web_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// fixtures make what the rules name, in one company: an area adds its IDs.
var fixtures = []func(t *testing.T, r *rulings, c *tenant){
	coreFixtures,
	selfFixtures,
	secureMailFixtures,
	peopleFixtures,
	entitlementFixtures,
	reviewFixtures,
	bulkFixtures,
	inventoryFixtures,
	roleFixtures,
	onboardingFixtures,
	attorneyFixtures,
	enrolmentFixtures,
	localIdPFixtures,
}

// tenant is a company with what the rules name, and its administrator.
type tenant struct {
	testkit.Company
	admin    *testkit.Client // holds every role
	ids      map[string]string
	metadata []byte
}

// rulings calls routes with the IDs of one company, or of another.
type rulings struct {
	*site
	own, other *tenant
	operator   *testkit.Client // nil until an area's fixtures log one in
}

func newRulings(t *testing.T, db *bun.DB) *rulings {
	t.Helper()
	r := &rulings{site: newSite(t, db)}
	r.Federate(t)
	r.server.EndStreams() // each stream ends at once
	r.own, r.other = r.tenant(t, r.company), r.tenant(t, r.Company(t, otherCVR))
	return r
}

func (r *rulings) tenant(t *testing.T, company testkit.Company) *tenant {
	t.Helper()
	c := &tenant{Company: company, ids: map[string]string{}}
	var roles []org.RoleAssignment
	for _, role := range access.Roles {
		roles = append(roles, org.RoleAssignment{OrgID: c.ID, EmployeeID: c.Admin.ID, Role: role, CreatedAt: time.Unix(1, 0)})
	}
	if _, err := r.DB.NewInsert().Model(&roles).On("CONFLICT DO NOTHING").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.admin = r.admin(t, company)
	for _, make := range fixtures {
		make(t, r, c)
	}
	return c
}

func coreFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	c.metadata = mellon.New(t).Metadata
	if r.own != nil { // a service is registered once in the installation
		c.metadata = bytes.ReplaceAll(c.metadata, []byte("https://"), []byte("https://other."))
	}
	done := draft(t, c.admin, export(1))
	c.admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/batches/"+*done.ID+"/start", nil, nil)
	r.Drain(t)
	var rows web.RowList
	c.admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/batches/"+*done.ID+"/rows", nil, &rows)
	var service web.Service
	a := c.admin.Do(t, http.MethodPost, "/api/v1/services", bytes.NewReader(c.metadata), "Content-Type", "application/samlmetadata+xml")
	a.JSON(t, &service)
	if _, err := r.Audit.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Audit.PublicKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ids["done"], c.ids["draft"] = *done.ID, *draft(t, c.admin, export(2)).ID
	c.ids["leaver"] = string(r.Employee(t, c.Organisation, "LEAVER", "Leo Lund").ID)
	c.ids["employee"], c.ids["service"] = *rows.Items[0].EmployeeID, service.ID
}

var placeholder = regexp.MustCompile(`[:$][a-z_]+`)

// call calls a route: :id is of ids, everything else that the rule names of rest.
func (r *rulings) call(t *testing.T, c *testkit.Client, one rule, ids, rest *tenant) testkit.Answer {
	t.Helper()
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(name string) string {
			if name == ":id" {
				return ids.ids[one.id]
			}
			if id, ok := rest.ids[name[1:]]; ok {
				return id
			}
			return name
		})
	}
	method, path, _ := strings.Cut(one.route, " ")
	path = fill(strings.NewReplacer(":file", "no.css", "*", "no.css").Replace(path))
	var body io.Reader
	kind := "application/json"
	switch one.body {
	case "certificates":
		body, kind = form(t, [2]string{"file c.csv", "navn;gyldig til\nFra siden;2027-05-01\n"})
	case "form":
		body, kind = form(t, [2]string{"file e.csv", export(1)})
	case "bulk":
		body, kind = form(t, [2]string{"options", `{"mode": "upsert"}`}, [2]string{"file e.csv", bulkFile})
	case "metadata":
		body, kind = bytes.NewReader(ids.metadata), "application/xml"
	default:
		body = strings.NewReader(fill(one.body))
	}
	return c.Do(t, method, path, body, "Content-Type", kind)
}

// inRole is an API token of a company with one role.
func (r *rulings) inRole(t *testing.T, c *tenant, role access.Role) *testkit.Client {
	t.Helper()
	client := r.client(t)
	var err error
	if client.Token, err = r.Session.CreateAPIToken(t.Context(), access.Command(c.ID), role); err != nil {
		t.Fatal(err)
	}
	return client
}

// Whoever lacks the right gets 403, whoever belongs to another organisation 404,
// in every role, and nothing changes: neither a row nor the audit log.
func TestNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := newRulings(t, db)
		nobody, plain := r.client(t), r.employee(t)
		insiders, outsiders := map[access.Role]*testkit.Client{}, map[access.Role]*testkit.Client{}
		for _, role := range access.Roles {
			insiders[role], outsiders[role] = r.inRole(t, r.own, role), r.inRole(t, r.other, role)
		}
		before := testkit.Contents(t, db)
		for _, one := range rules {
			if one.right == open {
				continue
			}
			refused(t, one.route+" without login", r.call(t, nobody, one, r.own, r.own), http.StatusUnauthorized, loginOf(one))
			if one.right == operator {
				if a := r.call(t, r.own.admin, one, r.own, r.own); a.Status != http.StatusUnauthorized {
					t.Errorf("%s by a tenant = %d %s, want 401", one.route, a.Status, a.Body)
				}
				continue
			}
			if one.right != loggedIn {
				refused(t, one.route+" without the right", r.call(t, plain, one, r.own, r.own), http.StatusForbidden, "access.right.missing")
			}
			for _, role := range access.Roles {
				if !one.opens(role) {
					refused(t, one.route+" by a "+string(role), r.call(t, insiders[role], one, r.own, r.own), http.StatusForbidden, "access.right.missing")
				}
			}
			r.fromOutside(t, one, outsiders)
			r.inBody(t, one)
		}
		if after := testkit.Contents(t, db); !maps.EqualFunc(before, after, slices.Equal) {
			for table := range after {
				if !slices.Equal(before[table], after[table]) {
					t.Errorf("what was refused changed the table %s", table)
				}
			}
		}
	})
}

func loginOf(one rule) string {
	if one.right == operator {
		return "operator.session.none"
	}
	return "session.none"
}

// fromOutside calls a route that names a fixture with another organisation's.
func (r *rulings) fromOutside(t *testing.T, one rule, outsiders map[access.Role]*testkit.Client) {
	t.Helper()
	if one.id == "" {
		return
	}
	absent := func(what string, a testkit.Answer) {
		if a.Status != http.StatusNotFound || a.Code() == "http.not_found" {
			t.Errorf("%s of another organisation %s = %d %s, want 404", one.route, what, a.Status, a.Body)
		}
	}
	absent("by its administrator", r.call(t, r.other.admin, one, r.own, r.own))
	absent("with the rest of one's own", r.call(t, r.other.admin, one, r.own, r.other))
	for role, outsider := range outsiders {
		a := r.call(t, outsider, one, r.own, r.own)
		if one.opens(role) && one.right != loggedIn {
			absent("by a "+string(role), a)
		} else if one.right != loggedIn {
			refused(t, one.route+" of another organisation by a "+string(role), a, http.StatusForbidden, "access.right.missing")
		}
	}
	if !slices.Contains(placeholder.FindAllString(one.route+one.body, -1), ":id") || len(r.named(one)) < 2 {
		return
	}
	// One's own object, with another organisation's beside it.
	if a := r.call(t, r.other.admin, one, r.other, r.own); a.Status < 400 || a.Status >= 500 {
		t.Errorf("%s with what another organisation owns beside it = %d %s, want a refusal", one.route, a.Status, a.Body)
	}
}

// shared are fixtures that organisations name to each other on purpose: a partner's
// CVR number and what its rights are called.
var shared = []string{"$partner", "$passable", "$decided", "$version"}

// inBody calls a route that names fixtures in its body alone with another
// organisation's: an absent ID, whatever else is right with the call.
func (r *rulings) inBody(t *testing.T, one rule) {
	t.Helper()
	names := slices.DeleteFunc(r.named(one), func(name string) bool { return slices.Contains(shared, name) || name == ":id" })
	if one.id != "" || len(names) == 0 || one.right == operator || one.right == open {
		return
	}
	if a := r.call(t, r.other.admin, one, r.other, r.own); a.Status != http.StatusNotFound && a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusForbidden {
		t.Errorf("%s with another organisation's %q in its body = %d %s, want it to be absent", one.route, names, a.Status, a.Body)
	}
}

// named are the fixtures that a rule names, :id among them.
func (r *rulings) named(one rule) (names []string) {
	for _, name := range placeholder.FindAllString(one.route+" "+one.body, -1) {
		if _, ok := r.own.ids[name[1:]]; ok || name == ":id" {
			names = append(names, name)
		}
	}
	return names
}

// The role table is what the routes do: a role that carries a route's right gets
// past the door, whatever is answered behind it.
func TestEveryRoleDoesWhatTheTableSays(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := newRulings(t, db)
		for _, role := range access.Roles {
			client, tried := r.inRole(t, r.own, role), 0
			for _, one := range rules {
				if one.right == open || one.right == loggedIn || one.right == operator || !one.opens(role) {
					continue
				}
				tried++
				if a := r.call(t, client, one, r.own, r.own); a.Code() == "access.right.missing" || a.Status == http.StatusUnauthorized {
					t.Errorf("%s by a %s = %d %s, and the table gives it the right", one.route, role, a.Status, a.Body)
				}
			}
			if tried == 0 && role != access.TrustedEmployee {
				t.Errorf("no route is open to a %s", role)
			}
		}
	})
}

// logged reads the audit entries that are new since the last call, as "verb object".
func (r *rulings) logged(t *testing.T, seen map[string]bool) (verbs, entries []string) {
	t.Helper()
	var all []audit.Entry
	if err := r.DB.NewSelect().Model(&all).Order("verb", "object").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if !seen[e.ID] {
			seen[e.ID] = true
			verbs, entries = append(verbs, e.Verb), append(entries, e.Verb+" "+e.Object)
		}
	}
	return verbs, entries
}

// Each call that the administrator may make is answered as its rule says, and
// leaves exactly one entry for each thing that it changed.
func TestRules(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := newRulings(t, db)
		nobody, seen := r.client(t), map[string]bool{}
		r.logged(t, seen)
		for _, one := range rules {
			client := map[access.Right]*testkit.Client{open: nobody, operator: r.operator}[one.right]
			if client == nil {
				client = r.own.admin
			}
			before := state(t, db)
			a := r.call(t, client, one, r.own, r.own)
			if a.Status != one.want {
				t.Errorf("%s = %d %s, want %d", one.route, a.Status, a.Body, one.want)
			}
			verbs, entries := r.logged(t, seen)
			checkEntries(t, one, a.Status, verbs, entries, maps.EqualFunc(before, state(t, db), slices.Equal))
		}
	})
}

func checkEntries(t *testing.T, one rule, status int, verbs, entries []string, same bool) {
	t.Helper()
	switch {
	case one.verbs != "" && one.verbs != nothing:
		if got := strings.Join(verbs, " "); got != one.verbs {
			t.Errorf("%s leaves the entries %q, want %q", one.route, got, one.verbs)
		}
	case len(entries) > 0 && (one.verbs == nothing || status >= 400 && one.right != open || !one.writes()):
		t.Errorf("%s = %d leaves the entries %q, want none", one.route, status, entries)
	case len(entries) == 0 && one.verbs == "" && one.writes() && status < 400:
		t.Errorf("%s = %d leaves no entry in the audit log", one.route, status)
	case len(entries) == 0 && !same:
		t.Errorf("%s = %d changes the database and leaves no entry", one.route, status)
	}
	slices.Sort(entries)
	if len(slices.Compact(slices.Clone(entries))) != len(entries) {
		t.Errorf("%s leaves an entry twice: %q", one.route, entries)
	}
}

// passing are tables whose rows follow from others (work, mails, revocation lists),
// logins and requests that nobody has finished, and the messages, codes and tokens of
// logins.
var passing = []string{"audit_entry", "work", "message", "revocation_list", "login_challenge", "saml_request", "service_message", "local_idp_request", "session", "operator_session", "operator_ceremony", "openid_grant", "openid_token"}

// state is everything in the database that somebody decided.
func state(t *testing.T, db *bun.DB) map[string][]string {
	t.Helper()
	all := testkit.Contents(t, db)
	for _, table := range passing {
		delete(all, table)
	}
	return all
}

// Logging in and out, by key file and to a service, leaves one entry each.
func TestLoginsLeaveOneEntry(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := &rulings{site: newSite(t, db)}
		client, seen := r.client(t), map[string]bool{}
		key := client.Activate(t, r.company.Invitation.Token, r.company.Invitation.Code)
		r.logged(t, seen)
		expect := func(what, want string) {
			t.Helper()
			if verbs, _ := r.logged(t, seen); strings.Join(verbs, " ") != want {
				t.Errorf("%s leaves %q, want %q", what, verbs, want)
			}
		}
		client.LogIn(t, key, "")
		expect("a login", "session.start")
		client.Must(t, http.StatusNoContent, http.MethodDelete, "/api/v1/session", nil, nil)
		expect("a logout", "session.end")
		refused(t, "a logout again", client.Do(t, http.MethodDelete, "/api/v1/session", nil), http.StatusUnauthorized, "session.none")
		expect("a logout without a session", "")
		if _, err := r.Session.CreateAPIToken(t.Context(), access.Command(r.company.ID), access.UserAdministrator); err != nil {
			t.Fatal(err)
		}
		expect("a new token", "api_token.create")
	})
}
