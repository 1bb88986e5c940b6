// Package usage counts what an organisation's invoices are made from: its users
// and the certificates it ordered, cut once a month and never counted again.
package usage

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// Prices are in øre without VAT, as MitID Erhverv's price list has them
// (mitid-erhverv.dk, "prices and invoices"): the first users cost nothing.
type Prices struct {
	FreeUsers   int64
	User        int64
	Certificate int64
	// Smallest is the amount that is invoiced each month; less waits for the end
	// of the quarter.
	Smallest int64
}

// List is the price list in force.
var List = Prices{FreeUsers: 3, User: 2000, Certificate: 2000, Smallest: 5000}

// CutDay is the day of the month on which the figures are taken, at its first
// instant in UTC.
const CutDay = 10

// Month is what was counted for one organisation. Amount, Carried and Invoiced
// are øre: what the month costs, what was left from the months before, and what
// its invoice says.
type Month struct {
	bun.BaseModel `bun:"table:usage_month"`

	OrgID        access.OrgID `bun:"org_id,pk"`
	Month        string       `bun:"month,pk"` // YYYY-MM
	Users        int64        `bun:"users"`
	Certificates int64        `bun:"certificates"`
	Amount       int64        `bun:"amount"`
	Carried      int64        `bun:"carried"`
	Invoiced     int64        `bun:"invoiced"`
	CountedAt    time.Time    `bun:"counted_at"`
}

// Service is the front of the package.
type Service struct {
	DB  *bun.DB
	Org *org.Service
	Now func() time.Time
	Log *slog.Logger
}

// Day is the payload of a count: a date of UTC, YYYY-MM-DD.
type Day struct {
	Day string `json:"day"`
}

// CountKind is the daily work of Count.
var CountKind = outbox.NewKind[Day]("usage.count")

// cut is the latest cut at or before t.
func cut(t time.Time) time.Time {
	t = t.UTC()
	latest := time.Date(t.Year(), t.Month(), CutDay, 0, 0, 0, 0, time.UTC)
	if t.Before(latest) {
		latest = latest.AddDate(0, -1, 0)
	}
	return latest
}

// Count takes the figures of the latest cut for every organisation that has none
// yet. A second run changes nothing. Errors: fault.Invalid for a payload that is
// no date.
func (s *Service) Count(ctx context.Context, d Day) error {
	day, err := time.Parse(time.DateOnly, d.Day)
	if err != nil {
		return fault.New(fault.Invalid, "usage.day.malformed", "%q is no date.", d.Day)
	}
	latest := cut(day)
	ids, err := s.Org.IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.count(store.ForTenant(ctx, id), id, latest); err != nil {
			return fmt.Errorf("usage of %s: %w", id, err)
		}
	}
	return nil
}

// count takes the figures of one organisation that existed at the cut. One whose
// agreement is over has no users any more, and no month once nothing is owed.
func (s *Service) count(ctx context.Context, id access.OrgID, latest time.Time) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		o, err := org.ByID(ctx, tx, id)
		if err != nil || o.CreatedAt.After(latest) {
			return err
		}
		before, err := s.last(ctx, tx, id)
		if err != nil {
			return err
		}
		month := latest.Format("2006-01")
		if before != nil && before.Month >= month {
			return nil
		}
		m, err := s.figures(ctx, tx, id, latest)
		if err != nil {
			return err
		}
		if o.Ended(latest) {
			m.Users, m.Amount = 0, m.Certificates*List.Certificate
		}
		m.Month, m.CountedAt = month, store.Instant(s.Now())
		m.settle(before, latest)
		if o.Ended(latest) && m.Amount+m.Carried == 0 {
			return nil
		}
		n, err := store.Insert(ctx, tx, []Month{m}, "ON CONFLICT DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(id), s.Now(), "usage.count", "usage:"+month,
			fmt.Sprintf("%d users, %d certificates", m.Users, m.Certificates)))
	})
}

// settle decides whether the month is invoiced or waits.
func (m *Month) settle(before *Month, latest time.Time) {
	if before != nil {
		m.Carried = before.Carried + before.Amount - before.Invoiced
	}
	if due := m.Carried + m.Amount; due > List.Smallest || latest.Month()%3 == 0 {
		m.Invoiced = due
	}
}

func (s *Service) last(ctx context.Context, db bun.IDB, id access.OrgID) (*Month, error) {
	var rows []Month
	err := db.NewSelect().Model(&rows).Where("org_id = ?", id).Order("month DESC").Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// figures counts users as they are and certificates ordered in the month before
// until, key files among them: each is a user certificate.
func (s *Service) figures(ctx context.Context, db bun.IDB, id access.OrgID, until time.Time) (Month, error) {
	m := Month{OrgID: id}
	users, err := db.NewSelect().Table("employee").Where("org_id = ?", id).Where("state = ?", org.Active).Count(ctx)
	if err != nil {
		return m, err
	}
	certificates, err := db.NewSelect().Table("certificate").Where("org_id = ?", id).
		Where("state IN (?)", bun.List([]string{"issued", "revoked"})).
		Where("created_at >= ?", store.Instant(until.AddDate(0, -1, 0))).Where("created_at < ?", store.Instant(until)).Count(ctx)
	if err != nil {
		return m, err
	}
	m.Users, m.Certificates = users, certificates
	m.Amount = max(0, m.Users-List.FreeUsers)*List.User + m.Certificates*List.Certificate
	return m, nil
}

// Overview is the counted months, newest first, at most 36, and Now as it would
// be counted at the next cut if nothing changes.
type Overview struct {
	Months  []Month
	Now     Month
	NextCut time.Time
}

// Overview returns the actor's organisation's. Errors: fault.Denied.
func (s *Service) Overview(ctx context.Context, by access.Actor) (Overview, error) {
	if err := by.Need(access.ViewUsage); err != nil {
		return Overview{}, err
	}
	latest := cut(s.Now())
	o := Overview{NextCut: latest.AddDate(0, 1, 0)}
	err := s.DB.NewSelect().Model(&o.Months).Where("org_id = ?", by.OrgID).Order("month DESC").Limit(36).Scan(ctx)
	if err != nil {
		return o, err
	}
	if o.Now, err = s.figures(ctx, s.DB, by.OrgID, o.NextCut); err != nil {
		return o, err
	}
	o.Now.Month = o.NextCut.Format("2006-01")
	var before *Month
	if len(o.Months) > 0 {
		before = &o.Months[0]
	}
	o.Now.settle(before, o.NextCut)
	return o, nil
}

// CSV writes the organisation's counted months, oldest first. Errors:
// fault.Denied.
func (s *Service) CSV(ctx context.Context, by access.Actor, w io.Writer) error {
	o, err := s.Overview(ctx, by)
	if err != nil {
		return err
	}
	out, err := sheet.NewCSV(w, header...)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(o.Months) {
		if err := out.Write(m.cells()...); err != nil {
			return err
		}
	}
	return out.Close()
}

// kroner writes øre as Danes do, 12,50.
func kroner(oere int64) string { return fmt.Sprintf("%d,%02d", oere/100, oere%100) }
