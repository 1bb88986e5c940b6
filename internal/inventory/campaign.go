package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// States of a campaign.
const (
	Draft     = "draft"
	Running   = "running"
	Paused    = "paused" // nothing closes until it goes on
	Cancelled = "cancelled"
	Closed    = "closed"
)

// Outcomes of a member, when the campaign has closed.
const (
	Moved   = "moved"   // its successor is installed everywhere, or it was taken out of use
	Overdue = "closed"  // it was taken out of use by the closing
	Gone    = "deleted" // it was deleted from the inventory before
)

// Campaign moves an organisation from one generation of certificates to the next
// one, until an instant at which the rest is taken out of use.
type Campaign struct {
	bun.BaseModel `bun:"table:inventory_campaign,alias:g"`

	ID         string       `bun:"id,pk"`
	OrgID      access.OrgID `bun:"org_id"`
	Name       string       `bun:"name"`
	Generation string       `bun:"generation"` // that is left: oces1, oces2, oces3, adgang
	ClosesAt   time.Time    `bun:"closes_at"`
	State      string       `bun:"state"`
	CreatedBy  string       `bun:"created_by"`
	CreatedAt  time.Time    `bun:"created_at"`
	StartedAt  *time.Time   `bun:"started_at"`
	ClosedAt   *time.Time   `bun:"closed_at"` // or cancelled
	Round      int64        `bun:"round"`     // of its closing: work for an earlier one is void
}

// CampaignView is a campaign with how far it is. Of a draft the numbers are what
// it would begin with.
type CampaignView struct {
	Campaign
	Plans    map[string]int64 // members by plan, while it is a draft or running
	Outcomes map[string]int64 // members by outcome, when closed
	Total    int64
	NoOwner  int64 // members that nobody looks after
	Revoked  int64 // members that the closing revoked here
	KeyFiles int64 // key files issued here: their holders renew them, and no campaign takes them
}

const maxCampaign = 366 * 24 * time.Hour * 3

func checkClosing(now, closes time.Time) error {
	if !closes.After(now) || closes.After(now.Add(maxCampaign)) {
		return fault.New(fault.Invalid, "inventory.campaign.closes", "Choose an instant from now to three years ahead.").On("closes_at")
	}
	return nil
}

// Campaigns lists the campaigns, newest first, at most 100. Errors: fault.Denied.
func (s *Service) Campaigns(ctx context.Context, by access.Actor) ([]CampaignView, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, err
	}
	var all []Campaign
	if err := s.DB.NewSelect().Model(&all).Where("g.org_id = ?", by.OrgID).Order("g.id DESC").Limit(100).Scan(ctx); err != nil {
		return nil, err
	}
	views := make([]CampaignView, len(all))
	for i, c := range all {
		var err error
		if views[i], err = s.look(ctx, c); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// Campaign returns one. Errors: fault.Denied, fault.Absent.
func (s *Service) Campaign(ctx context.Context, by access.Actor, id string) (CampaignView, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return CampaignView{}, err
	}
	c, err := campaign(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return CampaignView{}, err
	}
	return s.look(ctx, c)
}

func campaign(ctx context.Context, db bun.IDB, id access.OrgID, one string) (Campaign, error) {
	var c Campaign
	err := db.NewSelect().Model(&c).Where("g.org_id = ?", id).Where("g.id = ?", one).Scan(ctx)
	return c, store.Found(err, "inventory.campaign")
}

// members are the certificates that a campaign is about: of a draft all of its
// generation that are in use.
func (c Campaign) members(q *bun.SelectQuery) *bun.SelectQuery {
	q.Where("c.org_id = ?", c.OrgID)
	if c.State == Draft {
		return q.Where("c.generation = ?", c.Generation).Where("c.kind <> ?", OfAuthority).Where("c.plan <> ?", PlanRetired)
	}
	return q.Where("EXISTS (SELECT 1 FROM inventory_member AS m WHERE m.org_id = c.org_id AND m.campaign_id = ? AND m.certificate_id = c.id)", c.ID)
}

func (s *Service) look(ctx context.Context, c Campaign) (CampaignView, error) {
	v := CampaignView{Campaign: c, Plans: map[string]int64{}, Outcomes: map[string]int64{}}
	var counts []struct {
		What string `bun:"what"`
		N    int64  `bun:"n"`
	}
	q := c.members(s.DB.NewSelect().Model((*Certificate)(nil)).ColumnExpr("c.plan AS what, count(*) AS n")).Group("c.plan")
	into := v.Plans
	if c.State == Closed {
		q = s.DB.NewSelect().Model((*Member)(nil)).ColumnExpr("m.outcome AS what, count(*) AS n").Where("m.org_id = ?", c.OrgID).Where("m.campaign_id = ?", c.ID).Group("m.outcome")
		into = v.Outcomes
	}
	if err := q.Scan(ctx, &counts); err != nil {
		return v, err
	}
	for _, one := range counts {
		into[one.What] = one.N
		v.Total += one.N
	}
	if c.State == Closed {
		n, err := s.DB.NewSelect().Model((*Member)(nil)).Where("m.org_id = ?", c.OrgID).Where("m.campaign_id = ?", c.ID).Where("m.action = ?", Revoked).Count(ctx)
		v.Revoked = n
		return v, err
	}
	if c.Generation == Adgang {
		now := s.Now()
		n, err := s.CA.EndingKeyFiles(ctx, c.OrgID, now, now.AddDate(100, 0, 0))
		if err != nil {
			return v, err
		}
		v.KeyFiles = n
	}
	n, err := c.members(s.DB.NewSelect().Model((*Certificate)(nil))).Where("c.owner_id = ''").Where("c.contact_email = ''").Where("c.contact_post = ''").Where("c.plan <> ?", PlanRetired).Count(ctx)
	v.NoOwner = n
	return v, err
}

// NewCampaign drafts a campaign: nothing happens until it is started. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) NewCampaign(ctx context.Context, by access.Actor, name, generation string, closes time.Time) (Campaign, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Campaign{}, err
	}
	name = strings.Join(strings.Fields(name), " ")
	if n := utf8.RuneCountInString(name); n == 0 || n > maxText {
		return Campaign{}, fault.New(fault.Invalid, "inventory.campaign.name", "Give it a name of 1 to %d characters.", maxText).On("name")
	}
	if !slices.Contains([]string{OCES1, OCES2, OCES3, Adgang}, generation) {
		return Campaign{}, fault.New(fault.Invalid, "inventory.campaign.generation", "Choose the generation that is left: oces1, oces2, oces3 or adgang.").On("generation")
	}
	now := store.Instant(s.Now())
	if err := checkClosing(now, closes); err != nil {
		return Campaign{}, err
	}
	c := Campaign{
		ID: store.NewID(), OrgID: by.OrgID, Name: name, Generation: generation, ClosesAt: store.Instant(closes), State: Draft, CreatedBy: by.ID, CreatedAt: now,
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&c).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "campaign.create", "campaign:"+c.ID, generation))
	})
	return c, err
}

// StartCampaign puts every certificate of the generation that is in use under the
// campaign and sets the clock. Errors: fault.Denied, fault.Absent, fault.Conflict
// when it was started before, when its instant has passed, or when there is
// nothing to move.
func (s *Service) StartCampaign(ctx context.Context, by access.Actor, id string) error {
	return s.turn(ctx, by, id, "campaign.start", func(ctx context.Context, tx bun.Tx, c *Campaign) (string, error) {
		if c.State != Draft {
			return "", errTurned
		}
		now := store.Instant(s.Now())
		if !c.ClosesAt.After(now) {
			return "", errPast
		}
		c.State, c.StartedAt = Running, &now
		if err := s.turned(ctx, tx, *c, Draft); err != nil {
			return "", err
		}
		n, err := s.joining(ctx, tx, *c)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "inventory.campaign.empty", "There are no certificates of this generation in use.")
		}
		return fmt.Sprintf("%d certificates", n), err
	})
}

// PauseCampaign stops the clock: nothing closes until it goes on. Errors:
// fault.Denied, fault.Absent; fault.Conflict when it is not running.
func (s *Service) PauseCampaign(ctx context.Context, by access.Actor, id string) error {
	return s.turn(ctx, by, id, "campaign.pause", func(ctx context.Context, tx bun.Tx, c *Campaign) (string, error) {
		if c.State != Running {
			return "", errTurned
		}
		c.State = Paused
		return "", s.turned(ctx, tx, *c, Running)
	})
}

// ResumeCampaign lets a paused one go on. Errors: fault.Denied, fault.Absent;
// fault.Conflict when it is not paused, or its instant passed meanwhile and has to
// be moved first.
func (s *Service) ResumeCampaign(ctx context.Context, by access.Actor, id string) error {
	return s.turn(ctx, by, id, "campaign.resume", func(ctx context.Context, tx bun.Tx, c *Campaign) (string, error) {
		if c.State != Paused {
			return "", errTurned
		}
		if !c.ClosesAt.After(s.Now()) {
			return "", fault.New(fault.Conflict, "inventory.campaign.late", "The instant of the closing passed during the pause. Move it first.")
		}
		c.State = Running
		if err := s.turned(ctx, tx, *c, Paused); err != nil {
			return "", err
		}
		n, err := s.joining(ctx, tx, *c)
		return fmt.Sprintf("%d certificates more", n), err
	})
}

// CancelCampaign ends one that was started, for good: its certificates stay as they
// are. Errors: fault.Denied, fault.Absent; fault.Conflict when it is over.
func (s *Service) CancelCampaign(ctx context.Context, by access.Actor, id string) error {
	return s.turn(ctx, by, id, "campaign.cancel", func(ctx context.Context, tx bun.Tx, c *Campaign) (string, error) {
		if c.State != Running && c.State != Paused {
			return "", errTurned
		}
		was, now := c.State, store.Instant(s.Now())
		c.State, c.ClosedAt = Cancelled, &now
		return "", s.turned(ctx, tx, *c, was)
	})
}

// MoveCampaign moves the instant of the closing of a draft, a running or a paused
// one. Errors: fault.Denied, fault.Absent, fault.Invalid; fault.Conflict when it is
// over.
func (s *Service) MoveCampaign(ctx context.Context, by access.Actor, id string, closes time.Time) error {
	return s.turn(ctx, by, id, "campaign.move", func(ctx context.Context, tx bun.Tx, c *Campaign) (string, error) {
		if c.State == Cancelled || c.State == Closed {
			return "", errTurned
		}
		closes = store.Instant(closes)
		if err := checkClosing(s.Now(), closes); err != nil {
			return "", err
		}
		note := "from " + c.ClosesAt.UTC().Format(time.RFC3339) + " to " + closes.UTC().Format(time.RFC3339)
		c.ClosesAt = closes
		return note, s.turned(ctx, tx, *c, c.State)
	})
}

var (
	errTurned = fault.New(fault.Conflict, "inventory.campaign.state", "This is no longer possible: the campaign has gone on meanwhile. Load the page again.")
	errPast   = fault.New(fault.Conflict, "inventory.campaign.past", "The instant of the closing has passed. Move it, or draft a new campaign.")
)

// turn is a change of a campaign by somebody, with its entry in the log.
func (s *Service) turn(ctx context.Context, by access.Actor, id, verb string, do func(context.Context, bun.Tx, *Campaign) (string, error)) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := campaign(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		note, err := do(ctx, tx, &c)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "campaign:"+id, note))
	})
}

// turned writes a campaign that was in state was, and begins a round of it: what
// was to close it before is void, and one that runs is to be closed anew.
func (s *Service) turned(ctx context.Context, tx bun.Tx, c Campaign, was string) error {
	res, err := tx.NewUpdate().Model((*Campaign)(nil)).Set("state = ?", c.State).Set("closes_at = ?", c.ClosesAt).Set("started_at = ?", c.StartedAt).
		Set("closed_at = ?", c.ClosedAt).Set("round = ?", c.Round+1).
		Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).Where("state = ?", was).Where("round = ?", c.Round).Exec(ctx)
	if n, err := store.Count(res, err); err != nil || n == 0 {
		if err == nil {
			err = errTurned
		}
		return err
	}
	if c.State != Running {
		return nil
	}
	c.Round++
	return s.ask(ctx, tx, c, "")
}

// DropCampaign deletes a draft. Errors: fault.Denied, fault.Absent, fault.Conflict.
func (s *Service) DropCampaign(ctx context.Context, by access.Actor, id string) error {
	return s.turn(ctx, by, id, "campaign.drop", func(ctx context.Context, tx bun.Tx, _ *Campaign) (string, error) {
		res, err := tx.NewDelete().Model((*Campaign)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state = ?", Draft).Exec(ctx)
		return "", store.One(res, err, "inventory.campaign")
	})
}
