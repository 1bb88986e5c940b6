package demo_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/demo"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/roster"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/testkit"
)

// house is the demo with what it stands on, served on a port of its own.
type house struct {
	*demo.Service
	db   *bun.DB
	mail *mail.Service
}

func newHouse(t testing.TB, now func() time.Time) *house {
	t.Helper()
	db, data, log := testkit.SQLite(t), filepath.Join(t.TempDir(), "data"), slog.New(slog.DiscardHandler)
	keys, err := secret.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	handler := &late{}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	folder := filepath.Join(data, "mail")
	transport, err := mail.NewTransport("", folder)
	if err != nil {
		t.Fatal(err)
	}
	orgs := &org.Service{DB: db, Keys: keys, Now: now, TestData: true}
	mails := &mail.Service{DB: db, Keys: keys, Transport: transport, Now: now, Log: log, BaseURL: server.URL, From: "adgang@localhost.localdomain"}
	authority := &ca.Service{DB: db, Keys: keys, Now: now, Log: log, Algorithm: pki.ECDSA, Name: "Adgang"}
	credentials := &credential.Service{
		DB: db, Keys: keys, Org: orgs, CA: authority, Mail: mails, Now: now, Log: log, Origin: server.URL, Algorithm: "P-256",
	}
	rights := &entitlement.Service{DB: db, Mail: mails, Now: now, Log: log, BaseURL: server.URL}
	samlKeys := &samlkey.Service{DB: db, Keys: keys, Now: now, Log: log, EntityID: server.URL + "/saml/idp/metadata"}
	feeds := &feed.Service{DB: db, Mail: mails, Now: now, Log: log, PrivateHosts: true}
	services := &federation.Service{DB: db, Keys: keys, Org: orgs, Rights: rights, Now: now, Log: log, BaseURL: server.URL, SAMLKeys: samlKeys, Feeds: feeds}
	s := &demo.Service{
		DB: db, Org: orgs, Credential: credentials, Federation: services, Now: now, Log: log, Data: data, BaseURL: server.URL,
		Cutover: &cutover.Service{DB: db, Keys: keys, Org: orgs, Credential: credentials, Now: now, Log: log, TestData: true},
		Roster:  &roster.Service{DB: db, Keys: keys, Org: orgs, Credential: credentials, Now: now, Log: log, TestData: true},
		Rights:  rights, Review: &review.Service{DB: db, Rights: rights, Mail: mails, Now: now, Log: log, BaseURL: server.URL},
		Inventory: &inventory.Service{DB: db, CA: authority, Mail: mails, Now: now, Log: log, BaseURL: server.URL},
		Setting:   &setting.Service{DB: db, Now: now, Acts: approval.Names(), Kinds: mail.Kinds()},
		Mails:     mail.Mailbox(folder),
	}
	s.LocalIdP = &localidp.Service{
		DB: db, Keys: keys, Org: orgs, Session: &session.Service{DB: db, Keys: keys, Now: now}, Federation: services, Now: now, Log: log,
		BaseURL: server.URL, SAMLKeys: samlKeys, Feeds: feeds, TestData: true,
	}
	feeds.Takers = map[string]feed.Taker{"service": services.Taker(), "idp": s.LocalIdP.Taker()}
	services.Session, services.Elsewhere = s.LocalIdP.Session, map[string]federation.Elsewhere{localidp.Part: s.LocalIdP.Elsewhere()}
	handler.Handler = s.Handler()
	for _, setup := range []func(context.Context) error{authority.Setup, samlKeys.Setup} {
		if err := setup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return &house{s, db, mails}
}

// late gets its handler after the server has got its address.
type late struct{ http.Handler }

func (h *house) seed(t testing.TB) demo.Access {
	t.Helper()
	a, err := h.Seed(t.Context())
	if err != nil {
		t.Fatalf("Seed: %v", err)
	}
	return a
}

// browser keeps cookies and follows no redirects.
func browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
