package oiosaml_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml/peer"

	"github.com/beevik/etree"
)

const (
	xmlenc   = "http://www.w3.org/2001/04/xmlenc#"
	xmlenc11 = "http://www.w3.org/2009/xmlenc11#"
)

func method(algorithm, inner string) string {
	return `<md:EncryptionMethod Algorithm="` + algorithm + `">` + inner + `</md:EncryptionMethod>`
}

func digestMethod(uri string) string {
	return `<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="` + uri + `"/>`
}

// xmlsec1 decrypts what we encrypt and verifies the assertion that comes out.
// It knows the old key transport only, with SHA-1 as mask.
func TestDecryptByXMLSec(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, methods, want string }{
		{"default", "", xmlenc11 + "aes256-gcm"},
		{"unknown ones only", method("urn:unknown", "") + method(xmlenc+"rsa-1_5", ""), xmlenc11 + "aes256-gcm"},
		{"AES-256-CBC first", method(xmlenc+"aes256-cbc", "") + method(xmlenc11+"aes256-gcm", ""), xmlenc + "aes256-cbc"},
		{"AES-192-CBC", method(xmlenc+"aes192-cbc", ""), xmlenc + "aes192-cbc"},
		{"AES-128-CBC", method(xmlenc+"tripledes-cbc", "") + method(xmlenc+"aes128-cbc", ""), xmlenc + "aes128-cbc"},
		{"AES-192-GCM", method(xmlenc11+"aes192-gcm", ""), xmlenc11 + "aes192-gcm"},
		{"AES-128-GCM", method(xmlenc11+"aes128-gcm", "") + method(xmlenc+"rsa-oaep-mgf1p", digestMethod("http://www.w3.org/2000/09/xmldsig#sha1")), xmlenc11 + "aes128-gcm"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			response := respond(t, request, peer.Service(t, peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), tc.methods), peer.PostACS))
			if !bytes.Contains(response, []byte(tc.want)) || bytes.Contains(response, []byte(person.Email)) {
				t.Errorf("response = %s, want it encrypted by %s", response, tc.want)
			}
			pkcs8, _, err := peer.Other().Marshal()
			if err != nil {
				t.Fatal(err)
			}
			plain, err := xmlsec(t, response, "--decrypt", "--privkey-pem", pemFile(t, "PRIVATE KEY", pkcs8))
			if err != nil || !bytes.Contains(plain, []byte(person.Email)) {
				t.Fatalf("xmlsec1 --decrypt = %v, %s", err, plain)
			}
			if !verified(t, plain, "Assertion", peer.RSA()) {
				t.Errorf("xmlsec1 does not verify %s", plain)
			}
		})
	}
}

// The key transports that xmlsec1 1.2 cannot do are undone by Go's own OAEP.
func TestKeyTransport(t *testing.T) {
	t.Parallel()
	const sha1, sha256 = "http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha256"
	mgf := func(name string) string {
		return `<x:MGF xmlns:x="` + xmlenc11 + `" Algorithm="` + xmlenc11 + name + `"/>`
	}
	for _, tc := range []struct {
		name, methods, algorithm string
		hash, mask               crypto.Hash
	}{
		{"default", "", xmlenc + "rsa-oaep-mgf1p", crypto.SHA1, crypto.SHA1},
		{"old with SHA-256", method(xmlenc+"rsa-oaep-mgf1p", digestMethod(sha256)), xmlenc + "rsa-oaep-mgf1p", crypto.SHA256, crypto.SHA1},
		{"old with an unknown digest", method(xmlenc+"rsa-oaep-mgf1p", digestMethod("urn:x")), xmlenc + "rsa-oaep-mgf1p", crypto.SHA1, crypto.SHA1},
		{"new", method(xmlenc11+"rsa-oaep", ""), xmlenc11 + "rsa-oaep", crypto.SHA256, crypto.SHA256},
		{"new with both given", method(xmlenc11+"rsa-oaep", digestMethod(sha256)+mgf("mgf1sha1")), xmlenc11 + "rsa-oaep", crypto.SHA256, crypto.SHA1},
		{"new with SHA-1", method(xmlenc11+"rsa-oaep", digestMethod(sha1)+mgf("mgf1sha1")), xmlenc11 + "rsa-oaep", crypto.SHA1, crypto.SHA1},
		{"new with an unknown mask", method(xmlenc11+"rsa-oaep", mgf("mgf1md5")), xmlenc + "rsa-oaep-mgf1p", crypto.SHA1, crypto.SHA1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(respond(t, request, peer.Service(t, peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), tc.methods), peer.PostACS))); err != nil {
				t.Fatal(err)
			}
			if got := doc.FindElement("//EncryptedKey/EncryptionMethod").SelectAttrValue("Algorithm", ""); got != tc.algorithm {
				t.Errorf("key transport = %s, want %s", got, tc.algorithm)
			}
			value := func(path string) []byte {
				return peer.Must(base64.StdEncoding.DecodeString(doc.FindElement(path).Text()))
			}
			key, err := peer.Other().Private.(crypto.Decrypter).Decrypt(nil, value("//EncryptedKey//CipherValue"), &rsa.OAEPOptions{Hash: tc.hash, MGFHash: tc.mask})
			if err != nil {
				t.Fatalf("unwrap the key: %v", err)
			}
			aead := peer.Must(cipher.NewGCM(peer.Must(aes.NewCipher(key))))
			sealed := value("//EncryptedData/CipherData/CipherValue")
			plain, err := aead.Open(nil, sealed[:12], sealed[12:], nil)
			if err != nil || !strings.HasPrefix(string(plain), "<saml:Assertion ") {
				t.Errorf("decrypt = %v, %s", err, plain)
			}
		})
	}
}
