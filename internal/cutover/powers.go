package cutover

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
)

// A row names the organisations that its employee acts for by CVR number. It
// cannot give what only they can give: it attaches the employee to the powers of
// attorney that they have given this organisation, once the employee is activated,
// as by hand.

// readPowers reads the CVR numbers of a row.
func readPowers(row *sheet.Row) []string {
	var given []string
	for _, text := range listed(row, powers) {
		number := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
		number = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(number, "CVR"), ":"), "DK")
		if len(number) != 8 || strings.Trim(number, "0123456789") != "" {
			row.Fail(powers, "cutover.row.power", "A power of attorney is named by the CVR number (eight digits) of the organisation that gave it. Correct it, or leave it out.")
			return nil
		}
		if !slices.Contains(given, number) {
			given = append(given, number)
		}
	}
	return given
}

// powers are the findings about the organisations that a row's employee acts for.
// A power that is missing does not keep the employee out: it may come later.
func (d *duties) powers(ctx context.Context, r Record) ([]Finding, error) {
	if len(r.Powers) == 0 {
		return nil, nil
	}
	d.needs[access.AttachAttorney] = true
	if !d.by.May(access.AttachAttorney) {
		return []Finding{{
			Line: r.Line, Column: "powers", Code: "cutover.row.powers_right", Severity: Error,
			Message: "The row attaches an employee to a power of attorney, and you may not: somebody who is a rights administrator too must upload and start this file, or the column is left out.",
		}}, nil
	}
	var found []Finding
	for _, cvr := range r.Powers {
		f, seen := d.givers[cvr]
		if !seen {
			var err error
			if f, err = d.giver(ctx, cvr); err != nil {
				return nil, err
			}
			d.givers[cvr] = f
		}
		if f.Code != "" {
			f.Line = r.Line
			found = append(found, f)
		}
	}
	return found, nil
}

// giver tells what stands in the way of acting for an organisation, without a
// code when nothing does.
func (d *duties) giver(ctx context.Context, cvr string) (Finding, error) {
	f := Finding{Column: "powers", Value: cvr, Severity: Notice}
	given, err := d.s.Attorney.ReceivedFrom(ctx, d.s.DB, d.by.OrgID, cvr)
	switch {
	case err != nil:
	case slices.ContainsFunc(given, func(p attorney.Power) bool { return p.State == attorney.Active }):
	case len(given) > 0:
		f.Code = "cutover.row.power_requested"
		f.Message = "You have asked this organisation for a power of attorney, and it is not given yet. The employee is migrated; try the row's power again when it is given."
	default:
		f.Code = "cutover.row.no_power"
		f.Message = "This organisation has given yours no power of attorney that is in force. The employee is migrated; ask for the power under powers of attorney received, and try the row's power again when it is given."
	}
	return f, err
}

// attach lets the row's employee use the powers that the row names, all or none.
func (s *Service) attach(ctx context.Context, tx bun.Tx, by access.Actor, r Row, e access.EmployeeID) error {
	for cvr := range strings.SplitSeq(r.Powers, ",") {
		if err := s.Attorney.AttachFrom(ctx, tx, by, cvr, e); err != nil {
			return err
		}
	}
	return nil
}

// notActivated is why the powers of an invited row wait.
const notActivated = "attorney.employee.inactive"

// attachActivated attaches the employee of a row that was just activated.
func (s *Service) attachActivated(ctx context.Context, tx bun.Tx, r Row) error {
	if r.Powers == "" || r.EmployeeID == nil {
		return nil
	}
	var b Batch
	if err := tx.NewSelect().Model(&b).Where("org_id = ?", r.OrgID).Where("id = ?", r.BatchID).Scan(ctx); err != nil {
		return err
	}
	by, err := b.actor(ctx, tx)
	if err != nil {
		return err
	}
	after := r
	after.NotAttached, err = attempt(ctx, tx, func(ctx context.Context, tx bun.Tx) error { return s.attach(ctx, tx, by, r, *r.EmployeeID) })
	if err != nil {
		return err
	}
	return note(ctx, tx, r, after)
}

// attempt does something within a savepoint. An expected failure is undone and
// its code returned; others are errors.
func attempt(ctx context.Context, tx bun.Tx, do func(context.Context, bun.Tx) error) (string, error) {
	err := tx.RunInTx(ctx, nil, do)
	if kind := fault.KindOf(err); err == nil || kind == fault.Internal || kind == fault.Unavailable {
		return "", err
	}
	if fault.CodeOf(err) == "access.right.missing" {
		return ReasonStarter, nil
	}
	return fault.CodeOf(err), nil
}
