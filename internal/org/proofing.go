package org

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Ways to prove who somebody is.
const (
	ByPrivateMitID = "private_mitid"
	ByDocumentChip = "document_chip" // passport or ID card scanned with the MitID app
	InPerson       = "in_person"     // a document was shown
	Vouched        = "vouched"       // an administrator knows the person
)

// ProofingMethods lists the ways, the best first, and ceilings the highest NSIS
// level that each gives.
var (
	ProofingMethods = []string{ByPrivateMitID, ByDocumentChip, InPerson, Vouched}

	ceilings = map[string]string{ByPrivateMitID: "High", ByDocumentChip: "Substantial", InPerson: "Substantial", Vouched: "Low"}
)

// ProofingLevels returns the NSIS levels that a way to prove the employee's
// identity gives, lowest first, none for what is no way. A document that is only
// shown does not reach Substantial for those without a CPR number, since MitID
// does not accept it either.
func (e Employee) ProofingLevels(method string) []string {
	most := ceilings[method]
	if e.WithoutCPR && method == InPerson {
		most = "Low"
	}
	return setting.Levels[:LevelRank(most)]
}

// LevelRank orders NSIS levels: 0 for none, 1 Low, 2 Substantial, 3 High.
func LevelRank(level string) int { return slices.Index(setting.Levels, level) + 1 }

// IdentityLevel is the NSIS level at which the employee's identity is known. An
// employee of whom nothing is recorded is known to the administrator who created
// or imported the person, which is Low; of somebody without a CPR number that is
// nothing.
func (e Employee) IdentityLevel() string {
	if e.ProofingLevel == "" && !e.WithoutCPR {
		return "Low"
	}
	return e.ProofingLevel
}

// Needs is the NSIS level that the employee's identity must reach before the
// employee may be activated: the organisation's minimum, and Substantial for
// those without a CPR number.
func (e Employee) Needs(s setting.Settings) string {
	if e.WithoutCPR && LevelRank(s.MinimumLevel) < LevelRank("Substantial") {
		return "Substantial"
	}
	return s.MinimumLevel
}

// Proven checks that the identity reaches what is needed. Errors: fault.Conflict
// with what to do.
func (e Employee) Proven(s setting.Settings) error {
	need := e.Needs(s)
	switch {
	case LevelRank(e.IdentityLevel()) >= LevelRank(need):
		return nil
	case e.WithoutCPR:
		return fault.New(fault.Conflict, "org.proofing.foreign", "The employee has no CPR number and must first have a private MitID at the level %s: it is made by scanning the chip of a passport or ID card with the MitID app. Then record the proofing here.", need)
	}
	return fault.New(fault.Conflict, "org.proofing.level", "The organisation demands an identity at the level %s, and the employee's is %s. Let a user administrator record how the identity was proved.", need, e.IdentityLevel())
}

// Standing checks Proven for one employee of an organisation. Errors:
// fault.Conflict.
func Standing(ctx context.Context, db bun.IDB, e Employee) error {
	settings, err := setting.Of(ctx, db, e.OrgID)
	if err != nil {
		return err
	}
	return e.Proven(settings)
}

// Prove records how an employee's identity was proved and the NSIS level that it
// gives. Errors: fault.Denied, fault.Absent, fault.Invalid for a level that the
// method does not give, fault.Conflict for somebody deleted.
func (s *Service) Prove(ctx context.Context, by access.Actor, id access.EmployeeID, method, level string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.ProveTx(ctx, tx, by, id, method, level)
	})
}

// ProveTx is Prove in the caller's transaction.
func (s *Service) ProveTx(ctx context.Context, tx bun.Tx, by access.Actor, id access.EmployeeID, method, level string) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	if !slices.Contains(ProofingMethods, method) {
		return fault.New(fault.Invalid, "org.proofing.method", "There is no such way to prove an identity.").On("method")
	}
	before, err := present(ctx, tx, by.OrgID, id)
	if err != nil {
		return err
	}
	if levels := before.ProofingLevels(method); !slices.Contains(levels, level) {
		return fault.New(fault.Invalid, "org.proofing.too_high", "This way to prove an identity gives at most the level %s.", levels[len(levels)-1]).On("level")
	}
	now := store.Instant(s.Now())
	after := before
	after.ProofingMethod, after.ProofingLevel, after.ProofingBy, after.ProofingAt = method, level, by.ID, &now
	return s.save(ctx, tx, by, before, after, "employee.prove", method+" "+level)
}
