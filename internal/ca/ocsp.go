package ca

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

const (
	// responderPurpose seals the keys of responders, each at authority and number.
	responderPurpose secret.Purpose = "ca.ocsp_key"
	// responderRest is how long before its end a responder is replaced.
	responderRest = pki.ResponderLife / 2
)

// responder is an OCSP responder as stored.
type responder struct {
	bun.BaseModel `bun:"table:ocsp_responder"`

	AuthorityID string    `bun:"authority_id,pk"`
	Number      int64     `bun:"number,pk"`
	Certificate []byte    `bun:"certificate"`
	KeySealed   []byte    `bun:"key_sealed"`
	NotAfter    time.Time `bun:"not_after"`
	CreatedAt   time.Time `bun:"created_at"`
}

func (r responder) place() string { return fmt.Sprintf("%s/%d", r.AuthorityID, r.Number) }

// answering is what one issuing CA answers with.
type answering struct {
	mu      sync.Mutex
	current responder
	signer  *pki.Responder
}

// signing bounds how many answers are signed at once, in the process: a flood of
// questions leaves room for the rest.
var signing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))

// Status answers an OCSP request (RFC 6960, RFC 5019). Each question is looked up
// in the database, so that a revocation shows at once; what has been signed before,
// by whatever node, and still holds is not signed again (ADR 0041). With a nonce, or
// about several certificates, the answer is signed for the asker alone. A request that cannot be answered gets one
// of the unsigned answers of the protocol; there is no error.
func (s *Service) Status(ctx context.Context, request []byte) StatusAnswer {
	answer, err := s.status(ctx, request)
	if err == nil {
		return answer
	}
	failure := pki.InternalError
	if failed, ok := errors.AsType[statusError](err); ok {
		failure = failed.failure
	} else {
		s.Log.ErrorContext(ctx, "no answer about a certificate", "err", err)
		if fault.KindOf(err) == fault.Unavailable {
			failure = pki.TryLater
		}
	}
	return StatusAnswer{DER: failure.DER()}
}

// statusError is a question that cannot be answered.
type statusError struct{ failure pki.StatusFailure }

func (f statusError) Error() string { return fmt.Sprintf("OCSP answer %d", f.failure) }

func (s *Service) status(ctx context.Context, request []byte) (StatusAnswer, error) {
	r, err := pki.ParseStatusRequest(request)
	if err != nil {
		return StatusAnswer{}, statusError{pki.MalformedRequest}
	}
	h, err := s.hierarchy(ctx)
	if err != nil {
		return StatusAnswer{}, err
	}
	issuing := h.asked(r.Questions)
	if issuing == nil {
		return StatusAnswer{}, statusError{pki.Unauthorized}
	}
	found, err := s.statesOf(ctx, issuing, r.Questions)
	if err != nil {
		return StatusAnswer{}, err
	}
	if r.Nonce == nil && len(r.Questions) == 1 {
		return s.shared(ctx, issuing, r.Questions[0], found[r.Questions[0].Serial])
	}
	answers := make([]pki.StatusAnswer, len(r.Questions))
	for i, q := range r.Questions {
		answers[i] = statusOf(q, found[q.Serial])
	}
	return s.signStatus(ctx, issuing, answers, r.Nonce)
}

// asked is the issuing CA that all questions are about, nil for none.
func (h *hierarchy) asked(questions []pki.StatusQuestion) *issuing {
	for _, i := range h.issuing {
		all := true
		for _, q := range questions {
			all = all && q.AsksAbout(i.certificate)
		}
		if all {
			return i
		}
	}
	return nil
}

// statesOf looks certificates of an issuing CA up, by serial number.
func (s *Service) statesOf(ctx context.Context, i *issuing, questions []pki.StatusQuestion) (map[pki.Serial]Certificate, error) {
	serials := make([]pki.Serial, len(questions))
	for n, q := range questions {
		serials[n] = q.Serial
	}
	var rows []Certificate
	err := s.DB.NewSelect().Model(&rows).Column("serial", "state", "revoked_at", "revoke_reason").
		Where("serial IN (?)", bun.List(serials)).Where("authority_id = ?", i.ID).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up certificates: %w", err)
	}
	found := make(map[pki.Serial]Certificate, len(rows))
	for _, c := range rows {
		found[c.Serial] = c
	}
	return found, nil
}

// statusOf an intended certificate is unknown: nobody has it. One that was given
// up may have been signed.
func statusOf(q pki.StatusQuestion, c Certificate) pki.StatusAnswer {
	answer := pki.StatusAnswer{ID: q.ID, Status: pki.UnknownStatus}
	switch {
	case c.RevokedAt != nil:
		answer.Status, answer.At, answer.Reason = pki.RevokedStatus, *c.RevokedAt, reasons[c.RevokeReason]
	case c.State == Issued:
		answer.Status = pki.Good
	}
	return answer
}

func revokedAt(c Certificate) time.Time {
	if c.RevokedAt == nil {
		return time.Time{}
	}
	return *c.RevokedAt
}

func (s *Service) signStatus(ctx context.Context, i *issuing, answers []pki.StatusAnswer, nonce []byte) (StatusAnswer, error) {
	signer, err := s.responder(ctx, i)
	if err != nil {
		return StatusAnswer{}, err
	}
	select {
	case signing <- struct{}{}:
		defer func() { <-signing }()
	case <-ctx.Done():
		return StatusAnswer{}, ctx.Err()
	}
	now := s.Now()
	out := StatusAnswer{ThisUpdate: now.UTC().Truncate(time.Second), NextUpdate: now.Add(answerLife).UTC().Truncate(time.Second)}
	out.DER, err = signer.Answer(answers, nonce, out.ThisUpdate, out.NextUpdate)
	return out, err
}

// responder returns who answers for an issuing CA: the newest stored, or a new one
// when that has passed half of its life. Nodes may do so together: one wins.
func (s *Service) responder(ctx context.Context, i *issuing) (*pki.Responder, error) {
	s.answers.mu.Lock()
	if s.answers.by == nil {
		s.answers.by = map[string]*answering{}
	}
	if s.answers.by[i.ID] == nil {
		s.answers.by[i.ID] = &answering{}
	}
	a := s.answers.by[i.ID]
	s.answers.mu.Unlock()

	a.mu.Lock()
	defer a.mu.Unlock()
	for range rounds {
		if a.signer != nil && a.current.NotAfter.Sub(s.Now()) > responderRest {
			return a.signer, nil
		}
		var newest responder
		err := s.DB.NewSelect().Model(&newest).Where("authority_id = ?", i.ID).Order("number DESC").Limit(1).Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("read OCSP responder: %w", err)
		}
		if newest.NotAfter.Sub(s.Now()) > responderRest {
			if a.signer, err = s.unsealedResponder(newest); err != nil {
				return nil, err
			}
			a.current = newest
			continue
		}
		err = s.newResponder(ctx, i, newest.Number+1)
		if e, ok := errors.AsType[*pki.Error](err); ok && e.Reason == pki.AuthorityEnds && newest.NotAfter.After(s.Now()) {
			return s.unsealedResponder(newest) // to the end of its CA
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, fault.New(fault.Unavailable, "ca.ocsp.busy", "The responder is being made. Try again in a moment.")
}

func (s *Service) unsealedResponder(r responder) (*pki.Responder, error) {
	pkcs8, err := s.Keys.Open(responderPurpose, r.place(), r.KeySealed)
	if err != nil {
		return nil, fmt.Errorf("key of OCSP responder %s: %w", r.place(), err)
	}
	key, err := pki.ParseKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("key of OCSP responder %s: %w", r.place(), err)
	}
	return pki.ReadResponder(r.Certificate, key)
}

// newResponder stores a responder under a number, unless that is taken. It is
// signed before it is on record: until then nobody but this process has its key.
func (s *Service) newResponder(ctx context.Context, i *issuing, number int64) error {
	now := s.Now()
	certificate, key, err := pki.NewResponder(i.Certificate, i.key, now.Add(-backdated))
	if err != nil {
		return fmt.Errorf("make OCSP responder: %w", err)
	}
	pkcs8, err := pki.MarshalKey(key)
	if err != nil {
		return fmt.Errorf("make OCSP responder: %w", err)
	}
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return fmt.Errorf("make OCSP responder: %w", err)
	}
	row := responder{
		AuthorityID: i.ID, Number: number, Certificate: certificate, NotAfter: store.Instant(cert.NotAfter), CreatedAt: store.Instant(now),
	}
	row.KeySealed = s.Keys.Seal(responderPurpose, row.place(), pkcs8)
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Insert(ctx, tx, []responder{row}, "ON CONFLICT (authority_id, number) DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		if _, err := tx.NewDelete().Model((*responder)(nil)).Where("authority_id = ?", i.ID).Where("not_after < ?", store.Instant(now)).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(""), now, "authority.delegate", "authority:"+i.ID, fmt.Sprintf("OCSP responder %d", number)))
	})
}
