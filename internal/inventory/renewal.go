package inventory

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Renewals is a plan for many certificates: each gets a day by which its successor
// is to be there, spread over the working days of a span, so that the successors
// will not all end together either.
type Renewals struct {
	IDs    []string // of the inventory
	From   string   // YYYY-MM-DD
	To     string   // YYYY-MM-DD
	DryRun bool     // say what would happen and change nothing
	Invite bool     // mail owner or contact of each
}

// Renewal is the plan for one certificate.
type Renewal struct {
	ID       string
	Name     string
	NotAfter time.Time
	RenewBy  string // YYYY-MM-DD
	Late     bool   // that day is after its end: it was set to its last working day
	Invited  bool   // a mail or letter was, or would be, sent
	Letter   bool   // it is a letter
	Way      string // how its successor comes: By…
}

// Ways to a successor.
const (
	ByMachine = "machine" // it is ordered for the machine that fetched it over EST, which renews by itself
	ByOrder   = "order"   // of a profile: it is ordered here, and waits for a request (CSR)
	ByMail    = "mail"    // whoever looks after it gets a mail
	ByLetter  = "letter"  // and has no e-mail, or reads none: a letter to print
	ByNobody  = "nobody"  // nobody can be asked
	BySome    = "there"   // it is there, and is to be installed
)

const maxRenewals = 5_000

// Renew plans the renewal of many. Certificates that end first are renewed first.
// Errors: fault.Denied; fault.Invalid, for an ID that is not of the organisation
// too.
func (s *Service) Renew(ctx context.Context, by access.Actor, in Renewals) ([]Renewal, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return nil, err
	}
	days, err := workingDays(in.From, in.To)
	if err != nil {
		return nil, err
	}
	if len(in.IDs) == 0 || len(in.IDs) > maxRenewals {
		return nil, fault.New(fault.Invalid, "inventory.renewal.ids", "Choose from 1 to %d certificates.", maxRenewals).On("ids")
	}
	var plan []Renewal
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var all []Certificate
		err := tx.NewSelect().Model(&all).ExcludeColumn("der").Where("c.org_id = ?", by.OrgID).Where("c.id IN (?)", bun.List(in.IDs)).
			Where("c.plan NOT IN (?, ?)", PlanRetired, PlanInstalled).Order("c.not_after", "c.id").Scan(ctx)
		if err != nil {
			return err
		}
		ids := slices.Compact(slices.Sorted(slices.Values(in.IDs)))
		if len(all) != len(ids) {
			return fault.New(fault.Invalid, "inventory.renewal.unknown", "One of the certificates is not in the inventory any more, or is out of use. Choose anew.").On("ids")
		}
		plan = spread(all, days)
		drafts, err := s.ways(ctx, tx, by, all, plan, in.Invite)
		if err != nil || in.DryRun {
			return err
		}
		if err := s.order(ctx, tx, by, all, plan); err != nil {
			return err
		}
		return s.renew(ctx, tx, by, all, plan, drafts)
	})
	return plan, err
}

// order puts on order what is renewed here.
func (s *Service) order(ctx context.Context, tx bun.Tx, by access.Actor, all []Certificate, plan []Renewal) error {
	var planned []enrolment.Planned
	for i, c := range all {
		if way := plan[i].Way; way == ByMachine || way == ByOrder {
			planned = append(planned, enrolment.Planned{ProfileID: c.ProfileID, Serial: c.Serial, NotAfter: c.NotAfter, RenewBy: plan[i].RenewBy, Machine: way == ByMachine})
		}
	}
	_, err := enrolment.OrderPlanned(ctx, tx, by, s.Now(), planned)
	return err
}

func spread(all []Certificate, days []string) []Renewal {
	plan := make([]Renewal, len(all))
	for i, c := range all {
		day := days[i*len(days)/len(all)]
		last := lastWorkingDay(c.NotAfter)
		plan[i] = Renewal{ID: c.ID, Name: c.Name, NotAfter: c.NotAfter, RenewBy: min(day, last), Late: day > last}
	}
	return plan
}

// ways says of each how its successor comes, and writes the invitations. A machine
// that renews by itself needs none.
func (s *Service) ways(ctx context.Context, tx bun.Tx, by access.Actor, all []Certificate, plan []Renewal, invite bool) ([]mail.Draft, error) {
	o, err := org.ByID(ctx, tx, by.OrgID)
	if err != nil {
		return nil, err
	}
	var drafts []mail.Draft
	ours := ours{now: s.Now(), machines: map[string]map[string]bool{}, orderable: map[string]bool{}}
	for i, c := range all {
		c.RenewBy = plan[i].RenewBy
		d, asked, err := s.invitation(ctx, tx, o, c)
		if err != nil {
			return nil, err
		}
		way, err := ours.way(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		plan[i].Way = firstOf(way, asked)
		if way == ByMachine || way == BySome {
			continue
		}
		if plan[i].Invited = invite && asked != ByNobody; plan[i].Invited {
			plan[i].Letter = asked == ByLetter
			drafts = append(drafts, d)
		}
	}
	return drafts, nil
}

// ours knows what is renewed here, by profile.
type ours struct {
	now       time.Time
	machines  map[string]map[string]bool
	orderable map[string]bool
}

// way is how a certificate is renewed here, "" when it is not.
func (o ours) way(ctx context.Context, tx bun.Tx, c Certificate) (string, error) {
	id := c.ProfileID
	switch {
	case c.SuccessorID != "":
		return BySome, nil
	case id == "":
		return "", nil
	}
	if o.machines[id] == nil {
		var err error
		if o.machines[id], err = enrolment.ByMachine(ctx, tx, c.OrgID, id); err != nil {
			return "", err
		}
		if o.orderable[id], err = enrolment.Orderable(ctx, tx, c.OrgID, id); err != nil {
			return "", err
		}
	}
	switch {
	case !o.orderable[id]:
		return "", nil
	case o.machines[id][c.Serial] && c.NotAfter.After(o.now): // with one that has ended it cannot ask
		return ByMachine, nil
	}
	return ByOrder, nil
}

// RemindOrders tells of renewals that were planned here and have not come by their
// day (YYYY-MM-DD), once each: whoever looks after the certificate, else whoever may
// order. Errors: unexpected only.
func (s *Service) RemindOrders(ctx context.Context, day string) error {
	for after := ""; ; {
		late, err := enrolment.Late(ctx, s.DB, day, after, pageSize)
		if err != nil {
			return err
		}
		for _, o := range late {
			if err := s.remindOrder(ctx, o); err != nil {
				return fmt.Errorf("remind of order %s: %w", o.ID, err)
			}
			after = o.ID
		}
		if len(late) == 0 {
			return nil
		}
	}
}

func (s *Service) remindOrder(ctx context.Context, order enrolment.Order) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		mine, err := enrolment.Reminded(ctx, tx, order, s.Now())
		if err != nil || !mine {
			return err
		}
		var c Certificate
		err = tx.NewSelect().Model(&c).ExcludeColumn("der").Where("c.org_id = ?", order.OrgID).Where("c.profile_id = ?", order.ProfileID).
			Where("c.serial = ?", order.Renews).Where("c.plan <> ?", PlanRetired).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // revoked or out of use: nobody misses its successor
		}
		if err != nil {
			return err
		}
		whose, err := org.ByID(ctx, tx, order.OrgID)
		if err != nil {
			return err
		}
		c.RenewBy = order.RenewBy
		d, way, err := s.invitation(ctx, tx, whose, c)
		if err != nil {
			return err
		}
		d.Kind, d.Params["way"] = mail.KindRenewalLate, order.Method
		drafts := []mail.Draft{d}
		if way == ByNobody {
			people, err := org.Holders(ctx, tx, order.OrgID, access.OrderCertificate)
			if err != nil {
				return err
			}
			drafts = nil
			for _, p := range people {
				d.Employee, d.Lang, d.Name, d.Address = p.ID, p.Lang, p.Name, p.Email
				drafts = append(drafts, d)
			}
		}
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return err
		}
		note := fmt.Sprintf("order %s not used by %s, %d told", order.ID, order.RenewBy, len(drafts))
		return audit.Record(ctx, tx, audit.By(access.System(order.OrgID), s.Now(), "inventory.remind", object(c.ID), note))
	})
}

func (s *Service) renew(ctx context.Context, tx bun.Tx, by access.Actor, all []Certificate, plan []Renewal, drafts []mail.Draft) error {
	var entries []audit.Entry
	for i, c := range all {
		before := c.RenewBy
		c.RenewBy = plan[i].RenewBy
		if c.SwitchOn != "" && c.SwitchOn < c.RenewBy {
			c.SwitchOn = c.RenewBy
		}
		if c.Plan == PlanOpen {
			c.Plan = PlanPlanned
		}
		_, err := tx.NewUpdate().Model(&c).Column("renew_by", "switch_on", "plan").Set("version = version + 1").
			Where("org_id = ?", by.OrgID).Where("id = ?", c.ID).Exec(ctx)
		if err != nil {
			return err
		}
		entries = append(entries, audit.By(by, s.Now(), "inventory.plan", object(c.ID), "renew by "+c.RenewBy).Changed(before, c.RenewBy))
	}
	if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
		return err
	}
	return audit.Record(ctx, tx, entries...)
}

// invitation asks whoever looks after a certificate to renew it: the owner, else
// the contact.
func (s *Service) invitation(ctx context.Context, tx bun.Tx, o org.Organisation, c Certificate) (d mail.Draft, way string, err error) {
	d = mail.Draft{
		Org: c.OrgID, Kind: mail.KindRenewal, Lang: firstOf(c.ContactLang, mail.Danish), Name: firstOf(c.ContactName, c.ContactEmail), Address: c.ContactEmail,
		Params: map[string]string{
			"organisation": o.Name, "certificate": c.Name, "not_after": c.NotAfter.UTC().Format(time.RFC3339), "renew_by": c.RenewBy,
			"address": s.BaseURL + "/inventory/" + c.ID,
		},
	}
	if c.OwnerID != "" {
		e, err := org.Get(ctx, tx, c.OrgID, c.OwnerID)
		if err != nil && fault.KindOf(err) != fault.Absent {
			return d, "", err
		}
		if err == nil && e.State == org.Active && (e.Email != "" || e.Channel == org.ByLetter) {
			d.Employee, d.Lang, d.Name, d.Address = e.ID, e.Lang, e.Name(), e.Email
			if e.Channel == org.ByLetter {
				return d, ByLetter, nil
			}
		}
	}
	switch {
	case d.Address != "":
		return d, ByMail, nil
	case c.ContactPost != "":
		d.Post = c.ContactPost
		return d, ByLetter, nil
	}
	return d, ByNobody, nil
}

// workingDays lists Monday to Friday of a span, at most a year.
func workingDays(from, to string) ([]string, error) {
	first, err := parseDay("from", from)
	if err != nil {
		return nil, err
	}
	last, err := parseDay("to", to)
	if err != nil {
		return nil, err
	}
	if last.Before(first) || last.After(first.AddDate(1, 0, 0)) {
		return nil, fault.New(fault.Invalid, "inventory.renewal.span", "The last day comes after the first one, and within a year of it.").On("to")
	}
	var all []string
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			all = append(all, day.Format(time.DateOnly))
		}
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "inventory.renewal.weekend", "There is no working day between the two.").On("to")
	}
	return all, nil
}

// lastWorkingDay is the last one on which a certificate still counts.
func lastWorkingDay(end time.Time) string {
	day := end.In(copenhagen)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, -1)
	}
	return day.Format(time.DateOnly)
}
