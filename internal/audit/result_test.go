package audit_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/testkit"
)

// A signed result is checked without Adgang, by us and by OpenSSL; a changed byte is
// found in each of its parts.
func TestWriteResult(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := service(t, db)
		const rows = "line;state\r\n2;invited\r\n3;failed\r\n"
		var b bytes.Buffer
		err := s.WriteResult(t.Context(), reader, "batch:1", &b, func(w io.Writer) error {
			_, err := io.WriteString(w, rows)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := audit.VerifyResult(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil || len(p.Problems) != 0 || p.Subject != "batch:1" || p.OrgID != "org" || p.Size != int64(len(rows)) {
			t.Errorf("VerifyResult = %+v, %v", p, err)
		}
		if !audit.IsResult(bytes.NewReader(b.Bytes()), int64(b.Len())) || audit.IsResult(strings.NewReader("x"), 1) {
			t.Error("IsResult does not tell a result from another file")
		}
		for _, tc := range []struct{ part, from, to, want string }{
			{"result.csv", "3;failed", "3;invite", "changed"},
			{"result.csv", "\r\n3", "\r\n\r\n3", "changed"},
			{"statement.txt", "batch:1", "batch:2", "file"},
			{"statement.txt", "organisation org", "organisation oth", "file"},
		} {
			forged := rewritten(t, b.Bytes(), tc.part, func(s string) string { return strings.Replace(s, tc.from, tc.to, 1) })
			p, err := audit.VerifyResult(bytes.NewReader(forged), int64(len(forged)))
			if err != nil || len(p.Problems) != 1 || p.Problems[0].Kind != tc.want {
				t.Errorf("%q for %q in %s: VerifyResult = %+v, %v, want %s", tc.to, tc.from, tc.part, p.Problems, err, tc.want)
			}
		}
		openssl(t, b.Bytes())
		taken, err := audit.Of(t.Context(), db, "org", "batch:1")
		if err != nil || len(taken) != 1 || taken[0].Verb != "result.sign" || len(taken[0].Note) != 64 {
			t.Errorf("entries = %+v, %v", taken, err)
		}
		broken := errors.New("broken")
		if err := s.WriteResult(t.Context(), reader, "batch:2", io.Discard, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("WriteResult of what breaks off = %v", err)
		}
		if taken, err := audit.Of(t.Context(), db, "org", "batch:2"); err != nil || len(taken) != 0 {
			t.Errorf("what broke off is on record: %+v, %v", taken, err)
		}
	})
}

// openssl does what README.txt says.
func openssl(t *testing.T, archive []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	folder, statement := t.TempDir(), ""
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, f.Name), body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "statement.txt" {
			statement = string(body)
		}
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("openssl %q: %v: %s", args, err, out)
		}
		return string(out)
	}
	if out := run("dgst", "-sha256", "-verify", "key.pem", "-signature", "statement.sig", "statement.txt"); !strings.Contains(out, "Verified OK") {
		t.Errorf("openssl says %s", out)
	}
	if _, digest, _ := strings.Cut(run("dgst", "-sha256", "result.csv"), "= "); !strings.Contains(statement, "sha256 "+digest) {
		t.Errorf("openssl digests %s", digest)
	}
}
