package web

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
)

const estPath = "/.well-known/est/"

// MachineTLS is how the listener for machines speaks TLS: it asks for a client
// certificate and has the client prove its key. Whether the certificate counts,
// revoked or not, is looked up for each request.
func MachineTLS(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate, ClientAuth: tls.RequestClientCert}
}

// Machines is what the listener for machines serves: EST and the API, nothing for
// browsers. Cookies do not count there.
func (s *Server) Machines() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if !strings.HasPrefix(path, estPath) && !strings.HasPrefix(path, "/api/v1/") && path != "/healthz" {
			http.NotFound(w, r)
			return
		}
		r.Header.Del("Cookie")
		s.echo.ServeHTTP(w, r)
	})
}

func (s *Server) machineRoutes(open []echo.MiddlewareFunc) {
	est := s.echo.Group("/.well-known/est", append([]echo.MiddlewareFunc{s.overTLS, s.limitBody}, open...)...)
	est.GET("/cacerts", s.estAuthorities)
	est.POST("/simpleenroll", s.estEnroll)
	est.POST("/simplereenroll", s.estReenroll)
}

// overTLS hides what machines are served from connections that this process does
// not terminate itself.
func (s *Server) overTLS(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().TLS == nil {
			return echo.ErrNotFound
		}
		return next(c)
	}
}

// shown is the certificate (DER) that the client proved to have the key of on this
// very connection, nil for none. No header is ever read for it.
func shown(c echo.Context) []byte {
	state := c.Request().TLS
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	return state.PeerCertificates[0].Raw
}

// machine is the system whose certificate the connection has. Errors:
// fault.Denied.
func (s *Server) machine(c echo.Context) (access.Actor, error) {
	der := shown(c)
	if der == nil {
		return access.Actor{}, fault.New(fault.Denied, "session.none", "Show the certificate of a system, or an API token.")
	}
	return s.Enrolment.Machine(c.Request().Context(), der, c.RealIP())
}

// estAuthorities: GET /.well-known/est/cacerts -> 200 PKCS#7 (RFC 7030 section 4.1).
func (s *Server) estAuthorities(c echo.Context) error {
	all, err := s.Enrolment.CACertificates(c.Request().Context())
	if err != nil {
		return estFault(c, err)
	}
	return estFile(c, "application/pkcs7-mime", all...)
}

// estEnroll: POST /.well-known/est/simpleenroll, PKCS#10 with the order's number and
// one-time code as HTTP Basic -> 200 PKCS#7 (RFC 7030 section 4.2.1).
func (s *Server) estEnroll(c echo.Context) error {
	reference, code, ok := c.Request().BasicAuth()
	if !ok {
		c.Response().Header().Set("WWW-Authenticate", `Basic realm="Adgang EST"`)
		return c.String(http.StatusUnauthorized, "Send the order's number as user name and its one-time code as password.\n")
	}
	csr, err := estRequest(c)
	if err != nil {
		return err
	}
	f, err := s.Enrolment.Enroll(c.Request().Context(), reference, code, csr, c.RealIP())
	return estIssued(c, f, err)
}

// estReenroll: POST /.well-known/est/simplereenroll, PKCS#10 over a connection with
// the certificate that it renews -> 200 PKCS#7 (RFC 7030 section 4.2.2).
func (s *Server) estReenroll(c echo.Context) error {
	der := shown(c)
	if der == nil {
		return c.String(http.StatusForbidden, "Show the certificate that is to be renewed: a certificate is renewed over TLS with itself.\n")
	}
	csr, err := estRequest(c)
	if err != nil {
		return err
	}
	f, err := s.Enrolment.Reenroll(c.Request().Context(), der, csr, c.RealIP())
	return estIssued(c, f, err)
}

func estIssued(c echo.Context, f enrolment.Fetched, err error) error {
	if err != nil {
		return estFault(c, err)
	}
	return estFile(c, "application/pkcs7-mime; smime-type=certs-only", f.Certificate.DER)
}

// estFault tells a machine's operator in plain text what to do (RFC 7030 section
// 4.2.3). An order that still waits is asked for again later.
func estFault(c echo.Context, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Internal {
		return err
	}
	status := statusOf[f.Kind]
	switch {
	case f.Code == "enrolment.order.waiting":
		c.Response().Header().Set("Retry-After", "3600")
		status = http.StatusAccepted
	case f.Code == "enrolment.machine.unknown":
		c.Response().Header().Set("WWW-Authenticate", `Basic realm="Adgang EST"`)
		status = http.StatusUnauthorized
	case f.Kind == fault.Invalid:
		status = http.StatusBadRequest
	}
	return c.String(status, f.Text+"\n")
}

// estRequest reads a PKCS#10 request: base64, as EST has it whatever the headers say
// (RFC 8951 section 3.1), or else DER or PEM, which some clients send.
func estRequest(c echo.Context) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != "application/pkcs10" {
		return nil, echo.ErrUnsupportedMediaType
	}
	body, err := io.ReadAll(io.LimitReader(c.Request().Body, 32<<10))
	if err != nil {
		return nil, echo.ErrBadRequest
	}
	if block, _ := pem.Decode(body); block != nil {
		return block.Bytes, nil
	}
	if der, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(body), nil))); err == nil {
		return der, nil
	}
	return body, nil
}

// estFile answers with certificates in base64.
func estFile(c echo.Context, kind string, certificates ...[]byte) error {
	der, err := pki.CertsOnly(certificates...)
	if err != nil {
		return err
	}
	text := base64.StdEncoding.EncodeToString(der)
	var out strings.Builder
	for len(text) > 76 {
		out.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	out.WriteString(text + "\r\n")
	c.Response().Header().Set("Content-Transfer-Encoding", "base64")
	return c.Blob(http.StatusOK, kind, []byte(out.String()))
}
