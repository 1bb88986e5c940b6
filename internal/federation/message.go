package federation

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

const messagePurpose secret.Purpose = "federation.message"

// Parts of a login that are kept for proof: the request as it came, with its
// signature, the Response as it went, and the signed assertion before it was
// encrypted.
const (
	RequestPart   = "request"
	ResponsePart  = "response"
	AssertionPart = "assertion"
)

// message is one part, deflated and sealed.
type message struct {
	bun.BaseModel `bun:"table:service_message"`

	AttemptID string       `bun:"attempt_id,pk"`
	Part      string       `bun:"part,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	ServiceID string       `bun:"service_id"`
	Sealed    []byte       `bun:"sealed"`
	At        time.Time    `bun:"at"`
}

func (m message) place() string { return string(m.OrgID) + "/" + m.AttemptID + "/" + m.Part }

// keep seals what belongs to an attempt.
func (s *Service) keep(ctx context.Context, tx bun.Tx, a *Attempt, parts map[string][]byte) error {
	var rows []message
	for _, part := range []string{RequestPart, ResponsePart, AssertionPart} {
		if len(parts[part]) == 0 {
			continue
		}
		packed, err := pack(parts[part])
		if err != nil {
			return err
		}
		row := message{AttemptID: a.ID, Part: part, OrgID: a.OrgID, ServiceID: a.ServiceID, At: a.At}
		row.Sealed = s.Keys.Seal(messagePurpose, row.place(), packed)
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	if _, err := store.Insert(ctx, tx, rows, ""); err != nil {
		return fmt.Errorf("keep messages: %w", err)
	}
	return nil
}

// packers are kept: a new one is 800 kB of tables, more than the rest of a login.
var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func pack(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w := packers.Get().(*flate.Writer) //nolint:forcetypeassert // nothing else is in there
	defer packers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Message returns one part of a login, which is on record from then on. Errors:
// fault.Denied, fault.Absent when there is none or it has been swept.
func (s *Service) Message(ctx context.Context, by access.Actor, id, attempt, part string) ([]byte, error) {
	a, err := s.Attempt(ctx, by, id, attempt)
	if err != nil {
		return nil, err
	}
	var row message
	err = s.DB.NewSelect().Model(&row).Where("org_id = ?", by.OrgID).Where("attempt_id = ?", a.ID).Where("part = ?", part).Scan(ctx)
	if err != nil {
		return nil, store.Found(err, "federation.message")
	}
	packed, err := s.Keys.Open(messagePurpose, row.place(), row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("message %s of %s: %w", part, a.ID, err)
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("message %s of %s: %w", part, a.ID, err)
	}
	return plain, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "saml.message", "service:"+id, part+" "+a.ID))
	})
}

// MessageParts lists which parts of logins are kept, by attempt.
func (s *Service) MessageParts(ctx context.Context, by access.Actor, attempts []Attempt) (map[string][]string, error) {
	found := map[string][]string{}
	if len(attempts) == 0 {
		return found, nil
	}
	ids := make([]string, len(attempts))
	for i, a := range attempts {
		ids[i] = a.ID
	}
	var rows []message
	err := s.DB.NewSelect().Model(&rows).Column("attempt_id", "part").Where("org_id = ?", by.OrgID).Where("attempt_id IN (?)", bun.List(ids)).
		Order("attempt_id", "part").Scan(ctx)
	for _, r := range rows {
		found[r.AttemptID] = append(found[r.AttemptID], r.Part)
	}
	return found, err
}

// sweepBatch is how many rows a statement of the sweep deletes.
const sweepBatch = 5000

// dropOld deletes attempts and messages past their time.
func (s *Service) dropOld(ctx context.Context) error {
	before := store.Instant(s.Now().Add(-keepAttempts))
	for _, table := range []struct{ name, key string }{{"service_message", "attempt_id"}, {"service_attempt", "id"}} {
		for {
			n, err := store.Count(s.DB.NewRaw("DELETE FROM ? WHERE ? IN (SELECT ? FROM ? WHERE at <= ? ORDER BY at LIMIT ?)",
				bun.Ident(table.name), bun.Ident(table.key), bun.Ident(table.key), bun.Ident(table.name), before, sweepBatch).Exec(ctx))
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
