package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Profile is what a certificate is for.
type Profile string

// The profiles. A certificate of a person's or a function's secure e-mail has the
// subject form of the one or the other.
const (
	ProfileEmployee     Profile = "employee"     // key files
	ProfileOrganisation Profile = "organisation" // the organisation itself, also its seals
	ProfileSystem       Profile = "system"       // a machine of the organisation
	ProfileSecureEmail  Profile = "secure_email"
)

// Profiles are all of them; the policy of each is its place, from 1, below the
// policy arc of its issuer.
var Profiles = []Profile{ProfileEmployee, ProfileOrganisation, ProfileSystem, ProfileSecureEmail}

// Policy is the certificate policy of a profile below an arc, in dotted form.
func (p Profile) Policy(arc string) string {
	return arc + "." + strconv.Itoa(slices.Index(Profiles, p)+1)
}

// Validity of every leaf certificate: 1,095 days less one second, as OCES3.
const Validity = 1095*24*time.Hour - time.Second

// maxName is the upper bound of RFC 5280 appendix A for O and CN. It allows given
// name and surname more, but linters warn and readers cut beyond 64.
const maxName = 64

const (
	cvrPrefix = "NTRDK-"
	// What stands before the UUID: a person of the organisation, or what is the
	// organisation's own.
	personPrefix   = "UI:DK-E:G:"
	functionPrefix = "UI:DK-O:G:"
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

// Subject is whom a certificate is about: a person, who has given name and
// surname, or something of the organisation, which has a Name. Names may be of any
// length: in the certificate blanks are joined, invisible characters dropped and
// each name is cut to 64 characters, without splitting a letter from its accents.
// CVR and UUID identify; names only tell.
type Subject struct {
	Profile      Profile // "" is an employee's
	CVR          string  // eight digits
	Organisation string
	UUID         string // RFC 4122 text; written in lower case
	GivenName    string
	Surname      string
	Name         string // of organisation, system or mailbox; "" for a person
	Email        string // may be empty, but for secure e-mail
}

// person tells which of the two subject forms s has.
func (s Subject) person() bool {
	return s.Profile == ProfileEmployee || s.Profile == ProfileSecureEmail && s.Name == ""
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

func (s Subject) rdn() ([]byte, error) {
	id := strings.ToLower(s.UUID)
	if !cvrForm.MatchString(s.CVR) {
		return nil, refuse(BadSubject, "A CVR number has eight digits.")
	}
	if !uuidForm.MatchString(id) {
		return nil, refuse(BadSubject, "The UUID of the certificate's holder is not one.")
	}
	names := []attribute{{oidOrganisation, asn1.TagUTF8String, s.Organisation}}
	prefix := functionPrefix
	if s.person() {
		prefix = personPrefix
		names = append(names, attribute{oidGivenName, asn1.TagUTF8String, s.GivenName},
			attribute{oidSurname, asn1.TagUTF8String, s.Surname},
			attribute{oidCommonName, asn1.TagUTF8String, s.GivenName + " " + s.Surname})
	} else {
		names = append(names, attribute{oidCommonName, asn1.TagUTF8String, s.Name})
	}
	for i, n := range names {
		if !printable(n.value) {
			return nil, refuse(BadSubject, "The name %q has characters that cannot be printed.", n.value)
		}
		if names[i].value = fit(n.value); names[i].value == "" {
			return nil, refuse(BadSubject, "No name in a certificate may be empty.")
		}
	}
	return marshalName(append([]attribute{
		{oidCountry, asn1.TagPrintableString, "DK"},
		{oidOrgID, asn1.TagUTF8String, cvrPrefix + s.CVR},
		names[0],
		{oidSerialNumber, asn1.TagPrintableString, prefix + id},
	}, names[1:]...))
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

// leafUsage is what the holder may do with the key. An organisation binds itself
// as a person does; a machine signs and receives keys and binds nobody; mail is
// signed and encrypted, with a key on a curve by agreement.
func leafUsage(profile Profile, public crypto.PublicKey) x509.KeyUsage {
	usage := x509.KeyUsageDigitalSignature
	if profile == ProfileEmployee || profile == ProfileOrganisation {
		usage |= x509.KeyUsageContentCommitment
	}
	_, isRSA := public.(*rsa.PublicKey)
	switch {
	case isRSA:
		usage |= x509.KeyUsageKeyEncipherment
	case profile == ProfileSecureEmail:
		usage |= x509.KeyUsageKeyAgreement
	}
	return usage
}

// extendedUsage is emailProtection for secure e-mail, and absent otherwise, as in
// OCES3.
func extendedUsage(profile Profile) []x509.ExtKeyUsage {
	if profile == ProfileSecureEmail {
		return []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	}
	return nil
}
