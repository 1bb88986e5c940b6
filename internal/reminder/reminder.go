// Package reminder decides which reminder is due to whom, and sends none twice.
// So far there is one rule: the holder of a key file hears of its end 30 days
// before.
package reminder

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	CA   *ca.Service
	Mail *mail.Service
	Now  func() time.Time
	Log  *slog.Logger
}

// Day is the payload of a sweep: a date of UTC, YYYY-MM-DD. It is not the clock's,
// so that a sweep which runs late, or again, makes the same mails.
type Day struct {
	Day string `json:"day"`
}

// SweepKind is the daily work of Sweep.
var SweepKind = outbox.NewKind[Day]("reminder.sweep")

// The rule: its name on record, and how many days ahead it warns.
const (
	ruleExpiry = "expiry_30"
	daysAhead  = 30
)

// pageSize is how many certificates a sweep reads at a time.
const pageSize = 200

// reminded says that a reminder was queued; whoever inserts the row queues it.
type reminded struct {
	bun.BaseModel `bun:"table:reminder"`

	Serial    string       `bun:"serial,pk"`
	Rule      string       `bun:"rule,pk"`
	Receiver  string       `bun:"receiver,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	CreatedAt time.Time    `bun:"created_at"`
}

// Sweep mails the holders of key files that end within 30 days of the day, once
// for each key file, however often and wherever it runs. It looks at the whole
// span, so that days without a sweep are made up for. People who are not active
// get nothing, nor do those who have a newer key file. Errors: fault.Invalid for a
// day that is none.
func (s *Service) Sweep(ctx context.Context, d Day) error {
	day, err := time.Parse(time.DateOnly, d.Day)
	if err != nil {
		return fault.New(fault.Invalid, "reminder.day.form", "%q is not a day; it must be written YYYY-MM-DD.", d.Day).Because(err)
	}
	queued := 0
	for cursor := ""; ; {
		page, next, err := s.CA.ExpiringBetween(ctx, day, day.AddDate(0, 0, daysAhead+1), cursor, pageSize)
		if err != nil {
			return err
		}
		for _, c := range page {
			sent, err := s.remind(ctx, day, c)
			if err != nil {
				return fmt.Errorf("remind of certificate %s: %w", c.Serial, err)
			}
			if sent {
				queued++
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	s.Log.InfoContext(ctx, "reminders of expiring key files queued", "day", d.Day, "mails", queued)
	return nil
}

// remind queues the mail about one certificate unless that was done before.
func (s *Service) remind(ctx context.Context, day time.Time, c ca.Certificate) (sent bool, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		sent = false
		e, err := org.Get(ctx, tx, c.OrgID, c.EmployeeID)
		if err != nil || e.State != org.Active {
			return err
		}
		now := store.Instant(s.Now())
		n, err := store.Insert(ctx, tx, []reminded{{
			Serial: string(c.Serial), Rule: ruleExpiry, Receiver: string(e.ID), OrgID: c.OrgID, CreatedAt: now,
		}}, "ON CONFLICT (serial, rule, receiver) DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		o, err := org.ByID(ctx, tx, c.OrgID)
		if err != nil {
			return err
		}
		if err := s.Mail.Queue(ctx, tx, "", expiryMail(day, c, o, e)); err != nil {
			return err
		}
		sent = true
		return audit.Record(ctx, tx, audit.By(access.System(c.OrgID), now, "reminder.queue", "employee:"+string(e.ID), ruleExpiry+" certificate "+string(c.Serial)))
	})
	return sent, err
}

func expiryMail(day time.Time, c ca.Certificate, o org.Organisation, e org.Employee) mail.Draft {
	days := max(1, int(c.NotAfter.Sub(day)/(24*time.Hour)))
	return mail.Draft{
		Org: c.OrgID, Employee: e.ID, Kind: mail.KindKeyFileExpiry, Lang: mail.Danish, Name: e.Name(), Address: e.Email,
		Params: map[string]string{
			"organisation": o.Name, "not_after": c.NotAfter.UTC().Format(time.RFC3339), "days": strconv.Itoa(days),
		},
	}
}
