package cutover_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

func TestStartNeedsSkipBad(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, export(line("1"), line("1")), cutover.Plan{})
		before := testkit.Contents(t, db)
		if err := m.Cutover.Start(t.Context(), m.own.Actor, v.ID, false, nil); fault.CodeOf(err) != "cutover.batch.bad_rows" || fault.KindOf(err) != fault.Conflict {
			t.Errorf("Start with a bad row = %v, want Conflict", err)
		}
		if !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Error("the refusal has changed something")
		}
		m.start(t, v.ID)
		m.Drain(t)
		m.want(t, "done", v.ID, cutover.Completed, cutover.Counts{Invited: 1, Failed: 1})
	})
}

func TestStartOfNothingGood(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, export(line("1", "E-mail=none")), cutover.Plan{})
		m.start(t, v.ID)
		m.want(t, "at once", v.ID, cutover.Completed, cutover.Counts{Failed: 1})
	})
}

// Ten impatient clicks start one batch once, and all are content.
func TestStartTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, people(t, 30), cutover.Plan{ChunkRows: 10})
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := m.Cutover.Start(t.Context(), m.own.Actor, v.ID, false, nil); err != nil {
					t.Errorf("Start: %v", err)
				}
			})
		}
		all.Wait()
		if work := len(testkit.Contents(t, db)["work"]); work != 3 || verbs(t, db, m.own.ID)["batch.start"] != 1 {
			t.Errorf("%d pieces of work, entries %v; want one for each chunk and one entry", work, verbs(t, db, m.own.ID))
		}
	})
}

// Every step from every state: done, already in effect, or impossible.
func TestSteps(t *testing.T) {
	t.Parallel()
	steps := []struct {
		name string
		do   func(s *cutover.Service, ctx context.Context, by access.Actor, id string) error
	}{
		{"start", func(s *cutover.Service, ctx context.Context, by access.Actor, id string) error {
			return s.Start(ctx, by, id, true, nil)
		}},
		{"pause", (*cutover.Service).Pause},
		{"resume", (*cutover.Service).Resume},
		{"cancel", (*cutover.Service).Cancel},
	}
	const impossible = cutover.State("impossible")
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		for _, tc := range []struct {
			from cutover.State
			to   [4]cutover.State // after each of steps
		}{
			{cutover.Draft, [4]cutover.State{cutover.Running, impossible, impossible, cutover.Cancelled}},
			{cutover.Running, [4]cutover.State{cutover.Running, cutover.Paused, cutover.Running, cutover.Cancelled}},
			{cutover.Paused, [4]cutover.State{impossible, cutover.Paused, cutover.Running, cutover.Cancelled}},
			{cutover.Cancelled, [4]cutover.State{impossible, impossible, impossible, cutover.Cancelled}},
			{cutover.Completed, [4]cutover.State{cutover.Completed, impossible, impossible, impossible}},
		} {
			for i, step := range steps {
				v := m.create(t, export(line(fmt.Sprint(tc.from, i))), cutover.Plan{})
				m.bring(t, v.ID, tc.from)
				before := verbs(t, db, m.own.ID)["batch."+step.name]
				err := step.do(m.Cutover, t.Context(), m.own.Actor, v.ID)
				want, entries := tc.to[i], 0
				if want != impossible && want != tc.from {
					entries = 1
				}
				if want == impossible {
					want = tc.from
					if fault.KindOf(err) != fault.Conflict {
						t.Errorf("%s of a %s batch = %v, want Conflict", step.name, tc.from, err)
					}
				} else if err != nil {
					t.Errorf("%s of a %s batch = %v", step.name, tc.from, err)
				}
				got, err := m.Cutover.Progress(t.Context(), m.own.Actor, v.ID)
				if err != nil || got.State != want {
					t.Errorf("%s of a %s batch: it is %s, %v, want %s", step.name, tc.from, got.State, err, want)
				}
				if n := verbs(t, db, m.own.ID)["batch."+step.name] - before; n != entries {
					t.Errorf("%s of a %s batch: %d audit entries, want %d", step.name, tc.from, n, entries)
				}
			}
		}
	})
}

// bring takes a draft to a state.
func (m installation) bring(t *testing.T, id string, state cutover.State) {
	t.Helper()
	steps := map[cutover.State][]func(context.Context, access.Actor, string) error{
		cutover.Paused:    {m.Cutover.Pause},
		cutover.Cancelled: {m.Cutover.Cancel},
	}
	if state == cutover.Draft {
		return
	}
	m.start(t, id)
	for _, step := range steps[state] {
		if err := step(t.Context(), m.own.Actor, id); err != nil {
			t.Fatal(err)
		}
	}
	if state == cutover.Completed {
		m.Drain(t)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, people(t, 30), cutover.Plan{ChunkRows: 10, Pace: time.Minute})
		m.start(t, v.ID)
		m.Drain(t)
		m.want(t, "the first chunk", v.ID, cutover.Running, cutover.Counts{Pending: 20, Invited: 10})
		if err := m.Cutover.Pause(t.Context(), m.own.Actor, v.ID); err != nil {
			t.Fatal(err)
		}
		m.Clock.Move(time.Hour)
		m.Drain(t)
		m.want(t, "paused", v.ID, cutover.Paused, cutover.Counts{Pending: 20, Invited: 10})
		if err := m.Cutover.Resume(t.Context(), m.own.Actor, v.ID); err != nil {
			t.Fatal(err)
		}
		m.Drain(t)
		m.want(t, "resumed", v.ID, cutover.Running, cutover.Counts{Pending: 10, Invited: 20})
		m.Clock.Move(time.Minute)
		m.Drain(t)
		m.want(t, "done", v.ID, cutover.Completed, cutover.Counts{Invited: 30})
		m.invitedOnce(t, 30)
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, people(t, 30), cutover.Plan{ChunkRows: 10, Pace: time.Minute})
		m.start(t, v.ID)
		m.Drain(t)
		if err := m.Cutover.Cancel(t.Context(), m.own.Actor, v.ID); err != nil {
			t.Fatal(err)
		}
		m.Clock.Move(time.Hour)
		m.Drain(t)
		m.want(t, "cancelled", v.ID, cutover.Cancelled, cutover.Counts{Invited: 10, Cancelled: 20})
		m.invitedOnce(t, 10)
		if left, err := db.NewSelect().Table("batch_row").Where("cpr_sealed IS NOT NULL").Count(t.Context()); err != nil || left != 0 {
			t.Errorf("%d rows of the cancelled batch hold a CPR number, %v", left, err)
		}
		// Those who were invited may still activate, the others be imported again.
		m.activate(t, m.rows(t, v.ID)[0].RID)
		m.want(t, "after an activation", v.ID, cutover.Cancelled, cutover.Counts{Invited: 9, Activated: 1, Cancelled: 20})
		again := m.migrate(t, people(t, 30))
		m.want(t, "imported again", again, cutover.Completed, cutover.Counts{Invited: 20, Skipped: 10})
	})
}

// Cancel while workers are at it: every row is either invited or cancelled, and
// everything that was counted has happened.
func TestCancelAmongWorkers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, people(t, 60), cutover.Plan{ChunkRows: 5})
		m.start(t, v.ID)
		var all sync.WaitGroup
		for no := range int64(12) {
			all.Go(func() {
				if err := m.Cutover.Migrate(t.Context(), cutover.ChunkRef{Org: m.own.ID, Batch: v.ID, No: no + 1}); err != nil {
					t.Errorf("Migrate: %v", err)
				}
			})
			if no == 5 {
				all.Go(func() {
					if err := m.Cutover.Cancel(t.Context(), m.own.Actor, v.ID); err != nil && fault.KindOf(err) != fault.Conflict {
						t.Errorf("Cancel: %v", err)
					}
				})
			}
		}
		all.Wait()
		got, err := m.Cutover.Progress(t.Context(), m.own.Actor, v.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := cutover.Counts{Invited: got.Counts.Invited, Cancelled: 60 - got.Counts.Invited}
		m.want(t, "afterwards", v.ID, got.State, want)
		m.invitedOnce(t, int(want.Invited))
		if got.State != cutover.Cancelled && want.Cancelled > 0 {
			t.Errorf("batch is %s with %d cancelled rows", got.State, want.Cancelled)
		}
	})
}

func TestStartAt(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		at := m.Clock.Now().Add(2 * time.Hour)
		planned := m.create(t, export(line("1")), cutover.Plan{StartAt: &at})
		given := m.create(t, export(line("2")), cutover.Plan{})
		m.start(t, planned.ID)
		if err := m.Cutover.Start(t.Context(), m.own.Actor, given.ID, false, &at); err != nil {
			t.Fatal(err)
		}
		m.Clock.Move(time.Hour)
		m.Drain(t)
		if err := m.Cutover.Pause(t.Context(), m.own.Actor, given.ID); err != nil {
			t.Fatal(err)
		}
		if err := m.Cutover.Resume(t.Context(), m.own.Actor, given.ID); err != nil { // does not start it before its time
			t.Fatal(err)
		}
		m.Clock.Move(59 * time.Minute)
		m.Drain(t)
		for _, id := range []string{planned.ID, given.ID} {
			m.want(t, "before its time", id, cutover.Running, cutover.Counts{Pending: 1})
			if v, err := m.Cutover.Progress(t.Context(), m.own.Actor, id); err != nil || v.ETA != nil || !v.StartAt.Equal(at) || !v.StartedAt.Equal(at) {
				t.Errorf("before its time: start_at %v, started_at %v, ETA %v, %v", v.StartAt, v.StartedAt, v.ETA, err)
			}
		}
		m.Clock.Move(time.Minute)
		m.Drain(t)
		for _, id := range []string{planned.ID, given.ID} {
			m.want(t, "at its time", id, cutover.Completed, cutover.Counts{Invited: 1})
		}
	})
}

func TestETA(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		v := m.create(t, people(t, 40), cutover.Plan{ChunkRows: 10, Pace: 10 * time.Second})
		m.start(t, v.ID)
		for range 2 {
			m.Drain(t)
			m.Clock.Move(10 * time.Second)
		}
		// 20 rows in 20 seconds, 20 to go.
		got, err := m.Cutover.Progress(t.Context(), m.own.Actor, v.ID)
		if err != nil || got.ETA == nil || !got.ETA.Equal(m.Clock.Now().Add(20*time.Second)) || *got.RowsPerSecond != 1 {
			t.Errorf("ETA = %v at %v rows/s, %v, want 20 s from %v", got.ETA, got.RowsPerSecond, err, m.Clock.Now())
		}
		m.Clock.Move(time.Minute)
		if got, err = m.Cutover.Progress(t.Context(), m.own.Actor, v.ID); err != nil || got.ETA != nil {
			t.Errorf("ETA when nothing has moved for a minute = %v, %v, want none", got.ETA, err)
		}
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		closing, own := m.Clock.Now().AddDate(0, 0, 93), m.Clock.Now().AddDate(0, 0, 30)
		m.Cutover.ClosedAt = &closing
		for want, plan := range map[*time.Time]cutover.Plan{&closing: {}, &own: {Deadline: &own}} {
			v := m.create(t, export(line("1")), plan)
			if got, err := m.Cutover.Batch(t.Context(), m.own.Actor, v.ID); err != nil || !got.Deadline.Equal(*want) {
				t.Errorf("deadline = %v, %v, want %v", got.Deadline, err, want)
			}
		}
	})
}

// Work of a batch waits on the bulk queue when there is much of it.
func TestQueue(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		for rows, want := range map[int]string{100: outbox.Default, 101: outbox.Bulk} {
			v := m.create(t, people(t, rows), cutover.Plan{})
			m.start(t, v.ID)
			var queues []string
			if err := db.NewSelect().Table("work").Column("queue").Where("payload LIKE ?", "%"+v.ID+"%").Scan(t.Context(), &queues); err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprint("queues of ", rows, " rows"), queues, []string{want})
		}
	})
}

func TestOtherOrganisationsAndRights(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		id := m.migrate(t, export(line("1"), line("1")))
		draft := m.create(t, export(line("2")), cutover.Plan{}).ID
		powerless := m.own.Actor
		powerless.Roles = []access.Role{access.OrganisationAdministrator, access.RightsAdministrator}
		before := testkit.Contents(t, db)
		s := m.Cutover
		for name, call := range map[string]func(ctx context.Context, by access.Actor) error{
			"Batch":       func(ctx context.Context, by access.Actor) error { _, err := s.Batch(ctx, by, id); return err },
			"Progress":    func(ctx context.Context, by access.Actor) error { _, err := s.Progress(ctx, by, id); return err },
			"Rows":        func(ctx context.Context, by access.Actor) error { _, _, err := s.Rows(ctx, by, id, "", ""); return err },
			"WriteReport": func(ctx context.Context, by access.Actor) error { return s.WriteReport(ctx, by, id, io.Discard) },
			"WriteLetters": func(ctx context.Context, by access.Actor) error {
				return s.WriteLetters(ctx, by, id, 1, testkit.BaseURL, io.Discard)
			},
			"Start":  func(ctx context.Context, by access.Actor) error { return s.Start(ctx, by, draft, true, nil) },
			"Pause":  func(ctx context.Context, by access.Actor) error { return s.Pause(ctx, by, draft) },
			"Resume": func(ctx context.Context, by access.Actor) error { return s.Resume(ctx, by, draft) },
			"Cancel": func(ctx context.Context, by access.Actor) error { return s.Cancel(ctx, by, draft) },
		} {
			if err := call(t.Context(), m.other.Actor); fault.KindOf(err) != fault.Absent {
				t.Errorf("%s by another organisation = %v, want Absent", name, err)
			}
			if err := call(t.Context(), powerless); fault.KindOf(err) != fault.Denied {
				t.Errorf("%s without the right = %v, want Denied", name, err)
			}
		}
		if list, _, err := s.Batches(t.Context(), m.other.Actor, ""); err != nil || len(list) != 0 {
			t.Errorf("another organisation lists %d batches, %v", len(list), err)
		}
		if _, _, err := s.Batches(t.Context(), powerless, ""); fault.KindOf(err) != fault.Denied {
			t.Errorf("Batches without the right = %v", err)
		}
		if !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Error("the refusals have changed something")
		}
	})
}

func TestLettersOfABatch(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		id := m.migrate(t, people(t, 205))
		m.activate(t, m.ridOf(t, id, 203)) // needs no letter any more
		for page, want := range map[int64]int{1: 200, 2: 4, 3: 0, 0: 0, -1: 0} {
			before := verbs(t, db, m.own.ID)["installation_code.print"]
			var pdf bytes.Buffer
			err := m.Cutover.WriteLetters(t.Context(), m.own.Actor, id, page, testkit.BaseURL, &pdf)
			if got := verbs(t, db, m.own.ID)["installation_code.print"] - before; got != want {
				t.Errorf("page %d: %d showings recorded, want %d", page, got, want)
			}
			if want > 0 && (err != nil || !bytes.HasPrefix(pdf.Bytes(), []byte("%PDF-"))) {
				t.Errorf("page %d: %v, %d bytes", page, err, pdf.Len())
			}
			if want == 0 && (fault.KindOf(err) != fault.Absent || pdf.Len() != 0) {
				t.Errorf("page %d: %v, %d bytes, want Absent", page, err, pdf.Len())
			}
		}
	})
}

// A letter has the employee's own code, and days as they are in Denmark.
func TestLetterOfARow(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		m.Clock.Move(14 * time.Hour) // 23:30 in London, 00:30 on the next day in Copenhagen
		id := m.migrate(t, export(line("4711")))
		code, err := m.Credential.InstallationCode(t.Context(), m.own.Actor, m.employee(t, "4711").ID)
		if err != nil {
			t.Fatal(err)
		}
		var pdf bytes.Buffer
		if err := m.Cutover.WriteLetters(t.Context(), m.own.Actor, id, 1, testkit.BaseURL, &pdf); err != nil {
			t.Fatal(err)
		}
		letters := readPDF(t, &pdf)
		for _, want := range []string{"23. november 2026", "til og med den 22. december 2026", code.Code, "Bo4711 Holm", "RID: 4711", m.own.Name, testkit.BaseURL} {
			if len(letters) != 1 || !strings.Contains(letters[0], want) {
				t.Errorf("the letter lacks %q:\n%s", want, letters)
			}
		}
	})
}

// ridOf is the RID of a row, which may be beyond the first page.
func (m installation) ridOf(t *testing.T, id string, no int) string {
	t.Helper()
	var all []cutover.Row
	for cursor := ""; ; {
		page, next, err := m.Cutover.Rows(t.Context(), m.own.Actor, id, "", cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			break
		}
	}
	for i, r := range all {
		if r.RowNo != int64(i)+1 || r.CPRSealed != nil {
			t.Fatalf("row %d = %+v", i+1, r)
		}
	}
	return all[no-1].RID
}

func TestRowsByState(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		id := m.migrate(t, mixedFile())
		for state, want := range map[cutover.RowState]string{
			"": "[2 3 4 5 6 8 9]", cutover.RowInvited: "[2 5 6]", cutover.RowSkipped: "[3 4]", cutover.RowFailed: "[8 9]", cutover.RowPending: "[]", "odd": "[]",
		} {
			rows, _, err := m.Cutover.Rows(t.Context(), m.own.Actor, id, state, "")
			lines := []int64{}
			for _, r := range rows {
				lines = append(lines, r.Line)
			}
			if got := fmt.Sprint(lines); err != nil || got != want {
				t.Errorf("lines in state %q = %s, %v, want %s", state, got, err, want)
			}
		}
		for _, cursor := range []string{"x", store.Cursor("x"), store.Cursor("1; DROP TABLE batch")} {
			if _, _, err := m.Cutover.Rows(t.Context(), m.own.Actor, id, "", cursor); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Rows from %q = %v, want Invalid", cursor, err)
			}
		}
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		m := install(t, db)
		var want []string
		for i := range 23 {
			want = append([]string{m.create(t, export(line(fmt.Sprint(i))), cutover.Plan{}).ID}, want...)
		}
		m.start(t, want[0])
		m.Drain(t)
		if err := m.Credential.BlockCodeCard(t.Context(), m.own.Actor, m.employee(t, "22").ID, "moved"); err != nil {
			t.Fatal(err)
		}
		var got []string
		for cursor := ""; ; {
			page, next, err := m.Cutover.Batches(t.Context(), m.own.Actor, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page {
				counts, blocked := cutover.Counts{Pending: 1}, int64(0)
				if v.ID == want[0] {
					counts, blocked = cutover.Counts{Invited: 1}, 1
				}
				if v.Counts != counts || v.CodeCardsBlocked != blocked || v.Forecast.ToMigrate != 1 || v.Errors != nil {
					t.Errorf("batch %s in the list = %+v", v.ID, v)
				}
				got = append(got, v.ID)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		same(t, "batches, newest first", got, want)
	})
}
