package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	zcrypto "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3/lint"
	_ "github.com/zmap/zlint/v3/lints/community" // register themselves
	_ "github.com/zmap/zlint/v3/lints/rfc"       // register themselves
)

// LintError says that a certificate breaks its profile or RFC 5280. It is our
// own mistake, not the requester's.
type LintError struct {
	Findings []string // sorted, each "<lint>: <what it saw>"
}

func (e *LintError) Error() string {
	return "certificate breaks its profile: " + strings.Join(e.Findings, "; ")
}

// Lint checks a certificate (DER) that i issued or drafted against the
// profile that its policy names, and zlint. Its signature is not looked at. Errors: *LintError.
func (i *Issuer) Lint(der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return &LintError{Findings: []string{"unreadable: " + err.Error()}}
	}
	findings := append(i.lintProfile(cert), lintRFC(der, i.arc)...)
	if len(findings) == 0 {
		return nil
	}
	sort.Strings(findings)
	return &LintError{Findings: findings}
}

// registry has zlint's lints of the RFCs that bind any CA and of the community.
// Left out are the rules of the web's CAs, browsers and qualified certificates,
// and two that judge how a person or organisation is spelt: the register decides.
var registry = sync.OnceValue(func() lint.Registry {
	r, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC8813, lint.Community},
		ExcludeNames:   []string{"e_subj_contains_html_entities", "e_utf8_latin1_mixup"},
	})
	if err != nil {
		panic(err) // only for a lint that zlint does not have
	}
	return r
})

// small is an arc as it stands in DER, and in a form of the same length with the
// continuation bits cleared, which makes one arc of 128 bits many arcs of 7.
func small(arc string) (whole, cleared []byte) {
	oid := mustOID(arc)
	whole, err := oid.MarshalBinary()
	if err != nil {
		panic(err)
	}
	for _, b := range whole {
		cleared = append(cleared, b&0x7f)
	}
	return whole, cleared
}

// lintRFC runs zlint; notices (results below warning) do not count. zlint's parser
// refuses arcs beyond 31 bits, so it is shown the policies' arc made small; which
// policies a leaf has is checked by lintProfile.
func lintRFC(der []byte, arc string) []string {
	whole, cleared := small(arc)
	cert, err := zcrypto.ParseCertificate(bytes.ReplaceAll(der, whole, cleared))
	if err != nil {
		return []string{"unreadable: " + err.Error()}
	}
	var findings []string
	lints := registry()
	for _, l := range lints.CertificateLints().Lints() {
		if r := l.Execute(cert, lints.GetConfiguration()); r.Status >= lint.Warn {
			findings = append(findings, fmt.Sprintf("%s: %s %s", l.Name, r.Status, r.Details))
		}
	}
	return findings
}

// leafExtensions are those a leaf may have, and whether they are critical. Nothing
// else: no QCStatements, which would be claims, and an EKU on secure e-mail only.
var leafExtensions = map[string]struct{ critical, optional bool }{
	"2.5.29.15":         {critical: true}, // keyUsage
	"2.5.29.19":         {critical: true}, // basicConstraints
	"2.5.29.14":         {},               // subjectKeyIdentifier
	"2.5.29.35":         {},               // authorityKeyIdentifier
	"2.5.29.32":         {},               // certificatePolicies
	"2.5.29.37":         {optional: true}, // extKeyUsage
	"2.5.29.17":         {optional: true}, // subjectAltName
	"2.5.29.31":         {optional: true}, // cRLDistributionPoints
	"1.3.6.1.5.5.7.1.1": {optional: true}, // authorityInfoAccess
}

func (i *Issuer) lintProfile(cert *x509.Certificate) []string {
	var findings []string
	expect := func(ok bool, name, saw string, args ...any) {
		if !ok {
			findings = append(findings, "oces_"+name+": "+fmt.Sprintf(saw, args...))
		}
	}
	serial := cert.SerialNumber
	expect(serial.Sign() > 0 && len(serial.Bytes()) == 20, "serial", "%x", serial)
	expect(cert.NotAfter.Sub(cert.NotBefore) == Validity, "validity", "%s", cert.NotAfter.Sub(cert.NotBefore))
	expect(bytes.Equal(cert.RawIssuer, i.cert.RawSubject), "issuer", "%s", cert.Issuer)
	profile := i.profileOf(cert)
	expect(profile != "", "policies", "%v", cert.Policies)
	if profile != "" {
		if err := lintSubject(profile, cert.RawSubject); err != nil {
			expect(false, "subject", "%v", err)
		}
		expect(cert.KeyUsage == leafUsage(profile, cert.PublicKey), "key_usage", "%b", cert.KeyUsage)
		expect(slices.Equal(cert.ExtKeyUsage, extendedUsage(profile)) && len(cert.UnknownExtKeyUsage) == 0,
			"extended_key_usage", "%v and %v", cert.ExtKeyUsage, cert.UnknownExtKeyUsage)
		mailboxes := len(Mailboxes(cert))
		expect(mailboxes <= 1 && (mailboxes == 1 || profile != ProfileSecureEmail), "mailbox", "%d addresses", mailboxes)
	}
	if err := checkKey(cert.PublicKey); err != nil {
		expect(false, "key", "%v", err)
	}
	expect(cert.BasicConstraintsValid && !cert.IsCA, "basic_constraints", "CA:%t", cert.IsCA)
	id, err := keyID(cert.PublicKey)
	expect(err == nil && bytes.Equal(cert.SubjectKeyId, id), "subject_key_id", "%x", cert.SubjectKeyId)
	expect(bytes.Equal(cert.AuthorityKeyId, i.cert.SubjectKeyId), "authority_key_id", "%x", cert.AuthorityKeyId)
	names := len(cert.DNSNames) + len(cert.IPAddresses) + len(cert.URIs)
	expect(names == 0 && len(cert.EmailAddresses) <= 1, "alternative_names", "%d, and %d e-mail", names, len(cert.EmailAddresses))

	seen := map[string]bool{}
	for _, e := range cert.Extensions {
		oid := e.Id.String()
		want, known := leafExtensions[oid]
		expect(known && want.critical == e.Critical, "extension", "%s, critical %t", oid, e.Critical)
		seen[oid] = true
	}
	for oid, e := range leafExtensions {
		expect(e.optional || seen[oid], "extension", "%s is missing", oid)
	}
	return findings
}

// profileOf is the profile whose policy, and no other, the certificate has; "" for
// none.
func (i *Issuer) profileOf(cert *x509.Certificate) Profile { return profileBelow(i.arc, cert) }

func profileBelow(arc string, cert *x509.Certificate) Profile {
	if len(cert.Policies) != 1 {
		return ""
	}
	for _, p := range Profiles {
		if cert.Policies[0].String() == p.Policy(arc) {
			return p
		}
	}
	return ""
}

// lintSubject wants the attributes of the profile, in order, each of its string
// type and not longer than allowed: seven for a person, five otherwise.
func lintSubject(profile Profile, raw []byte) error {
	var name []rawSET
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return err
	}
	want := []struct {
		oid asn1.ObjectIdentifier
		tag int
	}{
		{oidCountry, asn1.TagPrintableString},
		{oidOrgID, asn1.TagUTF8String},
		{oidOrganisation, asn1.TagUTF8String},
		{oidSerialNumber, asn1.TagPrintableString},
		{oidGivenName, asn1.TagUTF8String},
		{oidSurname, asn1.TagUTF8String},
		{oidCommonName, asn1.TagUTF8String},
	}
	leaf, err := readSubject(profile, raw)
	if err != nil {
		return err
	}
	if !leaf.Person {
		want = slices.Delete(want, 4, 6) // no given name, no surname
	}
	if len(name) != len(want) {
		return fmt.Errorf("%d attributes", len(name))
	}
	for i, w := range want {
		rdn := name[i]
		if len(rdn) != 1 || !rdn[0].OID.Equal(w.oid) || rdn[0].Value.Tag != w.tag {
			return fmt.Errorf("attribute %d is not %s with tag %d", i+1, w.oid, w.tag)
		}
		if n := len([]rune(string(rdn[0].Value.Bytes))); n == 0 || n > maxName {
			return fmt.Errorf("%s has %d characters", w.oid, n)
		}
	}
	return nil
}
