package ca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

func TestIssue(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := ready(t, db, testkit.NewClock())
		c := issue(t, s, "r", alice(), request(t))
		if c.State != ca.Issued || c.NotAfter.Sub(c.NotBefore) != pki.Validity || !c.NotBefore.Equal(s.Now()) {
			t.Errorf("Issue = %s, %s to %s", c.State, c.NotBefore, c.NotAfter)
		}
		leaf, err := s.Verify(t.Context(), c.DER, s.Now())
		if err != nil {
			t.Fatalf("Verify: %v", err)
		}
		h := alice()
		if leaf.Serial != c.Serial || leaf.CVR != h.CVR || leaf.UUID != string(h.EmployeeID) ||
			leaf.GivenName != h.GivenName || leaf.Surname != h.Surname || leaf.Organisation != h.OrgName || leaf.Email != h.Email {
			t.Errorf("leaf = %+v, want %+v", leaf, h)
		}
		got, err := s.Certificate(t.Context(), h.OrgID, string(c.Serial))
		if err != nil || string(got.DER) != string(c.DER) || got.EmployeeID != h.EmployeeID || len(got.Draft) == 0 {
			t.Errorf("Certificate = %+v, %v", got, err)
		}
		_, err = s.Certificate(t.Context(), "org-b", string(c.Serial))
		wantCode(t, "Certificate of another organisation", err, fault.Absent, "ca.certificate.absent")
		if got, want := verbs(t, db, c), []string{"certificate.intend", "certificate.issue"}; !slices.Equal(got, want) {
			t.Errorf("audit entries = %v, want %v", got, want)
		}
	})
}

func TestIssueWithAnEmailBeyondASCII(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := ready(t, db, testkit.NewClock())
		h, r := alice(), request(t)
		h.Email = "åse@ærø.example.dk"
		for _, time := range []string{"first", "second"} {
			box, err := pki.MailboxOf(issue(t, s, "r", h, r).DER)
			if err != nil || box != (pki.Mailbox{Address: "åse@xn--r-3fa9c.example.dk", Wide: true}) {
				t.Errorf("%s time: MailboxOf = %v, %v", time, box, err)
			}
		}
	})
}

func TestIssueAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s, r := ready(t, db, clock), request(t)
		first := issue(t, s, "r", alice(), r)
		clock.Move(time.Hour)
		if second := issue(t, s, "r", alice(), r); string(second.DER) != string(first.DER) {
			t.Errorf("the same request gave %s, then %s", first.Serial, second.Serial)
		}
		ask := func(h ca.Holder, r *pki.Request) error {
			_, err := s.Issue(t.Context(), by(h), "r", h, r, alone)
			return err
		}
		wantCode(t, "Issue for another key", ask(alice(), request(t)), fault.Conflict, "ca.request.other_key")
		wantCode(t, "Issue for another holder", ask(bob(), r), fault.Conflict, "ca.request.other_holder")
		colleague := alice()
		colleague.EmployeeID = bob().EmployeeID
		wantCode(t, "Issue for a colleague", ask(colleague, r), fault.Conflict, "ca.request.other_holder")
		if err := revoke(t, s, alice(), first.Serial, "lost"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "Issue after revocation", ask(alice(), r), fault.Conflict, "ca.request.revoked")
		if n := len(stored(t, db)); n != 1 {
			t.Errorf("certificates on record = %d, want 1", n)
		}
		if got, want := verbs(t, db, first), []string{"certificate.intend", "certificate.issue", "certificate.revoke"}; !slices.Equal(got, want) {
			t.Errorf("audit entries = %v, want %v", got, want)
		}
	})
}

func TestIssueRefused(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s, r := ready(t, db, clock), request(t)
		issue(t, s, "first", bob(), r)
		old := request(t)
		lost := issue(t, s, "old", alice(), old)
		if err := revoke(t, s, alice(), lost.Serial, "key_compromise"); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name    string
			change  func(*ca.Holder)
			request *pki.Request
			later   time.Duration
			kind    fault.Kind
			code    string
		}{
			{name: "no surname", change: func(h *ca.Holder) { h.Surname = " " }, kind: fault.Invalid, code: "ca.request.bad_subject"},
			{name: "no UUID", change: func(h *ca.Holder) { h.EmployeeID = "7" }, kind: fault.Invalid, code: "ca.request.bad_subject"},
			{name: "no CVR", change: func(h *ca.Holder) { h.CVR = "" }, kind: fault.Invalid, code: "ca.request.bad_subject"},
			{name: "no e-mail address", change: func(h *ca.Holder) { h.Email = "at home" }, kind: fault.Invalid, code: "ca.request.bad_subject"},
			{name: "the key of another person", request: r, kind: fault.Conflict, code: "ca.request.key_in_use"},
			{name: "a revoked key", request: old, kind: fault.Conflict, code: "ca.request.key_in_use"},
			{name: "the authority ends first", later: 8 * 365 * 24 * time.Hour, kind: fault.Unavailable, code: "ca.authority.ending"},
		} {
			h, r := alice(), tc.request
			if tc.change != nil {
				tc.change(&h)
			}
			if r == nil {
				r = request(t)
			}
			clock.Move(tc.later)
			_, err := s.Issue(t.Context(), by(h), "r", h, r, alone)
			wantCode(t, tc.name, err, tc.kind, tc.code)
			clock.Move(-tc.later)
		}
		_, err := s.Issue(t.Context(), by(bob()), "r", alice(), request(t), alone)
		wantCode(t, "an actor of another organisation", err, fault.Denied, "ca.request.other_organisation")
		if n := len(stored(t, db)); n != 2 {
			t.Errorf("certificates on record = %d, want the first 2", n)
		}
	})
}

// cut is a query hook that calls do once, at an event that matches.
type cut struct {
	operation string // the first word of the SQL
	table     string // that the SQL names
	after     bool
	skip      int64 // how many such events pass before
	do        func()
	seen      atomic.Int64
}

func (c *cut) at(e *bun.QueryEvent, after bool) {
	if c.after == after && e.Operation() == c.operation && strings.Contains(e.Query, c.table) && c.seen.Add(1) == c.skip+1 {
		c.do()
	}
}

func (c *cut) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	c.at(e, false)
	return ctx
}

func (c *cut) AfterQuery(_ context.Context, e *bun.QueryEvent) { c.at(e, true) }

var errKilled = errors.New("killed")

// killed runs Issue on a node that dies at the cut.
func killed(t *testing.T, s *ca.Service, c *cut, r *pki.Request) {
	t.Helper()
	c.do = func() { panic(errKilled) }
	defer func() {
		if got := recover(); got != errKilled { //nolint:errorlint // a panic's value, not an error
			t.Fatalf("Issue came through, or ended with %v", got)
		}
	}()
	s.DB = s.DB.WithQueryHook(c)
	_, err := s.Issue(t.Context(), by(alice()), "r", alice(), r, alone)
	t.Errorf("Issue = %v, want a crash", err)
}

func TestACrashBetweenTheTransactions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		cut  func() *cut
		// how the intent is settled, after an hour
		settle func(t *testing.T, s *ca.Service)
	}{
		{name: "before signing, asked again", cut: unsigned},
		{name: "after signing, asked again", cut: signed},
		{name: "before signing, swept", cut: unsigned, settle: sweep},
		{name: "after signing, swept", cut: signed, settle: sweep},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				clock := testkit.NewClock()
				s, r := ready(t, db, clock), request(t)
				killed(t, node(t, db, clock), tc.cut(), r)
				left := stored(t, db)
				if len(left) != 1 || left[0].State != ca.Intended || len(left[0].Draft) == 0 || left[0].DER != nil {
					t.Fatalf("the crash left %+v, want one intended certificate", left)
				}
				clock.Move(time.Hour)
				if tc.settle != nil {
					tc.settle(t, s)
				}
				c := issue(t, s, "r", alice(), r)
				all := stored(t, db)
				if len(all) != 2 || all[0].Serial != left[0].Serial || all[0].State != ca.Abandoned || all[0].DER != nil ||
					all[1].Serial != c.Serial || all[1].State != ca.Issued {
					t.Fatalf("on record are %+v, want one abandoned and one issued", all)
				}
				if got, want := verbs(t, db, all[0]), []string{"certificate.intend", "certificate.abandon"}; !slices.Equal(got, want) {
					t.Errorf("entries of the abandoned = %v, want %v", got, want)
				}
				if got, want := listed(t, s), []pki.Serial{left[0].Serial}; !slices.Equal(got, want) {
					t.Errorf("the CRL lists %v, want the abandoned %v", got, want)
				}
				_, err := s.Certificate(t.Context(), left[0].OrgID, string(left[0].Serial))
				wantCode(t, "Certificate of the abandoned", err, fault.Absent, "ca.certificate.absent")
			})
		})
	}
}

func unsigned() *cut { return &cut{operation: "COMMIT", after: true} }

func signed() *cut { return &cut{operation: "UPDATE", table: "certificate"} }

func sweep(t *testing.T, s *ca.Service) {
	t.Helper()
	for range 2 {
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatalf("Sweep: %v", err)
		}
	}
}

func TestSweepLeavesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		killed(t, node(t, db, clock), unsigned(), request(t))
		for _, tc := range []struct {
			after time.Duration
			want  ca.State
		}{{10 * time.Minute, ca.Intended}, {time.Microsecond, ca.Abandoned}} {
			clock.Move(tc.after)
			sweep(t, s)
			if all := stored(t, db); len(all) != 1 || all[0].State != tc.want {
				t.Errorf("after %s more: %+v, want %s", tc.after, all, tc.want)
			}
		}
	})
}

// A call that was taken for dead goes on after another one took its request over.
func TestIssueOvertaken(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		quick, r := ready(t, db, clock), request(t)
		slow := node(t, db, clock)
		var won ca.Certificate
		pause := unsigned()
		pause.do = func() {
			clock.Move(time.Minute)
			won = issue(t, quick, "r", alice(), r)
		}
		slow.DB = db.WithQueryHook(pause)
		if got := issue(t, slow, "r", alice(), r); won.Serial == "" || string(got.DER) != string(won.DER) {
			t.Errorf("the slow call got %s, want %s", got.Serial, won.Serial)
		}
		states := []ca.State{}
		for _, c := range stored(t, db) {
			states = append(states, c.State)
		}
		if want := []ca.State{ca.Abandoned, ca.Issued}; !slices.Equal(states, want) {
			t.Errorf("on record are %v, want %v", states, want)
		}
	})
}

// A call that finds the request under way elsewhere waits for it.
func TestIssueWaits(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		first, second, r := ready(t, db, clock), ready(t, db, clock), request(t)
		waiting, done := make(chan struct{}), make(chan ca.Certificate)
		look := &cut{operation: "SELECT", table: `FROM "certificate"`, after: true, skip: 1}
		look.do = func() { close(waiting) }
		second.DB = db.WithQueryHook(look)
		pause := unsigned()
		pause.do = func() {
			go func() {
				c, err := second.Issue(t.Context(), by(alice()), "r", alice(), r, alone)
				if err != nil {
					t.Errorf("the second Issue: %v", err)
				}
				done <- c
			}()
			select {
			case <-waiting: // it has looked twice
			case c := <-done:
				t.Fatalf("the second call did not wait, and got %s", c.Serial)
			}
		}
		first.DB = db.WithQueryHook(pause)
		want := issue(t, first, "r", alice(), r)
		if got := <-done; string(got.DER) != string(want.DER) || len(stored(t, db)) != 1 {
			t.Errorf("the calls got %s and %s", want.Serial, got.Serial)
		}
	})
}

func TestIssueOnSeveralNodesAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		ready(t, db, clock)
		r := request(t)
		got := make([]string, 8)
		var all sync.WaitGroup
		for i := range got {
			s := node(t, db, clock)
			all.Go(func() {
				c, err := s.Issue(t.Context(), by(alice()), "r", alice(), r, alone)
				got[i] = fmt.Sprint(c.Serial, err)
			})
		}
		all.Wait()
		rows := stored(t, db)
		if len(rows) != 1 {
			t.Fatalf("certificates on record = %d, want 1", len(rows))
		}
		want := fmt.Sprint(rows[0].Serial, nil)
		for i, g := range got {
			if g != want {
				t.Errorf("call %d = %s, want %s", i, g, want)
			}
		}
	})
}

// On PostgreSQL two transactions that do not see each other can record one key
// for two people; the later one to commit notices before it signs.
func TestOneKeyForTwoPeopleAtOnce(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	clock := testkit.NewClock()
	s, r := ready(t, db, clock), request(t)
	other := node(t, db, clock)
	between := &cut{operation: "COMMIT"}
	between.do = func() { issue(t, s, "bob's", bob(), r) }
	other.DB = db.WithQueryHook(between)
	_, err := other.Issue(t.Context(), by(alice()), "alice's", alice(), r, alone)
	wantCode(t, "Issue", err, fault.Conflict, "ca.request.key_in_use")
	clock.Move(time.Hour)
	sweep(t, s)
	for _, c := range stored(t, db) {
		if want := map[bool]ca.State{true: ca.Issued, false: ca.Abandoned}[c.OrgID == bob().OrgID]; c.State != want {
			t.Errorf("certificate of %s is %s, want %s", c.OrgID, c.State, want)
		}
	}
}

// What the caller changes is stored with the certificate or not at all.
func TestIssueWithTheCallersPart(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s, r := ready(t, db, clock), request(t)
		var seen []ca.State
		note := func(end error) ca.Then {
			return func(ctx context.Context, tx bun.Tx, c ca.Certificate) error {
				var row ca.Certificate
				if err := tx.NewSelect().Model(&row).Where("serial = ?", c.Serial).Scan(ctx); err != nil {
					return err
				}
				seen = append(seen, row.State)
				return errors.Join(audit.Record(ctx, tx, audit.By(by(alice()), s.Now(), "key_file.activate", "certificate:"+string(c.Serial), "")), end)
			}
		}
		full := fault.New(fault.Conflict, "test.full", "No.")
		_, err := s.Issue(t.Context(), by(alice()), "r", alice(), r, note(full))
		wantCode(t, "Issue", err, fault.Conflict, "test.full")
		left := stored(t, db)
		if len(left) != 1 || left[0].State != ca.Intended || left[0].DER != nil {
			t.Fatalf("on record are %+v, want one intended", left)
		}
		if got, want := verbs(t, db, left[0]), []string{"certificate.intend"}; !slices.Equal(got, want) {
			t.Errorf("entries = %v, want %v", got, want)
		}
		clock.Move(time.Minute)
		for _, want := range [][]string{
			{"certificate.intend", "certificate.issue", "key_file.activate"},
			{"certificate.intend", "certificate.issue", "key_file.activate", "key_file.activate"}, // asked again
		} {
			c, err := s.Issue(t.Context(), by(alice()), "r", alice(), r, note(nil))
			if err != nil {
				t.Fatal(err)
			}
			if got := verbs(t, db, c); !slices.Equal(got, want) {
				t.Errorf("entries = %v, want %v", got, want)
			}
		}
		if want := []ca.State{ca.Issued, ca.Issued, ca.Issued}; !slices.Equal(seen, want) {
			t.Errorf("the caller's part saw %v, want %v", seen, want)
		}
		if all := stored(t, db); len(all) != 2 || all[0].State != ca.Abandoned || all[1].State != ca.Issued {
			t.Errorf("on record are %+v, want one abandoned and one issued", all)
		}
	})
}

// Whichever way a key comes in, Issue is where it would get its certificate.
func TestIssueForAWeakKey(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, r, other := ready(t, db, testkit.NewClock()), request(t), request(t)
		point, err := r.PublicKey().(*ecdsa.PublicKey).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		x := new(big.Int).SetBytes(point[1:33]).Bytes()
		s.WeakKeys, err = pki.ReadWeakKeys(fstest.MapFS{"own.csv": {Data: fmt.Appendf(nil, "%x\n", sha256.Sum256(x))}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Issue(t.Context(), by(alice()), "r", alice(), r, alone)
		wantCode(t, "Issue", err, fault.Invalid, "ca.request.weak_key")
		if all := stored(t, db); len(all) != 0 {
			t.Errorf("on record are %+v", all)
		}
		issue(t, s, "r", alice(), other)
	})
}
