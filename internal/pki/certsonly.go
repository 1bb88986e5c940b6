package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"maps"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// CertsOnly is a PKCS#7 with certificates (DER) and no signature, as EST hands them
// out (RFC 7030 section 4.1.3, RFC 5652 section 5).
func CertsOnly(certificates ...[]byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {}) // digestAlgorithms
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
					for _, der := range certificates {
						b.AddBytes(der)
					}
				})
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {}) // signerInfos
			})
		})
	})
	return b.Bytes()
}

// Renews tells whether a request asks for the subject of a certificate (DER), as
// renewal by EST demands (RFC 7030 section 4.2.2): the same attributes in whichever
// string types, or none at all.
func (r *Request) Renews(der []byte) bool {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return false
	}
	if bytes.Equal(r.subject, emptyName) {
		return true
	}
	asked, err := values(r.subject)
	if err != nil {
		return false
	}
	held, err := values(cert.RawSubject)
	return err == nil && maps.Equal(asked, held)
}

var emptyName = []byte{0x30, 0}

// values are the attributes of a name by object identifier.
func values(raw []byte) (map[string]string, error) {
	var name []rawSET
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, rdn := range name {
		for _, a := range rdn {
			all[a.OID.String()] += string(a.Value.Bytes) + "\x00"
		}
	}
	return all, nil
}
