package ca_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// node returns an authority on a database, as one of the nodes of an installation.
func node(t *testing.T, db *bun.DB, clock *testkit.Clock) *ca.Service {
	t.Helper()
	return &ca.Service{
		DB: db, Keys: master(t, 1), Now: clock.Now, Log: slog.New(slog.DiscardHandler), Algorithm: pki.ECDSA, Name: "Adgang",
		Address: "http://localhost:8080",
	}
}

// ready is a node of an installation that has its hierarchy.
func ready(t *testing.T, db *bun.DB, clock *testkit.Clock) *ca.Service {
	t.Helper()
	s := node(t, db, clock)
	if err := s.Setup(t.Context()); err != nil {
		t.Fatalf("Setup: %v", err)
	}
	return s
}

func master(t *testing.T, first byte) *secret.Keys {
	t.Helper()
	keys, err := secret.New(append([]byte{first}, make([]byte, 31)...))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// alice and bob work for different organisations.
func alice() ca.Holder {
	return ca.Holder{
		OrgID: "org-a", EmployeeID: "01934567-89ab-7cde-8f01-23456789abcd", CVR: "12345678", OrgName: "Ærø Kommune",
		GivenName: "Åse", Surname: "Sørensen", Email: "aase@example.dk",
	}
}

func bob() ca.Holder {
	return ca.Holder{
		OrgID: "org-b", EmployeeID: "01934567-89ab-7cde-8f01-23456789abce", CVR: "87654321", OrgName: "Læsø Kommune",
		GivenName: "Bo", Surname: "Holm", Email: "bo@example.dk",
	}
}

func by(h ca.Holder) access.Actor {
	return access.Actor{OrgID: h.OrgID, ID: "employee:" + string(h.EmployeeID), Employee: h.EmployeeID}
}

// request asks for a certificate of a new key.
func request(t *testing.T) *pki.Request {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return requestFor(t, key)
}

func requestFor(t *testing.T, key crypto.Signer) *pki.Request {
	t.Helper()
	der, err := pki.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func issue(t *testing.T, s *ca.Service, id string, h ca.Holder, r *pki.Request) ca.Certificate {
	t.Helper()
	c, err := s.Issue(t.Context(), by(h), id, h, r, alone)
	if err != nil {
		t.Fatalf("Issue %s: %v", id, err)
	}
	return c
}

func revoke(t *testing.T, s *ca.Service, h ca.Holder, serial pki.Serial, reason string) error {
	t.Helper()
	return store.InTx(t.Context(), s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.RevokeIn(ctx, tx, by(h), string(serial), reason, "")
	})
}

// verbs are the audit entries about a certificate, oldest first.
func verbs(t *testing.T, db *bun.DB, c ca.Certificate) []string {
	t.Helper()
	entries, err := audit.Of(t.Context(), db, c.OrgID, "certificate:"+string(c.Serial))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Verb)
	}
	return all
}

// stored returns all certificates on record, oldest first.
func stored(t *testing.T, db *bun.DB) []ca.Certificate {
	t.Helper()
	var all []ca.Certificate
	if err := db.NewSelect().Model(&all).Order("created_at", "state").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

func wantCode(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("%s = %v, want kind %d, code %s", what, err, kind, code)
	}
}

// openssl runs the command in a folder with the given files.
func openssl(t *testing.T, files map[string][]byte, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestSetupOnSeveralNodesMakesOneHierarchy(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		nodes := make([]*ca.Service, 4)
		var all sync.WaitGroup
		for i := range nodes {
			nodes[i] = node(t, db, clock)
			all.Go(func() {
				if err := nodes[i].Setup(t.Context()); err != nil {
					t.Errorf("Setup: %v", err)
				}
			})
		}
		all.Wait()
		late := ready(t, db, clock)
		want, err := late.Chain(t.Context())
		if err != nil || len(want) != 2 {
			t.Fatalf("Chain = %d certificates, %v", len(want), err)
		}
		for i, n := range nodes {
			issuing, err := n.IssuingDER(t.Context(), 0)
			root, err2 := n.RootDER(t.Context())
			if err != nil || err2 != nil || string(issuing) != string(want[0]) || string(root) != string(want[1]) {
				t.Errorf("node %d has another hierarchy (%v, %v)", i, err, err2)
			}
		}
		var keys [][]byte
		if err := db.NewSelect().Table("authority").Column("key_sealed").Scan(t.Context(), &keys); err != nil || len(keys) != 2 {
			t.Errorf("authorities = %d, want 2 (%v)", len(keys), err)
		}
		for _, key := range keys {
			if _, err := x509.ParsePKCS8PrivateKey(key); err == nil {
				t.Error("a key is stored in the clear")
			}
		}
		if n, err := db.NewSelect().Table("audit_entry").Where("verb = 'authority.create'").Count(t.Context()); err != nil || n != 2 {
			t.Errorf("entries = %d, want 2 (%v)", n, err)
		}
	})
}

func TestAnotherMasterKeyDoesNotOpenTheHierarchy(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		ready(t, db, clock)
		other := node(t, db, clock)
		other.Keys = master(t, 2)
		if err := other.Setup(t.Context()); fault.KindOf(err) != fault.Internal {
			t.Errorf("Setup = %v, want an unexpected error", err)
		}
		if _, err := other.Issue(t.Context(), by(alice()), "r", alice(), request(t), alone); fault.KindOf(err) != fault.Internal {
			t.Errorf("Issue = %v, want an unexpected error", err)
		}
		if n := len(stored(t, db)); n != 0 {
			t.Errorf("certificates on record = %d, want 0", n)
		}
	})
}

func TestBeforeSetup(t *testing.T) {
	t.Parallel()
	s := node(t, testkit.SQLite(t), testkit.NewClock())
	_, err := s.Issue(t.Context(), by(alice()), "r", alice(), request(t), alone)
	wantCode(t, "Issue", err, fault.Unavailable, "ca.authority.absent")
	_, err = s.Verify(t.Context(), nil, s.Now())
	wantCode(t, "Verify", err, fault.Unavailable, "ca.authority.absent")
	_, err = s.CRL(t.Context(), 0)
	wantCode(t, "CRL", err, fault.Unavailable, "ca.authority.absent")
	s.Name = "Den Danske Stat"
	if err := s.Setup(t.Context()); err == nil {
		t.Error("Setup made an authority that calls itself Den Danske Stat")
	}
}

// TestRSAHierarchy runs the story once with the keys of a real installation.
func TestRSAHierarchy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes an RSA key of 4,096 bits")
	}
	s := node(t, testkit.SQLite(t), testkit.NewClock())
	s.Algorithm = pki.RSA
	if err := s.Setup(t.Context()); err != nil {
		t.Fatalf("Setup: %v", err)
	}
	c := issue(t, s, "r", alice(), request(t))
	if _, err := s.Verify(t.Context(), c.DER, s.Now()); err != nil {
		t.Errorf("Verify: %v", err)
	}
	chain, err := s.Chain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"CN=Adgang OCES-style issuing CA 1,O=Adgang,C=DK", "CN=Adgang OCES-style root CA,O=Adgang,C=DK"} {
		cert, err := x509.ParseCertificate(chain[i])
		if err != nil || fmt.Sprint(cert.Subject) != want {
			t.Errorf("chain[%d] is %s (%v), want %s", i, cert.Subject, err, want)
		}
	}
}

// alone is a caller that changes nothing with the certificate.
func alone(context.Context, bun.Tx, ca.Certificate) error { return nil }
