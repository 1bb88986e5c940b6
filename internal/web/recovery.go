package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/onboarding"
)

// recoveryAsk: POST /api/v1/recovery/requests {"cvr", "email"} -> 202.
func (s *Server) recoveryAsk(c echo.Context) error {
	var in RecoveryRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	lang := ""
	if in.Lang != nil {
		lang = string(*in.Lang)
	}
	if err := s.Onboarding.AskRecovery(c.Request().Context(), in.CVR, in.Email, lang, c.RealIP()); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

// recoveryShow: GET /api/v1/recovery/case -> 200 Recovery.
func (s *Server) recoveryShow(c echo.Context) error {
	r, err := s.Onboarding.LookRecovery(c.Request().Context(), linkToken(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, recovery(r))
}

// recoveryConfirm: POST /api/v1/recovery/case RecoveryConfirm -> 200 Recovery.
func (s *Server) recoveryConfirm(c echo.Context) error {
	var in RecoveryConfirm
	if err := bind(c, &in); err != nil {
		return err
	}
	r, err := s.Onboarding.Confirm(c.Request().Context(), linkToken(c), in.GivenName, in.Surname, in.Email, in.Reason, c.RealIP())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, recovery(r))
}

// recoveries: GET /api/v1/recoveries -> 200 RecoveryList.
func (s *Server) recoveries(c echo.Context) error {
	all, err := s.Onboarding.Recoveries(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, recoveryList(all))
}

// recoveryObject: POST /api/v1/recoveries/:id/object {"reason"} -> 200 RecoveryList.
func (s *Server) recoveryObject(c echo.Context) error {
	var in Reason
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Onboarding.Object(c.Request().Context(), actor(c), c.Param("id"), textOf(in.Reason)); err != nil {
		return err
	}
	return s.recoveries(c)
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func recoveryList(all []onboarding.Recovery) RecoveryList {
	out := RecoveryList{Items: []Recovery{}}
	for _, r := range all {
		out.Items = append(out.Items, recovery(r))
	}
	return out
}

func recovery(r onboarding.Recovery) Recovery {
	name := r.GivenName + " " + r.Surname
	if r.Surname == "" {
		name = ""
	}
	var nominee *RecoveryNominee
	if e := r.Nominee; e != nil {
		nominee = &RecoveryNominee{GivenName: e.GivenName, Surname: e.Surname, Email: e.Email}
	}
	return Recovery{
		Nominee: nominee, ID: r.ID, State: RecoveryState(r.State), OrganisationID: string(r.OrgID), Organisation: r.Organisation.Name,
		Representative: r.Representative.Name, Name: name, Email: r.Email, Reason: r.Reason, Note: r.Note,
		AskedAt: r.AskedAt, ReadyAt: r.ReadyAt, EndedAt: r.EndedAt,
	}
}

// setupShow: GET /api/v1/setup -> 200 SetUp.
func (s *Server) setupShow(c echo.Context) error {
	state, err := s.Onboarding.Wizard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, setUp(state))
}

// setupStep: POST /api/v1/setup {"step", "state"} -> 200 SetUp.
func (s *Server) setupStep(c echo.Context) error {
	var in SetUpStep
	if err := bind(c, &in); err != nil {
		return err
	}
	state, err := s.Onboarding.Tick(c.Request().Context(), actor(c), in.Step, string(in.State))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, setUp(state))
}

func setUp(state onboarding.SetUpState) SetUp {
	out, progress := SetUp{Finished: state.FinishedAt != nil, Steps: []SetUpStep{}}, state.Progress()
	for _, step := range onboarding.WizardSteps {
		out.Steps = append(out.Steps, SetUpStep{Step: step, State: SetUpStepState(progress[step])})
	}
	return out
}
