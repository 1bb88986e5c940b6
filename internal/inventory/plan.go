package inventory

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	notice "github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

const (
	maxText   = 200   // characters of a name
	maxNote   = 2_000 // characters
	maxPlaces = 200   // of one certificate
)

// Care is who looks after a certificate, and what they intend.
type Care struct {
	Version      int64
	OwnerID      access.EmployeeID // "" = none
	ContactName  string            // of a contact who is no employee
	ContactEmail string
	ContactLang  string // da or en; "" = as it was
	ContactPost  string // where letters go, at most five lines; of one without an e-mail address
	SuccessorID  string // of the inventory, or a serial number issued here; "" = none
	RenewBy      string // YYYY-MM-DD or ""
	SwitchOn     string // YYYY-MM-DD or ""
	Note         string
	Retired      bool // it is not in use any more
	// Installed says of a certificate without places that its successor is in use
	// where it was; nil = as it was. Where places are listed, their ticks count.
	Installed *bool
}

// Change puts the care for a certificate in place of what was. Errors:
// fault.Denied, fault.Absent, fault.Invalid; fault.Conflict when somebody else has
// changed it since Version.
func (s *Service) Change(ctx context.Context, by access.Actor, id string, in Care) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	in, err := in.check()
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		if err := s.checkLinks(ctx, tx, by.OrgID, c, in); err != nil {
			return err
		}
		before := c.Plan
		c.OwnerID, c.ContactName, c.ContactEmail, c.SuccessorID = in.OwnerID, in.ContactName, in.ContactEmail, in.SuccessorID
		c.ContactPost = in.ContactPost
		c.RenewBy, c.SwitchOn, c.Note = in.RenewBy, in.SwitchOn, in.Note
		if err := s.state(&c, in); err != nil {
			return err
		}
		all, err := places(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		c.Plan = planOf(c, all)
		c.SearchKey = searchKey(c)
		res, err := tx.NewUpdate().Model(&c).
			Column("owner_id", "contact_name", "contact_email", "contact_lang", "contact_post", "successor_id", "installed_at", "renew_by", "switch_on", "note", "retired_at", "ended_at", "plan", "search_key").
			Set("version = version + 1").Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("version = ?", in.Version).Exec(ctx)
		if err := store.One(res, err, "inventory.certificate"); err != nil {
			return err
		}
		if before == PlanRetired && c.Plan != PlanRetired {
			if err := s.join(ctx, tx, by.OrgID); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.change", object(id), "serial "+c.Serial).Changed(before, c.Plan))
	})
}

// state sets what a change says of use and installation.
func (s *Service) state(c *Certificate, in Care) error {
	now := store.Instant(s.Now())
	switch {
	case !in.Retired:
		c.RetiredAt, c.EndedAt = nil, nil
	case c.RetiredAt == nil:
		c.RetiredAt = &now
	}
	c.ContactLang = firstOf(in.ContactLang, c.ContactLang)
	if in.Installed == nil {
		if c.SuccessorID == "" {
			c.InstalledAt = nil
		}
		return nil
	}
	if *in.Installed && c.SuccessorID == "" {
		return errEarly
	}
	switch {
	case !*in.Installed:
		c.InstalledAt = nil
	case c.InstalledAt == nil:
		c.InstalledAt = &now
	}
	return nil
}

var errEarly = fault.New(fault.Conflict, "inventory.place.early", "Say first which certificate comes after this one.")

func (in Care) check() (Care, error) {
	in.ContactName, in.Note = strings.Join(strings.Fields(in.ContactName), " "), strings.TrimSpace(in.Note)
	in.ContactEmail = strings.TrimSpace(in.ContactEmail)
	if err := checkContact(in.ContactName, in.ContactEmail); err != nil {
		return in, err
	}
	var err error
	if in.ContactPost, err = checkPost(in.ContactPost); err != nil {
		return in, err
	}
	if in.ContactLang != "" && in.ContactLang != notice.Danish && in.ContactLang != notice.English {
		return in, fault.New(fault.Invalid, "inventory.contact.lang", "Mails are written in da or en.").On("contact_lang")
	}
	if in.ContactName != "" && in.ContactEmail == "" && in.ContactPost == "" {
		return in, fault.New(fault.Invalid, "inventory.contact.email", "Write the e-mail address of the contact too, or where letters go: reminders are sent there.").On("contact_email")
	}
	if in.ContactPost != "" && (in.ContactName == "" || in.ContactEmail != "") {
		return in, fault.New(fault.Invalid, "inventory.contact.post", "A letter goes to a contact with a name and without an e-mail address.").On("contact_post")
	}
	if utf8.RuneCountInString(in.Note) > maxNote {
		return in, fault.New(fault.Invalid, "inventory.note.length", "Write at most %d characters here.", maxNote).On("note")
	}
	for field, day := range map[string]string{"renew_by": in.RenewBy, "switch_on": in.SwitchOn} {
		if day != "" {
			if _, err := parseDay(field, day); err != nil {
				return in, err
			}
		}
	}
	if in.RenewBy != "" && in.SwitchOn != "" && in.SwitchOn < in.RenewBy {
		return in, fault.New(fault.Invalid, "inventory.dates.order", "The day of the switch comes after the day by which the successor is there.").On("switch_on")
	}
	return in, nil
}

func checkContact(name, email string) error {
	if utf8.RuneCountInString(name) > maxText {
		return fault.New(fault.Invalid, "inventory.contact.length", "Write at most %d characters here.", maxText).On("contact_name")
	}
	if email == "" {
		return nil
	}
	if !form.Mail(email) {
		return fault.New(fault.Invalid, "inventory.contact.form", "This is no e-mail address. Write it as name@firm.dk.").On("contact_email")
	}
	return nil
}

// checkPost tidies a postal address: its lines without those that are empty.
func checkPost(post string) (string, error) {
	var lines []string
	for one := range strings.Lines(post) {
		if one = strings.Join(strings.Fields(one), " "); one != "" {
			lines = append(lines, one)
		}
	}
	if len(lines) > 5 || slices.ContainsFunc(lines, func(one string) bool { return utf8.RuneCountInString(one) > 60 }) {
		return "", fault.New(fault.Invalid, "inventory.contact.lines", "Write the address in at most five lines of 60 characters.").On("contact_post")
	}
	return strings.Join(lines, "\n"), nil
}

func parseDay(field, day string) (time.Time, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return at, fault.New(fault.Invalid, "inventory.day.form", "%q is not a day; it must be written YYYY-MM-DD.", day).On(field)
	}
	return at, nil
}

// checkLinks checks that owner and successor are of the organisation.
func (s *Service) checkLinks(ctx context.Context, tx bun.Tx, id access.OrgID, c Certificate, in Care) error {
	if in.OwnerID != "" && in.OwnerID != c.OwnerID {
		e, err := org.Get(ctx, tx, id, in.OwnerID)
		if err != nil || e.State != org.Active {
			return fault.New(fault.Invalid, "inventory.owner.unknown", "There is no active employee with that ID.").On("owner_id")
		}
	}
	if in.SuccessorID == "" || in.SuccessorID == c.SuccessorID {
		return nil
	}
	refuse := fault.New(fault.Invalid, "inventory.successor.unknown", "There is no such certificate here that ends later than this one.").On("successor_id")
	if in.SuccessorID == c.ID {
		return refuse
	}
	if _, err := uuid.Parse(in.SuccessorID); err == nil {
		next, err := get(ctx, tx, id, in.SuccessorID)
		if err != nil || !next.NotAfter.After(c.NotAfter) {
			return refuse
		}
		return nil
	}
	n, err := tx.NewSelect().Table("certificate").Where("org_id = ?", id).Where("serial = ?", in.SuccessorID).Where("state = 'issued'").
		Where("not_after > ?", c.NotAfter).Count(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return refuse
	}
	return nil
}

func (s *Service) successorName(ctx context.Context, c Certificate) (string, error) {
	if c.SuccessorID == "" {
		return "", nil
	}
	if _, err := uuid.Parse(c.SuccessorID); err == nil {
		next, err := get(ctx, s.DB, c.OrgID, c.SuccessorID)
		if fault.KindOf(err) == fault.Absent {
			return "", nil
		}
		return next.Name, err
	}
	return c.SuccessorID, nil
}

// AddPlace says that a certificate is installed somewhere. Errors: fault.Denied,
// fault.Absent, fault.Invalid, fault.Conflict.
func (s *Service) AddPlace(ctx context.Context, by access.Actor, id string, in Place) (Place, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Place{}, err
	}
	in.Name = strings.Join(strings.Fields(in.Name), " ")
	in.ContactName, in.ContactEmail = strings.Join(strings.Fields(in.ContactName), " "), strings.TrimSpace(in.ContactEmail)
	if n := utf8.RuneCountInString(in.Name); n == 0 || n > maxText {
		return Place{}, fault.New(fault.Invalid, "inventory.place.name", "Write where it is installed, in 1 to %d characters.", maxText).On("name")
	}
	if err := checkContact(in.ContactName, in.ContactEmail); err != nil {
		return Place{}, err
	}
	in.ID, in.OrgID, in.CertificateID, in.CreatedAt, in.InstalledAt = store.NewID(), by.OrgID, id, store.Instant(s.Now()), nil
	err := s.placing(ctx, by, id, "inventory.place_add", in.ID, func(ctx context.Context, tx bun.Tx, all []Place) error {
		if len(all) >= maxPlaces {
			return fault.New(fault.Conflict, "inventory.place.many", "A certificate has at most %d places.", maxPlaces)
		}
		n, err := store.Insert(ctx, tx, []Place{in}, "ON CONFLICT (org_id, certificate_id, name) DO NOTHING")
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "inventory.place.exists", "This place is on the list already.").On("name")
		}
		return err
	})
	return in, err
}

// Installed ticks a place, or takes the tick back. Errors: fault.Denied,
// fault.Absent; fault.Conflict while there is no successor.
func (s *Service) Installed(ctx context.Context, by access.Actor, id, place string, yes bool) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	verb := "inventory.place_untick"
	if yes {
		verb = "inventory.place_tick"
	}
	return s.placing(ctx, by, id, verb, place, func(ctx context.Context, tx bun.Tx, _ []Place) error {
		q := tx.NewUpdate().Model((*Place)(nil)).Where("org_id = ?", by.OrgID).Where("certificate_id = ?", id).Where("id = ?", place)
		if !yes {
			res, err := q.Set("installed_at = NULL").Where("installed_at IS NOT NULL").Exec(ctx)
			return store.One(res, err, "inventory.place")
		}
		c, err := get(ctx, tx, by.OrgID, id)
		if err == nil && c.SuccessorID == "" {
			err = errEarly
		}
		if err != nil {
			return err
		}
		res, err := q.Set("installed_at = ?", store.Instant(s.Now())).Where("installed_at IS NULL").Exec(ctx)
		return store.One(res, err, "inventory.place")
	})
}

// RemovePlace takes a place off the list. Errors: fault.Denied, fault.Absent.
func (s *Service) RemovePlace(ctx context.Context, by access.Actor, id, place string) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return s.placing(ctx, by, id, "inventory.place_remove", place, func(ctx context.Context, tx bun.Tx, _ []Place) error {
		_, err := tx.NewDelete().Model((*Place)(nil)).Where("org_id = ?", by.OrgID).Where("certificate_id = ?", id).Where("id = ?", place).Exec(ctx)
		return err
	})
}

// placing changes the places of a certificate, and its plan with them. place must
// exist, but for one that is being added.
func (s *Service) placing(ctx context.Context, by access.Actor, id, verb, place string, do func(context.Context, bun.Tx, []Place) error) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := get(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		all, err := places(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		known := verb == "inventory.place_add"
		for _, p := range all {
			known = known || p.ID == place
		}
		if !known {
			return fault.New(fault.Absent, "inventory.place.absent", "There is no such place on the list.")
		}
		if err := do(ctx, tx, all); err != nil {
			return err
		}
		if err := replan(ctx, tx, &c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, object(id), "place "+place))
	})
}
