package pki_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

func TestCRL(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	one, two := pki.NewSerial(), pki.NewSerial()
	der, err := pki.NewCRL(h.issuing, h.issuingKey, pki.List{Number: 42, Entries: []pki.Revocation{
		{Serial: one, At: day, Reason: pki.KeyCompromise},
		{Serial: two, At: day.Add(time.Minute), Reason: pki.Unspecified},
	}, ThisUpdate: day, NextUpdate: day.Add(time.Hour)})
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
	list := func(number int64, entries ...pki.Revocation) pki.List {
		return pki.List{Number: number, Entries: entries, ThisUpdate: day, NextUpdate: day.Add(time.Hour)}
	}
	for name, made := range map[string]func() ([]byte, error){
		"number 0": func() ([]byte, error) { return pki.NewCRL(h.issuing, h.issuingKey, list(0)) },
		"no time": func() ([]byte, error) {
			return pki.NewCRL(h.issuing, h.issuingKey, pki.List{Number: 1, ThisUpdate: day, NextUpdate: day})
		},
		"no serial": func() ([]byte, error) {
			return pki.NewCRL(h.issuing, h.issuingKey, list(1, bad(func(r *pki.Revocation) { r.Serial = "" })...))
		},
		"reason 6, which can be lifted": func() ([]byte, error) {
			return pki.NewCRL(h.issuing, h.issuingKey, list(1, bad(func(r *pki.Revocation) { r.Reason = 6 })...))
		},
		"other key": func() ([]byte, error) { return pki.NewCRL(h.issuing, newKey(t), list(1)) },
		"no CA": func() ([]byte, error) {
			return pki.NewCRL(h.issue(t, newKey(t), someone()), h.issuingKey, list(1))
		},
	} {
		if der, err := made(); err == nil || der != nil {
			t.Errorf("NewCRL with %s = %x, %v", name, der, err)
		}
	}
}

// Our own bytes are those of x509, whose writer knows no partitions and is slow.
func TestCRLAsX509(t *testing.T) {
	t.Parallel()
	for _, alg := range []pki.Algorithm{pki.ECDSA, pki.RSA} {
		h := newHierarchy(t, alg)
		for _, n := range []int{0, 1, 3, 300} {
			list := pki.List{Number: 129, ThisUpdate: day, NextUpdate: day.AddDate(30, 0, 0)}
			template := &x509.RevocationList{Number: big.NewInt(129), ThisUpdate: day, NextUpdate: day.AddDate(30, 0, 0)}
			if alg == pki.RSA {
				template.SignatureAlgorithm = x509.SHA256WithRSAPSS
			}
			for i := range n {
				reason := []pki.RevocationReason{0, 1, 3, 4, 5}[i%5]
				serial := pki.NewSerial()
				if i%7 == 0 {
					serial = "00ff"
				}
				at := day.AddDate(i%40, 0, 0)
				list.Entries = append(list.Entries, pki.Revocation{Serial: serial, At: at, Reason: reason})
				template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
					SerialNumber: serial.Int(), RevocationTime: at, ReasonCode: int(reason),
				})
			}
			ours, err := pki.NewCRL(h.issuing, h.issuingKey, list)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := x509.CreateRevocationList(rand.Reader, template, parse(t, h.issuing), h.issuingKey)
			if err != nil {
				t.Fatal(err)
			}
			a, errA := x509.ParseRevocationList(ours)
			b, errB := x509.ParseRevocationList(theirs)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if !bytes.Equal(a.RawTBSRevocationList, b.RawTBSRevocationList) {
				t.Errorf("%s, %d entries: got\n%x\nwant\n%x", alg, n, a.RawTBSRevocationList, b.RawTBSRevocationList)
			}
			if err := a.CheckSignatureFrom(parse(t, h.issuing)); err != nil {
				t.Errorf("%s, %d entries: %v", alg, n, err)
			}
		}
	}
}

// A part of the list counts for the certificates that name it, and for no others.
func TestCRLOfOnePart(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	issuer, err := pki.NewIssuer(h.issuing, pki.URLs{CRL: "http://localhost/ca/1/crl/{part}.crl"}, "")
	if err != nil {
		t.Fatal(err)
	}
	h.issuer = issuer
	leaf := h.issue(t, newKey(t), someone())
	serial := pki.SerialOf(parse(t, leaf).SerialNumber)
	point := fmt.Sprintf("http://localhost/ca/1/crl/%d.crl", serial.Part())
	if got := parse(t, leaf).CRLDistributionPoints; len(got) != 1 || got[0] != point {
		t.Fatalf("the certificate names %v, want %s", got, point)
	}
	part := func(at string, entries ...pki.Revocation) []byte {
		der, err := pki.NewCRL(h.issuing, h.issuingKey, pki.List{
			Number: 1, Entries: entries, ThisUpdate: day, NextUpdate: day.Add(time.Hour), Point: at,
		})
		if err != nil {
			t.Fatal(err)
		}
		return armour("X509 CRL", der)
	}
	gone := pki.Revocation{Serial: serial, At: day, Reason: pki.KeyCompromise}
	for name, tc := range map[string]struct {
		crl  []byte
		want string
	}{
		"its part":          {part(point), "leaf: OK"},
		"its part, revoked": {part(point, gone), "certificate revoked"},
		"another part":      {part("http://localhost/ca/1/crl/200.crl"), "different CRL scope"},
		"the full list":     {part("", gone), "certificate revoked"},
	} {
		out, _ := openssl(t, map[string][]byte{
			"issuing": armour("CERTIFICATE", h.issuing), "leaf": armour("CERTIFICATE", leaf), "crl": tc.crl,
		}, "verify", "-attime", strconv.FormatInt(day.Add(time.Minute).Unix(), 10), "-partial_chain", "-trusted", "issuing", "-crl_check", "-CRLfile", "crl", "leaf")
		if !strings.Contains(out, tc.want) {
			t.Errorf("%s: openssl verify says\n%s\nwant %q", name, out, tc.want)
		}
	}
	text, err := openssl(t, map[string][]byte{"crl": part(point)}, "crl", "-in", "crl", "-noout", "-text")
	for _, want := range []string{"Issuing Distribution Point: critical", "URI:" + point, "Only User Certificates"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("openssl crl does not show %q (%v):\n%s", want, err, text)
		}
	}
}

func TestCarriedFrom(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	made := func(list pki.List) []byte {
		list.Number, list.ThisUpdate, list.NextUpdate = 1, day, day.Add(time.Hour)
		der, err := pki.NewCRL(h.issuing, h.issuingKey, list)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	var entries []pki.Revocation
	for range 300 {
		entries = append(entries, pki.Revocation{Serial: pki.NewSerial(), At: day, Reason: pki.Superseded})
	}
	for _, n := range []int{0, 1, 299, 300} {
		carried, err := pki.CarriedFrom(made(pki.List{Entries: entries[:n]}))
		if err != nil || carried.Len() != n {
			t.Fatalf("%d entries carried, %v, want %d", carried.Len(), err, n)
		}
		for i, e := range entries {
			if carried.Has(e.Serial) != (i < n) {
				t.Errorf("of %d entries, entry %d is there: %t", n, i, carried.Has(e.Serial))
			}
		}
		whole, err := x509.ParseRevocationList(made(pki.List{Carried: carried, Entries: entries[n:]}))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range whole.RevokedCertificateEntries {
			if pki.SerialOf(e.SerialNumber) != entries[i].Serial || e.ReasonCode != int(pki.Superseded) {
				t.Errorf("entry %d is %s with reason %d, want %s", i, e.SerialNumber, e.ReasonCode, entries[i].Serial)
			}
		}
		if got := len(whole.RevokedCertificateEntries); got != len(entries) {
			t.Errorf("%d carried on: %d entries, want %d", n, got, len(entries))
		}
	}
	for _, bad := range [][]byte{nil, {0x30, 0x00}, h.issuing, []byte("crl")} {
		if _, err := pki.CarriedFrom(bad); err == nil {
			t.Errorf("%x was read as a CRL", bad)
		}
	}
}
