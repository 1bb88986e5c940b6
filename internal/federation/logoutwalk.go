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
	"github.com/adgang/adgang/internal/store"
)

// Walk is where a logout stands: Move takes the browser on, else the person sees
// the steps.
type Walk struct {
	Logout Logout
	Steps  []Step
	Move   *oiosaml.Move
	// Current is the step that is being waited for, nil when there is none.
	Current *Step
}

// Answerable tells whether somebody waits for the outcome.
func (w Walk) Answerable() bool { return w.Logout.BeganBy != "" }

func errLogoutOver() error {
	return fault.New(fault.Denied, "federation.logout.over", "This logout is over, or was begun in another browser. Close the browser to be safe.")
}

// ContinueLogout decides from what is stored how a logout goes on: to the next
// service, to the page, or, when answer is set or all has gone well, back to the
// service that asked. Errors: fault.Denied for a logout that is over or another
// browser's.
func (s *Service) ContinueLogout(ctx context.Context, flow, cookie string, answer bool) (Walk, error) {
	w, err := s.walk(ctx, flow, cookie)
	if err != nil {
		return Walk{}, err
	}
	if w.Logout.State == LogoutRunning {
		err := s.advance(ctx, &w)
		if err != nil || w.Move != nil || w.Current != nil {
			return w, err
		}
	}
	if w.Answerable() && (answer || w.Logout.State == LogoutComplete) {
		w.Move, err = s.finish(ctx, w)
	}
	return w, err
}

// Skip goes on without the service of a step that is being waited for; any other
// step stays as it is.
func (s *Service) Skip(ctx context.Context, flow, cookie, step string) error {
	w, err := s.walk(ctx, flow, cookie)
	if err != nil {
		return err
	}
	for i := range w.Steps {
		if one := &w.Steps[i]; one.ID == step && (one.State == StepAsked || one.Channel == back) {
			return s.settle(ctx, one, StepFailed, NoteSkipped)
		}
	}
	return nil
}

func (s *Service) walk(ctx context.Context, flow, cookie string) (Walk, error) {
	var w Walk
	now := store.Instant(s.Now())
	err := s.DB.NewSelect().Model(&w.Logout).Where("id = ?", flow).Where("cookie_mac = ?", s.Keys.MAC(cookiePurpose, cookie)).
		Where("expires_at > ?", now).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return w, errLogoutOver()
	}
	if err == nil {
		w.Steps, err = s.steps(ctx, w.Logout)
	}
	return w, err
}

func (s *Service) steps(ctx context.Context, l Logout) ([]Step, error) {
	var steps []Step
	if err := s.DB.NewSelect().Model(&steps).Where("org_id = ?", l.OrgID).Where("logout_id = ?", l.ID).Order("place").Scan(ctx); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(steps))
	for _, one := range steps {
		ids = append(ids, one.PartID)
	}
	var parts []Part
	if len(ids) > 0 {
		if err := s.DB.NewSelect().Model(&parts).Where("org_id = ?", l.OrgID).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
			return nil, err
		}
	}
	for i := range steps {
		at := slices.IndexFunc(parts, func(one Part) bool { return one.ID == steps[i].PartID })
		if at >= 0 {
			steps[i].Part = parts[at]
		}
	}
	return steps, nil
}

// advance takes the steps in their order: it waits for the one that was asked
// until its deadline, asks the next, and ends the logout behind the last.
func (s *Service) advance(ctx context.Context, w *Walk) error {
	now := store.Instant(s.Now())
	for i := range w.Steps {
		one := &w.Steps[i]
		if one.State == StepAsked {
			if now.Before(*one.Deadline) {
				w.Current = one
				return nil
			}
			if err := s.settle(ctx, one, StepFailed, NoteSilent); err != nil {
				return err
			}
		}
		if one.State == StepWaiting && one.Channel == front {
			move, err := s.ask(ctx, one, w.Logout.ID)
			if err != nil {
				return err
			}
			if move != nil {
				w.Move = move
				return nil
			}
		}
	}
	for i := range w.Steps {
		if one := &w.Steps[i]; one.State == StepWaiting && now.Before(w.Logout.CreatedAt.Add(tellWait)) {
			w.Current = one
			return nil
		}
	}
	return s.conclude(ctx, &w.Logout, w.Steps)
}

// ask makes the message to the step's service and records it as asked; nil when
// the service cannot be reached by a browser after all.
func (s *Service) ask(ctx context.Context, one *Step, relay string) (*oiosaml.Move, error) {
	move, ok, err := s.question(ctx, one.Part, relay)
	if err != nil {
		return nil, err
	}
	if !ok && one.Part.Kind != SAML {
		return nil, s.settle(ctx, one, StepFailed, NoteNone)
	}
	if !ok {
		return nil, s.settle(ctx, one, StepFailed, NoteGone)
	}
	deadline := store.Instant(s.Now()).Add(stepLife)
	res, err := s.DB.NewUpdate().Model((*Step)(nil)).Set("state = ?", StepAsked).Set("request_id = ?", move.ID).Set("deadline = ?", deadline).
		Where("org_id = ?", one.OrgID).Where("id = ?", one.ID).Where("state = ?", StepWaiting).Exec(ctx)
	if err := store.One(res, err, "federation.logout"); err != nil {
		return nil, err
	}
	one.State, one.RequestID, one.Deadline = StepAsked, move.ID, &deadline
	return &move, nil
}

func (s *Service) question(ctx context.Context, one Part, relay string) (oiosaml.Move, bool, error) {
	if one.Kind != SAML {
		other := s.Elsewhere[one.Kind]
		if other.Ask == nil {
			return oiosaml.Move{}, false, nil
		}
		return other.Ask(ctx, one, relay)
	}
	p, err := s.partner(ctx, one.ServiceID)
	if errors.Is(err, sql.ErrNoRows) {
		return oiosaml.Move{}, false, nil
	}
	if err != nil {
		return oiosaml.Move{}, false, err
	}
	to, ok := p.party().LogoutBy(oiosaml.HTTPRedirect, oiosaml.HTTPPost)
	if !ok {
		return oiosaml.Move{}, false, nil
	}
	own, err := s.own(ctx, p)
	if err != nil {
		return oiosaml.Move{}, false, err
	}
	var name oiosaml.NameID
	if err := json.Unmarshal([]byte(one.NameID), &name); err != nil {
		return oiosaml.Move{}, false, fmt.Errorf("name of part %s: %w", one.ID, err)
	}
	now := store.Instant(s.Now())
	move, err := own.AskLogout(to, oiosaml.Leaving{Name: name, Session: one.SessionIndex, Until: now.Add(oiosaml.Skew), Sealing: p.party().Sealing}, relay, now)
	return move, true, err
}

// takeAnswer settles the step that a service answers, and returns its logout. An
// answer that does not count leaves the step as it is: the page goes on without it.
func (s *Service) takeAnswer(ctx context.Context, m *oiosaml.LogoutMessage, p Partner, own oiosaml.Own, address string) (string, error) {
	r, err := m.Response(p.party(), own, s.Now())
	if err != nil {
		return "", s.refusedLogout(ctx, p, err, address)
	}
	return s.Settle(ctx, SAML, p.ID, r.InResponseTo, r.Success())
}

// Settle records a party's answer to the message of that ID and returns the flow
// to go on with. Errors: fault.Denied for an answer that nobody waits for.
func (s *Service) Settle(ctx context.Context, kind, party, request string, ok bool) (flow string, err error) {
	var one Step
	err = s.DB.NewSelect().Model(&one).Where("request_id = ?", request).Where("request_id <> ''").
		Where("EXISTS (SELECT 1 FROM service_session AS p WHERE p.id = step.part_id AND p.kind = ? AND p.service_id = ?)", kind, party).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errLogoutOver()
	}
	if err != nil {
		return "", err
	}
	if one.State != StepAsked {
		return one.LogoutID, nil
	}
	if ok {
		return one.LogoutID, s.settle(ctx, &one, StepDone, "")
	}
	return one.LogoutID, s.settle(ctx, &one, StepFailed, NoteRefused)
}

// settle ends a step; one that was settled meanwhile stays as it is.
func (s *Service) settle(ctx context.Context, one *Step, state, note string) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*Step)(nil)).Set("state = ?", state).Set("note = ?", note).Set("settled_at = ?", now).
			Where("org_id = ?", one.OrgID).Where("id = ?", one.ID).Where("state IN (?)", bun.List([]string{StepWaiting, StepAsked})).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		var part Part
		if err := tx.NewSelect().Model(&part).Where("org_id = ?", one.OrgID).Where("id = ?", one.PartID).Scan(ctx); err != nil {
			return err
		}
		var began time.Time
		if err := tx.NewSelect().Model((*Logout)(nil)).Column("created_at").Where("org_id = ?", one.OrgID).Where("id = ?", one.LogoutID).Scan(ctx, &began); err != nil {
			return err
		}
		one.State, one.Note, one.SettledAt = state, note, &now
		told := fmt.Sprintf("%s %s, %s after %d ms", part.Kind, part.ServiceID, state, now.Sub(began).Milliseconds())
		if note != "" {
			told += ", " + note
		}
		return audit.Record(ctx, tx, audit.By(access.System(one.OrgID), now, "logout.service", "employee:"+string(part.EmployeeID), told))
	})
}

// conclude ends a logout: complete when every service has confirmed.
func (s *Service) conclude(ctx context.Context, l *Logout, steps []Step) error {
	state := LogoutComplete
	for _, one := range steps {
		if one.State != StepDone {
			state = LogoutPartial
		}
	}
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*Logout)(nil)).Set("state = ?", state).Set("ended_at = ?", now).
			Where("org_id = ?", l.OrgID).Where("id = ?", l.ID).Where("state = ?", LogoutRunning).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		l.State, l.EndedAt = state, &now
		return audit.Record(ctx, tx, audit.By(access.System(l.OrgID), now, "logout.end", "employee:"+string(l.EmployeeID), state))
	})
}

// finish answers the party that asked.
func (s *Service) finish(ctx context.Context, w Walk) (*oiosaml.Move, error) {
	l := w.Logout
	if l.Kind != SAML {
		other := s.Elsewhere[l.Kind]
		if other.Finish == nil {
			return nil, nil //nolint:nilnil // the page stays
		}
		move, err := other.Finish(ctx, l.BeganBy, l.Request, l.State != LogoutComplete)
		if err != nil || move.URL == "" {
			return nil, err
		}
		return &move, nil
	}
	var r oiosaml.LogoutRequest
	if err := json.Unmarshal([]byte(l.Request), &r); err != nil {
		return nil, fmt.Errorf("stored request of logout %s: %w", l.ID, err)
	}
	p, err := s.partner(ctx, l.BeganBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errLogoutOver()
	}
	if err != nil {
		return nil, err
	}
	own, err := s.own(ctx, p)
	if err != nil {
		return nil, err
	}
	to, ok := p.party().LogoutBy(r.Binding, oiosaml.HTTPRedirect, oiosaml.HTTPPost)
	if !ok {
		return nil, errLogoutOver()
	}
	var status *oiosaml.RefusalError
	if l.State != LogoutComplete {
		status = oiosaml.Partial()
	}
	move, err := own.AnswerLogout(to, r, status, store.Instant(s.Now()))
	return &move, err
}

// logoutKept is how long a logout that has ended is kept for the person's dossier.
const logoutKept = 30 * 24 * time.Hour

// sweepLogouts ends the logouts that nobody carried on, and drops what is long
// over: logouts first, whose steps name parts.
func (s *Service) sweepLogouts(ctx context.Context) error {
	now := store.Instant(s.Now())
	var over []Logout
	err := s.DB.NewSelect().Model(&over).Where("state = ?", LogoutRunning).Where("expires_at <= ?", now).Order("expires_at", "id").Limit(500).Scan(ctx)
	if err != nil {
		return err
	}
	for i := range over {
		steps, err := s.steps(ctx, over[i])
		if err != nil {
			return err
		}
		for k := range steps {
			if err := s.settle(ctx, &steps[k], StepFailed, NoteSilent); err != nil {
				return err
			}
		}
		if steps, err = s.steps(ctx, over[i]); err != nil {
			return err
		}
		if err := s.conclude(ctx, &over[i], steps); err != nil {
			return err
		}
	}
	if _, err := s.DB.NewDelete().Model((*Logout)(nil)).Where("ended_at <= ?", now.Add(-logoutKept)).Exec(ctx); err != nil {
		return err
	}
	_, err = s.DB.NewDelete().Model((*Part)(nil)).Where("expires_at <= ?", now.Add(-partKept)).
		Where("NOT EXISTS (SELECT 1 FROM logout_step AS s WHERE s.part_id = part.id)").Exec(ctx)
	return err
}
