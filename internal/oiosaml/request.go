package oiosaml

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

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
}

// Check verifies the message as one from the service md describes, received at
// the endpoint sso at the instant now. Errors: fault.Denied or fault.Invalid to
// show to the person, because nobody may be answered; *RefusalError, with a usable
// Request, when the service is to be told.
func (m *Message) Check(md Metadata, sso string, now time.Time) (Request, error) {
	if err := m.verify(md.Signing); err != nil {
		return Request{}, err
	}
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
	if age := now.Sub(issued); age > Skew || age < -Skew {
		return Request{}, denied("expired", "The login request is too old, or the service's clock is wrong. Go back to the service and start again.")
	}
	r := Request{
		ID: attr(root, "ID"), Service: md.EntityID, RelayState: m.relayState, IssuedAt: issued,
		ForceAuthn: flag(attr(root, "ForceAuthn")), IsPassive: flag(attr(root, "IsPassive")),
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
		return r, &RefusalError{Requester, UnsupportedBinding, "The answer is only sent by HTTP-POST."}
	}
	if r.ForceAuthn && r.IsPassive {
		return r, &RefusalError{Requester, RequestUnsupported, "ForceAuthn and IsPassive exclude each other."}
	}
	if child(root, nsAssertion, "Subject") != nil {
		return r, &RefusalError{Requester, RequestUnsupported, "A Subject in the request is not supported."}
	}
	r.Context = readContext(child(root, nsProtocol, "RequestedAuthnContext"))
	format := ""
	if policy := child(root, nsProtocol, "NameIDPolicy"); policy != nil {
		format = attr(policy, "Format")
		if q := attr(policy, "SPNameQualifier"); q != "" && q != md.EntityID {
			return r, &RefusalError{Requester, InvalidNameIDPolicy, "A name identifier for another service is not given."}
		}
	}
	r.NameID = nameID(format, md.NameIDs)
	if r.NameID == "" {
		return r, &RefusalError{Requester, InvalidNameIDPolicy, "Only persistent and transient name identifiers are given."}
	}
	return r, nil
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

// verify demands a signature by one of certs and replaces the tree by what was
// really signed.
func (m *Message) verify(certs []*x509.Certificate) error {
	if m.redirect {
		if len(m.signature) == 0 {
			return unsigned()
		}
		for _, cert := range certs {
			if verifyBytes(cert, m.algorithm, m.signed, m.signature) {
				return nil
			}
		}
		return forged()
	}
	signed, err := verifyXML(m.root, certs)
	if errors.Is(err, errUnsigned) {
		return unsigned()
	}
	if err != nil {
		return forged()
	}
	m.root = signed
	return nil
}

func denied(reason, text string, args ...any) error {
	return fault.New(fault.Denied, "federation.request."+reason, text, args...)
}

func unsigned() error {
	return denied("unsigned", "The login request is not signed. The service must sign it with the key in its metadata.")
}

func forged() error {
	return denied("signature", "The login request's signature does not fit the service's metadata. It may have been altered, or the service has a new key that its owner must register.")
}
