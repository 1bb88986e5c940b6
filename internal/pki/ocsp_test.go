package pki_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/adgang/adgang/internal/pki"
)

// question is an OCSP request as openssl writes it.
func question(t testing.TB, issuing, leaf []byte, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{"issuing": armour("CERTIFICATE", issuing), "leaf": armour("CERTIFICATE", leaf)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := append([]string{"ocsp", "-issuer", filepath.Join(dir, "issuing"), "-reqout", filepath.Join(dir, "request")}, args...)
	if out, err := exec.CommandContext(t.Context(), "openssl", append(all, "-cert", filepath.Join(dir, "leaf"))...).CombinedOutput(); err != nil {
		t.Fatalf("openssl ocsp: %v\n%s", err, out)
	}
	der, err := os.ReadFile(filepath.Join(dir, "request"))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newResponder(t testing.TB, h *hierarchy) *pki.Responder {
	t.Helper()
	certificate, key, err := pki.NewResponder(h.issuing, h.issuingKey, day.Add(-time.Hour))
	if err != nil {
		t.Fatalf("NewResponder: %v", err)
	}
	r, err := pki.ReadResponder(certificate, key)
	if err != nil {
		t.Fatalf("ReadResponder: %v", err)
	}
	return r
}

// openssl asks, we answer, openssl believes it.
func TestStatusForOpenSSL(t *testing.T) {
	t.Parallel()
	for _, alg := range []pki.Algorithm{pki.ECDSA, pki.RSA} {
		h := newHierarchy(t, alg)
		leaf := h.issue(t, newKey(t), someone())
		responder := newResponder(t, h)
		for _, tc := range []struct {
			name, hash string
			answer     pki.StatusAnswer
			want       string
		}{
			{"good", "-sha1", pki.StatusAnswer{Status: pki.Good}, "leaf: good"},
			{"revoked", "-sha256", pki.StatusAnswer{Status: pki.RevokedStatus, At: day, Reason: pki.KeyCompromise}, "Reason: keyCompromise"},
			{"revoked without a reason", "-sha512", pki.StatusAnswer{Status: pki.RevokedStatus, At: day}, "leaf: revoked"},
			{"unknown", "-sha1", pki.StatusAnswer{Status: pki.UnknownStatus}, "leaf: unknown"},
		} {
			r, err := pki.ParseStatusRequest(question(t, h.issuing, leaf, tc.hash))
			if err != nil || len(r.Questions) != 1 || len(r.Nonce) != 18 || !r.Questions[0].AsksAbout(parse(t, h.issuing)) || r.Questions[0].AsksAbout(parse(t, h.root)) {
				t.Fatalf("%s: ParseStatusRequest = %+v, %v", tc.name, r, err)
			}
			tc.answer.ID = r.Questions[0].ID
			der, err := responder.Answer([]pki.StatusAnswer{tc.answer}, r.Nonce, day, day.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			out, err := openssl(t, map[string][]byte{
				"issuing": armour("CERTIFICATE", h.issuing), "root": armour("CERTIFICATE", h.root), "leaf": armour("CERTIFICATE", leaf), "answer": der,
			}, "ocsp", "-respin", "answer", "-issuer", "issuing", "-no_nonce", tc.hash, "-cert", "leaf", "-CAfile", "root", "-verify_other", "issuing",
				"-attime", fmt.Sprint(day.Add(time.Minute).Unix()), "-validity_period", "1000000000", "-resp_text")
			if err != nil || !strings.Contains(out, "Response verify OK") || !strings.Contains(out, tc.want) || !strings.Contains(out, "OCSP Nonce") {
				t.Errorf("%s, %s: openssl ocsp: %v, want %q in\n%s", alg, tc.name, err, tc.want, out)
			}
			if alg == pki.ECDSA { // all that x/crypto can verify
				theirs, err := ocsp.ParseResponseForCert(der, parse(t, leaf), parse(t, h.issuing))
				if err != nil || theirs.Status != int(tc.answer.Status) || theirs.RevocationReason != int(tc.answer.Reason) || !theirs.NextUpdate.Equal(day.Add(time.Hour).Truncate(time.Second)) {
					t.Errorf("%s: x/crypto reads %+v, %v", tc.name, theirs, err)
				}
			}
		}
	}
}

func TestResponderCertificate(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	der, key, err := pki.NewResponder(h.issuing, h.issuingKey, day)
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, der)
	if cert.CheckSignatureFrom(parse(t, h.issuing)) != nil || cert.NotAfter.Sub(cert.NotBefore) != pki.ResponderLife-time.Second ||
		len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageOCSPSigning || cert.IsCA {
		t.Errorf("responder: %+v", cert)
	}
	out, err := openssl(t, map[string][]byte{"cert": armour("CERTIFICATE", der)}, "x509", "-in", "cert", "-noout", "-text")
	for _, want := range []string{"OCSP No Check", "OCSP Signing", "CN = Adgang OCES-style issuing CA 1 OCSP"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("openssl x509 does not show %q (%v):\n%s", want, err, out)
		}
	}
	// It answers questions and nothing else: nobody logs in with it.
	if _, err := h.trust.Verify(der, day); reasonOf(err) != pki.OtherProfile {
		t.Errorf("Verify = %v, want %q", err, pki.OtherProfile)
	}
	if key == nil || !cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
		t.Error("the key is another")
	}
	// In the last days of the authority it lives as long as that.
	ends := parse(t, h.issuing).NotAfter
	if der, _, err := pki.NewResponder(h.issuing, h.issuingKey, ends.Add(-time.Hour)); err != nil || !parse(t, der).NotAfter.Equal(ends) {
		t.Errorf("NewResponder at the end: %v", err)
	}
	if _, _, err := pki.NewResponder(h.issuing, h.issuingKey, ends.Add(time.Hour)); reasonOf(err) != pki.AuthorityEnds {
		t.Errorf("NewResponder after the end: %v, want %q", err, pki.AuthorityEnds)
	}
}

func TestStatusRequestRefused(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	leaf := h.issue(t, newKey(t), someone())
	plain := question(t, h.issuing, leaf, "-no_nonce")
	// withNonce appends the extension, with a value of n octets, to the request.
	withNonce := func(n int, wrapped, critical bool) []byte {
		value := bytes.Repeat([]byte{7}, n)
		if wrapped {
			value = der(0x04, value)
		}
		extension := der(0x06, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2})
		if critical {
			extension = append(der(0x06, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 9}), 1, 1, 0xff)
		}
		extension = append(extension, der(0x04, value)...)
		content := bytes.Clone(plain[4:]) // behind two headers of two octets, for requests of this size
		content = append(content, der(0xa2, der(0x30, der(0x30, extension)))...)
		return der(0x30, der(0x30, content))
	}
	for name, tc := range map[string]struct {
		request []byte
		ok      bool
	}{
		"plain":                       {plain, true},
		"nonce of 1":                  {withNonce(1, true, false), true},
		"nonce of 32":                 {withNonce(32, true, false), true},
		"nonce of 128":                {withNonce(128, true, false), true},
		"nonce of 0":                  {withNonce(0, true, false), false},
		"nonce of 129":                {withNonce(129, true, false), false},
		"nonce that is not wrapped":   {withNonce(32, false, false), false},
		"critical and unknown":        {withNonce(8, true, true), false},
		"more behind":                 {append(bytes.Clone(plain), 0), false},
		"cut":                         {plain[:len(plain)-1], false},
		"nothing":                     {nil, false},
		"larger than any request":     {make([]byte, 9<<10), false},
		"a certificate":               {leaf, false},
		"no question at all":          {der(0x30, der(0x30, der(0x30, nil))), false},
		"a request of version 2":      {der(0x30, der(0x30, append(der(0xa0, []byte{2, 1, 1}), plain[4:]...))), false},
		"more questions than allowed": {der(0x30, der(0x30, der(0x30, bytes.Repeat(inner(plain), 21)))), false},
		"as many as allowed":          {der(0x30, der(0x30, der(0x30, bytes.Repeat(inner(plain), 20)))), true},
	} {
		r, err := pki.ParseStatusRequest(tc.request)
		if (err == nil) != tc.ok || err != nil && (reasonOf(err) != pki.Unreadable || r != nil) {
			t.Errorf("%s: ParseStatusRequest = %+v, %v", name, r, err)
		}
	}
}

// inner is the one question in a request whose headers have two octets.
func inner(request []byte) []byte { return request[6:] }

// der wraps content in a tag.
func der(tag byte, content []byte) []byte {
	head := []byte{tag, byte(len(content))}
	if n := len(content); n > 255 {
		head = []byte{tag, 0x82, byte(n >> 8), byte(n)}
	} else if n > 127 {
		head = []byte{tag, 0x81, byte(n)}
	}
	return append(head, content...)
}

// Whatever comes in, reading it does not fail otherwise than by saying so; and
// x/crypto reads the same serial number.
func FuzzParseStatusRequest(f *testing.F) {
	h := newHierarchy(f, pki.ECDSA)
	leaf := h.issue(f, newKey(f), someone())
	issuing, err := x509.ParseCertificate(h.issuing)
	if err != nil {
		f.Fatal(err)
	}
	for _, hash := range []string{"-sha1", "-sha256"} {
		f.Add(question(f, h.issuing, leaf, hash))
		f.Add(question(f, h.issuing, leaf, hash, "-no_nonce"))
	}
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, request []byte) {
		r, err := pki.ParseStatusRequest(request)
		if err != nil {
			if reasonOf(err) != pki.Unreadable {
				t.Fatalf("ParseStatusRequest = %v", err)
			}
			return
		}
		if n := len(r.Questions); n < 1 || n > 20 || len(r.Nonce) > 131 {
			t.Fatalf("%d questions, nonce of %d octets", n, len(r.Nonce))
		}
		r.Questions[0].AsksAbout(issuing)
		if theirs, err := ocsp.ParseRequest(request); err == nil && pki.SerialOf(theirs.SerialNumber) != r.Questions[0].Serial {
			t.Fatalf("serial number %s, x/crypto reads %x", r.Questions[0].Serial, theirs.SerialNumber)
		}
	})
}
