package credential

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
)

// Line is an employee in a list, with the states people look for.
type Line struct {
	Employee org.Employee
	CodeCard string // none, active, blocked
	KeyFile  string // none, ordered, active, blocked, expired
	Blocked  string // code of why the employee cannot be activated, "" = nothing forbids it
}

// Employees is org.Employees with the state of each one's credentials.
func (s *Service) Employees(ctx context.Context, by access.Actor, f org.Filter) ([]Line, string, error) {
	page, next, err := s.Org.Employees(ctx, by, f)
	if err != nil || len(page) == 0 {
		return nil, next, err
	}
	ids := make([]access.EmployeeID, len(page))
	for i, e := range page {
		ids[i] = e.ID
	}
	var cards []CodeCard
	if err := s.DB.NewSelect().Model(&cards).Where("org_id = ?", by.OrgID).Where("employee_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, "", err
	}
	var files []KeyFile
	if err := s.DB.NewSelect().Model(&files).Where("org_id = ?", by.OrgID).Where("employee_id IN (?)", bun.List(ids)).
		Order("ordered_at", "id").Scan(ctx); err != nil {
		return nil, "", err
	}
	card, file := map[access.EmployeeID]string{}, map[access.EmployeeID]string{}
	for _, c := range cards {
		card[c.EmployeeID] = c.State
	}
	for _, f := range files { // the newest wins
		file[f.EmployeeID] = s.stateOf(f)
	}
	settings, err := setting.Of(ctx, s.DB, by.OrgID)
	if err != nil {
		return nil, "", err
	}
	lines := make([]Line, len(page))
	for i, e := range page {
		lines[i] = Line{Employee: e, CodeCard: orNone(card[e.ID]), KeyFile: orNone(file[e.ID]), Blocked: fault.CodeOf(e.Proven(settings))}
		if e.State == org.Deleted {
			lines[i].Blocked = ""
		}
	}
	return lines, next, nil
}

func orNone(state string) string {
	if state == "" {
		return "none"
	}
	return state
}

// stateOf is the key file's state as people see it.
func (s *Service) stateOf(f KeyFile) string {
	if f.State == "active" && f.NotAfter != nil && s.Now().After(*f.NotAfter) {
		return "expired"
	}
	return f.State
}

// Details is one employee with everything an administrator acts on. The
// pointers are nil when there is no such thing.
type Details struct {
	Line
	CPR        string // DDMMYY-xxxx or ""
	Roles      []access.Role
	Card       *CodeCard
	File       *KeyFile // the live one, else the newest
	Activation *Activation
	Mail       string // state of the newest activation mail: none, queued, sent, failed
	MailError  string
	ProvedBy   string // what the employee who recorded the proofing is called, "" = was none
}

// Details returns one employee. People may always see themselves. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Details(ctx context.Context, by access.Actor, id access.EmployeeID) (Details, error) {
	e, err := s.Org.Employee(ctx, by, id)
	if err != nil {
		return Details{}, err
	}
	d := Details{Line: Line{Employee: e, CodeCard: "none", KeyFile: "none"}}
	if d.CPR, err = s.Org.MaskedCPR(e); err != nil {
		return d, err
	}
	if err := org.Standing(ctx, s.DB, e); fault.KindOf(err) == fault.Conflict {
		d.Blocked = fault.CodeOf(err)
	} else if err != nil {
		return d, err
	}
	if d.Roles, err = org.RolesOf(ctx, s.DB, by.OrgID, id); err != nil {
		return d, err
	}
	if who, is := strings.CutPrefix(e.ProofingBy, "employee:"); is {
		names, err := s.Org.Names(ctx, by, access.EmployeeID(who))
		if err != nil {
			return d, err
		}
		d.ProvedBy = names[access.EmployeeID(who)]
	}
	var card CodeCard
	err = s.DB.NewSelect().Model(&card).Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).Scan(ctx)
	switch {
	case err == nil:
		d.Card, d.CodeCard = &card, card.State
	case !errors.Is(err, sql.ErrNoRows):
		return d, err
	}
	var file KeyFile
	err = s.DB.NewSelect().Model(&file).Where("org_id = ?", by.OrgID).Where("employee_id = ?", id).
		Order("ordered_at DESC", "id DESC").Limit(1).Scan(ctx)
	switch {
	case err == nil:
		d.File, d.KeyFile = &file, s.stateOf(file)
	case !errors.Is(err, sql.ErrNoRows):
		return d, err
	}
	a, found, err := newestActivation(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return d, err
	}
	if found {
		if a.State == "open" && !s.Now().Before(a.ExpiresAt) {
			a.State = "expired"
		}
		d.Activation = &a
	}
	d.Mail, d.MailError, err = s.Mail.LatestState(ctx, by.OrgID, id, mail.KindActivation)
	d.Mail = orNone(d.Mail)
	return d, err
}

// BlockedCodeCards counts the blocked code cards that came with each of the
// batches; one without any is left out.
func (s *Service) BlockedCodeCards(ctx context.Context, orgID access.OrgID, batches []string) (map[string]int64, error) {
	if len(batches) == 0 {
		return nil, nil
	}
	var counts []struct {
		Batch string `bun:"batch_id"`
		Cards int64  `bun:"cards"`
	}
	err := s.DB.NewSelect().Model((*CodeCard)(nil)).Column("batch_id").ColumnExpr("count(*) AS cards").
		Where("org_id = ?", orgID).Where("batch_id IN (?)", bun.List(batches)).Where("state = 'blocked'").
		Group("batch_id").Scan(ctx, &counts)
	blocked := make(map[string]int64, len(counts))
	for _, c := range counts {
		blocked[c.Batch] = c.Cards
	}
	return blocked, err
}

// Live returns the state of the key file or order of those employees who have
// one: ordered or active.
func (s *Service) Live(ctx context.Context, orgID access.OrgID, employees []org.Employee) (map[access.EmployeeID]string, error) {
	if len(employees) == 0 {
		return nil, nil
	}
	ids := make([]access.EmployeeID, len(employees))
	for i, e := range employees {
		ids[i] = e.ID
	}
	var files []KeyFile
	err := s.DB.NewSelect().Model(&files).Column("employee_id", "state").Where("org_id = ?", orgID).
		Where("employee_id IN (?)", bun.List(ids)).Where("state <> 'blocked'").Scan(ctx)
	live := make(map[access.EmployeeID]string, len(files))
	for _, f := range files {
		live[f.EmployeeID] = f.State
	}
	return live, err
}

// Mails lists the newest mails to an employee. Errors: fault.Denied, fault.Absent.
func (s *Service) Mails(ctx context.Context, by access.Actor, id access.EmployeeID) ([]mail.Sending, error) {
	if _, err := s.Org.Employee(ctx, by, id); err != nil {
		return nil, err
	}
	return s.Mail.Sent(ctx, by.OrgID, id)
}
