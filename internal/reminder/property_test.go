package reminder_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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

// Random rules, receivers, snoozes and quiet hours, certificates of the inventory and
// key files, over the days on which the clock on the wall is moved, with ten
// schedulers, nodes that crash, a queue that is lost, a webhook that fails and clocks
// that jump: whatever is due is told exactly once for each certificate, rule and
// receiver.
func TestRemindersInRandomWorlds(t *testing.T) {
	t.Parallel()
	worlds := func(t *testing.T, open func(testing.TB) *bun.DB, n uint64) {
		for seed := range n {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				w := newWorld(t, open(t), seed)
				w.run(t)
				w.check(t)
				for _, one := range w.wrong {
					t.Error(one)
				}
			})
		}
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); worlds(t, testkit.SQLite, *seeds) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); worlds(t, testkit.Postgres, max(2, *seeds/10)) })
}

// The check of a world can fail: each way in which a sender might be broken, it finds,
// in every world in which that way changed something.
func TestTheCheckOfAWorldFindsABrokenSender(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*world, *testing.T) int64{
		"a mail is sent twice": func(w *world, t *testing.T) int64 {
			return w.exec(t, "UPDATE reminder_due SET state = 'due' WHERE state = 'queued' AND receiver <> 'webhook'")
		},
		"a mail is marked and not sent": func(w *world, t *testing.T) int64 {
			return w.exec(t, "UPDATE reminder_due SET state = 'queued', settled_at = created_at WHERE state = 'due' AND receiver <> 'webhook'")
		},
		"a reminder is forgotten": func(w *world, t *testing.T) int64 {
			return w.exec(t, "DELETE FROM reminder_due WHERE state = 'queued'")
		},
		"the webhook is called twice": func(w *world, t *testing.T) int64 {
			return w.exec(t, "UPDATE reminder_due SET state = 'due' WHERE state = 'queued' AND receiver = 'webhook'")
		},
		"the webhook is not called": func(w *world, t *testing.T) int64 {
			return w.exec(t, "UPDATE reminder_due SET state = 'queued', settled_at = created_at WHERE state = 'due' AND receiver = 'webhook'")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := 0
			for seed := uint64(100); changed < 2 && seed < 110; seed++ {
				w := newWorld(t, testkit.SQLite(t), seed)
				n := int64(0)
				w.broken = func() {
					if n == 0 { // once is enough
						n = broken(w, t)
					}
				}
				w.run(t)
				w.check(t)
				if n == 0 {
					continue
				}
				if changed++; len(w.wrong) == 0 {
					t.Errorf("world %d: %d rows were changed, and the check finds nothing", seed, n)
				}
			}
			if changed == 0 {
				t.Error("there was nothing to break in any world")
			}
		})
	}
}

func (w *world) exec(t *testing.T, query string) int64 {
	t.Helper()
	res, err := w.DB.Exec(query)
	if err != nil {
		t.Fatal(err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
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
	files        []keyFile
	hook         *hook
	broken       func()          // what a broken sender would do, nil = nothing
	wrong        []string        // what the check found
	snoozed      map[string]bool // at some time
	asleep       map[string]string
	must, may    map[told]bool
	back         bool // the clock was put back at some time
}

type keyFile struct {
	serial string
	holder string // receiver
	end    time.Time
}

// hook is a webhook that fails now and then; what it took is told by the ID of the
// call, so that the same call again does not count.
type hook struct {
	mu     sync.Mutex
	random *rand.Rand
	took   map[string][]told
}

func (h *hook) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var body struct {
		Certificates []struct {
			ID   string `json:"id"`
			Rule int    `json:"rule_days"`
		} `json:"certificates"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || h.random.IntN(4) == 0 {
		out.WriteHeader(http.StatusBadGateway)
		return
	}
	var all []told
	for _, c := range body.Certificates {
		key := c.ID
		if strings.Contains(key, "-") { // an ID of the inventory, no serial number
			key = "inventory:" + key
		}
		all = append(all, told{key, c.Rule, "webhook"})
	}
	h.took[r.Header.Get("Webhook-Id")] = all
}

func (w *world) errorf(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

func newWorld(t *testing.T, db *bun.DB, seed uint64) *world {
	t.Helper()
	w := &world{random: rand.New(rand.NewPCG(seed, 4711)), snoozed: map[string]bool{}, asleep: map[string]string{}, must: map[told]bool{}, may: map[told]bool{}}
	if w.random.IntN(3) > 0 {
		w.hook = &hook{random: rand.New(rand.NewPCG(seed, 815)), took: map[string][]told{}}
	}
	w.office = newOffice(t, db, func(r *reminder.Rules) {
		all := []int{180, 120, 90, 60, 45, 30, 21, 14, 7, 3, 1, 0, -1, -7}
		w.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		r.Days = all[:2+w.random.IntN(len(all)-2)]
		r.UsersFrom, r.AdminsFrom = w.random.IntN(60), w.random.IntN(30)
		r.QuietFrom, r.QuietTo, r.Weekends = w.random.IntN(24), w.random.IntN(24), w.random.IntN(2) == 0
		r.DigestOver = 1 + w.random.IntN(8)
		r.KeyFileDays = all[:1+w.random.IntN(len(all)-1)]
		r.KeyFileUsersFrom, r.KeyFileAdminsFrom = new(w.random.IntN(60)), new(w.random.IntN(30))
		if w.hook != nil {
			server := httptest.NewServer(w.hook)
			t.Cleanup(server.Close)
			r.WebhookURL = server.URL
		}
	})
	var err error
	if w.rules, err = w.Reminder.Rules(t.Context(), w.by); err != nil {
		t.Fatal(err)
	}
	// Summer time begins on 31 March 2030 in Denmark, and ends on 28 October 2029.
	start := time.Date(2030, 3, 23, 9, 0, 0, 0, denmark)
	if seed%2 == 1 {
		start = time.Date(2029, 10, 20, 9, 0, 0, 0, denmark)
	}
	w.activate(t, start)
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

// activate makes key files that end within weeks of the start: they last three years.
func (w *world) activate(t *testing.T, start time.Time) {
	t.Helper()
	first := start.AddDate(-3, 0, 0)
	for i := range 1 + w.random.IntN(3) {
		if at := first.AddDate(0, 0, 10+i*w.random.IntN(25)); at.After(w.Clock.Now()) {
			w.Clock.Move(at.Sub(w.Clock.Now()))
		}
		e := w.Employee(t, w.company.Organisation, strconv.Itoa(4711+i), fmt.Sprintf("Bo Holm%d", i))
		f := w.Activate(t, w.Invite(t, w.company.Organisation, e))
		c, err := w.CA.Certificate(t.Context(), w.company.ID, f.Serial)
		if err != nil {
			t.Fatal(err)
		}
		w.files = append(w.files, keyFile{f.Serial, "employee:" + string(e.ID), c.NotAfter})
	}
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
		if w.broken != nil {
			w.broken()
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
	for _, f := range w.files {
		for _, one := range w.dueFile(f, day) {
			w.may[one] = true
			w.must[one] = w.must[one] || whole
		}
	}
}

// due is what a certificate brings on a day, written anew from the words of the
// rules: the nearest one that has come counts, and the nearer the end the more hear.
func (w *world) due(c inventory.Certificate, day string) (all []told) {
	rule, known := ruleOn(w.rules.Days, c.NotAfter, day)
	if !known {
		return nil
	}
	key := "inventory:" + c.ID
	if c.ContactEmail != "" {
		all = append(all, told{key, rule, "mail:" + c.ContactEmail})
	}
	if c.ContactEmail == "" || rule <= w.rules.UsersFrom || rule <= w.rules.AdminsFrom {
		all = append(all, told{key, rule, "employee:" + string(w.company.Admin.ID)})
	}
	return w.andHook(all, key, rule)
}

// dueFile is the same of a key file: its holder hears first.
func (w *world) dueFile(f keyFile, day string) []told {
	rule, known := ruleOn(w.rules.KeyFileDays, f.end, day)
	if !known {
		return nil
	}
	all := []told{{f.serial, rule, f.holder}}
	if rule <= *w.rules.KeyFileUsersFrom || rule <= *w.rules.KeyFileAdminsFrom {
		all = append(all, told{f.serial, rule, "employee:" + string(w.company.Admin.ID)})
	}
	return w.andHook(all, f.serial, rule)
}

func (w *world) andHook(all []told, key string, rule int) []told {
	if w.hook == nil {
		return all
	}
	return append(all, told{key, rule, "webhook"})
}

func ruleOn(rules []int, notAfter time.Time, day string) (rule int, known bool) {
	at, _ := time.Parse(time.DateOnly, day)
	end, _ := time.Parse(time.DateOnly, notAfter.In(denmark).Format(time.DateOnly))
	left := int(end.Sub(at).Hours() / 24)
	for _, days := range rules {
		if days >= left && (!known || days < rule) {
			rule, known = days, true
		}
	}
	return rule, known && left >= min(rule, 0)-14
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
				w.errorf("%v is on record twice", one)
			}
			rows[one] = r.State
			if !w.may[one] {
				w.errorf("%v was never due", one)
			}
			switch r.State {
			case reminder.Due:
				w.errorf("%v was never sent", one)
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
			w.errorf("%v was due and nobody heard of it", one)
		}
	}
	for key, all := range byEnd {
		slices.SortFunc(all, func(a, b reminder.Sent) int { return a.SettledAt.Compare(*b.SettledAt) })
		for i := range all[1:] {
			if all[i+1].Days >= all[i].Days && !w.back {
				w.errorf("%v: the rule of %d days was told after that of %d", key, all[i+1].Days, all[i].Days)
			}
			if all[i+1].SettledAt.Equal(*all[i].SettledAt) {
				w.errorf("%v: the rules of %d and %d days were told together; late ones collapse", key, all[i].Days, all[i+1].Days)
			}
		}
	}
	w.checkHook(sent["webhook"])
	delete(sent, "webhook")
	w.checkMails(t, sent)
}

// checkHook compares what the webhook took with what is on record: each once.
func (w *world) checkHook(sent int) {
	if w.hook == nil {
		return
	}
	count, all := map[told]int{}, 0
	for _, call := range w.hook.took {
		for _, one := range call {
			if count[one]++; count[one] > 1 {
				w.errorf("%v was told to the webhook twice", one)
			}
			if !w.may[one] {
				w.errorf("%v was told to the webhook and was never due", one)
			}
			all++
		}
	}
	if all != sent {
		w.errorf("the webhook was told of %d, %d are on record", all, sent)
	}
}

// checkMails counts what the mails tell: as much as is on record for each receiver,
// and at no hour at which they sleep.
func (w *world) checkMails(t *testing.T, sent map[string]int) {
	t.Helper()
	var all []mail.Message
	if err := w.DB.NewSelect().Model(&all).Where("kind IN (?, ?, ?)", mail.KindCertificate, mail.KindCertificates, mail.KindKeyFileExpiry).Scan(t.Context()); err != nil {
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
			w.errorf("a mail at %s; it is quiet from %d to %d, weekends %t", at.Format("Mon 15:04"), from, until, w.rules.Weekends)
		}
	}
	for to, n := range sent {
		if got[to] != n {
			w.errorf("%s was told of %d in mails, %d are on record", strings.SplitN(to, ":", 2)[0], got[to], n)
		}
		delete(got, to)
	}
	if len(got) > 0 {
		w.errorf("mails without a record: %v", got)
	}
}
