package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const reason = `{"reason":"Set på video med pas i hånden."}`

var onboardingRules = []rule{
	{route: "GET /api/v1/onboarding/terms", right: open, want: 200},
	{route: "POST /api/v1/onboarding/applications", right: open, body: `{"role":"reporter","name":"Rita","email":"rita@revision.example"}`, want: 202, verbs: "application.start"},
	{route: "POST /api/v1/onboarding/links", right: open, body: `{"email":"nobody@example.dk"}`, want: 202, verbs: nothing},
	{route: "GET /api/v1/onboarding/application", right: open, want: 404},
	{route: "PUT /api/v1/onboarding/application/company", right: open, body: `{"cvr":"10101010"}`, want: 404},
	{route: "PUT /api/v1/onboarding/application/people", right: open, body: `{"signatories":[],"admin_given_name":"A","admin_surname":"B","admin_email":"a@b.dk"}`, want: 404},
	{route: "POST /api/v1/onboarding/application/approve", right: open, want: 404},
	{route: "POST /api/v1/onboarding/application/sign", right: open, body: `{"version":1,"hash":""}`, want: 404},
	{route: "POST /api/v1/onboarding/application/documents", right: open, body: "form", want: 404},
	{route: "DELETE /api/v1/onboarding/application/documents/:id", right: open, id: "document", want: 404},
	{route: "POST /api/v1/onboarding/application/submit", right: open, want: 404},
	{route: "POST /api/v1/onboarding/application/withdraw", right: open, want: 404},
	{route: "POST /api/v1/onboarding/application/again", right: open, want: 404},
	{route: "GET /api/v1/onboarding/application/code", right: open, want: 404},
	{route: "POST /api/v1/recovery/requests", right: open, body: `{"cvr":"12345678","email":"nobody@example.dk"}`, want: 202, verbs: nothing},
	{route: "GET /api/v1/recovery/case", right: open, want: 404},
	{route: "POST /api/v1/recovery/case", right: open, body: `{"given_name":"A","surname":"B","email":"a@b.dk","reason":"Administratoren er rejst."}`, want: 404},

	{route: "GET /api/v1/recoveries", right: access.ViewRoles, want: 200},
	{route: "POST /api/v1/recoveries/:id/object", right: access.ViewRoles, id: "recovery", body: reason, want: 200, verbs: "recovery.object"},
	{route: "GET /api/v1/setup", right: access.ChangeSettings, want: 200},
	{route: "POST /api/v1/setup", right: access.ChangeSettings, body: `{"step":"invoice","state":"done"}`, want: 200, verbs: "setup.step"},
}

var operatorRules = []rule{
	{route: "POST /api/v1/operator/setup/options", right: open, body: `{"token":"none"}`, want: 404},
	{route: "POST /api/v1/operator/setup", right: open, body: `{"token":"none","credential":{}}`, want: 409},
	{route: "POST /api/v1/operator/login/options", right: open, want: 200, verbs: nothing},
	{route: "POST /api/v1/operator/login", right: open, body: `{"credential":{}}`, want: 403},

	{route: "GET /api/v1/operator/session", right: operator, want: 200},
	{route: "GET /api/v1/operator/organisations", right: operator, want: 200},
	{route: "GET /api/v1/operator/organisations/:id", right: operator, id: "connected", want: 200},
	{route: "POST /api/v1/operator/organisations/:id/set-up-link", right: operator, id: "connected", want: 200, verbs: "administrator.invite"},
	{route: "GET /api/v1/operator/organisations/:id/code", right: operator, id: "connected", want: 200, verbs: "installation_code.show"},
	{route: "GET /api/v1/operator/applications", right: operator, want: 200},
	{route: "GET /api/v1/operator/applications/:id", right: operator, id: "application", want: 200},
	{route: "GET /api/v1/operator/applications/:id/documents/:document", right: operator, id: "application", want: 200, verbs: "application_document.show"},
	{route: "POST /api/v1/operator/applications/:id/accept", right: operator, id: "application", body: `{"identity_check":"video","reason":"Set på video med pas."}`, want: 200, verbs: "administrator.invite application.accept organisation.create"},
	{route: "POST /api/v1/operator/applications/:id/reject", right: operator, id: "bad_application", body: reason, want: 200, verbs: "application.reject"},
	{route: "POST /api/v1/operator/terms", right: operator, body: `{"text_da":"` + strings.Repeat("Vilkår ", 20) + `","text_en":"` + strings.Repeat("Terms ", 20) + `"}`, want: 201, verbs: "terms.publish"},
	{route: "GET /api/v1/operator/recoveries", right: operator, want: 200},
	{route: "POST /api/v1/operator/recoveries/:id/appoint", right: operator, id: "reopening", body: `{"organisation_id":"$connected","reason":"Set på video med pas."}`, want: 409}, // within the waiting time
	{route: "POST /api/v1/operator/recoveries/:id/refuse", right: operator, id: "reopening", body: `{"organisation_id":"$connected","reason":"Kunne ikke nås på telefon."}`, want: 200, verbs: "recovery.refuse"},
	{route: "GET /api/v1/operator/certificate", right: operator, want: 422}, // of no number
	{route: "POST /api/v1/operator/certificate/block", right: operator, body: `{"serial":"$reported","reason":"key_compromise","note":"Ringede fra hovednummeret"}`, want: 200, verbs: "certificate.revoke"},
	{route: "GET /api/v1/operator/saml-keys", right: operator, want: 200},
	{route: "POST /api/v1/operator/saml-keys", right: operator, body: `{"use":"encryption","algorithm":"RSA"}`, want: 201, verbs: "saml_key.announce"},
	{route: "POST /api/v1/operator/saml-keys/:id/seen", right: operator, id: "saml_key", body: `{"partner":"service:$service"}`, want: 200, verbs: "saml_key.seen"},
	{route: "POST /api/v1/operator/saml-keys/:id/activate", right: operator, id: "saml_key", body: reason, want: 200, verbs: "saml_key.activate"},
	{route: "POST /api/v1/saml-keys/look-up", right: open, body: `{"token":"none"}`, want: 404},
	{route: "POST /api/v1/saml-keys/installed", right: open, body: `{"token":"none"}`, want: 404, verbs: nothing},
	{route: "GET /api/v1/operator/usage", right: operator, want: 200},
	{route: "GET /api/v1/operator/usage.csv", right: operator, want: 200},
	{route: "GET /api/v1/operator/operators", right: operator, want: 200},
	{route: "POST /api/v1/operator/operators", right: operator, body: `{"email":"ny@drift.example","name":"Ny"}`, want: 201, verbs: "operator.add"},
	{route: "DELETE /api/v1/operator/operators/:id", right: operator, id: "second_operator", want: 200, verbs: "operator.remove"},
	{route: "DELETE /api/v1/operator/session", right: operator, want: 204, verbs: "operator_session.end"},
}

var mailedLink = regexp.MustCompile(`/(?:connect/application|recover/case|activate|certificate|certificate-email)#([A-Za-z0-9_-]{43})`)

// mailed is the token in the newest mail to an address.
func (s *site) mailed(t *testing.T, address string) string {
	t.Helper()
	s.Drain(t)
	mails, _, err := s.Mailbox.Mails("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if found := mailedLink.FindStringSubmatch(m.Body); found != nil && strings.Contains(m.To, "<"+address+">") {
			return found[1]
		}
	}
	t.Fatalf("no mail with a link to %s", address)
	return ""
}

// apply is an application through the API that waits for a decision; the
// register cannot tell who signs for its association.
func (s *site) apply(t *testing.T, number, email string) (id, document string) {
	t.Helper()
	a := s.begin(t, email, number, "documents")
	a.call(t, http.MethodPost, "/submit", nil)
	if a.now.Step != web.ApplicationStepDecision || len(a.now.Documents) != 1 {
		t.Fatalf("application = %+v", a.now)
	}
	return a.now.ID, a.now.Documents[0].ID
}

// recover is a recovery in its waiting time.
func (s *site) recover(t *testing.T, number, email string) (id string) {
	t.Helper()
	client := s.client(t)
	client.Must(t, http.StatusAccepted, http.MethodPost, "/api/v1/recovery/requests", map[string]any{"cvr": number, "email": email}, nil)
	var r web.Recovery
	got := client.Do(t, http.MethodPost, "/api/v1/recovery/case", map[string]any{
		"given_name": "Ny", "surname": "Leder", "email": "ny@leder.example", "reason": "Administratoren er rejst.",
	}, "X-Link-Token", s.mailed(t, email))
	if got.JSON(t, &r); r.State != web.RecoveryStateWaiting {
		t.Fatalf("recovery = %d %s", got.Status, got.Body)
	}
	return r.ID
}

func onboardingFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	email := "repr." + c.CVR + "@nordvind.example"
	one := onboarding.RepresentativeOf{OrgID: c.ID, Name: "Karla Repræsentant", Email: email, TermsVersion: 1, CreatedAt: time.Unix(1, 0)}
	if _, err := r.DB.NewInsert().Model(&one).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ids["recovery"] = r.recover(t, c.CVR, email)
	if r.operator != nil {
		return
	}
	r.operator = r.logInOperator(t, "olga@drift.example")
	c.ids["application"], c.ids["document"] = r.apply(t, "40404040", "lone@gavl.example")
	c.ids["bad_application"], _ = r.apply(t, "41414141", "per@gavl.example")
	connected, _ := r.apply(t, "42424242", "eva@gavl.example")
	var a web.Application
	r.operator.Must(t, http.StatusOK, http.MethodPost, "/api/v1/operator/applications/"+connected+"/accept",
		map[string]any{"identity_check": "video", "reason": "Set på video med pas."}, &a)
	c.ids["connected"] = *a.OrganisationID
	c.ids["reopening"] = r.recover(t, "42424242", "eva@gavl.example")
	second, _, err := r.Operator.Add(t.Context(), access.Host(), "anden@drift.example", "Anden")
	if err != nil {
		t.Fatal(err)
	}
	c.ids["second_operator"] = second.ID
	key, err := r.SAMLKeys.Announce(t.Context(), access.Host(), samlkey.Signing, oiosaml.RSA)
	if err != nil {
		t.Fatal(err)
	}
	c.ids["saml_key"] = key.ID
}

// logInOperator makes an operator and logs in with a passkey, as the pages do.
func (s *site) logInOperator(t *testing.T, email string) *testkit.Client {
	t.Helper()
	o := s.newcomer(t, email)
	o.client.Must(t, http.StatusNoContent, http.MethodPost, "/api/v1/operator/setup", o.creation(t), nil)
	o.client.Must(t, http.StatusNoContent, http.MethodPost, "/api/v1/operator/login", o.assertion(t), nil)
	var session web.OperatorSession
	o.client.Must(t, http.StatusOK, http.MethodGet, "/api/v1/operator/session", nil, &session)
	o.client.CSRF = session.CsrfToken
	return o.client
}

// An operator is nobody on the routes of tenants.
func TestAnOperatorIsNobodyInATenant(t *testing.T) {
	t.Parallel()
	r := newRulings(t, testkit.SQLite(t))
	before := state(t, r.DB)
	for _, one := range rules {
		if one.right == open || one.right == operator {
			continue
		}
		refused(t, one.route+" by an operator", r.call(t, r.operator, one, r.own, r.own), http.StatusUnauthorized, "session.none")
	}
	if after := state(t, r.DB); len(before) != len(after) {
		t.Error("tables came or went")
	}
	r.operator.CSRF = ""
	refused(t, "a write without its token", r.operator.Do(t, http.MethodPost, "/api/v1/operator/terms", map[string]any{}), http.StatusForbidden, "session.csrf")
}

// A stranger's document is downloaded, never shown.
func TestADocumentIsADownload(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	id, document := s.apply(t, "40404040", "lone@gavl.example")
	a := s.logInOperator(t, "olga@drift.example").Do(t, http.MethodGet, "/api/v1/operator/applications/"+id+"/documents/"+document, nil)
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "Content-Disposition": "attachment; filename=referat.pdf",
		"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if a.Status != http.StatusOK || string(a.Body) != "%PDF-1.7\n%%EOF" {
		t.Errorf("document = %d %s", a.Status, a.Body)
	}
}
