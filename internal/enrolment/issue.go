package enrolment

import (
	"context"
	"database/sql"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Fetched is a certificate with what stands above it.
type Fetched struct {
	Profile     Profile
	Certificate ca.Certificate
	Chain       [][]byte // DER, issuing CA first
	EmailWide   bool     // only readers with RFC 9598 see the address
	// RevocationCode blocks the certificate without login. It is shown now and never
	// again; "" for a machine that renews, whose new certificate keeps the code.
	RevocationCode string
}

// Issue turns a PKCS#10 request, PEM or DER, into the certificate of an order; the
// same request again gets the same certificate. Only its key counts. Errors:
// fault.Denied, fault.Absent, fault.Invalid for the request, fault.Conflict for an
// order that waits or is over, and for a key that somebody else has.
func (s *Service) Issue(ctx context.Context, by access.Actor, id string, csr []byte) (Fetched, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Fetched{}, err
	}
	o, err := order(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return Fetched{}, err
	}
	request, err := read(csr)
	if err != nil {
		return Fetched{}, err
	}
	if err := s.usable(o); err != nil && o.State != Issued {
		return Fetched{}, err
	}
	return s.issue(ctx, by, o, request)
}

// read takes a request in PEM or DER.
func read(csr []byte) (*pki.Request, error) {
	if block, _ := pem.Decode(csr); block != nil {
		csr = block.Bytes
	}
	request, err := pki.ParseRequest(csr)
	if e, ok := errors.AsType[*pki.Error](err); ok {
		return nil, fault.New(fault.Invalid, "enrolment.request."+string(e.Reason), "%s", e.Text).On("csr").Because(err)
	}
	return request, err
}

// usable says why an order gives no certificate, nil if it does.
func (s *Service) usable(o Order) error {
	switch {
	case o.State == Waiting:
		return fault.New(fault.Conflict, "enrolment.order.waiting", "The e-mail address in the certificate has not been confirmed yet. Open the link that was mailed to it.")
	case o.State == Issued:
		return fault.New(fault.Conflict, "enrolment.order.issued", "The certificate of this order has been made. If its key is lost, revoke it and order a new one.")
	case o.State == Cancelled:
		return fault.New(fault.Conflict, "enrolment.order.cancelled", "The order was cancelled. Ask the administrator for a new one.")
	case o.State == Locked:
		return fault.New(fault.Conflict, "enrolment.order.locked", "The order is locked after %d wrong one-time codes. Ask the administrator for a new one.", MaxTries)
	case o.State == Expired || !s.Now().Before(o.ExpiresAt):
		return fault.New(fault.Conflict, "enrolment.order.expired", "The order has run out. Ask the administrator for a new one.")
	}
	return nil
}

// issue has the certificate made and settles the order.
func (s *Service) issue(ctx context.Context, by access.Actor, o Order, request *pki.Request) (Fetched, error) {
	p, err := profile(ctx, s.DB, o.OrgID, o.ProfileID)
	if err != nil {
		return Fetched{}, err
	}
	owner, err := s.standing(ctx, o.OrgID)
	if err != nil {
		return Fetched{}, err
	}
	var code string
	var refused error
	cert, err := s.CA.Issue(ctx, by, o.ID, ca.Holder{
		OrgID: p.OrgID, Profile: p.Kind, EmployeeID: access.EmployeeID(p.ID), CVR: owner.CVR, OrgName: owner.Name, Name: p.Name, Email: p.Email,
	}, request, func(ctx context.Context, tx bun.Tx, cert ca.Certificate) (err error) {
		code, refused, err = s.settle(ctx, tx, by, o, cert)
		return err
	})
	if err != nil {
		if fault.CodeOf(err) == "ca.request.other_key" {
			return Fetched{}, s.usable(Order{State: Issued})
		}
		return Fetched{}, err
	}
	if refused != nil {
		return Fetched{}, refused
	}
	chain, err := s.CA.Chain(ctx)
	if err != nil {
		return Fetched{}, err
	}
	box, err := pki.MailboxOf(cert.DER)
	return Fetched{Profile: p, Certificate: cert, Chain: chain, EmailWide: box.Wide, RevocationCode: code}, err
}

// settle marks the order issued and returns the revocation code, a new one whenever
// the certificate is given out: the one before may be lost with its answer. An order
// that ended while the certificate was being signed gives it to nobody: it is
// revoked.
func (s *Service) settle(ctx context.Context, tx bun.Tx, by access.Actor, o Order, cert ca.Certificate) (code string, refused, err error) {
	now, serial := store.Instant(s.Now()), string(cert.Serial)
	n, err := store.Count(tx.NewUpdate().Model((*Order)(nil)).
		Set("state = ?", Issued).Set("serial = ?", serial).Set("issued_at = ?", now).
		Where("org_id = ?", o.OrgID).Where("id = ?", o.ID).Where("state = ?", Ready).Exec(ctx))
	if err != nil {
		return "", nil, err
	}
	if n == 1 {
		if code, err = s.code(ctx, tx, o, cert); err != nil {
			return "", nil, err
		}
		if err := Changed.Add(ctx, tx, o.OrgID, Ref{o.OrgID, serial}, now); err != nil {
			return "", nil, err
		}
		return code, nil, audit.Record(ctx, tx, audit.By(by, now, "certificate_order.issue", o.object(), "serial "+serial))
	}
	stored, err := order(ctx, tx, o.OrgID, o.ID)
	if err != nil {
		return "", nil, err
	}
	if stored.State != Issued {
		return "", s.usable(stored), s.CA.RevokeIn(ctx, tx, by, serial, "superseded", "")
	}
	if cert.State == ca.Issued && cert.RevokedAt == nil {
		code, err = s.code(ctx, tx, o, cert)
	}
	return code, nil, err
}

// code is the revocation code of a certificate that is given out.
func (s *Service) code(ctx context.Context, tx bun.Tx, o Order, cert ca.Certificate) (string, error) {
	if o.Method == ByEST {
		return "", s.CA.InheritCode(ctx, tx, o.OrgID, string(cert.Serial), o.Renews)
	}
	return s.CA.NewRevocationCode(ctx, tx, cert)
}

// Recode gives a certificate of a profile a new revocation code and returns it, the
// only time it is seen; the one before is void. Errors: fault.Denied, fault.Absent,
// fault.Conflict when it does not count any more.
func (s *Service) Recode(ctx context.Context, by access.Actor, serial string) (code string, err error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return "", err
	}
	c, err := s.certificate(ctx, by, serial)
	if err != nil {
		return "", err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if code, err = s.CA.NewRevocationCode(ctx, tx, c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate.recode", "certificate:"+string(c.Serial), ""))
	})
	return code, err
}

// Pending is what a contact person's link shows before the code is given.
type Pending struct {
	Order        Order
	Organisation string
	Profile      Profile
	Waiting      bool // for the e-mail address to be confirmed
	ExpiresAt    time.Time
	TriesLeft    int64
	Algorithm    string
}

// LookUp tells a contact person what a link is for and changes nothing. Errors:
// fault.Absent, fault.Conflict for an order that is over.
func (s *Service) LookUp(ctx context.Context, token string) (Pending, error) {
	o, err := s.byToken(ctx, s.DB, token)
	if err != nil {
		return Pending{}, err
	}
	if err := s.usable(o); err != nil && o.State != Waiting {
		return Pending{}, err
	}
	p, err := profile(ctx, s.DB, o.OrgID, o.ProfileID)
	if err != nil {
		return Pending{}, err
	}
	owner, err := s.standing(ctx, o.OrgID)
	return Pending{
		Order: o, Organisation: owner.Name, Profile: p, Waiting: o.State == Waiting, ExpiresAt: o.ExpiresAt, TriesLeft: MaxTries - o.Tries, Algorithm: s.Algorithm,
	}, err
}

func (s *Service) byToken(ctx context.Context, db bun.IDB, token string) (Order, error) {
	var o Order
	err := db.NewSelect().Model(&o).Where("token_mac = ?", s.Keys.MAC(tokenPurpose, token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return o, fault.New(fault.Absent, "enrolment.order.unknown", "The link is not known here. Open the link of the newest mail; if there is none, ask the administrator for a new one.")
	}
	return o, err
}

// Fetch exchanges link token, one-time code and request for the certificate, once;
// the same request again gets the same. Five wrong codes lock the order. Errors: as
// LookUp, and fault.Invalid for code or request.
func (s *Service) Fetch(ctx context.Context, token, code string, csr []byte, address string) (Fetched, error) {
	request, err := read(csr)
	if err != nil {
		return Fetched{}, err
	}
	o, err := s.byToken(ctx, s.DB, token)
	if err != nil {
		return Fetched{}, err
	}
	return s.redeem(ctx, o, code, request, address)
}

// redeem is Fetch for an order that was found.
func (s *Service) redeem(ctx context.Context, o Order, code string, request *pki.Request, address string) (Fetched, error) {
	by := access.Actor{OrgID: o.OrgID, ID: "contact:" + o.ID, Address: address}
	var refused error
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		refused, err = s.try(ctx, tx, by, o, code)
		if err != nil || refused == nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate_order.refuse", o.object(), fault.CodeOf(refused)))
	})
	if err != nil || refused != nil {
		return Fetched{}, errors.Join(err, refused)
	}
	return s.issue(ctx, by, o, request)
}

func (s *Service) right(o Order, code string) bool {
	return o.CodeMAC != nil && secret.Equal(o.CodeMAC, s.Keys.MAC(codePurpose, o.ID, secret.CleanCode(code)))
}

// try holds the order before it looks at the code, so that of many guesses at once
// each sees what the one before has spent. A used order with its right code passes:
// the certificate may be asked for again. The last wrong code locks.
func (s *Service) try(ctx context.Context, tx bun.Tx, by access.Actor, o Order, code string) (refused, err error) {
	err = store.Locking(tx.NewSelect()).Model(&o).Where("org_id = ?", o.OrgID).Where("id = ?", o.ID).Scan(ctx)
	if err != nil {
		return nil, store.Found(err, "enrolment.order")
	}
	right := s.right(o, code)
	if o.State == Issued && right {
		return nil, nil
	}
	if refused := s.usable(o); refused != nil || right {
		return refused, nil
	}
	q := tx.NewUpdate().Model((*Order)(nil)).Set("tries = tries + 1").Where("org_id = ?", o.OrgID).Where("id = ?", o.ID).Where("state = ?", Ready)
	left := MaxTries - (o.Tries + 1)
	if left <= 0 {
		q = q.Set("state = ?", Locked)
	}
	res, err := q.Exec(ctx)
	if err := store.One(res, err, "enrolment.order"); err != nil {
		return nil, err
	}
	if left > 0 {
		return fault.New(fault.Invalid, "enrolment.order.code", "The one-time code is wrong. Tries left: %d.", left).On("code"), nil
	}
	return s.usable(Order{State: Locked}), audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate_order.lock", o.object(), ""))
}

// Revoke revokes a certificate of a profile for good. reason is one of ca.Reasons,
// note what is added to it, "" for nothing. Errors: fault.Denied, fault.Invalid, fault.Absent, fault.Conflict
// when it is revoked already.
func (s *Service) Revoke(ctx context.Context, by access.Actor, serial, reason, note string) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	c, err := s.certificate(ctx, by, serial)
	if err != nil {
		return err
	}
	if !ca.Known(reason) {
		return fault.New(fault.Invalid, "enrolment.revoke.reason", "The reason must be one of %s.", strings.Join(ca.Reasons, ", ")).On("reason")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.CA.RevokeIn(ctx, tx, by, string(c.Serial), reason, note)
	})
}

// certificate reads one that was issued to a profile. Errors: fault.Absent.
func (s *Service) certificate(ctx context.Context, by access.Actor, serial string) (ca.Certificate, error) {
	c, err := s.CA.Certificate(ctx, by.OrgID, serial)
	if err == nil && c.Profile == string(pki.ProfileEmployee) {
		return c, fault.New(fault.Absent, "ca.certificate.absent", "There is no such thing in this organisation.")
	}
	return c, err
}

// Download returns a certificate (DER) with what stands above it. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Download(ctx context.Context, by access.Actor, serial string) (name string, leaf []byte, chain [][]byte, err error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return "", nil, nil, err
	}
	c, err := s.certificate(ctx, by, serial)
	if err != nil {
		return "", nil, nil, err
	}
	p, err := profile(ctx, s.DB, by.OrgID, string(c.EmployeeID))
	if err != nil {
		return "", nil, nil, err
	}
	chain, err = s.CA.ChainOf(ctx, c.AuthorityID)
	return p.Name, c.DER, chain, err
}
