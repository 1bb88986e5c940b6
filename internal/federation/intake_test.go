package federation_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

func TestReview(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t))
	got, err := h.Federation.Review(t.Context(), h.own.Actor, metadataOf(peer.EntityID), "")
	if err != nil || got.Problem != nil || got.EntityID != peer.EntityID || !slices.Equal(got.Consumers, []string{peer.ACS}) || len(got.Findings) == 0 {
		t.Errorf("Review = %+v, %v", got, err)
	}
	bad, err := h.Federation.Review(t.Context(), h.own.Actor, []byte("<a/>"), "")
	if err != nil || bad.Problem == nil || bad.Problem.Code != "federation.metadata.malformed" {
		t.Errorf("Review of something else = %+v, %v", bad, err)
	}
	h.register(t)
	taken := func(f oiosaml.Finding) bool { return f.Code == "entity_id.taken" }
	if again, err := h.Federation.Review(t.Context(), h.own.Actor, metadataOf(peer.EntityID), ""); err != nil || !slices.ContainsFunc(again.Findings, taken) {
		t.Errorf("Review of one that is registered = %+v, %v", again.Findings, err)
	}
	if again, err := h.Federation.Review(t.Context(), h.other.Actor, metadataOf(peer.EntityID), ""); err != nil || slices.ContainsFunc(again.Findings, taken) {
		t.Errorf("Review tells another organisation what is registered: %+v, %v", again.Findings, err)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	h := newHub(t, testkit.SQLite(t))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metadata":
			_, _ = w.Write(metadataOf(peer.EntityID))
		case "/large":
			_, _ = w.Write([]byte(strings.Repeat(" ", oiosaml.MaxAggregate+1)))
		default:
			http.Redirect(w, r, "/metadata", http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	secure := strings.Replace(server.URL, "http:", "https:", 1)
	h.Feeds.PrivateHosts = false
	for address, code := range map[string]string{
		"": "feed.address", "ftp://a.example": "feed.address", server.URL + "/metadata": "feed.address",
		"https://u:p@a.example/": "feed.address", secure + "/metadata": "feed.private",
	} {
		_, err := h.Federation.Fetch(t.Context(), h.own.Actor, address)
		wantFault(t, "Fetch of "+address, err, fault.Invalid, code)
	}
	h.Feeds.PrivateHosts = true
	got, err := h.Federation.Fetch(t.Context(), h.own.Actor, server.URL+"/metadata")
	if err != nil || string(got) != string(metadataOf(peer.EntityID)) {
		t.Errorf("Fetch = %d bytes, %v", len(got), err)
	}
	for path, code := range map[string]string{"/large": "feed.size", "/moved": "feed.status"} {
		_, err := h.Federation.Fetch(t.Context(), h.own.Actor, server.URL+path)
		wantFault(t, "Fetch of "+path, err, fault.Invalid, code)
	}
}
