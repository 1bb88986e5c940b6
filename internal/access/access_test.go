package access_test

import (
	"slices"
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
)

// The catalogue is a decision of its own: whoever changes it changes this table.
func TestRights(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		roles []access.Role
		want  []access.Right
	}{
		{nil, nil},
		{[]access.Role{"unknown"}, nil},
		{[]access.Role{access.RightsAdministrator}, []access.Right{access.ViewEmployees}},
		{[]access.Role{access.OrganisationAdministrator}, []access.Right{access.ViewEmployees, access.ManageServices}},
		{[]access.Role{access.UserAdministrator}, []access.Right{access.ManageEmployees, access.ViewEmployees, access.ManageMigration}},
		{access.Roles, []access.Right{access.ManageEmployees, access.ViewEmployees, access.ManageMigration, access.ManageServices}},
	} {
		if got := access.Rights(tc.roles...); !slices.Equal(got, tc.want) {
			t.Errorf("Rights(%q) = %q, want %q", tc.roles, got, tc.want)
		}
	}
}

func TestNeed(t *testing.T) {
	t.Parallel()
	all := access.Rights(access.Roles...)
	for _, right := range all {
		for _, by := range []access.Actor{access.System("org"), access.Command("org")} {
			if err := by.Need(right); err != nil {
				t.Errorf("%s: Need(%s) = %v", by.ID, right, err)
			}
		}
		for name, by := range map[string]access.Actor{
			"nobody": {}, "no role": {OrgID: "org", ID: "employee:1"}, "no organisation": {ID: "system", Roles: access.Roles}, "unknown role": {OrgID: "org", Roles: []access.Role{"root"}},
		} {
			if err := by.Need(right); fault.KindOf(err) != fault.Denied || fault.CodeOf(err) != "access.right.missing" {
				t.Errorf("%s: Need(%s) = %v, want Denied", name, right, err)
			}
		}
	}
	if access.System("org").May("no.such") {
		t.Error("an unknown right is granted")
	}
}
