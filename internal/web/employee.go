package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/org"
)

// employees: GET /api/v1/employees?q=&cursor= -> 200 EmployeeList.
func (s *Server) employees(c echo.Context) error {
	lines, next, err := s.Credential.Employees(c.Request().Context(), actor(c), filterOf(c))
	if err != nil {
		return err
	}
	out := EmployeeList{Items: []Employee{}, Next: orNull(next)}
	for _, l := range lines {
		out.Items = append(out.Items, Employee{
			ID: string(l.Employee.ID), RID: l.Employee.RID, GivenName: l.Employee.GivenName, Surname: l.Employee.Surname,
			Email: l.Employee.Email, State: EmployeeState(l.Employee.State), Anonymous: l.Employee.Anonymous,
			IdentityLevel: EmployeeIdentityLevel(levelName(l.Employee.IdentityLevel())),
			Blocked:       l.Blocked, CodeCard: EmployeeCodeCard(l.CodeCard), KeyFile: EmployeeKeyFile(l.KeyFile),
		})
	}
	return c.JSON(http.StatusOK, out)
}

func employeeID(c echo.Context) access.EmployeeID { return access.EmployeeID(c.Param("id")) }

// employeeShow: GET /api/v1/employees/:id -> 200 EmployeeDetails.
func (s *Server) employeeShow(c echo.Context) error {
	d, err := s.Credential.Details(c.Request().Context(), actor(c), employeeID(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, employeeDetails(d))
}

func employeeDetails(d credential.Details) EmployeeDetails {
	e := d.Employee
	out := EmployeeDetails{
		ID: string(e.ID), RID: e.RID, GivenName: e.GivenName, Surname: e.Surname, Email: e.Email,
		State: EmployeeDetailsState(e.State), Anonymous: e.Anonymous, IdentityLevel: EmployeeDetailsIdentityLevel(levelName(e.IdentityLevel())),
		WithoutCPR: e.WithoutCPR, Lang: EmployeeDetailsLang(e.Lang), Channel: EmployeeDetailsChannel(e.Channel), Extra: e.Extras(), Version: e.Version,
		StateReason: e.StateReason, SuspendedAt: e.SuspendedAt, DeletedAt: e.DeletedAt, EraseAt: e.EraseAt, ErasedAt: e.ErasedAt,
		ProofingMethod: e.ProofingMethod, ProofingBy: e.ProofingBy, ProofingByName: orNull(d.ProvedBy), ProofingAt: e.ProofingAt,
		ProofingWays: []ProofingWay{},
		Blocked:      d.Blocked, EmailInCertificate: e.EmailInCertificate(), CodeCard: EmployeeDetailsCodeCard(d.CodeCard), KeyFile: EmployeeDetailsKeyFile(d.KeyFile),
		Phone: e.Phone, PNumber: e.PNumber, SeNumber: e.SENumber, LocalUserID: e.LocalUserID, CPR: d.CPR,
		DateOfBirth: orNull(e.DateOfBirth), Roles: []Role{}, CreatedAt: e.CreatedAt,
	}
	for _, r := range d.Roles {
		out.Roles = append(out.Roles, Role(r))
	}
	for _, method := range org.ProofingMethods {
		way := ProofingWay{Method: method}
		for _, level := range e.ProofingLevels(method) {
			way.Levels = append(way.Levels, ProofingWayLevels(level))
		}
		out.ProofingWays = append(out.ProofingWays, way)
	}
	if d.Card != nil {
		out.CodeCardDetails = &EmployeeCodeCardDetails{
			BlockDueAt: d.Card.BlockDueAt, BlockedAt: d.Card.BlockedAt, BlockReason: d.Card.BlockReason,
		}
	}
	if d.File != nil {
		out.KeyFileDetails = &EmployeeKeyFileDetails{
			Serial: d.File.Serial, NotAfter: d.File.NotAfter, ActivatedAt: d.File.ActivatedAt,
			BlockedAt: d.File.BlockedAt, BlockReason: d.File.BlockReason, BlockNote: d.File.BlockNote,
		}
	}
	if d.Activation != nil {
		out.Activation = &EmployeeActivation{
			State: EmployeeActivationState(d.Activation.State), ExpiresAt: d.Activation.ExpiresAt,
			TriesLeft: int(credential.MaxTries - d.Activation.Tries), Mail: EmployeeActivationMail(d.Mail), MailError: orNull(d.MailError),
		}
	}
	return out
}

// installationCode: GET /api/v1/employees/:id/installation-code -> 200
// InstallationCode.
func (s *Server) installationCode(c echo.Context) error {
	code, err := s.Credential.InstallationCode(c.Request().Context(), actor(c), employeeID(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, InstallationCode{Code: code.Code, ExpiresAt: code.ExpiresAt})
}

// activationReissue: POST /api/v1/employees/:id/activation -> 200 EmployeeDetails.
func (s *Server) activationReissue(c echo.Context) error {
	if err := s.Credential.Reissue(c.Request().Context(), actor(c), employeeID(c)); err != nil {
		return err
	}
	return s.employeeShow(c)
}

// codeCardBlock: POST /api/v1/employees/:id/code-card/block {"reason"} -> 200
// EmployeeDetails.
func (s *Server) codeCardBlock(c echo.Context) error {
	reason, err := reasonOf(c)
	if err != nil {
		return err
	}
	if err := s.Credential.BlockCodeCard(c.Request().Context(), actor(c), employeeID(c), reason); err != nil {
		return err
	}
	return s.employeeShow(c)
}

// keyFileBlock: POST /api/v1/employees/:id/key-file/block Revocation -> 200
// EmployeeDetails.
func (s *Server) keyFileBlock(c echo.Context) error {
	var in Revocation
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Credential.BlockKeyFile(c.Request().Context(), actor(c), employeeID(c), string(in.Reason), textOf(in.Note)); err != nil {
		return err
	}
	return s.employeeShow(c)
}

func reasonOf(c echo.Context) (string, error) {
	var in Reason
	if err := bind(c, &in); err != nil || in.Reason == nil {
		return "", err
	}
	return *in.Reason, nil
}

// orNull is nil for "", as the contract writes a missing text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// keyFilesBlock: POST /api/v1/key-files/block {"ids", "reason", "dry_run"} -> 200
// KeyFilesBlocked, 202 Approval where a second person must approve.
func (s *Server) keyFilesBlock(c echo.Context) error {
	var in KeyFilesBlock
	if err := bind(c, &in); err != nil {
		return err
	}
	what := credential.MassBlock{Reason: string(in.Reason)}
	for _, id := range in.Ids {
		what.Employees = append(what.Employees, access.EmployeeID(id))
	}
	dry := orZero(in.DryRun)
	done, waiting, err := s.Credential.BlockMany(c.Request().Context(), actor(c), what, dry)
	if err != nil {
		return err
	}
	if waiting != nil {
		return s.approvalJSON(c, http.StatusAccepted, *waiting)
	}
	return c.JSON(http.StatusOK, KeyFilesBlocked{DryRun: dry, Blocked: idTexts(done.Blocked), Without: idTexts(done.Without)})
}

func idTexts(ids []access.EmployeeID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}
