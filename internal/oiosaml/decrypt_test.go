package oiosaml_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml/xmlenc"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

const (
	digSHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	digSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	secretXML = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a"><saml:Issuer>it's me</saml:Issuer></saml:Assertion>`
)

// opener has two keys, and the messages are encrypted to the second.
func opener(cbc bool) oiosaml.Opener {
	return oiosaml.Opener{Keys: []oiosaml.Key{peer.EC(), peer.RSA(), peer.Other()}, CBC: cbc}
}

// wrapped is one EncryptedAssertion; key is the EncryptedKey's place.
func wrapped(tag, cipherURI, key, value string) string {
	return `<saml:` + tag + ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:x="` + xmlenc + `" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` +
		`<x:EncryptedData><x:EncryptionMethod Algorithm="` + cipherURI + `"/><ds:KeyInfo>` + key + `</ds:KeyInfo>` +
		`<x:CipherData><x:CipherValue>` + value + `</x:CipherValue></x:CipherData></x:EncryptedData></saml:` + tag + `>`
}

func encryptedKey(algorithm, inner, value string) string {
	return `<x:EncryptedKey><x:EncryptionMethod Algorithm="` + algorithm + `">` + inner + `</x:EncryptionMethod>` +
		`<x:CipherData><x:CipherValue>` + value + `</x:CipherValue></x:CipherData></x:EncryptedKey>`
}

func element(t testing.TB, xml string) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(xml); err != nil || doc.Root() == nil {
		t.Fatalf("read %s: %v", xml, err)
	}
	return doc.Root()
}

// wantSecret fails unless o reads the assertion.
func wantSecret(t *testing.T, o oiosaml.Opener, xml string) {
	t.Helper()
	got, err := o.Open(element(t, xml))
	if err != nil || got.SelectAttrValue("ID", "") != "_a" || got.FindElement("Issuer").Text() != "it's me" {
		t.Errorf("Open = %v, %v of %.2000s", got, err, xml)
	}
}

// wantShut fails unless o gives the one error.
func wantShut(t *testing.T, o oiosaml.Opener, xml string) {
	t.Helper()
	if got, err := o.Open(element(t, xml)); got != nil || !errors.Is(err, oiosaml.ErrDecrypt) || err.Error() != oiosaml.ErrDecrypt.Error() {
		t.Errorf("Open = %v, %v, want only ErrDecrypt of %.2000s", got, err, xml)
	}
}

// What xmlsec1 encrypts is read, with each cipher; CBC only when allowed.
func TestOpenWhatXMLSecEncrypts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cipher string
		cbc    bool
		size   string
	}{
		{xmlenc11 + "aes256-gcm", false, "256"},
		{xmlenc11 + "aes192-gcm", false, "192"},
		{xmlenc11 + "aes128-gcm", false, "128"},
		{xmlenc + "aes256-cbc", true, "256"},
		{xmlenc + "aes192-cbc", true, "192"},
		{xmlenc + "aes128-cbc", true, "128"},
	} {
		t.Run(tc.cipher, func(t *testing.T) {
			t.Parallel()
			template := `<x:EncryptedData xmlns:x="` + xmlenc + `" Type="` + xmlenc + `Element"><x:EncryptionMethod Algorithm="` + tc.cipher + `"/>` +
				`<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + encryptedKey(xmlenc+"rsa-oaep-mgf1p", digestMethod(digSHA1), "") + `</ds:KeyInfo>` +
				`<x:CipherData><x:CipherValue/></x:CipherData></x:EncryptedData>`
			data := filepath.Join(t.TempDir(), "data.xml")
			if err := os.WriteFile(data, []byte(secretXML), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := xmlsec(t, []byte(template), "--encrypt", "--session-key", "aes-"+tc.size,
				"--pubkey-cert-pem", pemFile(t, "CERTIFICATE", peer.Other().Certificate.Raw), "--xml-data", data)
			if err != nil {
				t.Fatalf("xmlsec1 --encrypt: %v, %s", err, out)
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(out); err != nil {
				t.Fatal(err)
			}
			wrapper := element(t, `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`)
			wrapper.AddChild(doc.Root())
			xml := serialise(t, wrapper)
			wantSecret(t, opener(tc.cbc), xml)
			if tc.cbc {
				wantShut(t, opener(false), xml)
			}
			wantShut(t, oiosaml.Opener{Keys: []oiosaml.Key{peer.RSA(), peer.EC()}, CBC: true}, xml)
		})
	}
}

func serialise(t testing.TB, el *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(el.Copy())
	return peer.Must(doc.WriteToString())
}

// crewjam's own encryptor: its default has SHA-256 for digest and mask under the
// old name, and it misnames the digest.
func TestOpenWhatCrewjamEncrypts(t *testing.T) {
	t.Parallel()
	for _, block := range []crewjam.BlockCipher{crewjam.AES128CBC, crewjam.AES192CBC, crewjam.AES256CBC} {
		for _, digest := range []crewjam.DigestMethod{crewjam.SHA1, crewjam.SHA256, crewjam.SHA512} {
			t.Run(block.Algorithm()+" "+digest.Algorithm(), func(t *testing.T) {
				t.Parallel()
				how := crewjam.OAEP()
				how.BlockCipher, how.DigestMethod = block, digest
				wrapper := element(t, `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`)
				wrapper.AddChild(peer.Must(how.Encrypt(peer.Other().Certificate, []byte(secretXML), nil)))
				wantSecret(t, opener(true), serialise(t, wrapper))
			})
		}
	}
}

// seal encrypts with AES-GCM and returns the key and the CipherValue.
func seal(plain string, size int) (key []byte, value string) {
	key = make([]byte, size)
	peer.Must(rand.Read(key))
	aead := peer.Must(cipher.NewGCMWithRandomNonce(peer.Must(aes.NewCipher(key))))
	return key, base64.StdEncoding.EncodeToString(aead.Seal(nil, nil, []byte(plain), nil))
}

func wrap(key []byte, hash, mask crypto.Hash, label string) string {
	public := peer.Other().Certificate.PublicKey.(*rsa.PublicKey)
	return base64.StdEncoding.EncodeToString(peer.Must(rsa.EncryptOAEPWithOptions(rand.Reader, public, key,
		&rsa.OAEPOptions{Hash: hash, MGFHash: mask, Label: []byte(label)})))
}

// The key transports that xmlsec1 1.2 cannot write, made with Go's own OAEP.
func TestOpenKeyTransport(t *testing.T) {
	t.Parallel()
	mgf := func(name string) string {
		return `<y:MGF xmlns:y="` + xmlenc11 + `" Algorithm="` + xmlenc11 + name + `"/>`
	}
	for _, tc := range []struct {
		name, algorithm, inner string
		hash, mask             crypto.Hash
		label                  string
		shut                   bool
	}{
		{name: "old, nothing given", algorithm: xmlenc + "rsa-oaep-mgf1p", hash: crypto.SHA1, mask: crypto.SHA1},
		{name: "old with SHA-256", algorithm: xmlenc + "rsa-oaep-mgf1p", inner: digestMethod(digSHA256), hash: crypto.SHA256, mask: crypto.SHA1},
		{name: "old with SHA-256 for both", algorithm: xmlenc + "rsa-oaep-mgf1p", inner: digestMethod(digSHA256), hash: crypto.SHA256, mask: crypto.SHA256},
		{name: "old with a label", algorithm: xmlenc + "rsa-oaep-mgf1p", inner: `<x:OAEPparams>bGFiZWw=</x:OAEPparams>`, hash: crypto.SHA1, mask: crypto.SHA1, label: "label"},
		{name: "new, nothing given", algorithm: xmlenc11 + "rsa-oaep", hash: crypto.SHA1, mask: crypto.SHA1},
		{name: "new with SHA-256 for both", algorithm: xmlenc11 + "rsa-oaep", inner: digestMethod(digSHA256) + mgf("mgf1sha256"), hash: crypto.SHA256, mask: crypto.SHA256},
		{name: "new with SHA-256 and SHA-1", algorithm: xmlenc11 + "rsa-oaep", inner: digestMethod(digSHA256) + mgf("mgf1sha1"), hash: crypto.SHA256, mask: crypto.SHA1},
		{name: "new with SHA-1 and SHA-256", algorithm: xmlenc11 + "rsa-oaep", inner: digestMethod(digSHA1) + mgf("mgf1sha256"), hash: crypto.SHA1, mask: crypto.SHA256},
		{name: "unknown digest", algorithm: xmlenc11 + "rsa-oaep", inner: digestMethod("urn:x"), hash: crypto.SHA1, mask: crypto.SHA1, shut: true},
		{name: "unknown mask", algorithm: xmlenc11 + "rsa-oaep", inner: mgf("mgf1md5"), hash: crypto.SHA1, mask: crypto.SHA1, shut: true},
		{name: "another mask than named", algorithm: xmlenc11 + "rsa-oaep", inner: mgf("mgf1sha1"), hash: crypto.SHA1, mask: crypto.SHA256, shut: true},
		{name: "no algorithm", hash: crypto.SHA1, mask: crypto.SHA1, shut: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key, value := seal(secretXML, 32)
			xml := wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", encryptedKey(tc.algorithm, tc.inner, wrap(key, tc.hash, tc.mask, tc.label)), value)
			if tc.shut {
				wantShut(t, opener(true), xml)
			} else {
				wantSecret(t, opener(false), xml)
			}
		})
	}
}

// rsa-1_5 stays shut although our key could undo it.
func TestNeverRSA15(t *testing.T) {
	t.Parallel()
	key, value := seal(secretXML, 32)
	public := peer.Other().Certificate.PublicKey.(*rsa.PublicKey)
	old := peer.Must(rsa.EncryptPKCS1v15(rand.Reader, public, key)) //nolint:staticcheck // what must be refused
	wantShut(t, opener(true), wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm",
		encryptedKey(xmlenc+"rsa-1_5", "", base64.StdEncoding.EncodeToString(old)), value))
}

// Each wrapper holds its own element and no other; several readers share one
// message; the key may stand beside the data.
func TestOpenWrappers(t *testing.T) {
	t.Parallel()
	good := func(tag, plain string) string {
		key, value := seal(plain, 16)
		return wrapped(tag, xmlenc11+"aes128-gcm", encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", wrap(key, crypto.SHA1, crypto.SHA1, "")), value)
	}
	name := `<NameID xmlns="urn:oasis:names:tc:SAML:2.0:assertion">abc</NameID>`
	if got, err := opener(false).Open(element(t, good("EncryptedID", name))); err != nil || got.Text() != "abc" {
		t.Errorf("Open(EncryptedID) = %v, %v", got, err)
	}
	if got, err := opener(false).Open(element(t, good("EncryptedAttribute", strings.ReplaceAll(name, "NameID", "Attribute")))); err != nil || got.Tag != "Attribute" {
		t.Errorf("Open(EncryptedAttribute) = %v, %v", got, err)
	}
	for _, plain := range []string{
		name, "<!-- only this -->", "", " ", "text", "<a/><b/>", secretXML + secretXML, "<!DOCTYPE a>" + secretXML, "<?x y?>" + secretXML,
		good("EncryptedAssertion", secretXML), strings.Replace(secretXML, "2.0:assertion", "1.0:assertion", 1),
		strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60), "\xff\xfe<a/>",
	} {
		wantShut(t, opener(true), good("EncryptedAssertion", plain))
	}
	wantShut(t, opener(true), good("EncryptedThing", secretXML))

	key, value := seal(secretXML, 32)
	foreign := encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", base64.StdEncoding.EncodeToString(make([]byte, 256)))
	ours := encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", wrap(key, crypto.SHA1, crypto.SHA1, ""))
	wantSecret(t, opener(false), wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", foreign+ours, value))
	wantSecret(t, opener(false), strings.Replace(wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", foreign, value), "</x:EncryptedData>", "</x:EncryptedData>"+ours, 1))
	wantShut(t, opener(false), wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", strings.Repeat(foreign, 4)+ours, value))
}

// What is cut short, altered or missing is one error and no panic.
func TestOpenBroken(t *testing.T) {
	t.Parallel()
	key, value := seal(secretXML, 32)
	ours := encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", wrap(key, crypto.SHA1, crypto.SHA1, ""))
	sealed := peer.Must(base64.StdEncoding.DecodeString(value))
	for _, uri := range []string{xmlenc11 + "aes256-gcm", xmlenc + "aes256-cbc", "urn:x", ""} {
		for _, n := range []int{0, 1, 11, 12, 15, 16, 17, 27, 28, 31, 32, 33, 48, len(sealed) - 1} {
			wantShut(t, opener(true), wrapped("EncryptedAssertion", uri, ours, base64.StdEncoding.EncodeToString(sealed[:n])))
		}
	}
	whole := wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", ours, value)
	for _, el := range []string{"x:EncryptedData", "x:EncryptionMethod", "ds:KeyInfo", "x:CipherData", "x:CipherValue", "x:EncryptedKey"} {
		wantShut(t, opener(true), strings.ReplaceAll(strings.ReplaceAll(whole, "<"+el, "<x:Other"), "</"+el+">", "</x:Other>"))
	}
	altered := bytes.Clone(sealed)
	altered[20] ^= 1
	wantShut(t, opener(true), wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", ours, base64.StdEncoding.EncodeToString(altered)))
	wantShut(t, opener(true), wrapped("EncryptedAssertion", xmlenc11+"aes128-gcm", ours, value)) // the key has another size
	wantShut(t, opener(true), wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", "", value))
	wantShut(t, oiosaml.Opener{}, whole)
}

// Every padding octet of CBC gives the one error.
func TestOpenPadding(t *testing.T) {
	t.Parallel()
	key := make([]byte, 16)
	for last := range 256 {
		plain := []byte(fmt.Sprintf("%-31s", "no XML at all"))
		plain = append(plain, byte(last))
		sealed := make([]byte, 16+len(plain))
		cipher.NewCBCEncrypter(peer.Must(aes.NewCipher(key)), sealed[:16]).CryptBlocks(sealed[16:], plain)
		wantShut(t, opener(true), wrapped("EncryptedAssertion", xmlenc+"aes128-cbc",
			encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", wrap(key, crypto.SHA1, crypto.SHA1, "")), base64.StdEncoding.EncodeToString(sealed)))
	}
}

// Whatever arrives: an element of the right name, or ErrDecrypt.
func FuzzOpen(f *testing.F) {
	key, value := seal(secretXML, 32)
	ours := encryptedKey(xmlenc+"rsa-oaep-mgf1p", "", wrap(key, crypto.SHA1, crypto.SHA1, ""))
	f.Add(wrapped("EncryptedAssertion", xmlenc11+"aes256-gcm", ours, value))
	f.Add(wrapped("EncryptedID", xmlenc+"aes128-cbc", ours, "AAAA"))
	f.Fuzz(func(t *testing.T, xml string) {
		doc := etree.NewDocument()
		if doc.ReadFromString(xml) != nil || doc.Root() == nil {
			return
		}
		got, err := opener(true).Open(doc.Root())
		if err == nil && got.Tag != "Assertion" && got.Tag != "NameID" && got.Tag != "Attribute" || err != nil && !errors.Is(err, oiosaml.ErrDecrypt) {
			t.Errorf("Open = %v, %v", got, err)
		}
	})
}
