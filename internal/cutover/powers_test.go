package cutover_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const powerHead = "rid;fornavn;efternavn;email;fødselsdato;roller;rettigheder;fuldmagter\n"

func powerFile(rows ...string) *bytes.Reader {
	return bytes.NewReader([]byte(powerHead + strings.Join(rows, "\n") + "\n"))
}

func powerRow(rid, roles, rights, powers string) string {
	return rid + ";Bo" + rid + ";Holm;bo." + rid + "@nordvind.example;24-12-1980;" + roles + ";" + rights + ";" + powers
}

// market is an installation whose other company offers a right to everybody.
type market struct {
	installation

	service    string
	right      entitlement.ID
	rule, sell access.Actor // both with every role
}

func trade(t *testing.T, db *bun.DB) market {
	t.Helper()
	m := market{installation: install(t, db), service: store.NewID()}
	m.rule, m.sell = m.own.Actor, m.other.Actor
	m.rule.Roles, m.sell.Roles = access.Roles, access.Roles
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return entitlement.Introduce(ctx, tx, entitlement.Target{ID: m.service, OwnerID: m.other.ID, OwnerName: m.other.Name, Name: "Toldguiden"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Rights.SetOpen(t.Context(), m.sell, m.service, true); err != nil {
		t.Fatal(err)
	}
	m.publish(t)
	// Work asks what roles who started it has by then.
	if _, err := m.Org.ChangeRoles(t.Context(), m.own.Actor, m.own.Admin.ID, []access.Role{access.RightsAdministrator}, nil); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *market) publish(t *testing.T) {
	t.Helper()
	right, err := m.Rights.Publish(t.Context(), m.sell, m.service, entitlement.Offer{URI: "urn:customs", NameDA: "Angive told"})
	if err != nil {
		t.Fatal(err)
	}
	m.right = right.ID
}

// give gives the migrating company a power of attorney.
func (m market) give(t *testing.T) {
	t.Helper()
	if _, err := m.Attorney.Give(t.Context(), m.sell, attorney.Terms{CVR: m.own.CVR, Rights: []entitlement.ID{m.right}}); err != nil {
		t.Fatal(err)
	}
}

// scopes are what an employee may do in the service, and for whom.
func (m market) scopes(t *testing.T, rid string) (all []string) {
	t.Helper()
	found, _, err := m.Rights.PrivilegesOf(t.Context(), m.DB, m.own.Organisation, m.employee(t, rid).ID, m.service)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		all = append(all, strings.TrimPrefix(one.Scope, "urn:dk:gov:saml:cvrNumberIdentifier:"))
	}
	return all
}

// notGiven is what is left on a batch's rows.
func (m market) notGiven(t *testing.T, id string) (all []string) {
	t.Helper()
	for _, r := range m.rows(t, id) {
		if r.NotGiven != "" || r.NotAttached != "" {
			all = append(all, r.RID+" "+r.NotGiven+"/"+r.NotAttached)
		}
	}
	return all
}

func TestDryRunOfPowers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := trade(t, db)
		rows := []string{powerRow("r1", "", "", "30 80 84 60"), powerRow("r2", "", "", "CVR: 99999999, DK30808460"), powerRow("r3", "", "", "3080846")}
		v, err := m.Cutover.DryRun(t.Context(), m.rule, powerFile(rows...), cutover.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		if got := places(v.Errors); !slices.Equal(got, []string{"4 fuldmagter row.power"}) {
			t.Errorf("errors %q", got)
		}
		if got := places(v.Notices); !slices.Equal(got, []string{"2 powers row.no_power", "3 powers row.no_power", "3 powers row.no_power"}) {
			t.Errorf("notices %q", got)
		}
		asked, err := m.Attorney.Request(t.Context(), m.rule, attorney.Terms{CVR: m.other.CVR, Rights: []entitlement.ID{m.right}, Reason: "Vi fører jeres bøger."})
		if err != nil {
			t.Fatal(err)
		}
		v, err = m.Cutover.DryRun(t.Context(), m.rule, powerFile(rows[0]), cutover.Plan{})
		if got := places(v.Notices); err != nil || !slices.Equal(got, []string{"2 powers row.power_requested"}) {
			t.Errorf("asked for: notices %q, %v", got, err)
		}
		if err := m.Attorney.Approve(t.Context(), m.sell, asked.ID); err != nil {
			t.Fatal(err)
		}
		v, err = m.Cutover.DryRun(t.Context(), m.rule, powerFile(rows[0]), cutover.Plan{})
		if got := places(v.Notices); err != nil || len(got) != 0 {
			t.Errorf("given: notices %q, %v", got, err)
		}
		humble := m.own.Actor
		humble.Roles = []access.Role{access.UserAdministrator}
		v, err = m.Cutover.DryRun(t.Context(), humble, powerFile(rows[0]), cutover.Plan{})
		if got := places(v.Errors); err != nil || !slices.Equal(got, []string{"2 powers row.powers_right"}) {
			t.Errorf("a user administrator: errors %q, %v", got, err)
		}
	})
}

// Powers count from the activation on, as by hand; what is missing is tried again
// alone, and nothing is given twice.
func TestImportAttachesToPowers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := trade(t, db)
		m.give(t)
		v, err := m.Cutover.Create(t.Context(), m.rule, powerFile(powerRow("r1", "", "", "30808460"), powerRow("r2", "", "", "99999999")), cutover.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		humble := m.rule
		humble.Roles = []access.Role{access.UserAdministrator}
		if err := m.Cutover.Start(t.Context(), humble, v.ID, false, nil); fault.KindOf(err) != fault.Denied {
			t.Errorf("who may attach nobody starts it: %v", err)
		}
		if err := m.Cutover.Start(t.Context(), m.rule, v.ID, false, nil); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		if got := m.notGiven(t, v.ID); !slices.Equal(got, []string{"r2 /attorney.power.none"}) {
			t.Errorf("before anybody is activated: %q; r1 waits, r2 has nothing to wait for", got)
		}
		if got := m.scopes(t, "r1"); len(got) != 0 {
			t.Errorf("an invited employee has %q", got)
		}
		m.activate(t, "r1")
		m.activate(t, "r2")
		m.Drain(t)
		if got := m.scopes(t, "r1"); !slices.Equal(got, []string{"30808460"}) {
			t.Errorf("r1 acts for %q", got)
		}
		if got := m.notGiven(t, v.ID); !slices.Equal(got, []string{"r2 /attorney.power.none"}) {
			t.Errorf("left: %q", got)
		}
		for range 2 { // there is no such power yet, and trying changes nothing
			if err := m.Cutover.Retry(t.Context(), m.rule, v.ID, 3); err != nil {
				t.Fatal(err)
			}
			if err := m.Cutover.Retry(t.Context(), m.rule, v.ID); fault.CodeOf(err) != "cutover.batch.nothing_to_retry" {
				t.Errorf("Retry while it is being tried = %v", err)
			}
			m.Drain(t)
		}
		if got := m.notGiven(t, v.ID); !slices.Equal(got, []string{"r2 /attorney.power.none"}) {
			t.Errorf("left after trying: %q", got)
		}
		third := m.Company(t, "99999999")
		whole := third.Actor
		whole.Roles = access.Roles
		if _, err := m.Attorney.Give(t.Context(), whole, attorney.Terms{CVR: m.own.CVR, Rights: []entitlement.ID{m.right}}); err != nil {
			t.Fatal(err)
		}
		if err := m.Cutover.Retry(t.Context(), m.rule, v.ID, 2); fault.CodeOf(err) != "cutover.batch.nothing_to_retry" {
			t.Errorf("Retry of a line that lacks nothing = %v", err)
		}
		if err := m.Cutover.Retry(t.Context(), m.rule, v.ID, 3); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		if got := m.scopes(t, "r2"); !slices.Equal(got, []string{"99999999"}) {
			t.Errorf("r2 acts for %q", got)
		}
		if said := verbs(t, db, m.own.ID); said["attorney.attach"] != 2 || said["batch.retry"] != 3 {
			t.Errorf("entries %v, want two attorney.attach and three batch.retry", said)
		}
		m.want(t, "at the end", v.ID, cutover.Completed, cutover.Counts{Activated: 2})
	})
}

// A right that could not be given is given when it can be, once, and the role that
// stood beside it is not given anew.
func TestRetryGivesOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := trade(t, db)
		v, err := m.Cutover.Create(t.Context(), m.rule, powerFile(powerRow("r1", "Brugeradministrator", "urn:customs", ""), powerRow("r2", "Brugeradministrator", "", "")), cutover.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Rights.Retire(t.Context(), m.sell, m.service, m.right); err != nil {
			t.Fatal(err)
		}
		if err := m.Cutover.Start(t.Context(), m.rule, v.ID, false, nil); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		if got := m.notGiven(t, v.ID); !slices.Equal(got, []string{"r1 entitlement.right.absent/"}) {
			t.Errorf("left: %q", got)
		}
		if view, err := m.Cutover.Batch(t.Context(), m.rule, v.ID); err != nil || view.NotGiven != 1 {
			t.Errorf("Batch says %d rows, %v", view.NotGiven, err)
		}
		if got := result(t, m, v.ID); !strings.Contains(got, ";entitlement.right.absent;") {
			t.Errorf("result.csv does not say why:\n%s", got)
		}
		m.publish(t)
		humble := m.rule
		humble.Roles = []access.Role{access.UserAdministrator}
		if err := m.Cutover.Retry(t.Context(), humble, v.ID); fault.KindOf(err) != fault.Denied {
			t.Errorf("Retry by who may give no roles = %v", err)
		}
		if err := m.Cutover.Retry(t.Context(), m.other.Actor, v.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("another organisation's Retry = %v", err)
		}
		if err := m.Cutover.Retry(t.Context(), m.rule, v.ID); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		// The work comes a second time, as after a crash.
		for no := range int64(2) {
			if err := m.Cutover.Give(t.Context(), cutover.ChunkRef{Org: m.own.ID, Batch: v.ID, No: no + 1}); err != nil && no == 0 {
				t.Fatal(err)
			}
		}
		if got := m.notGiven(t, v.ID); len(got) != 0 {
			t.Errorf("left after trying: %q", got)
		}
		if got := m.scopes(t, "r1"); !slices.Equal(got, []string{m.own.CVR}) {
			t.Errorf("r1 has the right for %q", got)
		}
		if said := verbs(t, db, m.own.ID); said["entitlement.grant"] != 1 || said["role.change"] != 3 || said["batch.retry"] != 1 {
			t.Errorf("entries %v, want one entitlement.grant, three role.change (one each and the administrator's) and one batch.retry", said)
		}
	})
}

// result is result.csv of a batch's signed result.
func result(t *testing.T, m market, id string) string {
	t.Helper()
	var all bytes.Buffer
	if err := m.Cutover.WriteResult(t.Context(), m.rule, id, &all); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(all.Bytes()), int64(all.Len()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := archive.Open("result.csv")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
