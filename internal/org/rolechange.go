package org

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
)

// RoleChange is roles to give to an employee and to take away. Request is the
// role request that is answered by it, "" when it was nobody's request.
type RoleChange struct {
	Employee   access.EmployeeID
	Give, Take []access.Role
	Request    string
}

// RolesAct is a change of administrator roles that waits for a second person.
var RolesAct = approval.NewAct[RoleChange]("org.roles", access.AssignRoles,
	"ændre en medarbejders administratorroller", "change the administrator roles of an employee")

// ChangeRoles gives and takes roles, at once and for every session, and mails
// the employee. What the employee has already, or does not have, is left out;
// when nothing is left nothing happens. It returns the request when the change
// of administrator roles has to wait for a second person: all but that of a sole
// organisation administrator who appoints another, whom nobody could approve
// (ADR 0019). Errors: fault.Denied; fault.Absent; fault.Invalid for roles that
// cannot be given; fault.Conflict for an employee who is not active, and
// org.administrator.last.
func (s *Service) ChangeRoles(ctx context.Context, by access.Actor, id access.EmployeeID, give, take []access.Role) (waiting *approval.Request, err error) {
	if err := by.Need(access.AssignRoles); err != nil {
		return nil, err
	}
	if err := checkRoles(give, take); err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		waiting, err = s.askRoles(ctx, tx, by, RoleChange{Employee: id, Give: give, Take: take})
		return err
	})
	return waiting, err
}

func checkRoles(give, take []access.Role) error {
	for _, role := range slices.Concat(give, take) {
		if !slices.Contains(access.Roles, role) {
			return fault.New(fault.Invalid, "org.role.unknown", "There is no role %q.", role).On("roles")
		}
	}
	for _, role := range give {
		if slices.Contains(take, role) {
			return fault.New(fault.Invalid, "org.role.both", "The role %q cannot be given and taken away at once.", role).On("roles")
		}
	}
	return nil
}

// askRoles makes the change, or the request for it.
func (s *Service) askRoles(ctx context.Context, tx bun.Tx, by access.Actor, change RoleChange) (*approval.Request, error) {
	if err := Lock(ctx, tx, by.OrgID); err != nil {
		return nil, err
	}
	effective, _, err := s.effective(ctx, tx, by.OrgID, change)
	if err != nil || len(effective.Give)+len(effective.Take) == 0 {
		return nil, err
	}
	free, err := s.needsNobody(ctx, tx, by, effective)
	if err != nil {
		return nil, err
	}
	if !free {
		waiting, err := RolesAct.Ask(ctx, tx, s.Approval, by, change, approval.About{
			Object: "employee:" + string(change.Employee), Details: map[string]string{"given": names(effective.Give), "taken": names(effective.Take)},
		})
		if waiting != nil || err != nil {
			return waiting, err
		}
	}
	return nil, s.changeRoles(ctx, tx, by, change)
}

// needsNobody tells which changes never wait: of the trusted employee, who
// administers nothing, and the way out of being alone.
func (s *Service) needsNobody(ctx context.Context, tx bun.Tx, by access.Actor, c RoleChange) (bool, error) {
	if !slices.ContainsFunc(slices.Concat(c.Give, c.Take), func(r access.Role) bool { return r != access.TrustedEmployee }) {
		return true, nil
	}
	if len(c.Take) > 0 || !slices.Equal(c.Give, []access.Role{access.OrganisationAdministrator}) {
		return false, nil
	}
	return s.Approval.Alone(ctx, tx, by, access.AssignRoles)
}

// effective leaves out of a change what is so already.
func (s *Service) effective(ctx context.Context, tx bun.Tx, org access.OrgID, c RoleChange) (RoleChange, Employee, error) {
	e, err := Get(ctx, tx, org, c.Employee)
	if err != nil {
		return c, e, err
	}
	held, err := RolesOf(ctx, tx, org, c.Employee)
	if err != nil {
		return c, e, err
	}
	out := RoleChange{Employee: c.Employee, Request: c.Request}
	for _, role := range access.Roles {
		if slices.Contains(c.Give, role) && !slices.Contains(held, role) {
			out.Give = append(out.Give, role)
		}
		if slices.Contains(c.Take, role) && slices.Contains(held, role) {
			out.Take = append(out.Take, role)
		}
	}
	return out, e, nil
}

// changeRoles is RolesAct, done: every condition is looked at again.
func (s *Service) changeRoles(ctx context.Context, tx bun.Tx, by access.Actor, change RoleChange) error {
	if err := by.Need(access.AssignRoles); err != nil {
		return err
	}
	if err := Lock(ctx, tx, by.OrgID); err != nil {
		return err
	}
	c, e, err := s.effective(ctx, tx, by.OrgID, change)
	if err != nil {
		return err
	}
	if c.Request != "" {
		if err := s.settleRequest(ctx, tx, by, c.Request, RoleApproved, ""); err != nil {
			return err
		}
	}
	if len(c.Give)+len(c.Take) == 0 {
		return nil
	}
	if len(c.Give) > 0 && e.State != Active {
		return fault.New(fault.Conflict, "org.role.inactive", "Only active employees can be given a role. Reactivate the employee first.")
	}
	if slices.Contains(c.Take, access.OrganisationAdministrator) {
		if err := s.KeepAdministrator(ctx, tx, by.OrgID, e.ID); err != nil {
			return err
		}
	}
	if err := s.Assign(ctx, tx, e, c.Give...); err != nil {
		return err
	}
	if len(c.Take) > 0 {
		_, err := tx.NewDelete().Model((*RoleAssignment)(nil)).Where("org_id = ?", e.OrgID).Where("employee_id = ?", e.ID).
			Where("role IN (?)", bun.List(c.Take)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	if err := audit.Record(ctx, tx, audit.By(by, s.Now(), "role.change", "employee:"+string(e.ID), signed(c))); err != nil {
		return err
	}
	return s.mailRoles(ctx, tx, e, c)
}

// signed is a change as the audit log has it: "+user-administrator".
func signed(c RoleChange) string {
	var all []string
	for _, role := range c.Give {
		all = append(all, "+"+string(role))
	}
	for _, role := range c.Take {
		all = append(all, "-"+string(role))
	}
	return strings.Join(all, " ")
}

func names(roles []access.Role) string {
	all := make([]string, len(roles))
	for i, role := range roles {
		all[i] = string(role)
	}
	return strings.Join(all, " ")
}

func (s *Service) mailRoles(ctx context.Context, tx bun.Tx, e Employee, c RoleChange) error {
	spoken := func(roles []access.Role) string {
		all := make([]string, len(roles))
		for i, role := range roles {
			all[i] = role.Name(e.Lang)
		}
		return strings.Join(all, ", ")
	}
	return s.write(ctx, tx, e, mail.KindRoleChanged, "/me", map[string]string{"given": spoken(c.Give), "taken": spoken(c.Take)})
}

// write queues a mail to an employee about the organisation, with the address of
// a page; nobody is written to who has no e-mail address.
func (s *Service) write(ctx context.Context, tx bun.Tx, to Employee, kind, page string, params map[string]string) error {
	if to.Email == "" {
		return nil
	}
	o, err := ByID(ctx, tx, to.OrgID)
	if err != nil {
		return err
	}
	params["organisation"], params["url"] = o.Name, s.Mail.BaseURL+page
	return s.Mail.Queue(ctx, tx, "", mail.Draft{
		Org: to.OrgID, Employee: to.ID, Kind: kind, Lang: to.Lang, Name: to.Name(), Address: to.Email, Params: params,
	})
}

// RolesRoute ties RolesAct to what does it.
func (s *Service) RolesRoute() approval.Route { return approval.Handle(RolesAct, s.changeRoles) }
