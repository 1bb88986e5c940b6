package inventory_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/testkit"
)

// template is what a test's certificate says.
type template struct {
	issuerO, issuerOU string
	names             []pkix.AttributeTypeAndValue // after the country
	policies          []string
	usage             x509.KeyUsage
	extended          []x509.ExtKeyUsage
	dns               []string
	email             []string
	ca                bool
	issuer            *x509.Certificate // whose name it bears, though not whose signature
	end               time.Time
}

var (
	cn        = asn1.ObjectIdentifier{2, 5, 4, 3}
	serialNo  = asn1.ObjectIdentifier{2, 5, 4, 5}
	surname   = asn1.ObjectIdentifier{2, 5, 4, 4}
	orgID     = asn1.ObjectIdentifier{2, 5, 4, 97}
	testEnd   = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	ocesThree = []string{"0.4.0.2042.1.1", "1.2.208.169.1.1.1.3.7"}
)

func attr(oid asn1.ObjectIdentifier, value string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

// signed makes a certificate below an authority of the template's issuer.
func signed(t *testing.T, in template) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	if in.end.IsZero() {
		in.end = testEnd
	}
	leaf := x509.Certificate{
		SerialNumber: serial, NotBefore: in.end.AddDate(-3, 0, 0), NotAfter: in.end, KeyUsage: in.usage, ExtKeyUsage: in.extended,
		DNSNames: in.dns, EmailAddresses: in.email, IsCA: in.ca, BasicConstraintsValid: in.ca,
		Subject: pkix.Name{Country: []string{"DK"}, ExtraNames: in.names},
	}
	for _, p := range in.policies {
		oid, err := x509.ParseOID(p)
		if err != nil {
			t.Fatal(err)
		}
		leaf.Policies = append(leaf.Policies, oid)
	}
	issuer := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, IsCA: true, BasicConstraintsValid: true,
		Subject: pkix.Name{Country: []string{"DK"}, Organization: []string{in.issuerO}, CommonName: in.issuerO + " CA 1"},
	}
	if in.issuerOU != "" {
		issuer.Subject.OrganizationalUnit = []string{in.issuerOU}
	}
	if in.ca {
		leaf.Subject = issuer.Subject
	}
	if in.issuer != nil {
		issuer.RawSubject = in.issuer.RawSubject
	}
	der, err := x509.CreateCertificate(rand.Reader, &leaf, &issuer, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func organisationThree(name, uuid string, end time.Time) template {
	return template{
		issuerO: "Den Danske Stat", policies: ocesThree, usage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, end: end,
		names: []pkix.AttributeTypeAndValue{attr(cn, name), attr(serialNo, "UI:DK-O:G:"+uuid), attr(orgID, "NTRDK-34051178")},
	}
}

const someUUID = "0af3ed49-6b6f-4b04-8c92-0a4a28f1f3a1"

func TestRecognise(t *testing.T) {
	t.Parallel()
	three := organisationThree("Løn", someUUID, testEnd)
	change := func(in template, f func(*template)) template {
		in.names = slices.Clone(in.names)
		f(&in)
		return in
	}
	two := template{
		issuerO: "TRUST2408", policies: []string{"1.2.208.169.1.1.1.3.5"}, usage: x509.KeyUsageDigitalSignature,
		names: []pkix.AttributeTypeAndValue{attr(cn, "VOCES"), attr(serialNo, "CVR:30808460-UID:25351738")},
	}
	for _, tc := range []struct {
		name string
		in   template
		want inventory.Recognised
	}{
		{"OCES3, organisation", three, inventory.Recognised{Generation: "oces3", Kind: "organisation", Name: "Løn", SubjectID: someUUID, CVR: "34051178"}},
		{"OCES3, its UUID in capitals", change(three, func(in *template) { in.names[1] = attr(serialNo, "UI:DK-O:G:"+strings.ToUpper(someUUID)) }), inventory.Recognised{
			Generation: "oces3", Kind: "organisation", Name: "Løn", SubjectID: someUUID, CVR: "34051178",
		}},
		{"OCES3, a later version of the policy", change(three, func(in *template) { in.policies = []string{"1.2.208.169.1.1.1.3.7.1"} }), inventory.Recognised{
			Generation: "oces3", Kind: "organisation", Name: "Løn", SubjectID: someUUID, CVR: "34051178",
		}},
		{"OCES3, a system: no nonRepudiation", change(three, func(in *template) { in.usage = x509.KeyUsageDigitalSignature }), inventory.Recognised{
			Generation: "oces3", Kind: "system", Name: "Løn", SubjectID: someUUID, CVR: "34051178",
		}},
		{"OCES3, the test hierarchy", change(three, func(in *template) { in.issuerOU = "Test - cti" }), inventory.Recognised{
			Generation: "oces3", Kind: "organisation", Test: true, Name: "Løn", SubjectID: someUUID, CVR: "34051178",
		}},
		{"OCES3, an employee with mail", template{
			issuerO: "Den Danske Stat", policies: []string{"0.4.0.2042.1.1", "1.2.208.169.1.1.1.2.7"}, usage: x509.KeyUsageDigitalSignature, email: []string{"aase@firma.example"},
			names: []pkix.AttributeTypeAndValue{attr(cn, "Åse Ørsted"), attr(surname, "Ørsted"), attr(serialNo, "UI:DK-E:G:"+someUUID), attr(orgID, "NTRDK-34051178")},
		}, inventory.Recognised{Generation: "oces3", Kind: "employee", SecureEmail: true, Email: "aase@firma.example", Name: "Åse Ørsted", SubjectID: someUUID, CVR: "34051178"}},
		{"OCES2, organisation", two, inventory.Recognised{Generation: "oces2", Kind: "organisation", Name: "VOCES", SubjectID: "UID:25351738", CVR: "30808460"}},
		{"OCES2, employee", template{
			issuerO: "TRUST2408", policies: []string{"1.2.208.169.1.1.1.2.4"},
			names: []pkix.AttributeTypeAndValue{attr(cn, "Bo Holm"), attr(serialNo, "CVR:30808460-RID:1286345")},
		}, inventory.Recognised{Generation: "oces2", Kind: "employee", Name: "Bo Holm", SubjectID: "RID:1286345", CVR: "30808460"}},
		{"OCES2, the test hierarchy's own arc", template{
			issuerO: "TRUST2408", policies: []string{"1.3.6.1.4.1.31313.2.4.6.4.2"},
			names: []pkix.AttributeTypeAndValue{attr(cn, "FOCES"), attr(serialNo, "CVR:30808460-FID:94731315")},
		}, inventory.Recognised{Generation: "oces2", Kind: "function", Test: true, Name: "FOCES", SubjectID: "FID:94731315", CVR: "30808460"}},
		{"two policies of two kinds", change(two, func(in *template) { in.policies = []string{"1.2.208.169.1.1.1.3.5", "1.2.208.169.1.1.1.2.5"} }), inventory.Recognised{
			Generation: "unknown", Kind: "unknown", Name: "VOCES", SubjectID: "UID:25351738", CVR: "30808460",
		}},
		{"a policy of OCES by a stranger", change(two, func(in *template) { in.issuerO = "Somebody" }), inventory.Recognised{
			Generation: "unknown", Kind: "unknown", Name: "VOCES", SubjectID: "UID:25351738", CVR: "30808460",
		}},
		{"a stranger whose name begins alike", change(two, func(in *template) { in.issuerO = "TRUST2408x" }), inventory.Recognised{
			Generation: "unknown", Kind: "unknown", Name: "VOCES", SubjectID: "UID:25351738", CVR: "30808460",
		}},
		{"an issuer of OCES without a policy", change(two, func(in *template) { in.policies = nil }), inventory.Recognised{
			Generation: "unknown", Kind: "unknown", Name: "VOCES", SubjectID: "UID:25351738", CVR: "30808460",
		}},
		{"policy and subject disagree", change(two, func(in *template) { in.names[1] = attr(serialNo, "CVR:30808460-RID:1") }), inventory.Recognised{
			Generation: "oces2", Kind: "unknown", Name: "VOCES", SubjectID: "RID:1", CVR: "30808460",
		}},
		{"a Swedish organisation", change(three, func(in *template) { in.names[2] = attr(orgID, "NTRSE-5560360793") }), inventory.Recognised{
			Generation: "oces3", Kind: "unknown", Name: "Løn", SubjectID: someUUID,
		}},
		{"two organisations", change(three, func(in *template) { in.names = append(in.names, attr(orgID, "NTRDK-19552101")) }), inventory.Recognised{
			Generation: "oces3", Kind: "unknown", Name: "Løn", SubjectID: someUUID, CVR: "34051178",
		}},
		{"a web server", template{issuerO: "Let's Encrypt", dns: []string{"www.firma.example"}, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, inventory.Recognised{
			Generation: "private", Kind: "tls", Name: "www.firma.example",
		}},
		{"an authority of OCES3", template{issuerO: "Den Danske Stat", ca: true}, inventory.Recognised{Generation: "oces3", Kind: "authority", Name: "Den Danske Stat CA 1"}},
		{"something else", template{issuerO: "Firma", names: []pkix.AttributeTypeAndValue{attr(cn, "Signatur")}}, inventory.Recognised{Generation: "private", Kind: "unknown", Name: "Signatur"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := inventory.Recognise(signed(t, tc.in), nil); got != tc.want {
				t.Errorf("Recognise = %+v\nwant        %+v", got, tc.want)
			}
		})
	}
}

func TestAnEmployeeHasASurname(t *testing.T) {
	t.Parallel()
	c := signed(t, template{
		issuerO: "Den Danske Stat", policies: []string{"1.2.208.169.1.1.1.2.7"}, usage: x509.KeyUsageDigitalSignature,
		names: []pkix.AttributeTypeAndValue{attr(cn, "Åse"), attr(serialNo, "UI:DK-E:G:"+someUUID), attr(orgID, "NTRDK-34051178")},
	})
	if got := inventory.Recognise(c, nil); got.Generation != inventory.OCES3 || got.Kind != inventory.Unknown {
		t.Errorf("without one = %s %s, want oces3 unknown", got.Generation, got.Kind)
	}
}

// read is a certificate of testdata: public ones of the test hierarchies.
func read(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(content); block != nil {
		content = block.Bytes
	}
	c, err := x509.ParseCertificate(content)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Real certificates, by their chain: with the issuer to a root that is known, without
// it by their words, and unknown when the issuer is there and did not sign.
func TestRecogniseByChain(t *testing.T) {
	t.Parallel()
	issuing := read(t, "issuing-cti.cer")
	organisation, system := read(t, "nemlogin-lookup.cer"), read(t, "nemlogin-idp.cer") // by nonRepudiation
	forged := signed(t, template{
		issuerO: "Den Danske Stat", policies: ocesThree, usage: x509.KeyUsageDigitalSignature, issuer: issuing,
		names: []pkix.AttributeTypeAndValue{attr(cn, "Løn"), attr(serialNo, "UI:DK-O:G:"+someUUID), attr(orgID, "NTRDK-34051178")},
	})
	for _, tc := range []struct {
		name             string
		c                *x509.Certificate
		issuers          []*x509.Certificate
		generation, kind string
		chain            string
	}{
		{"OCES3, organisation, with its issuer", organisation, []*x509.Certificate{issuing}, "oces3", "organisation", inventory.ToRoot},
		{"OCES3, system, with its issuer", system, []*x509.Certificate{issuing}, "oces3", "system", inventory.ToRoot},
		{"OCES3, alone", organisation, nil, "oces3", "organisation", ""},
		{"the issuer, by the root that is known", issuing, nil, "oces3", "authority", inventory.ToRoot},
		{"an authority of OCES2", read(t, "systemtest-xix.cer"), nil, "oces2", "authority", inventory.ToRoot},
		{"signed by somebody else in the issuer's name", forged, []*x509.Certificate{issuing}, "unknown", "unknown", ""},
		{"the same, nobody there to ask", forged, nil, "oces3", "system", ""},
	} {
		got := inventory.Recognise(tc.c, nil, tc.issuers...)
		if got.Generation != tc.generation || got.Kind != tc.kind || got.Chain != tc.chain || !got.Test && tc.chain == inventory.ToRoot {
			t.Errorf("%s: %s %s chain %q test %t; want %s %s %q", tc.name, got.Generation, got.Kind, got.Chain, got.Test, tc.generation, tc.kind, tc.chain)
		}
	}
}

// OCES2 of the production: a leaf alone reaches the root, since its issuers come with
// the program; nobody else may sign in their name.
func TestOcesTwoIsKnownToItsRoot(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"issuers/trust2408-ca-1.cer", "issuers/trust2408-ca-2.cer", "roots/trust2408.cer"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(content)
		if err != nil {
			t.Fatal(err)
		}
		if got := inventory.Recognise(c, nil); got.Chain != inventory.ToRoot || got.Generation != inventory.OCES2 || got.Test {
			t.Errorf("%s = %+v, want of oces2, to the root", name, got)
		}
		forged := signed(t, template{issuerO: "TRUST2408", issuer: c, policies: []string{"1.2.208.169.1.1.1.3.5"}, names: []pkix.AttributeTypeAndValue{attr(cn, "VOCES")}})
		if got := inventory.Recognise(forged, nil); got.Generation != inventory.Unknown {
			t.Errorf("forged in the name of %s = %s, want unknown", name, got.Generation)
		}
	}
}

// What is here is looked at anew when an authority is uploaded and when the operator
// names one, once.
func TestRecogniseAnew(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		leaf, issuing := read(t, "nemlogin-lookup.cer"), read(t, "issuing-cti.cer")
		forged := signed(t, template{
			issuerO: "Den Danske Stat", policies: ocesThree, usage: x509.KeyUsageDigitalSignature, issuer: issuing,
			names: []pkix.AttributeTypeAndValue{attr(cn, "Løn"), attr(serialNo, "UI:DK-O:G:"+someUUID), attr(orgID, "NTRDK-34051178")},
		})
		ids := map[string]string{}
		for name, c := range map[string]*x509.Certificate{"true": leaf, "forged": forged} {
			ids[name] = o.take(t, c.Raw).Added[0].ID
		}
		look := func(name, generation, chain string, path int) {
			t.Helper()
			v, err := o.Inventory.Show(t.Context(), o.by, ids[name])
			if err != nil || v.Generation != generation || v.Chain != chain || len(v.Path) != path {
				t.Errorf("the %s one is %s, chain %q over %v, %v; want %s, %q over %d", name, v.Generation, v.Chain, v.Path, err, generation, chain, path)
			}
		}
		look("true", "oces3", "", 0)
		look("forged", "oces3", "", 0)

		// The operator names the issuer.
		o.Inventory.Authorities = []*x509.Certificate{issuing}
		for range 2 {
			if err := o.Inventory.RecogniseAnew(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		look("true", "oces3", inventory.ToRoot, 2)
		look("forged", "unknown", "", 0)
		if n := o.entries(t, "inventory.recognise"); n != 2 {
			t.Errorf("%d entries, want one for each", n)
		}

		// And no longer; instead somebody uploads it.
		o.Inventory.Authorities = nil
		if err := o.Inventory.RecogniseAnew(t.Context()); err != nil {
			t.Fatal(err)
		}
		look("true", "oces3", "", 0)
		o.take(t, issuing.Raw)
		o.Drain(t)
		look("true", "oces3", inventory.ToRoot, 2)
		look("forged", "unknown", "", 0)
	})
}

func TestReadAuthorities(t *testing.T) {
	t.Parallel()
	issuing, leaf := read(t, "issuing-cti.cer"), read(t, "nemlogin-lookup.cer")
	if all, err := inventory.ReadAuthorities(pemOf(issuing, read(t, "systemtest-xix.cer"))); err != nil || len(all) != 2 {
		t.Errorf("two authorities = %d, %v", len(all), err)
	}
	for name, content := range map[string][]byte{
		"nothing": nil, "a leaf": pemOf(issuing, leaf), "a key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
	} {
		if _, err := inventory.ReadAuthorities(content); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
