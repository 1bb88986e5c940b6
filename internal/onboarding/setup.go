package onboarding

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// RepresentativeOf is the management representative of an organisation.
type RepresentativeOf struct {
	bun.BaseModel `bun:"table:representative"`

	OrgID         access.OrgID `bun:"org_id,pk"`
	Name          string       `bun:"name"`
	Email         string       `bun:"email"`
	ApplicationID string       `bun:"application_id"`
	TermsVersion  int64        `bun:"terms_version"`
	CreatedAt     time.Time    `bun:"created_at"`
}

// WizardSteps are what a first administrator decides, in order.
var WizardSteps = []string{"authenticators", "creation", "invoice", "import", "roles"}

// SetUpState is the way in of an administrator, and how far the wizard is.
type SetUpState struct {
	bun.BaseModel `bun:"table:setup"`

	OrgID           access.OrgID      `bun:"org_id,pk"`
	AdministratorID access.EmployeeID `bun:"administrator_id,pk"`
	LinkExpiresAt   time.Time         `bun:"link_expires_at"`
	RemindedAt      *time.Time        `bun:"reminded_at"`
	Steps           string            `bun:"steps"` // JSON: step -> done, skipped
	FinishedAt      *time.Time        `bun:"finished_at"`
	CreatedAt       time.Time         `bun:"created_at"`
}

// Progress is the state of each wizard step: "", done or skipped.
func (s SetUpState) Progress() map[string]string {
	all := map[string]string{}
	_ = json.Unmarshal([]byte(s.Steps), &all) // ours; at worst nothing is done
	return all
}

// begin records that an administrator was appointed.
func (s *Service) begin(ctx context.Context, tx bun.Tx, o access.OrgID, e access.EmployeeID, until time.Time) error {
	row := SetUpState{OrgID: o, AdministratorID: e, LinkExpiresAt: until, Steps: "{}", CreatedAt: store.Instant(s.Now())}
	_, err := store.Insert(ctx, tx, []SetUpState{row}, "ON CONFLICT (org_id, administrator_id) DO UPDATE SET link_expires_at = EXCLUDED.link_expires_at, reminded_at = NULL")
	return err
}

func (s *Service) setUpOf(ctx context.Context, o access.OrgID) (SetUpState, error) {
	var row SetUpState
	err := s.DB.NewSelect().Model(&row).Where("org_id = ?", o).Order("created_at DESC").Limit(1).Scan(ctx)
	return row, store.Found(err, "onboarding.setup")
}

// Wizard returns how far the set-up of the actor's organisation is. An
// organisation that was not connected by an application has all steps before
// it. Errors: fault.Denied.
func (s *Service) Wizard(ctx context.Context, by access.Actor) (SetUpState, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return SetUpState{}, err
	}
	row, err := s.setUpOf(ctx, by.OrgID)
	if fault.KindOf(err) == fault.Absent {
		return SetUpState{OrgID: by.OrgID, Steps: "{}"}, nil
	}
	return row, err
}

// Tick stores that a step of the wizard is done, skipped or open again ("").
// Errors: fault.Denied, fault.Invalid, fault.Conflict without a set-up.
func (s *Service) Tick(ctx context.Context, by access.Actor, step, state string) (SetUpState, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return SetUpState{}, err
	}
	if !slices.Contains(WizardSteps, step) || !slices.Contains([]string{"", "done", "skipped"}, state) {
		return SetUpState{}, fault.New(fault.Invalid, "onboarding.wizard.unknown", "There is no such step in the set-up.").On("step")
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var row SetUpState
		err := tx.NewSelect().Model(&row).Where("org_id = ?", by.OrgID).Order("created_at DESC").Limit(1).Scan(ctx)
		if fault.KindOf(store.Found(err, "onboarding.setup")) == fault.Absent {
			row = SetUpState{OrgID: by.OrgID, AdministratorID: by.Employee, LinkExpiresAt: store.Instant(s.Now()), Steps: "{}", CreatedAt: store.Instant(s.Now())}
			if by.Employee == "" {
				return fault.New(fault.Conflict, "onboarding.wizard.person", "The set-up belongs to an administrator, who must be logged in.")
			}
			if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		all := row.Progress()
		all[step] = state
		text, err := json.Marshal(all)
		if err != nil {
			return err
		}
		left := slices.ContainsFunc(WizardSteps, func(one string) bool { return all[one] == "" })
		now := store.Instant(s.Now())
		q := tx.NewUpdate().Model((*SetUpState)(nil)).Set("steps = ?", string(text)).
			Where("org_id = ?", by.OrgID).Where("administrator_id = ?", row.AdministratorID)
		if left {
			q.Set("finished_at = NULL")
		} else {
			q.Set("finished_at = ?", now)
		}
		res, err := q.Exec(ctx)
		if err := store.One(res, err, "onboarding.setup"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "setup.step", "setup:"+step, state))
	})
	if err != nil {
		return SetUpState{}, err
	}
	return s.setUpOf(ctx, by.OrgID)
}

// Renew mails the first administrator a new set-up link, valid for 60 days; the
// old link and its code stop working. Errors: fault.Denied, fault.Absent,
// fault.Conflict once the key file is in use.
func (s *Service) Renew(ctx context.Context, by access.Actor, o access.OrgID) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		organisation, e, err := s.administrator(ctx, tx, o)
		if err != nil {
			return err
		}
		i, err := s.Credential.Appoint(ctx, tx, by.For(o), organisation, e)
		if err != nil {
			return err
		}
		return s.begin(ctx, tx, o, e.ID, i.ExpiresAt)
	})
}

// administrator is whoever was appointed last.
func (s *Service) administrator(ctx context.Context, db bun.IDB, o access.OrgID) (org.Organisation, org.Employee, error) {
	organisation, err := org.ByID(ctx, db, o)
	if err != nil {
		return organisation, org.Employee{}, err
	}
	var row SetUpState
	err = db.NewSelect().Model(&row).Where("org_id = ?", o).Order("created_at DESC").Limit(1).Scan(ctx)
	if err := store.Found(err, "onboarding.setup"); err != nil {
		return organisation, org.Employee{}, err
	}
	e, err := org.Get(ctx, db, o, row.AdministratorID)
	return organisation, e, err
}

// SetUpCode shows the installation code of an organisation's set-up link to an
// operator, who hands it over. Errors: fault.Denied, fault.Absent,
// fault.Conflict.
func (s *Service) SetUpCode(ctx context.Context, by access.Actor, o access.OrgID) (string, error) {
	if err := by.NeedOperator(); err != nil {
		return "", err
	}
	row, err := s.setUpOf(ctx, o)
	if err != nil {
		return "", err
	}
	return s.Credential.SetUpCode(ctx, by, o, row.AdministratorID)
}

// remind mails those whose set-up link ends within 14 days.
func (s *Service) remind(ctx context.Context, now time.Time) error {
	var due []SetUpState
	err := s.DB.NewSelect().Model(&due).Where("reminded_at IS NULL").Where("finished_at IS NULL").
		Where("link_expires_at > ?", now).Where("link_expires_at <= ?", now.AddDate(0, 0, remindDays)).
		Order("org_id", "administrator_id").Limit(1000).Scan(ctx)
	if err != nil {
		return err
	}
	for _, row := range due {
		err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			n, err := store.Count(tx.NewUpdate().Model((*SetUpState)(nil)).Set("reminded_at = ?", now).
				Where("org_id = ?", row.OrgID).Where("administrator_id = ?", row.AdministratorID).Where("reminded_at IS NULL").Exec(ctx))
			if err != nil || n == 0 {
				return err
			}
			o, err := org.ByID(ctx, tx, row.OrgID)
			if err != nil {
				return err
			}
			e, err := org.Get(ctx, tx, row.OrgID, row.AdministratorID)
			if err != nil {
				return err
			}
			_, err = s.Credential.RemindSetUp(ctx, tx, o, e)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
