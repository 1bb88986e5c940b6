package inventory

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// What a closing did to a member that was not moved.
const (
	Revoked = "revoked" // the authority here revoked it
	Ended   = "ended"   // it is out of use, and its own authority has to revoke it
)

// Member is a certificate that a campaign moves. Until the closing its facts are
// those of the inventory; from then on they are what the closing found.
type Member struct {
	bun.BaseModel `bun:"table:inventory_member,alias:m"`

	OrgID         access.OrgID      `bun:"org_id,pk"`
	CampaignID    string            `bun:"campaign_id,pk"`
	CertificateID string            `bun:"certificate_id,pk"`
	Name          string            `bun:"name"`
	Serial        string            `bun:"serial"`
	Issuer        string            `bun:"issuer"`
	Kind          string            `bun:"kind"`
	NotAfter      *time.Time        `bun:"not_after"`
	Plan          string            `bun:"plan"` // "" = deleted from the inventory
	OwnerID       access.EmployeeID `bun:"owner_id"`
	ContactEmail  string            `bun:"contact_email"`
	SuccessorID   string            `bun:"successor_id"`
	Outcome       string            `bun:"outcome"` // "" until the closing
	Action        string            `bun:"action"`
	EndedAt       *time.Time        `bun:"ended_at"`
	JoinedAt      *time.Time        `bun:"joined_at"` // nil = at the start
}

// Close is the payload of the work that closes a campaign: of its round, and not
// before its instant.
type Close struct {
	Org      access.OrgID `json:"org"`
	Campaign string       `json:"campaign"`
	Round    int64        `json:"round"`
	ClosesAt time.Time    `json:"closes_at"`
}

// CloseKind is due when a campaign closes; LateKind looks for those that were to be
// closed and were not.
var (
	CloseKind = outbox.NewKind[Close]("inventory.close_campaign")
	LateKind  = outbox.NewKind[struct{}]("inventory.close_late")
)

// ask records the work that closes a running campaign. again tells a second asking
// of the same round from the first.
func (s *Service) ask(ctx context.Context, tx bun.Tx, c Campaign, again string) error {
	id := "inventory.close:" + c.ID + "@" + strconv.FormatInt(c.Round, 10) + again
	return CloseKind.AddOnce(ctx, tx, id, c.OrgID, Close{c.OrgID, c.ID, c.Round, c.ClosesAt}, c.ClosesAt)
}

// joining puts under a campaign what belongs there and is not yet, and returns how
// many. A certificate of OCES1 or OCES2 belongs there whenever it is found; of
// generations that are still issued only those from before the start do, for the
// others are successors.
func (s *Service) joining(ctx context.Context, tx bun.Tx, c Campaign) (int, error) {
	now := store.Instant(s.Now())
	var joined *time.Time
	if c.StartedAt == nil || c.StartedAt.Before(now) {
		joined = &now
	}
	res, err := tx.NewRaw(`
		INSERT INTO inventory_member (org_id, campaign_id, certificate_id, name, outcome, joined_at)
		SELECT c.org_id, ?, c.id, c.name, '', ? FROM inventory_certificate AS c
		WHERE c.org_id = ? AND c.generation = ? AND c.kind <> ? AND c.plan <> ? AND (c.generation IN (?, ?) OR c.not_before <= ?)
		ON CONFLICT (org_id, campaign_id, certificate_id) DO NOTHING`,
		c.ID, joined, c.OrgID, c.Generation, OfAuthority, PlanRetired, OCES1, OCES2, c.StartedAt).Exec(ctx)
	n, err := store.Count(res, err)
	return int(n), err
}

// join lets what has come into the inventory join the campaigns that are on.
func (s *Service) join(ctx context.Context, tx bun.Tx, id access.OrgID) error {
	var all []Campaign
	if err := tx.NewSelect().Model(&all).Where("g.org_id = ?", id).Where("g.state IN (?, ?)", Running, Paused).Order("g.id").Scan(ctx); err != nil {
		return err
	}
	for _, c := range all {
		n, err := s.joining(ctx, tx, c)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		entry := audit.By(access.System(id), s.Now(), "campaign.join", "campaign:"+c.ID, fmt.Sprintf("%d certificates more", n))
		if err := audit.Record(ctx, tx, entry); err != nil {
			return err
		}
	}
	return nil
}

// CloseLate asks once more for the closing of campaigns whose instant passed more
// than ten minutes ago: their work was given up. Errors: unexpected only.
func (s *Service) CloseLate(ctx context.Context) error {
	var all []Campaign
	now := s.Now()
	err := s.DB.NewSelect().Model(&all).Where("g.state = ?", Running).Where("g.closes_at < ?", store.Instant(now.Add(-10*time.Minute))).Order("g.id").Limit(500).Scan(ctx)
	for _, c := range all {
		err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			waiting, err := CloseKind.Waiting(ctx, tx, c.OrgID, c.ID)
			if err != nil || waiting {
				return err
			}
			return s.ask(ctx, tx, c, "+"+now.UTC().Format("2006-01-02T15"))
		})
		if err != nil {
			return err
		}
	}
	return err
}

// CloseCampaign takes what was not moved out of use, at the instant that was set,
// and writes the report, once, however often and on however many nodes it is
// called (ADR 0043). What the authority here issued is revoked; certificates of
// others stay as they are there, and the report names them, so that somebody has
// them revoked. Errors: fault.Unavailable until the clock of the database has come to the
// instant, whatever that of the node says (ADR 0059); otherwise unexpected only. A campaign that is paused, was moved or is
// over is done.
func (s *Service) CloseCampaign(ctx context.Context, job Close) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := campaign(ctx, tx, job.Org, job.Campaign)
		if fault.KindOf(err) == fault.Absent {
			return nil
		}
		if err != nil {
			return err
		}
		if c.State != Running || c.Round != job.Round {
			return nil
		}
		now, err := s.Clock(ctx, tx)
		if err != nil {
			return err
		}
		now = store.Instant(now)
		if now.Before(c.ClosesAt) || now.Before(job.ClosesAt) {
			return fault.New(fault.Unavailable, "inventory.campaign.early", "By the clock of the database the campaign does not close before %s.", c.ClosesAt.UTC().Format(time.RFC3339))
		}
		res, err := tx.NewUpdate().Model((*Campaign)(nil)).Set("state = ?", Closed).Set("closed_at = ?", now).
			Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).Where("state = ?", Running).Where("round = ?", job.Round).Exec(ctx)
		if n, err := store.Count(res, err); err != nil || n == 0 {
			return err
		}
		c.State, c.ClosedAt = Closed, &now
		if _, err := s.joining(ctx, tx, c); err != nil {
			return err
		}
		if err := s.freeze(ctx, tx, c); err != nil {
			return err
		}
		return s.shut(ctx, tx, c)
	})
}

// freeze writes what the closing finds of each member into the report. It takes the
// rows of the certificates first, so that nobody ticks one meanwhile.
func (s *Service) freeze(ctx context.Context, tx bun.Tx, c Campaign) error {
	_, err := tx.NewUpdate().Model((*Certificate)(nil)).Set("version = version + 1").Where("c.org_id = ?", c.OrgID).Where(ofCampaign, c.ID).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw(`
		UPDATE inventory_member AS m SET name = c.name, serial = c.serial, issuer = c.issuer, kind = c.kind, not_after = c.not_after, plan = c.plan,
			owner_id = c.owner_id, contact_email = c.contact_email, successor_id = c.successor_id, ended_at = c.retired_at,
			outcome = CASE WHEN c.plan IN (?, ?) THEN ? ELSE ? END
		FROM inventory_certificate AS c
		WHERE c.org_id = m.org_id AND c.id = m.certificate_id AND m.org_id = ? AND m.campaign_id = ?`,
		PlanInstalled, PlanRetired, Moved, Overdue, c.OrgID, c.ID).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Member)(nil)).Set("outcome = ?", Gone).Where("org_id = ?", c.OrgID).Where("campaign_id = ?", c.ID).Where("outcome = ''").Exec(ctx)
	return err
}

const ofCampaign = "EXISTS (SELECT 1 FROM inventory_member AS m WHERE m.org_id = c.org_id AND m.campaign_id = ? AND m.certificate_id = c.id)"

// shut takes the members out of use, revokes those that can be revoked here, and
// tells the administrators.
func (s *Service) shut(ctx context.Context, tx bun.Tx, c Campaign) error {
	by, now := access.System(c.OrgID), *c.ClosedAt
	var all []Member
	if err := tx.NewSelect().Model(&all).Where("m.org_id = ?", c.OrgID).Where("m.campaign_id = ?", c.ID).Order("m.certificate_id").Scan(ctx); err != nil {
		return err
	}
	live, err := s.revocable(ctx, tx, c)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	var entries []audit.Entry
	for _, m := range all {
		counts[m.Outcome]++
		if m.Outcome == Gone || m.Plan == PlanRetired {
			continue
		}
		entries = append(entries, audit.By(by, now, "inventory.retire", object(m.CertificateID), "campaign "+c.ID+" serial "+m.Serial).Changed(m.Plan, PlanRetired))
		if m.Outcome != Overdue {
			continue
		}
		action := Ended
		if live[m.CertificateID] {
			reason := "cessation_of_operation"
			if m.SuccessorID != "" {
				reason = "superseded"
			}
			// A conflict: somebody revoked it this very moment.
			if err := s.CA.RevokeIn(ctx, tx, by, m.Serial, reason, ""); err != nil && fault.KindOf(err) != fault.Conflict {
				return err
			}
			action = Revoked
		}
		counts[action]++
		_, err := tx.NewUpdate().Model(&m).Set("action = ?", action).WherePK().Exec(ctx)
		if err != nil {
			return err
		}
	}
	_, err = tx.NewUpdate().Model((*Certificate)(nil)).Set("plan = ?", PlanRetired).Set("retired_at = ?", now).Set("ended_at = ?", now).
		Where("c.org_id = ?", c.OrgID).Where("c.plan <> ?", PlanRetired).Where(ofCampaign, c.ID).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Member)(nil)).Set("ended_at = ?", now).Where("m.org_id = ?", c.OrgID).Where("m.campaign_id = ?", c.ID).
		Where("m.outcome <> ?", Gone).Where("m.ended_at IS NULL").Exec(ctx)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%d moved, %d closed, %d deleted; %d revoked", counts[Moved], counts[Overdue], counts[Gone], counts[Revoked])
	if err := audit.Record(ctx, tx, append(entries, audit.By(by, now, "campaign.close", "campaign:"+c.ID, note))...); err != nil {
		return err
	}
	return s.tell(ctx, tx, c, counts)
}

// revocable are the members that the authority here issued and has not revoked.
func (s *Service) revocable(ctx context.Context, tx bun.Tx, c Campaign) (map[string]bool, error) {
	var ids []string
	err := tx.NewSelect().Model((*Certificate)(nil)).Column("c.id").Where("c.org_id = ?", c.OrgID).Where("c.generation = ?", Adgang).Where(ofCampaign, c.ID).
		Where("EXISTS (SELECT 1 FROM certificate AS k WHERE k.org_id = c.org_id AND k.serial = c.serial AND k.state = 'issued')").Scan(ctx, &ids)
	all := map[string]bool{}
	for _, id := range ids {
		all[id] = true
	}
	return all, err
}

// tell mails the outcome to the organisation's administrators, in the transaction
// of the closing, and so once.
func (s *Service) tell(ctx context.Context, tx bun.Tx, c Campaign, counts map[string]int) error {
	o, err := org.ByID(ctx, tx, c.OrgID)
	if err != nil {
		return err
	}
	people, err := org.Holders(ctx, tx, c.OrgID, access.ChangeSettings)
	if err != nil {
		return err
	}
	var drafts []mail.Draft
	for _, p := range people {
		drafts = append(drafts, mail.Draft{
			Org: c.OrgID, Employee: p.ID, Kind: mail.KindCampaign, Lang: p.Lang, Name: p.Name, Address: p.Email,
			Params: map[string]string{
				"organisation": o.Name, "campaign": c.Name, "closed": c.ClosedAt.UTC().Format(time.RFC3339),
				"moved": strconv.Itoa(counts[Moved]), "revoked": strconv.Itoa(counts[Revoked]), "ended": strconv.Itoa(counts[Ended]),
				"deleted": strconv.Itoa(counts[Gone]), "address": s.BaseURL + "/inventory/campaigns/" + c.ID,
			},
		})
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

// Members returns a page of 50 of a campaign that was started, by name, and the
// cursor of the next one; of one that has closed it is the report. Errors:
// fault.Denied, fault.Absent, fault.Invalid.
func (s *Service) Members(ctx context.Context, by access.Actor, id, cursor string) ([]Member, string, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, "", err
	}
	c, err := campaign(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return nil, "", err
	}
	return s.members(ctx, c, cursor)
}

func (s *Service) members(ctx context.Context, c Campaign, cursor string) ([]Member, string, error) {
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	var page []Member
	q := s.DB.NewSelect().Model(&page).Where("m.org_id = ?", c.OrgID).Where("m.campaign_id = ?", c.ID)
	if c.State != Closed {
		q.ColumnExpr("m.org_id, m.campaign_id, m.certificate_id, m.name, m.outcome, m.action, m.ended_at, m.joined_at").
			ColumnExpr("coalesce(c.serial, '') AS serial, coalesce(c.issuer, '') AS issuer, coalesce(c.kind, '') AS kind, c.not_after, coalesce(c.plan, '') AS plan").
			ColumnExpr("coalesce(c.owner_id, '') AS owner_id, coalesce(c.contact_email, '') AS contact_email, coalesce(c.successor_id, '') AS successor_id").
			Join("LEFT JOIN inventory_certificate AS c ON c.org_id = m.org_id AND c.id = m.certificate_id")
	}
	if after != nil {
		q.Where("(m.name, m.certificate_id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("m.name", "m.certificate_id").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	if len(page) <= pageSize {
		return page, "", nil
	}
	last := page[pageSize-1]
	return page[:pageSize], store.Cursor(last.Name, last.CertificateID), nil
}

// CampaignReport writes a line for each certificate of a campaign as CSV; of one
// that has closed what the closing wrote down. Errors: fault.Denied, fault.Absent.
func (s *Service) CampaignReport(ctx context.Context, by access.Actor, id string, out io.Writer) error {
	if err := by.Need(access.ViewCertificates); err != nil {
		return err
	}
	c, err := campaign(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return err
	}
	w, err := sheet.NewCSV(out, "name", "serial", "issuer", "kind", "not_after", "plan", "owner_id", "contact", "successor", "outcome", "action", "ended_at")
	if err != nil {
		return err
	}
	each := func(m Member) error {
		return w.Write(m.Name, m.Serial, m.Issuer, m.Kind, shown(m.NotAfter), m.Plan, string(m.OwnerID), m.ContactEmail, m.SuccessorID, m.Outcome, m.Action, shown(m.EndedAt))
	}
	if c.State == Draft {
		var all []Certificate
		if err := c.members(s.DB.NewSelect().Model(&all).ExcludeColumn("der")).Order("c.name", "c.id").Scan(ctx); err != nil {
			return err
		}
		for _, one := range all {
			err := each(Member{
				Name: one.Name, Serial: one.Serial, Issuer: one.Issuer, Kind: one.Kind, NotAfter: &one.NotAfter, Plan: one.Plan, OwnerID: one.OwnerID,
				ContactEmail: one.ContactEmail, SuccessorID: one.SuccessorID,
			})
			if err != nil {
				return err
			}
		}
		return w.Close()
	}
	for cursor := ""; ; {
		page, next, err := s.members(ctx, c, cursor)
		if err != nil {
			return err
		}
		for _, m := range page {
			if m.Plan == "" {
				m.Outcome = Gone
			}
			if err := each(m); err != nil {
				return err
			}
		}
		if cursor = next; next == "" {
			return w.Close()
		}
	}
}

func shown(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
