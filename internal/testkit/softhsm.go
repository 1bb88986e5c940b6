package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/adgang/adgang/internal/token"
)

// PIN is the user's PIN of the tokens that tests get.
const PIN = "246810"

// softHSM is a store of tokens in a folder. The library reads the list of tokens
// once for a process, so they are all made before the first is handed out.
type softHSM struct {
	dir  string
	left []string
	err  error
}

var (
	softHSMOnce sync.Once
	softHSMs    softHSM
	softHSMMu   sync.Mutex
)

// softHSMTokens is how many tokens the tests of one package may ask for.
const softHSMTokens = 8

// Token returns an empty token of SoftHSM2 that is this test's alone, and the
// folder that its objects are in. Programs that the test starts find it too.
func Token(t testing.TB) (c token.Config, dir string) {
	t.Helper()
	softHSMOnce.Do(func() { softHSMs.err = softHSMs.make() })
	if softHSMs.err != nil {
		t.Fatal(softHSMs.err)
	}
	softHSMMu.Lock()
	defer softHSMMu.Unlock()
	if len(softHSMs.left) == 0 {
		t.Fatalf("more than %d tokens are asked for", softHSMTokens)
	}
	label := softHSMs.left[0]
	softHSMs.left = softHSMs.left[1:]
	pin := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(pin, []byte(PIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return token.Config{Module: "/usr/lib/softhsm/libsofthsm2.so", Label: label, PINFile: pin}, filepath.Join(softHSMs.dir, "tokens")
}

func (s *softHSM) make() error {
	dir, err := os.MkdirTemp("", "adgang-softhsm-")
	if err != nil {
		return err
	}
	s.dir = dir
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.Mkdir(filepath.Join(dir, "tokens"), 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil { // for all tests of the process
		return err
	}
	for n := range softHSMTokens {
		label := fmt.Sprintf("adgang-%d", n)
		out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", PIN, "--pin", PIN).CombinedOutput() //nolint:gosec,noctx // our own
		if err != nil {
			return fmt.Errorf("softhsm2-util: %w: %s", err, out)
		}
		s.left = append(s.left, label)
	}
	return nil
}
