package main_test

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// second is a country with another service beside the first: SimpleSAMLphp.
type second struct {
	*country
	php *simplesamlphp.Peer
}

func withSecond(t *testing.T, o simplesamlphp.Options) *second {
	t.Helper()
	return secondOf(t, newCountry(t), o)
}

func secondOf(t *testing.T, first *country, o simplesamlphp.Options) *second {
	t.Helper()
	c := &second{country: first, php: simplesamlphp.New(t, o)}
	a := c.Token(t, "organisation-administrator").Do(t, http.MethodPost, "/api/v1/services",
		bytes.NewReader(c.php.SP), "Content-Type", "application/samlmetadata+xml")
	if a.Status != http.StatusCreated {
		t.Fatalf("POST /services = %d %s", a.Status, a.Body)
	}
	c.php.Trust(t, c.BaseURL+"/saml/idp/metadata", c.Client(t).Must(t, http.StatusOK, http.MethodGet, "/saml/idp/metadata", nil, nil).Body)
	return c
}

// enter logs in to both services; the second time nobody is asked any more.
func (c *second) enter(t *testing.T, browser *testkit.Client) {
	t.Helper()
	page := c.post(t, browser, c.logIn(t, browser, c.own))
	if page.Status != http.StatusOK || mellon.Attributes(string(page.Body))["NAME_ID"] == "" {
		t.Fatalf("login at mellon ended with %d: %s\n%s", page.Status, page.Body, c.sp.Log(t))
	}
	_, page = ride(t, browser, c.php.URL+"/private.php")
	var got struct{ Name string }
	if err := json.Unmarshal(page.Body, &got); err != nil || !strings.HasPrefix(got.Name, "https://data.gov.dk/model/core/eid/professional/uuid/") {
		t.Fatalf("login at SimpleSAMLphp ended with %d: %s\n%s", page.Status, page.Body, c.php.Log(t))
	}
}

// in tells which services still know the browser: "mellon", "php", both or none.
func (c *second) in(t *testing.T, browser *testkit.Client) string {
	t.Helper()
	var in []string
	if strings.Contains(string(browser.Do(t, http.MethodGet, c.sp.URL+"/private/", nil).Body), "MELLON_NAME_ID") {
		in = append(in, "mellon")
	}
	if string(browser.Do(t, http.MethodGet, c.php.URL+"/state.php", nil).Body) == "in" {
		in = append(in, "php")
	}
	return strings.Join(in, " ")
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	anyHidden  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	refresh    = regexp.MustCompile(`http-equiv="refresh" content="0; url=([^"]*)"`)
)

// ride goes where a browser is taken: along redirects, pages that go on at once
// and forms that post themselves. It returns the last address and its answer.
func ride(t *testing.T, browser *testkit.Client, address string) (last string, a testkit.Answer) {
	t.Helper()
	body := ""
	for range 20 {
		if body == "" {
			a = browser.Do(t, http.MethodGet, address, nil)
		} else {
			a = browser.Do(t, http.MethodPost, address, strings.NewReader(body), "Content-Type", "application/x-www-form-urlencoded")
		}
		next := a.Header.Get("Location")
		body = ""
		if found := refresh.FindSubmatch(a.Body); found != nil {
			next = html.UnescapeString(string(found[1]))
		}
		if found := formAction.FindSubmatch(a.Body); found != nil && strings.Contains(string(a.Body), "SAMLRe") {
			values := url.Values{}
			for _, f := range anyHidden.FindAllSubmatch(a.Body, -1) {
				values.Set(html.UnescapeString(string(f[1])), html.UnescapeString(string(f[2])))
			}
			next, body = html.UnescapeString(string(found[1])), values.Encode()
		}
		if next == "" {
			return address, a
		}
		to, err := url.Parse(next)
		base, baseErr := url.Parse(address)
		if err != nil || baseErr != nil {
			t.Fatalf("from %s to %s", address, next)
		}
		address = base.ResolveReference(to).String()
	}
	t.Fatalf("no end, at %s", address)
	return "", a
}

// One who logs out at a service is logged out at the other one and here.
func TestLogoutAtAService(t *testing.T) {
	t.Parallel()
	c := withSecond(t, simplesamlphp.Options{})
	for _, tc := range []struct{ name, start, want string }{
		{"mellon", c.sp.URL + "/mellon/logout?ReturnTo=" + url.QueryEscape(c.sp.URL+"/?a=b&c=d"), c.sp.URL + "/?a=b&c=d"},
		{"SimpleSAMLphp", c.php.URL + "/logout.php", "status:Success"},
	} {
		browser := c.Client(t)
		c.enter(t, browser)
		if in := c.in(t, browser); in != "mellon php" {
			t.Fatalf("%s: logged in at %q", tc.name, in)
		}
		last, a := ride(t, browser, tc.start)
		if !strings.Contains(last+string(a.Body), tc.want) || strings.Contains(string(a.Body), "PartialLogout") {
			t.Errorf("%s: logout ended at %s with %d %s\n%s\n%s", tc.name, last, a.Status, a.Body, c.sp.Log(t), c.php.Log(t))
		}
		if in := c.in(t, browser); in != "" {
			t.Errorf("%s: still logged in at %q\n%s\n%s", tc.name, in, c.sp.Log(t), c.php.Log(t))
		}
		if a := browser.Do(t, http.MethodGet, "/api/v1/session", nil); a.Status != http.StatusUnauthorized {
			t.Errorf("%s: GET /session = %d, want 401", tc.name, a.Status)
		}
	}
	if n := c.recorded(t, "logout.end", "complete"); n != 2 {
		t.Errorf("%d complete logouts are on record, want 2", n)
	}
}

// One who logs out here is logged out at both services.
func TestLogoutHere(t *testing.T) {
	t.Parallel()
	c := withSecond(t, simplesamlphp.Options{})
	browser := c.Client(t)
	c.enter(t, browser)
	var who web.Session
	browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &who)
	browser.CSRF = who.CsrfToken
	var begun web.LogoutBegun
	browser.Must(t, http.StatusOK, http.MethodDelete, "/api/v1/session", nil, &begun)
	if a := browser.Do(t, http.MethodGet, "/api/v1/session", nil); a.Status != http.StatusUnauthorized {
		t.Errorf("the session here ends last: GET /session = %d", a.Status)
	}
	_, page := ride(t, browser, c.BaseURL+begun.Continue)
	if !strings.Contains(string(page.Body), "Du er logget ud") || strings.Count(string(page.Body), `<li class="done">`) != 2 {
		t.Errorf("the page = %s\n%s\n%s", page.Body, c.sp.Log(t), c.php.Log(t))
	}
	if in := c.in(t, browser); in != "" {
		t.Errorf("still logged in at %q", in)
	}
}
