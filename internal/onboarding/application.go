package onboarding

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/cvr"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Role of a party in an application.
type Role string

// The roles. Whoever starts is one of the first two.
const (
	Reporter       Role = "reporter"       // prepares, cannot approve
	Representative Role = "representative" // binds the organisation
	Signatory      Role = "signatory"      // signs beside the representative
)

// Application is what has been entered and found out so far.
type Application struct {
	bun.BaseModel `bun:"table:application"`

	ID             string       `bun:"id,pk"`
	OrganisationID access.OrgID `bun:"organisation_id"` // "" until approved
	Step           Step         `bun:"step"`
	Start          Role         `bun:"start"`
	Lang           string       `bun:"lang"`
	CVR            string       `bun:"cvr"`
	Name           string       `bun:"name"`
	Found          bool         `bun:"found"`   // in the register
	Extract        string       `bun:"company"` // JSON of cvr.Company as it was found
	Signers        int64        `bun:"signers"` // how many sign, the representative among them
	AdminGiven     string       `bun:"admin_given"`
	AdminSurname   string       `bun:"admin_surname"`
	AdminEmail     string       `bun:"admin_email"`
	PreparedAt     *time.Time   `bun:"prepared_at"`
	ApprovedAt     *time.Time   `bun:"approved_at"`
	Verified       bool         `bun:"verified"` // every signer's name may sign by the register
	SubmittedAt    *time.Time   `bun:"submitted_at"`
	Decision       string       `bun:"decision"` // "", approved, rejected, withdrawn
	Reason         string       `bun:"reason"`
	IdentityCheck  string       `bun:"identity_check"`
	DecidedBy      string       `bun:"decided_by"`
	DecidedAt      *time.Time   `bun:"decided_at"`
	EraseAt        *time.Time   `bun:"erase_at"`
	CreatedAt      time.Time    `bun:"created_at"`
	UpdatedAt      time.Time    `bun:"updated_at"`
}

// Company is the register's extract, nil when it was not found there.
func (a Application) Company() *cvr.Company {
	var c cvr.Company
	if !a.Found || json.Unmarshal([]byte(a.Extract), &c) != nil {
		return nil
	}
	return &c
}

// Party takes part in an application through a link of their own.
type Party struct {
	bun.BaseModel `bun:"table:application_party"`

	ID            string     `bun:"id,pk"`
	ApplicationID string     `bun:"application_id"`
	Role          Role       `bun:"role"`
	Name          string     `bun:"name"`
	Email         string     `bun:"email"`
	TokenMAC      []byte     `bun:"token_mac"`
	ExpiresAt     time.Time  `bun:"expires_at"`
	OpenedAt      *time.Time `bun:"opened_at"`
	InvitedAt     *time.Time `bun:"invited_at"`
	SignedAt      *time.Time `bun:"signed_at"`
	TermsVersion  int64      `bun:"terms_version"`
	TermsHash     string     `bun:"terms_hash"`
	SignedFrom    string     `bun:"signed_from"`
	CreatedAt     time.Time  `bun:"created_at"`
}

// signs tells whether the party's signature is asked for.
func (p Party) signs() bool { return p.Role != Reporter }

// View is an application as one of its parties, or an operator, sees it.
type View struct {
	Application

	You        Party // zero for an operator
	Parties    []Party
	Documents  []Document
	TestNumber bool // the CVR number fails modulus 11
}

var (
	errLink   = fault.New(fault.Absent, "onboarding.link.unknown", "The link is not known here, or it has run out. Ask for a new one on the page for connecting an organisation.")
	errClosed = fault.New(fault.Conflict, "onboarding.step.over", "This cannot be changed any more. Load the page again to see what comes next.")
	errParty  = fault.New(fault.Denied, "onboarding.party.other", "This is for somebody else of those who take part in the application.")
)

// Start opens an application and mails its link. It answers the same whoever
// asks: an address that has had its mails for the hour gets none. Errors:
// fault.Invalid.
func (s *Service) Start(ctx context.Context, role Role, name, email, lang, address string) error {
	if role != Reporter && role != Representative {
		return fault.New(fault.Invalid, "onboarding.role.unknown", "Choose whether you bind the organisation or prepare the application for somebody who does.").On("role")
	}
	name, err := checkName("name", name)
	if err != nil {
		return err
	}
	if email, err = checkEmail("email", email); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if full, err := s.enough(ctx, tx, email); err != nil || full {
			return err
		}
		_, err := s.open(ctx, tx, Application{Start: role, Lang: language(lang)}, Party{Role: role, Name: name, Email: email}, address)
		return err
	})
}

// enough tells whether an address has had the mails of an hour.
func (s *Service) enough(ctx context.Context, tx bun.Tx, email string) (bool, error) {
	n, err := tx.NewSelect().Model((*Party)(nil)).Where("email = ?", email).
		Where("invited_at > ?", store.Instant(s.Now().Add(-time.Hour))).Count(ctx)
	return n >= mailsAnHour, err
}

// open makes the application of a first party and returns the link's token.
func (s *Service) open(ctx context.Context, tx bun.Tx, a Application, p Party, address string) (token string, err error) {
	now := store.Instant(s.Now())
	a.ID, a.CreatedAt, a.UpdatedAt = store.NewID(), now, now
	p.ID, p.ApplicationID, p.CreatedAt, p.ExpiresAt = store.NewID(), a.ID, now, now
	a.Step = next(a, []Party{p})
	if _, err := tx.NewInsert().Model(&a).Exec(ctx); err != nil {
		return "", err
	}
	if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
		return "", err
	}
	if token, err = s.invite(ctx, tx, a, p, "continue", ""); err != nil {
		return "", err
	}
	return token, audit.Record(ctx, tx, audit.By(p.actor(address), now, "application.start", "application:"+a.ID, string(a.Start)))
}

// invite gives the party a new link and mails it; an older one ends.
func (s *Service) invite(ctx context.Context, tx bun.Tx, a Application, p Party, task, author string) (token string, err error) {
	token = secret.Token()
	now := store.Instant(s.Now())
	until := now.AddDate(0, 0, linkDays)
	if _, err := tx.NewUpdate().Model((*Party)(nil)).Set("token_mac = ?", s.Keys.MAC(linkPurpose, token)).
		Set("expires_at = ?", until).Set("invited_at = ?", now).Where("id = ?", p.ID).Exec(ctx); err != nil {
		return "", err
	}
	return token, s.Mail.Queue(ctx, tx, "", mail.Draft{
		Kind: mail.KindApplication, Lang: a.Lang, Name: p.Name, Address: p.Email, Token: token,
		Params: map[string]string{
			"organisation": orDash(a.Name), "task": task, "by": orDash(author), "expires": until.Format(time.RFC3339),
		},
	})
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Resend mails new links to the open applications that an address takes part
// in, and to those decided in the last 60 days. It answers nothing about
// whether there are any. Errors: fault.Invalid.
func (s *Service) Resend(ctx context.Context, email string) error {
	email, err := checkEmail("email", email)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if full, err := s.enough(ctx, tx, email); err != nil || full {
			return err
		}
		now := store.Instant(s.Now())
		var parties []Party
		err := tx.NewSelect().Model(&parties).Where("email = ?", email).Where("token_mac IS NOT NULL").
			Where("EXISTS (SELECT 1 FROM application AS a WHERE a.id = party.application_id AND (a.decision = '' OR a.decided_at > ?))", now.AddDate(0, 0, -60)).
			Where("(invited_at IS NULL OR invited_at <= ?)", now.Add(-time.Minute)).
			Order("created_at DESC", "id DESC").Limit(3).Scan(ctx)
		if err != nil {
			return err
		}
		for _, p := range parties {
			a, err := read(ctx, tx, p.ApplicationID)
			if err != nil {
				return err
			}
			if _, err := s.invite(ctx, tx, a, p, "continue", ""); err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.By(access.System(""), now, "application_link.renew", "application:"+a.ID, "")); err != nil {
				return err
			}
		}
		return nil
	})
}

func read(ctx context.Context, db bun.IDB, id string) (Application, error) {
	var a Application
	err := db.NewSelect().Model(&a).Where("id = ?", id).Scan(ctx)
	return a, store.Found(err, "onboarding.application")
}

func parties(ctx context.Context, db bun.IDB, id string) ([]Party, error) {
	var all []Party
	err := db.NewSelect().Model(&all).Where("application_id = ?", id).Order("created_at", "id").Scan(ctx)
	return all, err
}

// byToken finds the party of a link. Errors: fault.Absent.
func (s *Service) byToken(ctx context.Context, db bun.IDB, token string) (Party, error) {
	var p Party
	err := db.NewSelect().Model(&p).Where("token_mac = ?", s.Keys.MAC(linkPurpose, token)).
		Where("expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if fault.KindOf(store.Found(err, "onboarding")) == fault.Absent {
		return p, errLink
	}
	return p, err
}

// Look returns the application of a link. Errors: fault.Absent.
func (s *Service) Look(ctx context.Context, token string) (View, error) {
	p, err := s.byToken(ctx, s.DB, token)
	if err != nil {
		return View{}, err
	}
	v, err := s.view(ctx, p.ApplicationID)
	v.You = p
	return v, err
}

func (s *Service) view(ctx context.Context, id string) (v View, err error) {
	if v.Application, err = read(ctx, s.DB, id); err != nil {
		return v, err
	}
	if v.Parties, err = parties(ctx, s.DB, id); err != nil {
		return v, err
	}
	v.TestNumber = v.CVR != "" && !form.Modulus11(v.CVR)
	err = s.DB.NewSelect().Model(&v.Documents).ExcludeColumn("sealed").Where("application_id = ?", id).Order("created_at", "id").Scan(ctx)
	return v, err
}

// change runs a party's act on an application: may decides from the stored
// facts, act changes them, and Advance finds the next step.
func (s *Service) change(ctx context.Context, token, address, verb string, act func(ctx context.Context, tx bun.Tx, a *Application, you *Party) error) (View, error) {
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.byToken(ctx, tx, token)
		if err != nil {
			return err
		}
		// Two who act at once: the second sees what the first did.
		res, err := tx.NewUpdate().Model((*Application)(nil)).Set("updated_at = ?", store.Instant(s.Now())).
			Where("id = ?", p.ApplicationID).Exec(ctx)
		if err := store.One(res, err, "onboarding.application"); err != nil {
			return err
		}
		a, err := read(ctx, tx, p.ApplicationID)
		if err != nil {
			return err
		}
		if a.Decision != "" {
			return errClosed
		}
		if err := act(ctx, tx, &a, &p); err != nil {
			return err
		}
		if err := s.Advance(ctx, tx, &a); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(p.actor(address), s.Now(), verb, "application:"+a.ID, string(a.Step)))
	})
	if err != nil {
		return View{}, err
	}
	return s.Look(ctx, token)
}

// Withdraw ends an application that is not decided. Errors: fault.Absent,
// fault.Denied for a signatory, fault.Conflict.
func (s *Service) Withdraw(ctx context.Context, token, address string) (View, error) {
	return s.change(ctx, token, address, "application.withdraw", func(_ context.Context, _ bun.Tx, a *Application, you *Party) error {
		if you.Role == Signatory {
			return errParty
		}
		s.close(a, "withdrawn", "", "applicant:"+you.ID)
		return nil
	})
}

func (s *Service) close(a *Application, decision, reason, author string) {
	now := store.Instant(s.Now())
	erase := now.AddDate(0, 0, eraseDays)
	a.Decision, a.Reason, a.DecidedBy, a.DecidedAt, a.EraseAt = decision, reason, author, &now, &erase
}

// Again opens a new application with what was entered in one that was rejected
// or withdrawn, and returns its link's token. Errors: fault.Absent,
// fault.Denied for a signatory, fault.Conflict for any other application.
func (s *Service) Again(ctx context.Context, token, address string) (string, error) {
	var made string
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.byToken(ctx, tx, token)
		if err != nil {
			return err
		}
		old, err := read(ctx, tx, p.ApplicationID)
		if err != nil {
			return err
		}
		if p.Role == Signatory {
			return errParty
		}
		if old.Decision != "rejected" && old.Decision != "withdrawn" {
			return errClosed
		}
		all, err := parties(ctx, tx, old.ID)
		if err != nil {
			return err
		}
		fresh := Application{
			Start: old.Start, Lang: old.Lang, CVR: old.CVR, Name: old.Name, Found: old.Found, Extract: old.Extract, Signers: old.Signers,
			AdminGiven: old.AdminGiven, AdminSurname: old.AdminSurname, AdminEmail: old.AdminEmail,
		}
		// The reporter of the old one need not be who goes on.
		fresh.Start = p.Role
		made, err = s.open(ctx, tx, fresh, Party{Role: p.Role, Name: p.Name, Email: p.Email}, address)
		if err != nil {
			return err
		}
		now, err := s.byToken(ctx, tx, made)
		if err != nil {
			return err
		}
		var others []Party
		for _, one := range all {
			if one.Role != p.Role && (one.Role == Signatory || fresh.Start == Reporter) {
				others = append(others, Party{
					ID: store.NewID(), ApplicationID: now.ApplicationID, Role: one.Role, Name: one.Name, Email: one.Email,
					CreatedAt: now.CreatedAt, ExpiresAt: now.CreatedAt,
				})
			}
		}
		if len(others) == 0 {
			return nil
		}
		_, err = tx.NewInsert().Model(&others).Exec(ctx)
		return err
	})
	return made, err
}
