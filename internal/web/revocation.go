package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/revocation"
)

// certificateKinds: GET /api/v1/certificate-kinds -> 200 CertificateKinds.
func (s *Server) certificateKinds(c echo.Context) error {
	all, err := s.Revocation.Standings(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := CertificateKinds{Items: make([]CertificateStanding, len(all))}
	for i, st := range all {
		out.Items[i] = standingOf(st)
	}
	return c.JSON(http.StatusOK, out)
}

func standingOf(st revocation.Standing) CertificateStanding {
	return CertificateStanding{Kind: CertificateStandingKind(st.Kind), Live: st.Live, Revoking: st.Revoking}
}

// certificateKindRevoke: POST /api/v1/certificate-kinds/revoke {"kind", "reason",
// "live"} -> 200 CertificateStanding, 202 Approval where a second person must
// approve.
func (s *Server) certificateKindRevoke(c echo.Context) error {
	var in CertificateKindRevocation
	if err := bind(c, &in); err != nil {
		return err
	}
	what := revocation.Revocation{Kind: pki.Profile(in.Kind), Reason: string(in.Reason)}
	st, waiting, err := s.Revocation.Revoke(c.Request().Context(), actor(c), what, in.Live)
	if err != nil {
		return err
	}
	if waiting != nil {
		return s.approvalJSON(c, http.StatusAccepted, *waiting)
	}
	return c.JSON(http.StatusOK, standingOf(st))
}
