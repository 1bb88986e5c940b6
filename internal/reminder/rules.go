package reminder

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // quiet hours are those of Denmark, on machines without zones too

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// copenhagen is the zone of quiet hours and of days.
var copenhagen = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err) // tzdata is linked in
	}
	return zone
}()

// Rules are when an organisation is reminded, and who. Days count from the end of
// a certificate; negative ones come after it.
type Rules struct {
	Days        []int // of certificates, 365 to -30
	KeyFileDays []int // of employees' key files, 365 to -30
	UsersFrom   int   // from so many days on user administrators hear too
	AdminsFrom  int   // from so many days on organisation administrators hear too
	// The same of key files that their holders have not renewed. Never nil; nil in
	// SetRules = as it was.
	KeyFileUsersFrom, KeyFileAdminsFrom *int
	QuietFrom                           int  // no mail from this hour, 0 to 23, …
	QuietTo                             int  // … until this one; the same hour = no quiet hours
	Weekends                            bool // mail on Saturdays and Sundays too
	DigestOver                          int  // more than so many on a day become one mail, 1 to 50
	WebhookURL                          string
	Version                             int64 // 0 = the usual rules, never changed

	HasWebhookSecret bool // read only
	HasCalendar      bool // read only

	WebhookOutcome string     // of the last call: "" = none yet, ok, or a code; read only
	WebhookAt      *time.Time // read only
}

// Usual are the rules of an organisation that has chosen none.
func Usual() Rules {
	return Rules{
		Days: []int{180, 90, 60, 30, 14, 7, 3, 1, 0, -1, -7}, KeyFileDays: []int{180, 90, 60, 30, 14, 7, 3, 1, 0, -1, -7}, UsersFrom: 30, AdminsFrom: 7,
		KeyFileUsersFrom: new(7), KeyFileAdminsFrom: new(0), QuietFrom: 18, QuietTo: 8, DigestOver: 5,
	}
}

type rulesRow struct {
	bun.BaseModel `bun:"table:reminder_rules,alias:r"`

	OrgID         access.OrgID `bun:"org_id,pk"`
	Days          string       `bun:"days"`
	KeyFileDays   string       `bun:"key_file_days"`
	UsersFrom     int64        `bun:"users_from"`
	AdminsFrom    int64        `bun:"admins_from"`
	FileUsers     int64        `bun:"key_file_users_from"`
	FileAdmins    int64        `bun:"key_file_admins_from"`
	QuietFrom     int64        `bun:"quiet_from"`
	QuietTo       int64        `bun:"quiet_to"`
	Weekends      bool         `bun:"weekends"`
	DigestOver    int64        `bun:"digest_over"`
	WebhookURL    string       `bun:"webhook_url"`
	WebhookSealed []byte       `bun:"webhook_sealed"`
	CalendarMAC   []byte       `bun:"calendar_mac"`
	Version       int64        `bun:"version"`
	Outcome       string       `bun:"webhook_outcome"`
	OutcomeAt     *time.Time   `bun:"webhook_at"`
}

const (
	webhookPurpose  secret.Purpose = "reminder.webhook"
	calendarPurpose secret.Purpose = "reminder.calendar"
)

func (r rulesRow) rules() Rules {
	return Rules{
		Days: split(r.Days), KeyFileDays: split(r.KeyFileDays), UsersFrom: int(r.UsersFrom), AdminsFrom: int(r.AdminsFrom),
		KeyFileUsersFrom: new(int(r.FileUsers)), KeyFileAdminsFrom: new(int(r.FileAdmins)),
		QuietFrom: int(r.QuietFrom), QuietTo: int(r.QuietTo), Weekends: r.Weekends, DigestOver: int(r.DigestOver), WebhookURL: r.WebhookURL,
		Version: r.Version, HasWebhookSecret: r.WebhookSealed != nil, HasCalendar: r.CalendarMAC != nil,
		WebhookOutcome: r.Outcome, WebhookAt: r.OutcomeAt,
	}
}

func split(text string) []int {
	var all []int
	for one := range strings.SplitSeq(text, ",") {
		if n, err := strconv.Atoi(one); err == nil {
			all = append(all, n)
		}
	}
	return all
}

func join(days []int) string {
	all := make([]string, len(days))
	for i, n := range days {
		all[i] = strconv.Itoa(n)
	}
	return strings.Join(all, ",")
}

func rowOf(ctx context.Context, db bun.IDB, id access.OrgID) (rulesRow, error) {
	var r rulesRow
	err := db.NewSelect().Model(&r).Where("r.org_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		u := Usual()
		return rulesRow{
			OrgID: id, Days: join(u.Days), KeyFileDays: join(u.KeyFileDays), UsersFrom: int64(u.UsersFrom), AdminsFrom: int64(u.AdminsFrom),
			FileUsers: int64(*u.KeyFileUsersFrom), FileAdmins: int64(*u.KeyFileAdminsFrom),
			QuietFrom: int64(u.QuietFrom), QuietTo: int64(u.QuietTo), DigestOver: int64(u.DigestOver),
		}, nil
	}
	return r, err
}

// Rules returns the rules of the actor's organisation. Errors: fault.Denied.
func (s *Service) Rules(ctx context.Context, by access.Actor) (Rules, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return Rules{}, err
	}
	r, err := rowOf(ctx, s.DB, by.OrgID)
	return r.rules(), err
}

// SetRules puts rules in place of those of in.Version and returns the secret of the
// webhook when there is a new address, "" otherwise: it is shown this once. Errors:
// fault.Denied, fault.Invalid; fault.Conflict when they were changed since.
func (s *Service) SetRules(ctx context.Context, by access.Actor, in Rules) (webhookSecret string, err error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return "", err
	}
	if in, err = in.check(); err != nil {
		return "", err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		webhookSecret = ""
		before, err := rowOf(ctx, tx, by.OrgID)
		if err != nil {
			return err
		}
		now := before
		now.Days, now.KeyFileDays, now.UsersFrom, now.AdminsFrom = join(in.Days), join(in.KeyFileDays), int64(in.UsersFrom), int64(in.AdminsFrom)
		now.QuietFrom, now.QuietTo, now.Weekends, now.DigestOver = int64(in.QuietFrom), int64(in.QuietTo), in.Weekends, int64(in.DigestOver)
		if in.KeyFileUsersFrom != nil {
			now.FileUsers = int64(*in.KeyFileUsersFrom)
		}
		if in.KeyFileAdminsFrom != nil {
			now.FileAdmins = int64(*in.KeyFileAdminsFrom)
		}
		now.Version = in.Version + 1
		if in.WebhookURL != before.WebhookURL {
			now.WebhookURL, now.WebhookSealed, now.Outcome, now.OutcomeAt = in.WebhookURL, nil, "", nil
			if in.WebhookURL != "" {
				key := make([]byte, 32)
				_, _ = rand.Read(key) // never fails since Go 1.24
				now.WebhookSealed = s.Keys.Seal(webhookPurpose, string(by.OrgID), key)
				webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString(key)
			}
		}
		if err := s.saveRules(ctx, tx, now, in.Version); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "reminder.rules", "organisation:"+string(by.OrgID), "").Changed(before.shown(), now.shown()))
	})
	return webhookSecret, err
}

// saveRules writes a row in place of the one of a version.
func (s *Service) saveRules(ctx context.Context, tx bun.Tx, r rulesRow, version int64) error {
	if version == 0 {
		n, err := store.Insert(ctx, tx, []rulesRow{r}, "ON CONFLICT (org_id) DO NOTHING")
		if err == nil && n == 0 {
			err = errChanged
		}
		return err
	}
	res, err := tx.NewUpdate().Model(&r).WherePK().Where("version = ?", version).Exec(ctx)
	if n, err := store.Count(res, err); err != nil || n == 1 {
		return err
	}
	return errChanged
}

var errChanged = fault.New(fault.Conflict, "reminder.rules.changed", "Somebody else has changed the rules meanwhile. Load the page anew and try again.")

// shown is a row for the log, without secrets.
func (r rulesRow) shown() string {
	return fmt.Sprintf("days %s; key files %s; users from %d, %d; administrators from %d, %d; quiet %d-%d; weekends %t; digest over %d; webhook %q",
		r.Days, r.KeyFileDays, r.UsersFrom, r.FileUsers, r.AdminsFrom, r.FileAdmins, r.QuietFrom, r.QuietTo, r.Weekends, r.DigestOver, r.WebhookURL)
}

func (in Rules) check() (Rules, error) {
	for _, list := range []struct {
		field     string
		days      *[]int
		low, high int
	}{{"days", &in.Days, -30, 365}, {"key_file_days", &in.KeyFileDays, -30, 365}} {
		all := slices.Clone(*list.days)
		slices.Sort(all)
		all = slices.Compact(all)
		if len(all) == 0 || len(all) > 20 || all[0] < list.low || all[len(all)-1] > list.high {
			return in, fault.New(fault.Invalid, "reminder.rules.days", "Write from 1 to 20 numbers from %d to %d.", list.low, list.high).On(list.field)
		}
		slices.Reverse(all)
		*list.days = all
	}
	for _, one := range []struct {
		field            string
		value, low, high int
	}{
		{"users_from", in.UsersFrom, -30, 365},
		{"admins_from", in.AdminsFrom, -30, 365},
		{"key_file_users_from", orZero(in.KeyFileUsersFrom), -30, 365},
		{"key_file_admins_from", orZero(in.KeyFileAdminsFrom), -30, 365},
		{"quiet_from", in.QuietFrom, 0, 23},
		{"quiet_to", in.QuietTo, 0, 23},
		{"digest_over", in.DigestOver, 1, 50},
	} {
		if one.value < one.low || one.value > one.high {
			return in, fault.New(fault.Invalid, "reminder.rules.range", "Write a number from %d to %d.", one.low, one.high).On(one.field)
		}
	}
	in.WebhookURL = strings.TrimSpace(in.WebhookURL)
	if in.WebhookURL != "" {
		u, err := url.Parse(in.WebhookURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" || len(in.WebhookURL) > 500 {
			return in, fault.New(fault.Invalid, "reminder.rules.webhook", "Write an address that begins with https:// and has no user name in it.").On("webhook_url")
		}
	}
	return in, nil
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// nearest is the rule that counts so many days before the end (negative: after it):
// the last one that has come. What was missed before it is not made up for. ok is
// false before the first rule, and when the last one is long past.
func nearest(days []int, left int) (rule int, ok bool) {
	for _, d := range slices.Sorted(slices.Values(days)) {
		if d >= left {
			return d, left >= min(d, 0)-stale
		}
	}
	return 0, false
}

// stale is for how many days a rule of the end, or of after it, is made up for.
const stale = 14

// Open is the next instant, now or later, at which mail may be sent.
func (r Rules) Open(now time.Time) time.Time {
	at := now.In(copenhagen)
	// Two weeks of quarters of an hour are enough for every rule; hours are those of
	// the clock on the wall, so that the day on which it is moved is right too.
	for range 14 * 24 * 4 {
		if !r.quiet(at) {
			return at.UTC()
		}
		at = at.Truncate(15 * time.Minute).Add(15 * time.Minute)
	}
	return now.UTC()
}

func (r Rules) quiet(at time.Time) bool {
	if !r.Weekends && (at.Weekday() == time.Saturday || at.Weekday() == time.Sunday) {
		return true
	}
	h := at.Hour()
	if r.QuietFrom <= r.QuietTo {
		return h >= r.QuietFrom && h < r.QuietTo
	}
	return h >= r.QuietFrom || h < r.QuietTo
}
