package oiosaml

import (
	"crypto/x509"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/adgang/adgang/internal/fault"
)

// Metadata is what a business service says about itself, as far as Adgang uses
// it.
type Metadata struct {
	EntityID     string // 1..1024 bytes, as given
	Name         Text   // what to call the service; may be empty
	Organisation Text   // whose it is; may be empty
	Consumers    []Consumer
	Signing      []*x509.Certificate // at least one; any may sign a request
	Encryption   []Recipient         // empty: assertions go unencrypted
	Logout       []LogoutService     // empty: the service takes part in no logout
	NameIDs      []string            // NameID formats in order of preference
	// Requested is nil when the service lists no attributes at all.
	Requested     []RequestedAttribute
	SignsRequests bool          // AuthnRequestsSigned
	ValidUntil    time.Time     // zero when the metadata never ends
	CacheFor      time.Duration // how often it wants to be fetched, 0 = it does not say
	Contacts      []Contact
	Notices       []string // what was overlooked, one English sentence each
}

// Text is one text in several languages, by the value of xml:lang.
type Text map[string]string

// In returns the text in lang, else English, Danish, or any; "" when empty.
func (t Text) In(lang string) string {
	for _, l := range append([]string{lang, "en", "da"}, slices.Sorted(maps.Keys(t))...) {
		if t[l] != "" {
			return t[l]
		}
	}
	return ""
}

// Consumer is one assertion consumer service of binding HTTP-POST.
type Consumer struct {
	URL     string
	Index   int // -1 when absent or no number
	Default bool
}

// RequestedAttribute is one attribute that a service asks for.
type RequestedAttribute struct {
	Name     string
	Required bool
}

// Contact is one ContactPerson; any field but Kind may be empty.
type Contact struct {
	Kind   string // technical, support, administrative, billing or other
	Name   string
	Emails []string
	Phones []string
}

// ParseMetadata reads the EntityDescriptor of one service provider. It keeps
// what crewjam/saml's type loses (several contacts, keys without certificate,
// cacheDuration on a role) and overlooks one bad key among good ones, which is
// then in Notices. Errors: fault.Invalid, codes federation.metadata.*.
func ParseMetadata(raw []byte, now time.Time) (Metadata, error) {
	root, err := parse(raw, maxMetadata)
	if err != nil {
		return Metadata{}, invalid("malformed", "The metadata cannot be read: it must be one XML document in UTF-8 of at most 1 MB, without a document type.").Because(err)
	}
	return readMetadata(root, now)
}

func readMetadata(root *etree.Element, now time.Time) (Metadata, error) {
	role, err := serviceRole(root)
	if err != nil {
		return Metadata{}, err
	}
	m := Metadata{
		EntityID:      strings.TrimSpace(attr(root, "entityID")),
		Organisation:  texts(child(root, nsMetadata, "Organization"), nsMetadata, "OrganizationDisplayName"),
		SignsRequests: flag(attr(role, "AuthnRequestsSigned")),
		Requested:     requested(role),
		Contacts:      append(contacts(root), contacts(role)...),
	}
	if m.EntityID == "" || len(m.EntityID) > 1024 {
		return Metadata{}, invalid("entity_id", "The metadata has no usable entityID: give the EntityDescriptor one of at most 1,024 characters.")
	}
	m.ValidUntil, err = validUntil(root, role)
	if err != nil {
		return Metadata{}, err
	}
	if !m.ValidUntil.IsZero() && !now.Before(m.ValidUntil) {
		return Metadata{}, invalid("expired", "The metadata was valid until %s: export it from the service again.", m.ValidUntil.Format(time.DateOnly))
	}
	m.CacheFor = cacheFor(root, role)
	for _, f := range children(role, nsMetadata, "NameIDFormat") {
		m.NameIDs = append(m.NameIDs, text(f))
	}
	m.Name = name(role, m.Organisation)
	if err := m.consumers(role); err != nil {
		return Metadata{}, err
	}
	if err := m.keys(role); err != nil {
		return Metadata{}, err
	}
	m.Logout, err = logoutServices(role)
	if err != nil {
		m.Notices = append(m.Notices, err.Error())
	}
	return m, nil
}

func invalid(reason, text string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "federation.metadata."+reason, text, args...).On("metadata")
}

// serviceRole finds the SPSSODescriptor for SAML 2.0.
func serviceRole(root *etree.Element) (*etree.Element, error) {
	if is(root, nsMetadata, "EntitiesDescriptor") {
		return nil, invalid("aggregate", "The metadata describes a group of parties: upload the EntityDescriptor of one service.")
	}
	if !is(root, nsMetadata, "EntityDescriptor") {
		return nil, invalid("malformed", "This is not SAML metadata: the document must be an EntityDescriptor.")
	}
	for _, role := range children(root, nsMetadata, "SPSSODescriptor") {
		if slices.Contains(strings.Fields(attr(role, "protocolSupportEnumeration")), nsProtocol) {
			return role, nil
		}
	}
	return nil, invalid("not_service", "The metadata describes no service provider: it needs an SPSSODescriptor for SAML 2.0.")
}

// validUntil returns the earlier end of the two elements, zero for none.
func validUntil(els ...*etree.Element) (time.Time, error) {
	var end time.Time
	for _, el := range els {
		value := attr(el, "validUntil")
		if value == "" {
			continue
		}
		t, err := instant(value)
		if err != nil {
			return end, invalid("malformed", "The metadata's validUntil is not an instant: write it like 2027-01-31T12:00:00Z.").Because(err)
		}
		if end.IsZero() || t.Before(end) {
			end = t
		}
	}
	return end, nil
}

// instant reads an xs:dateTime; without a zone it is UTC, as SAML core 1.3.3
// demands.
func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", s)
	}
	return t.UTC(), err
}

func flag(s string) bool {
	s = strings.TrimSpace(s)
	return s == "true" || s == "1"
}

// texts collects the localised elements namespace:tag below el, which may be nil.
func texts(el *etree.Element, namespace, tag string) Text {
	t := Text{}
	if el == nil {
		return t
	}
	for _, c := range children(el, namespace, tag) {
		lang := strings.ToLower(c.SelectAttrValue("xml:lang", ""))
		if value := clip(text(c)); value != "" && t[lang] == "" {
			t[lang] = value
		}
	}
	return t
}

// clip cuts a text that is only shown to 200 characters.
func clip(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// name prefers the name meant for users (mdui), then that of the attribute
// service, then the organisation's.
func name(role *etree.Element, organisation Text) Text {
	if ext := child(role, nsMetadata, "Extensions"); ext != nil {
		if t := texts(child(ext, nsUI, "UIInfo"), nsUI, "DisplayName"); len(t) > 0 {
			return t
		}
	}
	if t := texts(child(role, nsMetadata, "AttributeConsumingService"), nsMetadata, "ServiceName"); len(t) > 0 {
		return t
	}
	return organisation
}

func requested(role *etree.Element) []RequestedAttribute {
	var all []RequestedAttribute
	for _, service := range children(role, nsMetadata, "AttributeConsumingService") {
		for _, a := range children(service, nsMetadata, "RequestedAttribute") {
			all = append(all, RequestedAttribute{Name: attr(a, "Name"), Required: flag(attr(a, "isRequired"))})
		}
	}
	return all
}

func contacts(el *etree.Element) []Contact {
	var all []Contact
	for _, c := range children(el, nsMetadata, "ContactPerson") {
		contact := Contact{Kind: attr(c, "contactType")}
		contact.Name = clip(strings.TrimSpace(text(child(c, nsMetadata, "GivenName")) + " " + text(child(c, nsMetadata, "SurName"))))
		for _, e := range children(c, nsMetadata, "EmailAddress") {
			contact.Emails = append(contact.Emails, clip(strings.TrimPrefix(text(e), "mailto:")))
		}
		for _, p := range children(c, nsMetadata, "TelephoneNumber") {
			contact.Phones = append(contact.Phones, clip(text(p)))
		}
		all = append(all, contact)
	}
	return all
}

// consumers keeps the endpoints of binding POST: OIOSAML answers by no other.
func (m *Metadata) consumers(role *etree.Element) error {
	for _, el := range children(role, nsMetadata, "AssertionConsumerService") {
		if attr(el, "Binding") != saml.HTTPPostBinding {
			continue
		}
		c := Consumer{URL: strings.TrimSpace(attr(el, "Location")), Index: -1, Default: flag(attr(el, "isDefault"))}
		if !safeURL(c.URL) {
			return invalid("consumer_url", "The assertion consumer service %s must be an https address (http only on this machine itself).", clip(c.URL))
		}
		if n, err := strconv.ParseUint(attr(el, "index"), 10, 16); err == nil {
			c.Index = int(n)
		}
		m.Consumers = append(m.Consumers, c)
	}
	if len(m.Consumers) == 0 {
		return invalid("consumer", "The metadata has no AssertionConsumerService with the HTTP-POST binding: the service cannot receive a login.")
	}
	return nil
}

// safeURL tells whether an assertion may be posted there.
func safeURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// consumer finds where a request wants its answer: by URL, by index (both as
// in the request, "" when absent), else the default as SAML metadata 2.4.4 and
// 2.2.3 choose it.
func (m Metadata) consumer(location, index string) (Consumer, bool) {
	if location != "" || index != "" {
		for _, c := range m.Consumers {
			if location != "" && c.URL == location || location == "" && strconv.Itoa(c.Index) == index {
				return c, true
			}
		}
		return Consumer{}, false
	}
	return m.Default(), true
}

// Default is where an answer goes that nobody chose a place for.
func (m Metadata) Default() Consumer {
	for _, c := range m.Consumers {
		if c.Default {
			return c
		}
	}
	return m.Consumers[0]
}
