//go:build pkcs11

package ca_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/token"
)

// tokenNode is a node whose authorities have their keys on a token.
func tokenNode(t *testing.T, db *bun.DB, clock *testkit.Clock, c token.Config, algorithm pki.Algorithm) *ca.Service {
	t.Helper()
	on, err := token.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = on.Close() })
	s := node(t, db, clock)
	s.Token, s.Algorithm = on, algorithm
	return s
}

// Two nodes set up together, issue, roll over, publish and answer with keys that
// neither has; the database names them and holds none.
func TestTokenAuthority(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		algorithm := pki.ECDSA
		if store.SQLite(db) { // one is enough: the token takes seconds for 4,096 bits
			algorithm = pki.RSA
		}
		clock := testkit.NewClock()
		c, _ := testkit.Token(t)
		one, two := tokenNode(t, db, clock, c, algorithm), tokenNode(t, db, clock, c, algorithm)
		made := make(chan error, 2)
		for _, s := range []*ca.Service{one, two} {
			go func() { made <- s.Setup(t.Context()) }()
		}
		for range 2 {
			if err := <-made; err != nil {
				t.Fatalf("Setup: %v", err)
			}
		}
		before := issue(t, one, "before", alice(), request(t))
		if err := one.Rollover(t.Context(), access.Command("")); err != nil {
			t.Fatalf("Rollover: %v", err)
		}
		clock.Move(5 * time.Second)
		for i, s := range []*ca.Service{one, two} {
			after := issue(t, s, fmt.Sprint("after", i), alice(), request(t))
			cert, err := x509.ParseCertificate(after.DER)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[pki.Algorithm]x509.SignatureAlgorithm{pki.RSA: x509.SHA256WithRSAPSS, pki.ECDSA: x509.ECDSAWithSHA256}[algorithm]; cert.SignatureAlgorithm != want {
				t.Errorf("%s: signed with %s, want %s", algorithm, cert.SignatureAlgorithm, want)
			}
			for _, c := range []ca.Certificate{before, after} {
				if _, err := s.Verify(t.Context(), c.DER, clock.Now()); err != nil {
					t.Errorf("%s, node %d: Verify: %v", algorithm, i, err)
				}
			}
		}
		if err := revoke(t, two, alice(), before.Serial, "superseded"); err != nil {
			t.Fatal(err)
		}
		if list, err := two.CRL(t.Context(), 1); err != nil || list.Revoked != 1 {
			t.Errorf("%s: CRL = %d entries, %v", algorithm, list.Revoked, err)
		}
		if _, err := one.RootCRL(t.Context()); err != nil {
			t.Errorf("%s: RootCRL: %v", algorithm, err)
		}
		if err := one.Sweep(t.Context()); err != nil {
			t.Errorf("%s: Sweep, which makes OCSP responders: %v", algorithm, err)
		}
		all, err := two.Authorities(t.Context())
		if err != nil || len(all) != 3 {
			t.Fatalf("Authorities = %d, %v", len(all), err)
		}
		var rows []struct {
			ID        string
			KeySealed []byte
			KeyName   string
		}
		if err := db.NewSelect().Table("authority").Column("id", "key_sealed", "key_name").Scan(t.Context(), &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if len(r.KeySealed) != 0 || r.KeyName != "adgang-"+r.ID {
				t.Errorf("%s: row %s has %d sealed octets and names %q", algorithm, r.ID, len(r.KeySealed), r.KeyName)
			}
		}
		plain := node(t, db, clock)
		if err := plain.Setup(t.Context()); err == nil || fault.KindOf(err) != fault.Internal {
			t.Errorf("Setup of a node without the token = %v", err)
		}
	})
}

// Without the token nothing is signed and everything else goes on. It runs alone:
// the library lets go of a token when nobody in the process uses one.
func TestTokenGone(t *testing.T) {
	db, clock := testkit.SQLite(t), testkit.NewClock()
	c, dir := testkit.Token(t)
	s := tokenNode(t, db, clock, c, pki.ECDSA)
	if err := s.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := issue(t, s, "first", alice(), request(t))
	if err := os.Rename(dir, dir+".out"); err != nil {
		t.Fatal(err)
	}
	late := request(t)
	_, err := s.Issue(t.Context(), by(alice()), "late", alice(), late, alone)
	if fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != "ca.token.away" {
		t.Errorf("Issue without the token = %v", err)
	}
	fresh := tokenNode(t, db, clock, c, pki.ECDSA) // a node that starts meanwhile
	for i, n := range []*ca.Service{s, fresh} {
		if _, err := n.Verify(t.Context(), first.DER, clock.Now()); err != nil {
			t.Errorf("node %d: Verify without the token: %v", i, err)
		}
	}
	if err := s.Rollover(t.Context(), access.Command("")); fault.CodeOf(err) != "ca.token.away" {
		t.Errorf("Rollover without the token = %v", err)
	}
	if err := os.Rename(dir+".out", dir); err != nil {
		t.Fatal(err)
	}
	clock.Move(time.Minute) // the broken-off request is nobody's by now
	if c, err := s.Issue(t.Context(), by(alice()), "late", alice(), late, alone); err != nil || c.State != ca.Issued {
		t.Errorf("the same request when the token is back = %s, %v", c.State, err)
	}
	if err := s.Rollover(t.Context(), access.Command("")); err != nil {
		t.Errorf("Rollover when the token is back: %v", err)
	}
}

// An installation that began with keys in the database goes over to a token with
// its next issuing authority.
func TestTokenByRollover(t *testing.T) {
	t.Parallel()
	db, clock := testkit.SQLite(t), testkit.NewClock()
	ready(t, db, clock)
	c, _ := testkit.Token(t)
	s := tokenNode(t, db, clock, c, pki.ECDSA)
	if err := s.Rollover(t.Context(), access.Command("")); err != nil {
		t.Fatal(err)
	}
	all, err := s.Authorities(t.Context())
	if err != nil || len(all) != 3 || all[0].KeyAt != "database" || all[1].KeyAt[:13] != "token adgang-" || all[2].KeyAt != "database" {
		t.Errorf("Authorities = %+v, %v", all, err)
	}
	issue(t, s, "1", alice(), request(t))
}
