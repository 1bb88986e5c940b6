package dossier

import (
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
)

// area is one table with facts about an employee: the one list that the dossier
// reads, that an erasure empties and that the report of erasures tells of (ADR
// 0056). A table that names employees in two columns has two areas.
type area struct {
	table           string
	danish, english string
	tenant          string   // column of the employee's organisation, "" = org_id
	by              string   // column that names the employee, "" = employee_id
	actor           bool     // it does so as actors are named, employee:ID
	object          string   // how the audit log names its rows, before the colon; "" = not
	hidden          []string // columns that are secrets, keys or only ours to search by
	erase           []string // what an erasure sets, as SQL; nil = nothing in it is personal
	drop            bool     // an erasure deletes the rows
	kept            ground   // why rows outlive the employee, when drop is false
}

// file is the area's name in the archive.
func (a area) file() string {
	if a.by == "" {
		return a.table
	}
	return a.table + "." + a.by
}

func (a area) column() string {
	if a.by == "" {
		return "employee_id"
	}
	return a.by
}

func (a area) org() string {
	if a.tenant == "" {
		return "org_id"
	}
	return a.tenant
}

func (a area) names(id access.EmployeeID) string {
	if a.actor {
		return "employee:" + string(id)
	}
	return string(id)
}

// rows is the condition on the rows of some employees of an organisation.
func (a area) rows(org access.OrgID, ids ...access.EmployeeID) (string, []any) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = a.names(id)
	}
	return "? = ? AND ? IN (?)", []any{bun.Ident(a.org()), org, bun.Ident(a.column()), bun.List(names)}
}

// ground is a legal basis, in both languages.
type ground struct{ danish, english string }

var (
	evidence = ground{
		"Bevis for, hvem der havde hvilken identitet hvornår: databeskyttelsesforordningens artikel 6, stk. 1, litra c, og artikel 17, stk. 3, litra b og e.",
		"Evidence of who held which identity when: GDPR articles 6(1)(c) and 17(3)(b) and (e).",
	}
	history = ground{
		"Historik uden navn, mailadresse og CPR-nummer, så organisationen kan dokumentere sine beslutninger: artikel 6, stk. 1, litra f.",
		"History without name, e-mail address and CPR number, so that the organisation can account for its decisions: article 6(1)(f).",
	}
)

// codeOnly keeps a reason that is one of ours and empties one that somebody wrote.
func codeOnly(column string) string {
	return column + " = CASE WHEN " + column + " IN ('key_compromise', 'affiliation_changed', 'superseded', 'content_wrong', " +
		"'cessation_of_operation', 'unspecified', 'signing cut short', 'end of parallel running', 'deleted') THEN " + column + " ELSE '' END"
}

// areas are every table of an employee: a test walks the schema and fails for one
// that is missing, another searches a whole database for somebody who was erased.
var areas = []area{
	{table: "role_assignment", danish: "Roller", english: "Roles", drop: true},
	{
		table: "message", danish: "Mails, breve og beskeder", english: "Mails, letters and notices", object: "message", hidden: []string{"link_sealed", "lot"},
		erase: []string{
			"name = ''", "address = ''", "params = '{}'", "link_sealed = NULL", "error = ''",
			"state = CASE WHEN state IN ('queued', 'waiting') THEN 'failed' ELSE state END",
		}, kept: history,
	},
	{
		table: "certificate", danish: "Certifikater", english: "Certificates", object: "certificate",
		hidden: []string{"draft", "der", "key_hash", "request_id", "revocation_mac"}, erase: []string{codeOnly("revoke_reason")}, kept: evidence,
	},
	{table: "secure_mail", danish: "Nøgle til gammel sikker mail", english: "Key of old secure mail", drop: true},
	{table: "archive_file", danish: "Krypteret arkiv", english: "Encrypted archive", drop: true},
	{table: "code_card", danish: "Nøglekort", english: "Code cards", erase: []string{codeOnly("block_reason")}, kept: history},
	{table: "key_file", danish: "Nøglefiler", english: "Key files", hidden: []string{"revocation_mac"}, erase: []string{codeOnly("block_reason"), "block_note = ''"}, kept: evidence},
	{table: "activation", danish: "Invitationer", english: "Invitations", hidden: []string{"token_mac", "code_mac", "code_sealed"}, erase: []string{"code_sealed = NULL"}, kept: history},
	{table: "session", danish: "Igangværende login", english: "Logins under way", hidden: []string{"token_mac"}, drop: true},
	{table: "local_idp_request", danish: "Login hos organisationens egen udbyder", english: "Logins at the organisation's own provider", hidden: []string{"cookie_mac", "known"}, drop: true},
	{table: "logout", danish: "Log ud af tjenester", english: "Logouts from services", hidden: []string{"cookie_mac", "request"}, drop: true},
	{table: "openid_grant", danish: "Login med OpenID Connect", english: "Logins by OpenID Connect", hidden: []string{"code_mac", "document"}, drop: true},
	{table: "service_session", danish: "Login hos tjenester", english: "Logins at services", drop: true},
	{
		table: "batch_row", danish: "Linjer i migreringer", english: "Lines of migrations", hidden: []string{"cpr_sealed", "cpr_mac"},
		erase: []string{
			"given_name = ''", "surname = ''", "email = ''", "phone = ''", "cpr_sealed = NULL", "cpr_mac = NULL", "date_of_birth = ''",
			"p_number = ''", "se_number = ''", "local_user_id = ''",
		}, kept: history,
	},
	{
		table: "employee_request", danish: "Anmodninger om oprettelse og anonymitet", english: "Requests to be created or anonymous", object: "employee_request",
		hidden: []string{"person", "person_mac"},
		erase:  []string{"person = NULL", "person_mac = substr(person_mac, 1, 0)", "reason = ''", "answer = ''"}, kept: history,
	},
	{
		table: "role_request", danish: "Anmodninger om administratorroller", english: "Requests for administrator roles", object: "role_request",
		erase: []string{"reason = ''", "answer = ''"}, kept: history,
	},
	{table: "nominee", danish: "Udpegning som efterfølger", english: "Nomination as successor", drop: true},
	{table: "entitlement_assignment", danish: "Rettigheder i tjenester", english: "Rights in services", kept: history},
	{
		table: "entitlement_request", danish: "Anmodninger om rettigheder", english: "Requests for rights", object: "entitlement_request",
		erase: []string{"reason = ''", "answer = ''"}, kept: history,
	},
	{table: "entitlement_notice", by: "receiver", danish: "Afsendte påmindelser om rettigheder", english: "Reminders of rights that were sent", kept: history},
	{table: "group_member", danish: "Brugergrupper", english: "User groups", drop: true},
	{table: "employee_word", danish: "Søgeord", english: "Search words", hidden: []string{"sort_key"}, drop: true},
	{
		table: "roster_row", danish: "Linjer i indlæste filer", english: "Lines of files that were loaded", hidden: []string{"person"},
		erase: []string{"person = NULL", "name = ''", "email = ''", "message = ''", "changes = '[]'"}, kept: history,
	},
	{table: "attorney_employee", danish: "Fuldmagter, man er tilknyttet", english: "Powers of attorney one is attached to", kept: history},
	{
		table: "attorney", tenant: "receiver_org_id", by: "receiver_id", object: "attorney", danish: "Fuldmagter til en selv", english: "Powers of attorney to oneself",
		erase: []string{"person = ''", "reason = ''", "answer = ''"}, kept: history,
	},
	{table: "service_attempt", danish: "Login i organisationens tjenester", english: "Logins to the organisation's services", kept: history},
	{table: "seal_user", danish: "Segl, man må bruge", english: "Seals one may use", kept: history},
	{table: "review_item", danish: "Gennemgange af rettigheder", english: "Reviews of rights", object: "review_item", erase: []string{"who = ''", "note = ''"}, kept: history},
	{table: "review_item", by: "decided_by", actor: true, danish: "Svar i gennemgange", english: "Answers in reviews", object: "review_item", hidden: []string{"who", "employee_id"}, erase: []string{"decider = ''"}, kept: history},
	{table: "review_reviewer", danish: "Gennemgange, man selv foretager", english: "Reviews one makes oneself", kept: history},
	{table: "review_notice", by: "receiver", danish: "Afsendte påmindelser om gennemgange", english: "Reminders of reviews that were sent", kept: history},
	{table: "approval", by: "asker_id", object: "approval", danish: "Handlinger, man har bedt en anden godkende", english: "Acts that one asked somebody to approve", hidden: []string{"payload"}, kept: history},
	{table: "approval", by: "decider", actor: true, object: "approval", danish: "Handlinger, man har afgjort", english: "Acts that one decided", hidden: []string{"payload"}, erase: []string{"reason = ''"}, kept: history},
	{table: "approval", by: "object", actor: true, object: "approval", danish: "Handlinger, der angår en", english: "Acts about oneself", hidden: []string{"payload"}, erase: []string{"reason = ''"}, kept: history},
	{table: "setup", by: "administrator_id", danish: "Opsætning af organisationen", english: "Set-up of the organisation", kept: history},
	{table: "reminder_due", by: "receiver", actor: true, danish: "Påmindelser om certifikater", english: "Reminders of certificates", erase: []string{"name = ''"}, kept: history},
	{table: "reminder_snooze", by: "by_id", actor: true, danish: "Udsatte påmindelser", english: "Reminders put off", erase: []string{"reason = ''"}, kept: history},
	{
		table: "inventory_certificate", by: "owner_id", danish: "Certifikater, man har ansvaret for", english: "Certificates one is in charge of",
		hidden: []string{"der", "search_key"}, erase: []string{"owner_id = ''"}, kept: history,
	},
	{table: "inventory_member", by: "owner_id", danish: "Certifikater i kampagner, man havde ansvaret for", english: "Certificates in campaigns one was in charge of", erase: []string{"owner_id = ''"}, kept: history},
	{table: "audit_text", danish: "Det, andre har skrevet om en", english: "What others wrote about one", hidden: []string{"salt"}, drop: true},
}
