package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/ca"
)

// authorityRoutes serves what certificates point to. It is read over plain http
// too, see oneHost.
func (s *Server) authorityRoutes() {
	s.echo.GET("/ca/root.cer", s.rootCertificate)
	s.echo.GET("/ca/root.crl", s.rootList)
	s.echo.GET("/ca/issuing.cer", s.issuingCertificate)
	s.echo.GET("/ca/issuing.crl", s.revocationList)
	s.echo.GET("/ca/:number/issuing.cer", s.issuingCertificate)
	s.echo.GET("/ca/:number/issuing.crl", s.revocationList)
	s.echo.GET("/ca/:number/crl/:part", s.revocationPart)
}

// rootCertificate: GET /ca/root.cer -> 200 DER.
func (s *Server) rootCertificate(c echo.Context) error {
	der, err := s.CA.RootDER(c.Request().Context())
	if err != nil {
		return err
	}
	return certificateFile(c, der)
}

// rootList: GET /ca/root.crl -> 200 DER (RFC 5280 section 5).
func (s *Server) rootList(c echo.Context) error {
	list, err := s.CA.RootCRL(c.Request().Context())
	if err != nil {
		return err
	}
	return listFile(c, list)
}

// issuingCertificate: GET /ca/issuing.cer for the newest issuing CA, GET
// /ca/:number/issuing.cer for one of them -> 200 DER.
func (s *Server) issuingCertificate(c echo.Context) error {
	number, err := authorityNumber(c)
	if err != nil {
		return err
	}
	der, err := s.CA.IssuingDER(c.Request().Context(), number)
	if err != nil {
		return err
	}
	return certificateFile(c, der)
}

// revocationList: GET /ca/issuing.crl, /ca/:number/issuing.crl -> 200 DER.
func (s *Server) revocationList(c echo.Context) error {
	number, err := authorityNumber(c)
	if err != nil {
		return err
	}
	list, err := s.CA.CRL(c.Request().Context(), number)
	if err != nil {
		return err
	}
	return listFile(c, list)
}

// revocationPart: GET /ca/:number/crl/:part, the part as "17.crl" -> 200 DER.
func (s *Server) revocationPart(c echo.Context) error {
	number, err := authorityNumber(c)
	if err != nil {
		return err
	}
	name, isList := strings.CutSuffix(c.Param("part"), ".crl")
	part, err := strconv.Atoi(name)
	if err != nil || !isList || strconv.Itoa(part) != name {
		return echo.ErrNotFound
	}
	list, err := s.CA.PartCRL(c.Request().Context(), number, part)
	if err != nil {
		return err
	}
	return listFile(c, list)
}

// authorityNumber is 0 at an address without one.
func authorityNumber(c echo.Context) (int64, error) {
	text := c.Param("number")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != text {
		return 0, echo.ErrNotFound
	}
	return n, nil
}

func certificateFile(c echo.Context, der []byte) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	return c.Blob(http.StatusOK, "application/pkix-cert", der)
}

// listFile lets caches keep a list for so short a time that a block is in
// everybody's list within a minute.
func listFile(c echo.Context, list ca.RevocationList) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=30")
	h.Set("Content-Type", "application/pkix-crl")
	h.Set("ETag", fmt.Sprintf(`"%s.%d.%d"`, list.AuthorityID, list.Part, list.Number))
	http.ServeContent(c.Response(), c.Request(), "", list.ThisUpdate, bytes.NewReader(list.DER))
	return nil
}
