package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

var enrolmentRules = []rule{
	{route: "POST /api/v1/certificate-order/look-up", right: open, body: "{}", want: 404},
	{route: "POST /api/v1/certificate-order/certificate", right: open, body: "{}", want: 422},
	{route: "POST /api/v1/certificate-email/confirm", right: open, body: "{}", want: 404},
	{route: "GET /api/v1/certificate-profiles", right: access.ViewCertificates, want: 200},
	{route: "POST /api/v1/certificate-profiles", right: access.OrderCertificate, body: `{"kind":"system","name":"Løn","contact_name":"Ida","contact_email":"ida@nordvind.example","method":"code"}`, want: 201, verbs: "certificate_order.create certificate_profile.create"},
	{route: "GET /api/v1/certificate-profiles/:id", right: access.ViewCertificates, id: "profile", want: 200},
	{route: "POST /api/v1/certificate-profiles/:id/orders", right: access.OrderCertificate, id: "profile", body: `{"method":"upload"}`, want: 201, verbs: "certificate_order.create"},
	{route: "PUT /api/v1/certificate-profiles/:id/directory", right: access.OrderCertificate, id: "profile", want: 409, verbs: nothing}, // a seal
	{route: "DELETE /api/v1/certificate-profiles/:id/directory", right: access.OrderCertificate, id: "profile", want: 204, verbs: nothing},
	{route: "GET /api/v1/directory", right: open, want: 422},
	{route: "GET /ca/certs", right: open, want: 422},
	{route: "GET /api/v1/certificate-profiles/:id/seal-users", right: access.ViewCertificates, id: "profile", want: 200},
	{route: "PUT /api/v1/certificate-profiles/:id/seal-users/:person", right: access.ManageSeals, id: "profile", want: 204, verbs: "seal.allow"},
	{route: "DELETE /api/v1/certificate-profiles/:id/seal-users/:person", right: access.ManageSeals, id: "profile", want: 204, verbs: "seal.forbid"},
	{route: "POST /api/v1/certificate-orders/:id/certificate", right: access.OrderCertificate, id: "order", body: `{"csr":"` + anyRequest + `"}`, want: 200, verbs: "certificate.intend certificate.issue certificate_order.issue"},
	{route: "DELETE /api/v1/certificate-orders/:id", right: access.OrderCertificate, id: "doomed", want: 204, verbs: "certificate_order.cancel"},
	{route: "POST /api/v1/certificates/:id/revocation-code", right: access.OrderCertificate, id: "serial", want: 201, verbs: "certificate.recode"},
	{route: "POST /api/v1/certificates/:id/revoke", right: access.OrderCertificate, id: "serial", body: `{"reason":"superseded"}`, want: 204, verbs: "certificate.revoke"},
	{route: "GET /api/v1/certificate-kinds", right: access.OrderCertificate, want: 200},
	{route: "POST /api/v1/certificate-kinds/revoke", right: access.OrderCertificate, body: `{"kind":"system","reason":"superseded","live":7000}`, want: 409, verbs: nothing}, // not as many
	{route: "GET /api/v1/certificates/:id/file", right: access.ViewCertificates, id: "serial", want: 200},
}

// anyRequest is of a key that nobody else has.
var anyRequest = func() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	request, requestErr := pki.NewRequest(key)
	if err := errors.Join(err, requestErr); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(request)
}()

func csr(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	request, requestErr := pki.NewRequest(key)
	if err := errors.Join(err, requestErr); err != nil {
		t.Fatal(err)
	}
	return request
}

// enrolmentFixtures give the tenant a seal that has its certificate, and two orders.
func enrolmentFixtures(t *testing.T, r *rulings, c *tenant) {
	t.Helper()
	by := c.Actor
	by.Roles = access.Roles
	now, err := r.Setting.Settings(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	after, err := r.Setting.Change(t.Context(), by, now.Version, func(s *setting.Settings) { s.Certificates = []string{"user", "organisation", "system"} })
	if err != nil {
		t.Fatal(err)
	}
	c.ids["decided"] = strconv.FormatInt(after.Version, 10)
	order := func(seal bool) enrolment.Placed {
		placed, err := r.Enrolment.Order(t.Context(), by, enrolment.Terms{
			Kind: pki.ProfileOrganisation, Name: "Segl", ContactName: "Ida", ContactEmail: "ida@nordvind.example", Seal: seal, Method: enrolment.ByUpload,
		})
		if err != nil {
			t.Fatal(err)
		}
		return placed
	}
	first := order(true)
	f, err := r.Enrolment.Issue(t.Context(), by, first.Order.ID, csr(t))
	if err != nil {
		t.Fatal(err)
	}
	c.ids["profile"], c.ids["serial"] = first.Profile.ID, string(f.Certificate.Serial)
	reported, err := r.Enrolment.Issue(t.Context(), by, order(false).Order.ID, csr(t))
	if err != nil {
		t.Fatal(err)
	}
	c.ids["reported"] = string(reported.Certificate.Serial)
	c.ids["order"], c.ids["doomed"] = order(false).Order.ID, order(false).Order.ID
}

func TestCertificateOverHTTP(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := &rulings{site: newSite(t, db)}
		c := &tenant{Company: r.company, admin: r.admin(t, r.company), ids: map[string]string{}}
		enrolmentFixtures(t, r, c)
		var w web.CertificateProfileDetails
		c.admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/certificate-profiles/"+c.ids["profile"], nil, &w)
		if w.State != "issued" || !w.Seal || len(w.Certificates) != 1 || w.Certificates[0].Serial != c.ids["serial"] || len(w.Orders) != 1 || w.Order != nil {
			t.Errorf("the profile is %+v", w)
		}
		a := c.admin.Do(t, http.MethodGet, "/api/v1/certificates/"+c.ids["serial"]+"/file", nil)
		if blocks := strings.Count(string(a.Body), "BEGIN CERTIFICATE"); blocks != 3 || a.Header.Get("Content-Disposition") != `attachment; filename="`+c.ids["serial"]+`.pem"` {
			t.Errorf("the PEM file has %d certificates, %s", blocks, a.Header.Get("Content-Disposition"))
		}
		block, _ := pem.Decode(a.Body)
		a = c.admin.Do(t, http.MethodGet, "/api/v1/certificates/"+c.ids["serial"]+"/file?format=cer", nil)
		if block == nil || string(block.Bytes) != string(a.Body) {
			t.Error("PEM and DER are two certificates")
		}
		bad := c.admin.Do(t, http.MethodPost, "/api/v1/certificate-orders/"+c.ids["order"]+"/certificate", map[string]any{"csr": []byte("x")})
		refused(t, "no request", bad, http.StatusUnprocessableEntity, "enrolment.request.unreadable")
	})
}
