package credential_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/testkit"
)

func (o office) card(t *testing.T) credential.CodeCard {
	t.Helper()
	d, err := o.Credential.Details(t.Context(), o.own.Actor, o.bo.ID)
	if err != nil || d.Card == nil {
		t.Fatalf("Details = %+v, %v, want a code card", d, err)
	}
	return *d.Card
}

func TestBlockKeyFile(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		block := func(by access.Actor) error {
			return o.Credential.BlockKeyFile(t.Context(), by, o.bo.ID, "key_compromise", "")
		}
		wantCode(t, "BlockKeyFile without one", block(o.own.Actor), fault.Absent, "credential.key_file.absent")
		file := o.Activate(t, o.invite(t))
		before := testkit.Contents(t, db)
		wantCode(t, "BlockKeyFile without the right", block(access.Actor{OrgID: o.own.ID, Employee: "a colleague"}), fault.Denied, "access.right.missing")
		wantCode(t, "BlockKeyFile for no reason", o.Credential.BlockKeyFile(t.Context(), o.own.Actor, o.bo.ID, "envy", ""), fault.Invalid, "credential.block.reason")
		wantCode(t, "BlockKeyFile elsewhere", block(o.other.Actor), fault.Absent, "org.employee.absent")
		if !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Error("the refusals have changed something")
		}
		if err := block(o.own.Actor); err != nil {
			t.Fatal(err)
		}
		c, err := o.CA.Certificate(t.Context(), o.own.ID, file.Serial)
		if err != nil || c.RevokedAt == nil || c.RevokeReason != "key_compromise" {
			t.Errorf("certificate = %+v, %v, want revoked", c, err)
		}
		wantCode(t, "BlockKeyFile again", block(o.own.Actor), fault.Absent, "credential.key_file.absent")
		o.wantVerbs(t, "key_file.order", "key_file.activate", "key_file.block")

		// A new one can be ordered, and the old one does not come back.
		if err := o.Credential.Reissue(t.Context(), o.own.Actor, o.bo.ID); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		code, err := o.Credential.InstallationCode(t.Context(), o.own.Actor, o.bo.ID)
		if err != nil {
			t.Fatal(err)
		}
		second := o.Activate(t, credential.Invitation{Token: o.LinkToken(t, o.bo.Email), Code: code.Code})
		if _, err := o.Credential.LogIn(t.Context(), second.Answer(t, o.challenge(t, ""))); err != nil {
			t.Errorf("login by the new key file = %v", err)
		}
		_, err = o.Credential.LogIn(t.Context(), file.Answer(t, o.challenge(t, "")))
		wantCode(t, "login by the old one", err, fault.Denied, "ca.certificate.revoked")
	})
}

func TestBlockCodeCard(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		closed := o.Clock.Now().Add(-time.Hour)
		o.Credential.Phases = credential.Phases{LimitedAt: &closed, ClosedAt: &closed} // forbids nothing
		block := func(by access.Actor, reason string) error {
			return o.Credential.BlockCodeCard(t.Context(), by, o.bo.ID, reason)
		}
		wantCode(t, "BlockCodeCard without one", block(o.own.Actor, ""), fault.Absent, "credential.code_card.absent")
		o.holdCard(t, nil)
		wantCode(t, "BlockCodeCard without the right", block(access.Actor{OrgID: o.own.ID}, ""), fault.Denied, "access.right.missing")
		wantCode(t, "BlockCodeCard elsewhere", block(o.other.Actor, ""), fault.Absent, "credential.code_card.absent")
		if card := o.card(t); card.State != "active" {
			t.Errorf("card = %+v", card)
		}
		for _, reason := range []string{"lost", "again"} {
			if err := block(o.own.Actor, reason); err != nil {
				t.Errorf("BlockCodeCard = %v", err)
			}
			if card := o.card(t); card.State != "blocked" || card.BlockReason != "lost" || !card.BlockedAt.Equal(closed.Add(time.Hour)) {
				t.Errorf("card = %+v, want blocked as the first time", card)
			}
			o.Clock.Move(time.Minute)
		}
		o.wantVerbs(t, "code_card.block")
		// It stays blocked when an import mentions it again.
		o.holdCard(t, nil)
		if card := o.card(t); card.State != "blocked" {
			t.Errorf("card = %+v", card)
		}
	})
}

func TestParallelRunning(t *testing.T) {
	t.Parallel()
	fourteen, none := int64(14), int64(0)
	for _, tc := range []struct {
		name string
		days *int64
		want map[time.Duration]string // state of the code card so long after activation
	}{
		{"14 days", &fourteen, map[time.Duration]string{0: "active", 14*24*time.Hour - time.Second: "active", 14 * 24 * time.Hour: "blocked"}},
		{"no day", &none, map[time.Duration]string{0: "blocked"}},
		{"without end", nil, map[time.Duration]string{0: "active", 4000 * 24 * time.Hour: "active"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				o := open(t, db)
				o.holdCard(t, tc.days)
				i := o.invite(t)
				o.Clock.Move(20 * 24 * time.Hour) // nothing counts before the activation
				o.Drain(t)
				o.Activate(t, i)
				activated := o.Clock.Now()
				for _, after := range []time.Duration{0, 14*24*time.Hour - time.Second, 14 * 24 * time.Hour, 4000 * 24 * time.Hour} {
					want, ok := tc.want[after]
					if !ok {
						continue
					}
					o.Clock.Move(activated.Add(after).Sub(o.Clock.Now()))
					o.Drain(t)
					if card := o.card(t); card.State != want {
						t.Errorf("%s after the activation: card = %+v, want %s", after, card, want)
					}
				}
				if tc.days != nil {
					if card := o.card(t); card.BlockReason != "end of parallel running" || !card.BlockDueAt.Equal(activated.AddDate(0, 0, int(*tc.days))) {
						t.Errorf("card = %+v", card)
					}
					o.wantVerbs(t, "key_file.order", "key_file.activate", "code_card.block")
				}
			})
		})
	}
}

// The days count from the first key file, also when that one is lost meanwhile.
func TestParallelRunningWithASecondKeyFile(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		days := int64(14)
		o.holdCard(t, &days)
		o.Activate(t, o.invite(t))
		end := o.Clock.Now().AddDate(0, 0, 14)
		o.Clock.Move(7 * 24 * time.Hour)
		if err := o.Credential.BlockKeyFile(t.Context(), o.own.Actor, o.bo.ID, "key_compromise", "lost"); err != nil {
			t.Fatal(err)
		}
		o.Activate(t, o.invite(t))
		o.Drain(t)
		if card := o.card(t); card.State != "active" || !card.BlockDueAt.Equal(end) {
			t.Errorf("card = %+v, want active until %s", card, end)
		}
		o.Clock.Move(7 * 24 * time.Hour)
		o.Drain(t)
		if card := o.card(t); card.State != "blocked" {
			t.Errorf("card = %+v, want blocked", card)
		}
	})
}

func TestPhases(t *testing.T) {
	t.Parallel()
	limited, closed := time.Date(2023, 6, 30, 22, 0, 0, 0, time.UTC), time.Date(2023, 10, 31, 23, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		phases credential.Phases
		at     time.Time
		want   credential.Phase
	}{
		{credential.Phases{}, closed, credential.Normal},
		{credential.Phases{LimitedAt: &limited, ClosedAt: &closed}, limited.Add(-time.Nanosecond), credential.Normal},
		{credential.Phases{LimitedAt: &limited, ClosedAt: &closed}, limited, credential.LimitedOperation},
		{credential.Phases{LimitedAt: &limited, ClosedAt: &closed}, closed.Add(-time.Nanosecond), credential.LimitedOperation},
		{credential.Phases{LimitedAt: &limited, ClosedAt: &closed}, closed, credential.Closed},
		{credential.Phases{ClosedAt: &closed}, limited, credential.Normal},
		{credential.Phases{LimitedAt: &limited}, closed.AddDate(9, 0, 0), credential.LimitedOperation},
	} {
		if got := tc.phases.At(tc.at); got != tc.want {
			t.Errorf("phase at %s = %s, want %s", tc.at, got, tc.want)
		}
	}
}
