package samlkey

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/token"
)

// errNoToken is a key on a token that this process was not told of.
var errNoToken = errors.New("the key is on a PKCS#11 token and this process has none: set ADGANG_PKCS11_MODULE, ADGANG_PKCS11_TOKEN and ADGANG_PKCS11_PIN_FILE")

// tokenName is what a key is called on the token.
func (k Key) tokenName() string { return "adgang-saml-" + k.ID }

// OnToken tells whether the private key is on a token rather than in the database.
func (k Key) OnToken() bool { return k.State != Retired && len(k.KeySealed) == 0 }

// makeOnToken makes the row's key on the token. Only a key for encryption decrypts
// there: one that signs has no other use.
func (s *Service) makeOnToken(row Key) (Key, error) {
	kind := token.Kind{Bits: 2048, Decrypts: row.Use == Encryption}
	if row.Algorithm == oiosaml.ECDSA {
		kind = token.Kind{Curve: elliptic.P256()}
	}
	private, err := s.Token.NewKey(row.tokenName(), kind)
	if err != nil {
		return Key{}, away(err)
	}
	key, err := oiosaml.Certify(private, s.EntityID, s.Now())
	if err != nil {
		return Key{}, away(err)
	}
	row.Certificate = key.Certificate.Raw
	return row, nil
}

// onToken is a key that the token has: it is not asked before the key is used, so
// that a node starts and shows its metadata without it.
func (s *Service) onToken(row Key) (oiosaml.Key, error) {
	if s.Token == nil {
		return oiosaml.Key{}, fmt.Errorf("SAML key %s: %w", row.ID, errNoToken)
	}
	certificate, err := x509.ParseCertificate(row.Certificate)
	if err != nil {
		return oiosaml.Key{}, fmt.Errorf("SAML key %s: %w", row.ID, err)
	}
	there := remote{s.Token.Key(row.tokenName(), certificate.PublicKey)}
	if _, ok := certificate.PublicKey.(*rsa.PublicKey); ok {
		return oiosaml.JoinKey(decrypting{there}, row.Certificate)
	}
	return oiosaml.JoinKey(there, row.Certificate)
}

// discard removes keys from the token that nobody uses, or not any more.
func (s *Service) discard(ctx context.Context, rows ...Key) {
	for _, row := range rows {
		if s.Token == nil || len(row.KeySealed) > 0 {
			continue
		}
		if err := s.Token.Remove(row.tokenName()); err != nil {
			s.Log.WarnContext(ctx, "a key that nobody uses stays on the token", "key", row.tokenName(), "err", err)
		}
	}
}

// remote is a key whose failures are those of something outside.
type remote struct{ crypto.Signer }

// Sign is crypto.Signer's. Errors: fault.Unavailable.
func (k remote) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	signature, err := k.Signer.Sign(random, digest, o)
	return signature, away(err)
}

// decrypting is a remote key of RSA.
type decrypting struct{ remote }

// Decrypt is crypto.Decrypter's. Errors: fault.Unavailable.
func (k decrypting) Decrypt(random io.Reader, text []byte, o crypto.DecrypterOpts) ([]byte, error) {
	private, ok := k.Signer.(crypto.Decrypter)
	if !ok {
		return nil, errors.New("the key on the token does not decrypt")
	}
	plain, err := private.Decrypt(random, text, o)
	return plain, away(err)
}

// away tells of a token that does not answer.
func away(err error) error {
	if errors.Is(err, token.ErrAway) || errors.Is(err, token.ErrPIN) || errors.Is(err, token.ErrModule) {
		return fault.New(fault.Unavailable, "samlkey.token.away", "Nobody can log in to services now: the keys of this installation are on a device that does not answer. Try again in a while.").Because(err)
	}
	return err
}
