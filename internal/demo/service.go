package demo

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/crewjam/saml"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
)

// servicePath is where the business service lives.
const servicePath = "/demo/service"

// maxForm bounds what is posted to the demo, in bytes. A response has 15,000.
const maxForm = 64 << 10

// substantial is the level that the service can be made to ask for.
const (
	substantial = "https://data.gov.dk/concept/core/nsis/loa/Substantial"
	high        = "https://data.gov.dk/concept/core/nsis/loa/High"
)

// visitCookie names a visit to the service.
const visitCookie = "adgang_demo_service"

// arrival is what the service shows of a person who has logged in.
type arrival struct {
	Name       string
	NameID     string
	name       oiosaml.NameID
	session    string // SessionIndex
	Class      string // of the authentication context
	At         time.Time
	Attributes []received
	Allowed    []allowed
}

// received is an attribute of the assertion.
type received struct{ Name, Value string }

// refusal is a login that Adgang answered with a status instead of an assertion.
type refusal struct{ Status, Detail string }

// service: GET /demo/service -> a button, with why the last login failed, or who
// has logged in.
func (s *Service) service(_ http.ResponseWriter, r *http.Request) (view, error) {
	v, _ := s.visits.find(visitOf(r), s.Now())
	switch {
	case v.arrival != nil:
		return view{template: "arrival.html", Data: *v.arrival}, nil
	case v.refusal != nil:
		return view{template: "service.html", Data: *v.refusal}, nil
	case v.left != "":
		return view{template: "left.html", Data: v.left}, nil
	}
	return view{template: "service.html"}, nil
}

// metadata: GET /demo/service/metadata -> what Adgang knows of the service.
func (s *Service) metadata(w http.ResponseWriter, _ *http.Request) (view, error) {
	md, err := s.serviceMetadata()
	if err == nil {
		w.Header().Set("Content-Type", "application/samlmetadata+xml")
		_, err = w.Write(md)
	}
	return view{}, err
}

// login: GET or POST /demo/service/login level= -> 303 to Adgang with a signed AuthnRequest.
// There is no RelayState: the visit remembers what was asked.
func (s *Service) login(w http.ResponseWriter, r *http.Request) (view, error) {
	sp, err := s.provider(r.Context())
	if err != nil {
		return view{}, err
	}
	v := visit{}
	if r.FormValue("level") == "substantial" {
		v.level = substantial
		// A login that is there already may be too low: the person is asked anew.
		sp.ForceAuthn = new(true)
		sp.RequestedAuthnContext = &saml.RequestedAuthnContext{Comparison: "minimum", AuthnContextClassRef: substantial}
	}
	request, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return view{}, fmt.Errorf("make a login request: %w", err)
	}
	to, err := request.Redirect("", sp)
	if err != nil {
		return view{}, fmt.Errorf("sign a login request: %w", err)
	}
	s.visits.end(visitOf(r))
	v.request = request.ID
	s.begin(w, v)
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return view{}, nil
}

// consume: POST /demo/service/acs SAMLResponse= -> 303 to the service's page,
// logged in. Only the browser that asked may answer, and once.
func (s *Service) consume(w http.ResponseWriter, r *http.Request) (view, error) {
	token := visitOf(r)
	v, ok := s.visits.find(token, s.Now())
	if !ok || v.request == "" {
		return view{}, fault.New(fault.Denied, "demo.login.unasked", "This browser did not ask for a login, or too long ago. Begin again.")
	}
	s.visits.end(token)
	raw, err := base64.StdEncoding.DecodeString(r.PostFormValue("SAMLResponse"))
	if err == nil {
		err = guard(raw)
	}
	if err != nil {
		return view{}, fault.New(fault.Invalid, "demo.login.malformed", "The answer is not a SAML response.").Because(err)
	}
	sp, err := s.provider(r.Context())
	if err != nil {
		return view{}, err
	}
	assertion, err := sp.ParseXMLResponse(raw, []string{v.request}, sp.AcsURL)
	if err == nil {
		one := arrivalOf(assertion, s.Now())
		if v.level != "" && !slices.Contains([]string{substantial, high}, one.Class) {
			return view{}, fault.New(fault.Denied, "demo.login.level", "The answer has a lower level than the service asked for.")
		}
		s.begin(w, visit{arrival: one})
	} else {
		why, err := s.refused(r.Context(), raw, err)
		if err != nil {
			return view{}, err
		}
		s.begin(w, visit{refusal: &why})
	}
	http.Redirect(w, r, servicePath, http.StatusSeeOther)
	return view{}, nil
}

// refused returns the status that a response has instead of an assertion.
// Errors: fault.Denied for a response that does not count.
func (s *Service) refused(ctx context.Context, raw []byte, err error) (refusal, error) {
	invalid, ok := errors.AsType[*saml.InvalidResponseError](err)
	if !ok {
		return refusal{}, err
	}
	if _, ok := errors.AsType[saml.ErrBadStatus](invalid.PrivateErr); !ok {
		s.Log.WarnContext(ctx, "demo service refused a response", "err", invalid.PrivateErr)
		return refusal{}, fault.New(fault.Denied, "demo.login.invalid", "The answer is not a valid response to this login.").Because(err)
	}
	var response struct {
		Codes struct {
			Value string `xml:",attr"`
			Sub   struct {
				Value string `xml:",attr"`
			} `xml:"StatusCode"`
		} `xml:"Status>StatusCode"`
		Message string `xml:"Status>StatusMessage"`
	}
	if err := xml.Unmarshal(raw, &response); err != nil { //nolint:gosec // guard has passed it, and texts are all it can fill
		return refusal{}, err
	}
	return refusal{Status: cmp.Or(response.Codes.Sub.Value, response.Codes.Value), Detail: response.Message}, nil
}

// logout: POST /demo/service/logout -> 303 to the service's page, logged out
// here; the session at Adgang goes on.
func (s *Service) logout(w http.ResponseWriter, r *http.Request) (view, error) {
	s.visits.end(visitOf(r))
	http.SetCookie(w, s.cookie(visitCookie, servicePath, "", 0))
	http.Redirect(w, r, servicePath, http.StatusSeeOther)
	return view{}, nil
}

func (s *Service) begin(w http.ResponseWriter, v visit) {
	http.SetCookie(w, s.cookie(visitCookie, servicePath, s.visits.begin(v, s.Now()), visitLife))
}

func visitOf(r *http.Request) string { return cookieOf(r, visitCookie) }

func arrivalOf(a *saml.Assertion, now time.Time) *arrival {
	one := arrival{At: now}
	if a.Subject != nil && a.Subject.NameID != nil {
		n := a.Subject.NameID
		one.NameID = n.Value
		one.name = oiosaml.NameID{Value: n.Value, Format: n.Format, NameQualifier: n.NameQualifier, SPNameQualifier: n.SPNameQualifier}
	}
	for _, statement := range a.AuthnStatements {
		one.session = statement.SessionIndex
		if ref := statement.AuthnContext.AuthnContextClassRef; ref != nil {
			one.Class = ref.Value
		}
	}
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			for _, value := range attribute.Values {
				if attribute.Name == privilegesName {
					one.Allowed = privileges(value.Value)
					continue
				}
				one.Attributes = append(one.Attributes, received{attribute.Name, value.Value})
				if attribute.Name == fullName {
					one.Name = value.Value
				}
			}
		}
	}
	return &one
}
