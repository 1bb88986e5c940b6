package federation

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// Open is a session that counts, and where the person is logged in by it.
type Open struct {
	session.Session

	Services []string // names, in the order in which they were entered
}

// Sessions are the sessions of an employee, the newest first: the person's own, or
// those of whoever is managed. Errors: fault.Denied, fault.Absent.
func (s *Service) Sessions(ctx context.Context, by access.Actor, id access.EmployeeID) ([]Open, error) {
	if err := s.mayEnd(ctx, by, id); err != nil {
		return nil, err
	}
	found, err := s.Session.Open(ctx, by.OrgID, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	parts, err := s.liveParts(ctx, s.DB, by.OrgID, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("employee_id = ?", id) })
	if err != nil {
		return nil, err
	}
	all := make([]Open, 0, len(found))
	for _, one := range found {
		open := Open{Session: one}
		for _, p := range parts {
			if p.SessionID == one.ID && !s.Elsewhere[p.Kind].Source && !slices.Contains(open.Services, p.ServiceName) {
				open.Services = append(open.Services, p.ServiceName)
			}
		}
		all = append(all, open)
	}
	return all, nil
}

// EndSessions ends a session of an employee, or all of them for id "", and logs the
// person out of the services that were entered by them, as LogOutEmployee does.
// Errors: fault.Denied, fault.Absent, also for a session that is over.
func (s *Service) EndSessions(ctx context.Context, by access.Actor, employee access.EmployeeID, id string) error {
	if err := s.mayEnd(ctx, by, employee); err != nil {
		return err
	}
	found, err := s.Session.Open(ctx, by.OrgID, employee)
	if err != nil {
		return err
	}
	var ids []string
	for _, one := range found {
		if id == "" || one.ID == id {
			ids = append(ids, one.ID)
		}
	}
	if len(ids) == 0 && id != "" {
		return fault.New(fault.Absent, "session.absent", "The session is over already.")
	}
	if len(ids) == 0 {
		return nil
	}
	l := Logout{OrgID: by.OrgID, EmployeeID: employee, Cause: CauseEnded, behind: true}
	if by.Employee == employee {
		l.Cause = CausePerson
	}
	_, err = s.begin(ctx, by, l, "", ids...)
	return err
}

// mayEnd lets people look at their own sessions, and whoever manages employees at
// those of others.
func (s *Service) mayEnd(ctx context.Context, by access.Actor, id access.EmployeeID) error {
	if id == "" {
		return fault.New(fault.Denied, "org.self.nobody", "Only an employee has a page of his or her own.")
	}
	if by.Employee == id {
		return nil
	}
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	_, err := org.Get(ctx, s.DB, by.OrgID, id)
	return store.Found(err, "org.employee")
}
