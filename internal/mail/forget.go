package mail

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
)

// Forget takes the personal data out of what was written to employees who are
// erased. What was not delivered yet never will be.
func (s *Service) Forget(ctx context.Context, tx bun.Tx, org access.OrgID, employees []access.EmployeeID) error {
	_, err := tx.NewUpdate().Model((*Message)(nil)).
		Set("name = ''").Set("address = ''").Set("params = '{}'").Set("link_sealed = NULL").
		Set("state = CASE WHEN state = ? THEN ? ELSE state END", StateQueued, StateFailed).
		Where("org_id = ?", org).Where("employee_id IN (?)", bun.List(employees)).Exec(ctx)
	return err
}

// Sending is what became of one mail to an employee.
type Sending struct {
	Kind     string     `bun:"kind"`
	State    string     `bun:"state"` // queued, sent, failed
	Error    string     `bun:"error"`
	QueuedAt time.Time  `bun:"queued_at"`
	SentAt   *time.Time `bun:"sent_at"`
}

// Sent lists the newest mails to an employee, at most 50.
func (s *Service) Sent(ctx context.Context, org access.OrgID, employee access.EmployeeID) ([]Sending, error) {
	var all []Sending
	err := s.DB.NewSelect().Model((*Message)(nil)).Column("kind", "state", "error", "queued_at", "sent_at").
		Where("org_id = ?", org).Where("employee_id = ?", employee).
		Order("queued_at DESC", "id DESC").Limit(50).Scan(ctx, &all)
	return all, err
}
