package web_test

import (
	"net/http"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// A program that knows RFC 4387 asks for the address in a certificate as its "uri".
func TestDirectoryFile(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		r := newRulings(t, db)
		id := r.mailbox(t, "post@nordvind.example")
		path := "/api/v1/certificate-profiles/" + id
		if _, err := db.NewUpdate().Table("certificate_order").Set("state = 'ready'").Where("profile_id = ?", id).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		var p web.CertificateProfileDetails
		r.own.admin.Must(t, http.StatusOK, get, path, nil, &p)
		r.own.admin.Must(t, http.StatusOK, post, "/api/v1/certificate-orders/"+p.Order.ID+"/certificate", map[string]any{"csr": request(t)}, nil)
		anybody := r.client(t)
		ask := func(query string) testkit.Answer { return anybody.Do(t, get, "/ca/certs?"+query, nil) }
		if a := ask("uri=post%40nordvind.example"); a.Status != http.StatusNotFound {
			t.Errorf("before it is in the directory: %d", a.Status)
		}
		r.own.admin.Must(t, http.StatusNoContent, put, path+"/directory", nil, nil)
		a := ask("uri=Post%40nordvind.example")
		if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/pkix-cert" {
			t.Fatalf("the directory answers %d %s: %s", a.Status, a.Header.Get("Content-Type"), a.Body)
		}
		if cert := certificateOf(t, a.Body); len(cert.EmailAddresses) != 1 || cert.EmailAddresses[0] != "post@nordvind.example" {
			t.Errorf("the certificate is for %v", cert.EmailAddresses)
		}
		for _, query := range []string{"uri=other%40nordvind.example", "email=post%40nordvind.example", "uri=nordvind.example", "name=Post", ""} {
			if a := ask(query); a.Status == http.StatusOK {
				t.Errorf("%s finds a certificate", query)
			}
		}
	})
}
