package enrolment

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// CACertificates are the certificates (DER) that a machine trusts from then on:
// root, issuing CA.
func (s *Service) CACertificates(ctx context.Context) ([][]byte, error) {
	chain, err := s.CA.Chain(ctx)
	if err != nil {
		return nil, err
	}
	return [][]byte{chain[1], chain[0]}, nil
}

// Enroll gives a machine the certificate of an order, for the order's number and
// its one-time code. Whoever knows neither is told nothing of the order. Errors:
// fault.Denied enrolment.machine.unknown; else as Fetch.
func (s *Service) Enroll(ctx context.Context, reference, code string, csr []byte, address string) (Fetched, error) {
	var o Order
	err := s.DB.NewSelect().Model(&o).Where("id = ?", reference).Where("code_mac IS NOT NULL").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Fetched{}, errStranger
	}
	if err != nil {
		return Fetched{}, err
	}
	request, err := read(csr)
	if err != nil {
		return Fetched{}, err
	}
	f, err := s.redeem(ctx, o, code, request, address)
	if err != nil && !s.right(o, code) {
		return Fetched{}, errStranger
	}
	return f, err
}

var errStranger = fault.New(fault.Denied, "enrolment.machine.unknown", "Order number and one-time code do not fit together. Five wrong codes lock an order.")

// leaf reads the certificate that a machine showed on its own connection, which has
// proved to hold the key. Errors: fault.Denied.
func (s *Service) leaf(ctx context.Context, der []byte, profiles ...pki.Profile) (*pki.Leaf, Profile, error) {
	leaf, err := s.CA.Verify(ctx, der, s.Now(), profiles...)
	if err != nil {
		return nil, Profile{}, err
	}
	// The UUID is unique in the installation, and nobody knows the organisation yet.
	var p Profile
	err = s.DB.NewSelect().Model(&p).Where("id = ?", leaf.UUID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, p, errNoMachine
	}
	return leaf, p, err
}

var errNoMachine = fault.New(fault.Denied, "enrolment.machine.certificate", "The certificate belongs to no system here.")

// Reenroll gives a machine the successor of the certificate that it shows, while
// that counts: one successor each, for one key, however often it is asked for. The
// request names the same subject, or none. Errors: fault.Denied for a certificate
// that does not count, fault.Invalid for the request, fault.Conflict when another
// key has the successor already, or the organisation allows such certificates no
// longer.
func (s *Service) Reenroll(ctx context.Context, der, csr []byte, address string) (Fetched, error) {
	leaf, p, err := s.leaf(ctx, der, pki.ProfileOrganisation, pki.ProfileSystem, pki.ProfileSecureEmail)
	if err != nil {
		return Fetched{}, err
	}
	request, err := read(csr)
	if err != nil {
		return Fetched{}, err
	}
	if !request.Renews(der) {
		return Fetched{}, fault.New(fault.Invalid, "enrolment.request.subject", "The request must have the subject of the certificate that it renews, or none.").On("csr")
	}
	if _, err := s.standing(ctx, p.OrgID); err != nil {
		return Fetched{}, err
	}
	if err := s.orderable(ctx, p.OrgID, p.Kind); err != nil {
		return Fetched{}, err
	}
	by := access.Actor{OrgID: p.OrgID, ID: "machine:" + p.ID, Name: p.Name, Address: address}
	o, err := s.renewal(ctx, by, p, string(leaf.Serial))
	if err != nil {
		return Fetched{}, err
	}
	f, err := s.issue(ctx, by, o, request)
	if fault.CodeOf(err) == "enrolment.order.issued" {
		return f, fault.New(fault.Conflict, "enrolment.machine.renewed", "This certificate has been renewed, for another key. Use the new one, or order one.").Because(err)
	}
	return f, err
}

// renewal is the one order that renews a certificate by EST.
func (s *Service) renewal(ctx context.Context, by access.Actor, p Profile, serial string) (Order, error) {
	now := store.Instant(s.Now())
	row := Order{
		ID: store.NewID(), OrgID: p.OrgID, ProfileID: p.ID, State: Ready, Method: ByEST, Renews: serial,
		CreatedAt: now, ExpiresAt: now.AddDate(0, 0, OrderDays),
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []Order{row}, "ON CONFLICT (org_id, renews) WHERE method = 'est' AND state <> 'cancelled' DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.NewSelect().Model(&row).Where("org_id = ?", p.OrgID).Where("renews = ?", serial).Where("method = ?", ByEST).
				Where("state <> ?", Cancelled).Scan(ctx)
		}
		return audit.Record(ctx, tx, audit.By(by, now, "certificate_order.create", row.object(), p.object()+" est"))
	})
	return row, err
}

// Machine returns who a system is that shows its certificate on its own connection.
// Errors: fault.Denied for a certificate that does not count, for one of a system
// without a role, and session.none when its organisation's agreement has ended.
func (s *Service) Machine(ctx context.Context, der []byte, address string) (access.Actor, error) {
	_, p, err := s.leaf(ctx, der, pki.ProfileSystem)
	if err != nil {
		return access.Actor{}, err
	}
	if p.Role == "" {
		return access.Actor{}, fault.New(fault.Denied, "enrolment.machine.role", "This system has no role at the API. Order its certificate with one.")
	}
	if _, err := s.standing(ctx, p.OrgID); err != nil {
		return access.Actor{}, fault.New(fault.Denied, "session.none", "The organisation's agreement has ended.").Because(err)
	}
	return access.Actor{OrgID: p.OrgID, ID: "machine:" + p.ID, Name: p.Name, Address: address, Roles: []access.Role{p.Role}}, nil
}
