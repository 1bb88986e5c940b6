package peer

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/adgang/adgang/internal/oiosaml"
)

// An identity provider that tests play, and Adgang as its service.
const (
	Own     = "https://login.company.example/metadata" // its entityID
	OwnSSO  = "https://login.company.example/sso"
	Party   = Base + "/saml/sp/metadata"
	Answers = Base + "/saml/sp/acs"
)

// IdentityMetadata writes the metadata of the identity provider whose role holds
// parts.
func IdentityMetadata(parts ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + Own + `">` +
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="true">` +
		strings.Join(parts, "") + `</md:IDPSSODescriptor></md:EntityDescriptor>`
}

// RedirectSSO is the endpoint of OwnSSO.
const RedirectSSO = `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + OwnSSO + `"/>`

// Identity is the identity provider with RSA as its key.
func Identity(t testing.TB) oiosaml.Identity {
	t.Helper()
	p, err := oiosaml.ParseIdentity([]byte(IdentityMetadata(SigningKey(RSA()), RedirectSSO)), Noon)
	if err != nil {
		t.Fatalf("ParseIdentity: %v", err)
	}
	return p
}

// Login is what the played provider says about a person.
type Login struct {
	At         time.Time // Noon when zero
	InReplyTo  string    // "" = nobody asked
	Consumer   string    // Answers when ""
	Audience   string    // Party when ""
	Issuer     string    // Own when ""
	Name       string
	Assertion  string // ID, "_assertion" when ""
	Class      string
	Attributes map[string]string
	// Edit changes the unsigned assertion; EditResponse the whole, after signing.
	Edit         func(assertion string) string
	EditResponse func(response string) string
	// Key signs the assertion, Outer the response as well, To encrypts.
	Key, Outer *oiosaml.Key
	To         *oiosaml.Recipient
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// assertionXML writes the assertion, unsigned.
func (l Login) assertionXML() string {
	reply := ""
	if l.InReplyTo != "" {
		reply = ` InResponseTo="` + l.InReplyTo + `"`
	}
	var attributes strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		fmt.Fprintf(&attributes, `<saml:Attribute Name="%s"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute>`, name, l.Attributes[name])
	}
	return fmt.Sprintf(`<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="%s" Version="2.0" IssueInstant="%s">`+
		`<saml:Issuer>%s</saml:Issuer>`+
		`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">%s</saml:NameID>`+
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData%s NotOnOrAfter="%s" Recipient="%s"/></saml:SubjectConfirmation></saml:Subject>`+
		`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s"><saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction></saml:Conditions>`+
		`<saml:AuthnStatement AuthnInstant="%s" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef>%s</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`+
		`<saml:AttributeStatement>%s</saml:AttributeStatement></saml:Assertion>`,
		or(l.Assertion, "_assertion"), when(l.At), or(l.Issuer, Own), l.Name, reply, when(l.At.Add(5*time.Minute)), or(l.Consumer, Answers),
		when(l.At), when(l.At.Add(10*time.Minute)), or(l.Audience, Party), when(l.At), or(l.Class, "https://data.gov.dk/concept/core/nsis"), attributes.String())
}

// Response writes the Response, signed as the fields say.
func (l Login) Response(t testing.TB) string {
	t.Helper()
	if l.At.IsZero() {
		l.At = Noon
	}
	xml := l.assertionXML()
	if l.Edit != nil {
		xml = l.Edit(xml)
	}
	if l.Key != nil {
		xml = Must(Signed(t, xml, *l.Key).WriteToString())
	}
	if l.To != nil {
		xml = Must(l.To.Encrypt([]byte(xml)))
	}
	reply := ""
	if l.InReplyTo != "" {
		reply = ` InResponseTo="` + l.InReplyTo + `"`
	}
	response := fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0"`+
		` IssueInstant="%s" Destination="%s"%s><saml:Issuer>%s</saml:Issuer>`+
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>%s</samlp:Response>`,
		when(l.At), or(l.Consumer, Answers), reply, or(l.Issuer, Own), xml)
	if l.Outer != nil {
		response = Must(Signed(t, response, *l.Outer).WriteToString())
	}
	if l.EditResponse != nil {
		response = l.EditResponse(response)
	}
	return response
}

// Field is the form field SAMLResponse.
func (l Login) Field(t testing.TB) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString([]byte(l.Response(t)))
}

// Asked reads a login request that Adgang sent by Redirect.
func Asked(t testing.TB, address string) *etree.Element {
	t.Helper()
	return Said(t, address, "SAMLRequest")
}

// Said reads the message in a parameter of an address.
func Said(t testing.TB, address, field string) *etree.Element {
	t.Helper()
	u := Must(url.Parse(address))
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(unpack(t, u.Query().Get(field))); err != nil || doc.Root() == nil {
		t.Fatalf("message in %s: %v", address, err)
	}
	return doc.Root()
}
