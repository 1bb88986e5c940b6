package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
)

// rootCertificate: GET /ca/root.cer -> 200 DER.
func (s *Server) rootCertificate(c echo.Context) error {
	return s.authorityFile(c, "application/pkix-cert", "max-age=86400", s.CA.RootDER)
}

// issuingCertificate: GET /ca/issuing.cer -> 200 DER.
func (s *Server) issuingCertificate(c echo.Context) error {
	return s.authorityFile(c, "application/pkix-cert", "max-age=86400", s.CA.IssuingDER)
}

// revocationList: GET /ca/issuing.crl -> 200 DER (RFC 5280 section 5).
func (s *Server) revocationList(c echo.Context) error {
	return s.authorityFile(c, "application/pkix-crl", "max-age=60", s.CA.CRL)
}

func (s *Server) authorityFile(c echo.Context, kind, cache string, read func(context.Context) ([]byte, error)) error {
	der, err := read(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "public, "+cache)
	return c.Blob(http.StatusOK, kind, der)
}
