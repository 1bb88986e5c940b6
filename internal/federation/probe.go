package federation

import (
	"context"
	"net/url"
	"slices"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// Probe is one login request of a service that tries how well it reads answers. No
// person logs in by it, and nothing of it is stored.
type Probe struct {
	partner Partner
	Request oiosaml.Request
}

// Probed reads a request that p was made to send. Errors: fault.Denied and
// fault.Invalid, as Accept has them; *oiosaml.RefusalError.
func (s *Service) Probed(ctx context.Context, p Partner, m *oiosaml.Message) (Probe, error) {
	if m.Issuer() != p.EntityID {
		return Probe{}, fault.New(fault.Denied, "federation.probe.issuer", "The login request comes from %s, not from the service that is tried.", m.Issuer())
	}
	idp, err := s.idp(ctx)
	if err != nil {
		return Probe{}, err
	}
	r, err := m.CheckBy(p.Policy.terms(), p.Metadata, idp.SSO, s.Now())
	return Probe{p, r}, err
}

// Wrong answers a probe about somebody who is nobody's employee, with one flaw.
func (s *Service) Wrong(ctx context.Context, one Probe, flaw oiosaml.Flaw, who oiosaml.Person) (oiosaml.Reply, error) {
	idp, err := s.idpFor(ctx, one.partner)
	if err != nil {
		return oiosaml.Reply{}, err
	}
	return idp.RespondWrongly(flaw, one.partner.Policy.manner(), one.Request, one.partner.Metadata, who, store.Instant(s.Now()))
}

// Hosts are the hosts, with ports, that a service's metadata names as its own: of
// where answers and logouts go.
func (p *Partner) Hosts() []string {
	var all []string
	add := func(address string) {
		if u, err := url.Parse(address); err == nil && u.Host != "" && !slices.Contains(all, u.Host) {
			all = append(all, u.Host)
		}
	}
	for _, c := range p.Metadata.Consumers {
		add(c.URL)
	}
	for _, l := range p.Metadata.Logout {
		add(l.URL)
	}
	return all
}
