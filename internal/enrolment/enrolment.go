// Package enrolment is how an organisation gets the certificates that are not of
// its people: its own, those of its systems and those of its mailboxes. It keeps
// the profiles, takes orders for them, hands out one-time codes, turns requests
// into certificates, lets machines renew by EST, and says who may use a seal.
package enrolment

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	Org  *org.Service
	CA   *ca.Service
	Mail *mail.Service
	Now  func() time.Time
	Log  *slog.Logger
	// Algorithm of keys that a browser makes: P-256 or RSA-3072.
	Algorithm string
}

// Purposes of keyed hashes.
const (
	tokenPurpose secret.Purpose = "enrolment.link" //nolint:gosec // the name of a purpose, no credential
	codePurpose  secret.Purpose = "enrolment.code"
	emailPurpose secret.Purpose = "enrolment.email"
)

// Expire ends orders that nobody used.
var Expire = outbox.NewKind[struct{}]("enrolment.expire_orders")

// Ref names a certificate of a profile.
type Ref struct {
	Org    access.OrgID `json:"org"`
	Serial string       `json:"serial"`
}

// Changed tells that a certificate of a profile was issued.
var Changed = outbox.NewKind[Ref]("enrolment.tell_change")

// OrderDays is how long an order can be used.
const OrderDays = 30

// MaxTries is how many wrong one-time codes lock an order.
const MaxTries = 5

// ExpiringDays is from when a certificate is called expiring: so many days before
// its end.
const ExpiringDays = 60

// Profile is what all certificates of one holder have in common. Its ID is the UUID
// in them: a renewal keeps it, a new profile has a new one.
type Profile struct {
	bun.BaseModel `bun:"table:certificate_profile"`

	ID               string       `bun:"id,pk"`
	OrgID            access.OrgID `bun:"org_id"`
	Kind             pki.Profile  `bun:"kind"`
	Name             string       `bun:"name"`
	SortKey          string       `bun:"sort_key"`
	Email            string       `bun:"email"` // in the certificate, "" for none
	EmailMAC         []byte       `bun:"email_mac"`
	EmailConfirmedAt *time.Time   `bun:"email_confirmed_at"`
	ContactName      string       `bun:"contact_name"`
	ContactEmail     string       `bun:"contact_email"`
	ContactLang      string       `bun:"contact_lang"`
	ListedAddress    string       `bun:"listed_address"` // in the public directory, "" for not
	Seal             bool         `bun:"seal"`
	Role             access.Role  `bun:"role"` // of a system at the API, "" for none
	CreatedAt        time.Time    `bun:"created_at"`
}

// The states of an order.
const (
	Waiting   = "waiting" // for the e-mail address to be confirmed
	Ready     = "ready"
	Issued    = "issued"
	Cancelled = "cancelled"
	Locked    = "locked"
	Expired   = "expired"
)

// How a certificate is fetched.
const (
	ByUpload = "upload" // an administrator hands in a request
	ByCode   = "code"   // the contact person does, with link and one-time code
	ByEST    = "est"    // the machine renewed by itself
)

// Order asks for one certificate of a profile.
type Order struct {
	bun.BaseModel `bun:"table:certificate_order"`

	ID        string       `bun:"id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	ProfileID string       `bun:"profile_id"`
	State     string       `bun:"state"`
	Method    string       `bun:"method"`
	Renews    string       `bun:"renews"` // serial number, "" for the first
	TokenMAC  []byte       `bun:"token_mac"`
	CodeMAC   []byte       `bun:"code_mac"`
	Tries     int64        `bun:"tries"` // wrong codes so far
	Serial    *string      `bun:"serial"`
	CreatedAt time.Time    `bun:"created_at"`
	ExpiresAt time.Time    `bun:"expires_at"`
	IssuedAt  *time.Time   `bun:"issued_at"`

	RenewBy    string     `bun:"renew_by"`    // of a plan: YYYY-MM-DD, else ""
	RemindedAt *time.Time `bun:"reminded_at"` // that it had not come by then
}

func (p Profile) object() string { return "certificate_profile:" + p.ID }
func (o Order) object() string   { return "certificate_order:" + o.ID }

// profile reads one of the organisation. Errors: fault.Absent.
func profile(ctx context.Context, db bun.IDB, orgID access.OrgID, id string) (Profile, error) {
	var p Profile
	err := db.NewSelect().Model(&p).Where("org_id = ?", orgID).Where("id = ?", id).Scan(ctx)
	return p, store.Found(err, "enrolment.profile")
}

// ProfileOf reads the profile of a certificate. Errors: fault.Absent.
func ProfileOf(ctx context.Context, db bun.IDB, c ca.Certificate) (Profile, error) {
	return profile(ctx, db, c.OrgID, string(c.EmployeeID))
}

// ByMachine tells which certificates of a profile a machine fetched by itself, by
// serial number.
func ByMachine(ctx context.Context, db bun.IDB, orgID access.OrgID, profileID string) (map[string]bool, error) {
	var serials []string
	err := db.NewSelect().Model((*Order)(nil)).Column("serial").Where("org_id = ?", orgID).Where("profile_id = ?", profileID).
		Where("method = ?", ByEST).Where("serial IS NOT NULL").Scan(ctx, &serials)
	all := make(map[string]bool, len(serials))
	for _, one := range serials {
		all[one] = true
	}
	return all, err
}

// order reads one of the organisation. Errors: fault.Absent.
func order(ctx context.Context, db bun.IDB, orgID access.OrgID, id string) (Order, error) {
	var o Order
	err := db.NewSelect().Model(&o).Where("org_id = ?", orgID).Where("id = ?", id).Scan(ctx)
	return o, store.Found(err, "enrolment.order")
}

// ExpireOrders ends the orders that ran out, on any node and any number of times.
// The renewal of a machine can be asked for as long as its certificate counts.
func (s *Service) ExpireOrders(ctx context.Context) error {
	now := store.Instant(s.Now())
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var over []Order
		if err := tx.NewUpdate().Model(&over).Set("state = ?", Expired).
			Where("expires_at <= ?", now).Where("state IN (?, ?)", Waiting, Ready).
			Where("(method <> ? OR NOT EXISTS (SELECT 1 FROM certificate AS k WHERE k.org_id = ?TableAlias.org_id AND k.serial = ?TableAlias.renews AND k.not_after > ?))", ByEST, now).
			Returning("id, org_id").Scan(ctx); err != nil {
			return err
		}
		var entries []audit.Entry
		for _, o := range over {
			entries = append(entries, audit.By(access.System(o.OrgID), now, "certificate_order.expire", o.object(), ""))
		}
		return audit.Record(ctx, tx, entries...)
	})
}
