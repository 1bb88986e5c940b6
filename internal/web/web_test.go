package web_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

const cvr, otherCVR = "12345678", "87654321"

// site is the server on a domain with one organisation, without a network and
// without a queue: work is done by Drain.
type site struct {
	*testkit.Domain
	server  *web.Server
	company testkit.Company
	spool   string
}

func newSite(t *testing.T, db *bun.DB, change ...func(*web.Options)) *site {
	t.Helper()
	s := &site{Domain: testkit.NewDomain(t, db), spool: t.TempDir()}
	base, err := url.Parse(testkit.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	o := web.Options{
		Mail: s.Mail, Usage: s.Usage, Dossier: s.Dossier, SecureMail: s.SecureMail,
		Org: s.Org, CA: s.CA, Credential: s.Credential, Enrolment: s.Enrolment, Session: s.Session, Cutover: s.Cutover, Federation: s.Federation, SAMLKeys: s.SAMLKeys, LocalIdP: s.LocalIdP, OpenID: s.OpenID, Conformance: s.Conformance, Setting: s.Setting, Approval: s.Approval, Rights: s.Rights, Review: s.Review, Revocation: s.Revocation, Roster: s.Roster, Inventory: s.Inventory, Reminder: s.Reminder,
		Audit:      s.Audit,
		Onboarding: s.Onboarding, Operator: s.Operator,
		Attorney: s.Attorney,
		Now:      s.Clock.Now, Log: slog.New(slog.DiscardHandler), BaseURL: base, Spool: s.spool, MaxUpload: 1 << 20, TestData: true, Version: "test",
		Frontend: fstest.MapFS{
			"index.html": {Data: []byte("<!doctype html>page")}, "robots.txt": {Data: []byte("robots")},
			"assets/a-1.js": {Data: []byte("script")}, "assets/a-1.js.gz": {Data: []byte("packed")},
		},
		Ready:  func(context.Context) []string { return nil },
		Gauges: func(context.Context) (map[string]float64, error) { return map[string]float64{"work_due": 3}, nil },
	}
	for _, c := range change {
		c(&o)
	}
	s.server = web.New(o)
	s.company = s.Company(t, cvr)
	return s
}

// client is not logged in. What it is answered must be as openapi.yaml says.
func (s *site) client(t *testing.T) *testkit.Client {
	t.Helper()
	return testkit.NewClient(t, s.server.BaseURL.String(), contractual{t, testkit.InProcess{Handler: s.server}})
}

// admin is logged in as the first administrator of a company, who has not
// activated a key file yet.
func (s *site) admin(t *testing.T, c testkit.Company) *testkit.Client {
	t.Helper()
	client := s.client(t)
	client.LogIn(t, client.Activate(t, c.Invitation.Token, c.Invitation.Code), "")
	return client
}

// employee is logged in as a new employee without any role.
func (s *site) employee(t *testing.T) *testkit.Client {
	t.Helper()
	client := s.client(t)
	i := s.Invite(t, s.company.Organisation, s.Employee(t, s.company.Organisation, "PLAIN", "Bo Berg"))
	client.LogIn(t, client.Activate(t, i.Token, i.Code), "")
	return client
}

const header = "RID;Fornavn;Efternavn;E-mail;CPR\n"

// export is a file with n good rows.
func export(n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "R%d;Søren;Ågård %c;r%d@nordvind.example;6101%02d-000%d\n", i, 'A'+i, i, 50+i, i)
	}
	return b.String()
}

// form is a multipart body; a part's name may be followed by a file name.
func form(t *testing.T, parts ...[2]string) (body *bytes.Buffer, kind string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, p := range parts {
		name, file, _ := strings.Cut(p[0], " ")
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"`}}
		if file != "" {
			h.Set("Content-Disposition", `form-data; name="`+name+`"; filename="`+file+`"`)
		}
		part, err := w.CreatePart(h)
		if err == nil {
			_, err = part.Write([]byte(p[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}

func upload(t *testing.T, c *testkit.Client, parts ...[2]string) testkit.Answer {
	t.Helper()
	body, kind := form(t, parts...)
	return c.Do(t, http.MethodPost, "/api/v1/batches", body, "Content-Type", kind)
}

// draft uploads a file and returns the batch.
func draft(t *testing.T, c *testkit.Client, file string) (b web.Batch) {
	t.Helper()
	a := upload(t, c, [2]string{"file export.csv", file})
	if a.Status != http.StatusCreated {
		t.Fatalf("POST /batches = %d %s", a.Status, a.Body)
	}
	a.JSON(t, &b)
	return b
}

// batchIn calls a batch's address and returns what it answers.
func batchIn(t *testing.T, c *testkit.Client, method, path string) (b web.Batch) {
	t.Helper()
	c.Must(t, http.StatusOK, method, "/api/v1/batches/"+path, nil, &b)
	return b
}

// spooled is how many files the folder for uploads holds.
func (s *site) spooled(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(s.spool)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// refused fails the test unless the answer is a problem document of that status
// and code.
func refused(t *testing.T, what string, a testkit.Answer, status int, code string) {
	t.Helper()
	if a.Status != status || a.Code() != code || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s = %d %s %s, want %d %s", what, a.Status, a.Header.Get("Content-Type"), a.Body, status, code)
	}
}
