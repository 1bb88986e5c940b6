package ca_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

func TestRollover(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s, other := ready(t, db, clock), ready(t, db, clock)
		before := issue(t, s, "1", alice(), request(t))
		late := issue(t, other, "2", alice(), request(t))
		if err := s.Rollover(t.Context(), access.Command("")); err != nil {
			t.Fatalf("Rollover: %v", err)
		}
		clock.Move(5 * time.Second)
		for i, node := range []*ca.Service{s, other} {
			after := issue(t, node, fmt.Sprint("after", i), bob(), request(t))
			for name, want := range map[string]struct {
				c      ca.Certificate
				number int64
			}{"before": {before, 1}, "late": {late, 1}, "after": {after, 2}} {
				cert, err := x509.ParseCertificate(want.c.DER)
				if err != nil {
					t.Fatal(err)
				}
				der, err := node.IssuingDER(t.Context(), want.number)
				if err != nil {
					t.Fatal(err)
				}
				issuing, err := x509.ParseCertificate(der)
				if err != nil {
					t.Fatal(err)
				}
				if err := cert.CheckSignatureFrom(issuing); err != nil {
					t.Errorf("node %d, %s: %v", i, name, err)
				}
				point := fmt.Sprintf("http://localhost:8080/ca/%d/crl/%d.crl", want.number, want.c.Serial.Part())
				if cert.CRLDistributionPoints[0] != point || cert.IssuingCertificateURL[0] != fmt.Sprintf("http://localhost:8080/ca/%d/issuing.cer", want.number) {
					t.Errorf("node %d, %s: names %v and %v", i, name, cert.CRLDistributionPoints, cert.IssuingCertificateURL)
				}
				if _, err := node.Verify(t.Context(), want.c.DER, clock.Now()); err != nil {
					t.Errorf("node %d, %s: Verify: %v", i, name, err)
				}
			}
		}
		if err := revoke(t, s, alice(), before.Serial, "key_compromise"); err != nil {
			t.Fatal(err)
		}
		// The old authority's lists go on; the new one's know nothing of it.
		for number, want := range map[int64]int64{0: 0, 1: 1, 2: 0} {
			full, err := other.CRL(t.Context(), number)
			if err != nil || full.Revoked != want {
				t.Errorf("CRL %d has %d entries, %v, want %d", number, full.Revoked, err, want)
			}
			part, err := other.PartCRL(t.Context(), max(number, 1), before.Serial.Part())
			if wantPart := map[int64]int64{0: 1, 1: 1, 2: 0}[number]; err != nil || part.Revoked != wantPart {
				t.Errorf("part of CRL %d has %d entries, %v, want %d", number, part.Revoked, err, wantPart)
			}
		}
		all, err := s.Authorities(t.Context())
		if err != nil || len(all) != 3 {
			t.Fatalf("Authorities = %d, %v", len(all), err)
		}
		for i, want := range []string{"root 1 active 2 0 ECDSA P-384", "issuing 2 active 2 0 ECDSA P-256", "issuing 1 retired 2 1 ECDSA P-256"} {
			a := all[i]
			if got := fmt.Sprint(a.Role, " ", a.Number, " ", a.State, " ", a.Issued, " ", a.Revoked, " ", a.Key); got != want {
				t.Errorf("authority %d is %q, want %q", i, got, want)
			}
		}
		if n, err := db.NewSelect().Table("audit_entry").Where("verb IN ('authority.create', 'authority.retire')").Count(t.Context()); err != nil || n != 4 {
			t.Errorf("entries = %d, %v, want 4", n, err)
		}
	})
}

func TestTheRootEndsBeforeANewIssuingAuthority(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	s := ready(t, testkit.SQLite(t), clock)
	clock.Move(16 * 365 * 24 * time.Hour)
	wantCode(t, "Rollover", s.Rollover(t.Context(), access.Command("")), fault.Conflict, "ca.root.ending")
	if all, err := s.Authorities(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("Authorities = %d, %v, want 2", len(all), err)
	}
}

func TestNoSuchAuthority(t *testing.T) {
	t.Parallel()
	s := ready(t, testkit.SQLite(t), testkit.NewClock())
	_, err := s.IssuingDER(t.Context(), 2)
	wantCode(t, "IssuingDER", err, fault.Absent, "ca.authority.unknown")
	_, err = s.CRL(t.Context(), 2)
	wantCode(t, "CRL", err, fault.Absent, "ca.authority.unknown")
	for _, part := range []int{-1, pki.Parts} {
		_, err = s.PartCRL(t.Context(), 1, part)
		wantCode(t, "PartCRL", err, fault.Absent, "ca.crl.unknown")
	}
}

// Whoever checks the whole chain finds the root's list, which says nothing.
func TestRootCRL(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		c := issue(t, s, "1", alice(), request(t))
		chain, err := s.Chain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		root, err := s.RootCRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		part, err := s.PartCRL(t.Context(), 1, c.Serial.Part())
		if err != nil {
			t.Fatal(err)
		}
		out, err := openssl(t, map[string][]byte{
			"root": armour("CERTIFICATE", chain[1]), "issuing": armour("CERTIFICATE", chain[0]), "leaf": armour("CERTIFICATE", c.DER),
			"crls": append(armour("X509 CRL", root.DER), armour("X509 CRL", part.DER)...),
		}, "verify", "-attime", fmt.Sprint(clock.Now().Add(time.Second).Unix()), "-CAfile", "root", "-untrusted", "issuing",
			"-crl_check_all", "-CRLfile", "crls", "leaf")
		if err != nil || !strings.Contains(out, "leaf: OK") {
			t.Errorf("openssl verify -crl_check_all: %v\n%s", err, out)
		}
		clock.Move(46 * 24 * time.Hour)
		sweep(t, s)
		if next, err := s.RootCRL(t.Context()); err != nil || next.Number != 2 {
			t.Errorf("after half of its life, the list is number %d, %v, want 2", next.Number, err)
		}
	})
}

func TestCertificatesOfAnOrganisation(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		var want []pki.Serial
		for i := range 5 {
			want = append([]pki.Serial{issue(t, s, fmt.Sprint(i), alice(), request(t)).Serial}, want...)
			clock.Move(time.Minute)
		}
		foreign := issue(t, s, "b", bob(), request(t))
		if err := revoke(t, s, alice(), want[2], "superseded"); err != nil {
			t.Fatal(err)
		}
		var got []pki.Serial
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, next, err := s.Certificates(t.Context(), "org-a", cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				got = append(got, c.Serial)
			}
			cursor = next
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Certificates = %v, want %v", got, want)
		}
		c, err := s.Find(t.Context(), strings.ToUpper(string(foreign.Serial)))
		if err != nil || c.OrgID != "org-b" {
			t.Errorf("Find = %+v, %v", c, err)
		}
		_, err = s.Find(t.Context(), "0a")
		wantCode(t, "Find of another", err, fault.Absent, "ca.certificate.absent")
		_, err = s.Find(t.Context(), "x")
		wantCode(t, "Find of no serial number", err, fault.Invalid, "ca.serial.malformed")
	})
}
