package org_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// assign gives e roles without asking anybody.
func assign(t *testing.T, d *testkit.Domain, e org.Employee, roles ...access.Role) {
	t.Helper()
	err := store.InTx(t.Context(), d.DB, func(ctx context.Context, tx bun.Tx) error { return d.Org.Assign(ctx, tx, e, roles...) })
	if err != nil {
		t.Fatal(err)
	}
}

// leave suspends employees as a domain method would.
func leave(ctx context.Context, d *testkit.Domain, of access.OrgID, leaving ...access.EmployeeID) error {
	return store.InTx(ctx, d.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := d.Org.KeepAdministrator(ctx, tx, of, leaving...); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*org.Employee)(nil)).Set("state = ?", org.Suspended).
			Where("org_id = ?", of).Where("id IN (?)", bun.List(leaving)).Exec(ctx)
		return err
	})
}

func TestKeepAdministrator(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		second, plain := d.Employee(t, c.Organisation, "R1", "Bo Berg"), d.Employee(t, c.Organisation, "R2", "Ida Iversen")
		other := d.Company(t, "87654321")
		for _, step := range []struct {
			what    string
			leaving []access.EmployeeID
			want    string
		}{
			{"nobody", nil, ""},
			{"the only one", []access.EmployeeID{c.Admin.ID}, "org.administrator.last"},
			{"the only one among others", []access.EmployeeID{plain.ID, c.Admin.ID}, "org.administrator.last"},
			{"somebody without a role", []access.EmployeeID{plain.ID}, ""},
			{"another organisation's", []access.EmployeeID{other.Admin.ID}, ""},
		} {
			if err := leave(t.Context(), d, c.ID, step.leaving...); fault.CodeOf(err) != step.want {
				t.Errorf("%s leaves: %v, want %q", step.what, err, step.want)
			}
		}
		assign(t, d, second, access.OrganisationAdministrator)
		if err := leave(t.Context(), d, c.ID, c.Admin.ID, second.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("both leave: %v, want Conflict", err)
		}
		if err := leave(t.Context(), d, c.ID, c.Admin.ID); err != nil {
			t.Errorf("one of two leaves: %v", err)
		}
		if err := leave(t.Context(), d, c.ID, second.ID); fault.KindOf(err) != fault.Conflict {
			t.Errorf("the one who is left leaves: %v, want Conflict", err)
		}
		if n, err := org.Administrators(t.Context(), db, c.ID); n != 1 || err != nil {
			t.Errorf("administrators = %d, %v, want 1", n, err)
		}
	})
}

func TestKeepAdministratorAtTheSameInstant(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		all := []access.EmployeeID{c.Admin.ID}
		for _, rid := range []string{"R1", "R2", "R3", "R4", "R5"} {
			e := d.Employee(t, c.Organisation, rid, "Bo Berg")
			assign(t, d, e, access.OrganisationAdministrator)
			all = append(all, e.ID)
		}
		var wg sync.WaitGroup
		errs := make([]error, len(all))
		for i, id := range all {
			wg.Go(func() { errs[i] = leave(t.Context(), d, c.ID, id) })
		}
		wg.Wait()
		refused := 0
		for _, err := range errs {
			switch fault.CodeOf(err) {
			case "":
			case "org.administrator.last":
				refused++
			default:
				t.Errorf("leave = %v", errors.Join(errs...))
			}
		}
		if n, err := org.Administrators(t.Context(), db, c.ID); n != 1 || refused != 1 || err != nil {
			t.Errorf("%d administrators, %d refused, %v; want 1 and 1", n, refused, err)
		}
	})
}
