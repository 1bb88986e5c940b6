//go:build pkcs11

package samlkey_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/token"
)

// The keys of SAML on a token: made there, signing and decrypting there, followed by
// another, and gone when they have retired. The database holds none.
func TestTokenKeys(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c, _ := testkit.Token(t)
		on, err := token.New(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = on.Close() })
		d.SAMLKeys.Token = on
		if err := d.SAMLKeys.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		ring := tokenRing(t, d)

		digest := sha256.Sum256([]byte("message"))
		for _, k := range ring.Signing {
			signature, err := k.Private.Sign(rand.Reader, digest[:], crypto.SHA256)
			if err != nil {
				t.Fatalf("Sign by %s: %v", k.Algorithm(), err)
			}
			switch public := k.Certificate.PublicKey.(type) {
			case *rsa.PublicKey:
				err = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
			case *ecdsa.PublicKey:
				if !ecdsa.VerifyASN1(public, digest[:], signature) {
					t.Error("the signature by ECDSA does not verify")
				}
			}
			if err != nil {
				t.Errorf("the signature by %s: %v", k.Algorithm(), err)
			}
		}
		decrypts(t, ring.Decryption[0])
		if text, err := d.Federation.IdPMetadata(t.Context()); err != nil || !bytes.Contains(text, []byte("SignatureValue")) {
			t.Errorf("IdPMetadata signed on the token = %v", err)
		}

		next, err := d.SAMLKeys.Announce(t.Context(), operator, samlkey.Encryption, oiosaml.RSA)
		if err != nil || !next.OnToken() {
			t.Fatalf("Announce = %+v, %v", next, err)
		}
		if _, err := d.SAMLKeys.Announce(t.Context(), operator, samlkey.Encryption, oiosaml.RSA); fault.CodeOf(err) != "samlkey.announced" {
			t.Errorf("Announce again = %v", err)
		}
		old := ring.Decryption[0]
		if err := d.SAMLKeys.Activate(t.Context(), operator, next.ID, "the old one has leaked"); err != nil {
			t.Fatal(err)
		}
		if ring = tokenRing(t, d); len(ring.Decryption) != 2 {
			t.Fatalf("%d keys decrypt during the overlap, want 2", len(ring.Decryption))
		}
		decrypts(t, ring.Decryption[0])
		decrypts(t, old)
		d.Clock.Move(31 * 24 * time.Hour)
		if err := d.SAMLKeys.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ring = tokenRing(t, d); len(ring.Decryption) != 1 {
			t.Errorf("%d keys decrypt at the end, want 1", len(ring.Decryption))
		}
		if plain, err := old.Private.(crypto.Decrypter).Decrypt(rand.Reader, sealedFor(t, old), &rsa.OAEPOptions{Hash: crypto.SHA1}); err == nil {
			t.Errorf("a key that has retired still decrypts: %q", plain)
		}

		d.SAMLKeys.Token = nil // a node that was not told of the token
		d.Clock.Move(time.Minute)
		if _, err := d.SAMLKeys.Ring(t.Context()); err == nil {
			t.Error("Ring without the token = nil, want an error that names the variables")
		}
	})
}

func tokenRing(t *testing.T, d *testkit.Domain) samlkey.Ring {
	t.Helper()
	ring, err := d.SAMLKeys.Ring(t.Context())
	if err != nil {
		t.Fatalf("Ring: %v", err)
	}
	inside, err := d.DB.NewSelect().Model((*samlkey.Key)(nil)).Where("length(key_sealed) > 0").Count(t.Context())
	if err != nil || inside != 0 {
		t.Errorf("%d keys are in the database, %v, want none", inside, err)
	}
	return ring
}

func sealedFor(t *testing.T, k oiosaml.Key) []byte {
	t.Helper()
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, k.Certificate.PublicKey.(*rsa.PublicKey), []byte("key of 32 bytes"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func decrypts(t *testing.T, k oiosaml.Key) {
	t.Helper()
	plain, err := k.Private.(crypto.Decrypter).Decrypt(rand.Reader, sealedFor(t, k), &rsa.OAEPOptions{Hash: crypto.SHA1})
	if err != nil || string(plain) != "key of 32 bytes" {
		t.Errorf("Decrypt = %q, %v", plain, err)
	}
}
