package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Trust is the issuing CAs whose certificates count. It is safe for concurrent
// use.
type Trust struct {
	issuing *x509.CertPool
}

// NewTrust takes certificates in DER. Each issuing CA must be signed by one of the
// roots, which is checked here once and not for each leaf.
func NewTrust(roots, issuing [][]byte) (*Trust, error) {
	var anchors []*x509.Certificate
	for _, der := range roots {
		root, err := parseCA(der)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, root)
	}
	t := &Trust{issuing: x509.NewCertPool()}
	for _, der := range issuing {
		ca, err := parseCA(der)
		if err != nil {
			return nil, err
		}
		if !signedByAny(ca, anchors) {
			return nil, fmt.Errorf("issuing CA %s is signed by none of %d roots", SerialOf(ca.SerialNumber), len(anchors))
		}
		t.issuing.AddCert(ca)
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

// Leaf is what an employee certificate says.
type Leaf struct {
	Serial       Serial
	Issuer       Serial // serial number of the issuing CA's own certificate
	CVR          string // eight digits
	EmployeeUUID string // lower case
	Organisation string // perhaps cut, see Employee
	GivenName    string
	Surname      string
	Email        string // "" when the certificate has none
	NotBefore    time.Time
	NotAfter     time.Time // the last second that counts
	PublicKey    crypto.PublicKey
}

// Verify reads an employee certificate (DER) and says whether it counted at that
// instant, but for revocation. Errors: Unreadable, OtherAuthority, OtherProfile,
// NotYetValid, Expired, told in this order.
func (t *Trust) Verify(der []byte, at time.Time) (*Leaf, error) {
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
		return nil, refuse(OtherProfile, "The certificate is not an employee's.").because(err)
	}
	leaf, err := readLeaf(cert)
	if err != nil {
		return nil, refuse(OtherProfile, "The certificate is not an employee's.").because(err)
	}
	if at.Before(cert.NotBefore) {
		return nil, refuse(NotYetValid, "The certificate is valid only from %s.", cert.NotBefore.Format(time.RFC3339))
	}
	// notAfter is the last valid second, all of it.
	if !at.Before(cert.NotAfter.Add(time.Second)) {
		return nil, refuse(Expired, "The certificate expired at %s.", cert.NotAfter.Format(time.RFC3339))
	}
	chain := chains[0]
	leaf.Issuer = SerialOf(chain[len(chain)-1].SerialNumber)
	return leaf, nil
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

// readLeaf demands of a certificate of ours what login relies on.
func readLeaf(cert *x509.Certificate) (*Leaf, error) {
	if cert.IsCA || cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, errors.New("its key may not sign for a person")
	}
	if len(cert.Policies) != 1 || !cert.Policies[0].Equal(employeePolicy) {
		return nil, fmt.Errorf("policies %v", cert.Policies)
	}
	leaf, err := readSubject(cert.RawSubject)
	if err != nil {
		return nil, err
	}
	leaf.Serial = SerialOf(cert.SerialNumber)
	leaf.NotBefore, leaf.NotAfter = cert.NotBefore, cert.NotAfter
	leaf.PublicKey = cert.PublicKey
	if len(cert.EmailAddresses) > 0 {
		leaf.Email = cert.EmailAddresses[0]
	}
	return leaf, nil
}

// readSubject takes the attributes in any order, each at most once, and ignores
// those it does not know.
func readSubject(raw []byte) (*Leaf, error) {
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
	id, okUUID := strings.CutPrefix(values[oidSerialNumber.String()], uuidPrefix)
	id = strings.ToLower(id)
	if !okCVR || !cvrForm.MatchString(cvr) {
		return nil, errors.New("organizationIdentifier is not NTRDK- and eight digits")
	}
	if !okUUID || !uuidForm.MatchString(id) {
		return nil, errors.New("serialNumber is not UI:DK-E:G: and a UUID")
	}
	if values[oidSurname.String()] == "" {
		return nil, errors.New("surname is missing")
	}
	return &Leaf{
		CVR: cvr, EmployeeUUID: id, Organisation: values[oidOrganisation.String()],
		GivenName: values[oidGivenName.String()], Surname: values[oidSurname.String()],
	}, nil
}
