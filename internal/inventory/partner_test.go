package inventory_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/testkit"
)

func metadataOf(all ...*x509.Certificate) string {
	var b strings.Builder
	b.WriteString(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://sp.example">`)
	for _, c := range all {
		b.WriteString("<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(c.Raw) + "</ds:X509Certificate>")
	}
	b.WriteString("</EntityDescriptor>")
	return b.String()
}

// The metadata of partners enters by itself and is followed when it changes.
func TestPartnersAreInTheInventory(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		named := func(name string, years int) *x509.Certificate {
			return signed(t, template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, name)}, end: testEnd.AddDate(years, 0, 0)})
		}
		old, next := named("Gammelt", 0), named("Nyt", 3)
		shown := map[string]string{"service:1": metadataOf(old, old)}
		o.Inventory.Partners = []func(context.Context, func(string, access.OrgID, string, string) error) error{
			func(_ context.Context, visit func(string, access.OrgID, string, string) error) error {
				for id, xml := range shown {
					if err := visit(id, o.company.ID, "Lønportalen", xml); err != nil {
						return err
					}
				}
				return nil
			},
		}
		read := func(adds, retires int) map[string]inventory.Certificate {
			t.Helper()
			for range 2 {
				if err := o.Inventory.ReadPartners(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if a, r := o.entries(t, "inventory.add"), o.entries(t, "inventory.retire"); a != adds || r != retires {
				t.Errorf("%d added and %d retired in the log, want %d and %d", a, r, adds, retires)
			}
			all := map[string]inventory.Certificate{}
			for _, plan := range []string{"", inventory.PlanRetired} {
				page, _, err := o.Inventory.List(t.Context(), o.by, inventory.Filter{Plan: plan})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range page {
					all[c.Name] = c
				}
			}
			return all
		}
		all := read(1, 0)
		if c := all["Gammelt"]; c.Source != inventory.FromMetadata || c.Partner != "service:1" {
			t.Errorf("registered = %+v", c)
		}
		if v, err := o.Inventory.Show(t.Context(), o.by, all["Gammelt"].ID); err != nil || len(v.Places) != 1 || v.Places[0].Name != "Lønportalen" {
			t.Errorf("places = %+v, %v", v.Places, err)
		}
		shown["service:1"] = metadataOf(old, next)
		read(2, 0)
		// A supplier's two services share a certificate: it is in use while one shows it.
		shown["service:2"] = metadataOf(old)
		shown["service:1"] = metadataOf(next)
		if all = read(2, 0); all["Gammelt"].Plan == inventory.PlanRetired {
			t.Errorf("still shown by another = %+v", all["Gammelt"])
		}
		delete(shown, "service:2")
		all = read(2, 1)
		if c := all["Gammelt"]; c.Plan != inventory.PlanRetired || c.SuccessorID != all["Nyt"].ID || all["Nyt"].Plan == inventory.PlanRetired {
			t.Errorf("after the change = %+v", all)
		}
		delete(shown, "service:1")
		if all = read(2, 2); all["Nyt"].Plan != inventory.PlanRetired {
			t.Errorf("after the partner = %+v", all["Nyt"])
		}
	})
}

// A scan that sees the successor on a host ticks that place.
func TestAScanTicks(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		s := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(s.Close)
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		old := o.take(t, signed(t, template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, "Gammelt")}}).Raw).Added[0]
		next := o.take(t, s.Certificate().Raw).Added[0]
		for _, name := range []string{u.Hostname(), "Kommunen"} {
			if _, err := o.Inventory.AddPlace(t.Context(), o.by, old.ID, inventory.Place{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		v, err := o.Inventory.Show(t.Context(), o.by, old.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Inventory.Change(t.Context(), o.by, old.ID, inventory.Care{Version: v.Version, SuccessorID: next.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Inventory.AddHost(t.Context(), o.by, u.Host); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		if v, err = o.Inventory.Show(t.Context(), o.by, old.ID); err != nil || v.Plan != inventory.PlanIssued {
			t.Errorf("old = %s, %v", v.Plan, err)
		}
		for _, p := range v.Places {
			if (p.InstalledAt != nil) != (p.Name == u.Hostname()) {
				t.Errorf("place %s is ticked: %t", p.Name, p.InstalledAt != nil)
			}
		}
		if v, err = o.Inventory.Show(t.Context(), o.by, next.ID); err != nil || len(v.Places) != 1 || v.Places[0].Name != u.Host {
			t.Errorf("places of what the host shows = %+v, %v", v.Places, err)
		}
		if n := o.entries(t, "inventory.place_tick"); n != 1 {
			t.Errorf("%d ticks in the log, want 1", n)
		}
	})
}

// Whoever looks after a certificate is asked in the language it says; who has no
// address is not counted as invited.
func TestInvitationsSayTheTruth(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		ours := o.issued(t, "Vores")
		o.Drain(t)
		care := map[string]inventory.Care{
			"Ingen": {}, "Engelsk": {ContactName: "Ann Lee", ContactEmail: "ann@firm.example", ContactLang: "en"}, "Ejer": {OwnerID: o.company.Admin.ID},
		}
		ids := []string{o.ofSerial(t, ours.Certificate.Serial).ID}
		for name, c := range care {
			one := o.take(t, signed(t, template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, name)}}).Raw).Added[0]
			c.Version = one.Version
			if err := o.Inventory.Change(t.Context(), o.by, one.ID, c); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, one.ID)
		}
		plan, err := o.Inventory.Renew(t.Context(), o.by, inventory.Renewals{IDs: ids, From: "2026-12-01", To: "2026-12-31", Invite: true})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]inventory.Renewal{
			"Ingen": {Way: inventory.ByNobody}, "Engelsk": {Way: inventory.ByMail, Invited: true}, "Ejer": {Way: inventory.ByMail, Invited: true}, "Vores": {Way: inventory.ByOrder, Invited: true},
		}
		for _, p := range plan {
			if w := want[p.Name]; p.Way != w.Way || p.Invited != w.Invited {
				t.Errorf("%s: by %s, invited %t; want %s, %t", p.Name, p.Way, p.Invited, w.Way, w.Invited)
			}
		}
		var all []mail.Message
		if err := db.NewSelect().Model(&all).Where("kind = ?", mail.KindRenewal).Scan(t.Context()); err != nil || len(all) != 3 {
			t.Fatalf("%d invitations, %v; want 3", len(all), err)
		}
		for _, m := range all {
			if m.Address == "ann@firm.example" && m.Lang != mail.English {
				t.Errorf("the invitation to Ann Lee is in %s", m.Lang)
			}
		}
	})
}

// However a certificate is revoked, the inventory hears of it at once.
func TestARevocationReachesTheInventory(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		o.enrol(t)
		f := o.issued(t, "Lønsystem")
		o.Drain(t)
		if _, err := o.Credential.BlockSerial(t.Context(), string(f.Certificate.Serial), "key_compromise"); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		if v := o.ofSerial(t, f.Certificate.Serial); v.Plan != inventory.PlanRetired {
			t.Errorf("revoked by the operator's command, it is %s", v.Plan)
		}
	})
}
