package oiosaml_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
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
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// goodbye is a logout message of a service, made at noon and not signed.
func goodbye(tag string) string {
	inner := `<saml:NameID>bo</saml:NameID>`
	if tag == "LogoutResponse" {
		inner = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`
	}
	return `<samlp:` + tag + ` xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_bye"` +
		` Version="2.0" IssueInstant="2027-03-01T12:00:00Z" Destination="` + provider().SLO + `" InResponseTo="_asked"><saml:Issuer>` + peer.EntityID + `</saml:Issuer>` + inner + `</samlp:` + tag + `>`
}

// takeGoodbye reads a logout message that was posted and returns what it is refused
// with: a code, the status that the service is told, or "" for one that counts.
func takeGoodbye(t testing.TB, tag string, xml []byte) string {
	t.Helper()
	field := map[string]string{"LogoutRequest": "SAMLRequest", "LogoutResponse": "SAMLResponse"}[tag]
	m, err := oiosaml.ReadLogoutPost(url.Values{field: {base64.StdEncoding.EncodeToString(xml)}})
	if err != nil {
		return fault.CodeOf(err)
	}
	party := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS).Party()
	if m.Answer {
		var r oiosaml.LogoutResponse
		r, err = m.Response(party, provider().Own(), peer.Noon)
		if err == nil && r.InResponseTo != "_asked" {
			t.Errorf("Response = %+v, which nobody signed", r)
		}
	} else {
		var r oiosaml.LogoutRequest
		r, err = m.Request(party, provider().Own(), peer.Noon)
		if err == nil && (r.ID != "_bye" || r.NameID.Value != "bo") {
			t.Errorf("Request = %+v, which nobody signed", r)
		}
	}
	if refusal, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		return refusal.Why
	}
	return fault.CodeOf(err)
}

// Whatever is done to a signed logout message, nothing but what was signed counts,
// and a service is told that it was refused.
func TestLogoutForgery(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"LogoutRequest", "LogoutResponse"} {
		want := map[string]string{"LogoutRequest": oiosaml.RequestDenied, "LogoutResponse": "federation.logout.answer"}[tag]
		signed := func() *etree.Document { return peer.Signed(t, goodbye(tag), peer.RSA()) }
		if got := takeGoodbye(t, tag, peer.Must(signed().WriteToBytes())); got != "" {
			t.Fatalf("%s as it was sent is refused: %s", tag, got)
		}
		for _, tc := range slices.Concat(wrappings(), tamperings()) {
			doc := signed()
			tc.forge(doc)
			if got := takeGoodbye(t, tag, peer.Must(doc.WriteToBytes())); got != want {
				t.Errorf("%s, %s = %q, want %q", tag, tc.name, got, want)
			}
		}
		for name, doc := range map[string]*etree.Document{
			"SHA-1":     peer.Signed(t, goodbye(tag), peer.RSA(), func(c *dsig.SigningContext) { c.Hash = crypto.SHA1 }),
			"other key": peer.Signed(t, goodbye(tag), peer.Other()),
		} {
			if got := takeGoodbye(t, tag, peer.Must(doc.WriteToBytes())); got != want {
				t.Errorf("%s, %s = %q, want %q", tag, name, got, want)
			}
		}
		for name, xml := range map[string]string{
			"document type":          `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + goodbye(tag),
			"processing instruction": strings.Replace(goodbye(tag), "<saml:Issuer>", "<?x y?><saml:Issuer>", 1),
			"1,001 elements":         strings.Replace(goodbye(tag), "<saml:Issuer>", strings.Repeat("<a/>", 1001)+"<saml:Issuer>", 1),
			"41 deep":                strings.Replace(goodbye(tag), "<saml:Issuer>", strings.Repeat("<a>", 41)+strings.Repeat("</a>", 41)+"<saml:Issuer>", 1),
			"300 kB":                 goodbye(tag) + "<!--" + strings.Repeat("x", 300<<10) + "-->",
			"another message":        strings.ReplaceAll(goodbye(tag), tag, "AuthnRequest"),
			"no issuer":              strings.ReplaceAll(goodbye(tag), "saml:Issuer", "saml:Other"),
		} {
			if got := takeGoodbye(t, tag, []byte(xml)); got != "federation.logout.malformed" {
				t.Errorf("%s, %s = %q, want malformed", tag, name, got)
			}
		}
	}
}

// Two names in one request, or none, is nobody; parameters that come twice are
// nothing, in the query and in the form.
func TestLogoutAmbiguous(t *testing.T) {
	t.Parallel()
	const name = `<saml:NameID>bo</saml:NameID>`
	for _, tc := range []struct{ name, names, want string }{
		{"two names", name + `<saml:NameID>eve</saml:NameID>`, oiosaml.UnknownPrincipal},
		{"none", "", oiosaml.UnknownPrincipal},
		{"a name that cannot be decrypted", `<saml:EncryptedID/>`, oiosaml.UnknownPrincipal},
		{"comment in the name", `<saml:NameID>b<!-- x -->o</saml:NameID>`, ""},
	} {
		doc := peer.Signed(t, strings.Replace(goodbye("LogoutRequest"), name, tc.names, 1), peer.RSA())
		if got := takeGoodbye(t, "LogoutRequest", peer.Must(doc.WriteToBytes())); got != tc.want {
			t.Errorf("%s = %q, want %q", tc.name, got, tc.want)
		}
	}
	query := logoutQuery(t, provider().SLO, "state", peer.Noon)
	for _, more := range []string{"&RelayState=x", "&SAMLRequest=x", "&Signature=x", "&SigAlg=x", "&SAMLResponse=x", "&SAMLReques%74=x"} {
		if _, err := oiosaml.ReadLogoutRedirect(query + more); fault.CodeOf(err) != "federation.logout.malformed" {
			t.Errorf("%s beside the first = %v, want malformed", more, err)
		}
	}
	for _, form := range []url.Values{{"SAMLRequest": {"x", "y"}}, {"SAMLRequest": {"x"}, "SAMLResponse": {"y"}}, {"SAMLRequest": {"x"}, "RelayState": {"a", "b"}}, {}} {
		if _, err := oiosaml.ReadLogoutPost(form); fault.CodeOf(err) != "federation.logout.malformed" {
			t.Errorf("form %v = %v, want malformed", form, err)
		}
	}
}

// What wraps or tampers with a signed Response changes nothing about whom its signed
// assertion names.
func TestAnswerForgery(t *testing.T) {
	t.Parallel()
	l, key := good(), peer.RSA()
	l.Outer = &key
	for _, tc := range slices.Concat(wrappings(), tamperings()) {
		doc := etree.NewDocument()
		if err := doc.ReadFromString(l.Response(t)); err != nil {
			t.Fatal(err)
		}
		tc.forge(doc)
		v, err := check(t, peer.Must(doc.WriteToString()), expected(t))
		if err == nil && v.NameID.Value != "bo" || err != nil && !strings.HasPrefix(fault.CodeOf(err), "localidp.answer.") {
			t.Errorf("%s: Check = %+v, %v", tc.name, v.NameID, err)
		}
	}
}

// No input makes a logout but what a service has signed. Its key is gone: nothing
// that is made up can count.
func FuzzLogout(f *testing.F) {
	md, _, _ := signedOnce(f)
	own, gone := provider().Own(), md.Party()
	for _, tag := range []string{"LogoutRequest", "LogoutResponse"} {
		f.Add([]byte(goodbye(tag)))
		f.Add(peer.Must(peer.Signed(f, goodbye(tag), peer.Other()).WriteToBytes()))
	}
	f.Add([]byte(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` + goodbye("LogoutRequest") + `</soap:Body></soap:Envelope>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var all []*oiosaml.LogoutMessage
		for _, field := range []string{"SAMLRequest", "SAMLResponse"} {
			if m, err := oiosaml.ReadLogoutPost(url.Values{field: {base64.StdEncoding.EncodeToString(raw)}}); err == nil {
				all = append(all, m)
			}
		}
		if m, err := oiosaml.ReadLogoutEnvelope(raw); err == nil {
			all = append(all, m)
		}
		if m, err := oiosaml.ReadLogoutRedirect(string(raw)); err == nil {
			all = append(all, m)
		}
		for _, m := range all {
			if r, err := m.Request(gone, own, peer.Noon); err == nil {
				t.Errorf("Request = %+v, which the service never signed", r)
			}
			if r, err := m.Response(gone, own, peer.Noon); err == nil {
				t.Errorf("Response = %+v, which the service never signed", r)
			}
		}
	})
}

// The signature of every Redirect message of ours verifies with openssl over exactly
// what is sent: login requests and logouts, at an address that has a query, with RSA
// and ECDSA.
func TestRedirectByOpenSSL(t *testing.T) {
	t.Parallel()
	for _, key := range []oiosaml.Key{peer.RSA(), peer.EC()} {
		own, to := provider().Own(), oiosaml.LogoutService{Binding: oiosaml.HTTPRedirect, URL: peer.SSO + "?tenant=a%20b", Answers: peer.SSO + "?tenant=a%20b"}
		own.Key = key
		md := peer.Identity(t)
		md.SignOn[0].URL = to.URL
		asked := peer.Must(key.Ask(md, oiosaml.Asking{ID: "_r", Issuer: peer.EntityID, Consumer: peer.ACS, RelayState: "a&b=c d"}, peer.Noon))
		bye := peer.Must(own.AskLogout(to, oiosaml.Leaving{Name: named, Session: "_session", Until: peer.Noon.Add(time.Minute)}, "a&b=c d", peer.Noon))
		answer := peer.Must(own.AnswerLogout(to, oiosaml.LogoutRequest{ID: "_a", RelayState: "a&b=c d"}, oiosaml.Partial(), peer.Noon))
		for name, address := range map[string]string{"login request": asked.URL, "logout request": bye.URL, "logout response": answer.URL} {
			opensslVerifies(t, name, address, key)
		}
	}
}

func opensslVerifies(t *testing.T, name, address string, key oiosaml.Key) {
	t.Helper()
	prefix, rest, ok := strings.Cut(address, "&SAML")
	before, value, signed := strings.Cut("SAML"+rest, "&Signature=")
	if !ok || !signed || !strings.HasSuffix(prefix, "?tenant=a%20b") || !strings.Contains(before, "&RelayState=a%26b%3Dc%20d&SigAlg=") {
		t.Fatalf("%s: %s", name, address)
	}
	signature := peer.Must(base64.StdEncoding.DecodeString(peer.Must(url.QueryUnescape(value))))
	if _, ok := key.Certificate.PublicKey.(*ecdsa.PublicKey); ok { // openssl wants ASN.1
		half := len(signature) / 2
		signature = peer.Must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])}))
	}
	dir := t.TempDir()
	write := func(file string, data []byte) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert := write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate.Raw}))
	public, err := exec.CommandContext(t.Context(), "openssl", "x509", "-in", cert, "-pubkey", "-noout").Output()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"dgst", "-sha256", "-verify", write("public.pem", public), "-signature", write("signature", signature)}
	if out, err := exec.CommandContext(t.Context(), "openssl", append(args, write("query", []byte(before)))...).CombinedOutput(); err != nil {
		t.Errorf("%s: openssl says %s, %v", name, out, err)
	}
	if out, err := exec.CommandContext(t.Context(), "openssl", append(args, write("altered", bytes.Replace([]byte(before), []byte("c%20d"), []byte("c%20e"), 1)))...).CombinedOutput(); err == nil {
		t.Errorf("%s: openssl verifies what was altered: %s", name, out)
	}
}

// Which of two classes is named first decides nothing.
func TestContextOrder(t *testing.T) {
	t.Parallel()
	const loa = "https://data.gov.dk/concept/core/nsis/loa/"
	for _, comparison := range []string{"exact", "minimum", "maximum", "better", ""} {
		for level := oiosaml.Low; level <= oiosaml.High; level++ {
			_, one := oiosaml.Context{Comparison: comparison, Classes: []string{loa + "Low", loa + "Substantial"}}.Class(level, true)
			_, other := oiosaml.Context{Comparison: comparison, Classes: []string{loa + "Substantial", loa + "Low"}}.Class(level, true)
			if one != other {
				t.Errorf("%q at %s: %v, and %v the other way round", comparison, level, one, other)
			}
		}
	}
}

// A name that a party wants encrypted goes encrypted, and is read again.
func TestLogoutSealed(t *testing.T) {
	t.Parallel()
	const format = `<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted</md:NameIDFormat>`
	key := peer.EncryptionKey(peer.Other(), "")
	if p := peer.Service(t, peer.SigningKey(peer.RSA()), key, peer.PostACS).Party(); p.Sealing != nil {
		t.Error("a party that does not ask for it gets its names encrypted")
	}
	sealing := peer.Service(t, peer.SigningKey(peer.RSA()), key, format, peer.PostACS).Party().Sealing
	if sealing == nil {
		t.Fatal("the metadata's wish is overlooked")
	}
	own := provider().Own()
	own.Opener = oiosaml.Opener{Keys: []oiosaml.Key{peer.Other()}}
	for _, binding := range []string{oiosaml.HTTPRedirect, oiosaml.HTTPPost} {
		m, err := own.AskLogout(oiosaml.LogoutService{Binding: binding, URL: own.SLO}, oiosaml.Leaving{Name: named, Until: peer.Noon.Add(time.Minute), Sealing: sealing}, "", peer.Noon)
		if err != nil {
			t.Fatal(err)
		}
		var got *oiosaml.LogoutMessage
		if binding == oiosaml.HTTPPost {
			got, err = oiosaml.ReadLogoutPost(url.Values{"SAMLRequest": {m.Value}})
		} else {
			_, query, _ := strings.Cut(m.URL, "?")
			got, err = oiosaml.ReadLogoutRedirect(query)
		}
		if err != nil || bytes.Contains(got.Raw(), []byte(named.Value)) {
			t.Fatalf("%s: the name is in clear, or %v", binding, err)
		}
		if r, err := got.Request(party(), own, peer.Noon); err != nil || r.NameID != named {
			t.Errorf("%s: Request = %+v, %v", binding, r, err)
		}
	}
}

var testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`")

// docs/robustness.md names a test for each attack: they exist.
func TestMapOfAttacks(t *testing.T) {
	t.Parallel()
	page := string(peer.Must(os.ReadFile("../../docs/robustness.md")))
	var sources strings.Builder
	for _, folder := range []string{".", "../federation", "../localidp", "../web", "../bench", "../../cmd/adgang"} {
		for _, file := range peer.Must(filepath.Glob(filepath.Join(folder, "*_test.go"))) {
			sources.Write(peer.Must(os.ReadFile(file)))
		}
	}
	named := testName.FindAllStringSubmatch(page, -1)
	if len(named) < 20 {
		t.Fatalf("the page names %d tests", len(named))
	}
	for _, one := range named {
		if !strings.Contains(sources.String(), "func "+one[1]+"(") {
			t.Errorf("docs/robustness.md names %s, which there is not", one[1])
		}
	}
}
