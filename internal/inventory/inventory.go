// Package inventory knows every certificate that an organisation depends on,
// whoever issued it: who looks after each, where it is installed, what comes after
// it and when. It reads files and hosts, recognises the generations of OCES, and
// counts what ends when. Certificates that profiles got here are in it by
// themselves; employees' key files stay with ca, and forecasts count both.
package inventory

import (
	"context"
	"crypto/x509"
	"log/slog"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	CA   *ca.Service
	Mail *mail.Service
	Now  func() time.Time
	// Clock is the one by which campaigns close: that of the database, one for all
	// nodes (store.Time).
	Clock func(ctx context.Context, db bun.IDB) (time.Time, error)
	Log   *slog.Logger
	// BaseURL is where links in mails lead.
	BaseURL string
	// Partners hand the SAML metadata of each registered partner to visit.
	Partners []func(ctx context.Context, visit func(id string, org access.OrgID, name, metadata string) error) error
	// Authorities are known beside those that come with the program: of the operator.
	Authorities []*x509.Certificate
	// PrivateHosts allows scans of hosts in private networks, loopback included.
	PrivateHosts bool
}

// Plans: how far a certificate is on the way to its successor.
const (
	PlanOpen      = "open"      // nobody looks after it
	PlanPlanned   = "planned"   // it has an owner, a contact or a date
	PlanIssued    = "issued"    // its successor exists
	PlanInstalled = "installed" // and every place has it
	PlanRetired   = "retired"   // it is not in use any more
)

// Plans lists them in their order.
var Plans = []string{PlanOpen, PlanPlanned, PlanIssued, PlanInstalled, PlanRetired}

// Certificate is one that the organisation depends on.
type Certificate struct {
	bun.BaseModel `bun:"table:inventory_certificate,alias:c"`

	ID          string       `bun:"id,pk"`
	OrgID       access.OrgID `bun:"org_id"`
	Fingerprint string       `bun:"fingerprint"` // SHA-256 of DER, hex; "list:…" when only a list told of it
	DER         []byte       `bun:"der"`         // nil when only a list told of it
	Name        string       `bun:"name"`
	Subject     string       `bun:"subject"` // RFC 2253
	SubjectID   string       `bun:"subject_id"`
	CVR         string       `bun:"cvr"`
	Issuer      string       `bun:"issuer"`
	Serial      string       `bun:"serial"` // hex
	Email       string       `bun:"email"`
	Generation  string       `bun:"generation"`
	Kind        string       `bun:"kind"`
	Test        bool         `bun:"test"`
	SecureEmail bool         `bun:"secure_email"`
	Chain       string       `bun:"chain"`      // ToRoot, ToIssuer, "" = only its words are known
	Recognised  string       `bun:"recognised"` // by which roots and rules
	Partner     string       `bun:"partner"`    // service:ID or idp:ID whose metadata shows it, "" = none
	Source      string       `bun:"source"`     // upload, metadata, list, scan, issued
	ProfileID   string       `bun:"profile_id"` // of enrolment, of one that was issued here; "" = it was not
	NotBefore   time.Time    `bun:"not_before"`
	NotAfter    time.Time    `bun:"not_after"`
	Plan        string       `bun:"plan"`

	OwnerID      access.EmployeeID `bun:"owner_id"`
	ContactName  string            `bun:"contact_name"` // of a contact who is no employee
	ContactEmail string            `bun:"contact_email"`
	ContactLang  string            `bun:"contact_lang"` // da or en
	ContactPost  string            `bun:"contact_post"` // where letters go, lines; of one without an e-mail address
	SuccessorID  string            `bun:"successor_id"` // of the inventory, or a serial number issued here
	InstalledAt  *time.Time        `bun:"installed_at"` // without places: the successor, see Care
	RenewBy      string            `bun:"renew_by"`     // YYYY-MM-DD or ""
	SwitchOn     string            `bun:"switch_on"`    // YYYY-MM-DD or ""
	Note         string            `bun:"note"`
	SearchKey    string            `bun:"search_key"`
	Version      int64             `bun:"version"`
	CreatedAt    time.Time         `bun:"created_at"`
	RetiredAt    *time.Time        `bun:"retired_at"`
	EndedAt      *time.Time        `bun:"ended_at"` // by the closing of a campaign
}

// Place is where a certificate is installed.
type Place struct {
	bun.BaseModel `bun:"table:inventory_place,alias:p"`

	ID            string       `bun:"id,pk"`
	OrgID         access.OrgID `bun:"org_id"`
	CertificateID string       `bun:"certificate_id"`
	Name          string       `bun:"name"`
	ContactName   string       `bun:"contact_name"`
	ContactEmail  string       `bun:"contact_email"`
	InstalledAt   *time.Time   `bun:"installed_at"` // the successor, there
	CreatedAt     time.Time    `bun:"created_at"`
}

// Filter narrows the list; the zero Filter is everything, the next to end first.
type Filter struct {
	Q          string // any part of name, subject, issuer, serial number, e-mail, ID
	Generation string
	Kind       string
	Plan       string
	Until      string // ends on this day or before, YYYY-MM-DD
	Owner      string // ID of an employee; Nobody = neither an owner nor a contact
	Campaign   string // ID of a campaign that was started; those out of use are among its members
	Cursor     string
}

// Nobody is the Filter.Owner of what nobody looks after.
const Nobody = "nobody"

const (
	pageSize = 50
	maxQuery = 200 // characters
)

func object(id string) string { return "inventory:" + id }

// List returns a page of at most 50 without DER, and the cursor of the next one.
// Errors: fault.Denied, fault.Invalid.
func (s *Service) List(ctx context.Context, by access.Actor, f Filter) ([]Certificate, string, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, "", err
	}
	q, err := f.query(s.DB, by.OrgID)
	if err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(f.Cursor, 2)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		at, err := time.Parse(time.RFC3339Nano, after[0])
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
		q.Where("(c.not_after, c.id) > (?, ?)", store.Instant(at), after[1])
	}
	var page []Certificate
	if err := q.ExcludeColumn("der").Order("c.not_after", "c.id").Limit(pageSize+1).Scan(ctx, &page); err != nil {
		return nil, "", err
	}
	if len(page) <= pageSize {
		return page, "", nil
	}
	last := page[pageSize-1]
	return page[:pageSize], store.Cursor(last.NotAfter.UTC().Format(time.RFC3339Nano), last.ID), nil
}

func (f Filter) query(db bun.IDB, id access.OrgID) (*bun.SelectQuery, error) {
	q := db.NewSelect().Model((*Certificate)(nil)).Where("c.org_id = ?", id)
	if len([]rune(f.Q)) > maxQuery {
		return nil, fault.New(fault.Invalid, "inventory.search.form", "Search for at most %d letters and digits.", maxQuery).On("q")
	}
	for _, w := range words(f.Q) {
		q.Where(`c.search_key LIKE ? ESCAPE '\'`, "%"+escaped.Replace(w)+"%")
	}
	for column, want := range map[string]string{"generation": f.Generation, "kind": f.Kind} {
		if want != "" {
			q.Where("? = ?", bun.Ident("c."+column), want)
		}
	}
	switch f.Owner {
	case "":
	case Nobody:
		q.Where("c.owner_id = ''").Where("c.contact_email = ''").Where("c.contact_post = ''")
	default:
		q.Where("c.owner_id = ?", f.Owner)
	}
	if f.Campaign != "" {
		q.Where("EXISTS (SELECT 1 FROM inventory_member AS m WHERE m.org_id = c.org_id AND m.campaign_id = ? AND m.certificate_id = c.id)", f.Campaign)
	}
	switch {
	case f.Plan == "" && f.Campaign != "":
	case f.Plan == "":
		q.Where("c.plan <> ?", PlanRetired)
	case slices.Contains(Plans, f.Plan):
		q.Where("c.plan = ?", f.Plan)
	default:
		return nil, fault.New(fault.Invalid, "inventory.filter.plan", "There is no such state. The documentation at /api/docs lists them.").On("plan")
	}
	if f.Until != "" {
		day, err := parseDay("until", f.Until)
		if err != nil {
			return nil, err
		}
		q.Where("c.not_after < ?", store.Instant(day.AddDate(0, 0, 1)))
	}
	return q, nil
}

// Each hands every certificate of a filter to visit, in the order of the list and
// without DER. Errors: fault.Denied, fault.Invalid, and visit's.
func (s *Service) Each(ctx context.Context, by access.Actor, f Filter, visit func(Certificate) error) error {
	for {
		page, next, err := s.List(ctx, by, f)
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := visit(c); err != nil {
				return err
			}
		}
		if f.Cursor = next; next == "" {
			return nil
		}
	}
}

// View is a certificate with what belongs to it.
type View struct {
	Certificate
	Owner     *org.Employee // nil = none, or deleted
	Places    []Place
	Successor string           // name and last day of what comes after it, "" = none
	Path      []string         // the authorities up to which its signature was followed, the next one first
	Wants     []string         // what it lacks until its reminders end: Wants…
	Likely    []Certificate    // what might be its successor: same organisation and kind, and ends later
	Renewal   *enrolment.Order // of its successor here; nil = none
}

// Show returns one certificate. Errors: fault.Denied, fault.Absent.
func (s *Service) Show(ctx context.Context, by access.Actor, id string) (View, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return View{}, err
	}
	c, err := get(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return View{}, err
	}
	v := View{Certificate: c}
	if v.Places, err = places(ctx, s.DB, by.OrgID, id); err != nil {
		return View{}, err
	}
	if c.OwnerID != "" {
		if e, err := org.Get(ctx, s.DB, by.OrgID, c.OwnerID); err == nil && e.State != org.Deleted {
			v.Owner = &e
		}
	}
	if v.Successor, err = s.successorName(ctx, c); err != nil {
		return View{}, err
	}
	if v.Path, err = s.path(ctx, c); err != nil {
		return View{}, err
	}
	v.Wants = v.wants()
	if c.ProfileID != "" {
		if v.Renewal, err = enrolment.RenewalOf(ctx, s.DB, by.OrgID, c.ProfileID, c.Serial); err != nil {
			return View{}, err
		}
	}
	if c.SuccessorID == "" {
		err = s.DB.NewSelect().Model(&v.Likely).ExcludeColumn("der").Where("c.org_id = ?", by.OrgID).Where("c.cvr = ?", c.CVR).Where("c.kind = ?", c.Kind).
			Where("c.not_after > ?", c.NotAfter).Where("c.plan <> ?", PlanRetired).Order("c.not_after DESC", "c.id").Limit(10).Scan(ctx)
	}
	return v, err
}

func get(ctx context.Context, db bun.IDB, id access.OrgID, certificate string) (Certificate, error) {
	var c Certificate
	err := db.NewSelect().Model(&c).Where("c.org_id = ?", id).Where("c.id = ?", certificate).Scan(ctx)
	return c, store.Found(err, "inventory.certificate")
}

func places(ctx context.Context, db bun.IDB, id access.OrgID, certificate string) ([]Place, error) {
	var all []Place
	err := db.NewSelect().Model(&all).Where("p.org_id = ?", id).Where("p.certificate_id = ?", certificate).Order("p.name", "p.id").Scan(ctx)
	return all, err
}

// DER returns the certificate itself. Errors: fault.Denied; fault.Absent, also for
// one that only a list told of.
func (s *Service) DER(ctx context.Context, by access.Actor, id string) ([]byte, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, err
	}
	c, err := get(ctx, s.DB, by.OrgID, id)
	if err == nil && c.DER == nil {
		err = fault.New(fault.Absent, "inventory.certificate.listed", "Only a list told of this certificate. Upload the certificate itself to be able to get it here.")
	}
	return c.DER, err
}

// Delete takes a certificate out of the inventory, with its places. Those it was
// the successor of lose it. Errors: fault.Denied, fault.Absent; fault.Conflict for
// one that was issued here, which is revoked instead.
func (s *Service) Delete(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if c.ProfileID != "" {
			return fault.New(fault.Conflict, "inventory.certificate.issued", "This certificate was issued here and stays on the list. Say that it is out of use, or revoke it.")
		}
		if _, err := tx.NewDelete().Model((*Place)(nil)).Where("org_id = ?", by.OrgID).Where("certificate_id = ?", id).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Table("inventory_host").Set("certificate_id = ''").Where("org_id = ?", by.OrgID).Where("certificate_id = ?", id).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*Certificate)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
		if err := orphan(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.delete", object(id), "serial "+c.Serial))
	})
}

// orphan takes a successor away from those that had it, with every word of its
// being installed.
func orphan(ctx context.Context, tx bun.Tx, id access.OrgID, successor string) error {
	var before []Certificate
	if err := tx.NewSelect().Model(&before).ExcludeColumn("der").Where("c.org_id = ?", id).Where("c.successor_id = ?", successor).Scan(ctx); err != nil {
		return err
	}
	for _, b := range before {
		if _, err := tx.NewUpdate().Model((*Place)(nil)).Set("installed_at = NULL").Where("org_id = ?", id).Where("certificate_id = ?", b.ID).Exec(ctx); err != nil {
			return err
		}
		b.SuccessorID, b.InstalledAt = "", nil
		if err := replan(ctx, tx, &b); err != nil {
			return err
		}
	}
	return nil
}

// replan writes the successor of a certificate and the plan that follows from it.
func replan(ctx context.Context, tx bun.Tx, c *Certificate) error {
	all, err := places(ctx, tx, c.OrgID, c.ID)
	if err != nil {
		return err
	}
	c.Plan = planOf(*c, all)
	res, err := tx.NewUpdate().Model(c).Column("successor_id", "installed_at", "plan").Set("version = version + 1").Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).
		Where("version = ?", c.Version).Exec(ctx)
	if n, err := store.Count(res, err); err != nil || n == 0 {
		if err == nil { // whoever was first, a closing perhaps, must not be overwritten
			err = fault.New(fault.Unavailable, "inventory.certificate.busy", "Somebody else is changing this certificate. Try again.")
		}
		return err
	}
	c.Version++
	return nil
}

func planOf(c Certificate, all []Place) string {
	waiting := slices.ContainsFunc(all, func(p Place) bool { return p.InstalledAt == nil })
	switch {
	case c.RetiredAt != nil:
		return PlanRetired
	case c.SuccessorID != "" && !waiting && (len(all) > 0 || c.InstalledAt != nil):
		return PlanInstalled
	case c.SuccessorID != "":
		return PlanIssued
	case c.OwnerID != "" || c.ContactEmail != "" || c.ContactPost != "" || c.RenewBy != "":
		return PlanPlanned
	}
	return PlanOpen
}

// Things that a certificate wants before nobody needs to be reminded of it.
const (
	WantsCare      = "care"      // an owner or a contact
	WantsSuccessor = "successor" // what comes after it
	WantsPlaces    = "places"    // where it is, or the word that the successor is in use
	WantsInstalled = "installed" // a tick at each place
)

// wants is what a certificate still lacks, in the order in which it is done.
func (v View) wants() (all []string) {
	if v.Plan == PlanInstalled || v.Plan == PlanRetired {
		return nil
	}
	if v.OwnerID == "" && v.ContactEmail == "" && v.ContactPost == "" {
		all = append(all, WantsCare)
	}
	if v.SuccessorID == "" {
		all = append(all, WantsSuccessor)
	}
	if len(v.Places) == 0 {
		return append(all, WantsPlaces)
	}
	return append(all, WantsInstalled)
}

// own are the authorities of this installation, for Recognise.
func (s *Service) own(ctx context.Context) ([]*x509.Certificate, error) {
	chain, err := s.CA.Chain(ctx)
	return authorities(chain), err
}

// issuers are the authorities that an organisation has in its inventory, and those
// among what was found.
func (s *Service) issuers(ctx context.Context, id access.OrgID, all []found) ([]*x509.Certificate, error) {
	var ders [][]byte
	err := s.DB.NewSelect().Model((*Certificate)(nil)).Column("der").Where("c.org_id = ?", id).Where("c.kind = ?", OfAuthority).Where("c.der IS NOT NULL").
		Order("c.not_after DESC", "c.id").Limit(200).Scan(ctx, &ders)
	known := authorities(ders)
	for _, f := range all {
		if f.parsed != nil && f.parsed.IsCA {
			known = append(known, f.parsed)
		}
	}
	return known, err
}

// Expiring returns certificates of all organisations that are in use and end in
// [from, to) without a successor that is installed everywhere, the first to end
// first, without DER, and the cursor of the next page.
func Expiring(ctx context.Context, db bun.IDB, from, to time.Time, cursor string, limit int) (page []Certificate, next string, err error) {
	return expiring(ctx, db.NewSelect(), from, to, cursor, limit)
}

// ExpiringIn is Expiring of one organisation.
func ExpiringIn(ctx context.Context, db bun.IDB, id access.OrgID, from, to time.Time, cursor string, limit int) (page []Certificate, next string, err error) {
	return expiring(ctx, db.NewSelect().Where("c.org_id = ?", id), from, to, cursor, limit)
}

func expiring(ctx context.Context, q *bun.SelectQuery, from, to time.Time, cursor string, limit int) (page []Certificate, next string, err error) {
	q.Model(&page).ExcludeColumn("der").Where("c.plan NOT IN (?, ?)", PlanInstalled, PlanRetired).Where("c.kind <> ?", OfAuthority).
		Where("c.not_after >= ?", store.Instant(from)).Where("c.not_after < ?", store.Instant(to))
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		at, err := time.Parse(time.RFC3339Nano, after[0])
		if err != nil {
			return nil, "", err
		}
		q.Where("(c.not_after, c.id) > (?, ?)", store.Instant(at), after[1])
	}
	if err := q.Order("c.not_after", "c.id").Limit(int64(limit) + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	if len(page) <= limit {
		return page, "", nil
	}
	last := page[limit-1]
	return page[:limit], store.Cursor(last.NotAfter.UTC().Format(time.RFC3339Nano), last.ID), nil
}

// InNeed tells which of some certificates still want a successor everywhere.
func InNeed(ctx context.Context, db bun.IDB, id access.OrgID, ids []string) (map[string]bool, error) {
	need := map[string]bool{}
	if len(ids) == 0 {
		return need, nil
	}
	var all []string
	err := db.NewSelect().Model((*Certificate)(nil)).Column("id").Where("c.org_id = ?", id).Where("c.id IN (?)", bun.List(ids)).
		Where("c.plan NOT IN (?, ?)", PlanInstalled, PlanRetired).Scan(ctx, &all)
	for _, one := range all {
		need[one] = true
	}
	return need, err
}
