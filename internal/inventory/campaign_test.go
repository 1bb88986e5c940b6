package inventory_test

import (
	"crypto/x509/pkix"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// two takes in a certificate of OCES2.
func (o office) two(t *testing.T, name, id string) inventory.Certificate {
	t.Helper()
	return o.take(t, signed(t, template{
		issuerO: "TRUST2408", policies: []string{"1.2.208.169.1.1.1.3.5"},
		names: []pkix.AttributeTypeAndValue{attr(cn, name), attr(serialNo, "CVR:34051178-UID:"+id)},
	}).Raw).Added[0]
}

// moved says of a certificate that its successor is installed.
func (o office) moved(t *testing.T, id, successor string) {
	t.Helper()
	v, err := o.Inventory.Show(t.Context(), o.by, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Inventory.Change(t.Context(), o.by, id, inventory.Care{Version: v.Version, SuccessorID: successor, Installed: new(true)}); err != nil {
		t.Fatal(err)
	}
}

func (o office) campaign(t *testing.T, generation string, closes time.Time) string {
	t.Helper()
	g, err := o.Inventory.NewCampaign(t.Context(), o.by, "Væk fra "+generation, generation, closes)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Inventory.StartCampaign(t.Context(), o.by, g.ID); err != nil {
		t.Fatal(err)
	}
	return g.ID
}

func (o office) members(t *testing.T, id string) map[string]inventory.Member {
	t.Helper()
	all := map[string]inventory.Member{}
	for cursor := ""; ; {
		page, next, err := o.Inventory.Members(t.Context(), o.by, id, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			all[m.Name] = m
		}
		if cursor = next; next == "" {
			return all
		}
	}
}

func (o office) state(t *testing.T, id string) inventory.CampaignView {
	t.Helper()
	v, err := o.Inventory.Campaign(t.Context(), o.by, id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCampaignClosesOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		moved, left, gone := o.two(t, "Flyttet", "1"), o.two(t, "Ladt tilbage", "2"), o.two(t, "Slettet", "3")
		next := o.take(t, signed(t, organisationThree("Ny", someUUID, testEnd.AddDate(3, 0, 0))).Raw).Added[0]
		closes := o.Clock.Now().AddDate(0, 1, 0)
		if _, err := o.Inventory.NewCampaign(t.Context(), o.by, "x", "oces2", o.Clock.Now()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("closing now = %v", err)
		}
		g, err := o.Inventory.NewCampaign(t.Context(), o.by, "OCES2 til OCES3", "oces2", closes)
		if err != nil {
			t.Fatal(err)
		}
		if v := o.state(t, g.ID); v.Total != 3 || v.NoOwner != 3 || v.Plans[inventory.PlanOpen] != 3 {
			t.Errorf("dry run = %+v", v)
		}
		for range 2 {
			err = o.Inventory.StartCampaign(t.Context(), o.by, g.ID)
		}
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("started twice = %v", err)
		}
		o.moved(t, moved.ID, next.ID)
		if err := o.Inventory.Delete(t.Context(), o.by, gone.ID); err != nil {
			t.Fatal(err)
		}
		o.Clock.Move(24 * time.Hour)
		late := o.two(t, "Fundet sent", "4")
		if m := o.members(t, g.ID); len(m) != 4 || m["Fundet sent"].JoinedAt == nil || m["Flyttet"].JoinedAt != nil || m["Slettet"].Plan != "" {
			t.Errorf("members = %+v; want three of the start and one that joined", m)
		}

		job := inventory.Close{Org: o.company.ID, Campaign: g.ID, Round: 1, ClosesAt: closes}
		if err := o.Inventory.CloseCampaign(t.Context(), job); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("before its instant = %v, want Unavailable", err)
		}
		if v := o.state(t, g.ID); v.State != inventory.Running {
			t.Errorf("before its instant = %s", v.State)
		}
		o.Clock.Move(closes.Sub(o.Clock.Now()))
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := o.Inventory.CloseCampaign(t.Context(), job); err != nil {
					t.Errorf("one of ten workers: %v", err)
				}
			})
		}
		all.Wait()
		o.Drain(t)
		if v := o.state(t, g.ID); v.State != inventory.Closed || v.Outcomes[inventory.Moved] != 1 || v.Outcomes[inventory.Overdue] != 2 || v.Outcomes[inventory.Gone] != 1 || v.Revoked != 0 {
			t.Errorf("closed = %+v", v)
		}
		for _, id := range []string{left.ID, late.ID} {
			if v, err := o.Inventory.Show(t.Context(), o.by, id); err != nil || v.Plan != inventory.PlanRetired || v.EndedAt == nil || !v.EndedAt.Equal(closes) {
				t.Errorf("left behind = %s ended %v, %v", v.Plan, v.EndedAt, err)
			}
		}
		if n := o.entries(t, "campaign.close"); n != 1 {
			t.Errorf("%d closings in the log, want 1", n)
		}
		o.reported(t, 1)

		before := o.report(t, g.ID)
		if strings.Count(before, "\n") != 5 || !strings.Contains(before, "Slettet") || strings.Count(before, "closed,ended,")+strings.Count(before, "closed;ended;") != 2 {
			t.Errorf("report = %q", before)
		}
		if err := o.Inventory.Delete(t.Context(), o.by, left.ID); err != nil {
			t.Fatal(err)
		}
		if after := o.report(t, g.ID); after != before {
			t.Errorf("the report changed from %q to %q", before, after)
		}
	})
}

func (o office) report(t *testing.T, id string) string {
	t.Helper()
	var out strings.Builder
	if err := o.Inventory.CampaignReport(t.Context(), o.by, id, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// reported checks how many mails about a closing there are.
func (o office) reported(t *testing.T, want int) {
	t.Helper()
	n, err := o.DB.NewSelect().Model((*mail.Message)(nil)).Where("kind = ?", mail.KindCampaign).Where("employee_id = ?", o.company.Admin.ID).Where("state = ?", mail.StateSent).Count(t.Context())
	if err != nil || int(n) != want {
		t.Errorf("%d mails to the administrator, %v; want %d", n, err, want)
	}
}

// What the authority here issued is really revoked; successors that are made
// meanwhile are no members.
func TestTheClosingRevokes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		left, moved := o.issued(t, "Ladt tilbage"), o.issued(t, "Flyttet")
		o.Activate(t, o.Invite(t, o.company.Organisation, o.Employee(t, o.company.Organisation, "4711", "Bo Holm")))
		o.Drain(t)
		closes := o.Clock.Now().AddDate(0, 2, 0)
		g := o.campaign(t, inventory.Adgang, closes)
		if v := o.state(t, g); v.Total != 2 || v.KeyFiles != 1 {
			t.Errorf("started with %d, beside %d key files; want 2 and 1", v.Total, v.KeyFiles)
		}
		o.Clock.Move(24 * time.Hour)
		next := o.renewed(t, moved)
		o.Drain(t)
		o.moved(t, o.ofSerial(t, moved.Certificate.Serial).ID, o.ofSerial(t, next.Certificate.Serial).ID)
		if m := o.members(t, g); len(m) != 2 {
			t.Errorf("members = %+v; a successor is none", m)
		}
		o.Clock.Move(closes.Sub(o.Clock.Now()))
		for range 2 {
			o.Drain(t)
		}
		for serial, want := range map[string]ca.State{
			string(left.Certificate.Serial): ca.Revoked, string(moved.Certificate.Serial): ca.Issued, string(next.Certificate.Serial): ca.Issued,
		} {
			if c, err := o.CA.Certificate(t.Context(), o.company.ID, serial); err != nil || c.State != want {
				t.Errorf("certificate %s is %s, %v; want %s", serial, c.State, err, want)
			}
		}
		c, err := o.CA.Certificate(t.Context(), o.company.ID, string(left.Certificate.Serial))
		if err != nil || c.RevokeReason != "cessation_of_operation" {
			t.Errorf("reason %q, %v", c.RevokeReason, err)
		}
		if m := o.members(t, g); m["Ladt tilbage"].Action != inventory.Revoked || m["Flyttet"].Action != "" || m["Flyttet"].Outcome != inventory.Moved {
			t.Errorf("report = %+v", m)
		}
		if v := o.state(t, g); v.Revoked != 1 {
			t.Errorf("%d revoked, want 1", v.Revoked)
		}
		if n := o.entries(t, "certificate.revoke"); n != 1 {
			t.Errorf("%d revocations in the log, want 1", n)
		}
	})
}

func TestACampaignIsHeldUp(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		left := o.two(t, "Ladt tilbage", "1")
		closes := o.Clock.Now().AddDate(0, 1, 0)
		g := o.campaign(t, inventory.OCES2, closes)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(o.Inventory.PauseCampaign(t.Context(), o.by, g))
		if err := o.Inventory.PauseCampaign(t.Context(), o.by, g); fault.CodeOf(err) != "inventory.campaign.state" {
			t.Errorf("paused twice = %v", err)
		}
		o.Clock.Move(closes.Add(time.Hour).Sub(o.Clock.Now()))
		o.Drain(t)
		if v := o.state(t, g); v.State != inventory.Paused {
			t.Errorf("in the pause = %s", v.State)
		}
		if err := o.Inventory.ResumeCampaign(t.Context(), o.by, g); fault.CodeOf(err) != "inventory.campaign.late" {
			t.Errorf("resumed after its instant = %v", err)
		}
		closes = o.Clock.Now().AddDate(0, 1, 0)
		must(o.Inventory.MoveCampaign(t.Context(), o.by, g, closes))
		must(o.Inventory.ResumeCampaign(t.Context(), o.by, g))
		must(o.Inventory.MoveCampaign(t.Context(), o.by, g, closes.AddDate(0, 1, 0)))
		o.Clock.Move(closes.Add(time.Hour).Sub(o.Clock.Now()))
		o.Drain(t)
		if v := o.state(t, g); v.State != inventory.Running {
			t.Errorf("at the instant before the move = %s, want running", v.State)
		}
		if v, err := o.Inventory.Show(t.Context(), o.by, left.ID); err != nil || v.Plan == inventory.PlanRetired {
			t.Errorf("taken out of use too early, %v", err)
		}
		// Its work is lost: the hourly look asks again.
		if _, err := db.NewRaw("DELETE FROM work WHERE kind = 'inventory.close_campaign'").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Clock.Move(32 * 24 * time.Hour)
		must(o.Inventory.CloseLate(t.Context()))
		o.Drain(t)
		if v := o.state(t, g); v.State != inventory.Closed {
			t.Errorf("in the end = %s, want closed", v.State)
		}
		o.reported(t, 1)
		for name, err := range map[string]error{
			"cancel": o.Inventory.CancelCampaign(t.Context(), o.by, g), "move": o.Inventory.MoveCampaign(t.Context(), o.by, g, closes.AddDate(1, 0, 0)),
			"pause": o.Inventory.PauseCampaign(t.Context(), o.by, g), "resume": o.Inventory.ResumeCampaign(t.Context(), o.by, g),
		} {
			if fault.CodeOf(err) != "inventory.campaign.state" {
				t.Errorf("%s of a closed one = %v", name, err)
			}
		}

		kept := o.two(t, "Beholdt", "2")
		second := o.campaign(t, inventory.OCES2, o.Clock.Now().AddDate(0, 1, 0))
		must(o.Inventory.CancelCampaign(t.Context(), o.by, second))
		o.Clock.Move(40 * 24 * time.Hour)
		o.Drain(t)
		if v, err := o.Inventory.Show(t.Context(), o.by, kept.ID); err != nil || v.Plan == inventory.PlanRetired || o.state(t, second).State != inventory.Cancelled {
			t.Errorf("after a cancelled campaign = %s, %v", v.Plan, err)
		}
	})
}

// The clock of the database says when a campaign closes: a node whose own is far
// ahead, and which claims the work itself, closes nothing early; one whose own is far
// behind closes in time.
func TestTheDatabaseSaysWhenACampaignCloses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.Clock.Move(time.Until(o.Clock.Now()) * -1) // as the database has it
		node := *o.Inventory
		node.Clock = store.Time
		start := func(number string, closes time.Time) inventory.Campaign {
			t.Helper()
			o.two(t, "Certifikat "+number, number)
			g, err := o.Inventory.NewCampaign(t.Context(), o.by, "OCES2 til OCES3", "oces2", closes)
			if err == nil {
				err = o.Inventory.StartCampaign(t.Context(), o.by, g.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		ahead := start("1", o.Clock.Now().Add(time.Hour))
		node.Now = func() time.Time { return o.Clock.Now().Add(72 * time.Hour) }
		job := inventory.Close{Org: o.company.ID, Campaign: ahead.ID, Round: 1, ClosesAt: ahead.ClosesAt}
		if err := node.CloseCampaign(t.Context(), job); fault.CodeOf(err) != "inventory.campaign.early" {
			t.Errorf("on a node that is three days ahead = %v, want that it is early", err)
		}
		if v := o.state(t, ahead.ID); v.State != inventory.Running {
			t.Errorf("the campaign is %s an hour before its instant", v.State)
		}
		if err := o.Inventory.CancelCampaign(t.Context(), o.by, ahead.ID); err != nil {
			t.Fatal(err)
		}

		o.Clock.Move(-2 * time.Hour)
		behind := start("2", o.Clock.Now().Add(time.Hour))
		node.Now = o.Clock.Now
		job = inventory.Close{Org: o.company.ID, Campaign: behind.ID, Round: 1, ClosesAt: behind.ClosesAt}
		if err := node.CloseCampaign(t.Context(), job); err != nil {
			t.Errorf("on a node that is two hours behind = %v", err)
		}
		if v := o.state(t, behind.ID); v.State != inventory.Closed || v.ClosedAt == nil || v.ClosedAt.Before(behind.ClosesAt) {
			t.Errorf("an hour after its instant the campaign is %s, closed at %v", v.State, v.ClosedAt)
		}
	})
}
