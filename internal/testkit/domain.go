package testkit

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/cvr"
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
	"github.com/adgang/adgang/internal/usage"
	"github.com/adgang/adgang/jobs"
)

// BaseURL is where the domain under test believes to be.
const BaseURL = "https://adgang.example"

// Domain is every domain package wired on one database, without faces: no HTTP
// and no queue. It takes test data, mails go into a folder, and all runs by Clock.
type Domain struct {
	DB          *bun.DB
	Clock       *Clock
	Keys        *secret.Keys
	Org         *org.Service
	Audit       *audit.Service
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
	Cutover     *cutover.Service
	Roster      *roster.Service
	Rights      *entitlement.Service
	Review      *review.Service
	Revocation  *revocation.Service
	SAMLKeys    *samlkey.Service // without keys until Federate
	Feeds       *feed.Service
	Federation  *federation.Service
	LocalIdP    *localidp.Service
	Conformance *conformance.Service
	OpenID      *openid.Service
	Inventory   *inventory.Service
	Reminder    *reminder.Service
	SecureMail  *securemail.Service
	Operator    *operator.Service
	Onboarding  *onboarding.Service
	Mailbox     mail.Mailbox

	runner *jobs.Runner
}

// NewDomain wires the services and makes the authority. A second one on the same
// database is a second node of the installation, with a clock and a mail folder of
// its own.
func NewDomain(t testing.TB, db *bun.DB) *Domain {
	t.Helper()
	keys, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := &Domain{DB: db, Clock: NewClock(), Keys: keys, Mailbox: mail.Mailbox(filepath.Join(t.TempDir(), "mail"))}
	transport, err := mail.NewTransport("", string(d.Mailbox))
	if err != nil {
		t.Fatal(err)
	}
	now, log := d.Clock.Now, slog.New(slog.DiscardHandler)
	d.Audit = &audit.Service{DB: db, Keys: keys, Now: now, Log: log}
	d.CA = &ca.Service{
		DB: db, Keys: keys, Now: now, Log: log, Algorithm: pki.ECDSA, Name: "Adgang",
		Address: "http://adgang.example",
	}
	d.Mail = &mail.Service{DB: db, Keys: keys, Transport: transport, Now: now, Log: log, BaseURL: BaseURL, From: "Adgang <adgang@adgang.example>"}
	d.Setting = &setting.Service{DB: db, Now: now, Acts: approval.Names(), Kinds: mail.Kinds()}
	d.Approval = &approval.Service{DB: db, Mail: d.Mail, Setting: d.Setting, Now: now, Holders: org.Holders}
	d.Org = &org.Service{DB: db, Keys: keys, Mail: d.Mail, Approval: d.Approval, Now: now, TestData: true}
	d.Credential = &credential.Service{
		DB: db, Keys: keys, Approval: d.Approval, Org: d.Org, CA: d.CA, Mail: d.Mail, Now: now, Log: log, Origin: BaseURL, Algorithm: "P-256",
	}
	d.Enrolment = &enrolment.Service{DB: db, Keys: keys, Org: d.Org, CA: d.CA, Mail: d.Mail, Now: now, Log: log, Algorithm: "P-256"}
	d.Session = &session.Service{DB: db, Keys: keys, Now: now}
	d.Credential.Begin = d.Session.StartIn
	d.Rights = &entitlement.Service{DB: db, Mail: d.Mail, Now: now, Log: log, BaseURL: BaseURL}
	d.Attorney = &attorney.Service{DB: db, Org: d.Org, Mail: d.Mail, Now: now}
	d.Rights.Delegated, d.Rights.Delegates = d.Attorney.Delegated, d.Attorney.Delegates
	d.Cutover = &cutover.Service{
		DB: db, Keys: keys, Org: d.Org, Credential: d.Credential, Rights: d.Rights, Attorney: d.Attorney, Audit: d.Audit, Now: now, Log: log, TestData: true,
	}
	d.Roster = &roster.Service{DB: db, Keys: keys, Org: d.Org, Credential: d.Credential, Approval: d.Approval, Audit: d.Audit, Now: now, Log: log, TestData: true}
	d.Review = &review.Service{DB: db, Rights: d.Rights, Mail: d.Mail, Now: now, Log: log, BaseURL: BaseURL}
	d.SAMLKeys = &samlkey.Service{DB: db, Keys: keys, Now: now, Log: log, Mail: d.Mail, EntityID: BaseURL + "/saml/idp/metadata"}
	d.Feeds = &feed.Service{DB: db, Mail: d.Mail, Now: now, Log: log, PrivateHosts: true}
	d.Federation = &federation.Service{
		DB: db, Keys: keys, Org: d.Org, Rights: d.Rights, Approval: d.Approval, Session: d.Session, PrivateHosts: true, Now: now, Log: log, BaseURL: BaseURL, SAMLKeys: d.SAMLKeys,
		Feeds: d.Feeds,
	}
	d.LocalIdP = &localidp.Service{
		DB: db, Keys: keys, Org: d.Org, Session: d.Session, Federation: d.Federation, Now: now, Log: log, BaseURL: BaseURL,
		SAMLKeys: d.SAMLKeys, Feeds: d.Feeds, TestData: true,
	}
	d.Federation.Elsewhere = map[string]federation.Elsewhere{localidp.Part: d.LocalIdP.Elsewhere()}
	d.serveOthers(log)
	d.Feeds.Takers = map[string]feed.Taker{"service": d.Federation.Taker(), "idp": d.LocalIdP.Taker()}
	d.SAMLKeys.Partners = append(d.SAMLKeys.Partners, d.Federation.KeyPartners, d.LocalIdP.KeyPartners)
	d.Revocation = &revocation.Service{DB: db, CA: d.CA, Credential: d.Credential, Approval: d.Approval, Now: now}
	d.Approval.Routes = app.Acts(app.ActServices{Approval: d.Approval, Org: d.Org, Federation: d.Federation, Roster: d.Roster, Credential: d.Credential, Revocation: d.Revocation})
	d.Usage, d.Dossier = &usage.Service{DB: db, Org: d.Org, Now: now, Log: log}, &dossier.Service{DB: db, Org: d.Org, Now: now, Log: log}
	d.Org.Forget = d.Dossier.Forget
	d.Inventory = &inventory.Service{
		DB: db, CA: d.CA, Mail: d.Mail, Now: now,
		// The tests move the clock, which that of a database does not follow.
		Clock: func(context.Context, bun.IDB) (time.Time, error) { return now(), nil },
		Log:   log, BaseURL: BaseURL, PrivateHosts: true,
	}
	d.Reminder = &reminder.Service{DB: db, Keys: keys, CA: d.CA, Mail: d.Mail, Inventory: d.Inventory, Now: now, Log: log, BaseURL: BaseURL, PrivateHosts: true}
	d.Inventory.Partners = append(d.Inventory.Partners, d.Federation.EachMetadata, d.LocalIdP.EachMetadata)
	d.SecureMail = &securemail.Service{DB: db, Now: now}
	d.Operator = &operator.Service{DB: db, Keys: keys, Now: now, Log: log, BaseURL: BaseURL}
	d.Onboarding = &onboarding.Service{
		DB: db, Keys: keys, Register: cvr.Fictitious(), Org: d.Org, Credential: d.Credential, Setting: d.Setting, Mail: d.Mail,
		Now: now, Log: log, TestData: true,
	}
	if err := d.CA.Setup(t.Context()); err != nil {
		t.Fatalf("set up the authority: %v", err)
	}
	d.runner = jobs.New(jobs.Options{DB: db, Now: now, Log: log, Routes: jobs.Routes(jobs.Services{
		Org: d.Org, Mail: d.Mail, CA: d.CA, Credential: d.Credential, Enrolment: d.Enrolment, Session: d.Session,
		Federation: d.Federation, LocalIdP: d.LocalIdP, OpenID: d.OpenID, Conformance: d.Conformance, Cutover: d.Cutover, Inventory: d.Inventory, Reminder: d.Reminder, SecureMail: d.SecureMail, Onboarding: d.Onboarding, Operator: d.Operator, SAMLKeys: d.SAMLKeys, Feeds: d.Feeds,
		Rights: d.Rights, Approval: d.Approval, Roster: d.Roster, Usage: d.Usage, Revocation: d.Revocation,
	})})
	return d
}

// serveOthers builds what stands beside SAML on the federation.
func (d *Domain) serveOthers(log *slog.Logger) {
	d.OpenID = &openid.Service{
		DB: d.DB, Keys: d.Keys, Federation: d.Federation, SAMLKeys: d.SAMLKeys, PrivateHosts: true, Now: d.Clock.Now, Log: log, BaseURL: BaseURL,
	}
	d.OpenID.Join()
	d.Conformance = &conformance.Service{
		DB: d.DB, Keys: d.Keys, Org: d.Org, Federation: d.Federation, PrivateHosts: true, Now: d.Clock.Now, Log: log, BaseURL: BaseURL,
	}
}

// Drain does all work that is due and returns how many items that was.
func (d *Domain) Drain(t testing.TB) int {
	t.Helper()
	n, err := d.runner.Drain(t.Context())
	if err != nil {
		t.Fatalf("Drain: %v", err)
	}
	return n
}

// samlKeys are made once for all tests of a package: RSA keys take seconds.
var samlKeys struct {
	once sync.Once
	rows []samlkey.Key
}

// Federate gives the installation its SAML keys.
func (d *Domain) Federate(t testing.TB) {
	t.Helper()
	samlKeys.once.Do(func() {
		s := NewDomain(t, SQLite(t)).SAMLKeys
		if err := s.Setup(t.Context()); err != nil {
			t.Fatalf("set up SAML: %v", err)
		}
		if err := s.DB.NewSelect().Model(&samlKeys.rows).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	rows := slices.Clone(samlKeys.rows) // bun writes into what it inserts
	if _, err := d.DB.NewInsert().Model(&rows).Exec(t.Context()); err != nil {
		t.Fatalf("copy the SAML keys: %v", err)
	}
}

// Company is an organisation with its first administrator.
type Company struct {
	org.Organisation

	Admin      org.Employee
	Actor      access.Actor // the administrator, with both roles
	Invitation credential.Invitation
}

// Company founds an organisation; cvr need not pass modulus 11.
func (d *Domain) Company(t testing.TB, cvr string) Company {
	t.Helper()
	o, admin, invitation, err := d.Credential.Found(t.Context(), credential.Founding{
		CVR: cvr, Name: "Nordvind " + cvr, GivenName: "Åse", Surname: "Ørsted", Email: "aase@nordvind.example",
	})
	if err != nil {
		t.Fatalf("Found %s: %v", cvr, err)
	}
	by, err := org.ActorOf(t.Context(), d.DB, admin, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	return Company{Organisation: o, Admin: admin, Actor: by, Invitation: invitation}
}

// Employee adds a person of the given RID ("" = none) to an organisation.
func (d *Domain) Employee(t testing.TB, o org.Organisation, rid, name string) org.Employee {
	t.Helper()
	given, surname, _ := strings.Cut(name, " ")
	e := org.Employee{OrgID: o.ID, GivenName: given, Surname: surname, Email: strings.ToLower(rid) + "@nordvind.example"}
	if rid != "" {
		e.RID = &rid
	}
	e = d.Org.Prepare(e)
	err := store.InTx(t.Context(), d.DB, func(ctx context.Context, tx bun.Tx) error { return org.Add(ctx, tx, e) })
	if err != nil {
		t.Fatalf("insert employee %s: %v", name, err)
	}
	return e
}

// Invite orders a key file for e, with the activation mail.
func (d *Domain) Invite(t testing.TB, o org.Organisation, e org.Employee) credential.Invitation {
	t.Helper()
	var made []credential.Invitation
	err := store.InTx(t.Context(), d.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		made, err = d.Credential.Orders(ctx, tx, access.System(o.ID), o, []credential.Order{{Employee: e}}, true)
		return err
	})
	if err != nil || len(made) != 1 {
		t.Fatalf("Orders = %d invitations, %v", len(made), err)
	}
	return made[0]
}

// KeyFile is what an employee's browser holds after the activation.
type KeyFile struct {
	Key    crypto.Signer
	Serial string
	Leaf   []byte // DER
}

// Activate does what the browser does with an invitation: a new key on P-256, a
// request, the certificate.
func (d *Domain) Activate(t testing.TB, i credential.Invitation) KeyFile {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	request, err := pki.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := d.Credential.Activate(t.Context(), i.Token, i.Code, request, "192.0.2.7")
	if err != nil {
		t.Fatalf("Activate: %v", err)
	}
	return KeyFile{Key: key, Serial: string(issued.Certificate.Serial), Leaf: issued.Certificate.DER}
}

// Sign makes the signature of a login, and names its algorithm, as browsers do.
func (k KeyFile) Sign(t testing.TB, text string) (algorithm string, signature []byte) {
	t.Helper()
	digest := sha256.Sum256([]byte(text))
	switch key := k.Key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return pki.ES256, append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32})
		if err != nil {
			t.Fatal(err)
		}
		return pki.PS256, signature
	}
	t.Fatalf("key of type %T", k.Key)
	return "", nil
}

// Answer is the login that a key file makes of a challenge.
func (k KeyFile) Answer(t testing.TB, c credential.Challenge) credential.Login {
	t.Helper()
	algorithm, signature := k.Sign(t, c.Text)
	return credential.Login{
		Challenge: c.ID, Cookie: c.Cookie, Algorithm: algorithm, Leaf: k.Leaf, Signature: signature, Address: "192.0.2.7",
	}
}

// linkToken is the token of an activation link in a mail, or of one about a SAML key.
var linkToken = regexp.MustCompile(`/(?:activate|saml-key)#([A-Za-z0-9_-]{43})`)

// LinkToken is the token in the newest mail to an address.
func (d *Domain) LinkToken(t testing.TB, address string) string {
	t.Helper()
	token := linkIn(t, d.Mailbox, address)
	if token == "" {
		t.Fatalf("no mail with a link to %s", address)
	}
	return token
}

// linkIn is the link token in the newest mail to an address, "" without one.
func linkIn(t testing.TB, box mail.Mailbox, address string) string {
	t.Helper()
	mails, _, err := box.Mails("", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if found := linkToken.FindStringSubmatch(m.Body); found != nil && strings.Contains(m.To, "<"+address+">") {
			return found[1]
		}
	}
	return ""
}

// Contents is everything in a database: the rows of each table, sorted, their
// columns as raw text with a line break between. Two of them are equal when
// nothing has changed; a secret in clear is a substring. The audit's list of what
// is to be sealed is left out: it follows from the entries.
func Contents(t testing.TB, db *bun.DB) map[string][]string {
	t.Helper()
	catalogue := "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	if store.SQLite(db) {
		catalogue = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	}
	var tables []string
	if err := db.NewRaw(catalogue).Scan(t.Context(), &tables); err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]string, len(tables))
	for _, table := range tables {
		if table == "audit_lot" {
			continue
		}
		all[table] = rowsOf(t, db, table)
	}
	return all
}

func rowsOf(t testing.TB, db *bun.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM ?", bun.Ident(table))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(columns))
		for i, v := range values {
			if raw, ok := v.([]byte); ok {
				v = string(raw)
			}
			texts[i] = fmt.Sprint(v)
		}
		all = append(all, strings.Join(texts, "\n"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
