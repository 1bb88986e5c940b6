//go:build pkcs11

package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha512"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/token"
)

func open(t *testing.T, c token.Config) *token.Token {
	t.Helper()
	made, err := token.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func newKey(t *testing.T, on *token.Token, name string, kind token.Kind) crypto.Signer {
	t.Helper()
	k, err := on.NewKey(name, kind)
	if err != nil {
		t.Fatalf("NewKey %s: %v", name, err)
	}
	return k
}

// signs makes a signature with the key and verifies it outside the token.
func signs(k crypto.Signer, o crypto.SignerOpts) error {
	message := []byte("message")
	signature, err := crypto.SignMessage(k, rand.Reader, message, o)
	if err != nil {
		return err
	}
	hash := o.HashFunc().New()
	hash.Write(message)
	digest := hash.Sum(nil)
	ok := false
	switch public := k.Public().(type) {
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(public, digest, signature)
	case *rsa.PublicKey:
		if pss, is := o.(*rsa.PSSOptions); is {
			ok = rsa.VerifyPSS(public, pss.Hash, digest, signature, &rsa.PSSOptions{SaltLength: pss.Hash.Size()}) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(public, o.HashFunc(), digest, signature) == nil
		}
	}
	if !ok {
		return errors.New("the signature does not verify")
	}
	return nil
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c, _ := testkit.Token(t)
	on := open(t, c)
	pss := func(h crypto.Hash) crypto.SignerOpts {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	for _, tc := range []struct {
		name string
		kind token.Kind
		ways []crypto.SignerOpts
	}{
		{"root", token.Kind{Bits: 4096}, []crypto.SignerOpts{pss(crypto.SHA512), pss(crypto.SHA256), crypto.SHA256}},
		{"issuing", token.Kind{Bits: 3072}, []crypto.SignerOpts{pss(crypto.SHA256)}},
		{"p384", token.Kind{Curve: elliptic.P384()}, []crypto.SignerOpts{crypto.SHA384}},
		{"p256", token.Kind{Curve: elliptic.P256()}, []crypto.SignerOpts{crypto.SHA256}},
	} {
		made := newKey(t, on, tc.name, tc.kind)
		for _, o := range tc.ways {
			for from, k := range map[string]crypto.Signer{"made": made, "found": on.Key(tc.name, made.Public())} {
				if err := signs(k, o); err != nil {
					t.Errorf("%s, %s, %T of %s: %v", tc.name, from, o, o.HashFunc(), err)
				}
			}
		}
	}
	other := newKey(t, on, "other", token.Kind{Curve: elliptic.P256()})
	if err := signs(on.Key("p256", other.Public()), crypto.SHA256); !errors.Is(err, token.ErrKey) {
		t.Errorf("signing with another's public key: %v, want ErrKey", err)
	}
	if err := on.Remove("other"); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if err := signs(other, crypto.SHA256); !errors.Is(err, token.ErrKey) {
		t.Errorf("signing with a removed key: %v, want ErrKey", err)
	}
}

// SoftHSM 2.6 knows OAEP with SHA-1 only; the hash is the caller's choice.
func TestDecrypt(t *testing.T) {
	t.Parallel()
	c, _ := testkit.Token(t)
	on := open(t, c)
	yes := newKey(t, on, "decrypts", token.Kind{Bits: 3072, Decrypts: true})
	no := newKey(t, on, "signs", token.Kind{Bits: 3072})
	for _, tc := range []struct {
		k  crypto.Signer
		ok bool
	}{{yes, true}, {no, false}} {
		sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, tc.k.Public().(*rsa.PublicKey), []byte("secret"), nil)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := tc.k.(crypto.Decrypter).Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: crypto.SHA1})
		if got := err == nil && bytes.Equal(plain, []byte("secret")); got != tc.ok {
			t.Errorf("Decrypt = %q, %v, want success %v", plain, err, tc.ok)
		}
	}
	damaged := make([]byte, 384)
	if _, err := yes.(crypto.Decrypter).Decrypt(rand.Reader, damaged, &rsa.OAEPOptions{Hash: crypto.SHA1}); err == nil || errors.Is(err, token.ErrAway) {
		t.Errorf("Decrypt of nonsense = %v, want an error that is not the token's", err)
	}
}

// A wrong PIN is tried once: tokens lock.
func TestWrongPIN(t *testing.T) {
	t.Parallel()
	c, _ := testkit.Token(t)
	on := open(t, c)
	write := func(pin string) {
		if err := os.WriteFile(c.PINFile, []byte(pin), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("000000")
	for range 20 {
		if err := on.Check(); !errors.Is(err, token.ErrPIN) {
			t.Fatalf("Check with a wrong PIN = %v", err)
		}
	}
	write("")
	if err := on.Check(); !errors.Is(err, token.ErrPIN) {
		t.Errorf("Check with an empty file = %v", err)
	}
	write(testkit.PIN)
	if err := on.Check(); err != nil {
		t.Errorf("Check with the right PIN afterwards = %v", err)
	}
	c.PINFile += "x"
	if err := open(t, c).Check(); !errors.Is(err, token.ErrPIN) {
		t.Errorf("Check without a PIN file = %v", err)
	}
}

func TestOtherWrongConfiguration(t *testing.T) {
	t.Parallel()
	c, _ := testkit.Token(t)
	elsewhere := c
	elsewhere.Module = "/usr/lib/no-such-module.so"
	if err := open(t, elsewhere).Check(); !errors.Is(err, token.ErrModule) {
		t.Errorf("Check of a module that is not there = %v", err)
	}
	c.Label = "nobody's"
	if err := open(t, c).Check(); !errors.Is(err, token.ErrAway) {
		t.Errorf("Check of a token that is not there = %v", err)
	}
}

// The token is pulled out and put back. It runs alone: the library lets go of a
// token when nobody in the process uses one.
func TestGone(t *testing.T) {
	c, dir := testkit.Token(t)
	on := open(t, c)
	made := newKey(t, on, "gone", token.Kind{Curve: elliptic.P256()})
	if err := signs(made, crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+".out"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := signs(made, crypto.SHA256); !errors.Is(err, token.ErrAway) {
			t.Errorf("signing without the token = %v, want ErrAway", err)
		}
	}
	if _, err := on.NewKey("more", token.Kind{Curve: elliptic.P256()}); !errors.Is(err, token.ErrAway) {
		t.Errorf("NewKey without the token = %v, want ErrAway", err)
	}
	if err := os.Rename(dir+".out", dir); err != nil {
		t.Fatal(err)
	}
	if err := signs(made, crypto.SHA256); err != nil {
		t.Errorf("signing when the token is back: %v", err)
	}
}

// Many sign at once, and a second connection finds what the first makes.
func TestTwoConnections(t *testing.T) {
	t.Parallel()
	c, _ := testkit.Token(t)
	one, two := open(t, c), open(t, c)
	if err := two.Check(); err != nil {
		t.Fatal(err)
	}
	made := newKey(t, one, "late", token.Kind{Curve: elliptic.P256()})
	var all sync.WaitGroup
	for n := range 40 {
		on := []*token.Token{one, two}[n%2]
		all.Go(func() {
			if err := signs(on.Key("late", made.Public()), crypto.SHA256); err != nil {
				t.Errorf("connection %d: %v", n%2, err)
			}
		})
	}
	all.Wait()
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum384([]byte("message"))
	if _, err := made.Sign(rand.Reader, digest[:32], crypto.SHA256); err != nil {
		t.Errorf("Sign after Close, which opens it again: %v", err)
	}
}
