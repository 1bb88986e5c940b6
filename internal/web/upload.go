package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
)

// upload is an export that has been spooled to disk, with what was decided
// about it.
type upload struct {
	file *os.File
	plan cutover.Plan
}

func (u *upload) discard() {
	if u.file != nil {
		_ = u.file.Close()
		_ = os.Remove(u.file.Name())
	}
}

// receive spools the file part of a multipart body to a file that only this
// process reads, and decodes the options part; the order does not matter.
func (s *Server) receive(r *http.Request) (*upload, error) {
	// Room for the other parts and the borders between them.
	r.Body = http.MaxBytesReader(nil, r.Body, s.MaxUpload+64<<10)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, echo.NewHTTPError(http.StatusUnsupportedMediaType).SetInternal(err)
	}
	up := &upload{}
	if err := up.read(parts, s.Spool, s.MaxUpload); err != nil {
		up.discard()
		return nil, s.tooLarge(err)
	}
	return up, nil
}

func (u *upload) read(parts *multipart.Reader, folder string, limit int64) error {
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
			err = u.options(part)
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
	u.file, u.plan.FileName = f, part.FileName() // without folders
	n, err := io.Copy(f, io.LimitReader(part, limit+1))
	if err != nil {
		return interrupted(err)
	}
	if n > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	return nil
}

func (u *upload) options(part *multipart.Part) error {
	var in BatchOptions
	if err := json.NewDecoder(io.LimitReader(part, 64<<10)).Decode(&in); err != nil {
		return fault.New(fault.Invalid, "cutover.batch.options", "The part named options must be JSON as the documentation at /api/docs describes.").On("options").Because(err)
	}
	if in.Name != nil {
		u.plan.Name = *in.Name
	}
	if in.ParallelDays != nil {
		days := int64(*in.ParallelDays)
		u.plan.ParallelDays = &days
	}
	u.plan.Deadline, u.plan.StartAt = in.Deadline, in.StartAt
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
