package onboarding

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Standing is an organisation as operators see it: figures, no people but the
// representative.
type Standing struct {
	org.Organisation

	Employees  int64 // active
	Activated  int64 // of them, with a key file in use
	Rows       int64 // of migration batches
	RowsDone   int64 // of these, no longer pending
	LinkUntil  *time.Time
	SetUp      string // pending, expired, begun, finished
	LastActive *time.Time
}

// Organisations returns a page by name, with figures, and the cursor of the
// next, "" at the end. The figures of a page take four queries, read across the
// tables of other rooms (ADR 0016). Errors: as org.Directory.
func (s *Service) Organisations(ctx context.Context, by access.Actor, q, cursor string) ([]Standing, string, error) {
	page, next, err := s.Org.Directory(ctx, by, q, cursor)
	if err != nil {
		return nil, "", err
	}
	all, err := s.standings(ctx, page)
	return all, next, err
}

// Organisation returns one, with its representative if it has one. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Organisation(ctx context.Context, by access.Actor, id access.OrgID) (one Standing, r *RepresentativeOf, err error) {
	if err := by.NeedOperator(); err != nil {
		return one, nil, err
	}
	o, err := s.Org.Organisation(ctx, id)
	if err != nil {
		return one, nil, err
	}
	all, err := s.standings(ctx, []org.Organisation{o})
	if err != nil {
		return one, nil, err
	}
	var found []RepresentativeOf
	err = s.DB.NewSelect().Model(&found).Where("org_id = ?", id).Scan(ctx)
	if len(found) > 0 {
		r = &found[0]
	}
	return all[0], r, err
}

type figures struct {
	OrgID access.OrgID `bun:"org_id"`
	One   int64        `bun:"one"`
	Two   int64        `bun:"two"`
}

func (s *Service) standings(ctx context.Context, page []org.Organisation) ([]Standing, error) {
	if len(page) == 0 {
		return []Standing{}, nil
	}
	ids, at := make([]access.OrgID, len(page)), map[access.OrgID]*Standing{}
	all := make([]Standing, len(page))
	for i, o := range page {
		all[i].Organisation, ids[i] = o, o.ID
		at[o.ID] = &all[i]
	}
	for query, put := range map[string]func(*Standing, figures){
		`SELECT e.org_id, count(*) AS one, count(k.id) AS two FROM employee AS e
		 LEFT JOIN key_file AS k ON k.org_id = e.org_id AND k.employee_id = e.id AND k.state = 'active'
		 WHERE e.org_id IN (?) AND e.state = 'active' GROUP BY e.org_id`: func(o *Standing, f figures) { o.Employees, o.Activated = f.One, f.Two },
		`SELECT b.org_id, sum(c.pending + c.invited + c.activated + c.skipped + c.failed + c.cancelled) AS one,
		 sum(c.invited + c.activated + c.skipped + c.failed + c.cancelled) AS two
		 FROM batch AS b JOIN batch_chunk AS c ON c.batch_id = b.id WHERE b.org_id IN (?) GROUP BY b.org_id`: func(o *Standing, f figures) { o.Rows, o.RowsDone = f.One, f.Two },
	} {
		var found []figures
		if err := s.DB.NewRaw(query, bun.List(ids)).Scan(ctx, &found); err != nil {
			return nil, err
		}
		for _, f := range found {
			put(at[f.OrgID], f)
		}
	}
	if err := s.setUps(ctx, ids, at); err != nil {
		return nil, err
	}
	var last []struct {
		OrgID access.OrgID `bun:"org_id"`
		At    time.Time    `bun:"seen_at"`
	}
	err := s.DB.NewRaw(`SELECT org_id, seen_at FROM session AS s WHERE org_id IN (?)
		AND NOT EXISTS (SELECT 1 FROM session AS t WHERE t.org_id = s.org_id AND t.seen_at > s.seen_at)`, bun.List(ids)).Scan(ctx, &last)
	for _, l := range last {
		at[l.OrgID].LastActive = &l.At
	}
	return all, err
}

func (s *Service) setUps(ctx context.Context, ids []access.OrgID, at map[access.OrgID]*Standing) error {
	var rows []SetUpState
	if err := s.DB.NewSelect().Model(&rows).Where("org_id IN (?)", bun.List(ids)).Order("created_at").Scan(ctx); err != nil {
		return err
	}
	for _, row := range rows {
		o := at[row.OrgID]
		until := row.LinkExpiresAt
		o.LinkUntil = &until
		switch {
		case row.FinishedAt != nil:
			o.SetUp = "finished"
		case o.Activated > 0:
			o.SetUp = "begun"
		case !store.Instant(s.Now()).Before(until):
			o.SetUp = "expired"
		default:
			o.SetUp = "pending"
		}
	}
	return nil
}
