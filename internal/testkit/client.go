package testkit

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/pki"
)

// Client talks HTTP to Adgang: as a browser with its cookies once it has logged
// in, or as a program with an API token.
type Client struct {
	Base  string // BASE_URL
	Token string // sent as a bearer token, "" = none
	CSRF  string // sent with every request, "" = not; LogIn fills it in
	HTTP  *http.Client
}

// NewClient has no cookies yet and follows no redirects. transport is nil for the
// network.
func NewClient(t testing.TB, base string, transport http.RoundTripper) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Base: base, HTTP: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// InProcess is a transport that hands requests to a handler, with no network
// between. An aborted answer is an error, as it is over the network.
type InProcess struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p InProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() {
		if cause := recover(); cause == http.ErrAbortHandler { //nolint:errorlint // a panic's value is no wrapped error
			err = http.ErrAbortHandler
		} else if cause != nil {
			panic(cause)
		}
	}()
	in := r.Clone(r.Context())
	in.Host, in.RemoteAddr, in.RequestURI = r.URL.Host, "192.0.2.9:4711", r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, in)
	res = w.Result()
	res.Request = r
	return res, nil
}

// Answer is a response, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body.
func (a Answer) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("answer %d: %v: %s", a.Status, err, a.Body)
	}
}

// Code is the code of a problem document, "" for any other body.
func (a Answer) Code() string {
	var problem struct{ Code string }
	if json.Unmarshal(a.Body, &problem) != nil {
		return ""
	}
	return problem.Code
}

// Do sends a request to a path below Base, or to a whole URL. The body is nil, an
// io.Reader whose content type is in header, or a value that is sent as JSON;
// header is names and values in turn.
func (c *Client) Do(t testing.TB, method, path string, body any, header ...string) Answer {
	t.Helper()
	r := c.Request(t, method, path, body, header...)
	res, err := c.HTTP.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: text}
}

// Request prepares what Do sends.
func (c *Client) Request(t testing.TB, method, path string, body any, header ...string) *http.Request {
	t.Helper()
	reader, kind := io.Reader(nil), ""
	switch b := body.(type) {
	case nil:
	case io.Reader:
		reader = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader, kind = bytes.NewReader(text), "application/json"
	}
	if strings.HasPrefix(path, "/") {
		path = c.Base + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": kind, "X-CSRF-Token": c.CSRF, "Authorization": c.bearer()} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (c *Client) bearer() string {
	if c.Token == "" {
		return ""
	}
	return "Bearer " + c.Token
}

// Must is Do for a request that has to be answered with status; into, unless nil,
// gets the JSON.
func (c *Client) Must(t testing.TB, status int, method, path string, body, into any) Answer {
	t.Helper()
	a := c.Do(t, method, path, body)
	if a.Status != status {
		t.Fatalf("%s %s = %d %s, want %d", method, path, a.Status, a.Body, status)
	}
	if into != nil {
		a.JSON(t, into)
	}
	return a
}

// Activate does what the activation page does: a key on P-256, its request, the
// certificate for link token and installation code.
func (c *Client) Activate(t testing.TB, token, code string) KeyFile {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	request, requestErr := pki.NewRequest(key)
	if err := errors.Join(err, requestErr); err != nil {
		t.Fatal(err)
	}
	var issued struct {
		Certificate []byte `json:"certificate"`
		Serial      string `json:"serial"`
	}
	c.Must(t, http.StatusOK, http.MethodPost, "/api/v1/activation/certificate",
		map[string]any{"token": token, "code": code, "csr": request}, &issued)
	return KeyFile{Key: key, Serial: issued.Serial, Leaf: issued.Certificate}
}

// LogIn does what the login page does; flow is the one in its address, "" for
// none. It returns where the page goes next.
func (c *Client) LogIn(t testing.TB, k KeyFile, flow string) (next string) {
	t.Helper()
	var ask struct{ ID, Text string }
	c.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/login/challenges", map[string]any{"flow": flow}, &ask)
	algorithm, signature := k.Sign(t, ask.Text)
	var answer struct{ Continue string }
	c.Must(t, http.StatusOK, http.MethodPost, "/api/v1/login/key-file", map[string]any{
		"challenge_id": ask.ID, "algorithm": algorithm, "chain": [][]byte{k.Leaf}, "signature": signature,
	}, &answer)
	var session struct {
		CSRF string `json:"csrf_token"`
	}
	c.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &session)
	c.CSRF = session.CSRF
	return answer.Continue
}
