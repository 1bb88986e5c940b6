package bench_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

// BenchmarkStepCA has Adgang (SQLite) and step-ca (with its database, Badger) issue
// certificates for P-256 keys over HTTP by turns, with issuing keys of the same kind.
// The figure is certificates per second of CPU time, of the two servers with their
// databases; the clients are a process of their own. step-ca is built from its module, which
// internal/bench/stepca pins.
func BenchmarkStepCA(b *testing.B) {
	program := filepath.Join(b.TempDir(), "step-ca")
	build := exec.Command("go", "-C", "stepca", "build", "-o", program, "github.com/smallstep/certificates/cmd/step-ca")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build step-ca: %v\n%s", err, out)
	}
	for _, how := range issuings {
		if how.each < 100 {
			continue // keys of holders cost neither side much
		}
		b.Run(how.name, func(b *testing.B) { benchmarkStepCA(b, program, how) })
	}
}

func benchmarkStepCA(b *testing.B, binary string, how issuing) {
	a := programBy(b, "", "", how.authority)
	server := httptest.NewServer(a.Web)
	b.Cleanup(server.Close)
	peer := startStepCA(b, binary, how.authority)
	for b.Loop() {
		rate := comparison{name: "certificates, " + how.name + ", beside step-ca", unit: "certificates", limitName: "step-ca"}
		work := comparison{name: "certificates a second of CPU, " + how.name + ", beside step-ca", unit: "certificates", limitName: "step-ca", goal: 2}
		for round := range how.rounds {
			bodies := invited(b, a, how.each, how.key)
			requests := peer.requests(b, how.each, how.key)
			theirs := posting{URL: "https://" + peer.address + "/1.0/sign", Root: peer.root, Want: http.StatusCreated, Bodies: requests, From: -1}.
				post(b, func() time.Duration { return peer.cpu(b) })
			ours := posting{
				URL: server.URL + "/api/v1/activation/certificate", Host: a.Config.BaseURL.Host, Want: http.StatusOK, Bodies: bodies, From: round * how.each,
			}.post(b, func() time.Duration { return cpu{}.used(b) })
			rate.add(ours, theirs)
			work.add(pace{units: how.each, elapsed: ours.cpu}, pace{units: how.each, elapsed: theirs.cpu})
		}
		rate.report(b)
		work.report(b)
	}
}

// stepCA is a step-ca that serves.
type stepCA struct {
	pid      int
	address  string
	provider *ecdsa.PrivateKey // of the provisioner, whose tokens ask for certificates
	root     []byte            // DER
}

func startStepCA(b *testing.B, binary string, algorithm pki.Algorithm) *stepCA {
	b.Helper()
	dir := b.TempDir()
	authority := pki.Authority{Algorithm: algorithm, Installation: "step", NotBefore: time.Now().Add(-time.Hour)}
	root, rootKey, err := pki.NewRoot(authority)
	if err != nil {
		b.Fatal(err)
	}
	issuing, key, err := pki.NewIssuing(authority, root, rootKey)
	if err != nil {
		b.Fatal(err)
	}
	pkcs8, err := pki.MarshalKey(key)
	if err != nil {
		b.Fatal(err)
	}
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	p := &stepCA{address: l.Addr().String(), provider: ecKey(b).(*ecdsa.PrivateKey), root: root}
	_ = l.Close()
	point, err := p.provider.PublicKey.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{
		"root": file("root.crt", "CERTIFICATE", root), "crt": file("issuing.crt", "CERTIFICATE", issuing), "key": file("issuing.key", "PRIVATE KEY", pkcs8),
		"address": p.address, "dnsNames": []string{"127.0.0.1"},
		"db": map[string]string{"type": "badgerv2", "dataSource": filepath.Join(dir, "db")},
		"authority": map[string]any{"provisioners": []any{map[string]any{
			"type": "JWK", "name": "bench",
			"key": map[string]string{"use": "sig", "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "bench", "x": b64(point[1:33]), "y": b64(point[33:])},
		}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, "ca.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		b.Fatal(err)
	}
	var log bytes.Buffer
	run := exec.Command(binary, path)
	run.Env = append(os.Environ(), "STEPPATH="+dir)
	run.Stdout, run.Stderr = io.Discard, &log
	if err := run.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	p.pid = run.Process.Pid
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}}}
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("step-ca says:\n%s", log.String())
		}
	})
	testkit.Until(b, "step-ca", func() bool {
		answer, err := client.Get("https://" + p.address + "/health")
		return err == nil && answer.Body.Close() == nil
	})
	return p
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// cpu is the CPU time of the process so far.
func (p *stepCA) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, ok := readStat(fmt.Sprintf("/proc/%d/stat", p.pid))
	if !ok {
		b.Fatal("step-ca has ended")
	}
	return stat.alive
}

// requests are the bodies of n requests, each with a token and for a key of its own.
func (p *stepCA) requests(b *testing.B, n int, key func(*testing.B) crypto.Signer) [][]byte {
	b.Helper()
	bodies := make([][]byte, n)
	for i := range bodies {
		name := rand.Text()
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key(b))
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now().Unix()
		token := part(b, map[string]string{"alg": "ES256", "typ": "JWT", "kid": "bench"}) + "." + part(b, map[string]any{
			"iss": "bench", "aud": "https://" + p.address + "/1.0/sign", "sub": name, "sans": []string{name},
			"iat": now, "nbf": now - 10, "exp": now + 290, "jti": rand.Text(),
		})
		digest := sha256.Sum256([]byte(token))
		r, s, err := ecdsa.Sign(rand.Reader, p.provider, digest[:])
		if err != nil {
			b.Fatal(err)
		}
		signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		bodies[i], err = json.Marshal(map[string]string{
			"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})), "ott": token + "." + b64(signature),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return bodies
}

func part(b *testing.B, v any) string {
	b.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return b64(text)
}
