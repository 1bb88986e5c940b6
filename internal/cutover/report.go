package cutover

import (
	"context"
	"io"
	"strconv"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/sheet"
)

// Report writes findings as a CSV file for spreadsheet programs.
type Report struct{ csv *sheet.CSV }

// NewReport writes the header line.
func NewReport(w io.Writer) (*Report, error) {
	csv, err := sheet.NewCSV(w, "line", "severity", "column", "value", "code", "message")
	return &Report{csv}, err
}

// Write adds findings, one line each.
func (r *Report) Write(findings ...Finding) error {
	for _, f := range findings {
		if err := r.csv.Write(strconv.Itoa(f.Line), string(f.Severity), f.Column, f.Value, f.Code, f.Message); err != nil {
			return err
		}
	}
	return nil
}

// Flush hands on what is still held back. It must be called at the end.
func (r *Report) Flush() error { return r.csv.Close() }

// WriteResult writes what became of each row of a batch as a signed result: a ZIP
// archive that an auditor checks without Adgang (audit.WriteResult). Errors:
// fault.Denied, fault.Absent.
func (s *Service) WriteResult(ctx context.Context, by access.Actor, id string, w io.Writer) error {
	if err := by.Need(access.ManageMigration); err != nil {
		return err
	}
	if _, err := get(ctx, s.DB, by.OrgID, id); err != nil {
		return err
	}
	return s.Audit.WriteResult(ctx, by, "batch:"+id, w, func(w io.Writer) error {
		csv, err := sheet.NewCSV(w, "line", "state", "reason", "rid", "given_name", "surname", "email", "uuid", "roles", "rights", "not_given", "powers", "not_attached")
		if err != nil {
			return err
		}
		for last := int64(0); ; {
			var rows []Row
			if err := s.DB.NewSelect().Model(&rows).ExcludeColumn("cpr_sealed", "cpr_mac").Where("org_id = ?", by.OrgID).Where("batch_id = ?", id).
				Where("row_no > ?", last).Order("row_no").Limit(group).Scan(ctx); err != nil {
				return err
			}
			for _, r := range rows {
				employee := ""
				if r.EmployeeID != nil {
					employee = string(*r.EmployeeID)
				}
				line := strconv.FormatInt(r.Line, 10)
				if err := csv.Write(line, string(r.State), r.Reason, r.RID, r.GivenName, r.Surname, r.Email, employee, r.Roles, r.Rights, r.NotGiven, r.Powers, r.NotAttached); err != nil {
					return err
				}
				last = r.RowNo
			}
			if len(rows) < group {
				return csv.Close()
			}
		}
	})
}
