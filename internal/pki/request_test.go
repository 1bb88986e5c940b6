package pki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/adgang/adgang/internal/pki"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	p256 := newKey(t)
	good, err := pki.NewRequest(p256)
	if err != nil {
		t.Fatal(err)
	}
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rsa2048 := rsaKey(t, 2048)
	rsa3072 := rsaKey(t, 3072)
	pss := csr(t, &x509.CertificateRequest{SignatureAlgorithm: x509.SHA256WithRSAPSS}, rsa3072)

	for _, tc := range []struct {
		name string
		der  []byte
		want pki.Reason
	}{
		{"P-256", good, ""},
		{"RSA 3072, PKCS#1", csr(t, &x509.CertificateRequest{}, rsa3072), ""},
		{"RSA 3072, PSS", pss, ""},
		{"P-384", csr(t, &x509.CertificateRequest{}, p384), pki.WeakKey},
		{"Ed25519", csr(t, &x509.CertificateRequest{}, ed), pki.WeakKey},
		{"RSA 2048", csr(t, &x509.CertificateRequest{}, rsa2048), pki.WeakKey},
		{"RSA with exponent 3", unsignedRSA(t, 3072, 3), pki.WeakKey},
		{"RSA of 16,384 bits", unsignedRSA(t, 16384, 65537), pki.WeakKey},
		{"RSA of 8,192 bits, with a small factor", unsignedRSA(t, 8192, 65537), pki.WeakKey},
		{"signature changed", flipLast(good), pki.Unproven},
		{"key changed", bytes.Replace(good, p256Point(t, p256), p256Point(t, newKey(t)), 1), pki.Unproven},
		{"point off the curve", bytes.Replace(good, p256Point(t, p256), flipLast(p256Point(t, p256)), 1), pki.Unreadable},
		{"trailing octet", append(bytes.Clone(good), 0), pki.Unreadable},
		{"cut short", good[:len(good)-1], pki.Unreadable},
		{"PEM", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: good}), pki.Unreadable},
		{"empty", nil, pki.Unreadable},
		{"too large", csr(t, &x509.CertificateRequest{DNSNames: []string{string(bytes.Repeat([]byte("a"), 9000))}}, p256), pki.Unreadable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := pki.ParseRequest(tc.der)
			if got := reasonOf(err); got != tc.want {
				t.Fatalf("ParseRequest = %v, want %q", err, tc.want)
			}
			if (r == nil) == (tc.want == "") {
				t.Errorf("ParseRequest = %v beside the error %v", r, err)
			}
		})
	}
}

// SHA-1 is still accepted by the standard library in requests.
func TestRequestSHA1(t *testing.T) {
	t.Parallel()
	der := sha1CSR(t, newKey(t))
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil || parsed.CheckSignature() != nil {
		t.Fatalf("the request under test is broken: %v, %v", err, parsed.CheckSignature())
	}
	if _, err := pki.ParseRequest(der); reasonOf(err) != pki.Unproven {
		t.Errorf("ParseRequest = %v, want %q", err, pki.Unproven)
	}
}

// What the requester writes about himself must not reach the certificate.
func TestRequestNamesIgnored(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	der := csr(t, &x509.CertificateRequest{
		Subject:         pkix.Name{CommonName: "Mallory", Organization: []string{"Den Danske Stat"}},
		DNSNames:        []string{"mallory.example"},
		EmailAddresses:  []string{"mallory@example.dk"},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}},
	}, key)
	r, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	if !key.PublicKey.Equal(r.PublicKey()) {
		t.Error("PublicKey is another")
	}
	draft, err := h.issuer.Draft(r, someone(), day)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(draft.DER(), []byte("allory")) || parse(t, draft.DER()).IsCA {
		t.Errorf("the request's names are in the draft: %s", parse(t, draft.DER()).Subject)
	}
}

func FuzzParseRequest(f *testing.F) {
	good, err := pki.NewRequest(newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(flipLast(good))
	f.Add(unsignedRSA(f, 3072, 65537))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := pki.ParseRequest(der)
		switch reasonOf(err) {
		case "":
			csr, err := x509.ParseCertificateRequest(der)
			if err != nil || csr.CheckSignature() != nil || r.PublicKey() == nil {
				t.Errorf("accepted an unproven request: %x", der)
			}
		case pki.Unreadable, pki.WeakKey, pki.Unproven:
		default:
			t.Errorf("ParseRequest = %v", err)
		}
	})
}

func csr(t testing.TB, template *x509.CertificateRequest, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func flipLast(b []byte) []byte {
	c := bytes.Clone(b)
	c[len(c)-1] ^= 1
	return c
}

func p256Point(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return point
}

// tbsRequest is CertificationRequestInfo of RFC 2986.
type tbsRequest struct {
	Version    int
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Attributes asn1.RawValue
}

type signedRequest struct {
	TBS       asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

func requestInfo(t testing.TB, public any) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	tbs, err := asn1.Marshal(tbsRequest{
		Subject:    asn1.RawValue{FullBytes: []byte{0x30, 0}},
		Key:        asn1.RawValue{FullBytes: spki},
		Attributes: asn1.RawValue{FullBytes: []byte{0xa0, 0}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tbs
}

func assemble(t testing.TB, tbs []byte, alg asn1.ObjectIdentifier, signature []byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(signedRequest{
		TBS:       asn1.RawValue{FullBytes: tbs},
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: alg},
		Signature: asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// unsignedRSA asks for an RSA key that nobody has, under a signature of zeros.
func unsignedRSA(t testing.TB, bits, exponent int) []byte {
	t.Helper()
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	return assemble(t, requestInfo(t, &rsa.PublicKey{N: n, E: exponent}),
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, make([]byte, bits/8))
}

// sha1CSR is a request with a true signature by ecdsa-with-SHA1.
func sha1CSR(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	tbs := requestInfo(t, key.Public())
	h := crypto.SHA1.New()
	h.Write(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, key, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return assemble(t, tbs, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}, signature)
}
