package oiosaml

import "time"

// RelyingParty is Adgang as a service provider: what identity providers of
// organisations load about it.
type RelyingParty struct {
	EntityID   string
	Consumer   string // receives answers, HTTP-POST
	Logout     string // receives logout messages, HTTP-Redirect and HTTP-POST
	Name       string // of the installation
	Signing    []Key  // the first signs
	Encryption []Key  // told to partners
	Decryption []Key  // those, and the ones before
	Contact    string // mail address of a technical contact, "" for none
	Attributes []string
}

// Metadata is written by hand for the reason given at Provider.Metadata. Ciphers
// are listed as they are read, the best first; CBC is read by setting only, so it
// is not offered.
func (p RelyingParty) Metadata() []byte {
	w, _ := p.document()
	return w.b
}

// Publish is Metadata signed, with how long it holds as seen from now.
func (p RelyingParty) Publish(now time.Time) ([]byte, error) {
	return publish(p.Signing[0], now, p.document)
}

func (p RelyingParty) document(attributes ...string) (w xmlWriter, at int) {
	w = xmlWriter{b: make([]byte, 0, 8192)}
	at = openEntity(&w, p.EntityID, attributes)
	w.open("md:SPSSODescriptor", "AuthnRequestsSigned", "true", "WantAssertionsSigned", "true", "protocolSupportEnumeration", nsProtocol)
	for _, k := range p.Signing {
		keyDescriptor(&w, k, "signing")
	}
	for _, k := range p.Encryption {
		keyDescriptor(&w, k, "encryption")
	}
	if p.Logout != "" {
		for _, b := range []string{HTTPRedirect, HTTPPost} {
			w.leaf("md:SingleLogoutService", "", "Binding", b, "Location", p.Logout)
		}
	}
	w.leaf("md:NameIDFormat", Persistent)
	w.leaf("md:AssertionConsumerService", "", "Binding", HTTPPost, "Location", p.Consumer, "index", "0", "isDefault", "true")
	if len(p.Attributes) > 0 {
		w.open("md:AttributeConsumingService", "index", "0")
		w.leaf("md:ServiceName", p.Name, "xml:lang", "da")
		for _, a := range p.Attributes {
			w.leaf("md:RequestedAttribute", "", "Name", a, "NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
		}
		w.close("md:AttributeConsumingService")
	}
	w.close("md:SPSSODescriptor")
	if p.Contact != "" {
		w.open("md:ContactPerson", "contactType", "technical")
		w.leaf("md:EmailAddress", "mailto:"+p.Contact)
		w.close("md:ContactPerson")
	}
	w.close("md:EntityDescriptor")
	return w, at
}
