package org_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// names lists what a search finds, by name, over all pages.
func names(t *testing.T, s *org.Service, by access.Actor, q string) []string {
	t.Helper()
	var all []string
	for cursor := ""; ; {
		page, next, err := s.Employees(t.Context(), by, org.Filter{Q: q, Cursor: cursor})
		if err != nil {
			t.Fatalf("Employees %q: %v", q, err)
		}
		for _, e := range page {
			all = append(all, e.Name())
		}
		if cursor = next; cursor == "" {
			return all
		}
	}
}

func TestEmployeesFindsBeginningsOfWords(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		o, err := d.Org.New("34051178", "Ærø Kommune")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.NewInsert().Model(&o).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		people := map[string]org.Employee{}
		for rid, name := range map[string]string{
			"1": "Aage Ågård", "2": "Søren Sørensen", "3": "Anne-Marie Bech-Æbelø", "4": "Isaac Müller",
			"AB_100%": "Per Cent", "ABX100X": "Pia Cent", "7291848958": "René O'Neill",
		} {
			people[name] = d.Employee(t, o, rid, name)
		}
		by := access.Actor{OrgID: o.ID, ID: "test", Roles: []access.Role{access.RightsAdministrator}}
		uuid := string(people["Aage Ågård"].ID)
		for _, tc := range []struct {
			q    string
			want string
		}{
			{"åge", "Aage Ågård"},
			{"aage", "Aage Ågård"},
			{"AAGAARD", "Aage Ågård"},
			{"ÅGÅRD", "Aage Ågård"},
			{"Ågaa", "Aage Ågård"},
			{"A\u030age", "Aage Ågård"}, // å as two code points
			{"søren sør", "Søren Sørensen"},
			{"SØREN", "Søren Sørensen"},
			{"soren", ""},
			{"anne-m", "Anne-Marie Bech-Æbelø"},
			{"marie", "Anne-Marie Bech-Æbelø"},
			{"æbel", "Anne-Marie Bech-Æbelø"},
			{"bech anne", "Anne-Marie Bech-Æbelø"},
			{"ech", ""},
			{"anne pia", ""},
			{"muller", "Isaac Müller"},
			{"müll", "Isaac Müller"},
			{"isa", "Isaac Müller"},
			{"isaa", "Isaac Müller"},
			{"isaac", "Isaac Müller"},
			{"rene", "René O'Neill"},
			{"o'n", "René O'Neill"},
			{"72918", "René O'Neill"},
			{"7291848958@nordvind", "René O'Neill"},
			{"ab_100%", "Per Cent"},
			{"ab_", "Per Cent"},
			{"%", ""},
			{"_", ""},
			{`\`, ""},
			{"ab", "Per Cent, Pia Cent"},
			{uuid, "Aage Ågård"},
			{strings.ToUpper(uuid), "Aage Ågård"},
			{"urn:uuid:" + uuid, "Aage Ågård"},
			{"?", ""},
			{"'; DROP TABLE employee; --", ""},
		} {
			got := strings.Join(names(t, d.Org, by, tc.q), ", ")
			if got != tc.want {
				t.Errorf("Employees(%q) = %q, want %q", tc.q, got, tc.want)
			}
		}
	})
}

func TestEmployeesRefuses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		for _, tc := range []struct {
			by        access.Actor
			q, cursor string
			want      fault.Kind
		}{
			{by: access.Actor{OrgID: c.ID, ID: "test"}, want: fault.Denied},
			{by: access.Actor{Roles: access.Roles}, want: fault.Denied},
			{by: c.Actor, q: "a\x00b", want: fault.Invalid},
			{by: c.Actor, q: "\xff", want: fault.Invalid},
			{by: c.Actor, q: strings.Repeat("æ", 201), want: fault.Invalid},
			{by: c.Actor, q: strings.Repeat("a ", 100)},
			{by: c.Actor, cursor: "nonsense", want: fault.Invalid},
			{by: c.Actor, cursor: store.Cursor("one"), want: fault.Invalid},
		} {
			if _, _, err := d.Org.Employees(t.Context(), tc.by, org.Filter{Q: tc.q, Cursor: tc.cursor}); fault.KindOf(err) != tc.want {
				t.Errorf("Employees(%q, %q) = %v, want kind %d", tc.q, tc.cursor, err, tc.want)
			}
		}
	})
}

func TestEmployeesAreSortedAsInDanish(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		o := d.Company(t, "34051178").Organisation // administrated by Åse Ørsted
		want := []string{
			"Anna Holm", "anne Holm", "Anne-Marie Holm", "Bo Holm", "Carl Holm", "Eva Holm", "Zoe Holm",
			"Ægir Holm", "Øjvind Holm", "Åge Holm", "Aase Holm", "Åse Ørsted",
		}
		for i, name := range want[:len(want)-1] {
			d.Employee(t, o, fmt.Sprint(len(want)-i), name)
		}
		if got := names(t, d.Org, access.System(o.ID), ""); !slices.Equal(got, want) {
			t.Errorf("Employees = %q, want %q", got, want)
		}
	})
}

// 230 people of five names, of whom some are added and none removed while a
// reader pages: every one of the first is seen once.
func TestEmployeesPagesAreCompleteAndStable(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		var people []org.Employee
		for i := range 230 {
			rid := fmt.Sprint("r", i)
			people = append(people, d.Org.Prepare(org.Employee{OrgID: a.ID, RID: &rid, GivenName: "Bo", Surname: string(rune('A' + i%5)), Email: "bo@nordvind.example"}))
		}
		insert(t, db, people)
		foreign := d.Employee(t, b.Organisation, "r1", "Bo A")

		seen := map[access.EmployeeID]int{}
		pages := 0
		for cursor := ""; ; pages++ {
			page, next, err := d.Org.Employees(t.Context(), a.Actor, org.Filter{Q: "bo", Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				seen[e.ID]++
			}
			d.Employee(t, a.Organisation, fmt.Sprint("new", pages), "Bo A") // before what is still to come, but for the first pages
			if cursor = next; cursor == "" {
				break
			}
		}
		for _, e := range people {
			if seen[e.ID] != 1 {
				t.Errorf("%s was seen %d times, want once", e.Name(), seen[e.ID])
			}
		}
		if seen[foreign.ID] != 0 || pages < 4 {
			t.Errorf("another organisation's was seen %d times on %d pages", seen[foreign.ID], pages)
		}
	})
}

func insert(t *testing.T, db *bun.DB, people []org.Employee) {
	t.Helper()
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return org.Add(ctx, tx, people...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEmployeeIsSeenByItsOwnOrganisation(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		e := d.Employee(t, a.Organisation, "4711", "Bo Holm")
		self := access.Actor{OrgID: a.ID, ID: "employee:" + string(e.ID), Employee: e.ID}
		for _, tc := range []struct {
			name string
			by   access.Actor
			id   access.EmployeeID
			want fault.Kind
		}{
			{"administrator", a.Actor, e.ID, 0},
			{"self without a role", self, e.ID, 0},
			{"colleague without a role", self, a.Admin.ID, fault.Denied},
			{"administrator elsewhere", b.Actor, e.ID, fault.Absent},
			{"nobody", access.Actor{OrgID: a.ID}, "", fault.Denied},
			{"unknown", a.Actor, "no-such", fault.Absent},
		} {
			got, err := d.Org.Employee(t.Context(), tc.by, tc.id)
			if fault.KindOf(err) != tc.want || (tc.want == 0) != (got.ID == e.ID) {
				t.Errorf("%s: Employee = %+v, %v, want kind %d", tc.name, got, err, tc.want)
			}
		}
		if got := names(t, d.Org, b.Actor, "bo"); len(got) != 0 {
			t.Errorf("another organisation finds %q", got)
		}
	})
}

func TestFindOrCreateKeepsWhomItKnows(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		known := d.Employee(t, a.Organisation, "4711", "Bo Holm")
		d.Employee(t, b.Organisation, "4712", "Ib Lund") // the same RID elsewhere is another person
		if _, err := db.Exec("UPDATE employee SET state = 'blocked' WHERE id = ?", known.ID); err != nil {
			t.Fatal(err)
		}
		wanted := func() []org.Employee {
			var all []org.Employee
			for _, rid := range []string{"4711", "4712", " 4711"} { // compared exactly
				all = append(all, d.Org.Prepare(org.Employee{OrgID: a.ID, RID: &rid, GivenName: "Ny", Surname: "Mand", Email: "ny@nordvind.example"}))
			}
			return all
		}
		var first map[string]org.Employee
		for round := range 2 {
			err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
				found, err := org.FindOrCreate(ctx, tx, a.ID, wanted())
				if err != nil {
					return err
				}
				if len(found) != 3 {
					return fmt.Errorf("%d employees", len(found))
				}
				if e := found["4711"]; e.ID != known.ID || e.Name() != "Bo Holm" || e.State != org.Blocked {
					t.Errorf("round %d: 4711 is %+v, want Bo Holm as he was", round, e)
				}
				if round == 0 {
					first = found
				} else if found["4712"].ID != first["4712"].ID || found[" 4711"].ID != first[" 4711"].ID {
					t.Error("the second round made new employees")
				}
				return nil
			})
			if err != nil {
				t.Fatalf("FindOrCreate: %v", err)
			}
		}
		stored, err := org.ByRID(t.Context(), db, a.ID, []string{"4711", "4712", " 4711", "none"})
		if err != nil || len(stored) != 3 {
			t.Errorf("ByRID = %d employees, %v, want 3", len(stored), err)
		}
		if e, err := org.Get(t.Context(), db, a.ID, first["4712"].ID); err != nil || e.RIDText() != "4712" || e.OrgID != a.ID {
			t.Errorf("the new employee = %+v, %v, want the RID kept", e, err)
		}
	})
}

func TestCPRIsSealedAndMasked(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		const cpr = "7001014321"
		e := d.Org.Prepare(org.Employee{OrgID: a.ID, GivenName: "Bo", Surname: "Holm", Email: "bo@nordvind.example"})
		rid := "4711"
		e.RID = &rid
		e.CPRSealed, e.CPRMAC = org.SealCPR(d.Keys, a.ID, rid, cpr)
		insert(t, db, []org.Employee{e})
		stored, err := org.Get(t.Context(), db, a.ID, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if masked, err := d.Org.MaskedCPR(stored); err != nil || masked != "700101-xxxx" {
			t.Errorf("MaskedCPR = %q, %v", masked, err)
		}
		if string(stored.CPRMAC) != string(org.CPRMAC(d.Keys, a.ID, cpr)) || string(stored.CPRMAC) == string(org.CPRMAC(d.Keys, b.ID, cpr)) {
			t.Error("the keyed hash must be the organisation's own")
		}
		stored.OrgID = b.ID
		if _, err := d.Org.MaskedCPR(stored); err == nil {
			t.Error("the sealed number opens in another organisation")
		}
		if masked, err := d.Org.MaskedCPR(a.Admin); err != nil || masked != "" {
			t.Errorf("MaskedCPR without a number = %q, %v", masked, err)
		}
	})
}
