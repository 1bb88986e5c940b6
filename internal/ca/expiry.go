package ca

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// EndingKeyFiles counts the live certificates of an organisation's employees with
// notAfter in [from, to). Those whose employee has one that lasts longer are left
// out.
func (s *Service) EndingKeyFiles(ctx context.Context, org access.OrgID, from, to time.Time) (int64, error) {
	return counting(s.DB.NewSelect().Table("certificate")).Where("org_id = ?", org).
		Where("not_after >= ?", store.Instant(from)).Where("not_after < ?", store.Instant(to)).Count(ctx)
}

// NextEnd is the key file that ends next, or has ended, of one organisation.
type NextEnd struct {
	OrgID    access.OrgID `bun:"org_id"`
	NotAfter time.Time    `bun:"not_after"`
}

// NextEnds is when the next live key file of each organisation ends, seen from now.
// One that ended in the 30 days before, and whose holder is active and has no
// other, counts too.
func (s *Service) NextEnds(ctx context.Context, now time.Time) ([]NextEnd, error) {
	var all []NextEnd
	err := counting(s.DB.NewSelect().Table("certificate")).ColumnExpr("org_id, min(not_after) AS not_after").
		Where("not_after >= ?", store.Instant(now.AddDate(0, 0, -30))).
		Where(`(not_after >= ? OR EXISTS (SELECT 1 FROM employee AS e WHERE e.org_id = certificate.org_id AND e.id = certificate.employee_id AND e.state = 'active'))`,
			store.Instant(now)).Group("org_id").Scan(ctx, &all)
	return all, err
}

// counting leaves out what is of no employee, does not count any more, or has a
// successor.
func counting(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("state = 'issued'").Where("profile = ?", pki.ProfileEmployee).Where(`NOT EXISTS (SELECT 1 FROM certificate AS later
		WHERE later.org_id = certificate.org_id AND later.employee_id = certificate.employee_id
		AND later.state = 'issued' AND later.not_after > certificate.not_after)`)
}
