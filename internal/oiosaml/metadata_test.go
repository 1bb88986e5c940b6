package oiosaml_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

func TestParseMetadata(t *testing.T) {
	t.Parallel()
	role := `<md:Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui"><mdui:DisplayName xml:lang="da">Løn &amp; fravær</mdui:DisplayName></mdui:UIInfo></md:Extensions>` +
		peer.SigningKey(peer.RSA()) + peer.KeyDescriptor("signing", `<ds:KeyName>only a name</ds:KeyName>`) +
		peer.KeyDescriptor("signing", `<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>`) + peer.SigningKey(peer.EC()) +
		peer.EncryptionKey(peer.Other(), `<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"/>`) +
		`<md:NameIDFormat>` + oiosaml.Persistent + `</md:NameIDFormat>` + peer.PostACS +
		`<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" Location="http://elsewhere.example" index="1"/>` +
		`<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="http://127.0.0.1:8080/acs" index="2" isDefault="true"/>` +
		`<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">Payroll</md:ServiceName>` +
		`<md:RequestedAttribute Name="https://data.gov.dk/model/core/eid/email" isRequired="true"/></md:AttributeConsumingService>`
	raw := strings.Replace(peer.Metadata(role), "</md:EntityDescriptor>",
		`<md:Organization><md:OrganizationDisplayName xml:lang="en">Company</md:OrganizationDisplayName></md:Organization>`+
			`<md:ContactPerson contactType="technical"><md:GivenName>Ida</md:GivenName><md:SurName>Ibsen</md:SurName><md:EmailAddress>mailto:ida@service.example</md:EmailAddress></md:ContactPerson>`+
			`<md:ContactPerson contactType="support"><md:TelephoneNumber>12345678</md:TelephoneNumber></md:ContactPerson></md:EntityDescriptor>`, 1)
	raw = "\xef\xbb\xbf" + strings.Replace(raw, `<md:SPSSODescriptor `, `<md:SPSSODescriptor cacheDuration="PT1H" validUntil="2027-03-02T12:00:00Z" `, 1)

	md, err := oiosaml.ParseMetadata([]byte(raw), peer.Noon)
	if err != nil {
		t.Fatalf("ParseMetadata = %v", err)
	}
	if md.EntityID != peer.EntityID || md.Name.In("en") != "Løn & fravær" || md.Organisation.In("da") != "Company" || !md.SignsRequests {
		t.Errorf("ParseMetadata = %q %q %q %v", md.EntityID, md.Name, md.Organisation, md.SignsRequests)
	}
	if want := []oiosaml.Consumer{{URL: peer.ACS, Index: 0}, {URL: "http://127.0.0.1:8080/acs", Index: 2, Default: true}}; !reflect.DeepEqual(md.Consumers, want) {
		t.Errorf("Consumers = %+v, want %+v", md.Consumers, want)
	}
	if len(md.Signing) != 2 || !md.Signing[0].Equal(peer.RSA().Certificate) || !md.Signing[1].Equal(peer.EC().Certificate) {
		t.Errorf("Signing = %d certificates, want the RSA and the ECDSA one", len(md.Signing))
	}
	if len(md.Encryption) != 1 || !md.Encryption[0].Certificate.Equal(peer.Other().Certificate) || len(md.Encryption[0].Methods) != 1 {
		t.Errorf("Encryption = %+v, want one key with one method", md.Encryption)
	}
	if len(md.Notices) != 2 {
		t.Errorf("Notices = %q, want one for each of the two bad keys", md.Notices)
	}
	if want := []oiosaml.RequestedAttribute{{Name: "https://data.gov.dk/model/core/eid/email", Required: true}}; !reflect.DeepEqual(md.Requested, want) {
		t.Errorf("Requested = %+v, want %+v", md.Requested, want)
	}
	if want := []oiosaml.Contact{{Kind: "technical", Name: "Ida Ibsen", Emails: []string{"ida@service.example"}}, {Kind: "support", Phones: []string{"12345678"}}}; !reflect.DeepEqual(md.Contacts, want) {
		t.Errorf("Contacts = %+v, want %+v", md.Contacts, want)
	}
	if !md.ValidUntil.Equal(peer.Noon.Add(24 * time.Hour)) {
		t.Errorf("ValidUntil = %v", md.ValidUntil)
	}
}

func TestParseMetadataRefuses(t *testing.T) {
	t.Parallel()
	good := peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS)
	for _, tc := range []struct{ name, raw, code string }{
		{"empty file", "", "malformed"},
		{"no XML", "{}", "malformed"},
		{"UTF-16", "\xff\xfe<\x00a\x00/\x00>\x00", "malformed"},
		{"another encoding declared", strings.Replace(good, "UTF-8", "ISO-8859-1", 1), "malformed"},
		{"document type", strings.Replace(good, "<md:Entity", `<!DOCTYPE a [<!ENTITY b "c">]><md:Entity`, 1), "malformed"},
		{"processing instruction", strings.Replace(good, "<md:Entity", `<?xml-stylesheet href="a"?><md:Entity`, 1), "malformed"},
		{"second root", good + good[strings.Index(good, "<md:"):], "malformed"},
		{"text after the root", good + "more", "malformed"},
		{"doubled attribute", strings.Replace(good, "entityID=", `entityID="https://first.example" entityID=`, 1), "malformed"},
		{"not closed", good[:len(good)-1], "malformed"},
		{"over 1 MB", strings.Replace(good, "</md:SPSSO", strings.Repeat(" ", 1<<20)+"</md:SPSSO", 1), "malformed"},
		{"too many elements", strings.Replace(good, "</md:SPSSO", strings.Repeat("<a/>", 5000)+"</md:SPSSO", 1), "malformed"},
		{"too deep", strings.Replace(good, "</md:SPSSO", strings.Repeat("<a>", 50)+strings.Repeat("</a>", 50)+"</md:SPSSO", 1), "malformed"},
		{"other root", "<a/>", "malformed"},
		{"other namespace", strings.ReplaceAll(good, "SAML:2.0:metadata", "SAML:2.0:other"), "malformed"},
		{"group", `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`, "aggregate"},
		{"identity provider", strings.ReplaceAll(good, "SPSSODescriptor", "IDPSSODescriptor"), "not_service"},
		{"SAML 1.1", strings.Replace(good, "SAML:2.0:protocol", "SAML:1.1:protocol", 1), "not_service"},
		{"no entityID", strings.Replace(good, "entityID", "other", 1), "entity_id"},
		{"long entityID", strings.Replace(good, peer.EntityID, peer.EntityID+strings.Repeat("a", 1024), 1), "entity_id"},
		{"ended", strings.Replace(good, "entityID", `validUntil="2027-03-01T12:00:00Z" entityID`, 1), "expired"},
		{"end is no instant", strings.Replace(good, "entityID", `validUntil="soon" entityID`, 1), "malformed"},
		{"no key", peer.Metadata(peer.PostACS), "key"},
		{"only an encryption key", peer.Metadata(peer.EncryptionKey(peer.RSA(), ""), peer.PostACS), "key"},
		{"short RSA key", peer.Metadata(peer.SigningKey(peer.RSA()), peer.SigningKey(peer.Weak()), peer.PostACS), "key_weak"},
		{"encryption key is ECDSA", peer.Metadata(peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.EC(), ""), peer.PostACS), "encryption_key"},
		{"encryption key without certificate", peer.Metadata(peer.SigningKey(peer.RSA()), peer.KeyDescriptor("encryption", ""), peer.PostACS), "encryption_key"},
		{"no consumer", peer.Metadata(peer.SigningKey(peer.RSA())), "consumer"},
		{"consumer of another binding", strings.Replace(good, "HTTP-POST", "PAOS", 1), "consumer"},
		{"consumer over http", strings.Replace(good, peer.ACS, "http://service.example/acs", 1), "consumer_url"},
		{"consumer with a user", strings.Replace(good, peer.ACS, "https://service.example@evil.example/", 1), "consumer_url"},
		{"consumer is a script", strings.Replace(good, peer.ACS, "javascript:alert(1)", 1), "consumer_url"},
		{"loopback only in the name", strings.Replace(good, peer.ACS, "http://127.0.0.1.evil.example/", 1), "consumer_url"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := oiosaml.ParseMetadata([]byte(tc.raw), peer.Noon)
			if got := fault.CodeOf(err); got != "federation.metadata."+tc.code || fault.KindOf(err) != fault.Invalid {
				t.Errorf("ParseMetadata = %v, want code %s", err, tc.code)
			}
		})
	}
}
