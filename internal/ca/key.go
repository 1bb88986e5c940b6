package ca

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/token"
)

// errNoToken is a key on a token that this process was not told of.
var errNoToken = errors.New("the key is on a PKCS#11 token and this process has none: set ADGANG_PKCS11_MODULE, ADGANG_PKCS11_TOKEN and ADGANG_PKCS11_PIN_FILE")

// keyless is an authority that is to get a key and a certificate.
func (s *Service) keyless(role string, number int64) authority {
	a := authority{
		ID: store.NewID(), Role: role, Number: number, State: Active, KeySealed: []byte{}, PolicyArc: s.PolicyArc, CreatedAt: store.Instant(s.Now()),
	}
	if s.Token != nil {
		a.KeyName = "adgang-" + a.ID
	}
	return a
}

// plan is how pki makes a, with the key where it stays.
func (s *Service) plan(a *authority) pki.Authority {
	p := pki.Authority{Algorithm: s.Algorithm, Installation: s.Name, NotBefore: s.Now().Add(-backdated)}
	if a.KeyName != "" {
		p.NewKey = func(bits int, curve elliptic.Curve) (crypto.Signer, error) {
			k, err := s.Token.NewKey(a.KeyName, token.Kind{Bits: bits, Curve: curve})
			return onToken{k}, away(err)
		}
	}
	return p
}

// seal puts a key that is not on the token into its row.
func (s *Service) seal(a *authority, key crypto.Signer) error {
	if a.KeyName != "" {
		return nil
	}
	pkcs8, err := pki.MarshalKey(key)
	if err != nil {
		return err
	}
	a.KeySealed = s.Keys.Seal(keyPurpose, a.ID, pkcs8)
	return nil
}

// unsealed returns the key of a. One on the token is not asked for before it
// signs, so that what needs no signature goes on without the token.
func (s *Service) unsealed(a authority) (crypto.Signer, error) {
	if a.KeyName != "" {
		if s.Token == nil {
			return nil, fmt.Errorf("authority %s: %w", a.ID, errNoToken)
		}
		certificate, err := x509.ParseCertificate(a.Certificate)
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", a.ID, err)
		}
		return onToken{s.Token.Key(a.KeyName, certificate.PublicKey)}, nil
	}
	pkcs8, err := s.Keys.Open(keyPurpose, a.ID, a.KeySealed)
	if err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", a.ID, err)
	}
	key, err := pki.ParseKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", a.ID, err)
	}
	return key, nil
}

// discard removes keys from the token whose authorities came to nothing.
func (s *Service) discard(ctx context.Context, rows ...authority) {
	for _, a := range rows {
		if a.KeyName == "" {
			continue
		}
		if err := s.Token.Remove(a.KeyName); err != nil {
			s.Log.WarnContext(ctx, "a key that nobody uses stays on the token", "key", a.KeyName, "err", err)
		}
	}
}

// onToken is a key whose failures are those of something outside.
type onToken struct{ crypto.Signer }

// Sign is crypto.Signer's. Errors: fault.Unavailable.
func (k onToken) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	signature, err := k.Signer.Sign(random, digest, o)
	return signature, away(err)
}

// away tells of a token that does not answer.
func away(err error) error {
	if errors.Is(err, token.ErrAway) || errors.Is(err, token.ErrPIN) || errors.Is(err, token.ErrModule) {
		return fault.New(fault.Unavailable, "ca.token.away", "Nothing can be signed now: the keys of this installation are on a device that does not answer. Try again in a while.").Because(err)
	}
	return err
}
