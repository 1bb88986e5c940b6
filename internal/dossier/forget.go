package dossier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
)

// mention is a column that may hold an employee's name or e-mail address without
// naming the employee by ID: what our mails to others say, who started a file.
type mention struct{ table, column, only string }

// mentions are searched for each name that is erased: tables of administrators'
// work, not of employees, but for the mails of a few kinds.
var mentions = []mention{
	{"message", "params", "kind IN ('role_requested', 'approval_asked', 'approval_decided', 'recovery_notice', 'recovery_ended', 'power_requested', 'power_given', 'power_decided', 'power_ended', 'role_decided', 'right_rejected', 'employee_answered')"},
	{"batch", "created_by", ""},
	{"batch", "starter", ""},
	{"roster_run", "created_by", ""},
	{"roster_run", "started_by", ""},
	{"roster_run", "starter", ""},
	{"approval", "details", ""},
	{"approval", "reason", ""},
	{"attorney", "person", ""},
	{"attorney", "reason", ""},
	{"attorney", "answer", ""},
	{"role_request", "answer", ""},
	{"review_item", "note", ""},
	{"reminder_due", "name", ""},
	{"reminder_snooze", "reason", ""},
	{"inventory_certificate", "note", ""},
	{"inventory_certificate", "contact_post", ""},
	{"inventory_place", "name", ""},
	{"recovery", "note", ""},
	{"recovery", "reason", ""},
}

// matched are rows that hold an e-mail address as what they are found by, and what
// an erasure sets in them.
var matched = []struct{ table, column, set string }{
	{"recovery", "email", "given_name = '', surname = '', email = '', reason = '', note = ''"},
	{"inventory_certificate", "contact_email", "contact_name = '', contact_email = '', contact_post = ''"},
	{"inventory_certificate", "email", "name = '', subject = '', email = '', search_key = '', der = NULL"},
	{"inventory_place", "contact_email", "contact_name = '', contact_email = ''"},
}

// Forget takes everything personal about employees out of every area, and their
// names and addresses out of what was written to others, in the transaction that
// erases them. gone are the rows as they were.
func (s *Service) Forget(ctx context.Context, tx bun.Tx, gone []org.Employee) error {
	by := map[access.OrgID][]org.Employee{}
	for _, e := range gone {
		by[e.OrgID] = append(by[e.OrgID], e)
	}
	for id, people := range by {
		if err := forgetFindings(ctx, tx, id, people); err != nil {
			return fmt.Errorf("dossier: findings: %w", err)
		}
		for _, a := range areas {
			if err := a.forget(ctx, tx, id, people); err != nil {
				return fmt.Errorf("dossier: forget %s: %w", a.file(), err)
			}
		}
		for _, e := range people {
			if err := forgetMentions(ctx, tx, id, e); err != nil {
				return fmt.Errorf("dossier: mentions: %w", err)
			}
		}
	}
	return nil
}

func idsOf(people []org.Employee) []access.EmployeeID {
	ids := make([]access.EmployeeID, len(people))
	for i, e := range people {
		ids[i] = e.ID
	}
	return ids
}

func (a area) forget(ctx context.Context, tx bun.Tx, id access.OrgID, people []org.Employee) error {
	where, args := a.rows(id, idsOf(people)...)
	switch {
	case a.drop:
		_, err := tx.NewDelete().TableExpr("?", bun.Ident(a.table)).Where(where, args...).Exec(ctx)
		return err
	case len(a.erase) > 0:
		q := tx.NewUpdate().TableExpr("?", bun.Ident(a.table)).Where(where, args...)
		for _, set := range a.erase {
			q = q.Set(set)
		}
		_, err := q.Exec(ctx)
		return err
	}
	return nil
}

// forgetFindings empties what a reader said of the lines that people came with.
func forgetFindings(ctx context.Context, tx bun.Tx, id access.OrgID, people []org.Employee) error {
	for _, f := range []struct{ finding, row, of string }{
		{"batch_finding", "batch_row", "batch_id"},
		{"roster_finding", "roster_row", "run_id"},
	} {
		_, err := tx.NewUpdate().TableExpr("? AS f", bun.Ident(f.finding)).Set("value = ''").Set("message = ''").Where("f.org_id = ?", id).
			Where("EXISTS (SELECT 1 FROM ? AS r WHERE r.org_id = f.org_id AND r.? = f.? AND r.line = f.line AND r.employee_id IN (?))",
				bun.Ident(f.row), bun.Ident(f.of), bun.Ident(f.of), bun.List(idsOf(people))).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

func forgetMentions(ctx context.Context, tx bun.Tx, id access.OrgID, e org.Employee) error {
	if e.Email != "" {
		for _, m := range matched {
			_, err := tx.NewUpdate().TableExpr("?", bun.Ident(m.table)).Set(m.set).Where("org_id = ?", id).
				Where("lower(?) = lower(?)", bun.Ident(m.column), e.Email).Exec(ctx)
			if err != nil {
				return err
			}
		}
	}
	for _, said := range spelt(e) {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(said) + "%"
		for _, m := range mentions {
			q := tx.NewUpdate().TableExpr("?", bun.Ident(m.table)).Set("?0 = replace(?0, ?1, '')", bun.Ident(m.column), said).
				Where("org_id = ?", id).Where(`? LIKE ? ESCAPE '\'`, bun.Ident(m.column), like)
			if m.only != "" {
				q = q.Where(m.only)
			}
			if _, err := q.Exec(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// spelt is how an employee is written in texts and in JSON. A single word is no
// name to search for: it stands in texts about others.
func spelt(e org.Employee) (all []string) {
	for _, said := range []string{e.Name(), e.Email} {
		if said = strings.TrimSpace(said); !strings.ContainsAny(said, " @") {
			continue
		}
		all = append(all, said)
		if quoted, err := json.Marshal(said); err == nil {
			all = append(all, strings.Trim(string(quoted), `"`))
		}
	}
	return slices.Compact(all)
}
