package web_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/testkit"
)

// success is a call that takes effect, of a route whose rule is refused or changes
// nothing: prepare makes all that it needs, and the call that it returns counts.
type success struct {
	route   string
	want    int
	verbs   string // as in rule
	prepare func(t *testing.T, r *rulings) act
}

// act is one call of a success's route.
type act struct {
	by     *testkit.Client
	path   string // with its parameters filled in; "" = as the route has it
	body   any
	header []string
}

var successes = slices.Concat(openSuccesses, personSuccesses, onboardingSuccesses, operatorSuccesses, ownLoginSuccesses, samlSuccesses, openIDSuccesses, sourceSuccesses, lateSuccesses)

// unchanging are routes that write nothing that somebody decided, whatever their
// method says; TestSuccesses and TestRules see that.
var unchanging = map[string]string{
	"POST /api/v1/services/review":              "reads metadata before it is registered",
	"POST /api/v1/mail-templates/preview":       "shows a mail",
	"POST /api/v1/login/homes":                  "looks up where somebody logs in",
	"POST /api/v1/login/challenges":             "asks to be answered, and is forgotten",
	"POST /api/v1/operator/login/options":       "asks to be answered, and is forgotten",
	"POST /api/v1/operator/setup/options":       "asks to be answered, and is forgotten",
	"POST /api/v1/activation/look-up":           "shows what a link is for",
	"POST /api/v1/activation/proof":             "leads to MitID; the answer is what is logged",
	"POST /api/v1/certificate-order/look-up":    "shows what a link is for",
	"POST /api/v1/saml-keys/look-up":            "shows what a link is for",
	"POST /api/v1/identity-providers/:id/tests": "leads to a login; its answer changes nothing",
	"POST /ca/ocsp":                             "asks about a certificate",
	"GET /saml/idp/sso":                         "takes a request; the answer to it is what is logged",
	"POST /saml/idp/sso":                        "takes a request; the answer to it is what is logged",
	"GET /saml/sp/login":                        "leads to an identity provider; its answer is what is logged",
	"GET /saml/sp/metadata":                     "shows the metadata",
	"GET /saml/idp/metadata":                    "shows the metadata",
	"GET /saml/*":                               "is no address",
	"GET /openid/authorize":                     "takes a request; the answer to it is what is logged",
	"POST /openid/authorize":                    "takes a request; the answer to it is what is logged",
	"POST /openid/token":                        "spends a code or token of a login that is logged, and answers with the next",
	"GET /openid/userinfo":                      "shows a person",
	"POST /openid/userinfo":                     "shows a person",
	"POST /openid/introspect":                   "shows a token",
	"GET /openid/jwks":                          "shows the keys",
	"GET /openid/logout":                        "asks the person",
	"GET /openid/*":                             "is no address",
	"POST /.well-known/est/simpleenroll":        "is served over TLS only: TestESTWithCurlAndOpenSSL counts its entries",
	"POST /.well-known/est/simplereenroll":      "is served over TLS only: TestESTWithCurlAndOpenSSL counts its entries",
}

// changes tells whether a call of the route may change something: all methods but
// GET, and the addresses under /saml and /openid that browsers are sent to.
func changes(route string) bool {
	return !strings.HasPrefix(route, "GET ") || strings.HasPrefix(route, "GET /saml/") || strings.HasPrefix(route, "GET /openid/")
}

// Each route that changes something is called with success by a rule or a success,
// so that its entries in the audit log are counted.
func TestEveryChangeIsSeenToSucceed(t *testing.T) {
	t.Parallel()
	done, known := map[string]bool{}, map[string]bool{}
	for _, one := range rules {
		known[one.route] = true
		if one.want < 400 && one.verbs != nothing {
			done[one.route] = true
		}
	}
	for _, one := range successes {
		if !known[one.route] {
			t.Errorf("%s has a success and no rule", one.route)
		}
		if one.want >= 400 {
			t.Errorf("%s = %d is no success", one.route, one.want)
		}
		if _, ok := unchanging[one.route]; ok != (one.verbs == nothing) {
			t.Errorf("%s is said to change nothing in one place and something in another", one.route)
		}
		done[one.route] = true
	}
	for _, route := range served(newSite(t, testkit.SQLite(t)).server) {
		if _, ok := unchanging[route]; changes(route) && !done[route] && !ok {
			t.Errorf("%s changes something, and nothing calls it with success: add it to successes", route)
		}
	}
}

// A call that takes effect leaves exactly one entry for each thing that it changed.
func TestSuccesses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := newRulings(t, db)
		seen := map[string]bool{}
		for _, one := range successes {
			method, path, _ := strings.Cut(one.route, " ")
			t.Run(one.route, func(t *testing.T) {
				a := one.prepare(t, r)
				if a.path == "" {
					a.path = path
				}
				if plain, _, _ := strings.Cut(a.path, "?"); !regexp.MustCompile("^" + placeholder.ReplaceAllString(path, "[^/]+") + "$").MatchString(plain) {
					t.Fatalf("%s is no address of %s", a.path, one.route)
				}
				r.logged(t, seen)
				before := state(t, db)
				got := a.by.Do(t, method, a.path, a.body, a.header...)
				if got.Status != one.want {
					t.Fatalf("%s = %d %s, want %d", one.route, got.Status, got.Body, one.want)
				}
				verbs, entries := r.logged(t, seen)
				checkEntries(t, rule{route: one.route, verbs: one.verbs}, got.Status, verbs, entries, maps.EqualFunc(before, state(t, db), slices.Equal))
			})
		}
	})
}

// jsonBody is what a call sends as text.
func jsonBody(text string) (*strings.Reader, []string) {
	return strings.NewReader(text), []string{"Content-Type", "application/json"}
}

const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
