package federation_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// second is another organisation administrator of the first organisation.
func (h hub) second(t *testing.T) access.Actor {
	t.Helper()
	e := h.Employee(t, h.own.Organisation, "R2", "Ida Iversen")
	err := store.InTx(t.Context(), h.DB, func(ctx context.Context, tx bun.Tx) error {
		return h.Org.Assign(ctx, tx, e, access.OrganisationAdministrator)
	})
	if err != nil {
		t.Fatal(err)
	}
	by, err := org.ActorOf(t.Context(), h.DB, e, "192.0.2.2")
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// A service that people log in to changes when a second person agrees.
func TestLiveServiceUnderFourEyes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		ida, p := h.second(t), h.register(t)
		if w, err := h.Approval.Choose(t.Context(), h.own.Actor, []string{federation.ReplaceAct.Name, federation.RemoveAct.Name}); w != nil || err != nil {
			t.Fatalf("Choose = %v, %v", w, err)
		}
		if _, w, err := h.Federation.Replace(t.Context(), h.own.Actor, p.ID, metadataOf(peer.EntityID)); w != nil || err != nil {
			t.Fatalf("Replace of a service that nobody has used = %v, %v, want it done", w, err)
		}
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err == nil {
			_, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
		}
		if err != nil {
			t.Fatal(err)
		}
		used := h.log(t, p)

		_, w, err := h.Federation.Replace(t.Context(), h.own.Actor, p.ID, metadataOf(peer.EntityID, peer.SigningKey(peer.Other()), peer.PostACS))
		if err != nil || w == nil {
			t.Fatalf("Replace of a live service = %v, %v, want a request", w, err)
		}
		h.wantLog(t, p, used...)
		if _, err := h.Approval.Approve(t.Context(), h.own.Actor, w.ID); fault.KindOf(err) != fault.Denied {
			t.Errorf("Approve by who asked = %v, want Denied", err)
		}
		if _, err := h.Approval.Approve(t.Context(), h.other.Actor, w.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("Approve elsewhere = %v, want Absent", err)
		}
		if _, err := h.Approval.Approve(t.Context(), ida, w.ID); err != nil {
			t.Fatalf("Approve: %v", err)
		}
		_, err = h.accept(t, peer.AuthnRequest("", ""))
		wantFault(t, "Accept by the old key", err, fault.Denied, "federation.request.signature")

		gone, err := h.Federation.Remove(t.Context(), h.own.Actor, p.ID)
		if err != nil || gone == nil {
			t.Fatalf("Remove of a live service = %v, %v, want a request", gone, err)
		}
		if _, err := h.Federation.Partner(t.Context(), h.own.Actor, p.ID); err != nil {
			t.Errorf("the service while its removal waits: %v", err)
		}
		if _, err := h.Approval.Approve(t.Context(), ida, gone.ID); err != nil {
			t.Fatalf("Approve the removal: %v", err)
		}
		_, err = h.Federation.Partner(t.Context(), h.own.Actor, p.ID)
		wantFault(t, "Partner after the removal", err, fault.Absent, "federation.service.absent")
	})
}
