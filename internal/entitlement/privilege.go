package entitlement

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/org"
)

// Privilege is a right as a service is told it.
type Privilege struct {
	URI         string
	Scope       string // urn:dk:gov:saml:...
	Constraints Constraints
	Level       string // NSIS level that the login must have, "" = any
}

// PrivilegesOf returns what an employee may do in a service now, each privilege
// once: their own rights, those of their groups, the basic package and powers of
// attorney. Nobody has any who is not active. known is false when the service
// publishes no rights at all.
func (s *Service) PrivilegesOf(ctx context.Context, db bun.IDB, o org.Organisation, employee access.EmployeeID, service string) (all []Privilege, known bool, err error) {
	known, err = db.NewSelect().Model((*Right)(nil)).Where("service_id = ?", service).Exists(ctx)
	if err != nil || !known {
		return nil, known, err
	}
	e, err := org.Get(ctx, db, o.ID, employee)
	if err != nil {
		return nil, known, err
	}
	found, err := s.holdings(ctx, db, o.ID, []org.Employee{e})
	if err != nil {
		return nil, known, err
	}
	for _, h := range found[employee] {
		if h.Live && h.Right.ServiceID == service {
			all = append(all, Privilege{h.Right.URI, cmp.Or(h.URN, h.Scope.URN(o.CVR)), h.Chosen, h.Right.Level})
		}
	}
	return unique(all), known, nil
}

// unique sorts by scope, constraints and URI, and drops what is there twice.
func unique(all []Privilege) []Privilege {
	slices.SortFunc(all, func(a, b Privilege) int {
		return cmp.Or(strings.Compare(a.Scope, b.Scope), strings.Compare(a.Constraints.text(), b.Constraints.text()), strings.Compare(a.URI, b.URI))
	})
	return slices.CompactFunc(all, func(a, b Privilege) bool {
		return a.URI == b.URI && a.Scope == b.Scope && a.Constraints.text() == b.Constraints.text()
	})
}

// nsPrivileges is the namespace of OIO Basic Privilege Profile 1.2. Only the root
// is in it.
const nsPrivileges = "http://digst.dk/oiosaml/basic_privilege_profile"

// List writes privileges as a PrivilegeList of OIO Basic Privilege Profile 1.2:
// one group for each scope and set of constraints.
func List(all []Privilege) []byte {
	all = unique(slices.Clone(all))
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><bpp:PrivilegeList xmlns:bpp="` + nsPrivileges + `">`)
	for i, p := range all {
		if i == 0 || !together(all[i-1], p) {
			b.WriteString(`<PrivilegeGroup Scope="` + escaped(p.Scope) + `">`)
		}
		b.WriteString("<Privilege>" + escaped(p.URI) + "</Privilege>")
		if i+1 < len(all) && together(p, all[i+1]) {
			continue
		}
		for _, c := range p.Constraints {
			for _, v := range c.Values {
				b.WriteString(`<Constraint Name="` + escaped(c.Name) + `">` + escaped(v) + "</Constraint>")
			}
		}
		b.WriteString("</PrivilegeGroup>")
	}
	b.WriteString("</bpp:PrivilegeList>")
	return b.Bytes()
}

func together(a, b Privilege) bool {
	return a.Scope == b.Scope && a.Constraints.text() == b.Constraints.text()
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
