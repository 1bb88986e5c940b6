package onboarding

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cvr"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// IdentityChecks is how an operator has made sure who the representative is.
// Nobody has logged in with MitID, so somebody must have looked; test is for
// installations that take test numbers.
var IdentityChecks = []string{"in_person", "video", "documents", "known", "test"}

// Steps are all the steps, for lists.
var Steps = []Step{StepCompany, StepPeople, StepApproval, StepSignatures, StepDocuments, StepDecision, StepApproved, StepRejected, StepWithdrawn}

const pageSize = 50

// Queue returns a page of applications at a step ("" = every step), oldest
// first, and the cursor of the next, "" at the end. Errors: fault.Denied,
// fault.Invalid.
func (s *Service) Queue(ctx context.Context, by access.Actor, step Step, cursor string) ([]Application, string, error) {
	if err := by.NeedOperator(); err != nil {
		return nil, "", err
	}
	if step != "" && !slices.Contains(Steps, step) {
		return nil, "", fault.New(fault.Invalid, "onboarding.step.unknown", "There is no step %q.", step).On("step")
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var page []Application
	q := s.DB.NewSelect().Model(&page).Order("id").Limit(pageSize + 1)
	if step != "" {
		q.Where("step = ?", step)
	}
	if after != nil {
		q.Where("id > ?", after[0])
	}
	if err := q.Scan(ctx); err != nil || len(page) <= pageSize {
		return page, "", err
	}
	return page[:pageSize], store.Cursor(page[pageSize-1].ID), nil
}

// Case is an application with all that a decision needs: Connected tells
// whether the CVR number is an organisation already. Errors: fault.Denied,
// fault.Absent.
func (s *Service) Case(ctx context.Context, by access.Actor, id string) (v View, connected bool, err error) {
	if err := by.NeedOperator(); err != nil {
		return v, false, err
	}
	if v, err = s.view(ctx, id); err != nil || v.CVR == "" {
		return v, false, err
	}
	o, err := s.Org.ByCVR(ctx, v.CVR)
	if fault.KindOf(err) == fault.Absent {
		return v, false, nil
	}
	return v, err == nil && o.ID != v.OrganisationID, err
}

// Accept approves an application: the organisation exists, its first
// administrator is appointed and mailed the set-up link. check says how the
// operator knows who the representative is. Errors: fault.Denied,
// fault.Absent, fault.Invalid, fault.Conflict.
func (s *Service) Accept(ctx context.Context, by access.Actor, id, check, reason string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	if !slices.Contains(IdentityChecks, check) || check == "test" && !s.TestData {
		return fault.New(fault.Invalid, "onboarding.identity.unknown", "Say how the identity of the management representative was checked.").On("identity_check")
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return s.decide(ctx, by, id, func(ctx context.Context, tx bun.Tx, a *Application, all []Party) error {
		s.close(a, "approved", reason, by.ID)
		a.IdentityCheck = check
		return s.connect(ctx, tx, by, a, all)
	})
}

// connect makes the organisation of an application.
func (s *Service) connect(ctx context.Context, tx bun.Tx, by access.Actor, a *Application, all []Party) error {
	o, admin, invitation, err := s.Credential.Connect(ctx, tx, by, credential.Founding{
		CVR: a.CVR, Name: a.Name, GivenName: a.AdminGiven, Surname: a.AdminSurname, Email: a.AdminEmail, Lang: a.Lang,
	})
	if err != nil {
		return err
	}
	a.OrganisationID = o.ID
	now := store.Instant(s.Now())
	if err := s.begin(ctx, tx, o.ID, admin.ID, invitation.ExpiresAt); err != nil {
		return err
	}
	for _, p := range all {
		if p.Role != Representative {
			continue
		}
		r := RepresentativeOf{OrgID: o.ID, Name: p.Name, Email: p.Email, ApplicationID: a.ID, TermsVersion: p.TermsVersion, CreatedAt: now}
		if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
			return err
		}
	}
	if err := s.announceComing(ctx, tx, o.ID); err != nil {
		return err
	}
	if c := a.Company(); c != nil && c.Form == cvr.Public {
		_, err = s.Setting.Put(ctx, tx, by.For(o.ID), func(d *setting.Settings) { d.Public = true })
	}
	return err
}

// Reject refuses an application with a reason, which is mailed to those who
// prepared it. Errors: as Accept.
func (s *Service) Reject(ctx context.Context, by access.Actor, id, reason string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return s.decide(ctx, by, id, func(_ context.Context, _ bun.Tx, a *Application, _ []Party) error {
		s.close(a, "rejected", reason, by.ID)
		return nil
	})
}

func (s *Service) decide(ctx context.Context, by access.Actor, id string, act func(context.Context, bun.Tx, *Application, []Party) error) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		// Two operators with the same case: one decides.
		res, err := tx.NewUpdate().Model((*Application)(nil)).Set("updated_at = ?", store.Instant(s.Now())).
			Where("id = ?", id).Where("step = ?", StepDecision).Exec(ctx)
		if n, err := store.Count(res, err); err != nil {
			return err
		} else if n == 0 {
			if _, err := read(ctx, tx, id); err != nil {
				return err
			}
			return fault.New(fault.Conflict, "onboarding.application.state", "The application does not wait for a decision. Load the page again.")
		}
		a, err := read(ctx, tx, id)
		if err != nil {
			return err
		}
		all, err := parties(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := act(ctx, tx, &a, all); err != nil {
			return err
		}
		if err := s.Advance(ctx, tx, &a); err != nil {
			return err
		}
		drafts := []mail.Draft{}
		for _, p := range all {
			if p.Role == Signatory {
				continue
			}
			drafts = append(drafts, mail.Draft{
				Kind: mail.KindDecided, Lang: a.Lang, Name: p.Name, Address: p.Email,
				Params: map[string]string{
					"organisation": a.Name, "decision": a.Decision, "reason": a.Reason, "administrator": a.AdminGiven + " " + a.AdminSurname,
				},
			})
		}
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "application."+map[string]string{"approved": "accept", "rejected": "reject"}[a.Decision], "application:"+id, a.IdentityCheck))
	})
}

// Code shows the installation code of the first administrator to the
// representative of an approved application, who hands it over: never when both
// have one mailbox, for link and code would come to the same place. Errors:
// fault.Absent, fault.Denied, fault.Conflict.
func (s *Service) Code(ctx context.Context, token, address string) (string, error) {
	v, err := s.Look(ctx, token)
	if err != nil {
		return "", err
	}
	if v.You.Role != Representative {
		return "", errParty
	}
	if v.Decision != "approved" {
		return "", errClosed
	}
	if v.You.Email == v.AdminEmail {
		return "", fault.New(fault.Denied, "onboarding.code.same_mailbox", "You have the link in your own mailbox, so the code must come another way: the operator gives it to you.")
	}
	set, err := s.setUpOf(ctx, v.OrganisationID)
	if err != nil {
		return "", err
	}
	return s.Credential.SetUpCode(ctx, v.You.actor(address), v.OrganisationID, set.AdministratorID)
}

// Sweep reminds of set-up links that end soon, once each, erases documents
// whose time is over, and drops applications that nobody goes on with.
func (s *Service) Sweep(ctx context.Context) error {
	now := store.Instant(s.Now())
	if err := s.remind(ctx, now); err != nil {
		return err
	}
	if err := s.lapse(ctx, now); err != nil {
		return err
	}
	if err := s.erase(ctx, now); err != nil {
		return err
	}
	return s.dropStale(ctx, now.AddDate(0, 0, -staleDays))
}

func (s *Service) erase(ctx context.Context, now time.Time) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var gone []string
		_, err := tx.NewUpdate().Model((*Document)(nil)).Set("sealed = NULL").Set("erased_at = ?", now).
			Where("sealed IS NOT NULL").
			Where("application_id IN (SELECT id FROM application WHERE erase_at <= ?)", now).
			Returning("application_id").Exec(ctx, &gone)
		if err != nil && fault.KindOf(store.Found(err, "onboarding.document")) != fault.Absent {
			return err
		}
		slices.Sort(gone)
		var entries []audit.Entry
		for _, id := range slices.Compact(gone) {
			entries = append(entries, audit.By(access.System(""), now, "application_document.erase", "application:"+id, ""))
		}
		return audit.Record(ctx, tx, entries...)
	})
}

// dropStale deletes applications without a decision that nobody has touched
// since the instant, with everything about them.
func (s *Service) dropStale(ctx context.Context, since time.Time) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var stale []string
		err := tx.NewSelect().Model((*Application)(nil)).Column("id").Where("decision = ''").Where("step <> ?", StepDecision).
			Where("updated_at <= ?", since).Order("id").Limit(500).Scan(ctx, &stale)
		if err != nil || len(stale) == 0 {
			return err
		}
		var entries []audit.Entry
		for _, id := range stale {
			entries = append(entries, audit.By(access.System(""), s.Now(), "application.drop", "application:"+id, ""))
		}
		for _, model := range []any{(*Document)(nil), (*Party)(nil)} {
			if _, err := tx.NewDelete().Model(model).Where("application_id IN (?)", bun.List(stale)).Exec(ctx); err != nil {
				return err
			}
		}
		if _, err := tx.NewDelete().Model((*Application)(nil)).Where("id IN (?)", bun.List(stale)).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, entries...)
	})
}
