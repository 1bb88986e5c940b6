package federation_test

import (
	"slices"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

// An administrator sees where an employee is logged in, and ends it: here at once, and
// at the services by steps.
func TestEndSessions(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		if err := h.CA.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.register(t, peer.SigningKey(peer.RSA()), slo, peer.PostACS)
		bo := h.Employee(t, h.own.Organisation, "BO", "Bo Holm")
		file := h.Activate(t, h.Invite(t, h.own.Organisation, bo))
		start := func() (token, id string) {
			t.Helper()
			token, err := h.Session.Start(t.Context(), bo, file.Serial, "192.0.2.7")
			if err != nil {
				t.Fatal(err)
			}
			_, one, err := h.Session.Actor(t.Context(), token, "")
			if err != nil {
				t.Fatal(err)
			}
			return token, one.ID
		}
		token, id := start()
		h.Clock.Move(1)
		otherToken, other := start()
		login := h.login(t, bo.ID)
		login.Session = id
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		if answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, login); err != nil || answered.Reply == nil {
			t.Fatalf("Continue = %+v, %v", answered, err)
		}

		open, err := h.Federation.Sessions(t.Context(), h.own.Actor, bo.ID)
		if err != nil || len(open) != 2 || open[0].ID != other || len(open[0].Services) != 0 || open[1].ID != id ||
			len(open[1].Services) != 1 || open[1].Address != "192.0.2.7" {
			t.Fatalf("Sessions = %+v, %v", open, err)
		}
		nobody := access.Actor{OrgID: h.own.ID, ID: "employee:x", Employee: "x"}
		for _, tc := range []struct {
			name string
			by   access.Actor
			id   string
			kind fault.Kind
			code string
		}{
			{"another organisation's administrator", h.Company(t, "20202020").Actor, id, fault.Absent, "org.employee.absent"},
			{"a colleague", nobody, id, fault.Denied, "access.right.missing"},
			{"a session that is none", h.own.Actor, "no-such", fault.Absent, "session.absent"},
		} {
			wantFault(t, "EndSessions by "+tc.name, h.Federation.EndSessions(t.Context(), tc.by, bo.ID, tc.id), tc.kind, tc.code)
		}
		if err := h.Federation.EndSessions(t.Context(), h.own.Actor, bo.ID, id); err != nil {
			t.Fatal(err)
		}
		_, _, err = h.Session.Actor(t.Context(), token, "")
		wantFault(t, "Actor of the ended session", err, fault.Denied, "session.none")
		if _, _, err := h.Session.Actor(t.Context(), otherToken, ""); err != nil {
			t.Errorf("Actor of the other session = %v", err)
		}
		if parts, err := h.Federation.Parts(t.Context(), login.Actor); err != nil || len(parts) != 0 {
			t.Errorf("logged in at %d services, %v, want none", len(parts), err)
		}
		wantFault(t, "EndSessions again", h.Federation.EndSessions(t.Context(), h.own.Actor, bo.ID, id), fault.Absent, "session.absent")

		self := access.Actor{OrgID: h.own.ID, ID: "employee:" + string(bo.ID), Employee: bo.ID}
		if err := h.Federation.EndSessions(t.Context(), self, bo.ID, ""); err != nil {
			t.Fatal(err)
		}
		if open, err = h.Federation.Sessions(t.Context(), self, bo.ID); err != nil || len(open) != 0 {
			t.Errorf("Sessions at the end = %+v, %v", open, err)
		}
		ended := endings(t, h, string(bo.ID))
		if want := []string{"session.end " + h.own.Actor.ID + " ", "logout.begin " + h.own.Actor.ID + " ended, services 1", "session.end " + self.ID + " "}; !slices.Equal(ended, want) {
			t.Errorf("entries = %q, want %q", ended, want)
		}
	})
}

// endings are what the log tells of ended sessions and logouts.
func endings(t *testing.T, h hub, employee string) []string {
	t.Helper()
	entries, err := audit.Of(t.Context(), h.DB, h.own.ID, "employee:"+employee)
	if err != nil {
		t.Fatal(err)
	}
	var ended []string
	for _, e := range entries {
		if e.Verb == "session.end" || e.Verb == "logout.begin" {
			ended = append(ended, e.Verb+" "+e.Actor+" "+e.Note)
		}
	}
	return ended
}
