package localidp

import (
	"context"

	"github.com/adgang/adgang/internal/access"
)

// EachMetadata hands the metadata of every identity provider to visit, under
// "idp:ID".
func (s *Service) EachMetadata(ctx context.Context, visit func(id string, org access.OrgID, name, metadata string) error) error {
	for after := ""; ; {
		var page []IdP
		err := s.DB.NewSelect().Model(&page).Column("id", "org_id", "name", "metadata").Where("i.id > ?", after).Where("i.metadata <> ''").Order("i.id").Limit(100).Scan(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := visit("idp:"+p.ID, p.OrgID, p.Name, p.Source); err != nil {
				return err
			}
			after = p.ID
		}
	}
}
