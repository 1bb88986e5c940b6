package web

import (
	"encoding/pem"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/pki"
)

func (s *Server) enrolmentRoutes(api *echo.Group, open, need []echo.MiddlewareFunc) {
	s.directoryRoutes(api, need...)
	api.GET("/certificate-profiles", s.certificateProfiles, need...)
	api.POST("/certificate-profiles", s.certificateProfileCreate, need...)
	api.GET("/certificate-profiles/:id", s.certificateProfileShow, need...)
	api.POST("/certificate-profiles/:id/orders", s.certificateRenew, need...)
	api.GET("/certificate-profiles/:id/seal-users", s.sealUsers, need...)
	api.PUT("/certificate-profiles/:id/seal-users/:person", s.sealAllow, need...)
	api.DELETE("/certificate-profiles/:id/seal-users/:person", s.sealForbid, need...)
	api.DELETE("/certificate-orders/:id", s.certificateCancel, need...)
	api.POST("/certificate-orders/:id/certificate", s.certificateIssue, need...)
	api.POST("/certificates/:id/revoke", s.certificateRevoke, append(need, s.blocking("administrator"))...)
	api.POST("/certificates/:id/revocation-code", s.certificateRecode, need...)
	api.GET("/certificate-kinds", s.certificateKinds, need...)
	api.POST("/certificate-kinds/revoke", s.certificateKindRevoke, need...)
	api.GET("/certificates/:id/file", s.certificateFile, need...)

	api.POST("/certificate-order/look-up", s.certificateOrderShow, open...)
	api.POST("/certificate-order/certificate", s.certificateFetch, open...)
	api.POST("/certificate-email/confirm", s.certificateEmailConfirm, open...)
}

// certificateProfiles: GET /api/v1/certificate-profiles?cursor= -> 200
// CertificateProfileList.
func (s *Server) certificateProfiles(c echo.Context) error {
	lines, next, err := s.Enrolment.Profiles(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := CertificateProfileList{Items: []CertificateProfile{}, Next: orNull(next)}
	for _, l := range lines {
		out.Items = append(out.Items, profileLine(l))
	}
	return c.JSON(http.StatusOK, out)
}

func profileLine(l enrolment.Line) CertificateProfile {
	out := CertificateProfile{
		ID: l.ID, Kind: CertificateProfileKind(l.Kind), Name: l.Name, Email: l.Email, EmailConfirmed: l.EmailConfirmedAt != nil,
		ContactName: l.ContactName, ContactEmail: l.ContactEmail, Seal: l.Seal, Role: string(l.Role), Listed: l.ListedAddress != "",
		State: CertificateProfileState(l.State), Serial: orNull(l.Serial), NotAfter: l.NotAfter, CreatedAt: l.CreatedAt,
	}
	if l.Open != nil {
		o := orderLine(*l.Open)
		out.Order = &o
	}
	return out
}

func orderLine(o enrolment.Order) CertificateOrder {
	return CertificateOrder{
		ID: o.ID, State: CertificateOrderState(o.State), Method: CertificateOrderMethod(o.Method), Renews: o.Renews,
		TriesLeft: int(enrolment.MaxTries - o.Tries), Serial: o.Serial, CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt, IssuedAt: o.IssuedAt,
	}
}

// certificateProfileCreate: POST /api/v1/certificate-profiles CertificateTerms ->
// 201 PlacedOrder.
func (s *Server) certificateProfileCreate(c echo.Context) error {
	var in CertificateTerms
	if err := bind(c, &in); err != nil {
		return err
	}
	t := enrolment.Terms{
		Kind: pki.Profile(in.Kind), Name: in.Name, ContactName: in.ContactName, ContactEmail: in.ContactEmail, Method: string(in.Method),
	}
	set(&t.Email, in.Email)
	set(&t.Seal, in.Seal)
	if in.ContactLang != nil {
		t.ContactLang = string(*in.ContactLang)
	}
	if in.Role != nil {
		t.Role = access.Role(*in.Role)
	}
	placed, err := s.Enrolment.Order(c.Request().Context(), actor(c), t)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, placedOrder(placed))
}

func placedOrder(p enrolment.Placed) PlacedOrder {
	return PlacedOrder{ProfileID: p.Profile.ID, Order: orderLine(p.Order), Code: p.Code, EmailWide: p.EmailWide}
}

// certificateProfileShow: GET /api/v1/certificate-profiles/:id -> 200
// CertificateProfileDetails.
func (s *Server) certificateProfileShow(c echo.Context) error {
	w, err := s.Enrolment.Profile(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	l := profileLine(w.Line)
	out := CertificateProfileDetails{
		ID: l.ID, Kind: CertificateProfileDetailsKind(l.Kind), Name: l.Name, Email: l.Email, EmailConfirmed: l.EmailConfirmed,
		ContactName: l.ContactName, ContactEmail: l.ContactEmail, Seal: l.Seal, Role: l.Role, Listed: l.Listed, State: CertificateProfileDetailsState(l.State),
		Serial: l.Serial, NotAfter: l.NotAfter, Order: l.Order, CreatedAt: l.CreatedAt,
		Certificates: []ProfileCertificate{}, Orders: []CertificateOrder{},
	}
	for _, one := range w.Certificates {
		out.Certificates = append(out.Certificates, ProfileCertificate{
			Serial: string(one.Serial), State: ProfileCertificateState(one.State), NotBefore: one.NotBefore, NotAfter: one.NotAfter,
			RevokedAt: one.RevokedAt, RevokeReason: one.RevokeReason,
		})
	}
	for _, o := range w.Orders {
		out.Orders = append(out.Orders, orderLine(o))
	}
	return c.JSON(http.StatusOK, out)
}

// certificateRenew: POST /api/v1/certificate-profiles/:id/orders
// CertificateRenewal -> 201 PlacedOrder.
func (s *Server) certificateRenew(c echo.Context) error {
	var in CertificateRenewal
	if err := bind(c, &in); err != nil {
		return err
	}
	placed, err := s.Enrolment.Renew(c.Request().Context(), actor(c), c.Param("id"), string(in.Method))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, placedOrder(placed))
}

// sealUsers: GET /api/v1/certificate-profiles/:id/seal-users -> 200 SealUserList.
func (s *Server) sealUsers(c echo.Context) error {
	all, err := s.Enrolment.SealUsers(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	out := SealUserList{Items: []SealUser{}}
	for _, e := range all {
		out.Items = append(out.Items, SealUser{ID: string(e.ID), Name: e.Name()})
	}
	return c.JSON(http.StatusOK, out)
}

// sealAllow: PUT /api/v1/certificate-profiles/:id/seal-users/:person -> 204.
func (s *Server) sealAllow(c echo.Context) error {
	err := s.Enrolment.AllowSeal(c.Request().Context(), actor(c), c.Param("id"), access.EmployeeID(c.Param("person")))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// sealForbid: DELETE /api/v1/certificate-profiles/:id/seal-users/:person -> 204.
func (s *Server) sealForbid(c echo.Context) error {
	err := s.Enrolment.ForbidSeal(c.Request().Context(), actor(c), c.Param("id"), access.EmployeeID(c.Param("person")))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// certificateCancel: DELETE /api/v1/certificate-orders/:id -> 204.
func (s *Server) certificateCancel(c echo.Context) error {
	if err := s.Enrolment.Cancel(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// certificateIssue: POST /api/v1/certificate-orders/:id/certificate
// CertificateUpload -> 200 FetchedCertificate.
func (s *Server) certificateIssue(c echo.Context) error {
	var in CertificateUpload
	if err := bind(c, &in); err != nil {
		return err
	}
	f, err := s.Enrolment.Issue(c.Request().Context(), actor(c), c.Param("id"), in.Csr)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, fetched(f))
}

func fetched(f enrolment.Fetched) FetchedCertificate {
	return FetchedCertificate{
		Certificate: f.Certificate.DER, Chain: f.Chain, Serial: string(f.Certificate.Serial), NotAfter: f.Certificate.NotAfter,
		FriendlyName: f.Profile.Name, EmailWide: f.EmailWide, RevocationCode: f.RevocationCode,
	}
}

// certificateRecode: POST /api/v1/certificates/:id/revocation-code -> 201
// RevocationCode.
func (s *Server) certificateRecode(c echo.Context) error {
	code, err := s.Enrolment.Recode(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, RevocationCode{RevocationCode: code})
}

// certificateRevoke: POST /api/v1/certificates/:id/revoke Revocation -> 204.
func (s *Server) certificateRevoke(c echo.Context) error {
	var in Revocation
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Enrolment.Revoke(c.Request().Context(), actor(c), c.Param("id"), string(in.Reason), textOf(in.Note)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// certificateFile: GET /api/v1/certificates/:id/file?format= -> 200 PEM with the
// chain, or DER.
func (s *Server) certificateFile(c echo.Context) error {
	_, leaf, chain, err := s.Enrolment.Download(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	if c.QueryParam("format") == "cer" {
		attachment(c, "application/pkix-cert", c.Param("id")+".cer")
		return c.Blob(http.StatusOK, "application/pkix-cert", leaf)
	}
	var out []byte
	for _, der := range append([][]byte{leaf}, chain...) {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	attachment(c, "application/x-pem-file", c.Param("id")+".pem")
	return c.Blob(http.StatusOK, "application/x-pem-file", out)
}

// certificateOrderShow: POST /api/v1/certificate-order/look-up {"token"} -> 200
// CertificateInvitation.
func (s *Server) certificateOrderShow(c echo.Context) error {
	var in ActivationToken
	if err := bind(c, &in); err != nil {
		return err
	}
	p, err := s.Enrolment.LookUp(c.Request().Context(), in.Token)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, CertificateInvitation{
		Organisation: p.Organisation, Kind: CertificateInvitationKind(p.Profile.Kind), Name: p.Profile.Name, Email: p.Profile.Email,
		Waiting: p.Waiting, ExpiresAt: p.ExpiresAt, TriesLeft: int(p.TriesLeft), KeyAlgorithm: CertificateInvitationKeyAlgorithm(p.Algorithm),
		Reference: p.Order.ID,
	})
}

// certificateFetch: POST /api/v1/certificate-order/certificate CertificateFetch ->
// 200 FetchedCertificate.
func (s *Server) certificateFetch(c echo.Context) error {
	var in CertificateFetch
	if err := bind(c, &in); err != nil {
		return err
	}
	f, err := s.Enrolment.Fetch(c.Request().Context(), in.Token, in.Code, in.Csr, c.RealIP())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, fetched(f))
}

// certificateEmailConfirm: POST /api/v1/certificate-email/confirm {"token"} -> 200
// ConfirmedAddress.
func (s *Server) certificateEmailConfirm(c echo.Context) error {
	var in ActivationToken
	if err := bind(c, &in); err != nil {
		return err
	}
	p, err := s.Enrolment.Confirm(c.Request().Context(), in.Token, c.RealIP())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ConfirmedAddress{Email: p.Email, Name: p.Name})
}
