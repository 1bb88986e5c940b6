package pki_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/pki"
)

// prime returns the first prime that next makes.
func prime(next func() *big.Int) *big.Int {
	for {
		if p := next(); p.ProbablyPrime(20) {
			return p
		}
	}
}

func random(t testing.TB, bits uint) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// keyOf makes the RSA key of two primes and this exponent, which Go's own maker
// would not.
func keyOf(p, q *big.Int, e int) *rsa.PrivateKey {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	return &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: e},
		D:         new(big.Int).ModInverse(big.NewInt(int64(e)), phi), Primes: []*big.Int{p, q},
	}
}

// faultyPrime is one of the library with ROCA: k*M + 65537^a mod M.
func faultyPrime(t testing.TB) *big.Int {
	t.Helper()
	product := big.NewInt(1)
	for n, i := int64(2), 0; i < 126; n++ {
		if big.NewInt(n).ProbablyPrime(0) {
			product.Mul(product, big.NewInt(n))
			i++
		}
	}
	return prime(func() *big.Int {
		k := random(t, 1535-uint(product.BitLen()))
		k.SetBit(k, 1534-product.BitLen(), 1).SetBit(k, 1535-product.BitLen(), 1)
		power := new(big.Int).Exp(big.NewInt(65537), random(t, 100), product)
		p := new(big.Int).Mul(k, product)
		p.Add(p, power)
		for p.BitLen() < 1536 {
			p.Add(p, new(big.Int).Lsh(product, 1535-uint(product.BitLen())))
		}
		return p
	})
}

// unsigned is a request with a key whose holder is not asked: the key is refused
// before the signature is looked at.
func unsigned(t testing.TB, key *rsa.PublicKey) []byte {
	t.Helper()
	signer := newKey(t)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, signer)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.MarshalPKIXPublicKey(&signer.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var parts struct {
		Content   asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &parts); err != nil {
		t.Fatal(err)
	}
	content := strings.Replace(string(parts.Content.Bytes), string(own), string(other), 1)
	parts.Content = asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: []byte(content)}
	if der, err = asn1.Marshal(parts); err != nil {
		t.Fatal(err)
	}
	return der
}

func TestWeakRSAKeysAreRefused(t *testing.T) {
	t.Parallel()
	two := big.NewInt(2)
	first := prime(func() *big.Int { p := random(t, 1536); return p.SetBit(p, 1535, 1).SetBit(p, 1534, 1).SetBit(p, 0, 1) })
	near := new(big.Int).Add(first, two)
	for !near.ProbablyPrime(20) {
		near.Add(near, two)
	}
	three := big.NewInt(3)
	for name, tc := range map[string]struct {
		key  *rsa.PublicKey
		want string
	}{
		"ROCA":           {&keyOf(faultyPrime(t), faultyPrime(t), 65537).PublicKey, "ROCA"},
		"close primes":   {&keyOf(first, near, 65537).PublicKey, "too close"},
		"a small factor": {&rsa.PublicKey{N: new(big.Int).Mul(new(big.Int).Mul(first, near), three), E: 65537}, "two large primes"},
		"a square":       {&rsa.PublicKey{N: new(big.Int).Mul(first, first), E: 65537}, "too close"},
	} {
		_, err := pki.ParseRequest(unsigned(t, tc.key))
		e, ok := errors.AsType[*pki.Error](err)
		if !ok || e.Reason != pki.WeakKey || !strings.Contains(e.Text, tc.want) {
			t.Errorf("%s: ParseRequest = %v, want %q", name, err, tc.want)
		}
	}
	// A good key is not mistaken for one of these.
	if _, err := pki.ParseRequest(unsigned(t, &rsaKey(t, 3072).PublicKey)); reasonOf(err) != pki.Unproven {
		t.Errorf("a good key without its signature: %v, want %q", err, pki.Unproven)
	}
}
