package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// AlgorithmIdentifiers in DER of what authorities and responders sign with; x509
// keeps its own to itself.
var (
	// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 (RFC 4055 section 3.1).
	algorithmPSS = identifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddBytes(algorithmSHA256) })
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(algorithmMGF1) })
			b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(32) })
		})
	})
	algorithmMGF1   = identifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}, func(b *cryptobyte.Builder) { b.AddBytes(algorithmSHA256) })
	algorithmSHA256 = identifier(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	algorithmES256  = identifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, nil)
	algorithmES384  = identifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, nil)
)

// explicit is the tag [n] around another value.
func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func identifier(oid asn1.ObjectIdentifier, parameters cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if parameters != nil {
			parameters(b)
		}
	})
	return b.BytesOrPanic()
}

// algorithmOf is what a key of this kind signs with, and agrees with
// signerOptions.
func algorithmOf(public crypto.PublicKey) ([]byte, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return algorithmPSS, nil
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return algorithmES256, nil
		case elliptic.P384():
			return algorithmES384, nil
		}
	}
	return nil, fmt.Errorf("a key of type %T signs nothing here", public)
}

// signOver returns the three parts that X.509 has of everything signed: the
// octets, the algorithm and the signature over them, before their SEQUENCE.
func signOver(content []byte, key crypto.Signer) (parts []byte, err error) {
	algorithm, err := algorithmOf(key.Public())
	if err != nil {
		return nil, err
	}
	signature, err := crypto.SignMessage(key, rand.Reader, content, signerOptions(key.Public()))
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(content)+len(algorithm)+len(signature)+8))
	b.AddBytes(content)
	b.AddBytes(algorithm)
	b.AddASN1BitString(signature)
	return b.Bytes()
}
