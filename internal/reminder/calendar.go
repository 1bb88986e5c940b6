package reminder

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/store"
)

// NewCalendar makes the secret part of the address under which calendars read the
// ends of certificates; the one before stops working. It is shown this once.
// Errors: fault.Denied; fault.Conflict when the rules changed meanwhile.
func (s *Service) NewCalendar(ctx context.Context, by access.Actor) (token string, err error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return "", err
	}
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	token = base64.RawURLEncoding.EncodeToString(raw)
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		row, err := rowOf(ctx, tx, by.OrgID)
		if err != nil {
			return err
		}
		version := row.Version
		row.CalendarMAC, row.Version = s.Keys.MAC(calendarPurpose, token), version+1
		if err := s.saveRules(ctx, tx, row, version); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "reminder.calendar", "organisation:"+string(by.OrgID), ""))
	})
	return token, err
}

// Calendar writes what ends as iCalendar (RFC 5545): an event for each certificate
// of the inventory, on its last day, and one on the day by which it is to be
// renewed. Errors: fault.Absent for a token that does not count.
func (s *Service) Calendar(ctx context.Context, token string, out io.Writer) error {
	var row rulesRow
	err := s.DB.NewSelect().Model(&row).Where("r.calendar_mac = ?", s.Keys.MAC(calendarPurpose, token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Absent, "reminder.calendar.absent", "There is no calendar at this address. Ask an administrator for the new address.")
	}
	if err != nil {
		return err
	}
	ctx = store.ForTenant(ctx, row.OrgID)
	c := calendar{out: out, now: s.Now(), base: s.BaseURL}
	c.line("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Adgang//certificates//DA", "CALSCALE:GREGORIAN", "METHOD:PUBLISH", "X-WR-CALNAME:Certifikater")
	for cursor := ""; ; {
		page, next, err := expiringIn(ctx, s.DB, row.OrgID, s.Now(), cursor)
		if err != nil {
			return err
		}
		for _, one := range page {
			c.event(one.ID+"-end", one.NotAfter.In(copenhagen).Format("20060102"), "Udløber: "+one.Name, one.ID)
			if one.RenewBy != "" {
				c.event(one.ID+"-renew", strings.ReplaceAll(one.RenewBy, "-", ""), "Forny: "+one.Name, one.ID)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	c.line("END:VCALENDAR")
	return c.err
}

func expiringIn(ctx context.Context, db *bun.DB, id access.OrgID, now time.Time, cursor string) ([]inventory.Certificate, string, error) {
	return inventory.ExpiringIn(ctx, db, id, now.AddDate(0, 0, -30), now.AddDate(3, 0, 0), cursor, pageSize)
}

type calendar struct {
	out  io.Writer
	now  time.Time
	base string
	err  error
}

func (c *calendar) event(id, day, summary, certificate string) {
	c.line("BEGIN:VEVENT", "UID:"+id+"@adgang", "DTSTAMP:"+c.now.UTC().Format("20060102T150405Z"), "DTSTART;VALUE=DATE:"+day,
		"SUMMARY:"+icalText.Replace(summary), "URL:"+c.base+"/inventory/"+certificate, "TRANSP:TRANSPARENT", "END:VEVENT")
}

var icalText = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r", "", "\n", `\n`)

// line writes content lines, folded at 75 octets without splitting a letter (RFC
// 5545 section 3.1).
func (c *calendar) line(lines ...string) {
	for _, text := range lines {
		var b strings.Builder
		n := 0
		for _, r := range text {
			size := len(string(r))
			if n+size > 75 {
				b.WriteString("\r\n ")
				n = 1
			}
			b.WriteRune(r)
			n += size
		}
		b.WriteString("\r\n")
		if c.err == nil {
			_, c.err = fmt.Fprint(c.out, b.String())
		}
	}
}
