package audit

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Filter narrows a search; empty fields ask for nothing.
type Filter struct {
	Actor, Verb, Object string // whole values
	Text                string // somewhere in the note or in what a setting was and became; ASCII case does not matter
	From, To            *time.Time
}

// Numbered is an entry with its number in the chain, 0 while it is not sealed.
type Numbered struct {
	Entry
	Number int64 `bun:"-"`
}

// PageSize is how many entries a page has.
const PageSize = 50

func (f Filter) apply(q *bun.SelectQuery, org access.OrgID) *bun.SelectQuery {
	q = q.Where("org_id = ?", org)
	for _, one := range []struct{ column, value string }{{"actor", f.Actor}, {"verb", f.Verb}, {"object", f.Object}} {
		if one.value != "" {
			q = q.Where("? = ?", bun.Ident(one.column), one.value)
		}
	}
	if f.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(f.Text)) + "%"
		q = q.Where(`(lower(note) LIKE ?0 ESCAPE '\' OR lower(before) LIKE ?0 ESCAPE '\' OR lower(after) LIKE ?0 ESCAPE '\'
			OR id IN (SELECT t.entry_id FROM audit_text AS t WHERE t.org_id = ?1 AND lower(t.text) LIKE ?0 ESCAPE '\'))`, like, org)
	}
	if f.From != nil {
		q = q.Where("at >= ?", store.Instant(*f.From))
	}
	if f.To != nil {
		q = q.Where("at < ?", store.Instant(*f.To))
	}
	return q
}

// Search returns a page of the actor's organisation's log, newest first, and the
// cursor of the next one, "" at the end. Errors: fault.Denied, fault.Invalid for a
// cursor that is none.
func (s *Service) Search(ctx context.Context, by access.Actor, f Filter, cursor string) ([]Numbered, string, error) {
	if err := by.Need(access.ViewAudit); err != nil {
		return nil, "", err
	}
	q := f.apply(s.DB.NewSelect().Model((*Entry)(nil)), by.OrgID)
	return s.page(ctx, q, by.OrgID, cursor, PageSize)
}

// Activity returns a page of what the actor did and what was done to it, newest
// first. It needs no right. Errors: fault.Denied for an actor that is no employee.
func (s *Service) Activity(ctx context.Context, by access.Actor, cursor string) ([]Numbered, string, error) {
	if by.Employee == "" {
		return nil, "", fault.New(fault.Denied, "audit.activity.employee", "Only employees have an activity of their own.")
	}
	self := "employee:" + string(by.Employee)
	q := s.DB.NewSelect().Model((*Entry)(nil)).Where("org_id = ?", by.OrgID).
		Where(`id IN (SELECT id FROM audit_entry WHERE org_id = ?0 AND actor = ?1
			UNION SELECT id FROM audit_entry WHERE org_id = ?0 AND object = ?1)`, by.OrgID, self)
	return s.page(ctx, q, by.OrgID, cursor, PageSize)
}

func (s *Service) page(ctx context.Context, q *bun.SelectQuery, org access.OrgID, cursor string, size int) ([]Numbered, string, error) {
	at, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	if at != nil {
		instantOf, err := time.Parse(instant, at[0])
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
		q = q.Where("(at, id) < (?, ?)", instantOf, at[1])
	}
	var entries []Entry
	if err := q.Order("at DESC", "id DESC").Limit(int64(size+1)).Scan(ctx, &entries); err != nil {
		return nil, "", err
	}
	next := ""
	if len(entries) > size {
		entries = entries[:size]
		last := entries[size-1]
		next = store.Cursor(last.At.UTC().Format(instant), last.ID)
	}
	numbered, err := s.number(ctx, org, entries)
	return numbered, next, err
}

// number looks up the numbers of entries in the chain.
func (s *Service) number(ctx context.Context, org access.OrgID, entries []Entry) ([]Numbered, error) {
	if err := Tell(ctx, s.DB, org, entries); err != nil {
		return nil, err
	}
	all := make([]Numbered, len(entries))
	lots := make([]string, 0, len(entries))
	for i, e := range entries {
		all[i].Entry = e
		if l := e.ID[:min(len(e.ID), lotLength)]; !slices.Contains(lots, l) {
			lots = append(lots, l)
		}
	}
	if len(lots) == 0 {
		return all, nil
	}
	var seals []seal
	err := s.DB.NewSelect().Model(&seals).Column("lot", "seq", "n").Where("org_id = ?", org).Where("lot IN (?)", bun.List(lots)).Scan(ctx)
	if err != nil {
		return nil, err
	}
	first := map[string]seal{}
	for _, one := range seals {
		first[one.Lot] = one
	}
	for i, e := range all {
		one, sealed := first[e.ID[:min(len(e.ID), lotLength)]]
		if sealed {
			all[i].Number = one.Seq + place(e.ID)
		}
	}
	return all, nil
}

// Export calls fn with every entry that the filter finds, newest first, without
// holding a transaction, so that the receiver may be slow; begin is called before
// the first. That it was taken, and in which form, is an entry of its own, which
// comes after what it exports. Errors: fault.Denied, and those of begin and fn.
func (s *Service) Export(ctx context.Context, by access.Actor, f Filter, form string, begin func() error, fn func(Numbered) error) error {
	if err := by.Need(access.ViewAudit); err != nil {
		return err
	}
	newest := store.NewID()
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return Record(ctx, tx, By(by, s.Now(), "audit.export", "organisation:"+string(by.OrgID), form))
	})
	if err == nil {
		err = begin()
	}
	if err != nil {
		return err
	}
	for cursor := ""; ; {
		q := f.apply(s.DB.NewSelect().Model((*Entry)(nil)), by.OrgID).Where("id < ?", newest)
		page, next, err := s.page(ctx, q, by.OrgID, cursor, 1000)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := fn(e); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}
