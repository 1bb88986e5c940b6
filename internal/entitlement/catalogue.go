package entitlement

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Target is a business service as this package knows it. Open ones may be used
// by every organisation, the others by their owner only.
type Target struct {
	bun.BaseModel `bun:"table:entitlement_service"`

	ID        string       `bun:"service_id,pk"`
	OwnerID   access.OrgID `bun:"owner_id"`
	OwnerName string       `bun:"owner_name"`
	Name      string       `bun:"name"`
	Open      bool         `bun:"open"`
	RemovedAt *time.Time   `bun:"removed_at"`
}

// Right is a right that a service offers. Its URI never changes; it is retired,
// never deleted.
type Right struct {
	bun.BaseModel `bun:"table:entitlement,alias:entitlement"`

	ID          ID           `bun:"id,pk" json:"-"`
	OwnerID     access.OrgID `bun:"owner_id" json:"-"`
	ServiceID   string       `bun:"service_id" json:"-"`
	URI         string       `bun:"uri" json:"uri"`
	NameDA      string       `bun:"name_da" json:"name_da"`
	NameEN      string       `bun:"name_en" json:"name_en"`
	TextDA      string       `bun:"text_da" json:"text_da"`
	TextEN      string       `bun:"text_en" json:"text_en"`
	Scopes      string       `bun:"scopes" json:"scopes"`           // kinds with a comma between
	Constraints string       `bun:"constraints" json:"constraints"` // JSON of Allowed
	Requestable bool         `bun:"requestable" json:"requestable"`
	Seal        bool         `bun:"seal" json:"seal"`
	Level       string       `bun:"level" json:"level"` // NSIS level the login needs: "", Low, Substantial, High
	Version     int64        `bun:"version" json:"-"`
	SearchKey   string       `bun:"search_key" json:"-"`
	RetiredAt   *time.Time   `bun:"retired_at" json:"retired_at,omitempty"`
	CreatedAt   time.Time    `bun:"created_at" json:"-"`
	UpdatedAt   time.Time    `bun:"updated_at" json:"-"`

	// Allowed is Constraints, read.
	Allowed Constraints `bun:"-" json:"-"`
}

// version is what a right said once.
type version struct {
	bun.BaseModel `bun:"table:entitlement_version"`

	EntitlementID ID           `bun:"entitlement_id,pk"`
	Version       int64        `bun:"version,pk"`
	OwnerID       access.OrgID `bun:"owner_id"`
	Said          string       `bun:"said"`
	Actor         string       `bun:"actor"`
	CreatedAt     time.Time    `bun:"created_at"`
}

// ScopeKinds lists what the right can be limited to.
func (r Right) ScopeKinds() []string { return strings.Split(r.Scopes, ",") }

// Introduce makes a service known, or its new name; federation calls it in the
// transaction in which the service changes.
func Introduce(ctx context.Context, tx bun.Tx, t Target) error {
	_, err := store.Insert(ctx, tx, []Target{t}, "ON CONFLICT (service_id) DO UPDATE SET name = excluded.name, owner_name = excluded.owner_name")
	return err
}

// Forget takes a service out, in the transaction in which it goes: its rights are
// retired and mean nothing any more.
func Forget(ctx context.Context, tx bun.Tx, owner access.OrgID, service string, now time.Time) error {
	now = store.Instant(now)
	_, err := tx.NewUpdate().Model((*Right)(nil)).Set("retired_at = ?", now).
		Where("owner_id = ?", owner).Where("service_id = ?", service).Where("retired_at IS NULL").Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Target)(nil)).Set("removed_at = ?", now).Set("open = FALSE").
		Where("owner_id = ?", owner).Where("service_id = ?", service).Exec(ctx)
	return err
}

// Usable tells whether an organisation may use a service.
func Usable(ctx context.Context, db bun.IDB, org access.OrgID, service string) (bool, error) {
	return db.NewSelect().Model((*Target)(nil)).Where("service_id = ?", service).
		Where("removed_at IS NULL").Where("(owner_id = ? OR open)", org).Exists(ctx)
}

// own finds a service of the caller's organisation.
func (s *Service) own(ctx context.Context, db bun.IDB, by access.Actor, service string) (t Target, err error) {
	err = db.NewSelect().Model(&t).Where("owner_id = ?", by.OrgID).Where("service_id = ?", service).
		Where("removed_at IS NULL").Scan(ctx)
	return t, store.Found(err, "entitlement.service")
}

// SetOpen decides whether other organisations may use a service. Errors:
// fault.Denied, fault.Absent.
func (s *Service) SetOpen(ctx context.Context, by access.Actor, service string, open bool) error {
	if err := by.Need(access.ManageServices); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		t, err := s.own(ctx, tx, by, service)
		if err != nil || t.Open == open {
			return err
		}
		_, err = tx.NewUpdate().Model(&t).Set("open = ?", open).WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		verb := "service.close"
		if open {
			verb = "service.open"
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "service:"+service, ""))
	})
}

// Offer is a right that a service's owner publishes; see Right. Allowed are the
// constraints it may be given with.
type Offer struct {
	URI                            string
	NameDA, NameEN, TextDA, TextEN string
	Scopes                         []string // empty = the whole organisation only
	Allowed                        Constraints
	Requestable, Seal              bool
	Level                          string
}

var levels = []string{"", "Low", "Substantial", "High"}

func (o Offer) right() (Right, error) {
	r := Right{
		URI: strings.TrimSpace(o.URI), NameDA: strings.TrimSpace(o.NameDA), NameEN: strings.TrimSpace(o.NameEN),
		TextDA: strings.TrimSpace(o.TextDA), TextEN: strings.TrimSpace(o.TextEN),
		Requestable: o.Requestable, Seal: o.Seal, Level: o.Level,
	}
	u, err := url.Parse(r.URI)
	if err != nil || u.Scheme == "" || u.Opaque == "" && u.Host == "" || !printable(r.URI, maxText) || strings.ContainsFunc(r.URI, unicode.IsSpace) {
		return r, fault.New(fault.Invalid, "entitlement.uri.form", "The URI of a right is a URN or a web address without spaces, at most %d characters.", maxText).On("uri")
	}
	if !printable(r.NameDA, 200) {
		return r, fault.New(fault.Invalid, "entitlement.name.length", "The right needs a Danish name of 1 to 200 characters.").On("name_da")
	}
	if r.NameEN == "" {
		r.NameEN = r.NameDA
	}
	if !printable(r.NameEN, 200) {
		return r, fault.New(fault.Invalid, "entitlement.name.length", "The right needs an English name of at most 200 characters.").On("name_en")
	}
	if utf8.RuneCountInString(r.TextDA) > 2000 || utf8.RuneCountInString(r.TextEN) > 2000 {
		return r, fault.New(fault.Invalid, "entitlement.text.length", "The description may have at most 2,000 characters.").On("text_da")
	}
	if !slices.Contains(levels, o.Level) {
		return r, fault.New(fault.Invalid, "entitlement.level.unknown", "The level is Low, Substantial or High, or none.").On("level")
	}
	kinds := []string{}
	for _, kind := range []string{WholeOrganisation, ProductionUnit, SENumber} {
		if slices.Contains(o.Scopes, kind) || len(o.Scopes) == 0 && kind == WholeOrganisation {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != max(1, len(o.Scopes)) {
		return r, fault.New(fault.Invalid, "entitlement.scopes.unknown", "A right can be limited to cvr, p and se, each named once.").On("scopes")
	}
	r.Scopes = strings.Join(kinds, ",")
	if r.Allowed, err = o.Allowed.normal(); err != nil {
		return r, err
	}
	r.Constraints = r.Allowed.text()
	r.SearchKey = strings.ToLower(strings.Join([]string{r.NameDA, r.NameEN, r.URI}, " "))
	return r, nil
}

// printable tells whether s has 1 to limit characters, all of them visible.
func printable(s string, limit int) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, unicode.IsControl)
}

// Publish adds a right to the catalogue of a service of the caller's
// organisation, or replaces what its URI said; a retired one is offered again.
// Errors: fault.Denied, fault.Absent, fault.Invalid.
func (s *Service) Publish(ctx context.Context, by access.Actor, service string, o Offer) (Right, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Right{}, err
	}
	r, err := o.right()
	if err != nil {
		return Right{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.own(ctx, tx, by, service); err != nil {
			return err
		}
		now := store.Instant(s.Now())
		r.ID, r.OwnerID, r.ServiceID, r.Version, r.CreatedAt, r.UpdatedAt = ID(store.NewID()), by.OrgID, service, 1, now, now
		err := tx.NewInsert().Model(&r).On("CONFLICT (service_id, uri) DO UPDATE").
			Set("name_da = excluded.name_da, name_en = excluded.name_en, text_da = excluded.text_da, text_en = excluded.text_en").
			Set("scopes = excluded.scopes, constraints = excluded.constraints, requestable = excluded.requestable, seal = excluded.seal").
			Set("level = excluded.level, search_key = excluded.search_key, updated_at = excluded.updated_at").
			Set("retired_at = NULL, version = entitlement.version + 1").
			Returning("id, version, created_at").Scan(ctx, &r.ID, &r.Version, &r.CreatedAt)
		if err != nil {
			return err
		}
		return s.said(ctx, tx, by, r, "entitlement.publish")
	})
	return r, err
}

// said keeps what a version of a right says, and who made it say so.
func (s *Service) said(ctx context.Context, tx bun.Tx, by access.Actor, r Right, verb string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = store.Insert(ctx, tx, []version{{
		EntitlementID: r.ID, Version: r.Version, OwnerID: r.OwnerID, Said: string(text), Actor: by.ID, CreatedAt: r.UpdatedAt,
	}}, "")
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "entitlement:"+string(r.ID), r.URI))
}

// Retire ends the offer of a right: nobody is given it any more, and those who
// have it keep it until it is taken away. Errors: fault.Denied, fault.Absent,
// fault.Conflict when it is retired already.
func (s *Service) Retire(ctx context.Context, by access.Actor, service string, id ID) error {
	if err := by.Need(access.ManageServices); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var r Right
		err := tx.NewSelect().Model(&r).Where("owner_id = ?", by.OrgID).Where("service_id = ?", service).Where("id = ?", id).Scan(ctx)
		if err != nil {
			return store.Found(err, "entitlement.right")
		}
		now := store.Instant(s.Now())
		r.RetiredAt, r.UpdatedAt = &now, now
		r.Version++
		res, err := tx.NewUpdate().Model(&r).Column("retired_at", "updated_at", "version").WherePK().Where("retired_at IS NULL").Exec(ctx)
		if err := store.One(res, err, "entitlement.right"); err != nil {
			return err
		}
		return s.said(ctx, tx, by, r, "entitlement.retire")
	})
}

// Offers returns the rights that a service offers now, by URI, and whether it has
// ever offered any.
func (s *Service) Offers(ctx context.Context, db bun.IDB, service string) (now []Right, ever bool, err error) {
	var all []Right
	err = db.NewSelect().Model(&all).Where("service_id = ?", service).Order("uri").Limit(1000).Scan(ctx)
	for _, r := range all {
		if r.RetiredAt == nil {
			now = append(now, r)
		}
	}
	return now, len(all) > 0, err
}
