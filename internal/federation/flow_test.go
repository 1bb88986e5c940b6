package federation_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

const success = "urn:oasis:names:tc:SAML:2.0:status:Success"

// accept sends a request, signed by the key of register, from a new browser.
func (h hub) accept(t *testing.T, xml string) (federation.Outcome, error) {
	t.Helper()
	return h.acceptFrom(t, xml, "")
}

func (h hub) acceptFrom(t *testing.T, xml, cookie string) (federation.Outcome, error) {
	t.Helper()
	m, err := oiosaml.ReadRedirect(peer.Redirect(t, xml, "state", peer.RSA()))
	if err != nil {
		t.Fatalf("ReadRedirect: %v", err)
	}
	return h.Federation.Accept(t.Context(), m, cookie, "192.0.2.7")
}

// login is an employee who logs in now.
func (h hub) login(t *testing.T, id access.EmployeeID) *federation.Login {
	t.Helper()
	by := access.Actor{OrgID: h.own.ID, ID: "employee:" + string(id), Employee: id, Address: "192.0.2.7"}
	if id == h.other.Admin.ID {
		by.OrgID = h.other.ID
	}
	return &federation.Login{Actor: by, At: h.Clock.Now()}
}

// reply reads an answer that is not encrypted: its status (the second-level code
// of a refusal) and the texts of its elements and attributes, by local name.
func readReply(t *testing.T, r *oiosaml.Reply) (status string, texts map[string]string) {
	t.Helper()
	if r == nil {
		t.Fatal("no reply")
	}
	raw, err := base64.StdEncoding.DecodeString(r.SAMLResponse)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	for _, e := range doc.FindElements("//*") {
		switch e.Tag {
		case "StatusCode":
			status = e.SelectAttrValue("Value", "")
		case "Attribute":
			texts[e.SelectAttrValue("Name", "")] = e.FindElement("./AttributeValue").Text()
		case "NameID", "Audience":
			texts[e.Tag] = e.Text()
		}
	}
	if r.URL != peer.ACS || r.RelayState != "state" || doc.Root().SelectAttrValue("InResponseTo", "") != "_request" {
		t.Errorf("reply to %s with state %q, in response to %s", r.URL, r.RelayState, doc.Root().SelectAttrValue("InResponseTo", ""))
	}
	return status, texts
}

func TestLoginToAService(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		bo := h.Employee(t, h.own.Organisation, "4711", "Bo Holm")
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil || out.Flow == "" || len(out.Cookie) != 43 || out.Reply != nil {
			t.Fatalf("Accept = %+v, %v", out, err)
		}
		for range 2 { // nobody is logged in yet
			waiting, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, nil)
			if err != nil || waiting.Reply != nil || waiting.Flow != out.Flow {
				t.Fatalf("Continue without a login = %+v, %v", waiting, err)
			}
		}
		h.Clock.Move(10 * time.Minute)
		answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, bo.ID))
		if err != nil {
			t.Fatal(err)
		}
		status, texts := readReply(t, answered.Reply)
		for name, want := range map[string]string{
			"https://data.gov.dk/model/core/specVersion":                      "OIO-SAML-3.0",
			"https://data.gov.dk/concept/core/nsis/loa":                       "Low",
			"https://data.gov.dk/model/core/eid/professional/cvr":             "34051178",
			"https://data.gov.dk/model/core/eid/professional/orgName":         h.own.Name,
			"https://data.gov.dk/model/core/eid/professional/rid":             "4711",
			"https://data.gov.dk/model/core/eid/professional/uuid/persistent": string(bo.ID),
			"https://data.gov.dk/model/core/eid/fullName":                     "Bo Holm",
			"https://data.gov.dk/model/core/eid/email":                        bo.Email,
			"Audience": peer.EntityID,
		} {
			if !strings.HasSuffix(texts[name], want) {
				t.Errorf("%s = %q, want %q", name, texts[name], want)
			}
		}
		if status != success {
			t.Errorf("status = %s", status)
		}
		h.wantLog(t, p, "service.register", "saml.login")
		got, err := h.Federation.Partner(t.Context(), h.own.Actor, p.ID)
		if err != nil || got.LastLoginAt == nil || !got.LastLoginAt.Equal(h.Clock.Now()) {
			t.Errorf("last login = %v, %v", got.LastLoginAt, err)
		}

		_, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, bo.ID))
		wantFault(t, "Continue again", err, fault.Denied, "federation.flow.over")
		_, err = h.accept(t, peer.AuthnRequest("", ""))
		wantFault(t, "Accept of the same request", err, fault.Denied, "federation.request.expired")
		h.wantLog(t, p, "service.register", "saml.login", "saml.refuse federation.flow.over", "saml.refuse federation.request.expired")
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		if _, err := h.accept(t, peer.AuthnRequest("", "")); err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(5 * time.Minute) // still fresh, were it new
		if err := h.Federation.DropRequests(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := h.accept(t, peer.AuthnRequest("", ""))
		wantFault(t, "Accept again", err, fault.Denied, "federation.request.replay")
		h.wantLog(t, p, "service.register", "saml.refuse federation.request.replay")
		if rows := testkit.Contents(t, db)["saml_request"]; len(rows) != 1 {
			t.Errorf("%d requests on record, want 1", len(rows))
		}
	})
}

func TestContinueBelongsToOneBrowser(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		login := h.login(t, h.own.Admin.ID)
		for _, cookie := range []string{"", strings.Repeat("a", 43), out.Cookie + "="} {
			_, err := h.Federation.Continue(t.Context(), out.Flow, cookie, login)
			wantFault(t, "Continue from another browser", err, fault.Denied, "federation.flow.over")
		}
		_, err = h.Federation.Continue(t.Context(), "no-such", out.Cookie, login)
		wantFault(t, "Continue of an unknown flow", err, fault.Denied, "federation.flow.over")
		h.wantLog(t, p, append([]string{"service.register"}, slices.Repeat([]string{"saml.refuse federation.flow.over"}, 3)...)...)

		// A second flow in the same browser keeps the cookie, and both go on.
		second, err := h.acceptFrom(t, strings.Replace(peer.AuthnRequest("", ""), "_request", "_second", 1), out.Cookie)
		if err != nil || second.Cookie != out.Cookie || second.Flow == out.Flow {
			t.Fatalf("Accept with a cookie = %+v, %v", second, err)
		}
		for _, flow := range []string{out.Flow, second.Flow} {
			if answered, err := h.Federation.Continue(t.Context(), flow, out.Cookie, login); err != nil || answered.Reply == nil {
				t.Errorf("Continue = %+v, %v", answered, err)
			}
		}
		for _, row := range testkit.Contents(t, db)["saml_request"] {
			if strings.Contains(row, out.Cookie) {
				t.Error("the cookie is stored in clear")
			}
		}
	})
}

func TestFlowEndsAfterAnHour(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		h.register(t)
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(time.Hour - time.Second)
		if waiting, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, nil); err != nil || waiting.Flow == "" {
			t.Errorf("Continue after 59:59 = %+v, %v", waiting, err)
		}
		h.Clock.Move(time.Second)
		_, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
		wantFault(t, "Continue after an hour", err, fault.Denied, "federation.flow.over")
		if err := h.Federation.DropRequests(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := testkit.Contents(t, db)["saml_request"]; len(rows) != 0 {
			t.Errorf("%d requests are left", len(rows))
		}
	})
}

func TestForceAuthn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		h.register(t)
		before := h.login(t, h.own.Admin.ID)
		out, err := h.accept(t, peer.AuthnRequest(`ForceAuthn="true"`, ""))
		if err != nil {
			t.Fatal(err)
		}
		if waiting, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, before); err != nil || waiting.Reply != nil {
			t.Errorf("Continue with an older login = %+v, %v, want to log in anew", waiting, err)
		}
		h.Clock.Move(time.Second)
		answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := readReply(t, answered.Reply); status != success {
			t.Errorf("status = %s", status)
		}
	})
}

// What the service is told when it does not get a person.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const substantial = `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>https://data.gov.dk/concept/core/nsis/loa/Substantial</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`
	for _, tc := range []struct {
		name, attrs, inner string
		who                func(h hub) access.EmployeeID // nil = nobody
		status, log        string
	}{
		{
			name: "passive, nobody logged in", attrs: `IsPassive="true"`,
			status: oiosaml.NoPassive, log: "saml.refuse NoPassive",
		},
		{
			name: "passive, somebody logged in", attrs: `IsPassive="true"`, who: func(h hub) access.EmployeeID { return h.own.Admin.ID },
			status: success, log: "saml.login",
		},
		{
			name: "person of another organisation", who: func(h hub) access.EmployeeID { return h.other.Admin.ID },
			status: oiosaml.RequestDenied, log: "saml.refuse RequestDenied",
		},
		{
			name: "level Substantial", inner: substantial, who: func(h hub) access.EmployeeID { return h.own.Admin.ID },
			status: oiosaml.NoAuthnContext, log: "saml.refuse NoAuthnContext",
		},
		{
			name: "level Low", inner: strings.Replace(substantial, "Substantial", "Low", 1), who: func(h hub) access.EmployeeID { return h.own.Admin.ID },
			status: success, log: "saml.login",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				h := newHub(t, db)
				p := h.register(t)
				out, err := h.accept(t, peer.AuthnRequest(tc.attrs, tc.inner))
				if err != nil {
					t.Fatal(err)
				}
				var login *federation.Login
				if tc.who != nil {
					login = h.login(t, tc.who(h))
				}
				answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, login)
				if err != nil {
					t.Fatal(err)
				}
				status, texts := readReply(t, answered.Reply)
				if status != tc.status || (status == success) != (texts["NameID"] != "") {
					t.Errorf("status %s, NameID %q, want %s", status, texts["NameID"], tc.status)
				}
				h.wantLog(t, p, "service.register", tc.log)
				if entries := testkit.Contents(t, db)["audit_entry"]; strings.Contains(strings.Join(entries, "\n"), "saml.login") != (tc.status == success) {
					t.Error("a login is recorded that was none")
				}
				_, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
				wantFault(t, "Continue after the answer", err, fault.Denied, "federation.flow.over")
			})
		})
	}
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		message func(t *testing.T) *oiosaml.Message
		code    string
		unknown bool // no service to record it for
	}{
		{name: "unknown service", code: "federation.service.unknown", unknown: true, message: func(t *testing.T) *oiosaml.Message {
			return peer.Post(t, peer.Signed(t, strings.ReplaceAll(peer.AuthnRequest("", ""), peer.EntityID, "https://nobody.example"), peer.RSA()))
		}},
		{name: "unsigned", code: "federation.request.unsigned", message: func(t *testing.T) *oiosaml.Message {
			doc := etree.NewDocument()
			if err := doc.ReadFromString(peer.AuthnRequest("", "")); err != nil {
				t.Fatal(err)
			}
			return peer.Post(t, doc)
		}},
		{name: "signed by another key", code: "federation.request.signature", message: func(t *testing.T) *oiosaml.Message {
			return peer.Post(t, peer.Signed(t, peer.AuthnRequest("", ""), peer.Other()))
		}},
		{name: "altered", code: "federation.request.signature", message: func(t *testing.T) *oiosaml.Message {
			doc := peer.Signed(t, peer.AuthnRequest("", ""), peer.RSA())
			doc.Root().CreateAttr("ForceAuthn", "true")
			return peer.Post(t, doc)
		}},
		{name: "unknown consumer", code: "federation.request.consumer", message: func(t *testing.T) *oiosaml.Message {
			return peer.Post(t, peer.Signed(t, peer.AuthnRequest(`AssertionConsumerServiceURL="https://evil.example/acs"`, ""), peer.RSA()))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				h := newHub(t, db)
				p := h.register(t)
				out, err := h.Federation.Accept(t.Context(), tc.message(t), "", "192.0.2.7")
				if fault.KindOf(err) != fault.Denied || fault.CodeOf(err) != tc.code || out.Flow != "" || out.Reply != nil {
					t.Errorf("Accept = %+v, %v, want %s", out, err, tc.code)
				}
				if rows := testkit.Contents(t, db)["saml_request"]; len(rows) != 0 {
					t.Errorf("%d requests on record", len(rows))
				}
				if !tc.unknown {
					h.wantLog(t, p, "service.register", "saml.refuse "+tc.code)
					return
				}
				entries, err := audit.Of(t.Context(), db, "", "service:")
				if err != nil || len(entries) != 1 || entries[0].Note != tc.code || entries[0].Address != "192.0.2.7" {
					t.Errorf("entries = %+v, %v", entries, err)
				}
			})
		})
	}
}

// A request that the service is told about is answered at once.
func TestAcceptAnswers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		out, err := h.accept(t, peer.AuthnRequest(`ForceAuthn="true" IsPassive="true"`, ""))
		if err != nil || out.Flow != "" {
			t.Fatalf("Accept = %+v, %v", out, err)
		}
		if status, _ := readReply(t, out.Reply); status != oiosaml.RequestUnsupported {
			t.Errorf("status = %s", status)
		}
		h.wantLog(t, p, "service.register", "saml.refuse RequestUnsupported")
	})
}

// Ten clicks, one assertion.
func TestContinueTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		h.register(t)
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		login := h.login(t, h.own.Admin.ID)
		var mu sync.Mutex
		replies := 0
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, login)
				mu.Lock()
				defer mu.Unlock()
				if answered.Reply != nil {
					replies++
				} else if k := fault.KindOf(err); k != fault.Denied && k != fault.Conflict {
					t.Errorf("Continue: %v", err)
				}
			})
		}
		all.Wait()
		if replies != 1 {
			t.Errorf("%d assertions, want 1", replies)
		}
	})
}

// A person has one name at each service, and it is another at the next.
func TestNameIDs(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		h.register(t)
		if _, err := h.Federation.Register(t.Context(), h.own.Actor, metadataOf("https://b.example")); err != nil {
			t.Fatal(err)
		}
		bo := h.Employee(t, h.own.Organisation, "4711", "Bo Holm")
		name := func(entityID string, who access.EmployeeID) string {
			out, err := h.accept(t, strings.ReplaceAll(peer.AuthnRequest("", ""), peer.EntityID, entityID))
			if err != nil {
				t.Fatal(err)
			}
			answered, err := h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, who))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec("DELETE FROM saml_request"); err != nil { // so that the request may come again
				t.Fatal(err)
			}
			_, texts := readReply(t, answered.Reply)
			return texts["NameID"]
		}
		first := name(peer.EntityID, bo.ID)
		if first == "" || name(peer.EntityID, bo.ID) != first {
			t.Error("the name at a service changes")
		}
		if other := name("https://b.example", bo.ID); other == first {
			t.Error("two services see the same name")
		}
		if other := name(peer.EntityID, h.own.Admin.ID); other == first {
			t.Error("two people have the same name")
		}
	})
}
