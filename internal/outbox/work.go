package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// maxError is the length in characters that last_error is cut to.
const maxError = 500

// Begin gives a dispatched item to the calling process, which must Touch it while
// it works. It is false when the attempt is no longer the current one or has begun
// already: the task in Redis is then a leftover to drop.
func Begin(ctx context.Context, db *bun.DB, now time.Time, id string, attempt int64) (Item, bool, error) {
	var item Item
	err := db.NewRaw(`
		UPDATE work SET epoch = ?, touched_at = ?
		WHERE id = ? AND attempts = ? AND state = ? AND epoch <> ?
		RETURNING *`,
		Held, store.Instant(now), id, attempt, Dispatched, Held).Scan(whole(ctx, db), &item)
	if errors.Is(err, sql.ErrNoRows) {
		return Item{}, false, nil
	}
	if err != nil {
		return Item{}, false, fmt.Errorf("begin work %s: %w", id, err)
	}
	return item, true, nil
}

// Touch tells that items are alive: being worked on, or still waiting in Redis.
func Touch(ctx context.Context, db *bun.DB, now time.Time, items ...Item) error {
	for _, i := range items {
		_, err := db.NewUpdate().Model((*Item)(nil)).
			Set("touched_at = ?", store.Instant(now)).
			Where("id = ?", i.ID).Where("attempts = ?", i.Attempts).Where("state = ?", Dispatched).
			Exec(whole(ctx, db))
		if err != nil {
			return fmt.Errorf("touch work %s: %w", i.ID, err)
		}
	}
	return nil
}

// Finish marks an item done. It is false when the attempt was taken away
// meanwhile; what the work did stands all the same.
func Finish(ctx context.Context, db *bun.DB, now time.Time, item Item) (bool, error) {
	return end(ctx, db, now, item, Done, item.DueAt, "")
}

// Retry puts an item back to pending, due again at due, with the reason. False as
// for Finish.
func Retry(ctx context.Context, db *bun.DB, now time.Time, item Item, due time.Time, reason string) (bool, error) {
	return end(ctx, db, now, item, Pending, due, reason)
}

// Fail gives an item up for good, with the reason; someone must look. False as for
// Finish.
func Fail(ctx context.Context, db *bun.DB, now time.Time, item Item, reason string) (bool, error) {
	return end(ctx, db, now, item, Failed, item.DueAt, reason)
}

func end(ctx context.Context, db *bun.DB, now time.Time, item Item, state string, due time.Time, reason string) (bool, error) {
	n, err := store.Count(db.NewUpdate().Model((*Item)(nil)).
		Set("state = ?", state).Set("epoch = ?", Held).Set("touched_at = ?", store.Instant(now)).
		Set("due_at = ?", store.Instant(due)).Set("last_error = ?", cut(reason)).
		Where("id = ?", item.ID).Where("attempts = ?", item.Attempts).Where("state = ?", Dispatched).
		Exec(whole(ctx, db)))
	if err != nil {
		return false, fmt.Errorf("end work %s as %s: %w", item.ID, state, err)
	}
	return n == 1, nil
}

// cut makes any text storable: valid UTF-8 without NUL, at most maxError
// characters.
func cut(text string) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", ""))
	return string(runes[:min(len(runes), maxError)])
}

// Sweep deletes items that were done before an instant and returns how many.
// Failed ones stay.
func Sweep(ctx context.Context, db *bun.DB, before time.Time) (int64, error) {
	n, err := store.Count(db.NewDelete().Model((*Item)(nil)).
		Where("state = ?", Done).Where("touched_at < ?", store.Instant(before)).
		Exec(whole(ctx, db)))
	if err != nil {
		return 0, fmt.Errorf("sweep done work: %w", err)
	}
	return n, nil
}

// Waiting returns how many items of an organisation ("" is the system's own) are
// due at now or dispatched: 0 means that nothing will happen before now moves on.
func Waiting(ctx context.Context, db *bun.DB, org access.OrgID, now time.Time) (int64, error) {
	return db.NewSelect().Model((*Item)(nil)).
		Where("org_id = ?", org).
		Where("(state = ? OR (state = ? AND due_at <= ?))", Dispatched, Pending, store.Instant(now)).
		Count(ctx)
}

// Backlog counts work over all organisations. Due is the part of Pending that
// could run at once.
type Backlog struct {
	Pending, Due, Dispatched, Failed int64
}

// Look counts the backlog at now, for metrics and for waiting until all is done.
func Look(ctx context.Context, db *bun.DB, now time.Time) (Backlog, error) {
	var b Backlog
	err := db.NewRaw(`
		SELECT coalesce(sum(CASE WHEN state = ? THEN 1 ELSE 0 END), 0) AS pending,
			coalesce(sum(CASE WHEN state = ? AND due_at <= ? THEN 1 ELSE 0 END), 0) AS due,
			coalesce(sum(CASE WHEN state = ? THEN 1 ELSE 0 END), 0) AS dispatched,
			coalesce(sum(CASE WHEN state = ? THEN 1 ELSE 0 END), 0) AS failed
		FROM work WHERE state <> ?`,
		Pending, Pending, store.Instant(now), Dispatched, Failed, Done).
		Scan(ctx, &b.Pending, &b.Due, &b.Dispatched, &b.Failed)
	if err != nil {
		return Backlog{}, fmt.Errorf("count work: %w", err)
	}
	return b, nil
}
