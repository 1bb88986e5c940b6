package org

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
)

// Identifiers are what employees may be known by.
type Identifiers struct {
	IDs                []access.EmployeeID
	RIDs, LocalUserIDs []string
	CPRMACs            [][]byte // see CPRMAC
	Emails             []string // any case
}

// Identified returns the employees, deleted ones left out, with one of the
// identifiers, each once.
func Identified(ctx context.Context, db bun.IDB, org access.OrgID, by Identifiers) ([]Employee, error) {
	emails := make([]string, 0, 2*len(by.Emails))
	for _, e := range by.Emails {
		emails = append(emails, strings.ToLower(e), lowerASCII(e)) // SQLite lowers ASCII only
	}
	slices.Sort(emails)
	macs := make([]any, len(by.CPRMACs))
	for i, mac := range by.CPRMACs {
		macs[i] = mac
	}
	var all []Employee
	seen := map[access.EmployeeID]bool{}
	for _, q := range []struct {
		column string
		values []any
	}{
		{"id", anyOf(by.IDs)},
		{"rid", anyOf(by.RIDs)},
		{"local_user_id", anyOf(by.LocalUserIDs)},
		{"cpr_mac", macs},
		{"lower(email)", anyOf(slices.Compact(emails))},
	} {
		if len(q.values) == 0 {
			continue
		}
		var found []Employee
		in := strings.TrimSuffix(strings.Repeat("?, ", len(q.values)), ", ")
		sel := db.NewSelect().Model(&found).Where("org_id = ?", org).Where(q.column+" IN ("+in+")", q.values...).Where("state <> ?", Deleted)
		if q.column == "local_user_id" {
			sel.Where("local_user_id <> ''")
		}
		if err := sel.Scan(ctx); err != nil {
			return nil, err
		}
		for _, e := range found {
			if !seen[e.ID] {
				seen[e.ID] = true
				all = append(all, e)
			}
		}
	}
	return all, nil
}

func anyOf[T any](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// CountActive counts the active employees of an organisation.
func CountActive(ctx context.Context, db bun.IDB, org access.OrgID) (int64, error) {
	return db.NewSelect().Model((*Employee)(nil)).Where("org_id = ?", org).Where("state = ?", Active).Count(ctx)
}

// ActiveAfter returns up to limit active employees of an organisation in the
// order of their IDs, from the one after an ID; "" is the first.
func ActiveAfter(ctx context.Context, db bun.IDB, org access.OrgID, after access.EmployeeID, limit int64) ([]Employee, error) {
	var page []Employee
	err := db.NewSelect().Model(&page).Where("org_id = ?", org).Where("id > ?", after).Where("state = ?", Active).
		Order("id").Limit(limit).Scan(ctx)
	return page, err
}
