// Package session remembers who is logged in: browser sessions and API tokens,
// of which only keyed hashes are stored.
package session

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
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Lifetimes of a session: without use, and in all.
const (
	Idle     = time.Hour
	Lifetime = 10 * time.Hour
)

const (
	tokenPurpose secret.Purpose = "session.token"
	csrfPurpose  secret.Purpose = "session.csrf"
	apiPurpose   secret.Purpose = "session.api_token"
)

// apiPrefix makes a leaked token easy to recognise.
const apiPrefix = "adgang_"

// Sweep drops sessions that are over.
var Sweep = outbox.NewKind[struct{}]("session.sweep")

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	Now  func() time.Time
}

// Session is one logged-in browser.
type Session struct {
	bun.BaseModel `bun:"table:session"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	TokenMAC   []byte            `bun:"token_mac"`
	Serial     string            `bun:"serial"` // of the certificate that logged in, "" = it was another login
	CreatedAt  time.Time         `bun:"created_at"`
	SeenAt     time.Time         `bun:"seen_at"`
	ExpiresAt  time.Time         `bun:"expires_at"`
	Address    string            `bun:"address"`  // where it was begun from
	EndedAt    *time.Time        `bun:"ended_at"` // by somebody else than its own browser

	// Of a login at an identity provider; all empty for a key file.
	IdPID        string `bun:"idp_id"`
	Level        string `bun:"level"`         // NSIS level that the login has
	NameID       string `bun:"name_id"`       // JSON: whom the provider knows the person as
	SessionIndex string `bun:"session_index"` // the provider's own name for the session

	Provider string `bun:"provider,scanonly"` // the provider's name, read by Open only
}

// Outside is a login at an identity provider.
type Outside struct {
	IdPID, Name  string    // the provider
	Level        string    // NSIS
	NameID       string    // JSON, handed back as it is
	SessionIndex string    // "" when the provider names none
	Ends         time.Time // the provider's session does; zero when it does not say
	// Begun is done in the transaction that starts the session.
	Begun func(ctx context.Context, tx bun.Tx, one Session) error
}

// Start logs an employee in by a key file and returns the cookie's value, which is
// stored nowhere.
func (s *Service) Start(ctx context.Context, e org.Employee, serial, address string) (token string, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		token, err = s.StartIn(ctx, tx, e, serial, address)
		return err
	})
	return token, err
}

// StartIn is Start in the transaction that has checked the login.
func (s *Service) StartIn(ctx context.Context, tx bun.Tx, e org.Employee, serial, address string) (token string, err error) {
	return s.start(ctx, tx, e, Session{Serial: serial}, Outside{}, "certificate "+serial, address)
}

// StartOutside is Start for a login at an identity provider.
func (s *Service) StartOutside(ctx context.Context, e org.Employee, login Outside, address string) (token string, err error) {
	one := Session{IdPID: login.IdPID, Level: login.Level, NameID: login.NameID, SessionIndex: login.SessionIndex}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		token, err = s.start(ctx, tx, e, one, login, "identity provider "+login.Name+", level "+login.Level, address)
		return err
	})
	return token, err
}

func (s *Service) start(ctx context.Context, tx bun.Tx, e org.Employee, one Session, from Outside, how, address string) (token string, err error) {
	token = secret.Token()
	now := store.Instant(s.Now())
	one.ID, one.OrgID, one.EmployeeID, one.TokenMAC = store.NewID(), e.OrgID, e.ID, s.Keys.MAC(tokenPurpose, token)
	one.CreatedAt, one.SeenAt, one.ExpiresAt, one.Address = now, now, now.Add(Lifetime), address
	if !from.Ends.IsZero() && from.Ends.Before(one.ExpiresAt) {
		one.ExpiresAt = store.Instant(from.Ends)
	}
	by := access.Actor{OrgID: e.OrgID, ID: "employee:" + string(e.ID), Address: address}
	if _, err := tx.NewInsert().Model(&one).Exec(ctx); err != nil {
		return "", err
	}
	if from.Begun != nil {
		if err := from.Begun(ctx, tx, one); err != nil {
			return "", err
		}
	}
	return token, audit.Record(ctx, tx, audit.By(by, now, "session.start", "employee:"+string(e.ID), how))
}

var errNone = fault.New(fault.Denied, "session.none", "You are not logged in, or your session has ended. Log in.")

// authenticated is that what the session began with still counts.
const authenticated = `(session.idp_id = '' AND EXISTS (SELECT 1 FROM key_file AS k WHERE k.org_id = session.org_id
		AND k.employee_id = session.employee_id AND k.serial = session.serial AND k.state = 'active')
	OR EXISTS (SELECT 1 FROM local_idp AS i WHERE i.org_id = session.org_id AND i.id = session.idp_id AND i.state = 'active'))`

// live narrows sessions to those that count.
func live(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	return q.Where("ended_at IS NULL").Where("expires_at > ?", now).Where("seen_at > ?", now.Add(-Idle)).Where(authenticated)
}

// Open returns an employee's sessions that count, the newest first.
func (s *Service) Open(ctx context.Context, org access.OrgID, id access.EmployeeID) ([]Session, error) {
	var all []Session
	q := s.DB.NewSelect().Model(&all).ColumnExpr("session.*").
		ColumnExpr("COALESCE((SELECT i.name FROM local_idp AS i WHERE i.org_id = session.org_id AND i.id = session.idp_id), '') AS provider").
		Where("org_id = ?", org).Where("employee_id = ?", id)
	return all, live(q, store.Instant(s.Now())).Order("created_at DESC", "id DESC").Limit(200).Scan(ctx)
}

// Actor returns who a session cookie belongs to, with today's roles. A session
// ends with its key file or identity provider, and with the employee. Errors: fault.Denied with the
// code session.none.
func (s *Service) Actor(ctx context.Context, token, address string) (access.Actor, Session, error) {
	var one Session
	now := store.Instant(s.Now())
	err := live(s.DB.NewSelect().Model(&one), now).Where("token_mac = ?", s.Keys.MAC(tokenPurpose, token)).
		Where("NOT EXISTS (SELECT 1 FROM organisation AS o WHERE o.id = session.org_id AND o.ends_at <= ?)", now).
		Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Actor{}, one, errNone
	}
	if err != nil {
		return access.Actor{}, one, err
	}
	e, err := org.Get(ctx, s.DB, one.OrgID, one.EmployeeID)
	if err != nil {
		return access.Actor{}, one, err
	}
	if e.State != org.Active {
		return access.Actor{}, one, errNone
	}
	if now.Sub(one.SeenAt) > time.Minute { // a write a minute, not a write a request
		if _, err := s.DB.NewUpdate().Model((*Session)(nil)).Set("seen_at = ?", now).Where("id = ?", one.ID).Exec(ctx); err != nil {
			return access.Actor{}, one, err
		}
	}
	by, err := org.ActorOf(ctx, s.DB, e, address)
	return by, one, err
}

// End logs a session out; ending one that is over changes nothing.
func (s *Service) End(ctx context.Context, by access.Actor, id string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewDelete().Model((*Session)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "session.end", "employee:"+string(by.Employee), ""))
	})
}

// Hold tells whether a session is there still, and keeps it from ending before
// the transaction has.
func Hold(ctx context.Context, tx bun.Tx, org access.OrgID, id string) (bool, error) {
	n, err := store.Count(tx.NewUpdate().Model((*Session)(nil)).Set("serial = serial").Where("org_id = ?", org).Where("id = ?", id).
		Where("ended_at IS NULL").Exec(ctx))
	return n == 1, err
}

// EndIn logs sessions of one employee out in the caller's transaction, every one
// of them when no IDs are given. Each gets its entry in the audit log.
func (s *Service) EndIn(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, ids ...string) error {
	q := tx.NewDelete().Model((*Session)(nil)).Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).Where("ended_at IS NULL")
	if len(ids) > 0 {
		q.Where("id IN (?)", bun.List(ids))
	}
	n, err := store.Count(q.Exec(ctx))
	return s.ended(ctx, tx, by, id, n, err)
}

// EndBehind is EndIn without the sessions' browsers at hand: the sessions are over,
// and stay on record until they would have ended by themselves.
func (s *Service) EndBehind(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, ids ...string) error {
	q := tx.NewUpdate().Model((*Session)(nil)).Set("ended_at = ?", store.Instant(s.Now())).
		Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).Where("ended_at IS NULL")
	if len(ids) > 0 {
		q.Where("id IN (?)", bun.List(ids))
	}
	n, err := store.Count(q.Exec(ctx))
	return s.ended(ctx, tx, by, id, n, err)
}

// ended records that n sessions were ended.
func (s *Service) ended(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, n int64, err error) error {
	for range n {
		err = errors.Join(err, audit.Record(ctx, tx, audit.By(by, s.Now(), "session.end", "employee:"+string(id), "")))
	}
	return err
}

// Of returns an employee's sessions that nobody has ended, though their time may be
// over.
func (s *Service) Of(ctx context.Context, org access.OrgID, id access.EmployeeID) ([]Session, error) {
	var all []Session
	err := s.DB.NewSelect().Model(&all).Where("org_id = ?", org).Where("employee_id = ?", id).Where("ended_at IS NULL").Order("id").Scan(ctx)
	return all, err
}

// DropEnded deletes sessions that are over.
func (s *Service) DropEnded(ctx context.Context) error {
	now := store.Instant(s.Now())
	_, err := s.DB.NewDelete().Model((*Session)(nil)).
		Where("expires_at <= ? OR ended_at IS NULL AND seen_at <= ?", now, now.Add(-Idle)).Exec(ctx)
	return err
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

// APIToken lets a program act for an organisation with one role.
type APIToken struct {
	bun.BaseModel `bun:"table:api_token"`

	ID        string       `bun:"id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	Role      access.Role  `bun:"role"`
	TokenMAC  []byte       `bun:"token_mac"`
	CreatedAt time.Time    `bun:"created_at"`
}

// CreateAPIToken makes a token and returns it, the only time it is seen.
// Errors: fault.Invalid for an unknown role.
func (s *Service) CreateAPIToken(ctx context.Context, by access.Actor, role access.Role) (string, error) {
	if len(access.Rights(role)) == 0 {
		return "", fault.New(fault.Invalid, "session.role.unknown", "There is no role %q; the roles are organisation-administrator, user-administrator and rights-administrator.", role).On("role")
	}
	token := apiPrefix + secret.Token()
	one := APIToken{
		ID: store.NewID(), OrgID: by.OrgID, Role: role, TokenMAC: s.Keys.MAC(apiPurpose, token), CreatedAt: store.Instant(s.Now()),
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&one).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "api_token.create", "token:"+one.ID, string(role)))
	})
	return token, err
}

// APIActor returns who an API token acts for. Errors: fault.Denied with the
// code session.none.
func (s *Service) APIActor(ctx context.Context, token, address string) (access.Actor, error) {
	var one APIToken
	err := s.DB.NewSelect().Model(&one).Where("token_mac = ?", s.Keys.MAC(apiPurpose, token)).
		Where("NOT EXISTS (SELECT 1 FROM organisation AS o WHERE o.id = api_token.org_id AND o.ends_at <= ?)", store.Instant(s.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Actor{}, fault.New(fault.Denied, "session.none", "The API token is not known here.")
	}
	if err != nil {
		return access.Actor{}, err
	}
	return access.Actor{
		OrgID: one.OrgID, ID: "token:" + one.ID, Name: "API token", Address: address, Roles: []access.Role{one.Role},
	}, nil
}
