package credential

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Pending is what an activation link shows before the code is given.
type Pending struct {
	Organisation string
	Name         string
	ExpiresAt    time.Time
	TriesLeft    int64
	Algorithm    string
}

// LookUp tells what a link is for and changes nothing. Errors: fault.Absent for
// a link that is unknown or was replaced, fault.Conflict for one that is used,
// locked or expired.
func (s *Service) LookUp(ctx context.Context, token string) (Pending, error) {
	a, err := s.byToken(ctx, s.DB.NewSelect(), token)
	if err != nil {
		return Pending{}, err
	}
	if err := s.usable(a); err != nil {
		return Pending{}, err
	}
	e, o, err := s.holder(ctx, a)
	if err != nil {
		return Pending{}, err
	}
	return Pending{
		Organisation: o.Name, Name: e.Name(), ExpiresAt: a.ExpiresAt, TriesLeft: MaxTries - a.Tries, Algorithm: s.Algorithm,
	}, nil
}

func (s *Service) byToken(ctx context.Context, q *bun.SelectQuery, token string) (Activation, error) {
	var a Activation
	err := q.Model(&a).Where("token_mac = ?", s.Keys.MAC(tokenPurpose, token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fault.New(fault.Absent, "credential.activation.unknown", "The link is not known here. Open the link of the newest mail; if there is none, ask your administrator for a new one.")
	}
	return a, err
}

// usable says why an invitation cannot be used any more, nil if it can.
func (s *Service) usable(a Activation) error {
	switch {
	case a.State == "used":
		return fault.New(fault.Conflict, "credential.activation.used", "The invitation has been used: the key file exists. If it is lost, ask your administrator for a new one.")
	case a.State == "locked":
		return fault.New(fault.Conflict, "credential.activation.locked", "The invitation is locked after %d wrong installation codes. Ask your administrator for a new one.", MaxTries)
	case a.State == "replaced":
		return fault.New(fault.Conflict, "credential.activation.replaced", "A newer invitation has been sent. Open the link of the newest mail.")
	case a.State == "expired" || !s.Now().Before(a.ExpiresAt):
		return fault.New(fault.Conflict, "credential.activation.expired", "The invitation expired after %d days. Ask your administrator for a new one.", ActivationDays)
	}
	return nil
}

func (s *Service) holder(ctx context.Context, a Activation) (org.Employee, org.Organisation, error) {
	e, err := org.Get(ctx, s.DB, a.OrgID, a.EmployeeID)
	if err != nil {
		return e, org.Organisation{}, err
	}
	if e.State != org.Active {
		return e, org.Organisation{}, fault.New(fault.Conflict, "credential.employee.stopped", "Your access to the organisation has been stopped. Ask your administrator.")
	}
	if err := org.Standing(ctx, s.DB, e); err != nil {
		return e, org.Organisation{}, err
	}
	if err := s.allowed(ctx, s.DB, e); err != nil {
		return e, org.Organisation{}, err
	}
	o, err := s.Org.Organisation(ctx, a.OrgID)
	return e, o, err
}

// Invited is whom a link invites, known well enough to be activated or not.
// Errors: as LookUp.
func (s *Service) Invited(ctx context.Context, token string) (org.Employee, error) {
	a, err := s.byToken(ctx, s.DB.NewSelect(), token)
	if err == nil {
		err = s.usable(a)
	}
	if err != nil {
		return org.Employee{}, err
	}
	return org.Get(ctx, s.DB, a.OrgID, a.EmployeeID)
}

// Issued is the certificate of a new key file.
type Issued struct {
	Certificate ca.Certificate
	Chain       [][]byte // DER, issuing CA first
	Employee    org.Employee
	EmailWide   bool // only readers with RFC 9598 see the e-mail address
	// RevocationCode blocks the key file without login. It is shown now and never
	// again: only a keyed hash is stored.
	RevocationCode string
}

// Activate exchanges link token, installation code and PKCS#10 request (DER)
// for the certificate, once; the same request again gets the same certificate.
// Five wrong codes lock the invitation. address is where the request came from.
// Errors: as LookUp, and fault.Invalid for the code or the request.
func (s *Service) Activate(ctx context.Context, token, code string, csr []byte, address string) (Issued, error) {
	request, err := pki.ParseRequest(csr)
	if err != nil {
		if e, ok := errors.AsType[*pki.Error](err); ok {
			return Issued{}, fault.New(fault.Invalid, "credential.request."+string(e.Reason), "%s", e.Text).On("csr").Because(err)
		}
		return Issued{}, err
	}
	a, err := s.redeem(ctx, token, code, address)
	if err != nil {
		return Issued{}, err
	}
	issued, err := s.exchange(ctx, a, request, address)
	if k := fault.KindOf(err); k == 0 || k == fault.Internal || k == fault.Unavailable {
		return issued, err
	}
	recorded := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, s.refusal(a, address, err))
	})
	return Issued{}, errors.Join(err, recorded)
}

// refusal is the audit entry about an invitation that was not accepted.
func (s *Service) refusal(a Activation, address string, why error) audit.Entry {
	by := access.Actor{OrgID: a.OrgID, ID: "anonymous", Address: address}
	return audit.By(by, s.Now(), "activation.refuse", "employee:"+string(a.EmployeeID), fault.CodeOf(why))
}

// exchange gives the certificate for an invitation whose code was right.
func (s *Service) exchange(ctx context.Context, a Activation, request *pki.Request, address string) (Issued, error) {
	e, o, err := s.holder(ctx, a)
	if err != nil {
		return Issued{}, err
	}
	by := access.Actor{OrgID: o.ID, ID: "employee:" + string(e.ID), Employee: e.ID, Name: e.Name(), Address: address}
	var code string
	var refused error
	cert, err := s.CA.Issue(ctx, by, a.ID, ca.Holder{
		OrgID: o.ID, EmployeeID: e.ID, CVR: o.CVR, OrgName: o.Name, GivenName: e.GivenName, Surname: e.Surname, Email: e.Email,
	}, request, func(ctx context.Context, tx bun.Tx, cert ca.Certificate) (err error) {
		code, refused, err = s.complete(ctx, tx, by, a, cert)
		return err
	})
	if err != nil {
		if fault.CodeOf(err) == "ca.request.other_key" {
			return Issued{}, s.usable(Activation{State: "used"})
		}
		return Issued{}, err
	}
	if refused != nil {
		return Issued{}, refused
	}
	chain, err := s.CA.Chain(ctx)
	box, err2 := pki.MailboxOf(cert.DER)
	return Issued{Certificate: cert, Chain: chain, Employee: e, EmailWide: box.Wide, RevocationCode: code}, errors.Join(err, err2)
}

// redeem checks token and code, and records a refusal.
func (s *Service) redeem(ctx context.Context, token, code, address string) (Activation, error) {
	var a Activation
	var refused error
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		a, refused, err = s.redeemIn(ctx, tx, token, code, address)
		if err != nil || refused == nil {
			return err
		}
		return audit.Record(ctx, tx, s.refusal(a, address, refused))
	})
	if err != nil || refused != nil {
		return Activation{}, errors.Join(err, refused)
	}
	return a, nil
}

// redeemIn holds the invitation before it looks at the code, so that of many guesses
// at once each sees what the one before has spent. It returns a used invitation with
// its right code too: the certificate may be asked for again.
func (s *Service) redeemIn(ctx context.Context, tx bun.Tx, token, code, address string) (a Activation, refused, err error) {
	a, err = s.byToken(ctx, store.Locking(tx.NewSelect()), token)
	if fault.KindOf(err) == fault.Absent {
		return a, err, nil
	}
	if err != nil {
		return a, nil, err
	}
	right := secret.Equal(a.CodeMAC, s.Keys.MAC(codePurpose, a.ID, secret.CleanCode(code)))
	if a.State == "used" && right {
		return a, nil, nil
	}
	if refused := s.usable(a); refused != nil || right {
		return a, refused, nil
	}
	refused, err = s.missed(ctx, tx, a, address)
	return a, refused, err
}

// missed counts a wrong code. The last one locks the invitation.
func (s *Service) missed(ctx context.Context, tx bun.Tx, a Activation, address string) (refused, err error) {
	q := tx.NewUpdate().Model((*Activation)(nil)).Set("tries = tries + 1").Where("id = ?", a.ID).Where("state = 'open'")
	left := MaxTries - (a.Tries + 1)
	if left <= 0 {
		q = q.Set("state = 'locked'").Set("code_sealed = NULL")
	}
	res, err := q.Exec(ctx)
	if err := store.One(res, err, "credential.activation"); err != nil {
		return nil, err
	}
	if left > 0 {
		return fault.New(fault.Invalid, "credential.activation.code", "The installation code is wrong. Tries left: %d.", left).On("code"), nil
	}
	if err := org.SetMark(ctx, tx, a.OrgID, org.MarkInvitation, "locked", false, a.EmployeeID); err != nil {
		return nil, err
	}
	by := access.Actor{OrgID: a.OrgID, ID: "anonymous", Address: address}
	return s.usable(Activation{State: "locked"}),
		audit.Record(ctx, tx, audit.By(by, s.Now(), "activation.lock", "employee:"+string(a.EmployeeID), ""))
}

// complete puts the key file into use and returns its revocation code, in the
// transaction that stores the certificate. A second call for the same certificate
// only makes a new code: the first may be lost. An invitation that was replaced while
// the certificate was being signed is refused, and the certificate revoked.
func (s *Service) complete(ctx context.Context, tx bun.Tx, by access.Actor, a Activation, cert ca.Certificate) (code string, refused, err error) {
	now := store.Instant(s.Now())
	n, err := store.Count(tx.NewUpdate().Model((*Activation)(nil)).
		Set("state = 'used'").Set("used_at = ?", now).Set("code_sealed = NULL").
		Where("id = ?", a.ID).Where("state = 'open'").Exec(ctx))
	if err != nil {
		return "", nil, err
	}
	if n == 0 {
		var stored Activation
		if err := tx.NewSelect().Model(&stored).Where("id = ?", a.ID).Scan(ctx); err != nil {
			return "", nil, err
		}
		if stored.State == "used" {
			code, err = s.newRevocationCode(ctx, tx, a.KeyFileID, string(cert.Serial))
			return code, nil, err
		}
		return "", s.usable(stored), s.CA.RevokeIn(ctx, tx, by, string(cert.Serial), "superseded", "")
	}
	code = secret.Code()
	res, err := tx.NewUpdate().Model((*KeyFile)(nil)).
		Set("state = 'active'").Set("serial = ?", cert.Serial).Set("not_after = ?", cert.NotAfter).Set("activated_at = ?", now).
		Set("revocation_mac = ?", s.revocationMAC(a.KeyFileID, code)).
		Where("org_id = ?", a.OrgID).Where("id = ?", a.KeyFileID).Where("state = 'ordered'").Exec(ctx)
	if err := store.One(res, err, "credential.key_file"); err != nil {
		return "", nil, err
	}
	if err := s.scheduleBlock(ctx, tx, a, now); err != nil {
		return "", nil, err
	}
	if err := org.SetMark(ctx, tx, a.OrgID, org.MarkKeyFile, "active", false, a.EmployeeID); err != nil {
		return "", nil, err
	}
	if err := org.SetMark(ctx, tx, a.OrgID, org.MarkInvitation, "", false, a.EmployeeID); err != nil {
		return "", nil, err
	}
	ref := ActivationRef{Org: a.OrgID, Activation: a.ID}
	if a.BatchID != nil && a.RowNo != nil {
		ref.Batch, ref.Row = *a.BatchID, *a.RowNo
	}
	if err := Activated.Add(ctx, tx, a.OrgID, ref, now); err != nil {
		return "", nil, err
	}
	return code, nil, audit.Record(ctx, tx, audit.By(by, now, "key_file.activate", "employee:"+string(a.EmployeeID), "serial "+string(cert.Serial)))
}

// scheduleBlock ends the parallel running of the code card, if it has an end: so
// many days after the first activation.
func (s *Service) scheduleBlock(ctx context.Context, tx bun.Tx, a Activation, now time.Time) error {
	var card CodeCard
	err := tx.NewSelect().Model(&card).Where("org_id = ?", a.OrgID).Where("employee_id = ?", a.EmployeeID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && (card.ParallelDays == nil || card.BlockDueAt != nil || card.State != "active")) {
		return nil
	}
	if err != nil {
		return err
	}
	due := now.AddDate(0, 0, int(*card.ParallelDays))
	if _, err := tx.NewUpdate().Model((*CodeCard)(nil)).Set("block_due_at = ?", due).
		Where("org_id = ?", a.OrgID).Where("id = ?", card.ID).Exec(ctx); err != nil {
		return err
	}
	return BlockDue.Add(ctx, tx, a.OrgID, CodeCardRef{a.OrgID, a.EmployeeID}, due)
}
