package roster

import (
	"context"
	"io"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// Format of an export.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// exported are the headers of an export, which a bulk change reads again. CPR
// numbers stay out: a list that travels by mail must not carry them.
var exported = []string{
	"UUID", "RID", "Medarbejdernummer", "Fornavn", "Efternavn", "E-mail", "Telefon", "Fødselsdato", "P-nummer", "SE-nummer",
	"Anonym", "Uden CPR", "Sprog", "Kanal", "Status",
}

// Export writes the employees that a list shows, page by page, and one audit
// entry with their number. Errors: fault.Denied, fault.Invalid for a filter.
func (s *Service) Export(ctx context.Context, by access.Actor, f org.Filter, format Format, w io.Writer) error {
	if err := by.Need(access.ViewEmployees); err != nil {
		return err
	}
	settings, err := setting.Of(ctx, s.DB, by.OrgID)
	if err != nil {
		return err
	}
	f.Cursor = ""
	page, next, err := s.Org.Employees(ctx, by, f) // before the first byte: a refusal is still an answer
	if err != nil {
		return err
	}
	// The entry comes first, so that what was begun is on record.
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "employee.export", "organisation:"+string(by.OrgID), string(format)))
	})
	if err != nil {
		return err
	}
	table, err := newTable(w, format, append(append([]string{}, exported...), settings.Creation.Extra...))
	if err != nil {
		return err
	}
	for {
		for _, e := range page {
			if err := table.Write(cells(e, settings.Creation.Extra)...); err != nil {
				return err
			}
		}
		if next == "" {
			return table.Close()
		}
		f.Cursor = next
		if page, next, err = s.Org.Employees(ctx, by, f); err != nil {
			return err
		}
	}
}

func newTable(w io.Writer, format Format, header []string) (sheet.Writer, error) {
	switch format {
	case CSV:
		return sheet.NewCSV(w, header...)
	case XLSX:
		return sheet.NewXLSX(w, header...)
	}
	return nil, fault.New(fault.Invalid, "roster.export.format", "The format is csv or xlsx.").On("format")
}

// cells are an employee under exported, in the words that columns reads.
func cells(e org.Employee, extras []string) []string {
	yes := map[bool]string{true: "Ja", false: "Nej"}
	state := "Suspenderet"
	if e.State == org.Active {
		state = "Aktiv"
	}
	all := []string{
		string(e.ID), e.RIDText(), e.LocalUserID, e.GivenName, e.Surname, e.Email, e.Phone, e.DateOfBirth, e.PNumber, e.SENumber,
		yes[e.Anonymous], yes[e.WithoutCPR], e.Lang, e.Channel, state,
	}
	own := e.Extras()
	for _, name := range extras {
		all = append(all, own[name])
	}
	return all
}
