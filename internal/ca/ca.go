// Package ca is the issuing authority: pki's certificates with a memory. It
// keeps the root and the issuing CA, records every certificate before it is
// signed, says which still count, and publishes the list of those that do not.
package ca

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// SweepKind is the regular work of Sweep.
var SweepKind = outbox.NewKind[struct{}]("ca.sweep_authority")

// keyPurpose seals the keys of authorities, each at the place that is its ID.
const keyPurpose secret.Purpose = "ca.key"

// Service is the front of the package. It is used by pointer, and safe for
// concurrent use.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	Now  func() time.Time
	Log  *slog.Logger
	// Algorithm and Name (of the installation) go into the hierarchy when Setup
	// makes it; later values change nothing.
	Algorithm pki.Algorithm
	Name      string
	// URLs of the issuing CA's certificate and CRL, for new certificates.
	URLs pki.URLs

	mu     sync.Mutex
	loaded *hierarchy
	listMu sync.Mutex
	list   revocationList
}

// The roles of authorities.
const (
	roleRoot    = "root"
	roleIssuing = "issuing"
)

// authority is a CA as stored.
type authority struct {
	bun.BaseModel `bun:"table:authority"`

	ID          string    `bun:"id,pk"`
	Role        string    `bun:"role"`
	State       string    `bun:"state"` // active, of which each role has one
	Certificate []byte    `bun:"certificate"`
	KeySealed   []byte    `bun:"key_sealed"` // PKCS#8
	CreatedAt   time.Time `bun:"created_at"`
}

// hierarchy is the active authorities, read and unsealed.
type hierarchy struct {
	id            string // of the issuing CA's row
	root, issuing []byte // DER
	key           crypto.Signer
	issuer        *pki.Issuer
	trust         *pki.Trust
}

// errNoHierarchy is what load says before Setup.
var errNoHierarchy = errors.New("this installation has no authority yet")

// backdated is how long before its making an authority becomes valid, so that a
// node whose clock is behind can issue at once.
const backdated = time.Hour

// Setup makes the root and the issuing CA, once for the installation. Nodes may
// call it together: one wins, and all use what it made. Errors: unexpected only,
// among them a master key that does not open the stored keys.
func (s *Service) Setup(ctx context.Context) error {
	_, err := s.hierarchy(ctx)
	if !errors.Is(err, errNoHierarchy) {
		return err
	}
	rows, err := s.newHierarchy()
	if err != nil {
		return fmt.Errorf("make the authorities: %w", err)
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, rows, "ON CONFLICT (role) WHERE state = 'active' DO NOTHING")
		switch {
		case err != nil || n == 0:
			return err // or another node was quicker
		case n != int64(len(rows)):
			return fmt.Errorf("%d of %d authorities existed before", int64(len(rows))-n, len(rows))
		}
		// The organisation "" is the installation itself.
		var entries []audit.Entry
		for _, a := range rows {
			entries = append(entries, audit.By(access.System(""), s.Now(), "authority.create", "authority:"+a.ID, a.Role))
		}
		return audit.Record(ctx, tx, entries...)
	})
	if err != nil {
		return fmt.Errorf("store the authorities: %w", err)
	}
	_, err = s.hierarchy(ctx)
	return err
}

func (s *Service) newHierarchy() ([]authority, error) {
	plan := pki.Authority{Algorithm: s.Algorithm, Installation: s.Name, NotBefore: s.Now().Add(-backdated)}
	root, rootKey, err := pki.NewRoot(plan)
	if err != nil {
		return nil, err
	}
	plan.Number = 1
	issuing, issuingKey, err := pki.NewIssuing(plan, root, rootKey)
	if err != nil {
		return nil, err
	}
	first, err := s.sealed(roleRoot, root, rootKey)
	if err != nil {
		return nil, err
	}
	second, err := s.sealed(roleIssuing, issuing, issuingKey)
	return []authority{first, second}, err
}

func (s *Service) sealed(role string, certificate []byte, key crypto.Signer) (authority, error) {
	pkcs8, err := pki.MarshalKey(key)
	if err != nil {
		return authority{}, err
	}
	id := store.NewID()
	return authority{
		ID: id, Role: role, State: "active", Certificate: certificate,
		KeySealed: s.Keys.Seal(keyPurpose, id, pkcs8), CreatedAt: store.Instant(s.Now()),
	}, nil
}

// hierarchy returns the active authorities; the first call unseals the issuing
// CA's key, which then stays in memory. The root's stays sealed. Errors:
// errNoHierarchy as fault.Unavailable.
func (s *Service) hierarchy(ctx context.Context) (*hierarchy, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded != nil {
		return s.loaded, nil
	}
	h, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.loaded = h
	return h, nil
}

func (s *Service) load(ctx context.Context) (*hierarchy, error) {
	var rows []authority
	if err := s.DB.NewSelect().Model(&rows).Where("state = 'active'").Order("role").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	byRole := map[string]authority{}
	for _, a := range rows {
		byRole[a.Role] = a
	}
	root, issuing := byRole[roleRoot], byRole[roleIssuing]
	if root.ID == "" || issuing.ID == "" {
		return nil, fault.New(fault.Unavailable, "ca.authority.absent",
			"No certificates can be issued or checked yet: this installation has no authority.").Because(errNoHierarchy)
	}
	h := &hierarchy{id: issuing.ID, root: root.Certificate, issuing: issuing.Certificate}
	pkcs8, err := s.Keys.Open(keyPurpose, issuing.ID, issuing.KeySealed)
	if err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", issuing.ID, err)
	}
	if h.key, err = pki.ParseKey(pkcs8); err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", issuing.ID, err)
	}
	if h.issuer, err = pki.NewIssuer(issuing.Certificate, s.URLs); err != nil {
		return nil, fmt.Errorf("authority %s: %w", issuing.ID, err)
	}
	if h.trust, err = pki.NewTrust([][]byte{root.Certificate}, [][]byte{issuing.Certificate}); err != nil {
		return nil, fmt.Errorf("authority %s: %w", issuing.ID, err)
	}
	return h, nil
}

// Chain returns the authorities' certificates (DER), issuing CA first, root last.
func (s *Service) Chain(ctx context.Context) ([][]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	return [][]byte{h.issuing, h.root}, nil
}

// RootDER returns the root's certificate.
func (s *Service) RootDER(ctx context.Context) ([]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	return h.root, nil
}

// IssuingDER returns the issuing CA's certificate.
func (s *Service) IssuingDER(ctx context.Context) ([]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	return h.issuing, nil
}
