package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/credential"
)

// activationShow: POST /api/v1/activation/look-up {"token"} -> 200 Activation.
func (s *Server) activationShow(c echo.Context) error {
	var in ActivationToken
	if err := bind(c, &in); err != nil {
		return err
	}
	p, err := s.Credential.LookUp(c.Request().Context(), in.Token)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, Activation{
		Organisation: p.Organisation, Name: p.Name, ExpiresAt: p.ExpiresAt, TriesLeft: int(p.TriesLeft),
		KeyAlgorithm: ActivationKeyAlgorithm(p.Algorithm),
	})
}

// activationComplete: POST /api/v1/activation/certificate CertificateRequest ->
// 200 IssuedCertificate.
func (s *Server) activationComplete(c echo.Context) error {
	var in CertificateRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	issued, err := s.Credential.Activate(c.Request().Context(), in.Token, in.Code, in.Csr, c.RealIP())
	if err != nil {
		return err
	}
	out := IssuedCertificate{
		Certificate: issued.Certificate.DER, Chain: issued.Chain, Serial: string(issued.Certificate.Serial),
		NotAfter: issued.Certificate.NotAfter, FriendlyName: issued.Employee.Name(),
		RevocationCode: issued.RevocationCode,
	}
	if issued.EmailWide {
		out.EmailWide = &issued.EmailWide
	}
	return c.JSON(http.StatusOK, out)
}

// keyFileBlockOpen: POST /api/v1/key-file/block OpenBlock -> 200 OpenBlocked. It
// needs no login.
func (s *Server) keyFileBlockOpen(c echo.Context) error {
	var in OpenBlock
	if err := bind(c, &in); err != nil {
		return err
	}
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	at, err := s.Credential.BlockOpenly(c.Request().Context(), credential.OpenBlock{
		Serial: text(in.Serial), CVR: text(in.CVR), RID: text(in.RID), Code: in.Code, Reason: string(in.Reason), Address: c.RealIP(),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, OpenBlocked{BlockedAt: at})
}
