package jobs

import (
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// LockFile is the file in the data folder whose lock makes a process the owner of
// the embedded queue.
const LockFile = "queue.lock"

// LockQueue makes this process the owner of the embedded queue until release is
// called or the process ends, however it ends. It is false when another process is
// the owner.
func LockQueue(dataDir string) (release func(), ok bool, err error) {
	lock := flock.New(filepath.Join(dataDir, LockFile), flock.SetPermissions(0o600))
	ok, err = lock.TryLock()
	if err != nil {
		return nil, false, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	if !ok {
		return nil, false, nil
	}
	return func() { _ = lock.Close() }, true, nil
}
