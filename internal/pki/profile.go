package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Validity of an employee certificate: 1,095 days less one second, as OCES3.
const Validity = 1095*24*time.Hour - time.Second

// maxName is the upper bound of RFC 5280 appendix A for O and CN. It allows given
// name and surname more, but linters warn and readers cut beyond 64.
const maxName = 64

const (
	cvrPrefix  = "NTRDK-"
	uuidPrefix = "UI:DK-E:G:"
)

var (
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidOrgID        = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidOrganisation = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// Employee is whom a certificate is about. Names may be of any length: in the
// certificate blanks are joined, invisible characters dropped and each name is cut
// to 64 characters, without splitting a letter from its accents. CVR and UUID
// identify; names only tell.
type Employee struct {
	CVR          string // eight digits
	Organisation string
	UUID         string // RFC 4122 text; written in lower case
	GivenName    string
	Surname      string
	Email        string // may be empty
}

// attribute is one part of a distinguished name with its ASN.1 string type.
type attribute struct {
	oid   asn1.ObjectIdentifier
	tag   int
	value string
}

// rawAttribute is attribute in DER. asn1 takes a slice type named ...SET as SET OF.
type (
	rawAttribute struct {
		OID   asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	rawSET []rawAttribute
)

// marshalName writes one attribute per RDN, in order. The string types are given
// because asn1 would choose by content: OCES3 has UTF8String throughout, save for
// country and serialNumber, which RFC 5280 wants PrintableString.
func marshalName(attributes []attribute) ([]byte, error) {
	var name []rawSET
	for _, a := range attributes {
		name = append(name, rawSET{{a.oid, asn1.RawValue{Tag: a.tag, Bytes: []byte(a.value)}}})
	}
	return asn1.Marshal(name)
}

var (
	cvrForm  = regexp.MustCompile(`^[0-9]{8}$`)
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

func (e Employee) subject() ([]byte, error) {
	id := strings.ToLower(e.UUID)
	if !cvrForm.MatchString(e.CVR) {
		return nil, refuse(BadSubject, "A CVR number has eight digits.")
	}
	if !uuidForm.MatchString(id) {
		return nil, refuse(BadSubject, "The employee's UUID is not one.")
	}
	names := []attribute{
		{oidOrganisation, asn1.TagUTF8String, e.Organisation},
		{oidGivenName, asn1.TagUTF8String, e.GivenName},
		{oidSurname, asn1.TagUTF8String, e.Surname},
		{oidCommonName, asn1.TagUTF8String, e.GivenName + " " + e.Surname},
	}
	for i, n := range names {
		if !printable(n.value) {
			return nil, refuse(BadSubject, "The name %q has characters that cannot be printed.", n.value)
		}
		if names[i].value = fit(n.value); names[i].value == "" {
			return nil, refuse(BadSubject, "Organisation, given name and surname must not be empty.")
		}
	}
	return marshalName([]attribute{
		{oidCountry, asn1.TagPrintableString, "DK"},
		{oidOrgID, asn1.TagUTF8String, cvrPrefix + e.CVR},
		names[0],
		{oidSerialNumber, asn1.TagPrintableString, uuidPrefix + id},
		names[1], names[2], names[3],
	})
}

// printable admits UTF-8 without control, private-use and unassigned characters;
// and what fit mends: tabs, line ends, invisible format characters.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r)
	})
}

// fit joins blanks, drops format characters (zero width, direction) and cuts to 64
// characters, before a letter whose combining marks would be lost.
func fit(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= maxName {
		return string(runes)
	}
	end := maxName
	for end > 0 && unicode.Is(unicode.M, runes[end]) {
		end--
	}
	return strings.TrimSpace(string(runes[:end]))
}

// rfc822Name returns the SAN of the e-mail address. An address beyond ASCII fits
// no rfc822Name (RFC 5280 section 4.2.1.6) and is left out, which the second
// result tells.
func (e Employee) rfc822Name() (names []string, leftOut bool, err error) {
	if e.Email == "" {
		return nil, false, nil
	}
	if strings.ContainsFunc(e.Email, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, true, nil
	}
	a, err := mail.ParseAddress(e.Email)
	if err != nil || a.Address != e.Email {
		return nil, false, refuse(BadSubject, "%q is not an e-mail address.", e.Email)
	}
	return []string{e.Email}, false, nil
}

// leafUsage is what the holder may do with the key: sign, and with RSA also
// receive keys.
func leafUsage(public crypto.PublicKey) x509.KeyUsage {
	usage := x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if _, ok := public.(*rsa.PublicKey); ok {
		usage |= x509.KeyUsageKeyEncipherment
	}
	return usage
}
