package oiosaml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // for what a service must refuse
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	dsig "github.com/russellhaering/goxmldsig"
)

// Algorithms of keys. ECDSA is on the curve P-256.
const (
	RSA   = "RSA"
	ECDSA = "ECDSA"
)

// Key is one key of Adgang with the certificate that its metadata shows. Private signs, or decrypts, wherever the key itself lives.
type Key struct {
	Private     crypto.Signer
	Certificate *x509.Certificate

	weak bool // XML is signed over SHA-1, to see whether it is refused
}

// keyLife is how long a certificate of the identity provider says it is valid.
// Partners trust the metadata, not the dates; they are there for people.
const keyLife = 3 * 365 * 24 * time.Hour

// NewKey makes a key with a self-signed certificate in the name of entityID. RSA
// is the rule, because packaged service providers cannot verify ECDSA (lasso,
// SimpleSAMLphp 1.19); 2048 bits, because a signature with 3072 costs 2.7 times
// as much and NIST SP 800-57 has 2048 until 2030, the end of such a key's life.
func NewKey(algorithm, entityID string, now time.Time) (Key, error) {
	private, err := generate(algorithm)
	if err != nil {
		return Key{}, fmt.Errorf("make a SAML key: %w", err)
	}
	return Certify(private, entityID, now)
}

// Certify puts a key that lives elsewhere together with a self-signed certificate in
// the name of entityID.
func Certify(private crypto.Signer, entityID string, now time.Time) (Key, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return Key{}, fmt.Errorf("certify a SAML key: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: commonName(entityID)},
		NotBefore:    now.UTC().Truncate(time.Second).Add(-Skew),
		NotAfter:     now.UTC().Truncate(time.Second).Add(keyLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if _, ok := private.Public().(*rsa.PublicKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		return Key{}, fmt.Errorf("certify a SAML key: %w", err)
	}
	return parseKey(private, der)
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case RSA:
		return rsa.GenerateKey(rand.Reader, 2048)
	case ECDSA:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return nil, fmt.Errorf("no such algorithm: %s", algorithm)
}

// commonName cuts to the 64 characters that X.520 allows.
func commonName(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}

// JoinKey is Certify for a key that has its certificate.
func JoinKey(private crypto.Signer, certificate []byte) (Key, error) {
	return parseKey(private, certificate)
}

// LoadKey puts together what MarshalKey took apart.
func LoadKey(pkcs8, certificate []byte) (Key, error) {
	private, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return Key{}, fmt.Errorf("load a SAML key: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return Key{}, errors.New("load a SAML key: it does not sign")
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
// given ID, with an enveloped signature over SHA-256 put in at offset at.
func (k Key) sign(element []byte, id string, at int) ([]byte, error) {
	digest := k.digest(element)
	// SignedInfo alone declares ds; inside Signature the prefix is inherited.
	signed := xmlWriter{b: make([]byte, 0, 1024)}
	k.signedInfo(&signed, id, digest, "xmlns:ds", nsSignature)
	value, err := k.value(k.digest(signed.b))
	if err != nil {
		return nil, fmt.Errorf("sign a SAML message: %w", err)
	}
	w := xmlWriter{b: make([]byte, 0, len(element)+4096)}
	w.b = append(w.b, element[:at]...)
	w.open("ds:Signature", "xmlns:ds", nsSignature)
	k.signedInfo(&w, id, digest)
	w.base64("ds:SignatureValue", value)
	w.open("ds:KeyInfo")
	w.open("ds:X509Data")
	w.base64("ds:X509Certificate", k.Certificate.Raw)
	w.close("ds:X509Data")
	w.close("ds:KeyInfo")
	w.close("ds:Signature")
	return append(w.b, element[at:]...), nil
}

func (k Key) signedInfo(w *xmlWriter, id string, digest []byte, namespace ...string) {
	w.open("ds:SignedInfo", namespace...)
	w.leaf("ds:CanonicalizationMethod", "", "Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
	w.leaf("ds:SignatureMethod", "", "Algorithm", k.xmlMethod())
	w.open("ds:Reference", "URI", "#"+id)
	w.open("ds:Transforms")
	w.leaf("ds:Transform", "", "Algorithm", string(dsig.EnvelopedSignatureAltorithmId))
	w.leaf("ds:Transform", "", "Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
	w.close("ds:Transforms")
	w.leaf("ds:DigestMethod", "", "Algorithm", k.digestMethod())
	w.base64("ds:DigestValue", digest)
	w.close("ds:Reference")
	w.close("ds:SignedInfo")
}

// Algorithm is RSA or ECDSA.
func (k Key) Algorithm() string {
	if _, ok := k.Certificate.PublicKey.(*ecdsa.PublicKey); ok {
		return ECDSA
	}
	return RSA
}

// method names the signature algorithm as XML and the Redirect binding do.
func (k Key) method() string {
	if k.Algorithm() == ECDSA {
		return dsig.ECDSASHA256SignatureMethod
	}
	return dsig.RSASHA256SignatureMethod
}

// xmlMethod is method, or its like over SHA-1.
func (k Key) xmlMethod() string {
	switch {
	case !k.weak:
		return k.method()
	case k.Algorithm() == ECDSA:
		return dsig.ECDSASHA1SignatureMethod
	}
	return dsig.RSASHA1SignatureMethod
}

func (k Key) digestMethod() string {
	if k.weak {
		return sha1URI
	}
	return digests[0]
}

func (k Key) digest(text []byte) []byte {
	if k.weak {
		sum := sha1.Sum(text) //nolint:gosec // weak on purpose
		return sum[:]
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// value signs a digest. ECDSA is r||s, each as long as the curve's order
// (RFC 4050 3.3), where Go makes ASN.1.
func (k Key) value(digest []byte) ([]byte, error) {
	hash := crypto.SHA256
	if k.weak {
		hash = crypto.SHA1
	}
	value, err := k.Private.Sign(rand.Reader, digest, hash)
	if err != nil {
		return nil, err
	}
	public, ok := k.Certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return value, nil
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(value, &v); err != nil {
		return nil, err
	}
	size := (public.Params().N.BitLen() + 7) / 8
	return append(v.R.FillBytes(make([]byte, size)), v.S.FillBytes(make([]byte, size))...), nil
}
