package web_test

import (
	"bytes"
	"crypto/x509"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/ocsp"

	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// From the click to the effect: when the block is answered the session is refused,
// OCSP says revoked, and the list that the certificate names has it. The times are
// printed; docs/benchmarks.md has those of a quiet machine.
func TestBlockTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db, func(o *web.Options) { o.OpenMetrics = true })
		holder := s.employee(t)
		var me web.Self
		holder.Must(t, http.StatusOK, http.MethodGet, "/api/v1/me", nil, &me)
		serial := me.Certificates[0].Serial
		at := askStatus(t, s, serial)
		if answer := at(); answer.Status != ocsp.Good {
			t.Fatalf("OCSP before = %d", answer.Status)
		}
		part := "/ca/1/crl/" + strconv.Itoa(pki.Serial(serial).Part()) + ".crl"
		if listed(t, holder.Must(t, http.StatusOK, http.MethodGet, part, nil, nil).Body, serial) {
			t.Fatal("the list has it before")
		}

		click := time.Now()
		holder.Must(t, http.StatusNoContent, http.MethodPost, "/api/v1/me/key-file/block", map[string]any{"serial": serial, "reason": "key_compromise"}, nil)
		answered := time.Since(click)
		refused(t, "the session", holder.Do(t, http.MethodGet, "/api/v1/session", nil), http.StatusUnauthorized, "session.none")
		session := time.Since(click)
		if answer := at(); answer.Status != ocsp.Revoked || answer.RevocationReason != ocsp.KeyCompromise {
			t.Errorf("OCSP after = %d for reason %d", answer.Status, answer.RevocationReason)
		}
		status := time.Since(click)
		if !listed(t, holder.Must(t, http.StatusOK, http.MethodGet, part, nil, nil).Body, serial) {
			t.Error("the list has it not after")
		}
		list := time.Since(click)
		t.Logf("answered %s, session refused %s, OCSP %s, list %s", answered, session, status, list)
		if list > time.Minute {
			t.Errorf("it took %s from the click to the list", list)
		}
		text := string(holder.Do(t, http.MethodGet, "/metrics", nil).Body)
		if !strings.Contains(text, `adgang_block_seconds_count{by="holder"} 1`) {
			t.Errorf("the metrics do not count the block")
		}
	})
}

// askStatus returns what asks over HTTP about a serial number.
func askStatus(t *testing.T, s *site, serial string) func() *ocsp.Response {
	t.Helper()
	client := s.client(t)
	issuing, err := x509.ParseCertificate(client.Must(t, http.StatusOK, http.MethodGet, "/ca/issuing.cer", nil, nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: pki.Serial(serial).Int()}, issuing, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() *ocsp.Response {
		a := client.Do(t, http.MethodPost, "/ca/ocsp", bytes.NewReader(request), "Content-Type", "application/ocsp-request")
		answer, err := ocsp.ParseResponse(a.Body, nil)
		if err != nil {
			t.Fatalf("OCSP answer %d: %v", a.Status, err)
		}
		return answer
	}
}

func listed(t *testing.T, der []byte, serial string) bool {
	t.Helper()
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.RevokedCertificateEntries {
		if string(pki.SerialOf(e.SerialNumber)) == serial {
			return true
		}
	}
	return false
}
