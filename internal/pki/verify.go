package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Trust is the issuing CAs whose certificates count. It is safe for concurrent
// use.
type Trust struct {
	issuing *x509.CertPool
	arcs    map[Serial]string // by the serial number of the issuing CA
}

// NewTrust takes certificates in DER. Each issuing CA must be signed by one of the
// roots, which is checked here once and not for each leaf. policyArcs are those of
// the issuing CAs, in their order; one that is missing or "" is PolicyArc.
func NewTrust(roots, issuing [][]byte, policyArcs ...string) (*Trust, error) {
	var anchors []*x509.Certificate
	for _, der := range roots {
		root, err := parseCA(der)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, root)
	}
	t := &Trust{issuing: x509.NewCertPool(), arcs: map[Serial]string{}}
	for i, der := range issuing {
		ca, err := parseCA(der)
		if err != nil {
			return nil, err
		}
		if ca.KeyUsage&x509.KeyUsageCertSign == 0 {
			return nil, fmt.Errorf("issuing CA %s may not sign certificates", SerialOf(ca.SerialNumber))
		}
		if !signedByAny(ca, anchors) {
			return nil, fmt.Errorf("issuing CA %s is signed by none of %d roots", SerialOf(ca.SerialNumber), len(anchors))
		}
		t.issuing.AddCert(ca)
		serial := SerialOf(ca.SerialNumber)
		if t.arcs[serial] = PolicyArc; i < len(policyArcs) && policyArcs[i] != "" {
			t.arcs[serial] = policyArcs[i]
		}
	}
	return t, nil
}

func signedByAny(ca *x509.Certificate, anchors []*x509.Certificate) bool {
	for _, root := range anchors {
		if ca.CheckSignatureFrom(root) == nil {
			return true
		}
	}
	return false
}

// Leaf is what a certificate of ours says.
type Leaf struct {
	Profile      Profile
	Person       bool // rather than something of the organisation
	Serial       Serial
	Issuer       Serial // serial number of the issuing CA's own certificate
	CVR          string // eight digits
	UUID         string // lower case
	Organisation string // perhaps cut, see Subject
	GivenName    string
	Surname      string
	Name         string // of what is no person
	Email        string // "" when the certificate has none
	NotBefore    time.Time
	NotAfter     time.Time // the last second that counts
	PublicKey    crypto.PublicKey
}

// Verify reads a certificate (DER) of one of the profiles, none for an employee's,
// and says whether it counted at that instant, but for revocation. Errors:
// Unreadable, OtherAuthority, OtherProfile, NotYetValid, Expired, told in this
// order.
func (t *Trust) Verify(der []byte, at time.Time, profiles ...Profile) (*Leaf, error) {
	if len(profiles) == 0 {
		profiles = []Profile{ProfileEmployee}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuse(Unreadable, "This is not a certificate.").because(err)
	}
	chains, err := cert.Verify(x509.VerifyOptions{
		Roots: t.issuing,
		// The chain is judged within the leaf's own validity, so that an expired
		// certificate of ours is told from a foreign one.
		CurrentTime: clamp(at, cert.NotBefore, cert.NotAfter),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return nil, refuse(OtherAuthority, "The certificate was issued by another authority.").because(err)
	}
	if err != nil {
		return nil, otherProfile(profiles).because(err)
	}
	chain := chains[0]
	issuer := SerialOf(chain[len(chain)-1].SerialNumber)
	leaf, err := readLeaf(cert, t.arcs[issuer])
	if err == nil && !slices.Contains(profiles, leaf.Profile) {
		err = fmt.Errorf("profile %s", leaf.Profile)
	}
	if err != nil {
		return nil, otherProfile(profiles).because(err)
	}
	if at.Before(cert.NotBefore) {
		return nil, refuse(NotYetValid, "The certificate is valid only from %s.", cert.NotBefore.Format(time.RFC3339))
	}
	// notAfter is the last valid second, all of it.
	if !at.Before(cert.NotAfter.Add(time.Second)) {
		return nil, refuse(Expired, "The certificate expired at %s.", cert.NotAfter.Format(time.RFC3339))
	}
	leaf.Issuer = issuer
	return leaf, nil
}

func otherProfile(profiles []Profile) *Error {
	if len(profiles) == 1 && profiles[0] == ProfileEmployee {
		return refuse(OtherProfile, "The certificate is not an employee's.")
	}
	return refuse(OtherProfile, "The certificate is of a kind that is not used for this.")
}

func clamp(at, from, to time.Time) time.Time {
	if at.Before(from) {
		return from
	}
	if at.After(to) {
		return to
	}
	return at
}

// readLeaf demands of a certificate of ours what login and client authentication
// rely on.
func readLeaf(cert *x509.Certificate, arc string) (*Leaf, error) {
	if cert.IsCA || cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, errors.New("its key may not sign for its holder")
	}
	profile := profileBelow(arc, cert)
	if profile == "" {
		return nil, fmt.Errorf("policies %v", cert.Policies)
	}
	leaf, err := readSubject(profile, cert.RawSubject)
	if err != nil {
		return nil, err
	}
	leaf.Serial = SerialOf(cert.SerialNumber)
	leaf.NotBefore, leaf.NotAfter = cert.NotBefore, cert.NotAfter
	leaf.PublicKey = cert.PublicKey
	if boxes := Mailboxes(cert); len(boxes) > 0 {
		leaf.Email = boxes[0].Address
	}
	return leaf, nil
}

// readSubject takes the attributes in any order, each at most once, and ignores
// those it does not know.
func readSubject(profile Profile, raw []byte) (*Leaf, error) {
	var name []rawSET
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, rdn := range name {
		for _, a := range rdn {
			oid := a.OID.String()
			if _, twice := values[oid]; twice {
				return nil, fmt.Errorf("attribute %s twice", oid)
			}
			if !utf8.Valid(a.Value.Bytes) {
				return nil, fmt.Errorf("attribute %s is not UTF-8", oid)
			}
			values[oid] = string(a.Value.Bytes)
		}
	}
	cvr, okCVR := strings.CutPrefix(values[oidOrgID.String()], cvrPrefix)
	id, person := strings.CutPrefix(values[oidSerialNumber.String()], personPrefix)
	id, function := strings.CutPrefix(id, functionPrefix)
	id = strings.ToLower(id)
	if !okCVR || !cvrForm.MatchString(cvr) {
		return nil, errors.New("organizationIdentifier is not NTRDK- and eight digits")
	}
	switch {
	case !uuidForm.MatchString(id) || person == function:
		return nil, errors.New("serialNumber is neither UI:DK-E:G: nor UI:DK-O:G: and a UUID")
	case profile == ProfileEmployee && !person, profile != ProfileEmployee && profile != ProfileSecureEmail && person:
		return nil, fmt.Errorf("serialNumber is not of the profile %s", profile)
	case person && values[oidSurname.String()] == "":
		return nil, errors.New("surname is missing")
	}
	leaf := &Leaf{
		Profile: profile, Person: person, CVR: cvr, UUID: id, Organisation: values[oidOrganisation.String()],
		GivenName: values[oidGivenName.String()], Surname: values[oidSurname.String()],
	}
	if !person {
		leaf.Name = values[oidCommonName.String()]
	}
	return leaf, nil
}
