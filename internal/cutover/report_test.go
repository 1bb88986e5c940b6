package cutover_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/adgang/adgang/internal/cutover"
)

func TestReport(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	r, err := cutover.NewReport(&b)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Write(
		cutover.Finding{Line: 4, Severity: cutover.Error, Column: "CPR", Value: "010190-xxxx", Code: "cutover.row.cpr", Message: "Not a CPR; number."},
		cutover.Finding{Line: 5, Severity: cutover.Notice, Column: "@x", Value: "=cmd|' /C calc'!A0", Code: "c", Message: "-m"},
		cutover.Finding{Value: "+45", Message: "\tæ\"ø"},
		cutover.Finding{Value: "\r1", Message: "a=b"},
	)
	if err = errors.Join(err, r.Flush()); err != nil {
		t.Fatal(err)
	}
	want := "\uFEFFline;severity;column;value;code;message\r\n" +
		"4;error;CPR;010190-xxxx;cutover.row.cpr;\"Not a CPR; number.\"\r\n" +
		"5;notice;'@x;'=cmd|' /C calc'!A0;c;'-m\r\n" +
		"0;;;'+45;;\"'\tæ\"\"ø\"\r\n" +
		"0;;;\"'1\";;a=b\r\n" // encoding/csv leaves lone carriage returns out
	if b.String() != want {
		t.Errorf("report:\n%q\nwant\n%q", b.String(), want)
	}
}
