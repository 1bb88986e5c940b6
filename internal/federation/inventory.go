package federation

import (
	"context"

	"github.com/adgang/adgang/internal/access"
)

// EachMetadata hands the metadata of every service to visit, under "service:ID".
func (s *Service) EachMetadata(ctx context.Context, visit func(id string, org access.OrgID, name, metadata string) error) error {
	for after := ""; ; {
		var page []Partner
		err := s.DB.NewSelect().Model(&page).Column("id", "org_id", "name", "metadata").Where("id > ?", after).Order("id").Limit(100).Scan(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := visit("service:"+p.ID, p.OrgID, p.Name, p.Source); err != nil {
				return err
			}
			after = p.ID
		}
	}
}
