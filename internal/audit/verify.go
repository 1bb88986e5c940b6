package audit

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/adgang/adgang/internal/access"
)

// Report is what Verify found in one organisation's log.
type Report struct {
	OrgID  access.OrgID
	Sealed int64  // the number of the last sealed entry
	Digest []byte // the chain after it
	// Unsealed entries were written within the last second, or wait for a node
	// that seals; nothing proves them yet. Since is the oldest one's instant.
	Unsealed int64
	Since    *time.Time
	// Checkpoints is how many signed checkpoints agree; Signed the last entry that
	// one covers.
	Checkpoints int
	Signed      int64
	SignedAt    *time.Time
	Problems    []Problem // empty when the log is as it was sealed, at most maxProblems
}

// Problem is one thing that is not as it was sealed.
type Problem struct {
	Kind   string // changed, missing, inserted, order, checkpoint, file
	Number int64  // of the entry, 0 = none
	Entry  string // its ID, "" = none
	Text   string
}

const maxProblems = 100

func (r *Report) found(kind string, number int64, entry, text string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{kind, number, entry, fmt.Sprintf(text, args...)})
	}
}

// Verify reads an organisation's whole log and compares it with its chain and its
// checkpoints: a sealed entry that was changed, deleted or moved, one that was put
// in, seals that are gone. Each problem is named where it is, not after it.
func (s *Service) Verify(ctx context.Context, org access.OrgID) (Report, error) {
	r := Report{OrgID: org, Digest: beginning(org)}
	points, err := s.checkpoints(ctx, org)
	if err != nil {
		return r, err
	}
	at := map[int64][]byte{} // the chain where a checkpoint is
	for _, p := range points {
		at[p.Seq] = nil
	}
	for after := int64(0); ; {
		var seals []seal
		err := s.DB.NewSelect().Model(&seals).Where("org_id = ?", org).Where("seq > ?", after).Order("seq").Limit(500).Scan(ctx)
		if err != nil {
			return r, err
		}
		if len(seals) == 0 {
			break
		}
		after = seals[len(seals)-1].Seq
		if err := s.verifySeals(ctx, &r, seals, at); err != nil {
			return r, err
		}
	}
	if err := s.verifyCheckpoints(ctx, &r, points, at); err != nil {
		return r, err
	}
	return r, s.verifyRest(ctx, &r)
}

func (s *Service) checkpoints(ctx context.Context, org access.OrgID) (all []Checkpoint, err error) {
	err = s.DB.NewSelect().Model(&all).Where("org_id = ?", org).Order("day").Scan(ctx)
	return all, err
}

// verifySeals goes on from r.Sealed with the seals that follow.
func (s *Service) verifySeals(ctx context.Context, r *Report, seals []seal, at map[int64][]byte) error {
	var ids []string
	for _, one := range seals {
		for i := range one.N {
			ids = append(ids, lot{ID: one.Lot, N: one.N}.entryID(i))
		}
	}
	entries, err := entriesOf(ctx, s.DB, ids)
	if err != nil {
		return err
	}
	for _, one := range seals {
		if one.Seq != r.Sealed+1 {
			r.found("missing", r.Sealed+1, "", "The seals of the entries %d to %d are gone.", r.Sealed+1, one.Seq-1)
		}
		previous := r.Digest
		for i := range one.N {
			id, number := lot{ID: one.Lot, N: one.N}.entryID(i), one.Seq+i
			want := one.digest(i)
			e, there := entries[id]
			switch {
			case want == nil:
				r.found("changed", number, id, "The seal of entry %d was cut.", number)
				want = previous
			case !there:
				r.found("missing", number, id, "Entry %d is gone.", number)
			case !bytes.Equal(link(previous, number, e), want):
				r.found("changed", number, id, "Entry %d is not what was sealed: it, its place or its seal was changed.", number)
			}
			previous = want
			if _, asked := at[number]; asked {
				at[number] = want
			}
		}
		r.Sealed, r.Digest = one.last(), previous
	}
	return nil
}

func (s *Service) verifyCheckpoints(ctx context.Context, r *Report, points []Checkpoint, at map[int64][]byte) error {
	var rows []keyRow
	if err := s.DB.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return err
	}
	keys := map[string][]byte{}
	for _, k := range rows {
		keys[k.ID] = k.Public
	}
	for _, p := range points {
		said, err := ParseStatement(p.Text)
		if err == nil {
			err = verifySignature(keys[p.KeyID], p.Text, p.Signature)
		}
		switch {
		case err != nil:
			r.found("checkpoint", p.Seq, "", "The checkpoint of %s is not one of this installation: %v.", p.Day, err)
		case said.OrgID != r.OrgID || said.To != p.Seq || !bytes.Equal(said.Digest, p.Digest):
			r.found("checkpoint", p.Seq, "", "The checkpoint of %s was signed for something else.", p.Day)
		case said.To > r.Sealed:
			r.found("missing", r.Sealed+1, "", "The checkpoint of %s covers %d entries, and %d are there.", p.Day, said.To, r.Sealed)
		case !bytes.Equal(at[p.Seq], said.Digest):
			r.found("checkpoint", p.Seq, "", "The chain at entry %d is not what the checkpoint of %s was signed for.", p.Seq, p.Day)
		default:
			r.Checkpoints++
			if p.Seq > r.Signed {
				r.Signed, r.SignedAt = p.Seq, &p.At
			}
		}
	}
	return nil
}

// lotLength is the length of a lot's ID, with which the ID of an entry begins.
const lotLength = 36

// placed is an entry's ID and the size of the lot that it says to be of.
type placed struct {
	ID     string    `bun:"id"`
	At     time.Time `bun:"at"`
	Sealed int64     `bun:"sealed"`
	Open   int64     `bun:"open"`
}

// verifyRest looks for entries that no seal knows, and for those that wait.
func (s *Service) verifyRest(ctx context.Context, r *Report) error {
	for after := ""; ; {
		var page []placed
		err := s.DB.NewRaw(`SELECT e.id, e.at, coalesce(s.n, 0) AS sealed, coalesce(l.n, 0) AS open
			FROM (SELECT id, at, substr(id, 1, ?) AS lot FROM audit_entry WHERE org_id = ? AND id > ? ORDER BY id LIMIT 10000) AS e
			LEFT JOIN audit_seal AS s ON s.lot = e.lot
			LEFT JOIN audit_lot AS l ON l.id = e.lot
			ORDER BY e.id`, lotLength, r.OrgID, after).Scan(ctx, &page)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].ID
		for _, p := range page {
			switch n := p.Sealed + p.Open; {
			case n == 0 || !within(p.ID, n):
				r.found("inserted", 0, p.ID, "The entry %s was put in past the log.", p.ID)
			case p.Open > 0:
				r.Unsealed++
				if r.Since == nil || p.At.Before(*r.Since) {
					r.Since = &p.At
				}
			}
		}
	}
}

// within tells whether an entry's ID is one of a lot of n.
func within(id string, n int64) bool {
	if n == 1 || len(id) <= lotLength {
		return n == 1 && len(id) == lotLength
	}
	i, err := strconv.ParseInt(id[lotLength+1:], 10, 64)
	return err == nil && i >= 0 && i < n && lot{ID: id[:lotLength], N: n}.entryID(i) == id
}

// place is which entry of its lot an ID is.
func place(id string) int64 {
	if len(id) <= lotLength {
		return 0
	}
	i, err := strconv.ParseInt(id[lotLength+1:], 10, 64)
	if err != nil {
		return 0
	}
	return i
}

// Status is what a page says about the chain without reading it all.
type Status struct {
	Sealed     int64 // the number of the last sealed entry
	SealedAt   *time.Time
	Unsealed   int64
	Checkpoint *Checkpoint // the newest, nil before the first
}

// Status tells how far the actor's log is sealed and signed. Errors: fault.Denied.
func (s *Service) Status(ctx context.Context, by access.Actor) (st Status, err error) {
	if err := by.Need(access.ViewAudit); err != nil {
		return st, err
	}
	head, err := headOf(ctx, s.DB, by.OrgID)
	if err != nil {
		return st, err
	}
	if st.Sealed = head.last(); st.Sealed > 0 {
		st.SealedAt = &head.SealedAt
	}
	err = s.DB.NewSelect().Model((*lot)(nil)).ColumnExpr("coalesce(sum(n), 0)").Where("org_id = ?", by.OrgID).Scan(ctx, &st.Unsealed)
	if err != nil {
		return st, err
	}
	var newest []Checkpoint
	err = s.DB.NewSelect().Model(&newest).Where("org_id = ?", by.OrgID).Order("day DESC").Limit(1).Scan(ctx)
	if len(newest) > 0 {
		st.Checkpoint = &newest[0]
	}
	return st, err
}

// Check is Verify for a person of the organisation. Errors: fault.Denied.
func (s *Service) Check(ctx context.Context, by access.Actor) (Report, error) {
	if err := by.Need(access.ViewAudit); err != nil {
		return Report{}, err
	}
	return s.Verify(ctx, by.OrgID)
}
