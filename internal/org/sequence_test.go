package org_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

// Any sequence of role changes, suspensions, reactivations and deletions leaves
// an active organisation administrator, also when six do it at once.
func TestAnySequenceLeavesAnAdministrator(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		for seed := range uint64(3) {
			d := testkit.NewDomain(t, db)
			c := d.Company(t, []string{"12345678", "87654321", "11223344"}[seed])
			by := c.Actor
			by.Roles = access.Roles
			people := []access.EmployeeID{c.Admin.ID}
			for _, rid := range []string{"R1", "R2", "R3", "R4"} {
				people = append(people, d.Employee(t, c.Organisation, rid, "Bo Berg").ID)
			}
			var wg sync.WaitGroup
			for worker := range uint64(6) {
				random := rand.New(rand.NewPCG(seed, worker))
				wg.Go(func() {
					for range 12 {
						step(t, d, by, people[random.IntN(len(people))], random.IntN(7))
					}
				})
			}
			wg.Wait()
			if n, err := org.Administrators(t.Context(), db, c.ID); n < 1 || err != nil {
				t.Errorf("seed %d: %d administrators, %v", seed, n, err)
			}
		}
	})
}

// step does one thing to one employee; whether it is refused is not the question.
func step(t *testing.T, d *testkit.Domain, by access.Actor, id access.EmployeeID, what int) {
	var err error
	switch what {
	case 0, 1:
		_, err = d.Org.ChangeRoles(t.Context(), by, id, roles(oa), nil)
	case 2, 3:
		_, err = d.Org.ChangeRoles(t.Context(), by, id, roles(ua), roles(oa))
	case 4:
		err = d.Org.Suspend(t.Context(), by, id, "en prøve")
	case 5:
		err = d.Org.Reactivate(t.Context(), by, id)
	default:
		err = d.Org.Delete(t.Context(), by, id, "en prøve")
	}
	if k := fault.KindOf(err); k == fault.Internal || k == fault.Denied {
		t.Errorf("step %d = %v", what, err)
	}
}
