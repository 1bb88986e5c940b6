package main_test

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/testkit"
)

// keysOf are the SAML keys of a program, beside it on the same database.
func keysOf(t *testing.T, p *testkit.Program) *samlkey.Service {
	t.Helper()
	masters, err := secret.LoadMasters(filepath.Join(p.Data, "master.key"), false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secret.New(masters...)
	if err != nil {
		t.Fatal(err)
	}
	return &samlkey.Service{DB: p.DB(t), Keys: keys, Now: time.Now, Log: slog.New(slog.DiscardHandler), EntityID: p.BaseURL + "/saml/idp/metadata"}
}

// Two services that have loaded the metadata with the announced key go on without
// loading it again when that key signs: logins, and logouts both ways.
func TestRollKeys(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	keys := keysOf(t, p)
	next, err := keys.Announce(t.Context(), access.Host(), "signing", oiosaml.RSA)
	if err != nil {
		t.Fatalf("Announce: %v", err)
	}
	c := secondOf(t, countryOf(t, p), simplesamlphp.Options{})
	browser := c.Client(t)
	c.enter(t, browser)
	signs := func() bool {
		stranger := c.Client(t)
		address, _ := follow(t, stranger, c.sp.URL+"/private/")
		login, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		refusal := stranger.Must(t, http.StatusOK, http.MethodGet, "/saml/cancel?flow="+url.QueryEscape(login.Query().Get("flow")), nil, nil)
		return strings.Contains(response(t, refusal), base64.StdEncoding.EncodeToString(next.Certificate))
	}
	if signs() {
		t.Fatal("the announced key signs already")
	}
	if err := keys.Activate(t.Context(), access.Host(), next.ID, "both services have it"); err != nil {
		t.Fatalf("Activate: %v", err)
	}
	testkit.Until(t, "the server to sign with the new key", signs)

	if last, _ := ride(t, browser, c.php.URL+"/logout.php"); !strings.Contains(last, "logout.php") || c.in(t, browser) != "" {
		t.Errorf("logout of an old login ended at %s, logged in at %q\n%s\n%s", last, c.in(t, browser), c.sp.Log(t), c.php.Log(t))
	}
	fresh := c.Client(t)
	c.enter(t, fresh)
	if in := c.in(t, fresh); in != "mellon php" {
		t.Errorf("after the switch logged in at %q\n%s\n%s", in, c.sp.Log(t), c.php.Log(t))
	}
	ride(t, fresh, c.sp.URL+"/mellon/logout?ReturnTo="+url.QueryEscape(c.sp.URL+"/bye"))
	if in := c.in(t, fresh); in != "" {
		t.Errorf("after the logout logged in at %q\n%s\n%s", in, c.sp.Log(t), c.php.Log(t))
	}
	if n := c.recorded(t, "logout.end", "complete"); n != 2 {
		t.Errorf("%d complete logouts are on record, want 2", n)
	}
}
