package federation

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// Rules by which new metadata of a service counts without a person.
const (
	ByHand   = "by_hand"   // never
	OnlyKeys = "only_keys" // when nothing differs but keys
	Signed   = "signed"    // when it is signed by the pinned key and its addresses stay on their hosts
)

// Source is where a service's metadata comes from and what is done with it.
type Source struct {
	bun.BaseModel `bun:"table:service_source"`

	ServiceID  string       `bun:"service_id,pk"`
	OrgID      access.OrgID `bun:"org_id"`
	Rule       string       `bun:"rule"`
	Pinned     string       `bun:"pinned"`   // PEM of the certificate that signs documents, "" = none
	Proposed   string       `bun:"proposed"` // XML that waits to be accepted, "" = none
	ProposedAt *time.Time   `bun:"proposed_at"`
	Refused    string       `bun:"refused"` // SHA-256 of the document that was turned down last
	Version    int64        `bun:"version"`

	// Feed is how fetching goes, nil when nothing is fetched.
	Feed *feed.Feed `bun:"-"`
	// Difference is what Proposed would change, nil when nothing waits.
	Difference *oiosaml.Difference `bun:"-"`
	Notices    []string            `bun:"-"` // of Proposed
}

// Signer is the pinned certificate, nil for none.
func (s Source) Signer() *x509.Certificate {
	block, _ := pem.Decode([]byte(s.Pinned))
	if block == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return cert
}

// SourceTerms are what an owner decides about a service's metadata. Pinned is a PEM
// certificate; "" with the rule Signed pins who signs the document at the address.
type SourceTerms struct {
	URL, Rule, Pinned string
	Version           int64
}

func feedName(service string) string { return "service:" + service }

// Source returns where a service's metadata comes from, and what waits. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Source(ctx context.Context, by access.Actor, id string) (Source, error) {
	p, err := s.Partner(ctx, by, id)
	if err != nil {
		return Source{}, err
	}
	return s.source(ctx, s.DB, p)
}

func (s *Service) source(ctx context.Context, db bun.IDB, p Partner) (Source, error) {
	var rows []Source
	if err := db.NewSelect().Model(&rows).Where("org_id = ?", p.OrgID).Where("service_id = ?", p.ID).Scan(ctx); err != nil {
		return Source{}, err
	}
	out := Source{ServiceID: p.ID, OrgID: p.OrgID, Rule: ByHand}
	if len(rows) > 0 {
		out = rows[0]
	}
	if out.Proposed != "" {
		md, err := oiosaml.ParseMetadata([]byte(out.Proposed), *out.ProposedAt)
		if err != nil {
			return out, err
		}
		d := p.Metadata.Difference(md)
		out.Difference, out.Notices = &d, md.Notices
	}
	var err error
	out.Feed, err = s.Feeds.Of(ctx, db, p.OrgID, feedName(p.ID))
	return out, err
}

// SetSource decides where a service's metadata is fetched from and by which rule it
// counts. The address is read before it is kept. Errors: fault.Denied, fault.Absent;
// fault.Invalid for terms, and for an address that does not serve this service's
// metadata; fault.Conflict when somebody was faster.
func (s *Service) SetSource(ctx context.Context, by access.Actor, id string, t SourceTerms) (Source, error) {
	p, err := s.Partner(ctx, by, id)
	if err != nil {
		return Source{}, err
	}
	if p.Source == "" {
		return Source{}, fault.New(fault.Invalid, "federation.source.saml", "The service does not speak SAML: it has no metadata to fetch.")
	}
	if !slices.Contains([]string{ByHand, OnlyKeys, Signed}, t.Rule) {
		return Source{}, fault.New(fault.Invalid, "federation.source.rule", "There is no such rule.").On("rule")
	}
	if t.Rule != ByHand && t.URL == "" {
		return Source{}, fault.New(fault.Invalid, "federation.source.url", "A rule needs an address to fetch the metadata from.").On("url")
	}
	var document []byte
	var read feed.Taken
	if t.URL != "" {
		if document, err = s.Feeds.Get(ctx, t.URL); err != nil {
			return Source{}, err
		}
		md, _, err := s.ours(document, p)
		if err != nil {
			return Source{}, err
		}
		read = feed.Taken{ValidUntil: md.ValidUntil, CacheFor: md.CacheFor}
	}
	if t.Pinned, err = s.pin(t, document); err != nil {
		return Source{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.saveSource(ctx, tx, by, p, t); err != nil {
			return err
		}
		return s.Feeds.Follow(ctx, tx, by.OrgID, feedName(id), t.URL, read)
	})
	if err == nil && t.URL != "" {
		_, err = s.take(ctx, by.OrgID, id, document)
	}
	if err != nil {
		return Source{}, err
	}
	return s.Source(ctx, by, id)
}

// pin returns the certificate to hold documents to, in PEM.
func (s *Service) pin(t SourceTerms, document []byte) (string, error) {
	if t.Rule != Signed {
		return "", nil
	}
	encode := func(cert *x509.Certificate) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	if strings.TrimSpace(t.Pinned) != "" {
		cert := Source{Pinned: strings.TrimSpace(t.Pinned)}.Signer()
		if cert == nil {
			return "", fault.New(fault.Invalid, "federation.source.pinned", "The certificate must be one in PEM form.").On("pinned")
		}
		return encode(cert), nil
	}
	cert, err := oiosaml.MetadataSigner(document, s.Now())
	if err != nil {
		return "", fault.New(fault.Invalid, "federation.source.unsigned", "The document at the address is not signed, so no key can be pinned. Choose another rule.").On("rule").Because(err)
	}
	return encode(cert), nil
}

func (s *Service) saveSource(ctx context.Context, tx bun.Tx, by access.Actor, p Partner, t SourceTerms) error {
	row := Source{ServiceID: p.ID, OrgID: p.OrgID, Rule: t.Rule, Pinned: t.Pinned, Version: t.Version + 1}
	var n int64
	var err error
	if t.Version == 0 {
		n, err = store.Insert(ctx, tx, []Source{row}, "ON CONFLICT (service_id) DO NOTHING")
	} else {
		n, err = store.Count(tx.NewUpdate().Model(&row).Column("rule", "pinned", "version").Where("org_id = ?", p.OrgID).WherePK().
			Where("version = ?", t.Version).Exec(ctx))
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "federation.policy.stale", "Somebody else has changed this in the meantime. Look at the page again.")
	}
	note := t.Rule + " " + t.URL
	if cert := row.Signer(); cert != nil {
		note += " " + fingerprint(cert.Raw)
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.source", "service:"+p.ID, note))
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// ours reads a document as the metadata of one service; raw is the part of it that
// is about the service.
func (s *Service) ours(document []byte, p Partner) (md oiosaml.Metadata, raw []byte, err error) {
	if raw, err = oiosaml.Pick(document, p.EntityID, s.Now()); err != nil {
		return md, nil, err
	}
	if md, err = oiosaml.ParseMetadata(raw, s.Now()); err != nil {
		return md, nil, err
	}
	if md.EntityID != p.EntityID {
		return md, nil, fault.New(fault.Invalid, "federation.service.entity_id", "The metadata belongs to %s, the service is %s. Register it as another service.", md.EntityID, p.EntityID).On("metadata")
	}
	return md, raw, nil
}

// Taker takes what is fetched for services.
func (s *Service) Taker() feed.Taker {
	return feed.Taker{Take: s.take, People: s.people}
}

// take compares a fetched document with what counts: it changes nothing, waits for
// a person, or counts by the owner's rule.
func (s *Service) take(ctx context.Context, orgID access.OrgID, id string, document []byte) (feed.Taken, error) {
	var p Partner
	if err := s.DB.NewSelect().Model(&p).Where("org_id = ?", orgID).Where("id = ?", id).Scan(ctx); err != nil {
		return feed.Taken{}, store.Found(err, "federation.service")
	}
	if err := p.read(); err != nil {
		return feed.Taken{}, err
	}
	md, raw, err := s.ours(document, p)
	if err != nil {
		return feed.Taken{}, err
	}
	taken := feed.Taken{ValidUntil: md.ValidUntil, CacheFor: md.CacheFor}
	from, err := s.source(ctx, s.DB, p)
	if err != nil {
		return taken, err
	}
	d := p.Metadata.Difference(md)
	if d.Same() {
		return taken, s.drop(ctx, p, from)
	}
	if string(raw) == from.Proposed || fingerprint(raw) == from.Refused {
		return taken, nil
	}
	to, err := s.readers(ctx, p)
	if err != nil {
		return taken, err
	}
	return taken, s.weigh(ctx, p, from, raw, d, to)
}

// drop takes back what waits when the service has gone back to what counts.
func (s *Service) drop(ctx context.Context, p Partner, from Source) error {
	if from.Proposed == "" {
		return nil
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := s.clear(ctx, tx, p, from.Proposed, "")
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(p.OrgID), s.Now(), "service.withdrawn", "service:"+p.ID, ""))
	})
}

// clear forgets the document that waits, if it is still that one.
func (s *Service) clear(ctx context.Context, tx bun.Tx, p Partner, proposed, refused string) (int64, error) {
	return store.Count(tx.NewUpdate().Model((*Source)(nil)).Set("proposed = ''").Set("proposed_at = NULL").Set("refused = ?", refused).
		Where("org_id = ?", p.OrgID).Where("service_id = ?", p.ID).Where("proposed = ?", proposed).Exec(ctx))
}

// weigh lets a changed document count where the rule says so, and else lays it
// beside what counts. People are told either way.
func (s *Service) weigh(ctx context.Context, p Partner, from Source, raw []byte, d oiosaml.Difference, to []feed.Reader) error {
	counts := s.allows(from, raw, d)
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		by, now := access.System(p.OrgID), store.Instant(s.Now())
		if counts && p.LastLoginAt != nil {
			// Where a second person must look at metadata in use, no rule stands in.
			eyes, err := approval.Demanded(ctx, tx, p.OrgID, ReplaceAct.Name)
			if err != nil {
				return err
			}
			counts = !eyes
		}
		step := "waits"
		if counts {
			step = "accepted"
			if _, err := s.replace(ctx, tx, by, Replacement{Service: p.ID, Metadata: string(raw)}); err != nil {
				return err
			}
			if _, err := s.clear(ctx, tx, p, from.Proposed, ""); err != nil {
				return err
			}
		} else {
			row := from
			row.Proposed, row.ProposedAt, row.Refused = string(raw), &now, ""
			if _, err := store.Insert(ctx, tx, []Source{row}, "ON CONFLICT (service_id) DO UPDATE SET proposed = EXCLUDED.proposed, proposed_at = EXCLUDED.proposed_at, refused = ''"); err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.By(by, now, "service.propose", "service:"+p.ID, d.Summary())); err != nil {
				return err
			}
		}
		params := map[string]string{"step": step, "partner": p.Name, "address": s.page(p.ID), "source": "-", "code": "-", "changes": d.Lines()}
		return s.Feeds.Mail.Queue(ctx, tx, "", feed.Drafts(p.OrgID, to, params)...)
	})
}

// allows tells whether the owner's rule lets a document count by itself.
func (s *Service) allows(from Source, raw []byte, d oiosaml.Difference) bool {
	switch from.Rule {
	case OnlyKeys:
		return d.OnlyKeys()
	case Signed:
		cert := from.Signer()
		if cert == nil || !d.SameHosts() {
			return false
		}
		_, _, err := oiosaml.SignedMetadata(raw, []*x509.Certificate{cert}, s.Now())
		return err == nil
	}
	return false
}

func (s *Service) page(id string) string { return s.BaseURL + "/services/" + id + "?tab=source" }

// people are whom to tell about a service: who may manage services in the
// organisation, and the service's own contacts.
func (s *Service) people(ctx context.Context, orgID access.OrgID, id string) (name, page string, to []feed.Reader, err error) {
	var p Partner
	if err := s.DB.NewSelect().Model(&p).Where("org_id = ?", orgID).Where("id = ?", id).Scan(ctx); err != nil {
		return "", "", nil, store.Found(err, "federation.service")
	}
	if err := p.read(); err != nil {
		return "", "", nil, err
	}
	to, err = s.readers(ctx, p)
	return p.Name, s.page(p.ID), to, err
}

func (s *Service) readers(ctx context.Context, p Partner) ([]feed.Reader, error) {
	addresses, err := s.contacts(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.Feeds.Readers(ctx, p.OrgID, access.ManageServices, addresses)
}

// FetchNow fetches a service's metadata at once. Errors: fault.Denied, fault.Absent,
// fault.Conflict when it has no address.
func (s *Service) FetchNow(ctx context.Context, by access.Actor, id string) (Source, error) {
	from, err := s.Source(ctx, by, id)
	if err != nil {
		return from, err
	}
	if from.Feed == nil {
		return from, fault.New(fault.Conflict, "federation.source.none", "This service has no address to fetch its metadata from.")
	}
	if err := s.Feeds.Fetch(ctx, feed.Ref{Org: by.OrgID, Partner: feedName(id)}); err != nil {
		return from, err
	}
	return s.Source(ctx, by, id)
}

// AcceptProposal lets the document that waits count; for a service in use it may
// wait for a second person, as Replace. Errors: as Replace, and fault.Conflict when
// nothing waits.
func (s *Service) AcceptProposal(ctx context.Context, by access.Actor, id string) (p Partner, waiting *approval.Request, err error) {
	from, err := s.Source(ctx, by, id)
	if err != nil {
		return Partner{}, nil, err
	}
	if from.Proposed == "" {
		return Partner{}, nil, nothingWaits()
	}
	return s.Replace(ctx, by, id, []byte(from.Proposed))
}

// DiscardProposal turns the document down that waits: it is not proposed again
// until the service publishes another. Errors: as AcceptProposal.
func (s *Service) DiscardProposal(ctx context.Context, by access.Actor, id string) error {
	p, err := s.Partner(ctx, by, id)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		from, err := s.source(ctx, tx, p)
		if err != nil {
			return err
		}
		if from.Proposed == "" {
			return nothingWaits()
		}
		n, err := s.clear(ctx, tx, p, from.Proposed, fingerprint([]byte(from.Proposed)))
		if err != nil {
			return err
		}
		if n == 0 {
			return nothingWaits()
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.discard", "service:"+id, from.Difference.Summary()))
	})
}

func nothingWaits() error {
	return fault.New(fault.Conflict, "federation.source.nothing", "There is no new metadata to decide about.")
}
