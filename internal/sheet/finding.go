package sheet

import (
	"fmt"

	"github.com/adgang/adgang/internal/fault"
)

// Severity says whether a row with this finding can be taken in.
type Severity string

// An Error keeps its row out, a Notice does not.
const (
	Error  Severity = "error"
	Notice Severity = "notice"
)

// Finding is one thing the reader of a file has to tell a person.
type Finding struct {
	Line     int      `json:"line"`   // first physical line or sheet row, 1 = the header, 0 = the file as a whole
	Column   string   `json:"column"` // header as in the file, "" when the finding is about the whole row
	Value    string   `json:"value"`  // at most 200 characters; CPR numbers are masked
	Code     string   `json:"code"`   // "sheet.file.*" or "sheet.row.*", stable
	Message  string   `json:"message"`
	Severity Severity `json:"severity"`
}

// Bad reports whether any of the findings is an Error.
func Bad(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == Error {
			return true
		}
	}
	return false
}

// FileError is what is wrong with a file that cannot be taken in at all. It is
// the cause of the fault.Invalid that Read returns:
//
//	if r, ok := errors.AsType[*sheet.FileError](err); ok { ... r.Findings ... }
type FileError struct {
	Findings []Finding // at least one Error
}

func (r *FileError) Error() string {
	return fmt.Sprintf("%d findings, the first on line %d", len(r.Findings), r.Findings[0].Line)
}

// Refuse makes the fault.Invalid of a file; code and sentence are those of the
// first error among the findings.
func Refuse(findings ...Finding) error {
	first := findings[0]
	for _, f := range findings {
		if f.Severity == Error {
			first = f
			break
		}
	}
	e := fault.New(fault.Invalid, first.Code, "%s", first.Message)
	return e.On("file").Because(&FileError{Findings: findings})
}

// refusef refuses a file for one reason; line 0 means the file as a whole.
func refusef(line int, code, text string, args ...any) error {
	return Refuse(Finding{Line: line, Code: code, Message: fmt.Sprintf(text, args...), Severity: Error})
}

const maxValue = 200 // characters of a cell that a finding repeats

func cut(s string, runes int) string {
	if len(s) <= runes {
		return s
	}
	n := 0
	for i := range s {
		if n == runes-1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
