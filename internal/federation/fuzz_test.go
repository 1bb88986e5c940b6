package federation_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"testing"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
)

// Whatever arrives, the answer is metadata that can be used or a fault.Invalid.
func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(spMetadata(signingKey(rsaKey()), encryptionKey(ecKey(), method("urn:x", "")), postACS)))
	f.Add([]byte(spMetadata(keyDescriptor("", ""), postACS)))
	f.Add([]byte(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		md, err := federation.ParseMetadata(raw, noon)
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
func signedOnce(f *testing.F) (md federation.Metadata, post []byte, query string) {
	f.Helper()
	files := []string{"testdata/fuzz-service.xml", "testdata/fuzz-post.xml", "testdata/fuzz-query.txt"}
	if *update {
		for i, data := range [][]byte{
			[]byte(spMetadata(signingKey(rsaKey()), postACS)),
			must(signedRequest(f, authnRequest("", ""), rsaKey()).WriteToBytes()),
			[]byte(redirect(f, authnRequest("", ""), "state", rsaKey())),
		} {
			if err := os.WriteFile(files[i], data, 0o600); err != nil {
				f.Fatal(err)
			}
		}
	}
	md, err := federation.ParseMetadata(must(os.ReadFile(files[0])), noon)
	if err != nil {
		f.Fatal(err)
	}
	return md, must(os.ReadFile(files[1])), string(must(os.ReadFile(files[2])))
}

// onlySigned fails for a message that is taken for more than what the service
// signed.
func onlySigned(t *testing.T, m *federation.Message, md federation.Metadata) bool {
	t.Helper()
	r, err := m.Check(md, sso, noon)
	if _, refused := errors.AsType[*federation.RefusalError](err); refused || err == nil && (r.ID != "_request" || r.Consumer != acs || r.ForceAuthn) {
		t.Errorf("Check = %+v, %v, which the service never signed", r, err)
	}
	return err == nil
}

// No input makes a request but what the service signed.
func FuzzReadPost(f *testing.F) {
	md, good, _ := signedOnce(f)
	f.Add(good)
	f.Add([]byte(authnRequest(`ForceAuthn="1"`, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := federation.ReadPost(base64.StdEncoding.EncodeToString(raw), "")
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
		m, err := federation.ReadRedirect(query)
		if err == nil && !onlySigned(t, m, md) && query == good {
			t.Error("Check refuses what the service signed")
		}
	})
}
