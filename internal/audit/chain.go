package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Service seals the log, reads it and proves it.
type Service struct {
	DB   *bun.DB
	Keys *secret.Keys
	Now  func() time.Time
	Log  *slog.Logger
}

// seal is a lot in its organisation's chain (ADR 0022).
type seal struct {
	bun.BaseModel `bun:"table:audit_seal"`

	OrgID    access.OrgID `bun:"org_id,pk"`
	Seq      int64        `bun:"seq,pk"` // number of the lot's first entry
	Lot      string       `bun:"lot"`
	N        int64        `bun:"n"`
	Digests  []byte       `bun:"digests"` // the chain after each entry
	SealedAt time.Time    `bun:"sealed_at"`
}

// last is the number of the lot's last entry, 0 of no seal.
func (s seal) last() int64 {
	if s.N == 0 {
		return 0
	}
	return s.Seq + s.N - 1
}

// digest is the chain after the i-th entry, nil when the row is too short.
func (s seal) digest(i int64) []byte {
	if int64(len(s.Digests)) < (i+1)*sha256.Size {
		return nil
	}
	return s.Digests[i*sha256.Size : (i+1)*sha256.Size]
}

const (
	chainDomain = "adgang/audit/chain/1\x00"
	entryDomain = "adgang/audit/entry/1\x00"
)

// beginning is where an organisation's chain starts.
func beginning(org access.OrgID) []byte {
	sum := sha256.Sum256([]byte(chainDomain + string(org)))
	return sum[:]
}

// instant is how the chain and exports write an instant: UTC, microseconds.
const instant = "2006-01-02T15:04:05.000000Z"

// link is the chain after an entry: SHA-256 over a domain, the chain before, and
// each field with its length in front (8 bytes, big endian), so that no two
// entries have one encoding.
func link(previous []byte, number int64, e Entry) []byte {
	h := sha256.New()
	h.Write([]byte(entryDomain))
	h.Write(previous)
	for _, field := range []string{
		string(e.OrgID), strconv.FormatInt(number, 10), e.ID, e.At.UTC().Format(instant), e.Actor, e.Address,
		e.Verb, e.Object, e.Note, e.Before, e.After,
	} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write([]byte(field))
	}
	return h.Sum(nil)
}

// sealAtOnce bounds one transaction of Seal.
const sealAtOnce = 5000

// Seal numbers and chains what was committed since, and returns how many entries
// that were. Several nodes may call it together.
func (s *Service) Seal(ctx context.Context) (total int64, err error) {
	for {
		var orgs []access.OrgID
		if err := s.DB.NewSelect().Model((*lot)(nil)).Distinct().Column("org_id").Limit(1000).Scan(ctx, &orgs); err != nil {
			return total, fmt.Errorf("look for what is to be sealed: %w", err)
		}
		var round int64
		for _, org := range orgs {
			n, err := s.sealSome(ctx, org)
			if err != nil {
				return total, fmt.Errorf("seal the log of %q: %w", org, err)
			}
			round += n
		}
		total += round
		if round == 0 {
			return total, nil
		}
	}
}

// errTaken undoes what another node seals at the same time.
var errTaken = errors.New("another node seals")

// sealSome seals the oldest lots of one organisation. Whoever deletes the lots
// seals them, and the key of the seals lets one node at a time continue a chain.
func (s *Service) sealSome(ctx context.Context, org access.OrgID) (n int64, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n = 0
		lots, entries, err := s.whole(ctx, tx, org)
		if err != nil || len(lots) == 0 {
			return err
		}
		ids := make([]string, len(lots))
		for i, l := range lots {
			ids[i] = l.ID
		}
		taken, err := store.Count(tx.NewDelete().Model((*lot)(nil)).Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).Exec(ctx))
		if err != nil {
			return err
		}
		if taken != int64(len(lots)) {
			return errTaken
		}
		head, err := headOf(ctx, tx, org)
		if err != nil {
			return err
		}
		seals := s.chain(org, head, lots, entries)
		n = seals[len(seals)-1].last() - head.last()
		_, err = store.Insert(ctx, tx, seals, "")
		return err
	})
	if errors.Is(err, errTaken) || store.IsUnique(err) {
		return 0, nil
	}
	return n, err
}

// whole reads the oldest lots that have all their entries. One that lacks some
// stays, and Verify names it: the log goes on without it.
func (s *Service) whole(ctx context.Context, tx bun.Tx, org access.OrgID) ([]lot, map[string]Entry, error) {
	var lots, complete []lot
	err := tx.NewSelect().Model(&lots).Where("org_id = ?", org).Order("id").Limit(500).Scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for i, l := range lots {
		if int64(len(ids))+l.N > sealAtOnce && i > 0 {
			lots = lots[:i]
			break
		}
		for j := range l.N {
			ids = append(ids, l.entryID(j))
		}
	}
	entries, err := entriesOf(ctx, tx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range lots {
		there := true
		for j := range l.N {
			if _, ok := entries[l.entryID(j)]; !ok {
				there = false
				s.Log.ErrorContext(ctx, "an audit entry is gone before it was sealed", "org", org, "entry", l.entryID(j))
			}
		}
		if there {
			complete = append(complete, l)
		}
	}
	return complete, entries, nil
}

// entriesOf reads entries by their IDs.
func entriesOf(ctx context.Context, db bun.IDB, ids []string) (map[string]Entry, error) {
	all := make(map[string]Entry, len(ids))
	if len(ids) == 0 {
		return all, nil
	}
	var rows []Entry
	if err := db.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	for _, e := range rows {
		all[e.ID] = e
	}
	return all, nil
}

// headOf is the newest seal of an organisation, zero of none.
func headOf(ctx context.Context, db bun.IDB, org access.OrgID) (head seal, err error) {
	err = db.NewSelect().Model(&head).Where("org_id = ?", org).Order("seq DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return seal{OrgID: org}, nil
	}
	return head, err
}

// end is the chain after the seal.
func (s seal) end() []byte {
	if s.N == 0 {
		return beginning(s.OrgID)
	}
	return s.digest(s.N - 1)
}

// chain continues the chain at head.
func (s *Service) chain(org access.OrgID, head seal, lots []lot, entries map[string]Entry) []seal {
	previous, number, now := head.end(), head.last(), store.Instant(s.Now())
	seals := make([]seal, len(lots))
	for i, l := range lots {
		one := seal{OrgID: org, Seq: number + 1, Lot: l.ID, N: l.N, SealedAt: now}
		var digests bytes.Buffer
		for j := range l.N {
			number++
			previous = link(previous, number, entries[l.entryID(j)])
			digests.Write(previous)
		}
		one.Digests = digests.Bytes()
		seals[i] = one
	}
	return seals
}
