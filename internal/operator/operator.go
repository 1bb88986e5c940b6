// Package operator holds the people who run the installation: their accounts,
// passkeys and sessions, apart from every tenant's. An operator acts without
// an organisation, so nothing of a tenant opens for one (ADR 0016).
package operator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Lifetimes: of a set-up link, of a session without use and in all, and of a
// registration or login on its way.
const (
	SetUp    = 24 * time.Hour
	Idle     = 30 * time.Minute
	Lifetime = 8 * time.Hour
	ceremony = 5 * time.Minute
)

const (
	setUpPurpose    secret.Purpose = "operator.setup"
	sessionPurpose  secret.Purpose = "operator.session"
	ceremonyPurpose secret.Purpose = "operator.ceremony"
	csrfPurpose     secret.Purpose = "operator.csrf"
)

// Sweep drops what is over.
var Sweep = outbox.NewKind[struct{}]("operator.sweep")

// Service is the front of the package. BaseURL is the origin that passkeys are
// bound to.
type Service struct {
	DB      *bun.DB
	Keys    *secret.Keys
	Now     func() time.Time
	Log     *slog.Logger
	BaseURL string
}

// Operator is one account. It works once a passkey is registered.
type Operator struct {
	bun.BaseModel `bun:"table:operator"`

	ID             string     `bun:"id,pk"`
	Email          string     `bun:"email"`
	Name           string     `bun:"name"`
	State          string     `bun:"state"` // active, removed
	SetUpMAC       []byte     `bun:"setup_mac"`
	SetUpExpiresAt *time.Time `bun:"setup_expires_at"`
	CreatedAt      time.Time  `bun:"created_at"`
	RemovedAt      *time.Time `bun:"removed_at"`
	LastLoginAt    *time.Time `bun:"last_login_at"`
}

const active = "active"

func (s *Service) library() (*webauthn.WebAuthn, error) {
	base, err := url.Parse(s.BaseURL)
	if err != nil {
		return nil, err
	}
	return webauthn.New(&webauthn.Config{
		RPID: base.Hostname(), RPDisplayName: "Adgang", RPOrigins: []string{s.BaseURL},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
}

// Add makes an account and returns the token of its set-up link, which is shown
// once. For an account without a passkey, or one that was removed, it makes a
// new link. Errors: fault.Denied, fault.Invalid, fault.Conflict when the
// account is in use.
func (s *Service) Add(ctx context.Context, by access.Actor, email, name string) (Operator, string, error) {
	if err := by.NeedOperator(); err != nil {
		return Operator{}, "", err
	}
	email, name = strings.ToLower(strings.TrimSpace(email)), strings.Join(strings.Fields(name), " ")
	if !form.Mail(email) || len(email) > 200 {
		return Operator{}, "", fault.New(fault.Invalid, "operator.email.form", "Write one e-mail address, like name@example.dk.").On("email")
	}
	if name == "" || utf8.RuneCountInString(name) > 200 {
		return Operator{}, "", fault.New(fault.Invalid, "operator.name.length", "Write the operator's name, at most 200 characters.").On("name")
	}
	token, now := secret.Token(), store.Instant(s.Now())
	until := now.Add(SetUp)
	o := Operator{
		ID: store.NewID(), Email: email, Name: name, State: active, SetUpMAC: s.Keys.MAC(setUpPurpose, token),
		SetUpExpiresAt: &until, CreatedAt: now,
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []Operator{o}, "ON CONFLICT (email) DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			if o, err = s.again(ctx, tx, o); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, now, "operator.add", "operator:"+o.ID, ""))
	})
	return o, token, err
}

// again gives a known account a new set-up link.
func (s *Service) again(ctx context.Context, tx bun.Tx, o Operator) (Operator, error) {
	res, err := tx.NewUpdate().Model((*Operator)(nil)).
		Set("state = ?", active).Set("removed_at = NULL").Set("name = ?", o.Name).
		Set("setup_mac = ?", o.SetUpMAC).Set("setup_expires_at = ?", o.SetUpExpiresAt).
		Where("email = ?", o.Email).
		Where("state <> ? OR NOT EXISTS (SELECT 1 FROM operator_passkey AS p WHERE p.operator_id = operator.id)", active).
		Exec(ctx)
	if n, err := store.Count(res, err); err != nil {
		return o, err
	} else if n == 0 {
		return o, fault.New(fault.Conflict, "operator.email.taken", "%s is an operator with a passkey already. Remove the account first if its passkey is lost.", o.Email).On("email")
	}
	var known Operator
	err = tx.NewSelect().Model(&known).Where("email = ?", o.Email).Scan(ctx)
	return known, err
}

// Operators lists the accounts by name, at most 1,000.
func (s *Service) Operators(ctx context.Context, by access.Actor) ([]Operator, error) {
	if err := by.NeedOperator(); err != nil {
		return nil, err
	}
	var all []Operator
	err := s.DB.NewSelect().Model(&all).Where("state = ?", active).Order("name", "id").Limit(1000).Scan(ctx)
	return all, err
}

// Remove ends an account, its passkeys and its sessions, at once. The last one
// that can log in stays, and nobody removes themselves. Errors: fault.Denied,
// fault.Absent, fault.Conflict.
func (s *Service) Remove(ctx context.Context, by access.Actor, id string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	if by.ID == "operator:"+id {
		return fault.New(fault.Conflict, "operator.self", "You cannot remove yourself. Ask another operator.")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		res, err := tx.NewUpdate().Model((*Operator)(nil)).
			Set("state = 'removed'").Set("removed_at = ?", now).Set("setup_mac = NULL").
			Where("id = ?", id).Where("state = ?", active).Exec(ctx)
		if n, err := store.Count(res, err); err != nil {
			return err
		} else if n == 0 {
			return fault.New(fault.Absent, "operator.absent", "There is no such operator.")
		}
		for _, gone := range []any{(*passkey)(nil), (*Session)(nil)} {
			if _, err := tx.NewDelete().Model(gone).Where("operator_id = ?", id).Exec(ctx); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, now, "operator.remove", "operator:"+id, ""))
	})
}

// one reads an active account. Errors: fault.Absent.
func one(ctx context.Context, db bun.IDB, id string) (Operator, error) {
	var o Operator
	err := db.NewSelect().Model(&o).Where("id = ?", id).Where("state = ?", active).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return o, fault.New(fault.Absent, "operator.absent", "There is no such operator.")
	}
	if err != nil {
		return o, fmt.Errorf("read operator: %w", err)
	}
	return o, nil
}

// Active returns the operators who can log in, by name, for the mails that tell
// them of something.
func Active(ctx context.Context, db bun.IDB) ([]Operator, error) {
	var all []Operator
	err := db.NewSelect().Model(&all).Where("state = ?", "active").Order("name", "id").Scan(ctx)
	return all, err
}
