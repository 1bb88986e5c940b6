package securemail

import (
	"bytes"
	"context"
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// An employee keeps at most MaxFiles files of MaxSize octets.
const (
	MaxFiles = 20
	MaxSize  = 256 << 10
	maxLabel = 80 // characters
)

// seal is how every archived file begins: the mark of what the browser encrypts,
// its version, the salt (16) and the nonce (12). The rest is AES-GCM, see
// frontend/src/keyfile/archive.ts.
var seal = []byte("ADGANG-ARCHIVE\x01")

const overhead = 16 + 12 + 16 // salt, nonce, tag

// File is an archived key file, encrypted.
type File struct {
	bun.BaseModel `bun:"table:archive_file"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Label      string            `bun:"label"` // readable here, the file's name is not
	Size       int64             `bun:"size"`
	Content    string            `bun:"content"` // base64
	CreatedAt  time.Time         `bun:"created_at"`
}

// errNobody is what those hear who have no archive.
var errNobody = fault.New(fault.Denied, "securemail.archive.nobody", "Only an employee has an archive, and only his or her own.")

// Files returns what the actor has archived, without the content, newest first.
// Errors: fault.Denied.
func (s *Service) Files(ctx context.Context, by access.Actor) ([]File, error) {
	if by.Employee == "" {
		return nil, errNobody
	}
	var all []File
	err := s.DB.NewSelect().Model(&all).ExcludeColumn("content").Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).
		Order("id DESC").Limit(MaxFiles).Scan(ctx)
	return all, err
}

// Keep archives what the browser has encrypted. What does not look so is refused,
// so that no key file comes here as it is. Errors: fault.Denied, fault.Invalid,
// fault.Conflict when the archive is full.
func (s *Service) Keep(ctx context.Context, by access.Actor, label string, content []byte) (File, error) {
	if by.Employee == "" {
		return File{}, errNobody
	}
	switch n := utf8.RuneCountInString(label); {
	case n < 1 || n > maxLabel || !utf8.ValidString(label):
		return File{}, fault.New(fault.Invalid, "securemail.archive.label", "Give the file a name of 1 to %d characters.", maxLabel).On("label")
	case len(content) > MaxSize:
		return File{}, fault.New(fault.Invalid, "securemail.archive.size", "A file may have at most %d KB.", MaxSize>>10).On("content")
	case !bytes.HasPrefix(content, seal) || len(content) < len(seal)+overhead:
		return File{}, fault.New(fault.Invalid, "securemail.archive.open", "Only files that the page has encrypted are taken.").On("content")
	}
	f := File{
		ID: store.NewID(), OrgID: by.OrgID, EmployeeID: by.Employee, Label: label, Size: int64(len(content)),
		Content: base64.StdEncoding.EncodeToString(content), CreatedAt: store.Instant(s.Now()),
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		// One statement counts and adds, on the locked row of the person: two at once
		// cannot pass the limit.
		if _, err := tx.NewUpdate().Table("employee").Set("version = version").Where("org_id = ?", by.OrgID).Where("id = ?", by.Employee).Exec(ctx); err != nil {
			return err
		}
		n, err := tx.NewSelect().Model((*File)(nil)).Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).Count(ctx)
		if err != nil {
			return err
		}
		if n >= MaxFiles {
			return fault.New(fault.Conflict, "securemail.archive.full", "The archive holds at most %d files. Delete one first.", MaxFiles)
		}
		if _, err := tx.NewInsert().Model(&f).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, f.CreatedAt, "archive_file.add", "employee:"+string(by.Employee), ""))
	})
	return f, err
}

// Content returns one of the actor's files, encrypted as it came. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Content(ctx context.Context, by access.Actor, id string) ([]byte, error) {
	if by.Employee == "" {
		return nil, errNobody
	}
	var f File
	err := s.DB.NewSelect().Model(&f).Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).Where("id = ?", id).Scan(ctx)
	if err := store.Found(err, "securemail.file"); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(f.Content)
}

// Drop deletes one of the actor's files for good. Errors: fault.Denied, fault.Absent.
func (s *Service) Drop(ctx context.Context, by access.Actor, id string) error {
	if by.Employee == "" {
		return errNobody
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewDelete().Model((*File)(nil)).Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).
			Where("id = ?", id).Exec(ctx))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Absent, "securemail.file.absent", "There is no such file in your archive.")
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "archive_file.delete", "employee:"+string(by.Employee), ""))
	})
}
