package dossier_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/dossier"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
)

// notPeople are columns that look as if they named an employee and do not, and
// those that name one who acted for the organisation: an ID that stands in the log
// as well, and says no more.
var notPeople = map[string]bool{
	"attorney.ended_by": true, "entitlement_assignment.actor": true, "entitlement_request.decided_by": true, "employee_request.decided_by": true,
	"role_request.decider": true, "nominee.named_by": true, "organisation_setting.actor": true, "review_campaign.created_by": true,
	"inventory_campaign.created_by": true, "recovery.ended_by": true, "approval.asker": true,
	"batch.created_by": true, "batch.starter": true, "roster_run.created_by": true, "roster_run.started_by": true, "roster_run.starter": true, // mentions
	"review_item.who": true, "review_item.decider": true, "attorney.person": true, "employee_request.person": true, "roster_row.person": true, // of an area
	"entitlement_service.owner_id": true, "entitlement.owner_id": true, "entitlement_version.owner_id": true, "entitlement_version.actor": true, // organisations
	"secure_mail.set_by": true, "local_idp_request.asked_by": true, "logout.began_by": true, "local_idp.join_by": true, // a choice or an ID that is in the log too
	"audit_entry.actor": true, "audit_entry.object": true,
}

// A new table about employees must get into the dossier.
func TestEveryTableOfAnEmployeeIsInTheDossier(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t)
	var columns []string
	err := db.NewRaw(`SELECT DISTINCT m.name || '.' || c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c JOIN pragma_table_info(m.name) AS o
		WHERE m.type = 'table' AND o.name LIKE '%org_id' AND (c.name IN ('employee_id', 'receiver_id', 'administrator_id', 'asker_id', 'owner_id', 'by_id',
			'receiver', 'person', 'asker', 'decider', 'who', 'actor', 'starter', 'object') OR c.name LIKE '%\_by' ESCAPE '\') ORDER BY 1`).Scan(t.Context(), &columns)
	if err != nil || len(columns) < 20 {
		t.Fatalf("the schema has %d columns that name employees, %v", len(columns), err)
	}
	read := dossier.Columns()
	for _, c := range columns {
		if !slices.Contains(read, c) && !notPeople[c] && c != "employee.proofing_by" && c != "inventory_certificate.renew_by" && c != "certificate_order.renew_by" {
			t.Errorf("the dossier does not read %s", c)
		}
	}
	for _, c := range read {
		if !slices.Contains(columns, c) {
			t.Errorf("the dossier reads %s, which the schema has not", c)
		}
	}
}

// files are the files of an export by name.
func files(t *testing.T, d *testkit.Domain, by access.Actor, id access.EmployeeID) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Dossier.Export(t.Context(), by, id, "da", func() io.Writer { return &b }); err != nil {
		t.Fatalf("Export: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(text)
		if strings.HasSuffix(f.Name, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON: %s", f.Name, text)
		}
	}
	return all
}

func TestExport(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		bo := d.Employee(t, a.Organisation, "4711", "Bo <b>Holm")
		eva := d.Employee(t, a.Organisation, "4712", "Eva Other")
		d.Invite(t, a.Organisation, bo)
		d.Invite(t, a.Organisation, eva)
		self := access.Actor{OrgID: a.ID, ID: "employee:" + string(bo.ID), Employee: bo.ID}

		own := files(t, d, self, bo.ID)
		for name, want := range map[string]string{
			"employee.json": "4711", "message.json": "activation", "activation.json": "open", "key_file.json": "ordered", "index.html": "Bo &lt;b&gt;Holm",
		} {
			if !strings.Contains(own[name], want) {
				t.Errorf("%s = %s, want it to hold %q", name, own[name], want)
			}
		}
		for name, text := range own {
			for _, secret := range []string{"token_mac", "code_sealed", "link_sealed", "cpr_mac", string(eva.ID), "Eva"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %q: %s", name, secret, text)
				}
			}
		}
		var entries []map[string]any
		if err := json.Unmarshal([]byte(own["audit_entry.json"]), &entries); err != nil || len(entries) == 0 {
			t.Errorf("audit_entry.json = %s, %v", own["audit_entry.json"], err)
		}
		if n, _ := db.NewSelect().Table("audit_entry").Where("verb = ?", "dossier.export").Where("object = ?", "employee:"+string(bo.ID)).Count(t.Context()); n != 1 {
			t.Errorf("the export left %d entries, want one", n)
		}
		if files(t, d, a.Actor, bo.ID)["employee.json"] == "" {
			t.Error("a user administrator exports nothing")
		}
		for _, tc := range []struct {
			by   access.Actor
			id   access.EmployeeID
			want fault.Kind
		}{
			{self, eva.ID, fault.Denied},
			{b.Actor, bo.ID, fault.Absent},
			{access.Actor{OrgID: a.ID}, "", fault.Denied},
		} {
			err := d.Dossier.Export(t.Context(), tc.by, tc.id, "en", func() io.Writer { t.Error("something is written"); return io.Discard })
			if fault.KindOf(err) != tc.want {
				t.Errorf("Export of %s = %v, want kind %d", tc.id, err, tc.want)
			}
		}
	})
}

func TestErasures(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		bo := d.Employee(t, a.Organisation, "4711", "Bo Holm")
		d.Invite(t, a.Organisation, bo)
		at := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
		if _, err := db.NewUpdate().Table("employee").Set("erased_at = ?", at).Where("id = ?", bo.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := d.Dossier.Erasures(t.Context(), a.Actor, "2026-03", "en")
		if err != nil || len(all) != 1 || all[0].ID != bo.ID || !slices.Contains(all[0].Erased, "Roles") {
			t.Fatalf("Erasures = %+v, %v", all, err)
		}
		if i := slices.IndexFunc(all[0].Left, func(l dossier.Left) bool { return l.Area == "Key files" }); i < 0 || all[0].Left[i].Rows != 1 || !strings.Contains(all[0].Left[i].Reason, "17(3)") {
			t.Errorf("what is left = %+v", all[0].Left)
		}
		for _, tc := range []struct {
			by    access.Actor
			month string
			n     int
			want  fault.Kind
		}{
			{a.Actor, "2026-04", 0, 0},
			{b.Actor, "2026-03", 0, 0},
			{a.Actor, "March", 0, fault.Invalid},
			{access.Actor{OrgID: a.ID}, "2026-03", 0, fault.Denied},
		} {
			if got, err := d.Dossier.Erasures(t.Context(), tc.by, tc.month, "da"); fault.KindOf(err) != tc.want || len(got) != tc.n {
				t.Errorf("Erasures of %s = %d, %v, want kind %d", tc.month, len(got), err, tc.want)
			}
		}
		var b2 bytes.Buffer
		if err := d.Dossier.ErasureCSV(t.Context(), a.Actor, "2026-03", "da", func() io.Writer { return &b2 }); err != nil || !strings.Contains(b2.String(), "Nøglefiler;kept;1;") {
			t.Errorf("ErasureCSV = %q, %v", b2.String(), err)
		}
	})
}
