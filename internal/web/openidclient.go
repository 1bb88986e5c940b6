package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/openid"
)

// clientRegister: POST /api/v1/openid-services OpenIDService -> 201 OpenIDClient.
func (s *Server) clientRegister(c echo.Context) error {
	var in OpenIDService
	if err := bind(c, &in); err != nil {
		return err
	}
	client, _, key, err := s.OpenID.Register(c.Request().Context(), actor(c), in.Name, registration(in.Settings))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, s.openIDClient(client, key))
}

// clientShow: GET /api/v1/services/:id/openid -> 200 OpenIDClient.
func (s *Server) clientShow(c echo.Context) error {
	ctx, by, id := c.Request().Context(), actor(c), c.Param("id")
	if _, err := s.Federation.Partner(ctx, by, id); err != nil {
		return err
	}
	client, err := s.OpenID.Client(ctx, by, id)
	if fault.KindOf(err) == fault.Absent {
		client, err = openid.Client{ServiceID: id, Registration: openid.Registration{Auth: openid.BySecret}}, nil
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s.openIDClient(client, ""))
}

// clientSet: PUT /api/v1/services/:id/openid OpenIDSettings -> 200 OpenIDClient.
func (s *Server) clientSet(c echo.Context) error {
	var in OpenIDSettings
	if err := bind(c, &in); err != nil {
		return err
	}
	client, key, err := s.OpenID.Set(c.Request().Context(), actor(c), c.Param("id"), registration(in), in.Version)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s.openIDClient(client, key))
}

// clientUnset: DELETE /api/v1/services/:id/openid -> 204.
func (s *Server) clientUnset(c echo.Context) error {
	if err := s.OpenID.Unset(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// clientSecret: POST /api/v1/services/:id/openid/secret -> 200 OpenIDSecret.
func (s *Server) clientSecret(c echo.Context) error {
	key, err := s.OpenID.NewSecret(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, OpenIDSecret{Secret: key})
}

func registration(in OpenIDSettings) openid.Registration {
	out := openid.Registration{Redirects: in.Redirects, AfterLogout: in.AfterLogout, Auth: string(in.Auth), Claims: in.Claims, Refresh: in.Refresh}
	if in.Logout != nil {
		out.Logout = *in.Logout
	}
	if in.KeySet != nil {
		out.KeySet = *in.KeySet
	}
	if in.Level != nil {
		out.Level = string(*in.Level)
	}
	return out
}

func (s *Server) openIDClient(client openid.Client, key string) OpenIDClient {
	r := client.Registration
	out := OpenIDClient{
		ClientID: client.ServiceID, Issuer: s.OpenID.BaseURL, Secret: orNull(key), SecretAt: utc(client.SecretAt), Offers: []OpenIDClaim{},
		Settings: OpenIDSettings{
			Redirects: listed(r.Redirects), AfterLogout: listed(r.AfterLogout), Logout: orNull(r.Logout), Auth: OpenIDSettingsAuth(r.Auth),
			KeySet: orNull(r.KeySet), Claims: listed(r.Claims), Refresh: r.Refresh, Version: client.Version,
		},
	}
	if r.Level != "" {
		level := OpenIDSettingsLevel(r.Level)
		out.Settings.Level = &level
	}
	for _, one := range openid.Claims {
		out.Offers = append(out.Offers, OpenIDClaim{Attribute: one.Attribute, Standard: orNull(one.Standard), Scope: orNull(one.Scope)})
	}
	return out
}
