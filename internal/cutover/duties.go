package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// roleNames are the names of roles in exports, Danish and English; the user's is
// no role that is given.
var roleNames = map[string]access.Role{
	"organisationsadministrator": access.OrganisationAdministrator, "organisation-administrator": access.OrganisationAdministrator,
	"organisation administrator": access.OrganisationAdministrator,
	"brugeradministrator":        access.UserAdministrator, "user-administrator": access.UserAdministrator, "user administrator": access.UserAdministrator,
	"rettighedsadministrator": access.RightsAdministrator, "rights-administrator": access.RightsAdministrator, "rights administrator": access.RightsAdministrator,
	"betroet medarbejder": access.TrustedEmployee, "trusted-employee": access.TrustedEmployee, "trusted employee": access.TrustedEmployee,
	"bruger": "", "user": "",
}

// listed are the parts of a cell that names several, a comma or a bar between.
func listed(row *sheet.Row, f sheet.Field) []string {
	var parts []string
	for part := range strings.FieldsFuncSeq(row.Text(f, 2000), func(r rune) bool { return r == ',' || r == '|' }) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// readRoles reads the roles that a row gives.
func readRoles(row *sheet.Row) []access.Role {
	var given []access.Role
	for _, name := range listed(row, roles) {
		role, known := roleNames[strings.ToLower(name)]
		switch {
		case !known:
			row.Fail(roles, "cutover.row.role", "The role is not known. Use Organisationsadministrator, Brugeradministrator, Rettighedsadministrator or Betroet medarbejder.")
			return nil
		case role != "" && !slices.Contains(given, role):
			given = append(given, role)
		}
	}
	return given
}

// duties checks what rows give beside key files against what the actor may give,
// so that nobody gets by a file what they could not get by hand.
type duties struct {
	s      *Service
	by     access.Actor
	known  map[string]error   // by URI of a right: why it cannot be given
	givers map[string]Finding // by CVR number: what stands in the way of its power of attorney
	needs  map[access.Right]bool
}

func (d *duties) check(ctx context.Context, r Record) ([]Finding, error) {
	var found []Finding
	fail := func(column, value string, err *fault.Error) {
		found = append(found, Finding{Line: r.Line, Column: column, Value: value, Code: err.Code, Message: err.Text, Severity: Error})
	}
	if len(r.Roles) > 0 {
		d.needs[access.AssignRoles] = true
		if !d.by.May(access.AssignRoles) {
			fail("roles", "", fault.New(fault.Denied, "cutover.row.roles_right", "The row gives administrator roles, and you may not: an organisation administrator must upload and start this file, or the column is left out."))
		}
	}
	for _, uri := range r.Rights {
		if err, ok := errors.AsType[*fault.Error](d.right(ctx, uri)); ok {
			fail("rights", sheet.Shown(uri), err)
		}
	}
	ofPowers, err := d.powers(ctx, r)
	return append(found, ofPowers...), err
}

// right tells why a right cannot be given by the actor, nil when it can.
func (d *duties) right(ctx context.Context, uri string) error {
	if err, seen := d.known[uri]; seen {
		return err
	}
	d.known[uri] = d.lookUp(ctx, uri)
	return d.known[uri]
}

func (d *duties) lookUp(ctx context.Context, uri string) error {
	d.needs[access.AssignRights] = true
	r, err := entitlement.ByURI(ctx, d.s.DB, d.by.OrgID, uri)
	switch {
	case err != nil || r.RetiredAt != nil:
		return fault.New(fault.Absent, "cutover.row.unknown_right", "No service offers this right to your organisation. Use the right's URI, as the catalogue shows it.")
	case r.Seal:
		d.needs[access.ManageSeals] = true
		if !d.by.May(access.ManageSeals) {
			return fault.New(fault.Denied, "cutover.row.rights_right", "The row gives a right that you may not give. Have it given by who may, or leave it out.")
		}
	case !d.by.May(access.AssignRights):
		return fault.New(fault.Denied, "cutover.row.rights_right", "The row gives a right that you may not give. Have it given by who may, or leave it out.")
	}
	return nil
}

// needed is what the batch keeps of it.
func (d *duties) needed() string {
	var all []string
	for right := range d.needs {
		all = append(all, string(right))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// mayStart checks that the actor holds the rights that the batch's rows need.
// Errors: fault.Denied.
func mayStart(by access.Actor, b Batch) error {
	for need := range strings.SplitSeq(b.Needs, ",") {
		if need != "" {
			if err := by.Need(access.Right(need)); err != nil {
				return err
			}
		}
	}
	return nil
}

// starter is who started a batch, as the audit entries of roles and rights name
// the actor.
type starter struct {
	ID, Name, Address string
	Employee          access.EmployeeID
	Roles             []access.Role
}

func starterOf(by access.Actor) (string, error) {
	text, err := json.Marshal(starter{by.ID, by.Name, by.Address, by.Employee, by.Roles})
	return string(text), err
}

// actor is the starter with the roles of today: who has lost one since gives
// nothing any more.
func (b Batch) actor(ctx context.Context, tx bun.Tx) (access.Actor, error) {
	var s starter
	if err := json.Unmarshal([]byte(b.Starter), &s); err != nil {
		return access.Actor{}, err
	}
	by := access.Actor{OrgID: b.OrgID, ID: s.ID, Name: s.Name, Address: s.Address, Employee: s.Employee, Roles: s.Roles}
	if s.Employee == "" {
		return by, nil
	}
	e, err := org.Get(ctx, tx, b.OrgID, s.Employee)
	if err != nil {
		return by, err
	}
	if e.State != org.Active {
		by.Roles = nil
		return by, nil
	}
	by.Roles, err = org.RolesOf(ctx, tx, b.OrgID, s.Employee)
	return by, err
}

// give gives what the rows give beside key files. What cannot be given leaves its
// reason on the row, which is invited all the same; powers of attorney of who is
// invited wait for the activation.
func (s *Service) give(ctx context.Context, tx bun.Tx, b Batch, rows []Row, employees map[string]org.Employee, settled settlement) error {
	if b.Needs == "" {
		return nil
	}
	by, err := b.actor(ctx, tx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e, found := employees[r.RID]
		if !found || r.Reason == ReasonBlocked || e.State != org.Active || otherPerson(r, e) {
			continue
		}
		marked := r
		if r.Roles != "" || r.Rights != "" {
			marked.NotGiven = Trying
		}
		if r.Powers != "" {
			marked.NotAttached = Trying
		}
		if settled.has(r) {
			marked.State = RowSkipped
		}
		after, err := s.giveRow(ctx, tx, by, marked, e.ID)
		if err != nil {
			return err
		}
		if err := note(ctx, tx, r, after); err != nil {
			return err
		}
	}
	return nil
}

// giveRow tries what is marked on a row, roles and rights together and powers of
// attorney together, and returns the row with the outcome.
func (s *Service) giveRow(ctx context.Context, tx bun.Tx, by access.Actor, r Row, e access.EmployeeID) (Row, error) {
	var err error
	if r.NotGiven == Trying {
		r.NotGiven, err = attempt(ctx, tx, func(ctx context.Context, tx bun.Tx) error { return s.giveOne(ctx, tx, by, r, e) })
		if err != nil {
			return r, err
		}
	}
	if r.NotAttached == Trying {
		r.NotAttached, err = attempt(ctx, tx, func(ctx context.Context, tx bun.Tx) error { return s.attach(ctx, tx, by, r, e) })
		if r.NotAttached == notActivated && r.State == RowInvited {
			r.NotAttached = ""
		}
	}
	return r, err
}

// note stores what could not be given, where it changed.
func note(ctx context.Context, tx bun.Tx, before, after Row) error {
	if before.NotGiven == after.NotGiven && before.NotAttached == after.NotAttached {
		return nil
	}
	res, err := tx.NewUpdate().Model((*Row)(nil)).Set("not_given = ?", after.NotGiven).Set("not_attached = ?", after.NotAttached).
		Where("org_id = ?", after.OrgID).Where("batch_id = ?", after.BatchID).Where("row_no = ?", after.RowNo).Exec(ctx)
	return store.One(res, err, "cutover.row")
}

func (s *Service) giveOne(ctx context.Context, tx bun.Tx, by access.Actor, r Row, e access.EmployeeID) error {
	var given []access.Role
	for name := range strings.SplitSeq(r.Roles, ",") {
		if name != "" {
			given = append(given, access.Role(name))
		}
	}
	if len(given) > 0 {
		if _, err := s.Org.GiveRoles(ctx, tx, by, e, given...); err != nil {
			return err
		}
	}
	for uri := range strings.SplitSeq(r.Rights, ",") {
		if uri == "" {
			continue
		}
		right, err := entitlement.ByURI(ctx, tx, r.OrgID, uri)
		if err != nil {
			return err
		}
		if _, _, err := s.Rights.Grant(ctx, tx, by, entitlement.Gift{Employee: e, Right: right.ID}); err != nil {
			return err
		}
	}
	return nil
}
