package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/conformance"
)

// conformanceShow: GET /api/v1/services/:id/conformance -> 200 ServiceConformance.
func (s *Server) conformanceShow(c echo.Context) error {
	o, err := s.Conformance.Overview(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	out := ServiceConformance{Plan: conformancePlan(o.Plan), Hosts: append([]string{}, o.Hosts...), FullName: o.Who.FullName, NameID: o.Name, Runs: []ConformanceRun{}}
	for _, r := range o.Runs {
		out.Runs = append(out.Runs, conformanceRun(r))
	}
	return c.JSON(http.StatusOK, out)
}

// conformancePlanSet: PUT /api/v1/services/:id/conformance ConformancePlan -> 200
// ConformancePlan.
func (s *Server) conformancePlanSet(c echo.Context) error {
	var in ConformancePlan
	if err := bind(c, &in); err != nil {
		return err
	}
	plan, err := s.Conformance.SetPlan(c.Request().Context(), actor(c), c.Param("id"), conformance.Plan{
		Start: in.StartURL, Page: in.PageURL, Marker: in.Marker, Level: string(in.Level), Version: in.Version,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, conformancePlan(plan))
}

// conformanceStart: POST /api/v1/services/:id/conformance/runs -> 202 ConformanceRun.
func (s *Server) conformanceStart(c echo.Context) error {
	r, err := s.Conformance.Start(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, conformanceRun(r))
}

// conformanceReport: GET /api/v1/services/:id/conformance/runs/:run -> 200
// ConformanceReport.
func (s *Server) conformanceReport(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	p, err := s.Federation.Partner(ctx, by, c.Param("id"))
	if err != nil {
		return err
	}
	r, err := s.Conformance.Report(ctx, by, p.ID, c.Param("run"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ConformanceReport{Service: p.Name, EntityID: p.EntityID, Run: conformanceRun(r)})
}

func conformancePlan(p conformance.Plan) ConformancePlan {
	return ConformancePlan{StartURL: p.Start, PageURL: p.Page, Marker: p.Marker, Level: ConformancePlanLevel(p.Level), Version: p.Version}
}

func conformanceRun(r conformance.Run) ConformanceRun {
	out := ConformanceRun{
		ID: r.ID, State: ConformanceRunState(r.State), Trouble: r.Trouble, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Cases: []ConformanceCase{}, Planned: len(conformance.Codes()),
	}
	for _, one := range r.Cases {
		out.Cases = append(out.Cases, ConformanceCase{
			Code: ConformanceCaseCode(one.Code), Result: ConformanceCaseResult(one.Result), Why: one.Why, Status: one.Status, Ended: one.Ended,
			Sent: one.Sent, At: one.At, Ms: one.Milliseconds,
		})
	}
	return out
}
