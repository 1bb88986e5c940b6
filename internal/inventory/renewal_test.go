package inventory_test

import (
	"bytes"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/testkit"
)

func (o office) day(ahead int) string {
	return o.Clock.Now().AddDate(0, 0, ahead).Format(time.DateOnly)
}

func (o office) orders(t *testing.T, profile string) map[string]enrolment.Order {
	t.Helper()
	var all []enrolment.Order
	if err := o.DB.NewSelect().Model(&all).Where("profile_id = ?", profile).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	byRenewed := map[string]enrolment.Order{}
	for _, one := range all {
		byRenewed[one.Renews] = one
	}
	return byRenewed
}

func (o office) told(t *testing.T, kind string) []mail.Message {
	t.Helper()
	var all []mail.Message
	if err := o.DB.NewSelect().Model(&all).Where("kind = ?", kind).Order("id").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

// A machine that renews by itself gets an order, not a mail; when its day has passed
// somebody hears of it, once; and what it then fetches settles the order and the
// certificate before.
func TestAMachineIsOrdered(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		_, f := o.machine(t)
		o.Clock.Move(1000 * 24 * time.Hour)
		o.Drain(t)
		v := o.ofSerial(t, f.Certificate.Serial)
		ask := inventory.Renewals{IDs: []string{v.ID}, From: o.day(3), To: o.day(40), DryRun: true, Invite: true}
		plan, err := o.Inventory.Renew(t.Context(), o.by, ask)
		if err != nil || len(plan) != 1 || plan[0].Way != inventory.ByMachine || plan[0].Invited {
			t.Fatalf("plan = %+v, %v; want by machine", plan, err)
		}
		if order := o.orders(t, v.ProfileID)[v.Serial]; order.ID != "" {
			t.Fatalf("a dry run ordered %+v", order)
		}
		ask.DryRun = false
		for range 2 {
			if _, err := o.Inventory.Renew(t.Context(), o.by, ask); err != nil {
				t.Fatal(err)
			}
		}
		order := o.orders(t, v.ProfileID)[v.Serial]
		if order.Method != enrolment.ByEST || order.State != enrolment.Ready || order.RenewBy != plan[0].RenewBy || !order.ExpiresAt.Equal(v.NotAfter) {
			t.Errorf("order = %+v", order)
		}
		if v = o.ofSerial(t, f.Certificate.Serial); v.Renewal == nil || v.Renewal.ID != order.ID {
			t.Errorf("the certificate shows the order %+v, want %s", v.Renewal, order.ID)
		}
		if n := len(o.told(t, mail.KindRenewal)); n != 0 {
			t.Errorf("%d invitations for a machine, want none", n)
		}

		// On its day nobody is told yet; on the day after somebody is, once.
		for _, at := range []struct {
			day  string
			want int
		}{{order.RenewBy, 0}, {o.day(41), 1}, {o.day(42), 1}} {
			if err := o.Inventory.RemindOrders(t.Context(), at.day); err != nil {
				t.Fatal(err)
			}
			if all := o.told(t, mail.KindRenewalLate); len(all) != at.want || at.want > 0 && (all[0].Address != "ida@drift.example" || all[0].Lang != mail.English) {
				t.Errorf("told on %s: %+v, want %d to the contact", at.day, all, at.want)
			}
		}

		// The order runs out with the certificate, not before.
		if err := o.Enrolment.ExpireOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
		next, err := o.Enrolment.Reenroll(t.Context(), f.Certificate.DER, csr(t), "192.0.2.9")
		if err != nil {
			t.Fatalf("Reenroll with an order: %v", err)
		}
		o.Drain(t)
		if order = o.orders(t, v.ProfileID)[v.Serial]; order.State != enrolment.Issued || order.Serial == nil || *order.Serial != string(next.Certificate.Serial) {
			t.Errorf("afterwards the order is %+v", order)
		}
		if v = o.ofSerial(t, f.Certificate.Serial); v.Plan != inventory.PlanInstalled {
			t.Errorf("the certificate before is %s, want installed: the machine did it", v.Plan)
		}
	})
}

// An order that was cancelled does not keep the machine from asking by itself, and
// one whose certificate has ended runs out.
func TestOrdersOfMachinesEnd(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		_, f := o.machine(t)
		o.Clock.Move(1000 * 24 * time.Hour)
		o.Drain(t)
		v := o.ofSerial(t, f.Certificate.Serial)
		ask := inventory.Renewals{IDs: []string{v.ID}, From: o.day(3), To: o.day(40)}
		if _, err := o.Inventory.Renew(t.Context(), o.by, ask); err != nil {
			t.Fatal(err)
		}
		if err := o.Enrolment.Cancel(t.Context(), o.by, o.orders(t, v.ProfileID)[v.Serial].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Inventory.Renew(t.Context(), o.by, ask); err != nil {
			t.Fatal(err)
		}
		o.Clock.Move(v.NotAfter.Sub(o.Clock.Now()) + time.Hour)
		if err := o.Enrolment.ExpireOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := db.NewSelect().Model((*enrolment.Order)(nil)).Where("renews = ?", v.Serial).Where("state = ?", enrolment.Expired).Count(t.Context())
		if err != nil || n != 1 {
			t.Errorf("%d orders ran out, %v; want the second one", n, err)
		}
	})
}

// What is of a profile and of no machine is on order and waits for a request; who
// has an open order keeps it, and what has a successor is not ordered again.
func TestOthersWaitForARequest(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		f := o.issued(t, "Lønsystem")
		o.Clock.Move(1000 * 24 * time.Hour)
		o.Drain(t)
		v := o.ofSerial(t, f.Certificate.Serial)
		ask := inventory.Renewals{IDs: []string{v.ID}, From: o.day(50), To: o.day(60)}
		for range 2 {
			if _, err := o.Inventory.Renew(t.Context(), o.by, ask); err != nil {
				t.Fatal(err)
			}
		}
		order := o.orders(t, v.ProfileID)[v.Serial]
		if order.Method != enrolment.ByUpload || order.State != enrolment.Ready || order.ExpiresAt.Before(o.Clock.Now().AddDate(0, 0, 75)) {
			t.Fatalf("order = %+v", order)
		}
		if _, err := o.Enrolment.Issue(t.Context(), o.by, order.ID, csr(t)); err != nil {
			t.Fatalf("Issue: %v", err)
		}
		o.Drain(t)
		plan, err := o.Inventory.Renew(t.Context(), o.by, ask)
		if err != nil || plan[0].Way != inventory.BySome {
			t.Errorf("plan = %+v, %v; want that it is there", plan, err)
		}
		if n, err := db.NewSelect().Model((*enrolment.Order)(nil)).Where("state = ?", enrolment.Ready).Count(t.Context()); err != nil || n != 0 {
			t.Errorf("%d open orders, %v; want none", n, err)
		}
	})
}

// A contact outside who has no e-mail gets letters: of plans, and printed with the
// address in the window.
func TestLettersToContactsOutside(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		c := o.take(t, signed(t, template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, "Målerdata")}}).Raw).Added[0]
		for name, in := range map[string]inventory.Care{
			"inventory.contact.email": {ContactName: "Jens Vig"},
			"inventory.contact.post":  {ContactName: "Jens Vig", ContactPost: "Havnen 1", ContactEmail: "jens@vig.example"},
			"inventory.contact.lines": {ContactName: "Jens Vig", ContactPost: "1\n2\n3\n4\n5\n6"},
		} {
			in.Version = c.Version
			if err := o.Inventory.Change(t.Context(), o.by, c.ID, in); fault.CodeOf(err) != name {
				t.Errorf("Change = %v, want %s", err, name)
			}
		}
		err := o.Inventory.Change(t.Context(), o.by, c.ID, inventory.Care{Version: c.Version, ContactName: "Jens Vig", ContactPost: " Havnen  1\n\n9000 Aalborg \n"})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := o.Inventory.Renew(t.Context(), o.by, inventory.Renewals{IDs: []string{c.ID}, From: o.day(3), To: o.day(20), Invite: true})
		if err != nil || plan[0].Way != inventory.ByLetter || !plan[0].Letter || !plan[0].Invited {
			t.Fatalf("plan = %+v, %v; want a letter", plan, err)
		}
		o.Drain(t)
		all := o.told(t, mail.KindRenewal)
		if len(all) != 1 || all[0].State != mail.StateWaiting || all[0].Name != "Jens Vig" || all[0].Address != "Havnen 1\n9000 Aalborg" {
			t.Fatalf("messages = %+v, want one letter that waits", all)
		}
		letters, err := o.Mail.Letters(t.Context(), o.by)
		if err != nil || len(letters) != 1 || letters[0].Employee != "" {
			t.Fatalf("Letters = %d, %v", len(letters), err)
		}
		var pdf bytes.Buffer
		if err := o.Mail.PrintLetters(t.Context(), o.by, "Firma", &pdf); err != nil || !bytes.HasPrefix(pdf.Bytes(), []byte("%PDF-")) {
			t.Errorf("PrintLetters = %d octets, %v", pdf.Len(), err)
		}
		if err := o.Mail.HandOver(t.Context(), o.by, []string{letters[0].ID}); err != nil {
			t.Errorf("HandOver = %v", err)
		}
	})
}
