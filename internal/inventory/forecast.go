package inventory

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// Count is how many certificates of a sort end in a month.
type Count struct {
	Kind       string `bun:"kind"`
	Generation string `bun:"generation"`
	Plan       string `bun:"plan"`
	N          int64  `bun:"n"`
}

// Month is one month of a forecast.
type Month struct {
	Month   string // YYYY-MM, of Denmark
	Counts  []Count
	Ending  int64 // certificates that end, those out of use left out
	Renewal int64 // certificates to renew, as WhatIf has them
}

// WhatIf moves the renewals of a forecast. The zero value renews each in the month
// in which it ends.
type WhatIf struct {
	Months  int // how many the forecast has, 1 to 60; 0 = 36
	Earlier int // renew so many months before the end, 0 to 24
	Spread  int // spread the renewals of a month over so many months, that one and those before it, 1 to 24; 0 = 1
}

// profileKinds are the kinds of certificates issued here.
var profileKinds = map[string]string{"employee": OfEmployee, "organisation": OfOrganisation, "system": OfSystem}

func (w WhatIf) check() (WhatIf, error) {
	if w.Months == 0 {
		w.Months = 36
	}
	if w.Spread == 0 {
		w.Spread = 1
	}
	for _, one := range []struct {
		field            string
		value, low, high int
	}{{"months", w.Months, 1, 60}, {"earlier", w.Earlier, 0, 24}, {"spread", w.Spread, 1, 24}} {
		if one.value < one.low || one.value > one.high {
			return w, fault.New(fault.Invalid, "inventory.forecast.range", "%s must be from %d to %d.", one.field, one.low, one.high).On(one.field)
		}
	}
	return w, nil
}

// Forecast counts what ends in each month from this one on, of the inventory and
// of the certificates issued here, and when it would have to be renewed. What
// should have been renewed before this month counts in this one. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) Forecast(ctx context.Context, by access.Actor, w WhatIf) ([]Month, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, err
	}
	w, err := w.check()
	if err != nil {
		return nil, err
	}
	now := s.Now().In(copenhagen)
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, copenhagen)
	// Renewals of what ends after the last month may fall into it.
	ahead := w.Earlier + w.Spread - 1
	months := make([]Month, w.Months+ahead)
	for i := range months {
		from, to := first.AddDate(0, i, 0), first.AddDate(0, i+1, 0)
		months[i].Month = from.Format("2006-01")
		if months[i].Counts, err = s.endings(ctx, by.OrgID, from, to); err != nil {
			return nil, err
		}
		for _, c := range months[i].Counts {
			months[i].Ending += c.N
			if c.Plan == PlanInstalled {
				continue // nothing is left to be done
			}
			for part := range w.Spread {
				// As even as whole certificates allow.
				n := c.N*int64(part+1)/int64(w.Spread) - c.N*int64(part)/int64(w.Spread)
				months[max(0, i-w.Earlier-part)].Renewal += n
			}
		}
	}
	return months[:w.Months], nil
}

func (s *Service) endings(ctx context.Context, id access.OrgID, from, to time.Time) ([]Count, error) {
	var all []Count
	err := s.DB.NewSelect().Model((*Certificate)(nil)).ColumnExpr("c.kind, c.generation, c.plan, count(*) AS n").Where("c.org_id = ?", id).
		Where("c.not_after >= ?", store.Instant(from)).Where("c.not_after < ?", store.Instant(to)).Where("c.plan <> ?", PlanRetired).
		Group("c.kind", "c.generation", "c.plan").Order("c.kind", "c.generation", "c.plan").Scan(ctx, &all)
	if err != nil {
		return nil, err
	}
	own, err := s.CA.Endings(ctx, id, from, to)
	for _, e := range own {
		// The holder of a key file is who looks after it.
		all = append(all, Count{Kind: firstOf(profileKinds[e.Profile], Unknown), Generation: Adgang, Plan: PlanPlanned, N: e.N})
	}
	return all, err
}

// ForecastCSV writes a forecast with a line for each sort in each month. Errors:
// as Forecast.
func (s *Service) ForecastCSV(ctx context.Context, by access.Actor, w WhatIf, out io.Writer) error {
	months, err := s.Forecast(ctx, by, w)
	if err != nil {
		return err
	}
	c, err := sheet.NewCSV(out, "month", "kind", "generation", "plan", "ending", "renewals_of_month")
	if err != nil {
		return err
	}
	for _, m := range months {
		counts := m.Counts
		if len(counts) == 0 {
			counts = []Count{{}}
		}
		for _, one := range counts {
			if err := c.Write(m.Month, one.Kind, one.Generation, one.Plan, fmt.Sprint(one.N), fmt.Sprint(m.Renewal)); err != nil {
				return err
			}
		}
	}
	return c.Close()
}

// NextEnds is when the next certificate of each organisation ends: of its CVR
// number the instant. Certificates out of use, or with a successor that is
// installed everywhere, do not count.
func (s *Service) NextEnds(ctx context.Context) (map[string]time.Time, error) {
	now := s.Now()
	own, err := s.CA.NextEnds(ctx, now)
	if err != nil {
		return nil, err
	}
	all := map[access.OrgID]time.Time{}
	for _, one := range own {
		all[one.OrgID] = one.NotAfter
	}
	var others []struct {
		OrgID    access.OrgID `bun:"org_id"`
		NotAfter time.Time    `bun:"not_after"`
	}
	err = s.DB.NewSelect().Model((*Certificate)(nil)).ColumnExpr("c.org_id, min(c.not_after) AS not_after").Where("c.not_after >= ?", store.Instant(now)).
		Where("c.plan NOT IN (?, ?)", PlanInstalled, PlanRetired).Group("c.org_id").Scan(ctx, &others)
	if err != nil {
		return nil, err
	}
	for _, one := range others {
		if at, known := all[one.OrgID]; !known || one.NotAfter.Before(at) {
			all[one.OrgID] = one.NotAfter
		}
	}
	var names []struct {
		ID  access.OrgID `bun:"id"`
		CVR string       `bun:"cvr"`
	}
	if err := s.DB.NewSelect().Table("organisation").Column("id", "cvr").Scan(ctx, &names); err != nil {
		return nil, err
	}
	ends := map[string]time.Time{}
	for _, o := range names {
		if at, ok := all[o.ID]; ok {
			ends[o.CVR] = at
		}
	}
	return ends, nil
}
