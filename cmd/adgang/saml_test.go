package main_test

import (
	"bytes"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// country is a program with two organisations, each with an administrator who has
// a key file, and a service of the first.
type country struct {
	*testkit.Program
	sp          *mellon.SP
	own, others testkit.KeyFile
}

func newCountry(t *testing.T, directives ...string) *country {
	t.Helper()
	return countryOf(t, testkit.NewProgram(t), directives...)
}

// countryOf serves a program that was prepared.
func countryOf(t *testing.T, p *testkit.Program, directives ...string) *country {
	t.Helper()
	c := &country{Program: p, sp: mellon.New(t)}
	var other struct {
		Link string `json:"activation_link"`
		Code string `json:"installation_code"`
	}
	c.Must(t, 0, &other, "org", "create", "--cvr", "87654321", "--name", "Søvind", "--admin-email", "b@b.example", "--json")
	_, link, _ := strings.Cut(other.Link, "#")
	c.Serve(t)
	a := c.Token(t, "organisation-administrator").Do(t, http.MethodPost, "/api/v1/services",
		bytes.NewReader(c.sp.Metadata), "Content-Type", "application/samlmetadata+xml")
	if a.Status != http.StatusCreated {
		t.Fatalf("POST /services = %d %s", a.Status, a.Body)
	}
	browser := c.Client(t)
	c.own, c.others = browser.Activate(t, c.Link, c.Code), browser.Activate(t, link, other.Code)
	c.sp.Start(t, browser.Must(t, http.StatusOK, http.MethodGet, "/saml/idp/metadata", nil, nil).Body, directives...)
	return c
}

// follow goes where redirects lead, to the first answer that is none, and returns
// the address of that one.
func follow(t *testing.T, browser *testkit.Client, address string) (last string, a testkit.Answer) {
	t.Helper()
	for range 10 {
		a = browser.Do(t, http.MethodGet, address, nil)
		to := a.Header.Get("Location")
		if to == "" {
			return address, a
		}
		next, err := url.Parse(to)
		base, baseErr := url.Parse(address)
		if err != nil || baseErr != nil {
			t.Fatalf("redirect from %s to %s", address, to)
		}
		address = base.ResolveReference(next).String()
	}
	t.Fatalf("redirects without end, at %s", address)
	return "", a
}

// logIn goes to the service, is sent to log in, does so by key file, and returns
// the form that Adgang answers the service with.
func (c *country) logIn(t *testing.T, browser *testkit.Client, k testkit.KeyFile) (form testkit.Answer) {
	t.Helper()
	address, _ := follow(t, browser, c.sp.URL+"/private/?a=b")
	login, err := url.Parse(address)
	if err != nil || login.Path != "/login" || login.Query().Get("flow") == "" {
		t.Fatalf("the service leads to %s, want the login page with a flow", address)
	}
	next := browser.LogIn(t, k, login.Query().Get("flow"))
	if !strings.HasPrefix(next, "/saml/continue?flow=") {
		t.Fatalf("the login leads to %s", next)
	}
	return browser.Must(t, http.StatusOK, http.MethodGet, next, nil, nil)
}

var hidden = regexp.MustCompile(`name="(SAMLResponse|RelayState)" value="([^"]*)"`)

// post sends the form as its script does, and returns what the service ends with.
func (c *country) post(t *testing.T, browser *testkit.Client, form testkit.Answer) testkit.Answer {
	t.Helper()
	to := regexp.MustCompile(`action="([^"]*)"`).FindSubmatch(form.Body)
	if to == nil {
		t.Fatalf("no form: %s", form.Body)
	}
	values := url.Values{}
	for _, found := range hidden.FindAllSubmatch(form.Body, -1) {
		values.Set(string(found[1]), html.UnescapeString(string(found[2])))
	}
	address := html.UnescapeString(string(to[1]))
	a := browser.Do(t, http.MethodPost, address, strings.NewReader(values.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if next := a.Header.Get("Location"); next != "" {
		_, a = follow(t, browser, next)
	}
	return a
}

// response is the answer in the form, whose status is always in clear.
func response(t *testing.T, form testkit.Answer) string {
	t.Helper()
	found := regexp.MustCompile(`name="SAMLResponse" value="([^"]*)"`).FindSubmatch(form.Body)
	if found == nil {
		t.Fatalf("no SAML response: %s", form.Body)
	}
	xml, err := base64.StdEncoding.DecodeString(html.UnescapeString(string(found[1])))
	if err != nil {
		t.Fatal(err)
	}
	return string(xml)
}

// recorded tells how often the first organisation's log has a verb with a note.
func (c *country) recorded(t *testing.T, verb, note string) (n int) {
	t.Helper()
	err := c.DB(t).NewRaw("SELECT count(*) FROM audit_entry WHERE verb = ? AND note LIKE ?", verb, "%"+note+"%").Scan(t.Context(), &n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLoginToAService(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	browser := c.Client(t)
	form := c.logIn(t, browser, c.own)
	if policy := form.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action "+c.sp.URL) || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy of the form = %s", policy)
	}
	if xml := response(t, form); !strings.Contains(xml, "EncryptedAssertion") || strings.Contains(xml, "aase@nordvind.example") {
		t.Errorf("the assertion is not encrypted: %s", xml)
	}
	page := c.post(t, browser, form)
	if page.Status != http.StatusOK || !strings.Contains(string(page.Body), "QUERY_STRING=a=b") {
		t.Fatalf("the login ended with %d: %s\n%s", page.Status, page.Body, c.sp.Log(t))
	}
	var who web.Session
	browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &who)
	got := mellon.Attributes(string(page.Body))
	for name, want := range map[string]string{
		"professional/uuid/persistent": *who.EmployeeID, "professional/cvr": testkit.CVR, "professional/orgName": "Nordvind",
		"fullName": "Åse Ørsted", "email": "aase@nordvind.example",
	} {
		if got["https://data.gov.dk/model/core/eid/"+name] != want {
			t.Errorf("%s = %q, want %q", name, got["https://data.gov.dk/model/core/eid/"+name], want)
		}
	}
	if loa, version := got["https://data.gov.dk/concept/core/nsis/loa"], got["https://data.gov.dk/model/core/specVersion"]; loa != "Low" || version != "OIO-SAML-3.0" {
		t.Errorf("nsis/loa = %q, specVersion = %q", loa, version)
	}
	if n := c.recorded(t, "saml.login", "assertion "); n != 1 {
		t.Errorf("%d logins are on record, want 1", n)
	}
	// The answer counts once, and so does the flow.
	if again := c.post(t, browser, form); again.Status == http.StatusOK && strings.Contains(string(again.Body), "persistent") {
		t.Errorf("the service took the same response again: %s", again.Body)
	}
}

// An employee who came by the migration carries the RID into the service.
func TestLoginOfAMigratedEmployee(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	browser := c.Client(t)
	browser.LogIn(t, c.own, "")
	c.Must(t, 0, nil, "import", "--org", testkit.CVR, "--start", "--wait", export(t, anna))
	var found web.EmployeeList
	browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/employees?q=anna", nil, &found)
	var code web.InstallationCode
	browser.Must(t, http.StatusOK, http.MethodGet, "/api/v1/employees/"+found.Items[0].ID+"/installation-code", nil, &code)
	employee := c.Client(t)
	page := c.post(t, employee, c.logIn(t, employee, employee.Activate(t, c.MailedToken(t, "anna@nordvind.example"), code.Code)))
	got := mellon.Attributes(string(page.Body))
	const eid = "https://data.gov.dk/model/core/eid/"
	if got[eid+"professional/rid"] != "1290000000001" || got[eid+"professional/uuid/persistent"] != found.Items[0].ID || got[eid+"fullName"] != "Anna Ågård" {
		t.Errorf("the login ended with %d: %v\n%s", page.Status, got, c.sp.Log(t))
	}
}

func TestLoginAboveTheLevel(t *testing.T) {
	t.Parallel()
	c := newCountry(t, `MellonAuthnContextClassRef "https://data.gov.dk/concept/core/nsis/loa/Substantial"`)
	browser := c.Client(t)
	form := c.logIn(t, browser, c.own)
	if xml := response(t, form); !strings.Contains(xml, "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext") || strings.Contains(xml, "Assertion>") {
		t.Errorf("the answer has no NoAuthnContext: %s", xml)
	}
	if page := c.post(t, browser, form); page.Status == http.StatusOK {
		t.Errorf("the service let them in: %s", page.Body)
	}
	if n := c.recorded(t, "saml.refuse", "NoAuthnContext"); n != 1 {
		t.Errorf("%d refusals are on record, want 1", n)
	}
}

func TestLoginOfAnotherOrganisation(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	browser := c.Client(t)
	form := c.logIn(t, browser, c.others)
	if xml := response(t, form); !strings.Contains(xml, "urn:oasis:names:tc:SAML:2.0:status:RequestDenied") || strings.Contains(xml, "Assertion>") {
		t.Errorf("the answer has no RequestDenied: %s", xml)
	}
	if page := c.post(t, browser, form); page.Status == http.StatusOK {
		t.Errorf("the service let them in: %s", page.Body)
	}
	if n := c.recorded(t, "saml.refuse", "RequestDenied"); n != 1 {
		t.Errorf("%d refusals are on record, want 1", n)
	}
}

// A login request that the service did not sign as it stands is told to the
// person, not to the service, and is on record.
func TestAlteredRequests(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	browser := c.Client(t)
	sent, err := url.Parse(browser.Do(t, http.MethodGet, c.sp.URL+"/private/", nil).Header.Get("Location"))
	for i := 0; err == nil && sent.Path != "/saml/idp/sso" && i < 3; i++ { // mellon's own login page is between
		sent, err = url.Parse(browser.Do(t, http.MethodGet, sent.String(), nil).Header.Get("Location"))
	}
	if err != nil || sent.Query().Get("Signature") == "" {
		t.Fatalf("the service leads to %s, %v, want a signed request", sent, err)
	}
	unsigned, _, _ := strings.Cut(sent.RawQuery, "&SigAlg=")
	for _, tc := range []struct{ name, query, code string }{
		{"not signed", unsigned, "federation.request.unsigned"},
		{"another relay state", strings.Replace(sent.RawQuery, "RelayState=", "RelayState=x", 1), "federation.request.signature"},
		{"another signature", strings.Replace(sent.RawQuery, "&Signature=", "&Signature=AAAA", 1), "federation.request.signature"},
		{"no request", "SAMLRequest=x", "federation.request.malformed"},
		{"an odd address", "SAMLRequest=%00", "http.not_found"},
	} {
		a := browser.Do(t, http.MethodGet, "/saml/idp/sso?"+tc.query, nil)
		page := string(a.Body)
		if a.Status < 400 || a.Status > 499 || !strings.Contains(page, tc.code) || !strings.Contains(page, "Login kunne ikke gennemføres") {
			t.Errorf("%s = %d %s, want a page with %s", tc.name, a.Status, page, tc.code)
		}
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("Set-Cookie") != "" || strings.Contains(page, "<form") {
			t.Errorf("%s = %v %s", tc.name, a.Header, page)
		}
	}
	if n := c.recorded(t, "saml.refuse", "federation.request.signature"); n != 2 {
		t.Errorf("%d refusals of a signature are on record, want 2", n)
	}
	if n := c.recorded(t, "saml.refuse", "federation.request.unsigned"); n != 1 {
		t.Errorf("%d refusals of an unsigned request are on record, want 1", n)
	}
	for _, flow := range []string{"", "x", "%00", "%ff"} {
		if a := browser.Do(t, http.MethodGet, "/saml/continue?flow="+flow, nil); a.Status < 400 || a.Status > 499 {
			t.Errorf("flow %q = %d %s, want 4xx", flow, a.Status, a.Body)
		}
	}
	// What came unaltered is taken, once.
	if a := browser.Do(t, http.MethodGet, sent.String(), nil); a.Status != http.StatusSeeOther {
		t.Errorf("the request itself = %d %s", a.Status, a.Body)
	}
	if a := browser.Do(t, http.MethodGet, sent.String(), nil); a.Status < 400 || a.Status > 499 {
		t.Errorf("the request again = %d %s, want 4xx", a.Status, a.Body)
	}
}
