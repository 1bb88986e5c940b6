package federation

import (
	"context"
	"slices"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/store"
)

// KeyPartners lists the services as parties that must know Adgang's keys: those
// that speak SAML, since the others fetch a key that they do not know.
func (s *Service) KeyPartners(ctx context.Context) ([]samlkey.Partner, error) {
	var rows []Partner
	if err := s.DB.NewSelect().Model(&rows).Where("metadata <> ''").Order("name", "id").Scan(ctx); err != nil {
		return nil, err
	}
	all := make([]samlkey.Partner, 0, len(rows))
	for _, p := range rows {
		if err := p.read(); err != nil {
			return nil, err
		}
		contacts, err := s.contacts(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, samlkey.Partner{ID: "service:" + p.ID, Org: p.OrgID, Name: p.Name, Contacts: contacts, Address: s.MetadataAddress(p.ID)})
	}
	return all, nil
}

// contacts are the addresses of who looks after a service: the technical contacts
// of its metadata, else the administrative ones, else the employees who may manage
// services.
func (s *Service) contacts(ctx context.Context, p Partner) ([]string, error) {
	for _, kind := range []string{"technical", "administrative", "support"} {
		var all []string
		for _, c := range p.Metadata.Contacts {
			if c.Kind == kind {
				all = append(all, c.Emails...)
			}
		}
		if len(all) > 0 {
			slices.Sort(all)
			return slices.Compact(all), nil
		}
	}
	holders, err := org.Holders(ctx, s.DB, p.OrgID, access.ManageServices)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range holders {
		all = append(all, e.Email)
	}
	return all, nil
}

// MetadataAddress is where one service fetches Adgang's metadata: its own address,
// so that it is seen which keys it has.
func (s *Service) MetadataAddress(id string) string { return s.BaseURL + "/saml/idp/metadata/" + id }

// MetadataFor is Adgang's metadata as one service fetches it. Errors: fault.Absent.
func (s *Service) MetadataFor(ctx context.Context, id string) ([]byte, error) {
	var p Partner
	if err := s.DB.NewSelect().Model(&p).Column("id", "org_id").Where("id = ?", id).Scan(ctx); err != nil {
		return nil, store.Found(err, "federation.service")
	}
	idp, err := s.idp(ctx)
	if err != nil {
		return nil, err
	}
	document, err := idp.Publish(s.Now())
	if err != nil {
		return nil, err
	}
	return document, s.SAMLKeys.Fetched(ctx, "service:"+p.ID, p.OrgID, slices.Concat(idp.Signing, idp.Encryption))
}
