// Package approval hides how a dangerous act waits for a second person. A domain
// package declares its act (NewAct) and begins the method that does it with Ask,
// in the method's own transaction, after the right and the input:
//
//	waiting, err := Suspend.Ask(ctx, tx, s.Approval, by, payload, approval.About{Object: "batch:" + id})
//	if waiting != nil || err != nil {
//		return waiting, err
//	}
//	// ... do it
//
// Ask returns nil when the organisation does not demand four eyes for that act,
// and otherwise the request it has recorded, which web answers with 202. A second
// person with the same right approves, never who asked; the function that Handle
// ties to the act then does it, in the transaction of the approval, with the
// second person as the actor, and checks everything again, since days may have
// passed. Payload and About are kept in clear and for good: IDs and choices, no
// secrets, no names. A face of the program lists every act and its function
// (app.Acts).
package approval

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/setting"
)

// Lifetime is how long a request waits for its second person.
const Lifetime = 14 * 24 * time.Hour

// Description is what an organisation chooses from: an act, the right that both
// persons need, and its name as it stands after "to", in lower case.
type Description struct {
	Name            string
	Right           access.Right
	Danish, English string
}

// Act is a dangerous act with what it needs to be done later.
type Act[P any] struct{ Description }

var (
	mu   sync.Mutex
	acts []Description
)

// NewAct declares an act; name is "package.noun", is stored, and never changes
// once released. It panics on a name that is taken, a programmer's mistake.
func NewAct[P any](name string, right access.Right, danish, english string) Act[P] {
	mu.Lock()
	defer mu.Unlock()
	d := Description{Name: name, Right: right, Danish: danish, English: english}
	if _, taken := find(name); taken {
		panic("approval: act declared twice: " + name)
	}
	acts = append(acts, d)
	slices.SortFunc(acts, func(a, b Description) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return Act[P]{d}
}

func find(name string) (Description, bool) {
	i := slices.IndexFunc(acts, func(d Description) bool { return d.Name == name })
	if i < 0 {
		return Description{}, false
	}
	return acts[i], true
}

// Catalogue returns every act that was declared, by name.
func Catalogue() []Description {
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(acts)
}

// Names returns what setting.Settings.FourEyes may hold.
func Names() []string {
	var names []string
	for _, d := range Catalogue() {
		if d.Name != FourEyes.Name {
			names = append(names, d.Name)
		}
	}
	return names
}

// Describe finds an act by name; one that this version does not know has a name
// and nothing else.
func Describe(name string) Description {
	mu.Lock()
	defer mu.Unlock()
	d, ok := find(name)
	if !ok {
		d = Description{Name: name, Danish: name, English: name}
	}
	return d
}

// Route says what does an act once it was approved.
type Route struct {
	Act string
	run func(ctx context.Context, tx bun.Tx, by access.Actor, payload string) error
}

// Handle makes a route; the compiler checks that do takes what the act carries.
// do is given the second person. Its errors of an expected kind end the request
// as failed.
func Handle[P any](act Act[P], do func(ctx context.Context, tx bun.Tx, by access.Actor, payload P) error) Route {
	return Route{Act: act.Name, run: func(ctx context.Context, tx bun.Tx, by access.Actor, payload string) error {
		var value P
		if err := json.Unmarshal([]byte(payload), &value); err != nil {
			return fmt.Errorf("payload of %s: %w", act.Name, err)
		}
		return do(ctx, tx, by, value)
	}}
}

// Person is who may decide or has asked.
type Person struct {
	ID                access.EmployeeID
	Name, Email, Lang string
}

// Service is the front of the package. Holders lists the active employees who
// hold a right, by name; Routes has one line an act.
type Service struct {
	DB      *bun.DB
	Mail    *mail.Service
	Setting *setting.Service
	Now     func() time.Time
	Holders func(ctx context.Context, db bun.IDB, org access.OrgID, right access.Right) ([]Person, error)
	Routes  []Route
}

func (s *Service) route(act string) (Route, error) {
	for _, r := range s.Routes {
		if r.Act == act {
			return r, nil
		}
	}
	return Route{}, fault.New(fault.Conflict, "approval.act.unknown", "This version of Adgang does not know the act %s. Reject the request and ask again.", act)
}

// Demanded tells whether the organisation has chosen four eyes for an act.
func Demanded(ctx context.Context, db bun.IDB, org access.OrgID, act string) (bool, error) {
	settings, err := setting.Of(ctx, db, org)
	return slices.Contains(settings.FourEyes, act), err
}
