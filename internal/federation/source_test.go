package federation_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

// publisher serves what a service publishes, and counts who asks.
type publisher struct {
	*httptest.Server

	document        atomic.Value // string; "" = it is down
	asked, answered atomic.Int64
}

func publish(t *testing.T, document string) *publisher {
	t.Helper()
	p := &publisher{}
	p.document.Store(document)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		document := p.document.Load().(string)
		tag := fmt.Sprintf(`"%d-%x"`, len(document), document[:min(len(document), 4)])
		switch {
		case document == "":
			w.WriteHeader(http.StatusBadGateway)
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(http.StatusNotModified)
		default:
			p.answered.Add(1)
			w.Header().Set("ETag", tag)
			_, _ = w.Write([]byte(document))
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (h hub) follow(t *testing.T, p federation.Partner, terms federation.SourceTerms) federation.Source {
	t.Helper()
	s, err := h.Federation.SetSource(t.Context(), h.own.Actor, p.ID, terms)
	if err != nil {
		t.Fatalf("SetSource: %v", err)
	}
	return s
}

// due moves the clock on to when documents are fetched, and fetches them.
func (h hub) due(t *testing.T) {
	t.Helper()
	h.Clock.Move(25 * time.Hour)
	for range 2 { // a second time changes nothing more
		if err := h.Feeds.Sweep(t.Context()); err != nil {
			t.Fatalf("Sweep: %v", err)
		}
	}
	h.Drain(t)
}

func (h hub) source(t *testing.T, p federation.Partner) federation.Source {
	t.Helper()
	s, err := h.Federation.Source(t.Context(), h.own.Actor, p.ID)
	if err != nil {
		t.Fatalf("Source: %v", err)
	}
	return s
}

// steps are what the mails about metadata say, by their first receivers' order.
func (h hub) steps(t *testing.T, address string) []string {
	t.Helper()
	var all []mail.Message
	if err := h.DB.NewSelect().Model(&all).Where("kind = ?", mail.KindMetadata).Where("address = ?", address).Order("queued_at", "id").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, m := range all {
		_, rest, _ := strings.Cut(m.Params, `"step":"`)
		step, _, _ := strings.Cut(rest, `"`)
		out = append(out, step)
	}
	return out
}

const technical = `</md:SPSSODescriptor><md:ContactPerson contactType="technical"><md:EmailAddress>mailto:drift@service.example</md:EmailAddress></md:ContactPerson><md:SPSSODescriptor protocolSupportEnumeration="none">`

var (
	before = []string{peer.SigningKey(peer.RSA()), peer.PostACS, technical}
	after  = []string{peer.SigningKey(peer.RSA()), peer.SigningKey(peer.Other()), peer.PostACS, technical}
	moved  = []string{peer.SigningKey(peer.RSA()), strings.Replace(peer.PostACS, "service.example/acs", "evil.example/acs", 1), technical}
)

// A service that publishes a new key: it is shown, and counts once a person has
// accepted it.
func TestSourceByHand(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t, before...)
		site := publish(t, peer.Metadata(before...))
		s := h.follow(t, p, federation.SourceTerms{URL: site.URL, Rule: federation.ByHand})
		if s.Feed == nil || s.Feed.URL != site.URL || s.Difference != nil || s.Version != 1 {
			t.Fatalf("SetSource = %+v", s)
		}
		h.due(t) // the first with a validator
		answered := site.answered.Load()
		h.due(t)
		if site.answered.Load() != answered || site.asked.Load() < 3 {
			t.Errorf("%d documents sent for %d questions, want none for one that has not changed", site.answered.Load(), site.asked.Load())
		}
		site.document.Store(peer.Metadata(after...))
		h.due(t)
		s = h.source(t, p)
		if s.Difference == nil || len(s.Difference.Added) != 1 || len(s.Difference.Removed) != 0 || len(s.Difference.Changes) != 0 {
			t.Fatalf("what waits = %+v", s.Difference)
		}
		if got := h.steps(t, "drift@service.example"); !reflect.DeepEqual(got, []string{"waits"}) {
			t.Errorf("mails to the contact = %q", got)
		}
		if now, err := h.Federation.Partner(t.Context(), h.own.Actor, p.ID); err != nil || len(now.Metadata.Signing) != 1 {
			t.Errorf("%d keys count before anybody accepted, %v", len(now.Metadata.Signing), err)
		}
		if _, _, err := h.Federation.AcceptProposal(t.Context(), h.other.Actor, p.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("AcceptProposal by another organisation = %v", err)
		}
		now, waiting, err := h.Federation.AcceptProposal(t.Context(), h.own.Actor, p.ID)
		if err != nil || waiting != nil || len(now.Metadata.Signing) != 2 {
			t.Fatalf("AcceptProposal = %d keys, %v, %v", len(now.Metadata.Signing), waiting, err)
		}
		if _, _, err := h.Federation.AcceptProposal(t.Context(), h.own.Actor, p.ID); fault.CodeOf(err) != "federation.source.nothing" {
			t.Errorf("AcceptProposal again = %v", err)
		}
		site.document.Store(peer.Metadata(moved...))
		h.due(t)
		if err := h.Federation.DiscardProposal(t.Context(), h.own.Actor, p.ID); err != nil {
			t.Fatalf("DiscardProposal: %v", err)
		}
		h.due(t)
		if _, err := h.Federation.FetchNow(t.Context(), h.own.Actor, p.ID); err != nil {
			t.Fatal(err)
		}
		if s := h.source(t, p); s.Proposed != "" {
			t.Error("what was turned down is proposed again")
		}
		h.wantLog(t, p, "service.register", "service.source", "service.propose", "service.replace", "service.propose", "service.discard")
	})
}

// By rule, new keys count at once, and nothing else does.
func TestSourceByRule(t *testing.T) {
	t.Parallel()
	sign := func(k oiosaml.Key, parts ...string) string {
		return string(peer.Must(peer.Signed(t, strings.Replace(peer.Metadata(parts...), "<md:EntityDescriptor ", `<md:EntityDescriptor ID="_doc" `, 1), k).WriteToBytes()))
	}
	other := []string{peer.SigningKey(peer.RSA()), strings.Replace(peer.PostACS, "service.example/acs", "service.example/other", 1), technical}
	for name, tc := range map[string]struct {
		rule, first, next string
		counts            bool
	}{
		"a key, by keys":              {federation.OnlyKeys, peer.Metadata(before...), peer.Metadata(after...), true},
		"an address, by keys":         {federation.OnlyKeys, peer.Metadata(before...), peer.Metadata(other...), false},
		"a key, signed":               {federation.Signed, sign(peer.EC(), before...), sign(peer.EC(), after...), true},
		"an address, signed":          {federation.Signed, sign(peer.EC(), before...), sign(peer.EC(), other...), true},
		"another host, signed":        {federation.Signed, sign(peer.EC(), before...), sign(peer.EC(), moved...), false},
		"a key, signed by another":    {federation.Signed, sign(peer.EC(), before...), sign(peer.Other(), after...), false},
		"a key, no longer signed":     {federation.Signed, sign(peer.EC(), before...), peer.Metadata(after...), false},
		"a key, altered after it was": {federation.Signed, sign(peer.EC(), before...), strings.Replace(sign(peer.EC(), after...), "/acs", "/ass", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, testkit.SQLite(t))
			p := h.register(t, before...)
			site := publish(t, tc.first)
			h.follow(t, p, federation.SourceTerms{URL: site.URL, Rule: tc.rule})
			site.document.Store(tc.next)
			h.due(t)
			s := h.source(t, p)
			want := map[bool][]string{true: {"accepted"}, false: {"waits"}}[tc.counts]
			if counts := s.Proposed == ""; counts != tc.counts || !reflect.DeepEqual(h.steps(t, "drift@service.example"), want) {
				t.Errorf("it counts: %v, mails %q", counts, h.steps(t, "drift@service.example"))
			}
		})
	}
	h := newHub(t, testkit.SQLite(t))
	p := h.register(t, before...)
	_, err := h.Federation.SetSource(t.Context(), h.own.Actor, p.ID, federation.SourceTerms{URL: publish(t, peer.Metadata(before...)).URL, Rule: federation.Signed})
	wantFault(t, "SetSource by a key that is not there", err, fault.Invalid, "federation.source.unsigned")
	_, err = h.Federation.SetSource(t.Context(), h.own.Actor, p.ID, federation.SourceTerms{URL: publish(t, string(metadataOf("https://b.example"))).URL, Rule: federation.OnlyKeys})
	wantFault(t, "SetSource to another's metadata", err, fault.Invalid, "federation.service.entity_id")
}

// Where two must look at metadata in use, no rule stands in for them.
func TestSourceFourEyes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t, before...)
		h.second(t)
		if w, err := h.Approval.Choose(t.Context(), h.own.Actor, []string{federation.ReplaceAct.Name}); w != nil || err != nil {
			t.Fatalf("Choose = %v, %v", w, err)
		}
		if _, err := db.NewUpdate().Model((*federation.Partner)(nil)).Set("last_login_at = ?", peer.Noon).Where("id = ?", p.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		site := publish(t, peer.Metadata(before...))
		h.follow(t, p, federation.SourceTerms{URL: site.URL, Rule: federation.OnlyKeys})
		site.document.Store(peer.Metadata(after...))
		h.due(t)
		if s := h.source(t, p); s.Difference == nil || len(s.Difference.Added) != 1 {
			t.Errorf("what waits = %+v", s.Difference)
		}
		_, waiting, err := h.Federation.AcceptProposal(t.Context(), h.own.Actor, p.ID)
		if err != nil || waiting == nil {
			t.Errorf("AcceptProposal = %v, %v, want it to wait for a second person", waiting, err)
		}
	})
}

// What fails to come leaves the last good copy, and after a day people are told,
// once a week.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t, before...)
		site := publish(t, peer.Metadata(before...))
		h.follow(t, p, federation.SourceTerms{URL: site.URL, Rule: federation.OnlyKeys})
		site.document.Store("")
		h.due(t)
		h.due(t)
		s := h.source(t, p)
		if s.Feed.Failure != "feed.status" || !s.Feed.FetchedAt.After(*s.Feed.GoodAt) {
			t.Errorf("Feed = %+v", s.Feed)
		}
		if got := h.steps(t, "drift@service.example"); !reflect.DeepEqual(got, []string{"failing"}) {
			t.Errorf("mails = %q, want one for two days", got)
		}
		for code, document := range map[string]string{
			"federation.metadata.expired":   strings.Replace(peer.Metadata(before...), "<md:EntityDescriptor ", `<md:EntityDescriptor validUntil="2027-03-01T00:00:00Z" `, 1),
			"federation.metadata.malformed": "<html>", "federation.service.entity_id": string(metadataOf("https://b.example")),
		} {
			site.document.Store(document)
			h.due(t)
			if got := h.source(t, p).Feed.Failure; got != code {
				t.Errorf("failure = %q, want %s", got, code)
			}
		}
		if now, err := h.Federation.Partner(t.Context(), h.own.Actor, p.ID); err != nil || len(now.Metadata.Signing) != 1 {
			t.Errorf("the last good copy = %+v, %v", now.Metadata, err)
		}
		site.document.Store(peer.Metadata(after...))
		h.due(t)
		if f := h.source(t, p).Feed; f.Failure != "" || f.ToldAt != nil {
			t.Errorf("Feed that is well again = %+v", f)
		}
		if _, err := h.Federation.Remove(t.Context(), h.own.Actor, p.ID); err != nil {
			t.Fatal(err)
		}
		if left := testkit.Contents(t, db)["metadata_feed"]; len(left) != 0 {
			t.Errorf("the feed of a service that is gone: %v", left)
		}
	})
}

// A document that ends soon is fetched before it does; one that wants to be cached
// long is left alone, within bounds.
func TestSourceSchedule(t *testing.T) {
	t.Parallel()
	for attributes, want := range map[string][2]time.Duration{
		``:                                  {4 * time.Hour, 6 * time.Hour},
		`cacheDuration="PT1M"`:              {48 * time.Minute, time.Hour},
		`cacheDuration="P30D"`:              {19 * time.Hour, 24 * time.Hour},
		`validUntil="2027-03-01T15:00:00Z"`: {90 * time.Minute, 90 * time.Minute},
	} {
		h := newHub(t, testkit.SQLite(t))
		p := h.register(t, before...)
		site := publish(t, strings.Replace(peer.Metadata(before...), "<md:EntityDescriptor ", "<md:EntityDescriptor "+attributes+" ", 1))
		s := h.follow(t, p, federation.SourceTerms{URL: site.URL, Rule: federation.ByHand})
		if in := s.Feed.NextAt.Sub(h.Clock.Now()); in < want[0] || in > want[1] {
			t.Errorf("%s: fetched again in %s, want %v", attributes, in, want)
		}
	}
}

// A service in a federation's document is found in it each time.
func TestSourceInAggregate(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t))
	p := h.register(t, before...)
	group := func(parts ...string) string {
		_, one, _ := strings.Cut(peer.Metadata(parts...), "?>")
		_, two, _ := strings.Cut(string(metadataOf("https://b.example")), "?>")
		return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + two + one + `</md:EntitiesDescriptor>`
	}
	site := publish(t, group(before...))
	h.follow(t, p, federation.SourceTerms{URL: site.URL, Rule: federation.OnlyKeys})
	site.document.Store(group(after...))
	h.due(t)
	now, err := h.Federation.Partner(t.Context(), h.own.Actor, p.ID)
	if err != nil || len(now.Metadata.Signing) != 2 {
		t.Errorf("keys = %d, %v", len(now.Metadata.Signing), err)
	}
	_, err = h.Feeds.Of(t.Context(), h.DB, h.other.ID, "service:"+p.ID)
	if f, _ := h.Feeds.Of(t.Context(), h.DB, h.other.ID, "service:"+p.ID); err != nil || f != nil {
		t.Errorf("another organisation reads the feed: %v", f)
	}
	if err := h.Feeds.Fetch(t.Context(), feed.Ref{Org: h.other.ID, Partner: "service:" + p.ID}); err != nil {
		t.Errorf("Fetch of a feed that is not there = %v", err)
	}
}
