package oiosaml

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	dsig "github.com/russellhaering/goxmldsig"
)

// Key is one RSA key of the identity provider with the certificate that its
// metadata shows. Private signs, or decrypts, wherever the key itself lives.
type Key struct {
	Private     crypto.Signer
	Certificate *x509.Certificate
}

// keyLife is how long a certificate of the identity provider says it is valid.
// Partners trust the metadata, not the dates; they are there for people.
const keyLife = 3 * 365 * 24 * time.Hour

// NewKey makes a key with a self-signed certificate in the name of entityID.
// RSA, because packaged service providers cannot verify ECDSA (lasso,
// SimpleSAMLphp 1.19); 2048 bits, because a signature with 3072 costs 2.7 times
// as much and NIST SP 800-57 has 2048 until 2030, the end of such a key's life.
func NewKey(entityID string, now time.Time) (Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Key{}, fmt.Errorf("make a SAML key: %w", err)
	}
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return Key{}, fmt.Errorf("make a SAML key: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: commonName(entityID)},
		NotBefore:    now.UTC().Truncate(time.Second).Add(-Skew),
		NotAfter:     now.UTC().Truncate(time.Second).Add(keyLife),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		return Key{}, fmt.Errorf("certify a SAML key: %w", err)
	}
	return parseKey(private, der)
}

// commonName cuts to the 64 characters that X.520 allows.
func commonName(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}

// LoadKey puts together what MarshalKey took apart.
func LoadKey(pkcs8, certificate []byte) (Key, error) {
	private, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return Key{}, fmt.Errorf("load a SAML key: %w", err)
	}
	signer, ok := private.(*rsa.PrivateKey)
	if !ok {
		return Key{}, errors.New("load a SAML key: not RSA")
	}
	return parseKey(signer, certificate)
}

func parseKey(private crypto.Signer, der []byte) (Key, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Key{}, fmt.Errorf("read a SAML key's certificate: %w", err)
	}
	return Key{Private: private, Certificate: cert}, nil
}

// Marshal returns the private key as PKCS#8, to be sealed before it is stored,
// and the certificate, both in DER.
func (k Key) Marshal() (pkcs8, certificate []byte, err error) {
	pkcs8, err = x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, nil, fmt.Errorf("marshal a SAML key: %w", err)
	}
	return pkcs8, k.Certificate.Raw, nil
}

// sign returns element, which must be in exclusive canonical form with the
// given ID, with an enveloped RSA-SHA256 signature put in at offset at.
func (k Key) sign(element []byte, id string, at int) ([]byte, error) {
	digest := sha256.Sum256(element)
	// SignedInfo alone declares ds; inside Signature the prefix is inherited.
	signed := xmlWriter{b: make([]byte, 0, 1024)}
	k.signedInfo(&signed, id, digest[:], "xmlns:ds", nsSignature)
	hash := sha256.Sum256(signed.b)
	value, err := k.Private.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign a SAML message: %w", err)
	}
	w := xmlWriter{b: make([]byte, 0, len(element)+4096)}
	w.b = append(w.b, element[:at]...)
	w.open("ds:Signature", "xmlns:ds", nsSignature)
	k.signedInfo(&w, id, digest[:])
	w.base64("ds:SignatureValue", value)
	w.open("ds:KeyInfo")
	w.open("ds:X509Data")
	w.base64("ds:X509Certificate", k.Certificate.Raw)
	w.close("ds:X509Data")
	w.close("ds:KeyInfo")
	w.close("ds:Signature")
	return append(w.b, element[at:]...), nil
}

func (Key) signedInfo(w *xmlWriter, id string, digest []byte, namespace ...string) {
	w.open("ds:SignedInfo", namespace...)
	w.leaf("ds:CanonicalizationMethod", "", "Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
	w.leaf("ds:SignatureMethod", "", "Algorithm", dsig.RSASHA256SignatureMethod)
	w.open("ds:Reference", "URI", "#"+id)
	w.open("ds:Transforms")
	w.leaf("ds:Transform", "", "Algorithm", string(dsig.EnvelopedSignatureAltorithmId))
	w.leaf("ds:Transform", "", "Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
	w.close("ds:Transforms")
	w.leaf("ds:DigestMethod", "", "Algorithm", digests[0])
	w.base64("ds:DigestValue", digest)
	w.close("ds:Reference")
	w.close("ds:SignedInfo")
}
