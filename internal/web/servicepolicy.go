package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
)

// serviceReview: POST /api/v1/services/review ServiceSource -> 200 ServiceReview.
func (s *Server) serviceReview(c echo.Context) error {
	var in ServiceSource
	if err := bind(c, &in); err != nil {
		return err
	}
	var metadata []byte
	if in.Metadata != nil {
		metadata = []byte(*in.Metadata)
	}
	if in.URL != nil && *in.URL != "" {
		var err error
		if metadata, err = s.Federation.Fetch(c.Request().Context(), actor(c), *in.URL); err != nil {
			return err
		}
	}
	entityID := ""
	if in.EntityID != nil {
		entityID = *in.EntityID
	}
	report, err := s.Federation.Review(c.Request().Context(), actor(c), metadata, entityID)
	if err != nil {
		return err
	}
	out := serviceReviewOf(report)
	if len(report.Parties) > 0 {
		parties := make([]ServiceParty, len(report.Parties))
		for i, one := range report.Parties {
			parties[i] = ServiceParty{EntityID: one.EntityID, Name: one.Name}
		}
		out.Usable, out.Parties = false, &parties
		return c.JSON(http.StatusOK, out)
	}
	text := string(report.Metadata)
	out.Metadata = &text
	return c.JSON(http.StatusOK, out)
}

// serviceReviewed: GET /api/v1/services/:id/review -> 200 ServiceReview.
func (s *Server) serviceReviewed(c echo.Context) error {
	p, err := s.Federation.Partner(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	report := federation.Report{EntityID: p.EntityID, Name: p.Name, Contacts: p.Contacts(), Findings: p.Metadata.Review(s.Now())}
	for _, one := range p.Metadata.Consumers {
		report.Consumers = append(report.Consumers, one.URL)
	}
	return c.JSON(http.StatusOK, serviceReviewOf(report))
}

func serviceReviewOf(r federation.Report) ServiceReview {
	out := ServiceReview{
		Usable: r.Problem == nil, EntityID: orNull(r.EntityID), Name: orNull(r.Name), AcsUrls: listed(r.Consumers),
		Contacts: serviceContacts(r.Contacts), Findings: []ServiceFinding{},
	}
	if r.Problem != nil {
		out.Findings = append(out.Findings, ServiceFinding{Code: r.Problem.Code, Tone: "error", Value: &r.Problem.Text})
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, ServiceFinding{Code: f.Code, Tone: ServiceFindingTone(f.Tone), Value: orNull(f.Value)})
	}
	return out
}

// listed is all, never null.
func listed(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func serviceContacts(all []oiosaml.Contact) []ServiceContact {
	out := []ServiceContact{}
	for _, one := range all {
		kind := ServiceContactKind(one.Kind)
		if !kind.Valid() {
			kind = ServiceContactKindOther
		}
		email := ""
		if len(one.Emails) > 0 {
			email = one.Emails[0]
		}
		out = append(out, ServiceContact{Kind: kind, Name: one.Name, Email: email})
	}
	return out
}

// servicePolicy: GET /api/v1/services/:id/policy -> 200 ServicePolicy.
func (s *Server) servicePolicy(c echo.Context) error {
	p, err := s.Federation.Partner(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, servicePolicyOf(p))
}

// servicePolicySet: PUT /api/v1/services/:id/policy ServicePolicy -> 200 ServicePolicy.
func (s *Server) servicePolicySet(c echo.Context) error {
	var in ServicePolicy
	if err := bind(c, &in); err != nil {
		return err
	}
	policy := federation.Policy{
		Unsigned: !in.SignedRequests, SkewSeconds: in.SkewSeconds, SignResponse: in.SignResponse, ECDSA: in.Ecdsa, Rights: in.Rights, Version: in.Version,
	}
	if in.OwnContacts {
		policy.Contacts = []oiosaml.Contact{}
		for _, one := range in.Contacts {
			policy.Contacts = append(policy.Contacts, oiosaml.Contact{Kind: string(one.Kind), Name: one.Name, Emails: []string{one.Email}})
		}
	}
	p, err := s.Federation.SetPolicy(c.Request().Context(), actor(c), c.Param("id"), policy)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, servicePolicyOf(p))
}

func servicePolicyOf(p federation.Partner) ServicePolicy {
	return ServicePolicy{
		SignedRequests: !p.Policy.Unsigned, SkewSeconds: int(p.Policy.Skew().Seconds()), SignResponse: p.Policy.SignResponse, Ecdsa: p.Policy.ECDSA,
		Rights: listed(p.Policy.Rights), Contacts: serviceContacts(p.Contacts()), OwnContacts: p.Policy.Contacts != nil, Version: p.Policy.Version,
	}
}

// serviceUse: GET /api/v1/services/:id/use -> 200 ServiceUse.
func (s *Server) serviceUse(c echo.Context) error {
	used, err := s.Federation.Used(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, serviceUseOf(used))
}

// serviceUseSet: PUT /api/v1/services/:id/use ServiceUseChange -> 200 ServiceUse.
func (s *Server) serviceUseSet(c echo.Context) error {
	var in ServiceUseChange
	if err := bind(c, &in); err != nil {
		return err
	}
	use := federation.Use{Withheld: in.Withheld, Version: in.Version}
	for _, g := range in.Groups {
		use.Groups = append(use.Groups, entitlement.GroupID(g))
	}
	used, err := s.Federation.SetUse(c.Request().Context(), actor(c), c.Param("id"), use)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, serviceUseOf(used))
}

func serviceUseOf(u federation.Used) ServiceUse {
	out := ServiceUse{ID: u.ID, Name: u.Name, Owner: u.OwnerName, Own: u.Own, Attributes: []ServiceAttribute{}, Groups: []string{}, Version: u.Use.Version}
	withheld := map[string]bool{}
	for _, name := range u.Use.Withheld {
		withheld[name] = true
	}
	for _, a := range u.Attributes {
		out.Attributes = append(out.Attributes, ServiceAttribute{
			Name: a.Name, Mandatory: a.Mandatory, Asked: a.Asked, Required: a.Required, Withheld: withheld[a.Name] && !a.Mandatory,
		})
	}
	for _, g := range u.Use.Groups {
		out.Groups = append(out.Groups, string(g))
	}
	return out
}
