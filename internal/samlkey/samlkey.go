// Package samlkey holds the keys with which Adgang signs and decrypts SAML
// messages, and how one follows another: announced while partners take it in,
// active, retiring while the last ones still use it, retired. Callers see a Ring.
package samlkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/token"
)

// purpose seals private keys, each at the place that is its ID.
const purpose secret.Purpose = "federation.key"

// SweepKind moves rollovers on.
var SweepKind = outbox.NewKind[struct{}]("samlkey.sweep")

// What a key is for.
const (
	Signing    = "signing"
	Encryption = "encryption"
)

// The states of a key, in the order in which it goes through them.
const (
	Announced = "announced" // in the metadata; decrypts, does not sign
	Active    = "active"    // signs; of which each use and algorithm has one
	Retiring  = "retiring"  // in the metadata if it signed; still decrypts
	Retired   = "retired"   // the private key is erased
)

// Key is one key of the installation.
type Key struct {
	bun.BaseModel `bun:"table:saml_key"`

	ID          string     `bun:"id,pk"`
	Use         string     `bun:"purpose"`
	Algorithm   string     `bun:"algorithm"` // oiosaml.RSA or oiosaml.ECDSA
	State       string     `bun:"state"`
	Certificate []byte     `bun:"certificate"`
	KeySealed   []byte     `bun:"key_sealed"` // PKCS#8; empty once retired, and for a key on the token
	CreatedAt   time.Time  `bun:"created_at"`
	ActiveAt    *time.Time `bun:"active_at"`
	RetiringAt  *time.Time `bun:"retiring_at"`
	RetiredAt   *time.Time `bun:"retired_at"`
}

// Ring is what the keys amount to at one moment.
type Ring struct {
	// Signing are the keys in the metadata; the first of an algorithm signs.
	Signing []oiosaml.Key
	// Encryption are those that partners are told to encrypt to, the best first.
	Encryption []oiosaml.Key
	// Decryption are all that may still be used by what arrives.
	Decryption []oiosaml.Key
}

// Service is the front of the package. It is used by pointer, and safe for
// concurrent use.
type Service struct {
	DB       *bun.DB
	Keys     *secret.Keys
	Now      func() time.Time
	Log      *slog.Logger
	Mail     *mail.Service
	EntityID string // of the installation as identity provider; names new certificates
	// Token is where new keys are made, nil = in the database.
	Token *token.Token
	// Partners list those that must know the keys.
	Partners []func(context.Context) ([]Partner, error)

	mu   sync.Mutex
	ring Ring
	read time.Time // when ring was; zero = not yet
}

// ringLife is how long a node goes on with what it read: so long does a switch
// take to reach all nodes. Partners have had the key for weeks by then.
const ringLife = 10 * time.Second

// errNone means that Setup has not run.
var errNone = errors.New("this installation has no SAML keys yet")

// need is one key that there must be.
type need struct{ use, algorithm string }

// needed is what every installation has. The second signing key is for services
// that ask for ECDSA, which costs a twentieth of RSA.
var needed = []need{
	{Signing, oiosaml.RSA}, {Signing, oiosaml.ECDSA}, {Encryption, oiosaml.RSA},
}

// Setup makes the keys that the installation lacks; nodes may call it together.
func (s *Service) Setup(ctx context.Context) error {
	for _, n := range needed {
		there, err := s.DB.NewSelect().Model((*Key)(nil)).Where("purpose = ?", n.use).Where("algorithm = ?", n.algorithm).
			Where("state = ?", Active).Exists(ctx)
		if err != nil {
			return err
		}
		if there {
			continue
		}
		row, err := s.make(n.use, n.algorithm)
		if err != nil {
			return err
		}
		row.State, row.ActiveAt = Active, &row.CreatedAt
		var stored int64
		err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
			stored, err = store.Insert(ctx, tx, []Key{row}, "ON CONFLICT (purpose, algorithm) WHERE state = 'active' DO NOTHING")
			return err
		})
		if err != nil || stored == 0 {
			s.discard(ctx, row)
		}
		if err != nil {
			return fmt.Errorf("store SAML key: %w", err)
		}
	}
	s.forget()
	_, err := s.Ring(ctx)
	return err
}

// make makes a key that is not stored yet.
func (s *Service) make(use, algorithm string) (Key, error) {
	row := Key{ID: store.NewID(), Use: use, Algorithm: algorithm, State: Announced, CreatedAt: store.Instant(s.Now()), KeySealed: []byte{}}
	if s.Token != nil {
		return s.makeOnToken(row)
	}
	key, err := oiosaml.NewKey(algorithm, s.EntityID, s.Now())
	if err != nil {
		return Key{}, err
	}
	pkcs8, certificate, err := key.Marshal()
	if err != nil {
		return Key{}, err
	}
	row.Certificate, row.KeySealed = certificate, s.Keys.Seal(purpose, row.ID, pkcs8)
	return row, nil
}

// Ring is the keys as they stand, at most ringLife old.
func (s *Service) Ring(ctx context.Context) (Ring, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.Now(); !s.read.IsZero() && now.Sub(s.read).Abs() < ringLife {
		return s.ring, nil
	}
	var rows []Key
	if err := s.DB.NewSelect().Model(&rows).Where("state <> ?", Retired).Order("created_at", "id").Scan(ctx); err != nil {
		return Ring{}, err
	}
	ring, err := s.assemble(rows)
	if err != nil {
		return Ring{}, err
	}
	s.ring, s.read = ring, s.Now()
	return ring, nil
}

// forget makes this node read the keys anew.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = time.Time{}
}

// assemble puts the active keys first, RSA before ECDSA, as every partner knows it.
func (s *Service) assemble(rows []Key) (Ring, error) {
	var r Ring
	for _, state := range []string{Active, Announced, Retiring} {
		for _, algorithm := range []string{oiosaml.RSA, oiosaml.ECDSA} {
			for _, row := range rows {
				if row.State != state || row.Algorithm != algorithm {
					continue
				}
				key, err := s.open(row)
				if err != nil {
					return Ring{}, err
				}
				r.add(row, key)
			}
		}
	}
	if len(r.Signing) == 0 || len(r.Encryption) == 0 {
		return Ring{}, errNone
	}
	return r, nil
}

func (r *Ring) add(row Key, key oiosaml.Key) {
	if row.Use == Signing {
		r.Signing = append(r.Signing, key)
		return
	}
	r.Decryption = append(r.Decryption, key)
	if row.State != Retiring {
		r.Encryption = append(r.Encryption, key)
	}
}

func (s *Service) open(row Key) (oiosaml.Key, error) {
	if len(row.KeySealed) == 0 {
		return s.onToken(row)
	}
	pkcs8, err := s.Keys.Open(purpose, row.ID, row.KeySealed)
	if err != nil {
		return oiosaml.Key{}, fmt.Errorf("SAML key %s: %w", row.ID, err)
	}
	return oiosaml.LoadKey(pkcs8, row.Certificate)
}
