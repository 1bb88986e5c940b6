package dossier

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
)

// Erasure tells of one employee whose data was erased. Left is what is still
// there, by area, and why.
type Erasure struct {
	ID        access.EmployeeID
	DeletedAt *time.Time
	ErasedAt  time.Time
	Erased    []string // names of areas, in the language asked for
	Left      []Left
}

// Left is an area of which rows are kept.
type Left struct {
	Area   string
	Rows   int64
	Reason string
}

// Erasures returns the erasures of a month (YYYY-MM, UTC), at most 1,000, oldest
// first. Errors: fault.Denied, fault.Invalid for what is no month.
func (s *Service) Erasures(ctx context.Context, by access.Actor, month, lang string) ([]Erasure, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return nil, err
	}
	from, err := time.Parse("2006-01", month)
	if err != nil {
		return nil, fault.New(fault.Invalid, "dossier.month.form", "Write a month as YYYY-MM.").On("month")
	}
	var people []struct {
		ID        access.EmployeeID `bun:"id"`
		DeletedAt *time.Time        `bun:"deleted_at"`
		ErasedAt  time.Time         `bun:"erased_at"`
	}
	err = s.DB.NewSelect().Table("employee").Column("id", "deleted_at", "erased_at").Where("org_id = ?", by.OrgID).
		Where("erased_at >= ?", from).Where("erased_at < ?", from.AddDate(0, 1, 0)).Order("erased_at", "id").Limit(1000).Scan(ctx, &people)
	if err != nil {
		return nil, err
	}
	all := make([]Erasure, 0, len(people))
	for _, p := range people {
		e := Erasure{ID: p.ID, DeletedAt: p.DeletedAt, ErasedAt: p.ErasedAt, Erased: []string{word(lang, "Stamdata", "Master data")}}
		for _, a := range areas {
			where, args := a.rows(by.OrgID, p.ID)
			n, err := s.DB.NewSelect().TableExpr("?", bun.Ident(a.table)).Where(where, args...).Count(ctx)
			if err != nil {
				return nil, err
			}
			name := word(lang, a.danish, a.english)
			if n == 0 {
				e.Erased = append(e.Erased, name)
				continue
			}
			e.Left = append(e.Left, Left{name, n, word(lang, a.kept.danish, a.kept.english)})
		}
		n, err := s.DB.NewSelect().Table("audit_entry").Where("org_id = ?", by.OrgID).
			Where("(actor = ? OR object = ?)", "employee:"+string(p.ID), "employee:"+string(p.ID)).Count(ctx)
		if err != nil {
			return nil, err
		}
		e.Left = append(e.Left, Left{word(lang, "Log", "Log"), n, word(lang, evidence.danish, evidence.english)})
		all = append(all, e)
	}
	return all, nil
}

func word(lang, danish, english string) string {
	if lang == "en" {
		return english
	}
	return danish
}

// ErasureCSV writes the report of a month, a line an area that is left and one
// for what was erased. Errors: as of Erasures.
func (s *Service) ErasureCSV(ctx context.Context, by access.Actor, month, lang string, open func() io.Writer) error {
	all, err := s.Erasures(ctx, by, month, lang)
	if err != nil {
		return err
	}
	out, err := sheet.NewCSV(open(), "employee", "deleted_at", "erased_at", "area", "outcome", "rows", "reason")
	if err != nil {
		return err
	}
	for _, e := range all {
		deleted, erased := "", e.ErasedAt.UTC().Format(time.RFC3339)
		if e.DeletedAt != nil {
			deleted = e.DeletedAt.UTC().Format(time.RFC3339)
		}
		for _, name := range e.Erased {
			if err := out.Write(string(e.ID), deleted, erased, name, "erased", "0", ""); err != nil {
				return err
			}
		}
		for _, l := range e.Left {
			if err := out.Write(string(e.ID), deleted, erased, l.Area, "kept", strconv.FormatInt(l.Rows, 10), l.Reason); err != nil {
				return err
			}
		}
	}
	return out.Close()
}
