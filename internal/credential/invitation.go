package credential

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// What can be done to invitations.
const (
	Resend = "resend"
	Extend = "extend"
)

// MaxInvitations is how many employees one call may name.
const MaxInvitations = 500

// remindBefore is how long before an invitation runs out its holder is reminded.
const remindBefore = 7 * 24 * time.Hour

var (
	// InviteAll does the same to the invitations of everybody whom a filter finds.
	InviteAll = outbox.NewKind[AllRef]("credential.invite_all")
	// Remind reminds of invitations that are about to run out.
	Remind = outbox.NewKind[struct{}]("credential.remind_invitations")
)

// AllRef is the work of InviteAll: a page of the list at a time. Who was invited
// since At is left alone, so that a second run sends nothing twice.
type AllRef struct {
	Org    access.OrgID `json:"org"`
	Actor  string       `json:"actor"`
	Act    string       `json:"act"`
	Filter org.Filter   `json:"filter"`
	At     time.Time    `json:"at"`
}

// Refused is an employee whose invitation stayed as it was, and why.
type Refused struct {
	Employee access.EmployeeID
	Why      *fault.Error
}

// Prolong lets an open invitation live thirty days from now; link and code stay.
// Errors: fault.Denied, fault.Absent, fault.Conflict without an open one.
func (s *Service) Prolong(ctx context.Context, by access.Actor, id access.EmployeeID) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := org.Get(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		n, err := store.Count(tx.NewUpdate().Model((*Activation)(nil)).
			Set("expires_at = ?", now.AddDate(0, 0, ActivationDays)).Set("reminded_at = NULL").
			Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).Where("state = 'open'").Where("expires_at > ?", now).Exec(ctx))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "credential.activation.not_open", "The employee has no open invitation. Send a new one.")
		}
		if err := org.SetMark(ctx, tx, by.OrgID, org.MarkInvitation, "open", false, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "activation.extend", "employee:"+string(id), ""))
	})
}

// Invitations resends or extends the invitations of up to 500 employees, each in
// a transaction of its own, and returns those refused. Errors: fault.Denied,
// fault.Invalid.
func (s *Service) Invitations(ctx context.Context, by access.Actor, act string, ids []access.EmployeeID) ([]Refused, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return nil, err
	}
	do, err := s.act(act)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(ids) > MaxInvitations {
		return nil, fault.New(fault.Invalid, "credential.invitations.number", "Choose 1 to %d employees.", MaxInvitations).On("ids")
	}
	var refused []Refused
	for _, id := range ids {
		if err := do(ctx, by, id); err != nil {
			why, ok := store.Expected(err)
			if !ok {
				return refused, err
			}
			refused = append(refused, Refused{id, why})
		}
	}
	return refused, nil
}

func (s *Service) act(name string) (func(context.Context, access.Actor, access.EmployeeID) error, error) {
	switch name {
	case Resend:
		return s.Reissue, nil
	case Extend:
		return s.Prolong, nil
	}
	return nil, fault.New(fault.Invalid, "credential.invitations.act", "Invitations are resent or extended: resend or extend.").On("act")
}

// InviteMatching does it to everybody whom the filter finds, as work. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) InviteMatching(ctx context.Context, by access.Actor, act string, f org.Filter) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	if _, err := s.act(act); err != nil {
		return err
	}
	f.Cursor, f.Sort = "", org.ByName
	if _, _, err := s.Org.Employees(ctx, by, f); err != nil {
		return err
	}
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := InviteAll.Add(ctx, tx, by.OrgID, AllRef{by.OrgID, by.ID, act, f, now}, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "invitations."+act, "organisation:"+string(by.OrgID), ""))
	})
}

// DoAll does a page of InviteMatching and records the work of the next one.
func (s *Service) DoAll(ctx context.Context, ref AllRef) error {
	by := access.System(ref.Org)
	by.ID = ref.Actor
	do, err := s.act(ref.Act)
	if err != nil {
		return err
	}
	page, next, err := s.Org.Employees(ctx, by, ref.Filter)
	if err != nil {
		return err
	}
	for _, e := range page {
		a, found, err := newestActivation(ctx, s.DB, ref.Org, e.ID)
		if err != nil {
			return err
		}
		if found && !a.CreatedAt.Before(ref.At) {
			continue
		}
		if err := do(ctx, by, e.ID); err != nil {
			if _, ok := store.Expected(err); !ok {
				return err
			}
		}
	}
	if next == "" {
		return nil
	}
	ref.Filter.Cursor = next
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return InviteAll.AddOnce(ctx, tx, "invite_all:"+string(ref.Org)+ref.At.Format(time.RFC3339Nano)+next, ref.Org, ref, s.Now())
	})
}

// RemindInvitations mails everybody whose invitation runs out within seven days,
// once, and shows that in the lists.
func (s *Service) RemindInvitations(ctx context.Context) error {
	for {
		now := store.Instant(s.Now())
		var due []Activation
		err := s.DB.NewSelect().Model(&due).Where("state = 'open'").Where("expires_at > ?", now).
			Where("expires_at <= ?", now.Add(remindBefore)).Where("reminded_at IS NULL").Order("expires_at", "id").Limit(200).Scan(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, a := range due {
			if err := s.remind(ctx, a, now); err != nil {
				return err
			}
		}
	}
}

func (s *Service) remind(ctx context.Context, a Activation, now time.Time) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*Activation)(nil)).Set("reminded_at = ?", now).
			Where("id = ?", a.ID).Where("state = 'open'").Where("reminded_at IS NULL").Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		e, err := org.Get(ctx, tx, a.OrgID, a.EmployeeID)
		if err != nil || e.State != org.Active {
			return err
		}
		o, err := org.ByID(ctx, tx, a.OrgID)
		if err != nil {
			return err
		}
		if err := org.SetMark(ctx, tx, a.OrgID, org.MarkInvitation, "expiring", false, a.EmployeeID); err != nil {
			return err
		}
		if err := s.Mail.Queue(ctx, tx, "", mail.Draft{
			Org: o.ID, Employee: e.ID, Kind: mail.KindInvitationExpiry, Lang: e.Lang, Name: e.Name(), Address: e.Email,
			Params: map[string]string{"organisation": o.Name, "expires": a.ExpiresAt.Format(time.RFC3339)},
		}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(o.ID), now, "activation.remind", "employee:"+string(e.ID), ""))
	})
}
