package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var onboardingSuccesses = []success{
	{route: "POST /api/v1/onboarding/links", want: 202, verbs: "application_link.renew", prepare: func(t *testing.T, r *rulings) act {
		a := r.begin(t, "links@gavl.example", "40404040", "")
		r.Clock.Move(2 * time.Minute) // not at once after the first
		return act{by: a.client, body: map[string]any{"email": a.email}}
	}},
	{route: "PUT /api/v1/onboarding/application/company", want: 200, verbs: "application.company", prepare: func(t *testing.T, r *rulings) act {
		return r.begin(t, "company@gavl.example", "40404040", "").act(map[string]any{"cvr": "40404040"})
	}},
	{route: "PUT /api/v1/onboarding/application/people", want: 200, verbs: "application.people", prepare: func(t *testing.T, r *rulings) act {
		return r.begin(t, "people@gavl.example", "40404040", "company").act(administrator("people@gavl.example"))
	}},
	{route: "POST /api/v1/onboarding/application/approve", want: 200, verbs: "application.approve", prepare: func(t *testing.T, r *rulings) act {
		a := r.prepared(t, "reporter@revision.example", "leder@gavl.example")
		return a.act(nil)
	}},
	{route: "POST /api/v1/onboarding/application/sign", want: 200, verbs: "application.sign", prepare: func(t *testing.T, r *rulings) act {
		a := r.begin(t, "sign@gavl.example", "40404040", "people")
		return a.act(a.terms(t))
	}},
	{route: "POST /api/v1/onboarding/application/documents", want: 200, verbs: "application.document", prepare: func(t *testing.T, r *rulings) act {
		a := r.begin(t, "upload@gavl.example", "40404040", "sign")
		body, kind := form(t, [2]string{"file referat.pdf", "%PDF-1.7\n%%EOF"})
		return act{by: a.client, body: body, header: []string{"X-Link-Token", a.token, "Content-Type", kind}}
	}},
	{route: "DELETE /api/v1/onboarding/application/documents/:id", want: 200, verbs: "application.document_discard", prepare: func(t *testing.T, r *rulings) act {
		a := r.begin(t, "discard@gavl.example", "40404040", "documents")
		one := a.act(nil)
		one.path = "/api/v1/onboarding/application/documents/" + a.now.Documents[0].ID
		return one
	}},
	{route: "POST /api/v1/onboarding/application/submit", want: 200, verbs: "application.submit", prepare: func(t *testing.T, r *rulings) act {
		return r.begin(t, "submit@gavl.example", "40404040", "documents").act(nil)
	}},
	{route: "POST /api/v1/onboarding/application/withdraw", want: 200, verbs: "application.withdraw", prepare: func(t *testing.T, r *rulings) act {
		return r.begin(t, "withdraw@gavl.example", "40404040", "company").act(nil)
	}},
	{route: "POST /api/v1/onboarding/application/again", want: 201, verbs: "application.start", prepare: func(t *testing.T, r *rulings) act {
		a := r.begin(t, "again@gavl.example", "40404040", "company")
		a.call(t, post, "/withdraw", nil)
		return a.act(nil)
	}},
	{route: "POST /api/v1/recovery/requests", want: 202, verbs: "recovery.ask", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.client(t), body: map[string]any{"cvr": "70707070", "email": r.represented(t, "70707070")}}
	}},
	{route: "POST /api/v1/recovery/case", want: 200, verbs: "recovery.confirm", prepare: func(t *testing.T, r *rulings) act {
		email, client := r.represented(t, "71717171"), r.client(t)
		client.Must(t, http.StatusAccepted, post, "/api/v1/recovery/requests", map[string]any{"cvr": "71717171", "email": email}, nil)
		return act{
			by: client, body: map[string]any{"given_name": "Ny", "surname": "Leder", "email": "ny@leder.example", "reason": "Administratoren er rejst."},
			header: []string{"X-Link-Token", r.mailed(t, email)},
		}
	}},
}

var operatorSuccesses = []success{
	{route: "POST /api/v1/operator/setup/options", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.client(t), body: map[string]any{"token": r.newcomer(t, "a@drift.example").token}}
	}},
	{route: "POST /api/v1/operator/setup", want: 204, verbs: "operator.set_up", prepare: func(t *testing.T, r *rulings) act {
		o := r.newcomer(t, "b@drift.example")
		return act{by: o.client, body: o.creation(t)}
	}},
	{route: "POST /api/v1/operator/login", want: 204, verbs: "operator_session.start", prepare: func(t *testing.T, r *rulings) act {
		o := r.newcomer(t, "c@drift.example")
		o.client.Must(t, http.StatusNoContent, post, "/api/v1/operator/setup", o.creation(t), nil)
		return act{by: o.client, body: o.assertion(t)}
	}},
	{route: "POST /api/v1/saml-keys/look-up", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.client(t), body: map[string]any{"token": r.told(t)}}
	}},
	{route: "POST /api/v1/saml-keys/installed", want: 200, verbs: "saml_key.seen", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.client(t), body: map[string]any{"token": r.told(t)}}
	}},
}

// lateSuccesses move the clock, which ends every session: they come last.
var lateSuccesses = []success{
	{route: "POST /api/v1/operator/recoveries/:id/appoint", want: 200, verbs: "administrator.invite employee.create recovery.appoint", prepare: func(t *testing.T, r *rulings) act {
		email := r.represented(t, "72727272")
		id := r.recover(t, "72727272", email)
		var late onboarding.Recovery
		if err := r.DB.NewSelect().Model(&late).Where("id = ?", id).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Clock.Move(late.ReadyAt.Sub(r.Clock.Now()) + time.Hour)
		return act{
			by: r.logInOperator(t, "late@drift.example"), path: "/api/v1/operator/recoveries/" + id + "/appoint",
			body: map[string]any{"organisation_id": late.OrgID, "reason": "Set på video med pas."},
		}
	}},
}

// applicant takes an application through the API.
type applicant struct {
	*site
	client *testkit.Client
	email  string
	token  string
	now    web.Application
}

// begin starts an application of an association with a number and takes it through the steps up
// to one, "" for none.
func (s *site) begin(t *testing.T, email, number, upTo string) *applicant {
	t.Helper()
	a := &applicant{site: s, client: s.client(t), email: email}
	a.client.Must(t, http.StatusAccepted, post, "/api/v1/onboarding/applications", map[string]any{"role": "representative", "name": "Lone Gavl", "email": email, "lang": "da"}, nil)
	a.token = s.mailed(t, email)
	for _, step := range []string{"company", "people", "sign", "documents"} {
		if upTo == "" {
			break
		}
		switch step {
		case "company":
			a.call(t, put, "/company", map[string]any{"cvr": number, "name": "Foreningen"})
		case "people":
			a.call(t, put, "/people", administrator(email))
		case "sign":
			a.call(t, post, "/sign", a.terms(t))
		case "documents":
			body, kind := form(t, [2]string{"file referat.pdf", "%PDF-1.7\n%%EOF"})
			a.call(t, post, "/documents", body, "Content-Type", kind)
		}
		if step == upTo {
			break
		}
	}
	return a
}

// prepared is what a reporter has prepared, in the hands of the representative.
func (s *site) prepared(t *testing.T, reporter, representative string) *applicant {
	t.Helper()
	a := &applicant{site: s, client: s.client(t), email: reporter}
	a.client.Must(t, http.StatusAccepted, post, "/api/v1/onboarding/applications", map[string]any{"role": "reporter", "name": "Rita Revisor", "email": reporter, "lang": "da"}, nil)
	a.token = s.mailed(t, reporter)
	a.call(t, put, "/company", map[string]any{"cvr": "40404040", "name": "Foreningen"})
	people := administrator(reporter)
	people["representative"] = map[string]any{"name": "Lone Gavl", "email": representative}
	a.call(t, put, "/people", people)
	a.token = s.mailed(t, representative)
	return a
}

func administrator(email string) map[string]any {
	return map[string]any{"signatories": []any{}, "admin_given_name": "Ask", "admin_surname": "Lind", "admin_email": "ask." + email}
}

func (a *applicant) terms(t *testing.T) map[string]any {
	t.Helper()
	var terms web.TermsState
	a.client.Must(t, http.StatusOK, get, "/api/v1/onboarding/terms", nil, &terms)
	return map[string]any{"version": terms.Current.Version, "hash": terms.Current.Hash}
}

func (a *applicant) call(t *testing.T, method, path string, body any, header ...string) {
	t.Helper()
	got := a.client.Do(t, method, "/api/v1/onboarding/application"+path, body, append(header, "X-Link-Token", a.token)...)
	if got.Status != http.StatusOK {
		t.Fatalf("%s %s = %d %s", method, path, got.Status, got.Body)
	}
	got.JSON(t, &a.now)
}

func (a *applicant) act(body any) act {
	return act{by: a.client, body: body, header: []string{"X-Link-Token", a.token}}
}

// represented is an organisation with a representative, whose address it returns.
func (s *site) represented(t *testing.T, number string) (email string) {
	t.Helper()
	email = "repr." + number + "@gavl.example"
	one := onboarding.RepresentativeOf{OrgID: s.Company(t, number).ID, Name: "Karla Repræsentant", Email: email, TermsVersion: 1, CreatedAt: time.Unix(1, 0)}
	if _, err := s.DB.NewInsert().Model(&one).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return email
}

// newcomer is an operator without a passkey, and the device that will hold one.
type newcomer struct {
	client *testkit.Client
	token  string
	rp     virtualwebauthn.RelyingParty
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

func (s *site) newcomer(t *testing.T, email string) *newcomer {
	t.Helper()
	o, token, err := s.Operator.Add(t.Context(), access.Host(), email, "Olga Operatør")
	if err != nil {
		t.Fatal(err)
	}
	n := &newcomer{
		client: s.client(t), token: token, key: testkit.Passkey(t),
		rp:     virtualwebauthn.RelyingParty{Name: "Adgang", ID: s.server.BaseURL.Hostname(), Origin: s.server.BaseURL.String()},
		device: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(o.ID)}),
	}
	n.device.AddCredential(n.key)
	return n
}

func (n *newcomer) options(t *testing.T, path string, body any) string {
	t.Helper()
	a := n.client.Must(t, http.StatusOK, post, path, body, nil)
	_, text, _ := bytes.Cut(a.Body, []byte(`"options":`))
	return string(bytes.TrimSuffix(bytes.TrimSpace(text), []byte("}")))
}

// creation is the body that sets the passkey up.
func (n *newcomer) creation(t *testing.T) map[string]any {
	t.Helper()
	asked, err := virtualwebauthn.ParseAttestationOptions(n.options(t, "/api/v1/operator/setup/options", map[string]any{"token": n.token}))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"token": n.token, "credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(n.rp, n.device, n.key, *asked))}
}

// assertion is the body that logs in with it.
func (n *newcomer) assertion(t *testing.T) map[string]any {
	t.Helper()
	asked, err := virtualwebauthn.ParseAssertionOptions(n.options(t, "/api/v1/operator/login/options", nil))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"credential": json.RawMessage(virtualwebauthn.CreateAssertionResponse(n.rp, n.device, n.key, *asked))}
}
