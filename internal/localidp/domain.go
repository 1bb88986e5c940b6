package localidp

import (
	"context"
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Domain is a mail domain whose people log in at a provider. It counts from
// VerifiedAt on, and no other organisation can have it then.
type Domain struct {
	bun.BaseModel `bun:"table:local_idp_domain,alias:d"`

	ID         string       `bun:"id,pk"`
	OrgID      access.OrgID `bun:"org_id"`
	IdPID      string       `bun:"idp_id"`
	Domain     string       `bun:"domain"` // lower case
	Proof      string       `bun:"proof"`  // value of the TXT record
	CreatedAt  time.Time    `bun:"created_at"`
	VerifiedAt *time.Time   `bun:"verified_at"`
}

// Record is the name of the TXT record that proves the domain.
func (d Domain) Record() string { return "_adgang." + d.Domain }

var domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

const maxDomains = 100

// AddDomain notes a domain for a provider; it counts once Verify has seen the proof.
// Errors: fault.Denied, fault.Absent, fault.Invalid, fault.Conflict.
func (s *Service) AddDomain(ctx context.Context, by access.Actor, id, domain string) (Domain, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return Domain{}, err
	}
	domain = strings.ToLower(strings.TrimSpace(domain))
	if len(domain) > 253 || !domainForm.MatchString(domain) {
		return Domain{}, fault.New(fault.Invalid, "localidp.domain.form", "Write a domain as the part of mail addresses after the @, for example firm.dk.").On("domain")
	}
	now := store.Instant(s.Now())
	d := Domain{ID: store.NewID(), OrgID: by.OrgID, IdPID: id, Domain: domain, Proof: "adgang=" + secret.Token(), CreatedAt: now}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.one(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		n, err := tx.NewSelect().Model((*Domain)(nil)).Where("d.org_id = ?", by.OrgID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxDomains {
			return fault.New(fault.Conflict, "localidp.domain.many", "An organisation has at most %d domains here.", maxDomains)
		}
		added, err := store.Insert(ctx, tx, []Domain{d}, "ON CONFLICT (org_id, domain) DO NOTHING")
		if err != nil {
			return err
		}
		if added == 0 {
			return fault.New(fault.Conflict, "localidp.domain.exists", "Your organisation has this domain already.").On("domain")
		}
		return audit.Record(ctx, tx, audit.By(by, now, "idp.domain_add", "idp:"+id, domain))
	})
	return d, err
}

// VerifyDomain looks for the proof in the domain's DNS and lets the domain count.
// Errors: fault.Denied, fault.Absent, fault.Conflict when the proof is not there or
// the domain is another organisation's, fault.Unavailable when DNS does not answer.
func (s *Service) VerifyDomain(ctx context.Context, by access.Actor, id, domainID string) (Domain, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return Domain{}, err
	}
	var d Domain
	err := s.DB.NewSelect().Model(&d).Where("d.org_id = ?", by.OrgID).Where("d.idp_id = ?", id).Where("d.id = ?", domainID).Scan(ctx)
	if err != nil {
		return d, store.Found(err, "localidp.domain")
	}
	if d.VerifiedAt != nil {
		return d, nil
	}
	if err := s.prove(ctx, d); err != nil {
		return d, err
	}
	now := store.Instant(s.Now())
	d.VerifiedAt = &now
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		// The partial unique index is the judge between organisations.
		taken, err := tx.NewSelect().Model((*Domain)(nil)).Where("d.domain = ?", d.Domain).Where("d.verified_at IS NOT NULL").
			Exists(store.AcrossTenants(ctx))
		if err != nil {
			return err
		}
		if taken {
			return domainTaken()
		}
		res, err := tx.NewUpdate().Model((*Domain)(nil)).Set("verified_at = ?", now).Where("org_id = ?", by.OrgID).Where("id = ?", d.ID).Exec(ctx)
		if err := store.One(res, err, "localidp.domain"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "idp.domain_verify", "idp:"+id, d.Domain))
	})
	if store.IsUnique(err) {
		return d, domainTaken()
	}
	return d, err
}

func domainTaken() error {
	return fault.New(fault.Conflict, "localidp.domain.taken", "Another organisation has proved that the domain is its own. If it has changed hands, ask the operator of this installation.").On("domain")
}

// prove looks for the TXT record.
func (s *Service) prove(ctx context.Context, d Domain) error {
	if s.TestData && strings.HasSuffix(d.Domain, ".example") { // RFC 2606: nobody's
		return nil
	}
	resolver := s.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	texts, err := resolver.LookupTXT(ctx, d.Record()+".")
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		err = nil
	}
	if err != nil {
		return fault.New(fault.Unavailable, "localidp.domain.dns", "The domain's DNS does not answer. Try again in a while.").Because(err)
	}
	if !slices.Contains(texts, d.Proof) {
		return fault.New(fault.Conflict, "localidp.domain.unproved", "The TXT record is not there yet: it can take some hours until a new record is seen everywhere.")
	}
	return nil
}

// RemoveDomain takes a domain away. Errors: fault.Denied, fault.Absent.
func (s *Service) RemoveDomain(ctx context.Context, by access.Actor, id, domainID string) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var d Domain
		err := tx.NewDelete().Model(&d).Where("org_id = ?", by.OrgID).Where("idp_id = ?", id).Where("id = ?", domainID).Returning("*").Scan(ctx)
		if err != nil {
			return store.Found(err, "localidp.domain")
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "idp.domain_remove", "idp:"+id, d.Domain))
	})
}

// Home is a login that somebody may go to.
type Home struct {
	ID, Name, Organisation string
}

// maxHomes is how many logins a hint leads to.
const maxHomes = 5

// Homes finds where to log in by what a person knows: a mail address, a domain or
// a CVR number. Only active logins of running organisations are told, and of a mail
// address only the domain is looked at: who exists is not told. Errors:
// fault.Invalid for a hint of no such form.
func (s *Service) Homes(ctx context.Context, hint string) ([]Home, error) {
	hint = strings.ToLower(strings.TrimSpace(hint))
	if at := strings.LastIndex(hint, "@"); at >= 0 {
		hint = hint[at+1:]
	}
	digits := strings.NewReplacer("dk", "", " ", "").Replace(hint)
	isCVR := len(digits) == 8 && strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) < 0
	if !isCVR && (len(hint) > 253 || !domainForm.MatchString(hint)) {
		return nil, fault.New(fault.Invalid, "localidp.hint", "Write your e-mail address at work, or your organisation's CVR number.").On("hint")
	}
	all := []Home{}
	q := s.DB.NewSelect().ColumnExpr("i.id, i.name, o.name AS organisation").TableExpr("local_idp AS i").
		Join("JOIN organisation AS o ON o.id = i.org_id").Where("i.state = ?", Active).Where("i.join_by <> ?", ByCPR).
		Where("(o.ends_at IS NULL OR o.ends_at > ?)", store.Instant(s.Now()))
	if isCVR {
		q.Where("o.cvr = ?", digits)
	} else {
		q.Where("EXISTS (SELECT 1 FROM local_idp_domain AS d WHERE d.org_id = i.org_id AND d.idp_id = i.id AND d.domain = ? AND d.verified_at IS NOT NULL)", hint)
	}
	err := q.Order("i.name", "i.id").Limit(maxHomes).Scan(ctx, &all)
	return all, err
}
