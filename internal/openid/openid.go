// Package openid is Adgang's second face as an identity provider: OpenID Connect
// for business services that speak it. Who may log in and what a service is told is
// decided by federation, as for SAML; this package keeps the clients, codes and
// tokens, and puts the answer into the protocol.
package openid

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/secret"
)

// Kind is the name of this face at federation: of flows, parts and audit verbs.
const Kind = "openid"

// How long things live. A code is exchanged at once by the service's server (RFC
// 6749 section 4.1.2 has ten minutes at most); tokens never outlive the part in the
// browser session that they came from.
const (
	codeLife   = time.Minute
	accessLife = 10 * time.Minute
	idLife     = 10 * time.Minute
	logoutLife = 2 * time.Minute
	// keepEnded is how long a grant that is over is kept, so that a code or token that
	// comes again is recognised.
	keepEnded = 24 * time.Hour
)

const (
	secretPurpose  secret.Purpose = "openid.client_secret" //nolint:gosec // a purpose, no secret
	codePurpose    secret.Purpose = "openid.code"
	accessPurpose  secret.Purpose = "openid.access_token"
	refreshPurpose secret.Purpose = "openid.refresh_token"
)

// SweepKind drops codes, tokens and grants that are over.
var SweepKind = outbox.NewKind[struct{}]("openid.sweep")

// Service is the front of the package. It is used by pointer.
type Service struct {
	DB         *bun.DB
	Keys       *secret.Keys
	Federation *federation.Service
	// SAMLKeys are the keys of the installation; ID tokens are signed by the same.
	SAMLKeys *samlkey.Service
	// PrivateHosts lets a service's server have a private address.
	PrivateHosts bool
	Now          func() time.Time
	Log          *slog.Logger
	BaseURL      string // the issuer; without a slash at the end

	once    sync.Once
	handler http.Handler
	client  *http.Client
}

// Join makes this package known to federation: as a face that logins are asked for
// by, and as a party of logouts. It is called once, before anything is served.
func (s *Service) Join() {
	f := s.Federation
	if f.Faces == nil {
		f.Faces = map[string]federation.Face{}
	}
	if f.Elsewhere == nil {
		f.Elsewhere = map[string]federation.Elsewhere{}
	}
	f.Faces[Kind] = federation.Face{Grant: s.grant, Refuse: s.refuse}
	f.Elsewhere[Kind] = federation.Elsewhere{Reaches: s.reaches, Tell: s.tell, Finish: s.finish}
}

// acr writes a level as the class that the tokens name it by; levelOf reads it.
const acrPrefix = "https://data.gov.dk/concept/core/nsis/loa/"

func acr(l oiosaml.Level) string { return acrPrefix + l.String() }
