package demo_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
)

// post submits a form and returns status and Location.
func (h *house) post(t *testing.T, c *http.Client, path string, form url.Values) (status int, location string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.BaseURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, res.Header.Get("Location")
}

// answer takes the request that c was sent away with to Adgang, as somebody,
// and returns what the browser is to post.
func (h *house) answer(t *testing.T, c *http.Client, by access.Actor) url.Values {
	t.Helper()
	return h.answerAs(t, c, &federation.Login{Actor: by, At: time.Now()}, "")
}

// answerAs is answer for a login of whatever kind; level is what the service is made
// to ask for.
func (h *house) answerAs(t *testing.T, c *http.Client, login *federation.Login, level string) url.Values {
	t.Helper()
	status, location := h.post(t, c, "/demo/service/login", url.Values{"level": {level}})
	to, err := url.Parse(location)
	if err != nil || status != http.StatusSeeOther || !strings.HasPrefix(location, h.BaseURL+"/saml/idp/sso?") {
		t.Fatalf("login = %d to %q, want 303 to Adgang", status, location)
	}
	m, err := oiosaml.ReadRedirect(to.RawQuery)
	if err != nil {
		t.Fatalf("ReadRedirect: %v", err)
	}
	pending, err := h.Federation.Accept(t.Context(), m, "", "127.0.0.1")
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	login.At = time.Now() // the service may want the person to log in anew
	done, err := h.Federation.Continue(t.Context(), pending.Flow, pending.Cookie, login)
	if err != nil || done.Reply == nil || done.Reply.URL != h.BaseURL+"/demo/service/acs" {
		t.Fatalf("Continue = %+v, %v; want a reply to the service", done, err)
	}
	return url.Values{"SAMLResponse": {done.Reply.SAMLResponse}}
}

// people registers the service with the first of two organisations and returns
// an employee of each. Seed would do more.
func (h *house) people(t *testing.T) (ours, other access.Actor) {
	t.Helper()
	found := func(cvr, name, given string) access.Actor {
		_, e, _, err := h.Credential.Found(t.Context(), credential.Founding{
			CVR: cvr, Name: name, GivenName: given, Surname: "Nordvind", Email: strings.ToLower(given) + "@nordvind.example",
		})
		if err != nil {
			t.Fatal(err)
		}
		by, err := org.ActorOf(t.Context(), h.DB, e, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		return by
	}
	ours, other = found("11223344", "Nordvind & Søn", "Asta"), found("55667788", "Fjordby", "Bo")
	_, metadata := h.read(t, browser(t), "/demo/service/metadata", "da")
	if _, err := h.Federation.Register(t.Context(), ours, []byte(metadata)); err != nil {
		t.Fatalf("Register: %v", err)
	}
	return ours, other
}

func TestServiceLogin(t *testing.T) {
	t.Parallel()
	h := newHouse(t, time.Now)
	asta, _ := h.people(t)
	c := browser(t)
	if _, page := h.read(t, c, "/demo/service", "da"); !strings.Contains(page, "Du er ikke logget ind") {
		t.Fatalf("the service does not ask to log in:\n%s", page)
	}
	form := h.answer(t, c, asta)
	if status, location := h.post(t, c, "/demo/service/acs", form); status != http.StatusSeeOther || location != "/demo/service" {
		t.Fatalf("response = %d to %q, want 303 to the service", status, location)
	}
	_, page := h.read(t, c, "/demo/service", "en")
	for _, want := range []string{
		"Welcome, Asta Nordvind", "11223344", "Nordvind &amp; Søn", "asta@nordvind.example", string(asta.Employee),
		"OIO-SAML-3.0", "https://data.gov.dk/concept/core/nsis/loa", "<td>Low</td>", "data.gov.dk/model/core/eid/professional/uuid/",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page after login lacks %q:\n%s", want, page)
		}
	}

	// The same answer again, from this browser and from another one.
	for name, who := range map[string]*http.Client{"this browser": c, "another browser": browser(t)} {
		if status, _ := h.post(t, who, "/demo/service/acs", form); status != http.StatusForbidden {
			t.Errorf("the same response again from %s = %d, want 403", name, status)
		}
	}
	if status, _ := h.post(t, c, "/demo/service/logout", nil); status != http.StatusSeeOther {
		t.Errorf("logout = %d, want 303", status)
	}
	if _, page := h.read(t, c, "/demo/service", "da"); !strings.Contains(page, "Du er ikke logget ind") {
		t.Errorf("logged in after logout:\n%s", page)
	}
}

func TestServiceRefusal(t *testing.T) {
	t.Parallel()
	h := newHouse(t, time.Now)
	_, bo := h.people(t)
	c := browser(t)
	form := h.answer(t, c, bo)
	if status, _ := h.post(t, c, "/demo/service/acs", form); status != http.StatusSeeOther {
		t.Fatalf("refusal = %d, want 303", status)
	}
	_, page := h.read(t, c, "/demo/service", "en")
	if !strings.Contains(page, "You were not logged in") || !strings.Contains(page, "status:RequestDenied") || strings.Contains(page, "Welcome") {
		t.Errorf("the page after a refusal:\n%s", page)
	}
}

func TestServiceRefusesResponses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, time.Now)
	asta, _ := h.people(t)
	other := browser(t) // whose answer is stolen
	stolen := h.answer(t, other, asta)
	edit := func(old, replacement string) func(string) string {
		return func(xml string) string {
			if !strings.Contains(xml, old) {
				t.Errorf("a response without %q", old)
			}
			return strings.Replace(xml, old, replacement, 1)
		}
	}
	for name, change := range map[string]func(string) string{
		"altered":            edit("Asta Nordvind", "Bo Fjordby"),
		"signature taken":    edit("<ds:Signature ", "<ds:Other "),
		"of another login":   func(string) string { return must(base64.StdEncoding.DecodeString(stolen.Get("SAMLResponse"))) },
		"document type":      func(xml string) string { return "<!DOCTYPE a>" + xml },
		"many elements":      edit("<samlp:Status>", strings.Repeat("<a></a>", 1000)+"<samlp:Status>"),
		"deep elements":      edit("<samlp:Status>", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)+"<samlp:Status>"),
		"encrypted":          edit("</samlp:Response>", `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"></saml:EncryptedAssertion></samlp:Response>`),
		"larger than a form": func(xml string) string { return xml + strings.Repeat(" ", 100_000) },
		"nothing":            func(string) string { return "" },
		"no XML":             func(string) string { return "hello" },
	} {
		t.Run(name, func(t *testing.T) {
			c := browser(t)
			form := h.answer(t, c, asta)
			xml := must(base64.StdEncoding.DecodeString(form.Get("SAMLResponse")))
			form.Set("SAMLResponse", base64.StdEncoding.EncodeToString([]byte(change(xml))))
			if status, _ := h.post(t, c, "/demo/service/acs", form); status != http.StatusForbidden {
				t.Errorf("response = %d, want 403", status)
			}
			if _, page := h.read(t, c, "/demo/service", "en"); !strings.Contains(page, "You are not logged in") {
				t.Errorf("logged in by a bad response:\n%s", page)
			}
		})
	}
}

func must(b []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestServiceMetadata(t *testing.T) {
	t.Parallel()
	h := newHouse(t, time.Now)
	status, page := h.read(t, browser(t), "/demo/service/metadata", "da")
	md, err := oiosaml.ParseMetadata([]byte(page), time.Now())
	if err != nil || status != http.StatusOK {
		t.Fatalf("metadata = %d, %v\n%s", status, err, page)
	}
	got := fmt.Sprint(md.Name.In("da"), md.Name.In("en"), len(md.Requested), len(md.Consumers), len(md.Signing), len(md.Encryption), md.SignsRequests, len(md.Notices))
	if want := fmt.Sprint("Tidsregistrering (demotjeneste)", "Time registration (demo service)", 10, 1, 1, 0, true, 0); got != want {
		t.Errorf("metadata = %s, want %s", got, want)
	}
	if _, again := h.read(t, browser(t), "/demo/service/metadata", "da"); again != page {
		t.Error("the metadata changes from one request to the next")
	}
}
