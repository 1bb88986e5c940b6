package ca

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// Reasons why a certificate is revoked, as holders of OCES3 certificates may give
// them (ca1.gov.dk): the key is lost or somebody else may have it, the certificate
// says something wrong, the holder has left, it is replaced or no longer wanted,
// or no reason is told.
var Reasons = []string{
	"key_compromise", "content_wrong", "affiliation_changed", "superseded", "cessation_of_operation", "unspecified",
}

// reasons as a CRL tells them. "unspecified" is told by none (RFC 5280 section
// 5.3.1), and so is the text of an abandoned one.
var reasons = map[string]pki.RevocationReason{
	"key_compromise":         pki.KeyCompromise,
	"affiliation_changed":    pki.AffiliationChanged,
	"superseded":             pki.Superseded,
	"content_wrong":          pki.AffiliationChanged, // X.509 9.5.3.1: name or other information
	"cessation_of_operation": pki.CessationOfOperation,
}

// Known tells whether a reason is one of Reasons.
func Known(reason string) bool { return slices.Contains(Reasons, reason) }

// Told is a reason with what somebody added to it, as an audit entry tells it.
func Told(reason, note string) string {
	if note == "" {
		return reason
	}
	return reason + ": " + note
}

// cutShort is the reason on record of an abandoned certificate.
const cutShort = "signing cut short"

// Ref names a certificate.
type Ref struct {
	Org    access.OrgID `json:"org"`
	Serial string       `json:"serial"`
}

// RevokedKind tells that a certificate of a profile was revoked.
var RevokedKind = outbox.NewKind[Ref]("ca.tell_revoked")

// RevokeIn revokes an issued certificate of the actor's organisation for good, in
// the caller's transaction. reason is one of Reasons; note is free text for the
// audit log, "" for none. The caller has checked both and the right. Errors:
// fault.Conflict ca.certificate.state when there is no such certificate, or no
// longer.
func (s *Service) RevokeIn(ctx context.Context, tx bun.Tx, by access.Actor, serial, reason, note string) error {
	var gone []Certificate
	err := tx.NewUpdate().Model(&gone).
		Set("state = ?", Revoked).Set("revoked_at = ?", store.Instant(s.Now())).Set("revoke_reason = ?", reason).
		Where("org_id = ?", by.OrgID).Where("serial = ?", serial).Where("state = ?", Issued).
		Returning("employee_id, profile").Scan(ctx)
	if err != nil {
		return err
	}
	if len(gone) != 1 {
		return fault.New(fault.Conflict, "ca.certificate.state", "This is no longer possible: the state has changed meanwhile. Load the page again.")
	}
	if gone[0].Profile != string(pki.ProfileEmployee) { // whoever revokes it, the inventory hears of it
		if err := RevokedKind.Add(ctx, tx, by.OrgID, Ref{by.OrgID, serial}, s.Now()); err != nil {
			return err
		}
	}
	if err := forget(ctx, tx, pki.Serial(serial)); err != nil {
		return err
	}
	entry := audit.By(by, s.Now(), "certificate.revoke", object(pki.Serial(serial)), reason)
	if note != "" { // somebody's words
		entry = entry.Saying(gone[0].EmployeeID, Told(reason, note))
	}
	return audit.Record(ctx, tx, entry)
}

// Sweep keeps the authority in order: it gives up certificates whose signing was
// cut short more than ten minutes ago, and makes new full lists
// when they are due, and new responders; parts are made when they are asked for. It may
// run at any time and on several nodes at once.
func (s *Service) Sweep(ctx context.Context) error {
	before := store.Instant(s.Now().Add(-10 * time.Minute))
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := s.abandon(ctx, tx, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Where("created_at < ?", before) })
		return err
	})
	if err != nil {
		return err
	}
	if _, err := s.RootCRL(ctx); err != nil {
		return err
	}
	h, err := s.hierarchy(ctx)
	if err != nil {
		return err
	}
	for _, i := range h.issuing {
		if _, err := s.CRL(ctx, i.Number); err != nil {
			return err
		}
		if _, err := s.responder(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// abandon gives up the intended certificates that match. They may have been
// signed, so the CRL lists them; and their request IDs are free again.
func (s *Service) abandon(ctx context.Context, tx bun.Tx, match func(*bun.UpdateQuery) *bun.UpdateQuery) (int, error) {
	var given []Certificate
	_, err := match(tx.NewUpdate().Model(&given)).
		Set("state = ?", Abandoned).Set("revoked_at = ?", store.Instant(s.Now())).Set("revoke_reason = ?", cutShort).
		Set("request_id = request_id || '#' || serial").
		Where("state = ?", Intended).Returning("serial, org_id, employee_id, profile").Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("give up certificates: %w", err)
	}
	if len(given) == 0 {
		return 0, nil
	}
	var entries []audit.Entry
	for _, c := range given {
		s.Log.WarnContext(ctx, "signing of a certificate was cut short", "org", c.OrgID, "serial", c.Serial)
		entries = append(entries, audit.By(access.System(c.OrgID), s.Now(), "certificate.abandon", object(c.Serial), c.holder()))
	}
	return len(given), audit.Record(ctx, tx, entries...)
}
