package web

import (
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/onboarding"
)

// operatorOrganisations: GET /api/v1/operator/organisations?q=&cursor= -> 200 StandingList.
func (s *Server) operatorOrganisations(c echo.Context) error {
	all, next, err := s.Onboarding.Organisations(c.Request().Context(), actor(c), c.QueryParam("q"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := StandingList{Items: []Standing{}, Next: orNull(next)}
	for _, one := range all {
		out.Items = append(out.Items, standing(one))
	}
	return c.JSON(http.StatusOK, out)
}

func standing(o onboarding.Standing) Standing {
	return Standing{
		ID: string(o.ID), CVR: o.CVR, Name: o.Name, Employees: o.Employees, Activated: o.Activated, Rows: o.Rows, RowsDone: o.RowsDone,
		SetUp: StandingSetUp(o.SetUp), LinkUntil: o.LinkUntil, LastActive: o.LastActive, CreatedAt: o.CreatedAt,
	}
}

// operatorOrganisation: GET /api/v1/operator/organisations/:id -> 200 Standing.
func (s *Server) operatorOrganisation(c echo.Context) error {
	o, r, err := s.Onboarding.Organisation(c.Request().Context(), actor(c), access.OrgID(c.Param("id")))
	if err != nil {
		return err
	}
	out := standing(o)
	if r != nil {
		out.Representative, out.RepresentativeEmail = &r.Name, &r.Email
	}
	return c.JSON(http.StatusOK, out)
}

// operatorRenew: POST /api/v1/operator/organisations/:id/set-up-link -> 200 Standing.
func (s *Server) operatorRenew(c echo.Context) error {
	if err := s.Onboarding.Renew(c.Request().Context(), actor(c), access.OrgID(c.Param("id"))); err != nil {
		return err
	}
	return s.operatorOrganisation(c)
}

// operatorCode: GET /api/v1/operator/organisations/:id/code -> 200 {"code"}.
func (s *Server) operatorCode(c echo.Context) error {
	code, err := s.Onboarding.SetUpCode(c.Request().Context(), actor(c), access.OrgID(c.Param("id")))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, SetUpCode{Code: code})
}

// operatorReport: GET /api/v1/operator/certificate?serial=&cvr=&rid= -> 200
// ReportedCertificate.
func (s *Server) operatorReport(c echo.Context) error {
	r, err := s.Credential.Report(c.Request().Context(), actor(c), c.QueryParam("serial"), c.QueryParam("cvr"), c.QueryParam("rid"))
	if err != nil {
		return err
	}
	out := ReportedCertificate{
		OrganisationID: string(r.Organisation.ID), Organisation: r.Organisation.Name, CVR: r.Organisation.CVR, Holder: r.Holder, Ordered: r.Ordered,
	}
	if one := r.Certificate; one != nil {
		kind := ReportedCertificateKind(one.Profile)
		out.Kind, out.Serial, out.NotAfter, out.BlockedAt = &kind, orNull(string(one.Serial)), &one.NotAfter, one.RevokedAt
	}
	return c.JSON(http.StatusOK, out)
}

// operatorBlock: POST /api/v1/operator/certificate/block ReportedBlock -> 200
// OpenBlocked.
func (s *Server) operatorBlock(c echo.Context) error {
	var in ReportedBlock
	if err := bind(c, &in); err != nil {
		return err
	}
	at, err := s.Credential.BlockReported(c.Request().Context(), actor(c),
		textOf(in.Serial), textOf(in.CVR), textOf(in.RID), string(in.Reason), in.Note)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, OpenBlocked{BlockedAt: at})
}

// operatorApplications: GET /api/v1/operator/applications?step=&cursor= -> 200 ApplicationList.
func (s *Server) operatorApplications(c echo.Context) error {
	all, next, err := s.Onboarding.Queue(c.Request().Context(), actor(c), onboarding.Step(c.QueryParam("step")), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := ApplicationList{Items: []ApplicationSummary{}, Next: orNull(next)}
	for _, a := range all {
		out.Items = append(out.Items, ApplicationSummary{
			ID: a.ID, Step: ApplicationStep(a.Step), CVR: a.CVR, Name: a.Name, Start: PartyRole(a.Start), Verified: a.Verified,
			CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// operatorApplication: GET /api/v1/operator/applications/:id -> 200 Application.
func (s *Server) operatorApplication(c echo.Context) error {
	v, connected, err := s.Onboarding.Case(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	out := application(v)
	out.Connected = &connected
	out.IdentityCheck, out.OrganisationID = orNull(v.IdentityCheck), orNull(string(v.OrganisationID))
	return c.JSON(http.StatusOK, out)
}

// operatorAccept: POST /api/v1/operator/applications/:id/accept Acceptance -> 200 Application.
func (s *Server) operatorAccept(c echo.Context) error {
	var in Acceptance
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Onboarding.Accept(c.Request().Context(), actor(c), c.Param("id"), in.IdentityCheck, in.Reason); err != nil {
		return err
	}
	return s.operatorApplication(c)
}

// operatorReject: POST /api/v1/operator/applications/:id/reject {"reason"} -> 200 Application.
func (s *Server) operatorReject(c echo.Context) error {
	var in Reason
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Onboarding.Reject(c.Request().Context(), actor(c), c.Param("id"), textOf(in.Reason)); err != nil {
		return err
	}
	return s.operatorApplication(c)
}

// operatorDocument: GET /api/v1/operator/applications/:id/documents/:document -> 200
// the file. It comes from a stranger: always a download, never shown here.
func (s *Server) operatorDocument(c echo.Context) error {
	d, content, err := s.Onboarding.Document(c.Request().Context(), actor(c), c.Param("id"), c.Param("document"))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	return c.Blob(http.StatusOK, d.MediaType, content)
}

// operatorPublish: POST /api/v1/operator/terms TermsPublish -> 201 TermsState.
func (s *Server) operatorPublish(c echo.Context) error {
	var in TermsPublish
	if err := bind(c, &in); err != nil {
		return err
	}
	if _, err := s.Onboarding.Publish(c.Request().Context(), actor(c), in.TextDa, in.TextEn, in.EffectiveAt); err != nil {
		return err
	}
	return s.termsState(c, http.StatusCreated)
}

// operatorRecoveries: GET /api/v1/operator/recoveries -> 200 RecoveryList.
func (s *Server) operatorRecoveries(c echo.Context) error {
	all, err := s.Onboarding.OpenRecoveries(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, recoveryList(all))
}

// operatorAppoint: POST /api/v1/operator/recoveries/:id/appoint RecoveryDecision -> 200 RecoveryList.
func (s *Server) operatorAppoint(c echo.Context) error {
	var in RecoveryDecision
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Onboarding.Reopen(c.Request().Context(), actor(c), access.OrgID(in.OrganisationID), c.Param("id"), in.Reason); err != nil {
		return err
	}
	return s.operatorRecoveries(c)
}

// operatorRefuse: POST /api/v1/operator/recoveries/:id/refuse RecoveryDecision -> 200 RecoveryList.
func (s *Server) operatorRefuse(c echo.Context) error {
	var in RecoveryDecision
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Onboarding.Refuse(c.Request().Context(), actor(c), access.OrgID(in.OrganisationID), c.Param("id"), in.Reason); err != nil {
		return err
	}
	return s.operatorRecoveries(c)
}

// operatorUsage: GET /api/v1/operator/usage?month=&cursor= -> 200 UsageLedger.
func (s *Server) operatorUsage(c echo.Context) error {
	l, err := s.Usage.Ledger(c.Request().Context(), actor(c), c.QueryParam("month"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := UsageLedger{
		Month: l.Month, Months: append([]string{}, l.Months...), Items: []UsageAccount{}, Next: orNull(l.Next),
		Total: UsageTotal{
			Organisations: l.Total.Organisations, Users: l.Total.Users, Certificates: l.Total.Certificates, Amount: l.Total.Amount, Invoiced: l.Total.Invoiced,
		},
	}
	for _, a := range l.Accounts {
		out.Items = append(out.Items, UsageAccount{
			OrganisationID: string(a.OrgID), CVR: a.CVR, Name: a.Name, InvoiceMethod: a.Invoice.Method, InvoiceTo: a.Invoice.Email + a.Invoice.EAN,
			Month: a.Month.Month, Users: a.Users, Certificates: a.Certificates, Amount: a.Amount, Carried: a.Carried, Invoiced: a.Invoiced,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// operatorUsageCSV: GET /api/v1/operator/usage.csv?month= -> 200 text/csv.
func (s *Server) operatorUsageCSV(c echo.Context) error {
	return s.Usage.LedgerCSV(c.Request().Context(), actor(c), c.QueryParam("month"), download(c, "text/csv; charset=utf-8", "usage.csv"))
}
