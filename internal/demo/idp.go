package demo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
)

// idpPath is where the second organisation's own login lives: a simulator, for it
// believes whoever says who they are.
const idpPath = "/demo/idp"

// The simulator's cookies: a login that is there, and one on its way.
const (
	guestCookie    = "adgang_demo_idp"
	arrivingCookie = "adgang_demo_idp_login"
)

// guest is somebody who is logged in at the simulator.
type guest struct {
	person  oiosaml.Person
	name    oiosaml.NameID // as Adgang was told
	session string         // SessionIndex
}

// idp is the simulator as an identity provider.
func (s *Service) idp() (*oiosaml.Provider, error) {
	base := s.BaseURL + idpPath
	key, err := s.keyIn("idp.pem", base+"/metadata")
	return &oiosaml.Provider{
		EntityID: base + "/metadata", SSO: base + "/sso", SLO: base + "/slo", Signing: []oiosaml.Key{key}, Encryption: []oiosaml.Key{key},
	}, err
}

// idpFor is the simulator, and Adgang as the service that it knows.
func (s *Service) idpFor(ctx context.Context) (*oiosaml.Provider, oiosaml.Metadata, error) {
	idp, err := s.idp()
	if err != nil {
		return nil, oiosaml.Metadata{}, err
	}
	document, err := s.LocalIdP.Metadata(ctx)
	if err != nil {
		return nil, oiosaml.Metadata{}, err
	}
	md, err := oiosaml.ParseMetadata(document, s.Now())
	return idp, md, err
}

// idpMetadata: GET /demo/idp/metadata -> what Adgang knows of the simulator.
func (s *Service) idpMetadata(w http.ResponseWriter, _ *http.Request) (view, error) {
	idp, err := s.idp()
	if err == nil {
		w.Header().Set("Content-Type", "application/samlmetadata+xml")
		_, err = w.Write(idp.Metadata())
	}
	return view{}, err
}

// people are those of the club whom the simulator can log in, at most ten.
func (s *Service) people(ctx context.Context) (org.Organisation, []org.Employee, error) {
	o, err := s.Org.ByCVR(ctx, club.founding.CVR)
	if err != nil {
		return o, nil, err
	}
	all, _, err := s.Org.Employees(ctx, access.Command(o.ID), org.Filter{})
	return o, all[:min(len(all), 10)], err
}

// idpFront: GET /demo/idp -> who is logged in at the simulator.
func (s *Service) idpFront(_ http.ResponseWriter, r *http.Request) (view, error) {
	g, ok := s.guests.find(cookieOf(r, guestCookie), s.Now())
	if !ok {
		return view{template: "idp.html"}, nil
	}
	return view{template: "idp.html", Data: g.person.FullName}, nil
}

// idpAsked: GET /demo/idp/sso SAMLRequest= -> the page that asks who it is, or at
// once the answer for somebody who is logged in.
func (s *Service) idpAsked(w http.ResponseWriter, r *http.Request) (view, error) {
	idp, md, err := s.idpFor(r.Context())
	if err != nil {
		return view{}, err
	}
	m, err := oiosaml.ReadRedirect(r.URL.RawQuery)
	if err != nil {
		return view{}, err
	}
	asked, err := m.Check(md, idp.SSO, s.Now())
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		return s.idpRefuse(idp, asked, refusal)
	}
	if err != nil {
		return view{}, err
	}
	if g, ok := s.guests.find(cookieOf(r, guestCookie), s.Now()); ok && !asked.ForceAuthn {
		return s.idpAnswer(w, r, asked, g.person)
	}
	if asked.IsPassive {
		return s.idpRefuse(idp, asked, &oiosaml.RefusalError{Code: oiosaml.Responder, Why: oiosaml.NoPassive, Text: "Nobody is logged in."})
	}
	_, people, err := s.people(r.Context())
	if err != nil {
		return view{}, err
	}
	http.SetCookie(w, s.cookie(arrivingCookie, idpPath, s.arriving.begin(asked, s.Now()), visitLife))
	return view{template: "idplogin.html", Data: people}, nil
}

// idpLogin: POST /demo/idp/login person= level= -> the page that posts the answer.
func (s *Service) idpLogin(w http.ResponseWriter, r *http.Request) (view, error) {
	token := cookieOf(r, arrivingCookie)
	asked, ok := s.arriving.find(token, s.Now())
	if !ok {
		return view{}, fault.New(fault.Denied, "demo.idp.unasked", "This browser is not on its way through the simulator, or for too long. Begin again.")
	}
	s.arriving.end(token)
	o, people, err := s.people(r.Context())
	if err != nil {
		return view{}, err
	}
	level := oiosaml.Low
	if r.PostFormValue("level") == "substantial" {
		level = oiosaml.Substantial
	}
	for _, e := range people {
		if string(e.ID) == r.PostFormValue("person") {
			return s.idpAnswer(w, r, asked, oiosaml.Person{
				UUID: string(e.ID), NameID: string(e.ID), FullName: e.Name(), FirstName: e.GivenName, LastName: e.Surname, Email: e.Email,
				RID: e.RIDText(), CVR: o.CVR, OrgName: o.Name, Level: level, LoginAt: s.Now(),
			})
		}
	}
	return view{}, fault.New(fault.Invalid, "demo.idp.person", "There is no such person.")
}

// idpAnswer answers for a person, who is logged in at the simulator from now on.
func (s *Service) idpAnswer(w http.ResponseWriter, r *http.Request, asked oiosaml.Request, who oiosaml.Person) (view, error) {
	idp, md, err := s.idpFor(r.Context())
	if err != nil {
		return view{}, err
	}
	reply, err := idp.Respond(asked, md, who, s.Now())
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		return s.idpRefuse(idp, asked, refusal)
	}
	if err != nil {
		return view{}, err
	}
	s.guests.end(cookieOf(r, guestCookie))
	http.SetCookie(w, s.cookie(guestCookie, idpPath, s.guests.begin(guest{who, reply.Name, reply.Assertion}, s.Now()), visitLife))
	return view{template: "idppost.html", Data: reply}, nil
}

func (s *Service) idpRefuse(idp *oiosaml.Provider, asked oiosaml.Request, why *oiosaml.RefusalError) (view, error) {
	reply, err := idp.Refuse(asked, why, s.Now())
	return view{template: "idppost.html", Data: reply}, err
}

// idpLogout: POST /demo/idp/logout -> 303 to Adgang, logged out of the simulator
// already, to be logged out of Adgang and its services too.
func (s *Service) idpLogout(w http.ResponseWriter, r *http.Request) (view, error) {
	token := cookieOf(r, guestCookie)
	g, ok := s.guests.find(token, s.Now())
	if !ok {
		http.Redirect(w, r, idpPath, http.StatusSeeOther)
		return view{}, nil
	}
	s.guests.end(token)
	idp, md, err := s.idpFor(r.Context())
	if err != nil {
		return view{}, err
	}
	to, _ := md.Party().LogoutBy(oiosaml.HTTPRedirect)
	move, err := idp.Own().AskLogout(to, oiosaml.Leaving{Name: g.name, Session: g.session, Until: s.Now().Add(5 * time.Minute)}, "", s.Now())
	if err != nil {
		return view{}, err
	}
	http.Redirect(w, r, move.URL, http.StatusSeeOther)
	return view{}, nil
}

// idpLoggedOut: GET /demo/idp/slo -> 303 to Adgang, whose wish to log the person
// out is met, or what became of a wish of ours.
func (s *Service) idpLoggedOut(w http.ResponseWriter, r *http.Request) (view, error) {
	idp, md, err := s.idpFor(r.Context())
	if err != nil {
		return view{}, err
	}
	m, err := oiosaml.ReadLogoutRedirect(r.URL.RawQuery)
	if err != nil {
		return view{}, err
	}
	if !m.Answer {
		return s.partyLogout(w, r, m, md.Party(), idp.Own(), func(wish oiosaml.LogoutRequest) {
			s.guests.endAll(func(g guest) bool { return g.name.Value == wish.NameID.Value && about(wish, g.session) })
		})
	}
	answer, err := m.Response(md.Party(), idp.Own(), s.Now())
	if err != nil {
		return view{}, err
	}
	if answer.Success() {
		return view{template: "idpleft.html", Data: leftAll}, nil
	}
	return view{template: "idpleft.html", Data: leftSome}, nil
}

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
