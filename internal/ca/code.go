package ca

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

const revocationPurpose secret.Purpose = "ca.revocation_code"

// NewRevocationCode gives a certificate of no employee the code that revokes it
// without login, in the place of one it had, and returns it, the only time it is
// seen. Errors: fault.Conflict ca.certificate.state when it does not count any more.
func (s *Service) NewRevocationCode(ctx context.Context, tx bun.Tx, c Certificate) (string, error) {
	code := secret.Code()
	res, err := tx.NewUpdate().Model((*Certificate)(nil)).
		Set("revocation_mac = ?", s.codeMAC(c.EmployeeID, code)).
		Where("org_id = ?", c.OrgID).Where("serial = ?", c.Serial).Where("state = ?", Issued).Exec(ctx)
	return code, store.One(res, err, "ca.certificate")
}

// InheritCode gives a certificate that a machine renewed by itself, and to whom no
// code can be shown, the code of the one before.
func (s *Service) InheritCode(ctx context.Context, tx bun.Tx, org access.OrgID, serial, before string) error {
	_, err := tx.NewUpdate().Model((*Certificate)(nil)).
		Set("revocation_mac = (?)", tx.NewSelect().Table("certificate").Column("revocation_mac").
			Where("org_id = ?", org).Where("serial = ?", before)).
		Where("org_id = ?", org).Where("serial = ?", serial).Exec(ctx)
	return err
}

// Opens tells whether a typed code is the one of a certificate. It takes as long
// for the zero Certificate.
func (s *Service) Opens(c Certificate, typed string) bool {
	mac := s.codeMAC(c.EmployeeID, typed)
	return c.RevocationMAC != nil && secret.Equal(c.RevocationMAC, mac)
}

// codeMAC is of holder and code, so that it holds for the holder's next one.
func (s *Service) codeMAC(holder access.EmployeeID, code string) []byte {
	return s.Keys.MAC(revocationPurpose, string(holder), secret.CleanCode(code))
}
