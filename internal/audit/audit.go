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
// ("employee:ID"), Note free text without secrets and without CPR.
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
}

// By prepares an entry by an actor, for Record.
func By(by access.Actor, at time.Time, verb, object, note string) Entry {
	return Entry{
		ID: store.NewID(), OrgID: by.OrgID, At: store.Instant(at), Actor: by.ID, Address: by.Address,
		Verb: verb, Object: object, Note: note,
	}
}

// Record writes entries in the caller's transaction.
func Record(ctx context.Context, tx bun.Tx, entries ...Entry) error {
	if _, err := store.Insert(ctx, tx, entries, ""); err != nil {
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
	return entries, err
}
