package demo_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/demo"
)

func TestCheckData(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		prepare func(data string) error
		refused bool
	}{
		{name: "absent", prepare: func(string) error { return nil }},
		{name: "empty", prepare: func(data string) error { return os.Mkdir(data, 0o700) }},
		{name: "made by the demo", prepare: demo.MarkData},
		{name: "made by the demo, then used", prepare: func(data string) error {
			return errors.Join(demo.MarkData(data), os.WriteFile(filepath.Join(data, "adgang.db"), nil, 0o600), demo.MarkData(data))
		}},
		{name: "of an installation", refused: true, prepare: func(data string) error {
			return errors.Join(os.Mkdir(data, 0o700), os.WriteFile(filepath.Join(data, "adgang.db"), nil, 0o600))
		}},
		{name: "with a folder that is called demo", refused: true, prepare: func(data string) error {
			return os.MkdirAll(filepath.Join(data, "demo"), 0o700)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data")
			if err := tc.prepare(data); err != nil {
				t.Fatal(err)
			}
			err := demo.CheckData(data)
			wrong, ok := errors.AsType[*config.Error](err)
			if ok != tc.refused || (err != nil) != tc.refused {
				t.Fatalf("CheckData = %v, want refused = %t", err, tc.refused)
			}
			if again := demo.MarkData(data); (again != nil) != tc.refused {
				t.Errorf("MarkData = %v, want refused = %t", again, tc.refused)
			}
			if again := demo.CheckData(data); (again != nil) != tc.refused {
				t.Errorf("CheckData after MarkData = %v, want refused = %t", again, tc.refused)
			}
			if ok && (wrong.Variable != "ADGANG_DATA" || !strings.Contains(wrong.Text, data)) {
				t.Errorf("CheckData = %q, want the variable and the folder named", wrong)
			}
		})
	}
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		data := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(data, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := demo.CheckData(data); err == nil {
			t.Error("CheckData of a file = nil, want an error")
		}
	})
}
