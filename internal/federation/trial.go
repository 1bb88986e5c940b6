package federation

import (
	"context"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// TrialWish is what a service might ask for, to be tried.
type TrialWish struct {
	Level     oiosaml.Level // at least, 0 = any
	Transient bool
	Profile   string // of OIOSAML 4, "" = OIOSAML 3
}

// Trial is what a service would get, had the person logged in to it now.
type Trial struct {
	Release
	NameID    string // as it stands in the assertion
	Format    string
	Consumer  string
	Encrypts  bool
	Assertion []byte // signed, before encryption; nil for a refusal
	Response  []byte
	Refusal   *oiosaml.RefusalError
	Reason    *Refusal
}

// Try makes the answer that the service would get about the administrator who asks,
// and sends it nowhere. Only oneself can be tried: the assertion is signed and would
// count. login must be by the caller. Errors: fault.Denied, also for a token;
// fault.Absent, fault.Invalid.
func (s *Service) Try(ctx context.Context, login Login, id string, wish TrialWish) (Trial, error) {
	by := login.Actor
	p, err := s.Partner(ctx, by, id)
	if err != nil {
		return Trial{}, err
	}
	if by.Employee == "" {
		return Trial{}, fault.New(fault.Denied, "federation.trial.person", "Only a person can try a login: log in with your own key file.")
	}
	if p.Source == "" {
		return Trial{}, fault.New(fault.Invalid, "federation.trial.saml", "The service does not speak SAML: there is no assertion to show.")
	}
	if wish.Profile != "" && !slices.Contains([]string{oiosaml.ProfessionalDK, oiosaml.ProfessionalDKAnonymous}, wish.Profile) {
		return Trial{}, fault.New(fault.Invalid, "federation.trial.profile", "There is no such attribute profile here.").On("profile")
	}
	r := oiosaml.Request{ID: "_test-login-" + store.NewID(), Service: p.EntityID, Consumer: p.Metadata.Default().URL, NameID: oiosaml.Persistent, Profile: wish.Profile}
	if wish.Transient {
		r.NameID = oiosaml.Transient
	}
	if wish.Level != 0 {
		r.Context = oiosaml.AtLeast(wish.Level)
	}
	out, err := s.trial(ctx, p, login, r)
	if err != nil {
		return Trial{}, err
	}
	return out, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "service.try", "service:"+p.ID, ""))
	})
}

func (s *Service) trial(ctx context.Context, p Partner, login Login, r oiosaml.Request) (Trial, error) {
	idp, err := s.idpFor(ctx, p)
	if err != nil {
		return Trial{}, err
	}
	out := Trial{Format: r.NameID, Consumer: r.Consumer, Encrypts: len(p.Metadata.Encryption) > 0}
	out.Release, err = s.Release(ctx, p, login, Asked{Context: r.Context, Profile: r.Profile})
	var reply oiosaml.Reply
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		out.Refusal, out.Reason = refusal, told(p, r, out.Release, refusal)
		reply, err = idp.Refuse(r, refusal, store.Instant(s.Now()))
	} else if err == nil {
		reply, err = idp.RespondIn(p.Policy.manner(), r, p.Metadata, out.Person, store.Instant(s.Now()))
	}
	if err != nil {
		return Trial{}, err
	}
	out.Assertion, out.Response, out.NameID = reply.Signed, reply.Response, reply.NameID
	return out, nil
}
