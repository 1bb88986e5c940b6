package org

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
)

// RoleRequestState says where a request for a role stands.
type RoleRequestState string

// The states; all but pending are for good.
const (
	RolePending   RoleRequestState = "pending"
	RoleApproved  RoleRequestState = "approved"
	RoleRejected  RoleRequestState = "rejected"
	RoleWithdrawn RoleRequestState = "withdrawn"
)

// RoleRequest is an employee who asks for an administrator role.
type RoleRequest struct {
	bun.BaseModel `bun:"table:role_request"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	ID         string            `bun:"id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Role       access.Role       `bun:"role"`
	Reason     string            `bun:"reason"`
	State      RoleRequestState  `bun:"state"`
	AskedAt    time.Time         `bun:"asked_at"`
	Decider    string            `bun:"decider"` // access.Actor.ID, "" while pending
	DecidedAt  *time.Time        `bun:"decided_at"`
	Answer     string            `bun:"answer"` // why it was rejected

	// Employee is who asks, for those who decide.
	Employee Employee `bun:"-"`
}

// administering are the roles that employees may ask for.
var administering = []access.Role{access.OrganisationAdministrator, access.UserAdministrator, access.RightsAdministrator}

// RequestRole asks the organisation administrators for a role, with a reason of
// 10 to 500 characters. Errors: fault.Denied to who is no employee, or may give
// roles; fault.Invalid; fault.Conflict when the employee has the role or has
// asked already.
func (s *Service) RequestRole(ctx context.Context, by access.Actor, role access.Role, reason string) (RoleRequest, error) {
	if by.Employee == "" {
		return RoleRequest{}, fault.New(fault.Denied, "org.role_request.program", "Only an employee can request a role.")
	}
	if by.May(access.AssignRoles) {
		return RoleRequest{}, fault.New(fault.Denied, "org.role_request.administrator", "An organisation administrator gives roles and does not request them.")
	}
	if !slices.Contains(administering, role) {
		return RoleRequest{}, fault.New(fault.Invalid, "org.role_request.role", "The roles that can be requested are organisation-administrator, user-administrator and rights-administrator.").On("role")
	}
	reason, err := approval.Reason(reason)
	if err != nil {
		return RoleRequest{}, err
	}
	if slices.Contains(by.Roles, role) {
		return RoleRequest{}, fault.New(fault.Conflict, "org.role_request.held", "You have that role already.")
	}
	r := RoleRequest{
		OrgID: by.OrgID, ID: store.NewID(), EmployeeID: by.Employee, Role: role, Reason: reason,
		State: RolePending, AskedAt: store.Instant(s.Now()),
	}
	return r, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewInsert().Model(&r).On("CONFLICT (org_id, employee_id, role) WHERE state = 'pending' DO NOTHING").Exec(ctx)
		if err := store.One(n, err, "org.role_request"); err != nil {
			if fault.KindOf(err) == fault.Conflict {
				err = fault.New(fault.Conflict, "org.role_request.waits", "You have requested that role already, and nobody has decided yet.")
			}
			return err
		}
		if err := audit.Record(ctx, tx, audit.By(by, s.Now(), "role_request.create", "role_request:"+r.ID, string(role))); err != nil {
			return err
		}
		return s.announce(ctx, tx, by, r)
	})
}

// announce mails those who decide.
func (s *Service) announce(ctx context.Context, tx bun.Tx, by access.Actor, r RoleRequest) error {
	o, err := ByID(ctx, tx, r.OrgID)
	if err != nil {
		return err
	}
	deciders, err := Holders(ctx, tx, r.OrgID, access.AssignRoles)
	if err != nil {
		return err
	}
	var drafts []mail.Draft
	for _, p := range deciders {
		drafts = append(drafts, mail.Draft{
			Org: r.OrgID, Employee: p.ID, Kind: mail.KindRoleRequested, Lang: p.Lang, Name: p.Name, Address: p.Email,
			Params: map[string]string{
				"organisation": o.Name, "employee": by.Name, "role": r.Role.Name(p.Lang), "url": s.Mail.BaseURL + "/organisation/roles",
			},
		})
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

// OwnRoleRequests returns the actor's requests, newest first, at most 50.
func (s *Service) OwnRoleRequests(ctx context.Context, by access.Actor) ([]RoleRequest, error) {
	var all []RoleRequest
	err := s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).
		Order("id DESC").Limit(50).Scan(ctx)
	return all, err
}

// RoleRequests returns the organisation's requests that wait, oldest first, and
// who asks; at most 200. Errors: fault.Denied.
func (s *Service) RoleRequests(ctx context.Context, by access.Actor) ([]RoleRequest, error) {
	if err := by.Need(access.AssignRoles); err != nil {
		return nil, err
	}
	var all []RoleRequest
	err := s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).Where("state = ?", RolePending).Order("id").Limit(200).Scan(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	ids := make([]access.EmployeeID, len(all))
	for i, r := range all {
		ids[i] = r.EmployeeID
	}
	people, err := People(ctx, s.DB, by.OrgID, ids...)
	for i := range all {
		all[i].Employee = people[all[i].EmployeeID]
	}
	return all, err
}

// ApproveRole gives the role that was requested; it returns the request of
// package approval when a second person has to agree first, and the role request
// waits until then. Errors: fault.Denied, fault.Absent, fault.Conflict when it is
// decided already or the employee is not active.
func (s *Service) ApproveRole(ctx context.Context, by access.Actor, id string) (waiting *approval.Request, err error) {
	r, err := s.roleRequest(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return waiting, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		change := RoleChange{Employee: r.EmployeeID, Give: []access.Role{r.Role}, Request: r.ID}
		effective, _, err := s.effective(ctx, tx, by.OrgID, change)
		if err != nil {
			return err
		}
		if len(effective.Give) == 0 { // somebody gave it meanwhile
			return s.changeRoles(ctx, tx, by, change)
		}
		waiting, err = s.askRoles(ctx, tx, by, change)
		return err
	})
}

// RejectRole turns a request down with a reason of 10 to 500 characters. Errors:
// as ApproveRole, and fault.Invalid.
func (s *Service) RejectRole(ctx context.Context, by access.Actor, id, reason string) error {
	if _, err := s.roleRequest(ctx, by, id); err != nil {
		return err
	}
	reason, err := approval.Reason(reason)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.settleRequest(ctx, tx, by, id, RoleRejected, reason)
	})
}

// WithdrawRole takes back the actor's own request. Errors: fault.Absent,
// fault.Conflict when it is decided already.
func (s *Service) WithdrawRole(ctx context.Context, by access.Actor, id string) error {
	var r RoleRequest
	err := s.DB.NewSelect().Model(&r).Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("employee_id = ?", by.Employee).Scan(ctx)
	if err != nil {
		return store.Found(err, "org.role_request")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.settleRequest(ctx, tx, by, id, RoleWithdrawn, "")
	})
}

func (s *Service) roleRequest(ctx context.Context, by access.Actor, id string) (RoleRequest, error) {
	var r RoleRequest
	if err := by.Need(access.AssignRoles); err != nil {
		return r, err
	}
	err := s.DB.NewSelect().Model(&r).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx)
	return r, store.Found(err, "org.role_request")
}

var requestVerbs = map[RoleRequestState]string{RoleApproved: "approve", RoleRejected: "reject", RoleWithdrawn: "withdraw"}

// settleRequest moves a request out of pending, with audit entry and mail.
func (s *Service) settleRequest(ctx context.Context, tx bun.Tx, by access.Actor, id string, to RoleRequestState, answer string) error {
	now := store.Instant(s.Now())
	var r RoleRequest
	res, err := tx.NewUpdate().Model((*RoleRequest)(nil)).Set("state = ?", to).Set("decider = ?", by.ID).Set("decided_at = ?", now).Set("answer = ?", answer).
		Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state = ?", RolePending).Exec(ctx)
	if err := store.One(res, err, "org.role_request"); err != nil {
		return err
	}
	if err := tx.NewSelect().Model(&r).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.By(by, now, "role_request."+requestVerbs[to], "role_request:"+id, string(r.Role))); err != nil {
		return err
	}
	if to == RoleWithdrawn {
		return nil
	}
	e, err := Get(ctx, tx, by.OrgID, r.EmployeeID)
	if err != nil {
		return err
	}
	return s.write(ctx, tx, e, mail.KindRoleDecided, "/me", map[string]string{"role": r.Role.Name(e.Lang), "outcome": string(to), "reason": answer})
}

// WaitingRoleRequests counts the role requests that the actor may answer.
func (s *Service) WaitingRoleRequests(ctx context.Context, by access.Actor) (int64, error) {
	if by.OrgID == "" || !by.May(access.AssignRoles) {
		return 0, nil
	}
	return s.DB.NewSelect().Model((*RoleRequest)(nil)).Where("org_id = ?", by.OrgID).Where("state = ?", RolePending).Count(ctx)
}

// Names returns what employees of the actor's organisation are called. Errors:
// fault.Internal only: a name is shown where its bearer has acted.
func (s *Service) Names(ctx context.Context, by access.Actor, ids ...access.EmployeeID) (map[access.EmployeeID]string, error) {
	people, err := People(ctx, s.DB, by.OrgID, ids...)
	names := make(map[access.EmployeeID]string, len(people))
	for id, e := range people {
		names[id] = e.Name()
	}
	return names, err
}

// People returns employees by ID; one that there is not is left out.
func People(ctx context.Context, db bun.IDB, org access.OrgID, ids ...access.EmployeeID) (map[access.EmployeeID]Employee, error) {
	found := make(map[access.EmployeeID]Employee, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var all []Employee
	err := db.NewSelect().Model(&all).Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	for _, e := range all {
		found[e.ID] = e
	}
	return found, err
}
