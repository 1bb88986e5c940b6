package oiosaml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"

	dsig "github.com/russellhaering/goxmldsig"
)

// Asking is a login request to somebody's identity provider.
type Asking struct {
	ID         string // NewRequestID
	Issuer     string // our entityID
	Consumer   string // where we want the answer
	ForceAuthn bool
	IsPassive  bool
	NameID     string   // format that is wished for; "" leaves the choice
	Level      Level    // the least; 0 asks for none
	Profiles   []string // attribute profiles of OIOSAML, as class references
	For        []string // entityIDs of the services that the person heads for
	RelayState string
	// LevelForm4 writes Level in the form of OIOSAML 4.
	LevelForm4 bool
}

// Sent is a message on its way through the browser: a Redirect when Message is
// empty, else a form to post to URL.
type Sent struct {
	URL        string
	Message    string // base64, field SAMLRequest
	RelayState string
}

// NewRequestID returns an ID for a request, which cannot be guessed.
func NewRequestID() string { return newID() }

// Ask writes a signed login request to the first address of to that we speak,
// Redirect when there is one.
func (k Key) Ask(to Identity, a Asking, now time.Time) (Sent, error) {
	at := to.SignOn[0]
	w := xmlWriter{b: make([]byte, 0, 2048)}
	after := a.write(&w, at.URL, now)
	if at.Binding == HTTPRedirect {
		address, err := k.redirect(at.URL, "SAMLRequest", w.b, a.RelayState)
		return Sent{URL: address}, err
	}
	signed, err := k.sign(w.b, a.ID, after)
	if err != nil {
		return Sent{}, err
	}
	return Sent{URL: at.URL, Message: base64.StdEncoding.EncodeToString(signed), RelayState: a.RelayState}, nil
}

// write writes the request and returns the offset where a signature belongs.
func (a Asking) write(w *xmlWriter, destination string, now time.Time) int {
	pairs := []string{"xmlns:samlp", nsProtocol, "AssertionConsumerServiceURL", a.Consumer, "Destination", destination}
	if a.ForceAuthn {
		pairs = append(pairs, "ForceAuthn", "true")
	}
	pairs = append(pairs, "ID", a.ID)
	if a.IsPassive {
		pairs = append(pairs, "IsPassive", "true")
	}
	w.open("samlp:AuthnRequest", append(pairs, "IssueInstant", stamp(now), "ProtocolBinding", HTTPPost, "Version", "2.0")...)
	w.leaf("saml:Issuer", a.Issuer, "xmlns:saml", nsAssertion)
	after := len(w.b)
	if a.NameID != "" {
		w.leaf("samlp:NameIDPolicy", "", "AllowCreate", "true", "Format", a.NameID)
	} else {
		w.leaf("samlp:NameIDPolicy", "", "AllowCreate", "true")
	}
	classes := append([]string(nil), a.Profiles...)
	if a.Level > 0 {
		form := loa3
		if a.LevelForm4 {
			form = loa4
		}
		classes = append(classes, form+a.Level.String())
	}
	if len(classes) > 0 {
		w.open("samlp:RequestedAuthnContext", "Comparison", "minimum")
		for _, c := range classes {
			w.leaf("saml:AuthnContextClassRef", c, "xmlns:saml", nsAssertion)
		}
		w.close("samlp:RequestedAuthnContext")
	}
	if len(a.For) > 0 {
		w.open("samlp:Scoping")
		for _, id := range a.For {
			w.leaf("samlp:RequesterID", id)
		}
		w.close("samlp:Scoping")
	}
	w.close("samlp:AuthnRequest")
	return after
}

// redirect packs a message into the query of location, which may have a query
// already, and signs exactly the parameters of SAML bindings 3.4.4.1.
func (k Key) redirect(location, field string, message []byte, relayState string) (string, error) {
	var packed bytes.Buffer
	pack, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err == nil {
		_, err = pack.Write(message)
	}
	if err == nil {
		err = pack.Close()
	}
	if err != nil {
		return "", fmt.Errorf("pack a SAML message: %w", err)
	}
	algorithm := dsig.RSASHA256SignatureMethod
	if _, ok := k.Certificate.PublicKey.(*ecdsa.PublicKey); ok {
		algorithm = dsig.ECDSASHA256SignatureMethod
	}
	query := field + "=" + escape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + escape(relayState)
	}
	query += "&SigAlg=" + escape(algorithm)
	digest := sha256.Sum256([]byte(query))
	signature, err := k.Private.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err == nil {
		signature, err = k.plain(signature)
	}
	if err != nil {
		return "", fmt.Errorf("sign a SAML message: %w", err)
	}
	query += "&Signature=" + escape(base64.StdEncoding.EncodeToString(signature))
	join := "?"
	if strings.Contains(location, "?") {
		join = "&"
	}
	return location + join + query, nil
}

// plain turns the ASN.1 of an ECDSA signature into r||s, as XML wants it.
func (k Key) plain(signature []byte) ([]byte, error) {
	key, ok := k.Certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return signature, nil
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &v); err != nil {
		return nil, fmt.Errorf("read an ECDSA signature: %w", err)
	}
	size := (key.Params().N.BitLen() + 7) / 8
	return append(v.R.FillBytes(make([]byte, size)), v.S.FillBytes(make([]byte, size))...), nil
}

// escape leaves no character that a peer might escape in another way: some
// verify over the query as they write it themselves, with %20 for a space.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
