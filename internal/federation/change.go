package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// Replacement is new metadata for a service, as it was handed in.
type Replacement struct {
	Service  string `json:"service"`
	Metadata string `json:"metadata"`
}

// Removal names a service to remove.
type Removal struct {
	Service string `json:"service"`
}

// Acts on a service that people have logged in to: a wrong one locks them out.
var (
	ReplaceAct = approval.NewAct[Replacement]("service.replace", access.ManageServices,
		"udskifte metadata for en tjeneste i brug", "replace the metadata of a service in use")
	RemoveAct = approval.NewAct[Removal]("service.remove", access.ManageServices,
		"fjerne en tjeneste i brug", "remove a service in use")
)

// ReplaceRoute and RemoveRoute do what a second person has approved.
func (s *Service) ReplaceRoute() approval.Route {
	return approval.Handle(ReplaceAct, func(ctx context.Context, tx bun.Tx, by access.Actor, r Replacement) error {
		_, err := s.replace(ctx, tx, by, r)
		return err
	})
}

// RemoveRoute is described at ReplaceRoute.
func (s *Service) RemoveRoute() approval.Route {
	return approval.Handle(RemoveAct, func(ctx context.Context, tx bun.Tx, by access.Actor, r Removal) error {
		return s.remove(ctx, tx, by, r.Service)
	})
}

// Replace gives a service new metadata; its entityID must stay. For a service
// that has had a login it may wait for a second person: then the request is
// returned and the service is as it was. Errors: as Register, and fault.Absent.
func (s *Service) Replace(ctx context.Context, by access.Actor, id string, metadata []byte) (p Partner, waiting *approval.Request, err error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Partner{}, nil, err
	}
	r := Replacement{Service: id, Metadata: string(metadata)}
	if _, err := s.replaced(ctx, s.DB, by, r); err != nil {
		return Partner{}, nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		live, name, err := s.live(ctx, tx, by, id)
		if err == nil && live {
			waiting, err = ReplaceAct.Ask(ctx, tx, s.Approval, by, r, about(id, name))
		}
		if err == nil && waiting == nil {
			p, err = s.replace(ctx, tx, by, r)
		}
		return err
	})
	return p, waiting, err
}

// Remove takes a service out; logins on their way to it end. It may wait, as
// Replace may. Errors: fault.Denied, fault.Absent.
func (s *Service) Remove(ctx context.Context, by access.Actor, id string) (waiting *approval.Request, err error) {
	if err := by.Need(access.ManageServices); err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		live, name, err := s.live(ctx, tx, by, id)
		if err == nil && live {
			waiting, err = RemoveAct.Ask(ctx, tx, s.Approval, by, Removal{Service: id}, about(id, name))
		}
		if err == nil && waiting == nil {
			err = s.remove(ctx, tx, by, id)
		}
		return err
	})
	return waiting, err
}

func about(id, name string) approval.About {
	return approval.About{Object: "service:" + id, Details: map[string]string{"name": name}}
}

// live tells whether anybody has logged in to a service.
func (s *Service) live(ctx context.Context, tx bun.Tx, by access.Actor, id string) (live bool, name string, err error) {
	var p Partner
	err = tx.NewSelect().Model(&p).Column("name", "last_login_at").Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx)
	return p.LastLoginAt != nil, p.Name, store.Found(err, "federation.service")
}

// replaced is the service as the new metadata makes it.
func (s *Service) replaced(ctx context.Context, db bun.IDB, by access.Actor, r Replacement) (Partner, error) {
	md, err := oiosaml.ParseMetadata([]byte(r.Metadata), s.Now())
	if err != nil {
		return Partner{}, err
	}
	var p Partner
	if err := db.NewSelect().Model(&p).Where("org_id = ?", by.OrgID).Where("id = ?", r.Service).Scan(ctx); err != nil {
		return Partner{}, store.Found(err, "federation.service")
	}
	if md.EntityID != p.EntityID {
		return Partner{}, fault.New(fault.Invalid, "federation.service.entity_id", "The metadata belongs to %s, the service is %s. Register it as another service.", md.EntityID, p.EntityID).On("metadata")
	}
	p.Source, p.Metadata, p.Name = r.Metadata, md, nameOf(md)
	return p, nil
}

func (s *Service) replace(ctx context.Context, tx bun.Tx, by access.Actor, r Replacement) (Partner, error) {
	p, err := s.replaced(ctx, tx, by, r)
	if err != nil {
		return Partner{}, err
	}
	res, err := tx.NewUpdate().Model(&p).Column("name", "metadata").Where("org_id = ?", by.OrgID).WherePK().Exec(ctx)
	if err := store.One(res, err, "federation.service"); err != nil {
		return Partner{}, err
	}
	if _, err := s.clear(ctx, tx, p, r.Metadata, ""); err != nil {
		return Partner{}, err
	}
	if err := p.introduce(ctx, tx); err != nil {
		return Partner{}, err
	}
	return p, audit.Record(ctx, tx, audit.By(by, s.Now(), "service.replace", "service:"+p.ID, p.EntityID))
}

func (s *Service) remove(ctx context.Context, tx bun.Tx, by access.Actor, id string) error {
	n, err := store.Count(tx.NewDelete().Model((*Partner)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx))
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Absent, "federation.service.absent", "There is no such thing in this organisation.")
	}
	if err := s.Feeds.Follow(ctx, tx, by.OrgID, feedName(id), "", feed.Taken{}); err != nil {
		return err
	}
	if err := entitlement.Forget(ctx, tx, by.OrgID, id, s.Now()); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.remove", "service:"+id, ""))
}
