package oiosaml_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func provider() *oiosaml.Provider {
	return oiosaml.NewProvider(peer.Base, []oiosaml.Key{peer.RSA(), peer.Other()}, []oiosaml.Key{peer.Other()})
}

var (
	person = oiosaml.Person{
		UUID: "0195e9a0-0000-7000-8000-000000000001", NameID: "0195e9a0-0000-7000-8000-000000000002",
		FullName: `Åse "Ø" Æbelø & <Søn>`, FirstName: "Åse", LastName: "Æbelø", Email: "aase@company.example", RID: "12345678",
		CVR: "99999993", OrgName: "Company\r\nA/S\x00", Level: oiosaml.Low, LoginAt: peer.Noon.Add(-time.Minute),
	}
	request = oiosaml.Request{
		ID: `_re"quest`, Service: peer.EntityID, Consumer: peer.ACS + "?a=b&c=d", RelayState: "state",
		IssuedAt: peer.Noon, NameID: oiosaml.Persistent,
	}
)

func respond(t testing.TB, r oiosaml.Request, md oiosaml.Metadata) []byte {
	t.Helper()
	reply, err := provider().Respond(r, md, person, peer.Noon)
	if err != nil {
		t.Fatalf("Respond: %v", err)
	}
	if reply.URL != r.Consumer || reply.RelayState != r.RelayState || reply.Assertion == "" {
		t.Errorf("Respond = %+v", reply)
	}
	return peer.Must(base64.StdEncoding.DecodeString(reply.SAMLResponse))
}

// golden compares with a file in which everything random is masked.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	for _, mask := range []struct{ pattern, by string }{
		{`_[0-9a-f]{32}`, "_ID"},
		{`(Digest|Signature)Value>[^<]+<`, "${1}Value>...<"},
		{`X509Certificate>[^<]+<`, "X509Certificate>...<"},
		{`><`, ">\n<"},
	} {
		got = regexp.MustCompile(mask.pattern).ReplaceAll(got, []byte(mask.by))
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v), -update rewrites it; got:\n%s", path, err, got)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden(t, "response.xml", respond(t, request, peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)))
	reply, err := provider().Refuse(request, &oiosaml.RefusalError{Code: oiosaml.Responder, Why: oiosaml.NoPassive, Text: "Nobody is logged in."}, peer.Noon)
	if err != nil {
		t.Fatalf("Refuse: %v", err)
	}
	golden(t, "refusal.xml", peer.Must(base64.StdEncoding.DecodeString(reply.SAMLResponse)))
	golden(t, "metadata.xml", provider().Metadata())
}

// What the writer emits must be its own canonical form, else no peer could
// verify the digest.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"response": respond(t, request, peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)),
		"metadata": provider().Metadata(),
	} {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(raw); err != nil {
			t.Fatal(err)
		}
		want := peer.Must(dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(doc.Root()))
		if !bytes.Equal(raw, want) {
			t.Errorf("%s = %s\nwant %s", name, raw, want)
		}
	}
}

// xmlsec runs Debian's xmlsec1 with the document on disk and returns what it
// printed. Its exit status is the verdict.
func xmlsec(t *testing.T, document []byte, args ...string) ([]byte, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "document.xml")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), "xmlsec1", append(args, file)...).Output()
}

func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.pem")
	body := "-----BEGIN " + kind + "-----\n" + base64.StdEncoding.EncodeToString(der) + "\n-----END " + kind + "-----\n"
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// verified tells whether xmlsec1 verifies the signature that is a child of the
// element local (Assertion or Response).
func verified(t *testing.T, document []byte, local string, k oiosaml.Key) bool {
	t.Helper()
	_, err := xmlsec(t, document, "--verify", "--trusted-pem", pemFile(t, "CERTIFICATE", k.Certificate.Raw),
		"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response",
		"--verification-gmt-time", "2027-03-01 12:00:00",
		"--node-xpath", "//*[local-name()='"+local+"']/*[local-name()='Signature']")
	return err == nil
}

func TestSignatureByXMLSec(t *testing.T) {
	t.Parallel()
	response := respond(t, request, peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS))
	if !verified(t, response, "Assertion", peer.RSA()) {
		t.Errorf("xmlsec1 does not verify %s", response)
	}
	if altered := bytes.Replace(response, []byte(">12345678<"), []byte(">12345679<"), 1); verified(t, altered, "Assertion", peer.RSA()) {
		t.Error("xmlsec1 verifies an altered assertion: the test proves nothing")
	}
	reply, err := provider().Refuse(request, &oiosaml.RefusalError{Code: oiosaml.Requester, Why: oiosaml.RequestDenied, Text: "<No> & \"no\""}, peer.Noon)
	if err != nil {
		t.Fatalf("Refuse: %v", err)
	}
	if refusal := peer.Must(base64.StdEncoding.DecodeString(reply.SAMLResponse)); !verified(t, refusal, "Response", peer.RSA()) {
		t.Errorf("xmlsec1 does not verify %s", refusal)
	}
}

// crewjam/saml's service provider is a reader by other hands. It checks
// signature, audience, recipient, times and InResponseTo, and in the encrypted
// cases decrypts what it knows of the ciphers.
func TestResponseByCrewjam(t *testing.T) {
	saml.TimeNow = func() time.Time { return peer.Noon }
	saml.Clock = dsig.NewFakeClockAt(peer.Noon)
	t.Cleanup(func() { saml.TimeNow, saml.Clock = time.Now, nil })
	idp := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(provider().Metadata(), idp); err != nil {
		t.Fatalf("read our metadata: %v", err)
	}
	crewjam := saml.ServiceProvider{
		EntityID: peer.EntityID, Key: peer.Other().Private, Certificate: peer.Other().Certificate, IDPMetadata: idp,
		AcsURL: *peer.Must(url.Parse(request.Consumer)), MetadataURL: *peer.Must(url.Parse(peer.EntityID)),
	}
	for _, tc := range []struct{ name, method string }{
		{"in clear", ""},
		{"AES-128-CBC", "http://www.w3.org/2001/04/xmlenc#aes128-cbc"},
		{"AES-256-CBC", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"},
		{"AES-128-GCM", "http://www.w3.org/2009/xmlenc11#aes128-gcm"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parts := []string{peer.SigningKey(peer.RSA()), peer.PostACS}
			if tc.method != "" {
				parts = append(parts, peer.EncryptionKey(peer.Other(), `<md:EncryptionMethod Algorithm="`+tc.method+`"/>`))
			}
			response := respond(t, request, peer.Service(t, parts...))
			if encrypted := !bytes.Contains(response, []byte("<saml:Assertion ")); encrypted != (tc.method != "") {
				t.Errorf("encrypted = %v", encrypted)
			}
			form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}}
			r := peer.Must(http.NewRequestWithContext(t.Context(), http.MethodPost, request.Consumer, strings.NewReader(form.Encode())))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Form, r.PostForm = form, form
			got, err := crewjam.ParseResponse(r, []string{request.ID})
			if err != nil {
				if private, ok := errors.AsType[*saml.InvalidResponseError](err); ok {
					err = private.PrivateErr
				}
				t.Fatalf("ParseResponse = %v", err)
			}
			if want := "https://data.gov.dk/model/core/eid/professional/uuid/" + person.NameID; got.Subject.NameID.Value != want {
				t.Errorf("NameID = %q, want %q", got.Subject.NameID.Value, want)
			}
			if name := got.AttributeStatements[0].Attributes[6].Values[0].Value; name != person.FullName {
				t.Errorf("fullName = %q, want %q", name, person.FullName)
			}
		})
	}
}

func TestAttributesReleased(t *testing.T) {
	t.Parallel()
	ask := func(name string) string {
		return `<md:AttributeConsumingService index="0"><md:RequestedAttribute Name="` + name + `"/></md:AttributeConsumingService>`
	}
	const mandatory = "specVersion loa cvr orgName"
	for _, tc := range []struct {
		name, part, want string
		who              func(*oiosaml.Person)
	}{
		{"lists nothing", "", mandatory + " persistent rid fullName firstName lastName email", nil},
		{"lists one", ask("https://data.gov.dk/model/core/eid/email"), mandatory + " email", nil},
		{"lists what we lack", ask("https://data.gov.dk/model/core/eid/cprNumber"), mandatory, nil},
		{"person without RID and e-mail", "", mandatory + " persistent fullName firstName lastName", func(p *oiosaml.Person) { p.RID, p.Email = "", "" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			who := person
			if tc.who != nil {
				tc.who(&who)
			}
			reply, err := provider().Respond(request, peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS, tc.part), who, peer.Noon)
			if err != nil {
				t.Fatalf("Respond: %v", err)
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(peer.Must(base64.StdEncoding.DecodeString(reply.SAMLResponse))); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range doc.FindElements("//Attribute") {
				name := a.SelectAttrValue("Name", "")
				got = append(got, name[strings.LastIndex(name, "/")+1:])
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("attributes = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRespondRefuses(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	r := request
	r.Context = oiosaml.Context{Comparison: "minimum", Classes: []string{"https://data.gov.dk/concept/core/nsis/loa/Substantial"}}
	_, err := provider().Respond(r, md, person, peer.Noon)
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); !ok || refusal.Why != oiosaml.NoAuthnContext || refusal.Code != oiosaml.Responder {
		t.Errorf("Respond above the level = %v, want NoAuthnContext", err)
	}
	who := person
	who.NameID = ""
	if _, err := provider().Respond(request, md, who, peer.Noon); err == nil {
		t.Error("Respond without a name identifier = nil")
	}
}

func TestTransient(t *testing.T) {
	t.Parallel()
	md, r := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS), request
	r.NameID = oiosaml.Transient
	name := regexp.MustCompile(`Format="` + oiosaml.Transient + `"[^>]*>https://data.gov.dk/model/core/eid/professional/uuid/([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})<`)
	first, second := name.FindSubmatch(respond(t, r, md)), name.FindSubmatch(respond(t, r, md))
	if first == nil || second == nil || bytes.Equal(first[1], second[1]) {
		t.Errorf("transient names = %s and %s, want two different UUIDs", first, second)
	}
}

// What is told follows the metadata, the profile and what is withheld.
func TestAttributes(t *testing.T) {
	t.Parallel()
	ask := func(names ...string) oiosaml.Metadata {
		md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
		for _, n := range names {
			md.Requested = append(md.Requested, oiosaml.RequestedAttribute{Name: n})
		}
		return md
	}
	const eid = "https://data.gov.dk/model/core/eid/"
	who := person
	who.Identity, who.Authenticator, who.BirthDate = oiosaml.Substantial, oiosaml.Low, "1970-05-01"
	names := func(who oiosaml.Person, md oiosaml.Metadata) (all []string) {
		for _, a := range who.Attributes(md) {
			all = append(all, a.Name[strings.LastIndex(a.Name, "/")+1:]+"="+a.Value)
		}
		return all
	}
	mandatory := []string{"specVersion=OIO-SAML-3.0", "loa=Low", "cvr=" + who.CVR, "orgName=" + who.OrgName}
	if got := names(who, ask(eid+"email", eid+"dateOfBirth")); !slices.Equal(got, append(slices.Clone(mandatory), "email="+who.Email, "dateOfBirth=1970-05-01")) {
		t.Errorf("asked for two: %q", got)
	}
	if got := names(who, ask()); slices.Contains(got, "dateOfBirth=1970-05-01") || !slices.Contains(got, "ial=Substantial") || !slices.Contains(got, "aal=Low") {
		t.Errorf("asked for nothing: %q", got)
	}
	held := who
	held.Withheld = []string{eid + "email", eid + "professional/cvr"}
	if got := names(held, ask(eid+"email")); !slices.Equal(got, mandatory) {
		t.Errorf("withheld: %q, want the mandatory ones", got)
	}
	four := who
	four.Profile = oiosaml.ProfessionalDK
	if got := names(four, ask(eid+"allowQualifiedSigning")); !slices.Equal(got, append(slices.Clone(mandatory), "profile="+oiosaml.ProfessionalDK, "loa=Low", "allowQualifiedSigning=false")) {
		t.Errorf("OIOSAML 4: %q", got)
	}
}

// A service may want the Response signed too; then both signatures verify.
func TestSignedResponse(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	p := oiosaml.NewProvider(peer.Base, []oiosaml.Key{peer.RSA()}, nil)
	r := oiosaml.Request{ID: "_r", Consumer: peer.ACS, NameID: oiosaml.Persistent}
	reply := peer.Must(p.RespondIn(oiosaml.Manner{SignResponse: true}, r, md, person, peer.Noon))
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(reply.Response); err != nil {
		t.Fatal(err)
	}
	validate := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{peer.RSA().Certificate}})
	validate.Clock = dsig.NewFakeClockAt(peer.Noon)
	for _, el := range []*etree.Element{doc.Root(), doc.Root().FindElement("./Assertion")} {
		if _, err := validate.Validate(el); err != nil {
			t.Errorf("signature of %s: %v", el.Tag, err)
		}
	}
	if !strings.Contains(string(reply.Response), string(reply.Signed)) {
		t.Error("the assertion on record is not the one that was sent")
	}
}
