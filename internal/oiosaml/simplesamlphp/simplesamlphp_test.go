package simplesamlphp_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
)

// Two instances log in and out at each other: what the harness promises holds
// before anything of ours is involved.
func TestPeers(t *testing.T) {
	t.Parallel()
	idp := simplesamlphp.New(t, simplesamlphp.Options{Person: []string{"'title' => ['Chief'],"}})
	sp := simplesamlphp.New(t, simplesamlphp.Options{})
	idp.Trust(t, "", sp.SP)
	sp.Trust(t, idp.URL+"/idp", idp.IdP)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	var got struct {
		Name       string
		Session    string
		Attributes map[string][]string
	}
	body := visit(t, browser, sp.URL+"/private.php")
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Name != "bo@NORDVIND" || got.Session == "" || len(got.Attributes["title"]) != 1 {
		t.Fatalf("login = %+v, %v: %s\n%s\n%s", got, err, body, sp.Log(t), idp.Log(t))
	}
	if state := visit(t, browser, sp.URL+"/state.php"); state != "in" {
		t.Errorf("state = %q, want in", state)
	}
	if bye := visit(t, browser, sp.URL+"/logout.php"); !strings.Contains(bye, "status:Success") {
		t.Errorf("logout ended with %s\n%s", bye, sp.Log(t))
	}
	if state := visit(t, browser, sp.URL+"/state.php"); state != "out" {
		t.Errorf("state = %q, want out", state)
	}
}

var (
	form  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"`)
	field = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// visit loads a page and posts the form on it, if it has one, as its script would.
func visit(t *testing.T, browser *http.Client, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	body := read(t, browser, r)
	if found := form.FindStringSubmatch(body); found != nil {
		values := url.Values{}
		for _, f := range field.FindAllStringSubmatch(body, -1) {
			values.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, html.UnescapeString(found[1]), strings.NewReader(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		body = read(t, browser, r)
	}
	return body
}

func read(t *testing.T, browser *http.Client, r *http.Request) string {
	t.Helper()
	response, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(body)
}
