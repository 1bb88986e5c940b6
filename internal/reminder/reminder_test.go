package reminder_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

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
	return reminder.Day{Day: h.end.AddDate(0, 0, -n).Format(time.DateOnly)}
}

func (h holder) sweep(t *testing.T, d reminder.Day) {
	t.Helper()
	if err := h.Reminder.Sweep(t.Context(), d); err != nil {
		t.Fatalf("Sweep %s: %v", d.Day, err)
	}
}

// reminders are the mails about the end of a key file, oldest first.
func reminders(t *testing.T, db *bun.DB) []mail.Message {
	t.Helper()
	var all []mail.Message
	if err := db.NewSelect().Model(&all).Where("kind = ?", mail.KindKeyFileExpiry).Order("id").Scan(t.Context()); err != nil {
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

func TestSweepMailsTheHolderOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
		h.sweep(t, h.before(31))
		wantReminders(t, db, "31 days before", 0)
		for n := 30; n >= 0; n-- {
			h.sweep(t, h.before(n))
			wantReminders(t, db, fmt.Sprint(n, " days before"), 1)
		}
		h.sweep(t, h.before(30))
		wantReminders(t, db, "the first day again", 1)

		got := reminders(t, db)[0]
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
		if noted != 1 {
			t.Errorf("audit entries reminder.queue = %d, want 1", noted)
		}
		h.Drain(t)
		mails, _, err := h.Mailbox.Mails("", 1)
		if err != nil || len(mails) != 1 || !strings.Contains(mails[0].Subject, "udløber om 30 dage") {
			t.Errorf("the newest mail = %+v, %v, want the reminder", mails, err)
		}
	})
}

func TestSweepMakesUpForDaysWithoutOne(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
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
			if err := h.Credential.BlockKeyFile(t.Context(), h.company.Actor, h.person.ID, "lost"); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "a renewed key file", change: func(t *testing.T, h holder) {
			// The old key file is out of use, its certificate still valid.
			h.Clock.Move(100 * 24 * time.Hour)
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
		{name: "a key file that has ended", change: func(*testing.T, holder) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				h := newHolder(t, db)
				tc.change(t, h)
				day := h.before(20)
				if tc.name == "a key file that has ended" {
					day = h.before(-1)
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

func setState(t *testing.T, h holder, state org.State) {
	t.Helper()
	if _, err := h.DB.Exec("UPDATE employee SET state = ? WHERE id = ?", state, h.person.ID); err != nil {
		t.Fatal(err)
	}
}

// Two nodes tick at the same time, and both happen to run the sweep.
func TestTwoSchedulersOneMail(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHolder(t, db)
		second := testkit.NewDomain(t, db)
		day := h.end.AddDate(0, 0, -30).Truncate(24 * time.Hour)
		for _, d := range []*testkit.Domain{h.Domain, second} {
			d.Clock.Move(day.Add(7 * time.Hour).Sub(d.Clock.Now()))
		}
		var all sync.WaitGroup
		for _, d := range []*testkit.Domain{h.Domain, second} {
			all.Go(func() {
				node := jobs.New(jobs.Options{DB: db, Now: d.Clock.Now, Log: d.CA.Log, Schedules: jobs.Schedules()})
				if err := node.Tick(t.Context()); err != nil {
					t.Errorf("Tick: %v", err)
				}
			})
			all.Go(func() {
				if err := d.Reminder.Sweep(t.Context(), h.before(30)); err != nil {
					t.Errorf("Sweep: %v", err)
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
		second.Drain(t)
		wantReminders(t, db, "two schedulers, two sweeps", 1)
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
		if err := d.Reminder.Sweep(t.Context(), reminder.Day{Day: "2027-01-30"}); err != nil {
			t.Fatal(err)
		}
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
