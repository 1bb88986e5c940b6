package main_test

import (
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/testkit"
)

// checker is openssl in a folder with the authority's certificates.
type checker struct{ dir string }

func (c checker) put(t *testing.T, name string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(c.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c checker) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = c.dir
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// The whole story with openssl as the one who relies on certificates: it finds
// lists and responder by the addresses in them.
func TestAuthorityForOpenSSL(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	p.Serve(t)
	web := p.Client(t)
	first := web.Activate(t, p.Link, p.Code)
	openssl := checker{t.TempDir()}
	file := func(path string) []byte { return web.Must(t, http.StatusOK, http.MethodGet, path, nil, nil).Body }
	openssl.put(t, "root", file("/ca/root.cer"))
	openssl.put(t, "issuing", file("/ca/1/issuing.cer"))
	openssl.put(t, "leaf", first.Leaf)

	list := []string{"verify", "-partial_chain", "-trusted", "issuing", "-crl_check", "-crl_download", "leaf"}
	status := func(args ...string) string {
		return openssl.run(t, append([]string{
			"ocsp", "-issuer", "issuing", "-cert", "leaf", "-url", p.BaseURL + "/ca/ocsp", "-CAfile", "root", "-verify_other", "issuing",
		}, args...)...)
	}
	want := func(what, out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("%s: want %q in\n%s", what, want, out)
		}
	}
	want("responder in the certificate", openssl.run(t, "x509", "-in", "leaf", "-noout", "-ocsp_uri"), p.BaseURL+"/ca/ocsp")
	want("list", openssl.run(t, list...), "leaf: OK")
	for _, args := range [][]string{nil, {"-no_nonce"}} {
		want("status", status(args...), "Response verify OK")
		want("status", status(args...), "leaf: good")
	}

	var before, after []struct {
		Role, State, Serial string
		Number              int
	}
	p.Must(t, 0, &before, "ca", "show", "--json")
	p.Must(t, 0, &after, "ca", "rollover", "--algorithm", "ECDSA", "--json")
	if len(before) != 2 || len(after) != 3 || after[1].Number != 2 || after[1].State != "active" || after[2].State != "retired" || after[2].Serial != before[1].Serial {
		t.Errorf("authorities %+v, after the rollover %+v", before, after)
	}
	sentence(t, p.Run(t, "ca", "init", "--algorithm", "ECDSA"), 2, "RSA 4096")

	var revoked struct{ State, Reason string }
	p.Must(t, 0, &revoked, "ca", "revoke", "--reason", "key_compromise", "--json", first.Serial)
	clicked := time.Now()
	if revoked.State != "revoked" || revoked.Reason != "key_compromise" {
		t.Errorf("ca revoke = %+v", revoked)
	}
	want("status after the revocation", status(), "leaf: revoked")
	want("status after the revocation", status("-no_nonce"), "keyCompromise")
	want("list after the revocation", openssl.run(t, list...), "certificate revoked")
	t.Logf("revoked to seen by openssl in OCSP (twice) and list: %s", time.Since(clicked).Round(time.Millisecond))
	sentence(t, p.Run(t, "ca", "revoke", first.Serial), 2, "no longer possible")

	var all []struct{ Serial, State, Profile string }
	p.Must(t, 0, &all, "certificates", "list", "--org", testkit.CVR, "--json")
	if len(all) != 1 || all[0].Serial != first.Serial || all[0].State != "revoked" || all[0].Profile != "employee" {
		t.Errorf("certificates list = %+v", all)
	}
}

// GET may be cached for a minute (RFC 5019), and other faces of the protocol.
func TestStatusOverHTTP(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	p.Serve(t)
	web := p.Client(t)
	openssl := checker{t.TempDir()}
	openssl.put(t, "issuing", web.Must(t, http.StatusOK, http.MethodGet, "/ca/issuing.cer", nil, nil).Body)
	openssl.put(t, "leaf", web.Activate(t, p.Link, p.Code).Leaf)
	out := openssl.run(t, "ocsp", "-issuer", "issuing", "-cert", "leaf", "-no_nonce", "-reqout", "request")
	request, err := os.ReadFile(filepath.Join(openssl.dir, "request"))
	if err != nil {
		t.Fatal(err, out)
	}
	text := base64.StdEncoding.EncodeToString(request)
	var answers []string
	for _, path := range []string{text, url.PathEscape(text), url.QueryEscape(text)} {
		a := web.Must(t, http.StatusOK, http.MethodGet, "/ca/ocsp/"+path, nil, nil)
		answers = append(answers, string(a.Body))
		if kind, cache := a.Header.Get("Content-Type"), a.Header.Get("Cache-Control"); kind != "application/ocsp-response" || !strings.Contains(cache, "max-age=60") || a.Header.Get("Etag") == "" || a.Header.Get("Last-Modified") == "" {
			t.Errorf("GET: headers %v", a.Header)
		}
	}
	a := web.Do(t, http.MethodPost, "/ca/ocsp", strings.NewReader(string(request)), "Content-Type", "application/ocsp-request")
	if a.Status != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" || answers[0] != answers[1] || answers[0] != answers[2] || answers[0] != string(a.Body) {
		t.Errorf("POST = %d %v; the answers differ: %v", a.Status, a.Header, answers[0] != string(a.Body))
	}
	for path, want := range map[string]string{"!": "\x30\x03\x0a\x01\x01", "AAAA": "\x30\x03\x0a\x01\x01"} {
		if a := web.Do(t, http.MethodGet, "/ca/ocsp/"+path, nil); a.Status != http.StatusOK || string(a.Body) != want || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET of %s = %d %x %v", path, a.Status, a.Body, a.Header)
		}
	}
	if a := web.Do(t, http.MethodPost, "/ca/ocsp", strings.NewReader("{}"), "Content-Type", "application/json"); a.Status != http.StatusUnsupportedMediaType {
		t.Errorf("POST of JSON = %d", a.Status)
	}
	// A list that has not changed is not sent again.
	full := web.Must(t, http.StatusOK, http.MethodGet, "/ca/issuing.crl", nil, nil)
	if a := web.Do(t, http.MethodGet, "/ca/1/issuing.crl", nil, "If-None-Match", full.Header.Get("Etag")); a.Status != http.StatusNotModified {
		t.Errorf("GET of the same list = %d", a.Status)
	}
	for path, want := range map[string]int{
		"/ca/1/crl/0.crl": 200, "/ca/1/crl/127.crl": 200, "/ca/1/crl/128.crl": 404, "/ca/1/crl/00.crl": 404, "/ca/1/crl/1": 404,
		"/ca/2/issuing.crl": 404, "/ca/01/issuing.crl": 404, "/ca/root.crl": 200,
	} {
		if a := web.Do(t, http.MethodGet, path, nil); a.Status != want {
			t.Errorf("GET %s = %d, want %d", path, a.Status, want)
		}
	}
}
