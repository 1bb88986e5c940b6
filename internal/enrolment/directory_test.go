package enrolment_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

func (o *office) setDirectory(t *testing.T, on bool) {
	t.Helper()
	err := store.InTx(t.Context(), o.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := o.Setting.Put(ctx, tx, o.by, func(s *setting.Settings) { s.Directory = on })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A certificate of secure e-mail is found by its whole address while organisation and
// profile show it and it counts; nothing else tells that an address is here.
func TestDirectory(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		const address = "Søge@nordvind.example"
		placed := o.order(t, func(in *enrolment.Terms) { in.Kind, in.Email = pki.ProfileSecureEmail, address })
		seal := o.order(t, nil)
		id := placed.Profile.ID
		absent := func(what, address string) {
			t.Helper()
			_, err := o.Enrolment.Find(t.Context(), address)
			wantCode(t, what, err, fault.Absent, "enrolment.directory.none")
		}
		o.setDirectory(t, true)
		wantCode(t, "before the address is confirmed", o.Enrolment.Publish(t.Context(), o.by, id), fault.Conflict, "enrolment.directory.unconfirmed")
		if _, err := o.Enrolment.Confirm(t.Context(), o.link(t, address, "certificate-email"), "192.0.2.9"); err != nil {
			t.Fatal(err)
		}
		issued := o.issue(t, placed, newKey(t))
		o.setDirectory(t, false)
		o.verbs(t)
		wantCode(t, "without the right", o.Enrolment.Publish(t.Context(), access.Actor{OrgID: o.company.ID}, id), fault.Denied, "access.right.missing")
		wantCode(t, "an organisation that leaves it off", o.Enrolment.Publish(t.Context(), o.by, id), fault.Conflict, "enrolment.directory.off")
		absent("not chosen", address)
		o.setDirectory(t, true)
		o.verbs(t)
		wantCode(t, "a certificate of another kind", o.Enrolment.Publish(t.Context(), o.by, seal.Profile.ID), fault.Conflict, "enrolment.directory.kind")
		other := o.allow(t, o.Company(t, "87654321"))
		o.verbs(t)
		wantCode(t, "somebody else's", o.Enrolment.Publish(t.Context(), other, id), fault.Absent, "enrolment.profile.absent")
		wantCode(t, "somebody else's", o.Enrolment.Withdraw(t.Context(), other, id), fault.Absent, "enrolment.profile.absent")
		for range 2 {
			if err := o.Enrolment.Publish(t.Context(), o.by, id); err != nil {
				t.Fatal(err)
			}
		}
		o.wantVerbs(t, "choosing twice", "certificate_profile.publish")

		found, err := o.Enrolment.Find(t.Context(), " søge@NORDVIND.example ")
		if err != nil || len(found) != 1 || !bytes.Equal(found[0].Certificate.DER, issued.Certificate.DER) || found[0].Email != address || len(found[0].Chain) != 2 {
			t.Fatalf("Find = %d, %v", len(found), err)
		}
		for _, part := range []string{"søge@nordvind.exampl", "øge@nordvind.example", "soege@nordvind.example", "s%@nordvind.example", "s_ge@nordvind.example"} {
			absent("a part of it, "+part, part)
		}
		for _, text := range []string{"", "søge", "*", "@nordvind.example"} {
			_, err := o.Enrolment.Find(t.Context(), text)
			wantCode(t, "no address", err, fault.Invalid, "enrolment.directory.address")
		}
		o.wantVerbs(t, "looking up")

		o.setDirectory(t, false)
		absent("once the organisation leaves it off", address)
		o.setDirectory(t, true)
		if err := o.Enrolment.Revoke(t.Context(), o.by, string(issued.Certificate.Serial), "superseded", ""); err != nil {
			t.Fatal(err)
		}
		absent("a revoked one", address)
		renewed, err := o.Enrolment.Renew(t.Context(), o.by, id, enrolment.ByUpload)
		if err != nil {
			t.Fatal(err)
		}
		next := o.issue(t, renewed, newKey(t))
		if found, err = o.Enrolment.Find(t.Context(), address); err != nil || len(found) != 1 || found[0].Certificate.Serial != next.Certificate.Serial {
			t.Errorf("after the renewal Find = %+v, %v", found, err)
		}
		o.verbs(t)
		if err := o.Enrolment.Withdraw(t.Context(), o.by, id); err != nil {
			t.Fatal(err)
		}
		o.wantVerbs(t, "taking it out", "certificate_profile.withdraw")
		absent("taken out", address)
		if err := o.Enrolment.Publish(t.Context(), o.by, id); err != nil {
			t.Fatal(err)
		}
		o.Clock.Move(next.Certificate.NotAfter.Sub(o.Clock.Now()) + time.Second)
		absent("an expired one", address)
	})
}
