package reminder

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// Send is the payload of the work that sends what is due in an organisation.
type Send struct {
	Org access.OrgID `json:"org"`
}

// SendKind is due when the quiet hours are over.
var SendKind = outbox.NewKind[Send]("reminder.send_due")

const (
	maxListed    = 20  // certificates that one mail names
	atOnce       = 100 // receivers read at a time
	maxHookLines = 200 // certificates in one call of a webhook
)

// Send queues the mails of everything that is due in an organisation: one for each
// certificate, or one for all when a receiver would get too many. In quiet hours it
// puts itself off. It may run twice, beside itself and after a crash: whoever takes
// a row from due sends it. Errors: unexpected only.
func (s *Service) Send(ctx context.Context, job Send) error {
	row, err := rowOf(ctx, s.DB, job.Org)
	if err != nil {
		return err
	}
	rules, now := row.rules(), s.Now()
	if at := rules.Open(now); at.After(now) {
		return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			return SendKind.AddOnce(ctx, tx, "reminder.send:"+string(job.Org)+"@"+at.Format(time.RFC3339), job.Org, job, at)
		})
	}
	for after := ""; ; {
		var receivers []string
		err := s.DB.NewSelect().Model((*due)(nil)).Distinct().Column("receiver").Where("d.org_id = ?", job.Org).Where("d.state = ?", Due).
			Where("d.receiver > ?", after).Order("receiver").Limit(atOnce).Scan(ctx, &receivers)
		if err != nil {
			return err
		}
		if len(receivers) == 0 {
			return nil
		}
		for _, to := range receivers {
			if err := s.sendTo(ctx, job.Org, rules, to); err != nil {
				return fmt.Errorf("remind: %w", err)
			}
		}
		after = receivers[len(receivers)-1]
	}
}

// sendTo sends what is due to one receiver.
func (s *Service) sendTo(ctx context.Context, id access.OrgID, rules Rules, to string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		var rows []due
		err := tx.NewUpdate().Model(&rows).Set("state = ?", Queued).Set("settled_at = ?", now).Where("d.org_id = ?", id).Where("d.receiver = ?", to).
			Where("d.state = ?", Due).Returning("*").Scan(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		slices.SortFunc(rows, func(a, b due) int {
			if c := a.NotAfter.Compare(b.NotAfter); c != 0 {
				return c
			}
			if c := strings.Compare(a.Certificate, b.Certificate); c != 0 {
				return c
			}
			return int(a.Days - b.Days)
		})
		left, err := s.settle(ctx, tx, id, rows)
		if err != nil || len(left) == 0 {
			return err
		}
		if to == webhook {
			return s.queueHook(ctx, tx, id, left)
		}
		drafts, err := s.drafts(ctx, tx, id, rules, to, left)
		if err != nil {
			return err
		}
		if len(drafts) == 0 {
			return s.unread(ctx, tx, left)
		}
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(id), now, "reminder.queue", auditObject(to), note(left, len(drafts))))
	})
}

// unread marks what nobody is there to read: who takes over is found by the next
// sweep, under the same rule.
func (s *Service) unread(ctx context.Context, tx bun.Tx, left []due) error {
	for _, d := range left {
		if _, err := tx.NewUpdate().Model(&d).Set("state = ?", Needed).WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// today is how many reminders a receiver has got on the day of now, in Denmark,
// beside those of this sending.
func (s *Service) today(ctx context.Context, tx bun.Tx, id access.OrgID, to string, now time.Time) (int64, error) {
	at := now.In(copenhagen)
	first := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, copenhagen)
	return tx.NewSelect().Model((*due)(nil)).Where("d.org_id = ?", id).Where("d.receiver = ?", to).Where("d.state = ?", Queued).
		Where("d.settled_at >= ?", store.Instant(first)).Where("d.settled_at < ?", store.Instant(now)).Count(ctx)
}

// auditObject names a receiver without an address.
func auditObject(to string) string {
	if strings.HasPrefix(to, toEmployee) {
		return to
	}
	return "contact:certificate"
}

func note(left []due, mails int) string {
	keys := make([]string, 0, len(left))
	for _, d := range left[:min(len(left), maxListed)] {
		keys = append(keys, fmt.Sprintf("%s at %d days", d.Certificate, d.Days))
	}
	return fmt.Sprintf("%d of %d certificates: %s", mails, len(left), strings.Join(keys, ", "))
}

// settle takes away what needs no reminder any more: an earlier rule of the same
// certificate, one that is replaced, revoked or out of use. What sleeps is found
// anew when it wakes.
func (s *Service) settle(ctx context.Context, tx bun.Tx, id access.OrgID, rows []due) ([]due, error) {
	need, err := s.inNeed(ctx, tx, id, rows)
	if err != nil {
		return nil, err
	}
	asleep, err := snoozed(ctx, tx, id, s.Now())
	if err != nil {
		return nil, err
	}
	latest, err := s.latest(ctx, tx, id, rows)
	if err != nil {
		return nil, err
	}
	var left []due
	for _, d := range rows {
		state := ""
		switch {
		case asleep[d.Certificate]:
			_, err := tx.NewDelete().Model(&d).WherePK().Exec(ctx)
			if err != nil {
				return nil, err
			}
			continue
		case !need[d.Certificate]:
			state = Needed
		case d.Certificate != secureMailKey && d.Days > latest[ended{d.Certificate, d.NotAfter.Unix()}]:
			state = Passed
		}
		if state == "" {
			left = append(left, d)
			continue
		}
		if _, err := tx.NewUpdate().Model(&d).Set("state = ?", state).WherePK().Exec(ctx); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// ended names one end of a certificate.
type ended struct {
	certificate string
	at          int64 // seconds
}

// latest is the last rule that a receiver was sent, or is being sent, for each end:
// the rows come as queued. What a clock that was put back finds again is behind it.
func (s *Service) latest(ctx context.Context, tx bun.Tx, id access.OrgID, rows []due) (map[ended]int64, error) {
	all := map[ended]int64{}
	for part := range slices.Chunk(rows, 500) {
		var keys []string
		for _, d := range part {
			if d.Certificate != secureMailKey {
				keys = append(keys, d.Certificate)
			}
		}
		if len(keys) == 0 {
			continue
		}
		var sent []due
		err := tx.NewSelect().Model(&sent).Column("certificate", "not_after", "days").Where("d.org_id = ?", id).Where("d.certificate IN (?)", bun.List(keys)).
			Where("d.receiver = ?", rows[0].Receiver).Where("d.state = ?", Queued).Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range sent {
			end := ended{d.Certificate, d.NotAfter.Unix()}
			if days, known := all[end]; !known || d.Days < days {
				all[end] = d.Days
			}
		}
	}
	return all, nil
}

func (s *Service) inNeed(ctx context.Context, tx bun.Tx, id access.OrgID, rows []due) (map[string]bool, error) {
	var serials, others []string
	need, rows, err := losing(ctx, tx, id, rows)
	if err != nil {
		return nil, err
	}
	for _, d := range rows {
		if key, ok := strings.CutPrefix(d.Certificate, outsideKey); ok {
			others = append(others, key)
		} else {
			serials = append(serials, d.Certificate)
		}
	}
	for part := range slices.Chunk(others, 500) {
		open, err := inventory.InNeed(ctx, tx, id, part)
		if err != nil {
			return nil, err
		}
		for key := range open {
			need[outsideKey+key] = true
		}
	}
	for part := range slices.Chunk(serials, 500) {
		var live []string
		err := tx.NewSelect().Table("certificate").Column("serial").Where("org_id = ?", id).Where("serial IN (?)", bun.List(part)).Where("state = 'issued'").
			Where(`NOT EXISTS (SELECT 1 FROM certificate AS later WHERE later.org_id = certificate.org_id AND later.employee_id = certificate.employee_id
				AND later.state = 'issued' AND later.not_after > certificate.not_after)`).Scan(ctx, &live)
		if err != nil {
			return nil, err
		}
		for _, key := range live {
			need[key] = true
		}
	}
	return need, nil
}

// person is who reads a mail.
type person struct {
	id                  access.EmployeeID
	name, address, lang string
	post                string // where a letter goes, of who has no e-mail
}

// others are the IDs of those that are of the inventory.
func others(left []due) (all []string) {
	for _, d := range left {
		if key, ok := strings.CutPrefix(d.Certificate, outsideKey); ok {
			all = append(all, key)
		}
	}
	return all
}

func (s *Service) person(ctx context.Context, tx bun.Tx, id access.OrgID, to string, left []due) (person, error) {
	if address, ok := strings.CutPrefix(to, toAddress); ok {
		who := person{name: address, address: address, lang: mail.Danish}
		// One address may stand at many certificates: the next to end has the word.
		var known []inventory.Certificate
		err := tx.NewSelect().Model(&known).Column("contact_name", "contact_lang").Where("c.org_id = ?", id).Where("c.contact_email = ?", address).
			Where("c.id IN (?)", bun.List(others(left))).Order("c.not_after", "c.id").Limit(1).Scan(ctx)
		if len(known) > 0 {
			who.lang = known[0].ContactLang
			if known[0].ContactName != "" {
				who.name = known[0].ContactName
			}
		}
		return who, err
	}
	if key, ok := strings.CutPrefix(to, toPost); ok {
		var known []inventory.Certificate
		err := tx.NewSelect().Model(&known).Column("contact_name", "contact_lang", "contact_post").Where("c.org_id = ?", id).Where("c.id = ?", key).
			Where("c.contact_post <> ''").Scan(ctx)
		if err != nil || len(known) == 0 {
			return person{}, err
		}
		return person{name: known[0].ContactName, lang: known[0].ContactLang, post: known[0].ContactPost}, nil
	}
	e, err := org.Get(ctx, tx, id, access.EmployeeID(strings.TrimPrefix(to, toEmployee)))
	if fault.KindOf(err) == fault.Absent || err == nil && e.State != org.Active {
		return person{}, nil
	}
	return person{id: e.ID, name: e.Name(), address: e.Email, lang: e.Lang}, err
}

// drafts are the mails to one receiver.
func (s *Service) drafts(ctx context.Context, tx bun.Tx, id access.OrgID, rules Rules, to string, left []due) ([]mail.Draft, error) {
	who, err := s.person(ctx, tx, id, to, left)
	if err != nil || who == (person{}) {
		return nil, err
	}
	o, err := org.ByID(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	first, left := s.closing(o, who, left)
	names, err := s.names(ctx, tx, id, left, who.lang)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	base := mail.Draft{Org: id, Employee: who.id, Lang: who.lang, Name: who.name, Address: who.address, Post: who.post}
	before, err := s.today(ctx, tx, id, to, now)
	if err != nil {
		return nil, err
	}
	if len(left)+int(before) > rules.DigestOver {
		var list strings.Builder
		for _, d := range left[:min(len(left), maxListed)] {
			fmt.Fprintf(&list, "%s  %s\n", d.NotAfter.In(copenhagen).Format(time.DateOnly), names[d.Certificate].text)
		}
		base.Kind = mail.KindCertificates
		base.Params = map[string]string{
			"organisation": o.Name, "count": strconv.Itoa(len(left)), "list": strings.TrimSpace(list.String()), "address": s.BaseURL + "/inventory",
		}
		return append(first, base), nil
	}
	all := first
	for _, d := range left {
		one := base
		n := daysBetween(now.In(copenhagen), d.NotAfter)
		known := names[d.Certificate]
		one.Params = map[string]string{"organisation": o.Name, "not_after": d.NotAfter.UTC().Format(time.RFC3339), "days": strconv.Itoa(max(n, 0))}
		if known.holder != "" && known.holder == who.id {
			one.Kind = mail.KindKeyFileExpiry
			one.Params["days"] = strconv.Itoa(max(n, 1))
			if now.After(d.NotAfter) {
				one.Params["ago"] = "yes"
			}
		} else {
			one.Kind = mail.KindCertificate
			one.Params["certificate"], one.Params["address"] = known.text, s.BaseURL+known.page
			if now.After(d.NotAfter) {
				one.Params["ago"] = "yes"
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// naming is what a certificate is called in a mail.
type naming struct {
	text, page string
	holder     access.EmployeeID
}

func (s *Service) names(ctx context.Context, tx bun.Tx, id access.OrgID, left []due, lang string) (map[string]naming, error) {
	all := map[string]naming{}
	var serials []string
	for _, d := range left {
		if key, ok := strings.CutPrefix(d.Certificate, outsideKey); ok {
			all[d.Certificate] = naming{text: d.Name, page: "/inventory/" + key}
		} else {
			serials = append(serials, d.Certificate)
		}
	}
	words := "nøglefil: "
	if lang == mail.English {
		words = "key file: "
	}
	for part := range slices.Chunk(serials, 500) {
		var rows []struct {
			Serial    string            `bun:"serial"`
			ID        access.EmployeeID `bun:"id"`
			GivenName string            `bun:"given_name"`
			Surname   string            `bun:"surname"`
		}
		err := tx.NewSelect().TableExpr("certificate AS c").ColumnExpr("c.serial, e.id, e.given_name, e.surname").
			Join("JOIN employee AS e ON e.org_id = c.org_id AND e.id = c.employee_id").Where("c.org_id = ?", id).Where("c.serial IN (?)", bun.List(part)).Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all[r.Serial] = naming{text: words + strings.TrimSpace(r.GivenName+" "+r.Surname), page: "/employees/" + string(r.ID), holder: r.ID}
		}
	}
	return all, nil
}
