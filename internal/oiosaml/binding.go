package oiosaml

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"github.com/beevik/etree"

	"github.com/adgang/adgang/internal/fault"
)

// maxRelay is the longest RelayState that is carried, in bytes. SAML says 80,
// but services put whole addresses there.
const maxRelay = 4096

// Message is a message as it arrived, read but not yet believed: an AuthnRequest,
// which Check turns into a Request, or the inside of a LogoutMessage.
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
	m, err := readRedirect(rawQuery, "SAMLRequest", "AuthnRequest")
	if err != nil {
		return nil, malformed(err)
	}
	return m, nil
}

// errUnread is what reading fails with when there is nothing more to tell.
var errUnread = errors.New("not a message that is read here")

// readRedirect reads the message tag from the parameter field.
func readRedirect(rawQuery, field, tag string) (*Message, error) {
	if len(rawQuery) > 2*maxMessage {
		return nil, errUnread
	}
	raw, err := parameters(rawQuery)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(raw))
	for key, escaped := range raw {
		values[key], err = url.QueryUnescape(escaped)
		if err != nil {
			return nil, err
		}
	}
	if e, ok := values["SAMLEncoding"]; ok && e != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return nil, errUnread
	}
	packed, err := decode(values[field])
	if err != nil {
		return nil, err
	}
	inflated, err := inflate(packed)
	if err != nil {
		return nil, err
	}
	m, err := newMessage(inflated, values["RelayState"], tag)
	if err != nil {
		return nil, err
	}
	m.raw = []byte(rawQuery)
	m.redirect, m.algorithm = true, values["SigAlg"]
	m.signature, err = decode(values["Signature"])
	if err != nil {
		return nil, err
	}
	relay, hasRelay := raw["RelayState"]
	m.signed = signedQuery(field, raw[field], relay, raw["SigAlg"], hasRelay)
	return m, nil
}

// parameters splits a query without unescaping the values. A SAML parameter
// that comes twice or in disguise is refused, and a request beside a response:
// what is verified must be what everyone else reads.
func parameters(rawQuery string) (map[string]string, error) {
	known := map[string]bool{
		"SAMLRequest": true, "SAMLResponse": true, "RelayState": true, "SigAlg": true, "Signature": true, "SAMLEncoding": true,
	}
	raw := map[string]string{}
	for part := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(key)
		if err != nil {
			return nil, err
		}
		if !known[name] {
			continue
		}
		if _, twice := raw[name]; twice || name != key {
			return nil, errUnread
		}
		raw[name] = value
	}
	_, request := raw["SAMLRequest"]
	if _, response := raw["SAMLResponse"]; request && response {
		return nil, errUnread
	}
	return raw, nil
}

// ReadPost reads an AuthnRequest of binding HTTP-POST from the form fields
// SAMLRequest and RelayState. Errors: fault.Invalid.
func ReadPost(samlRequest, relayState string) (*Message, error) {
	m, err := readPost(samlRequest, relayState, "AuthnRequest")
	if err != nil {
		return nil, malformed(err)
	}
	return m, nil
}

func readPost(value, relayState, tag string) (*Message, error) {
	if len(value) > 2*maxMessage {
		return nil, errUnread
	}
	raw, err := decode(value)
	if err != nil {
		return nil, err
	}
	return newMessage(raw, relayState, tag)
}

func newMessage(raw []byte, relayState, tag string) (*Message, error) {
	root, err := parse(raw, maxMessage)
	if err != nil {
		return nil, err
	}
	m, err := messageOf(root, relayState, tag)
	if err == nil {
		m.raw = raw
	}
	return m, err
}

func messageOf(root *etree.Element, relayState, tag string) (*Message, error) {
	if !is(root, nsProtocol, tag) || attr(root, "Version") != "2.0" || count(root) > maxElements || len(relayState) > maxRelay {
		return nil, errUnread
	}
	m := &Message{root: root, relayState: relayState}
	if m.Issuer() == "" {
		return nil, errUnread
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
