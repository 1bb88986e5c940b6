package federation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

const email = "https://data.gov.dk/model/core/eid/email"

// logIn goes through one login and returns how it ended.
func (h hub) logIn(t *testing.T, id string, inner string, who access.EmployeeID) federation.Outcome {
	t.Helper()
	out, err := h.accept(t, strings.Replace(peer.AuthnRequest("", inner), "_request", id, 1))
	if err != nil {
		t.Fatal(err)
	}
	out, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, who))
	if err != nil || out.Reply == nil {
		t.Fatalf("Continue = %+v, %v", out, err)
	}
	return out
}

// latest is the newest attempt at a service.
func (h hub) latest(t *testing.T, p federation.Partner) federation.Attempt {
	t.Helper()
	all, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, "", "")
	if err != nil || len(all) == 0 {
		t.Fatalf("Attempts = %d, %v", len(all), err)
	}
	return all[0]
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		for _, bad := range []struct {
			policy federation.Policy
			code   string
		}{
			{federation.Policy{SkewSeconds: 29}, "federation.policy.skew"},
			{federation.Policy{SkewSeconds: 601}, "federation.policy.skew"},
			{federation.Policy{Rights: []string{"urn:none"}}, "federation.policy.right"},
			{federation.Policy{Contacts: []oiosaml.Contact{{Kind: "friend", Emails: []string{"a@b.example"}}}}, "federation.policy.contact"},
			{federation.Policy{Contacts: []oiosaml.Contact{{Kind: "technical"}}}, "federation.policy.contact"},
			{federation.Policy{Contacts: []oiosaml.Contact{{Kind: "technical", Emails: []string{"a@b.example\r\nBcc: c@d.example"}}}}, "federation.policy.contact"},
		} {
			_, err := h.Federation.SetPolicy(t.Context(), h.own.Actor, p.ID, bad.policy)
			wantFault(t, "SetPolicy", err, fault.Invalid, bad.code)
		}
		_, err := h.Federation.SetPolicy(t.Context(), h.other.Actor, p.ID, federation.Policy{})
		wantFault(t, "SetPolicy by another organisation", err, fault.Absent, "federation.service.absent")
		_, err = h.Federation.SetPolicy(t.Context(), access.Actor{OrgID: h.own.ID}, p.ID, federation.Policy{})
		wantFault(t, "SetPolicy without the right", err, fault.Denied, "access.right.missing")

		want := federation.Policy{SkewSeconds: 60, SignResponse: true, Contacts: []oiosaml.Contact{{Kind: "technical", Name: "Drift", Emails: []string{"drift@service.example"}}}}
		got, err := h.Federation.SetPolicy(t.Context(), h.own.Actor, p.ID, want)
		if err != nil || got.Policy.Version != 1 || got.Policy.SkewSeconds != 60 || len(got.Contacts()) != 1 {
			t.Fatalf("SetPolicy = %+v, %v", got.Policy, err)
		}
		_, err = h.Federation.SetPolicy(t.Context(), h.own.Actor, p.ID, want)
		wantFault(t, "SetPolicy from an old version", err, fault.Conflict, "federation.policy.stale")
		h.wantLog(t, p, "service.register", "service.policy")

		h.Clock.Move(61 * time.Second)
		_, err = h.accept(t, peer.AuthnRequest("", ""))
		wantFault(t, "Accept past the service's own skew", err, fault.Denied, "federation.request.expired")
		if a := h.latest(t, p); a.Code != "federation.request.expired" || a.Facts.Skew != 60 || a.Facts.IssuedAt == "" || a.Status != "" || a.Result != federation.Refused {
			t.Errorf("attempt = %+v", a)
		}
	})
}

func TestUnsignedRequestsByPolicy(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		metadata := strings.Replace(string(metadataOf(peer.EntityID)), ` AuthnRequestsSigned="true"`, "", 1)
		p, err := h.Federation.Register(t.Context(), h.own.Actor, []byte(metadata))
		if err != nil {
			t.Fatal(err)
		}
		send := func() error {
			m, err := oiosaml.ReadRedirect("SAMLRequest=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(peer.Pack(peer.AuthnRequest("", ""))))
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.Federation.Accept(t.Context(), m, "", "192.0.2.7")
			return err
		}
		wantFault(t, "Accept of an unsigned request", send(), fault.Denied, "federation.request.unsigned")
		if _, err := h.Federation.SetPolicy(t.Context(), h.own.Actor, p.ID, federation.Policy{Unsigned: true}); err != nil {
			t.Fatal(err)
		}
		if err := send(); err != nil {
			t.Errorf("Accept of an unsigned request that the policy takes: %v", err)
		}
	})
}

// Groups of the person's organisation and rights in the service decide who gets in.
func TestOnlyGroupsAndHoldersGetIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		bo := h.Employee(t, h.own.Organisation, "4711", "Bo Holm")
		by := h.own.Actor
		by.Roles = access.Roles
		g, err := h.Rights.CreateGroup(t.Context(), by, entitlement.Group{Name: "Vagter", Kind: entitlement.Customised})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Federation.SetUse(t.Context(), by, p.ID, federation.Use{Groups: []entitlement.GroupID{"no-such"}})
		wantFault(t, "SetUse of an unknown group", err, fault.Absent, "entitlement.group.absent")
		if _, err := h.Federation.SetUse(t.Context(), by, p.ID, federation.Use{Groups: []entitlement.GroupID{g.ID}}); err != nil {
			t.Fatal(err)
		}
		out := h.logIn(t, "_1", "", bo.ID)
		if status, _ := readStatus(t, out); status != oiosaml.RequestDenied || out.Refusal == nil || out.Refusal.Reason != "group" {
			t.Errorf("login outside the group = %s, %+v", status, out.Refusal)
		}
		if err := h.Rights.Fill(t.Context(), by, g.ID, []access.EmployeeID{bo.ID}, nil); err != nil {
			t.Fatal(err)
		}
		if status, _ := readStatus(t, h.logIn(t, "_2", "", bo.ID)); status != success {
			t.Errorf("login of a member = %s", status)
		}

		right, err := h.Rights.Publish(t.Context(), by, p.ID, entitlement.Offer{URI: "urn:read", NameDA: "Læs"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Federation.SetPolicy(t.Context(), by, p.ID, federation.Policy{Rights: []string{"urn:read"}}); err != nil {
			t.Fatal(err)
		}
		out = h.logIn(t, "_3", "", bo.ID)
		if status, _ := readStatus(t, out); status != oiosaml.RequestDenied || out.Refusal.Reason != "right" {
			t.Errorf("login without the right = %s, %+v", status, out.Refusal)
		}
		if a := h.latest(t, p); a.Code != "federation.refusal.right" || a.Status != "RequestDenied" || a.Person != "Bo Holm" || !slices.Equal(a.Facts.Rights, []string{"urn:read"}) {
			t.Errorf("attempt = %+v", a)
		}
		if _, err := h.Rights.Give(t.Context(), by, entitlement.Gift{Employee: bo.ID, Right: right.ID}); err != nil {
			t.Fatal(err)
		}
		if status, _ := readStatus(t, h.logIn(t, "_4", "", bo.ID)); status != success {
			t.Errorf("login of a holder = %s", status)
		}
	})
}

// What an organisation withholds is not told, and its choice counts for its own
// employees only.
func TestWithheld(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		if err := h.Rights.SetOpen(t.Context(), h.own.Actor, p.ID, true); err != nil {
			t.Fatal(err)
		}
		_, err := h.Federation.SetUse(t.Context(), h.other.Actor, p.ID, federation.Use{Withheld: []string{"https://data.gov.dk/model/core/eid/professional/cvr"}})
		wantFault(t, "SetUse withholding the CVR number", err, fault.Invalid, "federation.use.attribute")
		used, err := h.Federation.SetUse(t.Context(), h.other.Actor, p.ID, federation.Use{Withheld: []string{email}})
		if err != nil || used.Own || used.OwnerName != h.own.Name || used.Use.Version != 1 {
			t.Fatalf("SetUse = %+v, %v", used, err)
		}
		_, err = h.Federation.SetUse(t.Context(), h.other.Actor, p.ID, federation.Use{})
		wantFault(t, "SetUse from an old version", err, fault.Conflict, "federation.policy.stale")
		if _, told := readStatus(t, h.logIn(t, "_1", "", h.other.Admin.ID)); told[email] != "" {
			t.Errorf("a withheld address was told: %s", told[email])
		}
		if a := h.latest(t, p); a.Employee != "" || a.Person != "" || a.CVR != h.other.CVR || !slices.Equal(a.Facts.Withheld, []string{email}) {
			t.Errorf("attempt by a stranger = %+v", a)
		}
		if _, told := readStatus(t, h.logIn(t, "_2", "", h.own.Admin.ID)); told[email] == "" {
			t.Error("another organisation's choice counted")
		}
		if err := h.Rights.SetOpen(t.Context(), h.own.Actor, p.ID, false); err != nil {
			t.Fatal(err)
		}
		_, err = h.Federation.Used(t.Context(), h.other.Actor, p.ID)
		wantFault(t, "Used of a closed service", err, fault.Absent, "federation.service.absent")
	})
}

// A service that expects somebody gets that person or nobody.
func TestSubject(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		bo := h.Employee(t, h.own.Organisation, "4711", "Bo Holm")
		subject := func(who string) string { return "<saml:Subject><saml:NameID>" + who + "</saml:NameID></saml:Subject>" }
		_, told := readStatus(t, h.logIn(t, "_0", "", bo.ID))
		for i, who := range []string{told["NameID"], "urn:uuid:" + string(bo.ID), strings.ToUpper(bo.Email), "4711"} {
			if status, _ := readStatus(t, h.logIn(t, "_a"+string(rune('0'+i)), subject(who), bo.ID)); status != success {
				t.Errorf("login of the person asked for as %s = %s", who, status)
			}
		}
		out := h.logIn(t, "_b", subject("4711"), h.own.Admin.ID)
		if status, _ := readStatus(t, out); status != oiosaml.AuthnFailed || out.Refusal.Reason != "subject" {
			t.Errorf("login of another person = %s, %+v", status, out.Refusal)
		}
		if a := h.latest(t, p); a.Facts.Subject != "4711" {
			t.Errorf("attempt = %+v", a)
		}
	})
}

// A person may say no on the login page; the service is told.
func TestCancel(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := h.Federation.Waiting(t.Context(), out.Flow, out.Cookie)
		if err != nil || waiting.Service != p.Name {
			t.Errorf("Waiting = %+v, %v", waiting, err)
		}
		_, err = h.Federation.Cancel(t.Context(), out.Flow, strings.Repeat("a", 43))
		wantFault(t, "Cancel from another browser", err, fault.Denied, "federation.flow.over")
		answered, err := h.Federation.Cancel(t.Context(), out.Flow, out.Cookie)
		if err != nil || answered.Refusal != nil {
			t.Fatalf("Cancel = %+v, %v", answered, err)
		}
		if status, _ := readReply(t, answered.Reply); status != oiosaml.AuthnFailed {
			t.Errorf("status = %s", status)
		}
		_, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
		wantFault(t, "Continue after Cancel", err, fault.Denied, "federation.flow.over")
	})
}
