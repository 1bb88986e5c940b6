package localidp

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Registration is how a provider is made known: its metadata, or where it is
// published.
type Registration struct {
	Kind     string // Local when ""
	Metadata []byte
	URL      string // instead of Metadata
}

// Register adds a provider as a draft. Errors: fault.Denied; fault.Invalid for
// metadata that cannot be used, fault.Unavailable when it cannot be fetched;
// fault.Conflict when the organisation has it already.
func (s *Service) Register(ctx context.Context, by access.Actor, in Registration) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	if in.Kind == "" {
		in.Kind = Local
	}
	if in.Kind != Local && in.Kind != NemLogin {
		return IdP{}, fault.New(fault.Invalid, "localidp.kind", "There is no such kind of login.").On("kind")
	}
	if in.URL != "" {
		fetched, err := s.Feeds.Get(ctx, in.URL)
		if err != nil {
			return IdP{}, err
		}
		in.Metadata = fetched
	}
	md, err := oiosaml.ParseIdentity(in.Metadata, s.Now())
	if err != nil {
		return IdP{}, err
	}
	now := store.Instant(s.Now())
	p := IdP{
		ID: store.NewID(), OrgID: by.OrgID, Kind: in.Kind, Name: nameOf(md), EntityID: md.EntityID, Source: string(in.Metadata),
		MetadataAt: now, MetadataURL: in.URL, State: Draft, JoinBy: ByLocalUserID, Level: "Low", Skew: 300, CreatedAt: now, Metadata: md,
	}
	if in.Kind == NemLogin {
		p.JoinBy, p.Level = ByCPR, "Substantial"
	}
	if in.URL != "" {
		p.FetchedAt = &now
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Model((*IdP)(nil)).Where("i.org_id = ?", by.OrgID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxIdPs {
			return fault.New(fault.Conflict, "localidp.many", "An organisation has at most %d logins of its own.", maxIdPs)
		}
		added, err := store.Insert(ctx, tx, []IdP{p}, "ON CONFLICT (org_id, entity_id) DO NOTHING")
		if err != nil {
			return err
		}
		if added == 0 {
			return fault.New(fault.Conflict, "localidp.taken", "A login with the entityID %s is registered already. Give it new metadata instead.", md.EntityID).On("metadata")
		}
		read := feed.Taken{ValidUntil: md.ValidUntil, CacheFor: md.CacheFor}
		if err := s.Feeds.Follow(ctx, tx, by.OrgID, partnerID(p.ID), in.URL, read); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "idp.register", "idp:"+p.ID, md.EntityID))
	})
	return p, err
}

// nameOf is what to call a provider: what it says, or its host.
func nameOf(md oiosaml.Identity) string {
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

// Terms are what an administrator decides about a provider. Version is the one
// that was seen.
type Terms struct {
	Name, JoinBy, Level       string
	Creates, Unsolicited, CBC bool
	Skew                      int64 // seconds
	Version                   int64
}

func (t Terms) check(kind string) error {
	joins := []string{ByLocalUserID, ByRID, ByUUID}
	if kind == NemLogin {
		joins = []string{ByCPR, ByRID, ByUUID}
	}
	switch {
	case strings.TrimSpace(t.Name) == "" || utf8.RuneCountInString(t.Name) > 200:
		return fault.New(fault.Invalid, "localidp.name", "The name has 1 to 200 characters.").On("name")
	case !slices.Contains(joins, t.JoinBy):
		return fault.New(fault.Invalid, "localidp.join_by", "Employees cannot be found in this way.").On("join_by")
	case oiosaml.LevelNamed(t.Level) == 0:
		return fault.New(fault.Invalid, "localidp.level", "The level is Low, Substantial or High.").On("level")
	case t.Skew < 0 || t.Skew > 600:
		return fault.New(fault.Invalid, "localidp.skew", "The clocks may be up to 600 seconds apart.").On("skew")
	case t.Creates && (kind != Local || t.JoinBy == ByUUID):
		return fault.New(fault.Invalid, "localidp.creates", "Employees can only be created by a local login that names them by local user ID or RID.").On("creates")
	}
	return nil
}

// Change sets the terms. Errors: fault.Denied, fault.Absent, fault.Invalid,
// fault.Conflict when somebody has saved since.
func (s *Service) Change(ctx context.Context, by access.Actor, id string, t Terms) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.one(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if err := t.check(p.Kind); err != nil {
			return err
		}
		res, err := tx.NewUpdate().Model((*IdP)(nil)).Set("name = ?", strings.TrimSpace(t.Name)).Set("join_by = ?", t.JoinBy).Set("level = ?", t.Level).
			Set("creates = ?", t.Creates).Set("unsolicited = ?", t.Unsolicited).Set("cbc = ?", t.CBC).Set("skew = ?", t.Skew).Set("version = version + 1").
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("version = ?", t.Version).Exec(ctx)
		if err := store.One(res, err, "localidp"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "idp.change", "idp:"+id, differing(p, t)))
	})
	if err != nil {
		return IdP{}, err
	}
	return s.IdP(ctx, by, id)
}

// differing names the terms that change, with old and new value.
func differing(p IdP, t Terms) string {
	var all []string
	for _, f := range []struct{ name, a, b string }{
		{"name", p.Name, t.Name},
		{"join_by", p.JoinBy, t.JoinBy},
		{"level", p.Level, t.Level},
		{"creates", yes(p.Creates), yes(t.Creates)},
		{"unsolicited", yes(p.Unsolicited), yes(t.Unsolicited)},
		{"cbc", yes(p.CBC), yes(t.CBC)},
	} {
		if f.a != f.b {
			all = append(all, f.name+" "+f.a+" -> "+f.b)
		}
	}
	if p.Skew != t.Skew {
		all = append(all, "skew")
	}
	return strings.Join(all, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Switch activates a provider or puts it off; putting it off ends the sessions
// that began there. Errors: fault.Denied, fault.Absent, fault.Invalid,
// fault.Conflict when the settings do not allow such logins or nothing changes.
func (s *Service) Switch(ctx context.Context, by access.Actor, id string, to State) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	if to != Active && to != Off {
		return fault.New(fault.Invalid, "localidp.state", "A login is switched on or off.").On("state")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.one(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		settings, err := setting.Of(ctx, tx, by.OrgID)
		if err != nil {
			return err
		}
		if to == Active && !slices.Contains(settings.Authenticators, authenticator(p.Kind)) {
			return fault.New(fault.Conflict, "localidp.not_allowed", "The settings of your organisation do not allow this way to log in. Allow it there first.")
		}
		res, err := tx.NewUpdate().Model((*IdP)(nil)).Set("state = ?", to).Set("version = version + 1").
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state <> ?", to).Exec(ctx)
		if err := store.One(res, err, "localidp"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "idp."+map[State]string{Active: "activate", Off: "switch_off"}[to], "idp:"+id, p.EntityID))
	})
}

// Remove takes a provider out with its domains; its sessions end. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Remove(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.one(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*IdP)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
		if err := s.Feeds.Follow(ctx, tx, by.OrgID, partnerID(id), "", feed.Taken{}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "idp.remove", "idp:"+id, p.EntityID))
	})
}
