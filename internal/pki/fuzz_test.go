package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

// Whatever comes in, reading entries ends in some or in an error; and of what
// crypto/x509 reads, both find the same serial numbers, which survive being
// carried on into a new list.
func FuzzCarriedFrom(f *testing.F) {
	h := newHierarchy(f, pki.ECDSA)
	for n := range 3 {
		var entries []pki.Revocation
		for range n {
			entries = append(entries, pki.Revocation{Serial: pki.NewSerial(), At: day, Reason: pki.KeyCompromise})
		}
		crl, err := pki.NewCRL(h.issuing, h.issuingKey, pki.List{Number: 1, Entries: entries, ThisUpdate: day, NextUpdate: day.Add(time.Hour)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(crl)
	}
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, crl []byte) {
		carried, err := pki.CarriedFrom(crl)
		if err != nil {
			return
		}
		theirs, err := x509.ParseRevocationList(crl)
		if err != nil {
			return
		}
		for _, entry := range theirs.RevokedCertificateEntries {
			if entry.SerialNumber.Sign() > 0 && !carried.Has(pki.SerialOf(entry.SerialNumber)) {
				t.Fatalf("serial number %x is not among the %d carried", entry.SerialNumber, carried.Len())
			}
		}
		if carried.Len() > len(theirs.RevokedCertificateEntries) {
			t.Fatalf("%d carried, %d in the list", carried.Len(), len(theirs.RevokedCertificateEntries))
		}
		next, err := pki.NewCRL(h.issuing, h.issuingKey, pki.List{Number: 2, Carried: carried, ThisUpdate: day, NextUpdate: day.Add(time.Hour)})
		if err != nil {
			return // NewCRL judges what it signs
		}
		again, err := pki.CarriedFrom(next)
		if err != nil || again.Len() != carried.Len() {
			t.Fatalf("carried on: %d of %d, %v", again.Len(), carried.Len(), err)
		}
	})
}

// A certificate that counts is one that the issuing CA signed, octet for octet.
func FuzzVerify(f *testing.F) {
	h := newHierarchy(f, pki.ECDSA)
	good := h.issue(f, newKey(f), someone())
	f.Add(good)
	f.Add(h.issuing)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		leaf, err := h.trust.Verify(der, day)
		if (leaf == nil) == (err == nil) {
			t.Fatalf("Verify = %v, %v", leaf, err)
		}
		if err == nil && !bytes.Equal(parse(t, der).RawTBSCertificate, parse(t, good).RawTBSCertificate) {
			t.Fatalf("a certificate that nobody signed counts: %x", der)
		}
		if _, isKey := leafKey(leaf).(*ecdsa.PublicKey); err == nil && !isKey {
			t.Fatalf("key of type %T", leafKey(leaf))
		}
	})
}

func leafKey(leaf *pki.Leaf) any {
	if leaf == nil {
		return nil
	}
	return leaf.PublicKey
}
