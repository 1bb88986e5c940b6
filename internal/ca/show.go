package ca

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// Authority is what an operator wants to know of a CA.
type Authority struct {
	Role        string     `json:"role"` // root, issuing
	Number      int64      `json:"number"`
	State       string     `json:"state"` // active, retired
	Subject     string     `json:"subject"`
	Serial      pki.Serial `json:"serial"`
	Key         string     `json:"key"`         // "RSA 3072", "ECDSA P-256"
	KeyAt       string     `json:"key_at"`      // "database", or "token NAME"
	Fingerprint string     `json:"fingerprint"` // SHA-256 of the certificate, hexadecimal
	NotBefore   time.Time  `json:"not_before"`
	NotAfter    time.Time  `json:"not_after"`
	Issued      int64      `json:"issued"` // certificates that count or counted
	Revoked     int64      `json:"revoked"`
	Certificate string     `json:"certificate"` // addresses
	CRL         string     `json:"crl"`
}

// Authorities returns the root, then the issuing CAs, the active one first.
func (s *Service) Authorities(ctx context.Context) ([]Authority, error) {
	h, err := s.hierarchy(ctx)
	if err != nil {
		return nil, err
	}
	rows := []authority{h.root}
	for _, i := range h.issuing {
		rows = append(rows, i.authority)
	}
	all := make([]Authority, len(rows))
	for i, row := range rows {
		if all[i], err = s.shown(ctx, row); err != nil {
			return nil, fmt.Errorf("authority %s: %w", row.ID, err)
		}
	}
	return all, nil
}

func (s *Service) shown(ctx context.Context, row authority) (Authority, error) {
	cert, err := x509.ParseCertificate(row.Certificate)
	if err != nil {
		return Authority{}, err
	}
	sum := sha256.Sum256(row.Certificate)
	out := Authority{
		Role: row.Role, Number: row.Number, State: row.State, Subject: cert.Subject.String(), Serial: pki.SerialOf(cert.SerialNumber),
		Key: keyName(cert.PublicKey), KeyAt: "database", Fingerprint: hex.EncodeToString(sum[:]), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
		Certificate: s.at("/ca/root.cer"), CRL: s.at("/ca/root.crl"),
	}
	if row.KeyName != "" {
		out.KeyAt = "token " + row.KeyName
	}
	if row.Role == roleRoot {
		out.Issued, err = s.DB.NewSelect().Model((*authority)(nil)).Where("role = ?", roleIssuing).Count(ctx)
		return out, err
	}
	out.Certificate, out.CRL = s.urls(row.Number).Certificate, s.at(fmt.Sprintf("/ca/%d/issuing.crl", row.Number))
	if out.Issued, err = s.DB.NewSelect().Model((*Certificate)(nil)).Where("authority_id = ?", row.ID).
		Where("state IN (?, ?)", Issued, Revoked).Count(ctx); err != nil {
		return out, err
	}
	out.Revoked, err = s.DB.NewSelect().Model((*Certificate)(nil)).Where("authority_id = ?", row.ID).
		Where("state = ?", Revoked).Count(ctx)
	return out, err
}

func keyName(public any) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	}
	return fmt.Sprintf("%T", public)
}

// Find returns the certificate of a serial number, whatever organisation it is
// of, if it was issued: for the operator. Errors: fault.Invalid for text that is
// no serial number, fault.Absent.
func (s *Service) Find(ctx context.Context, serial string) (Certificate, error) {
	var c Certificate
	one, err := pki.ParseSerial(serial)
	if err != nil {
		return c, fault.New(fault.Invalid, "ca.serial.malformed", "%q is not the serial number of a certificate.", serial).On("serial")
	}
	err = s.DB.NewSelect().Model(&c).Where("serial = ?", one).Where("state IN (?, ?)", Issued, Revoked).Scan(ctx)
	return c, store.Found(err, "ca.certificate")
}

// Certificates returns what was issued to an organisation, revoked or not, newest
// first, at most limit (1 to 500), without Draft and DER, and the cursor of the
// next page, "" at the end. Errors: fault.Invalid for a cursor.
func (s *Service) Certificates(ctx context.Context, org access.OrgID, cursor string, limit int) (page []Certificate, next string, err error) {
	limit = min(max(limit, 1), 500)
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	query := s.DB.NewSelect().Model(&page).ExcludeColumn("draft", "der").
		Where("org_id = ?", org).Where("state IN (?, ?)", Issued, Revoked)
	if after != nil {
		before, err := time.Parse(time.RFC3339Nano, after[0])
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
		query.Where("(created_at, serial) < (?, ?)", store.Instant(before), after[1])
	}
	if err := query.Order("created_at DESC", "serial DESC").Limit(int64(limit) + 1).Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("certificates: %w", err)
	}
	if len(page) <= limit {
		return page, "", nil
	}
	last := page[limit-1]
	return page[:limit], store.Cursor(last.CreatedAt.UTC().Format(time.RFC3339Nano), string(last.Serial)), nil
}
