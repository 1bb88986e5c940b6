// Package web is the HTTP face: the API that openapi.yaml describes, the SAML
// addresses, the browser application, health and metrics. A handler decodes,
// calls one domain method and encodes; rules and SQL live in the domain.
package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/dossier"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/operator"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/revocation"
	"github.com/adgang/adgang/internal/roster"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/securemail"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/usage"
)

// Options is what the server needs: the domain services and plain values.
type Options struct {
	Audit       *audit.Service
	Org         *org.Service
	CA          *ca.Service
	Credential  *credential.Service
	Enrolment   *enrolment.Service
	Session     *session.Service
	Cutover     *cutover.Service
	Roster      *roster.Service
	Federation  *federation.Service
	LocalIdP    *localidp.Service
	OpenID      *openid.Service
	Conformance *conformance.Service
	SAMLKeys    *samlkey.Service
	Approval    *approval.Service
	Attorney    *attorney.Service
	Rights      *entitlement.Service
	Review      *review.Service
	Revocation  *revocation.Service
	Setting     *setting.Service
	Onboarding  *onboarding.Service
	Operator    *operator.Service
	Mail        *mail.Service
	Usage       *usage.Service
	Dossier     *dossier.Service
	Inventory   *inventory.Service
	Reminder    *reminder.Service
	SecureMail  *securemail.Service

	Now          func() time.Time
	Log          *slog.Logger
	BaseURL      *url.URL
	Spool        string // folder for uploads on their way, 0700
	MaxUpload    int64  // bytes
	Proxies      []netip.Prefix
	MetricsToken string
	OpenMetrics  bool // the listener is loopback, so that /metrics needs no token
	Demo         bool
	TestData     bool
	Version      string
	Frontend     fs.FS
	// DemoHandler serves /demo/*, nil without the demo.
	DemoHandler http.Handler
	// Ready returns what is away: "database" and "redis", nil when all is well.
	Ready func(context.Context) []string
	// Gauges are figures read for each scrape of /metrics.
	Gauges func(context.Context) (map[string]float64, error)
	// DaysLeft is how many days each organisation (CVR) has to the end of its next
	// certificate, for /metrics; nil for none.
	DaysLeft func(context.Context) (map[string]float64, error)
}

// Server is the HTTP face of one process.
type Server struct {
	Options
	echo    *echo.Echo
	metrics *metrics
	watched *watched

	closing   chan struct{}
	closeOnce sync.Once
}

// New builds the server; it listens to nothing.
func New(o Options) *Server {
	s := &Server{Options: o, echo: echo.New(), metrics: newMetrics(o.Gauges, o.DaysLeft), closing: make(chan struct{})}
	s.watched = newWatched(s.progress)
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.fail
	s.echo.IPExtractor = addressOf(o.Proxies)
	s.middleware()
	s.routes()
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Routes lists what is served, for the test that walks it.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }

// https tells whether people reach Adgang over TLS.
func (s *Server) https() bool { return s.BaseURL.Scheme == "https" }
