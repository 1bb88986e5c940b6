package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// RevocationReason is the reasonCode of RFC 5280 section 5.3.1.
type RevocationReason int

// The reasons that an issuing CA gives for employees' certificates.
const (
	Unspecified          RevocationReason = 0
	KeyCompromise        RevocationReason = 1
	AffiliationChanged   RevocationReason = 3
	Superseded           RevocationReason = 4
	CessationOfOperation RevocationReason = 5
)

// Revocation is one entry of a CRL.
type Revocation struct {
	Serial Serial
	At     time.Time // cut to whole seconds
	Reason RevocationReason
}

// NewCRL makes a full CRL (DER) of the CA whose certificate and key are given.
// number starts at 1 and grows with each CRL of that CA. Instants are cut to whole
// seconds; nextUpdate must lie after thisUpdate.
func NewCRL(issuer []byte, key crypto.Signer, number int64, entries []Revocation, thisUpdate, nextUpdate time.Time) ([]byte, error) {
	ca, err := parseCA(issuer)
	if err != nil {
		return nil, err
	}
	// x509.CreateRevocationList does not look.
	if own, ok := ca.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(key.Public()) {
		return nil, errors.New("make CRL: the key is not the authority's")
	}
	thisUpdate, nextUpdate = thisUpdate.UTC().Truncate(time.Second), nextUpdate.UTC().Truncate(time.Second)
	if number < 1 || !thisUpdate.Before(nextUpdate) {
		return nil, errors.New("make CRL: the number starts at 1, and nextUpdate lies after thisUpdate")
	}
	revoked := make([]x509.RevocationListEntry, 0, len(entries))
	for _, e := range entries {
		serial := e.Serial.Int()
		switch e.Reason {
		case Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation:
		default:
			return nil, fmt.Errorf("make CRL: reason %d of %s", e.Reason, e.Serial)
		}
		if serial == nil {
			return nil, fmt.Errorf("make CRL: serial number %q", e.Serial)
		}
		revoked = append(revoked, x509.RevocationListEntry{
			SerialNumber:   serial,
			RevocationTime: e.At.UTC().Truncate(time.Second),
			ReasonCode:     int(e.Reason),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		SignatureAlgorithm:        signatureAlgorithm(ca.PublicKey, false),
		Number:                    big.NewInt(number),
		ThisUpdate:                thisUpdate,
		NextUpdate:                nextUpdate,
		RevokedCertificateEntries: revoked,
	}, ca, key)
	if err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	return der, nil
}
