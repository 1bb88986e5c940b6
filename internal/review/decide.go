package review

import (
	"context"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// views selects campaigns with their counts.
func views(db bun.IDB, into any, by access.OrgID) *bun.SelectQuery {
	count := func(decision string) string {
		return "(SELECT count(*) FROM review_item AS i WHERE i.org_id = c.org_id AND i.campaign_id = c.id" + decision + ")"
	}
	return db.NewSelect().Model(into).ModelTableExpr("review_campaign AS c").ColumnExpr("c.*").
		ColumnExpr(count("")+" AS total").ColumnExpr(count(" AND i.decision = ?")+" AS kept", Kept).
		ColumnExpr(count(" AND i.decision = ?")+" AS removed", Removed).ColumnExpr(count(" AND i.decision = ?")+" AS gone", Gone).
		Where("c.org_id = ?", by)
}

// seen narrows campaigns to those that an actor reviews, unless the actor may see
// all. Whoever is no employee needs the right.
func seen(q *bun.SelectQuery, by access.Actor) error {
	if by.May(access.ManageReviews) && by.OrgID != "" {
		return nil
	}
	if by.Employee == "" {
		return by.Need(access.ManageReviews)
	}
	q.Where("c.id IN (SELECT r.campaign_id FROM review_reviewer AS r WHERE r.org_id = ? AND r.employee_id = ?)", by.OrgID, by.Employee)
	return nil
}

// Campaigns returns a page of campaigns, newest first, and the cursor of the
// next: all of them for who may start one, else those that the employee reviews.
func (s *Service) Campaigns(ctx context.Context, by access.Actor, cursor string) ([]View, string, error) {
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var page []View
	q := views(s.DB, &page, by.OrgID)
	if err := seen(q, by); err != nil {
		return nil, "", err
	}
	if after != nil {
		q.Where("c.id < ?", after[0])
	}
	if err := q.Order("c.id DESC").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		next = store.Cursor(page[pageSize-1].ID)
	}
	return page, next, nil
}

// Campaign returns one campaign with its reviewers. Errors: fault.Denied for an
// actor who is no employee, fault.Absent also when the employee does not review it.
func (s *Service) Campaign(ctx context.Context, by access.Actor, id string) (View, error) {
	var found []View
	q := views(s.DB, &found, by.OrgID).Where("c.id = ?", id)
	if err := seen(q, by); err != nil {
		return View{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return View{}, err
	}
	if len(found) == 0 {
		return View{}, fault.New(fault.Absent, "review.campaign.absent", "There is no such review for you to see.")
	}
	people, err := reviewersOf(ctx, s.DB, by.OrgID, id)
	found[0].Reviewers = people
	return found[0], err
}

func reviewersOf(ctx context.Context, db bun.IDB, by access.OrgID, id string) (people []org.Employee, err error) {
	err = db.NewSelect().Model(&people).Where("employee.org_id = ?", by).
		Where("employee.id IN (SELECT r.employee_id FROM review_reviewer AS r WHERE r.org_id = ? AND r.campaign_id = ?)", by, id).
		Order("employee.sort_key", "employee.id").Scan(ctx)
	return people, err
}

// Items returns a page of a campaign's items by name, undecided ones only if
// asked. Errors: as Campaign, and fault.Invalid.
func (s *Service) Items(ctx context.Context, by access.Actor, id string, undecided bool, cursor string) ([]Item, string, error) {
	if _, err := s.Campaign(ctx, by, id); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	return s.itemPage(ctx, by.OrgID, id, undecided, after, pageSize)
}

func (s *Service) itemPage(ctx context.Context, by access.OrgID, id string, undecided bool, after []string, size int) ([]Item, string, error) {
	var page []Item
	q := s.DB.NewSelect().Model(&page).Where("org_id = ?", by).Where("campaign_id = ?", id)
	if undecided {
		q.Where("decision = ''")
	}
	if after != nil {
		q.Where("(who, id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("who", "id").Limit(int64(size) + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > size {
		page = page[:size]
		next = store.Cursor(page[size-1].Who, page[size-1].ID)
	}
	return page, next, nil
}

// Answer is what a reviewer says of an item: Kept or Removed, with a note of at
// most 500 characters.
type Answer struct {
	Item     string
	Decision string
	Note     string
}

// Decide records a reviewer's answer; Removed takes the right or membership away
// at once. Nobody answers about themselves, and nobody twice. Errors:
// fault.Denied, fault.Absent, fault.Invalid, fault.Conflict when it is decided or
// the campaign closed.
func (s *Service) Decide(ctx context.Context, by access.Actor, id string, a Answer) error {
	if _, err := s.Campaign(ctx, by, id); err != nil {
		return err
	}
	if a.Decision != Kept && a.Decision != Removed || utf8.RuneCountInString(a.Note) > 500 {
		return fault.New(fault.Invalid, "review.answer.form", "Answer kept or removed, with a note of at most 500 characters.").On("decision")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		reviews, err := tx.NewSelect().Model((*reviewer)(nil)).Where("org_id = ?", by.OrgID).Where("campaign_id = ?", id).
			Where("employee_id = ?", by.Employee).Exists(ctx)
		if err != nil {
			return err
		}
		if !reviews || by.Employee == "" {
			return fault.New(fault.Denied, "review.reviewer.not", "Only the reviewers of this review answer. Ask one of them.")
		}
		var item Item
		err = tx.NewSelect().Model(&item).Where("org_id = ?", by.OrgID).Where("campaign_id = ?", id).Where("id = ?", a.Item).Scan(ctx)
		if err != nil {
			return store.Found(err, "review.item")
		}
		if item.EmployeeID == by.Employee {
			return fault.New(fault.Denied, "review.item.own", "This is about yourself. Another reviewer must answer.")
		}
		return s.settle(ctx, tx, by, item, a.Decision, strings.TrimSpace(a.Note), false)
	})
}

// settle decides an item for good.
func (s *Service) settle(ctx context.Context, tx bun.Tx, by access.Actor, item Item, decision, note string, byDefault bool) error {
	now := store.Instant(s.Now())
	if decision == Removed {
		was, err := s.Rights.TakeReviewed(ctx, tx, by, item.AssignmentID, item.GroupID, item.EmployeeID, "review "+item.CampaignID)
		if err != nil {
			return err
		}
		if !was {
			decision = Gone
		}
	}
	decider := by.Name
	if byDefault {
		decider = ""
	}
	res, err := tx.NewUpdate().Model((*Item)(nil)).Set("decision = ?", decision).Set("by_default = ?", byDefault).
		Set("decided_by = ?", by.ID).Set("decider = ?", decider).Set("decided_at = ?", now).Set("note = ?", note).
		Where("org_id = ?", item.OrgID).Where("id = ?", item.ID).Where("decision = ''").
		Where("campaign_id IN (SELECT c.id FROM review_campaign AS c WHERE c.org_id = ? AND c.state = ?)", item.OrgID, Open).Exec(ctx)
	if err := store.One(res, err, "review.item"); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, now, "review.decide", "review_item:"+item.ID, decision))
}

// Close ends a campaign before its day; what is undecided is treated as on the
// day. Errors: fault.Denied, fault.Absent, fault.Conflict when it is closed.
func (s *Service) Close(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.ManageReviews); err != nil {
		return err
	}
	v, err := s.Campaign(ctx, by, id)
	if err != nil {
		return err
	}
	return s.end(ctx, by, v.Campaign)
}

// end applies the default to what is undecided, a lot a transaction, and closes.
func (s *Service) end(ctx context.Context, by access.Actor, c Campaign) error {
	if c.State != Open {
		return fault.New(fault.Conflict, "review.campaign.state", "The review is closed already.")
	}
	decision := Kept
	if c.Undecided == Remove {
		decision = Removed
	}
	for {
		page, _, err := s.itemPage(ctx, c.OrgID, c.ID, true, nil, 200)
		if err != nil {
			return err
		}
		err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			for _, item := range page {
				if err := s.settle(ctx, tx, access.System(c.OrgID), item, decision, "", true); err != nil {
					return err
				}
			}
			if len(page) > 0 {
				return nil
			}
			res, err := tx.NewUpdate().Model((*Campaign)(nil)).Set("state = ?", Closed).Set("closed_at = ?", store.Instant(s.Now())).
				Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).Where("state = ?", Open).Exec(ctx)
			if err := store.One(res, err, "review.campaign"); err != nil {
				return err
			}
			return audit.Record(ctx, tx, audit.By(by, s.Now(), "review.close", "review:"+c.ID, ""))
		})
		if err != nil || len(page) == 0 {
			return err
		}
	}
}

// Result writes a campaign's items as CSV for spreadsheets. lang is da or en.
// Errors: as Campaign, and w's.
func (s *Service) Result(ctx context.Context, by access.Actor, id, lang string, w io.Writer) error {
	if _, err := s.Campaign(ctx, by, id); err != nil {
		return err
	}
	out, err := sheet.NewCSV(w, headings[lang == "en"]...)
	if err != nil {
		return err
	}
	for after := []string(nil); ; {
		page, next, err := s.itemPage(ctx, by.OrgID, id, false, after, 500)
		if err != nil {
			return err
		}
		for _, i := range page {
			if err := out.Write(i.line(lang)...); err != nil {
				return err
			}
		}
		if err := out.Close(); err != nil || next == "" {
			return err
		}
		if after, err = store.ParseCursor(next, 2); err != nil {
			return err
		}
	}
}

var headings = map[bool][]string{
	false: {"Hvem", "Hvad", "Slags", "Begrænset til", "Afgørelse", "Af sig selv", "Afgjort af", "Tidspunkt", "Bemærkning"},
	true:  {"Who", "What", "Kind", "Limited to", "Decision", "By default", "Decided by", "At", "Note"},
}

func (i Item) line(lang string) []string {
	what, at, byDefault := i.WhatDA, "", ""
	if lang == "en" {
		what = i.WhatEN
	}
	if i.DecidedAt != nil {
		at = i.DecidedAt.UTC().Format(time.RFC3339)
	}
	if i.ByDefault {
		byDefault = "x"
	}
	return []string{i.Who, what, i.Kind, i.Limits, i.Decision, byDefault, i.Decider, at, i.Note}
}
