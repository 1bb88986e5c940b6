package oiosaml_test

import (
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// good is a login that everything is right about.
func good() peer.Login {
	key := peer.RSA()
	return peer.Login{
		InReplyTo: "_asked", Name: "bo", Key: &key, Class: "https://data.gov.dk/concept/core/nsis/loa/Substantial",
		Attributes: map[string]string{oiosaml.AttrCVR: "12345678", oiosaml.AttrLoA: "High"},
	}
}

func expected(t testing.TB) oiosaml.Expected {
	t.Helper()
	return oiosaml.Expected{
		From: peer.Identity(t), Audience: peer.Party, Consumer: peer.Answers, InReplyTo: "_asked", AskedAt: peer.Noon.Add(-time.Minute),
		Opener: opener(false), Skew: time.Minute,
	}
}

func check(t testing.TB, response string, e oiosaml.Expected) (oiosaml.Vouched, error) {
	t.Helper()
	a, err := oiosaml.ReadAnswer(base64.StdEncoding.EncodeToString([]byte(response)))
	if err != nil {
		return oiosaml.Vouched{}, err
	}
	return a.Check(e, peer.Noon)
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	other := peer.Other()
	for name, change := range map[string]func(*peer.Login){
		"assertion signed":           func(*peer.Login) {},
		"response signed as well":    func(l *peer.Login) { l.Outer = l.Key },
		"encrypted":                  func(l *peer.Login) { l.To = &oiosaml.Recipient{Certificate: other.Certificate} },
		"encrypted, and both signed": func(l *peer.Login) { l.To = &oiosaml.Recipient{Certificate: other.Certificate}; l.Outer = l.Key },
		"encrypted by the new form": func(l *peer.Login) {
			l.To = &oiosaml.Recipient{Certificate: other.Certificate, Methods: []oiosaml.Method{{Algorithm: xmlenc11 + "rsa-oaep"}}}
		},
		"second bearer, first too old": func(l *peer.Login) { l.Edit = stale },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := good()
			change(&l)
			v, err := check(t, l.Response(t), expected(t))
			if err != nil || v.NameID.Value != "bo" || v.AssertionID != "_assertion" || v.SessionIndex != "_session" || v.Level != oiosaml.Substantial ||
				v.One(oiosaml.AttrCVR) != "12345678" || v.Encrypted != (l.To != nil) || !v.Until.After(peer.Noon) {
				t.Errorf("Check = %+v, %v", v, err)
			}
		})
	}
}

// stale puts a confirmation in front that has passed.
func stale(assertion string) string {
	const mark = "<saml:SubjectConfirmation "
	return strings.Replace(assertion, mark, mark+`Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2020-01-01T00:00:00Z" Recipient="`+
		peer.Answers+`" InResponseTo="_asked"/></saml:SubjectConfirmation>`+mark, 1)
}

func swap(old, with string) func(*peer.Login) {
	return func(l *peer.Login) {
		l.Edit = func(xml string) string { return strings.Replace(xml, old, with, 1) }
	}
}

func after(old, with string) func(*peer.Login) {
	return func(l *peer.Login) {
		l.EditResponse = func(xml string) string { return strings.Replace(xml, old, with, 1) }
	}
}

// cut takes an element of the unsigned assertion away.
func cut(tag string) func(*peer.Login) {
	return func(l *peer.Login) {
		l.Edit = func(xml string) string {
			from, to := strings.Index(xml, "<saml:"+tag), strings.LastIndex(xml, "</saml:"+tag+">")
			if to < 0 { // an empty element
				return xml[:from] + xml[from+strings.Index(xml[from:], "/>")+2:]
			}
			return xml[:from] + xml[to+len("</saml:"+tag+">"):]
		}
	}
}

// What must be there and is not, or does not fit, each by its own code.
func TestRefuseAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code string
		change     func(*peer.Login)
	}{
		{"assertion unsigned", "unsigned", func(l *peer.Login) { l.Key = nil }},
		{"only the response signed", "unsigned", func(l *peer.Login) { l.Outer, l.Key = l.Key, nil }},
		{"signed by another", "signature", func(l *peer.Login) { k := peer.Other(); l.Key = &k }},
		{"response signed by another", "signature", func(l *peer.Login) { k := peer.Other(); l.Outer = &k }},
		{"assertion altered", "signature", after(">bo<", ">eve<")},
		{"comment in the name", "signature", after(">bo<", ">b<!-- -->o.eve<")},
		{"encrypted to somebody else", "signature", func(l *peer.Login) {
			l.To = &oiosaml.Recipient{Certificate: peer.Must(oiosaml.NewKey(oiosaml.RSA, "x", peer.Noon)).Certificate}
		}},
		{"encrypted and unsigned", "signature", func(l *peer.Login) { l.To = &oiosaml.Recipient{Certificate: peer.Other().Certificate}; l.Key = nil }},
		{"other issuer", "issuer", func(l *peer.Login) { l.Issuer = "https://other.example" }},
		{"other issuer of the assertion", "issuer", swap("<saml:Issuer>"+peer.Own, "<saml:Issuer>https://other.example")},
		{"issuer is no entity", "issuer", swap("<saml:Issuer>", `<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">`)},
		{"no issuer", "issuer", cut("Issuer")},
		{"other destination", "destination", after(`Destination="`+peer.Answers, `Destination="https://other.example`)},
		{"no destination", "destination", after(` Destination="`+peer.Answers+`"`, "")},
		{"other request", "request", after(`InResponseTo="_asked"><saml:Issuer>`, `InResponseTo="_other"><saml:Issuer>`)},
		{"other recipient", "confirmation", swap(`Recipient="`+peer.Answers, `Recipient="https://other.example`)},
		{"no recipient", "confirmation", swap(` Recipient="`+peer.Answers+`"`, "")},
		{"confirmed for another request", "confirmation", swap(`InResponseTo="_asked"`, `InResponseTo="_other"`)},
		{"confirmed for no request", "confirmation", swap(` InResponseTo="_asked"`, "")},
		{"confirmation without an end", "confirmation", swap(` NotOnOrAfter="2027-03-01T12:05:00Z" Recipient`, " Recipient")},
		{"confirmation has passed", "confirmation", swap(`NotOnOrAfter="2027-03-01T12:05:00Z" Recipient`, `NotOnOrAfter="2027-03-01T11:58:00Z" Recipient`)},
		{"confirmation has not begun", "confirmation", swap(` Recipient=`, ` NotBefore="2027-03-01T12:05:00Z" Recipient=`)},
		{"holder of key", "confirmation", swap("cm:bearer", "cm:holder-of-key")},
		{"no confirmation", "confirmation", cut("SubjectConfirmation")},
		{"no confirmation data", "confirmation", cut("SubjectConfirmationData")},
		{"no subject", "subject", cut("Subject")},
		{"no name", "name", cut("NameID")},
		{"empty name", "name", swap(">bo<", "> <")},
		{"no conditions", "audience", cut("Conditions")},
		{"no audience restriction", "audience", cut("AudienceRestriction")},
		{"other audience", "audience", func(l *peer.Login) { l.Audience = "https://other.example" }},
		{"second restriction for another", "audience", swap("</saml:Conditions>", "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>")},
		{"unknown condition", "condition", swap("</saml:Conditions>", `<saml:Condition/></saml:Conditions>`)},
		{"conditions have passed", "expired", swap(`NotOnOrAfter="2027-03-01T12:10:00Z"`, `NotOnOrAfter="2027-03-01T11:58:00Z"`)},
		{"conditions have not begun", "expired", swap(`NotBefore="2027-03-01T12:00:00Z"`, `NotBefore="2027-03-01T12:02:00Z"`)},
		{"made long ago", "expired", func(l *peer.Login) { l.At = peer.Noon.Add(-10 * time.Minute) }},
		{"made in time to come", "expired", func(l *peer.Login) { l.At = peer.Noon.Add(10 * time.Minute) }},
		{"session has ended", "expired", swap(`SessionIndex=`, `SessionNotOnOrAfter="2027-03-01T11:00:00Z" SessionIndex=`)},
		{"no statement", "statement", cut("AuthnStatement")},
		{"no instant", "statement", swap(`AuthnInstant="2027-03-01T12:00:00Z" `, "")},
		{"instant to come", "statement", swap(`AuthnInstant="2027-03-01T12:00:00Z"`, `AuthnInstant="2027-03-01T13:00:00Z"`)},
		{"two attribute statements", "attributes", swap("</saml:Assertion>", "<saml:AttributeStatement/></saml:Assertion>")},
		{"no assertion", "assertions", func(l *peer.Login) {
			l.EditResponse = func(xml string) string { return xml[:strings.Index(xml, "<saml:Assertion")] + "</samlp:Response>" }
		}},
		{"no status", "malformed", after("<samlp:Status>", "<samlp:Other>")},
		{"version 1", "malformed", swap(`Version="2.0"`, `Version="1.1"`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := good()
			tc.change(&l)
			xml := strings.Replace(l.Response(t), "<samlp:Other>", "<samlp:Other xmlns:samlp=\"urn:x\">", 1)
			xml = strings.Replace(xml, `<samlp:Other xmlns:samlp="urn:x"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`, "", 1)
			if v, err := check(t, xml, expected(t)); fault.CodeOf(err) != "localidp.answer."+tc.code || v.NameID.Value != "" {
				t.Errorf("Check = %+v, %v, want %s", v, err, tc.code)
			}
		})
	}
	l := good()
	e := expected(t)
	e.Fresh, e.AskedAt = true, peer.Noon.Add(5*time.Minute)
	if _, err := check(t, l.Response(t), e); fault.CodeOf(err) != "localidp.answer.stale" {
		t.Errorf("an old login for a fresh one = %v", err)
	}
}

// Levels: the lower of attribute and class; a word that is none states none.
func TestStatedLevel(t *testing.T) {
	t.Parallel()
	const loa = "https://data.gov.dk/concept/core/nsis/loa/"
	for _, tc := range []struct {
		attribute, class string
		want             oiosaml.Level
	}{
		{"High", loa + "Substantial", oiosaml.Substantial},
		{"Low", loa + "High", oiosaml.Low},
		{"Substantial", "", oiosaml.Substantial},
		{loa + "High", "https://data.gov.dk/concept/core/nsis", oiosaml.High},
		{"", loa + "High", oiosaml.High},
		{"", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", 0},
		{"VeryHigh", loa + "High", 0},
	} {
		l := good()
		l.Class = tc.class
		delete(l.Attributes, oiosaml.AttrLoA)
		if tc.attribute != "" {
			l.Attributes[oiosaml.AttrLoA] = tc.attribute
		}
		if v, err := check(t, l.Response(t), expected(t)); err != nil || v.Level != tc.want {
			t.Errorf("%q with %q = %v, %v, want %v", tc.attribute, tc.class, v.Level, err, tc.want)
		}
	}
}

// Signature wrapping: wherever the signed assertion is moved and a forged one is
// put, nothing but the signed name is ever read.
func TestAnswerWrapping(t *testing.T) {
	t.Parallel()
	l := good()
	whole := l.Response(t)
	from, to := strings.Index(whole, "<saml:Assertion"), strings.Index(whole, "</saml:Assertion>")+len("</saml:Assertion>")
	head, signed, tail := whole[:from], whole[from:to], whole[to:]
	bare := signed[:strings.Index(signed, "<ds:Signature")] + signed[strings.Index(signed, "</ds:Signature>")+len("</ds:Signature>"):]
	signature := signed[strings.Index(signed, "<ds:Signature") : strings.Index(signed, "</ds:Signature>")+len("</ds:Signature>")]
	evil := func(id string) string {
		return strings.ReplaceAll(strings.Replace(bare, "_assertion", id, 1), ">bo<", ">eve<")
	}
	into := func(parent, child string) string {
		return strings.Replace(parent, "</saml:Assertion>", child+"</saml:Assertion>", 1)
	}
	object := func(child string) string {
		return strings.Replace(signature, "</ds:Signature>", "<ds:Object>"+child+"</ds:Object></ds:Signature>", 1)
	}
	ext := func(child string) string { return "<samlp:Extensions>" + child + "</samlp:Extensions>" }
	for name, response := range map[string]string{
		"forged beside, before":             head + evil("_evil") + signed + tail,
		"forged beside, after":              head + signed + evil("_evil") + tail,
		"forged with the same ID, before":   head + evil("_assertion") + signed + tail,
		"forged with the same ID, after":    head + signed + evil("_assertion") + tail,
		"signed inside forged":              head + into(evil("_evil"), signed) + tail,
		"signed without its signature":      head + into(evil("_evil"), signature+bare) + tail,
		"signed in the signature's object":  head + into(evil("_evil"), object(bare)) + tail,
		"forged and object, same ID":        head + into(evil("_assertion"), object(bare)) + tail,
		"signed in extensions":              strings.Replace(head, "<samlp:Status>", ext(signed)+"<samlp:Status>", 1) + evil("_evil") + tail,
		"signature alone moved":             head + into(evil("_assertion"), signature) + tail,
		"signed after the status, forged":   strings.Replace(head, "<samlp:Status>", signed+"<samlp:Status>", 1) + evil("_evil") + tail,
		"signature with a second reference": head + strings.Replace(signed, "<ds:Reference", `<ds:Reference URI="#_evil"/><ds:Reference`, 1) + tail,
		"signature twice":                   head + into(signed, signature) + tail,
		"empty reference":                   head + strings.Replace(into(evil("_evil"), signature), `URI="#_assertion"`, `URI=""`, 1) + tail,
		"response's ID referenced":          strings.Replace(head, `ID="_response"`, `ID="_assertion"`, 1) + signed + tail,
	} {
		v, err := check(t, response, expected(t))
		if err == nil && v.NameID.Value != "bo" || err == nil && name != "none" {
			t.Errorf("%s: Check = %+v, %v, want it refused", name, v.NameID, err)
		}
	}
	if v, err := check(t, whole, expected(t)); err != nil || v.NameID.Value != "bo" {
		t.Fatalf("the answer itself = %+v, %v: the test proves nothing", v, err)
	}
}

// hostile is what has crashed or stopped others (saml.md's table): each an error,
// soon.
func hostile(t testing.TB) map[string]string {
	t.Helper()
	l := good()
	response := l.Response(t)
	at := strings.Index(response, "<saml:Assertion")
	inside := func(xml string) string { return response[:at] + xml + "</samlp:Response>" }
	values := strings.Repeat("<saml:AttributeValue>group</saml:AttributeValue>", 1100)
	closed := func(value string) string {
		key, _ := seal(secretXML, 32)
		return inside(wrapped("EncryptedAssertion", xmlenc+"aes256-cbc", encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", wrap(key, 3, 3, "")), base64.StdEncoding.EncodeToString([]byte(value))))
	}
	return map[string]string{
		"CBC ciphertext of no whole blocks":          closed(strings.Repeat("x", 33)),
		"ciphertext shorter than a nonce":            closed("x"),
		"no signature, no subject":                   inside(`<saml:Assertion ID="_a" Version="2.0"/>`),
		"1,001 elements and an empty signature":      inside(strings.Repeat("<saml:Assertion/>", 1001) + `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`),
		"30,000 nested elements":                     inside(strings.Repeat("<a>", 30000) + strings.Repeat("</a>", 30000)),
		"entity expansion":                           `<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>` + response,
		"external entity":                            `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + response,
		"1,100 group values":                         strings.Replace(response, "<saml:AttributeValue>", values+"<saml:AttributeValue>", 1),
		"300 kB":                                     response + "<!--" + strings.Repeat("x", 300<<10) + "-->",
		"prefixes":                                   inside("<a " + prefixes(200) + "/>"),
		"processing instruction":                     strings.Replace(response, "<saml:Issuer>", "<?x y?><saml:Issuer>", 1),
		"empty":                                      "",
		"UTF-16":                                     "\xff\xfe<\x00a\x00/\x00>\x00",
		"assertion without a version":                inside(`<saml:Assertion ID="_a"/>`),
		"encrypted data without anything":            inside(`<saml:EncryptedAssertion/>`),
		"encrypted in encrypted":                     inside(`<saml:EncryptedAssertion><saml:EncryptedAssertion/></saml:EncryptedAssertion>`),
		"signature before everything, of no content": inside(`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>`),
	}
}

func prefixes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(` xmlns:p` + strings.Repeat("x", i%50+1) + string(rune('a'+i%26)) + `="urn:x"`)
	}
	return b.String()
}

func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, response := range hostile(t) {
		if v, err := check(t, response, expected(t)); err == nil || fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: Check = %+v, %v, want a refusal", name, v, err)
		}
	}
}

func BenchmarkHostileAnswers(b *testing.B) {
	e := expected(b)
	for name, response := range hostile(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = check(b, response, e)
			}
		})
	}
	l := good()
	response := l.Response(b)
	b.Run("a good one", func(b *testing.B) {
		for b.Loop() {
			if _, err := check(b, response, e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Whatever arrives, nobody is named but whom the provider signed.
func FuzzAnswer(f *testing.F) {
	l := good()
	e := expected(f)
	f.Add(l.Response(f))
	f.Add(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"/>`)
	f.Fuzz(func(t *testing.T, response string) {
		if v, err := check(t, response, e); err == nil && v.NameID.Value != "bo" {
			t.Errorf("Check = %+v, whom nobody signed", v)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	f.Add([]byte(peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.RedirectSSO)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := oiosaml.ParseIdentity(raw, peer.Noon)
		if err != nil && fault.KindOf(err) != fault.Invalid || err == nil && (p.EntityID == "" || len(p.Signing) == 0 || len(p.SignOn) == 0) {
			t.Errorf("ParseIdentity = %+v, %v", p, err)
		}
	})
}

// NemLog-in's own files are read, of both profiles.
func TestNemLogInMetadata(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ file, entity, sso string }{
		{"oiosaml3-idp-prod.xml", "https://saml.nemlog-in.dk", "https://login.nemlog-in.dk/"},
		{"oiosaml3-idp-inttest.xml", "https://saml.test-nemlog-in.dk/", "https://login.test-nemlog-in.dk/"},
		{"oiosaml4-idp-prod.xml", "https://saml.nemlog-in.dk", "https://login.nemlog-in.dk/"},
		{"oiosaml4-idp-inttest.xml", "https://saml.test-nemlog-in.dk", "https://login.test-nemlog-in.dk/"},
	} {
		p, err := oiosaml.ParseIdentity(peer.Must(os.ReadFile("testdata/nemlogin/"+tc.file)), peer.Noon)
		if err != nil {
			t.Errorf("%s: %v", tc.file, err)
			continue
		}
		if p.EntityID != tc.entity || !strings.HasPrefix(p.SignOn[0].URL, tc.sso) || p.SignOn[0].Binding != oiosaml.HTTPRedirect || len(p.Signing) == 0 || !p.WantsSigned {
			t.Errorf("%s: %+v", tc.file, p)
		}
	}
}

// A request by POST is signed inside; mellon-like readers want the signature after
// the issuer, and xmlsec1 verifies it.
func TestAskByPost(t *testing.T) {
	t.Parallel()
	const sso = `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + peer.OwnSSO + `"/>`
	p, err := oiosaml.ParseIdentity([]byte(peer.IdentityMetadata(peer.SigningKey(peer.RSA()), sso)), peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := peer.Other().Ask(p, oiosaml.Asking{ID: "_r", Issuer: peer.Party, Consumer: peer.Answers, NameID: oiosaml.Persistent, Level: oiosaml.Low, For: []string{"a&b"}, RelayState: "a&b=c d"}, peer.Noon)
	if err != nil || sent.URL != peer.OwnSSO || sent.RelayState != "a&b=c d" {
		t.Fatalf("Ask = %+v, %v", sent, err)
	}
	xml := peer.Must(base64.StdEncoding.DecodeString(sent.Message))
	if _, err := xmlsec(t, xml, "--verify", "--trusted-pem", pemFile(t, "CERTIFICATE", peer.Other().Certificate.Raw),
		"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", "--verification-gmt-time", "2027-03-01 12:00:00"); err != nil {
		t.Errorf("xmlsec1 does not verify %s: %v", xml, err)
	}
	root := element(t, string(xml))
	var order []string
	for _, c := range root.ChildElements() {
		order = append(order, c.Tag)
	}
	if want := []string{"Issuer", "Signature", "NameIDPolicy", "RequestedAuthnContext", "Scoping"}; !slices.Equal(order, want) {
		t.Errorf("elements = %v, want %v", order, want)
	}
}

// A Redirect request verifies over its raw query, also at an address that has a
// query, with RSA and ECDSA.
func TestAskByRedirect(t *testing.T) {
	t.Parallel()
	for _, key := range []oiosaml.Key{peer.RSA(), peer.EC()} {
		md := peer.Identity(t)
		md.SignOn[0].URL = peer.SSO + "?tenant=a%20b"
		sent, err := key.Ask(md, oiosaml.Asking{ID: "_r", Issuer: peer.EntityID, Consumer: peer.ACS, RelayState: "a&b=c d"}, peer.Noon)
		if err != nil || !strings.HasPrefix(sent.URL, peer.SSO+"?tenant=a%20b&SAMLRequest=") || strings.Contains(sent.URL, "+") {
			t.Fatalf("Ask = %+v, %v", sent, err)
		}
		m, err := oiosaml.ReadRedirect(strings.SplitN(sent.URL, "?", 2)[1])
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Check(peer.Service(t, peer.SigningKey(key), peer.PostACS), peer.SSO+"?tenant=a%20b", peer.Noon)
		if err != nil || r.ID != "_r" || r.RelayState != "a&b=c d" {
			t.Errorf("Check = %+v, %v", r, err)
		}
	}
}
