package org

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
)

// Wishes are what employees decide about themselves; nil leaves it. PrivateMitID
// is the consent to log in with one's private MitID, given or withdrawn.
type Wishes struct {
	Lang, Channel *string
	PrivateMitID  *bool
}

var errNobody = fault.New(fault.Denied, "org.self.nobody", "Only an employee has a page of his or her own.")

// Wish records the actor's own wishes. What is as wished already changes nothing.
// Errors: fault.Denied for who is no employee; fault.Invalid for a language or
// channel that there is not.
func (s *Service) Wish(ctx context.Context, by access.Actor, w Wishes) error {
	if by.Employee == "" {
		return errNobody
	}
	if w.Lang != nil && !slices.Contains([]string{mail.Danish, mail.English}, *w.Lang) {
		return fault.New(fault.Invalid, "org.self.lang", "Mails are in Danish (da) or English (en).").On("lang")
	}
	if w.Channel != nil && !slices.Contains([]string{ByMail, ByLetter}, *w.Channel) {
		return fault.New(fault.Invalid, "org.self.channel", "Messages come by mail or by letter.").On("channel")
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		e, err := Get(ctx, tx, by.OrgID, by.Employee)
		if err != nil {
			return err
		}
		now := store.Instant(s.Now())
		q := tx.NewUpdate().Model((*Employee)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", by.Employee)
		var notes []string
		if w.Lang != nil && *w.Lang != e.Lang {
			q.Set("lang = ?", *w.Lang)
			notes = append(notes, "language "+*w.Lang)
		}
		if w.Channel != nil && *w.Channel != e.Channel {
			q.Set("channel = ?", *w.Channel)
			notes = append(notes, "channel "+*w.Channel)
		}
		if w.PrivateMitID != nil && *w.PrivateMitID != (e.PrivateMitIDAt != nil) {
			if *w.PrivateMitID {
				q.Set("private_mitid_at = ?", now)
				notes = append(notes, "consent to private MitID given")
			} else {
				q.Set("private_mitid_at = NULL")
				notes = append(notes, "consent to private MitID withdrawn")
			}
		}
		if len(notes) == 0 {
			return nil
		}
		res, err := q.Set("updated_at = ?", now).Set("version = version + 1").Exec(ctx)
		if err := store.One(res, err, "org.employee"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "employee.wish", "employee:"+string(by.Employee), strings.Join(notes, ", ")))
	})
}

// MyAdministrators returns the active administrators of the actor's organisation
// with their roles, by name, at most 100. Errors: fault.Denied for who is no
// employee.
func (s *Service) MyAdministrators(ctx context.Context, by access.Actor) ([]RoleHolder, error) {
	if by.Employee == "" {
		return nil, errNobody
	}
	roles := []access.Role{access.OrganisationAdministrator, access.UserAdministrator, access.RightsAdministrator}
	var people []Employee
	err := s.DB.NewSelect().Model(&people).Where("org_id = ?", by.OrgID).Where("state = ?", Active).
		Where("id IN (SELECT r.employee_id FROM role_assignment AS r WHERE r.org_id = ? AND r.role IN (?))", by.OrgID, bun.List(roles)).
		Order("sort_key", "id").Limit(100).Scan(ctx)
	if err != nil || len(people) == 0 {
		return nil, err
	}
	holders := make([]RoleHolder, len(people))
	at := map[access.EmployeeID]int{}
	ids := make([]access.EmployeeID, len(people))
	for i, e := range people {
		holders[i].Employee, at[e.ID], ids[i] = e, i, e.ID
	}
	var given []RoleAssignment
	err = s.DB.NewSelect().Model(&given).Where("org_id = ?", by.OrgID).Where("employee_id IN (?)", bun.List(ids)).
		Where("role IN (?)", bun.List(roles)).Order("role").Scan(ctx)
	for _, g := range given {
		h := &holders[at[g.EmployeeID]]
		h.Roles = append(h.Roles, g.Role)
	}
	return holders, err
}
