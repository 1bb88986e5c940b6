package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// Policy is what a service's owner has decided about logins to it. The zero Policy
// is the default: requests signed, five minutes of skew, the assertion signed with
// RSA, everybody in.
type Policy struct {
	Unsigned     bool `json:"unsigned,omitempty"`      // requests may come without a signature
	SkewSeconds  int  `json:"skew_seconds,omitempty"`  // 30..600, 0 = 300
	SignResponse bool `json:"sign_response,omitempty"` // the Response too, not only the assertion
	ECDSA        bool `json:"ecdsa,omitempty"`         // signatures with P-256, where the installation has such a key
	// Rights are URIs of rights in the service of which a person must hold one, or
	// nobody is asked for any.
	Rights []string `json:"rights,omitempty"`
	// Contacts stand in the place of those in the metadata; nil = the metadata's.
	Contacts []oiosaml.Contact `json:"contacts,omitempty"`
	// Version counts changes; it is no part of what is stored.
	Version int64 `json:"-"`
}

// Skew is how far the service's clock may be off.
func (p Policy) Skew() time.Duration {
	if p.SkewSeconds == 0 {
		return oiosaml.Skew
	}
	return time.Duration(p.SkewSeconds) * time.Second
}

func (p Policy) terms() oiosaml.Terms { return oiosaml.Terms{Skew: p.Skew(), Unsigned: p.Unsigned} }

func (p Policy) manner() oiosaml.Manner { return oiosaml.Manner{SignResponse: p.SignResponse} }

// Contacts are whom to write to about the service.
func (p *Partner) Contacts() []oiosaml.Contact {
	if p.Policy.Contacts != nil {
		return p.Policy.Contacts
	}
	return p.Metadata.Contacts
}

const (
	maxContacts = 10
	maxRights   = 50
)

func (p *Policy) check() error {
	if p.SkewSeconds != 0 && (p.SkewSeconds < 30 || p.SkewSeconds > 600) {
		return fault.New(fault.Invalid, "federation.policy.skew", "The clock may be off by 30 to 600 seconds.").On("skew_seconds")
	}
	if len(p.Rights) > maxRights {
		return fault.New(fault.Invalid, "federation.policy.rights", "At most %d rights can be chosen.", maxRights).On("rights")
	}
	if len(p.Contacts) > maxContacts {
		return fault.New(fault.Invalid, "federation.policy.contacts", "At most %d contacts can be given.", maxContacts).On("contacts")
	}
	for i := range p.Contacts {
		c := &p.Contacts[i]
		c.Name = strings.TrimSpace(c.Name)
		if !slices.Contains([]string{"technical", "support", "administrative", "billing", "other"}, c.Kind) || len(c.Name) > 200 ||
			len(c.Emails) != 1 || len(c.Emails[0]) > 254 || !strings.Contains(c.Emails[0], "@") || strings.ContainsAny(c.Emails[0], " \r\n\t<>") {
			return fault.New(fault.Invalid, "federation.policy.contact", "A contact needs a kind and one e-mail address.").On("contacts")
		}
	}
	return nil
}

// SetPolicy changes what a service is held to; p.Version is the one that the change
// began from. Errors: fault.Denied, fault.Absent, fault.Invalid, fault.Conflict when
// somebody was faster.
func (s *Service) SetPolicy(ctx context.Context, by access.Actor, id string, p Policy) (Partner, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Partner{}, err
	}
	if err := p.check(); err != nil {
		return Partner{}, err
	}
	document, err := json.Marshal(p)
	if err != nil {
		return Partner{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var before Partner
		if err := tx.NewSelect().Model(&before).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx); err != nil {
			return store.Found(err, "federation.service")
		}
		if err := s.publishes(ctx, tx, by, id, p.Rights); err != nil {
			return err
		}
		n, err := store.Count(tx.NewUpdate().Model((*Partner)(nil)).Set("policy = ?", string(document)).Set("policy_version = policy_version + 1").
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("policy_version = ?", p.Version).Exec(ctx))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "federation.policy.stale", "Somebody else has changed this in the meantime. Look at the page again.")
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.policy", "service:"+id, "").Changed(before.PolicyText, string(document)))
	})
	if err != nil {
		return Partner{}, err
	}
	return s.Partner(ctx, by, id)
}

// publishes demands that a service offers rights of these URIs.
func (s *Service) publishes(ctx context.Context, db bun.IDB, by access.Actor, id string, uris []string) error {
	if len(uris) == 0 {
		return nil
	}
	n, err := db.NewSelect().Model((*entitlement.Right)(nil)).Where("owner_id = ?", by.OrgID).Where("service_id = ?", id).Where("uri IN (?)", bun.List(uris)).Count(ctx)
	if err == nil && int(n) != len(uris) {
		return fault.New(fault.Invalid, "federation.policy.right", "The service does not offer one of these rights.").On("rights")
	}
	return err
}

// Use is what an organisation has decided about a service that its employees log
// in to. The zero Use withholds nothing and lets everybody in.
type Use struct {
	Withheld []string `json:"withheld,omitempty"` // names of attributes
	// Groups are those of which a person must be in one; none = everybody.
	Groups  []entitlement.GroupID `json:"groups,omitempty"`
	Version int64                 `json:"-"`
}

// storedUse is a row of service_use.
type storedUse struct {
	bun.BaseModel `bun:"table:service_use"`

	OrgID     access.OrgID `bun:"org_id,pk"`
	ServiceID string       `bun:"service_id,pk"`
	Document  string       `bun:"document"`
	Version   int64        `bun:"version"`
}

func useOf(ctx context.Context, db bun.IDB, org access.OrgID, service string) (u Use, err error) {
	var rows []storedUse
	if err := db.NewSelect().Model(&rows).Where("org_id = ?", org).Where("service_id = ?", service).Scan(ctx); err != nil || len(rows) == 0 {
		return u, err
	}
	if err := json.Unmarshal([]byte(rows[0].Document), &u); err != nil {
		return u, fmt.Errorf("use of service %s: %w", service, err)
	}
	u.Version = rows[0].Version
	return u, nil
}

// Used is a service as an organisation that uses it sees it.
type Used struct {
	ID, Name, OwnerName string
	Own                 bool
	Attributes          []oiosaml.Offered // what the service may be told
	Use                 Use
}

// Used returns a service that the organisation may use, its own or another's.
// Errors: fault.Denied, fault.Absent.
func (s *Service) Used(ctx context.Context, by access.Actor, id string) (Used, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Used{}, err
	}
	p, err := s.usable(ctx, by, id)
	if err != nil {
		return Used{}, err
	}
	_, rights, err := s.Rights.Offers(ctx, s.DB, id)
	if err != nil {
		return Used{}, err
	}
	out := Used{ID: p.ID, Name: p.Name, Own: p.OrgID == by.OrgID, Attributes: p.offered(rights)}
	o, err := s.Org.Organisation(store.AcrossTenants(ctx), p.OrgID) // its name is in the catalogue for everybody
	if err != nil {
		return Used{}, err
	}
	out.OwnerName = o.Name
	out.Use, err = useOf(ctx, s.DB, by.OrgID, id)
	return out, err
}

// usable reads a service that the organisation may use.
func (s *Service) usable(ctx context.Context, by access.Actor, id string) (p Partner, err error) {
	ok, err := entitlement.Usable(ctx, s.DB, by.OrgID, id)
	if err == nil && !ok {
		err = fault.New(fault.Absent, "federation.service.absent", "There is no such thing in this organisation.")
	}
	if err != nil {
		return p, err
	}
	if err := s.DB.NewSelect().Model(&p).Where("id = ?", id).Scan(store.AcrossTenants(ctx)); err != nil {
		return p, store.Found(err, "federation.service")
	}
	return p, p.read()
}

// SetUse decides what a service is told and which groups may log in to it, for the
// caller's organisation. Errors: as SetPolicy.
func (s *Service) SetUse(ctx context.Context, by access.Actor, id string, u Use) (Used, error) {
	now, err := s.Used(ctx, by, id)
	if err != nil {
		return Used{}, err
	}
	for _, name := range u.Withheld {
		i := slices.IndexFunc(now.Attributes, func(a oiosaml.Offered) bool { return a.Name == name })
		if i < 0 || now.Attributes[i].Mandatory {
			return Used{}, fault.New(fault.Invalid, "federation.use.attribute", "%s cannot be withheld: the profile makes it mandatory, or the service is not told it at all.", name).On("withheld")
		}
	}
	document, err := json.Marshal(u)
	if err != nil {
		return Used{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := entitlement.NeedGroups(ctx, tx, by.OrgID, u.Groups); err != nil {
			return err
		}
		before, err := useOf(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		row := storedUse{OrgID: by.OrgID, ServiceID: id, Document: string(document), Version: u.Version + 1}
		var n int64
		if u.Version == 0 {
			n, err = store.Insert(ctx, tx, []storedUse{row}, "ON CONFLICT (org_id, service_id) DO NOTHING")
		} else {
			n, err = store.Count(tx.NewUpdate().Model(&row).Column("document", "version").WherePK().Where("version = ?", u.Version).Exec(ctx))
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "federation.policy.stale", "Somebody else has changed this in the meantime. Look at the page again.")
		}
		was, err := json.Marshal(before)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.use", "service:"+id, "").Changed(string(was), string(document)))
	})
	if err != nil {
		return Used{}, err
	}
	return s.Used(ctx, by, id)
}
