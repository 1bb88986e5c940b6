package pki_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	der := h.issue(t, key, someone())
	leaf, err := h.trust.Verify(der, day)
	if err != nil {
		t.Fatal(err)
	}
	if !key.PublicKey.Equal(leaf.PublicKey) {
		t.Error("PublicKey is another")
	}
	leaf.PublicKey = nil
	want := pki.Leaf{
		Profile: pki.ProfileEmployee, Person: true,
		Serial:       pki.SerialOf(parse(t, der).SerialNumber),
		Issuer:       pki.SerialOf(parse(t, h.issuing).SerialNumber),
		CVR:          "12345678",
		UUID:         "0197e3c5-8c0a-7b5e-9d3b-0a1b2c3d4e5f",
		Organisation: "Ærøskøbing Rør & VVS ApS",
		GivenName:    "Åse Bjørk",
		Surname:      "Sørensen",
		Email:        "aase@example.dk",
		NotBefore:    day.Truncate(time.Second),
		NotAfter:     day.Truncate(time.Second).AddDate(0, 0, 1095).Add(-time.Second),
	}
	if *leaf != want {
		t.Errorf("Verify = %+v, want %+v", *leaf, want)
	}
}

func TestVerifyInstant(t *testing.T) {
	t.Parallel()
	h, other := newHierarchy(t, pki.ECDSA), newHierarchy(t, pki.ECDSA)
	der := h.issue(t, newKey(t), someone())
	foreign := other.issue(t, newKey(t), someone())
	from := day.Truncate(time.Second)
	end := from.AddDate(0, 0, 1095)
	for _, tc := range []struct {
		name string
		der  []byte
		at   time.Time
		want pki.Reason
	}{
		{"first instant", der, from, ""},
		{"just before", der, from.Add(-time.Microsecond), pki.NotYetValid},
		{"before the authority", der, start.AddDate(-1, 0, 0), pki.NotYetValid},
		{"last instant", der, end.Add(-time.Microsecond), ""},
		{"just after", der, end, pki.Expired},
		{"after the authority", der, start.AddDate(30, 0, 0), pki.Expired},
		{"another authority", foreign, from, pki.OtherAuthority},
		{"another authority, expired", foreign, end, pki.OtherAuthority},
		{"signature changed", flipLast(der), from, pki.OtherAuthority},
		{"name changed", bytes.Replace(der, []byte("12345678"), []byte("87654321"), 1), from, pki.OtherAuthority},
		{"the issuing CA itself", h.issuing, from, pki.OtherProfile},
		{"the root", h.root, from, pki.OtherAuthority},
		{"trailing octet", append(bytes.Clone(der), 0), from, pki.Unreadable},
		{"empty", nil, from, pki.Unreadable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			leaf, err := h.trust.Verify(tc.der, tc.at)
			if got := reasonOf(err); got != tc.want {
				t.Fatalf("Verify = %v, want %q", err, tc.want)
			}
			if (leaf == nil) == (tc.want == "") {
				t.Errorf("Verify = %v beside the error %v", leaf, err)
			}
		})
	}
}

// Signed by our own issuing CA, but not an employee's certificate as profiled.
func TestVerifyOtherProfile(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	good := h.issue(t, key, someone())
	for _, tc := range []struct {
		name   string
		change func(*x509.Certificate)
		want   pki.Reason
	}{
		{"nothing", func(*x509.Certificate) {}, ""},
		{"no policy", policy(), pki.OtherProfile},
		{"a policy below ours", policy(pki.EmployeePolicy + ".1"), pki.OtherProfile},
		{"two policies", policy(pki.EmployeePolicy, "1.2.3"), pki.OtherProfile},
		{"may not sign", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }, pki.OtherProfile},
		{"an organisation's UUID", rename(t, 3, "UI:DK-O:G:0197e3c5-8c0a-7b5e-9d3b-0a1b2c3d4e5f"), pki.OtherProfile},
		{"a UUID in upper case", rename(t, 3, "UI:DK-E:G:0197E3C5-8C0A-7B5E-9D3B-0A1B2C3D4E5F"), ""},
		{"Swedish organisation", rename(t, 1, "NTRSE-12345678"), pki.OtherProfile},
		{"CVR of nine", rename(t, 1, "NTRDK-123456789"), pki.OtherProfile},
		{"no surname", rename(t, 5, ""), pki.OtherProfile},
		{"unknown critical extension", func(c *x509.Certificate) {
			extra([]int{1, 2, 3, 4}, []byte{5, 0})(c)
			c.ExtraExtensions[0].Critical = true
		}, pki.OtherProfile},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			c.PublicKey, c.Extensions = nil, nil
			tc.change(c)
			der, err := x509.CreateCertificate(rand.Reader, c, parse(t, h.issuing), key.Public(), h.issuingKey)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.trust.Verify(der, day); reasonOf(err) != tc.want {
				t.Errorf("Verify = %v, want %q", err, tc.want)
			}
		})
	}
}

// An old issuing CA stays trusted beside the new one; a leaf names its own.
func TestTrustRollover(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	second, key, err := pki.NewIssuing(pki.Authority{Algorithm: pki.ECDSA, Installation: "Adgang", Number: 2, NotBefore: start}, h.root, h.rootKey)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := pki.NewIssuer(second, urls, "")
	if err != nil {
		t.Fatal(err)
	}
	newer := &hierarchy{issuer: issuer, issuingKey: key}
	both, err := pki.NewTrust([][]byte{h.root}, [][]byte{h.issuing, second})
	if err != nil {
		t.Fatal(err)
	}
	for der, ca := range map[string][]byte{
		string(h.issue(t, newKey(t), someone())):     h.issuing,
		string(newer.issue(t, newKey(t), someone())): second,
	} {
		leaf, err := both.Verify([]byte(der), day)
		if err != nil || leaf.Issuer != pki.SerialOf(parse(t, ca).SerialNumber) {
			t.Errorf("Verify = %v, %v", leaf, err)
		}
	}
	if _, err := h.trust.Verify(newer.issue(t, newKey(t), someone()), day); reasonOf(err) != pki.OtherAuthority {
		t.Errorf("Verify below an issuing CA that is not trusted = %v", err)
	}
	other := newHierarchy(t, pki.ECDSA)
	if _, err := pki.NewTrust([][]byte{h.root}, [][]byte{other.issuing}); err == nil {
		t.Error("NewTrust of an issuing CA below another root = nil")
	}
}

func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	for _, alg := range []pki.Algorithm{pki.ECDSA, pki.RSA} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			h := newHierarchy(t, alg)
			der := h.issue(t, newKey(t), someone())
			serial := pki.SerialOf(parse(t, der).SerialNumber)
			crl := func(entries ...pki.Revocation) []byte {
				b, err := pki.NewCRL(h.issuing, h.issuingKey, pki.List{Number: 7, Entries: entries, ThisUpdate: day, NextUpdate: day.Add(24 * time.Hour)})
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			files := map[string][]byte{
				"root": armour("CERTIFICATE", h.root), "issuing": armour("CERTIFICATE", h.issuing), "leaf": armour("CERTIFICATE", der),
				"clean":   armour("X509 CRL", crl()),
				"revoked": armour("X509 CRL", crl(pki.Revocation{Serial: serial, At: day, Reason: pki.KeyCompromise})),
			}
			at := []string{"-attime", big.NewInt(day.Unix() + 60).String()}
			verify := append([]string{"verify", "-x509_strict", "-policy_check", "-explicit_policy", "-policy", pki.EmployeePolicy, "-CAfile", "root", "-untrusted", "issuing"}, at...)

			if out, err := openssl(t, files, append(verify, "leaf")...); err != nil || !strings.Contains(out, "leaf: OK") {
				t.Errorf("openssl verify: %v\n%s", err, out)
			}
			if out, err := openssl(t, files, append(verify, "-crl_check", "-CRLfile", "clean", "leaf")...); err != nil || !strings.Contains(out, "leaf: OK") {
				t.Errorf("openssl verify with CRL: %v\n%s", err, out)
			}
			if out, err := openssl(t, files, append(verify, "-crl_check", "-CRLfile", "revoked", "leaf")...); err == nil || !strings.Contains(out, "certificate revoked") {
				t.Errorf("openssl verify of a revoked certificate: %v\n%s", err, out)
			}
			text, err := openssl(t, files, "crl", "-in", "revoked", "-noout", "-text")
			for _, want := range []string{"X509v3 CRL Number", strings.ToUpper(string(serial)), "Key Compromise", "Mar 30 01:30:15 2026"} {
				if err != nil || !strings.Contains(text, want) {
					t.Errorf("openssl crl: %v, %q is missing in\n%s", err, want, text)
				}
			}
		})
	}
}

func armour(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
