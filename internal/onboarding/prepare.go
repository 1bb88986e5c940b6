package onboarding

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// editable tells whether the details may still change: before anybody signed,
// and by those who prepare.
func editable(a Application, you Party) error {
	if you.Role == Signatory {
		return errParty
	}
	switch a.Step {
	case StepCompany, StepPeople, StepApproval:
		return nil
	default:
		return errClosed
	}
}

// SetCompany looks the CVR number up in the register and keeps the extract. A
// number that the register does not know goes on with the name given and with
// documents. Errors: fault.Absent, fault.Denied, fault.Invalid, fault.Conflict,
// fault.Unavailable when the register does not answer.
func (s *Service) SetCompany(ctx context.Context, token, number, name, address string) (View, error) {
	if err := s.Org.CheckCVR(number); err != nil {
		return View{}, err
	}
	// The register is asked outside the transaction, but only for who may.
	if _, err := s.byToken(ctx, s.DB, token); err != nil {
		return View{}, err
	}
	company, err := s.Register.Company(ctx, number)
	found := err == nil
	if err != nil && fault.KindOf(err) != fault.Absent {
		return View{}, err
	}
	extract := ""
	if found {
		if !company.Active {
			return View{}, fault.New(fault.Invalid, "onboarding.company.closed", "The company register says that this organisation is closed (%s). Look for a mistyped digit.", company.Status).On("cvr")
		}
		text, err := json.Marshal(company)
		if err != nil {
			return View{}, err
		}
		extract, name = string(text), company.Name
	} else if name == "" {
		return View{}, fault.New(fault.Invalid, "onboarding.company.unknown", "The company register does not know this CVR number. Look for a mistyped digit. If the number is right, write the organisation's name as well; then documents are needed.").On("name")
	}
	if name, err = checkName("name", name); err != nil {
		return View{}, err
	}
	return s.change(ctx, token, address, "application.company", func(_ context.Context, _ bun.Tx, a *Application, you *Party) error {
		if err := editable(*a, *you); err != nil {
			return err
		}
		a.CVR, a.Name, a.Found, a.Extract = number, name, found, extract
		a.PreparedAt, a.ApprovedAt = nil, nil
		a.Signers = 1
		if found && company.Signing.Number > 0 {
			a.Signers = int64(company.Signing.Number)
		}
		return nil
	})
}

// People is who signs and who becomes the first organisation administrator.
type People struct {
	Representative Person // ignored when the representative started
	Signatories    []Person
	AdminGiven     string
	AdminSurname   string
	AdminEmail     string
}

// Person is named in an application.
type Person struct{ Name, Email string }

// SetPeople names the signers and the administrator. There must be as many
// signers as the register's rule asks for. Errors: fault.Absent, fault.Denied,
// fault.Invalid on the field, fault.Conflict.
func (s *Service) SetPeople(ctx context.Context, token string, in People, address string) (View, error) {
	var err error
	if in.AdminGiven, err = checkName("admin_given_name", in.AdminGiven); err != nil {
		return View{}, err
	}
	if in.AdminSurname, err = checkName("admin_surname", in.AdminSurname); err != nil {
		return View{}, err
	}
	if in.AdminEmail, err = checkEmail("admin_email", in.AdminEmail); err != nil {
		return View{}, err
	}
	for i := range in.Signatories {
		if err := in.Signatories[i].check("signatories"); err != nil {
			return View{}, err
		}
	}
	return s.change(ctx, token, address, "application.people", func(ctx context.Context, tx bun.Tx, a *Application, you *Party) error {
		if err := editable(*a, *you); err != nil {
			return err
		}
		if a.CVR == "" {
			return errClosed
		}
		return s.setPeople(ctx, tx, a, *you, in)
	})
}

func (p *Person) check(field string) (err error) {
	if p.Name, err = checkName(field+"_name", p.Name); err != nil {
		return err
	}
	p.Email, err = checkEmail(field+"_email", p.Email)
	return err
}

func (s *Service) setPeople(ctx context.Context, tx bun.Tx, a *Application, you Party, in People) error {
	wanted := []Party{}
	if a.Start == Reporter {
		if err := in.Representative.check("representative"); err != nil && you.Role == Reporter {
			return err
		}
		if you.Role == Representative {
			in.Representative = Person{you.Name, you.Email}
		}
		wanted = append(wanted, Party{Role: Representative, Name: in.Representative.Name, Email: in.Representative.Email})
	}
	for _, p := range in.Signatories {
		wanted = append(wanted, Party{Role: Signatory, Name: p.Name, Email: p.Email})
	}
	known, err := parties(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	starter := known[0]
	seen := []string{starter.Email}
	for _, p := range wanted {
		if slices.Contains(seen, p.Email) {
			return fault.New(fault.Invalid, "onboarding.people.same_email", "Each person needs an e-mail address of their own: %s is there twice. Who prepares an application cannot approve or sign it.", p.Email).On("signatories_email")
		}
		seen = append(seen, p.Email)
	}
	signers := len(in.Signatories) + 1
	if c := a.Company(); c != nil && c.Signing.Number > signers {
		return fault.New(fault.Invalid, "onboarding.people.too_few", "By the signing rule %d people sign, the management representative among them. Name them all.", c.Signing.Number).On("signatories")
	}
	if signers > maxSigners {
		return fault.New(fault.Invalid, "onboarding.people.too_many", "At most %d people can sign here.", maxSigners).On("signatories")
	}
	if err := s.replaceParties(ctx, tx, *a, known[1:], wanted); err != nil {
		return err
	}
	now := store.Instant(s.Now())
	a.Signers, a.PreparedAt = int64(signers), &now
	a.AdminGiven, a.AdminSurname, a.AdminEmail = in.AdminGiven, in.AdminSurname, in.AdminEmail
	if you.Role == Reporter {
		a.ApprovedAt = nil
	}
	return nil
}

// replaceParties keeps those of known who are wanted, with their links, and
// makes or drops the rest.
func (s *Service) replaceParties(ctx context.Context, tx bun.Tx, a Application, known, wanted []Party) error {
	now := store.Instant(s.Now())
	keep := map[string]bool{}
	for _, w := range wanted {
		i := slices.IndexFunc(known, func(k Party) bool { return k.Role == w.Role && k.Email == w.Email })
		if i >= 0 {
			keep[known[i].ID] = true
			if _, err := tx.NewUpdate().Model((*Party)(nil)).Set("name = ?", w.Name).Where("id = ?", known[i].ID).Exec(ctx); err != nil {
				return err
			}
			continue
		}
		w.ID, w.ApplicationID, w.CreatedAt, w.ExpiresAt = store.NewID(), a.ID, now, now
		keep[w.ID] = true
		if _, err := tx.NewInsert().Model(&w).Exec(ctx); err != nil {
			return err
		}
	}
	for _, k := range known {
		if keep[k.ID] {
			continue
		}
		if _, err := tx.NewDelete().Model((*Party)(nil)).Where("id = ?", k.ID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Approve is the representative's yes to what a reporter prepared. Errors:
// fault.Absent, fault.Denied for everybody else, fault.Conflict.
func (s *Service) Approve(ctx context.Context, token, address string) (View, error) {
	return s.change(ctx, token, address, "application.approve", func(_ context.Context, _ bun.Tx, a *Application, you *Party) error {
		if you.Role != Representative {
			return errParty
		}
		if a.Step != StepApproval {
			return errClosed
		}
		now := store.Instant(s.Now())
		a.ApprovedAt = &now
		return nil
	})
}

// Sign records that a party accepts the terms, by version and hash, so that
// nobody accepts a text that has changed under the page. Errors: fault.Absent,
// fault.Denied for a reporter, fault.Conflict.
func (s *Service) Sign(ctx context.Context, token string, version int64, hash, address string) (View, error) {
	return s.change(ctx, token, address, "application.sign", func(ctx context.Context, tx bun.Tx, a *Application, you *Party) error {
		if !you.signs() {
			return errParty
		}
		if a.Step != StepSignatures || you.SignedAt != nil {
			return errClosed
		}
		current, err := s.current(ctx, tx)
		if err != nil {
			return err
		}
		if current.Version != version || current.Hash != hash {
			return fault.New(fault.Conflict, "onboarding.terms.changed", "The terms have changed meanwhile. Load the page again and read the new ones.")
		}
		res, err := tx.NewUpdate().Model((*Party)(nil)).Set("signed_at = ?", store.Instant(s.Now())).
			Set("terms_version = ?", version).Set("terms_hash = ?", hash).Set("signed_from = ?", address).
			Where("id = ?", you.ID).Where("signed_at IS NULL").Exec(ctx)
		return store.One(res, err, "onboarding.signature")
	})
}
