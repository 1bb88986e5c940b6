// Package mellon runs mod_auth_mellon, a SAML service provider by other hands,
// for tests: an Apache of its own from a temporary folder on a loopback port.
// Debian's packages apache2 and libapache2-mod-auth-mellon must be installed.
package mellon

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/pem"
	"html"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

var (
	//go:embed httpd.conf
	httpdConf string
	//go:embed sp.xml
	spMetadata string
)

// SP is one service provider. Its key serves for signing and for decryption.
type SP struct {
	URL      string // http://127.0.0.1:port; /private/ needs a login
	Metadata []byte // to be registered at the identity provider
	dir      string
	owner    string // account that Apache changes to, "" when not root
	listen   string
}

// New makes the folder, the key and the metadata of a service provider that
// lives as long as the test.
func New(tb testing.TB) *SP {
	tb.Helper()
	dir, err := os.MkdirTemp("", "mellon") //nolint:usetesting // Apache's account may not enter tb.TempDir
	check(tb, err)
	tb.Cleanup(func() { check(tb, os.RemoveAll(dir)) })
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	check(tb, err)
	sp := &SP{dir: dir, listen: listener.Addr().String()}
	check(tb, listener.Close())
	sp.URL = "http://" + sp.listen
	if os.Getuid() == 0 {
		sp.owner = "www-data"
	}

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(tb, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	check(tb, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	check(tb, err)
	sp.Metadata = sp.fill(tb, spMetadata, map[string]any{"URL": sp.URL, "Certificate": base64.StdEncoding.EncodeToString(certificate)})
	sp.write(tb, "sp.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	sp.write(tb, "sp.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	sp.write(tb, "sp.xml", sp.Metadata)
	sp.write(tb, "www/private/index.shtml", []byte("<pre>\n<!--#printenv --></pre>\n"))
	return sp
}

// Start runs Apache until the test ends, trusting the identity provider of the
// given metadata. Directives go into its <Location />.
func (s *SP) Start(tb testing.TB, idpMetadata []byte, directives ...string) {
	tb.Helper()
	s.write(tb, "idp.xml", idpMetadata)
	s.write(tb, "httpd.conf", s.fill(tb, httpdConf, map[string]any{
		"Dir": s.dir, "Listen": s.listen, "User": s.owner, "Modules": "/usr/lib/apache2/modules", "Directives": directives,
	}))
	s.chown(tb, s.dir)
	cmd := exec.CommandContext(tb.Context(), "/usr/sbin/apache2", "-f", filepath.Join(s.dir, "httpd.conf"), "-DFOREGROUND") //nolint:gosec // our own folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}                                                                   // Apache ends its whole group
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	check(tb, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it ends by our signal, or the log says why
	}()
	tb.Cleanup(func() { <-ended })
	if !s.answers(tb.Context(), ended) {
		tb.Fatalf("apache2 does not answer on %s:\n%s%s", s.URL, output.String(), s.Log(tb))
	}
}

// answers waits until Apache takes requests, at most half a minute.
func (s *SP) answers(ctx context.Context, ended <-chan struct{}) bool {
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
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/", nil)
			if err != nil {
				return false
			}
			if response, err := http.DefaultClient.Do(r); err == nil {
				return response.Body.Close() == nil
			}
		}
	}
}

// Log returns Apache's error log, where mellon says why it refused something.
func (s *SP) Log(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "error.log"))
	check(tb, err)
	return string(text)
}

// Attributes reads the page /private/: what mellon took from the assertion, by
// attribute name, and NAME_ID. Values are unescaped twice: mellon keeps the
// escapes of XML, the page adds those of HTML.
func Attributes(page string) map[string]string {
	got := map[string]string{}
	for line := range strings.Lines(page) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "MELLON_"), "=")
		if ok && strings.HasPrefix(strings.TrimSpace(line), "MELLON_") {
			got[html.UnescapeString(name)] = html.UnescapeString(html.UnescapeString(value))
		}
	}
	return got
}

func (s *SP) fill(tb testing.TB, text string, data map[string]any) []byte {
	tb.Helper()
	var b bytes.Buffer
	check(tb, template.Must(template.New("").Parse(text)).Execute(&b, data))
	return b.Bytes()
}

// write makes a file that Apache's account can read.
func (s *SP) write(tb testing.TB, name string, data []byte) {
	tb.Helper()
	path := filepath.Join(s.dir, name)
	check(tb, os.MkdirAll(filepath.Dir(path), 0o700))
	check(tb, os.WriteFile(path, data, 0o600))
	for path != s.dir {
		s.chown(tb, path)
		path = filepath.Dir(path)
	}
}

func (s *SP) chown(tb testing.TB, path string) {
	tb.Helper()
	if s.owner == "" {
		return
	}
	account, err := user.Lookup(s.owner)
	check(tb, err)
	uid, err := strconv.Atoi(account.Uid)
	check(tb, err)
	gid, err := strconv.Atoi(account.Gid)
	check(tb, err)
	check(tb, os.Chown(path, uid, gid))
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
