package credential_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

// holder has an active key file, logged in, and its revocation code.
type holder struct {
	org.Employee
	file          testkit.KeyFile
	session, code string
}

func newHolder(t *testing.T, d *testkit.Domain, o org.Organisation, rid string) holder {
	t.Helper()
	h := holder{Employee: d.Employee(t, o, rid, "Bo Berg")}
	i := d.Invite(t, o, h.Employee)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	request, err := pki.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	first, err := d.Credential.Activate(t.Context(), i.Token, i.Code, request, "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	// A lost answer: asked again, the file has a new code, and the first is void.
	again, err := d.Credential.Activate(t.Context(), i.Token, i.Code, request, "192.0.2.7")
	if err != nil || len(again.RevocationCode) != 19 || again.RevocationCode == first.RevocationCode {
		t.Fatalf("Activate again: code %q after %q, %v", again.RevocationCode, first.RevocationCode, err)
	}
	h.code = again.RevocationCode
	h.file = testkit.KeyFile{Key: key, Serial: string(first.Certificate.Serial), Leaf: first.Certificate.DER}
	if _, err := d.Credential.BlockOpenly(t.Context(), h.bySerial(first.RevocationCode)); fault.CodeOf(err) != "credential.block.refused" {
		t.Errorf("a code that was replaced: %v", err)
	}
	if h.session, err = d.Session.Start(t.Context(), h.Employee, h.file.Serial, "192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h holder) bySerial(code string) credential.OpenBlock {
	return credential.OpenBlock{Serial: strings.ToUpper(h.file.Serial), Code: code, Reason: "key_compromise", Address: "192.0.2.8"}
}

func (h holder) byRID(cvr, code string) credential.OpenBlock {
	return credential.OpenBlock{CVR: cvr, RID: *h.RID, Code: code, Reason: "cessation_of_operation", Address: "192.0.2.8"}
}

func TestBlockOpenly(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		for name, how := range map[string]func(holder, string) credential.OpenBlock{
			"serial": func(h holder, _ string) credential.OpenBlock { return h.bySerial(strings.ToLower(h.code)) },
			"rid": func(h holder, cvr string) credential.OpenBlock {
				return h.byRID(cvr, strings.ReplaceAll(h.code, "-", " "))
			},
		} {
			d := testkit.NewDomain(t, db)
			c := d.Company(t, map[string]string{"serial": "12345678", "rid": "87654321"}[name])
			h, other := newHolder(t, d, c.Organisation, "77"), newHolder(t, d, c.Organisation, "78")
			if _, _, err := d.Session.Actor(t.Context(), h.session, ""); err != nil {
				t.Fatalf("%s: session before: %v", name, err)
			}
			at, err := d.Credential.BlockOpenly(t.Context(), how(h, c.CVR))
			if err != nil || !at.Equal(d.Clock.Now()) {
				t.Fatalf("%s: BlockOpenly = %s, %v", name, at, err)
			}
			// At once: the session, the login, the certificate.
			if _, _, err := d.Session.Actor(t.Context(), h.session, ""); fault.CodeOf(err) != "session.none" {
				t.Errorf("%s: session after: %v", name, err)
			}
			if _, err := d.CA.Verify(t.Context(), h.file.Leaf, d.Clock.Now()); fault.CodeOf(err) != "ca.certificate.revoked" {
				t.Errorf("%s: certificate after: %v", name, err)
			}
			if _, _, err := d.Session.Actor(t.Context(), other.session, ""); err != nil {
				t.Errorf("%s: somebody else's session: %v", name, err)
			}
			entries, err := audit.Of(t.Context(), db, c.ID, "employee:"+string(h.ID))
			if err != nil {
				t.Fatal(err)
			}
			if last := entries[len(entries)-1]; last.Verb != "key_file.block" || last.Actor != "revocation code" || last.Address != "192.0.2.8" {
				t.Errorf("%s: entry %+v", name, last)
			}
			d.Clock.Move(time.Minute)
			if again, err := d.Credential.BlockOpenly(t.Context(), how(h, c.CVR)); err != nil || !again.Equal(at) {
				t.Errorf("%s: a second time = %s, %v, want %s", name, again, err, at)
			}
			if now, err := audit.Of(t.Context(), db, c.ID, "employee:"+string(h.ID)); err != nil || len(now) != len(entries) {
				t.Errorf("%s: a second time left %d entries more", name, len(now)-len(entries))
			}
		}
		for _, row := range testkit.Contents(t, db)["audit_entry"] {
			if strings.Contains(row, "revocation_code") {
				t.Errorf("an entry tells of the code: %s", row)
			}
		}
	})
}

// Nobody learns who exists, and nobody guesses.
func TestBlockOpenlyIsNotGuessed(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		h := newHolder(t, d, c.Organisation, "77")
		d.Clock.Move(2 * credential.BlockWindow)
		wrong := "0000-0000-0000-0000"
		stranger := h.byRID("99999999", wrong)
		for name, ask := range map[string]credential.OpenBlock{"known": h.byRID(c.CVR, wrong), "unknown": stranger, "serial": h.bySerial(wrong)} {
			var all sync.WaitGroup
			codes := make([]string, 8)
			texts := make([]string, 8)
			for i := range codes {
				all.Go(func() {
					_, err := d.Credential.BlockOpenly(t.Context(), ask)
					codes[i] = fault.CodeOf(err)
					texts[i] = err.Error()
				})
			}
			all.Wait()
			refused := 0
			for _, code := range codes {
				if code == "credential.block.refused" {
					refused++
				} else if code != "credential.block.too_many" {
					t.Errorf("%s: %v %v", name, codes, texts)
				}
			}
			if refused != credential.BlockTries {
				t.Errorf("%s: %d tries, want %d", name, refused, credential.BlockTries)
			}
		}
		if _, err := d.Credential.BlockOpenly(t.Context(), h.byRID(c.CVR, h.code)); fault.CodeOf(err) != "credential.block.too_many" {
			t.Errorf("the right code after too many: %v", err)
		}
		entries, err := audit.Of(t.Context(), db, c.ID, "employee:"+string(h.ID))
		refusals := 0
		for _, e := range entries {
			if e.Verb == "key_file.refuse_block" {
				refusals++
			}
		}
		if err != nil || refusals != 8+8+1+1 { // one was newHolder's
			t.Errorf("refusals on record = %d, %v, want 18", refusals, err)
		}
		d.Clock.Move(credential.BlockWindow)
		if _, err := d.Credential.BlockOpenly(t.Context(), h.byRID(c.CVR, h.code)); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		if err := d.Credential.ExpireActivations(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := testkit.Contents(t, db)["block_try"]; len(rows) != 0 {
			t.Errorf("tries on record an hour later: %d", len(rows))
		}
	})
}

func TestBlockOpenlyInput(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	for want, ask := range map[string]credential.OpenBlock{
		"credential.block.reason": {Serial: "0a", Code: "x", Reason: "envy"},
		"credential.block.target": {CVR: "12345678", Code: "x", Reason: "unspecified"},
		"credential.block.serial": {Serial: "my certificate", Code: "x", Reason: "unspecified"},
	} {
		if _, err := d.Credential.BlockOpenly(t.Context(), ask); fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != want {
			t.Errorf("BlockOpenly = %v, want %s", err, want)
		}
	}
	if rows := testkit.Contents(t, d.DB)["block_try"]; len(rows) != 0 {
		t.Errorf("tries on record: %d", len(rows))
	}
}

func TestBlockSerial(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "12345678")
		h := newHolder(t, d, c.Organisation, "77")
		got, err := d.Credential.BlockSerial(t.Context(), h.file.Serial, "superseded")
		if err != nil || got.State != "revoked" || got.RevokeReason != "superseded" {
			t.Errorf("BlockSerial = %+v, %v", got, err)
		}
		if _, _, err := d.Session.Actor(t.Context(), h.session, ""); fault.CodeOf(err) != "session.none" {
			t.Errorf("session after: %v", err)
		}
		if _, err := d.Credential.BlockSerial(t.Context(), h.file.Serial, "superseded"); fault.CodeOf(err) != "ca.certificate.state" {
			t.Errorf("a second time: %v", err)
		}
		if _, err := d.Credential.BlockSerial(t.Context(), "0a", "superseded"); fault.KindOf(err) != fault.Absent {
			t.Errorf("an unknown one: %v", err)
		}
		if _, err := d.Credential.BlockSerial(t.Context(), h.file.Serial, "envy"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("an unknown reason: %v", err)
		}
	})
}

// A holder who lost the revocation code gets a new one; the old one works no more.
func TestRecodeOwn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		if err := d.CA.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := d.Company(t, "12345678")
		file := d.Activate(t, c.Invitation)
		stranger := d.Employee(t, c.Organisation, "7", "Bo Holm")
		by, err := org.ActorOf(t.Context(), db, stranger, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Credential.RecodeOwn(t.Context(), by, file.Serial); fault.CodeOf(err) != "credential.key_file.other" {
			t.Errorf("RecodeOwn of somebody else's = %v", err)
		}
		old, err := d.Credential.RecodeOwn(t.Context(), c.Actor, file.Serial)
		if err != nil {
			t.Fatal(err)
		}
		code, err := d.Credential.RecodeOwn(t.Context(), c.Actor, file.Serial)
		if err != nil || code == old || len(code) != 19 {
			t.Fatalf("RecodeOwn = %q after %q, %v", code, old, err)
		}
		block := func(code string) error {
			_, err := d.Credential.BlockOpenly(t.Context(), credential.OpenBlock{Serial: file.Serial, Code: code, Reason: "key_compromise", Address: "192.0.2.8"})
			return err
		}
		if err := block(old); fault.CodeOf(err) != "credential.block.refused" {
			t.Errorf("the code before the new one = %v", err)
		}
		if err := block(code); err != nil {
			t.Errorf("the new code = %v", err)
		}
		if _, err := d.Credential.RecodeOwn(t.Context(), c.Actor, file.Serial); fault.CodeOf(err) != "credential.key_file.other" {
			t.Errorf("RecodeOwn of a blocked one = %v", err)
		}
		entries, err := audit.Of(t.Context(), db, c.ID, "employee:"+string(c.Admin.ID))
		if err != nil {
			t.Fatal(err)
		}
		var recoded, refused int
		for _, e := range entries {
			switch e.Verb {
			case "key_file.recode":
				recoded++
			case "key_file.refuse_block":
				refused++
			}
		}
		if recoded != 2 || refused != 1 {
			t.Errorf("%d codes and %d refusals are on record, want 2 and 1", recoded, refused)
		}
	})
}
