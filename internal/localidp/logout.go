package localidp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
)

// Part is the kind of a provider's part in a browser session.
const Part = "idp"

// Elsewhere is how a provider takes part in the logout of a session that began
// there: it is asked when the services have been (ADR 0052).
func (s *Service) Elsewhere() federation.Elsewhere {
	return federation.Elsewhere{Ask: s.askLogout, Finish: s.finishLogout, Source: true}
}

// join makes the provider part of the session that begins.
func (s *Service) join(p IdP, name oiosaml.NameID, text string) func(context.Context, bun.Tx, session.Session) error {
	return func(ctx context.Context, tx bun.Tx, one session.Session) error {
		return s.Federation.Join(ctx, tx, federation.Part{
			OrgID: one.OrgID, SessionID: one.ID, EmployeeID: one.EmployeeID, Kind: Part, ServiceID: p.ID, ServiceName: p.Name,
			NameID: text, NameValue: name.Value, SessionIndex: one.SessionIndex, ExpiresAt: one.ExpiresAt,
		})
	}
}

// party is the provider in a logout, with the clock that it is allowed.
func (p *IdP) party() oiosaml.Party {
	party := p.Metadata.Party()
	party.Skew = time.Duration(p.Skew) * time.Second
	return party
}

// askLogout writes the request that takes the browser to the provider; ok is false
// for one that takes part in no logout, or is registered no more.
func (s *Service) askLogout(ctx context.Context, one federation.Part, relay string) (move oiosaml.Move, ok bool, err error) {
	p, err := s.one(ctx, s.DB, one.OrgID, one.ServiceID)
	if fault.KindOf(err) == fault.Absent && err != nil {
		return move, false, nil //nolint:nilerr // one that is registered no more is not asked
	}
	if err != nil {
		return move, false, err
	}
	party := p.party()
	to, ok := party.LogoutBy(oiosaml.HTTPRedirect, oiosaml.HTTPPost)
	if !ok {
		return move, false, nil
	}
	var name oiosaml.NameID
	if err := json.Unmarshal([]byte(one.NameID), &name); err != nil {
		return move, false, fmt.Errorf("name of part %s: %w", one.ID, err)
	}
	us, err := s.party(ctx)
	if err != nil {
		return move, false, err
	}
	now := store.Instant(s.Now())
	move, err = us.Own().AskLogout(to, oiosaml.Leaving{Name: name, Session: one.SessionIndex, Until: now.Add(oiosaml.Skew), Sealing: party.Sealing}, relay, now)
	return move, true, err
}

// finishLogout answers the provider that began a logout; request is what it asked.
func (s *Service) finishLogout(ctx context.Context, id, request string, partial bool) (oiosaml.Move, error) {
	var r oiosaml.LogoutRequest
	if err := json.Unmarshal([]byte(request), &r); err != nil {
		return oiosaml.Move{}, fmt.Errorf("stored logout request of the provider %s: %w", id, err)
	}
	all, err := s.where(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("i.id = ?", id) })
	if err != nil {
		return oiosaml.Move{}, err
	}
	if len(all) == 0 {
		return oiosaml.Move{}, stranger()
	}
	var status *oiosaml.RefusalError
	if partial {
		status = oiosaml.Partial()
	}
	return s.answerLogout(ctx, &all[0], r, status)
}

func (s *Service) answerLogout(ctx context.Context, p *IdP, r oiosaml.LogoutRequest, why *oiosaml.RefusalError) (oiosaml.Move, error) {
	to, ok := p.party().LogoutBy(r.Binding, oiosaml.HTTPRedirect, oiosaml.HTTPPost)
	if !ok {
		return oiosaml.Move{}, stranger()
	}
	us, err := s.party(ctx)
	if err != nil {
		return oiosaml.Move{}, err
	}
	return us.Own().AnswerLogout(to, r, why, store.Instant(s.Now()))
}

// stranger is what a person is told whose provider cannot be answered.
func stranger() error {
	return fault.New(fault.Denied, "localidp.logout.unknown", "The login that sent you here is not known, or says nowhere to send an answer to. You may still be logged in: close the browser.")
}

// where reads providers of whatever organisation.
func (s *Service) where(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) ([]IdP, error) {
	var all []IdP
	err := which(s.DB.NewSelect().Model(&all)).Order("i.id").Limit(maxIdPs).Scan(store.AcrossTenants(ctx))
	for i := range all {
		err = errors.Join(err, all[i].read())
	}
	return all, err
}

// TakeLogout takes in a logout message that a browser brought: a provider's wish to
// end the sessions that began there, or its answer to ours. Several organisations
// may have registered one provider: then it is the one whose session is named.
// cookie is the browser's flow cookie. Errors: fault.Denied and fault.Invalid for
// the person, when nobody can be answered.
func (s *Service) TakeLogout(ctx context.Context, m *oiosaml.LogoutMessage, cookie, address string) (federation.Turn, error) {
	all, err := s.where(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("i.entity_id = ?", m.Issuer()).Where("i.state <> ?", Draft)
	})
	if err != nil {
		return federation.Turn{}, err
	}
	us, err := s.party(ctx)
	if err != nil {
		return federation.Turn{}, err
	}
	err = stranger()
	var turn federation.Turn
	// The provider that the message is best believed to be of, and what it is told.
	sender, why := 0, (*oiosaml.RefusalError)(nil)
	for i := range all {
		message := *m // each verifies it anew
		if m.Answer {
			turn, err = s.takeAnswer(ctx, &message, &all[i], us.Own())
		} else {
			turn, err = s.takeWish(ctx, &message, &all[i], us.Own(), cookie, address)
		}
		refusal, refused := errors.AsType[*oiosaml.RefusalError](err)
		if refused && (why == nil || refusal.Why != oiosaml.RequestDenied) {
			sender, why = i, refusal
		}
		if err == nil || !refused && fault.KindOf(err) != fault.Denied {
			return turn, err
		}
	}
	if why == nil {
		return turn, err
	}
	return s.refuseLogout(ctx, m, &all[sender], us.Own(), why, address)
}

// refuseLogout tells a provider that its request does not count.
func (s *Service) refuseLogout(ctx context.Context, m *oiosaml.LogoutMessage, p *IdP, us oiosaml.Own, why *oiosaml.RefusalError, address string) (federation.Turn, error) {
	r, err := m.Request(p.party(), us, s.Now()) // what can be answered, though it may not count
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		why = refusal
	}
	if r.ID == "" {
		return federation.Turn{}, stranger()
	}
	move, err := s.answerLogout(ctx, p, r, why)
	if err != nil {
		return federation.Turn{}, err
	}
	return federation.Turn{Move: &move}, s.recordRefusal(ctx, *p, why, address)
}

func (s *Service) takeWish(ctx context.Context, m *oiosaml.LogoutMessage, p *IdP, us oiosaml.Own, cookie, address string) (federation.Turn, error) {
	r, err := m.Request(p.party(), us, s.Now())
	if err != nil {
		return federation.Turn{}, err
	}
	return s.Federation.Grant(ctx, federation.Wish{Kind: Part, Party: p.ID, Name: p.Name, By: "idp:" + p.ID, Request: r}, cookie, address)
}

func (s *Service) takeAnswer(ctx context.Context, m *oiosaml.LogoutMessage, p *IdP, us oiosaml.Own) (federation.Turn, error) {
	r, err := m.Response(p.party(), us, s.Now())
	if err != nil {
		return federation.Turn{}, err
	}
	flow, err := s.Federation.Settle(ctx, Part, p.ID, r.InResponseTo, r.Success())
	return federation.Turn{Flow: flow}, err
}

// recordRefusal records a logout that was refused to a provider, as a login is.
func (s *Service) recordRefusal(ctx context.Context, p IdP, why *oiosaml.RefusalError, address string) error {
	by := access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}
	ctx = store.ForTenant(ctx, p.OrgID)
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "idp.refuse", "idp:"+p.ID, "logout, "+clip(why.Error())))
	})
}
