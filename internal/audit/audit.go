// Package audit is the append-only record of who did what to whom, when and
// from where. An entry is written in the transaction of the change it tells of:
// no transaction, no record; no record, no change.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// Entry is one line of the log. Verb is "noun.verb", Object what it was done to
// ("employee:ID"), Note what our code says of it, without secrets, CPR numbers and
// whatever people wrote (Saying). Before and After are what a setting was and
// became, never a secret or a CPR number.
type Entry struct {
	bun.BaseModel `bun:"table:audit_entry"`

	ID      string       `bun:"id,pk"`
	OrgID   access.OrgID `bun:"org_id"`
	At      time.Time    `bun:"at"`
	Actor   string       `bun:"actor"`
	Address string       `bun:"address"`
	Verb    string       `bun:"verb"`
	Object  string       `bun:"object"`
	Note    string       `bun:"note"`
	Before  string       `bun:"before"`
	After   string       `bun:"after"`

	whose access.EmployeeID // whom said is about
	said  string            // free text, kept apart
}

// By prepares an entry by an actor, for Record.
func By(by access.Actor, at time.Time, verb, object, note string) Entry {
	return Entry{
		OrgID: by.OrgID, At: store.Instant(at), Actor: by.ID, Address: by.Address,
		Verb: verb, Object: object, Note: note,
	}
}

// Changed is e with what the setting was and became.
func (e Entry) Changed(before, after string) Entry {
	e.Before, e.After = before, after
	return e
}

// lot is what one call of Record wrote for one organisation and nobody has
// sealed yet.
type lot struct {
	bun.BaseModel `bun:"table:audit_lot"`

	ID    string       `bun:"id,pk"`
	OrgID access.OrgID `bun:"org_id"`
	N     int64        `bun:"n"`
}

// lotSize is how many entries are sealed in one piece.
const lotSize = 1000

// entryID is the ID of the i-th entry of the lot: of a lot of one, the lot's.
func (l lot) entryID(i int64) string {
	if l.N == 1 {
		return l.ID
	}
	return fmt.Sprintf("%s-%06d", l.ID, i)
}

// Record writes entries in the caller's transaction, and gives them their IDs.
func Record(ctx context.Context, tx bun.Tx, entries ...Entry) error {
	var lots []lot
	var orgs []access.OrgID
	var texts []text
	all := make([]Entry, 0, len(entries))
	for len(entries) > 0 {
		one := lot{ID: store.NewID(), OrgID: entries[0].OrgID}
		n := 1
		for n < min(len(entries), lotSize) && entries[n].OrgID == one.OrgID {
			n++
		}
		one.N = int64(n)
		for i, e := range entries[:n] {
			e.ID = one.entryID(int64(i))
			t, apart, err := e.apart()
			if err != nil {
				return err
			}
			if apart {
				texts = append(texts, t)
			}
			all = append(all, e)
		}
		lots, orgs, entries = append(lots, one), append(orgs, one.OrgID), entries[n:]
	}
	ctx = store.WritingTo(ctx, orgs...)
	if _, err := store.Insert(ctx, tx, all, ""); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if _, err := store.Insert(ctx, tx, lots, ""); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if len(texts) == 0 {
		return nil
	}
	if _, err := store.Insert(ctx, tx, texts, ""); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Of returns the entries about one object, oldest first, at most 1,000.
func Of(ctx context.Context, db bun.IDB, org access.OrgID, object string) ([]Entry, error) {
	var entries []Entry
	err := db.NewSelect().Model(&entries).
		Where("org_id = ?", org).Where("object = ?", object).
		Order("at", "id").Limit(1000).Scan(ctx)
	if err != nil {
		return nil, err
	}
	return entries, Tell(ctx, db, org, entries)
}
