package access_test

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/adgang/adgang/internal/access"
)

var update = flag.Bool("update", false, "rewrite docs/roles.md")

func TestTheDocumentIsTheTable(t *testing.T) {
	t.Parallel()
	const path = "../../docs/roles.md"
	want := access.Document()
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/roles.md is not the role table (%v): go test ./internal/access -update", err)
	}
}

func TestEveryLineIsWhole(t *testing.T) {
	t.Parallel()
	known := append([]access.Role{access.User}, access.Roles...)
	for _, line := range slices.Concat(access.Self, access.Table) {
		if line.Text == "" || line.Danish == "" || line.Text == line.Danish || len(line.Roles) == 0 {
			t.Errorf("the line %+v lacks something", line)
		}
		if _, ok := access.Sources[line.Source]; line.Source != "" && !ok {
			t.Errorf("%q has the source %q, which is none", line.Text, line.Source)
		}
		for _, role := range line.Roles {
			if !slices.Contains(known, role) || role.Name("da") == string(role) || role.Name("en") == "" {
				t.Errorf("%q has the role %q", line.Text, role)
			}
		}
		if slices.Contains(line.Roles, access.User) != (line.Right == "") {
			t.Errorf("%q: the role of user carries no right", line.Text)
		}
	}
}
