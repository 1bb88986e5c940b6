// Package token keeps private keys on a PKCS#11 token, a smart card or an HSM,
// that signs and decrypts without letting them out. It needs cgo, so only
// programs built with the tag pkcs11 have it; in others New returns ErrNotBuilt.
package token

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Why a token cannot be used. Whatever else is wrong is unexpected.
var (
	// ErrNotBuilt is said of every token by a program without PKCS#11.
	ErrNotBuilt = errors.New("this program was built without PKCS#11")
	// ErrModule is a library that cannot be loaded.
	ErrModule = errors.New("the PKCS#11 module cannot be loaded")
	// ErrPIN is a PIN that cannot be read or that the token refused. It is not tried
	// again until its file changes: tokens lock after a few wrong ones.
	ErrPIN = errors.New("the PIN cannot be used")
	// ErrAway is a token that is not there now, or does not answer.
	ErrAway = errors.New("the PKCS#11 token does not answer")
	// ErrKey is a key that is not on the token, or not the one it should be.
	ErrKey = errors.New("the key is not on the PKCS#11 token")
)

// Config names a token.
type Config struct {
	Module  string // path of the library of the token's maker
	Label   string // of the token
	PINFile string // of the user's PIN; blanks around it are cut
}

// Kind is what key to make.
type Kind struct {
	Bits     int            // of an RSA key, 0 for one on Curve
	Curve    elliptic.Curve // P-256 or P-384
	Decrypts bool           // an RSA key that also decrypts
}

// Token is a token as it is used by the whole process: it is opened when it is
// first needed, and again after it was away. Safe for concurrent use.
type Token struct {
	config Config

	mu      sync.Mutex
	open    *connection // nil until it is needed, and after it broke
	refused string      // the PIN that the token refused
}

// New returns the token without opening it. Errors: ErrNotBuilt.
func New(c Config) (*Token, error) {
	if !built {
		return nil, ErrNotBuilt
	}
	return &Token{config: c}, nil
}

// Check opens the token, if it is not. Errors: ErrModule, ErrPIN, ErrAway.
func (t *Token) Check() error {
	_, err := t.connect()
	return err
}

// NewKey makes a key pair under a name, which nobody else may have: it cannot be
// read, by us neither. Errors as Check.
func (t *Token) NewKey(name string, kind Kind) (crypto.Signer, error) {
	c, err := t.connect()
	if err != nil {
		return nil, err
	}
	public, err := c.generate(name, kind)
	if err != nil {
		t.drop(c, err)
		return nil, fmt.Errorf("make key %s on the token: %w", name, err)
	}
	return t.Key(name, public), nil
}

// Key returns the key that NewKey made, which has this public half. The token is
// not asked before the key is used. A key of RSA is a crypto.Decrypter too.
func (t *Token) Key(name string, public crypto.PublicKey) crypto.Signer {
	k := key{token: t, name: name, public: public}
	if _, ok := public.(*rsa.PublicKey); ok {
		return decrypter{k}
	}
	return k
}

// Remove deletes a key pair, if it is there. Errors as Check.
func (t *Token) Remove(name string) error {
	c, err := t.connect()
	if err != nil {
		return err
	}
	if err := c.remove(name); err != nil {
		t.drop(c, err)
		return fmt.Errorf("remove key %s from the token: %w", name, err)
	}
	return nil
}

// Close ends the sessions with the token.
func (t *Token) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		t.open.close()
		t.open = nil
	}
	return nil
}

// connect opens the token unless it is open.
func (t *Token) connect() (*connection, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		return t.open, nil
	}
	content, err := os.ReadFile(t.config.PINFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPIN, err)
	}
	pin := strings.TrimSpace(string(content))
	if pin == "" || pin == t.refused {
		return nil, fmt.Errorf("%w: it is empty or was refused before", ErrPIN)
	}
	c, err := connect(t.config, pin)
	if errors.Is(err, ErrPIN) {
		t.refused = pin
	}
	if err != nil {
		return nil, err
	}
	t.open = c
	return c, nil
}

// drop closes a connection that broke, so that the next caller opens another.
func (t *Token) drop(c *connection, err error) bool {
	if !broken(err) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == c {
		t.open = nil
		c.close()
	}
	return true
}

// use does something with a key, and once more when the connection broke: a token
// that was away for a moment is none that is away.
func (t *Token) use(k key, do func(crypto.Signer) ([]byte, error)) ([]byte, error) {
	var err error
	for range 2 {
		var c *connection
		if c, err = t.connect(); err != nil {
			return nil, err
		}
		var held crypto.Signer
		if held, err = c.find(k.name); err == nil {
			if own, ok := held.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(k.public) {
				return nil, fmt.Errorf("%w: %s is another one", ErrKey, k.name)
			}
			var out []byte
			if out, err = do(held); err == nil {
				return out, nil
			}
		}
		if !t.drop(c, err) {
			return nil, fmt.Errorf("key %s on the token: %w", k.name, err)
		}
	}
	if !errors.Is(err, ErrKey) {
		err = fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil, fmt.Errorf("key %s on the token: %w", k.name, err)
}

// key is a key on the token.
type key struct {
	token  *Token
	name   string
	public crypto.PublicKey
}

func (k key) Public() crypto.PublicKey { return k.public }

// Sign signs a digest: PKCS#1 v1.5, or PSS for *rsa.PSSOptions, or ECDSA. The
// random octets are the token's.
func (k key) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return k.token.use(k, func(held crypto.Signer) ([]byte, error) { return held.Sign(random, digest, o) })
}

// decrypter is a key of RSA.
type decrypter struct{ key }

// Decrypt undoes PKCS#1 v1.5, or OAEP for *rsa.OAEPOptions.
func (k decrypter) Decrypt(random io.Reader, message []byte, o crypto.DecrypterOpts) ([]byte, error) {
	return k.token.use(k.key, func(held crypto.Signer) ([]byte, error) {
		d, ok := held.(crypto.Decrypter)
		if !ok {
			return nil, fmt.Errorf("%w: it does not decrypt", ErrKey)
		}
		return d.Decrypt(random, message, o)
	})
}
