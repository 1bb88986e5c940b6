package openid

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/store"
)

// sweepBatch is how many rows a statement of the sweep deletes.
const sweepBatch = 5000

// Sweep deletes tokens and assertions that are over, and grants a day later: until
// then a code that comes again is recognised.
func (s *Service) Sweep(ctx context.Context) error {
	now := store.Instant(s.Now())
	for _, table := range []struct {
		name, key string
		before    any
	}{{"openid_token", "token_mac", now}, {"openid_assertion", "jti", now}, {"openid_grant", "id", now.Add(-keepEnded)}} {
		for {
			n, err := store.Count(s.DB.NewRaw("DELETE FROM ? WHERE expires_at <= ? AND ? IN (SELECT ? FROM ? WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
				bun.Ident(table.name), table.before, bun.Ident(table.key), bun.Ident(table.key), bun.Ident(table.name), table.before, sweepBatch).Exec(ctx))
			if err != nil {
				return err
			}
			if n < sweepBatch {
				break
			}
		}
	}
	return nil
}
