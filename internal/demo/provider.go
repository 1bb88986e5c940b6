package demo

import (
	"bytes"
	"context"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
)

// fullName is the attribute that the service greets people by.
const fullName = "https://data.gov.dk/model/core/eid/fullName"

// wanted are the attributes of OIOSAML 3 that the service asks for.
var wanted = []string{
	"https://data.gov.dk/model/core/specVersion",
	"https://data.gov.dk/concept/core/nsis/loa",
	"https://data.gov.dk/model/core/eid/professional/cvr",
	"https://data.gov.dk/model/core/eid/professional/orgName",
	"https://data.gov.dk/model/core/eid/professional/uuid/persistent",
	"https://data.gov.dk/model/core/eid/professional/rid",
	fullName,
	"https://data.gov.dk/model/core/eid/firstName",
	"https://data.gov.dk/model/core/eid/lastName",
	"https://data.gov.dk/model/core/eid/email",
}

// provider is the service provider with what Adgang's metadata says today.
func (s *Service) provider(ctx context.Context) (*saml.ServiceProvider, error) {
	sp, err := s.bareProvider()
	if err != nil {
		return nil, err
	}
	md, err := s.Federation.IdPMetadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("metadata of Adgang: %w", err)
	}
	sp.IDPMetadata = &saml.EntityDescriptor{}
	if err := xml.Unmarshal(md, sp.IDPMetadata); err != nil {
		return nil, fmt.Errorf("metadata of Adgang: %w", err)
	}
	return sp, nil
}

// bareProvider knows itself only.
func (s *Service) bareProvider() (*saml.ServiceProvider, error) {
	base, err := url.Parse(s.BaseURL)
	if err != nil {
		return nil, err
	}
	key, err := s.key()
	if err != nil {
		return nil, fmt.Errorf("key of the service: %w", err)
	}
	return &saml.ServiceProvider{
		EntityID: s.entityID(), Key: key.Private, Certificate: key.Certificate,
		AcsURL:            *base.JoinPath(servicePath, "acs"),
		AuthnNameIDFormat: saml.PersistentNameIDFormat,
		SignatureMethod:   dsig.RSASHA256SignatureMethod,
		SignatureVerifier: strict{},
	}, nil
}

// strict verifies as crewjam/saml does, but takes nothing over SHA-1.
type strict struct{}

// VerifySignature implements saml.SignatureVerifier.
func (strict) VerifySignature(v *dsig.ValidationContext, el *etree.Element) error {
	for _, path := range []string{"./Signature/SignedInfo/SignatureMethod", "./Signature/SignedInfo/Reference/DigestMethod"} {
		for _, one := range el.FindElements(path) {
			if strings.HasSuffix(one.SelectAttrValue("Algorithm", ""), "sha1") {
				return errors.New("a signature over SHA-1")
			}
		}
	}
	_, err := v.Validate(el)
	return err
}

func (s *Service) entityID() string { return s.BaseURL + servicePath + "/metadata" }

// serviceMetadata is the same as long as key and BaseURL are. It has no
// encryption key, for crewjam/saml can be crashed by what is encrypted to it,
// nor the artifact endpoint that crewjam/saml announces.
func (s *Service) serviceMetadata() ([]byte, error) {
	sp, err := s.bareProvider()
	if err != nil {
		return nil, err
	}
	md := sp.Metadata()
	md.ValidUntil = sp.Certificate.NotAfter
	role := &md.SPSSODescriptors[0]
	role.ValidUntil = nil
	role.KeyDescriptors = role.KeyDescriptors[1:] // signing
	role.AssertionConsumerServices = role.AssertionConsumerServices[:1]
	role.SingleLogoutServices = []saml.Endpoint{{Binding: saml.HTTPRedirectBinding, Location: s.BaseURL + servicePath + "/slo"}}
	names := []saml.LocalizedName{
		{Lang: danish, Value: "Tidsregistrering (demotjeneste)"},
		{Lang: english, Value: "Time registration (demo service)"},
	}
	service := saml.AttributeConsumingService{Index: 1, ServiceNames: names}
	for _, name := range wanted {
		service.RequestedAttributes = append(service.RequestedAttributes, saml.RequestedAttribute{Attribute: saml.Attribute{
			Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
		}})
	}
	role.AttributeConsumingServices = []saml.AttributeConsumingService{service}
	return xml.MarshalIndent(md, "", "  ")
}

// register makes the service known in an organisation, unless it is, with the
// metadata of today: a lost key was replaced.
func (s *Service) register(ctx context.Context, org access.OrgID) error {
	md, err := s.serviceMetadata()
	if err != nil {
		return err
	}
	by := access.Command(org)
	_, err = s.Federation.Register(ctx, by, md)
	if fault.KindOf(err) != fault.Conflict {
		return err
	}
	for cursor := ""; ; {
		page, next, err := s.Federation.Partners(ctx, by, cursor)
		if err != nil {
			return err
		}
		for _, p := range page {
			if p.EntityID == s.entityID() && p.Source != string(md) {
				_, _, err := s.Federation.Replace(ctx, by, p.ID, md)
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// key reads the service's key and certificate, or makes them.
func (s *Service) key() (oiosaml.Key, error) { return s.keyIn("service.pem", s.entityID()) }

// keyIn is the key of one of the demo's parties.
func (s *Service) keyIn(name, entityID string) (oiosaml.Key, error) {
	path := s.path(name)
	text, err := os.ReadFile(path) //nolint:gosec // one of the demo's own files
	if errors.Is(err, os.ErrNotExist) {
		return s.newKey(path, entityID)
	}
	if err != nil {
		return oiosaml.Key{}, err
	}
	private, rest := pem.Decode(text)
	certificate, _ := pem.Decode(rest)
	if private == nil || certificate == nil {
		return oiosaml.Key{}, fmt.Errorf("%s holds no key and certificate in PEM", path)
	}
	return oiosaml.LoadKey(private.Bytes, certificate.Bytes)
}

func (s *Service) newKey(path, entityID string) (oiosaml.Key, error) {
	key, err := oiosaml.NewKey(oiosaml.RSA, entityID, s.Now())
	if err != nil {
		return key, err
	}
	private, certificate, err := key.Marshal()
	if err != nil {
		return key, err
	}
	return key, write(path, func(w io.Writer) error {
		return errors.Join(
			pem.Encode(w, &pem.Block{Type: "PRIVATE KEY", Bytes: private}),
			pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		)
	})
}

// What guard lets through; a real response has 60 elements, 10 deep.
const (
	maxElements = 500
	maxDepth    = 30
)

var errGuard = errors.New("not a response that is read here")

// guard refuses what crewjam/saml could be crashed or kept busy by before it
// has checked a signature.
func guard(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw)) //nolint:gosec // tokens only, and Go expands no entities
	for depth, elements := 0, 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && elements > 0 {
			return nil
		}
		if err != nil {
			return errors.Join(errGuard, err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return errGuard
		case xml.StartElement:
			depth++
			elements++
			if depth > maxDepth || elements > maxElements || token.Name.Local == "EncryptedAssertion" {
				return errGuard
			}
		case xml.EndElement:
			depth--
		}
	}
}
