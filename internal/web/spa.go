package web

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

// spa: GET /* -> the browser application. Files under /assets/ have their
// content's hash in the name and are kept for good; every other address that
// is no file is a page of the application, which finds its way by itself.
func (s *Server) spa(c echo.Context) error {
	name := strings.TrimPrefix(path.Clean("/"+c.Request().URL.Path), "/")
	if name == "assets" || strings.HasPrefix(name, "assets/") {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		if err := s.file(c, name); err != nil {
			c.Response().Header().Del("Cache-Control")
			return err
		}
		return nil
	}
	if name != "" && strings.Contains(path.Base(name), ".") {
		return s.file(c, name)
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	err := s.file(c, "index.html")
	if errors.Is(err, echo.ErrNotFound) {
		return c.String(http.StatusServiceUnavailable, "The frontend is not built into this binary: run `make build`.\n")
	}
	return err
}

// file serves one embedded file, 404 when there is none.
func (s *Server) file(c echo.Context, name string) error {
	info, err := fs.Stat(s.Frontend, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || (err == nil && info.IsDir()) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	if strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") && !strings.HasSuffix(name, ".gz") {
		if _, err := fs.Stat(s.Frontend, name+".gz"); err == nil {
			return s.zipped(c, name)
		}
	}
	http.ServeFileFS(c.Response(), c.Request(), s.Frontend, name)
	return nil
}

// zipped serves the copy that the build has compressed.
func (s *Server) zipped(c echo.Context, name string) error {
	body, err := fs.ReadFile(s.Frontend, name+".gz")
	if err != nil {
		return err
	}
	kind := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)]
	if kind == "" {
		kind = "application/octet-stream"
	}
	c.Response().Header().Set("Content-Encoding", "gzip")
	c.Response().Header().Set("Vary", "Accept-Encoding")
	return c.Blob(http.StatusOK, kind, body)
}
