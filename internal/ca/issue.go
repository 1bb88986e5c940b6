package ca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// Holder is whom a certificate is for: an employee, or something of the
// organisation that has a Name. EmployeeID is the UUID in the certificate, of
// whichever of the two.
type Holder struct {
	OrgID      access.OrgID
	Profile    pki.Profile // "" is an employee's
	EmployeeID access.EmployeeID
	CVR        string // eight digits
	OrgName    string
	GivenName  string
	Surname    string
	Name       string // "" for an employee
	Email      string // may be empty, but for secure e-mail
}

// Then is the caller's part of an issuing, inside its transaction.
type Then func(ctx context.Context, tx bun.Tx, c Certificate) error

// A request that is under way elsewhere is waited for. One older than stale (by
// the clock), or still under way after patience, was cut short and is taken over.
const (
	stale    = 10 * time.Second
	patience = 2 * time.Second
	pause    = 50 * time.Millisecond
	// rounds bounds how often one call may be overtaken.
	rounds = 5
)

// errOvertaken tells that another call has settled or taken over the request.
var errOvertaken = errors.New("request was settled by another call")

// Issue makes a certificate for the key of csr. requestID is the caller's, unique
// in the installation: a request that has its certificate gets the same again,
// whoever asks at the same time. It runs two transactions, so it is never called
// inside one: what is signed has been recorded before. Errors: fault.Invalid
// ca.request.{bad_subject, weak_key} for data that fits no certificate and a key that
// everybody has, fault.Conflict
// ca.request.{other_key, other_holder, revoked, key_in_use}, fault.Unavailable
// ca.authority.ending.
//
// then is what the caller changes with it: in the second transaction, so that either
// both are stored or none, and in one of its own when the request had its certificate
// already. An error of it, which Issue returns as it is, leaves the certificate
// intended, to be taken over or given up like one that was cut short.
func (s *Service) Issue(ctx context.Context, by access.Actor, requestID string, h Holder, csr *pki.Request, then Then) (Certificate, error) {
	if h.Profile == "" {
		h.Profile = pki.ProfileEmployee
	}
	if by.OrgID != h.OrgID {
		return Certificate{}, fault.New(fault.Denied, "ca.request.other_organisation", "A certificate is asked for within the holder's own organisation.")
	}
	if s.WeakKeys.Has(csr.PublicKey()) {
		return Certificate{}, fault.New(fault.Invalid, "ca.request.weak_key", "The private half of this key is public knowledge (CVE-2008-0166). Make a new key, with other software.").On("csr")
	}
	spki, err := x509.MarshalPKIXPublicKey(csr.PublicKey())
	if err != nil {
		return Certificate{}, fmt.Errorf("key of request %s: %w", requestID, err)
	}
	hash := sha256.Sum256(spki)
	for range rounds {
		prior, err := s.prior(ctx, requestID)
		if err != nil {
			return Certificate{}, err
		}
		if prior.Serial != "" && (prior.OrgID != h.OrgID || prior.EmployeeID != h.EmployeeID || prior.Profile != string(h.Profile)) {
			return Certificate{}, fault.New(fault.Conflict, "ca.request.other_holder", "This request for a certificate is somebody else's.")
		}
		if prior.Serial != "" && prior.State != Intended {
			return s.again(ctx, prior, hash[:], then)
		}
		c, err := s.issue(ctx, by, prior.Serial, Certificate{
			OrgID: h.OrgID, EmployeeID: h.EmployeeID, RequestID: requestID, KeyHash: hash[:],
		}, h, csr, then)
		if !errors.Is(err, errOvertaken) {
			return c, err
		}
	}
	return Certificate{}, fault.New(fault.Unavailable, "ca.request.busy", "The certificate is being made by several requests at once. Try again in a moment.")
}

// prior returns what is on record of a request, the zero Certificate for nothing.
// The organisation is not asked for: request IDs are unique in the installation.
func (s *Service) prior(ctx context.Context, requestID string) (Certificate, error) {
	for waited := time.Duration(0); ; waited += pause {
		var c Certificate
		err := s.DB.NewSelect().Model(&c).Where("request_id = ?", requestID).Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return c, fmt.Errorf("look up request %s: %w", requestID, err)
		}
		if c.State != Intended || waited >= patience || s.Now().Sub(c.CreatedAt) >= stale {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// again answers a request that was answered before.
func (s *Service) again(ctx context.Context, c Certificate, keyHash []byte, then Then) (Certificate, error) {
	if !bytes.Equal(c.KeyHash, keyHash) {
		return Certificate{}, fault.New(fault.Conflict, "ca.request.other_key", "This request already has its certificate, for another key.")
	}
	if c.State != Issued {
		return Certificate{}, fault.New(fault.Conflict, "ca.request.revoked", "The certificate of this request has been revoked. "+askForNew)
	}
	return c, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return then(ctx, tx, c) })
}

// issue drafts, records, signs and stores. replaced is the intended certificate
// that the new one takes the place of, "" for none. Errors: errOvertaken.
func (s *Service) issue(ctx context.Context, by access.Actor, replaced pki.Serial, c Certificate, holder Holder, csr *pki.Request, then Then) (Certificate, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return c, err
	}
	authority := h.active()
	draft, err := authority.issuer.Draft(csr, pki.Subject{
		Profile: holder.Profile, CVR: holder.CVR, Organisation: holder.OrgName, UUID: string(holder.EmployeeID),
		GivenName: holder.GivenName, Surname: holder.Surname, Name: holder.Name, Email: holder.Email,
	}, s.Now())
	if err != nil {
		return c, s.undrafted(ctx, err)
	}
	c.Serial, c.Draft, c.NotBefore, c.NotAfter = draft.Serial, draft.DER(), draft.NotBefore, draft.NotAfter
	c.AuthorityID, c.Profile, c.State, c.Part = authority.ID, string(holder.Profile), Intended, draft.Serial.Part()
	c.CreatedAt = store.Instant(s.Now())
	if err := s.intend(ctx, by, replaced, c); err != nil {
		return c, err
	}

	// From here on the certificate exists: a caller who goes away does not stop it.
	ctx = context.WithoutCancel(ctx)
	// Once more, for requests that were recorded at the same time: whichever of
	// them was committed last sees the others here.
	if err := keyIsFree(ctx, s.DB, c); err != nil {
		return c, err
	}
	if c.DER, err = draft.Sign(authority.key); err != nil {
		return c, err
	}
	c.State = Issued
	return c, s.keep(ctx, by, c, then)
}

// intend is the first transaction: the draft is on record before it is signed.
func (s *Service) intend(ctx context.Context, by access.Actor, replaced pki.Serial, c Certificate) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if replaced != "" {
			n, err := s.abandon(ctx, tx, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Where("serial = ?", replaced) })
			if err != nil {
				return err
			}
			if n == 0 {
				return errOvertaken
			}
		}
		if err := keyIsFree(ctx, tx, c); err != nil {
			return err
		}
		n, err := store.Insert(ctx, tx, []Certificate{c}, "ON CONFLICT (request_id) DO NOTHING")
		if err != nil {
			return fmt.Errorf("record certificate %s: %w", c.Serial, err)
		}
		if n == 0 {
			return errOvertaken
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate.intend", object(c.Serial), c.holder()))
	})
}

// keep is the second transaction: the signed certificate, unless the intent was
// given up meanwhile, and what the caller does with it.
func (s *Service) keep(ctx context.Context, by access.Actor, c Certificate, then Then) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewUpdate().Model((*Certificate)(nil)).
			Set("state = ?", Issued).Set("der = ?", c.DER).
			Where("org_id = ?", c.OrgID).Where("serial = ?", c.Serial).Where("state = ?", Intended).Exec(ctx))
		if err != nil {
			return fmt.Errorf("store certificate %s: %w", c.Serial, err)
		}
		if n == 0 {
			return errOvertaken
		}
		err = audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate.issue", object(c.Serial), c.holder()))
		if err != nil {
			return err
		}
		return then(ctx, tx, c)
	})
}

// keyIsFree refuses a key that another holder has or asked for, in whatever
// organisation, and a key that was revoked.
func keyIsFree(ctx context.Context, db bun.IDB, c Certificate) error {
	ctx = store.AcrossTenants(ctx) // whoever has the key
	taken, err := db.NewSelect().Model((*Certificate)(nil)).
		Where("key_hash = ?", c.KeyHash).Where("serial <> ?", c.Serial).
		Where("(org_id <> ? OR employee_id <> ? OR state = ?)", c.OrgID, c.EmployeeID, Revoked).Exists(ctx)
	if err != nil {
		return fmt.Errorf("look up the key of certificate %s: %w", c.Serial, err)
	}
	if taken {
		return fault.New(fault.Conflict, "ca.request.key_in_use", "This key belongs to another certificate. Make a new key: load the page again and start over.")
	}
	return nil
}

// undrafted turns pki's refusal of a draft into a fault.
func (s *Service) undrafted(ctx context.Context, err error) error {
	e, ok := errors.AsType[*pki.Error](err)
	if !ok {
		return fmt.Errorf("draft a certificate: %w", err)
	}
	if e.Reason == pki.AuthorityEnds {
		s.Log.ErrorContext(ctx, "issuing authority ends before new certificates would", "err", err)
		return fault.New(fault.Unavailable, "ca.authority.ending", "No certificate can be made now: the issuing authority would end before it. The operator of %s must renew the authority.", s.Name).Because(err)
	}
	return fault.New(fault.Invalid, "ca.request."+string(e.Reason), "%s", e.Text).Because(err)
}
