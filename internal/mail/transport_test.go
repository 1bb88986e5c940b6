package mail_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
)

func envelope(to string) mail.Envelope {
	return mail.Envelope{
		ID: "019ab000-0000-7000-8000-00000000000a", From: "adgang@example.dk", To: to,
		Raw: []byte("Subject: x\r\n\r\n.dot\r\n"),
	}
}

func send(t *testing.T, tr mail.Transport, envelopes ...mail.Envelope) []error {
	t.Helper()
	errs := tr.Send(t.Context(), envelopes)
	if len(errs) != len(envelopes) {
		t.Fatalf("Send returned %d errors for %d envelopes", len(errs), len(envelopes))
	}
	return errs
}

func TestEncryptionAndLogin(t *testing.T) {
	t.Parallel()
	roots, secure := authority(t)
	_, foreign := authority(t)
	// 0.0.0.0 reaches this machine and yet is not loopback.
	for _, tc := range []struct {
		name, scheme, login, host string
		setUp                     func(*server)
		tls                       bool
		failure                   string // part of the cause, "" = delivered
	}{
		{name: "loopback in the clear", scheme: "smtp", host: "127.0.0.1"},
		{name: "loopback with STARTTLS", scheme: "smtp", host: "localhost", tls: true, setUp: func(s *server) { s.TLSConfig = secure }},
		{name: "loopback with a certificate of its own", scheme: "smtp", host: "127.0.0.1", tls: true, setUp: func(s *server) { s.TLSConfig = foreign }},
		{name: "elsewhere with STARTTLS", scheme: "smtp", host: "0.0.0.0", tls: true, setUp: func(s *server) { s.TLSConfig = secure }},
		{name: "elsewhere in the clear", scheme: "smtp", host: "0.0.0.0", failure: "does not offer STARTTLS"},
		{name: "elsewhere with a foreign certificate", scheme: "smtp", host: "0.0.0.0", failure: "certificate", setUp: func(s *server) { s.TLSConfig = foreign }},
		{name: "implicit TLS", scheme: "smtps", host: "127.0.0.1", tls: true, setUp: func(s *server) { s.TLSConfig = secure }},
		{name: "implicit TLS with a foreign certificate", scheme: "smtps", host: "127.0.0.1", failure: "certificate", setUp: func(s *server) { s.TLSConfig = foreign }},
		{name: "login", scheme: "smtps", host: "127.0.0.1", login: "adgang:p%40ss@", tls: true, setUp: func(s *server) {
			s.TLSConfig, s.user, s.pass = secure, "adgang", "p@ss"
		}},
		{name: "wrong password", scheme: "smtps", host: "127.0.0.1", login: "adgang:guess@", failure: "535", setUp: func(s *server) {
			s.TLSConfig, s.user, s.pass = secure, "adgang", "p@ss"
		}},
		{name: "login that the server does not offer", scheme: "smtp", host: "127.0.0.1", login: "adgang:p@", failure: "offers no login"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, tc.host, tc.scheme == "smtps", tc.setUp)
			tr := transport(t, tc.scheme+"://"+tc.login+srv.addr, "", mail.WithRoots(roots))
			err := send(t, tr, envelope("a@example.dk"))[0]
			if tc.failure != "" {
				if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), tc.failure) {
					t.Errorf("Send = %v, want Unavailable because of %q", err, tc.failure)
				}
				if n := len(srv.taken()); n != 0 {
					t.Errorf("the server took %d mails", n)
				}
				return
			}
			if err != nil {
				t.Fatalf("Send = %v", err)
			}
			got := srv.taken()
			if len(got) != 1 || got[0].tls != tc.tls || got[0].user != srv.user || got[0].raw != "Subject: x\r\n\r\n.dot\r\n" {
				t.Errorf("the server took %+v, want one mail, TLS %t, user %q", got, tc.tls, srv.user)
			}
		})
	}
}

func TestInternationalAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, to string
		offered  bool
		utf8     bool
		refused  bool
	}{
		{name: "offered and needed", to: "søren@example.dk", offered: true, utf8: true},
		{name: "offered and not needed", to: "soeren@example.dk", offered: true},
		{name: "needed and not offered", to: "søren@example.dk", refused: true},
		{name: "domain", to: "soeren@ærø.example", refused: true},
		{name: "not needed and not offered", to: "soeren@example.dk"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, "127.0.0.1", false, func(s *server) { s.EnableSMTPUTF8 = tc.offered })
			errs := send(t, transport(t, "smtp://"+srv.addr, ""), envelope(tc.to), envelope("next@example.dk"))
			if errs[1] != nil {
				t.Errorf("the next mail: %v", errs[1])
			}
			got := srv.taken()
			if tc.refused {
				if fault.KindOf(errs[0]) != fault.Invalid || !strings.Contains(errs[0].Error(), "SMTPUTF8") || len(got) != 1 {
					t.Errorf("Send = %v with %d mails taken, want Invalid and only the next", errs[0], len(got))
				}
				return
			}
			if errs[0] != nil || len(got) != 2 || got[0].to != tc.to || got[0].utf8 != tc.utf8 || got[1].utf8 {
				t.Errorf("Send = %v, the server took %+v", errs[0], got)
			}
		})
	}
}

func TestARefusedSenderIsTemporary(t *testing.T) {
	t.Parallel()
	srv := startServer(t, "127.0.0.1", false, nil)
	bad := envelope("a@example.dk")
	bad.From = "refused@example.dk"
	errs := send(t, transport(t, "smtp://"+srv.addr, ""), bad, envelope("b@example.dk"))
	if fault.KindOf(errs[0]) != fault.Unavailable || !strings.Contains(errs[0].Error(), "sender (553 5.7.1)") || errs[1] != nil {
		t.Errorf("Send = %v, want Unavailable and nil", errs)
	}
}

func TestCommandsCannotBeSmuggled(t *testing.T) {
	t.Parallel()
	srv := startServer(t, "127.0.0.1", false, nil)
	errs := send(t, transport(t, "smtp://"+srv.addr, ""), envelope("a@example.dk>\r\nRCPT TO:<b@example.dk"), envelope("c@example.dk"))
	if errs[0] == nil {
		t.Error("Send took an address with a line break")
	}
	for _, r := range srv.taken() {
		if r.to != "c@example.dk" {
			t.Errorf("the server took a mail to %q", r.to)
		}
	}
}

func TestASilentServer(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	tr := transport(t, "smtp://"+l.Addr().String(), "", mail.WithTimeout(50*time.Millisecond))
	if err := send(t, tr, envelope("a@example.dk"))[0]; fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Send = %v, want Unavailable", err)
	}
}

func TestAServerThatFallsSilent(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	srv := startServer(t, "127.0.0.1", false, func(s *server) {
		s.onData = func(to string) {
			if to == "slow@example.dk" {
				<-hold
			}
		}
	})
	t.Cleanup(func() { close(hold) })
	tr := transport(t, "smtp://"+srv.addr, "", mail.WithTimeout(200*time.Millisecond))
	errs := send(t, tr, envelope("a@example.dk"), envelope("slow@example.dk"), envelope("b@example.dk"))
	if errs[0] != nil || fault.KindOf(errs[1]) != fault.Unavailable || fault.KindOf(errs[2]) != fault.Unavailable {
		t.Errorf("Send = %v, want nil, Unavailable, Unavailable", errs)
	}
}

func TestNewTransportRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"mail.example.dk", "mail.example.dk:25", "http://mail.example.dk", "smtp://", "smtp://:25", "smtp://mail.example.dk:http",
		"smtp://adgang@mail.example.dk", "smtp://:hemmelig@mail.example.dk", "smtp://adgang:hemm%elig@mail.example.dk",
		"smtp://adgang:hemm/elig@mail.example.dk", "smtp://mail.example.dk/path", "smtp://mail.example.dk?starttls=no", "smtp://mail.example.dk#x",
	} {
		_, err := mail.NewTransport(bad, "")
		if err == nil || !strings.HasPrefix(err.Error(), "must have the form") || strings.Contains(err.Error(), "elig") {
			t.Errorf("NewTransport(%q) = %v, want how to write it, without the password", bad, err)
		}
	}
	if _, err := mail.NewTransport("", "/dev/null/mail"); err == nil {
		t.Error("NewTransport with a folder that cannot be made = nil")
	}
}
