package org

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
)

// GiveRoles is ChangeRoles in the caller's transaction, which gives only: what
// the employee has already changes nothing, and where four eyes are demanded it
// returns the request that waits. Errors: as ChangeRoles.
func (s *Service) GiveRoles(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, roles ...access.Role) (*approval.Request, error) {
	if err := by.Need(access.AssignRoles); err != nil {
		return nil, err
	}
	if err := checkRoles(roles, nil); err != nil {
		return nil, err
	}
	return s.askRoles(ctx, tx, by, RoleChange{Employee: id, Give: roles})
}
