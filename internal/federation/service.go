package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package: the business services that trust Adgang
// and the logins on their way to them. It is used by pointer.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	Org  *org.Service
	// Rights tells what a person may do in a service.
	Rights *entitlement.Service
	// Approval holds what waits for a second person.
	Approval *approval.Service
	// Session ends the sessions of those who log out.
	Session *session.Service
	// Elsewhere are the parties in a session that other packages keep, by kind.
	Elsewhere map[string]Elsewhere
	// Faces are the protocols beside SAML in which services ask for logins, by kind.
	Faces map[string]Face
	// PrivateHosts lets a service's server have a private address.
	PrivateHosts bool
	Now          func() time.Time
	Log          *slog.Logger
	BaseURL      string // without a slash at the end
	// SAMLKeys sign and decrypt.
	SAMLKeys *samlkey.Service
	// Feeds fetch metadata.
	Feeds *feed.Service

	mu     sync.Mutex
	client *http.Client
}

const (
	cookiePurpose secret.Purpose = "federation.flow_cookie"
	namePurpose   secret.Purpose = "federation.name_id"
)

// SweepKind drops login requests that are over.
var SweepKind = outbox.NewKind[struct{}]("federation.sweep_requests")

// Partner is a business service registered by an organisation.
type Partner struct {
	bun.BaseModel `bun:"table:service"`

	ID          string       `bun:"id,pk"`
	OrgID       access.OrgID `bun:"org_id"`
	EntityID    string       `bun:"entity_id"`
	Name        string       `bun:"name"`
	Source      string       `bun:"metadata"` // XML as it was registered, "" = it does not speak SAML
	CreatedAt   time.Time    `bun:"created_at"`
	LastLoginAt *time.Time   `bun:"last_login_at"`
	PolicyText  string       `bun:"policy"` // JSON of Policy, "" = the defaults
	PolicyCount int64        `bun:"policy_version"`
	Face        string       `bun:"face"`   // a key of Service.Faces that it speaks too, "" = SAML alone
	Claims      string       `bun:"claims"` // JSON: names of the attributes that it asks for by that face

	// Metadata is Source, read; Policy is PolicyText.
	Metadata oiosaml.Metadata `bun:"-"`
	Policy   Policy           `bun:"-"`
}

// read parses the stored metadata as of its registration: some services write
// a validUntil two days ahead and never send anything newer.
func (p *Partner) read() (err error) {
	if p.PolicyText != "" {
		if err := json.Unmarshal([]byte(p.PolicyText), &p.Policy); err != nil {
			return fmt.Errorf("policy of service %s: %w", p.ID, err)
		}
	}
	p.Policy.Version = p.PolicyCount
	if p.Source == "" {
		p.Metadata = oiosaml.Metadata{EntityID: p.EntityID}
		return nil
	}
	p.Metadata, err = oiosaml.ParseMetadata([]byte(p.Source), p.CreatedAt)
	return err
}

// introduce makes the service known to the catalogue of rights.
func (p *Partner) introduce(ctx context.Context, tx bun.Tx) error {
	o, err := org.ByID(ctx, tx, p.OrgID)
	if err != nil {
		return err
	}
	return entitlement.Introduce(ctx, tx, entitlement.Target{ID: p.ID, OwnerID: o.ID, OwnerName: o.Name, Name: p.Name})
}

// nameOf is what to call a service: what it says, or its host.
func nameOf(md oiosaml.Metadata) string {
	name := md.Name.In("da")
	if name == "" {
		name = md.Organisation.In("da")
	}
	if u, err := url.Parse(md.EntityID); name == "" && err == nil && u.Host != "" {
		name = u.Host
	}
	if name == "" {
		name = md.EntityID
	}
	if r := []rune(name); len(r) > 200 {
		name = string(r[:200])
	}
	return name
}

// Register adds a business service by its metadata. Errors: fault.Denied;
// fault.Invalid for metadata that cannot be used; fault.Conflict when the
// entityID is registered in this installation already.
func (s *Service) Register(ctx context.Context, by access.Actor, metadata []byte) (Partner, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Partner{}, err
	}
	md, err := oiosaml.ParseMetadata(metadata, s.Now())
	if err != nil {
		return Partner{}, err
	}
	p := Partner{
		ID: store.NewID(), OrgID: by.OrgID, EntityID: md.EntityID, Name: nameOf(md), Source: string(metadata),
		CreatedAt: store.Instant(s.Now()), Metadata: md,
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []Partner{p}, "ON CONFLICT (entity_id) DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "federation.service.taken", "A service with the entityID %s is registered already. Replace its metadata instead, or give the service an entityID of its own.", md.EntityID).On("metadata")
		}
		if err := p.introduce(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.register", "service:"+p.ID, md.EntityID))
	})
	return p, err
}

// Partner returns one service of the organisation. Errors: fault.Denied,
// fault.Absent.
func (s *Service) Partner(ctx context.Context, by access.Actor, id string) (Partner, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Partner{}, err
	}
	var p Partner
	err := s.DB.NewSelect().Model(&p).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return p, store.Found(err, "federation.service")
	}
	return p, p.read()
}

// Partners returns a page of the organisation's services by name, and the
// cursor of the next, "" at the end.
func (s *Service) Partners(ctx context.Context, by access.Actor, cursor string) ([]Partner, string, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	const size = 50
	var page []Partner
	q := s.DB.NewSelect().Model(&page).Where("org_id = ?", by.OrgID)
	if after != nil {
		q.Where("(name, id) > (?, ?)", after[0], after[1])
	}
	if err := q.Order("name", "id").Limit(size + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > size {
		page = page[:size]
		next = store.Cursor(page[size-1].Name, page[size-1].ID)
	}
	for i := range page {
		if err := page[i].read(); err != nil {
			return nil, "", fmt.Errorf("metadata of service %s: %w", page[i].ID, err)
		}
	}
	return page, next, nil
}

// idp is the identity provider with the keys of the moment.
func (s *Service) idp(ctx context.Context) (*oiosaml.Provider, error) {
	ring, err := s.SAMLKeys.Ring(ctx)
	if err != nil {
		return nil, err
	}
	return oiosaml.NewProvider(s.BaseURL, ring.Signing, ring.Encryption), nil
}

// idpFor is the identity provider that signs as a service's policy wants.
func (s *Service) idpFor(ctx context.Context, p Partner) (*oiosaml.Provider, error) {
	idp, err := s.idp(ctx)
	if err != nil || !p.Policy.ECDSA {
		return idp, err
	}
	return idp.By(oiosaml.ECDSA), nil
}

// IdPMetadata is what services load about Adgang, signed.
func (s *Service) IdPMetadata(ctx context.Context) ([]byte, error) {
	p, err := s.idp(ctx)
	if err != nil {
		return nil, err
	}
	return p.Publish(s.Now())
}
