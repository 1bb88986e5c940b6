package approval_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const ua = access.UserAdministrator

// pair is an organisation with two organisation administrators and an employee,
// which demands four eyes for role changes.
type pair struct {
	*testkit.Domain
	company     testkit.Company
	asta, ida   access.Actor
	bo, idaSelf org.Employee
}

func newPair(t *testing.T, db *bun.DB) *pair {
	t.Helper()
	p := &pair{Domain: testkit.NewDomain(t, db)}
	p.company = p.Company(t, "12345678")
	p.asta = p.company.Actor
	p.bo, p.idaSelf = p.Employee(t, p.company.Organisation, "R1", "Bo Berg"), p.Employee(t, p.company.Organisation, "R2", "Ida Iversen")
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return p.Org.Assign(ctx, tx, p.idaSelf, access.OrganisationAdministrator)
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.ida, err = org.ActorOf(t.Context(), db, p.idaSelf, "192.0.2.2"); err != nil {
		t.Fatal(err)
	}
	if w, err := p.Approval.Choose(t.Context(), p.asta, []string{org.RolesAct.Name}); w != nil || err != nil {
		t.Fatalf("Choose = %v, %v", w, err)
	}
	return p
}

// ask asks to make Bo user administrator.
func (p *pair) ask(t *testing.T) *approval.Request {
	t.Helper()
	w, err := p.Org.ChangeRoles(t.Context(), p.asta, p.bo.ID, []access.Role{ua}, nil)
	if err != nil || w == nil {
		t.Fatalf("ChangeRoles = %v, %v, want a request", w, err)
	}
	return w
}

func (p *pair) roles(t *testing.T, e org.Employee) int {
	t.Helper()
	roles, err := org.RolesOf(t.Context(), p.DB, e.OrgID, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return len(roles)
}

func (p *pair) state(t *testing.T, id string) approval.Request {
	t.Helper()
	r, err := approval.ByID(t.Context(), p.DB, p.company.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verbs are the audit entries of a request.
func (p *pair) verbs(t *testing.T, id string) (all []string) {
	t.Helper()
	entries, err := audit.Of(t.Context(), p.DB, p.company.ID, "approval:"+id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Verb)
	}
	return all
}

func (p *pair) subjects(t *testing.T, address string) (all []string) {
	t.Helper()
	p.Drain(t)
	mails, _, err := p.Mailbox.Mails("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if strings.Contains(m.To, "<"+address+">") {
			all = append(all, m.Subject)
		}
	}
	return all
}

func TestApprove(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		w := p.ask(t)
		if w.State != approval.Pending || w.Object != "employee:"+string(p.bo.ID) || !strings.Contains(w.Details, "user-administrator") ||
			!w.ExpiresAt.Equal(w.AskedAt.Add(14*24*time.Hour)) || p.roles(t, p.bo) != 0 {
			t.Errorf("request = %+v; Bo has %d roles", w, p.roles(t, p.bo))
		}
		if got := p.subjects(t, p.idaSelf.Email); !slices.Equal(got, []string{"En handling venter på din godkendelse"}) {
			t.Errorf("mails to the second person = %q", got)
		}
		if n, err := p.Approval.Waiting(t.Context(), p.ida); n != 1 || err != nil {
			t.Errorf("Waiting for the second = %d, %v", n, err)
		}
		if n, err := p.Approval.Waiting(t.Context(), p.asta); n != 0 || err != nil {
			t.Errorf("Waiting for who asked = %d, %v", n, err)
		}
		done, err := p.Approval.Approve(t.Context(), p.ida, w.ID)
		if err != nil || done.State != approval.Approved || done.Decider != p.ida.ID || p.roles(t, p.bo) != 1 {
			t.Errorf("Approve = %+v, %v; Bo has %d roles", done, err, p.roles(t, p.bo))
		}
		if _, err := p.Approval.Approve(t.Context(), p.ida, w.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Approve again = %v, want a conflict", err)
		}
		if got := p.verbs(t, w.ID); !slices.Equal(got, []string{"approval.ask", "approval.approve"}) {
			t.Errorf("audit entries = %q", got)
		}
		entries, err := audit.Of(t.Context(), db, p.company.ID, "employee:"+string(p.bo.ID))
		if err != nil || len(entries) != 1 || entries[0].Actor != p.ida.ID {
			t.Errorf("the act's own entry = %+v, %v", entries, err)
		}
		if got := p.subjects(t, p.company.Admin.Email); got[0] != "Godkendt: ændre en medarbejders administratorroller" {
			t.Errorf("mails to who asked = %q", got)
		}
		history, next, err := p.Approval.Requests(t.Context(), p.asta, false, "")
		if err != nil || next != "" || len(history) != 1 || history[0].State != approval.Approved {
			t.Errorf("history = %+v, %v", history, err)
		}
		if open, _, err := p.Approval.Requests(t.Context(), p.asta, true, ""); err != nil || len(open) != 0 {
			t.Errorf("queue = %+v, %v", open, err)
		}
	})
}

func TestWhoMayNotDecide(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		other := p.Company(t, "87654321")
		w := p.ask(t)
		plain, err := org.ActorOf(t.Context(), db, p.bo, "")
		if err != nil {
			t.Fatal(err)
		}
		token := access.Actor{OrgID: p.company.ID, ID: "token:1", Roles: access.Roles}
		for name, tc := range map[string]struct {
			by   access.Actor
			want string
		}{
			"who asked":                        {p.asta, "approval.decide.own"},
			"without the right":                {plain, "access.right.missing"},
			"a program":                        {token, "approval.decide.program"},
			"a command":                        {access.Command(p.company.ID), "approval.decide.program"},
			"another organisation's":           {other.Actor, "approval.request.absent"},
			"another organisation's, forged":   {access.Actor{OrgID: other.ID, ID: p.ida.ID, Employee: p.ida.Employee, Roles: p.ida.Roles}, "approval.request.absent"},
			"who asked, as another of the two": {access.Actor{OrgID: p.company.ID, ID: p.asta.ID, Employee: p.asta.Employee, Roles: access.Roles}, "approval.decide.own"},
		} {
			if _, err := p.Approval.Approve(t.Context(), tc.by, w.ID); fault.CodeOf(err) != tc.want {
				t.Errorf("%s: Approve = %v, want %s", name, err, tc.want)
			}
			if _, err := p.Approval.Reject(t.Context(), tc.by, w.ID, "det er ikke nødvendigt"); fault.CodeOf(err) != tc.want {
				t.Errorf("%s: Reject = %v, want %s", name, err, tc.want)
			}
		}
		if err := p.Approval.Withdraw(t.Context(), p.ida, w.ID); fault.CodeOf(err) != "approval.withdraw.other" {
			t.Errorf("Withdraw by another = %v", err)
		}
		if r := p.state(t, w.ID); r.State != approval.Pending || p.roles(t, p.bo) != 0 || len(p.verbs(t, w.ID)) != 1 {
			t.Errorf("what was refused left %+v", r)
		}
	})
}

func TestRejectAndWithdraw(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		w := p.ask(t)
		if _, err := p.Org.ChangeRoles(t.Context(), p.ida, p.bo.ID, []access.Role{ua}, nil); fault.CodeOf(err) != "approval.request.waits" {
			t.Errorf("the same asked again = %v", err)
		}
		if _, err := p.Approval.Reject(t.Context(), p.ida, w.ID, "nej"); fault.CodeOf(err) != "approval.reason.length" {
			t.Errorf("Reject without a reason = %v", err)
		}
		done, err := p.Approval.Reject(t.Context(), p.ida, w.ID, "Bo er her kun i sommer.")
		if err != nil || done.State != approval.Rejected || done.Reason != "Bo er her kun i sommer." {
			t.Errorf("Reject = %+v, %v", done, err)
		}
		second := p.ask(t)
		if err := p.Approval.Withdraw(t.Context(), p.asta, second.ID); err != nil {
			t.Errorf("Withdraw = %v", err)
		}
		if _, err := p.Approval.Approve(t.Context(), p.ida, second.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Approve what was withdrawn = %v, want a conflict", err)
		}
		if p.roles(t, p.bo) != 0 {
			t.Error("Bo got the role")
		}
		if got := p.subjects(t, p.company.Admin.Email); !strings.HasPrefix(got[0], "Afvist: ") {
			t.Errorf("mails to who asked = %q", got)
		}
		if got := p.verbs(t, second.ID); !slices.Equal(got, []string{"approval.ask", "approval.withdraw"}) {
			t.Errorf("audit entries = %q", got)
		}
	})
}

func TestExpire(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		w := p.ask(t)
		p.Clock.Move(approval.Lifetime)
		if _, err := p.Approval.Approve(t.Context(), p.ida, w.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Approve at the last instant = %v, want a conflict", err)
		}
		if history, _, err := p.Approval.Requests(t.Context(), p.ida, false, ""); err != nil || len(history) != 1 || history[0].State != approval.Expired {
			t.Errorf("history before the sweep = %+v, %v", history, err)
		}
		for range 2 {
			if err := p.Approval.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if r := p.state(t, w.ID); r.State != approval.Expired {
			t.Errorf("state = %s", r.State)
		}
		if got := p.verbs(t, w.ID); !slices.Equal(got, []string{"approval.ask", "approval.expire"}) {
			t.Errorf("audit entries = %q", got)
		}
		if got := p.subjects(t, p.company.Admin.Email); !strings.HasPrefix(got[0], "Bortfaldet: ") {
			t.Errorf("mails to who asked = %q", got)
		}
		p.ask(t) // may be asked again
	})
}

// What has changed meanwhile ends the request as failed, and nothing is done.
func TestWhatCanNoLongerBeDoneFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code string
		meanwhile  func(t *testing.T, p *pair)
	}{
		{"the employee is suspended", "org.role.inactive", func(t *testing.T, p *pair) { suspend(t, p, p.bo.ID) }},
		{"who asked is suspended", "approval.asker.gone", func(t *testing.T, p *pair) { suspend(t, p, p.company.Admin.ID) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				p := newPair(t, db)
				w := p.ask(t)
				tc.meanwhile(t, p)
				if _, err := p.Approval.Approve(t.Context(), p.ida, w.ID); fault.CodeOf(err) != "approval.request.failed" || fault.KindOf(err) != fault.Conflict {
					t.Errorf("Approve = %v, want failed", err)
				}
				r := p.state(t, w.ID)
				if r.State != approval.Failed || r.Code != tc.code || r.Reason == "" || p.roles(t, p.bo) != 0 {
					t.Errorf("request = %+v; Bo has %d roles", r, p.roles(t, p.bo))
				}
				if got := p.verbs(t, w.ID); !slices.Equal(got, []string{"approval.ask", "approval.fail"}) {
					t.Errorf("audit entries = %q", got)
				}
			})
		})
	}
}

func suspend(t *testing.T, p *pair, id access.EmployeeID) {
	t.Helper()
	if _, err := p.DB.NewUpdate().Model((*org.Employee)(nil)).Set("state = ?", org.Suspended).Where("id = ?", id).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestApproveAtTheSameInstant(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		w := p.ask(t)
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = p.Approval.Approve(context.WithoutCancel(t.Context()), p.ida, w.ID) })
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			switch fault.CodeOf(err) {
			case "":
				done++
			case "approval.request.state":
			default:
				t.Errorf("Approve = %v", err)
			}
		}
		if r := p.state(t, w.ID); done != 1 || r.State != approval.Approved || len(p.verbs(t, w.ID)) != 2 {
			t.Errorf("%d approvals, request %+v", done, r)
		}
	})
}

func TestOneAlone(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		alone := p.Company(t, "87654321")
		if _, err := p.Approval.Choose(t.Context(), alone.Actor, []string{org.RolesAct.Name}); fault.CodeOf(err) != "approval.act.alone" {
			t.Errorf("Choose by one alone = %v", err)
		}
		suspend(t, p, p.idaSelf.ID)
		if _, err := p.Org.ChangeRoles(t.Context(), p.asta, p.bo.ID, []access.Role{ua}, nil); fault.CodeOf(err) != "approval.holders.none" {
			t.Errorf("ChangeRoles by one alone = %v", err)
		}
		// The way out: a second organisation administrator.
		w, err := p.Org.ChangeRoles(t.Context(), p.asta, p.bo.ID, []access.Role{access.OrganisationAdministrator}, nil)
		if w != nil || err != nil || p.roles(t, p.bo) != 1 {
			t.Errorf("appoint another = %v, %v; Bo has %d roles", w, err, p.roles(t, p.bo))
		}
	})
}

func TestChoose(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPair(t, db)
		chosen := func() string {
			s, err := setting.Of(t.Context(), db, p.company.ID)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(s.FourEyes, " ")
		}
		for _, bad := range []string{"no.such", approval.FourEyes.Name} {
			if _, err := p.Approval.Choose(t.Context(), p.asta, []string{bad}); fault.CodeOf(err) != "approval.act.unchosen" {
				t.Errorf("Choose %s = %v", bad, err)
			}
		}
		if _, err := p.Setting.Change(t.Context(), p.asta, 1, func(s *setting.Settings) { s.FourEyes, s.RetentionDays = nil, 100 }); err != nil || chosen() != org.RolesAct.Name {
			t.Errorf("the settings' own way = %v, left %q", err, chosen())
		}
		w, err := p.Approval.Choose(t.Context(), p.asta, nil)
		if err != nil || w == nil || chosen() != org.RolesAct.Name {
			t.Fatalf("Choose none = %v, %v; chosen %q", w, err, chosen())
		}
		if _, err := p.Approval.Approve(t.Context(), p.asta, w.ID); fault.CodeOf(err) != "approval.decide.own" {
			t.Errorf("one person switches it off: %v", err)
		}
		if _, err := p.Approval.Approve(t.Context(), p.ida, w.ID); err != nil || chosen() != "" {
			t.Errorf("Approve = %v; chosen %q", err, chosen())
		}
		if w, err := p.Org.ChangeRoles(t.Context(), p.asta, p.bo.ID, []access.Role{ua}, nil); w != nil || err != nil {
			t.Errorf("ChangeRoles with two eyes = %v, %v", w, err)
		}
	})
}

func TestEveryActHasItsLine(t *testing.T) {
	t.Parallel()
	lines := map[string]bool{}
	d := testkit.NewDomain(t, testkit.SQLite(t))
	for _, r := range app.Acts(app.ActServices{Approval: d.Approval, Org: d.Org, Federation: d.Federation}) {
		lines[r.Act] = true
	}
	for _, act := range approval.Catalogue() {
		if !lines[act.Name] {
			t.Errorf("nothing in app.Acts does %s", act.Name)
		}
		if act.Danish == "" || act.English == "" || !slices.Contains(access.Rights(access.Roles...), act.Right) {
			t.Errorf("the act %s is not described: %+v", act.Name, act)
		}
		delete(lines, act.Name)
	}
	for act := range lines {
		t.Errorf("app.Acts does %s, which nobody declares", act)
	}
}
