package entitlement_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

// mails counts the messages of a kind to an employee.
func (p *place) mails(t *testing.T, e org.Employee, kind string) int {
	t.Helper()
	n, err := p.DB.NewSelect().Model((*mail.Message)(nil)).Where("org_id = ?", e.OrgID).Where("employee_id = ?", e.ID).
		Where("kind = ?", kind).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// decider makes an employee a rights administrator.
func (p *place) decider(t *testing.T, rid, name string) (org.Employee, access.Actor) {
	t.Helper()
	e := p.Employee(t, p.Organisation, rid, name)
	row := org.RoleAssignment{OrgID: p.ID, EmployeeID: e.ID, Role: access.RightsAdministrator, CreatedAt: p.Clock.Now()}
	if _, err := p.DB.NewInsert().Model(&row).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, as(e, access.RightsAdministrator)
}

func TestRequestIsDecidedByAnother(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		r := p.publish(t, "urn:book")
		asker, self := p.decider(t, "R1", "Bo Holm")
		boss, by := p.decider(t, "R2", "Pia Krag")
		wish := entitlement.Wish{Right: r.ID, Reason: reason}
		q, err := p.Rights.Ask(t.Context(), self, wish)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Rights.Ask(t.Context(), self, wish); fault.KindOf(err) != fault.Conflict {
			t.Errorf("asked twice = %v, want Conflict", err)
		}
		if err := p.Rights.Approve(t.Context(), self, q.ID, nil); fault.CodeOf(err) != "entitlement.request.own" {
			t.Errorf("own approval = %v", err)
		}
		if err := p.Rights.Approve(t.Context(), as(asker), q.ID, nil); fault.KindOf(err) != fault.Denied {
			t.Errorf("approval without the right = %v, want Denied", err)
		}
		until := p.Clock.Now().Add(24 * time.Hour)
		if err := p.Rights.Approve(t.Context(), by, q.ID, &until); err != nil {
			t.Fatal(err)
		}
		if err := p.Rights.Reject(t.Context(), by, q.ID, "no"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("rejected after the approval = %v, want Conflict", err)
		}
		if got := p.uris(t, asker); !slices.Equal(got, []string{"cvrNumberIdentifier:34051178 urn:book"}) {
			t.Errorf("privileges = %q", got)
		}
		p.Clock.Move(24 * time.Hour)
		if got := p.uris(t, asker); got != nil {
			t.Errorf("privileges a day later = %q", got)
		}
		if n := p.mails(t, boss, mail.KindRightsAsked) + p.mails(t, asker, mail.KindRightApproved); n != 2 {
			t.Errorf("%d mails, want one to each", n)
		}
		want := []string{"entitlement.request", "entitlement_request.approve"}
		if got := p.recorded(t, "entitlement_request:"+string(q.ID)); !slices.Equal(got, want) {
			t.Errorf("recorded = %q, want %q", got, want)
		}
	})
}

func TestRequestsAreRejectedWithdrawnAndExpire(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		asker := p.Employee(t, p.Organisation, "R1", "Bo Holm")
		boss, by := p.decider(t, "R2", "Pia Krag")
		ask := func(uri string) entitlement.RequestID {
			q, err := p.Rights.Ask(t.Context(), as(asker), entitlement.Wish{Right: p.publish(t, uri).ID, Reason: reason})
			if err != nil {
				t.Fatal(err)
			}
			return q.ID
		}
		a, b, c := ask("urn:a"), ask("urn:b"), ask("urn:c")
		if n := p.mails(t, boss, mail.KindRightsAsked); n != 1 {
			t.Errorf("%d mails about three requests of an hour, want 1", n)
		}
		if err := p.Rights.Reject(t.Context(), by, a, " "); fault.KindOf(err) != fault.Invalid {
			t.Errorf("rejected without a reason = %v, want Invalid", err)
		}
		if err := p.Rights.Reject(t.Context(), by, a, "not your task"); err != nil {
			t.Fatal(err)
		}
		if err := p.Rights.Unask(t.Context(), by, b); fault.KindOf(err) != fault.Absent {
			t.Errorf("withdrawn by another = %v, want Absent", err)
		}
		if err := p.Rights.Unask(t.Context(), as(asker), b); err != nil {
			t.Fatal(err)
		}
		p.Clock.Move(30 * 24 * time.Hour)
		if err := p.Rights.Approve(t.Context(), by, c, nil); fault.KindOf(err) != fault.Conflict {
			t.Errorf("approved after 30 days = %v, want Conflict", err)
		}
		for range 2 {
			if err := p.Rights.Sweep(t.Context(), entitlement.Day{Day: "2026-12-22"}); err != nil {
				t.Fatal(err)
			}
		}
		mine, err := p.Rights.Mine(t.Context(), as(asker))
		if err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, q := range mine {
			states = append(states, q.State)
		}
		if got := strings.Join(states, " "); got != "expired withdrawn rejected" {
			t.Errorf("states, newest first = %q", got)
		}
		if n := p.mails(t, asker, mail.KindRightUnasked) + p.mails(t, asker, mail.KindRightRejected); n != 2 {
			t.Errorf("%d mails to the employee, want 2", n)
		}
		if got := p.uris(t, asker); got != nil {
			t.Errorf("privileges = %q, want none", got)
		}
	})
}

func TestOneOfTwoDecisionsWins(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		asker := p.Employee(t, p.Organisation, "R1", "Bo Holm")
		_, by := p.decider(t, "R2", "Pia Krag")
		q, err := p.Rights.Ask(t.Context(), as(asker), entitlement.Wish{Right: p.publish(t, "urn:a").ID, Reason: reason})
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				if i%2 == 0 {
					errs[i] = p.Rights.Approve(t.Context(), by, q.ID, nil)
				} else {
					errs[i] = p.Rights.Reject(t.Context(), by, q.ID, "no")
				}
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault.KindOf(err) != fault.Conflict {
				t.Errorf("a decision too late = %v, want Conflict", err)
			}
		}
		if verbs := p.recorded(t, "entitlement_request:"+string(q.ID)); won != 1 || len(verbs) != 2 {
			t.Errorf("%d decisions won, recorded %q", won, verbs)
		}
	})
}

// The end of a right is announced 14 and 3 days before, each once, and anew when
// it is given a new term.
func TestEndsAreAnnounced(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		e, r := p.Employee(t, p.Organisation, "R1", "Bo Holm"), p.publish(t, "urn:a")
		until := p.Clock.Now().Add(20 * 24 * time.Hour)
		gift := entitlement.Gift{Employee: e.ID, Right: r.ID, Until: &until}
		if _, err := p.Rights.Give(t.Context(), p.Actor, gift); err != nil {
			t.Fatal(err)
		}
		day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		expect := func(days, want int) {
			t.Helper()
			for range 2 {
				if err := p.Rights.Sweep(t.Context(), entitlement.Day{Day: day.AddDate(0, 0, days).Format(time.DateOnly)}); err != nil {
					t.Fatal(err)
				}
			}
			if n := p.mails(t, e, mail.KindRightExpiring); n != want {
				t.Errorf("%d mails by day %d, want %d", n, days, want)
			}
		}
		for _, step := range [][2]int{{0, 0}, {5, 0}, {6, 1}, {7, 1}, {16, 1}, {18, 2}, {20, 2}} {
			expect(step[0], step[1])
		}
		later := until.Add(24 * time.Hour)
		gift.Until = &later
		if _, err := p.Rights.Give(t.Context(), p.Actor, gift); err != nil {
			t.Fatal(err)
		}
		expect(20, 3)
	})
}
