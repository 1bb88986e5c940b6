package usage_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
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

func TestLedger(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		empty, err := d.Usage.Ledger(t.Context(), access.Host(), "", "")
		if err != nil || empty.Month != "" || len(empty.Accounts) != 0 {
			t.Errorf("Ledger of nothing = %+v, %v", empty, err)
		}
		const most = 102 // two pages
		for i := range most {
			c := d.Company(t, fmt.Sprint(10000000+i))
			for _, m := range []string{"2026-04", "2026-05"} {
				row := usage.Month{OrgID: c.ID, Month: m, Users: 5, Certificates: 1, Amount: 6000, Invoiced: 6000, CountedAt: time.Unix(1, 0)}
				if _, err := db.NewInsert().Model(&row).Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if i == 1 {
				change := func(to *setting.Settings) {
					to.Invoice = setting.Invoice{Method: "email", Email: "faktura@firma.example"}
				}
				if _, err := d.Setting.Change(t.Context(), c.Actor, 0, change); err != nil {
					t.Fatal(err)
				}
			}
		}
		first, err := d.Usage.Ledger(t.Context(), access.Host(), "", "")
		if err != nil || first.Month != "2026-05" || !slices.Equal(first.Months, []string{"2026-05", "2026-04"}) || len(first.Accounts) != 100 || first.Next == "" {
			t.Fatalf("Ledger = %s %v, %d lines, next %q, %v", first.Month, first.Months, len(first.Accounts), first.Next, err)
		}
		if want := (usage.Total{Organisations: most, Users: 5 * most, Certificates: most, Amount: 6000 * most, Invoiced: 6000 * most}); first.Total != want {
			t.Errorf("total = %+v, want %+v", first.Total, want)
		}
		if one := first.Accounts[1]; one.CVR != "10000001" || one.Name == "" || one.Users != 5 || one.Invoice.Email != "faktura@firma.example" {
			t.Errorf("second line = %+v", one)
		}
		if second, err := d.Usage.Ledger(t.Context(), access.Host(), "2026-05", first.Next); err != nil || len(second.Accounts) != 2 || second.Next != "" {
			t.Errorf("second page = %d lines, next %q, %v", len(second.Accounts), second.Next, err)
		}
		var file bytes.Buffer
		if err := d.Usage.LedgerCSV(t.Context(), access.Host(), "2026-04", func() io.Writer { return &file }); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(file.String(), ";2026-04;5;1;60,00;0,00;60,00;"); n != most {
			t.Errorf("the file has %d lines of April, want %d", n, most)
		}
		if !strings.Contains(file.String(), ";email;faktura@firma.example;2026-04;") {
			t.Errorf("the file does not say where the invoice goes:\n%.400s", file.String())
		}
	})
}

func TestLedgerIsForOperators(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	c := d.Company(t, "34051178")
	none := func() io.Writer {
		t.Error("a file was opened")
		return io.Discard
	}
	if err := d.Usage.LedgerCSV(t.Context(), c.Actor, "", none); fault.KindOf(err) != fault.Denied {
		t.Errorf("by an administrator = %v", err)
	}
	for _, month := range []string{"2026-13", "May", "2026-05-01"} {
		if err := d.Usage.LedgerCSV(t.Context(), access.Host(), month, none); fault.CodeOf(err) != "usage.month.form" {
			t.Errorf("month %q = %v", month, err)
		}
	}
}

// Whose agreement is over pays for no users any more, and for what waited at the
// end of the quarter.
func TestCountAfterTheEnd(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		for i := range 4 {
			d.Employee(t, c.Organisation, fmt.Sprint("r", i), "Bo Holm")
		}
		start, end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		if _, err := db.NewUpdate().Table("organisation").Set("created_at = ?", start).Set("ends_at = ?", end).Where("id = ?", c.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, day := range []string{"2026-04-10", "2026-05-10", "2026-06-10", "2026-07-10"} {
			if err := d.Usage.Count(t.Context(), usage.Day{Day: day}); err != nil {
				t.Fatal(err)
			}
		}
		o, err := d.Usage.Overview(t.Context(), c.Actor)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range o.Months {
			got = append(got, fmt.Sprintf("%s: users %d, amount %d, carried %d, invoiced %d", m.Month, m.Users, m.Amount, m.Carried, m.Invoiced))
		}
		want := "2026-06: users 0, amount 0, carried 4000, invoiced 4000\n2026-05: users 0, amount 0, carried 4000, invoiced 0\n2026-04: users 5, amount 4000, carried 0, invoiced 0"
		if strings.Join(got, "\n") != want {
			t.Errorf("months =\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	})
}
