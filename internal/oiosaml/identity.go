package oiosaml

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// Identity is what an organisation's own identity provider says about itself, as
// far as Adgang uses it.
type Identity struct {
	EntityID     string // 1..1024 bytes, as given
	Name         Text   // what to call it; may be empty
	Organisation Text   // whose it is; may be empty
	SignOn       []Endpoint
	Logout       []Endpoint          // empty: it takes part in no single logout
	Signing      []*x509.Certificate // at least one; any may sign a response
	Encryption   []Recipient         // for name identifiers in logout requests
	NameIDs      []string            // NameID formats in order of preference
	WantsSigned  bool                // WantAuthnRequestsSigned
	ValidUntil   time.Time           // zero when the metadata never ends
	CacheFor     time.Duration       // how often it wants to be fetched, 0 = it does not say
	Contacts     []Contact
	Notices      []string // what was overlooked, one English sentence each
}

// Endpoint is one address of a party.
type Endpoint struct {
	Binding  string // HTTPRedirect or HTTPPost
	URL      string
	Response string // where answers go, when it is another address; "" = URL
}

// The bindings that are spoken.
const (
	HTTPRedirect = saml.HTTPRedirectBinding
	HTTPPost     = saml.HTTPPostBinding
)

// ParseIdentity reads the EntityDescriptor of one identity provider, as
// ParseMetadata reads that of a service. Errors: fault.Invalid, codes
// federation.metadata.*.
func ParseIdentity(raw []byte, now time.Time) (Identity, error) {
	root, err := parse(raw, maxMetadata)
	if err != nil {
		return Identity{}, invalid("malformed", "The metadata cannot be read: it must be one XML document in UTF-8 of at most 1 MB, without a document type.").Because(err)
	}
	role, err := identityRole(root)
	if err != nil {
		return Identity{}, err
	}
	p := Identity{
		EntityID:     strings.TrimSpace(attr(root, "entityID")),
		Organisation: texts(child(root, nsMetadata, "Organization"), nsMetadata, "OrganizationDisplayName"),
		WantsSigned:  flag(attr(role, "WantAuthnRequestsSigned")),
		Contacts:     append(contacts(root), contacts(role)...),
	}
	if p.EntityID == "" || len(p.EntityID) > 1024 {
		return Identity{}, invalid("entity_id", "The metadata has no usable entityID: give the EntityDescriptor one of at most 1,024 characters.")
	}
	if p.ValidUntil, err = validUntil(root, role); err != nil {
		return Identity{}, err
	}
	if !p.ValidUntil.IsZero() && !now.Before(p.ValidUntil) {
		return Identity{}, invalid("expired", "The metadata was valid until %s: export it again.", p.ValidUntil.Format(time.DateOnly))
	}
	p.CacheFor = cacheFor(root, role)
	for _, f := range children(role, nsMetadata, "NameIDFormat") {
		p.NameIDs = append(p.NameIDs, text(f))
	}
	p.Name = name(role, p.Organisation)
	if p.SignOn, err = endpoints(role, "SingleSignOnService"); err != nil {
		return Identity{}, err
	}
	if len(p.SignOn) == 0 {
		return Identity{}, invalid("sign_on", "The metadata has no SingleSignOnService with the HTTP-Redirect or HTTP-POST binding: nobody can be sent there to log in.")
	}
	if p.Logout, err = endpoints(role, "SingleLogoutService"); err != nil {
		return Identity{}, err
	}
	var keys Metadata
	if err := keys.keys(role); err != nil {
		return Identity{}, err
	}
	p.Signing, p.Encryption, p.Notices = keys.Signing, keys.Encryption, keys.Notices
	return p, nil
}

// identityRole finds the IDPSSODescriptor for SAML 2.0.
func identityRole(root *etree.Element) (*etree.Element, error) {
	if is(root, nsMetadata, "EntitiesDescriptor") {
		return nil, invalid("aggregate", "The metadata describes a group of parties: upload the EntityDescriptor of one.")
	}
	if !is(root, nsMetadata, "EntityDescriptor") {
		return nil, invalid("malformed", "This is not SAML metadata: the document must be an EntityDescriptor.")
	}
	for _, role := range children(root, nsMetadata, "IDPSSODescriptor") {
		if slices.Contains(strings.Fields(attr(role, "protocolSupportEnumeration")), nsProtocol) {
			return role, nil
		}
	}
	return nil, invalid("not_identity_provider", "The metadata describes no identity provider: it needs an IDPSSODescriptor for SAML 2.0.")
}

// endpoints reads the addresses of one kind, Redirect first: it needs no page in
// between. Those of other bindings are overlooked.
func endpoints(role *etree.Element, tag string) ([]Endpoint, error) {
	var all []Endpoint
	for _, el := range children(role, nsMetadata, tag) {
		e := Endpoint{Binding: attr(el, "Binding"), URL: strings.TrimSpace(attr(el, "Location")), Response: strings.TrimSpace(attr(el, "ResponseLocation"))}
		if e.Binding != HTTPRedirect && e.Binding != HTTPPost {
			continue
		}
		if !safeURL(e.URL) || e.Response != "" && !safeURL(e.Response) {
			return nil, invalid("endpoint_url", "The address %s must be an https address (http only on this machine itself).", clip(e.URL))
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b Endpoint) int { return strings.Compare(b.Binding, a.Binding) })
	return all, nil
}
