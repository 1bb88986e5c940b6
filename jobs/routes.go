package jobs

import (
	"context"
	"encoding/json"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
)

// Route says which method does the work of a kind.
type Route struct {
	Kind string
	run  func(ctx context.Context, payload string) error
}

// Handle makes a route; the compiler checks that the method takes what the kind
// carries. do may run again after a crash, so a second run must change nothing.
// Its errors: fault.Unavailable and Internal are tried again, the other kinds give
// the item up.
func Handle[T any](kind outbox.Kind[T], do func(context.Context, T) error) Route {
	return Route{Kind: kind.Name(), run: func(ctx context.Context, payload string) error {
		var value T
		if err := json.Unmarshal([]byte(payload), &value); err != nil {
			return fault.New(fault.Invalid, "jobs.payload.malformed", "The payload of this work cannot be read.").Because(err)
		}
		return do(ctx, value)
	}}
}
