package oiosaml

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// How long what is published holds. A copy that was loaded once must not stop
// working before it is wrong, so its end (validUntil) is that of the certificate
// that signs, and never nearer than lastDays; whoever fetches it comes back after
// six hours (cacheDuration), many times within the overlap of a rollover.
const (
	cacheDuration = "PT6H"
	lastDays      = 30 * 24 * time.Hour
)

// Metadata is what services load about Adgang, without a signature and without an
// end. It is written by hand because crewjam/saml's type always states an end, a
// short one.
func (p *Provider) Metadata() []byte {
	w, _ := p.document()
	return w.b
}

// Publish is Metadata signed, with how long it holds as seen from now.
func (p *Provider) Publish(now time.Time) ([]byte, error) {
	return publish(p.Signing[0], now, p.document)
}

// publish signs the document that write writes with the attributes given. Its ID
// is made from what it says: every node publishes the same octets.
func publish(k Key, now time.Time, write func(attributes ...string) (w xmlWriter, at int)) ([]byte, error) {
	until := k.Certificate.NotAfter
	if soonest := now.Add(lastDays); until.Before(soonest) {
		until = soonest
	}
	end := until.UTC().Truncate(time.Second).Format(time.RFC3339)
	said, _ := write("ID", "", "cacheDuration", cacheDuration, "validUntil", end)
	digest := sha256.Sum256(said.b)
	id := "_" + hex.EncodeToString(digest[:16])
	w, at := write("ID", id, "cacheDuration", cacheDuration, "validUntil", end)
	return k.sign(w.b, id, at)
}

// openEntity writes the start of an EntityDescriptor; attributes are "ID",
// "cacheDuration" and "validUntil" with their values, or nothing. at is where a
// signature belongs.
func openEntity(w *xmlWriter, entityID string, attributes []string) (at int) {
	if len(attributes) > 0 { // by name, as the canonical form has them
		attributes = []string{attributes[0], attributes[1], attributes[2], attributes[3], "entityID", entityID, attributes[4], attributes[5]}
	} else {
		attributes = []string{"entityID", entityID}
	}
	w.open("md:EntityDescriptor", append([]string{"xmlns:md", nsMetadata}, attributes...)...)
	return len(w.b)
}

func (p *Provider) document(attributes ...string) (w xmlWriter, at int) {
	w = xmlWriter{b: make([]byte, 0, 8192)}
	at = openEntity(&w, p.EntityID, attributes)
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
	return w, at
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
