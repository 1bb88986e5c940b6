package conformance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

// hub is an installation at noon with a service that is tried.
type hub struct {
	*testkit.Domain

	own, other testkit.Company
	sp         *service
	partner    federation.Partner
}

// service is a business service that asks for the level Substantial. Lax, it lets
// everybody in who brings anything.
type service struct {
	*httptest.Server

	t         testing.TB
	lax       bool
	elsewhere string // where the login leads instead
	from      oiosaml.Identity
	now       func() time.Time
	mu        sync.Mutex
	visits    map[string]string // request by cookie; "in" = logged in
	seen      map[string]bool   // assertions
	posts     int
	refusals  []string
}

const substantial = `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>https://data.gov.dk/concept/core/nsis/loa/Substantial</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	visit := ""
	if c, err := r.Cookie("visit"); err == nil {
		visit = c.Value
	}
	switch r.URL.Path {
	case "/login":
		if s.elsewhere != "" {
			http.Redirect(w, r, s.elsewhere, http.StatusFound)
			return
		}
		visit = fmt.Sprintf("v%d", len(s.visits))
		id := fmt.Sprintf("_request%d", len(s.visits))
		s.visits[visit] = id
		xml := strings.Replace(peer.AuthnRequest("", substantial), `ID="_request"`, `ID="`+id+`"`, 1)
		xml = strings.Replace(xml, "2027-03-01T12:00:00Z", s.now().UTC().Format(time.RFC3339), 1)
		http.SetCookie(w, &http.Cookie{Name: "visit", Value: visit, Path: "/"})
		http.Redirect(w, r, peer.SSO+"?"+peer.Redirect(s.t, xml, "a&b=c d", peer.RSA()), http.StatusFound)
	case "/acs":
		s.posts++
		if why := s.consume(r, visit); why != nil {
			s.refusals = append(s.refusals, why.Error())
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		s.visits[visit] = "in"
		http.Redirect(w, r, "/page?who=me", http.StatusSeeOther)
	case "/page":
		if s.visits[visit] != "in" {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		_, _ = fmt.Fprint(w, "<h1>Blåb&aelig;rgr&oslash;d</h1>")
	default:
		_, _ = fmt.Fprint(w, "<h1>Everybody</h1>")
	}
}

func (s *service) consume(r *http.Request, visit string) error {
	if s.lax {
		return nil
	}
	a, err := oiosaml.ReadAnswer(r.PostFormValue("SAMLResponse"))
	if err != nil {
		return err
	}
	v, err := a.Check(oiosaml.Expected{
		From: s.from, Audience: peer.EntityID, Consumer: s.URL + "/acs", InReplyTo: s.visits[visit], AskedAt: s.now().Add(-time.Minute),
		Opener: oiosaml.Opener{Keys: []oiosaml.Key{peer.Other()}}, Skew: time.Minute,
	}, s.now())
	if err != nil {
		return err
	}
	if s.seen[v.AssertionID] || v.Level < oiosaml.Substantial {
		return fmt.Errorf("seen %v, level %s", s.seen[v.AssertionID], v.Level)
	}
	s.seen[v.AssertionID] = true
	return nil
}

func newHub(t *testing.T, db *bun.DB, lax, encrypted bool) *hub {
	t.Helper()
	d := testkit.NewDomain(t, db)
	d.Federate(t)
	d.Clock.Move(peer.Noon.Sub(d.Clock.Now()))
	h := &hub{Domain: d, own: d.Company(t, "34051178"), other: d.Company(t, "30808460")}
	metadata, err := d.Federation.IdPMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.sp = &service{t: t, lax: lax, now: d.Clock.Now, visits: map[string]string{}, seen: map[string]bool{}}
	if h.sp.from, err = oiosaml.ParseIdentity(metadata, d.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	h.sp.Server = httptest.NewServer(h.sp)
	t.Cleanup(h.sp.Close)
	parts := []string{peer.SigningKey(peer.RSA())}
	if encrypted {
		parts = append(parts, peer.EncryptionKey(peer.Other(), ""))
	}
	document := strings.Replace(peer.Metadata(append(parts, peer.PostACS)...), peer.ACS, h.sp.URL+"/acs", 1)
	if h.partner, err = h.Federation.Register(t.Context(), h.own.Actor, []byte(document)); err != nil {
		t.Fatalf("Register: %v", err)
	}
	return h
}

func (h *hub) plan(t *testing.T, change func(*conformance.Plan)) conformance.Plan {
	t.Helper()
	o, err := h.Conformance.Overview(t.Context(), h.own.Actor, h.partner.ID)
	if err != nil {
		t.Fatalf("Overview: %v", err)
	}
	p := conformance.Plan{Start: h.sp.URL + "/login", Page: h.sp.URL + "/page", Marker: "Blåbærgrød", Version: o.Plan.Version}
	if change != nil {
		change(&p)
	}
	out, err := h.Conformance.SetPlan(t.Context(), h.own.Actor, h.partner.ID, p)
	if err != nil {
		t.Fatalf("SetPlan: %v", err)
	}
	return out
}

// run starts a run, has it carried out, and returns its report.
func (h *hub) run(t *testing.T) conformance.Run {
	t.Helper()
	r, err := h.Conformance.Start(t.Context(), h.own.Actor, h.partner.ID)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	h.Drain(t)
	out, err := h.Conformance.Report(t.Context(), h.own.Actor, h.partner.ID, r.ID)
	if err != nil || out.State != conformance.Done || out.FinishedAt == nil {
		t.Fatalf("Report = %+v, %v", out, err)
	}
	return out
}

func results(r conformance.Run) map[string]string {
	all := map[string]string{}
	for _, c := range r.Cases {
		all[c.Code] = c.Result
	}
	return all
}

func TestStrictService(t *testing.T) {
	t.Parallel()
	for name, encrypted := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				h := newHub(t, db, false, encrypted)
				h.plan(t, nil)
				r := h.run(t)
				if len(r.Cases) != len(conformance.Codes()) || r.Trouble != "" {
					t.Fatalf("%d cases, trouble %q", len(r.Cases), r.Trouble)
				}
				for _, c := range r.Cases {
					if c.Result != conformance.Passed {
						t.Errorf("%s: %s (%s, %d at %s)", c.Code, c.Result, c.Why, c.Status, c.Ended)
					}
					if (c.Sent == "") != (c.Code == conformance.Stranger) || strings.Contains(c.Ended, "?") {
						t.Errorf("%s: sent %d bytes, ended at %s", c.Code, len(c.Sent), c.Ended)
					}
					if c.Sent != "" && (!strings.Contains(c.Sent, "Konformitetstest") || !strings.Contains(c.Sent, "adgang.invalid")) {
						t.Errorf("%s is said of somebody who may be somebody: %s", c.Code, c.Sent)
					}
				}
				h.logged(t, "conformance.finish", fmt.Sprintf("run %s: %d passed, 0 failed, 0 unclear", r.ID, len(r.Cases)))
				for table, want := range map[string]int{"service_attempt": 0, "saml_request": 0, "service_message": 0} {
					if n, err := db.NewSelect().Table(table).Count(t.Context()); err != nil || int(n) != want {
						t.Errorf("%s has %d rows, %v: nobody logged in", table, n, err)
					}
				}
			})
		})
	}
}

func (h *hub) logged(t *testing.T, verb, note string) {
	t.Helper()
	entries, err := audit.Of(t.Context(), h.DB, h.own.ID, "service:"+h.partner.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.Verb == verb && e.Note == note }) {
		t.Errorf("no entry %s %q in %v", verb, note, entries)
	}
}

func TestLaxService(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t), true, false)
	h.plan(t, nil)
	r := h.run(t)
	for _, c := range r.Cases {
		want := conformance.Failed
		if c.Code == conformance.Stranger || c.Code == string(oiosaml.NoFlaw) {
			want = conformance.Passed
		}
		if c.Result != want || c.Code != conformance.Stranger && c.Why != "in" {
			t.Errorf("%s: %s (%s), want %s", c.Code, c.Result, c.Why, want)
		}
	}
	// Where the login ends will do for a page.
	h.Clock.Move(2 * time.Minute)
	h.plan(t, func(p *conformance.Plan) { p.Page = "" })
	if again := h.run(t); again.Count(conformance.Failed) != r.Count(conformance.Failed) {
		t.Errorf("without a page: %v", results(again))
	}
}

// What cannot be judged is said to be so, and no service is sent anything that does
// not ask Adgang for a login itself.
func TestNothingToJudge(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was called") }))
	t.Cleanup(other.Close)
	for name, tc := range map[string]struct {
		change    func(*conformance.Plan)
		elsewhere string
		lax       bool
		trouble   string
		why       string
		posts     int
	}{
		"everybody sees the text": {change: func(p *conformance.Plan) {
			p.Page, p.Marker = strings.Replace(p.Page, "/page", "/public", 1), "Everybody"
		}, trouble: "stranger", why: "in"},
		"nobody sees the text":      {change: func(p *conformance.Plan) { p.Marker = "Jordbær" }, trouble: "good", why: "out", posts: 1},
		"the login leads nowhere":   {change: func(p *conformance.Plan) { p.Start = strings.Replace(p.Start, "/login", "/public", 1) }, trouble: "good", why: "no_request"},
		"the login leads elsewhere": {elsewhere: other.URL, change: func(p *conformance.Plan) { p.Page = strings.Replace(p.Page, "/page", "/public", 1) }, trouble: "good", why: "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, testkit.SQLite(t), true, false)
			h.sp.elsewhere = tc.elsewhere
			h.plan(t, tc.change)
			r := h.run(t)
			if r.Trouble != "conformance.trouble."+tc.trouble || len(r.Cases) != len(conformance.Codes()) {
				t.Errorf("trouble %q, cases %v", r.Trouble, results(r))
			}
			for _, c := range r.Cases {
				if c.Code == tc.trouble && c.Why != tc.why {
					t.Errorf("%s: %s because of %s, want %s", c.Code, c.Result, c.Why, tc.why)
				}
			}
			if h.sp.posts != tc.posts || r.Count(conformance.Skipped) < len(r.Cases)-2 {
				t.Errorf("%d answers were sent, want %d; %v", h.sp.posts, tc.posts, results(r))
			}
		})
	}
}

// A request that does not count gets no answer: here it is signed by no key of the
// service.
func TestRequestThatDoesNotCount(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t), true, false)
	document := strings.Replace(peer.Metadata(peer.SigningKey(peer.Other()), peer.PostACS), peer.ACS, h.sp.URL+"/acs", 1)
	if _, _, err := h.Federation.Replace(t.Context(), h.own.Actor, h.partner.ID, []byte(document)); err != nil {
		t.Fatal(err)
	}
	h.plan(t, nil)
	if r := h.run(t); r.Trouble != "conformance.trouble.good" || r.Cases[1].Why != "federation.request.signature" || h.sp.posts != 0 {
		t.Errorf("trouble %q, %+v after %d answers", r.Trouble, r.Cases[1], h.sp.posts)
	}
}

func TestPrivateAddress(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t), true, false)
	h.plan(t, nil)
	h.Conformance.PrivateHosts = false
	if _, err := h.Conformance.Start(t.Context(), h.own.Actor, h.partner.ID); fault.CodeOf(err) != "conformance.plan.address" {
		t.Errorf("Start = %v", err)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db, true, false)
		s, id := h.Conformance, h.partner.ID
		if _, err := s.Start(t.Context(), h.own.Actor, id); fault.CodeOf(err) != "conformance.run.plan" {
			t.Errorf("Start without a plan = %v", err)
		}
		good := conformance.Plan{Start: h.sp.URL + "/login", Marker: "Log ud"}
		for code, change := range map[string]func(*conformance.Plan){
			"conformance.plan.host":    func(p *conformance.Plan) { p.Start = "https://bank.example/login" },
			"conformance.plan.address": func(p *conformance.Plan) { p.Page = "ftp://service.example/" },
			"conformance.plan.marker":  func(p *conformance.Plan) { p.Marker = " " },
			"conformance.plan.level":   func(p *conformance.Plan) { p.Level = "Highest" },
			"conformance.plan.stale":   func(p *conformance.Plan) { p.Version = 7 },
		} {
			p := good
			change(&p)
			if _, err := s.SetPlan(t.Context(), h.own.Actor, id, p); fault.CodeOf(err) != code {
				t.Errorf("SetPlan = %v, want %s", err, code)
			}
		}
		for name, by := range map[string]struct {
			testkit.Company
			roles bool
			code  string
		}{"another organisation": {h.other, true, "federation.service.absent"}, "without the right": {h.own, false, "access.right.missing"}} {
			actor := by.Actor
			if !by.roles {
				actor.Roles = nil
			}
			_, a := s.Overview(t.Context(), actor, id)
			_, b := s.SetPlan(t.Context(), actor, id, good)
			_, c := s.Start(t.Context(), actor, id)
			_, d := s.Report(t.Context(), actor, id, "x")
			for i, err := range []error{a, b, c, d} {
				if fault.CodeOf(err) != by.code {
					t.Errorf("%s, method %d: %v", name, i, err)
				}
			}
		}
		h.plan(t, nil)
		if _, err := s.SetPlan(t.Context(), h.own.Actor, id, good); fault.CodeOf(err) != "conformance.plan.stale" {
			t.Errorf("a second first plan = %v", err)
		}
		r := h.run(t)
		h.logged(t, "conformance.start", "run "+r.ID)
		posts := h.sp.posts
		if err := s.Carry(t.Context(), conformance.RunRef{Org: h.own.ID, ID: r.ID}); err != nil || h.sp.posts != posts {
			t.Errorf("carried out again: %v, %d answers more", err, h.sp.posts-posts)
		}
		if _, err := s.Start(t.Context(), h.own.Actor, id); fault.CodeOf(err) != "conformance.run.soon" {
			t.Errorf("Start at once again = %v", err)
		}
		h.Clock.Move(time.Minute)
		second := h.run(t)
		o, err := s.Overview(t.Context(), h.own.Actor, id)
		if err != nil || len(o.Runs) != 2 || o.Runs[0].ID != second.ID || o.Runs[0].Cases[1].Sent != "" || !strings.HasPrefix(o.Name, oiosaml.NameIDPrefix) {
			t.Errorf("Overview = %+v, %v", o, err)
		}
	})
}

// A run whose worker dies goes on where it was.
func TestRunGoesOn(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t), false, false)
	h.plan(t, nil)
	r := h.run(t)
	cut := r.Text[:strings.Index(r.Text, `{"code":"expired"`)-1] + "]"
	if _, err := h.DB.NewUpdate().Model(&r).Set("state = ?", conformance.Running).Set("cases = ?", cut).WherePK().Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(time.Minute)
	posts := h.sp.posts
	if err := h.Conformance.Carry(t.Context(), conformance.RunRef{Org: h.own.ID, ID: r.ID}); err != nil {
		t.Fatal(err)
	}
	again, err := h.Conformance.Report(t.Context(), h.own.Actor, h.partner.ID, r.ID)
	if err != nil || len(again.Cases) != len(r.Cases) || h.sp.posts-posts != posts-1 || !again.Cases[1].At.Equal(r.Cases[1].At) {
		t.Errorf("%d cases, %d answers after %d, %v", len(again.Cases), h.sp.posts-posts, posts, err)
	}
}
