package ca

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// State of a certificate.
type State string

// The states. Issued certificates are revoked for good; an intended one, whose
// signing was cut short, is abandoned and never given to anybody.
const (
	Intended  State = "intended"
	Issued    State = "issued"
	Revoked   State = "revoked"
	Abandoned State = "abandoned"
)

// Certificate is a certificate on record.
type Certificate struct {
	bun.BaseModel `bun:"table:certificate"`

	Serial       pki.Serial        `bun:"serial,pk"`
	OrgID        access.OrgID      `bun:"org_id"`
	EmployeeID   access.EmployeeID `bun:"employee_id"` // the UUID in it; of no employee, see Profile
	RequestID    string            `bun:"request_id"`
	AuthorityID  string            `bun:"authority_id"`
	Part         int               `bun:"part"`    // of the revocation list
	Profile      string            `bun:"profile"` // one of pki.Profiles
	State        State             `bun:"state"`
	KeyHash      []byte            `bun:"key_hash"` // SHA-256 of the SubjectPublicKeyInfo
	Draft        []byte            `bun:"draft"`    // DER, see pki.Draft
	DER          []byte            `bun:"der"`      // nil until issued
	NotBefore    time.Time         `bun:"not_before"`
	NotAfter     time.Time         `bun:"not_after"` // the last second that counts
	CreatedAt    time.Time         `bun:"created_at"`
	RevokedAt    *time.Time        `bun:"revoked_at"` // also of abandoned ones
	RevokeReason string            `bun:"revoke_reason"`
	// RevocationMAC is of the code that revokes it without login; nil for none.
	RevocationMAC []byte `bun:"revocation_mac"`
}

// object is what audit entries about the certificate are about.
func object(serial pki.Serial) string { return "certificate:" + string(serial) }

// holder is what audit entries say of whom the certificate is for.
func (c Certificate) holder() string {
	if c.Profile == string(pki.ProfileEmployee) {
		return "employee:" + string(c.EmployeeID)
	}
	return "certificate_profile:" + string(c.EmployeeID)
}

// Certificate returns one that was issued, revoked or not. Errors: fault.Absent.
func (s *Service) Certificate(ctx context.Context, org access.OrgID, serial string) (Certificate, error) {
	var c Certificate
	err := s.DB.NewSelect().Model(&c).Where("org_id = ?", org).Where("serial = ?", serial).
		Where("state IN (?, ?)", Issued, Revoked).Scan(ctx)
	return c, store.Found(err, "ca.certificate")
}

// ExpiringBetween returns live key files of all organisations with notAfter in
// [from, to), oldest first, at most limit (1 to 500), without Draft and DER, and
// the cursor of the next page, "" at the end. Those whose employee has a live one
// that lasts longer are left out. Errors: fault.Invalid for a cursor.
func (s *Service) ExpiringBetween(ctx context.Context, from, to time.Time, cursor string, limit int) (page []Certificate, next string, err error) {
	limit = min(max(limit, 1), 500)
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	query := s.DB.NewSelect().Model(&page).ExcludeColumn("draft", "der").
		Where("state = 'issued'").Where("profile = ?", pki.ProfileEmployee).
		Where("not_after >= ?", store.Instant(from)).Where("not_after < ?", store.Instant(to)).
		Where(`NOT EXISTS (SELECT 1 FROM certificate AS later
			WHERE later.org_id = certificate.org_id AND later.employee_id = certificate.employee_id
			AND later.profile = certificate.profile AND later.state = 'issued' AND later.not_after > certificate.not_after)`)
	if after != nil {
		since, err := time.Parse(time.RFC3339Nano, after[0])
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
		query.Where("(not_after, serial) > (?, ?)", store.Instant(since), after[1])
	}
	if err := query.Order("not_after", "serial").Limit(int64(limit) + 1).Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("expiring certificates: %w", err)
	}
	if len(page) <= limit {
		return page, "", nil
	}
	last := page[limit-1]
	return page[:limit], store.Cursor(last.NotAfter.UTC().Format(time.RFC3339Nano), string(last.Serial)), nil
}

// Verify says whether a certificate (DER) counts: one of ours, of one of the
// profiles (none for an employee's), valid at that instant, on record byte for byte, and not revoked, whenever that was. Errors:
// fault.Denied ca.certificate.{other_ca, profile, not_yet_valid, expired, revoked,
// unknown}, fault.Invalid ca.certificate.unreadable.
func (s *Service) Verify(ctx context.Context, leafDER []byte, at time.Time, profiles ...pki.Profile) (*pki.Leaf, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	leaf, err := h.trust.Verify(leafDER, at, profiles...)
	if err != nil {
		return nil, s.notCounting(err)
	}
	// Serial numbers are unique in the installation, and nobody knows the
	// organisation yet.
	var c Certificate
	err = s.DB.NewSelect().Model(&c).Column("state", "der", "revoked_at").Where("serial = ?", leaf.Serial).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("look up certificate %s: %w", leaf.Serial, err)
	}
	switch {
	case c.State == Issued && bytes.Equal(c.DER, leafDER):
		return leaf, nil
	case c.RevokedAt != nil:
		return nil, fault.New(fault.Denied, "ca.certificate.revoked", "The certificate was revoked at %s. "+askForNew, c.RevokedAt.UTC().Format(time.RFC3339))
	}
	s.Log.ErrorContext(ctx, "certificate signed by this authority is not on record", "serial", leaf.Serial)
	return nil, fault.New(fault.Denied, "ca.certificate.unknown", "The certificate is not on record here. "+askForNew)
}

const askForNew = "Ask a user administrator of your organisation for a new key file."

// notCounting turns what pki says of a certificate into a fault with a remedy.
func (s *Service) notCounting(err error) error {
	e, ok := errors.AsType[*pki.Error](err)
	if !ok {
		return err
	}
	refuse := func(kind fault.Kind, code, remedy string) error {
		return fault.New(kind, "ca.certificate."+code, "%s %s", e.Text, remedy).Because(err)
	}
	ours := "Choose the key file that you got from " + s.Name + "."
	switch e.Reason {
	case pki.OtherAuthority:
		return refuse(fault.Denied, "other_ca", ours)
	case pki.Expired:
		return refuse(fault.Denied, "expired", askForNew)
	case pki.NotYetValid:
		return refuse(fault.Denied, "not_yet_valid", "Try again then.")
	case pki.Unreadable:
		return refuse(fault.Invalid, "unreadable", ours)
	default:
		return refuse(fault.Denied, "profile", ours)
	}
}

// OfEmployee returns the certificates of one holder, an employee or not, newest
// first, at most 100.
func (s *Service) OfEmployee(ctx context.Context, org access.OrgID, id access.EmployeeID) ([]Certificate, error) {
	var all []Certificate
	err := s.DB.NewSelect().Model(&all).ExcludeColumn("draft", "der").Where("org_id = ?", org).Where("employee_id = ?", id).
		Where("state IN (?)", bun.List([]State{Issued, Revoked})).Order("created_at DESC", "serial").Limit(100).Scan(ctx)
	return all, err
}
