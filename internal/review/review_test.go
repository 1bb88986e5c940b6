package review_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// place is a group with a right and two members, the second of whom reviews.
type place struct {
	*testkit.Domain
	testkit.Company
	group    entitlement.Group
	bo, pia  org.Employee
	campaign review.Campaign
}

func as(e org.Employee) access.Actor {
	return access.Actor{OrgID: e.OrgID, ID: "employee:" + string(e.ID), Employee: e.ID, Name: e.Name()}
}

func newPlace(t *testing.T, db *bun.DB, undecided string) *place {
	t.Helper()
	d := testkit.NewDomain(t, db)
	p := &place{Domain: d, Company: d.Company(t, "34051178")}
	p.Actor.Roles = access.Roles
	p.bo, p.pia = d.Employee(t, p.Organisation, "R1", "Bo Holm"), d.Employee(t, p.Organisation, "R2", "Pia Krag")
	service := store.NewID()
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return entitlement.Introduce(ctx, tx, entitlement.Target{ID: service, OwnerID: p.ID, OwnerName: "Nordvind", Name: "Time"})
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Rights.Publish(t.Context(), p.Actor, service, entitlement.Offer{URI: "urn:book", NameDA: "Bogfør"})
	if err != nil {
		t.Fatal(err)
	}
	if p.group, err = d.Rights.CreateGroup(t.Context(), p.Actor, entitlement.Group{Name: "Bogholderi", Kind: entitlement.Customised}); err != nil {
		t.Fatal(err)
	}
	if err := d.Rights.Fill(t.Context(), p.Actor, p.group.ID, []access.EmployeeID{p.bo.ID, p.pia.ID}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Rights.Give(t.Context(), p.Actor, entitlement.Gift{Group: p.group.ID, Right: r.ID}); err != nil {
		t.Fatal(err)
	}
	p.campaign, err = d.Review.Start(t.Context(), p.Actor, review.Plan{
		Name: "Forår", SubjectKind: review.OfGroup, SubjectID: string(p.group.ID), DueOn: "2026-12-10", Undecided: undecided,
		Reviewers: []access.EmployeeID{p.pia.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// item is the item about somebody.
func (p *place) item(t *testing.T, who string) review.Item {
	t.Helper()
	all, _, err := p.Review.Items(t.Context(), p.Actor, p.campaign.ID, false, "")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(i review.Item) bool { return i.Who == who })
	if i < 0 || len(all) != 3 {
		t.Fatalf("%d items, none about %s", len(all), who)
	}
	return all[i]
}

func (p *place) mails(t *testing.T) int64 {
	t.Helper()
	n, err := p.DB.NewSelect().Model((*mail.Message)(nil)).Where("employee_id = ?", p.pia.ID).Where("kind = ?", mail.KindReview).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (p *place) names(t *testing.T) string {
	t.Helper()
	people, _, err := p.Rights.Members(t.Context(), p.Actor, p.group.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range people {
		all = append(all, e.Name())
	}
	return strings.Join(all, ", ")
}

func TestAnswersTakeEffectOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db, review.Keep)
		bo, pia := p.item(t, "Bo Holm"), p.item(t, "Pia Krag")
		for name, tc := range map[string]struct {
			by   access.Actor
			item string
			want fault.Kind
		}{
			"nobody's reviewer":      {as(p.bo), bo.ID, fault.Absent},
			"starts, reviews not":    {p.Actor, bo.ID, fault.Denied},
			"about herself":          {as(p.pia), pia.ID, fault.Denied},
			"not of this review":     {as(p.pia), "none", fault.Absent},
			"another organisation's": {p.Domain.Company(t, "30808460").Actor, bo.ID, fault.Absent},
		} {
			if err := p.Review.Decide(t.Context(), tc.by, p.campaign.ID, review.Answer{Item: tc.item, Decision: review.Removed}); fault.KindOf(err) != tc.want {
				t.Errorf("%s: Decide = %v, want kind %d", name, err, tc.want)
			}
		}
		if got := p.names(t); got != "Bo Holm, Pia Krag" {
			t.Errorf("members after refusals = %q", got)
		}
		answer := review.Answer{Item: bo.ID, Decision: review.Removed, Note: "moved on"}
		if err := p.Review.Decide(t.Context(), as(p.pia), p.campaign.ID, answer); err != nil {
			t.Fatal(err)
		}
		if err := p.Review.Decide(t.Context(), as(p.pia), p.campaign.ID, answer); fault.KindOf(err) != fault.Conflict {
			t.Errorf("answered twice = %v, want Conflict", err)
		}
		if got := p.names(t); got != "Pia Krag" {
			t.Errorf("members = %q", got)
		}
		entries, err := audit.Of(t.Context(), db, p.ID, "review_item:"+bo.ID)
		if err != nil || len(entries) != 1 || entries[0].Verb != "review.decide" {
			t.Errorf("recorded = %+v, %v", entries, err)
		}
		var csv bytes.Buffer
		if err := p.Review.Result(t.Context(), p.Actor, p.campaign.ID, "en", &csv); err != nil || !strings.Contains(csv.String(), "Bo Holm;Bogholderi;membership;;removed;;Pia Krag;") {
			t.Errorf("Result = %v\n%s", err, csv.String())
		}
	})
}

func TestWhatNobodyAnswersGoesByTheDefault(t *testing.T) {
	t.Parallel()
	for undecided, members := range map[string]string{review.Keep: "Bo Holm, Pia Krag", review.Remove: ""} {
		t.Run(undecided, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) { newPlace(t, db, undecided).due(t, members) })
		})
	}
}

// due sweeps day by day until the campaign is over, each day twice.
func (p *place) due(t *testing.T, members string) {
	t.Helper()
	for _, step := range []struct {
		day   string
		mails int64
	}{{"2026-11-23", 1}, {"2026-12-03", 2}, {"2026-12-04", 2}, {"2026-12-09", 3}, {"2026-12-10", 4}, {"2026-12-11", 4}} {
		for range 2 {
			if err := p.Review.Sweep(t.Context(), review.Day{Day: step.day}); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.mails(t); n != step.mails {
			t.Errorf("%d mails by %s, want %d", n, step.day, step.mails)
		}
		p.Clock.Move(24 * time.Hour)
	}
	v, err := p.Review.Campaign(t.Context(), p.Actor, p.campaign.ID)
	if err != nil || v.State != review.Closed || v.Kept+v.Removed != 3 {
		t.Errorf("campaign = %+v, %v", v, err)
	}
	if got := p.names(t); got != members {
		t.Errorf("members = %q, want %q", got, members)
	}
	if err := p.Review.Close(t.Context(), p.Actor, p.campaign.ID); fault.KindOf(err) != fault.Conflict {
		t.Errorf("closed twice = %v, want Conflict", err)
	}
}
