package federation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// Each service is visited once, beyond a page of them too, and a visitor that fails
// ends the walk.
func TestEachMetadata(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		first := h.register(t, peer.SigningKey(peer.RSA()), peer.PostACS)
		const more = 230
		copies := make([]federation.Partner, more)
		for i := range copies {
			copies[i] = first
			copies[i].ID, copies[i].OrgID, copies[i].EntityID = store.NewID(), h.other.ID, fmt.Sprintf("https://%d.example", i)
		}
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			_, err := store.Insert(store.WritingTo(ctx, h.other.ID), tx, copies, "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		seen, orgs := map[string]int{}, map[access.OrgID]int{}
		err = h.Federation.EachMetadata(t.Context(), func(id string, org access.OrgID, name, metadata string) error {
			seen[id]++
			orgs[org]++
			if name != first.Name || metadata != first.Source {
				t.Errorf("%s is called %q and has %d bytes of metadata", id, name, len(metadata))
			}
			return nil
		})
		if err != nil || len(seen) != more+1 || seen["service:"+first.ID] != 1 || orgs[h.own.ID] != 1 || orgs[h.other.ID] != more {
			t.Errorf("%d services of %v were visited, %v", len(seen), orgs, err)
		}
		enough, visits := errors.New("enough"), 0
		err = h.Federation.EachMetadata(t.Context(), func(string, access.OrgID, string, string) error {
			visits++
			return enough
		})
		if !errors.Is(err, enough) || visits != 1 {
			t.Errorf("%d visits, %v, want one and the visitor's error", visits, err)
		}
	})
}
