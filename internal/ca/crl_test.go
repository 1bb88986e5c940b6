package ca_test

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// crl returns the current CRL, checked against the issuing CA.
func crl(t *testing.T, s *ca.Service) *x509.RevocationList {
	t.Helper()
	current, err := s.CRL(t.Context(), 0)
	if err != nil {
		t.Fatalf("CRL: %v", err)
	}
	list, err := x509.ParseRevocationList(current.DER)
	if err != nil {
		t.Fatal(err)
	}
	issuing, err := s.IssuingDER(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := x509.ParseCertificate(issuing)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(authority); err != nil {
		t.Errorf("CRL: %v", err)
	}
	return list
}

// listed are the serial numbers in the current CRL, sorted.
func listed(t *testing.T, s *ca.Service) []pki.Serial {
	t.Helper()
	var all []pki.Serial
	for _, e := range crl(t, s).RevokedCertificateEntries {
		all = append(all, pki.SerialOf(e.SerialNumber))
	}
	slices.Sort(all)
	return all
}

func TestCRLForOpenSSL(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		live, gone := issue(t, s, "1", alice(), request(t)), issue(t, s, "2", alice(), request(t))
		if err := revoke(t, s, alice(), gone.Serial, "key_compromise"); err != nil {
			t.Fatal(err)
		}
		killed(t, node(t, db, clock), signed(), request(t))
		clock.Move(time.Hour)
		sweep(t, s)
		chain, err := s.Chain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.CRL(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{
			"issuing": armour("CERTIFICATE", chain[0]), "crl": armour("X509 CRL", list.DER),
			"live": armour("CERTIFICATE", live.DER), "gone": armour("CERTIFICATE", gone.DER),
		}
		out, err := openssl(t, files, "crl", "-in", "crl", "-CAfile", "issuing", "-noout", "-text")
		if err != nil {
			t.Fatalf("openssl crl: %v\n%s", err, out)
		}
		wants := []string{"verify OK", "Key Compromise"}
		for _, c := range stored(t, db) {
			if c.State != ca.Issued {
				wants = append(wants, strings.ToUpper(string(c.Serial)))
			}
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("openssl crl does not show %q:\n%s", want, out)
			}
		}
		if len(wants) != 4 || strings.Contains(out, strings.ToUpper(string(live.Serial))) {
			t.Errorf("the CRL does not list exactly the revoked and the abandoned:\n%s", out)
		}
		verify := []string{
			"verify", "-attime", "1795345200", // 2026-11-22 11:00 UTC
			"-partial_chain", "-trusted", "issuing", "-crl_check", "-CRLfile", "crl",
		}
		if out, err := openssl(t, files, append(verify, "live")...); err != nil {
			t.Errorf("openssl verify of the live one: %v\n%s", err, out)
		}
		if out, err := openssl(t, files, append(verify, "gone")...); err == nil || !strings.Contains(out, "certificate revoked") {
			t.Errorf("openssl verify of the revoked one: %v\n%s", err, out)
		}
	})
}

func armour(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Two nodes serve one series of lists.
func TestCRLSeries(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		one, two := ready(t, db, clock), node(t, db, clock)
		c := issue(t, one, "r", alice(), request(t))
		for _, step := range []struct {
			name    string
			do      func() error
			number  int64
			entries int
		}{
			{name: "the first", number: 1},
			{name: "just before half of its life", do: func() error { clock.Move(12 * time.Hour); return nil }, number: 1},
			{name: "after half of its life", do: func() error { clock.Move(time.Microsecond); return nil }, number: 2},
			{name: "after a revocation", do: func() error { return revoke(t, two, alice(), c.Serial, "lost") }, number: 3, entries: 1},
			{name: "by the sweep", do: func() error { clock.Move(13 * time.Hour); return two.Sweep(t.Context()) }, number: 4, entries: 1},
		} {
			if step.do != nil {
				if err := step.do(); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
			}
			for _, s := range []*ca.Service{one, two, one} {
				list := crl(t, s)
				if list.Number.Int64() != step.number || len(list.RevokedCertificateEntries) != step.entries || !list.NextUpdate.After(clock.Now()) {
					t.Errorf("%s: CRL %s with %d entries until %s, want %d with %d", step.name,
						list.Number, len(list.RevokedCertificateEntries), list.NextUpdate, step.number, step.entries)
				}
			}
		}
	})
}

func TestCRLOnSeveralNodesAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		var want []pki.Serial
		for round, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
			c := issue(t, s, id, alice(), request(t))
			if err := revoke(t, s, alice(), c.Serial, "lost"); err != nil {
				t.Fatal(err)
			}
			want = append(want, c.Serial)
			slices.Sort(want)
			var all sync.WaitGroup
			for range 4 {
				n := node(t, db, clock)
				all.Go(func() {
					if got := listed(t, n); !slices.Equal(got, want) {
						t.Errorf("round %d: a CRL lists %v, want %v", round, got, want)
					}
				})
			}
			all.Wait()
		}
		var numbers []int64
		if err := db.NewSelect().Table("revocation_list").Column("number").Where("part = -1").Order("number").Scan(t.Context(), &numbers); err != nil {
			t.Fatal(err)
		}
		if len(numbers) != 3 || numbers[2] != 12 {
			t.Errorf("stored are the CRLs %v, want the last 3 of 12", numbers)
		}
	})
}

// A list is made from the one before it. What was written late, or by a clock that
// is behind, is in the next one all the same.
func TestCRLCarriedOn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		var want []pki.Serial
		for round, ago := range []time.Duration{0, 0, 5 * time.Minute, 3 * time.Hour, 0} {
			c := issue(t, s, strconv.Itoa(round), alice(), request(t))
			if err := revoke(t, s, alice(), c.Serial, "key_compromise"); err != nil {
				t.Fatal(err)
			}
			if _, err := db.NewUpdate().Table("certificate").Set("revoked_at = ?", store.Instant(clock.Now().Add(-ago))).
				Where("serial = ?", c.Serial).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			want = append(want, c.Serial)
			slices.Sort(want)
			if got := listed(t, s); !slices.Equal(got, want) {
				t.Errorf("round %d: the list has %v, want %v", round, got, want)
			}
			for _, e := range crl(t, s).RevokedCertificateEntries {
				if e.ReasonCode != int(pki.KeyCompromise) {
					t.Errorf("round %d: reason %d, want %d", round, e.ReasonCode, pki.KeyCompromise)
				}
			}
			clock.Move(time.Minute)
		}
	})
}
