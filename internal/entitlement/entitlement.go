// Package entitlement holds rights in business services: the catalogue that a
// service's owner publishes, who has been given what, by themselves, through a
// group or in the basic package, the requests for more, and how all of it is
// told to the service. Rights in Adgang itself are access.Right.
//
// A service is known here by its ID and name only; federation introduces it.
package entitlement

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/mail"
)

// Service is the front of the package.
type Service struct {
	DB      *bun.DB
	Mail    *mail.Service
	Now     func() time.Time
	Log     *slog.Logger
	BaseURL string
	// Delegated returns what powers of attorney give employees; nil for none. It
	// is a package above that knows them.
	Delegated func(ctx context.Context, db bun.IDB, org access.OrgID, employees []access.EmployeeID, now time.Time) ([]Delegation, error)
	// Delegates returns all that powers of attorney give employees of org, without
	// scope and giver; nil for none.
	Delegates func(ctx context.Context, db bun.IDB, org access.OrgID, now time.Time) ([]Delegation, error)
}

// ID is the ID of a right in the catalogue.
type ID string

// AssignmentID is the ID of a right that was given.
type AssignmentID string

// GroupID is the ID of a group of employees.
type GroupID string

// RequestID is the ID of a request for a right.
type RequestID string

// Delegation is a right that an employee has through a power of attorney, on
// behalf of another organisation.
type Delegation struct {
	Employee access.EmployeeID
	Right    ID
	Scope    string // as on the wire, with the other organisation's CVR number
	From     string // name of the other organisation
	Until    *time.Time
}

// pageSize is how many lines a page has.
const pageSize = 50
