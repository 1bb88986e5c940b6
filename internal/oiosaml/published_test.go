package oiosaml_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
)

// schema says what xmllint finds wrong with a document, "" when it is valid.
func schema(t *testing.T, name string, document []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "document.xml")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", "--nonet", "--noout", "--schema", filepath.Join(simplesamlphp.Schemas, "saml-schema-"+name+"-2.0.xsd"), file).CombinedOutput()
	if err == nil {
		return ""
	}
	return string(out)
}

func relyingParty() oiosaml.RelyingParty {
	return oiosaml.RelyingParty{
		EntityID: peer.Base + "/saml/sp/metadata", Consumer: peer.Base + "/saml/sp/acs", Logout: peer.Base + "/saml/sp/slo", Name: "Ådgang & <co>",
		Signing: []oiosaml.Key{peer.RSA(), peer.EC()}, Encryption: []oiosaml.Key{peer.Other()}, Contact: "drift@adgang.example",
		Attributes: []string{oiosaml.AttrLoA, oiosaml.AttrCVR},
	}
}

// What Adgang publishes is valid by the schema, and its signature verifies by other
// hands, over all of it.
func TestPublish(t *testing.T) {
	t.Parallel()
	for name, publish := range map[string]func(time.Time) ([]byte, error){
		"identity provider": provider().Publish, "service provider": relyingParty().Publish,
		"identity provider by ECDSA": oiosaml.NewProvider(peer.Base, []oiosaml.Key{peer.EC()}, nil).Publish,
	} {
		key := peer.RSA()
		if strings.HasSuffix(name, "ECDSA") {
			key = peer.EC()
		}
		document, err := publish(peer.Noon)
		if err != nil {
			t.Fatalf("%s: Publish: %v", name, err)
		}
		if wrong := schema(t, "metadata", document); wrong != "" {
			t.Errorf("%s: %s\n%s", name, wrong, document)
		}
		verify := func(document []byte) error {
			_, err := xmlsec(t, document, "--verify", "--trusted-pem", pemFile(t, "CERTIFICATE", key.Certificate.Raw),
				"--verification-gmt-time", key.Certificate.NotBefore.Add(time.Hour).UTC().Format(time.DateTime), "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor")
			return err
		}
		if err := verify(document); err != nil {
			t.Errorf("%s: xmlsec1 does not verify: %v\n%s", name, err, document)
		}
		for _, change := range [][2]string{{"PT6H", "PT9H"}, {"https://adgang.example/saml/", "https://evil.example/saml/"}, {`use="signing"`, `use="encryption"`}} {
			altered := bytes.Replace(document, []byte(change[0]), []byte(change[1]), 1)
			if bytes.Equal(altered, document) || verify(altered) == nil {
				t.Errorf("%s: xmlsec1 verifies it with %s", name, change[1])
			}
		}
	}
}

// validUntil is the end of the signing certificate, and never so near that a copy
// fetched today is over before anybody comes back.
func TestPublishValidity(t *testing.T) {
	t.Parallel()
	end := peer.RSA().Certificate.NotAfter
	for now, want := range map[time.Time]time.Time{
		peer.Noon:             end,
		end.AddDate(0, 0, -1): end.AddDate(0, 0, 29),
		end.AddDate(1, 0, 0):  end.AddDate(1, 0, 30),
	} {
		document, err := provider().Publish(now)
		if err != nil {
			t.Fatal(err)
		}
		md, err := oiosaml.ParseIdentity(document, now)
		if err != nil || !md.ValidUntil.Equal(want) || md.CacheFor != 6*time.Hour {
			t.Errorf("published at %s: %v, valid until %s, fetched each %s, want until %s", now, err, md.ValidUntil, md.CacheFor, want)
		}
	}
}

// Every kind of message that Adgang sends to services and identity providers is
// valid by the schema; logout is in TestLogoutByOtherHands. The schemas are from
// before XML Encryption 1.1, so an answer with its MGF element is not among them.
func TestMessagesBySchema(t *testing.T) {
	t.Parallel()
	r := request
	r.ID = "_request"
	messages := map[string][]byte{
		"response":           respond(t, r, peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS)),
		"encrypted response": respond(t, r, peer.Service(t, peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS)),
	}
	who := person
	who.Profile, who.Privileges, who.Identity, who.Authenticator = oiosaml.ProfessionalDK, "PGE+", oiosaml.Low, oiosaml.Substantial
	signed, err := provider().RespondIn(oiosaml.Manner{SignResponse: true}, r, peer.Service(t, peer.SigningKey(peer.RSA()), peer.PostACS), who, peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	messages["signed response"] = signed.Response
	refusal, err := provider().Refuse(r, &oiosaml.RefusalError{Code: oiosaml.Responder, Why: oiosaml.NoAuthnContext, Text: "<No>"}, peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	messages["refusal"] = refusal.Response
	to := peer.Identity(t)
	to.SignOn = []oiosaml.Endpoint{{Binding: oiosaml.HTTPPost, URL: peer.OwnSSO}}
	for name, a := range map[string]oiosaml.Asking{
		"request": {},
		"request with everything": {
			ForceAuthn: true, IsPassive: true, NameID: oiosaml.Persistent, Level: oiosaml.Substantial, For: []string{peer.EntityID, "https://b.example"},
			Profiles: []string{"https://data.gov.dk/eid/Professional"},
		},
	} {
		a.ID, a.Issuer, a.Consumer = oiosaml.NewRequestID(), peer.Base, peer.Base+"/acs?a=b&c=d"
		sent, err := peer.RSA().Ask(to, a, peer.Noon)
		if err != nil {
			t.Fatal(err)
		}
		messages[name] = peer.Must(base64.StdEncoding.DecodeString(sent.Message))
	}
	for name, message := range messages {
		if wrong := schema(t, "protocol", message); wrong != "" {
			t.Errorf("%s: %s\n%s", name, wrong, message)
		}
	}
	broken := bytes.Replace(messages["refusal"], []byte("samlp:StatusMessage"), []byte("samlp:StatusMassage"), 2)
	if schema(t, "protocol", broken) == "" {
		t.Error("xmllint takes an element that there is not: the test proves nothing")
	}
}

// A document counts as signed only by a key that was expected, and whole.
func TestSignedMetadata(t *testing.T) {
	t.Parallel()
	plain := strings.Replace(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS), "<md:EntityDescriptor ", `<md:EntityDescriptor ID="_doc" `, 1)
	signed := peer.Must(peer.Signed(t, plain, peer.Other()).WriteToBytes())
	pinned := []*x509.Certificate{peer.RSA().Certificate, peer.Other().Certificate}
	md, by, err := oiosaml.SignedMetadata(signed, pinned, peer.Noon)
	if err != nil || by == nil || !by.Equal(peer.Other().Certificate) || md.EntityID != peer.EntityID {
		t.Fatalf("SignedMetadata = %v, %v", md.EntityID, err)
	}
	if cert, err := oiosaml.MetadataSigner(signed, peer.Noon); err != nil || !cert.Equal(peer.Other().Certificate) {
		t.Errorf("MetadataSigner = %v", err)
	}
	for name, document := range map[string][]byte{
		"unsigned": []byte(plain), "signed by another": peer.Must(peer.Signed(t, plain, peer.RSA()).WriteToBytes()),
		"altered": bytes.Replace(signed, []byte(peer.ACS), []byte("https://evil.example/acs"), 1),
		"wrapped": bytes.Replace(bytes.Replace(signed, []byte(`ID="_doc"`), []byte(`ID="_evil"`), 1), []byte("</md:EntityDescriptor>"), append(append([]byte("<md:Extensions>"), signed...), "</md:Extensions></md:EntityDescriptor>"...), 1),
	} {
		if _, _, err := oiosaml.SignedMetadata(document, pinned[1:], peer.Noon); err == nil {
			t.Errorf("%s: it counts as signed", name)
		}
	}
}
