package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// receipt is one mail that the test's mail server took over.
type receipt struct {
	from, to, user, raw string
	tls, utf8           bool
}

// server is a mail server whose answers depend on the address it is sent to:
//
//	unknown@    550 to RCPT        closing@  421 to RCPT, and hangs up
//	busy@       451 to RCPT        drop@     hangs up in DATA
//	content@    554 after DATA     full@     452 after DATA
//
// and on the sender: refused@ gets 553.
type server struct {
	*smtp.Server

	addr        string
	user, pass  string // "" = no login offered
	onData      func(to string)
	mu          sync.Mutex
	receipts    []receipt
	connections int
}

// startServer serves on host until the test ends; change may set it up first.
func startServer(t *testing.T, host string, implicit bool, change func(*server)) *server {
	t.Helper()
	s := &server{}
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.connections++
		return &session{server: s, conn: c}, nil
	}))
	s.ErrorLog = silent{}
	if change != nil {
		change(s)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s.addr = net.JoinHostPort(host, port)
	if implicit {
		l = tls.NewListener(l, s.TLSConfig)
	}
	var done sync.WaitGroup
	done.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		_ = l.Close() // Close knows it only once Serve has begun
		_ = s.Close()
		done.Wait()
	})
	return s
}

func (s *server) taken() []receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]receipt(nil), s.receipts...)
}

func (s *server) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// silent is a log that keeps nothing.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

type session struct {
	*server

	conn    *smtp.Conn
	user    string
	now     receipt
	closing bool
}

func (s *session) AuthMechanisms() []string {
	if s.pass == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if user != s.server.user || pass != s.pass {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Logout() error { return nil }

func (s *session) Reset() {
	s.now = receipt{}
	if s.closing {
		_ = s.conn.Conn().Close()
	}
}

func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	if s.pass != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	if strings.HasPrefix(from, "refused@") {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Sender not allowed"}
	}
	if s.now.from != "" {
		return &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "Nested MAIL command"}
	}
	_, secure := s.conn.TLSConnectionState()
	s.now = receipt{from: from, utf8: opts.UTF8, tls: secure, user: s.user}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = to
	switch local, _, _ := strings.Cut(to, "@"); local {
	case "unknown":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<" + to + ">: no such user"}
	case "busy":
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "try again, " + to}
	case "closing":
		s.closing = true
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "closing"}
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.raw = string(raw)
	if s.onData != nil {
		s.onData(s.now.to)
	}
	switch local, _, _ := strings.Cut(s.now.to, "@"); local {
	case "content":
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "looks like spam"}
	case "full":
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	case "drop":
		_ = s.conn.Conn().Close()
		return errors.New("dropped")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receipts = append(s.receipts, s.now)
	return nil
}

// authority makes a CA, and a server certificate of it for this machine.
func authority(t *testing.T) (*x509.CertPool, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4zero},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if ca, err = x509.ParseCertificate(caDER); err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return roots, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}}}
}
