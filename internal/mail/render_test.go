package mail_test

import (
	"flag"
	"maps"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/testkit"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// deliver queues one draft and returns it as the folder received it.
func deliver(t *testing.T, db *bun.DB, d mail.Draft) (mail.Mail, string) {
	t.Helper()
	folder := t.TempDir()
	s, _, _ := newService(t, db, transport(t, "", folder))
	queue(t, s, "lot", d)
	if err := s.Deliver(t.Context(), lot); err != nil {
		t.Fatal(err)
	}
	row := messages(t, db)[d.Address]
	if row.State != mail.StateSent {
		t.Fatalf("message is %s: %s", row.State, row.Error)
	}
	m, err := mail.Mailbox(folder).Mail(row.ID)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, row.ID+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return m, string(raw)
}

func TestGoldenMails(t *testing.T) {
	t.Parallel()
	expiry := func(lang, organisation string, days string) mail.Draft {
		d := activation("soeren@example.dk")
		d.Kind, d.Lang, d.Token = mail.KindKeyFileExpiry, lang, ""
		d.Params = map[string]string{"not_after": "2027-07-01T21:59:59Z", "days": days}
		if organisation != "" {
			d.Params["organisation"] = organisation
		}
		return d
	}
	english := activation("soeren@example.dk")
	english.Lang = mail.English
	for name, d := range map[string]mail.Draft{
		"activation.da":              activation("soeren@example.dk"),
		"activation.en":              english,
		"key_file_expiry.da":         expiry(mail.Danish, "Østkystens Bådværft A/S", "30"),
		"key_file_expiry.en":         expiry(mail.English, "Østkystens Bådværft A/S", "30"),
		"key_file_expiry_one_day.da": expiry(mail.Danish, "", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, raw := deliver(t, testkit.SQLite(t), d)
			head, _, _ := strings.Cut(raw, "\r\n\r\n")
			got := strings.ReplaceAll(strings.ReplaceAll(head, "\r\n", "\n"), m.ID, "{ID}") +
				"\n\n" + m.Subject + "\n\n" + m.Body
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("mail %s =\n%s\nwant (%v)\n%s", name, got, err, want)
			}
			for l := range strings.SplitSeq(raw, "\r\n") {
				if len(l) > 78 || strings.ContainsAny(l, "\r\n") {
					t.Errorf("a line of the message is %q", l)
				}
			}
		})
	}
}

func TestNothingFromAFileOfEmployeesAddsAHeader(t *testing.T) {
	t.Parallel()
	attack := "Eve\r\nBcc: eve@evil.example\r\n\r\nLook: \u2028\x00\u202e"
	d := activation("soeren@example.dk")
	d.Name = attack
	d.Params = map[string]string{"organisation": attack, "expires": d.Params["expires"]}
	m, raw := deliver(t, testkit.SQLite(t), d)
	msg, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, clean := deliver(t, testkit.SQLite(t), activation("soeren@example.dk"))
	plain, err := netmail.ReadMessage(strings.NewReader(clean))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := headers(msg.Header), headers(plain.Header); !slices.Equal(got, want) {
		t.Errorf("headers %s, want %s", got, want)
	}
	to, err := msg.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != d.Address {
		t.Errorf("To = %v (%v), want only %s", to, err, d.Address)
	}
	if strings.ContainsAny(m.Subject+to[0].Name, "\r\n\x00\u2028\u202e") || strings.Contains(m.Body, "\nBcc:") {
		t.Errorf("subject %q, name %q, body %q", m.Subject, to[0].Name, m.Body)
	}
}

func TestAnInternationalAddress(t *testing.T) {
	t.Parallel()
	d := activation("søren@ærø.example")
	if m, _ := deliver(t, testkit.SQLite(t), d); m.To != "Søren Ærø <søren@ærø.example>" {
		t.Errorf("To = %s", m.To)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "soeren", "a@example.dk, b@example.dk", "a@example.dk\r\nBcc: b@example.dk", "Eve <a@example.dk>", "<a@example.dk>", "a@example.dk>",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			db, folder := testkit.SQLite(t), t.TempDir()
			s, _, _ := newService(t, db, transport(t, "", folder))
			queue(t, s, "lot", activation(address))
			if err := s.Deliver(t.Context(), lot); err != nil {
				t.Errorf("Deliver = %v", err)
			}
			m := messages(t, db)[address]
			if m.State != mail.StateFailed || m.Error != "The employee's e-mail address is not one that mail can be sent to." {
				t.Errorf("message = %s, %q", m.State, m.Error)
			}
			erased(t, db, address, true)
			if files, _ := os.ReadDir(folder); len(files) != 0 {
				t.Errorf("%d files were written", len(files))
			}
		})
	}
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	d := activation("soeren@example.dk")
	d.Name = strings.Repeat("Å", 5000)
	m, raw := deliver(t, testkit.SQLite(t), d)
	if name := strings.Count(m.To, "Å"); name != 200 {
		t.Errorf("the name in To has %d letters, want 200", name)
	}
	for l := range strings.SplitSeq(raw, "\r\n") {
		if len(l) > 998 { // RFC 5322 section 2.1.1
			t.Errorf("a line has %d octets", len(l))
		}
	}
}

func headers(h netmail.Header) []string { return slices.Sorted(maps.Keys(h)) }
