package main_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// connect registers an identity provider as the first organisation's own login,
// lets it make employees, and switches it on.
func (c *country) connect(t *testing.T, metadata []byte, change func(*web.IdentityProviderTerms)) (id string) {
	t.Helper()
	admin := c.Token(t, "organisation-administrator")
	var now web.Settings
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/settings", nil, &now)
	admin.Must(t, http.StatusOK, http.MethodPatch, "/api/v1/settings", map[string]any{"version": now.Version, "authenticators": []string{"key_file", "local_idp"}}, nil)
	text := string(metadata)
	var idp web.IdentityProvider
	admin.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/identity-providers", web.IdentityProviderNew{Metadata: &text}, &idp)
	terms := web.IdentityProviderTerms{Name: "Nordvinds login", JoinBy: "local_user_id", Level: "Substantial", Creates: true, Skew: 300, Version: idp.Version}
	if change != nil {
		change(&terms)
	}
	admin.Must(t, http.StatusOK, http.MethodPut, "/api/v1/identity-providers/"+idp.ID, terms, nil)
	admin.Must(t, http.StatusNoContent, http.MethodPost, "/api/v1/identity-providers/"+idp.ID+"/state", map[string]string{"state": "active"}, nil)
	return idp.ID
}

// estate is a country whose first organisation logs in at SimpleSAMLphp.
type estate struct {
	*country
	idp *simplesamlphp.Peer
	id  string
}

func newEstate(t *testing.T, o simplesamlphp.Options) *estate {
	t.Helper()
	o.Person = append(o.Person,
		"'"+oiosaml.AttrCVR+"' => ['"+testkit.CVR+"'],", "'"+oiosaml.AttrFullName+"' => ['Bo Berg'],",
		"'"+oiosaml.AttrEmail+"' => ['bo@nordvind.example'],", "'"+oiosaml.AttrLoA+"' => ['Substantial'],")
	e := &estate{country: newCountry(t), idp: simplesamlphp.New(t, o)}
	e.idp.Trust(t, "", e.Client(t).Must(t, http.StatusOK, http.MethodGet, "/saml/sp/metadata", nil, nil).Body)
	e.id = e.connect(t, e.idp.IdP, func(terms *web.IdentityProviderTerms) { terms.Cbc = true })
	return e
}

// enter goes to the service, on to the own login and back.
func (e *estate) enter(t *testing.T, browser *testkit.Client) {
	t.Helper()
	page := enterBy(t, e.country, browser, e.id)
	if page.Status != http.StatusOK || mellon.Attributes(string(page.Body))["NAME_ID"] == "" {
		t.Fatalf("login ended with %d: %s\n%s\n%s", page.Status, page.Body, e.idp.Log(t), e.sp.Log(t))
	}
	if in := e.in(t, browser); in != "service Adgang idp" {
		t.Fatalf("logged in at %q\n%s", in, e.idp.Log(t))
	}
}

func enterBy(t *testing.T, c *country, browser *testkit.Client, id string) testkit.Answer {
	t.Helper()
	address, _ := follow(t, browser, c.sp.URL+"/private/?a=b")
	login, err := url.Parse(address)
	if err != nil || login.Query().Get("flow") == "" {
		t.Fatalf("the service leads to %s", address)
	}
	_, page := ride(t, browser, c.BaseURL+"/saml/sp/login?idp="+id+"&flow="+url.QueryEscape(login.Query().Get("flow")))
	return page
}

// in tells where the browser is logged in.
func (e *estate) in(t *testing.T, browser *testkit.Client) string {
	t.Helper()
	var in []string
	if strings.Contains(string(browser.Do(t, http.MethodGet, e.sp.URL+"/private/", nil).Body), "MELLON_NAME_ID") {
		in = append(in, "service")
	}
	if browser.Do(t, http.MethodGet, "/api/v1/session", nil).Status == http.StatusOK {
		in = append(in, "Adgang")
	}
	if string(browser.Do(t, http.MethodGet, e.idp.URL+"/idpstate.php", nil).Body) == "in" {
		in = append(in, "idp")
	}
	return strings.Join(in, " ")
}

// One who logs in at the organisation's own login is logged out of it, of Adgang
// and of the services, wherever the logout begins.
func TestLogoutWithOwnLogin(t *testing.T) {
	t.Parallel()
	for _, binding := range []string{"HTTP-Redirect", "HTTP-POST"} {
		t.Run(binding, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t, simplesamlphp.Options{IdP: []string{
				"'SingleLogoutServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:" + binding + "'],", "'nameid.encryption' => " + map[bool]string{true: "true", false: "false"}[binding == "HTTP-POST"] + ",",
			}})
			for _, tc := range []struct{ name, want string }{
				{"at the own login", "idpstate.php"},
				{"here", "Du er logget ud"},
				{"at the service", e.sp.URL + "/bye"},
			} {
				browser := e.Client(t)
				e.enter(t, browser)
				var start string
				switch tc.name {
				case "at the own login":
					start = e.idp.URL + "/simplesaml/saml2/idp/SingleLogoutService.php?ReturnTo=" + url.QueryEscape(e.idp.URL+"/idpstate.php")
				case "here":
					var who web.Session
					browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &who)
					browser.CSRF = who.CsrfToken
					var begun web.LogoutBegun
					browser.Must(t, http.StatusOK, http.MethodDelete, "/api/v1/session", nil, &begun)
					browser.CSRF = ""
					start = e.BaseURL + begun.Continue
				case "at the service":
					start = e.sp.URL + "/mellon/logout?ReturnTo=" + url.QueryEscape(e.sp.URL+"/bye")
				}
				last, a := ride(t, browser, start)
				if !strings.Contains(last+string(a.Body), tc.want) {
					t.Errorf("%s: logout ended at %s with %d %s\n%s\n%s", tc.name, last, a.Status, a.Body, e.idp.Log(t), e.sp.Log(t))
				}
				if in := e.in(t, browser); in != "" {
					t.Errorf("%s: still logged in at %q\n%s", tc.name, in, e.idp.Log(t))
				}
			}
			if n := e.recorded(t, "logout.end", "complete"); n != 3 {
				t.Errorf("%d complete logouts are on record, want 3", n)
			}
			if n := e.recorded(t, "logout.service", "idp "+e.id+", done"); n != 2 {
				t.Errorf("the own login was asked %d times, want 2", n)
			}
		})
	}
}
