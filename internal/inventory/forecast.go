package inventory

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/uptrace/bun"

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

// Outlook is a forecast: what has ended already, and the months from this one on.
type Outlook struct {
	Overdue Month // ended before this month, in use and not replaced; Month is ""
	Months  []Month
}

// WhatIf moves the renewals of a forecast. The zero value renews each in the month
// in which it ends.
type WhatIf struct {
	Months   int    // how many the forecast has, 1 to 60; 0 = 36
	Earlier  int    // renew so many months before the end, 0 to 24
	Spread   int    // spread the renewals of a month over so many months, that one and those before it, 1 to 24; 0 = 1
	Deadline string // YYYY-MM: whatever ends later is renewed in this month at the latest; "" = no deadline
	Leaving  string // the generation that the deadline is for, "" = every one
}

func (w WhatIf) check(first time.Time) (_ WhatIf, deadline int, err error) {
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
			return w, 0, fault.New(fault.Invalid, "inventory.forecast.range", "%s must be from %d to %d.", one.field, one.low, one.high).On(one.field)
		}
	}
	if w.Deadline == "" {
		return w, math.MaxInt, nil
	}
	at, err := time.ParseInLocation("2006-01", w.Deadline, copenhagen)
	deadline = (at.Year()-first.Year())*12 + int(at.Month()) - int(first.Month())
	if err != nil || deadline < 0 || deadline >= w.Months {
		return w, 0, fault.New(fault.Invalid, "inventory.forecast.deadline", "Write the month of the deadline as YYYY-MM; it is one of the forecast.").On("deadline")
	}
	return w, deadline, nil
}

// Forecast counts what ends in each month from this one on, of the inventory and
// of the key files issued here, and when it would have to be renewed. What should
// have been renewed before this month counts in this one. Authorities are left
// out: nobody renews them here. Errors: fault.Denied, fault.Invalid.
func (s *Service) Forecast(ctx context.Context, by access.Actor, w WhatIf) (Outlook, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return Outlook{}, err
	}
	now := s.Now().In(copenhagen)
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, copenhagen)
	w, deadline, err := w.check(first)
	if err != nil {
		return Outlook{}, err
	}
	// Renewals of what ends after the last month may fall into it.
	months := make([]Month, w.Months+w.Earlier+w.Spread-1)
	for i := range months {
		from, to := first.AddDate(0, i, 0), first.AddDate(0, i+1, 0)
		months[i].Month = from.Format("2006-01")
		if months[i].Counts, err = s.endings(ctx, by.OrgID, from, to); err != nil {
			return Outlook{}, err
		}
		for _, c := range months[i].Counts {
			months[i].Ending += c.N
			w.renew(months, c, i, deadline)
		}
	}
	if w.Deadline != "" {
		beyond, err := s.endings(ctx, by.OrgID, first.AddDate(0, len(months), 0), first.AddDate(100, 0, 0))
		if err != nil {
			return Outlook{}, err
		}
		for _, c := range beyond {
			w.renew(months, c, math.MaxInt/2, deadline)
		}
	}
	out := Outlook{Months: months[:w.Months]}
	if out.Overdue.Counts, err = s.overdue(ctx, by.OrgID, first); err != nil {
		return Outlook{}, err
	}
	for _, c := range out.Overdue.Counts {
		out.Overdue.Ending += c.N
		out.Overdue.Renewal += c.N
		months[0].Renewal += c.N
	}
	return out, nil
}

// renew counts the renewals of what ends in month i.
func (w WhatIf) renew(months []Month, c Count, i, deadline int) {
	if c.Plan == PlanInstalled {
		return // nothing is left to be done
	}
	last := i - w.Earlier
	if w.Leaving == "" || w.Leaving == c.Generation {
		last = min(last, deadline)
	}
	// There are no months before this one: near it the span is as long as there is
	// room, so that what ends soon does not all fall into the current month.
	spread := min(w.Spread, max(last, 0)+1)
	for part := range spread {
		// As even as whole certificates allow.
		n := c.N*int64(part+1)/int64(spread) - c.N*int64(part)/int64(spread)
		if at := max(0, last-part); at < len(months) {
			months[at].Renewal += n
		}
	}
}

func (s *Service) endings(ctx context.Context, id access.OrgID, from, to time.Time) ([]Count, error) {
	var all []Count
	err := s.counts(id).Where("c.not_after >= ?", store.Instant(from)).Where("c.not_after < ?", store.Instant(to)).Scan(ctx, &all)
	if err != nil {
		return nil, err
	}
	n, err := s.CA.EndingKeyFiles(ctx, id, from, to)
	if n > 0 {
		// The holder of a key file is who looks after it.
		all = append(all, Count{Kind: OfEmployee, Generation: Adgang, Plan: PlanPlanned, N: n})
	}
	return all, err
}

func (s *Service) counts(id access.OrgID) *bun.SelectQuery {
	return s.DB.NewSelect().Model((*Certificate)(nil)).ColumnExpr("c.kind, c.generation, c.plan, count(*) AS n").Where("c.org_id = ?", id).
		Where("c.plan <> ?", PlanRetired).Where("c.kind <> ?", OfAuthority).Group("c.kind", "c.generation", "c.plan").
		Order("c.kind", "c.generation", "c.plan")
}

// overdue counts what ended before the first month, is in use and has no successor
// everywhere.
func (s *Service) overdue(ctx context.Context, id access.OrgID, first time.Time) ([]Count, error) {
	var all []Count
	err := s.counts(id).Where("c.not_after < ?", store.Instant(first)).Where("c.plan <> ?", PlanInstalled).Scan(ctx, &all)
	return all, err
}

// ForecastCSV writes a forecast with a line for each sort in each month, what is
// overdue first. Errors: as Forecast.
func (s *Service) ForecastCSV(ctx context.Context, by access.Actor, w WhatIf, out io.Writer) error {
	outlook, err := s.Forecast(ctx, by, w)
	if err != nil {
		return err
	}
	c, err := sheet.NewCSV(out, "month", "kind", "generation", "plan", "ending", "renewals_of_month")
	if err != nil {
		return err
	}
	outlook.Overdue.Month = "overdue"
	for _, m := range append([]Month{outlook.Overdue}, outlook.Months...) {
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

// NextEnds is when the next certificate of each organisation ends, of its CVR
// number the instant. One that has ended counts until it is replaced or out of use,
// so the instant may lie behind. Certificates out of use, with a successor that is
// installed everywhere, those that had ended before they came, and authorities do
// not count.
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
	err = s.DB.NewSelect().Model((*Certificate)(nil)).ColumnExpr("c.org_id, min(c.not_after) AS not_after").Where("c.not_after >= c.created_at").
		Where("c.kind <> ?", OfAuthority).Where("c.plan NOT IN (?, ?)", PlanInstalled, PlanRetired).Group("c.org_id").Scan(ctx, &others)
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
