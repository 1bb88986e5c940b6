// Package dossier gives a person everything that is stored about him or her, as
// the data subject's right of access asks for, and tells what an erasure erased
// and what it left. It reads the tables of other packages, on purpose: one list
// that a test holds against the schema forgets less than twenty methods (ADR 0023).
package dossier

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB  *bun.DB
	Org *org.Service
	Now func() time.Time
	Log *slog.Logger
}

// Columns lists the columns that a dossier finds people by, as table.column, for
// the test that walks the schema.
func Columns() []string {
	var names []string
	for _, a := range areas {
		names = append(names, a.table+"."+a.column())
	}
	return names
}

// row is what a table holds, by column.
type row = map[string]any

// part is one area as it was read.
type part struct {
	area
	rows []row
}

// own are columns of the employee that are ours to search and match by.
var own = []string{"cpr_sealed", "cpr_mac", "search_key", "sort_key", "words_version"}

// page is how many audit entries are read at a time.
const page = 500

// Export writes everything about one employee to w, as a ZIP of JSON files and a
// page to read them by, in a language. Employees may export themselves; a user
// administrator whom he or she administers. The export is on record before the
// first byte. Errors: fault.Denied, fault.Absent.
func (s *Service) Export(ctx context.Context, by access.Actor, id access.EmployeeID, lang string, open func() io.Writer) error {
	if by.Employee != id || id == "" {
		if err := by.Need(access.ManageEmployees); err != nil {
			return err
		}
	}
	person, err := s.person(ctx, by.OrgID, id)
	if err != nil {
		return err
	}
	if by.Employee != id && !by.May(access.ViewCPR) {
		delete(person, "cpr")
	}
	parts := []part{{area{table: "employee", danish: "Stamdata", english: "Master data"}, []row{person}}}
	for _, a := range areas {
		rows, err := s.read(ctx, a, by.OrgID, id)
		if err != nil {
			return fmt.Errorf("dossier: %s: %w", a.file(), err)
		}
		parts = append(parts, part{a, rows})
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "dossier.export", "employee:"+string(id), ""))
	})
	if err != nil {
		return err
	}
	return s.write(ctx, open(), by.OrgID, id, lang, parts)
}

// person is the employee's own row with the CPR number in clear.
func (s *Service) person(ctx context.Context, orgID access.OrgID, id access.EmployeeID) (row, error) {
	e, err := org.Get(ctx, s.DB, orgID, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, "employee", own, s.DB.NewSelect().Where("org_id = ?", orgID).Where("id = ?", id), "id")
	if err != nil || len(rows) != 1 {
		return nil, fmt.Errorf("dossier: employee: %d rows, %w", len(rows), err)
	}
	cpr, err := s.Org.CPR(e)
	if err != nil {
		return nil, err
	}
	rows[0]["cpr"] = cpr
	return rows[0], nil
}

func (s *Service) read(ctx context.Context, a area, orgID access.OrgID, id access.EmployeeID) ([]row, error) {
	where, args := a.rows(orgID, id)
	return s.query(ctx, a.table, a.hidden, s.DB.NewSelect().Where(where, args...), "")
}

// query reads the rows of a table without hidden columns, in a stable order.
func (s *Service) query(ctx context.Context, table string, hidden []string, q *bun.SelectQuery, order string) ([]row, error) {
	rows := []row{}
	q = q.TableExpr("?", bun.Ident(table)).ColumnExpr("*")
	if order != "" {
		q = q.OrderExpr("?", bun.Ident(order))
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, err
	}
	for _, r := range rows {
		for name, value := range r {
			if slices.Contains(hidden, name) || value == nil {
				delete(r, name)
			} else if b, ok := value.([]byte); ok {
				r[name] = string(b)
			}
		}
	}
	if order == "" {
		slices.SortFunc(rows, func(a, b row) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return rows, nil
}

// write makes the ZIP: the page first, then a file an area, then the audit log.
func (s *Service) write(ctx context.Context, w io.Writer, orgID access.OrgID, id access.EmployeeID, lang string, parts []part) error {
	z := zip.NewWriter(w)
	index, err := s.create(z, "index.html")
	if err != nil {
		return err
	}
	if err := overview(index, lang, s.Now(), parts); err != nil {
		return err
	}
	for _, p := range parts {
		f, err := s.create(z, p.file()+".json")
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(f)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(p.rows); err != nil {
			return err
		}
	}
	f, err := s.create(z, "audit_entry.json")
	if err != nil {
		return err
	}
	if err := s.log(ctx, f, orgID, id, objects(parts)); err != nil {
		return err
	}
	return z.Close()
}

func (s *Service) create(z *zip.Writer, name string) (io.Writer, error) {
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: s.Now()})
}

// objects is how the log names the rows of the parts that it tells of.
func objects(parts []part) []string {
	all := []string{}
	for _, p := range parts {
		for _, r := range p.rows {
			for _, key := range []string{"id", "serial"} {
				if v, ok := r[key].(string); ok && p.object != "" {
					all = append(all, p.object+":"+v)
					break
				}
			}
		}
	}
	return all
}

// log writes the entries by and about the employee, and about what is his or hers,
// as one JSON list, page by page.
func (s *Service) log(ctx context.Context, w io.Writer, orgID access.OrgID, id access.EmployeeID, about []string) error {
	about = append(about, "employee:"+string(id))
	after, separator := "", "["
	for {
		var entries []audit.Entry
		err := s.DB.NewSelect().Model(&entries).Where("org_id = ?", orgID).Where("(actor = ? OR object IN (?))", "employee:"+string(id), bun.List(about)).
			Where("id > ?", after).Order("id").Limit(page).Scan(ctx)
		if err == nil {
			err = audit.Tell(ctx, s.DB, orgID, entries)
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			r := row{"id": e.ID, "at": e.At, "actor": e.Actor, "address": e.Address, "verb": e.Verb, "object": e.Object, "note": e.Note, "before": e.Before, "after": e.After}
			if e.Actor != "employee:"+string(id) {
				delete(r, "address") // somebody else's
			}
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s\n  %s", separator, line); err != nil {
				return err
			}
			after, separator = e.ID, ","
		}
		if len(entries) < page {
			break
		}
	}
	if separator == "[" {
		separator = "[\n"
	}
	_, err := io.WriteString(w, strings.TrimSuffix(separator, ",")+"\n]\n")
	return err
}
