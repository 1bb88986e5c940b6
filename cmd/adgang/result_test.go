package main_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/testkit"
)

// Whoever gets the signed result of a batch checks it with the command, without the
// installation's database, and a changed byte is found.
func TestAuditVerifyResultOfABatch(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	company := d.Company(t, "34051178")
	v, err := d.Cutover.Create(t.Context(), company.Actor, bytes.NewReader([]byte("RID;Fornavn;Efternavn;E-mail;CPR\n"+anna+"\n"+bo+"\n")), cutover.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Cutover.Start(t.Context(), company.Actor, v.ID, false, nil); err != nil {
		t.Fatal(err)
	}
	d.Drain(t)
	var result bytes.Buffer
	if err := d.Cutover.WriteResult(t.Context(), company.Actor, v.ID, &result); err != nil {
		t.Fatal(err)
	}
	p := testkit.NewProgram(t)
	if r := p.Must(t, 0, nil, "audit", "verify", "--file", stored(t, result.Bytes())); !strings.Contains(r.Out, "result of batch:"+v.ID) {
		t.Errorf("audit verify of the result says %s%s", r.Out, r.Err)
	}
	r := p.Run(t, "audit", "verify", "--file", stored(t, spoiled(t, result.Bytes(), "result.csv")))
	if r.Code != 1 || !strings.Contains(r.Out+r.Err, "not as it was signed") {
		t.Errorf("with a changed byte in result.csv it ends with %d and says %s%s", r.Code, r.Out, r.Err)
	}
	for _, name := range []string{"statement.txt", "statement.sig"} {
		if r := p.Run(t, "audit", "verify", "--file", stored(t, spoiled(t, result.Bytes(), name))); r.Code == 0 {
			t.Errorf("with a changed byte in %s it passes: %s", name, r.Out)
		}
	}
}

func stored(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.zip")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// spoiled is an archive with one byte changed in the middle of one of its files.
func spoiled(t *testing.T, archive []byte, name string) []byte {
	t.Helper()
	from, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == name {
			text[len(text)/2] ^= 1
		}
		w, err := to.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
