// Package oiosaml is SAML 2.0 in the OIOSAML 3 professional profile as bytes: the
// messages, metadata, signatures and encryption of both sides. It has no state,
// no clock and no database; internal/federation has those.
//
// crewjam/saml and goxmldsig are used here and nowhere else: their metadata
// types, constants and canonicalisation serve; reading, signature rules,
// encryption and the response writer are our own (ADR 0007).
package oiosaml

import "github.com/crewjam/saml"

// Namespaces of what is read and written.
const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsEID       = "https://data.gov.dk/eid/saml/extensions"
	nsUI        = "urn:oasis:names:tc:SAML:metadata:ui"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsXMLEnc    = "http://www.w3.org/2001/04/xmlenc#"
	nsXMLEnc11  = "http://www.w3.org/2009/xmlenc11#"
)

// Name identifier formats an assertion may carry; OIOSAML 3 knows these two.
const (
	Persistent = string(saml.PersistentNameIDFormat)
	Transient  = string(saml.TransientNameIDFormat)
)
