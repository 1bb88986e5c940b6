package localidp

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
)

// CanProve tells whether the organisation has an active provider where people prove
// who they are with their own MitID, and allows it.
func (s *Service) CanProve(ctx context.Context, id access.OrgID) (bool, error) {
	_, err := s.prover(ctx, id)
	if fault.KindOf(err) == fault.Denied {
		return false, nil
	}
	return err == nil, err
}

func (s *Service) prover(ctx context.Context, id access.OrgID) (IdP, error) {
	var p IdP
	err := s.DB.NewSelect().Model(&p).Where("i.org_id = ?", id).Where("i.kind = ?", NemLogin).Where("i.join_by = ?", ByCPR).
		Where("i.state = ?", Active).Order("i.id").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return p, unknown()
	}
	if err == nil {
		err = p.read()
	}
	if err == nil {
		err = allowed(ctx, s.DB, p)
	}
	return p, err
}

// BeginProof sends an invited employee to prove who he or she is; next is the path
// to come back to. Errors: fault.Denied when the organisation has no such provider,
// or does not allow MitID.
func (s *Service) BeginProof(ctx context.Context, e org.Employee, next string) (Begun, error) {
	p, err := s.prover(ctx, e.OrgID)
	if err != nil {
		return Begun{}, err
	}
	return s.ask(ctx, p, request{Purpose: toProve, Next: next, Fresh: true, EmployeeID: e.ID}, Heading{})
}

// proven records that the invited employee is whom the assertion names by CPR
// number. The identity is known at the level of its proofing (ial) where that is
// stated, else at that of the login, and never sinks by it. Errors: fault.Denied.
func (s *Service) proven(ctx context.Context, tx bun.Tx, p IdP, r request, k oiosaml.Vouched, address string) (org.Employee, error) {
	e, err := org.Get(ctx, tx, p.OrgID, r.EmployeeID)
	if err != nil {
		return e, err
	}
	cpr := k.One(oiosaml.AttrCPR)
	switch {
	case e.State != org.Active:
		return e, fault.New(fault.Denied, "localidp.person.stopped", "Your access to the organisation has been stopped. Ask your user administrator.")
	case len(e.CPRMAC) == 0 || cpr == "":
		return e, fault.New(fault.Denied, "localidp.prove.no_cpr", "Your organisation has not registered your CPR number, so MitID cannot show that it is you. Ask your user administrator.")
	case !secret.Equal(e.CPRMAC, org.CPRMAC(s.Keys, p.OrgID, cpr)):
		return e, fault.New(fault.Denied, "localidp.prove.other", "The MitID belongs to somebody else than the invitation. Nothing has changed.")
	}
	level := p.level(k)
	if ial := oiosaml.LevelNamed(k.One(oiosaml.AttrIAL)); ial != 0 {
		level = min(ial, p.cap())
	}
	if org.LevelRank(level.String()) <= org.LevelRank(e.ProofingLevel) {
		return e, nil
	}
	by := access.System(p.OrgID)
	by.ID, by.Name, by.Address = "idp:"+p.ID, p.Name, address
	return e, s.Org.ProveTx(ctx, tx, by, e.ID, org.ByPrivateMitID, level.String())
}
