package reminder

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Snooze is a certificate of which nobody is reminded before a day.
type Snooze struct {
	bun.BaseModel `bun:"table:reminder_snooze,alias:z"`

	OrgID       access.OrgID `bun:"org_id,pk"`
	Certificate string       `bun:"certificate,pk"` // as in Sent
	Until       string       `bun:"until"`          // YYYY-MM-DD, the first day with reminders again
	Reason      string       `bun:"reason"`
	ByID        string       `bun:"by_id"`
	CreatedAt   time.Time    `bun:"created_at"`
}

const maxReason = 500

func snoozed(ctx context.Context, db bun.IDB, id access.OrgID, day time.Time) (map[string]bool, error) {
	var keys []string
	err := db.NewSelect().Model((*Snooze)(nil)).Column("certificate").Where("z.org_id = ?", id).
		Where("z.until > ?", day.In(copenhagen).Format(time.DateOnly)).Scan(ctx, &keys)
	all := make(map[string]bool, len(keys))
	for _, k := range keys {
		all[k] = true
	}
	return all, err
}

// key is how a certificate is written: that of the inventory by its ID, one issued
// here by its serial number.
func key(certificate string) string {
	if _, err := uuid.Parse(certificate); err == nil {
		return outsideKey + certificate
	}
	return certificate
}

// snoozeObject is what the log calls a certificate: as its own page looks for it.
func snoozeObject(certificate string) string {
	if k := key(certificate); strings.HasPrefix(k, outsideKey) {
		return k
	}
	return "certificate:" + certificate
}

// exists checks that a certificate is of the organisation.
func exists(ctx context.Context, tx bun.Tx, id access.OrgID, certificate string) error {
	table, column := "certificate", "serial"
	if _, err := uuid.Parse(certificate); err == nil {
		table, column = "inventory_certificate", "id"
	}
	n, err := tx.NewSelect().Table(table).Where("org_id = ?", id).Where("? = ?", bun.Ident(column), certificate).Count(ctx)
	if err == nil && n == 0 {
		err = fault.New(fault.Absent, "reminder.certificate.absent", "There is no such certificate here.")
	}
	return err
}

// SetSnooze keeps the reminders of a certificate back until a day, at most 180 days
// ahead; until "" ends that. The reason is kept. Errors: fault.Denied,
// fault.Absent, fault.Invalid.
func (s *Service) SetSnooze(ctx context.Context, by access.Actor, certificate, until, reason string) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	today := s.Now().In(copenhagen)
	if until != "" {
		day, err := time.ParseInLocation(time.DateOnly, until, copenhagen)
		if err != nil || !day.After(today) || day.After(today.AddDate(0, 0, 180)) {
			return fault.New(fault.Invalid, "reminder.snooze.until", "Choose a day from tomorrow to 180 days ahead, written YYYY-MM-DD.").On("until")
		}
		if n := utf8.RuneCountInString(reason); n == 0 || n > maxReason {
			return fault.New(fault.Invalid, "reminder.snooze.reason", "Write why, in 1 to %d characters: colleagues will ask.", maxReason).On("reason")
		}
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if err := exists(ctx, tx, by.OrgID, certificate); err != nil {
			return err
		}
		verb := "reminder.wake"
		if _, err := tx.NewDelete().Model((*Snooze)(nil)).Where("org_id = ?", by.OrgID).Where("certificate = ?", key(certificate)).Exec(ctx); err != nil {
			return err
		}
		if until != "" {
			verb = "reminder.snooze"
			z := Snooze{OrgID: by.OrgID, Certificate: key(certificate), Until: until, Reason: reason, ByID: by.ID, CreatedAt: store.Instant(s.Now())}
			if _, err := tx.NewInsert().Model(&z).Exec(ctx); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, snoozeObject(certificate), until))
	})
}

// Sent is a reminder on record.
type Sent struct {
	Certificate string // a serial number, or "inventory:ID"
	Name        string // of the certificate, "" for key files
	Days        int
	Receiver    string // "employee:ID", "mail:ADDRESS", "letter:ID" or "webhook"
	State       string
	NotAfter    time.Time
	CreatedAt   time.Time
	SettledAt   *time.Time
}

// Watch is what reminders know of one certificate.
type Watch struct {
	Snooze *Snooze // nil = awake
	Sent   []Sent  // newest first, at most 100
}

// Of returns the reminders of one certificate: an ID of the inventory, or a serial
// number issued here. Errors: fault.Denied.
func (s *Service) Of(ctx context.Context, by access.Actor, certificate string) (Watch, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return Watch{}, err
	}
	var w Watch
	var z []Snooze
	today := s.Now().In(copenhagen).Format(time.DateOnly)
	err := s.DB.NewSelect().Model(&z).Where("z.org_id = ?", by.OrgID).Where("z.certificate = ?", key(certificate)).Where("z.until > ?", today).Scan(ctx)
	if err != nil {
		return w, err
	}
	if len(z) > 0 {
		w.Snooze = &z[0]
	}
	w.Sent, _, err = s.list(ctx, by.OrgID, key(certificate), "", 100)
	return w, err
}

// Records returns a page of 50 of what was due to whom, newest first. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) Records(ctx context.Context, by access.Actor, cursor string) ([]Sent, string, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, "", err
	}
	return s.list(ctx, by.OrgID, "", cursor, 50)
}

func (s *Service) list(ctx context.Context, id access.OrgID, certificate, cursor string, limit int) ([]Sent, string, error) {
	after, err := store.ParseCursor(cursor, 3)
	if err != nil {
		return nil, "", err
	}
	var rows []due
	q := s.DB.NewSelect().Model(&rows).Where("d.org_id = ?", id)
	if certificate != "" {
		q.Where("d.certificate = ?", certificate)
	}
	if after != nil {
		at, err := time.Parse(time.RFC3339Nano, after[0])
		if err != nil {
			return nil, "", fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
		}
		q.Where("(d.created_at, d.certificate, d.receiver) < (?, ?, ?)", store.Instant(at), after[1], after[2])
	}
	if err := q.Order("d.created_at DESC", "d.certificate DESC", "d.receiver DESC").Limit(int64(limit) + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = store.Cursor(last.CreatedAt.UTC().Format(time.RFC3339Nano), last.Certificate, last.Receiver)
	}
	all := make([]Sent, len(rows))
	for i, d := range rows {
		all[i] = Sent{d.Certificate, d.Name, int(d.Days), d.Receiver, d.State, d.NotAfter, d.CreatedAt, d.SettledAt}
	}
	return all, next, nil
}
