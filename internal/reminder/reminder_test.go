package reminder_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/jobs"
)

// holder is an employee whose key file was activated at the clock's start.
type holder struct {
	*testkit.Domain

	company testkit.Company
	person  org.Employee
	file    testkit.KeyFile
	end     time.Time // of the key file
}

func newHolder(t *testing.T, db *bun.DB) holder {
	t.Helper()
	h := holder{Domain: testkit.NewDomain(t, db)}
	h.company = h.Company(t, "34051178")
	h.person = h.Employee(t, h.company.Organisation, "4711", "Bo Holm")
	h.file = h.Activate(t, h.Invite(t, h.company.Organisation, h.person))
	c, err := h.CA.Certificate(t.Context(), h.company.ID, h.file.Serial)
	if err != nil {
		t.Fatal(err)
	}
	h.end = c.NotAfter
	return h
}

// before is the day n days before the key file ends.
func (h holder) before(n int) reminder.Day {
	return reminder.Day{Day: h.end.In(denmark).AddDate(0, 0, -n).Format(time.DateOnly)}
}

// at moves the clock to ten in the morning, in Denmark, of a day before the end.
func (h holder) at(t *testing.T, n int) { moveTo(h.Clock, h.end.In(denmark).AddDate(0, 0, -n), 10) }

func moveTo(c *testkit.Clock, day time.Time, hour int) {
	day = day.In(denmark)
	c.Move(time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, denmark).Sub(c.Now()))
}

var denmark = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return zone
}()

// awake are rules without quiet hours.
func awake(t *testing.T, d *testkit.Domain, by access.Actor, change func(*reminder.Rules)) (webhookSecret string) {
	t.Helper()
	r, err := d.Reminder.Rules(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	r.Weekends, r.QuietFrom, r.QuietTo = true, 0, 0
	if change != nil {
		change(&r)
	}
	if webhookSecret, err = d.Reminder.SetRules(t.Context(), by, r); err != nil {
		t.Fatal(err)
	}
	return webhookSecret
}

// everything is an actor with every role, who is an employee with every role too.
func everything(t *testing.T, d *testkit.Domain, c testkit.Company) access.Actor {
	t.Helper()
	var roles []org.RoleAssignment
	for _, role := range access.Roles {
		roles = append(roles, org.RoleAssignment{OrgID: c.ID, EmployeeID: c.Admin.ID, Role: role, CreatedAt: time.Unix(1, 0)})
	}
	if _, err := d.DB.NewInsert().Model(&roles).On("CONFLICT DO NOTHING").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	by := c.Actor
	by.Roles = access.Roles
	return by
}

func sweepDay(t *testing.T, d *testkit.Domain, day reminder.Day) {
	t.Helper()
	if err := d.Reminder.Sweep(t.Context(), day); err != nil {
		t.Fatalf("Sweep %s: %v", day.Day, err)
	}
	d.Drain(t)
}

func (h holder) sweep(t *testing.T, d reminder.Day) {
	t.Helper()
	sweepDay(t, h.Domain, d)
}

// reminders are the mails about ends to one person, oldest first.
func reminders(t *testing.T, db *bun.DB, kinds ...string) []mail.Message {
	t.Helper()
	if len(kinds) == 0 {
		kinds = []string{mail.KindKeyFileExpiry}
	}
	var all []mail.Message
	if err := db.NewSelect().Model(&all).Where("kind IN (?)", bun.List(kinds)).Order("id").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

func wantReminders(t *testing.T, db *bun.DB, when string, want int) {
	t.Helper()
	if got := len(reminders(t, db)); got != want {
		t.Errorf("%s: %d reminders, want %d", when, got, want)
	}
}

func TestHolderHearsOfEachRuleOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
		awake(t, h.Domain, everything(t, h.Domain, h.company), nil)
		want := map[int]int{59: 1, 31: 1, 30: 2, 29: 2, 15: 2, 14: 3, 8: 3, 7: 4, 4: 4, 3: 5, 2: 5, 1: 6, 0: 7, -1: 8, -6: 8, -7: 9, -9: 9}
		for n := 59; n >= -9; n-- {
			h.at(t, n)
			h.sweep(t, h.before(n))
			if count, told := want[n]; told {
				wantReminders(t, db, fmt.Sprint(n, " days before"), count)
			}
		}
		for _, n := range []int{30, 14, 0} {
			h.sweep(t, h.before(n))
		}
		wantReminders(t, db, "days swept again", 9)

		got := reminders(t, db)[1]
		if got.Address != h.person.Email || got.EmployeeID != h.person.ID || got.OrgID != h.company.ID ||
			!strings.Contains(got.Params, `"days":"30"`) || !strings.Contains(got.Params, h.end.Format(time.RFC3339)) {
			t.Errorf("reminder = %+v with %s, want the holder, 30 days and %s", got, got.Params, h.end)
		}
		entries, err := audit.Of(t.Context(), db, h.company.ID, "employee:"+string(h.person.ID))
		if err != nil {
			t.Fatal(err)
		}
		noted := 0
		for _, e := range entries {
			if e.Verb == "reminder.queue" && e.Actor == "system" && strings.Contains(e.Note, h.file.Serial) {
				noted++
			}
		}
		if noted != 9 {
			t.Errorf("audit entries reminder.queue = %d, want 9", noted)
		}
		// From a week before on, the user administrators hear too.
		others := reminders(t, db, mail.KindCertificate)
		if len(others) != 6 || others[0].EmployeeID != h.company.Admin.ID || !strings.Contains(others[0].Params, "nøglefil: Bo Holm") {
			t.Errorf("mails to administrators = %d, %+v; want 6 from 7 days on", len(others), others)
		}
		mails, _, err := h.Mailbox.Mails("", 50)
		if err != nil || len(mails) == 0 {
			t.Fatalf("mails = %d, %v", len(mails), err)
		}
		seen := 0
		for _, m := range mails {
			if strings.Contains(m.Subject, "Din nøglefil udløber om 30 dage") {
				seen++
			}
		}
		if seen != 1 {
			t.Errorf("%d mails that the key file expires in 30 days, want 1", seen)
		}
	})
}

func TestSweepMakesUpForDaysWithoutOne(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
		awake(t, h.Domain, everything(t, h.Domain, h.company), nil)
		h.at(t, 12)
		h.sweep(t, h.before(12))
		wantReminders(t, db, "after 18 days without a sweep", 1)
		if got := reminders(t, db)[0]; !strings.Contains(got.Params, `"days":"12"`) {
			t.Errorf("parameters = %s, want 12 days", got.Params)
		}
		h.sweep(t, h.before(11))
		wantReminders(t, db, "the day after", 1)
	})
}

func TestSweepLeavesOut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, h holder)
		later  int // mails after the change is undone
		undo   func(t *testing.T, h holder)
	}{
		{name: "a blocked key file", change: func(t *testing.T, h holder) {
			if err := h.Credential.BlockKeyFile(t.Context(), h.company.Actor, h.person.ID, "key_compromise", "lost"); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "a renewed key file", change: func(t *testing.T, h holder) {
			// The old key file is out of use, its certificate still valid.
			h.Clock.Move(300 * 24 * time.Hour)
			if _, err := h.DB.Exec("UPDATE key_file SET state = 'blocked' WHERE employee_id = ?", h.person.ID); err != nil {
				t.Fatal(err)
			}
			h.Activate(t, h.Invite(t, h.company.Organisation, h.person))
		}},
		{name: "a suspended employee, until reactivated", change: func(t *testing.T, h holder) {
			setState(t, h, org.Suspended)
		}, undo: func(t *testing.T, h holder) {
			setState(t, h, org.Active)
		}, later: 1},
		{name: "a key file that ended long ago", change: func(*testing.T, holder) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				h := newHolder(t, db)
				awake(t, h.Domain, everything(t, h.Domain, h.company), nil)
				tc.change(t, h)
				day := h.before(20)
				if tc.name == "a key file that ended long ago" {
					day = h.before(-22)
				}
				h.sweep(t, day)
				wantReminders(t, db, "with "+tc.name, 0)
				if tc.undo != nil {
					tc.undo(t, h)
					h.sweep(t, h.before(19))
					wantReminders(t, db, "afterwards", tc.later)
				}
			})
		})
	}
}

// Between the sweep and the end of the quiet hours the key file is blocked: nobody
// is told of what does not matter any more.
func TestNeedlessRemindersStayUnsent(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
		moveTo(h.Clock, h.end.AddDate(0, 0, -30), 3)
		h.sweep(t, h.before(30))
		wantReminders(t, db, "at night", 0)
		if err := h.Credential.BlockKeyFile(t.Context(), h.company.Actor, h.person.ID, "key_compromise", "lost"); err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(72 * time.Hour)
		moveTo(h.Clock, h.Clock.Now(), 10)
		h.Drain(t)
		wantReminders(t, db, "after the block", 0)
		sent, _, err := h.Reminder.Records(t.Context(), h.company.Actor, "")
		if err != nil || len(sent) != 1 || sent[0].State != reminder.Needed {
			t.Errorf("records = %+v, %v; want one that was needless", sent, err)
		}
	})
}

func setState(t *testing.T, h holder, state org.State) {
	t.Helper()
	if _, err := h.DB.Exec("UPDATE employee SET state = ? WHERE id = ?", state, h.person.ID); err != nil {
		t.Fatal(err)
	}
}

// Ten nodes tick at the same time, all of them run the sweep, and all send.
func TestTenSchedulersOneMail(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
		awake(t, h.Domain, everything(t, h.Domain, h.company), nil)
		h.at(t, 30)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				node := jobs.New(jobs.Options{DB: db, Now: h.Clock.Now, Log: h.CA.Log, Schedules: jobs.Schedules()})
				if err := node.Tick(t.Context()); err != nil {
					t.Errorf("Tick: %v", err)
				}
			})
			all.Go(func() {
				if err := h.Reminder.Sweep(t.Context(), h.before(30)); err != nil {
					t.Errorf("Sweep: %v", err)
				}
				if err := h.Reminder.Send(t.Context(), reminder.Send{Org: h.company.ID}); err != nil {
					t.Errorf("Send: %v", err)
				}
			})
		}
		all.Wait()
		var sweeps []string
		if err := db.NewSelect().Table("work").Column("payload").Where("kind = ?", reminder.SweepKind.Name()).Scan(t.Context(), &sweeps); err != nil {
			t.Fatal(err)
		}
		if len(sweeps) != 1 || sweeps[0] != `{"day":"`+h.before(30).Day+`"}` {
			t.Errorf("sweeps recorded = %q, want one of %s", sweeps, h.before(30).Day)
		}
		h.Drain(t)
		wantReminders(t, db, "ten schedulers, ten sweeps", 1)
	})
}

func TestSweepTakesManyPages(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		const people = 450 // more than two pages
		d := testkit.NewDomain(t, db)
		o := d.Company(t, "34051178").Organisation
		end := time.Date(2027, 3, 1, 9, 29, 59, 0, time.UTC)
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			for i := range people {
				e := d.Org.Prepare(org.Employee{OrgID: o.ID, GivenName: "Bo", Surname: "Holm", Email: "bo@nordvind.example"})
				if _, err := tx.NewInsert().Model(&e).Exec(ctx); err != nil {
					return err
				}
				// All end at the same instant: the cursor must tell them apart.
				if _, err := tx.Exec(`INSERT INTO certificate (serial, org_id, employee_id, request_id, authority_id, profile, state, key_hash, draft,
					not_before, not_after, created_at, revoke_reason) SELECT ?, ?, ?, ?, id, 'employee', 'issued', ?, ?, ?, ?, ?, '' FROM authority WHERE role = 'issuing'`,
					fmt.Sprintf("%040x", i), o.ID, e.ID, fmt.Sprint(i), []byte{1}, []byte{1}, end.AddDate(-3, 0, 0), end, end.AddDate(-3, 0, 0)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		moveTo(d.Clock, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), 10) // a Monday
		sweepDay(t, d, reminder.Day{Day: "2027-02-01"})
		wantReminders(t, db, "450 key files", people)
	})
}

func TestSweepRefusesWhatIsNoDay(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	for _, day := range []string{"", "2027-02-30", "1/2/2027", "2027-02-01T00:00:00Z"} {
		if err := d.Reminder.Sweep(t.Context(), reminder.Day{Day: day}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Sweep %q = %v, want Invalid", day, err)
		}
	}
}
