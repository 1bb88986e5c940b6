package jobs

import (
	"context"
	"time"
)

const (
	sealEvery       = 500 * time.Millisecond
	checkpointEvery = 10 * time.Minute // looks whether a day's are due
)

// seal numbers and chains new audit entries twice a second, and signs the day's
// checkpoints. Every node does it: they keep out of each other's way.
func (r *Runner) seal(ctx context.Context) {
	tick := time.NewTicker(sealEvery)
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
