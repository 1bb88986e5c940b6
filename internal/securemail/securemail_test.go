package securemail_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/securemail"
	"github.com/adgang/adgang/internal/testkit"
)

// office has one employee for each way that a carrier is known.
type office struct {
	*testkit.Domain
	own, other            testkit.Company
	card, file, said, who org.Employee
}

func newOffice(t *testing.T, db *bun.DB) *office {
	t.Helper()
	o := &office{Domain: testkit.NewDomain(t, db)}
	o.own, o.other = o.Company(t, "12345678"), o.Company(t, "87654321")
	for i, to := range []*org.Employee{&o.card, &o.file, &o.said, &o.who} {
		*to = o.Employee(t, o.own.Organisation, fmt.Sprint(10+i), []string{"Kaj Kort", "Finn Fil", "Signe Sagt", "Ulla Uvis"}[i])
	}
	card := credential.CodeCard{ID: "card", OrgID: o.own.ID, EmployeeID: o.card.ID, State: "blocked", CreatedAt: time.Unix(1, 0)}
	insert := func(q *bun.InsertQuery) {
		t.Helper()
		if _, err := q.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	insert(db.NewInsert().Model(&card))
	batch := cutover.Batch{ID: "b", OrgID: o.own.ID, State: cutover.Completed, DryRun: "{}", CreatedBy: "x", CreatedAt: time.Unix(1, 0)}
	insert(db.NewInsert().Model(&batch))
	row := cutover.Row{BatchID: "b", RowNo: 1, OrgID: o.own.ID, Line: 2, State: cutover.RowSkipped, Carrier: cutover.Hardware, EmployeeID: &o.file.ID}
	insert(db.NewInsert().Model(&row))
	return o
}

func (o *office) self(e org.Employee) access.Actor {
	return access.Actor{OrgID: e.OrgID, ID: "employee:" + string(e.ID), Employee: e.ID}
}

func wantCode(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("%s = %v, want %s", what, err, code)
	}
}

func TestCarriers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		by := o.own.Actor
		wantCode(t, "Set without the right", o.SecureMail.Set(t.Context(), o.self(o.who), o.said.ID, securemail.Local), fault.Denied, "access.right.missing")
		wantCode(t, "Set elsewhere", o.SecureMail.Set(t.Context(), o.other.Actor, o.said.ID, securemail.Local), fault.Absent, "org.employee.absent")
		wantCode(t, "Set to nothing", o.SecureMail.Set(t.Context(), by, o.said.ID, "cloud"), fault.Invalid, "securemail.carrier.unknown")
		if err := o.SecureMail.Set(t.Context(), by, o.said.ID, securemail.None); err != nil {
			t.Fatal(err)
		}
		entries, err := audit.Of(t.Context(), db, o.own.ID, "employee:"+string(o.said.ID))
		if last := entries[len(entries)-1]; err != nil || last.Verb != "secure_mail.set" || last.Note != "none" {
			t.Errorf("entry %+v, %v", last, err)
		}
		for _, one := range []struct {
			who     org.Employee
			carrier securemail.Carrier
			source  string
		}{
			{o.card, securemail.Central, securemail.FromMigration},
			{o.file, securemail.Local, securemail.FromMigration},
			{o.said, securemail.None, securemail.FromPerson},
			{o.who, securemail.Unknown, securemail.FromNothing},
		} {
			l, err := o.SecureMail.Of(t.Context(), o.self(one.who), one.who.ID)
			if err != nil || l.Carrier != one.carrier || l.Source != one.source {
				t.Errorf("%s: %s from %s, %v, want %s from %s", one.who.Name(), l.Carrier, l.Source, err, one.carrier, one.source)
			}
		}
		counts, err := o.SecureMail.Counts(t.Context(), by)
		if err != nil || counts[securemail.Central] != 1 || counts[securemail.Local] != 1 || counts[securemail.None] != 1 || counts[securemail.Unknown] != 2 { // the administrator too
			t.Errorf("Counts = %v, %v", counts, err)
		}
		lines, next, err := o.SecureMail.Lines(t.Context(), by, securemail.Central, "")
		if err != nil || next != "" || len(lines) != 1 || lines[0].ID != o.card.ID {
			t.Errorf("Lines = %+v, %v", lines, err)
		}
		if all, _, err := o.SecureMail.Lines(t.Context(), o.other.Actor, "", ""); err != nil || len(all) != 1 {
			t.Errorf("Lines elsewhere = %+v, %v", all, err)
		}
		// What somebody says goes before the migration, until it is taken back.
		if err := o.SecureMail.Set(t.Context(), o.self(o.card), o.card.ID, securemail.Local); err != nil {
			t.Fatal(err)
		}
		if l, err := o.SecureMail.Of(t.Context(), by, o.card.ID); err != nil || l.Carrier != securemail.Local {
			t.Errorf("after saying so: %+v, %v", l, err)
		}
		if err := o.SecureMail.Set(t.Context(), by, o.card.ID, securemail.Unknown); err != nil {
			t.Fatal(err)
		}
		if l, err := o.SecureMail.Of(t.Context(), by, o.card.ID); err != nil || l.Carrier != securemail.Central {
			t.Errorf("after taking it back: %+v, %v", l, err)
		}
	})
}

// Who loses old mail hears of it by the organisation's days, once each, and nobody
// else does; who says in time that the key is local hears nothing.
func TestRemindersBeforeTheClosing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		late := o.Employee(t, o.own.Organisation, "20", "Lis Lokal")
		if err := o.SecureMail.Set(t.Context(), o.own.Actor, late.ID, securemail.Central); err != nil {
			t.Fatal(err)
		}
		closes := o.Clock.Now().AddDate(0, 0, 40)
		o.Reminder.ClosesAt, o.SecureMail.ClosesAt = &closes, &closes
		second := testkit.NewDomain(t, db)
		second.Reminder.ClosesAt = &closes
		told := func() map[access.EmployeeID]int {
			t.Helper()
			var rows []struct {
				ID access.EmployeeID `bun:"employee_id"`
				N  int               `bun:"n"`
			}
			err := db.NewSelect().Table("message").ColumnExpr("employee_id, count(*) AS n").Where("kind = 'secure_mail_closing'").Group("employee_id").Scan(t.Context(), &rows)
			if err != nil {
				t.Fatal(err)
			}
			got := map[access.EmployeeID]int{}
			for _, r := range rows {
				got[r.ID] = r.N
			}
			return got
		}
		for day := range 45 {
			today := reminder.Day{Day: o.Clock.Now().Format(time.DateOnly)}
			second.Clock.Move(o.Clock.Now().Sub(second.Clock.Now()))
			var nodes sync.WaitGroup
			failed := make([]error, 2)
			for i, s := range []*reminder.Service{o.Reminder, second.Reminder} {
				nodes.Go(func() { failed[i] = s.Sweep(t.Context(), today) })
			}
			nodes.Wait()
			if err := errors.Join(failed...); err != nil {
				t.Fatal(err)
			}
			o.Drain(t) // in the morning, after the quiet hours
			o.Clock.Move(24 * time.Hour)
			if day == 15 {
				if err := o.SecureMail.Set(t.Context(), o.self(late), late.ID, securemail.Local); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := told()
		// 60 days is the rule that has come by the first day; then 30, 14, 7, 3, 1 and 0.
		if got[o.card.ID] != 7 || got[late.ID] != 2 || len(got) != 2 {
			t.Errorf("mails = %v, want 7 to %s and 2 to %s", got, o.card.ID, late.ID)
		}
	})
}

func content(n int) []byte {
	return append([]byte("ADGANG-ARCHIVE\x01"), bytes.Repeat([]byte{9}, n-15)...)
}

func TestArchive(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		by := o.self(o.file)
		_, err := o.SecureMail.Keep(t.Context(), access.Actor{OrgID: o.own.ID, ID: "machine:x"}, "NemID", content(100))
		wantCode(t, "Keep by nobody", err, fault.Denied, "securemail.archive.nobody")
		for code, in := range map[string]struct {
			label string
			bytes []byte
		}{
			"label": {"", content(100)}, "size": {"NemID", content(securemail.MaxSize + 1)}, "open": {"NemID", []byte("0\x82 a PKCS#12 file as it is, in the clear, longer than the seal")},
		} {
			_, err := o.SecureMail.Keep(t.Context(), by, in.label, in.bytes)
			wantCode(t, "Keep: "+code, err, fault.Invalid, "securemail.archive."+code)
		}
		first, err := o.SecureMail.Keep(t.Context(), by, "NemID 2019", content(300))
		if err != nil {
			t.Fatal(err)
		}
		for _, stranger := range []access.Actor{o.self(o.card), o.own.Actor, o.other.Actor} {
			_, err := o.SecureMail.Content(t.Context(), stranger, first.ID)
			wantCode(t, "Content by "+stranger.ID, err, fault.Absent, "securemail.file.absent")
			wantCode(t, "Drop by "+stranger.ID, o.SecureMail.Drop(t.Context(), stranger, first.ID), fault.Absent, "securemail.file.absent")
		}
		if got, err := o.SecureMail.Content(t.Context(), by, first.ID); err != nil || !bytes.Equal(got, content(300)) {
			t.Errorf("Content = %d octets, %v", len(got), err)
		}
		// Many at once do not pass the limit.
		var many sync.WaitGroup
		for range securemail.MaxFiles + 5 {
			many.Go(func() { _, _ = o.SecureMail.Keep(t.Context(), by, "NemID", content(100)) })
		}
		many.Wait()
		all, err := o.SecureMail.Files(t.Context(), by)
		if err != nil || len(all) != securemail.MaxFiles || all[0].Content != "" {
			t.Errorf("Files = %d, %v", len(all), err)
		}
		_, err = o.SecureMail.Keep(t.Context(), by, "NemID", content(100))
		wantCode(t, "Keep in a full archive", err, fault.Conflict, "securemail.archive.full")
		if err := o.SecureMail.Drop(t.Context(), by, first.ID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "Drop again", o.SecureMail.Drop(t.Context(), by, first.ID), fault.Absent, "securemail.file.absent")

		// The archive goes with the person.
		if err := o.SecureMail.Set(t.Context(), by, o.file.ID, securemail.Local); err != nil {
			t.Fatal(err)
		}
		if err := o.SecureMail.Forget(t.Context(), org.ErasedRef{Org: o.own.ID, Employees: []access.EmployeeID{o.file.ID}}); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"archive_file", "secure_mail"} {
			for _, row := range testkit.Contents(t, db)[table] {
				if strings.Contains(row, string(o.file.ID)) {
					t.Errorf("%s still has %s", table, row)
				}
			}
		}
	})
}
