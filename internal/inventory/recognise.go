package inventory

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"regexp"
	"slices"
	"strings"

	"github.com/adgang/adgang/internal/pki"
)

// Generations of certificates.
const (
	OCES1   = "oces1"   // TDC, until 2012
	OCES2   = "oces2"   // TRUST2408, Nets DanID
	OCES3   = "oces3"   // Den Danske Stat
	Adgang  = "adgang"  // an installation's own authority
	Private = "private" // of an authority that is none of these
	Unknown = "unknown" // says two things about itself, or too little
)

// Kinds of certificates. Unknown is one, too: nothing is guessed.
const (
	OfEmployee     = "employee"
	OfOrganisation = "organisation"
	OfSystem       = "system"
	OfFunction     = "function"
	OfPerson       = "person"
	OfHost         = "tls"
	OfAuthority    = "authority"
)

// Recognised is what a certificate says about itself.
type Recognised struct {
	Generation  string
	Kind        string
	Test        bool // of a test hierarchy
	SecureEmail bool // can sign and decrypt mail for the address that it names
	Name        string
	SubjectID   string // RID, UID, FID or UUID in lower case, "" = none
	CVR         string // eight digits, "" = none
	Email       string
	Chain       string // how far its chain was verified
}

// How far the chain of a certificate was verified.
const (
	ToRoot   = "root"   // to a root that is known here
	ToIssuer = "issuer" // to a certificate of its issuer, whose root is not known here
)

// Policies of OCES: the number after the arc is the kind, the next one the version
// (certificate policies of Digitaliseringsstyrelsen; Den Danske Stat has 7, the
// test hierarchy of OCES2 an arc of its own). They are matched by their beginning:
// versions come and go.
var (
	policyArc     = []int{1, 2, 208, 169, 1, 1, 1}
	policyArcTest = []int{1, 3, 6, 1, 4, 1, 31313, 2, 4, 6}
	policyKinds   = map[int]string{1: OfPerson, 2: OfEmployee, 3: OfOrganisation, 4: OfFunction}
)

// issuers are how the issuing authorities of each generation begin their O.
var issuers = []struct{ organisation, generation string }{
	{"TDC", OCES1},
	{"TRUST2408", OCES2},
	{"Den Danske Stat", OCES3},
}

var (
	oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidSurname                = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber           = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidEmail                  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

	ocesTwoForm   = regexp.MustCompile(`^CVR:(\d{8})-(RID|UID|FID):(.+)$`)
	ocesThreeForm = regexp.MustCompile(`(?i)^UI:DK-([EO]):G:([0-9a-f-]{36})$`)
)

// Recognise reads generation and kind off a certificate. own are the authorities of
// this installation: what one of them signed is Adgang's. A certificate of OCES is
// one whose policy and whose issuer agree; when they do not, or when its policies
// name two kinds, it is Unknown. So is one that names an issuer whose certificate is
// among issuers, or known here, and that this issuer did not sign.
func Recognise(c *x509.Certificate, own []*x509.Certificate, issuers ...*x509.Certificate) Recognised {
	return builtIn.recognise(c, own, issuers)
}

func (k known) recognise(c *x509.Certificate, own, issuers []*x509.Certificate) Recognised {
	r := recognise(c, own)
	_, chain, broken := k.climb(c, issuers)
	if r.Chain = chain; broken && r.Generation != Adgang {
		r.Generation, r.Kind, r.SecureEmail = Unknown, Unknown, false
	}
	return r
}

func recognise(c *x509.Certificate, own []*x509.Certificate) Recognised {
	r := Recognised{Kind: Unknown, Generation: Private, Name: c.Subject.CommonName}
	r.readSubject(c)
	r.Email = firstEmail(c)
	r.SecureEmail = r.Email != "" && (len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageEmailProtection))
	if r.Name == "" {
		r.Name = firstOf(append(slices.Clone(c.DNSNames), r.Email, c.Subject.String())...)
	}
	kinds, test := policies(c)
	switch {
	case c.IsCA:
		r.Kind, r.Generation, r.SecureEmail = OfAuthority, issuerGeneration(c.Subject), false
		if r.Generation == "" {
			r.Generation = Private
		}
		r.Test = testHierarchy(c.Subject)
	case slices.ContainsFunc(own, func(ca *x509.Certificate) bool { return c.CheckSignatureFrom(ca) == nil }):
		r.Generation = Adgang
		r.Kind = subjectKind(c)
	case len(kinds) > 0:
		r.oces(c, kinds, test)
	case issuerGeneration(c.Issuer) != "":
		r.Generation, r.Test = Unknown, testHierarchy(c.Issuer) // without a policy it is none
	case len(c.DNSNames)+len(c.IPAddresses) > 0 && slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		r.Kind, r.SecureEmail = OfHost, false
	}
	return r
}

// oces settles a certificate with a policy of OCES.
func (r *Recognised) oces(c *x509.Certificate, kinds []string, test bool) {
	r.Generation = issuerGeneration(c.Issuer)
	r.Test = test || testHierarchy(c.Issuer)
	subject := subjectKind(c)
	if r.Generation == "" || len(kinds) > 1 {
		r.Generation = Unknown
		return
	}
	if r.Generation == OCES3 && !wellFormed(c, kinds[0]) {
		return // whose it is, and of what kind, is not said in the form of OCES3
	}
	r.Kind = kinds[0]
	// One policy of OCES3 covers organisations and systems: who may not sign for the
	// organisation is a system.
	if r.Generation == OCES3 && r.Kind == OfOrganisation && c.KeyUsage&x509.KeyUsageContentCommitment == 0 {
		r.Kind = OfSystem
	}
	employee := r.Kind == OfEmployee
	if subject != Unknown && employee != (subject == OfEmployee) {
		r.Kind = Unknown // the policy and the subject disagree
	}
}

// wellFormed tells whether a subject has the form of OCES3: one organisation, a
// Danish one, and of an employee a surname.
func wellFormed(c *x509.Certificate, kind string) bool {
	organisations, surnames, danish := 0, 0, true
	for _, a := range c.Subject.Names {
		text, _ := a.Value.(string)
		switch {
		case a.Type.Equal(oidOrganizationIdentifier):
			organisations++
			danish = danish && strings.HasPrefix(text, "NTRDK-")
		case a.Type.Equal(oidSurname) && strings.TrimSpace(text) != "":
			surnames++
		}
	}
	return organisations == 1 && danish && (kind != OfEmployee || surnames > 0)
}

// readSubject finds whom the certificate is about, in the forms of OCES2 and OCES3.
func (r *Recognised) readSubject(c *x509.Certificate) {
	for _, a := range c.Subject.Names {
		text, _ := a.Value.(string)
		switch {
		case a.Type.Equal(oidOrganizationIdentifier) && r.CVR == "":
			if cvr, ok := strings.CutPrefix(text, "NTRDK-"); ok && len(cvr) == 8 {
				r.CVR = cvr
			}
		case a.Type.Equal(oidSerialNumber) && r.SubjectID == "":
			if m := ocesTwoForm.FindStringSubmatch(text); m != nil {
				r.CVR, r.SubjectID = m[1], m[2]+":"+m[3]
			}
			if m := ocesThreeForm.FindStringSubmatch(text); m != nil {
				r.SubjectID = strings.ToLower(m[2])
			}
		}
	}
}

func subjectKind(c *x509.Certificate) string {
	for _, a := range c.Subject.Names {
		text, _ := a.Value.(string)
		if !a.Type.Equal(oidSerialNumber) {
			continue
		}
		if m := ocesTwoForm.FindStringSubmatch(text); m != nil {
			return map[string]string{"RID": OfEmployee, "UID": OfOrganisation, "FID": OfFunction}[m[2]]
		}
		if m := ocesThreeForm.FindStringSubmatch(text); m != nil {
			return map[string]string{"E": OfEmployee, "O": OfOrganisation}[strings.ToUpper(m[1])]
		}
	}
	return Unknown
}

// policies are the kinds that the policies name, each once.
func policies(c *x509.Certificate) (kinds []string, test bool) {
	for _, p := range c.PolicyIdentifiers {
		rest, ok := cutArc(p, policyArc)
		if !ok {
			if rest, ok = cutArc(p, policyArcTest); ok {
				test = true
			}
		}
		if !ok || len(rest) == 0 {
			continue
		}
		kind := policyKinds[rest[0]]
		if kind == "" {
			kind = Unknown
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds, test
}

func cutArc(oid asn1.ObjectIdentifier, arc []int) ([]int, bool) {
	if len(oid) < len(arc) || !slices.Equal([]int(oid[:len(arc)]), arc) {
		return nil, false
	}
	return oid[len(arc):], true
}

func issuerGeneration(name pkix.Name) string {
	for _, o := range name.Organization {
		for _, known := range issuers {
			if o == known.organisation || strings.HasPrefix(o, known.organisation+" ") {
				return known.generation
			}
		}
	}
	return ""
}

func testHierarchy(name pkix.Name) bool {
	text := strings.ToLower(strings.Join(append(slices.Clone(name.OrganizationalUnit), name.CommonName), " "))
	return strings.Contains(text, "test")
}

func firstEmail(c *x509.Certificate) string {
	var subject string
	for _, a := range c.Subject.Names {
		if text, ok := a.Value.(string); ok && a.Type.Equal(oidEmail) {
			subject = text
		}
	}
	return firstOf(append(slices.Clone(c.EmailAddresses), subject)...)
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// serialOf writes a serial number as the rest of Adgang does.
func serialOf(c *x509.Certificate) string { return string(pki.SerialOf(c.SerialNumber)) }

// authorities reads the chain of the installation.
func authorities(chain [][]byte) []*x509.Certificate {
	var all []*x509.Certificate
	for _, der := range chain {
		if c, err := x509.ParseCertificate(der); err == nil {
			all = append(all, c)
		}
	}
	return all
}
