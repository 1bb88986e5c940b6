package reminder_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// Five a day stay single; what comes later the same day, after a sweep that began
// early, is one mail.
func TestADayIsCountedWhole(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		for i := range 4 {
			o.listed(t, fmt.Sprintf("Fire %d", i), "it@firma.example", "2027-06-30")
		}
		o.on(t, "2027-01-01")
		for i := range 2 {
			o.listed(t, fmt.Sprintf("To %d", i), "it@firma.example", "2027-06-30")
		}
		o.Clock.Move(time.Hour)
		sweepDay(t, o.Domain, reminder.Day{Day: "2027-01-01"})
		if single, digest := reminders(t, db, mail.KindCertificate), reminders(t, db, mail.KindCertificates); len(single) != 4 || len(digest) != 1 {
			t.Errorf("%d single mails and %d digests, want 4 and 1", len(single), len(digest))
		}
	})
}

// A sending that was given up loses nothing: the next sweep, which finds nothing
// new, asks again.
func TestWhatWasLeftIsSentByTheNextSweep(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		o.listed(t, "Lønsystem", "it@firma.example", "2027-06-30")
		at := time.Date(2027, 1, 1, 9, 0, 0, 0, time.UTC)
		o.Clock.Move(at.Sub(o.Clock.Now()))
		if err := o.Reminder.Sweep(t.Context(), reminder.Day{Day: "2027-01-01"}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("UPDATE work SET state = 'failed' WHERE kind = ?", reminder.SendKind.Name()); err != nil {
			t.Fatal(err)
		}
		o.on(t, "2027-01-02")
		if got := addressed(t, db, mail.KindCertificate); got["it@firma.example"] != 1 {
			t.Errorf("mails = %v, want the one that was left", got)
		}
	})
}

// A contact reads mails in the language and under the name of the certificate.
func TestContactsHaveALanguage(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		c := o.listed(t, "Payroll", "", "2027-06-30")
		care := inventory.Care{Version: 1, ContactName: "Ann Lee", ContactEmail: "ann@firm.example", ContactLang: "en"}
		if err := o.Inventory.Change(t.Context(), o.by, c.ID, care); err != nil {
			t.Fatal(err)
		}
		o.on(t, "2027-01-01")
		if got := reminders(t, db, mail.KindCertificate); len(got) != 1 || got[0].Lang != mail.English || got[0].Name != "Ann Lee" {
			t.Errorf("mails = %+v, want one in English to Ann Lee", got)
		}
		care.Version, care.ContactLang = 2, "fr"
		if err := o.Inventory.Change(t.Context(), o.by, c.ID, care); fault.CodeOf(err) != "inventory.contact.lang" {
			t.Errorf("French = %v, want refused", err)
		}
	})
}

// Those of the organisation itself are reminded of, with the contact of their
// profile; the sweep finds them even when no word came of their issuing.
func TestOwnCertificatesAreRemindedOf(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db, nil)
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			_, err := o.Setting.Put(ctx, tx, o.by, func(s *setting.Settings) { s.Certificates = []string{"organisation", "system"} })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []pki.Profile{pki.ProfileOrganisation, pki.ProfileSystem} {
			placed, err := o.Enrolment.Order(t.Context(), o.by, enrolment.Terms{
				Kind: kind, Name: "Vores " + string(kind), ContactName: "Ida Søe", ContactEmail: "ida@drift.example", Method: enrolment.ByUpload,
			})
			if err != nil {
				t.Fatal(err)
			}
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			csr, err := pki.NewRequest(key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec("DELETE FROM work"); err != nil {
			t.Fatal(err)
		}
		end := o.Clock.Now().Add(1095 * 24 * time.Hour)
		o.on(t, end.In(denmark).AddDate(0, 0, -90).Format(time.DateOnly))
		got := reminders(t, db, mail.KindCertificate)
		if len(got) != 2 || got[0].Address != "ida@drift.example" || got[0].Name != "Ida Søe" || !strings.Contains(got[0].Params, "Vores ") {
			t.Errorf("mails = %+v, want one for each certificate to the profile's contact", got)
		}
	})
}
