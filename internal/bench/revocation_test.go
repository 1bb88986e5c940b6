package bench_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/ocsp"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const revocationRounds = 5

// BenchmarkCRLBytes makes full lists in memory; the limit is x509's own writer.
func BenchmarkCRLBytes(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			issuing, key := issuingRSA(b)
			parent, err := x509.ParseCertificate(issuing)
			if err != nil {
				b.Fatal(err)
			}
			now := time.Now()
			list := pki.List{Number: 1, ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
			template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour), SignatureAlgorithm: x509.SHA256WithRSAPSS}
			for range n {
				serial := pki.NewSerial()
				list.Entries = append(list.Entries, pki.Revocation{Serial: serial, At: now, Reason: pki.KeyCompromise})
				template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
					SerialNumber: serial.Int(), RevocationTime: now, ReasonCode: 1,
				})
			}
			for b.Loop() {
				result := comparison{name: "list of " + thousands(float64(n)) + " in memory", unit: "entries", limitName: "x509"}
				for range revocationRounds {
					limit := once(b, n, func() error {
						_, err := x509.CreateRevocationList(rand.Reader, template, parent, key)
						return err
					})
					result.add(once(b, n, func() error { _, err := pki.NewCRL(issuing, key, list); return err }), limit)
				}
				result.report(b)
			}
		})
	}
}

// once times one piece of work of n units.
func once(b *testing.B, n int, do func() error) pace {
	b.Helper()
	start := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return pace{units: n, elapsed: time.Since(start)}
}

// issuingRSA is an issuing CA of the default algorithm.
func issuingRSA(b *testing.B) ([]byte, crypto.Signer) {
	b.Helper()
	authority := pki.Authority{Algorithm: pki.RSA, Installation: "Adgang", NotBefore: time.Now().Add(-time.Hour)}
	root, rootKey, err := pki.NewRoot(authority)
	if err != nil {
		b.Fatal(err)
	}
	issuing, key, err := pki.NewIssuing(authority, root, rootKey)
	if err != nil {
		b.Fatal(err)
	}
	return issuing, key
}

// BenchmarkRevocation has 100,000 revoked certificates on record, revokes one and
// measures until the list that it names, the full list and OCSP tell of it. The
// line says how often a second that could be done.
func BenchmarkRevocation(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		benchmarkRevocation(b, program(b, testkit.PostgresURL(b), testkit.Need(b, testkit.EnvRedis)))
	})
	b.Run("sqlite", func(b *testing.B) { benchmarkRevocation(b, program(b, "", "")) })
}

func benchmarkRevocation(b *testing.B, a *app.App) {
	serials := fill(b, a, 100_000)
	ctx := b.Context()
	if _, err := a.CA.CRL(ctx, 0); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var parts, fulls, statuses, elsewhere []float64
		for round := range revocationRounds {
			serial := serials[round]
			// Another node, which has the certificate as good in memory.
			told := nodeOf(a)
			for _, one := range []*ca.Service{a.CA, told} {
				if got := statusBy(b, one, serial); got != ocsp.Good {
					b.Fatalf("before the revocation OCSP says %d", got)
				}
			}
			err := store.InTx(ctx, a.DB, func(ctx context.Context, tx bun.Tx) error {
				return a.CA.RevokeIn(ctx, tx, access.Command("org"), string(serial), "key_compromise", "")
			})
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			if got := statusBy(b, told, serial); got != ocsp.Revoked {
				b.Fatalf("after the revocation the other node says %d", got)
			}
			elsewhere = append(elsewhere, ms(start))
			start = time.Now()
			part, err := a.CA.PartCRL(ctx, 1, serial.Part())
			if err != nil || !lists(b, part.DER, serial) {
				b.Fatalf("part %d does not list it (%v)", serial.Part(), err)
			}
			parts = append(parts, ms(start))
			start = time.Now()
			if got := statusBy(b, a.CA, serial); got != ocsp.Revoked {
				b.Fatalf("after the revocation OCSP says %d", got)
			}
			statuses = append(statuses, ms(start))
			if _, err := a.DB.NewUpdate().Table("revocation_list").Set("this_update = ?", store.Instant(start.Add(-time.Minute))).Where("part = -1").Exec(ctx); err != nil {
				b.Fatal(err)
			}
			other := nodeOf(a) // has read no list yet
			start = time.Now()
			full, err := other.CRL(ctx, 0)
			fulls = append(fulls, ms(start))
			if err != nil || !lists(b, full.DER, serial) {
				b.Fatalf("the full list does not list it (%v)", err)
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(parts), "part-ms")
		b.ReportMetric(median(statuses), "ocsp-ms")
		b.ReportMetric(median(elsewhere), "ocsp-other-node-ms")
		b.ReportMetric(median(fulls), "full-ms")
	}
}

// nodeOf is another node of the installation, with nothing in memory.
func nodeOf(a *app.App) *ca.Service {
	return &ca.Service{DB: a.CA.DB, Keys: a.CA.Keys, Now: a.CA.Now, Log: a.CA.Log, Address: a.CA.Address}
}

// statusBy is what a node answers about a serial number, as x/crypto reads it.
func statusBy(b *testing.B, s *ca.Service, serial pki.Serial) int {
	b.Helper()
	der, err := s.IssuingDER(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	issuing, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial.Int()}, issuing, nil)
	if err != nil {
		b.Fatal(err)
	}
	return statusIn(b, s.Status(b.Context(), request).DER)
}

// statusIn is what an OCSP answer says of the one certificate that it is about.
// x/crypto reads no answer with an RSASSA-PSS signature in it.
func statusIn(b *testing.B, der []byte) int {
	b.Helper()
	var outer struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type     asn1.ObjectIdentifier
			Response []byte
		} `asn1:"explicit,tag:0,optional"`
	}
	var basic struct {
		TBS struct {
			Responder asn1.RawValue
			Produced  time.Time `asn1:"generalized"`
			Answers   []struct {
				ID     asn1.RawValue
				Status asn1.RawValue
				This   time.Time `asn1:"generalized"`
				Next   time.Time `asn1:"generalized,explicit,tag:0,optional"`
			}
			Extensions asn1.RawValue `asn1:"optional"`
		}
		Rest  asn1.RawValue
		Sig   asn1.BitString
		Certs asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil || outer.Status != 0 {
		b.Fatalf("OCSP answer %x: %v", der, err)
	}
	if _, err := asn1.Unmarshal(outer.Bytes.Response, &basic); err != nil || len(basic.TBS.Answers) != 1 {
		b.Fatalf("OCSP answer %x: %v", der, err)
	}
	return basic.TBS.Answers[0].Status.Tag // as x/crypto numbers them: good, revoked, unknown
}

func ms(start time.Time) float64 { return float64(time.Since(start).Microseconds()) / 1000 }

func lists(b *testing.B, der []byte, serial pki.Serial) bool {
	b.Helper()
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range list.RevokedCertificateEntries {
		if pki.SerialOf(e.SerialNumber) == serial {
			return true
		}
	}
	return false
}

// fill records n certificates that were revoked yesterday, and returns the serial
// numbers of ten that count.
func fill(b *testing.B, a *app.App, n int) (live []pki.Serial) {
	b.Helper()
	var authority string
	if err := a.DB.NewSelect().Table("authority").Column("id").Where("role = 'issuing'").Scan(b.Context(), &authority); err != nil {
		b.Fatal(err)
	}
	now := store.Instant(time.Now())
	before := store.Instant(now.AddDate(0, 0, -1))
	rows := make([]ca.Certificate, n+10)
	for i := range rows {
		serial := pki.NewSerial()
		rows[i] = ca.Certificate{
			Serial: serial, OrgID: "org", EmployeeID: "e", RequestID: string(serial), AuthorityID: authority, Part: serial.Part(), Profile: "employee",
			State: ca.Revoked, KeyHash: []byte(serial), Draft: []byte{}, DER: []byte{}, NotBefore: now, NotAfter: now.AddDate(3, 0, 0), CreatedAt: now,
			RevokedAt: &before, RevokeReason: "superseded",
		}
		if i >= n {
			rows[i].State, rows[i].RevokedAt, rows[i].RevokeReason = ca.Issued, nil, ""
			live = append(live, serial)
		}
	}
	for len(rows) > 0 {
		some := rows[:min(5000, len(rows))]
		rows = rows[len(some):]
		err := store.InTx(b.Context(), a.DB, func(ctx context.Context, tx bun.Tx) error {
			_, err := store.Insert(ctx, tx, some, "")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return live
}

// question is an OCSP request about a serial number.
func question(b *testing.B, a *app.App, serial pki.Serial) []byte {
	b.Helper()
	der, err := a.CA.IssuingDER(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	issuing, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial.Int()}, issuing, nil)
	if err != nil {
		b.Fatal(err)
	}
	return request
}

func status(b *testing.B, a *app.App, serial pki.Serial) {
	b.Helper()
	if answer := a.CA.Status(b.Context(), question(b, a, serial)); len(answer.DER) < 100 {
		b.Fatalf("no answer: %x", answer.DER)
	}
}

// BenchmarkStatus has OCSP requests answered on four goroutines: each about another
// certificate (signed and stored), again by a node that has just started (read), again
// from memory, and with a nonce (signed for the asker). The limit is bare signing with
// an RSA key as the responder's.
func BenchmarkStatus(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		benchmarkStatus(b, "postgres", program(b, testkit.PostgresURL(b), testkit.Need(b, testkit.EnvRedis)))
	})
	b.Run("sqlite", func(b *testing.B) { benchmarkStatus(b, "sqlite", program(b, "", "")) })
}

func benchmarkStatus(b *testing.B, name string, a *app.App) {
	const each = 400
	fill(b, a, 10_000)
	var serials []pki.Serial
	if err := a.DB.NewSelect().Table("certificate").Column("serial").Limit(revocationRounds*each).Scan(b.Context(), &serials); err != nil {
		b.Fatal(err)
	}
	requests, nonced := make([][]byte, len(serials)), make([][]byte, len(serials))
	for i, s := range serials {
		requests[i] = question(b, a, s)
		nonced[i] = withNonce(b, requests[i])
	}
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		b.Fatal(err)
	}
	content := make([]byte, 300)
	status(b, a, serials[0]) // makes the responder
	meter := cpuOf(b, a.DB)
	for b.Loop() {
		var results []*comparison
		for _, what := range []string{"signed and stored", "read by another node", "from memory", "with a nonce"} {
			results = append(results, &comparison{name: "OCSP, " + what + ", " + name, unit: "answers", limitName: "bare signing"})
		}
		for round := range revocationRounds {
			limit := spread(b, cpu{}, each, func(int) error {
				_, err := crypto.SignMessage(key, rand.Reader, content, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256})
				return err
			})
			other := nodeOf(a)
			statusBy(b, other, serials[round*each]) // reads the responder
			ask := func(s *ca.Service, all [][]byte) pace {
				return spread(b, meter, each, func(i int) error {
					if answer := s.Status(b.Context(), all[round*each+i]); len(answer.DER) < 100 {
						return fmt.Errorf("no answer: %x", answer.DER)
					}
					return nil
				})
			}
			results[0].add(ask(a.CA, requests), limit)
			results[1].add(ask(other, requests), limit)
			results[2].add(ask(a.CA, requests), limit)
			results[3].add(ask(a.CA, nonced), limit)
		}
		for _, one := range results {
			one.report(b)
		}
	}
}

// withNonce adds a nonce to a request of x/crypto, which has no extensions.
func withNonce(b *testing.B, request []byte) []byte {
	b.Helper()
	var whole struct {
		TBS struct {
			List       asn1.RawValue
			Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
		}
	}
	if _, err := asn1.Unmarshal(request, &whole); err != nil {
		b.Fatal(err)
	}
	value, err := asn1.Marshal([]byte("0123456789abcdef"))
	if err != nil {
		b.Fatal(err)
	}
	whole.TBS.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Value: value}}
	der, err := asn1.Marshal(whole)
	if err != nil {
		b.Fatal(err)
	}
	return der
}
