package operator

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Session is one browser of a logged-in operator.
type Session struct {
	bun.BaseModel `bun:"table:operator_session"`

	ID         string    `bun:"id,pk"`
	OperatorID string    `bun:"operator_id"`
	TokenMAC   []byte    `bun:"token_mac"`
	CreatedAt  time.Time `bun:"created_at"`
	SeenAt     time.Time `bun:"seen_at"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

func (s *Service) start(ctx context.Context, o Operator, key, record, address string) (string, error) {
	token, now := secret.Token(), store.Instant(s.Now())
	row := Session{
		ID: store.NewID(), OperatorID: o.ID, TokenMAC: s.Keys.MAC(sessionPurpose, token),
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(Lifetime),
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*passkey)(nil)).Set("credential = ?", record).Set("used_at = ?", now).
			Where("id = ?", key).Where("operator_id = ?", o.ID).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model((*Operator)(nil)).Set("last_login_at = ?", now).Where("id = ?", o.ID).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		by := access.Actor{ID: "operator:" + o.ID, Address: address}
		return audit.Record(ctx, tx, audit.By(by, now, "operator_session.start", "operator:"+o.ID, ""))
	})
	return token, err
}

var errNone = fault.New(fault.Denied, "operator.session.none", "You are not logged in as an operator, or your session has ended. Log in.")

// Actor returns who a session cookie belongs to. Errors: fault.Denied with the
// code operator.session.none.
func (s *Service) Actor(ctx context.Context, token, address string) (access.Actor, Operator, Session, error) {
	var row Session
	now := store.Instant(s.Now())
	err := s.DB.NewSelect().Model(&row).Where("token_mac = ?", s.Keys.MAC(sessionPurpose, token)).
		Where("expires_at > ?", now).Where("seen_at > ?", now.Add(-Idle)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Actor{}, Operator{}, row, errNone
	}
	if err != nil {
		return access.Actor{}, Operator{}, row, err
	}
	o, err := one(ctx, s.DB, row.OperatorID)
	if fault.KindOf(err) == fault.Absent {
		return access.Actor{}, o, row, errNone
	}
	if err != nil {
		return access.Actor{}, o, row, err
	}
	if now.Sub(row.SeenAt) > time.Minute { // a write a minute, not a write a request
		if _, err := s.DB.NewUpdate().Model((*Session)(nil)).Set("seen_at = ?", now).Where("id = ?", row.ID).Exec(ctx); err != nil {
			return access.Actor{}, o, row, err
		}
	}
	return access.Actor{ID: "operator:" + o.ID, Name: o.Name, Address: address, Operator: true}, o, row, nil
}

// End logs a session out; ending one that is over changes nothing.
func (s *Service) End(ctx context.Context, by access.Actor, id string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewDelete().Model((*Session)(nil)).Where("id = ?", id).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "operator_session.end", by.ID, ""))
	})
}

// CSRF is the value that a write with the session's cookie must carry in the
// header X-CSRF-Token.
func (s *Service) CSRF(token string) string {
	return base64.RawURLEncoding.EncodeToString(s.Keys.MAC(csrfPurpose, token))
}

// CSRFValid compares in constant time.
func (s *Service) CSRFValid(token, header string) bool {
	return secret.Equal([]byte(s.CSRF(token)), []byte(header))
}

// DropEnded deletes sessions, registrations and logins that are over.
func (s *Service) DropEnded(ctx context.Context) error {
	now := store.Instant(s.Now())
	if _, err := s.DB.NewDelete().Model((*pending)(nil)).Where("expires_at <= ?", now).Exec(ctx); err != nil {
		return err
	}
	_, err := s.DB.NewDelete().Model((*Session)(nil)).
		WhereOr("expires_at <= ?", now).WhereOr("seen_at <= ?", now.Add(-Idle)).Exec(ctx)
	return err
}
