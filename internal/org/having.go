package org

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
)

// Having returns the active employees with a role, by name, at most 500: those
// who are told what waits for it.
func Having(ctx context.Context, db bun.IDB, org access.OrgID, role access.Role) ([]Employee, error) {
	var all []Employee
	err := db.NewSelect().Model(&all).Where("org_id = ?", org).Where("state = ?", Active).
		Where("id IN (SELECT r.employee_id FROM role_assignment AS r WHERE r.org_id = ? AND r.role = ?)", org, role).
		Order("sort_key", "id").Limit(500).Scan(ctx)
	return all, err
}
