package entitlement

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Subject is something that an access review asks about: a right that was given,
// or a membership of a customised group (then Assignment is "").
type Subject struct {
	Holding

	Person org.Employee // zero for a group's right
}

// ServiceSubjects returns the rights given in a service, own ones and those of
// groups, and its name. Errors: fault.Absent.
func (s *Service) ServiceSubjects(ctx context.Context, by access.OrgID, service string) (string, []Subject, error) {
	var t Target
	err := s.DB.NewSelect().Model(&t).Where("service_id = ?", service).Where("(owner_id = ? OR open)", by).Where("removed_at IS NULL").Scan(ctx)
	if err != nil {
		return "", nil, store.Found(err, "entitlement.service")
	}
	all, err := s.subjects(ctx, by, "entitlement_id IN (SELECT r.id FROM entitlement AS r WHERE r.service_id = ?)", service)
	return t.Name, all, err
}

// GroupSubjects returns the rights of a group and, of a customised one, its
// memberships, and its name. Errors: fault.Absent.
func (s *Service) GroupSubjects(ctx context.Context, by access.OrgID, id GroupID) (string, []Subject, error) {
	g, err := groupOf(ctx, s.DB, by, id)
	if err != nil {
		return "", nil, err
	}
	all, err := s.subjects(ctx, by, "group_id = ?", id)
	if err != nil || g.Kind != Customised {
		return g.Name, all, err
	}
	var people []org.Employee
	err = s.DB.NewSelect().Model(&people).Where("employee.org_id = ?", by).Where("employee.state <> ?", org.Deleted).
		Where("employee.id IN (SELECT m.employee_id FROM group_member AS m WHERE m.org_id = ? AND m.group_id = ?)", by, id).
		Order("employee.sort_key", "employee.id").Scan(ctx)
	for _, e := range people {
		all = append(all, Subject{Holding: Holding{Employee: e.ID, Group: g.ID, GroupName: g.Name}, Person: e})
	}
	return g.Name, all, err
}

func (s *Service) subjects(ctx context.Context, by access.OrgID, condition string, value any) ([]Subject, error) {
	var given []Assignment
	err := s.DB.NewSelect().Model(&given).Where("org_id = ?", by).Where(condition, value).
		Where("(until_at IS NULL OR until_at > ?)", store.Instant(s.Now())).Order("id").Scan(ctx)
	if err != nil || len(given) == 0 {
		return nil, err
	}
	var groups []Group
	if err := s.DB.NewSelect().Model(&groups).Where("org_id = ?", by).Scan(ctx); err != nil {
		return nil, err
	}
	named := make(map[GroupID]Group, len(groups))
	for _, g := range groups {
		named[g.ID] = g
	}
	held, err := s.named(ctx, by, given, named)
	if err != nil {
		return nil, err
	}
	people, err := s.people(ctx, by, given)
	all := make([]Subject, 0, len(held))
	for _, h := range held {
		if e := people[h.Employee]; e.State != org.Deleted { // nobody answers about people who are gone
			all = append(all, Subject{Holding: h, Person: e})
		}
	}
	return all, err
}

// people returns the employees who have assignments, a thousand at a time.
func (s *Service) people(ctx context.Context, by access.OrgID, given []Assignment) (map[access.EmployeeID]org.Employee, error) {
	found := map[access.EmployeeID]org.Employee{}
	const step = 1000
	for len(given) > 0 {
		n := min(step, len(given))
		ids := make([]access.EmployeeID, n)
		for i, a := range given[:n] {
			ids[i] = a.EmployeeID
		}
		var some []org.Employee
		if err := s.DB.NewSelect().Model(&some).Where("org_id = ?", by).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, e := range some {
			found[e.ID] = e
		}
		given = given[n:]
	}
	return found, nil
}

// TakeReviewed takes away what a review found not to be needed, whatever rights
// the reviewer has besides; note names the review. It is false when it was gone
// already.
func (s *Service) TakeReviewed(ctx context.Context, tx bun.Tx, by access.Actor, id AssignmentID, group GroupID, employee access.EmployeeID, note string) (bool, error) {
	if id == "" {
		n, err := store.Count(tx.NewDelete().Model((*member)(nil)).Where("org_id = ?", by.OrgID).Where("group_id = ?", group).
			Where("employee_id = ?", employee).Exec(ctx))
		if err != nil || n == 0 {
			return false, err
		}
		return true, audit.Record(ctx, tx, audit.By(by, s.Now(), "group.leave", "employee:"+string(employee), "group "+string(group)+" "+note))
	}
	var a Assignment
	err := tx.NewSelect().Model(&a).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx)
	if err = store.Found(err, "entitlement.assignment"); err != nil {
		if fault.KindOf(err) == fault.Absent {
			return false, nil
		}
		return false, err
	}
	var r Right
	if err := tx.NewSelect().Model(&r).Where("id = ?", a.EntitlementID).Scan(ctx); err != nil {
		return false, err
	}
	return true, s.remove(ctx, tx, by, a, r)
}
