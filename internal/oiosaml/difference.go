package oiosaml

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Difference is what new metadata of a partner would change.
type Difference struct {
	Added, Removed, Kept []PartnerKey
	Changes              []Change
}

// PartnerKey is a key of a partner as people compare it.
type PartnerKey struct {
	Use         string // signing or encryption
	Subject     string
	Fingerprint string // SHA-256 of the certificate in hex
	NotAfter    string // RFC 3339
}

// Change is one value before and after, "" where there is none; several lines
// where there are several values.
type Change struct {
	What, Before, After string
}

// Same tells that nothing differs that Adgang uses.
func (d Difference) Same() bool { return len(d.Added)+len(d.Removed)+len(d.Changes) == 0 }

// Summary is d in one line of codes, for the audit log.
func (d Difference) Summary() string {
	var all []string
	for _, k := range d.Added {
		all = append(all, "+"+k.Use+" "+k.Fingerprint[:16])
	}
	for _, k := range d.Removed {
		all = append(all, "-"+k.Use+" "+k.Fingerprint[:16])
	}
	for _, c := range d.Changes {
		all = append(all, c.What)
	}
	return strings.Join(all, ", ")
}

// Lines is d for a mail, a line each: keys with their last day, values by name.
func (d Difference) Lines() string {
	var all []string
	for _, k := range d.Added {
		all = append(all, "+ "+k.Use+": "+k.Subject+", "+k.NotAfter[:10]+", SHA-256 "+k.Fingerprint)
	}
	for _, k := range d.Removed {
		all = append(all, "- "+k.Use+": "+k.Subject+", "+k.NotAfter[:10])
	}
	for _, c := range d.Changes {
		all = append(all, "~ "+c.What)
	}
	return strings.Join(all, "\n")
}

// only tells whether no value but these differs.
func (d Difference) only(what ...string) bool {
	return !slices.ContainsFunc(d.Changes, func(c Change) bool { return !slices.Contains(what, c.What) })
}

// words are what a document says of itself for people; nothing is decided by them.
var words = []string{"name", "contacts"}

// OnlyKeys tells whether nothing differs but keys, and words for people.
func (d Difference) OnlyKeys() bool { return d.only(words...) }

// places are the values that hold addresses.
var places = []string{"consumers", "sign_on", "logout"}

// SameHosts tells whether nothing differs but keys, words, and addresses within the
// hosts where they lie already.
func (d Difference) SameHosts() bool {
	if !d.only(append(slices.Clone(places), words...)...) {
		return false
	}
	for _, c := range d.Changes {
		if slices.Contains(places, c.What) && !within(hosts(c.After), hosts(c.Before)) {
			return false
		}
	}
	return true
}

func within(all, known []string) bool {
	return !slices.ContainsFunc(all, func(h string) bool { return !slices.Contains(known, h) })
}

// hosts are scheme, host and port of the addresses in a Change.
func hosts(lines string) (all []string) {
	for _, word := range strings.Fields(lines) {
		if u, err := url.Parse(word); err == nil && u.Host != "" {
			all = append(all, u.Scheme+"://"+u.Host)
		}
	}
	return all
}

// Difference compares what a service says with what it is about to say.
func (m Metadata) Difference(next Metadata) Difference {
	d := keyDifference(partnerKeys(m.Signing, m.Encryption), partnerKeys(next.Signing, next.Encryption))
	d.changes([]Change{
		{"consumers", consumerLines(m.Consumers), consumerLines(next.Consumers)},
		{"logout", endpointLines(logoutEndpoints(m.Logout)), endpointLines(logoutEndpoints(next.Logout))},
		{"attributes", attributeLines(m.Requested), attributeLines(next.Requested)},
		{"name_id", strings.Join(m.NameIDs, "\n"), strings.Join(next.NameIDs, "\n")},
		// without an encryption key assertions go in clear: more than a change of keys
		{"encrypts", strconv.FormatBool(len(m.Encryption) > 0), strconv.FormatBool(len(next.Encryption) > 0)},
		{"ciphers", cipherLines(m.Encryption), cipherLines(next.Encryption)},
		{"signs_requests", strconv.FormatBool(m.SignsRequests), strconv.FormatBool(next.SignsRequests)},
		{"name", textLines(m.Name), textLines(next.Name)},
		{"contacts", contactLines(m.Contacts), contactLines(next.Contacts)},
	})
	return d
}

// Difference compares what an identity provider says with what it is about to say.
func (p Identity) Difference(next Identity) Difference {
	d := keyDifference(p.Keys(), next.Keys())
	d.changes([]Change{
		{"sign_on", endpointLines(p.SignOn), endpointLines(next.SignOn)},
		{"logout", endpointLines(p.Logout), endpointLines(next.Logout)},
		{"name_id", strings.Join(p.NameIDs, "\n"), strings.Join(next.NameIDs, "\n")},
	})
	return d
}

// Keys lists the keys of a service, and those of an identity provider.
func (m Metadata) Keys() []PartnerKey { return partnerKeys(m.Signing, m.Encryption) }

// Keys is described at Metadata.Keys.
func (p Identity) Keys() []PartnerKey { return partnerKeys(p.Signing, p.Encryption) }

func partnerKeys(signing []*x509.Certificate, encryption []Recipient) []PartnerKey {
	var all []PartnerKey
	add := func(use string, c *x509.Certificate) {
		sum := sha256.Sum256(c.Raw)
		all = append(all, PartnerKey{use, c.Subject.String(), hex.EncodeToString(sum[:]), c.NotAfter.UTC().Format(time.RFC3339)})
	}
	for _, c := range signing {
		add("signing", c)
	}
	for _, r := range encryption {
		add("encryption", r.Certificate)
	}
	return all
}

func keyDifference(before, after []PartnerKey) (d Difference) {
	for _, k := range after {
		if slices.Contains(before, k) {
			d.Kept = append(d.Kept, k)
		} else {
			d.Added = append(d.Added, k)
		}
	}
	for _, k := range before {
		if !slices.Contains(after, k) {
			d.Removed = append(d.Removed, k)
		}
	}
	return d
}

func (d *Difference) changes(all []Change) {
	for _, c := range all {
		if c.Before != c.After {
			d.Changes = append(d.Changes, c)
		}
	}
}

func lines[T any](all []T, line func(T) string) string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = line(one)
	}
	return strings.Join(out, "\n")
}

func consumerLines(all []Consumer) string {
	return lines(all, func(c Consumer) string {
		line := c.URL
		if c.Index >= 0 {
			line = strconv.Itoa(c.Index) + " " + line
		}
		if c.Default {
			line += " *"
		}
		return line
	})
}

func endpointLines(all []Endpoint) string {
	return lines(all, func(e Endpoint) string {
		line := e.Binding[strings.LastIndex(e.Binding, ":")+1:] + " " + e.URL
		if e.Response != "" && e.Response != e.URL {
			line += " " + e.Response
		}
		return line
	})
}

func logoutEndpoints(all []LogoutService) []Endpoint {
	out := make([]Endpoint, len(all))
	for i, l := range all {
		out[i] = Endpoint{Binding: l.Binding, URL: l.URL, Response: l.Answers}
	}
	return out
}

func attributeLines(all []RequestedAttribute) string {
	return lines(all, func(a RequestedAttribute) string {
		if a.Required {
			return a.Name + " *"
		}
		return a.Name
	})
}

// cipherLines says what a service can decrypt, whichever key it is.
func cipherLines(all []Recipient) string {
	var methods []string
	for _, r := range all {
		for _, m := range r.Methods {
			if !slices.Contains(methods, m.Algorithm) {
				methods = append(methods, m.Algorithm)
			}
		}
	}
	return strings.Join(methods, "\n")
}

func textLines(t Text) string {
	var all []string
	for lang, value := range t {
		all = append(all, lang+": "+value)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func contactLines(all []Contact) string {
	return lines(all, func(c Contact) string {
		return strings.Join(slices.Concat([]string{c.Kind, c.Name}, c.Emails, c.Phones), " ")
	})
}
