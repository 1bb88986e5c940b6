package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// request is a PKCS#10 request of a new key.
func request(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, requestErr := pki.NewRequest(key)
	if err := errors.Join(err, requestErr); err != nil {
		t.Fatal(err)
	}
	return der
}

func TestActivationAndLogin(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		c, i := s.client(t), s.company.Invitation
		var shown web.Activation
		c.Must(t, http.StatusOK, http.MethodPost, "/api/v1/activation/look-up", map[string]string{"token": i.Token}, &shown)
		if shown.Name != s.company.Admin.Name() || shown.Organisation != s.company.Name || shown.TriesLeft != 5 || shown.KeyAlgorithm != "P-256" {
			t.Errorf("look-up = %+v", shown)
		}
		csr := request(t)
		refused(t, "a wrong code", c.Do(t, http.MethodPost, "/api/v1/activation/certificate",
			map[string]any{"token": i.Token, "code": "0000-0000-0000-0000", "csr": csr}), http.StatusUnprocessableEntity, "credential.activation.code")
		refused(t, "no request", c.Do(t, http.MethodPost, "/api/v1/activation/certificate",
			map[string]any{"token": i.Token, "code": i.Code, "csr": []byte("x")}), http.StatusUnprocessableEntity, "credential.request.unreadable")
		file := c.Activate(t, i.Token, strings.ToLower(strings.ReplaceAll(i.Code, "-", " ")))
		refused(t, "the link again", c.Do(t, http.MethodPost, "/api/v1/activation/look-up",
			map[string]string{"token": i.Token}), http.StatusConflict, "credential.activation.used")
		if next := c.LogIn(t, file, ""); next != "/" {
			t.Errorf("login leads to %q, want /", next)
		}
		var who web.Session
		c.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &who)
		if who.Organisation.CVR != cvr || *who.Email != s.company.Admin.Email || *who.EmployeeID != string(s.company.Admin.ID) ||
			len(who.Roles) != 2 || who.CsrfToken == "" || who.ExpiresAt == nil {
			t.Errorf("session = %+v", who)
		}
		if next := c.LogIn(t, file, "flow-1&x=/"); next != "/saml/continue?flow=flow-1%26x%3D%2F" {
			t.Errorf("login in a flow leads to %q", next)
		}
	})
}

func TestALoginCountsOnceInItsBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	c, other := s.client(t), s.client(t)
	file := c.Activate(t, s.company.Invitation.Token, s.company.Invitation.Code)
	answer := func() map[string]any {
		var ask web.Challenge
		c.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/login/challenges", map[string]string{}, &ask)
		algorithm, signature := file.Sign(t, ask.Text)
		return map[string]any{"challenge_id": ask.ID, "algorithm": algorithm, "chain": [][]byte{file.Leaf}, "signature": signature}
	}
	login := answer()
	refused(t, "another browser", other.Do(t, http.MethodPost, "/api/v1/login/key-file", login), http.StatusForbidden, "credential.login.challenge")
	c.Must(t, http.StatusOK, http.MethodPost, "/api/v1/login/key-file", login, nil)
	refused(t, "the same login again", c.Do(t, http.MethodPost, "/api/v1/login/key-file", login), http.StatusForbidden, "credential.login.challenge")

	login = answer()
	login["chain"] = [][]byte{}
	refused(t, "no certificate", c.Do(t, http.MethodPost, "/api/v1/login/key-file", login), http.StatusUnprocessableEntity, "ca.certificate.unreadable")
	if c.Do(t, http.MethodGet, "/api/v1/session", nil).Status != http.StatusOK {
		t.Error("a refused login ends the session that there is")
	}
}

// Whoever holds only the cookie, as a foreign page does, writes nothing.
func TestCSRF(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	admin := s.admin(t, s.company)
	own := admin.CSRF
	another := s.employee(t).CSRF
	invited := s.Employee(t, s.company.Organisation, "NEW", "Ida Ibsen")
	s.Invite(t, s.company.Organisation, invited)
	s.Drain(t)
	path := "/api/v1/employees/" + string(invited.ID) + "/activation"
	for name, token := range map[string]string{"none": "", "another session's": another, "a longer one": own + "a"} {
		admin.CSRF = token
		refused(t, name, admin.Do(t, http.MethodPost, path, nil), http.StatusForbidden, "session.csrf")
		refused(t, name, admin.Do(t, http.MethodDelete, "/api/v1/session", nil), http.StatusForbidden, "session.csrf")
		admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, nil)
	}
	if n := s.Drain(t); n != 0 {
		t.Errorf("refused writes left %d pieces of work", n)
	}
	admin.CSRF = own
	admin.Must(t, http.StatusOK, http.MethodPost, path, nil, nil)
}

func TestLogOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	c := s.client(t)
	var token *http.Cookie
	c.HTTP.Transport = watching{c.HTTP.Transport, func(res *http.Response) {
		for _, k := range res.Cookies() {
			if strings.HasSuffix(k.Name, "session") && k.Value != "" {
				token = k
			}
		}
	}}
	c.LogIn(t, c.Activate(t, s.company.Invitation.Token, s.company.Invitation.Code), "")
	c.Must(t, http.StatusNoContent, http.MethodDelete, "/api/v1/session", nil, nil)
	a := c.Do(t, http.MethodGet, "/api/v1/session", nil, "Cookie", token.Name+"="+token.Value)
	refused(t, "the cookie after the end", a, http.StatusUnauthorized, "session.none")
	if a.Header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		admin := s.admin(t, s.company)
		id := string(s.company.Admin.ID)
		for _, tc := range []struct {
			method, path, body, kind string
			want                     int
		}{
			{"POST", "/api/v1/login/challenges", `{"flow"`, "application/json", 400},
			{"POST", "/api/v1/login/challenges", `{"flow": 7}`, "application/json", 400},
			{"POST", "/api/v1/login/challenges", `[]`, "application/json", 400},
			{"POST", "/api/v1/login/challenges", `{"flow": "` + strings.Repeat("a", 1<<20) + `"}`, "application/json", 413},
			{"POST", "/api/v1/login/challenges", `{"flow": "` + strings.Repeat("a", 65) + `"}`, "application/json", 422},
			{"POST", "/api/v1/login/challenges", `flow=a`, "text/plain", 415},
			{"POST", "/api/v1/login/key-file", `{"challenge_id": "a\u0000b"}`, "application/json", 400},
			{"POST", "/api/v1/activation/look-up", `{"token": "\u0000"}`, "application/json", 400},
			{"POST", "/api/v1/employees/" + id + "/key-file/block", `{"reason": "a\u0000b"}`, "application/json", 400},
			{"POST", "/api/v1/employees/%00/activation", ``, "", 404},
			{"GET", "/api/v1/employees/%00", ``, "", 404},
			{"GET", "/api/v1/employees/%ff", ``, "", 404},
			{"GET", "/api/v1/batches/%00/rows", ``, "", 404},
			{"GET", "/api/v1/employees?q=%00", ``, "", 404},
			{"GET", "/api/v1/employees?q=%ff", ``, "", 404},
			{"GET", "/api/v1/employees?q=" + strings.Repeat("a", 5000), ``, "", 422},
			{"GET", "/api/v1/employees?cursor=%00", ``, "", 404},
			{"GET", "/api/v1/employees?cursor=bm90IG9uZQ", ``, "", 422},
			{"GET", "/api/v1/batches?cursor=x", ``, "", 422},
			{"GET", "/api/v1/services?cursor=x", ``, "", 422},
			{"POST", "/api/v1/services", `{}`, "application/json", 415},
			{"POST", "/api/v1/services", `<a/>`, "application/xml", 422},
			{"POST", "/api/v1/services", "<a>\x00</a>", "application/xml", 422},
		} {
			a := admin.Do(t, tc.method, tc.path, strings.NewReader(tc.body), "Content-Type", tc.kind)
			if a.Status != tc.want || a.Code() == "" {
				t.Errorf("%s %.60s %.40s = %d %s, want %d", tc.method, tc.path, tc.body, a.Status, a.Body, tc.want)
			}
		}
	})
}
