package oiosaml

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"github.com/crewjam/saml"
)

// Lifetimes of an assertion, as Danish identity providers have them: until it
// must have been delivered, and until it means anything at all.
const (
	deliverWithin = 5 * time.Minute
	meansFor      = 10 * time.Minute
)

// NameIDPrefix makes a UUID the name identifier that OIOSAML 3 demands.
const NameIDPrefix = "https://data.gov.dk/model/core/eid/professional/uuid/"

// Provider is Adgang as identity provider, one for the whole installation.
type Provider struct {
	EntityID string // BASE_URL/saml/idp/metadata
	SSO      string // BASE_URL/saml/idp/sso
	SLO      string // BASE_URL/saml/idp/slo
	// Signing keys in the metadata, at least one; the first of an algorithm signs.
	Signing []Key
	// Encryption keys in the metadata, for what services send encrypted.
	Encryption []Key
}

// NewProvider names an identity provider by the address of the installation.
func NewProvider(baseURL string, signing, encryption []Key) *Provider {
	return &Provider{
		EntityID: baseURL + "/saml/idp/metadata", SSO: baseURL + "/saml/idp/sso", SLO: baseURL + "/saml/idp/slo",
		Signing: signing, Encryption: encryption,
	}
}

// Signer is the key that signs where a partner wants the algorithm; RSA, the
// first key, where there is none of it.
func (p *Provider) Signer(algorithm string) Key {
	for _, k := range p.Signing {
		if k.Algorithm() == algorithm {
			return k
		}
	}
	return p.Signing[0]
}

// By is p signing with the key of one algorithm, as Signer chooses it.
func (p *Provider) By(algorithm string) *Provider {
	q := *p
	q.Signing = []Key{p.Signer(algorithm)}
	return &q
}

// Person is who logged in, as a service gets to see it. Empty fields are left
// out of the assertion.
type Person struct {
	UUID string // the same for every service
	// NameID is a UUID that only this service knows the person by; ignored when
	// the request wants a transient name, which is made up here.
	NameID    string
	FullName  string
	FirstName string
	LastName  string
	Email     string
	RID       string
	CVR       string // 8 digits
	OrgName   string
	// ProductionUnit (P-number), SENumber and BirthDate (YYYY-MM-DD) are told only
	// to a service that lists them.
	ProductionUnit string
	SENumber       string
	BirthDate      string
	// Level is the lower of Identity, how well the person is known, and
	// Authenticator, what the means of login proves, as NSIS demands; these two
	// are 0 where they are not told.
	Level         Level
	Identity      Level
	Authenticator Level
	LoginAt       time.Time // when the person proved who they are
	Until         time.Time // when the session at the service must end, zero = that is its own affair
	Elsewhere     bool      // at another identity provider than Adgang: how is not known
	// Privileges is a list of OIO Basic Privilege Profile in base64.
	Privileges string
	// Profile is the attribute profile of OIOSAML 4 that was agreed on, "" for
	// OIOSAML 3.
	Profile string
	// Withheld are names of attributes that the person's organisation holds back;
	// it cannot hold back what the profile makes mandatory.
	Withheld []string
}

// Reply is what the browser posts to the service.
type Reply struct {
	URL          string // action of the form
	SAMLResponse string // base64
	SAMLRequest  string // base64, instead of SAMLResponse: the other party is asked
	RelayState   string // as it came, "" = leave the field out
	Assertion    string // ID of the assertion and SessionIndex, "" for a refusal
	NameID       string // as the assertion has it, "" for a refusal
	Name         NameID // the same with its qualifiers
	Response     []byte // what SAMLResponse holds
	Signed       []byte // the signed assertion before encryption, nil for a refusal
}

// Manner is how a service wants its answers. The zero Manner signs the assertion
// and not the Response around it, as OIOSAML has it.
type Manner struct {
	SignResponse bool
}

// Respond answers r for a person who has logged in. Errors: *RefusalError when
// the service asked for what this login is not; other errors are ours.
func (p *Provider) Respond(r Request, md Metadata, who Person, now time.Time) (Reply, error) {
	return p.RespondIn(Manner{}, r, md, who, now)
}

// RespondIn is Respond in the manner that a service wants.
func (p *Provider) RespondIn(m Manner, r Request, md Metadata, who Person, now time.Time) (Reply, error) {
	class, ok := r.Context.Class(who.Level, !who.Elsewhere)
	if !ok {
		return Reply{}, &RefusalError{Responder, NoAuthnContext, "The login has the level " + who.Level.String() + ", which is not what was asked for.", "level"}
	}
	if r.NameID == Transient {
		who.NameID = randomUUID()
	}
	if who.NameID == "" {
		return Reply{}, errors.New("respond to a service: no name identifier")
	}
	id := newID()
	name := NameID{Value: NameIDPrefix + who.NameID, Format: r.NameID, NameQualifier: p.EntityID, SPNameQualifier: md.EntityID}
	draft, at := p.draft(id, class, name, r, md, who, now)
	assertion, err := p.Signing[0].sign(draft, id, at)
	if err != nil {
		return Reply{}, err
	}
	response, err := p.around(m, r, md, now, assertion)
	if err != nil {
		return Reply{}, err
	}
	out := reply(r, response, id)
	out.Signed, out.NameID, out.Name = assertion, name.Value, name
	return out, nil
}

// around writes the Response around assertions, encrypted when the service has a key.
func (p *Provider) around(m Manner, r Request, md Metadata, now time.Time, assertions ...[]byte) ([]byte, error) {
	id := newID()
	size := 4096
	for _, one := range assertions {
		size += 2 * len(one)
	}
	w := xmlWriter{b: make([]byte, 0, size)}
	at := p.openResponse(&w, id, r, now)
	w.open("samlp:Status")
	w.leaf("samlp:StatusCode", "", "Value", saml.StatusSuccess)
	w.close("samlp:Status")
	for _, one := range assertions {
		if len(md.Encryption) == 0 {
			w.b = append(w.b, one...)
		} else if err := md.Encryption[0].encrypt(&w, one); err != nil {
			return nil, err
		}
	}
	w.close("samlp:Response")
	if !m.SignResponse {
		return w.b, nil
	}
	return p.Signing[0].sign(w.b, id, at)
}

// openResponse writes a Response up to its Issuer and returns the offset where a
// signature belongs.
func (p *Provider) openResponse(w *xmlWriter, id string, r Request, now time.Time) int {
	w.open("samlp:Response", "xmlns:samlp", nsProtocol, "Destination", r.Consumer, "ID", id,
		"InResponseTo", r.ID, "IssueInstant", stamp(now), "Version", "2.0")
	w.leaf("saml:Issuer", p.EntityID, "xmlns:saml", nsAssertion)
	return len(w.b)
}

func reply(r Request, response []byte, assertion string) Reply {
	return Reply{
		URL: r.Consumer, SAMLResponse: base64.StdEncoding.EncodeToString(response),
		RelayState: r.RelayState, Assertion: assertion, Response: response,
	}
}

// draft returns an assertion in exclusive canonical form and the offset where its
// signature belongs. There is
// no Address (proxies make it wrong) and no xsi:type (its prefix would be lost in
// canonicalisation); services refuse an assertion for either.
func (p *Provider) draft(id, class string, name NameID, r Request, md Metadata, who Person, now time.Time) (assertion []byte, at int) {
	w := xmlWriter{b: make([]byte, 0, 6144)}
	w.open("saml:Assertion", "xmlns:saml", nsAssertion, "ID", id, "IssueInstant", stamp(now), "Version", "2.0")
	w.leaf("saml:Issuer", p.EntityID)
	at = len(w.b)
	w.open("saml:Subject")
	name.write(&w)
	w.open("saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	w.leaf("saml:SubjectConfirmationData", "", "InResponseTo", r.ID,
		"NotOnOrAfter", stamp(now.Add(deliverWithin)), "Recipient", r.Consumer)
	w.close("saml:SubjectConfirmation")
	w.close("saml:Subject")
	w.open("saml:Conditions", "NotBefore", stamp(now), "NotOnOrAfter", stamp(now.Add(meansFor)))
	w.open("saml:AudienceRestriction")
	w.leaf("saml:Audience", md.EntityID)
	w.close("saml:AudienceRestriction")
	w.close("saml:Conditions")
	statement := []string{"AuthnInstant", stamp(who.LoginAt), "SessionIndex", id}
	if !who.Until.IsZero() {
		statement = append(statement, "SessionNotOnOrAfter", stamp(who.Until))
	}
	w.open("saml:AuthnStatement", statement...)
	w.open("saml:AuthnContext")
	w.leaf("saml:AuthnContextClassRef", class)
	w.close("saml:AuthnContext")
	w.close("saml:AuthnStatement")
	w.open("saml:AttributeStatement")
	for _, a := range who.Attributes(md) {
		w.open("saml:Attribute", "Name", a.Name, "NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
		w.leaf("saml:AttributeValue", a.Value)
		w.close("saml:Attribute")
	}
	w.close("saml:AttributeStatement")
	w.close("saml:Assertion")
	return w.b, at
}

// stamp writes an instant in UTC to the millisecond, as SAML core 1.3.3 wants it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// newID returns 128 random bits as an xs:ID, which may not start with a digit.
func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return "_" + hex.EncodeToString(b)
}

// randomUUID returns a version 4 UUID.
func randomUUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
