package ca

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// Ending is how many live certificates of a profile end in a span of time.
type Ending struct {
	Profile string `bun:"profile"`
	N       int64  `bun:"n"`
}

// Endings counts the live certificates of an organisation with notAfter in
// [from, to) by profile. Those whose employee has one that lasts longer are left
// out.
func (s *Service) Endings(ctx context.Context, org access.OrgID, from, to time.Time) ([]Ending, error) {
	var all []Ending
	err := counting(s.DB.NewSelect().Table("certificate")).ColumnExpr("profile, count(*) AS n").Where("org_id = ?", org).
		Where("not_after >= ?", store.Instant(from)).Where("not_after < ?", store.Instant(to)).Group("profile").Order("profile").Scan(ctx, &all)
	return all, err
}

// NextEnd is a certificate that ends next, of one organisation.
type NextEnd struct {
	OrgID    access.OrgID `bun:"org_id"`
	NotAfter time.Time    `bun:"not_after"`
}

// NextEnds is when the next live certificate of each organisation ends, after now.
func (s *Service) NextEnds(ctx context.Context, now time.Time) ([]NextEnd, error) {
	var all []NextEnd
	err := counting(s.DB.NewSelect().Table("certificate")).ColumnExpr("org_id, min(not_after) AS not_after").
		Where("not_after >= ?", store.Instant(now)).Group("org_id").Scan(ctx, &all)
	return all, err
}

// counting leaves out what does not count any more, or has a successor.
func counting(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("state = 'issued'").Where(`NOT EXISTS (SELECT 1 FROM certificate AS later
		WHERE later.org_id = certificate.org_id AND later.employee_id = certificate.employee_id
		AND later.state = 'issued' AND later.not_after > certificate.not_after)`)
}
