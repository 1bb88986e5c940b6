package entitlement

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/adgang/adgang/internal/fault"
)

// Kinds of a scope: the whole organisation, a production unit, an SE number.
const (
	WholeOrganisation = "cvr"
	ProductionUnit    = "p"
	SENumber          = "se"
)

// Scope is what a right is limited to. The zero Scope is the whole organisation,
// whose CVR number is filled in where it is told to a service.
type Scope struct {
	Kind  string `bun:"scope_kind"`
	Value string `bun:"scope_value"` // 10 digits of a P-number, 8 of an SE number, "" for the organisation
}

// digits of a unit's number by the kind of the scope.
var digits = map[string]int{ProductionUnit: 10, SENumber: 8}

// normal fills in the kind and checks the value against what a right allows.
func (s Scope) normal(r Right) (Scope, error) {
	s.Value = strings.TrimSpace(s.Value)
	if s.Kind == "" {
		s.Kind = WholeOrganisation
	}
	if !slices.Contains(r.ScopeKinds(), s.Kind) {
		return s, fault.New(fault.Invalid, "entitlement.scope.kind", "The right %s cannot be limited in this way. Choose one of the ways that its owner allows.", r.URI).On("scope")
	}
	n, ok := digits[s.Kind]
	if !ok {
		s.Value = ""
		return s, nil
	}
	if len(s.Value) != n || strings.Trim(s.Value, "0123456789") != "" {
		return s, fault.New(fault.Invalid, "entitlement.scope.number", "A P-number has 10 digits and an SE number 8; %q does not.", s.Value).On("scope")
	}
	return s, nil
}

// URN is the scope as services are told it; cvr is the organisation's number.
func (s Scope) URN(cvr string) string {
	switch s.Kind {
	case ProductionUnit:
		return "urn:dk:gov:saml:productionUnitIdentifier:" + s.Value
	case SENumber:
		return "urn:dk:gov:saml:seNumberIdentifier:" + s.Value
	}
	return "urn:dk:gov:saml:cvrNumberIdentifier:" + cvr
}

// Constraint narrows a right further: in the catalogue a name and the values it
// may have (none = any text), in an assignment a name and the chosen values.
type Constraint struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Constraints in canonical order, as JSON text in the database.
type Constraints []Constraint

const (
	maxConstraints = 20
	maxValues      = 100
	maxText        = 500
)

// normal sorts, trims and drops what is empty or there twice. Errors:
// fault.Invalid for too much of it.
func (c Constraints) normal() (Constraints, error) {
	all := Constraints{}
	for _, one := range c {
		one.Name = strings.TrimSpace(one.Name)
		values := []string{}
		for _, v := range one.Values {
			if v = strings.TrimSpace(v); v != "" {
				values = append(values, v)
			}
		}
		slices.Sort(values)
		one.Values = slices.Compact(values)
		named := func(other Constraint) bool { return other.Name == one.Name }
		long := func(v string) bool { return !printable(v, maxText) }
		if !printable(one.Name, maxText) || len(one.Values) > maxValues || slices.ContainsFunc(all, named) || slices.ContainsFunc(one.Values, long) {
			return nil, fault.New(fault.Invalid, "entitlement.constraint.form", "A constraint needs a name of its own and at most %d values, each of at most %d characters.", maxValues, maxText).On("constraints")
		}
		all = append(all, one)
	}
	if len(all) > maxConstraints {
		return nil, fault.New(fault.Invalid, "entitlement.constraint.many", "A right can have at most %d constraints.", maxConstraints).On("constraints")
	}
	slices.SortFunc(all, func(a, b Constraint) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// chosen checks the constraints of an assignment against the catalogue's: each
// known, each with a value, each value allowed.
func (c Constraints) chosen(r Right) (Constraints, error) {
	all, err := c.normal()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(one Constraint) bool { return len(one.Values) == 0 })
	for _, one := range all {
		i := slices.IndexFunc(r.Allowed, func(a Constraint) bool { return a.Name == one.Name })
		bad := func(v string) bool { return len(r.Allowed[i].Values) > 0 && !slices.Contains(r.Allowed[i].Values, v) }
		if i < 0 || slices.ContainsFunc(one.Values, bad) {
			return nil, fault.New(fault.Invalid, "entitlement.constraint.unknown", "The right %s has no constraint %q with such values. Choose among those that its owner allows.", r.URI, one.Name).On("constraints")
		}
	}
	return all, nil
}

// text is the canonical JSON.
func (c Constraints) text() string {
	if len(c) == 0 {
		return "[]"
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// readConstraints is the inverse of text.
func readConstraints(text string) (c Constraints, err error) {
	err = json.Unmarshal([]byte(text), &c)
	return c, err
}
