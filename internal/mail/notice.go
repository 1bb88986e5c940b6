package mail

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Notice is a message as its receiver reads it in Adgang. A personal link is
// never shown again.
type Notice struct {
	ID, Kind, State string
	Subject, Body   string
	At              time.Time
	ReadAt          *time.Time
}

const noticePage = 20

// muted are the kinds that the organisation shows on the notices page only.
func (s *Service) muted(ctx context.Context, db bun.IDB, org access.OrgID) (map[string]bool, error) {
	settings, err := setting.Of(store.WritingTo(ctx, org), db, org)
	if err != nil {
		return nil, err
	}
	set := map[string]bool{}
	for _, kind := range settings.Notifications.Muted {
		set[kind] = true
	}
	return set, nil
}

// Notices returns the actor's own messages in a language, newest first, and the
// cursor of the next page. Errors: fault.Denied for who is no employee.
func (s *Service) Notices(ctx context.Context, by access.Actor, lang, cursor string) ([]Notice, string, error) {
	if by.Employee == "" {
		return nil, "", errNobody
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var rows []Message
	q := s.DB.NewSelect().Model(&rows).Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee)
	if after != nil {
		q.Where("id < ?", after[0])
	}
	if err := q.Order("id DESC").Limit(noticePage + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > noticePage {
		rows = rows[:noticePage]
		next = store.Cursor(rows[noticePage-1].ID)
	}
	l, err := s.look(ctx, by.OrgID)
	if err != nil {
		return nil, "", err
	}
	notices := make([]Notice, 0, len(rows))
	for _, m := range rows {
		n := Notice{ID: m.ID, Kind: m.Kind, State: m.State, At: m.QueuedAt, ReadAt: m.ReadAt}
		if slices.Contains([]string{Danish, English}, lang) {
			m.Lang = lang
		}
		n.Subject, n.Body, err = l.render(m, hidden(m))
		if err != nil {
			return nil, "", err
		}
		notices = append(notices, n)
	}
	return notices, next, nil
}

var errNobody = fault.New(fault.Denied, "mail.notice.nobody", "Only an employee has notices.")

// hidden is what stands for a personal link.
func hidden(m Message) string {
	switch {
	case !personal(m.Kind):
		return ""
	case m.Lang == English:
		return "(the link is only in the mail itself)"
	default:
		return "(linket står kun i selve mailen)"
	}
}

// Unread counts the actor's messages that are not read yet.
func (s *Service) Unread(ctx context.Context, by access.Actor) (int64, error) {
	if by.Employee == "" {
		return 0, nil
	}
	return s.DB.NewSelect().Model((*Message)(nil)).
		Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).Where("read_at IS NULL").Count(ctx)
}

// Read marks one of the actor's messages as read. Reading it again changes
// nothing. Errors: fault.Absent.
func (s *Service) Read(ctx context.Context, by access.Actor, id string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var m Message
		err := tx.NewSelect().Model(&m).Where("org_id = ?", by.OrgID).Where("id = ?", id).
			Where("employee_id = ?", by.Employee).Where("employee_id <> ''").Scan(ctx)
		if err != nil {
			return store.Found(err, "mail.notice")
		}
		if m.ReadAt != nil {
			return nil
		}
		now := store.Instant(s.Now())
		if _, err := tx.NewUpdate().Model((*Message)(nil)).Set("read_at = ?", now).
			Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "notice.read", "message:"+id, ""))
	})
}

// ReadAll marks all of the actor's messages as read.
func (s *Service) ReadAll(ctx context.Context, by access.Actor) error {
	if by.Employee == "" {
		return errNobody
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		n, err := store.Count(tx.NewUpdate().Model((*Message)(nil)).Set("read_at = ?", now).
			Where("org_id = ?", by.OrgID).Where("employee_id = ?", by.Employee).Where("read_at IS NULL").Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "notice.read", "employee:"+string(by.Employee), "all"))
	})
}

// Own returns every message to one employee as its rows hold it, oldest first,
// for the dossier.
func Own(ctx context.Context, db bun.IDB, org access.OrgID, employee access.EmployeeID) ([]Message, error) {
	var rows []Message
	err := db.NewSelect().Model(&rows).ExcludeColumn("link_sealed").
		Where("org_id = ?", org).Where("employee_id = ?", employee).Order("id").Scan(ctx)
	return rows, err
}

// byLetter tells which receivers of the drafts have chosen letters: a column of
// the employee, read here since everybody who writes to people would have to
// carry it along.
func byLetter(ctx context.Context, tx bun.Tx, org access.OrgID, drafts []Draft) (map[access.EmployeeID]bool, error) {
	var ids []string
	for _, d := range drafts {
		if d.Employee != "" {
			ids = append(ids, string(d.Employee))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var chosen []access.EmployeeID
	err := tx.NewSelect().Table("employee").Column("id").Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).
		Where("channel = ?", "letter").Scan(store.WritingTo(ctx, org), &chosen)
	set := map[access.EmployeeID]bool{}
	for _, id := range chosen {
		set[id] = true
	}
	return set, err
}
