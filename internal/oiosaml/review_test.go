package oiosaml_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

func TestReview(t *testing.T) {
	t.Parallel()
	const contact = `<md:ContactPerson contactType="technical"><md:GivenName>D</md:GivenName><md:EmailAddress>mailto:d@service.example</md:EmailAddress></md:ContactPerson>`
	rsa15 := `<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-1_5"/>`
	local := `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="http://localhost/acs" index="0" isDefault="true"/>`
	asks := `<md:AttributeConsumingService index="0"><md:RequestedAttribute Name="urn:mail"/></md:AttributeConsumingService>`
	for _, tc := range []struct {
		name  string
		parts []string
		want  []string
		not   []string
	}{
		{"bare", []string{peer.SigningKey(peer.RSA()), peer.PostACS}, []string{"contact.none warning", "encryption.none warning", "attribute.none notice", "name.none notice", "key.size notice"}, []string{"consumer.duplicate", "key.expired"}},
		{"expired key", []string{peer.SigningKey(peer.EC()), peer.PostACS, contact}, []string{"key.expired warning"}, []string{"contact.none", "contact.technical", "key.size"}},
		{"weak in many ways", []string{peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.RSA(), rsa15), peer.PostACS, local, asks}, []string{"encryption.weak warning", "consumer.http warning", "consumer.duplicate warning", "attribute.unknown warning"}, []string{"encryption.none", "attribute.none"}},
	} {
		found := peer.Service(t, tc.parts...).Review(peer.Noon)
		var got []string
		for _, f := range found {
			got = append(got, f.Code+" "+f.Tone)
		}
		for _, want := range tc.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s: %q lack %s", tc.name, got, want)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(strings.Join(got, "\n"), not) {
				t.Errorf("%s: %q have %s", tc.name, got, not)
			}
		}
		if !slices.IsSortedFunc(found, func(a, b oiosaml.Finding) int { return strings.Compare(b.Tone, a.Tone) }) {
			t.Errorf("%s: warnings do not come first: %q", tc.name, got)
		}
	}
}
