package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"testing"

	"github.com/adgang/adgang/internal/pki"
)

// Compare BenchmarkIssueBytes (request checked, drafted, linted, signed) with
// BenchmarkSignBare (the same certificate by one x509.CreateCertificate).
func BenchmarkIssueBytes(b *testing.B) {
	for _, alg := range []pki.Algorithm{pki.ECDSA, pki.RSA} {
		b.Run(string(alg), func(b *testing.B) {
			h := newHierarchy(b, alg)
			csr, err := pki.NewRequest(newKey(b))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r, err := pki.ParseRequest(csr)
				if err != nil {
					b.Fatal(err)
				}
				draft, err := h.issuer.Draft(r, someone(), day)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := draft.Sign(h.issuingKey); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSignBare(b *testing.B) {
	for _, alg := range []pki.Algorithm{pki.ECDSA, pki.RSA} {
		b.Run(string(alg), func(b *testing.B) {
			h := newHierarchy(b, alg)
			key := newKey(b)
			template, issuing := parse(b, h.issue(b, key, someone())), parse(b, h.issuing)
			for b.Loop() {
				if _, err := x509.CreateCertificate(rand.Reader, template, issuing, key.Public(), h.issuingKey); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
