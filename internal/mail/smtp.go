package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/adgang/adgang/internal/fault"
)

// smtpTransport hands mails to one mail server, a group per connection. It
// speaks through go-mail's smtp package and not through its Client, which leaves
// the connection open when STARTTLS or AUTH fails and asks for SMTPUTF8 in every
// mail, so that plain ones too could not be passed on to an older server.
type smtpTransport struct {
	host, port     string
	user, password string
	implicit       bool // TLS from the first byte; else STARTTLS
	loopback       bool // STARTTLS only when offered
	roots          *x509.CertPool
	timeout        time.Duration
}

// LogValue keeps the password out of logs.
func (t *smtpTransport) LogValue() slog.Value { return slog.StringValue(t.host) }

// Send implements Transport.
func (t *smtpTransport) Send(ctx context.Context, envelopes []Envelope) []error {
	errs := make([]error, len(envelopes))
	conn, c, err := t.dial(ctx)
	if err != nil {
		for i := range errs {
			errs[i] = errAway.Because(err)
		}
		return errs
	}
	defer func() { _ = conn.Close() }()
	usable := true
	for i, e := range envelopes {
		if !usable || ctx.Err() != nil {
			errs[i] = errUntried
			continue
		}
		t.within(context.WithoutCancel(ctx), conn, func() {
			errs[i] = t.deliver(c, e)
			if errs[i] != nil { // end the transaction, and see whether the server still listens
				usable = fault.CodeOf(errs[i]) != errBroken.Code && c.Reset() == nil
			}
		})
	}
	if usable {
		t.within(context.WithoutCancel(ctx), conn, func() { _ = c.Quit() })
	}
	return errs
}

// within runs fn and closes conn under it when ctx ends or the time is up.
func (t *smtpTransport) within(ctx context.Context, conn net.Conn, fn func()) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	fn()
}

// dial returns a connection that is encrypted as the URL asks and logged in.
func (t *smtpTransport) dial(ctx context.Context) (net.Conn, *smtp.Client, error) {
	dialer := net.Dialer{Timeout: t.timeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(t.host, t.port))
	if err != nil {
		return nil, nil, err
	}
	var c *smtp.Client
	t.within(ctx, conn, func() {
		c, err = t.greet(ctx, conn)
	})
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, c, nil
}

func (t *smtpTransport) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	config := &tls.Config{ServerName: t.host, RootCAs: t.roots, MinVersion: tls.VersionTLS12}
	if t.implicit {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	c, err := smtp.NewClient(conn, t.host)
	if err != nil {
		return nil, err
	}
	name, _ := os.Hostname() // unknown is not worth failing
	if err := c.Hello(cmp.Or(name, "localhost")); err != nil {
		return nil, err
	}
	if !t.implicit {
		if err := t.startTLS(c, config); err != nil {
			return nil, err
		}
	}
	if t.user == "" {
		return c, nil
	}
	auth, err := t.auth(c)
	if err != nil {
		return nil, err
	}
	return c, c.Auth(auth)
}

func (t *smtpTransport) startTLS(c *smtp.Client, config *tls.Config) error {
	offered, _ := c.Extension("STARTTLS")
	if !offered && t.loopback {
		return nil
	}
	if !offered {
		return errors.New("the mail server does not offer STARTTLS")
	}
	// On loopback we would also talk in the clear, so a server with the
	// certificate that Debian makes for it is no worse.
	config.InsecureSkipVerify = t.loopback
	return c.StartTLS(config)
}

// auth picks the best way to log in that both know. PLAIN and LOGIN refuse to
// send the password over an unencrypted connection, loopback excepted.
func (t *smtpTransport) auth(c *smtp.Client) (smtp.Auth, error) {
	_, offered := c.Extension("AUTH")
	ways := strings.Fields(offered)
	switch {
	case slices.Contains(ways, "SCRAM-SHA-256"):
		return smtp.ScramSHA256Auth(t.user, t.password), nil
	case slices.Contains(ways, "PLAIN"):
		return smtp.PlainAuth("", t.user, t.password, t.host, false), nil
	case slices.Contains(ways, "LOGIN"):
		return smtp.LoginAuth(t.user, t.password, t.host, false), nil
	}
	return nil, errors.New("the mail server offers no login by SCRAM-SHA-256, PLAIN or LOGIN")
}

// deliver is one mail transaction. SMTPUTF8 is asked for only by a mail that
// needs it (RFC 6531 section 3.4).
func (t *smtpTransport) deliver(c *smtp.Client, e Envelope) error {
	international := !ascii(e.From) || !ascii(e.To)
	if offered, _ := c.Extension("SMTPUTF8"); international && !offered {
		return fault.New(fault.Invalid, "mail.address.international",
			"The mail server does not take addresses with letters like æ, ø and å (SMTPUTF8). Give the employee another e-mail address.")
	}
	c.SkipSMTPUTF8(!international)
	if err := c.Mail("<" + e.From + ">"); err != nil {
		// Even for good this is about the sender, so about the installation.
		return answer(err, fault.Unavailable, "The mail server refused the sender")
	}
	if err := c.Rcpt("<" + e.To + ">"); err != nil {
		return answer(err, fault.Invalid, "The mail server refused the employee's e-mail address")
	}
	w, err := c.Data()
	if err == nil {
		_, err = w.Write(e.Raw)
		if err == nil {
			err = w.Close()
		}
	}
	return answer(err, fault.Invalid, "The mail server refused the mail")
}

// answer makes of what the server said a fault with its numbers; its words are
// left out, because they often repeat the address. A reply 5xx has the kind
// final, another one is Unavailable. No reply means that the connection broke.
func answer(err error, final fault.Kind, text string) error {
	if err == nil {
		return nil
	}
	reply, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return errBroken.Because(err)
	}
	numbers := fmt.Sprint(reply.Code)
	if enhanced := enhancedCode.FindString(reply.Msg); enhanced != "" {
		numbers += " " + enhanced
	}
	if reply.Code < 500 {
		return fault.New(fault.Unavailable, "mail.server.busy", "%s for now (%s).", text, numbers)
	}
	return fault.New(final, "mail.message.refused", "%s (%s).", text, numbers)
}

// enhancedCode is the status of RFC 3463 at the start of a reply.
var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
