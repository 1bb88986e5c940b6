package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
)

// statusOf is the only map from kinds to HTTP.
var statusOf = map[fault.Kind]int{
	fault.Invalid:     http.StatusUnprocessableEntity,
	fault.Denied:      http.StatusForbidden,
	fault.Absent:      http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Unavailable: http.StatusServiceUnavailable,
	fault.Internal:    http.StatusInternalServerError,
}

// fail is Echo's error handler: a problem document (RFC 9457) for programs, a
// page for people at the SAML addresses. Nothing of an Internal error is shown.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		s.Log.WarnContext(c.Request().Context(), "answer broken off", "route", c.Path(), "err", err)
		panic(http.ErrAbortHandler) // so that nobody takes what was sent for the whole
	}
	p := problem(err)
	if p.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(c.Request().Context(), "request failed", "route", c.Path(), "err", err)
	}
	if p.Code == "session.none" && strings.HasPrefix(c.Path(), "/api/") {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="adgang"`)
	}
	if strings.HasPrefix(c.Path(), "/saml/") || slices.Contains(openIDPages, c.Path()) {
		err = s.failPage(c, p)
	} else {
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
		c.Response().Header().Del("Content-Disposition")
		err = c.JSON(p.Status, p)
	}
	if err != nil {
		s.Log.WarnContext(c.Request().Context(), "answer not written", "route", c.Path(), "err", err)
	}
}

// problem describes err for the one who asked.
func problem(err error) Problem {
	if h, ok := errors.AsType[*echo.HTTPError](err); ok {
		return httpProblem(h)
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Internal {
		return Problem{Type: "about:blank", Status: http.StatusInternalServerError, Title: "Internal Server Error", Code: "internal"}
	}
	p := Problem{Type: "about:blank", Status: statusOf[f.Kind], Code: f.Code, Detail: &f.Text}
	if f.Code == "session.none" || f.Code == "operator.session.none" {
		p.Status = http.StatusUnauthorized
	}
	if f.Field != "" {
		p.Field = &f.Field
	}
	if r, ok := errors.AsType[*cutover.FileError](err); ok {
		list := findings(r.Findings)
		p.Errors = &list
	}
	if d, ok := errors.AsType[*org.DuplicateError](err); ok {
		p.Existing = &ExistingEmployee{ID: string(d.Employee.ID), Name: d.Employee.Name(), State: string(d.Employee.State)}
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// httpProblem describes what Echo itself refuses: an unknown path, a body that
// is no JSON.
func httpProblem(h *echo.HTTPError) Problem {
	code, detail := "http.refused", http.StatusText(h.Code)
	switch h.Code {
	case http.StatusNotFound:
		code, detail = "http.not_found", "There is nothing at this address."
	case http.StatusMethodNotAllowed:
		code, detail = "http.method", "This address does not take the method."
	case http.StatusUnsupportedMediaType:
		code, detail = "http.media_type", "The body must have the content type that the documentation at /api/docs names."
	case http.StatusRequestEntityTooLarge:
		code, detail = "http.too_large", "The body is larger than this address takes."
	case http.StatusTooManyRequests:
		code, detail = "http.too_many", "Too many requests from this address. Wait a moment and try again."
	case http.StatusBadRequest:
		code, detail = "http.malformed", "The request cannot be read: it must be JSON as the documentation at /api/docs describes."
	}
	return Problem{Type: "about:blank", Status: h.Code, Title: http.StatusText(h.Code), Code: code, Detail: &detail}
}

func notFound(echo.Context) error { return echo.ErrNotFound }

// bind decodes a JSON body into in; no body leaves in as it is. Text with NUL is
// refused, which no database column takes.
func bind(c echo.Context, in any) error {
	r := c.Request()
	body, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return echo.ErrStatusRequestEntityTooLarge
	}
	if err == nil && len(body) == 0 {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); kind != echo.MIMEApplicationJSON {
		return echo.ErrUnsupportedMediaType
	}
	if err == nil {
		err = json.Unmarshal(body, in)
	}
	if err == nil && hasNUL(body) {
		err = errors.New("a text with NUL")
	}
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest).SetInternal(err)
	}
	return nil
}

// hasNUL looks at the strings of a JSON document.
func hasNUL(document []byte) bool {
	for d := json.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
			return true
		}
	}
}
