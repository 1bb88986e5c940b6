package onboarding

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Recovery is a new administrator that the management representative asks for.
type Recovery struct {
	bun.BaseModel `bun:"table:recovery"`

	OrgID         access.OrgID `bun:"org_id,pk"`
	ID            string       `bun:"id,pk"`
	State         string       `bun:"state"` // asked, waiting, objected, refused, appointed, lapsed
	TokenMAC      []byte       `bun:"token_mac"`
	LinkExpiresAt time.Time    `bun:"link_expires_at"`
	Lang          string       `bun:"lang"`
	GivenName     string       `bun:"given_name"`
	Surname       string       `bun:"surname"`
	Email         string       `bun:"email"`
	Reason        string       `bun:"reason"`
	AskedAt       time.Time    `bun:"asked_at"`
	ConfirmedAt   *time.Time   `bun:"confirmed_at"`
	ReadyAt       *time.Time   `bun:"ready_at"` // when objecting is over
	EndedBy       string       `bun:"ended_by"`
	EndedAt       *time.Time   `bun:"ended_at"`
	Note          string       `bun:"note"`

	// Filled in when read.
	Organisation   org.Organisation `bun:"-"`
	Representative RepresentativeOf `bun:"-"`
	// Nominee is the employee whom the organisation named as successor, nil = none.
	// The representative's page proposes that person.
	Nominee *org.Employee `bun:"-"`
}

const waiting = "waiting"

func (r Recovery) name() string { return r.GivenName + " " + r.Surname }

// AskRecovery mails the registered representative of an organisation a link,
// when CVR number and address are theirs. It answers the same to everybody.
// Errors: fault.Invalid for what is no e-mail address.
func (s *Service) AskRecovery(ctx context.Context, number, email, lang, address string) error {
	email, err := checkEmail("email", email)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var r RepresentativeOf
		err := tx.NewSelect().Model(&r).Where("email = ?", email).
			Where("org_id IN (SELECT id FROM organisation WHERE cvr = ?)", number).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		now := store.Instant(s.Now())
		recent, err := tx.NewSelect().Model((*Recovery)(nil)).Where("org_id = ?", r.OrgID).Where("asked_at > ?", now.Add(-time.Hour)).Count(ctx)
		if err != nil || recent >= 3 {
			return err
		}
		o, err := org.ByID(ctx, tx, r.OrgID)
		if err != nil {
			return err
		}
		token := secret.Token()
		one := Recovery{
			OrgID: r.OrgID, ID: store.NewID(), State: "asked", TokenMAC: s.Keys.MAC(recoveryPurpose, token),
			LinkExpiresAt: now.AddDate(0, 0, 2), Lang: language(lang), AskedAt: now,
		}
		if _, err := tx.NewInsert().Model(&one).Exec(ctx); err != nil {
			return err
		}
		if err := s.Mail.Queue(ctx, tx, "", mail.Draft{
			Org: r.OrgID, Kind: mail.KindRecoveryLink, Lang: one.Lang, Name: r.Name, Address: r.Email, Token: token,
			Params: map[string]string{"organisation": o.Name, "expires": one.LinkExpiresAt.Format(time.RFC3339)},
		}); err != nil {
			return err
		}
		by := access.Actor{OrgID: r.OrgID, ID: "anonymous", Address: address}
		return audit.Record(ctx, tx, audit.By(by, now, "recovery.ask", "recovery:"+one.ID, ""))
	})
}

func (s *Service) recoveryByToken(ctx context.Context, db bun.IDB, token string) (Recovery, error) {
	var r Recovery
	err := db.NewSelect().Model(&r).Where("token_mac = ?", s.Keys.MAC(recoveryPurpose, token)).
		Where("state <> 'asked' OR link_expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.New(fault.Absent, "onboarding.recovery_link.unknown", "The link is not known here, or it has run out. Ask for a new one.")
	}
	if err != nil {
		return r, err
	}
	return r, fill(ctx, db, &r)
}

func fill(ctx context.Context, db bun.IDB, r *Recovery) (err error) {
	if r.Organisation, err = org.ByID(ctx, db, r.OrgID); err != nil {
		return err
	}
	e, named, err := org.NomineeOf(ctx, db, r.OrgID)
	if err != nil {
		return err
	}
	if named != nil {
		r.Nominee = &e
	}
	return db.NewSelect().Model(&r.Representative).Where("org_id = ?", r.OrgID).Scan(ctx)
}

// LookRecovery returns the recovery of a link. Errors: fault.Absent.
func (s *Service) LookRecovery(ctx context.Context, token string) (Recovery, error) {
	return s.recoveryByToken(ctx, s.DB, token)
}

// Confirm names the new administrator: the waiting time begins and every
// administrator of the organisation is told. Errors: fault.Absent,
// fault.Invalid, fault.Conflict when one waits already.
func (s *Service) Confirm(ctx context.Context, token, given, surname, email, reason, address string) (Recovery, error) {
	given, err := checkName("given_name", given)
	if err != nil {
		return Recovery{}, err
	}
	if surname, err = checkName("surname", surname); err != nil {
		return Recovery{}, err
	}
	if email, err = checkEmail("email", email); err != nil {
		return Recovery{}, err
	}
	if reason, err = checkReason(reason); err != nil {
		return Recovery{}, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := s.recoveryByToken(ctx, tx, token)
		if err != nil {
			return err
		}
		now := store.Instant(s.Now())
		ready := now.Add(cmp.Or(s.Wait, defaultWait))
		res, err := tx.NewUpdate().Model((*Recovery)(nil)).Set("state = ?", waiting).Set("given_name = ?", given).
			Set("surname = ?", surname).Set("email = ?", email).Set("reason = ?", reason).
			Set("confirmed_at = ?", now).Set("ready_at = ?", ready).
			Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).Where("state = 'asked'").
			Where("NOT EXISTS (SELECT 1 FROM recovery AS w WHERE w.org_id = ? AND w.state = ?)", r.OrgID, waiting).Exec(ctx)
		if n, err := store.Count(res, err); err != nil {
			return err
		} else if n == 0 {
			return fault.New(fault.Conflict, "onboarding.recovery.open", "A new administrator was asked for already, and the waiting time runs.")
		}
		r.GivenName, r.Surname, r.ReadyAt = given, surname, &ready
		if err := s.warn(ctx, tx, r); err != nil {
			return err
		}
		by := access.Actor{OrgID: r.OrgID, ID: "representative", Address: address}
		return audit.Record(ctx, tx, audit.By(by, now, "recovery.confirm", "recovery:"+r.ID, ""))
	})
	if store.IsUnique(err) {
		return Recovery{}, fault.New(fault.Conflict, "onboarding.recovery.open", "A new administrator was asked for already, and the waiting time runs.")
	}
	if err != nil {
		return Recovery{}, err
	}
	return s.LookRecovery(ctx, token)
}

// warn tells every administrator, of whichever role.
func (s *Service) warn(ctx context.Context, tx bun.Tx, r Recovery) error {
	var admins []org.Employee
	err := tx.NewSelect().Model(&admins).Where("org_id = ?", r.OrgID).Where("state = ?", org.Active).
		Where("id IN (SELECT employee_id FROM role_assignment WHERE org_id = ? AND role <> ?)", r.OrgID, access.TrustedEmployee).
		Order("sort_key", "id").Scan(ctx)
	if err != nil {
		return err
	}
	var drafts []mail.Draft
	for _, e := range admins {
		drafts = append(drafts, mail.Draft{
			Org: r.OrgID, Employee: e.ID, Kind: mail.KindRecovery, Lang: e.Lang, Name: e.Name(), Address: e.Email,
			Params: map[string]string{
				"organisation": r.Organisation.Name, "representative": r.Representative.Name, "administrator": r.name(),
				"ready": r.ReadyAt.UTC().Format(time.RFC3339),
			},
		})
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

// Recoveries lists those of the actor's organisation, newest first, at most
// 100; not those that were only asked for. Errors: fault.Denied.
func (s *Service) Recoveries(ctx context.Context, by access.Actor) ([]Recovery, error) {
	if err := by.Need(access.ViewRoles); err != nil {
		return nil, err
	}
	var all []Recovery
	err := s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).Where("state NOT IN ('asked', 'lapsed')").
		Order("id DESC").Limit(100).Scan(ctx)
	if err != nil || len(all) == 0 {
		return all, err
	}
	if err := fill(ctx, s.DB, &all[0]); err != nil {
		return nil, err
	}
	for i := range all { // all of one organisation
		all[i].Organisation, all[i].Representative, all[i].Nominee = all[0].Organisation, all[0].Representative, all[0].Nominee
	}
	return all, nil
}

// Object cancels a recovery within its waiting time. Any administrator may.
// Errors: fault.Denied, fault.Invalid, fault.Absent, fault.Conflict.
func (s *Service) Object(ctx context.Context, by access.Actor, id, reason string) error {
	if err := by.Need(access.ViewRoles); err != nil {
		return err
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return s.end(ctx, by, by.OrgID, id, "objected", reason, "recovery.object")
}

// Refuse ends a recovery for a reason of the operators. Errors: as Object.
func (s *Service) Refuse(ctx context.Context, by access.Actor, o access.OrgID, id, reason string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return s.end(ctx, by.For(o), o, id, "refused", reason, "recovery.refuse")
}

func (s *Service) end(ctx context.Context, by access.Actor, o access.OrgID, id, state, note, verb string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := s.finish(ctx, tx, by, o, id, state, note, nil)
		if err != nil {
			return err
		}
		if err := s.tellEnd(ctx, tx, r, state, note); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "recovery:"+id, ""))
	})
}

// finish ends a waiting recovery; with ready, only once its time is over.
func (s *Service) finish(ctx context.Context, tx bun.Tx, by access.Actor, o access.OrgID, id, state, note string, ready *time.Time) (Recovery, error) {
	var r Recovery
	err := tx.NewSelect().Model(&r).Where("org_id = ?", o).Where("id = ?", id).Where("state <> 'asked'").Scan(ctx)
	if err := store.Found(err, "onboarding.recovery"); err != nil {
		return r, err
	}
	q := tx.NewUpdate().Model((*Recovery)(nil)).Set("state = ?", state).Set("note = ?", note).
		Set("ended_by = ?", by.ID).Set("ended_at = ?", store.Instant(s.Now())).
		Where("org_id = ?", o).Where("id = ?", id).Where("state = ?", waiting)
	if ready != nil {
		q.Where("ready_at <= ?", *ready)
	}
	res, err := q.Exec(ctx)
	if n, err := store.Count(res, err); err != nil {
		return r, err
	} else if n == 0 {
		if ready != nil && r.State == waiting {
			return r, fault.New(fault.Conflict, "onboarding.recovery.early", "The waiting time, in which administrators may object, is not over yet.")
		}
		return r, fault.New(fault.Conflict, "onboarding.recovery.state", "This is no longer possible: the state has changed meanwhile. Load the page again.")
	}
	return r, fill(ctx, tx, &r)
}

func (s *Service) tellEnd(ctx context.Context, tx bun.Tx, r Recovery, outcome, reason string) error {
	return s.Mail.Queue(ctx, tx, "", mail.Draft{
		Org: r.OrgID, Kind: mail.KindRecoveryEnded, Lang: r.Lang, Name: r.Representative.Name, Address: r.Representative.Email,
		Params: map[string]string{"organisation": r.Organisation.Name, "administrator": r.name(), "outcome": outcome, "reason": reason},
	})
}

// OpenRecoveries lists those that wait, in every organisation, the one that is
// ready first at the top, at most 500. Errors: fault.Denied.
func (s *Service) OpenRecoveries(ctx context.Context, by access.Actor) ([]Recovery, error) {
	if err := by.NeedOperator(); err != nil {
		return nil, err
	}
	var all []Recovery
	if err := s.DB.NewSelect().Model(&all).Where("state = ?", waiting).Order("ready_at", "id").Limit(500).Scan(ctx); err != nil {
		return nil, err
	}
	for i := range all {
		if err := fill(ctx, s.DB, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Reopen appoints the new administrator of a recovery whose waiting time is
// over: an employee of that address, or a new one. note says how the operator
// knows the representative. Errors: fault.Denied, fault.Invalid, fault.Absent,
// fault.Conflict.
func (s *Service) Reopen(ctx context.Context, by access.Actor, o access.OrgID, id, note string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	note, err := checkReason(note)
	if err != nil {
		return err
	}
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		r, err := s.finish(ctx, tx, by, o, id, "appointed", note, &now)
		if err != nil {
			return err
		}
		if err := s.appoint(ctx, tx, by.For(o), r); err != nil {
			return err
		}
		if err := s.tellEnd(ctx, tx, r, "appointed", ""); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by.For(o), now, "recovery.appoint", "recovery:"+id, ""))
	})
}

func (s *Service) appoint(ctx context.Context, tx bun.Tx, by access.Actor, r Recovery) error {
	var e org.Employee
	err := tx.NewSelect().Model(&e).Where("org_id = ?", r.OrgID).Where("email = ?", r.Email).Where("state = ?", org.Active).
		Order("created_at", "id").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		e = s.Org.Prepare(org.Employee{OrgID: r.OrgID, GivenName: r.GivenName, Surname: r.Surname, Email: r.Email, Lang: r.Lang})
		if err = org.Add(ctx, tx, e); err == nil {
			err = audit.Record(ctx, tx, audit.By(by, s.Now(), "employee.create", "employee:"+string(e.ID), "recovery"))
		}
	}
	if err != nil {
		return err
	}
	if err := s.Org.Assign(ctx, tx, e, access.OrganisationAdministrator, access.UserAdministrator); err != nil {
		return err
	}
	i, err := s.Credential.Appoint(ctx, tx, by, r.Organisation, e)
	if fault.CodeOf(err) == "credential.key_file.active" { // who logs in already needs no link
		return nil
	}
	if err != nil {
		return err
	}
	return s.begin(ctx, tx, r.OrgID, e.ID, i.ExpiresAt)
}

// lapse ends what was asked for and never confirmed.
func (s *Service) lapse(ctx context.Context, now time.Time) error {
	_, err := s.DB.NewUpdate().Model((*Recovery)(nil)).Set("state = 'lapsed'").Set("token_mac = NULL").
		Where("state = 'asked'").Where("link_expires_at <= ?", now).Exec(ctx)
	return err
}
