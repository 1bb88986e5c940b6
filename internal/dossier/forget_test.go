package dossier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// traces are what must not be found of somebody who was erased.
var traces = []string{"Qvintus", "Zebrafinke", "qvintus@", "+4555667788", "qz-local-77", "070170-0001", "0701700001", "1970-01-07", "1099999991"}

// evidence are the columns of a table that keep a name on purpose: what the
// authority signed.
var evidence = map[string]bool{"certificate": true}

// plant puts rows into a table.
func plant(t *testing.T, db *bun.DB, table string, row map[string]any) {
	t.Helper()
	if _, err := db.NewInsert().Model(&row).TableExpr("?", bun.Ident(table)).Exec(t.Context()); err != nil {
		t.Fatalf("plant into %s: %v", table, err)
	}
}

func found(t *testing.T, db *bun.DB) (all []string) {
	t.Helper()
	for table, rows := range testkit.Contents(t, db) {
		if evidence[table] {
			continue
		}
		for _, row := range rows {
			for _, trace := range traces {
				if strings.Contains(strings.ToLower(row), strings.ToLower(trace)) {
					all = append(all, table+" holds "+trace+": "+row)
				}
			}
		}
	}
	return all
}

// live gives somebody a life in the organisation that leaves traces everywhere.
func live(t *testing.T, d *testkit.Domain, c testkit.Company) org.Employee {
	t.Helper()
	ctx, name := t.Context(), "Qvintus Zebrafinke"
	if _, err := d.Setting.Change(ctx, c.Actor, 0, func(s *setting.Settings) { s.Creation.Anonymous = true }); err != nil {
		t.Fatal(err)
	}
	e, err := d.Org.Create(ctx, c.Actor, org.Person{
		GivenName: "Qvintus", Surname: "Zebrafinke", Email: "qvintus@nordvind.example", Phone: "+4555667788", CPR: "070170-0001", LocalUserID: "qz-local-77", PNumber: "1099999991",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	d.Activate(t, d.Invite(t, c.Organisation, e))
	d.Drain(t)
	self := access.Actor{OrgID: c.ID, ID: "employee:" + string(e.ID), Employee: e.ID, Name: name}
	if err := d.Org.AskToBeAnonymous(ctx, self, "I am Qvintus Zebrafinke and shy"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Org.RequestRole(ctx, self, access.RightsAdministrator, "Qvintus Zebrafinke needs this"); err != nil {
		t.Fatal(err)
	}
	plantFiles(t, d, c, e)
	if err := d.Credential.BlockKeyFile(ctx, c.Actor, e.ID, "unspecified", "Qvintus lost it"); err != nil {
		t.Fatal(err)
	}
	if err := d.Org.Suspend(ctx, c.Actor, e.ID, "Zebrafinke is on leave"); err != nil {
		t.Fatal(err)
	}
	if err := d.Org.Delete(ctx, c.Actor, e.ID, "Qvintus Zebrafinke has left"); err != nil {
		t.Fatal(err)
	}
	d.Drain(t)
	return e
}

// plantFiles leaves traces of e in files that were read, reviews, powers of attorney
// and a recovery.
func plantFiles(t *testing.T, d *testkit.Domain, c testkit.Company, e org.Employee) {
	t.Helper()
	name, self := e.Name(), "employee:"+string(e.ID)
	now := d.Clock.Now()
	id, admin := string(e.ID), c.Actor.ID
	own := map[string]any{"org_id": c.ID, "employee_id": id}
	with := func(more map[string]any) map[string]any {
		row := map[string]any{}
		for _, m := range []map[string]any{own, more} {
			for k, v := range m {
				row[k] = v
			}
		}
		return row
	}
	plant(t, d.DB, "roster_run", map[string]any{
		"id": "run1", "org_id": c.ID, "name": "August", "file_name": "a.csv", "mode": "upsert", "invite": false, "state": "done", "total": 1, "active": 1, "missing": 0,
		"errors_total": 0, "notices_total": 1, "forecast": "{}", "created_by": name, "created_at": now, "started_by": name, "starter": `{"name":"` + name + `"}`,
	})
	plant(t, d.DB, "roster_row", with(map[string]any{
		"run_id": "run1", "row_no": 1, "line": 2, "action": "edit", "state": "done", "reason": "", "message": name, "name": name, "email": e.Email, "rid": "",
		"changes": `[{"field":"phone","before":"","after":"+4555667788"}]`,
	}))
	plant(t, d.DB, "roster_finding", map[string]any{
		"org_id": c.ID, "run_id": "run1", "no": 1, "severity": "notice", "line": 2, "col": "email", "value": e.Email, "code": "x", "message": e.Email,
	})
	plant(t, d.DB, "review_campaign", map[string]any{
		"id": "review1", "org_id": c.ID, "name": "Q", "subject_kind": "group", "subject_id": "g", "subject_name": "G", "due_on": "2026-12-01", "undecided": "keep",
		"state": "open", "created_by": admin, "created_at": now,
	})
	for i, item := range []map[string]any{
		{"employee_id": id, "who": name, "decided_by": admin, "decider": "Åse Ørsted", "note": name + " has moved"},
		{"employee_id": c.Admin.ID, "who": "Åse Ørsted", "decided_by": self, "decider": name, "note": ""},
	} {
		item["id"], item["org_id"], item["campaign_id"], item["kind"] = "item"+string(rune('1'+i)), c.ID, "review1", "member"
		item["group_id"], item["assignment_id"], item["what_da"], item["what_en"], item["limits"], item["decision"], item["by_default"] = "g", "", "G", "G", "", "kept", false
		plant(t, d.DB, "review_item", item)
	}
	plant(t, d.DB, "attorney", map[string]any{
		"id": "power1", "org_id": c.ID, "receiver_org_id": c.ID, "receiver_id": id, "giver_cvr": c.CVR, "giver_name": c.Name, "receiver_cvr": c.CVR, "receiver_name": c.Name,
		"person": e.Email, "state": "active", "from_at": now, "reason": "ask " + name, "answer": "", "created_at": now, "ended_by": "",
	})
	plant(t, d.DB, "recovery", map[string]any{
		"org_id": c.ID, "id": "recovery1", "state": "done", "link_expires_at": now, "lang": "da", "given_name": "Qvintus", "surname": "Zebrafinke", "email": strings.ToUpper(e.Email),
		"reason": "gone", "asked_at": now, "ended_by": "", "note": "",
	})
	plant(t, d.DB, "batch", map[string]any{
		"id": "batch1", "org_id": c.ID, "name": "B", "file_name": "b.csv", "state": "completed", "total": 1, "errors_total": 0, "notices_total": 1, "dry_run": "{}",
		"pace_ms": 0, "created_by": name, "created_at": now, "starter": `{"name":"` + name + `"}`,
	})
	plant(t, d.DB, "batch_row", with(map[string]any{
		"batch_id": "batch1", "row_no": 1, "line": 2, "state": "invited", "reason": "", "rid": "4711", "given_name": "Qvintus", "surname": "Zebrafinke", "email": e.Email,
		"phone": e.Phone, "date_of_birth": e.DateOfBirth, "carrier": "key_file", "p_number": e.PNumber, "se_number": "", "local_user_id": e.LocalUserID,
	}))
	plant(t, d.DB, "batch_finding", map[string]any{
		"org_id": c.ID, "batch_id": "batch1", "no": 1, "severity": "notice", "line": 2, "col": "email", "value": e.Email, "code": "x", "message": e.Email,
	})
}

func TestNothingIsLeftOfSomebodyErased(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		e := live(t, d, c)
		if before := found(t, db); len(before) < 25 {
			t.Fatalf("only %d traces before the erasure: %q", len(before), before)
		}
		notes := func() (all []string) {
			entries, err := audit.Of(t.Context(), db, c.ID, "employee:"+string(e.ID))
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range entries {
				if one.Verb == "employee.delete" || one.Verb == "key_file.block" {
					all = append(all, one.Note)
				}
			}
			return all
		}
		if got := notes(); len(got) != 2 || got[0] != "unspecified: Qvintus lost it" || got[1] != "Qvintus Zebrafinke has left" {
			t.Errorf("the log reads %q before the erasure", got)
		}
		if hits, _, err := d.Audit.Search(t.Context(), c.Actor, audit.Filter{Text: "zebrafinke has left"}, ""); err != nil || len(hits) != 1 {
			t.Errorf("Search finds the text %d times, %v", len(hits), err)
		}
		d.Clock.Move(2 * 365 * 24 * time.Hour)
		if err := d.Org.Erase(t.Context(), org.Day{Day: d.Clock.Now().Format(time.DateOnly)}); err != nil {
			t.Fatalf("Erase: %v", err)
		}
		if left := found(t, db); len(left) > 0 {
			t.Errorf("%d traces after the erasure:\n%s", len(left), strings.Join(left, "\n---\n"))
		}
		if got := notes(); len(got) != 2 || got[0] != audit.Forgotten || got[1] != audit.Forgotten {
			t.Errorf("the log reads %q after the erasure", got)
		}
		if _, err := d.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report, err := d.Audit.Verify(t.Context(), c.ID); err != nil || len(report.Problems) > 0 {
			t.Errorf("Verify = %+v, %v", report, err)
		}
		all, err := d.Dossier.Erasures(t.Context(), c.Actor, d.Clock.Now().Format("2006-01"), "en")
		if err != nil || len(all) != 1 || all[0].ID != e.ID {
			t.Errorf("Erasures = %+v, %v", all, err)
		}
		var other org.Employee
		if err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) (err error) {
			other, err = org.Get(ctx, tx, c.ID, c.Admin.ID)
			return err
		}); err != nil || other.Name() != "Åse Ørsted" {
			t.Errorf("the administrator is %q, %v", other.Name(), err)
		}
	})
}
