package org

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
)

// Names returns what employees of the actor's organisation are called, by their
// IDs; whoever is erased has no name any more. It needs no right of its own: what
// names them asked for one.
func (s *Service) Names(ctx context.Context, by access.Actor, ids []access.EmployeeID) (map[access.EmployeeID]string, error) {
	names := make(map[access.EmployeeID]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	var rows []Employee
	err := s.DB.NewSelect().Model(&rows).Column("id", "given_name", "surname").
		Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(ids)).Where("erased_at IS NULL").Scan(ctx)
	for _, e := range rows {
		names[e.ID] = e.Name()
	}
	return names, err
}

// Everyone returns every organisation by its CVR number, for commands of the
// operator.
func (s *Service) Everyone(ctx context.Context) (all []Organisation, err error) {
	err = s.DB.NewSelect().Model(&all).Order("cvr").Scan(ctx)
	return all, err
}
