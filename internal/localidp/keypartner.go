package localidp

import (
	"context"
	"slices"
	"strings"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/store"
)

// KeyPartners lists the providers in use as parties that must know Adgang's keys:
// they verify our requests, and encrypt to us.
func (s *Service) KeyPartners(ctx context.Context) ([]samlkey.Partner, error) {
	var rows []IdP
	if err := s.DB.NewSelect().Model(&rows).Where("i.state = ?", Active).Order("i.name", "i.id").Scan(ctx); err != nil {
		return nil, err
	}
	all := make([]samlkey.Partner, 0, len(rows))
	for _, p := range rows {
		if err := p.read(); err != nil {
			return nil, err
		}
		to := contacts(p.Metadata)
		if len(to) == 0 {
			holders, err := org.Holders(ctx, s.DB, p.OrgID, access.ChangeSettings)
			if err != nil {
				return nil, err
			}
			for _, h := range holders {
				to = append(to, h.Email)
			}
		}
		slices.Sort(to)
		all = append(all, samlkey.Partner{ID: partnerID(p.ID), Org: p.OrgID, Name: p.Name, Contacts: slices.Compact(to), Address: s.MetadataAddress(p.ID)})
	}
	return all, nil
}

func partnerID(id string) string { return "idp:" + id }

// MetadataAddress is where one provider fetches Adgang's metadata: its own address,
// so that it is seen which keys it has.
func (s *Service) MetadataAddress(id string) string {
	return strings.TrimSuffix(s.BaseURL, "/") + "/saml/sp/metadata/" + id
}

// MetadataFor is Adgang's metadata as one provider fetches it. Errors: fault.Absent.
func (s *Service) MetadataFor(ctx context.Context, id string) ([]byte, error) {
	var p IdP
	if err := s.DB.NewSelect().Model(&p).Column("id", "org_id").Where("i.id = ?", id).Scan(ctx); err != nil {
		return nil, store.Found(err, "localidp")
	}
	party, err := s.party(ctx)
	if err != nil {
		return nil, err
	}
	document, err := party.Publish(s.Now())
	if err != nil {
		return nil, err
	}
	return document, s.SAMLKeys.Fetched(ctx, partnerID(p.ID), p.OrgID, slices.Concat(party.Signing, party.Encryption))
}
