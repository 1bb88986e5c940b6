package usage

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/sheet"
	"github.com/adgang/adgang/internal/store"
)

// page is how many organisations a page of the ledger has.
const page = 100

// Account is one organisation's month and where its invoices go, for whoever
// writes them.
type Account struct {
	Month `bun:",extend"`

	CVR     string          `bun:"cvr"`
	Name    string          `bun:"name"`
	Invoice setting.Invoice `bun:"-"`
}

// Total is the sum of a month over all organisations; amounts are øre.
type Total struct {
	Organisations int64 `bun:"organisations"`
	Users         int64 `bun:"users"`
	Certificates  int64 `bun:"certificates"`
	Amount        int64 `bun:"amount"`
	Invoiced      int64 `bun:"invoiced"`
}

// Ledger is a page of one month. Months are those that were counted, newest
// first, at most 36; Next is the cursor of the next page, "" at the end.
type Ledger struct {
	Month    string
	Months   []string
	Total    Total
	Accounts []Account
	Next     string
}

// Ledger returns a page of a month's accounts by CVR number, "" being the latest
// month that was counted. Errors: fault.Denied for all but operators,
// fault.Invalid for what is no month or no cursor.
func (s *Service) Ledger(ctx context.Context, by access.Actor, month, cursor string) (l Ledger, err error) {
	if err := by.NeedOperator(); err != nil {
		return l, err
	}
	if _, err := time.Parse("2006-01", month); err != nil && month != "" {
		return l, fault.New(fault.Invalid, "usage.month.form", "Write a month as YYYY-MM.").On("month")
	}
	after, err := store.ParseCursor(cursor, 1)
	if err != nil {
		return l, err
	}
	ctx = store.AcrossTenants(ctx)
	if err := s.DB.NewSelect().Table("usage_month").Distinct().Column("month").Order("month DESC").Limit(36).Scan(ctx, &l.Months); err != nil {
		return l, err
	}
	if l.Month = month; month == "" {
		if len(l.Months) == 0 {
			return l, nil
		}
		l.Month = l.Months[0]
	}
	err = s.DB.NewSelect().Table("usage_month").ColumnExpr("count(*) AS organisations").
		ColumnExpr("CAST(coalesce(sum(users), 0) AS BIGINT) AS users").ColumnExpr("CAST(coalesce(sum(certificates), 0) AS BIGINT) AS certificates").
		ColumnExpr("CAST(coalesce(sum(amount), 0) AS BIGINT) AS amount").ColumnExpr("CAST(coalesce(sum(invoiced), 0) AS BIGINT) AS invoiced").
		Where("month = ?", l.Month).Scan(ctx, &l.Total)
	if err != nil {
		return l, err
	}
	l.Accounts, l.Next, err = s.accounts(ctx, l.Month, after)
	return l, err
}

func (s *Service) accounts(ctx context.Context, month string, after []string) ([]Account, string, error) {
	var all []Account
	query := s.DB.NewSelect().TableExpr("usage_month AS m").Join("JOIN organisation AS o ON o.id = m.org_id").
		ColumnExpr("m.*, o.cvr, o.name").Where("m.month = ?", month)
	if after != nil {
		query.Where("o.cvr > ?", after[0])
	}
	if err := query.Order("o.cvr").Limit(page+1).Scan(ctx, &all); err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) > page {
		all = all[:page]
		next = store.Cursor(all[page-1].CVR)
	}
	ids := make([]access.OrgID, len(all))
	for i := range all {
		ids[i] = all[i].OrgID
	}
	settings, err := setting.Each(ctx, s.DB, ids)
	if err != nil {
		return nil, "", err
	}
	for i := range all {
		all[i].Invoice = settings[all[i].OrgID].Invoice
	}
	return all, next, nil
}

// LedgerCSV writes a whole month to what open gives once nothing can be refused
// any more. Errors: as of Ledger.
func (s *Service) LedgerCSV(ctx context.Context, by access.Actor, month string, open func() io.Writer) error {
	l, err := s.Ledger(ctx, by, month, "")
	if err != nil {
		return err
	}
	out, err := sheet.NewCSV(open(), append([]string{"cvr", "organisation", "invoice_method", "invoice_to"}, header...)...)
	if err != nil {
		return err
	}
	for {
		for _, a := range l.Accounts {
			to := a.Invoice.Email + a.Invoice.EAN
			if err := out.Write(append([]string{a.CVR, a.Name, a.Invoice.Method, to}, a.cells()...)...); err != nil {
				return err
			}
		}
		if l.Next == "" {
			return out.Close()
		}
		if l, err = s.Ledger(ctx, by, l.Month, l.Next); err != nil {
			return err
		}
	}
}

var header = []string{"month", "users", "certificates", "amount_dkk", "carried_dkk", "invoiced_dkk", "counted_at"}

func (m Month) cells() []string {
	return []string{
		m.Month, strconv.FormatInt(m.Users, 10), strconv.FormatInt(m.Certificates, 10), kroner(m.Amount), kroner(m.Carried),
		kroner(m.Invoiced), m.CountedAt.UTC().Format(time.RFC3339),
	}
}
