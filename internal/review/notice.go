package review

import (
	"context"
	"errors"
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

// Day is the payload of a sweep: a date of UTC, YYYY-MM-DD, and not the clock's.
type Day struct {
	Day string `json:"day"`
}

// SweepKind is the daily work of Sweep.
var SweepKind = outbox.NewKind[Day]("review.sweep")

// notice says that a mail was queued; whoever inserts the row queues it.
type notice struct {
	bun.BaseModel `bun:"table:review_notice"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	CampaignID string            `bun:"campaign_id,pk"`
	Rule       string            `bun:"rule,pk"`
	Receiver   access.EmployeeID `bun:"receiver,pk"`
	CreatedAt  time.Time         `bun:"created_at"`
}

// ruleOn is the reminder that is due so many days before the last one, "" for
// none. A span and not a day, so that a missed sweep is made up for.
func ruleOn(days int) string {
	switch {
	case days == 0:
		return "due"
	case days == 1:
		return "due_1"
	case days > 1 && days <= 7:
		return "due_7"
	}
	return ""
}

// Sweep reminds reviewers 7 days and 1 day before the last one and on it, each
// once, and ends what is past its last day. Errors: fault.Invalid for a day that
// is none.
func (s *Service) Sweep(ctx context.Context, d Day) error {
	day, err := time.Parse(time.DateOnly, d.Day)
	if err != nil {
		return fault.New(fault.Invalid, "review.day.form", "%q is not a day; it must be written YYYY-MM-DD.", d.Day).Because(err)
	}
	var all []Campaign
	err = s.DB.NewSelect().Model(&all).Where("state = ?", Open).Where("due_on <= ?", day.AddDate(0, 0, 7).Format(time.DateOnly)).
		Order("due_on", "id").Scan(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range all {
		if err := s.sweep(ctx, day, c); err != nil {
			errs = append(errs, fmt.Errorf("review %s: %w", c.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) sweep(ctx context.Context, day time.Time, c Campaign) error {
	due, err := time.Parse(time.DateOnly, c.DueOn)
	if err != nil {
		return err
	}
	days := int(due.Sub(day) / (24 * time.Hour))
	if days < 0 {
		if err := s.end(ctx, access.System(c.OrgID), c); fault.KindOf(err) != fault.Conflict {
			return err
		}
		return nil // ended at this instant
	}
	rule := ruleOn(days)
	if rule == "due_7" && c.CreatedAt.After(day.AddDate(0, 0, -2)) {
		return nil // its reviewers have just been told of it
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		open, err := tx.NewSelect().Model((*Item)(nil)).Where("org_id = ?", c.OrgID).Where("campaign_id = ?", c.ID).Where("decision = ''").Count(ctx)
		if err != nil || open == 0 {
			return err
		}
		people, err := reviewersOf(ctx, tx, c.OrgID, c.ID)
		if err != nil {
			return err
		}
		return s.notify(ctx, tx, c, people, rule, int(open))
	})
}

// notify mails the active ones of people, each once a rule.
func (s *Service) notify(ctx context.Context, tx bun.Tx, c Campaign, people []org.Employee, rule string, open int) error {
	o, err := org.ByID(ctx, tx, c.OrgID)
	if err != nil {
		return err
	}
	now := store.Instant(s.Now())
	for _, e := range people {
		if e.State != org.Active || e.Email == "" {
			continue
		}
		n, err := store.Insert(ctx, tx, []notice{{OrgID: c.OrgID, CampaignID: c.ID, Rule: rule, Receiver: e.ID, CreatedAt: now}}, "ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		params := map[string]string{
			"organisation": o.Name, "review": c.Name, "subject": c.SubjectName, "address": s.BaseURL + "/rights/reviews/" + c.ID,
			"due": c.DueOn, "undecided": c.Undecided,
		}
		if rule != "start" {
			params["open"] = strconv.Itoa(open)
		}
		d := mail.Draft{Org: c.OrgID, Employee: e.ID, Kind: mail.KindReview, Lang: e.Lang, Name: e.Name(), Address: e.Email, Params: params}
		if err := s.Mail.Queue(ctx, tx, "", d); err != nil {
			return err
		}
		if rule == "start" {
			continue // review.start tells it
		}
		if err := audit.Record(ctx, tx, audit.By(access.System(c.OrgID), now, "review.remind", "employee:"+string(e.ID), rule+" review "+c.ID)); err != nil {
			return err
		}
	}
	return nil
}
