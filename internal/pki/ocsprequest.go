package pki

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" //nolint:gosec // names the issuer in requests of RFC 5019 clients; nothing is signed with it
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// StatusQuestion asks by OCSP what has become of one certificate.
type StatusQuestion struct {
	// ID is the CertID as it came, which the answer repeats.
	ID       []byte
	Serial   Serial
	hash     crypto.Hash
	nameHash []byte
	keyHash  []byte
}

// StatusRequest is an OCSP request (RFC 6960 section 4.1).
type StatusRequest struct {
	Questions []StatusQuestion // 1 to maxQuestions
	// Nonce is the extension's value, 1 to 128 octets within an OCTET STRING, to be
	// repeated in the answer; nil without one.
	Nonce []byte
}

const (
	maxQuestions = 20
	// maxStatusRequest bounds a request before it is parsed.
	maxStatusRequest = 8 << 10
	maxNonce         = 128 // RFC 9654 section 2.1
)

var (
	oidNonce  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	idHashes  = map[string]crypto.Hash{"1.3.14.3.2.26": crypto.SHA1, "2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512}
	errStatus = errors.New("not an OCSP request")
)

// ParseStatusRequest reads an OCSP request (DER). golang.org/x/crypto/ocsp reads
// only the first question and no extensions. A signature of the requester is not
// looked at: whoever asks gets the same answer. Errors: Unreadable, also for a
// nonce that RFC 9654 refuses and for critical extensions.
func ParseStatusRequest(der []byte) (*StatusRequest, error) {
	if len(der) > maxStatusRequest {
		return nil, refuse(Unreadable, "The request is larger than %d bytes.", maxStatusRequest)
	}
	r, err := parseStatusRequest(der)
	if err != nil {
		return nil, refuse(Unreadable, "This is not an OCSP request that is answered here.").because(err)
	}
	return r, nil
}

func parseStatusRequest(der []byte) (*StatusRequest, error) {
	input := cryptobyte.String(der)
	var whole, content, list cryptobyte.String
	var version int64
	if !input.ReadASN1(&whole, cbasn1.SEQUENCE) || !input.Empty() || !whole.ReadASN1(&content, cbasn1.SEQUENCE) {
		return nil, errStatus
	}
	// requestorName [1] and the signature [0] behind the content are passed over.
	if content.PeekASN1Tag(explicit(0)) {
		var tagged cryptobyte.String
		if !content.ReadASN1(&tagged, explicit(0)) || !tagged.ReadASN1Integer(&version) || version != 0 {
			return nil, errors.New("another version")
		}
	}
	if !content.SkipOptionalASN1(explicit(1)) || !content.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return nil, errStatus
	}
	r := &StatusRequest{}
	for !list.Empty() {
		var one cryptobyte.String
		if len(r.Questions) == maxQuestions || !list.ReadASN1(&one, cbasn1.SEQUENCE) {
			return nil, errStatus
		}
		q, err := readQuestion(one)
		if err != nil {
			return nil, err
		}
		r.Questions = append(r.Questions, q)
	}
	var extensions cryptobyte.String
	var present bool
	if !content.ReadOptionalASN1(&extensions, &present, explicit(2)) || !content.Empty() {
		return nil, errStatus
	}
	if !present {
		return r, nil
	}
	var err error
	r.Nonce, err = readExtensions(extensions)
	return r, err
}

func readQuestion(one cryptobyte.String) (StatusQuestion, error) {
	var q StatusQuestion
	var element, id, algorithm cryptobyte.String
	var hash asn1.ObjectIdentifier
	var nameHash, keyHash []byte
	serial := new(big.Int)
	if !one.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return q, errStatus
	}
	q.ID = element
	if !element.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&hash) ||
		!id.ReadASN1Bytes(&nameHash, cbasn1.OCTET_STRING) || !id.ReadASN1Bytes(&keyHash, cbasn1.OCTET_STRING) ||
		!id.ReadASN1Integer(serial) || !id.Empty() {
		return q, errStatus
	}
	// Parameters may be NULL or absent (RFC 5754 section 2).
	if !algorithm.Empty() && !bytes.Equal(algorithm, []byte{5, 0}) {
		return q, errStatus
	}
	if serial.Sign() <= 0 || serial.BitLen() > 159 {
		return q, errors.New("a serial number that no certificate has")
	}
	q.Serial, q.hash, q.nameHash, q.keyHash = SerialOf(serial), idHashes[hash.String()], nameHash, keyHash
	if one.Empty() {
		return q, nil
	}
	var extensions cryptobyte.String
	if !one.ReadASN1(&extensions, explicit(0)) || !one.Empty() {
		return q, errStatus
	}
	_, err := readExtensions(extensions)
	return q, err
}

// readExtensions returns the nonce. Other extensions are passed over unless they
// are critical.
func readExtensions(tagged cryptobyte.String) (nonce []byte, err error) {
	var list cryptobyte.String
	if !tagged.ReadASN1(&list, cbasn1.SEQUENCE) || !tagged.Empty() {
		return nil, errStatus
	}
	for !list.Empty() {
		var one cryptobyte.String
		var oid asn1.ObjectIdentifier
		var critical bool
		var value []byte
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&oid) {
			return nil, errStatus
		}
		if one.PeekASN1Tag(cbasn1.BOOLEAN) && !one.ReadASN1Boolean(&critical) {
			return nil, errStatus
		}
		if !one.ReadASN1Bytes(&value, cbasn1.OCTET_STRING) || !one.Empty() {
			return nil, errStatus
		}
		if !oid.Equal(oidNonce) {
			if critical {
				return nil, errors.New("a critical extension that is not known here")
			}
			continue
		}
		var octets []byte
		inner := cryptobyte.String(value)
		if nonce != nil || !inner.ReadASN1Bytes(&octets, cbasn1.OCTET_STRING) || !inner.Empty() || len(octets) == 0 || len(octets) > maxNonce {
			return nil, errors.New("a nonce that RFC 9654 refuses")
		}
		nonce = value
	}
	return nonce, nil
}

// AsksAbout tells whether the question is about a certificate of this CA (DER).
func (q StatusQuestion) AsksAbout(ca *x509.Certificate) bool {
	if !q.hash.Available() {
		return false
	}
	sum := func(content []byte) []byte {
		h := q.hash.New()
		h.Write(content)
		return h.Sum(nil)
	}
	key, err := keyBits(ca.RawSubjectPublicKeyInfo)
	return err == nil && bytes.Equal(q.nameHash, sum(ca.RawSubject)) && bytes.Equal(q.keyHash, sum(key))
}
