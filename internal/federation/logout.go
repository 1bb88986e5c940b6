package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// How long a logout may take: a service that the browser was sent to, one that is
// told from server to server while a person waits, and all of it.
const (
	stepLife   = 30 * time.Second
	tellWait   = 10 * time.Second
	logoutLife = time.Hour
)

// Why a logout began.
const (
	CauseService = "service" // a service asked
	CausePerson  = "person"  // the person logged out here
	CauseStopped = "stopped" // the employee or the key file was stopped
	CauseEnded   = "ended"   // an administrator ended the sessions
)

// States of a Logout.
const (
	LogoutRunning  = "running"
	LogoutComplete = "complete"
	LogoutPartial  = "partial"
)

// Logout is one logout on its way through the services. The sessions here have
// ended before it exists.
type Logout struct {
	bun.BaseModel `bun:"table:logout"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"` // the person's
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Cause      string            `bun:"cause"`
	Kind       string            `bun:"kind"`       // of the party that asked
	BeganBy    string            `bun:"began_by"`   // the party that asked, "" = none
	BeganName  string            `bun:"began_name"` // what it is called
	RequestID  string            `bun:"request_id"`
	Request    string            `bun:"request"` // JSON of oiosaml.LogoutRequest for SAML
	CookieMAC  []byte            `bun:"cookie_mac"`
	State      string            `bun:"state"`
	CreatedAt  time.Time         `bun:"created_at"`
	ExpiresAt  time.Time         `bun:"expires_at"`
	EndedAt    *time.Time        `bun:"ended_at"`

	behind bool // no browser carries it
}

// Channels of a Step.
const (
	front = "front" // the browser carries the messages
	back  = "back"  // from server to server
	none  = "none"  // the service takes part in no logout
)

// States of a Step.
const (
	StepWaiting = "waiting"
	StepAsked   = "asked"
	StepDone    = "done"
	StepFailed  = "failed"
)

// Why a step failed.
const (
	NoteNone    = "no_logout" // the service takes part in no logout
	NoteSilent  = "no_answer" // it did not come back in time
	NoteSkipped = "skipped"   // the person went on without it
	NoteRefused = "refused"   // it answered that it could not
	NoteGone    = "removed"   // it is no longer registered
)

// Step is one service of a logout.
type Step struct {
	bun.BaseModel `bun:"table:logout_step,alias:step"`

	ID        string       `bun:"id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	LogoutID  string       `bun:"logout_id"`
	PartID    string       `bun:"part_id"`
	Place     int64        `bun:"place"`
	Channel   string       `bun:"channel"`
	State     string       `bun:"state"`
	Note      string       `bun:"note"`
	RequestID string       `bun:"request_id"`
	Deadline  *time.Time   `bun:"deadline"`
	SettledAt *time.Time   `bun:"settled_at"`

	Part Part `bun:"-"`
}

// Turn is where a logout goes on: at Move, when it is set, else at its own page.
type Turn struct {
	Flow   string // "" = nobody else has to be logged out
	Cookie string // for the browser that carries the logout on
	Move   *oiosaml.Move
}

// LogOut ends browser sessions of the person who asks, all of them when no IDs
// are given, and begins to log the person out of the services that were entered by
// them. Errors are ours.
func (s *Service) LogOut(ctx context.Context, by access.Actor, cookie string, sessions ...string) (Turn, error) {
	if by.Employee == "" {
		return Turn{}, nil // a program has no session
	}
	return s.begin(ctx, by, Logout{OrgID: by.OrgID, EmployeeID: by.Employee, Cause: CausePerson}, cookie, sessions...)
}

// Begin is LogOut for a party of another kind that asks: l names the person, and
// the party by Kind, BeganBy, BeganName, RequestID and Request. Errors:
// fault.Denied for a request that was made before.
func (s *Service) Begin(ctx context.Context, by access.Actor, l Logout, cookie string, sessions ...string) (Turn, error) {
	l.Cause = CauseService
	return s.begin(ctx, by, l, cookie, sessions...)
}

var errReplay = fault.New(fault.Denied, "federation.logout.replay", "This logout request has been used already.")

// begin ends the sessions first, in the transaction that records whom to tell; a
// service with a server-to-server address alone is told by work that follows.
func (s *Service) begin(ctx context.Context, by access.Actor, l Logout, cookie string, sessions ...string) (Turn, error) {
	parts, err := s.liveParts(ctx, s.DB, l.OrgID, ofSessions(l.EmployeeID, sessions))
	if err != nil {
		return Turn{}, err
	}
	channels, err := s.channels(ctx, parts, !l.behind)
	if err != nil {
		return Turn{}, err
	}
	if len(cookie) != 43 {
		cookie = secret.Token()
	}
	now := store.Instant(s.Now())
	l.ID, l.State, l.CreatedAt, l.ExpiresAt = store.NewID(), LogoutRunning, now, now.Add(logoutLife)
	l.CookieMAC = s.Keys.MAC(cookiePurpose, cookie)
	if l.behind {
		l.CookieMAC, l.ExpiresAt = []byte{}, now.Add(session.Lifetime)
	}
	var others int
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		end := s.Session.EndIn
		if l.behind {
			end = s.Session.EndBehind
		}
		if err := end(ctx, tx, by, l.EmployeeID, sessions...); err != nil {
			return err
		}
		// Read again behind the lock on the sessions: what was issued meanwhile counts.
		parts, err := s.liveParts(ctx, tx, l.OrgID, ofSessions(l.EmployeeID, sessions))
		if err != nil {
			return err
		}
		if len(parts) == 0 && l.BeganBy == "" {
			return nil
		}
		n, err := store.Insert(ctx, tx, []Logout{l}, "ON CONFLICT (kind, began_by, request_id) WHERE request_id <> '' DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return errReplay
		}
		others, err = s.plan(ctx, tx, l, parts, channels)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "logout.begin", "employee:"+string(l.EmployeeID),
			fmt.Sprintf("%s, services %d", l.Cause, others)))
	})
	if err != nil || others == 0 && l.BeganBy == "" {
		return Turn{}, err
	}
	return Turn{Flow: l.ID, Cookie: cookie}, nil
}

// ofSessions finds the parts of an employee, in these sessions or in all.
func ofSessions(id access.EmployeeID, sessions []string) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		q.Where("employee_id = ?", id)
		if len(sessions) > 0 {
			q.Where("session_id IN (?)", bun.List(sessions))
		}
		return q
	}
}

// plan records a step for each part but those of the party that asked, ends the
// parts, and returns how many steps there are. Where the person logged in comes
// last; without a browser it is not asked at all, for that login is not ours to end.
func (s *Service) plan(ctx context.Context, tx bun.Tx, l Logout, parts []Part, channels map[string]string) (int, error) {
	var steps []Step
	slices.SortStableFunc(parts, func(a, b Part) int { return s.rank(a) - s.rank(b) })
	ids := make([]string, 0, len(parts))
	for _, one := range parts {
		ids = append(ids, one.ID)
		if one.Kind == l.Kind && one.ServiceID == l.BeganBy || l.behind && s.Elsewhere[one.Kind].Source {
			continue
		}
		channel := channels[one.Kind+" "+one.ServiceID]
		if channel == "" { // issued in between; the page says that it was not reached
			channel = none
		}
		step := Step{ID: store.NewID(), OrgID: l.OrgID, LogoutID: l.ID, PartID: one.ID, Place: int64(len(steps)), Channel: channel, State: StepWaiting}
		switch channel {
		case none:
			step.State, step.Note, step.SettledAt = StepFailed, NoteNone, &l.CreatedAt
		case back:
			if err := TellKind.Add(ctx, tx, l.OrgID, StepRef{l.OrgID, step.ID}, l.CreatedAt); err != nil {
				return 0, err
			}
		}
		steps = append(steps, step)
	}
	if len(steps) > 0 {
		if _, err := store.Insert(ctx, tx, steps, ""); err != nil {
			return 0, err
		}
	}
	return len(steps), endParts(ctx, tx, l.CreatedAt, l.OrgID, ids...)
}

// rank orders the parties of a logout.
func (s *Service) rank(one Part) int {
	if s.Elsewhere[one.Kind].Source {
		return 1
	}
	return 0
}

// channels says how each party is reached, by kind and ID. A browser that is
// there comes first: it also clears what the service keeps in it.
func (s *Service) channels(ctx context.Context, parts []Part, browser bool) (map[string]string, error) {
	found := map[string]string{}
	for _, one := range parts {
		key := one.Kind + " " + one.ServiceID
		if found[key] != "" {
			continue
		}
		inFront, behind, err := s.reach(ctx, one)
		switch {
		case err != nil:
			return nil, err
		case inFront && (browser || !behind):
			found[key] = front
		case behind:
			found[key] = back
		default:
			found[key] = none
		}
	}
	return found, nil
}

// reach tells whether a party can be reached by the browser, and from server to
// server.
func (s *Service) reach(ctx context.Context, one Part) (inFront, behind bool, err error) {
	if one.Kind != SAML {
		other := s.Elsewhere[one.Kind]
		behind = other.Tell != nil
		if behind && other.Reaches != nil {
			behind, err = other.Reaches(ctx, one)
		}
		return other.Ask != nil, behind, err
	}
	p, err := s.partner(ctx, one.ServiceID)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	_, inFront = p.party().LogoutBy(oiosaml.HTTPRedirect, oiosaml.HTTPPost)
	_, behind = p.party().LogoutBy(oiosaml.SOAP)
	return inFront, behind, nil
}

// partner reads a service of whatever organisation. Errors: sql.ErrNoRows.
func (s *Service) partner(ctx context.Context, id string) (Partner, error) {
	var p Partner
	err := s.DB.NewSelect().Model(&p).Where("id = ?", id).Scan(store.AcrossTenants(ctx))
	if err == nil {
		err = p.read()
	}
	return p, err
}

// TakeLogout takes in a logout message that a browser brought: a service's wish,
// or its answer to ours. cookie is the browser's flow cookie. Errors: fault.Denied
// and fault.Invalid for the person, when nobody can be answered.
func (s *Service) TakeLogout(ctx context.Context, m *oiosaml.LogoutMessage, cookie, address string) (Turn, error) {
	p, own, err := s.sender(ctx, m)
	if err != nil {
		return Turn{}, err
	}
	if m.Answer {
		flow, err := s.takeAnswer(ctx, m, p, own, address)
		return Turn{Flow: flow}, err
	}
	to, ok := p.party().LogoutBy(m.Binding, oiosaml.HTTPRedirect, oiosaml.HTTPPost)
	if !ok {
		return Turn{}, s.refusedLogout(ctx, p, fault.New(fault.Denied, "federation.logout.nowhere", "The service's metadata has no address to send the answer to. You may still be logged in: close the browser."), address)
	}
	r, err := m.Request(p.party(), own, s.Now())
	var turn Turn
	if err == nil {
		turn, err = s.Grant(ctx, wishOf(p, r), cookie, address)
	}
	refusal, ok := errors.AsType[*oiosaml.RefusalError](err)
	if !ok {
		return turn, err
	}
	move, err := own.AnswerLogout(to, r, refusal, store.Instant(s.Now()))
	if err != nil {
		return Turn{}, err
	}
	return Turn{Move: &move}, s.recordRefusal(ctx, p, refusal.Error(), address)
}

// sender finds the service that a logout message claims to come from, and who
// Adgang is to it.
func (s *Service) sender(ctx context.Context, m *oiosaml.LogoutMessage) (Partner, oiosaml.Own, error) {
	var p Partner
	err := s.DB.NewSelect().Model(&p).Where("entity_id = ?", m.Issuer()).Where("metadata <> ''").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return p, oiosaml.Own{}, fault.New(fault.Denied, "federation.logout.unknown", "The service that sent you here is not registered. You may still be logged in to it: close the browser.")
	}
	if err == nil {
		err = p.read()
	}
	if err != nil {
		return p, oiosaml.Own{}, err
	}
	own, err := s.own(ctx, p)
	return p, own, err
}

// own is Adgang in a logout with a service, signing as the service's policy wants.
func (s *Service) own(ctx context.Context, p Partner) (oiosaml.Own, error) {
	idp, err := s.idpFor(ctx, p)
	if err != nil {
		return oiosaml.Own{}, err
	}
	return idp.Own(), nil
}

// party is the service in a logout, with the clock that its policy allows.
func (p *Partner) party() oiosaml.Party {
	party := p.Metadata.Party()
	party.Skew = p.Policy.Skew()
	return party
}

// refusedLogout records a logout message that nobody is answered for.
func (s *Service) refusedLogout(ctx context.Context, p Partner, why error, address string) error {
	if k := fault.KindOf(why); k == fault.Internal || k == fault.Unavailable {
		return why
	}
	return errors.Join(why, s.recordRefusal(ctx, p, fault.CodeOf(why), address))
}

func (s *Service) recordRefusal(ctx context.Context, p Partner, note, address string) error {
	by := access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "saml.refuse", "service:"+p.ID, note))
	})
}

// Wish is a logout that a party asks for by a request that has been verified.
type Wish struct {
	Kind    string // SAML, or a key of Elsewhere
	Party   string // its ID, by the kind's own reckoning
	Name    string // what it is called
	By      string // who acts, for the audit log
	Request oiosaml.LogoutRequest
	// Behind tells that no browser brought it: services are told from server to
	// server where they can be.
	Behind bool
}

func wishOf(p Partner, r oiosaml.LogoutRequest) Wish {
	return Wish{Kind: SAML, Party: p.ID, Name: p.Name, By: "service:" + p.ID, Request: r}
}

// Grant begins the logout that a party asks for: of the sessions that it names, if
// they are its own. One that is over already is logged out. Errors:
// *oiosaml.RefusalError with what the party is to be told.
func (s *Service) Grant(ctx context.Context, w Wish, cookie, address string) (Turn, error) {
	r := w.Request
	var known []Part
	q := s.DB.NewSelect().Model(&known).Where("kind = ?", w.Kind).Where("service_id = ?", w.Party).Where("name_value = ?", r.NameID.Value)
	if len(r.Sessions) > 0 {
		q.Where("session_index IN (?)", bun.List(r.Sessions))
	}
	if err := q.Order("created_at DESC", "id DESC").Limit(maxParts).Scan(ctx); err != nil {
		return Turn{}, err
	}
	known = slices.DeleteFunc(known, func(one Part) bool { return !sameFormat(one, r.NameID) })
	if len(known) == 0 {
		return Turn{}, &oiosaml.RefusalError{Code: oiosaml.Requester, Why: oiosaml.UnknownPrincipal, Text: "The party has no session of that person here."}
	}
	request, err := json.Marshal(r)
	if err != nil {
		return Turn{}, err
	}
	var sessions []string
	for _, one := range known {
		if one.OrgID == known[0].OrgID && one.EmployeeID == known[0].EmployeeID && !slices.Contains(sessions, one.SessionID) {
			sessions = append(sessions, one.SessionID)
		}
	}
	by := access.Actor{OrgID: known[0].OrgID, ID: w.By, Name: w.Name, Address: address}
	turn, err := s.begin(ctx, by, Logout{
		OrgID: known[0].OrgID, EmployeeID: known[0].EmployeeID, Cause: CauseService, Kind: w.Kind, BeganBy: w.Party, BeganName: w.Name,
		RequestID: r.ID, Request: string(request), behind: w.Behind,
	}, cookie, sessions...)
	if errors.Is(err, errReplay) {
		err = &oiosaml.RefusalError{Code: oiosaml.Requester, Why: oiosaml.RequestDenied, Text: errReplay.Text}
	}
	return turn, err
}

// sameFormat compares the format, which a service may leave out.
func sameFormat(one Part, n oiosaml.NameID) bool {
	var given oiosaml.NameID
	if json.Unmarshal([]byte(one.NameID), &given) != nil {
		return false
	}
	return n.Format == "" || n.Format == given.Format
}

// LogOutEmployee ends every session of an employee who was stopped, and logs the
// person out of the services: those with a server-to-server address are told by
// work recorded in the same transaction; the others cannot be reached without the
// person's browser, and the logout ends as partial.
func (s *Service) LogOutEmployee(ctx context.Context, ref org.EmployeeRef) error {
	_, err := s.begin(ctx, access.System(ref.Org), Logout{OrgID: ref.Org, EmployeeID: ref.Employee, Cause: CauseStopped, behind: true}, "")
	return err
}

// LogOutKeyFile logs a person out of the services that were logged in to by a key
// file which was blocked, as LogOutEmployee does; sessions that another login began go
// on. A session that has ended here, but perhaps not at the service, counts as one by
// the key file: nobody can tell any more.
func (s *Service) LogOutKeyFile(ctx context.Context, ref credential.BlockedRef) error {
	sessions, err := s.Session.Of(ctx, ref.Org, ref.Employee)
	if err != nil {
		return err
	}
	parts, err := s.liveParts(ctx, s.DB, ref.Org, ofSessions(ref.Employee, nil))
	if err != nil {
		return err
	}
	over, others := map[string]bool{}, map[string]bool{}
	for _, one := range sessions {
		if one.Serial == ref.Serial {
			over[one.ID] = true
		} else {
			others[one.ID] = true
		}
	}
	for _, one := range parts {
		if !others[one.SessionID] {
			over[one.SessionID] = true
		}
	}
	if len(over) == 0 {
		return nil
	}
	_, err = s.begin(ctx, access.System(ref.Org), Logout{OrgID: ref.Org, EmployeeID: ref.Employee, Cause: CauseStopped, behind: true}, "",
		slices.Sorted(maps.Keys(over))...)
	return err
}
