package mail

import (
	"cmp"
	"context"
	"fmt"
	netmail "net/mail"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// A group is sent over one connection and marked in one transaction. A crash
// in between sends at most a group again, under the same Message-IDs.
const groupSize = 20

// maxAttempts is how often a message is tried before it has failed.
const maxAttempts = 20

// outcome is what became of an attempt; messages that share one are marked by
// one UPDATE.
type outcome struct{ state, text string }

// Deliver sends what is queued in the lot. A message that the mail server
// refuses for good, or for the twelfth time, has failed; one that it cannot take
// now stays queued. The link is erased with either end. Errors:
// fault.Unavailable while messages of the lot are still queued.
func (s *Service) Deliver(ctx context.Context, lot Lot) error {
	from, err := netmail.ParseAddress(s.From)
	if err != nil {
		return fmt.Errorf("deliver mail: sender: %w", err)
	}
	var ids []string
	if err := s.inLot(lot).Column("id").Order("id").Scan(ctx, &ids); err != nil {
		return fmt.Errorf("deliver mail: %w", err)
	}
	var why error
	for len(ids) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		group := ids[:min(groupSize, len(ids))]
		ids = ids[len(group):]
		late, err := s.deliverGroup(ctx, lot.Org, from, group)
		if err != nil {
			return fmt.Errorf("deliver mail: %w", err)
		}
		why = cmp.Or(late, why)
		if fault.CodeOf(late) == errAway.Code { // the others would only wait for it too
			if err := s.mark(ctx, lot.Org, map[outcome][]string{judge(late): ids}); err != nil {
				return fmt.Errorf("deliver mail: %w", err)
			}
			break
		}
	}
	left, err := s.inLot(lot).Count(ctx)
	if err != nil {
		return fmt.Errorf("deliver mail: %w", err)
	}
	if left > 0 {
		return fault.New(fault.Unavailable, "mail.lot.waiting", "%d mails could not be delivered yet.", left).Because(why)
	}
	return nil
}

func (s *Service) inLot(lot Lot) *bun.SelectQuery {
	return s.DB.NewSelect().Model((*Message)(nil)).
		Where("org_id = ?", lot.Org).Where("lot = ?", lot.Lot).Where("state = ?", StateQueued)
}

// deliverGroup sends one group and marks it. late is why messages of it are
// still queued, errAway when the mail server is not there at all.
func (s *Service) deliverGroup(ctx context.Context, org access.OrgID, from *netmail.Address, ids []string) (late, err error) {
	var messages []Message
	err = s.DB.NewSelect().Model(&messages).
		Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).Where("state = ?", StateQueued).
		Order("id").Scan(ctx)
	if err != nil {
		return nil, err
	}
	l, err := s.look(ctx, org)
	if err != nil {
		return nil, err
	}
	marks := map[outcome][]string{}
	var ready []Envelope
	for _, m := range messages {
		e, err := s.envelope(m, from, l)
		if err != nil {
			o := judge(err)
			marks[o] = append(marks[o], m.ID)
			continue
		}
		ready = append(ready, e)
	}
	for len(ready) > 0 && ctx.Err() == nil {
		var untried []Envelope // after a connection that broke: on a new one
		for i, err := range s.Transport.Send(ctx, ready) {
			o := judge(err)
			switch {
			case fault.CodeOf(err) == errUntried.Code:
				untried = append(untried, ready[i])
				continue
			case o.state == StateQueued && ctx.Err() != nil:
				continue // we stopped, so it was no attempt
			case o.state == StateQueued:
				late = err
			}
			marks[o] = append(marks[o], ready[i].ID)
		}
		ready = untried
	}
	return late, s.mark(ctx, org, marks)
}

// judge turns the error of an attempt into what the row says.
func judge(err error) outcome {
	switch fault.KindOf(err) {
	case 0:
		return outcome{StateSent, ""}
	case fault.Invalid:
		return outcome{StateFailed, textOf(err)}
	default:
		return outcome{StateQueued, textOf(err)}
	}
}

// mark records outcomes of messages that are still queued. It does not stop
// with ctx: what was sent must not be sent again.
func (s *Service) mark(ctx context.Context, org access.OrgID, marks map[outcome][]string) error {
	now := store.Instant(s.Now())
	err := store.InTx(context.WithoutCancel(ctx), s.DB, func(ctx context.Context, tx bun.Tx) error {
		for o, ids := range marks {
			if len(ids) == 0 {
				continue
			}
			q := tx.NewUpdate().Model((*Message)(nil)).
				Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).Where("state = ?", StateQueued)
			if _, err := o.set(q, now).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for o, ids := range marks {
		if o.state == StateFailed {
			s.Log.WarnContext(ctx, "mail refused", "org", org, "rows", len(ids), "err", o.text)
		}
	}
	return nil
}

// set is the SET part of the UPDATE that records o.
func (o outcome) set(q *bun.UpdateQuery, now time.Time) *bun.UpdateQuery {
	q.Set("attempts = attempts + 1")
	switch o.state {
	case StateSent:
		return q.Set("state = ?", StateSent).Set("sent_at = ?", now).Set("error = ''").Set("link_sealed = NULL")
	case StateFailed:
		return q.Set("state = ?", StateFailed).Set("error = ?", o.text).Set("link_sealed = NULL")
	}
	last := bun.SafeQuery("attempts >= ?", maxAttempts-1)
	givenUp := fmt.Sprintf("Given up after %d attempts. %s", maxAttempts, o.text)
	return q.Set("state = CASE WHEN ? THEN ? ELSE state END", last, StateFailed).
		Set("error = CASE WHEN ? THEN ? ELSE ? END", last, givenUp, o.text).
		Set("link_sealed = CASE WHEN ? THEN NULL ELSE link_sealed END", last)
}
