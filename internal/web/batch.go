package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
)

// batches: GET /api/v1/batches?cursor= -> 200 BatchList.
func (s *Server) batches(c echo.Context) error {
	views, next, err := s.Cutover.Batches(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := BatchList{Items: []Batch{}, Next: orNull(next)}
	for _, v := range views {
		out.Items = append(out.Items, NewBatch(v))
	}
	return c.JSON(http.StatusOK, out)
}

// batchCreate: POST /api/v1/batches multipart file, options -> 201 Batch.
func (s *Server) batchCreate(c echo.Context) error {
	if err := actor(c).Need(access.ManageMigration); err != nil {
		return err // before a large body is read
	}
	var in BatchOptions
	up, err := s.receive(c.Request(), &in)
	if err != nil {
		return err
	}
	defer up.discard()
	plan := cutover.Plan{FileName: up.name, Deadline: in.Deadline, StartAt: in.StartAt}
	plan.QuietLocal = in.QuietLocal != nil && *in.QuietLocal
	if in.Name != nil {
		plan.Name = *in.Name
	}
	if in.ParallelDays != nil {
		days := int64(*in.ParallelDays)
		plan.ParallelDays = &days
	}
	v, err := s.Cutover.Create(c.Request().Context(), actor(c), up.file, plan)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, NewBatch(v))
}

// batchShow: GET /api/v1/batches/:id -> 200 Batch.
func (s *Server) batchShow(c echo.Context) error {
	v, err := s.Cutover.Batch(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, NewBatch(v))
}

// batchStart: POST /api/v1/batches/:id/start {"skip_bad", "start_at"} -> 200 Batch.
func (s *Server) batchStart(c echo.Context) error {
	var in BatchStart
	if err := bind(c, &in); err != nil {
		return err
	}
	skip := in.SkipBad != nil && *in.SkipBad
	return s.batchStep(c, func(ctx context.Context, by access.Actor, id string) error {
		return s.Cutover.Start(ctx, by, id, skip, in.StartAt)
	})
}

// batchPause: POST /api/v1/batches/:id/pause -> 200 Batch.
func (s *Server) batchPause(c echo.Context) error { return s.batchStep(c, s.Cutover.Pause) }

// batchResume: POST /api/v1/batches/:id/resume -> 200 Batch.
func (s *Server) batchResume(c echo.Context) error { return s.batchStep(c, s.Cutover.Resume) }

// batchCancel: POST /api/v1/batches/:id/cancel -> 200 Batch.
func (s *Server) batchCancel(c echo.Context) error { return s.batchStep(c, s.Cutover.Cancel) }

// batchRetry: POST /api/v1/batches/:id/retry {"lines"} -> 200 Batch.
func (s *Server) batchRetry(c echo.Context) error {
	var in BatchRetry
	if err := bind(c, &in); err != nil {
		return err
	}
	var lines []int64
	if in.Lines != nil {
		lines = *in.Lines
	}
	return s.batchStep(c, func(ctx context.Context, by access.Actor, id string) error {
		return s.Cutover.Retry(ctx, by, id, lines...)
	})
}

func (s *Server) batchStep(c echo.Context, step func(context.Context, access.Actor, string) error) error {
	if err := step(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return s.batchShow(c)
}

// batchRows: GET /api/v1/batches/:id/rows?state=&cursor= -> 200 RowList.
func (s *Server) batchRows(c echo.Context) error {
	state := RowState(c.QueryParam("state"))
	if state != "" && !state.Valid() {
		return fault.New(fault.Invalid, "cutover.row.state", "There is no row state %q.", state).On("state")
	}
	rows, next, err := s.Cutover.Rows(c.Request().Context(), actor(c), c.Param("id"), cutover.RowState(state), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := RowList{Items: []Row{}, Next: orNull(next)}
	for _, r := range rows {
		row := Row{
			Line: int(r.Line), State: RowState(r.State), RID: r.RID, Name: r.GivenName + " " + r.Surname, Email: r.Email, Reason: r.Reason,
			NotGiven: r.NotGiven, NotAttached: r.NotAttached,
		}
		// A pending row's ID is a plan: there may be no such employee yet.
		if r.EmployeeID != nil && (r.State == cutover.RowInvited || r.State == cutover.RowActivated) {
			id := string(*r.EmployeeID)
			row.EmployeeID = &id
		}
		out.Items = append(out.Items, row)
	}
	return c.JSON(http.StatusOK, out)
}

// batchReport: GET /api/v1/batches/:id/report.csv -> 200 text/csv.
func (s *Server) batchReport(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="report.csv"`)
	return s.Cutover.WriteReport(c.Request().Context(), actor(c), c.Param("id"), c.Response())
}

// batchResult: GET /api/v1/batches/:id/result.zip -> 200 application/zip, signed.
func (s *Server) batchResult(c echo.Context) error {
	attach(c, "application/zip", "result.zip")
	return s.Cutover.WriteResult(c.Request().Context(), actor(c), c.Param("id"), c.Response())
}

// batchLetters: GET /api/v1/batches/:id/letters.pdf?page= -> 200 application/pdf.
func (s *Server) batchLetters(c echo.Context) error {
	page := int64(1)
	if text := c.QueryParam("page"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || n > 100000 {
			return fault.New(fault.Invalid, "cutover.letters.page", "The page must be a number from 1.").On("page")
		}
		page = n
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/pdf")
	h.Set("Content-Disposition", `attachment; filename="letters-`+strconv.FormatInt(page, 10)+`.pdf"`)
	return s.Cutover.WriteLetters(c.Request().Context(), actor(c), c.Param("id"), page, s.BaseURL.String(), c.Response())
}

// NewBatch is a batch in the words of the contract; commands print it too.
func NewBatch(v cutover.View) Batch {
	f := v.Forecast
	out := Batch{
		ID: orNull(v.ID), Name: v.Name, FileName: v.FileName, State: BatchState(v.State), Total: int(v.Total),
		Counts: Counts{
			Pending: int(v.Counts.Pending), Invited: int(v.Counts.Invited), Activated: int(v.Counts.Activated),
			Skipped: int(v.Counts.Skipped), Failed: int(v.Counts.Failed), Cancelled: int(v.Counts.Cancelled),
		},
		Errors: findings(v.Errors), Notices: findings(v.Notices), ErrorsTotal: int(v.ErrorsTotal), NoticesTotal: int(v.NoticesTotal),
		DryRun: DryRun{
			ToMigrate: int(f.ToMigrate), AlreadyOnKeyFile: int(f.AlreadyOnKeyFile), Blocked: int(f.Blocked), Duplicates: int(f.Duplicates),
			RidsKept: int(f.RIDsKept), NewEmployees: int(f.NewEmployees), KnownEmployees: int(f.KnownEmployees),
		},
		CodeCardsBlocked: int(v.CodeCardsBlocked), NotGiven: int(v.NotGiven), ETA: v.ETA, Deadline: utc(v.Deadline),
		StartAt: utc(v.StartAt), CreatedAt: v.CreatedAt.UTC(), CreatedBy: orNull(v.CreatedBy), StartedAt: utc(v.StartedAt), FinishedAt: utc(v.FinishedAt),
	}
	if v.RowsPerSecond != nil {
		rate := float32(*v.RowsPerSecond)
		out.RowsPerSecond = &rate
	}
	if v.ParallelDays != nil {
		days := int(*v.ParallelDays)
		out.ParallelDays = &days
	}
	if v.PaceMS > 0 {
		paced := true
		out.Paced = &paced
	}
	return out
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func findings(list []sheet.Finding) []Finding {
	out := make([]Finding, 0, len(list))
	for _, f := range list {
		out = append(out, Finding{Line: f.Line, Column: f.Column, Value: f.Value, Code: f.Code, Message: f.Message})
	}
	return out
}
