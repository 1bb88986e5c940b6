package attorney

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// maxRights is how many rights one power may carry.
const maxRights = 100

// Terms are what a power of attorney says. CVR is the other party's: the
// receiver's of a gift, the giver's of a request. Person is the UUID or e-mail
// address of an employee of the receiver, "" for the organisation. From is the
// zero time for now, Until nil for until it is ended.
type Terms struct {
	CVR, Person string
	Rights      []entitlement.ID
	From        time.Time
	Until       *time.Time
	Reason      string // of a request
}

// Give makes a power of attorney. A person may use it at once; an organisation
// attaches employees first. Errors: fault.Denied without the right to give to an
// organisation, or to a person; fault.Invalid for a receiver who is not in Adgang,
// for rights that the giver cannot pass on, and for the term.
func (s *Service) Give(ctx context.Context, by access.Actor, t Terms) (Power, error) {
	needs := access.GiveAttorney
	if t.Person != "" {
		needs = access.GivePersonal
	}
	if err := by.Need(needs); err != nil {
		return Power{}, err
	}
	giver, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return Power{}, err
	}
	receiver, err := s.partner(ctx, giver, t.CVR)
	if err != nil {
		return Power{}, err
	}
	p, err := s.draft(giver, receiver, t)
	if err != nil {
		return p, err
	}
	p.State = Active
	person, err := s.person(ctx, receiver, t.Person)
	if err != nil {
		return p, err
	}
	p.ReceiverID, p.Person = person.ID, strings.TrimSpace(t.Person)
	if err := s.passable(ctx, p, t.Rights); err != nil {
		return p, err
	}
	return p, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.insert(ctx, tx, p, t.Rights); err != nil {
			return err
		}
		if err := s.both(ctx, tx, by, p, "give", "receive"); err != nil {
			return err
		}
		if p.ReceiverID == "" {
			return s.tell(ctx, tx, p, p.ReceiverOrgID, access.AttachAttorney, mail.KindPowerGiven, "/powers/received", nil)
		}
		row := attachment{ReceiverOrgID: p.ReceiverOrgID, AttorneyID: p.ID, EmployeeID: p.ReceiverID, AttachedAt: p.CreatedAt}
		if _, err := tx.NewInsert().Model(&row).Exec(store.AcrossTenants(ctx)); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, p, p.ReceiverOrgID, access.AttachAttorney, mail.KindPowerGiven, "/powers/received", nil); err != nil {
			return err
		}
		return s.write(ctx, tx, p, person, mail.KindPowerAttached, "/me")
	})
}

// Request asks another organisation for a power of attorney, with a reason of 10
// to 500 characters. Errors: fault.Denied without the right to attach; else as
// Give.
func (s *Service) Request(ctx context.Context, by access.Actor, t Terms) (Power, error) {
	if err := by.Need(access.AttachAttorney); err != nil {
		return Power{}, err
	}
	receiver, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return Power{}, err
	}
	giver, err := s.partner(ctx, receiver, t.CVR)
	if err != nil {
		return Power{}, err
	}
	p, err := s.draft(giver, receiver, t)
	if err != nil {
		return p, err
	}
	p.State = Requested
	if p.Reason, err = approval.Reason(t.Reason); err != nil {
		return p, err
	}
	if err := s.passable(ctx, p, t.Rights); err != nil {
		return p, err
	}
	return p, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.insert(ctx, tx, p, t.Rights); err != nil {
			return err
		}
		if err := s.both(ctx, tx, by, p, "request", "be_asked"); err != nil {
			return err
		}
		return s.tell(ctx, tx, p, p.GiverID, access.GiveAttorney, mail.KindPowerRequested, "/powers/given", nil)
	})
}

// partner finds the other organisation.
func (s *Service) partner(ctx context.Context, own org.Organisation, cvr string) (org.Organisation, error) {
	cvr = strings.ReplaceAll(cvr, " ", "")
	if cvr == own.CVR {
		return org.Organisation{}, fault.New(fault.Invalid, "attorney.party.own", "A power of attorney needs another organisation than your own.").On("cvr")
	}
	other, err := s.Org.ByCVR(store.AcrossTenants(ctx), cvr)
	if fault.KindOf(err) == fault.Absent {
		err = fault.New(fault.Invalid, "attorney.party.unknown", "No organisation with CVR number %.20q uses Adgang yet. It has to be connected before there can be a power of attorney.", cvr).On("cvr")
	}
	return other, err
}

// person finds the employee of the receiver whom the giver named; of one who is
// not there no more is said than that.
func (s *Service) person(ctx context.Context, receiver org.Organisation, named string) (org.Employee, error) {
	named = strings.TrimSpace(named)
	if named == "" {
		return org.Employee{}, nil
	}
	var found []org.Employee
	err := s.DB.NewSelect().Model(&found).Where("org_id = ?", receiver.ID).
		Where("(id = ? OR email = ? OR email = ?)", strings.ToLower(named), named, strings.ToLower(named)).
		Where("state = ?", org.Active).Order("id").Limit(2).Scan(store.AcrossTenants(ctx))
	if err != nil {
		return org.Employee{}, err
	}
	if len(found) != 1 {
		return org.Employee{}, fault.New(fault.Invalid, "attorney.person.unknown", "%s has no active employee, or more than one, with that UUID or e-mail address. Ask the person for the UUID: it is on their own page.", receiver.Name).On("person")
	}
	return found[0], nil
}

func (s *Service) draft(giver, receiver org.Organisation, t Terms) (Power, error) {
	now := store.Instant(s.Now())
	p := Power{
		ID: store.NewID(), GiverID: giver.ID, ReceiverOrgID: receiver.ID, GiverCVR: giver.CVR, GiverName: giver.Name,
		ReceiverCVR: receiver.CVR, ReceiverName: receiver.Name, FromAt: store.Instant(t.From), UntilAt: store.InstantPtr(t.Until), CreatedAt: now,
	}
	if t.From.IsZero() {
		p.FromAt = now
	}
	if p.UntilAt != nil && (!p.UntilAt.After(p.FromAt) || !p.UntilAt.After(now)) {
		return p, fault.New(fault.Invalid, "attorney.term.past", "The power of attorney must end after it begins, and not before today.").On("until")
	}
	return p, nil
}

// passable checks that the giver may use the rights and that the receiver's
// employees can log in to their services.
func (s *Service) passable(ctx context.Context, p Power, ids []entitlement.ID) error {
	if len(ids) == 0 || len(ids) > maxRights {
		return fault.New(fault.Invalid, "attorney.rights.number", "Choose 1 to %d rights.", maxRights).On("rights")
	}
	entries, err := entitlement.ByID(ctx, s.DB, p.GiverID, ids...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		e, ok := entries[id]
		if !ok || !e.Usable || e.RetiredAt != nil || !e.Open && e.OwnerID != p.ReceiverOrgID {
			return fault.New(fault.Invalid, "attorney.right.closed", "One of the rights cannot be passed on: its service is not open to both organisations, or the right is no longer given.").On("rights")
		}
	}
	return nil
}

func (s *Service) insert(ctx context.Context, tx bun.Tx, p Power, ids []entitlement.ID) error {
	if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
		return err
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var rows []right
	for _, id := range slices.Compact(ids) {
		rows = append(rows, right{AttorneyID: p.ID, EntitlementID: id, GiverID: p.GiverID, ReceiverOrgID: p.ReceiverOrgID})
	}
	_, err := store.Insert(ctx, tx, rows, "")
	return err
}
