package ca

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// A CRL counts for a day and is replaced when half of that has passed, so that
// one which a client has just fetched lasts.
const (
	crlLife  = 24 * time.Hour
	crlHalf  = crlLife / 2
	crlsKept = 10
)

// revocationList is a CRL as stored.
type revocationList struct {
	bun.BaseModel `bun:"table:crl"`

	AuthorityID string    `bun:"authority_id,pk"`
	Number      int64     `bun:"number,pk"`
	Revoked     int64     `bun:"revoked"` // how many entries it has
	DER         []byte    `bun:"der"`
	ThisUpdate  time.Time `bun:"this_update"`
	NextUpdate  time.Time `bun:"next_update"`
}

// CRL returns the issuing CA's full list (DER) of all that was revoked up to now:
// the stored one, or a new one when a revocation came since or half of its life
// has passed. Errors: unexpected only.
func (s *Service) CRL(ctx context.Context) ([]byte, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	// One caller at a time, so that many clients do not make many lists.
	s.listMu.Lock()
	defer s.listMu.Unlock()
	for range rounds {
		due, err := s.refresh(ctx, h)
		if err != nil {
			return nil, fmt.Errorf("read CRL: %w", err)
		}
		if !due {
			return s.list.DER, nil
		}
		// When another node takes the number first, its list is as good, or due
		// again: an entry that it lacks came after it read them.
		if err := s.publish(ctx, h, s.list.Number+1); err != nil {
			return nil, fmt.Errorf("make CRL: %w", err)
		}
	}
	if s.list.NextUpdate.After(s.Now()) {
		return s.list.DER, nil // revocations come faster than lists
	}
	return nil, fault.New(fault.Unavailable, "ca.crl.busy", "The revocation list is being made. Try again in a moment.")
}

// refresh brings s.list up to the newest stored list, and tells whether a newer
// one is due. Revocations are never taken back, so a count tells of new ones.
func (s *Service) refresh(ctx context.Context, h *hierarchy) (due bool, err error) {
	var newest revocationList
	err = s.DB.NewSelect().Model(&newest).Where("authority_id = ?", h.id).Where("number > ?", s.list.Number).
		Order("number DESC").Limit(1).Scan(ctx)
	switch {
	case err == nil:
		s.list = newest
	case !errors.Is(err, sql.ErrNoRows):
		return false, err
	}
	revoked, err := s.DB.NewSelect().Model((*Certificate)(nil)).
		Where("authority_id = ?", h.id).Where("revoked_at IS NOT NULL").Count(ctx)
	if err != nil {
		return false, err
	}
	return s.list.Number == 0 || revoked != s.list.Revoked || s.list.NextUpdate.Sub(s.Now()) < crlHalf, nil
}

// publish stores a new list under a number, unless that number is taken.
func (s *Service) publish(ctx context.Context, h *hierarchy, number int64) error {
	var revoked []Certificate
	err := s.DB.NewSelect().Model(&revoked).Column("serial", "revoked_at", "revoke_reason").
		Where("authority_id = ?", h.id).Where("revoked_at IS NOT NULL").Order("serial").Scan(ctx)
	if err != nil {
		return err
	}
	entries := make([]pki.Revocation, len(revoked))
	for i, c := range revoked {
		entries[i] = pki.Revocation{Serial: c.Serial, At: *c.RevokedAt, Reason: reasons[c.RevokeReason]}
	}
	now := store.Instant(s.Now())
	list := revocationList{
		AuthorityID: h.id, Number: number, Revoked: int64(len(entries)), ThisUpdate: now, NextUpdate: now.Add(crlLife),
	}
	if list.DER, err = pki.NewCRL(h.issuing, h.key, number, entries, list.ThisUpdate, list.NextUpdate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []revocationList{list}, "ON CONFLICT (authority_id, number) DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.NewDelete().Model((*revocationList)(nil)).
			Where("authority_id = ?", h.id).Where("number <= ?", number-crlsKept).Exec(ctx)
		return err
	})
}
