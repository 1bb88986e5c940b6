package entitlement

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Entry is a line of the catalogue.
type Entry struct {
	Right `bun:",extend"`

	ServiceName string `bun:"service_name"`
	OwnerName   string `bun:"owner_name"` // of the organisation that publishes it
	Open        bool   `bun:"service_open"`
	Usable      bool   `bun:"usable"` // by the organisation that looks
}

// none says that an actor belongs to no organisation.
func none(by access.Actor) error {
	if by.OrgID == "" {
		return fault.New(fault.Denied, "access.right.missing", "You may not do this: it needs an organisation to act in.")
	}
	return nil
}

// rights selects rights as an organisation sees them, also those of services
// that it can no longer use.
func rights(db bun.IDB, into any, org access.OrgID) *bun.SelectQuery {
	return db.NewSelect().Model(into).ModelTableExpr("entitlement AS r").ColumnExpr("r.*").
		ColumnExpr("t.name AS service_name, t.owner_name, t.open AS service_open").
		ColumnExpr("((t.owner_id = ? OR t.open) AND t.removed_at IS NULL) AS usable", org).
		Join("JOIN entitlement_service AS t ON t.service_id = r.service_id")
}

// entries selects the rights that an organisation can use: of its own services
// and of open ones.
func entries(db bun.IDB, into any, org access.OrgID) *bun.SelectQuery {
	return rights(db, into, org).Where("(t.owner_id = ? OR t.open)", org)
}

// rightsByID returns rights by their IDs.
func rightsByID(ctx context.Context, db bun.IDB, org access.OrgID, ids []ID) (map[ID]Entry, error) {
	found := make(map[ID]Entry, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var all []Entry
	if err := rights(db, &all, org).Where("r.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	err := read(all)
	for _, e := range all {
		found[e.ID] = e
	}
	return found, err
}

// ByID returns rights by their IDs as an organisation sees them, for packages
// above; one that there is not is left out.
func ByID(ctx context.Context, db bun.IDB, org access.OrgID, ids ...ID) (map[ID]Entry, error) {
	return rightsByID(ctx, db, org, ids)
}

// Catalogue returns a page of the rights that employees of the organisation can
// be given, by service and URI, and the cursor of the next, "" at the end. Every
// employee may read it. service is one service's ID, "" for all; q is part of a
// name or URI. Errors: fault.Denied, fault.Invalid.
func (s *Service) Catalogue(ctx context.Context, by access.Actor, service, q, cursor string) ([]Entry, string, error) {
	if err := none(by); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 3)
	if err != nil {
		return nil, "", err
	}
	if utf8.RuneCountInString(q) > 200 {
		return nil, "", fault.New(fault.Invalid, "entitlement.search.form", "Search for at most 200 letters and digits.").On("q")
	}
	var page []Entry
	query := entries(s.DB, &page, by.OrgID).Where("r.retired_at IS NULL")
	if service != "" {
		query.Where("r.service_id = ?", service)
	}
	for _, word := range strings.Fields(strings.ToLower(q)) {
		query.Where(`r.search_key LIKE ? ESCAPE '\'`, "%"+escapeLike(word)+"%")
	}
	if after != nil {
		query.Where("(t.name, r.service_id, r.uri) > (?, ?, ?)", after[0], after[1], after[2])
	}
	if err := query.Order("t.name", "r.service_id", "r.uri").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		last := page[pageSize-1]
		next = store.Cursor(last.ServiceName, last.ServiceID, last.URI)
	}
	return page, next, read(page)
}

func read(page []Entry) (err error) {
	for i := range page {
		if page[i].Allowed, err = readConstraints(page[i].Constraints); err != nil {
			return err
		}
	}
	return nil
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// Targets lists the services whose rights the organisation can use, by name, at
// most 500. Every employee may read it.
func (s *Service) Targets(ctx context.Context, by access.Actor) ([]Target, error) {
	if err := none(by); err != nil {
		return nil, err
	}
	var all []Target
	err := s.DB.NewSelect().Model(&all).Where("(owner_id = ? OR open)", by.OrgID).Where("removed_at IS NULL").
		Order("name", "service_id").Limit(500).Scan(ctx)
	return all, err
}

// Published is a right as its publisher sees it.
type Published struct {
	Entry

	Given int64 `bun:"given"` // assignments in all organisations, and basic packages
}

// Published returns a service of the caller's organisation with everything it
// offers or has offered, at most 1,000 rights. Errors: fault.Denied, fault.Absent.
func (s *Service) Published(ctx context.Context, by access.Actor, service string) (Target, []Published, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Target{}, nil, err
	}
	t, err := s.own(ctx, s.DB, by, service)
	if err != nil {
		return t, nil, err
	}
	var all []Published
	err = entries(s.DB, &all, by.OrgID).Where("r.service_id = ?", service).
		ColumnExpr("(SELECT count(*) FROM entitlement_assignment AS a WHERE a.entitlement_id = r.id) + " +
										"(SELECT count(*) FROM entitlement_basic AS b WHERE b.entitlement_id = r.id) AS given").
		Order("r.uri").Limit(1000).Scan(store.AcrossTenants(ctx)) // others' assignments are counted, and only that
	for i := range all {
		if err == nil {
			all[i].Allowed, err = readConstraints(all[i].Constraints)
		}
	}
	return t, all, err
}

// Get returns a right that the organisation can use, retired ones too. Errors:
// fault.Absent.
func Get(ctx context.Context, db bun.IDB, org access.OrgID, id ID) (Entry, error) {
	return one(ctx, entries(db, new(Entry), org).Where("r.id = ?", id))
}

// ByURI is Get by the URI, which several services may offer: the first of them by
// service. Errors: fault.Absent.
func ByURI(ctx context.Context, db bun.IDB, org access.OrgID, uri string) (Entry, error) {
	return one(ctx, entries(db, new(Entry), org).Where("r.uri = ?", uri).Where("r.retired_at IS NULL").Order("r.service_id").Limit(1))
}

func one(ctx context.Context, q *bun.SelectQuery) (Entry, error) {
	var found []Entry
	if err := q.Limit(1).Scan(ctx, &found); err != nil {
		return Entry{}, err
	}
	if len(found) == 0 {
		return Entry{}, fault.New(fault.Absent, "entitlement.right.absent", "There is no such right that your organisation can use.")
	}
	return found[0], read(found)
}
