package oiosaml_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"testing"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// Whatever arrives, the answer is metadata that can be used or a fault.Invalid.
func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(peer.Metadata(peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.EC(), method("urn:x", "")), peer.PostACS)))
	f.Add([]byte(peer.Metadata(peer.KeyDescriptor("", ""), peer.PostACS)))
	f.Add([]byte(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		md, err := oiosaml.ParseMetadata(raw, peer.Noon)
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseMetadata = %v, want fault.Invalid", err)
		}
		if err == nil && (md.EntityID == "" || len(md.Signing) == 0 || len(md.Consumers) == 0) {
			t.Errorf("ParseMetadata = %+v, want it refused", md)
		}
	})
}

// signedOnce reads a signed request and its service's metadata, the same in
// every fuzzing process; their private key is gone. -update makes a new pair.
func signedOnce(f *testing.F) (md oiosaml.Metadata, post []byte, query string) {
	f.Helper()
	files := []string{"testdata/fuzz-service.xml", "testdata/fuzz-post.xml", "testdata/fuzz-query.txt"}
	if *update {
		for i, data := range [][]byte{
			[]byte(peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS)),
			peer.Must(peer.Signed(f, peer.AuthnRequest("", ""), peer.RSA()).WriteToBytes()),
			[]byte(peer.Redirect(f, peer.AuthnRequest("", ""), "state", peer.RSA())),
		} {
			if err := os.WriteFile(files[i], data, 0o600); err != nil {
				f.Fatal(err)
			}
		}
	}
	md, err := oiosaml.ParseMetadata(peer.Must(os.ReadFile(files[0])), peer.Noon)
	if err != nil {
		f.Fatal(err)
	}
	return md, peer.Must(os.ReadFile(files[1])), string(peer.Must(os.ReadFile(files[2])))
}

// onlySigned fails for a message that is taken for more than what the service
// signed.
func onlySigned(t *testing.T, m *oiosaml.Message, md oiosaml.Metadata) bool {
	t.Helper()
	r, err := m.Check(md, peer.SSO, peer.Noon)
	if _, refused := errors.AsType[*oiosaml.RefusalError](err); refused || err == nil && (r.ID != "_request" || r.Consumer != peer.ACS || r.ForceAuthn) {
		t.Errorf("Check = %+v, %v, which the service never signed", r, err)
	}
	return err == nil
}

// No input makes a request but what the service signed.
func FuzzReadPost(f *testing.F) {
	md, good, _ := signedOnce(f)
	f.Add(good)
	f.Add([]byte(peer.AuthnRequest(`ForceAuthn="1"`, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := oiosaml.ReadPost(base64.StdEncoding.EncodeToString(raw), "")
		if err == nil && !onlySigned(t, m, md) && bytes.Equal(raw, good) {
			t.Error("Check refuses what the service signed")
		}
	})
}

func FuzzReadRedirect(f *testing.F) {
	md, _, good := signedOnce(f)
	f.Add(good)
	f.Add("SAMLRequest=&Signature=&SAMLEncoding=")
	f.Fuzz(func(t *testing.T, query string) {
		m, err := oiosaml.ReadRedirect(query)
		if err == nil && !onlySigned(t, m, md) && query == good {
			t.Error("Check refuses what the service signed")
		}
	})
}
