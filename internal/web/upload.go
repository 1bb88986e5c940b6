package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
)

// upload is a file that has been spooled to disk, with its name.
type upload struct {
	file *os.File
	name string
}

func (u *upload) discard() {
	if u.file != nil {
		_ = u.file.Close()
		_ = os.Remove(u.file.Name())
	}
}

// receive spools the file part of a multipart body to a file that only this
// process reads, and decodes the options part; the order does not matter.
func (s *Server) receive(r *http.Request, options any) (*upload, error) {
	// Room for the other parts and the borders between them.
	r.Body = http.MaxBytesReader(nil, r.Body, s.MaxUpload+64<<10)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, echo.NewHTTPError(http.StatusUnsupportedMediaType).SetInternal(err)
	}
	up := &upload{}
	if err := up.read(parts, s.Spool, s.MaxUpload, options); err != nil {
		up.discard()
		return nil, s.tooLarge(err)
	}
	return up, nil
}

func (u *upload) read(parts *multipart.Reader, folder string, limit int64, options any) error {
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one is a form without its end
			break
		}
		if err != nil {
			return interrupted(err)
		}
		switch part.FormName() {
		case "file":
			err = u.spool(folder, part, limit)
		case "options":
			err = decodeOptions(part, options)
		}
		if err != nil {
			return err
		}
	}
	if u.file == nil {
		return fault.New(fault.Invalid, "cutover.file.absent", "Choose a file: the form has no part named file.").On("file")
	}
	return nil
}

func (u *upload) spool(folder string, part *multipart.Part, limit int64) error {
	if u.file != nil {
		return fault.New(fault.Invalid, "cutover.file.several", "Upload one file at a time.").On("file")
	}
	f, err := os.CreateTemp(folder, "upload-*") // made 0600
	if err != nil {
		return err
	}
	u.file, u.name = f, part.FileName() // without folders
	n, err := io.Copy(f, io.LimitReader(part, limit+1))
	if err != nil {
		return interrupted(err)
	}
	if n > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	return nil
}

func decodeOptions(part *multipart.Part, into any) error {
	if err := json.NewDecoder(io.LimitReader(part, 64<<10)).Decode(into); err != nil {
		return fault.New(fault.Invalid, "cutover.batch.options", "The part named options must be JSON as the documentation at /api/docs describes.").On("options").Because(err)
	}
	return nil
}

// tooLarge puts the limit into words.
func (s *Server) tooLarge(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		return err
	}
	return fault.New(fault.Invalid, "cutover.file.too_large", "The file is larger than %d bytes. Split it, or ask the operator to raise ADGANG_MAX_UPLOAD.", s.MaxUpload).On("file").Because(err)
}

// interrupted is an upload that broke off: nothing of it is kept.
func interrupted(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return fault.New(fault.Invalid, "cutover.file.interrupted", "The upload broke off before its end. Nothing was stored; upload the file again.").On("file").Because(err)
}
