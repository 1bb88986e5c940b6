package samlkey

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/store"
)

// The times of a rollover. NemLog-in announced its own successors 101 and 204
// days before the end; partners fetch metadata every hour to every other day.
const (
	announceBefore = 120 * 24 * time.Hour // of the active key's end
	overlap        = 7 * 24 * time.Hour   // at least, from announced to active by itself
	retireAfter    = 30 * 24 * time.Hour  // from the switch until the private key is erased
)

// Announce makes the successor of an active key and publishes it beside it.
// Errors: fault.Denied; fault.Invalid for a use and algorithm that nothing has;
// fault.Conflict when there is a successor already.
func (s *Service) Announce(ctx context.Context, by access.Actor, use, algorithm string) (Key, error) {
	if err := by.NeedOperator(); err != nil {
		return Key{}, err
	}
	return s.announce(ctx, by, use, algorithm)
}

func (s *Service) announce(ctx context.Context, by access.Actor, use, algorithm string) (Key, error) {
	if !slices.ContainsFunc(needed, func(n need) bool { return n.use == use && n.algorithm == algorithm }) {
		return Key{}, fault.New(fault.Invalid, "samlkey.use", "There is no key for %s by %s. There are signing keys by RSA and ECDSA, and encryption keys by RSA.", use, algorithm).On("use")
	}
	partners, err := s.partners(ctx)
	if err != nil {
		return Key{}, err
	}
	row, err := s.make(use, algorithm)
	if err != nil {
		return Key{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []Key{row}, "ON CONFLICT (purpose, algorithm) WHERE state = 'announced' DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "samlkey.announced", "The successor of this key is announced already.")
		}
		if err := s.tell(ctx, tx, row, StepAnnounced, partners); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "saml_key.announce", "saml_key:"+row.ID, row.about()))
	})
	if err != nil {
		s.discard(ctx, row)
	}
	s.forget()
	return row, err
}

// about says which key it is, for the audit log.
func (k Key) about() string { return k.Use + " " + k.Algorithm + " " + Fingerprint(k.Certificate) }

// Activate puts an announced key in the place of the active one, which retires.
// Partners that were not seen with it may no longer understand Adgang: the reason
// is on record. Errors: fault.Denied, fault.Absent, fault.Invalid for the reason,
// fault.Conflict when the key is not announced.
func (s *Service) Activate(ctx context.Context, by access.Actor, id, reason string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	reason, ok := form.Reason(reason, 500)
	if !ok {
		return fault.New(fault.Invalid, "samlkey.reason", "Say in 10 to 500 characters why the key changes now.").On("reason")
	}
	return s.activate(ctx, by, id, reason)
}

func (s *Service) activate(ctx context.Context, by access.Actor, id, reason string) error {
	partners, err := s.partners(ctx)
	if err != nil {
		return err
	}
	defer s.forget()
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		row, err := s.key(ctx, tx, id)
		if err != nil {
			return err
		}
		now := store.Instant(s.Now())
		_, err = tx.NewUpdate().Model((*Key)(nil)).Set("state = ?", Retiring).Set("retiring_at = ?", now).
			Where("purpose = ?", row.Use).Where("algorithm = ?", row.Algorithm).Where("state = ?", Active).
			Where("(SELECT k.state FROM saml_key AS k WHERE k.id = ?) = ?", id, Announced).Exec(ctx)
		if err != nil {
			return err
		}
		res, err := tx.NewUpdate().Model((*Key)(nil)).Set("state = ?", Active).Set("active_at = ?", now).
			Where("id = ?", id).Where("state = ?", Announced).Exec(ctx)
		if err := store.One(res, err, "samlkey.key"); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, row, StepSwitched, partners); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "saml_key.activate", "saml_key:"+id, row.about()+": "+reason))
	})
}

// retire erases the private keys of those that have been retiring long enough.
func (s *Service) retire(ctx context.Context, by access.Actor) error {
	defer s.forget()
	var gone []Key
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		gone = nil
		err := tx.NewUpdate().Model(&gone).Set("state = ?", Retired).Set("retired_at = ?", now).Set("key_sealed = ?", []byte{}).
			Where("state = ?", Retiring).Where("retiring_at <= ?", now.Add(-retireAfter)).Returning("*").Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		for _, k := range gone {
			if err := audit.Record(ctx, tx, audit.By(by, now, "saml_key.retire", "saml_key:"+k.ID, k.about())); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.discard(ctx, gone...) // of keys that were in the database the token has none
	}
	return err
}

func (s *Service) key(ctx context.Context, db bun.IDB, id string) (Key, error) {
	var row Key
	err := db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	return row, store.Found(err, "samlkey.key")
}

// Sweep moves rollovers on: announces a successor when a key nears its end, lets it
// take over once every partner was seen with it, reminds those that were not, and
// erases what is over. It may run at any time, and again.
func (s *Service) Sweep(ctx context.Context) error {
	by := access.Actor{ID: "system", Name: "Adgang"}
	var rows []Key
	if err := s.DB.NewSelect().Model(&rows).Where("state IN (?)", bun.List([]string{Active, Announced})).Order("created_at", "id").Scan(ctx); err != nil {
		return err
	}
	now := s.Now()
	for _, row := range rows {
		end, err := row.End()
		if err != nil {
			return err
		}
		successor := slices.ContainsFunc(rows, func(k Key) bool {
			return k.State == Announced && k.Use == row.Use && k.Algorithm == row.Algorithm
		})
		switch {
		case row.State == Active && !successor && end.Sub(now) <= announceBefore:
			_, err = s.announce(ctx, by, row.Use, row.Algorithm)
			if fault.KindOf(err) == fault.Conflict {
				err = nil // another node was first
			}
		case row.State == Announced:
			err = s.advance(ctx, by, row)
		}
		if err != nil {
			return err
		}
	}
	return s.retire(ctx, by)
}

// advance lets an announced key take over, or reminds those that lack it.
func (s *Service) advance(ctx context.Context, by access.Actor, row Key) error {
	if s.Now().Sub(row.CreatedAt) < overlap {
		return nil
	}
	standing, err := s.standing(ctx, row)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(standing, func(p Standing) bool { return p.SeenAt == nil }) {
		err := s.activate(ctx, by, row.ID, "every partner was seen with it")
		if fault.KindOf(err) == fault.Conflict {
			return nil
		}
		return err
	}
	var lack []Partner
	for _, p := range standing {
		if p.SeenAt == nil {
			lack = append(lack, p.Partner)
		}
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.tell(ctx, tx, row, StepReminded, lack)
	})
}

// End is when the key's certificate says that it ends.
func (k Key) End() (time.Time, error) {
	cert, err := x509.ParseCertificate(k.Certificate)
	if err != nil {
		return time.Time{}, fmt.Errorf("certificate of SAML key %s: %w", k.ID, err)
	}
	return cert.NotAfter, nil
}
