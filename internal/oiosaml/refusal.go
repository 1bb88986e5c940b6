package oiosaml

import (
	"strings"
	"time"
)

// Success, or whose fault a refusal is: the top-level status codes.
const (
	Success   = "urn:oasis:names:tc:SAML:2.0:status:Success"
	Requester = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	Responder = "urn:oasis:names:tc:SAML:2.0:status:Responder"
)

// Why a request is refused: the second-level status codes (SAML core 3.2.2.2).
const (
	AuthnFailed         = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
	InvalidNameIDPolicy = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"
	NoAuthnContext      = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
	NoPassive           = "urn:oasis:names:tc:SAML:2.0:status:NoPassive" //nolint:gosec // a status code, no credential
	RequestDenied       = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
	PartialLogout       = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
	UnknownPrincipal    = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
	RequestUnsupported  = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported"
	UnsupportedBinding  = "urn:oasis:names:tc:SAML:2.0:status:UnsupportedBinding"
)

// RefusalError is an error that the service is told about, in a signed Response.
type RefusalError struct {
	Code string // Requester or Responder; Success only of a partial logout
	Why  string // second-level code
	Text string // one English sentence for the service's log
	// Reason tells cases of one status apart for people: the last part of a code
	// "federation.refusal.*", such as level or passive.
	Reason string
}

func (r *RefusalError) Error() string {
	return StatusName(r.Why) + ": " + r.Text
}

// StatusName is a status code without the part that all of SAML's have.
func StatusName(code string) string {
	return strings.TrimPrefix(code, "urn:oasis:names:tc:SAML:2.0:status:")
}

// Refuse answers r with why it is refused.
func (p *Provider) Refuse(r Request, why *RefusalError, now time.Time) (Reply, error) {
	id := newID()
	w := xmlWriter{b: make([]byte, 0, 4096)}
	at := p.openResponse(&w, id, r, now)
	w.open("samlp:Status")
	w.open("samlp:StatusCode", "Value", why.Code)
	w.leaf("samlp:StatusCode", "", "Value", why.Why)
	w.close("samlp:StatusCode")
	w.leaf("samlp:StatusMessage", why.Text)
	w.close("samlp:Status")
	w.close("samlp:Response")
	signed, err := p.Signing[0].sign(w.b, id, at)
	if err != nil {
		return Reply{}, err
	}
	return reply(r, signed, ""), nil
}
