package demo_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
)

var hiddenAnswer = regexp.MustCompile(`name="SAMLResponse" value="([^"]*)"`)

// enter logs Bo in through the simulator and, by that, at the service.
func (h *house) enter(t *testing.T, c *http.Client, level string) (by access.Actor, session string) {
	t.Helper()
	homes, err := h.LocalIdP.Homes(t.Context(), "bo@fjordby-roklub.example")
	if err != nil || len(homes) != 1 || !strings.Contains(homes[0].Name, "simulator") {
		t.Fatalf("Homes = %+v, %v; want the simulator, by name", homes, err)
	}
	begun, err := h.LocalIdP.Begin(t.Context(), homes[0].ID, localidp.Heading{})
	if err != nil {
		t.Fatal(err)
	}
	_, page := h.read(t, c, strings.TrimPrefix(begun.Sent.URL, h.BaseURL), "en")
	person := regexp.MustCompile(`<option value="([^"]+)">Bo Fjordby`).FindStringSubmatch(page)
	if person == nil || !strings.Contains(page, "built-in simulator") {
		t.Fatalf("the simulator asks:\n%s", page)
	}
	answer := hiddenAnswer.FindStringSubmatch(h.sent(t, c, "/demo/idp/login", url.Values{"person": {person[1]}, "level": {level}}))
	if answer == nil {
		t.Fatal("the simulator posts no answer")
	}
	arrival, err := h.LocalIdP.Answer(t.Context(), html.UnescapeString(answer[1]), "127.0.0.1")
	if err != nil {
		t.Fatalf("Answer: %v", err)
	}
	done, err := h.LocalIdP.Finish(t.Context(), arrival.ID, begun.Cookie, "127.0.0.1")
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	by, one, err := h.LocalIdP.Session.Actor(t.Context(), done.Token, "127.0.0.1")
	if want := map[string]string{"": "Low", "substantial": "Substantial"}[level]; err != nil || one.Level != want {
		t.Fatalf("session = %+v, %v; want level %s", one, err, want)
	}
	form := h.answerAs(t, c, &federation.Login{Actor: by, At: time.Now(), Outside: true, Authenticator: oiosaml.LevelNamed(one.Level), Session: one.ID, Until: one.ExpiresAt}, level)
	if status, _ := h.post(t, c, "/demo/service/acs", form); status != http.StatusSeeOther {
		t.Fatalf("the service answers %d", status)
	}
	if _, page := h.read(t, c, "/demo/service", "en"); !strings.Contains(page, "Welcome, Bo Fjordby") {
		t.Fatalf("Bo is not logged in at the service:\n%s", page)
	}
	return by, one.ID
}

// sent posts a form and returns the page.
func (h *house) sent(t *testing.T, c *http.Client, path string, form url.Values) string {
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
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// walk carries a logout's messages as a browser would, from an address of the demo
// or of Adgang to where it ends.
func (h *house) walk(t *testing.T, c *http.Client, address string) (last string) {
	t.Helper()
	cookie := ""
	for range 12 {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		var turn federation.Turn
		switch u.Path {
		case "/saml/idp/slo", "/saml/sp/slo":
			m, err := oiosaml.ReadLogoutRedirect(u.RawQuery)
			if err != nil {
				t.Fatal(err)
			}
			take := h.Federation.TakeLogout
			if u.Path == "/saml/sp/slo" {
				take = h.LocalIdP.TakeLogout
			}
			if turn, err = take(t.Context(), m, cookie, "127.0.0.1"); err != nil {
				t.Fatalf("TakeLogout at %s: %v", u.Path, err)
			}
		case "/saml/logout":
			turn = federation.Turn{Flow: u.Query().Get("flow")}
		default:
			res, err := c.Do(request(t, address))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if address = res.Header.Get("Location"); address == "" {
				return u.Path
			}
			if strings.HasPrefix(address, "/") {
				address = h.BaseURL + address
			}
			continue
		}
		if turn.Cookie != "" {
			cookie = turn.Cookie
		}
		if turn.Move == nil {
			w, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, cookie, false)
			if err != nil {
				t.Fatalf("ContinueLogout: %v", err)
			}
			if turn.Move = w.Move; w.Move == nil {
				return w.Logout.State
			}
		}
		address = turn.Move.URL
	}
	t.Fatalf("no end, at %s", address)
	return ""
}

// Wherever a logout begins, it ends at the service, at Adgang and at the simulator,
// and nothing is left over.
func TestLogoutOfTheDemo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, time.Now)
	h.seed(t)
	for _, tc := range []struct{ name, start, want string }{
		{"at the service", "/demo/service/logout-everywhere", "/demo/service"},
		{"at the simulator", "/demo/idp/logout", "/demo/idp/slo"},
		{"here", "", federation.LogoutComplete},
	} {
		c := browser(t)
		level := ""
		if tc.start == "" {
			level = "substantial"
		}
		by, session := h.enter(t, c, level)
		address := ""
		if tc.start == "" {
			turn, err := h.Federation.LogOut(t.Context(), by, "", session)
			if err != nil {
				t.Fatal(err)
			}
			w, err := h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false)
			if err != nil || w.Move == nil {
				t.Fatalf("ContinueLogout = %+v, %v", w, err)
			}
			// The browser's cookie is this flow's: walk it by hand.
			for move := w.Move; move != nil; {
				answer := h.onward(t, c, move.URL)
				m, err := oiosaml.ReadLogoutRedirect(answer.RawQuery)
				if err != nil {
					t.Fatal(err)
				}
				take := h.Federation.TakeLogout
				if answer.Path == "/saml/sp/slo" {
					take = h.LocalIdP.TakeLogout
				}
				if _, err := take(t.Context(), m, turn.Cookie, "127.0.0.1"); err != nil {
					t.Fatal(err)
				}
				if w, err = h.Federation.ContinueLogout(t.Context(), turn.Flow, turn.Cookie, false); err != nil {
					t.Fatal(err)
				}
				move = w.Move
			}
			if w.Logout.State != tc.want || len(w.Steps) != 2 {
				t.Errorf("%s: ended %s with %+v", tc.name, w.Logout.State, w.Steps)
			}
		} else {
			_, address = h.post(t, c, tc.start, nil)
			if last := h.walk(t, c, address); last != tc.want {
				t.Errorf("%s: ended at %s, want %s", tc.name, last, tc.want)
			}
		}
		if _, page := h.read(t, c, "/demo/service", "en"); strings.Contains(page, "Welcome") || tc.name == "at the service" && !strings.Contains(page, "everything else") {
			t.Errorf("%s: the service shows\n%s", tc.name, page)
		}
		if _, page := h.read(t, c, "/demo/idp", "en"); !strings.Contains(page, "Nobody is logged in here") {
			t.Errorf("%s: the simulator shows\n%s", tc.name, page)
		}
	}
	var partial int
	if err := h.db.NewRaw("SELECT count(*) FROM logout WHERE state <> 'complete'").Scan(t.Context(), &partial); err != nil || partial != 0 {
		t.Errorf("%d logouts are not complete, %v", partial, err)
	}
}

// onward is where an address of the demo leads.
func (h *house) onward(t *testing.T, c *http.Client, address string) *url.URL {
	t.Helper()
	res, err := c.Do(request(t, address))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Path == "" {
		t.Fatalf("GET %s = %d to %q", address, res.StatusCode, res.Header.Get("Location"))
	}
	return to
}
