package credential

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// SetUpDays is how long an organisation administrator's set-up link lives, as
// in MitID Erhverv.
const SetUpDays = 60

// Founding is what a new organisation starts with: one administrator. Lang is the
// language of mails to that person, "" = Danish.
type Founding struct{ CVR, Name, GivenName, Surname, Email, Lang string }

// Found makes an organisation with one administrator, who holds the
// organisation and user administrator roles, and orders the key file; it sends
// no mail. Errors: fault.Invalid, fault.Conflict for a CVR number that exists.
func (s *Service) Found(ctx context.Context, f Founding) (o org.Organisation, admin org.Employee, i Invitation, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		o, admin, err = s.found(ctx, tx, access.Command, f)
		if err != nil {
			return err
		}
		made, err := s.Orders(ctx, tx, access.Command(o.ID), o, []Order{{Employee: admin}}, false)
		if err == nil {
			i = made[0]
		}
		return err
	})
	return o, admin, i, err
}

// Connect is Found in the caller's transaction, by an operator, with the set-up
// mail to the administrator.
func (s *Service) Connect(ctx context.Context, tx bun.Tx, by access.Actor, f Founding) (o org.Organisation, admin org.Employee, i Invitation, err error) {
	if err = by.NeedOperator(); err != nil {
		return o, admin, i, err
	}
	if o, admin, err = s.found(ctx, tx, by.For, f); err == nil {
		i, err = s.Appoint(ctx, tx, by.For(o.ID), o, admin)
	}
	return o, admin, i, err
}

func (s *Service) found(ctx context.Context, tx bun.Tx, as func(access.OrgID) access.Actor, f Founding) (org.Organisation, org.Employee, error) {
	o, err := s.Org.New(f.CVR, f.Name)
	if err != nil {
		return o, org.Employee{}, err
	}
	admin := s.Org.Prepare(org.Employee{OrgID: o.ID, GivenName: f.GivenName, Surname: f.Surname, Email: f.Email, Lang: f.Lang})
	if err := org.Insert(ctx, tx, o); err != nil {
		return o, admin, err
	}
	if err := org.Add(ctx, tx, admin); err != nil {
		return o, admin, err
	}
	if err := s.Org.Assign(ctx, tx, admin, access.OrganisationAdministrator, access.UserAdministrator); err != nil {
		return o, admin, err
	}
	return o, admin, audit.Record(ctx, tx, audit.By(as(o.ID), s.Now(), "organisation.create", "organisation:"+string(o.ID), "CVR "+o.CVR))
}

// Appoint orders the key file of an administrator who has none, or replaces an
// order that was not used, and mails the set-up link, in the caller's
// transaction. Errors: fault.Conflict when the administrator has a key file in
// use.
func (s *Service) Appoint(ctx context.Context, tx bun.Tx, by access.Actor, o org.Organisation, e org.Employee) (Invitation, error) {
	now := store.Instant(s.Now())
	file, live, err := liveKeyFile(ctx, tx, o.ID, e.ID)
	if err != nil {
		return Invitation{}, err
	}
	if live && file.State == "active" {
		return Invitation{}, fault.New(fault.Conflict, "credential.key_file.active", "The employee has a key file in use. If it is lost, block it first; then a new one can be ordered.")
	}
	if !live {
		file = KeyFile{ID: store.NewID(), OrgID: o.ID, EmployeeID: e.ID, State: "ordered", OrderedAt: now}
		if made, err := insertKeyFiles(ctx, tx, []KeyFile{file}); err != nil || !made[file.ID] {
			return Invitation{}, fmt.Errorf("order a key file for %s: %w", e.ID, err)
		}
	}
	if _, err := tx.NewUpdate().Model((*Activation)(nil)).Set("state = 'replaced'").Set("code_sealed = NULL").
		Where("org_id = ?", o.ID).Where("employee_id = ?", e.ID).Where("state = 'open'").Exec(ctx); err != nil {
		return Invitation{}, err
	}
	i, activation := s.invite(file, nil, nil, now)
	i.ExpiresAt = now.AddDate(0, 0, SetUpDays)
	activation.ExpiresAt = i.ExpiresAt
	if _, err := store.Insert(ctx, tx, []Activation{activation}, ""); err != nil {
		return Invitation{}, err
	}
	if err := s.Mail.Queue(ctx, tx, "", setUpMail(o, e, i.Token, i.ExpiresAt, false)); err != nil {
		return Invitation{}, err
	}
	return i, audit.Record(ctx, tx, audit.By(by, now, "administrator.invite", "employee:"+string(e.ID), ""))
}

// RemindSetUp mails an administrator whose set-up link is unused a new link to
// the same order, valid as long as the old one, which ends. It tells whether
// there was one to remind of.
func (s *Service) RemindSetUp(ctx context.Context, tx bun.Tx, o org.Organisation, e org.Employee) (bool, error) {
	a, known, err := newestActivation(ctx, tx, o.ID, e.ID)
	if err != nil || !known || a.State != "open" || !s.Now().Before(a.ExpiresAt) || e.State != org.Active {
		return false, err
	}
	i, _ := s.invite(KeyFile{}, nil, nil, s.Now())
	res, err := tx.NewUpdate().Model((*Activation)(nil)).Set("token_mac = ?", s.Keys.MAC(tokenPurpose, i.Token)).
		Where("org_id = ?", o.ID).Where("id = ?", a.ID).Where("state = 'open'").Exec(ctx)
	if n, err := store.Count(res, err); err != nil || n == 0 {
		return false, err
	}
	if err := s.Mail.Queue(ctx, tx, "", setUpMail(o, e, i.Token, a.ExpiresAt, true)); err != nil {
		return false, err
	}
	return true, audit.Record(ctx, tx, audit.By(access.System(o.ID), s.Now(), "administrator.remind", "employee:"+string(e.ID), ""))
}

func setUpMail(o org.Organisation, e org.Employee, token string, until time.Time, reminder bool) mail.Draft {
	d := mail.Draft{
		Org: o.ID, Employee: e.ID, Kind: mail.KindSetUp, Lang: e.Lang, Name: e.Name(), Address: e.Email, Token: token,
		Params: map[string]string{"organisation": o.Name, "expires": until.UTC().Format(time.RFC3339)},
	}
	if reminder {
		d.Params["reminder"] = "yes"
	}
	return d
}

// SetUpCode reads the installation code of an administrator's unused set-up
// link for those who hand it over: the operators and the management
// representative. Each reading is recorded in the organisation's log. Errors:
// fault.Conflict when there is none.
func (s *Service) SetUpCode(ctx context.Context, by access.Actor, o access.OrgID, e access.EmployeeID) (code string, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		a, known, err := newestActivation(ctx, tx, o, e)
		if err != nil {
			return err
		}
		if !known || a.State != "open" || !s.Now().Before(a.ExpiresAt) {
			return fault.New(fault.Conflict, "credential.code.none", "There is no unused invitation, so there is no installation code to show.")
		}
		plain, err := s.Keys.Open(codePurpose, string(a.OrgID)+"/"+a.ID, a.CodeSealed)
		if err != nil {
			return fmt.Errorf("read an installation code: %w", err)
		}
		code = string(plain)
		return audit.Record(ctx, tx, audit.By(by.For(o), s.Now(), "installation_code.show", "employee:"+string(e), ""))
	})
	return code, err
}
