package pki

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the responder is named by SHA-1 of its key (RFC 6960 section 4.2.1); nothing is signed with it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// StatusFailure is an answer without a signature (RFC 6960 section 4.2.1).
type StatusFailure uint8

// Why there is no answer.
const (
	MalformedRequest StatusFailure = 1
	InternalError    StatusFailure = 2
	TryLater         StatusFailure = 3
	Unauthorized     StatusFailure = 6 // about another CA's certificates
)

// DER is the whole answer.
func (f StatusFailure) DER() []byte { return []byte{0x30, 0x03, 0x0a, 0x01, byte(f)} }

// Status of a certificate.
type Status int

// The states that OCSP knows.
const (
	Good Status = iota
	RevokedStatus
	UnknownStatus // never issued
)

// StatusAnswer answers one question.
type StatusAnswer struct {
	ID     []byte // CertID of the question
	Status Status
	At     time.Time // of the revocation
	Reason RevocationReason
}

// Responder is a delegated OCSP responder: a certificate that its issuing CA made
// for this, and the key.
type Responder struct {
	certificate *x509.Certificate
	key         crypto.Signer
	id          []byte // SHA-1 of the key
}

// ResponderLife is how long a responder's certificate counts. It is short, since
// nobody looks whether it is revoked (id-pkix-ocsp-nocheck).
const ResponderLife = 30 * 24 * time.Hour

var oidNoCheck = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}

// NewResponder makes the certificate and the key of a responder for an issuing CA,
// valid from notBefore for ResponderLife or as long as the CA. The key is of the
// CA's family. Errors: AuthorityEnds, *LintError.
func NewResponder(issuing []byte, issuingKey crypto.Signer, notBefore time.Time) (certificate []byte, key crypto.Signer, err error) {
	ca, err := parseCA(issuing)
	if err != nil {
		return nil, nil, err
	}
	algorithm := ECDSA
	if ca.PublicKeyAlgorithm == x509.RSA {
		algorithm = RSA
	}
	notBefore = notBefore.UTC().Truncate(time.Second)
	notAfter := notBefore.Add(ResponderLife - time.Second)
	if notAfter.After(ca.NotAfter) {
		notAfter = ca.NotAfter
	}
	if err := within(ca, notBefore, notAfter); err != nil {
		return nil, nil, err
	}
	if !notAfter.After(notBefore) {
		return nil, nil, refuse(AuthorityEnds, "The issuing authority has ended.")
	}
	subject, err := marshalName([]attribute{
		{oidCountry, asn1.TagPrintableString, "DK"},
		{oidOrganisation, asn1.TagUTF8String, ca.Subject.Organization[0]},
		{oidCommonName, asn1.TagUTF8String, fit(ca.Subject.CommonName + " OCSP")},
	})
	if err != nil {
		return nil, nil, err
	}
	if key, err = newKey(algorithm, 3072, elliptic.P256()); err != nil {
		return nil, nil, err
	}
	id, err := keyID(key.Public())
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: NewSerial().Int(), RawSubject: subject, NotBefore: notBefore, NotAfter: notAfter,
		SignatureAlgorithm: signatureAlgorithm(ca.PublicKey, false), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, BasicConstraintsValid: true, SubjectKeyId: id,
		ExtraExtensions: []pkix.Extension{{Id: oidNoCheck, Value: []byte{5, 0}}},
	}, ca, key.Public(), issuingKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign OCSP responder: %w", err)
	}
	if findings := lintRFC(der, PolicyArc); len(findings) > 0 {
		return nil, nil, &LintError{Findings: findings}
	}
	return der, key, nil
}

// ReadResponder puts a responder's certificate (DER) and key together.
func ReadResponder(certificate []byte, key crypto.Signer) (*Responder, error) {
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("read OCSP responder: %w", err)
	}
	bits, err := keyBits(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, fmt.Errorf("read OCSP responder: %w", err)
	}
	id := sha1.Sum(bits) //nolint:gosec // see the import
	return &Responder{certificate: cert, key: key, id: id[:]}, nil
}

// keyBits are the subjectPublicKey of a SubjectPublicKeyInfo (DER).
func keyBits(spki []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil, err
	}
	return info.Key.Bytes, nil
}

// Answer signs an OCSP response (DER) that says what holds from thisUpdate, which
// is also when it was produced, and when to ask again. nonce is the request's, nil
// for none. golang.org/x/crypto/ocsp knows neither nonces nor RSASSA-PSS.
func (r *Responder) Answer(answers []StatusAnswer, nonce []byte, thisUpdate, nextUpdate time.Time) ([]byte, error) {
	thisUpdate, nextUpdate = thisUpdate.UTC().Truncate(time.Second), nextUpdate.UTC().Truncate(time.Second)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(r.id) })
		b.AddASN1GeneralizedTime(thisUpdate)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, a := range answers {
				a.add(b, thisUpdate, nextUpdate)
			}
		})
		if nonce != nil {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addExtension(b, oidNonce, false, func(b *cryptobyte.Builder) { b.AddBytes(nonce) })
				})
			})
		}
	})
	content, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("make OCSP response: %w", err)
	}
	signed, err := signOver(content, r.key)
	if err != nil {
		return nil, fmt.Errorf("sign OCSP response: %w", err)
	}
	return r.wrap(signed)
}

// add writes a SingleResponse.
func (a StatusAnswer) add(b *cryptobyte.Builder, thisUpdate, nextUpdate time.Time) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(a.ID)
		switch a.Status {
		case Good:
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		case RevokedStatus:
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(a.At.UTC().Truncate(time.Second))
				if a.Reason != Unspecified {
					b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(a.Reason)) })
				}
			})
		default:
			b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
		}
		b.AddASN1GeneralizedTime(thisUpdate)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(nextUpdate) })
	})
}

// wrap makes the OCSPResponse of a BasicOCSPResponse's signed parts, with the
// responder's certificate.
func (r *Responder) wrap(signed []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1})
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(signed)
						b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
							b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(r.certificate.Raw) })
						})
					})
				})
			})
		})
	})
	return b.Bytes()
}
