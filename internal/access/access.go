// Package access says who acts and what that actor may do: the catalogue of
// rights, the roles that carry them, and the check that each domain method
// makes first.
package access

import (
	"slices"

	"github.com/adgang/adgang/internal/fault"
)

// OrgID is the ID of an organisation, a tenant.
type OrgID string

// EmployeeID is the ID of an employee, UUIDv7 in lower case: the UUID that
// services see.
type EmployeeID string

// Actor is who asks: an employee with a session, an API token, a command on the
// server or the system itself, always inside one organisation.
type Actor struct {
	OrgID OrgID
	// ID is "employee:ID", "token:ID", "operator:ID", "command" or "system", as
	// the audit log shows it.
	ID string
	// Employee is set when a person acts.
	Employee EmployeeID
	Name     string
	// Address is the network address the request came from, "" for work.
	Address string
	Roles   []Role
	// Operator is set for those who run the installation. They have no OrgID
	// and no role, so that every tenant's method refuses them.
	Operator bool
}

// Host returns the actor of a command about the installation itself.
func Host() Actor {
	return Actor{ID: "command", Name: "adgang", Operator: true}
}

// NeedOperator is the check at the top of a method of the operators' console.
// Errors: fault.Denied.
func (a Actor) NeedOperator() error {
	if !a.Operator || a.OrgID != "" {
		return fault.New(fault.Denied, "access.operator.missing", "Only the operators of this installation may do this.")
	}
	return nil
}

// For returns the operator as the author of audit entries in an organisation.
// It carries no roles, so it opens nothing there.
func (a Actor) For(org OrgID) Actor {
	a.OrgID, a.Roles, a.Operator = org, nil, false
	return a
}

// System returns the actor of scheduled and background work in org.
func System(org OrgID) Actor {
	return Actor{OrgID: org, ID: "system", Name: "Adgang", Roles: Roles}
}

// Command returns the actor of a command run on the server.
func Command(org OrgID) Actor {
	return Actor{OrgID: org, ID: "command", Name: "adgang", Roles: Roles}
}

// May tells whether the actor holds the right.
func (a Actor) May(right Right) bool {
	return slices.Contains(Rights(a.Roles...), right)
}

// Need is the check at the top of a domain method. Errors: fault.Denied.
func (a Actor) Need(right Right) error {
	if a.OrgID == "" || !a.May(right) {
		return fault.New(fault.Denied, "access.right.missing", "You may not do this: it needs the right %s, which an administrator of your organisation can give.", right)
	}
	return nil
}
