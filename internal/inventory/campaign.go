package inventory

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// States of a campaign.
const (
	Draft   = "draft"
	Running = "running"
	Closed  = "closed"
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
	Generation string       `bun:"generation"` // that is left: oces1, oces2, oces3
	ClosesAt   time.Time    `bun:"closes_at"`
	State      string       `bun:"state"`
	CreatedBy  string       `bun:"created_by"`
	CreatedAt  time.Time    `bun:"created_at"`
	StartedAt  *time.Time   `bun:"started_at"`
	ClosedAt   *time.Time   `bun:"closed_at"`
}

// member is a certificate that a campaign moves.
type member struct {
	bun.BaseModel `bun:"table:inventory_member,alias:m"`

	OrgID         access.OrgID `bun:"org_id,pk"`
	CampaignID    string       `bun:"campaign_id,pk"`
	CertificateID string       `bun:"certificate_id,pk"`
	Name          string       `bun:"name"`
	Outcome       string       `bun:"outcome"`
}

// CampaignView is a campaign with how far it is. Of a draft the numbers are what
// it would begin with.
type CampaignView struct {
	Campaign
	Plans    map[string]int64 // members by plan, while it is a draft or running
	Outcomes map[string]int64 // members by outcome, when closed
	Total    int64
	NoOwner  int64 // members that nobody looks after
}

// Close is the payload of the work that closes a campaign.
type Close struct {
	Org      access.OrgID `json:"org"`
	Campaign string       `json:"campaign"`
}

// CloseKind is due when a campaign closes.
var CloseKind = outbox.NewKind[Close]("inventory.close_campaign")

const maxCampaign = 366 * 24 * time.Hour * 3

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
		q = s.DB.NewSelect().Model((*member)(nil)).ColumnExpr("m.outcome AS what, count(*) AS n").Where("m.org_id = ?", c.OrgID).Where("m.campaign_id = ?", c.ID).Group("m.outcome")
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
		return v, nil
	}
	n, err := c.members(s.DB.NewSelect().Model((*Certificate)(nil))).Where("c.owner_id = ''").Where("c.contact_email = ''").Where("c.plan <> ?", PlanRetired).Count(ctx)
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
	if !slices.Contains([]string{OCES1, OCES2, OCES3}, generation) {
		return Campaign{}, fault.New(fault.Invalid, "inventory.campaign.generation", "Choose the generation that is left: oces1, oces2 or oces3.").On("generation")
	}
	now := store.Instant(s.Now())
	if !closes.After(now) || closes.After(now.Add(maxCampaign)) {
		return Campaign{}, fault.New(fault.Invalid, "inventory.campaign.closes", "Choose an instant from now to three years ahead.").On("closes_at")
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
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := campaign(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		now := store.Instant(s.Now())
		if !c.ClosesAt.After(now) {
			return fault.New(fault.Conflict, "inventory.campaign.past", "The instant of the closing has passed. Draft a new campaign.")
		}
		var all []Certificate
		if err := c.members(tx.NewSelect().Model(&all).Column("id", "name")).Scan(ctx); err != nil {
			return err
		}
		if len(all) == 0 {
			return fault.New(fault.Conflict, "inventory.campaign.empty", "There are no certificates of this generation in use.")
		}
		res, err := tx.NewUpdate().Model(&c).Set("state = ?", Running).Set("started_at = ?", now).
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state = ?", Draft).Exec(ctx)
		if err := store.One(res, err, "inventory.campaign"); err != nil {
			return err
		}
		rows := make([]member, len(all))
		for i, one := range all {
			rows[i] = member{OrgID: by.OrgID, CampaignID: id, CertificateID: one.ID, Name: one.Name}
		}
		if _, err := store.Insert(ctx, tx, rows, ""); err != nil {
			return err
		}
		if err := CloseKind.AddOnce(ctx, tx, "inventory.close:"+id, by.OrgID, Close{by.OrgID, id}, c.ClosesAt); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "campaign.start", "campaign:"+id, fmt.Sprintf("%d certificates", len(all))))
	})
}

// DropCampaign deletes a draft. Errors: fault.Denied, fault.Absent, fault.Conflict.
func (s *Service) DropCampaign(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := campaign(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		res, err := tx.NewDelete().Model((*Campaign)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state = ?", Draft).Exec(ctx)
		if err := store.One(res, err, "inventory.campaign"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "campaign.drop", "campaign:"+id, ""))
	})
}

// CloseCampaign takes what was not moved out of use, once, at the instant that was
// set, however often it is called. Certificates of other issuers stay as they are
// there: the report names them, so that somebody has them revoked. Errors:
// unexpected only; a campaign that is not running is done.
func (s *Service) CloseCampaign(ctx context.Context, job Close) error {
	by := access.System(job.Org)
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		res, err := tx.NewUpdate().Model((*Campaign)(nil)).Set("state = ?", Closed).Set("closed_at = ?", now).
			Where("org_id = ?", job.Org).Where("id = ?", job.Campaign).Where("state = ?", Running).Where("closes_at <= ?", now).Exec(ctx)
		if n, err := store.Count(res, err); err != nil || n == 0 {
			return err
		}
		var all []struct {
			CertificateID string  `bun:"certificate_id"`
			Plan          *string `bun:"plan"`
			Serial        *string `bun:"serial"`
		}
		err = tx.NewSelect().Model((*member)(nil)).ColumnExpr("m.certificate_id, c.plan, c.serial").
			Join("LEFT JOIN inventory_certificate AS c ON c.org_id = m.org_id AND c.id = m.certificate_id").
			Where("m.org_id = ?", job.Org).Where("m.campaign_id = ?", job.Campaign).Order("m.certificate_id").Scan(ctx, &all)
		if err != nil {
			return err
		}
		counts := map[string]int{}
		entries := make([]audit.Entry, 0, len(all)+1)
		for _, one := range all {
			outcome := Overdue
			switch {
			case one.Plan == nil:
				outcome = Gone
			case *one.Plan == PlanInstalled || *one.Plan == PlanRetired:
				outcome = Moved
			}
			counts[outcome]++
			_, err := tx.NewUpdate().Model((*member)(nil)).Set("outcome = ?", outcome).
				Where("org_id = ?", job.Org).Where("campaign_id = ?", job.Campaign).Where("certificate_id = ?", one.CertificateID).Exec(ctx)
			if err != nil {
				return err
			}
			if outcome == Gone || one.Plan != nil && *one.Plan == PlanRetired {
				continue
			}
			_, err = tx.NewUpdate().Model((*Certificate)(nil)).Set("plan = ?", PlanRetired).Set("retired_at = ?", now).Set("version = version + 1").
				Where("org_id = ?", job.Org).Where("id = ?", one.CertificateID).Exec(ctx)
			if err != nil {
				return err
			}
			entries = append(entries, audit.By(by, now, "inventory.retire", object(one.CertificateID), "campaign "+job.Campaign+" serial "+*one.Serial).Changed(*one.Plan, PlanRetired))
		}
		note := fmt.Sprintf("%d moved, %d closed, %d deleted", counts[Moved], counts[Overdue], counts[Gone])
		return audit.Record(ctx, tx, append(entries, audit.By(by, now, "campaign.close", "campaign:"+job.Campaign, note))...)
	})
}

// CampaignReport writes a line for each certificate of a campaign as CSV. Errors:
// fault.Denied, fault.Absent.
func (s *Service) CampaignReport(ctx context.Context, by access.Actor, id string, out io.Writer) error {
	if err := by.Need(access.ViewCertificates); err != nil {
		return err
	}
	c, err := campaign(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return err
	}
	outcomes := map[string]member{}
	var members []member
	if err := s.DB.NewSelect().Model(&members).Where("m.org_id = ?", by.OrgID).Where("m.campaign_id = ?", id).Order("m.name", "m.certificate_id").Scan(ctx); err != nil {
		return err
	}
	for _, m := range members {
		outcomes[m.CertificateID] = m
	}
	var all []Certificate
	if err := c.members(s.DB.NewSelect().Model(&all).ExcludeColumn("der")).Order("c.name", "c.id").Scan(ctx); err != nil {
		return err
	}
	w, err := sheet.NewCSV(out, "name", "serial", "issuer", "kind", "not_after", "plan", "owner_id", "contact", "successor", "outcome")
	if err != nil {
		return err
	}
	for _, one := range all {
		err := w.Write(one.Name, one.Serial, one.Issuer, one.Kind, one.NotAfter.UTC().Format(time.RFC3339), one.Plan, string(one.OwnerID), one.ContactEmail,
			one.SuccessorID, outcomes[one.ID].Outcome)
		if err != nil {
			return err
		}
		delete(outcomes, one.ID)
	}
	for _, m := range members {
		if _, gone := outcomes[m.CertificateID]; gone {
			if err := w.Write(m.Name, "", "", "", "", "", "", "", "", firstOf(m.Outcome, Gone)); err != nil {
				return err
			}
		}
	}
	return w.Close()
}
