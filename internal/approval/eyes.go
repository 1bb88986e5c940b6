package approval

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Eyes are the acts that an organisation wants to need four eyes.
type Eyes struct{ Acts []string }

// FourEyes is the act of choosing them. It is no act that can be chosen: taking
// one away always waits for a second person, else one could switch it all off.
var FourEyes = NewAct[Eyes]("setting.four_eyes", access.ChangeSettings,
	"ændre, hvilke handlinger der kræver to personer", "change which acts need two persons")

// Choice is an act that can be chosen and how many could decide it.
type Choice struct {
	Description
	Chosen  bool
	Holders int // active employees who hold the right
}

// Acts returns the catalogue with what the actor's organisation has chosen.
// Errors: fault.Denied.
func (s *Service) Acts(ctx context.Context, by access.Actor) ([]Choice, error) {
	if err := by.Need(access.ViewSettings); err != nil {
		return nil, err
	}
	settings, err := setting.Of(ctx, s.DB, by.OrgID)
	if err != nil {
		return nil, err
	}
	holders := map[access.Right]int{}
	var all []Choice
	for _, name := range Names() {
		d := Describe(name)
		if _, known := holders[d.Right]; !known {
			people, err := s.Holders(ctx, s.DB, by.OrgID, d.Right)
			if err != nil {
				return nil, err
			}
			holders[d.Right] = len(people)
		}
		all = append(all, Choice{Description: d, Chosen: slices.Contains(settings.FourEyes, name), Holders: holders[d.Right]})
	}
	return all, nil
}

// Choose sets them. It returns the request when taking one away has to wait.
// Errors: fault.Denied; fault.Invalid for an act that is not in the catalogue;
// fault.Conflict when nobody but the actor could approve an act that is added.
func (s *Service) Choose(ctx context.Context, by access.Actor, names []string) (waiting *Request, err error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return nil, fault.New(fault.Invalid, "approval.act.unchosen", "%q is not an act that can need two persons.", name).On("acts")
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		before, err := setting.Of(ctx, tx, by.OrgID)
		if err != nil {
			return err
		}
		if err := s.enough(ctx, tx, by, before.FourEyes, names); err != nil {
			return err
		}
		if slices.ContainsFunc(before.FourEyes, func(name string) bool { return !slices.Contains(names, name) }) {
			list, err := json.Marshal(names)
			if err != nil {
				return err
			}
			waiting, err = FourEyes.demand(ctx, tx, s, by, Eyes{names}, About{Object: "setting:four_eyes", Details: map[string]string{"acts": string(list)}})
			if waiting != nil || err != nil {
				return err
			}
		}
		return s.choose(ctx, tx, by, Eyes{names})
	})
	return waiting, err
}

// enough refuses to add an act that nobody could approve.
func (s *Service) enough(ctx context.Context, tx bun.Tx, by access.Actor, before, after []string) error {
	for _, name := range after {
		if slices.Contains(before, name) {
			continue
		}
		holders, err := s.Holders(ctx, tx, by.OrgID, Describe(name).Right)
		if err != nil {
			return err
		}
		if len(holders) < 2 {
			return fault.New(fault.Conflict, "approval.act.alone", "Two persons must have the right %s before it can need two persons. Give the role that carries it to one more first.", Describe(name).Right).On("acts")
		}
	}
	return nil
}

// choose is the act FourEyes, done.
func (s *Service) choose(ctx context.Context, tx bun.Tx, by access.Actor, to Eyes) error {
	if err := by.Need(access.ChangeSettings); err != nil {
		return err
	}
	_, err := s.Setting.Put(ctx, tx, by, func(now *setting.Settings) { now.FourEyes = to.Acts })
	return err
}

// ChooseRoute ties FourEyes to what does it.
func (s *Service) ChooseRoute() Route { return Handle(FourEyes, s.choose) }
