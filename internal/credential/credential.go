// Package credential holds what employees prove themselves with: the code cards
// they leave behind and the key files they move to. It orders key files, invites
// their holders over two channels, turns an invitation into a certificate, and
// checks a key-file login.
package credential

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	Org  *org.Service
	CA   *ca.Service
	Mail *mail.Service
	// Approval lets a mass block wait for a second person.
	Approval *approval.Service
	Now      func() time.Time
	Log      *slog.Logger
	// Origin of BASE_URL, part of what a login signs.
	Origin string
	// Algorithm of new key files: P-256 or RSA-3072.
	Algorithm string
	Phases    Phases
	// Begin starts the session of who has logged in, in the transaction that records it.
	Begin func(ctx context.Context, tx bun.Tx, e org.Employee, serial, address string) (token string, err error)
}

// Purposes of keys at rest.
const (
	tokenPurpose  secret.Purpose = "credential.link" //nolint:gosec // the name of a purpose, no credential
	codePurpose   secret.Purpose = "credential.installation_code"
	cookiePurpose secret.Purpose = "credential.login_cookie"
)

// Work that follows from credentials.
var (
	// Activated tells that an invitation was used.
	Activated = outbox.NewKind[ActivationRef]("credential.activated")
	// Blocked tells that a key file was blocked that had its certificate: its sessions
	// are refused from then on, and services with a session of the person are told.
	Blocked = outbox.NewKind[BlockedRef]("credential.key_file_blocked")
	// BlockDue blocks a code card whose parallel running ends.
	BlockDue = outbox.NewKind[CodeCardRef]("credential.block_code_card")
	// Expire erases the installation codes of invitations that ran out.
	Expire = outbox.NewKind[struct{}]("credential.expire_activations")
)

// ActivationRef names a used invitation and the migration row it came from.
type ActivationRef struct {
	Org        access.OrgID `json:"org"`
	Activation string       `json:"activation"`
	Batch      string       `json:"batch,omitempty"`
	Row        int64        `json:"row,omitempty"`
}

// BlockedRef names a blocked key file by its certificate.
type BlockedRef struct {
	Org      access.OrgID      `json:"org"`
	Employee access.EmployeeID `json:"employee"`
	Serial   string            `json:"serial"`
}

// CodeCardRef names a code card.
type CodeCardRef struct {
	Org      access.OrgID      `json:"org"`
	Employee access.EmployeeID `json:"employee"`
}

// Phases are the instants of the closing of code cards; nil = never.
type Phases struct{ LimitedAt, ClosedAt *time.Time }

// Phase of the closing: normal, limited_operation (no new code cards) or closed.
type Phase string

// The phases, in order.
const (
	Normal           Phase = "normal"
	LimitedOperation Phase = "limited_operation"
	Closed           Phase = "closed"
)

// At returns the phase at an instant; each begins at its instant.
func (p Phases) At(now time.Time) Phase {
	switch {
	case p.ClosedAt != nil && !now.Before(*p.ClosedAt):
		return Closed
	case p.LimitedAt != nil && !now.Before(*p.LimitedAt):
		return LimitedOperation
	}
	return Normal
}

// CodeCard is the record of a code card; logging in by one is not offered.
type CodeCard struct {
	bun.BaseModel `bun:"table:code_card"`

	ID           string            `bun:"id,pk"`
	OrgID        access.OrgID      `bun:"org_id"`
	EmployeeID   access.EmployeeID `bun:"employee_id"`
	BatchID      *string           `bun:"batch_id"`
	State        string            `bun:"state"`         // active, blocked
	ParallelDays *int64            `bun:"parallel_days"` // nil = never blocked by itself
	BlockDueAt   *time.Time        `bun:"block_due_at"`
	BlockedAt    *time.Time        `bun:"blocked_at"`
	BlockReason  string            `bun:"block_reason"`
	CreatedAt    time.Time         `bun:"created_at"`
}

// KeyFile is an employee's key file, from order to block. Its certificate says
// until when it counts.
type KeyFile struct {
	bun.BaseModel `bun:"table:key_file"`

	ID          string            `bun:"id,pk"`
	OrgID       access.OrgID      `bun:"org_id"`
	EmployeeID  access.EmployeeID `bun:"employee_id"`
	State       string            `bun:"state"` // ordered, active, blocked
	Serial      *string           `bun:"serial"`
	NotAfter    *time.Time        `bun:"not_after"`
	OrderedAt   time.Time         `bun:"ordered_at"`
	ActivatedAt *time.Time        `bun:"activated_at"`
	BlockedAt   *time.Time        `bun:"blocked_at"`
	BlockReason string            `bun:"block_reason"` // one of ca.Reasons, "" before
	BlockNote   string            `bun:"block_note"`   // what was added to it
	// RevocationMAC is of the code that blocks the file without login; nil before
	// the activation and for files of before there were such codes.
	RevocationMAC []byte `bun:"revocation_mac"`
}

// Activation is an invitation: a link token by mail and an installation code by
// another way, both needed. The code is kept sealed while the state is open.
type Activation struct {
	bun.BaseModel `bun:"table:activation"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	KeyFileID  string            `bun:"key_file_id"`
	BatchID    *string           `bun:"batch_id"`
	RowNo      *int64            `bun:"row_no"`
	State      string            `bun:"state"` // open, used, locked, expired, replaced
	TokenMAC   []byte            `bun:"token_mac"`
	CodeMAC    []byte            `bun:"code_mac"`
	CodeSealed []byte            `bun:"code_sealed"`
	Tries      int64             `bun:"tries"` // wrong codes so far
	CreatedAt  time.Time         `bun:"created_at"`
	ExpiresAt  time.Time         `bun:"expires_at"`
	UsedAt     *time.Time        `bun:"used_at"`
	RemindedAt *time.Time        `bun:"reminded_at"`
}

// ActivationDays is how long an invitation lives, as in MitID Erhverv.
const ActivationDays = 30

// MaxTries is how many wrong installation codes lock an invitation.
const MaxTries = 5

// ExpireActivations marks the invitations that ran out and erases their codes,
// and marks the key files that ran out; it also drops login challenges and counted tries that nobody needs any more.
func (s *Service) ExpireActivations(ctx context.Context) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var over []holder
		if err := tx.NewUpdate().Model((*Activation)(nil)).
			Set("state = 'expired'").Set("code_sealed = NULL").
			Where("state = 'open'").Where("expires_at <= ?", now).Returning("org_id, employee_id").Scan(ctx, &over); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*blockTry)(nil)).Where("window_at <= ?", now.Add(-BlockWindow)).Exec(ctx); err != nil {
			return err
		}
		if err := mark(ctx, tx, org.MarkInvitation, "expired", false, over); err != nil {
			return err
		}
		if err := expireKeyFiles(ctx, tx, now); err != nil {
			return err
		}
		_, err := tx.NewDelete().Model((*spentChallenge)(nil)).Where("expires_at <= ?", now.Add(-time.Hour)).Exec(ctx)
		return err
	})
}
