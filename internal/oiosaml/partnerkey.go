package oiosaml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
)

// minRSA is the smallest RSA modulus of a partner that counts, in bits.
const minRSA = 2048

// errWeak means that a partner's RSA key is shorter than minRSA.
var errWeak = errors.New("RSA key is too short")

// keys reads the KeyDescriptors. A key that cannot be read is a notice, unless
// it leaves the service without a signing key or, when it wants encryption,
// would make Adgang send its assertions in clear.
func (m *Metadata) keys(role *etree.Element) error {
	wantsEncryption := false
	for _, el := range children(role, nsMetadata, "KeyDescriptor") {
		use := attr(el, "use")
		wantsEncryption = wantsEncryption || use == "encryption"
		cert, err := certificate(el)
		if errors.Is(err, errWeak) {
			return invalid("key_weak", "The metadata has an RSA key shorter than %d bits: give the service a longer one.", minRSA)
		}
		if err != nil {
			m.Notices = append(m.Notices, "A key in the metadata was left out: "+err.Error()+".")
			continue
		}
		if use != "encryption" && !holds(m.Signing, cert) {
			m.Signing = append(m.Signing, cert)
		}
		if _, ok := cert.PublicKey.(*rsa.PublicKey); ok && use != "signing" {
			m.Encryption = append(m.Encryption, Recipient{Certificate: cert, Methods: methods(el)})
		}
	}
	if len(m.Signing) == 0 {
		return invalid("key", "The metadata has no usable signing key: login requests must be signed, so it needs a KeyDescriptor with an X509Certificate (RSA or ECDSA).")
	}
	if wantsEncryption && len(m.Encryption) == 0 {
		return invalid("encryption_key", "The metadata's encryption key cannot be used: it needs a KeyDescriptor with an X509Certificate for an RSA key.")
	}
	return nil
}

func holds(all []*x509.Certificate, cert *x509.Certificate) bool {
	for _, c := range all {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
			return true
		}
	}
	return false
}

// certificate reads the first certificate of a KeyDescriptor; the others, if
// any, are its chain. Dates and issuer do not matter: the metadata is the
// trust (SAML V2.0 Metadata Interoperability Profile 2.5).
func certificate(el *etree.Element) (*x509.Certificate, error) {
	var node *etree.Element
	if info := child(el, nsSignature, "KeyInfo"); info != nil {
		if data := child(info, nsSignature, "X509Data"); data != nil {
			node = child(data, nsSignature, "X509Certificate")
		}
	}
	if node == nil {
		return nil, errors.New("it has no X509Certificate")
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text(node)), ""))
	if err != nil {
		return nil, errors.New("its certificate is not base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("its certificate cannot be read")
	}
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return nil, errWeak
		}
		return cert, nil
	case *ecdsa.PublicKey:
		return cert, nil
	}
	return nil, errors.New("it is neither RSA nor ECDSA")
}

// methods lists the EncryptionMethods of a KeyDescriptor in its own order.
func methods(el *etree.Element) []Method {
	var all []Method
	for _, e := range children(el, nsMetadata, "EncryptionMethod") {
		all = append(all, methodOf(e))
	}
	return all
}

// methodOf reads one EncryptionMethod, of metadata or of a message.
func methodOf(e *etree.Element) Method {
	method := Method{Algorithm: attr(e, "Algorithm")}
	if d := child(e, nsSignature, "DigestMethod"); d != nil {
		method.Digest = attr(d, "Algorithm")
	}
	if mgf := child(e, nsXMLEnc11, "MGF"); mgf != nil {
		method.MGF = attr(mgf, "Algorithm")
	}
	return method
}
