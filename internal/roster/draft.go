package roster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// Plan is what a person decides about a file when uploading it.
type Plan struct {
	Name     string // "" = the file's name
	FileName string
	Mode     Mode
	Invite   bool // new employees get an activation mail
}

func (p Plan) check() error {
	switch p.Mode {
	case Upsert, Full, Suspend, Delete:
	default:
		return fault.New(fault.Invalid, "roster.run.mode", "Choose what to do with the people of the file: upsert, full, suspend or delete.").On("mode")
	}
	if utf8.RuneCountInString(p.Name) > 200 {
		return fault.New(fault.Invalid, "roster.run.name", "The name of a bulk change has at most 200 characters.").On("name")
	}
	return nil
}

// group is how many rows are matched and stored at a time.
const group = 2000

// Create reads a file into a draft, which is seen only when it is whole, and
// returns it with its findings. Errors: fault.Denied; fault.Invalid, with a
// *sheet.FileError when the file cannot be taken in: nothing is stored then.
func (s *Service) Create(ctx context.Context, by access.Actor, f sheet.File, p Plan) (View, error) {
	if err := errors.Join(by.Need(access.ManageEmployees), p.check()); err != nil {
		return View{}, err
	}
	settings, err := setting.Of(ctx, s.DB, by.OrgID)
	if err != nil {
		return View{}, err
	}
	file := sheet.Plain(p.FileName)
	run := Run{
		ID: store.NewID(), OrgID: by.OrgID, Name: or(strings.TrimSpace(sheet.Plain(p.Name)), file), FileName: file, Mode: p.Mode,
		State: Reading, Invite: p.Invite, Forecast: "{}", Starter: "{}", CreatedBy: by.Name, CreatedAt: store.Instant(s.Now()),
	}
	if _, err := s.DB.NewInsert().Model(&run).Exec(ctx); err != nil {
		return View{}, err
	}
	w := writer{s: s, run: &run, extras: settings.Creation.Extra, creation: settings.Creation, number: fileFindings}
	if err := w.read(ctx, by, f); err != nil {
		_, dropErr := s.DB.NewDelete().Model(&run).WherePK().Exec(context.WithoutCancel(ctx))
		return View{}, errors.Join(err, dropErr)
	}
	return s.Run(ctx, by, run.ID)
}

// fileFindings is how many numbers are kept for what is known last and shown
// first: the notices about the file as a whole, at most one a column.
const fileFindings = 1000

// writer stores a draft while it is read.
type writer struct {
	s        *Service
	run      *Run
	extras   []string
	creation setting.Creation
	seen     sheet.Seen

	rows     []draftRow
	no       int64 // of the latest row
	chunk    int64
	number   int64 // of the latest finding
	forecast Forecast
	errors   int64
	notices  int64
}

// draftRow is a row on its way into the draft.
type draftRow struct {
	Row
	line     line
	findings []sheet.Finding
}

func (w *writer) read(ctx context.Context, by access.Actor, f sheet.File) error {
	summary, err := w.s.form(w.extras).Read(ctx, f, func(r *sheet.Row) error {
		w.add(parse(r, w.extras), r)
		if len(w.rows) < group {
			return nil
		}
		return w.flush(ctx)
	})
	if err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	active, err := org.CountActive(ctx, w.s.DB, w.run.OrgID)
	if err != nil {
		return err
	}
	missing := int64(0)
	if w.run.Mode == Full {
		if missing, err = w.suspendMissing(ctx); err != nil {
			return err
		}
	}
	return w.finish(ctx, by, summary, active, missing)
}

// add takes in one line; what its cells have wrong is known, whom it means is
// not yet.
func (w *writer) add(l line, r *sheet.Row) {
	w.no++
	if l.CPR != "" {
		l.cprMAC = org.CPRMAC(w.s.Keys, w.run.OrgID, l.CPR)
	}
	w.once(l, r)
	d := draftRow{
		Row: Row{
			OrgID: w.run.OrgID, RunID: w.run.ID, RowNo: w.no, Line: int64(r.Line), State: RowPending, Changes: "[]",
			Name: strings.TrimSpace(l.GivenName + " " + l.Surname), Email: l.Email, RID: l.RID,
		},
		line: l, findings: r.Findings,
	}
	if sheet.Bad(r.Findings) {
		d.refuse(r.Findings)
	}
	w.rows = append(w.rows, d)
}

// once refuses a line that repeats another's identifier.
func (w *writer) once(l line, r *sheet.Row) {
	for _, id := range []struct {
		field sheet.Field
		what  string
		value string
	}{{uuid, "uuid", l.UUID}, {rid, "rid", l.RID}, {localUserID, "local_user_id", l.LocalUserID}, {cpr, "cpr", l.CPR}} {
		if id.value == "" {
			continue
		}
		if before := w.seen.First(r.Line, id.what, id.value); before > 0 {
			r.Fail(id.field, "roster.row.twice", "Line %d is about the same person. Keep the line that is right and remove the other.", before)
			return
		}
	}
}

// refuse marks the row by its first error.
func (d *draftRow) refuse(findings []sheet.Finding) {
	d.Action, d.State, d.EmployeeID, d.Changes = Refuse, RowFailed, nil, "[]"
	for _, f := range findings {
		if f.Severity == sheet.Error {
			d.Reason, d.Message = f.Code, f.Message
			return
		}
	}
}

func (w *writer) flush(ctx context.Context) error {
	if len(w.rows) == 0 {
		return nil
	}
	if err := w.match(ctx); err != nil {
		return err
	}
	rows, findings := make([]Row, len(w.rows)), []findingRow{}
	for i, d := range w.rows {
		if d.State == RowPending {
			text, err := json.Marshal(d.line)
			if err != nil {
				return err
			}
			d.Person = w.s.Keys.Seal(rowPurpose, d.place(), text)
		}
		w.forecast.count(d.Action, 1)
		rows[i] = d.Row
		for _, f := range d.findings {
			w.number++
			findings = append(findings, w.finding(w.number, f))
		}
	}
	w.rows = w.rows[:0]
	return w.store(ctx, rows, findings)
}

// place is what a row's person is sealed for.
func (r Row) place() string { return fmt.Sprintf("%s/%s/%d", r.OrgID, r.RunID, r.RowNo) }

func (w *writer) finding(no int64, f sheet.Finding) findingRow {
	if f.Severity == sheet.Error {
		w.errors++
	} else {
		w.notices++
	}
	return findingRow{
		OrgID: w.run.OrgID, RunID: w.run.ID, No: no, Severity: f.Severity, Line: int64(f.Line),
		Column: f.Column, Value: f.Value, Code: f.Code, Message: f.Message,
	}
}

func (w *writer) store(ctx context.Context, rows []Row, findings []findingRow) error {
	chunks := w.chunks(rows)
	return store.InTx(ctx, w.s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := store.Insert(ctx, tx, rows, ""); err != nil {
			return fmt.Errorf("store rows: %w", err)
		}
		if _, err := store.Insert(ctx, tx, findings, ""); err != nil {
			return fmt.Errorf("store findings: %w", err)
		}
		_, err := store.Insert(ctx, tx, chunks, "")
		return err
	})
}

// chunks cuts the rows of a group; no chunk spans two groups.
func (w *writer) chunks(rows []Row) []Chunk {
	var chunks []Chunk
	for from := 0; from < len(rows); from += ChunkRows {
		part := rows[from:min(from+ChunkRows, len(rows))]
		w.chunk++
		c := Chunk{OrgID: w.run.OrgID, RunID: w.run.ID, No: w.chunk, FromRow: part[0].RowNo, ToRow: part[len(part)-1].RowNo}
		for _, r := range part {
			switch r.State {
			case RowFailed:
				c.Failed++
			case RowUnchanged:
				c.Unchanged++
			default:
				c.Pending++
			}
		}
		chunks = append(chunks, c)
	}
	return chunks
}

// suspendMissing adds a row for each active employee whom no line is about, page
// by page, and returns how many these are. Lines with errors are about nobody,
// so such a file is not started.
func (w *writer) suspendMissing(ctx context.Context) (int64, error) {
	missing := int64(0)
	for after := access.EmployeeID(""); ; {
		page, err := org.ActiveAfter(ctx, w.s.DB, w.run.OrgID, after, group)
		if err != nil || len(page) == 0 {
			return missing, err
		}
		after = page[len(page)-1].ID
		ids := make([]access.EmployeeID, len(page))
		for i, e := range page {
			ids[i] = e.ID
		}
		var named []access.EmployeeID
		if err := w.s.DB.NewSelect().Model((*Row)(nil)).Column("employee_id").Where("org_id = ?", w.run.OrgID).Where("run_id = ?", w.run.ID).
			Where("employee_id IN (?)", bun.List(ids)).Scan(ctx, &named); err != nil {
			return missing, err
		}
		inFile := make(map[access.EmployeeID]bool, len(named))
		for _, id := range named {
			inFile[id] = true
		}
		for _, e := range page {
			if inFile[e.ID] {
				continue
			}
			missing++
			w.no++
			w.rows = append(w.rows, draftRow{Row: Row{
				OrgID: w.run.OrgID, RunID: w.run.ID, RowNo: w.no, Action: ToSuspend, State: RowPending, Reason: ReasonMissing,
				Name: e.Name(), Email: e.Email, RID: e.RIDText(), Changes: "[]", EmployeeID: &e.ID,
			}})
		}
		if err := w.flush(ctx); err != nil {
			return missing, err
		}
	}
}

// ReasonMissing marks the rows of employees whom a full load does not have.
const ReasonMissing = "missing"

// finish makes the draft visible.
func (w *writer) finish(ctx context.Context, by access.Actor, summary sheet.Summary, active, missing int64) error {
	text, err := json.Marshal(w.forecast)
	if err != nil {
		return err
	}
	ofFile := make([]findingRow, min(len(summary.Findings), fileFindings))
	for i := range ofFile {
		ofFile[i] = w.finding(int64(i)+1, summary.Findings[i])
	}
	return store.InTx(ctx, w.s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := store.Insert(ctx, tx, ofFile, ""); err != nil {
			return fmt.Errorf("store findings: %w", err)
		}
		res, err := tx.NewUpdate().Model((*Run)(nil)).Set("state = ?", Draft).Set("total = ?", w.no).
			Set("active = ?", active).Set("missing = ?", missing).
			Set("errors_total = ?", w.errors).Set("notices_total = ?", w.notices).Set("forecast = ?", string(text)).
			Where("org_id = ?", by.OrgID).Where("id = ?", w.run.ID).Where("state = ?", Reading).Exec(ctx)
		if err := store.One(res, err, "roster.run"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, w.s.Now(), "run.create", "run:"+w.run.ID, fmt.Sprintf("%s, %d rows", w.run.Mode, w.no)))
	})
}
