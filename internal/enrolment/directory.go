package enrolment

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// maxListed bounds the answer of the directory: profiles that show one address.
const maxListed = 10

// addressKey is what the directory finds an address by.
func addressKey(email string) (string, error) {
	m, err := pki.ParseMailbox(strings.TrimSpace(email))
	return strings.ToLower(m.Address), err
}

// Publish shows the certificates of a profile of secure e-mail in the public
// directory, to whoever knows the address. Errors: fault.Denied, fault.Absent,
// fault.Conflict for another kind, an address that is not confirmed, and an
// organisation whose settings leave the directory off.
func (s *Service) Publish(ctx context.Context, by access.Actor, id string) error {
	return s.publish(ctx, by, id, true)
}

// Withdraw takes the certificates of a profile out of the directory. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Withdraw(ctx context.Context, by access.Actor, id string) error {
	return s.publish(ctx, by, id, false)
}

func (s *Service) publish(ctx context.Context, by access.Actor, id string, shown bool) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := profile(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		key, verb := "", "certificate_profile.withdraw"
		if shown {
			if err := listable(ctx, tx, p); err != nil {
				return err
			}
			if key, err = addressKey(p.Email); err != nil {
				return err
			}
			verb = "certificate_profile.publish"
		}
		n, err := store.Count(tx.NewUpdate().Model((*Profile)(nil)).Set("listed_address = ?", key).
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("listed_address <> ?", key).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, p.object(), ""))
	})
}

// listable says why a profile cannot be in the directory, nil if it can.
func listable(ctx context.Context, tx bun.Tx, p Profile) error {
	settings, err := setting.Of(ctx, tx, p.OrgID)
	switch {
	case err != nil:
		return err
	case p.Kind != pki.ProfileSecureEmail:
		return fault.New(fault.Conflict, "enrolment.directory.kind", "Only certificates of secure e-mail are in the directory.")
	case p.EmailConfirmedAt == nil:
		return fault.New(fault.Conflict, "enrolment.directory.unconfirmed", "The e-mail address has not been confirmed yet. Open the link that was mailed to it.")
	case !settings.Directory:
		return fault.New(fault.Conflict, "enrolment.directory.off", "The organisation's settings leave the public directory off. An organisation administrator can change that.")
	}
	return nil
}

// Found is a certificate in the directory.
type Found struct {
	Email       string // as in the certificate
	Certificate ca.Certificate
	Chain       [][]byte // DER, issuing CA first
}

// Find returns the certificates that count of an address in the directory, the one
// that lasts longest first. Nobody needs to be logged in; only the whole address finds
// anything. Errors: fault.Invalid for what is no address; fault.Absent for an unknown
// address, one that is not in the directory and one without a certificate that counts,
// which are told alike.
func (s *Service) Find(ctx context.Context, address string) ([]Found, error) {
	key, err := addressKey(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "enrolment.directory.address", "Type the whole e-mail address, for example ida@example.dk.").On("email").Because(err)
	}
	ctx = store.AcrossTenants(ctx) // whoever has the address
	var profiles []Profile
	if err := s.DB.NewSelect().Model(&profiles).Where("listed_address = ?", key).Where("kind = ?", pki.ProfileSecureEmail).
		Order("id").Limit(maxListed).Scan(ctx); err != nil {
		return nil, err
	}
	var all []Found
	for _, p := range profiles { // one, but for two organisations that prove the same address
		found, err := s.found(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Absent, "enrolment.directory.none", "The directory has no certificate for this address. Ask the receiver for it.")
	}
	return all, nil
}

// found are the certificates of a listed profile that count, of an organisation that
// is there and still has the directory on.
func (s *Service) found(ctx context.Context, p Profile) ([]Found, error) {
	settings, err := setting.Of(ctx, s.DB, p.OrgID)
	if err != nil || !settings.Directory {
		return nil, err
	}
	if _, err := s.standing(ctx, p.OrgID); err != nil {
		if fault.KindOf(err) == fault.Conflict {
			return nil, nil
		}
		return nil, err
	}
	now := store.Instant(s.Now())
	var rows []ca.Certificate
	err = s.DB.NewSelect().Model(&rows).ExcludeColumn("draft").Where("org_id = ?", p.OrgID).Where("employee_id = ?", p.ID).
		Where("state = ?", ca.Issued).Where("not_before <= ?", now).Where("not_after >= ?", now).
		Order("not_after DESC", "serial").Limit(maxListed).Scan(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Found, len(rows))
	for i, c := range rows {
		chain, err := s.CA.ChainOf(ctx, c.AuthorityID)
		if err != nil {
			return nil, err
		}
		all[i] = Found{Email: p.Email, Certificate: c, Chain: chain}
	}
	return all, nil
}
