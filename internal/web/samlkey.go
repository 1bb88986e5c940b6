package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/samlkey"
)

func (s *Server) samlKeyRoutes(api *echo.Group, open []echo.MiddlewareFunc) {
	api.POST("/saml-keys/look-up", s.samlKeyInstallation, open...)
	api.POST("/saml-keys/installed", s.samlKeyInstalled, open...)
}

// samlKeys: GET /api/v1/operator/saml-keys -> 200 SamlKeyList.
func (s *Server) samlKeys(c echo.Context) error { return s.samlKeyList(c, http.StatusOK) }

func (s *Server) samlKeyList(c echo.Context, status int) error {
	all, err := s.SAMLKeys.States(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := SamlKeyList{Items: []SamlKey{}}
	for _, k := range all {
		end, err := k.End()
		if err != nil {
			return err
		}
		one := SamlKey{
			ID: k.ID, Use: SamlKeyUse(k.Use), Algorithm: SamlKeyAlgorithm(k.Algorithm), State: SamlKeyState(k.State),
			Fingerprint: samlkey.Fingerprint(k.Certificate), CreatedAt: k.CreatedAt, ActiveAt: k.ActiveAt, RetiringAt: k.RetiringAt,
			RetiredAt: k.RetiredAt, NotAfter: end, Partners: []SamlKeyPartner{},
		}
		for _, p := range k.Standing {
			partner := SamlKeyPartner{ID: p.ID, Name: p.Name, Contacts: append([]string{}, p.Contacts...), SeenAt: p.SeenAt}
			if p.How != "" {
				how := SamlKeyPartnerHow(p.How)
				partner.How = &how
			}
			one.Partners = append(one.Partners, partner)
		}
		out.Items = append(out.Items, one)
	}
	return c.JSON(status, out)
}

// samlKeyAnnounce: POST /api/v1/operator/saml-keys SamlKeyAnnounce -> 201 SamlKeyList.
func (s *Server) samlKeyAnnounce(c echo.Context) error {
	var in SamlKeyAnnounce
	if err := bind(c, &in); err != nil {
		return err
	}
	if _, err := s.SAMLKeys.Announce(c.Request().Context(), actor(c), string(in.Use), string(in.Algorithm)); err != nil {
		return err
	}
	return s.samlKeyList(c, http.StatusCreated)
}

// samlKeyActivate: POST /api/v1/operator/saml-keys/:id/activate {"reason"} -> 200 SamlKeyList.
func (s *Server) samlKeyActivate(c echo.Context) error {
	var in Reason
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.SAMLKeys.Activate(c.Request().Context(), actor(c), c.Param("id"), textOf(in.Reason)); err != nil {
		return err
	}
	return s.samlKeyList(c, http.StatusOK)
}

// samlKeySeen: POST /api/v1/operator/saml-keys/:id/seen {"partner"} -> 200 SamlKeyList.
func (s *Server) samlKeySeen(c echo.Context) error {
	var in SamlKeySeen
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.SAMLKeys.Vouch(c.Request().Context(), actor(c), c.Param("id"), in.Partner); err != nil {
		return err
	}
	return s.samlKeyList(c, http.StatusOK)
}

// samlKeyInstallation: POST /api/v1/saml-keys/look-up {"token"} -> 200 SamlKeyInstallation.
func (s *Server) samlKeyInstallation(c echo.Context) error {
	var in ActivationToken
	if err := bind(c, &in); err != nil {
		return err
	}
	i, err := s.SAMLKeys.Installation(c.Request().Context(), in.Token)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, samlKeyInstallation(i))
}

// samlKeyInstalled: POST /api/v1/saml-keys/installed {"token"} -> 200 SamlKeyInstallation.
func (s *Server) samlKeyInstalled(c echo.Context) error {
	var in ActivationToken
	if err := bind(c, &in); err != nil {
		return err
	}
	i, err := s.SAMLKeys.Installed(c.Request().Context(), in.Token, c.RealIP())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, samlKeyInstallation(i))
}

func samlKeyInstallation(i samlkey.Installation) SamlKeyInstallation {
	return SamlKeyInstallation{Name: i.Name, Use: SamlKeyUse(i.Use), Fingerprint: i.Fingerprint, State: i.State, Installed: i.Installed}
}

// idpMetadataFor: GET /saml/idp/metadata/:id -> 200 EntityDescriptor, to the service
// with that ID.
func (s *Server) idpMetadataFor(c echo.Context) error {
	xml, err := s.Federation.MetadataFor(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/samlmetadata+xml", xml)
}
