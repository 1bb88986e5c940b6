package approval

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// ExpireKind ends requests that nobody decided in time.
var ExpireKind = outbox.NewKind[struct{}]("approval.expire_requests")

const pageSize = 50

// ByID returns one request without asking for a right. Errors: fault.Absent.
func ByID(ctx context.Context, db bun.IDB, org access.OrgID, id string) (Request, error) {
	var r Request
	err := db.NewSelect().Model(&r).Where("org_id = ?", org).Where("id = ?", id).Scan(ctx)
	return r, store.Found(err, "approval.request")
}

// Request returns one request. Errors: fault.Denied to those who hold no right
// that an act needs, fault.Absent when there is none that the actor has asked for
// or may decide.
func (s *Service) Request(ctx context.Context, by access.Actor, id string) (Request, error) {
	return s.seen(ctx, by, id)
}

func (s *Service) seen(ctx context.Context, by access.Actor, id string) (Request, error) {
	if _, err := deciding(by); err != nil {
		return Request{}, err
	}
	r, err := ByID(ctx, s.DB, by.OrgID, id)
	if err == nil && r.Asker != by.ID && !by.May(r.Needs) {
		err = store.Found(sql.ErrNoRows, "approval.request")
	}
	return r, err
}

// Requests returns a page of what the actor may decide or has asked for, newest
// first, and the cursor of the next, "" at the end: those that wait, or those
// that do not any more. Errors: fault.Denied to those who hold no right that an
// act needs.
func (s *Service) Requests(ctx context.Context, by access.Actor, waiting bool, cursor string) ([]Request, string, error) {
	rights, err := deciding(by)
	if err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return nil, "", err
	}
	var page []Request
	q := s.DB.NewSelect().Model(&page).Where("org_id = ?", by.OrgID).Where("(needs IN (?) OR asker = ?)", bun.List(rights), by.ID)
	now := store.Instant(s.Now())
	if waiting {
		q.Where("state = ?", Pending).Where("expires_at > ?", now)
	} else {
		q.Where("(state <> ? OR expires_at <= ?)", Pending, now)
	}
	if after != nil {
		q.Where("id < ?", after[0])
	}
	if err := q.Order("id DESC").Limit(pageSize + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) > pageSize {
		page = page[:pageSize]
		next = store.Cursor(page[pageSize-1].ID)
	}
	for i := range page {
		if page[i].State == Pending && !page[i].ExpiresAt.After(now) {
			page[i].State = Expired
		}
	}
	return page, next, nil
}

// Waiting counts what waits for the actor: requests of others that it may decide.
func (s *Service) Waiting(ctx context.Context, by access.Actor) (int64, error) {
	rights, err := deciding(by)
	if err != nil || by.Employee == "" {
		return 0, nil //nolint:nilerr // who may decide nothing has nothing waiting
	}
	return s.DB.NewSelect().Model((*Request)(nil)).Where("org_id = ?", by.OrgID).Where("state = ?", Pending).
		Where("expires_at > ?", store.Instant(s.Now())).Where("needs IN (?)", bun.List(rights)).Where("asker <> ?", by.ID).Count(ctx)
}

// deciding is which rights of acts the actor holds. Errors: fault.Denied without
// any.
func deciding(by access.Actor) ([]access.Right, error) {
	var rights []access.Right
	for _, d := range Catalogue() {
		if by.OrgID != "" && by.May(d.Right) && !slices.Contains(rights, d.Right) {
			rights = append(rights, d.Right)
		}
	}
	if len(rights) == 0 {
		return nil, by.Need(access.AssignRoles)
	}
	return rights, nil
}

// Expire ends what nobody decided in time, in every organisation.
func (s *Service) Expire(ctx context.Context) error {
	now := store.Instant(s.Now())
	var orgs []access.OrgID
	err := s.DB.NewSelect().Model((*Request)(nil)).ColumnExpr("DISTINCT org_id").
		Where("state = ?", Pending).Where("expires_at <= ?", now).Order("org_id").Scan(ctx, &orgs)
	for _, org := range orgs {
		err = errors.Join(err, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error { return s.expire(ctx, tx, org, now) }))
	}
	return err
}

func (s *Service) expire(ctx context.Context, tx bun.Tx, org access.OrgID, now time.Time) error {
	var over []Request
	err := tx.NewUpdate().Model(&over).Set("state = ?", Expired).Set("decider = 'system'").Set("decided_at = ?", now).
		Where("org_id = ?", org).Where("state = ?", Pending).Where("expires_at <= ?", now).Returning("*").Scan(ctx)
	if err != nil {
		return err
	}
	for _, r := range over {
		if err := audit.Record(ctx, tx, audit.By(access.System(org), now, "approval.expire", "approval:"+r.ID, r.Act+" "+r.Object)); err != nil {
			return err
		}
		if err := s.tellAsker(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}

// Page is where requests are decided, below the base URL.
const Page = "/organisation/approvals"

func (s *Service) tellHolders(ctx context.Context, tx bun.Tx, r Request, asker string, holders []Person) error {
	var drafts []mail.Draft
	for _, p := range holders {
		drafts = append(drafts, s.draft(r, p, mail.KindApprovalAsked, map[string]string{
			"asker": asker, "expires": r.ExpiresAt.Format(time.RFC3339),
		}))
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

// tellAsker mails the outcome to who asked, as long as that person may still
// hear of it.
func (s *Service) tellAsker(ctx context.Context, tx bun.Tx, r Request) error {
	holders, err := s.Holders(ctx, tx, r.OrgID, r.Needs)
	if err != nil {
		return err
	}
	for _, p := range holders {
		if p.ID == r.AskerID && p.ID != "" {
			return s.Mail.Queue(ctx, tx, "", s.draft(r, p, mail.KindApprovalDecided, map[string]string{"outcome": string(r.State), "reason": r.Reason}))
		}
	}
	return nil
}

func (s *Service) draft(r Request, to Person, kind string, params map[string]string) mail.Draft {
	d := Describe(r.Act)
	params["what"] = d.Danish
	if to.Lang == mail.English {
		params["what"] = d.English
	}
	params["url"] = s.Mail.BaseURL + Page
	return mail.Draft{Org: r.OrgID, Employee: to.ID, Kind: kind, Lang: to.Lang, Name: to.Name, Address: to.Email, Params: params}
}

// Reason is a reason as people give it, trimmed. Errors: fault.Invalid unless it
// has 10 to 500 characters.
func Reason(text string) (string, error) {
	text, ok := form.Reason(text, 500)
	if !ok {
		return "", fault.New(fault.Invalid, "approval.reason.length", "Give a reason of 10 to 500 characters.").On("reason")
	}
	return text, nil
}

// sentence is what an expected failure says.
func sentence(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Text
	}
	return ""
}
