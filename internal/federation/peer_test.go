package federation_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/adgang/adgang/internal/federation"
)

const (
	base = "https://adgang.example"
	acs  = "https://service.example/acs"
	sso  = base + "/saml/idp/sso"
	sp   = "https://service.example/metadata"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// keys are made once for all tests: they are expensive and nothing depends on
// which one it is.
var (
	rsaKey   = sync.OnceValue(func() federation.Key { return must(federation.NewKey("https://key.example", noon)) })
	otherKey = sync.OnceValue(func() federation.Key { return must(federation.NewKey("https://other.example", noon)) })
	ecKey    = sync.OnceValue(func() federation.Key { return certify(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))) })
	weakKey  = sync.OnceValue(func() federation.Key { return certify(must(rsa.GenerateKey(rand.Reader, 1024))) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// certify wraps any key in a self-signed certificate that has expired: dates
// must not matter.
func certify(private crypto.Signer) federation.Key {
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon.AddDate(-2, 0, 0), NotAfter: noon.AddDate(-1, 0, 0)}
	der := must(x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private))
	return federation.Key{Private: private, Certificate: must(x509.ParseCertificate(der))}
}

func pem64(k federation.Key) string { return base64.StdEncoding.EncodeToString(k.Certificate.Raw) }

func keyDescriptor(use, inner string) string {
	if use != "" {
		use = ` use="` + use + `"`
	}
	return `<md:KeyDescriptor` + use + `><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + inner + `</ds:KeyInfo></md:KeyDescriptor>`
}

func signingKey(k federation.Key) string {
	return keyDescriptor("signing", `<ds:X509Data><ds:X509Certificate>`+pem64(k)+`</ds:X509Certificate></ds:X509Data>`)
}

// encryptionKey takes EncryptionMethod elements, as they stand in metadata.
func encryptionKey(k federation.Key, methods string) string {
	return strings.Replace(keyDescriptor("encryption", `<ds:X509Data><ds:X509Certificate>`+pem64(k)+`</ds:X509Certificate></ds:X509Data>`),
		"</md:KeyDescriptor>", methods+"</md:KeyDescriptor>", 1)
}

const postACS = `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + acs + `" index="0"/>`

// spMetadata writes the metadata of a service whose role holds parts.
func spMetadata(parts ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + sp + `">` +
		`<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true">` +
		strings.Join(parts, "") + `</md:SPSSODescriptor></md:EntityDescriptor>`
}

func service(t testing.TB, parts ...string) federation.Metadata {
	t.Helper()
	md, err := federation.ParseMetadata([]byte(spMetadata(parts...)), noon)
	if err != nil {
		t.Fatalf("ParseMetadata: %v", err)
	}
	return md
}

// authnRequest writes a request made at noon; attrs and inner are raw XML.
func authnRequest(attrs, inner string) string {
	return fmt.Sprintf(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`+
		` ID="_request" Version="2.0" IssueInstant="2027-03-01T12:00:00Z" Destination="%s" %s><saml:Issuer>%s</saml:Issuer>%s</samlp:AuthnRequest>`,
		sso, attrs, sp, inner)
}

// redirect packs and signs a request as the Redirect binding wants it.
func redirect(t testing.TB, xml, relayState string, k federation.Key) string {
	t.Helper()
	q := "SAMLRequest=" + url.QueryEscape(pack(xml))
	if relayState != "" {
		q += "&RelayState=" + url.QueryEscape(relayState)
	}
	algorithm := dsig.RSASHA256SignatureMethod
	if _, ok := k.Private.(*ecdsa.PrivateKey); ok {
		algorithm = dsig.ECDSASHA256SignatureMethod
	}
	q += "&SigAlg=" + url.QueryEscape(algorithm)
	digest := sha256.Sum256([]byte(q))
	signature := must(rawSigner{k.Private}.Sign(rand.Reader, digest[:], crypto.SHA256))
	return q + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

func pack(xml string) string {
	var b bytes.Buffer
	w := must(flate.NewWriter(&b, flate.BestCompression))
	must(io.WriteString(w, xml))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// rawSigner turns Go's ASN.1 ECDSA signatures into XML's r||s.
type rawSigner struct{ crypto.Signer }

func (s rawSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := s.Signer.Sign(random, digest, opts)
	key, ok := s.Signer.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return der, err
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		return nil, errors.New("not ASN.1")
	}
	size := (key.Params().N.BitLen() + 7) / 8
	return append(v.R.FillBytes(make([]byte, size)), v.S.FillBytes(make([]byte, size))...), nil
}

// signedRequest returns the request with an enveloped signature by goxmldsig.
func signedRequest(t testing.TB, xml string, k federation.Key, adjust ...func(*dsig.SigningContext)) *etree.Document {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(xml); err != nil {
		t.Fatalf("read %s: %v", xml, err)
	}
	ctx := must(dsig.NewSigningContext(rawSigner{k.Private}, [][]byte{k.Certificate.Raw}))
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	for _, a := range adjust {
		a(ctx)
	}
	doc.SetRoot(must(ctx.SignEnveloped(doc.Root())))
	signed := etree.NewDocument() // read again: the signer links parents wrongly
	if err := signed.ReadFromBytes(must(doc.WriteToBytes())); err != nil {
		t.Fatalf("read the signed request: %v", err)
	}
	return signed
}

// post packs a document for the POST binding.
func post(t testing.TB, doc *etree.Document) *federation.Message {
	t.Helper()
	m, err := federation.ReadPost(base64.StdEncoding.EncodeToString(must(doc.WriteToBytes())), "state")
	if err != nil {
		t.Fatalf("ReadPost: %v", err)
	}
	return m
}
