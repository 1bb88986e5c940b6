package cutover

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/entitlement"
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
	Rights     *entitlement.Service
	Attorney   *attorney.Service
	Audit      *audit.Service
	Now        func() time.Time
	Log        *slog.Logger
	// TestData accepts fictitious CPR numbers.
	TestData bool
	// ClosedAt is the deadline of batches without one of their own; may be nil.
	ClosedAt *time.Time
}

// ChunkRows is how many rows one piece of work migrates: docs/adr/0002 says why
// 500.
const ChunkRows = 500

// State of a batch.
type State string

// The states. Reading is a draft that is not whole yet; nobody sees it.
const (
	Reading   State = "reading"
	Draft     State = "draft"
	Running   State = "running"
	Paused    State = "paused"
	Completed State = "completed"
	Cancelled State = "cancelled"
)

// RowState is where one row stands.
type RowState string

// The states of a row. Every row is in exactly one, so the counts sum to the
// total.
const (
	RowPending   RowState = "pending"
	RowInvited   RowState = "invited"
	RowActivated RowState = "activated"
	RowSkipped   RowState = "skipped"
	RowFailed    RowState = "failed"
	RowCancelled RowState = "cancelled"
)

// Why a row was skipped, or failed after the draft.
const (
	ReasonOnKeyFile   = "already_on_key_file"
	ReasonInvited     = "already_invited"
	ReasonBlocked     = "blocked_in_file"
	ReasonStopped     = "employee_stopped"
	ReasonOtherPerson = "rid_of_another_person"
)

// Trying stands where a reason stood while the work that gives it is on its way.
const Trying = "being_tried"

// ReasonStarter is why nothing was given: who started the batch, or tried again,
// has lost the role that it needs.
const ReasonStarter = "starter_lacks_right"

// Work that carries a batch out.
var (
	MigrateChunk = outbox.NewKind[ChunkRef]("cutover.migrate_chunk")
	GiveChunk    = outbox.NewKind[ChunkRef]("cutover.give_chunk")
	Tidy         = outbox.NewKind[BatchRef]("cutover.tidy_batch")
	SweepDrafts  = outbox.NewKind[struct{}]("cutover.sweep_drafts")
)

// BatchRef names a batch.
type BatchRef struct {
	Org   access.OrgID `json:"org"`
	Batch string       `json:"batch"`
}

// ChunkRef names a chunk of a batch.
type ChunkRef struct {
	Org   access.OrgID `json:"org"`
	Batch string       `json:"batch"`
	No    int64        `json:"no"`
}

// Batch is one export on its way: "migration batch" in the user interface.
type Batch struct {
	bun.BaseModel `bun:"table:batch"`

	ID           string       `bun:"id,pk"`
	OrgID        access.OrgID `bun:"org_id"`
	Name         string       `bun:"name"`
	FileName     string       `bun:"file_name"`
	State        State        `bun:"state"`
	Total        int64        `bun:"total"` // data rows
	ErrorsTotal  int64        `bun:"errors_total"`
	NoticesTotal int64        `bun:"notices_total"`
	DryRun       string       `bun:"dry_run"` // JSON of Forecast
	Deadline     *time.Time   `bun:"deadline"`
	ParallelDays *int64       `bun:"parallel_days"`
	PaceMS       int64        `bun:"pace_ms"` // between two chunks; 0 = as fast as it goes
	StartAt      *time.Time   `bun:"start_at"`
	QuietLocal   bool         `bun:"quiet_local"` // no mail to employees with a local user ID
	Needs        string       `bun:"needs"`       // rights that the starter must hold, a comma between
	Starter      string       `bun:"starter"`     // JSON of starter
	CreatedBy    string       `bun:"created_by"`
	CreatedAt    time.Time    `bun:"created_at"`
	StartedAt    *time.Time   `bun:"started_at"`
	FinishedAt   *time.Time   `bun:"finished_at"`
}

// Forecast is what starting a draft would do, in rows.
type Forecast struct {
	ToMigrate        int64 `json:"to_migrate"`
	AlreadyOnKeyFile int64 `json:"already_on_key_file"` // or invited to one
	Blocked          int64 `json:"blocked"`             // in the file, or stopped here
	Duplicates       int64 `json:"duplicates"`          // rows that repeat another's RID, CPR, e-mail or person
	RIDsKept         int64 `json:"rids_kept"`
	NewEmployees     int64 `json:"new_employees"`
	KnownEmployees   int64 `json:"known_employees"`
}

// Counts are the rows of a batch by state.
type Counts struct {
	Pending   int64 `bun:"pending" json:"pending"`
	Invited   int64 `bun:"invited" json:"invited"`
	Activated int64 `bun:"activated" json:"activated"`
	Skipped   int64 `bun:"skipped" json:"skipped"`
	Failed    int64 `bun:"failed" json:"failed"`
	Cancelled int64 `bun:"cancelled" json:"cancelled"`
}

// Chunk is a range of rows, the unit of work, and the counter of its rows'
// states: every transaction that moves a row keeps its chunk's counts.
type Chunk struct {
	bun.BaseModel `bun:"table:batch_chunk"`

	BatchID string       `bun:"batch_id,pk"`
	No      int64        `bun:"no,pk"`
	OrgID   access.OrgID `bun:"org_id"`
	FromRow int64        `bun:"from_row"` // first and last row_no
	ToRow   int64        `bun:"to_row"`
	Counts
	DoneAt *time.Time `bun:"done_at"`
}

// Row is one line of the export. Its EmployeeID is chosen when it is read, so
// that migrating a new employee needs no second look-up; a known employee's own
// takes its place. A failed row keeps what could be read of it.
type Row struct {
	bun.BaseModel `bun:"table:batch_row"`

	BatchID     string             `bun:"batch_id,pk"`
	RowNo       int64              `bun:"row_no,pk"` // from 1
	OrgID       access.OrgID       `bun:"org_id"`
	Line        int64              `bun:"line"`
	State       RowState           `bun:"state"`
	Reason      string             `bun:"reason"` // why skipped or failed
	RID         string             `bun:"rid"`
	GivenName   string             `bun:"given_name"`
	Surname     string             `bun:"surname"`
	Email       string             `bun:"email"`
	Phone       string             `bun:"phone"`
	CPRSealed   []byte             `bun:"cpr_sealed"`
	CPRMAC      []byte             `bun:"cpr_mac"`
	DateOfBirth string             `bun:"date_of_birth"`
	Carrier     Carrier            `bun:"carrier"`
	PNumber     string             `bun:"p_number"`
	SENumber    string             `bun:"se_number"`
	LocalUserID string             `bun:"local_user_id"`
	Roles       string             `bun:"roles"`        // a comma between
	Rights      string             `bun:"rights"`       // URIs, a comma between
	Powers      string             `bun:"powers"`       // CVR numbers of who gave powers of attorney, a comma between
	NotGiven    string             `bun:"not_given"`    // why roles and rights were not given: a code, or Trying
	NotAttached string             `bun:"not_attached"` // the same of the powers
	EmployeeID  *access.EmployeeID `bun:"employee_id"`
}

// findingRow is a stored Finding.
type findingRow struct {
	bun.BaseModel `bun:"table:batch_finding"`

	BatchID  string       `bun:"batch_id,pk"`
	No       int64        `bun:"no,pk"`
	OrgID    access.OrgID `bun:"org_id"`
	Severity Severity     `bun:"severity"`
	Line     int64        `bun:"line"`
	Column   string       `bun:"col"`
	Value    string       `bun:"value"`
	Code     string       `bun:"code"`
	Message  string       `bun:"message"`
}

func (f findingRow) finding() Finding {
	return Finding{Line: int(f.Line), Column: f.Column, Value: f.Value, Code: f.Code, Message: f.Message, Severity: f.Severity}
}

// DropDrafts deletes drafts that were never finished, an hour after they were
// begun, and drafts that nobody started for 30 days: they hold personal data.
func (s *Service) DropDrafts(ctx context.Context) error {
	now := s.Now().UTC()
	_, err := s.DB.NewDelete().Model((*Batch)(nil)).
		WhereOr("state = ? AND created_at < ?", Reading, now.Add(-time.Hour)).
		WhereOr("state = ? AND created_at < ?", Draft, now.AddDate(0, 0, -30)).Exec(ctx)
	return err
}
