package entitlement

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Kinds of a group. The members of the default groups follow from a rule, those
// of a customised one are picked.
const (
	Everyone   = "all"
	AtUnit     = "p_number"
	Customised = "custom"
)

// Group is a group of employees that can have rights.
type Group struct {
	bun.BaseModel `bun:"table:user_group"`

	ID        GroupID      `bun:"id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	Name      string       `bun:"name"`
	NameKey   string       `bun:"name_key"`
	Text      string       `bun:"text"`
	Kind      string       `bun:"kind"`
	PNumber   string       `bun:"p_number"`   // of AtUnit
	ServiceID string       `bun:"service_id"` // the one service whose rights it can have, "" = any
	CreatedAt time.Time    `bun:"created_at"`
}

// member puts an employee into a customised group.
type member struct {
	bun.BaseModel `bun:"table:group_member"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	GroupID    GroupID           `bun:"group_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id,pk"`
	CreatedAt  time.Time         `bun:"created_at"`
}

// Listed is a group in a list.
type Listed struct {
	Group `bun:",extend"`

	Members     int64  `bun:"members"`
	Rights      int64  `bun:"rights"`
	ServiceName string `bun:"service_name"` // "" without a limitation
}

// groupOf returns one group. Errors: fault.Absent.
func groupOf(ctx context.Context, db bun.IDB, by access.OrgID, id GroupID) (g Group, err error) {
	err = db.NewSelect().Model(&g).Where("org_id = ?", by).Where("id = ?", id).Scan(ctx)
	return g, store.Found(err, "entitlement.group")
}

// seeGroups lets those through who work with groups.
func seeGroups(by access.Actor) error {
	if by.May(access.ManageGroups) || by.May(access.FillGroups) {
		return none(by)
	}
	return by.Need(access.FillGroups)
}

// listed selects groups with their counts.
func listed(db bun.IDB, into any, by access.OrgID) *bun.SelectQuery {
	return db.NewSelect().Model(into).ModelTableExpr("user_group AS g").ColumnExpr("g.*").
		ColumnExpr("CASE g.kind WHEN ? THEN (SELECT count(*) FROM group_member AS m WHERE m.org_id = g.org_id AND m.group_id = g.id) "+
			"WHEN ? THEN (SELECT count(*) FROM employee AS e WHERE e.org_id = g.org_id AND e.state = ? AND e.p_number = g.p_number) "+
			"ELSE (SELECT count(*) FROM employee AS e WHERE e.org_id = g.org_id AND e.state = ?) END AS members",
			Customised, AtUnit, org.Active, org.Active).
		ColumnExpr("(SELECT count(*) FROM entitlement_assignment AS a WHERE a.org_id = g.org_id AND a.group_id = g.id) AS rights").
		ColumnExpr("coalesce((SELECT t.name FROM entitlement_service AS t WHERE t.service_id = g.service_id), '') AS service_name").
		Where("g.org_id = ?", by)
}

// Groups returns a page of groups by name, and the cursor of the next, "" at the
// end. Errors: fault.Denied, fault.Invalid.
func (s *Service) Groups(ctx context.Context, by access.Actor, cursor string) ([]Listed, string, error) {
	if err := seeGroups(by); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var page []Listed
	q := listed(s.DB, &page, by.OrgID)
	if after != nil {
		q.Where("g.name_key > ?", after[0])
	}
	if err := q.Order("g.name_key").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		next = store.Cursor(page[pageSize-1].NameKey)
	}
	return page, next, nil
}

// Group returns one group with its rights. Errors: fault.Denied, fault.Absent.
func (s *Service) Group(ctx context.Context, by access.Actor, id GroupID) (Listed, []Holding, error) {
	if err := seeGroups(by); err != nil {
		return Listed{}, nil, err
	}
	var found []Listed
	if err := listed(s.DB, &found, by.OrgID).Where("g.id = ?", id).Scan(ctx); err != nil {
		return Listed{}, nil, err
	}
	if len(found) == 0 {
		return Listed{}, nil, fault.New(fault.Absent, "entitlement.group.absent", "There is no such group in this organisation.")
	}
	rights, err := s.ofGroup(ctx, found[0].Group)
	return found[0], rights, err
}

// ofGroup returns the rights of a group, ended ones too.
func (s *Service) ofGroup(ctx context.Context, g Group) ([]Holding, error) {
	var given []Assignment
	err := s.DB.NewSelect().Model(&given).Where("org_id = ?", g.OrgID).Where("group_id = ?", g.ID).Order("entitlement_id", "id").Scan(ctx)
	if err != nil {
		return nil, err
	}
	return s.named(ctx, g.OrgID, given, map[GroupID]Group{g.ID: g})
}

func (g *Group) check() error {
	g.Name, g.Text = strings.TrimSpace(g.Name), strings.TrimSpace(g.Text)
	g.NameKey = strings.ToLower(g.Name)
	if !printable(g.Name, 100) || len(g.Text) > 2000 {
		return fault.New(fault.Invalid, "entitlement.group.name", "A group needs a name of 1 to 100 characters, and a description of at most 2,000.").On("name")
	}
	switch g.Kind {
	case Everyone, Customised:
		g.PNumber = ""
	case AtUnit:
		if len(g.PNumber) != 10 || strings.Trim(g.PNumber, "0123456789") != "" {
			return fault.New(fault.Invalid, "entitlement.group.p_number", "A P-number has 10 digits; %q does not.", g.PNumber).On("p_number")
		}
	default:
		return fault.New(fault.Invalid, "entitlement.group.kind", "A group holds all employees (all), those of a production unit (p_number), or those who are picked (custom).").On("kind")
	}
	return nil
}

// CreateGroup makes a group: Name, Text, Kind, PNumber and ServiceID of g.
// Errors: fault.Denied, fault.Invalid, fault.Conflict for a name that is taken.
func (s *Service) CreateGroup(ctx context.Context, by access.Actor, g Group) (Group, error) {
	if err := by.Need(access.ManageGroups); err != nil {
		return g, err
	}
	if err := g.check(); err != nil {
		return g, err
	}
	g.ID, g.OrgID, g.CreatedAt = GroupID(store.NewID()), by.OrgID, store.Instant(s.Now())
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if g.ServiceID != "" {
			if ok, err := Usable(ctx, tx, by.OrgID, g.ServiceID); err != nil || !ok {
				return absentService(err)
			}
		}
		n, err := store.Insert(ctx, tx, []Group{g}, "ON CONFLICT (org_id, name_key) DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return taken(g.Name)
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "group.create", "group:"+string(g.ID), g.Kind))
	})
	return g, err
}

func absentService(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Absent, "entitlement.service.absent", "There is no such service that your organisation can use.")
}

func taken(name string) error {
	return fault.New(fault.Conflict, "entitlement.group.taken", "There is a group named %q already. Choose another name.", name).On("name")
}

// RenameGroup changes name and description. Errors: as CreateGroup, and
// fault.Absent.
func (s *Service) RenameGroup(ctx context.Context, by access.Actor, id GroupID, name, text string) error {
	if err := by.Need(access.ManageGroups); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		g, err := groupOf(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		g.Name, g.Text = name, text
		if err := g.check(); err != nil {
			return err
		}
		other, err := tx.NewSelect().Model((*Group)(nil)).Where("org_id = ?", by.OrgID).Where("name_key = ?", g.NameKey).Where("id <> ?", id).Exists(ctx)
		if err != nil {
			return err
		}
		if other {
			return taken(g.Name)
		}
		if _, err := tx.NewUpdate().Model(&g).Column("name", "name_key", "text").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "group.rename", "group:"+string(id), ""))
	})
}

// DeleteGroup takes a group out, and with it the rights that its members had
// through it. Errors: fault.Denied, fault.Absent.
func (s *Service) DeleteGroup(ctx context.Context, by access.Actor, id GroupID) error {
	if err := by.Need(access.ManageGroups); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := groupOf(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		for _, part := range []any{(*Assignment)(nil), (*member)(nil)} {
			if _, err := tx.NewDelete().Model(part).Where("org_id = ?", by.OrgID).Where("group_id = ?", id).Exec(ctx); err != nil {
				return err
			}
		}
		if _, err := tx.NewDelete().Model((*Group)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "group.delete", "group:"+string(id), ""))
	})
}

// InAny tells whether an employee is in one of some groups of the organisation.
func InAny(ctx context.Context, db bun.IDB, e org.Employee, groups []GroupID) (bool, error) {
	_, in, err := groupsOf(ctx, db, e.OrgID, []org.Employee{e})
	return slices.ContainsFunc(in[e.ID], func(id GroupID) bool { return slices.Contains(groups, id) }), err
}

// NeedGroups demands that an organisation has all of some groups. Errors:
// fault.Absent.
func NeedGroups(ctx context.Context, db bun.IDB, by access.OrgID, groups []GroupID) error {
	for _, id := range groups {
		if _, err := groupOf(ctx, db, by, id); err != nil {
			return err
		}
	}
	return nil
}
