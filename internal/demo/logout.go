package demo

import (
	"context"
	"errors"
	"net/http"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
)

// parties are the service in a logout, and Adgang as its metadata says today.
func (s *Service) parties(ctx context.Context) (own oiosaml.Own, adgang oiosaml.Party, err error) {
	key, err := s.key()
	if err != nil {
		return own, adgang, err
	}
	md, err := s.Federation.IdPMetadata(ctx)
	if err != nil {
		return own, adgang, err
	}
	p, err := oiosaml.ParseIdentity(md, s.Now())
	return oiosaml.Own{EntityID: s.entityID(), SLO: s.BaseURL + servicePath + "/slo", Key: key}, p.Party(), err
}

// logoutEverywhere: POST /demo/service/logout-everywhere -> 303 to Adgang, logged
// out here already, to be logged out everywhere.
func (s *Service) logoutEverywhere(w http.ResponseWriter, r *http.Request) (view, error) {
	v, ok := s.visits.find(visitOf(r), s.Now())
	if !ok || v.arrival == nil {
		return s.logout(w, r)
	}
	s.visits.end(visitOf(r))
	own, party, err := s.parties(r.Context())
	if err != nil {
		return view{}, err
	}
	to, _ := party.LogoutBy(oiosaml.HTTPRedirect)
	who := oiosaml.Leaving{Name: v.arrival.name, Session: v.arrival.session, Until: s.Now().Add(oiosaml.Skew)}
	move, err := own.AskLogout(to, who, "", s.Now())
	if err != nil {
		return view{}, err
	}
	s.begin(w, visit{request: move.ID})
	http.Redirect(w, r, move.URL, http.StatusSeeOther)
	return view{}, nil
}

// loggedOut: GET /demo/service/slo -> 303 to Adgang, whose wish to log the person
// out is met, or to the service's page after Adgang's answer to a wish of ours.
func (s *Service) loggedOut(w http.ResponseWriter, r *http.Request) (view, error) {
	own, party, err := s.parties(r.Context())
	if err != nil {
		return view{}, err
	}
	m, err := oiosaml.ReadLogoutRedirect(r.URL.RawQuery)
	if err != nil {
		return view{}, err
	}
	if !m.Answer {
		return s.partyLogout(w, r, m, party, own, func(wish oiosaml.LogoutRequest) {
			s.visits.endAll(func(v visit) bool {
				return v.arrival != nil && v.arrival.NameID == wish.NameID.Value && about(wish, v.arrival.session)
			})
		})
	}
	answer, err := m.Response(party, own, s.Now())
	v, ok := s.visits.find(visitOf(r), s.Now())
	if err != nil || !ok || v.request == "" || v.request != answer.InResponseTo {
		return view{}, fault.New(fault.Denied, "demo.logout.unasked", "This browser did not ask for a logout.").Because(err)
	}
	s.visits.end(visitOf(r))
	left := leftSome
	if answer.Success() {
		left = leftAll
	}
	s.begin(w, visit{left: left})
	http.Redirect(w, r, servicePath, http.StatusSeeOther)
	return view{}, nil
}

// partyLogout meets a party's wish by end and answers it. One who is logged in no
// more is logged out.
func (s *Service) partyLogout(w http.ResponseWriter, r *http.Request, m *oiosaml.LogoutMessage, party oiosaml.Party, own oiosaml.Own, end func(oiosaml.LogoutRequest)) (view, error) {
	wish, err := m.Request(party, own, s.Now())
	refusal, refused := errors.AsType[*oiosaml.RefusalError](err)
	if err != nil && !refused {
		return view{}, err
	}
	if !refused {
		end(wish)
	}
	to, ok := party.LogoutBy(oiosaml.HTTPRedirect)
	if !ok {
		return view{}, fault.New(fault.Denied, "demo.logout.nowhere", "Nowhere to send the answer to a logout.")
	}
	move, err := own.AnswerLogout(to, wish, refusal, s.Now())
	if err != nil {
		return view{}, err
	}
	http.Redirect(w, r, move.URL, http.StatusSeeOther)
	return view{}, nil
}

// about tells whether a wish is about a session: it names it, or none at all.
func about(wish oiosaml.LogoutRequest, session string) bool {
	for _, one := range wish.Sessions {
		if one == session {
			return true
		}
	}
	return len(wish.Sessions) == 0
}
