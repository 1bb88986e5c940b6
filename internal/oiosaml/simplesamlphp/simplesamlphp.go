// Package simplesamlphp runs SimpleSAMLphp, a SAML service provider and identity
// provider by other hands, for tests: PHP's own server from a temporary folder on
// a loopback port. Debian's packages simplesamlphp, php-cli, php-xml, php-mbstring,
// php-curl and php-sqlite3 must be installed.
package simplesamlphp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"embed"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"
)

//go:embed *.php
var files embed.FS

// Schemas is the folder of the SAML schemas inside the package, for xmllint.
const Schemas = "/usr/share/simplesamlphp/schemas"

// Options are lines of PHP that go into the arrays of its configuration, over what
// stands there, such as "'nameid.encryption' => true,".
type Options struct {
	SP     []string
	IdP    []string
	Person []string // attributes of the one who is always logged in at the IdP
	// Password makes that person, "bo", log in by SimpleSAMLphp's form; "" = no form.
	Password string
	// Load runs it as one would in production: compiled scripts kept, sessions in
	// files, a log of notices only.
	Load bool
}

// Peer is one instance in both roles. As a service provider it serves at URL
// /private.php (logs in, then JSON of what it got), /state.php ("in" or "out") and
// /logout.php (logs out at the identity provider too, then "bye" and the status); as
// an identity provider /idpstate.php ("in" or "out").
type Peer struct {
	URL string // http://127.0.0.1:port
	// SP and IdP are its metadata, as it writes them itself.
	SP, IdP []byte

	dir, listen string
	options     Options
	process     *os.Process
}

// New starts an instance that trusts nobody yet. It ends with the test.
func New(tb testing.TB, o Options) *Peer {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	check(tb, err)
	p := &Peer{dir: tb.TempDir(), listen: listener.Addr().String(), options: o}
	check(tb, listener.Close())
	p.URL = "http://" + p.listen
	for _, folder := range []string{"cert", "log", "data", "tmp", "metadata", "config", "www"} {
		check(tb, os.MkdirAll(filepath.Join(p.dir, folder), 0o700))
	}
	check(tb, os.Symlink("/usr/share/simplesamlphp/www", filepath.Join(p.dir, "www", "simplesaml")))
	p.certify(tb)
	p.configure(tb, "", nil)
	for _, page := range []string{"private.php", "state.php", "logout.php", "idpstate.php"} {
		p.fill(tb, page, "www/"+page, p)
	}
	p.serve(tb)
	p.SP = p.get(tb, "/simplesaml/module.php/saml/sp/metadata.php/default-sp")
	p.IdP = p.get(tb, "/simplesaml/saml2/idp/metadata.php")
	return p
}

// Trust replaces whom the instance knows: the metadata of identity providers and
// services. Its own service provider logs in at idp, an entityID; "" = at none.
func (p *Peer) Trust(tb testing.TB, idp string, metadata ...[]byte) {
	tb.Helper()
	var partners []string
	for i, md := range metadata {
		path := filepath.Join(p.dir, fmt.Sprintf("partner%d.xml", i))
		check(tb, os.WriteFile(path, md, 0o600))
		partners = append(partners, path)
	}
	p.configure(tb, idp, partners)
}

// Process is the ID of the process whose children serve.
func (p *Peer) Process() int { return p.process.Pid }

// Log returns the instance's log, where it says why it refused something.
func (p *Peer) Log(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "log", "simplesamlphp.log"))
	check(tb, err)
	return string(text)
}

func (p *Peer) certify(tb testing.TB) {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(tb, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	check(tb, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	check(tb, err)
	check(tb, os.WriteFile(filepath.Join(p.dir, "cert", "peer.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	check(tb, os.WriteFile(filepath.Join(p.dir, "cert", "peer.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600))
}

func (p *Peer) configure(tb testing.TB, idp string, partners []string) {
	tb.Helper()
	salt := make([]byte, 16)
	_, err := rand.Read(salt)
	check(tb, err)
	_, port, err := net.SplitHostPort(p.listen)
	check(tb, err)
	data := map[string]any{
		"URL": p.URL, "Dir": p.dir, "Port": port, "Salt": hex.EncodeToString(salt), "Partners": partners, "IdP": idp,
		"SP": p.options.SP, "IdPLines": p.options.IdP, "Person": p.options.Person, "Password": p.options.Password, "Load": p.options.Load,
	}
	p.fill(tb, "config.php", "config/config.php", data)
	p.fill(tb, "authsources.php", "config/authsources.php", data)
	p.fill(tb, "idp.php", "metadata/saml20-idp-hosted.php", data)
}

func (p *Peer) fill(tb testing.TB, from, to string, data any) {
	tb.Helper()
	var b bytes.Buffer
	check(tb, template.Must(template.ParseFS(files, from)).Execute(&b, data))
	check(tb, os.WriteFile(filepath.Join(p.dir, to), b.Bytes(), 0o600))
}

func (p *Peer) serve(tb testing.TB) {
	tb.Helper()
	opcache := "0"
	if p.options.Load {
		opcache = "1"
	}
	cmd := exec.CommandContext(tb.Context(), "php", "-d", "opcache.enable="+opcache, "-d", "opcache.enable_cli="+opcache, "-S", p.listen, "-t", filepath.Join(p.dir, "www")) //nolint:gosec // our own folder
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(p.dir, "config"), "PHP_CLI_SERVER_WORKERS=4")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // the workers too
	cmd.WaitDelay = 10 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	check(tb, cmd.Start())
	p.process = cmd.Process
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it ends by our signal, or the output says why
	}()
	tb.Cleanup(func() { <-ended })
	if !p.answers(tb.Context(), ended) {
		tb.Fatalf("php does not answer on %s:\n%s", p.URL, output.String())
	}
}

// answers waits until PHP takes requests, at most half a minute.
func (p *Peer) answers(ctx context.Context, ended <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ended:
			return false
		case <-tick.C:
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/none.css", http.NoBody)
			if err != nil {
				return false
			}
			if response, err := http.DefaultClient.Do(r); err == nil {
				return response.Body.Close() == nil
			}
		}
	}
}

func (p *Peer) get(tb testing.TB, path string) []byte {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, p.URL+path, http.NoBody)
	check(tb, err)
	response, err := http.DefaultClient.Do(r)
	check(tb, err)
	defer func() { check(tb, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	check(tb, err)
	if response.StatusCode != http.StatusOK {
		tb.Fatalf("GET %s = %d: %s", path, response.StatusCode, body)
	}
	return body
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
