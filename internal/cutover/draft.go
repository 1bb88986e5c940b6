package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// Plan is what a person decides about a batch when uploading it.
type Plan struct {
	Name         string // "" = the file's name
	FileName     string
	Deadline     *time.Time // nil = the closing of the installation
	ParallelDays *int64     // nil = code cards are never blocked by themselves
	StartAt      *time.Time
	QuietLocal   bool // employees with a local user ID get no activation mail
	// Pace slows a demo down: one chunk of ChunkRows rows each Pace.
	Pace      time.Duration
	ChunkRows int64 // 0 = ChunkRows
}

func (p Plan) check() error {
	if utf8.RuneCountInString(p.Name) > 200 {
		return fault.New(fault.Invalid, "cutover.batch.name", "The name of a batch has at most 200 characters.").On("name")
	}
	if p.ParallelDays != nil && (*p.ParallelDays < 0 || *p.ParallelDays > 3650) {
		return fault.New(fault.Invalid, "cutover.batch.parallel_days", "Parallel running lasts 0 to 3,650 days.").On("parallel_days")
	}
	return nil
}

// group is how many rows are matched and stored at a time.
const group = 5000

// sink takes what was read, group by group.
type sink func(rows []Row, findings []Finding) error

// Create reads an export into a draft, which is seen only when it is whole,
// and returns it with its findings. Errors: fault.Denied; fault.Invalid, with a
// *FileError when the file cannot be taken in: nothing is stored then.
func (s *Service) Create(ctx context.Context, by access.Actor, f File, p Plan) (View, error) {
	if err := errors.Join(by.Need(access.ManageMigration), p.check()); err != nil {
		return View{}, err
	}
	b := s.newBatch(by, p)
	if _, err := s.DB.NewInsert().Model(&b).Exec(ctx); err != nil {
		return View{}, err
	}
	w := writer{s: s, batch: &b, chunkRows: p.ChunkRows, number: fileFindings}
	if w.chunkRows == 0 {
		w.chunkRows = ChunkRows
	}
	forecast, summary, err := s.read(ctx, by, &b, f, func(rows []Row, findings []Finding) error {
		return w.store(ctx, rows, findings)
	})
	if err == nil {
		err = w.finish(ctx, by, forecast, summary)
	}
	if err != nil {
		_, dropErr := s.DB.NewDelete().Model(&b).WherePK().Exec(context.WithoutCancel(ctx))
		return View{}, errors.Join(err, dropErr)
	}
	return s.Batch(ctx, by, b.ID)
}

func (s *Service) newBatch(by access.Actor, p Plan) Batch {
	file := sheet.Plain(p.FileName)
	name := strings.TrimSpace(sheet.Plain(p.Name))
	if name == "" {
		name = file
	}
	return Batch{
		ID: store.NewID(), OrgID: by.OrgID, Name: name, FileName: file, State: Reading, DryRun: "{}",
		Deadline: store.InstantPtr(p.Deadline), ParallelDays: p.ParallelDays, PaceMS: p.Pace.Milliseconds(),
		StartAt: store.InstantPtr(p.StartAt), QuietLocal: p.QuietLocal, CreatedBy: by.Name, CreatedAt: store.Instant(s.Now()),
	}
}

// DryRun reads an export and returns the draft it would make, with all its
// findings, and stores nothing. Its batch has no ID.
func (s *Service) DryRun(ctx context.Context, by access.Actor, f File, p Plan) (View, error) {
	if err := errors.Join(by.Need(access.ManageMigration), p.check()); err != nil {
		return View{}, err
	}
	b := s.newBatch(by, p)
	v := View{}
	forecast, summary, err := s.read(ctx, by, &b, f, func(rows []Row, findings []Finding) error {
		for _, r := range rows {
			if r.State == RowFailed {
				v.Counts.Failed++
			} else {
				v.Counts.Pending++
			}
		}
		for _, one := range findings {
			v.add(one)
		}
		return nil
	})
	if err != nil {
		return View{}, err
	}
	v.Notices = append(summary.Findings, v.Notices...) // notices only, see Summary
	v.Notices = v.Notices[:min(len(v.Notices), FindingsShown)]
	b.ID, b.State, b.Total = "", Draft, int64(summary.Rows)
	b.ErrorsTotal, b.NoticesTotal = v.ErrorsTotal, v.NoticesTotal+int64(len(summary.Findings))
	v.Batch, v.Forecast, v.Deadline = b, forecast, s.deadline(b)
	return v, nil
}

// read reads and matches the export and hands it on in groups, but for the
// findings about the file as a whole, which the summary has.
func (s *Service) read(ctx context.Context, by access.Actor, b *Batch, f File, out sink) (Forecast, Summary, error) {
	d := duties{s: s, by: by, known: map[string]error{}, givers: map[string]Finding{}, needs: map[access.Right]bool{}}
	m := matcher{s: s, org: by.OrgID, batch: b.ID}
	summary, err := Read(ctx, f, Options{TestData: s.TestData, Now: s.Now()}, func(r Record, findings []Finding) error {
		ofDuties, err := d.check(ctx, r)
		if err != nil {
			return err
		}
		m.add(r, append(findings, ofDuties...))
		if len(m.rows) < group {
			return nil
		}
		return m.flush(ctx, out)
	})
	if err != nil {
		return Forecast{}, summary, err
	}
	if err := m.flush(ctx, out); err != nil {
		return Forecast{}, summary, err
	}
	b.Needs = d.needed()
	m.forecast.RIDsKept = m.forecast.ToMigrate + m.forecast.AlreadyOnKeyFile
	return m.forecast, summary, nil
}

// matcher turns records into rows and compares them with the employees that
// the organisation has.
type matcher struct {
	s        *Service
	org      access.OrgID
	batch    string
	rows     []Row
	findings [][]Finding // by row
	no       int64
	forecast Forecast
}

func (m *matcher) add(r Record, findings []Finding) {
	m.no++
	row := Row{
		BatchID: m.batch, RowNo: m.no, OrgID: m.org, Line: int64(r.Line), State: RowPending, RID: r.RID,
		GivenName: r.GivenName, Surname: r.Surname, Email: r.Email, Phone: r.Phone, Carrier: r.Carrier,
		PNumber: r.PNumber, SENumber: r.SENumber, LocalUserID: r.LocalUserID,
		Roles: joined(r.Roles), Rights: strings.Join(r.Rights, ","), Powers: strings.Join(r.Powers, ","),
	}
	if !r.DateOfBirth.IsZero() {
		row.DateOfBirth = r.DateOfBirth.Format(time.DateOnly)
	}
	if r.Blocked {
		row.Reason = ReasonBlocked
	}
	if Bad(findings) {
		row.fail(findings)
	} else {
		row.CPRSealed, row.CPRMAC = org.SealCPR(m.s.Keys, m.org, r.RID, r.CPR)
		id := access.EmployeeID(store.NewID())
		row.EmployeeID = &id
	}
	m.rows = append(m.rows, row)
	m.findings = append(m.findings, findings)
}

// fail marks the row by its first error.
func (r *Row) fail(findings []Finding) {
	r.State, r.EmployeeID, r.CPRSealed, r.CPRMAC = RowFailed, nil, nil, nil
	for _, f := range findings {
		if f.Severity == Error {
			r.Reason = f.Code
			return
		}
	}
}

func (m *matcher) flush(ctx context.Context, out sink) error {
	var rids []string
	for _, r := range m.rows {
		if r.State == RowPending {
			rids = append(rids, r.RID)
		}
	}
	known, err := org.ByRID(ctx, m.s.DB, m.org, rids)
	if err != nil {
		return err
	}
	live, err := m.s.Credential.Live(ctx, m.org, known)
	if err != nil {
		return err
	}
	byRID := make(map[string]org.Employee, len(known))
	for _, e := range known {
		byRID[*e.RID] = e
	}
	var all []Finding
	for i := range m.rows {
		r := &m.rows[i]
		if r.State == RowPending {
			e, found := byRID[r.RID]
			m.match(i, e, found, live[e.ID])
		}
		m.count(m.findings[i])
		all = append(all, m.findings[i]...)
	}
	if err := out(m.rows, all); err != nil {
		return err
	}
	m.rows, m.findings = m.rows[:0], m.findings[:0]
	return nil
}

// match compares one row with the employee who has its RID.
func (m *matcher) match(i int, e org.Employee, found bool, live string) {
	r := &m.rows[i]
	if !found {
		m.forecastOf(*r, org.Active, "")
		if r.Reason != ReasonBlocked {
			m.forecast.NewEmployees++
		}
		return
	}
	if otherPerson(*r, e) {
		m.findings[i] = append(m.findings[i], Finding{
			Line: int(r.Line), Column: "RID", Value: r.RID, Code: "cutover.row.rid_taken", Severity: Error,
			Message: "The RID is held by another person here: CPR number or date of birth differ. Check both in the export; a RID is never given to a second person.",
		})
		r.fail(m.findings[i])
		return
	}
	m.forecast.KnownEmployees++
	for _, d := range [][3]string{
		{"given_name", r.GivenName, e.GivenName},
		{"surname", r.Surname, e.Surname},
		{"email", r.Email, e.Email},
		{"phone", r.Phone, e.Phone},
		{"p_number", r.PNumber, e.PNumber},
		{"se_number", r.SENumber, e.SENumber},
		{"local_user_id", r.LocalUserID, e.LocalUserID},
	} {
		if d[1] != "" && d[1] != d[2] {
			m.findings[i] = append(m.findings[i], Finding{
				Line: int(r.Line), Column: d[0], Value: sheet.Shown(d[1]), Code: "cutover.row.differs", Severity: Notice,
				Message: fmt.Sprintf("The employee is known with another value (%q), which is kept. Change the employee if the export is right.", sheet.Shown(d[2])),
			})
		}
	}
	m.forecastOf(*r, e.State, live)
}

func (m *matcher) forecastOf(r Row, state org.State, live string) {
	switch {
	case r.Reason == ReasonBlocked || state != org.Active:
		m.forecast.Blocked++
	case r.Carrier == KeyFile || live != "":
		m.forecast.AlreadyOnKeyFile++
	default:
		m.forecast.ToMigrate++
	}
}

func (m *matcher) count(findings []Finding) {
	for _, f := range findings {
		switch f.Code {
		case "cutover.row.duplicate_rid", "cutover.row.duplicate_cpr", "cutover.row.same_email", "cutover.row.same_person":
			m.forecast.Duplicates++
			return
		}
	}
}

// otherPerson tells whether the RID's holder cannot be the person of the row:
// by CPR number when both have one, else by date of birth.
func otherPerson(r Row, e org.Employee) bool {
	if len(r.CPRMAC) > 0 && len(e.CPRMAC) > 0 {
		return string(r.CPRMAC) != string(e.CPRMAC)
	}
	return r.DateOfBirth != "" && e.DateOfBirth != "" && r.DateOfBirth != e.DateOfBirth
}

// fileFindings is how many numbers are kept for what is known last and shown
// first: the notices about the file as a whole, at most one a column.
const fileFindings = 1000

// writer stores a draft while it is read.
type writer struct {
	s         *Service
	batch     *Batch
	chunkRows int64
	chunk     int64 // number of the latest chunk
	number    int64 // of the latest finding
	errors    int64
	notices   int64
}

// finding is the row of a finding.
func (w *writer) finding(no int64, f Finding) findingRow {
	if f.Severity == Error {
		w.errors++
	} else {
		w.notices++
	}
	return findingRow{
		BatchID: w.batch.ID, No: no, OrgID: w.batch.OrgID, Severity: f.Severity, Line: int64(f.Line),
		Column: f.Column, Value: f.Value, Code: f.Code, Message: f.Message,
	}
}

func (w *writer) store(ctx context.Context, rows []Row, findings []Finding) error {
	stored := make([]findingRow, len(findings))
	for i, f := range findings {
		w.number++
		stored[i] = w.finding(w.number, f)
	}
	chunks := w.chunks(rows)
	return store.InTx(ctx, w.s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := store.Insert(ctx, tx, rows, ""); err != nil {
			return fmt.Errorf("store rows: %w", err)
		}
		if _, err := store.Insert(ctx, tx, stored, ""); err != nil {
			return fmt.Errorf("store findings: %w", err)
		}
		_, err := store.Insert(ctx, tx, chunks, "")
		return err
	})
}

// chunks cuts the rows of a group; no chunk spans two groups.
func (w *writer) chunks(rows []Row) []Chunk {
	var chunks []Chunk
	for from := 0; from < len(rows); from += int(w.chunkRows) {
		part := rows[from:min(from+int(w.chunkRows), len(rows))]
		w.chunk++
		c := Chunk{
			BatchID: w.batch.ID, No: w.chunk, OrgID: w.batch.OrgID,
			FromRow: part[0].RowNo, ToRow: part[len(part)-1].RowNo,
		}
		for _, r := range part {
			if r.State == RowFailed {
				c.Failed++
			} else {
				c.Pending++
			}
		}
		chunks = append(chunks, c)
	}
	return chunks
}

// finish makes the draft visible.
func (w *writer) finish(ctx context.Context, by access.Actor, forecast Forecast, summary Summary) error {
	text, err := json.Marshal(forecast)
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
		res, err := tx.NewUpdate().Model((*Batch)(nil)).Set("state = ?", Draft).Set("total = ?", summary.Rows).
			Set("errors_total = ?", w.errors).Set("notices_total = ?", w.notices).Set("dry_run = ?", string(text)).Set("needs = ?", w.batch.Needs).
			Where("org_id = ?", by.OrgID).Where("id = ?", w.batch.ID).Where("state = ?", Reading).Exec(ctx)
		if err := store.One(res, err, "cutover.batch"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, w.s.Now(), "batch.create", "batch:"+w.batch.ID, fmt.Sprintf("%d rows", summary.Rows)))
	})
}

func joined(roles []access.Role) string {
	all := make([]string, len(roles))
	for i, r := range roles {
		all[i] = string(r)
	}
	return strings.Join(all, ",")
}
