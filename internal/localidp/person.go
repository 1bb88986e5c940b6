package localidp

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
)

// person finds whom a login is about, and makes an employee of somebody unknown
// where the provider may. Errors: fault.Denied.
func (s *Service) person(ctx context.Context, tx bun.Tx, p IdP, r request, k oiosaml.Vouched, address string) (org.Employee, error) {
	o, err := org.ByID(ctx, tx, p.OrgID)
	if err != nil {
		return org.Employee{}, err
	}
	if o.Ended(s.Now()) {
		return org.Employee{}, fault.New(fault.Denied, "localidp.ended", "The organisation's agreement has ended, so nobody logs in for it any more.")
	}
	if r.Purpose != toTest {
		if err := allowed(ctx, tx, p); err != nil {
			return org.Employee{}, err
		}
	}
	if cvr := k.One(oiosaml.AttrCVR); cvr != o.CVR && p.JoinBy != ByCPR {
		if cvr == "" {
			return org.Employee{}, fault.New(fault.Denied, "localidp.cvr_missing", "Your organisation's login does not say which CVR number you log in for. Its administrator must add the attribute %s.", oiosaml.AttrCVR)
		}
		return org.Employee{}, fault.New(fault.Denied, "localidp.cvr", "You have logged in for another CVR number than that of the organisation here.")
	}
	if r.Purpose == toProve {
		return s.proven(ctx, tx, p, r, k, address)
	}
	e, found, err := s.find(ctx, tx, p, k)
	if err != nil {
		return e, err
	}
	if !found && p.Creates && r.Purpose != toTest {
		e, err = s.create(ctx, tx, p, k, address)
	} else if !found {
		err = fault.New(fault.Denied, "localidp.person.unknown", "Your organisation's login knows you, but you are not an employee in Adgang, or under another user ID. Ask your user administrator to create you.")
	}
	if err != nil {
		return e, err
	}
	return s.standing(ctx, tx, p, e.ID, p.level(k).String())
}

// find looks for the employee by what the provider joins by. A value that fits two
// employees fits none.
func (s *Service) find(ctx context.Context, db bun.IDB, p IdP, k oiosaml.Vouched) (org.Employee, bool, error) {
	var found []org.Employee
	q := db.NewSelect().Model(&found).Where("org_id = ?", p.OrgID).Where("state <> ?", org.Deleted)
	switch p.JoinBy {
	case ByLocalUserID:
		q.Where("local_user_id = ?", k.NameID.Value)
	case ByRID:
		q.Where("rid = ?", k.One(oiosaml.AttrRID))
	case ByUUID:
		id, err := uuid.Parse(strings.TrimPrefix(k.One(oiosaml.AttrUUID), "urn:uuid:"))
		if err != nil {
			return org.Employee{}, false, nil //nolint:nilerr // what is no UUID is nobody's
		}
		q.Where("id = ?", id.String())
	case ByCPR:
		cpr := k.One(oiosaml.AttrCPR)
		if cpr == "" {
			return org.Employee{}, false, nil
		}
		q.Where("cpr_mac = ?", org.CPRMAC(s.Keys, p.OrgID, cpr))
	}
	if err := q.Order("id").Limit(2).Scan(ctx); err != nil || len(found) == 0 {
		return org.Employee{}, false, err
	}
	if len(found) > 1 {
		return org.Employee{}, false, fault.New(fault.Denied, "localidp.person.ambiguous", "Two employees have the user ID that you logged in with. Ask your user administrator to mend it.")
	}
	return found[0], true, nil
}

// create makes the employee that the assertion describes, as the provider's act.
func (s *Service) create(ctx context.Context, tx bun.Tx, p IdP, k oiosaml.Vouched, address string) (org.Employee, error) {
	who := org.Person{GivenName: k.One(oiosaml.AttrFirstName), Surname: k.One(oiosaml.AttrLastName), Email: k.One(oiosaml.AttrEmail), CPR: k.One(oiosaml.AttrCPR)}
	if full := k.One(oiosaml.AttrFullName); full != "" && (who.GivenName == "" || who.Surname == "") {
		if at := strings.LastIndex(full, " "); at > 0 {
			who.GivenName, who.Surname = full[:at], full[at+1:]
		}
	}
	if p.JoinBy == ByRID {
		who.RID = k.One(oiosaml.AttrRID)
	} else {
		who.LocalUserID = k.NameID.Value
	}
	by := access.System(p.OrgID)
	by.ID, by.Name, by.Address = "idp:"+p.ID, p.Name, address
	e, err := s.Org.CreateTx(ctx, tx, by, who, "")
	if kind := fault.KindOf(err); err != nil && kind != fault.Internal && kind != fault.Unavailable {
		return e, fault.New(fault.Denied, "localidp.person.not_created", "You are not an employee in Adgang yet, and what your organisation's login says of you is not enough to create you. Ask your user administrator.").Because(err)
	}
	return e, err
}

// standing checks that the employee may log in now, at a level. Errors:
// fault.Denied.
func (s *Service) standing(ctx context.Context, db bun.IDB, p IdP, id access.EmployeeID, level string) (org.Employee, error) {
	e, err := org.Get(ctx, db, p.OrgID, id)
	if err != nil {
		return e, err
	}
	settings, err := setting.Of(ctx, db, p.OrgID)
	if err != nil {
		return e, err
	}
	switch {
	case e.State != org.Active:
		return e, fault.New(fault.Denied, "localidp.person.stopped", "Your access to the organisation has been stopped. Ask your user administrator.")
	case org.LevelRank(level) < org.LevelRank(e.Needs(settings)) && e.Proven(settings) != nil:
		return e, fault.New(fault.Denied, "localidp.person.level", "Your organisation demands a higher level of identity than this login has. Ask your user administrator.")
	}
	return e, nil
}
