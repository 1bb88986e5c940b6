package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/adgang/adgang/internal/outbox"
)

// errRedis marks the errors that only mean: Redis is away, work waits.
var errRedis = errors.New("redis")

// relay is the loop that hands due work to Redis; every node runs one.
type relay struct {
	*Runner

	client    *asynq.Client
	inspector *asynq.Inspector
	epoch     string // the life of Redis that client belongs to
	away      error  // why the last round failed, nil when it did not
	swept     time.Time
}

func (l *relay) loop(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for full := true; ; {
		// While something is away, only ticks look whether it is back.
		if full || l.away == nil {
			l.report(ctx, l.round(ctx, full))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			full = true
		case <-l.kicked:
			full = false
		}
	}
}

// report tells of an outage when it begins and when it ends, not each second.
func (l *relay) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err == nil && l.away != nil:
		l.Log.InfoContext(ctx, "work goes on")
	case errors.Is(err, errRedis) && !errors.Is(l.away, errRedis):
		l.Log.WarnContext(ctx, "redis is away, work waits in the database", "err", err)
	case err != nil && !errors.Is(err, errRedis) && (l.away == nil || errors.Is(l.away, errRedis)):
		l.Log.ErrorContext(ctx, "work cannot be handed on", "err", err)
	}
	l.away = err
}

// round hands on what is due, once it has seen that Redis is the same as before; a
// full one also sees to the schedule and to items that got lost.
func (l *relay) round(ctx context.Context, full bool) error {
	if full {
		if err := l.Tick(ctx); err != nil {
			return err
		}
		if err := l.sweep(ctx); err != nil {
			return err
		}
	}
	if err := l.meet(ctx); err != nil {
		return err
	}
	if full {
		if err := l.reap(ctx); err != nil {
			return err
		}
	}
	for {
		n, err := l.dispatch(ctx)
		if err != nil || n < claimAtOnce {
			return err
		}
	}
}

// sweep deletes old done items, once an hour.
func (l *relay) sweep(ctx context.Context) error {
	now := l.Now()
	if now.Sub(l.swept) < time.Hour {
		return nil
	}
	if _, err := outbox.Sweep(ctx, l.DB, now.Add(-keepDone)); err != nil {
		return err
	}
	l.swept = now
	return nil
}

// meet learns which life Redis is in. A new one has lost what it held: the items
// go back, and asynq gets a new client, since the old one remembers queues that
// Redis has forgotten.
func (l *relay) meet(ctx context.Context) error {
	epoch, err := l.Redis.epoch(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errRedis, err)
	}
	if epoch == l.epoch {
		return nil
	}
	n, err := outbox.ForgetEpoch(ctx, l.DB, epoch)
	if err != nil {
		return err
	}
	if l.epoch != "" {
		l.Log.WarnContext(ctx, "redis was emptied, work is handed to it again", "items", n)
	}
	l.client = asynq.NewClientFromRedisClient(l.Redis.client)
	l.inspector = asynq.NewInspectorFromRedisClient(l.Redis.client)
	l.epoch = epoch
	return nil
}

// reap puts back items whose process died or that Redis lost. One that still waits
// in its queue is fine, however long that takes.
func (l *relay) reap(ctx context.Context) error {
	stale, err := outbox.Stale(ctx, l.DB, l.Now().Add(-staleAfter), claimAtOnce)
	if err != nil {
		return err
	}
	var waiting, lost []outbox.Item
	for _, item := range stale {
		queued, err := l.queued(item)
		if err != nil {
			return err
		}
		if queued {
			waiting = append(waiting, item)
		} else {
			lost = append(lost, item)
		}
	}
	if len(lost) > 0 {
		l.Log.WarnContext(ctx, "work lost its process, it is handed on again", "items", len(lost))
	}
	return errors.Join(outbox.Touch(ctx, l.DB, l.Now(), waiting...), outbox.Reap(ctx, l.DB, lost...))
}

// queued asks Redis whether an item waits there for a worker.
func (l *relay) queued(item outbox.Item) (bool, error) {
	if item.Epoch == outbox.Held {
		return false, nil
	}
	info, err := l.inspector.GetTaskInfo(item.Queue, taskID(item))
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", errRedis, err)
	}
	return info.State == asynq.TaskStatePending, nil
}

// dispatch claims due items and hands them to Redis; those that it cannot take are
// released. It returns how many were claimed.
func (l *relay) dispatch(ctx context.Context) (int, error) {
	items, err := outbox.Claim(ctx, l.DB, l.Now(), l.epoch, l.Window, claimAtOnce)
	if err != nil {
		return 0, err
	}
	for i, item := range items {
		if err := l.enqueue(ctx, item); err != nil {
			err = fmt.Errorf("%w: %w", errRedis, err)
			return i, errors.Join(err, outbox.Release(context.WithoutCancel(ctx), l.DB, items[i:]...))
		}
	}
	return len(items), nil
}

// enqueue hands one item to asynq, which gets only its reference: the payload
// stays in the database. MaxRetry lets asynq bring back a task whose worker was
// killed, which then finds its attempt taken; the database decides what is retried.
func (l *relay) enqueue(ctx context.Context, item outbox.Item) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	id := taskID(item)
	_, err := l.client.EnqueueContext(ctx, asynq.NewTask(item.Kind, []byte(id)),
		asynq.TaskID(id), asynq.Queue(item.Queue), asynq.MaxRetry(5), asynq.Timeout(2*itemTimeout))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil // an earlier try arrived after all
	}
	return err
}

// taskID is "ID:attempt".
func taskID(item outbox.Item) string {
	return item.ID + ":" + strconv.FormatInt(item.Attempts, 10)
}

// parseTaskID is the inverse of taskID.
func parseTaskID(text string) (id string, attempt int64, err error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", 0, fmt.Errorf("task %q is not ID:attempt", text)
	}
	attempt, err = strconv.ParseInt(text[i+1:], 10, 64)
	return text[:i], attempt, err
}
