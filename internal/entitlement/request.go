package entitlement

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// States of a request.
const (
	Open      = "open"
	Approved  = "approved"
	Rejected  = "rejected"
	Withdrawn = "withdrawn"
	Expired   = "expired"
)

// requestLife is how long a request waits for an answer.
const requestLife = 30 * 24 * time.Hour

// Request is an employee's wish for a right.
type Request struct {
	bun.BaseModel `bun:"table:entitlement_request"`

	ID            RequestID         `bun:"id,pk"`
	OrgID         access.OrgID      `bun:"org_id"`
	EmployeeID    access.EmployeeID `bun:"employee_id"`
	EntitlementID ID                `bun:"entitlement_id"`
	Scope
	Constraints string     `bun:"constraints"`
	Reason      string     `bun:"reason"`
	State       string     `bun:"state"`
	AskedAt     time.Time  `bun:"asked_at"`
	ExpiresAt   time.Time  `bun:"expires_at"`
	DecidedAt   *time.Time `bun:"decided_at"`
	DecidedBy   string     `bun:"decided_by"`
	Answer      string     `bun:"answer"`
	UntilAt     *time.Time `bun:"until_at"` // of the right that was given
}

// Asked is a request with the names that people know.
type Asked struct {
	Request

	Right    Entry
	Employee org.Employee
	Chosen   Constraints
}

// Wish is what an employee asks for. Reason has 10 to 1,000 characters.
type Wish struct {
	Right       ID
	Scope       Scope
	Constraints Constraints
	Reason      string
}

// Ask records the acting employee's request for a right, and mails those who
// decide. Errors: fault.Denied for an actor who is no employee, fault.Absent,
// fault.Invalid, fault.Conflict when it is asked already or cannot be asked for.
func (s *Service) Ask(ctx context.Context, by access.Actor, w Wish) (Request, error) {
	if by.Employee == "" || by.OrgID == "" {
		return Request{}, fault.New(fault.Denied, "entitlement.request.person", "Only an employee who is logged in can ask for a right.")
	}
	var ok bool
	if w.Reason, ok = form.Reason(w.Reason, 1000); !ok {
		return Request{}, fault.New(fault.Invalid, "entitlement.request.reason", "Say in 10 to 1,000 characters what you need the right for.").On("reason")
	}
	var q Request
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := Get(ctx, tx, by.OrgID, w.Right)
		if err != nil {
			return err
		}
		if r.RetiredAt != nil {
			return retired(r.Right)
		}
		if !r.Requestable {
			return fault.New(fault.Conflict, "entitlement.request.closed", "The right %s cannot be asked for. Talk to an administrator of your organisation.", r.URI)
		}
		if q, err = s.request(by, r, w); err != nil {
			return err
		}
		n, err := store.Insert(ctx, tx, []Request{q}, "ON CONFLICT (org_id, employee_id, entitlement_id, scope_kind, scope_value, constraints) WHERE state = 'open' DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "entitlement.request.twice", "You have asked for this already. Wait for the answer, or withdraw that request.")
		}
		if err := audit.Record(ctx, tx, audit.By(by, s.Now(), "entitlement.request", "entitlement_request:"+string(q.ID), r.URI)); err != nil {
			return err
		}
		return s.ring(ctx, tx, by, "hour "+q.AskedAt.Format("2006-01-02T15"))
	})
	return q, err
}

func (s *Service) request(by access.Actor, r Entry, w Wish) (Request, error) {
	now := store.Instant(s.Now())
	q := Request{
		ID: RequestID(store.NewID()), OrgID: by.OrgID, EmployeeID: by.Employee, EntitlementID: r.ID, Reason: w.Reason, State: Open,
		AskedAt: now, ExpiresAt: now.Add(requestLife),
	}
	scope, err := w.Scope.normal(r.Right)
	if err != nil {
		return q, err
	}
	chosen, err := w.Constraints.chosen(r.Right)
	q.Scope, q.Constraints = scope, chosen.text()
	return q, err
}

// Unask withdraws the acting employee's own open request. Errors: fault.Absent,
// fault.Conflict when it is no longer open.
func (s *Service) Unask(ctx context.Context, by access.Actor, id RequestID) error {
	if err := none(by); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		q, err := requestOf(ctx, tx, by.OrgID, id)
		if err == nil && q.EmployeeID != by.Employee {
			err = fault.New(fault.Absent, "entitlement.request.absent", "There is no such request of yours.")
		}
		if err != nil {
			return err
		}
		return s.settle(ctx, tx, by, q, Withdrawn, "", nil)
	})
}

func requestOf(ctx context.Context, db bun.IDB, by access.OrgID, id RequestID) (q Request, err error) {
	err = db.NewSelect().Model(&q).Where("org_id = ?", by).Where("id = ?", id).Scan(ctx)
	return q, store.Found(err, "entitlement.request")
}

// verbs of the audit log by the state that a request comes to.
var verbs = map[string]string{
	Approved: "entitlement_request.approve", Rejected: "entitlement_request.reject", Withdrawn: "entitlement_request.withdraw", Expired: "entitlement_request.expire",
}

// settle closes an open request. Errors: fault.Conflict when it is not open.
func (s *Service) settle(ctx context.Context, tx bun.Tx, by access.Actor, q Request, state, answer string, until *time.Time) error {
	now := store.Instant(s.Now())
	res, err := tx.NewUpdate().Model((*Request)(nil)).Set("state = ?", state).Set("decided_at = ?", now).Set("decided_by = ?", by.ID).
		Set("answer = ?", answer).Set("until_at = ?", store.InstantPtr(until)).
		Where("org_id = ?", q.OrgID).Where("id = ?", q.ID).Where("state = ?", Open).Exec(ctx)
	if err := store.One(res, err, "entitlement.request"); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, now, verbs[state], "entitlement_request:"+string(q.ID), ""))
}

// Approve gives what was asked for, until an instant (nil = until it is taken
// away), and mails the employee. Nobody approves their own request. Errors:
// fault.Denied, fault.Absent, fault.Invalid, fault.Conflict when it was decided
// meanwhile or the right is retired.
func (s *Service) Approve(ctx context.Context, by access.Actor, id RequestID, until *time.Time) error {
	return s.decide(ctx, by, id, func(ctx context.Context, tx bun.Tx, q Request, r Entry) error {
		if err := s.settle(ctx, tx, by, q, Approved, "", until); err != nil {
			return err
		}
		chosen, err := readConstraints(q.Constraints)
		if err != nil {
			return err
		}
		_, _, err = s.grant(ctx, tx, by, r, Gift{
			Employee: q.EmployeeID, Right: q.EntitlementID, Scope: q.Scope, Constraints: chosen, Until: until, Origin: ByRequest,
		})
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, q, r, mail.KindRightApproved, "")
	})
}

// Reject refuses a request with a reason of 1 to 200 characters, and mails the
// employee. Errors: as Approve.
func (s *Service) Reject(ctx context.Context, by access.Actor, id RequestID, reason string) error {
	reason = strings.TrimSpace(reason)
	return s.decide(ctx, by, id, func(ctx context.Context, tx bun.Tx, q Request, r Entry) error {
		if n := utf8.RuneCountInString(reason); n == 0 || n > 200 {
			return fault.New(fault.Invalid, "entitlement.request.answer", "Say in at most 200 characters why the right is not given.").On("reason")
		}
		if err := s.settle(ctx, tx, by, q, Rejected, reason, nil); err != nil {
			return err
		}
		return s.tell(ctx, tx, q, r, mail.KindRightRejected, reason)
	})
}

// decide runs what a rights administrator decides about another's open request.
func (s *Service) decide(ctx context.Context, by access.Actor, id RequestID, do func(context.Context, bun.Tx, Request, Entry) error) error {
	if err := by.Need(access.ApproveRights); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		q, err := requestOf(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if by.Employee == q.EmployeeID {
			return fault.New(fault.Denied, "entitlement.request.own", "You asked for this yourself. Another rights administrator must decide.")
		}
		if !q.ExpiresAt.After(s.Now()) && q.State == Open {
			return fault.New(fault.Conflict, "entitlement.request.expired", "The request was not answered within 30 days and is over. The employee can ask again.")
		}
		r, err := Get(ctx, tx, by.OrgID, q.EntitlementID)
		if err != nil {
			return err
		}
		if r.Seal {
			if err := by.Need(access.ManageSeals); err != nil {
				return err
			}
		}
		return do(ctx, tx, q, r)
	})
}

// Mine returns the acting employee's newest 100 requests.
func (s *Service) Mine(ctx context.Context, by access.Actor) ([]Asked, error) {
	if err := none(by); err != nil {
		return nil, err
	}
	var rows []Request
	err := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).
		Order("id DESC").Limit(100).Scan(ctx)
	if err != nil {
		return nil, err
	}
	return s.asked(ctx, by.OrgID, rows)
}

// Requests returns a page of the organisation's requests, newest first; state is
// "" for all. Errors: fault.Denied, fault.Invalid.
func (s *Service) Requests(ctx context.Context, by access.Actor, state, cursor string) ([]Asked, string, error) {
	if err := by.Need(access.ApproveRights); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var rows []Request
	q := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID)
	if state != "" {
		q.Where("state = ?", state)
	}
	if after != nil {
		q.Where("id < ?", after[0])
	}
	if err := q.Order("id DESC").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		next = store.Cursor(string(rows[pageSize-1].ID))
	}
	all, err := s.asked(ctx, by.OrgID, rows)
	return all, next, err
}

func (s *Service) asked(ctx context.Context, by access.OrgID, rows []Request) ([]Asked, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids, people := make([]ID, len(rows)), make([]access.EmployeeID, len(rows))
	for i, q := range rows {
		ids[i], people[i] = q.EntitlementID, q.EmployeeID
	}
	found, err := rightsByID(ctx, s.DB, by, ids)
	if err != nil {
		return nil, err
	}
	var employees []org.Employee
	if err := s.DB.NewSelect().Model(&employees).Where("org_id = ?", by).Where("id IN (?)", bun.List(people)).Scan(ctx); err != nil {
		return nil, err
	}
	named := map[access.EmployeeID]org.Employee{}
	for _, e := range employees {
		named[e.ID] = e
	}
	all := make([]Asked, len(rows))
	for i, q := range rows {
		chosen, err := readConstraints(q.Constraints)
		if err != nil {
			return nil, err
		}
		all[i] = Asked{Request: q, Right: found[q.EntitlementID], Employee: named[q.EmployeeID], Chosen: chosen}
	}
	return all, nil
}
