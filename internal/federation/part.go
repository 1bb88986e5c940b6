package federation

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// SAML is the kind of the services in this package.
const SAML = "saml"

// partKept is how long a part that is over is kept: a service may ask late.
const partKept = 24 * time.Hour

// Part is one party's part in a browser session: where the person is logged in.
type Part struct {
	bun.BaseModel `bun:"table:service_session,alias:part"`

	ID           string            `bun:"id,pk"`
	OrgID        access.OrgID      `bun:"org_id"`     // the person's
	SessionID    string            `bun:"session_id"` // of the browser
	EmployeeID   access.EmployeeID `bun:"employee_id"`
	Kind         string            `bun:"kind"`       // SAML or a key of Service.Elsewhere
	ServiceID    string            `bun:"service_id"` // by the kind's own reckoning
	ServiceName  string            `bun:"service_name"`
	NameID       string            `bun:"name_id"` // JSON of oiosaml.NameID for SAML
	NameValue    string            `bun:"name_value"`
	SessionIndex string            `bun:"session_index"`
	CreatedAt    time.Time         `bun:"created_at"`
	ExpiresAt    time.Time         `bun:"expires_at"`
	EndedAt      *time.Time        `bun:"ended_at"`
}

// Elsewhere logs out at parties of a kind that another package keeps: an
// organisation's own identity provider, a service that speaks OpenID Connect. Such
// a package records a Part with Join and tells how its party answered with Settle.
type Elsewhere struct {
	// Ask takes the browser to the party; the message's ID is the step's. nil, or
	// ok = false, when the browser has nothing to do there.
	Ask func(ctx context.Context, one Part, relay string) (move oiosaml.Move, ok bool, err error)
	// Reaches tells whether Tell can log out at this party; nil = at every one.
	Reaches func(ctx context.Context, one Part) (bool, error)
	// Tell logs out from server to server; it may run again. nil = not possible.
	Tell func(ctx context.Context, one Part) error
	// Finish answers the party that began a logout with Begin, whose request it
	// gets back. nil, or a Move without a URL = the person sees the page.
	Finish func(ctx context.Context, party, request string, partial bool) (oiosaml.Move, error)
	// Source tells that the person logged in there, rather than with our login: it
	// is logged out last, and is no service that the person is logged in to.
	Source bool
}

// Join records a part in a session. A part of the same name at the same party in
// the same browser is replaced by it. Errors: fault.Denied when the browser's
// session has ended meanwhile: then nothing may be issued.
func (s *Service) Join(ctx context.Context, tx bun.Tx, one Part) error {
	now := store.Instant(s.Now())
	if one.SessionID != "" {
		live, err := session.Hold(ctx, tx, one.OrgID, one.SessionID)
		if err != nil {
			return err
		}
		if !live {
			return fault.New(fault.Denied, "federation.flow.over", "This login is over, or was begun in another browser. Go back to the service and start again.")
		}
	}
	_, err := tx.NewUpdate().Model((*Part)(nil)).Set("ended_at = ?", now).
		Where("org_id = ?", one.OrgID).Where("session_id = ?", one.SessionID).Where("employee_id = ?", one.EmployeeID).
		Where("kind = ?", one.Kind).Where("service_id = ?", one.ServiceID).Where("name_value = ?", one.NameValue).
		Where("ended_at IS NULL").Exec(ctx)
	if err != nil {
		return err
	}
	one.ID, one.CreatedAt, one.ExpiresAt = store.NewID(), now, store.Instant(one.ExpiresAt)
	_, err = tx.NewInsert().Model(&one).Exec(ctx)
	return err
}

// partOf is a service's part, as an assertion begins it.
func partOf(p Partner, login Login, reply oiosaml.Reply) (Part, error) {
	name, err := json.Marshal(reply.Name)
	until := login.Until
	if until.IsZero() {
		until = login.At.Add(session.Lifetime)
	}
	return Part{
		OrgID: login.Actor.OrgID, SessionID: login.Session, EmployeeID: login.Actor.Employee, Kind: SAML, ServiceID: p.ID,
		ServiceName: p.Name, NameID: string(name), NameValue: reply.NameID, SessionIndex: reply.Assertion, ExpiresAt: until,
	}, err
}

// Parts are where the employee who asks is logged in now, oldest first, at most
// 200.
func (s *Service) Parts(ctx context.Context, by access.Actor) ([]Part, error) {
	if by.Employee == "" {
		return nil, nil
	}
	all, err := s.liveParts(ctx, s.DB, by.OrgID, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("employee_id = ?", by.Employee) })
	return slices.DeleteFunc(all, func(one Part) bool { return s.Elsewhere[one.Kind].Source }), err
}

// maxParts bounds one logout.
const maxParts = 200

func (s *Service) liveParts(ctx context.Context, db bun.IDB, org access.OrgID, which func(*bun.SelectQuery) *bun.SelectQuery) ([]Part, error) {
	var all []Part
	q := db.NewSelect().Model(&all).Where("org_id = ?", org).Where("ended_at IS NULL").Where("expires_at > ?", store.Instant(s.Now()))
	err := which(q).Order("created_at", "id").Limit(maxParts).Scan(ctx)
	return all, err
}

// end marks parts as over.
func endParts(ctx context.Context, tx bun.Tx, now time.Time, org access.OrgID, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*Part)(nil)).Set("ended_at = ?", now).
		Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).Where("ended_at IS NULL").Exec(ctx)
	return err
}
