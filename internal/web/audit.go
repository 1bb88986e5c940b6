package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
)

func (s *Server) auditRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/audit/entries", s.auditEntries, need...)
	api.GET("/audit/entries.csv", s.auditCSV, need...)
	api.GET("/audit/entries.json", s.auditJSON, need...)
	api.GET("/audit/status", s.auditStatus, need...)
	api.GET("/audit/verification", s.auditVerify, need...)
	api.GET("/audit/checkpoints", s.auditCheckpoints, need...)
	api.GET("/audit/proof.zip", s.auditProof, need...)
	api.GET("/audit/key.pem", s.auditKey)
	api.GET("/me/activity", s.activity, need...)
}

// auditFilter reads the filter of a search from the query.
func auditFilter(c echo.Context) (f audit.Filter, err error) {
	f = audit.Filter{Actor: c.QueryParam("actor"), Verb: c.QueryParam("verb"), Object: c.QueryParam("object"), Text: c.QueryParam("text")}
	for name, into := range map[string]**time.Time{"from": &f.From, "to": &f.To} {
		text := c.QueryParam(name)
		if text == "" {
			continue
		}
		at, parseErr := time.Parse(time.RFC3339, text)
		if parseErr != nil {
			return f, fault.New(fault.Invalid, "audit.instant", "An instant is written as 2026-11-22T09:30:00Z.").On(name)
		}
		*into = &at
	}
	return f, nil
}

// auditEntries: GET /api/v1/audit/entries?actor=&verb=&object=&text=&from=&to=&cursor=
// -> 200 AuditList.
func (s *Server) auditEntries(c echo.Context) error {
	f, err := auditFilter(c)
	if err != nil {
		return err
	}
	entries, next, err := s.Audit.Search(c.Request().Context(), actor(c), f, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	return s.auditList(c, entries, next)
}

// activity: GET /api/v1/me/activity?cursor= -> 200 AuditList.
func (s *Server) activity(c echo.Context) error {
	entries, next, err := s.Audit.Activity(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	return s.auditList(c, entries, next)
}

func (s *Server) auditList(c echo.Context, entries []audit.Numbered, next string) error {
	names, err := s.named(c, entries)
	if err != nil {
		return err
	}
	out := AuditList{Items: []AuditEntry{}, Next: orNull(next)}
	for _, e := range entries {
		out.Items = append(out.Items, auditEntry(e, names))
	}
	return c.JSON(http.StatusOK, out)
}

// named looks up the employees that entries name, who have names while they exist.
func (s *Server) named(c echo.Context, entries []audit.Numbered) (map[access.EmployeeID]string, error) {
	var ids []access.EmployeeID
	for _, e := range entries {
		for _, who := range []string{e.Actor, e.Object} {
			if id, is := strings.CutPrefix(who, "employee:"); is {
				ids = append(ids, access.EmployeeID(id))
			}
		}
	}
	return s.Org.Names(c.Request().Context(), actor(c), ids...)
}

func auditEntry(e audit.Numbered, names map[access.EmployeeID]string) AuditEntry {
	name := func(who string) *string {
		return orNull(names[access.EmployeeID(strings.TrimPrefix(who, "employee:"))])
	}
	out := AuditEntry{
		ID: e.ID, At: e.At, Actor: e.Actor, ActorName: name(e.Actor), Address: e.Address, Verb: e.Verb,
		Object: e.Object, ObjectName: name(e.Object), Note: e.Note, Before: e.Before, After: e.After,
	}
	if e.Number > 0 {
		out.Number = &e.Number
	}
	return out
}

// auditCSV: GET /api/v1/audit/entries.csv, the filter of auditEntries -> 200 text/csv.
func (s *Server) auditCSV(c echo.Context) error {
	f, err := auditFilter(c)
	if err != nil {
		return err
	}
	var w *sheet.CSV
	err = s.Audit.Export(c.Request().Context(), actor(c), f, "csv", func() (err error) {
		attachment(c, "text/csv; charset=utf-8", "audit.csv")
		w, err = sheet.NewCSV(c.Response(), "number", "at", "actor", "address", "verb", "object", "note", "before", "after", "id")
		return err
	}, func(e audit.Numbered) error {
		return w.Write(strconv.FormatInt(e.Number, 10), e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.Address, e.Verb, e.Object, e.Note, e.Before, e.After, e.ID)
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// auditJSON: GET /api/v1/audit/entries.json, the filter of auditEntries -> 200, an
// array of AuditEntry without names.
func (s *Server) auditJSON(c echo.Context) error {
	f, err := auditFilter(c)
	if err != nil {
		return err
	}
	before, out := "[", json.NewEncoder(c.Response())
	err = s.Audit.Export(c.Request().Context(), actor(c), f, "json", func() error {
		attachment(c, "application/json", "audit.json")
		return nil
	}, func(e audit.Numbered) error {
		_, err := io.WriteString(c.Response(), before)
		before = ","
		return errors.Join(err, out.Encode(auditEntry(e, nil)))
	})
	if err != nil {
		return err
	}
	if before == "[" {
		_, err = io.WriteString(c.Response(), before)
	}
	_, endErr := io.WriteString(c.Response(), "]\n")
	return errors.Join(err, endErr)
}

func attachment(c echo.Context, kind, name string) {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// auditStatus: GET /api/v1/audit/status -> 200 AuditStatus.
func (s *Server) auditStatus(c echo.Context) error {
	st, err := s.Audit.Status(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := AuditStatus{Sealed: st.Sealed, SealedAt: st.SealedAt, Unsealed: st.Unsealed}
	if st.Checkpoint != nil {
		point := auditCheckpoint(*st.Checkpoint)
		out.Checkpoint = &point
	}
	return c.JSON(http.StatusOK, out)
}

func auditCheckpoint(p audit.Checkpoint) AuditCheckpoint {
	return AuditCheckpoint{Day: p.Day, Number: p.Seq, At: p.At, Text: p.Text, Signature: p.Signature}
}

// auditCheckpoints: GET /api/v1/audit/checkpoints -> 200 []AuditCheckpoint.
func (s *Server) auditCheckpoints(c echo.Context) error {
	points, err := s.Audit.CheckpointsOf(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := []AuditCheckpoint{}
	for _, p := range points {
		out = append(out, auditCheckpoint(p))
	}
	return c.JSON(http.StatusOK, out)
}

// auditVerify: GET /api/v1/audit/verification -> 200 AuditReport.
func (s *Server) auditVerify(c echo.Context) error {
	r, err := s.Audit.Check(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := AuditReport{Sealed: r.Sealed, Unsealed: r.Unsealed, Checkpoints: r.Checkpoints, Signed: r.Signed, Problems: []AuditProblem{}}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, AuditProblem{Kind: AuditProblemKind(p.Kind), Number: p.Number, Text: p.Text})
	}
	return c.JSON(http.StatusOK, out)
}

// auditProof: GET /api/v1/audit/proof.zip?from=&to= -> 200 application/zip.
func (s *Server) auditProof(c echo.Context) error {
	var span audit.Span
	for name, into := range map[string]*int64{"from": &span.From, "to": &span.To} {
		text := c.QueryParam(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return fault.New(fault.Invalid, "audit.number", "The number of an entry is 1 or more.").On(name)
		}
		*into = n
	}
	write, err := s.Audit.Proof(c.Request().Context(), actor(c), span)
	if err != nil {
		return err
	}
	attachment(c, "application/zip", "audit-proof.zip")
	return write(c.Response())
}

// auditKey: GET /api/v1/audit/key.pem -> 200 application/x-pem-file.
func (s *Server) auditKey(c echo.Context) error {
	key, err := s.Audit.PublicKey(c.Request().Context())
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/x-pem-file", key)
}
