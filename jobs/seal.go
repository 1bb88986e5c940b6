package jobs

import (
	"context"
	"time"
)

// SealEvery is how far apart the runs are that seal new audit entries: within a
// second of an entry a run has begun and ended.
const SealEvery = 500 * time.Millisecond

const checkpointEvery = 10 * time.Minute // looks whether a day's are due

// Seal numbers and chains new audit entries twice a second, and signs the day's
// checkpoints. Every node does it, until ctx
// ends: they keep out of each other's way.
func (r *Runner) Seal(ctx context.Context) {
	tick := time.NewTicker(SealEvery)
	defer tick.Stop()
	var looked time.Time
	for {
		_, err := r.Audit.Seal(ctx)
		if now := r.Now(); err == nil && now.Sub(looked) >= checkpointEvery {
			if _, err = r.Audit.Checkpoints(ctx); err == nil {
				looked = now
			}
		}
		if err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "audit entries cannot be sealed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
