package entitlement

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// maxRights is how many rights a search may combine.
const maxRights = 20

// Search narrows the report of who has what. Employees must meet all of it.
type Search struct {
	Rights   []ID    // must have every one of these
	Service  string  // must have a right in this service
	Group    GroupID // must be a member
	PNumber  string  // works at the unit, or has a right limited to it
	SENumber string  // likewise
	Days     int     // must have a right that ends within so many days, 0 = no matter
}

// Holder is an employee with the rights that count now.
type Holder struct {
	Employee org.Employee
	Holdings []Holding
}

// Holders returns a page of active employees who have what is searched for, by
// name, with all their rights, and the cursor of the next page, "" at the end.
// Errors: fault.Denied, fault.Invalid.
func (s *Service) Holders(ctx context.Context, by access.Actor, f Search, cursor string) ([]Holder, string, error) {
	if err := by.Need(access.ReportRights); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	return s.page(ctx, by, f, after, pageSize)
}

func (s *Service) page(ctx context.Context, by access.Actor, f Search, after []string, size int) ([]Holder, string, error) {
	if len(f.Rights) > maxRights || f.Days < 0 || f.Days > 3660 {
		return nil, "", fault.New(fault.Invalid, "entitlement.holders.form", "Search for at most %d rights together, and for ends within ten years.", maxRights)
	}
	var people []org.Employee
	q := s.DB.NewSelect().Model(&people).Where("employee.org_id = ?", by.OrgID).Where("employee.state = ?", org.Active)
	if err := s.narrow(ctx, q, by.OrgID, f); err != nil {
		return nil, "", err
	}
	if after != nil {
		q.Where("(employee.sort_key, employee.id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("employee.sort_key", "employee.id").Limit(int64(size) + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(people) > size {
		people = people[:size]
		next = store.Cursor(people[size-1].SortKey, string(people[size-1].ID))
	}
	found, err := s.holdings(ctx, s.DB, by.OrgID, people)
	if err != nil {
		return nil, "", err
	}
	all := make([]Holder, len(people))
	for i, e := range people {
		all[i].Employee = e
		for _, h := range found[e.ID] {
			if h.Live {
				all[i].Holdings = append(all[i].Holdings, h)
			}
		}
	}
	return all, next, nil
}

// narrow adds the conditions of a search.
func (s *Service) narrow(ctx context.Context, q *bun.SelectQuery, by access.OrgID, f Search) error {
	for _, id := range f.Rights {
		if err := s.have(ctx, q, by, "a.entitlement_id = ?", id); err != nil {
			return err
		}
	}
	if f.Service != "" {
		if err := s.have(ctx, q, by, "a.entitlement_id IN (SELECT r.id FROM entitlement AS r WHERE r.service_id = ?)", f.Service); err != nil {
			return err
		}
	}
	if f.Days > 0 {
		until := store.Instant(s.Now().Add(time.Duration(f.Days) * 24 * time.Hour))
		if err := s.have(ctx, q, by, "a.until_at <= ?", until); err != nil {
			return err
		}
	}
	if f.Group != "" {
		g, err := groupOf(ctx, s.DB, by, f.Group)
		if err != nil {
			return err
		}
		q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery { return members(q, by, []Group{g}) })
	}
	unit := func(column, kind, number string) {
		if number != "" {
			q.Where("(? = ? OR EXISTS (SELECT 1 FROM entitlement_assignment AS a WHERE a.org_id = ? AND a.employee_id = employee.id AND a.scope_kind = ? AND a.scope_value = ?))",
				bun.Ident("employee."+column), number, by, kind, number)
		}
	}
	unit("p_number", ProductionUnit, f.PNumber)
	unit("se_number", SENumber, f.SENumber)
	if len(f.Rights) == 0 && f.Service == "" && f.Days == 0 && f.Group == "" && f.PNumber == "" && f.SENumber == "" {
		return s.have(ctx, q, by, "? = 1", 1)
	}
	return nil
}

// members adds the alternatives under which an employee is in one of groups.
func members(q *bun.SelectQuery, by access.OrgID, groups []Group) *bun.SelectQuery {
	q.WhereOr("1 = 0")
	for _, g := range groups {
		switch g.Kind {
		case Everyone:
			q.WhereOr("1 = 1")
		case AtUnit:
			q.WhereOr("employee.p_number = ?", g.PNumber)
		default:
			q.WhereOr("employee.id IN (SELECT m.employee_id FROM group_member AS m WHERE m.org_id = ? AND m.group_id = ?)", by, g.ID)
		}
	}
	return q
}

// have adds the condition that an employee has an assignment a of which a
// condition is true: an own one, a group's, or a right of the basic package, which
// never ends.
func (s *Service) have(ctx context.Context, q *bun.SelectQuery, by access.OrgID, condition string, value any) error {
	now := store.Instant(s.Now())
	const live = "a.from_at <= ? AND (a.until_at IS NULL OR a.until_at > ?)"
	var groups []Group
	err := s.DB.NewSelect().Model(&groups).ModelTableExpr("user_group AS g").ColumnExpr("g.*").Where("g.org_id = ?", by).
		Where("EXISTS (SELECT 1 FROM entitlement_assignment AS a WHERE a.org_id = ? AND a.group_id = g.id AND "+live+" AND "+condition+")", by, now, now, value).
		Scan(ctx)
	if err != nil {
		return err
	}
	var basic []Basic
	if !strings.Contains(condition, "until_at") {
		if err := s.DB.NewSelect().Model(&basic).ModelTableExpr("entitlement_basic AS a").ColumnExpr("a.*").Where("a.org_id = ?", by).
			Where(condition, value).Scan(ctx); err != nil {
			return err
		}
	}
	delegates, err := s.delegates(ctx, by, condition, value)
	if err != nil {
		return err
	}
	q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q.Where("EXISTS (SELECT 1 FROM entitlement_assignment AS a WHERE a.org_id = ? AND a.employee_id = employee.id AND "+live+" AND "+condition+")", by, now, now, value)
		for _, b := range basic {
			if b.Applies == ForNew {
				q.WhereOr("employee.created_at >= ?", b.Since)
			} else {
				q.WhereOr("1 = 1")
			}
		}
		if len(delegates) > 0 {
			q.WhereOr("employee.id IN (?)", bun.List(delegates))
		}
		if len(groups) > 0 {
			members(q, by, groups)
		}
		return q
	})
	return nil
}

// delegates are employees who have a right that meets a condition through a power
// of attorney.
func (s *Service) delegates(ctx context.Context, by access.OrgID, condition string, value any) ([]access.EmployeeID, error) {
	if s.Delegates == nil {
		return nil, nil
	}
	all, err := s.Delegates(ctx, s.DB, by, s.Now())
	if err != nil || len(all) == 0 {
		return nil, err
	}
	ids := make([]ID, len(all))
	for i, d := range all {
		ids[i] = d.Right
	}
	met := map[ID]bool{}
	if until, ok := value.(time.Time); !ok {
		var found []ID
		err := s.DB.NewSelect().TableExpr("(SELECT id AS entitlement_id FROM entitlement WHERE id IN (?)) AS a", bun.List(ids)).
			ColumnExpr("a.entitlement_id").Where(condition, value).Scan(ctx, &found)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			met[id] = true
		}
	} else {
		for _, d := range all {
			met[d.Right] = met[d.Right] || d.Until != nil && !d.Until.After(until)
		}
	}
	var people []access.EmployeeID
	for _, d := range all {
		if met[d.Right] {
			people = append(people, d.Employee)
		}
	}
	return people, nil
}

// Export writes the report as CSV for spreadsheets, one line a right, as it reads
// it. lang is da or en. Errors: fault.Denied, fault.Invalid, and w's.
func (s *Service) Export(ctx context.Context, by access.Actor, f Search, lang string, w io.Writer) error {
	if err := by.Need(access.ReportRights); err != nil {
		return err
	}
	page, next, err := s.page(ctx, by, f, nil, 500)
	if err != nil {
		return err
	}
	out, err := sheet.NewCSV(w, headings[lang == "en"]...)
	if err != nil {
		return err
	}
	for {
		for _, h := range page {
			for _, one := range h.Holdings {
				if err := out.Write(lineOf(h.Employee, one, lang)...); err != nil {
					return err
				}
			}
		}
		if err := out.Close(); err != nil || next == "" {
			return err
		}
		after, err := store.ParseCursor(next, 2)
		if err != nil {
			return err
		}
		if page, next, err = s.page(ctx, by, f, after, 500); err != nil {
			return err
		}
	}
}

var headings = map[bool][]string{
	false: {"Navn", "E-mail", "UUID", "RID", "P-nummer", "SE-nummer", "Tjeneste", "Rettighed", "URI", "Gælder for", "Afgrænsning", "Kilde", "Gruppe eller fuldmagtsgiver", "Fra", "Til"},
	true:  {"Name", "E-mail", "UUID", "RID", "P-number", "SE number", "Service", "Right", "URI", "Scope", "Constraints", "Source", "Group or giver", "From", "Until"},
}

func lineOf(e org.Employee, h Holding, lang string) []string {
	var chosen []string
	for _, c := range h.Chosen {
		chosen = append(chosen, c.Name+"="+strings.Join(c.Values, ","))
	}
	scope := h.URN
	if scope == "" {
		scope = strings.TrimSpace(h.Scope.Kind + " " + h.Scope.Value)
	}
	from, until := "", ""
	if !h.From.IsZero() {
		from = h.From.UTC().Format(time.RFC3339)
	}
	if h.Until != nil {
		until = h.Until.UTC().Format(time.RFC3339)
	}
	return []string{
		e.Name(), e.Email, string(e.ID), e.RIDText(), e.PNumber, e.SENumber, h.Right.ServiceName, nameOf(h.Right.Right, lang),
		h.Right.URI, scope, strings.Join(chosen, " "), h.Source, h.GroupName + h.Behalf, from, until,
	}
}
