package entitlement

import (
	"context"
	"fmt"
	"strconv"
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

// Day is the payload of a sweep: a date of UTC, YYYY-MM-DD, and not the clock's,
// so that a sweep which runs late, or again, makes the same mails.
type Day struct {
	Day string `json:"day"`
}

// SweepKind is the daily work of Sweep.
var SweepKind = outbox.NewKind[Day]("entitlement.sweep")

// warnings are how many days ahead the end of a right is announced, longest
// first. One announcement is enough for a right given for less.
var warnings = []int{14, 3}

// notice says that a mail was queued; whoever inserts the row queues it.
type notice struct {
	bun.BaseModel `bun:"table:entitlement_notice"`

	OrgID     access.OrgID      `bun:"org_id,pk"`
	Subject   string            `bun:"subject,pk"`
	Rule      string            `bun:"rule,pk"`
	Receiver  access.EmployeeID `bun:"receiver,pk"`
	CreatedAt time.Time         `bun:"created_at"`
}

// first tells whether a notice is new, and remembers it.
func (s *Service) first(ctx context.Context, tx bun.Tx, by access.OrgID, subject, rule string, receiver access.EmployeeID) (bool, error) {
	n, err := store.Insert(ctx, tx, []notice{{
		OrgID: by, Subject: subject, Rule: rule, Receiver: receiver, CreatedAt: store.Instant(s.Now()),
	}}, "ON CONFLICT DO NOTHING")
	return n == 1, err
}

// deciders are those who may decide requests; without any, the organisation
// administrators hear that somebody must be made one.
func deciders(ctx context.Context, db bun.IDB, by access.OrgID) ([]org.Employee, error) {
	all, err := org.Having(ctx, db, by, access.RightsAdministrator)
	if err == nil && len(all) == 0 {
		all, err = org.Having(ctx, db, by, access.OrganisationAdministrator)
	}
	return all, err
}

// ring mails those who decide that requests wait: each of them once in a span of
// time, however many come.
func (s *Service) ring(ctx context.Context, tx bun.Tx, by access.Actor, span string) error {
	people, err := deciders(ctx, tx, by.OrgID)
	if err != nil || len(people) == 0 {
		return err
	}
	open, err := tx.NewSelect().Model((*Request)(nil)).Where("org_id = ?", by.OrgID).Where("state = ?", Open).Count(ctx)
	if err != nil {
		return err
	}
	o, err := org.ByID(ctx, tx, by.OrgID)
	if err != nil {
		return err
	}
	var drafts []mail.Draft
	for _, e := range people {
		if e.ID == by.Employee && len(people) > 1 {
			continue
		}
		if ok, err := s.first(ctx, tx, by.OrgID, "requests", span, e.ID); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		drafts = append(drafts, draftTo(o, e, mail.KindRightsAsked, map[string]string{
			"count": strconv.FormatInt(open, 10), "address": s.BaseURL + "/rights/requests",
		}))
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

func draftTo(o org.Organisation, e org.Employee, kind string, params map[string]string) mail.Draft {
	params["organisation"] = o.Name
	return mail.Draft{Org: o.ID, Employee: e.ID, Kind: kind, Lang: e.Lang, Name: e.Name(), Address: e.Email, Params: params}
}

// tell mails the employee what became of a request.
func (s *Service) tell(ctx context.Context, tx bun.Tx, q Request, r Entry, kind, reason string) error {
	e, err := org.Get(ctx, tx, q.OrgID, q.EmployeeID)
	if err != nil || e.Email == "" {
		return err
	}
	o, err := org.ByID(ctx, tx, q.OrgID)
	if err != nil {
		return err
	}
	d := draftTo(o, e, kind, map[string]string{"service": r.ServiceName})
	d.Params["right"] = nameOf(r.Right, d.Lang)
	if reason != "" {
		d.Params["reason"] = reason
	}
	if until, err := untilOf(ctx, tx, q.ID); err != nil || until != nil {
		if err != nil {
			return err
		}
		d.Params["until"] = until.Format(time.RFC3339)
	}
	return s.Mail.Queue(ctx, tx, "", d)
}

func untilOf(ctx context.Context, db bun.IDB, id RequestID) (until *time.Time, err error) {
	err = db.NewSelect().Model((*Request)(nil)).Column("until_at").Where("id = ?", id).Scan(ctx, &until)
	return until, err
}

func nameOf(r Right, lang string) string {
	if lang == mail.English {
		return r.NameEN
	}
	return r.NameDA
}

// Sweep does what a day asks for, once each however often and wherever it runs:
// requests that nobody answered end, those who decide hear what still waits, and
// the end of time-limited rights is announced 14 and 3 days before. It looks at
// the whole span, so that days without a sweep are made up for. Errors:
// fault.Invalid for a day that is none.
func (s *Service) Sweep(ctx context.Context, d Day) error {
	day, err := time.Parse(time.DateOnly, d.Day)
	if err != nil {
		return fault.New(fault.Invalid, "entitlement.day.form", "%q is not a day; it must be written YYYY-MM-DD.", d.Day).Because(err)
	}
	if err := s.endRequests(ctx); err != nil {
		return fmt.Errorf("end requests for rights: %w", err)
	}
	if err := s.remind(ctx, d.Day); err != nil {
		return fmt.Errorf("remind of requests for rights: %w", err)
	}
	for i, days := range warnings {
		from := day
		if i+1 < len(warnings) {
			from = day.AddDate(0, 0, warnings[i+1]+1)
		}
		if err := s.announce(ctx, day, from, day.AddDate(0, 0, days+1), "ends_"+strconv.Itoa(days)); err != nil {
			return fmt.Errorf("announce the end of rights: %w", err)
		}
	}
	return nil
}

// endRequests ends requests that are past their time.
func (s *Service) endRequests(ctx context.Context) error {
	for {
		var due []Request
		err := s.DB.NewSelect().Model(&due).Where("state = ?", Open).Where("expires_at <= ?", store.Instant(s.Now())).
			Order("expires_at", "id").Limit(pageSize).Scan(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, q := range due {
			err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
				if err := s.settle(ctx, tx, access.System(q.OrgID), q, Expired, "", nil); err != nil {
					return err
				}
				found, err := rightsByID(ctx, tx, q.OrgID, []ID{q.EntitlementID})
				if err != nil {
					return err
				}
				return s.tell(ctx, tx, q, found[q.EntitlementID], mail.KindRightUnasked, "")
			})
			if err != nil && fault.KindOf(err) != fault.Conflict { // decided at this instant
				return err
			}
		}
	}
}

// remind mails those who decide about requests that were open before the day.
func (s *Service) remind(ctx context.Context, day string) error {
	var waiting []access.OrgID
	err := s.DB.NewSelect().Model((*Request)(nil)).ColumnExpr("DISTINCT org_id").Where("state = ?", Open).
		Where("expires_at > ?", store.Instant(s.Now())).Order("org_id").Scan(ctx, &waiting)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			return s.ring(ctx, tx, access.System(id), "day "+day)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// announce mails about rights that end in [from, to).
func (s *Service) announce(ctx context.Context, day, from, to time.Time, rule string) error {
	for last := AssignmentID(""); ; {
		var page []Assignment
		err := s.DB.NewSelect().Model(&page).Where("until_at >= ?", store.Instant(from)).Where("until_at < ?", store.Instant(to)).
			Where("id > ?", last).Order("id").Limit(pageSize).Scan(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, a := range page {
			err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.warn(ctx, tx, day, a, rule) })
			if err != nil {
				return err
			}
		}
		last = page[len(page)-1].ID
	}
}

// warn queues the mails about the end of one right, to the employee or, of a
// group's right, to those who decide. A new term is announced anew.
func (s *Service) warn(ctx context.Context, tx bun.Tx, day time.Time, a Assignment, rule string) error {
	people, group, err := s.concerned(ctx, tx, a)
	if err != nil {
		return err
	}
	found, err := rightsByID(ctx, tx, a.OrgID, []ID{a.EntitlementID})
	if err != nil {
		return err
	}
	o, err := org.ByID(ctx, tx, a.OrgID)
	if err != nil {
		return err
	}
	r := found[a.EntitlementID]
	for _, e := range people {
		ok, err := s.first(ctx, tx, a.OrgID, string(a.ID)+" "+a.UntilAt.UTC().Format(time.RFC3339), rule, e.ID)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		d := draftTo(o, e, mail.KindRightExpiring, map[string]string{
			"service": r.ServiceName, "until": a.UntilAt.UTC().Format(time.RFC3339), "days": strconv.Itoa(max(1, int(a.UntilAt.Sub(day)/(24*time.Hour)))),
		})
		d.Params["right"] = nameOf(r.Right, d.Lang)
		if group != "" {
			d.Params["group"] = group
		}
		if err := s.Mail.Queue(ctx, tx, "", d); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.By(access.System(a.OrgID), s.Now(), "entitlement.announce", "employee:"+string(e.ID), rule+" "+r.URI)); err != nil {
			return err
		}
	}
	return nil
}

// concerned are those who hear of the end of an assignment.
func (s *Service) concerned(ctx context.Context, db bun.IDB, a Assignment) (people []org.Employee, group string, err error) {
	if a.GroupID != "" {
		g, err := groupOf(ctx, db, a.OrgID, a.GroupID)
		if err != nil {
			return nil, "", err
		}
		people, err = deciders(ctx, db, a.OrgID)
		return people, g.Name, err
	}
	e, err := org.Get(ctx, db, a.OrgID, a.EmployeeID)
	if err != nil || e.State != org.Active || e.Email == "" {
		return nil, "", err
	}
	return []org.Employee{e}, "", nil
}
