package pki_test

import (
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestAuthorities(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		alg                       pki.Algorithm
		rootBits, issuingBits     int // see keySize
		onRoot, onIssuing, onLeaf x509.SignatureAlgorithm
	}{
		{
			alg: pki.ECDSA, rootBits: 97, issuingBits: 65,
			onRoot: x509.ECDSAWithSHA384, onIssuing: x509.ECDSAWithSHA384, onLeaf: x509.ECDSAWithSHA256,
		},
		{
			alg: pki.RSA, rootBits: 4096, issuingBits: 3072,
			onRoot: x509.SHA512WithRSAPSS, onIssuing: x509.SHA512WithRSAPSS, onLeaf: x509.SHA256WithRSAPSS,
		},
	} {
		t.Run(string(tc.alg), func(t *testing.T) {
			t.Parallel()
			h := newHierarchy(t, tc.alg)
			root, issuing := parse(t, h.root), parse(t, h.issuing)
			leaf := parse(t, h.issue(t, newKey(t), someone()))
			if got, want := root.Subject.String(), "CN=Adgang OCES-style root CA,O=Adgang,C=DK"; got != want {
				t.Errorf("root is %s, want %s", got, want)
			}
			if got, want := issuing.Subject.String(), "CN=Adgang OCES-style issuing CA 1,O=Adgang,C=DK"; got != want {
				t.Errorf("issuing is %s, want %s", got, want)
			}
			if root.SignatureAlgorithm != tc.onRoot || issuing.SignatureAlgorithm != tc.onIssuing || leaf.SignatureAlgorithm != tc.onLeaf {
				t.Errorf("signed with %s, %s, %s", root.SignatureAlgorithm, issuing.SignatureAlgorithm, leaf.SignatureAlgorithm)
			}
			if a, b := keySize(t, root), keySize(t, issuing); a != tc.rootBits || b != tc.issuingBits {
				t.Errorf("key sizes are %d and %d, want %d and %d", a, b, tc.rootBits, tc.issuingBits)
			}
			if want := time.Date(2051, 1, 5, 7, 59, 59, 0, time.UTC); !root.NotAfter.Equal(want) {
				t.Errorf("root ends %s, want %s", root.NotAfter, want)
			}
			if want := time.Date(2036, 1, 5, 7, 59, 59, 0, time.UTC); !issuing.NotAfter.Equal(want) {
				t.Errorf("issuing ends %s, want %s", issuing.NotAfter, want)
			}
			if !root.IsCA || root.MaxPathLen != -1 || !issuing.IsCA || issuing.MaxPathLen != 0 || !issuing.MaxPathLenZero {
				t.Errorf("path lengths are %d and %d", root.MaxPathLen, issuing.MaxPathLen)
			}
			if want := x509.KeyUsageCertSign | x509.KeyUsageCRLSign; root.KeyUsage != want || issuing.KeyUsage != want {
				t.Errorf("key usages are %b and %b", root.KeyUsage, issuing.KeyUsage)
			}
		})
	}
}

// keySize is the length of an RSA modulus in bits, or of an elliptic point in octets.
func keySize(t *testing.T, cert *x509.Certificate) int {
	t.Helper()
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen()
	case interface{ Bytes() ([]byte, error) }:
		point, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return len(point)
	default:
		t.Fatalf("key of type %T", key)
		return 0
	}
}

func TestAuthorityRefused(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	for _, name := range []string{"", " Adgang", "Ad\x00gang", strings.Repeat("ø", 41), "den DANSKE stat 2", "Ad\u202egang"} {
		_, _, err := pki.NewRoot(pki.Authority{Algorithm: pki.ECDSA, Installation: name, NotBefore: start})
		if got := reasonOf(err); got != pki.BadSubject {
			t.Errorf("NewRoot(%q) = %v", name, err)
		}
	}
	if _, _, err := pki.NewRoot(pki.Authority{Algorithm: pki.ECDSA, Installation: strings.Repeat("ø", 40), NotBefore: start}); err != nil {
		t.Errorf("NewRoot with 40 letters = %v", err)
	}
	if _, _, err := pki.NewRoot(pki.Authority{Algorithm: "dsa", Installation: "Adgang", NotBefore: start}); err == nil {
		t.Error("NewRoot with dsa = nil")
	}
	late := pki.Authority{Algorithm: pki.ECDSA, Installation: "Adgang", Number: 2, NotBefore: start.AddDate(15, 0, 1)}
	if _, _, err := pki.NewIssuing(late, h.root, h.rootKey); reasonOf(err) != pki.AuthorityEnds {
		t.Errorf("NewIssuing beyond the root's end = %v", err)
	}
	next := pki.Authority{Algorithm: pki.ECDSA, Installation: "Adgang", Number: 2, NotBefore: start}
	if _, _, err := pki.NewIssuing(next, h.root, h.issuingKey); err == nil {
		t.Error("NewIssuing with another key = nil")
	}
	leaf := h.issue(t, newKey(t), someone())
	if _, _, err := pki.NewIssuing(next, leaf, h.rootKey); err == nil {
		t.Error("NewIssuing below an employee = nil")
	}
	if _, err := pki.NewIssuer(leaf, urls, ""); err == nil {
		t.Error("NewIssuer of an employee = nil")
	}
}

func TestKeyMarshal(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	der, err := pki.MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	back, err := pki.ParseKey(der)
	if err != nil || !key.Equal(back) {
		t.Errorf("ParseKey = %v, %v", back, err)
	}
	if _, err := pki.ParseKey(der[1:]); err == nil {
		t.Error("ParseKey of a broken key = nil")
	}
}
