// Package securemail looks after the secure e-mail of the old signatures. It says
// whose key is central, so that old mail cannot be read after the closing, and
// keeps the key files that employees archive, which the server cannot open.
package securemail

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB  *bun.DB
	Now func() time.Time
	// ClosesAt is when central keys are gone; nil = never.
	ClosesAt *time.Time
}

// Carrier is where the key of somebody's old secure mail is.
type Carrier string

// The carriers. Who has a Central key (code card or app) loses old mail at the
// closing; a Local one (key file or hardware) keeps it. None used no secure mail.
const (
	Central Carrier = "central"
	Local   Carrier = "local"
	None    Carrier = "none"
	Unknown Carrier = "unknown"
)

// Where a carrier is known from.
const (
	FromPerson    = "person"    // somebody has said it
	FromMigration = "migration" // the carrier of the signature in a migration
	FromNothing   = "nothing"   // with Unknown
)

// Line is an employee with the carrier.
type Line struct {
	ID        access.EmployeeID `bun:"id"`
	GivenName string            `bun:"given_name"`
	Surname   string            `bun:"surname"`
	Email     string            `bun:"email"`
	SortKey   string            `bun:"sort_key"`
	Carrier   Carrier           `bun:"carrier"`
	Source    string            `bun:"source"`
}

// pageSize is how many employees a page has.
const pageSize = 50

// known is every employee who is not deleted with carrier and source. What somebody
// said goes first, then a code card, whose key is central, then a migration's row.
const known = `(SELECT e.org_id, e.id, e.given_name, e.surname, e.email, e.sort_key, e.state,
	CASE
		WHEN s.carrier IS NOT NULL THEN s.carrier
		WHEN EXISTS (SELECT 1 FROM code_card AS c WHERE c.org_id = e.org_id AND c.employee_id = e.id) THEN 'central'
		WHEN EXISTS (SELECT 1 FROM batch_row AS r WHERE r.org_id = e.org_id AND r.employee_id = e.id AND r.carrier <> 'code_card'
			AND r.state IN ('invited', 'activated', 'skipped')) THEN 'local'
		ELSE 'unknown'
	END AS carrier,
	CASE
		WHEN s.carrier IS NOT NULL THEN 'person'
		WHEN EXISTS (SELECT 1 FROM code_card AS c WHERE c.org_id = e.org_id AND c.employee_id = e.id)
			OR EXISTS (SELECT 1 FROM batch_row AS r WHERE r.org_id = e.org_id AND r.employee_id = e.id AND r.carrier <> 'code_card'
			AND r.state IN ('invited', 'activated', 'skipped')) THEN 'migration'
		ELSE 'nothing'
	END AS source
	FROM employee AS e LEFT JOIN secure_mail AS s ON s.org_id = e.org_id AND s.employee_id = e.id
	WHERE e.state <> 'deleted') AS k`

func of(db bun.IDB, orgID access.OrgID) *bun.SelectQuery {
	return db.NewSelect().TableExpr(known).Where("k.org_id = ?", orgID)
}

// Lines returns the employees with one carrier ("" for all) by name, at most 50, and
// the cursor of the next page. Errors: fault.Denied, fault.Invalid.
func (s *Service) Lines(ctx context.Context, by access.Actor, carrier Carrier, cursor string) ([]Line, string, error) {
	if err := by.Need(access.ViewEmployees); err != nil {
		return nil, "", err
	}
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	q := of(s.DB, by.OrgID).ColumnExpr("k.id, k.given_name, k.surname, k.email, k.sort_key, k.carrier, k.source")
	if carrier != "" {
		if err := carrier.check(); err != nil {
			return nil, "", err
		}
		q.Where("k.carrier = ?", carrier)
	}
	if after != nil {
		q.Where("(k.sort_key, k.id) > (?, ?)", after[0], after[1])
	}
	var lines []Line
	if err := q.OrderExpr("k.sort_key, k.id").Limit(pageSize+1).Scan(ctx, &lines); err != nil {
		return nil, "", err
	}
	if len(lines) <= pageSize {
		return lines, "", nil
	}
	last := lines[pageSize-1]
	return lines[:pageSize], store.Cursor(last.SortKey, string(last.ID)), nil
}

// Counts are how many employees have each carrier. Errors: fault.Denied.
func (s *Service) Counts(ctx context.Context, by access.Actor) (map[Carrier]int64, error) {
	if err := by.Need(access.ViewEmployees); err != nil {
		return nil, err
	}
	var rows []struct {
		Carrier Carrier `bun:"carrier"`
		N       int64   `bun:"n"`
	}
	if err := of(s.DB, by.OrgID).ColumnExpr("k.carrier, count(*) AS n").Group("k.carrier").Scan(ctx, &rows); err != nil {
		return nil, err
	}
	counts := map[Carrier]int64{}
	for _, r := range rows {
		counts[r.Carrier] = r.N
	}
	return counts, nil
}

// Of returns one employee's carrier. People may see their own. Errors: fault.Denied,
// fault.Absent.
func (s *Service) Of(ctx context.Context, by access.Actor, id access.EmployeeID) (Line, error) {
	if by.Employee != id || id == "" {
		if err := by.Need(access.ViewEmployees); err != nil {
			return Line{}, err
		}
	}
	var line Line
	err := of(s.DB, by.OrgID).Where("k.id = ?", id).ColumnExpr("k.id, k.given_name, k.surname, k.email, k.carrier, k.source").Scan(ctx, &line)
	return line, store.Found(err, "org.employee")
}

// Set says where an employee's key is; Unknown takes back what was said, so that the
// migration counts again. People may say it of themselves. Errors: fault.Denied,
// fault.Invalid, fault.Absent.
func (s *Service) Set(ctx context.Context, by access.Actor, id access.EmployeeID, carrier Carrier) error {
	if by.Employee != id || id == "" {
		if err := by.Need(access.ManageEmployees); err != nil {
			return err
		}
	}
	if err := carrier.check(); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if _, err := org.Get(ctx, tx, by.OrgID, id); err != nil {
			return err
		}
		now := store.Instant(s.Now())
		row := said{OrgID: by.OrgID, EmployeeID: id, Carrier: carrier, SetBy: by.ID, SetAt: now}
		var err error
		if carrier == Unknown {
			_, err = tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		} else {
			_, err = tx.NewInsert().Model(&row).On("CONFLICT (org_id, employee_id) DO UPDATE").
				Set("carrier = EXCLUDED.carrier").Set("set_by = EXCLUDED.set_by").Set("set_at = EXCLUDED.set_at").Exec(ctx)
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "secure_mail.set", "employee:"+string(id), string(carrier)))
	})
}

// said is a row of what somebody has said.
type said struct {
	bun.BaseModel `bun:"table:secure_mail"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id,pk"`
	Carrier    Carrier           `bun:"carrier"`
	SetBy      string            `bun:"set_by"`
	SetAt      time.Time         `bun:"set_at"`
}

func (c Carrier) check() error {
	switch c {
	case Central, Local, None, Unknown:
		return nil
	}
	return fault.New(fault.Invalid, "securemail.carrier.unknown", "The key is central, local, none or unknown.").On("carrier")
}

// Loser is an employee who cannot read old mail after the closing.
type Loser struct {
	OrgID access.OrgID      `bun:"org_id"`
	ID    access.EmployeeID `bun:"id"`
}

// Losing returns the active employees of all organisations whose key is central, at
// most limit, and the cursor of the next page, "" at the end.
func Losing(ctx context.Context, db bun.IDB, cursor string, limit int) ([]Loser, string, error) {
	after, err := store.ParseCursor(cursor, 2)
	if err != nil {
		return nil, "", err
	}
	q := db.NewSelect().TableExpr(known).ColumnExpr("k.org_id, k.id").Where("k.carrier = 'central'").Where("k.state = 'active'")
	if after != nil {
		q.Where("(k.org_id, k.id) > (?, ?)", after[0], after[1])
	}
	var all []Loser
	if err := q.OrderExpr("k.org_id, k.id").Limit(int64(limit)+1).Scan(ctx, &all); err != nil {
		return nil, "", err
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], store.Cursor(string(all[limit-1].OrgID), string(all[limit-1].ID)), nil
}

// Loses tells whether an employee is one of Losing, now.
func Loses(ctx context.Context, db bun.IDB, orgID access.OrgID, id access.EmployeeID) (bool, error) {
	return of(db, orgID).Where("k.id = ?", id).Where("k.carrier = 'central'").Where("k.state = 'active'").ColumnExpr("1").Exists(ctx)
}

// Forget deletes what employees who are erased have said and archived.
func (s *Service) Forget(ctx context.Context, ref org.ErasedRef) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		for _, table := range []any{(*said)(nil), (*File)(nil)} {
			if _, err := tx.NewDelete().Model(table).Where("org_id = ?", ref.Org).Where("employee_id IN (?)", bun.List(ref.Employees)).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
