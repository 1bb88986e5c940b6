package reminder_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/testkit"
)

// office is a company with an administrator of every role, and an inventory.
type office struct {
	*testkit.Domain

	company testkit.Company
	by      access.Actor
}

func newOffice(t *testing.T, db *bun.DB, change func(*reminder.Rules)) office {
	t.Helper()
	o := office{Domain: testkit.NewDomain(t, db)}
	o.company = o.Company(t, "34051178")
	o.by = everything(t, o.Domain, o.company)
	awake(t, o.Domain, o.by, change)
	return o
}

// listed puts a certificate that ends on a day into the inventory; contact may be "".
func (o office) listed(t *testing.T, name, contact, end string) inventory.Certificate {
	t.Helper()
	serial := sha256.Sum256([]byte(name))
	file := fmt.Sprintf("navn;serienummer;gyldig til;kontakt e-mail\n%s;4%x;%s;%s\n", name, serial[:18], end, contact)
	r, err := o.Inventory.Import(t.Context(), o.by, "list.csv", []byte(file))
	if err != nil || len(r.Added) != 1 {
		t.Fatalf("Import %q = %+v, %v", file, r, err)
	}
	return r.Added[0]
}

// on moves the clock to ten o'clock of a day and does the sweep and what it brings.
func (o office) on(t *testing.T, day string) {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, day, denmark)
	if err != nil {
		t.Fatal(err)
	}
	moveTo(o.Clock, at, 10)
	sweepDay(t, o.Domain, reminder.Day{Day: day})
}

// addressed are how many mails of a kind each address has got.
func addressed(t *testing.T, db *bun.DB, kind string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, m := range reminders(t, db, kind) {
		count[m.Address]++
	}
	return count
}

func TestTheNearerTheEndTheMoreHear(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		// The user administrator, and one who administers the organisation only.
		boss := o.Employee(t, o.company.Organisation, "BOSS", "Bo Boss")
		if _, err := db.NewInsert().Model(&org.RoleAssignment{OrgID: o.company.ID, EmployeeID: boss.ID, Role: access.OrganisationAdministrator, CreatedAt: time.Unix(1, 0)}).
			Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.listed(t, "Lønsystem", "it@firma.example", "2027-06-30")
		const contact, users = "it@firma.example", "aase@nordvind.example"
		for _, step := range []struct {
			day                   string
			contact, users, admin int
		}{
			{"2026-12-31", 0, 0, 0},
			{"2027-01-01", 1, 0, 0}, // 180
			{"2027-01-02", 1, 0, 0},
			{"2027-04-01", 2, 0, 0}, // 90
			{"2027-05-31", 4 - 1, 1, 0},
			{"2027-06-16", 4, 2, 0},
			{"2027-06-23", 5, 3, 1}, // 7
			{"2027-06-30", 6, 4, 2}, // 0; 3 and 1 were missed and are not made up for
			{"2027-07-01", 7, 5, 3}, // -1
			{"2027-07-07", 8, 6, 4}, // -7
			{"2027-08-30", 8, 6, 4},
		} {
			o.on(t, step.day)
			got := addressed(t, db, mail.KindCertificate)
			if got[contact] != step.contact || got[users] != step.users || got[boss.Email] != step.admin {
				t.Errorf("%s: contact %d, users %d, administrator %d; want %d, %d, %d", step.day, got[contact], got[users], got[boss.Email], step.contact, step.users, step.admin)
			}
		}
	})
}

func TestWithoutAContactTheUserAdministratorsHear(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		o.listed(t, "Ingen", "", "2027-06-30")
		o.on(t, "2027-01-01")
		if got := addressed(t, db, mail.KindCertificate); got["aase@nordvind.example"] != 1 || len(got) != 1 {
			t.Errorf("mails = %v, want one to the user administrator", got)
		}
	})
}

func TestRemindersStopWhenTheSuccessorIsEverywhere(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		old := o.listed(t, "Gammelt", "it@firma.example", "2027-06-30")
		next := o.listed(t, "Nyt", "it@firma.example", "2030-06-30")
		place, err := o.Inventory.AddPlace(t.Context(), o.by, old.ID, inventory.Place{Name: "SKAT"})
		if err != nil {
			t.Fatal(err)
		}
		v, err := o.Inventory.Show(t.Context(), o.by, old.ID)
		if err != nil {
			t.Fatal(err)
		}
		err = o.Inventory.Change(t.Context(), o.by, old.ID, inventory.Care{Version: v.Version, ContactEmail: "it@firma.example", SuccessorID: next.ID})
		if err != nil {
			t.Fatal(err)
		}
		o.on(t, "2027-04-01")
		if got := addressed(t, db, mail.KindCertificate); got["it@firma.example"] != 1 {
			t.Errorf("issued and not installed: %v, want a mail", got)
		}
		if err := o.Inventory.Installed(t.Context(), o.by, old.ID, place.ID, true); err != nil {
			t.Fatal(err)
		}
		for _, day := range []string{"2027-05-31", "2027-06-30", "2027-07-01"} {
			o.on(t, day)
		}
		if got := addressed(t, db, mail.KindCertificate); got["it@firma.example"] != 1 {
			t.Errorf("installed everywhere: %v, want no more mails", got)
		}
	})
}

func TestManyInADayAreOneMail(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		for i := range 5 {
			o.listed(t, fmt.Sprintf("Fem %d", i), "five@firma.example", "2027-06-30")
		}
		for i := range 26 {
			o.listed(t, fmt.Sprintf("Mange %02d", i), "many@firma.example", "2027-06-30")
		}
		o.on(t, "2027-01-01")
		single, digest := addressed(t, db, mail.KindCertificate), reminders(t, db, mail.KindCertificates)
		if single["five@firma.example"] != 5 || single["many@firma.example"] != 0 || len(digest) != 1 || digest[0].Address != "many@firma.example" {
			t.Fatalf("single %v, digests %d; want five single ones and one digest", single, len(digest))
		}
		var params map[string]string
		if err := json.Unmarshal([]byte(digest[0].Params), &params); err != nil || params["count"] != "26" || strings.Count(params["list"], "\n") != 19 {
			t.Errorf("digest = %v, %v; want 26 counted and 20 listed", params, err)
		}
	})
}

func TestASnoozeKeepsRemindersBack(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		c := o.listed(t, "Sover", "it@firma.example", "2027-06-30")
		o.on(t, "2026-12-30")
		for _, bad := range [][2]string{{"2026-12-30", "fordi"}, {"2027-12-30", "fordi"}, {"i morgen", "fordi"}, {"2027-01-30", " "}} {
			if err := o.Reminder.SetSnooze(t.Context(), o.by, c.ID, bad[0], bad[1]); fault.KindOf(err) != fault.Invalid {
				t.Errorf("snooze until %q because %q = %v, want Invalid", bad[0], bad[1], err)
			}
		}
		if err := o.Reminder.SetSnooze(t.Context(), o.by, c.ID, "2027-01-10", "Leverandøren holder ferie"); err != nil {
			t.Fatal(err)
		}
		o.on(t, "2027-01-05")
		if got := reminders(t, db, mail.KindCertificate); len(got) != 0 {
			t.Errorf("asleep: %d mails", len(got))
		}
		w, err := o.Reminder.Of(t.Context(), o.by, c.ID)
		if err != nil || w.Snooze == nil || w.Snooze.Reason != "Leverandøren holder ferie" {
			t.Errorf("Of = %+v, %v", w, err)
		}
		o.on(t, "2027-01-10")
		if got := reminders(t, db, mail.KindCertificate); len(got) != 1 {
			t.Errorf("awake again: %d mails, want the one that was kept back", len(got))
		}
	})
}

// Quiet hours are those of the clock on the wall, on the days too on which it is
// moved: 2027-03-28 forward, 2027-10-31 back.
func TestQuietHours(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, now, want string }{
		{"a working day", "2027-03-24T10:00:00+01:00", "2027-03-24T10:00:00+01:00"},
		{"before the morning", "2027-03-24T06:59:00+01:00", "2027-03-24T08:00:00+01:00"},
		{"the first quiet minute", "2027-03-24T18:00:00+01:00", "2027-03-25T08:00:00+01:00"},
		{"the last one that is not", "2027-03-24T17:59:59+01:00", "2027-03-24T17:59:59+01:00"},
		{"a Friday evening, over the clock's move", "2027-03-26T20:00:00+01:00", "2027-03-29T08:00:00+02:00"},
		{"a Friday evening, over its move back", "2027-10-29T20:00:00+02:00", "2027-11-01T08:00:00+01:00"},
		{"a Sunday", "2027-03-28T12:00:00+02:00", "2027-03-29T08:00:00+02:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			want, err := time.Parse(time.RFC3339, tc.want)
			if err != nil {
				t.Fatal(err)
			}
			if got := reminder.Usual().Open(now); !got.Equal(want) {
				t.Errorf("Open(%s) = %s, want %s", tc.now, got.In(denmark), want)
			}
		})
	}
	all := reminder.Usual()
	all.QuietFrom, all.QuietTo, all.Weekends = 12, 12, true
	if now := time.Date(2027, 3, 28, 1, 30, 0, 0, time.UTC); !all.Open(now).Equal(now) {
		t.Error("without quiet hours every instant is open")
	}
}

func TestTheWebhookIsSignedAndTriedAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		var mu sync.Mutex
		var calls []*http.Request
		var bodies []string
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			calls, bodies = append(calls, r), append(bodies, string(body))
			if len(calls) == 1 {
				w.WriteHeader(http.StatusBadGateway)
			}
		}))
		t.Cleanup(hook.Close)
		o := office{Domain: testkit.NewDomain(t, db)}
		o.company = o.Company(t, "34051178")
		o.by = everything(t, o.Domain, o.company)
		secret := awake(t, o.Domain, o.by, func(r *reminder.Rules) { r.WebhookURL = hook.URL + "/adgang" })
		c := o.listed(t, "Løn & gage", "it@firma.example", "2027-06-30")
		o.on(t, "2027-01-01")
		seen := func(state string, attempts int64, next bool) {
			t.Helper()
			all, err := o.Reminder.HookCalls(t.Context(), o.by)
			if err != nil || len(all) != 1 || all[0].State != state || all[0].Attempts != attempts || (all[0].NextAt != nil) != next || all[0].Certificates != 1 {
				t.Errorf("HookCalls = %+v, %v; want one %s after %d", all, err, state, attempts)
			}
		}
		seen("retried", 1, true)
		o.Clock.Move(time.Minute)
		o.Drain(t)
		seen("done", 2, false)
		mu.Lock()
		defer mu.Unlock()
		if len(calls) != 2 || calls[0].Header.Get("Webhook-Id") != calls[1].Header.Get("Webhook-Id") || bodies[0] != bodies[1] {
			t.Fatalf("%d calls; want the same one again after it failed", len(calls))
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) != 32 {
			t.Fatalf("secret = %q, %v", secret, err)
		}
		for i, r := range calls {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + bodies[i]))
			if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("Webhook-Signature") != want {
				t.Errorf("signature = %q, want %q", r.Header.Get("Webhook-Signature"), want)
			}
		}
		var body struct {
			Type         string
			Certificates []struct{ ID, Name string }
		}
		if err := json.Unmarshal([]byte(bodies[0]), &body); err != nil || body.Type != "certificates.expiring" || len(body.Certificates) != 1 ||
			body.Certificates[0].ID != c.ID || body.Certificates[0].Name != "Løn & gage" {
			t.Errorf("body = %s, %v", bodies[0], err)
		}
	})
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		o.listed(t, "Æblegrød, med fløde og et navn, der er så langt, at linjen skal foldes", "it@firma.example", "2027-06-30")
		token, err := o.Reminder.NewCalendar(t.Context(), o.by)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := o.Reminder.Calendar(t.Context(), token, &out); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\r\n"), "\r\n") {
			if len(line) > 75 {
				t.Errorf("a line of %d octets: %q", len(line), line)
			}
		}
		whole := strings.ReplaceAll(out.String(), "\r\n ", "")
		for _, want := range []string{"BEGIN:VCALENDAR\r\nVERSION:2.0", "DTSTART;VALUE=DATE:20270630", `SUMMARY:Udløber: Æblegrød\, med fløde`, "END:VCALENDAR\r\n"} {
			if !strings.Contains(whole, want) {
				t.Errorf("the calendar lacks %q:\n%s", want, whole)
			}
		}
		if _, err := o.Reminder.NewCalendar(t.Context(), o.by); err != nil {
			t.Fatal(err)
		}
		if err := o.Reminder.Calendar(t.Context(), token, io.Discard); fault.KindOf(err) != fault.Absent {
			t.Errorf("the address of before = %v, want Absent", err)
		}
	})
}

func TestRulesAreChecked(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		good, err := o.Reminder.Rules(t.Context(), o.by)
		if err != nil {
			t.Fatal(err)
		}
		for field, change := range map[string]func(*reminder.Rules){
			"days":          func(r *reminder.Rules) { r.Days = nil },
			"key_file_days": func(r *reminder.Rules) { r.KeyFileDays = []int{366} },
			"quiet_from":    func(r *reminder.Rules) { r.QuietFrom = 24 },
			"digest_over":   func(r *reminder.Rules) { r.DigestOver = 0 },
			"users_from":    func(r *reminder.Rules) { r.UsersFrom = 400 },
			"webhook_url":   func(r *reminder.Rules) { r.WebhookURL = "ftp://firma.example" },
		} {
			bad := good
			change(&bad)
			_, err := o.Reminder.SetRules(t.Context(), o.by, bad)
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Invalid || e.Field != field {
				t.Errorf("bad %s = %v", field, err)
			}
		}
		if _, err := o.Reminder.SetRules(t.Context(), o.by, good); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Reminder.SetRules(t.Context(), o.by, good); fault.KindOf(err) != fault.Conflict {
			t.Errorf("from a stale page = %v, want Conflict", err)
		}
		weak := o.by
		weak.Roles = []access.Role{access.RightsAdministrator}
		if _, err := o.Reminder.SetRules(t.Context(), weak, good); fault.KindOf(err) != fault.Denied {
			t.Errorf("without the right = %v, want Denied", err)
		}
	})
}

// Whatever the days on which sweeps run, in whatever order, however many at once and
// wherever they are cut short: no receiver hears of a rule of a certificate twice,
// and a sweep that ends tells everybody what is due on its day.
func TestNeverTwiceNeverLost(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		random := rand.New(rand.NewPCG(2026, 11))
		o := newOffice(t, db, func(r *reminder.Rules) { r.DigestOver = 50 })
		start := time.Date(2027, 1, 4, 0, 0, 0, 0, denmark)
		names := map[string]int{} // days from start to the end
		for i := range 8 {
			end := 20 + random.IntN(200)
			name := fmt.Sprintf("Nr %d", i)
			o.listed(t, name, fmt.Sprintf("c%d@firma.example", i%3), start.AddDate(0, 0, end).Format(time.DateOnly))
			names[name] = end
		}
		moveTo(o.Clock, start, 10)
		at := 0
		for range 40 {
			// A week off, a clock that jumps ahead, and one that is put back.
			at = max(0, at+[]int{0, 1, 1, 1, 2, 7, 30, -3, -40}[random.IntN(9)])
			day := start.AddDate(0, 0, at)
			moveTo(o.Clock, day, 10)
			var nodes sync.WaitGroup
			for range 1 + random.IntN(3) {
				cut := time.Duration(random.IntN(4_000)) * time.Microsecond
				nodes.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), cut)
					defer cancel()
					// Errors are what a node that is killed leaves behind.
					_ = o.Reminder.Sweep(ctx, reminder.Day{Day: day.Format(time.DateOnly)})
					_ = o.Reminder.Send(ctx, reminder.Send{Org: o.company.ID})
				})
			}
			nodes.Wait()
			if random.IntN(3) > 0 {
				continue // the day ends without a run that lives
			}
			sweepDay(t, o.Domain, reminder.Day{Day: day.Format(time.DateOnly)})
			if err := o.Reminder.Send(t.Context(), reminder.Send{Org: o.company.ID}); err != nil {
				t.Fatal(err)
			}
			wantDue(t, o, names, at)
		}
		wantOnce(t, o)
	})
}

// wantDue checks that each certificate's contact has been told the rule of the day,
// or a later one when the clock had been ahead.
func wantDue(t *testing.T, o office, names map[string]int, at int) {
	t.Helper()
	sent := records(t, o)
	for name, end := range names {
		left := end - at
		rule, ok := 0, false
		for _, d := range reminder.Usual().Days { // from the first to the last
			if d >= left {
				rule, ok = d, true
			}
		}
		if !ok || left < min(rule, 0)-14 {
			continue
		}
		told := false
		for _, s := range sent {
			told = told || s.Name == name && s.Days <= rule && s.State == reminder.Queued && strings.HasPrefix(s.Receiver, "mail:")
		}
		if !told {
			t.Errorf("day %d: %s, which ends in %d days, was not told of rule %d or a later one", at, name, left, rule)
		}
	}
}

func records(t *testing.T, o office) (all []reminder.Sent) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := o.Reminder.Records(t.Context(), o.by, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

// wantOnce checks that the mails are as many as the records say, each once.
func wantOnce(t *testing.T, o office) {
	t.Helper()
	want, rules := map[string]int{}, map[string]int{}
	for _, s := range records(t, o) {
		if s.State == reminder.Queued {
			want[s.Receiver+" "+s.Name]++
			rules[fmt.Sprint(s.Receiver, s.Certificate, s.Days)]++
		}
	}
	got := map[string]int{}
	for _, m := range reminders(t, o.DB, mail.KindCertificate) {
		var params map[string]string
		if err := json.Unmarshal([]byte(m.Params), &params); err != nil {
			t.Fatal(err)
		}
		to := "mail:" + m.Address
		if m.EmployeeID != "" {
			to = "employee:" + string(m.EmployeeID)
		}
		got[to+" "+params["certificate"]]++
	}
	if len(got) == 0 || len(got) != len(want) {
		t.Errorf("%d receivers got mails, the records have %d", len(got), len(want))
	}
	for key, n := range want {
		if got[key] != n {
			t.Errorf("%s: %d mails, the records have %d", key, got[key], n)
		}
	}
	for key, n := range rules {
		if n != 1 {
			t.Errorf("%s was sent %d times", key, n)
		}
	}
	var entries int
	err := o.DB.NewSelect().Model((*audit.Entry)(nil)).ColumnExpr("count(*)").Where("verb = 'reminder.queue'").Scan(t.Context(), &entries)
	if err != nil || entries == 0 || entries > len(rules) {
		t.Errorf("%d audit entries for %d reminders, %v", entries, len(rules), err)
	}
}

// A contact outside without an e-mail address is reminded by letter, once for each
// rule, like the others.
func TestLettersToContactsOutside(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, func(r *reminder.Rules) { r.Days, r.UsersFrom, r.AdminsFrom = []int{30, 7}, 0, 0 })
		c := o.listed(t, "Målerdata", "", "2027-03-01")
		err := o.Inventory.Change(t.Context(), o.by, c.ID, inventory.Care{Version: c.Version, ContactName: "Jens Vig", ContactPost: "Havnen 1\n9000 Aalborg", ContactLang: "en"})
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range []string{"2027-02-01", "2027-02-02", "2027-02-24"} {
			o.on(t, day)
		}
		all := reminders(t, db, mail.KindCertificate)
		if len(all) != 2 {
			t.Fatalf("%d letters, want one for each rule", len(all))
		}
		for _, m := range all {
			if m.State != mail.StateWaiting || m.Address != "Havnen 1\n9000 Aalborg" || m.Name != "Jens Vig" || m.Lang != mail.English {
				t.Errorf("a letter = %+v", m)
			}
		}
	})
}
