package cutover

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// FindingsShown is how many errors and how many notices a View holds; the
// report has all.
const FindingsShown = 1000

// View is a batch as people see it.
type View struct {
	Batch
	Counts           Counts
	Forecast         Forecast
	Errors, Notices  []Finding // the first FindingsShown of each
	Deadline         *time.Time
	CodeCardsBlocked int64
	NotGiven         int64      // rows whose roles, rights or powers were not given, or are being tried
	RowsPerSecond    *float64   // over the last half minute, nil when nothing moves
	ETA              *time.Time // nil when nothing moves
}

func (v *View) add(f Finding) {
	if f.Severity == Error {
		v.ErrorsTotal++
		if len(v.Errors) < FindingsShown {
			v.Errors = append(v.Errors, f)
		}
		return
	}
	v.NoticesTotal++
	if len(v.Notices) < FindingsShown {
		v.Notices = append(v.Notices, f)
	}
}

func (s *Service) deadline(b Batch) *time.Time {
	if b.Deadline != nil {
		return b.Deadline
	}
	return s.ClosedAt
}

// Batch returns a batch with its findings. Errors: fault.Denied, fault.Absent.
func (s *Service) Batch(ctx context.Context, by access.Actor, id string) (View, error) {
	v, err := s.Progress(ctx, by, id)
	if err != nil {
		return v, err
	}
	for _, part := range []struct {
		severity Severity
		into     *[]Finding
	}{{Error, &v.Errors}, {Notice, &v.Notices}} {
		var rows []findingRow
		if err := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID).Where("batch_id = ?", id).
			Where("severity = ?", part.severity).Order("no").Limit(FindingsShown).Scan(ctx); err != nil {
			return v, err
		}
		for _, r := range rows {
			*part.into = append(*part.into, r.finding())
		}
	}
	return v, nil
}

// Progress is Batch without the findings: a few short queries, for those who
// watch.
func (s *Service) Progress(ctx context.Context, by access.Actor, id string) (View, error) {
	if err := by.Need(access.ManageMigration); err != nil {
		return View{}, err
	}
	b, err := get(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return View{}, err
	}
	views, err := s.views(ctx, by.OrgID, []Batch{b})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// views adds to batches of one organisation what is counted elsewhere, in three
// queries for all of them and one for each that runs.
func (s *Service) views(ctx context.Context, orgID access.OrgID, batches []Batch) ([]View, error) {
	if len(batches) == 0 {
		return nil, nil
	}
	ids := make([]string, len(batches))
	for i, b := range batches {
		ids[i] = b.ID
	}
	var sums []Chunk
	q := s.DB.NewSelect().Model(&sums).Column("batch_id")
	for _, state := range []RowState{RowPending, RowInvited, RowActivated, RowSkipped, RowFailed, RowCancelled} {
		q.ColumnExpr("CAST(SUM(?0) AS BIGINT) AS ?0", bun.Ident(state))
	}
	if err := q.Where("org_id = ?", orgID).Where("batch_id IN (?)", bun.List(ids)).Group("batch_id").Scan(ctx); err != nil {
		return nil, err
	}
	counts := make(map[string]Counts, len(sums))
	for _, c := range sums {
		counts[c.BatchID] = c.Counts
	}
	blocked, err := s.Credential.BlockedCodeCards(ctx, orgID, ids)
	if err != nil {
		return nil, err
	}
	notGiven, err := s.notGiven(ctx, orgID, ids)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(batches))
	for i, b := range batches {
		v := View{Batch: b, Counts: counts[b.ID], Deadline: s.deadline(b), CodeCardsBlocked: blocked[b.ID], NotGiven: notGiven[b.ID]}
		if err := json.Unmarshal([]byte(b.DryRun), &v.Forecast); err != nil {
			return nil, fmt.Errorf("forecast of batch %s: %w", b.ID, err)
		}
		if b.State == Running && v.Counts.Pending > 0 {
			if err := s.estimate(ctx, &v); err != nil {
				return nil, err
			}
		}
		views[i] = v
	}
	return views, nil
}

// notGiven counts the rows of batches that something could not be given to, by an
// index that has these rows only.
func (s *Service) notGiven(ctx context.Context, orgID access.OrgID, batches []string) (map[string]int64, error) {
	var counts []struct {
		BatchID string `bun:"batch_id"`
		N       int64  `bun:"n"`
	}
	err := s.DB.NewSelect().Model((*Row)(nil)).Column("batch_id").ColumnExpr("count(*) AS n").
		Where("org_id = ?", orgID).Where("batch_id IN (?)", bun.List(batches)).Where("(not_given <> '' OR not_attached <> '')").
		Group("batch_id").Scan(ctx, &counts)
	of := make(map[string]int64, len(counts))
	for _, c := range counts {
		of[c.BatchID] = c.N
	}
	return of, err
}

// estimate reckons from the chunks done in the last half minute.
func (s *Service) estimate(ctx context.Context, v *View) error {
	now := store.Instant(s.Now())
	since := now.Add(-30 * time.Second)
	if v.StartedAt != nil && v.StartedAt.After(since) {
		since = *v.StartedAt
	}
	seconds := now.Sub(since).Seconds()
	var done int64
	if err := s.DB.NewSelect().Model((*Chunk)(nil)).ColumnExpr("COALESCE(SUM(to_row - from_row + 1 - pending), 0)").
		Where("org_id = ?", v.OrgID).Where("batch_id = ?", v.ID).Where("done_at >= ?", since).Scan(ctx, &done); err != nil {
		return err
	}
	if done == 0 || seconds < 0.5 {
		return nil
	}
	rate := float64(done) / seconds
	eta := now.Add(time.Duration(float64(v.Counts.Pending) / rate * float64(time.Second))).Truncate(time.Second)
	v.RowsPerSecond, v.ETA = &rate, &eta
	return nil
}

// Batches returns a page of batches without findings, newest first, and the
// cursor of the next, "" at the end.
func (s *Service) Batches(ctx context.Context, by access.Actor, cursor string) ([]View, string, error) {
	if err := by.Need(access.ManageMigration); err != nil {
		return nil, "", err
	}
	before, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	const size = 20
	var batches []Batch
	q := s.DB.NewSelect().Model(&batches).Where("org_id = ?", by.OrgID).Where("state <> ?", Reading)
	if before != nil {
		q.Where("id < ?", before[0])
	}
	if err := q.Order("id DESC").Limit(size + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(batches) > size {
		batches = batches[:size]
		next = store.Cursor(batches[size-1].ID)
	}
	views, err := s.views(ctx, by.OrgID, batches)
	return views, next, err
}

// Rows returns a page of rows in the order of the file, those in one state
// unless it is "", and the cursor of the next page.
func (s *Service) Rows(ctx context.Context, by access.Actor, id string, state RowState, cursor string) ([]Row, string, error) {
	if err := by.Need(access.ManageMigration); err != nil {
		return nil, "", err
	}
	if _, err := get(ctx, s.DB, by.OrgID, id); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	const size = 100
	var rows []Row
	q := s.DB.NewSelect().Model(&rows).ExcludeColumn("cpr_sealed", "cpr_mac").
		Where("org_id = ?", by.OrgID).Where("batch_id = ?", id)
	if state != "" {
		q.Where("state = ?", state)
	}
	if after != nil {
		last, err := strconv.ParseInt(after[0], 10, 64)
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
		q.Where("row_no > ?", last)
	}
	if err := q.Order("row_no").Limit(size + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	if len(rows) <= size {
		return rows, "", nil
	}
	return rows[:size], store.Cursor(strconv.FormatInt(rows[size-1].RowNo, 10)), nil
}

// WriteReport writes every finding of a batch as CSV (see Report).
func (s *Service) WriteReport(ctx context.Context, by access.Actor, id string, w io.Writer) error {
	if err := by.Need(access.ManageMigration); err != nil {
		return err
	}
	if _, err := get(ctx, s.DB, by.OrgID, id); err != nil {
		return err
	}
	report, err := NewReport(w)
	if err != nil {
		return err
	}
	for last := int64(0); ; {
		var rows []findingRow
		if err := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID).Where("batch_id = ?", id).
			Where("no > ?", last).Order("no").Limit(group).Scan(ctx); err != nil {
			return err
		}
		for _, r := range rows {
			if err := report.Write(r.finding()); err != nil {
				return err
			}
		}
		if len(rows) < group {
			return report.Flush()
		}
		last = rows[len(rows)-1].No
	}
}

// LettersPerPage is how many rows of a batch one page of letters covers.
const LettersPerPage = 200

// WriteLetters writes a page (from 1) of letters with installation codes as
// PDF: those of the batch's rows (page-1)*200+1 to page*200 whose invitation is
// open. Each is written to the audit log. Errors: fault.Denied, fault.Absent
// when there is none on the page.
func (s *Service) WriteLetters(ctx context.Context, by access.Actor, id string, page int64, baseURL string, w io.Writer) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	if _, err := get(ctx, s.DB, by.OrgID, id); err != nil {
		return err
	}
	o, err := s.Org.Organisation(ctx, by.OrgID)
	if err != nil {
		return err
	}
	var ids []access.EmployeeID
	if err := s.DB.NewSelect().Model((*Row)(nil)).Column("employee_id").
		Where("org_id = ?", by.OrgID).Where("batch_id = ?", id).
		Where("row_no > ?", (page-1)*LettersPerPage).Where("row_no <= ?", page*LettersPerPage).
		Where("state = ?", RowInvited).Order("row_no").Scan(ctx, &ids); err != nil {
		return err
	}
	codes, err := s.Credential.PrintCodes(ctx, by, ids)
	if err != nil {
		return err
	}
	letters := make([]Letter, len(codes))
	for i, c := range codes {
		wholeDay := c.ExpiresAt.In(copenhagen).AddDate(0, 0, -1) // the last one: the code ends in the middle of the next
		letters[i] = Letter{Name: c.Employee.Name(), RID: c.Employee.RIDText(), Code: c.Code, ExpiresAt: wholeDay}
	}
	return Letters(w, Letterhead{Organisation: o.Name, BaseURL: baseURL, Language: "da", Date: s.Now().In(copenhagen)}, letters)
}

// copenhagen is where letters are read; mail brings the zone's data along.
var copenhagen = func() *time.Location {
	l, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return l
}()

// OrgOf returns the organisation of a batch, for commands on the server.
// Errors: fault.Absent.
func (s *Service) OrgOf(ctx context.Context, id string) (access.OrgID, error) {
	var b Batch
	err := s.DB.NewSelect().Model(&b).Column("org_id").Where("id = ?", id).Where("state <> ?", Reading).Scan(ctx)
	return b.OrgID, store.Found(err, "cutover.batch")
}

// Stuck tells whether a running batch has pending rows that no work is left
// for: a chunk was given up after many tries.
func (s *Service) Stuck(ctx context.Context, ref BatchRef) (bool, error) {
	waiting, err := MigrateChunk.Waiting(ctx, s.DB, ref.Org, ref.Batch)
	if err != nil || waiting {
		return false, err
	}
	return s.DB.NewSelect().Model((*Chunk)(nil)).Where("org_id = ?", ref.Org).Where("batch_id = ?", ref.Batch).Where("pending > 0").
		Where("EXISTS (SELECT 1 FROM batch AS b WHERE b.id = chunk.batch_id AND b.state = ?)", Running).Exists(ctx)
}
