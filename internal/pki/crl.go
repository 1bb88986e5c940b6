package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// RevocationReason is the reasonCode of RFC 5280 section 5.3.1.
type RevocationReason int

// The reasons that an issuing CA gives for its certificates.
const (
	Unspecified          RevocationReason = 0
	KeyCompromise        RevocationReason = 1
	AffiliationChanged   RevocationReason = 3
	Superseded           RevocationReason = 4
	CessationOfOperation RevocationReason = 5
)

func (r RevocationReason) known() bool {
	switch r {
	case Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation:
		return true
	}
	return false
}

// Revocation is one entry of a CRL.
type Revocation struct {
	Serial Serial
	At     time.Time // cut to whole seconds
	Reason RevocationReason
}

// List is what a CRL says. Instants are cut to whole seconds.
type List struct {
	Number     int64   // from 1, grows with each CRL of the same CA and scope
	Carried    Carried // entries of an earlier list, which stand before Entries
	Entries    []Revocation
	ThisUpdate time.Time
	NextUpdate time.Time // after ThisUpdate
	// Point is the address of the distribution point whose certificates the list
	// is about, as they name it; "" for a list of all that the CA issued.
	Point string
}

var (
	oidNumber = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidAKI    = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidPoint  = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// NewCRL makes a CRL (DER) of the CA whose certificate and key are given, full or
// of one distribution point (RFC 5280 section 5.2.5). It is written by hand:
// x509.CreateRevocationList takes six times as long for a million entries.
func NewCRL(issuer []byte, key crypto.Signer, list List) ([]byte, error) {
	ca, err := parseCA(issuer)
	if err != nil {
		return nil, err
	}
	if own, ok := ca.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(key.Public()) {
		return nil, errors.New("make CRL: the key is not the authority's")
	}
	list.ThisUpdate, list.NextUpdate = list.ThisUpdate.UTC().Truncate(time.Second), list.NextUpdate.UTC().Truncate(time.Second)
	if list.Number < 1 || !list.ThisUpdate.Before(list.NextUpdate) {
		return nil, errors.New("make CRL: the number starts at 1, and nextUpdate lies after thisUpdate")
	}
	content, err := list.content(ca)
	if err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	parts, err := signOver(content, key)
	if err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	return append(header(0x30, len(parts)), parts...), nil
}

// content is the TBSCertList.
func (l List) content(ca *x509.Certificate) ([]byte, error) {
	entries, err := l.entries()
	if err != nil {
		return nil, err
	}
	algorithm, err := algorithmOf(ca.PublicKey)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1Int64(1) // version 2
	b.AddBytes(algorithm)
	b.AddBytes(ca.RawSubject)
	addTime(&b, l.ThisUpdate)
	addTime(&b, l.NextUpdate)
	if len(entries) > 0 { // an empty list is left out
		b.AddBytes(header(0x30, len(entries)))
		b.AddBytes(entries)
	}
	b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addExtension(b, oidAKI, false, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(ca.SubjectKeyId) })
				})
			})
			addExtension(b, oidNumber, false, func(b *cryptobyte.Builder) { b.AddASN1Int64(l.Number) })
			if l.Point != "" {
				addExtension(b, oidPoint, true, l.point)
			}
		})
	})
	whole, err := b.Bytes()
	return append(header(0x30, len(whole)), whole...), err
}

// point is the IssuingDistributionPoint: distributionPoint [0] fullName [0] URI
// [6], and of end entities' certificates only.
func (l List) point(b *cryptobyte.Builder) {
	nested := explicit(0)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(nested, func(b *cryptobyte.Builder) {
			b.AddASN1(nested, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(l.Point)) })
			})
		})
		b.AddASN1(cbasn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddUint8(0xff) })
	})
}

// entries writes revokedCertificates without its header, with as few allocations
// as may be: there can be a million.
func (l List) entries() ([]byte, error) {
	all := make([]byte, 0, len(l.Carried.raw)+len(l.Entries)*54)
	all = append(all, l.Carried.raw...)
	var at time.Time
	var instant []byte // DER of at: neighbours often share their second
	for _, e := range l.Entries {
		n := e.Serial.Int()
		if n == nil {
			return nil, fmt.Errorf("serial number %q", e.Serial)
		}
		if !e.Reason.known() {
			return nil, fmt.Errorf("reason %d of %s", e.Reason, e.Serial)
		}
		serial := unsigned(n)
		if second := e.At.UTC().Truncate(time.Second); instant == nil || !second.Equal(at) {
			var b cryptobyte.Builder
			addTime(&b, second)
			der, err := b.Bytes()
			if err != nil {
				return nil, err
			}
			at, instant = second, der
		}
		var reason []byte
		if e.Reason != Unspecified { // said by saying nothing
			reason = []byte{0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, byte(e.Reason)} //nolint:gosec // one of five, below 10
		}
		all = append(all, 0x30, byte(2+len(serial)+len(instant)+len(reason)), 0x02, byte(len(serial))) //nolint:gosec // below 60
		all = append(all, serial...)
		all = append(all, instant...)
		all = append(all, reason...)
	}
	return all, nil
}

// unsigned is the content of the INTEGER n, which is above zero.
func unsigned(n *big.Int) []byte {
	octets := n.Bytes()
	if octets[0] >= 0x80 {
		octets = append([]byte{0}, octets...)
	}
	return octets
}

// addTime writes UTCTime, or GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5).
func addTime(b *cryptobyte.Builder, t time.Time) {
	if t.Year() >= 2050 {
		b.AddASN1GeneralizedTime(t)
		return
	}
	b.AddASN1UTCTime(t)
}

func addExtension(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, critical bool, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1(cbasn1.OCTET_STRING, value)
	})
}

// header is the tag and the length of a DER value of n octets.
func header(tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return []byte{tag, byte(n)} //nolint:gosec // octets of the length
	case n < 1<<8:
		return []byte{tag, 0x81, byte(n)}
	case n < 1<<16:
		return []byte{tag, 0x82, byte(n >> 8), byte(n)} //nolint:gosec // octets of the length
	case n < 1<<24:
		return []byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)} //nolint:gosec // octets of the length
	default:
		return []byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} //nolint:gosec // octets of the length
	}
}
