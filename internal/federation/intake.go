package federation

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/outside"
)

// maxFetched is the largest metadata that is fetched, in bytes.
const maxFetched = 1 << 20

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
}

// Review reads metadata as Register would and reports on it; nothing is kept.
// Errors: fault.Denied only, since what is wrong with the metadata is the answer.
func (s *Service) Review(ctx context.Context, by access.Actor, metadata []byte) (Report, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Report{}, err
	}
	out := Report{Metadata: metadata}
	md, err := oiosaml.ParseMetadata(metadata, s.Now())
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

// Fetch reads metadata from the address where a service publishes it, once.
// Errors: fault.Denied, fault.Invalid with what was wrong.
func (s *Service) Fetch(ctx context.Context, by access.Actor, address string) ([]byte, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !s.PrivateHosts) || len(address) > 2000 {
		return nil, fetchFault("federation.fetch.address", "The address must be a web address that begins with https://.", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fetchFault("federation.fetch.address", "The address must be a web address that begins with https://.", err)
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	answer, err := outside.Client(s.PrivateHosts).Do(request)
	if errors.Is(err, outside.ErrInside) {
		return nil, fetchFault("federation.fetch.private", "The address lies in a private network, where Adgang does not go. Upload the metadata as a file.", err)
	}
	if err != nil {
		return nil, fetchFault("federation.fetch.unreachable", "The address does not answer. Check it, or upload the metadata as a file.", err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	if answer.StatusCode != http.StatusOK {
		return nil, fetchFault("federation.fetch.status", "The address does not answer with metadata: give the address of the file itself, without a redirect or a login.", nil)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxFetched+1))
	if err != nil || len(body) > maxFetched {
		return nil, fetchFault("federation.fetch.size", "The metadata is larger than 1 MiB or did not arrive whole.", err)
	}
	return body, nil
}

func fetchFault(code, text string, cause error) error {
	e := fault.New(fault.Invalid, code, "%s", text).On("url")
	if cause == nil {
		return e
	}
	return e.Because(cause)
}
