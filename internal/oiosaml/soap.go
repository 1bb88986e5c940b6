package oiosaml

import (
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// SOAP is the binding from server to server.
const SOAP = saml.SOAPBinding

const nsSOAP = "http://schemas.xmlsoap.org/soap/envelope/"

// LogoutEnvelope writes a signed LogoutRequest in a SOAP 1.1 envelope (SAML
// bindings 3.2), from server to server, and returns its ID.
func (o Own) LogoutEnvelope(to LogoutService, who Leaving, now time.Time) (id string, envelope []byte, err error) {
	id = newID()
	xml, at, err := o.logoutRequest(id, to.URL, who, now)
	if err != nil {
		return "", nil, err
	}
	signed, err := o.Key.sign(xml, id, at)
	if err != nil {
		return "", nil, err
	}
	return id, wrap(signed), nil
}

// AnswerEnvelope writes the signed LogoutResponse to a request that came by SOAP;
// it has no destination but the connection.
func (o Own) AnswerEnvelope(r LogoutRequest, why *RefusalError, now time.Time) ([]byte, error) {
	id := newID()
	xml, at := o.logoutResponse(id, "", r.ID, why, now)
	signed, err := o.Key.sign(xml, id, at)
	if err != nil {
		return nil, err
	}
	return wrap(signed), nil
}

func wrap(message []byte) []byte {
	w := xmlWriter{b: make([]byte, 0, len(message)+256)}
	w.open("soap:Envelope", "xmlns:soap", nsSOAP)
	w.open("soap:Body")
	w.b = append(w.b, message...)
	w.close("soap:Body")
	w.close("soap:Envelope")
	return w.b
}

// ReadLogoutEnvelope reads a logout message from a SOAP 1.1 envelope: the one
// element in its Body. Errors: fault.Invalid.
func ReadLogoutEnvelope(raw []byte) (*LogoutMessage, error) {
	root, err := parse(raw, maxMessage)
	if err != nil {
		return nil, malformedLogout(err)
	}
	bodies := children(root, nsSOAP, "Body")
	if !is(root, nsSOAP, "Envelope") || len(bodies) != 1 || len(bodies[0].ChildElements()) != 1 {
		return nil, malformedLogout(nil)
	}
	inner := alone(bodies[0].ChildElements()[0])
	answer := is(inner, nsProtocol, "LogoutResponse")
	_, tag := logoutField(answer)
	m, err := messageOf(inner, "", tag)
	if err != nil {
		return nil, malformedLogout(err)
	}
	return &LogoutMessage{Message: *m, Binding: SOAP, Answer: answer}, nil
}

// alone takes an element out of its document with the namespaces that are in
// scope there. Exclusive canonical form, the only one that is verified, leaves out
// those that the element does not use.
func alone(el *etree.Element) *etree.Element {
	out := el.Copy()
	for up := el.Parent(); up != nil; up = up.Parent() {
		for _, a := range up.Attr {
			if a.Space != "xmlns" && (a.Space != "" || a.Key != "xmlns") {
				continue
			}
			if out.SelectAttr(a.FullKey()) == nil {
				out.CreateAttr(a.FullKey(), a.Value)
			}
		}
	}
	etree.NewDocumentWithRoot(out)
	return out
}
