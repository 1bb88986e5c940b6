package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/secret"
)

// Sealed is a column of values that the master key seals, and how to find the
// place that each is sealed for.
type Sealed struct {
	Table, Column string
	Key           []string // columns of the primary key, text or numbers
	Place         string   // SQL
	Purpose       secret.Purpose
	// Hash is the column with the keyed hash of the value, "" = none; MAC makes it.
	Hash string
	MAC  func(keys *secret.Keys, org string, plain []byte) []byte
}

// rewrapAtOnce is how many values one transaction seals anew.
const rewrapAtOnce = 500

type sealedRow struct {
	Key1  string `bun:"key1"`
	Key2  string `bun:"key2"`
	Org   string `bun:"org"`
	Place string `bun:"place"`
	Value []byte `bun:"value"`
}

// Rewrap seals every value of the column that an older master key sealed with the
// newest one, and hashes it anew, and returns how many. It may be broken off and
// called again, and run while others read and write: a value that changes
// meanwhile is left to whoever changed it. Errors name values that no key opens.
func Rewrap(ctx context.Context, db *bun.DB, keys *secret.Keys, s Sealed) (n int64, err error) {
	key2, org := "''", "''"
	if len(s.Key) > 1 {
		key2 = s.Key[1]
	}
	if s.Hash != "" {
		org = "org_id"
	}
	first, second := "", ""
	for {
		q := db.NewSelect().Table(s.Table).
			ColumnExpr("CAST(? AS TEXT) AS key1, CAST("+key2+" AS TEXT) AS key2, "+org+" AS org, "+s.Place+" AS place, ? AS value",
				bun.Ident(s.Key[0]), bun.Ident(s.Column)).
			Where("? IS NOT NULL AND length(?) > 0", bun.Ident(s.Column), bun.Ident(s.Column)).OrderExpr(strings.Join(s.Key, ", ")).Limit(rewrapAtOnce)
		switch {
		case first == "":
		case len(s.Key) > 1:
			q = q.Where("(?, ?) > (?, ?)", bun.Ident(s.Key[0]), bun.Ident(s.Key[1]), first, bun.Safe(second))
		default:
			q = q.Where("? > ?", bun.Ident(s.Key[0]), first)
		}
		var rows []sealedRow
		if err := q.Scan(ctx, &rows); err != nil {
			return n, fmt.Errorf("read %s.%s: %w", s.Table, s.Column, err)
		}
		if len(rows) == 0 {
			return n, nil
		}
		first, second = rows[len(rows)-1].Key1, rows[len(rows)-1].Key2
		err := InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
			for _, row := range rows {
				one, err := s.again(ctx, tx, keys, row)
				if err != nil {
					return err
				}
				n += one
			}
			return nil
		})
		if err != nil {
			return n, fmt.Errorf("seal %s.%s anew: %w", s.Table, s.Column, err)
		}
	}
}

// again seals one value anew, unless the newest key did already.
func (s Sealed) again(ctx context.Context, tx bun.Tx, keys *secret.Keys, row sealedRow) (int64, error) {
	if keys.Newest(s.Purpose, row.Place, row.Value) {
		return 0, nil
	}
	plain, err := keys.Open(s.Purpose, row.Place, row.Value)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", row.Key1, row.Key2, err)
	}
	q := tx.NewUpdate().Table(s.Table).Set("? = ?", bun.Ident(s.Column), keys.Seal(s.Purpose, row.Place, plain)).
		Where("? = ?", bun.Ident(s.Key[0]), row.Key1).Where("? = ?", bun.Ident(s.Column), row.Value)
	if len(s.Key) > 1 {
		q = q.Where("? = ?", bun.Ident(s.Key[1]), bun.Safe(row.Key2))
	}
	if s.Hash != "" {
		q = q.Set("? = ?", bun.Ident(s.Hash), s.MAC(keys, row.Org, plain))
	}
	return Count(q.Exec(ctx))
}
