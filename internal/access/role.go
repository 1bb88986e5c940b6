package access

import "slices"

// Role is a bundle of rights that an organisation gives to an employee. Roles
// are additive.
type Role string

// The roles of MitID Erhverv that are given. The fifth, user, is what every
// active employee is: what it may do, it may do to itself.
const (
	OrganisationAdministrator Role = "organisation-administrator"
	UserAdministrator         Role = "user-administrator"
	RightsAdministrator       Role = "rights-administrator"
	TrustedEmployee           Role = "trusted-employee"
)

// Roles lists every role that is given, in the order people know them.
var Roles = []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator, TrustedEmployee}

// Name is what people call the role, in "da" or "en".
func (r Role) Name(lang string) string {
	names, ok := roleNames[r]
	switch {
	case !ok:
		return string(r)
	case lang == "en":
		return names[1]
	}
	return names[0]
}

var roleNames = map[Role][2]string{
	OrganisationAdministrator: {"organisationsadministrator", "organisation administrator"},
	UserAdministrator:         {"brugeradministrator", "user administrator"},
	RightsAdministrator:       {"rettighedsadministrator", "rights administrator"},
	TrustedEmployee:           {"betroet medarbejder", "trusted employee"},
}

// Right is permission for one kind of task in the administration of an
// organisation. Rights in business services are another thing: entitlements.
type Right string

// The catalogue. What employees do to themselves needs no right.
const (
	ViewEmployees    Right = "employee.view"
	ManageEmployees  Right = "employee.manage" // create, edit, suspend, delete, invite, block
	ViewCPR          Right = "employee.cpr"
	ManageMigration  Right = "migration.manage" // upload, start, pause, letters
	ViewRoles        Right = "role.view"
	AssignRoles      Right = "role.assign"
	AssignRights     Right = "entitlement.assign"
	ApproveRights    Right = "entitlement.approve"
	ReportRights     Right = "entitlement.report"
	ManageGroups     Right = "group.manage"  // create, delete, the rights of a group
	FillGroups       Right = "group.members" // put employees into customised groups
	GiveAttorney     Right = "attorney.give" // to another organisation
	GivePersonal     Right = "attorney.give_person"
	DeleteAttorney   Right = "attorney.delete"
	AttachAttorney   Right = "attorney.attach" // own employees to a power received
	ManageReviews    Right = "review.manage"
	ManageSeals      Right = "seal.manage"
	ManageServices   Right = "service.manage"
	ViewCertificates Right = "certificate.view"
	OrderCertificate Right = "certificate.manage"
	ViewSettings     Right = "setting.view"
	ChangeSettings   Right = "setting.change" // also mail templates and the agreement
	ViewAudit        Right = "audit.view"
	ViewUsage        Right = "usage.view"
	HelpCitizens     Right = "citizen.help" // powers of attorney in Digital Fuldmagt
)

// Capability is one line of the role table: a right and the roles that carry
// it.
type Capability struct {
	Right Right
	Text  string
	Roles []Role
}

// Table is what each role may do in MitID Erhverv (mitid-erhverv.dk, "roles in
// MitID Erhverv"), line by line. The documentation and the tests of every route
// are made from it. Where the source is silent the stricter reading is taken:
// who approves a request is not who may assign past it.
var Table = []Capability{
	{ViewEmployees, "See the employees of the organisation", []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}},
	{ManageEmployees, "Create, edit, suspend, reactivate and delete employees, one or many; invitations, activation codes, blocking", []Role{UserAdministrator}},
	{ViewCPR, "See CPR numbers", []Role{UserAdministrator}},
	{ManageMigration, "Move employees from code cards to key files in migration batches", []Role{UserAdministrator}},
	{ViewRoles, "See who has an administrator role", []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}},
	{AssignRoles, "Give and take away administrator roles and the role of trusted employee", []Role{OrganisationAdministrator}},
	{AssignRights, "Give and take away rights of employees", []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}},
	{ApproveRights, "Approve and reject requests for rights", []Role{RightsAdministrator}},
	{ReportRights, "See who has which rights, and export it", []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}},
	{ManageGroups, "Create user groups and decide the rights of a group", []Role{OrganisationAdministrator}},
	{FillGroups, "Put employees into customised groups and take them out", []Role{UserAdministrator, RightsAdministrator}},
	{GiveAttorney, "Give a power of attorney to another organisation", []Role{OrganisationAdministrator}},
	{GivePersonal, "Give a power of attorney to a person elsewhere", []Role{RightsAdministrator}},
	{DeleteAttorney, "Delete a power of attorney", []Role{RightsAdministrator}},
	{AttachAttorney, "Attach own employees to a power of attorney received", []Role{RightsAdministrator}},
	{ManageReviews, "Start access reviews and see their results", []Role{OrganisationAdministrator, RightsAdministrator}},
	{ManageSeals, "Decide who may use seal certificates", []Role{RightsAdministrator}},
	{ManageServices, "Register business services and publish their rights", []Role{OrganisationAdministrator}},
	{ViewCertificates, "See the certificates of the organisation", []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}},
	{OrderCertificate, "Order, renew and revoke certificates", []Role{UserAdministrator}},
	{ViewSettings, "See the settings of the organisation", []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}},
	{ChangeSettings, "Change the settings, the mail templates and the agreement", []Role{OrganisationAdministrator}},
	{ViewAudit, "Read and export the audit log", []Role{OrganisationAdministrator}},
	{ViewUsage, "See the usage that invoices are made from", []Role{OrganisationAdministrator}},
	{HelpCitizens, "Help citizens to give powers of attorney (municipalities)", []Role{TrustedEmployee}},
}

// Rights returns the rights that roles carry together, sorted.
func Rights(roles ...Role) []Right {
	var all []Right
	for _, line := range Table {
		if slices.ContainsFunc(line.Roles, func(r Role) bool { return slices.Contains(roles, r) }) {
			all = append(all, line.Right)
		}
	}
	slices.Sort(all)
	return all
}
