// Package peer plays a service provider for tests: its keys, its metadata and the
// requests it signs, made with goxmldsig and not with our own code.
package peer

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

	"github.com/adgang/adgang/internal/oiosaml"
)

// Where the two parties are.
const (
	Base     = "https://adgang.example" // of the identity provider
	SSO      = Base + "/saml/idp/sso"
	EntityID = "https://service.example/metadata"
	ACS      = "https://service.example/acs"
)

// Noon is the instant at which tests happen.
var Noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// keys are made once for all tests: they are expensive and nothing depends on
// which one it is.
var (
	RSA   = sync.OnceValue(func() oiosaml.Key { return Must(oiosaml.NewKey(oiosaml.RSA, "https://key.example", Noon)) })
	Other = sync.OnceValue(func() oiosaml.Key { return Must(oiosaml.NewKey(oiosaml.RSA, "https://other.example", Noon)) })
	EC    = sync.OnceValue(func() oiosaml.Key { return Certify(Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))) })
	Weak  = sync.OnceValue(func() oiosaml.Key { return Certify(Must(rsa.GenerateKey(rand.Reader, 1024))) }) //nolint:gosec // too short on purpose
)

func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Certify wraps any key in a self-signed certificate that has expired: dates
// Must not matter.
func Certify(private crypto.Signer) oiosaml.Key {
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: Noon.AddDate(-2, 0, 0), NotAfter: Noon.AddDate(-1, 0, 0)}
	der := Must(x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private))
	return oiosaml.Key{Private: private, Certificate: Must(x509.ParseCertificate(der))}
}

func PEM64(k oiosaml.Key) string { return base64.StdEncoding.EncodeToString(k.Certificate.Raw) }

func KeyDescriptor(use, inner string) string {
	if use != "" {
		use = ` use="` + use + `"`
	}
	return `<md:KeyDescriptor` + use + `><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + inner + `</ds:KeyInfo></md:KeyDescriptor>`
}

func SigningKey(k oiosaml.Key) string {
	return KeyDescriptor("signing", `<ds:X509Data><ds:X509Certificate>`+PEM64(k)+`</ds:X509Certificate></ds:X509Data>`)
}

// EncryptionKey takes EncryptionMethod elements, as they stand in metadata.
func EncryptionKey(k oiosaml.Key, methods string) string {
	return strings.Replace(KeyDescriptor("encryption", `<ds:X509Data><ds:X509Certificate>`+PEM64(k)+`</ds:X509Certificate></ds:X509Data>`),
		"</md:KeyDescriptor>", methods+"</md:KeyDescriptor>", 1)
}

const PostACS = `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + ACS + `" index="0"/>`

// Metadata writes the metadata of a service whose role holds parts.
func Metadata(parts ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + EntityID + `">` +
		`<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true">` +
		strings.Join(parts, "") + `</md:SPSSODescriptor></md:EntityDescriptor>`
}

func Service(t testing.TB, parts ...string) oiosaml.Metadata {
	t.Helper()
	md, err := oiosaml.ParseMetadata([]byte(Metadata(parts...)), Noon)
	if err != nil {
		t.Fatalf("ParseMetadata: %v", err)
	}
	return md
}

// AuthnRequest writes a request made at noon; attrs and inner are raw XML.
func AuthnRequest(attrs, inner string) string {
	return fmt.Sprintf(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`+
		` ID="_request" Version="2.0" IssueInstant="2027-03-01T12:00:00Z" Destination="%s" %s><saml:Issuer>%s</saml:Issuer>%s</samlp:AuthnRequest>`,
		SSO, attrs, EntityID, inner)
}

// Redirect packs and signs a request as the Redirect binding wants it.
func Redirect(t testing.TB, xml, relayState string, k oiosaml.Key) string {
	t.Helper()
	return RedirectAs(t, "SAMLRequest", xml, relayState, k)
}

// RedirectAs is Redirect for a message in the parameter field.
func RedirectAs(t testing.TB, field, xml, relayState string, k oiosaml.Key) string {
	t.Helper()
	q := field + "=" + url.QueryEscape(Pack(xml))
	if relayState != "" {
		q += "&RelayState=" + url.QueryEscape(relayState)
	}
	algorithm := dsig.RSASHA256SignatureMethod
	if _, ok := k.Private.(*ecdsa.PrivateKey); ok {
		algorithm = dsig.ECDSASHA256SignatureMethod
	}
	q += "&SigAlg=" + url.QueryEscape(algorithm)
	digest := sha256.Sum256([]byte(q))
	signature := Must(RawSigner{k.Private}.Sign(rand.Reader, digest[:], crypto.SHA256))
	return q + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

func Pack(xml string) string {
	var b bytes.Buffer
	w := Must(flate.NewWriter(&b, flate.BestCompression))
	Must(io.WriteString(w, xml))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// unpack is the inverse of Pack.
func unpack(t testing.TB, packed string) []byte {
	t.Helper()
	return Must(io.ReadAll(flate.NewReader(bytes.NewReader(Must(base64.StdEncoding.DecodeString(packed))))))
}

// RawSigner turns Go's ASN.1 ECDSA signatures into XML's r||s.
type RawSigner struct{ crypto.Signer }

func (s RawSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
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

// Signed returns the request with an enveloped signature by goxmldsig.
func Signed(t testing.TB, xml string, k oiosaml.Key, adjust ...func(*dsig.SigningContext)) *etree.Document {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(xml); err != nil {
		t.Fatalf("read %s: %v", xml, err)
	}
	ctx := Must(dsig.NewSigningContext(RawSigner{k.Private}, [][]byte{k.Certificate.Raw}))
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	for _, a := range adjust {
		a(ctx)
	}
	doc.SetRoot(Must(ctx.SignEnveloped(doc.Root())))
	signed := etree.NewDocument() // read again: the signer links parents wrongly
	if err := signed.ReadFromBytes(Must(doc.WriteToBytes())); err != nil {
		t.Fatalf("read the signed request: %v", err)
	}
	return signed
}

// Post packs a document for the POST binding.
func Post(t testing.TB, doc *etree.Document) *oiosaml.Message {
	t.Helper()
	m, err := oiosaml.ReadPost(base64.StdEncoding.EncodeToString(Must(doc.WriteToBytes())), "state")
	if err != nil {
		t.Fatalf("ReadPost: %v", err)
	}
	return m
}
