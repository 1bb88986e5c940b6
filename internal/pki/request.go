package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
)

// maxRequest bounds a request before it is parsed; one with an RSA key of 8,192
// bits has about 2,200 octets.
const maxRequest = 8 << 10

// Request is a PKCS#10 request whose sender has proved to hold the private key.
// Only its key counts: names, extensions and attributes are ignored, but for
// Renews.
type Request struct {
	key     crypto.PublicKey
	subject []byte // DER
}

// PublicKey is an *ecdsa.PublicKey on P-256 or an *rsa.PublicKey of at least
// 3,072 bits.
func (r *Request) PublicKey() crypto.PublicKey { return r.key }

// ParseRequest reads a PKCS#10 request in DER, at most 8 KiB. Errors: Unreadable,
// WeakKey, Unproven.
func ParseRequest(der []byte) (*Request, error) {
	if len(der) > maxRequest {
		return nil, refuse(Unreadable, "The certificate request is larger than %d bytes.", maxRequest)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, refuse(Unreadable, "The certificate request is not PKCS#10 in DER.").because(err)
	}
	// Before the signature, so that an enormous key costs nothing.
	if err := checkKey(csr.PublicKey); err != nil {
		return nil, err
	}
	switch csr.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
	default:
		return nil, refuse(Unproven, "The certificate request must be signed with SHA-256 or stronger.")
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, refuse(Unproven, "The certificate request is not signed by the key it asks for.").because(err)
	}
	return &Request{key: csr.PublicKey, subject: csr.RawSubject}, nil
}

// NewRequest makes what ParseRequest reads, with an empty subject: for keys that
// are not made in a browser.
func NewRequest(key crypto.Signer) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
}

// checkKey admits the keys that employee certificates may have: P-256, or RSA of
// 3,072 to 8,192 bits with the exponent 65537 whose primes nobody can guess.
func checkKey(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return refuse(WeakKey, "The key must be on the curve P-256, not %s.", key.Curve.Params().Name)
		}
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 3072 || bits > 8192 {
			return refuse(WeakKey, "An RSA key must have 3,072 to 8,192 bits; this one has %d.", bits)
		}
		if key.E != 65537 {
			return refuse(WeakKey, "An RSA key must have the exponent 65537; this one has %d.", key.E)
		}
		return checkModulus(key)
	default:
		return refuse(WeakKey, "The key must be on the curve P-256, or RSA of at least 3,072 bits.")
	}
	return nil
}
