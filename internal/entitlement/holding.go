package entitlement

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
)

// Where an employee has a right from.
const (
	FromOwn      = "own"
	FromGroup    = "group"
	FromBasic    = "basic"
	FromAttorney = "attorney"
)

// Holding is a right that somebody has, had or will have, and where from.
type Holding struct {
	Employee   access.EmployeeID // "" when it is a group's
	Right      Entry
	Source     string
	Group      GroupID
	GroupName  string
	Assignment AssignmentID // "" for the basic package and powers of attorney
	Scope      Scope
	Chosen     Constraints
	From       time.Time
	Until      *time.Time
	// URN and Behalf are set for a power of attorney: the scope with the other
	// organisation's CVR number, and its name.
	URN    string
	Behalf string
	// Live tells whether it counts now.
	Live bool
}

// named turns assignments into holdings.
func (s *Service) named(ctx context.Context, org access.OrgID, given []Assignment, groups map[GroupID]Group) ([]Holding, error) {
	ids := make([]ID, len(given))
	for i, a := range given {
		ids[i] = a.EntitlementID
	}
	found, err := rightsByID(ctx, s.DB, org, ids)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	all := make([]Holding, len(given))
	for i, a := range given {
		chosen, err := readConstraints(a.Constraints)
		if err != nil {
			return nil, err
		}
		all[i] = Holding{
			Employee: a.EmployeeID, Right: found[a.EntitlementID], Source: FromOwn, Assignment: a.ID, Scope: a.Scope,
			Chosen: chosen, From: a.FromAt, Until: a.UntilAt, Live: a.Live(now) && found[a.EntitlementID].Usable,
		}
		if a.GroupID != "" {
			all[i].Source, all[i].Group, all[i].GroupName = FromGroup, a.GroupID, groups[a.GroupID].Name
		}
	}
	return all, nil
}

// holdings returns what employees of one organisation have, by employee, with
// ended and future ones. Those of people who are not active are not live.
func (s *Service) holdings(ctx context.Context, db bun.IDB, by access.OrgID, people []org.Employee) (map[access.EmployeeID][]Holding, error) {
	if len(people) == 0 {
		return nil, nil
	}
	groups, in, err := groupsOf(ctx, db, by, people)
	if err != nil {
		return nil, err
	}
	ids := make([]access.EmployeeID, len(people))
	for i, e := range people {
		ids[i] = e.ID
	}
	var given []Assignment
	q := db.NewSelect().Model(&given).Where("org_id = ?", by)
	if len(groups) > 0 {
		keys := make([]GroupID, 0, len(groups))
		for id := range groups {
			keys = append(keys, id)
		}
		q.Where("(employee_id IN (?) OR group_id IN (?))", bun.List(ids), bun.List(keys))
	} else {
		q.Where("employee_id IN (?)", bun.List(ids))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, err
	}
	all, err := s.named(ctx, by, given, groups)
	if err != nil {
		return nil, err
	}
	basic, err := s.basics(ctx, db, by)
	if err != nil {
		return nil, err
	}
	found := share(people, all, basic, in)
	return found, s.delegated(ctx, db, by, ids, found)
}

// share deals holdings out to people: to each their own, their groups' and the
// basic package.
func share(people []org.Employee, all, basic []Holding, in map[access.EmployeeID][]GroupID) map[access.EmployeeID][]Holding {
	own, groups := map[access.EmployeeID][]Holding{}, map[GroupID][]Holding{}
	for _, h := range all {
		if h.Group != "" {
			groups[h.Group] = append(groups[h.Group], h)
		} else {
			own[h.Employee] = append(own[h.Employee], h)
		}
	}
	found := make(map[access.EmployeeID][]Holding, len(people))
	for _, e := range people {
		mine := own[e.ID]
		for _, g := range in[e.ID] {
			mine = append(mine, groups[g]...)
		}
		for _, b := range basic {
			if b.From.IsZero() || !e.CreatedAt.Before(b.From) {
				mine = append(mine, b)
			}
		}
		for i := range mine {
			mine[i].Employee = e.ID
			mine[i].Live = mine[i].Live && e.State == org.Active
		}
		found[e.ID] = sorted(mine)
	}
	return found
}

func sorted(all []Holding) []Holding {
	slices.SortFunc(all, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Right.ServiceName, b.Right.ServiceName), cmp.Compare(a.Right.URI, b.Right.URI),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Scope.Value, b.Scope.Value), cmp.Compare(a.Assignment, b.Assignment))
	})
	return all
}

// basics returns the basic package; From is zero for a right of everybody.
func (s *Service) basics(ctx context.Context, db bun.IDB, by access.OrgID) ([]Holding, error) {
	var rows []Basic
	if err := db.NewSelect().Model(&rows).Where("org_id = ?", by).Scan(ctx); err != nil {
		return nil, err
	}
	ids := make([]ID, len(rows))
	for i, b := range rows {
		ids[i] = b.EntitlementID
	}
	found, err := rightsByID(ctx, db, by, ids)
	if err != nil {
		return nil, err
	}
	all := make([]Holding, len(rows))
	for i, b := range rows {
		all[i] = Holding{Right: found[b.EntitlementID], Source: FromBasic, Scope: Scope{Kind: WholeOrganisation}, Live: found[b.EntitlementID].Usable}
		if b.Applies == ForNew {
			all[i].From = b.Since
		}
	}
	return all, nil
}

// groupsOf returns the groups that people are in, and who is in which.
func groupsOf(ctx context.Context, db bun.IDB, by access.OrgID, people []org.Employee) (map[GroupID]Group, map[access.EmployeeID][]GroupID, error) {
	ids := make([]access.EmployeeID, len(people))
	units := []string{}
	for i, e := range people {
		ids[i] = e.ID
		if e.PNumber != "" {
			units = append(units, e.PNumber)
		}
	}
	var joined []member
	if err := db.NewSelect().Model(&joined).Where("org_id = ?", by).Where("employee_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, nil, err
	}
	var all []Group
	q := db.NewSelect().Model(&all).Where("org_id = ?", by)
	q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q.Where("kind = ?", Everyone)
		if len(units) > 0 {
			q.WhereOr("kind = ? AND p_number IN (?)", AtUnit, bun.List(units))
		}
		if len(joined) > 0 {
			picked := make([]GroupID, len(joined))
			for i, m := range joined {
				picked[i] = m.GroupID
			}
			q.WhereOr("id IN (?)", bun.List(picked))
		}
		return q
	})
	if err := q.Scan(ctx); err != nil {
		return nil, nil, err
	}
	groups, in := make(map[GroupID]Group, len(all)), map[access.EmployeeID][]GroupID{}
	for _, g := range all {
		groups[g.ID] = g
		for _, e := range people {
			if g.Kind == Everyone || g.Kind == AtUnit && e.PNumber == g.PNumber {
				in[e.ID] = append(in[e.ID], g.ID)
			}
		}
	}
	for _, m := range joined {
		in[m.EmployeeID] = append(in[m.EmployeeID], m.GroupID)
	}
	return groups, in, nil
}

// delegated adds what powers of attorney give.
func (s *Service) delegated(ctx context.Context, db bun.IDB, by access.OrgID, ids []access.EmployeeID, found map[access.EmployeeID][]Holding) error {
	if s.Delegated == nil {
		return nil
	}
	all, err := s.Delegated(ctx, db, by, ids, s.Now())
	if err != nil || len(all) == 0 {
		return err
	}
	rightIDs := make([]ID, len(all))
	for i, d := range all {
		rightIDs[i] = d.Right
	}
	byID, err := rightsByID(ctx, db, by, rightIDs)
	if err != nil {
		return err
	}
	for _, d := range all {
		found[d.Employee] = append(found[d.Employee], Holding{
			Employee: d.Employee, Right: byID[d.Right], Source: FromAttorney, Until: d.Until, URN: d.Scope, Behalf: d.From, Live: true,
		})
	}
	return nil
}

// Of returns what an employee has, had or will have. People may see their own;
// others need a right. Errors: fault.Denied, fault.Absent.
func (s *Service) Of(ctx context.Context, by access.Actor, id access.EmployeeID) ([]Holding, error) {
	if by.Employee != id || id == "" {
		if err := by.Need(access.ReportRights); err != nil {
			return nil, err
		}
	}
	e, err := org.Get(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return nil, err
	}
	found, err := s.holdings(ctx, s.DB, by.OrgID, []org.Employee{e})
	return found[id], err
}
