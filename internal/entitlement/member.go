package entitlement

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// maxChange is how many employees one change of a group may name.
const maxChange = 1000

// Members returns a page of a group's members by name, and the cursor of the
// next, "" at the end. Errors: fault.Denied, fault.Absent, fault.Invalid.
func (s *Service) Members(ctx context.Context, by access.Actor, id GroupID, cursor string) ([]org.Employee, string, error) {
	if err := seeGroups(by); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	g, err := groupOf(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return nil, "", err
	}
	var page []org.Employee
	q := s.DB.NewSelect().Model(&page).Where("employee.org_id = ?", by.OrgID)
	switch g.Kind {
	case Everyone:
		q.Where("employee.state = ?", org.Active)
	case AtUnit:
		q.Where("employee.state = ?", org.Active).Where("employee.p_number = ?", g.PNumber)
	default:
		q.Where("employee.id IN (SELECT m.employee_id FROM group_member AS m WHERE m.org_id = ? AND m.group_id = ?)", by.OrgID, id)
	}
	if after != nil {
		q.Where("(employee.sort_key, employee.id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("employee.sort_key", "employee.id").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		next = store.Cursor(page[pageSize-1].SortKey, string(page[pageSize-1].ID))
	}
	return page, next, nil
}

// Fill puts employees into a customised group and takes others out, at most
// 1,000 together; who is in already, or is not, stays so. Errors: fault.Denied,
// fault.Absent, fault.Invalid, fault.Conflict for a default group.
func (s *Service) Fill(ctx context.Context, by access.Actor, id GroupID, in, out []access.EmployeeID) error {
	if err := by.Need(access.FillGroups); err != nil {
		return err
	}
	if len(in)+len(out) > maxChange {
		return fault.New(fault.Invalid, "entitlement.members.many", "At most %d employees can be put in or taken out at a time.", maxChange)
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		g, err := groupOf(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if g.Kind != Customised {
			return fault.New(fault.Conflict, "entitlement.group.default", "The members of this group follow from its rule. Only the members of a customised group are picked.")
		}
		if err := s.putIn(ctx, tx, by, g, in); err != nil {
			return err
		}
		for _, e := range out {
			if err := s.takeOut(ctx, tx, by, g.ID, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) putIn(ctx context.Context, tx bun.Tx, by access.Actor, g Group, in []access.EmployeeID) error {
	in = slices.Clone(in)
	slices.Sort(in)
	in = slices.Compact(in)
	if len(in) == 0 {
		return nil
	}
	there, err := tx.NewSelect().Model((*org.Employee)(nil)).Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(in)).Count(ctx)
	if err != nil {
		return err
	}
	if int(there) != len(in) {
		return fault.New(fault.Absent, "org.employee.absent", "There is no such thing in this organisation.")
	}
	now := store.Instant(s.Now())
	for _, e := range in {
		n, err := store.Insert(ctx, tx, []member{{OrgID: by.OrgID, GroupID: g.ID, EmployeeID: e, CreatedAt: now}}, "ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := audit.Record(ctx, tx, audit.By(by, now, "group.join", "employee:"+string(e), "group "+string(g.ID))); err != nil {
			return err
		}
	}
	return nil
}

// takeOut takes one employee out of a group, in the caller's transaction.
func (s *Service) takeOut(ctx context.Context, tx bun.Tx, by access.Actor, g GroupID, e access.EmployeeID) error {
	n, err := store.Count(tx.NewDelete().Model((*member)(nil)).Where("org_id = ?", by.OrgID).Where("group_id = ?", g).
		Where("employee_id = ?", e).Exec(ctx))
	if err != nil || n == 0 {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "group.leave", "employee:"+string(e), "group "+string(g)))
}
