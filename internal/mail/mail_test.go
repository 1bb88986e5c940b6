package mail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const org access.OrgID = "019ab000-0000-7000-8000-000000000001"

const token = "Zm9yLXRlc3RzLW9ubHktbm90LWEtcmVhbC10b2tlbi0"

// newService returns a service whose clock starts at testkit's instant, and a
// buffer with all that it logs.
func newService(t *testing.T, db *bun.DB, transport mail.Transport) (*mail.Service, *testkit.Clock, *bytes.Buffer) {
	t.Helper()
	keys, err := secret.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	clock, logged := testkit.NewClock(), new(bytes.Buffer)
	return &mail.Service{
		DB: db, Keys: keys, Transport: transport, Now: clock.Now, Log: slog.New(slog.NewTextHandler(logged, nil)),
		BaseURL: "https://adgang.example.dk/", From: "Adgang <adgang@example.dk>",
	}, clock, logged
}

func activation(to string) mail.Draft {
	return mail.Draft{
		Org: org, Employee: "employee-" + access.EmployeeID(to), Kind: mail.KindActivation, Lang: mail.Danish,
		Name: "Søren Ærø", Address: to, Token: token,
		Params: map[string]string{"organisation": "Østkystens Bådværft A/S", "expires": "2026-12-22T09:30:00Z"},
	}
}

func queue(t *testing.T, s *mail.Service, lot string, drafts ...mail.Draft) {
	t.Helper()
	err := store.InTx(t.Context(), s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.Queue(ctx, tx, lot, drafts...)
	})
	if err != nil {
		t.Fatalf("Queue = %v", err)
	}
}

// messages returns every row by address.
func messages(t *testing.T, db *bun.DB) map[string]mail.Message {
	t.Helper()
	var all []mail.Message
	if err := db.NewSelect().Model(&all).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	byAddress := map[string]mail.Message{}
	for _, m := range all {
		byAddress[m.Address] = m
	}
	if len(byAddress) != len(all) {
		t.Fatalf("%d messages for %d addresses", len(all), len(byAddress))
	}
	return byAddress
}

func items(t *testing.T, db *bun.DB) []outbox.Item {
	t.Helper()
	var all []outbox.Item
	if err := db.NewSelect().Model(&all).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestQueue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, lot, queue string
		drafts           int
		items            int
	}{
		{name: "one mail", drafts: 1, queue: outbox.Default, items: 1},
		{name: "a named lot", lot: "chunk-7", drafts: 3, queue: outbox.Default, items: 1},
		{name: "many", drafts: 101, queue: outbox.Bulk, items: 1},
		{name: "none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				s, clock, _ := newService(t, db, nil)
				var drafts []mail.Draft
				for i := range tc.drafts {
					drafts = append(drafts, activation(string(rune('a'+i%26))+strings.Repeat("x", i/26)+"@example.dk"))
				}
				queue(t, s, tc.lot, drafts...)
				rows, work := messages(t, db), items(t, db)
				if len(rows) != tc.drafts || len(work) != tc.items {
					t.Fatalf("Queue made %d messages and %d items, want %d and %d", len(rows), len(work), tc.drafts, tc.items)
				}
				if tc.drafts == 0 {
					return
				}
				var lot mail.Lot
				if err := json.Unmarshal([]byte(work[0].Payload), &lot); err != nil || lot.Org != org || lot.Lot == "" || tc.lot != "" && lot.Lot != tc.lot {
					t.Errorf("payload %s (%v), want the organisation and lot %q", work[0].Payload, err, tc.lot)
				}
				if work[0].Queue != tc.queue || work[0].Kind != "mail.deliver" || !work[0].DueAt.Equal(clock.Now()) {
					t.Errorf("item = %+v, want queue %s, due now", work[0], tc.queue)
				}
				m := rows["a@example.dk"]
				if m.State != mail.StateQueued || m.Lot != lot.Lot || !m.QueuedAt.Equal(clock.Now()) || m.SentAt != nil {
					t.Errorf("message = %+v, want it queued in %s", m, lot.Lot)
				}
				if len(m.LinkSealed) == 0 || bytes.Contains(m.LinkSealed, []byte(token)) {
					t.Errorf("link_sealed = %q, want the token sealed", m.LinkSealed)
				}
			})
		})
	}
}

func TestQueueRefusesWhatCouldNeverBeSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*mail.Draft){
		"an unknown kind":      func(d *mail.Draft) { d.Kind = "greeting" },
		"a missing parameter":  func(d *mail.Draft) { delete(d.Params, "expires") },
		"another organisation": func(d *mail.Draft) { d.Org = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := testkit.SQLite(t)
			s, _, _ := newService(t, db, nil)
			bad := activation("b@example.dk")
			change(&bad)
			err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
				return s.Queue(ctx, tx, "", activation("a@example.dk"), bad)
			})
			if err == nil || strings.Contains(err.Error(), "example.dk") || len(messages(t, db))+len(items(t, db)) != 0 {
				t.Errorf("Queue = %v with %d messages, want an error without the address, and none", err, len(messages(t, db)))
			}
		})
	}
}

func TestARollbackQueuesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, _, _ := newService(t, db, nil)
		stop := errors.New("stop")
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(s.Queue(ctx, tx, "", activation("a@example.dk")), stop)
		})
		if !errors.Is(err, stop) || len(messages(t, db))+len(items(t, db)) != 0 {
			t.Errorf("after %v: %d messages, %d items", err, len(messages(t, db)), len(items(t, db)))
		}
	})
}

func TestLatestState(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		folder := t.TempDir()
		s, clock, _ := newService(t, db, transport(t, "", folder))
		d := activation("a@example.dk")
		latest := func(org access.OrgID, kind string) string {
			state, text, err := s.LatestState(t.Context(), org, d.Employee, kind)
			if err != nil {
				t.Fatal(err)
			}
			return state + "|" + text
		}
		if got := latest(org, mail.KindActivation); got != "|" {
			t.Errorf("before any mail = %s", got)
		}
		queue(t, s, "first", d)
		if err := s.Deliver(t.Context(), mail.Lot{Org: org, Lot: "first"}); err != nil {
			t.Fatal(err)
		}
		if got := latest(org, mail.KindActivation); got != "sent|" {
			t.Errorf("after delivery = %s", got)
		}
		clock.Move(time.Second)
		d.Address = "not an address"
		queue(t, s, "second", d)
		if err := s.Deliver(t.Context(), mail.Lot{Org: org, Lot: "second"}); err != nil {
			t.Fatal(err)
		}
		if got := latest(org, mail.KindActivation); got != "failed|The employee's e-mail address is not one that mail can be sent to." {
			t.Errorf("the newest = %s", got)
		}
		if got := latest("other", mail.KindActivation) + latest(org, mail.KindKeyFileExpiry); got != "||" {
			t.Errorf("another organisation, another kind = %s", got)
		}
	})
}

func TestHiddenInLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	d := activation("a@example.dk")
	log.InfoContext(t.Context(), "x", "draft", d, "message", mail.Message{Address: d.Address}, "envelope", mail.Envelope{To: d.Address})
	if strings.Contains(out.String(), "example.dk") || strings.Contains(out.String(), token) {
		t.Errorf("log = %s", out.String())
	}
}
