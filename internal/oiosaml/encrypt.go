package oiosaml

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// Recipient is a service's encryption key and what it can decrypt, in its order
// of preference; no Methods means that it does not say.
type Recipient struct {
	Certificate *x509.Certificate // RSA
	Methods     []Method
}

// Method is one EncryptionMethod of a service's metadata: a block cipher, or a
// key transport with its digest and mask generation ("" when not given).
type Method struct {
	Algorithm, Digest, MGF string
}

// block is a cipher for the assertion (XML Encryption 1.1 section 5.2).
type block struct {
	algorithm string
	size      int // of the key, in bytes
	gcm       bool
}

var blocks = []block{
	{nsXMLEnc11 + "aes256-gcm", 32, true},
	{nsXMLEnc11 + "aes192-gcm", 24, true},
	{nsXMLEnc11 + "aes128-gcm", 16, true},
	{nsXMLEnc + "aes256-cbc", 32, false},
	{nsXMLEnc + "aes192-cbc", 24, false},
	{nsXMLEnc + "aes128-cbc", 16, false},
}

// transport is RSA-OAEP in the old form, whose mask is always MGF1 with SHA-1,
// or the new form of XML Encryption 1.1 section 5.5.2, which names both.
type transport struct {
	algorithm string
	digest    string
	hash, mgf crypto.Hash
}

const (
	oaepOld = nsXMLEnc + "rsa-oaep-mgf1p"
	oaepNew = nsXMLEnc11 + "rsa-oaep"
	sha1URI = nsSignature + "sha1"
)

// oldTransport with AES-256-GCM is what every packaged service provider of today
// decrypts (mod_auth_mellon, SimpleSAMLphp and two more were tried). lasso and
// xmlsec1 1.2 do not know the new form at all, so it is used only when listed.
// SHA-1 is sound here: OAEP needs no collision resistance (RFC 8017 B.1).
var oldTransport = transport{oaepOld, sha1URI, crypto.SHA1, crypto.SHA1}

// choose takes the first cipher and the first transport of the list that we
// have, each else by default.
func (r Recipient) choose() (block, transport) {
	cipher, wrap := blocks[0], oldTransport
	var haveCipher, haveWrap bool
	for _, m := range r.Methods {
		for _, b := range blocks {
			if !haveCipher && b.algorithm == m.Algorithm {
				cipher, haveCipher = b, true
			}
		}
		if t, ok := m.transport(); ok && !haveWrap {
			wrap, haveWrap = t, true
		}
	}
	return cipher, wrap
}

// transport reads m as a key transport. In the new form SHA-256 stands in for
// what is not given, as the services that list it use it. rsa-1_5 is unknown.
func (m Method) transport() (transport, bool) {
	hashes := map[string]crypto.Hash{sha1URI: crypto.SHA1, digests[0]: crypto.SHA256}
	masks := map[string]crypto.Hash{nsXMLEnc11 + "mgf1sha1": crypto.SHA1, nsXMLEnc11 + "mgf1sha256": crypto.SHA256}
	switch m.Algorithm {
	case oaepOld:
		if m.Digest == "" {
			return oldTransport, true
		}
		t := transport{oaepOld, m.Digest, hashes[m.Digest], crypto.SHA1}
		return t, t.hash != 0
	case oaepNew:
		t := transport{oaepNew, m.Digest, hashes[m.Digest], masks[m.MGF]}
		if m.Digest == "" {
			t.digest, t.hash = digests[0], crypto.SHA256
		}
		if m.MGF == "" {
			t.mgf = crypto.SHA256
		}
		return t, t.hash != 0 && t.mgf != 0
	}
	return transport{}, false
}

// Encrypt returns the EncryptedAssertion that holds a signed assertion.
func (r Recipient) Encrypt(assertion []byte) (string, error) {
	var w xmlWriter
	err := r.encrypt(&w, assertion)
	return string(w.b), err
}

// encrypt writes the EncryptedAssertion that holds the signed assertion.
func (r Recipient) encrypt(w *xmlWriter, assertion []byte) error {
	return r.seal(w, "saml:EncryptedAssertion", assertion)
}

// seal writes an element of that tag which holds plain, an element, encrypted.
func (r Recipient) seal(w *xmlWriter, tag string, plain []byte) error {
	public, ok := r.Certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("encrypt: not an RSA key")
	}
	cipher, wrap := r.choose()
	key := make([]byte, cipher.size)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	sealed, err := cipher.seal(key, plain)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, key, &rsa.OAEPOptions{Hash: wrap.hash, MGFHash: wrap.mgf})
	if err != nil {
		return fmt.Errorf("encrypt a key: %w", err)
	}
	w.open(tag, "xmlns:saml", nsAssertion)
	w.open("xenc:EncryptedData", "xmlns:xenc", nsXMLEnc, "Type", nsXMLEnc+"Element")
	w.leaf("xenc:EncryptionMethod", "", "Algorithm", cipher.algorithm)
	w.open("ds:KeyInfo", "xmlns:ds", nsSignature)
	w.open("xenc:EncryptedKey")
	w.open("xenc:EncryptionMethod", "Algorithm", wrap.algorithm)
	w.leaf("ds:DigestMethod", "", "Algorithm", wrap.digest)
	if wrap.algorithm == oaepNew {
		name := map[crypto.Hash]string{crypto.SHA1: "mgf1sha1", crypto.SHA256: "mgf1sha256"}[wrap.mgf]
		w.leaf("xenc11:MGF", "", "xmlns:xenc11", nsXMLEnc11, "Algorithm", nsXMLEnc11+name)
	}
	w.close("xenc:EncryptionMethod")
	cipherData(w, wrapped)
	w.close("xenc:EncryptedKey")
	w.close("ds:KeyInfo")
	cipherData(w, sealed)
	w.close("xenc:EncryptedData")
	w.close(tag)
	return nil
}

func cipherData(w *xmlWriter, data []byte) {
	w.open("xenc:CipherData")
	w.base64("xenc:CipherValue", data)
	w.close("xenc:CipherData")
}

// seal encrypts with a fresh IV in front, as XML Encryption wants it: 12 octets
// for GCM with the tag at the end, 16 for CBC with the last octet saying how
// many were padded (section 5.2.2).
func (b block) seal(key, plain []byte) ([]byte, error) {
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("set up AES: %w", err)
	}
	if b.gcm {
		aead, err := cipher.NewGCMWithRandomNonce(c)
		if err != nil {
			return nil, fmt.Errorf("set up GCM: %w", err)
		}
		return aead.Seal(nil, nil, plain, nil), nil //nolint:gosec // the nonce is made inside, at random
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(bytes.Clone(plain), make([]byte, n)...)
	plain[len(plain)-1] = byte(n)
	sealed := make([]byte, aes.BlockSize+len(plain))
	if _, err := rand.Read(sealed[:aes.BlockSize]); err != nil {
		return nil, fmt.Errorf("make an IV: %w", err)
	}
	cipher.NewCBCEncrypter(c, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], plain) //nolint:gosec // the IV was just filled at random
	return sealed, nil
}
