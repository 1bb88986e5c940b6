package federation

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/outside"
	"github.com/adgang/adgang/internal/store"
)

// StepRef names a step of a logout in work.
type StepRef struct {
	Org  access.OrgID `json:"org"`
	Step string       `json:"step"`
}

// TellKind logs a person out at one service, from server to server.
var TellKind = outbox.NewKind[StepRef]("federation.tell_logout")

// Tell does the work of a step with channel back. It may run again: a service that
// is told twice has nothing left to end. Errors: fault.Unavailable, to be tried
// again, when the service cannot be reached or its answer does not count.
func (s *Service) Tell(ctx context.Context, ref StepRef) error {
	var one Step
	err := s.DB.NewSelect().Model(&one).Where("org_id = ?", ref.Org).Where("id = ?", ref.Step).Where("state = ?", StepWaiting).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // settled meanwhile
	}
	if err == nil {
		err = s.DB.NewSelect().Model(&one.Part).Where("org_id = ?", ref.Org).Where("id = ?", one.PartID).Scan(ctx)
	}
	if err != nil {
		return err
	}
	if one.Part.Kind != SAML {
		tell := s.Elsewhere[one.Part.Kind].Tell
		if tell == nil {
			return s.settle(ctx, &one, StepFailed, NoteNone)
		}
		if err := tell(ctx, one.Part); err != nil {
			return err
		}
		return s.settle(ctx, &one, StepDone, "")
	}
	return s.tell(ctx, &one)
}

func (s *Service) tell(ctx context.Context, one *Step) error {
	p, err := s.partner(ctx, one.Part.ServiceID)
	if errors.Is(err, sql.ErrNoRows) {
		return s.settle(ctx, one, StepFailed, NoteGone)
	}
	if err != nil {
		return err
	}
	to, ok := p.party().LogoutBy(oiosaml.SOAP)
	if !ok {
		return s.settle(ctx, one, StepFailed, NoteNone)
	}
	own, err := s.own(ctx, p)
	if err != nil {
		return err
	}
	var name oiosaml.NameID
	if err := json.Unmarshal([]byte(one.Part.NameID), &name); err != nil {
		return fmt.Errorf("name of part %s: %w", one.Part.ID, err)
	}
	now := store.Instant(s.Now())
	id, envelope, err := own.LogoutEnvelope(to, oiosaml.Leaving{Name: name, Session: one.Part.SessionIndex, Until: now.Add(oiosaml.Skew), Sealing: p.party().Sealing}, now)
	if err != nil {
		return err
	}
	body, err := s.call(ctx, to.URL, envelope)
	if err != nil {
		return fault.New(fault.Unavailable, "federation.logout.unreachable", "The service %s cannot be reached to log a person out.", p.EntityID).Because(err)
	}
	m, err := oiosaml.ReadLogoutEnvelope(body)
	if err != nil {
		return fault.New(fault.Unavailable, "federation.logout.unreachable", "The service %s does not answer a logout with SAML.", p.EntityID).Because(err)
	}
	answer, err := m.Response(p.party(), own, s.Now())
	switch {
	case err != nil, answer.InResponseTo != id:
		return fault.New(fault.Unavailable, "federation.logout.unreachable", "The answer of the service %s to a logout does not count.", p.EntityID).Because(err)
	case answer.Success():
		return s.settle(ctx, one, StepDone, "")
	}
	return s.settle(ctx, one, StepFailed, NoteRefused)
}

// maxAnswer bounds what is read of a service's answer, in bytes.
const maxAnswer = 256 << 10

// call posts a SOAP envelope to an address of a service's metadata.
func (s *Service) call(ctx context.Context, address string, envelope []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(envelope))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", `"http://www.oasis-open.org/committees/security"`)
	response, err := s.outside().Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return body, err
}

// outside is the client for addresses of services, made once.
func (s *Service) outside() *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		s.client = outside.Client(s.PrivateHosts)
	}
	return s.client
}
