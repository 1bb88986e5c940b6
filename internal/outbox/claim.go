package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/store"
)

// Held is the epoch of an item that a process is working on. Until then an item
// depends on the Redis it was handed to; from then on only on that process.
const Held = ""

// Claim moves at most limit items due at now from pending to dispatched and
// returns them, attempts counted up. An organisation never has more than window
// items of one queue dispatched, so that a batch of 100,000 rows leaves room for
// the others; in the answer the first item of each organisation comes before the
// second of any. epoch is the life of the Redis that will hold them, or Held. Two
// nodes that claim at once get different items.
func Claim(ctx context.Context, db *bun.DB, now time.Time, epoch string, window, limit int) ([]Item, error) {
	var ids []string
	err := db.NewRaw(`
		SELECT id FROM (
			SELECT w.id, w.due_at, coalesce(f.n, 0)
				+ row_number() OVER (PARTITION BY w.org_id, w.queue ORDER BY w.due_at, w.id) AS place
			FROM work AS w
			LEFT JOIN (
				SELECT org_id, queue, count(*) AS n FROM work WHERE state = ? GROUP BY org_id, queue
			) AS f ON f.org_id = w.org_id AND f.queue = w.queue
			WHERE w.state = ? AND w.due_at <= ?
		) AS waiting
		WHERE place <= ? ORDER BY place, due_at, id LIMIT ?`,
		Dispatched, Pending, store.Instant(now), window, limit).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("look for due work: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	// Without SKIP LOCKED two nodes could wait for each other's rows; SQLite has
	// one writer and no such clause.
	lock := " FOR UPDATE SKIP LOCKED"
	if store.SQLite(db) {
		lock = ""
	}
	var items []Item
	err = db.NewRaw(`
		UPDATE work SET state = ?, attempts = attempts + 1, epoch = ?, touched_at = ?
		WHERE state = ? AND id IN (SELECT id FROM work WHERE id IN (?) AND state = ?`+lock+`)
		RETURNING *`,
		Dispatched, epoch, store.Instant(now), Pending, bun.List(ids), Pending).Scan(whole(ctx, db), &items)
	if err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	place := make(map[string]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(items, func(a, b Item) int { return place[a.ID] - place[b.ID] })
	return items, nil
}

// Release undoes Claim for items that could not be handed on; the attempt does
// not count.
func Release(ctx context.Context, db *bun.DB, items ...Item) error {
	return back(ctx, db, "release", "attempts = attempts - 1", items)
}

// Stale returns items dispatched and not touched since before, oldest first: the
// process that worked on them (epoch Held) is gone, or they wait in Redis or were
// lost there, which only Redis can tell.
func Stale(ctx context.Context, db *bun.DB, before time.Time, limit int) ([]Item, error) {
	var items []Item
	err := db.NewSelect().Model(&items).
		Where("state = ?", Dispatched).Where("touched_at < ?", store.Instant(before)).
		Order("touched_at", "id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for stale work: %w", err)
	}
	return items, nil
}

// Reap puts items back to pending whose dispatch came to nothing; the attempt
// counts. An item that was touched since it was read is left alone.
func Reap(ctx context.Context, db *bun.DB, items ...Item) error {
	return back(ctx, db, "reap", "attempts = attempts", items)
}

// back returns dispatched items to pending, each only if it is still as it was
// read.
func back(ctx context.Context, db *bun.DB, what, set string, items []Item) error {
	for _, i := range items {
		_, err := db.NewUpdate().Model((*Item)(nil)).
			Set("state = ?", Pending).Set("epoch = ?", Held).Set(set).
			Where("id = ?", i.ID).Where("attempts = ?", i.Attempts).Where("state = ?", Dispatched).
			Where("epoch = ?", i.Epoch).Where("touched_at = ?", i.TouchedAt).
			Exec(whole(ctx, db))
		if err != nil {
			return fmt.Errorf("%s work %s: %w", what, i.ID, err)
		}
	}
	return nil
}

// ForgetEpoch puts back all items that were handed to another Redis than the one
// that lives now, and returns how many. Items that a process is working on stay
// with it.
func ForgetEpoch(ctx context.Context, db *bun.DB, epoch string) (int64, error) {
	n, err := store.Count(db.NewUpdate().Model((*Item)(nil)).
		Set("state = ?", Pending).Set("epoch = ?", Held).
		Where("state = ?", Dispatched).Where("epoch <> ?", Held).Where("epoch <> ?", epoch).
		Exec(whole(ctx, db)))
	if err != nil {
		return 0, fmt.Errorf("forget dispatched work: %w", err)
	}
	return n, nil
}

// Restart puts back everything dispatched, and returns how many. Only for the one
// process that owns the embedded queue, before it starts to work: whoever had the
// items is gone.
func Restart(ctx context.Context, db *bun.DB) (int64, error) {
	n, err := store.Count(db.NewUpdate().Model((*Item)(nil)).
		Set("state = ?", Pending).Set("epoch = ?", Held).
		Where("state = ?", Dispatched).
		Exec(whole(ctx, db)))
	if err != nil {
		return 0, fmt.Errorf("restart dispatched work: %w", err)
	}
	return n, nil
}

// whole is ctx for a statement that writes: on SQLite a cancelled one could
// interrupt the next statement of its connection, so there it runs to its end.
func whole(ctx context.Context, db *bun.DB) context.Context {
	if store.SQLite(db) {
		return context.WithoutCancel(ctx)
	}
	return ctx
}
