// Package secret hides how Adgang keeps secrets at rest: one master key, from
// which each purpose derives its own key, AES-256-GCM for what must be read
// again and HMAC-SHA-256 for what must only be recognised.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Purpose separates keys: what was sealed for one purpose does not open for
// another. The text is part of the key and never changes once released.
type Purpose string

// Keys holds the keys derived from one master key. It is safe for concurrent
// use and prints as [hidden].
type Keys struct {
	master []byte
	mu     sync.Mutex
	aead   map[Purpose]cipher.AEAD
	mac    map[Purpose][]byte
}

// ErrSealed is returned by Open for bytes that this key did not seal for this
// purpose and place.
var ErrSealed = errors.New("sealed value does not open with this master key")

// New derives from master, 32 random bytes.
func New(master []byte) (*Keys, error) {
	if len(master) != 32 {
		return nil, fmt.Errorf("master key has %d bytes, want 32", len(master))
	}
	return &Keys{master: append([]byte(nil), master...), aead: map[Purpose]cipher.AEAD{}, mac: map[Purpose][]byte{}}, nil
}

// String keeps the keys out of logs.
func (k *Keys) String() string { return "[hidden]" }

// derive is HKDF-SHA-256 (RFC 5869) with the purpose as info.
func (k *Keys) derive(use string, p Purpose) []byte {
	key, err := hkdf.Key(sha256.New, k.master, nil, "adgang/"+use+"/"+string(p), 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return key
}

func (k *Keys) gcm(p Purpose) cipher.AEAD {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a, ok := k.aead[p]; ok {
		return a
	}
	block, err := aes.NewCipher(k.derive("seal", p))
	if err != nil {
		panic(err) // only for a key that is not 32 bytes
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	k.aead[p] = a
	return a
}

// Seal encrypts plain with AES-256-GCM under a random nonce. place is the
// associated data, by habit "organisation/row": the value opens only there.
func (k *Keys) Seal(p Purpose, place string, plain []byte) []byte {
	return k.gcm(p).Seal(nil, nil, plain, []byte(place)) //nolint:gosec // the AEAD makes a random nonce itself
}

// Open is the inverse of Seal. Errors: ErrSealed.
func (k *Keys) Open(p Purpose, place string, sealed []byte) ([]byte, error) {
	plain, err := k.gcm(p).Open(nil, nil, sealed, []byte(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// MAC is HMAC-SHA-256 over the parts, 32 bytes. Parts are separated by a NUL,
// so they must not contain one.
func (k *Keys) MAC(p Purpose, parts ...string) []byte {
	k.mu.Lock()
	key, ok := k.mac[p]
	if !ok {
		key = k.derive("mac", p)
		k.mac[p] = key
	}
	k.mu.Unlock()
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.Join(parts, "\x00")))
	return h.Sum(nil)
}

// Token returns 32 random bytes as 43 characters of base64url: for links,
// cookies and API tokens.
func Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// crockford is base32 without the letters that people misread (I, L, O, U).
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Code returns 80 random bits as four groups of four characters,
// "7K3M-9QRT-0XW2-HBVN", for people to type.
func Code() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	s := crockford.EncodeToString(b[:])
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// CleanCode is what a person meant by a typed code: upper case, without blanks
// and dashes, and with the misread letters mapped back (O to 0, I and L to 1).
func CleanCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\u00a0':
			return -1
		case 'O', 'o':
			return '0'
		case 'I', 'i', 'L', 'l':
			return '1'
		}
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, typed)
}

// Equal compares two MACs in constant time.
func Equal(a, b []byte) bool { return hmac.Equal(a, b) }

// LoadMaster reads the master key from path: 32 bytes in base64. With create,
// a missing file is made with mode 0600, written aside and linked into place,
// so that two processes starting together agree on one key.
func LoadMaster(path string, create bool) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if errors.Is(err, os.ErrNotExist) && create {
		if err := createMaster(path); err != nil {
			return nil, err
		}
		text, err = os.ReadFile(path) //nolint:gosec // as above
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s must hold 32 bytes in base64 (head -c 32 /dev/urandom | base64)", path)
	}
	return key, nil
}

func createMaster(path string) error {
	var key [32]byte
	_, _ = rand.Read(key[:])
	f, err := os.CreateTemp(filepath.Dir(path), ".master-*") // made 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n"); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
