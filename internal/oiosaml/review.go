package oiosaml

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tones of a Finding.
const (
	Warns = "warning"
	Tells = "notice"
)

// Finding is something that a service's owner should know about its metadata.
type Finding struct {
	Code  string // what, such as contact.none
	Tone  string // Warns or Tells
	Value string // what it is about, "" for nothing
}

// soon is how near an end deserves a warning.
const soon = 60 * 24 * time.Hour

// Review looks at metadata that can be used and lists what is weak in it, worst
// first. now is when.
func (m Metadata) Review(now time.Time) []Finding {
	var all []Finding
	warn := func(code, value string) { all = append(all, Finding{code, Warns, value}) }
	tell := func(code, value string) { all = append(all, Finding{code, Tells, value}) }
	for _, n := range m.Notices {
		warn("key.left_out", n)
	}
	m.reviewKeys(now, warn, tell)
	m.reviewConsumers(warn, tell)
	m.reviewContacts(warn, tell)
	for _, q := range m.Requested {
		if !Known(q.Name) {
			warn("attribute.unknown", q.Name)
		}
	}
	if m.Requested == nil {
		tell("attribute.none", "")
	}
	if !m.SignsRequests {
		tell("requests.unsigned", "")
	}
	if len(m.NameIDs) > 0 && nameID("", m.NameIDs[:1]) != m.NameIDs[0] {
		tell("name_id", m.NameIDs[0])
	}
	if m.Name.In("da") == "" {
		tell("name.none", "")
	}
	if !m.ValidUntil.IsZero() && m.ValidUntil.Before(now.Add(soon)) {
		warn("valid_until", m.ValidUntil.Format(time.DateOnly))
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return strings.Compare(b.Tone, a.Tone) })
	return all
}

func (m Metadata) reviewKeys(now time.Time, warn, tell func(code, value string)) {
	look := func(cert *x509.Certificate) {
		value := cert.Subject.String() + ", " + cert.NotAfter.UTC().Format(time.DateOnly)
		switch {
		case now.After(cert.NotAfter):
			warn("key.expired", value)
		case now.Add(soon).After(cert.NotAfter):
			warn("key.soon", value)
		case now.Before(cert.NotBefore):
			warn("key.early", value)
		}
		switch key := cert.PublicKey.(type) {
		case *rsa.PublicKey:
			if key.N.BitLen() < 3072 {
				tell("key.size", fmt.Sprintf("%s, RSA %d", cert.Subject.String(), key.N.BitLen()))
			}
		case *ecdsa.PublicKey:
			if key.Params().BitSize < 256 {
				warn("key.size", fmt.Sprintf("%s, ECDSA %d", cert.Subject.String(), key.Params().BitSize))
			}
		}
		if cert.SignatureAlgorithm == x509.SHA1WithRSA || cert.SignatureAlgorithm == x509.ECDSAWithSHA1 || cert.SignatureAlgorithm == x509.MD5WithRSA {
			warn("key.sha1", value)
		}
	}
	for _, cert := range m.Signing {
		look(cert)
	}
	if len(m.Encryption) == 0 {
		warn("encryption.none", "")
	}
	for _, r := range m.Encryption {
		if !holds(m.Signing, r.Certificate) {
			look(r.Certificate)
		}
		for _, method := range r.Methods {
			if strings.HasSuffix(method.Algorithm, "#rsa-1_5") || strings.HasSuffix(method.Algorithm, "#tripledes-cbc") {
				warn("encryption.weak", method.Algorithm)
			}
		}
	}
}

func (m Metadata) reviewConsumers(warn, tell func(code, value string)) {
	indexes := map[int]bool{}
	defaults := 0
	for _, c := range m.Consumers {
		if strings.HasPrefix(c.URL, "http://") {
			warn("consumer.http", c.URL)
		}
		if c.Index < 0 {
			tell("consumer.index", c.URL)
		} else if indexes[c.Index] {
			warn("consumer.duplicate", strconv.Itoa(c.Index))
		}
		indexes[c.Index] = true
		if c.Default {
			defaults++
		}
	}
	if defaults > 1 {
		warn("consumer.defaults", strconv.Itoa(defaults))
	}
}

func (m Metadata) reviewContacts(warn, tell func(code, value string)) {
	reachable := func(kind string) bool {
		return slices.ContainsFunc(m.Contacts, func(c Contact) bool { return (kind == "" || c.Kind == kind) && len(c.Emails) > 0 })
	}
	switch {
	case !reachable(""):
		warn("contact.none", "")
	case !reachable("technical"):
		tell("contact.technical", "")
	}
}
