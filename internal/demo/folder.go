package demo

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/adgang/adgang/internal/config"
)

const (
	// folder holds the demo's own files, in the data folder.
	folder = "demo"
	// mark is the file that says who made the data folder.
	mark = "created-by-demo"
)

// CheckData refuses a data folder that holds anything and was not made by the
// demo: fictitious people do not belong among real ones, nor a key file beside
// its password. Errors: *config.Error.
func CheckData(data string) error {
	entries, err := os.ReadDir(data)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err == nil {
		if _, err = os.Stat(filepath.Join(data, folder, mark)); err == nil {
			return nil
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return &config.Error{Variable: "ADGANG_DATA", Text: "must be a new or empty folder with --demo, or one that --demo made; " + data + " holds something else"}
	}
	return err
}

// MarkData makes the data folder, if it is not there, and says in it that the
// demo made it; nothing else may be written before. It refuses what CheckData
// refuses, and leaves it as it is.
func MarkData(data string) error {
	if err := CheckData(data); err != nil {
		return err
	}
	path := filepath.Join(data, folder, mark)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "adgang serve --demo made this data folder. Nobody in it exists.\n")
		return err
	})
}

// write makes a file of mode 0600 that is there whole or not at all, and its
// folder.
func write(path string, content func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".demo-*") // made 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // finds nothing after the rename
	if err := errors.Join(content(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// contents is for write.
func contents(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(b))
		return err
	}
}

// exists tells whether all the files are there.
func exists(paths ...string) (bool, error) {
	for _, p := range paths {
		if _, err := os.Stat(p); errors.Is(err, os.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}
