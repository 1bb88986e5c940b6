package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// sourceSuccesses are of new metadata that a service publishes.
var sourceSuccesses = []success{
	{route: "POST /api/v1/services/:id/source/fetch", want: 200, verbs: "service.propose", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, path: "/api/v1/services/" + r.publishes(t, "https://one.publisher.example") + "/source/fetch"}
	}},
	{route: "POST /api/v1/services/:id/source/accept", want: 200, verbs: "service.replace", prepare: func(t *testing.T, r *rulings) act {
		id := r.publishes(t, "https://two.publisher.example")
		if _, err := r.Federation.FetchNow(t.Context(), r.ruler(), id); err != nil {
			t.Fatal(err)
		}
		return act{by: r.own.admin, path: "/api/v1/services/" + id + "/source/accept"}
	}},
	{route: "POST /api/v1/services/:id/source/discard", want: 204, verbs: "service.discard", prepare: func(t *testing.T, r *rulings) act {
		id := r.publishes(t, "https://three.publisher.example")
		if _, err := r.Federation.FetchNow(t.Context(), r.ruler(), id); err != nil {
			t.Fatal(err)
		}
		return act{by: r.own.admin, path: "/api/v1/services/" + id + "/source/discard"}
	}},
	{route: "PUT /api/v1/services/:id/conformance", want: 200, verbs: "conformance.plan", prepare: func(t *testing.T, r *rulings) act {
		id := r.publishes(t, "https://four.publisher.example")
		return act{by: r.own.admin, path: "/api/v1/services/" + id + "/conformance", body: tried}
	}},
	{route: "POST /api/v1/services/:id/conformance/runs", want: 202, verbs: "conformance.start", prepare: func(t *testing.T, r *rulings) act {
		path := "/api/v1/services/" + r.publishes(t, "https://five.publisher.example") + "/conformance"
		r.own.admin.Must(t, http.StatusOK, http.MethodPut, path, tried, nil)
		return act{by: r.own.admin, path: path + "/runs"}
	}},
}

// tried is how a service of peer.ACS is tried; nobody is there.
var tried = map[string]any{"start_url": peer.ACS, "page_url": "", "marker": "Log ud", "level": "", "version": 0}

// publishes registers a service that is followed by its address, where it has a new
// key since.
func (r *rulings) publishes(t *testing.T, entityID string) string {
	t.Helper()
	document := func(parts ...string) string {
		return strings.Replace(peer.Metadata(append(parts, peer.PostACS)...), `entityID="`+peer.EntityID+`"`, `entityID="`+entityID+`"`, 1)
	}
	var served atomic.Value
	served.Store(document(peer.SigningKey(peer.RSA())))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(served.Load().(string))) }))
	t.Cleanup(site.Close)
	p, err := r.Federation.Register(t.Context(), r.ruler(), []byte(served.Load().(string)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Federation.SetSource(t.Context(), r.ruler(), p.ID, federation.SourceTerms{URL: site.URL, Rule: federation.ByHand}); err != nil {
		t.Fatal(err)
	}
	served.Store(document(peer.SigningKey(peer.RSA()), peer.SigningKey(peer.Other())))
	return p.ID
}
