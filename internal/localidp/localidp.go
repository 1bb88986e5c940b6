// Package localidp is Adgang among the identity providers of organisations: which
// are registered, what their metadata says and is about to say, which mail domains
// lead to them, the logins that come from them, and who a login is. How messages
// look is hidden in internal/oiosaml.
package localidp

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB      *bun.DB
	Keys    *secret.Keys
	Org     *org.Service
	Session *session.Service
	// Federation keeps the logout of a session and the services in it.
	Federation *federation.Service
	Now        func() time.Time
	Log        *slog.Logger
	BaseURL    string
	// SAMLKeys sign requests and open answers.
	SAMLKeys *samlkey.Service
	// Feeds fetch metadata.
	Feeds *feed.Service
	// Resolver answers for domains; nil is the system's.
	Resolver *net.Resolver
	// TestData lets domains of documentation (.example) count without a proof.
	TestData bool
}

const (
	cookiePurpose secret.Purpose = "localidp.cookie"
	knownPurpose  secret.Purpose = "localidp.known"
)

// SweepKind drops logins that are over.
var SweepKind = outbox.NewKind[struct{}]("localidp.sweep")

// Kinds of identity provider.
const (
	Local    = "local"    // the organisation's own
	NemLogin = "nemlogin" // NemLog-in, of which Adgang is a service here
)

// State says how far a provider counts.
type State string

// The states: a draft can only be tested; off is not used and keeps its settings.
const (
	Draft  State = "draft"
	Active State = "active"
	Off    State = "off"
)

// Ways to find the employee that a login is.
const (
	ByLocalUserID = "local_user_id" // NameID is the local user ID
	ByRID         = "rid"
	ByUUID        = "uuid"
	ByCPR         = "cpr" // NemLog-in: the person's own MitID
)

// IdP is an identity provider of an organisation.
type IdP struct {
	bun.BaseModel `bun:"table:local_idp,alias:i"`

	ID           string       `bun:"id,pk"`
	OrgID        access.OrgID `bun:"org_id"`
	Kind         string       `bun:"kind"`
	Name         string       `bun:"name"`
	EntityID     string       `bun:"entity_id"`
	Source       string       `bun:"metadata"` // XML that counts
	MetadataAt   time.Time    `bun:"metadata_at"`
	MetadataURL  string       `bun:"metadata_url"` // "" = it is uploaded
	Proposed     string       `bun:"proposed"`     // XML that waits to be accepted, "" = none
	ProposedAt   *time.Time   `bun:"proposed_at"`
	FetchedAt    *time.Time   `bun:"fetched_at"`
	FetchFailure string       `bun:"fetch_failure"` // fault code of the last fetch, "" = it went well
	State        State        `bun:"state"`
	JoinBy       string       `bun:"join_by"`
	Level        string       `bun:"level"`       // the highest NSIS level that its logins count for
	Creates      bool         `bun:"creates"`     // makes employees whom nobody created
	Unsolicited  bool         `bun:"unsolicited"` // may begin a login itself
	CBC          bool         `bun:"cbc"`         // may encrypt with AES-CBC
	Skew         int64        `bun:"skew"`        // seconds that its clock may be off
	Version      int64        `bun:"version"`
	CreatedAt    time.Time    `bun:"created_at"`
	LastLoginAt  *time.Time   `bun:"last_login_at"`
	Failure      string       `bun:"failure"`      // fault code of the last refused login since the last good one
	FailureNote  string       `bun:"failure_note"` // what the answer said, for the administrator
	FailedAt     *time.Time   `bun:"failed_at"`

	// Metadata is Source, read.
	Metadata oiosaml.Identity `bun:"-"`
	Domains  []Domain         `bun:"-"`
}

// read parses the metadata as of the day it began to count: some providers write a
// validUntil two days ahead and never send anything newer.
func (p *IdP) read() (err error) {
	p.Metadata, err = oiosaml.ParseIdentity([]byte(p.Source), p.MetadataAt)
	return err
}

// cap is the highest level that a login counts for.
func (p *IdP) cap() oiosaml.Level { return oiosaml.LevelNamed(p.Level) }

// party is Adgang as a service provider.
func (s *Service) party(ctx context.Context) (oiosaml.RelyingParty, error) {
	keys, err := s.SAMLKeys.Ring(ctx)
	if err != nil {
		return oiosaml.RelyingParty{}, err
	}
	base := strings.TrimSuffix(s.BaseURL, "/") + "/saml/sp/"
	return oiosaml.RelyingParty{
		EntityID: base + "metadata", Consumer: base + "acs", Logout: base + "slo", Name: "Adgang",
		Signing: keys.Signing, Encryption: keys.Encryption, Decryption: keys.Decryption,
		Attributes: []string{
			oiosaml.AttrLoA, oiosaml.AttrCVR, oiosaml.AttrOrgName, oiosaml.AttrRID, oiosaml.AttrUUID, oiosaml.AttrFirstName,
			oiosaml.AttrLastName, oiosaml.AttrFullName, oiosaml.AttrEmail, oiosaml.AttrCPR, oiosaml.AttrCPRUUID, oiosaml.AttrIAL,
		},
	}, nil
}

// Metadata is what identity providers load about Adgang, signed.
func (s *Service) Metadata(ctx context.Context) ([]byte, error) {
	p, err := s.party(ctx)
	if err != nil {
		return nil, err
	}
	return p.Publish(s.Now())
}

// one reads a provider of an organisation. Errors: fault.Absent.
func (s *Service) one(ctx context.Context, db bun.IDB, org access.OrgID, id string) (IdP, error) {
	var p IdP
	err := db.NewSelect().Model(&p).Where("i.org_id = ?", org).Where("i.id = ?", id).Scan(ctx)
	if err != nil {
		return p, store.Found(err, "localidp")
	}
	return p, p.read()
}

// IdP returns one provider of the organisation with its domains. Errors:
// fault.Denied, fault.Absent.
func (s *Service) IdP(ctx context.Context, by access.Actor, id string) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	p, err := s.one(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return p, err
	}
	err = s.DB.NewSelect().Model(&p.Domains).Where("d.org_id = ?", by.OrgID).Where("d.idp_id = ?", id).Order("d.domain").Scan(ctx)
	return p, err
}

// maxIdPs is how many providers one organisation may have.
const maxIdPs = 20

// IdPs returns the organisation's providers by name, without domains. Errors:
// fault.Denied.
func (s *Service) IdPs(ctx context.Context, by access.Actor) ([]IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return nil, err
	}
	var all []IdP
	err := s.DB.NewSelect().Model(&all).Where("i.org_id = ?", by.OrgID).Order("i.name", "i.id").Limit(maxIdPs).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := all[i].read(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// authenticator is what the organisation's settings must allow before a kind is used.
func authenticator(kind string) string {
	if kind == NemLogin {
		return "private_mitid"
	}
	return "local_idp"
}

// allowed refuses a provider, switched on or not, whose kind the organisation has
// taken out of its authenticators. Administrators have no exception here: the key
// files that they keep are the way to put it back. Errors: fault.Denied.
func allowed(ctx context.Context, db bun.IDB, p IdP) error {
	settings, err := setting.Of(ctx, db, p.OrgID)
	if err != nil {
		return err
	}
	return settings.Allows(authenticator(p.Kind))
}

func unknown() error {
	return fault.New(fault.Denied, "localidp.unknown", "There is no such login, or it is switched off. Choose another way to log in, or ask your administrator.")
}
