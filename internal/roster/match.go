package roster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/sheet"
)

// people are the employees that some lines may mean, by each identifier.
type people struct {
	byID, byRID, byLocal, byCPR, byEmail map[string][]org.Employee
}

// match finds out whom each line of the group means and what that changes.
func (w *writer) match(ctx context.Context) error {
	var ids org.Identifiers
	for _, d := range w.rows {
		if d.State == RowPending && d.EmployeeID == nil {
			ids = d.line.identify(ids)
		}
	}
	p, err := lookUp(ctx, w.s, w.run.OrgID, ids)
	if err != nil {
		return err
	}
	for i := range w.rows {
		d := &w.rows[i]
		if d.State != RowPending || d.EmployeeID != nil {
			continue
		}
		if err := w.decide(d, p); err != nil {
			if fault.KindOf(err) == fault.Internal {
				return err
			}
			d.fail(err)
		}
	}
	return nil
}

// fail refuses the row for a fault, which becomes a finding.
func (d *draftRow) fail(err error) {
	d.findings = append(d.findings, sheet.Finding{
		Line: int(d.Line), Code: fault.CodeOf(err), Message: textOf(err), Severity: sheet.Error,
	})
	d.refuse(d.findings)
}

func (d *draftRow) note(column, code, text string, args ...any) {
	d.findings = append(d.findings, sheet.Finding{
		Line: int(d.Line), Column: column, Code: code, Message: fmt.Sprintf(text, args...), Severity: sheet.Notice,
	})
}

// identify adds what the line knows a person by.
func (l line) identify(ids org.Identifiers) org.Identifiers {
	if l.UUID != "" {
		ids.IDs = append(ids.IDs, access.EmployeeID(l.UUID))
	}
	if l.RID != "" {
		ids.RIDs = append(ids.RIDs, l.RID)
	}
	if l.LocalUserID != "" {
		ids.LocalUserIDs = append(ids.LocalUserIDs, l.LocalUserID)
	}
	if l.cprMAC != nil {
		ids.CPRMACs = append(ids.CPRMACs, l.cprMAC)
	}
	if l.Email != "" {
		ids.Emails = append(ids.Emails, l.Email)
	}
	return ids
}

func lookUp(ctx context.Context, s *Service, orgID access.OrgID, ids org.Identifiers) (people, error) {
	p := people{map[string][]org.Employee{}, map[string][]org.Employee{}, map[string][]org.Employee{}, map[string][]org.Employee{}, map[string][]org.Employee{}}
	found, err := org.Identified(ctx, s.DB, orgID, ids)
	for _, e := range found {
		add := func(m map[string][]org.Employee, key string) {
			if key != "" {
				m[key] = append(m[key], e)
			}
		}
		add(p.byID, string(e.ID))
		add(p.byRID, e.RIDText())
		add(p.byLocal, e.LocalUserID)
		add(p.byCPR, string(e.CPRMAC))
		add(p.byEmail, strings.ToLower(e.Email))
	}
	return p, err
}

// find returns the one employee whom a line means, nil for a new person. UUID,
// RID, local user ID and CPR number must agree; the address, which people share,
// counts only where none of them finds anybody. Errors: fault.Conflict for a
// line that fits several people, fault.Absent for an unknown UUID.
func (p people) find(l line) (*org.Employee, error) {
	var one *org.Employee
	for _, found := range [][]org.Employee{p.byID[l.UUID], p.byRID[l.RID], p.byLocal[l.LocalUserID], p.byCPR[string(l.cprMAC)]} {
		for _, e := range found {
			if one != nil && one.ID != e.ID {
				return nil, fault.New(fault.Conflict, "roster.row.ambiguous", "The line fits several employees. Give the UUID or the RID of the one you mean, and correct the other identifiers.")
			}
			one = &e
		}
	}
	if one != nil {
		if otherPerson(l, *one) {
			return nil, fault.New(fault.Conflict, "roster.row.other_person", "The identifiers of this line belong to different people: an employee with one of them has another RID or CPR number. Correct the line.")
		}
		return one, nil
	}
	if l.UUID != "" {
		return nil, fault.New(fault.Absent, "roster.row.unknown_uuid", "No employee has this UUID. Leave the cell empty to create a new one.")
	}
	for _, e := range p.byEmail[strings.ToLower(l.Email)] {
		if otherPerson(l, e) {
			continue
		}
		if one != nil {
			return nil, fault.New(fault.Conflict, "roster.row.ambiguous_email", "Several employees have this e-mail address. Give the RID, the local user ID or the UUID of the one you mean.")
		}
		one = &e
	}
	return one, nil
}

// otherPerson tells whether an employee cannot be the person of the line: one
// has another RID, local user ID, CPR number or date of birth.
func otherPerson(l line, e org.Employee) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	switch {
	case differ(l.RID, e.RIDText()), differ(string(l.cprMAC), string(e.CPRMAC)):
		return true
	case l.UUID != "" || l.RID != "" || l.cprMAC != nil && e.CPRMAC != nil:
		return false // known by what never changes; the rest may be corrected
	}
	return differ(l.LocalUserID, e.LocalUserID) || differ(l.DateOfBirth, e.DateOfBirth)
}

// decide says what the run will do with one line.
func (w *writer) decide(d *draftRow, p people) error {
	e, err := p.find(d.line)
	if err != nil {
		return err
	}
	if e == nil {
		return w.stranger(d, p)
	}
	if before := w.seen.First(int(d.Line), "employee", string(e.ID)); before > 0 {
		return fault.New(fault.Conflict, "roster.row.same_employee", "Line %d is about the same employee. Keep the line that is right and remove the other.", before)
	}
	d.EmployeeID, d.Name, d.RID = &e.ID, or(d.Name, e.Name()), or(d.RID, e.RIDText())
	d.Email = or(d.Email, e.Email)
	switch w.run.Mode {
	case Delete:
		d.Action = ToDelete
	case Suspend:
		d.settle(ToSuspend, e.State == org.Active)
	default:
		return d.compare(*e)
	}
	return nil
}

// settle gives the row an action, or none where the employee is as wanted.
func (d *draftRow) settle(a Action, needed bool) {
	d.Action = a
	if !needed {
		d.Action, d.State = Nothing, RowUnchanged
	}
}

// compare decides about somebody who is known. Suspended people are let in
// again rather than made a second time, unless their line says otherwise.
func (d *draftRow) compare(e org.Employee) error {
	changes := d.line.changes(e)
	text, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	d.Changes = string(text)
	stop := d.line.Stopped != nil && *d.line.Stopped
	switch {
	case stop && e.State == org.Active:
		d.Action = ToSuspend
	case !stop && e.State != org.Active:
		d.Action = ToReactivate
	default:
		d.settle(ToEdit, len(changes) > 0)
	}
	return nil
}

// stranger decides about somebody who is not known.
func (w *writer) stranger(d *draftRow, p people) error {
	l := d.line
	if w.run.Mode == Suspend || w.run.Mode == Delete {
		return fault.New(fault.Absent, "roster.row.unknown", "No employee fits this line. Check UUID, RID, local user ID, CPR number and e-mail address.")
	}
	if l.Stopped != nil && *l.Stopped {
		return fault.New(fault.Invalid, "roster.row.new_suspended", "The employee is new and cannot be created as suspended. Remove the line, or its status.")
	}
	if missing := l.missing(w.creation); missing != "" {
		return fault.New(fault.Invalid, "roster.row.incomplete", "No employee fits this line, and a new one needs more: %s.", missing)
	}
	d.Action = ToCreate
	if len(p.byEmail[strings.ToLower(l.Email)]) > 0 {
		d.note("", "roster.row.shared_email", "An employee with another RID or CPR number has the same e-mail address. Check that both read it.")
	} else if before := w.seen.First(int(d.Line), "email", strings.ToLower(l.Email)); l.Email != "" && before > 0 {
		if l.cprMAC == nil && l.RID == "" && l.LocalUserID == "" && l.DateOfBirth == "" {
			return fault.New(fault.Conflict, "roster.row.same_employee", "Line %d is about the same employee. Keep the line that is right and remove the other.", before)
		}
		d.note("", "roster.row.shared_email", "An employee with another RID or CPR number has the same e-mail address. Check that both read it.")
	}
	return nil
}

// missing names what a new employee needs and the line lacks.
func (l line) missing(c setting.Creation) string {
	given := map[string]bool{
		"given_name": l.GivenName != "", "surname": l.Surname != "", "email": l.Email != "" || c.DefaultEmail != "",
		"cpr": l.CPR != "" || l.WithoutCPR != nil && *l.WithoutCPR, "date_of_birth": l.DateOfBirth != "", "phone": l.Phone != "",
		"rid": l.RID != "", "local_user_id": l.LocalUserID != "", "p_number": l.PNumber != "", "se_number": l.SENumber != "",
	}
	var lacking []string
	for _, field := range slices.Concat([]string{"given_name", "surname", "email"}, c.Required) {
		if !given[field] {
			lacking = append(lacking, field)
		}
	}
	return strings.Join(lacking, ", ")
}
