package mail

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// folderTransport writes each mail to <folder>/<ID>.eml. A mail that is sent
// again replaces itself.
type folderTransport string

// Send implements Transport.
func (f folderTransport) Send(ctx context.Context, envelopes []Envelope) []error {
	errs := make([]error, len(envelopes))
	for i, e := range envelopes {
		if ctx.Err() != nil {
			errs[i] = errUntried
			continue
		}
		if err := f.write(e); err != nil {
			errs[i] = errFolder.Because(err)
		}
	}
	return errs
}

// write leaves either the whole mail under its name or nothing: the file is
// complete on the disk before it gets its name.
func (f folderTransport) write(e Envelope) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(string(f), ".mail-*") // made 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // finds nothing after the rename
	_, err = file.Write(e.Raw)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(string(f), e.ID+suffix))
}
