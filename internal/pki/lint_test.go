package pki_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

// Each case takes a good certificate's fields, spoils one thing, has the real
// issuing CA sign it, and names a lint that must see it.
func TestLint(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	good := h.issue(t, key, someone())
	if err := h.issuer.Lint(good); err != nil {
		t.Fatalf("Lint(good) = %v", err)
	}
	for _, tc := range []struct {
		name string
		make func(*x509.Certificate) (public crypto.PublicKey)
		want string
	}{
		{"nothing spoilt", func(*x509.Certificate) crypto.PublicKey { return key.Public() }, ""},
		{"short serial", spoil(key, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }), "oces_serial"},
		{"a day more", spoil(key, func(c *x509.Certificate) { c.NotAfter = c.NotAfter.AddDate(0, 0, 1) }), "oces_validity"},
		{"CA", spoil(key, func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage |= x509.KeyUsageCertSign }), "oces_basic_constraints"},
		{"certSign", spoil(key, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }), "e_ext_key_usage_cert_sign_without_ca"},
		{"keyEncipherment with P-256", spoil(key, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }), "oces_key_usage"},
		{"extended key usage", spoil(key, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), "oces_extended_key_usage"},
		{"no basicConstraints", spoil(key, func(c *x509.Certificate) { c.BasicConstraintsValid = false }), "oces_extension: 2.5.29.19 is missing"},
		{"OCES policy", spoil(key, policy("1.2.208.169.1.1.1.2.7")), "oces_policies"},
		{"NCP policy beside ours", spoil(key, policy(pki.EmployeePolicy, "0.4.0.2042.1.1")), "oces_policies"},
		{"another policy of ours", spoil(key, policy(strings.TrimSuffix(pki.EmployeePolicy, ".1")+".9")), "oces_policies"},
		{"organisation's policy on a person", spoil(key, policy(pki.ProfileOrganisation.Policy(pki.PolicyArc))), "oces_subject"},
		{"mail's policy without EKU", spoil(key, policy(pki.ProfileSecureEmail.Policy(pki.PolicyArc))), "oces_extended_key_usage"},
		{"QCStatements", spoil(key, extra(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}, []byte{0x30, 0})), "oces_extension: 1.3.6.1.5.5.7.1.3"},
		{"DNS name", spoil(key, func(c *x509.Certificate) { c.DNSNames = []string{"www.example.dk"} }), "oces_alternative_names"},
		{"e-mail with a blank", spoil(key, func(c *x509.Certificate) { c.EmailAddresses = []string{"a se@example.dk"} }), "e_ext_san_rfc822_format_invalid"},
		{"other SKI", spoil(key, func(c *x509.Certificate) { c.SubjectKeyId = make([]byte, 20) }), "oces_subject_key_id"},
		{"weak key", func(*x509.Certificate) crypto.PublicKey { return rsaKey(t, 2048).Public() }, "oces_key"},
		{"subject in another order", spoil(key, subject(pkix.Name{Country: []string{"DK"}, CommonName: "A", SerialNumber: "UI:DK-E:G:1"})), "oces_subject"},
		{"name of 65", spoil(key, rename(t, 6, strings.Repeat("ø", 65))), "e_subject_common_name_max_length"},
		{"name with a tab", spoil(key, rename(t, 2, "A\tB")), "e_subject_dn_not_printable_characters"},
		{"organisation with a CVR number of seven", spoil(key, rename(t, 1, "NTRDK-1234567")), "oces_subject"},
		{"Swedish organisation", spoil(key, rename(t, 1, "NTRSE-12345678")), "oces_subject"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			c.PublicKey, c.Extensions = nil, nil
			public := tc.make(c)
			der, err := x509.CreateCertificate(rand.Reader, c, parse(t, h.issuing), public, h.issuingKey)
			if err != nil {
				t.Fatal(err)
			}
			err = h.issuer.Lint(der)
			if tc.want == "" {
				if err != nil {
					t.Errorf("Lint = %v, want nil", err)
				}
				return
			}
			lint, ok := errors.AsType[*pki.LintError](err)
			if !ok || !strings.Contains(strings.Join(lint.Findings, "\n"), tc.want) {
				t.Errorf("Lint = %v, want %s", err, tc.want)
			}
		})
	}
}

func spoil(key crypto.Signer, change func(*x509.Certificate)) func(*x509.Certificate) crypto.PublicKey {
	return func(c *x509.Certificate) crypto.PublicKey {
		change(c)
		return key.Public()
	}
}

func policy(dotted ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Policies = nil
		for _, d := range dotted {
			oid, err := x509.ParseOID(d)
			if err != nil {
				panic(err)
			}
			c.Policies = append(c.Policies, oid)
		}
	}
}

func extra(id asn1.ObjectIdentifier, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{{Id: id, Value: value}} }
}

func subject(name pkix.Name) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.RawSubject, c.Subject = nil, name }
}

// rename changes the value of one attribute of the subject.
func rename(t *testing.T, index int, value string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		var name []rdnSET
		if _, err := asn1.Unmarshal(c.RawSubject, &name); err != nil {
			t.Fatal(err)
		}
		name[index][0].Value = asn1.RawValue{Tag: name[index][0].Value.Tag, Bytes: []byte(value)}
		raw, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		c.RawSubject = raw
	}
}

// A certificate of another issuing CA is not ours to lint.
func TestLintOtherIssuer(t *testing.T) {
	t.Parallel()
	h, other := newHierarchy(t, pki.ECDSA), newHierarchy(t, pki.ECDSA)
	err := h.issuer.Lint(other.issue(t, newKey(t), someone()))
	if err == nil || !strings.Contains(err.Error(), "oces_authority_key_id") {
		t.Errorf("Lint = %v", err)
	}
	if err := h.issuer.Lint([]byte("x")); err == nil {
		t.Error("Lint(x) = nil")
	}
}

// An authority that does not mean to be one is found before it is used.
func TestLintAuthority(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	_, _, err := pki.NewIssuing(pki.Authority{
		Algorithm: pki.ECDSA, Installation: "Adgang", Number: 2, NotBefore: start.Add(time.Hour),
		URLs: pki.URLs{Certificate: "http://localhost:8080/ca/root.cer", CRL: "ca/root.crl"},
	}, h.root, h.rootKey)
	if _, ok := errors.AsType[*pki.LintError](err); !ok {
		t.Errorf("NewIssuing with a relative CRL address = %v", err)
	}
}
