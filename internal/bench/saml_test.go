package bench_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/federation"
)

const (
	samlRounds = 7
	samlEach   = 150
)

// BenchmarkSAMLResponse makes encrypted responses with one RSA-2048 signature
// each, and compares that with the bare signature, which nothing can go below.
func BenchmarkSAMLResponse(b *testing.B) {
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	idpKey, err := federation.NewKey("https://adgang.example/saml/idp/metadata", now)
	if err != nil {
		b.Fatal(err)
	}
	serviceKey, err := federation.NewKey("https://service.example/metadata", now)
	if err != nil {
		b.Fatal(err)
	}
	md, err := federation.ParseMetadata([]byte(fmt.Sprintf(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://service.example/metadata">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://service.example/acs"/>
</SPSSODescriptor></EntityDescriptor>`, base64.StdEncoding.EncodeToString(serviceKey.Certificate.Raw))), now)
	if err != nil {
		b.Fatal(err)
	}
	idp := federation.NewProvider("https://adgang.example", []federation.Key{idpKey}, []federation.Key{idpKey})
	request := federation.Request{
		ID: "_request", Service: md.EntityID, Consumer: "https://service.example/acs", IssuedAt: now, NameID: federation.Persistent,
	}
	person := federation.Person{
		UUID: "01a204db-03c3-7afe-a8ea-9bdaf53faaee", NameID: "01a204db-03c3-8afe-a8ea-9bdaf53faaef", FullName: "Åse Ærø Østergaard",
		FirstName: "Åse Ærø", LastName: "Østergaard", Email: "aase@nordvind.example", RID: "1290000048271", CVR: "11223344",
		OrgName: "Nordvind Pumper A/S", Level: federation.Low, LoginAt: now,
	}
	digest := sha256.Sum256([]byte("an assertion"))
	respond := func() error { _, err := idp.Respond(request, md, person, now); return err }
	sign := func() error { _, err := idpKey.Private.Sign(rand.Reader, digest[:], crypto.SHA256); return err }
	for b.Loop() {
		// 1.3 times the signature's time at most: 0.77 of its rate at least.
		result := comparison{name: "SAML response", unit: "responses", limitName: "signature", goal: 1 / 1.3}
		for range samlRounds {
			limit := repeat(b, samlEach, sign)
			result.add(repeat(b, samlEach, respond), limit)
		}
		result.report(b)
	}
}

// repeat does a thing n times on one goroutine.
func repeat(b *testing.B, n int, do func() error) pace {
	b.Helper()
	meter := cpu{}
	cpuBefore, start := meter.used(b), time.Now()
	for range n {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	return pace{units: n, elapsed: time.Since(start), cpu: meter.used(b) - cpuBefore}
}
