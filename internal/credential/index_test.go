package credential_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

// finds tells whether the list finds Bo by a filter.
func (o office) finds(t *testing.T, f org.Filter) bool {
	t.Helper()
	lines, _, err := o.Credential.Employees(t.Context(), o.own.Actor, f)
	if err != nil {
		t.Fatalf("Employees %+v: %v", f, err)
	}
	for _, l := range lines {
		if l.Employee.ID == o.bo.ID {
			return true
		}
	}
	return false
}

func TestSetupIndexesWhoWasStoredBefore(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		o.holdCard(t, nil)
		o.invite(t)
		filters := []org.Filter{{Q: o.bo.GivenName}, {Q: o.bo.RIDText()}, {KeyFile: "ordered"}, {CodeCard: "active"}, {Invitation: "open"}}
		indexed := testkit.Contents(t, db)
		for _, statement := range []string{"DELETE FROM employee_word", "UPDATE employee SET words_version = 0, search_key = 'as it was'"} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range filters {
			if o.finds(t, f) {
				t.Errorf("found by %+v before the index was there", f)
			}
		}
		for range 2 { // the second time there is nothing to do
			if err := o.Credential.Setup(t.Context()); err != nil {
				t.Fatalf("Setup: %v", err)
			}
			for _, f := range filters {
				if !o.finds(t, f) {
					t.Errorf("not found by %+v", f)
				}
			}
			if got := testkit.Contents(t, db); !maps.EqualFunc(indexed, got, slices.Equal) {
				t.Error("the index is not the one of an employee stored today")
			}
		}
	})
}

func TestExpiredKeyFilesAreFound(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		o.Activate(t, o.invite(t))
		expired := func(want bool) {
			t.Helper()
			if err := o.Credential.ExpireActivations(t.Context()); err != nil {
				t.Fatal(err)
			}
			if o.finds(t, org.Filter{KeyFile: "expired"}) != want || o.finds(t, org.Filter{KeyFile: "active"}) == want {
				t.Errorf("found as expired is not %v", want)
			}
		}
		expired(false)
		o.Clock.Move(1095 * 24 * time.Hour)
		expired(true)
		expired(true)
	})
}
