package reminder

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/securemail"
	"github.com/adgang/adgang/internal/store"
)

// secureMailKey stands where a certificate's key does: what ends is the central key
// of the receiver's old secure mail, which has no certificate here.
const secureMailKey = "secure_mail"

// findLosers records the reminders of those who cannot read old mail after the
// closing, by the days of their organisation's rules, up to the day itself. Nobody
// else hears of it.
func (w *sweep) findLosers(ctx context.Context) (found int, err error) {
	if w.ClosesAt == nil {
		return 0, nil
	}
	left := daysBetween(w.day, *w.ClosesAt)
	if left < 0 || left > mostAhead {
		return 0, nil
	}
	for cursor := ""; ; {
		page, next, err := securemail.Losing(ctx, w.DB, cursor, pageSize)
		if err != nil {
			return found, err
		}
		for len(page) > 0 { // they come by organisation
			n := 1
			for n < len(page) && page[n].OrgID == page[0].OrgID {
				n++
			}
			added, err := w.findLosersIn(ctx, page[0].OrgID, left, page[:n])
			if err != nil {
				return found, err
			}
			found, page = found+added, page[n:]
		}
		if cursor = next; cursor == "" {
			return found, nil
		}
	}
}

func (w *sweep) findLosersIn(ctx context.Context, id access.OrgID, left int, losers []securemail.Loser) (int, error) {
	row, err := rowOf(ctx, w.DB, id)
	if err != nil {
		return 0, err
	}
	rules := row.rules()
	rule, ok := nearest(rules.Days, left)
	if !ok {
		return 0, nil
	}
	now := store.Instant(w.Now())
	rows := make([]due, len(losers))
	for i, l := range losers {
		rows[i] = due{
			OrgID: id, Certificate: secureMailKey, Days: int64(rule), Receiver: toEmployee + string(l.ID), NotAfter: *w.ClosesAt, State: Due, CreatedAt: now,
		}
	}
	var n int64
	err = store.InTx(ctx, w.DB, func(ctx context.Context, tx bun.Tx) error {
		if n, err = store.Insert(ctx, tx, rows, "ON CONFLICT (org_id, certificate, days, receiver) DO NOTHING"); err != nil || n == 0 {
			return err
		}
		return SendKind.Add(ctx, tx, id, Send{Org: id}, rules.Open(now))
	})
	return int(n), err
}

// losing says of what is due to one receiver whether old mail still is to be saved,
// and returns the other rows: the receiver may have told since that the key is local.
func losing(ctx context.Context, tx bun.Tx, id access.OrgID, rows []due) (need map[string]bool, others []due, err error) {
	need = map[string]bool{}
	for _, d := range rows {
		if d.Certificate != secureMailKey {
			others = append(others, d)
			continue
		}
		if _, known := need[secureMailKey]; known {
			continue
		}
		loses, err := securemail.Loses(ctx, tx, id, access.EmployeeID(strings.TrimPrefix(d.Receiver, toEmployee)))
		if err != nil {
			return nil, nil, err
		}
		need[secureMailKey] = loses
	}
	return need, others, nil
}

// closing takes the mail about old secure mail out of what is left to send.
func (s *Service) closing(o org.Organisation, who person, left []due) (drafts []mail.Draft, others []due) {
	for _, d := range left {
		if d.Certificate != secureMailKey {
			others = append(others, d)
			continue
		}
		drafts = append(drafts, mail.Draft{
			Org: o.ID, Employee: who.id, Lang: who.lang, Name: who.name, Address: who.address, Kind: mail.KindSecureMail,
			Params: map[string]string{
				"organisation": o.Name, "closes": d.NotAfter.UTC().Format(time.RFC3339),
				"days": strconv.Itoa(max(daysBetween(s.Now().In(copenhagen), d.NotAfter), 0)), "address": s.BaseURL + "/me/secure-mail",
			},
		})
	}
	return drafts, others
}
