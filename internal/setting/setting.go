// Package setting is what an organisation has decided about itself: one typed
// document with a version, so that two administrators do not undo each other,
// and an audit entry for every field that changes.
package setting

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Settings is the document. Version 0 is the defaults of an organisation that
// has decided nothing; it is no part of what is stored.
type Settings struct {
	Version int64 `json:"-"`
	// Public is true for authorities, which pay through NemHandel only. It comes
	// from the company form and is not the administrator's to change.
	Public         bool          `json:"public"`
	Authenticators []string      `json:"authenticators"`
	Creation       Creation      `json:"creation"`
	MinimumLevel   string        `json:"minimum_level"` // NSIS: Low, Substantial or High
	Invoice        Invoice       `json:"invoice"`
	Certificates   []string      `json:"certificates"` // types that may be ordered
	Directory      bool          `json:"directory"`    // certificates of secure e-mail may be in the public one
	Notifications  Notifications `json:"notifications"`
	// FourEyes names the acts of package approval that wait for a second person.
	// Only that package changes it, since taking an act out has to wait too.
	FourEyes      []string `json:"four_eyes"`
	RetentionDays int      `json:"retention_days"`  // from deletion of an employee until erasure
	FullLoadLimit int      `json:"full_load_limit"` // percent of the employees a full load suspends without asking
	MailLanguage  string   `json:"mail_language"`   // da or en, for employees who have chosen none
}

// Creation is how employees come into being.
type Creation struct {
	Required    []string `json:"required"`     // of RequiredFields
	SelfRequest bool     `json:"self_request"` // employees may ask to be created
	Anonymous   bool     `json:"anonymous"`    // services may be shown the UUID in place of the name
	// Extra names up to seven kinds of information kept about each employee.
	Extra []string `json:"extra"`
	// DefaultEmail makes the address of an employee who has none, with the
	// Placeholders; "" = the address is always asked for.
	DefaultEmail string `json:"default_email"`
}

// Invoice is where invoices go.
type Invoice struct {
	Method string `json:"method"` // of Methods; "" = not decided
	Email  string `json:"email"`  // for MethodEmail
	EAN    string `json:"ean"`    // 13 digits, for MethodEAN
}

// Notifications is which mails are sent.
type Notifications struct {
	// Muted are kinds of mail that are shown on the notices page only.
	Muted []string `json:"muted"`
}

// Ways to get invoices.
const (
	MethodDigitalPost = "digital_post"
	MethodEmail       = "email"
	MethodEAN         = "ean"
)

// What the fields may hold.
var (
	Authenticators   = []string{KeyFile, PrivateMitID, Passkey, LocalIDP}
	RequiredFields   = []string{"cpr", "date_of_birth", "phone", "rid", "local_user_id", "p_number", "se_number"}
	Levels           = []string{"Low", "Substantial", "High"}
	Methods          = []string{MethodDigitalPost, MethodEmail, MethodEAN}
	CertificateTypes = []string{"user", "organisation", "system"}
	Languages        = []string{"da", "en"}
	Placeholders     = []string{"{given_name}", "{surname}", "{local_user_id}", "{rid}"}
)

// The kinds of login, of Authenticators.
const (
	KeyFile      = "key_file"
	PrivateMitID = "private_mitid"
	Passkey      = "passkey"
	LocalIDP     = "local_idp"
)

// Allows checks that the organisation lets its employees log in in a way, one of
// Authenticators; every login, order and activation asks it. Errors: fault.Denied.
func (s Settings) Allows(authenticator string) error {
	if slices.Contains(s.Authenticators, authenticator) {
		return nil
	}
	return fault.New(fault.Denied, "setting.authenticator.off", "The organisation does not let its employees log in in this way (%s). Its organisation administrator chooses the ways under Settings.", authenticator)
}

// Defaults is what holds until an organisation decides otherwise.
func Defaults() Settings {
	return Settings{
		Authenticators: []string{KeyFile},
		Creation:       Creation{Required: []string{}, Extra: []string{}},
		MinimumLevel:   "Low",
		Certificates:   []string{"user"},
		Notifications:  Notifications{Muted: []string{}},
		FourEyes:       []string{},
		RetentionDays:  90,
		FullLoadLimit:  10,
		MailLanguage:   "da",
	}
}

// version is a row.
type version struct {
	bun.BaseModel `bun:"table:organisation_setting"`

	OrgID    access.OrgID `bun:"org_id,pk"`
	Version  int64        `bun:"version,pk"`
	Document string       `bun:"document"`
	Actor    string       `bun:"actor"`
	At       time.Time    `bun:"at"`
}

func (v version) settings() (Settings, error) {
	s := Defaults()
	err := json.Unmarshal([]byte(v.Document), &s)
	s.Version = v.Version
	return s, err
}

// Service is the front of the package. Acts and Kinds are what FourEyes and
// Muted may name.
type Service struct {
	DB    *bun.DB
	Now   func() time.Time
	Acts  []string
	Kinds []string
}

// Of returns what holds in org, inside or outside a transaction.
func Of(ctx context.Context, db bun.IDB, org access.OrgID) (Settings, error) {
	var v version
	err := db.NewSelect().Model(&v).Where("org_id = ?", org).Order("version DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Defaults(), nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	return v.settings()
}

// Each returns the settings of organisations, by one query.
func Each(ctx context.Context, db bun.IDB, orgs []access.OrgID) (map[access.OrgID]Settings, error) {
	all := make(map[access.OrgID]Settings, len(orgs))
	if len(orgs) == 0 {
		return all, nil
	}
	for _, id := range orgs {
		all[id] = Defaults()
	}
	var stored []version
	err := db.NewSelect().Model(&stored).Where("org_id IN (?)", bun.List(orgs)).
		Where("version = (SELECT max(newest.version) FROM organisation_setting AS newest WHERE newest.org_id = ?TableAlias.org_id)").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for _, v := range stored {
		if all[v.OrgID], err = v.settings(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Settings returns what holds in the actor's organisation. Errors: fault.Denied.
func (s *Service) Settings(ctx context.Context, by access.Actor) (Settings, error) {
	if err := by.Need(access.ViewSettings); err != nil {
		return Settings{}, err
	}
	return Of(ctx, s.DB, by.OrgID)
}

// Change edits the settings as they were at a version. Errors: fault.Denied,
// fault.Invalid on the first field that cannot be so, fault.Conflict when
// somebody has saved in between, with the fields that differ now.
func (s *Service) Change(ctx context.Context, by access.Actor, at int64, edit func(*Settings)) (Settings, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return Settings{}, err
	}
	var after Settings
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		before, err := Of(ctx, tx, by.OrgID)
		if err != nil {
			return err
		}
		if before.Version != at {
			return s.stale(ctx, tx, by.OrgID, at, before)
		}
		after, err = s.put(ctx, tx, by, before, func(now *Settings) {
			edit(now)
			now.Public, now.FourEyes = before.Public, before.FourEyes
		})
		return err
	})
	return after, err
}

// Put edits the settings in the caller's transaction, for what is not an
// administrator at a form: onboarding and the demo. Errors: fault.Invalid,
// fault.Conflict when somebody saves at the same time.
func (s *Service) Put(ctx context.Context, tx bun.Tx, by access.Actor, edit func(*Settings)) (Settings, error) {
	before, err := Of(ctx, tx, by.OrgID)
	if err != nil {
		return Settings{}, err
	}
	return s.put(ctx, tx, by, before, edit)
}

// put checks, stores the next version and records each field that changes.
// Nothing changed is no version.
func (s *Service) put(ctx context.Context, tx bun.Tx, by access.Actor, before Settings, edit func(*Settings)) (Settings, error) {
	document, err := json.Marshal(before)
	if err != nil {
		return Settings{}, err
	}
	after, err := version{Document: string(document), Version: before.Version}.settings() // a copy down to the lists
	if err != nil {
		return Settings{}, err
	}
	edit(&after)
	if err := s.check(&after); err != nil {
		return Settings{}, err
	}
	changed := differences(before, after)
	if len(changed) == 0 {
		return before, nil
	}
	if document, err = json.Marshal(after); err != nil {
		return Settings{}, err
	}
	after.Version = before.Version + 1
	now := store.Instant(s.Now())
	n, err := store.Insert(ctx, tx, []version{{OrgID: by.OrgID, Version: after.Version, Document: string(document), Actor: by.ID, At: now}}, "ON CONFLICT DO NOTHING")
	if err != nil {
		return Settings{}, err
	}
	if n == 0 {
		return Settings{}, conflict("Somebody has changed the settings at the same moment.")
	}
	entries := make([]audit.Entry, len(changed))
	for i, d := range changed {
		entries[i] = audit.By(by, now, "setting.change", "setting:"+d.Field, "").Changed(d.Before, d.After)
	}
	return after, audit.Record(ctx, tx, entries...)
}

// stale says which fields differ between the version that was edited and now.
func (s *Service) stale(ctx context.Context, tx bun.Tx, org access.OrgID, at int64, now Settings) error {
	then := Defaults()
	if at > 0 {
		var v version
		err := tx.NewSelect().Model(&v).Where("org_id = ?", org).Where("version = ?", at).Scan(ctx)
		if err != nil {
			return store.Found(err, "setting.version")
		}
		if then, err = v.settings(); err != nil {
			return err
		}
	}
	var fields []string
	for _, d := range differences(then, now) {
		fields = append(fields, d.Field)
	}
	return conflict("Somebody has changed these settings since you opened them: " + strings.Join(fields, ", ") + ".")
}

func conflict(text string) error {
	return fault.New(fault.Conflict, "setting.version.stale", "%s Nothing was saved: look at what holds now, and save again.", text)
}
