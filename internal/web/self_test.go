package web_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const words = `{"kind":"key_file_expiry","lang":"da","subject":"Husk nøglefilen","body":"Kære {{name}}"}`

var selfRules = []rule{
	{route: "GET /api/v1/agreement", right: access.ViewSettings, want: 200},
	{route: "POST /api/v1/agreement/end", right: access.ChangeSettings, body: `{"cvr":"12345678"}`, want: 200, verbs: "organisation.end_withdraw"},
	{route: "GET /api/v1/usage", right: access.ViewUsage, want: 200},
	{route: "GET /api/v1/usage.csv", right: access.ViewUsage, want: 200},
	{route: "GET /api/v1/mail-templates", right: access.ViewSettings, want: 200},
	{route: "PUT /api/v1/mail-templates", right: access.ChangeSettings, body: words, want: 204, verbs: "mail_template.change"},
	{route: "POST /api/v1/mail-templates/preview", right: access.ViewSettings, body: words, want: 200, verbs: nothing},
	{route: "POST /api/v1/mail-templates/test", right: access.ChangeSettings, body: `{"kind":"activation","lang":"en"}`, want: 204, verbs: "mail.test"},
	{route: "DELETE /api/v1/mail-templates", right: access.ChangeSettings, want: 409, verbs: nothing}, // ours already
	{route: "PUT /api/v1/mail-logo", right: access.ChangeSettings, body: "{}", want: 422, verbs: nothing},
	{route: "GET /api/v1/mail-logo", right: access.ViewSettings, want: 404},
	{route: "DELETE /api/v1/mail-logo", right: access.ChangeSettings, want: 409, verbs: nothing},
	{route: "GET /api/v1/me/services", right: loggedIn, want: 200},
	{route: "GET /api/v1/me/sessions", right: loggedIn, want: 200},
	{route: "POST /api/v1/me/sessions/end", right: loggedIn, body: `{"session":"no-such"}`, want: 404, verbs: nothing},
	{route: "GET /api/v1/me/notices", right: loggedIn, want: 200},
	{route: "POST /api/v1/me/notices/:id/read", right: loggedIn, id: "notice", want: 204, verbs: "notice.read"},
	{route: "POST /api/v1/me/notices/read", right: loggedIn, want: 204, verbs: "notice.read"}, // the activation mail
	{route: "GET /api/v1/letters", right: access.ManageEmployees, want: 200},
	{route: "GET /api/v1/letters.pdf", right: access.ManageEmployees, want: 200, verbs: "letter.show"},
	{route: "POST /api/v1/letters/handed-over", right: access.ManageEmployees, body: `{"ids":["$letter"]}`, want: 204, verbs: "letter.hand_over"},
	{route: "POST /api/v1/me/key-file/block", right: loggedIn, body: `{"serial":"no-such","reason":"key_compromise"}`, want: 404, verbs: nothing},
	{route: "POST /api/v1/me/key-file/revocation-code", right: loggedIn, body: `{"serial":"no-such"}`, want: 404, verbs: nothing},
	{route: "GET /api/v1/me", right: loggedIn, want: 200},
	{route: "PATCH /api/v1/me", right: loggedIn, body: `{"lang":"da"}`, want: 204, verbs: nothing},
	{route: "GET /api/v1/me/dossier.zip", right: loggedIn, want: 200, verbs: "dossier.export"},
	{route: "GET /api/v1/employees/:id/dossier.zip", right: access.ManageEmployees, id: "employee", want: 200, verbs: "dossier.export"},
	{route: "GET /api/v1/erasures", right: access.ManageEmployees, want: 422}, // of no month
	{route: "GET /api/v1/erasures.csv", right: access.ManageEmployees, want: 422},
}

// selfFixtures queues a notice to the administrator and a letter to an employee.
func selfFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	bo := r.Employee(t, c.Organisation, "LETTER", "Bo Brev")
	if _, err := r.DB.NewUpdate().Table("employee").Set("channel = ?", "letter").Where("id = ?", bo.ID).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := store.InTx(t.Context(), r.DB, func(ctx context.Context, tx bun.Tx) error {
		draft := mail.Draft{Org: c.ID, Employee: c.Admin.ID, Kind: mail.KindKeyFileExpiry, Name: "Åse", Address: "aase@nordvind.example", Params: map[string]string{
			"not_after": "2026-12-24T12:00:00Z", "days": "30",
		}}
		letter := draft
		letter.Employee = bo.ID
		return r.Mail.Queue(ctx, tx, "", draft, letter)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]access.EmployeeID{"notice": c.Admin.ID, "letter": bo.ID} {
		var one string
		err := r.DB.NewSelect().Table("message").Column("id").Where("employee_id = ?", id).Where("kind = ?", mail.KindKeyFileExpiry).Scan(t.Context(), &one)
		if err != nil {
			t.Fatal(err)
		}
		c.ids[name] = one
	}
}

// The page of an employee says who proved the identity, and which levels could be
// recorded.
func TestProofingSaysWho(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	c := s.company
	e := s.Employee(t, c.Organisation, "9", "Bodil Berg")
	var d web.EmployeeDetails
	s.admin(t, c).Must(t, http.StatusOK, http.MethodPost, "/api/v1/employees/"+string(e.ID)+"/proofing", map[string]any{"method": "vouched", "level": "Low"}, &d)
	if d.ProofingBy != "employee:"+string(c.Admin.ID) || d.ProofingByName == nil || *d.ProofingByName != c.Admin.Name() || d.ProofingAt == nil {
		t.Errorf("proofing by %q, %v at %v", d.ProofingBy, d.ProofingByName, d.ProofingAt)
	}
	if got := fmt.Sprint(d.ProofingWays); got != "[{[Low Substantial High] private_mitid} {[Low Substantial] document_chip} {[Low Substantial] in_person} {[Low] vouched}]" {
		t.Errorf("ways = %s", got)
	}
}

func TestOwnPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	admin := s.employee(t)
	var me web.Self
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me", nil, &me)
	if me.GivenName != "Bo" || len(me.Administrators) != 1 || len(me.Administrators[0].Roles) != 2 || len(me.Certificates) != 1 || !me.Certificates[0].Current {
		t.Errorf("GET /me = %+v", me)
	}
	json := func(method, path, body string, want int) testkit.Answer {
		t.Helper()
		a := admin.Do(t, method, "/api/v1/"+path, strings.NewReader(body), "Content-Type", "application/json")
		if a.Status != want {
			t.Errorf("%s %s = %d %s, want %d", method, path, a.Status, a.Body, want)
		}
		return a
	}
	json(http.MethodPatch, "me", `{"lang":"en","channel":"letter","private_mitid":true}`, http.StatusNoContent)
	json(http.MethodPatch, "me", `{"lang":"sv"}`, http.StatusUnprocessableEntity)
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me", nil, &me)
	if me.Lang != "en" || me.Channel != "letter" || me.IdentityLevel != "Low" || me.CodeCard != "none" || me.PrivateMitidAt == nil {
		t.Errorf("GET /me after the wishes = %+v", me)
	}
	var activity web.AuditList
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me/activity", nil, &activity)
	if len(activity.Items) < 3 || activity.Items[0].Verb != "employee.wish" {
		t.Errorf("GET /me/activity = %+v", activity)
	}
	a := json(http.MethodGet, "me/dossier.zip", "", http.StatusOK)
	z, err := zip.NewReader(bytes.NewReader(a.Body), int64(len(a.Body)))
	if err != nil {
		t.Fatal(err)
	}
	index, err := z.Open("index.html")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(index)
	if !strings.Contains(string(text), "Bo") || !strings.Contains(string(text), "Nøglefiler") {
		t.Errorf("index.html = %s", text)
	}
	var notices web.NoticeList
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me/notices?lang=en", nil, &notices)
	if len(notices.Items) != 1 || notices.Unread != 1 || strings.Contains(notices.Items[0].Body, "#") || !strings.HasPrefix(notices.Items[0].Subject, "Get your key file") {
		t.Errorf("GET /me/notices = %+v", notices)
	}
	json(http.MethodPost, "me/notices/read", "", http.StatusNoContent)
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me/notices", nil, &notices)
	if notices.Unread != 0 || notices.Items[0].ReadAt == nil {
		t.Errorf("GET /me/notices after reading = %+v", notices)
	}
	var fresh web.RevocationCode
	admin.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/me/key-file/revocation-code", map[string]any{"serial": me.Certificates[0].Serial}, &fresh)
	if len(fresh.RevocationCode) != 19 {
		t.Errorf("a new revocation code = %+v", fresh)
	}
	json(http.MethodPost, "me/key-file/block", `{"serial":"`+me.Certificates[0].Serial+`","reason":"unspecified"}`, http.StatusNoContent)
	refused(t, "GET /me after the own block", admin.Do(t, http.MethodGet, "/api/v1/me", nil), http.StatusUnauthorized, "session.none")
}
