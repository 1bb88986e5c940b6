package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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
	s.echo.POST("/ca/ocsp", s.statusPost)
	s.echo.GET("/ca/ocsp/*", s.statusGet)
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

// statusPost: POST /ca/ocsp, an OCSP request in DER -> 200 OCSP response (RFC
// 6960 appendix A.1).
func (s *Server) statusPost(c echo.Context) error {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != "application/ocsp-request" {
		return echo.ErrUnsupportedMediaType
	}
	// One octet more than any request may have, so that a longer one is refused.
	request, err := io.ReadAll(io.LimitReader(c.Request().Body, 8<<10+1))
	if err != nil {
		return echo.ErrBadRequest
	}
	return statusFile(c, s.CA.Status(c.Request().Context(), request), s.Now())
}

// statusGet: GET /ca/ocsp/REQUEST, in base64 with its characters escaped or not ->
// 200 OCSP response (RFC 5019 section 5).
func (s *Server) statusGet(c echo.Context) error {
	text, err := url.PathUnescape(strings.TrimPrefix(c.Request().URL.EscapedPath(), "/ca/ocsp/"))
	if err != nil {
		return echo.ErrNotFound
	}
	request, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, " ", "+"))
	if err != nil {
		request = nil // malformed, in the words of the protocol
	}
	return statusFile(c, s.CA.Status(c.Request().Context(), request), s.Now())
}

// statusFile lets caches keep a shared answer for a minute, which is how long a
// block may stay unseen behind them; others are nobody else's (RFC 5019 section 6).
func statusFile(c echo.Context, answer ca.StatusAnswer, now time.Time) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	if answer.Shared && c.Request().Method == http.MethodGet {
		sum := sha256.Sum256(answer.DER)
		h.Set("Cache-Control", "public, max-age=60, no-transform, must-revalidate")
		h.Set("Last-Modified", answer.ThisUpdate.Format(http.TimeFormat))
		h.Set("Expires", now.UTC().Add(time.Minute).Format(http.TimeFormat))
		h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	}
	return c.Blob(http.StatusOK, "application/ocsp-response", answer.DER)
}
