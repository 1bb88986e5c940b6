package audit

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	_ "embed" // readme.txt
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// The parts of a proof, a ZIP archive.
const (
	partEntries   = "entries.ndjson"
	partStatement = "statement.txt"
	partSignature = "statement.sig"
	partKey       = "key.pem"
	partReadme    = "README.txt"
)

//go:embed readme.txt
var readme string

// line is one entry in a proof: all that its digest is made of.
type line struct {
	Number       int64  `json:"number"`
	ID           string `json:"id"`
	Organisation string `json:"organisation"`
	At           string `json:"at"`
	Actor        string `json:"actor"`
	Address      string `json:"address"`
	Verb         string `json:"verb"`
	Object       string `json:"object"`
	Note         string `json:"note"`
	Before       string `json:"before"`
	After        string `json:"after"`
	Digest       string `json:"digest"`
}

// Span is a part of the log by number, both ends included; To 0 is the last that is
// sealed.
type Span struct{ From, To int64 }

// Proof prepares an export that proves to be whole, records that it was taken, and
// returns how to write it. Errors: fault.Denied; fault.Invalid for a span that is
// none of the sealed log.
func (s *Service) Proof(ctx context.Context, by access.Actor, span Span) (write func(io.Writer) error, err error) {
	if err := by.Need(access.ViewAudit); err != nil {
		return nil, err
	}
	head, err := headOf(ctx, s.DB, by.OrgID)
	if err != nil {
		return nil, err
	}
	span.From = max(span.From, 1)
	if span.To == 0 {
		span.To = head.last()
	}
	if span.From > span.To || span.To > head.last() {
		return nil, fault.New(fault.Invalid, "audit.span", "The log is sealed from entry 1 to entry %d. Choose a part of that.", head.last()).On("from")
	}
	st := Statement{OrgID: by.OrgID, From: span.From, To: span.To, At: store.Instant(s.Now())}
	if st.Previous, err = s.digestAt(ctx, by.OrgID, span.From-1); err != nil {
		return nil, err
	}
	if st.Digest, err = s.digestAt(ctx, by.OrgID, span.To); err != nil {
		return nil, err
	}
	signature, key, err := s.sign(ctx, st.Text())
	if err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return Record(ctx, tx, By(by, s.Now(), "audit.export", "organisation:"+string(by.OrgID), fmt.Sprintf("%d to %d", span.From, span.To)))
	})
	return func(w io.Writer) error { return s.writeProof(ctx, w, st, signature, key.Public) }, err
}

// digestAt is the chain after an entry, by its number; 0 is the beginning.
func (s *Service) digestAt(ctx context.Context, org access.OrgID, number int64) ([]byte, error) {
	if number == 0 {
		return beginning(org), nil
	}
	var one seal
	err := s.DB.NewSelect().Model(&one).Where("org_id = ?", org).Where("seq <= ?", number).Order("seq DESC").Limit(1).Scan(ctx)
	if err != nil {
		return nil, err
	}
	return one.digest(number - one.Seq), nil
}

func (s *Service) writeProof(ctx context.Context, w io.Writer, st Statement, signature, pkix []byte) error {
	z := zip.NewWriter(w)
	for _, part := range []struct {
		name string
		body []byte
	}{
		{partReadme, []byte(readme)},
		{partStatement, []byte(st.Text())},
		{partSignature, signature},
		{partKey, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})},
	} {
		if err := addPart(z, part.name, part.body); err != nil {
			return err
		}
	}
	f, err := z.Create(partEntries)
	if err != nil {
		return err
	}
	out := json.NewEncoder(f)
	out.SetEscapeHTML(false)
	if err := s.eachSealed(ctx, st, func(l line) error { return out.Encode(l) }); err != nil {
		return err
	}
	return z.Close()
}

// eachSealed reads the entries of a statement in order.
func (s *Service) eachSealed(ctx context.Context, st Statement, fn func(line) error) error {
	for after := st.From - lotSize; ; {
		var seals []seal
		err := s.DB.NewSelect().Model(&seals).Where("org_id = ?", st.OrgID).Where("seq > ?", after).Where("seq <= ?", st.To).
			Order("seq").Limit(100).Scan(ctx)
		if err != nil || len(seals) == 0 {
			return err
		}
		after = seals[len(seals)-1].Seq
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
			for i := range one.N {
				e, there := entries[lot{ID: one.Lot, N: one.N}.entryID(i)]
				if number := one.Seq + i; there && number >= st.From && number <= st.To {
					if err := fn(lineOf(e, number, one.digest(i))); err != nil {
						return err
					}
				}
			}
		}
	}
}

func lineOf(e Entry, number int64, digest []byte) line {
	return line{
		number, e.ID, string(e.OrgID), e.At.UTC().Format(instant), e.Actor, e.Address, e.Verb, e.Object, e.Note, e.Before, e.After,
		hex.EncodeToString(digest),
	}
}

// Proved is what VerifyProof found in an export.
type Proved struct {
	Statement
	Fingerprint string // of the key that the export carries: compare it with the installation's
	Entries     int64
	Problems    []Problem
}

// VerifyProof checks an export without a database: the signature of its statement
// by the key that it carries, and every entry from the statement's first digest to
// its last. Errors mean that it cannot be read as an export at all.
func VerifyProof(r io.ReaderAt, size int64) (p Proved, err error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return p, err
	}
	text, err := part(z, partStatement)
	if err != nil {
		return p, err
	}
	signature, err := part(z, partSignature)
	if err != nil {
		return p, err
	}
	key, err := part(z, partKey)
	if err != nil {
		return p, err
	}
	block, _ := pem.Decode(key)
	if block == nil {
		return p, errors.New("the key of the export cannot be read")
	}
	p.Fingerprint = Fingerprint(block.Bytes)
	if p.Statement, err = ParseStatement(string(text)); err != nil {
		return p, err
	}
	report := Report{}
	if err := verifySignature(block.Bytes, string(text), signature); err != nil {
		report.found("file", 0, "", "The statement is not signed by the key in the file.")
	}
	f, err := z.Open(partEntries)
	if err != nil {
		return p, err
	}
	defer func() { _ = f.Close() }()
	p.Entries = verifyLines(bufio.NewReaderSize(f, 1<<20), p.Statement, &report)
	p.Problems = report.Problems
	return p, nil
}

// part reads a small file of the archive.
func part(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the file is no export of an audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

func verifyLines(r *bufio.Reader, st Statement, report *Report) (n int64) {
	previous, number := st.Previous, st.From-1
	in := json.NewDecoder(r)
	in.DisallowUnknownFields()
	for ; ; n++ {
		var l line
		if err := in.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			report.found("file", number+1, "", "After entry %d the file cannot be read.", number)
			return n
		}
		switch {
		case l.Number > number+1:
			report.found("missing", number+1, "", "The entries %d to %d are gone.", number+1, l.Number-1)
		case l.Number <= number:
			report.found("order", l.Number, l.ID, "Entry %d comes after entry %d: it was moved or put in.", l.Number, number)
		}
		e, digest, err := l.entry()
		if err != nil || l.Number == number+1 && !bytes.Equal(link(previous, l.Number, e), digest) {
			report.found("changed", l.Number, l.ID, "Entry %d is not what was sealed.", l.Number)
		}
		previous, number = digest, max(number, l.Number)
	}
	switch {
	case number < st.To:
		report.found("missing", number+1, "", "The entries %d to %d are gone.", number+1, st.To)
	case !bytes.Equal(previous, st.Digest) || number > st.To:
		report.found("changed", number, "", "The chain does not end as the statement says.")
	}
	return n
}

// entry is the inverse of lineOf.
func (l line) entry() (e Entry, digest []byte, err error) {
	at, err := time.Parse(instant, l.At)
	if err != nil {
		return e, nil, err
	}
	digest, err = hex.DecodeString(strings.ToLower(l.Digest))
	return Entry{
		ID: l.ID, OrgID: access.OrgID(l.Organisation), At: at, Actor: l.Actor, Address: l.Address, Verb: l.Verb, Object: l.Object,
		Note: l.Note, Before: l.Before, After: l.After,
	}, digest, err
}
