package federation

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
)

// Login is who is logged in, since when and by what.
type Login struct {
	Actor access.Actor
	At    time.Time
	// Authenticator is the NSIS level that the means of login proves, 0 = a key
	// file.
	Authenticator oiosaml.Level
	// Outside tells that an identity provider answers for who it is, too, at the
	// level of Authenticator.
	Outside bool
	Session string    // of the browser, "" = none, as in tests
	Until   time.Time // when the session ends at the latest; zero = its full length
}

// keyFileLevel is what a key file proves of itself: a key in software, behind a
// password.
const keyFileLevel = oiosaml.Low

// Asked is what a service wants of a login, by whichever face it asks.
type Asked struct {
	Context oiosaml.Context
	Subject string // whom it expects, "" = anybody
	Profile string // attribute profile of OIOSAML 4, "" = OIOSAML 3
	// Attributes are those that another face than SAML asks for; nil = what the
	// metadata says.
	Attributes []string
}

// Release is what a service is told about a person who logs in to it.
type Release struct {
	Employee   org.Employee
	Person     oiosaml.Person
	Attributes []oiosaml.Attribute
}

// Release decides whether a person may log in to a service and what the service is
// told: by organisation, standing, group, right, the person expected and the level
// asked for, in that order. Every face asks here, and the test login too. Errors:
// *oiosaml.RefusalError, with as much of the Release as there was to decide by.
func (s *Service) Release(ctx context.Context, p Partner, login Login, asked Asked) (Release, error) {
	var out Release
	usable, err := entitlement.Usable(ctx, s.DB, login.Actor.OrgID, p.ID)
	if err != nil {
		return out, err
	}
	if !usable {
		return out, no(oiosaml.RequestDenied, "organisation", "The person belongs to an organisation that has no access to this service.")
	}
	if out.Employee, err = org.Get(ctx, s.DB, login.Actor.OrgID, login.Actor.Employee); err != nil {
		return out, err
	}
	use, err := useOf(ctx, s.DB, login.Actor.OrgID, p.ID)
	if err != nil {
		return out, err
	}
	o, err := s.Org.Organisation(ctx, out.Employee.OrgID)
	if err != nil {
		return out, err
	}
	privileges, known, err := s.Rights.PrivilegesOf(ctx, s.DB, o, out.Employee.ID, p.ID)
	if err != nil {
		return out, err
	}
	out.Person = s.person(o, out.Employee, p, login)
	out.Person.Withheld, out.Person.Profile = use.Withheld, asked.Profile
	if out.Person.Profile == oiosaml.ProfessionalDKAnonymous {
		anonymise(&out.Person)
	}
	if err := s.admit(ctx, p, use, login, out.Employee, privileges); err != nil {
		return out, err
	}
	if known {
		out.Person.Privileges = list(privileges, out.Person.Level)
	}
	md := p.Metadata
	if asked.Attributes != nil {
		md.Requested = requested(asked.Attributes)
	}
	out.Attributes = out.Person.Attributes(md)
	if asked.Subject != "" && !out.is(asked.Subject) {
		return out, no(oiosaml.AuthnFailed, "subject", "Another person logged in than the one asked for.")
	}
	if _, ok := asked.Context.Class(out.Person.Level, !out.Person.Elsewhere); !ok {
		return out, no(oiosaml.NoAuthnContext, "level", "The login has the level "+out.Person.Level.String()+", which is not what was asked for.")
	}
	return out, nil
}

// no is a refusal that is not the service's fault.
func no(status, reason, text string) *oiosaml.RefusalError {
	return &oiosaml.RefusalError{Code: oiosaml.Responder, Why: status, Text: text, Reason: reason}
}

// admit checks standing, group and right.
func (s *Service) admit(ctx context.Context, p Partner, use Use, login Login, e org.Employee, held []entitlement.Privilege) error {
	if err := s.standing(ctx, e, login); err != nil {
		if why, ok := errors.AsType[*fault.Error](err); ok && why.Kind == fault.Conflict {
			return no(oiosaml.RequestDenied, "standing", why.Text)
		}
		return err
	}
	if e.State != org.Active {
		return no(oiosaml.RequestDenied, "standing", "The employee is not active.")
	}
	if len(use.Groups) > 0 {
		in, err := entitlement.InAny(ctx, s.DB, e, use.Groups)
		if err != nil {
			return err
		}
		if !in {
			return no(oiosaml.RequestDenied, "group", "The person's organisation lets only members of certain groups log in to this service.")
		}
	}
	if len(p.Policy.Rights) > 0 && !slices.ContainsFunc(held, func(one entitlement.Privilege) bool { return slices.Contains(p.Policy.Rights, one.URI) }) {
		return no(oiosaml.RequestDenied, "right", "The person holds none of the rights that the service demands.")
	}
	return nil
}

// standing is org.Standing, but for an identity provider's login at the level that
// is needed. Errors: fault.Conflict.
func (s *Service) standing(ctx context.Context, e org.Employee, login Login) error {
	err := org.Standing(ctx, s.DB, e)
	if err == nil || !login.Outside {
		return err
	}
	settings, lookErr := setting.Of(ctx, s.DB, e.OrgID)
	if lookErr != nil {
		return lookErr
	}
	if int(login.Authenticator) >= org.LevelRank(e.Needs(settings)) {
		return nil
	}
	return err
}

// person is an employee as a service may see it, before anything is withheld. The
// level is the lower of how well the person is known and how well the login proves
// that it is that person.
func (s *Service) person(o org.Organisation, e org.Employee, p Partner, login Login) oiosaml.Person {
	identity, means := oiosaml.Level(org.LevelRank(e.IdentityLevel())), login.Authenticator
	if means == 0 {
		means = keyFileLevel
	}
	if login.Outside {
		identity = means
	}
	who := oiosaml.Person{
		UUID: string(e.ID), NameID: s.nameID(e, p), FullName: e.Name(), FirstName: e.GivenName, LastName: e.Surname,
		Email: e.Email, RID: e.RIDText(), CVR: o.CVR, OrgName: o.Name, ProductionUnit: e.PNumber, SENumber: e.SENumber, BirthDate: e.DateOfBirth,
		Level: min(identity, means), Identity: identity, Authenticator: means, LoginAt: login.At, Elsewhere: login.Authenticator != 0,
	}
	if e.Anonymous { // the UUID stands for the name; the address would tell it
		anonymise(&who)
	}
	return who
}

func anonymise(who *oiosaml.Person) {
	who.FullName, who.FirstName, who.LastName, who.Email, who.BirthDate = "", "", "", "", ""
}

// list writes privileges for the wire. A right that needs a higher level than the
// login has is left out.
func list(all []entitlement.Privilege, level oiosaml.Level) string {
	all = slices.DeleteFunc(slices.Clone(all), func(one entitlement.Privilege) bool {
		return one.Level != "" && oiosaml.LevelNamed(one.Level) > level
	})
	return base64.StdEncoding.EncodeToString(entitlement.List(all))
}

// is tells whether the person is the one that a service expects, by the name
// identifier that it knows, the UUID, or the RID or address if it is told them.
func (r Release) is(subject string) bool {
	subject = strings.ToLower(strings.TrimSpace(subject))
	for _, prefix := range []string{oiosaml.NameIDPrefix, "urn:uuid:"} {
		subject = strings.TrimPrefix(subject, prefix)
	}
	known := []string{r.Person.NameID}
	for _, a := range r.Attributes {
		if oiosaml.Identifies(a.Name) {
			known = append(known, strings.ToLower(a.Value))
		}
	}
	return slices.Contains(known, subject)
}

// nameID is the UUID that only this service knows the person by: a keyed hash
// of organisation, person and service, in the form of RFC 9562 version 8.
func (s *Service) nameID(e org.Employee, p Partner) string {
	var id uuid.UUID
	copy(id[:], s.Keys.MAC(namePurpose, string(e.OrgID), string(e.ID), p.EntityID))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
