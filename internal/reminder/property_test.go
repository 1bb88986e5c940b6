package reminder_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/testkit"
)

var seeds = flag.Uint64("seeds", 6, "random worlds of TestRemindersInRandomWorlds on SQLite; a tenth as many, at least two, on PostgreSQL")

// Random rules, receivers, snoozes and quiet hours, over the days on which the clock
// on the wall is moved, with ten schedulers, nodes that crash, a queue that is lost
// and clocks that jump: whatever is due is told exactly once for each certificate,
// rule and receiver.
func TestRemindersInRandomWorlds(t *testing.T) {
	t.Parallel()
	worlds := func(t *testing.T, open func(testing.TB) *bun.DB, n uint64) {
		for seed := range n {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				w := newWorld(t, open(t), seed)
				w.run(t)
				w.check(t)
			})
		}
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); worlds(t, testkit.SQLite, *seeds) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); worlds(t, testkit.Postgres, max(2, *seeds/10)) })
}

// told names one reminder: nothing may be told twice.
type told struct {
	certificate string
	days        int
	receiver    string
}

// world is what happened, kept beside the service under test: what must have been
// told, and what may have been.
type world struct {
	office

	random       *rand.Rand
	rules        reminder.Rules
	certificates []inventory.Certificate
	snoozed      map[string]bool // at some time
	asleep       map[string]string
	must, may    map[told]bool
	back         bool // the clock was put back at some time
}

func newWorld(t *testing.T, db *bun.DB, seed uint64) *world {
	t.Helper()
	w := &world{random: rand.New(rand.NewPCG(seed, 4711)), snoozed: map[string]bool{}, asleep: map[string]string{}, must: map[told]bool{}, may: map[told]bool{}}
	w.office = newOffice(t, db, func(r *reminder.Rules) {
		all := []int{180, 120, 90, 60, 45, 30, 21, 14, 7, 3, 1, 0, -1, -7}
		w.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		r.Days = all[:2+w.random.IntN(len(all)-2)]
		r.UsersFrom, r.AdminsFrom = w.random.IntN(60), w.random.IntN(30)
		r.QuietFrom, r.QuietTo, r.Weekends = w.random.IntN(24), w.random.IntN(24), w.random.IntN(2) == 0
		r.DigestOver = 1 + w.random.IntN(8)
	})
	var err error
	if w.rules, err = w.Reminder.Rules(t.Context(), w.by); err != nil {
		t.Fatal(err)
	}
	// Summer time begins on 28 March 2027 in Denmark and ends on 31 October.
	start := time.Date(2027, 3, 20, 9, 0, 0, 0, denmark)
	if seed%2 == 1 {
		start = time.Date(2027, 10, 20, 9, 0, 0, 0, denmark)
	}
	w.Clock.Move(start.Sub(w.Clock.Now()))
	for i := range 4 + w.random.IntN(6) {
		contact := ""
		if w.random.IntN(4) > 0 {
			contact = fmt.Sprintf("kontakt%d@firma.example", w.random.IntN(3))
		}
		end := start.AddDate(0, 0, w.random.IntN(90)).Format(time.DateOnly)
		w.certificates = append(w.certificates, w.listed(t, fmt.Sprintf("Certifikat %d", i), contact, end))
	}
	return w
}

func (w *world) run(t *testing.T) {
	t.Helper()
	for range 16 {
		switch n := w.random.IntN(20); {
		case n == 0:
			w.Clock.Move(-time.Duration(w.random.IntN(50)) * time.Hour)
			w.back = true
		case n <= 3: // every node was off for a week and more
			w.Clock.Move(time.Duration(7*24+w.random.IntN(20*24)) * time.Hour)
		default:
			w.Clock.Move(time.Duration(1+w.random.IntN(40)) * time.Hour)
		}
		if w.random.IntN(4) == 0 {
			w.snooze(t)
		}
		w.sweep(t)
		if w.random.IntN(3) == 0 {
			w.loseQueue(t)
		}
		if w.random.IntN(3) > 0 {
			w.send(t)
		}
	}
	for range 4 * 24 { // quiet hours and weekends end
		w.Clock.Move(time.Hour)
		w.Drain(t)
	}
}

func (w *world) today() string { return w.Clock.Now().In(denmark).Format(time.DateOnly) }

func (w *world) snooze(t *testing.T) {
	t.Helper()
	c := w.certificates[w.random.IntN(len(w.certificates))]
	until := w.Clock.Now().In(denmark).AddDate(0, 0, 1+w.random.IntN(10)).Format(time.DateOnly)
	if err := w.Reminder.SetSnooze(t.Context(), w.by, c.ID, until, "ferie"); err != nil {
		t.Fatal(err)
	}
	w.snoozed[c.ID], w.asleep[c.ID] = true, until
}

// sweep runs the day's sweep on ten nodes at once. Some have clocks of their own,
// some are killed in the middle.
func (w *world) sweep(t *testing.T) {
	t.Helper()
	day := w.today()
	whole := false
	var mu sync.Mutex
	var nodes sync.WaitGroup
	for range 10 {
		node := *w.Reminder
		skew := time.Duration(w.random.IntN(121)-60) * time.Minute
		node.Now = func() time.Time { return w.Clock.Now().Add(skew) }
		kill := time.Duration(-1)
		if w.random.IntN(3) == 0 {
			kill = time.Duration(w.random.IntN(3000)) * time.Microsecond
		}
		nodes.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if kill >= 0 {
				time.AfterFunc(kill, cancel)
			}
			err := node.Sweep(ctx, reminder.Day{Day: day})
			mu.Lock()
			defer mu.Unlock()
			whole = whole || err == nil
			if err != nil && kill < 0 {
				t.Errorf("Sweep on a node that was not killed: %v", err)
			}
		})
	}
	nodes.Wait()
	for _, c := range w.certificates {
		if w.asleep[c.ID] > day {
			continue
		}
		for _, one := range w.due(c, day) {
			w.may[one] = true
			w.must[one] = w.must[one] || whole
		}
	}
}

// due is what a certificate brings on a day, written anew from the words of the
// rules: the nearest one that has come counts, and the nearer the end the more hear.
func (w *world) due(c inventory.Certificate, day string) (all []told) {
	at, _ := time.Parse(time.DateOnly, day)
	end, _ := time.Parse(time.DateOnly, c.NotAfter.In(denmark).Format(time.DateOnly))
	left := int(end.Sub(at).Hours() / 24)
	rule, known := 0, false
	for _, days := range w.rules.Days {
		if days >= left && (!known || days < rule) {
			rule, known = days, true
		}
	}
	if !known || left < min(rule, 0)-14 {
		return nil
	}
	key := "inventory:" + c.ID
	if c.ContactEmail != "" {
		all = append(all, told{key, rule, "mail:" + c.ContactEmail})
	}
	if c.ContactEmail == "" || rule <= w.rules.UsersFrom || rule <= w.rules.AdminsFrom {
		all = append(all, told{key, rule, "employee:" + string(w.company.Admin.ID)})
	}
	return all
}

// loseQueue hands work to a Redis that then dies with it.
func (w *world) loseQueue(t *testing.T) {
	t.Helper()
	if _, err := outbox.Claim(t.Context(), w.DB, w.Clock.Now(), "a life", 100, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.ForgetEpoch(t.Context(), w.DB, "the next life"); err != nil {
		t.Fatal(err)
	}
}

// send works off what is due, and beside it the same again on nodes that had it
// before, some of which are killed.
func (w *world) send(t *testing.T) {
	t.Helper()
	var nodes sync.WaitGroup
	for range w.random.IntN(4) {
		kill := time.Duration(w.random.IntN(4000)) * time.Microsecond
		nodes.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), kill)
			defer cancel()
			_ = w.Reminder.Send(ctx, reminder.Send{Org: w.company.ID}) // killed, or not
		})
	}
	w.Drain(t)
	nodes.Wait()
}

func (w *world) check(t *testing.T) {
	t.Helper()
	rows := map[told]string{}
	sent := map[string]int{}                 // by receiver
	byEnd := map[[2]string][]reminder.Sent{} // by certificate and receiver
	for cursor := ""; ; {
		page, next, err := w.Reminder.Records(t.Context(), w.by, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			one := told{r.Certificate, r.Days, r.Receiver}
			if _, twice := rows[one]; twice {
				t.Errorf("%v is on record twice", one)
			}
			rows[one] = r.State
			if !w.may[one] {
				t.Errorf("%v was never due", one)
			}
			switch r.State {
			case reminder.Due:
				t.Errorf("%v was never sent", one)
			case reminder.Queued:
				sent[r.Receiver]++
				byEnd[[2]string{r.Certificate, r.Receiver}] = append(byEnd[[2]string{r.Certificate, r.Receiver}], r)
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	for one, must := range w.must {
		// What sleeps when it is to be sent is found anew, perhaps under a later rule.
		if must && rows[one] == "" && !w.snoozed[strings.TrimPrefix(one.certificate, "inventory:")] {
			t.Errorf("%v was due and nobody heard of it", one)
		}
	}
	for key, all := range byEnd {
		slices.SortFunc(all, func(a, b reminder.Sent) int { return a.SettledAt.Compare(*b.SettledAt) })
		for i := range all[1:] {
			if all[i+1].Days >= all[i].Days && !w.back {
				t.Errorf("%v: the rule of %d days was told after that of %d", key, all[i+1].Days, all[i].Days)
			}
			if all[i+1].SettledAt.Equal(*all[i].SettledAt) {
				t.Errorf("%v: the rules of %d and %d days were told together; late ones collapse", key, all[i].Days, all[i+1].Days)
			}
		}
	}
	w.checkMails(t, sent)
}

// checkMails counts what the mails tell: as much as is on record for each receiver,
// and at no hour at which they sleep.
func (w *world) checkMails(t *testing.T, sent map[string]int) {
	t.Helper()
	var all []mail.Message
	if err := w.DB.NewSelect().Model(&all).Where("kind IN (?, ?)", mail.KindCertificate, mail.KindCertificates).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range all {
		to := "mail:" + m.Address
		if m.EmployeeID != "" {
			to = "employee:" + string(m.EmployeeID)
		}
		var params map[string]string
		if err := json.Unmarshal([]byte(m.Params), &params); err != nil {
			t.Fatal(err)
		}
		n := 1
		if m.Kind == mail.KindCertificates {
			n, _ = strconv.Atoi(params["count"])
		}
		got[to] += n
		at := m.QueuedAt.In(denmark)
		from, until, hour := w.rules.QuietFrom, w.rules.QuietTo, at.Hour()
		quiet := from <= until && from <= hour && hour < until || from > until && (hour >= from || hour < until)
		if quiet || !w.rules.Weekends && (at.Weekday() == time.Saturday || at.Weekday() == time.Sunday) {
			t.Errorf("a mail at %s; it is quiet from %d to %d, weekends %t", at.Format("Mon 15:04"), from, until, w.rules.Weekends)
		}
	}
	for to, n := range sent {
		if got[to] != n {
			t.Errorf("%s was told of %d in mails, %d are on record", strings.SplitN(to, ":", 2)[0], got[to], n)
		}
		delete(got, to)
	}
	if len(got) > 0 {
		t.Errorf("mails without a record: %v", got)
	}
}
