package pki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

// start is when the tests' authorities begin; day is a day of their life.
var (
	start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	day   = time.Date(2026, 3, 29, 1, 30, 15, 999_000_000, time.UTC)
)

var urls = pki.URLs{Certificate: "http://localhost:8080/ca/issuing.cer", CRL: "http://localhost:8080/ca/issuing.crl"}

// hierarchy is a root and an issuing CA with their keys.
type hierarchy struct {
	root, issuing       []byte
	rootKey, issuingKey crypto.Signer
	issuer              *pki.Issuer
	trust               *pki.Trust
}

func newHierarchy(t testing.TB, alg pki.Algorithm) *hierarchy {
	t.Helper()
	h := &hierarchy{}
	var err error
	h.root, h.rootKey, err = pki.NewRoot(pki.Authority{Algorithm: alg, Installation: "Adgang", NotBefore: start})
	if err != nil {
		t.Fatalf("NewRoot: %v", err)
	}
	h.issuing, h.issuingKey, err = pki.NewIssuing(pki.Authority{
		Algorithm: alg, Installation: "Adgang", Number: 1, NotBefore: start,
		URLs: pki.URLs{Certificate: "http://localhost:8080/ca/root.cer"},
	}, h.root, h.rootKey)
	if err != nil {
		t.Fatalf("NewIssuing: %v", err)
	}
	h.issuer, err = pki.NewIssuer(h.issuing, urls, "")
	if err != nil {
		t.Fatalf("NewIssuer: %v", err)
	}
	h.trust, err = pki.NewTrust([][]byte{h.root}, [][]byte{h.issuing})
	if err != nil {
		t.Fatalf("NewTrust: %v", err)
	}
	return h
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func request(t testing.TB, key crypto.Signer) *pki.Request {
	t.Helper()
	der, err := pki.NewRequest(key)
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	r, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatalf("ParseRequest: %v", err)
	}
	return r
}

// issue drafts and signs at day.
func (h *hierarchy) issue(t testing.TB, key crypto.Signer, e pki.Subject) []byte {
	t.Helper()
	draft, err := h.issuer.Draft(request(t, key), e, day)
	if err != nil {
		t.Fatalf("Draft: %v", err)
	}
	der, err := draft.Sign(h.issuingKey)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return der
}

func someone() pki.Subject {
	return pki.Subject{
		CVR: "12345678", Organisation: "Ærøskøbing Rør & VVS ApS", UUID: "0197E3C5-8C0A-7B5E-9D3B-0A1B2C3D4E5F",
		GivenName: "Åse Bjørk", Surname: "Sørensen", Email: "aase@example.dk",
	}
}

// something is of the organisation, not a person.
func something(p pki.Profile) pki.Subject {
	s := pki.Subject{Profile: p, CVR: "12345678", Organisation: "Ærøskøbing Rør & VVS ApS", UUID: "0197e3c5-8c0a-7b5e-9d3b-0a1b2c3d4e60", Name: "Fjernvarme – måling"}
	if p == pki.ProfileSecureEmail {
		s.Name, s.Email = "Postkassen", "post@example.dk"
	}
	return s
}

// mailOf is the secure e-mail of someone.
func mailOf(address string) pki.Subject {
	s := someone()
	s.Profile, s.Email = pki.ProfileSecureEmail, address
	return s
}

// reasonOf is "" for nil and "other" for an error that is not a *pki.Error.
func reasonOf(err error) pki.Reason {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*pki.Error](err); ok {
		return e.Reason
	}
	return "other"
}

// openssl runs the command in a folder with the given files and returns both of
// its outputs.
func openssl(t *testing.T, files map[string][]byte, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("openssl is missing; .ci/setup installs it")
	}
	return out.String(), err
}

func TestSerial(t *testing.T) {
	t.Parallel()
	seen := map[pki.Serial]bool{}
	for range 1000 {
		s := pki.NewSerial()
		n := s.Int()
		if len(s) != 40 || n == nil || n.Sign() <= 0 || len(n.Bytes()) != 20 || n.Bytes()[0] >= 0x80 || seen[s] {
			t.Fatalf("NewSerial = %q", s)
		}
		if back, err := pki.ParseSerial(string(s)); err != nil || back != s || pki.SerialOf(n) != s {
			t.Fatalf("ParseSerial(%q) = %q, %v", s, back, err)
		}
		seen[s] = true
	}
	for _, tc := range []struct{ in, want string }{
		{"4A:0F:00", "4a0f00"},
		{" 4a 0f 00 ", "4a0f00"},
		{"0a", "0a"},
		{"a", "0a"},
		{"000a", "0a"},
		{"", ""},
		{"0", ""},
		{"-5", ""},
		{"5g", ""},
		{"0x5", ""},
		{"ff00000000000000000000000000000000000000", ""}, // 21 octets in DER
	} {
		got, err := pki.ParseSerial(tc.in)
		if string(got) != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("ParseSerial(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
		}
	}
	for _, s := range []pki.Serial{"", "xyz", "123"} {
		if n := s.Int(); n != nil {
			t.Errorf("Serial(%q).Int = %v, want nil", s, n)
		}
	}
}
