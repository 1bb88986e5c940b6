// Package roster changes many employees at once, from a file: it hides how a
// file becomes the difference that people look at first, and how that is carried
// out in chunks, each row exactly once. The user interface calls it a bulk
// change, and one of them a run.
package roster

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
)

// Service is the front of the package.
type Service struct {
	DB         *bun.DB
	Keys       *secret.Keys
	Org        *org.Service
	Credential *credential.Service
	Approval   *approval.Service
	Audit      *audit.Service
	Now        func() time.Time
	Log        *slog.Logger
	// TestData accepts fictitious CPR numbers.
	TestData bool
}

// rowPurpose seals what a line says until its run is over.
const rowPurpose secret.Purpose = "roster.row"

// ChunkRows is how many rows one piece of work does. A row takes some ten
// statements, and on SQLite everybody else waits for the transaction.
const ChunkRows = 200

// Mode says what is done with the people of a file.
type Mode string

// The modes. Upsert creates who is new and edits who is known; Full also suspends
// who is missing from the file.
const (
	Upsert  Mode = "upsert"
	Full    Mode = "full"
	Suspend Mode = "suspend"
	Delete  Mode = "delete"
)

// State of a run.
type State string

// The states. Reading is a draft that is not whole yet; nobody sees it. Waiting
// is for a second person.
const (
	Reading   State = "reading"
	Draft     State = "draft"
	Waiting   State = "waiting"
	Running   State = "running"
	Completed State = "completed"
	Cancelled State = "cancelled"
)

// Action is what a run does with one person.
type Action string

// The actions. Refuse is a line with an error, or one that fits several people.
const (
	ToCreate     Action = "create"
	ToEdit       Action = "edit"
	ToReactivate Action = "reactivate"
	ToSuspend    Action = "suspend"
	ToDelete     Action = "delete"
	Nothing      Action = "none"
	Refuse       Action = "refuse"
)

// RowState is where one row stands.
type RowState string

// The states of a row. Every row is in exactly one, so the counts sum to the
// total.
const (
	RowPending   RowState = "pending"
	RowDone      RowState = "done"
	RowUnchanged RowState = "unchanged"
	RowFailed    RowState = "failed"
	RowCancelled RowState = "cancelled"
)

// Work that carries a run out.
var (
	ApplyChunk  = outbox.NewKind[ChunkRef]("roster.apply_chunk")
	Tidy        = outbox.NewKind[RunRef]("roster.tidy_run")
	SweepDrafts = outbox.NewKind[struct{}]("roster.sweep_drafts")
)

// RunRef names a run.
type RunRef struct {
	Org access.OrgID `json:"org"`
	Run string       `json:"run"`
}

// ChunkRef names a chunk of a run.
type ChunkRef struct {
	Org access.OrgID `json:"org"`
	Run string       `json:"run"`
	No  int64        `json:"no"`
}

// Run is one file on its way.
type Run struct {
	bun.BaseModel `bun:"table:roster_run"`

	ID           string       `bun:"id,pk"`
	OrgID        access.OrgID `bun:"org_id"`
	Name         string       `bun:"name"`
	FileName     string       `bun:"file_name"`
	Mode         Mode         `bun:"mode"`
	State        State        `bun:"state"`
	Invite       bool         `bun:"invite"`  // new employees get an activation mail
	Total        int64        `bun:"total"`   // rows, those of missing employees included
	Active       int64        `bun:"active"`  // employees who were active when the file was read
	Missing      int64        `bun:"missing"` // of these, not in the file of a full load
	ErrorsTotal  int64        `bun:"errors_total"`
	NoticesTotal int64        `bun:"notices_total"`
	Forecast     string       `bun:"forecast"` // JSON of Forecast
	CreatedBy    string       `bun:"created_by"`
	CreatedAt    time.Time    `bun:"created_at"`
	StartedBy    string       `bun:"started_by"` // name
	Starter      string       `bun:"starter"`    // JSON of starter
	StartedAt    *time.Time   `bun:"started_at"`
	FinishedAt   *time.Time   `bun:"finished_at"`
}

// starter is who started a run, as its audit entries name the actor.
type starter struct {
	ID, Name, Address string
	Employee          access.EmployeeID
}

// actor is the starter, with the one role that Start has checked.
func (r Run) actor() (access.Actor, error) {
	var s starter
	err := json.Unmarshal([]byte(r.Starter), &s)
	return access.Actor{
		OrgID: r.OrgID, ID: s.ID, Name: s.Name, Address: s.Address, Employee: s.Employee,
		Roles: []access.Role{access.UserAdministrator},
	}, err
}

// Forecast is what starting a draft would do, in rows.
type Forecast struct {
	Create     int64 `json:"create"`
	Edit       int64 `json:"edit"`
	Reactivate int64 `json:"reactivate"`
	Suspend    int64 `json:"suspend"`
	Delete     int64 `json:"delete"`
	None       int64 `json:"none"`
	Refuse     int64 `json:"refuse"`
}

func (f *Forecast) count(a Action, n int64) {
	switch a {
	case ToCreate:
		f.Create += n
	case ToEdit:
		f.Edit += n
	case ToReactivate:
		f.Reactivate += n
	case ToSuspend:
		f.Suspend += n
	case ToDelete:
		f.Delete += n
	case Nothing:
		f.None += n
	default:
		f.Refuse += n
	}
}

// Counts are the rows of a run by state.
type Counts struct {
	Pending   int64 `bun:"pending" json:"pending"`
	Done      int64 `bun:"done" json:"done"`
	Unchanged int64 `bun:"unchanged" json:"unchanged"`
	Failed    int64 `bun:"failed" json:"failed"`
	Cancelled int64 `bun:"cancelled" json:"cancelled"`
}

// Chunk is a range of rows, the unit of work, and the counter of its rows'
// states.
type Chunk struct {
	bun.BaseModel `bun:"table:roster_chunk"`

	OrgID   access.OrgID `bun:"org_id,pk"`
	RunID   string       `bun:"run_id,pk"`
	No      int64        `bun:"no,pk"`
	FromRow int64        `bun:"from_row"` // first and last row_no
	ToRow   int64        `bun:"to_row"`
	Counts
	DoneAt *time.Time `bun:"done_at"`
}

// Row is one line of the file, or an employee who is missing from it (line 0).
type Row struct {
	bun.BaseModel `bun:"table:roster_row"`

	OrgID      access.OrgID       `bun:"org_id,pk"`
	RunID      string             `bun:"run_id,pk"`
	RowNo      int64              `bun:"row_no,pk"` // from 1
	Line       int64              `bun:"line"`
	Action     Action             `bun:"action"`
	State      RowState           `bun:"state"`
	Reason     string             `bun:"reason"`  // a fault's code: why refused or failed
	Message    string             `bun:"message"` // its sentence
	Name       string             `bun:"name"`
	Email      string             `bun:"email"`
	RID        string             `bun:"rid"`
	Changes    string             `bun:"changes"` // JSON of []Change
	Person     []byte             `bun:"person"`  // JSON of line, sealed; nil when the run is over
	EmployeeID *access.EmployeeID `bun:"employee_id"`
}

// Change is one field that differs; a CPR number and other long or secret values
// have no texts.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Differences are the fields that the row changes.
func (r Row) Differences() []Change {
	var all []Change
	_ = json.Unmarshal([]byte(r.Changes), &all) // written by us
	return all
}

// DropDrafts deletes drafts that were never finished, an hour after they were
// begun, and drafts that nobody started for 30 days: they hold personal data.
func (s *Service) DropDrafts(ctx context.Context) error {
	now := s.Now().UTC()
	_, err := s.DB.NewDelete().Model((*Run)(nil)).
		WhereOr("state = ? AND created_at < ?", Reading, now.Add(-time.Hour)).
		WhereOr("state IN (?, ?) AND created_at < ?", Draft, Waiting, now.AddDate(0, 0, -30)).Exec(ctx)
	return err
}
