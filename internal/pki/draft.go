package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Issuer is an issuing CA without its key. It drafts certificates, which the key
// then signs. It is safe for concurrent use.
type Issuer struct {
	cert *x509.Certificate
	urls URLs
	arc  string // of the policies
	// twin signs drafts, so that linters see a whole certificate. It has the
	// algorithm of the issuer's key, not always its size, lives in memory only and
	// is trusted by nobody.
	twin crypto.Signer
	// parent is cert without its key, for which the twin stands in.
	parent *x509.Certificate
}

// NewIssuer reads an issuing CA's certificate (DER). urls point to that
// certificate and to its CRL. Policies of its certificates lie below policyArc, ""
// for PolicyArc. Errors: an arc that CheckPolicyArc refuses.
func NewIssuer(certificate []byte, urls URLs, policyArc string) (*Issuer, error) {
	if policyArc == "" {
		policyArc = PolicyArc
	}
	if err := CheckPolicyArc(policyArc); err != nil {
		return nil, err
	}
	cert, err := parseCA(certificate)
	if err != nil {
		return nil, err
	}
	issuer := &Issuer{cert: cert, urls: urls, arc: policyArc}
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		issuer.twin, err = rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // nobody trusts it, and it signs six times as quickly as 2048 bits
	case *ecdsa.PublicKey:
		issuer.twin, err = ecdsa.GenerateKey(key.Curve, rand.Reader)
	default:
		err = fmt.Errorf("issuing CA has a key of type %T", key)
	}
	if err != nil {
		return nil, err
	}
	parent := *cert
	parent.PublicKey = nil
	issuer.parent = &parent
	return issuer, nil
}

// Draft is a certificate before its signature: all that will be signed, linted,
// under the signature of a throwaway key. Store Serial and DER, then Sign.
type Draft struct {
	Serial    Serial
	NotBefore time.Time
	NotAfter  time.Time
	// EmailWide tells that the e-mail address is one that only readers with RFC 9598
	// see, see Mailbox.
	EmailWide bool

	der      []byte
	issuer   *x509.Certificate
	redeemed atomic.Bool
}

// Draft makes a certificate of s for the key of r, valid from notBefore, cut to
// whole seconds, for Validity. Errors: BadSubject, AuthorityEnds, *LintError.
func (i *Issuer) Draft(r *Request, s Subject, notBefore time.Time) (*Draft, error) {
	if s.Profile == "" {
		s.Profile = ProfileEmployee
	}
	notBefore = notBefore.UTC().Truncate(time.Second)
	notAfter := notBefore.Add(Validity)
	if err := within(i.cert, notBefore, notAfter); err != nil {
		return nil, err
	}
	subject, err := s.rdn()
	if err != nil {
		return nil, err
	}
	names, wide, err := s.alternativeName()
	if err != nil {
		return nil, err
	}
	policy, err := x509.ParseOID(s.Profile.Policy(i.arc))
	if err != nil {
		return nil, fmt.Errorf("draft: %w", err)
	}
	id, err := keyID(r.key)
	if err != nil {
		return nil, fmt.Errorf("draft: %w", err)
	}
	serial := NewSerial()
	template := &x509.Certificate{
		SerialNumber:          serial.Int(),
		RawSubject:            subject,
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		SignatureAlgorithm:    signatureAlgorithm(i.cert.PublicKey, false),
		KeyUsage:              leafUsage(s.Profile, r.key),
		BasicConstraintsValid: true, // OCES3 leaves say CA:FALSE, critical
		SubjectKeyId:          id,
		ExtKeyUsage:           extendedUsage(s.Profile),
		ExtraExtensions:       names,
		Policies:              []x509.OID{policy},
	}
	i.urls.apply(template)
	der, err := x509.CreateCertificate(rand.Reader, template, i.parent, r.key, i.twin)
	if err != nil {
		return nil, fmt.Errorf("draft: %w", err)
	}
	if err := i.Lint(der); err != nil {
		return nil, err
	}
	return &Draft{
		Serial: serial, NotBefore: notBefore, NotAfter: notAfter, EmailWide: wide,
		der: der, issuer: i.cert,
	}, nil
}

// alternativeName is the extension of the e-mail address, if there is one.
func (s Subject) alternativeName() (all []pkix.Extension, wide bool, err error) {
	if s.Email == "" {
		if s.Profile == ProfileSecureEmail {
			return nil, false, refuse(BadSubject, "A certificate of secure e-mail needs the e-mail address.")
		}
		return nil, false, nil
	}
	m, err := ParseMailbox(s.Email)
	if err != nil {
		return nil, false, err
	}
	e, err := m.extension()
	return []pkix.Extension{e}, m.Wide, err
}

// DER is the draft for the record: the certificate to come, but for a signature
// that verifies under no authority.
func (d *Draft) DER() []byte { return bytes.Clone(d.der) }

// ErrRedeemed is returned by the second Sign of a draft, even when the first one
// failed: its key may have signed before.
var ErrRedeemed = errors.New("draft was already redeemed")

// outer is a certificate whose parts stay as they are, so that the linted octets
// are the signed octets.
type outer struct {
	TBS       asn1.RawValue
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

// Sign has the issuer's key sign exactly the octets that were drafted and linted,
// and returns the certificate (DER). A draft is good for one call. Errors:
// ErrRedeemed.
func (d *Draft) Sign(key crypto.Signer) ([]byte, error) {
	if !d.redeemed.CompareAndSwap(false, true) {
		return nil, ErrRedeemed
	}
	var parts outer
	if _, err := asn1.Unmarshal(d.der, &parts); err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.Serial, err)
	}
	drafted := parts.TBS.FullBytes
	signature, err := crypto.SignMessage(key, rand.Reader, drafted, signerOptions(key.Public()))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.Serial, err)
	}
	parts.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	der, err := asn1.Marshal(parts)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.Serial, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.Serial, err)
	}
	if !bytes.Equal(cert.RawTBSCertificate, drafted) {
		return nil, fmt.Errorf("sign %s: the signed octets are not the drafted ones", d.Serial)
	}
	// Also finds a key that is not the issuer's, and a signer that errs.
	if err := cert.CheckSignatureFrom(d.issuer); err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.Serial, err)
	}
	return der, nil
}

// signerOptions agree with signatureAlgorithm for leaves.
func signerOptions(authority crypto.PublicKey) crypto.SignerOpts {
	switch key := authority.(type) {
	case *rsa.PublicKey:
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P384() {
			return crypto.SHA384
		}
	}
	return crypto.SHA256
}
