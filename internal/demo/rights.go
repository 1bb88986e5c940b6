package demo

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/store"
)

// offers are the rights that the demo's service publishes.
var offers = []entitlement.Offer{
	{
		URI: "urn:dk:fiktiv:tid:laes", NameDA: "Se egne timer", NameEN: "See own hours", Requestable: true,
		TextDA: "Åbn tidsregistreringen, og se dine egne timer.", TextEN: "Open the time registration and see your own hours.",
	},
	{
		URI: "urn:dk:fiktiv:tid:registrer", NameDA: "Registrér timer", NameEN: "Register hours", Requestable: true,
		Scopes: []string{entitlement.WholeOrganisation, entitlement.ProductionUnit},
		TextDA: "Skriv timer for dig selv og dit hold.", TextEN: "Write hours for yourself and your team.",
	},
	{
		URI: "urn:dk:fiktiv:tid:godkend", NameDA: "Godkend timer", NameEN: "Approve hours", Requestable: true,
		TextDA: "Godkend det, andre har skrevet, inden for de valgte afdelinger.", TextEN: "Approve what others have written, within the chosen departments.",
		Allowed: entitlement.Constraints{{Name: "urn:dk:fiktiv:afdeling", Values: []string{"drift", "salg", "vaerksted"}}},
	},
	{
		URI: "urn:dk:fiktiv:tid:udtraek", NameDA: "Hent udtræk til løn", NameEN: "Extract for payroll",
		TextDA: "Hent alle timer til lønsystemet.", TextEN: "Fetch all hours for the payroll system.",
	},
}

// crew are employees who have rights before the migration has brought the rest.
var crew = []org.Employee{
	{GivenName: "Ida", Surname: "Holm", PNumber: "1009876543"},
	{GivenName: "Søren", Surname: "Krag", PNumber: "1009876543"},
	{GivenName: "Mette", Surname: "Lund"},
}

// entitle gives the demo rights, groups, requests and a review, once.
func (s *Service) entitle(ctx context.Context, by access.Actor) error {
	targets, err := s.Rights.Targets(ctx, by)
	if err != nil || len(targets) == 0 {
		return err
	}
	service := targets[0].ID
	_, there, err := s.Rights.Published(ctx, by, service)
	if err != nil || len(there) > 0 {
		return err
	}
	rights := make([]entitlement.ID, len(offers))
	for i, o := range offers {
		r, err := s.Rights.Publish(ctx, by, service, o)
		if err != nil {
			return err
		}
		rights[i] = r.ID
	}
	people, err := s.hire(ctx, by)
	if err != nil {
		return err
	}
	if err := s.Rights.AddBasic(ctx, by, rights[0], entitlement.ForAll); err != nil {
		return err
	}
	if err := s.give(ctx, by, rights, people); err != nil {
		return err
	}
	for i, id := range []entitlement.ID{rights[2], rights[1]} {
		self := access.Actor{OrgID: by.OrgID, ID: "employee:" + string(people[i+1].ID), Employee: people[i+1].ID, Name: people[i+1].Name()}
		wish := entitlement.Wish{Right: id, Reason: "Jeg overtager vagtplanen fra 1. december."}
		if _, err := s.Rights.Ask(ctx, self, wish); err != nil {
			return err
		}
	}
	_, err = s.Review.Start(ctx, by, review.Plan{
		Name: "Årlig gennemgang af tidsregistrering", SubjectKind: review.OfService, SubjectID: service, Undecided: review.Keep,
		DueOn: s.Now().UTC().AddDate(0, 0, 21).Format(time.DateOnly), Reviewers: []access.EmployeeID{by.Employee},
	})
	return err
}

// openService lets the employees of both organisations log in to the demo's service.
func (s *Service) openService(ctx context.Context, by access.Actor) error {
	targets, err := s.Rights.Targets(ctx, by)
	if err != nil || len(targets) == 0 {
		return err
	}
	return s.Rights.SetOpen(ctx, by, targets[0].ID, true)
}

// hire makes the crew, and the administrator one of those who decide requests.
func (s *Service) hire(ctx context.Context, by access.Actor) (people []org.Employee, err error) {
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		people = nil
		admin, err := org.Get(ctx, tx, by.OrgID, by.Employee)
		if err != nil {
			return err
		}
		if err := s.Org.Assign(ctx, tx, admin, access.RightsAdministrator); err != nil {
			return err
		}
		for i, e := range crew {
			rid := "DEMO-" + string(rune('1'+i))
			e.OrgID, e.RID, e.Email = by.OrgID, &rid, "hold"+string(rune('1'+i))+"@"+sampleHost
			found, err := org.FindOrCreate(ctx, tx, by.OrgID, []org.Employee{s.Org.Prepare(e)})
			if err != nil {
				return err
			}
			people = append(people, found[rid])
		}
		return nil
	})
	return people, err
}

// give deals out the rights: to a group, to its members, and for a time.
func (s *Service) give(ctx context.Context, by access.Actor, rights []entitlement.ID, people []org.Employee) error {
	soon := s.Now().AddDate(0, 0, 10)
	g, err := s.Rights.CreateGroup(ctx, by, entitlement.Group{
		Name: "Holdledere", Text: "De, der skriver timer for et hold.", Kind: entitlement.Customised,
	})
	if err != nil {
		return err
	}
	everyone, err := s.Rights.CreateGroup(ctx, by, entitlement.Group{
		Name: "Værkstedet", Text: "Alle på produktionsenheden i havnen.", Kind: entitlement.AtUnit, PNumber: "1009876543",
	})
	if err != nil {
		return err
	}
	if err := s.Rights.Fill(ctx, by, g.ID, []access.EmployeeID{people[0].ID, people[1].ID}, nil); err != nil {
		return err
	}
	for _, gift := range []entitlement.Gift{
		{Group: g.ID, Right: rights[1]},
		{Group: everyone.ID, Right: rights[1], Scope: entitlement.Scope{Kind: entitlement.ProductionUnit, Value: "1009876543"}},
		{Employee: people[0].ID, Right: rights[2], Constraints: entitlement.Constraints{{Name: "urn:dk:fiktiv:afdeling", Values: []string{"drift", "vaerksted"}}}},
		{Employee: people[2].ID, Right: rights[3], Until: &soon},
		{Employee: by.Employee, Right: rights[2]},
	} {
		if _, err := s.Rights.Give(ctx, by, gift); err != nil {
			return err
		}
	}
	return nil
}

// privilegesName is the attribute that carries what a person may do.
const privilegesName = "https://data.gov.dk/model/core/eid/privilegesIntermediate"

// allowed is a group of privileges as the service reads it.
type allowed struct {
	Scope       string   `xml:"Scope,attr"`
	Privileges  []string `xml:"Privilege"`
	Constraints []struct {
		Name  string `xml:"Name,attr"`
		Value string `xml:",chardata"`
	} `xml:"Constraint"`
}

// privileges reads a list of OIO Basic Privilege Profile in base64, as a service
// would; nil for what is none.
func privileges(value string) []allowed {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	var list struct {
		XMLName xml.Name  `xml:"http://digst.dk/oiosaml/basic_privilege_profile PrivilegeList"`
		Groups  []allowed `xml:"PrivilegeGroup"`
	}
	if xml.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list.Groups
}
