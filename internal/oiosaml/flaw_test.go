package oiosaml_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

var flaws = []oiosaml.Flaw{
	oiosaml.Expired, oiosaml.Early, oiosaml.OtherAudience, oiosaml.OtherAddress, oiosaml.OtherRequest, oiosaml.Unsigned, oiosaml.OtherKey,
	oiosaml.Altered, oiosaml.WeakDigest, oiosaml.CutAudience, oiosaml.WrappedBeside, oiosaml.WrappedInside,
}

// Our own reader of answers, which knows nothing of how these were made, takes the
// right one and refuses every other, encrypted or not, the Response signed or not.
func TestFlaws(t *testing.T) {
	t.Parallel()
	idp := oiosaml.NewProvider("https://adgang.example", []oiosaml.Key{peer.RSA()}, nil)
	metadata, err := idp.Publish(peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	from, err := oiosaml.ParseIdentity(metadata, peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	who := oiosaml.Person{
		UUID: "7c2b9a52-6a39-4b1d-8a0c-0c6f6b1f7a10", NameID: "0f8fad5b-d9cb-469f-a165-70867728950e", FullName: "Test", CVR: "12345678", OrgName: "Nordvind",
		Level: oiosaml.Substantial, Identity: oiosaml.Substantial, Authenticator: oiosaml.Substantial, LoginAt: peer.Noon, Until: peer.Noon.Add(5 * time.Minute),
	}
	r := oiosaml.Request{ID: "_asked", Service: peer.EntityID, Consumer: peer.ACS, NameID: oiosaml.Persistent}
	plain, sealed := peer.Service(t, peer.SigningKey(peer.Other()), peer.PostACS), peer.Service(t, peer.SigningKey(peer.Other()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS)
	for name, md := range map[string]oiosaml.Metadata{"plain": plain, "encrypted": sealed} {
		for _, m := range []oiosaml.Manner{{}, {SignResponse: true}} {
			read := func(f oiosaml.Flaw) (string, error) {
				reply, err := idp.RespondWrongly(f, m, r, md, who, peer.Noon)
				if err != nil {
					t.Fatalf("RespondWrongly(%s): %v", f, err)
				}
				if reply.URL != peer.ACS {
					t.Errorf("%s goes to %s", f, reply.URL)
				}
				a, err := oiosaml.ReadAnswer(base64.StdEncoding.EncodeToString(reply.Response))
				if err != nil {
					return string(reply.Response), err
				}
				_, err = a.Check(oiosaml.Expected{
					From: from, Audience: peer.EntityID, Consumer: peer.ACS, InReplyTo: "_asked", AskedAt: peer.Noon.Add(-time.Minute),
					Opener: opener(false), Skew: time.Minute,
				}, peer.Noon)
				return string(reply.Response), err
			}
			if xml, err := read(oiosaml.NoFlaw); err != nil {
				t.Errorf("%s, %+v: the right answer is refused: %v\n%s", name, m, err, xml)
			}
			for _, f := range flaws {
				if xml, err := read(f); err == nil {
					t.Errorf("%s, %+v: %s is taken:\n%s", name, m, f, xml)
				}
			}
		}
	}
}

// Each flaw is what its name says, and nothing else is wrong beside it.
func TestFlawsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	idp := oiosaml.NewProvider("https://adgang.example", []oiosaml.Key{peer.RSA()}, nil)
	r := oiosaml.Request{ID: "_asked", Service: peer.EntityID, Consumer: peer.ACS, NameID: oiosaml.Persistent}
	md := peer.Service(t, peer.SigningKey(peer.Other()), peer.PostACS)
	who := oiosaml.Person{NameID: "0f8fad5b-d9cb-469f-a165-70867728950e", Level: oiosaml.Low, LoginAt: peer.Noon}
	const audience = "<saml:Audience>" + peer.EntityID
	for f, want := range map[oiosaml.Flaw]string{
		oiosaml.Expired:       `NotOnOrAfter="2027-03-01T11:10:00.000Z"`,
		oiosaml.Early:         `NotBefore="2027-03-01T13:00:00.000Z"`,
		oiosaml.OtherAudience: "<saml:Audience>https://conformance.invalid/metadata<",
		oiosaml.OtherAddress:  `Recipient="https://conformance.invalid/acs"`,
		oiosaml.CutAudience:   audience + "<!-- -->.conformance.invalid</saml:Audience>",
		oiosaml.WeakDigest:    "xmldsig#rsa-sha1",
		oiosaml.WrappedInside: "<saml:Advice><saml:Assertion",
		oiosaml.WrappedBeside: "</saml:Assertion><saml:Assertion",
		oiosaml.TooLow:        "nsis/loa/Low",
	} {
		reply, err := idp.RespondWrongly(f, oiosaml.Manner{}, r, md, who, peer.Noon)
		if err != nil {
			t.Fatal(err)
		}
		xml := string(reply.Response)
		if !strings.Contains(xml, want) {
			t.Errorf("%s lacks %q:\n%s", f, want, xml)
		}
		if f != oiosaml.OtherAudience && f != oiosaml.CutAudience && !strings.Contains(xml, audience+"<") {
			t.Errorf("%s has another audience:\n%s", f, xml)
		}
		if strings.Count(xml, "<ds:Signature ") != 1 || !strings.Contains(xml, `InResponseTo="_asked"`) {
			t.Errorf("%s is not signed once, or answers another request:\n%s", f, xml)
		}
	}
}
