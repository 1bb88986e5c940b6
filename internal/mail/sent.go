package mail

import (
	"context"
	"time"

	"github.com/adgang/adgang/internal/access"
)

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
