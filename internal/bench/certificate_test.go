package bench_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const certificateClients = 4

// issuing is one way to measure the issuing of certificates.
type issuing struct {
	name      string
	authority pki.Algorithm
	key       func(b *testing.B) crypto.Signer // of a holder
	rounds    int
	each      int
}

// RSA keys of holders take half a second each to make, so there are fewer.
var issuings = []issuing{
	{"P-256, by RSA-3072", pki.RSA, ecKey, 5, 100},
	{"RSA-3072, by RSA-3072", pki.RSA, rsaKey, 3, 40},
	{"P-256, by ECDSA", pki.ECDSA, ecKey, 5, 100},
}

// BenchmarkCertificates has invited employees exchange link, code and PKCS#10
// request for their certificate over HTTP: checked, drafted, linted, signed, stored
// and audited. The limit is the bare x509.CreateCertificate with an issuing key of
// the same kind, on as many goroutines.
func BenchmarkCertificates(b *testing.B) {
	for _, how := range issuings {
		b.Run(how.name+"/postgres", func(b *testing.B) {
			benchmarkCertificates(b, how, "postgres", testkit.PostgresURL(b), testkit.Need(b, testkit.EnvRedis))
		})
		b.Run(how.name+"/sqlite", func(b *testing.B) { benchmarkCertificates(b, how, "sqlite", "", "") })
	}
}

func benchmarkCertificates(b *testing.B, how issuing, name, database, redis string) {
	a := programBy(b, database, redis, how.authority)
	server := httptest.NewServer(a.Web)
	b.Cleanup(server.Close)
	sign, meter := bare(b, how.authority), cpuOf(b, a.DB)
	for b.Loop() {
		result := comparison{name: "certificates over HTTP, " + how.name + ", " + name, unit: "certificates", limitName: "bare"}
		for round := range how.rounds {
			bodies := invited(b, a, how.each, how.key)
			limit := spread(b, cpu{}, how.each, func(int) error { return sign() })
			ours := spread(b, meter, how.each, func(i int) error {
				return activate(b.Context(), server.URL, a.Config.BaseURL.Host, address(round*how.each+i), bodies[i])
			})
			result.add(ours, limit)
		}
		result.report(b)
	}
}

// program is the whole program on a database, without workers.
func program(b *testing.B, database, redis string) *app.App {
	b.Helper()
	return programBy(b, database, redis, pki.RSA)
}

// programBy is program with authorities of an algorithm.
func programBy(b *testing.B, database, redis string, authority pki.Algorithm) *app.App {
	b.Helper()
	dir := b.TempDir()
	key := filepath.Join(dir, "master.key")
	if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		b.Fatal(err)
	}
	a, err := app.New(b.Context(), app.Options{
		Config: config.Config{
			Addr: "127.0.0.1:0", BaseURL: &url.URL{Scheme: "http", Host: "localhost"}, PKIURL: &url.URL{Scheme: "http", Host: "localhost"}, Data: dir, DatabaseURL: database, RedisURL: redis,
			MailFrom: "adgang@adgang.example", KeyFile: key, KeyAlgorithm: "P-256", CAAlgorithm: string(authority), MaxUpload: 1 << 20, TestData: true,
			Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Version: "bench", Migrate: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	return a
}

// invited makes n employees with an invitation and the bodies of their requests, each
// for a key of its own.
func invited(b *testing.B, a *app.App, n int, key func(*testing.B) crypto.Signer) [][]byte {
	b.Helper()
	var cvr [4]byte
	_, _ = rand.Read(cvr[:])
	o, _, _, err := a.Credential.Found(b.Context(), credential.Founding{
		CVR: fmt.Sprintf("%08d", uint32(cvr[0])<<16|uint32(cvr[1])<<8|uint32(cvr[2])), Name: "Nordvind", GivenName: "A", Surname: "B", Email: "a@b.example",
	})
	if err != nil {
		b.Fatal(err)
	}
	orders := make([]credential.Order, n)
	employees := make([]org.Employee, n)
	for i := range orders {
		rid := fmt.Sprint(i)
		employees[i] = a.Org.Prepare(org.Employee{OrgID: o.ID, RID: &rid, GivenName: "Åse", Surname: "Dahl", Email: "aase@nordvind.example"})
		orders[i] = credential.Order{Employee: employees[i]}
	}
	var invitations []credential.Invitation
	err = store.InTx(b.Context(), a.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		if _, err = store.Insert(ctx, tx, employees, ""); err != nil {
			return err
		}
		invitations, err = a.Credential.Orders(ctx, tx, access.Command(o.ID), o, orders, false)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	bodies := make([][]byte, n)
	for i, one := range invitations {
		csr, err := pki.NewRequest(key(b))
		if err != nil {
			b.Fatal(err)
		}
		if bodies[i], err = json.Marshal(map[string]any{"token": one.Token, "code": one.Code, "csr": csr}); err != nil {
			b.Fatal(err)
		}
	}
	return bodies
}

func ecKey(b *testing.B) crypto.Signer {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

func rsaKey(b *testing.B) crypto.Signer {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// client keeps a connection for each of the clients.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: certificateClients}}

// activate sends one request as a proxy would, for the employee at address.
func activate(ctx context.Context, base, host, address string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/activation/certificate", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", address)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	return err
}

// address is another one for each employee: requests from one are throttled.
func address(i int) string { return fmt.Sprintf("10.0.%d.%d", i/256, i%256) }

// bare returns what signs one certificate with an issuing key of the same kind
// and does nothing else.
func bare(b *testing.B, algorithm pki.Algorithm) func() error {
	b.Helper()
	authority := pki.Authority{Algorithm: algorithm, Installation: "Adgang", NotBefore: time.Now().Add(-time.Hour)}
	root, rootKey, err := pki.NewRoot(authority)
	if err != nil {
		b.Fatal(err)
	}
	issuing, key, err := pki.NewIssuing(authority, root, rootKey)
	if err != nil {
		b.Fatal(err)
	}
	issuer, err := pki.NewIssuer(issuing, pki.URLs{}, "")
	if err != nil {
		b.Fatal(err)
	}
	holder := ecKey(b)
	csr, err := pki.NewRequest(holder)
	if err != nil {
		b.Fatal(err)
	}
	request, err := pki.ParseRequest(csr)
	if err != nil {
		b.Fatal(err)
	}
	draft, err := issuer.Draft(request, pki.Subject{
		CVR: "11223344", Organisation: "Nordvind", UUID: "01a204db-03c3-7afe-a8ea-9bdaf53faaee", GivenName: "Åse", Surname: "Dahl",
	}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	der, err := draft.Sign(key)
	if err != nil {
		b.Fatal(err)
	}
	template, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	parent, err := x509.ParseCertificate(issuing)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		_, err := x509.CreateCertificate(rand.Reader, template, parent, holder.Public(), key)
		return err
	}
}

// spread does n things on certificateClients goroutines.
func spread(b *testing.B, meter cpu, n int, do func(i int) error) pace {
	b.Helper()
	next := make(chan int)
	failed := make(chan error, certificateClients)
	cpuBefore, start := meter.used(b), time.Now()
	var workers sync.WaitGroup
	for range certificateClients {
		workers.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case err := <-failed:
			b.Fatal(err)
		}
	}
	close(next)
	workers.Wait()
	if len(failed) > 0 {
		b.Fatal(<-failed)
	}
	return pace{units: n, elapsed: time.Since(start), cpu: meter.used(b) - cpuBefore}
}
