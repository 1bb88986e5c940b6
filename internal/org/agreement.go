package org

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/operator"
	"github.com/adgang/adgang/internal/store"
)

// Ending is the end of an organisation's agreement: the day from which nobody of
// it logs in. Nil takes an end back that has not come.
type Ending struct {
	At *time.Time `json:"at"`
}

// EndAct is ending the agreement.
var EndAct = approval.NewAct[Ending]("org.end", access.ChangeSettings, "opsige aftalen", "end the agreement")

// farthest is how many days ahead an end may be set.
const farthest = 366

// Ended tells whether the agreement is over at an instant.
func (o Organisation) Ended(now time.Time) bool { return o.EndsAt != nil && !o.EndsAt.After(now) }

// End ends the agreement at the beginning of a day, UTC, today or later, or with
// nil takes an end back. cvr is typed to confirm. What is stored stays for its
// time of retention. It returns the request when a second person has to approve.
// Errors: fault.Denied; fault.Invalid on cvr or at; fault.Conflict for an end that
// has come.
func (s *Service) End(ctx context.Context, by access.Actor, cvr string, at *time.Time) (waiting *approval.Request, err error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return nil, err
	}
	o, err := s.Organisation(ctx, by.OrgID)
	if err != nil {
		return nil, err
	}
	if cvr != o.CVR {
		return nil, fault.New(fault.Invalid, "org.end.cvr", "Type the organisation's CVR number to confirm.").On("cvr")
	}
	if at != nil {
		day := at.UTC().Truncate(24 * time.Hour)
		today := s.Now().UTC().Truncate(24 * time.Hour)
		if day.Before(today) || day.After(today.AddDate(0, 0, farthest)) {
			return nil, fault.New(fault.Invalid, "org.end.day", "Choose a day from today and at most a year ahead.").On("at")
		}
		at = &day
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		waiting, err = EndAct.Ask(ctx, tx, s.Approval, by, Ending{at}, approval.About{Object: "organisation:" + string(by.OrgID)})
		if waiting != nil || err != nil {
			return err
		}
		return s.EndTx(ctx, tx, by, Ending{at})
	})
	return waiting, err
}

// EndTx is End when nobody is left to be asked.
func (s *Service) EndTx(ctx context.Context, tx bun.Tx, by access.Actor, e Ending) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	now := store.Instant(s.Now())
	res, err := tx.NewUpdate().Model((*Organisation)(nil)).Set("ends_at = ?", store.InstantPtr(e.At)).
		Where("id = ?", by.OrgID).Where("(ends_at IS NULL OR ends_at > ?)", now).Exec(ctx)
	if err := store.One(res, err, "org.end"); err != nil {
		return err
	}
	verb, note := "organisation.end", ""
	if e.At == nil {
		verb = "organisation.end_withdraw"
	} else {
		note = e.At.Format(time.DateOnly)
	}
	if err := audit.Record(ctx, tx, audit.By(by, now, verb, "organisation:"+string(by.OrgID), note)); err != nil || e.At == nil {
		return err
	}
	return s.tellOperators(ctx, tx, by.OrgID, note)
}

func (s *Service) tellOperators(ctx context.Context, tx bun.Tx, id access.OrgID, day string) error {
	o, err := ByID(ctx, tx, id)
	if err != nil {
		return err
	}
	operators, err := operator.Active(ctx, tx)
	if err != nil {
		return err
	}
	var drafts []mail.Draft
	for _, one := range operators {
		drafts = append(drafts, mail.Draft{
			Org: id, Kind: mail.KindAgreementEnd, Lang: mail.Danish, Name: one.Name, Address: one.Email,
			Params: map[string]string{"organisation": o.Name, "cvr": o.CVR, "day": day},
		})
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}
