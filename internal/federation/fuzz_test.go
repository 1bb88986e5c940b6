package federation_test

import (
	"encoding/base64"
	"errors"
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

// No input makes a request but what the service signed.
func FuzzReadPost(f *testing.F) {
	md := service(f, signingKey(rsaKey()), signingKey(ecKey()), postACS)
	good := must(signedRequest(f, authnRequest("", ""), rsaKey()).WriteToBytes())
	f.Add(good)
	f.Add([]byte(authnRequest(`ForceAuthn="1"`, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := federation.ReadPost(base64.StdEncoding.EncodeToString(raw), "")
		if err != nil {
			return
		}
		r, err := m.Check(md, sso, noon)
		if _, refused := errors.AsType[*federation.RefusalError](err); refused || err == nil && (r.ID != "_request" || r.Consumer != acs || r.ForceAuthn) {
			t.Errorf("Check = %+v, %v, which the service never signed", r, err)
		}
	})
}

func FuzzReadRedirect(f *testing.F) {
	md := service(f, signingKey(rsaKey()), signingKey(ecKey()), postACS)
	good := redirect(f, authnRequest("", ""), "state", rsaKey())
	f.Add(good)
	f.Add("SAMLRequest=&Signature=&SAMLEncoding=")
	f.Fuzz(func(t *testing.T, query string) {
		m, err := federation.ReadRedirect(query)
		if err != nil {
			return
		}
		r, err := m.Check(md, sso, noon)
		if _, refused := errors.AsType[*federation.RefusalError](err); refused || err == nil && (r.ID != "_request" || r.Consumer != acs || r.ForceAuthn) {
			t.Errorf("Check = %+v, %v, which the service never signed", r, err)
		}
	})
}
