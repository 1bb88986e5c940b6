package credential_test

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
)

// An operator blocks for whoever calls, in any organisation, and writes who it was.
func TestBlockReported(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		h := newHolder(t, d, c.Organisation, "77")
		by := access.Actor{ID: "operator:1", Operator: true}
		const note = "Called from the switchboard, knew date of birth"

		_, err := d.Credential.Report(t.Context(), c.Actor, h.file.Serial, "", "")
		wantCode(t, "Report by an administrator", err, fault.Denied, "access.operator.missing")
		_, err = d.Credential.Report(t.Context(), by, "", c.CVR, "no such")
		wantCode(t, "Report of nobody", err, fault.Absent, "org.employee.absent")
		for name, found := range map[string][3]string{"serial": {strings.ToUpper(h.file.Serial), "", ""}, "rid": {"", c.CVR, "77"}} {
			r, err := d.Credential.Report(t.Context(), by, found[0], found[1], found[2])
			if err != nil || r.Organisation.ID != c.ID || r.Holder != "Bo Berg" || string(r.Certificate.Serial) != h.file.Serial || r.Ordered {
				t.Errorf("Report by %s = %+v, %v", name, r, err)
			}
		}
		_, err = d.Credential.BlockReported(t.Context(), by, "", c.CVR, "77", "key_compromise", "  Bo rang ")
		wantCode(t, "BlockReported without a word of who called", err, fault.Invalid, "credential.block.note")
		_, err = d.Credential.BlockReported(t.Context(), by, "", c.CVR, "77", "envy", note)
		wantCode(t, "BlockReported for no reason", err, fault.Invalid, "credential.block.reason")
		if _, _, err := d.Session.Actor(t.Context(), h.session, ""); err != nil {
			t.Fatalf("session before: %v", err)
		}

		at, err := d.Credential.BlockReported(t.Context(), by, "", c.CVR, "77", "key_compromise", note)
		if err != nil || !at.Equal(d.Clock.Now()) {
			t.Fatalf("BlockReported = %s, %v", at, err)
		}
		if _, _, err := d.Session.Actor(t.Context(), h.session, ""); fault.CodeOf(err) != "session.none" {
			t.Errorf("session after: %v", err)
		}
		if cert, err := d.CA.Certificate(t.Context(), c.ID, h.file.Serial); err != nil || cert.RevokeReason != "key_compromise" {
			t.Errorf("certificate = %+v, %v", cert, err)
		}
		entries, err := audit.Of(t.Context(), db, c.ID, "employee:"+string(h.ID))
		if err != nil {
			t.Fatal(err)
		}
		if last := entries[len(entries)-1]; last.Verb != "key_file.block" || last.Actor != "operator:1" || last.Note != "key_compromise: "+note {
			t.Errorf("entry %+v", last)
		}
		again, err := d.Credential.BlockReported(t.Context(), by, h.file.Serial, "", "", "superseded", note)
		if err != nil || !again.Equal(at) {
			t.Errorf("a second time = %s, %v, want %s", again, err, at)
		}

		// An order that nobody has fetched has no certificate; it is blocked all the same.
		ordered := d.Employee(t, c.Organisation, "78", "Ida Iversen")
		i := d.Invite(t, c.Organisation, ordered)
		if r, err := d.Credential.Report(t.Context(), by, "", c.CVR, "78"); err != nil || !r.Ordered || r.Certificate != nil {
			t.Errorf("Report of an order = %+v, %v", r, err)
		}
		if _, err := d.Credential.BlockReported(t.Context(), by, "", c.CVR, "78", "superseded", note); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Credential.LookUp(t.Context(), i.Token); fault.KindOf(err) != fault.Conflict {
			t.Errorf("the invitation after: %v", err)
		}
	})
}
