package oiosaml

import (
	"crypto/x509"
	"errors"
	"time"
)

// errMetadataSignature means that a document is not signed by a key that counts, or
// that what is signed is not what is read.
var errMetadataSignature = errors.New("the metadata is not signed by the key expected")

// SignedMetadata reads the metadata of a service as ParseMetadata does, provided
// that one of certs signed the whole of it; it returns which. The same bytes read
// without the signature must say the same, since they are what is kept. Errors: of
// ParseMetadata; any other means that the signature does not count.
func SignedMetadata(raw []byte, certs []*x509.Certificate, now time.Time) (Metadata, *x509.Certificate, error) {
	m, err := ParseMetadata(raw, now)
	if err != nil {
		return m, nil, err
	}
	root, err := parse(raw, maxMetadata)
	if err != nil {
		return m, nil, err
	}
	signed, by, err := verifyXML(root, certs)
	if err != nil {
		return m, nil, errors.Join(errMetadataSignature, err)
	}
	verified, err := readMetadata(signed, now)
	if err != nil || verified.EntityID != m.EntityID || !m.Difference(verified).Same() || !m.ValidUntil.Equal(verified.ValidUntil) {
		return m, nil, errMetadataSignature
	}
	return verified, by, nil
}

// MetadataSigner returns the certificate that a document names as its signer, if
// it verifies with it: to be shown to a person, who then trusts it or does not.
func MetadataSigner(raw []byte, now time.Time) (*x509.Certificate, error) {
	root, err := parse(raw, maxMetadata)
	if err != nil {
		return nil, err
	}
	sig, err := soleSignature(root)
	if err != nil {
		return nil, err
	}
	cert, err := certificate(sig)
	if err != nil {
		return nil, errors.Join(errMetadataSignature, err)
	}
	_, by, err := SignedMetadata(raw, []*x509.Certificate{cert}, now)
	return by, err
}
