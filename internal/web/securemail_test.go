package web_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// archived looks like what the browser encrypts.
var archived = append([]byte("ADGANG-ARCHIVE\x01"), bytes.Repeat([]byte{7}, 60)...)

var secureMailRules = []rule{
	{route: "GET /api/v1/secure-mail", right: access.ViewEmployees, want: 200},
	{route: "PUT /api/v1/employees/:id/secure-mail", right: access.ManageEmployees, id: "employee", body: `{"carrier":"local"}`, want: 204, verbs: "secure_mail.set"},
	{route: "GET /api/v1/me/secure-mail", right: loggedIn, want: 200},
	{route: "PUT /api/v1/me/secure-mail", right: loggedIn, body: `{"carrier":"none"}`, want: 204, verbs: "secure_mail.set"},
	{route: "GET /api/v1/me/archive", right: loggedIn, want: 200},
	{route: "POST /api/v1/me/archive", right: loggedIn, body: `{"label":"NemID","content":"` + base64.StdEncoding.EncodeToString(archived) + `"}`, want: 201, verbs: "archive_file.add"},
	{route: "GET /api/v1/me/archive/:id", right: loggedIn, id: "archived", want: 200},
	{route: "DELETE /api/v1/me/archive/:id", right: loggedIn, id: "archived", want: 204, verbs: "archive_file.delete"},
}

func secureMailFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	f, err := r.SecureMail.Keep(t.Context(), access.Actor{OrgID: c.ID, ID: "employee:" + string(c.Admin.ID), Employee: c.Admin.ID}, "NemID", archived)
	if err != nil {
		t.Fatal(err)
	}
	c.ids["archived"] = f.ID
}

func TestArchiveOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	holder := s.employee(t)
	var f web.ArchiveFile
	holder.Must(t, http.StatusCreated, http.MethodPost, "/api/v1/me/archive", map[string]any{"label": "NemID 2019", "content": archived}, &f)
	var content web.ArchiveContent
	holder.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me/archive/"+f.ID, nil, &content)
	if !bytes.Equal(content.Content, archived) {
		t.Errorf("the content came back as %x", content.Content)
	}
	plain := holder.Do(t, http.MethodPost, "/api/v1/me/archive", map[string]any{"label": "NemID 2019", "content": []byte("a key file as it is")})
	refused(t, "a plain file", plain, http.StatusUnprocessableEntity, "securemail.archive.open")
	holder.Must(t, http.StatusNoContent, http.MethodDelete, "/api/v1/me/archive/"+f.ID, nil, nil)
	var all web.Archive
	holder.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me/archive", nil, &all)
	if len(all.Items) != 0 || all.MaxFiles != 20 {
		t.Errorf("the archive after deleting = %+v", all)
	}
}
