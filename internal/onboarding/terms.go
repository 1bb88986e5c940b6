package onboarding

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Terms is one version of the agreement. Hash is SHA-256 over both texts.
type Terms struct {
	bun.BaseModel `bun:"table:terms"`

	Version     int64     `bun:"version,pk"`
	TextDa      string    `bun:"text_da"`
	TextEn      string    `bun:"text_en"`
	Hash        string    `bun:"hash"`
	PublishedBy string    `bun:"published_by"`
	PublishedAt time.Time `bun:"published_at"`
	EffectiveAt time.Time `bun:"effective_at"`
}

var (
	//go:embed terms/1.da.txt
	firstDa string
	//go:embed terms/1.en.txt
	firstEn string
)

// first are the terms that the program brings along.
func first() Terms {
	return Terms{Version: 1, TextDa: firstDa, TextEn: firstEn, Hash: hashOf(firstDa, firstEn), PublishedBy: "adgang", PublishedAt: time.Unix(0, 0).UTC(), EffectiveAt: time.Unix(0, 0).UTC()}
}

func hashOf(da, en string) string {
	sum := sha256.Sum256([]byte(da + "\x00" + en))
	return hex.EncodeToString(sum[:])
}

// current returns the terms in force.
func (s *Service) current(ctx context.Context, db bun.IDB) (Terms, error) {
	var t Terms
	err := db.NewSelect().Model(&t).Where("effective_at <= ?", store.Instant(s.Now())).Order("version DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return first(), nil
	}
	return t, err
}

// Terms returns the terms in force and those announced, oldest first. They are
// public.
func (s *Service) Terms(ctx context.Context) (current Terms, announced []Terms, err error) {
	if current, err = s.current(ctx, s.DB); err != nil {
		return current, nil, err
	}
	err = s.DB.NewSelect().Model(&announced).Where("effective_at > ?", store.Instant(s.Now())).Order("version").Limit(20).Scan(ctx)
	return current, announced, err
}

// NoticeMonths is how long before they apply new terms are announced unless the
// operator says otherwise.
const NoticeMonths = 3

// Publish makes a new version, which every organisation's administrators are
// told of at once and which applies from an instant, nil = in three months.
// Errors: fault.Denied, fault.Invalid, fault.Conflict when another version was
// published meanwhile.
func (s *Service) Publish(ctx context.Context, by access.Actor, da, en string, effective *time.Time) (Terms, error) {
	if err := by.NeedOperator(); err != nil {
		return Terms{}, err
	}
	now := store.Instant(s.Now())
	at := now.AddDate(0, NoticeMonths, 0)
	if effective != nil {
		at = store.Instant(*effective)
	}
	if !at.After(now) {
		return Terms{}, fault.New(fault.Invalid, "onboarding.terms.past", "New terms must apply from an instant in the future.").On("effective_at")
	}
	for field, text := range map[string]string{"text_da": da, "text_en": en} {
		if n := utf8.RuneCountInString(text); n < 100 || n > 200_000 || strings.ContainsRune(text, 0) {
			return Terms{}, fault.New(fault.Invalid, "onboarding.terms.length", "The terms have 100 to 200,000 characters in each language.").On(field)
		}
	}
	t := Terms{TextDa: da, TextEn: en, Hash: hashOf(da, en), PublishedBy: by.ID, PublishedAt: now, EffectiveAt: at}
	orgs, err := s.Org.IDs(ctx)
	if err != nil {
		return Terms{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var last Terms
		err := tx.NewSelect().Model(&last).Order("version DESC").Limit(1).Scan(ctx)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			last = first()
		case err != nil:
			return err
		}
		if !at.After(last.EffectiveAt) {
			return fault.New(fault.Invalid, "onboarding.terms.order", "Version %d is announced already and applies later. New terms must apply after it.", last.Version).On("effective_at")
		}
		t.Version = last.Version + 1
		n, err := store.Insert(ctx, tx, []Terms{t}, "ON CONFLICT (version) DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "onboarding.terms.state", "Another version was published a moment ago. Load the page again.")
		}
		for _, id := range orgs {
			if err := Announce.Add(ctx, tx, id, Notice{id, t.Version}, now); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, now, "terms.publish", "terms:"+strconv.FormatInt(t.Version, 10), "applies from "+at.Format(time.DateOnly)))
	})
	return t, err
}

// announceComing has a new organisation told of terms that are announced and do not
// apply yet: it signed those before.
func (s *Service) announceComing(ctx context.Context, tx bun.Tx, id access.OrgID) error {
	now := store.Instant(s.Now())
	var coming []Terms
	if err := tx.NewSelect().Model(&coming).Column("version").Where("effective_at > ?", now).Order("version").Scan(ctx); err != nil {
		return err
	}
	for _, t := range coming {
		if err := Announce.Add(ctx, tx, id, Notice{id, t.Version}, now); err != nil {
			return err
		}
	}
	return nil
}

// notice says that an organisation was told.
type notice struct {
	bun.BaseModel `bun:"table:terms_notice"`

	OrgID     access.OrgID `bun:"org_id,pk"`
	Version   int64        `bun:"version,pk"`
	CreatedAt time.Time    `bun:"created_at"`
}

// Tell mails the organisation administrators of one organisation about new
// terms, once.
func (s *Service) Tell(ctx context.Context, n Notice) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		made, err := store.Insert(ctx, tx, []notice{{OrgID: n.Org, Version: n.Version, CreatedAt: now}}, "ON CONFLICT (org_id, version) DO NOTHING")
		if err != nil || made == 0 {
			return err
		}
		var t Terms
		if err := tx.NewSelect().Model(&t).Where("version = ?", n.Version).Scan(ctx); err != nil {
			return err
		}
		o, err := org.ByID(ctx, tx, n.Org)
		if err != nil {
			return err
		}
		admins, err := administrators(ctx, tx, n.Org)
		if err != nil {
			return err
		}
		var drafts []mail.Draft
		for _, e := range admins {
			drafts = append(drafts, mail.Draft{
				Org: n.Org, Employee: e.ID, Kind: mail.KindTerms, Lang: e.Lang, Name: e.Name(), Address: e.Email,
				Params: map[string]string{
					"organisation": o.Name, "version": strconv.FormatInt(t.Version, 10), "effective": t.EffectiveAt.UTC().Format(time.RFC3339),
				},
			})
		}
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(n.Org), now, "terms.announce", "terms:"+strconv.FormatInt(n.Version, 10), ""))
	})
}

// administrators are the active organisation administrators.
func administrators(ctx context.Context, db bun.IDB, o access.OrgID) ([]org.Employee, error) {
	var all []org.Employee
	err := db.NewSelect().Model(&all).Where("org_id = ?", o).Where("state = ?", org.Active).
		Where("id IN (SELECT employee_id FROM role_assignment WHERE org_id = ? AND role = ?)", o, access.OrganisationAdministrator).
		Order("sort_key", "id").Scan(ctx)
	return all, err
}
