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
	User:                      {"bruger", "user"},
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

// Capability is one line of the role table: a right, what it is in both
// languages, the roles that carry it, and the key of its source in Sources.
type Capability struct {
	Right  Right
	Text   string
	Danish string
	Roles  []Role
	Source string
}

// User is the fifth role, which is never given: every active employee.
const User Role = "user"

// Sources are the pages of MitID Erhverv that say what a role may do, by key.
// What no page says is Adgang's own reading, key "".
var Sources = map[string]string{
	"roles":         "https://mitid-erhverv.dk/en/about-mitid-erhverv/what-is-mitid-erhverv/roles",
	"about-roles":   "https://www.mitid-erhverv.dk/en/about/roles/",
	"users":         "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/user-administration-in-mitid-erhverv/create-edit-or-delete-users-individually-or-multiple-users-simultaneously",
	"rights":        "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/user-administration-in-mitid-erhverv/assign-or-delete-rights",
	"who-rights":    "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/user-administration-in-mitid-erhverv/find-out-which-users-have-which-rights",
	"groups":        "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/create-or-manage-user-groups",
	"attorney":      "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/create-request-and-manage-business-power-of-attorneys",
	"settings":      "https://www.mitid-erhverv.dk/en/how-to-use-mitid-erhverv/modify-the-organisations-settings-in-mitid-erhverv/",
	"certificates":  "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/manage-certificates",
	"request-admin": "https://mitid-erhverv.dk/en/how-to-use-mitid-erhverv/mitid-erhverv-user-guide-centre/request-administrator-roles",
}

var (
	onlyOrganisation = []Role{OrganisationAdministrator}
	onlyUsers        = []Role{UserAdministrator}
	onlyRights       = []Role{RightsAdministrator}
	all3             = []Role{OrganisationAdministrator, UserAdministrator, RightsAdministrator}
)

// Table is what each role may do in MitID Erhverv, line by line. The
// documentation, the page that shows it and the tests of every route are made
// from it. Where the source is silent the stricter reading is taken: who approves
// a request is not who may assign past it.
var Table = []Capability{
	{ViewEmployees, "See the employees of the organisation", "Se organisationens medarbejdere", all3, "users"},
	{ManageEmployees, "Create, edit, suspend, reactivate and delete employees, one or many; invitations, activation codes, authenticators, blocking", "Oprette, rette, suspendere, genaktivere og slette medarbejdere, en eller mange; invitationer, aktiveringskoder, identifikationsmidler, spærring", onlyUsers, "users"},
	{ViewCPR, "See CPR numbers", "Se CPR-numre", onlyUsers, ""},
	{ManageMigration, "Move employees from code cards to key files in migration batches", "Flytte medarbejdere fra nøglekort til nøglefil", onlyUsers, ""},
	{ViewRoles, "See who has an administrator role", "Se, hvem der har en administratorrolle", all3, "request-admin"},
	{AssignRoles, "Give and take away administrator roles and the role of trusted employee", "Give og fratage administratorroller og rollen som betroet medarbejder", onlyOrganisation, "roles"},
	{AssignRights, "Give and take away rights of employees", "Give og fratage medarbejdere rettigheder", all3, "rights"},
	{ApproveRights, "Approve and reject requests for rights", "Godkende og afvise anmodninger om rettigheder", onlyRights, "rights"},
	{ReportRights, "See who has which rights, and export it", "Se, hvem der har hvilke rettigheder, og hente oversigten", all3, "who-rights"},
	{ManageGroups, "Create user groups and decide the rights of a group", "Oprette brugergrupper og bestemme en gruppes rettigheder", onlyOrganisation, "groups"},
	{FillGroups, "Put employees into customised groups and take them out", "Sætte medarbejdere i tilpassede grupper og tage dem ud", []Role{UserAdministrator, RightsAdministrator}, "groups"},
	{GiveAttorney, "Give a power of attorney to another organisation", "Give en anden organisation fuldmagt", onlyOrganisation, "attorney"},
	{GivePersonal, "Give a power of attorney to a person elsewhere", "Give en bestemt person i en anden organisation fuldmagt", onlyRights, "attorney"},
	{DeleteAttorney, "Delete a power of attorney", "Slette en fuldmagt", onlyRights, "attorney"},
	{AttachAttorney, "Attach own employees to a power of attorney received", "Knytte egne medarbejdere til en modtaget fuldmagt", onlyRights, ""},
	{ManageReviews, "Start access reviews and see their results", "Starte gennemgange af adgange og se resultatet", []Role{OrganisationAdministrator, RightsAdministrator}, ""},
	{ManageSeals, "Decide who may use seal certificates", "Bestemme, hvem der må bruge segl", onlyRights, "rights"},
	{ManageServices, "Register business services and publish their rights", "Registrere tjenester og offentliggøre deres rettigheder", onlyOrganisation, ""},
	{ViewCertificates, "See the certificates of the organisation", "Se organisationens certifikater", all3, "certificates"},
	{OrderCertificate, "Order, renew and revoke certificates", "Bestille, forny og spærre certifikater", onlyUsers, "certificates"},
	{ViewSettings, "See the settings of the organisation", "Se organisationens indstillinger", all3, "settings"},
	{ChangeSettings, "Change the settings, the mail templates and the agreement", "Ændre indstillinger, mailskabeloner og aftalen", onlyOrganisation, "settings"},
	{ViewAudit, "Read and export the audit log", "Læse og hente loggen", onlyOrganisation, ""},
	{ViewUsage, "See the usage that invoices are made from", "Se det forbrug, der faktureres efter", onlyOrganisation, ""},
	{HelpCitizens, "Help citizens to give powers of attorney (municipalities)", "Hjælpe borgere med at oprette fuldmagter (kommuner)", []Role{TrustedEmployee}, "about-roles"},
}

var (
	everybody = []Role{User, UserAdministrator, RightsAdministrator, OrganisationAdministrator}
	// Self is what employees may do to themselves. No right stands behind it: being
	// an active employee is enough, and what a line leaves out is refused.
	Self = []Capability{
		{"", "See one's own data, authenticators, rights and activity", "Se egne oplysninger, identifikationsmidler, rettigheder og aktivitet", everybody, "roles"},
		{"", "Give and withdraw consent to the use of one's private MitID", "Give og trække samtykke til brug af privat MitID tilbage", everybody, "about-roles"},
		{"", "Request rights", "Bede om rettigheder", everybody, "roles"},
		{"", "Request an administrator role", "Bede om en administratorrolle", []Role{User, UserAdministrator, RightsAdministrator}, "request-admin"},
		{"", "Request to be anonymous towards services", "Bede om at være anonym over for tjenester", []Role{User}, "users"},
		{"", "Get, download, block and renew one's own certificate", "Hente, spærre og forny eget certifikat", everybody, "certificates"},
	}
)

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
