package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/adgang/adgang/internal/pki"
)

// Two keys of Debian's OpenSSL, as badkeys/debianopenssl publishes them: P-256 by
// openssl on amd64 with PID 1 (ecp256/ssl/le64/1-rnd.key), and the modulus of
// RSA-3072 by ssh-keygen on PowerPC with PID 0 (rsa3072/ssh/be32/0.key).
const (
	debianPoint   = "BPnSgkNGh7ehPAAw/49RaBdAepHmmAgTr0rdR6RsaFEU/X0LpSKjKgAFKShk/LhLfHPv6tRghluYMniTyQdNmGs="
	debianModulus = `AO3MFH1GXhDOmi6BnXJ9gScbBQ8SHRMsq6JNEYFk0srP1EfvLfFVatL7tJVhWqfrXGD4hsADoCZ8mn6prYiAnP7T6Uhj+S1V/8foiOmRr7ln5ymW8fM+
RRPrxLO4ClQnLDlr1+FYcySi/2WMJ3V3tnmvsVJhe27a9J7P4wu90F3D70UdvE0b+2cNbnBFVtcBukzZflNi1WM3CIPbDW7z7jeAa5mEoISIkHqqsgxcIOrd4qZhqywurQXl
8ryJE5AeN0dFVxx3ICOZGsUbJ2SVdfhft39FVm4kwlvodFC40xBv3c9GzKpEw/aOlfdZ4MWo72v71bfp1nayyipV5waQsySUePCTgl0Ta+8wUZRTcoRzgykTq0c5GoYEBk++
lJyUT3fh6WYQ6ml1h+Iua0v/UQOKeE/0AeQ1QnA4YA/ZEkzYMxBdK0h1YOAfRnnFgGHLs/zmW7P9kHyGLcW2AK2RNi92pMrRtAKH42iFqkknrOcaH2wkB1QTTljrTNXeYC3mBw==`
)

func TestWeakKeys(t *testing.T) {
	t.Parallel()
	point := decode(t, debianPoint)
	p256, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	modulus := new(big.Int).SetBytes(decode(t, debianModulus))
	if modulus.BitLen() != 3072 {
		t.Fatalf("the modulus has %d bits", modulus.BitLen())
	}
	line := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) + "\n" }
	short := shortKey(t)
	weak, err := pki.ReadWeakKeys(fstest.MapFS{
		"sha256_modulus_3072.csv":     {Data: []byte(line(modulus.Bytes()) + line([]byte("another")))},
		"sha256_xcoord_secp256r1.csv": {Data: []byte(line(point[1:33]) + line(xOf(t, short)))},
		"README.md":                   {Data: []byte("not a list")},
	})
	if err != nil || weak.Len() != 4 {
		t.Fatalf("ReadWeakKeys = %d keys, %v", weak.Len(), err)
	}
	for _, tc := range []struct {
		name string
		key  crypto.PublicKey
		want bool
	}{
		{"Debian's P-256", p256, true},
		{"Debian's RSA-3072", &rsa.PublicKey{N: modulus, E: 65537}, true},
		{"the same modulus with the exponent of ssh-keygen", &rsa.PublicKey{N: modulus, E: 35}, true},
		{"an x coordinate that begins with a zero", &short.PublicKey, true},
		{"a P-256 of our own", newKey(t).Public(), false},
		{"an RSA of our own", rsaKey(t, 3072).Public(), false},
		{"something else", "key", false},
	} {
		if got := weak.Has(tc.key); got != tc.want {
			t.Errorf("Has(%s) = %t", tc.name, got)
		}
		if (*pki.WeakKeys)(nil).Has(tc.key) {
			t.Errorf("without a list, Has(%s)", tc.name)
		}
	}
}

func TestReadWeakKeysOfWhatIsNoList(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("ab", 32)
	for name, files := range map[string]fstest.MapFS{
		"nothing":         {},
		"no list":         {"README.md": {Data: []byte(good)}},
		"a line cut off":  {"a.csv": {Data: []byte(good + "\n" + good[2:])}},
		"an SSH print":    {"a.csv": {Data: []byte(fmt.Sprintf("%x", "md5 of a key"))}},
		"not hexadecimal": {"a.csv": {Data: []byte(strings.Repeat("zz", 32))}},
	} {
		if weak, err := pki.ReadWeakKeys(files); err == nil {
			t.Errorf("%s: %d keys", name, weak.Len())
		}
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// shortKey is one of P-256 whose x coordinate begins with an octet of zeros.
func shortKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	for {
		key := newKey(t)
		if point, err := key.PublicKey.Bytes(); err == nil && point[1] == 0 {
			return key
		}
	}
}

func xOf(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(point[1:33]).Bytes()
}
