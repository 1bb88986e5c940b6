package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
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
	Facts      string     `bun:"facts"`   // JSON of Facts, as far as the request goes
	RelayState string     `bun:"relay_state"`
	CookieMAC  []byte     `bun:"cookie_mac"`
	CreatedAt  time.Time  `bun:"created_at"`
	ExpiresAt  time.Time  `bun:"expires_at"`
	AnsweredAt *time.Time `bun:"answered_at"`
	Kind       string     `bun:"kind"`    // SAML or a key of Service.Faces
	Detail     string     `bun:"detail"`  // what another face keeps of its request
	MaxAge     *int64     `bun:"max_age"` // seconds that the login may be old when the request comes, nil = any
}

// fresh tells whether a login will do: a request that wants a fresh one is content
// with one made after it came.
func (row *pending) fresh(r oiosaml.Request, login *Login) bool {
	if login == nil || r.ForceAuthn && !login.At.After(row.CreatedAt) {
		return false
	}
	return row.MaxAge == nil || !login.At.Before(row.CreatedAt.Add(-time.Duration(*row.MaxAge)*time.Second))
}

// Outcome is where a flow stands. Reply or To is set when the service gets its
// answer; otherwise the person must log in.
type Outcome struct {
	Flow   string
	Cookie string // for the browser that began the flow; set by Accept and Ask only
	Reply  *oiosaml.Reply
	To     string // where the browser takes the answer of another face than SAML
	// Refusal is set when the answer is a refusal that the person should read
	// before it goes to the service.
	Refusal *Refusal
}

// Refusal is why a service says no, for the person.
type Refusal struct {
	Reason  string // of RefusalError
	Service string // its name
	// Need is the level that would do, 0 when it was not about the level; Identity
	// and Means are how far this login goes.
	Need, Identity, Means oiosaml.Level
}

// Heading is what a pending flow asks of the login.
type Heading struct {
	Service string        // entityID
	Level   oiosaml.Level // the least, 0 = none
	Fresh   bool          // the person is to log in anew
}

// Heading returns where a flow of this browser leads. Errors: fault.Denied for a
// flow that is over or another browser's.
func (s *Service) Heading(ctx context.Context, flow, cookie string) (Heading, error) {
	var row pending
	err := s.DB.NewSelect().Model(&row).Where("id = ?", flow).Where("cookie_mac = ?", s.Keys.MAC(cookiePurpose, cookie)).
		Where("answered_at IS NULL").Where("expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Heading{}, s.over(ctx, flow, nil)
	}
	var r oiosaml.Request
	if err == nil {
		err = json.Unmarshal([]byte(row.Request), &r)
	}
	return Heading{Service: r.Service, Level: r.Context.Needs(), Fresh: r.ForceAuthn || row.MaxAge != nil}, err
}

// quiet are refusals that a person does not read: nobody was to be asked, or the
// person has cancelled.
var quiet = []string{"passive", "cancelled"}

// Accept takes a login request in: from a registered service, signed by one of
// its keys, fresh, never seen before. cookie is the browser's flow cookie, "" for
// none; a browser with several flows keeps one cookie. Errors: fault.Denied,
// fault.Invalid for the person; what the service is to be told is a Reply.
func (s *Service) Accept(ctx context.Context, m *oiosaml.Message, cookie, address string) (Outcome, error) {
	p, r, err := s.check(ctx, m)
	a := s.attempt(p, m, p.Policy.Skew())
	a.asked(r)
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		return s.refuse(ctx, verdict{partner: p, request: r, attempt: a, by: access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}, raw: m.Raw()}, refusal)
	}
	if err != nil {
		return Outcome{}, s.refused(ctx, p, a, err, address)
	}
	if len(cookie) != 43 {
		cookie = secret.Token()
	}
	n, err := s.store(ctx, p, r, a, pending{Kind: SAML}, cookie, m.Raw())
	if err == nil && n == 0 {
		err = s.refused(ctx, p, a, fault.New(fault.Denied, "federation.request.replay", "This login request has been used already. Go back to the service and start again."), address)
	}
	return Outcome{Flow: a.ID, Cookie: cookie}, err
}

// store keeps a request while the person logs in; n is 0 for one seen before. row
// says which face it came by.
func (s *Service) store(ctx context.Context, p Partner, r oiosaml.Request, a *Attempt, row pending, cookie string, raw []byte) (n int64, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	facts, err := json.Marshal(a.Facts)
	if err != nil {
		return 0, err
	}
	now := store.Instant(s.Now())
	row.ID, row.ServiceID, row.RequestID, row.Request, row.RelayState, row.Facts = a.ID, p.ID, r.ID, string(text), r.RelayState, string(facts)
	row.CookieMAC, row.CreatedAt, row.ExpiresAt = s.Keys.MAC(cookiePurpose, cookie), now, now.Add(flowLife)
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		n, err = store.Insert(ctx, tx, []pending{row}, "ON CONFLICT (service_id, request_id) DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		return s.keep(ctx, tx, a, map[string][]byte{RequestPart: raw})
	})
	return n, err
}

func (s *Service) check(ctx context.Context, m *oiosaml.Message) (Partner, oiosaml.Request, error) {
	idp, err := s.idp(ctx)
	if err != nil {
		return Partner{}, oiosaml.Request{}, err
	}
	var p Partner
	err = s.DB.NewSelect().Model(&p).Where("entity_id = ?", m.Issuer()).Where("metadata <> ''").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Partner{}, oiosaml.Request{}, fault.New(fault.Denied, "federation.service.unknown", "The service that sent you here is not registered. Its owner must register it before anyone can log in to it.")
	}
	if err != nil {
		return Partner{}, oiosaml.Request{}, err
	}
	if err := p.read(); err != nil {
		return p, oiosaml.Request{}, err
	}
	r, err := m.CheckBy(p.Policy.terms(), p.Metadata, idp.SSO, s.Now())
	return p, r, err
}

// refused records a request that nobody is answered for.
func (s *Service) refused(ctx context.Context, p Partner, a *Attempt, why error, address string) error {
	if k := fault.KindOf(why); k == fault.Internal || k == fault.Unavailable {
		return why
	}
	a.failed(why)
	by := access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.save(ctx, tx, a, nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "saml.refuse", "service:"+p.ID, fault.CodeOf(why)))
	})
	return errors.Join(why, err)
}

// Continue decides from what is stored how a flow goes on: login, nil when
// nobody is logged in, decides whether the service gets its answer. Errors:
// fault.Denied for a flow that is over or another browser's.
func (s *Service) Continue(ctx context.Context, flow, cookie string, login *Login) (Outcome, error) {
	row, r, err := s.flow(ctx, flow, cookie, login)
	if err != nil {
		return Outcome{}, err
	}
	fresh := row.fresh(r, login)
	if !fresh && !r.IsPassive {
		return Outcome{Flow: flow}, nil
	}
	if !fresh {
		return s.answer(ctx, row, r, nil, no(oiosaml.NoPassive, "passive", "Nobody is logged in, and the request forbids to ask."))
	}
	return s.answer(ctx, row, r, login, nil)
}

// Cancel answers the service that the person did not want to log in. Errors: as
// Continue.
func (s *Service) Cancel(ctx context.Context, flow, cookie string) (Outcome, error) {
	row, r, err := s.flow(ctx, flow, cookie, nil)
	if err != nil {
		return Outcome{}, err
	}
	return s.answer(ctx, row, r, nil, no(oiosaml.AuthnFailed, "cancelled", "The person cancelled the login."))
}

// Waiting is what a person should know before logging in to a service.
type Waiting struct {
	Service string        // its name
	Need    oiosaml.Level // at least, 0 = any
	Subject string        // whom the service expects, "" = anybody
}

// Waiting tells about a flow of this browser. Errors: as Continue.
func (s *Service) Waiting(ctx context.Context, flow, cookie string) (Waiting, error) {
	row, r, err := s.flow(ctx, flow, cookie, nil)
	if err != nil {
		return Waiting{}, err
	}
	var p Partner
	if err := s.DB.NewSelect().Model(&p).Column("name").Where("id = ?", row.ServiceID).Scan(ctx); err != nil {
		return Waiting{}, err
	}
	return Waiting{Service: p.Name, Need: r.Context.Needs(), Subject: r.Subject}, nil
}

// flow finds a flow of one browser that is not over.
func (s *Service) flow(ctx context.Context, flow, cookie string, login *Login) (row pending, r oiosaml.Request, err error) {
	err = s.DB.NewSelect().Model(&row).Where("id = ?", flow).Where("cookie_mac = ?", s.Keys.MAC(cookiePurpose, cookie)).
		Where("answered_at IS NULL").Where("expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, r, s.over(ctx, flow, login)
	}
	if err != nil {
		return row, r, err
	}
	if err := json.Unmarshal([]byte(row.Request), &r); err != nil {
		return row, r, fmt.Errorf("stored request %s: %w", row.ID, err)
	}
	return row, r, nil
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
	return s.refused(ctx, p, s.attempt(p, nil, 0), why, address)
}

// verdict is everything that an answer to a service is made and recorded from.
type verdict struct {
	partner Partner
	request oiosaml.Request
	attempt *Attempt
	by      access.Actor
	login   Login
	out     Release // who logged in, as far as it is known
	raw     []byte  // the message, when it has not been kept yet
	face    string  // SAML or a key of Service.Faces
	detail  string  // what another face keeps of its request
	flow    string  // the pending request that the answer spends, "" when it was never kept
}

// record spends the pending request, so that each has one answer, and writes down
// how the login ended: verb and note are for the audit log.
func (s *Service) record(ctx context.Context, tx bun.Tx, v verdict, parts map[string][]byte, verb, note string) error {
	now := store.Instant(s.Now())
	if v.flow != "" {
		res, err := tx.NewUpdate().Model((*pending)(nil)).Set("answered_at = ?", now).Where("id = ?", v.flow).Where("answered_at IS NULL").Exec(ctx)
		if err := store.One(res, err, "federation.flow"); err != nil {
			return err
		}
	}
	// By the minute is enough, and logins at one service do not wait for one row.
	if last := v.partner.LastLoginAt; v.attempt.Result == LoggedIn && (last == nil || now.Sub(*last) >= time.Minute) {
		if _, err := tx.NewUpdate().Model((*Partner)(nil)).Set("last_login_at = ?", now).Where("id = ?", v.partner.ID).Exec(store.AcrossTenants(ctx)); err != nil {
			return err
		}
	}
	if err := s.save(ctx, tx, v.attempt, parts); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(v.by, now, verb, "service:"+v.partner.ID, note))
}

// answer makes the Response, in one transaction with all that is kept of it: a
// refusal when there is one, else what Release decides about the person.
func (s *Service) answer(ctx context.Context, row pending, r oiosaml.Request, login *Login, refusal *oiosaml.RefusalError) (Outcome, error) {
	v := verdict{request: r, face: row.Kind, detail: row.Detail, flow: row.ID}
	if err := s.DB.NewSelect().Model(&v.partner).Where("id = ?", row.ServiceID).Scan(ctx); err != nil {
		return Outcome{}, err
	}
	if err := v.partner.read(); err != nil {
		return Outcome{}, err
	}
	v.attempt = s.attempt(v.partner, nil, 0)
	v.attempt.ID = row.ID
	if err := json.Unmarshal([]byte(row.Facts), &v.attempt.Facts); err != nil {
		return Outcome{}, fmt.Errorf("stored facts of request %s: %w", row.ID, err)
	}
	if refusal != nil {
		v.by = access.Actor{OrgID: v.partner.OrgID, ID: "anonymous"}
		return s.refuse(ctx, v, refusal)
	}
	v.by, v.login = login.Actor, *login
	asked := Asked{Context: r.Context, Subject: r.Subject, Profile: r.Profile}
	if v.face != SAML {
		asked.Attributes = v.partner.told()
	}
	var err error
	v.out, err = s.Release(ctx, v.partner, *login, asked)
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		if refusal.Reason == "organisation" { // a stranger's act is in the owner's log
			v.by.OrgID = v.partner.OrgID
		}
		return s.refuse(ctx, v, refusal)
	}
	if err != nil {
		return Outcome{}, err
	}
	return s.respond(ctx, v)
}

func (s *Service) respond(ctx context.Context, v verdict) (Outcome, error) {
	if v.face != SAML {
		return s.grant(ctx, v)
	}
	idp, err := s.idpFor(ctx, v.partner)
	if err != nil {
		return Outcome{}, err
	}
	now := store.Instant(s.Now())
	reply, err := idp.RespondIn(v.partner.Policy.manner(), v.request, v.partner.Metadata, v.out.Person, now)
	if err != nil {
		return Outcome{}, err
	}
	v.attempt.by(v.out)
	v.attempt.Result = LoggedIn
	part, err := partOf(v.partner, v.login, reply)
	if err != nil {
		return Outcome{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.record(ctx, tx, v, map[string][]byte{ResponsePart: reply.Response, AssertionPart: reply.Signed}, "saml.login", "assertion "+reply.Assertion); err != nil {
			return err
		}
		return s.Join(ctx, tx, part)
	})
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Flow: v.attempt.ID, Reply: &reply}, nil
}

// refuse answers the service with a signed status and records why.
func (s *Service) refuse(ctx context.Context, v verdict, why *oiosaml.RefusalError) (Outcome, error) {
	if v.face != SAML && v.face != "" {
		return s.refuseElsewhere(ctx, v, why)
	}
	idp, err := s.idpFor(ctx, v.partner)
	if err != nil {
		return Outcome{}, err
	}
	now := store.Instant(s.Now())
	reply, err := idp.Refuse(v.request, why, now)
	if err != nil {
		return Outcome{}, err
	}
	v.attempt.failed(why)
	v.attempt.by(v.out)
	v.attempt.needs(v.partner, why)
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.record(ctx, tx, v, map[string][]byte{RequestPart: v.raw, ResponsePart: reply.Response}, "saml.refuse", why.Error())
	})
	if err != nil {
		return Outcome{}, err
	}
	answered := Outcome{Reply: &reply}
	if !slices.Contains(quiet, why.Reason) {
		answered.Refusal = told(v.partner, v.request, v.out, why)
	}
	return answered, nil
}

// told is a refusal for the person.
func told(p Partner, r oiosaml.Request, out Release, why *oiosaml.RefusalError) *Refusal {
	said := &Refusal{Reason: why.Reason, Service: p.Name, Identity: out.Person.Identity, Means: out.Person.Authenticator}
	if why.Reason == "level" {
		said.Need = r.Context.Needs()
	}
	return said
}

// DropRequests deletes login requests that are over, and attempts and messages
// past their time. Requests younger than a request may be are kept: they recognise
// a replay. Logouts that nobody carried on end.
func (s *Service) DropRequests(ctx context.Context) error {
	if _, err := s.DB.NewDelete().Model((*pending)(nil)).Where("expires_at <= ?", store.Instant(s.Now())).Exec(ctx); err != nil {
		return err
	}
	return errors.Join(s.dropOld(ctx), s.sweepLogouts(ctx))
}
