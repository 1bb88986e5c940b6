package attorney

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Approve gives what was requested. Errors: fault.Denied; fault.Absent, also to
// the receiver; fault.Conflict when it is decided already or its term is over.
func (s *Service) Approve(ctx context.Context, by access.Actor, id string) error {
	return s.decide(ctx, by, id, Active, "")
}

// Reject turns a request down with a reason of 10 to 500 characters. Errors: as
// Approve, and fault.Invalid.
func (s *Service) Reject(ctx context.Context, by access.Actor, id, reason string) error {
	if err := by.Need(access.GiveAttorney); err != nil {
		return err
	}
	if _, err := s.given(ctx, by, id); err != nil {
		return err
	}
	reason, err := approval.Reason(reason)
	if err != nil {
		return err
	}
	return s.decide(ctx, by, id, Rejected, reason)
}

func (s *Service) decide(ctx context.Context, by access.Actor, id string, to State, answer string) error {
	if err := by.Need(access.GiveAttorney); err != nil {
		return err
	}
	p, err := s.given(ctx, by, id)
	if err != nil {
		return err
	}
	now := store.Instant(s.Now())
	if to == Active && p.UntilAt != nil && !p.UntilAt.After(now) {
		return fault.New(fault.Conflict, "attorney.power.over", "The term that was asked for is over. Reject the request, or give another power of attorney.")
	}
	own, other := "approve", "approved"
	if to == Rejected {
		own, other = "reject", "rejected"
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model((*Power)(nil)).Set("state = ?", to).Set("answer = ?", answer).Set("decided_at = ?", now).
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state = ?", Requested).Exec(ctx)
		if err := store.One(res, err, "attorney.power"); err != nil {
			return err
		}
		if err := s.both(ctx, tx, by, p, own, other); err != nil {
			return err
		}
		return s.tell(ctx, tx, p, p.ReceiverOrgID, access.AttachAttorney, mail.KindPowerDecided, "/powers/received",
			map[string]string{"outcome": string(to), "reason": answer})
	})
}

// given is find for the giver.
func (s *Service) given(ctx context.Context, by access.Actor, id string) (Power, error) {
	p, err := s.find(ctx, s.DB, by, id)
	if err == nil && p.GiverID != by.OrgID {
		err = fault.New(fault.Absent, "attorney.power.absent", "There is no such thing in this organisation.")
	}
	return p, err
}

// End deletes a power: the giver takes it back, the receiver renounces it or
// withdraws its request. Nobody has its rights from then on; the row stays for
// both to see. Errors: fault.Denied, fault.Absent, fault.Conflict when it is over
// already.
func (s *Service) End(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.DeleteAttorney); err != nil {
		return err
	}
	p, err := s.find(ctx, s.DB, by, id)
	if err != nil {
		return err
	}
	if p.State == Requested && p.GiverID == by.OrgID {
		return fault.New(fault.Conflict, "attorney.power.undecided", "This is a request. Approve or reject it.")
	}
	other, needs, page := p.ReceiverOrgID, access.AttachAttorney, "/powers/received"
	if p.ReceiverOrgID == by.OrgID {
		other, needs, page = p.GiverID, access.GiveAttorney, "/powers/given"
	}
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model((*Power)(nil)).Set("state = ?", Ended).Set("ended_at = ?", now).Set("ended_by = ?", by.OrgID).
			Where("(org_id = ? OR receiver_org_id = ?)", by.OrgID, by.OrgID).Where("id = ?", id).
			Where("state IN (?)", bun.List([]State{Requested, Active})).Exec(ctx)
		if err := store.One(res, err, "attorney.power"); err != nil {
			return err
		}
		if err := s.both(ctx, tx, by, p, "end", "ended"); err != nil {
			return err
		}
		return s.tell(ctx, tx, p, other, needs, mail.KindPowerEnded, page, nil)
	})
}

// Attach lets an own employee use a power received, who must be active and have
// activated a key file. Errors: fault.Denied; fault.Absent; fault.Conflict for who
// is not activated, for a person's power, and for one that is not active.
func (s *Service) Attach(ctx context.Context, by access.Actor, id string, employee access.EmployeeID) error {
	if err := by.Need(access.AttachAttorney); err != nil {
		return err
	}
	p, err := s.received(ctx, s.DB, by, id)
	if err != nil {
		return err
	}
	if p.State != Active || p.UntilAt != nil && !p.UntilAt.After(s.Now()) {
		return fault.New(fault.Conflict, "attorney.power.inactive", "Nobody can be attached: the power of attorney is not in force.")
	}
	if p.ReceiverID != "" {
		return fault.New(fault.Conflict, "attorney.power.personal", "This power of attorney was given to one person and cannot be passed on.")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.attach(ctx, tx, by, p, employee) })
}

// AttachFrom attaches an own employee, within a transaction, to every power in
// force that one organisation has given to the actor's as a whole. Errors: as
// Attach, and fault.Absent when there is no such power.
func (s *Service) AttachFrom(ctx context.Context, tx bun.Tx, by access.Actor, giverCVR string, employee access.EmployeeID) error {
	if err := by.Need(access.AttachAttorney); err != nil {
		return err
	}
	given, err := s.ReceivedFrom(ctx, tx, by.OrgID, giverCVR)
	if err != nil {
		return err
	}
	given = slices.DeleteFunc(given, func(p Power) bool { return p.State != Active })
	if len(given) == 0 {
		return fault.New(fault.Absent, "attorney.power.none", "The organisation with CVR number %s has given yours no power of attorney that is in force.", giverCVR)
	}
	for _, p := range given {
		if err := s.attach(ctx, tx, by, p, employee); err != nil {
			return err
		}
	}
	return nil
}

// attach is Attach to a power that employees may be attached to.
func (s *Service) attach(ctx context.Context, tx bun.Tx, by access.Actor, p Power, employee access.EmployeeID) error {
	e, err := org.Get(ctx, tx, by.OrgID, employee)
	if err != nil {
		return err
	}
	activated, err := tx.NewSelect().TableExpr("key_file").Where("org_id = ?", by.OrgID).Where("employee_id = ?", employee).
		Where("state = 'active'").Exists(ctx)
	if err != nil {
		return err
	}
	if e.State != org.Active || !activated {
		return fault.New(fault.Conflict, "attorney.employee.inactive", "Only an employee who is active and has activated a key file can be attached.")
	}
	row := attachment{ReceiverOrgID: by.OrgID, AttorneyID: p.ID, EmployeeID: employee, AttachedAt: store.Instant(s.Now())}
	n, err := store.Insert(ctx, tx, []attachment{row}, "ON CONFLICT DO NOTHING")
	if err != nil || n == 0 {
		return err // attached already
	}
	if err := s.both(ctx, tx, by, p, "attach", "attached"); err != nil {
		return err
	}
	return s.write(ctx, tx, p, e, mail.KindPowerAttached, "/me")
}

// Detach takes a power from an own employee. Errors: fault.Denied, fault.Absent.
func (s *Service) Detach(ctx context.Context, by access.Actor, id string, employee access.EmployeeID) error {
	if err := by.Need(access.AttachAttorney); err != nil {
		return err
	}
	p, err := s.received(ctx, s.DB, by, id)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewDelete().Model((*attachment)(nil)).
			Where("org_id = ?", by.OrgID).Where("attorney_id = ?", id).Where("employee_id = ?", employee).Exec(ctx))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Absent, "attorney.employee.absent", "That employee is not attached.")
		}
		return s.both(ctx, tx, by, p, "detach", "detached")
	})
}

// both writes one entry into the log of each organisation: of the actor's with
// who it was, of the other's with the actor's organisation only.
func (s *Service) both(ctx context.Context, tx bun.Tx, by access.Actor, p Power, own, other string) error {
	them, us := p.ReceiverOrgID, p.GiverCVR
	if p.ReceiverOrgID == by.OrgID {
		them, us = p.GiverID, p.ReceiverCVR
	}
	object := "attorney:" + p.ID
	return audit.Record(
		ctx, tx,
		audit.By(by, s.Now(), "attorney."+own, object, "giver "+p.GiverCVR+" receiver "+p.ReceiverCVR),
		audit.By(access.Actor{OrgID: them, ID: "organisation:" + us}, s.Now(), "attorney."+other, object, "giver "+p.GiverCVR+" receiver "+p.ReceiverCVR),
	)
}

// tell mails those who hold a right in one of the two organisations.
func (s *Service) tell(ctx context.Context, tx bun.Tx, p Power, to access.OrgID, needs access.Right, kind, page string, more map[string]string) error {
	people, err := org.Holders(store.AcrossTenants(ctx), tx, to, needs)
	if err != nil {
		return err
	}
	var drafts []mail.Draft
	for _, h := range people {
		params := s.params(p, page)
		for name, value := range more {
			params[name] = value
		}
		drafts = append(drafts, mail.Draft{Org: to, Employee: h.ID, Kind: kind, Lang: h.Lang, Name: h.Name, Address: h.Email, Params: params})
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

// write mails one employee of the receiver.
func (s *Service) write(ctx context.Context, tx bun.Tx, p Power, to org.Employee, kind, page string) error {
	if to.Email == "" {
		return nil
	}
	return s.Mail.Queue(ctx, tx, "", mail.Draft{
		Org: to.OrgID, Employee: to.ID, Kind: kind, Lang: to.Lang, Name: to.Name(), Address: to.Email, Params: s.params(p, page),
	})
}

func (s *Service) params(p Power, page string) map[string]string {
	out := map[string]string{"giver": p.GiverName, "receiver": p.ReceiverName, "url": s.Mail.BaseURL + page}
	if p.UntilAt != nil {
		out["until"] = p.UntilAt.Format(time.RFC3339)
	}
	return out
}
