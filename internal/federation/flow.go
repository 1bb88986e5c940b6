package federation

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// flowLife is how long a person may take to log in.
const flowLife = time.Hour

// pending is a verified login request, kept while the person logs in.
type pending struct {
	bun.BaseModel `bun:"table:saml_request"`

	ID         string     `bun:"id,pk"` // the flow
	ServiceID  string     `bun:"service_id"`
	RequestID  string     `bun:"request_id"`
	Request    string     `bun:"request"` // JSON of oiosaml.Request
	RelayState string     `bun:"relay_state"`
	CookieMAC  []byte     `bun:"cookie_mac"`
	CreatedAt  time.Time  `bun:"created_at"`
	ExpiresAt  time.Time  `bun:"expires_at"`
	AnsweredAt *time.Time `bun:"answered_at"`
}

// Outcome is where a flow stands. Reply is set when the service gets its
// answer; otherwise the person must log in.
type Outcome struct {
	Flow   string
	Cookie string // for the browser that began the flow; set by Accept only
	Reply  *oiosaml.Reply
}

// Login is who is logged in, and since when.
type Login struct {
	Actor access.Actor
	At    time.Time
}

// Accept takes a login request in: from a registered service, signed by one of
// its keys, fresh, never seen before. cookie is the browser's flow cookie, "" for
// none; a browser with several flows keeps one cookie. Errors: fault.Denied,
// fault.Invalid for the person; what the service is to be told is a Reply.
func (s *Service) Accept(ctx context.Context, m *oiosaml.Message, cookie, address string) (Outcome, error) {
	p, r, err := s.check(ctx, m)
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		reply, err := s.refuse(ctx, p, r, refusal, access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address})
		return Outcome{Reply: reply}, err
	}
	if err != nil {
		return Outcome{}, s.refused(ctx, p, err, address)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return Outcome{}, err
	}
	if len(cookie) != 43 {
		cookie = secret.Token()
	}
	now := store.Instant(s.Now())
	row := pending{
		ID: store.NewID(), ServiceID: p.ID, RequestID: r.ID, Request: string(text), RelayState: r.RelayState,
		CookieMAC: s.Keys.MAC(cookiePurpose, cookie), CreatedAt: now, ExpiresAt: now.Add(flowLife),
	}
	var n int64
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		n, err = store.Insert(ctx, tx, []pending{row}, "ON CONFLICT (service_id, request_id) DO NOTHING")
		return err
	})
	if err == nil && n == 0 {
		err = s.refused(ctx, p, fault.New(fault.Denied, "federation.request.replay", "This login request has been used already. Go back to the service and start again."), address)
	}
	return Outcome{Flow: row.ID, Cookie: cookie}, err
}

func (s *Service) check(ctx context.Context, m *oiosaml.Message) (Partner, oiosaml.Request, error) {
	idp, err := s.idp(ctx)
	if err != nil {
		return Partner{}, oiosaml.Request{}, err
	}
	var p Partner
	err = s.DB.NewSelect().Model(&p).Where("entity_id = ?", m.Issuer()).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Partner{}, oiosaml.Request{}, fault.New(fault.Denied, "federation.service.unknown", "The service that sent you here is not registered. Its owner must register it before anyone can log in to it.")
	}
	if err != nil {
		return Partner{}, oiosaml.Request{}, err
	}
	if err := p.read(); err != nil {
		return p, oiosaml.Request{}, err
	}
	r, err := m.Check(p.Metadata, idp.SSO, s.Now())
	return p, r, err
}

// refused records a request that nobody is answered for.
func (s *Service) refused(ctx context.Context, p Partner, why error, address string) error {
	if k := fault.KindOf(why); k == fault.Internal || k == fault.Unavailable {
		return why
	}
	by := access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "saml.refuse", "service:"+p.ID, fault.CodeOf(why)))
	})
	return errors.Join(why, err)
}

// Continue decides from what is stored how a flow goes on: login, nil when
// nobody is logged in, decides whether the service gets its answer. Errors:
// fault.Denied for a flow that is over or another browser's.
func (s *Service) Continue(ctx context.Context, flow, cookie string, login *Login) (Outcome, error) {
	var row pending
	now := store.Instant(s.Now())
	err := s.DB.NewSelect().Model(&row).Where("id = ?", flow).Where("cookie_mac = ?", s.Keys.MAC(cookiePurpose, cookie)).
		Where("answered_at IS NULL").Where("expires_at > ?", now).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Outcome{}, s.over(ctx, flow, login)
	}
	if err != nil {
		return Outcome{}, err
	}
	var r oiosaml.Request
	if err := json.Unmarshal([]byte(row.Request), &r); err != nil {
		return Outcome{}, fmt.Errorf("stored request %s: %w", row.ID, err)
	}
	// A request that wants a fresh login is content with one made after it came.
	fresh := login != nil && (!r.ForceAuthn || login.At.After(row.CreatedAt))
	if !fresh && !r.IsPassive {
		return Outcome{Flow: flow}, nil
	}
	reply, err := s.answer(ctx, row, r, login, fresh)
	return Outcome{Flow: flow, Reply: reply}, err
}

// over says that a flow cannot be continued, and records it for the service's
// organisation if there was such a flow.
func (s *Service) over(ctx context.Context, flow string, login *Login) error {
	why := fault.New(fault.Denied, "federation.flow.over", "This login is over, or was begun in another browser. Go back to the service and start again.")
	var p Partner
	err := s.DB.NewSelect().Model(&p).Where("id = (SELECT r.service_id FROM saml_request AS r WHERE r.id = ?)", flow).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return why
	}
	if err != nil {
		return err
	}
	address := ""
	if login != nil {
		address = login.Actor.Address
	}
	return s.refused(ctx, p, why, address)
}

// answer spends the pending request and makes the Response.
func (s *Service) answer(ctx context.Context, row pending, r oiosaml.Request, login *Login, fresh bool) (*oiosaml.Reply, error) {
	now := store.Instant(s.Now())
	res, err := s.DB.NewUpdate().Model(&row).Set("answered_at = ?", now).WherePK().Where("answered_at IS NULL").Exec(ctx)
	if err := store.One(res, err, "federation.flow"); err != nil {
		return nil, err
	}
	var p Partner
	if err := s.DB.NewSelect().Model(&p).Where("id = ?", row.ServiceID).Scan(ctx); err != nil {
		return nil, err
	}
	if err := p.read(); err != nil {
		return nil, err
	}
	usable := false
	if login != nil {
		if usable, err = entitlement.Usable(ctx, s.DB, login.Actor.OrgID, p.ID); err != nil {
			return nil, err
		}
	}
	switch {
	case !fresh:
		return s.refuse(ctx, p, r, &oiosaml.RefusalError{Code: oiosaml.Responder, Why: oiosaml.NoPassive, Text: "Nobody is logged in, and the request forbids to ask."},
			access.Actor{OrgID: p.OrgID, ID: "anonymous"})
	case !usable:
		return s.refuse(ctx, p, r, &oiosaml.RefusalError{Code: oiosaml.Responder, Why: oiosaml.RequestDenied, Text: "The person belongs to an organisation that has no access to this service."},
			access.Actor{OrgID: p.OrgID, ID: login.Actor.ID, Address: login.Actor.Address})
	}
	return s.respond(ctx, p, r, *login)
}

func (s *Service) respond(ctx context.Context, p Partner, r oiosaml.Request, login Login) (*oiosaml.Reply, error) {
	idp, err := s.idp(ctx)
	if err != nil {
		return nil, err
	}
	e, err := org.Get(ctx, s.DB, login.Actor.OrgID, login.Actor.Employee)
	if err != nil {
		return nil, err
	}
	if err := org.Standing(ctx, s.DB, e); err != nil {
		if why, ok := errors.AsType[*fault.Error](err); ok {
			return s.refuse(ctx, p, r, &oiosaml.RefusalError{Code: oiosaml.Responder, Why: oiosaml.RequestDenied, Text: why.Text}, login.Actor)
		}
		return nil, err
	}
	o, err := s.Org.Organisation(ctx, e.OrgID)
	if err != nil {
		return nil, err
	}
	privileges, err := s.privileges(ctx, o, e, p)
	if err != nil {
		return nil, err
	}
	now := store.Instant(s.Now())
	who := oiosaml.Person{
		UUID: string(e.ID), NameID: s.nameID(e, p), FullName: e.Name(), FirstName: e.GivenName, LastName: e.Surname,
		Email: e.Email, RID: e.RIDText(), CVR: o.CVR, OrgName: o.Name, Level: levelOfLogin(e), LoginAt: login.At,
		Privileges: privileges,
	}
	if e.Anonymous { // the UUID stands for the name; the address would tell it
		who.FullName, who.FirstName, who.LastName, who.Email = "", "", "", ""
	}
	reply, err := idp.Respond(r, p.Metadata, who, now)
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		return s.refuse(ctx, p, r, refusal, login.Actor)
	}
	if err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*Partner)(nil)).Set("last_login_at = ?", now).Where("id = ?", p.ID).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(login.Actor, now, "saml.login", "service:"+p.ID, "assertion "+reply.Assertion))
	})
	return &reply, err
}

// privileges is what the person may do in the service, "" when the service
// publishes no rights. A right that needs a higher level than the login has is
// left out.
func (s *Service) privileges(ctx context.Context, o org.Organisation, e org.Employee, p Partner) (string, error) {
	all, known, err := s.Rights.PrivilegesOf(ctx, s.DB, o, e.ID, p.ID)
	if err != nil || !known {
		return "", err
	}
	all = slices.DeleteFunc(all, func(one entitlement.Privilege) bool {
		return one.Level != "" && oiosaml.LevelNamed(one.Level) > levelOfLogin(e)
	})
	return base64.StdEncoding.EncodeToString(entitlement.List(all)), nil
}

// nameID is the UUID that only this service knows the person by: a keyed hash
// of organisation, person and service, in the form of RFC 9562 version 8.
func (s *Service) nameID(e org.Employee, p Partner) string {
	var id uuid.UUID
	copy(id[:], s.Keys.MAC(namePurpose, string(e.OrgID), string(e.ID), p.EntityID))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// refuse answers the service with a signed status and records why.
func (s *Service) refuse(ctx context.Context, p Partner, r oiosaml.Request, why *oiosaml.RefusalError, by access.Actor) (*oiosaml.Reply, error) {
	idp, err := s.idp(ctx)
	if err != nil {
		return nil, err
	}
	now := store.Instant(s.Now())
	reply, err := idp.Refuse(r, why, now)
	if err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, now, "saml.refuse", "service:"+p.ID, why.Error()))
	})
	return &reply, err
}

// DropRequests deletes login requests that are over. Those younger than a
// request may be are kept: they recognise a replay.
func (s *Service) DropRequests(ctx context.Context) error {
	_, err := s.DB.NewDelete().Model((*pending)(nil)).Where("expires_at <= ?", store.Instant(s.Now())).Exec(ctx)
	return err
}

// keyFileLevel is what a key file proves of itself: a key in software, behind a
// password.
const keyFileLevel = oiosaml.Low

// levelOfLogin is the lower of how well the person is known and how well the login
// proves that it is that person, as NSIS demands.
func levelOfLogin(e org.Employee) oiosaml.Level {
	return min(oiosaml.Level(org.LevelRank(e.IdentityLevel())), keyFileLevel)
}
