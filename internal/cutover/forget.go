package cutover

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/org"
)

// ForgetEmployees takes the personal data of erased employees out of the rows
// that they came with; RID and outcome stay.
func (s *Service) ForgetEmployees(ctx context.Context, ref org.ErasedRef) error {
	_, err := s.DB.NewUpdate().Model((*Row)(nil)).
		Set("given_name = ''").Set("surname = ''").Set("email = ''").Set("phone = ''").Set("cpr_sealed = NULL").Set("cpr_mac = NULL").
		Set("date_of_birth = ''").Set("local_user_id = ''").
		Where("org_id = ?", ref.Org).Where("employee_id IN (?)", bun.List(ref.Employees)).Exec(ctx)
	return err
}
