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

// Keys holds the keys derived from the master keys, of which the first seals and
// each opens. It is safe for concurrent use and prints as [hidden].
type Keys struct {
	masters [][]byte
	mu      sync.Mutex
	root    []byte // what keyed hashes are derived from, see Root
	aead    map[sealer]cipher.AEAD
	mac     map[Purpose][]byte
}

// sealer names a derived key: the master's place in the list, and the purpose.
type sealer struct {
	master  int
	purpose Purpose
}

// ErrSealed is returned by Open for bytes that no key here sealed for this purpose
// and place.
var ErrSealed = errors.New("sealed value does not open with this master key")

// New derives from masters, newest first, each 32 random bytes.
func New(masters ...[]byte) (*Keys, error) {
	k := &Keys{aead: map[sealer]cipher.AEAD{}, mac: map[Purpose][]byte{}}
	for _, m := range masters {
		if len(m) != 32 {
			return nil, fmt.Errorf("master key has %d bytes, want 32", len(m))
		}
		k.masters = append(k.masters, append([]byte(nil), m...))
	}
	if len(masters) == 0 {
		return nil, errors.New("there is no master key")
	}
	k.root = derive(k.masters[len(masters)-1], "hash root", "")
	return k, nil
}

// String keeps the keys out of logs.
func (k *Keys) String() string { return "[hidden]" }

// derive is HKDF-SHA-256 (RFC 5869) with use and purpose as info.
func derive(from []byte, use string, p Purpose) []byte {
	key, err := hkdf.Key(sha256.New, from, nil, "adgang/"+use+"/"+string(p), 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return key
}

// Root is what keyed hashes are derived from, at first by the oldest master key.
// It outlives master keys, so that tokens, sessions and the persons' IDs at
// services do: whoever keeps it seals it. A hash of 256 random bits tells nothing
// to who knows the root; for what can be guessed there is NewestMAC.
func (k *Keys) Root() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]byte(nil), k.root...)
}

// SetRoot gives the keys the root that an installation keeps.
func (k *Keys) SetRoot(root []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.root, k.mac = append([]byte(nil), root...), map[Purpose][]byte{}
}

func (k *Keys) gcm(master int, p Purpose) cipher.AEAD {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a, ok := k.aead[sealer{master, p}]; ok {
		return a
	}
	block, err := aes.NewCipher(derive(k.masters[master], "seal", p))
	if err != nil {
		panic(err) // only for a key that is not 32 bytes
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	k.aead[sealer{master, p}] = a
	return a
}

// Seal encrypts plain with AES-256-GCM under a random nonce and the newest key.
// place is the associated data, by habit "organisation/row": the value opens only
// there.
func (k *Keys) Seal(p Purpose, place string, plain []byte) []byte {
	return k.gcm(0, p).Seal(nil, nil, plain, []byte(place)) //nolint:gosec // the AEAD makes a random nonce itself
}

// Open is the inverse of Seal, under any of the keys. Errors: ErrSealed.
func (k *Keys) Open(p Purpose, place string, sealed []byte) ([]byte, error) {
	for i := range k.masters {
		if plain, err := k.gcm(i, p).Open(nil, nil, sealed, []byte(place)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

// Newest tells whether the newest key sealed a value.
func (k *Keys) Newest(p Purpose, place string, sealed []byte) bool {
	_, err := k.gcm(0, p).Open(nil, nil, sealed, []byte(place))
	return err == nil
}

// MAC is HMAC-SHA-256 over the parts under the root, 32 bytes. Parts are separated
// by a NUL, so they must not contain one.
func (k *Keys) MAC(p Purpose, parts ...string) []byte {
	k.mu.Lock()
	key, ok := k.mac[p]
	if !ok {
		key = derive(k.root, "mac", p)
		k.mac[p] = key
	}
	k.mu.Unlock()
	return mac(key, parts)
}

// NewestMAC is MAC under the newest master key: for what can be guessed, such as a
// CPR number, and is hashed anew when the master key changes.
func (k *Keys) NewestMAC(p Purpose, parts ...string) []byte {
	return mac(derive(k.masters[0], "mac", p), parts)
}

func mac(key []byte, parts []string) []byte {
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

// LoadMasters reads the master keys from path, a line each, 32 bytes in base64,
// newest first. With create, a missing file is made with one key and mode 0600,
// written aside and linked into place, so that two processes starting together
// agree on one key.
func LoadMasters(path string, create bool) ([][]byte, error) {
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
	var keys [][]byte
	for _, line := range strings.Fields(string(text)) {
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != 32 {
			keys = nil
			break
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s must hold 32 bytes in base64 (head -c 32 /dev/urandom | base64), and below it older keys, a line each", path)
	}
	return keys, nil
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
