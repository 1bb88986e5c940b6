package inventory

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// PartnersKind reads the metadata of partners, every hour.
var PartnersKind = outbox.NewKind[struct{}]("inventory.read_partners")

// ReadPartners keeps the inventory in step with the SAML metadata of the registered
// business services and identity providers: what it shows is in the inventory of
// the organisation that registered it, with the partner as its place; what it shows
// no longer is out of use, and has what took its place as successor. Nothing changes
// while the metadata stays. Errors: unexpected only.
func (s *Service) ReadPartners(ctx context.Context) error {
	shown := map[access.OrgID][]string{} // fingerprints; partners may share a certificate
	for _, list := range s.Partners {
		err := list(ctx, func(id string, org access.OrgID, name, metadata string) error {
			of, err := s.readPartner(ctx, id, org, name, metadata)
			if err != nil {
				return fmt.Errorf("metadata of %s: %w", id, err)
			}
			shown[org] = append(shown[org], of...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	var rows []struct {
		OrgID   access.OrgID `bun:"org_id"`
		Partner string       `bun:"partner"`
	}
	if err := s.DB.NewSelect().Model((*Certificate)(nil)).Distinct().Column("org_id", "partner").Where("c.partner <> ''").Scan(ctx, &rows); err != nil {
		return err
	}
	for _, one := range rows {
		err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			return s.vanished(ctx, tx, one.OrgID, one.Partner, shown[one.OrgID])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readPartner returns the fingerprints that a partner's metadata shows.
func (s *Service) readPartner(ctx context.Context, id string, org access.OrgID, name, metadata string) (shown []string, err error) {
	r := reading{ctx: ctx, now: s.Now()}
	r.metadata("", []byte(metadata))
	own, err := s.own(ctx)
	if err != nil {
		return nil, err
	}
	issuers, err := s.issuers(ctx, org, r.all)
	if err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		fresh := false
		for _, f := range r.all {
			c := s.row(org, f, own, issuers...)
			if slices.Contains(shown, c.Fingerprint) {
				continue
			}
			shown = append(shown, c.Fingerprint)
			added, err := s.show(ctx, tx, c, id, name)
			if err != nil {
				return err
			}
			fresh = fresh || added
		}
		if !fresh {
			return nil
		}
		return s.join(ctx, tx, org)
	})
	return shown, err
}

// show puts a certificate of a partner's metadata into the inventory, or says of one
// that is there whose it is.
func (s *Service) show(ctx context.Context, tx bun.Tx, c Certificate, partner, name string) (added bool, err error) {
	by, now := access.System(c.OrgID), store.Instant(s.Now())
	c.Partner = partner
	if added, err = s.keep(ctx, tx, c); err != nil {
		return false, err
	}
	var stored []Certificate
	err = tx.NewSelect().Model(&stored).ExcludeColumn("der").Where("c.org_id = ?", c.OrgID).Where("c.fingerprint = ?", c.Fingerprint).Scan(ctx)
	if err != nil || len(stored) == 0 || !added && stored[0].Partner != "" {
		return added, err
	}
	c = stored[0]
	if added {
		if err := audit.Record(ctx, tx, audit.By(by, now, "inventory.add", object(c.ID), FromMetadata+" serial "+c.Serial)); err != nil {
			return added, err
		}
	} else if _, err := tx.NewUpdate().Model(&c).Set("partner = ?", partner).Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).Exec(ctx); err != nil {
		return added, err
	}
	place := Place{ID: store.NewID(), OrgID: c.OrgID, CertificateID: c.ID, Name: cut(firstOf(name, partner)), CreatedAt: now}
	n, err := store.Insert(ctx, tx, []Place{place}, "ON CONFLICT (org_id, certificate_id, name) DO NOTHING")
	if err != nil || n == 0 {
		return added, err
	}
	if err := replan(ctx, tx, &c); err != nil {
		return added, err
	}
	return added, audit.Record(ctx, tx, audit.By(by, now, "inventory.place_add", object(c.ID), "place "+place.ID+" of "+partner))
}

// vanished takes what came from a partner's metadata, and no partner of the
// organisation shows any more, out of use. shown are the fingerprints that are shown.
func (s *Service) vanished(ctx context.Context, tx bun.Tx, org access.OrgID, partner string, shown []string) error {
	var all []Certificate
	err := tx.NewSelect().Model(&all).ExcludeColumn("der").Where("c.org_id = ?", org).Where("c.partner = ?", partner).Order("c.not_after DESC", "c.id").Scan(ctx)
	if err != nil {
		return err
	}
	now := store.Instant(s.Now())
	for _, c := range all {
		if slices.Contains(shown, c.Fingerprint) {
			continue
		}
		was := c.Plan
		c.Partner = ""
		if c.RetiredAt == nil {
			c.RetiredAt, c.Plan = &now, PlanRetired
		}
		for _, next := range all {
			if c.SuccessorID == "" && slices.Contains(shown, next.Fingerprint) && next.NotAfter.After(c.NotAfter) {
				c.SuccessorID = next.ID
			}
		}
		_, err := tx.NewUpdate().Model(&c).Column("partner", "retired_at", "plan", "successor_id").Set("version = version + 1").Where("org_id = ?", org).Where("id = ?", c.ID).Exec(ctx)
		if err != nil {
			return err
		}
		if was == PlanRetired {
			continue
		}
		entry := audit.By(access.System(org), now, "inventory.retire", object(c.ID), "gone from the metadata of "+partner).Changed(was, c.Plan)
		if err := audit.Record(ctx, tx, entry); err != nil {
			return err
		}
	}
	return nil
}
