// Package ca is the issuing authority: pki's certificates with a memory. It
// keeps the root and the issuing CAs, records every certificate before it is
// signed, says which still count, and tells those who rely on them by revocation
// list and by OCSP.
package ca

import (
	"context"
	"crypto"
	"crypto/x509"
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
	"github.com/adgang/adgang/internal/token"
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
	// Token is where the keys of new authorities are made, nil for the database.
	Token *token.Token
	// Algorithm, Name (of the installation) and PolicyArc ("" for pki.PolicyArc) go
	// into the hierarchy when Setup or Rollover makes it; later values change nothing.
	Algorithm pki.Algorithm
	Name      string
	PolicyArc string
	// WeakKeys get no certificate; nil when the operator has no list.
	WeakKeys *pki.WeakKeys
	// Address is where the files of the authorities are read, "http://host"
	// without a slash at the end; it is named in new certificates.
	Address string

	mu      sync.Mutex
	loaded  *hierarchy
	checked time.Time
	lists   lists
	answers answers
}

// The roles of authorities.
const (
	roleRoot    = "root"
	roleIssuing = "issuing"
)

// The states of authorities.
const (
	Active  = "active"  // of which each role has one: new certificates come from it
	Retired = "retired" // its certificates count, and its lists go on
)

// authority is a CA as stored.
type authority struct {
	bun.BaseModel `bun:"table:authority"`

	ID          string    `bun:"id,pk"`
	Role        string    `bun:"role"`
	Number      int64     `bun:"number"` // of its role, from 1
	State       string    `bun:"state"`
	Certificate []byte    `bun:"certificate"`
	KeySealed   []byte    `bun:"key_sealed"` // PKCS#8, empty for a key on the token
	KeyName     string    `bun:"key_name"`   // on the token, "" for a sealed one
	PolicyArc   string    `bun:"policy_arc"` // of its certificates; "" is pki.PolicyArc
	CreatedAt   time.Time `bun:"created_at"`
}

// issuing is an issuing CA, read and unsealed.
type issuing struct {
	authority

	certificate *x509.Certificate
	key         crypto.Signer
	issuer      *pki.Issuer
}

// hierarchy is the root and its issuing CAs, the active one first, the others
// from the newest to the oldest.
type hierarchy struct {
	root    authority
	issuing []*issuing
	trust   *pki.Trust
	state   string // changes when a row does
}

func (h *hierarchy) active() *issuing { return h.issuing[0] }

// numbered returns the issuing CA of a number. Errors: fault.Absent.
func (h *hierarchy) numbered(number int64) (*issuing, error) {
	for _, i := range h.issuing {
		if i.Number == number {
			return i, nil
		}
	}
	return nil, fault.New(fault.Absent, "ca.authority.unknown", "There is no issuing authority %d here.", number)
}

// errNoHierarchy is what load says before Setup.
var errNoHierarchy = errors.New("this installation has no authority yet")

// backdated is how long before its making an authority becomes valid, so that a
// node whose clock is behind can issue at once.
const backdated = time.Hour

// recheck is how often a node looks whether another one has rolled the authority
// over. Until then it goes on with the old one, whose certificates count.
const recheck = 5 * time.Second

// Setup makes the root and the issuing CA, once for the installation. Nodes may
// call it together: one wins, and all use what it made. Errors: unexpected only,
// among them a master key that does not open the stored keys.
func (s *Service) Setup(ctx context.Context) error {
	_, err := s.hierarchy(ctx)
	if !errors.Is(err, errNoHierarchy) {
		return err
	}
	rows, err := s.newHierarchy()
	stored := false
	defer func() {
		if !stored {
			s.discard(context.WithoutCancel(ctx), rows...)
		}
	}()
	if err != nil {
		return fmt.Errorf("make the authorities: %w", err)
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, rows, "ON CONFLICT DO NOTHING")
		stored = n > 0
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
	root := s.keyless(roleRoot, 1)
	var key crypto.Signer
	var err error
	if root.Certificate, key, err = pki.NewRoot(s.plan(&root)); err != nil {
		return []authority{root}, err
	}
	if err := s.seal(&root, key); err != nil {
		return []authority{root}, err
	}
	issuing, err := s.newIssuing(1, root.Certificate, key)
	return []authority{root, issuing}, err
}

// newIssuing makes the issuing CA of a number below root. What it returns with an
// error may have a key on the token.
func (s *Service) newIssuing(number int64, root []byte, rootKey crypto.Signer) (authority, error) {
	a := s.keyless(roleIssuing, number)
	plan := s.plan(&a)
	plan.Number = int(number)
	plan.URLs = pki.URLs{Certificate: s.at("/ca/root.cer"), CRL: s.at("/ca/root.crl")}
	var key crypto.Signer
	var err error
	if a.Certificate, key, err = pki.NewIssuing(plan, root, rootKey); err != nil {
		return a, err
	}
	return a, s.seal(&a, key)
}

// at is the public address of a file, "" when the installation has none.
func (s *Service) at(path string) string {
	if s.Address == "" {
		return ""
	}
	return s.Address + path
}

// urls are what certificates of an issuing CA name.
func (s *Service) urls(number int64) pki.URLs {
	return pki.URLs{
		Certificate: s.at(fmt.Sprintf("/ca/%d/issuing.cer", number)),
		CRL:         s.at(fmt.Sprintf("/ca/%d/crl/%s.crl", number, pki.PartMark)),
		OCSP:        s.at("/ca/ocsp"),
	}
}

// hierarchy returns the authorities. The keys of the issuing CAs are unsealed
// when they are first read and then stay in memory; the root's stays sealed.
// Errors: errNoHierarchy as fault.Unavailable.
func (s *Service) hierarchy(ctx context.Context) (*hierarchy, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if age := now.Sub(s.checked); s.loaded != nil && age >= 0 && age < recheck {
		return s.loaded, nil
	}
	var rows []authority
	if err := s.DB.NewSelect().Model(&rows).OrderExpr("role, CASE WHEN state = 'active' THEN 0 ELSE 1 END, number DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	state := ""
	for _, a := range rows {
		state += a.ID + a.State + "\n"
	}
	if s.loaded == nil || s.loaded.state != state {
		h, err := s.load(rows)
		if err != nil {
			return nil, err
		}
		h.state = state
		s.loaded = h
	}
	s.checked = now
	return s.loaded, nil
}

func (s *Service) load(rows []authority) (*hierarchy, error) {
	h := &hierarchy{}
	var certificates [][]byte
	var arcs []string
	for _, a := range rows {
		if a.Role == roleRoot {
			h.root = a
			continue
		}
		one := &issuing{authority: a}
		var err error
		if one.certificate, err = x509.ParseCertificate(a.Certificate); err != nil {
			return nil, fmt.Errorf("authority %s: %w", a.ID, err)
		}
		if one.key, err = s.unsealed(a); err != nil {
			return nil, err
		}
		if one.issuer, err = pki.NewIssuer(a.Certificate, s.urls(a.Number), a.PolicyArc); err != nil {
			return nil, fmt.Errorf("authority %s: %w", a.ID, err)
		}
		h.issuing = append(h.issuing, one)
		certificates, arcs = append(certificates, a.Certificate), append(arcs, a.PolicyArc)
	}
	if h.root.ID == "" || len(h.issuing) == 0 || h.active().State != Active {
		return nil, fault.New(fault.Unavailable, "ca.authority.absent",
			"No certificates can be issued or checked yet: this installation has no authority.").Because(errNoHierarchy)
	}
	var err error
	if h.trust, err = pki.NewTrust([][]byte{h.root.Certificate}, certificates, arcs...); err != nil {
		return nil, fmt.Errorf("authority %s: %w", h.active().ID, err)
	}
	return h, nil
}

// Chain returns the certificates (DER) above new ones: issuing CA, root.
func (s *Service) Chain(ctx context.Context) ([][]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	return [][]byte{h.active().Certificate, h.root.Certificate}, nil
}

// ChainOf is Chain above the certificates of one issuing CA. Errors: fault.Absent.
func (s *Service) ChainOf(ctx context.Context, authorityID string) ([][]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range h.issuing {
		if i.ID == authorityID {
			return [][]byte{i.Certificate, h.root.Certificate}, nil
		}
	}
	return nil, fault.New(fault.Absent, "ca.authority.unknown", "There is no such issuing authority here.")
}

// RootDER returns the root's certificate.
func (s *Service) RootDER(ctx context.Context) ([]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	return h.root.Certificate, nil
}

// IssuingDER returns the certificate of the issuing CA of a number, 0 for the
// active one. Errors: fault.Absent.
func (s *Service) IssuingDER(ctx context.Context, number int64) ([]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		return h.active().Certificate, nil
	}
	i, err := h.numbered(number)
	if err != nil {
		return nil, err
	}
	return i.Certificate, nil
}

// Rollover makes a new issuing CA below the same root, of s.Algorithm; new
// certificates come from it. The old one retires: its certificates count until
// they expire, and its revocation lists and OCSP go on. It is the operator's.
// Errors: fault.Conflict when two do it at once or the root ends too soon.
func (s *Service) Rollover(ctx context.Context, by access.Actor) error {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return err
	}
	rootKey, err := s.unsealed(h.root)
	if err != nil {
		return err
	}
	old := h.active()
	next, err := s.newIssuing(old.Number+1, h.root.Certificate, rootKey)
	stored := false
	defer func() {
		if !stored {
			s.discard(context.WithoutCancel(ctx), next)
		}
	}()
	if e, ok := errors.AsType[*pki.Error](err); ok && e.Reason == pki.AuthorityEnds {
		return fault.New(fault.Conflict, "ca.root.ending", "The root ends before a new issuing authority would. This installation needs a new root.").Because(err)
	}
	if err != nil {
		return fmt.Errorf("make an issuing authority: %w", err)
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model((*authority)(nil)).Set("state = ?", Retired).
			Where("id = ?", old.ID).Where("state = ?", Active).Exec(ctx)
		if err := store.One(res, err, "ca.authority"); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&next).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx,
			audit.By(by, s.Now(), "authority.retire", "authority:"+old.ID, fmt.Sprintf("issuing %d", old.Number)),
			audit.By(by, s.Now(), "authority.create", "authority:"+next.ID, fmt.Sprintf("issuing %d", next.Number)))
	})
	if err != nil {
		return err
	}
	stored = true
	s.mu.Lock()
	s.checked = time.Time{}
	s.mu.Unlock()
	_, err = s.hierarchy(ctx)
	return err
}
