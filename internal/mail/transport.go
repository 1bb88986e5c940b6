package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/adgang/adgang/internal/fault"
)

// Envelope is one finished mail: Raw is the message of RFC 5322 with CRLF line
// ends, From and To are bare addresses, ID names it.
type Envelope struct {
	ID, From, To string
	Raw          []byte
}

// LogValue keeps addresses and bodies out of logs.
func (Envelope) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// Transport takes mails to where they are read. Send returns one error for each
// envelope, nil for one that was taken over: fault.Invalid is refused for good,
// everything else may be tried again. The texts are for the administrator and
// hold no address. When ctx ends, the mail at hand is finished first. Unless it
// ends, at least one mail is tried.
type Transport interface {
	Send(ctx context.Context, envelopes []Envelope) []error
}

// What the transports answer, beside refusals.
var (
	errAway    = fault.New(fault.Unavailable, "mail.server.away", "The mail server could not be reached.")
	errBroken  = fault.New(fault.Unavailable, "mail.server.broken", "The connection to the mail server broke.")
	errUntried = fault.New(fault.Unavailable, "mail.message.untried", "The mail was not tried, because the connection to the mail server broke before it.")
	errFolder  = fault.New(fault.Unavailable, "mail.folder.unwritable", "The mail could not be written to the mail folder.")
)

// textOf is the sentence of err that is safe to keep and show.
func textOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Text
	}
	return "The mail could not be delivered because of an unexpected error."
}

// Option changes how mail is sent by SMTP.
type Option func(*smtpTransport)

// WithRoots sets the authorities that the mail server's certificate is checked
// against; without it, the system's.
func WithRoots(roots *x509.CertPool) Option {
	return func(t *smtpTransport) { t.roots = roots }
}

// WithTimeout sets how long connecting and each mail may take; a minute without
// it.
func WithTimeout(d time.Duration) Option {
	return func(t *smtpTransport) { t.timeout = d }
}

var errURL = errors.New("must have the form smtp://user:password@host:port or smtps://..., where user:password@ and :port may be left out and special characters of the password are written as %XX")

// NewTransport returns the SMTP transport for a URL, or for "" the one that
// writes into folder, which is made when missing. Ports are 587 for smtp and 465
// for smtps unless given. Errors are about the URL, without the password, or
// about the folder.
func NewTransport(smtpURL, folder string, options ...Option) (Transport, error) {
	if smtpURL == "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		return folderTransport(folder), nil
	}
	u, err := url.Parse(smtpURL)
	if err != nil {
		return nil, errURL // the cause would repeat the password
	}
	t := &smtpTransport{host: u.Hostname(), port: u.Port(), timeout: time.Minute}
	switch u.Scheme {
	case "smtp":
		t.loopback = t.host == "localhost" || net.ParseIP(t.host).IsLoopback()
		if t.port == "" {
			t.port = "587"
		}
	case "smtps":
		t.implicit = true
		if t.port == "" {
			t.port = "465"
		}
	default:
		return nil, errURL
	}
	if t.host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errURL
	}
	if u.User != nil {
		t.user = u.User.Username()
		t.password, _ = u.User.Password()
		if t.user == "" || t.password == "" {
			return nil, errURL
		}
	}
	for _, option := range options {
		option(t)
	}
	return t, nil
}
