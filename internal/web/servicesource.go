package web

import (
	"crypto/x509"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
)

// serviceSource: GET /api/v1/services/:id/source -> 200 ServiceMetadata.
func (s *Server) serviceSource(c echo.Context) error {
	from, err := s.Federation.Source(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, serviceSourceOf(from))
}

// serviceSourceSet: PUT /api/v1/services/:id/source ServiceMetadataTerms -> 200
// ServiceMetadata.
func (s *Server) serviceSourceSet(c echo.Context) error {
	var in ServiceMetadataTerms
	if err := bind(c, &in); err != nil {
		return err
	}
	terms := federation.SourceTerms{URL: in.URL, Rule: string(in.Rule), Pinned: in.Pinned, Version: in.Version}
	from, err := s.Federation.SetSource(c.Request().Context(), actor(c), c.Param("id"), terms)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, serviceSourceOf(from))
}

// serviceSourceFetch: POST /api/v1/services/:id/source/fetch -> 200 ServiceMetadata.
func (s *Server) serviceSourceFetch(c echo.Context) error {
	from, err := s.Federation.FetchNow(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, serviceSourceOf(from))
}

// serviceSourceAccept: POST /api/v1/services/:id/source/accept -> 200 Service, 202
// Approval.
func (s *Server) serviceSourceAccept(c echo.Context) error {
	p, waiting, err := s.Federation.AcceptProposal(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	if waiting != nil {
		return s.doneOrWaiting(c, waiting)
	}
	return c.JSON(http.StatusOK, service(p))
}

// serviceSourceDiscard: POST /api/v1/services/:id/source/discard -> 204.
func (s *Server) serviceSourceDiscard(c echo.Context) error {
	if err := s.Federation.DiscardProposal(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func serviceSourceOf(from federation.Source) ServiceMetadata {
	out := ServiceMetadata{Rule: ServiceMetadataRule(from.Rule), Version: from.Version}
	if cert := from.Signer(); cert != nil {
		out.Signer = &metadataCertificates(oiosaml.Metadata{Signing: []*x509.Certificate{cert}}.Keys())[0]
	}
	if f := from.Feed; f != nil {
		out.URL, out.FetchedAt, out.GoodAt, out.NextAt, out.ValidUntil, out.Failure = f.URL, f.FetchedAt, f.GoodAt, &f.NextAt, f.ValidUntil, orNull(f.Failure)
		out.FailureText = orNull(f.FailureText)
	}
	if from.Difference != nil {
		out.Proposal = metadataDifference(*from.Difference, from.Notices, *from.ProposedAt)
	}
	return out
}

func metadataDifference(d oiosaml.Difference, notices []string, at time.Time) *MetadataDifference {
	out := MetadataDifference{
		ProposedAt: at, Added: metadataCertificates(d.Added), Removed: metadataCertificates(d.Removed), Kept: metadataCertificates(d.Kept),
		Changes: []MetadataChange{}, Notices: append([]string{}, notices...),
	}
	for _, one := range d.Changes {
		out.Changes = append(out.Changes, MetadataChange{What: MetadataChangeWhat(one.What), Before: one.Before, After: one.After})
	}
	return &out
}

func metadataCertificates(all []oiosaml.PartnerKey) []MetadataCertificate {
	out := []MetadataCertificate{}
	for _, c := range all {
		out = append(out, MetadataCertificate{Use: c.Use, Subject: c.Subject, Fingerprint: c.Fingerprint, NotAfter: c.NotAfter})
	}
	return out
}
