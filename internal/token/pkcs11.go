//go:build pkcs11

package token

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

const built = true

const (
	// sessions is how many signatures a process makes at once; tokens have few.
	sessions = 16
	// patience is how long a caller waits for a session.
	patience = 10 * time.Second
)

// connection is a token that is logged in to.
type connection struct {
	context *crypto11.Context

	mu    sync.Mutex
	found map[string]crypto.Signer
}

func connect(c Config, pin string) (*connection, error) {
	context, err := crypto11.Configure(&crypto11.Config{
		Path: c.Module, TokenLabel: c.Label, Pin: pin, MaxSessions: sessions, PoolWaitTimeout: patience,
	})
	if err == nil {
		return &connection{context: context, found: map[string]crypto.Signer{}}, nil
	}
	refusals := []pkcs11.Error{pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED}
	if code, ok := errors.AsType[pkcs11.Error](err); ok && slices.Contains(refusals, code) {
		return nil, fmt.Errorf("%w: %w", ErrPIN, err)
	}
	// crypto11 has no value for a library that dlopen does not take.
	library := pkcs11.New(c.Module)
	if library == nil {
		return nil, fmt.Errorf("%w: %s", ErrModule, c.Module)
	}
	library.Destroy()
	return nil, fmt.Errorf("%w: %w", ErrAway, err)
}

func (c *connection) generate(name string, kind Kind) (crypto.PublicKey, error) {
	// The name is ID and label: crypto11 finds pairs by ID, people by label.
	public, err := crypto11.NewAttributeSetWithIDAndLabel([]byte(name), []byte(name))
	if err != nil {
		return nil, err
	}
	private := public.Copy()
	if err := private.Set(crypto11.CkaPrivate, true); err != nil {
		return nil, err
	}
	var made crypto.Signer
	if kind.Bits == 0 {
		made, err = c.context.GenerateECDSAKeyPairWithAttributes(public, private, kind.Curve)
	} else {
		if err := errors.Join(private.Set(crypto11.CkaDecrypt, kind.Decrypts), public.Set(crypto11.CkaEncrypt, kind.Decrypts)); err != nil {
			return nil, err
		}
		made, err = c.context.GenerateRSAKeyPairWithAttributes(public, private, kind.Bits)
	}
	if err != nil {
		return nil, err
	}
	return made.Public(), nil
}

// find looks a key up, once for a connection.
func (c *connection) find(name string) (crypto.Signer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.found[name]; k != nil {
		return k, nil
	}
	pairs, err := c.context.FindKeyPairs([]byte(name), nil)
	if err != nil {
		return nil, err
	}
	if len(pairs) != 1 {
		return nil, fmt.Errorf("%w: %d have the name", ErrKey, len(pairs))
	}
	c.found[name] = pairs[0]
	return pairs[0], nil
}

func (c *connection) remove(name string) error {
	pairs, err := c.context.FindKeyPairs([]byte(name), nil)
	for _, pair := range pairs {
		err = errors.Join(err, pair.Delete())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.found, name)
	return err
}

func (c *connection) close() { _ = c.context.Close() }

// broken tells whether another connection may do better: whatever the token says
// that is not about what was asked. A general error is not among them: some say it
// of a message that was not encrypted for the key.
func broken(err error) bool {
	if errors.Is(err, ErrKey) {
		return true // another node may have made it since
	}
	code, ok := errors.AsType[pkcs11.Error](err)
	if !ok {
		return err != nil // of crypto11: closed meanwhile, or no session in time
	}
	return slices.Contains([]pkcs11.Error{
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_SLOT_ID_INVALID,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED,
		pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_USER_NOT_LOGGED_IN,
		pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
	}, code)
}
