package pki

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Carried are the entries of an earlier CRL, as they stand in it. A list that
// carries them on costs its new entries and a signature, however long it is.
type Carried struct {
	raw     []byte              // entries of revokedCertificates, without its header
	serials map[string]struct{} // contents of their INTEGERs
}

var errCarried = errors.New("read the entries of a CRL: it is none, or not of version 2")

// CarriedFrom reads the entries of a CRL (DER). The signature is not checked: give
// it the authority's own.
func CarriedFrom(crl []byte) (Carried, error) {
	input := cryptobyte.String(crl)
	var list, content, entries cryptobyte.String
	var version int64
	var there bool
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !list.ReadASN1(&content, cbasn1.SEQUENCE) ||
		!content.ReadASN1Integer(&version) || version != 1 ||
		!content.SkipASN1(cbasn1.SEQUENCE) || !content.SkipASN1(cbasn1.SEQUENCE) || // algorithm, issuer
		!skipTime(&content) || !skipTime(&content) || // thisUpdate, nextUpdate
		!content.ReadOptionalASN1(&entries, &there, cbasn1.SEQUENCE) {
		return Carried{}, errCarried
	}
	c := Carried{raw: entries, serials: map[string]struct{}{}}
	for !entries.Empty() {
		var entry, serial cryptobyte.String
		if !entries.ReadASN1(&entry, cbasn1.SEQUENCE) || !entry.ReadASN1(&serial, cbasn1.INTEGER) {
			return Carried{}, errCarried
		}
		c.serials[string(serial)] = struct{}{}
	}
	return c, nil
}

// skipTime reads past a Time, which is of one of two types.
func skipTime(s *cryptobyte.String) bool {
	return s.PeekASN1Tag(cbasn1.UTCTime) && s.SkipASN1(cbasn1.UTCTime) ||
		s.PeekASN1Tag(cbasn1.GeneralizedTime) && s.SkipASN1(cbasn1.GeneralizedTime)
}

// Len is the number of entries.
func (c Carried) Len() int { return len(c.serials) }

// Has tells whether a serial number is among the entries.
func (c Carried) Has(s Serial) bool {
	n := s.Int()
	if n == nil {
		return false
	}
	_, ok := c.serials[string(unsigned(n))]
	return ok
}
