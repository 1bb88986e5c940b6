package oiosaml

import (
	"bytes"
	"slices"
	"time"
)

// Flaw is one thing wrong with an answer, made on purpose to see whether a service
// refuses it.
type Flaw string

// The flaws. NoFlaw is a right answer.
const (
	NoFlaw        Flaw = "good"
	Expired       Flaw = "expired"        // over an hour ago
	Early         Flaw = "early"          // means something in an hour
	OtherAudience Flaw = "audience"       // made for another service
	OtherAddress  Flaw = "recipient"      // made for another address
	OtherRequest  Flaw = "in_response_to" // to a request that the service never sent
	TooLow        Flaw = "level"          // a lower level than the request asks for
	Unsigned      Flaw = "unsigned"
	OtherKey      Flaw = "other_key" // signed by a key that nobody trusts
	Altered       Flaw = "altered"   // changed after it was signed
	WeakDigest    Flaw = "sha1"
	// CutAudience is signed for the audience X + cutTail, with a comment put between
	// the two afterwards: whoever reads up to the comment takes it for X.
	CutAudience Flaw = "comment"
	// In WrappedBeside and WrappedInside an expired assertion has the signature, and a
	// forged one before or around it is what the service would like to read.
	WrappedBeside Flaw = "wrapped_beside"
	WrappedInside Flaw = "wrapped_inside"
)

const (
	cutTail = ".conformance.invalid"
	nowhere = "https://conformance.invalid/"
)

// unsignedFlaws are those that a signature around the Response would heal.
var unsignedFlaws = []Flaw{Unsigned, Altered, WrappedBeside, WrappedInside}

// RespondWrongly is RespondIn with a flaw. No flaw makes an answer count for more
// than the right one does: what is signed by Adgang's key says the same of the same
// person, for nobody, for no time or for less.
func (p *Provider) RespondWrongly(f Flaw, m Manner, r Request, md Metadata, who Person, now time.Time) (Reply, error) {
	provider, asked, told, at := *p, r, md, now
	name := NameID{Value: NameIDPrefix + who.NameID, Format: r.NameID, NameQualifier: p.EntityID, SPNameQualifier: md.EntityID}
	if r.NameID == Transient {
		name.Value = NameIDPrefix + randomUUID()
	}
	switch f {
	case Expired, WrappedBeside, WrappedInside:
		at = now.Add(-time.Hour)
	case Early:
		at = now.Add(time.Hour)
	case OtherAudience:
		told.EntityID = nowhere + "metadata"
	case CutAudience:
		told.EntityID += cutTail
	case OtherAddress:
		asked.Consumer = nowhere + "acs"
	case OtherRequest:
		asked.ID = newID()
	case OtherKey:
		key, err := NewKey(p.Signing[0].Algorithm(), p.EntityID, now)
		if err != nil {
			return Reply{}, err
		}
		provider.Signing = []Key{key}
	case WeakDigest:
		weak := p.Signing[0]
		weak.weak = true
		provider.Signing = []Key{weak}
	default: // the others are of the finished assertion, or of who
	}
	class, _ := r.Context.Class(who.Level, true)
	who.LoginAt = at
	id := newID()
	draft, offset := provider.draft(id, class, name, asked, told, who, at)
	assertion, err := provider.Signing[0].sign(draft, id, offset)
	if err != nil {
		return Reply{}, err
	}
	assertions := [][]byte{assertion}
	switch f {
	case Unsigned:
		assertions[0] = draft
	case Altered:
		changed := bytes.Replace(assertion, []byte(name.Value), []byte(NameIDPrefix+randomUUID()), 1)
		assertions[0] = changed
	case WrappedBeside, WrappedInside:
		who.LoginAt = now
		forged, forgedAt := provider.draft(newID(), class, name, r, md, who, now)
		assertions = wrapped(f, assertion, forged, forgedAt)
	default:
	}
	m.SignResponse = m.SignResponse && !slices.Contains(unsignedFlaws, f)
	cut := f == CutAudience
	if cut && len(md.Encryption) > 0 {
		assertions[0] = commented(assertions[0])
	}
	response, err := provider.around(m, asked, md, now, assertions...)
	if err != nil {
		return Reply{}, err
	}
	if cut && len(md.Encryption) == 0 { // canonical form has no comments: the signatures hold
		response = commented(response)
	}
	out := reply(r, response, id)
	out.Signed, out.NameID, out.Name = slices.Concat(assertions...), name.Value, name
	return out, nil
}

// wrapped puts a forged assertion before a signed one, or around it: there is a
// place in an assertion where SAML allows another.
func wrapped(f Flaw, signed, forged []byte, at int) [][]byte {
	if f == WrappedBeside {
		return [][]byte{forged, signed}
	}
	// Advice stands behind Conditions.
	end := []byte("</saml:Conditions>")
	at += bytes.Index(forged[at:], end) + len(end)
	advice := slices.Concat([]byte("<saml:Advice>"), signed, []byte("</saml:Advice>"))
	return [][]byte{slices.Insert(forged, at, advice...)}
}

// commented puts a comment between the audience and its tail.
func commented(xml []byte) []byte {
	tail := []byte(cutTail + "</saml:Audience>")
	return bytes.Replace(xml, tail, append([]byte("<!-- -->"), tail...), 1)
}
