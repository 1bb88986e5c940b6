package oiosaml

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Move takes the browser to a party: to URL alone, or by a form that posts Value
// in Field to it.
type Move struct {
	ID         string // of the message
	URL        string
	Field      string // SAMLRequest or SAMLResponse; "" = by URL alone
	Value      string // base64
	RelayState string
}

// Leaving is whom a party is asked to log out, and until when that counts.
type Leaving struct {
	Name    NameID
	Session string // "" = every session of the person
	Until   time.Time
	Sealing *Recipient // encrypts the name, nil = it goes in clear
}

// AskLogout writes a LogoutRequest to a party for the browser to carry.
func (o Own) AskLogout(to LogoutService, who Leaving, relay string, now time.Time) (Move, error) {
	id := newID()
	xml, at, err := o.logoutRequest(id, to.URL, who, now)
	if err != nil {
		return Move{}, err
	}
	return o.move(to.Binding, to.URL, "SAMLRequest", id, xml, at, relay)
}

// logoutRequest writes the message in canonical form and returns where its
// signature belongs.
func (o Own) logoutRequest(id, to string, who Leaving, now time.Time) (xml []byte, at int, err error) {
	w := xmlWriter{b: make([]byte, 0, 2048)}
	w.open("samlp:LogoutRequest", "xmlns:samlp", nsProtocol, "Destination", to, "ID", id, "IssueInstant", stamp(now),
		"NotOnOrAfter", stamp(who.Until), "Version", "2.0")
	// Declared on each of the two: canonical form has a namespace where it is used.
	w.leaf("saml:Issuer", o.EntityID, "xmlns:saml", nsAssertion)
	at = len(w.b)
	if who.Sealing == nil {
		who.Name.write(&w, "xmlns:saml", nsAssertion)
	} else {
		inner := xmlWriter{b: make([]byte, 0, 512)}
		who.Name.write(&inner, "xmlns:saml", nsAssertion)
		if err := who.Sealing.seal(&w, "saml:EncryptedID", inner.b); err != nil {
			return nil, 0, err
		}
	}
	if who.Session != "" {
		w.leaf("samlp:SessionIndex", who.Session)
	}
	w.close("samlp:LogoutRequest")
	return w.b, at, nil
}

// AnswerLogout writes the LogoutResponse to a party's request: Success, or why
// not. Errors are ours.
func (o Own) AnswerLogout(to LogoutService, r LogoutRequest, why *RefusalError, now time.Time) (Move, error) {
	id := newID()
	xml, at := o.logoutResponse(id, to.Answers, r.ID, why, now)
	return o.move(to.Binding, to.Answers, "SAMLResponse", id, xml, at, r.RelayState)
}

// Partial is the status of a logout that did not reach every service (SAML core
// 3.7.3.2): Success for the one who asks, with PartialLogout below it.
func Partial() *RefusalError {
	return &RefusalError{Code: Success, Why: PartialLogout, Text: "Not every service has confirmed the logout."}
}

func (o Own) logoutResponse(id, to, request string, why *RefusalError, now time.Time) (xml []byte, at int) {
	w := xmlWriter{b: make([]byte, 0, 2048)}
	attrs := []string{"xmlns:samlp", nsProtocol}
	if to != "" {
		attrs = append(attrs, "Destination", to)
	}
	w.open("samlp:LogoutResponse", append(attrs, "ID", id, "InResponseTo", request, "IssueInstant", stamp(now), "Version", "2.0")...)
	w.leaf("saml:Issuer", o.EntityID, "xmlns:saml", nsAssertion)
	at = len(w.b)
	w.open("samlp:Status")
	if why == nil {
		w.leaf("samlp:StatusCode", "", "Value", Success)
	} else {
		w.open("samlp:StatusCode", "Value", why.Code)
		w.leaf("samlp:StatusCode", "", "Value", why.Why)
		w.close("samlp:StatusCode")
		w.leaf("samlp:StatusMessage", why.Text)
	}
	w.close("samlp:Status")
	w.close("samlp:LogoutResponse")
	return w.b, at
}

// move signs a message as its binding wants it: the query for Redirect, the
// document for POST.
func (o Own) move(binding, to, field, id string, xml []byte, at int, relay string) (Move, error) {
	if binding == HTTPRedirect {
		address, err := o.redirect(to, field, xml, relay)
		return Move{ID: id, URL: address}, err
	}
	signed, err := o.Key.sign(xml, id, at)
	if err != nil {
		return Move{}, err
	}
	return Move{ID: id, URL: to, Field: field, Value: base64.StdEncoding.EncodeToString(signed), RelayState: relay}, nil
}

// redirect packs and signs a message (SAML bindings 3.4.4.1): over exactly
// what is sent.
func (o Own) redirect(to, field string, xml []byte, relay string) (string, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return "", fmt.Errorf("pack a SAML message: %w", err)
	}
	if _, err := w.Write(xml); err != nil {
		return "", fmt.Errorf("pack a SAML message: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("pack a SAML message: %w", err)
	}
	query := signedQuery(field, escapeQuery(base64.StdEncoding.EncodeToString(packed.Bytes())), escapeQuery(relay),
		escapeQuery(o.Key.method()), relay != "")
	hash := sha256.Sum256(query)
	signature, err := o.Key.value(hash[:])
	if err != nil {
		return "", fmt.Errorf("sign a SAML message: %w", err)
	}
	join := "?"
	if strings.Contains(to, "?") {
		join = "&"
	}
	return to + join + string(query) + "&Signature=" + escapeQuery(base64.StdEncoding.EncodeToString(signature)), nil
}

// escapeQuery writes a space as %20: lasso leaves a plus as it is.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
