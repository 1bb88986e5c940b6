package pki_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/pki"
)

var update = flag.Bool("update", false, "rewrite testdata")

// The whole profile, field by field, as text.
func TestProfile(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	for _, tc := range []struct {
		file string
		der  []byte
	}{
		{"testdata/p256.txt", h.issue(t, newKey(t), someone())},
		{"testdata/rsa3072.txt", h.issue(t, rsaKey(t, 3072), someone())},
		{"testdata/organisation.txt", h.issue(t, rsaKey(t, 3072), something(pki.ProfileOrganisation))},
		{"testdata/system.txt", h.issue(t, newKey(t), something(pki.ProfileSystem))},
		{"testdata/mailbox.txt", h.issue(t, newKey(t), something(pki.ProfileSecureEmail))},
		{"testdata/personal_mail.txt", h.issue(t, rsaKey(t, 3072), mailOf("bøje@ærø.example"))},
	} {
		got := dump(t, tc.der)
		if *update {
			if err := os.WriteFile(tc.file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(tc.file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.file, got, want)
		}
	}
}

// rdnSET keeps the string types, which pkix.RDNSequence loses.
type rdnSET []struct {
	OID   asn1.ObjectIdentifier
	Value asn1.RawValue
}

// dump writes a certificate as text, without what is random in it: the serial
// number, keys and key identifiers.
func dump(t *testing.T, der []byte) string {
	t.Helper()
	cert := parse(t, der)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("version %d, serial of %d octets, %s, %s key", cert.Version, len(cert.SerialNumber.Bytes()), cert.SignatureAlgorithm, cert.PublicKeyAlgorithm)
	line("issuer %s", cert.Issuer)
	line("not before %s\nnot after  %s", cert.NotBefore.Format(time.RFC3339), cert.NotAfter.Format(time.RFC3339))
	var name []rdnSET
	if _, err := asn1.Unmarshal(cert.RawSubject, &name); err != nil {
		t.Fatal(err)
	}
	kinds := map[int]string{asn1.TagUTF8String: "UTF8String", asn1.TagPrintableString: "PrintableString"}
	for _, rdn := range name {
		for _, a := range rdn {
			line("subject %-8s %-15s %s", a.OID, kinds[a.Value.Tag], a.Value.Bytes)
		}
	}
	ids := regexp.MustCompile(`(0414|8014)[0-9a-f]{40}`)
	for _, e := range cert.Extensions {
		value := ids.ReplaceAllString(hex.EncodeToString(e.Value), "$1<20 octets>")
		line("extension %-17s critical %-5t %s", e.Id, e.Critical, value)
	}
	line("key usage %b, policies %v, e-mail %v", cert.KeyUsage, cert.Policies, cert.EmailAddresses)
	line("caIssuers %v, CRL %v, OCSP %v", cert.IssuingCertificateURL, cert.CRLDistributionPoints, cert.OCSPServer)
	return b.String()
}

func TestDraft(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	key := newKey(t)
	draft, err := h.issuer.Draft(request(t, key), someone(), day)
	if err != nil {
		t.Fatal(err)
	}
	stored := draft.DER()
	before := parse(t, stored)
	if err := before.CheckSignatureFrom(parse(t, h.issuing)); err == nil {
		t.Error("the draft verifies under the issuing CA")
	}
	if _, err := h.trust.Verify(stored, day); reasonOf(err) != pki.OtherAuthority {
		t.Errorf("Verify(draft) = %v, want %q", err, pki.OtherAuthority)
	}
	der, err := draft.Sign(h.issuingKey)
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, der)
	if !bytes.Equal(cert.RawTBSCertificate, before.RawTBSCertificate) {
		t.Error("what was signed is not what was drafted")
	}
	if pki.SerialOf(cert.SerialNumber) != draft.Serial || !cert.NotBefore.Equal(draft.NotBefore) || !cert.NotAfter.Equal(draft.NotAfter) {
		t.Errorf("draft says %s, %s to %s", draft.Serial, draft.NotBefore, draft.NotAfter)
	}
	if want := day.Truncate(time.Second); !draft.NotBefore.Equal(want) || draft.NotAfter.Sub(want) != 1095*24*time.Hour-time.Second {
		t.Errorf("valid from %s to %s", draft.NotBefore, draft.NotAfter)
	}
	if !bytes.Equal(cert.AuthorityKeyId, parse(t, h.issuing).SubjectKeyId) || !key.PublicKey.Equal(cert.PublicKey) {
		t.Error("AKI or public key is another")
	}
	if _, err := draft.Sign(h.issuingKey); !errors.Is(err, pki.ErrRedeemed) {
		t.Errorf("second Sign = %v", err)
	}
}

// Callers may scribble on what they were given: the linted octets are signed.
func TestDraftIsACopy(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	draft, err := h.issuer.Draft(request(t, newKey(t)), someone(), day)
	if err != nil {
		t.Fatal(err)
	}
	given := draft.DER()
	want := bytes.Clone(given)
	clear(given)
	der, err := draft.Sign(h.issuingKey)
	if err != nil || !bytes.Equal(parse(t, der).RawTBSCertificate, parse(t, want).RawTBSCertificate) {
		t.Errorf("Sign = %v", err)
	}
}

func TestDraftOnce(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	draft, err := h.issuer.Draft(request(t, newKey(t)), someone(), day)
	if err != nil {
		t.Fatal(err)
	}
	var signed atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := draft.Sign(h.issuingKey); err == nil {
				signed.Add(1)
			}
		})
	}
	all.Wait()
	if n := signed.Load(); n != 1 {
		t.Errorf("%d of 8 calls signed, want 1", n)
	}
}

func TestDraftWrongSigner(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	draft, err := h.issuer.Draft(request(t, newKey(t)), someone(), day)
	if err != nil {
		t.Fatal(err)
	}
	if der, err := draft.Sign(newKey(t)); err == nil || der != nil {
		t.Errorf("Sign with another key = %x, %v", der, err)
	}
	if _, err := draft.Sign(h.issuingKey); !errors.Is(err, pki.ErrRedeemed) {
		t.Errorf("Sign after a failure = %v", err)
	}
}

func TestDraftValidity(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	r := request(t, newKey(t))
	end := parse(t, h.issuing).NotAfter
	for _, tc := range []struct {
		notBefore time.Time
		want      pki.Reason
	}{
		{start, ""},
		{start.Add(-time.Second), pki.AuthorityEnds},
		{end.Add(-pki.Validity), ""},
		{end.Add(-pki.Validity + time.Second), pki.AuthorityEnds},
	} {
		if _, err := h.issuer.Draft(r, someone(), tc.notBefore); reasonOf(err) != tc.want {
			t.Errorf("Draft from %s = %v, want %q", tc.notBefore, err, tc.want)
		}
	}
}

func TestURLsLeftOut(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	issuer, err := pki.NewIssuer(h.issuing, pki.URLs{}, "")
	if err != nil {
		t.Fatal(err)
	}
	draft, err := issuer.Draft(request(t, newKey(t)), someone(), day)
	if err != nil {
		t.Fatal(err)
	}
	if c := parse(t, draft.DER()); len(c.IssuingCertificateURL)+len(c.CRLDistributionPoints) > 0 {
		t.Errorf("URLs %v %v", c.IssuingCertificateURL, c.CRLDistributionPoints)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	r := request(t, newKey(t))
	for _, tc := range []struct {
		name   string
		change func(*pki.Subject)
		reason pki.Reason
		want   string // part of the subject, "" when it does not matter
	}{
		{"æøå", func(e *pki.Subject) { e.GivenName, e.Surname = "Ærø", "Ågård" }, "", "CN=Ærø Ågård"},
		{"blanks joined", func(e *pki.Subject) { e.Surname = " von\u00a0 \tTrap " }, "", "CN=Åse Bjørk von Trap"},
		{"invisible dropped", func(e *pki.Subject) { e.Surname = "\ufeffSør\u200bensen\u202e" }, "", "CN=Åse Bjørk Sørensen"},
		{"register's spelling stays", func(e *pki.Subject) { e.Organisation = "A&amp;B <SÃ¸n> \"x\", y+z=w" }, "", ""},
		{"organisation of 64", func(e *pki.Subject) { e.Organisation = strings.Repeat("å", 64) }, "", "O=" + strings.Repeat("å", 64) + ","},
		{"organisation of 100", func(e *pki.Subject) { e.Organisation = strings.Repeat("ø", 100) }, "", "O=" + strings.Repeat("ø", 64) + ","},
		{"cut before a blank", func(e *pki.Subject) { e.Organisation = strings.Repeat("a", 63) + " b" }, "", "O=" + strings.Repeat("a", 63) + ","},
		{"accent not split off", func(e *pki.Subject) { e.Organisation = strings.Repeat("a", 63) + "e\u0301\u0323" }, "", "O=" + strings.Repeat("a", 63) + ","},
		{"accent just inside", func(e *pki.Subject) { e.Organisation = strings.Repeat("a", 62) + "e\u0301x" }, "", "O=" + strings.Repeat("a", 62) + "e\u0301,"},
		{
			"names of 60 each",
			func(e *pki.Subject) { e.GivenName, e.Surname = strings.Repeat("b", 60), strings.Repeat("c", 60) },
			"", "CN=" + strings.Repeat("b", 60) + " ccc",
		},
		{"names of 200 each", func(e *pki.Subject) { e.GivenName, e.Surname = strings.Repeat("b", 200), strings.Repeat("c", 200) }, "", ""},
		{"all accents", func(e *pki.Subject) { e.Surname = strings.Repeat("\u0301", 100) }, pki.BadSubject, ""},
		{"no surname", func(e *pki.Subject) { e.Surname = " " }, pki.BadSubject, ""},
		{"no organisation", func(e *pki.Subject) { e.Organisation = "" }, pki.BadSubject, ""},
		{"NUL", func(e *pki.Subject) { e.GivenName = "A\x00" }, pki.BadSubject, ""},
		{"not UTF-8", func(e *pki.Subject) { e.GivenName = "S\xf8ren" }, pki.BadSubject, ""},
		{"CVR of seven", func(e *pki.Subject) { e.CVR = "1234567" }, pki.BadSubject, ""},
		{"CVR in other digits", func(e *pki.Subject) { e.CVR = "١٢٣٤٥٦٧٨" }, pki.BadSubject, ""},
		{"UUID in upper case", func(*pki.Subject) {}, "", "SERIALNUMBER=UI:DK-E:G:0197e3c5-8c0a-7b5e-9d3b-0a1b2c3d4e5f"},
		{"no UUID", func(e *pki.Subject) { e.UUID = "7" }, pki.BadSubject, ""},
		{"no e-mail address", func(e *pki.Subject) { e.Email = "aase" }, pki.BadSubject, ""},
		{"named e-mail address", func(e *pki.Subject) { e.Email = "Aase <aase@example.dk>" }, pki.BadSubject, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := someone()
			tc.change(&e)
			draft, err := h.issuer.Draft(r, e, day)
			if got := reasonOf(err); got != tc.reason {
				t.Fatalf("Draft = %v, want %q", err, tc.reason)
			}
			if err != nil {
				return
			}
			if got := parse(t, draft.DER()).Subject.String() + ","; !strings.Contains(got, tc.want) {
				t.Errorf("subject is %s, want %s in it", got, tc.want)
			}
		})
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	for _, tc := range []struct {
		email string
		want  pki.Mailbox
	}{
		{"aase@example.dk", pki.Mailbox{Address: "aase@example.dk"}},
		{"", pki.Mailbox{}},
		{"åse@example.dk", pki.Mailbox{Address: "åse@example.dk", Wide: true}},
		{"a\u030ase@example.dk", pki.Mailbox{Address: "åse@example.dk", Wide: true}},
		{"aase@ærø.example", pki.Mailbox{Address: "aase@xn--r-3fa9c.example"}},
		{"bøje@ærø.example", pki.Mailbox{Address: "bøje@xn--r-3fa9c.example", Wide: true}},
	} {
		e := someone()
		e.Email = tc.email
		draft, err := h.issuer.Draft(request(t, newKey(t)), e, day)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pki.MailboxOf(draft.DER())
		if err != nil || got != tc.want || draft.EmailWide != tc.want.Wide {
			t.Errorf("%q: certificate has %+v (%v), draft says %t", tc.email, got, err, draft.EmailWide)
		}
	}
}
