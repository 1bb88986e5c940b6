package inventory_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// enrol lets the office order certificates of every kind.
func (o office) enrol(t *testing.T) {
	t.Helper()
	err := store.InTx(t.Context(), o.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := o.Setting.Put(ctx, tx, o.by, func(s *setting.Settings) { s.Certificates = []string{"organisation", "system", "user"} })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func csr(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	request, err := pki.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// issued orders a certificate of a system with an English contact and has it made.
func (o office) issued(t *testing.T, name string) enrolment.Fetched {
	t.Helper()
	placed, err := o.Enrolment.Order(t.Context(), o.by, enrolment.Terms{
		Kind: pki.ProfileSystem, Name: name, ContactName: "Ida Søe", ContactEmail: "ida@drift.example", ContactLang: "en", Method: enrolment.ByUpload,
	})
	if err != nil {
		t.Fatalf("Order: %v", err)
	}
	f, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr(t))
	if err != nil {
		t.Fatalf("Issue: %v", err)
	}
	return f
}

func (o office) renewed(t *testing.T, f enrolment.Fetched) enrolment.Fetched {
	t.Helper()
	placed, err := o.Enrolment.Renew(t.Context(), o.by, f.Profile.ID, enrolment.ByUpload)
	if err != nil {
		t.Fatalf("Renew: %v", err)
	}
	next, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr(t))
	if err != nil {
		t.Fatalf("Issue: %v", err)
	}
	return next
}

// ofSerial is the certificate of the inventory with a serial number.
// machine has a certificate for 1,000 days and then renews it by itself.
func (o office) machine(t *testing.T) (first, second enrolment.Fetched) {
	t.Helper()
	o.enrol(t)
	first = o.issued(t, "Lønsystem")
	o.Clock.Move(1000 * 24 * time.Hour)
	second, err := o.Enrolment.Reenroll(t.Context(), first.Certificate.DER, csr(t), "192.0.2.9")
	if err != nil {
		t.Fatalf("Reenroll: %v", err)
	}
	o.Drain(t)
	return first, second
}

func (o office) ofSerial(t *testing.T, serial pki.Serial) inventory.View {
	t.Helper()
	var ids []string
	if err := o.DB.NewSelect().Table("inventory_certificate").Column("id").Where("serial = ?", serial).Scan(t.Context(), &ids); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 1 {
		t.Fatalf("the inventory has %d certificates with serial number %s, want 1", len(ids), serial)
	}
	v, err := o.Inventory.Show(t.Context(), o.by, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (o office) entries(t *testing.T, verb string) int {
	t.Helper()
	n, err := o.DB.NewSelect().Model((*audit.Entry)(nil)).Where("verb = ?", verb).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestOwnCertificatesAreInTheInventory(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		first := o.issued(t, "Lønsystem")
		o.Drain(t)
		v := o.ofSerial(t, first.Certificate.Serial)
		if v.Source != inventory.FromIssue || v.Generation != inventory.Adgang || v.Kind != inventory.OfSystem || v.ProfileID != first.Profile.ID ||
			v.ContactEmail != "ida@drift.example" || v.ContactLang != "en" || v.Plan != inventory.PlanPlanned {
			t.Errorf("adopted = %+v", v.Certificate)
		}
		if err := o.Inventory.Delete(t.Context(), o.by, v.ID); fault.CodeOf(err) != "inventory.certificate.issued" {
			t.Errorf("Delete = %v, want a conflict", err)
		}

		o.Clock.Move(1000 * 24 * time.Hour)
		second := o.renewed(t, first)
		ref := enrolment.Ref{Org: o.company.ID, Serial: string(second.Certificate.Serial)}
		for range 2 {
			if err := o.Inventory.Adopt(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		o.Drain(t)
		next := o.ofSerial(t, second.Certificate.Serial)
		if v = o.ofSerial(t, first.Certificate.Serial); v.SuccessorID != next.ID || v.Plan != inventory.PlanIssued || len(v.Wants) != 1 || v.Wants[0] != inventory.WantsPlaces {
			t.Errorf("renewed = plan %s, successor %q, wants %v; want issued, %q, places", v.Plan, v.SuccessorID, v.Wants, next.ID)
		}
		err := o.Inventory.Change(t.Context(), o.by, v.ID, inventory.Care{Version: v.Version, SuccessorID: next.ID, ContactEmail: v.ContactEmail, Installed: new(true)})
		if err != nil {
			t.Fatal(err)
		}
		if v = o.ofSerial(t, first.Certificate.Serial); v.Plan != inventory.PlanInstalled || len(v.Wants) != 0 || v.ContactLang != "en" {
			t.Errorf("said to be in use: plan %s, wants %v, language %s", v.Plan, v.Wants, v.ContactLang)
		}

		// Revoked, the successor is out of use, and the first one wants a new one.
		if err := o.Enrolment.Revoke(t.Context(), o.by, string(second.Certificate.Serial), "key_compromise", ""); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		if next = o.ofSerial(t, second.Certificate.Serial); next.Plan != inventory.PlanRetired {
			t.Errorf("revoked = %s, want retired", next.Plan)
		}
		if v = o.ofSerial(t, first.Certificate.Serial); v.Plan != inventory.PlanPlanned || v.SuccessorID != "" || v.InstalledAt != nil {
			t.Errorf("after its successor was revoked: plan %s, successor %q, installed %v", v.Plan, v.SuccessorID, v.InstalledAt)
		}
		for verb, want := range map[string]int{"inventory.add": 2, "inventory.succeed": 1, "inventory.retire": 1, "inventory.change": 1} {
			if got := o.entries(t, verb); got != want {
				t.Errorf("audit entries %s = %d, want %d", verb, got, want)
			}
		}
	})
}

// Work that was lost, and commands, leave the inventory behind; the sweep makes up
// for it, in whatever order it finds the certificates.
func TestAdoptAllMakesUp(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		first := o.issued(t, "Lønsystem")
		o.Clock.Move(1000 * 24 * time.Hour)
		second := o.renewed(t, first)
		gone := o.issued(t, "Glemt")
		if _, err := db.Exec("DELETE FROM work"); err != nil {
			t.Fatal(err)
		}
		if err := o.Inventory.AdoptAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		next := o.ofSerial(t, second.Certificate.Serial)
		if v := o.ofSerial(t, first.Certificate.Serial); v.SuccessorID != next.ID {
			t.Errorf("successor = %q, want %q", v.SuccessorID, next.ID)
		}
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			return o.CA.RevokeIn(ctx, tx, access.System(o.company.ID), string(gone.Certificate.Serial), "superseded", "")
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := o.Inventory.AdoptAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if v := o.ofSerial(t, gone.Certificate.Serial); v.Plan != inventory.PlanRetired {
			t.Errorf("revoked by a command = %s, want retired", v.Plan)
		}
		if n := o.entries(t, "inventory.retire"); n != 1 {
			t.Errorf("audit entries = %d, want 1", n)
		}
	})
}

// A machine that renews by itself has installed what it got.
func TestAMachineThatRenewsIsDone(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		first, second := o.machine(t)
		if v := o.ofSerial(t, first.Certificate.Serial); v.Plan != inventory.PlanInstalled || v.SuccessorID != o.ofSerial(t, second.Certificate.Serial).ID {
			t.Errorf("renewed by EST = %s, successor %q; want installed", v.Plan, v.SuccessorID)
		}
	})
}

// What somebody uploaded before is the same certificate, and a key file is no other
// one than that of its holder.
func TestUploadedOwnCertificatesCountOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		first := o.issued(t, "Lønsystem")
		if r := o.take(t, first.Certificate.DER); len(r.Added) != 1 {
			t.Fatalf("upload = %+v", r)
		}
		o.Drain(t)
		if v := o.ofSerial(t, first.Certificate.Serial); v.ProfileID != first.Profile.ID || v.ContactEmail != "ida@drift.example" {
			t.Errorf("adopted after the upload = %+v", v.Certificate)
		}
		person := o.Employee(t, o.company.Organisation, "4711", "Bo Holm")
		file := o.Activate(t, o.Invite(t, o.company.Organisation, person))
		if r := o.take(t, file.Leaf); len(r.Added) != 0 || r.Known != 1 {
			t.Errorf("uploading a key file's certificate = %+v, want it known", r)
		}
		outlook, err := o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 60})
		if err != nil {
			t.Fatal(err)
		}
		var ending int64
		for _, m := range outlook.Months {
			ending += m.Ending
		}
		if ending != 2 {
			t.Errorf("the forecast has %d certificates, want the system's and the key file", ending)
		}
	})
}
