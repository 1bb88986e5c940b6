package ca

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// Live are the certificates in force of one kind that an organisation has.
type Live struct {
	Org  access.OrgID
	Kind pki.Profile
	// Spare are holders whose certificates are left out.
	Spare []access.EmployeeID
	// Until leaves out what was made later; the zero time is now.
	Until time.Time
}

func (l Live) narrow(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	q.Where("org_id = ?", l.Org).Where("profile = ?", l.Kind).Where("state = 'issued'").Where("not_after >= ?", store.Instant(now))
	if len(l.Spare) > 0 {
		q.Where("employee_id NOT IN (?)", bun.List(l.Spare))
	}
	if !l.Until.IsZero() {
		q.Where("created_at <= ?", store.Instant(l.Until))
	}
	return q
}

// CountLive counts them.
func (s *Service) CountLive(ctx context.Context, db bun.IDB, l Live) (int64, error) {
	return l.narrow(db.NewSelect().Model((*Certificate)(nil)), s.Now()).Count(ctx)
}

// LiveAfter returns a page of them in the order of their serial numbers.
func (s *Service) LiveAfter(ctx context.Context, db bun.IDB, l Live, after pki.Serial, limit int64) ([]Certificate, error) {
	var page []Certificate
	err := l.narrow(db.NewSelect().Model(&page).Column("serial", "org_id", "employee_id", "profile", "state"), s.Now()).
		Where("serial > ?", after).Order("serial").Limit(limit).Scan(ctx)
	return page, err
}
