package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// networked serves the site on a socket, whatever BASE_URL it has.
func (s *site) networked(t *testing.T) http.RoundTripper {
	t.Helper()
	server := httptest.NewServer(s.server)
	t.Cleanup(server.Close)
	t.Cleanup(s.server.EndStreams)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func plainHTTP(o *web.Options) { o.BaseURL = &url.URL{Scheme: "http", Host: "adgang.example"} }

// stream is the events of a batch as they come.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	last  map[string]any
}

func watch(t *testing.T, c *testkit.Client, id string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	res, err := c.HTTP.Do(c.Request(t, http.MethodGet, "/api/v1/batches/"+id+"/events", nil).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("GET events = %s %v", res.Status, res.Header)
	}
	return &stream{t: t, lines: bufio.NewScanner(res.Body)}
}

// until reads events to the first with so many rows in a state.
func (s *stream) until(state string, rows float64) {
	s.t.Helper()
	for name := ""; s.lines.Scan(); {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			s.last = nil
			if err := json.Unmarshal([]byte(value), &s.last); err != nil || name != "batch" {
				s.t.Fatalf("event %q: %v: %s", name, err, value)
			}
			if counts, _ := s.last["counts"].(map[string]any); counts[state] == rows {
				return
			}
		}
	}
	s.t.Fatalf("the stream ended (%v) without %g %s rows; last event %v", s.lines.Err(), rows, state, s.last)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t), plainHTTP)
	admin := testkit.NewClient(t, "http://adgang.example", s.networked(t))
	admin.LogIn(t, admin.Activate(t, s.company.Invitation.Token, s.company.Invitation.Code), "")
	id := *draft(t, admin, export(3)+"bad\n").ID
	first, second := watch(t, admin, id), watch(t, admin, id)
	first.until("pending", 3)
	for _, name := range []string{"errors", "notices"} {
		if _, there := first.last[name]; there {
			t.Errorf("an event has %s: %v", name, first.last)
		}
	}
	var whole map[string]any
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/batches/"+id, nil, &whole)
	for name, value := range whole {
		if _, there := first.last[name]; !there && name != "errors" && name != "notices" {
			t.Errorf("an event has no %s, which is %v", name, value)
		}
	}
	admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/batches/"+id+"/start", map[string]bool{"skip_bad": true}, nil)
	s.Drain(t)
	first.until("invited", 3)
	second.until("invited", 3)
	if first.last["state"] != "completed" {
		t.Errorf("state of the last event = %v, want completed", first.last["state"])
	}
	// One who comes late sees the state at once.
	watch(t, admin, id).until("invited", 3)
	s.server.EndStreams()
	for first.lines.Scan() {
	}
	if err := first.lines.Err(); err != nil {
		t.Errorf("the stream ended with %v, want a clean end", err)
	}
}

func TestEventsNeedTheRight(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	id := *draft(t, s.admin(t, s.company), export(1)).ID
	for _, tc := range []struct {
		name   string
		client *testkit.Client
		status int
		code   string
	}{
		{"nobody", s.client(t), 401, "session.none"},
		{"an employee", s.employee(t), 403, "access.right.missing"},
		{"another organisation", s.admin(t, s.Company(t, otherCVR)), 404, "cutover.batch.absent"},
	} {
		refused(t, tc.name, tc.client.Do(t, http.MethodGet, "/api/v1/batches/"+id+"/events", nil), tc.status, tc.code)
	}
}
