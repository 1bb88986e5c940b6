package dossier

// area is one table with facts about an employee. hidden are columns that are
// secrets, keys or only ours to search by; kept is why rows outlive the erasure of
// the employee, "" when they go with it.
type area struct {
	table           string
	danish, english string
	hidden          []string
	kept            ground
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
	gone = ground{}
)

// Areas are every table of an employee: a test walks the schema and fails for one
// that is missing.
var areas = []area{
	{table: "role_assignment", danish: "Roller", english: "Roles", kept: gone},
	{table: "message", danish: "Mails, breve og beskeder", english: "Mails, letters and notices", hidden: []string{"link_sealed", "lot"}, kept: gone},
	{table: "certificate", danish: "Certifikater", english: "Certificates", hidden: []string{"draft", "der", "key_hash", "request_id", "revocation_mac"}, kept: evidence},
	{table: "secure_mail", danish: "Nøgle til gammel sikker mail", english: "Key of old secure mail", kept: gone},
	{table: "archive_file", danish: "Krypteret arkiv", english: "Encrypted archive", kept: gone},
	{table: "code_card", danish: "Nøglekort", english: "Code cards", kept: history},
	{table: "key_file", danish: "Nøglefiler", english: "Key files", hidden: []string{"revocation_mac"}, kept: evidence},
	{table: "activation", danish: "Invitationer", english: "Invitations", hidden: []string{"token_mac", "code_mac", "code_sealed"}, kept: history},
	{table: "session", danish: "Igangværende login", english: "Logins under way", hidden: []string{"token_mac"}, kept: gone},
	{table: "local_idp_request", danish: "Login hos organisationens egen udbyder", english: "Logins at the organisation's own provider", hidden: []string{"cookie_mac", "known"}, kept: gone},
	{table: "service_session", danish: "Login hos tjenester", english: "Logins at services", kept: gone},
	{table: "logout", danish: "Log ud af tjenester", english: "Logouts from services", hidden: []string{"cookie_mac", "request"}, kept: gone},
	{table: "batch_row", danish: "Linjer i migreringer", english: "Lines of migrations", hidden: []string{"cpr_sealed", "cpr_mac"}, kept: gone},
	{table: "employee_request", danish: "Anmodninger om oprettelse og anonymitet", english: "Requests to be created or anonymous", hidden: []string{"person", "person_mac"}, kept: history},
	{table: "role_request", danish: "Anmodninger om administratorroller", english: "Requests for administrator roles", kept: history},
	{table: "nominee", danish: "Udpegning som efterfølger", english: "Nomination as successor", kept: gone},
	{table: "entitlement_assignment", danish: "Rettigheder i tjenester", english: "Rights in services", kept: history},
	{table: "entitlement_request", danish: "Anmodninger om rettigheder", english: "Requests for rights", kept: history},
	{table: "group_member", danish: "Brugergrupper", english: "User groups", kept: gone},
	{table: "employee_word", danish: "Søgeord", english: "Search words", hidden: []string{"sort_key"}, kept: gone},
	{table: "roster_row", danish: "Linjer i indlæste filer", english: "Lines of files that were loaded", hidden: []string{"cpr_sealed", "cpr_mac", "person_sealed", "sealed"}, kept: gone},
	{table: "attorney_employee", danish: "Fuldmagter, man er tilknyttet", english: "Powers of attorney one is attached to", kept: history},
	{table: "service_attempt", danish: "Login i organisationens tjenester", english: "Logins to the organisation's services", kept: history},
	{table: "seal_user", danish: "Segl, man må bruge", english: "Seals one may use", kept: history},
	{table: "review_item", danish: "Gennemgange af rettigheder", english: "Reviews of rights", kept: history},
	{table: "review_reviewer", danish: "Gennemgange, man selv foretager", english: "Reviews one makes oneself", kept: history},
}
