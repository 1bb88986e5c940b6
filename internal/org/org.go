// Package org holds the organisations that Adgang serves and the people in
// them: a CVR number each, employees with the RID they brought along, and the
// roles they were given.
package org

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Organisation is a tenant: exactly one CVR number.
type Organisation struct {
	bun.BaseModel `bun:"table:organisation"`

	ID        access.OrgID `bun:"id,pk"`
	CVR       string       `bun:"cvr"` // 8 digits
	Name      string       `bun:"name"`
	SearchKey string       `bun:"search_key"`
	SortKey   string       `bun:"sort_key"`
	CreatedAt time.Time    `bun:"created_at"`
	EndsAt    *time.Time   `bun:"ends_at"` // the agreement does; nobody logs in from then
}

// Service is the front of the package.
type Service struct {
	DB       *bun.DB
	Keys     *secret.Keys
	Mail     *mail.Service
	Approval *approval.Service
	Now      func() time.Time
	// Forget takes the personal data of employees out of the other tables, in the
	// transaction that erases them. The rows are as they were before.
	Forget func(ctx context.Context, tx bun.Tx, gone []Employee) error
	// TestData accepts CVR numbers that fail modulus 11.
	TestData bool
}

// New prepares an organisation for insertion. Errors: fault.Invalid for a CVR
// number or name that cannot be one.
func (s *Service) New(cvr, name string) (Organisation, error) {
	if err := s.CheckCVR(cvr); err != nil {
		return Organisation{}, err
	}
	if name == "" || utf8.RuneCountInString(name) > 200 {
		return Organisation{}, fault.New(fault.Invalid, "org.name.length", "The organisation's name must have 1 to 200 characters.").On("name")
	}
	return Organisation{
		ID: access.OrgID(store.NewID()), CVR: cvr, Name: name, SearchKey: organisationKey(cvr, name), SortKey: SortKey(name),
		CreatedAt: store.Instant(s.Now()),
	}, nil
}

// CheckCVR checks form and modulus 11 ; test data may fail the latter. Errors: fault.Invalid.
func (s *Service) CheckCVR(cvr string) error {
	if len(cvr) != 8 || !form.Digits(cvr) {
		return fault.New(fault.Invalid, "org.cvr.form", "A CVR number has 8 digits; %q does not.", cvr).On("cvr")
	}
	if !form.Modulus11(cvr) && !s.TestData {
		return fault.New(fault.Invalid, "org.cvr.modulus", "%s is not a CVR number: it fails the modulus 11 check. Look for a mistyped digit (test numbers need ADGANG_TEST_CVR=1).", cvr).On("cvr")
	}
	return nil
}

// Insert adds o in the caller's transaction. Errors: fault.Conflict when the
// CVR number is taken.
func Insert(ctx context.Context, tx bun.Tx, o Organisation) error {
	n, err := store.Insert(ctx, tx, []Organisation{o}, "ON CONFLICT (cvr) DO NOTHING")
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "org.cvr.taken", "An organisation with CVR number %s exists already.", o.CVR).On("cvr")
	}
	return err
}

// Organisation returns one organisation. Errors: fault.Absent.
func (s *Service) Organisation(ctx context.Context, id access.OrgID) (Organisation, error) {
	return ByID(ctx, s.DB, id)
}

// ByID is Organisation inside or outside a transaction. Errors: fault.Absent.
func ByID(ctx context.Context, db bun.IDB, id access.OrgID) (Organisation, error) {
	var o Organisation
	err := db.NewSelect().Model(&o).Where("id = ?", id).Scan(ctx)
	return o, store.Found(err, "org")
}

// ByCVR returns the organisation with a CVR number. Errors: fault.Absent.
func (s *Service) ByCVR(ctx context.Context, cvr string) (Organisation, error) {
	var o Organisation
	err := s.DB.NewSelect().Model(&o).Where("cvr = ?", cvr).Scan(ctx)
	return o, store.Found(err, "org")
}

// IDs returns the IDs of all organisations, for work that crosses them.
func (s *Service) IDs(ctx context.Context) ([]access.OrgID, error) {
	var ids []access.OrgID
	err := s.DB.NewSelect().Model((*Organisation)(nil)).Column("id").Order("id").Scan(ctx, &ids)
	return ids, err
}

// Everyone returns every organisation by its CVR number, for commands of the
// operator.
func (s *Service) Everyone(ctx context.Context) (all []Organisation, err error) {
	err = s.DB.NewSelect().Model(&all).Order("cvr").Scan(ctx)
	return all, err
}
