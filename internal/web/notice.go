package web

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"
)

func (s *Server) noticeRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/me/notices", s.notices, need...)
	api.POST("/me/notices/read", s.noticesRead, need...)
	api.POST("/me/notices/:id/read", s.noticeRead, need...)
	api.GET("/letters", s.letters, need...)
	api.GET("/letters.pdf", s.lettersPDF, need...)
	api.POST("/letters/handed-over", s.lettersHandedOver, need...)
}

// notices: GET /api/v1/me/notices?lang=&cursor= -> 200 NoticeList.
func (s *Server) notices(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	all, next, err := s.Mail.Notices(ctx, by, c.QueryParam("lang"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	unread, err := s.Mail.Unread(ctx, by)
	if err != nil {
		return err
	}
	out := NoticeList{Items: []Notice{}, Next: orNull(next), Unread: unread}
	for _, n := range all {
		out.Items = append(out.Items, Notice{
			ID: n.ID, Kind: n.Kind, Subject: n.Subject, Body: n.Body, At: n.At, ReadAt: n.ReadAt, State: NoticeState(n.State),
		})
	}
	return c.JSON(http.StatusOK, out)
}

// noticeRead: POST /api/v1/me/notices/:id/read -> 204.
func (s *Server) noticeRead(c echo.Context) error {
	if err := s.Mail.Read(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// noticesRead: POST /api/v1/me/notices/read -> 204.
func (s *Server) noticesRead(c echo.Context) error {
	if err := s.Mail.ReadAll(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// letters: GET /api/v1/letters -> 200 LetterList.
func (s *Server) letters(c echo.Context) error {
	all, err := s.Mail.Letters(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := LetterList{Items: []Letter{}}
	for _, l := range all {
		out.Items = append(out.Items, Letter{ID: l.ID, Kind: l.Kind, Name: l.Name, Subject: l.Subject, EmployeeID: string(l.Employee), At: l.At})
	}
	return c.JSON(http.StatusOK, out)
}

// lettersPDF: GET /api/v1/letters.pdf -> 200 PDF.
func (s *Server) lettersPDF(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	o, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := s.Mail.PrintLetters(ctx, by, o.Name, &b); err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="letters.pdf"`)
	return c.Blob(http.StatusOK, "application/pdf", b.Bytes())
}

// lettersHandedOver: POST /api/v1/letters/handed-over {ids} -> 204.
func (s *Server) lettersHandedOver(c echo.Context) error {
	var in LettersHandedOver
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Mail.HandOver(c.Request().Context(), actor(c), in.Ids); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
