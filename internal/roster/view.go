package roster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// FindingsShown is how many errors and how many notices a View holds; the
// report has all.
const FindingsShown = 500

// View is a run as people see it.
type View struct {
	Run
	Counts          Counts
	Forecast        Forecast
	Limit           int64           // percent of a full load
	Errors, Notices []sheet.Finding // the first FindingsShown of each
}

// findingRow is a stored sheet.Finding.
type findingRow struct {
	bun.BaseModel `bun:"table:roster_finding"`

	OrgID    access.OrgID   `bun:"org_id,pk"`
	RunID    string         `bun:"run_id,pk"`
	No       int64          `bun:"no,pk"`
	Severity sheet.Severity `bun:"severity"`
	Line     int64          `bun:"line"`
	Column   string         `bun:"col"`
	Value    string         `bun:"value"`
	Code     string         `bun:"code"`
	Message  string         `bun:"message"`
}

func (f findingRow) finding() sheet.Finding {
	return sheet.Finding{Line: int(f.Line), Column: f.Column, Value: f.Value, Code: f.Code, Message: f.Message, Severity: f.Severity}
}

// Run returns a run with its findings. Errors: fault.Denied, fault.Absent.
func (s *Service) Run(ctx context.Context, by access.Actor, id string) (View, error) {
	r, err := s.run(ctx, by, id)
	if err != nil {
		return View{}, err
	}
	views, err := s.views(ctx, by.OrgID, []Run{r})
	if err != nil {
		return View{}, err
	}
	v := views[0]
	for _, part := range []struct {
		severity sheet.Severity
		into     *[]sheet.Finding
	}{{sheet.Error, &v.Errors}, {sheet.Notice, &v.Notices}} {
		var rows []findingRow
		if err := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID).Where("run_id = ?", id).
			Where("severity = ?", part.severity).Order("no").Limit(FindingsShown).Scan(ctx); err != nil {
			return v, err
		}
		for _, r := range rows {
			*part.into = append(*part.into, r.finding())
		}
	}
	return v, nil
}

func (s *Service) run(ctx context.Context, by access.Actor, id string) (Run, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return Run{}, err
	}
	var r Run
	err := s.DB.NewSelect().Model(&r).Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state <> ?", Reading).Scan(ctx)
	return r, store.Found(err, "roster.run")
}

// views adds to runs of one organisation what is counted elsewhere.
func (s *Service) views(ctx context.Context, orgID access.OrgID, runs []Run) ([]View, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	limit, err := limitOf(ctx, s.DB, orgID)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	var sums []Chunk
	q := s.DB.NewSelect().Model(&sums).Column("run_id")
	for _, state := range []RowState{RowPending, RowDone, RowUnchanged, RowFailed, RowCancelled} {
		q.ColumnExpr("CAST(SUM(?0) AS BIGINT) AS ?0", bun.Ident(state))
	}
	if err := q.Where("org_id = ?", orgID).Where("run_id IN (?)", bun.List(ids)).Group("run_id").Scan(ctx); err != nil {
		return nil, err
	}
	counts := make(map[string]Counts, len(sums))
	for _, c := range sums {
		counts[c.RunID] = c.Counts
	}
	views := make([]View, len(runs))
	for i, r := range runs {
		views[i] = View{Run: r, Counts: counts[r.ID], Limit: limit}
		if err := json.Unmarshal([]byte(r.Forecast), &views[i].Forecast); err != nil {
			return nil, fmt.Errorf("forecast of run %s: %w", r.ID, err)
		}
	}
	return views, nil
}

// Runs returns a page of runs without findings, newest first, and the cursor of
// the next, "" at the end. Errors: fault.Denied, fault.Invalid.
func (s *Service) Runs(ctx context.Context, by access.Actor, cursor string) ([]View, string, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return nil, "", err
	}
	before, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	const size = 20
	var runs []Run
	q := s.DB.NewSelect().Model(&runs).Where("org_id = ?", by.OrgID).Where("state <> ?", Reading)
	if before != nil {
		q.Where("id < ?", before[0])
	}
	if err := q.Order("id DESC").Limit(size + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(runs) > size {
		runs = runs[:size]
		next = store.Cursor(runs[size-1].ID)
	}
	views, err := s.views(ctx, by.OrgID, runs)
	return views, next, err
}

// Filter picks rows of a run; "" and nil pick all.
type Filter struct {
	Action Action
	State  RowState
}

// Rows returns a page of rows in the order of the file, and the cursor of the
// next page. Errors: fault.Denied, fault.Absent, fault.Invalid.
func (s *Service) Rows(ctx context.Context, by access.Actor, id string, f Filter, cursor string) ([]Row, string, error) {
	if _, err := s.run(ctx, by, id); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	last := int64(0)
	if after != nil {
		if last, err = strconv.ParseInt(after[0], 10, 64); err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
	}
	const size = 100
	rows, err := s.rows(ctx, by.OrgID, id, f, last, size+1)
	if err != nil || len(rows) <= size {
		return rows, "", err
	}
	return rows[:size], store.Cursor(strconv.FormatInt(rows[size-1].RowNo, 10)), nil
}

func (s *Service) rows(ctx context.Context, orgID access.OrgID, id string, f Filter, after, limit int64) ([]Row, error) {
	var rows []Row
	q := s.DB.NewSelect().Model(&rows).ExcludeColumn("person").Where("org_id = ?", orgID).Where("run_id = ?", id).Where("row_no > ?", after)
	if f.Action != "" {
		q.Where("action = ?", f.Action)
	}
	if f.State != "" {
		q.Where("state = ?", f.State)
	}
	err := q.Order("row_no").Limit(limit).Scan(ctx)
	return rows, err
}

// WriteReport writes every row of a run, and what became of it, as CSV. Errors:
// fault.Denied, fault.Absent.
func (s *Service) WriteReport(ctx context.Context, by access.Actor, id string, w io.Writer) error {
	if _, err := s.run(ctx, by, id); err != nil {
		return err
	}
	return s.writeRows(ctx, by.OrgID, id, w)
}

// WriteResult writes the same as a signed result: a ZIP archive that an auditor
// checks without Adgang (audit.WriteResult). Errors: fault.Denied, fault.Absent.
func (s *Service) WriteResult(ctx context.Context, by access.Actor, id string, w io.Writer) error {
	if _, err := s.run(ctx, by, id); err != nil {
		return err
	}
	return s.Audit.WriteResult(ctx, by, "run:"+id, w, func(w io.Writer) error { return s.writeRows(ctx, by.OrgID, id, w) })
}

func (s *Service) writeRows(ctx context.Context, orgID access.OrgID, id string, w io.Writer) error {
	csv, err := sheet.NewCSV(w, "line", "action", "state", "name", "email", "rid", "uuid", "changes", "code", "message")
	if err != nil {
		return err
	}
	for last := int64(0); ; {
		rows, err := s.rows(ctx, orgID, id, Filter{}, last, group)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := csv.Write(r.report()...); err != nil {
				return err
			}
			last = r.RowNo
		}
		if len(rows) < group {
			return csv.Close()
		}
	}
}

// report is the row as a line of the report.
func (r Row) report() []string {
	line, id, changes := "", "", ""
	if r.Line > 0 {
		line = strconv.FormatInt(r.Line, 10)
	}
	if r.EmployeeID != nil {
		id = string(*r.EmployeeID)
	}
	for i, c := range r.Differences() {
		if i > 0 {
			changes += ", "
		}
		changes += c.Field
	}
	return []string{line, string(r.Action), string(r.State), r.Name, r.Email, r.RID, id, changes, r.Reason, r.Message}
}
