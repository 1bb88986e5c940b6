// Package cutover moves the employees of an organisation in bulk from code
// cards to key files: it reads and checks an export, and hides how a batch of
// its rows is carried out in chunks, each row exactly once. The user interface
// calls it a migration batch.
package cutover

import (
	"context"
	"log/slog"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/sheet"
)

// Carrier is what an employee's legacy signature lives on.
type Carrier string

// The three carriers. Code cards and hardware migrate; a key file is where the
// migration leads to.
const (
	CodeCard Carrier = "code_card"
	KeyFile  Carrier = "key_file"
	Hardware Carrier = "hardware"
)

// Record is one data row of an export. In a row with an Error the fields that
// were right are filled and the others are zero.
type Record struct {
	Line        int    // first physical line, or the sheet row
	RID         string // 1 to 64 characters, compared exactly
	GivenName   string // NFC, as are all names
	Surname     string
	Email       string    // as typed; may be internationalised
	Phone       string    // "" when not given
	CPR         string    // ten digits, "" when not given
	DateOfBirth time.Time // midnight UTC, from the CPR number when not given
	Carrier     Carrier
	Blocked     bool
	PNumber     string // ten digits or ""
	SENumber    string // eight digits or ""
	LocalUserID string
	Roles       []access.Role
	Rights      []string // URIs
	Powers      []string // CVR numbers of who gave powers of attorney
}

// LogValue keeps personal data out of logs.
func (Record) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// Options are the circumstances of a reading.
type Options struct {
	TestData bool      // accept CPR numbers with 60 added to the day, with one notice
	Now      time.Time // nobody is born after it
}

// Read reads an export, CSV or .xlsx by its content, and calls visit once for
// each data row in the order of the file, with the findings of that row. It
// never holds the file in memory, except for the texts of a spreadsheet (at
// most 128 MiB). The slice of findings is the visitor's to keep.
//
// A file that cannot be taken in is a fault.Invalid that wraps a *FileError;
// damage can turn up after rows were visited, so a visitor must be able to
// discard what it has seen. An error of visit or ctx stops the reading and is
// returned as it is.
func Read(ctx context.Context, f File, o Options, visit func(Record, []Finding) error) (Summary, error) {
	form := form
	form.TestData, form.Now = o.TestData, o.Now
	var c checker
	sum, err := form.Read(ctx, f, func(row *sheet.Row) error {
		rec := c.check(row)
		return visit(rec, released(row.Findings))
	})
	sum.Findings = released(sum.Findings)
	return sum, releasedError(err)
}
