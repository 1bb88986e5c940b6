package enrolment_test

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

// Whoever has the revocation code of an organisation's certificate blocks it without
// login; the newest code counts, and a machine's renewal keeps it.
func TestRevocationCode(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		placed := o.order(t, nil)
		csr := request(t, newKey(t))
		first, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr)
		if err != nil || len(first.RevocationCode) != 19 {
			t.Fatalf("Issue gave the code %q, %v", first.RevocationCode, err)
		}
		again, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr)
		if err != nil || again.RevocationCode == first.RevocationCode || again.RevocationCode == "" {
			t.Fatalf("asked again, the code is %q after %q, %v", again.RevocationCode, first.RevocationCode, err)
		}
		serial := string(first.Certificate.Serial)
		block := func(serial, code string) error {
			_, err := o.Credential.BlockOpenly(t.Context(), credential.OpenBlock{Serial: serial, Code: code, Reason: "key_compromise", Address: "192.0.2.8"})
			return err
		}
		wantCode(t, "a code that was replaced", block(serial, first.RevocationCode), fault.Denied, "credential.block.refused")

		renewed, err := o.Enrolment.Reenroll(t.Context(), first.Certificate.DER, request(t, newKey(t)), "192.0.2.9")
		if err != nil || renewed.RevocationCode != "" {
			t.Fatalf("Reenroll gave the code %q, %v", renewed.RevocationCode, err)
		}
		o.verbs(t)
		if err := block(string(renewed.Certificate.Serial), strings.ToLower(again.RevocationCode)); err != nil {
			t.Errorf("the renewal by the code before: %v", err)
		}
		o.wantVerbs(t, "the block of the renewal", "certificate.revoke")
		if _, err := o.CA.Verify(t.Context(), renewed.Certificate.DER, o.Clock.Now(), pki.ProfileOrganisation); fault.CodeOf(err) != "ca.certificate.revoked" {
			t.Errorf("Verify of the renewal = %v", err)
		}
		if _, err := o.CA.Verify(t.Context(), first.Certificate.DER, o.Clock.Now(), pki.ProfileOrganisation); err != nil {
			t.Errorf("the other one counts no more: %v", err)
		}
		entries, err := audit.Of(t.Context(), db, o.company.ID, "certificate:"+string(renewed.Certificate.Serial))
		if err != nil {
			t.Fatal(err)
		}
		if last := entries[len(entries)-1]; last.Verb != "certificate.revoke" || last.Actor != "revocation code" || last.Address != "192.0.2.8" || last.Note != "key_compromise" {
			t.Errorf("entry %+v", last)
		}

		_, err = o.Enrolment.Recode(t.Context(), access.Actor{OrgID: o.company.ID}, serial)
		wantCode(t, "Recode without the right", err, fault.Denied, "access.right.missing")
		code, err := o.Enrolment.Recode(t.Context(), o.by, serial)
		if err != nil {
			t.Fatal(err)
		}
		o.wantVerbs(t, "a new code", "certificate.recode")
		wantCode(t, "the code before the new one", block(serial, again.RevocationCode), fault.Denied, "credential.block.refused")
		o.wantVerbs(t, "a refusal", "certificate.refuse_block")
		for range 3 { // the fifth counts last; a replaced code spent the first
			wantCode(t, "guessing", block(serial, "AAAA-AAAA-AAAA-AAAA"), fault.Denied, "credential.block.refused")
		}
		wantCode(t, "the sixth try in an hour", block(serial, code), fault.Denied, "credential.block.too_many")
		o.Clock.Move(credential.BlockWindow)
		if err := block(serial, code); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		_, err = o.Enrolment.Recode(t.Context(), o.by, serial)
		wantCode(t, "Recode of a revoked one", err, fault.Conflict, "ca.certificate.state")
		for _, row := range testkit.Contents(t, db)["audit_entry"] {
			if strings.Contains(row, code) {
				t.Errorf("an entry tells the code: %s", row)
			}
		}
	})
}
