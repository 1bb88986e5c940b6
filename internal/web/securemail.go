package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/securemail"
)

func (s *Server) secureMailRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/secure-mail", s.secureMail, need...)
	api.PUT("/employees/:id/secure-mail", s.secureMailSet, need...)
	api.GET("/me/secure-mail", s.secureMailOwn, need...)
	api.PUT("/me/secure-mail", s.secureMailSetOwn, need...)
	api.GET("/me/archive", s.archive, need...)
	api.POST("/me/archive", s.archiveKeep, need...)
	api.GET("/me/archive/:id", s.archiveContent, need...)
	api.DELETE("/me/archive/:id", s.archiveDrop, need...)
}

// secureMail: GET /api/v1/secure-mail?carrier=&cursor= -> 200 SecureMailList.
func (s *Server) secureMail(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	lines, next, err := s.SecureMail.Lines(ctx, by, securemail.Carrier(c.QueryParam("carrier")), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	counts, err := s.SecureMail.Counts(ctx, by)
	if err != nil {
		return err
	}
	out := SecureMailList{
		Items: []SecureMailLine{}, Next: orNull(next), ClosesAt: s.SecureMail.ClosesAt, Central: counts[securemail.Central],
		Local: counts[securemail.Local], None: counts[securemail.None], Unknown: counts[securemail.Unknown],
	}
	for _, l := range lines {
		out.Items = append(out.Items, secureMailLine(l))
	}
	return c.JSON(http.StatusOK, out)
}

func secureMailLine(l securemail.Line) SecureMailLine {
	return SecureMailLine{
		ID: string(l.ID), Name: l.GivenName + " " + l.Surname, Email: l.Email, Carrier: MailCarrier(l.Carrier), Source: SecureMailLineSource(l.Source),
	}
}

// secureMailSet: PUT /api/v1/employees/:id/secure-mail {"carrier"} -> 204.
func (s *Server) secureMailSet(c echo.Context) error { return s.setCarrier(c, employeeID(c)) }

// secureMailSetOwn: PUT /api/v1/me/secure-mail {"carrier"} -> 204.
func (s *Server) secureMailSetOwn(c echo.Context) error { return s.setCarrier(c, actor(c).Employee) }

func (s *Server) setCarrier(c echo.Context, id access.EmployeeID) error {
	var in SecureMailCarrier
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.SecureMail.Set(c.Request().Context(), actor(c), id, securemail.Carrier(in.Carrier)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// secureMailOwn: GET /api/v1/me/secure-mail -> 200 OwnSecureMail.
func (s *Server) secureMailOwn(c echo.Context) error {
	by := actor(c)
	l, err := s.SecureMail.Of(c.Request().Context(), by, by.Employee)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, OwnSecureMail{
		Carrier: MailCarrier(l.Carrier), Source: OwnSecureMailSource(l.Source), ClosesAt: s.SecureMail.ClosesAt,
		Closed: s.SecureMail.ClosesAt != nil && !s.Now().Before(*s.SecureMail.ClosesAt),
	})
}

// archive: GET /api/v1/me/archive -> 200 Archive.
func (s *Server) archive(c echo.Context) error {
	files, err := s.SecureMail.Files(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := Archive{Items: []ArchiveFile{}, MaxFiles: securemail.MaxFiles, MaxSize: securemail.MaxSize}
	for _, f := range files {
		out.Items = append(out.Items, archiveFile(f))
	}
	return c.JSON(http.StatusOK, out)
}

func archiveFile(f securemail.File) ArchiveFile {
	return ArchiveFile{ID: f.ID, Label: f.Label, Size: f.Size, CreatedAt: f.CreatedAt}
}

// archiveKeep: POST /api/v1/me/archive ArchiveKeep -> 201 ArchiveFile.
func (s *Server) archiveKeep(c echo.Context) error {
	var in ArchiveKeep
	if err := bind(c, &in); err != nil {
		return err
	}
	f, err := s.SecureMail.Keep(c.Request().Context(), actor(c), in.Label, in.Content)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, archiveFile(f))
}

// archiveContent: GET /api/v1/me/archive/:id -> 200 ArchiveContent, encrypted as it
// came.
func (s *Server) archiveContent(c echo.Context) error {
	content, err := s.SecureMail.Content(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ArchiveContent{Content: content})
}

// archiveDrop: DELETE /api/v1/me/archive/:id -> 204.
func (s *Server) archiveDrop(c echo.Context) error {
	if err := s.SecureMail.Drop(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
