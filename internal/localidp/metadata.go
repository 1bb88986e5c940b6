package localidp

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// Difference is what new metadata would change.
type Difference struct {
	oiosaml.Difference

	Notices []string
}

// Difference compares what counts with what is proposed; nil when nothing is.
func (p IdP) Difference() (*Difference, error) {
	if p.Proposed == "" {
		return nil, nil //nolint:nilnil // nothing is proposed, and that is no error
	}
	md, err := oiosaml.ParseIdentity([]byte(p.Proposed), *p.ProposedAt)
	if err != nil {
		return nil, err
	}
	return &Difference{p.Metadata.Difference(md), md.Notices}, nil
}

// Propose lays new metadata beside what counts; raw nil fetches it from the
// provider's address. Metadata that changes nothing is not kept. Errors:
// fault.Denied, fault.Absent, fault.Invalid, fault.Unavailable.
func (s *Service) Propose(ctx context.Context, by access.Actor, id string, raw []byte) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	p, err := s.one(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return p, err
	}
	if raw == nil {
		if p.MetadataURL == "" {
			return p, fault.New(fault.Invalid, "localidp.no_url", "This login has no address to fetch its metadata from. Upload the file.").On("url")
		}
		if raw, err = s.Feeds.Get(ctx, p.MetadataURL); err != nil {
			return p, err
		}
	}
	if _, err := s.propose(ctx, by, p, raw); err != nil {
		return p, err
	}
	return s.IdP(ctx, by, id)
}

// propose lays a document beside what counts. When it says nothing new, what waited
// is dropped.
func (s *Service) propose(ctx context.Context, by access.Actor, p IdP, document []byte) (md oiosaml.Identity, err error) {
	raw, err := oiosaml.Pick(document, p.EntityID, s.Now())
	if err != nil {
		return md, err
	}
	if md, err = oiosaml.ParseIdentity(raw, s.Now()); err != nil {
		return md, err
	}
	if md.EntityID != p.EntityID {
		return md, fault.New(fault.Invalid, "localidp.entity_id", "The metadata belongs to %s, this login is %s. Register it as another one.", md.EntityID, p.EntityID).On("metadata")
	}
	now := store.Instant(s.Now())
	next := p
	next.Proposed, next.ProposedAt = string(raw), &now
	d := p.Metadata.Difference(md)
	if d.Same() {
		next.Proposed, next.ProposedAt = "", nil
	}
	news := next.Proposed != p.Proposed && next.Proposed != ""
	var to []feed.Reader
	if news && by.ID == access.System(p.OrgID).ID { // whoever hands it in knows of it
		if to, err = s.readers(ctx, p); err != nil {
			return md, err
		}
	}
	return md, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*IdP)(nil)).Set("proposed = ?", next.Proposed).Set("proposed_at = ?", next.ProposedAt).
			Set("fetched_at = ?", now).Set("fetch_failure = ''").
			Where("org_id = ?", p.OrgID).Where("id = ?", p.ID).Exec(ctx)
		if err != nil || next.Proposed == p.Proposed {
			return err
		}
		if news {
			params := map[string]string{"step": "waits", "partner": p.Name, "address": s.page(p.ID), "source": "-", "code": "-", "changes": d.Lines()}
			if err := s.Feeds.Mail.Queue(ctx, tx, "", feed.Drafts(p.OrgID, to, params)...); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, now, "idp.propose", "idp:"+p.ID, d.Summary()))
	})
}

// Accept lets the proposed metadata count. Errors: fault.Denied, fault.Absent,
// fault.Conflict when nothing is proposed.
func (s *Service) Accept(ctx context.Context, by access.Actor, id string) (IdP, error) {
	return s.decide(ctx, by, id, "idp.accept")
}

// Discard drops the proposed metadata. Errors: as Accept.
func (s *Service) Discard(ctx context.Context, by access.Actor, id string) (IdP, error) {
	return s.decide(ctx, by, id, "idp.discard")
}

func (s *Service) decide(ctx context.Context, by access.Actor, id, verb string) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.one(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		d, err := p.Difference()
		if err != nil {
			return err
		}
		if d == nil {
			return fault.New(fault.Conflict, "localidp.nothing_proposed", "There is no new metadata to decide about.")
		}
		update := tx.NewUpdate().Model((*IdP)(nil)).Set("proposed = ''").Set("proposed_at = NULL").Set("version = version + 1")
		if verb == "idp.accept" {
			update.Set("metadata = ?", p.Proposed).Set("metadata_at = ?", store.Instant(s.Now()))
		}
		res, err := update.Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("proposed = ?", p.Proposed).Exec(ctx)
		if err := store.One(res, err, "localidp"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "idp:"+id, d.Summary()))
	})
	if err != nil {
		return IdP{}, err
	}
	return s.IdP(ctx, by, id)
}

// Taker takes what is fetched for providers: what differs is proposed, not used.
func (s *Service) Taker() feed.Taker {
	return feed.Taker{
		Take: func(ctx context.Context, org access.OrgID, id string, document []byte) (feed.Taken, error) {
			p, err := s.one(ctx, s.DB, org, id)
			if err != nil {
				return feed.Taken{}, err
			}
			md, err := s.propose(ctx, access.System(org), p, document)
			return feed.Taken{ValidUntil: md.ValidUntil, CacheFor: md.CacheFor}, err
		},
		Missed: func(ctx context.Context, org access.OrgID, id, code string) error {
			_, err := s.DB.NewUpdate().Model((*IdP)(nil)).Set("fetch_failure = ?", code).Set("fetched_at = ?", store.Instant(s.Now())).
				Where("org_id = ?", org).Where("id = ?", id).Exec(ctx)
			return err
		},
		People: func(ctx context.Context, org access.OrgID, id string) (name, page string, to []feed.Reader, err error) {
			p, err := s.one(ctx, s.DB, org, id)
			if err != nil {
				return "", "", nil, err
			}
			to, err = s.readers(ctx, p)
			return p.Name, s.page(id), to, err
		},
	}
}

func (s *Service) page(id string) string {
	return strings.TrimSuffix(s.BaseURL, "/") + "/identity-providers/" + id
}

// contacts are the mail addresses that the provider's metadata gives for technical
// matters, else for administration or support.
func contacts(md oiosaml.Identity) []string {
	for _, kind := range []string{"technical", "administrative", "support"} {
		var all []string
		for _, c := range md.Contacts {
			if c.Kind == kind {
				all = append(all, c.Emails...)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// readers are whom to tell about a provider: who may change the organisation's
// settings, and the provider's own contacts.
func (s *Service) readers(ctx context.Context, p IdP) ([]feed.Reader, error) {
	return s.Feeds.Readers(ctx, p.OrgID, access.ChangeSettings, contacts(p.Metadata))
}
