package credential

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// holder is whom a mark in the list of employees is about.
type holder struct {
	OrgID      access.OrgID      `bun:"org_id"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
}

// mark gives all of them one value of a group of marks, with a few statements an
// organisation.
func mark(ctx context.Context, tx bun.Tx, group, value string, fresh bool, all []holder) error {
	byOrg := map[access.OrgID][]access.EmployeeID{}
	for _, h := range all {
		byOrg[h.OrgID] = append(byOrg[h.OrgID], h.EmployeeID)
	}
	for orgID, ids := range byOrg {
		if err := org.SetMark(ctx, tx, orgID, group, value, fresh, ids...); err != nil {
			return err
		}
	}
	return nil
}

// expireKeyFiles marks the key files whose certificates ran out, each once.
func expireKeyFiles(ctx context.Context, tx bun.Tx, now time.Time) error {
	var over []holder
	err := tx.NewUpdate().Model((*KeyFile)(nil)).Set("expired_at = ?", now).
		Where("state = 'active'").Where("expired_at IS NULL").Where("not_after <= ?", now).
		Returning("org_id, employee_id").Scan(ctx, &over)
	if err != nil {
		return err
	}
	return mark(ctx, tx, org.MarkKeyFile, "expired", false, over)
}

// Setup lets the list find employees that a version without an index of words
// has stored. It does some hundreds a transaction and may be stopped at any
// time; where there are none it is one query.
func (s *Service) Setup(ctx context.Context) error {
	for {
		people, err := org.Unindexed(ctx, s.DB)
		if err != nil || len(people) == 0 {
			return err
		}
		err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			if err := org.Index(ctx, tx, people); err != nil {
				return err
			}
			return markStored(ctx, tx, people)
		})
		if err != nil {
			return err
		}
	}
}

// markStored marks what the tables of this package know of people without marks.
// What has run out meanwhile is marked by the next ExpireActivations.
func markStored(ctx context.Context, tx bun.Tx, people []org.Employee) error {
	ids := make([]access.EmployeeID, len(people))
	for i, e := range people {
		ids[i] = e.ID
	}
	for _, one := range []struct {
		group, table string
		condition    string
	}{
		{org.MarkCodeCard, "code_card", "state IN ('active', 'blocked')"},
		{org.MarkKeyFile, "key_file", "state <> 'blocked'"},
		{org.MarkKeyFile, "key_file", "state = 'blocked' AND NOT EXISTS (SELECT 1 FROM key_file AS live WHERE live.org_id = t.org_id AND live.employee_id = t.employee_id AND live.state <> 'blocked')"},
		{org.MarkInvitation, "activation", "state IN ('open', 'locked', 'expired') AND NOT EXISTS (SELECT 1 FROM activation AS later WHERE later.org_id = t.org_id AND later.employee_id = t.employee_id AND later.created_at > t.created_at)"},
	} {
		var found []struct {
			holder

			State string `bun:"state"`
		}
		err := tx.NewSelect().TableExpr("? AS t", bun.Ident(one.table)).Column("org_id", "employee_id", "state").Distinct().
			Where("employee_id IN (?)", bun.List(ids)).Where(one.condition).Scan(ctx, &found)
		if err != nil {
			return err
		}
		byState := map[string][]holder{}
		for _, f := range found {
			byState[f.State] = append(byState[f.State], f.holder)
		}
		for state, all := range byState {
			if err := mark(ctx, tx, one.group, state, true, all); err != nil {
				return err
			}
		}
	}
	return nil
}
