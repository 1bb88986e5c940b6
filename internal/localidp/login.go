package localidp

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// Why somebody is sent to a provider.
const (
	toLogIn = "login"
	toTest  = "test"  // an administrator wants to see what comes
	toProve = "prove" // an invited employee proves who he or she is
)

// Lives of a login at a provider: to come back, and to take what came.
const (
	answerWithin = time.Hour
	finishWithin = 5 * time.Minute
)

// request is one login on its way.
type request struct {
	bun.BaseModel `bun:"table:local_idp_request,alias:r"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"`
	IdPID      string            `bun:"idp_id"`
	Purpose    string            `bun:"purpose"`
	Flow       string            `bun:"flow"` // pending login to a service, "" = none
	Next       string            `bun:"next"` // path to go to afterwards, "" = the front page
	Fresh      bool              `bun:"fresh"`
	CookieMAC  []byte            `bun:"cookie_mac"` // of the browser that began; nil for an answer nobody asked for
	AskedBy    string            `bun:"asked_by"`   // the administrator who tests
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Known      []byte            `bun:"known"` // sealed JSON of Result
	CreatedAt  time.Time         `bun:"created_at"`
	ExpiresAt  time.Time         `bun:"expires_at"`
	AnsweredAt *time.Time        `bun:"answered_at"`
	FinishedAt *time.Time        `bun:"finished_at"`
}

// Heading is where somebody is going, as far as a service asked for something.
type Heading struct {
	Flow    string        // "" = to Adgang itself
	Next    string        // path within Adgang
	Service string        // entityID of the service, "" = none
	Level   oiosaml.Level // the least that the service asks for, 0 = nothing
	Fresh   bool          // the service wants the person to log in anew
}

// Begun is a login that begins: what the browser sends, and its cookie.
type Begun struct {
	Sent   oiosaml.Sent
	Cookie string
}

// Begin sends somebody to an active provider. Errors: fault.Denied when there is
// none such, or the organisation does not allow logins of its kind.
func (s *Service) Begin(ctx context.Context, id string, to Heading) (Begun, error) {
	var p IdP
	err := s.DB.NewSelect().Model(&p).Where("i.id = ?", id).Where("i.state = ?", Active).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Begun{}, unknown()
	}
	if err == nil {
		err = p.read()
	}
	if err == nil {
		err = allowed(ctx, s.DB, p)
	}
	if err != nil {
		return Begun{}, err
	}
	if !strings.HasPrefix(to.Next, "/") || strings.HasPrefix(to.Next, "//") || strings.ContainsAny(to.Next, "\\\r\n") || len(to.Next) > 500 {
		to.Next = ""
	}
	if len(to.Flow) > 64 {
		to.Flow = ""
	}
	return s.ask(ctx, p, request{Purpose: toLogIn, Flow: to.Flow, Next: to.Next, Fresh: to.Fresh}, to)
}

// Test sends an administrator to a provider in any state; what comes back logs
// nobody in. Errors: fault.Denied, fault.Absent.
func (s *Service) Test(ctx context.Context, by access.Actor, id string) (Begun, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return Begun{}, err
	}
	p, err := s.one(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return Begun{}, err
	}
	return s.ask(ctx, p, request{Purpose: toTest, Fresh: true, AskedBy: by.ID}, Heading{})
}

// ask records the request and writes it.
func (s *Service) ask(ctx context.Context, p IdP, r request, to Heading) (Begun, error) {
	party, err := s.party(ctx)
	if err != nil {
		return Begun{}, err
	}
	cookie, now := secret.Token(), store.Instant(s.Now())
	r.ID, r.OrgID, r.IdPID, r.CookieMAC = oiosaml.NewRequestID(), p.OrgID, p.ID, s.Keys.MAC(cookiePurpose, cookie)
	r.CreatedAt, r.ExpiresAt = now, now.Add(answerWithin)
	a := oiosaml.Asking{
		ID: r.ID, Issuer: party.EntityID, Consumer: party.Consumer, ForceAuthn: r.Fresh, NameID: oiosaml.Persistent, Level: to.Level,
	}
	if to.Service != "" {
		a.For = []string{to.Service}
	}
	if p.Kind == NemLogin {
		a.LevelForm4, a.Profiles = isForm4(p.Metadata), []string{oiosaml.ProfileProfessional}
		if p.JoinBy == ByCPR {
			a.Profiles = []string{oiosaml.ProfilePerson}
		}
		a.Level = max(a.Level, oiosaml.Substantial)
	}
	a.Level = min(a.Level, p.cap())
	sent, err := party.Signing[0].Ask(p.Metadata, a, now)
	if err != nil {
		return Begun{}, err
	}
	if _, err := s.DB.NewInsert().Model(&r).Exec(ctx); err != nil {
		return Begun{}, err
	}
	return Begun{Sent: sent, Cookie: cookie}, nil
}

// Arrival is an answer that was taken in. The browser goes on to Finish with ID,
// by a request of its own, because a form posted from elsewhere brings no cookies.
type Arrival struct {
	ID   string
	Test bool
	IdP  string // provider, for the page that shows a test
}

// Answer takes an answer in: for a request of ours that waits for one, or for none
// where the provider may; believed by Check; never seen before; of our CVR number.
// Errors: fault.Denied, fault.Invalid, with codes localidp.*.
func (s *Service) Answer(ctx context.Context, samlResponse, address string) (Arrival, error) {
	a, err := oiosaml.ReadAnswer(samlResponse)
	if err != nil {
		return Arrival{}, err
	}
	r, p, err := s.origin(ctx, a)
	if err != nil {
		return Arrival{}, err
	}
	ctx = store.ForTenant(ctx, p.OrgID)
	known, err := s.check(ctx, a, r, p)
	if err != nil {
		return Arrival{}, s.refuse(ctx, p, r, known, err, address)
	}
	if err := s.arrive(ctx, p, r, known, address); err != nil {
		return Arrival{}, s.refuse(ctx, p, r, known, err, address)
	}
	return Arrival{ID: r.ID, Test: r.Purpose == toTest, IdP: p.ID}, nil
}

// origin finds the request that is answered, and the provider it went to.
func (s *Service) origin(ctx context.Context, a *oiosaml.Answer) (request, IdP, error) {
	id := a.InResponseTo()
	if id == "" {
		return s.uninvited(ctx, a)
	}
	var r request
	err := s.DB.NewSelect().Model(&r).Where("r.id = ?", id).Where("r.answered_at IS NULL").Where("r.expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, IdP{}, over()
	}
	if err != nil {
		return r, IdP{}, err
	}
	p, err := s.one(ctx, s.DB, r.OrgID, r.IdPID)
	if err == nil && r.Purpose != toTest && p.State != Active {
		err = unknown()
	}
	return r, p, err
}

func over() error {
	return fault.New(fault.Denied, "localidp.over", "This login is over, was used already, or was begun in another browser. Start again.")
}

// uninvited finds the provider of an answer that nobody asked for. Two
// organisations may share one provider; then the answer cannot say whose it is, and
// only the first that allows such logins gets them, where the CVR number decides.
func (s *Service) uninvited(ctx context.Context, a *oiosaml.Answer) (request, IdP, error) {
	var all []IdP
	err := s.DB.NewSelect().Model(&all).Where("i.entity_id = ?", a.Issuer()).Where("i.state = ?", Active).Where("i.unsolicited").Order("i.id").Limit(2).Scan(ctx)
	if err != nil {
		return request{}, IdP{}, err
	}
	if len(all) != 1 {
		return request{}, IdP{}, fault.New(fault.Denied, "localidp.unsolicited", "Your organisation's login sent you here unasked, which it is not allowed to. Start at Adgang's own login page instead.")
	}
	now := store.Instant(s.Now())
	r := request{ID: oiosaml.NewRequestID(), OrgID: all[0].OrgID, IdPID: all[0].ID, Purpose: toLogIn, CreatedAt: now, ExpiresAt: now.Add(finishWithin)}
	return r, all[0], all[0].read()
}

func (s *Service) check(ctx context.Context, a *oiosaml.Answer, r request, p IdP) (oiosaml.Vouched, error) {
	party, err := s.party(ctx)
	if err != nil {
		return oiosaml.Vouched{}, err
	}
	var by *oiosaml.Key
	expected := oiosaml.Expected{
		From: p.Metadata, Audience: party.EntityID, Consumer: party.Consumer, AskedAt: r.CreatedAt, Fresh: r.Fresh,
		Opener: oiosaml.Opener{Keys: party.Decryption, CBC: p.CBC, Notice: func(k oiosaml.Key) { by = &k }}, Skew: time.Duration(p.Skew) * time.Second,
	}
	if r.CookieMAC != nil {
		expected.InReplyTo = r.ID
	}
	k, err := a.Check(expected, s.Now())
	// The first is the active key, which everybody knows.
	if err != nil || by == nil || by.Certificate.Equal(party.Encryption[0].Certificate) {
		return k, err
	}
	return k, s.SAMLKeys.Used(ctx, partnerID(p.ID), p.OrgID, by.Certificate.Raw)
}

// Result is what an answer said, kept until it is used or shown.
type Result struct {
	NameID       oiosaml.NameID      `json:"name_id"`
	SessionIndex string              `json:"session_index"`
	SessionEnds  time.Time           `json:"session_ends"`
	Level        string              `json:"level"`  // that the login counts for, "None" for none
	Stated       string              `json:"stated"` // that the answer states, "None" for none
	Class        string              `json:"class"`
	Encrypted    bool                `json:"encrypted"`
	AuthnAt      time.Time           `json:"authn_at"`
	Attributes   map[string][]string `json:"attributes"`
	// Refusal is the fault code of why nobody would be logged in; for tests.
	Refusal  string            `json:"refusal"`
	Note     string            `json:"note"`
	Employee access.EmployeeID `json:"employee"`
}

// level is what a login counts for: what is stated, Low when nothing is, at most
// the provider's cap.
func (p IdP) level(k oiosaml.Vouched) oiosaml.Level { return min(max(k.Level, oiosaml.Low), p.cap()) }

// arrive remembers the assertion, finds the person and records both, in one
// transaction: an assertion that comes twice finds the first.
func (s *Service) arrive(ctx context.Context, p IdP, r request, k oiosaml.Vouched, address string) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []assertion{{IdPID: p.ID, ID: k.AssertionID, OrgID: p.OrgID, ExpiresAt: store.Instant(k.Until)}}, "ON CONFLICT (idp_id, assertion_id) DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Denied, "localidp.answer.replay", "This answer from your organisation's login has been used already. Log in once more.")
		}
		result := Result{
			NameID: k.NameID, SessionIndex: k.SessionIndex, SessionEnds: k.SessionEnds, Level: p.level(k).String(), Stated: k.Level.String(),
			Class: k.Class, Encrypted: k.Encrypted, AuthnAt: k.AuthnAt, Attributes: k.Attributes,
		}
		who, err := s.person(ctx, tx, p, r, k, address)
		if r.Purpose == toTest && fault.KindOf(err) == fault.Denied {
			result.Refusal, err = fault.CodeOf(err), nil
		}
		if err != nil {
			return err
		}
		result.Employee = who.ID
		text, err := json.Marshal(result)
		if err != nil {
			return err
		}
		if r.Purpose != toTest {
			r.EmployeeID = who.ID
		}
		r.Known, r.AnsweredAt = s.Keys.Seal(knownPurpose, r.ID, text), &now
		if r.CookieMAC == nil {
			_, err = tx.NewInsert().Model(&r).Exec(ctx)
		} else {
			res, updateErr := tx.NewUpdate().Model(&r).Column("known", "answered_at", "employee_id").Where("org_id = ?", r.OrgID).WherePK().Where("answered_at IS NULL").Exec(ctx)
			err = store.One(res, updateErr, "localidp.request")
		}
		if err != nil {
			return err
		}
		if r.Purpose == toTest {
			return audit.Record(ctx, tx, audit.By(access.Actor{OrgID: p.OrgID, ID: r.AskedBy, Address: address}, now, "idp.test", "idp:"+p.ID, result.Refusal))
		}
		_, err = tx.NewUpdate().Model((*IdP)(nil)).Set("last_login_at = ?", now).Set("failure = ''").Set("failure_note = ''").Set("failed_at = NULL").
			Where("org_id = ?", p.OrgID).Where("id = ?", p.ID).Exec(ctx)
		return err
	})
}

// assertion remembers one until it means nothing any more.
type assertion struct {
	bun.BaseModel `bun:"table:local_idp_assertion"`

	IdPID     string       `bun:"idp_id,pk"`
	ID        string       `bun:"assertion_id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	ExpiresAt time.Time    `bun:"expires_at"`
}

// refuse records a refused login with what the administrator needs to mend it, and
// returns why as a fault that the person may see.
func (s *Service) refuse(ctx context.Context, p IdP, r request, k oiosaml.Vouched, why error, address string) error {
	note := k.NameID.Value
	if status, ok := errors.AsType[*oiosaml.StatusError](why); ok {
		note = status.Error()
		why = statusFault(status)
	}
	if kind := fault.KindOf(why); kind == fault.Internal || kind == fault.Unavailable {
		return why
	}
	if f, ok := errors.AsType[*fault.Error](why); ok && note == "" {
		note = f.Text
	}
	now := store.Instant(s.Now())
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*IdP)(nil)).Set("failure = ?", fault.CodeOf(why)).Set("failure_note = ?", clip(note)).Set("failed_at = ?", now).
			Where("org_id = ?", p.OrgID).Where("id = ?", p.ID).Exec(ctx)
		if err != nil {
			return err
		}
		by := access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}
		return audit.Record(ctx, tx, audit.By(by, now, "idp.refuse", "idp:"+p.ID, fault.CodeOf(why)+" "+clip(note)))
	})
	if err != nil {
		return err
	}
	if r.Purpose == toTest {
		return &TestError{IdP: p.ID, Why: why}
	}
	return why
}

// TestError is a test that failed: the page of the provider shows its last failure.
type TestError struct {
	IdP string
	Why error
}

func (e *TestError) Error() string { return e.Why.Error() }

// Unwrap gives the fault.
func (e *TestError) Unwrap() error { return e.Why }

// statusFault says what a provider's refusal means to the person.
func statusFault(s *oiosaml.StatusError) error {
	switch s.Why {
	case oiosaml.NoAuthnContext:
		return fault.New(fault.Denied, "localidp.status.level", "Your organisation's login cannot log you in at the level that the service asks for.")
	case oiosaml.NoPassive, oiosaml.AuthnFailed:
		return fault.New(fault.Denied, "localidp.status.failed", "You were not logged in at your organisation's login. Try again.")
	case oiosaml.RequestDenied:
		return fault.New(fault.Denied, "localidp.status.denied", "Your organisation's login does not let you log in to Adgang. Ask your administrator.")
	}
	return fault.New(fault.Denied, "localidp.status.other", "Your organisation's login could not log you in. Your administrator can see why.")
}

func clip(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// Finished is a login that is done.
type Finished struct {
	Token string // the session's cookie
	Flow  string // login to a service that goes on, "" = none
	Next  string
	Prove bool // nobody is logged in: the person goes back to the activation
}

// Finish starts the session, in the browser that began the login. Errors:
// fault.Denied.
func (s *Service) Finish(ctx context.Context, id, cookie, address string) (Finished, error) {
	var r request
	now := store.Instant(s.Now())
	err := s.DB.NewUpdate().Model(&r).Set("finished_at = ?", now).Where("id = ?", id).
		Where("(cookie_mac IS NULL OR cookie_mac = ?)", s.Keys.MAC(cookiePurpose, cookie)).
		Where("answered_at > ?", now.Add(-finishWithin)).Where("finished_at IS NULL").Where("purpose <> ?", toTest).Returning("*").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Finished{}, over()
	}
	if err != nil {
		return Finished{}, err
	}
	if r.Purpose == toProve {
		return Finished{Prove: true, Next: r.Next}, nil
	}
	p, err := s.one(ctx, s.DB, r.OrgID, r.IdPID)
	if err != nil {
		return Finished{}, err
	}
	result, err := s.result(r)
	if err != nil {
		return Finished{}, err
	}
	var e org.Employee
	if err = allowed(ctx, s.DB, p); err == nil {
		e, err = s.standing(ctx, s.DB, p, r.EmployeeID, result.Level)
	}
	if err != nil {
		return Finished{}, s.refuse(ctx, p, r, oiosaml.Vouched{NameID: result.NameID}, err, address)
	}
	name, err := json.Marshal(result.NameID)
	if err != nil {
		return Finished{}, err
	}
	token, err := s.Session.StartOutside(ctx, e, session.Outside{
		IdPID: p.ID, Name: p.Name, Level: result.Level, NameID: string(name), SessionIndex: result.SessionIndex, Ends: result.SessionEnds,
		Begun: s.join(p, result.NameID, string(name)),
	}, address)
	return Finished{Token: token, Flow: r.Flow, Next: r.Next}, err
}

func (s *Service) result(r request) (Result, error) {
	var result Result
	text, err := s.Keys.Open(knownPurpose, r.ID, r.Known)
	if err == nil {
		err = json.Unmarshal(text, &result)
	}
	return result, err
}

// Tested shows an administrator what a test brought. Errors: fault.Denied,
// fault.Absent.
func (s *Service) Tested(ctx context.Context, by access.Actor, id, test string) (Result, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return Result{}, err
	}
	var r request
	err := s.DB.NewSelect().Model(&r).Where("r.org_id = ?", by.OrgID).Where("r.id = ?", test).Where("r.idp_id = ?", id).Where("r.purpose = ?", toTest).
		Where("r.answered_at IS NOT NULL").Where("r.expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if err != nil {
		return Result{}, store.Found(err, "localidp.test")
	}
	return s.result(r)
}

// DropRequests deletes logins that are over, and assertions that mean nothing any
// more.
func (s *Service) DropRequests(ctx context.Context) error {
	now := store.Instant(s.Now())
	if _, err := s.DB.NewDelete().Model((*request)(nil)).Where("expires_at <= ?", now).Exec(ctx); err != nil {
		return err
	}
	_, err := s.DB.NewDelete().Model((*assertion)(nil)).Where("expires_at <= ?", now).Exec(ctx)
	return err
}

// isForm4 tells whether the metadata is that of OIOSAML 4.
func isForm4(md oiosaml.Identity) bool {
	for _, e := range md.SignOn {
		if strings.Contains(e.URL, "/saml/4.0/") {
			return true
		}
	}
	return false
}
