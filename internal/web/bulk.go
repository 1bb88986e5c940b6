package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/roster"
)

func (s *Server) bulkRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/employees/list.csv", s.employeesCSV, need...)
	api.GET("/employees/list.xlsx", s.employeesXLSX, need...)
	api.GET("/bulk", s.bulkRuns, need...)
	api.POST("/bulk", s.bulkCreate, need...)
	api.GET("/bulk/:id", s.bulkShow, need...)
	api.POST("/bulk/:id/start", s.bulkStart, need...)
	api.POST("/bulk/:id/cancel", s.bulkCancel, need...)
	api.GET("/bulk/:id/rows", s.bulkRows, need...)
	api.GET("/bulk/:id/report.csv", s.bulkReport, need...)
	api.GET("/bulk/:id/result.zip", s.bulkResult, need...)
}

// bulkRuns: GET /api/v1/bulk?cursor= -> 200 BulkRunList.
func (s *Server) bulkRuns(c echo.Context) error {
	views, next, err := s.Roster.Runs(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := BulkRunList{Items: []BulkRun{}, Next: orNull(next)}
	for _, v := range views {
		out.Items = append(out.Items, bulkRun(v))
	}
	return c.JSON(http.StatusOK, out)
}

// bulkCreate: POST /api/v1/bulk multipart file, options -> 201 BulkRun.
func (s *Server) bulkCreate(c echo.Context) error {
	if err := actor(c).Need(access.ManageEmployees); err != nil {
		return err // before a large body is read
	}
	var in BulkOptions
	up, err := s.receive(c.Request(), &in)
	if err != nil {
		return err
	}
	defer up.discard()
	plan := roster.Plan{FileName: up.name, Mode: roster.Mode(in.Mode), Invite: in.Invite == nil || *in.Invite}
	if in.Name != nil {
		plan.Name = *in.Name
	}
	v, err := s.Roster.Create(c.Request().Context(), actor(c), up.file, plan)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, bulkRun(v))
}

// bulkShow: GET /api/v1/bulk/:id -> 200 BulkRun.
func (s *Server) bulkShow(c echo.Context) error {
	v, err := s.Roster.Run(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, bulkRun(v))
}

// bulkStart: POST /api/v1/bulk/:id/start {"skip_bad", "missing"} -> 200 BulkRun.
func (s *Server) bulkStart(c echo.Context) error {
	var in BulkStart
	if err := bind(c, &in); err != nil {
		return err
	}
	consent := roster.Consent{SkipBad: in.SkipBad != nil && *in.SkipBad}
	if in.Missing != nil {
		n := int64(*in.Missing)
		consent.Missing = &n
	}
	if err := s.Roster.Start(c.Request().Context(), actor(c), c.Param("id"), consent); err != nil {
		return err
	}
	return s.bulkShow(c)
}

// bulkCancel: POST /api/v1/bulk/:id/cancel -> 200 BulkRun.
func (s *Server) bulkCancel(c echo.Context) error {
	if err := s.Roster.Cancel(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return s.bulkShow(c)
}

// bulkRows: GET /api/v1/bulk/:id/rows?action=&state=&cursor= -> 200 BulkRowList.
func (s *Server) bulkRows(c echo.Context) error {
	action, state := BulkAction(c.QueryParam("action")), BulkRowState(c.QueryParam("state"))
	if action != "" && !action.Valid() || state != "" && !state.Valid() {
		return fault.New(fault.Invalid, "roster.row.filter", "There is no such action or state of a line.").On("action")
	}
	filter := roster.Filter{Action: roster.Action(action), State: roster.RowState(state)}
	rows, next, err := s.Roster.Rows(c.Request().Context(), actor(c), c.Param("id"), filter, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := BulkRowList{Items: []BulkRow{}, Next: orNull(next)}
	for _, r := range rows {
		row := BulkRow{
			Line: int(r.Line), Action: BulkAction(r.Action), State: BulkRowState(r.State), Code: r.Reason, Message: r.Message,
			Name: r.Name, Email: r.Email, RID: r.RID, Changes: []BulkChange{},
		}
		if r.EmployeeID != nil {
			id := string(*r.EmployeeID)
			row.EmployeeID = &id
		}
		for _, d := range r.Differences() {
			row.Changes = append(row.Changes, BulkChange{Field: d.Field, From: d.From, To: d.To})
		}
		out.Items = append(out.Items, row)
	}
	return c.JSON(http.StatusOK, out)
}

// bulkReport: GET /api/v1/bulk/:id/report.csv -> 200 text/csv.
func (s *Server) bulkReport(c echo.Context) error {
	attach(c, "text/csv; charset=utf-8", "report.csv")
	return s.Roster.WriteReport(c.Request().Context(), actor(c), c.Param("id"), c.Response())
}

// bulkResult: GET /api/v1/bulk/:id/result.zip -> 200 application/zip, signed.
func (s *Server) bulkResult(c echo.Context) error {
	attach(c, "application/zip", "result.zip")
	return s.Roster.WriteResult(c.Request().Context(), actor(c), c.Param("id"), c.Response())
}

// employeesCSV: GET /api/v1/employees/list.csv, filters as of the list -> 200 text/csv.
func (s *Server) employeesCSV(c echo.Context) error {
	attach(c, "text/csv; charset=utf-8", "employees.csv")
	return s.Roster.Export(c.Request().Context(), actor(c), filterOf(c), roster.CSV, c.Response())
}

// employeesXLSX: GET /api/v1/employees/list.xlsx, filters as of the list -> 200
// a spreadsheet.
func (s *Server) employeesXLSX(c echo.Context) error {
	attach(c, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "employees.xlsx")
	return s.Roster.Export(c.Request().Context(), actor(c), filterOf(c), roster.XLSX, c.Response())
}

// attach announces a file that the browser keeps.
func attach(c echo.Context, kind, name string) {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

func bulkRun(v roster.View) BulkRun {
	f, n := v.Forecast, v.Counts
	return BulkRun{
		ID: v.ID, Name: v.Name, FileName: v.FileName, Mode: BulkMode(v.Mode), State: BulkState(v.State), Invite: v.Invite, Total: int(v.Total),
		Counts: BulkCounts{Pending: int(n.Pending), Done: int(n.Done), Unchanged: int(n.Unchanged), Failed: int(n.Failed), Cancelled: int(n.Cancelled)},
		Forecast: BulkForecast{
			Create: int(f.Create), Edit: int(f.Edit), Reactivate: int(f.Reactivate), Suspend: int(f.Suspend), Delete: int(f.Delete),
			None: int(f.None), Refuse: int(f.Refuse),
		},
		Active: int(v.Active), Missing: int(v.Missing), Limit: int(v.Limit), OverLimit: v.OverLimit(v.Limit),
		Errors: findings(v.Errors), Notices: findings(v.Notices), ErrorsTotal: int(v.ErrorsTotal), NoticesTotal: int(v.NoticesTotal),
		CreatedAt: v.CreatedAt.UTC(), CreatedBy: v.CreatedBy, StartedAt: utc(v.StartedAt), StartedBy: orNull(v.StartedBy), FinishedAt: utc(v.FinishedAt),
	}
}
