// Package demo makes Adgang try-able on an empty machine: two fictitious
// organisations, an administrator's key file, the mailbox of everybody in it, a
// small business service to log in to, and a simulated login of one's own. Nothing outside it knows whether
// it is there, but for those who build and mount it.
package demo

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/operator"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/roster"
	"github.com/adgang/adgang/internal/setting"
)

// Service is the front of the package. It is used by pointer.
type Service struct {
	DB         *bun.DB
	Org        *org.Service
	Credential *credential.Service
	Cutover    *cutover.Service
	Roster     *roster.Service
	Federation *federation.Service
	Operator   *operator.Service
	Onboarding *onboarding.Service
	Rights     *entitlement.Service
	Review     *review.Service
	Inventory  *inventory.Service
	Setting    *setting.Service
	LocalIdP   *localidp.Service
	Now        func() time.Time
	Log        *slog.Logger
	// Data is ADGANG_DATA; what the demo makes lies in the folder demo in it.
	Data string
	// BaseURL is scheme and host, without a slash at the end.
	BaseURL string
	// Mails is where the folder transport writes.
	Mails mail.Mailbox

	visits   shelf[visit]
	guests   shelf[guest]
	arriving shelf[oiosaml.Request]
}

// Access is where a newcomer goes and what opens the door.
type Access struct {
	URL          string // of the front page
	KeyFile      string // path of the administrator's PKCS#12
	PasswordFile string
	Password     string
	Export       string // path of an export with mistakes, to upload
	Mail         string // URL of the mailbox
	Service      string // URL of the business service
	Operator     string // set-up link of the operator, "" once it is used
}

// String keeps the password out of logs.
func (a Access) String() string { return "access to the demo at " + a.URL + " [hidden]" }

func (s *Service) access() Access {
	return Access{
		URL: s.BaseURL + "/", KeyFile: s.path("administrator.p12"), PasswordFile: s.path("administrator.password"),
		Export: s.path("export.csv"), Mail: s.BaseURL + "/demo/mail", Service: s.BaseURL + servicePath,
	}
}

// path is the place of one of the demo's own files.
func (s *Service) path(name string) string { return filepath.Join(s.Data, folder, name) }

// Handler serves everything below /demo/. Its cookies are SameSite=Lax, so that
// forms of other sites find no visit.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/style.css", style)
	mux.HandleFunc("GET /demo/mail", s.page(s.mails))
	mux.HandleFunc("GET /demo/mail/{id}", s.page(s.mail))
	mux.HandleFunc("GET "+servicePath, s.page(s.service))
	mux.HandleFunc("GET "+servicePath+"/metadata", s.page(s.metadata))
	mux.HandleFunc("POST "+servicePath+"/login", s.page(s.login))
	mux.HandleFunc("GET "+servicePath+"/login", s.page(s.login)) // where a conformance test begins
	mux.HandleFunc("POST "+servicePath+"/acs", s.page(s.consume))
	mux.HandleFunc("POST "+servicePath+"/logout", s.page(s.logout))
	mux.HandleFunc("POST "+servicePath+"/logout-everywhere", s.page(s.logoutEverywhere))
	mux.HandleFunc("GET "+servicePath+"/slo", s.page(s.loggedOut))
	mux.HandleFunc("GET "+idpPath, s.page(s.idpFront))
	mux.HandleFunc("GET "+idpPath+"/metadata", s.page(s.idpMetadata))
	mux.HandleFunc("GET "+idpPath+"/sso", s.page(s.idpAsked))
	mux.HandleFunc("POST "+idpPath+"/login", s.page(s.idpLogin))
	mux.HandleFunc("POST "+idpPath+"/logout", s.page(s.idpLogout))
	mux.HandleFunc("GET "+idpPath+"/slo", s.page(s.idpLoggedOut))
	mux.Handle("GET /demo/{$}", http.RedirectHandler("/demo/mail", http.StatusFound))
	mux.HandleFunc("/demo/", s.page(absent))
	return mux
}
