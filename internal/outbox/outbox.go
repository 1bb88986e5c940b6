// Package outbox records work in the transaction of the change that asks for
// it. The database is the only truth about what is still to do; jobs carries
// the work to a worker after the commit, at least once.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// The two queues: Bulk gives way to Default, so that a batch of 100,000 rows
// does not hold up one employee.
const (
	Default = "default"
	Bulk    = "bulk"
)

// States of an item.
const (
	Pending    = "pending"
	Dispatched = "dispatched"
	Done       = "done"
	Failed     = "failed"
)

// Item is one piece of work.
type Item struct {
	bun.BaseModel `bun:"table:work"`

	ID        string       `bun:"id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	Kind      string       `bun:"kind"`
	Queue     string       `bun:"queue"`
	Payload   string       `bun:"payload"` // JSON of the kind's type
	State     string       `bun:"state"`
	DueAt     time.Time    `bun:"due_at"`
	Attempts  int64        `bun:"attempts"`
	Epoch     string       `bun:"epoch"`
	TouchedAt *time.Time   `bun:"touched_at"`
	LastError string       `bun:"last_error"`
}

// Kind is a sort of work with a payload of type T. Its name is stored, so it
// never changes once released.
type Kind[T any] struct{ name string }

var (
	mu    sync.Mutex
	names []string
)

// NewKind declares a kind; name is "package.verb_noun". It panics on a name
// that is taken, a programmer's mistake.
func NewKind[T any](name string) Kind[T] {
	mu.Lock()
	defer mu.Unlock()
	if slices.Contains(names, name) {
		panic("outbox: kind declared twice: " + name)
	}
	names = append(names, name)
	return Kind[T]{name}
}

// Kinds returns the names of all declared kinds.
func Kinds() []string {
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(names)
}

// Name returns the stored name.
func (k Kind[T]) Name() string { return k.name }

// Item prepares work due at an instant, for Add.
func (k Kind[T]) Item(org access.OrgID, queue string, payload T, due time.Time) (Item, error) {
	b, err := json.Marshal(payload)
	if err != nil {
		return Item{}, fmt.Errorf("work %s: %w", k.name, err)
	}
	return Item{
		ID: store.NewID(), OrgID: org, Kind: k.name, Queue: queue, Payload: string(b),
		State: Pending, DueAt: store.Instant(due),
	}, nil
}

// Add records one piece of work on the default queue.
func (k Kind[T]) Add(ctx context.Context, tx bun.Tx, org access.OrgID, payload T, due time.Time) error {
	item, err := k.Item(org, Default, payload, due)
	if err != nil {
		return err
	}
	return Add(ctx, tx, item)
}

// AddOnce records work under a fixed ID, so that ten nodes that record the same
// make one; a second call changes nothing.
func (k Kind[T]) AddOnce(ctx context.Context, tx bun.Tx, id string, org access.OrgID, payload T, due time.Time) error {
	item, err := k.Item(org, Default, payload, due)
	if err != nil {
		return err
	}
	item.ID = id
	return Add(ctx, tx, item)
}

// Add records prepared items; one whose ID exists is left as it is.
func Add(ctx context.Context, tx bun.Tx, items ...Item) error {
	orgs := make([]access.OrgID, len(items))
	for i, item := range items {
		orgs[i] = item.OrgID
	}
	if _, err := store.Insert(store.WritingTo(ctx, orgs...), tx, items, "ON CONFLICT (id) DO NOTHING"); err != nil {
		return fmt.Errorf("record work: %w", err)
	}
	return nil
}

// Latest returns the newest work of this kind in an organisation, at most n.
func (k Kind[T]) Latest(ctx context.Context, db bun.IDB, org access.OrgID, n int64) ([]Item, error) {
	var all []Item
	err := db.NewSelect().Model(&all).Where("org_id = ?", org).Where("kind = ?", k.name).Order("id DESC").Limit(n).Scan(ctx)
	return all, err
}

// Waiting tells whether work of this kind that mentions an ID in its payload is
// pending or dispatched in an organisation.
func (k Kind[T]) Waiting(ctx context.Context, db bun.IDB, org access.OrgID, id string) (bool, error) {
	return db.NewSelect().Model((*Item)(nil)).Where("org_id = ?", org).Where("kind = ?", k.name).
		Where("state IN (?, ?)", Pending, Dispatched).Where("payload LIKE ?", "%"+id+"%").Exists(ctx)
}
