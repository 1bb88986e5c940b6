package web

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
)

func (s *Server) selfRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/me", s.self, need...)
	api.PATCH("/me", s.selfChange, need...)
	api.POST("/me/key-file/block", s.selfKeyFileBlock, append(need, s.blocking("holder"))...)
	api.POST("/me/key-file/revocation-code", s.selfKeyFileRecode, need...)
	api.GET("/me/services", s.selfServices, need...)
	api.GET("/me/dossier.zip", s.selfDossier, need...)
	api.GET("/employees/:id/dossier.zip", s.dossierShow, need...)
	api.GET("/erasures", s.erasures, need...)
	api.GET("/erasures.csv", s.erasuresCSV, need...)
}

// self: GET /api/v1/me -> 200 Self.
func (s *Server) self(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	if by.Employee == "" {
		return fault.New(fault.Denied, "org.self.nobody", "Only an employee has a page of his or her own.")
	}
	d, err := s.Credential.Details(ctx, by, by.Employee)
	if err != nil {
		return err
	}
	administrators, err := s.Org.MyAdministrators(ctx, by)
	if err != nil {
		return err
	}
	certificates, err := s.CA.OfEmployee(ctx, by.OrgID, by.Employee)
	if err != nil {
		return err
	}
	e := d.Employee
	out := Self{
		ID: string(e.ID), GivenName: e.GivenName, Surname: e.Surname, Email: e.Email, Phone: e.Phone, RID: e.RIDText(), CPR: d.CPR,
		DateOfBirth: e.DateOfBirth, PNumber: e.PNumber, SeNumber: e.SENumber, LocalUserID: e.LocalUserID, Anonymous: e.Anonymous,
		CreatedAt: e.CreatedAt, Lang: SelfLang(e.Lang), Channel: SelfChannel(e.Channel), PrivateMitidAt: e.PrivateMitIDAt,
		Roles: []Role{}, KeyFile: d.KeyFile, CodeCard: SelfCodeCard(d.CodeCard), Extra: e.Extras(),
		IdentityLevel:  SelfIdentityLevel(levelName(e.IdentityLevel())),
		Administrators: []SelfAdministrator{}, Certificates: []SelfCertificate{},
	}
	for _, r := range d.Roles {
		out.Roles = append(out.Roles, Role(r))
	}
	for _, a := range administrators {
		one := SelfAdministrator{Name: a.Employee.Name(), Email: a.Employee.Email, Roles: []Role{}}
		for _, r := range a.Roles {
			one.Roles = append(one.Roles, Role(r))
		}
		out.Administrators = append(out.Administrators, one)
	}
	for _, one := range certificates {
		out.Certificates = append(out.Certificates, SelfCertificate{
			Serial: string(one.Serial), NotBefore: one.NotBefore, NotAfter: one.NotAfter, RevokedAt: one.RevokedAt,
			Current: d.File != nil && d.File.Serial != nil && *d.File.Serial == string(one.Serial) && d.KeyFile == "active",
		})
	}
	return c.JSON(http.StatusOK, out)
}

// selfChange: PATCH /api/v1/me SelfChange -> 204.
func (s *Server) selfChange(c echo.Context) error {
	var in SelfChange
	if err := bind(c, &in); err != nil {
		return err
	}
	err := s.Org.Wish(c.Request().Context(), actor(c), org.Wishes{Lang: in.Lang, Channel: in.Channel, PrivateMitID: in.PrivateMitid})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// selfKeyFileBlock: POST /api/v1/me/key-file/block OwnBlock -> 204.
func (s *Server) selfKeyFileBlock(c echo.Context) error {
	var in OwnBlock
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Credential.BlockOwn(c.Request().Context(), actor(c), in.Serial, string(in.Reason), textOf(in.Note)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// selfKeyFileRecode: POST /api/v1/me/key-file/revocation-code OwnRecode -> 201
// RevocationCode.
func (s *Server) selfKeyFileRecode(c echo.Context) error {
	var in OwnRecode
	if err := bind(c, &in); err != nil {
		return err
	}
	code, err := s.Credential.RecodeOwn(c.Request().Context(), actor(c), in.Serial)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, RevocationCode{RevocationCode: code})
}

// selfDossier: GET /api/v1/me/dossier.zip?lang= -> 200 ZIP.
func (s *Server) selfDossier(c echo.Context) error { return s.dossier(c, actor(c).Employee) }

// dossierShow: GET /api/v1/employees/:id/dossier.zip?lang= -> 200 ZIP.
func (s *Server) dossierShow(c echo.Context) error { return s.dossier(c, employeeID(c)) }

func (s *Server) dossier(c echo.Context, id access.EmployeeID) error {
	return s.Dossier.Export(c.Request().Context(), actor(c), id, c.QueryParam("lang"), download(c, "application/zip", "data.zip"))
}

// download opens the answer as a file to save, once nothing can be refused any
// more.
func download(c echo.Context, kind, name string) func() io.Writer {
	return func() io.Writer {
		attachment(c, kind, name)
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().WriteHeader(http.StatusOK)
		return c.Response()
	}
}

// erasures: GET /api/v1/erasures?month=&lang= -> 200 ErasureList.
func (s *Server) erasures(c echo.Context) error {
	all, err := s.Dossier.Erasures(c.Request().Context(), actor(c), c.QueryParam("month"), c.QueryParam("lang"))
	if err != nil {
		return err
	}
	out := ErasureList{Items: []Erasure{}}
	for _, e := range all {
		one := Erasure{ID: string(e.ID), DeletedAt: e.DeletedAt, ErasedAt: e.ErasedAt, Erased: e.Erased, Left: []ErasureLeft{}}
		for _, l := range e.Left {
			one.Left = append(one.Left, ErasureLeft{Area: l.Area, Rows: l.Rows, Reason: l.Reason})
		}
		out.Items = append(out.Items, one)
	}
	return c.JSON(http.StatusOK, out)
}

// erasuresCSV: GET /api/v1/erasures.csv?month=&lang= -> 200 text/csv.
func (s *Server) erasuresCSV(c echo.Context) error {
	return s.Dossier.ErasureCSV(c.Request().Context(), actor(c), c.QueryParam("month"), c.QueryParam("lang"),
		download(c, "text/csv; charset=utf-8", "erasures.csv"))
}
