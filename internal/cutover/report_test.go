package cutover_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
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

// The signed result of a batch tells each row, and is the own organisation's alone.
func TestWriteResult(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, dutyFile(dutyRow("r1", "", "", ""), dutyRow("r2", "", "", "")), cutover.Plan{})
		m.start(t, v.ID)
		m.Drain(t)
		var b bytes.Buffer
		if err := m.Cutover.WriteResult(t.Context(), m.own.Actor, v.ID, &b); err != nil {
			t.Fatal(err)
		}
		p, err := audit.VerifyResult(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil || len(p.Problems) != 0 || p.Subject != "batch:"+v.ID || p.OrgID != m.own.ID {
			t.Errorf("VerifyResult = %+v, %v", p, err)
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.Open("result.csv")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if lines := strings.Split(string(text), "\r\n"); err != nil || len(lines) != 4 || !strings.HasPrefix(lines[1], "2;invited;;r1;Bor1;Holm;") || !strings.HasPrefix(lines[2], "3;invited;;r2;") {
			t.Errorf("result = %q, %v", text, err)
		}
		b.Reset()
		if err := m.Cutover.WriteResult(t.Context(), m.other.Actor, v.ID, &b); fault.KindOf(err) != fault.Absent || b.Len() != 0 {
			t.Errorf("another organisation's WriteResult = %v, %d bytes", err, b.Len())
		}
	})
}
