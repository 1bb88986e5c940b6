package org

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// place is where an employee stands in the list, and what searches are held
// against.
type place struct {
	SortKey   string `bun:"sort_key"`
	ID        string `bun:"id"`
	SearchKey string `bun:"search_key"`
}

// order sorts by the columns of a place, from the cursor on.
func (s search) order(q *bun.SelectQuery, sortKey, id string) *bun.SelectQuery {
	direction, beyond := "ASC", ">"
	if s.down {
		direction, beyond = "DESC", "<"
	}
	if s.byID {
		if s.after != nil {
			q.Where("? "+beyond+" ?", bun.Ident(id), s.after[1])
		}
		return q.OrderExpr("? "+direction, bun.Ident(id))
	}
	if s.after != nil {
		q.Where("(?, ?) "+beyond+" (?, ?)", bun.Ident(sortKey), bun.Ident(id), s.after[0], s.after[1])
	}
	return q.OrderExpr("? "+direction+", ? "+direction, bun.Ident(sortKey), bun.Ident(id))
}

// rows are the places in a source, with every condition that it does not settle.
func (s search) rows(db bun.IDB, from source) *bun.SelectQuery {
	var all *bun.SelectQuery
	settled := 0
	for _, one := range from {
		part := one.where(db.NewSelect().Model((*word)(nil)).Column("sort_key", "employee_id"), s.org)
		if one.id != "" {
			part = db.NewSelect().TableExpr("employee").ColumnExpr("sort_key, id AS employee_id").
				Where("org_id = ?", s.org).Where("id >= ?", one.from).Where("id < ?", one.to).Where("state <> 'deleted'")
		}
		settled = one.settles
		if all == nil {
			all = part
		} else {
			all = all.UnionAll(part)
		}
	}
	q := db.NewSelect().Distinct().ColumnExpr("w.sort_key, w.employee_id").TableExpr("(?) AS w", all)
	s.marked(q, "w.sort_key", "w.employee_id", from)
	if len(s.terms) > settled {
		sub := db.NewSelect().TableExpr("employee AS e").ColumnExpr("1").Where("e.org_id = ?", s.org).Where("e.id = w.employee_id")
		q.Where("EXISTS (?)", s.named(sub, "e"))
	}
	return q
}

// administrators are the places of those who have a role of administrator.
func (s search) administrators(db bun.IDB) *bun.SelectQuery {
	q := db.NewSelect().Distinct().ColumnExpr("e.sort_key AS sort_key, e.id AS employee_id").TableExpr("role_assignment AS r").
		Join("JOIN employee AS e ON e.org_id = r.org_id AND e.id = r.employee_id").
		Where("r.org_id = ?", s.org).Where("r.role <> ?", access.TrustedEmployee)
	if s.deleted {
		q.Where("e.state = 'deleted'")
	} else {
		q.Where("e.state <> 'deleted'")
	}
	return s.named(s.marked(q, "e.sort_key", "e.id", nil), "e")
}

// marked demands the marks but for the one that is the source.
func (s search) marked(q *bun.SelectQuery, sortKey, id string, from source) *bun.SelectQuery {
	const probe = "EXISTS (SELECT 1 FROM employee_word AS m WHERE m.org_id = ? AND m.word IN (?) AND m.sort_key = ? AND m.employee_id = ?)"
	for _, m := range s.marks {
		if !from.exact() || from[0].from != m {
			q.Where(probe, s.org, bun.List([]string{m}), bun.Ident(sortKey), bun.Ident(id))
		}
	}
	for _, group := range s.lacks {
		q.Where("NOT "+probe, s.org, bun.List(group), bun.Ident(sortKey), bun.Ident(id))
	}
	return q
}

// named demands the terms of the employee under an alias.
func (s search) named(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	for _, t := range s.terms {
		text := escapeLike(t.text) + "%"
		switch {
		case t.uuid:
			q.Where(`? LIKE ? ESCAPE '\'`, bun.Ident(alias+".id"), text)
		case t.name && len(s.terms) > 1:
			q.Where(`? LIKE ? ESCAPE '\'`, bun.Ident(alias+".search_key"), "% "+text)
		default:
			q.Where(`(? LIKE ? ESCAPE '\' OR ? LIKE ? ESCAPE '\')`, bun.Ident(alias+".search_key"), "% "+text, bun.Ident(alias+".search_key"), "%\t"+text)
		}
	}
	return q
}

// page reads the employees of the first places of rows.
func (s search) page(ctx context.Context, db bun.IDB, rows *bun.SelectQuery) ([]Employee, string, error) {
	top := s.order(db.NewSelect().TableExpr("(?) AS p", rows).ColumnExpr("p.sort_key, p.employee_id"), "p.sort_key", "p.employee_id").Limit(pageSize + 1)
	var found []Employee
	q := db.NewSelect().Model(&found).Join("JOIN (?) AS t ON t.employee_id = employee.id", top).Where("employee.org_id = ?", s.org)
	bare := s
	bare.after = nil
	if err := bare.order(q, "employee.sort_key", "employee.id").Scan(ctx); err != nil {
		return nil, "", err
	}
	if len(found) <= pageSize {
		return found, "", nil
	}
	return found[:pageSize], cursorOf(found[pageSize-1]), nil
}

func cursorOf(e Employee) string { return store.Cursor(e.SortKey, string(e.ID)) }

// merge reads a word, or a common beginning word by word, each of which the index
// holds in the order of the list. done is false when that is not possible.
func (s search) merge(ctx context.Context, db bun.IDB, from source) (page []Employee, next string, done bool, err error) {
	if s.byID || len(from) != 1 || from[0].settles < len(s.terms) || len(s.marks)+len(s.lacks) > 0 {
		return nil, "", false, nil
	}
	texts := []string{from[0].from}
	if !from.exact() {
		if texts, err = s.wordsUnder(ctx, db, from[0]); err != nil || len(texts) > fewWords {
			return nil, "", false, err
		}
	}
	var parts []string
	var args []any
	for _, text := range texts {
		if !from[0].admits(text) {
			continue
		}
		one := s.order(db.NewSelect().Model((*word)(nil)).Column("sort_key", "employee_id").Where("org_id = ?", s.org).Where("word = ?", text), "sort_key", "employee_id")
		parts = append(parts, "SELECT * FROM (?) AS m")
		args = append(args, one.Limit(pageSize+1))
	}
	if len(parts) == 0 {
		return nil, "", true, nil
	}
	rows := db.NewSelect().Distinct().ColumnExpr("u.sort_key, u.employee_id").TableExpr("("+strings.Join(parts, " UNION ALL ")+") AS u", args...)
	page, next, err = s.page(ctx, db, rows)
	return page, next, true, err
}

// wordsUnder are the words of a span, at most fewWords and one.
func (s search) wordsUnder(ctx context.Context, db bun.IDB, one span) (texts []string, err error) {
	err = db.NewRaw(`WITH RECURSIVE d (word, n) AS (
		SELECT (SELECT min(word) FROM employee_word WHERE org_id = ? AND word >= ? AND word < ?), 1
		UNION ALL
		SELECT (SELECT min(w.word) FROM employee_word AS w WHERE w.org_id = ? AND w.word > d.word AND w.word < ?), d.n + 1
		FROM d WHERE d.word IS NOT NULL AND d.n <= ?)
		SELECT word FROM d WHERE word IS NOT NULL`,
		s.org, one.from, one.to, s.org, one.to, fewWords).Scan(ctx, &texts)
	return texts, err
}

// admits tells whether a word of the span passes its like.
func (one span) admits(text string) bool {
	if one.like == "" {
		return true
	}
	i := strings.LastIndex(text, " ")
	return strings.HasPrefix(text[i+1:], one.second)
}

// walk reads the list in its order, manyRows at most, and returns those sought;
// enough is false, and nothing returned, when fewer than atLeast are found. base is
// the word whose employees are walked, "" for everybody. The limit stands below
// every other condition, so that no plan reads further.
func (s search) walk(ctx context.Context, db bun.IDB, base string, atLeast int) (found []Employee, next string, enough bool, err error) {
	most := manyRows
	if len(s.terms)+len(s.lacks) == 0 && (len(s.marks) == 0 || len(s.marks) == 1 && base != "") {
		most = pageSize + 1
	}
	all := s.listed(db, base)
	rows := db.NewSelect().TableExpr("(?) AS l", all.Limit(int64(most))).ColumnExpr("l.sort_key, l.id AS employee_id")
	s.named(s.marked(rows, "l.sort_key", "l.id", source{{from: base}}), "l")
	found, next, err = s.page(ctx, db, rows)
	if err != nil || len(found) < atLeast {
		return nil, "", false, err
	}
	if next != "" || most == pageSize+1 {
		return found, next, true, nil
	}
	var end []place
	if err := all.Offset(int64(most-1)).Limit(1).Scan(ctx, &end); err != nil || len(end) == 0 {
		return found, "", err == nil, err
	}
	return found, store.Cursor(end[0].SortKey, end[0].ID), true, nil
}

// listed are the places of everybody, or of those with a mark, in the order of
// the list.
func (s search) listed(db bun.IDB, base string) *bun.SelectQuery {
	if base != "" {
		key := db.NewSelect().TableExpr("employee AS k").ColumnExpr("k.search_key").Where("k.org_id = ?", s.org).Where("k.id = w.employee_id")
		return s.order(db.NewSelect().TableExpr("employee_word AS w").ColumnExpr("w.sort_key, w.employee_id AS id").ColumnExpr("(?) AS search_key", key).
			Where("w.org_id = ?", s.org).Where("w.word = ?", base), "w.sort_key", "w.employee_id")
	}
	all := db.NewSelect().TableExpr("employee").ColumnExpr("sort_key, id, search_key").Where("org_id = ?", s.org)
	if s.deleted {
		all.Where("state = 'deleted'")
	} else {
		all.Where("state <> 'deleted'")
	}
	return s.order(all, "sort_key", "id")
}

// byUUID is the range of employees whose UUID begins so.
func (s search) byUUID(t term) source {
	one := prefix(t.text)
	one.id = t.text
	return source{one}
}
