package approval

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// State of a request.
type State string

// The states. A request is pending until one of the others, for good.
const (
	Pending   State = "pending"
	Approved  State = "approved"
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
	Failed    State = "failed" // approved, and then it could not be done
)

// Request is an act that waits, or has waited, for a second person.
type Request struct {
	bun.BaseModel `bun:"table:approval"`

	OrgID   access.OrgID `bun:"org_id,pk"`
	ID      string       `bun:"id,pk"`
	Act     string       `bun:"act"`
	Needs   access.Right `bun:"needs"`
	Object  string       `bun:"object"`  // "noun:ID", as in the audit log
	Details string       `bun:"details"` // JSON object of texts, see About
	Payload string       `bun:"payload"` // JSON of the act's type

	State     State             `bun:"state"`
	Asker     string            `bun:"asker"` // access.Actor.ID
	AskerID   access.EmployeeID `bun:"asker_id"`
	AskedAt   time.Time         `bun:"asked_at"`
	ExpiresAt time.Time         `bun:"expires_at"`
	Decider   string            `bun:"decider"`
	DecidedAt *time.Time        `bun:"decided_at"`
	// Reason is why it was rejected or failed, a sentence; Code the fault's.
	Reason string `bun:"reason"`
	Code   string `bun:"code"`
}

// About is what the second person is shown: the object, of which one request an
// act waits at a time, and what is to happen to it, in texts that the page knows.
type About struct {
	Object  string
	Details map[string]string
}

// Ask records the act when the actor's organisation demands four eyes for it and
// mails those who may approve it; otherwise it returns nil and the caller goes
// on. Commands and the system itself are not asked twice. Errors: fault.Denied;
// fault.Conflict when the same waits already or when nobody else has the right.
func (a Act[P]) Ask(ctx context.Context, tx bun.Tx, s *Service, by access.Actor, payload P, about About) (*Request, error) {
	asked, err := Demanded(ctx, tx, by.OrgID, a.Name)
	if err != nil || !asked {
		return nil, err
	}
	return a.demand(ctx, tx, s, by, payload, about)
}

// demand is Ask whatever the organisation has chosen.
func (a Act[P]) demand(ctx context.Context, tx bun.Tx, s *Service, by access.Actor, payload P, about About) (*Request, error) {
	if by.ID == access.System(by.OrgID).ID || by.ID == access.Command(by.OrgID).ID {
		return nil, nil //nolint:nilnil // nothing waits, as documented
	}
	if err := by.Need(a.Right); err != nil {
		return nil, err
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	details, err := json.Marshal(about.Details)
	if err != nil {
		return nil, err
	}
	holders, err := s.others(ctx, tx, by, a.Right)
	if err != nil {
		return nil, err
	}
	if len(holders) == 0 {
		return nil, fault.New(fault.Conflict, "approval.holders.none", "This needs a second person with the right %s, and nobody else in the organisation has it. Give the role that carries it to somebody first.", a.Right)
	}
	now := store.Instant(s.Now())
	r := Request{
		OrgID: by.OrgID, ID: store.NewID(), Act: a.Name, Needs: a.Right, Object: about.Object, Details: string(details), Payload: string(text),
		State: Pending, Asker: by.ID, AskerID: by.Employee, AskedAt: now, ExpiresAt: now.Add(Lifetime),
	}
	if err := s.expire(ctx, tx, by.OrgID, now); err != nil {
		return nil, err
	}
	n, err := store.Insert(ctx, tx, []Request{r}, "ON CONFLICT (org_id, act, object) WHERE state = 'pending' DO NOTHING")
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fault.New(fault.Conflict, "approval.request.waits", "The same waits for a second person already. Withdraw that request first, or have it decided.")
	}
	if err := audit.Record(ctx, tx, audit.By(by, now, "approval.ask", "approval:"+r.ID, a.Name+" "+about.Object)); err != nil {
		return nil, err
	}
	return &r, s.tellHolders(ctx, tx, r, by.Name, holders)
}

// others are the holders of a right but for the actor.
func (s *Service) others(ctx context.Context, db bun.IDB, by access.Actor, right access.Right) ([]Person, error) {
	all, err := s.Holders(ctx, db, by.OrgID, right)
	var others []Person
	for _, p := range all {
		if p.ID != by.Employee {
			others = append(others, p)
		}
	}
	return others, err
}

// Alone tells whether nobody but the actor holds a right, so that nobody could
// approve what it asks for.
func (s *Service) Alone(ctx context.Context, db bun.IDB, by access.Actor, right access.Right) (bool, error) {
	others, err := s.others(ctx, db, by, right)
	return len(others) == 0, err
}

// Approve does what was asked, as by, in one transaction with the decision.
// Errors: fault.Denied to whoever asked, to programs and without the right;
// fault.Absent; fault.Conflict when it is decided already, and with the code
// approval.request.failed when it can no longer be done, which ends the request.
func (s *Service) Approve(ctx context.Context, by access.Actor, id string) (Request, error) {
	r, err := s.decidable(ctx, by, id)
	if err != nil {
		return Request{}, err
	}
	route, err := s.route(r.Act)
	if err != nil {
		return Request{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := s.settle(ctx, tx, by, &r, Approved, "", ""); err != nil {
			return err
		}
		if err := s.askerMay(ctx, tx, r); err != nil {
			return err
		}
		return route.run(ctx, tx, by, r.Payload)
	})
	switch fault.KindOf(err) {
	case 0:
		return r, nil
	case fault.Unavailable, fault.Internal:
		return Request{}, err
	default:
		if fault.CodeOf(err) == "approval.request.state" { // somebody else decided
			return Request{}, err
		}
		return Request{}, s.failed(ctx, by, id, err)
	}
}

// failed ends a request whose act is refused now; the act itself has been rolled
// back. It returns what the second person is told.
func (s *Service) failed(ctx context.Context, by access.Actor, id string, cause error) error {
	told := fault.New(fault.Conflict, "approval.request.failed", "It can no longer be done: %s", sentence(cause))
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := ByID(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		return s.settle(ctx, tx, by, &r, Failed, sentence(cause), fault.CodeOf(cause))
	})
	if err != nil {
		return err
	}
	return told.Because(cause)
}

// askerMay checks that who asked is still there and still has the right; a
// program's token is not asked after.
func (s *Service) askerMay(ctx context.Context, tx bun.Tx, r Request) error {
	if r.AskerID == "" {
		return nil
	}
	holders, err := s.Holders(ctx, tx, r.OrgID, r.Needs)
	if err != nil {
		return err
	}
	for _, p := range holders {
		if p.ID == r.AskerID {
			return nil
		}
	}
	return fault.New(fault.Conflict, "approval.asker.gone", "Whoever asked for it may no longer do it.")
}

// Reject ends a request with a reason (10 to 500 characters) that is mailed to
// who asked. Errors: as Approve, and fault.Invalid for the reason.
func (s *Service) Reject(ctx context.Context, by access.Actor, id, reason string) (Request, error) {
	r, err := s.decidable(ctx, by, id)
	if err != nil {
		return Request{}, err
	}
	if reason, err = Reason(reason); err != nil {
		return Request{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.settle(ctx, tx, by, &r, Rejected, reason, "")
	})
	return r, err
}

// Withdraw ends a request by who asked. Errors: fault.Absent, fault.Denied,
// fault.Conflict when it is decided already.
func (s *Service) Withdraw(ctx context.Context, by access.Actor, id string) error {
	r, err := s.seen(ctx, by, id)
	if err != nil {
		return err
	}
	if r.Asker != by.ID {
		return fault.New(fault.Denied, "approval.withdraw.other", "Only whoever asked for it can withdraw it. Reject it instead.")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.settle(ctx, tx, by, &r, Withdrawn, "", "")
	})
}

// decidable returns a request that by may decide.
func (s *Service) decidable(ctx context.Context, by access.Actor, id string) (Request, error) {
	r, err := s.seen(ctx, by, id)
	if err != nil {
		return r, err
	}
	if err := by.Need(r.Needs); err != nil {
		return r, err
	}
	if by.Employee == "" {
		return r, fault.New(fault.Denied, "approval.decide.program", "A program cannot be the second person.")
	}
	if r.Asker == by.ID {
		return r, fault.New(fault.Denied, "approval.decide.own", "You asked for this yourself. Somebody else has to decide it.")
	}
	return r, nil
}

// settle moves a request out of pending, in r too, with audit entry and mail.
func (s *Service) settle(ctx context.Context, tx bun.Tx, by access.Actor, r *Request, to State, reason, code string) error {
	now := store.Instant(s.Now())
	decided := *r
	decided.State, decided.Decider, decided.DecidedAt, decided.Reason, decided.Code = to, by.ID, &now, reason, code
	res, err := tx.NewUpdate().Model(&decided).Column("state", "decider", "decided_at", "reason", "code").
		Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).
		Where("state = ?", Pending).Where("expires_at > ?", now).Exec(ctx)
	if err := store.One(res, err, "approval.request"); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.By(by, now, "approval."+verbs[to], "approval:"+r.ID, r.Act+" "+r.Object+note(code))); err != nil {
		return err
	}
	*r = decided
	if to == Withdrawn {
		return nil
	}
	return s.tellAsker(ctx, tx, *r)
}

func note(code string) string {
	if code == "" {
		return ""
	}
	return " " + code
}

var verbs = map[State]string{Approved: "approve", Rejected: "reject", Withdrawn: "withdraw", Expired: "expire", Failed: "fail"}
