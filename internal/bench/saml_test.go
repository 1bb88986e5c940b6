package bench_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
)

const (
	samlRounds = 5
	samlEach   = 200
)

// BenchmarkSAMLResponse makes responses with one RSA-2048 signature each, in
// clear and encrypted for the service, and compares them with the bare signature,
// which nothing can go below.
func BenchmarkSAMLResponse(b *testing.B) {
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	idpKey, serviceKey := samlKey(b, now), samlKey(b, now)
	idp := oiosaml.NewProvider("https://adgang.example", []oiosaml.Key{idpKey}, []oiosaml.Key{idpKey})
	digest := sha256.Sum256([]byte("an assertion"))
	sign := func() error {
		_, err := idpKey.Private.Sign(rand.Reader, digest[:], crypto.SHA256)
		return err
	}
	for _, kind := range []struct{ name, use string }{{"signed", `use="signing"`}, {"signed and encrypted", ""}} {
		b.Run(strings.ReplaceAll(kind.name, " ", "_"), func(b *testing.B) {
			md := samlService(b, serviceKey, kind.use, now)
			if encrypted := len(md.Encryption) > 0; encrypted != (kind.use == "") {
				b.Fatalf("encrypted = %v", encrypted)
			}
			respond := func() error {
				_, err := idp.Respond(samlRequest(md, now), md, samlPerson(now), now)
				return err
			}
			for b.Loop() {
				result := comparison{name: "SAML response, " + kind.name, unit: "responses", limitName: "bare signature", within: 1.3}
				for range samlRounds {
					result.add(byTurns(b, samlEach, respond, sign))
				}
				result.report(b)
			}
		})
	}
}

func samlKey(b *testing.B, now time.Time) oiosaml.Key {
	b.Helper()
	k, err := oiosaml.NewKey(oiosaml.RSA, "https://adgang.example/saml/idp/metadata", now)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

// samlService is a service whose one key is for what use says, "" for all.
func samlService(b *testing.B, k oiosaml.Key, use string, now time.Time) oiosaml.Metadata {
	b.Helper()
	md, err := oiosaml.ParseMetadata(fmt.Appendf(nil, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://service.example/metadata">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor %s><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://service.example/acs"/>
</SPSSODescriptor></EntityDescriptor>`, use, base64.StdEncoding.EncodeToString(k.Certificate.Raw)), now)
	if err != nil {
		b.Fatal(err)
	}
	return md
}

func samlRequest(md oiosaml.Metadata, now time.Time) oiosaml.Request {
	return oiosaml.Request{
		ID: "_request", Service: md.EntityID, Consumer: "https://service.example/acs", IssuedAt: now, NameID: oiosaml.Persistent,
	}
}

func samlPerson(now time.Time) oiosaml.Person {
	return oiosaml.Person{
		UUID: "01a204db-03c3-7afe-a8ea-9bdaf53faaee", NameID: "01a204db-03c3-8afe-a8ea-9bdaf53faaef", FullName: "Åse Ærø Østergaard",
		FirstName: "Åse Ærø", LastName: "Østergaard", Email: "aase@nordvind.example", RID: "1290000048271", CVR: "11223344",
		OrgName: "Nordvind Pumper A/S", Level: oiosaml.Low, LoginAt: now,
	}
}

// byTurns does n of each on one goroutine, one after the other: what slows the
// machine for a moment slows both.
func byTurns(b *testing.B, n int, ours, limit func() error) (oursPace, limitPace pace) {
	b.Helper()
	oursPace.units, limitPace.units = n, n
	for range n {
		for _, side := range []struct {
			do   func() error
			pace *pace
		}{{limit, &limitPace}, {ours, &oursPace}} {
			before, start := cpu{}.used(b), time.Now()
			if err := side.do(); err != nil {
				b.Fatal(err)
			}
			side.pace.elapsed += time.Since(start)
			side.pace.cpu += cpu{}.used(b) - before
		}
	}
	return oursPace, limitPace
}
