package localidp_test

import (
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/testkit"
)

// Each identity provider that has metadata is visited, and a visitor that fails ends
// the walk.
func TestEachMetadata(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		walk := func(answer error) (visits int, err error) {
			err = h.LocalIdP.EachMetadata(t.Context(), func(id string, org access.OrgID, _, text string) error {
				visits++
				if id != "idp:"+h.idp.ID || org != h.company.ID || text != metadata() {
					t.Errorf("visited %s of %s with %d bytes", id, org, len(text))
				}
				return answer
			})
			return visits, err
		}
		if n, err := walk(nil); err != nil || n != 1 {
			t.Errorf("%d visits, %v, want one", n, err)
		}
		enough := errors.New("enough")
		if n, err := walk(enough); !errors.Is(err, enough) || n != 1 {
			t.Errorf("%d visits, %v, want one and the visitor's error", n, err)
		}
		h.exec(t, "UPDATE local_idp SET metadata = ''")
		if n, err := walk(nil); err != nil || n != 0 {
			t.Errorf("%d visits, %v, without metadata want none", n, err)
		}
	})
}
