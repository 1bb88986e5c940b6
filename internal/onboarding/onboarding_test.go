package onboarding_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/testkit"
)

// Companies of the register that the program brings along.
const (
	oneSigns   = "10101010" // Karla Havblik, director, alone
	twoSign    = "20202020" // Ditte Ørum and Mogens Æbelø of the board
	unclear    = "40404040"
	closedDown = "50505050"
	unknown    = "12345678"
)

var operator = access.Actor{ID: "operator:1", Name: "Olga", Operator: true}

var (
	pdf = []byte("%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n")
	png = append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), []byte("xxxxIEND\xaeB`\x82")...)
)

// domain is the wired domain, with what these tests read in mails.
type domain struct{ *testkit.Domain }

func newDomain(t *testing.T, db *bun.DB) domain {
	t.Helper()
	return domain{testkit.NewDomain(t, db)}
}

var anyLink = regexp.MustCompile(`/(?:connect/application|recover/case|activate)#([A-Za-z0-9_-]{43})`)

// link is the token in the newest mail to an address, "" when it has none.
func (d domain) link(t *testing.T, address string) string {
	t.Helper()
	d.Drain(t)
	mails, _, err := d.Mailbox.Mails("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if found := anyLink.FindStringSubmatch(m.Body); found != nil && strings.Contains(m.To, "<"+address+">") {
			return found[1]
		}
	}
	return ""
}

// mails counts the mails to an address; it returns the body of the newest, too.
func (d domain) mails(t *testing.T, address string) (n int, body string) {
	t.Helper()
	d.Drain(t)
	mails, _, err := d.Mailbox.Mails("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if strings.Contains(m.To, "<"+address+">") {
			if n++; n == 1 {
				body = m.Subject + "\n" + m.Body
			}
		}
	}
	return n, body
}

func (d domain) start(t *testing.T, role onboarding.Role, name, email string) (token string) {
	t.Helper()
	if err := d.Onboarding.Start(t.Context(), role, name, email, "da", "192.0.2.1"); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return d.link(t, email)
}

func at(t *testing.T, what string, v onboarding.View, err error, want onboarding.Step) onboarding.View {
	t.Helper()
	if err != nil || v.Step != want {
		t.Fatalf("%s: step %s, %v, want %s", what, v.Step, err, want)
	}
	return v
}

var admin = onboarding.People{AdminGiven: "Ask", AdminSurname: "Lind", AdminEmail: "ask@havblik.example"}

// sign signs with the terms in force.
func (d domain) sign(t *testing.T, token string) (onboarding.View, error) {
	t.Helper()
	terms, _, err := d.Onboarding.Terms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.Onboarding.Sign(t.Context(), token, terms.Version, terms.Hash, "192.0.2.1")
}

// waiting is an application of one signer that waits for a decision.
func (d domain) waiting(t *testing.T) (token string, v onboarding.View) {
	t.Helper()
	token = d.start(t, onboarding.Representative, "Karla Havblik", "karla@havblik.example")
	v, err := d.Onboarding.SetCompany(t.Context(), token, oneSigns, "", "")
	at(t, "company", v, err, onboarding.StepPeople)
	v, err = d.Onboarding.SetPeople(t.Context(), token, admin, "")
	at(t, "people", v, err, onboarding.StepSignatures)
	v, err = d.sign(t, token)
	return token, at(t, "signature", v, err, onboarding.StepDecision)
}

func verbs(t *testing.T, db *bun.DB, o access.OrgID, object string) string {
	t.Helper()
	entries, err := audit.Of(t.Context(), db, o, object)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Verb)
	}
	return strings.Join(all, " ")
}

const because = "Set på video med pas i hånden."

func TestARepresentativeAlone(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		token, v := d.waiting(t)
		if !v.Verified || !v.Found || !v.TestNumber || v.You.TermsVersion != 1 || len(v.You.TermsHash) != 64 || v.You.SignedAt == nil {
			t.Errorf("application = %+v", v)
		}
		queue, _, err := d.Onboarding.Queue(t.Context(), operator, onboarding.StepDecision, "")
		if err != nil || len(queue) != 1 {
			t.Fatalf("Queue = %d, %v", len(queue), err)
		}
		if err := d.Onboarding.Accept(t.Context(), operator, v.ID, "video", because); err != nil {
			t.Fatalf("Accept: %v", err)
		}
		v, err = d.Onboarding.Look(t.Context(), token)
		at(t, "after the decision", v, err, onboarding.StepApproved)
		o, err := d.Org.ByCVR(t.Context(), oneSigns)
		if err != nil || o.ID != v.OrganisationID {
			t.Fatalf("the organisation = %+v, %v", o, err)
		}
		if n, body := d.mails(t, "karla@havblik.example"); n != 2 || !strings.Contains(body, "er tilsluttet Adgang") {
			t.Errorf("the representative has %d mails, the newest\n%s", n, body)
		}
		// The administrator activates with the link and the code that the representative hands over.
		code, err := d.Onboarding.Code(t.Context(), token, "")
		if err != nil {
			t.Fatalf("Code: %v", err)
		}
		link := d.link(t, admin.AdminEmail)
		pending, err := d.Credential.LookUp(t.Context(), link)
		if err != nil || !pending.ExpiresAt.Equal(d.Clock.Now().AddDate(0, 0, 60)) {
			t.Errorf("the set-up link ends %s, %v, want in 60 days", pending.ExpiresAt, err)
		}
		d.Activate(t, credentialOf(link, code))
		if got := verbs(t, db, "", "application:"+v.ID); got != "application.start application.company application.people application.sign application.accept" {
			t.Errorf("audit of the application = %s", got)
		}
		if got := verbs(t, db, o.ID, "organisation:"+string(o.ID)); got != "organisation.create" {
			t.Errorf("audit of the organisation = %s", got)
		}
		entries, _ := audit.Of(t.Context(), db, o.ID, "organisation:"+string(o.ID))
		if entries[0].Actor != operator.ID {
			t.Errorf("the organisation was made by %s", entries[0].Actor)
		}
		if _, err := d.Onboarding.Code(t.Context(), token, ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("the code after its use = %v", err)
		}
	})
}

func TestAReporterPreparesAndTwoSign(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		s, ctx := d.Onboarding, t.Context()
		reporter := d.start(t, onboarding.Reporter, "Rita Revisor", "rita@revision.example")
		v, err := s.SetCompany(ctx, reporter, twoSign, "", "")
		v = at(t, "company", v, err, onboarding.StepPeople)
		if v.Signers != 2 || v.Company().Signing.Number != 2 {
			t.Errorf("signers = %d, want the register's two", v.Signers)
		}
		people := admin
		people.Representative = onboarding.Person{Name: "Ditte Ørum", Email: "ditte@toner.example"}
		if _, err := s.SetPeople(ctx, reporter, people, ""); fault.CodeOf(err) != "onboarding.people.too_few" {
			t.Errorf("one signer = %v", err)
		}
		people.Signatories = []onboarding.Person{{Name: "Mogens Æbelø", Email: "rita@revision.example"}}
		if _, err := s.SetPeople(ctx, reporter, people, ""); fault.CodeOf(err) != "onboarding.people.same_email" {
			t.Errorf("the reporter as signatory = %v", err)
		}
		people.Signatories[0].Email = "mogens@toner.example"
		v, err = s.SetPeople(ctx, reporter, people, "")
		at(t, "people", v, err, onboarding.StepApproval)
		if _, err := s.Approve(ctx, reporter, ""); fault.KindOf(err) != fault.Denied {
			t.Errorf("the reporter approves = %v", err)
		}
		if n, _ := d.mails(t, "mogens@toner.example"); n != 0 {
			t.Errorf("the signatory has %d mails before the approval", n)
		}
		representative := d.link(t, "ditte@toner.example")
		v, err = s.Approve(ctx, representative, "")
		at(t, "approval", v, err, onboarding.StepSignatures)
		signatory := d.link(t, "mogens@toner.example")
		for name, try := range map[string]func() error{
			"the reporter signs":            func() error { _, err := d.sign(t, reporter); return err },
			"the signatory withdraws":       func() error { _, err := s.Withdraw(ctx, signatory, ""); return err },
			"the signatory edits":           func() error { _, err := s.SetPeople(ctx, signatory, people, ""); return err },
			"the signatory reads the code":  func() error { _, err := s.Code(ctx, signatory, ""); return err },
			"the signatory uploads":         func() error { _, err := s.Upload(ctx, signatory, "a.pdf", pdf, ""); return err },
			"a tenant's administrator acts": func() error { return s.Accept(ctx, access.System("org"), v.ID, "video", because) },
		} {
			if err := try(); fault.KindOf(err) != fault.Denied {
				t.Errorf("%s = %v, want Denied", name, err)
			}
		}
		if _, err := s.Sign(ctx, representative, 1, "another text", ""); fault.CodeOf(err) != "onboarding.terms.changed" {
			t.Errorf("signing another text = %v", err)
		}
		v, err = d.sign(t, representative)
		at(t, "first signature", v, err, onboarding.StepSignatures)
		if _, err := d.sign(t, representative); fault.KindOf(err) != fault.Conflict {
			t.Errorf("signing twice = %v", err)
		}
		if _, err := s.SetCompany(ctx, reporter, oneSigns, "", ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a change after a signature = %v", err)
		}
		v, err = d.sign(t, signatory)
		if v = at(t, "second signature", v, err, onboarding.StepDecision); !v.Verified {
			t.Error("two of the board were not verified")
		}
	})
}

func TestDocumentsWhenTheRegisterCannotTell(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		s, ctx := d.Onboarding, t.Context()
		token := d.start(t, onboarding.Representative, "Lone Gavl", "lone@gavl.example")
		v, err := s.SetCompany(ctx, token, unclear, "", "")
		at(t, "company", v, err, onboarding.StepPeople)
		v, err = s.SetPeople(ctx, token, admin, "")
		at(t, "people", v, err, onboarding.StepSignatures)
		v, err = d.sign(t, token)
		at(t, "signature", v, err, onboarding.StepDocuments)
		if _, err := s.Submit(ctx, token, ""); fault.CodeOf(err) != "onboarding.document.none" {
			t.Errorf("Submit without documents = %v", err)
		}
		for name, content := range map[string][]byte{
			"page.pdf": []byte("<html>%PDF"), "half.pdf": []byte("%PDF-1.7 torn"), "a.png": []byte("\x89PNG\r\n\x1a\n"), "a.exe": []byte("MZ"), "empty.pdf": nil,
			"big.pdf": append(slices.Clone(pdf), make([]byte, 10<<20)...),
		} {
			if _, err := s.Upload(ctx, token, name, content, ""); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Upload of %s = %v, want Invalid", name, err)
			}
		}
		if _, err := s.Upload(ctx, token, `C:\temp\..\"referat".pdf`, png, ""); err != nil {
			t.Fatalf("Upload: %v", err)
		}
		v, err = s.Upload(ctx, token, "referat.pdf", pdf, "")
		v = at(t, "upload", v, err, onboarding.StepDocuments)
		if len(v.Documents) != 2 || v.Documents[0].MediaType != "image/png" || strings.ContainsAny(v.Documents[0].Name, `"\/`) {
			t.Errorf("documents = %+v", v.Documents)
		}
		for table, rows := range testkit.Contents(t, db) {
			if strings.Contains(strings.Join(rows, "\n"), "%PDF-1.7") {
				t.Errorf("the document stands in clear in %s", table)
			}
		}
		if v, err = s.Discard(ctx, token, v.Documents[0].ID, ""); err != nil || len(v.Documents) != 1 {
			t.Errorf("Discard = %d documents, %v", len(v.Documents), err)
		}
		v, err = s.Submit(ctx, token, "")
		at(t, "submit", v, err, onboarding.StepDecision)
		one, content, err := s.Document(ctx, operator, v.ID, v.Documents[0].ID)
		if err != nil || string(content) != string(pdf) || one.MediaType != "application/pdf" {
			t.Errorf("Document = %s, %d bytes, %v", one.MediaType, len(content), err)
		}
		if _, _, err := s.Document(ctx, access.System("org"), v.ID, v.Documents[0].ID); fault.KindOf(err) != fault.Denied {
			t.Errorf("Document for a tenant = %v", err)
		}
		if err := s.Reject(ctx, operator, v.ID, "Referatet nævner ikke den, der har skrevet under."); err != nil {
			t.Fatal(err)
		}
		if _, body := d.mails(t, "lone@gavl.example"); !strings.Contains(body, "er afvist") || !strings.Contains(body, "Referatet nævner ikke den") {
			t.Errorf("the rejection says\n%s", body)
		}
		again, err := s.Again(ctx, token, "")
		if err != nil {
			t.Fatalf("Again: %v", err)
		}
		fresh, err := s.Look(ctx, again)
		fresh = at(t, "the new application", fresh, err, onboarding.StepPeople)
		if fresh.ID == v.ID || fresh.CVR != unclear || fresh.AdminEmail != admin.AdminEmail || fresh.You.SignedAt != nil || len(fresh.Documents) != 0 {
			t.Errorf("the new application = %+v", fresh)
		}
		d.Clock.Move(30*24*time.Hour + time.Minute)
		if err := s.Sweep(ctx); err != nil {
			t.Fatalf("Sweep: %v", err)
		}
		if _, _, err := s.Document(ctx, operator, v.ID, v.Documents[0].ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("the document 30 days after the decision = %v", err)
		}
	})
}

func TestCompany(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		token := d.start(t, onboarding.Representative, "Bo Berg", "bo@berg.example")
		for _, tc := range []struct{ number, name, want string }{
			{"1234", "", "org.cvr.form"},
			{closedDown, "", "onboarding.company.closed"},
			{unknown, "", "onboarding.company.unknown"},
			{unknown, strings.Repeat("æ", 101), "onboarding.name.length"},
			{unknown, "Bergs Stenhuggeri", ""},
		} {
			v, err := d.Onboarding.SetCompany(t.Context(), token, tc.number, tc.name, "")
			if fault.CodeOf(err) != tc.want || tc.want == "" && (v.Found || v.Name != tc.name || v.Step != onboarding.StepPeople) {
				t.Errorf("SetCompany(%s, %q) = %+v, %v, want %q", tc.number, tc.name, v.Application, err, tc.want)
			}
		}
		d.Org.TestData = false
		if _, err := d.Onboarding.SetCompany(t.Context(), token, oneSigns, "", ""); fault.CodeOf(err) != "org.cvr.modulus" {
			t.Errorf("a test number in a strict installation = %v", err)
		}
	})
}

func TestNobodyLearnsWhoApplies(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		for range 7 {
			if err := d.Onboarding.Start(t.Context(), onboarding.Reporter, "A", "a@example.dk", "en", ""); err != nil {
				t.Fatal(err)
			}
		}
		if n, body := d.mails(t, "a@example.dk"); n != 5 || !strings.Contains(body, "Your application") {
			t.Errorf("%d mails to one address in an hour, want 5", n)
		}
		if err := d.Onboarding.Resend(t.Context(), "nobody@example.dk"); err != nil {
			t.Errorf("Resend to a stranger = %v", err)
		}
		old := d.link(t, "a@example.dk")
		d.Clock.Move(time.Hour)
		if err := d.Onboarding.Resend(t.Context(), "A@example.dk"); err != nil {
			t.Fatal(err)
		}
		if n, _ := d.mails(t, "a@example.dk"); n != 8 {
			t.Errorf("%d mails after Resend, want three links more", n)
		}
		if _, err := d.Onboarding.Look(t.Context(), old); fault.KindOf(err) != fault.Absent {
			t.Errorf("the old link = %v", err)
		}
		fresh := d.link(t, "a@example.dk")
		if _, err := d.Onboarding.Look(t.Context(), fresh); err != nil {
			t.Errorf("the new link = %v", err)
		}
		for table, rows := range testkit.Contents(t, db) {
			if strings.Contains(strings.Join(rows, "\n"), fresh) {
				t.Errorf("a link's token is in %s", table)
			}
		}
		d.Clock.Move(30 * 24 * time.Hour)
		if _, err := d.Onboarding.Look(t.Context(), fresh); fault.CodeOf(err) != "onboarding.link.unknown" {
			t.Errorf("the link after 30 days = %v", err)
		}
		for _, bad := range [][3]string{{"owner", "A", "a@x.dk"}, {"signatory", "A", "a@x.dk"}, {"reporter", "", "a@x.dk"}, {"reporter", "A", "a@x"}, {"reporter", "A", "A <a@x.dk>"}} {
			if err := d.Onboarding.Start(t.Context(), onboarding.Role(bad[0]), bad[1], bad[2], "", ""); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Start(%q) = %v, want Invalid", bad, err)
			}
		}
		d.Clock.Move(61 * 24 * time.Hour)
		if err := d.Onboarding.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := len(testkit.Contents(t, db)["application"]); left != 0 {
			t.Errorf("%d applications are left that nobody went on with", left)
		}
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		_, v := d.waiting(t)
		for _, tc := range []struct{ check, reason, want string }{
			{"", because, "onboarding.identity.unknown"},
			{"by telepathy", because, "onboarding.identity.unknown"},
			{"known", "ok", "onboarding.reason.length"},
		} {
			if err := d.Onboarding.Accept(t.Context(), operator, v.ID, tc.check, tc.reason); fault.CodeOf(err) != tc.want {
				t.Errorf("Accept(%q, %q) = %v, want %s", tc.check, tc.reason, err, tc.want)
			}
		}
		d.Company(t, oneSigns)
		if _, connected, err := d.Onboarding.Case(t.Context(), operator, v.ID); err != nil || !connected {
			t.Errorf("Case = connected %t, %v", connected, err)
		}
		before := testkit.Contents(t, db)
		if err := d.Onboarding.Accept(t.Context(), operator, v.ID, "known", because); fault.CodeOf(err) != "org.cvr.taken" {
			t.Errorf("Accept of a connected company = %v", err)
		}
		if after := testkit.Contents(t, db); !slices.Equal(before["application"], after["application"]) || !slices.Equal(before["employee"], after["employee"]) {
			t.Error("a refused decision changed something")
		}
		if err := d.Onboarding.Reject(t.Context(), operator, v.ID, "Organisationen er tilsluttet."); err != nil {
			t.Errorf("Reject = %v", err)
		}
		if err := d.Onboarding.Reject(t.Context(), operator, v.ID, "Organisationen er tilsluttet."); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Reject again = %v", err)
		}
		if err := d.Onboarding.Reject(t.Context(), operator, "none", "Organisationen er tilsluttet."); fault.KindOf(err) != fault.Absent {
			t.Errorf("Reject of nothing = %v", err)
		}
	})
}

func TestTermsAreAnnouncedOnceAndApplyLater(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := newDomain(t, db)
		d.Company(t, "34051178")
		text := strings.Repeat("Nye vilkår. ", 20)
		if _, err := d.Onboarding.Publish(t.Context(), access.System("org"), text, text, nil); fault.KindOf(err) != fault.Denied {
			t.Errorf("Publish by a tenant = %v", err)
		}
		past := d.Clock.Now()
		if _, err := d.Onboarding.Publish(t.Context(), operator, text, text, &past); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Publish for now = %v", err)
		}
		if _, err := d.Onboarding.Publish(t.Context(), operator, text, "short", nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Publish of a short text = %v", err)
		}
		made, err := d.Onboarding.Publish(t.Context(), operator, text, text, nil)
		if err != nil || made.Version != 2 || !made.EffectiveAt.Equal(d.Clock.Now().AddDate(0, 3, 0)) {
			t.Fatalf("Publish = %+v, %v", made, err)
		}
		if n, body := d.mails(t, "aase@nordvind.example"); n != 1 || !strings.Contains(body, "version 2") {
			t.Errorf("%d mails to the administrator\n%s", n, body)
		}
		o, _ := d.Org.ByCVR(t.Context(), "34051178")
		if err := d.Onboarding.Tell(t.Context(), onboarding.Notice{Org: o.ID, Version: 2}); err != nil {
			t.Fatal(err)
		}
		if n, _ := d.mails(t, "aase@nordvind.example"); n != 1 {
			t.Errorf("%d mails after the work ran again, want 1", n)
		}
		current, announced, err := d.Onboarding.Terms(t.Context())
		if err != nil || current.Version != 1 || len(announced) != 1 {
			t.Errorf("Terms = %d, %d announced, %v", current.Version, len(announced), err)
		}
		d.Clock.Move(93 * 24 * time.Hour)
		if current, announced, err = d.Onboarding.Terms(t.Context()); err != nil || current.Version != 2 || len(announced) != 0 {
			t.Errorf("Terms after the notice = %d, %d announced, %v", current.Version, len(announced), err)
		}
	})
}

func TestTheRegisterAway(t *testing.T) {
	t.Parallel()
	d := newDomain(t, testkit.SQLite(t))
	token := d.start(t, onboarding.Representative, "Bo Berg", "bo@berg.example")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	d.Onboarding.Register = away(t)
	if _, err := d.Onboarding.SetCompany(ctx, token, oneSigns, "", ""); err == nil {
		t.Error("SetCompany with the caller gone = nil")
	}
	if _, err := d.Onboarding.SetCompany(t.Context(), token, oneSigns, "", ""); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("SetCompany without the register = %v, want Unavailable", err)
	}
	v, err := d.Onboarding.Look(t.Context(), token)
	at(t, "afterwards", v, err, onboarding.StepCompany)
}
