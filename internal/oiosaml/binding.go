package oiosaml

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/beevik/etree"

	"github.com/adgang/adgang/internal/fault"
)

// maxRelay is the longest RelayState that is carried, in bytes. SAML says 80,
// but services put whole addresses there.
const maxRelay = 4096

// Message is an AuthnRequest as it arrived: read, but not yet believed. Only
// Check turns it into a Request.
type Message struct {
	root       *etree.Element
	raw        []byte
	relayState string
	// Redirect binding only: what the query's signature covers.
	redirect  bool
	signed    []byte
	algorithm string
	signature []byte
}

// ReadRedirect reads an AuthnRequest of binding HTTP-Redirect from the query
// exactly as it was received: a proxy or parser that rewrites an escape breaks
// the signature. Errors: fault.Invalid.
func ReadRedirect(rawQuery string) (*Message, error) {
	if len(rawQuery) > 2*maxMessage {
		return nil, malformed(nil)
	}
	raw, err := parameters(rawQuery)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(raw))
	for key, escaped := range raw {
		values[key], err = url.QueryUnescape(escaped)
		if err != nil {
			return nil, malformed(err)
		}
	}
	if e, ok := values["SAMLEncoding"]; ok && e != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return nil, malformed(nil)
	}
	packed, err := decode(values["SAMLRequest"])
	if err != nil {
		return nil, malformed(err)
	}
	inflated, err := inflate(packed)
	if err != nil {
		return nil, malformed(err)
	}
	m, err := newMessage(inflated, values["RelayState"])
	if err != nil {
		return nil, err
	}
	m.raw = []byte(rawQuery)
	m.redirect, m.algorithm = true, values["SigAlg"]
	m.signature, err = decode(values["Signature"])
	if err != nil {
		return nil, malformed(err)
	}
	relay, hasRelay := raw["RelayState"]
	m.signed = signedQuery(raw["SAMLRequest"], relay, raw["SigAlg"], hasRelay)
	return m, nil
}

// parameters splits a query without unescaping the values. A SAML parameter
// that comes twice or in disguise is refused: what is verified must be what
// everyone else reads.
func parameters(rawQuery string) (map[string]string, error) {
	known := map[string]bool{"SAMLRequest": true, "RelayState": true, "SigAlg": true, "Signature": true, "SAMLEncoding": true}
	raw := map[string]string{}
	for part := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(key)
		if err != nil {
			return nil, malformed(err)
		}
		if !known[name] {
			continue
		}
		if _, twice := raw[name]; twice || name != key {
			return nil, malformed(nil)
		}
		raw[name] = value
	}
	return raw, nil
}

// ReadPost reads an AuthnRequest of binding HTTP-POST from the form fields
// SAMLRequest and RelayState. Errors: fault.Invalid.
func ReadPost(samlRequest, relayState string) (*Message, error) {
	if len(samlRequest) > 2*maxMessage {
		return nil, malformed(nil)
	}
	raw, err := decode(samlRequest)
	if err != nil {
		return nil, malformed(err)
	}
	return newMessage(raw, relayState)
}

func newMessage(raw []byte, relayState string) (*Message, error) {
	root, err := parse(raw, maxMessage)
	if err != nil {
		return nil, malformed(err)
	}
	if !is(root, nsProtocol, "AuthnRequest") || attr(root, "Version") != "2.0" || count(root) > maxElements {
		return nil, malformed(nil)
	}
	if len(relayState) > maxRelay {
		return nil, malformed(nil)
	}
	m := &Message{root: root, raw: raw, relayState: relayState}
	if m.Issuer() == "" {
		return nil, malformed(nil)
	}
	return m, nil
}

// decode undoes base64, which some services break into lines.
func decode(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, s))
}

// Issuer is the entityID that the message claims to come from, not yet
// believed: it serves to find the service whose keys must verify it.
func (m *Message) Issuer() string { return text(child(m.root, nsAssertion, "Issuer")) }

func malformed(cause error) error {
	e := fault.New(fault.Invalid, "federation.request.malformed",
		"The login request from the service cannot be read. Go back to the service and try again; if it happens again, its owner must look at it.")
	if cause == nil {
		return e
	}
	return e.Because(cause)
}
