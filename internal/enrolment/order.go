package enrolment

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Terms are what a new profile is ordered with.
type Terms struct {
	Kind         pki.Profile // organisation, system or secure_email
	Name         string      // in the certificate, 1 to 64 characters
	Email        string      // in the certificate; secure e-mail needs one
	ContactName  string
	ContactEmail string
	ContactLang  string // da or en
	Seal         bool   // of an organisation
	Role         access.Role
	Method       string // ByUpload or ByCode
}

// Placed is what an order is answered with. Code is the one-time code, shown now
// and never again; "" with another method.
type Placed struct {
	Profile Profile
	Order   Order
	Code    string
	// EmailWide tells that the address will be one that only readers with RFC 9598 see.
	EmailWide bool
}

// Order makes a profile and the order of its first certificate. An address in the
// certificate is confirmed first, by a link that is mailed to it. Errors:
// fault.Denied, also for a role that the orderer has not; fault.Invalid.
func (s *Service) Order(ctx context.Context, by access.Actor, t Terms) (Placed, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Placed{}, err
	}
	if err := t.check(by); err != nil {
		return Placed{}, err
	}
	o, err := s.standing(ctx, by.OrgID)
	if err != nil {
		return Placed{}, err
	}
	if err := s.orderable(ctx, by.OrgID, t.Kind); err != nil {
		return Placed{}, err
	}
	now := store.Instant(s.Now())
	p := Profile{
		ID: store.NewID(), OrgID: by.OrgID, Kind: t.Kind, Name: t.Name, SortKey: org.SortKey(t.Name), Email: t.Email,
		ContactName: t.ContactName, ContactEmail: t.ContactEmail, ContactLang: t.ContactLang,
		Seal: t.Seal, Role: t.Role, CreatedAt: now,
	}
	confirm := ""
	if p.Email != "" {
		confirm = secret.Token()
		p.EmailMAC = s.Keys.MAC(emailPurpose, confirm)
	}
	var placed Placed
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.By(by, now, "certificate_profile.create", p.object(), string(p.Kind))); err != nil {
			return err
		}
		if confirm != "" {
			if err := s.Mail.Queue(ctx, tx, "", confirmMail(o, p, confirm)); err != nil {
				return err
			}
		}
		placed, err = s.place(ctx, tx, by, o, p, t.Method, "")
		return err
	})
	return placed, err
}

func (t *Terms) check(by access.Actor) error {
	t.Name, t.Email = strings.TrimSpace(t.Name), strings.TrimSpace(t.Email)
	t.ContactName, t.ContactEmail = strings.TrimSpace(t.ContactName), strings.TrimSpace(t.ContactEmail)
	if t.ContactLang != mail.English {
		t.ContactLang = mail.Danish
	}
	switch {
	case !slices.Contains([]pki.Profile{pki.ProfileOrganisation, pki.ProfileSystem, pki.ProfileSecureEmail}, t.Kind):
		return fault.New(fault.Invalid, "enrolment.kind.unknown", "Certificates are ordered for the organisation, a system or secure e-mail.").On("kind")
	case !text(t.Name, 64):
		return fault.New(fault.Invalid, "enrolment.name.length", "The name in the certificate must have 1 to 64 characters that can be printed.").On("name")
	case !text(t.ContactName, 120):
		return fault.New(fault.Invalid, "enrolment.contact.length", "The name of the contact person must have 1 to 120 characters.").On("contact_name")
	case t.Kind == pki.ProfileSecureEmail && t.Email == "":
		return fault.New(fault.Invalid, "enrolment.email.missing", "A certificate of secure e-mail needs the e-mail address that it is for.").On("email")
	case t.Seal && t.Kind != pki.ProfileOrganisation:
		return fault.New(fault.Invalid, "enrolment.seal.kind", "Only the certificate of an organisation can be a seal.").On("seal")
	case t.Role != "" && t.Kind != pki.ProfileSystem:
		return fault.New(fault.Invalid, "enrolment.role.kind", "Only a system can have a role at the API.").On("role")
	case t.Role != "" && !slices.Contains(access.Roles, t.Role):
		return fault.New(fault.Invalid, "enrolment.role.unknown", "%q is not a role.", t.Role).On("role")
	case t.Role != "" && !slices.Contains(by.Roles, t.Role):
		return fault.New(fault.Denied, "enrolment.role.beyond", "You can give a system only a role that you have yourself.").On("role")
	}
	if err := method(t.Method); err != nil {
		return err
	}
	if t.Email != "" {
		if _, err := pki.ParseMailbox(t.Email); err != nil {
			return fault.New(fault.Invalid, "enrolment.email.malformed", "%q is not an e-mail address.", t.Email).On("email").Because(err)
		}
	}
	if _, err := pki.ParseMailbox(t.ContactEmail); err != nil {
		return fault.New(fault.Invalid, "enrolment.contact.email", "%q is not an e-mail address.", t.ContactEmail).On("contact_email").Because(err)
	}
	return nil
}

func method(m string) error {
	if m != ByUpload && m != ByCode {
		return fault.New(fault.Invalid, "enrolment.method.unknown", "A certificate is fetched by an uploaded request or by a one-time code.").On("method")
	}
	return nil
}

// text tells whether s has 1 to limit characters and none that controls.
func text(s string, limit int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= 1 && n <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// standing returns the organisation while its agreement lasts. Errors:
// fault.Conflict.
func (s *Service) standing(ctx context.Context, id access.OrgID) (org.Organisation, error) {
	o, err := s.Org.Organisation(ctx, id)
	if err != nil {
		return o, err
	}
	if o.EndsAt != nil && !s.Now().Before(*o.EndsAt) {
		return o, fault.New(fault.Conflict, "enrolment.organisation.ended", "The organisation's agreement has ended, so no certificate can be made for it.")
	}
	return o, nil
}

// orderable is allowed as an error. Errors: fault.Conflict.
func (s *Service) orderable(ctx context.Context, id access.OrgID, kind pki.Profile) error {
	ok, err := allowed(ctx, s.DB, id, kind)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Conflict, "enrolment.kind.disallowed", "The organisation's settings do not allow certificates of this kind. An organisation administrator can change that.").On("kind")
	}
	return nil
}

// place adds an order to a profile. Errors: fault.Conflict when one is open.
func (s *Service) place(ctx context.Context, tx bun.Tx, by access.Actor, o org.Organisation, p Profile, method, renews string) (Placed, error) {
	now := store.Instant(s.Now())
	row := Order{
		ID: store.NewID(), OrgID: p.OrgID, ProfileID: p.ID, State: Ready, Method: method, Renews: renews,
		CreatedAt: now, ExpiresAt: now.AddDate(0, 0, OrderDays),
	}
	if p.Email != "" && p.EmailConfirmedAt == nil {
		row.State = Waiting
	}
	placed := Placed{Profile: p}
	if p.Email != "" {
		box, err := pki.ParseMailbox(p.Email)
		if err != nil {
			return placed, err
		}
		placed.EmailWide = box.Wide
	}
	token := ""
	if method == ByCode {
		token, placed.Code = secret.Token(), secret.Code()
		row.TokenMAC = s.Keys.MAC(tokenPurpose, token)
		row.CodeMAC = s.Keys.MAC(codePurpose, row.ID, secret.CleanCode(placed.Code))
	}
	placed.Order = row
	n, err := store.Insert(ctx, tx, []Order{row}, "ON CONFLICT (org_id, profile_id) WHERE state IN ('waiting', 'ready') AND method <> 'est' DO NOTHING")
	if err != nil {
		return placed, err
	}
	if n == 0 {
		return placed, fault.New(fault.Conflict, "enrolment.order.open", "A certificate is on order already. Fetch it, or cancel the order first.")
	}
	if token != "" {
		if err := s.Mail.Queue(ctx, tx, "", orderMail(o, p, row, token)); err != nil {
			return placed, err
		}
	}
	return placed, audit.Record(ctx, tx, audit.By(by, now, "certificate_order.create", row.object(), p.object()+" "+method))
}

func orderMail(o org.Organisation, p Profile, row Order, token string) mail.Draft {
	return mail.Draft{
		Org: p.OrgID, Kind: mail.KindCertificateOrder, Lang: p.ContactLang, Name: p.ContactName, Address: p.ContactEmail, Token: token,
		Params: map[string]string{
			"organisation": o.Name, "certificate": p.Name, "reference": row.ID, "expires": row.ExpiresAt.Format(time.RFC3339),
		},
	}
}

func confirmMail(o org.Organisation, p Profile, token string) mail.Draft {
	return mail.Draft{
		Org: p.OrgID, Kind: mail.KindCertificateEmail, Lang: p.ContactLang, Name: p.ContactName, Address: p.Email, Token: token,
		Params: map[string]string{"organisation": o.Name, "certificate": p.Name, "address": p.Email},
	}
}

// Renew orders the next certificate of a profile, which keeps name, UUID and
// address. Errors: fault.Denied, fault.Absent, fault.Conflict when one is on order or
// the organisation allows such certificates no longer.
func (s *Service) Renew(ctx context.Context, by access.Actor, id, how string) (Placed, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Placed{}, err
	}
	if err := method(how); err != nil {
		return Placed{}, err
	}
	o, err := s.standing(ctx, by.OrgID)
	if err != nil {
		return Placed{}, err
	}
	var placed Placed
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := profile(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if err := s.orderable(ctx, by.OrgID, p.Kind); err != nil {
			return err
		}
		renews, err := newest(ctx, tx, p)
		if err != nil {
			return err
		}
		placed, err = s.place(ctx, tx, by, o, p, how, renews)
		return err
	})
	return placed, err
}

// newest is the serial number of the profile's certificate that lasts longest and
// counts, "" without one.
func newest(ctx context.Context, db bun.IDB, p Profile) (string, error) {
	var serials []string
	err := db.NewSelect().Model((*ca.Certificate)(nil)).Column("serial").
		Where("org_id = ?", p.OrgID).Where("employee_id = ?", p.ID).Where("state = ?", ca.Issued).
		Order("not_after DESC", "serial").Limit(1).Scan(ctx, &serials)
	if err != nil || len(serials) == 0 {
		return "", err
	}
	return serials[0], nil
}

// Cancel ends an open order. Errors: fault.Denied, fault.Absent, fault.Conflict
// when it is not open any more.
func (s *Service) Cancel(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		o, err := order(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		res, err := tx.NewUpdate().Model((*Order)(nil)).Set("state = ?", Cancelled).
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("state IN (?, ?)", Waiting, Ready).Exec(ctx)
		if err := store.One(res, err, "enrolment.order"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate_order.cancel", o.object(), ""))
	})
}

// Confirm confirms the address that a certificate is to show, by the token that was
// mailed to it; a second time changes nothing. Errors: fault.Absent.
func (s *Service) Confirm(ctx context.Context, token, address string) (Profile, error) {
	var p Profile
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewSelect().Model(&p).Where("email_mac = ?", s.Keys.MAC(emailPurpose, token)).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.Absent, "enrolment.email.unknown", "The link is not known here. Open the link of the newest mail.")
		}
		if err != nil || p.EmailConfirmedAt != nil {
			return err
		}
		now := store.Instant(s.Now())
		n, err := store.Count(tx.NewUpdate().Model((*Profile)(nil)).Set("email_confirmed_at = ?", now).
			Where("org_id = ?", p.OrgID).Where("id = ?", p.ID).Where("email_confirmed_at IS NULL").Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		p.EmailConfirmedAt = &now
		if _, err := tx.NewUpdate().Model((*Order)(nil)).Set("state = ?", Ready).
			Where("org_id = ?", p.OrgID).Where("profile_id = ?", p.ID).Where("state = ?", Waiting).Exec(ctx); err != nil {
			return err
		}
		by := access.Actor{OrgID: p.OrgID, ID: "anonymous", Address: address}
		return audit.Record(ctx, tx, audit.By(by, now, "certificate_profile.confirm", p.object(), ""))
	})
	return p, err
}
