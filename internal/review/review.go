// Package review holds access reviews: a campaign asks reviewers, until a day,
// about every right in a service or of a group, whether it is still needed. What
// they answer takes effect at once; what nobody has answered when it is due is
// kept or taken away, as the campaign says. The result stays.
package review

import (
	"context"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB      *bun.DB
	Rights  *entitlement.Service
	Mail    *mail.Service
	Now     func() time.Time
	Log     *slog.Logger
	BaseURL string
}

// What a campaign is about, and what becomes of what nobody answers.
const (
	OfGroup   = "group"
	OfService = "service"
	Keep      = "keep"
	Remove    = "remove"
	Open      = "open"
	Closed    = "closed"
)

// Decisions about an item; "" is none yet.
const (
	Kept    = "kept"
	Removed = "removed"
	Gone    = "gone" // was not there any more
)

const (
	pageSize = 50
	maxItems = 20_000
)

// Campaign is one access review.
type Campaign struct {
	bun.BaseModel `bun:"table:review_campaign"`

	ID          string       `bun:"id,pk"`
	OrgID       access.OrgID `bun:"org_id"`
	Name        string       `bun:"name"`
	SubjectKind string       `bun:"subject_kind"`
	SubjectID   string       `bun:"subject_id"`
	SubjectName string       `bun:"subject_name"`
	DueOn       string       `bun:"due_on"` // YYYY-MM-DD, the last day to answer
	Undecided   string       `bun:"undecided"`
	State       string       `bun:"state"`
	CreatedBy   string       `bun:"created_by"`
	CreatedAt   time.Time    `bun:"created_at"`
	ClosedAt    *time.Time   `bun:"closed_at"`
}

// View is a campaign with its counts.
type View struct {
	Campaign `bun:",extend"`

	Total     int64 `bun:"total"`
	Kept      int64 `bun:"kept"`
	Removed   int64 `bun:"removed"`
	Gone      int64 `bun:"gone"`
	Reviewers []org.Employee
}

// Item is one right or membership of a campaign.
type Item struct {
	bun.BaseModel `bun:"table:review_item"`

	ID           string                   `bun:"id,pk"`
	OrgID        access.OrgID             `bun:"org_id"`
	CampaignID   string                   `bun:"campaign_id"`
	Kind         string                   `bun:"kind"` // assignment, membership
	EmployeeID   access.EmployeeID        `bun:"employee_id"`
	Who          string                   `bun:"who"` // name of the employee, or of the group whose right it is
	GroupID      entitlement.GroupID      `bun:"group_id"`
	AssignmentID entitlement.AssignmentID `bun:"assignment_id"`
	WhatDA       string                   `bun:"what_da"`
	WhatEN       string                   `bun:"what_en"`
	Limits       string                   `bun:"limits"` // unit and constraints
	UntilAt      *time.Time               `bun:"until_at"`
	Decision     string                   `bun:"decision"`
	ByDefault    bool                     `bun:"by_default"`
	DecidedBy    string                   `bun:"decided_by"`
	Decider      string                   `bun:"decider"` // name, "" for the default
	DecidedAt    *time.Time               `bun:"decided_at"`
	Note         string                   `bun:"note"`
}

type reviewer struct {
	bun.BaseModel `bun:"table:review_reviewer"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	CampaignID string            `bun:"campaign_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id,pk"`
}

// Plan is a campaign to start. Without reviewers the rights administrators are.
type Plan struct {
	Name        string
	SubjectKind string
	SubjectID   string
	DueOn       string
	Undecided   string
	Reviewers   []access.EmployeeID
}

func (s *Service) check(p *Plan) error {
	p.Name = strings.TrimSpace(p.Name)
	if n := utf8.RuneCountInString(p.Name); n == 0 || n > 200 {
		return fault.New(fault.Invalid, "review.name.length", "A review needs a name of 1 to 200 characters.").On("name")
	}
	due, err := time.Parse(time.DateOnly, p.DueOn)
	today := s.Now().UTC().Truncate(24 * time.Hour)
	if err != nil || due.Before(today) || due.After(today.AddDate(1, 0, 0)) {
		return fault.New(fault.Invalid, "review.due.form", "The last day must be a day from today and within a year.").On("due_on")
	}
	if p.Undecided != Keep && p.Undecided != Remove {
		return fault.New(fault.Invalid, "review.undecided.unknown", "What nobody has decided on the last day is kept (keep) or taken away (remove).").On("undecided")
	}
	if len(p.Reviewers) > 100 {
		return fault.New(fault.Invalid, "review.reviewers.many", "A review has at most 100 reviewers.").On("reviewers")
	}
	return nil
}

// Start begins a campaign about everything that is given now, and mails the
// reviewers. Errors: fault.Denied, fault.Absent, fault.Invalid, fault.Conflict
// when there is nothing to review or nobody to do it.
func (s *Service) Start(ctx context.Context, by access.Actor, p Plan) (Campaign, error) {
	if err := by.Need(access.ManageReviews); err != nil {
		return Campaign{}, err
	}
	if err := s.check(&p); err != nil {
		return Campaign{}, err
	}
	c := Campaign{
		ID: store.NewID(), OrgID: by.OrgID, Name: p.Name, SubjectKind: p.SubjectKind, SubjectID: p.SubjectID, DueOn: p.DueOn,
		Undecided: p.Undecided, State: Open, CreatedBy: by.ID, CreatedAt: store.Instant(s.Now()),
	}
	items, err := s.items(ctx, &c)
	if err != nil {
		return c, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		people, err := reviewersFor(ctx, tx, by.OrgID, p.Reviewers)
		if err != nil {
			return err
		}
		rows := make([]reviewer, len(people))
		for i, e := range people {
			rows[i] = reviewer{OrgID: by.OrgID, CampaignID: c.ID, EmployeeID: e.ID}
		}
		if _, err := store.Insert(ctx, tx, []Campaign{c}, ""); err != nil {
			return err
		}
		if _, err := store.Insert(ctx, tx, rows, ""); err != nil {
			return err
		}
		if _, err := store.Insert(ctx, tx, items, ""); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.By(by, s.Now(), "review.start", "review:"+c.ID, c.SubjectKind+" "+c.SubjectID+" due "+c.DueOn)); err != nil {
			return err
		}
		return s.notify(ctx, tx, c, people, "start", 0)
	})
	return c, err
}

// reviewersFor returns the named employees, or the rights administrators.
func reviewersFor(ctx context.Context, tx bun.Tx, by access.OrgID, ids []access.EmployeeID) (people []org.Employee, err error) {
	if len(ids) == 0 {
		people, err = org.Having(ctx, tx, by, access.RightsAdministrator)
		if err == nil && len(people) == 0 {
			err = fault.New(fault.Conflict, "review.reviewers.none", "Your organisation has no rights administrator. Name the reviewers.").On("reviewers")
		}
		return people, err
	}
	seen := map[access.EmployeeID]bool{}
	for _, id := range ids {
		e, err := org.Get(ctx, tx, by, id)
		if err != nil {
			return nil, err
		}
		if e.State != org.Active {
			return nil, fault.New(fault.Conflict, "review.reviewers.inactive", "A reviewer must be an active employee.").On("reviewers")
		}
		if !seen[id] {
			seen[id] = true
			people = append(people, e)
		}
	}
	return people, nil
}

// items are what a campaign asks about; it fills in the subject's name.
func (s *Service) items(ctx context.Context, c *Campaign) ([]Item, error) {
	var all []entitlement.Subject
	var err error
	switch c.SubjectKind {
	case OfService:
		c.SubjectName, all, err = s.Rights.ServiceSubjects(ctx, c.OrgID, c.SubjectID)
	case OfGroup:
		c.SubjectName, all, err = s.Rights.GroupSubjects(ctx, c.OrgID, entitlement.GroupID(c.SubjectID))
	default:
		err = fault.New(fault.Invalid, "review.subject.unknown", "A review is about a group (group) or a service (service).").On("subject_kind")
	}
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || len(all) > maxItems {
		return nil, fault.New(fault.Conflict, "review.subject.empty", "There is nothing to review there, or more than %d rights. Choose another group or service.", maxItems).On("subject_id")
	}
	items := make([]Item, len(all))
	for i, one := range all {
		items[i] = itemOf(*c, one)
	}
	return items, nil
}

func itemOf(c Campaign, one entitlement.Subject) Item {
	i := Item{
		ID: store.NewID(), OrgID: c.OrgID, CampaignID: c.ID, Kind: "assignment", EmployeeID: one.Employee, Who: one.Person.Name(),
		GroupID: one.Group, AssignmentID: one.Assignment, WhatDA: one.Right.NameDA, WhatEN: one.Right.NameEN, UntilAt: one.Until,
	}
	if one.Assignment == "" {
		i.Kind, i.WhatDA, i.WhatEN = "membership", one.GroupName, one.GroupName
		return i
	}
	if one.Employee == "" {
		i.Who = one.GroupName
	}
	limits := []string{}
	if one.Scope.Value != "" {
		limits = append(limits, one.Scope.Kind+" "+one.Scope.Value)
	}
	for _, chosen := range one.Chosen {
		limits = append(limits, chosen.Name+"="+strings.Join(chosen.Values, ","))
	}
	i.Limits = strings.Join(limits, "; ")
	return i
}
