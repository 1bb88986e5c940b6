package oiosaml_test

import (
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// idpServer is an identity provider at which everyone is logged in already.
func idpServer(t *testing.T, md oiosaml.Metadata) (*httptest.Server, *oiosaml.Provider) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	idp := oiosaml.NewProvider("http://"+server.Listener.Addr().String(), []oiosaml.Key{peer.RSA(), peer.EC()}, []oiosaml.Key{peer.Other()})
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		message, err := oiosaml.ReadRedirect(r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		request, err := message.Check(md, idp.SSO, now)
		var reply oiosaml.Reply
		if err == nil {
			who := person
			who.LoginAt = now
			reply, err = idp.Respond(request, md, who, now)
		}
		if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
			reply, err = idp.Refuse(request, refusal, now)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		io.WriteString(w, `<form action="`+html.EscapeString(reply.URL)+`"><input name="SAMLResponse" value="`+reply.SAMLResponse+
			`"><input name="RelayState" value="`+html.EscapeString(reply.RelayState)+`"></form>`)
	})
	server.Start()
	t.Cleanup(server.Close)
	return server, idp
}

// browse follows redirects, posts the identity provider's form as its script
// would, and returns the page at the end.
func browse(t *testing.T, start string) (status int, page string) {
	t.Helper()
	browser := &http.Client{Jar: peer.Must(cookiejar.New(nil))}
	response, err := browser.Do(peer.Must(http.NewRequestWithContext(t.Context(), http.MethodGet, start, nil)))
	if err != nil {
		t.Fatal(err)
	}
	form := string(peer.Must(io.ReadAll(response.Body)))
	field := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(form)
		if found == nil {
			t.Fatalf("GET %s ended with %d and no form: %s", start, response.StatusCode, form)
		}
		return html.UnescapeString(found[1])
	}
	values := url.Values{"SAMLResponse": {field(`SAMLResponse" value="([^"]*)`)}, "RelayState": {field(`RelayState" value="([^"]*)`)}}
	post := peer.Must(http.NewRequestWithContext(t.Context(), http.MethodPost, field(`action="([^"]*)`), strings.NewReader(values.Encode())))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err = browser.Do(post)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(peer.Must(io.ReadAll(response.Body)))
}

func TestMellonLogin(t *testing.T) {
	t.Parallel()
	sp := mellon.New(t)
	md, err := oiosaml.ParseMetadata(sp.Metadata, time.Now())
	if err != nil || len(md.Encryption) != 1 {
		t.Fatalf("ParseMetadata = %+v, %v, want one encryption key", md, err)
	}
	_, idp := idpServer(t, md)
	sp.Start(t, peer.Must(idp.Publish(time.Now())))
	status, page := browse(t, sp.URL+"/private/?a=b&c=d%20e")
	got := mellon.Attributes(page)
	for name, want := range map[string]string{
		"NAME_ID": "https://data.gov.dk/model/core/eid/professional/uuid/" + person.NameID,
		"https://data.gov.dk/model/core/eid/professional/uuid/persistent": person.UUID,
		"https://data.gov.dk/model/core/eid/professional/cvr":             person.CVR,
		"https://data.gov.dk/model/core/eid/professional/rid":             person.RID,
		"https://data.gov.dk/model/core/eid/fullName":                     person.FullName,
		"https://data.gov.dk/model/core/eid/email":                        person.Email,
		"https://data.gov.dk/concept/core/nsis/loa":                       "Low",
		"https://data.gov.dk/model/core/specVersion":                      "OIO-SAML-3.0",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	if status != http.StatusOK || !strings.Contains(page, "QUERY_STRING=a=b&amp;c=d%20e") {
		t.Errorf("login ended with %d: %s\n%s", status, page, sp.Log(t))
	}
}

// Asking for a level that nobody has comes back as NoAuthnContext, which
// mellon understands.
func TestMellonRefused(t *testing.T) {
	t.Parallel()
	sp := mellon.New(t)
	md, err := oiosaml.ParseMetadata(sp.Metadata, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, idp := idpServer(t, md)
	sp.Start(t, peer.Must(idp.Publish(time.Now())), `MellonAuthnContextClassRef "https://data.gov.dk/concept/core/nsis/loa/Substantial"`)
	status, page := browse(t, sp.URL+"/private/")
	if status == http.StatusOK || !strings.Contains(sp.Log(t), "NoAuthnContext") {
		t.Errorf("login above the level ended with %d: %s\n%s", status, page, sp.Log(t))
	}
}

// A service of the same name with another key gets nothing.
func TestMellonForged(t *testing.T) {
	t.Parallel()
	sp, other := mellon.New(t), mellon.New(t)
	md, err := oiosaml.ParseMetadata([]byte(strings.ReplaceAll(string(other.Metadata), other.URL, sp.URL)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, idp := idpServer(t, md)
	sp.Start(t, peer.Must(idp.Publish(time.Now())))
	response := peer.Must(http.DefaultClient.Do(peer.Must(http.NewRequestWithContext(t.Context(), http.MethodGet, sp.URL+"/private/", nil))))
	body := string(peer.Must(io.ReadAll(response.Body)))
	if response.StatusCode != http.StatusForbidden || !strings.Contains(body, "federation.request.signature") {
		t.Errorf("request by another key ended with %d: %s", response.StatusCode, body)
	}
}
