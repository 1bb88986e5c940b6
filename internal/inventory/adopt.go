package inventory

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// profileKinds are the kinds of certificates issued here. Those of secure e-mail
// are the organisation's, with an address.
var profileKinds = map[pki.Profile]string{
	pki.ProfileEmployee: OfEmployee, pki.ProfileOrganisation: OfOrganisation, pki.ProfileSystem: OfSystem, pki.ProfileSecureEmail: OfOrganisation,
}

// Adopt brings the inventory up to what the authority knows of a certificate of a
// profile: one that counts is in it, with the profile's contact, and succeeds the
// one before it; a revoked one is out of use (ADR 0042). It may run any number of
// times, in any order. Errors: unexpected only.
func (s *Service) Adopt(ctx context.Context, ref enrolment.Ref) error {
	c, err := s.CA.Certificate(ctx, ref.Org, ref.Serial)
	if fault.KindOf(err) == fault.Absent || err == nil && c.Profile == string(pki.ProfileEmployee) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := enrolment.ProfileOf(ctx, s.DB, c)
	if fault.KindOf(err) == fault.Absent {
		return nil
	}
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return fmt.Errorf("certificate %s on record: %w", c.Serial, err)
	}
	own, err := s.own(ctx)
	if err != nil {
		return err
	}
	row := s.row(ref.Org, found{source: FromIssue, parsed: parsed}, own)
	row.Kind, row.Generation, row.SecureEmail, row.ProfileID = profileKinds[p.Kind], Adgang, p.Kind == pki.ProfileSecureEmail, p.ID
	row.ContactName, row.ContactEmail, row.ContactLang = p.ContactName, p.ContactEmail, firstOf(p.ContactLang, row.ContactLang)
	row.Plan, row.SearchKey = planOf(row, nil), searchKey(row)
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if c.State == ca.Issued {
			if err := s.adopt(ctx, tx, row); err != nil {
				return err
			}
		} else if err := s.disown(ctx, tx, row); err != nil {
			return err
		}
		if err := s.line(ctx, tx, ref.Org, p.ID); err != nil {
			return err
		}
		return s.join(ctx, tx, ref.Org)
	})
}

// AdoptRevoked is Adopt of one that the authority has revoked, whoever asked for it.
func (s *Service) AdoptRevoked(ctx context.Context, ref ca.Ref) error {
	return s.Adopt(ctx, enrolment.Ref{Org: ref.Org, Serial: ref.Serial})
}

// adopt puts a certificate into the inventory, or gives the one that somebody has
// uploaded its profile.
func (s *Service) adopt(ctx context.Context, tx bun.Tx, row Certificate) error {
	by := access.System(row.OrgID)
	added, err := s.keep(ctx, tx, row)
	if err != nil {
		return err
	}
	if added {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.add", object(row.ID), FromIssue+" serial "+row.Serial))
	}
	var c Certificate
	err = tx.NewSelect().Model(&c).ExcludeColumn("der").Where("c.org_id = ?", row.OrgID).Where("c.fingerprint = ?", row.Fingerprint).Scan(ctx)
	if err != nil || c.ProfileID != "" {
		return err
	}
	c.ProfileID, c.Kind, c.Generation, c.SecureEmail = row.ProfileID, row.Kind, row.Generation, row.SecureEmail
	if c.OwnerID == "" && c.ContactEmail == "" && c.ContactPost == "" {
		c.ContactName, c.ContactEmail, c.ContactLang = row.ContactName, row.ContactEmail, row.ContactLang
	}
	c.SearchKey = searchKey(c)
	_, err = tx.NewUpdate().Model(&c).Column("profile_id", "kind", "generation", "secure_email", "contact_name", "contact_email", "contact_lang", "search_key").
		Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).Exec(ctx)
	if err != nil {
		return err
	}
	was := c.Plan
	if err := replan(ctx, tx, &c); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.change", object(c.ID), "profile "+c.ProfileID).Changed(was, c.Plan))
}

// disown takes a revoked certificate out of use; what it was to follow is without a
// successor again.
func (s *Service) disown(ctx context.Context, tx bun.Tx, row Certificate) error {
	var c Certificate
	now := store.Instant(s.Now())
	var gone []Certificate
	err := tx.NewUpdate().Model(&gone).Set("retired_at = ?", now).Set("plan = ?", PlanRetired).Set("version = version + 1").Where("org_id = ?", row.OrgID).
		Where("fingerprint = ?", row.Fingerprint).Where("plan <> ?", PlanRetired).Returning("id, serial").Scan(ctx)
	if err != nil || len(gone) == 0 {
		return err
	}
	c = gone[0]
	if err := orphan(ctx, tx, row.OrgID, c.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(access.System(row.OrgID), now, "inventory.retire", object(c.ID), "revoked serial "+c.Serial))
}

// line makes each certificate of a profile the successor of the one that ends
// before it. A machine that renewed by itself has installed what it got.
func (s *Service) line(ctx context.Context, tx bun.Tx, id access.OrgID, profile string) error {
	var all []Certificate
	err := tx.NewSelect().Model(&all).ExcludeColumn("der").Where("c.org_id = ?", id).Where("c.profile_id = ?", profile).Where("c.plan <> ?", PlanRetired).
		Order("c.not_after", "c.id").Scan(ctx)
	if err != nil || len(all) < 2 {
		return err
	}
	machines, err := enrolment.ByMachine(ctx, tx, id, profile)
	if err != nil {
		return err
	}
	for i, next := range all[1:] {
		c := all[i]
		if c.SuccessorID != "" || !next.NotAfter.After(c.NotAfter) {
			continue
		}
		was := c.Plan
		c.SuccessorID = next.ID
		if machines[next.Serial] {
			c.InstalledAt = &next.CreatedAt
		}
		if err := replan(ctx, tx, &c); err != nil {
			return err
		}
		err := audit.Record(ctx, tx, audit.By(access.System(id), s.Now(), "inventory.succeed", object(c.ID), "successor "+next.ID).Changed(was, c.Plan))
		if err != nil {
			return err
		}
	}
	return nil
}

// longGone is after how many days one that was never in the inventory is not put
// there any more.
const longGone = 60

// AdoptAll adopts what work that was lost, or a command, has left behind: live
// certificates of profiles that the inventory lacks, and revoked ones that it has
// in use.
func (s *Service) AdoptAll(ctx context.Context) error {
	for after := ""; ; {
		var page []ca.Certificate
		err := s.DB.NewSelect().Model(&page).ExcludeColumn("draft", "der").Where("serial > ?", after).Where("profile <> ?", pki.ProfileEmployee).
			Where("state IN (?, ?)", ca.Issued, ca.Revoked).Where("not_after > ?", store.Instant(s.Now().AddDate(0, 0, -longGone))).
			Where(`CASE WHEN state = 'issued'
				THEN NOT EXISTS (SELECT 1 FROM inventory_certificate AS c WHERE c.org_id = certificate.org_id AND c.serial = certificate.serial AND c.profile_id <> '')
				ELSE EXISTS (SELECT 1 FROM inventory_certificate AS c WHERE c.org_id = certificate.org_id AND c.serial = certificate.serial AND c.profile_id <> '' AND c.plan <> 'retired')
				END`).Order("serial").Limit(200).Scan(ctx)
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := s.Adopt(ctx, enrolment.Ref{Org: c.OrgID, Serial: string(c.Serial)}); err != nil {
				return fmt.Errorf("adopt certificate %s: %w", c.Serial, err)
			}
		}
		if len(page) == 0 {
			return nil
		}
		after = string(page[len(page)-1].Serial)
	}
}
