package org_test

import (
	"context"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// Numbers in use, and numbers that test installations use although they fail
// modulus 11.
var (
	realCVR = []string{"34051178", "30808460", "36074051", "19552101", "44160315", "13748136", "24256790", "13585628"}
	testCVR = []string{"12345678", "11111111", "20301823", "80123565", "94354969", "91026150"}
)

func TestCheckCVR(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		testData bool
		cvrs     []string
		want     string
	}{
		{cvrs: realCVR},
		{cvrs: realCVR, testData: true},
		{cvrs: testCVR, want: "org.cvr.modulus"},
		{cvrs: testCVR, testData: true},
		{cvrs: []string{"", "1234567", "123456789", "3405117a", "3405117 ", "DK340511", "３４０５"}, testData: true, want: "org.cvr.form"},
	} {
		for _, cvr := range tc.cvrs {
			s := &org.Service{TestData: tc.testData}
			err := s.CheckCVR(cvr)
			if got := fault.CodeOf(err); got != tc.want {
				t.Errorf("CheckCVR(%q) with test data %v = %v, want %q", cvr, tc.testData, err, tc.want)
			}
			if tc.want != "" && fault.KindOf(err) != fault.Invalid {
				t.Errorf("CheckCVR(%q) = kind %d, want Invalid", cvr, fault.KindOf(err))
			}
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	s := &org.Service{Now: testkit.NewClock().Now}
	for name, want := range map[string]string{
		"Ærø Kommune": "", strings.Repeat("æ", 200): "", "": "org.name.length", strings.Repeat("æ", 201): "org.name.length",
	} {
		o, err := s.New("34051178", name)
		if got := fault.CodeOf(err); got != want {
			t.Errorf("New with a name of %d bytes = %v, want %q", len(name), err, want)
		}
		if want == "" && (o.ID == "" || o.Name != name || !o.CreatedAt.Equal(s.Now())) {
			t.Errorf("New = %+v", o)
		}
	}
	if _, err := s.New("12345678", "Test"); fault.CodeOf(err) != "org.cvr.modulus" {
		t.Errorf("New with a wrong CVR number = %v", err)
	}
}

func TestInsertRefusesATakenCVR(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := testkit.NewDomain(t, db).Org
		add := func(name string) (org.Organisation, error) {
			o, err := s.New("34051178", name)
			if err != nil {
				t.Fatal(err)
			}
			return o, store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error { return org.Insert(ctx, tx, o) })
		}
		first, err := add("Første")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := add("Anden"); fault.CodeOf(err) != "org.cvr.taken" || fault.KindOf(err) != fault.Conflict {
			t.Errorf("Insert of a taken number = %v, want Conflict", err)
		}
		for what, look := range map[string]func() (org.Organisation, error){
			"ByCVR":        func() (org.Organisation, error) { return s.ByCVR(t.Context(), "34051178") },
			"Organisation": func() (org.Organisation, error) { return s.Organisation(t.Context(), first.ID) },
		} {
			if got, err := look(); err != nil || got.ID != first.ID || got.Name != "Første" || !got.CreatedAt.Equal(first.CreatedAt) {
				t.Errorf("%s = %+v, %v, want %+v", what, got, err, first)
			}
		}
		if _, err := s.ByCVR(t.Context(), "30808460"); fault.KindOf(err) != fault.Absent {
			t.Errorf("ByCVR of an unknown number = %v, want Absent", err)
		}
		if _, err := s.Organisation(t.Context(), "no-such"); fault.KindOf(err) != fault.Absent {
			t.Errorf("Organisation of an unknown ID = %v, want Absent", err)
		}
		if ids, err := s.IDs(t.Context()); err != nil || len(ids) != 1 || ids[0] != first.ID {
			t.Errorf("IDs = %v, %v", ids, err)
		}
	})
}

func TestAssign(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		e := d.Employee(t, c.Organisation, "1", "Bo Holm")
		for range 2 { // the second time changes nothing
			err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
				return d.Org.Assign(ctx, tx, e, access.UserAdministrator, access.OrganisationAdministrator)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		by, err := org.ActorOf(t.Context(), db, e, "192.0.2.1")
		if err != nil || by.OrgID != c.ID || by.ID != "employee:"+string(e.ID) || by.Employee != e.ID || by.Name != "Bo Holm" || by.Address != "192.0.2.1" {
			t.Errorf("ActorOf = %+v, %v", by, err)
		}
		if len(by.Roles) != 2 || !by.May(access.ManageEmployees) || !by.May(access.ManageServices) {
			t.Errorf("roles = %v, want both", by.Roles)
		}
		if roles, err := org.RolesOf(t.Context(), db, "other", e.ID); err != nil || len(roles) != 0 {
			t.Errorf("RolesOf in another organisation = %v, %v", roles, err)
		}
	})
}
