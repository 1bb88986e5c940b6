package oiosaml

// Metadata is what services load about Adgang. It is written by hand because
// crewjam/saml's type always states an end (validUntil), and a copy that was
// loaded once would stop working on that day.
func (p *Provider) Metadata() []byte {
	w := xmlWriter{b: make([]byte, 0, 8192)}
	w.open("md:EntityDescriptor", "xmlns:md", nsMetadata, "entityID", p.EntityID)
	w.open("md:IDPSSODescriptor", "WantAuthnRequestsSigned", "true", "protocolSupportEnumeration", nsProtocol)
	for _, k := range p.Signing {
		keyDescriptor(&w, k, "signing")
	}
	for _, k := range p.Encryption {
		keyDescriptor(&w, k, "encryption")
	}
	for _, b := range []string{HTTPRedirect, HTTPPost} {
		w.leaf("md:SingleLogoutService", "", "Binding", b, "Location", p.SLO, "ResponseLocation", p.SLO)
	}
	for _, f := range []string{Persistent, Transient} {
		w.leaf("md:NameIDFormat", f)
	}
	for _, b := range []string{HTTPRedirect, HTTPPost} {
		w.leaf("md:SingleSignOnService", "", "Binding", b, "Location", p.SSO)
	}
	for _, o := range offers {
		w.leaf("saml:Attribute", "", "xmlns:saml", nsAssertion,
			"Name", o.name, "NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
	}
	w.close("md:IDPSSODescriptor")
	w.close("md:EntityDescriptor")
	return w.b
}

func keyDescriptor(w *xmlWriter, k Key, use string) {
	w.open("md:KeyDescriptor", "use", use)
	w.open("ds:KeyInfo", "xmlns:ds", nsSignature)
	w.open("ds:X509Data")
	w.base64("ds:X509Certificate", k.Certificate.Raw)
	w.close("ds:X509Data")
	w.close("ds:KeyInfo")
	if use == "encryption" {
		for _, a := range []string{blocks[0].algorithm, oaepOld} {
			w.leaf("md:EncryptionMethod", "", "Algorithm", a)
		}
	}
	w.close("md:KeyDescriptor")
}
