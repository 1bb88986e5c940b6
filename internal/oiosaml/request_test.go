package oiosaml_test

import (
	"crypto"
	"encoding/base64"
	"errors"
	"net/url"
	"reflect"
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

func TestCheck(t *testing.T) {
	t.Parallel()
	want := oiosaml.Request{ID: "_request", Service: peer.EntityID, Consumer: peer.ACS, RelayState: "a&b=c d", IssuedAt: peer.Noon, NameID: oiosaml.Persistent}
	for _, k := range []struct {
		name string
		key  oiosaml.Key
	}{{"RSA", peer.RSA()}, {"ECDSA", peer.EC()}} {
		md := peer.Service(t, peer.SigningKey(peer.Other()), peer.SigningKey(k.key), peer.PostACS)
		want := want
		want.Signer = oiosaml.Fingerprint(k.key.Certificate)
		t.Run("redirect "+k.name, func(t *testing.T) {
			t.Parallel()
			m, err := oiosaml.ReadRedirect("first=1&" + peer.Redirect(t, peer.AuthnRequest("", ""), "a&b=c d", k.key) + "&more=%zz")
			if err != nil {
				t.Fatalf("ReadRedirect = %v", err)
			}
			if got, err := m.Check(md, peer.SSO, peer.Noon); err != nil || !reflect.DeepEqual(got, want) || m.Issuer() != peer.EntityID {
				t.Errorf("Check = %+v, %v, want %+v", got, err, want)
			}
		})
		t.Run("post "+k.name, func(t *testing.T) {
			t.Parallel()
			got, err := peer.Post(t, peer.Signed(t, peer.AuthnRequest("", ""), k.key)).Check(md, peer.SSO, peer.Noon)
			if got.RelayState = want.RelayState; err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Check = %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	old := func(attrs string) string { return strings.Replace(peer.AuthnRequest("", ""), "_request", attrs, 1) }
	at := func(t time.Time) string {
		return strings.Replace(peer.AuthnRequest("", ""), "2027-03-01T12:00:00Z", t.Format(time.RFC3339), 1)
	}
	for _, tc := range []struct{ name, xml, code string }{
		{"other destination", strings.Replace(peer.AuthnRequest("", ""), peer.SSO, peer.SSO+"/", 1), "destination"},
		{"no destination", strings.Replace(peer.AuthnRequest("", ""), "Destination", "Other", 1), "destination"},
		{"too old", at(peer.Noon.Add(-301 * time.Second)), "expired"},
		{"from the future", at(peer.Noon.Add(301 * time.Second)), "expired"},
		{"no instant", strings.Replace(peer.AuthnRequest("", ""), "IssueInstant", "Other", 1), "malformed"},
		{"empty ID", old(""), "malformed"},
		{"ID with a space", old("a b"), "malformed"},
		{"long ID", old(strings.Repeat("a", 257)), "malformed"},
		{"unknown consumer", peer.AuthnRequest(`AssertionConsumerServiceURL="https://evil.example/acs"`, ""), "consumer"},
		{"consumer with a query", peer.AuthnRequest(`AssertionConsumerServiceURL="`+peer.ACS+`?a=b"`, ""), "consumer"},
		{"unknown index", peer.AuthnRequest(`AssertionConsumerServiceIndex="7"`, ""), "consumer"},
		{"index of nothing", peer.AuthnRequest(`AssertionConsumerServiceIndex="-1"`, ""), "consumer"},
		{"URL and index", peer.AuthnRequest(`AssertionConsumerServiceURL="`+peer.ACS+`" AssertionConsumerServiceIndex="0"`, ""), "consumer"},
		{"issuer of another service", strings.Replace(peer.AuthnRequest("", ""), peer.EntityID, "https://another.example", 1), "issuer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := oiosaml.ReadRedirect(peer.Redirect(t, tc.xml, "", peer.RSA()))
			if err != nil {
				t.Fatalf("ReadRedirect = %v", err)
			}
			got, err := m.Check(md, peer.SSO, peer.Noon)
			if fault.CodeOf(err) != "federation.request."+tc.code || !reflect.DeepEqual(got, oiosaml.Request{}) {
				t.Errorf("Check = %+v, %v, want code %s", got, err, tc.code)
			}
		})
	}
}

// What the service may hear about is a RefusalError beside a usable request.
func TestCheckAnswers(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS, `<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat><md:NameIDFormat>`+oiosaml.Transient+`</md:NameIDFormat>`)
	const policy = `<samlp:NameIDPolicy AllowCreate="true" Format="`
	for _, tc := range []struct {
		name, attrs, inner string
		want               string // second-level status, "" = accepted
		nameID             string
	}{
		{"both force and passive", `ForceAuthn="true" IsPassive="1"`, "", oiosaml.RequestUnsupported, ""},
		{"not forced but passive", `ForceAuthn="false" IsPassive="1"`, "", "", oiosaml.Transient},
		{"answer as artifact", `ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"`, "", oiosaml.UnsupportedBinding, ""},
		{"names nobody", "", `<saml:Subject/>`, oiosaml.RequestUnsupported, ""},
		{"names a person in secret", "", `<saml:Subject><saml:EncryptedID/></saml:Subject>`, oiosaml.RequestUnsupported, ""},
		{"wants a citizen", "", extensions("https://data.gov.dk/eid/Person/DK"), oiosaml.RequestUnsupported, ""},
		{"persistent", "", policy + oiosaml.Persistent + `"/>`, "", oiosaml.Persistent},
		{"unspecified", "", policy + `urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"/>`, "", oiosaml.Transient},
		{"e-mail", "", policy + `urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"/>`, oiosaml.InvalidNameIDPolicy, ""},
		{"own qualifier", "", policy + oiosaml.Persistent + `" SPNameQualifier="` + peer.EntityID + `"/>`, "", oiosaml.Persistent},
		{"foreign qualifier", "", policy + oiosaml.Persistent + `" SPNameQualifier="https://another.example"/>`, oiosaml.InvalidNameIDPolicy, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := peer.Post(t, peer.Signed(t, peer.AuthnRequest(tc.attrs, tc.inner), peer.RSA())).Check(md, peer.SSO, peer.Noon)
			if got.ID != "_request" || got.Consumer != peer.ACS || got.NameID != tc.nameID {
				t.Errorf("Check = %+v, want NameID %q", got, tc.nameID)
			}
			refusal, ok := errors.AsType[*oiosaml.RefusalError](err)
			if tc.want == "" && err != nil || tc.want != "" && (!ok || refusal.Why != tc.want) {
				t.Errorf("Check = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestCheckContext(t *testing.T) {
	t.Parallel()
	const inner = `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>one</saml:AuthnContextClassRef>` +
		`<saml:AuthnContextClassRef>t<!-- comment -->wo</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`
	got, err := peer.Post(t, peer.Signed(t, peer.AuthnRequest("", inner), peer.RSA())).Check(peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS), peer.SSO, peer.Noon)
	if want := (oiosaml.Context{Comparison: "minimum", Classes: []string{"one", "two"}}); err != nil || !reflect.DeepEqual(got.Context, want) {
		t.Errorf("Check = %+v, %v, want %+v", got.Context, err, want)
	}
}

func TestRedirectForgery(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	good := peer.Redirect(t, peer.AuthnRequest("", ""), "state", peer.RSA())
	before, signature, _ := strings.Cut(good, "&Signature=")
	swap := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, tc := range []struct{ name, query, code string }{
		{"unsigned", before, "unsigned"},
		{"empty signature", before + "&Signature=", "unsigned"},
		{"signed by another", peer.Redirect(t, peer.AuthnRequest("", ""), "state", peer.Other()), "signature"},
		{"another request", redirectWith(good, peer.Pack(peer.AuthnRequest(`ForceAuthn="true"`, ""))), "signature"},
		{"another relay state", swap("RelayState=state", "RelayState=other"), "signature"},
		{"relay state removed", swap("&RelayState=state", ""), "signature"},
		{"relay state escaped otherwise", swap("RelayState=state", "RelayState=%73tate"), "signature"},
		{"algorithm of SHA-1", swap("rsa-sha256", "rsa-sha1"), "signature"},
		{"algorithm of a MAC", swap("rsa-sha256", "hmac-sha256"), "signature"},
		{"algorithm of another key type", swap("rsa-sha256", "ecdsa-sha256"), "signature"},
		{"no algorithm", swap("SigAlg", "Other"), "signature"},
		{"request doubled", good + "&SAMLRequest=" + url.QueryEscape(peer.Pack(peer.AuthnRequest("", ""))), "malformed"},
		{"request doubled in disguise", good + "&SAMLReques%74=" + url.QueryEscape(peer.Pack(peer.AuthnRequest("", ""))), "malformed"},
		{"relay state doubled", good + "&RelayState=other", "malformed"},
		{"signature doubled", good + "&Signature=" + signature, "malformed"},
		{"no base64", "SAMLRequest=%21", "malformed"},
		{"not deflated", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(peer.AuthnRequest("", "")))), "malformed"},
		{"other encoding", good + "&SAMLEncoding=gzip", "malformed"},
		{"broken escape", "SAMLRequest=%zz", "malformed"},
		{"nothing", "", "malformed"},
		{"no issuer", "SAMLRequest=" + url.QueryEscape(peer.Pack(strings.ReplaceAll(peer.AuthnRequest("", ""), "Issuer", "Other"))), "malformed"},
		{"version 1.1", "SAMLRequest=" + url.QueryEscape(peer.Pack(strings.Replace(peer.AuthnRequest("", ""), `"2.0"`, `"1.1"`, 1))), "malformed"},
		{"another message", "SAMLRequest=" + url.QueryEscape(peer.Pack(strings.ReplaceAll(peer.AuthnRequest("", ""), "AuthnRequest", "LogoutRequest"))), "malformed"},
		{"long relay state", peer.Redirect(t, peer.AuthnRequest("", ""), strings.Repeat("a", 4097), peer.RSA()), "malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := oiosaml.ReadRedirect(tc.query)
			if err == nil {
				_, err = m.Check(md, peer.SSO, peer.Noon)
			}
			if fault.CodeOf(err) != "federation.request."+tc.code {
				t.Errorf("got %v, want code %s", err, tc.code)
			}
		})
	}
}

func redirectWith(query, request string) string {
	_, rest, _ := strings.Cut(query, "&")
	return "SAMLRequest=" + url.QueryEscape(request) + "&" + rest
}

// forgery does something to a signed request.
type forgery struct {
	name  string
	forge func(doc *etree.Document)
}

// Whatever is done to a signed request, nothing but what was signed is read.
func checkForgeries(t *testing.T, forgeries []forgery) {
	t.Helper()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	for _, tc := range forgeries {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc := peer.Signed(t, peer.AuthnRequest("", ""), peer.RSA())
			tc.forge(doc)
			want := "federation.request.signature"
			if doc.FindElement("//Signature") == nil {
				want = "federation.request.unsigned"
			}
			got, err := peer.Post(t, doc).Check(md, peer.SSO, peer.Noon)
			if fault.CodeOf(err) != want {
				t.Errorf("Check = %+v, %v, want code %s", got, err, want)
			}
		})
	}
}

func TestPostWrapping(t *testing.T) {
	t.Parallel()
	checkForgeries(t, wrappings())
}

// wrappings are signature wrapping, XSW 1 to 8 as far as a message whose root is
// signed can have them.
func wrappings() []forgery {
	evil := func(root *etree.Element) *etree.Element {
		c := root.Copy()
		c.RemoveChild(c.SelectElement("Signature"))
		c.CreateAttr("ID", "_evil")
		c.CreateAttr("ForceAuthn", "true")
		return c
	}
	return []forgery{
		{"unsigned", func(d *etree.Document) { d.Root().RemoveChild(d.Root().SelectElement("Signature")) }},
		{"attribute changed", func(d *etree.Document) { d.Root().CreateAttr("ForceAuthn", "true") }},
		{"text added", func(d *etree.Document) { d.Root().CreateText("x") }},
		{"ID changed", func(d *etree.Document) { d.Root().CreateAttr("ID", "_evil") }},
		{"original inside the signature (XSW 1)", func(d *etree.Document) {
			root, forged := d.Root(), evil(d.Root())
			sig := root.RemoveChild(root.SelectElement("Signature")).(*etree.Element)
			sig.AddChild(root.Copy())
			forged.InsertChildAt(1, sig)
			d.SetRoot(forged)
		}},
		{"original beside the signature (XSW 2)", func(d *etree.Document) {
			root, forged := d.Root(), evil(d.Root())
			sig := root.RemoveChild(root.SelectElement("Signature")).(*etree.Element)
			forged.AddChild(root.Copy())
			forged.InsertChildAt(1, sig)
			d.SetRoot(forged)
		}},
		{"signed original as a child (XSW 3)", func(d *etree.Document) {
			forged := evil(d.Root())
			forged.AddChild(d.Root().Copy())
			d.SetRoot(forged)
		}},
		{"signed original in Extensions (XSW 7)", func(d *etree.Document) {
			forged := evil(d.Root())
			forged.CreateElement("samlp:Extensions").AddChild(d.Root().Copy())
			d.SetRoot(forged)
		}},
		{"original in an Object (XSW 8)", func(d *etree.Document) {
			root, forged := d.Root(), evil(d.Root())
			sig := root.RemoveChild(root.SelectElement("Signature")).(*etree.Element)
			sig.CreateElement("ds:Object").AddChild(root.Copy())
			forged.InsertChildAt(1, sig)
			d.SetRoot(forged)
		}},
		{"same ID twice", func(d *etree.Document) {
			root, forged := d.Root(), evil(d.Root())
			forged.CreateAttr("ID", root.SelectAttrValue("ID", ""))
			sig := root.RemoveChild(root.SelectElement("Signature")).(*etree.Element)
			forged.AddChild(root.Copy())
			forged.InsertChildAt(1, sig)
			d.SetRoot(forged)
		}},
		{"second signature", func(d *etree.Document) { d.Root().AddChild(d.Root().SelectElement("Signature").Copy()) }},
	}
}

func TestPostForgery(t *testing.T) {
	t.Parallel()
	checkForgeries(t, tamperings())
}

// tamperings are the same for the signature itself, with the forgeries of later
// advisories.
func tamperings() []forgery {
	return []forgery{
		{"second SignedInfo (CVE-2025-25291)", func(d *etree.Document) {
			sig := d.Root().SelectElement("Signature")
			sig.InsertChildAt(0, sig.SelectElement("SignedInfo").Copy())
		}},
		{"digest twice (CVE-2024-45409)", func(d *etree.Document) {
			ref := d.FindElement("//Reference")
			ref.AddChild(ref.SelectElement("DigestValue").Copy())
		}},
		{"reference to everything", func(d *etree.Document) { d.FindElement("//Reference").CreateAttr("URI", "") }},
		{"two references", func(d *etree.Document) {
			d.FindElement("//SignedInfo").AddChild(d.FindElement("//Reference").Copy())
		}},
		{"transform that filters", func(d *etree.Document) {
			d.FindElement("//Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		}},
		{"algorithm of a MAC", func(d *etree.Document) {
			d.FindElement("//SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
		}},
		{"empty signature", func(d *etree.Document) {
			d.Root().RemoveChild(d.Root().SelectElement("Signature"))
			d.Root().CreateElement("ds:Signature").CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		}},
		{"digest smuggled in outside SignedInfo (CVE-2024-45409)", func(d *etree.Document) {
			ext := d.Root().CreateElement("samlp:Extensions")
			ext.AddChild(d.FindElement("//DigestValue").Copy())
			d.FindElement("//Reference/DigestValue").SetText("AAAA")
		}},
		{"prefix bound to another namespace (CVE-2025-25292)", func(d *etree.Document) {
			d.FindElement("//SignedInfo").CreateAttr("xmlns:ds", "urn:other")
		}},
		{"references, the last one fits (CVE-2026-33487)", func(d *etree.Document) {
			info, ref := d.FindElement("//SignedInfo"), d.FindElement("//Reference")
			first := ref.Copy()
			first.CreateAttr("URI", "#_evil")
			info.InsertChildAt(ref.Index(), first)
		}},
		{"signature value is no base64", func(d *etree.Document) { d.FindElement("//SignatureValue").SetText("!") }},
	}
}

func TestPostWeakSignature(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	for _, tc := range []struct {
		name   string
		doc    *etree.Document
		refuse bool
	}{
		{"SHA-1", peer.Signed(t, peer.AuthnRequest("", ""), peer.RSA(), func(c *dsig.SigningContext) { c.Hash = crypto.SHA1 }), true},
		{"inclusive canonicalisation", peer.Signed(t, peer.AuthnRequest("", ""), peer.RSA(), func(c *dsig.SigningContext) { c.Canonicalizer = dsig.MakeC14N10RecCanonicalizer() }), true},
		{"another's certificate in KeyInfo", peer.Signed(t, peer.AuthnRequest("", ""), peer.Other()), true},
		{"SHA-512", peer.Signed(t, peer.AuthnRequest("", ""), peer.RSA(), func(c *dsig.SigningContext) { c.Hash = crypto.SHA512 }), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := peer.Post(t, tc.doc).Check(md, peer.SSO, peer.Noon)
			if got := fault.CodeOf(err) == "federation.request.signature"; got != tc.refuse || !tc.refuse && err != nil {
				t.Errorf("Check = %v, want refused %v", err, tc.refuse)
			}
		})
	}
}

func TestReadPostRefuses(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString([]byte(peer.AuthnRequest("", "")))
	for _, tc := range []struct{ name, request, relayState string }{
		{"nothing", "", ""},
		{"no base64", "!" + good, ""},
		{"deflated", peer.Pack(peer.AuthnRequest("", "")), ""},
		{"over 256 kB", base64.StdEncoding.EncodeToString([]byte(peer.AuthnRequest("", strings.Repeat(" ", 256<<10)))), ""},
		{"a megabyte", strings.Repeat("A", 1<<20), ""},
		{"long relay state", good, strings.Repeat("a", 4097)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := oiosaml.ReadPost(tc.request, tc.relayState); fault.CodeOf(err) != "federation.request.malformed" {
				t.Errorf("ReadPost = %v, want malformed", err)
			}
		})
	}
	if _, err := oiosaml.ReadPost(good[:76]+"\r\n"+good[76:], ""); err != nil {
		t.Errorf("ReadPost of base64 in lines = %v", err)
	}
}

// A message that is cheap to send must be cheap to refuse: with crewjam/saml
// alone these took 1 to 22 seconds each and the large ones were accepted.
func TestBombs(t *testing.T) {
	t.Parallel()
	elements := func(n int) string { return peer.AuthnRequest("", strings.Repeat("<a/>", n)) }
	nested := func(n int) string { return peer.AuthnRequest("", strings.Repeat("<a>", n)+strings.Repeat("</a>", n)) }
	signature := `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>`
	for _, tc := range []struct{ name, xml string }{
		{"4 MB of empty elements", elements(1 << 20)},
		{"a million nested elements", nested(1 << 20)},
		{"30,000 nested elements", nested(30_000)},
		{"41 nested elements", nested(41)},
		{"5,000 elements", elements(5000)},
		{"over 1,000 elements and an empty signature", peer.AuthnRequest("", signature+strings.Repeat("<a/>", 1000))},
		{"10,000 attributes", peer.AuthnRequest("", "<a "+strings.Repeat(`b="c" `, 10_000)+"/>")},
		{"entity expansion", `<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">]>` + peer.AuthnRequest("", "&b;")},
		{"100 MB of spaces", peer.AuthnRequest("", strings.Repeat(" ", 100<<20))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			packed, start := "SAMLRequest="+url.QueryEscape(peer.Pack(tc.xml)), time.Now()
			_, err := oiosaml.ReadRedirect(packed)
			if took := time.Since(start); fault.CodeOf(err) != "federation.request.malformed" || took > time.Second {
				t.Errorf("ReadRedirect of %d bytes = %v in %v, want malformed at once", len(packed), err, took)
			}
		})
	}
}

// The dearest message that passes the guard must not keep a processor busy
// before its signature is found to be wrong.
func TestDearestMessage(t *testing.T) {
	t.Parallel()
	var namespaces strings.Builder
	for i := range 22 {
		namespaces.WriteString(` xmlns:n` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `="urn:x"`)
	}
	inner := strings.Repeat("<a>", 30) + strings.Repeat(`<b c="d"/>`, 900) + strings.Repeat("</a>", 30)
	doc := peer.Signed(t, peer.AuthnRequest(namespaces.String(), inner), peer.Other())
	m, start := peer.Post(t, doc), time.Now()
	_, err := m.Check(peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS), peer.SSO, peer.Noon)
	took := time.Since(start)
	t.Logf("refused after %v", took)
	if fault.CodeOf(err) != "federation.request.signature" || took > time.Second {
		t.Errorf("Check = %v in %v, want a wrong signature at once", err, took)
	}
}

// extensions asks for attribute profiles of OIOSAML 4.
func extensions(profiles ...string) string {
	return `<samlp:Extensions><eid:RequestedAttributeProfiles xmlns:eid="https://data.gov.dk/eid/saml/extensions"><eid:Profile>` +
		strings.Join(profiles, "</eid:Profile><eid:Profile>") + `</eid:Profile></eid:RequestedAttributeProfiles></samlp:Extensions>`
}

func TestCheckReadsDepth(t *testing.T) {
	t.Parallel()
	md := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	inner := extensions("https://data.gov.dk/eid/Person/DK", oiosaml.ProfessionalDK) + `<saml:Subject><saml:NameID>4711</saml:NameID></saml:Subject>` +
		`<samlp:Scoping><samlp:RequesterID>https://a.example</samlp:RequesterID><samlp:RequesterID>https://b.example</samlp:RequesterID></samlp:Scoping>`
	got, err := peer.Post(t, peer.Signed(t, peer.AuthnRequest("", inner), peer.RSA())).Check(md, peer.SSO, peer.Noon)
	if err != nil || got.Subject != "4711" || got.Profile != oiosaml.ProfessionalDK || !slices.Equal(got.Requesters, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("Check = %+v, %v", got, err)
	}
}

func TestCheckBy(t *testing.T) {
	t.Parallel()
	relaxed := oiosaml.Terms{Unsigned: true, Skew: time.Minute}
	bare := func(t *testing.T) *oiosaml.Message {
		t.Helper()
		doc := etree.NewDocument()
		if err := doc.ReadFromString(peer.AuthnRequest("", "")); err != nil {
			t.Fatal(err)
		}
		return peer.Post(t, doc)
	}
	strict := peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)
	md := strict
	md.SignsRequests = false
	if got, err := bare(t).CheckBy(relaxed, md, peer.SSO, peer.Noon); err != nil || got.Signer != "" || got.ID != "_request" {
		t.Errorf("CheckBy of an unsigned request = %+v, %v", got, err)
	}
	for _, tc := range []struct {
		name string
		m    *oiosaml.Message
		md   oiosaml.Metadata
		now  time.Time
		code string
	}{
		{"unsigned although the metadata says signed", bare(t), strict, peer.Noon, "federation.request.unsigned"},
		{"signed by another key", peer.Post(t, peer.Signed(t, peer.AuthnRequest("", ""), peer.Other())), md, peer.Noon, "federation.request.signature"},
		{"61 seconds old", bare(t), md, peer.Noon.Add(61 * time.Second), "federation.request.expired"},
	} {
		if _, err := tc.m.CheckBy(relaxed, tc.md, peer.SSO, tc.now); fault.CodeOf(err) != tc.code {
			t.Errorf("CheckBy of one %s = %v, want %s", tc.name, err, tc.code)
		}
	}
}
