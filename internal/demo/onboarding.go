package demo

import (
	"context"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/onboarding"
)

// The demo's operator, whose set-up link is new at each start until it is used.
const (
	operatorEmail = "drift@adgang.example"
	operatorName  = "Olga Drift (fiktiv)"
)

// onboard makes applications in a few states, once, and returns the operator's
// set-up link, "" when the passkey is registered. The links of the
// applications are in the demo's mailbox.
func (s *Service) onboard(ctx context.Context, done bool) (link string, err error) {
	if s.Operator == nil || s.Onboarding == nil {
		return "", nil
	}
	_, token, err := s.Operator.Add(ctx, access.Host(), operatorEmail, operatorName)
	switch {
	case err == nil:
		link = s.BaseURL + "/operator/setup#" + token
		if err := remove(s.path("operator.link")); err != nil {
			return "", err
		}
		if err := write(s.path("operator.link"), contents([]byte(link+"\n"))); err != nil {
			return "", err
		}
	case fault.KindOf(err) != fault.Conflict:
		return "", err
	}
	if done {
		return link, nil
	}
	for _, one := range []struct {
		role        onboarding.Role
		name, email string
	}{
		{onboarding.Representative, "Inger Kringle", "inger@kringlen.example"},
		{onboarding.Reporter, "Rita Revisor", "rita@revision.example"},
	} {
		if err := s.Onboarding.Start(ctx, one.role, one.name, one.email, danish, ""); err != nil {
			return "", err
		}
	}
	return link, nil
}
