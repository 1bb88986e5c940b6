package pki_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

func TestCRL(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	one, two := pki.NewSerial(), pki.NewSerial()
	der, err := pki.NewCRL(h.issuing, h.issuingKey, 42, []pki.Revocation{
		{Serial: one, At: day, Reason: pki.KeyCompromise},
		{Serial: two, At: day.Add(time.Minute), Reason: pki.Unspecified},
	}, day, day.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := crl.CheckSignatureFrom(parse(t, h.issuing)); err != nil {
		t.Errorf("signature: %v", err)
	}
	cut := day.Truncate(time.Second)
	if crl.Number.Int64() != 42 || !crl.ThisUpdate.Equal(cut) || !crl.NextUpdate.Equal(cut.Add(time.Hour)) {
		t.Errorf("number %d, %s to %s", crl.Number, crl.ThisUpdate, crl.NextUpdate)
	}
	got := crl.RevokedCertificateEntries
	if len(got) != 2 || pki.SerialOf(got[0].SerialNumber) != one || pki.SerialOf(got[1].SerialNumber) != two ||
		got[0].ReasonCode != 1 || got[1].ReasonCode != 0 || !got[1].RevocationTime.Equal(cut.Add(time.Minute)) {
		t.Errorf("entries %+v", got)
	}
	// RFC 5280 section 5.3.1: "unspecified" is said by saying nothing.
	if len(got[1].Extensions) != 0 {
		t.Errorf("extensions of an entry without reason: %v", got[1].Extensions)
	}
}

func TestCRLRefused(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	entry := pki.Revocation{Serial: pki.NewSerial(), At: day, Reason: pki.Superseded}
	bad := func(change func(*pki.Revocation)) []pki.Revocation {
		e := entry
		change(&e)
		return []pki.Revocation{entry, e}
	}
	for name, make := range map[string]func() ([]byte, error){
		"number 0": func() ([]byte, error) { return pki.NewCRL(h.issuing, h.issuingKey, 0, nil, day, day.Add(time.Hour)) },
		"no time":  func() ([]byte, error) { return pki.NewCRL(h.issuing, h.issuingKey, 1, nil, day, day) },
		"no serial": func() ([]byte, error) {
			return pki.NewCRL(h.issuing, h.issuingKey, 1, bad(func(r *pki.Revocation) { r.Serial = "" }), day, day.Add(time.Hour))
		},
		"reason 6, which can be lifted": func() ([]byte, error) {
			return pki.NewCRL(h.issuing, h.issuingKey, 1, bad(func(r *pki.Revocation) { r.Reason = 6 }), day, day.Add(time.Hour))
		},
		"other key": func() ([]byte, error) { return pki.NewCRL(h.issuing, newKey(t), 1, nil, day, day.Add(time.Hour)) },
		"no CA": func() ([]byte, error) {
			return pki.NewCRL(h.issue(t, newKey(t), someone()), h.issuingKey, 1, nil, day, day.Add(time.Hour))
		},
	} {
		if der, err := make(); err == nil || der != nil {
			t.Errorf("NewCRL with %s = %x, %v", name, der, err)
		}
	}
}
