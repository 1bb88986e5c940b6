package credential_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// office is a company with an employee, and another company.
type office struct {
	*testkit.Domain

	own, other testkit.Company
	bo         org.Employee
}

func open(t *testing.T, db *bun.DB) office {
	t.Helper()
	d := testkit.NewDomain(t, db)
	o := office{Domain: d, own: d.Company(t, "34051178"), other: d.Company(t, "30808460")}
	o.bo = d.Employee(t, o.own.Organisation, "4711", "Bo Holm")
	return o
}

// invite orders Bo's key file.
func (o office) invite(t *testing.T) credential.Invitation {
	t.Helper()
	return o.Invite(t, o.own.Organisation, o.bo)
}

// verbs are the audit entries about an employee, oldest first, with their notes
// where they are codes.
func (o office) verbs(t *testing.T, e org.Employee) []string {
	t.Helper()
	entries, err := audit.Of(t.Context(), o.DB, e.OrgID, "employee:"+string(e.ID))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, one := range entries {
		if strings.Contains(one.Note, ".") {
			one.Verb += " " + one.Note
		}
		all = append(all, one.Verb)
	}
	return all
}

func (o office) wantVerbs(t *testing.T, want ...string) {
	t.Helper()
	if got := o.verbs(t, o.bo); !slices.Equal(got, want) {
		t.Errorf("audit entries = %q, want %q", got, want)
	}
}

func wantCode(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("%s = %v, want kind %d, code %s", what, err, kind, code)
	}
}

func (o office) setState(t *testing.T, state org.State) {
	t.Helper()
	if _, err := o.DB.Exec("UPDATE employee SET state = ? WHERE id = ?", state, o.bo.ID); err != nil {
		t.Fatal(err)
	}
}

func TestOrdersOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		ib := o.Employee(t, o.own.Organisation, "4712", "Ib Lund")
		order := func(mails bool, people ...org.Employee) []credential.Invitation {
			var made []credential.Invitation
			err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) (err error) {
				var orders []credential.Order
				for _, e := range people {
					orders = append(orders, credential.Order{Employee: e})
				}
				made, err = o.Credential.Orders(ctx, tx, access.System(o.own.ID), o.own.Organisation, orders, mails)
				return err
			})
			if err != nil {
				t.Fatalf("Orders: %v", err)
			}
			return made
		}
		first := order(true, o.bo)
		if len(first) != 1 || first[0].Employee != o.bo.ID || len(first[0].Token) != 43 || len(first[0].Code) != 19 ||
			!first[0].ExpiresAt.Equal(o.Clock.Now().AddDate(0, 0, 30)) {
			t.Fatalf("Orders = %+v", first)
		}
		before := testkit.Contents(t, db)
		if second := order(true, o.bo); len(second) != 0 || !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Errorf("Orders again = %d invitations, want none and no change", len(second))
		}
		if both := order(false, o.bo, ib); len(both) != 1 || both[0].Employee != ib.ID {
			t.Errorf("Orders for both = %+v, want Ib's", both)
		}
		all := testkit.Contents(t, db)
		if len(all["message"]) != 1 || len(all["work"]) != 1 {
			t.Errorf("%d messages, %d work; want Bo's only: Ib's order asked for no mail", len(all["message"]), len(all["work"]))
		}
		o.wantVerbs(t, "key_file.order")
		if s := fmt.Sprint(first[0]); strings.Contains(s, first[0].Token) || strings.Contains(s, first[0].Code) {
			t.Error("an invitation prints its secrets")
		}
	})
}

func TestFound(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		if !o.own.Actor.May(access.ManageEmployees) || !o.own.Actor.May(access.ManageServices) || o.own.Admin.RID != nil {
			t.Errorf("administrator = %+v, roles %v", o.own.Admin, o.own.Actor.Roles)
		}
		if all := testkit.Contents(t, db); len(all["message"]) != 0 || len(all["work"]) != 0 {
			t.Error("founding has sent mail")
		}
		before := testkit.Contents(t, db)
		_, _, _, err := o.Credential.Found(t.Context(), credential.Founding{CVR: "34051178", Name: "Igen", GivenName: "A", Surname: "B", Email: "a@b.dk"})
		wantCode(t, "Found again", err, fault.Conflict, "org.cvr.taken")
		if !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Error("the refusal has left something")
		}
		o.Activate(t, o.own.Invitation)
	})
}

func TestReissue(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		first := o.invite(t)
		if err := o.Credential.Reissue(t.Context(), o.own.Actor, o.bo.ID); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		_, err := o.Credential.LookUp(t.Context(), first.Token)
		wantCode(t, "LookUp of the old link", err, fault.Conflict, "credential.activation.replaced")
		token := o.LinkToken(t, o.bo.Email)
		code, err := o.Credential.InstallationCode(t.Context(), o.own.Actor, o.bo.ID)
		if err != nil || token == first.Token || code.Code == first.Code {
			t.Fatalf("InstallationCode = %v, %v, want new secrets", code, err)
		}
		o.Activate(t, credential.Invitation{Token: token, Code: code.Code})
		o.wantVerbs(t, "key_file.order", "activation.reissue", "installation_code.show", "key_file.activate")

		wantCode(t, "Reissue with a key file in use", o.Credential.Reissue(t.Context(), o.own.Actor, o.bo.ID), fault.Conflict, "credential.key_file.active")
		wantCode(t, "Reissue elsewhere", o.Credential.Reissue(t.Context(), o.other.Actor, o.bo.ID), fault.Absent, "org.employee.absent")
		wantCode(t, "Reissue without the right", o.Credential.Reissue(t.Context(), access.Actor{OrgID: o.own.ID}, o.bo.ID), fault.Denied, "access.right.missing")
		ib := o.Employee(t, o.own.Organisation, "4712", "Ib Lund") // never invited
		if err := o.Credential.Reissue(t.Context(), o.own.Actor, ib.ID); err != nil {
			t.Errorf("Reissue without an order = %v", err)
		}
		o.setState(t, org.Suspended)
		wantCode(t, "Reissue of a suspended employee", o.Credential.Reissue(t.Context(), o.own.Actor, o.bo.ID), fault.Conflict, "credential.employee.stopped")
	})
}

// However many reissue at once, one invitation is open and its code the one shown.
func TestReissueTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		o.invite(t)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if err := o.Credential.Reissue(t.Context(), o.own.Actor, o.bo.ID); err != nil && fault.CodeOf(err) != "credential.activation.reissued" {
					t.Errorf("Reissue: %v", err)
				}
			})
		}
		all.Wait()
		var open []credential.Activation
		if err := db.NewSelect().Model(&open).Where("state = 'open'").Where("employee_id = ?", o.bo.ID).Scan(t.Context()); err != nil || len(open) != 1 {
			t.Fatalf("open invitations = %d, %v, want 1", len(open), err)
		}
	})
}

func TestInstallationCode(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		show := func(by access.Actor) (credential.Code, error) {
			return o.Credential.InstallationCode(t.Context(), by, o.bo.ID)
		}
		_, err := show(o.own.Actor)
		wantCode(t, "InstallationCode before the order", err, fault.Conflict, "credential.code.none")
		i := o.invite(t)
		for range 2 {
			code, err := show(o.own.Actor)
			if err != nil || code.Code != i.Code || code.Employee.ID != o.bo.ID || !code.ExpiresAt.Equal(i.ExpiresAt) {
				t.Errorf("InstallationCode = %v, %v, want the order's", code, err)
			}
			if strings.Contains(fmt.Sprint(code), i.Code) {
				t.Error("a code prints itself")
			}
		}
		for _, roles := range [][]access.Role{nil, {access.OrganisationAdministrator}, {access.RightsAdministrator}} {
			_, err := show(access.Actor{OrgID: o.own.ID, ID: "test", Roles: roles})
			wantCode(t, fmt.Sprintf("InstallationCode as %v", roles), err, fault.Denied, "access.right.missing")
		}
		_, err = show(o.other.Actor)
		wantCode(t, "InstallationCode elsewhere", err, fault.Absent, "org.employee.absent")
		o.wantVerbs(t, "key_file.order", "installation_code.show", "installation_code.show")

		o.Clock.Move(30 * 24 * time.Hour)
		_, err = show(o.own.Actor)
		wantCode(t, "InstallationCode after 30 days", err, fault.Conflict, "credential.code.none")
	})
}

func TestPrintCodes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		codes := map[access.EmployeeID]string{}
		var ids []access.EmployeeID
		for i := range 5 {
			e := o.Employee(t, o.own.Organisation, fmt.Sprint("r", i), fmt.Sprint("Bo ", i))
			codes[e.ID] = o.Invite(t, o.own.Organisation, e).Code
			ids = append(ids, e.ID)
		}
		foreign := o.Employee(t, o.other.Organisation, "1", "Ib Lund")
		o.Invite(t, o.other.Organisation, foreign)
		slices.Reverse(ids)
		asked := append([]access.EmployeeID{o.bo.ID, foreign.ID, "unknown"}, ids...) // of the first three, none is there to show
		shown, err := o.Credential.PrintCodes(t.Context(), o.own.Actor, asked)
		if err != nil || len(shown) != len(ids) {
			t.Fatalf("PrintCodes = %d, %v, want %d", len(shown), err, len(ids))
		}
		for i, c := range shown {
			if c.Employee.ID != ids[i] || c.Code != codes[ids[i]] {
				t.Errorf("code %d = %v, want that of %s", i, c, ids[i])
			}
			if got := o.verbs(t, c.Employee); !slices.Equal(got, []string{"key_file.order", "installation_code.print"}) {
				t.Errorf("audit entries = %q, want the showing", got)
			}
		}
		_, err = o.Credential.PrintCodes(t.Context(), o.own.Actor, []access.EmployeeID{o.bo.ID})
		wantCode(t, "PrintCodes of nobody", err, fault.Absent, "credential.letters.none")
		_, err = o.Credential.PrintCodes(t.Context(), o.own.Actor, nil)
		wantCode(t, "PrintCodes of none", err, fault.Absent, "credential.letters.none")
		_, err = o.Credential.PrintCodes(t.Context(), access.Actor{OrgID: o.own.ID}, ids)
		wantCode(t, "PrintCodes without the right", err, fault.Denied, "access.right.missing")
	})
}

func TestDetails(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		want := func(when, keyFile, card, activation, mail string) {
			t.Helper()
			d, err := o.Credential.Details(t.Context(), o.own.Actor, o.bo.ID)
			state := ""
			if d.Activation != nil {
				state = d.Activation.State
			}
			if err != nil || d.KeyFile != keyFile || d.CodeCard != card || state != activation || d.Mail != mail {
				t.Errorf("%s: key file %s, code card %s, activation %q, mail %s, %v; want %s, %s, %q, %s",
					when, d.KeyFile, d.CodeCard, state, d.Mail, err, keyFile, card, activation, mail)
			}
			lines, _, err := o.Credential.Employees(t.Context(), o.own.Actor, org.Filter{Q: "4711"})
			if err != nil || len(lines) != 1 || lines[0].KeyFile != keyFile || lines[0].CodeCard != card {
				t.Errorf("%s: line %+v, %v", when, lines, err)
			}
		}
		want("at first", "none", "none", "", "none")
		o.holdCard(t, nil)
		i := o.invite(t)
		want("ordered", "ordered", "active", "open", "queued")
		o.Drain(t)
		want("mailed", "ordered", "active", "open", "sent")
		o.Clock.Move(31 * 24 * time.Hour)
		want("too late", "ordered", "active", "expired", "sent")
		o.Clock.Move(-31 * 24 * time.Hour)
		o.Activate(t, i)
		want("activated", "active", "active", "used", "sent")
		o.Clock.Move(1095 * 24 * time.Hour)
		want("after three years", "expired", "active", "used", "sent")
		if err := o.Credential.BlockKeyFile(t.Context(), o.own.Actor, o.bo.ID, "key_compromise", "lost"); err != nil {
			t.Fatal(err)
		}
		want("blocked", "blocked", "active", "used", "sent")

		for name, tc := range map[string]struct {
			by   access.Actor
			want fault.Kind
		}{
			"self":      {access.Actor{OrgID: o.own.ID, Employee: o.bo.ID}, 0},
			"colleague": {access.Actor{OrgID: o.own.ID, Employee: o.own.Admin.ID}, fault.Denied},
			"elsewhere": {o.other.Actor, fault.Absent},
		} {
			if _, err := o.Credential.Details(t.Context(), tc.by, o.bo.ID); fault.KindOf(err) != tc.want {
				t.Errorf("Details by %s = %v, want kind %d", name, err, tc.want)
			}
		}
	})
}

// holdCard records a code card for Bo.
func (o office) holdCard(t *testing.T, parallelDays *int64) {
	t.Helper()
	err := store.InTx(t.Context(), o.DB, func(ctx context.Context, tx bun.Tx) error {
		return credential.HoldCodeCards(ctx, tx, []credential.CodeCard{{
			ID: store.NewID(), OrgID: o.own.ID, EmployeeID: o.bo.ID, State: "active", ParallelDays: parallelDays, CreatedAt: o.Clock.Now(),
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
}
