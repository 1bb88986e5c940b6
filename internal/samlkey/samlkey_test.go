package samlkey_test

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/testkit"
)

// The ring signs by RSA unless ECDSA is asked for, and a second Setup changes
// nothing.
func TestSetup(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		if _, err := d.SAMLKeys.Ring(t.Context()); err == nil {
			t.Error("Ring without keys = nil")
		}
		d.Federate(t)
		before := testkit.Contents(t, db)["saml_key"]
		if err := d.SAMLKeys.Setup(t.Context()); err != nil {
			t.Fatalf("Setup: %v", err)
		}
		if after := testkit.Contents(t, db)["saml_key"]; len(before) != 3 || len(after) != 3 {
			t.Errorf("%d keys, then %d, want 3 both times", len(before), len(after))
		}
		ring, err := d.SAMLKeys.Ring(t.Context())
		if err != nil {
			t.Fatalf("Ring: %v", err)
		}
		if len(ring.Signing) != 2 || ring.Signing[0].Algorithm() != oiosaml.RSA || ring.Signing[1].Algorithm() != oiosaml.ECDSA {
			t.Errorf("%d signing keys, want RSA and then ECDSA", len(ring.Signing))
		}
		if len(ring.Encryption) != 1 || len(ring.Decryption) != 1 {
			t.Errorf("%d keys to encrypt to, %d to decrypt with, want one each", len(ring.Encryption), len(ring.Decryption))
		}
	})
}

// A node follows what another did within seconds.
func TestRingFollows(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		d.Federate(t)
		if _, err := d.SAMLKeys.Ring(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := db.NewUpdate().Model((*samlkey.Key)(nil)).Set("state = ?", samlkey.Retired).Where("algorithm = ?", oiosaml.ECDSA).Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d.Clock.Move(11 * time.Second)
		ring, err := d.SAMLKeys.Ring(t.Context())
		if err != nil || len(ring.Signing) != 1 || ring.Signing[0].Algorithm() != oiosaml.RSA {
			t.Errorf("Ring = %d signing keys, %v", len(ring.Signing), err)
		}
	})
}
