package federation_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

// readStatus reads an answer as readReply does, to any request.
func readStatus(t *testing.T, out federation.Outcome) (status string, texts map[string]string) {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(peer.Must(base64.StdEncoding.DecodeString(out.Reply.SAMLResponse))); err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	for _, e := range doc.FindElements("//*") {
		switch e.Tag {
		case "StatusCode":
			status = e.SelectAttrValue("Value", "")
		case "Attribute":
			texts[e.SelectAttrValue("Name", "")] = e.FindElement("./AttributeValue").Text()
		case "NameID":
			texts[e.Tag] = e.Text()
		}
	}
	return status, texts
}

const substantial = `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>https://data.gov.dk/concept/core/nsis/loa/Substantial</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`

// Each attempt says why it ended as it did, and its messages are there for proof
// until they are swept.
func TestAttempts(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		out := h.logIn(t, "_good", "", h.own.Admin.ID)
		h.Clock.Move(time.Second)
		refused := h.logIn(t, "_high", substantial, h.own.Admin.ID)
		if r := refused.Refusal; r == nil || r.Reason != "level" || r.Need != oiosaml.Substantial || r.Identity != oiosaml.Low || r.Means != oiosaml.Low || r.Service != p.Name {
			t.Errorf("refusal = %+v", r)
		}
		_, err := h.accept(t, strings.Replace(peer.AuthnRequest(`AssertionConsumerServiceURL="https://evil.example/acs"`, ""), "_request", "_evil", 1))
		wantFault(t, "Accept", err, fault.Denied, "federation.request.consumer")

		all, next, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, "", "")
		if err != nil || next != "" || len(all) != 3 {
			t.Fatalf("Attempts = %d, %q, %v", len(all), next, err)
		}
		evil, high, good := all[0], all[1], all[2]
		if evil.Code != "federation.request.consumer" || evil.Facts.Asked != "https://evil.example/acs" || !slices.Equal(evil.Facts.Registered, []string{peer.ACS}) || evil.Person != "" {
			t.Errorf("wrong address: %+v", evil)
		}
		if high.Code != "federation.refusal.level" || high.Status != "NoAuthnContext" || high.Facts.Level != "Low" || len(high.Facts.Wanted) != 1 || high.Person != h.own.Admin.Name() {
			t.Errorf("level: %+v", high)
		}
		if good.Result != federation.LoggedIn || good.Code != "" || good.Facts.Signer != oiosaml.Fingerprint(peer.RSA().Certificate) || !slices.Contains(good.Facts.Attributes, email) {
			t.Errorf("login: %+v", good)
		}
		if only, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, federation.Refused, ""); err != nil || len(only) != 2 {
			t.Errorf("refusals = %d, %v", len(only), err)
		}
		_, _, err = h.Federation.Attempts(t.Context(), h.other.Actor, p.ID, "", "")
		wantFault(t, "Attempts by another organisation", err, fault.Absent, "federation.service.absent")

		counts, err := h.Federation.Statistics(t.Context(), h.own.Actor, p.ID, 2)
		if err != nil || !slices.Equal(counts, []federation.Count{{Day: "2027-02-28"}, {Day: "2027-03-01", Logins: 1, Refusals: 2}}) {
			t.Errorf("Statistics = %+v, %v", counts, err)
		}

		parts, err := h.Federation.MessageParts(t.Context(), h.own.Actor, all)
		if err != nil || !slices.Equal(parts[good.ID], []string{"assertion", "request", "response"}) || !slices.Equal(parts[high.ID], []string{"request", "response"}) || len(parts[evil.ID]) != 0 {
			t.Errorf("MessageParts = %v, %v", parts, err)
		}
		response, err := h.Federation.Message(t.Context(), h.own.Actor, p.ID, good.ID, federation.ResponsePart)
		if err != nil || string(response) != string(out.Reply.Response) || base64.StdEncoding.EncodeToString(response) != out.Reply.SAMLResponse {
			t.Errorf("Message = %d bytes, %v", len(response), err)
		}
		for _, row := range testkit.Contents(t, db)["service_message"] {
			if strings.Contains(row, "SAMLRequest") || strings.Contains(row, "Assertion ") {
				t.Error("a message is stored in clear")
			}
		}
		if log := h.log(t, p); !slices.Contains(log, "saml.message") {
			t.Errorf("log = %q", log)
		}
		_, err = h.Federation.Message(t.Context(), h.other.Actor, p.ID, good.ID, federation.ResponsePart)
		wantFault(t, "Message by another organisation", err, fault.Absent, "federation.service.absent")
		h.sweep(t, p)
	})
}

// sweep checks that 180 days are kept and nothing longer.
func (h hub) sweep(t *testing.T, p federation.Partner) {
	t.Helper()
	for _, tc := range []struct {
		after time.Duration
		left  int
	}{{180*24*time.Hour - 10*time.Second, 3}, {11 * time.Second, 0}} {
		h.Clock.Move(tc.after)
		if err := h.Federation.DropRequests(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, "", ""); err != nil || len(all) != tc.left {
			t.Errorf("%d attempts are left, %v, want %d", len(all), err, tc.left)
		}
		if rows := testkit.Contents(t, h.DB)["service_message"]; (len(rows) == 0) != (tc.left == 0) {
			t.Errorf("%d messages are left", len(rows))
		}
	}
}

func TestAttemptsPage(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		for range 51 {
			_, err := h.accept(t, strings.Replace(peer.AuthnRequest("", ""), peer.SSO, "https://elsewhere.example", 1))
			wantFault(t, "Accept", err, fault.Denied, "federation.request.destination")
		}
		first, next, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, "", "")
		if err != nil || len(first) != 50 || next == "" {
			t.Fatalf("Attempts = %d, %q, %v", len(first), next, err)
		}
		second, next, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, "", next)
		if err != nil || len(second) != 1 || next != "" || second[0].ID == first[49].ID {
			t.Errorf("second page = %d, %q, %v", len(second), next, err)
		}
	})
}

// A test login makes what the service would get, for oneself, and sends nothing.
func TestTry(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		login := *h.login(t, h.own.Admin.ID)
		login.Actor.Roles = h.own.Actor.Roles
		_, told := readStatus(t, h.logIn(t, "_real", "", h.own.Admin.ID))
		got, err := h.Federation.Try(t.Context(), login, p.ID, federation.TrialWish{})
		if err != nil || got.Refusal != nil || got.NameID != told["NameID"] || got.Consumer != peer.ACS || !strings.Contains(string(got.Response), string(got.Assertion)) {
			t.Fatalf("Try = %+v, %v", got, err)
		}
		for _, a := range got.Attributes {
			if told[a.Name] != a.Value {
				t.Errorf("%s = %q, a real login tells %q", a.Name, a.Value, told[a.Name])
			}
		}
		if len(got.Attributes)+1 != len(told) {
			t.Errorf("%d attributes and a name, a real login tells %d", len(got.Attributes), len(told))
		}
		high, err := h.Federation.Try(t.Context(), login, p.ID, federation.TrialWish{Level: oiosaml.Substantial})
		if err != nil || high.Refusal == nil || high.Assertion != nil || high.Reason.Need != oiosaml.Substantial {
			t.Errorf("Try at Substantial = %+v, %v", high, err)
		}
		if a, _, err := h.Federation.Attempts(t.Context(), h.own.Actor, p.ID, "", ""); err != nil || len(a) != 1 {
			t.Errorf("%d attempts, %v, want the real one only", len(a), err)
		}
		token := login
		token.Actor.Employee, token.Actor.ID = "", "token:1"
		_, err = h.Federation.Try(t.Context(), token, p.ID, federation.TrialWish{})
		wantFault(t, "Try by a token", err, fault.Denied, "federation.trial.person")
		plain := *h.login(t, h.own.Admin.ID)
		_, err = h.Federation.Try(t.Context(), plain, p.ID, federation.TrialWish{})
		wantFault(t, "Try without the right", err, fault.Denied, "access.right.missing")
		foreign := *h.login(t, h.other.Admin.ID)
		foreign.Actor.Roles = access.Roles
		_, err = h.Federation.Try(t.Context(), foreign, p.ID, federation.TrialWish{})
		wantFault(t, "Try at another organisation's service", err, fault.Absent, "federation.service.absent")
		h.wantLog(t, p, "service.register", "saml.login", "service.try", "service.try")
	})
}
