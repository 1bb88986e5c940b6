// Package reminder sees to it that nobody is surprised by the end of a certificate,
// and that nobody is told twice. A daily sweep finds what is due to whom; a row per
// certificate, rule and receiver is the truth about it. Sending takes the rows of a
// receiver from due to queued in the transaction that queues the mail.
package reminder

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	CA   *ca.Service
	Mail *mail.Service
	// Inventory adopts certificates of profiles that it lacks, before a sweep.
	Inventory *inventory.Service
	Now       func() time.Time
	Log       *slog.Logger
	// BaseURL is where links in mails and calendars lead.
	BaseURL string
	// ClosesAt is when central keys of old secure mail are gone; nil = never.
	ClosesAt *time.Time
	// PrivateHosts allows webhooks to private networks, loopback included.
	PrivateHosts bool
}

// Day is the payload of a sweep: a date, YYYY-MM-DD. It is not the clock's, so
// that a sweep which runs late, or again, finds the same.
type Day struct {
	Day string `json:"day"`
}

// SweepKind is the daily work of Sweep.
var SweepKind = outbox.NewKind[Day]("reminder.sweep")

// States of what is due.
const (
	Due    = "due"
	Queued = "queued" // sent, or on its way
	Passed = "passed" // a later rule of the same certificate was due before this one went out
	Needed = "needless"
)

// due is one reminder of one certificate to one receiver.
type due struct {
	bun.BaseModel `bun:"table:reminder_due,alias:d"`

	OrgID       access.OrgID `bun:"org_id,pk"`
	Certificate string       `bun:"certificate,pk"`
	Days        int64        `bun:"days,pk"`
	Receiver    string       `bun:"receiver,pk"`
	NotAfter    time.Time    `bun:"not_after"`
	Name        string       `bun:"name"`
	State       string       `bun:"state"`
	CreatedAt   time.Time    `bun:"created_at"`
	SettledAt   *time.Time   `bun:"settled_at"`
}

// Receivers are "employee:ID", "mail:ADDRESS", "letter:ID" of the certificate whose
// contact has no e-mail, or webhook.
const (
	toEmployee = "employee:"
	toAddress  = "mail:"
	toPost     = "letter:"
	webhook    = "webhook"
)

// outsideKey is how certificates of the inventory are written beside serial numbers.
const outsideKey = "inventory:"

// pageSize is how many certificates a sweep reads at a time.
const pageSize = 200

// The longest that rules look ahead, and back.
const (
	mostAhead = 365 // days
	mostBack  = 30 + stale
)

// Sweep finds what is due on a day, once for each certificate, rule and receiver,
// however often and wherever it runs. Of the rules that have come the last one
// counts, so that days without a sweep end in one reminder and not in several. At
// its end it asks for sending wherever something is due, also what an earlier sweep
// or a given-up sending left.
// Errors: fault.Invalid for a day that is none.
func (s *Service) Sweep(ctx context.Context, d Day) error {
	day, err := time.ParseInLocation(time.DateOnly, d.Day, copenhagen)
	if err != nil {
		return fault.New(fault.Invalid, "reminder.day.form", "%q is not a day; it must be written YYYY-MM-DD.", d.Day).Because(err)
	}
	if err := s.Inventory.AdoptAll(ctx); err != nil {
		return err
	}
	if err := s.Inventory.RemindOrders(ctx, d.Day); err != nil {
		return err
	}
	found := 0
	from := day.AddDate(0, 0, -mostBack)
	w := sweep{Service: s, day: day, rules: map[access.OrgID]Rules{}, holders: map[access.OrgID]map[access.Right][]string{}}
	for cursor := ""; ; {
		page, next, err := s.CA.ExpiringBetween(ctx, from, day.AddDate(0, 0, mostAhead+1), cursor, pageSize)
		if err != nil {
			return err
		}
		n, err := w.find(ctx, ofHolders(page))
		if err != nil {
			return fmt.Errorf("find reminders of key files: %w", err)
		}
		found += n
		if cursor = next; cursor == "" {
			break
		}
	}
	for cursor := ""; ; {
		page, next, err := inventory.Expiring(ctx, s.DB, from, day.AddDate(0, 0, mostAhead+1), cursor, pageSize)
		if err != nil {
			return err
		}
		n, err := w.find(ctx, ofContacts(page))
		if err != nil {
			return fmt.Errorf("find reminders of certificates: %w", err)
		}
		found += n
		if cursor = next; cursor == "" {
			break
		}
	}
	n, err := w.findLosers(ctx)
	if err != nil {
		return fmt.Errorf("find reminders of old mail: %w", err)
	}
	found += n
	s.Log.InfoContext(ctx, "reminders found", "day", d.Day, "due", found)
	return w.ask(ctx)
}

// ask adds the work that sends, once for each organisation with something due: after
// the last page, so that all of a day is there when it is counted for digests.
func (w *sweep) ask(ctx context.Context) error {
	var all []access.OrgID
	if err := w.DB.NewSelect().Model((*due)(nil)).Distinct().Column("org_id").Where("d.state = ?", Due).Order("org_id").Scan(ctx, &all); err != nil {
		return err
	}
	for _, id := range all {
		rules, err := w.rulesOf(ctx, id)
		if err != nil {
			return err
		}
		err = store.InTx(ctx, w.DB, func(ctx context.Context, tx bun.Tx) error {
			return SendKind.Add(ctx, tx, id, Send{Org: id}, rules.Open(w.Now()))
		})
		if err != nil {
			return fmt.Errorf("ask for sending in organisation %s: %w", id, err)
		}
	}
	return nil
}

// ending is a certificate that ends, and who looks after it.
type ending struct {
	org       access.OrgID
	key, name string
	notAfter  time.Time
	createdAt time.Time
	holder    access.EmployeeID // of a key file
	owner     access.EmployeeID
	contact   string // address
	post      string // ID of the certificate whose contact gets letters
}

func ofHolders(page []ca.Certificate) []ending {
	all := make([]ending, 0, len(page))
	for _, c := range page {
		if c.EmployeeID != "" {
			all = append(all, ending{org: c.OrgID, key: string(c.Serial), notAfter: c.NotAfter, createdAt: c.CreatedAt, holder: c.EmployeeID})
		}
	}
	return all
}

func ofContacts(page []inventory.Certificate) []ending {
	all := make([]ending, len(page))
	for i, c := range page {
		all[i] = ending{
			org: c.OrgID, key: outsideKey + c.ID, name: c.Name, notAfter: c.NotAfter, createdAt: c.CreatedAt, owner: c.OwnerID, contact: c.ContactEmail,
		}
		if c.ContactPost != "" {
			all[i].post = c.ID
		}
	}
	return all
}

// sweep is one run, with what it has read.
type sweep struct {
	*Service
	day     time.Time
	rules   map[access.OrgID]Rules
	holders map[access.OrgID]map[access.Right][]string
}

// find records what is due of a page of certificates, each organisation's in one
// transaction.
func (w *sweep) find(ctx context.Context, page []ending) (found int, err error) {
	byOrg := map[access.OrgID][]ending{}
	var order []access.OrgID
	for _, e := range page {
		if _, known := byOrg[e.org]; !known {
			order = append(order, e.org)
		}
		byOrg[e.org] = append(byOrg[e.org], e)
	}
	for _, id := range order {
		n, err := w.findIn(ctx, id, byOrg[id])
		if err != nil {
			return found, fmt.Errorf("organisation %s: %w", id, err)
		}
		found += n
	}
	return found, nil
}

func (w *sweep) rulesOf(ctx context.Context, id access.OrgID) (Rules, error) {
	if known, ok := w.rules[id]; ok {
		return known, nil
	}
	row, err := rowOf(ctx, w.DB, id)
	if err == nil {
		w.rules[id] = row.rules()
	}
	return w.rules[id], err
}

func (w *sweep) findIn(ctx context.Context, id access.OrgID, all []ending) (found int, err error) {
	rules, err := w.rulesOf(ctx, id)
	if err != nil {
		return 0, err
	}
	err = store.InTx(ctx, w.DB, func(ctx context.Context, tx bun.Tx) error {
		found = 0
		asleep, err := snoozed(ctx, tx, id, w.day)
		if err != nil {
			return err
		}
		now := store.Instant(w.Now())
		var rows []due
		for _, e := range all {
			if asleep[e.key] {
				continue
			}
			days := rules.Days
			if e.holder != "" {
				days = rules.KeyFileDays
			}
			left := daysBetween(w.day, e.notAfter)
			rule, ok := nearest(days, left)
			if !ok || left < 0 && e.createdAt.After(e.notAfter) {
				continue // not yet; or it had ended before anybody told of it
			}
			receivers, err := w.receivers(ctx, tx, rules, rule, e)
			if err != nil {
				return err
			}
			for _, to := range receivers {
				rows = append(rows, due{
					OrgID: id, Certificate: e.key, Days: int64(rule), Receiver: to, NotAfter: e.notAfter, Name: e.name, State: Due, CreatedAt: now,
				})
			}
		}
		if len(rows) == 0 {
			return nil
		}
		n, err := store.Insert(ctx, tx, rows, "ON CONFLICT (org_id, certificate, days, receiver) DO NOTHING")
		found = int(n)
		return err
	})
	return found, err
}

// receivers are who hears of a certificate under a rule: its holder, owner or
// contact, and the nearer the end the more of the administrators.
func (w *sweep) receivers(ctx context.Context, tx bun.Tx, rules Rules, rule int, e ending) ([]string, error) {
	var all []string
	add := func(to string) {
		for _, known := range all {
			if known == to {
				return
			}
		}
		all = append(all, to)
	}
	if own := e.holder + e.owner; own != "" {
		person, err := org.Get(ctx, tx, e.org, own)
		switch {
		case fault.KindOf(err) == fault.Absent:
		case err != nil:
			return nil, err
		case person.State == org.Active:
			add(toEmployee + string(own))
		case e.holder != "":
			return nil, nil // who cannot log in needs no key file
		}
	}
	if len(all) == 0 && e.contact != "" {
		add(toAddress + e.contact)
	}
	if len(all) == 0 && e.post != "" {
		add(toPost + e.post)
	}
	usersFrom, adminsFrom := rules.UsersFrom, rules.AdminsFrom
	if e.holder != "" {
		usersFrom, adminsFrom = *rules.KeyFileUsersFrom, *rules.KeyFileAdminsFrom
	}
	for _, level := range []struct {
		right access.Right
		hears bool
	}{
		{access.OrderCertificate, rule <= usersFrom || len(all) == 0},
		{access.ChangeSettings, rule <= adminsFrom},
	} {
		if !level.hears {
			continue
		}
		holders, err := w.holding(ctx, tx, e.org, level.right)
		if err != nil {
			return nil, err
		}
		for _, to := range holders {
			add(to)
		}
	}
	if rules.WebhookURL != "" {
		add(webhook)
	}
	return all, nil
}

func (w *sweep) holding(ctx context.Context, tx bun.Tx, id access.OrgID, right access.Right) ([]string, error) {
	if known, ok := w.holders[id][right]; ok {
		return known, nil
	}
	people, err := org.Holders(ctx, tx, id, right)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(people))
	for i, p := range people {
		all[i] = toEmployee + string(p.ID)
	}
	if w.holders[id] == nil {
		w.holders[id] = map[access.Right][]string{}
	}
	w.holders[id][right] = all
	return all, nil
}

// daysBetween is how many days of Denmark lie between a day and that of an instant.
func daysBetween(day, at time.Time) int {
	at = at.In(copenhagen)
	from := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	to := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	return int(to.Sub(from) / (24 * time.Hour))
}
