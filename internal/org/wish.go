package org

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Kinds and states of a Wish.
const (
	WishCreate    = "create"
	WishAnonymous = "anonymous"

	WishOpen     = "open"
	WishApproved = "approved"
	WishRejected = "rejected"
)

const wishPurpose secret.Purpose = "org.request"

// Wish is somebody who asks to be made an employee, or an employee who asks to
// be anonymous. What the person wrote is sealed, and erased with the decision.
type Wish struct {
	bun.BaseModel `bun:"table:employee_request"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"`
	Kind       string            `bun:"kind"`
	State      string            `bun:"state"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Sealed     []byte            `bun:"person"`
	PersonMAC  []byte            `bun:"person_mac"`
	Reason     string            `bun:"reason"`
	Answer     string            `bun:"answer"`
	DecidedBy  string            `bun:"decided_by"`
	CreatedAt  time.Time         `bun:"created_at"`
	DecidedAt  *time.Time        `bun:"decided_at"`

	// Person is who asks, while the wish is open.
	Person Person `bun:"-"`
}

func (w Wish) place() string { return string(w.OrgID) + "/" + w.ID }

func wishReason(reason string) error {
	if _, ok := form.Reason(reason, maxReason); !ok {
		return fault.New(fault.Invalid, "org.request.reason", "Say why in 10 to %d characters.", maxReason).On("reason")
	}
	return nil
}

// AskToBeCreated takes the wish of somebody outside to be made an employee of the
// organisation with a CVR number. The answer is the same whether there is such an
// organisation, whether it takes such wishes and whether the person has asked
// before: nothing can be found out by it. Errors: fault.Invalid for the person's
// own input.
func (s *Service) AskToBeCreated(ctx context.Context, cvr string, p Person, reason, address string) error {
	p = Person{GivenName: p.GivenName, Surname: p.Surname, Email: p.Email, Phone: p.Phone, Lang: p.Lang}.tidy()
	if err := p.form(); err != nil {
		return err
	}
	if p.Email == "" {
		return fault.New(fault.Invalid, "org.person.email", "This is not one plain e-mail address such as name@company.dk.").On("email")
	}
	if err := wishReason(reason); err != nil {
		return err
	}
	o, err := s.ByCVR(ctx, cvr)
	if fault.KindOf(err) == fault.Absent {
		return nil
	}
	if err != nil {
		return err
	}
	settings, err := setting.Of(ctx, s.DB, o.ID)
	if err != nil || !settings.Creation.SelfRequest {
		return err
	}
	w := Wish{ID: store.NewID(), OrgID: o.ID, Kind: WishCreate, PersonMAC: s.Keys.MAC(wishPurpose, string(o.ID), cleanWord(Fold(p.Email)))[:16], Reason: reason}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	w.Sealed = s.Keys.Seal(wishPurpose, w.place(), text)
	_, err = s.ask(ctx, access.Actor{OrgID: o.ID, ID: "anonymous", Address: address}, o, w)
	return err
}

// AskToBeAnonymous asks that services see the UUID in place of the actor's name;
// rights are kept. Errors: fault.Denied for administrators and programs,
// fault.Invalid, fault.Conflict when the organisation does not allow it, or the
// employee is anonymous or has asked already.
func (s *Service) AskToBeAnonymous(ctx context.Context, by access.Actor, reason string) error {
	if by.Employee == "" || len(by.Roles) > 0 {
		return fault.New(fault.Denied, "org.request.administrator", "Only employees without a role of administrator can ask to be anonymous.")
	}
	if err := wishReason(reason); err != nil {
		return err
	}
	settings, err := setting.Of(ctx, s.DB, by.OrgID)
	if err != nil {
		return err
	}
	if !settings.Creation.Anonymous {
		return fault.New(fault.Conflict, "org.request.not_allowed", "Your organisation does not let employees be anonymous.")
	}
	e, err := Get(ctx, s.DB, by.OrgID, by.Employee)
	if err != nil {
		return err
	}
	if e.Anonymous {
		return fault.New(fault.Conflict, "org.request.anonymous", "You are anonymous already.")
	}
	o, err := ByID(ctx, s.DB, by.OrgID)
	if err != nil {
		return err
	}
	w := Wish{
		ID: store.NewID(), OrgID: o.ID, Kind: WishAnonymous, EmployeeID: e.ID, Reason: reason,
		PersonMAC: s.Keys.MAC(wishPurpose, string(o.ID), string(e.ID))[:16],
	}
	n, err := s.ask(ctx, by, o, w)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "org.request.waits", "You have asked already, and nobody has decided yet.")
	}
	return err
}

// ask records a wish unless the same is open, and mails those who decide.
func (s *Service) ask(ctx context.Context, by access.Actor, o Organisation, w Wish) (n int64, err error) {
	w.State, w.CreatedAt = WishOpen, store.Instant(s.Now())
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err = store.Insert(ctx, tx, []Wish{w}, "ON CONFLICT (org_id, kind, person_mac) WHERE state = 'open' DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		deciders, err := Holders(ctx, tx, o.ID, access.ManageEmployees)
		if err != nil {
			return err
		}
		var drafts []mail.Draft
		for _, p := range deciders {
			drafts = append(drafts, mail.Draft{
				Org: o.ID, Employee: p.ID, Kind: mail.KindEmployeeAsked, Lang: p.Lang, Name: p.Name, Address: p.Email,
				Params: map[string]string{"organisation": o.Name, "what": w.Kind, "url": s.Mail.BaseURL + "/employees/requests"},
			})
		}
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "employee_request.create", "employee_request:"+w.ID, w.Kind))
	})
	return n, err
}

// Wishes lists those of a state, the oldest first, and the cursor of the next
// page. Errors: fault.Denied, fault.Invalid.
func (s *Service) Wishes(ctx context.Context, by access.Actor, state, cursor string) ([]Wish, string, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	if state == "" {
		state = WishOpen
	}
	var all []Wish
	q := s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).Where("state = ?", state)
	if after != nil {
		q.Where("id > ?", after[0])
	}
	if err := q.Order("id").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) > pageSize {
		all = all[:pageSize]
		next = store.Cursor(all[pageSize-1].ID)
	}
	for i := range all {
		if all[i].Person, err = s.asker(ctx, s.DB, all[i]); err != nil {
			return nil, "", err
		}
	}
	return all, next, nil
}

// asker is who made a wish.
func (s *Service) asker(ctx context.Context, db bun.IDB, w Wish) (p Person, err error) {
	if w.EmployeeID != "" {
		e, err := Get(ctx, db, w.OrgID, w.EmployeeID)
		return Person{GivenName: e.GivenName, Surname: e.Surname, Email: e.Email, Lang: e.Lang}, err
	}
	if w.Sealed == nil {
		return p, nil
	}
	text, err := s.Keys.Open(wishPurpose, w.place(), w.Sealed)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

// DecideTx closes a wish in the caller's transaction and mails the person. An
// employee who asked to be anonymous becomes so; somebody who asked to be created
// is the caller's to create, with the returned person. Errors: fault.Denied,
// fault.Absent, fault.Invalid without a reason to reject, fault.Conflict when it
// was decided.
func (s *Service) DecideTx(ctx context.Context, tx bun.Tx, by access.Actor, id string, approve bool, answer string) (Wish, error) {
	var w Wish
	if err := by.Need(access.ManageEmployees); err != nil {
		return w, err
	}
	state := WishApproved
	if !approve {
		state = WishRejected
		if err := wishReason(answer); err != nil {
			return w, err
		}
	}
	err := tx.NewSelect().Model(&w).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx)
	if err := store.Found(err, "org.request"); err != nil {
		return w, err
	}
	if w.Person, err = s.asker(ctx, tx, w); err != nil {
		return w, err
	}
	now := store.Instant(s.Now())
	res, err := tx.NewUpdate().Model((*Wish)(nil)).Set("state = ?", state).Set("answer = ?", answer).Set("decided_by = ?", by.ID).
		Set("decided_at = ?", now).Set("person = NULL").Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state = ?", WishOpen).Exec(ctx)
	if err := store.One(res, err, "org.request"); err != nil {
		return w, err
	}
	if approve && w.Kind == WishAnonymous {
		before, err := present(ctx, tx, by.OrgID, w.EmployeeID)
		if err != nil {
			return w, err
		}
		after := before
		after.Anonymous = true
		if err := s.save(ctx, tx, by, before, after, "employee.anonymise", ""); err != nil {
			return w, err
		}
	}
	if err := audit.Record(ctx, tx, audit.By(by, now, "employee_request."+map[bool]string{true: "approve", false: "reject"}[approve], "employee_request:"+id, "")); err != nil {
		return w, err
	}
	o, err := ByID(ctx, tx, by.OrgID)
	if err != nil {
		return w, err
	}
	return w, s.Mail.Queue(ctx, tx, "", mail.Draft{
		Org: o.ID, Employee: w.EmployeeID, Kind: mail.KindEmployeeAnswered, Lang: w.Person.Lang, Name: w.Person.GivenName + " " + w.Person.Surname, Address: w.Person.Email,
		Params: map[string]string{"organisation": o.Name, "what": w.Kind, "outcome": state, "reason": answer},
	})
}
