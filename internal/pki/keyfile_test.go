package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/adgang/adgang/internal/pki"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	cert := h.issue(t, key, someone())
	const password = "blåbærgrød 7 €"
	p12, err := pki.EncodeKeyFile(key, cert, [][]byte{h.issuing, h.root}, password)
	if err != nil {
		t.Fatal(err)
	}
	back, leaf, above, err := pkcs12.DecodeChain(p12, password)
	if err != nil || !key.Equal(back.(crypto.PrivateKey)) || string(leaf.Raw) != string(cert) || len(above) != 2 {
		t.Errorf("DecodeChain: %v, %d above", err, len(above))
	}
	files := map[string][]byte{"file": p12}
	out, err := openssl(t, files, "pkcs12", "-in", "file", "-passin", "pass:"+password, "-nodes", "-info")
	for _, want := range []string{"MAC: sha256, Iteration 600000", "PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256", "BEGIN PRIVATE KEY"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("openssl pkcs12: %v, %q is missing in\n%s", err, want, out)
		}
	}
	if n := strings.Count(out, "BEGIN CERTIFICATE"); n != 3 {
		t.Errorf("openssl pkcs12 shows %d certificates, want 3", n)
	}
	if out, err := openssl(t, files, "pkcs12", "-in", "file", "-passin", "pass:wrong", "-nodes"); err == nil || !strings.Contains(out, "invalid password") {
		t.Errorf("openssl pkcs12 with a wrong password: %v\n%s", err, out)
	}
	if _, err := pki.EncodeKeyFile(key, cert, nil, ""); err == nil {
		t.Error("EncodeKeyFile without password = nil")
	}
}

func TestVerifyLogin(t *testing.T) {
	t.Parallel()
	text := []byte("adgang-keyfile-login-v1\nhttp://localhost:8080\nid\nnonce\n-\n2026-03-29T01:35:15Z")
	digest := sha256.Sum256(text)
	ec, rs := newKey(t), rsaKey(t, 3072)

	r, s, err := ecdsa.Sign(rand.Reader, ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	der, err := ecdsa.SignASN1(rand.Reader, ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	pss := func(salt int) []byte {
		sig, err := rsa.SignPSS(rand.Reader, rs, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	v15, err := rsa.SignPKCS1v15(rand.Reader, rs, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		public    crypto.PublicKey
		alg       string
		text      []byte
		signature []byte
		want      pki.Reason
	}{
		{"ES256", ec.Public(), pki.ES256, text, raw, ""},
		{"PS256", rs.Public(), pki.PS256, text, pss(32), ""},
		{"other text", ec.Public(), pki.ES256, text[1:], raw, pki.BadSignature},
		{"other key", newKey(t).Public(), pki.ES256, text, raw, pki.BadSignature},
		{"changed", ec.Public(), pki.ES256, text, flipLast(raw), pki.BadSignature},
		{"zeros", ec.Public(), pki.ES256, text, make([]byte, 64), pki.BadSignature},
		{"DER, not raw", ec.Public(), pki.ES256, text, der, pki.BadSignature},
		{"an octet more", ec.Public(), pki.ES256, text, append([]byte{0}, raw...), pki.BadSignature},
		{"empty", ec.Public(), pki.ES256, text, nil, pki.BadSignature},
		{"PS256 with P-256", ec.Public(), pki.PS256, text, raw, pki.BadSignature},
		{"ES256 with RSA", rs.Public(), pki.ES256, text, pss(32), pki.BadSignature},
		{"none", rs.Public(), "none", text, pss(32), pki.BadSignature},
		{"salt of 20", rs.Public(), pki.PS256, text, pss(20), pki.BadSignature},
		{"PKCS#1 v1.5", rs.Public(), pki.PS256, text, v15, pki.BadSignature},
		{"RSA, other text", rs.Public(), pki.PS256, text[1:], pss(32), pki.BadSignature},
		{"no key", nil, pki.ES256, text, raw, pki.BadSignature},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := pki.VerifyLogin(tc.public, tc.alg, tc.text, tc.signature); reasonOf(err) != tc.want {
				t.Errorf("VerifyLogin = %v, want %q", err, tc.want)
			}
		})
	}
}
