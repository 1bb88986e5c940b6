// Package app builds the program once, from configuration to services, and runs
// it: for the commands and for the tests that want the whole of it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/frontend"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/cvr"
	"github.com/adgang/adgang/internal/demo"
	"github.com/adgang/adgang/internal/dossier"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/operator"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/revocation"
	"github.com/adgang/adgang/internal/roster"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/securemail"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/token"
	"github.com/adgang/adgang/internal/usage"
	"github.com/adgang/adgang/internal/web"
	"github.com/adgang/adgang/jobs"
)

// App is the whole program, built and not yet running.
type App struct {
	Config      config.Config
	DB          *bun.DB
	Keys        *secret.Keys
	Log         *slog.Logger
	Now         func() time.Time
	Audit       *audit.Service
	Org         *org.Service
	CA          *ca.Service
	Mail        *mail.Service
	Setting     *setting.Service
	Usage       *usage.Service
	Dossier     *dossier.Service
	Approval    *approval.Service
	Attorney    *attorney.Service
	Credential  *credential.Service
	Enrolment   *enrolment.Service
	Session     *session.Service
	Rights      *entitlement.Service
	Review      *review.Service
	Revocation  *revocation.Service
	SAMLKeys    *samlkey.Service
	Feeds       *feed.Service
	Federation  *federation.Service
	LocalIdP    *localidp.Service
	Conformance *conformance.Service
	OpenID      *openid.Service
	Cutover     *cutover.Service
	Roster      *roster.Service
	Inventory   *inventory.Service
	Reminder    *reminder.Service
	SecureMail  *securemail.Service
	Operator    *operator.Service
	Onboarding  *onboarding.Service
	Demo        *demo.Service // nil without --demo
	Web         *web.Server
	Runner      *jobs.Runner

	redis *jobs.Redis
	token *token.Token // nil without one
}

// ErrSchema is returned by New when the schema of a shared database is not up to
// date: only the migrate command changes it.
var ErrSchema = errors.New("the database schema is not up to date: run `adgang migrate` first")

// Options is what a program is built from.
type Options struct {
	Config  config.Config
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	// Migrate brings the schema of a shared database up to date; the embedded
	// one is always brought up to date.
	Migrate bool
	// Work runs background work in this process, once started.
	Work bool
}

// New builds the program. Errors may be *config.Error and ErrSchema. The caller
// calls Close.
func New(ctx context.Context, o Options) (*App, error) {
	a := &App{Config: o.Config, Log: o.Log, Now: o.Now}
	keys, err := a.open()
	if a.Keys = keys; err == nil {
		err = a.openToken(ctx)
	}
	if err == nil {
		err = a.build(keys, o) //nolint:contextcheck // the embedded Redis lives until Close, not as long as ctx
	}
	if err == nil {
		err = a.schema(ctx, o.Migrate)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// open opens the data folder, the master key and the database.
func (a *App) open() (*secret.Keys, error) {
	c := a.Config
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, &config.Error{Variable: "ADGANG_DATA", Text: fmt.Sprintf("cannot be made or used as a folder: %v", err)}
	}
	masters, err := secret.LoadMasters(c.KeyFile, c.Embedded())
	if err != nil {
		return nil, &config.Error{Variable: "ADGANG_KEY_FILE", Text: fmt.Sprintf("cannot be used: %v", err)}
	}
	keys, err := secret.New(masters...)
	if err != nil {
		return nil, err
	}
	if a.DB, err = store.Open(c.DatabaseURL, c.Data); err != nil {
		return nil, &config.Error{Variable: "ADGANG_DATABASE_URL", Text: "cannot be used: it is no PostgreSQL URL"}
	}
	return keys, nil
}

// build puts the services together, each from the ones below it.
func (a *App) build(keys *secret.Keys, o Options) error {
	c, base := a.Config, a.Config.BaseURL.String()
	transport, err := mail.NewTransport(c.SMTPURL, c.MailFolder())
	if err != nil {
		return &config.Error{Variable: "ADGANG_SMTP_URL", Text: err.Error()}
	}
	phases := credential.Phases{LimitedAt: c.LimitedAt, ClosedAt: c.ClosedAt}
	a.Mail = &mail.Service{DB: a.DB, Keys: keys, Transport: transport, Now: a.Now, Log: a.Log, BaseURL: base, From: c.MailFrom}
	a.Setting = &setting.Service{DB: a.DB, Now: a.Now, Acts: approval.Names(), Kinds: mail.Kinds()}
	a.Approval = &approval.Service{DB: a.DB, Mail: a.Mail, Setting: a.Setting, Now: a.Now, Holders: org.Holders}
	a.Audit = &audit.Service{DB: a.DB, Keys: keys, Now: a.Now, Log: a.Log}
	a.Org = &org.Service{DB: a.DB, Keys: keys, Mail: a.Mail, Approval: a.Approval, Now: a.Now, TestData: c.TestData}
	a.CA = &ca.Service{
		DB: a.DB, Keys: keys, Now: a.Now, Log: a.Log, Algorithm: pki.Algorithm(strings.ToLower(c.CAAlgorithm)), Name: "Adgang",
		Address: c.PKIURL.String(), PolicyArc: c.PolicyArc, Token: a.token,
	}
	if c.WeakKeys != "" {
		weak, err := pki.ReadWeakKeys(os.DirFS(c.WeakKeys))
		if err != nil {
			return &config.Error{Variable: "ADGANG_WEAK_KEYS", Text: "cannot be used: " + err.Error()}
		}
		a.CA.WeakKeys = weak
	}
	if c.PolicyArc != "" {
		if err := pki.CheckPolicyArc(c.PolicyArc); err != nil {
			return &config.Error{Variable: "ADGANG_POLICY_ARC", Text: "cannot be used: " + strings.TrimSuffix(err.Error(), ".")}
		}
	}
	a.Credential = &credential.Service{
		DB: a.DB, Keys: keys, Approval: a.Approval, Org: a.Org, CA: a.CA, Mail: a.Mail, Now: a.Now, Log: a.Log, Origin: base,
		Algorithm: c.KeyAlgorithm, Phases: phases,
	}
	a.Enrolment = &enrolment.Service{
		DB: a.DB, Keys: keys, Org: a.Org, CA: a.CA, Mail: a.Mail, Now: a.Now, Log: a.Log, Algorithm: c.KeyAlgorithm,
	}
	a.Session = &session.Service{DB: a.DB, Keys: keys, Now: a.Now}
	a.Credential.Begin = a.Session.StartIn
	a.Rights = &entitlement.Service{DB: a.DB, Mail: a.Mail, Now: a.Now, Log: a.Log, BaseURL: base}
	a.Attorney = &attorney.Service{DB: a.DB, Org: a.Org, Mail: a.Mail, Now: a.Now}
	a.Rights.Delegated, a.Rights.Delegates = a.Attorney.Delegated, a.Attorney.Delegates
	a.Review = &review.Service{DB: a.DB, Rights: a.Rights, Mail: a.Mail, Now: a.Now, Log: a.Log, BaseURL: base}
	a.federate(keys)
	a.Cutover = &cutover.Service{
		DB: a.DB, Keys: keys, Org: a.Org, Credential: a.Credential, Rights: a.Rights, Attorney: a.Attorney, Audit: a.Audit, Now: a.Now, Log: a.Log,
		TestData: c.TestData, ClosedAt: c.ClosedAt,
	}
	a.Roster = &roster.Service{
		DB: a.DB, Keys: keys, Org: a.Org, Credential: a.Credential, Approval: a.Approval, Audit: a.Audit, Now: a.Now, Log: a.Log, TestData: c.TestData,
	}
	a.Revocation = &revocation.Service{DB: a.DB, CA: a.CA, Credential: a.Credential, Approval: a.Approval, Now: a.Now}
	a.Approval.Routes = Acts(ActServices{Approval: a.Approval, Org: a.Org, Federation: a.Federation, Roster: a.Roster, Credential: a.Credential, Revocation: a.Revocation})
	a.Usage = &usage.Service{DB: a.DB, Org: a.Org, Now: a.Now, Log: a.Log}
	a.Dossier = &dossier.Service{DB: a.DB, Org: a.Org, Now: a.Now, Log: a.Log}
	a.Org.Forget = a.Dossier.Forget
	a.Inventory = &inventory.Service{
		DB: a.DB, CA: a.CA, Mail: a.Mail, Now: a.Now, Clock: store.Time, Log: a.Log, BaseURL: base, PrivateHosts: c.PrivateHosts,
	}
	if err := a.authorities(c); err != nil {
		return err
	}
	a.Reminder = &reminder.Service{
		DB: a.DB, Keys: keys, CA: a.CA, Mail: a.Mail, Inventory: a.Inventory, Now: a.Now, Log: a.Log, BaseURL: base, PrivateHosts: c.PrivateHosts,
	}
	a.Inventory.Partners = append(a.Inventory.Partners, a.Federation.EachMetadata, a.LocalIdP.EachMetadata)
	a.SecureMail = &securemail.Service{DB: a.DB, Now: a.Now, ClosesAt: c.ClosedAt}
	a.Reminder.ClosesAt = c.ClosedAt
	a.Operator = &operator.Service{DB: a.DB, Keys: keys, Now: a.Now, Log: a.Log, BaseURL: base}
	register, err := a.register()
	if err != nil {
		return err
	}
	a.Onboarding = &onboarding.Service{
		DB: a.DB, Keys: keys, Register: register, Org: a.Org, Credential: a.Credential, Setting: a.Setting, Mail: a.Mail,
		Now: a.Now, Log: a.Log, TestData: c.TestData, Wait: c.RecoveryWait,
	}
	if err := a.buildRunner(o.Work); err != nil {
		return err
	}
	return a.buildWeb(o.Version)
}

// federate builds what services, own logins and their keys go through.
func (a *App) federate(keys *secret.Keys) {
	c, base := a.Config, a.Config.BaseURL.String()
	a.SAMLKeys = &samlkey.Service{DB: a.DB, Keys: keys, Now: a.Now, Log: a.Log, Mail: a.Mail, EntityID: base + "/saml/idp/metadata", Token: a.token}
	a.Feeds = &feed.Service{DB: a.DB, Mail: a.Mail, Now: a.Now, Log: a.Log, PrivateHosts: c.PrivateHosts}
	a.Federation = &federation.Service{
		DB: a.DB, Keys: keys, Org: a.Org, Rights: a.Rights, Approval: a.Approval, Session: a.Session, Now: a.Now, Log: a.Log, BaseURL: base,
		SAMLKeys: a.SAMLKeys, Feeds: a.Feeds, PrivateHosts: c.PrivateHosts,
	}
	a.LocalIdP = &localidp.Service{
		DB: a.DB, Keys: keys, Org: a.Org, Session: a.Session, Federation: a.Federation, Now: a.Now, Log: a.Log, BaseURL: base,
		SAMLKeys: a.SAMLKeys, Feeds: a.Feeds, TestData: c.TestData,
	}
	a.Federation.Elsewhere = map[string]federation.Elsewhere{localidp.Part: a.LocalIdP.Elsewhere()}
	a.OpenID = &openid.Service{
		DB: a.DB, Keys: keys, Federation: a.Federation, SAMLKeys: a.SAMLKeys, PrivateHosts: c.PrivateHosts, Now: a.Now, Log: a.Log, BaseURL: base,
	}
	a.OpenID.Join()
	a.Conformance = &conformance.Service{
		DB: a.DB, Keys: keys, Org: a.Org, Federation: a.Federation, PrivateHosts: c.PrivateHosts || c.Demo, Now: a.Now, Log: a.Log, BaseURL: base, // the demo's service is on loopback
	}
	a.Feeds.Takers = map[string]feed.Taker{"service": a.Federation.Taker(), "idp": a.LocalIdP.Taker()}
	a.SAMLKeys.Partners = append(a.SAMLKeys.Partners, a.Federation.KeyPartners, a.LocalIdP.KeyPartners)
}

// register is where companies are looked up.
func (a *App) register() (cvr.Register, error) {
	c := a.Config
	switch {
	case c.CVRFile != "":
		f, err := cvr.OpenFile(c.CVRFile)
		if err != nil {
			return nil, &config.Error{Variable: "ADGANG_CVR_FILE", Text: "cannot be used: " + err.Error()}
		}
		return f, nil
	case c.CVRURL == "":
		return cvr.Fictitious(), nil
	}
	v := &cvr.Virk{URL: c.CVRURL, User: c.CVRUser, HTTP: &http.Client{}, Now: a.Now, Log: a.Log}
	if c.CVRPasswordFile != "" {
		password, err := os.ReadFile(c.CVRPasswordFile)
		if err != nil {
			return nil, &config.Error{Variable: "ADGANG_CVR_PASSWORD_FILE", Text: "cannot be read: " + err.Error()}
		}
		v.Password = strings.TrimSpace(string(password))
	}
	return v, nil
}

func (a *App) buildRunner(work bool) (err error) {
	workers := 3 // one for bulk work, two beside it: SQLite has one writer
	if a.Config.Embedded() {
		a.redis = jobs.Embedded()
	} else {
		workers = max(4, 2*runtime.NumCPU())
		if a.redis, err = jobs.FromURL(a.Config.RedisURL); err != nil {
			return &config.Error{Variable: "ADGANG_REDIS_URL", Text: "cannot be used: " + err.Error()}
		}
	}
	window := 4 * workers
	if !work {
		workers = 0 // relays and schedules, as every node does
	}
	a.Runner = jobs.New(jobs.Options{
		DB: a.DB, Now: a.Now, Log: a.Log, Redis: a.redis, Audit: a.Audit, Workers: workers, Window: window,
		Schedules: jobs.Schedules(),
		Routes: jobs.Routes(jobs.Services{
			Org: a.Org, Mail: a.Mail, CA: a.CA, Credential: a.Credential, Enrolment: a.Enrolment, Session: a.Session, Federation: a.Federation, LocalIdP: a.LocalIdP, OpenID: a.OpenID, Conformance: a.Conformance, SAMLKeys: a.SAMLKeys, Feeds: a.Feeds,
			Cutover: a.Cutover, Roster: a.Roster, Inventory: a.Inventory, Reminder: a.Reminder, SecureMail: a.SecureMail, Rights: a.Rights, Review: a.Review, Onboarding: a.Onboarding, Operator: a.Operator,
			Approval: a.Approval, Usage: a.Usage, Revocation: a.Revocation,
		}),
	})
	return nil
}

func (a *App) buildWeb(version string) error {
	c := a.Config
	spool := filepath.Join(c.Data, "uploads")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return &config.Error{Variable: "ADGANG_DATA", Text: fmt.Sprintf("cannot be written to: %v", err)}
	}
	var demoHandler http.Handler
	if c.Demo {
		a.Demo = &demo.Service{
			Operator: a.Operator, Onboarding: a.Onboarding,
			DB: a.DB, Org: a.Org, Credential: a.Credential, Cutover: a.Cutover, Roster: a.Roster, Federation: a.Federation, Now: a.Now, Log: a.Log,
			Rights: a.Rights, Review: a.Review, Inventory: a.Inventory, Setting: a.Setting, LocalIdP: a.LocalIdP, Data: c.Data, BaseURL: c.BaseURL.String(), Mails: mail.Mailbox(c.MailFolder()),
		}
		demoHandler = a.Demo.Handler()
	}
	a.Web = web.New(web.Options{
		Org: a.Org, CA: a.CA, Credential: a.Credential, Enrolment: a.Enrolment, Session: a.Session, Cutover: a.Cutover, Federation: a.Federation, LocalIdP: a.LocalIdP, OpenID: a.OpenID, Conformance: a.Conformance,
		SAMLKeys: a.SAMLKeys, Mail: a.Mail, Usage: a.Usage, Dossier: a.Dossier,
		Setting: a.Setting, Approval: a.Approval, Rights: a.Rights, Review: a.Review, Roster: a.Roster, Revocation: a.Revocation,
		Audit: a.Audit, Onboarding: a.Onboarding, Operator: a.Operator,
		Attorney: a.Attorney, Inventory: a.Inventory, Reminder: a.Reminder, SecureMail: a.SecureMail,
		Now: a.Now, Log: a.Log, BaseURL: c.BaseURL, Spool: spool, MaxUpload: c.MaxUpload, Proxies: c.Proxies,
		MetricsToken: c.MetricsToken, OpenMetrics: c.Loopback(), Demo: c.Demo, TestData: c.TestData, Version: version,
		Frontend: frontend.Files, DemoHandler: demoHandler, Ready: a.away, Gauges: a.gauges, DaysLeft: a.daysLeft,
	})
	return nil
}

// schema migrates the embedded database; of a shared one it only checks, unless
// told to migrate it.
func (a *App) schema(ctx context.Context, migrate bool) error {
	if migrate || a.Config.Embedded() {
		return a.migrate(ctx)
	}
	pending, err := store.Pending(ctx, a.DB)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if len(pending) > 0 {
		return ErrSchema
	}
	if err := keepRoot(ctx, a.DB, a.Keys); err != nil {
		return err
	}
	return a.warnOfOpenWall(ctx)
}

// warnOfOpenWall tells when a shared database does not keep tenants apart itself.
func (a *App) warnOfOpenWall(ctx context.Context) error {
	walled, err := store.Walled(ctx, a.DB)
	if err != nil {
		return fmt.Errorf("read the database's role: %w", err)
	}
	if !walled {
		a.Log.WarnContext(ctx, "the database role is a superuser or has BYPASSRLS: row-level security passes over it, see docs/operations.md")
	}
	return nil
}

// migrate brings the schema up to date and makes what every node shares: the
// issuing authority and the SAML keys.
func (a *App) migrate(ctx context.Context) error {
	if err := store.Migrate(ctx, a.DB); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	if err := keepRoot(ctx, a.DB, a.Keys); err != nil {
		return err
	}
	if err := a.Onboarding.Setup(ctx); err != nil {
		return fmt.Errorf("set up the directory of organisations: %w", err)
	}
	if err := a.Credential.Setup(ctx); err != nil {
		return fmt.Errorf("index the employees: %w", err)
	}
	if err := a.CA.Setup(ctx); err != nil {
		return fmt.Errorf("set up the issuing authority: %w", err)
	}
	if err := a.SAMLKeys.Setup(ctx); err != nil {
		return fmt.Errorf("set up the SAML keys: %w", err)
	}
	return nil
}

// away names what does not answer.
func (a *App) away(ctx context.Context) (names []string) {
	if err := a.DB.PingContext(ctx); err != nil {
		names = append(names, "database")
	}
	if err := a.redis.Ping(ctx); err != nil {
		names = append(names, "redis")
	}
	return names
}

// gauges are the figures of /metrics.
func (a *App) gauges(ctx context.Context) (map[string]float64, error) {
	backlog, err := outbox.Look(ctx, a.DB, a.Now())
	counts := a.Runner.Counts()
	walled, wallErr := store.Walled(ctx, a.DB)
	return map[string]float64{
		"work_pending": float64(backlog.Pending), "work_due": float64(backlog.Due), "work_dispatched": float64(backlog.Dispatched),
		"work_failed": float64(backlog.Failed), "worker_processed": float64(counts.Processed), "worker_failed": float64(counts.Failed),
		"worker_retried": float64(counts.Retried), "worker_running": float64(counts.Running),
		"row_level_security": map[bool]float64{true: 1}[walled],
	}, errors.Join(err, wallErr)
}

// daysLeft is how many days each organisation has to its next end.
func (a *App) daysLeft(ctx context.Context) (map[string]float64, error) {
	ends, err := a.Inventory.NextEnds(ctx)
	if err != nil {
		return nil, err
	}
	days, now := make(map[string]float64, len(ends)), a.Now()
	for cvr, end := range ends {
		days[cvr] = end.Sub(now).Hours() / 24
	}
	return days, nil
}

// Close closes what New opened.
func (a *App) Close() error {
	var errs []error
	if a.redis != nil {
		errs = append(errs, a.redis.Close())
	}
	if a.DB != nil {
		errs = append(errs, a.DB.Close())
	}
	if a.token != nil {
		errs = append(errs, a.token.Close())
	}
	return errors.Join(errs...)
}

// Serve answers HTTP at l until ctx ends, then lets requests finish for ten
// seconds.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	a.sweepSpool()
	server := &http.Server{
		Handler: a.Web, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(a.Web.EndStreams)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(end)
}

// sweepSpool removes uploads that a killed process left behind.
func (a *App) sweepSpool() {
	spool := filepath.Join(a.Config.Data, "uploads")
	entries, err := os.ReadDir(spool)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), "upload-") && a.Now().Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(spool, e.Name()))
		}
	}
}

// authorities reads those of the operator by which the inventory recognises
// certificates.
func (a *App) authorities(c config.Config) error {
	if c.Authorities == "" {
		return nil
	}
	content, err := os.ReadFile(c.Authorities)
	if err == nil {
		a.Inventory.Authorities, err = inventory.ReadAuthorities(content)
	}
	if err != nil {
		return &config.Error{Variable: "ADGANG_AUTHORITIES", Text: "cannot be used: " + err.Error()}
	}
	return nil
}
