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
	seen := map[access.Right]bool{}
	for _, line := range access.Table {
		if seen[line.Right] || line.Text == "" || len(line.Roles) == 0 {
			t.Errorf("the line of %q is there twice or is empty", line.Right)
		}
		seen[line.Right] = true
	}
	for _, tc := range []struct {
		role     access.Role
		may, not []access.Right
	}{
		{"unknown", nil, []access.Right{access.ViewEmployees}},
		{
			access.OrganisationAdministrator,
			[]access.Right{access.ViewEmployees, access.AssignRoles, access.AssignRights, access.ManageGroups, access.GiveAttorney, access.ChangeSettings, access.ManageServices, access.ViewAudit},
			[]access.Right{access.ManageEmployees, access.ManageMigration, access.ViewCPR, access.ApproveRights, access.GivePersonal, access.OrderCertificate, access.HelpCitizens},
		},
		{
			access.UserAdministrator,
			[]access.Right{access.ViewEmployees, access.ManageEmployees, access.ManageMigration, access.AssignRights, access.FillGroups, access.OrderCertificate, access.ViewSettings},
			[]access.Right{access.ApproveRights, access.AssignRoles, access.ManageGroups, access.GiveAttorney, access.GivePersonal, access.ChangeSettings, access.ManageServices, access.ManageSeals, access.ViewAudit},
		},
		{
			access.RightsAdministrator,
			[]access.Right{access.ViewEmployees, access.AssignRights, access.ApproveRights, access.FillGroups, access.GivePersonal, access.DeleteAttorney, access.ManageSeals},
			[]access.Right{access.ManageEmployees, access.ManageMigration, access.ViewCPR, access.AssignRoles, access.ManageGroups, access.GiveAttorney, access.ChangeSettings},
		},
		{access.TrustedEmployee, []access.Right{access.HelpCitizens}, []access.Right{access.ViewEmployees, access.AssignRights}},
	} {
		by := access.Actor{OrgID: "org", Roles: []access.Role{tc.role}}
		for _, right := range tc.may {
			if !by.May(right) {
				t.Errorf("%s may not %s", tc.role, right)
			}
		}
		for _, right := range tc.not {
			if by.May(right) {
				t.Errorf("%s may %s", tc.role, right)
			}
		}
	}
	if got := access.Rights(access.Roles...); len(got) != len(access.Table) || !slices.IsSorted(got) {
		t.Errorf("all roles carry %d of %d rights", len(got), len(access.Table))
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

// An operator is nobody in any organisation, and nobody of an organisation is
// an operator.
func TestOperator(t *testing.T) {
	t.Parallel()
	operator := access.Actor{ID: "operator:1", Operator: true}
	for _, by := range []access.Actor{operator, access.Host()} {
		if err := by.NeedOperator(); err != nil {
			t.Errorf("%s: NeedOperator = %v", by.ID, err)
		}
		for _, right := range access.Rights(access.Roles...) {
			for _, as := range []access.Actor{by, by.For("org")} {
				if err := as.Need(right); fault.KindOf(err) != fault.Denied {
					t.Errorf("%s in %q: Need(%s) = %v, want Denied", as.ID, as.OrgID, right, err)
				}
			}
		}
	}
	for _, by := range []access.Actor{{}, access.System("org"), access.Command("org"), operator.For("org"), {OrgID: "org", Operator: true}} {
		if err := by.NeedOperator(); fault.CodeOf(err) != "access.operator.missing" {
			t.Errorf("%+v: NeedOperator = %v, want Denied", by, err)
		}
	}
}
