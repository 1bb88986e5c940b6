package org

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

func organisationKey(cvr, name string) string {
	return " " + Fold(cvr) + " " + strings.Join(strings.Fields(Fold(name)), " ")
}

// Directory returns a page of all organisations by name, for operators, and the
// cursor of the next, "" at the end. q holds beginnings of words of the name or
// of the CVR number. Errors: fault.Denied, fault.Invalid.
func (s *Service) Directory(ctx context.Context, by access.Actor, q, cursor string) ([]Organisation, string, error) {
	if err := by.NeedOperator(); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	if utf8.RuneCountInString(q) > maxQuery || !utf8.ValidString(q) || strings.ContainsRune(q, 0) {
		return nil, "", fault.New(fault.Invalid, "org.search.form", "Search for at most %d letters and digits.", maxQuery).On("q")
	}
	var page []Organisation
	query := s.DB.NewSelect().Model(&page)
	for _, word := range strings.Fields(Fold(q)) {
		query.Where(`search_key LIKE ? ESCAPE '\'`, "% "+escapeLike(word)+"%")
	}
	if after != nil {
		query.Where("(sort_key, id) > (?, ?)", after[0], after[1])
	}
	if err := query.Order("sort_key", "id").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	if len(page) <= pageSize {
		return page, "", nil
	}
	last := page[pageSize-1]
	return page[:pageSize], store.Cursor(last.SortKey, string(last.ID)), nil
}

// IndexNames gives organisations of before there was a directory their keys.
func (s *Service) IndexNames(ctx context.Context) error {
	var old []Organisation
	if err := s.DB.NewSelect().Model(&old).Where("search_key = ''").Scan(ctx); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		for _, o := range old {
			if _, err := tx.NewUpdate().Model((*Organisation)(nil)).
				Set("search_key = ?", organisationKey(o.CVR, o.Name)).Set("sort_key = ?", SortKey(o.Name)).
				Where("id = ?", o.ID).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
