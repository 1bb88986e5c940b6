package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// seldom slows down those who are not logged in where guessing must not pay: a
// request each two seconds from one address, 20 at once.
func (s *Server) seldom() echo.MiddlewareFunc {
	return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
		Store: middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
			Rate: 0.5, Burst: 20, ExpiresIn: 10 * time.Minute,
		}),
		IdentifierExtractor: func(c echo.Context) (string, error) { return c.RealIP(), nil },
		DenyHandler: func(echo.Context, string, error) error {
			return echo.NewHTTPError(http.StatusTooManyRequests)
		},
	})
}

// directoryRoutes is the public directory of certificates of secure e-mail, and what
// puts one into it. Both faces share their limit.
func (s *Server) directoryRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	seldom := s.seldom()
	api.GET("/directory", s.directory, seldom)
	s.echo.GET("/ca/certs", s.directoryFile, seldom)
	api.PUT("/certificate-profiles/:id/directory", s.directoryPublish, need...)
	api.DELETE("/certificate-profiles/:id/directory", s.directoryWithdraw, need...)
}

// directory: GET /api/v1/directory?email= -> 200 Directory.
func (s *Server) directory(c echo.Context) error {
	found, err := s.Enrolment.Find(c.Request().Context(), c.QueryParam("email"))
	if err != nil {
		return err
	}
	out := Directory{Items: []DirectoryCertificate{}}
	for _, one := range found {
		out.Items = append(out.Items, DirectoryCertificate{
			Email: one.Email, Serial: string(one.Certificate.Serial), Certificate: one.Certificate.DER, Chain: one.Chain,
			NotBefore: one.Certificate.NotBefore, NotAfter: one.Certificate.NotAfter,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// directoryFile: GET /ca/certs?uri= -> 200 DER, as RFC 4387 has programs ask: its
// section 2.2 calls the address in a certificate of S/MIME "uri". How far it is
// followed: ADR 0063.
func (s *Server) directoryFile(c echo.Context) error {
	found, err := s.Enrolment.Find(c.Request().Context(), c.QueryParam("uri"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store") // a revoked one is not in it
	return c.Blob(http.StatusOK, "application/pkix-cert", found[0].Certificate.DER)
}

// directoryPublish: PUT /api/v1/certificate-profiles/:id/directory -> 204.
func (s *Server) directoryPublish(c echo.Context) error {
	if err := s.Enrolment.Publish(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// directoryWithdraw: DELETE /api/v1/certificate-profiles/:id/directory -> 204.
func (s *Server) directoryWithdraw(c echo.Context) error {
	if err := s.Enrolment.Withdraw(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
