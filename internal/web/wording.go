package web

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
)

func (s *Server) wordingRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/mail-templates", s.wordings, need...)
	api.PUT("/mail-templates", s.wordingChange, need...)
	api.DELETE("/mail-templates", s.wordingReset, need...)
	api.POST("/mail-templates/preview", s.wordingPreview, need...)
	api.POST("/mail-templates/test", s.wordingTest, need...)
	api.GET("/mail-logo", s.mailLogo, need...)
	api.PUT("/mail-logo", s.mailLogoChange, need...)
	api.DELETE("/mail-logo", s.mailLogoRemove, need...)
}

// wordings: GET /api/v1/mail-templates -> 200 MailTemplateList.
func (s *Server) wordings(c echo.Context) error {
	all, err := s.Mail.Templates(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := MailTemplateList{Items: []MailTemplate{}}
	for _, t := range all {
		out.Items = append(out.Items, MailTemplate{
			Kind: t.Kind, Lang: MailTemplateLang(t.Lang), Subject: t.Subject, Body: t.Body, Own: t.Own, Muted: t.Muted,
			Personal: t.Personal, Variables: t.Variables,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// wordingChange: PUT /api/v1/mail-templates MailWording -> 204.
func (s *Server) wordingChange(c echo.Context) error {
	var in MailWording
	if err := bind(c, &in); err != nil {
		return err
	}
	err := s.Mail.Reword(c.Request().Context(), actor(c), in.Kind, string(in.Lang), mail.Wording{Subject: in.Subject, Body: in.Body})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// wordingReset: DELETE /api/v1/mail-templates?kind=&lang= -> 204.
func (s *Server) wordingReset(c echo.Context) error {
	if err := s.Mail.Reset(c.Request().Context(), actor(c), c.QueryParam("kind"), c.QueryParam("lang")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// wordingPreview: POST /api/v1/mail-templates/preview MailWording -> 200
// MailPreview.
func (s *Server) wordingPreview(c echo.Context) error {
	var in MailWording
	if err := bind(c, &in); err != nil {
		return err
	}
	ctx, by := c.Request().Context(), actor(c)
	o, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return err
	}
	subject, body, err := s.Mail.Preview(ctx, by, in.Kind, string(in.Lang), o.Name, mail.Wording{Subject: in.Subject, Body: in.Body})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, MailPreview{Subject: subject, Body: body})
}

// wordingTest: POST /api/v1/mail-templates/test {kind, lang} -> 204.
func (s *Server) wordingTest(c echo.Context) error {
	var in MailTest
	if err := bind(c, &in); err != nil {
		return err
	}
	ctx, by := c.Request().Context(), actor(c)
	o, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return err
	}
	address := ""
	if by.Employee != "" {
		e, err := s.Org.Employee(ctx, by, by.Employee)
		if err != nil {
			return err
		}
		address = e.Email
	}
	if err := s.Mail.Test(ctx, by, in.Kind, string(in.Lang), o.Name, address); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// mailLogo: GET /api/v1/mail-logo -> 200 image, 404 without one.
func (s *Server) mailLogo(c echo.Context) error {
	logo, err := s.Mail.Logo(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	if logo == nil {
		return fault.New(fault.Absent, "mail.logo.absent", "The organisation has no logo.")
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Blob(http.StatusOK, logo.MediaType, logo.Image)
}

// mailLogoChange: PUT /api/v1/mail-logo PNG or JPEG -> 204.
func (s *Server) mailLogoChange(c echo.Context) error {
	picture, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return echo.ErrStatusRequestEntityTooLarge
	}
	if err := s.Mail.SetLogo(c.Request().Context(), actor(c), picture); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// mailLogoRemove: DELETE /api/v1/mail-logo -> 204.
func (s *Server) mailLogoRemove(c echo.Context) error {
	if err := s.Mail.RemoveLogo(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
