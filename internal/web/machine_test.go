package web_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var machineRules = []rule{
	{route: "GET /.well-known/est/cacerts", right: open, want: 404}, // over TLS only, see below
	{route: "POST /.well-known/est/simpleenroll", right: open, want: 404},
	{route: "POST /.well-known/est/simplereenroll", right: open, want: 404},
}

// machine is curl and OpenSSL in a folder, before the listener for machines.
type machine struct {
	*rulings
	tenant *tenant
	folder string
	url    string
}

func newMachine(t *testing.T, db *bun.DB) *machine {
	t.Helper()
	m := &machine{rulings: &rulings{site: newSite(t, db)}, folder: t.TempDir()}
	m.tenant = &tenant{Company: m.company, admin: m.admin(t, m.company), ids: map[string]string{}}
	enrolmentFixtures(t, m.rulings, m.tenant)
	pair, root := serverPair(t)
	m.write(t, "tls.pem", root)
	server := httptest.NewUnstartedServer(m.server.Machines())
	server.TLS = web.MachineTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair, nil })
	server.TLS.Certificates = []tls.Certificate{*pair} // or httptest puts its own there
	server.StartTLS()
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// serverPair is a certificate for 127.0.0.1, which signs itself.
func serverPair(t *testing.T) (pair *tls.Certificate, root []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (m *machine) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) run(t *testing.T, command string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, args...)
	cmd.Dir = m.folder
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", command, args, err, problems.String())
	}
	return out.String()
}

// counter compares the entries in the audit log since its last call.
func (m *machine) counter(t *testing.T) func(what, want string) {
	t.Helper()
	seen := map[string]bool{}
	m.logged(t, seen)
	return func(what, want string) {
		t.Helper()
		if verbs, _ := m.logged(t, seen); strings.Join(verbs, " ") != want {
			t.Errorf("%s leaves %q, want %q", what, verbs, want)
		}
	}
}

// curl returns the status and the body.
func (m *machine) curl(t *testing.T, path string, args ...string) (status, body string) {
	t.Helper()
	args = append([]string{"-sS", "--cacert", "tls.pem", "-o", "body", "-w", "%{http_code}", m.url + path}, args...)
	status = m.run(t, "curl", args...)
	read, err := os.ReadFile(filepath.Join(m.folder, "body"))
	if err != nil {
		t.Fatal(err)
	}
	return status, string(read)
}

// request makes a key and a request with OpenSSL, in base64 as EST sends it.
func (m *machine) request(t *testing.T, name string, args ...string) {
	t.Helper()
	m.run(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name+".key")
	if len(args) == 0 {
		args = []string{"req", "-new", "-subj", "/CN=whatever", "-key", name + ".key", "-outform", "DER", "-out", name + ".der"}
	}
	m.run(t, "openssl", args...)
	m.run(t, "openssl", "base64", "-in", name+".der", "-out", name+".b64")
}

// unpack writes the one certificate in the last answer.
func (m *machine) unpack(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	m.run(t, "openssl", "base64", "-d", "-in", "body", "-out", "p7")
	out := m.run(t, "openssl", "pkcs7", "-inform", "DER", "-in", "p7", "-print_certs")
	block, rest := pem.Decode([]byte(out))
	if block == nil || strings.Contains(string(rest), "BEGIN") {
		t.Fatalf("not one certificate: %s", out)
	}
	m.write(t, name, pem.EncodeToMemory(block))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (m *machine) order(t *testing.T, role access.Role) enrolment.Placed {
	t.Helper()
	by := m.tenant.Actor
	by.Roles = access.Roles
	placed, err := m.Enrolment.Order(t.Context(), by, enrolment.Terms{
		Kind: pki.ProfileSystem, Name: "Løn til Datafordeler", ContactName: "Ida", ContactEmail: "ida@nordvind.example", Role: role, Method: enrolment.ByCode,
	})
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

const (
	enroll   = "/.well-known/est/simpleenroll"
	reenroll = "/.well-known/est/simplereenroll"
)

var pkcs10 = []string{"-H", "Content-Type: application/pkcs10"}

func send(name string, more ...string) []string {
	return append(append([]string{"--data-binary", "@" + name + ".b64"}, pkcs10...), more...)
}

// A server that knows nothing of Adgang but RFC 7030: curl and OpenSSL.
func TestESTWithCurlAndOpenSSL(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := newMachine(t, db)
		placed := m.order(t, access.UserAdministrator)

		status, body := m.curl(t, "/.well-known/est/cacerts")
		if status != "200" {
			t.Fatalf("cacerts = %s %s", status, body)
		}
		m.run(t, "openssl", "base64", "-d", "-in", "body", "-out", "p7")
		m.write(t, "ca.pem", []byte(m.run(t, "openssl", "pkcs7", "-inform", "DER", "-in", "p7", "-print_certs")))

		m.request(t, "first")
		if status, _ := m.curl(t, enroll, send("first")...); status != "401" {
			t.Errorf("simpleenroll by nobody = %s", status)
		}
		if status, _ := m.curl(t, enroll, send("first", "-u", placed.Order.ID+":AAAA-AAAA-AAAA-AAAA")...); status != "401" {
			t.Errorf("simpleenroll with a wrong code = %s", status)
		}
		if status, _ := m.curl(t, enroll, send("first", "-u", "nothing:"+placed.Code)...); status != "401" {
			t.Errorf("simpleenroll of an unknown order = %s", status)
		}
		entries := m.counter(t)
		if status, body := m.curl(t, enroll, send("first", "-u", placed.Order.ID+":"+placed.Code)...); status != "200" {
			t.Fatalf("simpleenroll = %s %s", status, body)
		}
		entries("simpleenroll", "certificate.intend certificate.issue certificate_order.issue")
		first := m.unpack(t, "first.pem")
		if out := m.run(t, "openssl", "verify", "-no_check_time", "-CAfile", "ca.pem", "first.pem"); !strings.Contains(out, "OK") {
			t.Errorf("openssl verify: %s", out)
		}

		with := func(name string) []string { return []string{"--cert", name + ".pem", "--key", name + ".key"} }
		m.request(t, "second")
		m.run(t, "openssl", "x509", "-x509toreq", "-in", "first.pem", "-signkey", "second.key", "-out", "second.csr")
		m.run(t, "openssl", "req", "-in", "second.csr", "-outform", "DER", "-out", "second.der")
		m.run(t, "openssl", "base64", "-in", "second.der", "-out", "second.b64")
		if status, body := m.curl(t, reenroll, send("second")...); status != "403" {
			t.Errorf("simplereenroll without a certificate = %s %s", status, body)
		}
		entries("refusals", "")
		if status, body := m.curl(t, reenroll, send("second", with("first")...)...); status != "200" {
			t.Fatalf("simplereenroll = %s %s", status, body)
		}
		entries("simplereenroll", "certificate.intend certificate.issue certificate_order.create certificate_order.issue")
		second := m.unpack(t, "second.pem")
		if !bytes.Equal(first.RawSubject, second.RawSubject) || first.SerialNumber.Cmp(second.SerialNumber) == 0 {
			t.Errorf("the renewal is of %s, serial %x", second.Subject, second.SerialNumber)
		}
		if status, _ := m.curl(t, reenroll, send("second", with("first")...)...); status != "200" || m.unpack(t, "again.pem").SerialNumber.Cmp(second.SerialNumber) != 0 {
			t.Errorf("simplereenroll again = %s", status)
		}
		m.request(t, "third")
		if status, body := m.curl(t, reenroll, send("third", with("second")...)...); status != "400" {
			t.Errorf("simplereenroll for another subject = %s %s", status, body)
		}
		m.request(t, "third", "req", "-new", "-subj", "/", "-key", "third.key", "-outform", "DER", "-out", "third.der")
		if status, body := m.curl(t, reenroll, send("third", with("first")...)...); status != "409" {
			t.Errorf("a second successor = %s %s", status, body)
		}
		m.run(t, "openssl", "x509", "-in", "second.pem", "-noout", "-serial")
		m.talksToTheAPI(t, with)
		m.revoked(t, second, with)
	})
}

// talksToTheAPI shows the system certificate to the API.
func (m *machine) talksToTheAPI(t *testing.T, with func(string) []string) {
	t.Helper()
	status, body := m.curl(t, "/api/v1/session", with("second")...)
	var who web.Session
	if err := json.Unmarshal([]byte(body), &who); err != nil || status != "200" || who.Organisation.CVR != cvr || len(who.Roles) != 1 || string(who.Roles[0]) != string(access.UserAdministrator) {
		t.Errorf("GET /session with the certificate = %s %s, %v", status, body, err)
	}
	if status, body := m.curl(t, "/api/v1/certificate-profiles", with("second")...); status != "200" {
		t.Errorf("GET /certificate-profiles = %s %s", status, body)
	}
	if status, _ := m.curl(t, "/api/v1/services", with("second")...); status != "403" {
		t.Errorf("what the role may not = %s", status)
	}
	order := `{"kind":"organisation","name":"Fra et system","contact_name":"Ida","contact_email":"ida@nordvind.example","method":"upload"}`
	if status, body := m.curl(t, "/api/v1/certificate-profiles", append(with("second"), "-H", "Content-Type: application/json", "-d", order)...); status != "201" {
		t.Errorf("an order by a system = %s %s", status, body)
	}
	if status, _ := m.curl(t, "/api/v1/session"); status != "401" {
		t.Errorf("without a certificate = %s", status)
	}
	held, err := os.ReadFile(filepath.Join(m.folder, "second.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(held)
	for _, header := range []string{"X-SSL-Client-Cert", "X-Client-Cert", "X-Forwarded-Client-Cert", "Client-Cert", "Ssl-Client-Cert"} {
		if status, _ := m.curl(t, "/api/v1/session", "-H", header+": "+string(bytes.ReplaceAll(held, []byte("\n"), nil))); status != "401" {
			t.Errorf("a certificate in the header %s = %s", header, status)
		}
	}
	if _, err := m.Enrolment.Machine(t.Context(), block.Bytes, ""); err != nil {
		t.Errorf("the certificate itself: %v", err)
	}
	if status, _ := m.curl(t, "/login"); status != "404" {
		t.Errorf("a page for browsers = %s", status)
	}
}

// revoked revokes the certificate: the next request is refused.
func (m *machine) revoked(t *testing.T, cert *x509.Certificate, with func(string) []string) {
	t.Helper()
	by := m.tenant.Actor
	by.Roles = access.Roles
	if err := m.Enrolment.Revoke(t.Context(), by, string(pki.SerialOf(cert.SerialNumber)), "key_compromise", ""); err != nil {
		t.Fatal(err)
	}
	if status, body := m.curl(t, "/api/v1/session", with("second")...); status != "403" || !strings.Contains(body, "ca.certificate.revoked") {
		t.Errorf("a revoked certificate at the API = %s %s", status, body)
	}
	m.request(t, "late", "req", "-new", "-subj", "/", "-key", "second.key", "-outform", "DER", "-out", "late.der")
	if status, body := m.curl(t, reenroll, send("late", with("second")...)...); status != "403" {
		t.Errorf("a revoked certificate renews = %s %s", status, body)
	}
}

// A system without a role, and the certificate of an organisation, say nothing at
// the API.
func TestOnlySystemsWithARoleUseTheAPI(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := newMachine(t, db)
		placed := m.order(t, "")
		m.request(t, "plain")
		if status, body := m.curl(t, enroll, send("plain", "-u", placed.Order.ID+":"+placed.Code)...); status != "200" {
			t.Fatalf("simpleenroll = %s %s", status, body)
		}
		m.unpack(t, "plain.pem")
		if status, body := m.curl(t, "/api/v1/session", "--cert", "plain.pem", "--key", "plain.key"); status != "403" || !strings.Contains(body, "enrolment.machine.role") {
			t.Errorf("a system without a role = %s %s", status, body)
		}
	})
}
