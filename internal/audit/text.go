package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
)

// textMark begins the note of an entry whose text lies apart.
const textMark = "text:"

// Forgotten is the note of an entry whose text was erased with the employee.
const Forgotten = "[slettet / erased]"

// text is what somebody wrote about an employee. The entry holds SHA-256 over salt
// and text, which says nothing once the row is gone (ADR 0056).
type text struct {
	bun.BaseModel `bun:"table:audit_text"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	EntryID    string            `bun:"entry_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Salt       []byte            `bun:"salt"`
	Text       string            `bun:"text"`
}

func (t text) digest() string {
	sum := sha256.Sum256(append(append([]byte{}, t.Salt...), t.Text...))
	return textMark + hex.EncodeToString(sum[:])
}

// Saying is e with a free text about an employee in place of its note: readers of
// the log see it until the employee is erased.
func (e Entry) Saying(whose access.EmployeeID, said string) Entry {
	e.Note, e.whose, e.said = "", whose, said
	return e
}

// apart takes the free text out of an entry that has its ID.
func (e *Entry) apart() (t text, ok bool, err error) {
	if e.said == "" {
		return t, false, nil
	}
	t = text{OrgID: e.OrgID, EntryID: e.ID, EmployeeID: e.whose, Salt: make([]byte, 16), Text: e.said}
	if _, err := rand.Read(t.Salt); err != nil {
		return t, false, fmt.Errorf("audit: salt: %w", err)
	}
	e.Note = t.digest()
	return t, true, nil
}

// Tell puts the texts that lie apart back into the notes of entries of one
// organisation, for people to read. A text that is not the one the entry was
// written with is not shown.
func Tell(ctx context.Context, db bun.IDB, org access.OrgID, entries []Entry) error {
	var ids []string
	for _, e := range entries {
		if strings.HasPrefix(e.Note, textMark) {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var texts []text
	if err := db.NewSelect().Model(&texts).Where("org_id = ?", org).Where("entry_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return err
	}
	by := make(map[string]text, len(texts))
	for _, t := range texts {
		by[t.EntryID] = t
	}
	for i, e := range entries {
		if !strings.HasPrefix(e.Note, textMark) {
			continue
		}
		entries[i].Note = Forgotten
		if t, there := by[e.ID]; there && t.digest() == e.Note {
			entries[i].Note = t.Text
		}
	}
	return nil
}
