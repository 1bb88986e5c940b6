package web

import (
	"crypto/x509"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/openid"
)

func (s *Server) serviceRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/services", s.services, need...)
	api.POST("/services", s.serviceRegister, need...)
	api.GET("/services/:id", s.serviceShow, need...)
	api.PUT("/services/:id", s.serviceReplace, need...)
	api.DELETE("/services/:id", s.serviceRemove, need...)
	api.POST("/services/review", s.serviceReview, need...)
	api.GET("/services/:id/review", s.serviceReviewed, need...)
	api.GET("/services/:id/source", s.serviceSource, need...)
	api.PUT("/services/:id/source", s.serviceSourceSet, need...)
	api.POST("/services/:id/source/fetch", s.serviceSourceFetch, need...)
	api.POST("/services/:id/source/accept", s.serviceSourceAccept, need...)
	api.POST("/services/:id/source/discard", s.serviceSourceDiscard, need...)
	api.GET("/services/:id/policy", s.servicePolicy, need...)
	api.PUT("/services/:id/policy", s.servicePolicySet, need...)
	api.GET("/services/:id/use", s.serviceUse, need...)
	api.PUT("/services/:id/use", s.serviceUseSet, need...)
	api.GET("/services/:id/statistics", s.serviceStatistics, need...)
	api.GET("/services/:id/attempts", s.serviceAttempts, need...)
	api.GET("/services/:id/attempts/:attempt/:part", s.serviceMessage, need...)
	api.POST("/services/:id/test-login", s.serviceTry, need...)
	api.GET("/services/:id/conformance", s.conformanceShow, need...)
	api.PUT("/services/:id/conformance", s.conformancePlanSet, need...)
	api.POST("/services/:id/conformance/runs", s.conformanceStart, need...)
	api.GET("/services/:id/conformance/runs/:run", s.conformanceReport, need...)
}

// services: GET /api/v1/services?cursor= -> 200 ServiceList.
func (s *Server) services(c echo.Context) error {
	partners, next, err := s.Federation.Partners(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := ServiceList{Items: []Service{}, Next: orNull(next)}
	for _, p := range partners {
		out.Items = append(out.Items, service(p))
	}
	return c.JSON(http.StatusOK, out)
}

// serviceRegister: POST /api/v1/services SAML metadata -> 201 Service.
func (s *Server) serviceRegister(c echo.Context) error {
	metadata, err := xmlBody(c)
	if err != nil {
		return err
	}
	p, err := s.Federation.Register(c.Request().Context(), actor(c), metadata)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, service(p))
}

// serviceShow: GET /api/v1/services/:id -> 200 Service.
func (s *Server) serviceShow(c echo.Context) error {
	p, err := s.Federation.Partner(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, service(p))
}

// serviceReplace: PUT /api/v1/services/:id SAML metadata -> 200 Service, 202
// Approval.
func (s *Server) serviceReplace(c echo.Context) error {
	metadata, err := xmlBody(c)
	if err != nil {
		return err
	}
	p, waiting, err := s.Federation.Replace(c.Request().Context(), actor(c), c.Param("id"), metadata)
	if err != nil {
		return err
	}
	if waiting != nil {
		return s.doneOrWaiting(c, waiting)
	}
	return c.JSON(http.StatusOK, service(p))
}

// serviceRemove: DELETE /api/v1/services/:id -> 204, 202 Approval.
func (s *Server) serviceRemove(c echo.Context) error {
	waiting, err := s.Federation.Remove(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.doneOrWaiting(c, waiting)
}

func xmlBody(c echo.Context) ([]byte, error) {
	kind, _, _ := strings.Cut(c.Request().Header.Get(echo.HeaderContentType), ";")
	switch strings.TrimSpace(kind) {
	case "application/samlmetadata+xml", "application/xml", "text/xml":
	default:
		return nil, echo.ErrUnsupportedMediaType
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "federation.metadata.too_large", "The metadata is larger than 1 MiB or did not arrive whole.").On("metadata").Because(err)
	}
	return body, nil
}

func service(p federation.Partner) Service {
	out := Service{
		ID: p.ID, EntityID: p.EntityID, Name: p.Name, Saml: p.Source != "", Openid: p.Face == openid.Kind, AcsUrls: []string{}, Encrypts: len(p.Metadata.Encryption) > 0,
		Certificates: []ServiceCertificate{}, CreatedAt: p.CreatedAt, LastLoginAt: p.LastLoginAt,
	}
	for _, consumer := range p.Metadata.Consumers {
		out.AcsUrls = append(out.AcsUrls, consumer.URL)
	}
	encrypts := map[string]bool{}
	for _, r := range p.Metadata.Encryption {
		encrypts[string(r.Certificate.Raw)] = true
	}
	for _, cert := range p.Metadata.Signing {
		use := Signing
		if encrypts[string(cert.Raw)] {
			use = Both
			delete(encrypts, string(cert.Raw))
		}
		out.Certificates = append(out.Certificates, serviceCertificate(cert, use))
	}
	for _, r := range p.Metadata.Encryption {
		if encrypts[string(r.Certificate.Raw)] {
			out.Certificates = append(out.Certificates, serviceCertificate(r.Certificate, Encryption))
		}
	}
	return out
}

func serviceCertificate(cert *x509.Certificate, use ServiceCertificateUse) ServiceCertificate {
	return ServiceCertificate{Use: use, Subject: cert.Subject.String(), NotAfter: cert.NotAfter.UTC()}
}
