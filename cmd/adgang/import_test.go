package main_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

func TestDryRun(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	db := p.DB(t)
	before := testkit.Contents(t, db)
	for _, tc := range []struct {
		name string
		rows []string
		code int
		want web.Counts
	}{
		{"all rows are good", []string{anna, bo}, 0, web.Counts{Pending: 2}},
		{"some rows are bad", []string{anna, wrong, bo}, 2, web.Counts{Pending: 2, Failed: 1}},
		{"all rows are bad", []string{wrong}, 2, web.Counts{Failed: 1}},
	} {
		var b web.Batch
		r := p.Must(t, tc.code, &b, "import", "--org", testkit.CVR, "--dry-run", "--json", export(t, tc.rows...))
		if b.ID != nil || b.State != "draft" || b.Counts != tc.want || b.Total != len(tc.rows) || b.ErrorsTotal != tc.want.Failed || r.Err != "" {
			t.Errorf("%s: %s%s", tc.name, r.Out, r.Err)
		}
		if !strings.Contains(r.Out, `"id": null`) {
			t.Errorf("%s: the ID is not null: %s", tc.name, r.Out)
		}
	}
	r := p.Must(t, 2, nil, "import", "--org", testkit.CVR, "--dry-run", export(t, anna, wrong))
	if !strings.Contains(r.Out, `error, line 3, E-mail "carl(at)nordvind.example": `) || r.Err != "" {
		t.Errorf("dry run in words: %s%s", r.Out, r.Err)
	}
	if after := testkit.Contents(t, db); !maps.EqualFunc(before, after, slices.Equal) {
		t.Error("a dry run has changed the database")
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	file := export(t, anna, wrong, bo)
	var drafted, started, shown, again web.Batch
	p.Must(t, 2, &drafted, "import", "--org", testkit.CVR, "--json", file)
	if drafted.State != "draft" || drafted.Counts != (web.Counts{Pending: 2, Failed: 1}) || drafted.FileName != "export.csv" {
		t.Errorf("import = %+v", drafted)
	}
	p.Must(t, 2, &started, "import", "--org", testkit.CVR, "--start", "--wait", "--json", file)
	if started.State != "completed" || started.Counts != (web.Counts{Invited: 2, Failed: 1}) || len(started.Errors) != 1 || started.Errors[0].Line != 3 {
		t.Errorf("import --start --wait = %+v", started)
	}
	if mails, _ := filepath.Glob(filepath.Join(p.Data, "mail", "*.eml")); len(mails) != 2 {
		t.Errorf("import --start --wait left %d mails, want 2", len(mails))
	}
	p.Must(t, 0, &shown, "batch", "show", "--json", *started.ID)
	want, _ := json.Marshal(started)
	if got, _ := json.Marshal(shown); string(got) != string(want) {
		t.Errorf("batch show = %s, want as import said: %s", got, want)
	}
	if r := p.Must(t, 0, nil, "batch", "show", *started.ID); !strings.Contains(r.Out, "completed: 3 rows: 0 pending, 2 invited") {
		t.Errorf("batch show in words: %s", r.Out)
	}

	db := p.DB(t)
	before := testkit.Contents(t, db)
	p.Must(t, 0, &again, "import", "--org", testkit.CVR, "--start", "--wait", "--json", export(t, anna, bo))
	if again.State != "completed" || again.Counts != (web.Counts{Skipped: 2}) {
		t.Errorf("the same rows again = %+v", again)
	}
	after := testkit.Contents(t, db)
	for _, table := range []string{"employee", "key_file", "activation", "message", "code_card"} {
		if !slices.Equal(before[table], after[table]) {
			t.Errorf("the same rows again changed %s", table)
		}
	}
}

func TestImportRefused(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t, "ADGANG_MAX_UPLOAD=200")
	path := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(path, []byte("Fornavn;Telefon\nAnna;1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := p.Must(t, 2, nil, "import", "--org", testkit.CVR, path)
	if lines := strings.Count(r.Err, "line 1, "); lines < 3 || r.Out != "" {
		t.Errorf("a file without its columns: %s%s", r.Out, r.Err)
	}
	sentence(t, p.Run(t, "import", "--org", testkit.CVR, export(t, anna, bo, wrong)), 2, "ADGANG_MAX_UPLOAD")
}

// Beside a server, which does the work, --wait polls; without one each waits for
// its turn.
func TestImportsBesideEachOther(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]bool{"with a server": true, "without a server": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testkit.NewProgram(t)
			p.Must(t, 0, nil, "org", "create", "--cvr", "87654321", "--name", "Søvind", "--admin-email", "a@b.example")
			if serve {
				p.Serve(t)
			}
			var all sync.WaitGroup
			for _, cvr := range []string{testkit.CVR, "87654321"} {
				for _, row := range []string{anna, bo} {
					all.Go(func() {
						var b web.Batch
						r := p.Run(t, "import", "--org", cvr, "--start", "--wait", "--json", export(t, row))
						err := json.Unmarshal([]byte(r.Out), &b)
						if r.Code != 0 || err != nil || b.State != "completed" || b.Counts != (web.Counts{Invited: 1}) {
							t.Errorf("import for %s = %d, %v: %s%s", cvr, r.Code, err, r.Out, r.Err)
						}
					})
				}
			}
			all.Wait()
		})
	}
}
