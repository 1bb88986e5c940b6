package oiosaml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// federated is a group of two services and an identity provider; the namespaces
// stand on the groups only.
func federated(attributes string) string {
	inner := func(entityID string, inside ...string) string {
		md := strings.Replace(peer.Metadata(inside...), peer.EntityID, entityID, 1)
		return strings.Replace(md[strings.Index(md, "<md:EntityDescriptor"):], ` xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"`, "", 1)
	}
	idp := peer.IdentityMetadata(peer.SigningKey(peer.RSA()), peer.RedirectSSO)
	return `<?xml version="1.0"?><md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `>` +
		inner("https://a.example", peer.SigningKey(peer.RSA()), peer.PostACS) +
		`<md:EntitiesDescriptor xmlns:x="urn:x" cacheDuration="PT2H">` + inner("https://b.example", peer.SigningKey(peer.Other()), peer.PostACS) +
		idp[strings.Index(idp, "<md:EntityDescriptor"):] + `</md:EntitiesDescriptor></md:EntitiesDescriptor>`
}

func TestEntities(t *testing.T) {
	t.Parallel()
	raw := []byte(federated(`validUntil="2027-03-09T00:00:00Z" cacheDuration="P1DT1H"`))
	all, err := oiosaml.Entities(raw, peer.Noon)
	if err != nil || len(all) != 3 || !all[0].Service || !all[1].Service || all[2].Service || all[2].EntityID != peer.Own {
		t.Fatalf("Entities = %+v, %v", all, err)
	}
	for id, cache := range map[string]time.Duration{"https://a.example": 25 * time.Hour, "https://b.example": 2 * time.Hour} {
		one, err := oiosaml.Pick(raw, id, peer.Noon)
		if err != nil {
			t.Fatalf("Pick %s: %v", id, err)
		}
		md, err := oiosaml.ParseMetadata(one, peer.Noon)
		if err != nil || md.EntityID != id || md.CacheFor != cache || md.ValidUntil != time.Date(2027, 3, 9, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%s by itself = %+v, %v", id, md, err)
		}
		if wrong := schema(t, "metadata", one); wrong != "" {
			t.Errorf("%s by itself: %s", id, wrong)
		}
	}
	single := []byte(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS))
	if one, err := oiosaml.Pick(single, "https://other.example", peer.Noon); err != nil || string(one) != string(single) {
		t.Errorf("Pick of one party = %q, %v", one, err)
	}
}

func TestEntitiesRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ raw, code string }{
		"over":          {federated(`validUntil="2027-02-09T00:00:00Z"`), "expired"},
		"no time":       {federated(`validUntil="soon"`), "malformed"},
		"cut off":       {strings.TrimSuffix(federated(""), "</md:EntitiesDescriptor>"), "malformed"},
		"document type": {`<!DOCTYPE x>` + strings.TrimPrefix(federated(""), `<?xml version="1.0"?>`), "malformed"},
		"other XML":     {`<a><b/></a>`, "malformed"},
		"nothing":       {``, "malformed"},
		"deep":          {strings.Repeat(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`, 40), "malformed"},
		"not there":     {federated(""), "not_there"},
	} {
		if _, err := oiosaml.Pick([]byte(tc.raw), "https://c.example", peer.Noon); fault.CodeOf(err) != "federation.metadata."+tc.code {
			t.Errorf("%s: Pick = %v, want %s", name, err, tc.code)
		}
	}
}

// A federation of thousands is split in well under what a click may take.
func TestEntitiesLarge(t *testing.T) {
	t.Parallel()
	_, one, _ := strings.Cut(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS), "?>")
	var b strings.Builder
	b.WriteString(`<g:EntitiesDescriptor xmlns:g="urn:oasis:names:tc:SAML:2.0:metadata">`)
	for i := range 2000 {
		b.WriteString(strings.Replace(one, peer.EntityID, fmt.Sprintf("https://%d.example", i), 1))
	}
	b.WriteString(`</g:EntitiesDescriptor>`)
	begun := time.Now()
	all, err := oiosaml.Entities([]byte(b.String()), peer.Noon)
	if took := time.Since(begun); err != nil || len(all) != 2000 || took > 10*time.Second {
		t.Errorf("Entities of %d bytes = %d, %v in %s", b.Len(), len(all), err, took)
	}
}

// Whatever arrives is split into documents that stand by themselves, or refused.
func FuzzEntities(f *testing.F) {
	f.Add([]byte(federated(`validUntil="2027-03-09T00:00:00Z"`)))
	f.Add([]byte(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS)))
	f.Add([]byte(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"><EntityDescriptor/></EntitiesDescriptor>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := oiosaml.Entities(raw, peer.Noon)
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Entities = %v, want fault.Invalid", err)
		}
		for _, e := range all {
			if _, err := oiosaml.ParseMetadata(e.Raw, peer.Noon); err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("ParseMetadata of a part = %v", err)
			}
		}
	})
}

func TestDifference(t *testing.T) {
	t.Parallel()
	before := peer.Service(t, peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS)
	moved := strings.Replace(peer.PostACS, "https://service.example/acs", "https://service.example/saml/acs", 1)
	away := strings.Replace(peer.PostACS, "https://service.example/acs", "https://evil.example/acs", 1)
	for name, tc := range map[string]struct {
		parts                     []string
		added, removed            int
		what                      string
		same, onlyKeys, sameHosts bool
	}{
		"nothing":       {[]string{peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS}, 0, 0, "", true, true, true},
		"a key more":    {[]string{peer.SigningKey(peer.RSA()), peer.SigningKey(peer.EC()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS}, 1, 0, "", false, true, true},
		"another key":   {[]string{peer.SigningKey(peer.EC()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS}, 1, 1, "", false, true, true},
		"moved":         {[]string{peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), moved}, 0, 0, "consumers", false, false, true},
		"moved away":    {[]string{peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), away}, 0, 0, "consumers", false, false, false},
		"no encryption": {[]string{peer.SigningKey(peer.RSA()), peer.PostACS}, 0, 1, "encrypts", false, false, false},
		"asks for more": {[]string{peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS, `<md:AttributeConsumingService index="0"><md:RequestedAttribute Name="urn:x"/></md:AttributeConsumingService>`}, 0, 0, "attributes", false, false, false},
	} {
		d := before.Difference(peer.Service(t, tc.parts...))
		what := ""
		if len(d.Changes) > 0 {
			what = d.Changes[0].What
		}
		if len(d.Added) != tc.added || len(d.Removed) != tc.removed || what != tc.what || d.Same() != tc.same || d.OnlyKeys() != tc.onlyKeys || d.SameHosts() != tc.sameHosts {
			t.Errorf("%s: Difference = %+v, same %v, only keys %v, same hosts %v", name, d, d.Same(), d.OnlyKeys(), d.SameHosts())
		}
	}
}
