package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Algorithm is the family of keys an authority has.
type Algorithm string

const (
	// RSA is the family OCES3 uses: root 4096 bits, issuing 3072; RSASSA-PSS with
	// SHA-512 on CA certificates, with SHA-256 on all else; salt as long as the hash.
	RSA Algorithm = "rsa"
	// ECDSA is P-384 for the root and P-256 for the issuing CA.
	ECDSA Algorithm = "ecdsa"
)

// Years an authority lives, less one second.
const (
	rootYears    = 25
	issuingYears = 10
)

// Authority describes a CA that is to be made.
type Authority struct {
	Algorithm Algorithm
	// Installation names the installation, 1 to 40 characters, "Adgang" by habit:
	// it becomes O and the beginning of CN.
	Installation string
	// Number tells the issuing CAs below one root apart, from 1. A root has none.
	Number    int
	NotBefore time.Time // cut to whole seconds
	// URLs point to the parent's certificate and CRL. A root has none.
	URLs URLs
	// NewKey makes the authority's key where it is to stay, nil in memory: one of RSA
	// with so many bits, or for 0 one on the curve.
	NewKey func(bits int, curve elliptic.Curve) (crypto.Signer, error)
}

// URLs of an issuer's certificate (caIssuers), its CRL and its OCSP responder, for
// the certificates it signs. "" leaves the entry out. PartMark in CRL stands for
// the part of the list that a certificate belongs to.
type URLs struct {
	Certificate string
	CRL         string
	OCSP        string
}

// PartMark is replaced by the number of a part.
const PartMark = "{part}"

// Parts is how many parts the revocation list of an issuing CA has. It is fixed:
// certificates name their part.
const Parts = 128

// Part tells to which part, 0 to Parts-1, a certificate belongs: the last seven
// bits of its serial number, which are random.
func (s Serial) Part() int {
	n := s.Int()
	if n == nil {
		return 0
	}
	return int(new(big.Int).And(n, big.NewInt(Parts-1)).Int64())
}

// CRLOf is the address of one part.
func (u URLs) CRLOf(part int) string { return strings.ReplaceAll(u.CRL, PartMark, strconv.Itoa(part)) }

// NewRoot makes a self-signed root of 25 years, "<installation> OCES-style root
// CA". The caller seals the key. Errors: BadSubject.
func NewRoot(a Authority) (certificate []byte, key crypto.Signer, err error) {
	template, err := a.template("root CA", rootYears)
	if err != nil {
		return nil, nil, err
	}
	key, err = a.key(4096, elliptic.P384())
	if err != nil {
		return nil, nil, err
	}
	template.MaxPathLen = -1
	der, err := signCA(template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign root: %w", err)
	}
	return der, key, nil
}

// NewIssuing makes an issuing CA of 10 years below root, "<installation>
// OCES-style issuing CA <number>": it may sign leaves only (path length 0), under
// any policy. Errors: BadSubject, AuthorityEnds when it would outlive the root.
func NewIssuing(a Authority, root []byte, rootKey crypto.Signer) (certificate []byte, key crypto.Signer, err error) {
	parent, err := parseCA(root)
	if err != nil {
		return nil, nil, err
	}
	template, err := a.template(fmt.Sprintf("issuing CA %d", a.Number), issuingYears)
	if err != nil {
		return nil, nil, err
	}
	if err := within(parent, template.NotBefore, template.NotAfter); err != nil {
		return nil, nil, err
	}
	key, err = a.key(3072, elliptic.P256())
	if err != nil {
		return nil, nil, err
	}
	template.MaxPathLenZero = true
	template.Policies = []x509.OID{anyPolicy}
	a.URLs.apply(template)
	der, err := signCA(template, parent, key.Public(), rootKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign issuing CA: %w", err)
	}
	return der, key, nil
}

// MarshalKey writes an authority's key as PKCS#8, in the clear: seal it.
func MarshalKey(key crypto.Signer) ([]byte, error) { return x509.MarshalPKCS8PrivateKey(key) }

// ParseKey is the inverse of MarshalKey.
func ParseKey(pkcs8 []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("read PKCS#8: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key of type %T cannot sign", key)
	}
	return signer, nil
}

func (a Authority) template(role string, years int) (*x509.Certificate, error) {
	name := a.Installation
	if n := utf8.RuneCountInString(name); n < 1 || n > 40 || fit(name) != name || !printable(name) {
		return nil, refuse(BadSubject, "The installation's name must have 1 to 40 printable characters without surplus blanks.")
	}
	if strings.Contains(strings.ToLower(name), "den danske stat") {
		return nil, refuse(BadSubject, "An installation must not call itself Den Danske Stat.")
	}
	subject, err := marshalName([]attribute{
		{oidCountry, asn1.TagPrintableString, "DK"},
		{oidOrganisation, asn1.TagUTF8String, name},
		{oidCommonName, asn1.TagUTF8String, name + " OCES-style " + role},
	})
	if err != nil {
		return nil, err
	}
	notBefore := a.NotBefore.UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber:          NewSerial().Int(),
		RawSubject:            subject,
		NotBefore:             notBefore,
		NotAfter:              notBefore.AddDate(years, 0, 0).Add(-time.Second),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

func (u URLs) apply(template *x509.Certificate) {
	if u.Certificate != "" {
		template.IssuingCertificateURL = []string{u.Certificate}
	}
	if u.CRL != "" {
		template.CRLDistributionPoints = []string{u.CRLOf(SerialOf(template.SerialNumber).Part())}
	}
	if u.OCSP != "" {
		template.OCSPServer = []string{u.OCSP}
	}
}

// signCA signs and lints. A root is linted after its key has signed it, which
// harms nobody: nobody trusts it yet.
func signCA(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	id, err := keyID(public)
	if err != nil {
		return nil, err
	}
	template.SubjectKeyId = id
	template.SignatureAlgorithm = signatureAlgorithm(key.Public(), true)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	if findings := lintRFC(der, PolicyArc); len(findings) > 0 {
		return nil, &LintError{Findings: findings}
	}
	return der, nil
}

// key makes the authority's key.
func (a Authority) key(bits int, curve elliptic.Curve) (crypto.Signer, error) {
	switch {
	case a.NewKey == nil:
		return newKey(a.Algorithm, bits, curve)
	case a.Algorithm == RSA:
		return a.NewKey(bits, nil)
	case a.Algorithm == ECDSA:
		return a.NewKey(0, curve)
	}
	return nil, fmt.Errorf("authority algorithm %q is neither %q nor %q", a.Algorithm, RSA, ECDSA)
}

func newKey(alg Algorithm, bits int, curve elliptic.Curve) (crypto.Signer, error) {
	switch alg {
	case RSA:
		return rsa.GenerateKey(rand.Reader, bits)
	case ECDSA:
		return ecdsa.GenerateKey(curve, rand.Reader)
	default:
		return nil, fmt.Errorf("authority algorithm %q is neither %q nor %q", alg, RSA, ECDSA)
	}
}

// signatureAlgorithm is the one that an authority with this key signs with: CA
// certificates, or leaves and CRLs. For ECDSA the curve decides (zero = default).
func signatureAlgorithm(authority crypto.PublicKey, onCA bool) x509.SignatureAlgorithm {
	_, isRSA := authority.(*rsa.PublicKey)
	switch {
	case !isRSA:
		return x509.UnknownSignatureAlgorithm
	case onCA:
		return x509.SHA512WithRSAPSS
	default:
		return x509.SHA256WithRSAPSS
	}
}

// keyID is method 1 of RFC 7093: the leftmost 160 bits of SHA-256 over the
// subjectPublicKey bits.
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	bits, err := keyBits(der)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bits)
	return sum[:20], nil
}

func parseCA(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	if !cert.BasicConstraintsValid || !cert.IsCA || len(cert.SubjectKeyId) == 0 {
		return nil, errors.New("read authority: not the certificate of a CA")
	}
	return cert, nil
}

// within refuses a validity that its issuer does not cover: verifiers want every
// certificate of a chain valid at once.
func within(issuer *x509.Certificate, notBefore, notAfter time.Time) error {
	if notBefore.Before(issuer.NotBefore) || notAfter.After(issuer.NotAfter) {
		return refuse(AuthorityEnds, "The issuing authority is valid from %s to %s, which does not cover %s to %s.",
			issuer.NotBefore.Format(time.DateOnly), issuer.NotAfter.Format(time.DateOnly),
			notBefore.Format(time.DateOnly), notAfter.Format(time.DateOnly))
	}
	return nil
}
