package inventory_test

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/testkit"
)

func asFault(err error) (*fault.Error, bool) { return errors.AsType[*fault.Error](err) }

type office struct {
	*testkit.Domain

	company testkit.Company
	by      access.Actor
}

func newOffice(t *testing.T, db *bun.DB) office {
	t.Helper()
	o := office{Domain: testkit.NewDomain(t, db)}
	o.company = o.Company(t, "34051178")
	o.by = o.company.Actor
	o.by.Roles = access.Roles
	return o
}

func (o office) take(t *testing.T, content []byte) inventory.Report {
	t.Helper()
	r, err := o.Inventory.Import(t.Context(), o.by, "file", content)
	if err != nil {
		t.Fatalf("Import: %v", err)
	}
	return r
}

func pemOf(all ...*x509.Certificate) (out []byte) {
	for _, c := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

func zipOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range files {
			if !yield(n) {
				return
			}
		}
	}) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImportReadsEveryForm(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		a, b, c := signed(t, organisationThree("A", someUUID, testEnd)), signed(t, template{issuerO: "Firma"}), signed(t, template{issuerO: "Firma"})
		if r := o.take(t, a.Raw); len(r.Added) != 1 || r.Added[0].Generation != "oces3" || r.Added[0].Plan != inventory.PlanOpen {
			t.Errorf("DER: %+v", r)
		}
		if r := o.take(t, pemOf(a, b)); len(r.Added) != 1 || r.Known != 1 {
			t.Errorf("PEM with one known: %+v", r)
		}
		if r := o.take(t, []byte(base64.StdEncoding.EncodeToString(c.Raw))); len(r.Added) != 1 {
			t.Errorf("base64: %+v", r)
		}
		d, e := signed(t, template{issuerO: "Firma"}), signed(t, template{issuerO: "Firma"})
		metadata := `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://sp.example">
			<md:SPSSODescriptor><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
			` + base64.StdEncoding.EncodeToString(d.Raw) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:SPSSODescriptor></md:EntityDescriptor>`
		r := o.take(t, zipOf(t, map[string][]byte{
			"sp.xml": []byte(metadata), "certs/e.pem": pemOf(e), "readme.txt": []byte("hello"), "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
			"in.zip": zipOf(t, map[string][]byte{"a": {1}}), ".DS_Store": {1}, "broken.cer": {0x30, 0x82, 1},
		}))
		codes := map[string]string{}
		for _, one := range r.Refused {
			codes[one.Where] = one.Code
		}
		want := map[string]string{
			"readme.txt": "inventory.file.unknown", "key.pem": "inventory.file.private_key", "in.zip": "inventory.file.nested", "broken.cer": "inventory.file.unreadable",
		}
		if len(r.Added) != 2 || len(codes) != len(want) {
			t.Errorf("ZIP: %d added, refused %v", len(r.Added), codes)
		}
		for where, code := range want {
			if codes[where] != code {
				t.Errorf("%s refused with %q, want %q", where, codes[where], code)
			}
		}
		all, _, err := o.Inventory.List(t.Context(), o.by, inventory.Filter{})
		if err != nil || len(all) != 5 {
			t.Errorf("inventory = %d, %v; want 5", len(all), err)
		}
		if all, _, err = o.Inventory.List(t.Context(), o.by, inventory.Filter{Q: "34051178 A"}); err != nil || len(all) != 1 {
			t.Errorf("search = %d, %v", len(all), err)
		}
	})
}

func TestAListIsFilledInByTheCertificate(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		c := signed(t, organisationThree("Lønsystem", someUUID, testEnd))
		list := "Navn;Serienummer;Udsteder;Gyldig fra;Gyldig til;Type;Kontaktperson;Kontakt e-mail\n" +
			"Lønsystem;" + strings.ToUpper(c.SerialNumber.Text(16)) + ";Den Danske Stat OCES udstedende-CA 1;01-03-2024;01-03-2027;Organisation;Åse;aase@firma.example\n" +
			"Andet;;;;31-12-2026;;;\n" + "Uden dag;;;;i morgen;;;\n"
		r := o.take(t, []byte(list))
		if len(r.Added) != 2 || len(r.Refused) != 1 || r.Refused[0].Where != "4" || r.Refused[0].Code != "inventory.file.day" {
			t.Fatalf("list: %+v", r)
		}
		first := r.Added[0]
		if first.Generation != "oces3" || first.Kind != "organisation" || first.Plan != inventory.PlanPlanned || first.NotAfter.Format(time.RFC3339) != "2027-03-01T22:59:59Z" {
			t.Errorf("listed = %+v", first)
		}
		if _, err := o.Inventory.DER(t.Context(), o.by, first.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("DER of a listed one = %v, want Absent", err)
		}
		if r := o.take(t, c.Raw); r.Known != 1 || len(r.Added) != 0 {
			t.Errorf("the certificate itself: %+v, want the line filled in", r)
		}
		v, err := o.Inventory.Show(t.Context(), o.by, first.ID)
		if err != nil || !bytes.Equal(v.DER, c.Raw) || v.SubjectID != someUUID || v.ContactEmail != "aase@firma.example" {
			t.Errorf("afterwards = %+v, %v", v, err)
		}
		if r := o.take(t, []byte(list)); len(r.Added) != 0 || r.Known != 2 {
			t.Errorf("the list again: %+v", r)
		}
	})
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	o := newOffice(t, testkit.SQLite(t))
	for code, content := range map[string]string{
		"inventory.file.empty":      " \n",
		"inventory.file.pkcs12":     "\x30\x05\x02\x01\x03\x05\x00",
		"inventory.file.unreadable": "\x30\x03\x02\x01\x01",
		"inventory.file.doctype":    `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`,
		"inventory.file.none":       `<EntityDescriptor/>`,
		"inventory.file.unknown":    "just words",
	} {
		_, err := o.Inventory.Import(t.Context(), o.by, "x", []byte(content))
		if e, ok := asFault(err); !ok || e.Code != code || e.Kind != fault.Invalid {
			t.Errorf("%q = %v, want %s", content, err, code)
		}
	}
}

func TestASuccessorOfTheSameSubjectIsFound(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		old := o.take(t, signed(t, organisationThree("Løn", someUUID, testEnd)).Raw).Added[0]
		r := o.take(t, signed(t, organisationThree("Løn", someUUID, testEnd.AddDate(3, 0, 0))).Raw)
		v, err := o.Inventory.Show(t.Context(), o.by, old.ID)
		if err != nil || r.Replaced != 1 || v.SuccessorID != r.Added[0].ID || v.Plan != inventory.PlanIssued || v.Successor != "Løn" {
			t.Errorf("old = %+v, %v; replaced %d", v, err, r.Replaced)
		}
		if err := o.Inventory.Delete(t.Context(), o.by, r.Added[0].ID); err != nil {
			t.Fatal(err)
		}
		if v, err = o.Inventory.Show(t.Context(), o.by, old.ID); err != nil || v.SuccessorID != "" || v.Plan != inventory.PlanOpen {
			t.Errorf("without its successor = %+v, %v", v, err)
		}
	})
}

func TestCareAndPlaces(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		c := o.take(t, signed(t, organisationThree("Løn", someUUID, testEnd)).Raw).Added[0]
		later := o.take(t, signed(t, organisationThree("Løn 2", strings.Replace(someUUID, "0", "1", 1), testEnd.AddDate(3, 0, 0))).Raw).Added[0]
		for field, bad := range map[string]inventory.Care{
			"contact_email": {ContactEmail: "no address"},
			"owner_id":      {OwnerID: "nobody"},
			"renew_by":      {RenewBy: "31/12"},
			"switch_on":     {RenewBy: "2026-12-31", SwitchOn: "2026-12-01"},
			"successor_id":  {SuccessorID: c.ID},
			"note":          {Note: strings.Repeat("x", 2001)},
		} {
			bad.Version = 1
			if e, ok := asFault(o.Inventory.Change(t.Context(), o.by, c.ID, bad)); !ok || e.Field != field {
				t.Errorf("bad %s was refused with %+v", field, e)
			}
		}
		place, err := o.Inventory.AddPlace(t.Context(), o.by, c.ID, inventory.Place{Name: "  SKAT  e-indkomst "})
		if err != nil || place.Name != "SKAT e-indkomst" {
			t.Fatalf("place = %+v, %v", place, err)
		}
		if _, err := o.Inventory.AddPlace(t.Context(), o.by, c.ID, inventory.Place{Name: "SKAT e-indkomst"}); fault.KindOf(err) != fault.Conflict {
			t.Errorf("the same place again = %v", err)
		}
		if err := o.Inventory.Installed(t.Context(), o.by, c.ID, place.ID, true); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a tick without a successor = %v", err)
		}
		v, err := o.Inventory.Show(t.Context(), o.by, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		care := inventory.Care{Version: v.Version, OwnerID: o.company.Admin.ID, SuccessorID: later.ID, RenewBy: "2026-12-31", SwitchOn: "2027-01-15", Note: "Ring først"}
		if err := o.Inventory.Change(t.Context(), o.by, c.ID, care); err != nil {
			t.Fatal(err)
		}
		if err := o.Inventory.Change(t.Context(), o.by, c.ID, care); fault.KindOf(err) != fault.Conflict {
			t.Errorf("from a stale page = %v, want Conflict", err)
		}
		if err := o.Inventory.Installed(t.Context(), o.by, c.ID, place.ID, true); err != nil {
			t.Fatal(err)
		}
		if v, err = o.Inventory.Show(t.Context(), o.by, c.ID); err != nil || v.Plan != inventory.PlanInstalled || v.Owner == nil || v.Owner.ID != o.company.Admin.ID {
			t.Errorf("in the end = %+v, %v", v, err)
		}
		for owner, want := range map[string]string{string(o.company.Admin.ID): c.ID, inventory.Nobody: later.ID} {
			if all, _, err := o.Inventory.List(t.Context(), o.by, inventory.Filter{Owner: owner}); err != nil || len(all) != 1 || all[0].ID != want {
				t.Errorf("List of owner %s = %+v, %v, want %s alone", owner, all, err, want)
			}
		}
		if err := o.Inventory.RemovePlace(t.Context(), o.by, c.ID, place.ID); err != nil {
			t.Fatal(err)
		}
		if v, err = o.Inventory.Show(t.Context(), o.by, c.ID); err != nil || v.Plan != inventory.PlanIssued {
			t.Errorf("without its place = %s, %v", v.Plan, err)
		}
		other := o.Company(t, "19552101")
		if _, err := o.Inventory.Show(t.Context(), other.Actor, c.ID); fault.KindOf(err) != fault.Absent {
			t.Errorf("another organisation's = %v, want Absent", err)
		}
	})
}

func TestScanReadsAHost(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		s := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(s.Close)
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"", "https://firma.example", "firma.example:0", "-x.example", "a b"} {
			if _, err := o.Inventory.AddHost(t.Context(), o.by, bad); fault.KindOf(err) != fault.Invalid {
				t.Errorf("host %q = %v, want Invalid", bad, err)
			}
		}
		if _, err := o.Inventory.AddHost(t.Context(), o.by, u.Host); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		hosts, err := o.Inventory.Hosts(t.Context(), o.by)
		if err != nil || len(hosts) != 1 || hosts[0].Failure != "" || hosts[0].CertificateID == "" {
			t.Fatalf("hosts = %+v, %v", hosts, err)
		}
		der, err := o.Inventory.DER(t.Context(), o.by, hosts[0].CertificateID)
		if err != nil || !bytes.Equal(der, s.Certificate().Raw) {
			t.Errorf("read %d octets, %v", len(der), err)
		}
		s.Close()
		if err := o.Inventory.AskScan(t.Context(), o.by, hosts[0].ID); err != nil {
			t.Fatal(err)
		}
		o.Drain(t)
		if after, err := o.Inventory.Hosts(t.Context(), o.by); err != nil || after[0].Failure != inventory.FailedAway || after[0].CertificateID != hosts[0].CertificateID {
			t.Errorf("away = %+v, %v", after, err)
		}
		o.Inventory.PrivateHosts = false
		if err := o.Inventory.Scan(t.Context(), inventory.Scan{Org: o.company.ID, Host: hosts[0].ID}); err != nil {
			t.Fatal(err)
		}
		if after, err := o.Inventory.Hosts(t.Context(), o.by); err != nil || after[0].Failure != inventory.FailedInside {
			t.Errorf("private networks forbidden = %+v, %v", after, err)
		}
	})
}

func TestForecast(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		for i := range 6 {
			o.take(t, signed(t, template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, string(rune('a'+i)))}, end: time.Date(2027, 6, 15+i, 0, 0, 0, 0, time.UTC)}).Raw)
		}
		// The last second of March in Denmark is still March.
		o.take(t, signed(t, template{issuerO: "Firma", end: time.Date(2027, 3, 31, 21, 59, 59, 0, time.UTC)}).Raw)
		person := o.Employee(t, o.company.Organisation, "4711", "Bo Holm")
		o.Activate(t, o.Invite(t, o.company.Organisation, person)) // ends in November 2029
		outlook, err := o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 40})
		months := outlook.Months
		if err != nil || len(months) != 40 || months[0].Month != "2026-11" {
			t.Fatalf("forecast = %d months, %v", len(months), err)
		}
		ending := map[string]int64{}
		for _, m := range months {
			ending[m.Month] = m.Ending
			if m.Renewal != m.Ending {
				t.Errorf("%s: %d to renew, %d end", m.Month, m.Renewal, m.Ending)
			}
		}
		if ending["2027-06"] != 6 || ending["2027-03"] != 1 || ending["2027-04"] != 0 || ending["2029-11"] != 1 {
			t.Errorf("ending = %v", ending)
		}
		outlook, err = o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 12, Earlier: 2, Spread: 4})
		months = outlook.Months
		if err != nil {
			t.Fatal(err)
		}
		renew := map[string]int64{}
		sum := int64(0)
		for _, m := range months {
			renew[m.Month] = m.Renewal
			sum += m.Renewal
		}
		outlook, err = o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 12, Earlier: 6, Spread: 24})
		if err != nil || outlook.Months[0].Renewal > 4 {
			t.Errorf("near its end the what-if puts %d into this month, %v", outlook.Months[0].Renewal, err)
		}
		// Six of June over April, March, February and January; one of March over January to November.
		if sum != 7 || renew["2027-04"] != 1 || renew["2027-05"] != 0 || renew["2027-03"] != 2 || renew["2027-02"] != 1 {
			t.Errorf("renewals = %v, %d in all", renew, sum)
		}
		if _, err := o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Spread: 25}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("spread 25 = %v", err)
		}
		ends, err := o.Inventory.NextEnds(t.Context())
		if err != nil || !ends["34051178"].Equal(time.Date(2027, 3, 31, 21, 59, 59, 0, time.UTC)) {
			t.Errorf("next ends = %v, %v", ends, err)
		}
	})
}

// What has ended and was not replaced stays in sight: in the forecast, and as days
// below zero in the gauge. Authorities are no renewals.
func TestTheOverdueStaysInSight(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		end := time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)
		late := o.take(t, signed(t, template{issuerO: "Firma", end: end}).Raw).Added[0]
		o.take(t, signed(t, template{issuerO: "Firma", ca: true, end: end}).Raw)
		o.take(t, signed(t, template{issuerO: "Firma", end: end.AddDate(1, 0, 0)}).Raw)
		o.Clock.Move(time.Date(2027, 4, 20, 10, 0, 0, 0, time.UTC).Sub(o.Clock.Now()))
		old := o.take(t, signed(t, template{issuerO: "Firma", end: end.AddDate(-2, 0, 0)}).Raw).Added[0] // had ended before it came
		expect := func(when string, overdue, renewals int64, next time.Time) {
			t.Helper()
			outlook, err := o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 12})
			if err != nil || outlook.Overdue.Ending != overdue || outlook.Months[0].Renewal != renewals {
				t.Errorf("%s: overdue %+v, first month %+v, %v", when, outlook.Overdue, outlook.Months[0], err)
			}
			if ends, err := o.Inventory.NextEnds(t.Context()); err != nil || !ends["34051178"].Equal(next) {
				t.Errorf("%s: next ends = %v, %v; want %s", when, ends, err, next)
			}
		}
		expect("ended", 2, 2, end)
		for _, c := range []inventory.Certificate{late, old} {
			if err := o.Inventory.Change(t.Context(), o.by, c.ID, inventory.Care{Version: c.Version, Retired: true}); err != nil {
				t.Fatal(err)
			}
		}
		expect("out of use", 0, 0, end.AddDate(1, 0, 0))
	})
}

// Until a deadline everything of a generation is renewed, what ends after the last
// month too.
func TestForecastWithADeadline(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		for i, end := range []time.Time{testEnd, testEnd.AddDate(0, 5, 0), testEnd.AddDate(9, 0, 0)} {
			o.take(t, signed(t, organisationThree(string(rune('a'+i)), someUUID, end)).Raw)
			o.take(t, signed(t, template{issuerO: "Firma", end: end}).Raw)
		}
		outlook, err := o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 12, Deadline: "2027-05", Leaving: "oces3"})
		if err != nil {
			t.Fatal(err)
		}
		renew := map[string]int64{}
		for _, m := range outlook.Months {
			if m.Renewal > 0 {
				renew[m.Month] = m.Renewal
			}
		}
		if len(renew) != 3 || renew["2027-03"] != 2 || renew["2027-05"] != 2 || renew["2027-08"] != 1 {
			t.Errorf("renewals = %v; want two in March, two of oces3 in May, one other in August", renew)
		}
		for _, bad := range []string{"2027", "2026-10", "2028-01"} {
			if _, err := o.Inventory.Forecast(t.Context(), o.by, inventory.WhatIf{Months: 12, Deadline: bad}); fault.CodeOf(err) != "inventory.forecast.deadline" {
				t.Errorf("deadline %q = %v, want refused", bad, err)
			}
		}
	})
}

func TestRenewalsAreSpread(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		var ids []string
		for i := range 10 {
			c := o.take(t, signed(t, template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, string(rune('a'+i)))}, end: time.Date(2027, 2, 20, 0, 0, i, 0, time.UTC)}).Raw).Added[0]
			ids = append(ids, c.ID)
		}
		ask := inventory.Renewals{IDs: ids, From: "2027-02-15", To: "2027-03-05", DryRun: true, Invite: true}
		plan, err := o.Inventory.Renew(t.Context(), o.by, ask)
		if err != nil || len(plan) != 10 || plan[0].RenewBy != "2027-02-15" || plan[9].RenewBy != "2027-02-19" || !plan[9].Late || plan[0].Late {
			t.Fatalf("plan = %+v, %v", plan, err)
		}
		if v, err := o.Inventory.Show(t.Context(), o.by, ids[0]); err != nil || v.RenewBy != "" {
			t.Errorf("a dry run wrote %q, %v", v.RenewBy, err)
		}
		ask.DryRun = false
		if _, err := o.Inventory.Renew(t.Context(), o.by, ask); err != nil {
			t.Fatal(err)
		}
		if v, err := o.Inventory.Show(t.Context(), o.by, ids[0]); err != nil || v.RenewBy != "2027-02-15" || v.Plan != inventory.PlanPlanned {
			t.Errorf("afterwards %q %s, %v", v.RenewBy, v.Plan, err)
		}
		ask.IDs = append(ask.IDs, someUUID)
		if _, err := o.Inventory.Renew(t.Context(), o.by, ask); fault.KindOf(err) != fault.Invalid {
			t.Errorf("an unknown ID = %v", err)
		}
	})
}

// What was found on a machine must never bring the reader down.
func FuzzImport(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("navn;gyldig til\nx;2027-01-01\n"))
	f.Add([]byte(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"><X509Certificate xmlns="http://www.w3.org/2000/09/xmldsig#">MII=</X509Certificate></EntityDescriptor>`))
	f.Add([]byte{0x30, 0x05, 0x02, 0x01, 0x03, 0x05, 0x00})
	f.Fuzz(func(t *testing.T, content []byte) {
		found, refused := inventory.Look(t.Context(), content)
		if found == 0 && refused == 0 && len(bytes.TrimSpace(content)) > 0 {
			t.Errorf("%q brought neither certificates nor a reason", content)
		}
	})
}
