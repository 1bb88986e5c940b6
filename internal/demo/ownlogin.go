package demo

import (
	"context"
	"slices"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/setting"
)

// ownLogin connects the simulator as the club's own login, opens the demo's service
// to the club, and finds again what an interrupted start has left. A simulator whose
// key was lost is given its new metadata; nothing else changes once the demo is done.
func (s *Service) ownLogin(ctx context.Context, done bool) error {
	o, err := s.Org.ByCVR(ctx, club.founding.CVR)
	if err != nil {
		return err
	}
	by := access.Command(o.ID)
	idp, err := s.idp()
	if err != nil {
		return err
	}
	all, err := s.LocalIdP.IdPs(ctx, by)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(p localidp.IdP) bool { return p.EntityID == idp.EntityID })
	if done {
		if at < 0 || all[at].Source == string(idp.Metadata()) {
			return nil
		}
		if _, err := s.LocalIdP.Propose(ctx, by, all[at].ID, idp.Metadata()); err != nil {
			return err
		}
		_, err := s.LocalIdP.Accept(ctx, by, all[at].ID)
		return err
	}
	if err := s.allow(ctx, by); err != nil {
		return err
	}
	var p localidp.IdP
	if at >= 0 {
		p = all[at]
	} else if p, err = s.LocalIdP.Register(ctx, by, localidp.Registration{Metadata: idp.Metadata()}); err != nil {
		return err
	}
	return s.connect(ctx, by, p)
}

// allow lets the club's people log in by a login of its own.
func (s *Service) allow(ctx context.Context, by access.Actor) error {
	now, err := s.Setting.Settings(ctx, by)
	if err != nil || slices.Contains(now.Authenticators, "local_idp") {
		return err
	}
	_, err = s.Setting.Change(ctx, by, now.Version, func(v *setting.Settings) { v.Authenticators = append(slices.Clone(v.Authenticators), "local_idp") })
	return err
}

// connect names the simulator for what it is and switches it on.
func (s *Service) connect(ctx context.Context, by access.Actor, p localidp.IdP) error {
	if p.State != localidp.Draft {
		return nil
	}
	terms := localidp.Terms{Name: "Fjordby Roklubs login (simulator)", JoinBy: localidp.ByUUID, Level: "Substantial", Skew: p.Skew, Version: p.Version}
	if p.Name != terms.Name {
		if _, err := s.LocalIdP.Change(ctx, by, p.ID, terms); err != nil {
			return err
		}
	}
	if _, err := s.LocalIdP.AddDomain(ctx, by, p.ID, club.host); err != nil && fault.KindOf(err) != fault.Conflict {
		return err
	}
	p, err := s.LocalIdP.IdP(ctx, by, p.ID)
	if err != nil {
		return err
	}
	for _, d := range p.Domains {
		if d.VerifiedAt != nil {
			continue
		}
		if _, err := s.LocalIdP.VerifyDomain(ctx, by, p.ID, d.ID); err != nil {
			return err
		}
	}
	return s.LocalIdP.Switch(ctx, by, p.ID, localidp.Active)
}
