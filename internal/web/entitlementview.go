package web

import (
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/org"
)

// orZero is the zero value for what was left out.
func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func scopeOf(in *RightScope) entitlement.Scope {
	return entitlement.Scope{Kind: string(orZero(in).Kind), Value: orZero(in).Value}
}

func constraintsOf(in *[]RightConstraint) (out entitlement.Constraints) {
	for _, c := range orZero(in) {
		out = append(out, entitlement.Constraint{Name: c.Name, Values: c.Values})
	}
	return out
}

func constraints(all entitlement.Constraints) []RightConstraint {
	out := []RightConstraint{}
	for _, c := range all {
		values := c.Values
		if values == nil {
			values = []string{}
		}
		out = append(out, RightConstraint{Name: c.Name, Values: values})
	}
	return out
}

func catalogueRight(e entitlement.Entry) CatalogueRight {
	out := CatalogueRight{
		ID: string(e.ID), URI: e.URI, NameDa: e.NameDA, NameEn: e.NameEN, TextDa: e.TextDA, TextEn: e.TextEN,
		ServiceID: e.ServiceID, ServiceName: e.ServiceName, OwnerName: e.OwnerName, Scopes: []RightScopeKind{},
		Constraints: constraints(e.Allowed), Requestable: e.Requestable, Seal: e.Seal, Level: NsisLevel(e.Level),
		Version: int(e.Version), Retired: e.RetiredAt != nil,
	}
	for _, kind := range e.ScopeKinds() {
		out.Scopes = append(out.Scopes, RightScopeKind(kind))
	}
	return out
}

func holdings(all []entitlement.Holding) []Holding {
	out := []Holding{}
	for _, h := range all {
		one := Holding{
			Right: catalogueRight(h.Right), Source: HoldingSource(h.Source), Live: h.Live, Until: h.Until,
			GroupID: orNull(string(h.Group)), GroupName: orNull(h.GroupName), Assignment: orNull(string(h.Assignment)),
			Urn: orNull(h.URN), Behalf: orNull(h.Behalf),
		}
		if h.Scope.Kind != "" {
			one.Scope = &RightScope{Kind: RightScopeKind(h.Scope.Kind), Value: h.Scope.Value}
		}
		if len(h.Chosen) > 0 {
			chosen := constraints(h.Chosen)
			one.Constraints = &chosen
		}
		if !h.From.IsZero() {
			one.From = &h.From
		}
		out = append(out, one)
	}
	return out
}

func rightRequest(q entitlement.Asked) RightRequest {
	return RightRequest{
		ID: string(q.ID), Right: catalogueRight(q.Right), Employee: colleague(q.Employee),
		Scope: RightScope{Kind: RightScopeKind(q.Kind), Value: q.Value}, Constraints: constraints(q.Chosen), Reason: q.Reason,
		State: RightRequestState(q.State), AskedAt: q.AskedAt, ExpiresAt: q.ExpiresAt, DecidedAt: q.DecidedAt, Answer: q.Answer, Until: q.UntilAt,
	}
}

func colleague(e org.Employee) Colleague {
	state := string(e.State)
	return Colleague{ID: string(e.ID), Name: e.Name(), Email: e.Email, RID: e.RID, PNumber: orNull(e.PNumber), State: &state}
}
