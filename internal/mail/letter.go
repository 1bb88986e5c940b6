package mail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/uptrace/bun"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/store"
)

// Letter is a message to an employee who gets letters, or to somebody outside who has
// no e-mail, waiting to be printed and handed over.
type Letter struct {
	ID, Kind, Name, Subject string
	Employee                access.EmployeeID // "" = outside
	At                      time.Time
}

// LogValue keeps names out of logs.
func (Letter) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// maxLetters is how many letters are one print.
const maxLetters = 200

// Letters returns the letters that wait, oldest first, at most 200. Errors:
// fault.Denied.
func (s *Service) Letters(ctx context.Context, by access.Actor) ([]Letter, error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return nil, err
	}
	rows, l, err := s.waiting(ctx, by.OrgID)
	if err != nil {
		return nil, err
	}
	letters := make([]Letter, 0, len(rows))
	for _, m := range rows {
		subject, _, err := l.render(m, hidden(m))
		if err != nil {
			return nil, err
		}
		letters = append(letters, Letter{ID: m.ID, Kind: m.Kind, Name: m.Name, Subject: subject, Employee: m.EmployeeID, At: m.QueuedAt})
	}
	return letters, nil
}

func (s *Service) waiting(ctx context.Context, org access.OrgID) (rows []Message, l look, err error) {
	err = s.DB.NewSelect().Model(&rows).Where("org_id = ?", org).Where("state = ?", StateWaiting).Order("id").Limit(maxLetters).Scan(ctx)
	if err != nil {
		return nil, l, err
	}
	l, err = s.look(ctx, org)
	return rows, l, err
}

// PrintLetters writes the letters that wait as a PDF, a page each, and records
// each showing: some hold a personal link. They wait until HandOver. Errors:
// fault.Denied, fault.Conflict when none waits.
func (s *Service) PrintLetters(ctx context.Context, by access.Actor, organisation string, w io.Writer) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	rows, l, err := s.waiting(ctx, by.OrgID)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fault.New(fault.Conflict, "mail.letter.none", "No letter waits to be printed.")
	}
	p := fpdf.New("P", "mm", "A4", "")
	p.SetMargins(20, 20, 20)
	p.SetAutoPageBreak(true, 20)
	p.AddUTF8FontFromBytes("go", "", bytes.Clone(goregular.TTF)) // fpdf writes into what it gets
	p.AddUTF8FontFromBytes("go", "B", bytes.Clone(gobold.TTF))
	p.SetCreationDate(s.Now())
	p.SetModificationDate(s.Now())
	entries := make([]audit.Entry, 0, len(rows))
	for _, m := range rows {
		link, err := s.link(m)
		if err != nil {
			return err
		}
		subject, body, err := l.render(m, link)
		if err != nil {
			return err
		}
		to, whose := organisation, "employee:"+string(m.EmployeeID)
		if m.EmployeeID == "" {
			to, whose = m.Address, "outside"
		}
		letterPage(p, m.Name, to, subject, body)
		entries = append(entries, audit.By(by, s.Now(), "letter.show", "message:"+m.ID, whose))
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return audit.Record(ctx, tx, entries...) })
	if err != nil {
		return err
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("write the letters: %w", err)
	}
	return nil
}

// letterPage puts the name and where it goes, in at most five lines, into the window
// of a C5 or DL envelope, 52 mm from the top, and the text below the first fold.
func letterPage(p *fpdf.Fpdf, name, to, subject, body string) {
	p.AddPage()
	p.SetXY(20, 52)
	p.SetFont("go", "", 11)
	text := line(name)
	for one := range strings.Lines(to) {
		text += "\n" + line(one)
	}
	p.MultiCell(85, 5.5, text, "", "L", false)
	p.SetXY(20, 106)
	p.SetFont("go", "B", 15)
	p.MultiCell(170, 7, subject, "", "L", false)
	p.Ln(3)
	p.SetFont("go", "", 10)
	for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		p.MultiCell(170, 4.8, paragraph, "", "L", false)
		p.Ln(2.4)
	}
}

// HandOver marks letters as printed and handed over, and erases their links.
// Those that are so already are left as they are. Errors: fault.Denied,
// fault.Absent when one is no letter here.
func (s *Service) HandOver(ctx context.Context, by access.Actor, ids []string) error {
	if err := by.Need(access.ManageEmployees); err != nil {
		return err
	}
	if len(ids) == 0 || len(ids) > maxLetters {
		return fault.New(fault.Invalid, "mail.letter.count", "Choose from 1 to %d letters.", maxLetters).On("ids")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Model((*Message)(nil)).Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(ids)).
			Where("state IN (?)", bun.List([]string{StateWaiting, StatePrinted})).Count(ctx)
		if err != nil {
			return err
		}
		if n != int64(len(ids)) {
			return fault.New(fault.Absent, "mail.letter.absent", "There is no such letter in this organisation.")
		}
		var done []string
		now := store.Instant(s.Now())
		err = tx.NewUpdate().Model((*Message)(nil)).Set("state = ?", StatePrinted).Set("sent_at = ?", now).Set("link_sealed = NULL").
			Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(ids)).Where("state = ?", StateWaiting).
			Returning("id").Scan(ctx, &done)
		if err != nil {
			return err
		}
		entries := make([]audit.Entry, len(done))
		for i, id := range done {
			entries[i] = audit.By(by, now, "letter.hand_over", "message:"+id, "")
		}
		return audit.Record(ctx, tx, entries...)
	})
}
