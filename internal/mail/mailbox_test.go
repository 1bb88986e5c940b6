package mail_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

func TestMailbox(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, clock, _ := newService(t, testkit.SQLite(t), transport(t, "", folder))
	var want []string
	for i := range 5 {
		d := activation(fmt.Sprintf("m%d@example.dk", i))
		queue(t, s, "lot", d)
		want = append(want, "Søren Ærø <"+d.Address+">")
	}
	if err := s.Deliver(t.Context(), lot); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(want)
	for _, name := range []string{"notes.eml", ".mail-123", store.NewID() + ".txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	box := mail.Mailbox(folder)
	var got []string
	var pages int
	for cursor, more := "", true; more; pages++ {
		mails, next, err := box.Mails(cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mails {
			got = append(got, m.To)
			one, err := box.Mail(m.ID)
			if err != nil || one != m {
				t.Errorf("Mail(%s) = %+v (%v), want %+v", m.ID, one, err, m)
			}
			if m.Subject != "Hent din nøglefil til Østkystens Bådværft A/S" || !m.Date.Equal(clock.Now()) || m.From != `"Adgang" <adgang@example.dk>` {
				t.Errorf("mail = %+v", m)
			}
		}
		cursor, more = next, next != ""
	}
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("To of all mails in %d pages = %q, want 3 and %q", pages, got, want)
	}
}

func TestMailboxWithoutMail(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret.eml")
	if err := os.WriteFile(secret, []byte("Subject: x\r\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	box := mail.Mailbox(filepath.Join(folder, "mail"))
	if mails, next, err := box.Mails("", 10); err != nil || len(mails) != 0 || next != "" {
		t.Errorf("Mails of no folder = %v, %q, %v", mails, next, err)
	}
	for _, id := range []string{"", "../secret", "secret", store.NewID(), "{019ab000-0000-7000-8000-000000000001}"} {
		if _, err := box.Mail(id); fault.KindOf(err) != fault.Absent {
			t.Errorf("Mail(%q) = %v, want Absent", id, err)
		}
	}
}
