package mail_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/testkit"
)

var lot = mail.Lot{Org: org, Lot: "lot"}

func transport(t *testing.T, smtpURL, folder string, options ...mail.Option) mail.Transport {
	t.Helper()
	tr, err := mail.NewTransport(smtpURL, folder, options...)
	if err != nil {
		t.Fatalf("NewTransport = %v", err)
	}
	return tr
}

// erased fails the test unless the link's bytes are gone from the database.
func erased(t *testing.T, db *bun.DB, address string, want bool) {
	t.Helper()
	var null bool
	err := db.NewSelect().Model((*mail.Message)(nil)).ColumnExpr("link_sealed IS NULL").Where("address = ?", address).Scan(t.Context(), &null)
	if err != nil || null != want {
		t.Errorf("link of %s is NULL = %t (%v), want %t", address, null, err, want)
	}
}

func TestDeliverIntoAFolder(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		folder := filepath.Join(t.TempDir(), "mail")
		s, clock, logged := newService(t, db, transport(t, "", folder))
		queue(t, s, "lot", activation("a@example.dk"))
		queue(t, s, "another", activation("b@example.dk"))
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Fatalf("Deliver = %v", err)
		}
		rows := messages(t, db)
		a, b := rows["a@example.dk"], rows["b@example.dk"]
		if a.State != mail.StateSent || a.SentAt == nil || !a.SentAt.Equal(clock.Now()) || a.Attempts != 1 || a.Error != "" {
			t.Errorf("delivered = %+v", a)
		}
		erased(t, db, "a@example.dk", true)
		if b.State != mail.StateQueued {
			t.Errorf("a mail of another lot is %s", b.State)
		}
		erased(t, db, "b@example.dk", false)
		name := filepath.Join(folder, a.ID+".eml")
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mail.Mailbox(folder).Mail(a.ID)
		if err != nil || !strings.Contains(got.Body, "\n   https://adgang.example.dk/activate#"+token+"\n") {
			t.Errorf("body = %q (%v), want the link", got.Body, err)
		}
		for _, c := range []struct {
			path string
			want os.FileMode
		}{{name, 0o600}, {folder, 0o700}} {
			if info, err := os.Stat(c.path); err != nil || info.Mode().Perm() != c.want {
				t.Errorf("mode of %s = %v (%v), want %v", c.path, info.Mode(), err, c.want)
			}
		}
		if strings.Contains(logged.String(), "example.dk") {
			t.Errorf("log = %s", logged)
		}

		// A second run finds nothing; a run that died before its mark replaces the file.
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Errorf("second Deliver = %v", err)
		}
		if _, err := db.NewUpdate().Model((*mail.Message)(nil)).Set("state = ?", mail.StateQueued).Where("id = ?", a.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Errorf("Deliver after a crash = %v", err)
		}
		again, err := os.ReadFile(name)
		if err != nil || len(again) == len(raw) || !strings.Contains(string(again), "<"+a.ID+"@example.dk>") {
			t.Errorf("the file was not replaced (%v)", err) // the link is gone from the row, so it is shorter
		}
		if names, _ := os.ReadDir(folder); len(names) != 1 {
			t.Errorf("the folder holds %d files, want 1", len(names))
		}
	})
}

func TestDeliverWithoutTheFolder(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		folder := filepath.Join(t.TempDir(), "mail")
		s, _, _ := newService(t, db, transport(t, "", folder))
		queue(t, s, "lot", activation("a@example.dk"))
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(folder, nil, 0o600); err != nil { // in the way
			t.Fatal(err)
		}
		if err := s.Deliver(t.Context(), lot); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Deliver = %v, want Unavailable", err)
		}
		if m := messages(t, db)["a@example.dk"]; m.State != mail.StateQueued || m.Attempts != 1 || m.Error == "" {
			t.Errorf("message = %+v, want it queued with one attempt", m)
		}
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Errorf("Deliver = %v once the folder can be made", err)
		}
	})
}

func TestDeliverByOutcome(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		local, state, text string
		attempts           int64
	}{
		{"fine", mail.StateSent, "", 1},
		{"unknown", mail.StateFailed, "The mail server refused the employee's e-mail address (550 5.1.1).", 1},
		{"busy", mail.StateQueued, "The mail server refused the employee's e-mail address for now (451 4.3.2).", 1},
		{"content", mail.StateFailed, "The mail server refused the mail (554 5.6.0).", 1},
		{"full", mail.StateQueued, "The mail server refused the mail for now (452 4.2.2).", 1},
	} {
		t.Run(tc.local, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				srv := startServer(t, "127.0.0.1", false, nil)
				s, _, logged := newService(t, db, transport(t, "smtp://"+srv.addr, ""))
				// first and last show that one mail does not stop the others
				queue(t, s, "lot", activation("first@example.dk"), activation(tc.local+"@example.dk"), activation("last@example.dk"))
				err := s.Deliver(t.Context(), lot)
				if want := tc.state == mail.StateQueued; (fault.KindOf(err) == fault.Unavailable) != want || (err == nil) == want {
					t.Errorf("Deliver = %v, want Unavailable: %t", err, want)
				}
				rows := messages(t, db)
				m := rows[tc.local+"@example.dk"]
				if m.State != tc.state || m.Error != tc.text || m.Attempts != tc.attempts || (m.SentAt != nil) != (tc.state == mail.StateSent) {
					t.Errorf("message = %s, %q, %d attempts, sent %v; want %+v", m.State, m.Error, m.Attempts, m.SentAt, tc)
				}
				erased(t, db, m.Address, tc.state != mail.StateQueued)
				for _, other := range []string{"first@example.dk", "last@example.dk"} {
					if rows[other].State != mail.StateSent {
						t.Errorf("%s is %s", other, rows[other].State)
					}
				}
				if n := srv.connected(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
				if strings.Contains(logged.String()+fmt.Sprint(err), "example.dk") {
					t.Errorf("an address is in the log %s or the error %v", logged, err)
				}
			})
		})
	}
}

func TestABrokenConnectionLosesNoMail(t *testing.T) {
	t.Parallel()
	for _, local := range []string{"drop", "closing"} {
		t.Run(local, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				srv := startServer(t, "127.0.0.1", false, nil)
				s, _, _ := newService(t, db, transport(t, "smtp://"+srv.addr, ""))
				queue(t, s, "lot", activation("first@example.dk"), activation(local+"@example.dk"), activation("last@example.dk"))
				if err := s.Deliver(t.Context(), lot); fault.KindOf(err) != fault.Unavailable {
					t.Errorf("Deliver = %v, want Unavailable", err)
				}
				rows := messages(t, db)
				if m := rows[local+"@example.dk"]; m.State != mail.StateQueued || m.Attempts != 1 || m.Error == "" {
					t.Errorf("the mail that broke it = %+v", m)
				}
				for _, other := range []string{"first@example.dk", "last@example.dk"} {
					if m := rows[other]; m.State != mail.StateSent || m.Attempts != 1 {
						t.Errorf("%s = %s, %d attempts, want sent, 1", other, m.State, m.Attempts)
					}
				}
				if len(srv.taken()) != 2 || srv.connected() != 2 {
					t.Errorf("%d mails over %d connections, want 2 over 2", len(srv.taken()), srv.connected())
				}
			})
		})
	}
}

func TestDeliverGivesUp(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		srv := startServer(t, "127.0.0.1", false, nil)
		s, _, _ := newService(t, db, transport(t, "smtp://"+srv.addr, ""))
		queue(t, s, "lot", activation("busy@example.dk"))
		for i := range 19 {
			if err := s.Deliver(t.Context(), lot); fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("Deliver %d = %v, want Unavailable", i, err)
			}
		}
		erased(t, db, "busy@example.dk", false)
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Errorf("the twentieth Deliver = %v, want nil: nothing is left to do", err)
		}
		m := messages(t, db)["busy@example.dk"]
		if m.State != mail.StateFailed || m.Attempts != 20 || m.Error != "Given up after 20 attempts. The mail server refused the employee's e-mail address for now (451 4.3.2)." {
			t.Errorf("message = %s, %d attempts, %q", m.State, m.Attempts, m.Error)
		}
		erased(t, db, "busy@example.dk", true)
	})
}

func TestAServerThatIsAwayIsAskedOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, _, _ := newService(t, db, transport(t, "smtp://127.0.0.1:1", "")) // nobody listens
		var drafts []mail.Draft
		for i := range 45 {
			drafts = append(drafts, activation(fmt.Sprintf("m%d@example.dk", i)))
		}
		drafts = append(drafts, activation("not an address"))
		queue(t, s, "lot", drafts...)
		queue(t, s, "another", activation("b@example.dk"))
		if err := s.Deliver(t.Context(), lot); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Deliver = %v, want Unavailable", err)
		}
		for address, m := range messages(t, db) {
			want := int64(1)
			if m.Lot != "lot" {
				want = 0
			}
			if m.State != mail.StateQueued || m.Attempts != want {
				t.Errorf("%s = %s, %d attempts, want queued, %d", address, m.State, m.Attempts, want)
			}
		}
	})
}

func TestGroupsOfTwenty(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		srv := startServer(t, "127.0.0.1", false, nil)
		s, _, _ := newService(t, db, transport(t, "smtp://"+srv.addr, ""))
		var drafts []mail.Draft
		for i := range 41 {
			drafts = append(drafts, activation(fmt.Sprintf("m%d@example.dk", i)))
		}
		queue(t, s, "lot", drafts...)
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Fatal(err)
		}
		var to []string
		for _, r := range srv.taken() {
			to = append(to, r.to)
		}
		slices.Sort(to)
		if n := len(slices.Compact(to)); n != 41 || len(srv.taken()) != 41 || srv.connected() != 3 {
			t.Errorf("%d receivers, %d mails, %d connections, want 41, 41, 3", n, len(srv.taken()), srv.connected())
		}
	})
}

func TestTwoWorkersMarkOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, _, _ := newService(t, db, transport(t, "", t.TempDir()))
		var drafts []mail.Draft
		for i := range 41 {
			drafts = append(drafts, activation(fmt.Sprintf("m%d@example.dk", i)))
		}
		queue(t, s, "lot", drafts...)
		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() {
				if err := s.Deliver(t.Context(), lot); err != nil {
					t.Errorf("Deliver = %v", err)
				}
			})
		}
		workers.Wait()
		for address, m := range messages(t, db) {
			if m.State != mail.StateSent || m.Attempts != 1 {
				t.Errorf("%s = %s, %d attempts, want sent, 1", address, m.State, m.Attempts)
			}
		}
	})
}

func TestAMarkNeverOverwritesAnother(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		srv := startServer(t, "127.0.0.1", false, func(srv *server) {
			srv.onData = func(string) { // a second worker was faster
				_, err := db.NewUpdate().Model((*mail.Message)(nil)).Set("state = ?", mail.StateFailed).Set("error = 'theirs'").Where("1 = 1").Exec(context.Background())
				if err != nil {
					t.Error(err)
				}
			}
		})
		s, _, _ := newService(t, db, transport(t, "smtp://"+srv.addr, ""))
		queue(t, s, "lot", activation("a@example.dk"))
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Errorf("Deliver = %v", err)
		}
		if m := messages(t, db)["a@example.dk"]; m.State != mail.StateFailed || m.Error != "theirs" || m.Attempts != 0 {
			t.Errorf("message = %+v, want the other worker's mark", m)
		}
	})
}

func TestWhatWasSentIsMarkedThoughTheWorkerStops(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		ctx, stop := context.WithCancel(t.Context())
		srv := startServer(t, "127.0.0.1", false, func(srv *server) {
			srv.onData = func(string) { stop() }
		})
		s, _, _ := newService(t, db, transport(t, "smtp://"+srv.addr, ""))
		queue(t, s, "lot", activation("a@example.dk"), activation("b@example.dk"))
		if err := s.Deliver(ctx, lot); err == nil {
			t.Error("Deliver = nil, want the cancellation")
		}
		rows := messages(t, db)
		if m := rows["a@example.dk"]; m.State != mail.StateSent || len(srv.taken()) != 1 {
			t.Errorf("the mail at hand is %s, the server has %d", m.State, len(srv.taken()))
		}
		if m := rows["b@example.dk"]; m.State != mail.StateQueued || m.Attempts != 0 {
			t.Errorf("the next mail = %+v, want it untried", m)
		}
	})
}

func TestStoppingIsNoAttempt(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		ctx, stop := context.WithCancel(t.Context())
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var server sync.WaitGroup
		server.Go(func() {
			if conn, err := l.Accept(); err == nil { // and not a word
				stop()
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
		})
		t.Cleanup(func() {
			_ = l.Close()
			server.Wait()
		})
		s, _, _ := newService(t, db, transport(t, "smtp://"+l.Addr().String(), ""))
		queue(t, s, "lot", activation("a@example.dk"))
		if err := s.Deliver(ctx, lot); err == nil {
			t.Error("Deliver = nil, want the cancellation")
		}
		if m := messages(t, db)["a@example.dk"]; m.State != mail.StateQueued || m.Attempts != 0 {
			t.Errorf("message = %s, %d attempts, want queued, 0", m.State, m.Attempts)
		}
	})
}

func TestDeliverWithAnotherMasterKey(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, _, _ := newService(t, db, transport(t, "", t.TempDir()))
		queue(t, s, "lot", activation("a@example.dk"), activation("b@example.dk"))
		// A sealed link opens only in its own row.
		_, err := db.NewUpdate().Model((*mail.Message)(nil)).Set("link_sealed = ?", messages(t, db)["a@example.dk"].LinkSealed).
			Where("address = ?", "b@example.dk").Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(t.Context(), lot); err != nil {
			t.Errorf("Deliver = %v", err)
		}
		rows := messages(t, db)
		if rows["a@example.dk"].State != mail.StateSent || rows["b@example.dk"].State != mail.StateFailed {
			t.Errorf("states = %s, %s, want sent, failed", rows["a@example.dk"].State, rows["b@example.dk"].State)
		}
		erased(t, db, "b@example.dk", true)
	})
}
