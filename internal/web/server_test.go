package web_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	c := s.client(t)
	for _, path := range []string{"/", "/login", "/assets/a-1.js", "/api/v1/installation", "/api/v1/session", "/api/v1/nothing", "/saml/idp/sso", "/api/docs"} {
		h := c.Do(t, http.MethodGet, path, nil).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if h.Get(name) != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, h.Get(name), want)
			}
		}
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("GET %s: policy %q has no %q", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("GET %s: policy %q is loose", path, policy)
		}
		if strings.HasPrefix(path, "/api/v1/") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", path, h.Get("Cache-Control"))
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	c := s.client(t)
	for _, tc := range []struct {
		path, want, cache string
		status            int
	}{
		{"/", "<!doctype html>page", "no-cache", 200},
		{"/login?flow=1", "<!doctype html>page", "no-cache", 200},
		{"/migration/01890a5d", "<!doctype html>page", "no-cache", 200},
		{"/activate", "<!doctype html>page", "no-cache", 200},
		{"/assets/a-1.js", "script", "public, max-age=31536000, immutable", 200},
		{"/robots.txt", "robots", "", 200},
		{"/assets/gone-2.js", "http.not_found", "no-store", 404},
		{"/assets/", "http.not_found", "no-store", 404},
		{"/assets/../../web.go", "http.not_found", "no-store", 404},
		{"/favicon.ico", "http.not_found", "no-store", 404},
		{"/api/v1/nothing", "http.not_found", "no-store", 404},
		{"/api/nothing", "http.not_found", "no-store", 404},
		{"/api/v2/batches", "http.not_found", "no-store", 404},
		{"/saml/nothing", "http.not_found", "no-store", 404},
		{"/page/problem.html", "http.not_found", "no-store", 404},
		{"/page/post.js", "submit()", "no-cache", 200},
		{"/demo", "<!doctype html>page", "no-cache", 200}, // there is no demo here
	} {
		a := c.Do(t, http.MethodGet, tc.path, nil)
		if a.Status != tc.status || !strings.Contains(string(a.Body), tc.want) || a.Header.Get("Cache-Control") != tc.cache {
			t.Errorf("GET %s = %d %q %s, want %d %q %s", tc.path, a.Status, a.Header.Get("Cache-Control"), a.Body, tc.status, tc.cache, tc.want)
		}
	}
	if a := c.Do(t, http.MethodGet, "/assets/a-1.js", nil, "Accept-Encoding", "gzip"); string(a.Body) != "packed" ||
		a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("GET /assets/a-1.js with gzip = %v %s", a.Header, a.Body)
	}
	refused(t, "POST /login", c.Do(t, http.MethodPost, "/login", nil), http.StatusMethodNotAllowed, "http.method")
}

// Cookies and logins are bound to one host, so people are sent there; probes and
// whoever checks a certificate are answered wherever they come in.
func TestOneHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	c := s.client(t)
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 403, "/ca/issuing.crl": 200,
		"/": 307, "/migration?a=b&c=%C3%A6": 307, "/api/v1/session": 307, "//evil.example/x": 307, "/a%2Fb": 307,
	} {
		a := c.Do(t, http.MethodGet, "http://10.0.0.7:8080"+path, nil)
		if a.Status != want {
			t.Errorf("GET %s at another host = %d, want %d", path, a.Status, want)
		}
		if to := a.Header.Get("Location"); want == 307 && to != testkit.BaseURL+path {
			t.Errorf("GET %s at another host leads to %s, want the same at %s", path, to, testkit.BaseURL)
		}
	}
	if a := c.Do(t, http.MethodGet, "https://ADGANG.example/", nil); a.Status != http.StatusOK {
		t.Errorf("the host in capitals = %d, want 200", a.Status)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		away       []string
		status     int
		want, name string
	}{
		{nil, 200, `{"status":"ok"}`, "all is there"},
		{[]string{"redis"}, 200, `{"away":["redis"],"status":"degraded"}`, "Redis is away"},
		{[]string{"database"}, 503, `{"away":["database"],"status":"unavailable"}`, "the database is away"},
		{[]string{"database", "redis"}, 503, `{"away":["database","redis"],"status":"unavailable"}`, "both are away"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testkit.SQLite(t), func(o *web.Options) { o.Ready = func(context.Context) []string { return tc.away } })
			a := s.client(t).Do(t, http.MethodGet, "/readyz", nil)
			if a.Status != tc.status || strings.TrimSpace(string(a.Body)) != tc.want {
				t.Errorf("GET /readyz = %d %s, want %d %s", a.Status, a.Body, tc.status, tc.want)
			}
			if a := s.client(t).Do(t, http.MethodGet, "/healthz", nil); a.Status != http.StatusOK {
				t.Errorf("GET /healthz = %d, want 200 while the process answers", a.Status)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	const token = "scrape"
	for _, tc := range []struct {
		name, token, bearer string
		loopback            bool
		want                int
	}{
		{"no token is set", "", "", false, 403},
		{"no token is set, an empty one is sent", "", "Bearer ", false, 403},
		{"the token is not sent", token, "", false, 403},
		{"a wrong token", token, "Bearer other", false, 403},
		{"the token", token, "Bearer " + token, false, 200},
		{"the listener is loopback", "", "", true, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testkit.SQLite(t), func(o *web.Options) { o.MetricsToken, o.OpenMetrics = tc.token, tc.loopback })
			admin := s.admin(t, s.company)
			admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/employees/"+string(s.company.Admin.ID), nil, nil)
			admin.Do(t, "X-STRANGE", "/api/v1/employees", nil)
			a := admin.Do(t, http.MethodGet, "/metrics", nil, "Authorization", tc.bearer)
			if a.Status != tc.want {
				t.Fatalf("GET /metrics = %d %s, want %d", a.Status, a.Body, tc.want)
			}
			if tc.want != http.StatusOK {
				return
			}
			text := string(a.Body)
			for _, want := range []string{
				`adgang_http_requests_total{method="GET",route="/api/v1/employees/:id",status="200"} 1`, "adgang_work_due 3", `method="other"`,
			} {
				if !strings.Contains(text, want) {
					t.Errorf("metrics have no %s:\n%s", want, text)
				}
			}
			for _, secret := range []string{cvr, string(s.company.ID), string(s.company.Admin.ID), s.company.Name, "STRANGE"} {
				if strings.Contains(text, secret) {
					t.Errorf("metrics name %s", secret)
				}
			}
		})
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ base, prefix string }{
		{"https://adgang.example", "__Host-"},
		{"http://localhost:8080", ""},
	} {
		t.Run(tc.base, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testkit.SQLite(t), func(o *web.Options) {
				o.BaseURL, _ = url.Parse(tc.base)
			})
			c := s.client(t)
			var seen []*http.Cookie
			c.HTTP.Transport = watching{c.HTTP.Transport, func(res *http.Response) { seen = append(seen, res.Cookies()...) }}
			c.LogIn(t, c.Activate(t, s.company.Invitation.Token, s.company.Invitation.Code), "")
			c.Must(t, http.StatusNoContent, http.MethodDelete, "/api/v1/session", nil, nil)
			var names []string
			for _, k := range seen {
				names = append(names, k.Name)
				if k.Path != "/" || k.Domain != "" || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Secure != (tc.prefix != "") {
					t.Errorf("Set-Cookie: %s", k.Raw)
				}
				if ends := k.MaxAge < 0; ends != (k.Value == "") {
					t.Errorf("Set-Cookie: %s", k.Raw)
				}
			}
			want := []string{tc.prefix + "adgang_login", tc.prefix + "adgang_session", tc.prefix + "adgang_login", tc.prefix + "adgang_session"}
			if !slices.Equal(names, want) {
				t.Errorf("cookies = %v, want %v", names, want)
			}
		})
	}
}

// watching shows each answer to someone.
type watching struct {
	http.RoundTripper
	see func(*http.Response)
}

func (w watching) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.RoundTripper.RoundTrip(r)
	if err == nil {
		w.see(res)
	}
	return res, err
}

// The address in the audit log is the socket's, unless a trusted proxy says
// another.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, proxies, forwarded, want string }{
		{"no proxy is trusted", "", "198.51.100.1", "192.0.2.9"},
		{"the proxy is trusted", "192.0.2.0/24", "198.51.100.1", "198.51.100.1"},
		{"the client lies to the proxy", "192.0.2.0/24", "203.0.113.66, 198.51.100.1", "198.51.100.1"},
		{"another proxy is trusted", "10.0.0.0/8", "198.51.100.1", "192.0.2.9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testkit.SQLite(t), func(o *web.Options) {
				if tc.proxies != "" {
					o.Proxies = []netip.Prefix{netip.MustParsePrefix(tc.proxies)}
				}
			})
			a := s.client(t).Do(t, http.MethodPost, "/api/v1/activation/certificate",
				map[string]any{"token": s.company.Invitation.Token, "code": "WRONG", "csr": request(t)}, "X-Forwarded-For", tc.forwarded)
			refused(t, "a wrong code", a, http.StatusUnprocessableEntity, "credential.activation.code")
			var address string
			err := s.DB.NewSelect().Table("audit_entry").Column("address").Where("verb = 'activation.refuse'").Scan(t.Context(), &address)
			if err != nil || address != tc.want {
				t.Errorf("address on record = %q, %v, want %s", address, err, tc.want)
			}
		})
	}
}
