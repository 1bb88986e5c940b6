package entitlement_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The list is as testdata/bpp.xsd says, written from the profile and not from
// our code, and stays as it is.
func TestListIsBasicPrivilegeProfile(t *testing.T) {
	t.Parallel()
	const cvr, unit = "urn:dk:gov:saml:cvrNumberIdentifier:12345678", "urn:dk:gov:saml:productionUnitIdentifier:1001234567"
	kle := entitlement.Constraints{{Name: "urn:kle", Values: []string{"25.*", "27 & <æ>"}}}
	for name, all := range map[string][]entitlement.Privilege{
		"none": nil,
		"some": {
			{URI: "urn:b", Scope: cvr},
			{URI: "urn:a", Scope: cvr},
			{URI: "urn:a", Scope: cvr},
			{URI: "https://tid.example/godkend?a=1&b=2", Scope: cvr, Constraints: kle},
			{URI: "urn:a", Scope: unit},
		},
	} {
		path := filepath.Join("testdata", name+".bpp.xml")
		got := entitlement.List(all)
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != string(got) {
			t.Errorf("List = %s, want (%v) %s", got, err, want)
		}
		if lint, err := exec.LookPath("xmllint"); err == nil {
			if out, err := exec.Command(lint, "--nonet", "--noout", "--schema", "testdata/bpp.xsd", path).CombinedOutput(); err != nil {
				t.Errorf("xmllint %s: %v: %s", path, err, out)
			}
		}
	}
}

// given is what the test has handed out, for the naive computation.
type given struct {
	employee access.EmployeeID
	group    entitlement.GroupID
	uri      string
	unit     string
	from     time.Time
	until    *time.Time
}

// Whatever is handed out in whatever order, what an employee may do is what a
// look at every piece of it says.
func TestPrivilegesAreWhatWasGiven(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		p := newPlace(t, db)
		random := rand.New(rand.NewPCG(7, uint64(len(t.Name()))))
		rights := make([]entitlement.Right, 5)
		for i := range rights {
			rights[i] = p.publish(t, fmt.Sprint("urn:r", i))
		}
		people := make([]org.Employee, 6)
		for i := range people {
			people[i] = p.Employee(t, p.Organisation, fmt.Sprint("R", i), fmt.Sprint("Bo ", i))
			people[i].PNumber = []string{"", "1001234567"}[i%2]
			people[i].State = []org.State{org.Active, org.Suspended}[i/5]
			if _, err := db.NewUpdate().Model(&people[i]).Column("p_number", "state").WherePK().Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		groups := make([]entitlement.Group, 3)
		members := map[entitlement.GroupID][]access.EmployeeID{}
		for i, kind := range []string{entitlement.Everyone, entitlement.AtUnit, entitlement.Customised} {
			var err error
			groups[i], err = p.Rights.CreateGroup(t.Context(), p.Actor, entitlement.Group{Name: kind, Kind: kind, PNumber: "1001234567"})
			if err != nil {
				t.Fatal(err)
			}
			for n, e := range people {
				if i == 0 || i == 1 && e.PNumber != "" || i == 2 && n < 3 {
					members[groups[i].ID] = append(members[groups[i].ID], e.ID)
				}
			}
		}
		if err := p.Rights.Fill(t.Context(), p.Actor, groups[2].ID, members[groups[2].ID], nil); err != nil {
			t.Fatal(err)
		}
		if err := p.Rights.AddBasic(t.Context(), p.Actor, rights[4].ID, entitlement.ForAll); err != nil {
			t.Fatal(err)
		}
		latest := map[string]given{}
		for range 60 {
			g := given{uri: rights[random.IntN(4)].URI, from: p.Clock.Now()}
			gift := entitlement.Gift{Right: rights[slices.IndexFunc(rights, func(r entitlement.Right) bool { return r.URI == g.uri })].ID}
			if random.IntN(3) == 0 {
				g.group = groups[random.IntN(3)].ID
			} else {
				g.employee = people[random.IntN(len(people))].ID
			}
			if random.IntN(3) == 0 {
				g.unit = "1001234567"
				gift.Scope = entitlement.Scope{Kind: entitlement.ProductionUnit, Value: g.unit}
			}
			if hours := random.IntN(48); hours > 0 {
				until := p.Clock.Now().Add(time.Duration(hours) * time.Hour)
				g.until = &until
			}
			if random.IntN(4) == 0 {
				g.from = g.from.Add(30 * time.Minute)
				gift.From = &g.from
			}
			gift.Employee, gift.Group, gift.Until = g.employee, g.group, g.until
			if _, err := p.Rights.Give(t.Context(), p.Actor, gift); err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint(g.employee, g.group, g.uri, g.unit)
			if before, ok := latest[key]; ok && gift.From == nil && same(before.until, g.until) && !before.from.After(p.Clock.Now()) {
				g.from = before.from
			}
			latest[key] = g
			p.Clock.Move(time.Duration(random.IntN(120)) * time.Minute)
			e := people[random.IntN(len(people))]
			if got, want := p.uris(t, e), p.naive(e, latest, members); !slices.Equal(got, want) {
				t.Fatalf("privileges of %s = %q, want %q", e.Name(), got, want)
			}
		}
	})
}

func same(a, b *time.Time) bool { return a == nil && b == nil || a != nil && b != nil && a.Equal(*b) }

func (p *place) naive(e org.Employee, all map[string]given, members map[entitlement.GroupID][]access.EmployeeID) []string {
	if e.State != org.Active {
		return nil
	}
	found := []string{"cvrNumberIdentifier:34051178 urn:r4"}
	now := p.Clock.Now()
	for _, g := range all {
		mine := g.employee == e.ID || slices.Contains(members[g.group], e.ID)
		if !mine || now.Before(g.from) || g.until != nil && !now.Before(*g.until) {
			continue
		}
		scope := "cvrNumberIdentifier:34051178 "
		if g.unit != "" {
			scope = "productionUnitIdentifier:" + g.unit + " "
		}
		found = append(found, scope+g.uri)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
