package org_test

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
)

func TestEnd(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c, other := d.Company(t, "34051178"), d.Company(t, "30808460")
		now := d.Clock.Now()
		token, err := d.Session.CreateAPIToken(t.Context(), c.Actor, access.OrganisationAdministrator)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := d.Session.CreateAPIToken(t.Context(), other.Actor, access.OrganisationAdministrator)
		if err != nil {
			t.Fatal(err)
		}
		tomorrow, yesterday, late := now.AddDate(0, 0, 1), now.AddDate(0, 0, -1), now.AddDate(2, 0, 0)
		view := access.Actor{OrgID: c.ID, ID: "test", Roles: []access.Role{access.UserAdministrator}}
		for _, tc := range []struct {
			by   access.Actor
			cvr  string
			at   *time.Time
			want fault.Kind
		}{
			{view, c.CVR, &tomorrow, fault.Denied},
			{c.Actor, "12345678", &tomorrow, fault.Invalid},
			{c.Actor, c.CVR, &yesterday, fault.Invalid},
			{c.Actor, c.CVR, &late, fault.Invalid},
			{c.Actor, c.CVR, &tomorrow, 0},
			{c.Actor, c.CVR, nil, 0},
			{c.Actor, c.CVR, &tomorrow, 0},
		} {
			if _, err := d.Org.End(t.Context(), tc.by, tc.cvr, tc.at); fault.KindOf(err) != tc.want {
				t.Errorf("End(%s, %v) = %v, want kind %d", tc.cvr, tc.at, err, tc.want)
			}
		}
		if _, err := d.Session.APIActor(t.Context(), token, ""); err != nil {
			t.Errorf("before the end: %v", err)
		}
		d.Clock.Move(24 * time.Hour)
		if _, err := d.Session.APIActor(t.Context(), token, ""); fault.CodeOf(err) != "session.none" {
			t.Errorf("after the end: %v, want session.none", err)
		}
		if _, err := d.Session.APIActor(t.Context(), kept, ""); err != nil {
			t.Errorf("the other organisation: %v", err)
		}
		if _, err := d.Org.End(t.Context(), c.Actor, c.CVR, nil); fault.KindOf(err) != fault.Conflict {
			t.Errorf("End taken back after it has come = %v", err)
		}
		if n, _ := db.NewSelect().Table("audit_entry").Where("verb LIKE ?", "organisation.end%").Count(t.Context()); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
	})
}
