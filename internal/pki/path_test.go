package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

// path is a root, an issuing CA and a leaf as templates, to be spoilt in one
// place before they are signed, or afterwards in their octets.
type path struct {
	root, issuing, leaf *x509.Certificate
	rootKey, issuingKey crypto.Signer
	// Whose key and name stand below the next one, nil for the ones above.
	signIssuing, signLeaf crypto.Signer
	issuingBelow          *x509.Certificate
	leafBelow             *x509.Certificate
	at                    time.Time
	after                 func(leaf []byte) []byte
}

// notTrusted stands for a hierarchy that NewTrust refuses.
const notTrusted pki.Reason = "not trusted"

// judge signs the path and has the verifier judge it.
func (p *path) judge(t *testing.T) pki.Reason {
	t.Helper()
	or := func(a, b crypto.Signer) crypto.Signer {
		if a != nil {
			return a
		}
		return b
	}
	below := func(a, b *x509.Certificate) *x509.Certificate {
		if a != nil {
			return a
		}
		return b
	}
	sign := func(template, parent *x509.Certificate, public any, key crypto.Signer) []byte {
		template.PublicKey, template.Extensions = nil, nil
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
		if err != nil {
			t.Fatalf("sign: %v", err)
		}
		return der
	}
	root := sign(p.root, p.root, p.rootKey.Public(), p.rootKey)
	issuing := sign(p.issuing, below(p.issuingBelow, p.root), p.issuingKey.Public(), or(p.signIssuing, p.rootKey))
	leaf := sign(p.leaf, below(p.leafBelow, parse(t, issuing)), newKey(t).Public(), or(p.signLeaf, p.issuingKey))
	if p.after != nil {
		leaf = p.after(leaf)
	}
	trust, err := pki.NewTrust([][]byte{root}, [][]byte{issuing})
	if err != nil {
		return notTrusted
	}
	_, err = trust.Verify(leaf, p.at)
	return reasonOf(err)
}

func critical(oid asn1.ObjectIdentifier) pkix.Extension {
	return pkix.Extension{Id: oid, Critical: true, Value: []byte{5, 0}}
}

// swapAlgorithm changes the algorithm in a certificate to another one of the same
// length; outer only where the signature says it, or inside too.
func swapAlgorithm(inside bool) func([]byte) []byte {
	es256, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2})
	if err != nil {
		panic(err)
	}
	es384 := append(bytes.Clone(es256[:len(es256)-1]), 3)
	return func(der []byte) []byte {
		out := bytes.Clone(der)
		if inside {
			return bytes.ReplaceAll(out, es256, es384)
		}
		copy(out[bytes.LastIndex(out, es256):], es384)
		return out
	}
}

// Vectors after those of NIST's PKITS and of x509-limbo, for the path that there
// is here: root, issuing CA, leaf. What must hold of an issuing CA is checked when
// it becomes trusted, the rest with each leaf. What is revoked is the business of ca,
// which alone knows.
func TestPaths(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	good := h.issue(t, newKey(t), someone())
	for _, tc := range vectors(t, h) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := &path{
				root: parse(t, h.root), issuing: parse(t, h.issuing), leaf: parse(t, good), rootKey: h.rootKey, issuingKey: h.issuingKey, at: day,
			}
			tc.spoil(p)
			if got := p.judge(t); got != tc.want {
				t.Errorf("the path is %q, want %q", got, tc.want)
			}
		})
	}
}

// vector is one path, spoilt in one way.
type vector struct {
	name  string
	spoil func(p *path)
	want  pki.Reason
}

func vectors(t *testing.T, h *hierarchy) []vector {
	t.Helper()
	foreign := newHierarchy(t, pki.ECDSA)
	stranger := newKey(t)
	return []vector{
		{"nothing wrong", func(*path) {}, ""},
		// Signatures and names.
		{"leaf signed by a stranger", func(p *path) { p.signLeaf, p.leafBelow = stranger, asCA(t, h.issuing, stranger) }, pki.OtherAuthority},
		{"leaf signed by the root in the issuing CA's name", func(p *path) { p.signLeaf, p.leafBelow = h.rootKey, asCA(t, h.issuing, h.rootKey) }, pki.OtherAuthority},
		{"issuing CA signed by a stranger", func(p *path) { p.signIssuing, p.issuingBelow = stranger, asCA(t, h.root, stranger) }, notTrusted},
		{"issuing CA signed by another root of the same name", func(p *path) { p.signIssuing, p.issuingBelow = foreign.rootKey, parse(t, foreign.root) }, notTrusted},
		{"leaf below another issuer's name", func(p *path) {
			other := *parse(t, h.issuing)
			other.RawSubject = parse(t, h.root).RawSubject
			p.leafBelow = &other
		}, pki.OtherAuthority},
		{"leaf of another hierarchy with equal names", func(p *path) { p.signLeaf, p.leafBelow = foreign.issuingKey, parse(t, foreign.issuing) }, pki.OtherAuthority},
		{"octet of the signature changed", func(p *path) { p.after = flipLast }, pki.OtherAuthority},
		{"octet of the name changed", func(p *path) {
			p.after = func(der []byte) []byte { return bytes.Replace(der, []byte("Bj"), []byte("Bk"), 1) }
		}, pki.OtherAuthority},
		{"algorithm beside the signature is another", func(p *path) { p.after = swapAlgorithm(false) }, pki.Unreadable},
		{"both algorithms are another", func(p *path) { p.after = swapAlgorithm(true) }, pki.OtherAuthority},
		{"octets after the certificate", func(p *path) { p.after = func(der []byte) []byte { return append(der, 0) } }, pki.Unreadable},
		// Basic constraints and path length.
		{"issuing CA is no CA", func(p *path) { p.issuing.IsCA, p.issuing.MaxPathLenZero = false, false }, notTrusted},
		{"issuing CA without basic constraints", func(p *path) { p.issuing.BasicConstraintsValid = false }, notTrusted},
		{"root is no CA", func(p *path) { p.root.IsCA = false }, notTrusted},
		{"leaf is a CA", func(p *path) {
			p.leaf.IsCA, p.leaf.BasicConstraintsValid, p.leaf.KeyUsage = true, true, p.leaf.KeyUsage|x509.KeyUsageCertSign
		}, pki.OtherProfile},
		// Key usage.
		{"issuing CA may not sign certificates", func(p *path) { p.issuing.KeyUsage = x509.KeyUsageCRLSign }, notTrusted},
		{"root may not sign certificates", func(p *path) { p.root.KeyUsage = x509.KeyUsageCRLSign }, notTrusted},
		{"leaf may not sign", func(p *path) { p.leaf.KeyUsage = x509.KeyUsageKeyEncipherment }, pki.OtherProfile},
		{"leaf without key usage", func(p *path) { p.leaf.KeyUsage = 0 }, pki.OtherProfile},
		// Extensions that nobody knows.
		{"unknown critical extension of the leaf", func(p *path) { p.leaf.ExtraExtensions = []pkix.Extension{critical([]int{1, 2, 3, 4})} }, pki.OtherProfile},
		{"unknown critical extension of the issuing CA", func(p *path) { p.issuing.ExtraExtensions = []pkix.Extension{critical([]int{1, 2, 3, 4})} }, pki.OtherProfile},
		{"unknown extension of the leaf that is not critical", func(p *path) {
			p.leaf.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Value: []byte{5, 0}}}
		}, ""},
		// Validity.
		{"leaf expired", func(p *path) { p.at = p.leaf.NotAfter.Add(time.Second) }, pki.Expired},
		{"leaf not yet valid", func(p *path) { p.at = p.leaf.NotBefore.Add(-time.Second) }, pki.NotYetValid},
		{"issuing CA expired while the leaf is not", func(p *path) { p.issuing.NotAfter = p.at.Add(-time.Hour) }, pki.OtherProfile},
		{"issuing CA not yet valid while the leaf is", func(p *path) { p.issuing.NotBefore = p.at.Add(time.Hour) }, pki.OtherProfile},
		{"validity turned round", func(p *path) { p.leaf.NotAfter = p.leaf.NotBefore.Add(-time.Hour) }, pki.OtherProfile},
		// Policies.
		{"no policy", func(p *path) { p.leaf.Policies = nil }, pki.OtherProfile},
		{"policy of another arc", func(p *path) { p.leaf.Policies = oids(t, "1.2.3.1") }, pki.OtherProfile},
		{"policy that only begins like ours", func(p *path) { p.leaf.Policies = oids(t, pki.EmployeePolicy+"1") }, pki.OtherProfile},
		{"any policy", func(p *path) { p.leaf.Policies = oids(t, "2.5.29.32.0") }, pki.OtherProfile},
		{"policy of another profile", func(p *path) { p.leaf.Policies = oids(t, pki.PolicyArc+".2") }, pki.OtherProfile},
		// Name constraints of the issuing CA.
		{"address outside the permitted names", func(p *path) {
			p.issuing.PermittedEmailAddresses, p.issuing.PermittedDNSDomainsCritical = []string{"elsewhere.example"}, true
		}, pki.OtherProfile},
		{"address among the excluded names", func(p *path) {
			p.issuing.ExcludedEmailAddresses, p.issuing.PermittedDNSDomainsCritical = []string{"example.dk"}, true
		}, pki.OtherProfile},
		{"address among the permitted names", func(p *path) {
			p.issuing.PermittedEmailAddresses, p.issuing.PermittedDNSDomainsCritical = []string{"example.dk"}, true
		}, ""},
	}
}

// A sub-CA that somebody signed with an issuing CA's key is no authority: its
// leaves lie too deep, and its own certificate is no employee's.
func TestPathLength(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	below := parse(t, h.issuing)
	below.PublicKey, below.Extensions, below.SerialNumber = nil, nil, big.NewInt(4711)
	below.RawSubject, below.SubjectKeyId = parse(t, h.issue(t, newKey(t), someone())).RawSubject, []byte{1, 2, 3}
	der, err := x509.CreateCertificate(rand.Reader, below, parse(t, h.issuing), key.Public(), h.issuingKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.NewTrust([][]byte{h.root}, [][]byte{der}); err == nil {
		t.Error("NewTrust takes a CA below the issuing one")
	}
	if _, err := h.trust.Verify(der, day); reasonOf(err) != pki.OtherProfile {
		t.Errorf("Verify of the CA below the issuing one = %v", err)
	}
	leaf := parse(t, h.issue(t, newKey(t), someone()))
	leaf.PublicKey, leaf.Extensions = nil, nil
	deep, err := x509.CreateCertificate(rand.Reader, leaf, parse(t, der), newKey(t).Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.trust.Verify(deep, day); reasonOf(err) != pki.OtherAuthority {
		t.Errorf("Verify of a leaf below it = %v", err)
	}
}

// asCA is the certificate as if it had this key, so that Go signs in its name.
func asCA(t *testing.T, der []byte, key crypto.Signer) *x509.Certificate {
	t.Helper()
	c := parse(t, der)
	c.PublicKey = key.Public()
	return c
}

func oids(t *testing.T, all ...string) []x509.OID {
	t.Helper()
	var out []x509.OID
	for _, one := range all {
		oid, err := x509.ParseOID(one)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, oid)
	}
	return out
}
