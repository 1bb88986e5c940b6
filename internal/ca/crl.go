package ca

import (
	"context"
	"crypto"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// A CRL counts for a day and is replaced when half of that has passed, so that
// one which a client has just fetched lasts. The root's, which changes hardly
// ever, counts for a quarter of a year.
const (
	crlLife  = 24 * time.Hour
	rootLife = 90 * crlLife
	crlsKept = 3
	// A full list of more than largeList entries is made at most once in largeAge.
	// The parts that certificates name are never behind.
	largeList = 20_000
	largeAge  = time.Second
	// lateCommit is how long before the list that it is missing from an entry may
	// have been written: instants are taken before a transaction commits, and nodes'
	// clocks differ.
	lateCommit = 10 * time.Minute
)

// full is the part that stands for the whole list.
const full = -1

// RevocationList is a CRL as stored and served.
type RevocationList struct {
	bun.BaseModel `bun:"table:revocation_list"`

	AuthorityID string    `bun:"authority_id,pk"`
	Part        int       `bun:"part,pk"` // full, or 0 to pki.Parts-1
	Number      int64     `bun:"number,pk"`
	Revoked     int64     `bun:"revoked"` // how many entries it has
	DER         []byte    `bun:"der"`
	ThisUpdate  time.Time `bun:"this_update"`
	NextUpdate  time.Time `bun:"next_update"`
}

// lists are the newest CRLs this node has seen.
type lists struct {
	mu  sync.Mutex
	all map[string]*series
}

// series is the CRLs of one authority and part.
type series struct {
	mu     sync.Mutex // one caller at a time, so that many clients do not make many lists
	newest RevocationList

	issuer authority
	key    func() (crypto.Signer, error)
	point  string // of a part
	life   time.Duration
}

// of returns the series of an authority and part.
func (l *lists) of(a authority, part int, key func() (crypto.Signer, error), point string, life time.Duration) *series {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := fmt.Sprintf("%s/%d", a.ID, part)
	if l.all == nil {
		l.all = map[string]*series{}
	}
	if l.all[name] == nil {
		l.all[name] = &series{
			newest: RevocationList{AuthorityID: a.ID, Part: part}, issuer: a, key: key, point: point, life: life,
		}
	}
	return l.all[name]
}

// RootCRL returns the root's list. It has no entries: an issuing CA is retired,
// not revoked.
func (s *Service) RootCRL(ctx context.Context) (RevocationList, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return RevocationList{}, err
	}
	return s.current(ctx, s.lists.of(h.root, full, func() (crypto.Signer, error) { return s.unsealed(h.root) }, "", rootLife))
}

// CRL returns the full list of an issuing CA, 0 for the active one, of all that
// was revoked up to now; a long one may be a second behind. It is the stored
// list, or a new one when a revocation came since or half of its life has passed.
// Errors: fault.Absent.
func (s *Service) CRL(ctx context.Context, number int64) (RevocationList, error) {
	return s.list(ctx, number, full)
}

// PartCRL returns one part of the list of an issuing CA: what certificates name
// as their distribution point. It is never behind. Errors: fault.Absent.
func (s *Service) PartCRL(ctx context.Context, number int64, part int) (RevocationList, error) {
	if part < 0 || part >= pki.Parts {
		return RevocationList{}, fault.New(fault.Absent, "ca.crl.unknown", "There is no such part of the revocation list.")
	}
	return s.list(ctx, number, part)
}

func (s *Service) list(ctx context.Context, number int64, part int) (RevocationList, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return RevocationList{}, err
	}
	issuing := h.active()
	if number != 0 {
		if issuing, err = h.numbered(number); err != nil {
			return RevocationList{}, err
		}
	}
	point := ""
	if part != full {
		point = s.urls(issuing.Number).CRLOf(part)
	}
	return s.current(ctx, s.lists.of(issuing.authority, part, func() (crypto.Signer, error) { return issuing.key, nil }, point, crlLife))
}

func (s *Service) current(ctx context.Context, l *series) (RevocationList, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range rounds {
		due, err := s.refresh(ctx, l)
		if err != nil {
			return RevocationList{}, fmt.Errorf("read CRL: %w", err)
		}
		if !due {
			return l.newest, nil
		}
		// When another node takes the number first, its list is as good, or due
		// again: an entry that it lacks came after it read them.
		if err := s.publish(ctx, l); err != nil {
			return RevocationList{}, fmt.Errorf("make CRL: %w", err)
		}
	}
	if l.newest.NextUpdate.After(s.Now()) {
		return l.newest, nil // revocations come faster than lists
	}
	return RevocationList{}, fault.New(fault.Unavailable, "ca.crl.busy", "The revocation list is being made. Try again in a moment.")
}

// inScope limits a query for certificates to the revoked ones of a list.
func (l *series) inScope(q *bun.SelectQuery) *bun.SelectQuery {
	q = q.Where("authority_id = ?", l.issuer.ID).Where("revoked_at IS NOT NULL")
	if l.newest.Part != full {
		q = q.Where("part = ?", l.newest.Part)
	}
	return q
}

// refresh brings l up to the newest stored list, and tells whether a newer one is
// due. Revocations are never taken back, so a count tells of new ones.
func (s *Service) refresh(ctx context.Context, l *series) (due bool, err error) {
	var newest RevocationList
	err = s.DB.NewSelect().Model(&newest).Where("authority_id = ?", l.issuer.ID).Where("part = ?", l.newest.Part).
		Where("number > ?", l.newest.Number).Order("number DESC").Limit(1).Scan(ctx)
	switch {
	case err == nil:
		l.newest = newest
	case !errors.Is(err, sql.ErrNoRows):
		return false, err
	}
	if l.newest.Number == 0 || l.newest.NextUpdate.Sub(s.Now()) < l.life/2 {
		return true, nil
	}
	if age := s.Now().Sub(l.newest.ThisUpdate); l.newest.Revoked > largeList && age >= 0 && age < largeAge {
		return false, nil
	}
	revoked, err := l.inScope(s.DB.NewSelect().Model((*Certificate)(nil))).Count(ctx)
	return revoked != l.newest.Revoked, err
}

// entry is what a list says of one certificate.
type entry struct {
	Serial       pki.Serial `bun:"serial"`
	RevokedAt    time.Time  `bun:"revoked_at"`
	RevokeReason string     `bun:"revoke_reason"`
}

// publish stores the next list, unless another node has taken its number.
func (s *Service) publish(ctx context.Context, l *series) error {
	list, err := s.entries(ctx, l)
	if err != nil {
		return err
	}
	key, err := l.key()
	if err != nil {
		return err
	}
	now := store.Instant(s.Now())
	next := RevocationList{
		AuthorityID: l.issuer.ID, Part: l.newest.Part, Number: l.newest.Number + 1,
		Revoked: int64(list.Carried.Len() + len(list.Entries)), ThisUpdate: now, NextUpdate: now.Add(l.life),
	}
	list.Number, list.ThisUpdate, list.NextUpdate, list.Point = next.Number, next.ThisUpdate, next.NextUpdate, l.point
	if next.DER, err = pki.NewCRL(l.issuer.Certificate, key, list); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []RevocationList{next}, "ON CONFLICT (authority_id, part, number) DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.NewDelete().Model((*RevocationList)(nil)).Where("authority_id = ?", next.AuthorityID).
			Where("part = ?", next.Part).Where("number <= ?", next.Number-crlsKept).Exec(ctx)
		return err
	})
}

// entries are the newest list's and those that came since, when together they
// are as many as there are on record; else all, read anew.
func (s *Service) entries(ctx context.Context, l *series) (pki.List, error) {
	if l.newest.Revoked > 0 {
		carried, err := pki.CarriedFrom(l.newest.DER)
		if err != nil {
			return pki.List{}, err
		}
		since := l.newest.ThisUpdate.Add(-lateCommit)
		added, err := s.revoked(ctx, l, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("revoked_at >= ?", since) })
		if err != nil {
			return pki.List{}, err
		}
		added = slices.DeleteFunc(added, func(r pki.Revocation) bool { return carried.Has(r.Serial) })
		count, err := l.inScope(s.DB.NewSelect().Model((*Certificate)(nil))).Count(ctx)
		if err != nil || count == int64(carried.Len()+len(added)) {
			return pki.List{Carried: carried, Entries: added}, err
		}
	}
	all, err := s.revoked(ctx, l, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("serial") })
	return pki.List{Entries: all}, err
}

func (s *Service) revoked(ctx context.Context, l *series, which func(*bun.SelectQuery) *bun.SelectQuery) ([]pki.Revocation, error) {
	var rows []entry
	err := which(l.inScope(s.DB.NewSelect().Table("certificate").Column("serial", "revoked_at", "revoke_reason"))).Scan(ctx, &rows)
	all := make([]pki.Revocation, len(rows))
	for i, c := range rows {
		all[i] = pki.Revocation{Serial: c.Serial, At: c.RevokedAt, Reason: reasons[c.RevokeReason]}
	}
	return all, err
}
