package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"software.sslmate.com/src/go-pkcs12"
)

// The names of JOSE (RFC 7518) for how a key file signs a login.
const (
	ES256 = "ES256" // P-256, SHA-256; r and s, 32 octets each
	PS256 = "PS256" // RSASSA-PSS, SHA-256, salt 32 octets
)

// keyFileRounds is the PBKDF2 and MAC iteration count of a key file.
const keyFileRounds = 600_000

// EncodeKeyFile makes a password-protected PKCS#12 (PBES2, AES-256-CBC, MAC
// HMAC-SHA-256, 600,000 rounds: about half a second) of a key, its certificate and
// the CAs above it, all DER. For seeds only: employees' keys are made in browsers.
func EncodeKeyFile(key crypto.Signer, certificate []byte, chain [][]byte, password string) ([]byte, error) {
	if password == "" {
		return nil, errors.New("make key file: no password")
	}
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	var above []*x509.Certificate
	for _, der := range chain {
		ca, err := parseCA(der)
		if err != nil {
			return nil, fmt.Errorf("make key file: %w", err)
		}
		above = append(above, ca)
	}
	return pkcs12.Modern2023.WithIterations(keyFileRounds).Encode(key, cert, above, password)
}

// VerifyLogin checks the signature that a key file made of text. alg is what the
// browser says it used: ES256 for P-256 keys, PS256 for RSA keys. Errors:
// BadSignature.
func VerifyLogin(public crypto.PublicKey, alg string, text, signature []byte) error {
	digest := sha256.Sum256(text)
	ok := false
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if alg == ES256 && len(signature) == 64 {
			r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
			ok = ecdsa.Verify(key, digest[:], r, s)
		}
	case *rsa.PublicKey:
		ok = alg == PS256 && rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: 32}) == nil
	}
	if !ok {
		return refuse(BadSignature, "The signature was not made by this key file.")
	}
	return nil
}
