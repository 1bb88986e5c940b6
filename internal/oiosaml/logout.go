package oiosaml

import (
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/adgang/adgang/internal/fault"
)

// maxSessions is how many SessionIndex elements of one LogoutRequest are read.
const maxSessions = 20

// LogoutService is one SingleLogoutService of a party: where it takes requests
// in, and where answers (its ResponseLocation, else the same).
type LogoutService struct {
	Binding string // HTTPRedirect, HTTPPost or SOAP
	URL     string
	Answers string
}

// logoutServices reads the SingleLogoutServices of a role. One with an address
// that nobody may be sent to is left out and told of in the error.
func logoutServices(role *etree.Element) ([]LogoutService, error) {
	var all []LogoutService
	var problem error
	for _, el := range children(role, nsMetadata, "SingleLogoutService") {
		s := LogoutService{
			Binding: attr(el, "Binding"), URL: strings.TrimSpace(attr(el, "Location")), Answers: strings.TrimSpace(attr(el, "ResponseLocation")),
		}
		if s.Answers == "" {
			s.Answers = s.URL
		}
		if !slices.Contains([]string{HTTPRedirect, HTTPPost, SOAP}, s.Binding) {
			continue
		}
		if !safeURL(s.URL) || !safeURL(s.Answers) {
			problem = errors.New("A SingleLogoutService was left out: its address must be https (http only on this machine itself).") //nolint:staticcheck // a sentence for a person
			continue
		}
		all = append(all, s)
	}
	return all, problem
}

// Party is one whom logout messages are exchanged with, as its metadata has it: a
// service, or an identity provider.
type Party struct {
	EntityID string
	Signing  []*x509.Certificate
	Logout   []LogoutService
	// Skew is how far the party's clock may be off; 0 = Skew.
	Skew time.Duration
	// Sealing is the key that names are encrypted to, nil when the party does not
	// ask for that.
	Sealing *Recipient
}

// encrypted is the NameID format of a party that wants names encrypted to it
// (SAML core 8.3.8 names it, and metadata has no other way to say so).
const encrypted = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"

func sealing(formats []string, keys []Recipient) *Recipient {
	if !slices.Contains(formats, encrypted) || len(keys) == 0 {
		return nil
	}
	return &keys[0]
}

// Party is the service in a logout.
func (m Metadata) Party() Party {
	return Party{EntityID: m.EntityID, Signing: m.Signing, Logout: m.Logout, Sealing: sealing(m.NameIDs, m.Encryption)}
}

// Party is the identity provider in a logout.
func (p Identity) Party() Party {
	party := Party{EntityID: p.EntityID, Signing: p.Signing, Sealing: sealing(p.NameIDs, p.Encryption)}
	for _, e := range p.Logout {
		s := LogoutService{Binding: e.Binding, URL: e.URL, Answers: e.Response}
		if s.Answers == "" {
			s.Answers = e.URL
		}
		party.Logout = append(party.Logout, s)
	}
	return party
}

// skew is how far the party's clock may be off.
func (p Party) skew() time.Duration {
	if p.Skew == 0 {
		return Skew
	}
	return p.Skew
}

// LogoutBy finds where the party takes part by the first of bindings that it has.
func (p Party) LogoutBy(bindings ...string) (LogoutService, bool) {
	for _, b := range bindings {
		for _, s := range p.Logout {
			if s.Binding == b {
				return s, true
			}
		}
	}
	return LogoutService{}, false
}

// Own is our side of a logout, as identity provider or as service provider.
type Own struct {
	EntityID string
	SLO      string // our SingleLogoutService, for requests and answers
	Key      Key    // signs
	Opener   Opener // for an EncryptedID
}

// Own is the identity provider in a logout. What is decrypted here was signed by
// the party first, so CBC gives nothing away.
func (p *Provider) Own() Own {
	return Own{EntityID: p.EntityID, SLO: p.SLO, Key: p.Signer(RSA), Opener: Opener{Keys: p.Encryption, CBC: true}}
}

// Own is the service provider in a logout.
func (p RelyingParty) Own() Own {
	return Own{EntityID: p.EntityID, SLO: p.Logout, Key: p.Signing[0], Opener: Opener{Keys: p.Decryption, CBC: true}}
}

// write takes a namespace declaration where none is in scope.
func (n NameID) write(w *xmlWriter, namespace ...string) {
	given := namespace
	for _, a := range [][2]string{{"Format", n.Format}, {"NameQualifier", n.NameQualifier}, {"SPNameQualifier", n.SPNameQualifier}} {
		if a[1] != "" {
			given = append(given, a[0], a[1])
		}
	}
	w.leaf("saml:NameID", n.Value, given...)
}

func readNameID(el *etree.Element) NameID {
	return NameID{Value: text(el), Format: attr(el, "Format"), NameQualifier: attr(el, "NameQualifier"), SPNameQualifier: attr(el, "SPNameQualifier")}
}

// LogoutMessage is a LogoutRequest or LogoutResponse as it arrived: read, but not
// yet believed. Only Request and Response make something of it.
type LogoutMessage struct {
	Message

	Binding string // how it came
	Answer  bool   // a LogoutResponse
}

// ReadLogoutRedirect reads a logout message of binding HTTP-Redirect from the
// query exactly as it was received. Errors: fault.Invalid.
func ReadLogoutRedirect(rawQuery string) (*LogoutMessage, error) {
	answer := !strings.Contains("&"+rawQuery, "&SAMLRequest=")
	field, tag := logoutField(answer)
	m, err := readRedirect(rawQuery, field, tag)
	if err != nil {
		return nil, malformedLogout(err)
	}
	return &LogoutMessage{Message: *m, Binding: HTTPRedirect, Answer: answer}, nil
}

// ReadLogoutPost reads a logout message of binding HTTP-POST from the form as it
// was posted. Errors: fault.Invalid.
func ReadLogoutPost(form url.Values) (*LogoutMessage, error) {
	for _, field := range []string{"SAMLRequest", "SAMLResponse", "RelayState"} {
		if len(form[field]) > 1 {
			return nil, malformedLogout(nil)
		}
	}
	answer := !form.Has("SAMLRequest")
	if form.Has("SAMLResponse") != answer {
		return nil, malformedLogout(nil)
	}
	field, tag := logoutField(answer)
	m, err := readPost(form.Get(field), form.Get("RelayState"), tag)
	if err != nil {
		return nil, malformedLogout(err)
	}
	return &LogoutMessage{Message: *m, Binding: HTTPPost, Answer: answer}, nil
}

func logoutField(answer bool) (field, tag string) {
	if answer {
		return "SAMLResponse", "LogoutResponse"
	}
	return "SAMLRequest", "LogoutRequest"
}

// LogoutRequest is a verified wish of a party to log somebody out.
type LogoutRequest struct {
	ID         string   `json:"id"`
	Party      string   `json:"party"` // entityID
	Binding    string   `json:"binding"`
	RelayState string   `json:"relay_state,omitempty"`
	NameID     NameID   `json:"name_id"`
	Sessions   []string `json:"sessions,omitempty"` // SessionIndex; none = every session of the person
	Reason     string   `json:"reason,omitempty"`
}

// Request verifies the message as one from a party, received at the instant now.
// Errors: *RefusalError, with a LogoutRequest that can be answered, for whatever
// the party is to be told; fault.Invalid when it cannot even be named.
func (m *LogoutMessage) Request(from Party, own Own, now time.Time) (LogoutRequest, error) {
	r := LogoutRequest{ID: attr(m.root, "ID"), Party: from.EntityID, Binding: m.Binding, RelayState: m.relayState}
	if m.Answer || !usableID(r.ID) {
		return LogoutRequest{}, malformedLogout(nil)
	}
	if err := m.believe(from, own, now); err != nil {
		return r, err
	}
	if r.ID != attr(m.root, "ID") {
		return LogoutRequest{}, malformedLogout(nil)
	}
	if end := attr(m.root, "NotOnOrAfter"); end != "" {
		until, err := instant(end)
		if err != nil || !now.Before(until.Add(from.skew())) {
			return r, refuse("The logout request is no longer valid (NotOnOrAfter).")
		}
	}
	name, ok := m.name(own.Opener)
	if !ok {
		return r, &RefusalError{Code: Requester, Why: UnknownPrincipal, Text: "The logout request must name one person, by NameID or by an EncryptedID for the key in our metadata."}
	}
	r.NameID, r.Reason = name, clip(attr(m.root, "Reason"))
	indexes := children(m.root, nsProtocol, "SessionIndex")
	if len(indexes) > maxSessions {
		return r, refuse("The logout request has too many sessions.")
	}
	for _, el := range indexes {
		r.Sessions = append(r.Sessions, text(el))
	}
	return r, nil
}

// believe checks what holds for a request and for an answer: signature, issuer,
// destination, age. Errors: *RefusalError.
func (m *LogoutMessage) believe(from Party, own Own, now time.Time) error {
	switch _, err := m.prove(from.Signing); {
	case errors.Is(err, errUnsigned):
		return refuse("The logout message is not signed.")
	case err != nil:
		return refuse("The logout message's signature does not fit the party's metadata.")
	}
	issued, err := instant(attr(m.root, "IssueInstant"))
	switch {
	case m.Issuer() != from.EntityID:
		return refuse("The logout message does not come from the party that it names.")
	case attr(m.root, "Destination") != own.SLO && (m.Binding != SOAP || attr(m.root, "Destination") != ""):
		return refuse("The logout message was made for another address than " + own.SLO + ".")
	case err != nil, now.Sub(issued) > from.skew(), now.Sub(issued) < -from.skew():
		return refuse("The logout message is too old, or the party's clock is wrong.")
	}
	return nil
}

func refuse(why string) *RefusalError {
	return &RefusalError{Code: Requester, Why: RequestDenied, Text: why}
}

// name reads whom the request is about: exactly one NameID or EncryptedID.
func (m *LogoutMessage) name(opener Opener) (NameID, bool) {
	plain, sealed := children(m.root, nsAssertion, "NameID"), children(m.root, nsAssertion, "EncryptedID")
	if len(plain)+len(sealed) != 1 {
		return NameID{}, false
	}
	if len(sealed) == 1 {
		el, err := opener.Open(sealed[0])
		if err != nil {
			return NameID{}, false
		}
		plain = []*etree.Element{el}
	}
	n := readNameID(plain[0])
	return n, n.Value != "" && len(n.Value) <= 1024
}

// LogoutResponse is a party's verified answer to a LogoutRequest of ours.
type LogoutResponse struct {
	InResponseTo string
	RelayState   string
	Status, Why  string // top-level and second-level code, in full
}

// Success tells whether the party has logged the person out, all the way down.
func (r LogoutResponse) Success() bool { return r.Status == Success && r.Why != PartialLogout }

// Response verifies the message as an answer from a party. Errors: fault.Denied,
// fault.Invalid; nobody is told, the step that was asked stays open.
func (m *LogoutMessage) Response(from Party, own Own, now time.Time) (LogoutResponse, error) {
	if !m.Answer {
		return LogoutResponse{}, malformedLogout(nil)
	}
	if err := m.believe(from, own, now); err != nil {
		return LogoutResponse{}, fault.New(fault.Denied, "federation.logout.answer", "The service's answer to the logout does not count: %s", err.(*RefusalError).Text) //nolint:forcetypeassert,errorlint // believe returns no other
	}
	r := LogoutResponse{InResponseTo: attr(m.root, "InResponseTo"), RelayState: m.relayState}
	status := child(m.root, nsProtocol, "Status")
	if status == nil || r.InResponseTo == "" {
		return LogoutResponse{}, malformedLogout(nil)
	}
	if code := child(status, nsProtocol, "StatusCode"); code != nil {
		r.Status = attr(code, "Value")
		if why := child(code, nsProtocol, "StatusCode"); why != nil {
			r.Why = attr(why, "Value")
		}
	}
	return r, nil
}

func malformedLogout(cause error) error {
	e := fault.New(fault.Invalid, "federation.logout.malformed",
		"The logout message cannot be read. You may still be logged in to the service: close the browser to be safe.")
	if cause == nil {
		return e
	}
	return e.Because(cause)
}
