package federation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
)

// Report is what there is to say about metadata before it counts.
type Report struct {
	EntityID  string
	Name      string
	Consumers []string
	Contacts  []oiosaml.Contact
	Findings  []oiosaml.Finding
	// Problem is why it cannot be registered, nil when it can.
	Problem *fault.Error
	// Metadata is what was looked at.
	Metadata []byte
	// Parties are the services in metadata of several, of which one must be chosen;
	// then nothing else is said.
	Parties []Party
}

// Party is a service in metadata of several.
type Party struct {
	EntityID, Name string
}

// Review reads metadata as Register would and reports on it; nothing is kept. Where
// it is of several parties, entityID says which is meant, and "" asks for a list.
// Errors: fault.Denied only, since what is wrong with the metadata is the answer.
func (s *Service) Review(ctx context.Context, by access.Actor, metadata []byte, entityID string) (Report, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Report{}, err
	}
	out := Report{Metadata: metadata}
	one, parties, err := s.choose(metadata, entityID)
	if len(parties) > 0 {
		return Report{Parties: parties}, nil
	}
	var md oiosaml.Metadata
	if err == nil {
		out.Metadata = one
		md, err = oiosaml.ParseMetadata(one, s.Now())
	}
	if why, ok := errors.AsType[*fault.Error](err); ok {
		out.Problem = why
		return out, nil
	}
	if err != nil {
		return Report{}, err
	}
	out.EntityID, out.Name, out.Contacts, out.Findings = md.EntityID, nameOf(md), md.Contacts, md.Review(s.Now())
	for _, c := range md.Consumers {
		out.Consumers = append(out.Consumers, c.URL)
	}
	taken, err := s.DB.NewSelect().Model((*Partner)(nil)).Where("entity_id = ?", md.EntityID).Where("org_id = ?", by.OrgID).Exists(ctx)
	if taken {
		out.Findings = append([]oiosaml.Finding{{Code: "entity_id.taken", Tone: oiosaml.Warns, Value: md.EntityID}}, out.Findings...)
	}
	return out, err
}

// choose finds the service that is meant, or lists those there are to choose from.
// A document of one service needs no choice.
func (s *Service) choose(metadata []byte, entityID string) (one []byte, parties []Party, err error) {
	if entityID != "" {
		one, err = oiosaml.Pick(metadata, entityID, s.Now())
		return one, nil, err
	}
	all, err := oiosaml.Entities(metadata, s.Now())
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 1 {
		return all[0].Raw, nil, nil
	}
	for _, e := range all {
		if !e.Service {
			continue
		}
		if md, err := oiosaml.ParseMetadata(e.Raw, s.Now()); err == nil { // one that cannot be used is no choice
			parties = append(parties, Party{md.EntityID, nameOf(md)})
		}
	}
	if len(parties) == 0 {
		return nil, nil, fault.New(fault.Invalid, "federation.metadata.not_service", "The metadata describes no service provider: it needs an SPSSODescriptor for SAML 2.0.").On("metadata")
	}
	slices.SortFunc(parties, func(a, b Party) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return nil, parties, nil
}

// Fetch reads metadata from the address where a service publishes it, once.
// Errors: fault.Denied, fault.Invalid with what was wrong.
func (s *Service) Fetch(ctx context.Context, by access.Actor, address string) ([]byte, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return nil, err
	}
	return s.Feeds.Get(ctx, address)
}
