package onboarding

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Document shows that somebody may bind the organisation. It is kept sealed and
// erased a while after the decision.
type Document struct {
	bun.BaseModel `bun:"table:application_document"`

	ID            string     `bun:"id,pk"`
	ApplicationID string     `bun:"application_id"`
	Name          string     `bun:"name"`
	MediaType     string     `bun:"media_type"` // by its content
	Size          int64      `bun:"size"`       // bytes
	Hash          string     `bun:"hash"`       // SHA-256, hex
	Sealed        []byte     `bun:"sealed"`
	CreatedAt     time.Time  `bun:"created_at"`
	ErasedAt      *time.Time `bun:"erased_at"`
}

// sniff tells PDF, PNG and JPEG by their first bytes and their ends; the name
// does not count.
func sniff(content []byte) (string, bool) {
	switch kind := http.DetectContentType(content); kind {
	case "application/pdf":
		tail := content[max(0, len(content)-1024):]
		return kind, bytes.Contains(tail, []byte("%%EOF"))
	case "image/png":
		return kind, bytes.Contains(content[max(0, len(content)-16):], []byte("IEND"))
	case "image/jpeg":
		return kind, bytes.Contains(content[max(0, len(content)-64):], []byte{0xff, 0xd9})
	}
	return "", false
}

// Upload adds a document. Errors: fault.Absent, fault.Denied for a signatory,
// fault.Invalid for what is no PDF, PNG or JPEG or is too large, fault.Conflict.
func (s *Service) Upload(ctx context.Context, token, name string, content []byte, address string) (View, error) {
	if len(content) > MaxDocument {
		return View{}, fault.New(fault.Invalid, "onboarding.document.too_large", "The document is larger than 10 MB. Scan it in a lower resolution.").On("file")
	}
	kind, ok := sniff(content)
	if !ok {
		return View{}, fault.New(fault.Invalid, "onboarding.document.type", "The file is no whole PDF, PNG or JPEG. What counts is its content, not its name.").On("file")
	}
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != '"' && r != '\\' && r != '/' {
			return r
		}
		return -1
	}, path.Base(strings.ReplaceAll(name, `\`, "/"))))
	if runes := []rune(name); len(runes) > 100 {
		name = string(runes[len(runes)-100:])
	}
	if name == "" {
		name = "document"
	}
	sum := sha256.Sum256(content)
	return s.change(ctx, token, address, "application.document", func(ctx context.Context, tx bun.Tx, a *Application, you *Party) error {
		if you.Role == Signatory {
			return errParty
		}
		if a.Step != StepDocuments {
			return errClosed
		}
		n, err := tx.NewSelect().Model((*Document)(nil)).Where("application_id = ?", a.ID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxDocuments {
			return fault.New(fault.Conflict, "onboarding.document.many", "There are %d documents already. Remove one first.", maxDocuments)
		}
		d := Document{
			ID: store.NewID(), ApplicationID: a.ID, Name: name, MediaType: kind, Size: int64(len(content)),
			Hash: hex.EncodeToString(sum[:]), CreatedAt: store.Instant(s.Now()),
		}
		d.Sealed = s.Keys.Seal(documentPurpose, a.ID+"/"+d.ID, content)
		_, err = tx.NewInsert().Model(&d).Exec(ctx)
		return err
	})
}

// Discard removes a document before it was submitted. Errors: as Upload.
func (s *Service) Discard(ctx context.Context, token, id, address string) (View, error) {
	return s.change(ctx, token, address, "application.document_discard", func(ctx context.Context, tx bun.Tx, a *Application, you *Party) error {
		if you.Role == Signatory {
			return errParty
		}
		if a.Step != StepDocuments {
			return errClosed
		}
		n, err := store.Count(tx.NewDelete().Model((*Document)(nil)).Where("application_id = ?", a.ID).Where("id = ?", id).Exec(ctx))
		if err == nil && n == 0 {
			err = fault.New(fault.Absent, "onboarding.document.absent", "There is no such document.")
		}
		return err
	})
}

// Submit says that the documents are complete. Errors: as Upload.
func (s *Service) Submit(ctx context.Context, token, address string) (View, error) {
	return s.change(ctx, token, address, "application.submit", func(ctx context.Context, tx bun.Tx, a *Application, you *Party) error {
		if you.Role == Signatory {
			return errParty
		}
		if a.Step != StepDocuments {
			return errClosed
		}
		n, err := tx.NewSelect().Model((*Document)(nil)).Where("application_id = ?", a.ID).Count(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Invalid, "onboarding.document.none", "Upload at least one document that shows who may bind the organisation.").On("file")
		}
		now := store.Instant(s.Now())
		a.SubmittedAt = &now
		return nil
	})
}

// Document opens a document for an operator, and records that. Errors:
// fault.Denied, fault.Absent, also once it was erased.
func (s *Service) Document(ctx context.Context, by access.Actor, application, id string) (d Document, content []byte, err error) {
	if err := by.NeedOperator(); err != nil {
		return d, nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewSelect().Model(&d).Where("application_id = ?", application).Where("id = ?", id).Where("sealed IS NOT NULL").Scan(ctx)
		if err := store.Found(err, "onboarding.document"); err != nil {
			return err
		}
		if content, err = s.Keys.Open(documentPurpose, application+"/"+id, d.Sealed); err != nil {
			return fmt.Errorf("open document %s: %w", id, err)
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "application_document.show", "application:"+application, "document "+id))
	})
	d.Sealed = nil
	return d, content, err
}
