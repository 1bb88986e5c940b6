package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary returns the path of the adgang binary for a test: the one that
// ADGANG_TEST_BINARY names, as `make test` does, else one built into dir.
func Binary(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("ADGANG_TEST_BINARY"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "adgang")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/adgang/adgang/cmd/adgang") //nolint:gosec // the caller's folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary: %w: %s", err, out)
	}
	return path, nil
}
