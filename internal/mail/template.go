package mail

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // logos
	_ "image/png"  // logos
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

const (
	maxLogo   = 200 << 10 // bytes
	maxPixels = 2000      // each way
)

// own is an organisation's own wording.
type own struct {
	bun.BaseModel `bun:"table:mail_template"`

	OrgID     access.OrgID `bun:"org_id,pk"`
	Kind      string       `bun:"kind,pk"`
	Lang      string       `bun:"lang,pk"`
	Subject   string       `bun:"subject"`
	Body      string       `bun:"body"`
	UpdatedAt time.Time    `bun:"updated_at"`
}

// Logo stands in the HTML part of an organisation's mails.
type Logo struct {
	bun.BaseModel `bun:"table:mail_logo"`

	OrgID     access.OrgID `bun:"org_id,pk"`
	MediaType string       `bun:"media_type"` // image/png or image/jpeg
	Image     []byte       `bun:"image"`
	UpdatedAt time.Time    `bun:"updated_at"`
}

// Template is the wording of a kind in one language as it holds. Own is false
// while it is ours.
type Template struct {
	Kind, Lang string
	Wording
	Own       bool
	Muted     bool // shown on the notices page only
	Personal  bool // has a personal link, so is always sent
	Variables []string
}

// look is what an organisation's mails look like.
type look struct {
	words map[string]Wording // by kind.lang
	logo  *Logo
}

func (s *Service) look(ctx context.Context, org access.OrgID) (look, error) {
	l := look{words: map[string]Wording{}}
	var rows []own
	if err := s.DB.NewSelect().Model(&rows).Where("org_id = ?", org).Scan(ctx); err != nil {
		return l, err
	}
	for _, r := range rows {
		l.words[r.Kind+"."+r.Lang] = Wording{r.Subject, r.Body}
	}
	var err error
	l.logo, err = s.logo(ctx, org)
	return l, err
}

func (s *Service) logo(ctx context.Context, org access.OrgID) (*Logo, error) {
	var logo Logo
	err := s.DB.NewSelect().Model(&logo).Where("org_id = ?", org).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &logo, err
}

// Templates returns every kind in both languages, by kind. Errors: fault.Denied.
func (s *Service) Templates(ctx context.Context, by access.Actor) ([]Template, error) {
	if err := by.Need(access.ViewSettings); err != nil {
		return nil, err
	}
	l, err := s.look(ctx, by.OrgID)
	if err != nil {
		return nil, err
	}
	muted, err := s.muted(ctx, s.DB, by.OrgID)
	if err != nil {
		return nil, err
	}
	var all []Template
	for _, kind := range Kinds() {
		for _, lang := range []string{Danish, English} {
			w, isOwn := l.words[kind+"."+lang]
			if !isOwn {
				if w, err = Ours(kind, lang); err != nil {
					return nil, err
				}
			}
			all = append(all, Template{
				Kind: kind, Lang: lang, Wording: w, Own: isOwn, Muted: muted[kind], Personal: personal(kind), Variables: Variables(kind),
			})
		}
	}
	return all, nil
}

// Reword gives the organisation words of its own. Errors: fault.Denied,
// fault.Absent for a kind, fault.Invalid that names what cannot stand.
func (s *Service) Reword(ctx context.Context, by access.Actor, kind, lang string, w Wording) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	if err := known(kind, lang); err != nil {
		return err
	}
	w, err := w.check(kind)
	if err != nil {
		return err
	}
	row := own{OrgID: by.OrgID, Kind: kind, Lang: lang, Subject: w.Subject, Body: w.Body, UpdatedAt: store.Instant(s.Now())}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (org_id, kind, lang) DO UPDATE").
			Set("subject = EXCLUDED.subject").Set("body = EXCLUDED.body").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "mail_template.change", describe(kind, lang), ""))
	})
}

// Reset gives a kind our words back. Errors: fault.Denied, fault.Conflict when
// they are ours already.
func (s *Service) Reset(ctx context.Context, by access.Actor, kind, lang string) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Model((*own)(nil)).
			Where("org_id = ?", by.OrgID).Where("kind = ?", kind).Where("lang = ?", lang).Exec(ctx)
		if err := store.One(res, err, "mail.template"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "mail_template.reset", describe(kind, lang), ""))
	})
}

// Preview renders words with made-up data, as they would be sent. Errors:
// fault.Denied, fault.Absent, fault.Invalid as of Reword.
func (s *Service) Preview(ctx context.Context, by access.Actor, kind, lang, organisation string, w Wording) (subject, body string, err error) {
	if err := by.Need(access.ViewSettings); err != nil {
		return "", "", err
	}
	if err := known(kind, lang); err != nil {
		return "", "", err
	}
	if w, err = w.check(kind); err != nil {
		return "", "", err
	}
	link := s.BaseURL + kinds[kind].page
	if personal(kind) {
		link += "#..."
	}
	return look{words: map[string]Wording{kind + "." + lang: w}}.render(sample(kind, lang, organisation, link, s.Now()), link)
}

// Test mails the words that hold to the actor's own address, with made-up data
// and a link that opens nothing. Errors: fault.Denied, fault.Absent.
func (s *Service) Test(ctx context.Context, by access.Actor, kind, lang, organisation, address string) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	if err := known(kind, lang); err != nil {
		return err
	}
	if address == "" {
		return fault.New(fault.Conflict, "mail.test.nobody", "Only a person with an e-mail address can get a test mail.")
	}
	m := sample(kind, lang, organisation, s.BaseURL, s.Now())
	d := Draft{Org: by.OrgID, Kind: kind, Lang: lang, Name: by.Name, Address: address, Params: m.params()}
	if personal(kind) {
		d.Token = "test"
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.Queue(ctx, tx, "", d); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "mail.test", describe(kind, lang), ""))
	})
}

// Logo returns the organisation's, nil without one. Errors: fault.Denied.
func (s *Service) Logo(ctx context.Context, by access.Actor) (*Logo, error) {
	if err := by.Need(access.ViewSettings); err != nil {
		return nil, err
	}
	return s.logo(ctx, by.OrgID)
}

// SetLogo takes a PNG or JPEG of at most 200 kB. Errors: fault.Denied,
// fault.Invalid.
func (s *Service) SetLogo(ctx context.Context, by access.Actor, picture []byte) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	if len(picture) > maxLogo {
		return fault.New(fault.Invalid, "mail.logo.large", "The logo must be at most %d kB.", maxLogo>>10).On("logo")
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil || config.Width > maxPixels || config.Height > maxPixels {
		return fault.New(fault.Invalid, "mail.logo.format", "The logo must be a PNG or JPEG of at most %d by %d pixels.", maxPixels, maxPixels).On("logo")
	}
	if _, _, err := image.Decode(bytes.NewReader(picture)); err != nil {
		return fault.New(fault.Invalid, "mail.logo.broken", "The logo cannot be read to its end. Save it anew and try again.").On("logo")
	}
	row := Logo{OrgID: by.OrgID, MediaType: "image/" + format, Image: picture, UpdatedAt: store.Instant(s.Now())}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (org_id) DO UPDATE").
			Set("media_type = EXCLUDED.media_type").Set("image = EXCLUDED.image").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "mail_logo.change", "organisation:"+string(by.OrgID), fmt.Sprintf("%s, %d bytes", row.MediaType, len(picture))))
	})
}

// RemoveLogo makes the organisation's mails plain again. Errors: fault.Denied,
// fault.Conflict without a logo.
func (s *Service) RemoveLogo(ctx context.Context, by access.Actor) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Model((*Logo)(nil)).Where("org_id = ?", by.OrgID).Exec(ctx)
		if err := store.One(res, err, "mail.logo"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "mail_logo.remove", "organisation:"+string(by.OrgID), ""))
	})
}
