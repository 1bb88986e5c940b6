package onboarding

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/store"
)

// Step is what an application waits for.
type Step string

// The steps in order, and the three ends.
const (
	StepCompany    Step = "company"    // reporter or representative: the CVR number
	StepPeople     Step = "people"     // who signs, who becomes administrator
	StepApproval   Step = "approval"   // the representative, of what a reporter prepared
	StepSignatures Step = "signatures" // everyone who signs: the terms
	StepDocuments  Step = "documents"  // when the register cannot tell who may sign
	StepDecision   Step = "decision"   // an operator
	StepApproved   Step = "approved"
	StepRejected   Step = "rejected"
	StepWithdrawn  Step = "withdrawn"
)

// next is the step that the stored facts lead to.
func next(a Application, all []Party) Step {
	var representative *Party
	signing, signed := 0, 0
	for i, p := range all {
		if p.Role == Representative {
			representative = &all[i]
		}
		if p.signs() {
			signing++
		}
		if p.SignedAt != nil {
			signed++
		}
	}
	switch {
	case a.Decision != "":
		return Step(a.Decision)
	case a.CVR == "":
		return StepCompany
	case a.PreparedAt == nil, a.AdminEmail == "", representative == nil, int64(signing) != a.Signers:
		return StepPeople
	case a.ApprovedAt == nil && a.Start == Reporter:
		return StepApproval
	case signed < signing:
		return StepSignatures
	case !a.Verified && a.SubmittedAt == nil:
		return StepDocuments
	}
	return StepDecision
}

// Advance finds the next step of an application from what is stored, stores it
// and asks those whose turn it is. It is the only place that does.
func (s *Service) Advance(ctx context.Context, tx bun.Tx, a *Application) error {
	all, err := parties(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	before := a.Step
	if a.Step = next(*a, all); a.Step == StepDocuments && verified(*a, all) {
		a.Verified = true
		a.Step = next(*a, all)
	}
	a.UpdatedAt = store.Instant(s.Now())
	if _, err := tx.NewUpdate().Model(a).WherePK().Exec(ctx); err != nil {
		return err
	}
	if a.Step == before {
		return nil
	}
	for _, p := range all {
		task := ""
		switch {
		case a.Step == StepApproval && p.Role == Representative:
			task = "approve"
		case a.Step == StepSignatures && p.Role == Signatory:
			task = "sign"
		}
		if task == "" {
			continue
		}
		if _, err := s.invite(ctx, tx, *a, p, task, all[0].Name); err != nil {
			return err
		}
	}
	return nil
}

// verified compares those who signed with the register's extract: each must be
// a person who may sign by a rule that is clear, and they must be enough.
func verified(a Application, all []Party) bool {
	c := a.Company()
	if c == nil || !c.Active {
		return false
	}
	count := 0
	for _, p := range all {
		if !p.signs() {
			continue
		}
		if _, ok := c.Entitled(p.Name); !ok {
			return false
		}
		count++
	}
	return c.Signing.Number > 0 && count >= c.Signing.Number
}
