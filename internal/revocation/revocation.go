// Package revocation revokes every certificate of one kind that an organisation
// has, as when its keys are out: a second person approves where the organisation
// wants one, and the work is done bit by bit, each certificate once.
package revocation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB         *bun.DB
	CA         *ca.Service
	Credential *credential.Service
	Approval   *approval.Service
	Now        func() time.Time
	// Step is how many certificates one piece of work revokes, in one transaction; 0
	// is 100.
	Step int64
}

// Kinds of certificates that can be revoked together.
var Kinds = []pki.Profile{pki.ProfileEmployee, pki.ProfileOrganisation, pki.ProfileSystem, pki.ProfileSecureEmail}

// Standing is where one kind stands: how many certificates are in force, the
// actor's own left out, and whether work is revoking them.
type Standing struct {
	Kind     pki.Profile
	Live     int64
	Revoking bool
}

// Revocation asks that all certificates of a kind are revoked. Its reason is one of
// ca.Reasons, since it may wait in clear for a second person. Spare is who asks:
// their own key file stays, or nobody could log in to see what came of it.
type Revocation struct {
	Kind   pki.Profile       `json:"kind"`
	Reason string            `json:"reason"`
	Spare  access.EmployeeID `json:"spare,omitempty"`
}

// RevokeAct is an act that an organisation may want a second person for.
var RevokeAct = approval.NewAct[Revocation]("revocation.revoke_kind", access.OrderCertificate,
	"spærre alle certifikater af én slags", "revoke all certificates of one kind")

// Kind is the work.
var Kind = outbox.NewKind[Ref]("revocation.revoke_some")

// Ref names a piece of the work: what follows a serial number.
type Ref struct {
	Org    access.OrgID        `json:"org"`
	Kind   pki.Profile         `json:"kind"`
	Reason string              `json:"reason"`
	Spare  []access.EmployeeID `json:"spare"`
	Actor  string              `json:"actor"` // as audit entries name it
	Until  time.Time           `json:"until"` // certificates made later are not meant
	After  pki.Serial          `json:"after"`
	Done   int64               `json:"done"`
}

func object(kind pki.Profile) string { return "certificate_kind:" + string(kind) }

// RevokeRoute ties the act to what does it.
func (s *Service) RevokeRoute() approval.Route {
	return approval.Handle(RevokeAct, func(ctx context.Context, tx bun.Tx, by access.Actor, in Revocation) error {
		return s.begin(ctx, tx, by, in)
	})
}

// Standings tells where each kind stands. Errors: fault.Denied.
func (s *Service) Standings(ctx context.Context, by access.Actor) ([]Standing, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return nil, err
	}
	all := make([]Standing, len(Kinds))
	for i, kind := range Kinds {
		var err error
		if all[i], err = s.standing(ctx, s.DB, by, kind); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Service) standing(ctx context.Context, db bun.IDB, by access.Actor, kind pki.Profile) (Standing, error) {
	n, err := s.CA.CountLive(ctx, db, ca.Live{Org: by.OrgID, Kind: kind, Spare: spared(by.Employee)})
	if err != nil {
		return Standing{}, err
	}
	revoking, err := Kind.Waiting(ctx, db, by.OrgID, `"kind":"`+string(kind)+`"`)
	return Standing{Kind: kind, Live: n, Revoking: revoking}, err
}

// spared are people whose key files stay.
func spared(people ...access.EmployeeID) []access.EmployeeID {
	people = slices.DeleteFunc(people, func(id access.EmployeeID) bool { return id == "" })
	slices.Sort(people)
	return slices.Compact(people)
}

// Revoke revokes all certificates of a kind, for good; a key file in use is blocked
// with its certificate. seen is how many the actor was shown. It returns where the
// kind stands, and the request that waits where a second person must approve.
// Errors: fault.Denied, fault.Invalid, fault.Conflict when there are others than
// were shown, or none, or they are being revoked.
func (s *Service) Revoke(ctx context.Context, by access.Actor, in Revocation, seen int64) (st Standing, waiting *approval.Request, err error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return st, nil, err
	}
	if !slices.Contains(Kinds, in.Kind) {
		return st, nil, fault.New(fault.Invalid, "revocation.kind.unknown", "There is no such kind of certificate.").On("kind")
	}
	if !ca.Known(in.Reason) {
		return st, nil, fault.New(fault.Invalid, "revocation.reason", "The reason must be one of %s.", strings.Join(ca.Reasons, ", ")).On("reason")
	}
	in.Spare = by.Employee
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if st, err = s.standing(ctx, tx, by, in.Kind); err != nil {
			return err
		}
		if st.Live != seen {
			return fault.New(fault.Conflict, "revocation.kind.changed", "There are %d certificates of this kind now. Look again before you revoke them.", st.Live)
		}
		if waiting, err = RevokeAct.Ask(ctx, tx, s.Approval, by, in, approval.About{
			Object: object(in.Kind), Details: map[string]string{"kind": string(in.Kind), "certificates": strconv.FormatInt(st.Live, 10), "reason": in.Reason},
		}); waiting != nil || err != nil {
			return err
		}
		st.Revoking = true
		return s.begin(ctx, tx, by, in)
	})
	return st, waiting, err
}

// begin records the work. Whoever approved it keeps their key file too.
func (s *Service) begin(ctx context.Context, tx bun.Tx, by access.Actor, in Revocation) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	st, err := s.standing(ctx, tx, by, in.Kind)
	switch {
	case err != nil:
		return err
	case st.Revoking:
		return fault.New(fault.Conflict, "revocation.kind.running", "The certificates of this kind are being revoked already.")
	}
	ref := Ref{
		Org: by.OrgID, Kind: in.Kind, Reason: in.Reason, Spare: spared(in.Spare, by.Employee), Actor: by.ID, Until: store.Instant(s.Now()),
	}
	n, err := s.CA.CountLive(ctx, tx, ca.Live{Org: ref.Org, Kind: ref.Kind, Spare: ref.Spare})
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "revocation.kind.none", "There are no certificates of this kind to revoke.")
	}
	if err := Kind.Add(ctx, tx, by.OrgID, ref, s.Now()); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate_kind.revoke", object(in.Kind), fmt.Sprintf("%s, %d certificates", in.Reason, n)))
}

// Some revokes the next certificates and records the work for what follows;
// the last one says how many there were. What somebody else has revoked meanwhile
// is passed over.
func (s *Service) Some(ctx context.Context, ref Ref) error {
	by := access.Actor{OrgID: ref.Org, ID: ref.Actor}
	step := cmp.Or(s.Step, 100)
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		page, err := s.CA.LiveAfter(ctx, tx, ca.Live{Org: ref.Org, Kind: ref.Kind, Spare: ref.Spare, Until: ref.Until}, ref.After, step)
		if err != nil {
			return err
		}
		for _, c := range page {
			err := tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				return s.Credential.RevokeIn(ctx, tx, by, c, ref.Reason)
			})
			switch kind := fault.KindOf(err); {
			case err == nil:
				ref.Done++
			case kind == fault.Conflict || kind == fault.Absent:
			default:
				return fmt.Errorf("revoke certificate %s: %w", c.Serial, err)
			}
			ref.After = c.Serial
		}
		if int64(len(page)) == step {
			return Kind.Add(ctx, tx, ref.Org, ref, s.Now())
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "certificate_kind.revoked", object(ref.Kind), fmt.Sprintf("%d certificates", ref.Done)))
	})
}
