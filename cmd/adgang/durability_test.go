package main_test

import (
	"io"
	"log/slog"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// sample writes a fictitious export with n good rows.
func sample(t *testing.T, p *testkit.Program, n string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(path, []byte(p.Must(t, 0, nil, "sample", "--rows", n, "--seed", "3").Out), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func count(t *testing.T, db *bun.DB, query string) (n int) {
	t.Helper()
	if err := db.NewRaw(query).Scan(t.Context(), &n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

const (
	invited = "SELECT count(*) FROM batch_row WHERE state = 'invited'"
	sent    = "SELECT count(*) FROM message WHERE state = 'sent'"
)

// everyRowOnce looks for a row that was done twice or not at all, wherever a row
// leaves something.
func everyRowOnce(t *testing.T, db *bun.DB, rows int) {
	t.Helper()
	for name, query := range map[string]string{
		"rows invited":                    invited,
		"employees of the rows":           "SELECT count(DISTINCT employee_id) FROM batch_row",
		"employees with a RID":            "SELECT count(*) FROM employee WHERE rid IS NOT NULL",
		"RIDs":                            "SELECT count(DISTINCT rid) FROM employee WHERE rid IS NOT NULL",
		"code cards":                      "SELECT count(*) FROM code_card",
		"orders":                          "SELECT count(*) FROM key_file k JOIN employee e ON e.id = k.employee_id WHERE e.rid IS NOT NULL",
		"invitations":                     "SELECT count(*) FROM activation WHERE batch_id IS NOT NULL",
		"rows with an invitation":         "SELECT count(DISTINCT row_no) FROM activation WHERE batch_id IS NOT NULL",
		"messages":                        "SELECT count(*) FROM message",
		"receivers of messages":           "SELECT count(DISTINCT employee_id) FROM message",
		"messages sent":                   sent,
		"orders on record":                "SELECT count(*) FROM audit_entry a JOIN employee e ON a.object = 'employee:' || e.id WHERE a.verb = 'key_file.order' AND e.rid IS NOT NULL",
		"employees with orders on record": "SELECT count(DISTINCT object) FROM audit_entry a JOIN employee e ON a.object = 'employee:' || e.id WHERE a.verb = 'key_file.order' AND e.rid IS NOT NULL",
		"rows counted as invited":         "SELECT sum(invited) FROM batch_chunk",
	} {
		if got := count(t, db, query); got != rows {
			t.Errorf("%s = %d, want %d", name, got, rows)
		}
	}
	if left := count(t, db, "SELECT count(*) FROM message WHERE link_sealed IS NOT NULL"); left != 0 {
		t.Errorf("%d delivered messages still hold their link", left)
	}
}

// The only process is killed again and again, before, between and after chunks
// and mails; each time another begins with what is in the data folder.
func TestKilledInMidBatch(t *testing.T) {
	t.Parallel()
	const rows = 3000
	p := testkit.NewProgram(t)
	db := p.DB(t)
	var b web.Batch
	p.Must(t, 0, &b, "import", "--org", testkit.CVR, "--start", "--json", sample(t, p, "3000"))
	inMidBatch, inMidMail := 0, 0
	for kills := 0; kills < 5; kills++ {
		before := count(t, db, invited) + count(t, db, sent)
		p.Serve(t)
		testkit.Until(t, "progress", func() bool { return count(t, db, invited)+count(t, db, sent) > before })
		p.Kill(t)
		if n := count(t, db, invited); n > 0 && n < rows {
			inMidBatch++
		}
		if n := count(t, db, sent); n < rows {
			inMidMail++
		}
	}
	if inMidBatch < 2 || inMidMail < 3 {
		t.Errorf("of 5 kills %d came in mid-batch and %d before the last mail: too few to prove anything", inMidBatch, inMidMail)
	}
	p.Serve(t)
	testkit.Until(t, "the last mail", func() bool { return count(t, db, sent) == rows })
	p.Must(t, 0, &b, "batch", "show", "--json", *b.ID)
	if b.State != "completed" || b.Counts != (web.Counts{Invited: rows}) {
		t.Errorf("batch = %+v", b)
	}
	everyRowOnce(t, db, rows)

	files, err := filepath.Glob(filepath.Join(p.Data, "mail", "*.eml"))
	if err != nil || len(files) != rows {
		t.Errorf("mails = %d, %v, want %d", len(files), err, rows)
	}
	ids, receivers := map[string]bool{}, map[string]bool{}
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		message, err := mail.ReadMessage(file)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		_ = file.Close()
		ids[message.Header.Get("Message-ID")], receivers[message.Header.Get("To")] = true, true
	}
	if len(ids) != rows || len(receivers) != rows {
		t.Errorf("mails have %d Message-IDs and %d receivers, want %d of each", len(ids), len(receivers), rows)
	}
}

// receiver is a mail server that stops in the middle of one mail: it has it, and
// does not say so until goOn is closed.
type receiver struct {
	mu    sync.Mutex
	mails int
	ids   map[string]map[string]bool // Message-IDs by receiver

	stopAt  int
	stopped chan struct{}
	goOn    chan struct{}
}

// session is one connection to it.
type session struct {
	*receiver
	to string
}

func (r *receiver) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{receiver: r}, nil }
func (s *session) Mail(string, *smtp.MailOptions) error         { return nil }
func (s *session) Reset()                                       {}
func (s *session) Logout() error                                { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *session) Data(body io.Reader) error {
	message, err := mail.ReadMessage(body)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, message.Body); err != nil {
		return err
	}
	s.mu.Lock()
	if s.ids[s.to] == nil {
		s.ids[s.to] = map[string]bool{}
	}
	s.ids[s.to][message.Header.Get("Message-ID")] = true
	s.mails++
	stop := s.mails == s.stopAt
	s.mu.Unlock()
	if stop {
		close(s.stopped)
		<-s.goOn
	}
	return nil
}

// A mail that the server had when the process was killed is sent again under the
// same Message-ID.
func TestKilledInMidMail(t *testing.T) {
	t.Parallel()
	const rows = 600
	r := &receiver{ids: map[string]map[string]bool{}, stopAt: 100, stopped: make(chan struct{}), goOn: make(chan struct{})}
	server := smtp.NewServer(r)
	server.Domain, server.ErrorLog = "localhost", slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })

	p := testkit.NewProgram(t, "ADGANG_SMTP_URL=smtp://"+listener.Addr().String())
	db := p.DB(t)
	p.Must(t, 0, nil, "import", "--org", testkit.CVR, "--start", "--json", sample(t, p, "600"))
	p.Serve(t)
	testkit.Until(t, "the mail to stop in", func() bool {
		select {
		case <-r.stopped:
			return true
		default:
			return false
		}
	})
	p.Kill(t)
	close(r.goOn)
	if n := count(t, db, sent); n >= rows {
		t.Fatalf("%d messages count as sent with the server at mail 100", n)
	}
	p.Serve(t)
	testkit.Until(t, "the last mail", func() bool { return count(t, db, sent) == rows })
	everyRowOnce(t, db, rows)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mails <= rows {
		t.Errorf("the server got %d mails, want more than %d: nothing was sent again", r.mails, rows)
	}
	ids := map[string]bool{}
	for to, own := range r.ids {
		if len(own) != 1 {
			t.Errorf("%s got mails with %d Message-IDs, want 1", to, len(own))
		}
		for id := range own {
			ids[id] = true
		}
		if !strings.HasSuffix(to, "@nordvind.example") {
			t.Errorf("a mail went to %s", to)
		}
	}
	if len(r.ids) != rows || len(ids) != rows {
		t.Errorf("%d receivers got %d Message-IDs, want %d of each", len(r.ids), len(ids), rows)
	}
}
