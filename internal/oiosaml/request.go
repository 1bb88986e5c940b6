package oiosaml

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/adgang/adgang/internal/fault"
)

// Skew is how far a service's clock may be off, and how old a request may be.
const Skew = 5 * time.Minute

// Request is a verified login request. It is plain data: it can be stored while
// the person logs in.
type Request struct {
	ID         string    `json:"id"`
	Service    string    `json:"service"`  // entityID
	Consumer   string    `json:"consumer"` // URL that the answer is posted to
	RelayState string    `json:"relay_state,omitempty"`
	IssuedAt   time.Time `json:"issued_at"`
	ForceAuthn bool      `json:"force_authn,omitempty"` // ask again, session or not
	IsPassive  bool      `json:"is_passive,omitempty"`  // show nothing: session or NoPassive
	NameID     string    `json:"name_id"`               // Persistent or Transient
	Context    Context   `json:"context"`
	// Requesters are the entityIDs that the service asks on behalf of, the first
	// to ask first.
	Requesters []string `json:"requesters,omitempty"`
	// Subject is whom the service expects to log in, "" for anybody: a name
	// identifier, as it stands in the request.
	Subject string `json:"subject,omitempty"`
	// Profile is the attribute profile of OIOSAML 4 that the service prefers among
	// those we have; "" when it asks for none.
	Profile string `json:"profile,omitempty"`
	// Signer is the SHA-256 in hex of the certificate that verified the request,
	// "" for one that was not signed.
	Signer string `json:"signer,omitempty"`
}

// Terms are what one service is held to. The zero Terms are the strict ones.
type Terms struct {
	Skew     time.Duration // 0 = Skew
	Unsigned bool          // take requests without a signature; one that is there must verify
}

// maxRequesters is how many services a chain of proxies may name.
const maxRequesters = 20

// Check verifies the message as one from the service md describes, received at
// the endpoint sso at the instant now. Errors: fault.Denied or fault.Invalid to
// show to the person, because nobody may be answered; *RefusalError, with a usable
// Request, when the service is to be told.
func (m *Message) Check(md Metadata, sso string, now time.Time) (Request, error) {
	return m.CheckBy(Terms{}, md, sso, now)
}

// CheckBy is Check by the terms of one service.
func (m *Message) CheckBy(t Terms, md Metadata, sso string, now time.Time) (Request, error) {
	signer, err := m.verify(md.Signing)
	if errors.Is(err, errUnsigned) {
		err = nil
		if !t.Unsigned || md.SignsRequests {
			err = unsigned()
		}
	}
	if err != nil {
		return Request{}, err
	}
	skew := cmp.Or(t.Skew, Skew)
	root := m.root
	if text(child(root, nsAssertion, "Issuer")) != md.EntityID {
		return Request{}, denied("issuer", "The login request does not come from the service that it names.")
	}
	if attr(root, "Destination") != sso {
		return Request{}, denied("destination", "The login request was made for another address: the service must send it to %s.", sso)
	}
	issued, err := instant(attr(root, "IssueInstant"))
	if err != nil {
		return Request{}, malformed(err)
	}
	if age := now.Sub(issued); age > skew || age < -skew {
		return Request{}, denied("expired", "The login request is too old, or the service's clock is wrong. Go back to the service and start again.")
	}
	r := Request{
		ID: attr(root, "ID"), Service: md.EntityID, RelayState: m.relayState, IssuedAt: issued,
		ForceAuthn: flag(attr(root, "ForceAuthn")), IsPassive: flag(attr(root, "IsPassive")),
		Signer: signer,
	}
	if !usableID(r.ID) {
		return Request{}, malformed(nil)
	}
	location, index := attr(root, "AssertionConsumerServiceURL"), attr(root, "AssertionConsumerServiceIndex")
	consumer, known := md.consumer(location, index)
	if !known || location != "" && index != "" {
		return Request{}, denied("consumer", "The service asks for the answer at an address that is not in its metadata. Its owner must register it.")
	}
	r.Consumer = consumer.URL
	return m.wishes(r, md)
}

// wishes reads what the service may ask for; from here on it is answered.
func (m *Message) wishes(r Request, md Metadata) (Request, error) {
	root := m.root
	if binding := attr(root, "ProtocolBinding"); binding != "" && binding != saml.HTTPPostBinding {
		return r, &RefusalError{Requester, UnsupportedBinding, "The answer is only sent by HTTP-POST.", "binding"}
	}
	if r.ForceAuthn && r.IsPassive {
		return r, &RefusalError{Requester, RequestUnsupported, "ForceAuthn and IsPassive exclude each other.", "passive_force"}
	}
	if subject := child(root, nsAssertion, "Subject"); subject != nil {
		r.Subject = text(child(subject, nsAssertion, "NameID"))
		if r.Subject == "" || len(r.Subject) > 1024 || len(subject.ChildElements()) != 1 {
			return r, &RefusalError{Requester, RequestUnsupported, "Of a Subject in the request only a NameID is understood.", "subject_form"}
		}
	}
	if scoping := child(root, nsProtocol, "Scoping"); scoping != nil {
		for _, id := range children(scoping, nsProtocol, "RequesterID") {
			if len(r.Requesters) < maxRequesters {
				r.Requesters = append(r.Requesters, clip(text(id)))
			}
		}
	}
	var known bool
	if r.Profile, known = readProfile(child(root, nsProtocol, "Extensions")); !known {
		return r, &RefusalError{Requester, RequestUnsupported, "None of the attribute profiles that are asked for is given: Adgang knows people as professionals.", "profile"}
	}
	r.Context = readContext(child(root, nsProtocol, "RequestedAuthnContext"))
	format := ""
	if policy := child(root, nsProtocol, "NameIDPolicy"); policy != nil {
		format = attr(policy, "Format")
		if q := attr(policy, "SPNameQualifier"); q != "" && q != md.EntityID {
			return r, &RefusalError{Requester, InvalidNameIDPolicy, "A name identifier for another service is not given.", "name_qualifier"}
		}
	}
	r.NameID = nameID(format, md.NameIDs)
	if r.NameID == "" {
		return r, &RefusalError{Requester, InvalidNameIDPolicy, "Only persistent and transient name identifiers are given.", "name_id"}
	}
	return r, nil
}

// Attribute profiles of OIOSAML 4 that every login here can fulfil.
const (
	ProfessionalDK          = profiles + "Professional/DK"
	ProfessionalDKAnonymous = profiles + "Professional/DK/Anonymous"
)

// readProfile takes the first profile of RequestedAttributeProfiles that we have;
// known is false when it lists only others.
func readProfile(extensions *etree.Element) (profile string, known bool) {
	if extensions == nil {
		return "", true
	}
	wish := child(extensions, nsEID, "RequestedAttributeProfiles")
	if wish == nil {
		return "", true
	}
	for _, p := range children(wish, nsEID, "Profile") {
		if id := text(p); id == ProfessionalDK || id == ProfessionalDKAnonymous {
			return id, true
		}
	}
	return "", false
}

// nameID chooses the format: the one asked for, else the first that the
// metadata lists and we have, else persistent. "" when we lack the one asked for.
func nameID(format string, listed []string) string {
	if format != "" && format != string(saml.UnspecifiedNameIDFormat) {
		listed = []string{format}
	} else {
		listed = append(slices.Clone(listed), Persistent)
	}
	for _, f := range listed {
		if f == Persistent || f == Transient {
			return f
		}
	}
	return ""
}

// usableID tells whether the ID can come back as InResponseTo: not empty, at
// most 256 bytes, no spaces or control characters.
func usableID(id string) bool {
	return id != "" && len(id) <= 256 && strings.IndexFunc(id, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}) < 0
}

// verify looks for a signature by one of certs, replaces the tree by what was
// really signed and returns the certificate's SHA-256. Errors: errUnsigned when
// there is none, fault.Denied for one that does not fit.
func (m *Message) verify(certs []*x509.Certificate) (signer string, err error) {
	cert, err := m.prove(certs)
	if errors.Is(err, errUnsigned) {
		return "", err
	}
	if err != nil {
		return "", forged()
	}
	return Fingerprint(cert), nil
}

// prove is verify for messages of any kind. Errors: errUnsigned, errSignature.
func (m *Message) prove(certs []*x509.Certificate) (*x509.Certificate, error) {
	if !m.redirect {
		signed, cert, err := verifyXML(m.root, certs)
		if err == nil {
			m.root = signed
		}
		return cert, err
	}
	if len(m.signature) == 0 {
		return nil, errUnsigned
	}
	for _, cert := range certs {
		if verifyBytes(cert, m.algorithm, m.signed, m.signature) {
			return cert, nil
		}
	}
	return nil, errSignature
}

// Fingerprint is the SHA-256 of a certificate in hex.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Claims is what a message says of itself, believed or not, for whoever looks for
// what is wrong with it.
type Claims struct {
	ID, Destination, Consumer, ConsumerIndex, IssuedAt string
	Algorithm                                          string // "" for no signature
}

// Claims reads them.
func (m *Message) Claims() Claims {
	c := Claims{
		ID: clip(attr(m.root, "ID")), Destination: clip(attr(m.root, "Destination")), Consumer: clip(attr(m.root, "AssertionConsumerServiceURL")),
		ConsumerIndex: clip(attr(m.root, "AssertionConsumerServiceIndex")), IssuedAt: clip(attr(m.root, "IssueInstant")), Algorithm: clip(m.algorithm),
	}
	if sig := child(m.root, nsSignature, "Signature"); sig != nil && !m.redirect {
		if info := child(sig, nsSignature, "SignedInfo"); info != nil {
			c.Algorithm = clip(algorithmOf(info, "SignatureMethod"))
		}
	}
	return c
}

// Binding is how the message came: redirect or post.
func (m *Message) Binding() string {
	if m.redirect {
		return "redirect"
	}
	return "post"
}

// Raw is the message as it arrived: of the Redirect binding the query that its
// signature covers with the signature, else the XML.
func (m *Message) Raw() []byte { return m.raw }

func denied(reason, text string, args ...any) error {
	return fault.New(fault.Denied, "federation.request."+reason, text, args...)
}

func unsigned() error {
	return denied("unsigned", "The login request is not signed. The service must sign it with the key in its metadata.")
}

func forged() error {
	return denied("signature", "The login request's signature does not fit the service's metadata. It may have been altered, or the service has a new key that its owner must register.")
}
