package usage_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/usage"
)

func TestCount(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		if _, err := db.NewUpdate().Table("organisation").Set("created_at = ?", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).Where("id = ?", c.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		count := func(day string) {
			t.Helper()
			if err := d.Usage.Count(t.Context(), usage.Day{Day: day}); err != nil {
				t.Fatalf("Count %s: %v", day, err)
			}
		}
		hire := func(from, to int) {
			for i := from; i < to; i++ {
				d.Employee(t, c.Organisation, fmt.Sprint("r", i), "Bo Holm")
			}
		}
		hire(0, 4) // five users: two are paid for, 40 DKK: waits
		count("2026-04-10")
		count("2026-04-10") // again
		count("2026-05-09") // still April's cut
		hire(4, 5)          // three are paid for, and what waited: 100 DKK
		count("2026-05-31") // late
		count("2026-06-10") // the end of a quarter
		o, err := d.Usage.Overview(t.Context(), c.Actor)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range o.Months {
			got = append(got, fmt.Sprintf("%s %d users %d, carried %d, invoiced %d", m.Month, m.Users, m.Amount, m.Carried, m.Invoiced))
		}
		want := "2026-06 6 users 6000, carried 0, invoiced 6000\n2026-05 6 users 6000, carried 4000, invoiced 10000\n2026-04 5 users 4000, carried 0, invoiced 0"
		if strings.Join(got, "\n") != want {
			t.Errorf("months =\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
		if n, _ := db.NewSelect().Table("audit_entry").Where("verb = ?", "usage.count").Count(t.Context()); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
		var file bytes.Buffer
		if err := d.Usage.CSV(t.Context(), c.Actor, &file); err != nil || !strings.Contains(file.String(), "2026-05;6;0;60,00;40,00;100,00;") {
			t.Errorf("CSV = %q, %v", file.String(), err)
		}
		if all, err := d.Usage.Everybody(t.Context(), "2026-05"); err != nil || len(all) != 1 || all[0].OrgID != c.ID {
			t.Errorf("Everybody = %+v, %v", all, err)
		}
		if _, err := d.Usage.Overview(t.Context(), access.Actor{OrgID: c.ID, ID: "test", Roles: []access.Role{access.UserAdministrator}}); fault.KindOf(err) != fault.Denied {
			t.Errorf("Overview by a user administrator = %v", err)
		}
		if err := d.Usage.Count(t.Context(), usage.Day{Day: "soon"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Count of no day = %v", err)
		}
	})
}

// An organisation that was not there at the cut has no month.
func TestCountLeavesOutWhoCameLater(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	c := d.Company(t, "34051178")
	if err := d.Usage.Count(t.Context(), usage.Day{Day: "2020-01-10"}); err != nil {
		t.Fatal(err)
	}
	o, err := d.Usage.Overview(t.Context(), c.Actor)
	if err != nil || len(o.Months) != 0 || o.Now.Users != 1 || o.Now.Amount != 0 {
		t.Errorf("Overview = %+v, %v", o, err)
	}
}
